//===- SharedLayoutTest.cpp - swizzled layouts, boxes, stmatrix -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Support/SharedLayout.h"
#include "tilewright/Support/FragmentLayout.h"

#include "gtest/gtest.h"
#include <set>
#include <vector>

using namespace tilewright;

namespace {

SharedLayout check(llvm::Expected<SharedLayout> layout) {
  if (layout)
    return *layout;
  ADD_FAILURE() << llvm::toString(layout.takeError());
  return SharedLayout();
}

template <typename T> std::string reason(llvm::Expected<T> value) {
  if (value)
    return "";
  return llvm::toString(value.takeError());
}

/// Calls `f` with every coordinate tuple.
template <typename F> void forEach(const SharedLayout &layout, F f) {
  llvm::SmallVector<int64_t, 4> c(layout.axes().size(), 0);
  while (true) {
    f(llvm::ArrayRef<int64_t>(c));
    size_t i = c.size();
    while (i-- > 0) {
      if (++c[i] < layout.axes()[i].extent)
        break;
      c[i] = 0;
    }
    if (i == static_cast<size_t>(-1))
      return;
  }
}

/// The swizzle as the PTX ISA's figures draw it: the 16-byte unit u of row r
/// (rows of `span` bytes) stands at unit u XOR (r / (128/span)) mod (span/16).
int64_t drawnOffset(int64_t span, int64_t rows, int64_t row, int64_t byte) {
  int64_t atom = byte / span, within = byte % span;
  int64_t unit = within / 16 ^ (row / (128 / span)) % (span / 16);
  return atom * rows * span + row * span + unit * 16 + within % 16;
}

std::vector<SharedLayout> samples() {
  std::vector<SharedLayout> result;
  for (unsigned bits : {8u, 16u, 32u})
    for (Swizzle swizzle :
         {Swizzle::None, Swizzle::B32, Swizzle::B64, Swizzle::B128})
      for (int64_t rows : {8, 64, 96})
        for (int64_t bytes : {32, 64, 128, 256}) {
          if (bytes % std::max(1u, static_cast<unsigned>(swizzle)) != 0)
            continue;
          result.push_back(check(SharedLayout::get(
              bits, {{"m", rows}, {"k", bytes * 8 / bits}}, swizzle)));
          if (swizzle == Swizzle::None)
            result.push_back(check(SharedLayout::getInterleaved(
                bits, {{"m", rows}, {"k", bytes * 8 / bits}})));
        }
  result.push_back(check(
      SharedLayout::get(8, {{"x", 2}, {"h", 64}, {"d", 128}}, Swizzle::B128)));
  result.push_back(check(
      SharedLayout::get(16, {{"x", 3}, {"h", 8}, {"d", 128}}, Swizzle::B64)));
  return result;
}

} // namespace

TEST(SharedLayout, OffsetsAreABijection) {
  for (const SharedLayout &layout : samples()) {
    std::set<int64_t> seen;
    int64_t bytes = layout.elementBits() / 8;
    forEach(layout, [&](llvm::ArrayRef<int64_t> c) {
      int64_t offset = layout.byteOffset(c);
      ASSERT_EQ(offset % bytes, 0);
      ASSERT_GE(offset, 0);
      ASSERT_LT(offset, layout.totalBytes());
      ASSERT_TRUE(seen.insert(offset).second) << layout.str();
    });
    EXPECT_EQ(static_cast<int64_t>(seen.size()) * bytes, layout.totalBytes());
  }
}

TEST(SharedLayout, SwizzleIsThePTXFigure) {
  for (const SharedLayout &layout : samples()) {
    if (layout.swizzle() == Swizzle::None)
      continue;
    forEach(layout, [&](llvm::ArrayRef<int64_t> c) {
      int64_t byte = c.back() * layout.elementBits() / 8;
      ASSERT_EQ(
          layout.byteOffset(c),
          drawnOffset(layout.spanBytes(), layout.rows(), layout.rowOf(c), byte))
          << layout.str();
    });
  }
}

TEST(SharedLayout, KnownOffsets) {
  SharedLayout layout =
      check(SharedLayout::get(8, {{"m", 128}, {"k", 128}}, Swizzle::B128));
  EXPECT_EQ(layout.alignment(), 1024);
  EXPECT_EQ(layout.totalBytes(), 16384);
  EXPECT_EQ(layout.byteOffset({0, 0}), 0);
  EXPECT_EQ(layout.byteOffset({1, 0}), 128 + 16);
  EXPECT_EQ(layout.byteOffset({7, 0}), 7 * 128 + 7 * 16);
  EXPECT_EQ(layout.byteOffset({8, 0}), 1024);
  EXPECT_EQ(layout.byteOffset({3, 16}), 3 * 128 + 2 * 16);
  // bf16 [64][128]: two atoms of 64 columns.
  SharedLayout wide =
      check(SharedLayout::get(16, {{"m", 64}, {"n", 128}}, Swizzle::B128));
  EXPECT_EQ(wide.chunks(), 2);
  EXPECT_EQ(wide.elementsPerSpan(), 64);
  EXPECT_EQ(wide.byteOffset({0, 64}), 8192);
  EXPECT_EQ(wide.linearOffset({5, 72}), 8192 + 5 * 128 + 16);
  EXPECT_EQ(wide.byteOffset({5, 72}), 8192 + 5 * 128 + 4 * 16);
  EXPECT_EQ(check(SharedLayout::get(8, {{"m", 8}, {"k", 64}}, Swizzle::B64))
                .alignment(),
            512);
  EXPECT_EQ(check(SharedLayout::get(8, {{"m", 8}, {"k", 32}}, Swizzle::B32))
                .alignment(),
            256);
}

TEST(SharedLayout, EmittedOffsetsAgree) {
  IntArith arith;
  for (const SharedLayout &layout : samples())
    forEach(layout, [&](llvm::ArrayRef<int64_t> c) {
      ASSERT_EQ(layout.emitOffset<IntArith>(arith, c), layout.byteOffset(c))
          << layout.str();
    });
}

TEST(SharedLayout, SubByteElements) {
  SharedLayout fp4 =
      check(SharedLayout::get(4, {{"n", 16}, {"k", 128}}, Swizzle::B64));
  EXPECT_EQ(fp4.totalBytes(), 1024);
  EXPECT_EQ(fp4.elementsPerSpan(), 128);
  EXPECT_EQ(fp4.byteOffset({0, 3}), 1);
  EXPECT_NE(reason(SharedLayout::get(4, {{"n", 2}, {"k", 7}}, Swizzle::None)),
            "");
}

TEST(SharedLayout, ChoosesTheWidestSwizzle) {
  auto choose = [](unsigned bits, int64_t rows, int64_t k, bool matrix) {
    return check(SharedLayout::choose(bits, {{"m", rows}, {"k", k}}, matrix));
  };
  EXPECT_EQ(choose(8, 128, 128, true).swizzle(), Swizzle::B128);
  EXPECT_EQ(choose(8, 128, 64, true).swizzle(), Swizzle::B64);
  EXPECT_EQ(choose(8, 128, 32, true).swizzle(), Swizzle::B32);
  EXPECT_EQ(choose(8, 128, 96, true).swizzle(), Swizzle::B32);
  EXPECT_EQ(choose(16, 128, 96, true).swizzle(), Swizzle::B64);
  EXPECT_TRUE(choose(8, 128, 48, true).isInterleaved());
  EXPECT_FALSE(choose(8, 128, 48, false).isInterleaved());
  EXPECT_EQ(choose(32, 1, 24, false).spanBytes(), 96);
  // Two atoms of 4 rows each would break the pattern: a narrower swizzle does
  // not help either, so plain rows.
  EXPECT_EQ(choose(8, 4, 256, false).swizzle(), Swizzle::None);
  EXPECT_EQ(choose(8, 4, 128, false).swizzle(), Swizzle::B128);
}

TEST(SharedLayout, RefusesWhatBreaksThePattern) {
  EXPECT_EQ(reason(SharedLayout::get(8, {{"m", 8}, {"k", 96}}, Swizzle::B64)),
            "axis 'k' is 96 bytes, which is not a multiple of 64");
  EXPECT_NE(reason(SharedLayout::get(8, {{"m", 4}, {"k", 256}}, Swizzle::B128)),
            "");
  EXPECT_NE(reason(SharedLayout::get(8, {}, Swizzle::None)), "");
  EXPECT_NE(reason(SharedLayout::get(8, {{"m", 0}}, Swizzle::None)), "");
  EXPECT_NE(reason(SharedLayout::get(7, {{"m", 8}}, Swizzle::None)), "");
  EXPECT_NE(reason(SharedLayout::get(8, {{"m", 8}, {"m", 32}}, Swizzle::None)),
            "");
}

//===----------------------------------------------------------------------===//
// Boxes
//===----------------------------------------------------------------------===//

namespace {

/// The boxes together fill the field, each byte once, when each box is written
/// as the copy engine writes it: rows of the box one after the other from its
/// byte offset, permuted by address bits.
void checkBoxes(const SharedLayout &layout, const BoxPlan &plan) {
  std::set<int64_t> written;
  int64_t bytes = layout.elementBits() / 8;
  for (const BoxPlan::Box &box : plan.boxes) {
    EXPECT_EQ(box.byteOffset % 128, 0);
    llvm::SmallVector<int64_t, 4> c(box.origin.size(), 0);
    int64_t position = 0;
    while (true) {
      llvm::SmallVector<int64_t, 4> element(box.origin);
      for (size_t i = 0; i < c.size(); ++i)
        element[i] += c[i];
      int64_t address =
          applySwizzle(layout.swizzle(), box.byteOffset + position);
      ASSERT_EQ(address, layout.byteOffset(element)) << layout.str();
      ASSERT_TRUE(written.insert(address).second);
      position += bytes;
      size_t i = c.size();
      while (i-- > 0) {
        if (++c[i] < plan.extents[i])
          break;
        c[i] = 0;
      }
      if (i == static_cast<size_t>(-1))
        break;
    }
    EXPECT_EQ(position, plan.bytesPerBox);
  }
  EXPECT_EQ(static_cast<int64_t>(written.size()) * bytes, layout.totalBytes());
}

BoxPlan checkPlan(llvm::Expected<BoxPlan> plan) {
  if (plan)
    return *plan;
  ADD_FAILURE() << llvm::toString(plan.takeError());
  return BoxPlan();
}

} // namespace

TEST(SharedLayout, BoxesFillTheField) {
  for (const SharedLayout &layout : samples()) {
    if (layout.spanBytes() % 16 != 0 || layout.elementsPerSpan() > 256)
      continue;
    checkBoxes(layout, checkPlan(layout.boxes()));
  }
}

TEST(SharedLayout, BoxesOfTheGemm) {
  SharedLayout a =
      check(SharedLayout::choose(8, {{"m", 128}, {"k", 128}}, true));
  BoxPlan plan = checkPlan(a.boxes());
  EXPECT_EQ(plan.extents, (llvm::SmallVector<int64_t, 4>{128, 128}));
  ASSERT_EQ(plan.boxes.size(), 1u);
  EXPECT_EQ(plan.bytesPerBox, 16384);

  SharedLayout d =
      check(SharedLayout::choose(16, {{"m", 64}, {"n", 128}}, false));
  plan = checkPlan(d.boxes());
  EXPECT_EQ(plan.extents, (llvm::SmallVector<int64_t, 4>{64, 64}));
  ASSERT_EQ(plan.boxes.size(), 2u);
  EXPECT_EQ(plan.boxes[1].byteOffset, 8192);
  EXPECT_EQ(plan.boxes[1].origin, (llvm::SmallVector<int64_t, 4>{0, 64}));

  SharedLayout scales =
      check(SharedLayout::get(32, {{"m", 128}}, Swizzle::None));
  plan = checkPlan(scales.boxes());
  EXPECT_EQ(plan.extents, (llvm::SmallVector<int64_t, 4>{128}));
  EXPECT_EQ(plan.bytesPerBox, 512);
}

TEST(SharedLayout, BoxesAreCutAt256AndAtLimits) {
  SharedLayout tall =
      check(SharedLayout::choose(8, {{"m", 512}, {"k", 128}}, true));
  BoxPlan plan = checkPlan(tall.boxes());
  EXPECT_EQ(plan.extents, (llvm::SmallVector<int64_t, 4>{256, 128}));
  EXPECT_EQ(plan.boxes.size(), 2u);
  checkBoxes(tall, plan);

  // Pages of 64 rows.
  plan = checkPlan(tall.boxes({64, 0}));
  EXPECT_EQ(plan.extents, (llvm::SmallVector<int64_t, 4>{64, 128}));
  EXPECT_EQ(plan.boxes.size(), 8u);
  EXPECT_EQ(plan.boxes[3].byteOffset, 3 * 8192);
  checkBoxes(tall, plan);

  // An axis outside a cut one has extent 1.
  SharedLayout three = check(
      SharedLayout::get(8, {{"x", 2}, {"h", 64}, {"d", 128}}, Swizzle::B128));
  plan = checkPlan(three.boxes({0, 16, 0}));
  EXPECT_EQ(plan.extents, (llvm::SmallVector<int64_t, 4>{1, 16, 128}));
  checkBoxes(three, plan);

  // A limit that is no multiple of the pattern's period: the next divisor.
  plan = checkPlan(tall.boxes({12, 0}));
  EXPECT_EQ(plan.extents[0], 8);
  EXPECT_NE(reason(tall.boxes({4, 0})), "");

  // A long row of scales is cut at 256 elements.
  SharedLayout row = check(SharedLayout::get(32, {{"m", 512}}, Swizzle::None));
  plan = checkPlan(row.boxes());
  EXPECT_EQ(plan.extents[0], 256);
  checkBoxes(row, plan);
}

TEST(SharedLayout, BoxesRefuseBadRows) {
  SharedLayout thin =
      check(SharedLayout::get(8, {{"m", 64}, {"k", 8}}, Swizzle::None));
  EXPECT_NE(reason(thin.boxes()), "");
  SharedLayout wide =
      check(SharedLayout::get(8, {{"m", 64}, {"k", 512}}, Swizzle::None));
  EXPECT_NE(reason(wide.boxes()), "");
  SharedLayout six = check(SharedLayout::get(
      8, {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}, {"e", 8}, {"f", 16}},
      Swizzle::None));
  EXPECT_NE(reason(six.boxes()), "");
}

//===----------------------------------------------------------------------===//
// stmatrix
//===----------------------------------------------------------------------===//

namespace {

/// Runs stmatrix as the PTX ISA defines it on a simulated shared memory: lane
/// 8q + i addresses row i of matrix q; thread 4r + c/2 holds elements (r, c)
/// and (r, c+1) of every matrix, with .trans the transposed ones.
void checkStmatrix(int64_t m, int64_t n, Swizzle swizzle, bool transposed) {
  FragmentLayout acc = *FragmentLayout::wgmmaAccumulator("m", "n", m, n);
  llvm::SmallVector<SharedAxis, 2> axes;
  if (transposed)
    axes = {{"n", n}, {"m", m}};
  else
    axes = {{"m", m}, {"n", n}};
  SharedLayout layout = check(SharedLayout::get(16, axes, swizzle));
  std::vector<int64_t> memory(layout.totalBytes() / 2, -1);
  IntArith arith;
  int64_t perWave = n / 2;
  for (int64_t wave = 0; wave < m / 64; ++wave)
    for (int64_t warp = 0; warp < 4; ++warp)
      for (int64_t step = 0; step * 16 < n; ++step) {
        int64_t matrices = std::min<int64_t>(4, (n - step * 16) / 8 * 2);
        int64_t address[32];
        for (int64_t lane = 0; lane < 32; ++lane) {
          address[lane] = layout.emitStmatrixOffset<IntArith>(
              arith, lane, warp, wave * 64, step, transposed);
          ASSERT_EQ(address[lane] % 16, 0);
          ASSERT_GE(address[lane], 0);
          ASSERT_LE(address[lane] + 16, layout.totalBytes());
        }
        for (int64_t q = 0; q < matrices; ++q)
          for (int64_t r = 0; r < 8; ++r)
            for (int64_t c = 0; c < 8; ++c) {
              int64_t thread = warp * 32 + 4 * r + c / 2;
              int64_t reg = wave * perWave + 8 * step + 2 * q + c % 2;
              int64_t where = transposed ? address[8 * q + c] + 2 * r
                                         : address[8 * q + r] + 2 * c;
              ASSERT_EQ(memory[where / 2], -1) << "written twice";
              memory[where / 2] = acc.coordinate("m", thread, reg) * n +
                                  acc.coordinate("n", thread, reg);
            }
      }
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      llvm::SmallVector<int64_t, 2> c{i, j};
      if (transposed)
        std::swap(c[0], c[1]);
      ASSERT_EQ(memory[layout.byteOffset(c) / 2], i * n + j)
          << layout.str() << " at " << i << ", " << j;
    }
}

} // namespace

TEST(SharedLayout, StmatrixStoresTheAccumulator) {
  for (int64_t m : {64, 128})
    for (int64_t n : {16, 32, 64, 128, 192}) {
      for (Swizzle swizzle :
           {Swizzle::None, Swizzle::B32, Swizzle::B64, Swizzle::B128})
        if (n * 2 % std::max(1u, static_cast<unsigned>(swizzle)) == 0)
          checkStmatrix(m, n, swizzle, false);
    }
  for (int64_t n : {8, 24, 40}) // the last step stores two matrices
    checkStmatrix(64, n, Swizzle::None, false);
  checkStmatrix(64, 48, Swizzle::B32, false);
}

TEST(SharedLayout, StmatrixTransposed) {
  for (int64_t m : {64, 128})
    for (int64_t n : {8, 16, 24, 64, 128})
      for (Swizzle swizzle :
           {Swizzle::None, Swizzle::B32, Swizzle::B64, Swizzle::B128})
        checkStmatrix(m, n, swizzle, true);
}

TEST(SharedLayout, StmatrixAvoidsBankConflicts) {
  // The eight rows of a matrix lie in eight different 16-byte bank groups.
  SharedLayout layout =
      check(SharedLayout::get(16, {{"m", 64}, {"n", 128}}, Swizzle::B128));
  IntArith arith;
  for (int64_t step = 0; step < 8; ++step)
    for (int64_t q = 0; q < 4; ++q) {
      std::set<int64_t> banks;
      for (int64_t i = 0; i < 8; ++i)
        banks.insert(
            layout.emitStmatrixOffset<IntArith>(arith, 8 * q + i, 1, 0, step) %
            128 / 16);
      EXPECT_EQ(banks.size(), 8u);
    }
}

TEST(SharedLayout, Prints) {
  EXPECT_EQ(check(SharedLayout::get(8, {{"m", 128}, {"k", 128}}, Swizzle::B128))
                .str(),
            "8-bit [m: 128, k: 128] swizzle 128");
  EXPECT_EQ(check(SharedLayout::get(16, {{"m", 64}, {"n", 128}}, Swizzle::B128))
                .str(),
            "16-bit [m: 64, n: 128] swizzle 128 atoms 2");
  EXPECT_EQ(check(SharedLayout::get(32, {{"m", 64}}, Swizzle::None)).str(),
            "32-bit [m: 64] plain");
}
