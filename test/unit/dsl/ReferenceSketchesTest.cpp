//===- ReferenceSketchesTest.cpp - sketches against plain loops -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kernels that the compiler does not lower yet still have a meaning: these
// interpret them and compare every element with loops written from what their
// headers say. So a sketch that parses is also one that computes the right
// thing.
//
//===----------------------------------------------------------------------===//

#include "ReferenceTestSupport.h"

using namespace tilewright;
using namespace tilewright::reference;
using namespace tilewright::reference::test;

namespace {

TEST(ReferenceSketches, GroupedContiguous) {
  constexpr int64_t M = 256, N = 72, K = 200, E = 3;
  Example e("kernels/sketches/m_grouped_fp8_gemm_nt_contiguous.tw",
            {{"BM", "64"}, {"BN", "64"}, {"CL", "1"}, {"G", "8"}, {"WG", "1"}},
            {{"E", E}, {"M", M}, {"N", N}, {"K", K}});
  ASSERT_READY(e);
  // Tiles of expert 2, of padding alone, of expert 0 with padding, of 1.
  auto expert = [](int64_t r) {
    return r < 64 ? 2 : r < 128 ? -1 : r < 192 ? (r < 150 ? 0 : -1) : 1;
  };
  for (int64_t r = 0; r < M; ++r)
    e["layout"].set({r}, expert(r));
  auto d = e.output("D");
  ASSERT_TRUE(d);
  for (int64_t i = 0; i < M; ++i)
    for (int64_t j = 0; j < N; ++j) {
      // The first row of a tile tells its expert.
      int64_t g = expert(i / 64 * 64);
      double sum = 0, magnitude = 0;
      for (int64_t k = 0; g >= 0 && k < K; ++k) {
        double term = e["A"].get({i, k}) * e["B"].get({g, j, k}) *
                      e["SA"].get({k / 128, i}) *
                      e["SB"].get({g, j / 128, k / 128});
        sum += term;
        magnitude += std::fabs(term);
      }
      ASSERT_TRUE(near(*d, i * N + j, sum, magnitude)) << i << ", " << j;
    }
}

TEST(ReferenceSketches, GroupedByEnds) {
  constexpr int64_t M = 384, N = 64, K = 128, E = 4;
  Example e("kernels/sketches/m_grouped_fp8_gemm_nt_psum.tw",
            {{"BM", "64"},
             {"BN", "64"},
             {"CL", "1"},
             {"G", "8"},
             {"WG", "1"},
             {"ALIGN", "128"}},
            {{"E", E}, {"M", M}, {"N", N}, {"K", K}});
  ASSERT_READY(e);
  // Expert 1 has no rows: its end is the one before, rounded up or not.
  const int64_t ends[] = {100, 128, 129, 384};
  const int64_t starts[] = {0, 128, 128, 256};
  for (int64_t g = 0; g < E; ++g)
    e["ends"].set({g}, double(ends[g]));
  auto d = e.output("D");
  ASSERT_TRUE(d);
  for (int64_t i = 0; i < M; ++i)
    for (int64_t j = 0; j < N; ++j) {
      int64_t g = 0;
      while (g < E && !(starts[g] <= i && i < ends[g]))
        ++g;
      if (g == E) {
        ASSERT_EQ(d->state(i * N + j), OutputValues::Untouched) << i;
        continue;
      }
      double sum = 0, magnitude = 0;
      for (int64_t k = 0; k < K; ++k) {
        double term = e["A"].get({i, k}) * e["B"].get({g, j, k}) *
                      e["SA"].get({0, i}) * e["SB"].get({g, 0, 0});
        sum += term;
        magnitude += std::fabs(term);
      }
      ASSERT_TRUE(near(*d, i * N + j, sum, magnitude)) << i << ", " << j;
    }
}

TEST(ReferenceSketches, BlockScaledOnBlackwell) {
  constexpr int64_t M = 130, N = 40, K = 160;
  for (const char *type : {"e4m3", "e2m1"}) {
    Example e(
        "kernels/sketches/mx_gemm_nt.tw",
        {{"BM", "128"}, {"BN", "32"}, {"G", "8"}, {"TA", "e4m3"}, {"TB", type}},
        {{"M", M}, {"N", N}, {"K", K}}, dsl::typed::Target::SM100a);
    ASSERT_READY(e);
    auto d = e.output("D");
    ASSERT_TRUE(d);
    for (int64_t i = 0; i < M; ++i)
      for (int64_t j = 0; j < N; ++j) {
        double sum = 0, magnitude = 0;
        for (int64_t k = 0; k < K; ++k) {
          double term = e["A"].get({i, k}) * e["B"].get({j, k}) *
                        e["SA"].get({k / 128, i, k % 128 / 32}) *
                        e["SB"].get({k / 128, j, k % 128 / 32});
          sum += term;
          magnitude += std::fabs(term);
        }
        ASSERT_TRUE(near(*d, i * N + j, sum, magnitude)) << i << ", " << j;
      }
  }
}

TEST(ReferenceSketches, PagedMQALogits) {
  constexpr int64_t B = 3, NX = 2, H = 32, DH = 32, P = 64, pages = 9, TP = 5,
                    T = 320;
  Example e("kernels/sketches/paged_mqa_logits.tw",
            {{"H", "32"},
             {"DH", "32"},
             {"NX", "2"},
             {"P", "64"},
             {"QS", "2"},
             {"KS", "3"}},
            {{"B", B},
             {"BX", B * NX},
             {"PAGES", pages},
             {"TP", TP},
             {"C", 2},
             {"T", T}});
  ASSERT_READY(e);
  // The last request has nothing; the first one ends inside its second tile.
  const int64_t lens[B][NX] = {{299, 300}, {64, 65}, {0, 0}};
  for (int64_t b = 0; b < B; ++b) {
    for (int64_t x = 0; x < NX; ++x)
      e["lens"].set({b, x}, double(lens[b][x]));
    for (int64_t p = 0; p < TP; ++p)
      e["table"].set({b, p}, double((b * 5 + p * 7) % pages));
  }
  // One CTA does all: from request 0, tile 0 to request B, tile 0.
  for (auto [row, request] : {std::pair<int64_t, int64_t>{0, 0}, {1, B}}) {
    e["meta"].set({row, 0}, double(request));
    e["meta"].set({row, 1}, 0);
  }
  // Pages: values, then scales, as bytes of their types.
  auto key = [](int64_t page, int64_t row, int64_t d) {
    return int((page * 31 + row * 7 + d * 3) % 9) - 4;
  };
  auto scale = [](int64_t page, int64_t row) {
    return 0.25 + double((page + row) % 8) / 4;
  };
  for (int64_t page = 0; page < pages; ++page)
    for (int64_t row = 0; row < P; ++row) {
      for (int64_t d = 0; d < DH; ++d) {
        // e4m3: 1.0 is 0x38, eight codes an octave.
        const uint8_t codes[] = {0x00, 0x38, 0x40, 0x44, 0x48};
        int v = key(page, row, d);
        e["cache"].set({page, row * DH + d},
                       codes[std::abs(v)] | (v < 0 ? 0x80 : 0));
      }
      float s = float(scale(page, row));
      uint8_t bytes[4];
      std::memcpy(bytes, &s, 4);
      for (int64_t i = 0; i < 4; ++i)
        e["cache"].set({page, P * DH + row * 4 + i}, bytes[i]);
    }
  auto l = e.output("L");
  ASSERT_TRUE(l);
  for (int64_t b = 0; b < B; ++b)
    for (int64_t x = 0; x < NX; ++x)
      for (int64_t j = 0; j < T; ++j) {
        int64_t at = (b * NX + x) * T + j;
        if (j >= lens[b][x]) {
          ASSERT_EQ(l->state(at), OutputValues::Untouched) << b << ", " << j;
          continue;
        }
        int64_t page = (b * 5 + j / P * 7) % pages;
        double sum = 0, magnitude = 0;
        for (int64_t h = 0; h < H; ++h) {
          double dot = 0, size = 0;
          for (int64_t d = 0; d < DH; ++d) {
            double term = e["Q"].get({b, x, h, d}) * key(page, j % P, d);
            dot += term;
            size += std::fabs(term);
          }
          double weight = e["W"].get({b * NX + x, h}) * scale(page, j % P);
          sum += std::max(dot, 0.0) * weight;
          magnitude += size * std::fabs(weight);
        }
        ASSERT_TRUE(near(*l, at, sum, magnitude))
            << b << ", " << x << ", " << j;
      }
}

TEST(ReferenceSketches, MegaMoE) {
  // One rank: all phases, rings, counters and the interleaving of gate and up.
  constexpr int64_t TOP = 2, N = 37, H = 256, I = 128;
  Example e("kernels/sketches/mega_moe.tw",
            {{"R", "1"},
             {"E", "4"},
             {"TOP", "2"},
             {"T", "64"},
             {"H", "256"},
             {"I", "128"},
             {"BM", "32"},
             {"RING", "48"},
             {"WAVE", "2"},
             {"HC", "256"}},
            {{"N", N}}, dsl::typed::Target::SM100a);
  ASSERT_READY(e);
  constexpr double clamp = 0.75;
  e.problem.scalars["clamp"] = clamp;
  // Expert 2 gets nothing, expert 0 more than a block; some slots are empty.
  auto expert = [](int64_t t, int64_t s) -> int64_t {
    if (s == 1 && t % 5 == 0)
      return -1;
    return s == 0 ? 0 : t % 2 ? 1 : 3;
  };
  for (int64_t t = 0; t < N; ++t)
    for (int64_t s = 0; s < TOP; ++s)
      e["topk"].set({t, s}, double(expert(t, s)));
  Options options;
  options.full = true; // It reads what it writes.
  auto y = e.output("Y", options);
  ASSERT_TRUE(y);
  auto row = [](int64_t c, int64_t g) { return c / 8 * 16 + g * 8 + c % 8; };
  std::vector<double> out(N * H), size(N * H);
  for (int64_t t = 0; t < N; ++t)
    for (int64_t s = 0; s < TOP; ++s) {
      int64_t g = expert(t, s);
      if (g < 0)
        continue;
      std::vector<double> hidden(I);
      for (int64_t c = 0; c < I; ++c) {
        double sums[2] = {0, 0};
        for (int64_t half = 0; half < 2; ++half)
          for (int64_t k = 0; k < H; ++k) {
            int64_t w = row(c, half);
            sums[half] += e["W1"].get({g, w, k}) *
                          e["S1"].get({g, k / 128, w, k % 128 / 32}) *
                          e["X"].get({t, k}) * e["SX"].get({t, k / 32});
          }
        double gate = std::min(sums[0], clamp);
        double up = std::max(std::min(sums[1], clamp), -clamp);
        hidden[c] = gate / (1 + std::exp(-gate)) * up * e["TW"].get({t, s});
      }
      for (int64_t h = 0; h < H; ++h)
        for (int64_t c = 0; c < I; ++c) {
          double term = e["W2"].get({g, h, c}) *
                        e["S2"].get({g, c / 128, h, c % 128 / 32}) * hidden[c];
          out[t * H + h] += term;
          size[t * H + h] += std::fabs(term);
        }
    }
  for (int64_t i = 0; i < N * H; ++i)
    ASSERT_TRUE(near(*y, i, out[i], size[i] + 1)) << i / H << ", " << i % H;
}

} // namespace
