//===- Kernel.h - Loading and launching a compiled kernel -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_RUNTIME_KERNEL_H
#define TILEWRIGHT_RUNTIME_KERNEL_H

#include "tilewright/Runtime/Artefact.h"
#include "tilewright/Runtime/TensorMap.h"
#include <map>
#include <memory>

namespace tilewright::runtime {

struct LaunchOptions {
  cuda::Stream stream = nullptr;
  /// Use at most this many multiprocessors for a persistent kernel; 0: all.
  int sms = 0;
  /// Launch without programmatic dependent launch even if the kernel was
  /// compiled for it.
  bool noPdl = false;
  /// The driver to use; null: Driver::get().
  Driver *driver = nullptr;
};

/// Resources of a loaded kernel, as the driver reports them.
struct LoadedInfo {
  int registers = 0, localBytes = 0, staticSmem = 0, maxThreads = 0;
};

/// A kernel ready to launch on any device of its architecture. Creating one
/// needs no GPU; the image is loaded on the first launch in a context. All
/// members are safe to call from several threads.
class Kernel {
public:
  static llvm::Expected<std::shared_ptr<Kernel>> create(Artefact artefact);
  ~Kernel();
  Kernel(const Kernel &) = delete;
  Kernel &operator=(const Kernel &) = delete;

  const Manifest &manifest() const { return spec; }
  const Artefact &artefact() const { return source; }

  /// Checks `args` (in the manifest's tensor order) as far as that is possible
  /// without a device: everything bindArguments checks, and the rules of
  /// tensor maps.
  llvm::Error check(llvm::ArrayRef<TensorArg> args) const;

  /// Checks `args` and enqueues one launch. No tiles: nothing is launched and
  /// the result is success.
  llvm::Error launch(llvm::ArrayRef<TensorArg> args,
                     const LaunchOptions &options = {});

  /// Loads the kernel on device `ordinal` now: what a caller does before
  /// capturing a graph, since loading may allocate.
  llvm::Expected<LoadedInfo> load(int ordinal, Driver *driver = nullptr);

  TensorMapCache &tensorMaps() { return maps; }

private:
  /// The kernel in one context.
  struct Loaded {
    cuda::Module module = nullptr; ///< PTX only.
    cuda::Function function = nullptr;
    uint64_t spare = 0; ///< A small allocation, made when first needed.
    int clusters = 0;   ///< Resident at once; asked for when first needed.
    LoadedInfo info;
  };
  Kernel() = default;
  llvm::Expected<Loaded *> loadIn(Driver &driver, cuda::Context context,
                                  const DeviceInfo &device);
  llvm::Error loadImage(Driver &driver, const DeviceInfo &device,
                        Loaded &loaded);
  llvm::Error checkDevice(const DeviceInfo &device) const;
  llvm::Expected<uint64_t> spareAddress(Driver &driver, Loaded &loaded,
                                        llvm::ArrayRef<TensorArg> args);
  llvm::Error limitToResident(Driver &driver, Loaded &loaded,
                              cuda::LaunchConfig &config);
  llvm::Error checkCooperative(Driver &driver, const DeviceInfo &device,
                               cuda::Function function,
                               const cuda::LaunchConfig &config) const;

  Artefact source;
  Manifest spec;
  TensorMapCache maps;
  std::mutex mutex;
  Driver *libraryDriver = nullptr;
  cuda::Library library = nullptr;
  /// By context identity (cuCtxGetId: unique, unlike the handle's address).
  std::map<std::pair<Driver *, unsigned long long>, std::unique_ptr<Loaded>>
      contexts;
};

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_KERNEL_H
