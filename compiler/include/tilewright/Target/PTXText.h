//===- PTXText.h - a light view of PTX text ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Splits PTX into functions and statements and maps its lines to the source
// lines named by `.file` and `.loc` (PTX ISA, "Debugging Directives"). This is
// no PTX parser: operands stay text. It survives any input.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_TARGET_PTXTEXT_H
#define TILEWRIGHT_TARGET_PTXTEXT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>
#include <vector>

namespace tilewright::target {

/// A position in a source file; lines and columns count from 1, 0 is unknown.
struct SourcePos {
  std::string file;
  unsigned line = 0;
  unsigned column = 0;

  bool operator==(const SourcePos &other) const {
    return file == other.file && line == other.line && column == other.column;
  }
};

enum class PTXStatementKind {
  Instruction, ///< `@%p1 add.s32 %r1, %r2, %r3`
  Label,       ///< `$L__BB0_1`
  Directive,   ///< `.reg .b32 %r<5>`, `.loc 1 2 3`, `.local …`
  ScopeOpen,   ///< `{` (a block inside a function)
  ScopeClose,  ///< `}`
};

/// One statement. `text` points into PTXText's copy, without the final `;`.
struct PTXStatement {
  PTXStatementKind kind;
  llvm::StringRef text;
  /// The 1-based line of the PTX on which the statement starts.
  unsigned line;

  /// Of an instruction: `%p1` or `!%p1`, empty without a guard.
  llvm::StringRef guard() const;
  /// Of an instruction: `add.s32`.
  llvm::StringRef opcode() const;
  /// Of an instruction: everything after the opcode.
  llvm::StringRef operands() const;
};

/// A function (`.entry` or `.func`) with a body.
struct PTXFunction {
  llvm::StringRef name;
  bool isEntry = false;
  /// Lines of its header and of its closing brace.
  unsigned line = 0, endLine = 0;
  /// From `.entry` up to the body, directives such as `.maxntid` included.
  llvm::StringRef header;
  std::vector<PTXStatement> body;

  /// Whether the header holds the performance-tuning directive `name`, with
  /// its dot (PTX ISA, "Performance-Tuning Directives").
  bool hasDirective(llvm::StringRef name) const;
};

class PTXText {
public:
  explicit PTXText(llvm::StringRef text);
  PTXText(const PTXText &) = delete;
  PTXText &operator=(const PTXText &) = delete;

  llvm::ArrayRef<PTXFunction> functions() const { return funcs; }
  /// Directives outside functions: `.version 8.6`, `.target sm_90a`, ….
  llvm::ArrayRef<PTXStatement> directives() const { return moduleDirectives; }

  /// The function whose header or body holds PTX line `line`.
  const PTXFunction *functionAt(unsigned line) const;
  const PTXFunction *function(llvm::StringRef name) const;

  /// The source position in force at PTX line `line`: that of the last `.loc`
  /// at or before it in the same function, else the first one in the function.
  std::optional<SourcePos> sourceAt(unsigned line) const;
  /// The position of the function itself: its first `.loc`.
  std::optional<SourcePos> sourceOf(const PTXFunction &function) const;

private:
  struct Loc {
    unsigned ptxLine, file, line, column;
  };
  std::optional<SourcePos> resolve(const Loc &loc) const;
  void parse();
  void addDirective(const PTXStatement &statement, PTXFunction *function);

  std::string text; // comments blanked, otherwise as given
  std::vector<PTXFunction> funcs;
  std::vector<PTXStatement> moduleDirectives;
  std::vector<Loc> locs; // by PTX line
  llvm::DenseMap<unsigned, std::string> files;
};

/// Splits `operands` at commas outside braces, brackets and parentheses.
llvm::SmallVector<llvm::StringRef> splitOperands(llvm::StringRef operands);

/// All register names (`%r1`, `%tid.x` gives `%tid`) in `text`.
llvm::SmallVector<llvm::StringRef> registersIn(llvm::StringRef text);

/// Whether the dotted `opcode` has the component `part`: hasPart("a.b.c", "b").
/// A part may itself hold dots or colons ("shared::cluster").
bool hasPart(llvm::StringRef opcode, llvm::StringRef part);

} // namespace tilewright::target

#endif // TILEWRIGHT_TARGET_PTXTEXT_H
