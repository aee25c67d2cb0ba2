//===- Assembler.h - find an assembler for PTX and run it -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX becomes a cubin in ptxas, a program; or in libnvJitLink or a shared
// libnvptxcompiler, in this process; or, where neither is found, later in the
// CUDA driver, which takes PTX itself. docs/assembler.md has the search order.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_TARGET_ASSEMBLER_H
#define TILEWRIGHT_TARGET_ASSEMBLER_H

#include "tilewright/Target/AssemblerLog.h"
#include "llvm/Support/Error.h"

#include <functional>

namespace tilewright::target {

enum class AssemblerKind {
  Ptxas,         ///< the program
  NvJitLink,     ///< libnvJitLink.so, in process
  NvPTXCompiler, ///< a shared libnvptxcompiler, in process
  Driver,        ///< none: the driver assembles at load time, there is no cubin
};

llvm::StringRef toString(AssemblerKind kind);

/// An assembler that was found; what `tilewright info` prints.
struct AssemblerInfo {
  AssemblerKind kind = AssemblerKind::Driver;
  /// The program or shared library; empty for the driver.
  std::string path;
  /// The toolkit's version; 0.0 when not known.
  unsigned major = 0, minor = 0;
  /// "13.0.88" where the assembler tells, else "13.0", empty when not known.
  std::string version;
  /// How it was found: "--ptxas", "$CUDA_HOME", "PATH", ….
  std::string foundBy;
  /// Places that were passed over although something was there, and why.
  std::vector<std::string> rejected;

  bool producesCubin() const { return kind != AssemblerKind::Driver; }
  /// One line: `ptxas 13.0.88 (/usr/local/cuda/bin/ptxas, by PATH)`.
  std::string describe() const;
};

/// Where to look. The default looks everywhere; tests replace the hooks.
struct AssemblerSearch {
  /// The value of `--ptxas`: the path of a ptxas, of a libnvJitLink or
  /// libnvptxcompiler shared library, or one of the words "nvjitlink" (the
  /// first one found, no ptxas) and "driver". `$TILEWRIGHT_PTXAS` takes the
  /// same values. A value that does not work is an error, never a fallback.
  std::string explicitChoice;
  /// The chip it must support; assemblers too old for it are passed over.
  std::string chip = "sm_90a";
  /// Reads an environment variable.
  std::function<std::optional<std::string>(llvm::StringRef)> getenv;
  /// The directory of the running program; virtual environments next to it
  /// and above it, and packages that it is installed beside, are searched.
  /// Empty: those of this library and of this process.
  std::string programDir;
  /// The toolkit that is tried last. Empty: none.
  std::string defaultToolkit = "/usr/local/cuda";
  /// Whether to ask the python3 on PATH where its packages are.
  bool askPython = true;
  /// Whether to try bare library names through the dynamic linker.
  bool askDynamicLinker = true;

  AssemblerSearch();
};

/// Finds the assembler. Fails only for an explicit choice that does not work.
llvm::Expected<AssemblerInfo> findAssembler(const AssemblerSearch &search = {});

struct AssembleOptions {
  std::string chip = "sm_90a";
  unsigned optLevel = 3;
  bool lineInfo = true;
  /// ptxas is killed after this time. 0: never.
  unsigned timeoutSeconds = 300;
  /// Further options, passed as they are (to nvJitLink as `-Xptxas=…`).
  std::vector<std::string> extraArgs;
  /// Where the temporary files go; empty: the system's place ($TMPDIR).
  std::string tempDir;
};

struct AssembleResult {
  /// Whether the assembler accepted the PTX. If not, `report` says why.
  bool ok = false;
  /// The cubin (an ELF file); empty unless `ok`.
  std::string cubin;
  /// All that the assembler printed.
  std::string log;
  AssemblerReport report;
  /// Wall time.
  double milliseconds = 0;
};

/// Assembles `ptx`. An assembler that rejects the PTX gives a result with
/// `ok` false; an assembler that could not do its work (missing, crashed, out
/// of time, disk full, no ELF written) gives an error that names it. With
/// AssemblerKind::Driver this fails: there is nothing to run.
llvm::Expected<AssembleResult> assemble(const AssemblerInfo &assembler,
                                        llvm::StringRef ptx,
                                        const AssembleOptions &options = {});

} // namespace tilewright::target

#endif // TILEWRIGHT_TARGET_ASSEMBLER_H
