//===- TileTypes.cpp - types and attributes of the tile dialect -----------===//
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
using namespace tilewright;
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

/// No tile of a machine has more elements; below it, sizes in bits fit in 64
/// bits everywhere.
static constexpr int64_t maxElements = int64_t(1) << 32;

unsigned tile::getStorageBits(Type type) {
  if (type.isInteger(1))
    return 8;
  if (isa<FloatTF32Type>(type))
    return 32;
  if (!type.isIntOrFloat())
    return 0;
  unsigned bits = type.getIntOrFloatBitWidth();
  return bits == 4 || bits == 8 || bits == 16 || bits == 32 || bits == 64 ? bits
                                                                          : 0;
}

bool tile::isCopyConversion(Type from, Type to) {
  return from == to || (from.isF32() && isa<FloatTF32Type>(to));
}

/// Memory holds integers and floats of 4, 8, 16, 32 and 64 bits, tf32 and
/// booleans.
static LogicalResult
verifyMemoryElement(llvm::function_ref<InFlightDiagnostic()> emitError,
                    Type type) {
  if (getStorageBits(type) == 0)
    return emitError() << type << " is not an element type that memory holds";
  return success();
}

/// Axes must be distinct and extents positive.
static LogicalResult
verifyAxes(llvm::function_ref<InFlightDiagnostic()> emitError,
           ArrayRef<StringAttr> axes, ArrayRef<int64_t> shape) {
  if (axes.size() != shape.size())
    return emitError() << "has " << axes.size() << " axes but " << shape.size()
                       << " extents";
  llvm::SmallSet<StringRef, 4> seen;
  int64_t elements = 1;
  for (auto [axis, extent] : llvm::zip_equal(axes, shape)) {
    if (!seen.insert(axis.getValue()).second)
      return emitError() << "axis '" << axis.getValue() << "' appears twice";
    if (extent <= 0)
      return emitError() << "axis '" << axis.getValue() << "' has extent "
                         << extent << "; extents are positive";
    if (axis.empty())
      return emitError() << "axis without a name";
    if (extent > maxElements / elements)
      return emitError() << "has more than 2^32 elements";
    elements *= extent;
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
  if (!elementType.isIndex() && getStorageBits(elementType) == 0)
    return emitError() << elementType << " is not an element type of tiles";
  if (!layout)
    return success();
  for (auto [axis, extent] : llvm::zip_equal(axes, shape)) {
    std::optional<int64_t> covered = layout.getExtent(axis);
    if (!covered)
      return emitError() << "layout does not cover axis '" << axis.getValue()
                         << "'";
    // It may overhang: users guard coordinates beyond the extent.
    if (*covered < extent)
      return emitError() << "layout covers " << *covered << " of the " << extent
                         << " elements of axis '" << axis.getValue() << "'";
  }
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
  if (failed(verifyAxes(emitError, axes, shape)))
    return failure();
  return verifyMemoryElement(emitError, elementType);
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
  for (ArrayRef<int64_t> radices : {threads, regs}) {
    int64_t total = 1;
    for (int64_t radix : radices) {
      if (radix <= 0)
        return emitError() << "digit of radix " << radix << " is not positive";
      if (radix > maxElements / total)
        return emitError() << "has more than 2^32 threads or registers";
      total *= radix;
    }
  }
  llvm::SmallSet<StringRef, 4> seen;
  for (auto [i, axis] : llvm::enumerate(axes)) {
    if (axis.empty())
      return emitError() << "axis without a name";
    if (!seen.insert(axis.getValue()).second)
      return emitError() << "axis '" << axis.getValue() << "' appears twice";
    int64_t largest = 0;
    for (auto [j, stride] :
         llvm::enumerate(strides.slice(i * digits, digits))) {
      int64_t radix =
          j < threads.size() ? threads[j] : regs[j - threads.size()];
      if (stride < 0)
        return emitError() << "stride " << stride << " of axis '"
                           << axis.getValue() << "' is negative";
      if (radix > 1 && stride > (maxElements - largest) / (radix - 1))
        return emitError() << "coordinates of axis '" << axis.getValue()
                           << "' exceed 2^32";
      largest += stride * (radix - 1);
    }
  }
  return success();
}

int64_t FragmentAttr::getNumRegisters() const { return product(getRegs()); }

std::optional<int64_t> FragmentAttr::getExtent(StringRef axis) const {
  size_t digits = getThreads().size() + getRegs().size();
  for (auto [i, name] : llvm::enumerate(getAxes())) {
    if (name.getValue() != axis)
      continue;
    int64_t largest = 0;
    ArrayRef<int64_t> strides = getStrides().slice(i * digits, digits);
    for (auto [radix, stride] : llvm::zip_equal(
             llvm::concat<const int64_t>(getThreads(), getRegs()), strides))
      largest += (radix - 1) * stride;
    return largest + 1;
  }
  return std::nullopt;
}

LogicalResult SharedAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 ArrayRef<StringAttr> axes, int64_t swizzle) {
  if (swizzle != 0 && swizzle != 32 && swizzle != 64 && swizzle != 128)
    return emitError() << "swizzle of " << swizzle
                       << " bytes; the hardware has 0, 32, 64 and 128";
  llvm::SmallSet<StringRef, 4> seen;
  for (StringAttr axis : axes)
    if (!seen.insert(axis.getValue()).second)
      return emitError() << "axis '" << axis.getValue() << "' appears twice";
  return success();
}

//===----------------------------------------------------------------------===//
// Tensors and iterators
//===----------------------------------------------------------------------===//

LogicalResult
GlobalTensorType::verify(function_ref<InFlightDiagnostic()> emitError,
                         int64_t rank, Type elementType) {
  if (rank < 1)
    return emitError() << "tensor of rank " << rank << "; at least 1 is needed";
  return verifyMemoryElement(emitError, elementType);
}

LogicalResult IterType::verify(function_ref<InFlightDiagnostic()> emitError,
                               int64_t rank) {
  if (rank < 1)
    return emitError() << "iterator of rank " << rank
                       << "; at least 1 is needed";
  return success();
}
