//===- TileTypes.cpp - types and attributes of the tile dialect  ---===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/DialectImplementation.h"
#include "tilewright/Dialect/Tile/TileDialect.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tilewright::tile;

/// Parses `[m: 64, n: 128]`.
static ParseResult parseAxes(AsmParser &parser, SmallVector<StringAttr> &axes,
                             SmallVector<int64_t> &shape) {
  return parser.parseCommaSeparatedList(
      AsmParser::Delimiter::Square, [&]() -> ParseResult {
        std::string name;
        int64_t extent;
        if (parser.parseKeywordOrString(&name) || parser.parseColon() ||
            parser.parseInteger(extent))
          return failure();
        axes.push_back(StringAttr::get(parser.getContext(), name));
        shape.push_back(extent);
        return success();
      });
}

static void printAxes(AsmPrinter &printer, ArrayRef<StringAttr> axes,
                      ArrayRef<int64_t> shape) {
  printer << "[";
  llvm::interleaveComma(llvm::zip_equal(axes, shape), printer, [&](auto pair) {
    printer.printKeywordOrString(std::get<0>(pair).getValue());
    printer << ": " << std::get<1>(pair);
  });
  printer << "]";
}

#define GET_ATTRDEF_CLASSES
#include "tilewright/Dialect/Tile/TileAttrs.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "tilewright/Dialect/Tile/TileTypes.cpp.inc"

#include "tilewright/Dialect/Tile/TileEnums.cpp.inc"

void TileDialect::registerTypes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "tilewright/Dialect/Tile/TileAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "tilewright/Dialect/Tile/TileTypes.cpp.inc"
      >();
}

/// Axes must be distinct and extents positive.
static LogicalResult
verifyAxes(llvm::function_ref<InFlightDiagnostic()> emitError,
           ArrayRef<StringAttr> axes, ArrayRef<int64_t> shape) {
  if (axes.size() != shape.size())
    return emitError() << "has " << axes.size() << " axes but " << shape.size()
                       << " extents";
  llvm::SmallSet<StringRef, 4> seen;
  for (auto [axis, extent] : llvm::zip_equal(axes, shape)) {
    if (!seen.insert(axis.getValue()).second)
      return emitError() << "axis '" << axis.getValue() << "' appears twice";
    if (extent <= 0)
      return emitError() << "axis '" << axis.getValue() << "' has extent "
                         << extent << "; extents are positive";
  }
  return success();
}

template <typename T>
static std::optional<int64_t> findExtent(T type, StringRef axis) {
  for (auto [name, extent] : llvm::zip_equal(type.getAxes(), type.getShape()))
    if (name.getValue() == axis)
      return extent;
  return std::nullopt;
}

template <typename T>
static SmallVector<int64_t> replaceExtent(T type, StringRef axis,
                                          int64_t extent) {
  SmallVector<int64_t> shape(type.getShape());
  for (auto [i, name] : llvm::enumerate(type.getAxes()))
    if (name.getValue() == axis)
      shape[i] = extent;
  return shape;
}

static int64_t product(ArrayRef<int64_t> shape) {
  int64_t n = 1;
  for (int64_t extent : shape)
    n *= extent;
  return n;
}

//===----------------------------------------------------------------------===//
// TileType
//===----------------------------------------------------------------------===//

LogicalResult TileType::verify(function_ref<InFlightDiagnostic()> emitError,
                               ArrayRef<StringAttr> axes,
                               ArrayRef<int64_t> shape, Type elementType,
                               FragmentAttr layout) {
  if (failed(verifyAxes(emitError, axes, shape)))
    return failure();
  if (!layout)
    return success();
  for (StringAttr axis : axes)
    if (!llvm::is_contained(layout.getAxes(), axis))
      return emitError() << "layout does not cover axis '" << axis.getValue()
                         << "'";
  return success();
}

std::optional<int64_t> TileType::getExtent(StringRef axis) const {
  return findExtent(*this, axis);
}

int64_t TileType::getNumElements() const { return product(getShape()); }

TileType TileType::withExtent(StringRef axis, int64_t extent) const {
  return get(getContext(), getAxes(), replaceExtent(*this, axis, extent),
             getElementType(), FragmentAttr());
}

TileType TileType::withElementType(Type type) const {
  return get(getContext(), getAxes(), getShape(), type, getLayout());
}

TileType TileType::withLayout(FragmentAttr layout) const {
  return get(getContext(), getAxes(), getShape(), getElementType(), layout);
}

//===----------------------------------------------------------------------===//
// ViewType
//===----------------------------------------------------------------------===//

LogicalResult ViewType::verify(function_ref<InFlightDiagnostic()> emitError,
                               ArrayRef<StringAttr> axes,
                               ArrayRef<int64_t> shape, Type elementType) {
  return verifyAxes(emitError, axes, shape);
}

std::optional<int64_t> ViewType::getExtent(StringRef axis) const {
  return findExtent(*this, axis);
}

int64_t ViewType::getNumElements() const { return product(getShape()); }

ViewType ViewType::withExtent(StringRef axis, int64_t extent) const {
  return get(getContext(), getAxes(), replaceExtent(*this, axis, extent),
             getElementType());
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

LogicalResult FragmentAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   ArrayRef<int64_t> threads,
                                   ArrayRef<int64_t> regs,
                                   ArrayRef<StringAttr> axes,
                                   ArrayRef<int64_t> strides) {
  size_t digits = threads.size() + regs.size();
  if (strides.size() != axes.size() * digits)
    return emitError() << "expects " << axes.size() * digits << " strides ("
                       << axes.size() << " axes, " << digits
                       << " digits) but has " << strides.size();
  for (int64_t radix : llvm::concat<const int64_t>(threads, regs))
    if (radix <= 0)
      return emitError() << "digit of radix " << radix << " is not positive";
  return success();
}

LogicalResult SharedAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 ArrayRef<StringAttr> axes, int64_t swizzle) {
  if (swizzle != 0 && swizzle != 32 && swizzle != 64 && swizzle != 128)
    return emitError() << "swizzle of " << swizzle
                       << " bytes; the hardware has 0, 32, 64 and 128";
  return success();
}
