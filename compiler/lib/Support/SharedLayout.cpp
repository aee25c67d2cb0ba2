//===- SharedLayout.cpp - swizzled layouts, boxes, descriptors ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Support/SharedLayout.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>

using namespace tilewright;

static llvm::Error error(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

//===----------------------------------------------------------------------===//
// Construction
//===----------------------------------------------------------------------===//

llvm::Expected<SharedLayout> SharedLayout::make(unsigned elementBits,
                                                llvm::ArrayRef<SharedAxis> axes,
                                                Swizzle swizzle,
                                                bool interleaved) {
  if (axes.empty())
    return error("a shared-memory layout needs at least one axis");
  if (elementBits == 0 || elementBits > 64 ||
      (elementBits & (elementBits - 1)) != 0)
    return error("elements of " + llvm::Twine(elementBits) +
                 " bits have no shared-memory layout");
  SharedLayout layout;
  layout.bits = elementBits;
  layout.mode = swizzle;
  layout.axisList.assign(axes.begin(), axes.end());
  layout.rowCount = 1;
  for (auto [i, axis] : llvm::enumerate(axes)) {
    // The upper bounds only keep the arithmetic below from overflowing.
    constexpr int64_t largestExtent = int64_t(1) << 24;
    if (axis.extent < 1 || axis.extent > largestExtent ||
        layout.rowCount > largestExtent)
      return error("axis '" + axis.name + "' has extent " +
                   llvm::Twine(axis.extent));
    for (const SharedAxis &earlier : axes.take_front(i))
      if (earlier.name == axis.name)
        return error("axis '" + axis.name + "' occurs twice");
    if (i + 1 < axes.size())
      layout.rowCount *= axis.extent;
  }
  const SharedAxis &inner = axes.back();
  int64_t rowBits = inner.extent * elementBits;
  if (rowBits % 8 != 0)
    return error("axis '" + inner.name + "' of " + llvm::Twine(inner.extent) +
                 " elements of " + llvm::Twine(elementBits) +
                 " bits does not end on a byte");
  int64_t rowBytes = rowBits / 8;
  layout.span = interleaved                ? 16
                : swizzle == Swizzle::None ? rowBytes
                                           : static_cast<int64_t>(swizzle);
  if (rowBytes % layout.span != 0)
    return error("axis '" + inner.name + "' is " + llvm::Twine(rowBytes) +
                 " bytes, which is not a multiple of " +
                 llvm::Twine(layout.span));
  layout.chunkCount = rowBytes / layout.span;
  int64_t atomBytes = layout.rowCount * layout.span;
  if (layout.chunkCount > 1 && swizzle != Swizzle::None &&
      atomBytes % layout.alignment() != 0)
    return error("atoms of " + llvm::Twine(atomBytes) +
                 " bytes break the pattern of a swizzle of " +
                 llvm::Twine(layout.span) + " bytes, which repeats every " +
                 llvm::Twine(layout.alignment()));
  return layout;
}

llvm::Expected<SharedLayout> SharedLayout::get(unsigned elementBits,
                                               llvm::ArrayRef<SharedAxis> axes,
                                               Swizzle swizzle) {
  return make(elementBits, axes, swizzle, /*interleaved=*/false);
}

llvm::Expected<SharedLayout>
SharedLayout::getInterleaved(unsigned elementBits,
                             llvm::ArrayRef<SharedAxis> axes) {
  return make(elementBits, axes, Swizzle::None, /*interleaved=*/true);
}

llvm::Expected<SharedLayout>
SharedLayout::choose(unsigned elementBits, llvm::ArrayRef<SharedAxis> axes,
                     bool forMatrix) {
  for (Swizzle swizzle : {Swizzle::B128, Swizzle::B64, Swizzle::B32}) {
    auto layout = get(elementBits, axes, swizzle);
    if (layout)
      return layout;
    llvm::consumeError(layout.takeError());
  }
  if (forMatrix) {
    auto layout = getInterleaved(elementBits, axes);
    if (layout)
      return layout;
    llvm::consumeError(layout.takeError());
  }
  return get(elementBits, axes, Swizzle::None);
}

//===----------------------------------------------------------------------===//
// Shape
//===----------------------------------------------------------------------===//

bool SharedLayout::isInterleaved() const {
  return mode == Swizzle::None && span == 16 && chunkCount > 0;
}

int SharedLayout::axisIndex(llvm::StringRef axis) const {
  for (auto [i, candidate] : llvm::enumerate(axisList))
    if (candidate.name == axis)
      return static_cast<int>(i);
  return -1;
}

int64_t SharedLayout::extent(llvm::StringRef axis) const {
  int index = axisIndex(axis);
  return index < 0 ? 1 : axisList[index].extent;
}

int64_t SharedLayout::alignment() const {
  // The pattern XORs bits [7, 7+b) into the address and so repeats every
  // 2^(7+b) bytes.
  return int64_t(128) << swizzleBits(mode);
}

int64_t SharedLayout::rowOf(llvm::ArrayRef<int64_t> coordinates) const {
  assert(coordinates.size() == axisList.size());
  int64_t row = 0;
  for (size_t i = 0; i + 1 < coordinates.size(); ++i)
    row = row * axisList[i].extent + coordinates[i];
  return row;
}

int64_t SharedLayout::linearOffset(llvm::ArrayRef<int64_t> coordinates) const {
  int64_t columnByte = coordinates.back() * bits / 8;
  return columnByte / span * rowCount * span + rowOf(coordinates) * span +
         columnByte % span;
}

int64_t SharedLayout::byteOffset(llvm::ArrayRef<int64_t> coordinates) const {
  return applySwizzle(mode, linearOffset(coordinates));
}

void SharedLayout::print(llvm::raw_ostream &os) const {
  os << bits << "-bit [";
  llvm::interleaveComma(axisList, os, [&](const SharedAxis &axis) {
    os << axis.name << ": " << axis.extent;
  });
  os << "] ";
  if (mode != Swizzle::None)
    os << "swizzle " << static_cast<unsigned>(mode);
  else
    os << (chunkCount > 1 ? "interleaved" : "plain");
  if (chunkCount > 1)
    os << " atoms " << chunkCount;
}

std::string SharedLayout::str() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  print(os);
  return text;
}

//===----------------------------------------------------------------------===//
// Tensor-map boxes
//===----------------------------------------------------------------------===//

llvm::Expected<BoxPlan>
SharedLayout::boxes(llvm::ArrayRef<int64_t> limits) const {
  // PTX ISA, "Tensors": the rank of a box is at most 5, the bytes of its
  // innermost extent are a multiple of 16.
  constexpr size_t maxRank = 5;
  if (axisList.empty())
    return error("an empty layout has no boxes");
  if (axisList.size() > maxRank)
    return error("a tensor copy of " + llvm::Twine(axisList.size()) +
                 " axes: at most " + llvm::Twine(maxRank) + " are possible");
  assert(limits.empty() || limits.size() == axisList.size());

  // Inner to outer. Once an axis is cut, every axis outside it has extent 1 in
  // the box: otherwise the box would not be contiguous in shared memory.
  BoxPlan plan;
  plan.extents.assign(axisList.size(), 1);
  int64_t innerRows = 1;
  bool wasCut = false;
  for (size_t i = axisList.size(); i-- > 0;) {
    const SharedAxis &axis = axisList[i];
    bool isInner = i + 1 == axisList.size();
    // The inner axis is cut at the span, or below it by a limit; a cut at the
    // span leaves atoms, whose rows are contiguous.
    int64_t whole = isInner ? elementsPerSpan() : axis.extent;
    int64_t limit = std::min(whole, maxBoxExtent);
    if (!limits.empty() && limits[i] > 0)
      limit = std::min(limit, limits[i]);
    if (wasCut)
      limit = 1;
    int64_t extent = 0;
    for (int64_t candidate = limit; candidate >= 1 && extent == 0;
         --candidate) {
      if (whole % candidate != 0)
        continue;
      bool fits = true;
      if (isInner)
        // A partial span would need a row stride: only whole spans (multiples
        // of 16 bytes), except in a field of a single row, whose pieces must
        // be 128-byte aligned.
        fits =
            (candidate == whole || (rowCount == 1 && mode == Swizzle::None)) &&
            candidate * bits % (candidate == whole ? 128 : 1024) == 0;
      else if (mode != Swizzle::None && candidate != axis.extent)
        // The pattern restarts with the box: it must begin at a period.
        fits = candidate * innerRows * span % alignment() == 0;
      else if (candidate != axis.extent)
        // A shared-memory address of a tensor copy is 128-byte aligned.
        fits = candidate * innerRows * span % 128 == 0;
      if (fits)
        extent = candidate;
    }
    if (extent == 0)
      return error("axis '" + axis.name + "' of extent " +
                   llvm::Twine(axis.extent) +
                   " cannot be cut into boxes of at most " +
                   llvm::Twine(limit) + " elements");
    plan.extents[i] = extent;
    wasCut |= extent != whole;
    if (!isInner)
      innerRows *= axis.extent;
  }

  plan.bytesPerBox = bits;
  for (int64_t extent : plan.extents)
    plan.bytesPerBox *= extent;
  plan.bytesPerBox /= 8;

  // Enumerate in the order of memory: atoms, then rows.
  llvm::SmallVector<int64_t, 4> origin(axisList.size(), 0);
  while (true) {
    plan.boxes.push_back({origin, linearOffset(origin)});
    size_t i = axisList.size();
    while (i-- > 0) {
      origin[i] += plan.extents[i];
      if (origin[i] < axisList[i].extent)
        break;
      origin[i] = 0;
    }
    if (i == static_cast<size_t>(-1))
      break;
  }
  llvm::sort(plan.boxes, [](const BoxPlan::Box &a, const BoxPlan::Box &b) {
    return a.byteOffset < b.byteOffset;
  });
  return plan;
}

//===----------------------------------------------------------------------===//
// wgmma descriptors
//===----------------------------------------------------------------------===//

int64_t WgmmaOperandLayout::kStepOffset(int64_t step) const {
  if (!kMajor)
    return step * kPerStep * spanBytes;
  int64_t bytes = step * kPerStep * elementBytes;
  return bytes / spanBytes * rows * spanBytes + bytes % spanBytes;
}

int64_t WgmmaOperandLayout::mnGranule() const {
  return kMajor ? 8 : spanBytes / elementBytes;
}

int64_t WgmmaOperandLayout::mnOffset(int64_t mn) const {
  assert(mn % mnGranule() == 0 && "not a place where a descriptor can begin");
  if (kMajor)
    return mn * spanBytes;
  return mn * elementBytes / spanBytes * rows * spanBytes;
}

llvm::Expected<WgmmaOperandLayout>
SharedLayout::wgmmaOperand(llvm::StringRef kAxis) const {
  int index = axisIndex(kAxis);
  if (index < 0)
    return error("the field has no axis '" + kAxis + "'");
  if (bits != 8 && bits != 16 && bits != 32)
    return error("wgmma takes no " + llvm::Twine(bits) + "-bit elements");
  if (mode == Swizzle::None && span != 16)
    return error("wgmma cannot read the plain row-major layout " + str());

  WgmmaOperandLayout operand;
  operand.elementBytes = bits / 8;
  operand.kPerStep = 256 / bits;
  operand.kExtent = axisList[index].extent;
  operand.spanBytes = span;
  operand.rows = rowCount;
  // PTX ISA, matrix descriptor, "Swizzle mode": 1 = 128 B, 2 = 64 B, 3 = 32 B.
  operand.swizzleCode = mode == Swizzle::None ? 0 : 4 - swizzleBits(mode);
  if (operand.kExtent % operand.kPerStep != 0)
    return error("the K extent " + llvm::Twine(operand.kExtent) + " of axis '" +
                 kAxis + "' is not a multiple of " +
                 llvm::Twine(operand.kPerStep));

  operand.kMajor = index + 1 == static_cast<int>(axisList.size());
  if (operand.kMajor) {
    operand.mnExtent = rowCount;
    if (rowCount % 8 != 0)
      return error("an operand of " + llvm::Twine(rowCount) +
                   " rows: wgmma reads groups of 8");
    // PTX ISA, "Strides": K-major; the stride offset leads from 8 rows to the
    // next 8. The leading offset counts only without a swizzle (from a core
    // matrix to the next along K).
    operand.strideBytes = 8 * span;
    operand.leadingBytes = mode == Swizzle::None ? rowCount * span : 0;
    return operand;
  }

  if (axisList.size() != 2)
    return error("axis '" + kAxis + "' is not the innermost axis of " + str() +
                 ", so it has to be the only outer one");
  if (bits != 16)
    return error("the contracted axis '" + kAxis +
                 "' must be contiguous: wgmma reads only 16-bit elements in "
                 "the other order");
  operand.mnExtent = axisList.back().extent;
  // MN-major. Swizzled: the leading offset leads from one span along MN to the
  // next, the stride offset from 8 rows of K to the next 8. Unswizzled, the
  // two exchange their meaning.
  int64_t alongMN = rowCount * span, alongK = 8 * span;
  operand.leadingBytes = mode == Swizzle::None ? alongK : alongMN;
  operand.strideBytes = mode == Swizzle::None ? alongMN : alongK;
  return operand;
}
