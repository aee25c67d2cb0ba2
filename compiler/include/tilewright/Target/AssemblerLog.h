//===- AssemblerLog.h - what ptxas and nvJitLink print ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Turns the text that ptxas (as a program or inside nvJitLink) prints into
// values: what each kernel uses, and messages with their PTX line and their
// source line. ptxas exits with 0 after an advisory such as C7514, so callers
// must look here and not at the exit code.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_TARGET_ASSEMBLERLOG_H
#define TILEWRIGHT_TARGET_ASSEMBLERLOG_H

#include "tilewright/Target/PTXText.h"

namespace tilewright::target {

/// What one kernel uses, from the lines that `-v` prints. Sizes in bytes.
struct KernelUsage {
  std::string name;
  std::string arch;
  unsigned registers = 0;   ///< per thread, at launch
  unsigned barriers = 0;    ///< named barriers
  unsigned sharedBytes = 0; ///< static shared memory
  unsigned stackBytes = 0;
  unsigned spillStoreBytes = 0;
  unsigned spillLoadBytes = 0;
  double compileMs = 0; ///< ptxas's own time for this kernel
};

enum class AssemblerSeverity { Info, Warning, Error };

enum class AssemblerMessageKind {
  Other,
  PerformanceLoss, ///< C75xx "Potential Performance Loss"
  Injected,        ///< C75xx: a wait or arrive that ptxas added
  Spill,
  LocalMemory,
};

struct AssemblerMessage {
  AssemblerSeverity severity = AssemblerSeverity::Info;
  AssemblerMessageKind kind = AssemblerMessageKind::Other;
  std::string code;     ///< "C7514", else empty
  std::string text;     ///< without severity, code and file name
  std::string function; ///< as named by the message, else empty
  unsigned ptxLine = 0; ///< 0 when the message names none

  /// A message on speed that `--strict` turns into an error.
  bool isAdvisory() const { return kind != AssemblerMessageKind::Other; }
};

struct AssemblerReport {
  std::vector<KernelUsage> kernels;
  /// Statistics are not messages: only what a reader must act on is here.
  std::vector<AssemblerMessage> messages;

  bool hasErrors() const;
  /// C75xx, spills, local memory.
  bool hasAdvisories() const;
  const KernelUsage *kernel(llvm::StringRef name) const;
};

/// Parses the output of ptxas, or nvJitLink's information and error logs.
AssemblerReport parseAssemblerLog(llvm::StringRef log);

/// The source position that a message speaks of: the `.loc` in force at its
/// PTX line; without a line, the first instruction of the kind that its code
/// is about (C7508: `setmaxnreg`; other C75xx: `call` or
/// `wgmma.mma_async`); else the function itself.
std::optional<SourcePos> sourceOf(const AssemblerMessage &message,
                                  const PTXText &ptx);

} // namespace tilewright::target

#endif // TILEWRIGHT_TARGET_ASSEMBLERLOG_H
