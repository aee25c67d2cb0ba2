//===- PTX.cpp - from the NVVM and LLVM dialects to PTX -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// LLVM's C interface does the work where it can: its headers are light, and
// `LLVMRunPasses` instead of PassBuilder.h makes this file compile five times
// faster.
//
//===----------------------------------------------------------------------===//

#include "tilewright/Target/PTX.h"

#include "Codegen.h"
#include "tilewright/Target/Chip.h"

#include "mlir/Conversion/NVVMToLLVM/NVVMToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/Operation.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"

#include <chrono>

using namespace mlir;

namespace tilewright::target {

void registerPTXTranslations(DialectRegistry &registry) {
  registerBuiltinDialectTranslation(registry);
  registerGPUDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
  registerConvertNVVMToLLVMInterface(registry);
}

void registerPTXTranslations(MLIRContext &context) {
  DialectRegistry registry;
  registerPTXTranslations(registry);
  context.appendDialectRegistry(registry);
}

LogicalResult prepareForPTX(Operation *module, bool lineInfo) {
  PassManager passes(module->getContext(), module->getName().getStringRef());
  passes.addPass(createConvertNVVMToLLVMPass());
  passes.addPass(createReconcileUnrealizedCastsPass());
  if (failed(passes.run(module)))
    return failure();
  if (lineInfo)
    attachLineInfo(module);
  return success();
}

namespace {
/// Milliseconds since the last call.
class StopWatch {
public:
  double lap() {
    auto now = std::chrono::steady_clock::now();
    double result =
        std::chrono::duration<double, std::milli>(now - last).count();
    last = now;
    return result;
  }

private:
  std::chrono::steady_clock::time_point last = std::chrono::steady_clock::now();
};
} // namespace

FailureOr<PTXModule> translateToPTX(Operation *module,
                                    const PTXOptions &options) {
  PTXModule result;
  llvm::Expected<unsigned> version = choosePTXVersion(
      options.chip, options.toolkitMajor, options.toolkitMinor);
  if (!version) {
    module->emitError(llvm::toString(version.takeError()));
    return failure();
  }
  result.ptxVersion = options.ptxVersion ? options.ptxVersion : *version;
  if (result.ptxVersion < minPTXVersion(options.chip) ||
      result.ptxVersion > kMaxPTXVersion) {
    module->emitError("PTX version ")
        << result.ptxVersion / 10 << "." << result.ptxVersion % 10
        << " is out of range for chip '" << options.chip << "': it needs at "
        << "least " << minPTXVersion(options.chip) / 10 << "."
        << minPTXVersion(options.chip) % 10 << ", and at most "
        << kMaxPTXVersion / 10 << "." << kMaxPTXVersion % 10
        << " can be emitted";
    return failure();
  }

  StopWatch watch;
  auto translate = [&](llvm::LLVMContext &context) {
    return translateModuleToLLVMIR(module, context, "tilewright");
  };
  CodegenRequest request;
  request.chip = options.chip;
  request.features = "+ptx" + std::to_string(result.ptxVersion);
  request.optLevel = std::min(options.optLevel, 3u);
  request.captureIR = options.captureLLVM;

  if (options.stopAtLLVM) {
    llvm::LLVMContext context;
    std::unique_ptr<llvm::Module> ir = translate(context);
    if (!ir)
      return failure();
    if (failed(setTarget(*ir, request, module->getLoc())))
      return failure();
    result.llvmIR = printModule(*ir);
    result.timings.translate = watch.lap();
    return result;
  }

  CodegenOutput output;
  LogicalResult status =
      runCodegen(translate, request, module->getLoc(), output);
  if (failed(status))
    return failure();
  result.ptx = std::move(output.ptx);
  result.llvmIR = std::move(output.ir);
  result.optimizedLLVMIR = std::move(output.optimizedIR);
  result.timings = output.timings;
  return result;
}

} // namespace tilewright::target
