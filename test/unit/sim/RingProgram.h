//===- RingProgram.h - A pipe of two slots in PTX -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_TEST_UNIT_SIM_RINGPROGRAM_H
#define TILEWRIGHT_TEST_UNIT_SIM_RINGPROGRAM_H

#include "tilewright/Sim/Simulator.h"
#include <gtest/gtest.h>

namespace tilewright::sim {

/// Role load (lane 0 of warp 4) fills slots of 64 bytes by bulk copies at
/// ring.tw:20, role math (warps 0-3) reads them at ring.tw:31 and frees them at
/// ring.tw:32. Shared memory: full barriers at 0 and 8, free barriers at 16 and
/// 24, field x of the slots at 1024 and 1088.
struct RingProgram {
  RingProgram(unsigned puts, unsigned gets) {
    launch.ptx = R"(
.version 8.6
.target sm_90a
.address_size 64
.extern .shared .align 1024 .b8 smem[];
.visible .entry k(.param .u64 k_param_0)
{
  .reg .pred %p<16>;
  .reg .b32 %r<32>;
  .reg .b64 %rd<32>;
  .loc 1 10 1
  ld.param.b64 %rd0, [k_param_0];
  mov.u32 %r0, %tid.x;
  shr.u32 %r1, %r0, 5;
  and.b32 %r5, %r0, 31;
  setp.ne.b32 %p3, %r5, 0;
  mov.b64 %rd3, smem;
  mov.b32 %r2, 0;
  mov.b32 %r3, 0;
  mov.b32 %r4, 0;
  setp.ne.b32 %p1, %r0, 0;
  @%p1 bra I;
  mbarrier.init.shared.b64 [smem], 1;
  mbarrier.init.shared.b64 [smem+8], 1;
  mbarrier.init.shared.b64 [smem+16], 4;
  mbarrier.init.shared.b64 [smem+24], 4;
  fence.mbarrier_init.release.cluster;
I: bar.sync 0;
  setp.ne.b32 %p2, %r1, 4;
  @%p2 bra C;
  @%p3 bra E;
P: setp.ge.u32 %p4, %r4, )" +
                 std::to_string(puts) +
                 R"(;
  @%p4 bra E;
  .loc 1 20 7
  mul.wide.u32 %rd4, %r2, 8;
  add.s64 %rd4, %rd4, %rd3;
  mul.wide.u32 %rd5, %r2, 64;
  add.s64 %rd5, %rd5, %rd3;
  xor.b32 %r8, %r3, 1;
PW: mbarrier.try_wait.parity.shared.b64 %p5, [%rd4+16], %r8;
  @!%p5 bra PW;
  mbarrier.arrive.expect_tx.shared.b64 _, [%rd4], 64;
  cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%rd5+1024], [%rd0], 64, [%rd4];
  add.s32 %r4, %r4, 1;
  xor.b32 %r2, %r2, 1;
  setp.ne.b32 %p6, %r2, 0;
  @%p6 bra P;
  xor.b32 %r3, %r3, 1;
  bra P;
C: setp.ge.u32 %p4, %r4, )" +
                 std::to_string(gets) + R"(;
  @%p4 bra E;
  .loc 1 30 7
  mul.wide.u32 %rd4, %r2, 8;
  add.s64 %rd4, %rd4, %rd3;
  mul.wide.u32 %rd5, %r2, 64;
  add.s64 %rd5, %rd5, %rd3;
CW: mbarrier.try_wait.parity.shared.b64 %p5, [%rd4], %r3;
  @!%p5 bra CW;
  .loc 1 31 7
  ld.shared.b32 %r6, [%rd5+1024];
  .loc 1 32 7
  bar.warp.sync -1;
  @!%p3 mbarrier.arrive.shared.b64 _, [%rd4+16];
  add.s32 %r4, %r4, 1;
  xor.b32 %r2, %r2, 1;
  setp.ne.b32 %p6, %r2, 0;
  @%p6 bra C;
  xor.b32 %r3, %r3, 1;
  bra C;
E: ret;
}
.file 1 "ring.tw"
)";
    launch.block = {160, 1, 1};
    launch.smemBytes = 2048;
    launch.add(memory.allocate(64, "X"));
    Symbols &symbols = launch.symbols;
    symbols.roles = {{"math", 0, 4}, {"load", 4, 1}};
    for (unsigned slot = 0; slot < 2; ++slot) {
      symbols.ranges.push_back({1024 + 64 * slot, 64, "pipe p", slot, "x"});
      symbols.barriers.push_back(
          {8 * slot, "pipe p", slot, Symbols::Meaning::Full, {{"load", 1}}});
      symbols.barriers.push_back({16 + 8 * slot,
                                  "pipe p",
                                  slot,
                                  Symbols::Meaning::Free,
                                  {{"math", 4}}});
    }
  }

  /// Replaces the first `from`, which must occur.
  void edit(const std::string &from, const std::string &to) {
    size_t at = launch.ptx.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    launch.ptx.replace(at, from.size(), to);
  }

  Report run(const Options &options = {}) {
    auto report = tilewright::sim::run(launch, memory, options);
    if (!report) {
      ADD_FAILURE() << llvm::toString(report.takeError());
      return {};
    }
    return *report;
  }

  Launch launch;
  Memory memory;
};

} // namespace tilewright::sim

#endif // TILEWRIGHT_TEST_UNIT_SIM_RINGPROGRAM_H
