//===- Tile.h - tiles of the reference interpreter --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A tile is a dense row-major array over named axes; a scalar has none. Axes
// are matched by name, so their order matters to nothing but speed.
//
// In a dry run floating-point tiles are *hollow*: they have axes, and for each
// axis how many of its coordinates lie inside the tensor that they came from,
// but no elements. Integers and booleans are always evaluated, since control
// flow and subscripts depend on them.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_REFERENCE_TILE_H
#define TILEWRIGHT_REFERENCE_TILE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace tilewright::reference {

struct TileAxis {
  llvm::StringRef name;
  int64_t extent = 0;
  int64_t valid = 0; ///< Coordinates inside the tensor (hollow tiles).
};

using Frame = llvm::SmallVector<TileAxis, 4>;
using Strides = llvm::SmallVector<int64_t, 4>;

/// Elements of a box; saturates far beyond what fits in memory.
int64_t elementCount(llvm::ArrayRef<TileAxis> frame);
int findAxis(llvm::ArrayRef<TileAxis> frame, llvm::StringRef name);

struct Tile {
  Frame axes;
  bool hollow = false;
  /// Hollow, and which elements a `where` masks is not known either.
  bool unknownMask = false;
  /// Only moved: values must be met exactly.
  bool exact = true;
  std::vector<double> value;
  /// The same on absolute values; empty: the absolute values of `value`.
  std::vector<float> magnitude;
  /// Why an element does not exist; empty: all do.
  enum Absence : uint8_t { Masked = 1, Outside = 2 };
  std::vector<uint8_t> absent;

  /// Position strides of this tile's elements along the axes of `frame`; 0
  /// for an axis that it lacks.
  Strides stridesIn(llvm::ArrayRef<TileAxis> frame) const;
};

using TilePtr = std::shared_ptr<Tile>;

TilePtr makeTile(llvm::ArrayRef<TileAxis> frame);
TilePtr makeScalar(double value);
TilePtr makeHollow(llvm::ArrayRef<TileAxis> frame);

/// Magnitudes of `tile`, from `scratch` where the tile stores none.
const float *magnitudes(const Tile &tile, std::vector<float> &scratch);

/// Calls `row(position, n, offsets, steps)` for every row of `frame` (a run
/// along its last axis): element x of the row is at `position + x` of the frame
/// and at `offsets[i] + x * steps[i]` of operand i.
template <size_t N, typename Row>
void forEachRow(llvm::ArrayRef<TileAxis> frame,
                const std::array<Strides, N> &strides, Row row) {
  int64_t total = elementCount(frame);
  if (total == 0)
    return;
  std::array<int64_t, N> offsets{}, steps{};
  if (frame.empty()) {
    row(int64_t(0), int64_t(1), offsets, steps);
    return;
  }
  size_t last = frame.size() - 1;
  int64_t length = frame[last].extent;
  for (size_t i = 0; i < N; ++i)
    steps[i] = strides[i][last];
  llvm::SmallVector<int64_t, 4> index(frame.size(), 0);
  for (int64_t position = 0; position < total; position += length) {
    row(position, length, offsets, steps);
    for (size_t d = last; d-- > 0;) {
      for (size_t i = 0; i < N; ++i)
        offsets[i] += strides[i][d];
      if (++index[d] < frame[d].extent)
        break;
      for (size_t i = 0; i < N; ++i)
        offsets[i] -= strides[i][d] * frame[d].extent;
      index[d] = 0;
    }
  }
}

/// A new tile over `frame`, value f(x) and magnitude g(x, f(x), |x|'s
/// magnitude). Absence is kept.
template <typename F, typename G>
TilePtr mapUnary(const Tile &x, bool tracksMagnitude, F f, G g) {
  TilePtr out = std::make_shared<Tile>();
  out->axes = x.axes;
  out->absent = x.absent;
  out->exact = false;
  size_t count = x.value.size();
  out->value.resize(count);
  for (size_t i = 0; i < count; ++i)
    out->value[i] = f(x.value[i]);
  if (tracksMagnitude) {
    std::vector<float> scratch;
    const float *m = magnitudes(x, scratch);
    out->magnitude.resize(count);
    for (size_t i = 0; i < count; ++i)
      out->magnitude[i] =
          static_cast<float>(g(x.value[i], out->value[i], double(m[i])));
  }
  return out;
}

/// Absence of the elements of `frame`: those absent in any operand.
void combineAbsence(Tile &out, const Tile &a, const Tile &b);

/// A new tile over `frame` (which has the axes of both), value f(x, y),
/// magnitude g(x, y, magnitudes).
template <typename F, typename G>
TilePtr mapBinary(llvm::ArrayRef<TileAxis> frame, const Tile &a, const Tile &b,
                  bool tracksMagnitude, F f, G g) {
  TilePtr out = makeTile(frame);
  out->exact = false;
  std::array<Strides, 2> strides = {a.stridesIn(frame), b.stridesIn(frame)};
  std::vector<float> scratchA, scratchB;
  const float *ma = nullptr, *mb = nullptr;
  if (tracksMagnitude) {
    ma = magnitudes(a, scratchA);
    mb = magnitudes(b, scratchB);
    out->magnitude.resize(out->value.size());
  }
  forEachRow<2>(frame, strides,
                [&](int64_t position, int64_t n,
                    const std::array<int64_t, 2> &at,
                    const std::array<int64_t, 2> &step) {
                  const double *x = a.value.data() + at[0];
                  const double *y = b.value.data() + at[1];
                  double *z = out->value.data() + position;
                  for (int64_t i = 0; i < n; ++i)
                    z[i] = f(x[i * step[0]], y[i * step[1]]);
                  if (!tracksMagnitude)
                    return;
                  const float *mx = ma + at[0], *my = mb + at[1];
                  float *mz = out->magnitude.data() + position;
                  for (int64_t i = 0; i < n; ++i)
                    mz[i] = static_cast<float>(g(x[i * step[0]], y[i * step[1]],
                                                 double(mx[i * step[0]]),
                                                 double(my[i * step[1]])));
                });
  combineAbsence(*out, a, b);
  return out;
}

/// The same elements with every axis of `frame`: repeated along those that the
/// tile lacks. The tile itself if it has them all.
TilePtr expand(const TilePtr &tile, llvm::ArrayRef<TileAxis> frame);

/// Sums products of `a` and `b` over `contracted`, into a tile over `frame`
/// (their other axes), with magnitudes.
TilePtr contract(const Tile &a, const Tile &b,
                 llvm::ArrayRef<TileAxis> contracted,
                 llvm::ArrayRef<TileAxis> frame);

/// c[m, n] = Σ_k a[m, k] * b[n, k], all row-major and without gaps.
void multiply(int64_t m, int64_t n, int64_t k, const double *a, const double *b,
              double *c);
void multiply(int64_t m, int64_t n, int64_t k, const float *a, const float *b,
              float *c);

} // namespace tilewright::reference

#endif // TILEWRIGHT_REFERENCE_TILE_H
