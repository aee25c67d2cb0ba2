//===- Driver.cpp - The CUDA driver, loaded at run time -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tilewright/Runtime/Driver.h"
#include <atomic>
#include <cstdlib>
#include <dlfcn.h>
#include <pthread.h>

using namespace tilewright;
using namespace tilewright::runtime;

char NoGpuError::ID;
char ArgumentError::ID;
char ManifestError::ID;
char DriverError::ID;
char CompileError::ID;

static llvm::Error noGpu(const llvm::Twine &message) {
  return llvm::make_error<NoGpuError>(message);
}

llvm::Expected<std::unique_ptr<Driver>> Driver::load(llvm::StringRef path) {
  std::string file = path.str();
  // Never closed: a driver cannot be unloaded once it has been initialised.
  void *handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char *reason = dlerror();
    return noGpu("no GPU driver: " + llvm::Twine(reason ? reason : file));
  }
  // The five-argument form came with CUDA 12.0, as did tensor maps.
  using GetProcAddress =
      cuda::Result (*)(const char *, void **, int, uint64_t, int *);
  auto getProc =
      reinterpret_cast<GetProcAddress>(dlsym(handle, "cuGetProcAddress_v2"));
  if (!getProc)
    return noGpu("the GPU driver '" + file +
                 "' is older than CUDA 12.0 (no cuGetProcAddress_v2)");

  std::unique_ptr<Driver> driver(new Driver());
  std::string missing;
  auto find = [&](const char *name, int version) -> void * {
    void *function = nullptr;
    int status = 0;
    cuda::Result result = getProc(name, &function, version, 0, &status);
    if (result != cuda::Success || !function) {
      missing += missing.empty() ? "" : ", ";
      missing += name;
      return nullptr;
    }
    return function;
  };
#define TILEWRIGHT_CUDA_FIND(name, version, params)                            \
  driver->name = reinterpret_cast<cuda::name##_t>(find(#name, version));
  using namespace cuda;
  TILEWRIGHT_CUDA_FUNCTIONS(TILEWRIGHT_CUDA_FIND)
#undef TILEWRIGHT_CUDA_FIND
  if (!missing.empty())
    return noGpu("the GPU driver '" + file + "' lacks " + missing +
                 " (CUDA 12.0 or newer is needed)");

  cuda::Result result = driver->cuInit(0);
  if (result != cuda::Success)
    return noGpu("no usable GPU: cuInit failed: " + driver->describe(result));
  result = driver->cuDeviceGetCount(&driver->count);
  if (result != cuda::Success)
    return noGpu("no usable GPU: cuDeviceGetCount failed: " +
                 driver->describe(result));
  if (driver->count == 0)
    return noGpu("no usable GPU: the driver reports no device");
  if (driver->cuDriverGetVersion(&driver->cudaVersion) != cuda::Success)
    driver->cudaVersion = 0;
  driver->devices.resize(driver->count);
  return std::move(driver);
}

static std::atomic<bool> initialised{false}, forked{false};

llvm::Expected<Driver &> Driver::get() {
  static std::mutex mutex;
  static Driver *instance = nullptr;
  if (forked.load(std::memory_order_relaxed))
    return noGpu("this process was forked after CUDA was initialised in its "
                 "parent, which CUDA does not support: start it with 'spawn', "
                 "or fork before the first launch");
  std::lock_guard<std::mutex> lock(mutex);
  if (instance)
    return *instance;
  const char *path = std::getenv("TILEWRIGHT_LIBCUDA");
  auto driver = load(path && *path ? path : "libcuda.so.1");
  if (!driver)
    return driver.takeError();
  instance = driver->release();
  initialised = true;
  pthread_atfork(nullptr, nullptr, [] {
    if (initialised)
      forked = true;
  });
  return *instance;
}

std::string Driver::describe(cuda::Result result) const {
  const char *name = nullptr, *text = nullptr;
  if (!cuGetErrorName || cuGetErrorName(result, &name) != cuda::Success)
    name = nullptr;
  if (!cuGetErrorString || cuGetErrorString(result, &text) != cuda::Success)
    text = nullptr;
  std::string out =
      name ? name : "unknown CUDA error " + std::to_string(result);
  if (text)
    out += std::string(" (") + text + ")";
  return out;
}

llvm::Error Driver::check(cuda::Result result, const llvm::Twine &what) const {
  if (result == cuda::Success)
    return llvm::Error::success();
  return llvm::make_error<DriverError>(result,
                                       what + " failed: " + describe(result));
}

llvm::Expected<const DeviceInfo &> Driver::device(int ordinal) {
  if (ordinal < 0 || ordinal >= count)
    return noGpu("no CUDA device " + llvm::Twine(ordinal) +
                 ": the driver reports " + llvm::Twine(count));
  std::lock_guard<std::mutex> lock(mutex);
  if (devices[ordinal])
    return *devices[ordinal];
  auto info = std::make_unique<DeviceInfo>();
  if (llvm::Error error = check(cuDeviceGet(&info->handle, ordinal),
                                "cuDeviceGet(" + llvm::Twine(ordinal) + ")"))
    return std::move(error);
  char name[256] = "";
  if (cuDeviceGetName(name, sizeof(name) - 1, info->handle) == cuda::Success)
    info->name = name;
  auto read = [&](cuda::DeviceAttribute attribute, auto &into) -> llvm::Error {
    int value = 0;
    if (llvm::Error error =
            check(cuDeviceGetAttribute(&value, attribute, info->handle),
                  "cuDeviceGetAttribute(" + llvm::Twine(int(attribute)) + ")"))
      return error;
    into = value;
    return llvm::Error::success();
  };
  if (llvm::Error error = read(cuda::ComputeCapabilityMajor, info->major))
    return std::move(error);
  if (llvm::Error error = read(cuda::ComputeCapabilityMinor, info->minor))
    return std::move(error);
  if (llvm::Error error = read(cuda::MultiprocessorCount, info->sms))
    return std::move(error);
  if (llvm::Error error =
          read(cuda::MaxSharedMemoryPerBlockOptin, info->sharedMemory))
    return std::move(error);
  if (llvm::Error error = read(cuda::L2CacheSize, info->l2Bytes))
    return std::move(error);
  if (llvm::Error error = read(cuda::CooperativeLaunch, info->cooperative))
    return std::move(error);
  devices[ordinal] = std::move(info);
  return *devices[ordinal];
}

llvm::Expected<cuda::Context> Driver::primaryContext(int ordinal) {
  auto info = device(ordinal);
  if (!info)
    return info.takeError();
  std::lock_guard<std::mutex> lock(mutex);
  DeviceInfo &entry = *devices[ordinal];
  if (!entry.primary)
    if (llvm::Error error = check(
            cuDevicePrimaryCtxRetain(&entry.primary, entry.handle),
            "cuDevicePrimaryCtxRetain(device " + llvm::Twine(ordinal) + ")"))
      return std::move(error);
  return entry.primary;
}

llvm::Expected<ContextScope> ContextScope::enter(Driver &driver, int ordinal,
                                                 cuda::Stream stream) {
  auto info = driver.device(ordinal);
  if (!info)
    return info.takeError();
  cuda::Context current = nullptr;
  if (llvm::Error error =
          driver.check(driver.cuCtxGetCurrent(&current), "cuCtxGetCurrent"))
    return std::move(error);
  bool currentFits = false;
  if (current) {
    cuda::Device device = -1;
    currentFits = driver.cuCtxGetDevice(&device) == cuda::Success &&
                  device == info->handle;
  }

  cuda::Context wanted = nullptr;
  bool named = stream == nullptr || stream == cuda::legacyStream() ||
               stream == cuda::perThreadStream();
  // A stream of a green context has no plain context: stay in the current one.
  if (!named && driver.cuStreamGetCtx(stream, &wanted) != cuda::Success)
    wanted = nullptr;
  if (!wanted && currentFits)
    wanted = current;
  if (!wanted) {
    auto primary = driver.primaryContext(ordinal);
    if (!primary)
      return primary.takeError();
    wanted = *primary;
  }
  auto wrongDevice = [&] {
    return argumentError("the stream belongs to another device than the "
                         "tensors, which are on device " +
                         llvm::Twine(ordinal));
  };
  if (wanted == current) {
    if (!currentFits)
      return wrongDevice();
    return ContextScope(driver, wanted, false);
  }
  if (llvm::Error error =
          driver.check(driver.cuCtxPushCurrent(wanted), "cuCtxPushCurrent"))
    return std::move(error);
  // The caller said which device its tensors are on; a stream of another
  // device is a mistake that the driver would report much less clearly.
  cuda::Device device = -1;
  if (driver.cuCtxGetDevice(&device) == cuda::Success &&
      device != info->handle) {
    cuda::Context popped;
    driver.cuCtxPopCurrent(&popped);
    return wrongDevice();
  }
  return ContextScope(driver, wanted, true);
}

ContextScope::ContextScope(ContextScope &&other)
    : driver(other.driver), ctx(other.ctx), pushed(other.pushed) {
  other.pushed = false;
}

ContextScope::~ContextScope() {
  if (!pushed)
    return;
  cuda::Context popped = nullptr;
  // Nothing useful can be done with a failure here; the next call reports it.
  (void)driver->cuCtxPopCurrent(&popped);
}
