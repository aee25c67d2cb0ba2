//===- Machine.h - The state of a running cluster -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_SIM_MACHINE_H
#define TILEWRIGHT_SIM_MACHINE_H

#include "DependencyTrace.h"
#include "Names.h"
#include "Shadow.h"
#include "Timeline.h"
#include "tilewright/Sim/BulkCopy.h"
#include "tilewright/Sim/Program.h"
#include "tilewright/Sim/Simulator.h"
#include "llvm/ADT/STLExtras.h"
#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <utility>

namespace tilewright::sim {

struct Cta;
struct Machine;

/// Windows of the generic address space. Global memory has the addresses of
/// sim::Memory; below 2^32 lies nothing, since .shared addresses are that small
/// and using one as generic must be found.
constexpr uint64_t sharedWindow = uint64_t(1) << 44;
constexpr uint64_t paramWindow = uint64_t(2) << 44;
constexpr uint64_t localWindow = uint64_t(3) << 44;
constexpr uint64_t constWindow = uint64_t(4) << 44;
/// In .shared::cluster, CTA `rank` has the window (rank + 1) << 24; addresses
/// below 2^24 are the executing CTA's own (.shared::cta).
constexpr unsigned clusterShift = 24;

/// What a blocked path waits for, for reports.
struct Wait {
  enum Kind : uint8_t {
    None,
    Lanes,
    MBarrier,
    Named,
    Cluster,
    BulkGroup,
    Wgmma,
    Registers,
  } kind = None;
  uint32_t address = 0; ///< mbarrier, barrier number, register count.
  unsigned rank = 0;    ///< CTA of the mbarrier.
  uint64_t phase = 0;   ///< mbarrier: parity waited for.
};

/// Lanes that run together.
struct Path {
  uint32_t pc = 0, mask = 0;
  int token = -1;        ///< Reconvergence token, or -1.
  bool polled = false;   ///< Found blocked in this round.
  bool arrived = false;  ///< A blocking instruction has counted its arrival.
  uint64_t ticket = 0;   ///< Of that arrival.
  bool timedOut = false; ///< Its mbarrier.try_wait is to give false.
  Wait wait;             ///< None unless the path is blocked.
  Wait poll;             ///< What it last asked for in vain without blocking.
};

/// Lanes that will run together again from `pc` on.
struct Token {
  uint32_t pc = 0, mask = 0, arrived = 0;
  int parent = -1;
  bool used = false;
};

class Warp {
public:
  Warp(Cta &cta, unsigned index, uint32_t lanes);

  enum class Turn : uint8_t {
    Stuck,    ///< Every path is blocked.
    Polled,   ///< A path polled memory or a barrier, perhaps in vain.
    Progress, ///< Something was done.
  };
  /// Runs up to `quantum` instructions.
  Turn run(unsigned quantum);
  bool finished() const { return paths.empty(); }

  uint64_t *reg(uint32_t index) { return &registers[size_t(index) * 32]; }
  uint64_t get(const Operand &op, unsigned lane) const {
    return op.kind == Operand::Kind::Reg ? registers[size_t(op.reg) * 32 + lane]
                                         : op.imm;
  }
  /// A predicate, with its negation.
  bool test(const Operand &op, unsigned lane) const {
    return ((get(op, lane) & 1) != 0) != op.negated;
  }
  void set(const Operand &op, unsigned lane, uint64_t value) {
    if (op.kind == Operand::Kind::Reg)
      registers[size_t(op.reg) * 32 + lane] = value;
  }
  /// [reg + imm], or an operand that is an address.
  uint64_t address(const Operand &op, unsigned lane) const {
    if (op.kind == Operand::Kind::Mem)
      return op.reg == NoRegister
                 ? op.imm
                 : registers[size_t(op.reg) * 32 + lane] + op.imm;
    return get(op, lane);
  }
  unsigned thread(unsigned lane) const { return index * 32 + lane; }
  uint64_t special(Special which, unsigned lane) const;

  /// Blocks the current path on `wait`.
  Step block(Wait wait) {
    current->wait = wait;
    return Step::Block;
  }
  void report(Hazard hazard, const llvm::Twine &message);
  /// Host bytes of shared memory at a .shared::cta or ::cluster address, or
  /// null after a report. Sets the CTA and its address there.
  uint8_t *shared(uint64_t address, uint32_t size, Cta *&owner,
                  uint32_t &offset);
  void reportConflict(const Cta &owner, const Conflict &conflict,
                      llvm::StringRef what);
  /// Its lanes `mask` release what they did: Releases.
  void release(uint32_t mask);
  /// With the cluster's scope.
  void releaseToPeers(uint32_t mask);
  /// Checks that what lane `lane` is about to overwrite, bytes of `owner`, has
  /// been released by its readers: threads and wgmmas.
  void checkReleased(const Cta &owner, ByteRange range, unsigned lane);
  /// Checks that the init of an mbarrier, which a copy completes bytes on or a
  /// peer uses, can be seen by them.
  void checkInit(const MBarrier &barrier, bool byCopy);
  /// It is now behind what others did before time `when` (default: now).
  void synchronised(uint32_t when = ~0u);

  Cta &cta;
  Machine &machine;
  unsigned index;
  uint32_t lanes, exited = 0;
  Path *current = nullptr;
  const Inst *inst = nullptr;
  std::vector<uint8_t> local; ///< [lane][localBytes].
  uint32_t lastSync = 0;
  bool waitedForGrids = false; ///< griddepcontrol.wait was executed.
  /// Whether what it does comes after a griddepcontrol.wait, its own or one
  /// that came before its last synchronisation.
  bool afterGrids() const;
  /// Checks an access to global memory against the launches before.
  void noteGlobal(uint64_t address, uint64_t bytes, bool writes, bool ordered);

  /// Whether the current instruction polls in vain: it saw this before, when it
  /// was executed last.
  bool pollsInVain(uint64_t seen) {
    auto [it, isNew] = polls.try_emplace(inst, seen);
    return !isNew && std::exchange(it->second, seen) == seen;
  }

  /// wgmma: time of the last write and of the last fence; the operation that
  /// each register belongs to (0: none), and how many are in flight.
  std::vector<uint32_t> stamps;
  std::vector<uint32_t> inFlight;
  uint32_t inFlightCount = 0, wgmmaFence = 0;
  uint32_t wgmmaNext = 0;               ///< Operations issued.
  std::vector<uint32_t> wgmmaGroups;    ///< Operations issued at each commit.
  unsigned registerCount = 0;           ///< setmaxnreg.
  unsigned setmaxnregs = 0;             ///< Executed so far.
  unsigned rounds = 0;                  ///< That it still rests.
  std::vector<uint64_t> clusterTickets; ///< By lane: generation arrived at.
  std::vector<Path> paths;
  /// Events at the last time-out of the try_wait at an instruction.
  std::map<uint32_t, uint64_t> timeouts;

private:
  Turn take(unsigned quantum);
  Step step(size_t i);
  void branch(size_t i, uint32_t taken);
  void branchIndexed(size_t i, uint32_t taken);
  void exitLanes(size_t i, uint32_t leaving);
  void checkCtaExit();
  void reach(size_t i);
  void settle(int token);
  int newToken(uint32_t pc, uint32_t mask, int parent);
  void checkRegisters(const Inst &inst);

  std::vector<uint64_t> registers;        ///< [register][lane].
  std::map<const Inst *, uint64_t> polls; ///< What each poll saw last.
  std::vector<Token> tokens;
};

/// One warp's arrivals at an mbarrier by one instruction, for reports.
struct Arrivals {
  unsigned rank = 0, warp = 0;
  SourceLine loc;
  uint64_t total = 0;
  uint64_t phase = 0, inPhase = 0; ///< Arrivals in the last such phase.
};

struct MBarrier {
  uint32_t count = 0;     ///< Arrivals of a phase.
  uint32_t pending = 0;   ///< Arrivals still missing.
  int64_t tx = 0;         ///< Bytes still missing (negative: came early).
  uint64_t phase = 0;     ///< Completed phases.
  uint32_t completed = 0; ///< When the last one was.
  SourceLine init;
  unsigned initThread = 0; ///< Of the cluster, and when.
  uint32_t initTime = 0;
  Cta *cta = nullptr; ///< Where it is.
  uint32_t address = 0;
  std::vector<Arrivals> history; ///< In the order of the first arrivals.

  /// Notes arrivals in the phase that is not over.
  void note(const Warp &warp, uint64_t arrivals);
};

/// What barrier.red gives: how many threads had a true predicate, of how many;
/// and when the barrier was complete.
struct BarrierVotes {
  uint32_t votes = 0, voters = 0, time = 0;
};

struct NamedBarrier {
  uint32_t expected = 0, arrived = 0;
  uint64_t generation = 0;
  BarrierVotes open; ///< Of the generation that is filling.
  /// Of the last two generations, by the low bit: a slow warp may still read
  /// its result while others meet again.
  std::array<BarrierVotes, 2> results;
};

/// One asynchronous copy from issue to completion.
struct AsyncOp {
  Warp *warp = nullptr; ///< The issuer, and the instruction.
  const Inst *inst = nullptr;
  unsigned rank = 0;    ///< Of the CTA whose shared memory it touches.
  ByteRange range;      ///< There.
  uint32_t barrier = 0; ///< The mbarrier of a load, in the same CTA.
  uint32_t issued = 0;  ///< When.
  bool ordered = false; ///< Issued behind a griddepcontrol.wait.
  bool isLoad = false;
  bool done = false;
  /// Moves the bytes and settles barriers and shadow state.
  std::function<void()> complete;
};

struct BulkGroups {
  std::vector<std::shared_ptr<AsyncOp>> open;
  std::vector<std::vector<std::shared_ptr<AsyncOp>>> committed;
  bool idle() const;
  /// Committed groups with a copy that is not done.
  unsigned pending() const;
};

/// One wgmma.mma_async of a warpgroup, from its first warp's issue on.
struct WgmmaOp {
  const Inst *inst = nullptr;
  unsigned warpsIssued = 0;
  std::array<uint64_t, 2> descriptors = {};
  bool scaleD = false;
  std::vector<uint32_t> fragmentA; ///< [thread][4] where A is in registers.
  ByteRanges touched;
  uint32_t issued = 0;  ///< When its first warp came.
  bool reading = false; ///< Its readers are marked in the shadow.
  bool complete() const { return warpsIssued == 4; }
};

/// What a wgmma has read, and when each of the four warps had waited for it
/// (0: it has not): then it is the warp's to release.
struct PastRead {
  const Inst *inst = nullptr;
  uint32_t number = 0; ///< Operation, from 1 on.
  ByteRanges touched;
  std::array<uint32_t, 4> waited = {};
};

struct WarpGroup {
  std::deque<WgmmaOp> ops; ///< Operation i is ops[i - retired].
  uint32_t retired = 0;
  std::deque<PastRead> past; ///< The last ones.
  /// Values of setmaxnreg in order, for its uniformity.
  std::vector<unsigned> setmaxnregs;
};

struct Cta {
  Cta(Machine &machine, std::array<uint32_t, 3> id, unsigned rank);

  Machine &machine;
  std::array<uint32_t, 3> id;
  unsigned rank;             ///< In the cluster.
  unsigned linear;           ///< In the grid.
  std::vector<uint8_t> smem; ///< Index = .shared::cta address.
  Shadow shadow;
  std::map<uint32_t, MBarrier> barriers;
  std::array<NamedBarrier, 16> named;
  std::map<unsigned, BulkGroups> bulk; ///< By thread.
  std::vector<WarpGroup> groups;
  int freeRegisters = 0;
  unsigned rounds = 0; ///< That it still rests (Machine::rests).
  std::vector<std::unique_ptr<Warp>> warps;
  std::unique_ptr<Timeline> timeline; ///< Null: nothing is recorded.
  bool waitedForGrids = false;        ///< By one of its threads.
  /// A peer's last access to its shared memory.
  struct {
    uint32_t time = 0;
    unsigned rank = 0, warp = 0;
    const Inst *inst = nullptr;
  } lastRemote;

  /// Every thread has exited: its shared memory is nobody's.
  bool exited() const {
    return llvm::all_of(warps, [](auto &warp) { return warp->finished(); });
  }
};

/// Copies in flight, oldest first.
class AsyncEngine {
public:
  explicit AsyncEngine(const Options &options)
      : schedule(options.schedule), random(options.seed),
        odds(unsigned(2) << 3 * (options.seed % 3)) {}
  void issue(std::shared_ptr<AsyncOp> op);
  /// Completes a copy, of Schedule::Latest the oldest that `isAwaited`, or else
  /// the oldest; false if there is none.
  bool completeOne(llvm::function_ref<bool(const AsyncOp &)> isAwaited);
  /// Tells the timelines of copies that are not done at the end.
  void recordUnfinished() const;
  /// Whether a copy in flight completes bytes on an mbarrier.
  bool arrivesAt(unsigned rank, uint32_t barrier) const;
  /// Called between the turns of warps; whether it completed any.
  bool turn();
  /// A copy in flight that touches a byte, or null.
  const AsyncOp *find(unsigned rank, uint32_t address, bool isLoad) const;
  /// Of a random schedule: the laziest kind, the most eager one.
  bool isLazy() const { return odds > 64; }
  bool isEager() const { return odds == 2; }
  /// Copies issued and completed so far.
  uint64_t moves = 0;

private:
  void complete(size_t i);
  Schedule schedule;
  std::mt19937_64 random;
  /// Of random schedules some are eager and some lazy: between turns a copy
  /// completes once in so many times. The laziest are as Latest otherwise, but
  /// that warps drift apart.
  unsigned odds;
  std::deque<std::shared_ptr<AsyncOp>> queue;
};

/// How far a cluster has come.
enum class Pace : uint8_t {
  Done,     ///< To its end, or to a finding that stops it.
  Progress, ///< It did something and polls global memory now.
  Polling,  ///< It did nothing but poll: others must go on first.
  Stuck,    ///< Every warp waits for what only the cluster itself could do.
};

/// One cluster of a launch.
struct Machine : GlobalAccess {
  Machine(const Program &program, const Launch &launch, Memory &memory,
          const Options &options, Report &report);

  /// Makes the CTAs of the cluster.
  void start(std::array<uint32_t, 3> cluster);
  /// Runs until the end, or until warps did nothing but poll for `patience`
  /// rounds, or `cancelled` is set.
  Pace advance(unsigned patience, const std::atomic<bool> &cancelled);
  /// Moves what was recorded to the report; once.
  void endTrace();

  llvm::Error read(uint64_t address,
                   llvm::MutableArrayRef<uint8_t> bytes) override;
  llvm::Error write(uint64_t address, llvm::ArrayRef<uint8_t> bytes) override;
  llvm::Error update(
      uint64_t address, size_t size,
      llvm::function_ref<void(llvm::MutableArrayRef<uint8_t>)> change) override;

  /// The host bytes behind a copy's access, or null after noting why not.
  uint8_t *resolve(uint64_t address, uint64_t bytes);
  /// What a failed copy is reported as: an access outside of global memory, or
  /// operands that the copy engine refuses.
  Hazard copyHazard() {
    return std::exchange(missedGlobal, false) ? Hazard::OutOfBounds
                                              : Hazard::BadOperand;
  }

  void add(Finding finding, bool stop);
  /// A blocked path cannot go on before this copy is done.
  bool isAwaited(const AsyncOp &op) const;
  /// How many instructions the warp may run in this round: 0 where it rests.
  /// With random schedules the warps drift apart, so that what one does before
  /// another has begun, or after it has ended, is seen.
  unsigned turnOf(Warp &warp);
  /// Whether the mbarrier.try_wait that the warp is at gives false before it
  /// must; once at each, until something has happened.
  bool timesOutEarly(Warp &warp);
  /// Whether no warp of the CTA gets a turn in this round. With random
  /// schedules the CTAs of a cluster drift apart, so that what one does after
  /// another has ended, or before it has begun, is seen.
  bool rests(Cta &cta);
  void reportDeadlock();
  /// The launch is given up: where everybody is.
  void reportLimit();
  /// "CTA 1", "CTA 1 (rank 1 of its cluster)".
  std::string describe(const Cta &cta) const;
  /// "wait for slot 0 of pipe ab to be full": of a blocked path, short.
  std::string describeWait(const Path &path) const;
  /// The asynchronous operation in flight, or the thread, that stands against
  /// an access to a byte of `owner`: "the copy at … of role load (warp 4)".
  std::string describeOther(const Cta &owner, const Conflict &conflict) const;
  /// Lets every blocked mbarrier.try_wait give false that has not done so since
  /// the last event; false if there is none.
  bool timeOutWaits();
  /// Subtracts arrivals and bytes; flips the phase when nothing is missing.
  /// Returns an error text where the counts do not allow it.
  llvm::Error arrive(MBarrier &barrier, uint32_t arrivals, int64_t tx);
  MBarrier *findBarrier(unsigned rank, uint32_t offset);

  const Program &program;
  const Launch &launch;
  Memory &memory;
  const Options &options;
  Report &report;
  Names names;
  AsyncEngine engine;
  DependencyTrace *trace = nullptr; ///< Null: launches do not overlap.
  uint32_t gridsWaited = 0;         ///< Time of the first griddepcontrol.wait.
  unsigned ctasWaited = 0;          ///< CTAs that executed one.
  /// Of the copy that is being completed: its issuer, and whether it was issued
  /// behind a griddepcontrol.wait.
  Warp *copyIssuer = nullptr;
  bool copyOrdered = false;
  std::vector<uint8_t> params;
  uint32_t smemSize = 0;
  unsigned threads = 0;
  unsigned initialRegisters = 0, registerPool = 0;
  std::vector<std::unique_ptr<Cta>> ctas;
  ProxyFences fences;     ///< fence.proxy.async.
  ProxyFences initFences; ///< fence.mbarrier_init.
  ProxyFences toPeers;    ///< Releases with the cluster's scope or a wider one.
  Releases releases;
  uint32_t clusterArrived = 0;
  uint64_t clusterGeneration = 1;
  uint32_t clusterCompleted = 0; ///< When the last generation was complete.
  uint32_t clusterThreads = 0;   ///< Not exited.
  uint32_t time = 1;
  /// What may end a wait, beside the engine's moves: arrivals and bytes.
  uint64_t events = 0;
  bool stopped = false, traceEnded = false;
  /// In the last round nobody could go on, and some rested: nobody rests now.
  bool awake = false;
  bool missedGlobal = false;            ///< The last copy left global memory.
  std::mt19937_64 random{options.seed}; ///< For rests.
  std::vector<uint64_t> executed, executedLanes; ///< By instruction.
  std::array<uint32_t, 3> clusterId = {};
};

/// Calls `f(lane)` for the lanes of `mask`.
template <typename F> inline void forLanes(uint32_t mask, F f) {
  if (mask == ~0u) {
    for (unsigned lane = 0; lane < 32; ++lane)
      f(lane);
    return;
  }
  for (; mask; mask &= mask - 1)
    f(unsigned(__builtin_ctz(mask)));
}

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_MACHINE_H
