//===- Expr.h - Integer expressions of a manifest -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_RUNTIME_EXPR_H
#define TILEWRIGHT_RUNTIME_EXPR_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tilewright::runtime {

/// An expression over dimension names: an integer, a name, or an operation.
/// Arithmetic is on 64-bit signed integers; overflow, division by zero and an
/// inexact `div` are errors that show the expression and its operands.
/// `floordiv` and `mod` round towards minus infinity, `cdiv` towards plus
/// infinity; comparisons, `and`, `or` and `not` give 0 or 1, and `and`, `or`
/// do not evaluate their right operand needlessly.
class Expr {
public:
  enum class Op {
    Int,
    Dim,
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    CDiv,
    Mod,
    Min,
    Max,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    And,
    Or,
    Not,
  };

  Expr() = default;
  static Expr integer(int64_t value);
  static Expr dim(unsigned index, llvm::StringRef name);

  /// Parses an expression; `names` are the dimensions it may use, in the
  /// order of the value table given to `evaluate`.
  static llvm::Expected<Expr> parse(const llvm::json::Value &json,
                                    llvm::ArrayRef<std::string> names);

  /// The value of the expression; `dims[i]` is the value of name i, if bound.
  llvm::Expected<int64_t>
  evaluate(llvm::ArrayRef<std::optional<int64_t>> dims) const;

  /// In the notation of the language, e.g. "cdiv(K, 128)", "N % 8 == 0".
  std::string str() const;

  /// Calls `visit` with the index of every dimension used.
  void forEachDim(llvm::function_ref<void(unsigned)> visit) const;

  Op kind() const { return op; }
  bool isDim() const { return op == Op::Dim; }
  bool isInt() const { return op == Op::Int; }
  /// Index of a `Dim`, value of an `Int`.
  int64_t value() const { return number; }
  const std::vector<Expr> &operands() const { return args; }

private:
  void print(llvm::raw_ostream &os, int precedence) const;
  Op op = Op::Int;
  int64_t number = 0;
  std::string dimName;
  std::vector<Expr> args;
};

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_EXPR_H
