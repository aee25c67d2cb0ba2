//===- MachineTest.cpp - Small PTX programs on the simulator --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MachineTestSupport.h"
#include "tilewright/Sim/TensorMap.h"

using namespace tilewright::sim;

namespace {

std::string errorOf(const std::string &body) {
  Kernel kernel(body);
  auto report = run(kernel.launch, kernel.memory);
  if (report)
    return "";
  return llvm::toString(report.takeError());
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

TEST(Arithmetic, Integers) {
  expectWord("mov.b32 %r2, -7; div.s32 %r1, %r2, 2;", uint32_t(-3));
  expectWord("mov.b32 %r2, -7; rem.s32 %r1, %r2, 4;", uint32_t(-3));
  expectWord("mov.b32 %r2, -7; shr.s32 %r1, %r2, 40;", ~0u);
  expectWord("mov.b32 %r2, 5; shl.b32 %r1, %r2, 32;", 0);
  expectWord("mov.b32 %r2, -1; mul.hi.u32 %r1, %r2, %r2;", 0xFFFFFFFE);
  expectWord("mov.b32 %r2, -1; mul.hi.s32 %r1, %r2, %r2;", 0);
  expectWord("mov.b32 %r2, 0x12345678; bfe.u32 %r1, %r2, 8, 12;", 0x456);
  expectWord("mov.b32 %r2, 0x12348678; bfe.s32 %r1, %r2, 8, 8;", 0xFFFFFF86);
  expectWord("mov.b32 %r2, 3; min.s32 %r1, %r2, -4;", uint32_t(-4));
  expectWord("mov.b32 %r2, 3; min.u32 %r1, %r2, -4;", 3);
  expectWord("mov.b32 %r2, 3; mad.lo.s32 %r1, %r2, %r2, -1;", 8);
  expectWord("mov.b32 %r2, 0x0A0B0C0D; prmt.b32 %r1, %r2, 0, 0x0123;",
             0x0D0C0B0A);
  expectWord("mov.b32 %r2, 0x80000001; shf.l.wrap.b32 %r1, %r2, %r2, 4;",
             0x00000018);
  expectWord("mov.b32 %r2, 0xF0; lop3.b32 %r1, %r2, 0xCC, 0xAA, 0x96;",
             0xF0 ^ 0xCC ^ 0xAA);
}

TEST(Arithmetic, Floats) {
  // 1.5 * 2 + 0.25; bf16x2 packing puts the first source into the high half.
  expectWord("mov.b32 %r2, 0f3FC00000; mov.b32 %r3, 0f40000000;"
             "fma.rn.f32 %r1, %r2, %r3, 0f3E800000;",
             asBits(3.25f));
  expectWord("mov.b32 %r2, 0f3FC00000; mov.b32 %r3, 0f40000000;"
             "cvt.rn.bf16x2.f32 %r1, %r2, %r3;",
             0x3FC04000);
  expectWord("mov.f32 %r1, -2.5;", asBits(-2.5f));
  expectWord("mov.b32 %r2, 0f00000000; div.rn.f32 %r1, %r2, %r2;", 0x7FFFFFFF);
  expectWord("mov.b32 %r2, 0f7FC00000; max.f32 %r1, %r2, 0f3F800000;",
             asBits(1.0f));
  expectWord("mov.b32 %r2, 0fC0200000; cvt.rzi.s32.f32 %r1, %r2;",
             uint32_t(-2));
  expectWord("mov.b32 %r2, 0fC0200000; cvt.rni.s32.f32 %r1, %r2;",
             uint32_t(-2));
  expectWord("mov.b32 %r2, 0f4F800000; cvt.rzi.s32.f32 %r1, %r2;", 0x7FFFFFFF);
  expectWord("mov.b32 %r2, -3; cvt.rn.f32.s32 %r1, %r2;", asBits(-3.0f));
  expectWord("mov.b32 %r2, 0f7FC00000; setp.ne.f32 %p1, %r2, %r2;"
             "selp.b32 %r1, 1, 2, %p1;",
             2);
  expectWord("mov.b32 %r2, 0f7FC00000; setp.neu.f32 %p1, %r2, %r2;"
             "selp.b32 %r1, 1, 2, %p1;",
             1);
}

TEST(Arithmetic, UnknownFormsAreNamedWithTheirLine) {
  std::string error = errorOf("div.rz.f32 %r1, %r1, %r1;");
  EXPECT_NE(error.find("div.rz.f32"), std::string::npos) << error;
  EXPECT_NE(error.find("PTX line"), std::string::npos) << error;
  EXPECT_NE(errorOf("frobnicate.b32 %r1, %r1;").find("frobnicate"),
            std::string::npos);
  EXPECT_NE(errorOf("wgmma.mma_async.sync.aligned.m64n12k32.f32.e4m3.e4m3 "
                    "{%r1}, %rd1, %rd2, %p1, 1, 1;")
                .find("m64n12k32"),
            std::string::npos);
  EXPECT_NE(errorOf("mov.b32 %r99, 1;").find("%r99"), std::string::npos);
  EXPECT_NE(errorOf("bra nowhere;").find("nowhere"), std::string::npos);
  EXPECT_NE(errorOf("st.global.b32 [%tid.x], %r1;").find("not an address"),
            std::string::npos);
  EXPECT_NE(errorOf("call foo;").find("call"), std::string::npos);
}

TEST(Parser, EveryPrefixIsRefusedOrRuns) {
  // Nothing that is cut off, and nothing with a character lost, may crash.
  Kernel whole("mov.b32 %r1, 1; @%p1 bra L; L: st.global.v2.b32 [%rd0], "
               "{%r1, %r0};",
               1);
  const std::string text = whole.launch.ptx;
  for (size_t i = 0; i < text.size(); ++i)
    for (bool cut : {true, false}) {
      Launch launch = whole.launch;
      launch.ptx = text.substr(0, i) + (cut ? "" : text.substr(i + 1));
      Options options;
      options.maxInstructions = 1000;
      if (auto report = run(launch, whole.memory, options); !report)
        llvm::consumeError(report.takeError());
    }
}

//===----------------------------------------------------------------------===//
// Divergence
//===----------------------------------------------------------------------===//

TEST(Divergence, LoopsOfDifferentLengthMeetAgain) {
  // Lane i adds 1 + ... + i, then all vote: they must be together again.
  Kernel kernel(R"(
  mov.b32 %r1, 0;
  mov.b32 %r2, 0;
L: setp.ge.u32 %p1, %r2, %r0;
  @%p1 bra E;
  add.s32 %r2, %r2, 1;
  add.s32 %r1, %r1, %r2;
  bra L;
E: activemask.b32 %r3;
  setp.eq.b32 %p2, %r3, -1;
  selp.b32 %r4, 1000, 0, %p2;
  add.s32 %r1, %r1, %r4;
  st.global.b32 [%rd1], %r1;
)");
  Report report = kernel.run();
  EXPECT_TRUE(report.ok()) << report.str();
  for (unsigned i = 0; i < 32; ++i)
    EXPECT_EQ(kernel.word(i), 1000 + i * (i + 1) / 2);
}

TEST(Divergence, OneSideMayWaitForTheOther) {
  // Lane 0 waits on an mbarrier that lane 1 arrives at.
  Kernel kernel(R"(
  setp.ne.b32 %p1, %r0, 0;
  @%p1 bra N;
  mbarrier.init.shared.b64 [smem], 1;
N: bar.warp.sync -1;
  @%p1 bra A;
W: mbarrier.try_wait.parity.shared.b64 %p2, [smem], 0;
  @!%p2 bra W;
  bra E;
A: setp.ne.b32 %p3, %r0, 1;
  @%p3 bra E;
  mbarrier.arrive.shared.b64 %rd2, [smem];
E: st.global.b32 [%rd1], 7;
)");
  Report report = kernel.run();
  EXPECT_TRUE(report.ok()) << report.str();
  EXPECT_EQ(kernel.word(0), 7u);
  EXPECT_EQ(kernel.word(31), 7u);
}

TEST(Divergence, ExitsInsideOfABranch) {
  Kernel kernel(R"(
  setp.lt.u32 %p1, %r0, 16;
  @!%p1 bra E;
  setp.lt.u32 %p2, %r0, 8;
  @%p2 ret;
  st.global.b32 [%rd1], 1;
E: bar.warp.sync -1;
  activemask.b32 %r1;
  st.global.b32 [%rd1], %r1;
)");
  Report report = kernel.run();
  EXPECT_TRUE(report.ok()) << report.str();
  EXPECT_EQ(kernel.word(7), 0u);
  EXPECT_EQ(kernel.word(8), 0xFFFFFF00u);
  EXPECT_EQ(kernel.word(31), 0xFFFFFF00u);
}

TEST(Divergence, MissingLanesAreADeadlock) {
  Kernel kernel(R"(
  setp.ne.b32 %p1, %r0, 3;
  @!%p1 mbarrier.init.shared.b64 [smem+8], 1;
  @%p1 bra S;
W: mbarrier.try_wait.parity.shared.b64 %p2, [smem+8], 0;
  @!%p2 bra W;
  ret;
S: bar.warp.sync -1;
)");
  Report report = kernel.run();
  ASSERT_TRUE(report.has(Hazard::Deadlock)) << report.str();
  EXPECT_NE(report.str().find("for lanes 0x8"), std::string::npos)
      << report.str();
  EXPECT_NE(report.str().find("mbarrier at 1032"), std::string::npos)
      << report.str();
}

TEST(Warp, ShufflesElectVote) {
  Kernel kernel(R"(
  shfl.sync.bfly.b32 %r1, %r0, 1, 31, -1;
  shfl.sync.up.b32 %r2|%p1, %r0, 4, 0, -1;
  shfl.sync.idx.b32 %r3, %r0, 9, 31, -1;
  elect.sync %r4|%p2, -1;
  vote.sync.ballot.b32 %r5, %p2, -1;
  selp.b32 %r6, 1, 0, %p1;
  mad.lo.s32 %r1, %r1, 100, %r2;
  mad.lo.s32 %r1, %r1, 100, %r3;
  mad.lo.s32 %r1, %r1, 10, %r5;
  mad.lo.s32 %r1, %r1, 10, %r6;
  st.global.b32 [%rd1], %r1;
)");
  Report report = kernel.run();
  EXPECT_TRUE(report.ok()) << report.str();
  for (unsigned i = 0; i < 32; ++i) {
    unsigned up = i < 4 ? i : i - 4;
    EXPECT_EQ(kernel.word(i),
              (((i ^ 1) * 100 + up) * 100 + 9) * 100 + 10 + (i >= 4));
  }
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

TEST(Memory, VectorsAndGenericAddresses) {
  Kernel kernel(R"(
  mov.b64 %rd2, smem;
  mul.wide.u32 %rd3, %r0, 8;
  add.s64 %rd2, %rd2, %rd3;
  add.s32 %r1, %r0, 5;
  st.shared.v2.b32 [%rd2+16], {%r0, %r1};
  cvta.shared.u64 %rd4, %rd2;
  ld.v2.b32 {%r2, %r3}, [%rd4+16];
  mad.lo.s32 %r2, %r2, 1000, %r3;
  st.global.b32 [%rd1], %r2;
)");
  Report report = kernel.run();
  EXPECT_TRUE(report.ok()) << report.str();
  EXPECT_EQ(kernel.word(9), 9014u);
}

TEST(Memory, OutOfBoundsNamesTheAllocation) {
  Kernel kernel("st.global.b32 [%rd1+160], %r0;");
  Report report = kernel.run();
  ASSERT_TRUE(report.has(Hazard::OutOfBounds));
  EXPECT_NE(report.str().find("byte 256 of 'out', which has 256 bytes"),
            std::string::npos)
      << report.str();
  EXPECT_TRUE(
      Kernel("st.shared.b32 [smem+4096], %r0;").run().has(Hazard::OutOfBounds));
  EXPECT_TRUE(Kernel("mov.b64 %rd2, 0; ld.shared.b32 %r1, [%rd2];")
                  .run()
                  .has(Hazard::OutOfBounds));
  EXPECT_TRUE(Kernel("ld.global.v2.b32 {%r1, %r2}, [%rd0+4];")
                  .run()
                  .has(Hazard::Misaligned));
  // A .shared address is no generic one.
  EXPECT_TRUE(Kernel("mov.b64 %rd2, smem; ld.b32 %r1, [%rd2];")
                  .run()
                  .has(Hazard::OutOfBounds));
}

TEST(Memory, UninitialisedShared) {
  Kernel kernel(
      "st.shared.b32 [smem], 1; ld.shared.v2.b32 {%r1, %r2}, [smem];");
  Report report = kernel.run();
  ASSERT_TRUE(report.has(Hazard::UninitialisedShared));
  EXPECT_NE(report.str().find("shared byte 1028"), std::string::npos)
      << report.str();
}

TEST(Memory, Atomics) {
  Kernel kernel(R"(
  atom.global.add.u32 %r1, [%rd0], 3;
  red.global.max.s32 [%rd0+4], %r0;
  setp.ne.b32 %p1, %r0, 0;
  @%p1 bra E;
  mov.b32 %r2, 0f3F800000;
  red.global.add.f32 [%rd0+8], %r2;
E:
)");
  Report report = kernel.run();
  EXPECT_TRUE(report.ok()) << report.str();
  EXPECT_EQ(kernel.word(0), 96u);
  EXPECT_EQ(kernel.word(1), 31u);
  EXPECT_EQ(kernel.word(2), asBits(1.0f));
}

//===----------------------------------------------------------------------===//
// Barriers
//===----------------------------------------------------------------------===//

TEST(Barrier, NamedBarriersOrderWarps) {
  // Warp 1 writes, warp 0 reads behind barrier 1 of 64 threads.
  Kernel kernel(R"(
  mov.b64 %rd2, smem;
  setp.lt.u32 %p1, %r0, 32;
  @%p1 bra R;
  add.s64 %rd3, %rd1, -128;
  sub.s64 %rd4, %rd3, %rd0;
  add.s64 %rd4, %rd4, %rd2;
  st.shared.b32 [%rd4], %r0;
  bar.arrive 1, 64;
  ret;
R: bar.sync 1, 64;
  sub.s64 %rd4, %rd1, %rd0;
  add.s64 %rd4, %rd4, %rd2;
  ld.shared.b32 %r1, [%rd4];
  st.global.b32 [%rd1], %r1;
)",
                64);
  Report report = kernel.run();
  EXPECT_TRUE(report.ok()) << report.str();
  EXPECT_EQ(kernel.word(5), 37u);
}

TEST(Barrier, CountsMustAgree) {
  Kernel kernel(R"(
  setp.lt.u32 %p1, %r0, 32;
  @%p1 bra R;
  bar.sync 1, 64;
  ret;
R: bar.sync 1, 96;
)",
                64);
  EXPECT_TRUE(kernel.run().has(Hazard::BarrierMisuse));
}

TEST(Barrier, TooManyArrivals) {
  Kernel kernel(R"(
  setp.ne.b32 %p1, %r0, 0;
  @%p1 bra E;
  mbarrier.init.shared.b64 [smem], 2;
  mbarrier.arrive.shared.b64 %rd2, [smem], 3;
E:
)");
  EXPECT_TRUE(kernel.run().has(Hazard::BarrierMisuse));
  EXPECT_TRUE(Kernel("mbarrier.arrive.shared.b64 %rd2, [smem];")
                  .run()
                  .has(Hazard::BarrierMisuse));
}

TEST(Barrier, SetmaxnregWaitsForThePool) {
  // 384 threads: 168 registers each, 1024 left over. The increase of two
  // warpgroups to 232 needs what the third gives up.
  std::string body = R"(
  setp.lt.u32 %p1, %r0, 256;
  @%p1 bra I;
  setmaxnreg.dec.sync.aligned.u32 40;
  ret;
I: setmaxnreg.inc.sync.aligned.u32 232;
)";
  EXPECT_TRUE(Kernel(body, 384).run().ok());
  body.replace(body.find("dec.sync.aligned.u32 40"), 23,
               "dec.sync.aligned.u32 96");
  EXPECT_TRUE(Kernel(body, 384).run().has(Hazard::Deadlock));
}

TEST(Barrier, ClustersShareMemory) {
  // Each CTA writes into its neighbour's shared memory and reads its own.
  Kernel kernel(R"(
  mov.u32 %r1, %cluster_ctarank;
  xor.b32 %r2, %r1, 1;
  mov.b64 %rd2, smem;
  mapa.shared::cluster.u64 %rd3, %rd2, %r2;
  mul.wide.u32 %rd4, %r0, 4;
  add.s64 %rd3, %rd3, %rd4;
  add.s64 %rd2, %rd2, %rd4;
  add.s32 %r3, %r1, 40;
  barrier.cluster.arrive.release.aligned;
  barrier.cluster.wait.acquire.aligned;
  st.shared::cluster.b32 [%rd3], %r3;
  barrier.cluster.arrive.release.aligned;
  barrier.cluster.wait.acquire.aligned;
  ld.shared.b32 %r4, [%rd2];
  mul.wide.u32 %rd5, %r1, 128;
  add.s64 %rd1, %rd1, %rd5;
  st.global.b32 [%rd1], %r4;
)");
  kernel.launch.grid = {2, 1, 1};
  kernel.launch.cluster = {2, 1, 1};
  Report report = kernel.run();
  EXPECT_TRUE(report.ok()) << report.str();
  EXPECT_EQ(kernel.word(3), 41u);
  EXPECT_EQ(kernel.word(35), 40u);
}

TEST(Barrier, PeersMustStay) {
  // CTA 0 exits at once; CTA 1 runs later and writes into it.
  Kernel kernel(R"(
  mov.u32 %r1, %cluster_ctarank;
  setp.eq.b32 %p1, %r1, 0;
  @%p1 ret;
  mov.b64 %rd2, smem;
  mapa.shared::cluster.u64 %rd3, %rd2, 0;
  st.shared::cluster.b32 [%rd3], %r1;
)");
  kernel.launch.grid = {2, 1, 1};
  kernel.launch.cluster = {2, 1, 1};
  EXPECT_TRUE(kernel.run().has(Hazard::PeerExited));
}

TEST(Barrier, PeersDriftApartAtRandom) {
  // CTA 0 has half as many instructions again as CTA 1, which turn by turn is
  // always in time. Nothing says that it is: that is found in any order, but
  // the access to what is gone only where CTA 1 comes late.
  Kernel kernel(R"(
  mov.u32 %r1, %cluster_ctarank;
  setp.eq.b32 %p1, %r1, 0;
  selp.b32 %r2, 6000, 4000, %p1;
L: sub.s32 %r2, %r2, 1;
  setp.gt.s32 %p2, %r2, 0;
  @%p2 bra L;
  @%p1 ret;
  mov.b64 %rd2, smem;
  mapa.shared::cluster.u64 %rd3, %rd2, 0;
  st.shared::cluster.b32 [%rd3], %r1;
)");
  kernel.launch.grid = {2, 1, 1};
  kernel.launch.cluster = {2, 1, 1};
  auto isLate = [](const Report &report) {
    EXPECT_TRUE(report.has(Hazard::PeerExited)) << report.str();
    return report.str().find("CTA 0 has exited") != std::string::npos;
  };
  EXPECT_FALSE(isLate(kernel.run()));
  Options options;
  options.schedule = Schedule::Random;
  unsigned seen = 0;
  for (options.seed = 0; options.seed < 20; ++options.seed)
    seen += isLate(kernel.run(options));
  EXPECT_GT(seen, 0u);
  EXPECT_LT(seen, 20u);
}

//===----------------------------------------------------------------------===//
// wgmma
//===----------------------------------------------------------------------===//

// A is 1 everywhere, in registers; B is 2 everywhere, 256 bytes without
// swizzle (two core matrices 128 bytes apart): D = 16 * 2. Two groups, of which
// the second adds to accumulators of its own.
const char *wgmmaBody = R"(
  mov.b64 %rd2, smem;
  setp.ge.u32 %p1, %r0, 64;
  @%p1 bra F;
  mul.wide.u32 %rd3, %r0, 4;
  add.s64 %rd3, %rd2, %rd3;
  mov.b32 %r1, 0x40004000;
  st.shared.b32 [%rd3], %r1;
  fence.proxy.async.shared::cta;
F: bar.sync 0;
  shr.u64 %rd4, %rd2, 4;
  or.b64 %rd4, %rd4, 524288;
  mov.b32 %r10, 0x3F803F80;
  mov.b32 %r11, %r10;
  mov.b32 %r12, %r10;
  mov.b32 %r13, %r10;
  mov.b32 %r24, 0f3F800000;
  mov.b32 %r25, %r24;
  mov.b32 %r26, %r24;
  mov.b32 %r27, %r24;
  setp.ne.b32 %p2, 0, 0;
  setp.eq.b32 %p3, 0, 0;
  wgmma.fence.sync.aligned;
  wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%r20, %r21, %r22, %r23}, {%r10, %r11, %r12, %r13}, %rd4, %p2, 1, 1, 0;
  wgmma.commit_group.sync.aligned;
  wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%r24, %r25, %r26, %r27}, {%r10, %r11, %r12, %r13}, %rd4, %p3, 1, -1, 0;
  wgmma.commit_group.sync.aligned;
  wgmma.wait_group.sync.aligned 1;
  mov.b32 %r30, %r20;
  wgmma.wait_group.sync.aligned 0;
  mov.b32 %r31, %r27;
  setp.eq.b32 %p4, %r30, 0f42000000;
  selp.b32 %r32, 1, 0, %p4;
  setp.eq.b32 %p5, %r31, 0fC1F80000;
  selp.b32 %r33, 2, 0, %p5;
  add.s32 %r32, %r32, %r33;
  st.global.b32 [%rd1], %r32;
)";

Report runWgmma(const std::string &from = "", const std::string &to = "") {
  std::string body = wgmmaBody;
  if (!from.empty()) {
    size_t at = body.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    body.replace(at, from.size(), to);
  }
  Kernel kernel(body, 128, 128);
  Report report = kernel.run();
  if (from.empty())
    for (unsigned i = 0; i < 128; ++i)
      EXPECT_EQ(kernel.word(i), 3u) << i; // 32, and 1 - 32.
  return report;
}

TEST(Wgmma, GroupsCompleteInOrder) {
  Report report = runWgmma();
  EXPECT_TRUE(report.ok()) << report.str();
}

TEST(Wgmma, HazardsAreReported) {
  EXPECT_TRUE(runWgmma("mov.b32 %r30, %r20", "mov.b32 %r30, %r24")
                  .has(Hazard::RegisterInFlight));
  // A's registers are in flight with the last operation that reads them.
  EXPECT_TRUE(runWgmma("mov.b32 %r30, %r20", "mov.b32 %r10, %r20")
                  .has(Hazard::RegisterInFlight));
  EXPECT_TRUE(
      runWgmma("wgmma.fence.sync.aligned;", "").has(Hazard::MissingWgmmaFence));
  EXPECT_TRUE(runWgmma("fence.proxy.async.shared::cta;", "")
                  .has(Hazard::MissingProxyFence));
  EXPECT_TRUE(runWgmma("setp.ge.u32 %p1, %r0, 64", "setp.ge.u32 %p1, %r0, 63")
                  .has(Hazard::UninitialisedShared));
  // B is written again while the second group may still read it.
  EXPECT_TRUE(runWgmma("mov.b32 %r30, %r20;",
                       "mov.b32 %r30, %r20; st.shared.b32 [smem], %r30;")
                  .has(Hazard::OverwrittenWhileRead));
  // One warp takes another descriptor.
  EXPECT_TRUE(runWgmma("mov.b32 %r10, 0x3F803F80;",
                       "mov.b32 %r10, 0x3F803F80; setp.lt.u32 %p6, %r0, 32;"
                       "@%p6 add.s64 %rd4, %rd4, 1;")
                  .has(Hazard::Divergence));
}

// To read a register is an access too: the next wgmma that has it needs a
// fence.
TEST(Wgmma, AReadIsFencedAsAWriteIs) {
  std::string wait = "wgmma.wait_group.sync.aligned 0;";
  std::string again =
      "wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%r20, %r21, %r22, "
      "%r23}, {%r10, %r11, %r12, %r13}, %rd4, %p2, 1, 1, 0;\n"
      "wgmma.commit_group.sync.aligned;\n" +
      wait;
  EXPECT_TRUE(runWgmma(wait, wait + again).has(Hazard::MissingWgmmaFence));
  Report report = runWgmma(wait, wait + "wgmma.fence.sync.aligned;" + again);
  EXPECT_TRUE(report.ok()) << report.str();
}

//===----------------------------------------------------------------------===//
// Bulk copies
//===----------------------------------------------------------------------===//

const char *bulkBody = R"(
  setp.ne.b32 %p1, %r0, 0;
  @%p1 bra E;
  mbarrier.init.shared.b64 [smem], 1;
  fence.mbarrier_init.release.cluster;
  mbarrier.arrive.expect_tx.shared.b64 %rd2, [smem], 64;
  cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [smem+128], [%rd0], 64, [smem];
W: mbarrier.try_wait.parity.shared.b64 %p2, [smem], 0;
  @!%p2 bra W;
  ld.shared.b32 %r1, [smem+132];
  add.s32 %r1, %r1, 1;
  st.shared.b32 [smem+132], %r1;
  fence.proxy.async.shared::cta;
  cp.async.bulk.global.shared::cta.bulk_group [%rd0+128], [smem+128], 64;
  cp.async.bulk.commit_group;
  cp.async.bulk.wait_group 0;
E:
)";

std::string without(std::string text, const std::string &what) {
  size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.erase(at, what.size());
}

TEST(Bulk, LoadAndStore) {
  Kernel kernel(bulkBody);
  for (unsigned i = 0; i < 16; ++i)
    kernel.memory.as<uint32_t>(kernel.out, 64)[i] = 100 + i;
  Report report = kernel.run();
  EXPECT_TRUE(report.ok()) << report.str();
  EXPECT_EQ(kernel.word(32), 100u);
  EXPECT_EQ(kernel.word(33), 102u);
  EXPECT_EQ(kernel.word(47), 115u);
  EXPECT_EQ(report.copiedBytes, 128u);
}

TEST(Bulk, HazardsAreReported) {
  std::string wait = "W: mbarrier.try_wait.parity.shared.b64 %p2, [smem], 0;\n"
                     "  @!%p2 bra W;";
  EXPECT_TRUE(
      Kernel(without(bulkBody, wait)).run().has(Hazard::ReadBeforeArrival));
  EXPECT_TRUE(Kernel(without(bulkBody, "fence.proxy.async.shared::cta;"))
                  .run()
                  .has(Hazard::MissingProxyFence));
  EXPECT_TRUE(Kernel(without(bulkBody, "cp.async.bulk.wait_group 0;"))
                  .run()
                  .has(Hazard::ExitWithCopies));
  // Written again while the store may still read it.
  std::string overwritten = bulkBody;
  overwritten.insert(overwritten.find("cp.async.bulk.wait_group"),
                     "st.shared.b32 [smem+136], %r1;\n");
  Report report = Kernel(overwritten).run();
  EXPECT_TRUE(report.has(Hazard::OverwrittenWhileRead)) << report.str();
  EXPECT_EQ(report.findings.size(), 1u) << report.str();
}

TEST(Bulk, MulticastReachesEveryCta) {
  // CTA 0 copies 16 words from element 8 on to both CTAs; element 20 and on lie
  // outside of the tensor.
  Kernel kernel(R"(
  mov.u32 %r1, %cluster_ctarank;
  setp.ne.b32 %p1, %r0, 0;
  @%p1 bra B;
  mbarrier.init.shared.b64 [smem], 1;
  fence.mbarrier_init.release.cluster;
  mbarrier.arrive.expect_tx.shared.b64 %rd2, [smem], 64;
B: barrier.cluster.arrive.release.aligned;
  barrier.cluster.wait.acquire.aligned;
  @%p1 bra W;
  setp.ne.b32 %p2, %r1, 0;
  @%p2 bra W;
  mov.b32 %r2, 3;
  add.s32 %r2, %r2, 5;
  mov.b16 %rs1, 3;
  cp.async.bulk.tensor.1d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster [smem+128], [%rd0+128, {%r2}], [smem], %rs1;
W: mbarrier.try_wait.parity.shared.b64 %p3, [smem], 0;
  @!%p3 bra W;
  setp.ge.u32 %p4, %r0, 16;
  @%p4 ret;
  mul.wide.u32 %rd3, %r0, 4;
  mov.b64 %rd4, smem;
  add.s64 %rd4, %rd4, %rd3;
  ld.shared.b32 %r3, [%rd4+128];
  mul.wide.u32 %rd5, %r1, 64;
  add.s64 %rd1, %rd1, %rd5;
  st.global.b32 [%rd1], %r3;
)");
  kernel.launch.grid = {2, 1, 1};
  kernel.launch.cluster = {2, 1, 1};
  uint64_t source = kernel.memory.allocate(80, "source");
  for (unsigned i = 0; i < 20; ++i)
    kernel.memory.as<uint32_t>(source, 20)[i] = 100 + i;
  TensorMapArgs args;
  uint64_t dims[] = {20};
  uint32_t box[] = {16}, ones[] = {1};
  args.type = int(MapType::U32);
  args.rank = 1;
  args.address = source;
  args.dims = dims;
  args.box = box;
  args.elementStrides = ones;
  auto map = makeTensorMap(args);
  ASSERT_TRUE(bool(map)) << llvm::toString(map.takeError());
  TensorMapBlob blob = encodeTensorMap(*map);
  std::memcpy(kernel.memory.resolve(kernel.out + 128, 128), &blob, 128);
  Report report = kernel.run();
  EXPECT_TRUE(report.ok()) << report.str();
  for (unsigned cta = 0; cta < 2; ++cta)
    for (unsigned i = 0; i < 16; ++i)
      EXPECT_EQ(kernel.word(cta * 16 + i), i + 8 < 20 ? 108 + i : 0);
  EXPECT_EQ(report.copiedBytes, 128u);
}

TEST(Bulk, CopiesOutsideOfGlobalMemory) {
  std::string body = bulkBody;
  body.replace(body.find("[%rd0], 64"), 10, "[%rd0+208], 64");
  Report report = Kernel(body).run();
  EXPECT_TRUE(report.has(Hazard::OutOfBounds)) << report.str();
  body = bulkBody;
  body.replace(body.find("[%rd0+128], [smem+128], 64"), 26,
               "[%rd0+128], [smem+128], 68");
  EXPECT_TRUE(Kernel(body).run().has(Hazard::BadOperand));
}

TEST(Bulk, ExpectingTheWrongNumberOfBytesIsADeadlock) {
  std::string body = bulkBody;
  body.replace(body.find("[smem], 64"), 10, "[smem], 80");
  Report report = Kernel(body).run();
  ASSERT_TRUE(report.has(Hazard::Deadlock)) << report.str();
  EXPECT_NE(report.str().find("16 bytes that were announced have not come"),
            std::string::npos)
      << report.str();
}

TEST(Limits, EndlessLoopsEnd) {
  Options options;
  options.maxInstructions = 10000;
  EXPECT_TRUE(Kernel("L: bra L;").run(options).has(Hazard::InstructionLimit));
  EXPECT_TRUE(Kernel("trap;").run().has(Hazard::Trap));
}

} // namespace
