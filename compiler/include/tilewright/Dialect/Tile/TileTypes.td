//===- TileTypes.td - types of the tile dialect ------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_DIALECT_TILE_TILETYPES_TD
#define TILEWRIGHT_DIALECT_TILE_TILETYPES_TD

include "tilewright/Dialect/Tile/TileDialect.td"
include "mlir/IR/BuiltinTypeInterfaces.td"

class Tile_Type<string name, string typeMnemonic, list<Trait> traits = []>
    : TypeDef<TileDialect, name, traits> {
  let mnemonic = typeMnemonic;
}

class Tile_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<TileDialect, name, traits> {
  let mnemonic = attrMnemonic;
}

def Tile_FragmentAttr : Tile_Attr<"Fragment", "fragment"> {
  let summary = "How a register tile is spread over threads and registers";
  let description = [{
    Mixed-radix digits of the thread index (within the group that owns the
    tile) and of the register index, fastest first, and for each axis a stride
    for every digit: an axis coordinate is the sum of digit times stride.

    Example, the accumulator of wgmma m64n128:
    ```
    #tile.fragment<threads = [4, 8, 4], regs = [2, 2, 16],
                   axes = ["m", "n"],
                   strides = [0, 1, 16, 0, 8, 0,  2, 0, 0, 1, 0, 8]>
    ```
  }];
  let parameters = (ins
    OptionalArrayRefParameter<"int64_t">:$threads,
    OptionalArrayRefParameter<"int64_t">:$regs,
    OptionalArrayRefParameter<"mlir::StringAttr">:$axes,
    OptionalArrayRefParameter<"int64_t", "thread strides, then register strides, axis by axis">:$strides);
  let assemblyFormat = [{
    `<` `threads` `=` `[` (`]`) : ($threads^ `]`)? `,` `regs` `=` `[` (`]`) : ($regs^ `]`)? `,`
        `axes` `=` `[` (`]`) : ($axes^ `]`)? `,` `strides` `=` `[` (`]`) : ($strides^ `]`)? `>`
  }];
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Registers a thread: the product of the register digits.
    int64_t getNumRegisters() const;
    /// One more than the largest coordinate on `axis`; std::nullopt if the
    /// layout lacks it.
    std::optional<int64_t> getExtent(mlir::StringRef axis) const;
  }];
}

def Tile_SharedAttr : Tile_Attr<"Shared", "shared"> {
  let summary = "How a field lies in shared memory";
  let description = [{
    Axes from outer to inner. With a swizzle (32, 64 or 128 bytes) the inner
    axis is cut into atoms of the swizzle span, atom after atom, and 16-byte
    chunks are permuted by the row (PTX ISA, "Swizzling modes"). Swizzle 0 is
    plain row-major order.
  }];
  let parameters = (ins
    OptionalArrayRefParameter<"mlir::StringAttr">:$axes,
    "int64_t":$swizzle);
  let assemblyFormat = [{
    `<` `[` (`]`) : ($axes^ `]`)? `,` `swizzle` `=` $swizzle `>`
  }];
  let genVerifyDecl = 1;
}

def Tile_TileType : Tile_Type<"Tile", "tile"> {
  let summary = "A tile in registers, with named axes";
  let description = [{
    `!tile.tile<[m: 64, n: 128], f32>`, or with its fragment layout
    `!tile.tile<[m: 64, n: 128], f32, #tile.fragment<…>>`.
  }];
  let parameters = (ins
    ArrayRefParameter<"mlir::StringAttr">:$axes,
    ArrayRefParameter<"int64_t">:$shape,
    "mlir::Type":$elementType,
    OptionalParameter<"FragmentAttr">:$layout);
  let assemblyFormat = [{
    `<` custom<Axes>($axes, $shape) `,` $elementType (`,` qualified($layout)^)? `>`
  }];
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The extent of an axis, or std::nullopt if the tile lacks it.
    std::optional<int64_t> getExtent(mlir::StringRef axis) const;
    bool hasAxis(mlir::StringRef axis) const { return getExtent(axis).has_value(); }
    int64_t getNumElements() const;
    /// The same tile with another extent on `axis` (no layout).
    TileType withExtent(mlir::StringRef axis, int64_t extent) const;
    TileType withElementType(mlir::Type type) const;
    TileType withLayout(FragmentAttr layout) const;
  }];
}

def Tile_ViewType : Tile_Type<"View", "view"> {
  let summary = "A tile in shared memory: a field of a slot, or part of one";
  let parameters = (ins
    ArrayRefParameter<"mlir::StringAttr">:$axes,
    ArrayRefParameter<"int64_t">:$shape,
    "mlir::Type":$elementType);
  let assemblyFormat = "`<` custom<Axes>($axes, $shape) `,` $elementType `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    std::optional<int64_t> getExtent(mlir::StringRef axis) const;
    bool hasAxis(mlir::StringRef axis) const { return getExtent(axis).has_value(); }
    int64_t getNumElements() const;
    ViewType withExtent(mlir::StringRef axis, int64_t extent) const;
  }];
}

def Tile_TensorType : Tile_Type<"GlobalTensor", "tensor"> {
  let summary = "A tensor in global memory, with run-time shape and strides";
  let parameters = (ins "int64_t":$rank, "mlir::Type":$elementType);
  let assemblyFormat = "`<` $rank `,` $elementType `>`";
  let genVerifyDecl = 1;
}

def Tile_IterType : Tile_Type<"Iter", "iter"> {
  let summary = "An iterator over tiles; every role replays it";
  let parameters = (ins "int64_t":$rank);
  let assemblyFormat = "`<` $rank `>`";
  let genVerifyDecl = 1;
}

#endif // TILEWRIGHT_DIALECT_TILE_TILETYPES_TD
