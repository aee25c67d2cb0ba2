//===- SequenceTest.cpp - Launches that may overlap, and several ranks ----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MachineTestSupport.h"

using namespace tilewright::sim;

namespace {

bool contains(const Report &report, const char *text) {
  return report.str().find(text) != std::string::npos;
}

//===----------------------------------------------------------------------===//
// Programmatic dependent launch
//===----------------------------------------------------------------------===//

/// Two launches on one memory: the first writes words 0 to 31 of `out`, the
/// second, programmatic, runs `body`.
struct Sequence {
  explicit Sequence(const std::string &body, const std::string &before = "")
      : first(before + "griddepcontrol.launch_dependents;\n"
                       "add.s32 %r1, %r0, 500;\n"
                       "ld.global.b32 %r2, [%rd1+128];\n"
                       "st.global.b32 [%rd1], %r1;\n"),
        second(body) {
    second.launch.params = first.launch.params;
    second.launch.programmatic = true;
  }

  Report run(std::vector<Launch> launches) {
    auto reports = runSequence(launches, first.memory);
    if (!reports) {
      ADD_FAILURE() << llvm::toString(reports.takeError());
      return {};
    }
    return reports->back();
  }
  Report run() { return run({first.launch, second.launch}); }

  Kernel first, second;
};

TEST(DependentLaunch, WhatComesBehindTheWaitIsRight) {
  Sequence sequence("griddepcontrol.wait; ld.global.b32 %r1, [%rd1]; "
                    "st.global.b32 [%rd1+128], %r1;");
  Report report = sequence.run();
  EXPECT_TRUE(report.ok()) << report.str();
  EXPECT_EQ(sequence.first.word(40), 508u);
}

TEST(DependentLaunch, ReadingTooEarlyIsFound) {
  std::string body = "ld.global.b32 %r1, [%rd1]; griddepcontrol.wait;"
                     "st.global.b32 [%rd1+128], %r1;";
  Sequence sequence(body);
  Report report = sequence.run();
  EXPECT_TRUE(report.has(Hazard::BeforeDependency)) << report.str();
  EXPECT_TRUE(contains(report, "reads global memory that a launch before"))
      << report.str();
  // The words behind those that the first launch writes are nobody's.
  Sequence other("ld.global.b32 %r1, [%rd0+192]; griddepcontrol.wait;");
  EXPECT_TRUE(other.run().ok());
  // Without the attribute the launches do not overlap.
  Sequence plain(body);
  plain.second.launch.programmatic = false;
  EXPECT_TRUE(plain.run().ok());
}

TEST(DependentLaunch, WritingTooEarlyIsFound) {
  Sequence sequence("st.global.b32 [%rd1+128], %r0; griddepcontrol.wait;");
  Report report = sequence.run();
  EXPECT_TRUE(report.has(Hazard::BeforeDependency)) << report.str();
  EXPECT_TRUE(contains(report, "may still run, reads")) << report.str();
}

TEST(DependentLaunch, CopiesCountFromTheirIssue) {
  std::string copy = R"(
  setp.ne.b32 %p1, %r0, 0;
  @%p1 bra E;
  mbarrier.init.shared.b64 [smem], 1;
  fence.mbarrier_init.release.cluster;
  mbarrier.arrive.expect_tx.shared.b64 _, [smem], 64;
  cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [smem+128], [%rd0], 64, [smem];
  griddepcontrol.wait;
W: mbarrier.try_wait.parity.shared.b64 %p2, [smem], 0;
  @!%p2 bra W;
E:
)";
  Report report = Sequence(copy).run();
  EXPECT_TRUE(report.has(Hazard::BeforeDependency)) << report.str();
  EXPECT_TRUE(contains(report, "cp.async.bulk")) << report.str();
  std::string wait = "  griddepcontrol.wait;\n";
  copy.erase(copy.find(wait), wait.size());
  copy.insert(copy.find("  mbarrier.init"), wait);
  EXPECT_TRUE(Sequence(copy).run().ok());
}

TEST(DependentLaunch, OneWarpMayWaitForTheOthers) {
  std::string body = R"(
  setp.ge.u32 %p1, %r0, 32;
  @%p1 bra B;
  griddepcontrol.wait;
B: bar.sync 0;
  ld.global.b32 %r1, [%rd0];
)";
  auto run = [](const std::string &body) {
    Sequence sequence(body);
    sequence.second.launch.block = {64, 1, 1};
    return sequence.run();
  };
  EXPECT_TRUE(run(body).ok());
  body.erase(body.find("B: bar.sync 0;") + 3, 11);
  EXPECT_TRUE(run(body).has(Hazard::BeforeDependency));
}

TEST(DependentLaunch, AnEarlierLaunchMayRunOnBehindOneThatDoesNotWait) {
  // The second launch waits for nobody, so the third's wait does not tell that
  // the first has ended; its read without a wait is of the first's words.
  Sequence sequence("griddepcontrol.launch_dependents;");
  Kernel third("ld.global.b32 %r1, [%rd1]; griddepcontrol.wait;");
  third.launch.params = sequence.first.launch.params;
  third.launch.programmatic = true;
  std::vector<Launch> launches = {sequence.first.launch, sequence.second.launch,
                                  third.launch};
  EXPECT_TRUE(sequence.run(launches).has(Hazard::BeforeDependency));
  Sequence waits("griddepcontrol.wait;");
  launches[1] = waits.second.launch;
  launches[1].params = sequence.first.launch.params;
  EXPECT_TRUE(sequence.run(launches).ok());
}

//===----------------------------------------------------------------------===//
// Several ranks
//===----------------------------------------------------------------------===//

/// Two ranks: each puts 32 words into the peer's inbox, raises the peer's flag
/// and waits for its own. %rd10: own inbox, %rd11: the peer's; flags behind.
struct Exchange {
  explicit Exchange(unsigned count = 2) : ranks(count) {
    inbox = ranks.allocate(128, "inbox");
    flag = ranks.allocate(8, "flag");
  }

  std::vector<Report> run(std::array<std::string, 2> bodies) {
    std::vector<Launch> launches;
    for (unsigned rank = 0; rank < 2; ++rank) {
      Kernel kernel(bodies[rank]);
      std::string &ptx = kernel.launch.ptx;
      std::string more;
      for (unsigned i = 1; i <= 4; ++i)
        more += ", .param .u64 k_param_" + std::to_string(i);
      ptx.insert(ptx.find("k_param_0)") + 9, more);
      std::string loads;
      for (unsigned i = 1; i <= 4; ++i)
        loads += "ld.param.b64 %rd1" + std::to_string(i - 1) + ", [k_param_" +
                 std::to_string(i) + "];\n";
      ptx.insert(ptx.find("  mov.u32 %r0, %tid.x;"), loads);
      out[rank] = ranks.memory(rank).allocate(256, "out");
      kernel.launch.params.clear();
      kernel.launch.add(out[rank]);
      kernel.launch.add(ranks.address(rank, inbox));
      kernel.launch.add(ranks.address(1 - rank, inbox));
      kernel.launch.add(ranks.address(rank, flag));
      kernel.launch.add(ranks.address(1 - rank, flag));
      launches.push_back(kernel.launch);
    }
    auto reports = runRanks(launches, ranks);
    if (!reports) {
      ADD_FAILURE() << llvm::toString(reports.takeError());
      return std::vector<Report>(2);
    }
    return *reports;
  }
  uint32_t word(unsigned rank, unsigned i) {
    return ranks.memory(rank).as<uint32_t>(out[rank], 64)[i];
  }

  Ranks ranks;
  uint64_t inbox, flag;
  std::array<uint64_t, 2> out;
};

std::string exchange(unsigned rank) {
  return "add.s32 %r1, %r0, " + std::to_string(1000 * (rank + 1)) + R"(;
  mul.wide.u32 %rd2, %r0, 4;
  add.s64 %rd3, %rd11, %rd2;
  st.global.b32 [%rd3], %r1;
  bar.warp.sync -1;
  setp.ne.b32 %p1, %r0, 0;
  @%p1 bra J;
  fence.acq_rel.sys;
  red.release.sys.global.add.u32 [%rd13], 1;
W: ld.acquire.sys.global.b32 %r2, [%rd12];
  setp.eq.b32 %p2, %r2, 0;
  @%p2 bra W;
J: bar.warp.sync -1;
  add.s64 %rd4, %rd10, %rd2;
  ld.global.b32 %r3, [%rd4];
  st.global.b32 [%rd1], %r3;
)";
}

TEST(Ranks, ExchangeOfDataAndFlags) {
  Exchange pair;
  std::vector<Report> reports = pair.run({exchange(0), exchange(1)});
  for (unsigned rank = 0; rank < 2; ++rank) {
    EXPECT_TRUE(reports[rank].ok()) << reports[rank].str();
    for (unsigned i = 0; i < 32; ++i)
      EXPECT_EQ(pair.word(rank, i), 1000 * (2 - rank) + i);
  }
}

TEST(Ranks, AFlagThatIsNotRaisedIsADeadlock) {
  std::string silent = exchange(1), red = "red.release.sys.global.add.u32 "
                                          "[%rd13], 1;";
  silent.erase(silent.find(red), red.size());
  std::vector<Report> reports = Exchange().run({exchange(0), silent});
  ASSERT_TRUE(reports[0].has(Hazard::Deadlock)) << reports[0].str();
  EXPECT_TRUE(contains(reports[0], "rank 0: ")) << reports[0].str();
  // Rank 1 has its flag and is done.
  EXPECT_TRUE(reports[1].ok()) << reports[1].str();

  reports = Exchange().run({silent, silent});
  for (unsigned rank = 0; rank < 2; ++rank) {
    EXPECT_TRUE(reports[rank].has(Hazard::Deadlock)) << reports[rank].str();
    EXPECT_EQ(reports[rank].findings[0].rank, rank);
  }
}

TEST(Ranks, OutsideOfAPeersWindow) {
  std::string far = exchange(1);
  far.replace(far.find("st.global.b32 [%rd3]"), 20, "st.global.b32 [%rd3+4]");
  std::vector<Report> reports = Exchange().run({exchange(0), far});
  ASSERT_TRUE(reports[1].has(Hazard::OutOfBounds)) << reports[1].str();
  EXPECT_TRUE(contains(reports[1], "rank 1: ")) << reports[1].str();
  EXPECT_TRUE(contains(reports[1], "byte 128 of 'inbox' of rank 0, which has "
                                   "128 bytes"))
      << reports[1].str();
}

TEST(Ranks, OwnAllocationsAreNotThePeers) {
  Exchange pair;
  uint64_t own = pair.ranks.memory(0).allocate(128, "own");
  EXPECT_NE(pair.ranks.memory(0).resolve(own, 128), nullptr);
  EXPECT_EQ(pair.ranks.memory(1).resolve(own, 128), nullptr);
  for (unsigned rank = 0; rank < 2; ++rank)
    EXPECT_EQ(
        pair.ranks.memory(0).resolve(pair.ranks.address(rank, pair.inbox), 128),
        pair.ranks.memory(1).resolve(pair.ranks.address(rank, pair.inbox),
                                     128));
  EXPECT_EQ(pair.ranks.address(1, pair.flag) - pair.ranks.address(1, 0),
            pair.ranks.address(0, pair.flag) - pair.ranks.address(0, 0));
}

} // namespace
