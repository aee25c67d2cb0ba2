//===- Grid.h - The clusters of a launch ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Clusters that do not meet in global memory run on several host threads, each
// with a report of its own; reports are joined in the order of the clusters, so
// that nothing depends on the number of threads. Clusters that may meet take
// turns on one thread: the next one begins when those that have begun do
// nothing but poll, up to as many as the device would hold at once.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_SIM_GRID_H
#define TILEWRIGHT_SIM_GRID_H

#include "Machine.h"

namespace tilewright::sim {

class Grid {
public:
  /// Parses and checks the launch; errors are the caller's mistakes.
  static llvm::Expected<std::unique_ptr<Grid>>
  create(const Launch &launch, Memory &memory, const Options &options);

  /// Runs every cluster.
  void run();

  /// The grids take turns on this thread until all are done or one stops.
  static void runTogether(llvm::ArrayRef<Grid *> grids);

  /// For reports and checks; before run().
  void setRank(unsigned rank) { this->rank = rank; }
  void setTrace(DependencyTrace &trace) { this->trace = &trace; }
  /// Every CTA of the grid, which has run, has waited for the grids before.
  bool waitedForGrids() const { return ctasWaited == ctas; }

  /// Once: what was found and counted.
  Report takeReport();

private:
  struct Cluster {
    explicit Cluster(uint64_t index) : index(index) {}
    uint64_t index;
    Report report;
    std::unique_ptr<Machine> machine;
  };

  Grid(Program program, const Launch &launch, Memory &memory,
       const Options &options)
      : program(std::move(program)), launch(launch), memory(memory),
        options(options) {}
  llvm::Error check();
  std::unique_ptr<Cluster> begin(uint64_t index);
  /// Appends the findings and counts of a cluster that is done.
  void join(Cluster &cluster);
  void runParallel(unsigned threads);
  /// One turn of every resident cluster; true if any did something.
  bool turn();
  /// Begins the next cluster, if there is one and the device has room.
  bool grow();
  bool done() const { return stopped || (resident.empty() && next == total); }
  /// One finding for all resident clusters; `waiting` more wait for room.
  void reportDeadlock(uint64_t waiting);

  Program program;
  const Launch &launch;
  Memory &memory;
  const Options &options;
  Report report;
  uint64_t total = 0, next = 0; ///< Clusters; the next one to begin.
  uint64_t ctas = 0, ctasWaited = 0;
  std::optional<unsigned> rank;
  DependencyTrace *trace = nullptr;
  uint64_t residentLimit = 1;
  std::vector<std::unique_ptr<Cluster>> resident;
  std::atomic<bool> stopped{false};
  std::vector<uint64_t> executed, executedLanes; ///< By instruction.
};

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_GRID_H
