//===- ResourcePlanTest.cpp - the planner on known kernels ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Support/ResourcePlan.h"

#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"
#include <algorithm>
#include <chrono>
#include <random>
#include <vector>

using namespace tilewright;

namespace {

RoleRequest warps(std::string name, int64_t count) {
  RoleRequest role;
  role.name = std::move(name);
  role.count = count;
  return role;
}

RoleRequest groups(std::string name, int64_t count, int64_t fragments) {
  RoleRequest role;
  role.name = std::move(name);
  role.kind = RoleRequest::Groups;
  role.count = count;
  role.fragmentRegisters = fragments;
  return role;
}

/// The FP8 GEMM with two-level promotion, K blocks of 128.
ResourceRequest gemm(int64_t bm, int64_t bn) {
  ResourceRequest request;
  RoleRequest math = groups("math", bm / 64, bn); // accumulator and temporary
  math.mSideExtent = 64;
  request.roles = {warps("load", 1), math};
  PipeRequest ab;
  ab.name = "ab";
  ab.fields = {
      {"a", bm * 128, 1024}, {"b", bn * 128, 1024}, {"sa", bm * 4, 128}};
  request.pipes = {ab};
  request.buffers = {{"d", bm * bn * 2, 1024, 1}};
  return request;
}

std::string str(const ResourcePlan &plan) {
  std::string text;
  llvm::raw_string_ostream os(text);
  plan.print(os);
  return text;
}

} // namespace

//===----------------------------------------------------------------------===//
// The FP8 GEMM
//===----------------------------------------------------------------------===//

TEST(ResourcePlan, StagesOfTheGemm) {
  // By hand: (232448 - 2*BM*BN) / (BM*128 + BN*128 + BM*4 + 16), floored.
  struct {
    int64_t bm, bn, depth;
  } cases[] = {
      {64, 16, 21},  // 230400 / 10512 = 21.9
      {64, 32, 18},  // 228352 / 12560 = 18.2
      {64, 64, 13},  // 224256 / 16656 = 13.5
      {64, 128, 8},  // 216064 / 24848 = 8.7
      {128, 16, 12}, // 228352 / 18960 = 12.04
      {128, 32, 10}, // 224256 / 21008 = 10.7
      {128, 64, 8},  // 216064 / 25104 = 8.6
      {128, 96, 7},  // 207872 / 29200 = 7.1
      {128, 128, 5}, // 199680 / 33296 = 5.997: six slots fit, not their
                     // barriers
  };
  for (const auto &config : cases) {
    PlanResult result = planResources(gemm(config.bm, config.bn));
    ASSERT_TRUE(bool(result)) << result.failure.message;
    const PipePlan *ab = result->findPipe("ab");
    ASSERT_NE(ab, nullptr);
    EXPECT_EQ(ab->depth, config.depth) << config.bm << "x" << config.bn;
    EXPECT_EQ(result->threads, config.bm == 64 ? 256 : 384);
    EXPECT_EQ(result->findRole("load")->registers, 40);
    EXPECT_EQ(result->findRole("math")->registers, config.bm == 64 ? 240 : 232);
    EXPECT_TRUE(result->usesSetmaxnreg);
    EXPECT_LE(result->sharedBytes, 232448);
    // One stage more does not fit.
    int64_t stage = config.bm * 128 + config.bn * 128 + config.bm * 4 + 16;
    EXPECT_GT(result->sharedBytes + stage, 232448);
  }
}

TEST(ResourcePlan, PlacementOfTheGemm) {
  PlanResult result = planResources(gemm(128, 128));
  ASSERT_TRUE(bool(result));
  // Math first, the loading warp in the last warpgroup.
  EXPECT_EQ(result->findRole("math")->firstWarp, 0);
  EXPECT_EQ(result->findRole("math")->warps, 8);
  EXPECT_EQ(result->findRole("load")->firstWarp, 8);
  EXPECT_EQ(result->findRole("load")->warps, 1);
  EXPECT_EQ(result->warpgroups.size(), 3u);
  EXPECT_EQ(result->entryRegisters, 168);
  EXPECT_EQ(str(*result), "threads 384, 168 registers a thread at entry, "
                          "setmaxnreg\n"
                          "role load: warps 8..8, 40 registers\n"
                          "role math: warps 0..7, 232 registers\n"
                          "pipe ab: 5 slots\n"
                          "  a: 16384 bytes at 0 + 16384 * slot\n"
                          "  b: 16384 bytes at 81920 + 16384 * slot\n"
                          "  sa: 512 bytes at 196608 + 512 * slot\n"
                          "  barriers: 2 * 5 at 199168\n"
                          "buffer d: 1 * 32768 bytes at 163840\n"
                          "barriers 10 at 199168\n"
                          "shared memory 199248 bytes\n");
  const PipePlan *ab = result->findPipe("ab");
  EXPECT_EQ(ab->barrier(0, 0), 199168);
  EXPECT_EQ(ab->barrier(1, 0), 199168 + 5 * 8);
  EXPECT_EQ(ab->barrier(1, 4), 199168 + 9 * 8);
  EXPECT_EQ(ab->fields[1].at(4), 81920 + 4 * 16384);
  EXPECT_EQ(result->findPipe("none"), nullptr);
  EXPECT_EQ(result->findBuffer("d")->bytes, 32768);
}

TEST(ResourcePlan, PromotionTileLimit) {
  // 64x128 a warpgroup holds accumulator and temporary; 64x256 does not; one
  // of 64x256 with a reused temporary of half the width does not either.
  EXPECT_TRUE(bool(planResources(gemm(128, 128))));
  PlanResult wide = planResources(gemm(128, 256));
  ASSERT_FALSE(bool(wide));
  EXPECT_EQ(wide.failure.limit, PlanFailure::Registers);
  EXPECT_EQ(wide.failure.subject, "math");
  EXPECT_EQ(wide.failure.needed, 280);
  EXPECT_EQ(wide.failure.message,
            "registers: role 'math' needs 280 a thread (256 of accumulators "
            "and fragments), at most 248 are possible");
  // Two temporaries: fits for N = 128 (192), not for N = 160 (240 > 232).
  ResourceRequest request = gemm(128, 128);
  request.roles[1].fragmentRegisters = 192;
  EXPECT_TRUE(bool(planResources(request)));
  request.roles[1].fragmentRegisters = 240;
  EXPECT_FALSE(bool(planResources(request)));
}

//===----------------------------------------------------------------------===//
// Warps and registers
//===----------------------------------------------------------------------===//

TEST(ResourcePlan, EntryRegisters) {
  EXPECT_EQ(entryRegisters(128), 255);
  EXPECT_EQ(entryRegisters(256), 255);
  EXPECT_EQ(entryRegisters(384), 168);
  EXPECT_EQ(entryRegisters(512), 128);
  EXPECT_EQ(entryRegisters(640), 96);
  EXPECT_EQ(entryRegisters(1024), 64);
  EXPECT_EQ(entryRegisters(0), 0);
}

TEST(ResourcePlan, SmallRolesShareAWarpgroup) {
  ResourceRequest request;
  request.roles = {warps("a", 1), groups("math", 1, 64), warps("b", 2),
                   warps("c", 2), warps("d", 1)};
  PlanResult result = planResources(request);
  ASSERT_TRUE(bool(result)) << result.failure.message;
  // First-fit: a and b, then c opens a second warpgroup, d fills the first.
  EXPECT_EQ(result->findRole("math")->firstWarp, 0);
  EXPECT_EQ(result->findRole("a")->firstWarp, 4);
  EXPECT_EQ(result->findRole("b")->firstWarp, 5);
  EXPECT_EQ(result->findRole("d")->firstWarp, 7);
  EXPECT_EQ(result->findRole("c")->firstWarp, 8);
  EXPECT_EQ(result->threads, 384);
  EXPECT_EQ(result->warpgroups[1].roles.size(), 3u);
}

TEST(ResourcePlan, DifferentCountsAreNotPackedTogether) {
  ResourceRequest request;
  request.roles = {warps("a", 1), warps("b", 1), warps("c", 1),
                   groups("math", 1, 32)};
  request.roles[0].registers = 40;
  request.roles[1].registers = 56;
  PlanResult result = planResources(request);
  ASSERT_TRUE(bool(result)) << result.failure.message;
  EXPECT_EQ(result->findRole("a")->firstWarp, 4);
  EXPECT_EQ(result->findRole("b")->firstWarp, 8);
  EXPECT_EQ(result->findRole("c")->firstWarp, 5);
  EXPECT_EQ(result->findRole("a")->registers, 40);
  EXPECT_EQ(result->findRole("b")->registers, 56);
  EXPECT_EQ(result->findRole("c")->registers, 40);
}

TEST(ResourcePlan, WithoutGroupsNothingChanges) {
  ResourceRequest request;
  request.roles = {warps("copy", 2), warps("sum", 3), warps("wide", 6)};
  PlanResult result = planResources(request);
  ASSERT_TRUE(bool(result)) << result.failure.message;
  EXPECT_FALSE(result->usesSetmaxnreg);
  // wide takes two warpgroups (its last two warps idle), copy one, sum one.
  EXPECT_EQ(result->findRole("wide")->firstWarp, 0);
  EXPECT_EQ(result->findRole("copy")->firstWarp, 8);
  EXPECT_EQ(result->findRole("sum")->firstWarp, 12);
  EXPECT_EQ(result->threads, 15 * 32);
  EXPECT_EQ(result->findRole("sum")->registers, result->entryRegisters);
  ResourceRequest single;
  single.roles = {warps("only", 1)};
  EXPECT_EQ(planResources(single)->threads, 32);
}

TEST(ResourcePlan, ManyGroups) {
  // Four math groups and a loader (the MQA kernel): 640 threads, pool 96 * 5.
  ResourceRequest request;
  request.roles = {warps("load", 1), groups("math", 4, 72)};
  PlanResult result = planResources(request);
  ASSERT_TRUE(bool(result)) << result.failure.message;
  EXPECT_EQ(result->threads, 640);
  EXPECT_EQ(result->findRole("math")->registers, 104);
  EXPECT_EQ(result->findRole("load")->registers, 40);
  // When they need more, the loader gives way: 112 * 4 + 32 = 480 = 96 * 5.
  request.roles[1].fragmentRegisters = 88;
  result = planResources(request);
  ASSERT_TRUE(bool(result)) << result.failure.message;
  EXPECT_EQ(result->findRole("math")->registers, 112);
  EXPECT_EQ(result->findRole("load")->registers, 32);
  request.roles[1].fragmentRegisters = 96;
  result = planResources(request);
  ASSERT_FALSE(bool(result));
  EXPECT_EQ(result.failure.limit, PlanFailure::Registers);
  EXPECT_EQ(result.failure.needed, 120 * 4 + 24);
  EXPECT_EQ(result.failure.available, 480);
}

TEST(ResourcePlan, UnequalGroups) {
  ResourceRequest request;
  request.roles = {warps("load", 1), groups("a", 1, 200), groups("b", 1, 40)};
  PlanResult result = planResources(request);
  ASSERT_TRUE(bool(result)) << result.failure.message;
  EXPECT_EQ(result->findRole("load")->registers, 40);
  EXPECT_EQ(result->findRole("a")->registers, 232); // even split suffices
  EXPECT_EQ(result->findRole("b")->registers, 232);
  request.roles[1].fragmentRegisters = 220;
  result = planResources(request);
  ASSERT_TRUE(bool(result)) << result.failure.message;
  EXPECT_EQ(result->findRole("a")->registers, 248);
  EXPECT_EQ(result->findRole("b")->registers, 216);
}

TEST(ResourcePlan, ExplicitCounts) {
  ResourceRequest request = gemm(128, 128);
  request.roles[0].registers = 24;
  request.roles[1].registers = 240;
  PlanResult result = planResources(request);
  ASSERT_TRUE(bool(result)) << result.failure.message; // 24 + 480 = 504
  EXPECT_EQ(result->findRole("math")->registers, 240);
  request.roles[0].registers = 40; // 520 > 504
  result = planResources(request);
  ASSERT_FALSE(bool(result));
  EXPECT_EQ(result.failure.limit, PlanFailure::Registers);
  EXPECT_EQ(result.failure.message,
            "registers: the 3 warpgroups need 520 in sum over one thread of "
            "each, a CTA of 384 threads has 504 (168 a thread)");
  for (int64_t bad : {20, 16, 41, 264, 0}) {
    request.roles[0].registers = bad;
    result = planResources(request);
    ASSERT_FALSE(bool(result)) << bad;
    EXPECT_EQ(result.failure.limit, PlanFailure::Invalid);
  }
  request.roles[0].registers = 24;
  request.roles[1].registers = 120; // accumulators alone are 128
  result = planResources(request);
  ASSERT_FALSE(bool(result));
  EXPECT_EQ(result.failure.limit, PlanFailure::Registers);
  EXPECT_EQ(result.failure.subject, "math");
}

TEST(ResourcePlan, MSideAndThreads) {
  ResourceRequest request = gemm(128, 128);
  request.roles[1].mSideExtent = 32;
  PlanResult result = planResources(request);
  ASSERT_FALSE(bool(result));
  EXPECT_EQ(result.failure.limit, PlanFailure::MSideExtent);
  EXPECT_EQ(result.failure.available, 32);
  EXPECT_EQ(result.failure.message,
            "M-side extent: a group of role 'math' multiplies 32 rows, which "
            "is not a multiple of 64; swap the operands of mma or use fewer "
            "groups");
  request.roles[1].mSideExtent = 64;
  request.roles[1].count = 8; // 1024 threads and the loader
  request.roles[1].fragmentRegisters = 16;
  result = planResources(request);
  ASSERT_FALSE(bool(result));
  EXPECT_EQ(result.failure.limit, PlanFailure::Threads);
  EXPECT_EQ(result.failure.needed, 1152);
  request.roles[1].count = INT64_MAX / 2;
  EXPECT_EQ(planResources(request).failure.limit, PlanFailure::Threads);
  request.roles[1].count = 0;
  EXPECT_EQ(planResources(request).failure.limit, PlanFailure::Invalid);
  EXPECT_EQ(planResources(ResourceRequest()).failure.limit,
            PlanFailure::Invalid);
}

//===----------------------------------------------------------------------===//
// Shared memory
//===----------------------------------------------------------------------===//

TEST(ResourcePlan, SharedMemoryFailures) {
  ResourceRequest request = gemm(128, 128);
  request.buffers[0].bytes = 240000;
  PlanResult result = planResources(request);
  ASSERT_FALSE(bool(result));
  EXPECT_EQ(result.failure.limit, PlanFailure::SharedMemory);
  EXPECT_EQ(result.failure.available, 232448);
  EXPECT_EQ(result.failure.needed, 240640); // rounded up to the alignment
  request.buffers[0].bytes = 220000;
  result = planResources(request);
  ASSERT_FALSE(bool(result));
  EXPECT_EQ(result.failure.limit, PlanFailure::SharedMemory);
  EXPECT_EQ(result.failure.subject, "ab");
  EXPECT_EQ(result.failure.message,
            "shared memory: pipe 'ab' needs at least 1 slots of 33296 bytes, "
            "of 232448 bytes 12288 are left");
  request.buffers[0].bytes = 1024;
  request.pipes[0].depth = 7;
  result = planResources(request);
  ASSERT_FALSE(bool(result));
  EXPECT_EQ(result.failure.needed, 1024 + 7 * 33296);
  request.pipes[0].depth = 6;
  EXPECT_TRUE(bool(planResources(request)));
  request.pipes[0].depth = 0;
  EXPECT_EQ(planResources(request).failure.limit, PlanFailure::Invalid);
  request.pipes[0].depth = 1;
  request.pipes[0].fields[0].alignment = 48;
  EXPECT_EQ(planResources(request).failure.limit, PlanFailure::Invalid);
  request.pipes[0].fields[0].alignment = 128;
  request.pipes[0].fields[0].bytes = -1;
  EXPECT_EQ(planResources(request).failure.limit, PlanFailure::Invalid);
  request.pipes[0].fields[0].bytes = INT64_MAX / 2;
  EXPECT_EQ(planResources(request).failure.limit, PlanFailure::Invalid);
}

TEST(ResourcePlan, BuffersGrowIntoWhatIsLeft) {
  // 256x128 of FP8 with 8 KB of staging for each of two groups: four stages,
  // and no room for a second buffer.
  ResourceRequest request = gemm(256, 128);
  request.roles = {warps("load", 1), groups("math", 2, 192)};
  request.buffers = {{"d", 8192, 1024, 2, 8}};
  PlanResult four = planResources(request);
  ASSERT_TRUE(bool(four));
  EXPECT_EQ(four->pipes[0].depth, 4);
  EXPECT_EQ(four->findBuffer("d")->count, 2);
  // With fewer stages wanted the buffers take what is left, in whole steps, up
  // to what they can use.
  request.pipes[0].maxDepth = 3;
  PlanResult three = planResources(request);
  ASSERT_TRUE(bool(three));
  EXPECT_EQ(three->pipes[0].depth, 3);
  EXPECT_EQ(three->findBuffer("d")->count, 8);
  request.buffers[0].maxCount = 5;
  EXPECT_EQ(planResources(request)->findBuffer("d")->count, 4);
  // Two buffers take turns.
  request.buffers = {{"d", 8192, 1024, 2, 8}, {"e", 8192, 1024, 2, 8}};
  PlanResult both = planResources(request);
  ASSERT_TRUE(bool(both));
  EXPECT_EQ(both->findBuffer("d")->count, 4);
  EXPECT_EQ(both->findBuffer("e")->count, 4);
}

TEST(ResourcePlan, SeveralMaxPipesShareEvenly) {
  ResourceRequest request;
  request.roles = {warps("load", 1), groups("math", 1, 32)};
  PipeRequest a, b;
  a.name = "a";
  a.fields = {{"x", 16384, 1024}};
  b.name = "b";
  b.fields = {{"y", 4096, 1024}};
  request.pipes = {a, b};
  PlanResult result = planResources(request);
  ASSERT_TRUE(bool(result));
  // Half each is 116224 bytes: 7 of 16400, 28 of 4112; 2512 bytes stay.
  EXPECT_EQ(result->findPipe("a")->depth, 7);
  EXPECT_EQ(result->findPipe("b")->depth, 28);

  request.pipes[1].maxDepth = 3; // what b does not use goes to a
  result = planResources(request);
  EXPECT_EQ(result->findPipe("a")->depth, 13); // (232448 - 12336) / 16400
  EXPECT_EQ(result->findPipe("b")->depth, 3);

  request.pipes[1].maxDepth = 0;
  request.pipes[0].minDepth = 12; // more than its share
  result = planResources(request);
  EXPECT_EQ(result->findPipe("a")->depth, 12);
  EXPECT_EQ(result->findPipe("b")->depth, 8); // (232448 - 196800) / 4112
}

namespace {

/// Blocks as intervals; the invariants of every plan.
void checkPlan(const ResourceRequest &request, const ResourcePlan &plan) {
  std::vector<std::pair<int64_t, int64_t>> used;
  auto add = [&](const BlockPlan &block, int64_t alignment) {
    for (int64_t i = 0; i < block.count; ++i) {
      ASSERT_EQ(block.at(i) % alignment, 0);
      if (block.bytes > 0)
        used.push_back({block.at(i), block.at(i) + block.bytes});
    }
  };
  for (size_t p = 0; p < request.pipes.size(); ++p) {
    const PipeRequest &wanted = request.pipes[p];
    const PipePlan &pipe = plan.pipes[p];
    if (wanted.depth)
      ASSERT_EQ(pipe.depth, *wanted.depth);
    ASSERT_GE(pipe.depth, wanted.depth ? 1 : wanted.minDepth);
    for (size_t f = 0; f < wanted.fields.size(); ++f) {
      ASSERT_EQ(pipe.fields[f].bytes, wanted.fields[f].bytes);
      ASSERT_EQ(pipe.fields[f].count, pipe.depth);
      add(pipe.fields[f], wanted.fields[f].alignment);
    }
    for (int64_t k = 0; k < wanted.barriersPerSlot; ++k)
      for (int64_t i = 0; i < pipe.depth; ++i) {
        ASSERT_EQ(pipe.barrier(k, i) % 8, 0);
        ASSERT_GE(pipe.barrier(k, i), plan.barriersOffset);
        used.push_back({pipe.barrier(k, i), pipe.barrier(k, i) + 8});
      }
  }
  for (size_t b = 0; b < request.buffers.size(); ++b)
    add(plan.buffers[b], request.buffers[b].alignment);
  for (int64_t i = 0; i < request.extraBarriers; ++i)
    used.push_back({plan.extraBarriersOffset + 8 * i,
                    plan.extraBarriersOffset + 8 * i + 8});
  std::sort(used.begin(), used.end());
  for (size_t i = 1; i < used.size(); ++i)
    ASSERT_LE(used[i - 1].second, used[i].first);
  if (!used.empty())
    ASSERT_LE(used.back().second, plan.sharedBytes);
  ASSERT_LE(plan.sharedBytes, 232448);
  // Maximal: no pipe of depth max can grow by itself.
  for (size_t p = 0; p < request.pipes.size(); ++p) {
    if (request.pipes[p].depth ||
        (request.pipes[p].maxDepth > 0 &&
         plan.pipes[p].depth >= request.pipes[p].maxDepth))
      continue;
    int64_t slot = request.pipes[p].barriersPerSlot * 8;
    for (const BlockPlan &field : plan.pipes[p].fields)
      slot += field.stride;
    ASSERT_GT(plan.sharedBytes + slot, 232448);
  }

  // Warps: disjoint, inside the launch; groups begin at warpgroups.
  std::vector<int> owner(plan.threads / 32, -1);
  for (size_t r = 0; r < plan.roles.size(); ++r) {
    const RolePlan &role = plan.roles[r];
    for (int64_t w = 0; w < role.warps; ++w) {
      ASSERT_LT(role.firstWarp + w, plan.threads / 32);
      ASSERT_EQ(owner[role.firstWarp + w], -1);
      owner[role.firstWarp + w] = r;
    }
    if (role.kind == RoleRequest::Groups || role.warps >= 4)
      ASSERT_EQ(role.firstWarp % 4, 0);
    else
      ASSERT_EQ(role.firstWarp / 4, (role.firstWarp + role.warps - 1) / 4);
  }
  // Registers: what setmaxnreg can do, within the pool, no more than asked.
  ASSERT_LE(plan.entryRegisters * plan.threads, 65536);
  int64_t sum = 0;
  for (const WarpgroupPlan &group : plan.warpgroups) {
    sum += group.registers * group.warps * 32;
    ASSERT_FALSE(group.roles.empty());
    for (unsigned role : group.roles) {
      // The role has warps in every warpgroup that lists it.
      const RolePlan &there = plan.roles[role];
      ASSERT_LT(there.firstWarp, group.firstWarp + group.warps);
      ASSERT_GT(there.firstWarp + there.warps, group.firstWarp);
      ASSERT_EQ(plan.roles[role].registers, group.registers);
      if (request.roles[role].registers && plan.usesSetmaxnreg)
        ASSERT_EQ(group.registers, *request.roles[role].registers);
      if (!request.roles[role].registers)
        ASSERT_GE(group.registers, request.roles[role].fragmentRegisters);
    }
    if (plan.usesSetmaxnreg) {
      ASSERT_EQ(group.warps, 4);
      ASSERT_EQ(group.registers % 8, 0);
      ASSERT_GE(group.registers, 24);
      ASSERT_LE(group.registers, 256);
    }
  }
  ASSERT_LE(sum, plan.entryRegisters * plan.threads);
}

ResourceRequest randomRequest(std::mt19937 &rng) {
  ResourceRequest request;
  for (unsigned i = 0, e = 1 + rng() % 4; i < e; ++i) {
    RoleRequest role = warps("r" + std::to_string(i), 1 + rng() % 3);
    if (rng() % 2)
      role = groups("r" + std::to_string(i), 1 + rng() % 2, rng() % 200);
    else if (rng() % 4 == 0)
      role.count = 4 + rng() % 5;
    if (rng() % 4 == 0)
      role.registers = 24 + 8 * (rng() % 26);
    request.roles.push_back(role);
  }
  const int64_t alignments[] = {1024, 512, 256, 128, 16, 1};
  for (unsigned i = 0, e = rng() % 4; i < e; ++i) {
    PipeRequest pipe;
    pipe.name = "p" + std::to_string(i);
    for (unsigned f = 0, n = 1 + rng() % 3; f < n; ++f)
      pipe.fields.push_back({"f", int64_t(rng() % 20000),
                             alignments[rng() % std::size(alignments)]});
    if (rng() % 2)
      pipe.depth = 1 + rng() % 5;
    else {
      pipe.minDepth = 1 + rng() % 4;
      pipe.maxDepth = rng() % 3 == 0 ? pipe.minDepth + rng() % 9 : 0;
    }
    pipe.barriersPerSlot = 1 + rng() % 3;
    request.pipes.push_back(pipe);
  }
  for (unsigned i = 0, e = rng() % 3; i < e; ++i)
    request.buffers.push_back({"b" + std::to_string(i), int64_t(rng() % 30000),
                               alignments[rng() % std::size(alignments)],
                               int64_t(rng() % 3), int64_t(rng() % 9)});
  request.extraBarriers = rng() % 4;
  return request;
}

} // namespace

TEST(ResourcePlan, InvariantsOfRandomPlans) {
  std::mt19937 rng(8);
  int planned = 0;
  for (int trial = 0; trial < 5000; ++trial) {
    ResourceRequest request = randomRequest(rng);
    PlanResult result = planResources(request);
    if (!result) {
      EXPECT_NE(result.failure.limit, PlanFailure::None);
      EXPECT_NE(result.failure.message, "");
      continue;
    }
    ++planned;
    checkPlan(request, *result);
    if (HasFatalFailure())
      FAIL() << str(*result);
    // Deterministic.
    ASSERT_EQ(str(*planResources(request)), str(*result));
  }
  EXPECT_GT(planned, 1000);
}

TEST(ResourcePlan, TakesMicroseconds) {
  ResourceRequest request = gemm(128, 128);
  double best = 1e9;
  for (int batch = 0; batch < 20; ++batch) {
    auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 200; ++i)
      ASSERT_TRUE(bool(planResources(request)));
    std::chrono::duration<double, std::micro> time =
        std::chrono::steady_clock::now() - start;
    best = std::min(best, time.count() / 200);
  }
  RecordProperty("microseconds", std::to_string(best));
  // About 1 µs measured; the margin is for slow machines and sanitizers.
  EXPECT_LT(best, 50.0);
}
