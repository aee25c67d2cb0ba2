//===- Codegen.h - LLVM IR to PTX, with diagnostics -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_LIB_TARGET_CODEGEN_H
#define TILEWRIGHT_LIB_TARGET_CODEGEN_H

#include "tilewright/Target/PTX.h"

#include "mlir/IR/Location.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace llvm {
class LLVMContext;
class Module;
} // namespace llvm

namespace tilewright::target {

struct CodegenRequest {
  std::string chip;     ///< sm_90a
  std::string features; ///< +ptx86
  unsigned optLevel = 3;
  bool captureIR = false;
};

struct CodegenOutput {
  std::string ptx, ir, optimizedIR;
  PTXTimings timings;
};

/// Makes the module anew in a context; null after it emitted diagnostics.
using TranslateFn =
    llvm::function_ref<std::unique_ptr<llvm::Module>(llvm::LLVMContext &)>;

/// Sets triple and data layout.
llvm::LogicalResult setTarget(llvm::Module &module,
                              const CodegenRequest &request,
                              mlir::Location fallback);

std::string printModule(const llvm::Module &module);

/// Translates, optimises and emits PTX. Emits diagnostics and fails when LLVM
/// cannot. `translate` is called again to find the culprit of a fatal error.
llvm::LogicalResult runCodegen(TranslateFn translate,
                               const CodegenRequest &request,
                               mlir::Location fallback, CodegenOutput &output);

/// Emits PTX for the LLVM IR `text`, without optimising it. Returns LLVM's
/// message where it could not.
std::optional<std::string> tryCodegen(llvm::StringRef text,
                                      const CodegenRequest &request);

/// One instruction that the chip has no code for.
struct Culprit {
  std::string what;    ///< the intrinsic's or the operation's name
  std::string message; ///< LLVM's words
  mlir::Location location;
};

/// Compiles each distinct instruction of `module` on its own and returns those
/// that fail. Slow (about a millisecond each), so only for explaining a fatal
/// error that was `message`; instructions that fail with that message, if
/// any, are the only ones returned.
std::vector<Culprit> findCulprits(llvm::Module &module,
                                  const CodegenRequest &request,
                                  llvm::StringRef message,
                                  mlir::Location fallback);

} // namespace tilewright::target

#endif // TILEWRIGHT_LIB_TARGET_CODEGEN_H
