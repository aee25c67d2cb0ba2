//===- Conversions.cpp - element types and their roundings ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"
#include "llvm/Support/Casting.h"
#include <cmath>

using namespace llvm;
using namespace tilewright;
using namespace tilewright::reference;

std::optional<runtime::DType> reference::storageType(Elem elem) {
  switch (elem) {
  case Elem::Bool:
    return runtime::DType::Bool;
  case Elem::UE8M0:
    return runtime::DType::E8M0;
  case Elem::TF32: // As copies read it.
    return runtime::DType::F32;
  default:
    return runtime::parseDType(spelling(elem));
  }
}

unsigned reference::mantissaBits(Elem elem) {
  switch (elem) {
  case Elem::E4M3:
    return 3;
  case Elem::E5M2:
    return 2;
  case Elem::E2M1:
    return 1;
  case Elem::BF16:
    return 7;
  case Elem::F16:
  case Elem::TF32:
    return 10;
  case Elem::F32:
    return 23;
  case Elem::F64:
  case Elem::Number:
    return 52;
  default:
    return 0;
  }
}

double reference::roundTo(Elem elem, double value) {
  if (elem == Elem::TF32) {
    if (!std::isfinite(value))
      return value;
    int exponent;
    double fraction = std::frexp(value, &exponent);
    return std::ldexp(std::nearbyint(std::ldexp(fraction, 11)), exponent - 11);
  }
  std::optional<runtime::DType> type = reference::storageType(elem);
  return type ? runtime::decode(*type, runtime::encode(*type, value)) : value;
}

/// Half of the least subnormal: the rounding error near zero.
static double halfLeast(Elem elem) {
  switch (elem) {
  case Elem::E4M3:
    return 0x1p-10;
  case Elem::E5M2:
    return 0x1p-17;
  case Elem::E2M1:
    return 0.25;
  case Elem::F16:
    return 0x1p-25;
  default:
    return 0;
  }
}

TilePtr Process::convert(const TilePtr &tile, Elem from, Elem to) {
  if (from == to || tile->hollow)
    return tile;
  if (isInteger(to) || to == Elem::Bool) {
    if (!isFloat(from) && from != Elem::Number)
      return tile;
    TilePtr out = mapUnary(
        *tile, false, [](double v) { return std::nearbyint(v); },
        [](double, double, double m) { return m; });
    return out;
  }
  if (to == Elem::UE8M0) // Upwards, and what follows depends on it exactly.
    return mapUnary(
        *tile, true, [](double v) { return roundTo(Elem::UE8M0, v); },
        [](double, double y, double) { return y; });
  bool widens = isFloat(from) && from != Elem::UE8M0 &&
                mantissaBits(to) >= mantissaBits(from) &&
                bitWidth(to) >= bitWidth(from) && to != Elem::TF32;
  if (widens || to == Elem::F64 || to == Elem::Number)
    return tile;
  bool saturates = bitWidth(to) <= 8;
  double limit = saturates ? roundTo(to, 1e30) : 0;
  double unit = std::ldexp(1.0, -int(mantissaBits(to)) - 1);
  TilePtr out;
  std::vector<float> scratch;
  const float *m = nullptr;
  bool clone = false;
  // Values that the type holds stay what they are: a right kernel has them
  // too. Others keep their digits, and their rounding enters the magnitude.
  for (size_t i = 0; i < tile->value.size(); ++i) {
    double value = tile->value[i];
    if (roundTo(to, value) == value)
      continue;
    if (!clone) {
      clone = true;
      out = std::make_shared<Tile>(*tile);
      m = magnitudes(*tile, scratch);
      out->magnitude.assign(m, m + tile->value.size());
      out->exact = false;
    }
    if (saturates && std::fabs(value) > limit)
      out->value[i] = std::copysign(limit, value);
    out->magnitude[i] += static_cast<float>(
        std::max(std::fabs(out->value[i]) * unit, halfLeast(to)) /
        magnitudeScale);
  }
  return clone ? out : tile;
}

TilePtr Process::evaluateConvert(const ConvertExpr &expr) {
  TilePtr x = evaluate(expr.operand);
  return x ? convert(x, expr.operand->type.elem, expr.type.elem) : nullptr;
}
