//===- Choosing.cpp - the choice of constants on the command line ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "Tune.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace llvm;
using namespace tilewright;
using namespace tilewright::cli;
using tuning::Prediction;

static cl::OptionCategory category("Choice options");

static cl::list<std::string>
    shapes("shape", cl::value_desc("NAME=EXTENT,…"),
           cl::desc("The extents of the launch, by the kernel's dimension "
                    "letters: --shape M=4096,N=4096,K=7168. Constants without "
                    "-D are chosen for them"),
           cl::cat(category), cl::sub(runCommand), cl::sub(benchCommand),
           cl::sub(compileCommand), cl::sub(infoCommand));
static cl::opt<std::string>
    chip("chip", cl::value_desc("name"),
         cl::desc("The chip to choose constants for: h100 or h200 (default)"),
         cl::cat(category), cl::sub(cl::SubCommand::getAll()));
static cl::list<std::string>
    also("also", cl::value_desc("file.tw"),
         cl::desc("A further kernel that does the same, to choose from too"),
         cl::cat(category), cl::sub(infoCommand), cl::sub(tuneCommand));
static cl::opt<int> numShown("top", cl::init(8), cl::value_desc("N"),
                             cl::desc("How many configurations --why shows"),
                             cl::cat(category), cl::sub(infoCommand));

bool cli::getShape(std::map<std::string, int64_t> &extents) {
  return parseExtents("--shape", shapes, extents);
}

const tuning::Machine *cli::getMachine() {
  if (chip.empty())
    return &tuning::defaultMachine();
  const tuning::Machine *machine = tuning::findMachine(chip);
  if (!machine)
    errs() << "error: --chip " << chip << ": known are h100 and h200\n";
  return machine;
}

bool cli::chooseForShape(CompileOptions &options, StringRef source) {
  Extents extents;
  const tuning::Machine *machine = getMachine();
  if (!machine || !getShape(extents))
    return false;
  std::optional<Choice> choice;
  if (!chooseConstants(options, source, getInputFile(), extents, *machine,
                       errs(), &choice))
    return false;
  if (choice)
    errs() << formatv("note: chosen for {0}: {1} ({2} {3:f1} us)\n",
                      machine->name, choice->configuration.str(),
                      choice->measured ? "table: measured" : "model: predicted",
                      choice->measured ? *choice->measured
                                       : choice->prediction->total);
  return true;
}

std::optional<KernelSpace> cli::openSpace(const std::string &path,
                                          const CompileOptions &options,
                                          raw_ostream &diagnostics) {
  auto buffer = MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer) {
    errs() << "error: cannot read '" << path
           << "': " << buffer.getError().message() << "\n";
    return std::nullopt;
  }
  KernelSpace space;
  space.path = path;
  space.source = (*buffer)->getBuffer().str();
  space.space = Space::get(space.source, path, options, diagnostics);
  if (!space.space)
    return std::nullopt;
  return space;
}

std::optional<std::vector<KernelSpace>> cli::openSpaces() {
  CompileOptions options;
  if (!getCompileOptions(options))
    return std::nullopt;
  std::vector<std::string> paths{getInputFile()};
  paths.insert(paths.end(), also.begin(), also.end());
  std::vector<KernelSpace> spaces;
  for (const std::string &path : paths) {
    std::optional<KernelSpace> space = openSpace(path, options, errs());
    if (!space)
      return std::nullopt;
    spaces.push_back(std::move(*space));
  }
  return spaces;
}

std::vector<RankedCandidate> cli::rankAll(ArrayRef<KernelSpace> spaces,
                                          const Extents &extents,
                                          const tuning::Machine &machine) {
  std::vector<RankedCandidate> all;
  for (const KernelSpace &space : spaces)
    for (const Candidate &each : space.space->rank(extents, machine))
      all.push_back({&space, each});
  // Between equals the kernel that is named first, then the declaration.
  llvm::sort(all, [](const RankedCandidate &a, const RankedCandidate &b) {
    return std::tie(a.candidate.prediction.total, a.space, a.candidate.point) <
           std::tie(b.candidate.prediction.total, b.space, b.candidate.point);
  });
  return all;
}

//===----------------------------------------------------------------------===//
// info --why
//===----------------------------------------------------------------------===//

namespace {
struct Part {
  const char *name;
  double Prediction::*time;
};
} // namespace

/// What times are made of, in the order of the columns.
static constexpr Part parts[] = {
    {"start", &Prediction::start},   {"tensor", &Prediction::tensor},
    {"shared", &Prediction::shared}, {"lanes", &Prediction::lane},
    {"slots", &Prediction::chain},   {"loads", &Prediction::load},
    {"L2", &Prediction::l2},         {"memory", &Prediction::hbm},
    {"loops", &Prediction::loops},   {"epilogue", &Prediction::epilogue}};

static void printRank(ArrayRef<RankedCandidate> all, bool several) {
  outs() << "      us  tiles rounds  last";
  for (const Part &part : parts)
    outs() << formatv("{0,9}", part.name);
  outs() << "  bound, configuration\n";
  size_t shown = std::min<size_t>(all.size(), std::max<int>(numShown, 1));
  for (const RankedCandidate &each : all.take_front(shown)) {
    const Prediction &p = each.candidate.prediction;
    outs() << formatv("{0,8:f2} {1,6} {2,6} {3,5:p0}", p.total, p.tiles,
                      p.rounds, p.lastRound);
    for (const Part &part : parts)
      outs() << formatv("{0,9:f2}", p.*part.time);
    outs() << "  " << p.bound << ", ";
    if (several)
      outs() << sys::path::stem(each.space->path) << " ";
    outs() << each.candidate.point->configuration.str() << "\n";
  }
  if (shown < all.size())
    outs() << "  … and " << all.size() - shown << " more (--top)\n";
}

static void printDecision(ArrayRef<RankedCandidate> all) {
  if (all.size() < 2) {
    outs() << "decided: there is no other\n";
    return;
  }
  const Prediction &a = all[0].candidate.prediction,
                   &b = all[1].candidate.prediction;
  double gain = b.total - a.total;
  if (gain == 0) {
    outs() << "decided: the model sees no difference between the first two; "
              "the one declared first is taken\n";
    return;
  }
  outs() << formatv("decided: {0:f2} us ({1:f1} %) before the next, which has "
                    "to it: ",
                    gain, 100 * gain / a.total);
  bool first = true;
  for (const Part &part : parts) {
    double difference = b.*part.time - a.*part.time;
    if (std::fabs(difference) < 0.005)
      continue;
    outs() << (first ? "" : ", ") << part.name
           << formatv(" {0}{1:f2}", difference > 0 ? "+" : "", difference);
    first = false;
  }
  outs() << "\n";
}

int cli::explainChoice() {
  Extents extents;
  CompileOptions options;
  const tuning::Machine *machine = getMachine();
  if (!machine || !getShape(extents) || !getCompileOptions(options))
    return 1;
  extents.insert(options.bake.begin(), options.bake.end());
  std::optional<std::vector<KernelSpace>> spaces = openSpaces();
  if (!spaces)
    return 1;
  std::string text;
  for (const auto &[name, value] : extents)
    text += " " + name + "=" + std::to_string(value);
  for (const KernelSpace &space : *spaces) {
    std::string missing;
    for (const std::string &name : space.space->dims())
      if (!extents.count(name))
        missing += (missing.empty() ? "" : ",") + name + "=…";
    if (!missing.empty()) {
      errs() << "error: --why needs all extents: --shape " << missing << "\n";
      return 1;
    }
    outs() << formatv("{0} for{1} on {2}: {3} configurations, {4} more cannot "
                      "be compiled, {5} are excluded by 'where'\n",
                      sys::path::stem(space.path), text, machine->name,
                      space.space->points().size(),
                      space.space->rejected().size(), space.space->excluded());
    std::map<std::string, std::pair<size_t, std::string>> reasons;
    for (const Rejection &each : space.space->rejected()) {
      auto &[count, example] = reasons[each.reason];
      if (count++ == 0)
        example = each.configuration.str();
    }
    for (const auto &[reason, count] : reasons)
      outs() << formatv("  not: {0} such as {1}: {2}\n", count.first,
                        count.second, reason);
    if (!space.space->tableNote().empty())
      outs() << "  table: " << space.space->tableNote() << "\n";
  }
  std::vector<RankedCandidate> all = rankAll(*spaces, extents, *machine);
  if (all.empty()) {
    errs() << "error: no configuration meets the requirements for these "
              "extents\n";
    return 1;
  }
  printRank(all, spaces->size() > 1);
  for (const KernelSpace &space : *spaces) {
    std::optional<Choice> choice = space.space->choose(extents, *machine);
    if (choice && choice->measured)
      outs() << formatv("table of {0}: {1}, measured {2:f2} us; it decides "
                        "before the model\n",
                        sys::path::stem(space.path),
                        choice->configuration.str(), *choice->measured);
  }
  printDecision(all);
  return 0;
}
