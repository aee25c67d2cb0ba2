//===- tilewright-check.cpp - the language front end alone ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Parses, checks and instantiates one .tw file. Exit status: 0 accepted,
// 1 rejected with errors, 2 wrong usage.
//
//===----------------------------------------------------------------------===//

#include "Verify.h"
#include "tilewright/DSL/Frontend.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace tilewright;

static cl::OptionCategory category("tilewright-check options");
static cl::opt<std::string> input(cl::Positional, cl::desc("<file.tw>"),
                                  cl::init("-"), cl::cat(category));
static cl::list<std::string>
    defines("D", cl::Prefix, cl::value_desc("NAME=VALUE"),
            cl::desc("Value of a constant (-D BM=128, -D T=bf16), or of a "
                     "dimension, which is then baked in"),
            cl::cat(category));
static cl::list<std::string> bakes("bake", cl::value_desc("N=4096"),
                                   cl::desc("Bake a dimension in"),
                                   cl::cat(category));
static cl::opt<std::string> target("target", cl::init("sm_90a"),
                                   cl::desc("sm_90a (default) or sm_100a"),
                                   cl::cat(category));
static cl::opt<std::string>
    kernelName("kernel", cl::desc("Which kernel of the file (default: all)"),
               cl::cat(category));
static cl::opt<bool>
    tuned("tuned",
          cl::desc("Constants without a value take the first one of "
                   "their 'tune' choices"),
          cl::cat(category));
static cl::opt<bool> parseOnly("parse-only",
                               cl::desc("Stop before instantiation"),
                               cl::cat(category));
static cl::opt<std::string> emit("emit", cl::desc("Print: ast, typed"),
                                 cl::cat(category));

static cl::opt<bool>
    verifyErrors("verify",
                 cl::desc("Compare errors with '# expected-error {{…}}' "
                          "comments; '# -----' cuts the file into sources"),
                 cl::cat(category));

static int usage(const Twine &message) {
  errs() << "tilewright-check: " << message << '\n';
  return 2;
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(
      argc, argv,
      "Parses, checks and instantiates a Tilewright kernel.\n\n"
      "  tilewright-check gemm.tw -D BM=128 -D BN=128 --emit=typed\n");

  if (!emit.empty() && emit != "ast" && emit != "typed")
    return usage("--emit takes ast or typed, not '" + emit + "'");
  dsl::InstantiateOptions options;
  auto parsed = dsl::parseTarget(target);
  if (!parsed)
    return usage("unknown target '" + target + "'");
  options.target = *parsed;
  options.defaultsFromTune = tuned;
  for (const std::string &define : defines) {
    auto [name, value] = StringRef(define).trim().split('=');
    if (name.empty() || value.empty())
      return usage("-D takes NAME=VALUE, not '" + define + "'");
    options.constants[name.str()] = value.str();
  }
  for (const std::string &bake : bakes) {
    auto [name, value] = StringRef(bake).split('=');
    int64_t number;
    if (name.empty() || value.getAsInteger(10, number))
      return usage("--bake takes NAME=INTEGER, not '" + bake + "'");
    options.baked[name.str()] = number;
  }

  auto buffer = MemoryBuffer::getFileOrSTDIN(input);
  if (!buffer)
    return usage("cannot read '" + input + "': " + buffer.getError().message());
  if (verifyErrors)
    return verify((*buffer)->getBuffer(), input) ? 1 : 0;
  SourceMgr sm;
  unsigned id = sm.AddNewSourceBuffer(std::move(*buffer), SMLoc());
  dsl::Diagnostics diags(sm);
  dsl::ASTContext context;
  dsl::File file = dsl::parse(sm, id, context, diags);
  if (emit == "ast" && !diags.hasErrors())
    dsl::printAST(file, outs());
  if (diags.hasErrors() || !dsl::check(file, diags))
    return 1;
  if (parseOnly || emit == "ast")
    return 0;
  for (const dsl::KernelDecl *kernel : file.kernels) {
    if (!kernelName.empty() && kernel->name.name != kernelName)
      continue;
    options.kernel = kernel->name.name.str();
    // A kernel without any values is only checked as far as that goes.
    bool needsValues = llvm::any_of(
        kernel->consts, [](const auto &param) { return !param.defaultValue; });
    if (needsValues && defines.empty() && !tuned && emit.empty()) {
      errs() << "tilewright-check: kernel '" << kernel->name.name
             << "' is not instantiated: give its constants values with -D\n";
      continue;
    }
    auto instance = dsl::instantiate(file, options, diags);
    if (instance && emit == "typed")
      instance->dump(outs());
  }
  if (file.kernels.empty())
    return usage("the file has no kernel");
  return diags.hasErrors() ? 1 : 0;
}
