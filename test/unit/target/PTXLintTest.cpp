//===- PTXLintTest.cpp - rules of the PTX lint ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Target/PTXLint.h"

#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"

#include <set>

using namespace tilewright::target;

/// A kernel with `body`, and `header` between its parameters and its body.
/// The body starts on line 7, one line below `.loc 1 7 1`.
static std::string kernel(const std::string &body,
                          const std::string &header = "") {
  return ".version 8.6\n.target sm_90a\n.address_size 64\n"
         ".visible .entry k() " +
         header + "\n{\n.loc 1 7 1\n" + body + "\nret;\n}\n.file 1 \"k.tw\"\n";
}

/// The identifiers of the findings, in order, with blanks between.
static std::string lint(const std::string &text) {
  std::string result;
  for (const LintFinding &finding : lintPTX(PTXText(text)))
    result += (result.empty() ? "" : " ") + finding.rule->id.str();
  return result;
}

TEST(PTXLint, TableIsWellFormed) {
  std::set<std::string> ids;
  for (const LintRule &rule : lintRules()) {
    EXPECT_TRUE(ids.insert(rule.id.str()).second);
    EXPECT_FALSE(rule.text.empty());
    EXPECT_FALSE(rule.source.empty());
    EXPECT_NE(lintRulesAsMarkdown().find(rule.id.str()), std::string::npos);
  }
}

TEST(PTXLint, TableIsInTheDocumentation) {
  auto page =
      llvm::MemoryBuffer::getFile(TILEWRIGHT_SOURCE_DIR "/docs/assembler.md");
  ASSERT_TRUE(!!page);
  EXPECT_TRUE((*page)->getBuffer().contains(lintRulesAsMarkdown()))
      << "run tilewright-ptx --lint-rules and copy the table";
}

TEST(PTXLint, ScopedRemoteArrive) {
  EXPECT_EQ(lint(kernel("mbarrier.arrive.release.cluster.shared::cluster.b64 "
                        "_, [%r1];")),
            "TWP01");
  // No scope, or the own CTA's barrier: fine.
  EXPECT_EQ(lint(kernel("mbarrier.arrive.shared::cluster.b64 _, [%r1];")), "");
  EXPECT_EQ(lint(kernel("mbarrier.arrive.release.cta.shared::cta.b64 %rd1, "
                        "[%r1];")),
            "");
}

TEST(PTXLint, UnscopedAtomics) {
  EXPECT_EQ(lint(kernel("atom.global.add.u32 %r1, [%rd1], 1;")), "TWP02");
  EXPECT_EQ(lint(kernel("red.global.add.f32 [%rd1], %f1;")), "TWP02");
  EXPECT_EQ(lint(kernel("atom.relaxed.gpu.global.add.u32 %r1, [%rd1], 1;\n"
                        "red.release.sys.global.add.u32 [%rd1], 1;\n"
                        "atom.shared.add.u32 %r1, [%rd1], 1;\n"
                        "redux.sync.add.s32 %r1, %r2, -1;")),
            "");
}

TEST(PTXLint, RegistersAtEntry) {
  const char *body = "setmaxnreg.dec.sync.aligned.u32 40;\n"
                     "setmaxnreg.inc.sync.aligned.u32 232;";
  EXPECT_EQ(lint(kernel(body)), "TWP03");
  EXPECT_EQ(lint(kernel(body, ".maxntid 384")), "TWP03");
  EXPECT_EQ(lint(kernel(body, ".minnctapersm 1")), "TWP03");
  EXPECT_EQ(lint(kernel(body, ".maxntid 384, 1, 1\n.minnctapersm 1")), "");
  EXPECT_EQ(lint(kernel(body, ".reqntid 384, 1, 1\n.minnctapersm 1")), "");
  EXPECT_EQ(lint(kernel(body, ".maxnreg 168")), "");
}

TEST(PTXLint, Calls) {
  const std::string call = "{\ncall.uni (rv), vprintf, (a, b);\n}\n";
  const std::string wgmma =
      "wgmma.mma_async.sync.aligned.m64n8k32.f32.e4m3.e4m3 {%f0, %f1, %f2, "
      "%f3}, %rd1, %rd2, 1, 1, 1;\n";
  EXPECT_EQ(lint(kernel(call)), "");
  EXPECT_EQ(lint(kernel(call + wgmma)), "TWP04");
}

TEST(PTXLint, RuntimeBarriers) {
  EXPECT_EQ(lint(kernel("bar.sync %r1, 128;\nbarrier.sync.aligned %r2;")),
            "TWP05 TWP05");
  EXPECT_EQ(lint(kernel("bar.sync 1, %r1;\nbar.warp.sync %r2;\n"
                        "bar.red.popc.u32 %r1, 0, %p1;\n"
                        "barrier.cluster.wait.aligned;")),
            "");
}

TEST(PTXLint, LocalMemory) {
  EXPECT_EQ(lint(kernel(".local .align 16 .b8 __local_depot0[256];")), "TWP06");
}

static const std::string kWgmma =
    "wgmma.mma_async.sync.aligned.m64n8k32.f32.e4m3.e4m3 {%f0, %f1, %f2, %f3}, "
    "%rd1, %rd2, 1, 1, 1;\n";
static const std::string kWgmma2 =
    "wgmma.mma_async.sync.aligned.m64n8k32.f32.e4m3.e4m3 {%f4, %f5, %f6, %f7}, "
    "%rd1, %rd2, 1, 1, 1;\n";
static const std::string kCommit = "wgmma.commit_group.sync.aligned;\n";

TEST(PTXLint, AccumulatorsInFlight) {
  const std::string use = "add.f32 %f9, %f9, %f1;\n";
  EXPECT_EQ(lint(kernel(kWgmma + kCommit + use +
                        "wgmma.wait_group.sync.aligned 0;\n")),
            "TWP07");
  EXPECT_EQ(lint(kernel(kWgmma + use)), "TWP07");
  // Defining them is as wrong as reading them.
  EXPECT_EQ(lint(kernel(kWgmma + kCommit + "mov.f32 %f2, 0f00000000;\n")),
            "TWP07");
  EXPECT_EQ(lint(kernel(kWgmma + kCommit +
                        "wgmma.wait_group.sync.aligned 0;\n" + use)),
            "");
  // Two groups: after wait 1 the first may be read, the second may not.
  EXPECT_EQ(lint(kernel(kWgmma + kCommit + kWgmma2 + kCommit +
                        "wgmma.wait_group.sync.aligned 1;\n" + use)),
            "");
  EXPECT_EQ(lint(kernel(kWgmma + kCommit + kWgmma2 + kCommit +
                        "wgmma.wait_group.sync.aligned 1;\n" +
                        "add.f32 %f9, %f9, %f5;\n")),
            "TWP07");
  // Chained wgmma on the same registers, and other registers.
  EXPECT_EQ(lint(kernel(kWgmma + kWgmma + kCommit + "add.f32 %f9, %f9, %f10;")),
            "");
  // Code after a jump is not reached from above.
  EXPECT_EQ(lint(kernel(kWgmma + kCommit + "bra.uni L2;\nL1:\n" + use +
                        "L2:\nwgmma.wait_group.sync.aligned 0;\n")),
            "");
  EXPECT_EQ(
      lint(kernel(kWgmma + kCommit + "@%p1 bra L2;\nL1:\n" + use + "L2:\n")),
      "TWP07");
}

TEST(PTXLint, TensorMemoryLoads) {
  const std::string load =
      "tcgen05.ld.sync.aligned.32x32b.x2.b32 {%r1, %r2}, [%r9];\n";
  const std::string use = "mov.b64 %rd1, {%r1, %r1};\n";
  EXPECT_EQ(lint(kernel(load + use + "tcgen05.wait::ld.sync.aligned;\n")),
            "TWP08");
  EXPECT_EQ(lint(kernel(load + "tcgen05.wait::ld.sync.aligned;\n" + use)), "");
}

TEST(PTXLint, DebugTarget) {
  EXPECT_EQ(lint(".version 8.6\n.target sm_90a, debug\n.address_size 64\n"),
            "TWP09");
}

TEST(PTXLint, ClusterStart) {
  const std::string init = "fence.mbarrier_init.release.cluster;\n";
  EXPECT_EQ(lint(kernel(init + "barrier.cluster.arrive.aligned;\n")), "TWP10");
  EXPECT_EQ(lint(kernel(init + "barrier.cluster.arrive.relaxed.aligned;\n")),
            "");
  EXPECT_EQ(lint(kernel(init + "st.shared.u32 [%r1], 0;\n"
                               "barrier.cluster.arrive.aligned;\n")),
            "");
  EXPECT_EQ(lint(kernel("barrier.cluster.arrive.aligned;\n")), "");
}

TEST(PTXLint, PositionsAndDetail) {
  std::vector<LintFinding> findings =
      lintPTX(PTXText(kernel("atom.global.add.u32\n\t %r1,  [%rd1], 1;")));
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].function, "k");
  EXPECT_EQ(findings[0].ptxLine, 7u);
  EXPECT_EQ(findings[0].source, (SourcePos{"k.tw", 7, 1}));
  EXPECT_EQ(findings[0].detail, "atom.global.add.u32 %r1, [%rd1], 1");
}
