//===- FP8Dialect.cpp - registers the fp8 dialect -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/FP8/FP8Dialect.h"

using namespace mlir;
using namespace tilewright;
using namespace tilewright::fp8;

#include "tilewright/Dialect/FP8/FP8Dialect.cpp.inc"

void FP8Dialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "tilewright/Dialect/FP8/FP8Ops.cpp.inc"
      >();
}

#define GET_OP_CLASSES
#include "tilewright/Dialect/FP8/FP8Ops.cpp.inc"

LogicalResult PromoteOp::verify() {
  tile::TileType acc = getAcc().getType();
  if (acc != getResult().getType())
    return emitOpError("accumulator and result types differ");
  if (!acc.getElementType().isF32())
    return emitOpError("promotes into f32, not ") << acc.getElementType();
  if (failed(
          tile::verifyContraction(*this, getA().getType(), getB().getType())) ||
      failed(tile::verifyFreeAxes(*this, getA().getType(), getB().getType(),
                                  acc, "accumulator")))
    return failure();
  for (Value scale : getScales()) {
    auto type = dyn_cast<tile::TileType>(scale.getType());
    if (!type)
      continue;
    if (!type.getElementType().isF32())
      return emitOpError("scale is a ")
             << type << "; scales are multiplied in f32";
    for (auto [axis, extent] : llvm::zip_equal(type.getAxes(), type.getShape()))
      if (acc.getExtent(axis) != extent)
        return emitOpError("scale axis '")
               << axis.getValue() << "' of extent " << extent
               << " is not an axis of the accumulator " << acc;
  }
  return success();
}
