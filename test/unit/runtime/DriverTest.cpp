//===- DriverTest.cpp - Finding and describing the driver -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tilewright/Runtime/Driver.h"
#include "TestSupport.h"
#include <sys/wait.h>
#include <unistd.h>

using namespace tilewright;
using namespace tilewright::runtime;
using namespace tilewright::runtime::test;

namespace {
TEST(Driver, NoLibrary) {
  auto driver = Driver::load("/no/such/libcuda.so.1");
  ASSERT_FALSE(bool(driver));
  llvm::Error error = driver.takeError();
  EXPECT_TRUE(error.isA<NoGpuError>());
  EXPECT_REFUSED(std::move(error),
                 "no GPU driver: /no/such/libcuda.so.1: cannot open shared "
                 "object file: No such file or directory");
}

TEST(Driver, AnotherLibraryIsNoDriver) {
  auto driver = Driver::load("libm.so.6");
  ASSERT_FALSE(bool(driver));
  llvm::Error error = driver.takeError();
  EXPECT_TRUE(error.isA<NoGpuError>());
  EXPECT_REFUSED(std::move(error), "the GPU driver 'libm.so.6' is older than "
                                   "CUDA 12.0 (no cuGetProcAddress_v2)");
}

TEST(Driver, OldDriversLackFunctions) {
  fakeCudaReset();
  fakeCudaHide("cuTensorMapEncodeTiled");
  fakeCudaHide("cuLibraryLoadData");
  EXPECT_REFUSED(Driver::load(TILEWRIGHT_FAKE_CUDA),
                 "the GPU driver '" TILEWRIGHT_FAKE_CUDA
                 "' lacks cuLibraryLoadData, cuTensorMapEncodeTiled (CUDA 12.0 "
                 "or newer is needed)");
  fakeCudaReset();
}

TEST(Driver, NoDevices) {
  fakeCudaReset();
  fakeCudaSetDevices(0);
  EXPECT_REFUSED(Driver::load(TILEWRIGHT_FAKE_CUDA),
                 "no usable GPU: cuInit failed: CUDA_ERROR_NO_DEVICE (no "
                 "CUDA-capable device is detected)");
  fakeCudaReset();
  fakeCudaFail("cuInit", 999, 0);
  EXPECT_REFUSED(Driver::load(TILEWRIGHT_FAKE_CUDA),
                 "no usable GPU: cuInit failed: unknown CUDA error 999");
  fakeCudaReset();
}

TEST(Driver, DeviceFacts) {
  fakeCudaReset();
  auto driver = get(Driver::load(TILEWRIGHT_FAKE_CUDA));
  EXPECT_EQ(driver->deviceCount(), 2);
  EXPECT_EQ(driver->version(), 13000);
  const DeviceInfo &info = *driver->device(1);
  EXPECT_EQ(info.name, "Fake H100");
  EXPECT_EQ(info.sms, 132);
  EXPECT_EQ(info.sharedMemory, 232448);
  EXPECT_EQ(info.target(), "sm_90a");
  EXPECT_TRUE(info.cooperative);
  auto none = driver->device(2);
  ASSERT_FALSE(bool(none));
  EXPECT_REFUSED(none.takeError(), "no CUDA device 2: the driver reports 2");
  // Looking at devices makes no context.
  EXPECT_EQ(fakeCudaCalls("cuDevicePrimaryCtxRetain"), 0);
}

TEST(Driver, ContextScopesNestAndRestore) {
  Driver &driver = fakeDriver();
  {
    auto outer = get(ContextScope::enter(driver, 0));
    EXPECT_EQ(fakeCudaContextDepth(), 1);
    auto same = get(ContextScope::enter(driver, 0));
    EXPECT_EQ(same.context(), outer.context());
    EXPECT_EQ(fakeCudaContextDepth(), 1);
    auto inner = get(ContextScope::enter(driver, 1));
    EXPECT_EQ(fakeCudaContextDepth(), 2);
    EXPECT_NE(inner.context(), outer.context());
  }
  EXPECT_EQ(fakeCudaContextDepth(), 0);
}

TEST(Driver, ForkedChildrenAreToldWhy) {
  // In a child, so that this process keeps its own driver.
  pid_t child = fork();
  if (child == 0) {
    setenv("TILEWRIGHT_LIBCUDA", TILEWRIGHT_FAKE_CUDA, 1);
    fakeCudaReset();
    auto driver = Driver::get();
    if (!driver)
      _exit(2);
    pid_t grandchild = fork();
    if (grandchild == 0) {
      auto again = Driver::get();
      if (again)
        _exit(3);
      llvm::Error error = again.takeError();
      bool right = error.isA<NoGpuError>();
      std::string message = llvm::toString(std::move(error));
      _exit(right && message.find("forked") != std::string::npos ? 0 : 4);
    }
    int status = 0;
    waitpid(grandchild, &status, 0);
    // The parent itself goes on.
    auto still = Driver::get();
    _exit(status == 0 && still ? 0 : 5);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}
} // namespace
