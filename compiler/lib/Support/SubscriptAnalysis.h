//===- SubscriptAnalysis.h - congruences of affine expressions ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to TilewrightSupport: what SubscriptChunks.cpp and
// SubscriptSimplify.cpp share.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_LIB_SUPPORT_SUBSCRIPTANALYSIS_H
#define TILEWRIGHT_LIB_SUPPORT_SUBSCRIPTANALYSIS_H

#include "tilewright/Support/SubscriptChunks.h"

#include "llvm/Support/MathExtras.h"
#include <utility>

namespace tilewright {
namespace detail {

/// Every value is residue + modulus * u for some integer u; modulus 0 means
/// the constant `residue`. 0 <= residue < modulus otherwise.
struct Congruence {
  int64_t modulus = 1;
  int64_t residue = 0;
};

/// Fixes one dimension to a value.
struct FixedDim {
  unsigned dim;
  int64_t value;
};

/// The congruence that holds for all values of `expr`, one dimension possibly
/// fixed.
Congruence congruence(mlir::AffineExpr expr, const SubscriptContext &context,
                      std::optional<FixedDim> fixed = {});

/// Quotient rounded towards minus infinity, divisor > 0.
inline int64_t floorDivide(int64_t a, int64_t b) {
  return a >= 0 ? a / b : -((-(a + 1)) / b) - 1;
}
/// Remainder in [0, b), b > 0.
inline int64_t floorRemainder(int64_t a, int64_t b) {
  int64_t r = a % b;
  return r < 0 ? r + b : r;
}

inline int64_t dimExtent(const SubscriptContext &context, unsigned dim) {
  return dim < context.extents.size() ? context.extents[dim] : INT64_MAX;
}

/// Facts of a symbol, divisor normalised to >= 1.
inline SymbolFacts symbolFacts(const SubscriptContext &context,
                               unsigned symbol) {
  SymbolFacts facts;
  if (symbol < context.symbols.size())
    facts = context.symbols[symbol];
  if (facts.divisor < 1)
    facts.divisor = 1;
  return facts;
}

/// The positive constant value of a divisor, or nothing. Divisions by anything
/// else are left alone (MLIR gives them no meaning, or a symbolic one).
inline std::optional<int64_t> positiveConstant(mlir::AffineExpr expr) {
  if (auto constant = llvm::dyn_cast<mlir::AffineConstantExpr>(expr))
    if (constant.getValue() > 0)
      return constant.getValue();
  return std::nullopt;
}

using Bound = std::optional<int64_t>;

inline Bound addBounds(Bound a, Bound b) {
  int64_t sum;
  if (!a || !b || llvm::AddOverflow(*a, *b, sum))
    return std::nullopt;
  return sum;
}

inline Bound mulBound(Bound a, int64_t factor) {
  if (factor == 0)
    return 0;
  int64_t value;
  if (!a || llvm::MulOverflow(*a, factor, value))
    return std::nullopt;
  return value;
}

inline ValueBounds scaleRange(ValueBounds range, int64_t factor) {
  if (factor < 0)
    std::swap(range.lower, range.upper);
  return {mulBound(range.lower, factor), mulBound(range.upper, factor)};
}

/// All values lie in one period of `divisor`: returns its number.
inline std::optional<int64_t> singlePeriod(const ValueBounds &range,
                                           int64_t divisor) {
  if (!range.lower || !range.upper)
    return std::nullopt;
  int64_t first = floorDivide(*range.lower, divisor);
  if (first != floorDivide(*range.upper, divisor))
    return std::nullopt;
  return first;
}

} // namespace detail
} // namespace tilewright

#endif // TILEWRIGHT_LIB_SUPPORT_SUBSCRIPTANALYSIS_H
