//===- Codegen.cpp - LLVM IR to PTX, with diagnostics ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Codegen.h"
#include "Protected.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm-c/Core.h"
#include "llvm-c/Error.h"
#include "llvm-c/IRReader.h"
#include "llvm-c/Target.h"
#include "llvm-c/TargetMachine.h"
#include "llvm-c/Transforms/PassBuilder.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <mutex>

// Only NVPTX, which a static link would otherwise drown in twenty back ends.
extern "C" {
void LLVMInitializeNVPTXTargetInfo();
void LLVMInitializeNVPTXTarget();
void LLVMInitializeNVPTXTargetMC();
void LLVMInitializeNVPTXAsmPrinter();
}

using namespace mlir;

namespace tilewright::target {

static constexpr char kTriple[] = "nvptx64-nvidia-cuda";

//===----------------------------------------------------------------------===//
// Diagnostics of LLVM
//===----------------------------------------------------------------------===//

namespace {

/// A diagnostic as text. It is kept and emitted after LLVM has returned, so
/// that no handler of MLIR runs inside the protected region.
struct Message {
  DiagnosticSeverity severity;
  std::string text;
  std::string file; // empty: no location
  unsigned line = 0, column = 0;
};

struct MessageSink {
  std::vector<Message> messages;
  bool failed = false;
};

} // namespace

static void setPosition(Message &message, const llvm::DILocation *position) {
  if (!position)
    return;
  message.file = position->getFilename().str();
  if (!position->getDirectory().empty() && message.file.front() != '/')
    message.file = (position->getDirectory() + "/" + message.file).str();
  message.line = position->getLine();
  message.column = position->getColumn();
}

/// The base class has no `classof`: these are the kinds that derive from it.
static const llvm::DiagnosticInfoWithLocationBase *
withLocation(const llvm::DiagnosticInfo *info) {
  switch (info->getKind()) {
  case llvm::DK_GenericWithLoc:
  case llvm::DK_RegAllocFailure:
  case llvm::DK_ResourceLimit:
  case llvm::DK_StackSize:
  case llvm::DK_Unsupported:
  case llvm::DK_OptimizationFailure:
    return static_cast<const llvm::DiagnosticInfoWithLocationBase *>(info);
  default:
    return nullptr;
  }
}

static void collect(const llvm::DiagnosticInfo *info, void *opaque) {
  auto &sink = *static_cast<MessageSink *>(opaque);
  Message message;
  switch (info->getSeverity()) {
  case llvm::DS_Error:
    message.severity = DiagnosticSeverity::Error;
    sink.failed = true;
    break;
  case llvm::DS_Warning:
    message.severity = DiagnosticSeverity::Warning;
    break;
  case llvm::DS_Note:
    message.severity = DiagnosticSeverity::Remark;
    break;
  case llvm::DS_Remark:
    // Optimisation remarks: nobody asked for them.
    return;
  }
  llvm::raw_string_ostream os(message.text);
  llvm::DiagnosticPrinterRawOStream printer(os);
  info->print(printer);

  const llvm::Function *function = nullptr;
  if (const auto *located = withLocation(info)) {
    function = &located->getFunction();
    if (located->isLocationAvailable()) {
      llvm::StringRef relative;
      located->getLocation(relative, message.line, message.column);
      message.file = relative.str();
    }
  } else if (auto *assembly =
                 llvm::dyn_cast<llvm::DiagnosticInfoInlineAsm>(info)) {
    if (const llvm::Instruction *instruction = assembly->getInstruction()) {
      setPosition(message, instruction->getDebugLoc().get());
      function = instruction->getFunction();
    }
  }
  if (message.file.empty() && function)
    if (const llvm::DISubprogram *subprogram = function->getSubprogram()) {
      message.file = subprogram->getFilename().str();
      message.line = subprogram->getLine();
    }
  sink.messages.push_back(std::move(message));
}

static void emit(const MessageSink &sink, Location fallback) {
  MLIRContext *context = fallback.getContext();
  for (const Message &message : sink.messages) {
    Location location = fallback;
    if (!message.file.empty())
      location = FileLineColLoc::get(context, message.file, message.line,
                                     message.column);
    context->getDiagEngine().emit(location, message.severity)
        << "LLVM: " << message.text;
  }
}

//===----------------------------------------------------------------------===//
// The target machine
//===----------------------------------------------------------------------===//

/// Null, with a reason, when LLVM does not know NVPTX.
static LLVMTargetMachineRef createMachine(const CodegenRequest &request,
                                          std::string &error) {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
  });
  LLVMTargetRef target = nullptr;
  char *text = nullptr;
  if (LLVMGetTargetFromTriple(kTriple, &target, &text)) {
    error = text ? text : "no NVPTX target";
    LLVMDisposeMessage(text);
    return nullptr;
  }
  constexpr LLVMCodeGenOptLevel kLevels[] = {
      LLVMCodeGenLevelNone, LLVMCodeGenLevelLess, LLVMCodeGenLevelDefault,
      LLVMCodeGenLevelAggressive};
  LLVMTargetMachineRef machine = LLVMCreateTargetMachine(
      target, kTriple, request.chip.c_str(), request.features.c_str(),
      kLevels[request.optLevel], LLVMRelocDefault, LLVMCodeModelDefault);
  if (!machine)
    error = "cannot make a target machine for chip '" + request.chip + "'";
  return machine;
}

static void setLayout(LLVMModuleRef module, LLVMTargetMachineRef machine) {
  LLVMSetTarget(module, kTriple);
  LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(machine);
  LLVMSetModuleDataLayout(module, layout);
  LLVMDisposeTargetData(layout);
}

LogicalResult setTarget(llvm::Module &module, const CodegenRequest &request,
                        Location fallback) {
  std::string error;
  LLVMTargetMachineRef machine = createMachine(request, error);
  if (!machine)
    return emitError(fallback, error);
  setLayout(llvm::wrap(&module), machine);
  LLVMDisposeTargetMachine(machine);
  return success();
}

std::string printModule(const llvm::Module &module) {
  std::string text;
  llvm::raw_string_ostream os(text);
  module.print(os, nullptr);
  return text;
}

//===----------------------------------------------------------------------===//
// Optimisation and emission
//===----------------------------------------------------------------------===//

namespace {

/// One run; lives on the heap, and is leaked when LLVM gave up in the middle.
struct Run {
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module;
  LLVMTargetMachineRef machine = nullptr;
  MessageSink sink;
  std::string error;
  CodegenOutput output;

  ~Run() {
    if (machine)
      LLVMDisposeTargetMachine(machine);
  }

  void optimize(const CodegenRequest &request);
  void emitPTX();
};

} // namespace

static double millisecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now() - start)
      .count();
}

void Run::optimize(const CodegenRequest &request) {
  auto start = std::chrono::steady_clock::now();
  std::string pipeline = "default<O" + std::to_string(request.optLevel) + ">";
  LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
  if (LLVMErrorRef failure = LLVMRunPasses(
          llvm::wrap(module.get()), pipeline.c_str(), machine, options)) {
    char *text = LLVMGetErrorMessage(failure);
    error = text;
    LLVMDisposeErrorMessage(text);
  }
  LLVMDisposePassBuilderOptions(options);
  output.timings.optimize = millisecondsSince(start);
}

/// Brings the names in `.file` to a form that ptxas takes: it knows no escapes
/// and rejects bytes beyond ASCII, so `\"`, `\\`, `\n` and the like become
/// octal numbers, as LLVM writes other bytes already. PTXText reads them back.
static void escapeFileNames(std::string &ptx) {
  for (size_t at = ptx.find("\t.file\t"); at != std::string::npos;
       at = ptx.find("\t.file\t", at + 1)) {
    size_t end = ptx.find('\n', at);
    for (size_t i = at; i < end && i + 1 < ptx.size(); ++i) {
      if (ptx[i] != '\\')
        continue;
      llvm::StringRef octal =
          llvm::StringSwitch<llvm::StringRef>(llvm::StringRef(ptx).substr(i, 2))
              .Case("\\\"", "\\042")
              .Case("\\\\", "\\134")
              .Case("\\n", "\\012")
              .Case("\\t", "\\011")
              .Case("\\r", "\\015")
              .Case("\\b", "\\010")
              .Case("\\f", "\\014")
              .Default("");
      if (!octal.empty()) {
        ptx.replace(i, 2, octal.data(), octal.size());
        end += octal.size() - 2;
      }
      i += 3;
    }
  }
}

void Run::emitPTX() {
  auto start = std::chrono::steady_clock::now();
  char *text = nullptr;
  LLVMMemoryBufferRef buffer = nullptr;
  if (LLVMTargetMachineEmitToMemoryBuffer(machine, llvm::wrap(module.get()),
                                          LLVMAssemblyFile, &text, &buffer)) {
    error = text ? text : "no PTX was emitted";
    LLVMDisposeMessage(text);
    return;
  }
  output.ptx.assign(LLVMGetBufferStart(buffer), LLVMGetBufferSize(buffer));
  LLVMDisposeMemoryBuffer(buffer);
  escapeFileNames(output.ptx);
  output.timings.codegen = millisecondsSince(start);
}

/// Says at which construct LLVM gave up with `reason`.
static void explainFatal(TranslateFn translate, const CodegenRequest &request,
                         Location fallback, llvm::StringRef reason) {
  llvm::LLVMContext context;
  std::vector<Culprit> culprits;
  if (std::unique_ptr<llvm::Module> module = translate(context))
    if (succeeded(setTarget(*module, request, fallback)))
      culprits = findCulprits(*module, request, reason, fallback);
  for (const Culprit &culprit : culprits) {
    InFlightDiagnostic diagnostic = emitError(culprit.location);
    diagnostic << "'" << culprit.what << "' cannot be translated for "
               << request.chip << " (PTX " << request.features.substr(4, 1)
               << "." << request.features.substr(5) << ")";
    diagnostic.attachNote() << "LLVM: " << culprit.message;
  }
  if (culprits.empty())
    emitError(fallback) << "LLVM cannot translate this for " << request.chip
                        << ": " << reason;
}

LogicalResult runCodegen(TranslateFn translate, const CodegenRequest &request,
                         Location fallback, CodegenOutput &output) {
  auto start = std::chrono::steady_clock::now();
  auto run = std::make_unique<Run>();
  run->module = translate(run->context);
  if (!run->module)
    return failure();
  run->machine = createMachine(request, run->error);
  if (!run->machine)
    return emitError(fallback, run->error);
  setLayout(llvm::wrap(run->module.get()), run->machine);
  run->context.setDiagnosticHandlerCallBack(collect, &run->sink,
                                            /*RespectFilters=*/true);
  run->output.timings.translate = millisecondsSince(start);
  if (request.captureIR)
    run->output.ir = printModule(*run->module);

  std::optional<std::string> fatal = runProtected([&] {
    run->optimize(request);
    if (!run->error.empty() || run->sink.failed)
      return;
    if (request.captureIR)
      run->output.optimizedIR = printModule(*run->module);
    run->emitPTX();
  });
  emit(run->sink, fallback);
  if (fatal) {
    explainFatal(translate, request, fallback, *fatal);
    (void)run.release(); // in an unknown state: not to be destroyed
    return failure();
  }
  if (!run->error.empty())
    return emitError(fallback) << "LLVM: " << run->error;
  if (run->sink.failed)
    return failure();
  output = std::move(run->output);
  return success();
}

std::optional<std::string> tryCodegen(llvm::StringRef text,
                                      const CodegenRequest &request) {
  auto run = std::make_unique<Run>();
  LLVMMemoryBufferRef buffer = LLVMCreateMemoryBufferWithMemoryRangeCopy(
      text.data(), text.size(), "probe");
  LLVMModuleRef module = nullptr;
  char *message = nullptr;
  if (LLVMParseIRInContext(llvm::wrap(&run->context), buffer, &module,
                           &message)) {
    std::string reason = message ? message : "";
    LLVMDisposeMessage(message);
    return reason;
  }
  run->module.reset(llvm::unwrap(module));
  run->machine = createMachine(request, run->error);
  if (!run->machine)
    return run->error;
  run->context.setDiagnosticHandlerCallBack(collect, &run->sink, true);
  std::optional<std::string> fatal = runProtected([&] { run->emitPTX(); });
  if (fatal) {
    (void)run.release();
    return fatal;
  }
  if (run->sink.failed)
    for (const Message &entry : run->sink.messages)
      if (entry.severity == DiagnosticSeverity::Error)
        return entry.text;
  if (!run->error.empty())
    return run->error;
  return std::nullopt;
}

} // namespace tilewright::target
