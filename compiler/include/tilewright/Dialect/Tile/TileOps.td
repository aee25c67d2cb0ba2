//===- TileOps.td - operations of the tile dialect ---------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_DIALECT_TILE_TILEOPS_TD
#define TILEWRIGHT_DIALECT_TILE_TILEOPS_TD

include "tilewright/Dialect/Interfaces/AsyncInterfaces.td"
include "tilewright/Dialect/Tile/TileTypes.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/FunctionInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/LoopLikeInterface.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/SymbolInterfaces.td"

class Tile_Op<string mnemonic, list<Trait> traits = []>
    : Op<TileDialect, mnemonic, traits>;

def Tile_AnyScalar : AnyTypeOf<[AnyFloat, AnySignlessInteger, Index]>;
def Tile_AnySource : AnyTypeOf<[Tile_TileType, Tile_ViewType]>;

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

def Tile_KernelOp : Tile_Op<"kernel", [
    FunctionOpInterface, IsolatedFromAbove, SymbolTable, NoTerminator,
    SingleBlock]> {
  let summary = "A kernel: tensors and run-time dimensions in, roles inside";
  let description = [{
    Arguments are tensors, then run-time scalars (`index`), each with a
    `tile.name`. A tensor argument carries `tile.mode` (`in`, `out`, `inout`),
    `tile.major` (the dimension of stride 1) and `tile.shape`, an array of
    dimension expressions (see docs/architecture.md, expressions: an integer,
    a name, or `[op, a, b]`).

    Attributes: `target` (`sm_90a`), `constants` (a dictionary for the
    manifest), `requires` (run-time constraints), and, after
    `tile-plan-resources`, `threads`, `smem_bytes` and `launch`.
  }];
  let arguments = (ins
    SymbolNameAttr:$sym_name,
    TypeAttrOf<FunctionType>:$function_type,
    StrAttr:$target,
    OptionalAttr<DictArrayAttr>:$arg_attrs,
    OptionalAttr<DictArrayAttr>:$res_attrs);
  let regions = (region AnyRegion:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    mlir::ArrayRef<mlir::Type> getArgumentTypes() { return getFunctionType().getInputs(); }
    mlir::ArrayRef<mlir::Type> getResultTypes() { return getFunctionType().getResults(); }
    mlir::Region *getCallableRegion() { return &getBody(); }
    /// The source name of an argument (`tile.name`).
    mlir::StringRef getArgName(unsigned index);
  }];
}

def Tile_RoleOp : Tile_Op<"role", [
    HasParent<"KernelOp">, NoTerminator, SingleBlock]> {
  let summary = "A role: a program that some warps of every CTA run";
  let description = [{
    `kind` is `warps` (count single warps) or `groups` (count warpgroups of 128
    threads). `split` names the axis that the groups divide among themselves.
    `regs` is a request (setmaxnreg). `tile-plan-resources` sets `warp_begin`
    (first warp of the CTA) and `plan_regs`.

    ```
    tile.role "math" groups(2) split("m") { … }
    tile.role "load" warps(1) { … }
    ```
  }];
  let arguments = (ins
    StrAttr:$name, BoolAttr:$groups, I64Attr:$count,
    OptionalAttr<StrAttr>:$split, OptionalAttr<I64Attr>:$regs,
    OptionalAttr<I64Attr>:$warp_begin, OptionalAttr<I64Attr>:$plan_regs);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $name custom<RoleKind>($groups, $count) (`split` `(` $split^ `)`)?
    (`regs` `(` $regs^ `)`)?
    (`at` $warp_begin^)? (`planned` $plan_regs^)? attr-dict-with-keyword $body
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Warps of this role: four a group.
    int64_t getNumWarps() { return getGroups() ? getCount() * 4 : getCount(); }
    int64_t getNumThreads() { return getNumWarps() * 32; }
  }];
}

def Tile_GroupOp : Tile_Op<"group", [Pure]> {
  let summary = "The index of this warpgroup within its role";
  let results = (outs Index:$result);
  let assemblyFormat = "attr-dict";
}

def Tile_TilesOp : Tile_Op<"tiles", [HasParent<"KernelOp">]> {
  let summary = "Declares an iterator over tiles";
  let description = [{
    `raster_group` G over dimension `raster_dim`: bands of G consecutive values
    of that dimension, inside a band it runs fastest, then the other
    dimensions; a bijection for every extent. `cluster` CTAs of a cluster take
    consecutive values of `cluster_dim`.

    ```
    %t = tile.tiles "t"(%ni, %nj) persistent raster 8 over 1 : !tile.iter<2>
    ```
  }];
  let arguments = (ins
    StrAttr:$name, Variadic<Index>:$extents, UnitAttr:$persistent,
    DefaultValuedAttr<I64Attr, "1">:$raster_group,
    DefaultValuedAttr<I64Attr, "0">:$raster_dim,
    DefaultValuedAttr<I64Attr, "1">:$cluster,
    DefaultValuedAttr<I64Attr, "0">:$cluster_dim);
  let results = (outs Tile_IterType:$iter);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

def Tile_ForEachOp : Tile_Op<"for_each", [
    SingleBlockImplicitTerminator<"YieldOp">, RecursiveMemoryEffects,
    AutomaticAllocationScope,
    DeclareOpInterfaceMethods<LoopLikeOpInterface, [
      "getInitsMutable", "getRegionIterArgs", "getYieldedValuesMutable",
      "getLoopResults"]>]> {
  let summary = "Runs its body for this CTA's items of an iterator";
  let description = [{
    Block arguments are the iterator's indices (`index`), then the carried
    values. Every role that runs over the same iterator sees the same items in
    the same order.
  }];
  let arguments = (ins Tile_IterType:$iter, Variadic<AnyType>:$initArgs);
  let results = (outs Variadic<AnyType>:$results);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    int64_t getRank() { return getIter().getType().getRank(); }
    mlir::Block::BlockArgListType getIndices() {
      return getBody().getArguments().take_front(getRank());
    }
  }];
}

def Tile_YieldOp : Tile_Op<"yield", [
    Pure, ReturnLike, Terminator, ParentOneOf<["ForEachOp", "MapOp"]>]> {
  let summary = "Ends a region of the tile dialect";
  let arguments = (ins Variadic<AnyType>:$values);
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, ValueRange()); }]>];
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}

//===----------------------------------------------------------------------===//
// Data movement
//===----------------------------------------------------------------------===//

class Tile_AccessOp<string mnemonic, list<Trait> traits = []>
    : Tile_Op<mnemonic, traits>;

def Tile_DimOp : Tile_Op<"dim", [Pure]> {
  let summary = "The extent of a dimension of a tensor";
  let arguments = (ins Tile_TensorType:$tensor, I64Attr:$dim);
  let results = (outs Index:$result);
  let assemblyFormat = "$tensor `,` $dim attr-dict `:` qualified(type($tensor))";
  let hasVerifier = 1;
}

def Tile_ReadOp : Tile_Op<"read", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Reads a tile of a tensor into registers";
  let description = [{
    `map` has one dimension for each axis of the result, in the order of its
    type, one symbol for each scalar, and one result for each dimension of the
    tensor. Elements out of bounds read as 0.

    ```
    %x = tile.read %SB[affine_map<(n)[s0, s1] -> ((s0 * 128 + n) floordiv 128, s1)>](%j, %kk)
       : !tile.tensor<2, f32> -> !tile.tile<[n: 128], f32>
    ```
  }];
  let arguments = (ins
    Tile_TensorType:$tensor, AffineMapAttr:$map, Variadic<Index>:$symbols);
  let results = (outs Tile_TileType:$result);
  let assemblyFormat = [{
    $tensor `[` $map `]` `` `(` $symbols `)` attr-dict `:` qualified(type($tensor)) `->` qualified(type($result))
  }];
  let hasVerifier = 1;
}

def Tile_CopyOp : Tile_Op<"copy", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DeclareOpInterfaceMethods<SlotFillerInterface>]> {
  let summary = "Copies a tile of a tensor into a field of a slot";
  let description = [{
    Asynchronous: the field is full once the slot is. Elements out of bounds
    are 0. `map` as in `tile.read`, its dimensions the axes of the view.
  }];
  let arguments = (ins
    Tile_TensorType:$tensor, AffineMapAttr:$map, Variadic<Index>:$symbols,
    Tile_ViewType:$dest);
  let assemblyFormat = [{
    $tensor `[` $map `]` `` `(` $symbols `)` `to` $dest attr-dict
    `:` qualified(type($tensor)) `,` qualified(type($dest))
  }];
  let hasVerifier = 1;
}

def Tile_StoreOp : Tile_Op<"store", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Stores a register tile to a tensor; out of bounds does nothing";
  let description = [{
    With `accumulate`, adds to the tensor instead (reduce-add). Two hints for a
    store through shared memory: `chunk` is a dictionary of the largest extents
    of an axis that are staged at once, `buffers` how many chunks are.
  }];
  let arguments = (ins
    Tile_TileType:$value, Tile_TensorType:$tensor, AffineMapAttr:$map,
    Variadic<Index>:$symbols, UnitAttr:$accumulate,
    OptionalAttr<DictionaryAttr>:$chunk, OptionalAttr<I64Attr>:$buffers);
  let assemblyFormat = [{
    $value `to` $tensor `[` $map `]` `` `(` $symbols `)`
    (`accumulate` $accumulate^)? attr-dict `:` qualified(type($value)) `,` qualified(type($tensor))
  }];
  let hasVerifier = 1;
}

def Tile_ExtractOp : Tile_Op<"extract", [Pure]> {
  let summary = "The part of a register tile that starts at constant offsets";
  let description = [{
    One offset for each axis, in the order of the types' axes. After layouts
    are inferred a part keeps its threads: it is some of their registers.

    ```
    %p = tile.extract %t[0, 64] : !tile.tile<[m: 64, n: 128], f32> -> !tile.tile<[m: 64, n: 64], f32>
    ```
  }];
  let arguments = (ins Tile_TileType:$source, DenseI64ArrayAttr:$offsets);
  let results = (outs Tile_TileType:$result);
  let assemblyFormat = [{
    $source `` $offsets attr-dict `:` qualified(type($source)) `->` qualified(type($result))
  }];
  let hasVerifier = 1;
}

def Tile_LoadOp : Tile_Op<"load", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Loads a view of shared memory into registers";
  let arguments = (ins Tile_ViewType:$view);
  let results = (outs Tile_TileType:$result);
  let assemblyFormat = "$view attr-dict `:` qualified(type($view)) `->` qualified(type($result))";
  let hasVerifier = 1;
}

def Tile_PutOp : Tile_Op<"put", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Stores a register tile into a view of shared memory";
  let arguments = (ins Tile_TileType:$value, Tile_ViewType:$view);
  let assemblyFormat = [{
    $value `to` $view attr-dict `:` qualified(type($value)) `,` qualified(type($view))
  }];
  let hasVerifier = 1;
}

def Tile_PutPartsOp : Tile_Op<"put_parts", [
    AllTypesMatch<["view", "own"]>,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Cuts a register tile into parts and stores them side by side";
  let description = [{
    Axis `axis` of the tile has as many equal parts as the view's axis `over`
    has places; part c goes to place c of `view`, but part `rank` to place
    `rank` of `own`. After `tile-distribute` `value` is the vector of this
    thread's registers, in the order of `layout`.

    ```
    tile.put_parts %t to %v, %o at %rank along "m" over "cta"
      : !tile.tile<[m: 64, n: 32], f32>, !tile.view<[cta: 4, m: 16, n: 32], f32>
    ```
  }];
  let arguments = (ins
    AnyType:$value, Tile_ViewType:$view, Tile_ViewType:$own, Index:$rank,
    StrAttr:$axis, StrAttr:$over, OptionalAttr<Tile_FragmentAttr>:$layout);
  let assemblyFormat = [{
    $value `to` $view `,` $own `at` $rank `along` $axis `over` $over
    (`layout` $layout^)? attr-dict
    `:` qualified(type($value)) `,` qualified(type($view))
  }];
  let hasVerifier = 1;
}

def Tile_LoadSumOp : Tile_Op<"load_sum", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Loads a view and adds along one axis, from its first value up";
  let arguments = (ins Tile_ViewType:$view, StrAttr:$axis);
  let results = (outs Tile_TileType:$result);
  let assemblyFormat = [{
    $view `over` $axis attr-dict `:` qualified(type($view)) `->` qualified(type($result))
  }];
  let hasVerifier = 1;
}

def Tile_SliceOp : Tile_Op<"slice", [Pure]> {
  let summary = "The part of a view that starts at an offset of one axis";
  let arguments = (ins Tile_ViewType:$source, StrAttr:$axis, Index:$offset);
  let results = (outs Tile_ViewType:$result);
  let assemblyFormat = [{
    $source `[` $axis `:` $offset `]` attr-dict
    `:` qualified(type($source)) `->` qualified(type($result))
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Computation
//===----------------------------------------------------------------------===//

def Tile_SplatOp : Tile_Op<"splat", [Pure]> {
  let summary = "A tile whose elements are all one scalar";
  let arguments = (ins Tile_AnyScalar:$value);
  let results = (outs Tile_TileType:$result);
  let assemblyFormat = "$value attr-dict `:` qualified(type($value)) `->` qualified(type($result))";
  let hasVerifier = 1;
}

def Tile_MapOp : Tile_Op<"map", [
    Pure, SingleBlock,
    IsolatedFromAbove]> {
  let summary = "Elementwise computation; operands broadcast by axis name";
  let description = [{
    The body computes one element from one element of each operand (a scalar
    operand is the same for all). An operand that lacks an axis of the result
    is broadcast along it.

    ```
    %s = tile.map(%x, %y) : (!tile.tile<[m: 64], f32>, !tile.tile<[n: 128], f32>)
                          -> !tile.tile<[m: 64, n: 128], f32> {
    ^bb0(%a: f32, %b: f32):
      %p = arith.mulf %a, %b : f32
      tile.yield %p : f32
    }
    ```
  }];
  let arguments = (ins Variadic<AnyType>:$inputs);
  let results = (outs Tile_TileType:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `(` $inputs `)` attr-dict `:` functional-type($inputs, $result) $body
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def Tile_ContractOp : Tile_Op<"contract", [
    Pure, DeclareOpInterfaceMethods<ContractionInterface>]> {
  let summary = "Contracts all axes that both operands share";
  let description = [{
    The first operand is the machine's M side. With `acc`, adds to it.
  }];
  let arguments = (ins
    Tile_AnySource:$a, Tile_AnySource:$b, Optional<Tile_TileType>:$acc);
  let results = (outs Tile_TileType:$result);
  let assemblyFormat = [{
    $a `,` $b (`acc` `(` $acc^ `:` qualified(type($acc)) `)`)? attr-dict
    `:` qualified(type($a)) `,` qualified(type($b)) `->` qualified(type($result))
  }];
  let hasVerifier = 1;
}

def Tile_ReduceKind : I32EnumAttr<"ReduceKind", "", [
    I32EnumAttrCase<"Sum", 0, "sum">, I32EnumAttrCase<"Max", 1, "max">,
    I32EnumAttrCase<"Min", 2, "min">]> {
  let cppNamespace = "::tilewright::tile";
}

def Tile_ReduceOp : Tile_Op<"reduce", [Pure]> {
  let summary = "Reduces axes of a tile, in a fixed order";
  let arguments = (ins
    Tile_ReduceKind:$kind, Tile_TileType:$source, StrArrayAttr:$axes);
  let results = (outs Tile_TileType:$result);
  let assemblyFormat = [{
    $kind $source `over` $axes attr-dict `:` qualified(type($source)) `->` qualified(type($result))
  }];
  let hasVerifier = 1;
}

def Tile_ClusterSumOp : Tile_Op<"cluster_sum", [AllTypesMatch<["source", "result"]>]> {
  let summary = "The sum of a tile over the CTAs of a cluster";
  let description = [{
    `component` is the clustered component of the iterator around, in which the
    CTAs differ. A CTA uses its part of the result only: which one is decided by
    `tile-expand-cluster-sums`, which replaces this operation. Values are added
    in the order of the component.
  }];
  let arguments = (ins Tile_TileType:$source, Index:$component);
  let results = (outs Tile_TileType:$result);
  let assemblyFormat = "$source `over` $component attr-dict `:` qualified(type($source))";
}

//===----------------------------------------------------------------------===//
// Per-thread accesses (after tile-distribute)
//===----------------------------------------------------------------------===//

def Tile_ThreadOp : Tile_Op<"thread", [Pure]> {
  let summary = "The index of this thread within its warpgroup (or its role)";
  let results = (outs Index:$result);
  let assemblyFormat = "attr-dict";
}

def Tile_LoadElementOp : Tile_Op<"load_element", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Loads one element of a tensor, 0 out of bounds";
  let arguments = (ins Tile_TensorType:$tensor, Variadic<Index>:$indices);
  let results = (outs AnyType:$result);
  let assemblyFormat = [{
    $tensor `[` $indices `]` attr-dict `:` qualified(type($tensor)) `->` qualified(type($result))
  }];
  let hasVerifier = 1;
}

def Tile_StoreElementOp : Tile_Op<"store_element", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Stores one element of a tensor, nothing out of bounds";
  let arguments = (ins
    AnyType:$value, Tile_TensorType:$tensor, Variadic<Index>:$indices);
  let assemblyFormat = [{
    $value `to` $tensor `[` $indices `]` attr-dict
    `:` qualified(type($value)) `,` qualified(type($tensor))
  }];
  let hasVerifier = 1;
}

def Tile_LoadSharedOp : Tile_Op<"load_shared", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Loads one element of a view, coordinates in the order of its axes";
  let arguments = (ins Tile_ViewType:$view, Variadic<Index>:$indices);
  let results = (outs AnyType:$result);
  let assemblyFormat = [{
    $view `[` $indices `]` attr-dict `:` qualified(type($view)) `->` qualified(type($result))
  }];
  let hasVerifier = 1;
}

def Tile_StoreFragmentOp : Tile_Op<"store_fragment", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Stores this thread's part of a register tile into a view";
  let description = [{
    `value` is the vector of this thread's registers in the order of `layout`.
    Lowers to stmatrix where the layout is a tensor-core accumulator of 16-bit
    elements, to plain stores otherwise.
  }];
  let arguments = (ins
    AnyType:$value, Tile_FragmentAttr:$layout, Tile_ViewType:$view);
  let assemblyFormat = [{
    $value `to` $view `layout` $layout attr-dict `:` qualified(type($value)) `,` qualified(type($view))
  }];
  let hasVerifier = 1;
}

#endif // TILEWRIGHT_DIALECT_TILE_TILEOPS_TD
