//===- SubscriptSimplify.cpp - ranges, congruences, folding of divisions --===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SubscriptAnalysis.h"

#include "llvm/ADT/STLExtras.h"
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

/// The positive constant value of a divisor, or nothing. Divisions by anything
/// else are left alone (MLIR gives them no meaning, or a symbolic one).
static std::optional<int64_t> positiveConstant(AffineExpr expr) {
  if (auto constant = llvm::dyn_cast<AffineConstantExpr>(expr))
    if (constant.getValue() > 0)
      return constant.getValue();
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Ranges
//===----------------------------------------------------------------------===//

using Bound = std::optional<int64_t>;

static Bound addBounds(Bound a, Bound b) {
  int64_t sum;
  if (!a || !b || llvm::AddOverflow(*a, *b, sum))
    return std::nullopt;
  return sum;
}

static Bound mulBound(Bound a, int64_t factor) {
  if (factor == 0)
    return 0;
  int64_t value;
  if (!a || llvm::MulOverflow(*a, factor, value))
    return std::nullopt;
  return value;
}

static ValueBounds scaleRange(ValueBounds range, int64_t factor) {
  if (factor < 0)
    std::swap(range.lower, range.upper);
  return {mulBound(range.lower, factor), mulBound(range.upper, factor)};
}

static ValueBounds floorDivideRange(ValueBounds range, int64_t divisor) {
  if (range.lower)
    range.lower = floorDivide(*range.lower, divisor);
  if (range.upper)
    range.upper = floorDivide(*range.upper, divisor);
  return range;
}

/// All values lie in one period of `divisor`: returns its number.
static std::optional<int64_t> singlePeriod(const ValueBounds &range,
                                           int64_t divisor) {
  if (!range.lower || !range.upper)
    return std::nullopt;
  int64_t first = floorDivide(*range.lower, divisor);
  if (first != floorDivide(*range.upper, divisor))
    return std::nullopt;
  return first;
}

ValueBounds tilewright::valueRange(AffineExpr expr,
                                   const SubscriptContext &context) {
  switch (expr.getKind()) {
  case AffineExprKind::Constant: {
    int64_t value = llvm::cast<AffineConstantExpr>(expr).getValue();
    return {value, value};
  }
  case AffineExprKind::DimId: {
    unsigned dim = llvm::cast<AffineDimExpr>(expr).getPosition();
    if (dim >= context.extents.size())
      return {0, std::nullopt};
    return {0, context.extents[dim] - 1};
  }
  case AffineExprKind::SymbolId: {
    SymbolFacts facts =
        symbolFacts(context, llvm::cast<AffineSymbolExpr>(expr).getPosition());
    ValueBounds range{facts.lower, facts.upper};
    // Tighten to multiples of the divisor.
    if (range.upper)
      range.upper = floorDivide(*range.upper, facts.divisor) * facts.divisor;
    if (range.lower) {
      int64_t remainder = floorRemainder(*range.lower, facts.divisor);
      if (remainder != 0)
        range.lower = addBounds(range.lower, facts.divisor - remainder);
    }
    return range;
  }
  default:
    break;
  }
  auto binary = llvm::cast<AffineBinaryOpExpr>(expr);
  ValueBounds lhs = valueRange(binary.getLHS(), context);
  ValueBounds rhs = valueRange(binary.getRHS(), context);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return {addBounds(lhs.lower, rhs.lower), addBounds(lhs.upper, rhs.upper)};
  case AffineExprKind::Mul: {
    if (auto constant = llvm::dyn_cast<AffineConstantExpr>(binary.getRHS()))
      return scaleRange(lhs, constant.getValue());
    if (auto constant = llvm::dyn_cast<AffineConstantExpr>(binary.getLHS()))
      return scaleRange(rhs, constant.getValue());
    ValueBounds result;
    bool first = true;
    for (Bound a : {lhs.lower, lhs.upper})
      for (Bound b : {rhs.lower, rhs.upper}) {
        if (!a || !b)
          return {};
        Bound corner = mulBound(a, *b);
        if (!corner)
          return {};
        result.lower = first ? *corner : std::min(*result.lower, *corner);
        result.upper = first ? *corner : std::max(*result.upper, *corner);
        first = false;
      }
    return result;
  }
  case AffineExprKind::FloorDiv:
    if (auto divisor = positiveConstant(binary.getRHS()))
      return floorDivideRange(lhs, *divisor);
    return {};
  case AffineExprKind::CeilDiv:
    if (auto divisor = positiveConstant(binary.getRHS())) {
      int64_t bias = *divisor - 1;
      return floorDivideRange(
          {addBounds(lhs.lower, bias), addBounds(lhs.upper, bias)}, *divisor);
    }
    return {};
  case AffineExprKind::Mod:
    if (auto divisor = positiveConstant(binary.getRHS())) {
      if (singlePeriod(lhs, *divisor))
        return {floorRemainder(*lhs.lower, *divisor),
                floorRemainder(*lhs.upper, *divisor)};
      return {0, *divisor - 1};
    }
    return {};
  default:
    return {};
  }
}

//===----------------------------------------------------------------------===//
// Congruences
//===----------------------------------------------------------------------===//

static Congruence makeCongruence(int64_t modulus, int64_t residue) {
  if (modulus == INT64_MIN)
    return {};
  if (modulus < 0)
    modulus = -modulus;
  if (modulus != 0)
    residue = floorRemainder(residue, modulus);
  return {modulus, residue};
}

static Congruence addCongruences(Congruence a, Congruence b) {
  int64_t sum;
  if (llvm::AddOverflow(a.residue, b.residue, sum))
    return {};
  return makeCongruence(std::gcd(a.modulus, b.modulus), sum);
}

static Congruence mulCongruences(Congruence a, Congruence b) {
  // (ra + ga u)(rb + gb v) = ra rb + ra gb v + rb ga u + ga gb u v.
  int64_t residue, left, right, both;
  if (llvm::MulOverflow(a.residue, b.residue, residue) ||
      llvm::MulOverflow(a.residue, b.modulus, left) ||
      llvm::MulOverflow(b.residue, a.modulus, right) ||
      llvm::MulOverflow(a.modulus, b.modulus, both))
    return {};
  return makeCongruence(std::gcd(std::gcd(left, right), both), residue);
}

static Congruence floorDivideCongruence(Congruence a, int64_t divisor) {
  // Also right for a constant: modulus 0 stays 0.
  if (a.modulus % divisor != 0)
    return {};
  return makeCongruence(a.modulus / divisor, floorDivide(a.residue, divisor));
}

Congruence tilewright::detail::congruence(AffineExpr expr,
                                          const SubscriptContext &context,
                                          std::optional<FixedDim> fixed) {
  switch (expr.getKind()) {
  case AffineExprKind::Constant:
    return {0, llvm::cast<AffineConstantExpr>(expr).getValue()};
  case AffineExprKind::DimId: {
    unsigned dim = llvm::cast<AffineDimExpr>(expr).getPosition();
    if (dimExtent(context, dim) == 1)
      return {0, 0};
    if (fixed && fixed->dim == dim)
      return {0, fixed->value};
    return {1, 0};
  }
  case AffineExprKind::SymbolId: {
    unsigned symbol = llvm::cast<AffineSymbolExpr>(expr).getPosition();
    SymbolFacts facts = symbolFacts(context, symbol);
    if (facts.lower && facts.upper && *facts.lower == *facts.upper)
      return {0, *facts.lower};
    return {facts.divisor, 0};
  }
  default:
    break;
  }
  auto binary = llvm::cast<AffineBinaryOpExpr>(expr);
  Congruence lhs = congruence(binary.getLHS(), context, fixed);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return addCongruences(lhs, congruence(binary.getRHS(), context, fixed));
  case AffineExprKind::Mul:
    return mulCongruences(lhs, congruence(binary.getRHS(), context, fixed));
  case AffineExprKind::FloorDiv:
    if (auto divisor = positiveConstant(binary.getRHS()))
      return floorDivideCongruence(lhs, *divisor);
    return {};
  case AffineExprKind::CeilDiv:
    if (auto divisor = positiveConstant(binary.getRHS()))
      return floorDivideCongruence(addCongruences(lhs, {0, *divisor - 1}),
                                   *divisor);
    return {};
  case AffineExprKind::Mod:
    if (auto divisor = positiveConstant(binary.getRHS())) {
      if (lhs.modulus % *divisor == 0)
        return {0, floorRemainder(lhs.residue, *divisor)};
      return makeCongruence(std::gcd(lhs.modulus, *divisor), lhs.residue);
    }
    return {};
  default:
    return {};
  }
}

int64_t tilewright::knownDivisor(AffineExpr expr,
                                 const SubscriptContext &context) {
  Congruence c = congruence(expr, context);
  if (c.residue == INT64_MIN)
    return 1;
  return std::gcd(c.modulus, c.residue);
}

//===----------------------------------------------------------------------===//
// Simplification
//===----------------------------------------------------------------------===//

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
  for (auto it = form.summands.begin(); it != form.summands.end(); ++it) {
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
