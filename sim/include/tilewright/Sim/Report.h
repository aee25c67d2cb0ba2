//===- Report.h - What a simulated launch found ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_SIM_REPORT_H
#define TILEWRIGHT_SIM_REPORT_H

#include "tilewright/Sim/Trace.h"
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tilewright::sim {

/// What the simulator reports instead of guessing.
enum class Hazard : uint8_t {
  OutOfBounds,          ///< Any space; the message names it.
  Misaligned,           ///< An address that the instruction refuses.
  UninitialisedShared,  ///< Shared bytes that nothing has written are read.
  ReadBeforeArrival,    ///< Bytes that an asynchronous copy still writes.
  OverwrittenWhileRead, ///< Bytes that an asynchronous reader still reads.
  UnreleasedRead,       ///< Overwritten, and nothing ordered a thread's read.
  MissingProxyFence,    ///< Generic writes, asynchronous access, no fence.
  MissingInitFence,     ///< An mbarrier's init that others may not see yet.
  RegisterInFlight,     ///< A register of a wgmma before its wait_group.
  MissingWgmmaFence,    ///< A register of a wgmma used after the last fence.
  BarrierMisuse,        ///< mbarrier or named barrier used against its rules.
  Divergence,           ///< An aligned instruction without all of its lanes.
  ExitWithCopies,       ///< A thread exits while its copies read shared memory.
  PeerExited,           ///< Shared memory of a CTA that has exited.
  BadOperand,           ///< Descriptor, tensor map, group size, ... refused.
  BeforeDependency,     ///< Global memory before griddepcontrol.wait.
  Trap,
  Deadlock,
  InstructionLimit,
};

const char *hazardName(Hazard hazard);

struct Finding {
  Hazard hazard;
  std::string where;   ///< "kernel.tw:36:13 (PTX line 412)".
  std::string message; ///< One or more lines.
  std::string opcode;
  unsigned cta = 0, warp = 0; ///< Linear CTA index in the grid.
  std::string who; ///< "CTA 1 (rank 1 of its cluster), role load (warp 4)".
  std::optional<unsigned> rank; ///< Of several that were launched together.
};

struct Report {
  std::vector<Finding> findings;
  uint64_t warpInstructions = 0, threadInstructions = 0;
  std::map<std::string, uint64_t> opcodes; ///< Warp instructions by opcode.
  /// Bytes that asynchronous copies moved.
  uint64_t copiedBytes = 0;
  Trace trace; ///< Without CTAs unless it was asked for.
  /// Host threads that ran it.
  unsigned hostThreads = 1;

  bool ok() const { return findings.empty(); }
  bool has(Hazard hazard) const;
  /// Every finding in the order of its appearance, for a person.
  std::string str() const;
};

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_REPORT_H
