//===- Pipeline.cpp - from distributed form to the LLVM dialect -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Conversion/Pipeline.h"
#include "tilewright/Conversion/Passes.h"
#include "tilewright/Dialect/Tile/TileDialect.h"
#include "tilewright/Transforms/Passes.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/NVVMToLLVM/NVVMToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace tilewright;

void tilewright::buildDistributedToExplicitPipeline(
    OpPassManager &manager, const BarrierOptions &barriers) {
  OpPassManager &kernel = manager.nest<tile::KernelOp>();
  kernel.addPass(createPipeIndexRings());
  kernel.addPass(createPipeLowerToBarriers());
  kernel.addPass(createPipePeekWaits());
  kernel.addPass(createPipeInsertProxyFences());
  if (barriers.mutant != BarrierOptions::noMutant) {
    PipeMutateBarriersOptions mutation;
    mutation.number = barriers.mutant;
    kernel.addPass(createPipeMutateBarriers(mutation));
  }
  if (barriers.verify)
    kernel.addPass(createPipeVerifyBarriers());
  kernel.addPass(createTileLowerIterators());
  manager.addPass(createTileBranchRoles());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
}

void tilewright::buildExplicitToNVVMPipeline(OpPassManager &manager) {
  manager.addPass(createConvertTilewrightToNVVM());
  manager.addPass(createCSEPass());
  manager.addPass(arith::createArithExpandOpsPass());
  manager.addPass(createSCFToControlFlowPass());
  manager.addPass(createConvertNVVMToLLVMPass());
  // Index arithmetic is 32-bit: extents and offsets in shared memory fit, and
  // the machine's integers are 32-bit. Addresses in global memory are widened
  // explicitly.
  ConvertMathToLLVMPassOptions math;
  manager.addPass(createConvertMathToLLVMPass(math));
  ArithToLLVMConversionPassOptions arithmetic;
  arithmetic.indexBitwidth = 32;
  manager.addPass(createArithToLLVMConversionPass(arithmetic));
  ConvertControlFlowToLLVMPassOptions control;
  control.indexBitwidth = 32;
  manager.addPass(createConvertControlFlowToLLVMPass(control));
  manager.addPass(createReconcileUnrealizedCastsPass());
  manager.addPass(createAnnotateLoops());
}

void tilewright::buildLowerToNVVMPipeline(OpPassManager &manager,
                                          const BarrierOptions &barriers) {
  buildDistributedToExplicitPipeline(manager, barriers);
  buildExplicitToNVVMPipeline(manager);
}

void tilewright::registerTilewrightPipelines() {
  PassPipelineRegistration<>(
      "tilewright-lower-to-nvvm",
      "From the distributed form to the LLVM and NVVM dialects",
      [](OpPassManager &manager) { buildLowerToNVVMPipeline(manager); });
}
