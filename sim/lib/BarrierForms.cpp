//===- BarrierForms.cpp - Named and cluster barriers, setmaxnreg ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Forms.h"
#include "llvm/Support/FormatVariadic.h"

using namespace tilewright::sim;

namespace {

/// Threads that a barrier without a count waits for: those of the warps that
/// have not exited.
uint32_t liveThreads(const Cta &cta) {
  uint32_t threads = 0;
  for (const auto &warp : cta.warps)
    threads += warp->finished() ? 0 : 32;
  return threads;
}

/// Counts a warp's arrival (PTX ISA, bar: warps count as 32 threads). False
/// after a report.
bool arriveNamed(Warp &warp, unsigned number, uint32_t count) {
  NamedBarrier &barrier = warp.cta.named[number];
  if (count % 32) {
    warp.report(Hazard::BarrierMisuse,
                llvm::formatv("barrier {0}: {1} threads are no whole warps",
                              number, count));
    return false;
  }
  if (barrier.arrived && barrier.expected != count) {
    warp.report(Hazard::BarrierMisuse,
                llvm::formatv("barrier {0} is in use for {1} threads, here for "
                              "{2}",
                              number, barrier.expected, count));
    return false;
  }
  barrier.expected = count;
  barrier.arrived += 32;
  ++warp.machine.events;
  return true;
}

void settleNamed(NamedBarrier &barrier, uint32_t needed, uint32_t time) {
  if (barrier.arrived && barrier.arrived >= needed) {
    barrier.arrived = 0;
    barrier.open.time = time;
    barrier.results[barrier.generation & 1] = barrier.open;
    barrier.open = {};
    ++barrier.generation;
  }
}

enum Vote : uint32_t { NoVote, Popc, And, Or };

// ops: number[, threads], or d, number[, threads], predicate; aux: arrive only;
// wide[0]: the vote; wide[1]: index of the number.
Step barStep(Warp &warp, const Inst &inst, uint32_t mask) {
  unsigned lane = __builtin_ctz(mask);
  const Operand *ops = &inst.ops[inst.wide[1]];
  bool votes = inst.wide[0] != NoVote;
  uint64_t number = warp.get(ops[0], lane);
  if (number >= 16) {
    warp.report(Hazard::BarrierMisuse,
                llvm::formatv("barrier {0} of 16", number));
    return Step::Block;
  }
  bool hasCount = inst.ops.size() == (votes ? 4 : 2);
  uint32_t count =
      hasCount ? warp.get(ops[1], lane) : uint32_t(warp.cta.warps.size() * 32);
  NamedBarrier &barrier = warp.cta.named[number];
  Path &path = *warp.current;
  if (!path.arrived) {
    if (!arriveNamed(warp, number, count))
      return Step::Block;
    warp.release(mask);
    path.arrived = true;
    path.ticket = barrier.generation;
    if (votes)
      forLanes(mask, [&](unsigned l) {
        barrier.open.votes += warp.test(inst.ops.back(), l);
        ++barrier.open.voters;
      });
  }
  settleNamed(barrier, hasCount ? count : liveThreads(warp.cta),
              warp.machine.time);
  if (inst.aux)
    return Step::Next;
  if (barrier.generation == path.ticket)
    return warp.block({Wait::Named, uint32_t(number), 0, 0});
  if (votes) {
    BarrierVotes result = barrier.results[path.ticket & 1];
    uint32_t value = inst.wide[0] == Popc  ? result.votes
                     : inst.wide[0] == And ? result.votes == result.voters
                                           : result.votes != 0;
    forLanes(mask, [&](unsigned l) { warp.set(inst.ops[0], l, value); });
  }
  warp.synchronised(barrier.results[path.ticket & 1].time);
  return Step::Next;
}

Step warpSyncStep(Warp &warp, const Inst &, uint32_t mask) {
  warp.machine.releases.meet(warp.cta.rank * 1024 + warp.index * 32, mask,
                             warp.machine.time);
  warp.synchronised();
  return Step::Next;
}

void settleCluster(Machine &machine) {
  if (machine.clusterArrived &&
      machine.clusterArrived >= machine.clusterThreads) {
    machine.clusterArrived = 0;
    ++machine.clusterGeneration;
    machine.clusterCompleted = machine.time;
  }
}

// aux: .relaxed.
Step clusterArriveStep(Warp &warp, const Inst &inst, uint32_t mask) {
  Machine &machine = warp.machine;
  if (!inst.aux) {
    warp.release(mask);
    warp.releaseToPeers(mask);
  }
  forLanes(mask, [&](unsigned l) {
    if (warp.clusterTickets[l] == machine.clusterGeneration)
      warp.report(Hazard::BarrierMisuse,
                  "a second barrier.cluster.arrive without a wait");
    warp.clusterTickets[l] = machine.clusterGeneration;
  });
  machine.clusterArrived += __builtin_popcount(mask);
  ++machine.events;
  settleCluster(machine);
  return Step::Next;
}

Step clusterWaitStep(Warp &warp, const Inst &, uint32_t mask) {
  Machine &machine = warp.machine;
  settleCluster(machine); // Threads may have exited meanwhile.
  bool ready = true;
  forLanes(mask, [&](unsigned l) {
    ready &= warp.clusterTickets[l] < machine.clusterGeneration;
  });
  if (!ready)
    return warp.block({Wait::Cluster, 0, 0, 0});
  warp.synchronised(machine.clusterCompleted);
  return Step::Next;
}

// aux: 1 for inc. PTX ISA, setmaxnreg: a multiple of 8 in [24, 256], the same
// by all warps of the warpgroup; inc waits for registers in the CTA's pool.
Step setmaxnregStep(Warp &warp, const Inst &inst, uint32_t mask) {
  Cta &cta = warp.cta;
  unsigned wanted = inst.ops[0].imm;
  bool isInc = inst.aux;
  if (!warp.current->arrived) {
    if (isInc ? wanted < warp.registerCount : wanted > warp.registerCount) {
      warp.report(Hazard::BadOperand,
                  llvm::formatv("from {0} to {1} registers a thread is no {2}",
                                warp.registerCount, wanted,
                                isInc ? "increase" : "decrease"));
      return Step::Block;
    }
    auto &values = cta.groups[warp.index / 4].setmaxnregs;
    if (values.size() == warp.setmaxnregs)
      values.push_back(wanted);
    else if (values[warp.setmaxnregs] != wanted) {
      warp.report(Hazard::BadOperand,
                  llvm::formatv("another warp of the warpgroup asked for {0} "
                                "registers, this one for {1}",
                                values[warp.setmaxnregs], wanted));
      return Step::Block;
    }
    warp.current->arrived = true;
  }
  int change = (int(wanted) - int(warp.registerCount)) * 32;
  if (change > cta.freeRegisters)
    return warp.block({Wait::Registers, wanted, 0, 0});
  cta.freeRegisters -= change;
  warp.registerCount = wanted;
  ++warp.setmaxnregs;
  return Step::Next;
}

} // namespace

bool tilewright::sim::decodeBarrier(Form &form, Inst &inst) {
  inst.numDefs = 0;
  bool isBar = form.head == "bar";
  if (form.take("warp")) {
    inst.together = Together::Member;
    inst.memberMask = 0;
    inst.handler = warpSyncStep;
    return isBar && form.take("sync") && inst.ops.size() == 1 &&
           areValues(inst, 0, 1);
  }
  if (form.take("cluster")) {
    bool aligned = form.take("aligned");
    if (aligned)
      inst.together = Together::Full;
    if (form.take("arrive")) {
      inst.aux = form.takeOneOf({"release", "relaxed"}) == 1;
      inst.handler = clusterArriveStep;
      return !isBar && inst.ops.empty();
    }
    form.take("acquire");
    inst.handler = clusterWaitStep;
    return !isBar && form.take("wait") && inst.ops.empty();
  }
  // Without .aligned, lanes of a warp may arrive apart; the warp counts when
  // all of them have, which is what waiting for them here gives.
  form.take("cta");
  form.take("aligned");
  inst.together = Together::Full;
  inst.handler = barStep;
  if (form.take("red")) {
    inst.wide[0] = form.takeOneOf({"popc", "and", "or"}) + 1;
    inst.wide[1] = 1;
    inst.numDefs = 1;
    size_t count = inst.ops.size();
    return inst.wide[0] != NoVote &&
           form.take(inst.wide[0] == Popc ? "u32" : "pred") &&
           (count == 3 || count == 4) && inst.ops[0].isReg() &&
           areValues(inst, 1, count - 1);
  }
  inst.aux = form.take("arrive");
  if (!inst.aux && !form.take("sync"))
    return false;
  if (inst.ops.empty() || inst.ops.size() > 2 ||
      (inst.aux && inst.ops.size() != 2))
    return false;
  return areValues(inst, 0, inst.ops.size());
}

bool tilewright::sim::decodeSetmaxnreg(Form &form, Inst &inst) {
  inst.numDefs = 0;
  int which = form.takeOneOf({"dec", "inc"});
  inst.aux = which == 1;
  inst.together = Together::Full;
  inst.handler = setmaxnregStep;
  if (which < 0 || !form.take("sync") || !form.take("aligned") ||
      !form.take("u32") || inst.ops.size() != 1 || !inst.ops[0].isImm())
    return false;
  uint64_t value = inst.ops[0].imm;
  return value >= 24 && value <= 256 && value % 8 == 0;
}
