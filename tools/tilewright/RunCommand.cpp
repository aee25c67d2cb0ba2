//===- RunCommand.cpp - tilewright run ------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Launch.h"
#include "Simulate.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>

using namespace llvm;
using namespace tilewright;
using namespace tilewright::cli;

static cl::OptionCategory category("Run options");

namespace {
enum class Checking { No, Sample, Full };
}

static cl::opt<Checking> checking(
    "check", cl::ValueOptional, cl::init(Checking::No),
    cl::desc("Compare the outputs with the language's meaning in float64:"),
    cl::values(clEnumValN(Checking::Sample, "",
                          "a random sample of the tiles if there are many; all "
                          "others are checked for being written"),
               clEnumValN(Checking::Sample, "sample", "the same"),
               clEnumValN(Checking::Full, "full",
                          "every tile, however long it takes")),
    cl::cat(category), cl::sub(runCommand));
static cl::opt<std::string> deviceOption(
    "device", cl::init("0"), cl::value_desc("N|sim|reference"),
    cl::desc("The GPU to run on (default 0); or `sim`: the simulator, which "
             "executes the same PTX on the CPU and reports races and "
             "deadlocks; or `reference`: the interpreter that checks compare "
             "with, on the CPU"),
    cl::cat(category), cl::sub(runCommand));
static cl::opt<int>
    repeat("repeat", cl::init(1), cl::value_desc("N"),
           cl::desc("Run N times from the same inputs; the bits of the outputs "
                    "must be the same each time"),
           cl::cat(category), cl::sub(runCommand));

static cl::opt<double> watchdog(
    "watchdog", cl::init(0), cl::value_desc("SECONDS"),
    cl::desc("End a launch that takes longer on the GPU, and run it on the "
             "simulator to say which roles wait for what"),
    cl::cat(category), cl::sub(runCommand));

static double secondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

/// `25 of 1024 tiles`
static std::string tiles(const reference::Result &result) {
  if (result.items == 0)
    return "all of it";
  if (result.evaluatedItems == result.items)
    return formatv("all {0} tile{1}", result.items,
                   result.items == 1 ? "" : "s");
  return formatv("{0} of {1} tiles", result.evaluatedItems, result.items);
}

static Expected<reference::Result> evaluate(const Launch &launch,
                                            double &seconds) {
  reference::Options options;
  options.full = checking == Checking::Full;
  options.seed = launch.seed;
  auto start = std::chrono::steady_clock::now();
  auto result = reference::evaluate(launch.problem, options);
  seconds = secondsSince(start);
  return result;
}

//===----------------------------------------------------------------------===//
// --device reference
//===----------------------------------------------------------------------===//

static Exit runReference(Launch &launch) {
  if (!launch.allocate())
    return Failed;
  double seconds;
  auto result = evaluate(launch, seconds);
  if (!result) {
    report(result.takeError());
    return Failed;
  }
  outs() << "reference: " << tiles(*result)
         << formatv(", {0:e4} operations\n", result->operations);
  errs() << formatv("evaluated in {0:f2} s\n", seconds);
  for (size_t i = 0; i < launch.tensors.size(); ++i) {
    const reference::OutputValues *output = result->outputs[i].get();
    if (!output)
      continue;
    double sum = 0, squares = 0, largest = 0;
    int64_t evaluated = 0;
    for (int64_t at = 0; at < output->size(); ++at) {
      if (output->state(at) != reference::OutputValues::Evaluated)
        continue;
      double value = output->value(at);
      ++evaluated;
      sum += value;
      squares += value * value;
      largest = std::max(largest, std::fabs(value));
    }
    outs() << launch.describe(i) << ": " << evaluated << " of "
           << output->size() << " elements evaluated, "
           << output->count(reference::OutputValues::Untouched)
           << " not written\n"
           << formatv("  norm {0:e5}, largest {1:e5}, sum {2:e5}\n",
                      std::sqrt(squares), largest, sum);
  }
  return Ok;
}

//===----------------------------------------------------------------------===//
// On a GPU
//===----------------------------------------------------------------------===//

/// Everything around the outputs' elements: guard bands, padding, inputs.
static bool checkSurroundings(Launch &launch,
                              ArrayRef<runtime::HostTensor> after,
                              std::string &failure) {
  for (size_t i = 0; i < after.size(); ++i) {
    // Both are told: where a kernel writes too much shows in which of the two
    // it does.
    auto add = [&](Error error) {
      if (error)
        failure += (failure.empty() ? "" : "; ") + toString(std::move(error));
    };
    add(launch.deviceTensors[i].checkGuards());
    add(runtime::DeviceTensor::checkPadding(launch.tensors[i], after[i]));
    if (!failure.empty())
      return false;
    bool isInput = launch.kernel().tensors[i]->mode == dsl::typed::Tensor::In;
    if (isInput && launch.tensors[i].bytes() != after[i].bytes()) {
      failure = "input '" + after[i].name() + "' was changed";
      return false;
    }
  }
  return true;
}

static void print(const reference::CheckReport &report) {
  outs() << formatv("  {0}: {1} of {2} elements compared with float64",
                    report.tensor, report.compared, report.elements);
  if (report.written)
    outs() << formatv(", {0} more were written", report.written);
  if (report.untouched)
    outs() << formatv(", {0} kept their bytes", report.untouched);
  outs() << formatv("\n     norm of the error / norm of the result {0:e2} "
                    "(limit {1:e1})\n",
                    report.relative, report.limit);
  if (!report.worstElement.empty())
    outs() << formatv(
        "     worst element {0} = {1:e5}, reference {2:e5}: {3:f1} "
        "% of its bound\n",
        report.worstElement, report.worstOut, report.worstRef,
        100 * report.worst);
}

/// Compares outputs with the reference if asked to, and says how it ended.
static Exit conclude(Launch &launch, ArrayRef<runtime::HostTensor> outputs,
                     std::string failure) {
  if (!dump(outputs))
    return Failed;
  if (checking != Checking::No && failure.empty()) {
    double seconds;
    auto expected = evaluate(launch, seconds);
    if (!expected) {
      report(expected.takeError());
      return Failed;
    }
    outs() << formatv("  reference: {0} in {1:f1} s\n", tiles(*expected),
                      seconds);
    for (size_t i = 0; i < launch.tensors.size(); ++i) {
      if (!expected->outputs[i])
        continue;
      reference::CheckReport report =
          reference::check(launch.tensors[i], outputs[i], *expected->outputs[i],
                           launch.initialised(i), expected->coverage);
      print(report);
      if (failure.empty())
        failure = report.failure();
    }
  }
  if (!failure.empty()) {
    outs() << (checking == Checking::No ? "run" : "check")
           << ": failed: " << failure << "\n";
    return Failed;
  }
  outs() << (checking == Checking::No
                 ? "run: ok; outputs were not compared (see --check)\n"
                 : "check: ok\n");
  return Ok;
}

namespace {

/// Ends the process where a kernel does not end. A hung kernel keeps the thread
/// that waits for it and all memory of the context, and nothing on the GPU can
/// be asked who waits for whom: but the launch is known, and the simulator
/// executes the same PTX on the same inputs.
class Watchdog {
public:
  explicit Watchdog(Launch &launch) : launch(launch) {
    if (watchdog > 0)
      thread = std::thread([this] { watch(); });
  }
  ~Watchdog() {
    if (!thread.joinable())
      return;
    {
      std::lock_guard<std::mutex> lock(mutex);
      ended = true;
    }
    changed.notify_all();
    thread.join();
  }

private:
  /// What the diagnosis may take, in seconds, before it is given up.
  static constexpr double patience = 120;

  void watch() {
    {
      std::unique_lock<std::mutex> lock(mutex);
      if (changed.wait_for(lock, std::chrono::duration<double>(watchdog),
                           [this] { return ended; }))
        return;
    }
    outs().flush();
    report(
        formatv("{0} {1} has not ended on {2} after {3:f1} s; the same launch "
                "on the simulator:",
                launch.kernel().name, launch.extents(), launch.device->name,
                watchdog.getValue())
            .str());
    std::thread([] {
      std::this_thread::sleep_for(std::chrono::duration<double>(patience));
      report(formatv("the simulator has not ended after {0:f0} s; choose a "
                     "smaller shape that hangs, too",
                     patience)
                 .str());
      leave();
    }).detach();
    std::vector<SimSchedule> schedules;
    bool found = !parseSchedules(schedules);
    for (const SimSchedule &schedule : schedules) {
      std::vector<runtime::HostTensor> after;
      found |= simulate(launch, schedule, after) != Ok;
      if (found)
        break;
    }
    if (!found)
      report("the simulator finds nothing wrong; try other schedules "
             "(--schedule latest,earliest,random:1..8)");
    leave();
  }

  /// Without destructors: the driver's would wait for the kernel.
  [[noreturn]] static void leave() {
    outs().flush();
    errs().flush();
    std::_Exit(Failed);
  }

  Launch &launch;
  std::thread thread;
  std::mutex mutex;
  std::condition_variable changed;
  bool ended = false;
};

} // namespace

static Exit runOnGpu(Launch &launch, int ordinal) {
  if (Exit code = launch.findDevice(ordinal))
    return code;
  if (!launch.compile() || !launch.allocate() || !launch.upload())
    return Failed;
  outs() << launch.kernel().name << " " << launch.extents() << " on "
         << launch.device->name << "\n";
  std::string failure;
  std::vector<runtime::HostTensor> first;
  for (int run = 0; run < repeat; ++run) {
    // Outputs start from the same bytes each time.
    for (size_t i = 0; run && i < launch.tensors.size(); ++i)
      if (launch.kernel().tensors[i]->mode != dsl::typed::Tensor::In)
        if (!report(launch.deviceTensors[i].upload(launch.tensors[i])))
          return Failed;
    {
      Watchdog watch(launch);
      if (!launch.runOnce())
        return Failed;
    }
    std::vector<runtime::HostTensor> after(launch.tensors);
    for (size_t i = 0; i < after.size(); ++i)
      if (!report(launch.deviceTensors[i].download(after[i])))
        return Failed;
    if (!checkSurroundings(launch, after, failure))
      break;
    if (run == 0) {
      first = std::move(after);
      continue;
    }
    for (size_t i = 0; i < after.size() && failure.empty(); ++i)
      if (after[i].bytes() != first[i].bytes())
        failure = formatv("'{0}' has other bits in run {1} than in run 1",
                          after[i].name(), run + 1);
  }
  if (failure.empty() && repeat > 1)
    outs() << "  " << repeat << " runs gave the same bits\n";
  if (failure.empty())
    outs() << "  guard bands, padding and inputs are unchanged\n";
  return conclude(launch, first, failure);
}

//===----------------------------------------------------------------------===//
// On the simulator
//===----------------------------------------------------------------------===//

static Exit runOnSimulator(Launch &launch) {
  std::vector<SimSchedule> schedules;
  if (!parseSchedules(schedules) || !launch.compile() || !launch.allocate())
    return Failed;
  outs() << launch.kernel().name << " " << launch.extents()
         << " on the simulator\n";
  std::vector<runtime::HostTensor> first;
  for (int run = 0; run < repeat; ++run) {
    for (const SimSchedule &schedule : schedules) {
      std::vector<runtime::HostTensor> after;
      if (schedules.size() > 1)
        outs() << "  schedule " << schedule.name << "\n";
      if (Exit code = simulate(launch, schedule, after))
        return code;
      if (first.empty()) {
        first = std::move(after);
        continue;
      }
      for (size_t i = 0; i < after.size(); ++i)
        if (after[i].bytes() != first[i].bytes())
          return conclude(
              launch, first,
              formatv("'{0}' has other bits in run {1} than in run 1{2}",
                      after[i].name(), run + 1,
                      schedules.size() > 1 ? ", schedule " + schedule.name
                                           : ""));
    }
  }
  if (schedules.size() > 1)
    outs() << "  " << schedules.size() << " schedules gave the same bits\n";
  return conclude(launch, first, "");
}

int cli::runRun() {
  int ordinal = 0;
  bool reference = deviceOption == "reference";
  bool simulator = deviceOption == "sim";
  if (!reference && !simulator &&
      (StringRef(deviceOption).getAsInteger(10, ordinal) || ordinal < 0)) {
    report("--device=" + deviceOption +
           ": expected the number of a GPU, `sim` or `reference`");
    return Failed;
  }
  if (repeat < 1) {
    report("--repeat " + Twine(repeat) + ": expected at least 1");
    return Failed;
  }
  if (watchdog < 0 || (watchdog > 0 && (simulator || reference))) {
    report(watchdog < 0 ? "--watchdog: expected a number of seconds"
                        : "--watchdog is for GPUs: the simulator reports a "
                          "deadlock at once");
    return Failed;
  }
  if (!simulator && tracesOrReplacesPtx()) {
    report("--trace and --ptx need --device sim");
    return Failed;
  }
  if (reference && checking == Checking::Sample) {
    report("--device reference is what --check compares with: leave out one "
           "of them");
    return Failed;
  }
  Launch launch;
  if (!launch.prepare())
    return Failed;
  if (simulator)
    return runOnSimulator(launch);
  return reference ? runReference(launch) : runOnGpu(launch, ordinal);
}
