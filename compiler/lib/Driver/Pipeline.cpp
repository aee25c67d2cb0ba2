//===- Pipeline.cpp - the registered pass pipeline ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Driver/Pipeline.h"
#include "tilewright/Conversion/Pipeline.h"
#include "tilewright/Dialect/Tile/TileDialect.h"
#include "tilewright/Transforms/Passes.h"

#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace tilewright;

void tilewright::buildPlanningPipeline(OpPassManager &pm, bool verifyRings) {
  OpPassManager &kernel = pm.nest<tile::KernelOp>();
  kernel.addPass(createTileExpandClusterSums());
  kernel.addPass(createTileSplitGroups());
  kernel.addPass(createTileInferLayouts());
  kernel.addPass(createTileFormCopies());
  kernel.addPass(createTMAInferMulticast());
  kernel.addPass(createTMAInferStreaming());
  kernel.addPass(createFP8ExpandPromotion());
  kernel.addPass(createTilePlanResources());
  kernel.addPass(createPipePlaceReleases());
  if (verifyRings)
    kernel.addPass(createPipeVerifyRings());
  kernel.addPass(createPipeChooseSchedule());
}

void tilewright::buildLoweringPipeline(OpPassManager &pm,
                                       const BarrierOptions &barriers) {
  OpPassManager &kernel = pm.nest<tile::KernelOp>();
  kernel.addPass(createTileDistribute());
  kernel.addPass(createTilePrefetchReads());
  kernel.addPass(createMMAExpandWaves());
  kernel.addPass(createPipeUnrollLoops());
  kernel.addPass(createMMAOverlapWaves());
  kernel.addPass(createCSEPass());
  buildLowerToNVVMPipeline(pm, barriers);
}

void tilewright::registerPipelines() {
  PassPipelineRegistration<>(
      "tilewright-plan", "source level to planned kernels",
      [](OpPassManager &pm) { buildPlanningPipeline(pm); });
  PassPipelineRegistration<>(
      "tilewright-lower", "planned kernels to NVVM and LLVM",
      [](OpPassManager &pm) { buildLoweringPipeline(pm); });
  PassPipelineRegistration<>("tilewright", "source level to NVVM and LLVM",
                             [](OpPassManager &pm) {
                               buildPlanningPipeline(pm);
                               buildLoweringPipeline(pm);
                             });
}
