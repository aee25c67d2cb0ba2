//===- MBarrierForms.cpp - mbarrier.* -------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MemoryForms.h"
#include "llvm/Support/FormatVariadic.h"

using namespace tilewright::sim;

namespace {

/// The address of an mbarrier (generic or shared), or false after a report.
bool place(Warp &warp, const Operand &op, unsigned lane, Cta *&owner,
           uint32_t &offset) {
  uint64_t address = warp.address(op, lane);
  if (address >> 44 == sharedWindow >> 44)
    address -= sharedWindow;
  if (!warp.shared(address, 8, owner, offset))
    return false;
  if (offset % 8) {
    warp.report(
        Hazard::Misaligned,
        llvm::formatv("an mbarrier at {0} is not 8-byte aligned", offset));
    return false;
  }
  return true;
}

MBarrier *find(Warp &warp, const Operand &op, unsigned lane, Cta *&owner,
               uint32_t &offset) {
  if (!place(warp, op, lane, owner, offset))
    return nullptr;
  MBarrier *barrier = warp.machine.findBarrier(owner->rank, offset);
  if (!barrier)
    warp.report(Hazard::BarrierMisuse,
                llvm::formatv("no mbarrier was initialised at {0}{1}", offset,
                              warp.machine.names.inBrackets(offset)));
  return barrier;
}

void check(Warp &warp, uint32_t offset, llvm::Error error) {
  if (error)
    warp.report(Hazard::BarrierMisuse,
                llvm::toString(std::move(error)) +
                    warp.machine.names.inBrackets(offset));
}

Step initStep(Warp &warp, const Inst &inst, uint32_t mask) {
  forLanes(mask, [&](unsigned l) {
    Cta *owner;
    uint32_t offset;
    if (!place(warp, inst.ops[0], l, owner, offset))
      return;
    uint32_t count = warp.get(inst.ops[1], l);
    // PTX ISA, mbarrier.init: counts in [1, 2^20-1].
    if (count == 0 || count >= 1u << 20) {
      warp.report(Hazard::BarrierMisuse,
                  llvm::formatv("an mbarrier of count {0}", count));
      return;
    }
    MBarrier &barrier = owner->barriers[offset];
    // PTX ISA, mbarrier.init: on a valid mbarrier its behaviour is undefined.
    if (barrier.count)
      warp.report(Hazard::BarrierMisuse,
                  llvm::formatv("the mbarrier at {0}{1}, initialised at {2}, "
                                "is initialised again {3}",
                                offset, warp.machine.names.inBrackets(offset),
                                warp.machine.program.where(barrier.init),
                                barrier.pending != barrier.count || barrier.tx
                                    ? "in the middle of a phase"
                                    : "without mbarrier.inval"));
    barrier = {};
    barrier.count = barrier.pending = count;
    barrier.init = inst.loc;
    barrier.initThread = threadInCluster(warp, l);
    barrier.initTime = warp.machine.time;
    barrier.cta = owner;
    barrier.address = offset;
    owner->shadow.setBarrier(offset, true);
  });
  return Step::Next;
}

Step invalStep(Warp &warp, const Inst &inst, uint32_t mask) {
  forLanes(mask, [&](unsigned l) {
    Cta *owner;
    uint32_t offset;
    MBarrier *barrier = find(warp, inst.ops[0], l, owner, offset);
    if (!barrier)
      return;
    if (barrier->pending != barrier->count || barrier->tx)
      warp.report(Hazard::BarrierMisuse,
                  llvm::formatv("the mbarrier at {0} is invalidated in the "
                                "middle of a phase: {1} of {2} arrivals and "
                                "{3} bytes are missing",
                                offset, barrier->pending, barrier->count,
                                barrier->tx));
    if (warp.machine.engine.arrivesAt(owner->rank, offset))
      warp.report(Hazard::BarrierMisuse,
                  llvm::formatv("the mbarrier at {0} is invalidated, and a "
                                "copy in flight is to complete bytes on it",
                                offset));
    owner->barriers.erase(offset);
    owner->shadow.setBarrier(offset, false);
  });
  return Step::Next;
}

enum Kind : uint32_t {
  Arrive,
  ArriveExpectTx,
  ExpectTx,
  CompleteTx,
  Drop,
  DropExpectTx
};

/// The state that an arrival returns, opaque to PTX but for pending_count: the
/// phase that it arrived in, and the arrivals that were pending before it.
constexpr unsigned stateShift = 20;
uint64_t stateOf(const MBarrier &barrier) {
  return barrier.phase << stateShift | barrier.pending;
}

// wide[0]: Kind; wide[1]: index of the address operand; wide[2]: index of the
// count operand, or 0; wide[3]: .noComplete; aux: .relaxed; count: .cluster.
Step arriveStep(Warp &warp, const Inst &inst, uint32_t mask) {
  struct Target {
    unsigned lane;
    uint32_t offset;
    MBarrier *barrier;
  };
  llvm::SmallVector<Target, 32> targets;
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    unsigned l = __builtin_ctz(rest);
    Cta *owner;
    uint32_t offset;
    MBarrier *barrier = find(warp, inst.ops[inst.wide[1]], l, owner, offset);
    if (!barrier)
      return Step::Next;
    // Before its own release, which says nothing of the init.
    if (owner != &warp.cta)
      warp.checkInit(*barrier, /*byCopy=*/false);
    targets.push_back({l, offset, barrier});
  }
  if (!inst.aux && inst.wide[0] != ExpectTx) {
    warp.release(mask);
    if (inst.count)
      warp.releaseToPeers(mask);
  }
  for (auto [l, offset, barrier] : targets) {
    uint64_t value = inst.wide[2] ? warp.get(inst.ops[inst.wide[2]], l) : 1;
    uint64_t state = stateOf(*barrier), phase = barrier->phase;
    if (inst.wide[0] != ExpectTx && inst.wide[0] != CompleteTx)
      barrier->note(warp,
                    inst.wide[0] == Arrive || inst.wide[0] == Drop ? value : 1);
    switch (inst.wide[0]) {
    case Arrive:
      check(warp, offset, warp.machine.arrive(*barrier, value, 0));
      break;
    case ArriveExpectTx:
      check(warp, offset, warp.machine.arrive(*barrier, 1, int64_t(value)));
      break;
    case ExpectTx:
      // Raising the tx-count cannot end a phase; arriving nobody must not.
      barrier->tx += int64_t(value);
      ++warp.machine.events;
      break;
    case CompleteTx:
      check(warp, offset, warp.machine.arrive(*barrier, 0, -int64_t(value)));
      break;
    case Drop:
      barrier->count -= std::min<uint64_t>(value, barrier->count);
      check(warp, offset, warp.machine.arrive(*barrier, value, 0));
      break;
    case DropExpectTx:
      barrier->count -= std::min(1u, barrier->count);
      check(warp, offset, warp.machine.arrive(*barrier, 1, int64_t(value)));
      break;
    }
    if (inst.wide[3] && barrier->phase != phase)
      warp.report(Hazard::BarrierMisuse,
                  "an arrival with .noComplete completes the phase");
    if (inst.numDefs)
      warp.set(inst.ops[0], l, state);
  }
  return Step::Next;
}

// wide[0]: parity; wide[1]: try_wait, which blocks. PTX ISA, mbarrier.try_wait:
// it may suspend the thread for a time, so blocking until the phase is over is
// one of its behaviours. It gives false where nothing else can go on: what was
// asked for may come about only by what the thread does next; with random
// schedules also now and then before.
Step waitStep(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t ready = 0, completed = 0;
  Wait wait;
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    unsigned l = __builtin_ctz(rest);
    Cta *owner;
    uint32_t offset;
    MBarrier *barrier = find(warp, inst.ops[1], l, owner, offset);
    if (!barrier)
      return Step::Block;
    if (owner != &warp.cta) {
      warp.report(Hazard::BarrierMisuse, "waits on an mbarrier of another CTA");
      return Step::Block;
    }
    uint64_t which = warp.get(inst.ops[2], l);
    bool done = inst.wide[0] ? (barrier->phase & 1) != (which & 1)
                             : barrier->phase > which >> stateShift;
    ready |= uint32_t(done) << l;
    if (done)
      completed = std::max(completed, barrier->completed);
    if (done && owner->timeline)
      owner->timeline->passed(offset);
    if (!done)
      wait = {Wait::MBarrier, offset, owner->rank,
              (inst.wide[0] ? which : which >> stateShift) & 1};
  }
  bool timedOut = std::exchange(warp.current->timedOut, false);
  // The time after which it gives false may also be short.
  if (!ready && inst.wide[1] && !timedOut)
    timedOut = warp.machine.timesOutEarly(warp);
  if (!ready && inst.wide[1] && !timedOut)
    return warp.block(wait);
  warp.current->poll = ready ? Wait() : wait;
  forLanes(mask, [&](unsigned l) { warp.set(inst.ops[0], l, ready >> l & 1); });
  if (ready)
    warp.synchronised(completed);
  return ready || timedOut ? Step::Next : Step::Yield;
}

Step pendingCountStep(Warp &warp, const Inst &inst, uint32_t mask) {
  Source state(warp, inst.ops[1]);
  uint64_t *d = warp.reg(inst.ops[0].reg);
  forLanes(mask,
           [&](unsigned l) { d[l] = state[l] & ((1u << stateShift) - 1); });
  return Step::Next;
}

} // namespace

bool tilewright::sim::decodeMbarrier(Form &form, Inst &inst) {
  llvm::StringRef what = form.takeFirst();
  if (what == "pending_count") {
    inst.handler = pendingCountStep;
    return form.take("b64") && isPlain(inst, 1);
  }
  bool expectTx = form.take("expect_tx");
  inst.wide[3] = form.take("noComplete");
  inst.aux = form.takeOneOf({"release", "acquire", "relaxed"}) == 2;
  inst.count = form.takeOneOf({"cta", "cluster"}) == 1;
  Space space;
  takeSpace(form, space);
  if (space != Space::Shared && space != Space::Generic)
    return false;
  bool parity = form.take("parity");
  if (!form.take("b64"))
    return false;
  size_t count = inst.ops.size();
  if (what == "init" || what == "inval") {
    inst.numDefs = 0;
    inst.handler = what == "init" ? initStep : invalStep;
    return !expectTx && !parity && count == (what == "init" ? 2 : 1) &&
           inst.ops[0].isMem();
  }
  if (what == "try_wait" || what == "test_wait") {
    inst.wide[0] = parity;
    inst.wide[1] = what == "try_wait";
    inst.handler = waitStep;
    return !expectTx && (count == 3 || (count == 4 && inst.wide[1])) &&
           inst.ops[0].isReg() && inst.ops[1].isMem() && areValues(inst, 2, 1);
  }
  // arrive[.expect_tx] [state,] [address] [, count]
  inst.wide[1] = count && !inst.ops[0].isMem();
  inst.numDefs = inst.wide[1];
  size_t rest = count - inst.wide[1];
  if (parity || count == 0 || rest == 0 || rest > 2 ||
      !inst.ops[inst.wide[1]].isMem())
    return false;
  inst.wide[2] = rest == 2 ? inst.wide[1] + 1 : 0;
  if (rest == 2 && !areValues(inst, inst.wide[2], 1))
    return false;
  inst.handler = arriveStep;
  if (what == "arrive") {
    inst.wide[0] = expectTx ? ArriveExpectTx : Arrive;
    return !expectTx || rest == 2;
  }
  if (what == "expect_tx" || what == "complete_tx") {
    inst.wide[0] = what == "expect_tx" ? ExpectTx : CompleteTx;
    return !expectTx && rest == 2 && !inst.numDefs;
  }
  if (what == "arrive_drop") {
    inst.wide[0] = expectTx ? DropExpectTx : Drop;
    return !expectTx || rest == 2;
  }
  return false;
}
