//===- Rounded.h - Sums and products rounded once -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// a * b + c of formats narrower than a double, rounded once in any direction:
// the exact value as an unevaluated sum of two doubles (Dekker's and Knuth's
// error-free transformations), of which the second says what the first lacks.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_SIM_ROUNDED_H
#define TILEWRIGHT_SIM_ROUNDED_H

#include "tilewright/Sim/Formats.h"
#include <cmath>

namespace tilewright::sim {

/// `high` is the double nearest to high + low.
struct ExactSum {
  double high = 0, low = 0;
};

/// a + b without an error (Knuth's TwoSum); the low part of an infinite or NaN
/// sum is 0.
inline ExactSum exactSum(double a, double b) {
  double sum = a + b;
  if (!std::isfinite(sum))
    return {sum, 0};
  double part = sum - a;
  return {sum, (a - (sum - part)) + (b - part)};
}

/// The double next to high + low whose last bit is odd where that is not exact
/// (round to odd): rounding it again to less than 52 digits is as good as
/// rounding the exact value once.
inline double roundToOdd(ExactSum value) {
  uint64_t bits;
  std::memcpy(&bits, &value.high, sizeof bits);
  if (value.low == 0 || (bits & 1))
    return value.high;
  bool outward = (value.low > 0) == (value.high > 0);
  bits += outward ? 1 : -1;
  double result;
  std::memcpy(&result, &bits, sizeof result);
  return result;
}

/// high + low rounded to f32.
inline float roundToFloat(ExactSum value, Rounding rounding) {
  float nearest = float(roundToOdd(value));
  if (rounding == Rounding::NearestEven || !std::isfinite(value.high))
    return nearest;
  // What the exact value lies above the nearest f32.
  double over = value.high - double(nearest);
  if (over == 0)
    over = value.low;
  bool down = rounding == Rounding::Down ||
              (rounding == Rounding::TowardZero && value.high > 0);
  if (over < 0 && down)
    return std::nextafterf(nearest, -INFINITY);
  if (over > 0 && !down)
    return std::nextafterf(nearest, INFINITY);
  return nearest;
}

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_ROUNDED_H
