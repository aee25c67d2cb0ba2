//===- StoreChunks.h - how a staged store is cut into chunks --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A store through shared memory need not stage its whole tile at once: memory
// of staging is memory that stages of the main loop lack. A chunk is a part of
// the tile that each thread holds in some of its registers, so cutting moves
// nothing between threads.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_LIB_TRANSFORMS_STORECHUNKS_H
#define TILEWRIGHT_LIB_TRANSFORMS_STORECHUNKS_H

#include "tilewright/Dialect/Tile/TileDialect.h"
#include "tilewright/Support/SharedLayout.h"

namespace tilewright {

struct StoreChunks {
  /// Of one chunk: extents, staging layout. The axes as the tile's type has
  /// them.
  tile::TileType type;
  SharedLayout layout;
  /// The first coordinates of all chunks, the inner axis fastest.
  llvm::SmallVector<llvm::SmallVector<int64_t>> origins;
};

/// Cuts the tile of a store whose axes lie in memory as `order` (outer to
/// inner, elements of `order.back()` contiguous).
///
/// All chunks are equal. Along the inner axis a chunk has the widest swizzle
/// that the axis allows and at most 128 bytes; where that is narrow, at least
/// 128 bytes without a swizzle whose rows are free of bank conflicts anyway (an
/// odd multiple of 8 elements), if it has such a part. Along the others at
/// least 64 rows in all (a wave of an accumulator) where the tile has them.
/// `chunk` of the store caps the extent of an axis further. Errors: a cap below
/// what the threads hold together (64 rows of a wave); extents that no layout
/// stages.
llvm::Expected<StoreChunks>
chooseStoreChunks(tile::StoreOp store, llvm::ArrayRef<mlir::StringAttr> order);

} // namespace tilewright

#endif // TILEWRIGHT_LIB_TRANSFORMS_STORECHUNKS_H
