//===- PipeUnrollLoops.cpp - unrolls loops over slots ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Transforms/Passes.h"
#include "tilewright/Transforms/Schedule.h"

#include "mlir/Dialect/SCF/Utils/Utils.h"

namespace tilewright {
#define GEN_PASS_DEF_PIPEUNROLLLOOPS
#include "tilewright/Transforms/Passes.h.inc"
} // namespace tilewright

using namespace mlir;
using namespace tilewright;

namespace {

struct PipeUnrollLoops
    : public tilewright::impl::PipeUnrollLoopsBase<PipeUnrollLoops> {
  void runOnOperation() override {
    SmallVector<scf::ForOp> loops;
    getOperation().walk([&](scf::ForOp loop) {
      if (loop->hasAttr(unrollAttrName))
        loops.push_back(loop);
    });
    for (scf::ForOp loop : loops)
      if (failed(unroll(loop)))
        return signalPassFailure();
  }

private:
  static LogicalResult unroll(scf::ForOp loop) {
    auto factor = loop->getAttrOfType<IntegerAttr>(unrollAttrName).getInt();
    loop->removeAttr(unrollAttrName);
    if (factor <= 1)
      return success();
    Location loc = loop.getLoc();
    FailureOr<UnrolledLoopInfo> result =
        mlir::loopUnrollByFactor(loop, static_cast<uint64_t>(factor));
    if (failed(result))
      return emitError(loc, "cannot be unrolled");
    // What remains runs rolled: at most factor - 1 times, too few to gain.
    if (result->epilogueLoopOp)
      (*result->epilogueLoopOp)->removeAttr(peekAttrName);
    return success();
  }
};

} // namespace
