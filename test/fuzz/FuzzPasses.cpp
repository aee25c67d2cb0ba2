//===- FuzzPasses.cpp - libFuzzer target of the whole compiler ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiles every kernel of an input through all passes, to the NVVM dialect:
// what the front end accepts must come out as code, proved, or be refused with
// an error that speaks of the source. A crash, an assertion, an endless loop, a
// refusal without an error, and an error that only someone who knows the
// compiler's inside can read are findings.
//
// The compiler's libraries are instrumented for coverage (the CMake preset
// `fuzz`), so that inputs which reach new code of a pass are kept.
//
//===----------------------------------------------------------------------===//
#include "InputValues.h"
#include "tilewright/Driver/Compile.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdlib>

using llvm::StringRef;
using namespace tilewright;

namespace {

/// Words that speak of the compiler's own IR, of its passes, or of no place.
constexpr const char *internalWords[] = {
    "failed to legalize",
    "unresolved materialization|unrealized_conversion_cast",
    "error: '[a-z_0-9]+\\.[a-z_0-9.]+' op",
    "error: .*run [a-z0-9]+-[a-z0-9-]+",
    "<unknown>:0: error",
    "error: loc\\(",
    "does not dominate",
    "a bug of the compiler",
};

[[noreturn]] void fail(StringRef why, StringRef diagnostics) {
  llvm::errs() << "fuzz: " << why << '\n' << diagnostics << '\n';
  std::abort();
}

void compileKernel(StringRef text, const dsl::InstantiateOptions &instance) {
  CompileOptions options;
  options.kernel = instance.kernel;
  for (const auto &[name, value] : instance.constants)
    options.constants[name] = value;
  for (const auto &[name, value] : instance.baked)
    options.bake[name] = value;
  options.target =
      instance.target == dsl::typed::Target::SM100a ? "sm_100a" : "sm_90a";
  options.stage = Stage::NVVM;
  std::string diagnostics;
  llvm::raw_string_ostream os(diagnostics);
  std::optional<CompileResult> result = compile(
      llvm::MemoryBuffer::getMemBufferCopy(text, "fuzz.tw"), options, os);
  if (result)
    return;
  if (!StringRef(diagnostics).contains("error: "))
    fail("refused without an error", diagnostics);
  for (const char *words : internalWords)
    if (llvm::Regex(words).match(diagnostics))
      fail("an error of the compiler's inside", diagnostics);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  StringRef text(reinterpret_cast<const char *>(data), size);
  llvm::SourceMgr sm;
  unsigned buffer = sm.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(text, "fuzz.tw"), llvm::SMLoc());
  dsl::Diagnostics diags(sm, [](const llvm::SMDiagnostic &) {});
  dsl::ASTContext context;
  dsl::File file = dsl::parse(sm, buffer, context, diags);
  // What the parser and the checker refuse is FuzzDSL's.
  if (diags.hasErrors() || !dsl::check(file, diags))
    return 0;
  for (const dsl::KernelDecl *kernel : file.kernels)
    compileKernel(text, fuzz::optionsFor(*kernel, text));
  return 0;
}
