//===- WgmmaArithmetic.cpp - how the tensor core adds ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Three ways to form sum_k a[k] b[k] + c: integers, exact floats, and the
// truncating adder of AccumulateModel. In the last one
//   * a subnormal factor counts with the smallest normal exponent and an
//     unnormalised significand, as the multiplier sees it;
//   * a sum of zero is +0;
//   * a result beyond f32's range is an infinity;
//   * as soon as one term is an infinity or NaN, the exact sum decides.
//
// AccumulateModel::hopper was compared, bit for bit, with single m64n8
// instructions on an H200 (test/sim/oracle/ACCUMULATION.md): 1,048,576
// accumulations of e4m3 and 131,072 each of e5m2, bf16, f16 and tf32, in eight
// classes from equal exponents to cancelling pairs and subnormals: no
// difference. One fraction bit more or fewer makes a third of them differ.
//
//===----------------------------------------------------------------------===//

#include "tilewright/Sim/Wgmma.h"
#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

using namespace tilewright::sim;

AccumulateModel AccumulateModel::hopper(Format operands) {
  AccumulateModel model;
  model.isExact = false;
  if (bitWidth(operands) == 8) {
    model.fractionBits = 13;
    model.resultFractionBits = 13;
  } else {
    model.fractionBits = 25;
    model.resultFractionBits = 23;
  }
  return model;
}

namespace {

constexpr unsigned waveRows = 64;

/// A factor as the multiplier sees it: value = significand * 2^(exponent -
/// fraction), `fraction` fixed by the format.
struct Factor {
  int32_t significand = 0;
  int32_t exponent = 0;
};

unsigned fractionBitsOf(Format format) {
  switch (format) {
  case Format::E4M3:
    return 3;
  case Format::E5M2:
    return 2;
  case Format::BF16:
    return 7;
  case Format::F16:
  case Format::TF32:
    return 10;
  default:
    return 23;
  }
}

int lowestExponent(Format format) {
  switch (format) {
  case Format::E4M3:
    return -6;
  case Format::E5M2:
  case Format::F16:
    return -14;
  default:
    return -126;
  }
}

/// Splits a finite value of `format`.
Factor split(Format format, double value) {
  Factor factor;
  if (value == 0) {
    factor.exponent = lowestExponent(format);
    return factor;
  }
  int exponent;
  std::frexp(value, &exponent);
  factor.exponent = std::max(exponent - 1, lowestExponent(format));
  factor.significand =
      int32_t(std::ldexp(value, int(fractionBitsOf(format)) - factor.exponent));
  return factor;
}

/// `value` with its magnitude truncated to `fractionBits` below its leading
/// bit and to f32's exponent range.
float truncateTo(double value, unsigned fractionBits) {
  if (value == 0)
    return 0;
  int exponent;
  std::frexp(value, &exponent);
  if (exponent > 128) {
    float infinity = std::numeric_limits<float>::infinity();
    return value < 0 ? -infinity : infinity;
  }
  int unit = std::max(exponent - 1, -126) - int(fractionBits);
  return float(std::ldexp(std::trunc(std::ldexp(value, -unit)), unit));
}

/// `significand` in units of 2^-`shift` moved to units of 1, truncated toward
/// zero.
int64_t align(int64_t significand, int shift) {
  int64_t magnitude = std::abs(significand);
  if (shift <= 0)
    magnitude <<= -shift; // by few bits: the largest exponent bounds it
  else
    magnitude = shift > 62 ? 0 : magnitude >> shift;
  return significand < 0 ? -magnitude : magnitude;
}

float canonical(float value) {
  return std::isnan(value) ? asFloat(0x7FFFFFFF) : value;
}

/// Adds products of finite factors to `c` as `model` says. `fraction` is that
/// of a product (both factors' together).
float addTruncated(const Factor *a, const Factor *b, unsigned k, float c,
                   int fraction, const AccumulateModel &model) {
  unsigned group = model.groupK == 0 ? k : model.groupK;
  int keep = int(model.fractionBits);
  for (unsigned begin = 0; begin < k; begin += group) {
    unsigned end = std::min(begin + group, k);
    constexpr int none = std::numeric_limits<int>::min();
    int largest = none;
    auto exponentOf = [&](unsigned i, int64_t product) {
      int exponent = a[i].exponent + b[i].exponent;
      if (model.normaliseProducts)
        for (int64_t m = std::abs(product); m >> (fraction + 1); m >>= 1)
          ++exponent;
      return exponent;
    };
    for (unsigned i = begin; i < end; ++i) {
      int64_t product = int64_t(a[i].significand) * b[i].significand;
      if (product != 0)
        largest = std::max(largest, exponentOf(i, product));
    }
    Factor accumulator = split(Format::F32, c);
    if (accumulator.significand != 0)
      largest = std::max(largest, accumulator.exponent);
    if (largest == none) {
      c = 0;
      continue;
    }
    int64_t sum = align(accumulator.significand,
                        largest - accumulator.exponent + 23 - keep);
    for (unsigned i = begin; i < end; ++i) {
      int64_t product = int64_t(a[i].significand) * b[i].significand;
      if (product != 0)
        sum += align(product, largest - (a[i].exponent + b[i].exponent) +
                                  fraction - keep);
    }
    c = truncateTo(std::ldexp(double(sum), largest - keep),
                   model.resultFractionBits);
    if (std::isinf(c))
      return c; // what follows could only keep it or make a NaN of it
  }
  return c;
}

/// A decoded operand, [row][k].
struct Values {
  std::vector<double> values;
  std::vector<Factor> factors; ///< Of finite values; for truncating models.
  std::vector<bool> finite;    ///< All of the row is.

  Values(const WgmmaOperand &operand, Format format, bool negate, bool split)
      : values(operand.bits.size()), finite(operand.rows, true) {
    for (size_t i = 0; i < values.size(); ++i) {
      double value = decode(format, operand.bits[i]);
      values[i] = negate ? -value : value;
      if (!std::isfinite(value))
        finite[i / operand.k] = false;
    }
    if (split)
      for (double value : values)
        factors.push_back(std::isfinite(value) ? ::split(format, value)
                                               : Factor());
  }
};

/// D as a 64 x n matrix, however it is packed into registers.
class Accumulator {
public:
  Accumulator(const WgmmaShape &shape, llvm::MutableArrayRef<uint32_t> d)
      : shape(shape), d(d) {
    assert(d.size() >= size_t(128) * shape.registersD());
  }
  uint32_t get(unsigned row, unsigned column) const {
    auto [index, shift] = locate(row, column);
    return shape.d == Format::F16 ? d[index] >> shift & 0xFFFF : d[index];
  }
  void set(unsigned row, unsigned column, uint32_t value) {
    auto [index, shift] = locate(row, column);
    if (shape.d == Format::F16)
      d[index] = (d[index] & ~(0xFFFFu << shift)) | value << shift;
    else
      d[index] = value;
  }

private:
  /// The inverse of accumulatorCoordinate.
  std::pair<unsigned, unsigned> locate(unsigned row, unsigned column) const {
    unsigned thread = 32 * (row / 16) + 4 * (row % 8) + column % 8 / 2;
    unsigned element = 4 * (column / 8) + 2 * (row / 8 % 2) + column % 2;
    if (shape.d == Format::F16)
      return {thread * shape.registersD() + element / 2, 16 * (element % 2)};
    return {thread * shape.registersD() + element, 0};
  }
  const WgmmaShape &shape;
  llvm::MutableArrayRef<uint32_t> d;
};

void multiplyIntegers(const WgmmaShape &shape, const WgmmaOperand &a,
                      const WgmmaOperand &b, bool scaleD, Accumulator d) {
  auto element = [](Format format, uint32_t bits) {
    return format == Format::S8 ? int32_t(int8_t(bits)) : int32_t(bits & 0xFF);
  };
  for (unsigned row = 0; row < waveRows; ++row)
    for (unsigned column = 0; column < shape.n; ++column) {
      int64_t sum = scaleD ? int32_t(d.get(row, column)) : 0;
      for (unsigned k = 0; k < a.k; ++k)
        sum += int64_t(element(shape.a, a.bits[row * a.k + k])) *
               element(shape.b, b.bits[column * b.k + k]);
      if (shape.satfinite)
        sum = std::clamp<int64_t>(sum, std::numeric_limits<int32_t>::min(),
                                  std::numeric_limits<int32_t>::max());
      d.set(row, column, uint32_t(sum));
    }
}

} // namespace

static uint32_t packResult(const WgmmaShape &shape, double value) {
  if (shape.d == Format::F16)
    return uint32_t(encode(Format::F16, value));
  return asBits(canonical(float(value)));
}

void tilewright::sim::multiplyAccumulate(const WgmmaShape &shape,
                                         const WgmmaOperand &a,
                                         const WgmmaOperand &b, bool scaleD,
                                         llvm::MutableArrayRef<uint32_t> d,
                                         const AccumulateModel &asked) {
  AccumulateModel model =
      asked.byOperands ? AccumulateModel::hopper(shape.a) : asked;
  unsigned k = shape.k(), n = shape.n;
  assert(a.rows == waveRows && b.rows == n && a.k == k && b.k == k);
  Accumulator out(shape, d);
  if (shape.d == Format::S32) {
    multiplyIntegers(shape, a, b, scaleD, out);
    return;
  }
  Values left(a, shape.a, shape.negateA, !model.isExact);
  Values right(b, shape.b, shape.negateB, !model.isExact);
  auto initial = [&](unsigned row, unsigned column) {
    return scaleD ? decode(shape.d, out.get(row, column)) : 0.0;
  };
  if (!model.isExact) {
    int fraction = int(fractionBitsOf(shape.a) + fractionBitsOf(shape.b));
    for (unsigned row = 0; row < waveRows; ++row)
      for (unsigned column = 0; column < n; ++column) {
        double c = initial(row, column), value = c;
        if (left.finite[row] && right.finite[column] && std::isfinite(c))
          value = addTruncated(&left.factors[size_t(row) * k],
                               &right.factors[size_t(column) * k], k, float(c),
                               fraction, model);
        else
          for (unsigned i = 0; i < k; ++i)
            value += left.values[row * k + i] * right.values[column * k + i];
        out.set(row, column, packResult(shape, value));
      }
    return;
  }

  // B by k, so that the inner loop runs over neighbours.
  std::vector<double> byK(size_t(n) * k), sums(n);
  for (unsigned column = 0; column < n; ++column)
    for (unsigned i = 0; i < k; ++i)
      byK[i * n + column] = right.values[column * k + i];
  for (unsigned row = 0; row < waveRows; ++row) {
    std::fill(sums.begin(), sums.end(), 0.0);
    for (unsigned i = 0; i < k; ++i) {
      double factor = left.values[row * k + i];
      const double *values = &byK[size_t(i) * n];
      for (unsigned column = 0; column < n; ++column)
        sums[column] += factor * values[column];
    }
    for (unsigned column = 0; column < n; ++column)
      out.set(row, column,
              packResult(shape, sums[column] + initial(row, column)));
  }
}

float tilewright::sim::dotAccumulate(const WgmmaShape &shape,
                                     llvm::ArrayRef<uint32_t> a,
                                     llvm::ArrayRef<uint32_t> b, float c,
                                     const AccumulateModel &asked) {
  AccumulateModel model =
      asked.byOperands ? AccumulateModel::hopper(shape.a) : asked;
  assert(a.size() == b.size());
  double sum = 0;
  bool finite = std::isfinite(c);
  std::vector<Factor> left, right;
  for (size_t i = 0; i < a.size(); ++i) {
    double x = decode(shape.a, a[i]), y = decode(shape.b, b[i]);
    if (shape.negateA)
      x = -x;
    if (shape.negateB)
      y = -y;
    sum += x * y;
    bool usable = std::isfinite(x) && std::isfinite(y);
    finite &= usable;
    if (usable) {
      left.push_back(split(shape.a, x));
      right.push_back(split(shape.b, y));
    }
  }
  if (model.isExact || !finite)
    return canonical(float(sum + c));
  return addTruncated(left.data(), right.data(), unsigned(left.size()), c,
                      int(fractionBitsOf(shape.a) + fractionBitsOf(shape.b)),
                      model);
}
