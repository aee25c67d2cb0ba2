//===- TileDialect.td - the tile dialect -------------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_DIALECT_TILE_TILEDIALECT_TD
#define TILEWRIGHT_DIALECT_TILE_TILEDIALECT_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"

def TileDialect : Dialect {
  let name = "tile";
  let cppNamespace = "::tilewright::tile";
  let summary = "The language: named-axis tiles, kernels, roles, iterators";
  let description = [{
    Operations of this dialect mirror the source language. Values are tiles
    with named axes whose order has no meaning; a subscript is an affine map
    from axes (its dimensions) and scalars (its symbols) to the coordinates of
    a tensor. Nothing here says how a tile is laid out until
    `tile-infer-layouts` puts a fragment layout into its type.
  }];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::scf::SCFDialect"];
  let extraClassDeclaration = [{
    void registerTypes();
  }];
}

#endif // TILEWRIGHT_DIALECT_TILE_TILEDIALECT_TD
