//===- Machine.cpp - The state of a running cluster -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Machine.h"
#include "llvm/Support/FormatVariadic.h"

using namespace tilewright::sim;
using llvm::Error;

/// Warp instructions of one turn.
static constexpr unsigned quantum = 2048;

Cta::Cta(Machine &machine, std::array<uint32_t, 3> id, unsigned rank)
    : machine(machine), id(id), rank(rank), smem(machine.smemSize),
      shadow(machine.smemSize) {
  const auto &grid = machine.launch.grid;
  linear = id[0] + grid[0] * (id[1] + grid[1] * id[2]);
  freeRegisters = machine.registerPool;
  unsigned threads = machine.threads;
  for (unsigned first = 0; first < threads; first += 32) {
    unsigned count = std::min(32u, threads - first);
    uint32_t lanes = count == 32 ? ~0u : (1u << count) - 1;
    warps.push_back(std::make_unique<Warp>(*this, first / 32, lanes));
  }
  groups.resize((warps.size() + 3) / 4);
  // Whole clusters, from the first on.
  const auto &extent = machine.launch.cluster;
  const auto &cluster = machine.clusterId;
  uint64_t index = cluster[0] + grid[0] / extent[0] *
                                    (cluster[1] + grid[1] / extent[1] *
                                                      uint64_t(cluster[2]));
  if (index * extent[0] * extent[1] * extent[2] < machine.options.trace.ctas)
    timeline = std::make_unique<Timeline>(*this, machine.options.trace.events);
}

Machine::Machine(const Program &program, const Launch &launch, Memory &memory,
                 const Options &options, Report &report)
    : program(program), launch(launch), memory(memory), options(options),
      report(report), names(launch.symbols, program.dynamicShared),
      engine(options), fences(16 * 1024), initFences(16 * 1024),
      toPeers(16 * 1024), releases(16 * 1024), executed(program.code.size()),
      executedLanes(program.code.size()) {
  threads = launch.block[0] * launch.block[1] * launch.block[2];
  smemSize = program.dynamicShared + launch.smemBytes;
  params.resize(program.paramBytes);
  for (size_t i = 0; i < program.params.size(); ++i)
    std::copy(launch.params[i].begin(), launch.params[i].end(),
              params.begin() + program.params[i].offset);
  // The registers that ptxas may give each thread, in its granule of 8; what
  // is left of the CTA's share of 64 Ki is what setmaxnreg.inc draws from.
  unsigned share = 65536 / std::max(program.minCtas, 1u);
  unsigned rounded = (threads + 31) / 32 * 32;
  initialRegisters = std::min(256u, share / rounded / 8 * 8);
  if (program.maxRegs)
    initialRegisters = std::min(initialRegisters, program.maxRegs);
  registerPool = share - initialRegisters * rounded;
}

void Machine::add(Finding finding, bool stop) {
  // The same instruction in the same way says nothing new.
  for (const Finding &other : report.findings)
    if (other.hazard == finding.hazard && other.where == finding.where &&
        !finding.where.empty()) {
      stopped |= stop;
      return;
    }
  report.findings.push_back(std::move(finding));
  stopped |= stop || report.findings.size() >= options.maxFindings;
}

//===----------------------------------------------------------------------===//
// Global memory, as the copy engine sees it
//===----------------------------------------------------------------------===//

uint8_t *Machine::resolve(uint64_t address, uint64_t bytes) {
  uint8_t *data = memory.resolve(address, bytes);
  missedGlobal |= !data;
  return data;
}

Error Machine::read(uint64_t address, llvm::MutableArrayRef<uint8_t> bytes) {
  uint8_t *source = resolve(address, bytes.size());
  if (!source)
    return llvm::createStringError(memory.describe(address));
  if (trace)
    copyIssuer->noteGlobal(address, bytes.size(), false, copyOrdered);
  std::copy_n(source, bytes.size(), bytes.begin());
  return Error::success();
}

Error Machine::write(uint64_t address, llvm::ArrayRef<uint8_t> bytes) {
  uint8_t *target = resolve(address, bytes.size());
  if (!target)
    return llvm::createStringError(memory.describe(address));
  if (trace)
    copyIssuer->noteGlobal(address, bytes.size(), true, copyOrdered);
  std::copy(bytes.begin(), bytes.end(), target);
  return Error::success();
}

Error Machine::update(
    uint64_t address, size_t size,
    llvm::function_ref<void(llvm::MutableArrayRef<uint8_t>)> change) {
  uint8_t *target = resolve(address, size);
  if (!target)
    return llvm::createStringError(memory.describe(address));
  if (trace)
    copyIssuer->noteGlobal(address, size, true, copyOrdered);
  change({target, size});
  return Error::success();
}

//===----------------------------------------------------------------------===//
// mbarriers
//===----------------------------------------------------------------------===//

MBarrier *Machine::findBarrier(unsigned rank, uint32_t offset) {
  auto &barriers = ctas[rank]->barriers;
  auto it = barriers.find(offset);
  return it == barriers.end() ? nullptr : &it->second;
}

Error Machine::arrive(MBarrier &barrier, uint32_t arrivals, int64_t tx) {
  if (arrivals > barrier.pending)
    return llvm::createStringError(
        "%u arrivals, but phase %llu of the mbarrier (count %u, initialised at "
        "%s) waits for %u more",
        arrivals, (unsigned long long)barrier.phase, barrier.count,
        program.where(barrier.init).c_str(), barrier.pending);
  ++events;
  barrier.pending -= arrivals;
  barrier.tx += tx;
  // PTX ISA, "Size and alignment of mbarrier object": the tx-count's range.
  constexpr int64_t limit = (1 << 20) - 1;
  if (barrier.tx > limit || barrier.tx < -limit)
    return llvm::createStringError(
        "the transaction count %lld of the mbarrier leaves [-(2^20-1), 2^20-1]",
        (long long)barrier.tx);
  if (barrier.pending == 0 && barrier.tx == 0) {
    ++barrier.phase;
    barrier.completed = time;
    barrier.pending = barrier.count;
    if (barrier.cta->timeline)
      barrier.cta->timeline->completed(barrier.address);
  }
  return Error::success();
}

bool Machine::isAwaited(const AsyncOp &op) const {
  auto isHeldUp = [&](const Path &path) {
    const Wait &wait = path.wait;
    if (op.isLoad)
      return wait.kind == Wait::MBarrier && wait.rank == op.rank &&
             wait.address == op.barrier;
    return wait.kind == Wait::BulkGroup;
  };
  if (!op.isLoad)
    return llvm::any_of(op.warp->paths, isHeldUp);
  return llvm::any_of(ctas[op.rank]->warps, [&](const auto &warp) {
    return llvm::any_of(warp->paths, isHeldUp);
  });
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

bool Machine::rests(Cta &cta) {
  if (options.schedule != Schedule::Random || ctas.size() == 1 || awake)
    return false;
  if (cta.rounds == 0 && random() % 8 == 0)
    cta.rounds = random() % 64;
  if (cta.rounds == 0)
    return false;
  --cta.rounds;
  return true;
}

unsigned Machine::turnOf(Warp &warp) {
  if (options.schedule != Schedule::Random || awake)
    return quantum;
  // Some rests last longer than others take to go around a ring.
  if (warp.rounds == 0 && random() % 4 == 0) {
    uint64_t length = random();
    warp.rounds = length % (random() % 16 ? 16 : 256);
  }
  if (warp.rounds) {
    --warp.rounds;
    return 0;
  }
  // Most turns long, for speed.
  return random() % 4 ? quantum : 1 + random() % 64;
}

void Machine::start(std::array<uint32_t, 3> cluster) {
  clusterId = cluster;
  const auto &extent = launch.cluster;
  unsigned rank = 0;
  for (uint32_t z = 0; z < extent[2]; ++z)
    for (uint32_t y = 0; y < extent[1]; ++y)
      for (uint32_t x = 0; x < extent[0]; ++x)
        ctas.push_back(std::make_unique<Cta>(
            *this,
            std::array<uint32_t, 3>{cluster[0] * extent[0] + x,
                                    cluster[1] * extent[1] + y,
                                    cluster[2] * extent[2] + z},
            rank++));
  clusterThreads = threads * ctas.size();
}

bool Machine::timesOutEarly(Warp &warp) {
  if (options.schedule != Schedule::Random ||
      (engine.isEager() && random() % 4))
    return false;
  uint64_t now = events + engine.moves;
  auto [it, isNew] = warp.timeouts.try_emplace(warp.current->pc, now);
  return isNew || std::exchange(it->second, now) != now;
}

bool Machine::timeOutWaits() {
  bool any = false;
  uint64_t now = events + engine.moves;
  for (auto &cta : ctas)
    for (auto &warp : cta->warps)
      for (Path &path : warp->paths) {
        if (!path.polled || path.wait.kind != Wait::MBarrier)
          continue;
        auto [it, isNew] = warp->timeouts.try_emplace(path.pc, now);
        if (isNew || std::exchange(it->second, now) != now)
          any = path.timedOut = true;
      }
  return any;
}

Pace Machine::advance(unsigned patience, const std::atomic<bool> &cancelled) {
  auto awaited = [this](const AsyncOp &op) { return isAwaited(op); };
  unsigned fruitless = 0;
  bool any = false;
  while (!stopped && !cancelled.load(std::memory_order_relaxed)) {
    bool progress = false, polled = false, alive = false, rested = false;
    for (auto &cta : ctas) {
      bool resting = rests(*cta);
      rested |= resting;
      for (auto &warp : cta->warps) {
        if (warp->finished() || stopped)
          continue;
        alive = true;
        if (resting)
          break;
        unsigned length = turnOf(*warp);
        rested |= length == 0;
        if (length == 0)
          continue;
        Warp::Turn turn = warp->run(length);
        progress |= turn == Warp::Turn::Progress;
        polled |= turn == Warp::Turn::Polled;
        progress |= engine.turn();
      }
    }
    if (!alive || stopped)
      break;
    if (time > options.maxInstructions) {
      reportLimit();
      break;
    }
    // Whether anybody can go on shows when nobody rests.
    if (!progress && rested) {
      awake = true;
      continue;
    }
    if (progress || engine.completeOne(awaited)) {
      awake = false;
      fruitless = 0;
      any = true;
      continue;
    }
    if (timeOutWaits()) {
      any = true;
      continue;
    }
    if (!polled)
      return Pace::Stuck;
    if (++fruitless >= patience)
      return any ? Pace::Progress : Pace::Polling;
  }
  while (!stopped && engine.completeOne(awaited))
    ;
  return Pace::Done;
}

void Machine::endTrace() {
  if (std::exchange(traceEnded, true))
    return;
  engine.recordUnfinished();
  report.trace.allCtas += ctas.size();
  for (auto &cta : ctas)
    if (cta->timeline)
      report.trace.ctas.push_back(cta->timeline->finish());
}
