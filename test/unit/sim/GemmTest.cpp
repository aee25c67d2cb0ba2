//===- GemmTest.cpp - Compiled GEMMs on the simulator ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX that the compiler emitted for kernels/gemm/fp8_gemm_nt.tw (stored in
// ptx/, so that this test needs no MLIR), against loops in double.
//
//===----------------------------------------------------------------------===//
#include "tilewright/Sim/Formats.h"
#include "tilewright/Sim/Simulator.h"
#include "tilewright/Sim/TensorMap.h"
#include "llvm/Support/MemoryBuffer.h"
#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace tilewright::sim;

namespace {

std::string readPtx(const std::string &name) {
  auto buffer = llvm::MemoryBuffer::getFile(
      std::string(TILEWRIGHT_SOURCE_DIR) + "/test/unit/sim/ptx/" + name);
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

/// What the manifest of a compiled kernel says.
struct Kernel {
  const char *ptx;
  uint32_t tileM, tileN;
  std::array<uint32_t, 2> boxA, boxB, boxSA, boxD; ///< Innermost first.
  uint32_t threads, smem;
};

const Kernel gemm64 = {"fp8_gemm_nt_64x64.ptx", 64,       64,  {128, 64},
                       {128, 64},               {64, 1},  {64, 64},
                       256,                     224720};

struct Matrix {
  uint64_t address = 0;
  uint64_t rows = 0, columns = 0, pitch = 0; ///< Pitch in bytes.
};

class Gemm {
public:
  Gemm(const Kernel &kernel, uint32_t m, uint32_t n, uint32_t k)
      : kernel(kernel), m(m), n(n), k(k), kBlocks((k + 127) / 128) {
    a = allocate("A", m, k, 1);
    b = allocate("B", n, k, 1);
    sa = allocate("SA", kBlocks, m, 4);
    sb = allocate("SB", (n + 127) / 128, kBlocks, 4);
    d = allocate("D", m, n, 2);
    std::mt19937 random(m * 31 + n * 7 + k);
    std::uniform_real_distribution<double> uniform(-2, 2);
    for (const Matrix *x : {&a, &b})
      for (uint64_t r = 0; r < x->rows; ++r)
        for (uint64_t c = 0; c < x->columns; ++c)
          *byte(*x, r, c, 1) = encode(Format::E4M3, uniform(random));
    for (const Matrix *x : {&sa, &sb})
      for (uint64_t r = 0; r < x->rows; ++r)
        for (uint64_t c = 0; c < x->columns; ++c)
          *reinterpret_cast<float *>(byte(*x, r, c, 4)) =
              0.5f + std::abs(float(uniform(random)));
  }

  llvm::Expected<Report> run(const Options &options = {}, uint32_t ctas = 2,
                             const std::string &ptx = {}) {
    Launch launch;
    launch.ptx = ptx.empty() ? readPtx(kernel.ptx) : ptx;
    uint32_t tiles = (m + kernel.tileM - 1) / kernel.tileM *
                     ((n + kernel.tileN - 1) / kernel.tileN);
    launch.grid = {std::min(ctas, tiles), 1, 1};
    launch.block = {kernel.threads, 1, 1};
    launch.smemBytes = kernel.smem;
    launch.add(map(d, MapType::BF16, 2, kernel.boxD, 3));
    launch.add(map(sa, MapType::F32, 4, kernel.boxSA, 0));
    launch.add(map(b, MapType::U8, 1, kernel.boxB, 3));
    launch.add(map(a, MapType::U8, 1, kernel.boxA, 3));
    launch.add(sb.address);
    launch.add(m);
    launch.add(k);
    launch.add(n);
    launch.add(int64_t(sb.pitch / 4));
    return tilewright::sim::run(launch, memory, options);
  }

  /// The largest error, relative to the sum of magnitudes.
  double error() {
    double worst = 0;
    for (uint32_t i = 0; i < m; ++i)
      for (uint32_t j = 0; j < n; ++j) {
        double sum = 0, magnitude = 1e-30;
        for (uint32_t x = 0; x < k; ++x) {
          double term = decode(Format::E4M3, *byte(a, i, x, 1)) *
                        decode(Format::E4M3, *byte(b, j, x, 1)) *
                        f32(sa, x / 128, i) * f32(sb, j / 128, x / 128);
          sum += term;
          magnitude += std::abs(term);
        }
        uint16_t bits;
        std::memcpy(&bits, byte(d, i, j, 2), 2);
        double difference = std::abs(decode(Format::BF16, bits) - sum);
        // bf16 keeps 8 significant bits; f32 sums are far better than that.
        double allowed = std::abs(sum) / 256 + magnitude * 1e-6;
        worst = std::max(worst, difference / allowed);
      }
    return worst;
  }

  /// Bytes of D's rows behind its columns must stay as they were.
  bool paddingIsClean() {
    for (uint64_t r = 0; r < m; ++r)
      for (uint64_t x = n * 2; x < d.pitch; ++x)
        if (*memory.resolve(d.address + r * d.pitch + x, 1))
          return false;
    return true;
  }

private:
  Matrix allocate(const char *name, uint64_t rows, uint64_t columns,
                  uint64_t bytes) {
    Matrix x;
    x.rows = rows;
    x.columns = columns;
    x.pitch = (columns * bytes + 15) / 16 * 16;
    x.address = memory.allocate(rows * x.pitch, name);
    return x;
  }
  uint8_t *byte(const Matrix &x, uint64_t r, uint64_t c, uint64_t bytes) {
    return memory.resolve(x.address + r * x.pitch + c * bytes, bytes);
  }
  float f32(const Matrix &x, uint64_t r, uint64_t c) {
    return *reinterpret_cast<float *>(byte(x, r, c, 4));
  }
  TensorMapBlob map(const Matrix &x, MapType type, uint64_t bytes,
                    std::array<uint32_t, 2> box, int swizzle) {
    TensorMapArgs args;
    uint64_t dims[] = {x.columns, x.rows}, strides[] = {x.pitch};
    uint32_t ones[] = {1, 1};
    args.type = int(type);
    args.rank = 2;
    args.address = x.address;
    args.dims = dims;
    args.strides = strides;
    args.box = box;
    args.elementStrides = ones;
    args.swizzle = swizzle;
    auto made = makeTensorMap(args);
    EXPECT_TRUE(bool(made)) << llvm::toString(made.takeError());
    return made ? encodeTensorMap(*made) : TensorMapBlob{};
  }

  Kernel kernel;
  uint32_t m, n, k, kBlocks;
  Memory memory;
  Matrix a, b, sa, sb, d;
};

void expectRight(const Kernel &kernel, uint32_t m, uint32_t n, uint32_t k,
                 const Options &options = {}, uint32_t ctas = 2) {
  Gemm gemm(kernel, m, n, k);
  auto report = gemm.run(options, ctas);
  ASSERT_TRUE(bool(report)) << llvm::toString(report.takeError());
  EXPECT_TRUE(report->ok()) << report->str();
  EXPECT_LE(gemm.error(), 1.0);
  EXPECT_TRUE(gemm.paddingIsClean());
  EXPECT_GT(report->warpInstructions, 0u);
}

TEST(Gemm, TailsInEveryDimension) { expectRight(gemm64, 130, 40, 300); }

} // namespace
