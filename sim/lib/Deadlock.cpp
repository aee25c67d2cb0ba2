//===- Deadlock.cpp - Who waits for whom ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Paths that wait alike, of one role in one CTA, are told as one waiter. A
// waiter owes its standstill to others: the parties of an mbarrier whose
// arrivals are missing, the warps that have not come to a barrier. Those are
// followed until one has exited, or the waits close to a cycle.
//
//===----------------------------------------------------------------------===//
#include "Machine.h"
#include "llvm/Support/FormatVariadic.h"

using namespace tilewright::sim;

/// "slot 0 of pipe ab to be full".
static std::string describeGoal(const Symbols::Barrier &barrier) {
  return Names::slot(barrier.owner, barrier.slot) + " to be " +
         (barrier.meaning == Symbols::Meaning::Full ? "full" : "free");
}

void MBarrier::note(const Warp &warp, uint64_t arrivals) {
  Arrivals *entry = nullptr;
  for (Arrivals &other : history)
    if (other.rank == warp.cta.rank && other.warp == warp.index &&
        other.loc.ptxLine == warp.inst->loc.ptxLine)
      entry = &other;
  if (!entry) {
    entry = &history.emplace_back();
    entry->rank = warp.cta.rank;
    entry->warp = warp.index;
    entry->loc = warp.inst->loc;
  }
  if (entry->phase != phase)
    entry->inPhase = 0;
  entry->phase = phase;
  entry->inPhase += arrivals;
  entry->total += arrivals;
}

std::string Machine::describe(const Cta &cta) const {
  std::string text = llvm::formatv("CTA {0}", cta.linear);
  if (ctas.size() > 1)
    text += llvm::formatv(" (rank {0} of its cluster)", cta.rank);
  return text;
}

std::string Machine::describeWait(const Path &path) const {
  const Wait &wait = path.wait;
  switch (wait.kind) {
  case Wait::None:
    break;
  case Wait::Lanes:
    return "wait for other lanes";
  case Wait::MBarrier:
    if (const Symbols::Barrier *symbol = names.barrier(wait.address))
      return "wait for " + describeGoal(*symbol);
    return llvm::formatv("wait for the mbarrier at {0}", wait.address);
  case Wait::Named:
    return llvm::formatv("wait at barrier {0}", wait.address);
  case Wait::Cluster:
    return "wait at the cluster barrier";
  case Wait::BulkGroup:
    return "wait for bulk copies";
  case Wait::Wgmma:
    return "wait for the warpgroup's wgmma";
  case Wait::Registers:
    return "wait for registers";
  }
  return "wait";
}

std::string Machine::describeOther(const Cta &owner,
                                   const Conflict &conflict) const {
  auto at = [&](const Inst &inst, const Warp &warp, const char *what) {
    return llvm::formatv("{0} at {1} of {2}{3}", what, program.source(inst.loc),
                         &warp.cta == &owner ? "" : describe(warp.cta) + ", ",
                         names.warps(warp.index))
        .str();
  };
  if (conflict.hazard == Hazard::ReadBeforeArrival ||
      conflict.hazard == Hazard::OverwrittenWhileRead)
    if (const AsyncOp *op =
            engine.find(owner.rank, conflict.address,
                        conflict.hazard == Hazard::ReadBeforeArrival))
      return at(*op->inst, *op->warp, "the copy");
  if (conflict.hazard == Hazard::OverwrittenWhileRead)
    for (const auto &[index, group] : llvm::enumerate(owner.groups))
      for (const WgmmaOp &op : group.ops)
        if (op.reading && llvm::any_of(op.touched, [&](ByteRange range) {
              return conflict.address >= range.begin &&
                     conflict.address < range.end();
            }))
          return at(*op.inst, *owner.warps[index * 4], "the wgmma");
  if (conflict.hazard == Hazard::MissingProxyFence) {
    unsigned thread = owner.shadow.lastWriter(conflict.address);
    const Cta &writer = *ctas[thread / 1024];
    return llvm::formatv("{0}{1}",
                         &writer == &owner ? "" : describe(writer) + ", ",
                         names.warps(unsigned(thread % 1024 / 32)));
  }
  if (conflict.hazard == Hazard::UnreleasedRead) {
    unsigned thread = owner.shadow.lastReader(conflict.address);
    const Cta &reader = *ctas[thread / 1024];
    return llvm::formatv(
        "{0}{1} lane {2}", &reader == &owner ? "" : describe(reader) + ", ",
        names.warps(unsigned(thread % 1024 / 32)), thread % 32);
  }
  return conflict.hazard == Hazard::ReadBeforeArrival ? "a copy"
                                                      : "an asynchronous read";
}

namespace {

/// Paths of one role, in one CTA, that wait alike.
struct Waiter {
  const Cta *cta;
  const Path *path; ///< The first of them, and what it waits for.
  const Wait *wait;
  std::vector<unsigned> warps;
  bool isPart; ///< Other lanes of the warp are elsewhere.
  /// The waiters that hold it up.
  std::vector<size_t> causes;
};

class Deadlock {
public:
  explicit Deadlock(Machine &machine)
      : machine(machine), program(machine.program), names(machine.names) {}

  std::string explain();
  /// Where the first waiter is.
  std::string where() const;

private:
  void collect();
  void addPath(const Cta &cta, const Warp &warp, const Path &path);
  std::string explain(Waiter &waiter);
  std::string explainMBarrier(Waiter &waiter);
  /// What is missing, and of whom.
  std::string missing(Waiter &waiter, const MBarrier &barrier,
                      const Symbols::Barrier *symbol);
  std::string explainCycle();
  /// Notes that `waiter` waits for warps of `cta`; those that have exited are
  /// added to `gone`.
  void blame(Waiter &waiter, const Cta &cta,
             llvm::function_ref<bool(unsigned warp)> isCause,
             std::vector<unsigned> &gone);
  std::string name(const Waiter &waiter) const;
  bool visit(size_t index, std::vector<size_t> &path,
             std::vector<bool> &seen) const;

  Machine &machine;
  const Program &program;
  const Names &names;
  std::vector<Waiter> waiters;
  std::string details; ///< Of the waiter that is told, a line each.
};

void Deadlock::addPath(const Cta &cta, const Warp &warp, const Path &path) {
  const Symbols::Role *role = names.role(warp.index);
  bool isPart = warp.paths.size() > 1;
  const Wait &wait = path.wait.kind == Wait::None ? path.poll : path.wait;
  for (Waiter &other : waiters) {
    const Wait &a = *other.wait, &b = wait;
    if (other.cta == &cta && names.role(other.warps[0]) == role &&
        other.path->pc == path.pc && a.kind == b.kind &&
        a.address == b.address && a.rank == b.rank && a.phase == b.phase &&
        !isPart && !other.isPart) {
      other.warps.push_back(warp.index);
      return;
    }
  }
  waiters.push_back({&cta, &path, &wait, {warp.index}, isPart, {}});
}

void Deadlock::collect() {
  for (const auto &cta : machine.ctas)
    for (const auto &warp : cta->warps)
      for (const Path &path : warp->paths)
        addPath(*cta, *warp, path);
}

std::string Deadlock::name(const Waiter &waiter) const {
  std::string text = names.warps(waiter.warps);
  if (waiter.isPart)
    text += llvm::formatv(" lanes {0:x}", waiter.path->mask);
  return text;
}

void Deadlock::blame(Waiter &waiter, const Cta &cta,
                     llvm::function_ref<bool(unsigned warp)> isCause,
                     std::vector<unsigned> &gone) {
  for (const auto &warp : cta.warps) {
    if (!isCause(warp->index))
      continue;
    if (warp->finished())
      gone.push_back(warp->index);
    for (size_t i = 0; i < waiters.size(); ++i)
      if (waiters[i].cta == &cta &&
          llvm::is_contained(waiters[i].warps, warp->index) &&
          !llvm::is_contained(waiter.causes, i))
        waiter.causes.push_back(i);
  }
}

/// "2 arrivals of role a and 1 arrival of role b are missing".
std::string Deadlock::missing(Waiter &waiter, const MBarrier &barrier,
                              const Symbols::Barrier *symbol) {
  struct Owing {
    std::string who;
    uint64_t arrivals;
    std::function<bool(unsigned rank, unsigned warp)> includes;
  };
  std::vector<Owing> owing;
  auto isCurrent = [&](const Arrivals &entry) {
    return entry.phase == barrier.phase ? entry.inPhase : 0;
  };
  llvm::ArrayRef<Symbols::Party> parties;
  unsigned perCta = 0;
  if (symbol)
    parties = symbol->parties;
  for (const Symbols::Party &party : parties)
    perCta += party.arrivals;
  // The counts are those of one CTA; a barrier that expects as many from each
  // of the cluster says so by its own.
  size_t ctas = machine.ctas.size();
  bool all = ctas > 1 && barrier.count == perCta * ctas;
  for (const Symbols::Party &party : parties)
    for (size_t rank = 0; rank < (all ? ctas : 1); ++rank) {
      auto includes = [this, &party, all, rank](unsigned from, unsigned warp) {
        const Symbols::Role *role = names.role(warp);
        return role && role->name == party.role && (!all || from == rank);
      };
      uint64_t there = 0;
      for (const Arrivals &entry : barrier.history)
        if (includes(entry.rank, entry.warp))
          there += isCurrent(entry);
      std::string who = "role " + party.role;
      if (all)
        who += llvm::formatv(" of CTA {0}", machine.ctas[rank]->linear);
      if (there < party.arrivals)
        owing.push_back({who, party.arrivals - there, includes});
    }
  std::string text;
  if (owing.empty() && barrier.pending) {
    text = llvm::formatv("{0} of {1} arrivals {2} missing", barrier.pending,
                         barrier.count, barrier.pending == 1 ? "is" : "are");
    // Without a description, those who have arrived before should again.
    if (!barrier.history.empty())
      owing.push_back({"", barrier.pending, [&](unsigned rank, unsigned warp) {
                         return llvm::any_of(
                             barrier.history, [&](const Arrivals &entry) {
                               return entry.rank == rank &&
                                      entry.warp == warp && !isCurrent(entry);
                             });
                       }});
  } else {
    for (size_t i = 0; i < owing.size(); ++i)
      text += llvm::formatv("{0}{1} of {2}", i ? " and " : "",
                            plural(owing[i].arrivals, "arrival"), owing[i].who);
    if (!owing.empty())
      text += owing.size() == 1 && owing[0].arrivals == 1 ? " is missing"
                                                          : " are missing";
  }
  if (barrier.tx > 0)
    text += llvm::formatv(
        "{0}{1} that were announced have not come, and no copy in flight "
        "brings them",
        text.empty() ? "" : "; ", plural(barrier.tx, "byte"));
  if (barrier.tx < 0)
    text +=
        llvm::formatv("{0}{1} came that were not announced",
                      text.empty() ? "" : "; ", plural(-barrier.tx, "byte"));
  // They may have been another CTA's to send.
  std::vector<unsigned> gone;
  if (barrier.tx > 0)
    for (const auto &cta : machine.ctas)
      blame(
          waiter, *cta,
          [&](unsigned warp) {
            const Symbols::Role *role = names.role(warp);
            return cta.get() != barrier.cta && role &&
                   llvm::any_of(parties, [&](const Symbols::Party &party) {
                     return party.role == role->name;
                   });
          },
          gone);
  for (const Owing &party : owing) {
    uint64_t total = 0;
    std::string places;
    for (const Arrivals &entry : barrier.history) {
      if (!party.includes(entry.rank, entry.warp))
        continue;
      total += entry.total;
      std::string place = program.source(entry.loc);
      if (places.find(place) == std::string::npos)
        places += (places.empty() ? " at " : ", ") + place;
    }
    if (party.who.empty())
      details += llvm::formatv("\n    arrivals so far: {0}{1}", total, places);
    else if (total)
      details += llvm::formatv("\n    {0} has arrived on it {1}{2}", party.who,
                               plural(total, "time"), places);
    else
      details += "\n    " + party.who + " has never arrived on it";
    for (const auto &cta : machine.ctas) {
      if (!all && cta.get() != barrier.cta && !party.who.empty())
        continue;
      gone.clear();
      // Those of the role that have arrived are not to blame.
      blame(
          waiter, *cta,
          [&](unsigned warp) {
            return party.includes(cta->rank, warp) &&
                   llvm::none_of(barrier.history, [&](const Arrivals &entry) {
                     return entry.warp == warp && entry.rank == cta->rank &&
                            isCurrent(entry);
                   });
          },
          gone);
      if (!gone.empty())
        details += llvm::formatv(
            "\n    {0}{1} {2} exited",
            machine.ctas.size() > 1 ? machine.describe(*cta) + ", " : "",
            names.warps(gone), gone.size() == 1 ? "has" : "have");
    }
  }
  return text;
}

std::string Deadlock::explainMBarrier(Waiter &waiter) {
  const Wait &wait = *waiter.wait;
  const MBarrier *barrier = machine.findBarrier(wait.rank, wait.address);
  const Symbols::Barrier *symbol = names.barrier(wait.address);
  std::string text;
  if (symbol)
    text = "for " + describeGoal(*symbol);
  else
    text = llvm::formatv("for phase parity {0} of the mbarrier at {1}",
                         wait.phase, wait.address);
  if (wait.rank != waiter.cta->rank)
    text += llvm::formatv(" of cluster CTA {0}", wait.rank);
  if (!barrier)
    return text;
  if (!symbol)
    text += " (initialised at " + program.source(barrier->init) + ")";
  return text + llvm::formatv(" (phase {0}): {1}", barrier->phase,
                              missing(waiter, *barrier, symbol))
                    .str();
}

/// What the waiter waits for; lines about those who hold it up in `details`.
std::string Deadlock::explain(Waiter &waiter) {
  const Wait &wait = *waiter.wait;
  const Cta &cta = *waiter.cta;
  std::vector<unsigned> gone;
  unsigned self = waiter.warps[0];
  // The warps of this CTA that must come to where the waiter is.
  auto blameOthers = [&](auto isCandidate) {
    blame(
        waiter, cta,
        [&](unsigned warp) {
          return isCandidate(warp) && !llvm::is_contained(waiter.warps, warp);
        },
        gone);
    if (!gone.empty())
      details += llvm::formatv("\n    {0} {1} exited", names.warps(gone),
                               gone.size() == 1 ? "has" : "have");
  };
  switch (wait.kind) {
  case Wait::None:
    return "for a value in memory to change";
  case Wait::Lanes:
    blame(waiter, cta, [&](unsigned warp) { return warp == self; }, gone);
    llvm::erase_if(waiter.causes,
                   [&](size_t i) { return &waiters[i] == &waiter; });
    return llvm::formatv("for lanes {0:x} to come here", wait.phase);
  case Wait::MBarrier:
    return explainMBarrier(waiter);
  case Wait::Named: {
    const NamedBarrier &barrier = cta.named[wait.address & 15];
    blameOthers([&](unsigned warp) {
      return names.role(warp) == names.role(self) &&
             llvm::none_of(cta.warps[warp]->paths, [&](const Path &path) {
               return path.wait.kind == Wait::Named &&
                      path.wait.address == wait.address;
             });
    });
    return llvm::formatv("at barrier {0}: {1} of {2} threads are there",
                         wait.address, barrier.arrived, barrier.expected);
  }
  case Wait::Cluster:
    for (const auto &other : machine.ctas)
      blame(
          waiter, *other,
          [&](unsigned warp) {
            return llvm::none_of(other->warps[warp]->paths,
                                 [](const Path &path) {
                                   return path.wait.kind == Wait::Cluster;
                                 });
          },
          gone);
    return llvm::formatv("at the cluster barrier: {0} of {1} threads are there",
                         machine.clusterArrived, machine.clusterThreads);
  case Wait::BulkGroup:
    return "for its bulk copies";
  case Wait::Wgmma:
    blameOthers([&](unsigned warp) { return warp / 4 == self / 4; });
    return "for the other warps of its warpgroup to issue their wgmma";
  case Wait::Registers:
    return llvm::formatv("for {0} registers a thread", wait.address);
  }
  return "";
}

/// Depth first from waiter `index`; `path` is a cycle if true.
bool Deadlock::visit(size_t index, std::vector<size_t> &path,
                     std::vector<bool> &seen) const {
  auto it = llvm::find(path, index);
  if (it != path.end()) {
    path.erase(path.begin(), it);
    return true;
  }
  if (seen[index])
    return false;
  seen[index] = true;
  path.push_back(index);
  for (size_t cause : waiters[index].causes)
    if (visit(cause, path, seen))
      return true;
  path.pop_back();
  return false;
}

std::string Deadlock::explainCycle() {
  std::vector<bool> seen(waiters.size());
  for (size_t i = 0; i < waiters.size(); ++i) {
    std::vector<size_t> path;
    if (!visit(i, path, seen))
      continue;
    std::string text = "\n  a cycle: ";
    auto full = [&](size_t at) {
      const Waiter &waiter = waiters[at];
      std::string cta = llvm::formatv("CTA {0}, ", waiter.cta->linear);
      return (machine.ctas.size() > 1 ? cta : "") + name(waiter);
    };
    for (size_t at : path)
      text += full(at) + " waits for ";
    return text + full(path[0]);
  }
  return "";
}

std::string Deadlock::explain() {
  collect();
  std::string text;
  for (Waiter &waiter : waiters) {
    details.clear();
    std::string what = explain(waiter);
    text += llvm::formatv(
        "\n  {0}: {1} {2} at {3} {4}{5}", machine.describe(*waiter.cta),
        name(waiter),
        waiter.warps.size() == 1 || names.role(waiter.warps[0]) ? "waits"
                                                                : "wait",
        program.source(program.code[waiter.path->pc].loc), what, details);
  }
  return text + explainCycle();
}

std::string Deadlock::where() const {
  for (const Waiter &waiter : waiters)
    if (waiter.wait->kind != Wait::Lanes)
      return program.where(program.code[waiter.path->pc].loc);
  return "";
}

} // namespace

void Machine::reportDeadlock() {
  Deadlock deadlock(*this);
  Finding finding;
  finding.hazard = Hazard::Deadlock;
  finding.message =
      "no warp can run and no copy is in flight" + deadlock.explain();
  finding.where = deadlock.where();
  add(std::move(finding), /*stop=*/true);
}

void Machine::reportLimit() {
  Finding finding;
  finding.hazard = Hazard::InstructionLimit;
  finding.message = llvm::formatv(
      "the launch was given up after {0} warp instructions", time);
  for (const auto &cta : ctas)
    for (const auto &warp : cta->warps)
      for (const Path &path : warp->paths)
        finding.message += llvm::formatv(
            "\n  {0}: {1} is at {2}", describe(*cta), names.warps(warp->index),
            program.source(program.code[path.pc].loc));
  add(std::move(finding), /*stop=*/true);
}
