//===- Commands.h - the subcommands of tilewright -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_TOOLS_COMMANDS_H
#define TILEWRIGHT_TOOLS_COMMANDS_H

#include "tilewright/Driver/Compile.h"

#include "llvm/Support/CommandLine.h"

namespace tilewright::cli {

extern llvm::cl::SubCommand compileCommand, runCommand, benchCommand,
    infoCommand, tuneCommand;

/// `NAME=VALUE` pairs of an option such as `-D`; false (with a message) if one
/// is malformed or given twice.
bool parsePairs(llvm::StringRef option,
                const llvm::cl::list<std::string> &items,
                std::map<std::string, std::string> &into);
/// The same with integer values, several to an item (`M=64,N=128`).
bool parseExtents(llvm::StringRef option,
                  const llvm::cl::list<std::string> &items,
                  std::map<std::string, int64_t> &into);

/// The options that say what to compile, shared by all subcommands.
/// False (with a message) if they are malformed.
bool getCompileOptions(CompileOptions &options);
/// The file named on the command line.
std::string getInputFile();

/// The extents of --shape.
bool getShape(std::map<std::string, int64_t> &extents);
/// Chooses constants that have no value for the extents of --shape and --bake,
/// and says so on standard error. False after an error.
bool chooseForShape(CompileOptions &options, llvm::StringRef source);

/// Compiles the input file; reports errors on standard error.
std::optional<CompileResult> compileInput(const CompileOptions &options);

/// The resource table of a manifest.
void printResources(const llvm::json::Object &manifest, llvm::raw_ostream &os);

int runCompile();
int runInfo();
int runRun();
int runBench();
int runTune();

} // namespace tilewright::cli

#endif // TILEWRIGHT_TOOLS_COMMANDS_H
