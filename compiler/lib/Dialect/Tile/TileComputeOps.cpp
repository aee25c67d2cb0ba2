//===- TileComputeOps.cpp - computation on tiles --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/Tile/TileDialect.h"

using namespace mlir;
using namespace tilewright;
using namespace tilewright::tile;

LogicalResult SplatOp::verify() {
  Type scalar = getValue().getType();
  Type element = getResult().getType().getElementType();
  if (scalar != element)
    return emitOpError("element types ")
           << scalar << " and " << element << " differ";
  return success();
}

//===----------------------------------------------------------------------===//
// MapOp
//===----------------------------------------------------------------------===//

LogicalResult MapOp::verify() {
  TileType result = getResult().getType();
  Block &body = getBody().front();
  if (body.getNumArguments() != getInputs().size())
    return emitOpError("body takes ")
           << body.getNumArguments() << " elements for " << getInputs().size()
           << " operands";
  for (auto [input, arg] : llvm::zip_equal(getInputs(), body.getArguments())) {
    Type element = input.getType();
    if (auto tile = dyn_cast<TileType>(element)) {
      for (auto [axis, extent] :
           llvm::zip_equal(tile.getAxes(), tile.getShape()))
        if (result.getExtent(axis) != extent)
          return emitOpError("operand axis '")
                 << axis.getValue() << "' of extent " << extent
                 << " does not fit the result " << result;
      element = tile.getElementType();
    } else if (!element.isIntOrIndexOrFloat()) {
      return emitOpError("operand is a ")
             << element << ", neither a tile nor a scalar";
    }
    if (arg.getType() != element)
      return emitOpError("body takes ")
             << arg.getType() << " where the operand's element is " << element;
  }
  return success();
}

LogicalResult MapOp::verifyRegions() {
  Type element = getResult().getType().getElementType();
  Block &body = getBody().front();
  auto yield = dyn_cast<YieldOp>(body.getTerminator());
  if (!yield || yield.getNumOperands() != 1 ||
      yield.getOperand(0).getType() != element)
    return emitOpError("body must yield one ") << element;
  for (Operation &op : body)
    if (!isMemoryEffectFree(&op)) {
      InFlightDiagnostic diag =
          emitOpError("body computes an element and has no other effect");
      diag.attachNote(op.getLoc()) << "'" << op.getName() << "' may have one";
      return diag;
    }
  return success();
}

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

std::optional<int64_t> AxesRef::getExtent(StringRef axis) const {
  for (auto [name, extent] : llvm::zip_equal(axes, shape))
    if (name.getValue() == axis)
      return extent;
  return std::nullopt;
}

AxesRef tile::getAxesOf(Type type) {
  if (auto tile = dyn_cast<TileType>(type))
    return {tile.getAxes(), tile.getShape(), tile.getElementType()};
  if (auto view = dyn_cast<ViewType>(type))
    return {view.getAxes(), view.getShape(), view.getElementType()};
  return {};
}

LogicalResult tile::verifyContraction(Operation *op, Type a, Type b) {
  AxesRef first = getAxesOf(a), second = getAxesOf(b);
  bool shared = false;
  for (auto [axis, extent] : llvm::zip_equal(first.axes, first.shape)) {
    std::optional<int64_t> other = second.getExtent(axis);
    if (!other)
      continue;
    shared = true;
    if (*other != extent)
      return op->emitOpError("contracted axis '")
             << axis.getValue() << "' has extents " << extent << " and "
             << *other;
  }
  if (!shared)
    return op->emitOpError("operands share no axis");
  Type x = first.elementType, y = second.elementType;
  auto isSmallFloat = [](Type type) {
    return isa<FloatType>(type) && getStorageBits(type) <= 8;
  };
  if (x != y && !(isSmallFloat(x) && isSmallFloat(y)))
    return op->emitOpError("cannot contract ") << x << " with " << y;
  return success();
}

LogicalResult tile::verifyFreeAxes(Operation *op, Type a, Type b,
                                   TileType result, StringRef what) {
  AxesRef first = getAxesOf(a), second = getAxesOf(b);
  size_t free = 0;
  for (auto [operand, other] :
       {std::pair(first, second), std::pair(second, first)})
    for (auto [axis, extent] : llvm::zip_equal(operand.axes, operand.shape)) {
      if (other.getExtent(axis))
        continue;
      ++free;
      if (result.getExtent(axis) != extent)
        return op->emitOpError("free axis '")
               << axis.getValue() << "' of extent " << extent
               << " is not an axis of the " << what << " " << result;
    }
  if (free != result.getAxes().size())
    return op->emitOpError() << what << " has axes that no operand has free";
  return success();
}

LogicalResult ContractOp::verify() {
  TileType result = getResult().getType();
  if (failed(verifyContraction(*this, getA().getType(), getB().getType())) ||
      failed(verifyFreeAxes(*this, getA().getType(), getB().getType(), result,
                            "result")))
    return failure();
  if (getAcc() && getAcc().getType() != result)
    return emitOpError("accumulator and result types differ");
  return success();
}

//===----------------------------------------------------------------------===//
// ReduceOp
//===----------------------------------------------------------------------===//

LogicalResult ReduceOp::verify() {
  TileType source = getSource().getType(), result = getResult().getType();
  SmallVector<StringRef> reduced;
  for (Attribute attr : getAxes()) {
    StringRef axis = cast<StringAttr>(attr).getValue();
    if (!source.hasAxis(axis))
      return emitOpError("reduces axis '") << axis << "' that the tile lacks";
    if (llvm::is_contained(reduced, axis))
      return emitOpError("reduces axis '") << axis << "' twice";
    if (result.hasAxis(axis))
      return emitOpError("keeps axis '") << axis << "' that it reduces";
    reduced.push_back(axis);
  }
  if (result.getAxes().size() + reduced.size() != source.getAxes().size())
    return emitOpError("result must keep exactly the axes not reduced");
  for (auto [axis, extent] :
       llvm::zip_equal(result.getAxes(), result.getShape()))
    if (source.getExtent(axis) != extent)
      return emitOpError("result axis '")
             << axis.getValue() << "' does not match the source";
  if (source.getElementType() != result.getElementType())
    return emitOpError("element types ")
           << source.getElementType() << " and " << result.getElementType()
           << " differ";
  return success();
}
