//===- WgmmaOperandTest.cpp - matrix descriptors against a model ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The model reads an operand as the PTX ISA describes ("Matrix Descriptor
// Format", "Strides", "Shared memory layout" of wgmma): it forms an address
// from the descriptor's fields alone and permutes it by its own bits.
//
//===----------------------------------------------------------------------===//

#include "tilewright/Support/SharedLayout.h"

#include "gtest/gtest.h"

using namespace tilewright;

namespace {

constexpr int64_t bufferBase = 3 * 1024; // aligned to every pattern

SharedLayout check(llvm::Expected<SharedLayout> layout) {
  if (layout)
    return *layout;
  ADD_FAILURE() << llvm::toString(layout.takeError());
  return SharedLayout();
}

WgmmaOperandLayout check(llvm::Expected<WgmmaOperandLayout> operand) {
  if (operand)
    return *operand;
  ADD_FAILURE() << llvm::toString(operand.takeError());
  return WgmmaOperandLayout();
}

std::string reason(llvm::Expected<WgmmaOperandLayout> operand) {
  if (operand)
    return "";
  return llvm::toString(operand.takeError());
}

/// Address of element (mn, k) of the operand that `descriptor` names.
int64_t modelAddress(uint64_t descriptor, bool kMajor, int64_t elementBytes,
                     int64_t mn, int64_t k) {
  int64_t start = (descriptor & 0x3FFF) << 4;
  int64_t leading = (descriptor >> 16 & 0x3FFF) << 4;
  int64_t stride = (descriptor >> 32 & 0x3FFF) << 4;
  Swizzle swizzle = Swizzle::None;
  switch (descriptor >> 62) {
  case 1:
    swizzle = Swizzle::B128;
    break;
  case 2:
    swizzle = Swizzle::B64;
    break;
  case 3:
    swizzle = Swizzle::B32;
    break;
  }
  int64_t span = swizzle == Swizzle::None ? 16 : static_cast<int64_t>(swizzle);
  int64_t address = start;
  if (kMajor) {
    int64_t byte = k * elementBytes;
    address += mn / 8 * stride + mn % 8 * span;
    if (swizzle == Swizzle::None)
      address += byte / 16 * leading + byte % 16;
    else
      address += byte;
  } else {
    int64_t byte = mn * elementBytes;
    int64_t alongMN = swizzle == Swizzle::None ? stride : leading;
    int64_t alongK = swizzle == Swizzle::None ? leading : stride;
    address += byte / span * alongMN + byte % span;
    address += k / 8 * alongK + k % 8 * span;
  }
  return applySwizzle(swizzle, address);
}

/// Every k-step and every start row of an instruction of `mnPerInstruction`
/// reads the elements it should.
void checkOperand(const SharedLayout &layout, llvm::StringRef kAxis,
                  int64_t mnPerInstruction) {
  WgmmaOperandLayout operand = check(layout.wgmmaOperand(kAxis));
  ASSERT_GT(operand.kPerStep, 0);
  for (int64_t mn0 = 0; mn0 < operand.mnExtent; mn0 += mnPerInstruction)
    for (int64_t step = 0; step < operand.kSteps(); ++step) {
      int64_t offset = operand.mnOffset(mn0) + operand.kStepOffset(step);
      ASSERT_EQ(offset % 16, 0);
      uint64_t descriptor = operand.encode(bufferBase + offset);
      // Advancing the descriptor is the same as encoding the address anew.
      ASSERT_EQ(descriptor, operand.encode(bufferBase) + (offset >> 4));
      for (int64_t mn = 0; mn < mnPerInstruction && mn0 + mn < operand.mnExtent;
           ++mn)
        for (int64_t k = 0; k < operand.kPerStep; ++k) {
          int64_t linear = mn0 + mn, kk = step * operand.kPerStep + k;
          llvm::SmallVector<int64_t, 3> c;
          if (operand.kMajor) {
            // The outer axes in row-major order form MN.
            for (size_t i = layout.axes().size() - 1; i-- > 0;) {
              c.insert(c.begin(), linear % layout.axes()[i].extent);
              linear /= layout.axes()[i].extent;
            }
            c.push_back(kk);
          } else {
            c = {kk, linear};
          }
          ASSERT_EQ(modelAddress(descriptor, operand.kMajor,
                                 layout.elementBits() / 8, mn, k),
                    bufferBase + layout.byteOffset(c))
              << layout.str() << " mn " << mn0 + mn << " k " << kk;
        }
    }
}

} // namespace

TEST(WgmmaOperand, KnownDescriptor) {
  // The value that a measured kernel used: K-major, 128-byte swizzle:
  // (address >> 4) | 64 << 32 | 1 << 62, advanced by 2 for 32 elements of K.
  SharedLayout layout =
      check(SharedLayout::get(8, {{"m", 128}, {"k", 128}}, Swizzle::B128));
  WgmmaOperandLayout operand = check(layout.wgmmaOperand("k"));
  EXPECT_TRUE(operand.kMajor);
  EXPECT_EQ(operand.constantBits(), uint64_t(64) << 32 | uint64_t(1) << 62);
  EXPECT_EQ(operand.encode(0x5400),
            uint64_t(0x540) | uint64_t(64) << 32 | uint64_t(1) << 62);
  EXPECT_EQ(operand.strideBytes, 1024);
  EXPECT_EQ(operand.kSteps(), 4);
  EXPECT_EQ(operand.kStepOffset(1) >> 4, 2);
  EXPECT_EQ(operand.mnOffset(64), 8192);
  // Addresses beyond 18 bits do not leak into other fields.
  EXPECT_EQ(WgmmaOperandLayout::addressBits(0x40010), 1u);
}

TEST(WgmmaOperand, SwizzleCodes) {
  auto code = [](Swizzle swizzle, int64_t k) {
    return check(check(SharedLayout::get(8, {{"m", 64}, {"k", k}}, swizzle))
                     .wgmmaOperand("k"))
               .constantBits() >>
           62;
  };
  EXPECT_EQ(code(Swizzle::B128, 128), 1u);
  EXPECT_EQ(code(Swizzle::B64, 64), 2u);
  EXPECT_EQ(code(Swizzle::B32, 32), 3u);
  SharedLayout none =
      check(SharedLayout::getInterleaved(8, {{"m", 64}, {"k", 64}}));
  EXPECT_EQ(check(none.wgmmaOperand("k")).constantBits() >> 62, 0u);
}

TEST(WgmmaOperand, KMajorReadsTheField) {
  for (unsigned bits : {8u, 16u, 32u})
    for (Swizzle swizzle : {Swizzle::B32, Swizzle::B64, Swizzle::B128})
      for (int64_t rows : {64, 128, 96, 16})
        for (int64_t spans : {1, 2, 3}) {
          int64_t k = static_cast<int64_t>(swizzle) * spans * 8 / bits;
          checkOperand(
              check(SharedLayout::get(bits, {{"m", rows}, {"k", k}}, swizzle)),
              "k", rows % 64 == 0 ? 64 : rows);
        }
  for (unsigned bits : {8u, 16u, 32u})
    checkOperand(check(SharedLayout::getInterleaved(
                     bits, {{"m", 64}, {"k", 128 * 8 / bits}})),
                 "k", 64);
}

TEST(WgmmaOperand, SeveralOuterAxesAreOneSide) {
  // c.q of the MQA kernel: [x: BQ, h: H, d: DH] contracted over d.
  for (int64_t depth : {32, 64, 128}) {
    SharedLayout q = check(
        SharedLayout::choose(8, {{"x", 2}, {"h", 64}, {"d", depth}}, true));
    checkOperand(q, "d", 128);
  }
}

TEST(WgmmaOperand, MNMajorReadsTheField) {
  for (Swizzle swizzle : {Swizzle::B32, Swizzle::B64, Swizzle::B128})
    for (int64_t k : {16, 64})
      for (int64_t mn : {64, 128, 256})
        checkOperand(
            check(SharedLayout::get(16, {{"k", k}, {"m", mn}}, swizzle)), "k",
            64);
  checkOperand(check(SharedLayout::getInterleaved(16, {{"k", 32}, {"m", 64}})),
               "k", 64);
}

TEST(WgmmaOperand, RefusesWithAReason) {
  SharedLayout plain =
      check(SharedLayout::get(8, {{"m", 64}, {"k", 128}}, Swizzle::None));
  EXPECT_NE(reason(plain.wgmmaOperand("k")), "");
  SharedLayout transposed =
      check(SharedLayout::get(8, {{"k", 64}, {"m", 128}}, Swizzle::B128));
  EXPECT_EQ(reason(transposed.wgmmaOperand("k")),
            "the contracted axis 'k' must be contiguous: wgmma reads only "
            "16-bit elements in the other order");
  EXPECT_EQ(reason(transposed.wgmmaOperand("z")), "the field has no axis 'z'");
  SharedLayout shortK =
      check(SharedLayout::get(16, {{"k", 8}, {"m", 64}}, Swizzle::B128));
  EXPECT_NE(reason(shortK.wgmmaOperand("k")), "");
  SharedLayout odd =
      check(SharedLayout::get(8, {{"m", 20}, {"k", 128}}, Swizzle::B128));
  EXPECT_NE(reason(odd.wgmmaOperand("k")), "");
  SharedLayout three = check(
      SharedLayout::get(16, {{"a", 2}, {"k", 16}, {"m", 64}}, Swizzle::B128));
  EXPECT_NE(reason(three.wgmmaOperand("k")), "");
  SharedLayout wide =
      check(SharedLayout::get(64, {{"m", 64}, {"k", 16}}, Swizzle::B128));
  EXPECT_NE(reason(wide.wgmmaOperand("k")), "");
}
