//===- SubscriptChunksTest.cpp - chunks hold for all values ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Support/SubscriptChunks.h"

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"
#include <random>
#include <vector>

using namespace tilewright;
using mlir::AffineBinaryOpExpr;
using mlir::AffineConstantExpr;
using mlir::AffineDimExpr;
using mlir::AffineExpr;
using mlir::AffineExprKind;
using mlir::AffineSymbolExpr;

namespace {

std::string str(AffineExpr expr) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << expr;
  return text;
}

class SubscriptChunks : public ::testing::Test {
protected:
  mlir::MLIRContext mlirContext;
  AffineExpr d(unsigned i) { return mlir::getAffineDimExpr(i, &mlirContext); }
  AffineExpr s(unsigned i) {
    return mlir::getAffineSymbolExpr(i, &mlirContext);
  }
  AffineExpr c(int64_t v) {
    return mlir::getAffineConstantExpr(v, &mlirContext);
  }

  static SubscriptContext context(std::vector<int64_t> extents,
                                  std::vector<SymbolFacts> symbols = {}) {
    SubscriptContext result;
    result.extents.assign(extents.begin(), extents.end());
    result.symbols.assign(symbols.begin(), symbols.end());
    return result;
  }
  static SymbolFacts divisible(int64_t by) {
    SymbolFacts facts;
    facts.divisor = by;
    return facts;
  }
};

void expectChunk(const AxisChunk &found, ChunkKind kind, int64_t chunk) {
  EXPECT_EQ(static_cast<int>(found.kind), static_cast<int>(kind));
  EXPECT_EQ(found.chunk, chunk);
}

} // namespace

//===----------------------------------------------------------------------===//
// Known answers
//===----------------------------------------------------------------------===//

TEST_F(SubscriptChunks, TileOfAMatrix) {
  // A[i*BM + m]
  expectChunk(findChunk(s(0) * 128 + d(0), 0, context({128})),
              ChunkKind::Contiguous, 128);
  // An axis that does not occur: the whole of it, independent.
  AxisChunk other = findChunk(s(0) * 128 + d(0), 1, context({128, 64}));
  expectChunk(other, ChunkKind::Constant, 64);
  EXPECT_TRUE(other.independent);
  EXPECT_FALSE(findChunk(d(0), 0, context({128})).independent);
}

TEST_F(SubscriptChunks, BlockScales) {
  // SB[(j*BN + n) // 128]: one scalar for the tile when BN divides 128, one
  // for each gcd(BN, 128) else.
  auto scale = [&](int64_t bn) {
    return findChunk((s(0) * bn + d(0)).floorDiv(128), 0, context({bn}));
  };
  expectChunk(scale(128), ChunkKind::Constant, 128);
  expectChunk(scale(64), ChunkKind::Constant, 64);
  expectChunk(scale(96), ChunkKind::Constant, 32);
  expectChunk(scale(160), ChunkKind::Constant, 32);
  expectChunk(scale(256), ChunkKind::Constant, 128);
  expectChunk(scale(24), ChunkKind::Constant, 8);
}

TEST_F(SubscriptChunks, PagesAndRemainders) {
  // KV[table[b, (r0 + r) // 64], (r0 + r) % 64] with r0 a multiple of 8 or 64.
  AffineExpr page = (s(0) + d(0)).floorDiv(64), within = (s(0) + d(0)) % 64;
  expectChunk(findChunk(within, 0, context({256}, {divisible(8)})),
              ChunkKind::Contiguous, 8);
  expectChunk(findChunk(page, 0, context({256}, {divisible(8)})),
              ChunkKind::Constant, 8);
  expectChunk(findChunk(within, 0, context({256}, {divisible(64)})),
              ChunkKind::Contiguous, 64);
  expectChunk(findChunk(page, 0, context({256}, {divisible(64)})),
              ChunkKind::Constant, 64);
  expectChunk(findChunk(page, 0, context({256}, {divisible(128)})),
              ChunkKind::Constant, 64);
  expectChunk(findChunk(within, 0, context({256})), ChunkKind::Elementwise, 1);
  // r // 64 and r % 64 of the axis alone.
  expectChunk(findChunk(d(0).floorDiv(64), 0, context({256})),
              ChunkKind::Constant, 64);
  expectChunk(findChunk(d(0) % 64, 0, context({256})), ChunkKind::Contiguous,
              64);
  expectChunk(findChunk(d(0).floorDiv(64), 0, context({64})),
              ChunkKind::Constant, 64);
}

TEST_F(SubscriptChunks, TensorReadInsideASubscript) {
  // s0 = table[b, p0 + r//64]: constant on chunks of 64 of r.
  SymbolFacts page;
  page.constantOver = {64};
  expectChunk(findChunk(s(0), 0, context({256}, {page})), ChunkKind::Constant,
              64);
  // s0 * 64 + r % 64 : contiguous on a page.
  expectChunk(findChunk(s(0) * 64 + d(0) % 64, 0, context({256}, {page})),
              ChunkKind::Contiguous, 64);
  page.constantOver = {1};
  expectChunk(findChunk(s(0) * 64 + d(0) % 64, 0, context({256}, {page})),
              ChunkKind::Elementwise, 1);
}

TEST_F(SubscriptChunks, SplitHeads) {
  // Head h and column d of one dimension: h*64 + d, and back.
  AffineExpr joined = d(0) * 64 + d(1);
  SubscriptContext ctx = context({8, 64});
  expectChunk(findChunk(joined, 1, ctx), ChunkKind::Contiguous, 64);
  AxisChunk head = findChunk(joined, 0, ctx);
  EXPECT_EQ(head.slope, 64);
  EXPECT_EQ(head.slopeChunk, 8);
  expectChunk(head, ChunkKind::Elementwise, 1);
  expectChunk(findChunk(joined.floorDiv(64), 1, ctx), ChunkKind::Constant, 64);
  expectChunk(findChunk(joined.floorDiv(64), 0, ctx), ChunkKind::Contiguous, 8);
  expectChunk(findChunk(joined % 64, 1, ctx), ChunkKind::Contiguous, 64);
  expectChunk(findChunk(joined % 64, 0, ctx), ChunkKind::Constant, 8);
}

TEST_F(SubscriptChunks, GateUpInterleave) {
  // Rows in blocks of 8 gate, 8 up: row x of gate is (x//8)*16 + x%8.
  AffineExpr gate = d(0).floorDiv(8) * 16 + d(0) % 8;
  expectChunk(findChunk(gate, 0, context({64})), ChunkKind::Contiguous, 8);
  expectChunk(findChunk(gate + s(0) * 16, 0, context({64})),
              ChunkKind::Contiguous, 8);
}

TEST_F(SubscriptChunks, SlopesThatNoCopyWants) {
  AxisChunk twice = findChunk(d(0) * 2 + s(0), 0, context({64}));
  expectChunk(twice, ChunkKind::Elementwise, 1);
  EXPECT_EQ(twice.slope, 2);
  EXPECT_EQ(twice.slopeChunk, 64);
  AxisChunk reversed = findChunk(c(63) - d(0), 0, context({64}));
  EXPECT_EQ(reversed.slope, -1);
  expectChunk(reversed, ChunkKind::Elementwise, 1);
  // Reversed inside pages of 16.
  AxisChunk page = findChunk((c(63) - d(0)) % 16, 0, context({64}));
  EXPECT_EQ(page.slope, -1);
  EXPECT_EQ(page.slopeChunk, 16);
  expectChunk(findChunk(d(0) * s(0), 0, context({64})), ChunkKind::Elementwise,
              1);
  expectChunk(findChunk(d(0) * s(0), 1, context({64, 4})), ChunkKind::Constant,
              4);
}

TEST_F(SubscriptChunks, DivisionsFold) {
  expectChunk(findChunk((d(0) * 4 + s(0) * 8).floorDiv(4), 0, context({32})),
              ChunkKind::Contiguous, 32);
  expectChunk(findChunk(d(0).floorDiv(4).floorDiv(4), 0, context({64})),
              ChunkKind::Constant, 16);
  // x % 16 + 16 * (x // 16) = x.
  AffineExpr x = s(0) * 3 + d(0);
  expectChunk(findChunk(x % 16 + x.floorDiv(16) * 16, 0, context({64})),
              ChunkKind::Contiguous, 64);
  // Bounds: s0 in 0..3 keeps s0*16 + d0 below 64.
  SymbolFacts small;
  small.lower = 0;
  small.upper = 3;
  expectChunk(
      findChunk((s(0) * 16 + d(0)).floorDiv(64), 0, context({16}, {small})),
      ChunkKind::Constant, 16);
  AffineExpr odd = (s(0) + d(0)).floorDiv(64);
  expectChunk(findChunk(odd, 0, context({16}, {small})), ChunkKind::Constant,
              16);
  EXPECT_EQ(simplifySubscript(odd, context({16}, {small})), c(0));
}

TEST_F(SubscriptChunks, NegativeScalars) {
  // Floor division towards minus infinity: a multiple of 8 stays aligned when
  // it is negative (a window that begins before the tensor).
  expectChunk(
      findChunk((s(0) - 64 + d(0)) % 32, 0, context({64}, {divisible(8)})),
      ChunkKind::Contiguous, 8);
}

TEST_F(SubscriptChunks, UniformChunk) {
  AxisChunk page = findChunk(d(0) % 64, 0, context({96}));
  EXPECT_EQ(page.chunk, 64);
  EXPECT_EQ(page.uniformChunk(96), 32);
  EXPECT_EQ(findChunk(d(0), 0, context({96})).uniformChunk(96), 96);
}

TEST_F(SubscriptChunks, ExtentOne) {
  expectChunk(findChunk((s(0) + d(0)) % 7, 0, context({1})),
              ChunkKind::Constant, 1);
  expectChunk(findChunk(s(0) + d(0), 0, context({1})), ChunkKind::Constant, 1);
}

TEST_F(SubscriptChunks, Simplify) {
  SubscriptContext ctx = context({64, 8});
  EXPECT_EQ(simplifySubscript((s(0) * 128 + d(0)).floorDiv(64), ctx), s(0) * 2);
  EXPECT_EQ(simplifySubscript((s(0) * 128).floorDiv(64), ctx), s(0) * 2);
  EXPECT_EQ(simplifySubscript((s(0) * 64 + d(0)) % 64, ctx), d(0));
  EXPECT_EQ(simplifySubscript((d(1) * 64 + d(0)).floorDiv(64), ctx), d(1));
  EXPECT_EQ(simplifySubscript((d(0) + 63).floorDiv(64) * 0, ctx), c(0));
  EXPECT_EQ(simplifySubscript((s(0) + d(0)).floorDiv(64),
                              context({64}, {divisible(64)})),
            s(0).floorDiv(64));
}

TEST_F(SubscriptChunks, DivideExactly) {
  SubscriptContext ctx = context({64}, {divisible(64)});
  EXPECT_EQ(divideExactly(s(1) * 128, 64, ctx), s(1) * 2);
  EXPECT_EQ(divideExactly(s(0), 64, ctx), s(0).floorDiv(64));
  EXPECT_EQ(divideExactly(s(0) + 128, 64, ctx), s(0).floorDiv(64) + 2);
  EXPECT_EQ(divideExactly(s(0) + 32, 64, ctx), std::nullopt);
  EXPECT_EQ(divideExactly(s(1), 2, ctx), std::nullopt);
  EXPECT_EQ(divideExactly(s(0), 128, ctx), std::nullopt);
  EXPECT_EQ(divideExactly(s(0), 0, ctx), std::nullopt);
  EXPECT_EQ(knownDivisor(s(0) * 6 + 128, ctx), 128);
  EXPECT_EQ(knownDivisor(c(0), ctx), 0);
  EXPECT_EQ(knownDivisor(c(-12), ctx), 12);
}

//===----------------------------------------------------------------------===//
// What is lacking
//===----------------------------------------------------------------------===//

TEST_F(SubscriptChunks, ExplainsWhatIsLacking) {
  AffineExpr within = (s(0) + d(0)) % 64;
  SubscriptContext ctx = context({64}, {divisible(8)});
  EXPECT_TRUE(explainChunk(within, 0, 8, 1, ctx).satisfied);
  ChunkDeficit deficit = explainChunk(within, 0, 64, 1, ctx);
  EXPECT_FALSE(deficit.satisfied);
  ASSERT_EQ(deficit.missing.size(), 1u);
  EXPECT_EQ(deficit.missing[0].symbol, 0u);
  EXPECT_EQ(deficit.missing[0].known, 8);
  EXPECT_EQ(deficit.missing[0].needed, 64);
  EXPECT_EQ(describe(deficit, {"r0"}),
            "needs r0 % 64 == 0 (only % 8 is known)");
  deficit = explainChunk(within, 0, 16, 1, ctx);
  ASSERT_EQ(deficit.missing.size(), 1u);
  EXPECT_EQ(deficit.missing[0].needed, 16);

  // A factor lowers what is needed; two scalars are named both.
  deficit = explainChunk((s(0) * 16 + s(1) + d(0)).floorDiv(64), 0, 64, 0,
                         context({64}));
  ASSERT_EQ(deficit.missing.size(), 2u);
  EXPECT_EQ(deficit.missing[0].needed, 4);
  EXPECT_EQ(deficit.missing[1].needed, 64);
  EXPECT_EQ(describe(deficit, {"i"}),
            "needs i % 4 == 0 (nothing is known) and s1 % 64 == 0 (nothing is "
            "known)");

  // Nested divisions multiply what is needed.
  deficit = explainChunk((s(0).floorDiv(4) + d(0)) % 8, 0, 8, 1, context({8}));
  ASSERT_EQ(deficit.missing.size(), 1u);
  EXPECT_EQ(deficit.missing[0].needed, 32);

  // Nothing helps: the axis runs backwards, or with a stride.
  deficit = explainChunk(d(0) * 2 + s(0), 0, 64, 1, context({64}));
  EXPECT_FALSE(deficit.satisfied);
  EXPECT_TRUE(deficit.missing.empty());
  EXPECT_EQ(describe(deficit, {}), "no divisibility of its scalars would help");
  EXPECT_EQ(describe(explainChunk(d(0), 0, 64, 1, context({64})), {}), "");
}

//===----------------------------------------------------------------------===//
// Properties
//===----------------------------------------------------------------------===//

namespace {

int64_t floorDivide(int64_t a, int64_t b) {
  int64_t q = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

/// Values of a symbol: constant, or constant on blocks of the axes.
struct SymbolValue {
  int64_t base = 0;
  int64_t step = 1;
  std::vector<int64_t> constantOver;

  int64_t at(const std::vector<int64_t> &dims) const {
    int64_t value = base;
    for (size_t i = 0; i < constantOver.size() && i < dims.size(); ++i)
      if (constantOver[i] > 0)
        value += step * (dims[i] / constantOver[i] * 37 % 11);
    return value;
  }
};

int64_t evaluate(AffineExpr expr, const std::vector<int64_t> &dims,
                 const std::vector<SymbolValue> &symbols) {
  if (auto constant = llvm::dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue();
  if (auto dim = llvm::dyn_cast<AffineDimExpr>(expr))
    return dims[dim.getPosition()];
  if (auto symbol = llvm::dyn_cast<AffineSymbolExpr>(expr))
    return symbols[symbol.getPosition()].at(dims);
  auto binary = llvm::cast<AffineBinaryOpExpr>(expr);
  int64_t a = evaluate(binary.getLHS(), dims, symbols);
  int64_t b = evaluate(binary.getRHS(), dims, symbols);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return a + b;
  case AffineExprKind::Mul:
    return a * b;
  case AffineExprKind::FloorDiv:
    return floorDivide(a, b);
  case AffineExprKind::CeilDiv:
    return -floorDivide(-a, b);
  case AffineExprKind::Mod:
    return a - floorDivide(a, b) * b;
  default:
    ADD_FAILURE() << "unexpected expression";
    return 0;
  }
}

/// A random subscript over two axes and two scalars.
AffineExpr randomExpr(std::mt19937 &rng, mlir::MLIRContext *context,
                      int depth) {
  static const int64_t factors[] = {-2, -1, 1, 2, 3, 4, 6, 8, 12, 16};
  static const int64_t divisors[] = {2, 3, 4, 6, 8, 12, 16, 32};
  auto constant = [&](int64_t v) {
    return mlir::getAffineConstantExpr(v, context);
  };
  if (depth == 0)
    switch (rng() % 6) {
    case 0:
      return mlir::getAffineDimExpr(1, context);
    case 1:
    case 2:
      return mlir::getAffineSymbolExpr(rng() % 2, context);
    case 3:
      return constant(static_cast<int64_t>(rng() % 40) - 10);
    default:
      return mlir::getAffineDimExpr(0, context);
    }
  AffineExpr a = randomExpr(rng, context, depth - 1);
  switch (rng() % 9) {
  case 0:
  case 1:
  case 2:
    return a + randomExpr(rng, context, depth - 1);
  case 3:
  case 4:
    return a * factors[rng() % std::size(factors)];
  case 5:
    return a.floorDiv(divisors[rng() % std::size(divisors)]);
  case 6:
    return a % divisors[rng() % std::size(divisors)];
  case 7:
    return a.ceilDiv(divisors[rng() % std::size(divisors)]);
  default:
    // Rarely a product of two terms (semi-affine).
    if (rng() % 4 == 0)
      return a * mlir::getAffineSymbolExpr(rng() % 2, context);
    return a + randomExpr(rng, context, depth - 1);
  }
}

} // namespace

TEST_F(SubscriptChunks, SoundOverRandomExpressions) {
  std::mt19937 rng(5);
  static const int64_t divisors[] = {1, 1, 2, 4, 6, 8, 16, 32};
  int useful = 0, folded = 0;
  for (int trial = 0; trial < 2500; ++trial) {
    AffineExpr expr = randomExpr(rng, &mlirContext, 1 + rng() % 4);
    SubscriptContext ctx;
    ctx.extents = {int64_t(1 + rng() % 40), int64_t(1 + rng() % 6)};
    for (unsigned i = 0; i < 2; ++i) {
      SymbolFacts facts = divisible(divisors[rng() % std::size(divisors)]);
      if (rng() % 3 == 0)
        facts.lower = static_cast<int64_t>(rng() % 30) - 15;
      if (rng() % 3 == 0)
        facts.upper = facts.lower.value_or(-20) +
                      facts.divisor * (1 + static_cast<int64_t>(rng() % 3));
      if (rng() % 4 == 0 && !facts.upper)
        facts.constantOver = {int64_t(1) << rng() % 5, 0};
      ctx.symbols.push_back(facts);
    }
    AffineExpr simple = simplifySubscript(expr, ctx);
    folded += simple != expr;
    ValueBounds range = valueRange(expr, ctx);
    int64_t divisor = knownDivisor(expr, ctx);
    auto chunks = findChunks(expr, ctx);
    for (const AxisChunk &chunk : chunks)
      useful += chunk.kind != ChunkKind::Elementwise && !chunk.independent;

    for (int sample = 0; sample < 12; ++sample) {
      std::vector<SymbolValue> symbols(2);
      for (unsigned i = 0; i < 2; ++i) {
        const SymbolFacts &facts = ctx.symbols[i];
        symbols[i].step = facts.divisor;
        symbols[i].constantOver.assign(facts.constantOver.begin(),
                                       facts.constantOver.end());
        // A multiple of the divisor inside the bounds (they always hold one).
        int64_t low = facts.lower.value_or(-200);
        if (facts.upper && !facts.lower)
          low = *facts.upper - 300;
        int64_t high = facts.upper.value_or(low + 400);
        int64_t first = -floorDivide(-low, facts.divisor);
        int64_t last = floorDivide(high, facts.divisor);
        ASSERT_LE(first, last);
        symbols[i].base =
            facts.divisor *
            (first + static_cast<int64_t>(rng() % (last - first + 1)));
      }
      for (int64_t x = 0; x < ctx.extents[0]; ++x)
        for (int64_t y = 0; y < ctx.extents[1]; ++y) {
          std::vector<int64_t> dims{x, y};
          int64_t value = evaluate(expr, dims, symbols);
          ASSERT_EQ(value, evaluate(simple, dims, symbols))
              << str(expr) << " is not " << str(simple);
          ASSERT_TRUE(!range.lower || *range.lower <= value) << str(expr);
          ASSERT_TRUE(!range.upper || *range.upper >= value) << str(expr);
          ASSERT_TRUE(divisor == 0 ? value == 0 : value % divisor == 0)
              << str(expr) << " % " << divisor;
          for (unsigned dim = 0; dim < 2; ++dim) {
            const AxisChunk &chunk = chunks[dim];
            int64_t t = dims[dim] % chunk.slopeChunk;
            std::vector<int64_t> start = dims;
            start[dim] -= t;
            ASSERT_EQ(value, evaluate(expr, start, symbols) + chunk.slope * t)
                << str(expr) << " along d" << dim << ", slope " << chunk.slope
                << " chunk " << chunk.slopeChunk;
            // What is reported follows from the slope.
            if (chunk.kind == ChunkKind::Constant)
              ASSERT_EQ(chunk.slope, 0);
            if (chunk.kind == ChunkKind::Contiguous)
              ASSERT_EQ(chunk.slope, 1);
            ASSERT_GE(chunk.chunk, 1);
            ASSERT_LE(chunk.chunk, chunk.slopeChunk);
          }
        }
    }
  }
  // The generator must not make the test vacuous.
  EXPECT_GT(useful, 600);
  EXPECT_GT(folded, 400);
}

TEST_F(SubscriptChunks, FindsTheLargestChunkOfOneDivision) {
  // For (s0*f + d0*k + o) floordiv / mod q the answer is known by enumeration
  // over all residues of s0: the search must not miss a larger chunk.
  std::mt19937 rng(6);
  for (int trial = 0; trial < 3000; ++trial) {
    int64_t extent = 2 + rng() % 40, factor = 1 + rng() % 48;
    int64_t q = 2 + rng() % 32, known = 1 + rng() % 12;
    int64_t offset = static_cast<int64_t>(rng() % 64) - 32;
    AffineExpr inner = s(0) * factor + d(0) + offset;
    SubscriptContext ctx = context({extent}, {divisible(known)});
    auto sameOn = [&](int64_t chunk) {
      for (int64_t u = 0; u < q; ++u)
        for (int64_t x = 0; x < extent; ++x) {
          int64_t base = known * u * factor + offset;
          if (floorDivide(base + x, q) !=
              floorDivide(base + x / chunk * chunk, q))
            return false;
        }
      return true;
    };
    int64_t largest = 1;
    for (int64_t chunk = extent; chunk > 1 && largest == 1; --chunk)
      if (sameOn(chunk))
        largest = chunk;
    AxisChunk quotient = findChunk(inner.floorDiv(q), 0, ctx);
    AxisChunk remainder = findChunk(inner % q, 0, ctx);
    EXPECT_EQ(quotient.slopeChunk, largest)
        << str(inner) << " floordiv " << q << ", s0 % " << known << ", d0 < "
        << extent;
    EXPECT_EQ(remainder.slopeChunk, largest);
    EXPECT_EQ(remainder.slope, largest == 1 ? remainder.slope : 1);
  }
}

TEST_F(SubscriptChunks, ExplanationsAreSufficientAndMinimal) {
  std::mt19937 rng(7);
  int explained = 0;
  for (int trial = 0; trial < 8000; ++trial) {
    AffineExpr expr = randomExpr(rng, &mlirContext, 1 + rng() % 3);
    SubscriptContext ctx = context({int64_t(1 + rng() % 32), 2},
                                   {divisible(1 + rng() % 4), divisible(1)});
    int64_t wanted = int64_t(1) << (1 + rng() % 5), slope = rng() % 2;
    ChunkDeficit deficit = explainChunk(expr, 0, wanted, slope, ctx);
    if (deficit.satisfied || deficit.missing.empty())
      continue;
    ++explained;
    SubscriptContext enough = ctx;
    for (const MissingDivisibility &missing : deficit.missing) {
      EXPECT_EQ(missing.needed % missing.known, 0);
      EXPECT_GT(missing.needed, missing.known);
      enough.symbols[missing.symbol].divisor = missing.needed;
    }
    EXPECT_TRUE(explainChunk(expr, 0, wanted, slope, enough).satisfied)
        << str(expr);
    // Without any one of them it does not suffice.
    for (const MissingDivisibility &missing : deficit.missing) {
      SubscriptContext less = enough;
      less.symbols[missing.symbol].divisor = missing.known;
      EXPECT_FALSE(explainChunk(expr, 0, wanted, slope, less).satisfied)
          << str(expr);
    }
  }
  EXPECT_GT(explained, 20);
}

TEST_F(SubscriptChunks, HugeCoefficientsGiveUpSafely) {
  AffineExpr huge = d(0) * (INT64_MAX / 2) + s(0) * (INT64_MAX / 3);
  SubscriptContext ctx = context({64}, {divisible(INT64_MAX / 5)});
  findChunk((huge * 7).floorDiv(64), 0, ctx);
  explainChunk((huge * 7) % 64, 0, 64, 1, ctx);
  valueRange(huge * 9, ctx);
  knownDivisor(huge * 9 * s(0), ctx);
}
