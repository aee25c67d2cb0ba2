//===- MachineTestSupport.h - Small PTX programs on the simulator ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_TEST_UNIT_SIM_MACHINETESTSUPPORT_H
#define TILEWRIGHT_TEST_UNIT_SIM_MACHINETESTSUPPORT_H

#include "tilewright/Sim/Formats.h"
#include "tilewright/Sim/Simulator.h"
#include <gtest/gtest.h>

namespace tilewright::sim {

/// A kernel `k(u64 out)` of 1-D blocks, with registers, dynamic shared memory
/// `smem`, and %rd0 = out, %r0 = %tid.x, %rd1 = out + 4 * tid.
struct Kernel {
  explicit Kernel(const std::string &body, unsigned threads = 32,
                  unsigned words = 64)
      : words(words) {
    launch.ptx = R"(
.version 8.6
.target sm_90a
.address_size 64
.extern .shared .align 1024 .b8 smem[];
.visible .entry k(.param .u64 k_param_0)
{
  .reg .pred %p<16>;
  .reg .b16 %rs<16>;
  .reg .b32 %r<64>;
  .reg .b64 %rd<32>;
  ld.param.b64 %rd0, [k_param_0];
  mov.u32 %r0, %tid.x;
  mul.wide.u32 %rd1, %r0, 4;
  add.s64 %rd1, %rd0, %rd1;
)" + body + "\n ret;\n}\n";
    launch.block = {threads, 1, 1};
    launch.smemBytes = 4096;
    out = memory.allocate(words * 4, "out");
    launch.add(out);
  }

  Report run(const Options &options = {}) {
    auto report = tilewright::sim::run(launch, memory, options);
    if (!report) {
      ADD_FAILURE() << llvm::toString(report.takeError());
      return {};
    }
    return *report;
  }
  uint32_t word(unsigned i) { return memory.as<uint32_t>(out, words)[i]; }

  Launch launch;
  Memory memory;
  uint64_t out;
  unsigned words;
};

inline void expectWord(const std::string &body, uint32_t expected) {
  Kernel kernel(body + "\n st.global.b32 [%rd0], %r1;", 1);
  Report report = kernel.run();
  EXPECT_TRUE(report.ok()) << report.str();
  EXPECT_EQ(kernel.word(0), expected) << body;
}

} // namespace tilewright::sim

#endif // TILEWRIGHT_TEST_UNIT_SIM_MACHINETESTSUPPORT_H
