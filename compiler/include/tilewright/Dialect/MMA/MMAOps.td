//===- MMAOps.td - operations of the mma dialect -----------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_DIALECT_MMA_MMAOPS_TD
#define TILEWRIGHT_DIALECT_MMA_MMAOPS_TD

include "tilewright/Dialect/Interfaces/AsyncInterfaces.td"
include "tilewright/Dialect/MMA/MMADialect.td"
include "tilewright/Dialect/Tile/TileTypes.td"
include "tilewright/Dialect/Pipe/PipeDialect.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class MMA_Op<string mnemonic, list<Trait> traits = []>
    : Op<MMADialect, mnemonic, traits>;

class MMA_EffectOp<string mnemonic, list<Trait> traits = []>
    : MMA_Op<mnemonic, traits # [
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]>;

def MMA_ContractOp : MMA_EffectOp<"contract", [
    AttrSizedOperandSegments, SingleBlock,
    DeclareOpInterfaceMethods<AsyncReaderInterface, ["getReadToken"]>,
    DeclareOpInterfaceMethods<ContractionInterface>]> {
  let summary = "A contraction on the tensor cores and the code that consumes it";
  let description = [{
    For each wave of 64 rows a warpgroup: contracts `a` and `b` over the axes
    they share (all of them inside the views), waits, and runs the region on
    the wave's partial sums. Block arguments are the partial fragment, then the
    wave's part of every carried value, then the wave's part of every input
    (cut along the first operand's free axis where the input has it). The
    region yields the new carried values of the wave. The token stands for the
    asynchronous reads of `a` and `b`. `input_axes` holds a bool for each
    input: whether it has the first operand's free axis; once inputs are
    registers, their types no longer say so.

    Without a region the partial sums are added to the one carried value by the
    tensor core itself.
  }];
  let arguments = (ins
    Tile_ViewType:$a, Tile_ViewType:$b, Variadic<AnyType>:$carried,
    Variadic<AnyType>:$inputs, StrAttr:$axis_m, StrAttr:$axis_n,
    I64Attr:$wave_m, OptionalAttr<ArrayAttr>:$input_axes);
  let results = (outs Variadic<AnyType>:$results, Pipe_TokenType:$token);
  let regions = (region AnyRegion:$body);
  let assemblyFormat = [{
    $a `,` $b `axes` `(` $axis_m `,` $axis_n `)` `wave` $wave_m
    (`carry` `(` $carried^ `:` type($carried) `)`)?
    (`inputs` `(` $inputs^ `:` type($inputs) `)`)?
    attr-dict `:` qualified(type($a)) `,` qualified(type($b))
    (`->` type($results)^)? ($body^)?
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    mlir::LogicalResult verifyInputAxes();
    /// Checks the types of the region's arguments.
    mlir::LogicalResult verifyBodyArguments();
  }];
}

def MMA_YieldOp : MMA_Op<"yield", [
    Pure, ReturnLike, Terminator, HasParent<"ContractOp">]> {
  let summary = "The new carried values of one wave";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}

//===----------------------------------------------------------------------===//
// wgmma (PTX ISA, "Asynchronous warpgroup-level matrix instructions")
//===----------------------------------------------------------------------===//

def MMA_DescriptorOp : MMA_Op<"descriptor", [Pure]> {
  let summary = "The matrix descriptor of an operand at a row and a k step";
  let description = [{
    `row` is the first row of the M or N side within the view, `k` the first
    element along the contracted axis.
  }];
  let arguments = (ins Tile_ViewType:$view, StrAttr:$axis_k, I64Attr:$row, I64Attr:$k);
  let results = (outs I64:$desc);
  let assemblyFormat = [{
    $view `k` `(` $axis_k `:` $k `)` `row` $row attr-dict `:` qualified(type($view))
  }];
  let hasVerifier = 1;
}

def MMA_FenceOp : MMA_EffectOp<"fence"> {
  let summary = "wgmma.fence: registers and shared memory are ready to be read";
  let assemblyFormat = "attr-dict";
}

def MMA_CommitOp : MMA_EffectOp<"commit"> {
  let summary = "wgmma.commit_group";
  let assemblyFormat = "attr-dict";
}

def MMA_WaitOp : MMA_EffectOp<"wait"> {
  let summary = "wgmma.wait_group, tied to the accumulators it makes readable";
  let description = [{
    The results are the operands after the wait: a use of them cannot move
    before it (the instruction itself has no data dependence on them).
  }];
  let arguments = (ins I64Attr:$pending, Variadic<AnyType>:$values);
  let results = (outs Variadic<AnyType>:$results);
  let assemblyFormat = [{
    $pending (`tie` `(` $values^ `:` type($values) `)`)? attr-dict
    (`->` type($results)^)?
  }];
  let hasVerifier = 1;
}

def MMA_PinOp : MMA_EffectOp<"pin"> {
  let summary = "Keeps the computation of values at this place";
  let description = [{
    LLVM sinks pure single-use arithmetic past later waits, which lengthens
    live ranges until registers spill; a pin stops it at no cost in the
    emitted code.
  }];
  let arguments = (ins Variadic<AnyType>:$values);
  let results = (outs Variadic<AnyType>:$results);
  let assemblyFormat = [{
    $values attr-dict `:` type($values) `->` type($results)
  }];
  let hasVerifier = 1;
}

def MMA_WgmmaOp : MMA_EffectOp<"wgmma", [
    DeclareOpInterfaceMethods<AsyncReaderInterface>]> {
  let summary = "wgmma.mma_async m64nNkK with both operands in shared memory";
  let description = [{
    `acc` is the vector of this thread's N/2 accumulators; with `zero` their
    old values are ignored (scale-d = 0), but the registers are reused.
  }];
  let arguments = (ins
    I64:$desc_a, I64:$desc_b, AnyType:$acc, I64Attr:$m, I64Attr:$n, I64Attr:$k,
    TypeAttr:$type_a, TypeAttr:$type_b, UnitAttr:$zero,
    UnitAttr:$a_mn_major, UnitAttr:$b_mn_major);
  let results = (outs AnyType:$result);
  let assemblyFormat = [{
    $desc_a `,` $desc_b `into` $acc `shape` $m $n $k `types` $type_a $type_b
    (`zero` $zero^)? attr-dict `:` qualified(type($acc)) `->` qualified(type($result))
  }];
  let hasVerifier = 1;
}

def MMA_UndefOp : MMA_Op<"undef", [Pure]> {
  let summary = "Accumulator registers whose value does not matter";
  let results = (outs AnyType:$result);
  let assemblyFormat = "attr-dict `:` qualified(type($result))";
}

#endif // TILEWRIGHT_DIALECT_MMA_MMAOPS_TD
