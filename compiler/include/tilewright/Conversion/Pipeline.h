//===- Pipeline.h - from distributed form to the LLVM dialect -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_CONVERSION_PIPELINE_H
#define TILEWRIGHT_CONVERSION_PIPELINE_H

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace tilewright {

/// What is done with the explicit barriers.
struct BarrierOptions {
  /// Whether they must be proved (`pipe-verify-barriers`).
  bool verify = true;
  /// For tests: the number of a change that makes them wrong, or `listMutants`
  /// (`pipe-mutate-barriers`).
  static constexpr int64_t noMutant = -2, listMutants = -1;
  int64_t mutant = noMutant;
};

/// From the distributed form (docs/architecture.md, level 3 before rings are
/// indexed) to the function of warps, still with our operations in it.
void buildDistributedToExplicitPipeline(mlir::OpPassManager &manager,
                                        const BarrierOptions &barriers = {});

/// From there to the LLVM and NVVM dialects only.
void buildExplicitToNVVMPipeline(mlir::OpPassManager &manager);

/// Both. Takes a module with one tile.kernel.
void buildLowerToNVVMPipeline(mlir::OpPassManager &manager,
                              const BarrierOptions &barriers = {});

/// Registers `--tilewright-lower-to-nvvm` for the pass driver.
void registerTilewrightPipelines();

} // namespace tilewright

#endif // TILEWRIGHT_CONVERSION_PIPELINE_H
