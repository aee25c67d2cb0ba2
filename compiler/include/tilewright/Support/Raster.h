//===- Raster.h - the order in which CTAs visit tiles ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `tiles t(i: ..., j: ...) raster G over j, cluster CL over j` numbers the
// tiles; CTA b of a grid of g CTAs visits numbers b, b + g, ... The order is
// defined as follows.
//
// * The number is clusterNumber * CL + rank: the CTAs of a cluster have
//   consecutive numbers and take neighbouring tiles of the clustered axis,
//   first coordinate a multiple of CL. The extent of that axis is rounded up
//   to a multiple of CL, so coordinates beyond the extent occur (a surplus CTA
//   runs its tile out of bounds).
// * Without a raster the last axis is the fastest.
// * `raster G over j` replaces the plane of j and its partner axis (the axis
//   before j; the axis after it when j is the first) by bands of G consecutive
//   j: the bands in order, inside a band j fastest, then the partner. The last
//   band may be narrower. Axes before the plane stay outermost, axes after it
//   innermost.
//
// For every extent this is a bijection between [0, count) and the tiles, after
// the rounding for clusters.
//
// decode() is a template over an arithmetic policy (see Arith.h): the tests
// evaluate it on integers, the compiler emits it as IR.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_SUPPORT_RASTER_H
#define TILEWRIGHT_SUPPORT_RASTER_H

#include "tilewright/Support/Arith.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include <cstdint>

namespace tilewright {

class Raster {
public:
  /// Row-major over one axis, no clusters.
  Raster() = default;

  struct Options {
    /// Axis of the raster, or -1.
    int rasterAxis = -1;
    /// Width of a band in tiles (G); a multiple of the cluster when both are
    /// over the same axis.
    int64_t bandWidth = 1;
    /// Axis of the cluster, or -1.
    int clusterAxis = -1;
    int64_t clusterSize = 1;
  };

  /// Errors: axes out of range, non-positive sizes, a band that is no multiple
  /// of a cluster over the same axis.
  static llvm::Expected<Raster> get(unsigned rank, Options options);

  unsigned rank() const { return numAxes; }
  int64_t clusterSize() const { return options.clusterSize; }
  const Options &getOptions() const { return options; }

  //===--------------------------------------------------------------------===//
  // Arithmetic on any policy
  //===--------------------------------------------------------------------===//

  /// Number of tiles, surplus tiles of clusters included.
  template <typename Arith>
  typename Arith::Value
  count(Arith &a, llvm::ArrayRef<typename Arith::Value> extents) const;

  /// Number of clusters: count() / clusterSize().
  template <typename Arith>
  typename Arith::Value
  clusterCount(Arith &a, llvm::ArrayRef<typename Arith::Value> extents) const;

  /// Coordinates of the tile of CTA `rank` of cluster number `cluster`, which
  /// must be below clusterCount(). `rank` is not looked at without clusters.
  template <typename Arith>
  llvm::SmallVector<typename Arith::Value, 4>
  decodeInCluster(Arith &a, llvm::ArrayRef<typename Arith::Value> extents,
                  typename Arith::Value cluster,
                  typename Arith::Value rank) const;

  /// Coordinates of tile `number`, which must be below count(). Extents must
  /// be positive (there is no tile to decode otherwise).
  template <typename Arith>
  llvm::SmallVector<typename Arith::Value, 4>
  decode(Arith &a, llvm::ArrayRef<typename Arith::Value> extents,
         typename Arith::Value number) const;

  /// The inverse of decode().
  template <typename Arith>
  typename Arith::Value
  encode(Arith &a, llvm::ArrayRef<typename Arith::Value> extents,
         llvm::ArrayRef<typename Arith::Value> coordinates) const;

  //===--------------------------------------------------------------------===//
  // On integers
  //===--------------------------------------------------------------------===//

  int64_t count(llvm::ArrayRef<int64_t> extents) const;
  int64_t clusterCount(llvm::ArrayRef<int64_t> extents) const;
  llvm::SmallVector<int64_t, 4> decodeInCluster(llvm::ArrayRef<int64_t> extents,
                                                int64_t cluster,
                                                int64_t rank) const;
  llvm::SmallVector<int64_t, 4> decode(llvm::ArrayRef<int64_t> extents,
                                       int64_t number) const;
  int64_t encode(llvm::ArrayRef<int64_t> extents,
                 llvm::ArrayRef<int64_t> coordinates) const;

private:
  /// Extents in units of clusters.
  template <typename Arith>
  llvm::SmallVector<typename Arith::Value, 4>
  clusterExtents(Arith &a, llvm::ArrayRef<typename Arith::Value> extents) const;
  bool hasBands() const { return options.rasterAxis >= 0 && partner >= 0; }
  int64_t bandInClusters() const {
    return options.clusterAxis == options.rasterAxis
               ? options.bandWidth / options.clusterSize
               : options.bandWidth;
  }

  unsigned numAxes = 1;
  Options options;
  /// The partner axis of the raster axis, or -1 (a single axis: bands in order
  /// are the plain order).
  int partner = -1;
};

//===----------------------------------------------------------------------===//
// Templates
//===----------------------------------------------------------------------===//

template <typename Arith>
llvm::SmallVector<typename Arith::Value, 4>
Raster::clusterExtents(Arith &a,
                       llvm::ArrayRef<typename Arith::Value> extents) const {
  llvm::SmallVector<typename Arith::Value, 4> result(extents.begin(),
                                                     extents.end());
  if (options.clusterSize > 1) {
    auto &e = result[options.clusterAxis];
    e = a.divui(a.add(e, a.constant(options.clusterSize - 1)),
                a.constant(options.clusterSize));
  }
  return result;
}

template <typename Arith>
typename Arith::Value
Raster::clusterCount(Arith &a,
                     llvm::ArrayRef<typename Arith::Value> extents) const {
  auto e = clusterExtents(a, extents);
  typename Arith::Value product = e[0];
  for (unsigned i = 1; i < numAxes; ++i)
    product = a.mul(product, e[i]);
  return product;
}

template <typename Arith>
typename Arith::Value
Raster::count(Arith &a, llvm::ArrayRef<typename Arith::Value> extents) const {
  typename Arith::Value product = clusterCount(a, extents);
  if (options.clusterSize > 1)
    product = a.mul(product, a.constant(options.clusterSize));
  return product;
}

template <typename Arith>
llvm::SmallVector<typename Arith::Value, 4>
Raster::decode(Arith &a, llvm::ArrayRef<typename Arith::Value> extents,
               typename Arith::Value number) const {
  typename Arith::Value rank{};
  if (options.clusterSize > 1) {
    auto size = a.constant(options.clusterSize);
    rank = a.remui(number, size);
    number = a.divui(number, size);
  }
  return decodeInCluster(a, extents, number, rank);
}

template <typename Arith>
llvm::SmallVector<typename Arith::Value, 4>
Raster::decodeInCluster(Arith &a, llvm::ArrayRef<typename Arith::Value> extents,
                        typename Arith::Value cluster,
                        typename Arith::Value rank) const {
  using Value = typename Arith::Value;
  auto e = clusterExtents(a, extents);
  Value rest = cluster;

  // Peel digits, innermost first. The plane of a raster is one digit of
  // extent partner*raster, at the position of its two axes.
  llvm::SmallVector<Value, 4> coordinates(numAxes, rest);
  int planeFirst = -1;
  if (hasBands())
    planeFirst = partner < options.rasterAxis ? partner : options.rasterAxis;
  int axis = static_cast<int>(numAxes) - 1;
  while (axis >= 0) {
    bool isPlane = planeFirst >= 0 && axis == planeFirst + 1;
    bool isOutermost = isPlane ? planeFirst == 0 : axis == 0;
    if (!isPlane) {
      coordinates[axis] = isOutermost ? rest : a.remui(rest, e[axis]);
      if (!isOutermost)
        rest = a.divui(rest, e[axis]);
      --axis;
      continue;
    }
    Value rasterExtent = e[options.rasterAxis];
    Value partnerExtent = e[partner];
    Value plane = rest;
    if (!isOutermost) {
      Value planeSize = a.mul(rasterExtent, partnerExtent);
      plane = a.remui(rest, planeSize);
      rest = a.divui(rest, planeSize);
    }
    Value width = a.constant(bandInClusters());
    Value bandSize = a.mul(width, partnerExtent);
    Value first = a.mul(a.divui(plane, bandSize), width);
    Value inBand = a.remui(plane, bandSize);
    Value actual = a.minui(width, a.sub(rasterExtent, first));
    coordinates[options.rasterAxis] = a.add(first, a.remui(inBand, actual));
    coordinates[partner] = a.divui(inBand, actual);
    axis = planeFirst - 1;
  }

  if (options.clusterSize > 1) {
    Value &c = coordinates[options.clusterAxis];
    c = a.add(a.mul(c, a.constant(options.clusterSize)), rank);
  }
  return coordinates;
}

template <typename Arith>
typename Arith::Value
Raster::encode(Arith &a, llvm::ArrayRef<typename Arith::Value> extents,
               llvm::ArrayRef<typename Arith::Value> coordinates) const {
  using Value = typename Arith::Value;
  auto e = clusterExtents(a, extents);
  llvm::SmallVector<Value, 4> c(coordinates.begin(), coordinates.end());
  Value rank{};
  if (options.clusterSize > 1) {
    Value size = a.constant(options.clusterSize);
    Value &clustered = c[options.clusterAxis];
    rank = a.remui(clustered, size);
    clustered = a.divui(clustered, size);
  }
  int planeFirst = -1;
  if (hasBands())
    planeFirst = partner < options.rasterAxis ? partner : options.rasterAxis;
  Value number = a.constant(0);
  unsigned axis = 0;
  while (axis < numAxes) {
    if (static_cast<int>(axis) != planeFirst) {
      number = a.add(a.mul(number, e[axis]), c[axis]);
      ++axis;
      continue;
    }
    Value rasterExtent = e[options.rasterAxis];
    Value partnerExtent = e[partner];
    Value width = a.constant(bandInClusters());
    Value band = a.divui(c[options.rasterAxis], width);
    Value first = a.mul(band, width);
    Value actual = a.minui(width, a.sub(rasterExtent, first));
    Value plane = a.add(
        a.mul(first, partnerExtent),
        a.add(a.mul(c[partner], actual), a.sub(c[options.rasterAxis], first)));
    number = a.add(a.mul(number, a.mul(rasterExtent, partnerExtent)), plane);
    axis += 2;
  }
  if (options.clusterSize > 1)
    number = a.add(a.mul(number, a.constant(options.clusterSize)), rank);
  return number;
}

} // namespace tilewright

#endif // TILEWRIGHT_SUPPORT_RASTER_H
