//===- Passes.td - the passes, in pipeline order ------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_TRANSFORMS_PASSES_TD
#define TILEWRIGHT_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

//===----------------------------------------------------------------------===//
// Source level -> planned
//===----------------------------------------------------------------------===//

def TileSplitGroups : Pass<"tile-split-groups", "::tilewright::tile::KernelOp"> {
  let summary = "Divides the split axis of a role among its warpgroups";
  let description = [{
    In a role with `split("m")` every tile with axis `m` shrinks to the group's
    part, views of shared memory are sliced at `group * part`, and subscripts
    of tensors move by the same offset.

    (* example filepath=test/lit/Transforms/tile-split-groups.mlir *)
  }];
}

def TileInferLayouts : Pass<"tile-infer-layouts", "::tilewright::tile::KernelOp"> {
  let summary = "Chooses shared-memory layouts of fields and fragment layouts of tiles";
  let description = [{
    An operand of a contraction is stored with the widest swizzle that fits its
    contracted axis; other fields are plain. The result of a contraction is in
    the tensor core's accumulator layout; elementwise operations, loads and
    reads take the layout of their users, projected to their axes.
  }];
}

def TileFormCopies : Pass<"tile-form-copies", "::tilewright::tile::KernelOp"> {
  let summary = "Turns copies into bulk copies and stores into implicit rings";
  let description = [{
    A copy whose subscript is a box becomes a `tma.load`; a store of 16-bit
    accumulators becomes a staged store through a ring that the copy engine
    empties. A remark says what was chosen and why.
  }];
}

def FP8ExpandPromotion : Pass<"fp8-expand-promotion", "::tilewright::tile::KernelOp"> {
  let summary = "Builds the region of mma.contract from fp8.promote";
  let description = [{
    Also turns plain `tile.contract` with an accumulator into `mma.contract`
    without a region.
  }];
}

def TilePlanResources : Pass<"tile-plan-resources", "::tilewright::tile::KernelOp"> {
  let summary = "Gives roles warps and registers, rings depths and addresses";
}

def PipePlaceReleases : Pass<"pipe-place-releases", "::tilewright::tile::KernelOp"> {
  let summary = "Releases every slot once, where all its readers have retired";
}

//===----------------------------------------------------------------------===//
// Planned -> distributed
//===----------------------------------------------------------------------===//

def TileDistribute : Pass<"tile-distribute", "::tilewright::tile::KernelOp"> {
  let summary = "Replaces register tiles by each thread's vector";
}

def MMAExpandWaves : Pass<"mma-expand-waves", "::tilewright::tile::KernelOp"> {
  let summary = "Expands contractions into waves of wgmma with tied waits";
}

#endif // TILEWRIGHT_TRANSFORMS_PASSES_TD
