//===- ReferenceGemmTest.cpp - the reference against plain loops ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ReferenceTestSupport.h"

using namespace tilewright;
using namespace tilewright::reference;
using namespace tilewright::reference::test;

namespace {

struct Sum {
  double value = 0, magnitude = 0;
};

/// Σ_k a·b·sa·sb over blocks of 128, with the sums of absolute values.
template <typename ScaleB>
Sum scaledDot(Example &e, int64_t i, int64_t j, int64_t k, ScaleB scaleB) {
  Sum sum;
  for (int64_t x = 0; x < k; ++x) {
    double term = e["A"].get({i, x}) * e["B"].get({j, x}) *
                  e["SA"].get({x / 128, i}) * scaleB(j, x / 128);
    sum.value += term;
    sum.magnitude += std::fabs(term);
  }
  return sum;
}

class FP8Gemm : public ::testing::TestWithParam<std::array<int64_t, 3>> {};

TEST_P(FP8Gemm, MatchesATripleLoop) {
  auto [m, n, k] = GetParam();
  Example e("kernels/gemm/fp8_gemm_nt.tw",
            {{"BM", "64"}, {"BN", "32"}, {"CL", "1"}, {"G", "8"}, {"WG", "1"}},
            {{"M", m}, {"N", n}, {"K", k}});
  ASSERT_READY(e);
  auto d = e.output("D");
  ASSERT_TRUE(d);
  ASSERT_EQ(d->size(), m * n);
  EXPECT_EQ(d->count(OutputValues::Evaluated), m * n);
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      Sum sum = scaledDot(e, i, j, k, [&](int64_t row, int64_t block) {
        return e["SB"].get({row / 128, block});
      });
      ASSERT_TRUE(near(*d, i * n + j, sum.value, sum.magnitude));
      ASSERT_TRUE(magnitudeNear(*d, i * n + j, sum.magnitude));
    }
  EXPECT_EQ(e.last.operations, 2.0 * m * n * k);
  EXPECT_EQ(e.last.items, ((m + 63) / 64) * ((n + 31) / 32));
  EXPECT_EQ(e.last.evaluatedItems, e.last.items);
}

INSTANTIATE_TEST_SUITE_P(Shapes, FP8Gemm,
                         ::testing::Values(std::array<int64_t, 3>{1, 24, 128},
                                           std::array<int64_t, 3>{65, 33, 130},
                                           std::array<int64_t, 3>{64, 32, 256},
                                           std::array<int64_t, 3>{7, 130, 1},
                                           std::array<int64_t, 3>{70, 40, 0},
                                           std::array<int64_t, 3>{0, 40, 128},
                                           std::array<int64_t, 3>{127, 200,
                                                                  300}));

TEST(ReferenceGemm, SwappedOperandsAreTheSameProduct) {
  Example e("kernels/gemm/fp8_gemm_nt_swap_ab.tw",
            {{"BM", "8"}, {"BN", "64"}, {"S", "1"}, {"G", "8"}, {"WG", "1"}},
            {{"M", 11}, {"N", 70}, {"K", 200}});
  ASSERT_READY(e);
  auto d = e.output("D");
  ASSERT_TRUE(d);
  for (int64_t i = 0; i < 11; ++i)
    for (int64_t j = 0; j < 70; ++j) {
      Sum sum = scaledDot(e, i, j, 200, [&](int64_t row, int64_t block) {
        return e["SB"].get({row / 128, block});
      });
      ASSERT_TRUE(near(*d, i * 70 + j, sum.value, sum.magnitude));
    }
}

TEST(ReferenceGemm, ClustersAddUp) {
  Example e("kernels/gemm/fp8_gemm_nt_swap_ab.tw",
            {{"BM", "16"}, {"BN", "64"}, {"S", "4"}, {"G", "8"}, {"WG", "1"}},
            {{"M", 18}, {"N", 66}, {"K", 1000}});
  ASSERT_READY(e);
  auto d = e.output("D");
  ASSERT_TRUE(d);
  EXPECT_EQ(d->count(OutputValues::Evaluated), 18 * 66);
  for (int64_t i = 0; i < 18; ++i)
    for (int64_t j = 0; j < 66; ++j) {
      Sum sum = scaledDot(e, i, j, 1000, [&](int64_t row, int64_t block) {
        return e["SB"].get({row / 128, block});
      });
      ASSERT_TRUE(near(*d, i * 66 + j, sum.value, sum.magnitude));
    }
}

TEST(ReferenceGemm, WeightGradientAddsToWhatWasThere) {
  Example e("kernels/gemm/fp8_wgrad_nt.tw",
            {{"BM", "64"}, {"BN", "64"}, {"CL", "1"}, {"G", "4"}, {"WG", "1"}},
            {{"M", 70}, {"N", 65}, {"K", 300}});
  ASSERT_READY(e);
  auto d = e.output("D");
  ASSERT_TRUE(d);
  for (int64_t i = 0; i < 70; ++i)
    for (int64_t j = 0; j < 65; ++j) {
      Sum sum = scaledDot(e, i, j, 300, [&](int64_t row, int64_t block) {
        return e["SB"].get({block, row});
      });
      double old = e["D"].get({i, j});
      ASSERT_TRUE(near(*d, i * 65 + j, old + sum.value, sum.magnitude));
      ASSERT_TRUE(
          magnitudeNear(*d, i * 65 + j, std::fabs(old) + sum.magnitude));
    }
}

/// BF16 in all majornesses, stored or accumulated, on both targets.
class BF16Gemm : public ::testing::TestWithParam<
                     std::tuple<const char *, const char *, bool, bool>> {};

TEST_P(BF16Gemm, MatchesATripleLoop) {
  auto [ma, mb, add, blackwell] = GetParam();
  Example e("kernels/sketches/bf16_gemm.tw",
            {{"BM", "64"},
             {"BN", "64"},
             {"CL", "1"},
             {"G", "8"},
             {"WG", "1"},
             {"TD", "f32"},
             {"ADD", add ? "true" : "false"},
             {"MA", ma},
             {"MB", mb}},
            {{"M", 67}, {"N", 50}, {"K", 90}},
            blackwell ? dsl::typed::Target::SM100a : dsl::typed::Target::SM90a);
  ASSERT_READY(e);
  auto d = e.output("D");
  ASSERT_TRUE(d);
  for (int64_t i = 0; i < 67; ++i)
    for (int64_t j = 0; j < 50; ++j) {
      double sum = add ? e["D"].get({i, j}) : 0, magnitude = std::fabs(sum);
      for (int64_t k = 0; k < 90; ++k) {
        double term = e["A"].get({i, k}) * e["B"].get({j, k});
        sum += term;
        magnitude += std::fabs(term);
      }
      ASSERT_TRUE(near(*d, i * 50 + j, sum, magnitude));
      ASSERT_TRUE(magnitudeNear(*d, i * 50 + j, magnitude));
    }
}

INSTANTIATE_TEST_SUITE_P(Forms, BF16Gemm,
                         ::testing::Combine(::testing::Values("K", "M"),
                                            ::testing::Values("K", "N"),
                                            ::testing::Bool(),
                                            ::testing::Bool()));

TEST(ReferenceGemm, GroupedByMask) {
  Example e("kernels/sketches/m_grouped_fp8_gemm_nt_masked.tw",
            {{"BM", "64"}, {"BN", "64"}, {"CL", "1"}, {"G", "8"}, {"WG", "1"}},
            {{"E", 3}, {"M", 100}, {"N", 64}, {"K", 128}});
  ASSERT_READY(e);
  int64_t counts[] = {70, 0, 100};
  for (int64_t g = 0; g < 3; ++g)
    e["cnt"].set({g}, double(counts[g]));
  auto d = e.output("D");
  ASSERT_TRUE(d);
  EXPECT_EQ(e.last.items, 4);
  for (int64_t g = 0; g < 3; ++g)
    for (int64_t i = 0; i < 100; ++i)
      for (int64_t j = 0; j < 64; ++j) {
        int64_t at = (g * 100 + i) * 64 + j;
        if (i >= counts[g]) {
          ASSERT_EQ(d->state(at), OutputValues::Untouched);
          continue;
        }
        double sum = 0, magnitude = 0;
        for (int64_t k = 0; k < 128; ++k) {
          double term = e["A"].get({g, i, k}) * e["B"].get({g, j, k}) *
                        e["SA"].get({g, 0, i}) * e["SB"].get({g, 0, 0});
          sum += term;
          magnitude += std::fabs(term);
        }
        ASSERT_TRUE(near(*d, at, sum, magnitude));
      }
}

TEST(ReferenceGemm, GroupedByKThroughViews) {
  Example e("kernels/sketches/k_grouped_fp8_gemm_nt.tw",
            {{"BM", "64"},
             {"BN", "64"},
             {"CL", "1"},
             {"G", "4"},
             {"WG", "1"},
             {"E", "3"}},
            {{"M", 64},
             {"N", 70},
             {"KB", 3},
             {"LA", 3 * 128 * 64},
             {"LB", 3 * 128 * 70}});
  ASSERT_READY(e);
  int64_t sizes[] = {128, 0, 256};
  for (int64_t g = 0; g < 3; ++g)
    e["ks"].set({g}, double(sizes[g]));
  auto d = e.output("D");
  ASSERT_TRUE(d);
  int64_t before = 0;
  for (int64_t g = 0; g < 3; before += sizes[g++])
    for (int64_t i = 0; i < 64; ++i)
      for (int64_t j = 0; j < 70; ++j) {
        int64_t at = (g * 64 + i) * 70 + j;
        if (sizes[g] == 0) {
          ASSERT_EQ(d->state(at), OutputValues::Untouched);
          continue;
        }
        double sum = e["D"].get({g, i, j}), magnitude = std::fabs(sum);
        for (int64_t k = 0; k < sizes[g]; ++k) {
          int64_t block = (before + k) / 128;
          double term = e["A"].get({64 * before + i * sizes[g] + k}) *
                        e["B"].get({70 * before + j * sizes[g] + k}) *
                        e["SA"].get({block, i}) * e["SB"].get({block, j});
          sum += term;
          magnitude += std::fabs(term);
        }
        ASSERT_TRUE(near(*d, at, sum, magnitude));
      }
}

TEST(ReferenceGemm, FP4WeightsFoldTheirScalesExactly) {
  for (bool wide : {false, true}) {
    Example e("kernels/sketches/fp8_fp4_gemm_nt.tw",
              {{"BM", "16"},
               {"BN", "64"},
               {"G", "8"},
               {"CG", "1"},
               {"WG", "1"},
               {"WIDE", wide ? "true" : "false"}},
              {{"M", 20}, {"N", 70}, {"K", 256}});
    ASSERT_READY(e);
    auto d = e.output("D");
    ASSERT_TRUE(d);
    for (int64_t i = 0; i < 20; ++i)
      for (int64_t j = 0; j < 70; ++j) {
        double sum = 0, magnitude = 0;
        for (int64_t k = 0; k < 256; ++k) {
          double term = e["A"].get({i, k}) * e["B"].get({j, k}) *
                        e["SA"].get({k / 128, i}) *
                        e["SB"].get({k / 128, j, k % 128 / 32});
          sum += term;
          magnitude += std::fabs(term);
        }
        ASSERT_TRUE(near(*d, i * 70 + j, sum, magnitude));
        // Values that e4m3 holds exactly add no rounding.
        ASSERT_TRUE(magnitudeNear(*d, i * 70 + j, magnitude));
      }
  }
}

TEST(ReferenceGemm, LongProblemsAreSampled) {
  Example e("kernels/gemm/fp8_gemm_nt.tw",
            {{"BM", "64"}, {"BN", "64"}, {"CL", "1"}, {"G", "8"}, {"WG", "1"}},
            {{"M", 300}, {"N", 500}, {"K", 256}});
  ASSERT_READY(e);
  Options options;
  options.workLimit = 10e6; // About nine of 40 items.
  auto d = e.output("D", options);
  ASSERT_TRUE(d);
  EXPECT_EQ(e.last.items, 40);
  EXPECT_GE(e.last.evaluatedItems, 4);
  EXPECT_LT(e.last.evaluatedItems, 15);
  EXPECT_TRUE(e.last.coverage);
  EXPECT_EQ(d->count(OutputValues::Untouched), 0);
  EXPECT_GT(d->count(OutputValues::Written), 0);
  // The corners are always there.
  for (int64_t at :
       {int64_t(0), int64_t(499), 299 * int64_t(500), 299 * int64_t(500) + 499})
    EXPECT_EQ(d->state(at), OutputValues::Evaluated) << at;
  // What is evaluated is what a full evaluation gives.
  options.full = true;
  auto all = e.output("D", options);
  ASSERT_TRUE(all);
  EXPECT_EQ(e.last.evaluatedItems, 40);
  for (int64_t at = 0; at < d->size(); ++at) {
    ASSERT_EQ(all->state(at), OutputValues::Evaluated);
    if (d->state(at) == OutputValues::Evaluated)
      ASSERT_EQ(d->value(at), all->value(at));
  }
  // Another seed, another sample; the same seed, the same one.
  options.full = false;
  auto again = e.output("D", options);
  options.seed = 7;
  auto other = e.output("D", options);
  bool same = true, differs = false;
  for (int64_t at = 0; at < d->size(); ++at) {
    same &= d->state(at) == again->state(at);
    differs |= d->state(at) != other->state(at);
  }
  EXPECT_TRUE(same);
  EXPECT_TRUE(differs);
}

} // namespace
