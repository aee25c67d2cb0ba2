//===- ClusterTest.cpp - Peers' shared memory, and barriers in use --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MachineTestSupport.h"

using namespace tilewright::sim;

namespace {

bool contains(const Report &report, const char *text) {
  return report.str().find(text) != std::string::npos;
}

/// Two CTAs of one cluster, of 32 threads. %r1: the rank, %r2: the peer's;
/// %rd2: smem, %rd3: the peer's. An mbarrier at [smem] of one arrival.
Kernel pair(const std::string &body, unsigned threads = 32) {
  Kernel kernel(R"(
  mov.u32 %r1, %cluster_ctarank;
  xor.b32 %r2, %r1, 1;
  mov.b64 %rd2, smem;
  mapa.shared::cluster.u64 %rd3, %rd2, %r2;
  setp.ne.b32 %p1, %r0, 0;
  setp.ne.b32 %p2, %r1, 0;
  @%p1 bra READY;
  mbarrier.init.shared.b64 [smem], 1;
  fence.mbarrier_init.release.cluster;
READY:
  barrier.cluster.arrive.relaxed.aligned;
  barrier.cluster.wait.aligned;
)" + body,
                threads);
  kernel.launch.grid = kernel.launch.cluster = {2, 1, 1};
  return kernel;
}

const std::string meet = "barrier.cluster.arrive.release.aligned;\n"
                         "barrier.cluster.wait.acquire.aligned;\n";

TEST(Cluster, UninitialisedPeerMemory) {
  Report report =
      pair("ld.shared::cluster.b32 %r3, [%rd3+256];\n" + meet).run();
  ASSERT_TRUE(report.has(Hazard::UninitialisedShared)) << report.str();
  EXPECT_TRUE(contains(report, "shared byte 1280 of cluster CTA"))
      << report.str();
  EXPECT_TRUE(pair("st.shared.b32 [smem+256], %r0;\n" + meet +
                   "ld.shared::cluster.b32 %r3, [%rd3+256];\n" + meet)
                  .run()
                  .ok());
}

TEST(Cluster, ExitWhileAPeerMayStillRead) {
  // Whatever the order in which the CTAs run: nothing keeps either of them.
  std::string body = "st.shared.b32 [smem+256], %r0;\n" + meet +
                     "ld.shared::cluster.b32 %r3, [%rd3+256];\n";
  Report report = pair(body).run();
  EXPECT_TRUE(report.has(Hazard::PeerExited)) << report.str();
  // The peer's read comes first, but the exit does not wait for it.
  report = pair(body + "@!%p2 bra E; " + meet + "E:").run();
  EXPECT_FALSE(report.ok());
}

TEST(Cluster, ExitDoesNotWaitForAnAccessThatHasBeenMade) {
  // Only CTA 1 touches CTA 0, which runs on meanwhile and then exits.
  std::string body = R"(
  st.shared.b32 [smem+256], %r0;
)" + meet + R"(
  @%p2 bra R;
  mov.b32 %r4, 0;
L: add.s32 %r4, %r4, 1;
  setp.lt.u32 %p3, %r4, 5000;
  @%p3 bra L;
  bra.uni E;
R: ld.shared::cluster.b32 %r3, [%rd3+256];
E:
)";
  Report report = pair(body).run();
  ASSERT_TRUE(report.has(Hazard::PeerExited)) << report.str();
  EXPECT_TRUE(contains(report, "nothing makes it wait for the access of "
                               "cluster CTA 1"))
      << report.str();
  EXPECT_TRUE(pair(body + meet).run().ok());
}

TEST(Cluster, ExitBeforeARemoteArrival) {
  std::string body = "@%p2 bra A; ret;\nA: @%p1 bra E;\n"
                     "mbarrier.arrive.shared::cluster.b64 _, [%rd3];\nE:";
  EXPECT_TRUE(pair(body).run().has(Hazard::PeerExited));
  // CTA 0 waits for the arrival, and may go.
  body = R"(
  @%p2 bra A;
W: mbarrier.try_wait.parity.shared.b64 %p3, [smem], 0;
  @!%p3 bra W;
  ret;
A: @%p1 bra E;
  mbarrier.arrive.shared::cluster.b64 _, [%rd3];
E:
)";
  Report report = pair(body).run();
  EXPECT_TRUE(report.ok()) << report.str();
}

/// CTA 1 copies 64 bytes to its own and to CTA 0's shared memory.
std::string multicast(bool waits) {
  return std::string(R"(
  @%p1 bra I;
  mbarrier.arrive.expect_tx.shared.b64 _, [smem], 64;
I: barrier.cluster.arrive.release.aligned;
  barrier.cluster.wait.acquire.aligned;
  @%p1 bra W;
  @!%p2 bra W;
  mov.b16 %rs1, 3;
  cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [smem+128], [%rd0], 64, [smem], %rs1;
W: )") + (waits ? "" : "@!%p2 bra E;\n") +
         R"(
V: mbarrier.try_wait.parity.shared.b64 %p3, [smem], 0;
  @!%p3 bra V;
  ld.shared.b32 %r3, [smem+132];
E:
)";
}

TEST(Cluster, ExitWithAMulticastInFlight) {
  Report report = pair(multicast(false)).run();
  ASSERT_TRUE(report.has(Hazard::PeerExited)) << report.str();
  EXPECT_TRUE(contains(report, "in flight, writes its shared memory"))
      << report.str();
  report = pair(multicast(true)).run();
  EXPECT_TRUE(report.ok()) << report.str();
}

TEST(Cluster, ExitWithAnOwnLoadInFlight) {
  Report report = pair(R"(
  @%p1 bra E;
  mbarrier.arrive.expect_tx.shared.b64 _, [smem], 64;
  cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [smem+128], [%rd0], 64, [smem];
E:
)")
                      .run();
  EXPECT_TRUE(report.has(Hazard::ExitWithCopies)) << report.str();
}

TEST(Cluster, ExitWhileAPeerReadsByABulkCopy) {
  // CTA 1 sends 64 bytes of its own to CTA 0 and exits at once.
  std::string body = R"(
  mul.wide.u32 %rd4, %r0, 4;
  add.s64 %rd4, %rd2, %rd4;
  st.shared.b32 [%rd4+128], %r0;
  fence.proxy.async.shared::cta;
  @%p1 bra I;
  mbarrier.arrive.expect_tx.shared.b64 _, [smem], 64;
I: barrier.cluster.arrive.release.aligned;
  barrier.cluster.wait.acquire.aligned;
  @!%p2 bra W;
  @%p1 bra S;
  cp.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes [%rd3+1024], [smem+128], 64, [%rd3];
  bra.uni S;
W: mbarrier.try_wait.parity.shared.b64 %p3, [smem], 0;
  @!%p3 bra W;
  ld.shared.b32 %r3, [smem+1028];
S:
)";
  EXPECT_TRUE(pair(body).run().has(Hazard::ExitWithCopies));
  Report report = pair(body + meet).run();
  EXPECT_TRUE(report.ok()) << report.str();
}

TEST(Cluster, AsynchronousStores) {
  // Each thread sends its number to the peer, which waits for the bytes.
  std::string body = R"(
  @%p1 bra I;
  mbarrier.arrive.expect_tx.shared.b64 _, [smem], 128;
I: barrier.cluster.arrive.release.aligned;
  barrier.cluster.wait.acquire.aligned;
  mul.wide.u32 %rd4, %r0, 4;
  add.s64 %rd5, %rd3, %rd4;
  add.s32 %r3, %r0, 70;
  st.async.shared::cluster.mbarrier::complete_tx::bytes.b32 [%rd5+128], %r3, [%rd3];
W: mbarrier.try_wait.parity.shared.b64 %p3, [smem], 0;
  @!%p3 bra W;
  add.s64 %rd5, %rd2, %rd4;
  ld.shared.b32 %r4, [%rd5+128];
  st.global.b32 [%rd1], %r4;
)" + meet;
  Kernel kernel = pair(body);
  Report report = kernel.run();
  EXPECT_TRUE(report.ok()) << report.str();
  EXPECT_EQ(kernel.word(9), 79u);
  // Read without the wait.
  std::string wait = "W: mbarrier.try_wait.parity.shared.b64 %p3, [smem], 0;\n"
                     "  @!%p3 bra W;";
  body.erase(body.find(wait), wait.size());
  EXPECT_TRUE(pair(body).run().has(Hazard::ReadBeforeArrival));
}

TEST(Transactions, TooManyAndTooFewBytes) {
  auto expecting = [](const char *bytes) {
    std::string body = multicast(true);
    body.replace(body.find("[smem], 64"), 10, std::string("[smem], ") + bytes);
    return pair(body).run();
  };
  Report report = expecting("80");
  ASSERT_TRUE(report.has(Hazard::Deadlock)) << report.str();
  EXPECT_TRUE(contains(report, "16 bytes that were announced have not come"))
      << report.str();
  report = expecting("48");
  ASSERT_TRUE(report.has(Hazard::Deadlock)) << report.str();
  EXPECT_TRUE(contains(report, "16 bytes came that were not announced"))
      << report.str();
}

TEST(MBarrier, InitialisedAgain) {
  std::string once = "@%p1 bra E; mbarrier.init.shared.b64 [smem+8], 1;\n";
  EXPECT_TRUE(pair(once + "E:").run().ok());
  Report report =
      pair(once + "mbarrier.init.shared.b64 [smem+8], 1;\nE:").run();
  EXPECT_TRUE(report.has(Hazard::BarrierMisuse)) << report.str();
  EXPECT_TRUE(contains(report, "again without mbarrier.inval")) << report.str();
  EXPECT_TRUE(pair(once + "mbarrier.inval.shared.b64 [smem+8];\n"
                          "mbarrier.init.shared.b64 [smem+8], 2;\nE:")
                  .run()
                  .ok());
  report = pair(once + "mbarrier.inval.shared.b64 [smem+8];\n"
                       "mbarrier.init.shared.b64 [smem+8], 2;\n"
                       "mbarrier.arrive.shared.b64 _, [smem+8];\n"
                       "mbarrier.inval.shared.b64 [smem+8];\nE:")
               .run();
  EXPECT_TRUE(contains(report, "invalidated in the middle of a phase: 1 of 2"))
      << report.str();
}

TEST(MBarrier, InvalidatedWithACopyInFlight) {
  // The copy's bytes are not expected, so only the copy itself can tell.
  Report report = pair(R"(
  @%p1 bra E;
  cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [smem+128], [%rd0], 64, [smem];
  mbarrier.inval.shared.b64 [smem];
E:
)" + meet)
                      .run();
  EXPECT_TRUE(report.has(Hazard::BarrierMisuse)) << report.str();
  EXPECT_TRUE(contains(report, "a copy in flight is to complete bytes on it"))
      << report.str();
}

/// A ring of one slot in which both sides ask for the next turn before they end
/// this one, and wait only where the answer was no.
TEST(MBarrier, PeekBeforeTheRelease) {
  std::string body = R"(
  setp.ne.b32 %p1, %r0, 0;
  @%p1 bra I;
  mbarrier.init.shared.b64 [smem], 32;
  mbarrier.init.shared.b64 [smem+8], 32;
I: bar.sync 0;
  mov.b64 %rd2, smem;
  and.b32 %r1, %r0, 31;
  mul.wide.u32 %rd3, %r1, 4;
  add.s64 %rd2, %rd2, %rd3;
  mov.b32 %r2, 0;
  mov.b32 %r3, 0;
  setp.lt.u32 %p2, %r0, 32;
  @%p2 bra C;
  mbarrier.try_wait.parity.shared.b64 %p3, [smem+8], 1;
P: and.b32 %r4, %r2, 1;
  xor.b32 %r5, %r4, 1;
  @%p3 bra F;
V: mbarrier.try_wait.parity.shared.b64 %p4, [smem+8], %r5;
  @!%p4 bra V;
F: add.s32 %r6, %r2, %r1;
  st.shared.b32 [%rd2+128], %r6;
  mbarrier.try_wait.parity.shared.b64 %p3, [smem+8], %r4;
  mbarrier.arrive.shared.b64 _, [smem];
  add.s32 %r2, %r2, 1;
  setp.lt.u32 %p5, %r2, 5;
  @%p5 bra P;
  ret;
C: mbarrier.try_wait.parity.shared.b64 %p3, [smem], 0;
Q: and.b32 %r4, %r2, 1;
  xor.b32 %r5, %r4, 1;
  @%p3 bra G;
W: mbarrier.try_wait.parity.shared.b64 %p4, [smem], %r4;
  @!%p4 bra W;
G: ld.shared.b32 %r6, [%rd2+128];
  mad.lo.s32 %r3, %r3, 3, %r6;
  mbarrier.try_wait.parity.shared.b64 %p3, [smem], %r5;
  mbarrier.arrive.shared.b64 _, [smem+8];
  add.s32 %r2, %r2, 1;
  setp.lt.u32 %p5, %r2, 5;
  @%p5 bra Q;
  st.global.b32 [%rd1], %r3;
)";
  Kernel kernel(body, 64);
  Report report = kernel.run();
  EXPECT_TRUE(report.ok()) << report.str();
  uint32_t sum = 0;
  for (unsigned turn = 0; turn < 5; ++turn)
    sum = sum * 3 + turn + 4;
  EXPECT_EQ(kernel.word(4), sum);
  // Without the real wait behind a peek that was in vain, the slot is read
  // while nobody has written it.
  std::string wait = "W: mbarrier.try_wait.parity.shared.b64 %p4, [smem], %r4;"
                     "\n  @!%p4 bra W;\n";
  body.erase(body.find(wait), wait.size());
  Kernel broken(body, 64);
  EXPECT_TRUE(!broken.run().ok() || broken.word(4) != sum);
}

TEST(Setmaxnreg, WarpsOfAWarpgroupAgree) {
  std::string body = R"(
  setp.lt.u32 %p1, %r0, 32;
  @%p1 bra A;
  setmaxnreg.dec.sync.aligned.u32 40;
  ret;
A: setmaxnreg.dec.sync.aligned.u32 48;
)";
  Report report = Kernel(body, 128).run();
  EXPECT_TRUE(report.has(Hazard::BadOperand)) << report.str();
  EXPECT_TRUE(contains(report, "another warp of the warpgroup"))
      << report.str();
  body.replace(body.find("u32 48"), 6, "u32 40");
  EXPECT_TRUE(Kernel(body, 128).run().ok());
}

} // namespace
