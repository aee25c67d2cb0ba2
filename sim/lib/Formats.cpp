//===- Formats.cpp - number formats and the roundings of cvt --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tilewright/Sim/Formats.h"
#include "llvm/ADT/ArrayRef.h"
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

using namespace tilewright::sim;

namespace {

struct FormatRow {
  Format format;
  const char *name;
  unsigned bits;
  unsigned exponentBits, mantissaBits; ///< 0 and 0 for integers.
  /// Bits of the largest finite magnitude and of the canonical NaN, without
  /// the padding of TF32.
  uint64_t largest, nan;
  bool hasInfinity;
  bool isSigned;
  int bias() const { return (1 << (exponentBits - 1)) - 1; }
  /// Bits below the mantissa: TF32 lies in the high part of its word.
  unsigned padding() const { return format == Format::TF32 ? 13 : 0; }
};

constexpr FormatRow rows[] = {
    {Format::E2M1, "e2m1", 4, 2, 1, 0x7, 0, false, true},
    {Format::E4M3, "e4m3", 8, 4, 3, 0x7E, 0x7F, false, true},
    {Format::E5M2, "e5m2", 8, 5, 2, 0x7B, 0x7F, true, true},
    {Format::UE8M0, "ue8m0", 8, 8, 0, 0xFE, 0xFF, false, false},
    {Format::BF16, "bf16", 16, 8, 7, 0x7F7F, 0x7FFF, true, true},
    {Format::F16, "f16", 16, 5, 10, 0x7BFF, 0x7FFF, true, true},
    {Format::TF32, "tf32", 32, 8, 10, 0x3FBFF, 0x3FFFF, true, true},
    {Format::F32, "f32", 32, 8, 23, 0x7F7FFFFF, 0x7FFFFFFF, true, true},
    {Format::F64, "f64", 64, 11, 52, 0x7FEFFFFFFFFFFFFF, 0x7FF8000000000000,
     true, true},
    {Format::S8, "s8", 8, 0, 0, 0, 0, false, true},
    {Format::U8, "u8", 8, 0, 0, 0, 0, false, false},
    {Format::U16, "u16", 16, 0, 0, 0, 0, false, false},
    {Format::S32, "s32", 32, 0, 0, 0, 0, false, true},
    {Format::U32, "u32", 32, 0, 0, 0, 0, false, false},
    {Format::S64, "s64", 64, 0, 0, 0, 0, false, true},
    {Format::U64, "u64", 64, 0, 0, 0, 0, false, false},
};

const FormatRow &row(Format format) { return rows[unsigned(format)]; }

double decodeSmallFloat(const FormatRow &f, uint64_t bits) {
  bits >>= f.padding();
  unsigned signBit = f.exponentBits + f.mantissaBits;
  bool negative = bits >> signBit & 1;
  bits &= (uint64_t(1) << signBit) - 1;
  if (bits > f.largest) {
    bool infinite =
        f.hasInfinity && (bits & ((uint64_t(1) << f.mantissaBits) - 1)) == 0;
    double special = infinite ? std::numeric_limits<double>::infinity()
                              : std::numeric_limits<double>::quiet_NaN();
    return negative ? -special : special;
  }
  uint64_t exponent = bits >> f.mantissaBits;
  uint64_t mantissa = bits & ((uint64_t(1) << f.mantissaBits) - 1);
  int scale = 1 - f.bias() - int(f.mantissaBits);
  if (exponent != 0) {
    mantissa |= uint64_t(1) << f.mantissaBits;
    scale += int(exponent) - 1;
  }
  double magnitude = std::ldexp(double(mantissa), scale);
  return negative ? -magnitude : magnitude;
}

/// The 256 values of an 8-bit float; wgmma reads them by the million.
std::array<double, 256> makeTable(Format format) {
  std::array<double, 256> table;
  for (unsigned i = 0; i < 256; ++i)
    table[i] = decodeSmallFloat(row(format), i);
  return table;
}

/// Whether to go from `whole` to `whole + 1`, given the part cut off.
bool roundsUp(Rounding rounding, bool negative, uint64_t whole,
              double fraction) {
  switch (rounding) {
  case Rounding::NearestEven:
    return fraction > 0.5 || (fraction == 0.5 && (whole & 1));
  case Rounding::NearestAway:
    return fraction >= 0.5;
  case Rounding::TowardZero:
    return false;
  case Rounding::Down:
    return negative && fraction > 0;
  case Rounding::Up:
    return !negative && fraction > 0;
  }
  return false;
}

uint64_t encodeUE8M0(double value, Rounding rounding, bool satfinite) {
  if (std::isnan(value))
    return 0xFF;
  double magnitude = std::fabs(value);
  if (std::isinf(magnitude))
    return satfinite || rounding == Rounding::TowardZero ? 0xFE : 0xFF;
  if (magnitude == 0)
    return 0;
  int exponent;
  double significand = std::frexp(magnitude, &exponent) * 2; // [1, 2)
  --exponent;
  // The neighbours are 2^e and 2^(e+1); "even" is that of the exponent field.
  int64_t field = int64_t(exponent) + 127;
  if (field < 0)
    return 0;
  if (roundsUp(rounding, false, uint64_t(field), significand - 1))
    ++field;
  if (field > 0xFE)
    return satfinite || rounding == Rounding::TowardZero ? 0xFE : 0xFF;
  return uint64_t(field);
}

} // namespace

unsigned tilewright::sim::bitWidth(Format format) { return row(format).bits; }

bool tilewright::sim::isFloat(Format format) {
  return row(format).exponentBits != 0;
}

llvm::StringRef tilewright::sim::formatName(Format format) {
  return row(format).name;
}

std::optional<Format> tilewright::sim::parseFormat(llvm::StringRef name) {
  for (const FormatRow &f : rows)
    if (name == f.name)
      return f.format;
  return std::nullopt;
}

uint64_t tilewright::sim::canonicalNaN(Format format) {
  // A tf32 NaN is that of f32: all of the word's payload bits are set.
  return format == Format::TF32 ? 0x7FFFFFFF : row(format).nan;
}

float tilewright::sim::asFloat(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

uint32_t tilewright::sim::asBits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

double tilewright::sim::decode(Format format, uint64_t bits) {
  static const std::array<double, 256> e4m3 = makeTable(Format::E4M3);
  static const std::array<double, 256> e5m2 = makeTable(Format::E5M2);
  switch (format) {
  case Format::E4M3:
    return e4m3[bits & 0xFF];
  case Format::E5M2:
    return e5m2[bits & 0xFF];
  case Format::E2M1:
    return decodeSmallFloat(row(format), bits & 0xF);
  case Format::F16:
    return decodeSmallFloat(row(format), bits & 0xFFFF);
  case Format::UE8M0:
    return (bits & 0xFF) == 0xFF ? std::numeric_limits<double>::quiet_NaN()
                                 : std::ldexp(1.0, int(bits & 0xFF) - 127);
  case Format::BF16:
    return asFloat(uint32_t(bits & 0xFFFF) << 16);
  case Format::TF32:
    return asFloat(uint32_t(bits) & 0xFFFFE000);
  case Format::F32:
    return asFloat(uint32_t(bits));
  case Format::F64: {
    double value;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
  }
  case Format::S8:
    return int8_t(bits);
  case Format::U8:
    return uint8_t(bits);
  case Format::U16:
    return uint16_t(bits);
  case Format::S32:
    return int32_t(bits);
  case Format::U32:
    return uint32_t(bits);
  case Format::S64:
    return double(int64_t(bits));
  case Format::U64:
    return double(bits);
  }
  return 0;
}

uint64_t tilewright::sim::encode(Format format, double value, Rounding rounding,
                                 bool satfinite) {
  const FormatRow &f = row(format);
  if (format == Format::UE8M0)
    return encodeUE8M0(value, rounding, satfinite);
  if (std::isnan(value))
    return format == Format::E2M1 ? f.largest : canonicalNaN(format);
  if (format == Format::F64) {
    if (satfinite && std::isinf(value))
      value = std::copysign(std::numeric_limits<double>::max(), value);
    uint64_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    return bits;
  }
  bool negative = std::signbit(value);
  double magnitude = std::fabs(value);
  uint64_t bits;
  if (std::isinf(magnitude)) {
    bits = f.largest + 1;
    // An infinity is exact where it exists: no rounding brings it back.
    if (f.hasInfinity && !satfinite)
      return (bits | uint64_t(negative) << (f.exponentBits + f.mantissaBits))
             << f.padding();
  } else if (magnitude == 0) {
    bits = 0;
  } else {
    int exponent;
    std::frexp(magnitude, &exponent);
    int lowest = 1 - f.bias(); // exponent of the smallest normal number
    int binade = std::max(exponent - 1, lowest);
    // In units of the last place; below 2^(mantissaBits + 1), so exact.
    double scaled = std::ldexp(magnitude, int(f.mantissaBits) - binade);
    uint64_t whole = uint64_t(scaled);
    if (roundsUp(rounding, negative, whole, scaled - double(whole)))
      ++whole;
    // A carry out of the mantissa lands in the exponent, as it should.
    bits = (uint64_t(binade - lowest) << f.mantissaBits) + whole;
  }
  uint64_t sign = uint64_t(negative) << (f.exponentBits + f.mantissaBits);
  if (bits > f.largest) {
    bool inward = rounding == Rounding::TowardZero ||
                  (rounding == Rounding::Down && !negative) ||
                  (rounding == Rounding::Up && negative);
    if (satfinite || inward || format == Format::E2M1)
      bits = f.largest;
    else if (f.hasInfinity)
      bits = f.largest + 1;
    else
      return canonicalNaN(format);
  }
  return (bits | sign) << f.padding();
}

uint64_t tilewright::sim::convertFromF32(Format to, float value,
                                         Rounding rounding, bool satfinite,
                                         bool relu) {
  if (relu && std::signbit(value) && !std::isnan(value))
    value = 0;
  if (to == Format::BF16 && rounding == Rounding::NearestEven && !satfinite &&
      !std::isnan(value)) {
    // The epilogue of every kernel: add half a unit, ties to even.
    uint32_t bits = asBits(value);
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
  }
  return encode(to, value, rounding, satfinite);
}

uint32_t tilewright::sim::convertPacked2(Format to, float high, float low,
                                         Rounding rounding, bool satfinite,
                                         bool relu) {
  return uint32_t(convertFromF32(to, high, rounding, satfinite, relu)
                  << bitWidth(to)) |
         uint32_t(convertFromF32(to, low, rounding, satfinite, relu));
}

uint32_t tilewright::sim::widenPacked2ToF16(Format from, uint16_t packed) {
  unsigned width = bitWidth(from);
  return uint32_t(encode(Format::F16, decode(from, packed >> width)) << 16) |
         uint32_t(encode(Format::F16, decode(from, packed)));
}
