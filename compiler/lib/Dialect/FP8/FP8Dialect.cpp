//===- FP8Dialect.cpp - registers the fp8 dialect  ---===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/FP8/FP8Dialect.h"

using namespace mlir;
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
  tilewright::tile::TileType acc = getAcc().getType();
  if (acc != getResult().getType())
    return emitOpError("accumulator and result types differ");
  if (!acc.getElementType().isF32())
    return emitOpError("promotes into f32, not ") << acc.getElementType();
  tilewright::tile::ViewType a = getA().getType(), b = getB().getType();
  for (tilewright::tile::ViewType operand : {a, b}) {
    tilewright::tile::ViewType other = operand == a ? b : a;
    for (auto [axis, extent] :
         llvm::zip_equal(operand.getAxes(), operand.getShape())) {
      if (std::optional<int64_t> shared = other.getExtent(axis)) {
        if (*shared != extent)
          return emitOpError("contracted axis '")
                 << axis.getValue() << "' has extents " << extent << " and "
                 << *shared;
        continue;
      }
      if (acc.getExtent(axis) != extent)
        return emitOpError("free axis '")
               << axis.getValue() << "' of extent " << extent
               << " is not an axis of the accumulator " << acc;
    }
  }
  for (Value scale : getScales()) {
    auto tile = dyn_cast<tilewright::tile::TileType>(scale.getType());
    if (!tile)
      continue;
    for (auto [axis, extent] : llvm::zip_equal(tile.getAxes(), tile.getShape()))
      if (acc.getExtent(axis) != extent)
        return emitOpError("scale axis '")
               << axis.getValue() << "' of extent " << extent
               << " is not an axis of the accumulator " << acc;
  }
  return success();
}
