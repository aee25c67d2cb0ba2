//===- PipeVerifyRings.cpp - the protocol of a kernel, proved -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See "What a correct kernel satisfies" and "How pipe-verify-rings proves it"
// in docs/rationale/pipe.md.
//
//===----------------------------------------------------------------------===//

#include "tilewright/Analysis/RingProtocol.h"
#include "tilewright/Transforms/Passes.h"

namespace tilewright {
#define GEN_PASS_DEF_PIPEVERIFYRINGS
#include "tilewright/Transforms/Passes.h.inc"
} // namespace tilewright

using namespace mlir;
using namespace tilewright;

namespace {

struct PipeVerifyRings
    : public tilewright::impl::PipeVerifyRingsBase<PipeVerifyRings> {
  using PipeVerifyRingsBase::PipeVerifyRingsBase;

  void runOnOperation() override {
    markAllAnalysesPreserved();
    // What each role does with its slots and how many it takes are reported
    // together; whether all come through is asked only if those are right.
    FailureOr<std::unique_ptr<RingProtocol>> protocol =
        RingProtocol::build(getOperation());
    if (failed(protocol))
      return signalPassFailure();
    bool ok = succeeded(checkSlotUses(**protocol));
    ok &= succeeded(checkRingCounts(**protocol));
    if (!ok || failed(proveRingProgress(**protocol)))
      return signalPassFailure();
    record(**protocol);
  }

private:
  /// What was proved, for the resource table.
  void record(const RingProtocol &protocol) {
    Builder builder(&getContext());
    SmallVector<Attribute> rings, tensors;
    for (const RingInfo &ring : protocol.getRings())
      rings.push_back(builder.getStringAttr(ring.name()));
    tile::KernelOp kernel = getOperation();
    for (BlockArgument argument : kernel.getBody().getArguments())
      if (llvm::is_contained(protocol.getConstantTensors(), argument))
        tensors.push_back(
            builder.getStringAttr(kernel.getArgName(argument.getArgNumber())));
    kernel->setAttr(
        "protocol",
        builder.getDictionaryAttr(
            {builder.getNamedAttr("proved", builder.getArrayAttr(rings)),
             builder.getNamedAttr("unchanging",
                                  builder.getArrayAttr(tensors))}));
  }
};

} // namespace
