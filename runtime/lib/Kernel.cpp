//===- Kernel.cpp - Loading and launching a compiled kernel ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tilewright/Runtime/Kernel.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"

using namespace tilewright;
using namespace tilewright::runtime;

llvm::Expected<std::shared_ptr<Kernel>> Kernel::create(Artefact artefact) {
  auto manifest = Manifest::parse(artefact.manifest);
  if (!manifest)
    return manifest.takeError();
  if (artefact.image.empty())
    return manifestError(manifest->kernel + ": the artefact has no image");
  std::shared_ptr<Kernel> kernel(new Kernel());
  kernel->source = std::move(artefact);
  kernel->spec = std::move(*manifest);
  return kernel;
}

// Nothing is unloaded: launches are asynchronous and a captured graph may hold
// the function for as long as the process lives.
Kernel::~Kernel() = default;

llvm::Error Kernel::check(llvm::ArrayRef<TensorArg> args) const {
  auto bindings = bindArguments(spec, args);
  if (!bindings)
    return bindings.takeError();
  auto grid = gridSize(spec, *bindings, /*sms=*/1);
  if (!grid)
    return grid.takeError();
  if (*grid == 0)
    return llvm::Error::success();
  for (const Param &param : spec.params)
    if (param.kind == Param::Kind::TensorMap) {
      auto desc = describeTensorMap(spec, param, args[param.tensor], 128);
      if (!desc)
        return desc.takeError();
    }
  return llvm::Error::success();
}

/// "sm_90a" runs on 9.0 only, "sm_100f" on 10.x with x >= 0, a plain "sm_80"
/// cubin on 8.x, x >= 0 (CUDA C++ programming guide, "Binary compatibility",
/// "Feature sets"); PTX of a plain target runs on anything newer.
llvm::Error Kernel::checkDevice(const DeviceInfo &device) const {
  llvm::StringRef arch = spec.arch;
  unsigned number = 0;
  bool valid = arch.consume_front("sm_") || arch.consume_front("compute_");
  valid = valid && !arch.consumeInteger(10, number) &&
          (arch.empty() || arch == "a" || arch == "f");
  if (!valid)
    return manifestError(spec.kernel + ": unknown architecture '" + spec.arch +
                         "'");
  int major = number / 10, minor = number % 10;
  bool fits;
  if (arch == "a")
    fits = device.major == major && device.minor == minor;
  else if (arch.empty() && source.kind == Artefact::Kind::Ptx)
    fits = std::pair(device.major, device.minor) >= std::pair(major, minor);
  else
    fits = device.major == major && device.minor >= minor;
  if (!fits)
    return argumentError(
        spec.kernel + ": compiled for " + spec.arch + ", but the device (" +
        device.name + ") has compute capability " + llvm::Twine(device.major) +
        "." + llvm::Twine(device.minor));
  if (spec.launch.smem > device.sharedMemory)
    return argumentError(
        spec.kernel + ": needs " + llvm::Twine(spec.launch.smem) +
        " bytes of shared memory, but a block on " + device.name +
        " has at most " + llvm::Twine(device.sharedMemory));
  return llvm::Error::success();
}

/// The text of a JIT log buffer as one indented block, or nothing.
static std::string logText(llvm::StringRef buffer) {
  llvm::StringRef text = buffer.take_until([](char c) { return c == '\0'; });
  text = text.rtrim();
  return text.empty() ? "" : "\n" + text.str();
}

llvm::Error Kernel::loadImage(Driver &driver, const DeviceInfo &device,
                              Loaded &loaded) {
  std::string what = spec.kernel + ": ";
  if (source.kind == Artefact::Kind::Ptx) {
    // The driver's assembler needs a context, and reports through buffers
    // that must outlive the call only.
    std::string errors(16384, '\0'), infos(16384, '\0');
    cuda::JitOption options[] = {
        cuda::JitErrorLogBuffer, cuda::JitErrorLogBufferSizeBytes,
        cuda::JitInfoLogBuffer, cuda::JitInfoLogBufferSizeBytes};
    void *values[] = {errors.data(), reinterpret_cast<void *>(errors.size()),
                      infos.data(), reinterpret_cast<void *>(infos.size())};
    cuda::Result result = driver.cuModuleLoadDataEx(
        &loaded.module, source.image.c_str(), 4, options, values);
    if (llvm::Error error =
            driver.check(result, what + "assembling the PTX with the driver "
                                        "(cuModuleLoadDataEx)"))
      return llvm::make_error<DriverError>(
          result,
          llvm::toString(std::move(error)) + logText(errors) + logText(infos));
    return driver.check(driver.cuModuleGetFunction(&loaded.function,
                                                   loaded.module,
                                                   spec.symbol.c_str()),
                        what + "cuModuleGetFunction(" + spec.symbol + ")");
  }
  if (!library || libraryDriver != &driver) {
    cuda::Library opened = nullptr;
    if (llvm::Error error = driver.check(
            driver.cuLibraryLoadData(&opened, source.image.data(), nullptr,
                                     nullptr, 0, nullptr, nullptr, 0),
            what + "cuLibraryLoadData(" + llvm::Twine(source.image.size()) +
                " bytes for " + spec.arch + ", device " + device.name + ")"))
      return error;
    library = opened;
    libraryDriver = &driver;
  }
  cuda::KernelHandle handle = nullptr;
  if (llvm::Error error = driver.check(
          driver.cuLibraryGetKernel(&handle, library, spec.symbol.c_str()),
          what + "cuLibraryGetKernel(" + spec.symbol + ")"))
    return error;
  // Asking for the function loads it into the current context now, not lazily
  // in the middle of a measured or captured launch.
  return driver.check(driver.cuKernelGetFunction(&loaded.function, handle),
                      what + "cuKernelGetFunction(" + spec.symbol + ")");
}

llvm::Expected<Kernel::Loaded *> Kernel::loadIn(Driver &driver,
                                                cuda::Context context,
                                                const DeviceInfo &device) {
  unsigned long long id = 0;
  if (llvm::Error error =
          driver.check(driver.cuCtxGetId(context, &id), "cuCtxGetId"))
    return std::move(error);
  std::lock_guard<std::mutex> lock(mutex);
  std::unique_ptr<Loaded> &entry = contexts[{&driver, id}];
  if (entry)
    return entry.get();
  if (llvm::Error error = checkDevice(device))
    return std::move(error);
  auto loaded = std::make_unique<Loaded>();
  // A module that fails its checks would be loaded again at the next launch.
  llvm::scope_exit unload([&] {
    if (loaded && loaded->module)
      (void)driver.cuModuleUnload(loaded->module);
  });
  if (llvm::Error error = loadImage(driver, device, *loaded))
    return std::move(error);

  auto read = [&](cuda::FunctionAttribute attribute, int &into) {
    return driver.check(
        driver.cuFuncGetAttribute(&into, attribute, loaded->function),
        spec.kernel + ": cuFuncGetAttribute(" + llvm::Twine(int(attribute)) +
            ")");
  };
  LoadedInfo &info = loaded->info;
  if (llvm::Error error = read(cuda::NumRegs, info.registers))
    return std::move(error);
  if (llvm::Error error = read(cuda::LocalSizeBytes, info.localBytes))
    return std::move(error);
  if (llvm::Error error = read(cuda::SharedSizeBytes, info.staticSmem))
    return std::move(error);
  if (llvm::Error error = read(cuda::MaxThreadsPerBlock, info.maxThreads))
    return std::move(error);
  if (spec.launch.threads > unsigned(info.maxThreads))
    return manifestError(
        spec.kernel + ": launches " + llvm::Twine(spec.launch.threads) +
        " threads a block, but the loaded code allows at most " +
        llvm::Twine(info.maxThreads) + " (" + llvm::Twine(info.registers) +
        " registers a thread)");

  auto set = [&](cuda::FunctionAttribute attribute, int value,
                 const char *name) {
    return driver.check(
        driver.cuFuncSetAttribute(loaded->function, attribute, value),
        spec.kernel + ": cuFuncSetAttribute(" + name + ", " +
            llvm::Twine(value) + ")");
  };
  if (spec.launch.smem > 0)
    if (llvm::Error error =
            set(cuda::MaxDynamicSharedSizeBytes, int(spec.launch.smem),
                "MAX_DYNAMIC_SHARED_SIZE_BYTES"))
      return std::move(error);
  // Clusters of up to 8 CTAs are portable (PTX ISA, "Cluster of CTAs").
  if (spec.launch.cluster[0] > 8)
    if (llvm::Error error = set(cuda::NonPortableClusterSizeAllowed, 1,
                                "NON_PORTABLE_CLUSTER_SIZE_ALLOWED"))
      return std::move(error);
  entry = std::move(loaded);
  return entry.get();
}

llvm::Expected<LoadedInfo> Kernel::load(int ordinal, Driver *driver) {
  if (!driver) {
    auto found = Driver::get();
    if (!found)
      return found.takeError();
    driver = &*found;
  }
  auto device = driver->device(ordinal);
  if (!device)
    return device.takeError();
  auto scope = ContextScope::enter(*driver, ordinal);
  if (!scope)
    return scope.takeError();
  auto loaded = loadIn(*driver, scope->context(), *device);
  if (!loaded)
    return loaded.takeError();
  return (*loaded)->info;
}

/// A device address for the maps of empty tensors: another argument's, else a
/// small allocation that is made once a context.
llvm::Expected<uint64_t> Kernel::spareAddress(Driver &driver, Loaded &loaded,
                                              llvm::ArrayRef<TensorArg> args) {
  for (const TensorArg &arg : args)
    if (!arg.empty() && arg.data % 128 == 0)
      return arg.data;
  std::lock_guard<std::mutex> lock(mutex);
  if (!loaded.spare) {
    cuda::DevicePtr pointer = 0;
    if (llvm::Error error =
            driver.check(driver.cuMemAlloc(&pointer, 256),
                         spec.kernel + ": cuMemAlloc(256 bytes)"))
      return std::move(error);
    loaded.spare = pointer;
  }
  return loaded.spare;
}

/// A cluster lies in one GPC, whose SMs are no multiple of every cluster, so
/// fewer CTAs may fit at once than there are SMs. A persistent kernel takes
/// all its tiles with as many clusters as do: one more would begin when the
/// others have ended.
llvm::Error Kernel::limitToResident(Driver &driver, Loaded &loaded,
                                    cuda::LaunchConfig &config) {
  std::lock_guard<std::mutex> lock(mutex);
  if (loaded.clusters == 0)
    if (llvm::Error error =
            driver.check(driver.cuOccupancyMaxActiveClusters(
                             &loaded.clusters, loaded.function, &config),
                         spec.kernel + ": cuOccupancyMaxActiveClusters"))
      return error;
  // None: the launch says why.
  if (loaded.clusters > 0)
    config.gridDimX = std::min(config.gridDimX, unsigned(loaded.clusters) *
                                                    spec.launch.cluster[0]);
  return llvm::Error::success();
}

llvm::Error Kernel::checkCooperative(Driver &driver, const DeviceInfo &device,
                                     cuda::Function function,
                                     const cuda::LaunchConfig &config) const {
  if (!device.cooperative)
    return argumentError(spec.kernel + ": needs a cooperative launch, which " +
                         device.name + " does not support");
  int64_t resident = 0;
  if (spec.launch.cluster[0] > 1) {
    int clusters = 0;
    if (llvm::Error error = driver.check(
            driver.cuOccupancyMaxActiveClusters(&clusters, function, &config),
            spec.kernel + ": cuOccupancyMaxActiveClusters"))
      return error;
    resident = int64_t(clusters) * spec.launch.cluster[0];
  } else {
    int blocks = 0;
    if (llvm::Error error = driver.check(
            driver.cuOccupancyMaxActiveBlocksPerMultiprocessor(
                &blocks, function, int(config.blockDimX),
                config.sharedMemBytes),
            spec.kernel + ": cuOccupancyMaxActiveBlocksPerMultiprocessor"))
      return error;
    resident = int64_t(blocks) * device.sms;
  }
  if (int64_t(config.gridDimX) > resident)
    return argumentError(spec.kernel + ": its " + llvm::Twine(config.gridDimX) +
                         " CTAs wait for each other, but only " +
                         llvm::Twine(resident) + " can be resident on " +
                         device.name + " at once");
  return llvm::Error::success();
}

llvm::Error Kernel::launch(llvm::ArrayRef<TensorArg> args,
                           const LaunchOptions &options) {
  auto bindings = bindArguments(spec, args);
  if (!bindings)
    return bindings.takeError();
  Driver *driver = options.driver;
  if (!driver) {
    auto found = Driver::get();
    if (!found)
      return found.takeError();
    driver = &*found;
  }
  int ordinal = args.empty() ? 0 : args.front().device;
  auto device = driver->device(ordinal);
  if (!device)
    return device.takeError();
  int sms = options.sms > 0 ? std::min(options.sms, device->sms) : device->sms;
  auto grid = gridSize(spec, *bindings, sms);
  if (!grid)
    return grid.takeError();
  if (*grid == 0)
    return llvm::Error::success();

  auto scope = ContextScope::enter(*driver, ordinal, options.stream);
  if (!scope)
    return scope.takeError();
  auto found = loadIn(*driver, scope->context(), *device);
  if (!found)
    return found.takeError();
  Loaded &loaded = **found;

  /// The value of one parameter; cuLaunchKernelEx reads as many bytes of it
  /// as the loaded code declares.
  union alignas(128) ParamValue {
    ParamValue() : u64(0) {}
    cuda::TensorMap map;
    uint64_t u64;
    int64_t i64;
    int32_t i32;
  };
  auto values = std::make_unique<ParamValue[]>(spec.params.size());
  llvm::SmallVector<void *, 16> pointers;
  auto setInteger = [&](ParamValue &value, const Param &param, int64_t number,
                        const llvm::Twine &what) -> llvm::Error {
    if (param.is64) {
      value.i64 = number;
      return llvm::Error::success();
    }
    if (number != int32_t(number))
      return argumentError(spec.kernel + ": " + what + " = " +
                           llvm::Twine(number) +
                           " does not fit the 32 bits this kernel was "
                           "compiled with");
    value.i32 = int32_t(number);
    return llvm::Error::success();
  };
  for (auto [index, param] : llvm::enumerate(spec.params)) {
    ParamValue &value = values[index];
    pointers.push_back(&value);
    switch (param.kind) {
    case Param::Kind::TensorMap: {
      const TensorArg &arg = args[param.tensor];
      uint64_t spare = 0;
      if (arg.empty()) {
        auto address = spareAddress(*driver, loaded, args);
        if (!address)
          return address.takeError();
        spare = *address;
      }
      auto desc = describeTensorMap(spec, param, arg, spare);
      if (!desc)
        return desc.takeError();
      auto map = maps.encode(*driver, *desc);
      if (!map)
        return argumentError(spec.kernel + ": tensor '" +
                             spec.tensors[param.tensor].name +
                             "': " + llvm::toString(map.takeError()));
      value.map = *map;
      break;
    }
    case Param::Kind::Pointer:
      value.u64 = args[param.tensor].data;
      break;
    case Param::Kind::Dim: {
      auto number = param.expr.evaluate(bindings->dims);
      if (!number)
        return argumentError(spec.kernel + ": " +
                             llvm::toString(number.takeError()));
      if (llvm::Error error =
              setInteger(value, param, *number, param.expr.str()))
        return error;
      break;
    }
    case Param::Kind::Stride: {
      const TensorArg &arg = args[param.tensor];
      if (llvm::Error error = setInteger(
              value, param, arg.strides[param.dim],
              "tensor '" + spec.tensors[param.tensor].name + "': stride of " +
                  "dimension " + llvm::Twine(param.dim)))
        return error;
      break;
    }
    }
  }

  const LaunchSpec &launch = spec.launch;
  cuda::LaunchAttribute attributes[3] = {};
  cuda::LaunchConfig config = {};
  config.gridDimX = *grid;
  config.gridDimY = config.gridDimZ = 1;
  config.blockDimX = launch.threads;
  config.blockDimY = config.blockDimZ = 1;
  config.sharedMemBytes = unsigned(launch.smem);
  config.stream = options.stream;
  config.attrs = attributes;
  auto attribute = [&](cuda::LaunchAttributeID id) -> auto & {
    cuda::LaunchAttribute &added = attributes[config.numAttrs++];
    added.id = id;
    return added.value;
  };
  if (launch.cluster[0] > 1) {
    attribute(cuda::LaunchClusterDimension).clusterDim = {
        launch.cluster[0], launch.cluster[1], launch.cluster[2]};
    if (launch.persistent)
      if (llvm::Error error = limitToResident(*driver, loaded, config))
        return error;
  }
  if (launch.pdl && !options.noPdl)
    attribute(cuda::LaunchProgrammaticStreamSerialization)
        .programmaticStreamSerializationAllowed = 1;
  if (launch.cooperative) {
    attribute(cuda::LaunchCooperative).cooperative = 1;
    if (llvm::Error error =
            checkCooperative(*driver, *device, loaded.function, config))
      return error;
  }
  cuda::Result result = driver->cuLaunchKernelEx(&config, loaded.function,
                                                 pointers.data(), nullptr);
  if (result == cuda::Success)
    return llvm::Error::success();
  std::string message =
      spec.kernel + ": cuLaunchKernelEx failed: " + driver->describe(result) +
      "; grid " + std::to_string(config.gridDimX) + ", block " +
      std::to_string(launch.threads) + ", cluster " +
      std::to_string(launch.cluster[0]) + ", shared memory " +
      std::to_string(launch.smem) + " bytes";
  for (auto [tensor, arg] : llvm::zip(spec.tensors, args))
    message += "; " + describe(tensor.name, arg);
  return llvm::make_error<DriverError>(result, message);
}
