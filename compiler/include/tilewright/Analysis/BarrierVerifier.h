//===- BarrierVerifier.h - the proof of a kernel's explicit barriers ------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_ANALYSIS_BARRIERVERIFIER_H
#define TILEWRIGHT_ANALYSIS_BARRIERVERIFIER_H

#include "tilewright/Analysis/BarrierProgram.h"

namespace tilewright {

/// What was looked at.
struct BarrierBound {
  /// States of roles at the heads of their loops, for any trip counts.
  int64_t states = 0;
  /// All roles together: how many kernels of concrete trip counts were run,
  /// and the largest numbers of iterations and of items of an iterator.
  int64_t runs = 0, iterations = 0, items = 0;
};

/// An event of a role in a run with concrete trip counts.
struct BarrierEvent {
  enum Kind : uint8_t { Wait, Arrive, Fill } kind;
  mlir::Operation *op;
  int ring;
  pipe::Side side;
  int64_t place;
  int64_t parity = 0;
  /// Arrivals; bytes that an arrival announces or a copy delivers.
  int64_t arrivals = 0, bytes = 0;
  int64_t multicast = 1;
  bool drains = false;
};

/// Values for a run with concrete trip counts.
struct BarrierRunValues {
  llvm::SmallVector<int64_t, 8> dims;
  int64_t items = 1, rank = 0;
};

/// Checks one role, any trip counts: places and parities follow the ring's
/// count; a slot is touched, and given back once, while it is held; products
/// that read it have ended; fences and barriers stand between proxies.
mlir::LogicalResult checkRoleBarriers(const BarrierProgram &program,
                                      unsigned role, BarrierBound &bound);

/// The events of a group of a role for concrete trip counts; nothing if these
/// depend on what only a GPU knows.
std::optional<std::vector<BarrierEvent>>
traceRole(const BarrierProgram &program, unsigned role, int64_t group,
          const BarrierRunValues &values);

/// Checks arrivals, bytes and the counts of barriers that roles share.
mlir::LogicalResult checkArrivals(const BarrierProgram &program);

/// Runs all roles of a cluster together on the mbarriers for a number of trip
/// counts: phases complete as counted, nobody waits for ever.
mlir::LogicalResult runTogether(const BarrierProgram &program,
                                BarrierBound &bound);

/// All of the above.
mlir::FailureOr<BarrierBound> verifyBarriers(tile::KernelOp kernel);

} // namespace tilewright

#endif // TILEWRIGHT_ANALYSIS_BARRIERVERIFIER_H
