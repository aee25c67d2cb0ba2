//===- BulkForms.cpp - cp.async.bulk and its groups -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A copy is checked against the shadow when it is issued, since from then on
// it may touch its bytes, and moves them when the engine completes it.
//
//===----------------------------------------------------------------------===//
#include "MemoryForms.h"
#include "llvm/Support/FormatVariadic.h"

using namespace tilewright::sim;

bool tilewright::sim::sharedPlace(Warp &warp, const Operand &op, unsigned lane,
                                  uint64_t bytes, Cta *&owner,
                                  uint32_t &offset) {
  uint64_t address = warp.address(op, lane);
  if (address >> 44 == sharedWindow >> 44)
    address -= sharedWindow;
  return warp.shared(address, bytes, owner, offset) != nullptr;
}

bool tilewright::sim::isGone(Warp &warp, const Cta &target,
                             llvm::StringRef what) {
  if (!target.exited())
    return false;
  if (&target == &warp.cta)
    warp.report(Hazard::ExitWithCopies,
                llvm::formatv("the CTA exits while this copy, in flight, {0} "
                              "its shared memory: wait for it first",
                              what));
  else
    warp.report(Hazard::PeerExited,
                llvm::formatv("cluster CTA {0} exits while this copy, in "
                              "flight, {1} its shared memory: a cluster "
                              "barrier must keep it",
                              target.rank, what));
  return true;
}

namespace {

// aux: operation of a reduction + 1, or 0; wide[0]: rank, 0 for 1-D copies;
// wide[1]: format of a 1-D reduction; wide[2]: index of the multicast mask, or
// 0; wide[3]: the destination is shared::cta.

/// The tensor map and coordinates of [map, {c...}].
bool readMap(Warp &warp, const Inst &inst, const Operand &op, unsigned lane,
             TensorMap &map, std::vector<int32_t> &coordinates) {
  uint64_t address = warp.address(op, lane);
  Place place;
  uint8_t *data =
      resolveAddress(warp, Space::Generic, address, 64, lane, place);
  if (!data ||
      !resolveAddress(warp, Space::Generic, address + 64, 64, lane, place))
    return false;
  auto decoded = decodeTensorMap({data, 128});
  if (!decoded) {
    warp.report(Hazard::BadOperand, llvm::toString(decoded.takeError()));
    return false;
  }
  map = *decoded;
  if (map.rank != inst.wide[0]) {
    warp.report(Hazard::BadOperand,
                llvm::formatv("the tensor map has {0} dimensions", map.rank));
    return false;
  }
  for (const Operand &c : op.elems[0].elems)
    coordinates.push_back(int32_t(warp.get(c, lane)));
  return true;
}

using Load = std::function<llvm::Expected<CopyReport>(
    llvm::MutableArrayRef<uint8_t> shared, uint32_t address)>;

/// Issues a load of `extent` bytes to `target`.
void issueLoad(Warp &warp, const Inst &inst, unsigned lane, Cta &target,
               uint32_t offset, uint64_t extent, uint32_t barrierOffset,
               Load load) {
  Machine &machine = warp.machine;
  if (&target != &warp.cta && isGone(warp, target, "writes"))
    return;
  if (offset + extent > target.smem.size()) {
    warp.report(Hazard::OutOfBounds,
                llvm::formatv("{0} bytes to shared address {1}; the CTA has "
                              "[{2}, {3})",
                              extent, offset, sharedBase, target.smem.size()));
    return;
  }
  MBarrier *barrier = machine.findBarrier(target.rank, barrierOffset);
  if (!barrier) {
    warp.report(Hazard::BarrierMisuse,
                llvm::formatv("no mbarrier was initialised at {0}{1}",
                              barrierOffset,
                              machine.names.inBrackets(barrierOffset)));
    return;
  }
  warp.checkInit(*barrier, /*byCopy=*/true);
  ByteRange range = {offset, extent};
  warp.checkReleased(target, range, lane);
  if (auto conflict = target.shadow.asyncWriteBegin(range, &machine.fences))
    warp.reportConflict(target, *conflict, "copies to");
  auto op = std::make_shared<AsyncOp>();
  op->warp = &warp;
  op->inst = &inst;
  op->rank = target.rank;
  op->range = range;
  op->barrier = barrierOffset;
  op->isLoad = true;
  op->complete = [&warp, &inst, &target, &machine, offset, range, barrierOffset,
                  load] {
    At at(warp, inst);
    if (isGone(warp, target, "writes"))
      return;
    auto copied = load(target.smem, offset);
    if (!copied) {
      warp.report(warp.machine.copyHazard(),
                  llvm::toString(copied.takeError()));
      return;
    }
    target.shadow.asyncWriteEnd(range, copied->shared);
    machine.report.copiedBytes += copied->bytes;
    MBarrier *barrier = machine.findBarrier(target.rank, barrierOffset);
    llvm::Error error =
        barrier ? machine.arrive(*barrier, 0, -int64_t(copied->bytes))
                : llvm::createStringError("the mbarrier of the copy is gone");
    if (error)
      warp.report(Hazard::BarrierMisuse,
                  llvm::toString(std::move(error)) +
                      machine.names.inBrackets(barrierOffset));
  };
  machine.engine.issue(std::move(op));
}

/// A load to `owner`, or, where the form has a mask of them (operand
/// inst.wide[2]), to the same offsets of several CTAs, each with its mbarrier.
void issueLoads(Warp &warp, const Inst &inst, unsigned lane, Cta &owner,
                uint32_t offset, uint64_t extent, Cta &barrierOwner,
                uint32_t barrierOffset, const Load &load) {
  Machine &machine = warp.machine;
  if (!inst.wide[2]) {
    if (&owner != &barrierOwner)
      warp.report(Hazard::BadOperand, "the destination and the mbarrier are "
                                      "in different CTAs");
    else
      issueLoad(warp, inst, lane, owner, offset, extent, barrierOffset, load);
    return;
  }
  uint32_t targets = warp.get(inst.ops[inst.wide[2]], lane) & 0xFFFF;
  if (targets >> machine.ctas.size()) {
    warp.report(Hazard::OutOfBounds,
                llvm::formatv("multicast to CTAs {0:x} of a cluster of {1}",
                              targets, machine.ctas.size()));
    return;
  }
  forLanes(targets, [&](unsigned rank) {
    issueLoad(warp, inst, lane, *machine.ctas[rank], offset, extent,
              barrierOffset, load);
  });
}

using Store =
    std::function<llvm::Expected<CopyReport>(llvm::ArrayRef<uint8_t> shared)>;

void issueStore(Warp &warp, const Inst &inst, unsigned lane, uint32_t offset,
                uint64_t extent, Store store) {
  Cta &cta = warp.cta;
  if (offset + extent > cta.smem.size()) {
    warp.report(Hazard::OutOfBounds,
                llvm::formatv("{0} bytes from shared address {1}; the CTA has "
                              "[{2}, {3})",
                              extent, offset, sharedBase, cta.smem.size()));
    return;
  }
  ByteRange range = {offset, extent};
  if (auto conflict = cta.shadow.asyncReadBegin(range, warp.machine.fences,
                                                /*checkInit=*/false))
    warp.reportConflict(cta, *conflict, "copies from");
  auto op = std::make_shared<AsyncOp>();
  op->warp = &warp;
  op->inst = &inst;
  op->rank = cta.rank;
  op->range = range;
  op->complete = [&warp, &inst, &cta, range, store] {
    At at(warp, inst);
    auto copied = store(cta.smem);
    cta.shadow.asyncReadEnd(range);
    if (!copied) {
      warp.report(warp.machine.copyHazard(),
                  llvm::toString(copied.takeError()));
      return;
    }
    if (auto conflict = cta.shadow.uninitialised(copied->shared))
      warp.reportConflict(cta, *conflict, "copies from");
    warp.machine.report.copiedBytes += copied->bytes;
  };
  cta.bulk[warp.thread(lane)].open.push_back(op);
  warp.machine.engine.issue(std::move(op));
}

// [dst], [map, {c}], [mbar] {, mask} {, policy}
Step tensorLoadStep(Warp &warp, const Inst &inst, uint32_t mask) {
  Machine &machine = warp.machine;
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    unsigned l = __builtin_ctz(rest);
    TensorMap map;
    std::vector<int32_t> coordinates;
    if (!readMap(warp, inst, inst.ops[1], l, map, coordinates))
      return Step::Next;
    Cta *owner, *barrierOwner;
    uint32_t offset, barrierOffset;
    if (!sharedPlace(warp, inst.ops[0], l, map.sharedExtent(), owner, offset) ||
        !sharedPlace(warp, inst.ops[2], l, 8, barrierOwner, barrierOffset))
      return Step::Next;
    auto load = [&machine, map, coordinates](
                    llvm::MutableArrayRef<uint8_t> shared, uint32_t address) {
      return loadBox(map, coordinates, machine, shared, address);
    };
    issueLoads(warp, inst, l, *owner, offset, map.sharedExtent(), *barrierOwner,
               barrierOffset, load);
  }
  return Step::Next;
}

// [map, {c}], [src] {, policy}
Step tensorStoreStep(Warp &warp, const Inst &inst, uint32_t mask) {
  Machine &machine = warp.machine;
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    unsigned l = __builtin_ctz(rest);
    TensorMap map;
    std::vector<int32_t> coordinates;
    Cta *owner;
    uint32_t offset;
    if (!readMap(warp, inst, inst.ops[0], l, map, coordinates) ||
        !sharedPlace(warp, inst.ops[1], l, map.sharedExtent(), owner, offset))
      return Step::Next;
    if (owner != &warp.cta) {
      warp.report(Hazard::BadOperand, "the source is in another CTA");
      return Step::Next;
    }
    std::optional<ReduceOp> op;
    if (inst.aux)
      op = ReduceOp(inst.aux - 1);
    issueStore(warp, inst, l, offset, map.sharedExtent(),
               [&machine, map, coordinates, offset,
                op](llvm::ArrayRef<uint8_t> shared) {
                 return storeBox(map, coordinates, machine, shared, offset, op);
               });
  }
  return Step::Next;
}

bool checkSize(Warp &warp, uint64_t size) {
  if (size % 16 == 0)
    return true;
  warp.report(
      Hazard::BadOperand,
      llvm::formatv("a bulk copy of {0} bytes, no multiple of 16", size));
  return false;
}

// [dst], [src], size, [mbar]
Step bulkLoadStep(Warp &warp, const Inst &inst, uint32_t mask) {
  Machine &machine = warp.machine;
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    unsigned l = __builtin_ctz(rest);
    uint32_t size = warp.get(inst.ops[2], l);
    uint64_t source = warp.address(inst.ops[1], l);
    Cta *owner, *barrierOwner;
    uint32_t offset, barrierOffset;
    if (!checkSize(warp, size) ||
        !sharedPlace(warp, inst.ops[0], l, size, owner, offset) ||
        !sharedPlace(warp, inst.ops[3], l, 8, barrierOwner, barrierOffset))
      return Step::Next;
    issueLoads(warp, inst, l, *owner, offset, size, *barrierOwner,
               barrierOffset,
               [&machine, source, size](llvm::MutableArrayRef<uint8_t> shared,
                                        uint32_t address) {
                 return loadBytes(machine, source, shared, address, size);
               });
  }
  return Step::Next;
}

// [dst of a CTA of the cluster], [src of the own], size, [mbar of dst's CTA]
Step bulkPeerStep(Warp &warp, const Inst &inst, uint32_t mask) {
  Machine &machine = warp.machine;
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    unsigned l = __builtin_ctz(rest);
    uint32_t size = warp.get(inst.ops[2], l);
    Cta *target, *owner, *barrierOwner;
    uint32_t offset, source, barrierOffset;
    if (!checkSize(warp, size) ||
        !sharedPlace(warp, inst.ops[0], l, size, target, offset) ||
        !sharedPlace(warp, inst.ops[1], l, size, owner, source) ||
        !sharedPlace(warp, inst.ops[3], l, 8, barrierOwner, barrierOffset))
      return Step::Next;
    if (owner != &warp.cta || target != barrierOwner) {
      warp.report(Hazard::BadOperand,
                  owner != &warp.cta ? "the source is in another CTA"
                                     : "the destination and the mbarrier are "
                                       "in different CTAs");
      return Step::Next;
    }
    ByteRange range = {source, size};
    if (auto conflict = owner->shadow.asyncReadBegin(range, machine.fences,
                                                     /*checkInit=*/false))
      warp.reportConflict(*owner, *conflict, "copies from");
    warp.release(1u << l);
    issueLoad(warp, inst, l, *target, offset, size, barrierOffset,
              [&warp, owner, source, size,
               range](llvm::MutableArrayRef<uint8_t> shared,
                      uint32_t address) -> llvm::Expected<CopyReport> {
                owner->shadow.asyncReadEnd(range);
                isGone(warp, *owner, "reads");
                if (auto conflict = owner->shadow.uninitialised(range))
                  warp.reportConflict(*owner, *conflict, "copies from");
                return copyShared(owner->smem, source, shared, address, size);
              });
  }
  return Step::Next;
}

// [src], size {, policy}: a hint, but its bytes must be there.
Step bulkPrefetchStep(Warp &warp, const Inst &inst, uint32_t mask) {
  forLanes(mask, [&](unsigned l) {
    uint64_t address = warp.address(inst.ops[0], l);
    uint32_t size = warp.get(inst.ops[1], l);
    if (!checkSize(warp, size))
      return;
    if (address % 16)
      warp.report(Hazard::Misaligned,
                  llvm::formatv("lane {0}: a bulk prefetch from {1:x}, no "
                                "multiple of 16",
                                l, address));
    else if (!warp.machine.memory.resolve(address, size))
      warp.report(Hazard::OutOfBounds,
                  llvm::formatv("lane {0}: {1} bytes of global memory: {2}", l,
                                size, warp.machine.memory.describe(address)));
  });
  return Step::Next;
}

// [map, {c}] {, policy}
Step tensorPrefetchStep(Warp &warp, const Inst &inst, uint32_t mask) {
  forLanes(mask, [&](unsigned l) {
    TensorMap map;
    std::vector<int32_t> coordinates;
    if (!readMap(warp, inst, inst.ops[0], l, map, coordinates))
      return;
    if (auto ranges = boxRanges(map, coordinates); !ranges)
      warp.report(Hazard::BadOperand, llvm::toString(ranges.takeError()));
  });
  return Step::Next;
}

// [dst], [src], size
Step bulkStoreStep(Warp &warp, const Inst &inst, uint32_t mask) {
  Machine &machine = warp.machine;
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    unsigned l = __builtin_ctz(rest);
    uint32_t size = warp.get(inst.ops[2], l);
    uint64_t target = warp.address(inst.ops[0], l);
    Cta *owner;
    uint32_t offset;
    if (!checkSize(warp, size) ||
        !sharedPlace(warp, inst.ops[1], l, size, owner, offset))
      return Step::Next;
    if (owner != &warp.cta) {
      warp.report(Hazard::BadOperand, "the source is in another CTA");
      return Step::Next;
    }
    unsigned op = inst.aux;
    Format format = Format(inst.wide[1]);
    issueStore(warp, inst, l, offset, size,
               [&machine, target, offset, size, op,
                format](llvm::ArrayRef<uint8_t> shared) {
                 return op ? reduceBytes(machine, target, shared, offset, size,
                                         format, ReduceOp(op - 1))
                           : storeBytes(machine, target, shared, offset, size);
               });
  }
  return Step::Next;
}

Step commitStep(Warp &warp, const Inst &, uint32_t mask) {
  forLanes(mask, [&](unsigned l) {
    auto it = warp.cta.bulk.find(warp.thread(l));
    if (it == warp.cta.bulk.end())
      return;
    it->second.committed.push_back(std::move(it->second.open));
    it->second.open.clear();
  });
  return Step::Next;
}

Step waitStep(Warp &warp, const Inst &inst, uint32_t mask) {
  bool ready = true;
  forLanes(mask, [&](unsigned l) {
    auto it = warp.cta.bulk.find(warp.thread(l));
    if (it == warp.cta.bulk.end())
      return;
    auto &groups = it->second.committed;
    while (!groups.empty() &&
           llvm::all_of(groups.front(), [](auto &op) { return op->done; }))
      groups.erase(groups.begin());
    ready &= groups.size() <= inst.ops[0].imm;
  });
  return ready ? Step::Next : warp.block({Wait::BulkGroup, 0, 0, 0});
}

} // namespace

/// Operand `map` is a tensor map with as many coordinates as the form says.
static bool isMapOperand(const Inst &inst, size_t map) {
  const Operand &op = inst.ops[map];
  return op.isMem() && op.elems.size() == 1 && op.elems[0].isVec() &&
         op.elems[0].elems.size() == inst.wide[0];
}

/// cp.async.bulk.prefetch[.tensor.Nd].L2.global[.tile][.L2::cache_hint]
static bool decodePrefetch(Form &form, Inst &inst) {
  bool isTensor = form.take("tensor");
  inst.wide[0] = form.takeOneOf({"1d", "2d", "3d", "4d", "5d"}) + 1;
  if (isTensor)
    form.take("tile");
  bool hinted = form.take("L2::cache_hint");
  size_t expected = isTensor ? 1 : 2;
  inst.handler = isTensor ? tensorPrefetchStep : bulkPrefetchStep;
  return form.take("L2") && form.take("global") &&
         isTensor == (inst.wide[0] > 0) &&
         inst.ops.size() == expected + hinted &&
         (isTensor ? isMapOperand(inst, 0)
                   : inst.ops[0].isMem() && areValues(inst, 1, 1)) &&
         (!hinted || areValues(inst, expected, 1));
}

bool tilewright::sim::decodeCp(Form &form, Inst &inst) {
  inst.numDefs = 0;
  bool reduces = form.take("reduce");
  if (!form.take("async") || !form.take("bulk"))
    return false;
  size_t count = inst.ops.size();
  if (form.take("commit_group")) {
    inst.handler = commitStep;
    return !reduces && count == 0;
  }
  if (form.take("wait_group")) {
    form.take("read"); // Reads and writes of a copy happen at one point.
    inst.handler = waitStep;
    return !reduces && count == 1 && inst.ops[0].isImm();
  }
  if (form.take("prefetch"))
    return !reduces && decodePrefetch(form, inst);
  bool isTensor = form.take("tensor");
  int rank = form.takeOneOf({"1d", "2d", "3d", "4d", "5d"});
  if (isTensor != (rank >= 0))
    return false;
  inst.wide[0] = rank + 1;
  if (isTensor)
    form.take("tile");
  bool isLoad = form.take("mbarrier::complete_tx::bytes");
  if (!isLoad && !form.take("bulk_group"))
    return false;
  // Destination and source, in this order.
  if (form.mods.size() < 2)
    return false;
  llvm::StringRef target = form.takeFirst(), source = form.takeFirst();
  bool toPeer =
      isLoad && target == "shared::cluster" && source == "shared::cta";
  if (isLoad ? !toPeer &&
                   ((target != "shared::cluster" && target != "shared::cta") ||
                    source != "global")
             : target != "global" || source != "shared::cta")
    return false;
  if (toPeer && (isTensor || reduces))
    return false;
  bool multicast = form.take("multicast::cluster");
  bool hinted = form.take("L2::cache_hint");
  if (reduces) {
    int op =
        form.takeOneOf({"add", "min", "max", "inc", "dec", "and", "or", "xor"});
    if (isLoad || op < 0)
      return false;
    inst.aux = op + 1;
    inst.meetsOthers = true;
    if (!isTensor) {
      if (form.mods.empty())
        return false;
      llvm::StringRef type = form.mods.pop_back_val();
      auto format = type == "b32"   ? Format::U32
                    : type == "b64" ? Format::U64
                                    : parseFormat(type);
      if (!format)
        return false;
      form.take("noftz");
      inst.wide[1] = uint32_t(*format);
    }
  }
  size_t expected = isTensor ? (isLoad ? 3 : 2) : (isLoad ? 4 : 3);
  if (count != expected + multicast + hinted)
    return false;
  if (multicast && (!isLoad || toPeer))
    return false;
  inst.wide[2] = multicast ? expected : 0;
  if (isTensor && !isMapOperand(inst, isLoad ? 1 : 0))
    return false;
  for (size_t i = 0; i < count; ++i) {
    bool isAddress = i < expected && (isTensor || i != 2);
    if (isAddress ? !inst.ops[i].isMem() : !areValues(inst, i, 1))
      return false;
  }
  inst.handler = isTensor ? (isLoad ? tensorLoadStep : tensorStoreStep)
                 : toPeer ? bulkPeerStep
                          : (isLoad ? bulkLoadStep : bulkStoreStep);
  return true;
}
