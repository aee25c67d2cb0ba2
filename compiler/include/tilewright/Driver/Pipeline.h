//===- Pipeline.h - the registered pass pipeline --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_DRIVER_PIPELINE_H
#define TILEWRIGHT_DRIVER_PIPELINE_H

#include "tilewright/Conversion/Pipeline.h"

#include "mlir/Pass/PassManager.h"

namespace tilewright {

/// Source level -> planned: roles, layouts, copies, contractions, resources,
/// releases (docs/architecture.md, levels of IR), and the proof of the protocol
/// unless `verifyRings` is false.
void buildPlanningPipeline(mlir::OpPassManager &pm, bool verifyRings = true);

/// Planned -> upstream dialects: distribution, waves, rings, barriers, role
/// branches, NVVM and LLVM.
void buildLoweringPipeline(mlir::OpPassManager &pm,
                           const BarrierOptions &barriers = {});

/// Registers `tilewright-plan`, `tilewright-lower` and `tilewright` (both).
void registerPipelines();

} // namespace tilewright

#endif // TILEWRIGHT_DRIVER_PIPELINE_H
