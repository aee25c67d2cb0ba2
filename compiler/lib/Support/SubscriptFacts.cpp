//===- SubscriptFacts.cpp - ranges and congruences of expressions ---------===//
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

//===----------------------------------------------------------------------===//
// Ranges
//===----------------------------------------------------------------------===//

static ValueBounds floorDivideRange(ValueBounds range, int64_t divisor) {
  if (range.lower)
    range.lower = floorDivide(*range.lower, divisor);
  if (range.upper)
    range.upper = floorDivide(*range.upper, divisor);
  return range;
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
