//===- FakeCuda.cpp - A CUDA driver for tests -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Implements the entry points of CudaABI.h. Arguments are checked against the
// driver API's documented rules independently of the runtime's own checks, so
// that a test notices a rule that the runtime forgot.
//
//===----------------------------------------------------------------------===//

#include "FakeCudaState.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

using namespace fake;

static_assert(sizeof(FakeTensorMap) <= sizeof(TensorMap));

namespace {
constexpr uint64_t mapMagic = 0x54574d4150313233;
constexpr int sms = 132;

/// Locks the state, counts the call, and says what an injected fault or a
/// missing cuInit makes of it.
struct Call {
  std::unique_lock<std::mutex> lock;
  Result injected = Success;
  explicit Call(const char *name, bool needsInit = true) : lock(state().mutex) {
    ++state().calls[name];
    auto fault = state().faults.find(name);
    if (fault != state().faults.end() && fault->second.skip-- <= 0)
      injected = fault->second.code;
    else if (needsInit && !state().initialised)
      injected = ErrorNotInitialized;
  }
};
#define ENTER(name)                                                            \
  Call call(#name);                                                            \
  if (call.injected)                                                           \
  return call.injected
#define ENTER_CONTEXT(name)                                                    \
  ENTER(name);                                                                 \
  if (!current())                                                              \
  return ErrorInvalidContext

std::string field(const std::string &image, const std::string &key,
                  const char *fallback) {
  size_t at = image.find(key + "=");
  if (at == std::string::npos)
    return fallback;
  at += key.size() + 1;
  return image.substr(at, image.find('\n', at) - at);
}

bool hasSymbol(const std::string &image, const std::string &name) {
  // A real cubin, whose text ends at the first zero of its header (the version
  // bytes 2, 1, 1 follow the magic number): it has what is asked for.
  if (image.compare(0, 7,
                    "\x7f"
                    "ELF\2\1\1") == 0 &&
      image.find("symbol=") == std::string::npos)
    return true;
  return image.find("symbol=" + name + "\n") != std::string::npos;
}

bool inside(uint64_t address, size_t bytes) {
  auto after = state().memory.upper_bound(address);
  if (after == state().memory.begin())
    return false;
  auto block = std::prev(after);
  return address + bytes <= block->first + block->second;
}

Function makeFunction(const std::string &symbol, const std::string &image) {
  auto function = std::make_unique<FunctionOpaque>();
  function->symbol = symbol;
  function->image = image;
  function->context = current();
  state().functions.push_back(std::move(function));
  return state().functions.back().get();
}

const std::map<int, std::pair<const char *, const char *>> errorNames = {
    {0, {"CUDA_SUCCESS", "no error"}},
    {1, {"CUDA_ERROR_INVALID_VALUE", "invalid argument"}},
    {2, {"CUDA_ERROR_OUT_OF_MEMORY", "out of memory"}},
    {3, {"CUDA_ERROR_NOT_INITIALIZED", "initialization error"}},
    {100, {"CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"}},
    {201, {"CUDA_ERROR_INVALID_CONTEXT", "invalid device context"}},
    {209,
     {"CUDA_ERROR_NO_BINARY_FOR_GPU",
      "no kernel image is available for execution on the device"}},
    {218, {"CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"}},
    {500, {"CUDA_ERROR_NOT_FOUND", "named symbol not found"}},
    {700,
     {"CUDA_ERROR_ILLEGAL_ADDRESS",
      "an illegal memory access was encountered"}},
    {701,
     {"CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES",
      "too many resources requested for launch"}},
};
} // namespace

extern "C" {

//===----------------------------------------------------------------------===//
// Driver API
//===----------------------------------------------------------------------===//

Result cuInit(unsigned) {
  Call call("cuInit", /*needsInit=*/false);
  if (call.injected)
    return call.injected;
  if (state().devices == 0)
    return ErrorNoDevice;
  state().initialised = true;
  return Success;
}

Result cuDriverGetVersion(int *version) {
  ENTER(cuDriverGetVersion);
  *version = 13000;
  return Success;
}

Result cuGetErrorName(Result error, const char **text) {
  auto found = errorNames.find(error);
  if (found == errorNames.end()) {
    *text = nullptr;
    return ErrorInvalidValue;
  }
  *text = found->second.first;
  return Success;
}

Result cuGetErrorString(Result error, const char **text) {
  auto found = errorNames.find(error);
  if (found == errorNames.end()) {
    *text = nullptr;
    return ErrorInvalidValue;
  }
  *text = found->second.second;
  return Success;
}

Result cuDeviceGetCount(int *count) {
  ENTER(cuDeviceGetCount);
  *count = state().devices;
  return Success;
}

Result cuDeviceGet(Device *device, int ordinal) {
  ENTER(cuDeviceGet);
  if (ordinal < 0 || ordinal >= state().devices)
    return ErrorInvalidValue;
  *device = ordinal;
  return Success;
}

Result cuDeviceGetName(char *name, int size, Device) {
  ENTER(cuDeviceGetName);
  snprintf(name, size_t(size), "Fake H100");
  return Success;
}

Result cuDeviceGetAttribute(int *value, DeviceAttribute attribute, Device) {
  ENTER(cuDeviceGetAttribute);
  switch (attribute) {
  case MultiprocessorCount:
    *value = sms;
    break;
  case L2CacheSize:
    *value = 1 << 20;
    break;
  case ComputeCapabilityMajor:
    *value = state().major;
    break;
  case ComputeCapabilityMinor:
    *value = state().minor;
    break;
  case CooperativeLaunch:
    *value = 1;
    break;
  case MaxSharedMemoryPerBlockOptin:
    *value = 232448;
    break;
  default:
    return ErrorInvalidValue;
  }
  return Success;
}

Result cuDevicePrimaryCtxRetain(Context *context, Device device) {
  ENTER(cuDevicePrimaryCtxRetain);
  Context &primary = state().primary[device];
  if (!primary)
    primary = makeContext(device);
  *context = primary;
  return Success;
}

Result cuCtxGetCurrent(Context *context) {
  ENTER(cuCtxGetCurrent);
  *context = current();
  return Success;
}

Result cuCtxPushCurrent_v2(Context context) {
  ENTER(cuCtxPushCurrent);
  stack().push_back(context);
  return Success;
}

Result cuCtxPopCurrent_v2(Context *context) {
  ENTER_CONTEXT(cuCtxPopCurrent);
  *context = current();
  stack().pop_back();
  return Success;
}

Result cuCtxGetDevice(Device *device) {
  ENTER_CONTEXT(cuCtxGetDevice);
  *device = current()->device;
  return Success;
}

Result cuCtxGetId(Context context, unsigned long long *id) {
  ENTER(cuCtxGetId);
  if (!context && !current())
    return ErrorInvalidContext;
  *id = (context ? context : current())->id;
  return Success;
}

Result cuCtxSynchronize() {
  ENTER_CONTEXT(cuCtxSynchronize);
  return Success;
}

Result cuStreamGetCtx(Stream stream, Context *context) {
  ENTER(cuStreamGetCtx);
  *context = stream->context;
  return Success;
}

Result cuStreamCreate(Stream *stream, unsigned) {
  ENTER_CONTEXT(cuStreamCreate);
  state().streams.push_back(
      std::make_unique<StreamOpaque>(StreamOpaque{current()}));
  *stream = state().streams.back().get();
  return Success;
}

Result cuStreamDestroy_v2(Stream) {
  ENTER(cuStreamDestroy);
  return Success;
}

Result cuStreamSynchronize(Stream) {
  ENTER(cuStreamSynchronize);
  return Success;
}

Result cuLibraryLoadData(Library *library, const void *image, JitOption *,
                         void **, unsigned, int *, void **, unsigned) {
  ENTER(cuLibraryLoadData);
  *library = new LibraryOpaque{static_cast<const char *>(image)};
  return Success;
}

Result cuLibraryUnload(Library) {
  ENTER(cuLibraryUnload);
  return Success;
}

Result cuLibraryGetKernel(KernelHandle *kernel, Library library,
                          const char *name) {
  ENTER(cuLibraryGetKernel);
  if (!hasSymbol(library->image, name))
    return ErrorNotFound;
  state().kernels.push_back(
      std::make_unique<KernelOpaque>(KernelOpaque{name, library->image}));
  *kernel = state().kernels.back().get();
  return Success;
}

Result cuKernelGetFunction(Function *function, KernelHandle kernel) {
  ENTER_CONTEXT(cuKernelGetFunction);
  *function = makeFunction(kernel->symbol, kernel->image);
  return Success;
}

Result cuModuleLoadDataEx(Module *module, const void *image, unsigned count,
                          JitOption *options, void **values) {
  ENTER_CONTEXT(cuModuleLoadDataEx);
  std::string text = static_cast<const char *>(image);
  if (text.find("BADPTX") != std::string::npos) {
    for (unsigned i = 0; i < count; ++i)
      if (options[i] == JitErrorLogBuffer)
        strcpy(static_cast<char *>(values[i]),
               "ptxas application ptx input, line 7; error: bad PTX\n");
    return 218;
  }
  *module = new ModuleOpaque{text, current()};
  return Success;
}

Result cuModuleUnload(Module) {
  ENTER(cuModuleUnload);
  return Success;
}

Result cuModuleGetFunction(Function *function, Module module,
                           const char *name) {
  ENTER(cuModuleGetFunction);
  if (!hasSymbol(module->image, name))
    return ErrorNotFound;
  *function = makeFunction(name, module->image);
  return Success;
}

Result cuFuncSetAttribute(Function function, FunctionAttribute attribute,
                          int value) {
  ENTER(cuFuncSetAttribute);
  if (attribute == MaxDynamicSharedSizeBytes && value > 232448)
    return ErrorInvalidValue;
  function->attributes[attribute] = value;
  return Success;
}

Result cuFuncGetAttribute(int *value, FunctionAttribute attribute,
                          Function function) {
  ENTER(cuFuncGetAttribute);
  switch (attribute) {
  case NumRegs:
    *value = atoi(field(function->image, "regs", "168").c_str());
    break;
  case MaxThreadsPerBlock:
    *value = atoi(field(function->image, "maxthreads", "384").c_str());
    break;
  default:
    *value = 0;
  }
  return Success;
}

Result cuLaunchKernelEx(const LaunchConfig *config, Function function,
                        void **params, void **) {
  FakeLaunch launch = {};
  void (*callback)(const FakeLaunch *, void *);
  void *user;
  {
    ENTER_CONTEXT(cuLaunchKernelEx);
    if (function->context != current())
      return ErrorInvalidContext;
    if (config->stream && uintptr_t(config->stream) > 2 &&
        config->stream->context != current())
      return ErrorInvalidContext;
    snprintf(launch.symbol, sizeof(launch.symbol), "%s",
             function->symbol.c_str());
    launch.grid[0] = config->gridDimX;
    launch.grid[1] = config->gridDimY;
    launch.grid[2] = config->gridDimZ;
    launch.block[0] = config->blockDimX;
    launch.block[1] = config->blockDimY;
    launch.block[2] = config->blockDimZ;
    launch.cluster[0] = launch.cluster[1] = launch.cluster[2] = 1;
    launch.smem = config->sharedMemBytes;
    launch.stream = uint64_t(config->stream);
    launch.device = current()->device;
    launch.numAttrs = int(config->numAttrs);
    for (unsigned i = 0; i < config->numAttrs; ++i) {
      const LaunchAttribute &attribute = config->attrs[i];
      switch (attribute.id) {
      case LaunchClusterDimension:
        launch.cluster[0] = attribute.value.clusterDim.x;
        launch.cluster[1] = attribute.value.clusterDim.y;
        launch.cluster[2] = attribute.value.clusterDim.z;
        break;
      case LaunchProgrammaticStreamSerialization:
        launch.pdl = attribute.value.programmaticStreamSerializationAllowed;
        break;
      case LaunchCooperative:
        launch.cooperative = attribute.value.cooperative;
        break;
      default:
        return ErrorInvalidValue;
      }
    }
    for (int i = 0; i < 3; ++i)
      if (!launch.grid[i] || !launch.block[i] || !launch.cluster[i] ||
          launch.grid[i] % launch.cluster[i])
        return ErrorInvalidValue;
    int allowed = function->attributes[MaxDynamicSharedSizeBytes];
    if (launch.smem > unsigned(std::max(allowed, 49152)))
      return ErrorInvalidValue;
    if (launch.cluster[0] > 8 &&
        !function->attributes[NonPortableClusterSizeAllowed])
      return ErrorInvalidValue;
    std::string sizes = field(function->image, "params", "");
    for (char *at = sizes.data(); *at && launch.numParams < 32;) {
      unsigned size = unsigned(strtoul(at, &at, 10));
      if (*at == ',')
        ++at;
      launch.paramSize[launch.numParams] = size;
      memcpy(launch.params[launch.numParams], params[launch.numParams], size);
      ++launch.numParams;
    }
    state().launches.push_back(launch);
    state().clock += state().base + state().step * state().timed++;
    callback = state().callback;
    user = state().user;
  }
  if (callback)
    callback(&launch, user);
  return Success;
}

Result cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, Function, int,
                                                   size_t) {
  ENTER_CONTEXT(cuOccupancyMaxActiveBlocksPerMultiprocessor);
  *blocks = state().blocks;
  return Success;
}

Result cuOccupancyMaxActiveClusters(int *clusters, Function,
                                    const LaunchConfig *) {
  ENTER_CONTEXT(cuOccupancyMaxActiveClusters);
  *clusters = state().clusters;
  return Success;
}

Result cuTensorMapEncodeTiled(TensorMap *map, TensorMapType type, uint32_t rank,
                              void *address, const uint64_t *dims,
                              const uint64_t *strides, const uint32_t *box,
                              const uint32_t *elementStrides,
                              TensorMapInterleave interleave,
                              TensorMapSwizzle swizzle, TensorMapL2Promotion l2,
                              TensorMapOobFill oob) {
  ENTER(cuTensorMapEncodeTiled);
  static const unsigned sizes[] = {1, 2, 4, 4, 8, 8, 2, 4, 8, 2, 4, 4, 4};
  if (uintptr_t(map) % 64 || type < 0 || type > MapTF32Ftz || rank < 1 ||
      rank > 5 || !address || uintptr_t(address) % 16)
    return ErrorInvalidValue;
  FakeTensorMap out = {};
  out.address = uint64_t(address);
  for (uint32_t i = 0; i < rank; ++i) {
    if (dims[i] == 0 || dims[i] > (uint64_t(1) << 32) || box[i] == 0 ||
        box[i] > 256 || elementStrides[i] != 1)
      return ErrorInvalidValue;
    out.dims[i] = dims[i];
    out.box[i] = uint16_t(box[i]);
    if (i == 0)
      continue;
    uint64_t stride = strides[i - 1];
    if (stride % 16 || stride >= (uint64_t(1) << 40))
      return ErrorInvalidValue;
    out.strides[i - 1] = stride;
  }
  uint64_t inner = uint64_t(box[0]) * sizes[type];
  static const uint64_t spans[] = {1 << 30, 32, 64, 128};
  if (interleave != InterleaveNone || swizzle < 0 || swizzle > Swizzle128B ||
      inner % 16 || inner > spans[swizzle] || l2 < 0 || l2 > L2_256B ||
      oob != OobZero)
    return ErrorInvalidValue;
  out.type = uint8_t(type);
  out.rank = uint8_t(rank);
  out.swizzle = uint8_t(swizzle);
  out.l2 = uint8_t(l2);
  out.magic = mapMagic;
  memset(map, 0, sizeof(*map));
  memcpy(map, &out, sizeof(out));
  return Success;
}

Result cuMemAlloc_v2(DevicePtr *pointer, size_t bytes) {
  ENTER_CONTEXT(cuMemAlloc);
  void *block = aligned_alloc(512, (bytes + 511) / 512 * 512);
  if (!block || bytes == 0)
    return ErrorInvalidValue;
  state().memory[uint64_t(block)] = bytes;
  *pointer = uint64_t(block);
  return Success;
}

Result cuMemFree_v2(DevicePtr pointer) {
  ENTER_CONTEXT(cuMemFree);
  if (!state().memory.erase(pointer))
    return ErrorInvalidValue;
  free(reinterpret_cast<void *>(pointer));
  return Success;
}

Result cuMemGetInfo_v2(size_t *unused, size_t *total) {
  ENTER_CONTEXT(cuMemGetInfo);
  *unused = *total = size_t(80) << 30;
  return Success;
}

Result cuMemcpyHtoD_v2(DevicePtr to, const void *from, size_t bytes) {
  ENTER_CONTEXT(cuMemcpyHtoD);
  if (!inside(to, bytes))
    return ErrorInvalidValue;
  memcpy(reinterpret_cast<void *>(to), from, bytes);
  return Success;
}

Result cuMemcpyDtoH_v2(void *to, DevicePtr from, size_t bytes) {
  ENTER_CONTEXT(cuMemcpyDtoH);
  if (!inside(from, bytes))
    return ErrorInvalidValue;
  memcpy(to, reinterpret_cast<void *>(from), bytes);
  return Success;
}

Result cuMemcpyHtoDAsync_v2(DevicePtr to, const void *from, size_t bytes,
                            Stream) {
  return cuMemcpyHtoD_v2(to, from, bytes);
}

Result cuMemcpyDtoHAsync_v2(void *to, DevicePtr from, size_t bytes, Stream) {
  return cuMemcpyDtoH_v2(to, from, bytes);
}

Result cuMemsetD8Async(DevicePtr to, unsigned char value, size_t bytes,
                       Stream) {
  ENTER_CONTEXT(cuMemsetD8Async);
  if (!inside(to, bytes))
    return ErrorInvalidValue;
  memset(reinterpret_cast<void *>(to), value, bytes);
  state().clock += 1000;
  return Success;
}

Result cuEventCreate(Event *event, unsigned) {
  ENTER_CONTEXT(cuEventCreate);
  *event = new EventOpaque();
  return Success;
}

Result cuEventDestroy_v2(Event event) {
  ENTER(cuEventDestroy);
  delete event;
  return Success;
}

Result cuEventRecord(Event event, Stream) {
  ENTER(cuEventRecord);
  event->time = state().clock;
  return Success;
}

Result cuEventSynchronize(Event) {
  ENTER(cuEventSynchronize);
  return Success;
}

Result cuEventElapsedTime(float *milliseconds, Event start, Event end) {
  ENTER(cuEventElapsedTime);
  *milliseconds = float((end->time - start->time) / 1000);
  return Success;
}

/// Hands out exactly the variants that the runtime must ask for.
Result cuGetProcAddress_v2(const char *name, void **function, int version,
                           uint64_t, int *status) {
  *function = nullptr;
  if (state().hidden.count(name)) {
    *status = 1;
    return ErrorNotFound;
  }
  struct Variant {
    const char *name;
    int since;
    void *function;
  };
#define V2(name, since) {#name, since, reinterpret_cast<void *>(&name##_v2)},
#define V1(name, since) {#name, since, reinterpret_cast<void *>(&name)},
  // clang-format off
  static const Variant variants[] = {
      V1(cuInit, 2000) V1(cuDriverGetVersion, 2020) V1(cuGetErrorName, 6000)
      V1(cuGetErrorString, 6000) V1(cuDeviceGetCount, 2000)
      V1(cuDeviceGet, 2000) V1(cuDeviceGetName, 2000)
      V1(cuDeviceGetAttribute, 2000) V1(cuDevicePrimaryCtxRetain, 7000)
      V1(cuCtxGetCurrent, 4000) V2(cuCtxPushCurrent, 4000)
      V2(cuCtxPopCurrent, 4000) V1(cuCtxGetDevice, 2000)
      V1(cuCtxGetId, 12000) V1(cuCtxSynchronize, 2000)
      V1(cuStreamGetCtx, 9020) V1(cuStreamCreate, 2000)
      V2(cuStreamDestroy, 4000) V1(cuStreamSynchronize, 2000)
      V1(cuLibraryLoadData, 12000) V1(cuLibraryUnload, 12000)
      V1(cuLibraryGetKernel, 12000) V1(cuKernelGetFunction, 12000)
      V1(cuModuleLoadDataEx, 2010) V1(cuModuleUnload, 2000)
      V1(cuModuleGetFunction, 2000) V1(cuFuncSetAttribute, 9000)
      V1(cuFuncGetAttribute, 2020) V1(cuLaunchKernelEx, 11060)
      V1(cuOccupancyMaxActiveBlocksPerMultiprocessor, 6050)
      V1(cuOccupancyMaxActiveClusters, 11070)
      V1(cuTensorMapEncodeTiled, 12000) V2(cuMemAlloc, 3020)
      V2(cuMemFree, 3020) V2(cuMemGetInfo, 3020) V2(cuMemcpyHtoD, 3020)
      V2(cuMemcpyDtoH, 3020) V2(cuMemcpyHtoDAsync, 3020)
      V2(cuMemcpyDtoHAsync, 3020) V1(cuMemsetD8Async, 3020)
      V1(cuEventCreate, 2000) V2(cuEventDestroy, 4000)
      V1(cuEventRecord, 2000) V1(cuEventSynchronize, 2000)
      V1(cuEventElapsedTime, 2000)};
  // clang-format on
#undef V1
#undef V2
  for (const Variant &variant : variants)
    if (!strcmp(variant.name, name) && version >= variant.since) {
      *function = variant.function;
      *status = 0;
      return Success;
    }
  *status = 1;
  return ErrorNotFound;
}
} // extern "C"
