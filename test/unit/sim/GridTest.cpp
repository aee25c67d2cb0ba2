//===- GridTest.cpp - Many clusters on several host threads ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MachineTestSupport.h"

using namespace tilewright::sim;

namespace {

/// A grid of `ctas` CTAs of one warp; %r1 = %ctaid.x.
Kernel gridKernel(const std::string &body, unsigned ctas) {
  Kernel kernel("mov.u32 %r1, %ctaid.x;\n" + body, 32, 4096);
  kernel.launch.grid = {ctas, 1, 1};
  return kernel;
}

Report runOn(const std::string &body, unsigned ctas, unsigned threads,
             std::vector<uint32_t> *words = nullptr) {
  Kernel kernel = gridKernel(body, ctas);
  Options options;
  options.threads = threads;
  Report report = kernel.run(options);
  if (words)
    for (unsigned i = 0; i < 4096; ++i)
      words->push_back(kernel.word(i));
  return report;
}

/// Each lane stores ctaid * 32 + lane, after a loop whose length depends on the
/// CTA, so that clusters end in another order than they begin.
const char *unevenBody = R"(
  sub.s32 %r2, 64, %r1;
  mul.lo.s32 %r2, %r2, 50;
L: sub.s32 %r2, %r2, 1;
  setp.gt.s32 %p1, %r2, 0;
  @%p1 bra L;
  mad.lo.s32 %r3, %r1, 32, %r0;
  mul.wide.u32 %rd2, %r3, 4;
  add.s64 %rd2, %rd0, %rd2;
  st.global.b32 [%rd2], %r3;
)";

TEST(Grid, ClustersRunOnSeveralThreads) {
  std::vector<uint32_t> words;
  Report one = runOn(unevenBody, 64, 1),
         four = runOn(unevenBody, 64, 4, &words);
  EXPECT_TRUE(four.ok()) << four.str();
  EXPECT_EQ(one.hostThreads, 1u);
  EXPECT_EQ(four.hostThreads, 4u);
  for (unsigned i = 0; i < 64 * 32; ++i)
    ASSERT_EQ(words[i], i);
  EXPECT_EQ(one.warpInstructions, four.warpInstructions);
  EXPECT_EQ(one.threadInstructions, four.threadInstructions);
  EXPECT_EQ(one.opcodes, four.opcodes);
}

TEST(Grid, FindingsDoNotDependOnTheThreads) {
  // CTA i reads shared memory that nothing has written at one of 16 places,
  // and CTA 40, which is done long before CTA 0, leaves global memory.
  std::string body = R"(
  setp.ne.b32 %p2, %r1, 40;
  @%p2 bra N;
  ld.global.b32 %r4, [%rd0+65536];
N:
)" + std::string(unevenBody);
  for (unsigned i = 0; i < 16; ++i)
    body += "and.b32 %r5, %r1, 15; setp.eq.b32 %p3, %r5, " + std::to_string(i) +
            ";\n@%p3 ld.shared.b32 %r4, [smem+" + std::to_string(4 * i) +
            "];\n";
  std::string one = runOn(body, 64, 1).str();
  EXPECT_NE(one.find("shared byte 1024,"), std::string::npos) << one;
  for (unsigned threads : {2, 3, 8})
    EXPECT_EQ(runOn(body, 64, threads).str(), one);
  // CTAs 0 to 15 give the most findings that are kept: 40 is never joined.
  EXPECT_EQ(one.find("out of bounds"), std::string::npos) << one;
}

TEST(Grid, WhatStopsALowerClusterIsReported) {
  // All of the CTAs from 20 on trap: 20 is the one to report.
  std::string body = std::string(unevenBody) + R"(
  setp.ge.u32 %p2, %r1, 20;
  @%p2 trap;
)";
  for (unsigned threads : {1, 4}) {
    Report report = runOn(body, 64, threads);
    ASSERT_EQ(report.findings.size(), 1u) << report.str();
    EXPECT_EQ(report.findings[0].cta, 20u);
  }
}

/// Every CTA counts itself in and waits until all `ctas` of them have.
std::string gridBarrier(unsigned ctas) {
  return R"(
  setp.ne.b32 %p1, %r0, 0;
  @%p1 bra J;
  red.release.gpu.global.add.u32 [%rd0], 1;
W: ld.acquire.gpu.global.b32 %r2, [%rd0];
  setp.lt.u32 %p2, %r2, )" +
         std::to_string(ctas) + R"(;
  @%p2 bra W;
J: bar.warp.sync -1;
)";
}

TEST(Grid, CtasMayWaitForEachOther) {
  // Each CTA writes, all meet, and each reads what its neighbour wrote.
  std::vector<uint32_t> words;
  Report report = runOn(R"(
  add.s64 %rd3, %rd0, 256;
  mul.wide.u32 %rd2, %r1, 4;
  add.s64 %rd2, %rd3, %rd2;
  add.s32 %r5, %r1, 1000;
  st.global.b32 [%rd2], %r5;
)" + gridBarrier(64) + R"(
  xor.b32 %r6, %r1, 1;
  mul.wide.u32 %rd4, %r6, 4;
  add.s64 %rd4, %rd3, %rd4;
  ld.global.b32 %r7, [%rd4];
  st.global.b32 [%rd2+512], %r7;
)",
                        64, 4, &words);
  EXPECT_TRUE(report.ok()) << report.str();
  EXPECT_EQ(report.hostThreads, 1u);
  for (unsigned i = 0; i < 64; ++i)
    EXPECT_EQ(words[64 + 128 + i], 1000 + (i ^ 1));
}

TEST(Grid, PollingWithAnAtomicWaitsToo) {
  std::string body = gridBarrier(32);
  std::string load = "ld.acquire.gpu.global.b32 %r2, [%rd0];";
  body.replace(body.find(load), load.size(),
               "atom.acquire.gpu.global.add.u32 %r2, [%rd0], 0;");
  Report report = runOn(body, 32, 1);
  EXPECT_TRUE(report.ok()) << report.str();
}

TEST(Grid, OneArrivalTooFewIsADeadlock) {
  Report report = runOn(gridBarrier(33), 32, 2);
  ASSERT_EQ(report.findings.size(), 1u) << report.str();
  EXPECT_TRUE(report.has(Hazard::Deadlock)) << report.str();
  EXPECT_NE(report.str().find("CTA 7"), std::string::npos) << report.str();
  EXPECT_NE(report.str().find("24 more clusters"), std::string::npos)
      << report.str();
}

TEST(Grid, CtasThatAreNotResidentCannotBeWaitedFor) {
  Kernel kernel = gridKernel(gridBarrier(32), 32);
  kernel.launch.smemBytes = 200 * 1024; // One CTA on each multiprocessor.
  Options options;
  options.multiprocessors = 31;
  Report report = kernel.run(options);
  ASSERT_TRUE(report.has(Hazard::Deadlock)) << report.str();
  EXPECT_NE(report.str().find("1 clusters of the grid have not begun: the "
                              "device holds 31 at once"),
            std::string::npos)
      << report.str();
  Kernel fits = gridKernel(gridBarrier(32), 32);
  options.multiprocessors = 32;
  EXPECT_TRUE(fits.run(options).ok());
}

TEST(Grid, MoreCtasThanFitRunInTurn) {
  // They count themselves, but wait for nobody: all have their turn.
  Kernel kernel = gridKernel("red.global.add.u32 [%rd0], 1;", 4000);
  Options options;
  options.multiprocessors = 1;
  Report report = kernel.run(options);
  EXPECT_TRUE(report.ok()) << report.str();
  EXPECT_EQ(kernel.word(0), 4000u * 32);
}

TEST(Grid, ModuleVariables) {
  Kernel kernel("mov.b64 %rd2, counters; atom.global.add.u32 %r2, "
                "[%rd2+4], 1; st.global.b32 [%rd1], %r2;");
  kernel.launch.ptx.insert(kernel.launch.ptx.find(".visible"),
                           ".global .align 8 .b32 counters[2] = {5, 70};\n");
  for (unsigned launch = 0; launch < 2; ++launch) { // Each begins anew.
    Report report = kernel.run();
    EXPECT_TRUE(report.ok()) << report.str();
    EXPECT_EQ(kernel.word(31), 101u);
  }
  std::string &ptx = kernel.launch.ptx;
  ptx.replace(ptx.find("[%rd2+4]"), 8, "[%rd2+8]");
  Report report = kernel.run();
  EXPECT_NE(report.str().find("byte 8 of 'counters', which has 8 bytes"),
            std::string::npos)
      << report.str();
}

} // namespace
