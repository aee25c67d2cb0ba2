//===- Simulator.h - Runs PTX on the CPU ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_SIM_SIMULATOR_H
#define TILEWRIGHT_SIM_SIMULATOR_H

#include "tilewright/Sim/Memory.h"
#include "tilewright/Sim/Report.h"
#include "tilewright/Sim/Symbols.h"
#include "tilewright/Sim/Wgmma.h"
#include "llvm/Support/Error.h"
#include <array>
#include <cstring>
#include <string>
#include <vector>

namespace tilewright::sim {

/// One kernel launch.
struct Launch {
  std::string ptx;
  std::string entry; ///< Empty: the only entry of the module.
  std::array<uint32_t, 3> grid = {1, 1, 1};
  std::array<uint32_t, 3> block = {1, 1, 1};
  std::array<uint32_t, 3> cluster = {1, 1, 1};
  uint32_t smemBytes = 0; ///< Dynamic shared memory.
  /// In a sequence: may begin before the launch before it has ended
  /// (cudaLaunchAttributeProgrammaticStreamSerialization).
  bool programmatic = false;
  /// The bytes of each parameter, in order; sizes must match the entry's.
  std::vector<std::vector<uint8_t>> params;
  Symbols symbols; ///< For reports; may be empty.

  template <typename T> void add(const T &value) {
    params.emplace_back(sizeof(T));
    std::memcpy(params.back().data(), &value, sizeof(T));
  }
};

/// When asynchronous copies complete. The granule is a whole copy: its reads
/// and its writes happen at one point, between two warp instructions.
enum class Schedule : uint8_t {
  Latest,   ///< Only once no warp can run without it, first those that one of
            ///< them waits for (the default).
  Earliest, ///< At once.
  Random,   ///< Anywhere in between, by `seed`; CTAs of a cluster drift apart.
};

struct Options {
  Schedule schedule = Schedule::Latest;
  uint64_t seed = 0;
  AccumulateModel accumulate = AccumulateModel::exact();
  /// Warp instructions after which a launch is given up and reported.
  uint64_t maxInstructions = uint64_t(1) << 31;
  /// Findings after which a launch stops. Out-of-bounds accesses, deadlocks
  /// and misused barriers always stop it.
  unsigned maxFindings = 16;
  /// What to record in Report::trace; also of launches that fail.
  TraceLimits trace;
  /// Host threads that clusters run on; 0: as many as the machine has. A launch
  /// whose CTAs meet in global memory (atomics, reductions, acquiring loads)
  /// takes one, so that its results do not depend on the number.
  unsigned threads = 0;
  /// Multiprocessors: how many CTAs can be resident at once and wait for each
  /// other through global memory (H100 and H200: 132).
  unsigned multiprocessors = 132;
};

/// Runs the launch to its end, or to a finding that stops it. Errors are those
/// of the caller: PTX that does not parse or uses a form that is not modelled,
/// a launch that does not fit the entry.
llvm::Expected<Report> run(const Launch &launch, Memory &memory,
                           const Options &options = {});

/// Launches of one stream, in order, with a report for each; ends after the
/// first that has findings. Also reports what a programmatic launch touches,
/// before its griddepcontrol.wait, of what a launch that may still run writes,
/// and what it writes of what such a one reads. Takes one host thread where a
/// launch is programmatic.
llvm::Expected<std::vector<Report>> runSequence(llvm::ArrayRef<Launch> launches,
                                                Memory &memory,
                                                const Options &options = {});

/// launches[r] on rank r, all at once, with a report for each: kernels wait for
/// each other through symmetric memory. Takes one host thread.
llvm::Expected<std::vector<Report>> runRanks(llvm::ArrayRef<Launch> launches,
                                             Ranks &ranks,
                                             const Options &options = {});

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_SIMULATOR_H
