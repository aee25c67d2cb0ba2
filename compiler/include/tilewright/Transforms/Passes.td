//===- Passes.td - the passes, in pipeline order -----------*- tablegen -*-===//
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

def TileExpandClusterSums : Pass<"tile-expand-cluster-sums", "::tilewright::tile::KernelOp"> {
  let summary = "Turns cluster_sum into an exchange of parts through shared memory";
  let dependentDialects = ["::tilewright::pipe::PipeDialect", "::mlir::arith::ArithDialect"];
  let description = [{
    Cuts the tile along one axis into a part for each CTA of the cluster. Each
    CTA sends the others their parts through the slots of an `exchange` ring, adds up the part
    that is its own, and computes and stores only that. The order of additions
    is that of the CTAs' ranks.

    (* example filepath=test/lit/Transforms/tile-expand-cluster-sums.mlir *)
  }];
}

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
  let dependentDialects = ["::tilewright::tma::TMADialect", "::tilewright::pipe::PipeDialect"];
  let description = [{
    A copy whose subscript is a box becomes a `tma.load`; a store by warpgroups
    becomes a sequence of staged stores, one a chunk, through a ring that the
    copy engine empties. A remark says what was chosen and why.
  }];
}

def TMAInferMulticast : Pass<"tma-infer-multicast", "::tilewright::tile::KernelOp"> {
  let summary = "Loads once for a cluster what all its CTAs need";
  let dependentDialects = ["::tilewright::tma::TMADialect", "::tilewright::pipe::PipeDialect"];
  let description = [{
    With `cluster N over c` a bulk load into a ring between roles is multicast
    to the N CTAs where neither its coordinates nor the loops and branches
    around its put depend on c, and its field is not private. Then the ring is
    marked, its slots are released to the leader too, and the role that fills
    it drains it before it ends. Remarks say which fields are multicast, and on
    what the others depend.

    (* example filepath=test/lit/Transforms/tma-infer-multicast.mlir *)
  }];
}

def TMAInferStreaming : Pass<"tma-infer-streaming", "::tilewright::tile::KernelOp"> {
  let summary = "Lets the L2 cache forget first what is read once";
  let dependentDialects = ["::tilewright::tma::TMADialect", "::mlir::arith::ArithDialect"];
  let description = [{
    A box whose coordinates depend on every component of the iterator is read
    by one tile alone. If they do not depend on a component, it is read by as
    many tiles as that has values: once if it has one, which is known when the
    kernel runs. Such loads are `streamed`. Hint `stream=0` leaves
    this out.

    (* example filepath=test/lit/Transforms/tma-infer-streaming.mlir *)
  }];
}

def FP8ExpandPromotion : Pass<"fp8-expand-promotion", "::tilewright::tile::KernelOp"> {
  let summary = "Builds the region of mma.contract from fp8.promote";
  let dependentDialects = ["::tilewright::mma::MMADialect", "::mlir::math::MathDialect"];
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

def PipeVerifyRings : Pass<"pipe-verify-rings", "::tilewright::tile::KernelOp"> {
  let summary = "Proves the protocol of a kernel for every trip count";
  let description = [{
    Proves, or rejects with the events by source line: all users of a ring take
    equally many slots on every path in every CTA; each slot is committed or
    released once, after its last use and with the tokens of its asynchronous
    readers; contributors fill disjoint fields and together all; no role waits
    for ever, for loops of any number of iterations. What it cannot analyse is
    an error. See "How pipe-verify-rings proves it" in docs/rationale/pipe.md.

    Changes nothing but the kernel's attribute `protocol`: the rings `proved`,
    and the tensors that are assumed to be `unchanging` while the kernel runs,
    because loop bounds or conditions read them.

    (* example filepath=test/lit/Transforms/pipe-verify-rings.mlir *)
  }];
}

def PipeChooseSchedule : Pass<"pipe-choose-schedule", "::tilewright::tile::KernelOp"> {
  let summary = "Decides how often loops over slots are unrolled, and what peeks";
  let description = [{
    Decisions are attributes of the loops: `tile.unroll` and `tile.peek`. Hints
    (`with unroll 2`, or `--hint unroll=2` for the kernel) go before defaults.
    The hint `static` sets `indexing` of the rings whose slots the loop takes,
    and puts a `pipe.restart` before their driving loops; where a ring cannot
    be static it is an error that says why.

    (* example filepath=test/lit/Transforms/pipe-choose-schedule.mlir *)
  }];
}

//===----------------------------------------------------------------------===//
// Planned -> distributed
//===----------------------------------------------------------------------===//

def TileDistribute : Pass<"tile-distribute", "::tilewright::tile::KernelOp"> {
  let summary = "Replaces register tiles by each thread's vector";
  let dependentDialects = ["::mlir::vector::VectorDialect"];
}

def TilePrefetchReads
    : Pass<"tile-prefetch-reads", "::tilewright::tile::KernelOp"> {
  let summary = "Reads of a loop's next iteration are started in this one";
  let dependentDialects = ["::mlir::arith::ArithDialect"];
  let description = [{
    A read of one element of a tensor that the kernel never writes, in a loop
    on whose counter alone its place depends, is done one iteration ahead; the
    value is carried. Loops with more than `most` such reads are left alone:
    each costs a register. The hint `prefetch 0` turns it off.

    (* example filepath=test/lit/Transforms/tile-prefetch-reads.mlir *)
  }];
  let options = [
    Option<"most", "most", "int64_t", /*default=*/"8",
           "the most elements that a loop carries">];
}

def MMAExpandWaves : Pass<"mma-expand-waves", "::tilewright::tile::KernelOp"> {
  let summary = "Expands contractions into waves of wgmma with tied waits";
  let dependentDialects = ["::mlir::vector::VectorDialect"];
}

def PipeUnrollLoops : Pass<"pipe-unroll-loops", "::tilewright::tile::KernelOp"> {
  let summary = "Unrolls loops as tile.unroll says; the remainder stays rolled";
  let dependentDialects = ["::mlir::arith::ArithDialect"];
  let description = [{
    Any trip count is right: whole multiples of the factor run unrolled, the
    remainder in a copy of the loop.

    (* example filepath=test/lit/Transforms/pipe-unroll-loops.mlir *)
  }];
}

def MMAOverlapWaves : Pass<"mma-overlap-waves", "::tilewright::tile::KernelOp"> {
  let summary = "Issues the next slot's product before this one's is summed";
  let dependentDialects = ["::tilewright::mma::MMADialect"];
  let description = [{
    In loops with `tile.overlap`, behind unrolling: the wait of each copy of the
    body, the release and the promotion move behind the next copy's products,
    which have a second set of partial sums. The last copy waits for all.

    (* example filepath=test/lit/Transforms/mma-overlap-waves.mlir *)
  }];
}

//===----------------------------------------------------------------------===//
// Distributed -> explicit
//===----------------------------------------------------------------------===//

def PipeIndexRings : Pass<"pipe-index-rings", "::tilewright::tile::KernelOp"> {
  let summary = "Gives every acquired slot its running index and phase bit";
  let dependentDialects = ["::mlir::arith::ArithDialect"];
  let description = [{
    Each role counts the slots that it acquires from a ring, per direction: the
    slot index runs from 0 to depth - 1 and around, the phase bit flips with
    each round. Both start at 0 and are carried as SSA values through
    `tile.for_each`, `scf.for`, `scf.if` and `scf.while`, so any trip count is
    right, zero included. A ring of depth 1 carries only the phase; a ring that
    the copy engine empties carries only the index.

    In a static ring the index begins at 0 at each `pipe.restart`: constants in
    a loop that is unrolled by a multiple of the depth, else a counter that the
    loop carries. The phase bits of all places are one carried value, bit s
    that of place s, flipped by each use.

    (* example filepath=test/lit/Transforms/pipe-index-rings.mlir *)
  }];
}

def PipeLowerToBarriers
    : Pass<"pipe-lower-to-barriers", "::tilewright::tile::KernelOp"> {
  let summary = "Replaces acquire, commit and release by waits and arrivals";
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::tilewright::tma::TMADialect"];
  let description = [{
    Between roles: `acquire_get` waits for the full barrier, `acquire_put` for
    the empty one with the opposite parity (so the first round passes at once),
    `commit` arrives at the full barrier and expects the bytes of the bulk
    copies into the slot, `release` arrives once a warp at the empty barrier.

    Towards the copy engine: `acquire_put` waits until the bulk stores that
    read the slot have read it, `commit` is a barrier of the warpgroup, and a
    role waits for its last stores before it ends.

    (* example filepath=test/lit/Transforms/pipe-lower-to-barriers.mlir *)
  }];
}

def PipePeekWaits : Pass<"pipe-peek-waits", "::tilewright::tile::KernelOp"> {
  let summary = "Asks for the next slot where this one is given back";
  let dependentDialects = ["::mlir::arith::ArithDialect"];
  let description = [{
    In loops with `tile.peek`: a `pipe.try_wait` for the next slot follows each
    release, over the back-edge too, and the wait happens only where its answer
    was no.

    (* example filepath=test/lit/Transforms/pipe-peek-waits.mlir *)
  }];
}

def PipeInsertProxyFences
    : Pass<"pipe-insert-proxy-fences", "::tilewright::tile::KernelOp"> {
  let summary = "Orders generic writes of shared memory before asynchronous reads";
  let description = [{
    Decided from memory effects: where generic writes (SharedMemory) may be
    outstanding and a barrier publishes them, or the same thread starts an
    asynchronous access (AsyncSharedMemory), a `pipe.proxy_fence` goes first.

    (* example filepath=test/lit/Transforms/pipe-insert-proxy-fences.mlir *)
  }];
}

def PipeVerifyBarriers : Pass<"pipe-verify-barriers", "::tilewright::tile::KernelOp"> {
  let summary = "Proves the explicit barriers of a kernel";
  let description = [{
    Rejects, by source line, any operation on barriers or shared memory that the
    event model does not allow: the wrong place, parity, barrier, number of
    arrivals or bytes; a slot that is touched while it is not held; a missing
    fence; a slot given back before the last asynchronous read has ended. Each
    role for any trip counts, all roles together for some. What it cannot follow
    is an error. See docs/rationale/barriers.md.

    Changes nothing but the kernel's attribute `barrier_proof`: the `states` of
    roles that were looked at, and the `runs` of all roles together with up to
    so many `iterations` of loops and `items` of iterators.

    (* example filepath=test/lit/Transforms/pipe-verify-barriers.mlir *)
  }];
}

def PipeMutateBarriers : Pass<"pipe-mutate-barriers", "::tilewright::tile::KernelOp"> {
  let summary = "Makes one barrier operation wrong (for tests)";
  let description = [{
    Without a number prints, for each mutant, what `pipe-verify-barriers` says,
    a line of JSON each, and changes nothing.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
  let options = [Option<"number", "number", "int64_t", "-1", "Which mutant">];
}

def TileLowerIterators
    : Pass<"tile-lower-iterators", "::tilewright::tile::KernelOp"> {
  let summary = "Turns iterators over tiles into loops over tile numbers";
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::gpu::GPUDialect",
                           "::mlir::scf::SCFDialect"];
  let description = [{
    CTA b of g visits tile numbers b, b + g, … of a persistent iterator, only
    b of another; Support/Raster.h decodes a number. Records in the kernel's
    `launch` attribute how many tiles there are, as an expression.

    (* example filepath=test/lit/Transforms/tile-lower-iterators.mlir *)
  }];
}

def TileBranchRoles : Pass<"tile-branch-roles", "::mlir::ModuleOp"> {
  let summary = "Turns a kernel into a function in which warps branch to roles";
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::gpu::GPUDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::NVVM::NVVMDialect"];
  let description = [{
    Parameters are tensor maps, pointers, dimensions and strides; the module's
    `tilewright.manifest` lists them for the launcher. The prologue initialises
    barriers, then each warpgroup sets its registers and each warp runs its
    role. Operations that depend on the place of the role in the CTA
    (`tile.group`, `tile.thread`, `tma.elect`, `pipe.group_barrier`) are
    resolved here.

    (* example filepath=test/lit/Transforms/tile-branch-roles.mlir *)
  }];
}

#endif // TILEWRIGHT_TRANSFORMS_PASSES_TD
