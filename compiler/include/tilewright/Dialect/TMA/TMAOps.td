//===- TMAOps.td - operations of the tma dialect -----------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_DIALECT_TMA_TMAOPS_TD
#define TILEWRIGHT_DIALECT_TMA_TMAOPS_TD

include "tilewright/Dialect/Interfaces/AsyncInterfaces.td"
include "tilewright/Dialect/TMA/TMADialect.td"
include "tilewright/Dialect/Tile/TileTypes.td"
include "tilewright/Dialect/Pipe/PipeDialect.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class TMA_Op<string mnemonic, list<Trait> traits = []>
    : Op<TMADialect, mnemonic, traits>;

class TMA_EffectOp<string mnemonic, list<Trait> traits = []>
    : TMA_Op<mnemonic, traits # [
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]>;

def TMA_DescriptorOp : TMA_Op<"descriptor", [Pure]> {
  let summary = "The descriptor of a tensor: becomes a kernel parameter";
  let description = "`dims` lists the tensor's dimensions, innermost first.";
  let arguments = (ins Tile_TensorType:$tensor, DenseI64ArrayAttr:$dims);
  let results = (outs TMA_DescType:$desc);
  let assemblyFormat = [{
    $tensor `dims` $dims attr-dict `:` qualified(type($tensor)) `->` qualified(type($desc))
  }];
  let hasVerifier = 1;
}

def TMA_PrefetchOp : TMA_EffectOp<"prefetch"> {
  let summary = "Prefetches a descriptor (prefetch.tensormap)";
  let arguments = (ins TMA_DescType:$desc);
  let assemblyFormat = "$desc attr-dict `:` qualified(type($desc))";
}

def TMA_LoadOp : TMA_EffectOp<"load", [
    AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<SlotFillerInterface>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Loads a box into a view; its bytes arrive at the slot";
  let description = [{
    `coords` innermost first. `byte_offset` places the box within the view (an
    atom of a wide tile). One thread issues it (PTX ISA,
    cp.async.bulk.tensor). With `multicast` n the leader of a cluster of n
    (rank 0) issues it for all: the box goes to the same place in each CTA, its
    bytes arrive at the same barrier of each; the other CTAs issue nothing.
    What is `streamed`, read by nobody again, the L2 cache evicts first: this
    changes no result.
  }];
  let arguments = (ins
    TMA_DescType:$desc, Variadic<Index>:$coords, Tile_ViewType:$dest,
    Pipe_SlotType:$slot, Optional<I1>:$streamed, DefaultValuedAttr<I64Attr, "0">:$byte_offset,
    DefaultValuedAttr<I64Attr, "1">:$multicast);
  let assemblyFormat = [{
    $desc `[` $coords `]` `to` $dest (`plus` $byte_offset^)? `arrive` $slot
    (`multicast` $multicast^)? (`streamed` $streamed^)? attr-dict `:` qualified(type($desc)) `,` qualified(type($dest)) `,` qualified(type($slot))
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Bytes that arrive at the slot's full barrier.
    int64_t getBytes();
  }];
}

def TMA_StoreOp : TMA_EffectOp<"store", [
    DeclareOpInterfaceMethods<AsyncReaderInterface>]> {
  let summary = "Stores a box of a view to a tensor; `reduce` adds instead";
  let arguments = (ins
    Tile_ViewType:$source, DefaultValuedAttr<I64Attr, "0">:$byte_offset,
    TMA_DescType:$desc, Variadic<Index>:$coords, UnitAttr:$reduce);
  let assemblyFormat = [{
    $source (`plus` $byte_offset^)? `to` $desc `[` $coords `]`
    (`reduce` $reduce^)? attr-dict `:` qualified(type($source)) `,` qualified(type($desc))
  }];
  let hasVerifier = 1;
}

def TMA_CommitGroupOp : TMA_EffectOp<"commit_group"> {
  let summary = "Closes a group of bulk stores of this thread";
  let assemblyFormat = "attr-dict";
}

def TMA_WaitGroupOp : TMA_EffectOp<"wait_group"> {
  let summary = "Waits until at most `pending` groups still read shared memory";
  let description = "PTX ISA, cp.async.bulk.wait_group.read.";
  let arguments = (ins I64Attr:$pending);
  let assemblyFormat = "$pending attr-dict";
  let hasVerifier = 1;
}

def TMA_ElectOp : TMA_Op<"elect", [
    SingleBlock, NoTerminator, RecursiveMemoryEffects]> {
  let summary = "One fixed thread of the role, its group or its warp runs the body";
  let description = [{
    The same thread each time, so that groups of bulk copies, which belong to
    a thread, can be waited for. `role` elects one thread of all the role's,
    `group` one of the warpgroup, otherwise it is one of the warp.
  }];
  let arguments = (ins UnitAttr:$group, UnitAttr:$role);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    (`group` $group^)? (`role` $role^)? attr-dict-with-keyword $body
  }];
}

#endif // TILEWRIGHT_DIALECT_TMA_TMAOPS_TD
