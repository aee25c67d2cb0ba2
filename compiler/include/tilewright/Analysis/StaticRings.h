//===- StaticRings.h - rings whose slots follow a loop's iterations -------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In a static ring the place of a slot is the iteration of its driving loop
// modulo the depth, in every role. See "Static rings" in
// docs/rationale/pipe.md.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_ANALYSIS_STATICRINGS_H
#define TILEWRIGHT_ANALYSIS_STATICRINGS_H

#include "tilewright/Dialect/Pipe/PipeDialect.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>
#include <string>

namespace tilewright {

/// Why a ring cannot be static, and where that is seen.
struct StaticRingObstacle {
  std::string reason;
  mlir::Location loc;
};

/// The loops that take slots of `ring` in their own bodies, in all roles.
llvm::SmallVector<mlir::scf::ForOp> getDrivingLoops(tile::KernelOp kernel,
                                                    pipe::RingOp ring);

/// What keeps `ring` from being static: each role must take its slots in one
/// place, once in each iteration of one loop, all these loops must run equally
/// often in the same loops, and no role may wait for ever even with one slot:
/// a loop that begins again takes places that the last iterations may still
/// hold. Releases have been placed, and the protocol been verified.
std::optional<StaticRingObstacle> findStaticRingObstacle(tile::KernelOp kernel,
                                                         pipe::RingOp ring);

} // namespace tilewright

#endif // TILEWRIGHT_ANALYSIS_STATICRINGS_H
