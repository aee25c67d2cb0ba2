//===- TileDialect.cpp - registers the tile dialect -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/Tile/TileDialect.h"
#include "mlir/IR/DialectImplementation.h"

using namespace mlir;
using namespace tilewright::tile;

#include "tilewright/Dialect/Tile/TileDialect.cpp.inc"

void TileDialect::initialize() {
  registerTypes();
  addOperations<
#define GET_OP_LIST
#include "tilewright/Dialect/Tile/TileOps.cpp.inc"
      >();
}
