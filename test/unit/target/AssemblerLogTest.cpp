//===- AssemblerLogTest.cpp - logs of real assemblers ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every log here was printed by ptxas or nvJitLink for PTX made to provoke it;
// the version stands beside it.
//
//===----------------------------------------------------------------------===//

#include "tilewright/Target/AssemblerLog.h"

#include "gtest/gtest.h"

using namespace tilewright::target;

// ptxas 13.0.88, 12.9.86.
TEST(AssemblerLog, Spills) {
  AssemblerReport report = parseAssemblerLog(
      "ptxas warning : Local memory used for function 'spill', size of stack "
      "frame: 432 bytes\n"
      "ptxas warning : Registers are spilled to local memory in function "
      "'spill', 428 bytes spill stores, 424 bytes spill loads\n"
      "ptxas info    : 0 bytes gmem\n"
      "ptxas info    : Compiling entry function 'spill' for 'sm_90a'\n"
      "ptxas info    : Function properties for spill\n"
      "    432 bytes stack frame, 428 bytes spill stores, 424 bytes spill "
      "loads\n"
      "ptxas info    : Used 32 registers, used 3 barriers, 432 bytes "
      "cumulative stack size, 3000 bytes smem\n"
      "ptxas info    : Compile time = 24.495 ms\n");
  ASSERT_EQ(report.kernels.size(), 1u);
  const KernelUsage *usage = report.kernel("spill");
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->arch, "sm_90a");
  EXPECT_EQ(usage->registers, 32u);
  EXPECT_EQ(usage->barriers, 3u);
  EXPECT_EQ(usage->sharedBytes, 3000u);
  EXPECT_EQ(usage->stackBytes, 432u);
  EXPECT_EQ(usage->spillStoreBytes, 428u);
  EXPECT_EQ(usage->spillLoadBytes, 424u);
  EXPECT_NEAR(usage->compileMs, 24.495, 1e-9);

  ASSERT_EQ(report.messages.size(), 2u);
  EXPECT_EQ(report.messages[0].kind, AssemblerMessageKind::LocalMemory);
  EXPECT_EQ(report.messages[1].kind, AssemblerMessageKind::Spill);
  EXPECT_EQ(report.messages[1].severity, AssemblerSeverity::Warning);
  EXPECT_EQ(report.messages[1].function, "spill");
  EXPECT_TRUE(report.hasAdvisories());
  EXPECT_FALSE(report.hasErrors());
}

// ptxas 13.0.88: two kernels; the statistics of each stay apart.
TEST(AssemblerLog, SeveralKernels) {
  AssemblerReport report = parseAssemblerLog(
      "ptxas info    : 0 bytes gmem\n"
      "ptxas info    : Compiling entry function 'one' for 'sm_90a'\n"
      "ptxas info    : Function properties for one\n"
      "    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n"
      "ptxas info    : Used 4 registers, used 0 barriers\n"
      "ptxas info    : Compile time = 1.259 ms\n"
      "ptxas info    : Compiling entry function 'two' for 'sm_90a'\n"
      "ptxas info    : Function properties for two\n"
      "    16 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n"
      "ptxas info    : Used 8 registers, used 4 barriers, 3000 bytes smem\n"
      "ptxas info    : Compile time = 1.025 ms\n");
  ASSERT_EQ(report.kernels.size(), 2u);
  EXPECT_EQ(report.kernel("one")->registers, 4u);
  EXPECT_EQ(report.kernel("one")->sharedBytes, 0u);
  EXPECT_EQ(report.kernel("two")->registers, 8u);
  EXPECT_EQ(report.kernel("two")->stackBytes, 16u);
  EXPECT_EQ(report.kernel("two")->sharedBytes, 3000u);
  EXPECT_EQ(report.kernel("three"), nullptr);
  EXPECT_TRUE(report.messages.empty());
}

// nvJitLink 12.9, 13.0 (-verbose); the linker's own lines must not win.
TEST(AssemblerLog, NvJitLink) {
  AssemblerReport report = parseAssemblerLog(
      "ptxas info    : 0 bytes gmem\n"
      "ptxas info    : Compiling entry function 'spill' for 'sm_90a'\n"
      "ptxas info    : Function properties for spill\n"
      "ptxas         .     432 bytes stack frame, 428 bytes spill stores, 428 "
      "bytes spill loads\n"
      "ptxas info    : Used 32 registers, used 0 barriers\n"
      "ptxas info    : Compile time = 16.559 ms\n"
      "info    : 0 bytes gmem\n"
      "info    : Function properties for 'spill':\n"
      "info    : used 32 registers, used 5 barriers, 432 stack, 0 bytes smem, "
      "536 bytes cmem[0], 0 bytes lmem\n");
  ASSERT_EQ(report.kernels.size(), 1u);
  EXPECT_EQ(report.kernels[0].name, "spill");
  EXPECT_EQ(report.kernels[0].registers, 32u);
  EXPECT_EQ(report.kernels[0].barriers, 0u);
  EXPECT_EQ(report.kernels[0].spillStoreBytes, 428u);
  EXPECT_TRUE(report.messages.empty());
}

// ptxas 13.0.88, one line each.
TEST(AssemblerLog, Advisories) {
  AssemblerReport report = parseAssemblerLog(
      "ptxas info    : (C7508) Potential Performance Loss: 'setmaxnreg' "
      "ignored; unable to determine register count at entry.\n"
      "ptxas info    : (C7510) Potential Performance Loss: wgmma.mma_async "
      "instructions are serialized due to wgmma pipeline crossing function "
      "boundary at a function call in the function 'c7510'\n"
      "ptxas info    : (C7514) Potential Performance Loss: wgmma.mma_async "
      "instructions are serialized due to non wgmma instructions reading "
      "accumulator registers of  a wgmma between start and end of the pipeline "
      "stage in the function 'c7514'\n"
      "ptxas info    : (C7517) warpgroup.wait is injected in around line 52 by "
      "compiler to allow use of registers defined by GMMA in function "
      "'waits'\n");
  ASSERT_EQ(report.messages.size(), 4u);
  EXPECT_EQ(report.messages[0].code, "C7508");
  EXPECT_EQ(report.messages[0].kind, AssemblerMessageKind::PerformanceLoss);
  EXPECT_EQ(report.messages[0].function, "");
  EXPECT_TRUE(llvm::StringRef(report.messages[0].text)
                  .starts_with("Potential Performance Loss: 'setmaxnreg'"));
  EXPECT_EQ(report.messages[1].code, "C7510");
  EXPECT_EQ(report.messages[1].function, "c7510");
  EXPECT_EQ(report.messages[2].code, "C7514");
  EXPECT_EQ(report.messages[2].function, "c7514");
  EXPECT_EQ(report.messages[3].code, "C7517");
  EXPECT_EQ(report.messages[3].kind, AssemblerMessageKind::Injected);
  EXPECT_EQ(report.messages[3].ptxLine, 52u);
  for (const AssemblerMessage &message : report.messages) {
    EXPECT_EQ(message.severity, AssemblerSeverity::Info);
    EXPECT_TRUE(message.isAdvisory());
  }
}

// ptxas 13.5.37 ends the same advisory with "in line 0".
TEST(AssemblerLog, AdvisoryOfNewerPtxas) {
  AssemblerReport report = parseAssemblerLog(
      "ptxas info    : (C7514) Potential Performance Loss: wgmma.mma_async "
      "instructions are serialized due to non wgmma instructions reading "
      "accumulator registers of  a wgmma between start and end of the pipeline "
      "stage in the function 'c7514' in line 0\n"
      "ptxas info    : (C7517) wgmma.wait_group is injected in around line 52 "
      "by compiler to allow use of registers defined by GMMA in function "
      "'c7514'\n");
  ASSERT_EQ(report.messages.size(), 2u);
  EXPECT_EQ(report.messages[0].function, "c7514");
  EXPECT_EQ(report.messages[0].ptxLine, 0u);
  EXPECT_EQ(report.messages[1].ptxLine, 52u);
}

// ptxas 13.0.88 and nvJitLink 13.0 for the same PTX.
TEST(AssemblerLog, Errors) {
  for (llvm::StringRef file : {"err.ptx", "application ptx input",
                               "/tmp/a folder, line 3; error/kernel.ptx"}) {
    std::string log;
    for (const char *line :
         {", line 9; error   : Unknown modifier '.bar'\n",
          ", line 12; error   : Instruction 'tcgen05.wait' not supported on "
          ".target 'sm_90a'\n"})
      log += "ptxas " + file.str() + line;
    log += "ptxas fatal   : Ptx assembly aborted due to errors\n"
           "ERROR NVJITLINK_ERROR_PTX_COMPILE: JIT the PTX (err.ptx)\n";
    AssemblerReport report = parseAssemblerLog(log);
    ASSERT_EQ(report.messages.size(), 2u) << file.str();
    EXPECT_TRUE(report.hasErrors());
    EXPECT_EQ(report.messages[0].text, "Unknown modifier '.bar'");
    EXPECT_EQ(report.messages[1].text, "Instruction 'tcgen05.wait' not "
                                       "supported on .target 'sm_90a'");
    if (!file.contains("line 3")) {
      EXPECT_EQ(report.messages[0].ptxLine, 9u);
      EXPECT_EQ(report.messages[1].ptxLine, 12u);
    }
  }
}

// ptxas 13.0.88: errors without a line.
TEST(AssemblerLog, ErrorsWithoutLine) {
  AssemblerReport report =
      parseAssemblerLog("ptxas fatal   : Unresolved extern function 'foo'\n");
  ASSERT_EQ(report.messages.size(), 1u);
  EXPECT_EQ(report.messages[0].severity, AssemblerSeverity::Error);
  EXPECT_EQ(report.messages[0].text, "Unresolved extern function 'foo'");

  report = parseAssemblerLog(
      "ptxas error   : Entry function 'big' uses too much shared data (0x493e0 "
      "bytes, 0x38c00 max)\n"
      "ptxas info    : 0 bytes gmem\n");
  ASSERT_EQ(report.messages.size(), 1u);
  EXPECT_EQ(report.messages[0].function, "big");

  // Nothing but the abort: then it is the message.
  report =
      parseAssemblerLog("ptxas fatal   : Ptx assembly aborted due to errors\n");
  ASSERT_EQ(report.messages.size(), 1u);
  EXPECT_TRUE(report.hasErrors());
}

TEST(AssemblerLog, KeepsWhatItCannotRead) {
  AssemblerReport report =
      parseAssemblerLog("bash: line 1: 77 Killed\n\n   \nptxas\n");
  ASSERT_EQ(report.messages.size(), 1u);
  EXPECT_EQ(report.messages[0].text, "bash: line 1: 77 Killed");
  EXPECT_FALSE(report.hasErrors());
  EXPECT_TRUE(parseAssemblerLog("").messages.empty());
}

static constexpr char kText[] = R"(.version 8.6
.target sm_90a
.address_size 64
.visible .entry a()
{
	.loc 1 3 1
	mov.u32 %r1, 0;
	.loc 1 5 3
	setmaxnreg.dec.sync.aligned.u32 40;
	.loc 1 6 3
	wgmma.mma_async.sync.aligned.m64n8k32.f32.e4m3.e4m3 {%f0,%f1,%f2,%f3}, %rd1, %rd2, 1, 1, 1;
	.loc 2 8 1
	call.uni foo, ();
	ret;
}
.visible .entry b()
{
	.loc 1 20 1
	ret;
}
.file 1 "k.tw"
.file 2 "lib.tw"
)";

static std::optional<SourcePos> positionOf(llvm::StringRef line) {
  AssemblerReport report = parseAssemblerLog(line);
  PTXText text(kText);
  return sourceOf(report.messages.at(0), text);
}

TEST(AssemblerLog, SourceLines) {
  EXPECT_EQ(positionOf("ptxas x, line 13; error   : bad"),
            (SourcePos{"lib.tw", 8, 1}));
  EXPECT_EQ(positionOf("ptxas info    : (C7508) Potential Performance Loss: "
                       "'setmaxnreg' ignored"),
            (SourcePos{"k.tw", 5, 3}));
  EXPECT_EQ(positionOf("ptxas info    : (C7510) Potential Performance Loss: x "
                       "in the function 'a'"),
            (SourcePos{"lib.tw", 8, 1}));
  EXPECT_EQ(positionOf("ptxas info    : (C7514) Potential Performance Loss: x "
                       "in the function 'a'"),
            (SourcePos{"k.tw", 6, 3}));
  EXPECT_EQ(positionOf("ptxas warning : Registers are spilled to local memory "
                       "in function 'b', 8 bytes spill stores"),
            (SourcePos{"k.tw", 20, 1}));
  EXPECT_EQ(positionOf("ptxas fatal   : Unresolved extern function 'foo'"),
            std::nullopt);
  EXPECT_EQ(positionOf("ptxas x, line 9999; error   : beyond the end"),
            std::nullopt);
}
