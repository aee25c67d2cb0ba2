//===- PipeVerifyBarriers.cpp - the explicit barriers, proved -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See docs/rationale/barriers.md.
//
//===----------------------------------------------------------------------===//

#include "tilewright/Analysis/BarrierVerifier.h"
#include "tilewright/Transforms/Passes.h"

namespace tilewright {
#define GEN_PASS_DEF_PIPEVERIFYBARRIERS
#include "tilewright/Transforms/Passes.h.inc"
} // namespace tilewright

using namespace mlir;
using namespace tilewright;

namespace {

struct PipeVerifyBarriers
    : public tilewright::impl::PipeVerifyBarriersBase<PipeVerifyBarriers> {
  using PipeVerifyBarriersBase::PipeVerifyBarriersBase;

  void runOnOperation() override {
    markAllAnalysesPreserved();
    tile::KernelOp kernel = getOperation();
    FailureOr<BarrierBound> bound = verifyBarriers(kernel);
    if (failed(bound)) {
      // No author can do anything about that.
      if (kernel->hasAttr("protocol"))
        kernel.emitError("the compiler has made wrong barriers for kernel '")
            << kernel.getSymName()
            << "', whose protocol is right: a bug of the compiler";
      return signalPassFailure();
    }
    Builder builder(&getContext());
    auto number = [&](StringRef name, int64_t value) {
      return builder.getNamedAttr(name, builder.getI64IntegerAttr(value));
    };
    kernel->setAttr(
        "barrier_proof",
        builder.getDictionaryAttr({number("states", bound->states),
                                   number("runs", bound->runs),
                                   number("iterations", bound->iterations),
                                   number("items", bound->items)}));
  }
};

} // namespace
