//===- MemoryForms.h - What memory instructions share ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_SIM_MEMORYFORMS_H
#define TILEWRIGHT_SIM_MEMORYFORMS_H

#include "Forms.h"

namespace tilewright::sim {

enum class Space : uint8_t { Generic, Global, Shared, Param, Local };

/// Takes the state space off the form (none: generic); false for .const.
bool takeSpace(Form &form, Space &space);

/// Where an access to shared memory lands; no owner for other spaces.
struct Place {
  Cta *owner = nullptr;
  uint32_t offset = 0;
};

/// Host bytes of an access of `size` bytes (a power of two, which it must be
/// aligned to), or null after a report.
uint8_t *resolveAddress(Warp &warp, Space space, uint64_t address,
                        uint32_t size, unsigned lane, Place &place);

/// A thread's number among the up to 16 x 1024 of the cluster.
inline unsigned threadInCluster(const Warp &warp, unsigned lane) {
  return warp.cta.rank * 1024 + warp.thread(lane);
}

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_MEMORYFORMS_H
