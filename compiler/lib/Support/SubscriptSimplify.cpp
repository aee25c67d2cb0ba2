//===- SubscriptSimplify.cpp - folding of divisions and remainders --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SubscriptAnalysis.h"

#include "llvm/Support/MathExtras.h"
#include <numeric>

using namespace tilewright;
using namespace tilewright::detail;
using mlir::AffineBinaryOpExpr;
using mlir::AffineConstantExpr;
using mlir::AffineDimExpr;
using mlir::AffineExpr;
using mlir::AffineExprKind;
using mlir::AffineSymbolExpr;

namespace {

/// Σ coefficient * atom + constant. Atoms are dimensions, symbols, divisions,
/// remainders and products, themselves simplified; each occurs once.
struct LinearForm {
  struct Summand {
    AffineExpr atom;
    int64_t coefficient;
  };
  llvm::SmallVector<Summand, 4> summands;
  int64_t constant = 0;

  bool isConstant() const { return summands.empty(); }
};

/// Rewrites expressions of one context. Any overflow of coefficients gives up
/// on the whole expression (the caller then keeps the original).
class Simplifier {
public:
  Simplifier(const SubscriptContext &context, mlir::MLIRContext *mlirContext)
      : context(context), mlirContext(mlirContext) {}

  LinearForm linearise(AffineExpr expr);
  AffineExpr build(const LinearForm &form);
  bool overflowed() const { return overflow; }

private:
  AffineExpr constantExpr(int64_t value) {
    return mlir::getAffineConstantExpr(value, mlirContext);
  }
  int64_t add(int64_t a, int64_t b) {
    int64_t result = 0;
    overflow |= llvm::AddOverflow(a, b, result);
    return result;
  }
  int64_t mul(int64_t a, int64_t b) {
    int64_t result = 0;
    overflow |= llvm::MulOverflow(a, b, result);
    return result;
  }
  void addSummand(LinearForm &form, AffineExpr atom, int64_t coefficient);
  void addScaled(LinearForm &form, const LinearForm &other, int64_t factor);
  void joinRemainders(LinearForm &form);
  ValueBounds range(const LinearForm &form);
  /// Moves the summands that are multiples of `divisor` from `form` to the
  /// result, divided by it: form = divisor * result + remaining form.
  LinearForm extractMultiples(LinearForm &form, int64_t divisor);
  LinearForm floorDivideForm(LinearForm form, int64_t divisor);
  LinearForm remainderForm(LinearForm form, int64_t divisor);

  const SubscriptContext &context;
  mlir::MLIRContext *mlirContext;
  bool overflow = false;
};

} // namespace

void Simplifier::addSummand(LinearForm &form, AffineExpr atom,
                            int64_t coefficient) {
  if (coefficient == 0)
    return;
  for (auto *it = form.summands.begin(); it != form.summands.end(); ++it) {
    if (it->atom != atom)
      continue;
    it->coefficient = add(it->coefficient, coefficient);
    if (it->coefficient == 0)
      form.summands.erase(it);
    return;
  }
  form.summands.push_back({atom, coefficient});
}

void Simplifier::addScaled(LinearForm &form, const LinearForm &other,
                           int64_t factor) {
  for (const LinearForm::Summand &summand : other.summands)
    addSummand(form, summand.atom, mul(summand.coefficient, factor));
  form.constant = add(form.constant, mul(other.constant, factor));
}

/// a * (x mod q) + a*q * (x floordiv q) = a * x.
void Simplifier::joinRemainders(LinearForm &form) {
  bool changed = true;
  while (changed && !overflow) {
    changed = false;
    for (size_t i = 0; i < form.summands.size() && !changed; ++i) {
      AffineExpr atom = form.summands[i].atom;
      if (atom.getKind() != AffineExprKind::Mod)
        continue;
      auto mod = llvm::cast<AffineBinaryOpExpr>(atom);
      auto divisor = positiveConstant(mod.getRHS());
      if (!divisor)
        continue;
      int64_t factor = form.summands[i].coefficient;
      AffineExpr quotient = mod.getLHS().floorDiv(mod.getRHS());
      for (size_t j = 0; j < form.summands.size(); ++j) {
        if (form.summands[j].atom != quotient ||
            form.summands[j].coefficient != mul(factor, *divisor))
          continue;
        int64_t scaled = form.summands[j].coefficient;
        addSummand(form, atom, -factor);
        addSummand(form, quotient, -scaled);
        addScaled(form, linearise(mod.getLHS()), factor);
        changed = true;
        break;
      }
    }
  }
}

ValueBounds Simplifier::range(const LinearForm &form) {
  ValueBounds total{form.constant, form.constant};
  for (const LinearForm::Summand &summand : form.summands) {
    ValueBounds part =
        scaleRange(valueRange(summand.atom, context), summand.coefficient);
    total = {addBounds(total.lower, part.lower),
             addBounds(total.upper, part.upper)};
  }
  return total;
}

LinearForm Simplifier::extractMultiples(LinearForm &form, int64_t divisor) {
  LinearForm quotient, rest;
  for (const LinearForm::Summand &summand : form.summands) {
    int64_t common = std::gcd(summand.coefficient, divisor);
    int64_t needed = divisor / common; // the atom must be a multiple of this
    if (needed == 1) {
      addSummand(quotient, summand.atom, summand.coefficient / divisor);
      continue;
    }
    if (knownDivisor(summand.atom, context) % needed == 0) {
      // Exact, so it may leave on its own: c*x / d = (c/g) * (x / (d/g)).
      LinearForm atom;
      atom.summands.push_back({summand.atom, 1});
      AffineExpr exact = summand.atom.floorDiv(needed);
      if (exact.getKind() == AffineExprKind::FloorDiv &&
          llvm::cast<AffineBinaryOpExpr>(exact).getLHS() == summand.atom)
        addSummand(quotient, exact, summand.coefficient / common);
      else
        addScaled(quotient, linearise(exact), summand.coefficient / common);
      continue;
    }
    rest.summands.push_back(summand);
  }
  quotient.constant =
      add(quotient.constant, floorDivide(form.constant, divisor));
  rest.constant = floorRemainder(form.constant, divisor);
  form = rest;
  return quotient;
}

LinearForm Simplifier::floorDivideForm(LinearForm form, int64_t divisor) {
  if (overflow)
    return form;
  LinearForm result = extractMultiples(form, divisor);

  // floor((h Y + c) / (h Q)) = floor((Y + floor(c / h)) / Q).
  int64_t common = divisor;
  for (const LinearForm::Summand &summand : form.summands)
    common = std::gcd(common, summand.coefficient);
  for (LinearForm::Summand &summand : form.summands)
    summand.coefficient /= common;
  form.constant = floorDivide(form.constant, common);
  divisor /= common;
  if (divisor == 1) {
    addScaled(result, form, 1);
    return result;
  }

  if (auto period = singlePeriod(range(form), divisor)) {
    result.constant = add(result.constant, *period);
    return result;
  }

  // floor((floor(x / a) + y) / q) = floor((x + a y) / (a q)).
  for (const LinearForm::Summand &summand : form.summands) {
    if (summand.coefficient != 1 ||
        summand.atom.getKind() != AffineExprKind::FloorDiv)
      continue;
    auto inner = llvm::cast<AffineBinaryOpExpr>(summand.atom);
    auto innerDivisor = positiveConstant(inner.getRHS());
    if (!innerDivisor)
      continue;
    LinearForm merged = linearise(inner.getLHS());
    LinearForm others = form;
    addSummand(others, summand.atom, -1);
    addScaled(merged, others, *innerDivisor);
    int64_t total = mul(*innerDivisor, divisor);
    if (overflow)
      return form;
    addScaled(result, floorDivideForm(merged, total), 1);
    return result;
  }
  addSummand(result, build(form).floorDiv(divisor), 1);
  return result;
}

LinearForm Simplifier::remainderForm(LinearForm form, int64_t divisor) {
  if (overflow)
    return form;
  extractMultiples(form, divisor);
  LinearForm result;

  // (h Y + c) mod (h Q) = h * ((Y + c / h) mod Q) + c mod h, for c / h floored.
  int64_t common = divisor;
  for (const LinearForm::Summand &summand : form.summands)
    common = std::gcd(common, summand.coefficient);
  for (LinearForm::Summand &summand : form.summands)
    summand.coefficient /= common;
  result.constant = floorRemainder(form.constant, common);
  form.constant = floorDivide(form.constant, common);
  divisor /= common;
  if (divisor == 1)
    return result;

  if (auto period = singlePeriod(range(form), divisor)) {
    form.constant = add(form.constant, -mul(*period, divisor));
    addScaled(result, form, common);
    return result;
  }
  // (x mod (m q)) mod q = x mod q.
  if (form.summands.size() == 1 && form.summands[0].coefficient == 1 &&
      form.summands[0].atom.getKind() == AffineExprKind::Mod) {
    auto inner = llvm::cast<AffineBinaryOpExpr>(form.summands[0].atom);
    auto innerDivisor = positiveConstant(inner.getRHS());
    if (innerDivisor && *innerDivisor % divisor == 0) {
      LinearForm merged = linearise(inner.getLHS());
      merged.constant = add(merged.constant, form.constant);
      addScaled(result, remainderForm(merged, divisor), common);
      return result;
    }
  }
  addSummand(result, build(form) % divisor, common);
  return result;
}

LinearForm Simplifier::linearise(AffineExpr expr) {
  LinearForm result;
  switch (expr.getKind()) {
  case AffineExprKind::Constant:
    result.constant = llvm::cast<AffineConstantExpr>(expr).getValue();
    return result;
  case AffineExprKind::DimId: {
    unsigned dim = llvm::cast<AffineDimExpr>(expr).getPosition();
    if (dimExtent(context, dim) != 1)
      result.summands.push_back({expr, 1});
    return result;
  }
  case AffineExprKind::SymbolId: {
    unsigned symbol = llvm::cast<AffineSymbolExpr>(expr).getPosition();
    SymbolFacts facts = symbolFacts(context, symbol);
    if (facts.lower && facts.upper && *facts.lower == *facts.upper)
      result.constant = *facts.lower;
    else
      result.summands.push_back({expr, 1});
    return result;
  }
  default:
    break;
  }

  auto binary = llvm::cast<AffineBinaryOpExpr>(expr);
  LinearForm lhs = linearise(binary.getLHS());
  LinearForm rhs = linearise(binary.getRHS());
  if (overflow)
    return result;
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    addScaled(result, lhs, 1);
    addScaled(result, rhs, 1);
    joinRemainders(result);
    return result;
  case AffineExprKind::Mul:
    if (rhs.isConstant()) {
      addScaled(result, lhs, rhs.constant);
      return result;
    }
    if (lhs.isConstant()) {
      addScaled(result, rhs, lhs.constant);
      return result;
    }
    addSummand(result, build(lhs) * build(rhs), 1);
    return result;
  case AffineExprKind::FloorDiv:
    if (rhs.isConstant() && rhs.constant > 0)
      return floorDivideForm(lhs, rhs.constant);
    addSummand(result, build(lhs).floorDiv(build(rhs)), 1);
    return result;
  case AffineExprKind::CeilDiv:
    if (rhs.isConstant() && rhs.constant > 0) {
      lhs.constant = add(lhs.constant, rhs.constant - 1);
      return floorDivideForm(lhs, rhs.constant);
    }
    addSummand(result, build(lhs).ceilDiv(build(rhs)), 1);
    return result;
  case AffineExprKind::Mod:
    if (rhs.isConstant() && rhs.constant > 0)
      return remainderForm(lhs, rhs.constant);
    addSummand(result, build(lhs) % build(rhs), 1);
    return result;
  default:
    addSummand(result, expr, 1);
    return result;
  }
}

AffineExpr Simplifier::build(const LinearForm &form) {
  AffineExpr sum = constantExpr(0);
  for (const LinearForm::Summand &summand : form.summands)
    sum = sum + summand.atom * summand.coefficient;
  return sum + form.constant;
}

AffineExpr tilewright::simplifySubscript(AffineExpr expr,
                                         const SubscriptContext &context) {
  Simplifier simplifier(context, expr.getContext());
  AffineExpr result = simplifier.build(simplifier.linearise(expr));
  return simplifier.overflowed() ? expr : result;
}

std::optional<AffineExpr>
tilewright::divideExactly(AffineExpr expr, int64_t divisor,
                          const SubscriptContext &context) {
  if (divisor < 1)
    return std::nullopt;
  AffineExpr simple = simplifySubscript(expr, context);
  if (knownDivisor(simple, context) % divisor != 0)
    return std::nullopt;
  return simplifySubscript(simple.floorDiv(divisor), context);
}
