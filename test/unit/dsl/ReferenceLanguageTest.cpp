//===- ReferenceLanguageTest.cpp - rules of the language in the reference -===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ReferenceTestSupport.h"

using namespace tilewright;
using namespace tilewright::reference;
using namespace tilewright::reference::test;

namespace {

TEST(ReferenceLanguage, ReadsOutsideAreZeroAndAbsentInReductions) {
  Example e(R"(
kernel k(A: f32[M, N], idx: i32[M], S: f32[M] out, L: f32[M] out, D: f32[M, N] out, P: i32[M] out) {
  tiles t(i: cdiv(M, 8))
  role work(groups 1) {
    for i in t {
      s: f32[m: 8] = sum<n: 64>(A[i*8 + m, n - 2])
      l: f32[m: 8] = min<n: 64>(A[i*8 + m, n])
      x: f32[m: 8, n: 64] = A[i*8 + m, n]
      p: i32[m: 8] = idx[i*8 + m - 1]
      S[i*8 + m] <- s
      L[i*8 + m] <- l
      D[i*8 + m, n - 1] <- x
      P[i*8 + m] <- p
    }
  }
}
)",
            {}, {{"M", 11}, {"N", 5}});
  ASSERT_READY(e);
  auto result = e.run();
  ASSERT_TRUE(bool(result)) << llvm::toString(result.takeError());
  auto &s = *result->outputs[2], &l = *result->outputs[3];
  auto &d = *result->outputs[4], &p = *result->outputs[5];
  for (int64_t m = 0; m < 11; ++m) {
    double sum = 0, least = INFINITY;
    for (int64_t n = 0; n < 5; ++n) {
      sum += e["A"].get({m, n});
      least = std::min(least, e["A"].get({m, n}));
    }
    EXPECT_TRUE(near(s, m, sum, sum));
    // All values are positive: a zero from outside would be the minimum.
    EXPECT_EQ(l.value(m), least);
    for (int64_t n = 0; n < 4; ++n) {
      EXPECT_EQ(d.value(m * 5 + n), e["A"].get({m, n + 1}));
      EXPECT_EQ(d.magnitude(m * 5 + n), OutputValues::exact);
    }
    EXPECT_EQ(p.value(m), m ? e["idx"].get({m - 1}) : 0);
    EXPECT_EQ(p.magnitude(m), OutputValues::exact);
  }
}

TEST(ReferenceLanguage, WhereMasksStoresReductionsAndLoops) {
  Example e(R"(
kernel k(A: f32[M, 16], lo: i32[M], D: f32[M, 16] out, R: f32[M] out, C: f32[4] out) {
  tiles t(i: cdiv(M, 4))
  role work(groups 1) {
    for i in t {
      x: f32[m: 4, n: 16] = A[i*4 + m, n]
      D[i*4 + m, n] <- x where n >= lo[i*4 + m]
      R[i*4 + m] <- max<n>(x where n < lo[i*4 + m])
    }
    for r in 0..4 where lo[r] >= 5 { C[r] <- 1.0 }
  }
}
)",
            {}, {{"M", 7}});
  ASSERT_READY(e);
  for (int64_t m = 0; m < 7; ++m)
    e["lo"].set({m}, double(2 * m));
  auto result = e.run();
  ASSERT_TRUE(bool(result)) << llvm::toString(result.takeError());
  for (int64_t m = 0; m < 7; ++m) {
    double most = -INFINITY;
    for (int64_t n = 0; n < 16; ++n) {
      auto state = result->outputs[2]->state(m * 16 + n);
      EXPECT_EQ(state,
                n >= 2 * m ? OutputValues::Evaluated : OutputValues::Untouched);
      if (n < 2 * m)
        most = std::max(most, e["A"].get({m, n}));
    }
    EXPECT_EQ(result->outputs[3]->value(m), most);
  }
  for (int64_t r = 0; r < 4; ++r)
    EXPECT_EQ(result->outputs[4]->state(r),
              2 * r >= 5 ? OutputValues::Evaluated : OutputValues::Untouched);
}

TEST(ReferenceLanguage, MQALogits) {
  int64_t s = 5, t = 70, h = 32, dh = 32;
  Example e(
      "kernels/sketches/mqa_logits.tw",
      {{"H", "32"}, {"DH", "32"}, {"BKV", "256"}, {"QS", "2"}, {"KS", "3"}},
      {{"S", s}, {"T", t}});
  ASSERT_READY(e);
  for (int64_t q = 0; q < s; ++q) {
    e["lo"].set({q}, double(3 * q));
    e["hi"].set({q}, double(20 + 10 * q));
  }
  auto l = e.output("L");
  ASSERT_TRUE(l);
  for (int64_t q = 0; q < s; ++q)
    for (int64_t j = 0; j < t; ++j) {
      if (j < 3 * q || j >= 20 + 10 * q) {
        ASSERT_EQ(l->state(q * t + j), OutputValues::Untouched);
        continue;
      }
      double sum = 0, magnitude = 0;
      for (int64_t x = 0; x < h; ++x) {
        double dot = 0, size = 0;
        for (int64_t d = 0; d < dh; ++d) {
          double term = e["Q"].get({q, x, d}) * e["KV"].get({j, d});
          dot += term;
          size += std::fabs(term);
        }
        sum += std::max(dot, 0.0) * e["W"].get({q, x});
        magnitude += size * std::fabs(e["W"].get({q, x}));
      }
      sum *= e["SK"].get({j});
      magnitude *= e["SK"].get({j});
      ASSERT_TRUE(near(*l, q * t + j, sum, magnitude));
      ASSERT_TRUE(magnitudeNear(*l, q * t + j, magnitude));
    }
}

TEST(ReferenceLanguage, PrenormReducesAndContractsTheSameFragment) {
  Example e("kernels/sketches/tf32_hc_prenorm_gemm.tw",
            {{"BM", "64"}, {"BN", "16"}, {"SPLITS", "3"}},
            {{"M", 70}, {"N", 12}, {"K", 400}});
  ASSERT_READY(e);
  auto result = e.run();
  ASSERT_TRUE(bool(result)) << llvm::toString(result.takeError());
  // s runs over blocks of 64 of K.
  for (int64_t split = 0; split < 3; ++split) {
    int64_t first = split * 7 / 3 * 64;
    int64_t last = std::min<int64_t>((split + 1) * 7 / 3 * 64, 400);
    for (int64_t m = 0; m < 70; ++m) {
      double squares = 0;
      for (int64_t k = first; k < last; ++k)
        squares += e["A"].get({m, k}) * e["A"].get({m, k});
      ASSERT_TRUE(near(*result->outputs[3], split * 70 + m, squares, squares));
      for (int64_t n = 0; n < 12; ++n) {
        double sum = 0, magnitude = 0;
        for (int64_t k = first; k < last; ++k) {
          sum += e["A"].get({m, k}) * e["B"].get({n, k});
          magnitude += std::fabs(e["A"].get({m, k}) * e["B"].get({n, k}));
        }
        int64_t at = (split * 70 + m) * 12 + n;
        ASSERT_TRUE(near(*result->outputs[2], at, sum, magnitude));
        // B is rounded to tf32 on its way, which the magnitude allows for.
        ASSERT_GT(result->outputs[2]->magnitude(at), magnitude);
        ASSERT_LT(result->outputs[2]->magnitude(at), 1.6 * magnitude);
      }
    }
  }
}

TEST(ReferenceLanguage, RolesFillDisjointFieldsOfOneSlot) {
  Example e(R"(
kernel widen(A: e4m3[N, K], D: f32[N] out) {
  tiles t(j: cdiv(N, 64))
  pipe wide[2] { b: e4m3[n: 64, k: 128], c: f32[n: 64] }
  role load(warps 1) {
    for j in t, kk in 0..cdiv(K, 128)
      put wide { b <- A[j*64 + n, kk*128 + k] }
  }
  role weigh(groups 1) {
    for j in t, kk in 0..cdiv(K, 128)
      put wide as o { o.c = f32(kk + 1) }
  }
  role use(groups 1) {
    for j in t {
      r: f32[n: 64] = 0
      for kk in 0..cdiv(K, 128) {
        s = get wide
        r += sum<k>(f32(reg s.b)) * s.c
      }
      D[j*64 + n] <- r
    }
  }
}
)",
            {}, {{"N", 100}, {"K", 300}});
  ASSERT_READY(e);
  auto d = e.output("D");
  ASSERT_TRUE(d);
  for (int64_t n = 0; n < 100; ++n) {
    double sum = 0, magnitude = 0;
    for (int64_t k = 0; k < 300; ++k) {
      sum += e["A"].get({n, k}) * double(k / 128 + 1);
      magnitude += std::fabs(e["A"].get({n, k})) * double(k / 128 + 1);
    }
    ASSERT_TRUE(near(*d, n, sum, magnitude));
  }
}

TEST(ReferenceLanguage, KeyedPipesCountTheirContributions) {
  Example e(R"(
kernel gather(X: f32[T, H], src: i32[E, T], cnt: i32[E], Y: f32[E, T, H] out)
{
  const BM = 4
  pipe rows[16] in gmem key (e: E, mb: cdiv(cnt[e], BM)) full min(BM, cnt[e] - mb*BM) free 1 { x: f32[m: BM, h: H] }
  tiles t(e: E, mb: cdiv(cnt[e], BM)) persistent
  role fetch(warps 4) {
    for e in 0..E
      each p: cnt[e] over warps
        put rows[e, p // BM] as o { o.x<m at p % BM> <- X[src[e, p], h] }
  }
  role use(groups 1) {
    for (e, mb) in t {
      s = get rows[e, mb]
      Y[e, mb*BM + m, h] <- reg s.x
    }
  }
}
)",
            {{"H", "8"}}, {{"T", 16}, {"E", 2}});
  ASSERT_READY(e);
  e["cnt"].set({0}, 6);
  e["cnt"].set({1}, 3);
  auto y = e.output("Y");
  ASSERT_TRUE(y);
  for (int64_t g = 0; g < 2; ++g)
    for (int64_t p = 0; p < (g ? 3 : 6); ++p)
      for (int64_t h = 0; h < 8; ++h) {
        auto row = int64_t(e["src"].get({g, p}));
        EXPECT_EQ(y->value((g * 16 + p) * 8 + h), e["X"].get({row, h}));
      }
}

TEST(ReferenceLanguage, CountersAndFetchAdd) {
  Example e(R"(
kernel bins(X: i32[N], D: i32[16, N] out) {
  counter n[16]
  role work(warps 8) {
    each x: N over grid {
      p: i32 = fetch_add(n[X[x]], 1)
      D[X[x], p] <- x
    }
  }
}
)",
            {}, {{"N", 40}});
  ASSERT_READY(e);
  auto d = e.output("D");
  ASSERT_TRUE(d);
  EXPECT_EQ(d->count(OutputValues::Evaluated), 40);
  std::vector<int64_t> seen(16);
  for (int64_t x = 0; x < 40; ++x) {
    auto bin = int64_t(e["X"].get({x}));
    EXPECT_EQ(d->value(bin * 40 + seen[bin]++), double(x));
  }
}

TEST(ReferenceLanguage, ConversionsSaturateAndWidenTheBound) {
  Example e(R"(
kernel k(A: f32[M, 8], D: e4m3[M, 8] out, H: f32[M, 8] out) {
  tiles t(i: cdiv(M, 4))
  role work(groups 1) {
    for i in t {
      x: f32[m: 4, n: 8] = A[i*4 + m, n]
      D[i*4 + m, n] <- e4m3(x)
      H[i*4 + m, n] <- f32(bf16(x))
    }
  }
}
)",
            {}, {{"M", 4}});
  ASSERT_READY(e);
  e["A"].set({0, 0}, 1000);
  e["A"].set({0, 1}, -1000);
  e["A"].set({0, 2}, 3);
  e["A"].set({0, 3}, 3.1);
  auto result = e.run();
  ASSERT_TRUE(bool(result)) << llvm::toString(result.takeError());
  auto &d = *result->outputs[1], &h = *result->outputs[2];
  EXPECT_EQ(d.value(0), 448);
  EXPECT_EQ(d.value(1), -448);
  EXPECT_EQ(d.value(2), 3);
  EXPECT_FLOAT_EQ(float(d.value(3)), 3.1f);
  // 3.1 is kept, and half a unit of bf16, 2^-8 of it, is allowed for.
  EXPECT_FLOAT_EQ(float(h.value(3)), 3.1f);
  EXPECT_NEAR(h.magnitude(3), 3.1 + 3.1 * 0x1p-8 / 1e-3, 1e-3);
  EXPECT_FLOAT_EQ(h.magnitude(2), 3);
}

TEST(ReferenceLanguage, SmoothFunctions) {
  Example e(R"(
fn silu(x) = x * rcp(1.0 + exp(-x))
kernel k(A: f32[M, 64], B: f32[M, 64], D: f32[M, 64] out) {
  tiles t(i: M)
  role work(groups 1) {
    for i in t {
      x: f32[n: 64] = A[i, n]
      D[i, n] <- silu(x * 100.0) / max(x, B[i, n]) - abs(x) + sqrt(x) * exp2(x) + rsqrt(x) + log2(x)
    }
  }
}
)",
            {}, {{"M", 3}});
  ASSERT_READY(e);
  auto d = e.output("D");
  ASSERT_TRUE(d);
  for (int64_t i = 0; i < 3; ++i)
    for (int64_t n = 0; n < 64; ++n) {
      double x = e["A"].get({i, n}), y = e["B"].get({i, n});
      double z = 100 * x;
      double want = z / (1 + std::exp(-z)) / std::max(x, y) - std::fabs(x) +
                    std::sqrt(x) * std::exp2(x) + 1 / std::sqrt(x) +
                    std::log2(x);
      EXPECT_TRUE(near(*d, i * 64 + n, want, 100));
    }
}

TEST(ReferenceLanguage, PartsOfTiles) {
  Example e(R"(
kernel k(A: f32[M, 32], D: f32[M, 32] out, R: f32[M] out, P: f32[M, 8] out) {
  tiles t(i: cdiv(M, 4))
  role work(groups 1) {
    for i in t {
      x: f32[m: 4, n: 32] = A[i*4 + m, n]
      D[i*4 + m, v] <- x<n as v>
      R[i*4 + m] <- x<n at 3>
      y: f32[m: 4, q: 8] = x<n at 31 - 2*q>
      P[i*4 + m, q] <- y
    }
  }
}
)",
            {}, {{"M", 6}});
  ASSERT_READY(e);
  auto result = e.run();
  ASSERT_TRUE(bool(result)) << llvm::toString(result.takeError());
  for (int64_t m = 0; m < 6; ++m) {
    EXPECT_EQ(result->outputs[1]->value(m * 32 + 9), e["A"].get({m, 9}));
    EXPECT_EQ(result->outputs[2]->value(m), e["A"].get({m, 3}));
    for (int64_t q = 0; q < 8; ++q)
      EXPECT_EQ(result->outputs[3]->value(m * 8 + q),
                e["A"].get({m, 31 - 2 * q}));
  }
}

//===----------------------------------------------------------------------===//
// Failures
//===----------------------------------------------------------------------===//

TEST(ReferenceLanguage, NamesWhatItCannotInterpret) {
  Example e(R"(
kernel k(D: i32[32] out) {
  tiles t(i: 1)
  role work(warps 1) {
    for i in t {
      each x: 32 over role {
        lane: u32 = ptx("mov.u32 $0, %laneid;")
        D[x] <- x
      }
    }
  }
}
)",
            {}, {});
  ASSERT_READY(e);
  EXPECT_EQ(e.failure(), "test.tw:7:21: the reference cannot interpret 'ptx'");
}

TEST(ReferenceLanguage, SaysWhichRolesWaitForEachOther) {
  Example e(R"(
kernel k(A: f32[M], D: f32[M] out) {
  tiles t(i: cdiv(M, 8))
  pipe p[2] { x: f32[m: 8] }
  pipe q[2] { x: f32[m: 8] }
  role a(groups 1) {
    for i in t {
      s = get q
      put p as o { o.x = reg s.x }
    }
  }
  role b(groups 1) {
    for i in t {
      s = get p
      put q as o { o.x = reg s.x }
      D[i*8 + m] <- reg s.x
    }
  }
}
)",
            {}, {{"M", 8}});
  ASSERT_READY(e);
  std::string failure = e.failure();
  EXPECT_NE(failure.find("roles wait for each other"), std::string::npos)
      << failure;
  EXPECT_NE(failure.find("a full slot of pipe 'p'"), std::string::npos);
  EXPECT_NE(failure.find("a full slot of pipe 'q'"), std::string::npos);
}

TEST(ReferenceLanguage, RequirementsNameTheirValues) {
  Example e(R"(
kernel k(A: f32[M, N], D: f32[M] out) require M % 8 == 0, N > M {
  tiles t(i: M / 8)
  role work(groups 1) {
    for i in t {
      x: f32[m: 8] = sum<n: 8>(A[i*8 + m, n])
      D[i*8 + m] <- x
    }
  }
}
)",
            {}, {{"M", 8}, {"N", 9}});
  ASSERT_READY(e);
  EXPECT_FALSE(bool(checkRequirements(e.problem)));
  e.problem.dims["M"] = 12;
  std::string text = llvm::toString(checkRequirements(e.problem));
  EXPECT_NE(text.find("M % 8 == 0"), std::string::npos) << text;
  EXPECT_NE(text.find("M = 12"), std::string::npos) << text;
  e.problem.dims["M"] = 16;
  text = llvm::toString(checkRequirements(e.problem));
  EXPECT_NE(text.find("M = 16"), std::string::npos) << text;
  EXPECT_NE(text.find("N = 9"), std::string::npos) << text;
}

//===----------------------------------------------------------------------===//
// Comparisons
//===----------------------------------------------------------------------===//

class Check : public ::testing::Test {
protected:
  Check()
      : example(
            "kernels/gemm/fp8_gemm_nt.tw",
            {{"BM", "64"}, {"BN", "32"}, {"CL", "1"}, {"G", "8"}, {"WG", "1"}},
            {{"M", 70}, {"N", 40}, {"K", 256}}) {}
  void SetUp() override {
    ASSERT_READY(example);
    expected = example.output("D");
    ASSERT_TRUE(expected);
    good.emplace(example["D"]);
    for (int64_t i = 0; i < 70; ++i)
      for (int64_t j = 0; j < 40; ++j)
        good->set({i, j}, expected->value(i * 40 + j));
  }
  CheckReport compare(const HostTensor &out) {
    return check(example["D"], out, *expected, /*initialised=*/false);
  }
  Example example;
  std::unique_ptr<OutputValues> expected;
  std::optional<HostTensor> good;
};

TEST_F(Check, RoundedValuesPass) {
  CheckReport report = compare(*good);
  EXPECT_TRUE(report.passed()) << report.failure();
  EXPECT_EQ(report.compared, 2800);
  EXPECT_LT(report.relative, 3e-3);
  EXPECT_GT(report.relative, 1e-4);
  EXPECT_LE(report.worst, 1);
}

TEST_F(Check, OneWrongElementFails) {
  double bound = 0x1p-8 * std::fabs(expected->value(17 * 40 + 5)) +
                 1e-3 * expected->magnitude(17 * 40 + 5);
  good->set({17, 5}, expected->value(17 * 40 + 5) + 3 * bound);
  CheckReport report = compare(*good);
  EXPECT_FALSE(report.passed());
  EXPECT_EQ(report.outOfBound, 1);
  EXPECT_EQ(report.worstElement, "D[17, 5]");
  EXPECT_NE(report.failure().find("D[17, 5]"), std::string::npos);
}

TEST_F(Check, NaNFails) {
  good->set({3, 4}, NAN);
  CheckReport report = compare(*good);
  EXPECT_FALSE(report.passed());
  EXPECT_EQ(report.worstElement, "D[3, 4]");
}

TEST_F(Check, ElementsThatWereNotWrittenFail) {
  for (int b = 0; b < 2; ++b)
    good->bytes()[2 * (60 * 40 + 1) + b] = 0xff;
  CheckReport report = compare(*good);
  EXPECT_FALSE(report.passed());
  EXPECT_EQ(report.missing, 1);
  EXPECT_EQ(report.firstMissing, "D[60, 1]");
}

TEST_F(Check, SmallBiasEverywhereFails) {
  // Within every element's bound, but not the whole's.
  for (int64_t i = 0; i < 70; ++i)
    for (int64_t j = 0; j < 40; ++j)
      good->set({i, j}, expected->value(i * 40 + j) * (1 + 0x1p-7));
  CheckReport report = compare(*good);
  EXPECT_FALSE(report.passed());
  EXPECT_GT(report.relative, report.limit);
}

TEST_F(Check, WritesOutsideTheSampleAreStillSeen) {
  Options options;
  options.workLimit = 1;
  auto sampled = example.output("D", options);
  ASSERT_TRUE(sampled);
  // 2 x 2 items: first, last, and the ends of both dimensions are all chosen.
  EXPECT_EQ(sampled->count(OutputValues::Written) +
                sampled->count(OutputValues::Evaluated),
            2800);
}

TEST(ReferenceCheck, ElementsThatMustNotChange) {
  Example e(R"(
kernel k(A: f32[M], D: f32[M] out) {
  tiles t(i: cdiv(M, 8))
  role work(groups 1) {
    for i in t {
      x: f32[m: 8] = A[i*8 + m]
      D[i*8 + m] <- x where m != 3
    }
  }
}
)",
            {}, {{"M", 16}});
  ASSERT_READY(e);
  auto d = e.output("D");
  ASSERT_TRUE(d);
  HostTensor out = e["D"];
  for (int64_t m = 0; m < 16; ++m)
    if (m % 8 != 3)
      out.set({m}, e["A"].get({m}));
  EXPECT_TRUE(check(e["D"], out, *d, false).passed());
  // A copy must be exact: the next float is wrong.
  HostTensor off = out;
  off.set({5}, std::nextafter(float(e["A"].get({5})), 1.0f));
  EXPECT_EQ(check(e["D"], off, *d, false).outOfBound, 1);
  out.set({11}, 0);
  CheckReport report = check(e["D"], out, *d, false);
  EXPECT_FALSE(report.passed());
  EXPECT_EQ(report.stray, 1);
  EXPECT_EQ(report.firstStray, "D[11]");
}

TEST(ReferenceCheck, Roundoffs) {
  EXPECT_EQ(unitRoundoff(DType::BF16), 0x1p-8);
  EXPECT_EQ(unitRoundoff(DType::F16), 0x1p-11);
  EXPECT_EQ(unitRoundoff(DType::F32), 0x1p-24);
  EXPECT_EQ(unitRoundoff(DType::E4M3), 0x1p-4);
  EXPECT_EQ(unitRoundoff(DType::I32), 0);
}

} // namespace
