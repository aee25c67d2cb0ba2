//===- FormatsTest.cpp - number formats against LLVM's APFloat ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tilewright/Sim/Formats.h"
#include "llvm/ADT/APFloat.h"
#include "gtest/gtest.h"
#include <cmath>
#include <limits>
#include <random>

using namespace tilewright::sim;

namespace {

struct Case {
  Format format;
  const llvm::fltSemantics *semantics;
};

std::vector<Case> floats() {
  using llvm::APFloat;
  return {{Format::E2M1, &APFloat::Float4E2M1FN()},
          {Format::E4M3, &APFloat::Float8E4M3FN()},
          {Format::E5M2, &APFloat::Float8E5M2()},
          {Format::BF16, &APFloat::BFloat()},
          {Format::F16, &APFloat::IEEEhalf()},
          {Format::TF32, &APFloat::FloatTF32()},
          {Format::F32, &APFloat::IEEEsingle()}};
}

constexpr std::pair<Rounding, llvm::RoundingMode> roundings[] = {
    {Rounding::NearestEven, llvm::RoundingMode::NearestTiesToEven},
    {Rounding::TowardZero, llvm::RoundingMode::TowardZero},
    {Rounding::Down, llvm::RoundingMode::TowardNegative},
    {Rounding::Up, llvm::RoundingMode::TowardPositive},
    {Rounding::NearestAway, llvm::RoundingMode::NearestTiesToAway}};

unsigned usedBits(Format format) {
  return format == Format::TF32 ? 19 : bitWidth(format);
}

/// Bits of storage for the `i`-th value of the format.
uint64_t word(Format format, uint64_t i) {
  return format == Format::TF32 ? i << 13 : i;
}

double reference(const Case &c, uint64_t i) {
  llvm::APFloat value(*c.semantics, llvm::APInt(usedBits(c.format), i));
  bool loses;
  value.convert(llvm::APFloat::IEEEdouble(),
                llvm::RoundingMode::NearestTiesToEven, &loses);
  return value.convertToDouble();
}

uint64_t reference(const Case &c, double value, llvm::RoundingMode mode) {
  llvm::APFloat result(value);
  bool loses;
  result.convert(*c.semantics, mode, &loses);
  return word(c.format, result.bitcastToAPInt().getZExtValue());
}

void compareEncode(const Case &c, double value) {
  double largest = std::fabs(
      decode(c.format, encode(c.format, HUGE_VAL, Rounding::NearestEven,
                              /*satfinite=*/true)));
  for (auto [rounding, mode] : roundings) {
    uint64_t ours = encode(c.format, value, rounding);
    uint64_t theirs = reference(c, value, mode);
    // Without infinities the two differ beyond the range, in what PTX only
    // has under satfinite.
    bool overflows = std::fabs(value) > largest;
    if (!(overflows &&
          (c.format == Format::E4M3 || c.format == Format::E2M1))) {
      ASSERT_EQ(ours, theirs) << formatName(c.format).str() << " " << value
                              << " rounding " << int(rounding);
    }
    // satfinite changes only what would leave the finite range.
    uint64_t clamped = encode(c.format, value, rounding, true);
    double ourValue = decode(c.format, ours);
    if (std::isfinite(ourValue)) {
      ASSERT_EQ(clamped, ours) << value;
    } else {
      ASSERT_EQ(decode(c.format, clamped), std::copysign(largest, value));
    }
  }
}

} // namespace

TEST(Formats, Names) {
  for (unsigned i = 0; i <= unsigned(Format::U64); ++i) {
    Format format = Format(i);
    EXPECT_EQ(parseFormat(formatName(format)), format);
  }
  EXPECT_FALSE(parseFormat("e3m4"));
  EXPECT_TRUE(isFloat(Format::UE8M0));
  EXPECT_FALSE(isFloat(Format::S8));
}

TEST(Formats, DecodesEveryValue) {
  for (const Case &c : floats()) {
    unsigned bits = usedBits(c.format);
    uint64_t step = bits == 32 ? 65537 : 1;
    for (uint64_t i = 0; i < (uint64_t(1) << bits); i += step) {
      double ours = decode(c.format, word(c.format, i));
      double theirs = reference(c, i);
      if (std::isnan(theirs)) {
        ASSERT_TRUE(std::isnan(ours)) << i;
        continue;
      }
      ASSERT_EQ(ours, theirs) << formatName(c.format).str() << " " << i;
      ASSERT_EQ(std::signbit(ours), std::signbit(theirs)) << i;
      // And back.
      ASSERT_EQ(encode(c.format, ours), word(c.format, i));
    }
  }
  // The low bits of a tf32 word are ignored.
  EXPECT_EQ(decode(Format::TF32, 0x3F801FFF), 1.0);
}

TEST(Formats, RoundsBetweenAllNeighbours) {
  for (const Case &c : floats()) {
    unsigned bits = usedBits(c.format);
    uint64_t half = uint64_t(1) << (bits - 1);
    uint64_t step = bits > 19 ? 99991 : bits > 16 ? 7 : 1;
    for (uint64_t i = 0; i + 1 < half; i += step) {
      double low = reference(c, i), high = reference(c, i + 1);
      if (!std::isfinite(low) || !std::isfinite(high))
        break;
      double middle = low + (high - low) / 2;
      double inf = std::numeric_limits<double>::infinity();
      for (double value : {low, middle, std::nextafter(middle, inf),
                           std::nextafter(middle, -inf), low + (high - low) / 4,
                           high - (high - low) / 64}) {
        compareEncode(c, value);
        compareEncode(c, -value);
        if (HasFatalFailure())
          return;
      }
    }
  }
}

TEST(Formats, RoundsAnything) {
  std::mt19937_64 random(7);
  for (const Case &c : floats())
    for (unsigned i = 0; i < 20000; ++i) {
      // Any exponent, far out of range and below the subnormals too.
      double value = std::ldexp(1.0 + double(random() >> 12) * 0x1p-52,
                                int(random() % 400) - 200);
      compareEncode(c, random() & 1 ? value : -value);
      if (HasFatalFailure())
        return;
    }
}

TEST(Formats, SpecialValues) {
  double inf = std::numeric_limits<double>::infinity();
  double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(encode(Format::E4M3, nan), 0x7Fu);
  EXPECT_EQ(encode(Format::E4M3, -nan, Rounding::NearestEven, true), 0x7Fu);
  EXPECT_EQ(encode(Format::E4M3, inf), 0x7Fu);
  EXPECT_EQ(encode(Format::E4M3, inf, Rounding::NearestEven, true), 0x7Eu);
  EXPECT_EQ(encode(Format::E4M3, -inf, Rounding::NearestEven, true), 0xFEu);
  EXPECT_EQ(encode(Format::E4M3, 464, Rounding::NearestEven), 0x7Eu);
  EXPECT_EQ(encode(Format::E4M3, 464.001, Rounding::NearestEven), 0x7Fu);
  EXPECT_EQ(encode(Format::E4M3, 1e9, Rounding::NearestEven, true), 0x7Eu);
  EXPECT_EQ(encode(Format::E5M2, inf), 0x7Cu);
  EXPECT_EQ(encode(Format::E5M2, inf, Rounding::TowardZero), 0x7Cu);
  EXPECT_EQ(encode(Format::E5M2, 1e9, Rounding::TowardZero), 0x7Bu);
  EXPECT_EQ(encode(Format::E5M2, -1e9, Rounding::NearestEven, true), 0xFBu);
  EXPECT_EQ(encode(Format::E5M2, nan), 0x7Fu);
  EXPECT_EQ(encode(Format::E2M1, nan), 0x7u);
  EXPECT_EQ(encode(Format::E2M1, -100), 0xFu);
  EXPECT_EQ(encode(Format::BF16, nan), 0x7FFFu);
  EXPECT_EQ(encode(Format::F16, nan), 0x7FFFu);
  EXPECT_EQ(encode(Format::TF32, nan), 0x7FFFFFFFu);
  EXPECT_EQ(encode(Format::F32, nan), 0x7FFFFFFFu);
  EXPECT_EQ(encode(Format::F64, 1.5), 0x3FF8000000000000u);
}

TEST(Formats, ScalesOfPowersOfTwo) {
  for (unsigned i = 0; i < 255; ++i) {
    double value = std::ldexp(1.0, int(i) - 127);
    EXPECT_EQ(decode(Format::UE8M0, i), value);
    for (auto rounding :
         {Rounding::NearestEven, Rounding::TowardZero, Rounding::Up})
      EXPECT_EQ(encode(Format::UE8M0, value, rounding), i);
    if (i == 254)
      break;
    EXPECT_EQ(encode(Format::UE8M0, value * 1.25, Rounding::TowardZero), i);
    EXPECT_EQ(encode(Format::UE8M0, value * 1.25, Rounding::Up), i + 1);
    EXPECT_EQ(encode(Format::UE8M0, -value * 1.25, Rounding::Up), i + 1);
  }
  EXPECT_TRUE(std::isnan(decode(Format::UE8M0, 255)));
  EXPECT_EQ(encode(Format::UE8M0, 0), 0u);
  EXPECT_EQ(encode(Format::UE8M0, 1e300, Rounding::Up, true), 0xFEu);
  EXPECT_EQ(encode(Format::UE8M0, 1e300, Rounding::Up), 0xFFu);
}

TEST(Formats, Integers) {
  EXPECT_EQ(decode(Format::S8, 0x80), -128);
  EXPECT_EQ(decode(Format::U8, 0x80), 128);
  EXPECT_EQ(decode(Format::S32, 0xFFFFFFFF), -1);
  EXPECT_EQ(decode(Format::U32, 0xFFFFFFFF), 4294967295.0);
  EXPECT_EQ(decode(Format::S64, ~uint64_t(0)), -1);
}

TEST(Formats, ConversionsFromF32) {
  std::mt19937 random(3);
  for (unsigned i = 0; i < 200000; ++i) {
    float value = asFloat(random());
    // The short cut for bf16 agrees with the general rounding.
    ASSERT_EQ(convertFromF32(Format::BF16, value, Rounding::NearestEven, false),
              encode(Format::BF16, value))
        << value;
    if (!std::isnan(value))
      ASSERT_EQ(encode(Format::F32, value), asBits(value));
  }
  EXPECT_EQ(convertPacked2(Format::BF16, 1.0f, 2.0f), 0x3F804000u);
  EXPECT_EQ(
      convertPacked2(Format::E4M3, 1.0f, 2.0f, Rounding::NearestEven, true),
      0x3840u);
  EXPECT_EQ(convertPacked2(Format::BF16, -1.0f, 2.0f, Rounding::NearestEven,
                           false, /*relu=*/true),
            0x00004000u);
  EXPECT_EQ(convertPacked2(Format::F16, -0.0f, asFloat(0xFFC00001),
                           Rounding::NearestEven, false, /*relu=*/true),
            0x00007FFFu);
  EXPECT_EQ(widenPacked2ToF16(Format::E4M3, 0x3840), 0x3C004000u);
  EXPECT_EQ(widenPacked2ToF16(Format::E5M2, 0x7C01), 0x7C000100u);
}
