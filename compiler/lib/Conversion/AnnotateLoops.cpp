//===- AnnotateLoops.cpp - no unrolling behind the compiler's back --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Conversion/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Dominance.h"

namespace tilewright {
#define GEN_PASS_DEF_ANNOTATELOOPS
#include "tilewright/Conversion/Passes.h.inc"
} // namespace tilewright

using namespace mlir;
using namespace tilewright;

namespace {

struct AnnotateLoops
    : public tilewright::impl::AnnotateLoopsBase<AnnotateLoops> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    auto truth = BoolAttr::get(context, true);
    auto unroll = LLVM::LoopUnrollAttr::get(
        context, /*disable=*/truth, /*count=*/{}, /*runtimeDisable=*/{},
        /*full=*/{}, /*followupUnrolled=*/{}, /*followupRemainder=*/{},
        /*followupAll=*/{});
    auto annotation = LLVM::LoopAnnotationAttr::get(
        context, /*disableNonforced=*/{}, /*vectorize=*/{},
        /*interleave=*/{}, unroll, /*unrollAndJam=*/{}, /*licm=*/{},
        /*distribute=*/{}, /*pipeline=*/{}, /*peeled=*/{}, /*unswitch=*/{},
        /*mustProgress=*/{}, /*isVectorized=*/{}, /*startLoc=*/{},
        /*endLoc=*/{}, /*parallelAccesses=*/{});
    getOperation().walk([&](LLVM::LLVMFuncOp func) {
      if (func.isExternal())
        return;
      DominanceInfo dominance(func);
      for (Block &block : func.getBody()) {
        Operation *terminator = block.getTerminator();
        bool back = llvm::any_of(block.getSuccessors(), [&](Block *successor) {
          return dominance.dominates(successor, &block);
        });
        if (!back)
          continue;
        if (auto branch = dyn_cast<LLVM::BrOp>(terminator))
          branch.setLoopAnnotationAttr(annotation);
        else if (auto branch = dyn_cast<LLVM::CondBrOp>(terminator))
          branch.setLoopAnnotationAttr(annotation);
      }
    });
  }
};

} // namespace
