//===- RasterTest.cpp - the raster is a bijection in the stated order -----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Support/Raster.h"

#include "llvm/ADT/STLExtras.h"
#include "gtest/gtest.h"
#include <random>
#include <set>
#include <vector>

using namespace tilewright;

namespace {

Raster make(unsigned rank, int rasterAxis, int64_t band, int clusterAxis = -1,
            int64_t cluster = 1) {
  auto raster = Raster::get(rank, {rasterAxis, band, clusterAxis, cluster});
  EXPECT_TRUE(bool(raster));
  if (!raster) {
    llvm::consumeError(raster.takeError());
    return Raster();
  }
  return *raster;
}

using Tile = std::vector<int64_t>;

/// All tiles in order.
std::vector<Tile> walk(const Raster &raster, llvm::ArrayRef<int64_t> extents) {
  std::vector<Tile> tiles;
  for (int64_t n = 0, e = raster.count(extents); n < e; ++n) {
    auto c = raster.decode(extents, n);
    tiles.emplace_back(c.begin(), c.end());
  }
  return tiles;
}

std::string reason(unsigned rank, Raster::Options options) {
  auto raster = Raster::get(rank, options);
  if (raster)
    return "";
  return llvm::toString(raster.takeError());
}

} // namespace

TEST(Raster, BandsOfTwoDimensions) {
  // The definition, spelled out: bands of G consecutive j; inside a band j
  // fastest, then i; the last band is narrower.
  for (int64_t rows : {1, 2, 5})
    for (int64_t columns : {1, 3, 4, 7, 8, 9})
      for (int64_t band : {1, 2, 4, 8}) {
        std::vector<Tile> expected;
        for (int64_t first = 0; first < columns; first += band)
          for (int64_t i = 0; i < rows; ++i)
            for (int64_t j = first; j < std::min(first + band, columns); ++j)
              expected.push_back({i, j});
        EXPECT_EQ(walk(make(2, 1, band), {rows, columns}), expected)
            << rows << "x" << columns << " bands of " << band;
      }
}

TEST(Raster, OverTheFirstAxis) {
  std::vector<Tile> expected;
  for (int64_t first = 0; first < 7; first += 4)
    for (int64_t j = 0; j < 3; ++j)
      for (int64_t i = first; i < std::min<int64_t>(first + 4, 7); ++i)
        expected.push_back({i, j});
  EXPECT_EQ(walk(make(2, 0, 4), {7, 3}), expected);
}

TEST(Raster, PlainOrderIsLastAxisFastest) {
  std::vector<Tile> expected;
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t i = 0; i < 3; ++i)
      for (int64_t j = 0; j < 4; ++j)
        expected.push_back({b, i, j});
  EXPECT_EQ(walk(make(3, -1, 1), {2, 3, 4}), expected);
  EXPECT_EQ(walk(make(1, -1, 1), {3}), (std::vector<Tile>{{0}, {1}, {2}}));
  // A raster over the only axis changes nothing.
  EXPECT_EQ(walk(make(1, 0, 2), {3}), (std::vector<Tile>{{0}, {1}, {2}}));
}

TEST(Raster, AxesBeforeThePlaneStayOutsideAxesAfterItInside) {
  std::vector<Tile> expected;
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t first = 0; first < 5; first += 2)
      for (int64_t i = 0; i < 3; ++i)
        for (int64_t j = first; j < std::min<int64_t>(first + 2, 5); ++j)
          for (int64_t s = 0; s < 2; ++s)
            expected.push_back({b, i, j, s});
  EXPECT_EQ(walk(make(4, 2, 2), {2, 3, 5, 2}), expected);
}

TEST(Raster, ClusterNeighboursAreConsecutive) {
  // Ranks of a cluster have consecutive numbers, a first coordinate that is a
  // multiple of the cluster, and agree on every other axis.
  std::mt19937 rng(1);
  for (int trial = 0; trial < 200; ++trial) {
    unsigned rank = 1 + rng() % 3;
    int clusterAxis = rng() % rank;
    int64_t cluster = 1 + rng() % 4;
    int rasterAxis = static_cast<int>(rng() % (rank + 1)) - 1;
    int64_t band = cluster * (1 + rng() % 4);
    Raster raster = make(rank, rasterAxis, band, clusterAxis, cluster);
    llvm::SmallVector<int64_t, 4> extents;
    for (unsigned i = 0; i < rank; ++i)
      extents.push_back(1 + rng() % 9);
    std::vector<Tile> tiles = walk(raster, extents);
    ASSERT_EQ(tiles.size() % cluster, 0u);
    for (size_t n = 0; n < tiles.size(); ++n) {
      Tile leader = tiles[n / cluster * cluster];
      EXPECT_EQ(leader[clusterAxis] % cluster, 0);
      leader[clusterAxis] += n % cluster;
      EXPECT_EQ(tiles[n], leader);
    }
  }
}

TEST(Raster, BijectionOverRandomExtents) {
  std::mt19937 rng(2);
  for (int trial = 0; trial < 2000; ++trial) {
    unsigned rank = 1 + rng() % 4;
    int rasterAxis = static_cast<int>(rng() % (rank + 1)) - 1;
    int clusterAxis = static_cast<int>(rng() % (rank + 1)) - 1;
    int64_t cluster = clusterAxis < 0 ? 1 : 1 + rng() % 5;
    int64_t band =
        (1 + rng() % 6) * (clusterAxis == rasterAxis ? cluster : int64_t(1));
    Raster raster = make(rank, rasterAxis, band, clusterAxis, cluster);
    llvm::SmallVector<int64_t, 4> extents, rounded;
    int64_t expected = 1;
    for (unsigned i = 0; i < rank; ++i) {
      extents.push_back(1 + rng() % (rank > 2 ? 7 : 23));
      rounded.push_back(extents.back());
      if (static_cast<int>(i) == clusterAxis)
        rounded.back() = (extents.back() + cluster - 1) / cluster * cluster;
      expected *= rounded.back();
    }
    ASSERT_EQ(raster.count(extents), expected);
    ASSERT_EQ(raster.clusterCount(extents) * cluster, expected);
    std::set<Tile> seen;
    for (int64_t n = 0; n < expected; ++n) {
      auto c = raster.decode(extents, n);
      ASSERT_EQ(c.size(), rank);
      for (unsigned i = 0; i < rank; ++i) {
        ASSERT_GE(c[i], 0);
        ASSERT_LT(c[i], rounded[i]);
      }
      ASSERT_TRUE(seen.insert(Tile(c.begin(), c.end())).second);
      ASSERT_EQ(raster.encode(extents, c), n);
      ASSERT_EQ(raster.decodeInCluster(extents, n / cluster, n % cluster), c);
    }
  }
}

TEST(Raster, CountIsZeroWithoutTiles) {
  EXPECT_EQ(make(2, 1, 8).count({0, 5}), 0);
  EXPECT_EQ(make(2, 1, 8, 1, 2).count({3, 0}), 0);
}

TEST(Raster, BandIsAtMostTheWorkingSet) {
  // What a raster is for: any window of G * rows consecutive tiles touches at
  // most two bands of j, so the operand of j stays in the L2 cache.
  Raster raster = make(2, 1, 16);
  std::vector<Tile> tiles = walk(raster, {32, 100});
  for (size_t n = 0; n + 132 <= tiles.size(); n += 132) {
    std::set<int64_t> columns;
    for (size_t k = n; k < n + 132; ++k)
      columns.insert(tiles[k][1]);
    EXPECT_LE(columns.size(), 32u);
  }
}

/// A policy that counts operations: the decode must stay cheap, and constants
/// must reach it as constants.
namespace {
struct CountingArith : IntArith {
  int divisions = 0;
  Value divui(Value a, Value b) {
    ++divisions;
    return IntArith::divui(a, b);
  }
  Value remui(Value a, Value b) {
    ++divisions;
    return IntArith::remui(a, b);
  }
};
} // namespace

TEST(Raster, DecodeOfTwoAxesTakesFourDivisions) {
  CountingArith arith;
  auto c = make(2, 1, 8).decode<CountingArith>(arith, {10, 20}, 57);
  EXPECT_EQ(arith.divisions, 4);
  EXPECT_EQ(c[0], 7);
  EXPECT_EQ(c[1], 1);
}

TEST(Raster, ClusterNumbersNeedNoDivisionByTheCluster) {
  CountingArith arith;
  auto c = make(2, 1, 8, 1, 2)
               .decodeInCluster<CountingArith>(arith, {10, 19}, 29, 1);
  // Four of the decode and one that rounds the extent.
  EXPECT_EQ(arith.divisions, 5);
  EXPECT_EQ(c[0], 7);
  EXPECT_EQ(c[1], 3);
}

TEST(Raster, RefusesWhatIsNoOrder) {
  EXPECT_NE(reason(0, {}), "");
  EXPECT_NE(reason(2, {2, 8, -1, 1}), "");
  EXPECT_NE(reason(2, {1, 0, -1, 1}), "");
  EXPECT_NE(reason(2, {1, 8, 2, 2}), "");
  EXPECT_NE(reason(2, {1, 8, 0, 0}), "");
  EXPECT_NE(reason(2, {1, 8, -1, 2}), "");
  EXPECT_EQ(reason(2, {1, 9, 1, 2}),
            "raster width 9 is not a multiple of the cluster size 2 over the "
            "same axis");
  EXPECT_EQ(reason(2, {1, 9, 0, 2}), "");
}
