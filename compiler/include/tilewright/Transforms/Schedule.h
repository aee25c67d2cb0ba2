//===- Schedule.h - schedule hints and decisions on operations ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Hints never change results. They come from `with` in the source, on the
// operation that the statement became, and from the command line, on the
// kernel; `pipe-choose-schedule` turns them and its own defaults into
// decisions, which are attributes of loops.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_TRANSFORMS_SCHEDULE_H
#define TILEWRIGHT_TRANSFORMS_SCHEDULE_H

#include "tilewright/Dialect/Tile/TileDialect.h"

namespace tilewright {

using tile::hintsAttrName;
/// Decisions on a loop: copies of its body in one iteration, and whether it
/// asks for the next slot before it has finished with this one.
inline constexpr llvm::StringLiteral unrollAttrName = "tile.unroll";
inline constexpr llvm::StringLiteral peekAttrName = "tile.peek";
/// Decision on a loop: products of neighbouring iterations overlap.
inline constexpr llvm::StringLiteral overlapAttrName = "tile.overlap";

/// The hints that a kernel as a whole can have: those with a number and
/// without an axis that passes ask for.
inline constexpr llvm::StringLiteral kernelHints[] = {
    "unroll",  "peek",   "prefetch", "buffers", "pdl",
    "overlap", "static", "stream",   "late"};

/// The hint `name` of `op`, else that of its kernel.
inline std::optional<int64_t> getHint(mlir::Operation *op,
                                      llvm::StringRef name) {
  for (mlir::Operation *at :
       {op, op->getParentOfType<tile::KernelOp>().getOperation()})
    if (at)
      if (auto hints = at->getAttrOfType<mlir::DictionaryAttr>(hintsAttrName))
        if (auto value = hints.getAs<mlir::IntegerAttr>(name))
          return value.getInt();
  return std::nullopt;
}

} // namespace tilewright

#endif // TILEWRIGHT_TRANSFORMS_SCHEDULE_H
