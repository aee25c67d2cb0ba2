//===- Tile.cpp - broadcasting, expansion and contraction of tiles --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tile.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace llvm;
using namespace tilewright::reference;

int64_t tilewright::reference::elementCount(ArrayRef<TileAxis> frame) {
  int64_t count = 1;
  for (const TileAxis &axis : frame)
    if (MulOverflow(count, std::max<int64_t>(axis.extent, 0), count))
      return int64_t(1) << 62;
  return count;
}

int tilewright::reference::findAxis(ArrayRef<TileAxis> frame, StringRef name) {
  for (size_t i = 0; i < frame.size(); ++i)
    if (frame[i].name == name)
      return static_cast<int>(i);
  return -1;
}

Strides Tile::stridesIn(ArrayRef<TileAxis> frame) const {
  Strides own(axes.size(), 1);
  for (size_t i = axes.size(); i > 1; --i)
    own[i - 2] = own[i - 1] * axes[i - 1].extent;
  Strides result(frame.size(), 0);
  for (size_t i = 0; i < frame.size(); ++i)
    if (int at = findAxis(axes, frame[i].name); at >= 0)
      result[i] = own[at];
  return result;
}

TilePtr tilewright::reference::makeTile(ArrayRef<TileAxis> frame) {
  auto tile = std::make_shared<Tile>();
  tile->axes.assign(frame.begin(), frame.end());
  tile->value.resize(elementCount(frame));
  return tile;
}

TilePtr tilewright::reference::makeScalar(double value) {
  auto tile = std::make_shared<Tile>();
  tile->value.assign(1, value);
  return tile;
}

TilePtr tilewright::reference::makeHollow(ArrayRef<TileAxis> frame) {
  auto tile = std::make_shared<Tile>();
  tile->axes.assign(frame.begin(), frame.end());
  tile->hollow = true;
  return tile;
}

const float *tilewright::reference::magnitudes(const Tile &tile,
                                               std::vector<float> &scratch) {
  if (!tile.magnitude.empty())
    return tile.magnitude.data();
  scratch.resize(tile.value.size());
  for (size_t i = 0; i < scratch.size(); ++i)
    scratch[i] = static_cast<float>(std::fabs(tile.value[i]));
  return scratch.data();
}

void tilewright::reference::combineAbsence(Tile &out, const Tile &a,
                                           const Tile &b) {
  out.unknownMask = a.unknownMask || b.unknownMask;
  if (a.absent.empty() && b.absent.empty())
    return;
  out.absent.assign(elementCount(out.axes), 0);
  for (const Tile *operand : {&a, &b}) {
    if (operand->absent.empty())
      continue;
    forEachRow<1>(
        out.axes, {operand->stridesIn(out.axes)},
        [&](int64_t position, int64_t n, const std::array<int64_t, 1> &at,
            const std::array<int64_t, 1> &step) {
          for (int64_t i = 0; i < n; ++i)
            out.absent[position + i] |= operand->absent[at[0] + i * step[0]];
        });
  }
}

TilePtr tilewright::reference::expand(const TilePtr &tile,
                                      ArrayRef<TileAxis> frame) {
  bool hasAll = true;
  for (const TileAxis &axis : frame)
    hasAll &= findAxis(tile->axes, axis.name) >= 0;
  if (hasAll)
    return tile;
  TilePtr out;
  if (tile->hollow) {
    out = makeHollow(frame);
    for (TileAxis &axis : out->axes) {
      int at = findAxis(tile->axes, axis.name);
      axis.valid = at >= 0 ? tile->axes[at].valid : axis.extent;
    }
  } else {
    out = makeTile(frame);
    if (!tile->magnitude.empty())
      out->magnitude.resize(out->value.size());
    forEachRow<1>(
        frame, {tile->stridesIn(frame)},
        [&](int64_t position, int64_t n, const std::array<int64_t, 1> &at,
            const std::array<int64_t, 1> &step) {
          for (int64_t i = 0; i < n; ++i)
            out->value[position + i] = tile->value[at[0] + i * step[0]];
          for (int64_t i = 0; i < n && !tile->magnitude.empty(); ++i)
            out->magnitude[position + i] = tile->magnitude[at[0] + i * step[0]];
        });
  }
  out->exact = tile->exact;
  combineAbsence(*out, *tile, *tile);
  return out;
}

/// The elements of `tile` over the axes `outer`, then `inner`.
template <typename T>
static const T *flatten(const Tile &tile, const std::vector<T> &elements,
                        ArrayRef<TileAxis> outer, ArrayRef<TileAxis> inner,
                        std::vector<T> &scratch) {
  Frame frame(outer.begin(), outer.end());
  frame.append(inner.begin(), inner.end());
  bool same = frame.size() == tile.axes.size();
  for (size_t i = 0; same && i < frame.size(); ++i)
    same = frame[i].name == tile.axes[i].name;
  if (same)
    return elements.data();
  scratch.resize(elementCount(frame));
  forEachRow<1>(frame, {tile.stridesIn(frame)},
                [&](int64_t position, int64_t n,
                    const std::array<int64_t, 1> &at,
                    const std::array<int64_t, 1> &step) {
                  for (int64_t i = 0; i < n; ++i)
                    scratch[position + i] = elements[at[0] + i * step[0]];
                });
  return scratch.data();
}

TilePtr tilewright::reference::contract(const Tile &a, const Tile &b,
                                        ArrayRef<TileAxis> contracted,
                                        ArrayRef<TileAxis> frame) {
  Frame m, n;
  for (const TileAxis &axis : frame)
    (findAxis(a.axes, axis.name) >= 0 ? m : n).push_back(axis);
  int64_t rows = elementCount(m), columns = elementCount(n),
          depth = elementCount(contracted);
  Frame own = m;
  own.append(n.begin(), n.end());
  TilePtr out = makeTile(own);
  out->exact = false;
  out->magnitude.resize(out->value.size());
  {
    std::vector<double> scratchA, scratchB;
    multiply(rows, columns, depth, flatten(a, a.value, m, contracted, scratchA),
             flatten(b, b.value, n, contracted, scratchB), out->value.data());
  }
  Tile ma, mb;
  ma.axes = a.axes;
  mb.axes = b.axes;
  const float *pa = magnitudes(a, ma.magnitude);
  const float *pb = magnitudes(b, mb.magnitude);
  if (ma.magnitude.empty())
    ma.magnitude.assign(pa, pa + a.value.size());
  if (mb.magnitude.empty())
    mb.magnitude.assign(pb, pb + b.value.size());
  std::vector<float> scratchA, scratchB;
  multiply(rows, columns, depth,
           flatten(ma, ma.magnitude, m, contracted, scratchA),
           flatten(mb, mb.magnitude, n, contracted, scratchB),
           out->magnitude.data());
  return out;
}
