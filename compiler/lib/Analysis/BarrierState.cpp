//===- BarrierState.cpp - the steps that the event model allows -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each step is checked against the ghost state, for whatever state a role can
// be in. See docs/rationale/barriers.md for the rules.
//
//===----------------------------------------------------------------------===//

#include "BarrierState.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace tilewright;
using Inst = BarrierInst;
using pipe::Side;

static StringRef nameOf(Side side) {
  return side == Side::Full ? "full" : "empty";
}

int64_t tilewright::countArrivals(const BarrierRole &role, const Inst &inst) {
  int64_t warps = role.warps / role.groups;
  switch (inst.threads) {
  case BarrierThreads::Role:
  case BarrierThreads::Group:
    return 1;
  case BarrierThreads::Warp:
    return warps;
  case BarrierThreads::All:
    break;
  }
  if (role.singleThread)
    return 1;
  return inst.perWarp ? warps : 32 * warps;
}

//===----------------------------------------------------------------------===//
// Small questions
//===----------------------------------------------------------------------===//

std::string BarrierInterpreter::place(RingPlace at) const {
  return ("place " + Twine(at.place) + " of '" + program.rings[at.ring].name() +
          "'")
      .str();
}

/// One error an operation; more would say the same for other states.
bool BarrierInterpreter::error(const Inst &inst, const Twine &message) {
  if (reported.insert(inst.op).second)
    inst.op->emitError("role '") << role.name() << "' " << message;
  return false;
}

bool BarrierInterpreter::isSingleThread(BarrierThreads threads) const {
  return role.singleThread || threads == BarrierThreads::Role ||
         (threads == BarrierThreads::Group && role.groups == 1) ||
         (threads == BarrierThreads::Warp && role.warps == 1);
}

const HeldSlot *BarrierInterpreter::findHeld(const BarrierState &state,
                                             RingPlace at) const {
  for (const HeldSlot &slot : state.held)
    if (slot.at == at)
      return &slot;
  return nullptr;
}

int64_t BarrierInterpreter::parityOf(const BarrierState &state, int ring,
                                     Side side, int64_t place) const {
  const BarrierRing &info = program.rings[ring];
  const BarrierState::Count &count = state.counts[countOf(ring, side)];
  int64_t uses = info.isStatic
                     ? count.parity
                     : (count.next + info.depth - 1 - place) / info.depth;
  // The r-th use of a place waits for full phase r or empty phase r - 1.
  return side == Side::Full ? uses & 1 : (uses & 1) ^ 1;
}

bool BarrierInterpreter::repeats(const Inst &inst, BarrierState &state) {
  int64_t what = int64_t(inst.kind) << 20 | inst.imm;
  if (state.last == what)
    return !error(inst, "does the same again: nothing has happened since");
  state.last = what;
  return false;
}

//===----------------------------------------------------------------------===//
// Barriers between roles
//===----------------------------------------------------------------------===//

bool BarrierInterpreter::drain(const Inst &inst, BarrierState &state,
                               int64_t at, int64_t parity) {
  const BarrierRing &ring = program.rings[inst.ring];
  BarrierState::Count &count = state.counts[countOf(inst.ring, inst.side)];
  if (at != count.drained)
    return error(inst, "drains place " + Twine(at) + " of '" + ring.name() +
                           "' where place " + Twine(count.drained) +
                           " comes next");
  int64_t expected = parityOf(state, inst.ring, inst.side, at);
  if (inView(ring, at) && !values && parity != expected)
    return error(inst, "drains " + place({inst.ring, int32_t(at)}) +
                           " with parity " + Twine(parity) + ", not " +
                           Twine(expected));
  ++count.drained;
  return true;
}

bool BarrierInterpreter::wait(const Inst &inst, BarrierState &state) {
  const BarrierRing &ring = program.rings[inst.ring];
  BarrierValue at = get(state, inst.a), parity = get(state, inst.b);
  if (ring.isEngine)
    return error(inst, "waits at a barrier of '" + ring.name() +
                           "', which the copy engine empties");
  if (!isKnown(at) || !isKnown(parity))
    return error(inst, "waits at a place or for a parity of '" + ring.name() +
                           "' that is not known");
  // One thread of another group has filled the ring and drains it; whether this
  // group passes early does not matter, and the last phase lets it pass.
  if (inst.drains && !fills[inst.ring])
    return true;
  if (values)
    events.push_back({BarrierEvent::Wait, inst.op, inst.ring, inst.side, at,
                      parity, /*arrivals=*/0, /*bytes=*/0, /*multicast=*/1,
                      inst.drains});
  if (inst.drains)
    return drain(inst, state, at, parity);
  BarrierState::Count &count = state.counts[countOf(inst.ring, inst.side)];
  int64_t next = count.next % ring.depth;
  // A static ring begins again at place 0 with each entry of its loop.
  if (ring.isStatic && at == 0 && next != 0)
    next = count.next = 0;
  if (at != next)
    return error(inst, "waits for the " + nameOf(inst.side) +
                           " barrier of place " + Twine(at) + " of '" +
                           ring.name() + "' where place " + Twine(next) +
                           " comes next");
  RingPlace where{inst.ring, static_cast<int32_t>(at)};
  if (findHeld(state, where))
    return error(inst,
                 "waits for " + place(where) + ", which it has not given back");
  int64_t expected = parityOf(state, inst.ring, inst.side, at);
  if (inView(ring, at) && !values && parity != expected)
    return error(inst, "waits for parity " + Twine(parity) + " of the " +
                           nameOf(inst.side) + " barrier of " + place(where) +
                           " where phase of parity " + Twine(expected) +
                           " comes next");
  if (inst.asks) {
    asking.insert(inst.op);
    // Not to wait is right if the answer is about this very phase, and no
    // other use of the place has been since: a ticket dies with the wait.
    BarrierValue ready = get(state, inst.c);
    BarrierValue ticket = firstTicket + (int64_t(inst.ring) << 24 | at << 2 |
                                         int64_t(inst.side) << 1 | parity);
    if (ready != 0 && ready != ticket)
      return error(inst, "does not wait for " + place(where) +
                             " by an answer that is not about this phase");
    if (ready == ticket)
      answered.insert(inst.op);
    for (BarrierValue &value : state.regs)
      if (value == ticket)
        value = unknownValue;
  }
  if (ring.isStatic) {
    count.parity ^= at == static_cast<int64_t>(focus);
    count.next = (at + 1) % ring.depth;
  } else {
    count.next = (count.next + 1) % (2 * ring.depth);
  }
  state.held.push_back({where, inst.side, inst.threads});
  state.last = -1;
  return true;
}

bool BarrierInterpreter::tryWait(const Inst &inst, BarrierState &state) {
  BarrierValue at = get(state, inst.a), parity = get(state, inst.b);
  // An answer about another phase than the next one of the place is of no use:
  // about a later one it may be a yes that means an earlier one.
  bool known = isKnown(at) && isKnown(parity);
  if (known && !values && inView(program.rings[inst.ring], at))
    known = parity == parityOf(state, inst.ring, inst.side, at);
  state.regs[inst.result] =
      known ? firstTicket + (int64_t(inst.ring) << 24 | at << 2 |
                             int64_t(inst.side) << 1 | (parity & 1))
            : unknownValue;
  return true;
}

bool BarrierInterpreter::arrive(const Inst &inst, BarrierState &state) {
  const BarrierRing &ring = program.rings[inst.ring];
  BarrierValue at = get(state, inst.a);
  if (!isKnown(at))
    return error(inst, "arrives at a place of '" + ring.name() +
                           "' that is not known");
  int64_t arrivals = countArrivals(role, inst);
  // Each warp announces its share.
  int64_t announced = inst.imm * (inst.perWarp ? arrivals : 1);
  if (values)
    events.push_back({BarrierEvent::Arrive, inst.op, inst.ring, inst.side, at,
                      /*parity=*/0, arrivals, announced});
  RingPlace where{inst.ring, static_cast<int32_t>(at)};
  const HeldSlot *slot = findHeld(state, where);
  Side waited = inst.side == Side::Full ? Side::Empty : Side::Full;
  if (!slot || slot->waited != waited)
    return error(inst, "arrives at the " + nameOf(inst.side) + " barrier of " +
                           place(where) + ", which it does not hold");
  if (slot->threads != inst.threads)
    return error(inst, "arrives at a barrier of " + place(where) +
                           " by other threads than those that waited");
  if (inst.perWarp &&
      (role.singleThread || inst.threads != BarrierThreads::All))
    return error(inst, "is one thread here, and arrives as a whole warp");
  if (slot->bytes != announced)
    return error(inst, "announces " + Twine(announced) + " bytes for " +
                           place(where) + ", but its copies bring " +
                           Twine(slot->bytes));
  if (llvm::any_of(state.written, [&](const WrittenPlace &written) {
        return written.visible == WrittenPlace::Plain;
      }))
    return error(inst, "arrives for " + place(where) +
                           " after ordinary stores without a proxy fence");
  auto reads = [&](const ReadGroup &group) {
    return llvm::is_contained(group.reads, where);
  };
  if (reads(state.openProducts) || llvm::any_of(state.products, reads))
    return error(inst, "gives " + place(where) +
                           " back while a product that reads it may be in "
                           "flight");
  if (reads(state.openStores) || llvm::any_of(state.stores, reads))
    return error(inst, "gives " + place(where) +
                           " back while a bulk store that reads it may be in "
                           "flight");
  llvm::erase_if(state.written, [&](const WrittenPlace &written) {
    return written.at == where;
  });
  state.held.erase(state.held.begin() + (slot - state.held.data()));
  state.last = -1;
  return true;
}

//===----------------------------------------------------------------------===//
// Accesses of slots
//===----------------------------------------------------------------------===//

bool BarrierInterpreter::fill(const Inst &inst, BarrierState &state) {
  auto [ringNumber, reg] = inst.places.front();
  const BarrierRing &ring = program.rings[ringNumber];
  BarrierValue at = get(state, reg);
  if (ring.isEngine || !isKnown(at))
    return error(inst, "copies into a place of '" + ring.name() +
                           "' that is not known");
  if (values)
    events.push_back({BarrierEvent::Fill, inst.op, ringNumber, Side::Full, at,
                      /*parity=*/0, /*arrivals=*/0, inst.imm, inst.multicast});
  RingPlace where{ringNumber, static_cast<int32_t>(at)};
  const HeldSlot *slot = findHeld(state, where);
  if (!slot || slot->waited != Side::Empty)
    return error(inst, "copies into " + place(where) +
                           ", which it has not waited for");
  // Each group sends the part that its own threads have stored.
  bool single = isSingleThread(inst.threads) ||
                (inst.sends && inst.threads == BarrierThreads::Group);
  if (!single)
    return error(inst, "copies into " + place(where) + " by several threads");
  if (inst.multicast != 1 && inst.multicast != ring.cluster)
    return error(inst, "copies to " + Twine(inst.multicast) +
                           " CTAs of a cluster of " + Twine(ring.cluster));
  if (llvm::any_of(state.written, [&](const WrittenPlace &written) {
        return written.at == where && written.visible == WrittenPlace::Plain;
      }))
    return error(inst, "copies into " + place(where) +
                           " after ordinary stores without a proxy fence");
  if (inst.sends && llvm::any_of(state.written, [&](const WrittenPlace &w) {
        return w.at == where && w.visible != WrittenPlace::Published;
      }))
    return error(inst, "sends what is in " + place(where) +
                           " before a barrier tells that all have stored it");
  state.held[slot - state.held.data()].bytes += inst.imm;
  state.last = -1;
  return true;
}

bool BarrierInterpreter::access(const Inst &inst, BarrierState &state) {
  if (inst.result >= 0)
    state.regs[inst.result] = unknownValue;
  state.last = -1;
  state.fenced = false;
  for (auto [ringNumber, reg] : inst.places) {
    const BarrierRing &ring = program.rings[ringNumber];
    BarrierValue at = get(state, reg);
    if (!isKnown(at))
      return error(inst, "touches a place of '" + ring.name() +
                             "' that is not known");
    RingPlace where{ringNumber, static_cast<int32_t>(at)};
    bool writes = inst.kind == Inst::Write;
    if (!ring.isEngine) {
      const HeldSlot *slot = findHeld(state, where);
      if (!slot || slot->waited != (writes ? Side::Empty : Side::Full))
        return error(inst, (writes ? "writes " : "reads ") + place(where) +
                               " without holding it");
      if (slot->threads != BarrierThreads::All && slot->threads != inst.threads)
        return error(inst, "touches " + place(where) +
                               " by other threads than those that waited");
    } else {
      int64_t first = ring.instances > 1 ? group * ring.depth : 0;
      if (at < first || at >= first + ring.depth)
        return error(inst,
                     "touches " + place(where) + ", which is not its group's");
      if (llvm::is_contained(state.retired, where))
        return error(inst, "writes " + place(where) +
                               " before a barrier tells all threads that the "
                               "copy engine has read it");
      auto reads = [&](const ReadGroup &group) {
        return llvm::is_contained(group.reads, where);
      };
      if (reads(state.openStores) || llvm::any_of(state.stores, reads))
        return error(inst, "writes " + place(where) +
                               " while the copy engine may read it");
    }
    if (!writes)
      continue;
    auto it = llvm::find_if(
        state.written, [&](const WrittenPlace &w) { return w.at == where; });
    if (it == state.written.end())
      state.written.push_back({WrittenPlace::Plain, where});
    else
      it->visible = WrittenPlace::Plain;
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

bool BarrierInterpreter::product(const Inst &inst, BarrierState &state) {
  if (!state.fenced)
    return error(inst, "begins products without a fence right before");
  for (auto [ringNumber, reg] : inst.places) {
    BarrierValue at = get(state, reg);
    RingPlace where{ringNumber, static_cast<int32_t>(at)};
    const HeldSlot *slot = isKnown(at) ? findHeld(state, where) : nullptr;
    if (!slot || slot->waited != Side::Full ||
        slot->threads != BarrierThreads::All)
      return error(inst, "multiplies what is in a slot of '" +
                             program.rings[ringNumber].name() +
                             "' that it does not hold");
    if (llvm::any_of(state.written, [&](const WrittenPlace &written) {
          return written.at == where && written.visible == WrittenPlace::Plain;
        }))
      return error(inst, "multiplies what is in " + place(where) +
                             " after ordinary stores without a proxy fence");
    if (!llvm::is_contained(state.openProducts.reads, where))
      state.openProducts.reads.push_back(where);
  }
  state.openProducts.products.append(inst.products);
  state.last = -1;
  return true;
}

bool BarrierInterpreter::endProducts(const Inst &inst, BarrierState &state) {
  if (state.openProducts.empty())
    return error(inst, "closes a group of no products");
  if (!state.fenced)
    return error(inst, "closes a group of products, with something in between");
  state.products.push_back(std::move(state.openProducts));
  state.openProducts = {};
  state.fenced = false;
  state.last = -1;
  return true;
}

bool BarrierInterpreter::waitProducts(const Inst &inst, BarrierState &state) {
  if (repeats(inst, state))
    return false;
  state.fenced = false;
  auto pending = static_cast<size_t>(inst.imm);
  if (state.products.size() > pending)
    state.products.erase(state.products.begin(),
                         state.products.end() - inst.imm);
  auto has = [&](const ReadGroup &group) {
    return llvm::any_of(inst.products, [&](int product) {
      return llvm::is_contained(group.products, product);
    });
  };
  if (has(state.openProducts) || llvm::any_of(state.products, has))
    return error(inst, "reads the sums of a product that may be in flight");
  return true;
}

//===----------------------------------------------------------------------===//
// The copy engine
//===----------------------------------------------------------------------===//

bool BarrierInterpreter::proxyFence(const Inst &inst, BarrierState &state) {
  if (repeats(inst, state))
    return false;
  state.fenced = false;
  // Each thread fences its own stores.
  if (inst.threads != BarrierThreads::All)
    return error(inst, "has one thread fence what all have stored");
  for (WrittenPlace &written : state.written)
    if (written.visible == WrittenPlace::Plain)
      written.visible = WrittenPlace::Fenced;
  return true;
}

bool BarrierInterpreter::groupBarrier(const Inst &inst, BarrierState &state) {
  if (repeats(inst, state))
    return false;
  state.fenced = false;
  if (inst.threads != BarrierThreads::All)
    return error(inst, "has one thread meet at a barrier of all");
  for (WrittenPlace &written : state.written) {
    if (written.visible == WrittenPlace::Plain)
      return error(inst,
                   "publishes " + place(written.at) + " without a proxy fence");
    written.visible = WrittenPlace::Published;
  }
  state.retired.clear();
  return true;
}

bool BarrierInterpreter::store(const Inst &inst, BarrierState &state) {
  state.last = -1;
  state.fenced = false;
  auto [ringNumber, reg] = inst.places.front();
  BarrierValue at = get(state, reg);
  RingPlace where{ringNumber, static_cast<int32_t>(at)};
  if (inst.threads != BarrierThreads::Group && !isSingleThread(inst.threads))
    return error(inst, "starts a bulk store in several threads");
  if (!isKnown(at))
    return error(inst, "stores from a place of '" +
                           program.rings[ringNumber].name() +
                           "' that is not known");
  const auto it = llvm::find_if(
      state.written, [&](const WrittenPlace &w) { return w.at == where; });
  if (it == state.written.end() || it->visible != WrittenPlace::Published)
    return error(inst, "starts a bulk store from " + place(where) +
                           " before the stores of all threads are fenced and "
                           "have met at a barrier");
  state.storeThreads = inst.threads;
  if (!llvm::is_contained(state.openStores.reads, where))
    state.openStores.reads.push_back(where);
  return true;
}

bool BarrierInterpreter::endStores(const Inst &inst, BarrierState &state) {
  if (state.openStores.empty() || inst.threads != state.storeThreads)
    return error(inst, "closes a group of no bulk stores of its thread");
  state.stores.push_back(std::move(state.openStores));
  state.openStores = {};
  state.last = -1;
  state.fenced = false;
  return true;
}

bool BarrierInterpreter::waitStores(const Inst &inst, BarrierState &state) {
  if (repeats(inst, state))
    return false;
  state.fenced = false;
  if (!state.stores.empty() && inst.threads != state.storeThreads)
    return error(inst, "waits for bulk stores in another thread than the one "
                       "that started them");
  while (state.stores.size() > static_cast<size_t>(inst.imm)) {
    llvm::append_range(state.retired, state.stores.front().reads);
    state.stores.erase(state.stores.begin());
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Steps, and the end
//===----------------------------------------------------------------------===//

bool BarrierInterpreter::step(const Inst &inst, BarrierState &state) {
  switch (inst.kind) {
  case Inst::Wait:
    state.fenced = false;
    return wait(inst, state);
  case Inst::TryWait:
    state.fenced = false;
    return tryWait(inst, state);
  case Inst::Arrive:
    state.fenced = false;
    return arrive(inst, state);
  case Inst::Fill:
    state.fenced = false;
    return fill(inst, state);
  case Inst::Read:
  case Inst::Write:
    return access(inst, state);
  case Inst::MMAFence:
    if (repeats(inst, state))
      return false;
    state.fenced = true;
    return true;
  case Inst::MMA:
    return product(inst, state);
  case Inst::MMACommit:
    return endProducts(inst, state);
  case Inst::MMAWait:
    return waitProducts(inst, state);
  case Inst::ProxyFence:
    return proxyFence(inst, state);
  case Inst::GroupBarrier:
    return groupBarrier(inst, state);
  case Inst::Store:
    return store(inst, state);
  case Inst::CommitGroup:
    return endStores(inst, state);
  case Inst::WaitGroup:
    return waitStores(inst, state);
  default:
    if (inst.result >= 0)
      state.regs[inst.result] = evaluate(inst, state);
    return true;
  }
}

bool BarrierInterpreter::finish(const BarrierState &state) {
  auto fail = [&](const Twine &message) {
    if (reported.insert(role.op).second) {
      tile::RoleOp op = role.op;
      op.emitError("role '") << role.name() << "' " << message;
    }
    return false;
  };
  if (!state.held.empty())
    return fail("ends while it holds " + place(state.held.front().at));
  if (!state.openProducts.empty() || !state.products.empty())
    return fail("ends while products may be in flight");
  if (!state.openStores.empty() || !state.stores.empty())
    return fail("ends while the copy engine may read its shared memory");
  for (auto [number, ring] : llvm::enumerate(program.rings)) {
    const BarrierState::Count &count =
        state.counts[countOf(static_cast<int>(number), Side::Empty)];
    if (ring.cluster > 1 && fills[number] && count.drained != ring.depth)
      return fail("ends after draining " + Twine(count.drained) + " of " +
                  Twine(ring.depth) + " places of '" + ring.name() +
                  "': other CTAs may still arrive at them");
  }
  return true;
}

LogicalResult tilewright::checkRoleBarriers(const BarrierProgram &program,
                                            unsigned role,
                                            BarrierBound &bound) {
  const BarrierRole &info = program.roles[role];
  int64_t places = 1;
  for (const BarrierRing &ring : program.rings)
    if (ring.isStatic)
      places = std::max(places, ring.depth);
  for (int64_t group = 0; group < info.groups; ++group) {
    BarrierInterpreter interpreter(program, role, group);
    for (int64_t focus = 0; focus < places; ++focus)
      if (failed(
              interpreter.checkAll(static_cast<unsigned>(focus), bound.states)))
        return failure();
  }
  return success();
}

std::optional<std::vector<BarrierEvent>>
tilewright::traceRole(const BarrierProgram &program, unsigned role,
                      int64_t group, const BarrierRunValues &values) {
  return BarrierInterpreter(program, role, group).trace(values);
}
