//===- JitTest.cpp - Compiling through the caches -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tilewright/Runtime/Jit.h"
#include "TestSupport.h"
#include <atomic>
#include <thread>

using namespace tilewright::runtime;
using namespace tilewright::runtime::test;

namespace {
class JitTest : public ::testing::Test {
protected:
  JitTest() : cache(directory.path) {
    setCompiler(
        {[this](const CompileRequest &) { return version; },
         [this](const CompileRequest &request) -> llvm::Expected<Artefact> {
           ++compiles;
           {
             std::lock_guard<std::mutex> lock(lastMutex);
             last = request.target;
           }
           if (fail)
             return llvm::make_error<CompileError>("gemm.tw:3:5: no");
           std::this_thread::sleep_for(std::chrono::milliseconds(5));
           Artefact artefact;
           artefact.manifest = gemmManifest();
           artefact.image = gemmImage();
           artefact.diagnostics = "remark";
           return artefact;
         }});
    request.source = "kernel fp8_gemm_nt …";
    request.target = "sm_90a";
    request.constants = {{"BM", "128"}, {"BN", "128"}};
  }
  ~JitTest() override { setCompiler({}); }

  TemporaryDirectory directory;
  Cache cache;
  std::string version = "1.0 ptxas 13.0", last;
  std::mutex lastMutex;
  std::atomic<int> compiles{0};
  bool fail = false;
  CompileRequest request;
};

TEST_F(JitTest, MemoryThenDiskThenCompiler) {
  Jit jit(cache);
  auto first = get(jit.get(request));
  EXPECT_EQ(get(jit.get(request)), first);
  EXPECT_EQ(compiles, 1);
  Jit another(cache); // As another process would.
  auto second = get(another.get(request));
  EXPECT_NE(second, first);
  EXPECT_EQ(second->artefact().diagnostics, "remark");
  EXPECT_EQ(compiles, 1);
  EXPECT_EQ(jit.counters().memory, 1u);
  EXPECT_EQ(jit.counters().compiled, 1u);
  EXPECT_EQ(another.counters().disk, 1u);
}

TEST_F(JitTest, EverythingThatMattersIsInTheKey) {
  std::string base = cacheKey(request, version);
  EXPECT_EQ(cacheKey(request, version), base);
  std::vector<std::string> keys = {base, cacheKey(request, "other")};
  auto with = [&](auto change) {
    CompileRequest changed = request;
    change(changed);
    keys.push_back(cacheKey(changed, version));
  };
  with([](CompileRequest &r) { r.source += " "; });
  with([](CompileRequest &r) { r.kernel = "k"; });
  with([](CompileRequest &r) { r.target = "sm_100a"; });
  with([](CompileRequest &r) { r.constants["BN"] = "64"; });
  with([](CompileRequest &r) { r.constants.erase("BN"); });
  with([](CompileRequest &r) { r.bake["N"] = 64; });
  with([](CompileRequest &r) { r.facts["N"] = 64; });
  with([](CompileRequest &r) { r.options["N"] = "64"; });
  with([](CompileRequest &r) { r.strict = true; });
  std::sort(keys.begin(), keys.end());
  EXPECT_EQ(std::unique(keys.begin(), keys.end()), keys.end());
  // The name of the file is for messages only.
  CompileRequest renamed = request;
  renamed.fileName = "elsewhere.tw";
  EXPECT_EQ(cacheKey(renamed, version), base);
}

TEST_F(JitTest, NewVersionsCompileAnew) {
  Jit jit(cache);
  get(jit.get(request));
  version = "1.1 ptxas 13.0";
  get(jit.get(request));
  EXPECT_EQ(compiles, 2);
}

TEST_F(JitTest, ConcurrentRequestsCompileOnce) {
  Jit jit(cache);
  std::vector<std::thread> threads;
  std::vector<std::shared_ptr<Kernel>> kernels(16);
  for (int t = 0; t < 16; ++t)
    threads.emplace_back([&, t] {
      CompileRequest mine = request;
      mine.constants["BM"] = t % 2 ? "64" : "128";
      kernels[t] = get(jit.get(mine));
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(compiles, 2);
  EXPECT_EQ(kernels[0], kernels[2]);
  EXPECT_NE(kernels[0], kernels[1]);
}

TEST_F(JitTest, FailuresAreNotRemembered) {
  Jit jit(cache);
  fail = true;
  EXPECT_REFUSED(jit.get(request), "gemm.tw:3:5: no");
  EXPECT_REFUSED(jit.get(request), "gemm.tw:3:5: no");
  EXPECT_EQ(compiles, 2);
  fail = false;
  EXPECT_OK(jit.get(request));
}

TEST_F(JitTest, UnusableEntriesAreReplaced) {
  Artefact junk;
  junk.manifest = "{}";
  junk.image = "\x7f"
               "ELF";
  ASSERT_TRUE(cache.store(cacheKey(request, version), junk));
  Jit jit(cache);
  EXPECT_OK(jit.get(request));
  EXPECT_EQ(compiles, 1);
  Jit another(cache);
  EXPECT_OK(another.get(request));
  EXPECT_EQ(compiles, 1); // The replacement is on disk.
}

TEST_F(JitTest, FactsAreCheckedAtLaunch) {
  Jit jit(cache);
  request.facts = {{"M", 64}};
  EXPECT_REFUSED(get(jit.get(request))->check(gemmArgs(100, 24, 128)),
                 "fp8_gemm_nt: requires M % 64 == 0, but M = 100 from 'A' "
                 "dimension 0");
  EXPECT_OK(get(jit.get(request))->check(gemmArgs(128, 24, 128)));
  Jit another(cache); // The requirement is in the cached manifest too.
  EXPECT_MENTIONS(get(another.get(request))->check(gemmArgs(100, 24, 128)),
                  "requires M % 64 == 0");
  request.facts = {{"Q", 64}};
  EXPECT_REFUSED(jit.get(request), "fp8_gemm_nt: the fact 'Q' names no "
                                   "dimension of this kernel");
  request.facts = {{"M", 0}};
  EXPECT_REFUSED(jit.get(request),
                 "fp8_gemm_nt: the fact 'M = 0' is no positive divisor");
}

TEST_F(JitTest, WithoutACompiler) {
  setCompiler({});
  Jit jit(cache);
  EXPECT_REFUSED(jit.get(request),
                 "this library has no compiler: use one that includes it, or "
                 "load a compiled artefact");
}

TEST_F(JitTest, ALostCacheLosesNothing) {
  Cache nowhere("/proc/self/no/such/place");
  int warnings = 0;
  nowhere.onWarning(
      [](llvm::StringRef, void *count) { ++*static_cast<int *>(count); },
      &warnings);
  Jit jit(nowhere);
  EXPECT_OK(jit.get(request));
  request.constants["BM"] = "64";
  EXPECT_OK(jit.get(request));
  EXPECT_EQ(warnings, 1);
}

TEST_F(JitTest, TargetFromTheEnvironment) {
  request.target.clear();
  setenv("TILEWRIGHT_TARGET", "sm_100a", 1);
  Jit jit(cache);
  EXPECT_OK(jit.get(request));
  EXPECT_EQ(last, "sm_100a");
  unsetenv("TILEWRIGHT_TARGET");
}
} // namespace
