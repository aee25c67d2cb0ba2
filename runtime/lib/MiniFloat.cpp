//===- MiniFloat.cpp - Exact conversions of element types -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tilewright/Runtime/MiniFloat.h"
#include "llvm/ADT/bit.h"
#include <algorithm>
#include <cmath>
#include <limits>

using namespace tilewright;
using namespace tilewright::runtime;

namespace {
/// A binary floating-point format: sign, exponent, mantissa.
struct Format {
  unsigned exponentBits, mantissaBits;
  enum Special { Ieee, OneNaN, NoNaN } special;

  int bias() const { return (1 << (exponentBits - 1)) - 1; }
  unsigned width() const { return 1 + exponentBits + mantissaBits; }
  /// Codes of magnitude (sign bit clear).
  uint64_t infinity() const {
    return ((uint64_t(1) << exponentBits) - 1) << mantissaBits;
  }
  uint64_t allOnes() const { return (uint64_t(1) << (width() - 1)) - 1; }
  uint64_t largest() const {
    if (special == Ieee)
      return infinity() - 1;
    return special == OneNaN ? allOnes() - 1 : allOnes();
  }
};

/// OCP 8-bit and microscaling formats: e4m3 gives up infinities and all NaNs
/// but S.1111.111 for range; e5m2 is IEEE-like; e2m1 has neither.
const Format *formatOf(DType type) {
  static const Format e4m3{4, 3, Format::OneNaN}, e5m2{5, 2, Format::Ieee},
      e2m1{2, 1, Format::NoNaN}, bf16{8, 7, Format::Ieee},
      f16{5, 10, Format::Ieee}, f32{8, 23, Format::Ieee};
  switch (type) {
  case DType::E4M3:
    return &e4m3;
  case DType::E5M2:
    return &e5m2;
  case DType::E2M1:
    return &e2m1;
  case DType::BF16:
    return &bf16;
  case DType::F16:
    return &f16;
  case DType::F32:
    return &f32;
  default:
    return nullptr;
  }
}

double decodeFloat(const Format &format, uint64_t code) {
  uint64_t magnitude = code & format.allOnes();
  bool negative = (code >> (format.width() - 1)) & 1;
  double sign = negative ? -1.0 : 1.0;
  if (format.special == Format::OneNaN && magnitude == format.allOnes())
    return std::numeric_limits<double>::quiet_NaN();
  if (format.special == Format::Ieee && magnitude >= format.infinity())
    return magnitude == format.infinity()
               ? sign * std::numeric_limits<double>::infinity()
               : std::numeric_limits<double>::quiet_NaN();
  int field = int(magnitude >> format.mantissaBits);
  uint64_t fraction = magnitude & ((uint64_t(1) << format.mantissaBits) - 1);
  uint64_t significand =
      field ? fraction | (uint64_t(1) << format.mantissaBits) : fraction;
  int exponent = std::max(field, 1) - format.bias() - int(format.mantissaBits);
  return sign * std::ldexp(double(significand), exponent);
}

uint64_t encodeFloat(const Format &format, bool saturate, double value) {
  uint64_t source = llvm::bit_cast<uint64_t>(value);
  uint64_t sign = (source >> 63) << (format.width() - 1);
  if (std::isnan(value)) {
    if (format.special == Format::NoNaN)
      return format.largest();
    if (format.special == Format::OneNaN)
      return format.allOnes();
    // Quiet: the top bit of the mantissa.
    return format.infinity() | (uint64_t(1) << (format.mantissaBits - 1));
  }
  uint64_t overflow = saturate ? format.largest() : format.infinity();
  int exponent = int((source >> 52) & 0x7ff) - 1023;
  // Zero, and doubles too small to have an implicit bit: far below half of
  // the smallest value of every format here.
  if (exponent == -1023)
    return sign;
  int lowest = 1 - format.bias();
  if (exponent > format.bias() + 1) // Infinity too.
    return sign | overflow;
  uint64_t significand =
      (source & ((uint64_t(1) << 52) - 1)) | (uint64_t(1) << 52);
  // Bits to drop: down to the mantissa, more below the normal range.
  int drop = 52 - int(format.mantissaBits) + std::max(0, lowest - exponent);
  if (drop > 53)
    return sign;
  uint64_t kept = significand >> drop;
  uint64_t rest = significand & ((uint64_t(1) << drop) - 1);
  uint64_t half = uint64_t(1) << (drop - 1);
  if (rest > half || (rest == half && (kept & 1)))
    ++kept;
  // In the normal range `kept` includes the implicit bit, so that adding it
  // to the exponent field below the true one carries where rounding does.
  uint64_t field = uint64_t(std::max(exponent, lowest) - lowest);
  uint64_t magnitude = (field << format.mantissaBits) + kept;
  return sign | (magnitude > format.largest() ? overflow : magnitude);
}

/// Width and signedness of an integer type.
template <typename T> uint64_t encodeInteger(double value) {
  if (std::isnan(value))
    return 0;
  double rounded = std::nearbyint(value);
  // The limits are compared as doubles: 2^63 and 2^64 are exact there.
  if (rounded <= double(std::numeric_limits<T>::min()))
    return uint64_t(std::numeric_limits<T>::min());
  if (rounded >= double(std::numeric_limits<T>::max()))
    return uint64_t(std::numeric_limits<T>::max());
  return uint64_t(T(rounded));
}
} // namespace

double runtime::decode(DType type, uint64_t code) {
  if (const Format *format = formatOf(type))
    return decodeFloat(*format, code);
  switch (type) {
  case DType::F64:
    return llvm::bit_cast<double>(code);
  case DType::E8M0:
    return (code & 0xff) == 0xff ? std::numeric_limits<double>::quiet_NaN()
                                 : std::ldexp(1.0, int(code & 0xff) - 127);
  case DType::I8:
    return double(int8_t(code));
  case DType::I16:
    return double(int16_t(code));
  case DType::I32:
    return double(int32_t(code));
  case DType::I64:
    return double(int64_t(code));
  case DType::U8:
    return double(uint8_t(code));
  case DType::U16:
    return double(uint16_t(code));
  case DType::U32:
    return double(uint32_t(code));
  case DType::U64:
    return double(code);
  case DType::Bool:
    return (code & 0xff) != 0;
  default:
    return 0;
  }
}

uint64_t runtime::encode(DType type, double value) {
  if (const Format *format = formatOf(type))
    return encodeFloat(*format, bits(type) <= 8, value);
  switch (type) {
  case DType::F64:
    return llvm::bit_cast<uint64_t>(value);
  case DType::E8M0: {
    if (std::isnan(value))
      return 0xff;
    if (value <= std::ldexp(1.0, -127))
      return 0;
    if (value > std::ldexp(1.0, 127))
      return 254;
    int exponent;
    double fraction = std::frexp(value, &exponent); // value = fraction * 2^e
    return uint64_t((fraction == 0.5 ? exponent - 1 : exponent) + 127);
  }
  case DType::I8:
    return encodeInteger<int8_t>(value);
  case DType::I16:
    return encodeInteger<int16_t>(value);
  case DType::I32:
    return encodeInteger<int32_t>(value);
  case DType::I64:
    return encodeInteger<int64_t>(value);
  case DType::U8:
    return encodeInteger<uint8_t>(value);
  case DType::U16:
    return encodeInteger<uint16_t>(value);
  case DType::U32:
    return encodeInteger<uint32_t>(value);
  case DType::U64:
    return encodeInteger<uint64_t>(value);
  case DType::Bool:
    return value != 0;
  default:
    return 0;
  }
}
