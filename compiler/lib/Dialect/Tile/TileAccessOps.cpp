//===- TileAccessOps.cpp - reads, writes and views of the tile dialect ----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/Tile/TileDialect.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace tilewright::tile;

/// Subscripts divide by positive constants (or by scalars) only: what a later
/// analysis folds must not divide by zero.
static LogicalResult verifyDivisors(Operation *op, AffineMap map) {
  WalkResult walk = WalkResult::advance();
  for (AffineExpr result : map.getResults()) {
    walk = result.walk([](AffineExpr expr) {
      auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
      if (!binary || expr.getKind() == AffineExprKind::Add ||
          expr.getKind() == AffineExprKind::Mul)
        return WalkResult::advance();
      auto divisor = dyn_cast<AffineConstantExpr>(binary.getRHS());
      return divisor && divisor.getValue() <= 0 ? WalkResult::interrupt()
                                                : WalkResult::advance();
    });
    if (walk.wasInterrupted())
      return op->emitOpError("subscript divides by a constant below 1");
  }
  return success();
}

/// A subscript has a dimension for each axis, a symbol for each scalar and a
/// result for each dimension of the tensor.
static LogicalResult verifySubscript(Operation *op, AffineMap map,
                                     size_t numSymbols, GlobalTensorType tensor,
                                     size_t numAxes) {
  if (map.getNumDims() != numAxes)
    return op->emitOpError("subscript has ")
           << map.getNumDims() << " axes but the tile has " << numAxes;
  if (map.getNumSymbols() != numSymbols)
    return op->emitOpError("subscript has ")
           << map.getNumSymbols() << " symbols but " << numSymbols
           << " scalars are given";
  if (map.getNumResults() != tensor.getRank())
    return op->emitOpError("subscript has ")
           << map.getNumResults() << " coordinates for a tensor of rank "
           << tensor.getRank();
  return verifyDivisors(op, map);
}

static LogicalResult verifyElementTypes(Operation *op, Type a, Type b) {
  if (a != b)
    return op->emitOpError("element types ") << a << " and " << b << " differ";
  return success();
}

//===----------------------------------------------------------------------===//
// Tiles and tensors
//===----------------------------------------------------------------------===//

LogicalResult DimOp::verify() {
  if (getDim() >= static_cast<uint64_t>(getTensor().getType().getRank()))
    return emitOpError("dimension ")
           << static_cast<int64_t>(getDim()) << " of a tensor of rank "
           << getTensor().getType().getRank();
  return success();
}

LogicalResult ReadOp::verify() {
  TileType type = getResult().getType();
  if (failed(verifyElementTypes(*this, getTensor().getType().getElementType(),
                                type.getElementType())))
    return failure();
  return verifySubscript(*this, getMap(), getSymbols().size(),
                         getTensor().getType(), type.getAxes().size());
}

LogicalResult CopyOp::verify() {
  Type from = getTensor().getType().getElementType();
  Type to = getDest().getType().getElementType();
  if (!isCopyConversion(from, to))
    return emitOpError("copies ")
           << from << " to " << to
           << "; a copy converts nothing but f32 to tf32";
  return verifySubscript(*this, getMap(), getSymbols().size(),
                         getTensor().getType(),
                         getDest().getType().getAxes().size());
}

Value CopyOp::getFilledView() { return getDest(); }

int64_t CopyOp::getTransactionBytes() {
  ViewType view = getDest().getType();
  return view.getNumElements() * getStorageBits(view.getElementType()) / 8;
}

LogicalResult StoreOp::verify() {
  TileType type = getValue().getType();
  if (failed(verifyElementTypes(*this, type.getElementType(),
                                getTensor().getType().getElementType())))
    return failure();
  for (NamedAttribute entry :
       getChunk() ? getChunk()->getValue() : ArrayRef<NamedAttribute>()) {
    auto extent = dyn_cast<IntegerAttr>(entry.getValue());
    if (!extent || extent.getInt() < 1)
      return emitOpError("chunk of axis '")
             << entry.getName().getValue() << "' is not a positive number";
    if (!type.hasAxis(entry.getName()))
      return emitOpError("'chunk' names axis '")
             << entry.getName().getValue() << "', which " << type << " lacks";
  }
  if (getBuffers() && static_cast<int64_t>(*getBuffers()) < 1)
    return emitOpError("'buffers' is ")
           << static_cast<int64_t>(*getBuffers()) << "; at least 1 is needed";
  return verifySubscript(*this, getMap(), getSymbols().size(),
                         getTensor().getType(), type.getAxes().size());
}

//===----------------------------------------------------------------------===//
// Tiles and views
//===----------------------------------------------------------------------===//

LogicalResult ExtractOp::verify() {
  TileType source = getSource().getType(), result = getResult().getType();
  if (source.getAxes() != result.getAxes())
    return emitOpError("has axes of ") << source << " but gives " << result;
  if (getOffsets().size() != source.getAxes().size())
    return emitOpError("has ") << getOffsets().size() << " offsets for "
                               << source.getAxes().size() << " axes";
  for (auto [axis, full, part, offset] :
       llvm::zip_equal(source.getAxes(), source.getShape(), result.getShape(),
                       getOffsets()))
    if (offset < 0 || offset > full - part)
      return emitOpError("takes ")
             << part << " from offset " << offset << " of axis '"
             << axis.getValue() << "', which has " << full;
  return verifyElementTypes(*this, source.getElementType(),
                            result.getElementType());
}

/// A tile and a view must have the same axes and extents, in any order.
static LogicalResult verifySameAxes(Operation *op, TileType tile,
                                    ViewType view) {
  if (tile.getAxes().size() != view.getAxes().size())
    return op->emitOpError("tile has ")
           << tile.getAxes().size() << " axes, view has "
           << view.getAxes().size();
  for (auto [axis, extent] : llvm::zip_equal(tile.getAxes(), tile.getShape()))
    if (view.getExtent(axis) != extent)
      return op->emitOpError("axis '")
             << axis.getValue() << "' has extent " << extent
             << " in the tile but not in the view " << view;
  return verifyElementTypes(op, tile.getElementType(), view.getElementType());
}

LogicalResult LoadOp::verify() {
  return verifySameAxes(*this, getResult().getType(), getView().getType());
}

LogicalResult PutPartsOp::verify() {
  ViewType view = getView().getType();
  for (StringRef axis : {getAxis(), getOver()})
    if (!view.hasAxis(axis))
      return emitOpError("axis '") << axis << "' is not an axis of " << view;
  if (getAxis() == getOver())
    return emitOpError("cuts the axis along which the parts lie");
  int64_t parts = *view.getExtent(getOver());
  auto tile = dyn_cast<TileType>(getValue().getType());
  if (!tile) {
    auto vector = dyn_cast<VectorType>(getValue().getType());
    if (!vector || !getLayout() ||
        vector.getNumElements() != getLayout()->getNumRegisters())
      return emitOpError("stores a ") << getValue().getType()
                                      << ", neither a tile nor the registers "
                                         "of its layout";
    return success();
  }
  // The view without the axis of the parts, and the cut axis whole.
  SmallVector<StringAttr> axes;
  SmallVector<int64_t> shape;
  for (auto [axis, extent] : llvm::zip_equal(view.getAxes(), view.getShape()))
    if (axis.getValue() != getOver()) {
      axes.push_back(axis);
      shape.push_back(axis.getValue() == getAxis() ? extent * parts : extent);
    }
  return verifySameAxes(
      *this, tile,
      ViewType::get(getContext(), axes, shape, view.getElementType()));
}

LogicalResult LoadSumOp::verify() {
  ViewType view = getView().getType();
  TileType result = getResult().getType();
  if (!view.hasAxis(getAxis()))
    return emitOpError("axis '") << getAxis() << "' is not an axis of " << view;
  if (result.hasAxis(getAxis()))
    return emitOpError("adds along axis '")
           << getAxis() << "', which the result has";
  SmallVector<StringAttr> axes;
  SmallVector<int64_t> shape;
  for (auto [axis, extent] : llvm::zip_equal(view.getAxes(), view.getShape()))
    if (axis.getValue() != getAxis()) {
      axes.push_back(axis);
      shape.push_back(extent);
    }
  return verifySameAxes(
      *this, result,
      ViewType::get(getContext(), axes, shape, view.getElementType()));
}

LogicalResult PutOp::verify() {
  return verifySameAxes(*this, getValue().getType(), getView().getType());
}

LogicalResult SliceOp::verify() {
  ViewType source = getSource().getType(), result = getResult().getType();
  std::optional<int64_t> full = source.getExtent(getAxis());
  std::optional<int64_t> part = result.getExtent(getAxis());
  if (!full || !part)
    return emitOpError("axis '")
           << getAxis() << "' is not an axis of " << (full ? result : source);
  if (*part > *full)
    return emitOpError("axis '")
           << getAxis() << "' grows from " << *full << " to " << *part;
  if (source.withExtent(getAxis(), *part) != result)
    return emitOpError("changes more than axis '") << getAxis() << "'";
  // A dynamic offset (`group * part`) is the business of whoever makes it.
  llvm::APInt offset;
  if (matchPattern(getOffset(), m_ConstantInt(&offset)) &&
      (offset.isNegative() || offset.getSExtValue() > *full - *part))
    return emitOpError("takes ")
           << *part << " from offset " << offset.getSExtValue() << " of axis '"
           << getAxis() << "', which has " << *full;
  return success();
}

//===----------------------------------------------------------------------===//
// Per-thread accesses
//===----------------------------------------------------------------------===//

/// One coordinate for each dimension or axis, and one element of its type.
static LogicalResult verifyElementAccess(Operation *op, size_t coordinates,
                                         size_t expected, Type value,
                                         Type element) {
  if (coordinates != expected)
    return op->emitOpError("has ")
           << coordinates << " coordinates; expected " << expected;
  return verifyElementTypes(op, value, element);
}

LogicalResult LoadElementOp::verify() {
  GlobalTensorType tensor = getTensor().getType();
  return verifyElementAccess(*this, getIndices().size(), tensor.getRank(),
                             getResult().getType(), tensor.getElementType());
}

LogicalResult StoreElementOp::verify() {
  GlobalTensorType tensor = getTensor().getType();
  return verifyElementAccess(*this, getIndices().size(), tensor.getRank(),
                             getValue().getType(), tensor.getElementType());
}

LogicalResult LoadSharedOp::verify() {
  ViewType view = getView().getType();
  return verifyElementAccess(*this, getIndices().size(), view.getAxes().size(),
                             getResult().getType(), view.getElementType());
}

LogicalResult StoreFragmentOp::verify() {
  auto value = dyn_cast<VectorType>(getValue().getType());
  if (!value || value.getRank() != 1 || value.isScalable())
    return emitOpError("stores a ")
           << getValue().getType() << ", not a vector of registers";
  ViewType view = getView().getType();
  FragmentAttr layout = getLayout();
  int64_t registers = layout.getNumRegisters();
  if (value.getNumElements() != registers)
    return emitOpError("stores ") << value.getNumElements()
                                  << " registers in a layout of " << registers;
  // The layout covers the view: the same rule as for a tile's layout.
  auto emit = [&]() { return emitOpError(); };
  if (failed(TileType::verify(emit, view.getAxes(), view.getShape(),
                              view.getElementType(), layout)))
    return failure();
  return verifyElementTypes(*this, value.getElementType(),
                            view.getElementType());
}
