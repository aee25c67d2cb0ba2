//===- SharedLayout.h - fields of slots in shared memory ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The layout of a field (one tile of a pipe's slot, or a staging buffer) in
// shared memory, and all address arithmetic on it: element offsets, tensor-map
// boxes, wgmma matrix descriptors, stmatrix addresses.
//
// The axes are given outer to inner; the innermost is contiguous. All outer
// axes together form the rows, in row-major order. A row is cut into *spans*
// of spanBytes; the spans of equal position of all rows form an *atom*:
//
//   [chunks][rows][spanBytes]
//
// With a swizzle of 32, 64 or 128 bytes the span equals the swizzle, and the
// 16-byte units of a span are permuted: bits [4, 4+b) of the byte address are
// XORed with bits [7, 7+b), b = 1, 2, 3 (PTX ISA, "Swizzling modes" of tensor
// copies, and "Shared memory layout" of wgmma). The permutation uses address
// bits, so a buffer must be aligned to the period of the pattern: 256, 512 or
// 1024 bytes.
//
// Without a swizzle the span is either the whole row (plain row-major, for
// vector accesses and scales) or 16 bytes (the "interleaved" core-matrix form
// that wgmma reads without a swizzle: every 8 rows of an atom are one
// contiguous 8x16-byte core matrix).
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_SUPPORT_SHAREDLAYOUT_H
#define TILEWRIGHT_SUPPORT_SHAREDLAYOUT_H

#include "tilewright/Support/Arith.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <string>

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace tilewright {

/// Swizzle modes; the value is the span in bytes.
enum class Swizzle : unsigned { None = 0, B32 = 32, B64 = 64, B128 = 128 };

/// Number of address bits that a swizzle permutes: 0, 1, 2 or 3.
constexpr unsigned swizzleBits(Swizzle swizzle) {
  return swizzle == Swizzle::None  ? 0
         : swizzle == Swizzle::B32 ? 1
         : swizzle == Swizzle::B64 ? 2
                                   : 3;
}

/// The swizzled byte address: the hardware's definition. `offset` counts from
/// an address aligned to the period of the pattern.
constexpr int64_t applySwizzle(Swizzle swizzle, int64_t offset) {
  int64_t mask = (int64_t(1) << swizzleBits(swizzle)) - 1;
  return offset ^ (((offset >> 7) & mask) << 4);
}

struct SharedAxis {
  std::string name;
  int64_t extent;
  bool operator==(const SharedAxis &o) const {
    return name == o.name && extent == o.extent;
  }
};

/// PTX ISA, "Tensors": an extent of a box is 1 to this many elements.
inline constexpr int64_t maxBoxExtent = 256;

/// The tensor-map boxes that fill a field (or store it): all boxes have the
/// same extents, so one descriptor serves them all.
struct BoxPlan {
  struct Box {
    /// First coordinate on each axis, outer to inner, in elements.
    llvm::SmallVector<int64_t, 4> origin;
    /// Where the box begins in the field.
    int64_t byteOffset;
  };
  /// Extent on each axis, outer to inner, in elements. A tensor map lists its
  /// box innermost first: reverse.
  llvm::SmallVector<int64_t, 4> extents;
  llvm::SmallVector<Box, 4> boxes;
  int64_t bytesPerBox = 0;
};

/// The address-independent part of a wgmma matrix descriptor and the way its
/// start address moves (PTX ISA, "Matrix Descriptor Format" of wgmma).
struct WgmmaOperandLayout {
  /// K is the contiguous axis (tnspA/tnspB = 0).
  bool kMajor = true;
  /// Layout code at bits 62..63: 0 none, 1 = 128 B, 2 = 64 B, 3 = 32 B.
  unsigned swizzleCode = 0;
  int64_t leadingBytes = 0;
  int64_t strideBytes = 0;
  /// Elements of K that one instruction contracts (32 bytes).
  int64_t kPerStep = 0;
  int64_t kExtent = 0;
  int64_t mnExtent = 0;

  /// The constant bits: leading and stride offsets (16-byte units, bits 16..29
  /// and 32..45) and the layout code. OR with addressBits(address).
  uint64_t constantBits() const {
    return (uint64_t((leadingBytes >> 4) & 0x3FFF) << 16) |
           (uint64_t((strideBytes >> 4) & 0x3FFF) << 32) |
           (uint64_t(swizzleCode) << 62);
  }
  static uint64_t addressBits(int64_t address) {
    return uint64_t(address & 0x3FFFF) >> 4;
  }
  uint64_t encode(int64_t address) const {
    return constantBits() | addressBits(address);
  }

  /// Number of instructions along K.
  int64_t kSteps() const { return kExtent / kPerStep; }
  /// Bytes to add to the start address for k-step `step`; always a multiple
  /// of 16, so a descriptor advances by kStepOffset(step) >> 4.
  int64_t kStepOffset(int64_t step) const;
  /// Bytes to add for rows (K-major) or columns (MN-major) that begin at
  /// coordinate `mn`: waves, groups of a split. Needs mn % mnGranule() == 0.
  int64_t mnOffset(int64_t mn) const;
  /// 8 for K-major operands, the elements of a span for MN-major ones.
  int64_t mnGranule() const;

  // The geometry behind the offsets.
  int64_t elementBytes = 0;
  int64_t spanBytes = 0;
  int64_t rows = 0;
};

class SharedLayout {
public:
  /// An empty layout: no axes, no bytes.
  SharedLayout() = default;

  /// Plain row-major or swizzled. Errors: a swizzle whose span does not divide
  /// the bytes of the inner axis; several atoms whose size is not a multiple
  /// of the pattern's period; sub-byte rows that do not end on a byte.
  static llvm::Expected<SharedLayout>
  get(unsigned elementBits, llvm::ArrayRef<SharedAxis> axes, Swizzle swizzle);

  /// Without swizzle, atoms of 16-byte spans: what wgmma reads unswizzled.
  static llvm::Expected<SharedLayout>
  getInterleaved(unsigned elementBits, llvm::ArrayRef<SharedAxis> axes);

  /// The layout with the widest swizzle whose span divides the inner axis:
  /// the best for TMA, wgmma and stmatrix alike. Falls back to interleaved
  /// when 16 bytes divide it and `forMatrix`, else to plain row-major.
  static llvm::Expected<SharedLayout>
  choose(unsigned elementBits, llvm::ArrayRef<SharedAxis> axes, bool forMatrix);

  unsigned elementBits() const { return bits; }
  llvm::ArrayRef<SharedAxis> axes() const { return axisList; }
  Swizzle swizzle() const { return mode; }
  bool isInterleaved() const;
  int64_t extent(llvm::StringRef axis) const;
  /// Position of `axis` outer to inner, or -1.
  int axisIndex(llvm::StringRef axis) const;

  /// Rows: the product of all outer extents.
  int64_t rows() const { return rowCount; }
  /// Bytes of a span: the swizzle, 16, or the whole row.
  int64_t spanBytes() const { return span; }
  /// Atoms: row bytes / span bytes.
  int64_t chunks() const { return chunkCount; }
  int64_t elementsPerSpan() const { return span * 8 / bits; }
  int64_t totalBytes() const { return chunkCount * rowCount * span; }
  /// 1024, 512, 256 with a swizzle; 128 without (PTX ISA, tensor copies: a
  /// shared-memory address is 128-byte aligned).
  int64_t alignment() const;

  /// The row of a coordinate tuple (outer to inner, the inner one ignored).
  int64_t rowOf(llvm::ArrayRef<int64_t> coordinates) const;
  /// Byte offset of an element; for sub-byte types of the byte that holds it.
  int64_t byteOffset(llvm::ArrayRef<int64_t> coordinates) const;
  /// Byte offset before swizzling. Descriptors and boxes start here: the
  /// hardware applies the permutation to the addresses it forms.
  int64_t linearOffset(llvm::ArrayRef<int64_t> coordinates) const;

  /// The same as arithmetic on values: the byte offset of byte `columnByte`
  /// of row `row`. All accesses up to 16 bytes wide that are aligned to their
  /// width stay contiguous under the swizzle.
  template <typename Arith>
  typename Arith::Value emitOffset(Arith &a, typename Arith::Value row,
                                   typename Arith::Value columnByte) const;
  /// Byte offset of an element given one value for each axis, outer to inner.
  /// Needs whole-byte elements.
  template <typename Arith>
  typename Arith::Value
  emitOffset(Arith &a, llvm::ArrayRef<typename Arith::Value> coords) const;

  /// The boxes of tensor copies: at most 256 elements on an axis, the inner
  /// one at most a span wide, and each box contiguous in shared memory (PTX
  /// ISA, "Tensors": bounding box). `limits` (outer to inner, 0 = none) caps
  /// the extents further, for subscripts whose chunks are smaller than the
  /// tile; an axis is then cut in equal boxes. Fails when an extent has no
  /// suitable divisor, or for the inner row being no multiple of 16 bytes.
  llvm::Expected<BoxPlan> boxes(llvm::ArrayRef<int64_t> limits = {}) const;

  /// How wgmma reads this field as an operand contracted over `kAxis`. K-major
  /// when kAxis is the inner axis (all others are M or N, row-major), MN-major
  /// when kAxis is the only outer axis (16-bit types only). Fails, saying why,
  /// for anything else: wrong width, extents that the instruction cannot read,
  /// plain row-major layouts.
  llvm::Expected<WgmmaOperandLayout> wgmmaOperand(llvm::StringRef kAxis) const;

  /// Byte offset (relative to the field) of the address that `lane` gives to
  /// stmatrix.x4 (or .x2 when `columns` == 8) when warp `warp` of a warpgroup
  /// stores 16-bit elements of rows 16*warp .. +15 and columns
  /// 16*step .. +15 of one wave of a wgmma accumulator, whose first row is
  /// `rowBase` (PTX ISA, "stmatrix": lanes 8q..8q+7 address the rows of matrix
  /// q). Matrix q holds rows + 8*(q%2), columns + 8*(q/2): exactly registers
  /// 8*step + 2q, + 1 of FragmentLayout::wgmmaAccumulator, so the stored
  /// registers are pack(r[8s], r[8s+1]), pack(r[8s+2], r[8s+3]), ...
  ///
  /// `step` is a constant: column terms fold, and the swizzle costs one XOR.
  /// With `transposed` the field's inner axis is the accumulator's M and its
  /// rows are N (swap-AB); use stmatrix.trans with the same registers.
  /// In both forms lanes beyond those that an .x2 uses get a valid address.
  template <typename Arith>
  typename Arith::Value
  emitStmatrixOffset(Arith &a, typename Arith::Value lane,
                     typename Arith::Value warp, typename Arith::Value rowBase,
                     int64_t step, bool transposed = false) const;

  bool operator==(const SharedLayout &o) const {
    return bits == o.bits && mode == o.mode && span == o.span &&
           axisList == o.axisList;
  }
  bool operator!=(const SharedLayout &o) const { return !(*this == o); }

  /// `8-bit [m: 128, k: 128] swizzle 128` (plus `atoms 2` when several).
  void print(llvm::raw_ostream &os) const;
  std::string str() const;

private:
  static llvm::Expected<SharedLayout> make(unsigned elementBits,
                                           llvm::ArrayRef<SharedAxis> axes,
                                           Swizzle swizzle, bool interleaved);

  unsigned bits = 8;
  llvm::SmallVector<SharedAxis, 3> axisList;
  Swizzle mode = Swizzle::None;
  int64_t rowCount = 0;
  int64_t span = 1;
  int64_t chunkCount = 0;
};

inline llvm::raw_ostream &operator<<(llvm::raw_ostream &os,
                                     const SharedLayout &layout) {
  layout.print(os);
  return os;
}

//===----------------------------------------------------------------------===//
// Templates
//===----------------------------------------------------------------------===//

template <typename Arith>
typename Arith::Value
SharedLayout::emitOffset(Arith &a, typename Arith::Value row,
                         typename Arith::Value columnByte) const {
  using Value = typename Arith::Value;
  Value chunkOffset{};
  Value column = columnByte;
  if (chunkCount > 1) {
    Value spanValue = a.constant(span);
    chunkOffset =
        a.mul(a.divui(columnByte, spanValue), a.constant(rowCount * span));
    column = a.remui(columnByte, spanValue);
  }
  unsigned b = swizzleBits(mode);
  if (b != 0) {
    // Address bits 7.. of row*span: a span is 2^(4+b) bytes, so 2^(3-b) rows
    // share 128 bytes.
    Value phase = row;
    if (b < 3)
      phase = a.divui(phase, a.constant(int64_t(1) << (3 - b)));
    phase = a.remui(phase, a.constant(int64_t(1) << b));
    column = a.bitXor(column, a.mul(phase, a.constant(16)));
  }
  Value offset = a.add(a.mul(row, a.constant(span)), column);
  return chunkCount > 1 ? a.add(chunkOffset, offset) : offset;
}

template <typename Arith>
typename Arith::Value
SharedLayout::emitOffset(Arith &a,
                         llvm::ArrayRef<typename Arith::Value> coords) const {
  using Value = typename Arith::Value;
  assert(coords.size() == axisList.size() && bits % 8 == 0);
  Value row = a.constant(0);
  bool first = true;
  for (size_t i = 0; i + 1 < coords.size(); ++i) {
    row = first ? coords[i]
                : a.add(a.mul(row, a.constant(axisList[i].extent)), coords[i]);
    first = false;
  }
  return emitOffset(a, row, a.mul(coords.back(), a.constant(bits / 8)));
}

template <typename Arith>
typename Arith::Value SharedLayout::emitStmatrixOffset(
    Arith &a, typename Arith::Value lane, typename Arith::Value warp,
    typename Arith::Value rowBase, int64_t step, bool transposed) const {
  using Value = typename Arith::Value;
  assert(bits == 16 && "stmatrix stores 16-bit elements here");
  // q = lane / 8: low = 8 * (q % 2) moves along M, high = 8 * (q / 2) along N.
  Value within = a.remui(lane, a.constant(8));
  Value low = a.mul(a.remui(a.divui(lane, a.constant(8)), a.constant(2)),
                    a.constant(8));
  Value high = a.mul(a.divui(lane, a.constant(16)), a.constant(8));
  Value m = a.add(rowBase, a.mul(warp, a.constant(16)));
  Value n = a.constant(16 * step);
  Value row, column;
  if (transposed) {
    row = a.add(n, a.add(high, within));
    column = a.add(m, low);
  } else {
    row = a.add(m, a.add(low, within));
    column = a.add(n, high);
  }
  // The last step of an N that is 8 modulo 16 has only two matrices; keep the
  // unused lanes inside the field.
  int64_t nExtent = transposed ? rowCount : chunkCount * elementsPerSpan();
  if (16 * step + 16 > nExtent) {
    if (transposed)
      row = a.add(n, within);
    else
      column = n;
  }
  return emitOffset(a, row, a.mul(column, a.constant(2)));
}

} // namespace tilewright

#endif // TILEWRIGHT_SUPPORT_SHAREDLAYOUT_H
