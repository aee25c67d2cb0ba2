//===- ReportTest.cpp - What findings say ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "RingProgram.h"

using namespace tilewright::sim;

namespace {

void expectText(const Report &report, Hazard hazard,
                std::initializer_list<const char *> texts) {
  ASSERT_TRUE(report.has(hazard)) << report.str();
  for (const char *text : texts)
    EXPECT_NE(report.str().find(text), std::string::npos)
        << "no '" << text << "' in\n"
        << report.str();
}

TEST(Reports, EveryNumberOfTripsIsClean) {
  for (unsigned trips = 0; trips < 6; ++trips) {
    Report report = RingProgram(trips, trips).run();
    EXPECT_TRUE(report.ok()) << trips << " trips: " << report.str();
  }
}

/// The producer has ended: no cycle, but somebody who has gone.
TEST(Reports, TooFewPuts) {
  Report report = RingProgram(3, 4).run();
  expectText(report, Hazard::Deadlock,
             {"CTA 0: role math (warps 0-3) waits at ring.tw:30:7 for slot 1 "
              "of pipe p to be full (phase 1): 1 arrival of role load is "
              "missing",
              "role load has arrived on it 1 time at ring.tw:20:7",
              "role load (warp 4) has exited"});
  EXPECT_EQ(report.str().find("a cycle"), std::string::npos) << report.str();
}

/// Both wait for the other.
TEST(Reports, FirstWaitsForASlotThatNobodyFrees) {
  RingProgram program(4, 4);
  program.edit("xor.b32 %r8, %r3, 1;", "mov.b32 %r8, %r3;");
  expectText(
      program.run(), Hazard::Deadlock,
      {"role math (warps 0-3) waits at ring.tw:30:7 for slot 0 of pipe p "
       "to be full (phase 0): 1 arrival of role load is missing",
       "role load has never arrived on it",
       "role load (warp 4) waits at ring.tw:20:7 for slot 0 of pipe p "
       "to be free (phase 0): 4 arrivals of role math are missing",
       "a cycle: role math (warps 0-3) waits for role load (warp 4) "
       "waits for role math (warps 0-3)"});
}

/// A barrier that expects the arrivals of both CTAs: those of the other are
/// missing, and the cycle goes through both.
TEST(Reports, AcrossACluster) {
  RingProgram program(4, 4);
  program.launch.grid[0] = program.launch.cluster[0] = 2;
  program.edit("[smem+16], 4;", "[smem+16], 8;");
  program.edit("[smem+24], 4;", "[smem+24], 8;");
  expectText(
      program.run(), Hazard::Deadlock,
      {"CTA 0 (rank 0 of its cluster): role load (warp 4) waits at "
       "ring.tw:20:7 for slot 0 of pipe p to be free (phase 0): 4 "
       "arrivals of role math of CTA 1 are missing\n"
       "    role math of CTA 1 has never arrived on it",
       "CTA 1 (rank 1 of its cluster): role load (warp 4) waits at "
       "ring.tw:20:7 for slot 0 of pipe p to be free (phase 0): 4 "
       "arrivals of role math of CTA 0 are missing",
       "a cycle: CTA 0, role math (warps 0-3) waits for CTA 0, role load "
       "(warp 4) waits for CTA 1, role math (warps 0-3) waits for CTA 1, "
       "role load (warp 4) waits for CTA 0, role math (warps 0-3)"});
}

/// Only the warps that have not arrived are missed.
TEST(Reports, ArrivalsOfPart) {
  RingProgram program(4, 4);
  // Warp 2 never frees a slot.
  program.edit("@!%p3 mbarrier.arrive.shared.b64 _, [%rd4+16];",
               "setp.eq.or.b32 %p7, %r1, 2, %p3;\n"
               "@!%p7 mbarrier.arrive.shared.b64 _, [%rd4+16];");
  expectText(program.run(), Hazard::Deadlock,
             {"role load (warp 4) waits at ring.tw:20:7 for slot 0 of pipe p "
              "to be free (phase 0): 1 arrival of role math is missing",
              "role math has arrived on it 3 times at ring.tw:32:7"});
}

TEST(Reports, BytesThatNobodyBrings) {
  RingProgram program(1, 1);
  program.edit("[%rd4], 64;", "[%rd4], 80;");
  expectText(program.run(), Hazard::Deadlock,
             {"for slot 0 of pipe p to be full (phase 0): 16 bytes that were "
              "announced have not come"});
}

/// Lane 0 frees a slot that other lanes may still read.
TEST(Reports, LanesMeetBeforeOneArrives) {
  RingProgram program(4, 4);
  program.edit("bar.warp.sync -1;", "");
  expectText(program.run(), Hazard::UnreleasedRead,
             {"(field x of slot 0 of pipe p), which role math (warp 3) lane 31 "
              "has read, and no release of that thread followed"});
}

/// What comes behind the arrival is not released by it.
TEST(Reports, LanesThatMeetAfterAnArrivalAreLate) {
  RingProgram program(4, 4);
  program.edit("bar.warp.sync -1;", "");
  program.edit("mbarrier.arrive.shared.b64 _, [%rd4+16];",
               "mbarrier.arrive.shared.b64 _, [%rd4+16];\nbar.warp.sync -1;");
  EXPECT_TRUE(program.run().has(Hazard::UnreleasedRead));
}

/// Each lane may also arrive for itself.
TEST(Reports, EveryLaneMayArrive) {
  RingProgram program(4, 4);
  program.edit("bar.warp.sync -1;", "");
  program.edit("@!%p3 mbarrier.arrive.shared.b64 _, [%rd4+16];",
               "mbarrier.arrive.shared.b64 _, [%rd4+16];");
  program.edit("[smem+16], 4;", "[smem+16], 128;");
  program.edit("[smem+24], 4;", "[smem+24], 128;");
  Report report = program.run();
  EXPECT_TRUE(report.ok()) << report.str();
}

TEST(Reports, InitsAreFenced) {
  RingProgram program(1, 1);
  program.edit("fence.mbarrier_init.release.cluster;", "");
  expectText(program.run(), Hazard::MissingInitFence,
             {"no fence.mbarrier_init followed that makes it visible to the "
              "async proxy"});
  RingProgram other(1, 1);
  other.edit("fence.mbarrier_init.release.cluster;",
             "fence.proxy.async.shared::cta;");
  Report report = other.run();
  EXPECT_TRUE(report.ok()) << report.str();
}

TEST(Reports, FieldsAndTheOtherParty) {
  RingProgram program(4, 4);
  program.edit("CW: mbarrier.try_wait.parity.shared.b64 %p5, [%rd4], %r3;",
               "CW: setp.eq.b32 %p5, 0, 0;");
  // Role load first, so that its copies are in flight.
  program.edit("@!%p5 bra CW;", "@!%p5 bra CW; nanosleep.u32 100;");
  Report report = program.run();
  ASSERT_FALSE(report.ok());
  EXPECT_NE(report.str().find("(field x of slot 0 of pipe p)"),
            std::string::npos)
      << report.str();
  EXPECT_NE(report.str().find("; CTA 0, role math (warp 0)]"),
            std::string::npos)
      << report.str();
}

TEST(Reports, CopyOverASlotInFlight) {
  RingProgram program(3, 0);
  // Role load does not wait for slots to be free.
  program.edit("PW: mbarrier.try_wait.parity.shared.b64 %p5, [%rd4+16], %r8;",
               "PW: setp.eq.b32 %p5, 0, 0;");
  // … nor does it arrive, which would be an error of its own.
  program.edit("mbarrier.arrive.expect_tx.shared.b64 _, [%rd4], 64;",
               "mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [%rd4], 64;");
  expectText(program.run(), Hazard::ReadBeforeArrival,
             {"copies to shared byte 2048 (field x of slot 0 of pipe p), which "
              "the copy at ring.tw:20:7 of role load (warp 4), in flight, "
              "still writes",
              "; CTA 0, role load (warp 4)]"});
}

TEST(Reports, MoreArrivalsThanThePhaseWaitsFor) {
  RingProgram program(0, 1);
  program.edit("CW: mbarrier.try_wait.parity.shared.b64 %p5, [%rd4], %r3;",
               "CW: mbarrier.arrive.shared.b64 _, [%rd4], 2; "
               "setp.eq.b32 %p5, 0, 0;");
  expectText(program.run(), Hazard::BarrierMisuse,
             {"(the full barrier of slot 0 of pipe p)"});
}

/// Without symbols the same is told by numbers.
TEST(Reports, NamelessLaunch) {
  RingProgram program(3, 4);
  program.launch.symbols = {};
  expectText(program.run(), Hazard::Deadlock,
             {"CTA 0: warps 0-3 wait at ring.tw:30:7 for phase parity 1 of the "
              "mbarrier at 1032 (initialised at ring.tw:10:1) (phase 1): 1 of "
              "1 arrivals is missing",
              "arrivals so far: 1 at ring.tw:20:7", "warp 4 has exited"});
}

} // namespace
