//===- Grid.cpp - The clusters of a launch --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Grid.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/ThreadPool.h"
#include "llvm/Support/Threading.h"
#include <mutex>

using namespace tilewright::sim;
using llvm::Error;

/// Rounds in which everybody did nothing but poll after which what they poll
/// for is taken never to come.
static constexpr unsigned patience = 1 << 16, patienceTogether = 1 << 14;

/// Clusters whose waiting paths a deadlock lists.
static constexpr size_t listedClusters = 8;

/// Adds a finding, unless the same instruction was found in the same way.
static bool addFinding(Report &report, const Finding &finding) {
  for (const Finding &other : report.findings)
    if (other.hazard == finding.hazard && other.where == finding.where &&
        !finding.where.empty())
      return false;
  report.findings.push_back(finding);
  return true;
}

/// How many CTAs the device holds at once (CUDA Programming Guide, "Compute
/// Capability 9.0": of each multiprocessor 2048 threads, 32 CTAs, 228 KiB of
/// shared memory, of which 1 KiB is taken for each CTA). Registers are not
/// known before ptxas.
static uint64_t residentCtas(const Options &options, uint64_t threads,
                             uint64_t shared) {
  uint64_t warps = (threads + 31) / 32;
  uint64_t perSm =
      std::min<uint64_t>({32, 64 / warps, 228 * 1024 / (shared + sharedBase)});
  return std::max<uint64_t>(1, perSm) * std::max(1u, options.multiprocessors);
}

llvm::Expected<std::unique_ptr<Grid>>
Grid::create(const Launch &launch, Memory &memory, const Options &options) {
  auto program = parseProgram(launch.ptx, launch.entry);
  if (!program)
    return program.takeError();
  std::unique_ptr<Grid> grid(
      new Grid(std::move(*program), launch, memory, options));
  if (Error error = grid->check())
    return std::move(error);
  for (const GlobalVariable &variable : grid->program.globals)
    memory.place(variable.address, variable.bytes, variable.name);
  return std::move(grid);
}

Error Grid::check() {
  auto fail = [&](const llvm::Twine &message) {
    return llvm::createStringError("launch of '" + program.entry +
                                   "': " + message);
  };
  uint64_t threads = 1, clusterSize = 1;
  ctas = 1;
  for (unsigned d = 0; d < 3; ++d) {
    threads *= launch.block[d];
    ctas *= launch.grid[d];
    clusterSize *= launch.cluster[d];
    if (!launch.cluster[d] || launch.grid[d] % launch.cluster[d])
      return fail("the grid is not a whole number of clusters");
    if (program.reqntid[0] && launch.block[d] != program.reqntid[d])
      return fail("the block is not what .reqntid says");
  }
  if (!threads || threads > 1024 || !ctas || clusterSize > 16)
    return fail("needs 1 to 1024 threads, a CTA, and at most 16 in a cluster");
  // CUDA Programming Guide, compute capability 9.0: 227 KiB for each block.
  uint64_t shared = program.dynamicShared - sharedBase + launch.smemBytes;
  if (shared > 227 * 1024)
    return fail(
        llvm::formatv("{0} bytes of shared memory; a CTA has 232448", shared));
  if (launch.params.size() != program.params.size())
    return fail(llvm::formatv("{0} parameters; the entry has {1}",
                              launch.params.size(), program.params.size()));
  for (size_t i = 0; i < launch.params.size(); ++i)
    if (launch.params[i].size() != program.params[i].size)
      return fail(llvm::formatv("parameter {0} has {1} bytes; the entry's {2}",
                                i, launch.params[i].size(),
                                program.params[i].size));
  total = ctas / clusterSize;
  residentLimit = std::max<uint64_t>(1, residentCtas(options, threads, shared) /
                                            clusterSize);
  executed.resize(program.code.size());
  executedLanes.resize(program.code.size());
  return Error::success();
}

std::unique_ptr<Grid::Cluster> Grid::begin(uint64_t index) {
  auto cluster = std::make_unique<Cluster>(index);
  cluster->machine = std::make_unique<Machine>(program, launch, memory, options,
                                               cluster->report);
  std::array<uint32_t, 3> id, extent;
  for (unsigned d = 0; d < 3; ++d)
    extent[d] = launch.grid[d] / launch.cluster[d];
  cluster->machine->trace = trace;
  id[0] = cluster->index % extent[0];
  id[1] = cluster->index / extent[0] % extent[1];
  id[2] = cluster->index / extent[0] / extent[1];
  cluster->machine->start(id);
  return cluster;
}

void Grid::join(Cluster &cluster) {
  Machine &machine = *cluster.machine;
  machine.endTrace();
  report.trace.allCtas += cluster.report.trace.allCtas;
  llvm::move(cluster.report.trace.ctas, std::back_inserter(report.trace.ctas));
  for (Finding &finding : cluster.report.findings) {
    finding.rank = rank;
    if (report.findings.size() < options.maxFindings)
      addFinding(report, finding);
  }
  report.copiedBytes += cluster.report.copiedBytes;
  ctasWaited += machine.ctasWaited;
  for (size_t pc = 0; pc < executed.size(); ++pc) {
    executed[pc] += machine.executed[pc];
    executedLanes[pc] += machine.executedLanes[pc];
  }
  if (machine.stopped || report.findings.size() >= options.maxFindings)
    stopped = true;
}

//===----------------------------------------------------------------------===//
// Clusters apart
//===----------------------------------------------------------------------===//

void Grid::runParallel(unsigned threads) {
  std::mutex mutex;
  // Clusters that are done before one of a lower number is.
  std::map<uint64_t, std::unique_ptr<Cluster>> early;
  uint64_t joined = 0;
  auto work = [&] {
    std::unique_lock<std::mutex> lock(mutex);
    while (next < total && !stopped) {
      uint64_t index = next++;
      lock.unlock();
      auto cluster = begin(index);
      Pace pace = cluster->machine->advance(patience, stopped);
      if (pace != Pace::Done)
        cluster->machine->reportDeadlock();
      // Of a cluster that waits to be joined only its report is needed.
      cluster->machine->endTrace();
      cluster->machine->ctas.clear();
      lock.lock();
      early[index] = std::move(cluster);
      for (auto it = early.begin();
           !stopped && it != early.end() && it->first == joined;
           it = early.erase(it), ++joined)
        join(*it->second);
    }
  };
  report.hostThreads = threads;
  if (threads == 1)
    return work();
  llvm::DefaultThreadPool pool(llvm::hardware_concurrency(threads));
  for (unsigned i = 0; i < threads; ++i)
    pool.async(work);
  pool.wait();
}

//===----------------------------------------------------------------------===//
// Clusters that meet in global memory
//===----------------------------------------------------------------------===//

bool Grid::grow() {
  if (stopped || next == total || resident.size() >= residentLimit)
    return false;
  resident.push_back(begin(next++));
  return true;
}

bool Grid::turn() {
  bool any = false;
  for (size_t i = 0; i < resident.size() && !stopped;) {
    Cluster &cluster = *resident[i];
    Pace pace = cluster.machine->advance(1, stopped);
    any |= pace != Pace::Polling;
    if (pace == Pace::Stuck)
      cluster.machine->reportDeadlock();
    if (pace == Pace::Progress || pace == Pace::Polling) {
      ++i;
      continue;
    }
    join(cluster);
    resident.erase(resident.begin() + i);
  }
  return any;
}

void Grid::reportDeadlock(uint64_t waiting) {
  std::optional<Finding> whole;
  for (size_t i = 0; i < resident.size(); ++i) {
    Cluster &cluster = *resident[i];
    if (i < listedClusters) {
      std::vector<Finding> before = std::exchange(cluster.report.findings, {});
      cluster.machine->reportDeadlock();
      Finding finding = std::move(cluster.report.findings.back());
      cluster.report.findings = std::move(before);
      if (!whole)
        whole = finding;
      else // The first line is the same.
        whole->message += finding.message.substr(finding.message.find('\n'));
    }
    join(cluster);
  }
  if (resident.size() > listedClusters)
    whole->message += llvm::formatv("\n  … {0} more clusters alike …",
                                    resident.size() - listedClusters);
  if (waiting)
    whole->message +=
        llvm::formatv("\n  {0} clusters of the grid have not begun: the device "
                      "holds {1} at once",
                      waiting, residentLimit);
  if (whole) {
    whole->rank = rank;
    addFinding(report, *whole);
  }
  resident.clear();
  stopped = true;
}

void Grid::runTogether(llvm::ArrayRef<Grid *> grids) {
  auto isDone = [](const Grid *grid) { return grid->done(); };
  unsigned fruitless = 0;
  while (!llvm::all_of(grids, isDone)) {
    bool any = false;
    for (Grid *grid : grids) {
      if (grid->resident.empty())
        any |= grid->grow();
      any |= grid->turn();
    }
    // Nothing to do but wait for those that have not begun.
    for (Grid *grid : grids)
      if (!any)
        any |= grid->grow();
    bool stop = llvm::any_of(grids, [](Grid *g) { return g->stopped.load(); });
    fruitless = any ? 0 : fruitless + 1;
    if (!stop && fruitless < patienceTogether)
      continue;
    for (Grid *grid : grids)
      if (!grid->done() && fruitless >= patienceTogether)
        grid->reportDeadlock(grid->total - grid->next);
    // What the others found until here still counts.
    for (Grid *grid : grids) {
      for (auto &cluster : grid->resident)
        grid->join(*cluster);
      grid->resident.clear();
      grid->stopped = true;
    }
  }
}

void Grid::run() {
  if (program.meetsOthers && total > 1) {
    Grid *self = this;
    runTogether(self);
  } else {
    unsigned threads =
        llvm::hardware_concurrency(options.threads).compute_thread_count();
    runParallel(trace ? 1 : std::min<uint64_t>(threads, total));
  }
}

Report Grid::takeReport() {
  for (size_t pc = 0; pc < executed.size(); ++pc) {
    report.warpInstructions += executed[pc];
    report.threadInstructions += executedLanes[pc];
    if (executed[pc])
      report.opcodes[program.code[pc].opcode] += executed[pc];
  }
  return std::move(report);
}

llvm::Expected<Report> tilewright::sim::run(const Launch &launch,
                                            Memory &memory,
                                            const Options &options) {
  auto grid = Grid::create(launch, memory, options);
  if (!grid)
    return grid.takeError();
  (*grid)->run();
  return (*grid)->takeReport();
}

llvm::Expected<std::vector<Report>>
tilewright::sim::runSequence(llvm::ArrayRef<Launch> launches, Memory &memory,
                             const Options &options) {
  std::vector<Report> reports;
  DependencyTrace trace;
  bool overlap = llvm::any_of(
      launches, [](const Launch &launch) { return launch.programmatic; });
  bool lastWaited = true;
  for (const Launch &launch : launches) {
    auto grid = Grid::create(launch, memory, options);
    if (!grid)
      return grid.takeError();
    if (overlap) {
      trace.begin(launch.programmatic, lastWaited);
      (*grid)->setTrace(trace);
    }
    (*grid)->run();
    // One that is not programmatic comes after everything before.
    lastWaited = !launch.programmatic || (*grid)->waitedForGrids();
    reports.push_back((*grid)->takeReport());
    if (!reports.back().ok())
      break;
  }
  return std::move(reports);
}

llvm::Expected<std::vector<Report>>
tilewright::sim::runRanks(llvm::ArrayRef<Launch> launches, Ranks &ranks,
                          const Options &options) {
  if (launches.size() != ranks.size())
    return llvm::createStringError(llvm::formatv(
        "{0} launches for {1} ranks", launches.size(), ranks.size()));
  std::vector<std::unique_ptr<Grid>> grids;
  std::vector<Grid *> pointers;
  for (unsigned rank = 0; rank < launches.size(); ++rank) {
    auto grid = Grid::create(launches[rank], ranks.memory(rank), options);
    if (!grid)
      return llvm::createStringError("rank " + llvm::Twine(rank) + ": " +
                                     llvm::toString(grid.takeError()));
    (*grid)->setRank(rank);
    pointers.push_back(grid->get());
    grids.push_back(std::move(*grid));
  }
  Grid::runTogether(pointers);
  std::vector<Report> reports;
  for (auto &grid : grids)
    reports.push_back(grid->takeReport());
  return std::move(reports);
}
