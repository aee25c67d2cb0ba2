//===- BenchCommand.cpp - tilewright bench --------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Launch.h"
#include "tilewright/Runtime/Bench.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/ToolOutputFile.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace tilewright;
using namespace tilewright::cli;

static cl::OptionCategory category("Bench options");

static cl::opt<int> rounds("rounds", cl::init(20), cl::value_desc("N"),
                           cl::desc("Measured launches (default 20)"),
                           cl::cat(category), cl::sub(benchCommand));
static cl::opt<int> warmup("warmup", cl::init(3), cl::value_desc("N"),
                           cl::desc("Launches before them (default 3)"),
                           cl::cat(category), cl::sub(benchCommand));
static cl::opt<bool>
    noFlush("no-flush",
            cl::desc("Leave the L2 cache as the launch before left it "
                     "(default: it is overwritten before every launch, so "
                     "that operands come from memory)"),
            cl::cat(category), cl::sub(benchCommand));
static cl::opt<int> deviceOption("device", cl::init(0), cl::value_desc("N"),
                                 cl::desc("The GPU to run on (default 0)"),
                                 cl::cat(category), cl::sub(benchCommand));
static cl::opt<std::string>
    jsonFile("json", cl::value_desc("file"),
             cl::desc("Also write the result to this file (`-`: standard "
                      "output, instead of the text)"),
             cl::cat(category), cl::sub(benchCommand));

static Exit bench() {
  if (rounds < 1 || warmup < 0) {
    report("--rounds must be at least 1 and --warmup at least 0");
    return Failed;
  }
  Launch launch;
  if (!launch.prepare())
    return Failed;
  if (Exit code = launch.findDevice(deviceOption))
    return code;
  if (!launch.compile() || !launch.allocate() || !launch.upload())
    return Failed;
  // Operations that the language asks for, on elements inside the tensors:
  // work on padding is no achievement.
  double operations = 0;
  if (auto counts = reference::count(launch.problem))
    operations = counts->operations;
  else
    errs() << "note: operations are not counted: "
           << toString(counts.takeError()) << "\n";
  runtime::BenchOptions options;
  options.rounds = rounds;
  options.warmup = warmup;
  options.flushL2 = !noFlush;
  auto timing = runtime::timeLaunches(
      *launch.driver, launch.ordinal,
      [&](cuda::Stream stream) { return launch.enqueue(stream); }, options);
  if (!timing) {
    report(timing.takeError());
    return Failed;
  }
  auto bytes = static_cast<double>(launch.bytes());
  auto perMicrosecond = [](double amount, double time, double unit) {
    return time > 0 ? amount / time * 1e6 / unit : 0;
  };
  double tflops = perMicrosecond(operations, timing->median, 1e12);
  double gbps = perMicrosecond(bytes, timing->median, 1e9);
  if (jsonFile != "-") {
    outs() << formatv("{0} {1} on {2}\n", launch.kernel().name,
                      launch.extents(), launch.device->name)
           << formatv("  median {0:f2} us, min {1:f2}, max {2:f2} ({3} "
                      "launches, L2 cache {4})\n",
                      timing->median, timing->minimum, timing->maximum,
                      timing->microseconds.size(),
                      noFlush ? "warm" : "flushed");
    if (operations > 0)
      outs() << formatv("  {0:f1} TFLOPS ({1:e4} operations), ", tflops,
                        operations);
    else
      outs() << "  ";
    outs() << formatv("{0:f1} GB/s ({1} bytes, each tensor once)\n", gbps,
                      launch.bytes());
  }
  if (jsonFile.empty())
    return Ok;
  json::Object shape, constants;
  for (const auto &[name, extent] : launch.problem.dims)
    shape[name] = extent;
  for (const auto &[name, value] : launch.kernel().constants)
    constants[name] = value.str();
  json::Object result{
      {"kernel", launch.kernel().name.str()},
      {"device", launch.device->name},
      {"arch", launch.options.target},
      {"constants", std::move(constants)},
      {"shape", std::move(shape)},
      {"seed", static_cast<int64_t>(launch.seed)},
      {"median_us", timing->median},
      {"min_us", timing->minimum},
      {"max_us", timing->maximum},
      {"times_us", json::Array(timing->microseconds)},
      {"warmup", warmup.getValue()},
      {"flush_l2", !noFlush},
      {"operations", operations},
      {"tflops", tflops},
      {"bytes", static_cast<int64_t>(launch.bytes())},
      {"gbps", gbps},
      {"compiler", compilerVersion()},
      {"assembler", launch.compiled->assembler.describe()},
  };
  if (json::Value *resources = launch.compiled->manifest.get("resources"))
    result["resources"] = *resources;
  std::string text = formatv("{0:2}\n", json::Value(std::move(result)));
  if (jsonFile == "-") {
    outs() << text;
    return Ok;
  }
  Error error = writeToOutput(jsonFile, [&](raw_ostream &os) {
    os << text;
    return Error::success();
  });
  if (error) {
    report("cannot write '" + jsonFile + "': " + toString(std::move(error)));
    return Failed;
  }
  return Ok;
}

int cli::runBench() { return bench(); }
