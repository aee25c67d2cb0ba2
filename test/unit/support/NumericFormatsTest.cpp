//===- NumericFormatsTest.cpp - the table against its definitions ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Support/NumericFormats.h"

#include "gtest/gtest.h"
#include <cmath>
#include <set>
#include <string>

using namespace tilewright;

TEST(NumericFormats, NamesAreUniqueAndParse) {
  std::set<std::string> names;
  for (const FormatInfo &info : allFormats()) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_EQ(parseElementType(info.name), info.type);
    EXPECT_EQ(&formatInfo(info.type), &info);
  }
  EXPECT_EQ(parseElementType("e4m4"), std::nullopt);
  EXPECT_EQ(parseElementType(""), std::nullopt);
}

TEST(NumericFormats, WidthsAddUp) {
  for (const FormatInfo &info : allFormats()) {
    if (!info.isFloat) {
      EXPECT_EQ(info.exponentBits + info.mantissaBits, 0u) << info.name;
      continue;
    }
    unsigned used = info.exponentBits + info.mantissaBits + info.isSigned;
    // TF32 occupies a 32-bit word, everything else its own width.
    EXPECT_EQ(used, info.type == ElementType::TF32 ? 19u : info.bits)
        << info.name;
  }
}

TEST(NumericFormats, LargestFiniteValueFollowsFromTheFields) {
  for (const FormatInfo &info : allFormats()) {
    if (!info.isFloat)
      continue;
    int top = (1 << info.exponentBits) - 1;
    double fraction = 2.0 - std::ldexp(1.0, -int(info.mantissaBits));
    double expected;
    if (info.hasInfinity)
      expected = std::ldexp(fraction, top - 1 - info.bias);
    else if (info.type == ElementType::E4M3) // all ones is NaN
      expected = std::ldexp(2.0 - 2 * std::ldexp(1.0, -3), top - info.bias);
    else if (info.type == ElementType::UE8M0) // all ones is NaN, no mantissa
      expected = std::ldexp(1.0, top - 1 - info.bias);
    else // e2m1 has neither infinity nor NaN
      expected = std::ldexp(fraction, top - info.bias);
    EXPECT_EQ(info.maxFinite, expected) << info.name;
  }
}

TEST(NumericFormats, WgmmaContracts32BytesOfK) {
  EXPECT_EQ(wgmmaK(bitWidth(ElementType::E4M3)), 32);
  EXPECT_EQ(wgmmaK(bitWidth(ElementType::BF16)), 16);
  EXPECT_EQ(wgmmaK(bitWidth(ElementType::TF32)), 8);
  EXPECT_EQ(wgmmaK(bitWidth(ElementType::E2M1)), 0);
  EXPECT_EQ(wgmmaK(bitWidth(ElementType::F64)), 0);
}

TEST(NumericFormats, EightBitFloatsTravelAsBytes) {
  for (ElementType type :
       {ElementType::E4M3, ElementType::E5M2, ElementType::UE8M0})
    EXPECT_STREQ(formatInfo(type).tensorMapName, "u8");
  EXPECT_EQ(formatInfo(ElementType::E2M1).tensorMapName, nullptr);
  EXPECT_STREQ(formatInfo(ElementType::BF16).tensorMapName, "bf16");
}
