//===- Launch.cpp - what `run` and `bench` share --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Launch.h"
#include "tilewright/Runtime/Errors.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <unistd.h>

using namespace llvm;
using namespace tilewright;
using namespace tilewright::cli;
namespace typed = tilewright::dsl::typed;

static cl::OptionCategory category("Launch options");

static cl::list<std::string>
    scalars("arg", cl::value_desc("NAME=NUMBER"),
            cl::desc("The value of a scalar argument: --arg eps=1e-6"),
            cl::cat(category), cl::sub(runCommand), cl::sub(benchCommand));
static cl::opt<uint64_t> seedOption(
    "seed", cl::init(0), cl::value_desc("N"),
    cl::desc("Chooses the random inputs, and the tiles that a check takes"),
    cl::cat(category), cl::sub(runCommand), cl::sub(benchCommand));

bool cli::report(const Twine &message) {
  errs() << "error: " << message << "\n";
  return false;
}

bool cli::report(Error error) {
  if (!error)
    return true;
  return report(toString(std::move(error)));
}

//===----------------------------------------------------------------------===//
// The kernel and its extents
//===----------------------------------------------------------------------===//

bool Launch::instantiate() {
  std::string path = subject ? subject->path : getInputFile();
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer =
      MemoryBuffer::getFileOrSTDIN(path, /*IsText=*/true);
  if (!buffer)
    return report("cannot read '" + path + "': " + buffer.getError().message());
  if (!subject && !chooseForShape(options, (*buffer)->getBuffer()))
    return false;
  sources.AddNewSourceBuffer(std::move(*buffer), {});
  diags = std::make_unique<dsl::Diagnostics>(sources, &errs());
  dsl::File file = dsl::parse(sources, sources.getMainFileID(), ast, *diags);
  std::optional<typed::Target> target = dsl::parseTarget(options.target);
  if (!target)
    return report("unknown target '" + options.target +
                  "'; known are sm_90a and sm_100a");
  if (diags->hasErrors() || !dsl::check(file, *diags))
    return false;
  dsl::InstantiateOptions instantiation;
  instantiation.kernel = options.kernel;
  instantiation.constants = options.constants;
  instantiation.baked = options.bake;
  instantiation.defaultsFromTune = options.defaultsFromTune;
  instantiation.target = *target;
  instance = dsl::instantiate(file, instantiation, *diags);
  problem.kernel = instance.get();
  problem.sources = &sources;
  return instance != nullptr;
}

/// `M=…,N=…`
static std::string example(ArrayRef<const typed::Dim *> dims) {
  std::string text;
  for (const typed::Dim *dim : dims)
    text += (text.empty() ? "" : ",") + dim->name.str() + "=…";
  return text;
}

static std::string names(ArrayRef<const typed::Dim *> dims) {
  std::string text;
  for (const typed::Dim *dim : dims)
    text += (text.empty() ? "" : ", ") + dim->name.str();
  return text.empty() ? "none" : text;
}

bool Launch::bindExtents() {
  std::map<std::string, int64_t> given;
  if (subject)
    given = subject->extents;
  else if (!getShape(given))
    return false;
  SmallVector<const typed::Dim *> missing, open;
  for (const typed::Dim *dim : instance->dims) {
    auto it = given.find(dim->name.str());
    if (dim->baked) {
      if (it != given.end() && it->second != *dim->baked)
        return report("--shape " + dim->name + "=" + Twine(it->second) + ": " +
                      dim->name + " is fixed at " + Twine(*dim->baked) +
                      " when the kernel is compiled");
      problem.dims[dim->name.str()] = *dim->baked;
    } else {
      open.push_back(dim);
      if (it == given.end())
        missing.push_back(dim);
      else
        problem.dims[dim->name.str()] = it->second;
    }
    if (it != given.end())
      given.erase(it);
  }
  if (!given.empty())
    return report("--shape " + given.begin()->first + "=" +
                  Twine(given.begin()->second) + ": " + instance->name +
                  " has no dimension '" + given.begin()->first + "'; it has " +
                  names(instance->dims));
  if (!missing.empty())
    return report("--shape lacks " + names(missing) + ": " + instance->name +
                  " needs --shape " + example(open));
  return report(reference::checkRequirements(problem));
}

bool Launch::bindScalars() {
  std::map<std::string, std::string> given;
  if (!parsePairs("--arg", scalars, given))
    return false;
  for (const typed::Var *scalar : instance->scalars) {
    auto it = given.find(scalar->name.str());
    if (it == given.end())
      return report(instance->name + " needs --arg " + scalar->name +
                    "=…: a scalar argument of type " +
                    typed::spelling(scalar->type.elem));
    double value;
    if (StringRef(it->second).getAsDouble(value))
      return report("--arg " + it->first + "=" + it->second +
                    ": expected a number");
    problem.scalars[it->first] = value;
    given.erase(it);
  }
  if (!given.empty())
    return report("--arg " + given.begin()->first + ": " + instance->name +
                  " has no scalar argument '" + given.begin()->first + "'");
  return true;
}

bool Launch::prepare() {
  seed = seedOption;
  if (!getCompileOptions(options))
    return false;
  if (subject) {
    options.constants = subject->constants;
    options.hints = subject->hints;
  }
  return instantiate() && bindExtents() && bindScalars();
}

std::string Launch::extents() const {
  std::string text;
  for (const typed::Dim *dim : instance->dims)
    text += (text.empty() ? "" : " ") + dim->name.str() + "=" +
            std::to_string(problem.dims.at(dim->name.str()));
  return text;
}

//===----------------------------------------------------------------------===//
// Device and kernel
//===----------------------------------------------------------------------===//

Exit Launch::findDevice(int number) {
  ordinal = number;
  auto handle = [](Error error) {
    Exit code = Failed;
    handleAllErrors(
        std::move(error),
        [&](const runtime::NoGpuError &missing) {
          errs() << "no GPU: ";
          missing.log(errs());
          errs() << "\n";
          code = NoGpu;
        },
        [&](const ErrorInfoBase &other) { report(other.message()); });
    return code;
  };
  Expected<runtime::Driver &> found = runtime::Driver::get();
  if (!found)
    return handle(found.takeError());
  driver = &*found;
  Expected<const runtime::DeviceInfo &> info = driver->device(ordinal);
  if (!info)
    return handle(info.takeError());
  device = &*info;
  return Ok;
}

bool Launch::compile() {
  if (loaded)
    return true;
  if (!instance->scalars.empty())
    return report("scalar arguments cannot be given to a GPU launch yet; "
                  "--device reference takes them");
  const MemoryBuffer *source = sources.getMemoryBuffer(sources.getMainFileID());
  compiled = tilewright::compile(
      MemoryBuffer::getMemBufferCopy(source->getBuffer(),
                                     source->getBufferIdentifier()),
      options, errs());
  if (!compiled)
    return false;
  runtime::Artefact artefact;
  bool assembled = !compiled->cubin.empty();
  artefact.kind =
      assembled ? runtime::Artefact::Kind::Cubin : runtime::Artefact::Kind::Ptx;
  artefact.image = assembled ? compiled->cubin : compiled->ptx;
  artefact.manifest = compiled->manifestText();
  auto created = runtime::Kernel::create(std::move(artefact));
  if (!created)
    return report(created.takeError());
  loaded = std::move(*created);
  return true;
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

/// Strides with dimension `major` contiguous and, if `padded`, the next one a
/// multiple of 16 bytes: what a tensor map needs (CUDA driver API,
/// cuTensorMapEncodeTiled: globalStrides).
static SmallVector<int64_t, 5> stridesOf(runtime::DType type,
                                         ArrayRef<int64_t> shape,
                                         unsigned major, bool padded) {
  SmallVector<int64_t, 5> strides(shape.size(), 1);
  if (shape.empty())
    return strides;
  int64_t step = std::max<int64_t>(shape[major], 1);
  if (padded)
    step = alignTo(step, 128 / runtime::bits(type));
  for (size_t d = shape.size(); d-- > 0;) {
    if (d == major)
      continue;
    strides[d] = step;
    step *= std::max<int64_t>(shape[d], 1);
  }
  return strides;
}

bool Launch::initialised(size_t tensor) const {
  return reference::readsInitialValues(*instance, *instance->tensors[tensor]);
}

std::string Launch::describe(size_t tensor) const {
  std::string text = tensors[tensor].name() + " " +
                     runtime::name(tensors[tensor].dtype()).str() + "[";
  for (size_t d = 0; d < tensors[tensor].shape().size(); ++d)
    text += (d ? ", " : "") + std::to_string(tensors[tensor].shape()[d]);
  return text + "]";
}

uint64_t Launch::bytes() const {
  uint64_t total = 0;
  for (const runtime::HostTensor &tensor : tensors)
    total += runtime::byteSize(tensor.dtype(), tensor.elements());
  return total;
}

bool Launch::allocate() {
  struct Plan {
    runtime::DType type;
    SmallVector<int64_t, 5> shape, strides;
  };
  std::vector<Plan> plans;
  double total = 0;
  for (const typed::Tensor *tensor : instance->tensors) {
    auto type = reference::storageType(problem, *tensor);
    if (!type)
      return report(type.takeError());
    auto shape = reference::tensorShape(problem, *tensor);
    if (!shape)
      return report(shape.takeError());
    double bytes = runtime::bits(*type) / 8.0;
    for (int64_t extent : *shape)
      bytes *= static_cast<double>(std::max<int64_t>(extent, 1));
    total += bytes;
    if (total > 1e15)
      return report("tensor '" + tensor->name + "' would take " +
                    formatv("{0:e1}", bytes).str() + " bytes");
    bool padded = tensor->mode == typed::Tensor::In;
    if (loaded) {
      const runtime::Manifest &manifest = loaded->manifest();
      for (const runtime::Param &param : manifest.params)
        padded |= param.kind == runtime::Param::Kind::TensorMap &&
                  manifest.tensors[param.tensor].name == tensor->name;
    }
    plans.push_back(
        {*type, *shape, stridesOf(*type, *shape, tensor->major, padded)});
  }
  double memory = static_cast<double>(sysconf(_SC_PHYS_PAGES)) *
                  static_cast<double>(sysconf(_SC_PAGE_SIZE));
  if (memory > 0 && total > 0.8 * memory)
    return report(formatv("the tensors take {0:f1} GiB, and this machine has "
                          "{1:f1} GiB of memory",
                          total / 0x1p30, memory / 0x1p30)
                      .str());
  for (size_t i = 0; i < plans.size(); ++i) {
    auto host =
        runtime::HostTensor::create(instance->tensors[i]->name, plans[i].type,
                                    plans[i].shape, plans[i].strides);
    if (!host)
      return report(host.takeError());
    host->poison();
    if (initialised(i))
      host->fill(runtime::Fill::byType(plans[i].type), seed * 1000003 + i);
    tensors.push_back(std::move(*host));
  }
  for (const runtime::HostTensor &tensor : tensors)
    problem.tensors.push_back(&tensor);
  return true;
}

bool Launch::upload() {
  deviceTensors.clear();
  for (const runtime::HostTensor &tensor : tensors) {
    auto copy = runtime::DeviceTensor::create(*driver, ordinal, tensor);
    if (!copy)
      return report(copy.takeError());
    deviceTensors.push_back(std::move(*copy));
  }
  return true;
}

Error Launch::enqueue(cuda::Stream stream) {
  std::vector<runtime::TensorArg> args;
  for (const runtime::DeviceTensor &tensor : deviceTensors)
    args.push_back(tensor.arg());
  runtime::LaunchOptions launchOptions;
  launchOptions.stream = stream;
  launchOptions.driver = driver;
  return loaded->launch(args, launchOptions);
}

bool Launch::runOnce() {
  auto scope = runtime::ContextScope::enter(*driver, ordinal);
  if (!scope)
    return report(scope.takeError());
  if (Error error = enqueue(nullptr))
    return report(std::move(error));
  return report(
      driver->check(driver->cuCtxSynchronize(), "running " + instance->name));
}
