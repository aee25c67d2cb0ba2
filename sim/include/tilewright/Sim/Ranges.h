//===- Ranges.h - byte ranges that a transfer touched ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_SIM_RANGES_H
#define TILEWRIGHT_SIM_RANGES_H

#include "llvm/ADT/SmallVector.h"
#include <cstdint>

namespace tilewright::sim {

/// `size` bytes from `begin`. In which space, the user of the range says.
struct ByteRange {
  uint64_t begin = 0;
  uint64_t size = 0;
  uint64_t end() const { return begin + size; }
  bool operator==(const ByteRange &o) const {
    return begin == o.begin && size == o.size;
  }
};

using ByteRanges = llvm::SmallVector<ByteRange, 4>;

/// Appends a range, joined with the last one where they meet.
inline void appendRange(ByteRanges &ranges, ByteRange range) {
  if (range.size == 0)
    return;
  if (!ranges.empty() && ranges.back().end() == range.begin)
    ranges.back().size += range.size;
  else
    ranges.push_back(range);
}

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_RANGES_H
