//===- AccumulateTest.cpp - how the tensor core adds ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "WgmmaTestSupport.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MemoryBuffer.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

using namespace tilewright::sim;

namespace {

/// The same definition, term by term, in long double: align, truncate, add,
/// truncate. Uses nothing of the implementation.
float modelDot(Format fa, Format fb, llvm::ArrayRef<uint32_t> a,
               llvm::ArrayRef<uint32_t> b, float c,
               const AccumulateModel &model) {
  auto exponentOf = [](Format f, double value) {
    int lowest = f == Format::E4M3                       ? -6
                 : f == Format::E5M2 || f == Format::F16 ? -14
                                                         : -126;
    return std::max(int(std::floor(std::log2(std::fabs(value)))), lowest);
  };
  unsigned group = model.groupK ? model.groupK : unsigned(a.size());
  for (size_t begin = 0; begin < a.size(); begin += group) {
    std::vector<std::pair<long double, int>> terms;
    if (c != 0)
      terms.push_back({c, exponentOf(Format::F32, c)});
    for (size_t i = begin; i < std::min(a.size(), begin + group); ++i) {
      double x = decode(fa, a[i]), y = decode(fb, b[i]);
      if (x * y == 0)
        continue;
      int exponent = exponentOf(fa, x) + exponentOf(fb, y);
      if (model.normaliseProducts &&
          std::fabs(x * y) >= std::ldexp(2.0, exponent))
        ++exponent;
      terms.push_back({x * y, exponent});
    }
    if (terms.empty()) {
      c = 0;
      continue;
    }
    int largest = terms[0].second;
    for (auto &term : terms)
      largest = std::max(largest, term.second);
    long double sum = 0;
    for (auto &term : terms)
      sum += std::ldexp(
          std::trunc(std::ldexp(term.first, int(model.fractionBits) - largest)),
          largest - int(model.fractionBits));
    if (sum == 0) {
      c = 0;
      continue;
    }
    int unit = std::max(int(std::floor(std::log2(std::fabs(sum)))), -126) -
               int(model.resultFractionBits);
    c = float(std::ldexp(std::trunc(std::ldexp(sum, -unit)), unit));
  }
  return c;
}

} // namespace

TEST(Accumulate, TruncatingAdderByHand) {
  WgmmaShape shape = shapeOf(Format::F32, Format::E4M3, Format::E4M3, 8);
  AccumulateModel model = AccumulateModel::hopper(Format::E4M3);
  EXPECT_FALSE(model.isExact);
  EXPECT_EQ(model.fractionBits, 13u);
  uint32_t one = 0x38, minusOne = 0xB8;
  // 1 * 1 added to 2^13 is kept, to 2^14 it is not.
  EXPECT_EQ(dotAccumulate(shape, {one}, {one}, 0x1p13f, model), 0x1p13f + 1);
  EXPECT_EQ(dotAccumulate(shape, {one}, {one}, 0x1p14f, model), 0x1p14f);
  // Truncation is toward zero on both sides.
  EXPECT_EQ(dotAccumulate(shape, {one}, {minusOne}, 0x1p14f, model), 0x1p14f);
  EXPECT_EQ(dotAccumulate(shape, {one}, {one}, -0x1p14f, model), -0x1p14f);
  // An accumulator with more digits loses them as soon as it is used.
  EXPECT_EQ(dotAccumulate(shape, {one}, {one}, 1 + 0x1p-20f, model), 2.0f);
  // The sum of thirty-two small ones does not survive beside a large term...
  std::vector<uint32_t> ones(32, one);
  EXPECT_EQ(dotAccumulate(shape, ones, ones, 0x1p15f, model), 0x1p15f);
  // ... but is right on its own.
  EXPECT_EQ(dotAccumulate(shape, ones, ones, 0, model), 32.0f);
  // Groups see each other's result only.
  model.groupK = 16;
  EXPECT_EQ(dotAccumulate(shape, ones, ones, 0, model), 32.0f);
  // 1.5 * 1.5 = 2.25 has the exponent 0 + 0 unless normalised.
  model = AccumulateModel::hopper(Format::E4M3);
  model.fractionBits = 3;
  model.resultFractionBits = 23;
  uint32_t oneHalf = 0x3C, tiny = 0x20; // 1.5, 0.125
  EXPECT_EQ(dotAccumulate(shape, {oneHalf, tiny}, {oneHalf, one}, 0, model),
            2.375f);
  model.normaliseProducts = true;
  EXPECT_EQ(dotAccumulate(shape, {oneHalf, tiny}, {oneHalf, one}, 0, model),
            2.25f);
  // Zeros take no part, and nothing at all is +0.
  EXPECT_EQ(asBits(dotAccumulate(shape, {0x80}, {one}, 0, model)), 0u);
}

TEST(Accumulate, TruncatingAdderAsDefined) {
  std::mt19937_64 random(23);
  struct Types {
    Format a, b;
  };
  for (Types t : {Types{Format::E4M3, Format::E4M3},
                  {Format::E5M2, Format::E4M3},
                  {Format::E5M2, Format::E5M2},
                  {Format::BF16, Format::BF16},
                  {Format::F16, Format::F16},
                  {Format::TF32, Format::TF32}})
    for (unsigned round = 0; round < 3000; ++round) {
      WgmmaShape shape = shapeOf(Format::F32, t.a, t.b, 8);
      AccumulateModel model = AccumulateModel::hopper(t.a);
      if (round % 3 == 1) {
        model.groupK = 4 << random() % 3;
        model.fractionBits = 10 + unsigned(random() % 16);
        model.resultFractionBits = 10 + unsigned(random() % 14);
        model.normaliseProducts = random() & 1;
      }
      WgmmaOperand a = randomOperand(1, shape.k(), t.a, random);
      WgmmaOperand b = randomOperand(1, shape.k(), t.b, random);
      if (round % 5 == 0)
        for (uint32_t &bits : a.bits)
          if (random() % 2)
            bits = 0;
      float c = std::ldexp(float(int32_t(random())), int(random() % 40) - 40);
      if (round % 7 == 0)
        c = 0;
      ASSERT_EQ(asBits(dotAccumulate(shape, a.bits, b.bits, c, model)),
                asBits(modelDot(t.a, t.b, a.bits, b.bits, c, model)))
          << formatName(t.a).str() << " round " << round;
    }
}

TEST(Accumulate, TruncatingAdderAsMeasured) {
  // What an H200 computed, drawn by sample_accumulations.py.
  auto file = llvm::MemoryBuffer::getFile(TILEWRIGHT_SOURCE_DIR
                                          "/test/unit/sim/accumulations.bin");
  ASSERT_TRUE(bool(file)) << file.getError().message();
  constexpr size_t recordBytes = 76;
  ASSERT_EQ((*file)->getBufferSize(), 1080 * recordBytes);
  const Format types[] = {Format::E4M3, Format::E5M2, Format::BF16, Format::F16,
                          Format::TF32};
  unsigned special = 0, truncated = 0;
  for (size_t i = 0; i < 1080; ++i) {
    const char *at = (*file)->getBufferStart() + i * recordBytes;
    uint32_t head = llvm::support::endian::read32le(at);
    Format format = types[head & 0xFF];
    unsigned size = bitWidth(format) / 8;
    std::vector<uint32_t> a(32 / size, 0), b(32 / size, 0);
    for (unsigned k = 0; k < 32 / size; ++k) {
      std::memcpy(&a[k], at + 4 + k * size, size);
      std::memcpy(&b[k], at + 36 + k * size, size);
    }
    uint32_t c = llvm::support::endian::read32le(at + 68);
    uint32_t d = llvm::support::endian::read32le(at + 72);
    WgmmaShape shape = shapeOf(Format::F32, format, format, 8);
    ASSERT_EQ(asBits(dotAccumulate(shape, a, b, asFloat(c),
                                   AccumulateModel::hopper(format))),
              d)
        << formatName(format).str() << " class " << (head >> 8) << " record "
        << i;
    special += !std::isfinite(asFloat(d));
    truncated += asBits(dotAccumulate(shape, a, b, asFloat(c),
                                      AccumulateModel::exact())) != d;
  }
  // The sample tells the models apart, and has infinities or NaN in it.
  EXPECT_GT(truncated, 300u);
  EXPECT_GT(special, 10u);
}

TEST(Accumulate, TheInstructionIsItsDotProducts) {
  std::mt19937_64 random(24);
  for (Format format : {Format::E4M3, Format::BF16}) {
    WgmmaShape shape = shapeOf(Format::F32, format, format, 16);
    shape.negateB = true;
    WgmmaOperand a = randomOperand(64, shape.k(), format, random);
    WgmmaOperand b = randomOperand(16, shape.k(), format, random);
    std::vector<uint32_t> d(128 * 8);
    for (uint32_t &word : d)
      word = asBits(float(int32_t(random())) * 0x1p-16f);
    AccumulateModel model = AccumulateModel::hopper(format);
    std::vector<uint32_t> before = d, again = d;
    multiplyAccumulate(shape, a, b, true, d, model);
    multiplyAccumulate(shape, a, b, true, again, AccumulateModel::hopper());
    ASSERT_EQ(d, again);
    for (unsigned row = 0; row < 64; ++row)
      for (unsigned column = 0; column < 16; ++column) {
        llvm::ArrayRef<uint32_t> x(&a.bits[row * a.k], a.k);
        llvm::ArrayRef<uint32_t> y(&b.bits[column * b.k], b.k);
        float c = asFloat(accumulatorElement(shape, before, row, column));
        ASSERT_EQ(accumulatorElement(shape, d, row, column),
                  asBits(dotAccumulate(shape, x, y, c, model)));
      }
  }
}

TEST(Accumulate, InfinitiesAndNaN) {
  float inf = std::numeric_limits<float>::infinity();
  WgmmaShape shape = shapeOf(Format::F32, Format::E5M2, Format::E5M2, 8);
  uint32_t one = 0x3C, infinite = 0x7C, minusInfinite = 0xFC, nan = 0x7F;
  for (const AccumulateModel &model :
       {AccumulateModel::exact(), AccumulateModel::hopper(Format::E5M2)}) {
    auto dot = [&](llvm::ArrayRef<uint32_t> a, float c) {
      std::vector<uint32_t> ones(a.size(), one);
      return asBits(dotAccumulate(shape, a, ones, c, model));
    };
    EXPECT_EQ(dot({infinite, one}, 1), asBits(inf));
    EXPECT_EQ(dot({minusInfinite, one}, 1), asBits(-inf));
    EXPECT_EQ(dot({infinite, minusInfinite}, 0), 0x7FFFFFFFu);
    EXPECT_EQ(dot({infinite}, -inf), 0x7FFFFFFFu);
    EXPECT_EQ(dot({nan}, 1), 0x7FFFFFFFu);
    EXPECT_EQ(dot({one}, inf), asBits(inf));
    EXPECT_EQ(dot({one}, asFloat(0x7F800001)), 0x7FFFFFFFu);
    // The instruction says the same.
    WgmmaOperand a{64, 32, std::vector<uint32_t>(64 * 32, one)};
    WgmmaOperand b{8, 32, std::vector<uint32_t>(8 * 32, one)};
    std::vector<uint32_t> d(128 * 4, 0);
    a.bits[3 * 32 + 5] = infinite;
    d[4 * 4] = asBits(-inf); // thread 4 holds row 1
    // An infinity changes nothing but the row that it is in: the others still
    // truncate.
    bool truncates = !model.isExact;
    d[8 * 4] = asBits(0x1p20f);
    d[8 * 4 + 1] = asBits(1 + 0x1p-18f); // thread 8 holds row 2
    multiplyAccumulate(shape, a, b, true, d, model);
    EXPECT_EQ(accumulatorElement(shape, d, 2, 0),
              asBits(truncates ? 0x1p20f : 0x1p20f + 32));
    EXPECT_EQ(accumulatorElement(shape, d, 2, 1),
              asBits(truncates ? 33.0f : 33 + 0x1p-18f));
    for (unsigned column = 0; column < 8; ++column) {
      EXPECT_EQ(accumulatorElement(shape, d, 3, column), asBits(inf));
      EXPECT_EQ(accumulatorElement(shape, d, 1, column),
                asBits(column == 0 ? -inf : 32.0f));
      EXPECT_EQ(accumulatorElement(shape, d, 0, column), asBits(32.0f));
    }
  }
}

//===----------------------------------------------------------------------===//
// What promotion buys
//===----------------------------------------------------------------------===//

namespace {

struct SumError {
  double plain, promoted; ///< Root mean square, relative.
};

/// The error of K products of e4m3 summed by the tensor core alone; promoted
/// to an f32 sum every 128. Values are uniform over the bits of three of e4m3's
/// binades, all positive or of either sign; f32 would hold their sums exactly.
SumError sumErrors(unsigned k, bool positive, std::mt19937_64 &random) {
  WgmmaShape shape = shapeOf(Format::F32, Format::E4M3, Format::E4M3, 8);
  AccumulateModel hopper = AccumulateModel::hopper(Format::E4M3);
  SumError error = {};
  double squares = 0;
  constexpr unsigned samples = 200;
  for (unsigned sample = 0; sample < samples; ++sample) {
    float plain = 0, promoted = 0, partial = 0;
    double sum = 0;
    for (unsigned begin = 0; begin < k; begin += 32) {
      std::vector<uint32_t> a(32), b(32);
      for (unsigned i = 0; i < 32; ++i) {
        a[i] = 0x28 + random() % 24; // binades 2^-2 to 2^0
        b[i] = 0x28 + random() % 24;
        if (!positive)
          a[i] |= random() & 0x80;
        sum += decode(Format::E4M3, a[i]) * decode(Format::E4M3, b[i]);
      }
      plain = dotAccumulate(shape, a, b, plain, hopper);
      partial = dotAccumulate(shape, a, b, partial, hopper);
      if ((begin + 32) % 128 == 0) {
        promoted += partial;
        partial = 0;
      }
    }
    error.plain += (plain - sum) * (plain - sum);
    error.promoted += (promoted - sum) * (promoted - sum);
    squares += sum * sum;
  }
  error.plain = std::sqrt(error.plain / squares);
  error.promoted = std::sqrt(error.promoted / squares);
  return error;
}

} // namespace

TEST(Accumulate, PromotionKeepsTheErrorFromGrowing) {
  // TILEWRIGHT_PROMOTION_CSV names a file for the figure in
  // docs/rationale/fp8.md (docs/figures/fp8_promotion.py draws it).
  std::mt19937_64 random(99);
  std::FILE *csv = nullptr;
  if (const char *path = std::getenv("TILEWRIGHT_PROMOTION_CSV"))
    csv = std::fopen(path, "w");
  if (csv)
    std::fprintf(csv, "data,k,tensor_core,promoted_128\n");
  for (bool positive : {true, false}) {
    SumError first = {}, last = {};
    for (unsigned k = 128; k <= 16384; k *= 2) {
      SumError error = sumErrors(k, positive, random);
      if (csv)
        std::fprintf(csv, "%s,%u,%.3e,%.3e\n", positive ? "positive" : "signed",
                     k, error.plain, error.promoted);
      (k == 128 ? first : last) = error;
      if (k == 128)
        // One block: promotion only copies.
        EXPECT_EQ(error.plain, error.promoted);
      else
        EXPECT_LT(error.promoted, error.plain);
    }
    // From one block to 128: the tensor core's own error grows by more than an
    // order of magnitude, the promoted one does not grow at all.
    EXPECT_GT(last.plain, 10 * first.plain);
    EXPECT_LT(last.promoted, 1.5 * first.promoted);
    EXPECT_GT(last.plain, 10 * last.promoted);
  }
  if (csv)
    std::fclose(csv);
}
