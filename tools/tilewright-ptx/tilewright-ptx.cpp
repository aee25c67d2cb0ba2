//===- tilewright-ptx.cpp - the last stages of the compiler, alone --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads a module in the LLVM and NVVM dialects and writes LLVM IR, PTX or a
// cubin, with every diagnostic of LLVM, of the PTX lint and of the assembler.
// Also reads PTX itself (--from-ptx). A tool for tests and for looking.
//
//===----------------------------------------------------------------------===//

#include "tilewright/Target/Assembler.h"
#include "tilewright/Target/Cubin.h"
#include "tilewright/Target/PTX.h"
#include "tilewright/Target/TargetDiagnostics.h"

#include "mlir/Dialect/DLTI/DLTI.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"
#include "llvm/Support/WithColor.h"

using namespace llvm;
using namespace tilewright::target;

namespace {

enum class Stage { LLVM, OptimizedLLVM, PTX, Cubin, Info, Lint };

cl::OptionCategory category("tilewright-ptx");
cl::opt<std::string> inputFile(cl::Positional, cl::desc("<input>"),
                               cl::init("-"), cl::cat(category));
cl::opt<std::string> outputFile("o", cl::desc("write to this file"),
                                cl::value_desc("file"), cl::init("-"),
                                cl::cat(category));
cl::opt<Stage> stage(
    "emit", cl::desc("what to write (default: ptx)"),
    cl::values(clEnumValN(Stage::LLVM, "llvm", "LLVM IR as translated"),
               clEnumValN(Stage::OptimizedLLVM, "llvm-opt",
                          "LLVM IR after optimisation"),
               clEnumValN(Stage::PTX, "ptx", "PTX"),
               clEnumValN(Stage::Cubin, "cubin", "a cubin"),
               clEnumValN(Stage::Info, "info",
                          "what each kernel in the cubin uses, and the "
                          "assembler, as text"),
               clEnumValN(Stage::Lint, "lint", "nothing but the PTX lint")),
    cl::init(Stage::PTX), cl::cat(category));
cl::opt<std::string> chip("chip", cl::desc("target chip (default: sm_90a)"),
                          cl::init("sm_90a"), cl::cat(category));
cl::opt<unsigned> ptxVersion("ptx-version",
                             cl::desc("PTX version, 86 for 8.6 (default: by "
                                      "chip and assembler)"),
                             cl::init(0), cl::cat(category));
cl::opt<unsigned> optLevel("O", cl::Prefix, cl::desc("LLVM's level, 0 to 3"),
                           cl::init(3), cl::cat(category));
cl::opt<std::string> ptxas("ptxas",
                           cl::desc("a ptxas, a libnvJitLink, 'nvjitlink' or "
                                    "'driver'"),
                           cl::cat(category));
cl::opt<bool> strict("strict",
                     cl::desc("advisories and lint warnings are errors"),
                     cl::cat(category));
cl::opt<bool> lint("lint", cl::desc("lint the PTX (default: on)"),
                   cl::init(true), cl::cat(category));
cl::opt<bool> lineInfo("line-info",
                       cl::desc("source lines in PTX and cubin (default: on)"),
                       cl::init(true), cl::cat(category));
cl::opt<bool> fromPTX("from-ptx", cl::desc("the input is PTX"),
                      cl::cat(category));
cl::opt<bool> timings("timings", cl::desc("print wall times to stderr"),
                      cl::cat(category));
cl::opt<unsigned> timeoutSeconds("timeout",
                                 cl::desc("seconds before ptxas is killed"),
                                 cl::init(300), cl::cat(category));
cl::list<std::string> ptxasArgs("Xptxas",
                                cl::desc("pass an option on to ptxas"),
                                cl::cat(category));
cl::opt<bool> listRules("lint-rules",
                        cl::desc("print the lint's rules and stop"),
                        cl::cat(category));
cl::opt<bool>
    verifyDiagnostics("verify-diagnostics",
                      cl::desc("check diagnostics against expected-* comments"),
                      cl::cat(category));

} // namespace

static mlir::LogicalResult write(StringRef text) {
  std::string error;
  std::unique_ptr<ToolOutputFile> out =
      mlir::openOutputFile(outputFile, &error);
  if (!out) {
    WithColor::error(errs()) << error << "\n";
    return mlir::failure();
  }
  out->os() << text;
  out->os().close();
  if (out->os().has_error()) {
    WithColor::error(errs()) << "cannot write " << outputFile << ": "
                             << out->os().error().message() << "\n";
    out->os().clear_error();
    return mlir::failure();
  }
  out->keep();
  return mlir::success();
}

static std::string infoText(const AssemblerInfo &assembler,
                            const AssembleResult &result, const Cubin &cubin) {
  std::string text;
  raw_string_ostream os(text);
  os << "assembler: " << assembler.describe() << "\n";
  for (const KernelUsage &usage : result.report.kernels)
    os << usage.name << ": " << usage.registers << " registers, "
       << usage.barriers << " barriers, " << usage.sharedBytes
       << " bytes shared, " << usage.stackBytes << " bytes stack, "
       << usage.spillStoreBytes << " bytes spill stores, "
       << usage.spillLoadBytes << " bytes spill loads\n";
  os << "kernels:";
  for (StringRef name : cubin.kernels())
    os << " " << name;
  os << "\nline information:";
  if (!cubin.hasLineInfo())
    os << " none";
  else
    for (const std::string &file : cubin.lineTableFiles())
      os << " " << file;
  os << "\n";
  return text;
}

/// Lint, assemble and write what `stage` asks for.
static mlir::LogicalResult finish(StringRef ptx, const AssemblerInfo &assembler,
                                  mlir::Location location,
                                  const PTXTimings &times) {
  PTXText view(ptx);
  if (lint || stage == Stage::Lint)
    if (failed(reportLint(lintPTX(view), location, strict)))
      return mlir::failure();
  if (stage == Stage::Lint)
    return mlir::success();
  double assembleMs = 0;
  if (stage == Stage::PTX) {
    if (failed(write(ptx)))
      return mlir::failure();
  } else {
    AssembleOptions options;
    options.chip = chip;
    options.lineInfo = lineInfo;
    options.timeoutSeconds = timeoutSeconds;
    options.extraArgs = ptxasArgs;
    Expected<AssembleResult> result = assemble(assembler, ptx, options);
    if (!result)
      return mlir::emitError(location, toString(result.takeError()));
    mlir::LogicalResult reported =
        reportAssembler(result->report, view, location, strict);
    if (!result->ok || failed(reported))
      return mlir::failure();
    assembleMs = result->milliseconds;
    std::string text = result->cubin;
    if (stage == Stage::Info) {
      Expected<Cubin> cubin = readCubin(result->cubin);
      if (!cubin)
        return mlir::emitError(location, toString(cubin.takeError()));
      text = infoText(assembler, *result, *cubin);
    }
    if (failed(write(text)))
      return mlir::failure();
  }
  if (timings)
    errs() << format("translate %.1f ms, optimise %.1f ms, codegen %.1f ms, "
                     "assemble %.1f ms\n",
                     times.translate, times.optimize, times.codegen,
                     assembleMs);
  return mlir::success();
}

static mlir::LogicalResult process(mlir::MLIRContext &context,
                                   SourceMgr &sources) {
  mlir::Location unknown = mlir::UnknownLoc::get(&context);
  AssemblerSearch search;
  search.explicitChoice = ptxas;
  search.chip = chip;
  AssemblerInfo assembler;
  // Finding an assembler takes a moment, and LLVM IR needs none.
  if (stage != Stage::LLVM && stage != Stage::OptimizedLLVM) {
    Expected<AssemblerInfo> found = findAssembler(search);
    if (!found)
      return mlir::emitError(unknown, toString(found.takeError()));
    assembler = *found;
  }

  const MemoryBuffer *buffer = sources.getMemoryBuffer(1);
  if (fromPTX)
    return finish(buffer->getBuffer(), assembler, unknown, {});

  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::parseSourceFile<mlir::ModuleOp>(sources, &context);
  if (!module || failed(prepareForPTX(*module, lineInfo)))
    return mlir::failure();

  PTXOptions options;
  options.chip = chip;
  options.ptxVersion = ptxVersion;
  options.toolkitMajor = assembler.major;
  options.toolkitMinor = assembler.minor;
  options.optLevel = optLevel;
  options.stopAtLLVM = stage == Stage::LLVM;
  options.captureLLVM = stage == Stage::OptimizedLLVM;
  mlir::FailureOr<PTXModule> result = translateToPTX(*module, options);
  if (failed(result))
    return mlir::failure();
  if (stage == Stage::LLVM)
    return write(result->llvmIR);
  if (stage == Stage::OptimizedLLVM)
    return write(result->optimizedLLVMIR);
  return finish(result->ptx, assembler, module->getLoc(), result->timings);
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(
      argc, argv,
      "LLVM and NVVM dialects to PTX and cubin, with diagnostics\n");
  if (listRules) {
    outs() << lintRulesAsMarkdown();
    return 0;
  }

  mlir::DialectRegistry registry;
  registry.insert<mlir::LLVM::LLVMDialect, mlir::NVVM::NVVMDialect,
                  mlir::gpu::GPUDialect, mlir::DLTIDialect>();
  registerPTXTranslations(registry);
  mlir::MLIRContext context(registry);

  std::string error;
  std::unique_ptr<MemoryBuffer> input = mlir::openInputFile(inputFile, &error);
  if (!input) {
    WithColor::error(errs()) << error << "\n";
    return 1;
  }
  SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(input), SMLoc());
  if (verifyDiagnostics) {
    mlir::SourceMgrDiagnosticVerifierHandler handler(sources, &context);
    (void)process(context, sources);
    return failed(handler.verify());
  }
  mlir::SourceMgrDiagnosticHandler handler(sources, &context);
  return failed(process(context, sources));
}
