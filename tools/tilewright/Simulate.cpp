//===- Simulate.cpp - tilewright run --device sim -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Simulate.h"
#include "Symbols.h"
#include "tilewright/Sim/Simulator.h"
#include "tilewright/Sim/TensorMap.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"
#include <chrono>

using namespace llvm;
using namespace tilewright;
using namespace tilewright::cli;

static cl::OptionCategory category("Simulator options");

static cl::opt<unsigned>
    sms("sms", cl::init(4), cl::value_desc("N"),
        cl::desc("Multiprocessors that the simulator has (default 4): fewer "
                 "means more tiles for each CTA of a persistent kernel"),
        cl::cat(category), cl::sub(runCommand));
static cl::opt<unsigned> hostThreads(
    "threads", cl::init(0), cl::value_desc("N"),
    cl::desc("Host threads that the simulator runs clusters on (default: all); "
             "results do not depend on it"),
    cl::cat(category), cl::sub(runCommand));
static cl::opt<std::string> schedule(
    "schedule", cl::init("latest"), cl::value_desc("when"),
    cl::desc("When asynchronous work completes on the simulator: latest "
             "(default), earliest, or random:SEED; several, as in "
             "latest,random:1..8, run one after the other from the same "
             "inputs and must give the same bits"),
    cl::cat(category), cl::sub(runCommand));
static cl::opt<unsigned> launches(
    "launches", cl::init(1), cl::value_desc("N"),
    cl::desc(
        "Launch the kernel N times in one stream of the simulator, each "
        "over what the one before left (a kernel with `inout` tensors then "
        "once more alone); launches of a kernel with `pdl` may overlap, "
        "and what that breaks is found"),
    cl::cat(category), cl::sub(runCommand));

static cl::opt<std::string> accumulateModel(
    "fp8-accumulate", cl::init("exact"), cl::value_desc("model"),
    cl::desc("How the simulator's tensor cores sum: exact (default), or "
             "hopper: truncated as measured on the hardware"),
    cl::cat(category), cl::sub(runCommand));

static cl::opt<std::string> ptxFile(
    "ptx", cl::value_desc("file"),
    cl::desc("Run this PTX on the simulator in place of what the compiler "
             "wrote for the kernel: it must have the same entry, parameters "
             "and shared memory"),
    cl::cat(category), cl::sub(runCommand));
static cl::opt<std::string> traceFile(
    "trace", cl::value_desc("file"),
    cl::desc("Write the simulator's timeline as JSON trace events, which "
             "ui.perfetto.dev opens; also of a launch that fails"),
    cl::cat(category), cl::sub(runCommand));
static cl::opt<unsigned>
    traceCtas("trace-ctas", cl::init(4), cl::value_desc("N"),
              cl::desc("CTAs in the timeline, the first ones (default 4)"),
              cl::cat(category), cl::sub(runCommand));
static cl::opt<unsigned> traceEvents(
    "trace-events", cl::init(20000), cl::value_desc("N"),
    cl::desc("Events of each CTA in the timeline, the first ones (default "
             "20000)"),
    cl::cat(category), cl::sub(runCommand));

bool cli::tracesOrReplacesPtx() {
  return !ptxFile.empty() || !traceFile.empty();
}

/// The findings of the first launch that has some, or the sums of all.
static Expected<sim::Report> runLaunches(const sim::Launch &kernel,
                                         sim::Memory &memory,
                                         const sim::Options &options) {
  if (launches == 1)
    return sim::run(kernel, memory, options);
  std::vector<sim::Launch> sequence(launches, kernel);
  auto reports = sim::runSequence(sequence, memory, options);
  if (!reports)
    return reports.takeError();
  sim::Report last = std::move(reports->back());
  for (const sim::Report &report : ArrayRef(*reports).drop_back()) {
    last.warpInstructions += report.warpInstructions;
    last.threadInstructions += report.threadInstructions;
    last.copiedBytes += report.copiedBytes;
  }
  return last;
}

static bool writeTrace(const sim::Trace &trace, StringRef title) {
  std::error_code code;
  raw_fd_ostream os(traceFile, code);
  if (!code) {
    sim::writeTrace(trace, title, os);
    os.close();
    code = os.error();
    os.clear_error();
  }
  if (code)
    return report("cannot write '" + traceFile + "': " + code.message());
  outs() << "  timeline in " << traceFile;
  if (std::string cuts = trace.cuts(); !cuts.empty())
    outs() << ": " << cuts << " (--trace-ctas, --trace-events)";
  outs() << "\n";
  return true;
}

static bool parseAccumulate(sim::Options &options) {
  if (accumulateModel == "exact")
    return true;
  options.accumulate = sim::AccumulateModel::hopper();
  if (accumulateModel == "hopper")
    return true;
  return report("--fp8-accumulate=" + accumulateModel +
                ": expected exact or hopper");
}

bool cli::parseSchedules(std::vector<SimSchedule> &result) {
  SmallVector<StringRef> parts;
  StringRef(schedule).split(parts, ',');
  for (StringRef part : parts) {
    StringRef text = part;
    if (text == "latest") {
      result.push_back({text.str(), sim::Schedule::Latest, 0});
      continue;
    }
    if (text == "earliest") {
      result.push_back({text.str(), sim::Schedule::Earliest, 0});
      continue;
    }
    // Seeds `a..b` include b.
    uint64_t first = 0, last = 0;
    bool isValid = text.consume_front("random:");
    auto [from, to] = text.split("..");
    isValid = isValid && !from.getAsInteger(10, first);
    last = first;
    if (text.contains(".."))
      isValid = isValid && !to.getAsInteger(10, last) && first <= last &&
                last - first < 1000000;
    if (!isValid)
      return report("--schedule=" + schedule +
                    ": expected latest, earliest, random:SEED or "
                    "random:FIRST..LAST, or several with commas");
    for (uint64_t seed = first; seed <= last; ++seed)
      result.push_back(
          {"random:" + std::to_string(seed), sim::Schedule::Random, seed});
  }
  return true;
}

/// The simulator's tensor map for what the runtime would give the driver.
static Expected<sim::TensorMapBlob> encode(const runtime::TensorMapDesc &desc) {
  auto swizzle = StringSwitch<int>(std::to_string(desc.swizzle))
                     .Case("32", 1)
                     .Case("64", 2)
                     .Case("128", 3)
                     .Default(0);
  sim::TensorMapArgs args;
  args.type = static_cast<int>(desc.type);
  args.rank = desc.rank;
  args.address = desc.address;
  args.dims = ArrayRef(desc.dims).take_front(desc.rank);
  // As the driver's call: the innermost stride is implied.
  args.strides = ArrayRef(desc.strides).slice(1, desc.rank - 1);
  args.box = ArrayRef(desc.box).take_front(desc.rank);
  std::array<uint32_t, 5> ones = {1, 1, 1, 1, 1};
  args.elementStrides = ArrayRef(ones).take_front(desc.rank);
  args.swizzle = swizzle;
  Expected<sim::TensorMap> map = sim::makeTensorMap(args);
  if (!map)
    return map.takeError();
  return sim::encodeTensorMap(*map);
}

/// The bytes of every kernel parameter, in order.
static Error addParams(sim::Launch &launch, const runtime::Manifest &manifest,
                       ArrayRef<runtime::TensorArg> args,
                       const runtime::Bindings &bindings, uint64_t spare) {
  auto addInteger = [&](bool wide, int64_t value) {
    if (wide)
      launch.add(value);
    else
      launch.add(static_cast<int32_t>(value));
  };
  for (const runtime::Param &param : manifest.params) {
    switch (param.kind) {
    case runtime::Param::Kind::TensorMap: {
      auto desc = runtime::describeTensorMap(manifest, param,
                                             args[param.tensor], spare);
      if (!desc)
        return desc.takeError();
      auto blob = encode(*desc);
      if (!blob)
        return blob.takeError();
      launch.add(*blob);
      break;
    }
    case runtime::Param::Kind::Pointer:
      launch.add(args[param.tensor].data);
      break;
    case runtime::Param::Kind::Dim: {
      Expected<int64_t> value = param.expr.evaluate(bindings.dims);
      if (!value)
        return value.takeError();
      addInteger(param.is64, *value);
      break;
    }
    case runtime::Param::Kind::Stride:
      addInteger(param.is64, args[param.tensor].strides[param.dim]);
      break;
    }
  }
  return Error::success();
}

Exit cli::simulate(Launch &launch, const SimSchedule &when,
                   std::vector<runtime::HostTensor> &after) {
  sim::Options options;
  options.schedule = when.schedule;
  options.seed = when.seed;
  if (!traceFile.empty()) {
    options.trace.ctas = std::max(1u, traceCtas.getValue());
    options.trace.events = traceEvents;
  }
  options.threads = hostThreads;
  if (!parseAccumulate(options))
    return Failed;
  if (launches == 0) {
    report("--launches 0: expected at least 1");
    return Failed;
  }
  if (sms == 0) {
    report("--sms 0: expected at least 1");
    return Failed;
  }
  const runtime::Manifest &manifest = launch.loaded->manifest();
  sim::Memory memory;
  std::vector<runtime::TensorArg> args;
  for (const runtime::HostTensor &tensor : launch.tensors) {
    runtime::TensorArg arg;
    arg.data = memory.allocate(tensor.bytes().size(), tensor.name());
    if (!tensor.bytes().empty())
      std::memcpy(memory.resolve(arg.data, tensor.bytes().size()),
                  tensor.bytes().data(), tensor.bytes().size());
    arg.dtype = tensor.dtype();
    arg.shape.assign(tensor.shape().begin(), tensor.shape().end());
    arg.strides.assign(tensor.strides().begin(), tensor.strides().end());
    args.push_back(std::move(arg));
  }
  uint64_t spare = memory.allocate(256, "spare");

  auto fail = [](Error error) {
    report(std::move(error));
    return Failed;
  };
  auto bindings = runtime::bindArguments(manifest, args);
  if (!bindings)
    return fail(bindings.takeError());
  auto grid = runtime::gridSize(manifest, *bindings, static_cast<int>(sms));
  if (!grid)
    return fail(grid.takeError());
  after = launch.tensors;
  if (*grid == 0)
    return Ok;

  sim::Launch kernel;
  kernel.ptx = launch.compiled->ptx;
  if (!ptxFile.empty()) {
    auto text = MemoryBuffer::getFile(ptxFile, /*IsText=*/true);
    if (!text) {
      report("cannot read '" + ptxFile + "': " + text.getError().message());
      return Failed;
    }
    kernel.ptx = (*text)->getBuffer().str();
  }
  kernel.entry = manifest.symbol;
  kernel.grid[0] = *grid;
  kernel.block[0] = manifest.launch.threads;
  for (unsigned d = 0; d < 3; ++d)
    kernel.cluster[d] = manifest.launch.cluster[d];
  kernel.smemBytes = static_cast<uint32_t>(manifest.launch.smem);
  kernel.programmatic = launches > 1 && manifest.launch.pdl;
  kernel.symbols = describeSymbols(launch.compiled->manifest);
  if (Error error = addParams(kernel, manifest, args, *bindings, spare))
    return fail(std::move(error));

  auto start = std::chrono::steady_clock::now();
  Expected<sim::Report> result = runLaunches(kernel, memory, options);
  // What several launches add up to is not what is checked: once more, alone.
  auto isChanged = [](const auto &tensor) {
    return tensor->mode == dsl::typed::Tensor::InOut;
  };
  if (launches > 1 && result && result->ok() &&
      llvm::any_of(launch.kernel().tensors, isChanged)) {
    for (auto [tensor, arg] : llvm::zip_equal(launch.tensors, args))
      if (!tensor.bytes().empty())
        std::memcpy(memory.resolve(arg.data, tensor.bytes().size()),
                    tensor.bytes().data(), tensor.bytes().size());
    result = sim::run(kernel, memory, options);
  }
  double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  if (!result)
    return fail(result.takeError());
  errs() << formatv("simulated in {0:f2} s on {1} thread{2}: {3:f1} million "
                    "thread instructions/s\n",
                    seconds, result->hostThreads,
                    result->hostThreads == 1 ? "" : "s",
                    double(result->threadInstructions) / seconds / 1e6);
  outs() << formatv("  {0} CTAs, {1} warp instructions, {2} bytes copied\n",
                    *grid, result->warpInstructions, result->copiedBytes);
  if (!traceFile.empty() &&
      !writeTrace(result->trace,
                  (launch.kernel().name + " " + launch.extents()).str()))
    return Failed;
  if (!result->ok()) {
    outs() << result->str();
    outs() << "run: failed: the simulator has " << result->findings.size()
           << " finding" << (result->findings.size() == 1 ? "" : "s") << "\n";
    return Failed;
  }
  for (auto [tensor, arg] : llvm::zip_equal(after, args))
    if (!tensor.bytes().empty())
      std::memcpy(tensor.bytes().data(),
                  memory.resolve(arg.data, tensor.bytes().size()),
                  tensor.bytes().size());
  return Ok;
}
