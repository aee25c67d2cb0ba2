//===- Driver.h - The CUDA driver, loaded at run time ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_RUNTIME_DRIVER_H
#define TILEWRIGHT_RUNTIME_DRIVER_H

#include "tilewright/Runtime/CudaABI.h"
#include "tilewright/Runtime/Errors.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace tilewright::cuda {
#define TILEWRIGHT_CUDA_TYPE(name, version, params)                            \
  using name##_t = Result(*) params;
TILEWRIGHT_CUDA_FUNCTIONS(TILEWRIGHT_CUDA_TYPE)
#undef TILEWRIGHT_CUDA_TYPE
} // namespace tilewright::cuda

namespace tilewright::runtime {

/// What the launcher needs to know of a device; read once.
struct DeviceInfo {
  cuda::Device handle = 0;
  std::string name;
  int major = 0, minor = 0; ///< Compute capability.
  int sms = 0;              ///< Multiprocessors.
  int64_t sharedMemory = 0; ///< Largest shared memory of a block, bytes.
  int64_t l2Bytes = 0;
  bool cooperative = false;
  cuda::Context primary = nullptr; ///< Retained, never released.

  /// The architecture to compile for: "sm_90a", "sm_80", …
  std::string target() const {
    return "sm_" + std::to_string(major * 10 + minor) + (major >= 9 ? "a" : "");
  }
};

/// The CUDA driver's functions, found with dlopen and cuGetProcAddress. All
/// members are safe to call from several threads.
class Driver {
public:
  /// The process-wide driver: `$TILEWRIGHT_LIBCUDA` if set, else
  /// `libcuda.so.1`. Loads it and calls cuInit on first use; never creates a
  /// context. Fails with NoGpuError where there is no library, no device, a
  /// driver older than CUDA 12.0, or in a process forked after this first use
  /// (CUDA does not survive a fork).
  static llvm::Expected<Driver &> get();

  /// Loads and initialises the driver at `path`.
  static llvm::Expected<std::unique_ptr<Driver>> load(llvm::StringRef path);

#define TILEWRIGHT_CUDA_MEMBER(name, version, params)                          \
  cuda::name##_t name = nullptr;
  TILEWRIGHT_CUDA_FUNCTIONS(TILEWRIGHT_CUDA_MEMBER)
#undef TILEWRIGHT_CUDA_MEMBER

  /// Success, or a DriverError "<what> failed: CUDA_ERROR_X (text)".
  llvm::Error check(cuda::Result result, const llvm::Twine &what) const;

  /// "CUDA_ERROR_X (text)".
  std::string describe(cuda::Result result) const;

  /// Facts of device `ordinal`; NoGpuError if there is no such device.
  llvm::Expected<const DeviceInfo &> device(int ordinal);

  /// Retains the primary context of `ordinal` (the one PyTorch and the CUDA
  /// runtime use) on first use.
  llvm::Expected<cuda::Context> primaryContext(int ordinal);

  int deviceCount() const { return count; }
  /// The driver's CUDA version, e.g. 13000.
  int version() const { return cudaVersion; }

private:
  Driver() = default;
  std::mutex mutex;
  int count = 0, cudaVersion = 0;
  std::vector<std::unique_ptr<DeviceInfo>> devices;
};

/// Makes a context current for a scope and restores the previous one.
class ContextScope {
public:
  /// Chooses the context for work on `stream` of device `ordinal`: the
  /// stream's own; for the default streams the current one if it is on that
  /// device, else the device's primary context.
  static llvm::Expected<ContextScope> enter(Driver &driver, int ordinal,
                                            cuda::Stream stream = nullptr);
  ContextScope(ContextScope &&other);
  ContextScope(const ContextScope &) = delete;
  ContextScope &operator=(const ContextScope &) = delete;
  ~ContextScope();

  cuda::Context context() const { return ctx; }

private:
  ContextScope(Driver &driver, cuda::Context ctx, bool pushed)
      : driver(&driver), ctx(ctx), pushed(pushed) {}
  Driver *driver;
  cuda::Context ctx;
  bool pushed;
};

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_DRIVER_H
