//===- PTXLint.h - rules that emitted PTX must keep -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads emitted PTX and reports what is known to be slow or wrong before an
// assembler sees it. Every rule has an identifier, a text and the measurement
// or section of the PTX ISA that it comes from (lintRules()).
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_TARGET_PTXLINT_H
#define TILEWRIGHT_TARGET_PTXLINT_H

#include "tilewright/Target/PTXText.h"

namespace tilewright::target {

enum class LintSeverity { Remark, Warning, Error };

struct LintRule {
  /// `TWP01`, …: stable, used in tests and in messages.
  llvm::StringLiteral id;
  LintSeverity severity;
  /// One line: what is wrong and what to do instead.
  llvm::StringLiteral text;
  /// Where the rule comes from.
  llvm::StringLiteral source;
};

/// All rules, by identifier.
llvm::ArrayRef<LintRule> lintRules();

struct LintFinding {
  const LintRule *rule;
  std::string function;
  /// What was found there, e.g. the instruction.
  std::string detail;
  unsigned ptxLine;
  std::optional<SourcePos> source;
};

/// All findings in order of PTX lines.
std::vector<LintFinding> lintPTX(const PTXText &ptx);

/// The rules as a Markdown table, for docs and `--help-lint`.
std::string lintRulesAsMarkdown();

} // namespace tilewright::target

#endif // TILEWRIGHT_TARGET_PTXLINT_H
