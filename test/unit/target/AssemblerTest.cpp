//===- AssemblerTest.cpp - running assemblers -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Target/Assembler.h"
#include "TestFolder.h"
#include "tilewright/Target/Chip.h"
#include "tilewright/Target/Cubin.h"

#include "gtest/gtest.h"

#include <chrono>

using namespace tilewright::target;

static constexpr char kPTX[] = R"(.version 8.0
.target sm_90a
.address_size 64
.visible .entry k(.param .u64 p)
.maxntid 128
.minnctapersm 1
{
	.reg .b64 %rd<2>;
	.reg .b32 %r<2>;
	.shared .align 4 .b8 buffer[512];
	.loc 1 5 3
	ld.param.u64 %rd1, [p];
	ld.shared.u32 %r1, [buffer];
	st.global.u32 [%rd1], %r1;
	ret;
}
.file 1 "some/folder/k.tw"
)";

static AssemblerInfo program(const std::string &path) {
  AssemblerInfo info;
  info.kind = AssemblerKind::Ptxas;
  info.path = path;
  return info;
}

static std::string errorOf(llvm::Expected<AssembleResult> result) {
  return result ? "no error" : llvm::toString(result.takeError());
}

/// The number of entries in `folder`.
static unsigned entriesIn(const std::string &folder) {
  std::error_code error;
  unsigned count = 0;
  for (llvm::sys::fs::directory_iterator it(folder, error), end;
       !error && it != end; it.increment(error))
    ++count;
  return count;
}

//===----------------------------------------------------------------------===//
// Made-up programs that misbehave
//===----------------------------------------------------------------------===//

TEST(Assemble, MissingAndNotExecutable) {
  TestFolder folder;
  EXPECT_NE(
      errorOf(assemble(program(folder.path("gone")), kPTX)).find("cannot run"),
      std::string::npos);
  EXPECT_NE(errorOf(assemble(program(folder.file("plain", "x")), kPTX))
                .find("cannot run"),
            std::string::npos);
  // Executable, but no program.
  EXPECT_NE(errorOf(assemble(program(folder.file("odd", "\1\2", true)), kPTX)),
            "no error");
}

TEST(Assemble, Crash) {
  TestFolder folder;
  std::string message = errorOf(assemble(
      program(folder.ptxas("ptxas", "13.0", "echo half done; kill -SEGV $$")),
      kPTX));
  EXPECT_NE(message.find("crashed"), std::string::npos) << message;
  EXPECT_NE(message.find("half done"), std::string::npos) << message;
}

TEST(Assemble, TimeOut) {
  TestFolder folder;
  AssembleOptions options;
  options.timeoutSeconds = 1;
  auto start = std::chrono::steady_clock::now();
  std::string message = errorOf(assemble(
      program(folder.ptxas("ptxas", "13.0", "exec sleep 60")), kPTX, options));
  EXPECT_NE(message.find("did not finish within 1 s"), std::string::npos)
      << message;
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST(Assemble, SuccessWithoutCubin) {
  TestFolder folder;
  EXPECT_NE(errorOf(assemble(program(folder.ptxas("ptxas")), kPTX))
                .find("wrote no cubin"),
            std::string::npos);
  // What a full disk leaves: ptxas exits with 0.
  EXPECT_NE(
      errorOf(
          assemble(program(folder.ptxas("p3", "13.0", ": > \"$out\"")), kPTX))
          .find("full?"),
      std::string::npos);
  EXPECT_NE(errorOf(assemble(program(folder.ptxas(
                                 "p2", "13.0", "printf '\\177ELF' > \"$out\"")),
                             kPTX))
                .find("not a usable cubin"),
            std::string::npos);
}

TEST(Assemble, FailureWithoutMessage) {
  TestFolder folder;
  std::string message =
      errorOf(assemble(program(folder.ptxas("ptxas", "13.0", "exit 9")), kPTX));
  EXPECT_NE(message.find("status 9"), std::string::npos) << message;
}

TEST(Assemble, RejectionIsAResult) {
  TestFolder folder;
  llvm::Expected<AssembleResult> result = assemble(
      program(folder.ptxas(
          "ptxas", "13.0",
          "echo 'ptxas /x, line 12; error   : Bad thing' >&2; exit 255")),
      kPTX);
  ASSERT_TRUE(!!result) << llvm::toString(result.takeError());
  EXPECT_FALSE(result->ok);
  EXPECT_TRUE(result->cubin.empty());
  ASSERT_EQ(result->report.messages.size(), 1u);
  EXPECT_EQ(result->report.messages[0].ptxLine, 12u);
}

TEST(Assemble, Options) {
  TestFolder folder;
  AssembleOptions options;
  options.chip = "sm_100a";
  options.optLevel = 1;
  options.extraArgs = {"--an extra one"};
  llvm::Expected<AssembleResult> result = assemble(
      program(folder.ptxas("ptxas", "13.0",
                           "for a; do echo \"ptxas error : [$a]\"; done; "
                           "exit 1")),
      kPTX, options);
  ASSERT_TRUE(!!result) << llvm::toString(result.takeError());
  for (const char *expected :
       {"[-v]", "[-arch=sm_100a]", "[-O1]", "[-lineinfo]", "[--warn-on-spills]",
        "[--warn-on-local-memory-usage]", "[--an extra one]"})
    EXPECT_NE(result->log.find(expected), std::string::npos) << expected;
}

TEST(Assemble, TemporaryFolder) {
  TestFolder folder;
  AssembleOptions options;
  options.tempDir = folder.path("no such folder/below");
  EXPECT_NE(errorOf(assemble(program(folder.ptxas("ptxas")), kPTX, options)),
            "no error");
  // Nothing stays behind, whatever happens.
  options.tempDir = folder.path("temp");
  llvm::sys::fs::create_directory(options.tempDir);
  for (const char *action :
       {"exit 0", "exit 3", "kill -SEGV $$", "echo x > \"$out.more\"; exit 0"})
    (void)errorOf(
        assemble(program(folder.ptxas("p", "13.0", action)), kPTX, options));
  EXPECT_EQ(entriesIn(options.tempDir), 0u);
}

TEST(Assemble, DriverAssemblesNothing) {
  EXPECT_NE(errorOf(assemble(AssemblerInfo(), kPTX)).find("no assembler"),
            std::string::npos);
}

//===----------------------------------------------------------------------===//
// Real ones, where there are any
//===----------------------------------------------------------------------===//

// A good cubin, but the log was lost: advisories may have been in it.
TEST(AssembleForReal, LostLogIsAnError) {
  llvm::Expected<AssemblerInfo> info = findAssembler();
  if (!info || info->kind != AssemblerKind::Ptxas) {
    llvm::consumeError(info.takeError());
    GTEST_SKIP() << "no ptxas";
  }
  TestFolder folder;
  std::string quiet = folder.ptxas(
      "ptxas", "13.0", "exec '" + info->path + "' \"$@\" > /dev/null 2>&1");
  std::string message = errorOf(assemble(program(quiet), kPTX));
  EXPECT_NE(message.find("says nothing about kernel 'k'"), std::string::npos)
      << message;
}

static void checkReal(const AssemblerInfo &info) {
  SCOPED_TRACE(info.describe());
  EXPECT_GE(info.major, 12u);
  llvm::Expected<AssembleResult> result = assemble(info, kPTX);
  ASSERT_TRUE(!!result) << llvm::toString(result.takeError());
  ASSERT_TRUE(result->ok) << result->log;
  EXPECT_GT(result->milliseconds, 0);
  const KernelUsage *usage = result->report.kernel("k");
  ASSERT_TRUE(usage) << result->log;
  EXPECT_GT(usage->registers, 0u);
  EXPECT_EQ(usage->sharedBytes, 512u) << result->log;
  EXPECT_EQ(usage->spillStoreBytes, 0u);
  EXPECT_FALSE(result->report.hasAdvisories());
  llvm::Expected<Cubin> cubin = readCubin(result->cubin);
  ASSERT_TRUE(!!cubin) << llvm::toString(cubin.takeError());
  EXPECT_EQ(cubin->kernels(), std::vector<llvm::StringRef>{"k"});
  EXPECT_EQ(cubin->lineTableFiles(),
            std::vector<std::string>{"some/folder/k.tw"});
  EXPECT_TRUE(cubin->hasLineInfo());

  // PTX without .loc gives a cubin whose line table names nothing.
  std::string bare = kPTX;
  bare.erase(bare.find("\t.loc 1 5 3\n"), 12);
  bare.erase(bare.find(".file"));
  result = assemble(info, bare);
  ASSERT_TRUE(!!result) << llvm::toString(result.takeError());
  cubin = readCubin(result->cubin);
  ASSERT_TRUE(!!cubin);
  EXPECT_FALSE(cubin->hasLineInfo());

  // A bad instruction on line 13.
  std::string bad = kPTX;
  bad.replace(bad.find("ld.shared.u32"), 13, "ld.nowhere.u32");
  result = assemble(info, bad);
  ASSERT_TRUE(!!result) << llvm::toString(result.takeError());
  EXPECT_FALSE(result->ok);
  ASSERT_TRUE(result->report.hasErrors()) << result->log;
  EXPECT_EQ(result->report.messages[0].ptxLine, 13u) << result->log;
  PTXText text(bad);
  EXPECT_EQ(sourceOf(result->report.messages[0], text),
            (SourcePos{"some/folder/k.tw", 5, 3}));
}

static void checkFound(llvm::StringRef choice, AssemblerKind kind) {
  AssemblerSearch search;
  search.explicitChoice = choice.str();
  llvm::Expected<AssemblerInfo> info = findAssembler(search);
  if (!info)
    GTEST_SKIP() << llvm::toString(info.takeError());
  if (info->kind != kind)
    GTEST_SKIP() << "found " << info->describe();
  checkReal(*info);
}

TEST(AssembleForReal, Ptxas) { checkFound("", AssemblerKind::Ptxas); }

TEST(AssembleForReal, NvJitLink) {
  checkFound("nvjitlink", AssemblerKind::NvJitLink);
}

// Any other assembler, for trying one by hand.
TEST(AssembleForReal, FromEnvironment) {
  const char *path = std::getenv("TILEWRIGHT_TEST_ASSEMBLER");
  if (!path)
    GTEST_SKIP() << "$TILEWRIGHT_TEST_ASSEMBLER names no assembler";
  AssemblerSearch search;
  search.explicitChoice = path;
  llvm::Expected<AssemblerInfo> info = findAssembler(search);
  ASSERT_TRUE(!!info) << llvm::toString(info.takeError());
  checkReal(*info);
}

//===----------------------------------------------------------------------===//
// PTX versions
//===----------------------------------------------------------------------===//

static unsigned versionFor(llvm::StringRef chip, unsigned major,
                           unsigned minor) {
  llvm::Expected<unsigned> version = choosePTXVersion(chip, major, minor);
  if (version)
    return *version;
  llvm::consumeError(version.takeError());
  return 0;
}

TEST(Chip, PTXVersions) {
  EXPECT_EQ(versionFor("sm_90a", 0, 0), 86u);
  EXPECT_EQ(versionFor("sm_90a", 12, 0), 80u);
  EXPECT_EQ(versionFor("sm_90a", 12, 6), 85u);
  EXPECT_EQ(versionFor("sm_90a", 13, 0), 86u);
  EXPECT_EQ(versionFor("sm_90a", 11, 8), 0u);
  EXPECT_EQ(versionFor("sm_100a", 12, 6), 0u);
  EXPECT_EQ(versionFor("sm_100a", 12, 8), 86u);
  EXPECT_EQ(versionFor("sm_100f", 12, 8), 0u);
  EXPECT_EQ(versionFor("sm_100f", 12, 9), 88u);
  EXPECT_EQ(versionFor("sm_110a", 13, 0), 90u);
  EXPECT_EQ(versionFor("sm_90a", 14, 3), 86u);
  EXPECT_EQ(versionFor("sm_95", 13, 0), 0u);
  EXPECT_EQ(versionFor("", 13, 0), 0u);
}
