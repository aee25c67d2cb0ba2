//===- HostTensorTest.cpp - Host tensors ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tilewright/Runtime/HostTensor.h"
#include "TestSupport.h"
#include <cmath>

using namespace tilewright::runtime;
using namespace tilewright::runtime::test;

namespace {
HostTensor make(DType type, llvm::ArrayRef<int64_t> shape,
                llvm::ArrayRef<int64_t> strides = {}) {
  return get(HostTensor::create("T", type, shape, strides));
}

TEST(HostTensor, SizesAndOffsets) {
  HostTensor t = make(DType::F32, {3, 5}, {8, 1});
  EXPECT_EQ(t.bytes().size(), (2u * 8 + 5) * 4);
  EXPECT_EQ(t.offset({2, 4}), 20);
  t.set({2, 4}, 1.5);
  EXPECT_EQ(t.get({2, 4}), 1.5);
  std::vector<int64_t> seen;
  t.forEach([&](int64_t position, int64_t at) {
    EXPECT_EQ(position, int64_t(seen.size()));
    seen.push_back(at);
  });
  EXPECT_EQ(seen, (std::vector<int64_t>{0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 16, 17,
                                        18, 19, 20}));
  auto padding = t.paddingMask();
  EXPECT_EQ(std::count(padding.begin(), padding.end(), true), 2 * 3 * 4);
  EXPECT_TRUE(make(DType::F32, {3, 0}).bytes().empty());
  EXPECT_EQ(make(DType::F32, {}).bytes().size(), 4u);
}

TEST(HostTensor, PackedElements) {
  HostTensor t = make(DType::E2M1, {2, 3});
  EXPECT_EQ(t.bytes().size(), 3u);
  const double values[] = {0.5, -6, 1, -1.5, 3, -0.5};
  t.forEach([&](int64_t p, int64_t at) { t.setAt(at, values[p]); });
  t.forEach([&](int64_t p, int64_t at) { EXPECT_EQ(t.getAt(at), values[p]); });
  EXPECT_EQ(t.bytes()[0], 0xf1);
}

TEST(HostTensor, RefusesNonsense) {
  EXPECT_MENTIONS(HostTensor::create("T", DType::F32, {2, -1}), "dimension 1");
  EXPECT_MENTIONS(HostTensor::create("T", DType::F32, {2, 2}, {-2, 1}),
                  "dimension 0");
  EXPECT_MENTIONS(HostTensor::create("T", DType::F32, {2, 2}, {2}), "strides");
  EXPECT_MENTIONS(
      HostTensor::create("T", DType::F32, {INT64_MAX, 2}, {INT64_MAX, 1}),
      "too large");
}

TEST(HostTensor, RandomValuesAreReproducible) {
  HostTensor a = make(DType::F32, {64, 64}), b = make(DType::F32, {64, 64}),
             padded = make(DType::F32, {64, 64}, {80, 1});
  Fill normal{Fill::Kind::Normal, 1, 0};
  a.fill(normal, 7);
  b.fill(normal, 7);
  padded.fill(normal, 7);
  EXPECT_EQ(a.bytes(), b.bytes());
  EXPECT_EQ(a.get({13, 57}), padded.get({13, 57})); // Strides do not matter.
  b.fill(normal, 8);
  EXPECT_NE(a.bytes(), b.bytes());
  // Pinned: the same on every machine and in every version.
  EXPECT_EQ(a.getAt(0), -0x1.2b48p+0);
  EXPECT_EQ(a.getAt(4095), -0x1.e1e8p-3);
}

TEST(HostTensor, Distributions) {
  HostTensor t = make(DType::F64, {100000});
  double sum = 0, squares = 0, largest = 0;
  t.fill({Fill::Kind::Normal, 2, 0}, 1);
  t.forEach([&](int64_t, int64_t at) {
    double v = t.getAt(at);
    sum += v;
    squares += v * v;
    largest = std::max(largest, std::fabs(v));
  });
  EXPECT_NEAR(sum / 1e5, 0, 0.03);
  EXPECT_NEAR(std::sqrt(squares / 1e5), 2, 0.03);
  EXPECT_GT(largest, 6);
  EXPECT_LE(largest, 12);

  t.fill({Fill::Kind::Uniform, -1, 3}, 1);
  sum = 0;
  t.forEach([&](int64_t, int64_t at) {
    EXPECT_GE(t.getAt(at), -1);
    EXPECT_LT(t.getAt(at), 3);
    sum += t.getAt(at);
  });
  EXPECT_NEAR(sum / 1e5, 1, 0.02);

  HostTensor i = make(DType::I32, {10000});
  i.fill({Fill::Kind::Integer, -2, 2}, 1);
  std::map<double, int> counts;
  i.forEach([&](int64_t, int64_t at) { ++counts[i.getAt(at)]; });
  ASSERT_EQ(counts.size(), 5u);
  for (auto [value, count] : counts)
    EXPECT_NEAR(count, 2000, 200) << value;
}

TEST(HostTensor, DefaultsSuitTheType) {
  for (DType type :
       {DType::E4M3, DType::E5M2, DType::E8M0, DType::E2M1, DType::BF16,
        DType::F16, DType::F32, DType::F64, DType::I32, DType::U8}) {
    HostTensor t = make(type, {4096});
    t.fill(Fill::byType(type), 3);
    std::set<double> values;
    t.forEach([&](int64_t, int64_t at) {
      ASSERT_TRUE(std::isfinite(t.getAt(at)));
      values.insert(t.getAt(at));
    });
    EXPECT_GT(values.size(), 5u) << name(type).str();
    if (type == DType::F32)
      EXPECT_GT(*values.begin(), 0); // Scales are positive.
  }
}

TEST(HostTensor, Poison) {
  for (DType type :
       {DType::E4M3, DType::E5M2, DType::BF16, DType::F16, DType::F32}) {
    HostTensor t = make(type, {3, 5}, {8, 1});
    t.poison();
    EXPECT_TRUE(std::isnan(t.get({1, 1})));
    EXPECT_EQ(t.countPoisoned(), 15);
    t.set({1, 1}, 0);
    EXPECT_EQ(t.countPoisoned(), 14);
  }
}

TEST(Compare, FindsWhatIsWrong) {
  HostTensor t = make(DType::F32, {2, 2});
  std::vector<double> ref = {1, 2, 3, 4};
  t.forEach([&](int64_t p, int64_t at) { t.setAt(at, ref[p]); });
  auto bound = [](int64_t) { return 0.1; };
  Comparison c = compare(t, ref, bound);
  EXPECT_EQ(c.failures, 0);
  EXPECT_EQ(c.relative, 0);
  t.set({1, 0}, 3.5);
  t.set({1, 1}, NAN);
  c = compare(t, ref, bound);
  EXPECT_EQ(c.failures, 2);
  EXPECT_EQ(c.firstFailure, 2);
  EXPECT_EQ(c.firstOut, 3.5);
  EXPECT_EQ(c.firstRef, 3);
  EXPECT_TRUE(std::isnan(c.relative));
  EXPECT_TRUE(std::isinf(c.worst));
  // A reference of zeros.
  t.fill({Fill::Kind::Constant, 0, 0}, 0);
  ref.assign(4, 0);
  EXPECT_EQ(compare(t, ref, bound).relative, 0);
}
} // namespace
