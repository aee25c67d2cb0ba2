//===- CompilerLayoutsTest.cpp - the compiler's layouts, simulated --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compiler and the simulator derive shared-memory layouts, descriptors and
// fragments independently of each other, both from the PTX ISA. Here the one's
// choices are run through the other: a matrix product that goes the way of a
// kernel (tensor copies in, wgmma, stmatrix, tensor copy out) must be the
// plain product.
//
//===----------------------------------------------------------------------===//

#include "tilewright/Sim/BulkCopy.h"
#include "tilewright/Sim/MatrixMove.h"
#include "tilewright/Sim/Wgmma.h"
#include "tilewright/Support/FragmentLayout.h"
#include "tilewright/Support/SharedLayout.h"
#include "gtest/gtest.h"
#include <cmath>
#include <cstring>
#include <random>

using namespace tilewright;
using namespace tilewright::sim;

namespace {

template <typename T> T check(llvm::Expected<T> value) {
  if (value)
    return std::move(*value);
  ADD_FAILURE() << llvm::toString(value.takeError());
  return T();
}

/// Global memory: one array from address 0x10000 on.
class Flat : public GlobalAccess {
public:
  static constexpr uint64_t base = 0x10000;
  std::vector<uint8_t> bytes;
  llvm::Error read(uint64_t a, llvm::MutableArrayRef<uint8_t> out) override {
    if (llvm::Error error = bounds(a, out.size()))
      return error;
    std::memcpy(out.data(), &bytes[a - base], out.size());
    return llvm::Error::success();
  }
  llvm::Error write(uint64_t a, llvm::ArrayRef<uint8_t> in) override {
    if (llvm::Error error = bounds(a, in.size()))
      return error;
    std::memcpy(&bytes[a - base], in.data(), in.size());
    return llvm::Error::success();
  }
  llvm::Error update(uint64_t a, size_t size,
                     llvm::function_ref<void(llvm::MutableArrayRef<uint8_t>)>
                         change) override {
    if (llvm::Error error = bounds(a, size))
      return error;
    change({&bytes[a - base], size});
    return llvm::Error::success();
  }

private:
  llvm::Error bounds(uint64_t a, uint64_t size) {
    if (a >= base && a + size <= base + bytes.size())
      return llvm::Error::success();
    return llvm::createStringError("outside of global memory");
  }
};

/// A row-major matrix in `memory` with rows padded to 16 bytes.
struct Matrix {
  Flat memory;
  Format format;
  int64_t rows, columns, pitch;
  Matrix(Format format, int64_t rows, int64_t columns)
      : format(format), rows(rows), columns(columns),
        pitch((columns * bitWidth(format) / 8 + 15) / 16 * 16) {
    memory.bytes.assign(size_t(rows * pitch), 0xCC);
  }
  uint8_t *at(int64_t r, int64_t c) {
    return &memory.bytes[size_t(r * pitch + c * bitWidth(format) / 8)];
  }
  double get(int64_t r, int64_t c) {
    uint64_t bits = 0;
    std::memcpy(&bits, at(r, c), bitWidth(format) / 8);
    return decode(format, bits);
  }
  void fill(std::mt19937 &random) {
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < columns; ++c) {
        // Small integers: every sum is exact, in any order.
        int value = int(random() % 9) - 4;
        uint64_t bits =
            isFloat(format) ? encode(format, value) : uint64_t(int64_t(value));
        std::memcpy(at(r, c), &bits, bitWidth(format) / 8);
      }
  }
  /// The map whose boxes are those of `layout` (axes outer to inner).
  TensorMap map(const SharedLayout &layout, const BoxPlan &plan) {
    TensorMap map;
    switch (format) {
    case Format::BF16:
      map.type = MapType::BF16;
      break;
    case Format::F16:
      map.type = MapType::F16;
      break;
    case Format::TF32:
      map.type = MapType::TF32;
      break;
    default:
      map.type = MapType::U8;
    }
    map.rank = 2;
    map.address = Flat::base;
    map.dims = {uint64_t(columns), uint64_t(rows)};
    map.strides = {map.elementBytes(), uint64_t(pitch)};
    map.box = {uint32_t(plan.extents[1]), uint32_t(plan.extents[0])};
    map.swizzle = layout.swizzle() == Swizzle::B128  ? MapSwizzle::B128
                  : layout.swizzle() == Swizzle::B64 ? MapSwizzle::B64
                  : layout.swizzle() == Swizzle::B32 ? MapSwizzle::B32
                                                     : MapSwizzle::None;
    EXPECT_EQ(llvm::toString(checkTensorMap(map)), "");
    // As a kernel gets it.
    return check(decodeTensorMap(encodeTensorMap(map).bytes));
  }
};

uint64_t loadField(Matrix &matrix, const SharedLayout &layout, int64_t row,
                   int64_t column, std::vector<uint8_t> &shared,
                   int64_t address) {
  BoxPlan plan = check(layout.boxes());
  TensorMap map = matrix.map(layout, plan);
  uint64_t bytes = 0;
  for (const BoxPlan::Box &box : plan.boxes)
    bytes += check(loadBox(map,
                           {int32_t(column + box.origin[1]),
                            int32_t(row + box.origin[0])},
                           matrix.memory, shared,
                           uint32_t(address + box.byteOffset)))
                 .bytes;
  return bytes;
}

struct Problem {
  Format format;
  int64_t m, n, k;
  int64_t tileM, tileN, tileK;
  bool transA = false, transB = false;
};

/// C[m, n] = A B as a kernel computes it, in bf16. `transA`: A is stored
/// [k, m]; `transB`: B is stored [k, n], else [n, k].
void runProduct(const Problem &p, bool interleaved) {
  std::mt19937 random(unsigned(p.m * 31 + p.n * 7 + p.k));
  Matrix a(p.format, p.transA ? p.k : p.m, p.transA ? p.m : p.k);
  Matrix b(p.format, p.transB ? p.k : p.n, p.transB ? p.n : p.k);
  Matrix c(Format::BF16, p.m, p.n);
  a.fill(random);
  b.fill(random);
  unsigned bits = bitWidth(p.format);

  auto layoutOf = [&](bool trans, const char *mn, int64_t extent) {
    std::vector<SharedAxis> axes = {{mn, extent}, {"k", p.tileK}};
    if (trans)
      std::swap(axes[0], axes[1]);
    return check(interleaved ? SharedLayout::getInterleaved(bits, axes)
                             : SharedLayout::choose(bits, axes, true));
  };
  SharedLayout layoutA = layoutOf(p.transA, "m", p.tileM);
  SharedLayout layoutB = layoutOf(p.transB, "n", p.tileN);
  SharedLayout layoutC =
      check(SharedLayout::choose(16, {{"m", p.tileM}, {"n", p.tileN}}, false));
  WgmmaOperandLayout operandA = check(layoutA.wgmmaOperand("k"));
  WgmmaOperandLayout operandB = check(layoutB.wgmmaOperand("k"));

  WgmmaShape shape;
  shape.a = shape.b = p.format;
  shape.d = p.format == Format::S8 ? Format::S32 : Format::F32;
  shape.n = unsigned(p.tileN);
  shape.transA = !operandA.kMajor;
  shape.transB = !operandB.kMajor;
  ASSERT_EQ(shape.transA, p.transA);
  ASSERT_EQ(llvm::toString(shape.check()), "");
  ASSERT_EQ(operandA.kPerStep, int64_t(shape.k()));

  int64_t addressA = 1024;
  int64_t addressB = (addressA + layoutA.totalBytes() + 1023) / 1024 * 1024;
  int64_t addressC = (addressB + layoutB.totalBytes() + 1023) / 1024 * 1024;
  std::vector<uint8_t> shared(size_t(addressC + layoutC.totalBytes()), 0xEE);
  unsigned waves = unsigned(p.tileM / 64), perWave = shape.registersD();

  for (int64_t m0 = 0; m0 < p.m; m0 += p.tileM)
    for (int64_t n0 = 0; n0 < p.n; n0 += p.tileN) {
      std::vector<std::vector<uint32_t>> d(
          waves, std::vector<uint32_t>(128 * perWave, 0x7FC00000));
      bool first = true;
      for (int64_t k0 = 0; k0 < p.k; k0 += p.tileK) {
        uint64_t got = loadField(a, layoutA, p.transA ? k0 : m0,
                                 p.transA ? m0 : k0, shared, addressA);
        ASSERT_EQ(int64_t(got), layoutA.totalBytes());
        got = loadField(b, layoutB, p.transB ? k0 : n0, p.transB ? n0 : k0,
                        shared, addressB);
        ASSERT_EQ(int64_t(got), layoutB.totalBytes());
        for (int64_t step = 0; step < operandA.kSteps(); ++step) {
          WgmmaOperand right = check(readOperandB(
              shape, operandB.encode(addressB + operandB.kStepOffset(step)),
              shared));
          for (unsigned wave = 0; wave < waves; ++wave) {
            WgmmaOperand left = check(readOperandA(
                shape,
                operandA.encode(addressA + operandA.kStepOffset(step) +
                                operandA.mnOffset(64 * wave)),
                shared));
            multiplyAccumulate(shape, left, right, !first, d[wave],
                               AccumulateModel::exact());
          }
          first = false;
        }
      }
      // The epilogue: pairs of registers as bf16x2, four words a stmatrix.
      IntArith arith;
      for (unsigned wave = 0; wave < waves; ++wave)
        for (unsigned warp = 0; warp < 4; ++warp)
          for (int64_t step = 0; 16 * step < p.tileN; ++step) {
            unsigned count = 16 * step + 16 <= p.tileN ? 4 : 2;
            std::vector<uint32_t> words(32 * count), addresses(32);
            for (unsigned lane = 0; lane < 32; ++lane) {
              addresses[lane] =
                  uint32_t(addressC + layoutC.emitStmatrixOffset(
                                          arith, lane, warp, 64 * wave, step));
              for (unsigned q = 0; q < count; ++q) {
                const uint32_t *r =
                    &d[wave][(32 * warp + lane) * perWave + 8 * step + 2 * q];
                auto value = [&](uint32_t word) {
                  return float(decode(shape.d, word));
                };
                words[lane * count + q] =
                    convertPacked2(Format::BF16, value(r[1]), value(r[0]));
              }
            }
            ASSERT_EQ(llvm::toString(storeMatrices(shared, addresses, count,
                                                   false, words)),
                      "");
          }
      BoxPlan plan = check(layoutC.boxes());
      TensorMap map = c.map(layoutC, plan);
      for (const BoxPlan::Box &box : plan.boxes)
        check(storeBox(
            map, {int32_t(n0 + box.origin[1]), int32_t(m0 + box.origin[0])},
            c.memory, shared, uint32_t(addressC + box.byteOffset)));
    }

  for (int64_t i = 0; i < p.m; ++i)
    for (int64_t j = 0; j < p.n; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < p.k; ++k)
        sum += (p.transA ? a.get(k, i) : a.get(i, k)) *
               (p.transB ? b.get(k, j) : b.get(j, k));
      ASSERT_EQ(c.get(i, j), decode(Format::BF16, encode(Format::BF16, sum)))
          << formatName(p.format).str() << " " << p.m << "x" << p.n << "x"
          << p.k << " at " << i << ", " << j;
    }
}

} // namespace

TEST(CompilerLayouts, Products) {
  // Tails in every dimension; one to several tiles, waves and K blocks; rows
  // that select each swizzle.
  const Problem problems[] = {
      {Format::E4M3, 128, 128, 256, 128, 128, 128},
      {Format::E4M3, 100, 70, 200, 64, 64, 128},
      {Format::E5M2, 65, 40, 96, 64, 16, 64},
      {Format::E4M3, 130, 30, 33, 128, 24, 32},
      {Format::S8, 64, 100, 160, 64, 96, 64},
      {Format::BF16, 96, 136, 100, 64, 128, 64},
      {Format::BF16, 64, 50, 40, 64, 8, 32},
      {Format::F16, 70, 250, 64, 64, 256, 16},
      {Format::TF32, 64, 64, 72, 64, 32, 32},
  };
  for (const Problem &p : problems) {
    runProduct(p, /*interleaved=*/false);
    runProduct(p, /*interleaved=*/true);
    if (HasFatalFailure())
      return;
  }
}

TEST(CompilerLayouts, TransposedOperands) {
  for (Format format : {Format::BF16, Format::F16})
    for (auto [transA, transB] :
         {std::pair<bool, bool>{true, false}, {false, true}, {true, true}})
      for (int64_t tileN : {64, 128, 32, 16}) {
        Problem p = {format, 100, 200, 70, 128, tileN, 32, transA, transB};
        runProduct(p, /*interleaved=*/false);
        runProduct(p, /*interleaved=*/true);
        if (HasFatalFailure())
          return;
      }
}

TEST(CompilerLayouts, AccumulatorFragments) {
  for (int64_t n : {8, 64, 256}) {
    FragmentLayout layout =
        check(FragmentLayout::wgmmaAccumulator("m", "n", 64, n));
    ASSERT_EQ(layout.numRegisters(), n / 2);
    for (unsigned thread = 0; thread < 128; ++thread)
      for (unsigned r = 0; r < n / 2; ++r) {
        FragmentCoordinate at = accumulatorCoordinate(thread, r);
        ASSERT_EQ(layout.coordinate("m", thread, r), int64_t(at.row));
        ASSERT_EQ(layout.coordinate("n", thread, r), int64_t(at.column));
      }
  }
}

TEST(CompilerLayouts, OperandFragments) {
  for (Format format : {Format::E4M3, Format::BF16, Format::TF32}) {
    WgmmaShape shape;
    shape.a = shape.b = format;
    shape.d = Format::F32;
    unsigned width = bitWidth(format), packed = 32 / width;
    FragmentLayout layout =
        check(FragmentLayout::wgmmaOperandA("m", "k", 64, shape.k(), width));
    ASSERT_EQ(layout.numRegisters(), int64_t(4 * packed));
    std::mt19937 random(1);
    std::vector<uint32_t> registers(512);
    for (uint32_t &word : registers)
      word = random();
    WgmmaOperand a = check(readFragmentA(shape, registers));
    for (unsigned thread = 0; thread < 128; ++thread)
      for (unsigned e = 0; e < 4 * packed; ++e) {
        uint64_t word = registers[thread * 4 + e / packed];
        uint32_t value = uint32_t(word >> (width * (e % packed)) &
                                  ((uint64_t(1) << width) - 1));
        int64_t m = layout.coordinate("m", thread, e);
        int64_t k = layout.coordinate("k", thread, e);
        ASSERT_EQ(a.bits[size_t(m * shape.k() + k)], value);
      }
  }
}

TEST(CompilerLayouts, SwizzlesAgree) {
  for (auto [ours, theirs] :
       {std::pair<MapSwizzle, Swizzle>{MapSwizzle::None, Swizzle::None},
        {MapSwizzle::B32, Swizzle::B32},
        {MapSwizzle::B64, Swizzle::B64},
        {MapSwizzle::B128, Swizzle::B128}})
    for (uint32_t address = 0; address < 4096; ++address)
      ASSERT_EQ(int64_t(swizzleAddress(ours, address)),
                applySwizzle(theirs, address));
}
