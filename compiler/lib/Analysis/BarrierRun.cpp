//===- BarrierRun.cpp - all roles on the mbarriers of a cluster -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Arrival counts, and runs of all roles together with concrete trip counts. A
// role's events do not depend on the others', so one order tells whether any
// order hangs: each role goes on while it can.
//
//===----------------------------------------------------------------------===//

#include "BarrierState.h"
#include "tilewright/Analysis/BarrierVerifier.h"

#include "llvm/ADT/STLExtras.h"
#include <map>
#include <set>

using namespace mlir;
using namespace tilewright;
using Inst = BarrierInst;
using pipe::Side;

static void walk(ArrayRef<Inst> insts,
                 llvm::function_ref<void(const Inst &)> visit) {
  for (const Inst &inst : insts) {
    visit(inst);
    walk(inst.body, visit);
    walk(inst.otherwise, visit);
  }
}

//===----------------------------------------------------------------------===//
// Counts
//===----------------------------------------------------------------------===//

/// Named barriers: one a group, none shared by two roles.
static LogicalResult checkNamedBarriers(const BarrierProgram &program) {
  std::map<int64_t, const Inst *> users;
  for (const BarrierRole &role : program.roles) {
    const Inst *first = nullptr;
    bool ok = true;
    walk(role.body, [&](const Inst &inst) {
      if (inst.kind != Inst::GroupBarrier || !ok)
        return;
      auto barrier = cast<pipe::GroupBarrierOp>(inst.op);
      if (first && first->imm != inst.imm) {
        InFlightDiagnostic diag = barrier.emitError("role '")
                                  << role.name() << "' meets at barrier "
                                  << inst.imm << " here, but not elsewhere";
        diag.attachNote(first->op->getLoc())
            << "barrier " << first->imm << " is used here";
        ok = false;
        return;
      }
      if (static_cast<int64_t>(barrier.getGroups()) != role.groups) {
        barrier.emitError("role '")
            << role.name() << "' has " << role.groups << " groups, not "
            << static_cast<int64_t>(barrier.getGroups());
        ok = false;
        return;
      }
      if (!first)
        for (int64_t id = inst.imm; id < inst.imm + role.groups; ++id)
          if (id < 1 || id > 15 || !users.emplace(id, &inst).second) {
            barrier.emitError("role '") << role.name() << "' meets at barrier "
                                        << id << ", which is not its alone";
            ok = false;
            return;
          }
      first = &inst;
    });
    if (!ok)
      return failure();
  }
  return success();
}

LogicalResult tilewright::checkArrivals(const BarrierProgram &program) {
  for (size_t number = 0; number < program.rings.size(); ++number) {
    const BarrierRing &ring = program.rings[number];
    if (ring.isEngine)
      continue;
    for (Side side : {Side::Full, Side::Empty}) {
      int64_t expected = side == Side::Full ? ring.fullCount : ring.emptyCount;
      int64_t total = 0;
      for (const BarrierRole &role : program.roles) {
        std::optional<int64_t> arrivals;
        bool ok = true;
        walk(role.body, [&](const Inst &inst) {
          if (inst.kind != Inst::Arrive || inst.side != side ||
              inst.ring != static_cast<int>(number) || !ok)
            return;
          int64_t count =
              countArrivals(role, inst) *
              (inst.threads == BarrierThreads::Role ? 1 : role.groups);
          if (arrivals && *arrivals != count) {
            inst.op->emitError("role '")
                << role.name() << "' arrives " << count
                << " times here for a slot of '" << ring.name()
                << "', elsewhere " << *arrivals << " times";
            ok = false;
          }
          arrivals = count;
        });
        if (!ok)
          return failure();
        total += arrivals.value_or(0);
      }
      if (total != expected) {
        pipe::RingOp op = ring.op;
        return op.emitError("the ")
               << (side == Side::Full ? "full" : "empty") << " barriers of '"
               << ring.name() << "' expect " << expected
               << " arrivals a phase, but its roles arrive " << total
               << " times";
      }
    }
  }
  return checkNamedBarriers(program);
}

//===----------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------===//

namespace {

/// An mbarrier (PTX ISA, "Tracking asynchronous operations by the mbarrier
/// object").
struct MBarrier {
  int64_t count = 0, pending = 0, bytes = 0, phase = 0;
  /// Of the contributors' slots the number that this place holds.
  int64_t slot = -1;

  bool settle() {
    if (pending != 0 || bytes != 0)
      return false;
    ++phase;
    pending = count;
    return true;
  }
};

/// A group of a role in a CTA of the cluster.
struct Agent {
  unsigned role = 0;
  int64_t group = 0, rank = 0;
  std::vector<BarrierEvent> events;
  size_t at = 0;
  /// Uses of each place, slots taken of each ring and side.
  std::map<std::tuple<int, int, int64_t>, int64_t> uses;
  std::map<std::pair<int, int>, int64_t> taken;
};

class ClusterRun {
public:
  ClusterRun(const BarrierProgram &program) : program(program) {}

  /// Nothing if the trip counts are not known.
  std::optional<LogicalResult> run(BarrierRunValues values) {
    for (int64_t rank = 0; rank < program.cluster; ++rank) {
      values.rank = rank;
      for (unsigned role = 0; role < program.roles.size(); ++role)
        for (int64_t group = 0; group < program.roles[role].groups; ++group) {
          auto events = traceRole(program, role, group, values);
          if (!events)
            return std::nullopt;
          Agent &agent = agents.emplace_back();
          agent.role = role;
          agent.group = group;
          agent.rank = rank;
          agent.events = std::move(*events);
        }
    }
    initialise();
    bool moved = true;
    while (moved) {
      moved = false;
      for (Agent &agent : agents)
        while (agent.at < agent.events.size()) {
          std::optional<bool> went = advance(agent);
          if (!went)
            return failure();
          if (!*went)
            break;
          moved = true;
        }
    }
    return finish();
  }

private:
  MBarrier &barrier(int64_t rank, int ring, Side side, int64_t place) {
    return barriers[{rank, ring, static_cast<int>(side), place}];
  }

  void initialise() {
    for (int64_t rank = 0; rank < program.cluster; ++rank)
      for (auto [number, ring] : llvm::enumerate(program.rings)) {
        if (ring.isEngine)
          continue;
        for (int64_t place = 0; place < ring.depth; ++place) {
          MBarrier &full =
              barrier(rank, static_cast<int>(number), Side::Full, place);
          full.count = full.pending = ring.fullCount;
          MBarrier &empty =
              barrier(rank, static_cast<int>(number), Side::Empty, place);
          empty.count = empty.pending =
              ring.emptyCount *
              (rank == 0 || ring.isExchange ? ring.cluster : 1);
        }
      }
  }

  std::nullopt_t error(const Agent &agent, const BarrierEvent &event,
                       const Twine &message) {
    event.op->emitError("role '")
        << program.roles[agent.role].name() << "' " << message;
    return std::nullopt;
  }

  /// Whether the agent's next event has happened; nothing after an error.
  std::optional<bool> advance(Agent &agent) {
    const BarrierEvent &event = agent.events[agent.at];
    std::optional<bool> went =
        event.kind == BarrierEvent::Wait     ? wait(agent, event)
        : event.kind == BarrierEvent::Arrive ? arrive(agent, event)
                                             : fill(agent, event);
    if (went && *went)
      ++agent.at;
    return went;
  }

  std::optional<bool> wait(Agent &agent, const BarrierEvent &event) {
    const BarrierRing &ring = program.rings[event.ring];
    MBarrier &awaited =
        barrier(agent.rank, event.ring, event.side, event.place);
    if ((awaited.phase & 1) == event.parity)
      return false;
    int side = static_cast<int>(event.side);
    int64_t &uses = agent.uses[{event.ring, side, event.place}];
    int64_t phases = uses + (event.side == Side::Full);
    if (awaited.phase != phases)
      return error(agent, event,
                   "passes a wait for place " + Twine(event.place) + " of '" +
                       ring.name() + "' after " + Twine(awaited.phase) +
                       " phases, not " + Twine(phases));
    if (event.drains)
      return true;
    ++uses;
    int64_t slot = agent.taken[{event.ring, side}]++;
    if (event.side == Side::Full && awaited.slot != slot)
      return error(agent, event,
                   "takes slot " + Twine(slot) + " of '" + ring.name() +
                       "' from place " + Twine(event.place) +
                       ", which holds slot " + Twine(awaited.slot));
    if (event.side == Side::Empty)
      agent.uses[{event.ring, 2, event.place}] = slot;
    return true;
  }

  std::optional<bool> arriveAt(Agent &agent, const BarrierEvent &event,
                               MBarrier &at) {
    at.bytes += event.bytes;
    at.pending -= event.arrivals;
    if (at.pending < 0)
      return error(agent, event,
                   "arrives more often than a phase of '" +
                       program.rings[event.ring].name() + "' expects");
    at.settle();
    return true;
  }

  std::optional<bool> arrive(Agent &agent, const BarrierEvent &event) {
    const BarrierRing &ring = program.rings[event.ring];
    MBarrier &own = barrier(agent.rank, event.ring, event.side, event.place);
    if (event.side == Side::Full)
      own.slot = agent.uses[{event.ring, 2, event.place}];
    if (event.side == Side::Empty && ring.isExchange) {
      for (int64_t rank = 0; rank < ring.cluster; ++rank)
        if (!arriveAt(agent, event,
                      barrier(rank, event.ring, event.side, event.place)))
          return std::nullopt;
      return true;
    }
    // A slot that the leader fills is released to it, too.
    if (event.side == Side::Empty && ring.cluster > 1 && agent.rank != 0 &&
        !arriveAt(agent, event,
                  barrier(0, event.ring, event.side, event.place)))
      return std::nullopt;
    return arriveAt(agent, event, own);
  }

  std::optional<bool> fill(Agent &agent, const BarrierEvent &event) {
    const BarrierRing &ring = program.rings[event.ring];
    if (ring.isExchange) {
      for (int64_t rank = 0; rank < ring.cluster; ++rank) {
        if (rank == agent.rank)
          continue;
        MBarrier &at = barrier(rank, event.ring, Side::Full, event.place);
        at.bytes -= event.bytes / (ring.cluster - 1);
        at.settle();
      }
      return true;
    }
    if (event.multicast > 1 && agent.rank != 0)
      return true;
    int64_t last = event.multicast > 1 ? event.multicast - 1 : agent.rank;
    for (int64_t rank = event.multicast > 1 ? 0 : agent.rank; rank <= last;
         ++rank) {
      MBarrier &at = barrier(rank, event.ring, Side::Full, event.place);
      at.bytes -= event.bytes;
      at.settle();
    }
    return true;
  }

  LogicalResult finish() {
    for (const Agent &agent : agents)
      if (agent.at < agent.events.size())
        return reportHang(agent);
    for (const auto &[key, state] : barriers) {
      auto [rank, ring, side, place] = key;
      if (state.pending == state.count && state.bytes == 0)
        continue;
      pipe::RingOp op = program.rings[ring].op;
      return op.emitError("a phase of the ")
             << (side == 0 ? "full" : "empty") << " barrier of place " << place
             << " of '" << program.rings[ring].name()
             << "' is left open at the end: " << state.pending
             << " arrivals and " << state.bytes << " bytes are missing";
    }
    return success();
  }

  LogicalResult reportHang(const Agent &agent) {
    const BarrierEvent &event = agent.events[agent.at];
    InFlightDiagnostic diag =
        event.op->emitError("role '")
        << program.roles[agent.role].name() << "' waits for ever for the "
        << (event.side == Side::Full ? "full" : "empty") << " barrier of place "
        << event.place << " of '" << program.rings[event.ring].name() << "'";
    for (const Agent &other : agents)
      if (&other != &agent && other.rank == agent.rank &&
          other.at < other.events.size())
        diag.attachNote(other.events[other.at].op->getLoc())
            << "role '" << program.roles[other.role].name()
            << "' waits here meanwhile";
    return diag;
  }

  const BarrierProgram &program;
  std::vector<Agent> agents;
  std::map<std::tuple<int64_t, int, int, int64_t>, MBarrier> barriers;
};

} // namespace

LogicalResult tilewright::runTogether(const BarrierProgram &program,
                                      BarrierBound &bound) {
  // Around where rings are not filled, just filled and filled again.
  std::set<int64_t> trips{0, 1, 2, 3, 4, 5};
  for (const BarrierRing &ring : program.rings)
    if (!ring.isEngine)
      for (int64_t n :
           {ring.depth - 1, ring.depth, ring.depth + 1, 2 * ring.depth + 1})
        trips.insert(std::min<int64_t>(n, 48));
  auto runOnce = [&](int64_t n, int64_t spread, int64_t items) {
    BarrierRunValues values;
    values.items = items;
    for (auto [i, dim] : llvm::enumerate(program.dims))
      values.dims.push_back((n + spread * static_cast<int64_t>(i)) * dim.unit);
    std::optional<LogicalResult> result = ClusterRun(program).run(values);
    if (!result)
      return success();
    ++bound.runs;
    bound.iterations = std::max(bound.iterations, n);
    bound.items = std::max(bound.items, items);
    return *result;
  };
  for (int64_t n : trips)
    if (failed(runOnce(n, 0, 2)))
      return failure();
  for (int64_t items : {0, 1, 3})
    if (failed(runOnce(2, 1, items)))
      return failure();
  return success();
}

FailureOr<BarrierBound> tilewright::verifyBarriers(tile::KernelOp kernel) {
  FailureOr<std::unique_ptr<BarrierProgram>> program =
      BarrierProgram::build(kernel);
  if (failed(program))
    return failure();
  BarrierBound bound;
  bool ok = succeeded(checkArrivals(**program));
  for (unsigned role = 0; role < (*program)->roles.size(); ++role)
    ok &= succeeded(checkRoleBarriers(**program, role, bound));
  if (!ok || failed(runTogether(**program, bound)))
    return failure();
  return bound;
}
