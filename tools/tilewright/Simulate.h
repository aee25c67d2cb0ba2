//===- Simulate.h - tilewright run --device sim -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_TOOLS_SIMULATE_H
#define TILEWRIGHT_TOOLS_SIMULATE_H

#include "Launch.h"
#include "tilewright/Sim/Simulator.h"

namespace tilewright::cli {

/// When asynchronous work completes: one of what --schedule lists.
struct SimSchedule {
  std::string name;
  sim::Schedule schedule;
  uint64_t seed;
};

/// The schedules of --schedule; false after a report.
bool parseSchedules(std::vector<SimSchedule> &schedules);

/// Runs the compiled kernel's PTX on the simulator, from copies of the launch's
/// tensors; `after` is what they hold then. Findings are printed and fail.
/// `--ptx` replaces the kernel's PTX; `--trace` writes a timeline.
Exit simulate(Launch &launch, const SimSchedule &when,
              std::vector<runtime::HostTensor> &after);

/// An option was given that only the simulator has.
bool tracesOrReplacesPtx();

} // namespace tilewright::cli

#endif // TILEWRIGHT_TOOLS_SIMULATE_H
