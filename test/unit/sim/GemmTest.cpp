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
  auto buffer = llvm::MemoryBuffer::getFile(std::string(TILEWRIGHT_SOURCE_DIR) +
                                            "/test/unit/sim/ptx/" + name);
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

/// What the manifest of a compiled kernel says.
struct Kernel {
  const char *ptx;
  uint32_t tileM, tileN;
  std::array<uint32_t, 2> boxA, boxB, boxSA, boxD; ///< Innermost first.
  uint32_t threads, smem;
};

const Kernel gemm64 = {"fp8_gemm_nt_64x64.ptx",
                       64,
                       64,
                       {128, 64},
                       {128, 64},
                       {64, 1},
                       {64, 64},
                       256,
                       224720};

const Kernel gemm128 = {"fp8_gemm_nt_128x128.ptx",
                        128,
                        128,
                        {128, 128},
                        {128, 128},
                        {128, 1},
                        {64, 64},
                        384,
                        199248};

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

  /// The largest error of every `every`th row and column, relative to what is
  /// allowed.
  double error(uint32_t every = 1) {
    double worst = 0;
    for (uint32_t i = 0; i < m; i += every)
      for (uint32_t j = 0; j < n; j += every) {
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
    // As the launcher does: an extent of 0 is encoded as 1.
    uint64_t dims[] = {std::max<uint64_t>(x.columns, 1),
                       std::max<uint64_t>(x.rows, 1)};
    uint64_t strides[] = {std::max<uint64_t>(x.pitch, 16)};
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
TEST(Gemm, TwoWarpgroups) { expectRight(gemm128, 130, 40, 300); }
TEST(Gemm, OneOfEach) { expectRight(gemm64, 1, 8, 16); }
TEST(Gemm, NoK) { expectRight(gemm64, 64, 64, 0); }
TEST(Gemm, ManyTilesOfOneCta) { expectRight(gemm64, 200, 136, 256, {}, 1); }
/// More K blocks than the 13 slots of the ring: phases wrap.
TEST(Gemm, RingWraps) { expectRight(gemm64, 64, 64, 128 * 30); }

/// The size of issue 3's time limit (8 s on two cores).
TEST(Gemm, SixteenTiles) {
  Gemm gemm(gemm128, 512, 512, 1024);
  auto report = gemm.run({}, 16);
  ASSERT_TRUE(bool(report)) << llvm::toString(report.takeError());
  EXPECT_TRUE(report->ok()) << report->str();
  EXPECT_LE(gemm.error(/*every=*/13), 1.0);
}

TEST(Gemm, SchedulesAgree) {
  for (Schedule schedule :
       {Schedule::Latest, Schedule::Earliest, Schedule::Random})
    for (uint64_t seed = 0; seed < (schedule == Schedule::Random ? 4 : 1);
         ++seed) {
      Options options;
      options.schedule = schedule;
      options.seed = seed;
      expectRight(gemm64, 70, 72, 128 * 15, options, 1);
    }
}

//===----------------------------------------------------------------------===//
// Seeded bugs: one edit of the PTX, one kind of finding
//===----------------------------------------------------------------------===//

/// Runs with every `from` replaced by `to`; `from` must occur.
Report runEdited(const std::string &from, const std::string &to,
                 uint32_t k = 300) {
  std::string ptx = readPtx(gemm64.ptx);
  size_t edits = 0;
  for (size_t at = 0; (at = ptx.find(from, at)) != std::string::npos;
       at += to.size(), ++edits)
    ptx.replace(at, from.size(), to);
  EXPECT_GT(edits, 0u) << from;
  Gemm gemm(gemm64, 130, 40, k);
  auto report = gemm.run({}, 1, ptx);
  if (!report) {
    ADD_FAILURE() << llvm::toString(report.takeError());
    return {};
  }
  return *report;
}

TEST(Seeded, NoProxyFence) {
  Report report = runEdited("fence.proxy.async.shared::cta;", "");
  EXPECT_TRUE(report.has(Hazard::MissingProxyFence)) << report.str();
  // Where the store is, in the kernel's source.
  EXPECT_NE(report.str().find("fp8_gemm_nt.tw:38:"), std::string::npos)
      << report.str();
}

TEST(Seeded, NoWaitForTheSlot) {
  // The consumer reads the scales without waiting for the full barrier.
  Report report =
      runEdited("mbarrier.try_wait.parity.shared.b64 %p30, [%rd9], %r218;",
                "setp.eq.b32 %p30, 0, 0;");
  EXPECT_TRUE(report.has(Hazard::UninitialisedShared) ||
              report.has(Hazard::ReadBeforeArrival))
      << report.str();
}

TEST(Seeded, NoWaitForTheConsumer) {
  Report report =
      runEdited("mbarrier.try_wait.parity.shared.b64 %p18, [%rd12], %r27;",
                "setp.eq.b32 %p18, 0, 0;", 128 * 30);
  EXPECT_TRUE(report.has(Hazard::ReadBeforeArrival) ||
              report.has(Hazard::OverwrittenWhileRead) ||
              report.has(Hazard::BarrierMisuse))
      << report.str();
}

TEST(Seeded, WrongParityIsADeadlock) {
  Report report =
      runEdited("xor.b32 \t%r27, %r223, 1;", "xor.b32 \t%r27, %r223, 0;");
  ASSERT_TRUE(report.has(Hazard::Deadlock)) << report.str();
  // Producer and consumers are named with what they wait for.
  EXPECT_NE(report.str().find("warp 4"), std::string::npos) << report.str();
  EXPECT_NE(report.str().find("4 of 4 arrivals"), std::string::npos)
      << report.str();
}

TEST(Seeded, TooFewBytesExpected) {
  Report report = runEdited("mov.b32 \t%r78, 16640;", "mov.b32 \t%r78, 16512;");
  EXPECT_TRUE(report.has(Hazard::Deadlock)) << report.str();
}

TEST(Seeded, NoWgmmaWait) {
  Report report = runEdited("wgmma.wait_group.sync.aligned 0;", "");
  EXPECT_TRUE(report.has(Hazard::RegisterInFlight)) << report.str();
}

TEST(Seeded, NoWgmmaFence) {
  Report report = runEdited("wgmma.fence.sync.aligned;", "");
  EXPECT_TRUE(report.has(Hazard::MissingWgmmaFence)) << report.str();
}

TEST(Seeded, NoWaitForTheStore) {
  Report report = runEdited("cp.async.bulk.wait_group.read \t0;", "");
  EXPECT_TRUE(report.has(Hazard::OverwrittenWhileRead)) << report.str();
}

TEST(Seeded, SlotBeyondSharedMemory) {
  Report report = runEdited("add.s32 \t%r77, %r76, 221184;",
                            "add.s32 \t%r77, %r76, 224640;");
  EXPECT_TRUE(report.has(Hazard::OutOfBounds) ||
              report.has(Hazard::BarrierMisuse))
      << report.str();
}

} // namespace
