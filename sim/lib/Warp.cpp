//===- Warp.cpp - Lanes, divergence and reconvergence ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A warp is a set of paths: lanes with a common program counter. Where a
// branch splits a path, its lanes meet again at the branch's post-dominator,
// as behind the hardware's reconvergence barriers; until then the parts run
// independently, so one may wait for what the other does.
//
//===----------------------------------------------------------------------===//
#include "Machine.h"
#include "llvm/Support/FormatVariadic.h"

using namespace tilewright::sim;

Warp::Warp(Cta &cta, unsigned index, uint32_t lanes)
    : cta(cta), machine(cta.machine), index(index), lanes(lanes),
      exited(~lanes) {
  const Program &program = machine.program;
  registers.resize(size_t(program.registers) * 32);
  local.resize(size_t(program.localBytes) * 32);
  if (program.usesWgmma) {
    stamps.resize(program.registers);
    inFlight.resize(program.registers);
  }
  clusterTickets.resize(32);
  registerCount = machine.initialRegisters;
  Path path;
  path.mask = lanes;
  paths.push_back(path);
}

void Warp::report(Hazard hazard, const llvm::Twine &message) {
  Finding finding;
  finding.hazard = hazard;
  finding.message = message.str();
  if (inst) {
    finding.where = machine.program.where(inst->loc);
    finding.opcode = inst->opcode;
  }
  finding.cta = cta.linear;
  finding.warp = index;
  finding.who = machine.describe(cta) + ", " + machine.names.warps(index);
  bool stop = hazard == Hazard::OutOfBounds || hazard == Hazard::Misaligned ||
              hazard == Hazard::BarrierMisuse || hazard == Hazard::Divergence ||
              hazard == Hazard::BadOperand || hazard == Hazard::Trap;
  machine.add(std::move(finding), stop);
}

void Warp::reportConflict(const Cta &owner, const Conflict &conflict,
                          llvm::StringRef what) {
  std::string text =
      llvm::formatv("{0} shared byte {1}", what, conflict.address).str();
  if (owner.rank != cta.rank)
    text += llvm::formatv(" of cluster CTA {0}", owner.rank).str();
  text += machine.names.inBrackets(conflict.address);
  std::string other = machine.describeOther(owner, conflict);
  switch (conflict.hazard) {
  case Hazard::UninitialisedShared:
    text += ", which nothing has written";
    break;
  case Hazard::ReadBeforeArrival:
    text += ", which " + other +
            ", in flight, still writes: wait for its mbarrier first";
    break;
  case Hazard::OverwrittenWhileRead:
    text += ", which " + other + ", in flight, still reads: wait for it first";
    break;
  case Hazard::MissingProxyFence:
    text += " through the async proxy; " + other +
            " wrote it through the generic proxy, and no fence.proxy.async "
            "followed";
    break;
  case Hazard::UnreleasedRead:
    text += ", which " + other +
            " has read, and no release of that thread followed: an arrival of "
            "its own, or bar.warp.sync before another lane's";
    break;
  case Hazard::BarrierMisuse:
    text += ", which is part of an mbarrier";
    break;
  default:
    break;
  }
  report(conflict.hazard, text);
}

uint8_t *Warp::shared(uint64_t address, uint32_t size, Cta *&owner,
                      uint32_t &offset) {
  owner = &cta;
  uint64_t window = address >> clusterShift;
  offset = address & ((1u << clusterShift) - 1);
  if (window) {
    if (window > machine.ctas.size()) {
      report(Hazard::OutOfBounds,
             llvm::formatv("{0:x} is no address of shared memory in a cluster "
                           "of {1}",
                           address, machine.ctas.size()));
      return nullptr;
    }
    owner = machine.ctas[window - 1].get();
    // PTX ISA, "Shared State Space": a CTA's window is valid until it exits.
    if (owner->exited()) {
      report(Hazard::PeerExited,
             llvm::formatv("cluster CTA {0} has exited: a cluster barrier must "
                           "keep it until its peers are done",
                           window - 1));
      return nullptr;
    }
    if (owner != &cta)
      owner->lastRemote = {machine.time, cta.rank, index, inst};
  }
  if (offset < sharedBase || offset + uint64_t(size) > owner->smem.size()) {
    report(Hazard::OutOfBounds,
           llvm::formatv("{0} bytes at shared address {1}; the CTA has [{2}, "
                         "{3})",
                         size, offset, sharedBase, owner->smem.size()));
    return nullptr;
  }
  return owner->smem.data() + offset;
}

bool Warp::afterGrids() const {
  return waitedForGrids ||
         (machine.gridsWaited && lastSync > machine.gridsWaited);
}

void Warp::noteGlobal(uint64_t address, uint64_t bytes, bool writes,
                      bool ordered) {
  auto conflict = machine.trace->access(address, bytes, writes, ordered);
  if (conflict == DependencyTrace::Conflict::None)
    return;
  bool written = conflict == DependencyTrace::Conflict::TouchesWritten;
  report(Hazard::BeforeDependency,
         llvm::formatv("{0} global memory that a launch before, which may "
                       "still run, {1}: griddepcontrol.wait first; {2}",
                       writes ? "writes" : "reads",
                       written ? "writes" : "reads",
                       machine.memory.describe(address)));
}

void Warp::release(uint32_t mask) {
  machine.releases.release(cta.rank * 1024 + index * 32, mask, machine.time);
}

void Warp::releaseToPeers(uint32_t mask) {
  forLanes(mask, [&](unsigned l) {
    machine.toPeers.fence(cta.rank * 1024 + thread(l), machine.time, lastSync);
  });
}

void Warp::checkReleased(const Cta &owner, ByteRange range, unsigned lane) {
  const Releases &releases = machine.releases;
  unsigned by = cta.rank * 1024 + thread(lane);
  if (auto conflict = owner.shadow.unreleased(range, releases, by, lastSync))
    return reportConflict(owner, *conflict, "overwrites");
  auto meets = [&](ByteRange other) {
    return other.begin < range.end() && range.begin < other.end();
  };
  for (const auto &[index, group] : llvm::enumerate(owner.groups))
    for (const PastRead &read : group.past) {
      if (!llvm::any_of(read.touched, meets))
        continue;
      bool isReleased = false;
      for (unsigned w = 0; w < 4 && !isReleased; ++w)
        isReleased =
            read.waited[w] &&
            releases.warpCovers(owner.rank * 1024 + index * 128 + w * 32,
                                read.waited[w], by, lastSync);
      if (isReleased)
        continue;
      return report(
          Hazard::UnreleasedRead,
          llvm::formatv("overwrites shared bytes from {0} on{1}, which the "
                        "wgmma at {2} of {3} has read, and no warp that had "
                        "waited for it released them since",
                        range.begin, machine.names.inBrackets(range.begin),
                        machine.program.source(read.inst->loc),
                        machine.names.warps(index * 4)));
    }
}

void Warp::checkInit(const MBarrier &barrier, bool byCopy) {
  auto covers = [&](const ProxyFences &fences) {
    return fences.covers(barrier.initThread, barrier.initTime);
  };
  if (covers(machine.initFences) ||
      covers(byCopy ? machine.fences : machine.toPeers))
    return;
  report(Hazard::MissingInitFence,
         llvm::formatv("the mbarrier at {0}{1} was initialised at {2}, and no "
                       "fence.mbarrier_init followed that makes it visible "
                       "to {3}",
                       barrier.address,
                       machine.names.inBrackets(barrier.address),
                       machine.program.where(barrier.init),
                       byCopy ? "the async proxy" : "other CTAs"));
}

void Warp::synchronised(uint32_t when) {
  lastSync = std::max(lastSync, std::min(when, machine.time));
}

uint64_t Warp::special(Special which, unsigned lane) const {
  const auto &block = machine.launch.block, &grid = machine.launch.grid,
             &cluster = machine.launch.cluster;
  unsigned t = thread(lane);
  auto inCluster = [&](unsigned d) { return cta.id[d] % cluster[d]; };
  switch (which) {
  case Special::TidX:
    return t % block[0];
  case Special::TidY:
    return t / block[0] % block[1];
  case Special::TidZ:
    return t / block[0] / block[1];
  case Special::NTidX:
  case Special::NTidY:
  case Special::NTidZ:
    return block[unsigned(which) - unsigned(Special::NTidX)];
  case Special::CtaIdX:
  case Special::CtaIdY:
  case Special::CtaIdZ:
    return cta.id[unsigned(which) - unsigned(Special::CtaIdX)];
  case Special::NCtaIdX:
  case Special::NCtaIdY:
  case Special::NCtaIdZ:
    return grid[unsigned(which) - unsigned(Special::NCtaIdX)];
  case Special::LaneId:
    return lane;
  case Special::WarpId:
    return index;
  case Special::NWarpId:
    return cta.warps.size();
  case Special::ClusterCtaRank:
    return cta.rank;
  case Special::ClusterNCtaRank:
    return machine.ctas.size();
  case Special::ClusterIdX:
  case Special::ClusterIdY:
  case Special::ClusterIdZ:
    return machine.clusterId[unsigned(which) - unsigned(Special::ClusterIdX)];
  case Special::NClusterIdX:
  case Special::NClusterIdY:
  case Special::NClusterIdZ: {
    unsigned d = unsigned(which) - unsigned(Special::NClusterIdX);
    return grid[d] / cluster[d];
  }
  case Special::ClusterCtaIdX:
  case Special::ClusterCtaIdY:
  case Special::ClusterCtaIdZ:
    return inCluster(unsigned(which) - unsigned(Special::ClusterCtaIdX));
  case Special::ClusterNCtaIdX:
  case Special::ClusterNCtaIdY:
  case Special::ClusterNCtaIdZ:
    return cluster[unsigned(which) - unsigned(Special::ClusterNCtaIdX)];
  case Special::Clock:
  case Special::GlobalTimer:
    return machine.time;
  case Special::SmId:
    return cta.linear;
  case Special::NSmId:
    return grid[0] * grid[1] * grid[2];
  case Special::LaneMaskEq:
    return 1u << lane;
  case Special::LaneMaskLt:
    return (1u << lane) - 1;
  case Special::LaneMaskLe:
    return (2u << lane) - 1;
  case Special::LaneMaskGt:
    return uint32_t(~((2u << lane) - 1));
  case Special::LaneMaskGe:
    return uint32_t(~((1u << lane) - 1));
  }
  return 0;
}

//===----------------------------------------------------------------------===//
// Paths
//===----------------------------------------------------------------------===//

int Warp::newToken(uint32_t pc, uint32_t mask, int parent) {
  size_t i = 0;
  while (i < tokens.size() && tokens[i].used)
    ++i;
  if (i == tokens.size())
    tokens.emplace_back();
  tokens[i] = {pc, mask, 0, parent, true};
  return i;
}

/// Continues behind `token` once all of its lanes are there or gone.
void Warp::settle(int token) {
  while (token >= 0) {
    Token t = tokens[token];
    if (((t.arrived | exited) & t.mask) != t.mask)
      return;
    tokens[token].used = false;
    if (uint32_t live = t.mask & ~exited) {
      Path path;
      path.pc = t.pc;
      path.mask = live;
      path.token = t.parent;
      paths.insert(paths.begin(), path);
      return;
    }
    token = t.parent;
  }
}

/// Path `i` has come to its reconvergence point.
void Warp::reach(size_t i) {
  Path path = paths[i];
  paths.erase(paths.begin() + i);
  tokens[path.token].arrived |= path.mask;
  settle(path.token);
}

void Warp::branch(size_t i, uint32_t taken) {
  const Inst &branch = machine.program.code[paths[i].pc];
  uint32_t rest = paths[i].mask & ~taken, target = branch.ops[0].imm;
  if (!rest) {
    paths[i].pc = target;
    return;
  }
  if (!taken) {
    ++paths[i].pc;
    return;
  }
  if (branch.reconvergence != NoRegister)
    paths[i].token =
        newToken(branch.reconvergence, paths[i].mask, paths[i].token);
  Path other = paths[i];
  paths[i].mask = rest;
  ++paths[i].pc;
  other.mask = taken;
  other.pc = target;
  paths.insert(paths.begin() + i + 1, other);
}

/// brx.idx: the taken lanes part by their index; the others go on.
void Warp::branchIndexed(size_t i, uint32_t taken) {
  const Inst &branch = machine.program.code[paths[i].pc];
  std::vector<std::pair<uint32_t, uint32_t>> parts; // Target and lanes.
  auto go = [&](uint32_t target, uint32_t lanes) {
    for (auto &[there, mask] : parts)
      if (there == target) {
        mask |= lanes;
        return;
      }
    parts.push_back({target, lanes});
  };
  if (uint32_t rest = paths[i].mask & ~taken)
    go(paths[i].pc + 1, rest);
  bool outside = false;
  forLanes(taken, [&](unsigned lane) {
    uint32_t index = get(branch.ops[0], lane);
    if (index < branch.targets.size())
      go(branch.targets[index], 1u << lane);
    else
      outside = true;
  });
  if (outside) {
    report(Hazard::BadOperand,
           llvm::formatv("brx.idx with an index beyond its {0} targets",
                         branch.targets.size()));
    return;
  }
  if (parts.size() > 1 && branch.reconvergence != NoRegister)
    paths[i].token =
        newToken(branch.reconvergence, paths[i].mask, paths[i].token);
  Path other = paths[i];
  paths[i].pc = parts[0].first;
  paths[i].mask = parts[0].second;
  for (size_t p = 1; p < parts.size(); ++p) {
    other.pc = parts[p].first;
    other.mask = parts[p].second;
    paths.insert(paths.begin() + i + p, other);
  }
}

/// The CTA has just exited. A peer's accesses must have come before: some warp
/// of the CTA synchronised after the last one. (As for fences, any
/// synchronisation counts, so no correct program is reported.)
void Warp::checkCtaExit() {
  const auto &last = cta.lastRemote;
  if (!last.inst || llvm::any_of(cta.warps, [&](const auto &warp) {
        return warp->lastSync >= last.time;
      }))
    return;
  report(
      Hazard::PeerExited,
      llvm::formatv("the CTA exits, and nothing makes it wait for the access "
                    "of cluster CTA {0} warp {1} to its shared memory at "
                    "{2} ({3}): a cluster barrier must keep it",
                    last.rank, last.warp, machine.program.where(last.inst->loc),
                    last.inst->opcode));
}

void Warp::exitLanes(size_t i, uint32_t leaving) {
  forLanes(leaving, [&](unsigned lane) {
    auto it = cta.bulk.find(thread(lane));
    if (it != cta.bulk.end() && !it->second.idle())
      report(Hazard::ExitWithCopies,
             llvm::formatv("thread {0} exits while its bulk copies read "
                           "shared memory: cp.async.bulk.wait_group.read first",
                           thread(lane)));
  });
  exited |= leaving;
  machine.clusterThreads -= __builtin_popcount(leaving);
  int token = paths[i].token;
  paths[i].mask &= ~leaving;
  if (paths[i].mask) {
    ++paths[i].pc;
    return;
  }
  paths.erase(paths.begin() + i);
  settle(token);
  if (cta.exited())
    checkCtaExit();
}

void Warp::checkRegisters(const Inst &inst) {
  auto check = [&](const std::vector<uint32_t> &list, const char *what) {
    for (uint32_t r : list)
      if (inFlight[r]) {
        report(Hazard::RegisterInFlight,
               llvm::Twine(what) + " a register of a wgmma.mma_async that no "
                                   "wgmma.wait_group has waited for");
        return;
      }
  };
  check(inst.reads, "reads");
  check(inst.writes, "writes");
}

/// Executes one instruction of path `i`. Paths may move.
Step Warp::step(size_t i) {
  Path &path = paths[i];
  if (path.token >= 0 && tokens[path.token].pc == path.pc) {
    reach(i);
    return Step::Jump;
  }
  const Inst &code = machine.program.code[path.pc];
  inst = &code;
  current = &path;
  uint32_t mask = path.mask;

  if (code.together != Together::Any) {
    uint32_t there = 0;
    for (const Path &other : paths)
      if (other.pc == path.pc &&
          !(other.token >= 0 && tokens[other.token].pc == other.pc))
        there |= other.mask;
    uint32_t need = ~exited;
    if (code.together == Together::Member)
      need &= get(code.ops[code.memberMask], __builtin_ctz(mask));
    if (need & ~there) {
      path.wait = {Wait::Lanes, 0, 0, need & ~there};
      return Step::Block;
    }
    if (mask & ~need) {
      report(Hazard::Divergence,
             llvm::formatv("lanes {0:x} execute it, but the member mask is "
                           "{1:x}",
                           mask, need));
      return Step::Block;
    }
    mask = need;
  }

  uint32_t active = mask;
  if (code.guard != NoRegister) {
    uint32_t bits = 0;
    const uint64_t *guard = reg(code.guard);
    forLanes(mask, [&](unsigned lane) {
      bits |= uint32_t((guard[lane] & 1) != code.guardNegated) << lane;
    });
    active = bits;
    if (code.together == Together::Full && active && active != mask) {
      report(Hazard::Divergence,
             llvm::formatv("an aligned instruction is executed by lanes {0:x} "
                           "of {1:x} only",
                           active, mask));
      return Step::Block;
    }
  }

  size_t pcIndex = path.pc;
  auto account = [&] {
    ++machine.time;
    if (cta.timeline)
      cta.timeline->executed(*this, code);
    ++machine.executed[pcIndex];
    machine.executedLanes[pcIndex] += __builtin_popcount(active);
  };
  if (code.isBranch) {
    account();
    if (code.targets.empty())
      branch(i, active);
    else
      branchIndexed(i, active);
    return Step::Jump;
  }
  if (code.isExit) {
    account();
    if (active)
      exitLanes(i, active);
    else
      ++path.pc;
    return Step::Jump;
  }

  Step result = Step::Next;
  if (active) {
    if (inFlightCount && !code.asyncRegisters)
      checkRegisters(code);
    result = code.handler(*this, code, active);
    if (result == Step::Block)
      return result;
    if (!stamps.empty() && !code.asyncRegisters) {
      for (uint32_t r : code.writes)
        stamps[r] = machine.time;
      for (uint32_t r : code.reads)
        stamps[r] = machine.time;
    }
  }
  account();
  if (code.together == Together::Any) {
    ++path.pc;
    path.arrived = false;
    path.wait.kind = Wait::None;
    return result;
  }
  uint32_t pc = path.pc;
  for (Path &other : paths)
    if (other.pc == pc && (other.mask & mask)) {
      ++other.pc;
      other.arrived = false;
      other.polled = false;
      other.wait.kind = Wait::None;
    }
  return result;
}

Warp::Turn Warp::run(unsigned quantum) {
  Turn turn = take(quantum);
  if (cta.timeline &&
      llvm::all_of(paths, [](const Path &path) { return path.polled; }))
    cta.timeline->blocked(*this);
  return turn;
}

Warp::Turn Warp::take(unsigned quantum) {
  for (Path &path : paths)
    path.polled = false;
  Turn turn = Turn::Stuck;
  while (quantum && !machine.stopped) {
    size_t i = 0;
    while (i < paths.size() && paths[i].polled)
      ++i;
    if (i == paths.size())
      break;
    Step result = step(i);
    if (result == Step::Block) {
      paths[i].polled = true;
      continue;
    }
    // Polling is no progress: else a spin would keep copies from completing
    // for ever.
    if (result == Step::Yield)
      return Turn::Polled;
    turn = Turn::Progress;
    --quantum;
  }
  return turn;
}
