//===- TargetDiagnostics.h - lint and assembler as diagnostics --*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_TARGET_TARGETDIAGNOSTICS_H
#define TILEWRIGHT_TARGET_TARGETDIAGNOSTICS_H

#include "mlir/Support/LLVM.h"
#include "tilewright/Target/AssemblerLog.h"
#include "tilewright/Target/PTXLint.h"
#include "llvm/Support/LogicalResult.h"

namespace tilewright::target {

/// Emits the findings of lintPTX at their source lines, or at `fallback`.
/// `strict` makes warnings errors. Fails when an error was emitted.
llvm::LogicalResult reportLint(llvm::ArrayRef<LintFinding> findings,
                               mlir::Location fallback, bool strict = false);

/// Emits the assembler's messages at their source lines, or at `fallback`:
/// errors as errors, advisories (C75xx "Potential Performance Loss", spills,
/// local memory) as warnings, injected waits as remarks; what is mere
/// information is left out. `strict` makes all advisories errors. Fails when
/// an error was emitted.
llvm::LogicalResult reportAssembler(const AssemblerReport &report,
                                    const PTXText &ptx, mlir::Location fallback,
                                    bool strict = false);

} // namespace tilewright::target

#endif // TILEWRIGHT_TARGET_TARGETDIAGNOSTICS_H
