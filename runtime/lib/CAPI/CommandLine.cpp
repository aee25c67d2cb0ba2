//===- CommandLine.cpp - C API: the command line of the compiler ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tilewright-c/tilewright.h"
#include "llvm/Support/raw_ostream.h"

/// Defined where the tools are part of the build (tools/tilewright). Weak, so
/// that this library also links without them.
extern "C" __attribute__((weak)) int
tilewrightCommandLine(int argc, const char *const *argv);

int twMain(int argc, const char *const *argv) {
  if (tilewrightCommandLine)
    return tilewrightCommandLine(argc, argv);
  llvm::errs() << "error: this libtilewright.so has no command line: it was "
                  "built without `tools`\n";
  return 1;
}
