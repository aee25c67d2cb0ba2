//===- FuzzDSL.cpp - libFuzzer target of the language front end -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Parses, checks and instantiates arbitrary bytes. Whatever they are, the front
// end must come back with a kernel or with errors: no crash, no undefined
// behaviour, no endless loop, and never failure without an error reported.
//
// InputValues.h says where the values of constants and dimensions come from.
//
//===----------------------------------------------------------------------===//
#include "InputValues.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdio>
#include <cstdlib>

using namespace tilewright::dsl;
using llvm::StringRef;

// libLLVM is not instrumented: containers that it and this program both touch
// have no consistent annotations.
extern "C" const char *__asan_default_options();
extern "C" const char *__asan_default_options() {
  return "detect_container_overflow=0:detect_leaks=1";
}

namespace {

/// Ends the process as a finding of the fuzzer.
[[noreturn]] void fail(StringRef why) {
  llvm::errs() << "fuzz: " << why << '\n';
  std::abort();
}

void instantiateKernel(const File &file, const KernelDecl &kernel,
                       StringRef text, llvm::SourceMgr &sm) {
  InstantiateOptions options = tilewright::fuzz::optionsFor(kernel, text);
  Diagnostics diags(sm, [](const llvm::SMDiagnostic &) {});
  auto instance = instantiate(file, options, diags);
  if (!instance && !diags.hasErrors())
    fail("instantiation failed without an error");
  if (instance && diags.hasErrors())
    fail("instantiated in spite of an error");
  if (instance)
    instance->dump(llvm::nulls());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  StringRef text(reinterpret_cast<const char *>(data), size);
  llvm::SourceMgr sm;
  unsigned buffer = sm.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(text, "fuzz.tw"), llvm::SMLoc());
  // Printing is part of what is tested: carets on lines with any bytes.
  std::string printed;
  llvm::raw_string_ostream os(printed);
  Diagnostics diags(sm, [&](const llvm::SMDiagnostic &diagnostic) {
    diagnostic.print("fuzz", os, /*ShowColors=*/false);
  });
  ASTContext context;
  File file = parse(sm, buffer, context, diags);
  printAST(file, llvm::nulls());
  bool parsed = !diags.hasErrors();
  // Checking goes on after errors that the parser recovered from.
  bool checked = check(file, diags);
  if (!checked && !diags.hasErrors())
    fail("check failed without an error");
  if (!parsed || !checked)
    return 0;
  for (const KernelDecl *kernel : file.kernels)
    instantiateKernel(file, *kernel, text, sm);
  return 0;
}
