//===- FragmentLayoutTest.cpp - layouts against the PTX ISA's figures -----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Support/FragmentLayout.h"

#include "gtest/gtest.h"
#include <map>
#include <random>
#include <vector>

using namespace tilewright;

namespace {

FragmentLayout check(llvm::Expected<FragmentLayout> layout) {
  if (layout)
    return *layout;
  ADD_FAILURE() << llvm::toString(layout.takeError());
  return FragmentLayout();
}

std::string reason(llvm::Expected<FragmentLayout> layout) {
  if (layout)
    return "";
  return llvm::toString(layout.takeError());
}

std::vector<int64_t> place(const FragmentLayout &layout, int64_t thread,
                           int64_t reg) {
  std::vector<int64_t> result;
  for (const FragmentLayout::Axis &axis : layout.axes())
    result.push_back(layout.coordinate(axis.name, thread, reg));
  return result;
}

/// covers() and replication() by enumeration.
bool coversByEnumeration(const FragmentLayout &layout) {
  std::map<std::vector<int64_t>, int64_t> held;
  for (int64_t t = 0; t < layout.numThreads(); ++t)
    for (int64_t r = 0; r < layout.numRegisters(); ++r)
      ++held[place(layout, t, r)];
  int64_t elements = 1;
  for (const FragmentLayout::Axis &axis : layout.axes())
    elements *= layout.extent(axis.name);
  if (static_cast<int64_t>(held.size()) != elements)
    return false;
  for (const auto &entry : held)
    if (entry.second != layout.replication())
      return false;
  return true;
}

/// The thread part and register part add up to the coordinate.
void checkParts(const FragmentLayout &layout) {
  for (const FragmentLayout::Axis &axis : layout.axes()) {
    auto terms = layout.threadPart(axis.name);
    for (int64_t t = 0; t < layout.numThreads(); ++t) {
      int64_t sum = 0;
      for (const FragmentLayout::Term &term : terms) {
        int64_t digit = t / term.divisor;
        if (!term.slowest)
          digit %= term.modulus;
        sum += digit * term.stride;
      }
      for (int64_t r = 0; r < layout.numRegisters(); ++r)
        ASSERT_EQ(layout.coordinate(axis.name, t, r),
                  sum + layout.registerPart(axis.name, r));
    }
  }
}

} // namespace

TEST(FragmentLayout, AccumulatorIsThePTXFigure) {
  // PTX ISA, "Register Fragments for wgmma.mma_async.m64nNk*", D: thread t
  // holds d_i at row 16*(t/32) + (t%32)/4 + 8*((i/2)%2), column
  // 8*(i/4) + 2*(t%4) + i%2.
  for (int64_t n : {8, 16, 24, 96, 128, 256}) {
    FragmentLayout acc =
        check(FragmentLayout::wgmmaAccumulator("m", "n", 64, n));
    ASSERT_EQ(acc.numThreads(), 128);
    ASSERT_EQ(acc.numRegisters(), n / 2);
    EXPECT_EQ(acc.extent("m"), 64);
    EXPECT_EQ(acc.extent("n"), n);
    for (int64_t t = 0; t < 128; ++t)
      for (int64_t i = 0; i < n / 2; ++i) {
        ASSERT_EQ(acc.coordinate("m", t, i),
                  16 * (t / 32) + t % 32 / 4 + 8 * (i / 2 % 2));
        ASSERT_EQ(acc.coordinate("n", t, i), 8 * (i / 4) + 2 * (t % 4) + i % 2);
      }
    EXPECT_TRUE(acc.covers());
    EXPECT_TRUE(coversByEnumeration(acc));
    EXPECT_EQ(acc.replication(), 1);
    checkParts(acc);
  }
}

TEST(FragmentLayout, WavesAreTheSlowestRegisters) {
  FragmentLayout one =
      check(FragmentLayout::wgmmaAccumulator("m", "n", 64, 128));
  FragmentLayout two =
      check(FragmentLayout::wgmmaAccumulator("m", "n", 128, 128));
  ASSERT_EQ(two.numRegisters(), 128);
  for (int64_t t = 0; t < 128; ++t)
    for (int64_t i = 0; i < 128; ++i) {
      ASSERT_EQ(two.coordinate("m", t, i),
                one.coordinate("m", t, i % 64) + 64 * (i / 64));
      ASSERT_EQ(two.coordinate("n", t, i), one.coordinate("n", t, i % 64));
    }
  EXPECT_TRUE(two.covers());
  EXPECT_EQ(two.dropSlowestRegisterDigit(), one.dropSlowestRegisterDigit());
  EXPECT_TRUE(two.dropSlowestRegisterDigit().isEquivalent(one));
  EXPECT_FALSE(two.isEquivalent(one));
}

TEST(FragmentLayout, OperandAIsThePTXFigure) {
  // PTX ISA, same section, matrix A. 16 bits: a_i, i < 8.
  FragmentLayout a16 =
      check(FragmentLayout::wgmmaOperandA("m", "k", 64, 16, 16));
  FragmentLayout a8 = check(FragmentLayout::wgmmaOperandA("m", "k", 64, 32, 8));
  FragmentLayout a32 =
      check(FragmentLayout::wgmmaOperandA("m", "k", 64, 8, 32));
  ASSERT_EQ(a16.numRegisters(), 8);
  ASSERT_EQ(a8.numRegisters(), 16);
  ASSERT_EQ(a32.numRegisters(), 4);
  for (int64_t t = 0; t < 128; ++t) {
    int64_t group = 16 * (t / 32) + t % 32 / 4, tig = t % 4;
    for (int64_t i = 0; i < 8; ++i) {
      bool upper = !(i < 2 || (i >= 4 && i < 6));
      ASSERT_EQ(a16.coordinate("m", t, i), group + (upper ? 8 : 0));
      ASSERT_EQ(a16.coordinate("k", t, i), tig * 2 + i % 2 + (i < 4 ? 0 : 8));
    }
    for (int64_t i = 0; i < 16; ++i) {
      bool upper = !(i < 4 || (i >= 8 && i < 12));
      ASSERT_EQ(a8.coordinate("m", t, i), group + (upper ? 8 : 0));
      ASSERT_EQ(a8.coordinate("k", t, i), tig * 4 + i % 4 + (i < 8 ? 0 : 16));
    }
    for (int64_t i = 0; i < 4; ++i) {
      ASSERT_EQ(a32.coordinate("m", t, i), group + (i % 2 ? 8 : 0));
      ASSERT_EQ(a32.coordinate("k", t, i), tig + (i < 2 ? 0 : 4));
    }
  }
  for (unsigned bits : {8, 16, 32})
    for (int64_t m : {64, 128}) {
      FragmentLayout a =
          check(FragmentLayout::wgmmaOperandA("m", "k", m, 64, bits));
      EXPECT_TRUE(a.covers());
      EXPECT_TRUE(coversByEnumeration(a));
      checkParts(a);
      EXPECT_EQ(a.vectorWidth("k"), 32 / bits);
    }
}

TEST(FragmentLayout, ProjectionDropsRegistersKeepsThreads) {
  FragmentLayout acc =
      check(FragmentLayout::wgmmaAccumulator("m", "n", 128, 96));
  FragmentLayout rows = acc.project({"m"});
  EXPECT_EQ(rows.numRegisters(), 4); // 2 a wave: rows r and r + 8
  EXPECT_EQ(rows.numThreads(), 128);
  EXPECT_TRUE(rows.covers());
  EXPECT_TRUE(coversByEnumeration(rows));
  EXPECT_EQ(rows.replication(), 4);
  EXPECT_TRUE(rows.isReplicatedOverThreads());
  EXPECT_FALSE(rows.isReplicatedOverRegisters());
  ASSERT_EQ(rows.replicaDigits().size(), 1u);
  EXPECT_EQ(rows.replicaDigits()[0].divisor, 1);
  EXPECT_EQ(rows.replicaDigits()[0].modulus, 4);

  FragmentLayout columns = acc.project({"n"});
  EXPECT_EQ(columns.numRegisters(), 24);
  EXPECT_TRUE(coversByEnumeration(columns));

  FragmentLayout none = acc.project({});
  EXPECT_EQ(none.numRegisters(), 1);
  EXPECT_EQ(none.numThreads(), 128);
  EXPECT_EQ(acc.project({"m", "n", "x"}), acc.project({"n", "m"}));
}

TEST(FragmentLayout, RegisterMapFindsTheSameCoordinates) {
  for (int64_t m : {64, 192}) {
    FragmentLayout acc =
        check(FragmentLayout::wgmmaAccumulator("m", "n", m, 40));
    for (const std::vector<llvm::StringRef> &axes :
         {std::vector<llvm::StringRef>{"m"}, {"n"}, {"m", "n"}, {}}) {
      FragmentLayout projected = acc.project(axes);
      auto map = acc.registerMap(projected);
      ASSERT_TRUE(map.has_value());
      ASSERT_EQ(static_cast<int64_t>(map->size()), acc.numRegisters());
      for (int64_t t = 0; t < 128; ++t)
        for (int64_t r = 0; r < acc.numRegisters(); ++r)
          for (llvm::StringRef axis : axes)
            ASSERT_EQ(acc.coordinate(axis, t, r),
                      projected.coordinate(axis, t, (*map)[r]));
    }
  }
}

TEST(FragmentLayout, RegisterMapRefusesOtherDistributions) {
  FragmentLayout acc =
      check(FragmentLayout::wgmmaAccumulator("m", "n", 64, 64));
  FragmentLayout linear = check(FragmentLayout::elementwise1D("m", 64, 128));
  EXPECT_FALSE(acc.registerMap(linear).has_value());
  FragmentLayout wider =
      check(FragmentLayout::wgmmaAccumulator("m", "n", 64, 128));
  EXPECT_TRUE(acc.registerMap(wider).has_value());  // a part of it
  EXPECT_FALSE(wider.registerMap(acc).has_value()); // columns 64.. are absent
  EXPECT_FALSE(acc.registerMap(check(acc.renameAxis("n", "x"))).has_value());
}

TEST(FragmentLayout, PartsAreSomeRegisters) {
  FragmentLayout whole =
      cantFail(FragmentLayout::wgmmaAccumulator("m", "n", 192, 48));
  for (int64_t m : {64, 192})
    for (int64_t n : {8, 16, 24, 48}) {
      auto rows = whole.part("m", m);
      ASSERT_TRUE(rows);
      auto part = rows->part("n", n);
      ASSERT_TRUE(part);
      EXPECT_TRUE(part->isEquivalent(
          cantFail(FragmentLayout::wgmmaAccumulator("m", "n", m, n))));
      for (int64_t m0 = 0; m0 < 192; m0 += m)
        for (int64_t n0 = 0; n0 < 48; n0 += n) {
          auto registers = whole.partRegisters(*part, {m0, n0});
          ASSERT_TRUE(registers);
          ASSERT_EQ(int64_t(registers->size()), part->numRegisters());
          for (int64_t reg = 0; reg < part->numRegisters(); ++reg)
            for (int64_t thread = 0; thread < 128; ++thread) {
              EXPECT_EQ(whole.coordinate("m", thread, (*registers)[reg]),
                        m0 + part->coordinate("m", thread, reg));
              EXPECT_EQ(whole.coordinate("n", thread, (*registers)[reg]),
                        n0 + part->coordinate("n", thread, reg));
            }
        }
    }
  // Threads hold what lies inside a wave and inside 8 columns; parts are equal.
  EXPECT_FALSE(whole.part("m", 32));
  EXPECT_FALSE(whole.part("m", 128));
  EXPECT_FALSE(whole.part("n", 4));
  EXPECT_FALSE(whole.part("n", 32));
  EXPECT_FALSE(whole.part("n", 96));
  EXPECT_FALSE(whole.part("k", 8));
  // A part that begins elsewhere than at a multiple of its extent may still be
  // held by the same threads; one that is not is refused.
  FragmentLayout part = *whole.part("n", 16);
  EXPECT_TRUE(whole.partRegisters(part, {0, 8}));
  EXPECT_FALSE(whole.partRegisters(part, {0, 4}));
  EXPECT_FALSE(whole.partRegisters(part, {0, 40}));
}

TEST(FragmentLayout, SplitAxis) {
  // mma(b.kv, c.q) of the MQA kernel: N is (x, h), x outer.
  FragmentLayout acc =
      check(FragmentLayout::wgmmaAccumulator("r", "n", 64, 128));
  for (int64_t heads : {2, 4, 8, 32, 64, 128, 1}) {
    FragmentLayout split =
        check(acc.splitAxis("n", {{"x", 128 / heads}, {"h", heads}}));
    ASSERT_EQ(split.numRegisters(), acc.numRegisters());
    ASSERT_EQ(split.numThreads(), acc.numThreads());
    EXPECT_EQ(split.extent("x"), 128 / heads);
    EXPECT_EQ(split.extent("h"), heads);
    EXPECT_FALSE(split.hasAxis("n"));
    for (int64_t t = 0; t < 128; ++t)
      for (int64_t r = 0; r < acc.numRegisters(); ++r) {
        int64_t n = acc.coordinate("n", t, r);
        ASSERT_EQ(split.coordinate("x", t, r), n / heads);
        ASSERT_EQ(split.coordinate("h", t, r), n % heads);
        ASSERT_EQ(split.coordinate("r", t, r), acc.coordinate("r", t, r));
      }
    EXPECT_TRUE(coversByEnumeration(split));
    checkParts(split);
  }
  FragmentLayout three =
      check(acc.splitAxis("n", {{"a", 4}, {"b", 4}, {"c", 8}}));
  EXPECT_EQ(three.coordinate("a", 127, 63), 3);
  EXPECT_EQ(three.coordinate("b", 127, 63), 3);
  EXPECT_EQ(three.coordinate("c", 127, 63), 7);

  EXPECT_EQ(reason(acc.splitAxis("n", {{"x", 3}, {"h", 40}})),
            "axis 'n' has extent 128, its parts have 120");
  FragmentLayout odd =
      check(FragmentLayout::wgmmaAccumulator("r", "n", 64, 24));
  EXPECT_NE(reason(odd.splitAxis("n", {{"x", 8}, {"h", 3}})), "");
  EXPECT_NE(reason(acc.splitAxis("z", {{"x", 1}})), "");
  // Coordinates 0 and 3: 3 is no multiple of the inner extent.
  FragmentLayout gap = check(FragmentLayout::get({2}, {1}, {{"x", {3}, {0}}}));
  EXPECT_EQ(reason(gap.splitAxis("x", {{"a", 2}, {"b", 2}})),
            "axis 'x' cannot be split: stride 3 is no multiple of 2");
}

TEST(FragmentLayout, SplitOverGroups) {
  FragmentLayout acc =
      check(FragmentLayout::wgmmaAccumulator("m", "n", 64, 32));
  FragmentLayout two = check(acc.distributeOverGroups("m", 2));
  EXPECT_EQ(two.numThreads(), 256);
  EXPECT_EQ(two.extent("m"), 128);
  for (int64_t t = 0; t < 256; ++t)
    for (int64_t r = 0; r < two.numRegisters(); ++r)
      ASSERT_EQ(two.coordinate("m", t, r),
                acc.coordinate("m", t % 128, r) + t / 128 * 64);
  EXPECT_TRUE(two.covers());
  EXPECT_TRUE(two.spansWarps("m"));
  EXPECT_FALSE(two.spansWarps("n"));
  FragmentLayout replicas = check(acc.distributeOverGroups("", 2));
  EXPECT_EQ(replicas.replication(), 2);
  EXPECT_NE(reason(acc.distributeOverGroups("z", 2)), "");
}

TEST(FragmentLayout, Elementwise1D) {
  FragmentLayout wide = check(FragmentLayout::elementwise1D("x", 4096, 128, 4));
  EXPECT_EQ(wide.numRegisters(), 32);
  EXPECT_EQ(wide.vectorWidth("x"), 4);
  EXPECT_TRUE(coversByEnumeration(wide));
  EXPECT_EQ(wide.coordinate("x", 1, 0), 4);
  EXPECT_EQ(wide.coordinate("x", 0, 4), 512);

  FragmentLayout narrow =
      check(FragmentLayout::elementwise1D("x", 128, 128, 4));
  EXPECT_EQ(narrow.numRegisters(), 1);
  EXPECT_EQ(narrow.vectorWidth("x"), 1);

  // 96 elements over 128 threads: overhang, guarded by the user.
  FragmentLayout overhang = check(FragmentLayout::elementwise1D("x", 96, 128));
  EXPECT_EQ(overhang.extent("x"), 128);
  FragmentLayout odd = check(FragmentLayout::elementwise1D("x", 301, 128));
  EXPECT_EQ(odd.extent("x"), 384);
  EXPECT_EQ(odd.numRegisters(), 3);

  FragmentLayout replicas = check(FragmentLayout::elementwise1D("x", 32, 128));
  EXPECT_EQ(replicas.extent("x"), 32);
  EXPECT_EQ(replicas.replication(), 4);
  EXPECT_TRUE(coversByEnumeration(replicas));
  EXPECT_NE(reason(FragmentLayout::elementwise1D("x", 0, 128)), "");
}

TEST(FragmentLayout, ElementwiseOfSeveralAxesCovers) {
  std::mt19937 rng(3);
  for (int trial = 0; trial < 300; ++trial) {
    std::vector<std::pair<std::string, int64_t>> axes;
    for (unsigned i = 0, e = 1 + rng() % 3; i < e; ++i)
      axes.push_back({std::string(1, char('a' + i)), 1 + rng() % 24});
    int64_t threads = 32 * (1 + rng() % 4);
    int64_t vector = int64_t(1) << rng() % 4;
    FragmentLayout layout =
        check(FragmentLayout::elementwise(axes, threads, vector));
    ASSERT_EQ(layout.numThreads(), threads);
    for (const auto &[name, extent] : axes)
      ASSERT_EQ(layout.extent(name), extent) << layout.str();
    EXPECT_TRUE(layout.covers()) << layout.str();
    EXPECT_TRUE(coversByEnumeration(layout)) << layout.str();
    checkParts(layout);
  }
}

TEST(FragmentLayout, CoversAgreesWithEnumeration) {
  // Random strides: most layouts do not cover.
  std::mt19937 rng(4);
  int covering = 0;
  const int64_t strides[] = {0, 0, 0, 1, 1, 2, 2, 4, 8};
  for (int trial = 0; trial < 6000; ++trial) {
    FragmentLayout::Digits threads, regs;
    for (unsigned i = 0, e = 1 + rng() % 2; i < e; ++i)
      threads.push_back(1 + rng() % 3);
    for (unsigned i = 0, e = rng() % 3; i < e; ++i)
      regs.push_back(1 + rng() % 3);
    llvm::SmallVector<FragmentLayout::Axis> axes;
    for (unsigned a = 0, e = 1 + rng() % 2; a < e; ++a) {
      FragmentLayout::Axis axis{std::string(1, char('a' + a)), {}, {}};
      for (size_t d = 0; d < threads.size(); ++d)
        axis.threadStrides.push_back(strides[rng() % std::size(strides)]);
      for (size_t d = 0; d < regs.size(); ++d)
        axis.registerStrides.push_back(strides[rng() % std::size(strides)]);
      axes.push_back(axis);
    }
    FragmentLayout layout = check(FragmentLayout::get(threads, regs, axes));
    bool covers = layout.covers();
    covering += covers;
    ASSERT_EQ(covers, coversByEnumeration(layout)) << layout.str();
  }
  EXPECT_GT(covering, 150);
}

TEST(FragmentLayout, SimplifiedPlacesAlike) {
  FragmentLayout a = check(FragmentLayout::get(
      {4, 8, 1, 4}, {2, 2}, {{"x", {1, 4, 7, 32}, {128, 256}}}));
  FragmentLayout b =
      check(FragmentLayout::get({128}, {4}, {{"x", {1}, {128}}}));
  EXPECT_NE(a, b);
  EXPECT_TRUE(a.isEquivalent(b));
  EXPECT_EQ(a.simplified(), b);
  FragmentLayout acc =
      check(FragmentLayout::wgmmaAccumulator("m", "n", 64, 32));
  FragmentLayout simple = acc.simplified();
  ASSERT_EQ(simple.numRegisters(), acc.numRegisters());
  for (int64_t t = 0; t < 128; ++t)
    for (int64_t r = 0; r < acc.numRegisters(); ++r)
      ASSERT_EQ(place(acc, t, r), place(simple, t, r));
}

TEST(FragmentLayout, Reductions) {
  FragmentLayout acc =
      check(FragmentLayout::wgmmaAccumulator("m", "n", 64, 64));
  // A sum over n crosses the four lanes of a quad, one over m the eight quads
  // and the four warps.
  EXPECT_EQ(*acc.reductionLanes("n"), (llvm::SmallVector<int64_t, 5>{1, 2}));
  EXPECT_EQ(*acc.reductionLanes("m"),
            (llvm::SmallVector<int64_t, 5>{4, 8, 16}));
  EXPECT_FALSE(acc.spansWarps("n"));
  EXPECT_TRUE(acc.spansWarps("m"));
  EXPECT_TRUE(acc.reductionLanes("other")->empty());
  FragmentLayout three =
      check(FragmentLayout::get({3, 8}, {1}, {{"x", {1, 3}, {0}}}));
  EXPECT_FALSE(three.reductionLanes("x").has_value());
  FragmentLayout linear = check(FragmentLayout::elementwise1D("x", 512, 128));
  EXPECT_EQ(linear.reductionLanes("x")->size(), 5u);
  EXPECT_TRUE(linear.spansWarps("x"));
}

TEST(FragmentLayout, VectorWidth) {
  FragmentLayout acc =
      check(FragmentLayout::wgmmaAccumulator("m", "n", 64, 64));
  EXPECT_EQ(acc.vectorWidth("n"), 2);
  EXPECT_EQ(acc.vectorWidth("m"), 1);
  EXPECT_EQ(acc.vectorWidth("other"), 1);
}

TEST(FragmentLayout, Prints) {
  FragmentLayout acc =
      check(FragmentLayout::wgmmaAccumulator("m", "n", 64, 128));
  EXPECT_EQ(acc.str(), "threads [4, 8, 4] regs [2, 2, 16, 1] "
                       "m: threads [0, 1, 16] regs [0, 8, 0, 64] "
                       "n: threads [2, 0, 0] regs [1, 0, 8, 0]");
}

TEST(FragmentLayout, RefusesBadShapes) {
  EXPECT_EQ(reason(FragmentLayout::wgmmaAccumulator("m", "n", 32, 128)),
            "the M side of a warpgroup's matrix product has extent 32, which "
            "is not a multiple of 64");
  EXPECT_NE(reason(FragmentLayout::wgmmaAccumulator("m", "n", 64, 12)), "");
  EXPECT_NE(reason(FragmentLayout::wgmmaAccumulator("m", "m", 64, 16)), "");
  EXPECT_NE(reason(FragmentLayout::wgmmaOperandA("m", "k", 64, 24, 16)), "");
  EXPECT_NE(reason(FragmentLayout::wgmmaOperandA("m", "k", 64, 64, 64)), "");
  EXPECT_NE(reason(FragmentLayout::get({0}, {1}, {})), "");
  EXPECT_NE(reason(FragmentLayout::get({2}, {1}, {{"x", {1}, {}}})), "");
  EXPECT_NE(reason(FragmentLayout::get({2}, {1}, {{"x", {-1}, {0}}})), "");
  EXPECT_NE(reason(FragmentLayout::get({2}, {1}, {{"", {1}, {0}}})), "");
}
