//===- TileDialect.h - the tile dialect: types, attributes, operations  ---===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_DIALECT_TILE_TILEDIALECT_H
#define TILEWRIGHT_DIALECT_TILE_TILEDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "tilewright/Dialect/Interfaces/AsyncInterfaces.h"

#include "tilewright/Dialect/Tile/TileDialect.h.inc"
#include "tilewright/Dialect/Tile/TileEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "tilewright/Dialect/Tile/TileAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "tilewright/Dialect/Tile/TileTypes.h.inc"

#define GET_OP_CLASSES
#include "tilewright/Dialect/Tile/TileOps.h.inc"

namespace tilewright::tile {

/// Schedule hints on a loop (`with` in the source) or a kernel, a dictionary of
/// integers by the name of the hint; Transforms/Schedule.h reads them.
inline constexpr llvm::StringLiteral hintsAttrName = "tile.hints";

/// Bits of an element in memory: TF32 is stored in 32 bits (PTX ISA,
/// "Alternate floating-point data formats"), a boolean in 8. 0 for a type that
/// memory does not hold.
unsigned getStorageBits(mlir::Type type);

/// A copy may change nothing about an element, or let the engine drop the low
/// bits of f32 (`tf32 <- f32`).
bool isCopyConversion(mlir::Type from, mlir::Type to);

/// The axes and extents of a tile or a view.
struct AxesRef {
  mlir::ArrayRef<mlir::StringAttr> axes;
  mlir::ArrayRef<int64_t> shape;
  mlir::Type elementType;

  /// The extent of an axis, or std::nullopt.
  std::optional<int64_t> getExtent(mlir::StringRef axis) const;
};
AxesRef getAxesOf(mlir::Type type);

/// Operands of a contraction share at least one axis, agree on its extent, and
/// have element types that one instruction can multiply: equal ones, or two
/// floats of at most 8 bits.
mlir::LogicalResult verifyContraction(mlir::Operation *op, mlir::Type a,
                                      mlir::Type b);

/// The axes of a contraction's result (called `what` in the message) are
/// exactly the free axes of both operands.
mlir::LogicalResult verifyFreeAxes(mlir::Operation *op, mlir::Type a,
                                   mlir::Type b, TileType result,
                                   mlir::StringRef what);

} // namespace tilewright::tile

#endif // TILEWRIGHT_DIALECT_TILE_TILEDIALECT_H
