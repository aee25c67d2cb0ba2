//===- Memory.cpp - The simulated device's global memory ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tilewright/Sim/Memory.h"
#include "llvm/Support/FormatVariadic.h"

using namespace tilewright::sim;

uint64_t Memory::allocate(uint64_t bytes, llvm::StringRef name) {
  uint64_t address = next;
  // At least one page between two allocations is nobody's.
  next += (bytes + 4096 + 255) / 256 * 256;
  Allocation &allocation = allocations[address];
  if (!name.empty())
    allocation.name = ("'" + name + "'").str();
  allocation.bytes.resize(bytes);
  return address;
}

void Memory::place(uint64_t address, llvm::ArrayRef<uint8_t> bytes,
                   llvm::StringRef name) {
  Allocation &allocation = allocations[address];
  allocation.name = ("'" + name + "'").str();
  allocation.bytes = bytes.vec();
}

uint8_t *Memory::resolve(uint64_t address, uint64_t bytes) {
  if (symmetric && Ranks::isSymmetric(address))
    return symmetric->resolve(address, bytes);
  auto it = allocations.upper_bound(address);
  if (it == allocations.begin())
    return nullptr;
  --it;
  uint64_t offset = address - it->first, size = it->second.bytes.size();
  if (offset > size || bytes > size - offset)
    return nullptr;
  return it->second.bytes.data() + offset;
}

std::string Memory::describe(uint64_t address) const {
  if (symmetric && Ranks::isSymmetric(address))
    return symmetric->describe(address);
  auto it = allocations.upper_bound(address);
  if (it == allocations.begin())
    return llvm::formatv("{0:x} is below every allocation", address).str();
  --it;
  uint64_t offset = address - it->first, size = it->second.bytes.size();
  std::string name =
      it->second.name.empty() ? "an allocation" : it->second.name;
  return llvm::formatv("{0:x} is byte {1} of {2}, which has {3} bytes", address,
                       offset, name, size)
      .str();
}
