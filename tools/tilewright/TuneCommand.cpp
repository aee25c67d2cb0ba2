//===- TuneCommand.cpp - tilewright tune ----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Times a search space on the GPU (--time-to), or says what to time elsewhere
// (--candidates-to: bench/tune.py does it with PyTorch's inputs and clock, each
// result checked), and how far the model's choices are from the best that were
// timed; writes the tables that ship with the kernels (--measured, --table).
// With --fit it predicts for coefficients that it reads from standard input:
// bench/fit_cost_model.py fits with it.
//
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "Launch.h"
#include "Tune.h"
#include "tilewright/Runtime/Bench.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <iostream>

using namespace llvm;
using namespace tilewright;
using namespace tilewright::cli;

static cl::OptionCategory category("Tune options");

static cl::opt<std::string>
    problemsFile("problems", cl::value_desc("file.json"),
                 cl::desc("The extents to choose for: a list of objects such "
                          "as {\"M\": 64, \"N\": 4096, \"K\": 7168}"),
                 cl::cat(category), cl::sub(tuneCommand));
static cl::opt<std::string>
    candidatesFile("candidates-to", cl::value_desc("file.json"),
                   cl::desc("Write which configurations to time, by problem"),
                   cl::cat(category), cl::sub(tuneCommand));
static cl::opt<int> numCandidates("candidates", cl::init(8),
                                  cl::value_desc("N"),
                                  cl::desc("At most this many a problem (8)"),
                                  cl::cat(category), cl::sub(tuneCommand));
static cl::opt<int>
    poolSize("pool", cl::init(40), cl::value_desc("N"),
             cl::desc("At most this many configurations in all (40), beside "
                      "the model's choices"),
             cl::cat(category), cl::sub(tuneCommand));
static cl::opt<std::string>
    measuredFile("measured", cl::value_desc("file.json"),
                 cl::desc("Times of configurations; prints how far the model's "
                          "choices are from the best"),
                 cl::cat(category), cl::sub(tuneCommand));
static cl::opt<std::string>
    timesFile("time-to", cl::value_desc("file.json"),
              cl::desc("Time the candidates on the GPU and write the times, in "
                       "the form of --measured"),
              cl::cat(category), cl::sub(tuneCommand));
static cl::opt<int> rounds("rounds", cl::init(10), cl::value_desc("N"),
                           cl::desc("Launches of a candidate (10)"),
                           cl::cat(category), cl::sub(tuneCommand));
static cl::opt<std::string>
    tableFolder("table", cl::value_desc("folder"),
                cl::desc("Write the best of --measured to NAME.json in this "
                         "folder, for each kernel"),
                cl::cat(category), cl::sub(tuneCommand));
static cl::opt<std::string>
    fitFile("fit", cl::Hidden, cl::value_desc("file.json"),
            cl::desc("Predict for coefficients from standard input"),
            cl::cat(category), cl::sub(tuneCommand));

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

static bool complain(const Twine &message) {
  errs() << "error: " << message << "\n";
  return false;
}

static std::optional<json::Array> readList(StringRef path) {
  auto buffer = MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer) {
    complain("cannot read '" + path + "': " + buffer.getError().message());
    return std::nullopt;
  }
  Expected<json::Value> value = json::parse((*buffer)->getBuffer());
  if (!value) {
    complain("'" + path + "': " + toString(value.takeError()));
    return std::nullopt;
  }
  if (!value->getAsArray()) {
    complain("'" + path + "' is no JSON list");
    return std::nullopt;
  }
  return std::move(*value->getAsArray());
}

static bool toExtents(const json::Object *object, Extents &extents) {
  if (!object)
    return complain("a problem is no object of extents");
  for (const auto &[name, value] : *object) {
    auto number = value.getAsInteger();
    if (!number)
      return complain("the extent of " + StringRef(name) + " is no number");
    extents[name.str()] = *number;
  }
  return true;
}

static json::Object toJSON(const Extents &extents) {
  json::Object object;
  for (const auto &[name, value] : extents)
    object[name] = value;
  return object;
}

static std::string describe(const Extents &extents) {
  std::string text;
  for (const auto &[name, value] : extents)
    text += (text.empty() ? "" : " ") + name + "=" + std::to_string(value);
  return text;
}

/// One configuration of one kernel, timed or to be predicted.
struct Sample {
  std::string kernel;
  Configuration configuration;
  Extents extents;
  double microseconds = 0;
};

static bool toSample(const json::Value &value, Sample &sample) {
  const json::Object *object = value.getAsObject();
  auto kernel = object ? object->getString("kernel") : std::nullopt;
  const json::Object *constants =
      object ? object->getObject("constants") : nullptr;
  if (!kernel || !constants)
    return complain("an entry lacks 'kernel' or 'constants'");
  sample.kernel = kernel->str();
  for (const auto &[name, constant] : *constants) {
    auto text = constant.getAsString();
    sample.configuration.constants[name.str()] =
        text ? text->str() : formatv("{0}", constant).str();
  }
  if (const json::Object *hints = object->getObject("hints"))
    for (const auto &[name, hint] : *hints)
      sample.configuration.hints[name.str()] = hint.getAsInteger().value_or(0);
  sample.microseconds = object->getNumber("microseconds").value_or(0);
  return toExtents(object->getObject("dims"), sample.extents);
}

/// The profile of one configuration that need not lie in the declared space.
static const SpacePoint *profileOf(const std::string &path,
                                   const Configuration &configuration,
                                   std::vector<KernelSpace> &keep) {
  CompileOptions options;
  options.constants = configuration.constants;
  options.hints = configuration.hints;
  std::string silent;
  raw_string_ostream os(silent);
  std::optional<KernelSpace> space = openSpace(path, options, os);
  if (!space)
    return nullptr;
  keep.push_back(*space);
  return &space->space->points().front();
}

//===----------------------------------------------------------------------===//
// Fitting
//===----------------------------------------------------------------------===//

/// One line of coefficients in, one line of predictions out.
static bool serveFit() {
  std::optional<json::Array> list = readList(fitFile);
  if (!list)
    return false;
  struct Point {
    const SpacePoint *point;
    SmallVector<int64_t, 4> dims;
  };
  std::vector<Point> points;
  std::vector<KernelSpace> keep;
  std::map<std::string, const SpacePoint *> known;
  for (const json::Value &value : *list) {
    Sample sample;
    if (!toSample(value, sample))
      return false;
    std::string key = sample.kernel + " " + sample.configuration.str();
    auto [it, fresh] = known.try_emplace(key, nullptr);
    if (fresh)
      it->second = profileOf(sample.kernel, sample.configuration, keep);
    Point point{it->second, {}};
    if (point.point)
      for (const std::string &name : point.point->profile.dims)
        point.dims.push_back(sample.extents[name]);
    points.push_back(std::move(point));
  }
  std::string line;
  while (std::getline(std::cin, line)) {
    Expected<json::Value> value = json::parse(line);
    if (!value || !value->getAsObject()) {
      consumeError(value.takeError());
      return complain("a line is no object of coefficients");
    }
    tuning::Machine machine = tuning::defaultMachine();
    for (auto [name, field] : tuning::coefficientFields())
      if (auto number = value->getAsObject()->getNumber(name))
        machine.fitted.*field = *number;
    if (auto number = value->getAsObject()->getNumber("residentClusters4"))
      machine.residentClusters4 = static_cast<int64_t>(*number);
    if (auto number = value->getAsObject()->getNumber("residentClusters8"))
      machine.residentClusters8 = static_cast<int64_t>(*number);
    json::Array predictions;
    for (const Point &point : points) {
      if (!point.point) {
        predictions.push_back(nullptr);
        continue;
      }
      tuning::Prediction p = predict(point.point->profile, point.dims, machine);
      predictions.push_back(p.total);
    }
    outs() << json::Value(std::move(predictions)) << "\n";
    outs().flush();
  }
  return true;
}

//===----------------------------------------------------------------------===//
// What to time
//===----------------------------------------------------------------------===//

static bool writeJSON(StringRef path, json::Value value) {
  Error error = writeToOutput(path, [&](raw_ostream &os) {
    os << formatv("{0:2}\n", value);
    return Error::success();
  });
  if (!error)
    return true;
  return complain("cannot write '" + path + "': " + toString(std::move(error)));
}

namespace {
/// The problems of --problems, and which configurations to time for each.
struct Candidates {
  std::vector<Extents> problems;
  std::vector<std::vector<RankedCandidate>> ranks;
};
} // namespace

static std::optional<Candidates>
chooseCandidates(ArrayRef<KernelSpace> spaces, const tuning::Machine &machine) {
  std::optional<json::Array> list = readList(problemsFile);
  if (!list)
    return std::nullopt;
  Candidates result;
  std::vector<Extents> &problems = result.problems;
  std::vector<std::vector<RankedCandidate>> &ranks = result.ranks;
  for (const json::Value &value : *list) {
    Extents extents;
    if (!toExtents(value.getAsObject(), extents))
      return std::nullopt;
    ranks.push_back(rankAll(spaces, extents, machine));
    problems.push_back(std::move(extents));
  }
  // The model's choices, then what comes next for most problems, by how close
  // it is predicted to be.
  std::map<const SpacePoint *, double> weight;
  SetVector<const SpacePoint *> pool;
  std::vector<const SpacePoint *> others; // In the order of their first use.
  for (const auto &rank : ranks) {
    if (rank.empty())
      continue;
    pool.insert(rank.front().candidate.point);
    for (const RankedCandidate &each : rank) {
      double ratio = each.candidate.prediction.total /
                     rank.front().candidate.prediction.total;
      if (ratio > 1.25)
        break;
      auto [it, fresh] = weight.try_emplace(each.candidate.point, 0);
      if (fresh)
        others.push_back(each.candidate.point);
      it->second += std::exp(-30 * (ratio - 1));
    }
  }
  while (!others.empty() &&
         pool.size() < static_cast<size_t>(std::max<int>(poolSize, 1))) {
    auto most = llvm::max_element(
        others, [&](const SpacePoint *a, const SpacePoint *b) {
          return weight[a] < weight[b];
        });
    pool.insert(*most);
    others.erase(most);
  }
  for (auto &rank : ranks) {
    erase_if(rank, [&](const RankedCandidate &each) {
      return !pool.contains(each.candidate.point);
    });
    rank.resize(std::min<size_t>(rank.size(), std::max<int>(numCandidates, 1)));
  }
  return result;
}

static json::Object toJSON(const Configuration &configuration) {
  json::Object constants, hints;
  for (const auto &[name, text] : configuration.constants)
    constants[name] = text;
  for (const auto &[name, number] : configuration.hints)
    hints[name] = number;
  return json::Object{{"constants", std::move(constants)},
                      {"hints", std::move(hints)}};
}

static bool writeCandidates(ArrayRef<KernelSpace> spaces,
                            const tuning::Machine &machine) {
  std::optional<Candidates> chosen = chooseCandidates(spaces, machine);
  if (!chosen)
    return false;
  json::Array out;
  SetVector<const SpacePoint *> used;
  for (auto [extents, rank] : zip_equal(chosen->problems, chosen->ranks)) {
    json::Array candidates;
    for (const RankedCandidate &each : rank) {
      used.insert(each.candidate.point);
      json::Object entry = toJSON(each.candidate.point->configuration);
      entry["kernel"] = each.space->path;
      entry["predicted"] = each.candidate.prediction.total;
      candidates.push_back(std::move(entry));
    }
    out.push_back(json::Object{{"dims", toJSON(extents)},
                               {"candidates", std::move(candidates)}});
  }
  outs() << formatv("{0} problems, {1} configurations in all\n",
                    chosen->problems.size(), used.size());
  return writeJSON(candidatesFile, std::move(out));
}

/// Times the candidates on the GPU, each kernel compiled once.
static Exit timeCandidates(ArrayRef<KernelSpace> spaces,
                           const tuning::Machine &machine) {
  std::optional<Candidates> chosen = chooseCandidates(spaces, machine);
  if (!chosen)
    return Failed;
  std::map<const SpacePoint *, std::shared_ptr<runtime::Kernel>> kernels;
  json::Array times;
  for (auto [extents, rank] : zip_equal(chosen->problems, chosen->ranks))
    for (const RankedCandidate &each : rank) {
      const Configuration &c = each.candidate.point->configuration;
      Launch launch({each.space->path, c.constants, c.hints, extents});
      if (!launch.prepare())
        return Failed;
      if (Exit code = launch.findDevice(0))
        return code;
      launch.loaded = kernels[each.candidate.point];
      if (!launch.compile() || !launch.allocate() || !launch.upload())
        return Failed;
      kernels[each.candidate.point] = launch.loaded;
      runtime::BenchOptions options;
      options.rounds = std::max<int>(rounds, 1);
      auto timing = runtime::timeLaunches(
          *launch.driver, launch.ordinal,
          [&](cuda::Stream stream) { return launch.enqueue(stream); }, options);
      if (!timing) {
        report(timing.takeError());
        return Failed;
      }
      json::Object entry = toJSON(c);
      entry["kernel"] = each.space->path;
      entry["dims"] = toJSON(extents);
      entry["microseconds"] = timing->median;
      times.push_back(std::move(entry));
    }
  return writeJSON(timesFile, std::move(times)) ? Ok : Failed;
}

//===----------------------------------------------------------------------===//
// What was timed
//===----------------------------------------------------------------------===//

namespace {
struct Timed {
  const KernelSpace *space;
  const Sample *sample;
  double predicted;
};
} // namespace

/// Whether a point says the same as what was timed. A hint of 0 is the default.
static bool same(const Configuration &a, const Configuration &b) {
  auto strip = [](std::map<std::string, int64_t> hints) {
    for (auto it = hints.begin(); it != hints.end();)
      it = it->second == 0 ? hints.erase(it) : std::next(it);
    return hints;
  };
  return a.constants == b.constants && strip(a.hints) == strip(b.hints);
}

static bool reportMeasured(ArrayRef<KernelSpace> spaces,
                           const tuning::Machine &machine, StringRef file) {
  std::optional<json::Array> list = readList(file);
  if (!list)
    return false;
  std::vector<Sample> samples;
  std::vector<Extents> problems;
  for (const json::Value &value : *list) {
    Sample sample;
    if (!toSample(value, sample))
      return false;
    if (!is_contained(problems, sample.extents))
      problems.push_back(sample.extents);
    samples.push_back(std::move(sample));
  }
  std::vector<tuning::Table> tables(spaces.size());
  for (auto [table, space] : zip_equal(tables, spaces)) {
    table.kernel = sys::path::stem(space.path).str();
    table.source = tuning::hashSource(space.source);
  }
  double logs = 0, worst = 1;
  size_t count = 0;
  std::string worstProblem;
  outs()
      << "| problem | the model's choice | µs | predicted | the best timed | "
         "µs | choice / best |\n|---|---|---|---|---|---|---|\n";
  for (const Extents &extents : problems) {
    std::vector<Timed> timed;
    for (const Sample &sample : samples) {
      if (sample.extents != extents || sample.microseconds <= 0)
        continue;
      for (const KernelSpace &space : spaces)
        if (sys::path::filename(space.path) ==
            sys::path::filename(sample.kernel))
          for (const RankedCandidate &each : rankAll(space, extents, machine))
            if (same(each.candidate.point->configuration,
                     sample.configuration)) {
              timed.push_back(
                  {&space, &sample, each.candidate.prediction.total});
              break;
            }
    }
    if (timed.empty()) {
      errs() << "note: " << describe(extents)
             << ": nothing of the space was timed\n";
      continue;
    }
    auto best = llvm::min_element(timed, [](const Timed &a, const Timed &b) {
      return a.sample->microseconds < b.sample->microseconds;
    });
    auto choice = llvm::min_element(timed, [](const Timed &a, const Timed &b) {
      return a.predicted < b.predicted;
    });
    double ratio = choice->sample->microseconds / best->sample->microseconds;
    logs += std::log(ratio);
    ++count;
    if (ratio > worst) {
      worst = ratio;
      worstProblem = describe(extents);
    }
    auto name = [](const Timed &each) {
      return (sys::path::stem(each.sample->kernel) + " " +
              each.sample->configuration.str())
          .str();
    };
    outs() << formatv(
        "| {0} | {1} | {2:f2} | {3:f2} | {4} | {5:f2} | {6:f3} |\n",
        describe(extents), name(*choice), choice->sample->microseconds,
        choice->predicted, name(*best), best->sample->microseconds, ratio);
    // The best of each kernel: its table serves those who load it alone.
    for (size_t i = 0; i < spaces.size(); ++i) {
      const Timed *least = nullptr;
      for (const Timed &each : timed)
        if (each.space == &spaces[i] &&
            (!least || each.sample->microseconds < least->sample->microseconds))
          least = &each;
      if (!least)
        continue;
      tuning::TableEntry entry;
      for (const auto &[dim, value] : extents)
        entry.dims[dim] = {value, value};
      entry.configuration = least->sample->configuration;
      entry.microseconds = least->sample->microseconds;
      tables[i].chips[machine.name].push_back(std::move(entry));
    }
  }
  if (!count)
    return complain("none of the times belong to these kernels");
  outs() << formatv("\n{0} problems: geometric mean {1:f4}, worst {2:f4}{3}\n",
                    count, std::exp(logs / double(count)), worst,
                    worstProblem.empty() ? "" : " (" + worstProblem + ")");
  if (tableFolder.empty())
    return true;
  if (std::error_code error = sys::fs::create_directories(tableFolder))
    return complain("cannot make '" + tableFolder + "': " + error.message());
  for (const tuning::Table &table : tables) {
    if (table.chips.empty())
      continue;
    SmallString<128> path(tableFolder);
    sys::path::append(path, table.kernel + ".json");
    if (!writeJSON(path, table.toJSON()))
      return false;
    outs() << "wrote " << path << "\n";
  }
  return true;
}

int cli::runTune() {
  if (!fitFile.empty())
    return serveFit() ? Ok : Failed;
  const tuning::Machine *machine = getMachine();
  std::optional<std::vector<KernelSpace>> spaces = openSpaces();
  if (!machine || !spaces)
    return Failed;
  if ((!candidatesFile.empty() || !timesFile.empty()) && problemsFile.empty()) {
    complain("--candidates-to and --time-to need --problems");
    return Failed;
  }
  if (!candidatesFile.empty())
    return writeCandidates(*spaces, *machine) ? Ok : Failed;
  if (!timesFile.empty()) {
    if (Exit code = timeCandidates(*spaces, *machine))
      return code;
    return reportMeasured(*spaces, *machine, timesFile) ? Ok : Failed;
  }
  if (!measuredFile.empty())
    return reportMeasured(*spaces, *machine, measuredFile) ? Ok : Failed;
  complain("nothing to do: say --problems and --time-to (or --candidates-to), "
           "or --measured");
  return Failed;
}
