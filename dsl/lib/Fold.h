//===- Fold.h - integer expressions: folding and equality -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_DSL_FOLD_H
#define TILEWRIGHT_DSL_FOLD_H

#include "tilewright/DSL/Typed.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include <map>

namespace tilewright::dsl {

/// The value of `a op b`; empty on overflow, a zero divisor or an inexact Div.
std::optional<int64_t> foldInts(typed::Op op, int64_t a, int64_t b);
bool foldCompare(CompareOp op, int64_t a, int64_t b);
bool foldCompare(CompareOp op, double a, double b);

/// Integer expressions as polynomials over atoms (dimensions, variables, axes,
/// quotients of polynomials, …), so that `128 * M` and `M * 64 * 2` are one.
/// Equal numbers mean equal values; different numbers mean "not provably so".
class Canonical {
public:
  /// The number of the polynomial that `expr` equals.
  unsigned id(const typed::Expr *expr);
  bool equal(const typed::Expr *a, const typed::Expr *b) {
    return a == b || id(a) == id(b);
  }
  /// Whether `expr` is a multiple of `divisor` for all values of its atoms.
  bool divides(const typed::Expr *expr, int64_t divisor);

private:
  using Monomial = std::vector<unsigned>; ///< Sorted numbers of atoms.
  using Poly = std::map<Monomial, int64_t>;

  Poly poly(const typed::Expr *expr);
  Poly atom(llvm::StringRef key);
  Poly opaque(const typed::Expr *expr);
  unsigned intern(const Poly &poly);
  static bool add(Poly &sum, const Poly &term, int64_t factor);
  static bool mul(Poly &product, const Poly &a, const Poly &b);

  llvm::DenseMap<const typed::Expr *, unsigned> memo;
  std::vector<Poly> polys;
  std::map<Poly, unsigned> numbers;
  llvm::StringMap<unsigned> atoms;
};

} // namespace tilewright::dsl

#endif // TILEWRIGHT_DSL_FOLD_H
