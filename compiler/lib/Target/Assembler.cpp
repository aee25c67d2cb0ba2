//===- Assembler.cpp - run an assembler on PTX ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Target/Assembler.h"

#include "ChildProcess.h"
#include "InProcessAssembler.h"
#include "tilewright/Target/Cubin.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>

using namespace llvm;

namespace tilewright::target {

StringRef toString(AssemblerKind kind) {
  switch (kind) {
  case AssemblerKind::Ptxas:
    return "ptxas";
  case AssemblerKind::NvJitLink:
    return "nvJitLink";
  case AssemblerKind::NvPTXCompiler:
    return "nvPTXCompiler";
  case AssemblerKind::Driver:
    return "driver";
  }
  return "";
}

std::string AssemblerInfo::describe() const {
  if (kind == AssemblerKind::Driver)
    return "the CUDA driver's own (no assembler found: PTX is assembled when "
           "it is loaded)";
  std::string result = toString(kind).str();
  if (!version.empty())
    result += " " + version;
  result += " (" + path;
  if (!foundBy.empty())
    result += ", by " + foundBy;
  return result + ")";
}

/// Writes `text` to `path` and makes sure that it arrived: a full disk shows
/// at the latest in close().
static Error writeFile(StringRef path, StringRef text) {
  std::error_code error;
  raw_fd_ostream out(path, error, sys::fs::OF_None);
  if (!error) {
    out << text;
    out.close();
    error = out.error();
    out.clear_error();
  }
  if (error)
    return createStringError(error,
                             "cannot write '" + path + "': " + error.message());
  return Error::success();
}

static Error runPtxas(const AssemblerInfo &assembler, StringRef ptx,
                      const AssembleOptions &options, AssembleResult &result) {
  Expected<TempFolder> folder = TempFolder::create(options.tempDir);
  if (!folder)
    return folder.takeError();
  std::string input = folder->file("kernel.ptx");
  std::string output = folder->file("kernel.cubin");
  if (Error error = writeFile(input, ptx))
    return error;

  std::string arch = "-arch=" + options.chip;
  std::string level = "-O" + utostr(options.optLevel);
  SmallVector<StringRef> args = {"ptxas",
                                 "-v",
                                 arch,
                                 level,
                                 "--warn-on-spills",
                                 "--warn-on-local-memory-usage"};
  if (options.lineInfo)
    args.push_back("-lineinfo");
  args.append(options.extraArgs.begin(), options.extraArgs.end());
  args.append({input, "-o", output});

  ChildResult child =
      runChild(assembler.path, args, folder->str(), options.timeoutSeconds);
  result.log = std::move(child.output);
  if (!child.failure.empty())
    return createStringError(
        child.failure +
        (result.log.empty() ? "" : "; its output was:\n" + result.log));
  result.ok = child.exitCode == 0;
  if (!result.ok) {
    // Without a message of its own the exit status is all there is to say.
    if (!parseAssemblerLog(result.log).hasErrors())
      return createStringError(
          "'" + assembler.path + "' failed with status " +
          Twine(child.exitCode) +
          (result.log.empty() ? " and no message" : ":\n" + result.log));
    return Error::success();
  }
  auto buffer = MemoryBuffer::getFile(output, /*IsText=*/false,
                                      /*RequiresNullTerminator=*/false);
  if (!buffer)
    return createStringError(buffer.getError(),
                             "'" + assembler.path +
                                 "' reported success but wrote no cubin: " +
                                 buffer.getError().message());
  result.cubin = (*buffer)->getBuffer().str();
  if (result.cubin.empty())
    return createStringError("'" + assembler.path +
                             "' reported success but wrote an empty cubin: is "
                             "the disk of '" +
                             folder->str() + "' full?");
  return Error::success();
}

/// A log without a word on some kernel was cut short (by a full disk, say),
/// and might have lost an advisory: it must not pass as clean.
static Error checkLog(const Cubin &cubin, const AssemblerReport &report) {
  for (StringRef name : cubin.kernels())
    if (!report.kernel(name))
      return createStringError("its output says nothing about kernel '" + name +
                               "': incomplete, or of a form that is not known");
  return Error::success();
}

/// nvJitLink's log does not tell static shared memory: read it off the
/// sections, less the 1024 bytes that the system takes of every CTA since
/// sm_90 (CUDA C++ Programming Guide, "Shared Memory").
static void addSharedMemory(const Cubin &cubin, AssemblerReport &report) {
  constexpr uint64_t kReserved = 1024;
  for (KernelUsage &usage : report.kernels)
    if (const CubinSection *section = cubin.section(".nv.shared." + usage.name);
        section && usage.sharedBytes == 0 && section->size > kReserved)
      usage.sharedBytes = section->size - kReserved;
}

Expected<AssembleResult> assemble(const AssemblerInfo &assembler, StringRef ptx,
                                  const AssembleOptions &options) {
  if (!assembler.producesCubin())
    return createStringError(
        "no assembler for PTX: neither ptxas nor libnvJitLink was found; "
        "install a CUDA toolkit or the Python package nvidia-cuda-nvcc, or "
        "name a ptxas with --ptxas or $TILEWRIGHT_PTXAS");

  auto start = std::chrono::steady_clock::now();
  AssembleResult result;
  if (Error error = assembler.kind == AssemblerKind::Ptxas
                        ? runPtxas(assembler, ptx, options, result)
                        : assembleInProcess(assembler, ptx, options, result))
    return std::move(error);
  result.report = parseAssemblerLog(result.log);
  if (result.ok) {
    Expected<Cubin> cubin = readCubin(result.cubin);
    if (!cubin)
      return createStringError(assembler.path + ": " +
                               toString(cubin.takeError()));
    if (Error error = checkLog(*cubin, result.report))
      return createStringError(assembler.path + ": " +
                               toString(std::move(error)));
    addSharedMemory(*cubin, result.report);
  } else {
    result.cubin.clear();
  }
  result.milliseconds = std::chrono::duration<double, std::milli>(
                            std::chrono::steady_clock::now() - start)
                            .count();
  return std::move(result);
}

} // namespace tilewright::target
