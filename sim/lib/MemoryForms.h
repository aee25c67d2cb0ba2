//===- MemoryForms.h - What memory instructions share ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_SIM_MEMORYFORMS_H
#define TILEWRIGHT_SIM_MEMORYFORMS_H

#include "Forms.h"

namespace tilewright::sim {

enum class Space : uint8_t { Generic, Global, Shared, Param, Local, Const };

/// Takes the state space off the form (none: generic).
void takeSpace(Form &form, Space &space);

/// Where an access lands: in whose shared memory, or in global memory.
struct Place {
  Cta *owner = nullptr;
  uint32_t offset = 0;
  bool isGlobal = false;
};

/// The space behind a generic address, by its window; takes the window's base
/// off the address.
Space genericSpace(uint64_t &address);

/// Host bytes of an access of `size` bytes (a power of two, which it must be
/// aligned to), or null after a report.
uint8_t *resolveAddress(Warp &warp, Space space, uint64_t address,
                        uint32_t size, unsigned lane, Place &place);

/// Reports of a completion belong to the instruction that issued it.
class At {
public:
  At(Warp &warp, const Inst &inst) : warp(warp), previous(warp.inst) {
    warp.inst = &inst;
  }
  ~At() { warp.inst = previous; }

private:
  Warp &warp;
  const Inst *previous;
};

/// Shared address operand (generic or shared) to its CTA and offset; false
/// after a report. BulkForms.cpp
bool sharedPlace(Warp &warp, const Operand &op, unsigned lane, uint64_t bytes,
                 Cta *&owner, uint32_t &offset);

/// Reports it if `target`, whose shared memory a copy in flight reads or
/// writes, has exited meanwhile. BulkForms.cpp
bool isGone(Warp &warp, const Cta &target, llvm::StringRef what);

/// A thread's number among the up to 16 x 1024 of the cluster.
inline unsigned threadInCluster(const Warp &warp, unsigned lane) {
  return warp.cta.rank * 1024 + warp.thread(lane);
}

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_MEMORYFORMS_H
