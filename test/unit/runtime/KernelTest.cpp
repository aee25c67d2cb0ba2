//===- KernelTest.cpp - Loading and launching on the fake driver ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "TestSupport.h"
#include <cstring>
#include <thread>

using namespace tilewright;
using namespace tilewright::runtime;
using namespace tilewright::runtime::test;

namespace {
class KernelTest : public ::testing::Test {
protected:
  KernelTest() : driver(fakeDriver()) { options.driver = &driver; }
  FakeLaunch last() {
    FakeLaunch launch = {};
    EXPECT_TRUE(fakeCudaGetLaunch(-1, &launch));
    return launch;
  }
  template <typename T> static T param(const FakeLaunch &launch, int index) {
    T value;
    EXPECT_EQ(launch.paramSize[index], sizeof(T));
    std::memcpy(&value, launch.params[index], sizeof(T));
    return value;
  }
  static FakeTensorMap map(const FakeLaunch &launch, int index) {
    FakeTensorMap value;
    EXPECT_EQ(launch.paramSize[index], 128u);
    std::memcpy(&value, launch.params[index], sizeof(value));
    EXPECT_EQ(value.magic, 0x54574d4150313233u);
    return value;
  }
  Driver &driver;
  LaunchOptions options;
};

TEST_F(KernelTest, PassesEveryParameter) {
  auto kernel = gemmKernel();
  auto args = gemmArgs(257, 576, 2112);
  ASSERT_EQ(text(kernel->launch(args, options)), "");
  FakeLaunch launch = last();
  EXPECT_STREQ(launch.symbol, "fp8_gemm_nt");
  EXPECT_EQ(launch.grid[0], 15u); // 3 * 5 tiles, fewer than multiprocessors.
  EXPECT_EQ(launch.grid[1], 1u);
  EXPECT_EQ(launch.block[0], 384u);
  EXPECT_EQ(launch.smem, 217152u);
  EXPECT_EQ(launch.numAttrs, 0);
  EXPECT_EQ(launch.numParams, 10);

  FakeTensorMap a = map(launch, 0);
  EXPECT_EQ(a.address, args[0].data);
  EXPECT_EQ(a.rank, 2);
  EXPECT_EQ(a.dims[0], 2112u);
  EXPECT_EQ(a.dims[1], 257u);
  EXPECT_EQ(a.strides[0], 2112u);
  EXPECT_EQ(a.box[0], 128);
  EXPECT_EQ(a.box[1], 128);
  EXPECT_EQ(a.swizzle, cuda::Swizzle128B);
  EXPECT_EQ(a.l2, cuda::L2_256B);
  EXPECT_EQ(a.type, cuda::MapU8);
  FakeTensorMap sa = map(launch, 2);
  EXPECT_EQ(sa.dims[0], 257u);
  EXPECT_EQ(sa.dims[1], 17u);
  EXPECT_EQ(sa.strides[0], 260u * 4);
  EXPECT_EQ(sa.type, cuda::MapF32);
  EXPECT_EQ(sa.swizzle, cuda::SwizzleNone);

  EXPECT_EQ(param<uint64_t>(launch, 3), args[3].data);
  EXPECT_EQ(param<uint64_t>(launch, 4), args[4].data);
  EXPECT_EQ(param<int32_t>(launch, 5), 257);
  EXPECT_EQ(param<int32_t>(launch, 6), 576);
  EXPECT_EQ(param<int32_t>(launch, 7), 2112);
  EXPECT_EQ(param<int64_t>(launch, 8), 17);
  EXPECT_EQ(param<int64_t>(launch, 9), 576);
}

TEST_F(KernelTest, PersistentGridIsAtMostTheMultiprocessors) {
  auto kernel = gemmKernel();
  ASSERT_EQ(text(kernel->launch(gemmArgs(4096, 7168, 512), options)), "");
  EXPECT_EQ(last().grid[0], 132u);
  options.sms = 100;
  ASSERT_EQ(text(kernel->launch(gemmArgs(4096, 7168, 512), options)), "");
  EXPECT_EQ(last().grid[0], 100u);
}

TEST_F(KernelTest, NothingToDoLaunchesNothing) {
  auto kernel = gemmKernel();
  EXPECT_OK(kernel->launch(gemmArgs(0, 576, 2112), options));
  EXPECT_OK(kernel->launch(gemmArgs(128, 0, 2112), options));
  EXPECT_EQ(fakeCudaLaunches(), 0);
}

TEST_F(KernelTest, EmptyContractionStillLaunches) {
  auto kernel = gemmKernel();
  auto args = gemmArgs(129, 24, 0);
  args[0].data = args[1].data = args[2].data = args[3].data = 0;
  ASSERT_EQ(text(kernel->launch(args, options)), "");
  FakeLaunch launch = last();
  FakeTensorMap a = map(launch, 0);
  EXPECT_EQ(a.dims[0], 1u); // Extent 0 is encoded as 1,
  EXPECT_EQ(a.dims[1], 129u);
  EXPECT_EQ(a.address, args[4].data); // at another tensor's address.
  EXPECT_EQ(param<int32_t>(launch, 7), 0);
}

TEST_F(KernelTest, SpareMemoryServesWhereNoTensorDoes) {
  auto kernel = gemmKernel();
  auto args = gemmArgs(129, 24, 0);
  args[0].data = args[1].data = args[2].data = args[3].data = 0;
  args[4].data += 2; // Not aligned enough for a map.
  int before = fakeCudaAllocations();
  ASSERT_EQ(text(kernel->launch(args, options)), "");
  ASSERT_EQ(text(kernel->launch(args, options)), "");
  EXPECT_EQ(fakeCudaAllocations(), before + 1);
  EXPECT_NE(map(last(), 0).address, 0u);
}

TEST_F(KernelTest, ClustersDivideTheGrid) {
  auto kernel = gemmKernel("\"cluster\": [1, 1, 1]", "\"cluster\": [4, 1, 1]");
  ASSERT_EQ(text(kernel->launch(gemmArgs(4096, 7168, 512), options)), "");
  EXPECT_EQ(last().cluster[0], 4u);
  EXPECT_EQ(last().grid[0], 132u);
  options.sms = 130;
  ASSERT_EQ(text(kernel->launch(gemmArgs(4096, 7168, 512), options)), "");
  EXPECT_EQ(last().grid[0], 128u);
  // Never less than one cluster.
  options.sms = 2;
  ASSERT_EQ(text(kernel->launch(gemmArgs(4096, 7168, 512), options)), "");
  EXPECT_EQ(last().grid[0], 4u);
}

TEST_F(KernelTest, PersistentClustersAreResidentAtOnce) {
  // 31 clusters of 4 fit on 132 SMs: a 33rd would wait for the first to end.
  auto kernel = gemmKernel("\"cluster\": [1, 1, 1]", "\"cluster\": [4, 1, 1]");
  fakeCudaSetOccupancy(1, 31);
  ASSERT_EQ(text(kernel->launch(gemmArgs(4096, 7168, 512), options)), "");
  EXPECT_EQ(last().grid[0], 124u);
  // Fewer tiles than that need no more CTAs than tiles.
  ASSERT_EQ(text(kernel->launch(gemmArgs(128, 24, 512), options)), "");
  EXPECT_EQ(last().grid[0], 4u);
}

TEST_F(KernelTest, LargeClustersAreAllowed) {
  auto kernel = gemmKernel("\"cluster\": [1, 1, 1]", "\"cluster\": [16, 1, 1]");
  ASSERT_EQ(text(kernel->launch(gemmArgs(4096, 7168, 512), options)), "");
  EXPECT_EQ(last().cluster[0], 16u);
}

TEST_F(KernelTest, NonPersistentGridIsTheTiles) {
  auto kernel = gemmKernel("\"persistent\": true", "\"persistent\": false");
  ASSERT_EQ(text(kernel->launch(gemmArgs(4096, 7168, 512), options)), "");
  EXPECT_EQ(last().grid[0], 32u * 56);
  auto clustered =
      gemmKernel("\"cluster\": [1, 1, 1], \"smem\": 217152,\n             "
                 "\"persistent\": true",
                 "\"cluster\": [2, 1, 1], \"smem\": 217152,\n"
                 "             \"persistent\": false");
  EXPECT_REFUSED(clustered->launch(gemmArgs(128, 24, 512), options),
                 "fp8_gemm_nt: 1 tiles are not whole clusters of 2");
}

TEST_F(KernelTest, ProgrammaticLaunchAndCooperation) {
  auto kernel = gemmKernel("\"pdl\": false", "\"pdl\": true");
  ASSERT_EQ(text(kernel->launch(gemmArgs(128, 24, 512), options)), "");
  EXPECT_EQ(last().pdl, 1);
  options.noPdl = true;
  ASSERT_EQ(text(kernel->launch(gemmArgs(128, 24, 512), options)), "");
  EXPECT_EQ(last().pdl, 0);

  auto together = gemmKernel("\"cooperative\": false", "\"cooperative\": true");
  ASSERT_EQ(text(together->launch(gemmArgs(4096, 7168, 512), options)), "");
  EXPECT_EQ(last().cooperative, 1);
  fakeCudaSetOccupancy(0, 0);
  EXPECT_REFUSED(together->launch(gemmArgs(4096, 7168, 512), options),
                 "fp8_gemm_nt: its 132 CTAs wait for each other, but only 0 "
                 "can be resident on Fake H100 at once");
}

TEST_F(KernelTest, LoadsOncePerContext) {
  auto kernel = gemmKernel();
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ(text(kernel->launch(gemmArgs(128, 24, 512), options)), "");
  EXPECT_EQ(fakeCudaCalls("cuLibraryLoadData"), 1);
  EXPECT_EQ(fakeCudaCalls("cuKernelGetFunction"), 1);
  // Another device, then a second context of the first one.
  ASSERT_EQ(text(kernel->launch(gemmArgs(128, 24, 512, 1), options)), "");
  EXPECT_EQ(last().device, 1);
  EXPECT_EQ(fakeCudaCalls("cuKernelGetFunction"), 2);
  void *other = fakeCudaCreateContext(0);
  fakeCudaSetCurrent(other);
  ASSERT_EQ(text(kernel->launch(gemmArgs(128, 24, 512), options)), "");
  EXPECT_EQ(last().device, 0);
  EXPECT_EQ(fakeCudaCalls("cuKernelGetFunction"), 3);
  EXPECT_EQ(fakeCudaCalls("cuLibraryLoadData"), 1);
  EXPECT_EQ(fakeCudaContextDepth(), 1); // What was current still is.
}

TEST_F(KernelTest, UsesTheContextOfTheStream) {
  auto kernel = gemmKernel();
  void *context = fakeCudaCreateContext(1);
  options.stream = static_cast<cuda::Stream>(fakeCudaCreateStream(context));
  ASSERT_EQ(text(kernel->launch(gemmArgs(128, 24, 512, 1), options)), "");
  EXPECT_EQ(last().stream, uint64_t(options.stream));
  EXPECT_EQ(last().device, 1);
  EXPECT_EQ(fakeCudaContextDepth(), 0);
  EXPECT_REFUSED(kernel->launch(gemmArgs(128, 24, 512, 0), options),
                 "the stream belongs to another device than the tensors, "
                 "which are on device 0");
  EXPECT_EQ(fakeCudaContextDepth(), 0);
  fakeCudaSetCurrent(context);
  EXPECT_REFUSED(kernel->launch(gemmArgs(128, 24, 512, 0), options),
                 "the stream belongs to another device than the tensors, "
                 "which are on device 0");
}

TEST_F(KernelTest, EncodesEachMapOnce) {
  auto kernel = gemmKernel();
  for (int i = 0; i < 5; ++i)
    ASSERT_EQ(text(kernel->launch(gemmArgs(128, 24, 512), options)), "");
  EXPECT_EQ(fakeCudaCalls("cuTensorMapEncodeTiled"), 3);
  EXPECT_EQ(kernel->tensorMaps().hits(), 12u);
  ASSERT_EQ(text(kernel->launch(gemmArgs(129, 24, 512), options)), "");
  EXPECT_EQ(fakeCudaCalls("cuTensorMapEncodeTiled"), 5); // Not B again.
}

TEST_F(KernelTest, DriverErrorsNameKernelAndArguments) {
  auto kernel = gemmKernel();
  fakeCudaFail("cuLaunchKernelEx", 700, 0);
  EXPECT_REFUSED(
      kernel->launch(gemmArgs(128, 24, 512), options),
      "fp8_gemm_nt: cuLaunchKernelEx failed: CUDA_ERROR_ILLEGAL_ADDRESS (an "
      "illegal memory access was encountered); grid 1, block 384, cluster 1, "
      "shared memory 217152 bytes; A = e4m3[128, 512] stride (512, 1) at "
      "0x7f0000000000 on device 0; SA = f32[4, 128] stride (128, 1) at "
      "0x7f0001000000 on device 0; B = e4m3[24, 512] stride (512, 1) at "
      "0x7f0002000000 on device 0; SB = f32[1, 4] stride (4, 1) at "
      "0x7f0003000000 on device 0; D = bf16[128, 24] stride (24, 1) at "
      "0x7f0004000000 on device 0");
  fakeCudaFail("cuLaunchKernelEx", 4242, 0);
  EXPECT_MENTIONS(kernel->launch(gemmArgs(128, 24, 512), options),
                  "unknown CUDA error 4242");
  EXPECT_EQ(fakeCudaContextDepth(), 0);
}

TEST_F(KernelTest, EveryDriverFailureIsReportedAndLeavesNoContext) {
  for (const char *name :
       {"cuCtxGetCurrent", "cuDevicePrimaryCtxRetain", "cuCtxPushCurrent",
        "cuCtxGetId", "cuLibraryLoadData", "cuLibraryGetKernel",
        "cuKernelGetFunction", "cuFuncGetAttribute", "cuFuncSetAttribute",
        "cuTensorMapEncodeTiled", "cuLaunchKernelEx"}) {
    SCOPED_TRACE(name);
    fakeCudaReset();
    // A driver of its own, so that nothing is remembered from before.
    auto fresh = get(Driver::load(TILEWRIGHT_FAKE_CUDA));
    options.driver = fresh.get();
    auto kernel = gemmKernel();
    fakeCudaFail(name, 2, 0);
    std::string message = text(kernel->launch(gemmArgs(128, 24, 512), options));
    EXPECT_NE(message.find(name), std::string::npos) << message;
    EXPECT_NE(message.find("CUDA_ERROR_OUT_OF_MEMORY"), std::string::npos)
        << message;
    EXPECT_EQ(fakeCudaLaunches(), 0);
    EXPECT_EQ(fakeCudaContextDepth(), 0);
    // The kernel recovers once the cause is gone.
    fakeCudaReset();
    EXPECT_OK(kernel->launch(gemmArgs(128, 24, 512), options));
  }
}

TEST_F(KernelTest, RefusesAnotherArchitecture) {
  auto kernel = gemmKernel();
  fakeCudaSetCapability(10, 0);
  auto fresh = get(Driver::load(TILEWRIGHT_FAKE_CUDA));
  options.driver = fresh.get();
  EXPECT_REFUSED(kernel->launch(gemmArgs(128, 24, 512), options),
                 "fp8_gemm_nt: compiled for sm_90a, but the device (Fake H100) "
                 "has compute capability 10.0");
  auto family = gemmKernel("\"arch\": \"sm_90a\"", "\"arch\": \"sm_100f\"");
  EXPECT_OK(family->launch(gemmArgs(128, 24, 512), options));
  auto odd = gemmKernel("\"arch\": \"sm_90a\"", "\"arch\": \"gfx90a\"");
  EXPECT_REFUSED(odd->launch(gemmArgs(128, 24, 512), options),
                 "fp8_gemm_nt: unknown architecture 'gfx90a'");
}

TEST_F(KernelTest, RefusesWhatTheDeviceCannotHold) {
  auto big = gemmKernel("\"smem\": 217152", "\"smem\": 232449");
  EXPECT_REFUSED(big->launch(gemmArgs(128, 24, 512), options),
                 "fp8_gemm_nt: needs 232449 bytes of shared memory, but a "
                 "block on Fake H100 has at most 232448");
  Artefact artefact;
  artefact.manifest = gemmManifest();
  artefact.image = gemmImage("regs=232\nmaxthreads=256\n");
  auto kernel = get(Kernel::create(artefact));
  EXPECT_REFUSED(kernel->launch(gemmArgs(128, 24, 512), options),
                 "fp8_gemm_nt: launches 384 threads a block, but the loaded "
                 "code allows at most 256 (232 registers a thread)");
}

TEST_F(KernelTest, MissingSymbol) {
  auto kernel =
      gemmKernel("\"symbol\": \"fp8_gemm_nt\"", "\"symbol\": \"gone\"");
  EXPECT_REFUSED(kernel->launch(gemmArgs(128, 24, 512), options),
                 "fp8_gemm_nt: cuLibraryGetKernel(gone) failed: "
                 "CUDA_ERROR_NOT_FOUND (named symbol not found)");
}

TEST_F(KernelTest, AssemblesPtxWithTheDriver) {
  Artefact artefact;
  artefact.manifest = gemmManifest();
  artefact.image = gemmImage().substr(4);
  artefact.kind = Artefact::Kind::Ptx;
  auto kernel = get(Kernel::create(artefact));
  EXPECT_OK(kernel->launch(gemmArgs(128, 24, 512), options));
  EXPECT_EQ(fakeCudaCalls("cuModuleLoadDataEx"), 1);

  artefact.image += "BADPTX";
  kernel = get(Kernel::create(artefact));
  EXPECT_REFUSED(
      kernel->launch(gemmArgs(128, 24, 512), options),
      "fp8_gemm_nt: assembling the PTX with the driver (cuModuleLoadDataEx) "
      "failed: CUDA_ERROR_INVALID_PTX (a PTX JIT compilation failed)\n"
      "ptxas application ptx input, line 7; error: bad PTX");
}

TEST_F(KernelTest, IntegersMustFit) {
  auto kernel = gemmKernel("\"tensor\": \"SB\", \"dim\": 0, \"type\": \"i64\"",
                           "\"tensor\": \"SB\", \"dim\": 0, \"type\": \"i32\"");
  Artefact artefact = kernel->artefact();
  artefact.image = "\x7f"
                   "ELF\nsymbol=fp8_gemm_nt\nparams=128\n";
  kernel = get(Kernel::create(artefact));
  auto args = gemmArgs(128, 256, 512);
  args[3].strides[0] = int64_t(1) << 31;
  EXPECT_REFUSED(kernel->launch(args, options),
                 "fp8_gemm_nt: tensor 'SB': stride of dimension 0 = "
                 "2147483648 does not fit the 32 bits this kernel was "
                 "compiled with");
}

TEST_F(KernelTest, ManyThreadsAndDevices) {
  auto kernel = gemmKernel();
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i)
        if (llvm::Error error =
                kernel->launch(gemmArgs(128 + i, 24, 512, t % 2), options)) {
          ++failures;
          llvm::consumeError(std::move(error));
        }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(fakeCudaLaunches(), 400);
  EXPECT_EQ(fakeCudaCalls("cuKernelGetFunction"), 2);
}

TEST_F(KernelTest, ChecksWithoutADevice) {
  auto kernel = gemmKernel();
  EXPECT_OK(kernel->check(gemmArgs(257, 576, 2112)));
  EXPECT_OK(kernel->check(gemmArgs(0, 576, 2112)));
  auto args = gemmArgs(257, 576, 2112);
  args[1].strides[0] = 257;
  EXPECT_REFUSED(kernel->check(args),
                 "fp8_gemm_nt: tensor 'SA': dimension 0 has stride 257 (1028 "
                 "bytes), which is not a multiple of 16 bytes (4 elements) "
                 "(for the tensor copy on line 14)");
  EXPECT_EQ(fakeCudaCalls("cuTensorMapEncodeTiled"), 0);
}
} // namespace
