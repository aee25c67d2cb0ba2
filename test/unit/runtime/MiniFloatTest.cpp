//===- MiniFloatTest.cpp - Conversions of element types -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tilewright/Runtime/MiniFloat.h"
#include "gtest/gtest.h"
#include <cmath>
#include <cstring>

using namespace tilewright::runtime;

namespace {
#include "FloatTables.inc"

void expectTable(DType type, const double (&values)[256]) {
  for (unsigned code = 0; code < 256; ++code) {
    double value = decode(type, code);
    if (std::isnan(values[code]))
      EXPECT_TRUE(std::isnan(value)) << code;
    else
      EXPECT_EQ(value, values[code]) << code;
    EXPECT_EQ(std::signbit(value), std::signbit(values[code])) << code;
  }
}

TEST(MiniFloat, EveryE4M3Code) {
  expectTable(DType::E4M3, e4m3Values);
  EXPECT_EQ(decode(DType::E4M3, 0x7e), 448.0);
  EXPECT_EQ(decode(DType::E4M3, 0x01), 0x1p-9);
}
TEST(MiniFloat, EveryE5M2Code) { expectTable(DType::E5M2, e5m2Values); }
TEST(MiniFloat, EveryE8M0Code) {
  for (unsigned code = 0; code < 255; ++code)
    EXPECT_EQ(decode(DType::E8M0, code), e8m0Values[code]) << code;
  EXPECT_TRUE(std::isnan(decode(DType::E8M0, 255)));
}

TEST(MiniFloat, EveryE2M1Code) {
  const double positive[] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
  for (unsigned code = 0; code < 8; ++code) {
    EXPECT_EQ(decode(DType::E2M1, code), positive[code]);
    EXPECT_EQ(decode(DType::E2M1, code | 8), -positive[code]);
    EXPECT_EQ(encode(DType::E2M1, positive[code]), code);
  }
  EXPECT_EQ(encode(DType::E2M1, 100), 7u);
  EXPECT_EQ(encode(DType::E2M1, 2.5), 4u); // A tie: 2 is even, 3 is odd.
  EXPECT_EQ(encode(DType::E2M1, 5), 6u);
}

/// Rounding by its definition: between two neighbours the nearer one, at the
/// middle the even one.
void expectRounding(DType type, uint64_t largest) {
  uint64_t sign = uint64_t(1) << (bits(type) - 1);
  for (uint64_t code = 0; code <= largest; ++code) {
    double value = decode(type, code);
    ASSERT_EQ(encode(type, value), code);
    ASSERT_EQ(encode(type, -value), code | sign);
    if (code == largest)
      break;
    double next = decode(type, code + 1), middle = (value + next) / 2;
    ASSERT_LT(value, next);
    ASSERT_EQ(encode(type, middle), code % 2 ? code + 1 : code);
    ASSERT_EQ(encode(type, std::nextafter(middle, value)), code);
    ASSERT_EQ(encode(type, std::nextafter(middle, next)), code + 1);
    ASSERT_EQ(encode(type, -std::nextafter(middle, next)), (code + 1) | sign);
  }
}

TEST(MiniFloat, RoundsToNearestEven) {
  expectRounding(DType::E4M3, 0x7e);
  expectRounding(DType::E5M2, 0x7b);
  expectRounding(DType::BF16, 0x7f7f);
  expectRounding(DType::F16, 0x7bff);
}

TEST(MiniFloat, EightBitFloatsSaturate) {
  EXPECT_EQ(encode(DType::E4M3, 449), 0x7eu);
  EXPECT_EQ(encode(DType::E4M3, 1e30), 0x7eu);
  EXPECT_EQ(encode(DType::E4M3, -INFINITY), 0xfeu);
  EXPECT_EQ(encode(DType::E5M2, INFINITY), 0x7bu);
  EXPECT_EQ(encode(DType::E4M3, NAN), 0x7fu);
  EXPECT_TRUE(std::isnan(decode(DType::E5M2, encode(DType::E5M2, NAN))));
}

TEST(MiniFloat, WideFloatsOverflowToInfinity) {
  EXPECT_EQ(encode(DType::F16, 65519.99), 0x7bffu);
  EXPECT_EQ(encode(DType::F16, 65520), 0x7c00u);
  EXPECT_EQ(encode(DType::BF16, 1e40), 0x7f80u);
  EXPECT_EQ(encode(DType::BF16, -INFINITY), 0xff80u);
  EXPECT_TRUE(std::isnan(decode(DType::BF16, 0xffff)));
  EXPECT_EQ(encode(DType::F16, 1e-320), 0u); // Subnormal even as a double.
  EXPECT_EQ(encode(DType::F16, -1e-320), 0x8000u);
}

TEST(MiniFloat, AgreesWithTheProcessorOnF32) {
  uint64_t state = 1;
  for (int i = 0; i < 200000; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    double value;
    std::memcpy(&value, &state, 8);
    if (std::isnan(value))
      continue;
    // Random exponents are mostly out of range: fold half of them into it.
    int exponent;
    if (i % 2)
      value = std::ldexp(std::frexp(value, &exponent),
                         int(state >> 40) % 300 - 150);
    float expected = float(value);
    uint32_t code;
    std::memcpy(&code, &expected, 4);
    ASSERT_EQ(encode(DType::F32, value), code) << value;
    ASSERT_EQ(decode(DType::F32, code), double(expected));
  }
}

TEST(MiniFloat, E8M0RoundsUp) {
  EXPECT_EQ(encode(DType::E8M0, 1), 127u);
  EXPECT_EQ(encode(DType::E8M0, 1.0001), 128u);
  EXPECT_EQ(encode(DType::E8M0, 0.75), 127u);
  EXPECT_EQ(encode(DType::E8M0, 0), 0u);
  EXPECT_EQ(encode(DType::E8M0, 1e300), 254u);
  EXPECT_EQ(encode(DType::E8M0, NAN), 255u);
}

TEST(MiniFloat, IntegersRoundAndSaturate) {
  EXPECT_EQ(encode(DType::I32, 2.5), 2u);
  EXPECT_EQ(encode(DType::I32, 3.5), 4u);
  EXPECT_EQ(int32_t(encode(DType::I32, -2.5)), -2);
  EXPECT_EQ(int32_t(encode(DType::I32, 1e20)), 2147483647);
  EXPECT_EQ(int32_t(encode(DType::I32, -1e20)), -2147483647 - 1);
  EXPECT_EQ(encode(DType::U8, -3), 0u);
  EXPECT_EQ(encode(DType::U8, 300), 255u);
  EXPECT_EQ(encode(DType::U64, 1e30), UINT64_MAX);
  EXPECT_EQ(encode(DType::I8, NAN), 0u);
  EXPECT_EQ(decode(DType::I8, 0xff), -1);
  EXPECT_EQ(decode(DType::I32, encode(DType::I32, -7)), -7);
}
} // namespace
