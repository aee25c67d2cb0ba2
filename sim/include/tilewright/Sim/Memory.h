//===- Memory.h - The simulated device's global memory --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_SIM_MEMORY_H
#define TILEWRIGHT_SIM_MEMORY_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tilewright::sim {

/// Global memory: a set of allocations with bounds. Addresses are what kernels
/// see; allocations are 256-byte aligned, as cudaMalloc's are, and apart from
/// each other, so that an access past an end is found instead of landing in a
/// neighbour.
class Memory {
public:
  Memory() = default;
  /// Rank `rank`'s own memory beside the `symmetric` one of all ranks, which
  /// must outlive it.
  Memory(unsigned rank, Memory &symmetric);

  /// Allocates `bytes` (0 gives a valid address without a byte behind it).
  /// The contents start as zero. `name` is used in reports.
  uint64_t allocate(uint64_t bytes, llvm::StringRef name = "");

  /// Puts an allocation with these contents at `address`, in the place of one
  /// that is there: a module's variables. The caller keeps such apart.
  void place(uint64_t address, llvm::ArrayRef<uint8_t> bytes,
             llvm::StringRef name);

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
  friend class Ranks;
  struct Allocation {
    std::string name; ///< In quotes, with its rank; may be empty.
    std::vector<uint8_t> bytes;
  };
  std::map<uint64_t, Allocation> allocations;
  uint64_t next = uint64_t(0x7f) << 40;
  Memory *symmetric = nullptr;
};

/// The global memories of several ranks of one node, each of which can reach
/// the symmetric allocations of all.
class Ranks {
public:
  /// Up to 16 of them.
  explicit Ranks(unsigned count);
  unsigned size() const { return memories.size(); }
  /// What rank `rank`'s kernels see: its own allocations and every rank's
  /// symmetric ones. Not its peers' own.
  Memory &memory(unsigned rank) { return *memories[rank]; }

  /// Allocates `bytes` on every rank at the same offset of its symmetric
  /// window, and returns the offset. The contents start as zero.
  uint64_t allocate(uint64_t bytes, llvm::StringRef name = "");
  /// The address of rank `rank`'s copy, the same for the kernels of all ranks.
  uint64_t address(unsigned rank, uint64_t offset) const;
  /// Whether an address lies in a symmetric window.
  static bool isSymmetric(uint64_t address);

private:
  Memory symmetric;
  std::vector<std::unique_ptr<Memory>> memories;
  uint64_t next = 0;
};

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_MEMORY_H
