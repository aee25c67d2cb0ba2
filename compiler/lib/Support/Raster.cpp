//===- Raster.cpp - checks of rasters, integer forms ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Support/Raster.h"

using namespace tilewright;

static llvm::Error error(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

llvm::Expected<Raster> Raster::get(unsigned rank, Options options) {
  int axes = static_cast<int>(rank);
  if (axes < 1)
    return error("a tile iterator needs at least one axis");
  if (options.rasterAxis >= axes || options.rasterAxis < -1)
    return error("raster over axis " + llvm::Twine(options.rasterAxis) +
                 " of " + llvm::Twine(axes));
  if (options.clusterAxis >= axes || options.clusterAxis < -1)
    return error("cluster over axis " + llvm::Twine(options.clusterAxis) +
                 " of " + llvm::Twine(axes));
  if (options.clusterSize < 1)
    return error("cluster size " + llvm::Twine(options.clusterSize) +
                 " is not positive");
  if (options.rasterAxis < 0)
    options.bandWidth = 1;
  if (options.bandWidth < 1)
    return error("raster width " + llvm::Twine(options.bandWidth) +
                 " is not positive");
  if (options.clusterAxis < 0) {
    if (options.clusterSize != 1)
      return error("a cluster of " + llvm::Twine(options.clusterSize) +
                   " needs an axis");
  } else if (options.clusterAxis == options.rasterAxis &&
             options.bandWidth % options.clusterSize != 0) {
    return error("raster width " + llvm::Twine(options.bandWidth) +
                 " is not a multiple of the cluster size " +
                 llvm::Twine(options.clusterSize) + " over the same axis");
  }
  Raster raster;
  raster.numAxes = rank;
  raster.options = options;
  if (options.rasterAxis > 0)
    raster.partner = options.rasterAxis - 1;
  else if (options.rasterAxis == 0 && axes > 1)
    raster.partner = 1;
  return raster;
}

int64_t Raster::count(llvm::ArrayRef<int64_t> extents) const {
  IntArith arith;
  return count<IntArith>(arith, extents);
}

int64_t Raster::clusterCount(llvm::ArrayRef<int64_t> extents) const {
  IntArith arith;
  return clusterCount<IntArith>(arith, extents);
}

llvm::SmallVector<int64_t, 4>
Raster::decodeInCluster(llvm::ArrayRef<int64_t> extents, int64_t cluster,
                        int64_t rank) const {
  IntArith arith;
  return decodeInCluster<IntArith>(arith, extents, cluster, rank);
}

llvm::SmallVector<int64_t, 4> Raster::decode(llvm::ArrayRef<int64_t> extents,
                                             int64_t number) const {
  IntArith arith;
  return decode<IntArith>(arith, extents, number);
}

int64_t Raster::encode(llvm::ArrayRef<int64_t> extents,
                       llvm::ArrayRef<int64_t> coordinates) const {
  IntArith arith;
  return encode<IntArith>(arith, extents, coordinates);
}
