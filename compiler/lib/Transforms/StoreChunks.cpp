//===- StoreChunks.cpp - how a staged store is cut into chunks ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StoreChunks.h"
#include "tilewright/Dialect/Pipe/PipeDialect.h"
#include "tilewright/Support/ResourcePlan.h"
#include "tilewright/Transforms/Layouts.h"

using namespace mlir;
using namespace tilewright;

/// Bytes of a chunk's row: one span of the widest swizzle.
static constexpr int64_t kRowBytes = 128;
/// Rows of a chunk: those of one wave, which all threads of a group hold.
static constexpr int64_t kRows = 64;

/// The widest swizzle whose span divides a row.
static int64_t widestSpan(int64_t rowBytes) {
  for (int64_t span : {128, 64, 32})
    if (rowBytes % span == 0)
      return span;
  return 0;
}

/// Whether the rows of an accumulator's part, stored without a swizzle, hit
/// every bank once: 8 rows begin in 8 different places of a period of 128
/// bytes. 16-bit elements go in rows of 16 bytes (stmatrix), 32-bit ones two a
/// thread, four threads a row, half a warp at a time.
static bool isFreeOfConflicts(int64_t rowBytes, int64_t bits) {
  return (bits == 16 && rowBytes % 32 == 16) ||
         (bits == 32 && rowBytes % 64 == 32);
}

/// The extents to which an axis can be cut, ascending; the whole one included.
static SmallVector<int64_t> possibleExtents(const FragmentLayout &layout,
                                            StringRef axis, int64_t extent) {
  SmallVector<int64_t> result;
  for (int64_t part = 1; part < extent; ++part)
    if (extent % part == 0 && layout.part(axis, part))
      result.push_back(part);
  result.push_back(extent);
  return result;
}

/// Bytes of shared memory that staging may take: what is left by the pipes, of
/// which one that gets all it can should have three slots at least.
static int64_t getStagingBytes(tile::KernelOp kernel) {
  constexpr int64_t fewSlots = 3;
  int64_t left = TargetLimits::sm90().sharedBytes;
  for (auto ring : kernel.getBody().getOps<pipe::RingOp>()) {
    int64_t bytes = 0;
    for (unsigned i = 0; i < ring.getFieldNames().size(); ++i) {
      llvm::Expected<SharedLayout> layout =
          toLayout(ring.getFieldLayout(i), ring.getFieldType(i));
      if (layout)
        bytes += layout->totalBytes();
      else
        llvm::consumeError(layout.takeError());
    }
    auto depth = static_cast<int64_t>(ring.getDepth());
    if (ring.getConsumer() == pipe::Consumer::CopyEngine)
      depth = std::max<int64_t>(depth, 1) *
              static_cast<int64_t>(ring.getInstances().value_or(1));
    left -= bytes * (depth ? depth : fewSlots);
  }
  return left;
}

/// The extent of the inner axis and whether its rows lie without a swizzle.
struct InnerExtent {
  int64_t extent;
  bool plain;
};

/// Along the inner axis: the widest swizzle, then the longest row. Where no row
/// has a span of 64 bytes (136 columns are 17 times 8), there would be a chunk
/// and two barriers for every few columns: longer rows instead, if there are
/// such that need no swizzle.
static InnerExtent chooseInner(ArrayRef<int64_t> possible, int64_t bits,
                               int64_t cap, int64_t mostRowBytes) {
  int64_t best = 0, bestSpan = -1;
  for (int64_t extent : possible) {
    // PTX ISA, tensor copies: the inner extent of a box is a multiple of 16
    // bytes.
    if (extent * bits % 128 != 0 && extent != possible.back())
      continue;
    int64_t bytes = extent * bits / 8, span = widestSpan(bytes);
    if (best && (bytes > kRowBytes || extent > cap || span < bestSpan))
      continue;
    best = extent;
    bestSpan = span;
  }
  if (bestSpan < 64)
    for (int64_t extent : possible)
      if (int64_t bytes = extent * bits / 8;
          bytes >= kRowBytes && bytes <= mostRowBytes &&
          extent <= std::min(cap, maxBoxExtent) &&
          isFreeOfConflicts(bytes, bits))
        return {extent, /*plain=*/true};
  return {best, /*plain=*/false};
}

llvm::Expected<StoreChunks>
tilewright::chooseStoreChunks(tile::StoreOp store, ArrayRef<StringAttr> order) {
  tile::TileType type = store.getValue().getType();
  FragmentLayout layout = toLayout(type.getLayout());
  int64_t bits = tile::getStorageBits(type.getElementType());
  auto cap = [&](StringAttr axis) -> std::optional<int64_t> {
    if (!store.getChunk())
      return std::nullopt;
    auto value = store.getChunk()->getAs<IntegerAttr>(axis);
    return value ? std::optional<int64_t>(value.getInt()) : std::nullopt;
  };

  llvm::StringMap<int64_t> extents;
  bool plain = false;
  int64_t rows = 1;
  for (StringAttr axis : order.drop_back())
    rows *= *type.getExtent(axis);
  for (StringAttr axis : order) {
    int64_t extent = *type.getExtent(axis);
    SmallVector<int64_t> possible = possibleExtents(layout, axis, extent);
    int64_t chosen = extent;
    if (axis == order.back()) {
      // All groups stage at the same time.
      int64_t groups = store->getParentOfType<tile::RoleOp>().getCount();
      InnerExtent inner = chooseInner(
          possible, bits, cap(axis).value_or(extent),
          getStagingBytes(store->getParentOfType<tile::KernelOp>()) / groups /
              std::max<int64_t>(rows, 1));
      chosen = inner.extent;
      plain = inner.plain;
    } else {
      int64_t others = rows / extent;
      for (int64_t part : llvm::reverse(possible))
        if (cap(axis) ? chosen > *cap(axis) : part * others >= kRows)
          chosen = part;
      rows = others * chosen;
    }
    if (cap(axis) && chosen > *cap(axis))
      return llvm::createStringError(
          "chunk " + axis.str() + ": " + std::to_string(*cap(axis)) +
          " is too small: axis '" + axis.str() + "' of extent " +
          std::to_string(extent) + " can be cut to " + std::to_string(chosen) +
          " at the least");
    extents[axis] = chosen;
  }

  StoreChunks chunks;
  SmallVector<SharedAxis> axes;
  for (StringAttr axis : order)
    axes.push_back({axis.str(), extents[axis]});
  llvm::Expected<SharedLayout> chosen =
      plain ? SharedLayout::get(bits, axes, Swizzle::None)
            : SharedLayout::choose(bits, axes, /*forMatrix=*/false);
  if (!chosen)
    return chosen.takeError();
  chunks.layout = *chosen;
  for (StringAttr axis : order)
    if (extents[axis] != *type.getExtent(axis))
      layout = *layout.part(axis, extents[axis]);
  chunks.type = type;
  for (StringAttr axis : order)
    chunks.type = chunks.type.withExtent(axis, extents[axis]);
  chunks.type = chunks.type.withLayout(toAttr(type.getContext(), layout));

  chunks.origins.push_back(SmallVector<int64_t>(type.getAxes().size(), 0));
  for (StringAttr axis : order) {
    unsigned dim = llvm::find(type.getAxes(), axis) - type.getAxes().begin();
    SmallVector<SmallVector<int64_t>> cut;
    for (const SmallVector<int64_t> &origin : chunks.origins)
      for (int64_t at = 0; at < *type.getExtent(axis); at += extents[axis]) {
        cut.push_back(origin);
        cut.back()[dim] = at;
      }
    chunks.origins = std::move(cut);
  }
  return chunks;
}
