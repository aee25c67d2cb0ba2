//===- Bench.h - Timing launches with events ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_RUNTIME_BENCH_H
#define TILEWRIGHT_RUNTIME_BENCH_H

#include "tilewright/Runtime/Driver.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <vector>

namespace tilewright::runtime {

struct BenchOptions {
  int warmup = 3;  ///< Launches before the measured ones.
  int rounds = 20; ///< Measured launches, each between its own two events.
  /// Overwrite a buffer of twice the L2 cache before every measured launch,
  /// so that operands come from device memory.
  bool flushL2 = true;
};

struct Timing {
  std::vector<double> microseconds; ///< One a round, in order.
  double median = 0, minimum = 0, maximum = 0;
};

/// Times `launch`, which enqueues work on the stream it is given (in the
/// device's primary context, current during the call).
llvm::Expected<Timing>
timeLaunches(Driver &driver, int ordinal,
             llvm::function_ref<llvm::Error(cuda::Stream)> launch,
             const BenchOptions &options = {});

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_BENCH_H
