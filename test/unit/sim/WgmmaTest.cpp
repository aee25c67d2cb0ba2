//===- WgmmaTest.cpp - operands, fragments and sums of wgmma --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "WgmmaTestSupport.h"
#include "gtest/gtest.h"
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <set>

using namespace tilewright::sim;

namespace {

uint64_t makeDescriptor(uint32_t start, uint32_t leading, uint32_t stride,
                        MapSwizzle swizzle) {
  uint64_t code = swizzle == MapSwizzle::None   ? 0
                  : swizzle == MapSwizzle::B128 ? 1
                  : swizzle == MapSwizzle::B64  ? 2
                                                : 3;
  return uint64_t(start >> 4) | uint64_t(leading >> 4) << 16 |
         uint64_t(stride >> 4) << 32 | code << 62;
}

std::string reason(const WgmmaShape &shape) {
  return llvm::toString(shape.check());
}

} // namespace

TEST(SimWgmma, DecodesDescriptors) {
  MatrixDescriptor d = MatrixDescriptor::decode(
      uint64_t(0x540) | uint64_t(3) << 16 | uint64_t(64) << 32 |
      uint64_t(5) << 49 | uint64_t(1) << 62);
  EXPECT_EQ(d.start, 0x5400u);
  EXPECT_EQ(d.leading, 48u);
  EXPECT_EQ(d.stride, 1024u);
  EXPECT_EQ(d.baseOffset, 5u);
  EXPECT_EQ(d.swizzle, MapSwizzle::B128);
  EXPECT_EQ(MatrixDescriptor::decode(uint64_t(2) << 62).swizzle,
            MapSwizzle::B64);
  EXPECT_EQ(MatrixDescriptor::decode(uint64_t(3) << 62).swizzle,
            MapSwizzle::B32);
  EXPECT_EQ(MatrixDescriptor::decode(0).swizzle, MapSwizzle::None);
}

TEST(SimWgmma, KnowsWhichInstructionsExist) {
  EXPECT_EQ(reason(shapeOf(Format::F32, Format::E4M3, Format::E5M2, 128)), "");
  EXPECT_EQ(reason(shapeOf(Format::F16, Format::F16, Format::F16, 256)), "");
  EXPECT_EQ(reason(shapeOf(Format::F32, Format::TF32, Format::TF32, 8)), "");
  EXPECT_EQ(reason(shapeOf(Format::S32, Format::S8, Format::U8, 24)), "");
  EXPECT_EQ(reason(shapeOf(Format::F32, Format::BF16, Format::F16, 64)),
            "wgmma.m64n64.f32.bf16.f16: no such combination of operand types");
  EXPECT_EQ(reason(shapeOf(Format::F16, Format::BF16, Format::BF16, 64)),
            "wgmma.m64n64.f16.bf16.bf16: no such accumulator type for these "
            "operands");
  EXPECT_NE(reason(shapeOf(Format::F32, Format::S8, Format::S8, 64)), "");
  EXPECT_NE(reason(shapeOf(Format::S32, Format::E4M3, Format::E4M3, 64)), "");
  for (unsigned n : {0u, 4u, 12u, 264u})
    EXPECT_NE(reason(shapeOf(Format::F32, Format::BF16, Format::BF16, n)), "");
  EXPECT_NE(reason(shapeOf(Format::S32, Format::S8, Format::S8, 40)), "");
  WgmmaShape shape = shapeOf(Format::F32, Format::E4M3, Format::E4M3, 64);
  shape.transB = true;
  EXPECT_EQ(reason(shape), "wgmma.m64n64.f32.e4m3.e4m3: only 16-bit operands "
                           "can be transposed");
  shape = shapeOf(Format::S32, Format::S8, Format::S8, 64);
  shape.negateA = true;
  EXPECT_NE(reason(shape), "");
  shape = shapeOf(Format::F32, Format::F16, Format::F16, 64);
  shape.satfinite = true;
  EXPECT_NE(reason(shape), "");
}

TEST(SimWgmma, EveryAccumulatorElementHasOneHolder) {
  for (unsigned n : {8u, 64u, 256u}) {
    std::set<std::pair<unsigned, unsigned>> seen;
    for (unsigned thread = 0; thread < 128; ++thread)
      for (unsigned e = 0; e < n / 2; ++e) {
        FragmentCoordinate at = accumulatorCoordinate(thread, e);
        EXPECT_LT(at.row, 64u);
        EXPECT_LT(at.column, n);
        EXPECT_TRUE(seen.insert({at.row, at.column}).second);
      }
    EXPECT_EQ(seen.size(), 64u * n);
  }
  // From the figure: thread 37 is lane 5 of warp 1.
  EXPECT_EQ(accumulatorCoordinate(37, 0).row, 17u);
  EXPECT_EQ(accumulatorCoordinate(37, 0).column, 2u);
  EXPECT_EQ(accumulatorCoordinate(37, 7).row, 25u);
  EXPECT_EQ(accumulatorCoordinate(37, 7).column, 11u);
}

TEST(SimWgmma, ReadsUnswizzledCoreMatrices) {
  // Core matrices of 8 rows of 16 bytes, each contiguous, placed wherever the
  // two offsets say.
  std::mt19937_64 random(4);
  for (Format format : {Format::E4M3, Format::BF16, Format::TF32})
    for (auto [leading, stride] :
         {std::pair<uint32_t, uint32_t>{128, 256}, {2048, 128}, {144, 1024}}) {
      unsigned size = bitWidth(format) / 8, perRow = 16 / size;
      WgmmaShape shape = shapeOf(Format::F32, format, format, 64);
      std::vector<uint8_t> shared(32768);
      for (uint8_t &byte : shared)
        byte = uint8_t(random());
      uint32_t start = 512;
      auto a = readOperandA(
          shape, makeDescriptor(start, leading, stride, MapSwizzle::None),
          shared);
      ASSERT_TRUE(bool(a)) << llvm::toString(a.takeError());
      for (unsigned group = 0; group < 8; ++group)
        for (unsigned half = 0; half < 2; ++half) {
          uint32_t core = start + group * stride + half * leading;
          for (unsigned r = 0; r < 8; ++r)
            for (unsigned c = 0; c < perRow; ++c) {
              uint32_t value = 0;
              std::memcpy(&value, &shared[core + 16 * r + c * size], size);
              ASSERT_EQ(a->bits[(8 * group + r) * a->k + half * perRow + c],
                        value);
            }
        }
    }
}

TEST(SimWgmma, ReadsTransposedUnswizzledCoreMatrices) {
  // MN-major: a core matrix is 8 steps of K by 8 elements of MN; the stride
  // offset moves along MN, the leading one along K.
  std::mt19937_64 random(4);
  WgmmaShape shape = shapeOf(Format::F32, Format::BF16, Format::BF16, 32);
  shape.transB = true;
  std::vector<uint8_t> shared(8192);
  for (uint8_t &byte : shared)
    byte = uint8_t(random());
  auto b = readOperandB(shape, makeDescriptor(256, 2048, 128, MapSwizzle::None),
                        shared);
  ASSERT_TRUE(bool(b)) << llvm::toString(b.takeError());
  ASSERT_EQ(b->rows, 32u);
  for (unsigned n = 0; n < 32; ++n)
    for (unsigned k = 0; k < 16; ++k) {
      uint32_t core = 256 + n / 8 * 128 + k / 8 * 2048;
      uint16_t value;
      std::memcpy(&value, &shared[core + 16 * (k % 8) + 2 * (n % 8)], 2);
      ASSERT_EQ(b->bits[n * 16 + k], value);
    }
}

TEST(SimWgmma, ReadsSwizzledRows) {
  // Rows of `span` bytes written one after the other with the swizzle as the
  // figures draw it, at an address aligned to the pattern.
  std::mt19937_64 random(4);
  for (MapSwizzle swizzle :
       {MapSwizzle::B32, MapSwizzle::B64, MapSwizzle::B128})
    for (Format format : {Format::E4M3, Format::F16, Format::TF32}) {
      unsigned span = swizzleSpan(swizzle), size = bitWidth(format) / 8;
      unsigned rows = 64, perSpan = span / size;
      std::vector<uint32_t> matrix(rows * perSpan);
      std::vector<uint8_t> shared(2048 + rows * span);
      uint32_t start = 1024;
      for (unsigned r = 0; r < rows; ++r)
        for (unsigned c = 0; c < perSpan; ++c) {
          uint32_t value = randomElement(format, random);
          matrix[r * perSpan + c] = value;
          unsigned unit = c * size / 16, line = r * span / 128;
          std::memcpy(&shared[start + r * span +
                              (unit ^ line % (span / 16)) * 16 + c * size % 16],
                      &value, size);
        }
      WgmmaShape shape = shapeOf(Format::F32, format, format, rows);
      for (unsigned step = 0; step < span / 32; ++step)
        for (bool isB : {false, true}) {
          uint64_t descriptor =
              makeDescriptor(start + 32 * step, 16, 8 * span, swizzle);
          ByteRanges touched;
          auto operand =
              isB ? readOperandB(shape, descriptor, shared, &touched)
                  : readOperandA(shape, descriptor, shared, &touched);
          ASSERT_TRUE(bool(operand)) << llvm::toString(operand.takeError());
          for (unsigned r = 0; r < rows; ++r)
            for (unsigned k = 0; k < shape.k(); ++k)
              ASSERT_EQ(operand->bits[r * shape.k() + k],
                        matrix[r * perSpan + step * shape.k() + k])
                  << r << " " << k;
          uint64_t bytes = 0;
          for (const ByteRange &range : touched)
            bytes += range.size;
          EXPECT_EQ(bytes, rows * 32);
          auto ranges = operandRanges(shape, isB, descriptor, shared.size());
          ASSERT_TRUE(bool(ranges));
          EXPECT_TRUE(*ranges == touched);
        }
    }
}

TEST(SimWgmma, RefusesDescriptorsThatLeaveSharedMemory) {
  WgmmaShape shape = shapeOf(Format::F32, Format::E4M3, Format::E4M3, 64);
  std::vector<uint8_t> shared(8192 - 16);
  auto fails = [&](uint64_t descriptor) {
    auto a = readOperandA(shape, descriptor, shared);
    return a ? "" : llvm::toString(a.takeError());
  };
  // Row 63 is at 8064 + (unit ^ 7) * 16: its unit 0 is the last of the 8192
  // bytes, its units 6 and 7 are the first.
  EXPECT_EQ(fails(makeDescriptor(0, 16, 1024, MapSwizzle::B128)),
            "wgmma: element (m 63, k 0) of operand A lies at shared-memory "
            "address 8176, outside of the 8176 bytes of shared memory");
  EXPECT_EQ(fails(makeDescriptor(96, 16, 1024, MapSwizzle::B128)), "");
  EXPECT_EQ(fails(makeDescriptor(0, 16, 2048, MapSwizzle::B128)),
            "wgmma: element (m 32, k 0) of operand A lies at shared-memory "
            "address 8192, outside of the 8176 bytes of shared memory");
  EXPECT_EQ(
      fails(makeDescriptor(0, 16, 1024, MapSwizzle::B128) | uint64_t(1) << 49),
      "wgmma: the descriptor of A has base offset 1, which is not "
      "modelled (align the buffer to the swizzle's period)");
}

TEST(SimWgmma, RegisterFragmentsOfA) {
  for (Format format : {Format::E4M3, Format::S8, Format::F16, Format::TF32}) {
    WgmmaShape shape = shapeOf(format == Format::S8 ? Format::S32 : Format::F32,
                               format, format, 8);
    // Every element is marked by the register and place it comes from.
    unsigned width = bitWidth(format), packed = 32 / width;
    std::vector<uint32_t> registers(512);
    for (uint32_t i = 0; i < 512; ++i)
      registers[i] = width == 32   ? i * 977
                     : width == 16 ? (i * 2) | (i * 2 + 1) << 16
                                   : 0;
    if (width == 8)
      for (uint32_t i = 0; i < 512; ++i)
        for (unsigned j = 0; j < 4; ++j)
          registers[i] |= ((i * 5 + j * 67) & 0xFF) << (8 * j);
    auto a = readFragmentA(shape, registers);
    ASSERT_TRUE(bool(a)) << llvm::toString(a.takeError());
    // The figures of PTX ISA: row = 16*warp + group (+ 8 for registers 1 and
    // 3), column = packed*(lane%4) + i (+ K/2 for registers 2 and 3).
    for (unsigned row = 0; row < 64; ++row)
      for (unsigned k = 0; k < shape.k(); ++k) {
        unsigned warp = row / 16, group = row % 8, high = row % 16 / 8;
        unsigned half = k / (shape.k() / 2), rest = k % (shape.k() / 2);
        unsigned lane = 4 * group + rest / packed;
        uint32_t word = registers[(32 * warp + lane) * 4 + 2 * half + high];
        uint32_t value = width == 32 ? word
                                     : word >> (width * (rest % packed)) &
                                           ((1u << width) - 1);
        ASSERT_EQ(a->bits[row * shape.k() + k], value) << row << " " << k;
      }
  }
}

TEST(SimWgmma, ProductsAreExact) {
  std::mt19937_64 random(21);
  struct Types {
    Format d, a, b;
  };
  for (Types t : {Types{Format::F32, Format::E4M3, Format::E4M3},
                  {Format::F32, Format::E4M3, Format::E5M2},
                  {Format::F32, Format::BF16, Format::BF16},
                  {Format::F32, Format::F16, Format::F16},
                  {Format::F32, Format::TF32, Format::TF32},
                  {Format::F16, Format::E4M3, Format::E4M3}})
    for (unsigned n : {8u, 24u, 128u, 256u})
      for (unsigned variant = 0; variant < 8; ++variant) {
        WgmmaShape shape = shapeOf(t.d, t.a, t.b, n);
        shape.negateA = variant & 1;
        shape.negateB = variant & 2;
        bool scaleD = variant & 4;
        WgmmaOperand a = randomOperand(64, shape.k(), t.a, random);
        WgmmaOperand b = randomOperand(n, shape.k(), t.b, random);
        std::vector<uint32_t> d(128 * shape.registersD());
        for (uint32_t &word : d)
          word = t.d == Format::F16
                     ? uint32_t(random()) & 0xBBFFBBFF
                     : asBits(float(int32_t(random())) * 0x1p-20f);
        std::vector<uint32_t> before = d;
        multiplyAccumulate(shape, a, b, scaleD, d, AccumulateModel::exact());
        std::vector<uint32_t> again = before;
        for (unsigned row = 0; row < 64; row += 7)
          for (unsigned column = 0; column < n; column += 3) {
            long double sum = 0;
            for (unsigned k = 0; k < shape.k(); ++k)
              sum += (long double)decode(t.a, a.bits[row * a.k + k]) *
                     decode(t.b, b.bits[column * b.k + k]);
            if (shape.negateA != shape.negateB)
              sum = -sum;
            uint32_t c = accumulatorElement(shape, before, row, column);
            if (scaleD)
              sum += decode(t.d, c);
            uint32_t expected = uint32_t(encode(t.d, double(sum)));
            ASSERT_EQ(accumulatorElement(shape, d, row, column) & 0x7FFFFFFF,
                      expected & 0x7FFFFFFF)
                << formatName(t.a).str() << " n " << n << " at " << row << ", "
                << column;
          }
      }
}

TEST(SimWgmma, IntegersWrapOrSaturate) {
  std::mt19937_64 random(22);
  for (auto [fa, fb] : {std::pair<Format, Format>{Format::S8, Format::S8},
                        {Format::U8, Format::S8},
                        {Format::U8, Format::U8}})
    for (bool satfinite : {false, true}) {
      WgmmaShape shape = shapeOf(Format::S32, fa, fb, 32);
      shape.satfinite = satfinite;
      WgmmaOperand a = randomOperand(64, 32, fa, random);
      WgmmaOperand b = randomOperand(32, 32, fb, random);
      std::vector<uint32_t> d(128 * 16);
      for (uint32_t &word : d)
        word = random() % 2 ? 0x7FFFF000u + uint32_t(random()) % 4096
                            : uint32_t(random());
      std::vector<uint32_t> before = d;
      multiplyAccumulate(shape, a, b, true, d, AccumulateModel::exact());
      for (unsigned row = 0; row < 64; ++row)
        for (unsigned column = 0; column < 32; ++column) {
          int64_t sum = int32_t(accumulatorElement(shape, before, row, column));
          for (unsigned k = 0; k < 32; ++k)
            sum += int64_t(decode(fa, a.bits[row * 32 + k])) *
                   int64_t(decode(fb, b.bits[column * 32 + k]));
          int32_t expected = int32_t(uint32_t(sum));
          if (satfinite && sum > std::numeric_limits<int32_t>::max())
            expected = std::numeric_limits<int32_t>::max();
          if (satfinite && sum < std::numeric_limits<int32_t>::min())
            expected = std::numeric_limits<int32_t>::min();
          ASSERT_EQ(int32_t(accumulatorElement(shape, d, row, column)),
                    expected);
        }
    }
}
