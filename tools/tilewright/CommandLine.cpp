//===- CommandLine.cpp - the command line of the compiler -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Linked into libtilewright.so, whose twMain calls it: the compiler is shipped
// once, and the program `tilewright` is an entry to it (Main.cpp).
//
//===----------------------------------------------------------------------===//

#include "Commands.h"

#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"

using namespace tilewright;
namespace cl = llvm::cl;

namespace tilewright::cli {
cl::SubCommand compileCommand("compile",
                              "Compile a kernel to a cubin and its manifest, "
                              "or print a stage of the compilation");
cl::SubCommand runCommand("run", "Run a kernel once on random inputs");
cl::SubCommand benchCommand("bench", "Time a kernel on random inputs");
cl::SubCommand infoCommand("info",
                           "Print the resources of a kernel and what was "
                           "chosen for it");
cl::SubCommand tuneCommand("tune",
                           "Compare the choices of the cost model with "
                           "measured times, and write tables of the best");
} // namespace tilewright::cli

/// LLVM registers hundreds of options of its own; `--help` shows ours.
static void hideForeignOptions(cl::SubCommand &command) {
  for (auto &entry : cl::getRegisteredOptions(command)) {
    cl::Option *option = entry.second;
    bool ours = llvm::any_of(option->Categories, [](cl::OptionCategory *each) {
      return each != &cl::getGeneralCategory() &&
             each->getName().ends_with(" options");
    });
    llvm::StringRef name = entry.first;
    if (!ours && name != "help" && name != "version")
      option->setHiddenFlag(cl::ReallyHidden);
  }
}

/// Found by the C API (runtime/lib/CAPI/CommandLine.cpp).
extern "C" int tilewrightCommandLine(int argc, const char *const *given);

extern "C" int tilewrightCommandLine(int argc, const char *const *given) {
  llvm::SmallVector<const char *> arguments(given, given + argc);
  arguments.push_back(nullptr);
  const char **argv = arguments.data();
  llvm::InitLLVM init(argc, argv);
  for (cl::SubCommand *command :
       {&cl::SubCommand::getTopLevel(), &cli::compileCommand, &cli::runCommand,
        &cli::benchCommand, &cli::infoCommand, &cli::tuneCommand})
    hideForeignOptions(*command);
  cl::SetVersionPrinter([](llvm::raw_ostream &os) {
    os << compilerVersion() << " (MLIR " LLVM_VERSION_STRING ")\n";
  });
  cl::ParseCommandLineOptions(
      argc, argv,
      "Tilewright: a kernel compiler for NVIDIA Hopper and Blackwell.\n\n"
      "  tilewright compile kernels/gemm/fp8_gemm_nt.tw -D BM=128 -D BN=128 "
      "\\\n"
      "      -D CL=1 -D G=8 -D WG=2 -o gemm\n"
      "  tilewright info … | run … --shape M=4096,N=4096,K=7168 --check | "
      "bench …\n\n"
      "See `tilewright COMMAND --help` for the options of each command.\n");
  if (cli::compileCommand)
    return cli::runCompile();
  if (cli::infoCommand)
    return cli::runInfo();
  if (cli::runCommand)
    return cli::runRun();
  if (cli::benchCommand)
    return cli::runBench();
  if (cli::tuneCommand)
    return cli::runTune();
  llvm::errs() << "error: no command; try `tilewright --help`\n";
  return 1;
}
