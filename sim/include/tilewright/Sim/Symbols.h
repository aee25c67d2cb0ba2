//===- Symbols.h - Names for warps and shared memory ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_SIM_SYMBOLS_H
#define TILEWRIGHT_SIM_SYMBOLS_H

#include <cstdint>
#include <string>
#include <vector>

namespace tilewright::sim {

/// What a launch's warps and shared memory are for, in the words of whoever
/// wrote the kernel. Reports use the names; a launch without them is simulated
/// alike and reported by numbers. Offsets are bytes from the begin of dynamic
/// shared memory, alike in all CTAs.
struct Symbols {
  /// Warps [first, first + count) of each CTA, which run one role.
  struct Role {
    std::string name; ///< "math"
    unsigned first = 0, count = 0;
  };
  /// Bytes [offset, offset + bytes): a field of a slot.
  struct Range {
    uint32_t offset = 0, bytes = 0;
    std::string owner; ///< "pipe ab"
    unsigned slot = 0;
    std::string field; ///< "a"
  };
  /// What the end of a barrier's phase says of its slot.
  enum class Meaning : uint8_t { Full, Free };
  /// Whose arrivals end a phase: of the barrier's own CTA, or as many of each
  /// CTA of the cluster where the barrier was initialised with such a count.
  struct Party {
    std::string role;
    unsigned arrivals = 0;
  };
  /// The mbarrier at `offset`.
  struct Barrier {
    uint32_t offset = 0;
    std::string owner; ///< "pipe ab"
    unsigned slot = 0;
    Meaning meaning = Meaning::Full;
    std::vector<Party> parties;
  };
  std::vector<Role> roles;
  std::vector<Range> ranges;
  std::vector<Barrier> barriers;
};

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_SYMBOLS_H
