//===- PTX.h - from the NVVM and LLVM dialects to PTX -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The input is a builtin module (or gpu.module) whose kernels are `llvm.func`
// operations with `nvvm.kernel`. Everything that LLVM has to say comes back as
// MLIR diagnostics at a source line; a construct that the chip lacks is an
// error there, never an abort of the process.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_TARGET_PTX_H
#define TILEWRIGHT_TARGET_PTX_H

#include "mlir/Support/LLVM.h"
#include "llvm/Support/LogicalResult.h"

#include <string>

namespace mlir {
class DialectRegistry;
class MLIRContext;
class Operation;
} // namespace mlir

namespace tilewright::target {

struct PTXOptions {
  std::string chip = "sm_90a";
  /// major * 10 + minor; 0 takes what choosePTXVersion says about the chip
  /// and the toolkit below.
  unsigned ptxVersion = 0;
  /// The version of the toolkit that will assemble the PTX; 0.0 if not known.
  unsigned toolkitMajor = 0, toolkitMinor = 0;
  /// LLVM's optimisation level, 0 to 3.
  unsigned optLevel = 3;
  /// Whether to keep the text of LLVM's IR before and after optimisation.
  bool captureLLVM = false;
  /// Stop after the translation to LLVM's IR (`--emit=llvm`).
  bool stopAtLLVM = false;
};

/// Wall times in milliseconds.
struct PTXTimings {
  double translate = 0; ///< MLIR's dialects to LLVM's IR
  double optimize = 0;  ///< LLVM's pass pipeline
  double codegen = 0;   ///< NVPTX
};

struct PTXModule {
  std::string ptx;
  std::string llvmIR;          ///< with captureLLVM: as translated
  std::string optimizedLLVMIR; ///< with captureLLVM: after optimisation
  unsigned ptxVersion = 0;
  PTXTimings timings;
};

/// Registers the translations of the builtin, LLVM, NVVM and GPU dialects to
/// LLVM's IR. Needed before translateToPTX.
void registerPTXTranslations(mlir::DialectRegistry &registry);
void registerPTXTranslations(mlir::MLIRContext &context);

/// Gives every `llvm.func` with a body the debug information from which LLVM
/// writes `.file` and `.loc`: a subprogram in a compile unit of kind
/// DebugDirectivesOnly (any other kind makes ptxas build for debugging).
/// Locations below it are brought to one file, line and column each, in the
/// file that they name. Operations with an unknown location take the position
/// of the operation before them. Source variables are not described.
void attachLineInfo(mlir::Operation *module);

/// Lowers those NVVM operations that have no LLVM intrinsic (such as
/// nvvm.wgmma.mma_async) to inline PTX and attaches line information.
llvm::LogicalResult prepareForPTX(mlir::Operation *module,
                                  bool lineInfo = true);

/// Translates `module`, which it does not change, to PTX. Emits diagnostics
/// and fails when LLVM cannot.
mlir::FailureOr<PTXModule> translateToPTX(mlir::Operation *module,
                                          const PTXOptions &options = {});

} // namespace tilewright::target

#endif // TILEWRIGHT_TARGET_PTX_H
