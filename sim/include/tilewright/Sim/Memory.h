//===- Memory.h - The simulated device's global memory --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_SIM_MEMORY_H
#define TILEWRIGHT_SIM_MEMORY_H

#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tilewright::sim {

/// Global memory: a set of allocations with bounds. Addresses are what kernels
/// see; allocations are 256-byte aligned, as cudaMalloc's are, and apart from
/// each other, so that an access past an end is found instead of landing in a
/// neighbour.
class Memory {
public:
  /// Allocates `bytes` (0 gives a valid address without a byte behind it).
  /// The contents start as zero. `name` is used in reports.
  uint64_t allocate(uint64_t bytes, llvm::StringRef name = "");

  /// The host's view of `bytes` bytes at device address `address`, or null if
  /// any of them is outside of every allocation.
  uint8_t *resolve(uint64_t address, uint64_t bytes);

  /// One sentence about `address` for a report: the nearest allocation below,
  /// its size, and how far past its end the address lies.
  std::string describe(uint64_t address) const;

  template <typename T> T *as(uint64_t address, uint64_t count) {
    return reinterpret_cast<T *>(resolve(address, count * sizeof(T)));
  }

private:
  struct Allocation {
    std::string name;
    std::vector<uint8_t> bytes;
  };
  std::map<uint64_t, Allocation> allocations;
  uint64_t next = uint64_t(0x7f) << 40;
};

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_MEMORY_H
