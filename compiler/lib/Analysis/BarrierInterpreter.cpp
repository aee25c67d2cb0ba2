//===- BarrierInterpreter.cpp - roles for any, or given, trip counts ------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Control flow and integers. What the steps must satisfy is in
// BarrierState.cpp.
//
//===----------------------------------------------------------------------===//

#include "BarrierArith.h"
#include "BarrierState.h"

#include "llvm/ADT/STLExtras.h"
#include <set>

using namespace mlir;
using namespace tilewright;
using Inst = BarrierInst;

/// More states than this are given up on; a ring of depth d has some 2·d for
/// each loop.
static constexpr int64_t maxStates = 200000;
/// Loops of constant trip counts up to this are run as they are.
static constexpr int64_t maxConstantTrips = 64;
static constexpr int64_t maxConcreteTrips = 4096;

std::vector<int64_t> BarrierState::key(ArrayRef<BarrierValue> registers) const {
  std::vector<int64_t> key(registers.begin(), registers.end());
  auto add = [&](RingPlace at) {
    key.push_back(int64_t(at.ring) << 32 | uint32_t(at.place));
  };
  auto addGroup = [&](const ReadGroup &group) {
    key.push_back(static_cast<int64_t>(group.reads.size()));
    for (RingPlace at : group.reads)
      add(at);
    key.push_back(static_cast<int64_t>(group.products.size()));
    key.insert(key.end(), group.products.begin(), group.products.end());
  };
  for (const Count &count : counts) {
    key.push_back(count.next);
    key.push_back(count.parity | count.drained << 1);
  }
  key.push_back(static_cast<int64_t>(held.size()));
  for (const HeldSlot &slot : held) {
    add(slot.at);
    key.push_back(slot.bytes << 8 | int64_t(slot.waited) << 4 |
                  int64_t(slot.threads));
  }
  key.push_back(static_cast<int64_t>(written.size()));
  for (const WrittenPlace &place : written) {
    add(place.at);
    key.push_back(place.visible);
  }
  for (const std::vector<ReadGroup> *groups : {&products, &stores}) {
    key.push_back(static_cast<int64_t>(groups->size()));
    for (const ReadGroup &group : *groups)
      addGroup(group);
  }
  addGroup(openProducts);
  addGroup(openStores);
  for (RingPlace at : retired)
    add(at);
  key.push_back(last << 4 | int64_t(fenced) << 3 | int64_t(storeThreads));
  return key;
}

std::vector<int64_t> BarrierState::keyAt(const Inst &loop) const {
  SmallVector<BarrierValue> live;
  for (int reg : loop.live)
    live.push_back(regs[reg]);
  return key(live);
}

BarrierInterpreter::BarrierInterpreter(const BarrierProgram &program,
                                       unsigned role, int64_t group)
    : program(program), role(program.roles[role]), group(group) {
  fills.assign(program.rings.size(), false);
  std::function<void(ArrayRef<Inst>)> collect = [&](ArrayRef<Inst> insts) {
    for (const Inst &inst : insts) {
      if (inst.kind == Inst::Arrive && inst.side == pipe::Side::Full &&
          (inst.threads != BarrierThreads::Role || group == 0))
        fills[inst.ring] = true;
      collect(inst.body);
      collect(inst.otherwise);
    }
  };
  collect(this->role.body);
}

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

BarrierValue BarrierInterpreter::evaluate(const Inst &inst,
                                          const BarrierState &state) {
  switch (inst.kind) {
  case Inst::Constant:
    return inst.imm;
  case Inst::Group:
    return group;
  case Inst::Copy:
  case Inst::More:
    return get(state, inst.a);
  case Inst::Select: {
    BarrierValue condition = get(state, inst.a);
    BarrierValue yes = get(state, inst.b), no = get(state, inst.c);
    if (isKnown(condition))
      return condition ? yes : no;
    return yes == no ? yes : unknownValue;
  }
  case Inst::Arith: {
    BarrierValue value =
        evaluateBarrierArith(inst, get(state, inst.a), get(state, inst.b));
    // The bits of one place are followed at a time (checkAll).
    if (inst.flipsPlaces && isKnown(value) && !values)
      value &= int64_t(1) << focus;
    return value;
  }
  case Inst::Element: {
    // What a tensor holds is the same for all roles; for runs with concrete
    // trip counts small numbers are made up.
    if (!values)
      return unknownValue;
    uint64_t hash = 1469598103934665603ULL + static_cast<uint64_t>(inst.imm);
    for (int reg : inst.indices) {
      if (!isKnown(get(state, reg)))
        return unknownValue;
      hash = (hash ^ static_cast<uint64_t>(get(state, reg))) * 1099511628211ULL;
    }
    return static_cast<BarrierValue>((hash >> 20) % 4);
  }
  default:
    return unknownValue;
  }
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

void BarrierInterpreter::unite(States &list) {
  if (list.size() < 2)
    return;
  std::set<std::vector<int64_t>> seen;
  States result;
  for (BarrierState &state : list)
    if (seen.insert(state.key()).second)
      result.push_back(std::move(state));
  list = std::move(result);
}

bool BarrierInterpreter::runBlock(ArrayRef<Inst> block, States &list) {
  for (const Inst &inst : block) {
    switch (inst.kind) {
    case Inst::Loop:
    case Inst::ForEach:
      if (!runLoop(inst, list))
        return false;
      break;
    case Inst::If:
      if (!runIf(inst, list))
        return false;
      break;
    case Inst::Elect:
      // One thread of a role is one of its first group.
      if (inst.threads == BarrierThreads::Role && group != 0)
        break;
      for (BarrierState &state : list)
        state.last = -1;
      if (!runBlock(inst.body, list))
        return false;
      for (BarrierState &state : list)
        state.last = -1;
      break;
    default:
      for (BarrierState &state : list)
        if (!step(inst, state))
          return false;
      break;
    }
  }
  return true;
}

/// What the last iteration has left in registers is forgotten, so that equal
/// states look equal.
void BarrierInterpreter::enterLoop(const Inst &inst, BarrierState &state) {
  SmallVector<BarrierValue> carried;
  for (int reg : inst.args)
    carried.push_back(get(state, reg));
  std::fill(state.regs.begin() + inst.firstReg,
            state.regs.begin() + inst.endReg, unknownValue);
  for (auto [reg, value] : llvm::zip(inst.args, carried))
    state.regs[reg] = value;
}

static void assign(BarrierState &state, ArrayRef<int> to, ArrayRef<int> from) {
  SmallVector<BarrierValue> moved;
  for (int reg : from)
    moved.push_back(reg < 0 ? unknownValue : state.regs[reg]);
  for (auto [reg, value] : llvm::zip(to, moved))
    state.regs[reg] = value;
}

static void leaveLoop(const Inst &inst, BarrierState &state) {
  assign(state, inst.results, inst.args);
  std::fill(state.regs.begin() + inst.firstReg,
            state.regs.begin() + inst.endReg, unknownValue);
}

bool BarrierInterpreter::runConcreteLoop(const Inst &inst, BarrierState &state,
                                         int64_t first, int64_t trips,
                                         int64_t step, States &out) {
  States list{std::move(state)};
  for (int64_t i = 0; i < trips; ++i) {
    for (BarrierState &current : list) {
      enterLoop(inst, current);
      if (inst.kind == Inst::Loop) {
        current.regs[inst.indices.front()] = first + i * step;
        if (inst.moreReg >= 0)
          current.regs[inst.moreReg] = i + 1 < trips;
      } else {
        for (auto [axis, reg] : llvm::enumerate(inst.indices))
          current.regs[reg] =
              i +
              (static_cast<int>(axis) == inst.clusterIndex ? values->rank : 0);
      }
    }
    if (!runBlock(inst.body, list))
      return false;
    for (BarrierState &current : list)
      assign(current, inst.args, inst.yields);
    unite(list);
  }
  for (BarrierState &current : list) {
    leaveLoop(inst, current);
    out.push_back(std::move(current));
  }
  return true;
}

bool BarrierInterpreter::runLoop(const Inst &inst, States &list) {
  States out;
  std::set<std::vector<int64_t>> seen;
  States heads;
  for (BarrierState &state : list) {
    BarrierValue lower = get(state, inst.a), upper = get(state, inst.b),
                 step = get(state, inst.c);
    assign(state, inst.args, inst.inits);
    for (int reg : inst.dead)
      state.regs[reg] = unknownValue;
    if (inst.kind == Inst::ForEach && values) {
      if (!runConcreteLoop(inst, state, 0, values->items, 1, out))
        return false;
      continue;
    }
    if (inst.kind == Inst::Loop && isKnown(lower) && isKnown(upper) &&
        isKnown(step) && step > 0) {
      int64_t trips = lower < upper ? (upper - lower + step - 1) / step : 0;
      if (trips <= (values ? maxConcreteTrips : maxConstantTrips)) {
        if (!runConcreteLoop(inst, state, lower, trips, step, out))
          return false;
        continue;
      }
    }
    if (values) {
      tooFar = true;
      return false;
    }
    // No iteration at all.
    heads.push_back(state);
    leaveLoop(inst, state);
    out.push_back(std::move(state));
  }
  // Any number of iterations: every state that a head can be in. All that are
  // new go through the body together, so that loops in it see each state once.
  while (!heads.empty()) {
    States body;
    for (BarrierState &head : heads) {
      enterLoop(inst, head);
      if (seen.insert(head.keyAt(inst)).second)
        body.push_back(std::move(head));
    }
    heads.clear();
    states += static_cast<int64_t>(body.size());
    if (states > maxStates) {
      tile::RoleOp op = role.op;
      op.emitError("has more states than the proof of barriers looks at");
      return false;
    }
    // An iteration is the last one, and knows that it is, or it is not.
    if (inst.moreReg >= 0) {
      States last(body);
      for (BarrierState &state : last)
        state.regs[inst.moreReg] = 0;
      if (!runBlock(inst.body, last))
        return false;
      for (BarrierState &state : last) {
        assign(state, inst.args, inst.yields);
        leaveLoop(inst, state);
        out.push_back(std::move(state));
      }
      for (BarrierState &state : body)
        state.regs[inst.moreReg] = 1;
    }
    if (!runBlock(inst.body, body))
      return false;
    for (BarrierState &state : body) {
      assign(state, inst.args, inst.yields);
      if (inst.moreReg < 0) {
        BarrierState left(state);
        leaveLoop(inst, left);
        out.push_back(std::move(left));
      }
      heads.push_back(std::move(state));
    }
  }
  list = std::move(out);
  unite(list);
  return true;
}

bool BarrierInterpreter::runIf(const Inst &inst, States &list) {
  States yes, no;
  for (BarrierState &state : list) {
    BarrierValue condition = get(state, inst.a);
    if (values && !isKnown(condition)) {
      // Conditions of stores are the role's own business; one way is as good
      // as the other.
      if (inst.hasBarriers) {
        tooFar = true;
        return false;
      }
      condition = 1;
    }
    if (!isKnown(condition) || condition)
      yes.push_back(state);
    if (!isKnown(condition) || !condition)
      no.push_back(std::move(state));
  }
  if (!runBlock(inst.body, yes) || !runBlock(inst.otherwise, no))
    return false;
  for (BarrierState &state : yes)
    assign(state, inst.results, inst.yields);
  for (BarrierState &state : no)
    assign(state, inst.results, inst.elseYields);
  list = std::move(yes);
  list.insert(list.end(), std::make_move_iterator(no.begin()),
              std::make_move_iterator(no.end()));
  unite(list);
  return true;
}

//===----------------------------------------------------------------------===//
// Whole roles
//===----------------------------------------------------------------------===//

LogicalResult BarrierInterpreter::checkAll(unsigned place, int64_t &count) {
  focus = place;
  values = nullptr;
  states = 0;
  BarrierState start;
  start.regs.assign(role.numRegs, unknownValue);
  start.counts.resize(2 * program.rings.size());
  States list{std::move(start)};
  bool ok = runBlock(program.common, list) && runBlock(role.body, list);
  if (ok)
    for (const BarrierState &state : list)
      ok = ok && finish(state);
  for (Operation *op : asking)
    if (ok && !answered.contains(op)) {
      op->emitError("role '")
          << role.name() << "' goes by an answer to a question that is never "
          << "asked";
      ok = false;
    }
  count += states + static_cast<int64_t>(list.size());
  return success(ok);
}

std::optional<std::vector<BarrierEvent>>
BarrierInterpreter::trace(const BarrierRunValues &run) {
  values = &run;
  events.clear();
  tooFar = false;
  BarrierState start;
  start.regs.assign(role.numRegs, unknownValue);
  start.counts.resize(2 * program.rings.size());
  for (auto [dim, value] : llvm::zip(program.dims, run.dims))
    start.regs[dim.reg] = value;
  States list{std::move(start)};
  bool ok = runBlock(program.common, list) && runBlock(role.body, list);
  values = nullptr;
  if (!ok || list.size() != 1)
    return std::nullopt;
  return std::move(events);
}
