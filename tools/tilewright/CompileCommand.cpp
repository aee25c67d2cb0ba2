//===- CompileCommand.cpp - tilewright compile, shared options -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/ToolOutputFile.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace tilewright;
using namespace tilewright::cli;

static cl::OptionCategory category("Tilewright options");

static cl::opt<std::string> inputFile(cl::Positional, cl::desc("<file.tw>"),
                                      cl::Required, cl::cat(category),
                                      cl::sub(cl::SubCommand::getAll()));
static cl::list<std::string>
    constants("D", cl::Prefix, cl::value_desc("NAME=VALUE"),
              cl::desc("A constant of the kernel: -D BM=128"),
              cl::cat(category), cl::sub(cl::SubCommand::getAll()));
static cl::list<std::string>
    bake("bake", cl::value_desc("NAME=VALUE"),
         cl::desc("A dimension fixed at compile time: --bake N=4096,K=7168"),
         cl::cat(category), cl::sub(cl::SubCommand::getAll()));
static cl::list<std::string>
    hintList("hint", cl::value_desc("NAME=VALUE"),
             cl::desc("A schedule hint for the whole kernel, as `with` gives "
                      "one to a statement: --hint unroll=2,peek=0"),
             cl::cat(category), cl::sub(cl::SubCommand::getAll()));
static cl::opt<std::string> kernelName("kernel", cl::value_desc("name"),
                                       cl::desc("Which kernel of the file"),
                                       cl::cat(category),
                                       cl::sub(cl::SubCommand::getAll()));
static cl::opt<std::string> targetChip("target", cl::init("sm_90a"),
                                       cl::value_desc("chip"),
                                       cl::desc("sm_90a (default) or sm_100a"),
                                       cl::cat(category),
                                       cl::sub(cl::SubCommand::getAll()));
static cl::opt<bool>
    tuned("default-constants",
          cl::desc("Constants without -D take the first choice of `tune`"),
          cl::cat(category), cl::sub(cl::SubCommand::getAll()));
static cl::opt<bool>
    strict("strict",
           cl::desc("Spills, local memory and advisories of the assembler are "
                    "errors"),
           cl::cat(category), cl::sub(cl::SubCommand::getAll()));
static cl::opt<bool>
    showRemarks("remarks", cl::desc("Say which copies were chosen, and why"),
                cl::cat(category), cl::sub(cl::SubCommand::getAll()));
static cl::opt<bool> noLineInfo("no-lineinfo",
                                cl::desc("Leave source lines out of the cubin"),
                                cl::cat(category),
                                cl::sub(cl::SubCommand::getAll()));
// For tests, in which the simulator shows what the proof rejects.
static cl::opt<bool>
    noVerifyRings("no-verify-rings", cl::Hidden,
                  cl::desc("Do not prove that the roles' pipes work"),
                  cl::cat(category), cl::sub(cl::SubCommand::getAll()));
static cl::opt<bool> noVerifyBarriers(
    "no-verify-barriers", cl::Hidden,
    cl::desc("Do not prove that the explicit barriers keep the protocol"),
    cl::cat(category), cl::sub(cl::SubCommand::getAll()));
// Wrong barriers, by number: test/mutants asks who notices.
static cl::opt<int64_t> mutateBarriers(
    "mutate-barriers", cl::Hidden, cl::init(BarrierOptions::noMutant),
    cl::desc("Make one barrier operation wrong; -1 lists all mutants"),
    cl::cat(category), cl::sub(cl::SubCommand::getAll()));
static cl::opt<std::string>
    assembler("ptxas", cl::value_desc("path"),
              cl::desc("The assembler: a ptxas, a libnvJitLink, `nvjitlink`, "
                       "or `driver`"),
              cl::cat(category), cl::sub(cl::SubCommand::getAll()));

static cl::opt<std::string>
    emit("emit", cl::init("cubin"), cl::value_desc("stage"),
         cl::desc("Print a stage instead: ast, typed, tile, pipe, nvvm, llvm, "
                  "ptx; or write the cubin (default)"),
         cl::cat(category), cl::sub(compileCommand));
static cl::opt<std::string>
    printAfter("print-after", cl::value_desc("pass"),
               cl::desc("Print the IR after this pass (its name, as "
                        "tilewright-opt --help lists it)"),
               cl::cat(category), cl::sub(compileCommand));
static cl::opt<std::string>
    output("o", cl::value_desc("stem"),
           cl::desc("Write stem.cubin and stem.json (default: the kernel's "
                    "file name); with --emit, the file to print to"),
           cl::cat(category), cl::sub(compileCommand));
static cl::opt<bool> showTimes("time",
                               cl::desc("Print how long each part took"),
                               cl::cat(category), cl::sub(compileCommand));

bool cli::parsePairs(StringRef option, const cl::list<std::string> &items,
                     std::map<std::string, std::string> &into) {
  for (StringRef item : items) {
    auto [name, value] = item.split('=');
    if (name.empty() || value.empty()) {
      errs() << "error: " << option << " " << item << ": expected NAME=VALUE\n";
      return false;
    }
    if (!into.emplace(name.str(), value.str()).second) {
      errs() << "error: " << option << ": '" << name << "' is given twice\n";
      return false;
    }
  }
  return true;
}

bool cli::parseExtents(StringRef option, const cl::list<std::string> &items,
                       std::map<std::string, int64_t> &into) {
  for (StringRef item : items) {
    SmallVector<StringRef> parts;
    item.split(parts, ',');
    for (StringRef part : parts) {
      auto [name, value] = part.split('=');
      int64_t extent;
      if (name.empty() || value.getAsInteger(10, extent) || extent < 0) {
        errs() << "error: " << option << " " << part
               << ": expected NAME=EXTENT, an extent being a whole number\n";
        return false;
      }
      if (!into.emplace(name.str(), extent).second) {
        errs() << "error: " << option << ": '" << name << "' is given twice\n";
        return false;
      }
    }
  }
  return true;
}

std::string cli::getInputFile() { return inputFile; }

bool cli::getCompileOptions(CompileOptions &options) {
  options.kernel = kernelName;
  options.target = targetChip;
  options.defaultsFromTune = tuned;
  options.strict = strict;
  options.remarks = showRemarks;
  options.lineInfo = !noLineInfo;
  options.verifyRings = !noVerifyRings;
  options.barriers.verify = !noVerifyBarriers;
  options.barriers.mutant = mutateBarriers;
  options.assembler = assembler;
  return parsePairs("-D", constants, options.constants) &&
         parseExtents("--bake", bake, options.bake) &&
         parseExtents("--hint", hintList, options.hints);
}

std::optional<CompileResult> cli::compileInput(const CompileOptions &options) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer =
      MemoryBuffer::getFileOrSTDIN(inputFile, /*IsText=*/true);
  if (!buffer) {
    errs() << "error: cannot read '" << inputFile
           << "': " << buffer.getError().message() << "\n";
    return std::nullopt;
  }
  CompileOptions chosen = options;
  if (!chooseForShape(chosen, (*buffer)->getBuffer()))
    return std::nullopt;
  return compile(std::move(*buffer), chosen, errs());
}

/// Writes a whole file or nothing.
static bool writeFile(const Twine &path, StringRef contents) {
  std::string name = path.str();
  Error error = writeToOutput(name, [&](raw_ostream &os) {
    os << contents;
    return Error::success();
  });
  if (!error)
    return true;
  errs() << "error: cannot write '" << name
         << "': " << toString(std::move(error)) << "\n";
  return false;
}

int cli::runCompile() {
  CompileOptions options;
  if (!getCompileOptions(options))
    return 1;
  std::optional<Stage> stage = parseStage(emit);
  if (!stage) {
    errs() << "error: --emit=" << emit
           << ": no such stage; there are ast, typed, tile, pipe, nvvm, llvm, "
              "ptx and cubin\n";
    return 1;
  }
  options.stage = *stage;
  options.printAfter = printAfter;
  std::optional<CompileResult> result = compileInput(options);
  if (!result)
    return 1;
  if (showTimes)
    errs() << formatv("front end {0:f1} ms, passes {1:f1} ms, LLVM {2:f1} ms, "
                      "assembler {3:f1} ms, total {4:f1} ms\n"
                      "of the passes, proof of the protocol {5:f2} ms, of the "
                      "barriers {6:f2} ms\n",
                      result->times.frontEnd, result->times.passes,
                      result->times.llvm, result->times.assembler,
                      result->times.total(), result->times.verifyRings,
                      result->times.verifyBarriers);
  if (*stage != Stage::Cubin) {
    if (!output.empty())
      return writeFile(output, result->text) ? 0 : 1;
    outs() << result->text;
    return 0;
  }
  std::string stem = output;
  if (stem.empty())
    stem = inputFile == "-" ? "kernel" : sys::path::stem(inputFile).str();
  bool assembled = !result->cubin.empty();
  if (!writeFile(stem + (assembled ? ".cubin" : ".ptx"),
                 assembled ? result->cubin : result->ptx) ||
      !writeFile(stem + ".json", result->manifestText()))
    return 1;
  return 0;
}
