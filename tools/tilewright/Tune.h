//===- Tune.h - what the commands that choose share -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_TOOLS_TUNE_H
#define TILEWRIGHT_TOOLS_TUNE_H

#include "tilewright/Driver/Choose.h"
#include "llvm/Support/raw_ostream.h"

namespace tilewright::cli {

/// The search space of one kernel's file.
struct KernelSpace {
  std::string path, source;
  std::shared_ptr<const Space> space;
};

/// A configuration of one of several kernels.
struct RankedCandidate {
  const KernelSpace *space = nullptr;
  Candidate candidate;
};

/// The chip of --chip, or the default; null after an error, which is reported.
const tuning::Machine *getMachine();

std::optional<KernelSpace> openSpace(const std::string &path,
                                     const CompileOptions &options,
                                     llvm::raw_ostream &diagnostics);
/// Those of the input file and of every --also; nothing after an error.
std::optional<std::vector<KernelSpace>> openSpaces();

/// All configurations of all kernels, the fastest first.
std::vector<RankedCandidate> rankAll(llvm::ArrayRef<KernelSpace> spaces,
                                     const Extents &extents,
                                     const tuning::Machine &machine);

/// `info --why`: which configurations were weighed for the extents of --shape,
/// and what decided.
int explainChoice();

} // namespace tilewright::cli

#endif // TILEWRIGHT_TOOLS_TUNE_H
