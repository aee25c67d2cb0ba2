//===- TilewrightC.cpp - C API: load, query and launch --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "CAPIInternal.h"
#include "llvm/Support/FormatVariadic.h"
#include <cstddef>
#include <cstring>

using namespace tilewright;
using namespace tilewright::runtime;
using namespace tilewright::capi;

static_assert(sizeof(twTensor) == 48 && offsetof(twTensor, shape) == 24 &&
                  offsetof(twTensor, byte_offset) == 40,
              "twTensor must have the layout of DLTensor");

static thread_local std::string lastError;
static thread_local int lastDriverResult = 0;

twStatus capi::report(llvm::Error error) {
  twStatus status = TW_OK;
  std::string message;
  auto take = [&](twStatus kind, const llvm::ErrorInfoBase &info) {
    status = kind;
    message += message.empty() ? "" : "\n";
    message += info.message();
  };
  llvm::handleAllErrors(
      std::move(error),
      [&](const ArgumentError &e) { take(TW_INVALID_ARGUMENT, e); },
      [&](const NoGpuError &e) { take(TW_NO_GPU, e); },
      [&](const ManifestError &e) { take(TW_INVALID_ARTEFACT, e); },
      [&](const CompileError &e) { take(TW_COMPILE_ERROR, e); },
      [&](const DriverError &e) {
        lastDriverResult = e.code();
        take(TW_DRIVER_ERROR, e);
      },
      [&](const llvm::ErrorInfoBase &e) { take(TW_ERROR, e); });
  if (status != TW_OK)
    lastError = std::move(message);
  return status;
}

twStatus capi::publish(llvm::Expected<std::shared_ptr<Kernel>> kernel,
                       twKernel *out) {
  *out = nullptr;
  if (!kernel)
    return report(kernel.takeError());
  *out = new twKernelImpl(std::move(*kernel));
  return TW_OK;
}

const char *twLastError(void) { return lastError.c_str(); }
int twLastDriverResult(void) { return lastDriverResult; }
const char *twVersion(void) { return TILEWRIGHT_VERSION; }
int twApiVersion(void) { return TW_API_VERSION; }

static twStatus nullArgument(const char *name) {
  return report(argumentError(llvm::Twine("'") + name + "' is null"));
}

twStatus twKernelLoad(const char *path, twKernel *out) {
  if (!out)
    return nullArgument("out");
  *out = nullptr;
  if (!path)
    return nullArgument("path");
  auto artefact = Artefact::load(path);
  if (!artefact)
    return report(artefact.takeError());
  return publish(Kernel::create(std::move(*artefact)), out);
}

twStatus twKernelFromMemory(const char *manifest, size_t manifestSize,
                            const void *image, size_t imageSize,
                            twKernel *out) {
  if (!out)
    return nullArgument("out");
  *out = nullptr;
  if (!manifest || !image)
    return nullArgument(manifest ? "image" : "manifest");
  Artefact artefact;
  artefact.manifest.assign(manifest, manifestSize);
  artefact.image.assign(static_cast<const char *>(image), imageSize);
  artefact.kind = Artefact::kindOf(artefact.image);
  return publish(Kernel::create(std::move(artefact)), out);
}

void twKernelRetain(twKernel kernel) {
  if (kernel)
    ++kernel->references;
}

void twKernelRelease(twKernel kernel) {
  if (kernel && --kernel->references == 0)
    delete kernel;
}

const char *twKernelManifest(twKernel kernel) {
  return kernel ? kernel->kernel->artefact().manifest.c_str() : "";
}

const void *twKernelImage(twKernel kernel, size_t *size) {
  if (size)
    *size = kernel ? kernel->kernel->artefact().image.size() : 0;
  return kernel ? kernel->kernel->artefact().image.data() : nullptr;
}

const char *twKernelDiagnostics(twKernel kernel) {
  return kernel ? kernel->kernel->artefact().diagnostics.c_str() : "";
}

twStatus twKernelSave(twKernel kernel, const char *stem) {
  if (!kernel || !stem)
    return nullArgument(kernel ? "stem" : "kernel");
  return report(kernel->kernel->artefact().save(stem));
}

/// Two e2m1 elements share a byte: a tensor given by bytes counts pairs along
/// the contiguous dimension.
static void unpackPairs(const TensorSpec &spec, TensorArg &arg) {
  for (auto [dim, stride] : llvm::enumerate(arg.strides))
    if (dim != spec.major)
      stride *= 2;
  if (spec.major < arg.shape.size())
    arg.shape[spec.major] *= 2;
  arg.dtype = DType::E2M1;
}

static llvm::Expected<TensorArg> convert(const Manifest &manifest, size_t index,
                                         const twTensor *tensor) {
  const TensorSpec &spec = manifest.tensors[index];
  auto refuse = [&](const llvm::Twine &why) {
    return argumentError(manifest.kernel + ": tensor '" + spec.name +
                         "': " + why);
  };
  if (!tensor)
    return refuse("is null");
  if (tensor->device.type != TW_DEVICE_CUDA &&
      tensor->device.type != TW_DEVICE_CUDA_MANAGED)
    return refuse(
        "must be on a CUDA device, got " +
        (tensor->device.type == TW_DEVICE_CPU
             ? llvm::Twine("a CPU tensor")
             : "DLPack device type " + llvm::Twine(tensor->device.type)));
  if (tensor->ndim < 0 || tensor->ndim > 64 ||
      (tensor->ndim > 0 && !tensor->shape))
    return refuse("malformed: " + llvm::Twine(tensor->ndim) + " dimensions" +
                  (tensor->shape ? "" : " without a shape"));
  TensorArg arg;
  arg.data = reinterpret_cast<uint64_t>(tensor->data);
  if (tensor->data)
    arg.data += tensor->byte_offset;
  arg.device = tensor->device.id;
  arg.shape.assign(tensor->shape, tensor->shape + tensor->ndim);
  if (tensor->strides)
    arg.strides.assign(tensor->strides, tensor->strides + tensor->ndim);
  else
    arg.strides = contiguousStrides(arg.shape);

  const twDataType &type = tensor->dtype;
  bool rawByte = type.code == TW_CODE_UINT && type.bits == 8 && type.lanes == 1;
  bool packed =
      (type.code == TW_CODE_E2M1 && type.bits == 4 && type.lanes == 2) ||
      rawByte ||
      (type.code == TW_CODE_INT && type.bits == 8 && type.lanes == 1);
  if (spec.dtype == DType::E2M1 && packed) {
    unpackPairs(spec, arg);
  } else if (rawByte && spec.dtype != DType::U8) {
    arg.rawBits = 8;
  } else if (auto known = fromDLPack(type.code, type.bits, type.lanes)) {
    arg.dtype = *known;
  } else {
    return refuse("must have element type " + name(spec.dtype).str() +
                  ", got DLPack type code " + llvm::Twine(int(type.code)) +
                  ", " + llvm::Twine(int(type.bits)) + " bits, " +
                  llvm::Twine(int(type.lanes)) + " lanes");
  }
  return std::move(arg);
}

static llvm::Expected<std::vector<TensorArg>>
convertAll(const Manifest &manifest, const twTensor *const *tensors,
           size_t count) {
  if (count != manifest.tensors.size() || (count && !tensors)) {
    std::string names;
    for (const TensorSpec &spec : manifest.tensors)
      names += (names.empty() ? "" : ", ") + spec.name;
    return argumentError(manifest.kernel + ": takes " +
                         llvm::Twine(manifest.tensors.size()) + " tensors (" +
                         names + "), not " + llvm::Twine(count));
  }
  std::vector<TensorArg> args;
  for (size_t i = 0; i < count; ++i) {
    auto arg = convert(manifest, i, tensors[i]);
    if (!arg)
      return arg.takeError();
    args.push_back(std::move(*arg));
  }
  return std::move(args);
}

twStatus twKernelCheck(twKernel kernel, const twTensor *const *tensors,
                       size_t count) {
  if (!kernel)
    return nullArgument("kernel");
  auto args = convertAll(kernel->kernel->manifest(), tensors, count);
  if (!args)
    return report(args.takeError());
  return report(kernel->kernel->check(*args));
}

twStatus twKernelLaunch(twKernel kernel, const twTensor *const *tensors,
                        size_t count, void *stream,
                        const twLaunchOptions *options) {
  if (!kernel)
    return nullArgument("kernel");
  auto args = convertAll(kernel->kernel->manifest(), tensors, count);
  if (!args)
    return report(args.takeError());
  LaunchOptions launch;
  launch.stream = static_cast<cuda::Stream>(stream);
  if (options) {
    // Callers built against an older header pass a smaller structure.
    twLaunchOptions given = {};
    std::memcpy(&given, options, std::min(options->size, sizeof(given)));
    launch.sms = given.sms;
    launch.noPdl = given.no_pdl != 0;
  }
  return report(kernel->kernel->launch(*args, launch));
}

twStatus twKernelPrepare(twKernel kernel, int32_t device,
                         twKernelResources *out) {
  if (!kernel)
    return nullArgument("kernel");
  auto info = kernel->kernel->load(device);
  if (!info)
    return report(info.takeError());
  if (out) {
    twKernelResources resources = {out->size, info->registers, info->localBytes,
                                   info->staticSmem, info->maxThreads};
    std::memcpy(out, &resources, std::min(out->size, sizeof(resources)));
  }
  return TW_OK;
}

twStatus twDeviceCount(int32_t *count) {
  if (!count)
    return nullArgument("count");
  *count = 0;
  auto driver = Driver::get();
  if (!driver)
    return report(driver.takeError());
  *count = driver->deviceCount();
  return TW_OK;
}

twStatus twDeviceTarget(int32_t device, char *target, size_t size) {
  if (!target || size == 0)
    return nullArgument("target");
  *target = 0;
  auto driver = Driver::get();
  if (!driver)
    return report(driver.takeError());
  auto info = driver->device(device);
  if (!info)
    return report(info.takeError());
  std::string text = info->target();
  std::strncpy(target, text.c_str(), size - 1);
  target[size - 1] = 0;
  return TW_OK;
}
