//===- DependencyTrace.h - Global memory of launches that may overlap -----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// With programmatic dependent launch a grid may run while the one before it
// does: until griddepcontrol.wait, nothing of what that one writes may be
// touched, and nothing written that it reads (PTX ISA, griddepcontrol; CUDA
// Programming Guide, "Programmatic Dependent Launch").
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_SIM_DEPENDENCYTRACE_H
#define TILEWRIGHT_SIM_DEPENDENCYTRACE_H

#include "llvm/ADT/DenseMap.h"
#include <array>
#include <cstdint>
#include <memory>

namespace tilewright::sim {

/// For each byte of global memory, whether the running launch, and those before
/// it that may still run, have read or written it. Not for several threads.
class DependencyTrace {
public:
  /// The next launch begins. Without `programmatic` it comes after everything;
  /// with it, after what came before the last launch only if `lastWaited`:
  /// every CTA of the last one had waited for that.
  void begin(bool programmatic, bool lastWaited);

  enum class Conflict : uint8_t { None, TouchesWritten, WritesRead };
  /// Notes an access of the running launch; where it is not `ordered` behind a
  /// griddepcontrol.wait, also what it stands against.
  Conflict access(uint64_t address, uint64_t bytes, bool writes, bool ordered);

private:
  enum Mark : uint8_t {
    Read = 1,
    Written = 2,
    ReadBefore = 4,
    WrittenBefore = 8
  };
  using Page = std::array<uint8_t, 4096>;
  llvm::DenseMap<uint64_t, std::unique_ptr<Page>> pages;
};

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_DEPENDENCYTRACE_H
