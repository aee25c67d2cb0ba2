//===- DeviceTest.cpp - Device tensors, guard bands and timing ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tilewright/Runtime/Device.h"
#include "TestSupport.h"
#include "tilewright/Runtime/Bench.h"
#include <cstring>

using namespace tilewright;
using namespace tilewright::runtime;
using namespace tilewright::runtime::test;

namespace {
HostTensor make(DType type, llvm::ArrayRef<int64_t> shape,
                llvm::ArrayRef<int64_t> strides = {}) {
  return get(HostTensor::create("D", type, shape, strides));
}

TEST(DeviceTensor, RoundTrip) {
  Driver &driver = fakeDriver();
  int before = fakeCudaAllocations();
  {
    HostTensor host = make(DType::F32, {3, 5}, {8, 1});
    host.fill({}, 1);
    DeviceTensor device = get(DeviceTensor::create(driver, 1, host));
    EXPECT_EQ(device.address() % 256, 0u);
    TensorArg arg = device.arg();
    EXPECT_EQ(arg.device, 1);
    EXPECT_EQ(arg.strides, (llvm::SmallVector<int64_t, 5>{8, 1}));
    HostTensor back = make(DType::F32, {3, 5}, {8, 1});
    EXPECT_OK(device.download(back));
    EXPECT_EQ(back.bytes(), host.bytes());
    EXPECT_OK(device.checkGuards());
    HostTensor other = make(DType::F32, {3, 4});
    EXPECT_MENTIONS(device.download(other), "another layout");
    EXPECT_EQ(fakeCudaAllocations(), before + 1);
  }
  EXPECT_EQ(fakeCudaAllocations(), before);
  EXPECT_EQ(fakeCudaContextDepth(), 0);
}

TEST(DeviceTensor, GuardBandsCatchEveryByte) {
  Driver &driver = fakeDriver();
  HostTensor host = make(DType::BF16, {7, 3}); // 42 bytes: no round number.
  host.poison();
  for (int64_t at : {-256, -1, 42, 42 + 255}) {
    DeviceTensor device = get(DeviceTensor::create(driver, 0, host));
    auto *byte = reinterpret_cast<uint8_t *>(device.address() + at);
    *byte ^= 1;
    std::string expected =
        "tensor 'D': the kernel wrote outside it, " +
        (at < 0 ? std::to_string(-at) + " bytes before its start"
                : std::to_string(at - 42) + " bytes after its end");
    EXPECT_REFUSED(device.checkGuards(), expected);
  }
  // Poison in a guard band is noticed too.
  DeviceTensor device = get(DeviceTensor::create(driver, 0, host));
  std::memset(reinterpret_cast<void *>(device.address() + 42), 0xff, 1);
  EXPECT_MENTIONS(device.checkGuards(), "0 bytes after its end");
}

TEST(DeviceTensor, PaddingIsChecked) {
  HostTensor before = make(DType::BF16, {3, 5}, {8, 1}), after = before;
  after.set({1, 4}, 3);
  EXPECT_OK(DeviceTensor::checkPadding(before, after));
  after.setAt(8 + 5, 3);
  EXPECT_MENTIONS(DeviceTensor::checkPadding(before, after),
                  "wrote between its rows, at byte 2");
}

TEST(DeviceTensor, EmptyTensors) {
  Driver &driver = fakeDriver();
  HostTensor host = make(DType::E4M3, {4, 0});
  DeviceTensor device = get(DeviceTensor::create(driver, 0, host));
  EXPECT_EQ(device.arg().data, 0u);
  EXPECT_OK(device.download(host));
  EXPECT_OK(device.checkGuards());
}

TEST(DeviceTensor, AllocationFailure) {
  Driver &driver = fakeDriver();
  fakeCudaFail("cuMemAlloc", 2, 0);
  EXPECT_REFUSED(DeviceTensor::create(driver, 0, make(DType::F32, {4})),
                 "cuMemAlloc(528 bytes) failed: CUDA_ERROR_OUT_OF_MEMORY (out "
                 "of memory)");
}

TEST(Bench, MedianOfTheRounds) {
  Driver &driver = fakeDriver();
  auto kernel = gemmKernel();
  LaunchOptions options;
  options.driver = &driver;
  auto launch = [&](cuda::Stream stream) {
    options.stream = stream;
    return kernel->launch(gemmArgs(128, 24, 512), options);
  };
  fakeCudaSetTime(100, 1); // 100, 101, 102, … µs, warm-up included.
  BenchOptions bench;
  bench.warmup = 2;
  bench.rounds = 5;
  Timing timing = get(timeLaunches(driver, 0, launch, bench));
  ASSERT_EQ(timing.microseconds.size(), 5u);
  EXPECT_NEAR(timing.median, 104, 0.01);
  EXPECT_NEAR(timing.minimum, 102, 0.01);
  EXPECT_NEAR(timing.maximum, 106, 0.01);
  EXPECT_EQ(fakeCudaLaunches(), 7);
  EXPECT_EQ(fakeCudaCalls("cuMemsetD8Async"), 5);
  EXPECT_EQ(fakeCudaCalls("cuEventCreate"), fakeCudaCalls("cuEventDestroy"));
  EXPECT_EQ(fakeCudaContextDepth(), 0);

  bench.rounds = 4;
  bench.flushL2 = false;
  fakeCudaSetTime(100, 1);
  timing = get(timeLaunches(driver, 0, launch, bench));
  EXPECT_NEAR(timing.median, 103.5, 0.01);
  EXPECT_EQ(fakeCudaCalls("cuMemsetD8Async"), 5);
}

TEST(Bench, FailuresLeaveNothingBehind) {
  Driver &driver = fakeDriver();
  int allocations = fakeCudaAllocations();
  for (const char *name :
       {"cuStreamCreate", "cuMemAlloc", "cuEventCreate", "cuMemsetD8Async",
        "cuEventRecord", "cuStreamSynchronize", "cuEventElapsedTime"}) {
    fakeCudaReset();
    fakeCudaFail(name, 700, 0);
    EXPECT_MENTIONS(
        timeLaunches(driver, 0,
                     [](cuda::Stream) { return llvm::Error::success(); }),
        name);
    EXPECT_EQ(fakeCudaAllocations(), allocations);
    EXPECT_EQ(fakeCudaContextDepth(), 0);
  }
  fakeCudaReset();
  EXPECT_REFUSED(timeLaunches(driver, 0,
                              [](cuda::Stream) {
                                return llvm::createStringError(
                                    "the launch failed");
                              }),
                 "the launch failed");
}
} // namespace
