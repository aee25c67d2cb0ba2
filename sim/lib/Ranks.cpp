//===- Ranks.cpp - Symmetric memory of several ranks ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tilewright/Sim/Memory.h"
#include "llvm/Support/FormatVariadic.h"
#include <cassert>

using namespace tilewright::sim;

/// Windows of 64 GiB: a rank's own allocations, and its symmetric ones.
static constexpr unsigned windowShift = 36, maxRanks = 16;
static constexpr uint64_t ownBase = uint64_t(0x7f) << 40,
                          symmetricBase = uint64_t(0x7d) << 40;

bool Ranks::isSymmetric(uint64_t address) {
  return address >= symmetricBase &&
         address < symmetricBase + (uint64_t(maxRanks) << windowShift);
}

Memory::Memory(unsigned rank, Memory &symmetric)
    : next(ownBase + (uint64_t(rank) << windowShift)), symmetric(&symmetric) {}

Ranks::Ranks(unsigned count) {
  assert(count > 0 && count <= maxRanks && "1 to 16 ranks");
  for (unsigned rank = 0; rank < count; ++rank)
    memories.push_back(std::make_unique<Memory>(rank, symmetric));
}

uint64_t Ranks::address(unsigned rank, uint64_t offset) const {
  return symmetricBase + (uint64_t(rank) << windowShift) + offset;
}

uint64_t Ranks::allocate(uint64_t bytes, llvm::StringRef name) {
  uint64_t offset = next;
  // As in Memory::allocate: at least one page between two is nobody's.
  next += (bytes + 4096 + 255) / 256 * 256;
  for (unsigned rank = 0; rank < size(); ++rank) {
    Memory::Allocation &allocation =
        symmetric.allocations[address(rank, offset)];
    allocation.name =
        name.empty()
            ? llvm::formatv("a symmetric allocation of rank {0}", rank).str()
            : llvm::formatv("'{0}' of rank {1}", name, rank).str();
    allocation.bytes.resize(bytes);
  }
  return offset;
}
