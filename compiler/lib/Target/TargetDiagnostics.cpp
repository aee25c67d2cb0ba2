//===- TargetDiagnostics.cpp - lint and assembler as diagnostics ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Target/TargetDiagnostics.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Location.h"
#include "mlir/IR/MLIRContext.h"

#include <algorithm>

using namespace mlir;

namespace tilewright::target {

static Location locationOf(const std::optional<SourcePos> &position,
                           Location fallback) {
  if (!position)
    return fallback;
  // Column 0 is that of a whole function, whose subprogram has none.
  return FileLineColLoc::get(fallback.getContext(), position->file,
                             position->line, std::max(position->column, 1u));
}

LogicalResult reportLint(llvm::ArrayRef<LintFinding> findings,
                         Location fallback, bool strict) {
  bool failed = false;
  for (const LintFinding &finding : findings) {
    DiagnosticSeverity severity = DiagnosticSeverity::Remark;
    if (finding.rule->severity == LintSeverity::Error ||
        (strict && finding.rule->severity == LintSeverity::Warning))
      severity = DiagnosticSeverity::Error;
    else if (finding.rule->severity == LintSeverity::Warning)
      severity = DiagnosticSeverity::Warning;
    failed |= severity == DiagnosticSeverity::Error;

    Location location = locationOf(finding.source, fallback);
    InFlightDiagnostic diagnostic =
        location.getContext()->getDiagEngine().emit(location, severity);
    diagnostic << finding.rule->id << ": " << finding.rule->text;
    Diagnostic &note = diagnostic.attachNote();
    note << "PTX line " << finding.ptxLine;
    if (!finding.function.empty())
      note << " of '" << finding.function << "'";
    note << ": " << finding.detail;
  }
  return failure(failed);
}

LogicalResult reportAssembler(const AssemblerReport &report, const PTXText &ptx,
                              Location fallback, bool strict) {
  bool failed = false;
  for (const AssemblerMessage &message : report.messages) {
    DiagnosticSeverity severity;
    if (message.severity == AssemblerSeverity::Error ||
        (strict && message.isAdvisory()))
      severity = DiagnosticSeverity::Error;
    else if (message.severity == AssemblerSeverity::Warning ||
             message.kind == AssemblerMessageKind::PerformanceLoss)
      severity = DiagnosticSeverity::Warning;
    else if (message.isAdvisory())
      severity = DiagnosticSeverity::Remark;
    else
      continue;
    failed |= severity == DiagnosticSeverity::Error;

    Location location = locationOf(sourceOf(message, ptx), fallback);
    InFlightDiagnostic diagnostic =
        location.getContext()->getDiagEngine().emit(location, severity);
    diagnostic << "ptxas: ";
    if (!message.code.empty())
      diagnostic << message.code << ": ";
    diagnostic << message.text;
    if (message.ptxLine)
      diagnostic.attachNote() << "PTX line " << message.ptxLine;
  }
  return failure(failed);
}

} // namespace tilewright::target
