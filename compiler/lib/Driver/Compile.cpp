//===- Compile.cpp - from source text to an artefact ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Driver/Compile.h"
#include "Resources.h"
#include "tilewright/DSL/Frontend.h"
#include "tilewright/DSL/TileGen.h"
#include "tilewright/Dialect/InitDialects.h"
#include "tilewright/Driver/Pipeline.h"
#include "tilewright/Target/PTX.h"
#include "tilewright/Target/TargetDiagnostics.h"
#include "tilewright/Transforms/Schedule.h"

#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/SourceMgr.h"
#include <chrono>

using namespace mlir;
using namespace tilewright;

std::optional<Stage> tilewright::parseStage(StringRef name) {
  return llvm::StringSwitch<std::optional<Stage>>(name)
      .Case("ast", Stage::AST)
      .Case("typed", Stage::Typed)
      .Case("tile", Stage::Tile)
      .Case("pipe", Stage::Pipe)
      .Case("nvvm", Stage::NVVM)
      .Case("llvm", Stage::LLVM)
      .Case("ptx", Stage::PTX)
      .Case("cubin", Stage::Cubin)
      .Default(std::nullopt);
}

std::string tilewright::compilerVersion() {
  return "tilewright " TILEWRIGHT_VERSION;
}

std::string CompileResult::manifestText() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << llvm::formatv("{0:2}\n",
                      llvm::json::Value(llvm::json::Object(manifest)));
  return text;
}

namespace {

class Timer {
public:
  /// Milliseconds since construction or the last call.
  double lap() {
    auto now = std::chrono::steady_clock::now();
    double ms = std::chrono::duration<double, std::milli>(now - last).count();
    last = now;
    return ms;
  }

private:
  std::chrono::steady_clock::time_point last = std::chrono::steady_clock::now();
};

/// Adds up what one pass takes.
class PassTimer : public PassInstrumentation {
public:
  PassTimer(StringRef argument, double &milliseconds)
      : argument(argument), milliseconds(milliseconds) {}
  void runBeforePass(Pass *pass, Operation *) override {
    if (pass->getArgument() == argument)
      timer.lap();
  }
  void runAfterPass(Pass *pass, Operation *) override {
    if (pass->getArgument() == argument)
      milliseconds += timer.lap();
  }

private:
  StringRef argument;
  double &milliseconds;
  Timer timer;
};

/// One compilation: the sources, the context and where diagnostics go.
class Compilation {
public:
  Compilation(std::unique_ptr<llvm::MemoryBuffer> source,
              const CompileOptions &options, llvm::raw_ostream &os)
      : options(options), os(os), context(MLIRContext::Threading::DISABLED) {
    buffer = sources.AddNewSourceBuffer(std::move(source), llvm::SMLoc());
    DialectRegistry registry;
    registerDialects(registry);
    target::registerPTXTranslations(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    // Diagnostics point at the source; our IR is for --emit and --print-after.
    context.printOpOnDiagnostic(false);
    handler =
        std::make_unique<SourceMgrDiagnosticHandler>(sources, &context, os);
    // Remarks are recorded for the resource table, and printed if wanted.
    remarkHandler = std::make_unique<ScopedDiagnosticHandler>(
        &context, [this](Diagnostic &diag) {
          if (diag.getSeverity() != DiagnosticSeverity::Remark)
            return failure();
          remarks.push_back(diag.str());
          return success(!this->options.remarks);
        });
  }

  std::optional<CompileResult> run() {
    if (!frontEnd())
      return std::nullopt;
    if (done)
      return std::move(result);
    if (!passes())
      return std::nullopt;
    if (done)
      return std::move(result);
    if (!codegen())
      return std::nullopt;
    return std::move(result);
  }

private:
  bool stopAt(Stage stage,
              llvm::function_ref<void(llvm::raw_ostream &)> print) {
    if (options.stage != stage)
      return false;
    llvm::raw_string_ostream text(result.text);
    print(text);
    return done = true;
  }

  bool frontEnd() {
    dsl::Diagnostics diags(sources, &os);
    dsl::ASTContext ast;
    dsl::File file = dsl::parse(sources, buffer, ast, diags);
    if (diags.hasErrors())
      return false;
    if (stopAt(Stage::AST,
               [&](llvm::raw_ostream &os) { dsl::printAST(file, os); }))
      return true;
    std::optional<dsl::typed::Target> target = dsl::parseTarget(options.target);
    if (!target) {
      os << "error: unknown target '" << options.target
         << "'; known are sm_90a and sm_100a\n";
      return false;
    }
    if (!dsl::check(file, diags))
      return false;
    dsl::InstantiateOptions instantiation;
    instantiation.kernel = options.kernel;
    instantiation.constants = options.constants;
    instantiation.baked = options.bake;
    instantiation.defaultsFromTune = options.defaultsFromTune;
    instantiation.target = *target;
    auto kernel = dsl::instantiate(file, instantiation, diags);
    if (!kernel)
      return false;
    if (stopAt(Stage::Typed, [&](llvm::raw_ostream &os) { kernel->dump(os); }))
      return true;
    module = dsl::generateTile(context, *kernel, sources);
    result.times.frontEnd = clock.lap();
    if (!module)
      return false;
    if (!setHints())
      return false;
    stopAt(Stage::Tile, [&](llvm::raw_ostream &os) { module->print(os); });
    return true;
  }

  bool setHints() {
    Builder builder(&context);
    NamedAttrList list;
    for (const auto &[name, value] : options.hints) {
      if (!llvm::is_contained(kernelHints, StringRef(name))) {
        os << "error: unknown hint '" << name << "' for a kernel; there are "
           << llvm::join(ArrayRef(kernelHints), ", ") << "\n";
        return false;
      }
      if (value < 0) {
        os << "error: hint '" << name << "' cannot be " << value << "\n";
        return false;
      }
      list.set(name, builder.getI64IntegerAttr(value));
    }
    if (!list.empty())
      module->walk([&](tile::KernelOp kernel) {
        kernel->setAttr(hintsAttrName, list.getDictionary(&context));
      });
    return true;
  }

  bool runPasses(llvm::function_ref<void(OpPassManager &)> build) {
    PassManager pm(&context);
    build(pm);
    pm.addInstrumentation(std::make_unique<PassTimer>(
        "pipe-verify-rings", result.times.verifyRings));
    pm.addInstrumentation(std::make_unique<PassTimer>(
        "pipe-verify-barriers", result.times.verifyBarriers));
    if (!options.printAfter.empty())
      pm.enableIRPrinting([](Pass *, Operation *) { return false; },
                          [&](Pass *pass, Operation *) {
                            return pass->getArgument() == options.printAfter;
                          },
                          /*printModuleScope=*/true,
                          /*printAfterOnlyOnChange=*/false,
                          /*printAfterOnlyOnFailure=*/false, os);
    return succeeded(pm.run(*module));
  }

  bool passes() {
    if (!runPasses([&](OpPassManager &pm) {
          buildPlanningPipeline(pm, options.verifyRings);
        }))
      return false;
    module->walk(
        [&](tile::KernelOp kernel) { resources = describeResources(kernel); });
    llvm::json::Array copies;
    for (const std::string &remark : remarks)
      copies.push_back(remark);
    resources["copies"] = std::move(copies);
    if (stopAt(Stage::Pipe, [&](llvm::raw_ostream &os) { module->print(os); }))
      return true;
    if (!runPasses([&](OpPassManager &pm) {
          buildLoweringPipeline(pm, options.barriers);
        }))
      return false;
    if (auto proof =
            (*module)->getAttrOfType<DictionaryAttr>("tilewright.barriers"))
      resources["barrier_proof"] = toJSON(proof);
    result.times.passes = clock.lap();
    if (auto manifest =
            (*module)->getAttrOfType<DictionaryAttr>("tilewright.manifest"))
      result.manifest = *toJSON(manifest).getAsObject();
    stopAt(Stage::NVVM, [&](llvm::raw_ostream &os) { module->print(os); });
    return true;
  }

  bool codegen() {
    bool stopsEarly =
        options.stage == Stage::LLVM || options.stage == Stage::PTX;
    target::AssemblerSearch search;
    search.explicitChoice = options.assembler;
    search.chip = options.target;
    llvm::Expected<target::AssemblerInfo> assembler =
        target::findAssembler(search);
    if (assembler)
      result.assembler = *assembler;
    else if (!stopsEarly) {
      os << "error: " << llvm::toString(assembler.takeError()) << "\n";
      return false;
    } else {
      llvm::consumeError(assembler.takeError());
    }
    result.times.assembler = clock.lap();

    if (failed(target::prepareForPTX(*module, options.lineInfo)))
      return false;
    target::PTXOptions ptxOptions;
    ptxOptions.chip = options.target;
    ptxOptions.toolkitMajor = result.assembler.major;
    ptxOptions.toolkitMinor = result.assembler.minor;
    ptxOptions.captureLLVM = ptxOptions.stopAtLLVM =
        options.stage == Stage::LLVM;
    FailureOr<target::PTXModule> ptx =
        target::translateToPTX(*module, ptxOptions);
    if (failed(ptx))
      return false;
    result.times.llvm = clock.lap();
    if (stopAt(Stage::LLVM, [&](llvm::raw_ostream &os) { os << ptx->llvmIR; }))
      return true;
    result.ptx = ptx->ptx;
    target::PTXText text(result.ptx);
    Location loc = module->getLoc();
    if (failed(target::reportLint(target::lintPTX(text), loc, options.strict)))
      return false;
    if (stopAt(Stage::PTX, [&](llvm::raw_ostream &os) { os << result.ptx; }))
      return true;
    return assemble(text, loc);
  }

  bool assemble(const target::PTXText &text, Location loc) {
    resources["assembler"] = result.assembler.describe();
    if (result.assembler.producesCubin()) {
      target::AssembleOptions assembly;
      assembly.chip = options.target;
      assembly.lineInfo = options.lineInfo;
      llvm::Expected<target::AssembleResult> assembled =
          target::assemble(result.assembler, result.ptx, assembly);
      if (!assembled) {
        os << "error: " << llvm::toString(assembled.takeError()) << "\n";
        return false;
      }
      if (failed(target::reportAssembler(assembled->report, text, loc,
                                         options.strict)) ||
          !assembled->ok)
        return false;
      result.cubin = std::move(assembled->cubin);
      if (!assembled->report.kernels.empty()) {
        const target::KernelUsage &usage = assembled->report.kernels.front();
        resources["registers_at_entry"] = usage.registers;
        resources["spill_bytes"] = usage.spillStoreBytes + usage.spillLoadBytes;
        resources["stack_bytes"] = usage.stackBytes;
      }
    }
    result.times.assembler += clock.lap();
    result.manifest["resources"] = std::move(resources);
    return true;
  }

  /// Runs from the start, so that every millisecond belongs to a part.
  Timer clock;
  const CompileOptions &options;
  llvm::raw_ostream &os;
  llvm::SourceMgr sources;
  unsigned buffer = 0;
  MLIRContext context;
  std::unique_ptr<SourceMgrDiagnosticHandler> handler;
  std::unique_ptr<ScopedDiagnosticHandler> remarkHandler;
  std::vector<std::string> remarks;
  OwningOpRef<ModuleOp> module;
  llvm::json::Object resources;
  CompileResult result;
  bool done = false;
};

} // namespace

std::optional<CompileResult>
tilewright::compile(std::unique_ptr<llvm::MemoryBuffer> source,
                    const CompileOptions &options,
                    llvm::raw_ostream &diagnostics) {
  return Compilation(std::move(source), options, diagnostics).run();
}
