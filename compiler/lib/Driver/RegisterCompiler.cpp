//===- RegisterCompiler.cpp - gives the runtime this compiler -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Driver/Choose.h"
#include "tilewright/Runtime/Jit.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include <dlfcn.h>

using namespace tilewright;

/// An unknown option, or a hint that is no number, is an error.
static llvm::Expected<CompileOptions>
toOptions(const runtime::CompileRequest &request) {
  CompileOptions options;
  options.kernel = request.kernel;
  options.constants = request.constants;
  options.bake = request.bake;
  if (!request.target.empty())
    options.target = request.target;
  options.strict = request.strict;
  for (const auto &[name, text] : request.options) {
    llvm::StringRef hint = name;
    if (name == "ptxas") {
      options.assembler = text;
      continue;
    }
    if (!hint.consume_front("hint."))
      return llvm::make_error<runtime::CompileError>("unknown option '" + name +
                                                     "'");
    int64_t value = 0;
    if (llvm::StringRef(text).getAsInteger(10, value))
      return llvm::make_error<runtime::CompileError>(
          "option '" + name + "': '" + text + "' is no whole number");
    options.hints[hint.str()] = value;
  }
  return options;
}

static llvm::Expected<runtime::Artefact>
compileRequest(const runtime::CompileRequest &request) {
  llvm::Expected<CompileOptions> options = toOptions(request);
  if (!options)
    return options.takeError();
  std::string diagnostics;
  llvm::raw_string_ostream os(diagnostics);
  std::optional<CompileResult> result = compile(
      llvm::MemoryBuffer::getMemBufferCopy(request.source, request.fileName),
      *options, os);
  if (!result)
    return llvm::make_error<runtime::CompileError>(
        llvm::StringRef(diagnostics).rtrim());
  runtime::Artefact artefact;
  bool assembled = !result->cubin.empty();
  artefact.kind =
      assembled ? runtime::Artefact::Kind::Cubin : runtime::Artefact::Kind::Ptx;
  artefact.image = assembled ? result->cubin : result->ptx;
  artefact.manifest = result->manifestText();
  artefact.diagnostics = diagnostics;
  return artefact;
}

static llvm::Expected<std::string>
chooseForRequest(runtime::CompileRequest &request) {
  llvm::Expected<CompileOptions> options = toOptions(request);
  if (!options)
    return options.takeError();
  // A chip that nobody fitted is taken for the default one; a name that the
  // caller misspelt looks the same, so the answer says which it was.
  const tuning::Machine *machine = tuning::findMachine(request.chip);
  if (!machine)
    machine = &tuning::defaultMachine();
  std::string diagnostics;
  llvm::raw_string_ostream os(diagnostics);
  if (request.shape.empty() && request.bake.empty()) {
    std::shared_ptr<const Space> space =
        Space::get(request.source, request.fileName, *options, os);
    if (!space)
      return llvm::make_error<runtime::CompileError>(
          llvm::StringRef(diagnostics).rtrim());
    llvm::json::Array tensors;
    for (const auto &[name, letters] : space->signature())
      tensors.push_back(llvm::json::Object{
          {"name", name}, {"shape", llvm::json::Array(letters)}});
    return llvm::formatv("{0}", llvm::json::Value(llvm::json::Object{
                                    {"tensors", std::move(tensors)}}))
        .str();
  }
  std::optional<Choice> choice;
  if (!chooseConstants(*options, request.source, request.fileName,
                       request.shape, *machine, os, &choice))
    return llvm::make_error<runtime::CompileError>(
        llvm::StringRef(diagnostics).rtrim());
  if (!choice)
    return "";
  request.constants = options->constants;
  llvm::json::Object constants, hints;
  for (const auto &[name, value] : options->constants)
    constants[name] = value;
  for (const auto &[name, value] : options->hints) {
    request.options["hint." + name] = std::to_string(value);
    hints[name] = value;
  }
  llvm::json::Object answer{{"constants", std::move(constants)},
                            {"hints", std::move(hints)},
                            {"chip", machine->name},
                            {"source", choice->measured ? "table" : "model"},
                            {"microseconds", choice->measured
                                                 ? *choice->measured
                                                 : choice->prediction->total}};
  return llvm::formatv("{0}", llvm::json::Value(std::move(answer))).str();
}

extern "C" void tilewrightRegisterCompiler(void);

/// Size and time of the file that holds this compiler: a rebuilt compiler of
/// the same version must not be served what its predecessor left in the cache.
/// Empty where the file cannot be found.
static std::string buildStamp() {
  Dl_info info;
  llvm::sys::fs::file_status status;
  if (!dladdr(reinterpret_cast<void *>(&tilewrightRegisterCompiler), &info) ||
      llvm::sys::fs::status(info.dli_fname, status))
    return "";
  return llvm::formatv(
      " ({0}, {1})", status.getSize(),
      status.getLastModificationTime().time_since_epoch().count());
}

/// The compiler's version and the assembler that it would use.
static std::string describeVersion(const runtime::CompileRequest &request) {
  std::string compiler = compilerVersion() + buildStamp();
  llvm::Expected<CompileOptions> options = toOptions(request);
  if (!options)
    return compiler + ", " + llvm::toString(options.takeError());
  target::AssemblerSearch search;
  search.explicitChoice = options->assembler;
  search.chip = options->target;
  llvm::Expected<target::AssemblerInfo> assembler =
      target::findAssembler(search);
  if (!assembler)
    return compiler + ", " + llvm::toString(assembler.takeError());
  return compiler + ", " + target::toString(assembler->kind).str() + " " +
         assembler->version;
}

/// Called by the C API of a library that has the compiler inside.
extern "C" void tilewrightRegisterCompiler(void) {
  runtime::setCompiler({describeVersion, compileRequest, chooseForRequest});
}
