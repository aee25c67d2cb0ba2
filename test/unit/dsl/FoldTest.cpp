//===- FoldTest.cpp - integer folding and canonical forms -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fold.h"
#include <gtest/gtest.h>

using namespace tilewright::dsl;
namespace t = tilewright::dsl::typed;

namespace {

TEST(Fold, RoundsTowardsMinusInfinity) {
  for (int64_t a = -20; a <= 20; ++a)
    for (int64_t b = -5; b <= 5; ++b) {
      if (b == 0)
        continue;
      int64_t q = *foldInts(t::Op::FloorDiv, a, b);
      int64_t r = *foldInts(t::Op::Mod, a, b);
      EXPECT_EQ(q * b + r, a) << a << " // " << b;
      EXPECT_TRUE(b > 0 ? (r >= 0 && r < b) : (r <= 0 && r > b));
      int64_t up = *foldInts(t::Op::CDiv, a, b);
      EXPECT_EQ(up, q + (r != 0)) << "cdiv(" << a << ", " << b << ")";
      auto exact = foldInts(t::Op::Div, a, b);
      EXPECT_EQ(exact.has_value(), r == 0);
    }
}

TEST(Fold, RefusesOverflowAndZero) {
  EXPECT_FALSE(foldInts(t::Op::Add, INT64_MAX, 1));
  EXPECT_FALSE(foldInts(t::Op::Sub, INT64_MIN, 1));
  EXPECT_FALSE(foldInts(t::Op::Mul, INT64_MAX, 2));
  for (t::Op op : {t::Op::Div, t::Op::FloorDiv, t::Op::CDiv, t::Op::Mod}) {
    EXPECT_FALSE(foldInts(op, 1, 0));
    EXPECT_FALSE(foldInts(op, INT64_MIN, -1));
  }
  EXPECT_EQ(foldInts(t::Op::Min, 3, -4), -4);
  EXPECT_EQ(foldInts(t::Op::Max, 3, -4), 3);
}

TEST(Fold, Comparisons) {
  EXPECT_TRUE(foldCompare(CompareOp::LE, int64_t(3), int64_t(3)));
  EXPECT_FALSE(foldCompare(CompareOp::LT, int64_t(3), int64_t(3)));
  EXPECT_TRUE(foldCompare(CompareOp::NE, int64_t(3), int64_t(4)));
  EXPECT_TRUE(foldCompare(CompareOp::GE, int64_t(4), int64_t(3)));
  EXPECT_FALSE(foldCompare(CompareOp::EQ, int64_t(4), int64_t(3)));
  EXPECT_TRUE(foldCompare(CompareOp::GT, int64_t(4), int64_t(3)));
  EXPECT_TRUE(foldCompare(CompareOp::LT, 0.5, 1.0));
  EXPECT_FALSE(foldCompare(CompareOp::GE, 0.5, 1.0));
}

/// Builds integer expressions by hand.
class CanonicalTest : public ::testing::Test {
protected:
  const t::Expr *c(int64_t value) {
    auto *e = make<t::IntConst>();
    e->value = value;
    return e;
  }
  const t::Expr *dim(const char *name) {
    auto *d = new (alloc.Allocate<t::Dim>()) t::Dim();
    d->name = name;
    auto *e = make<t::DimRef>();
    e->dim = d;
    return e;
  }
  const t::Expr *op(t::Op op, const t::Expr *a, const t::Expr *b) {
    auto *e = make<t::BinaryExpr>();
    e->op = op;
    e->lhs = a;
    e->rhs = b;
    return e;
  }
  template <typename T> T *make() {
    auto *e = new (alloc.Allocate<T>()) T();
    e->type.elem = t::Elem::Int;
    return e;
  }
  llvm::BumpPtrAllocator alloc;
  Canonical canonical;
};

TEST_F(CanonicalTest, SumsAndProducts) {
  auto *M = dim("M"), *K = dim("K");
  // (M + K) * 2 == K*2 + M + M
  EXPECT_TRUE(canonical.equal(
      op(t::Op::Mul, op(t::Op::Add, M, K), c(2)),
      op(t::Op::Add, op(t::Op::Add, op(t::Op::Mul, K, c(2)), M), M)));
  // M - M == 0
  EXPECT_TRUE(canonical.equal(op(t::Op::Sub, M, M), c(0)));
  EXPECT_FALSE(canonical.equal(M, K));
  // The same letter twice is one dimension.
  EXPECT_TRUE(canonical.equal(dim("M"), M));
}

TEST_F(CanonicalTest, Quotients) {
  auto *M = dim("M");
  auto *a = op(t::Op::CDiv, op(t::Op::Add, M, c(0)), c(128));
  auto *b = op(t::Op::CDiv, M, c(128));
  EXPECT_TRUE(canonical.equal(a, b));
  EXPECT_FALSE(canonical.equal(b, op(t::Op::FloorDiv, M, c(128))));
  EXPECT_FALSE(canonical.equal(b, op(t::Op::CDiv, M, c(64))));
  // 256*M / 128 == 2*M, exactly.
  auto *m256 = op(t::Op::Mul, c(256), M);
  EXPECT_TRUE(canonical.divides(m256, 128));
  EXPECT_FALSE(canonical.divides(M, 128));
  EXPECT_TRUE(
      canonical.equal(op(t::Op::Div, m256, c(128)), op(t::Op::Mul, M, c(2))));
}

TEST_F(CanonicalTest, LargePowersStayCheapAndEqualToThemselves) {
  const t::Expr *e = op(t::Op::Add, dim("M"), dim("K"));
  for (int i = 0; i < 12; ++i)
    e = op(t::Op::Mul, e, e);
  EXPECT_TRUE(canonical.equal(e, e));
}

} // namespace
