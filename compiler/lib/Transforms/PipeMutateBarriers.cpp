//===- PipeMutateBarriers.cpp - wrong barriers, for tests -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What test/mutants asks: which changes of single barrier operations the
// barrier verifier rejects. See docs/mutants.md.
//
//===----------------------------------------------------------------------===//

#include "BarrierMutants.h"
#include "tilewright/Analysis/BarrierVerifier.h"
#include "tilewright/Transforms/Passes.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/JSON.h"

namespace tilewright {
#define GEN_PASS_DEF_PIPEMUTATEBARRIERS
#include "tilewright/Transforms/Passes.h.inc"
} // namespace tilewright

using namespace mlir;
using namespace tilewright;

static unsigned getLine(Operation *op) {
  if (auto loc = op->getLoc()->findInstanceOf<FileLineColLoc>())
    return loc.getLine();
  return 0;
}

namespace {

struct PipeMutateBarriers
    : public tilewright::impl::PipeMutateBarriersBase<PipeMutateBarriers> {
  using PipeMutateBarriersBase::PipeMutateBarriersBase;

  void runOnOperation() override {
    tile::KernelOp kernel = getOperation();
    std::vector<BarrierMutant> mutants = listBarrierMutants(kernel);
    int64_t wanted = number;
    if (wanted < 0) {
      for (size_t i = 0; i < mutants.size(); ++i)
        report(kernel, i);
      return;
    }
    if (wanted >= static_cast<int64_t>(mutants.size())) {
      kernel.emitError("has ")
          << mutants.size() << " mutants, no number " << wanted;
      return signalPassFailure();
    }
    applyBarrierMutant(mutants[wanted]);
  }

private:
  /// One line of JSON: the change, and who rejects it with which words.
  static void report(tile::KernelOp kernel, size_t index) {
    OwningOpRef<tile::KernelOp> copy = kernel.clone();
    std::vector<BarrierMutant> mutants = listBarrierMutants(*copy);
    const BarrierMutant &mutant = mutants[index];
    auto role = mutant.op->getParentOfType<tile::RoleOp>();
    llvm::json::Object line{{"mutant", static_cast<int64_t>(index)},
                            {"kind", mutant.kindName().str()},
                            {"op", mutant.describe()},
                            {"over", mutant.describeNeighbour()},
                            {"role", role ? role.getName().str() : ""},
                            {"line", getLine(mutant.op)}};
    std::string message;
    ScopedDiagnosticHandler handler(kernel.getContext(), [&](Diagnostic &diag) {
      if (message.empty() && diag.getSeverity() == DiagnosticSeverity::Error)
        message = diag.str();
      return success();
    });
    applyBarrierMutant(mutant);
    if (failed(verify(*copy)))
      line["rejected"] = "ir";
    else if (failed(verifyBarriers(*copy)))
      line["rejected"] = "barriers";
    if (!message.empty())
      line["message"] = message;
    llvm::outs() << llvm::json::Value(std::move(line)) << "\n";
  }
};

} // namespace
