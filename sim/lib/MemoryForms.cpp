//===- MemoryForms.cpp - Loads, stores and addresses ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MemoryForms.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/Support/FormatVariadic.h"

using namespace tilewright::sim;

void tilewright::sim::takeSpace(Form &form, Space &space) {
  int found = form.takeOneOf({"global", "shared", "shared::cta",
                              "shared::cluster", "param", "local", "const"});
  static const Space spaces[] = {Space::Global, Space::Shared, Space::Shared,
                                 Space::Shared, Space::Param,  Space::Local,
                                 Space::Const};
  space = found < 0 ? Space::Generic : spaces[found];
}

Space tilewright::sim::genericSpace(uint64_t &address) {
  // The windows are 16 TiB apart; shared and param ones 4 GiB long.
  static const std::pair<uint64_t, Space> windows[] = {
      {sharedWindow, Space::Shared},
      {paramWindow, Space::Param},
      {localWindow, Space::Local},
      {constWindow, Space::Const}};
  for (auto [base, space] : windows)
    if (address >> 44 == base >> 44) {
      address -= base;
      return space;
    }
  return Space::Global;
}

uint8_t *tilewright::sim::resolveAddress(Warp &warp, Space space,
                                         uint64_t address, uint32_t size,
                                         unsigned lane, Place &place) {
  place = {};
  if (address % size) {
    warp.report(Hazard::Misaligned,
                llvm::formatv("lane {0}: address {1:x} is no multiple of {2}",
                              lane, address, size));
    return nullptr;
  }
  if (space == Space::Generic)
    space = genericSpace(address);
  Machine &machine = warp.machine;
  auto outside = [&](const char *name, uint64_t bytes) -> uint8_t * {
    warp.report(Hazard::OutOfBounds,
                llvm::formatv("lane {0}: {1} bytes at {2} {3}; the space has "
                              "{4} bytes",
                              lane, size, name, address, bytes));
    return nullptr;
  };
  switch (space) {
  case Space::Shared:
    return warp.shared(address, size, place.owner, place.offset);
  case Space::Param:
    if (address + size > machine.params.size() || address + size < address)
      return outside("parameter address", machine.params.size());
    return machine.params.data() + address;
  case Space::Const: {
    // Stores to .const are refused when decoded; a generic one lands here.
    auto &constants = machine.program.constants;
    if (address + size > constants.size() || address + size < address)
      return outside("constant address", constants.size());
    return const_cast<uint8_t *>(constants.data()) + address;
  }
  case Space::Local: {
    uint64_t bytes = machine.program.localBytes;
    if (address + size > bytes || address + size < address)
      return outside("local address", bytes);
    return warp.local.data() + lane * bytes + address;
  }
  default:
    break;
  }
  uint8_t *data = machine.memory.resolve(address, size);
  place.isGlobal = true;
  if (!data)
    warp.report(Hazard::OutOfBounds,
                llvm::formatv("lane {0}: {1} bytes of global memory: {2}", lane,
                              size, machine.memory.describe(address)));
  return data;
}

namespace {

uint64_t signExtend(uint64_t value, unsigned bits) {
  return uint64_t(int64_t(value << (64 - bits)) >> (64 - bits));
}

// aux: the space; size, count: bytes and number of elements; wide[0]: loads
// that extend the sign, to 32 or 64 bits; wide[1]: it may poll for what another
// cluster writes; wide[2]: it may see what another thread released; wide[3]: it
// may release.
Step loadStep(Warp &warp, const Inst &inst, uint32_t mask) {
  const Operand &d = inst.ops[0];
  uint32_t bytes = inst.size * inst.count;
  Place place;
  uint64_t seen = mask; // A hash of what was read where.
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    unsigned l = __builtin_ctz(rest);
    uint64_t address = warp.address(inst.ops[1], l);
    uint8_t *data =
        resolveAddress(warp, Space(inst.aux), address, bytes, l, place);
    if (!data)
      return Step::Next;
    if (place.owner)
      if (auto conflict = place.owner->shadow.genericRead(
              place.offset, bytes, threadInCluster(warp, l), warp.machine.time))
        warp.reportConflict(*place.owner, *conflict, "reads");
    if (place.isGlobal && warp.machine.trace)
      warp.noteGlobal(address, bytes, /*writes=*/false, warp.afterGrids());
    for (unsigned i = 0; i < inst.count; ++i) {
      uint64_t value = 0;
      std::memcpy(&value, data + i * inst.size, inst.size);
      if (inst.wide[0])
        value = signExtend(value, 8 * inst.size) &
                (inst.size == 8 ? ~uint64_t(0) : 0xFFFFFFFFu);
      warp.set(d.isVec() ? d.elems[i] : d, l, value);
      if (inst.wide[1])
        seen = llvm::hash_combine(seen, address, value);
    }
  }
  if (inst.wide[2])
    warp.synchronised();
  return inst.wide[1] && warp.pollsInVain(seen) ? Step::Yield : Step::Next;
}

Step storeStep(Warp &warp, const Inst &inst, uint32_t mask) {
  const Operand &s = inst.ops[1];
  uint32_t bytes = inst.size * inst.count;
  Place place;
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    unsigned l = __builtin_ctz(rest);
    uint8_t *data = resolveAddress(
        warp, Space(inst.aux), warp.address(inst.ops[0], l), bytes, l, place);
    if (!data)
      return Step::Next;
    if (place.owner)
      if (auto conflict = place.owner->shadow.genericWrite(
              place.offset, bytes, threadInCluster(warp, l), warp.machine.time))
        warp.reportConflict(*place.owner, *conflict, "writes");
    if (place.isGlobal && warp.machine.trace)
      warp.noteGlobal(warp.address(inst.ops[0], l), bytes, /*writes=*/true,
                      warp.afterGrids());
    for (unsigned i = 0; i < inst.count; ++i) {
      uint64_t value = warp.get(s.isVec() ? s.elems[i] : s, l);
      std::memcpy(data + i * inst.size, &value, inst.size);
    }
  }
  if (inst.wide[3])
    warp.release(mask);
  return Step::Next;
}

bool decodeAccess(Form &form, Inst &inst, const Operand &value) {
  Scalar type;
  Space space;
  if (!form.takeType(type) || type.kind == 'p')
    return false;
  takeSpace(form, space);
  inst.aux = uint32_t(space);
  inst.size = type.bits / 8;
  int vector = form.takeOneOf({"v2", "v4", "v8"});
  inst.count = vector < 0 ? 1 : 2u << vector;
  // Sequentially executed warps see memory in order: orders and caching
  // hints change nothing.
  bool polls = form.takeOneOf({"acquire", "relaxed", "volatile"}) >= 0;
  inst.wide[1] = polls && space != Space::Shared;
  inst.wide[2] = polls;
  inst.meetsOthers = inst.wide[1];
  inst.wide[3] = form.takeOneOf({"release", "weak"}) == 0 || polls;
  form.takeOneOf({"cta", "cluster", "gpu", "sys"});
  form.take("nc");
  form.takeOneOf({"ca", "cg", "cs", "lu", "cv", "wb", "wt"});
  form.takeOneOf({"L1::evict_normal", "L1::evict_last", "L1::evict_first",
                  "L1::no_allocate", "L1::evict_unchanged"});
  form.takeOneOf({"L2::64B", "L2::128B", "L2::256B"});
  if (value.isVec())
    return value.elems.size() == inst.count;
  return inst.count == 1 && (value.isReg() || value.isImm());
}

// aux: the window's base; wide[0]: to the space instead of from it.
Step cvtaStep(Warp &warp, const Inst &inst, uint32_t mask) {
  static const uint64_t bases[] = {0,           sharedWindow, sharedWindow,
                                   paramWindow, localWindow,  constWindow};
  Source a(warp, inst.ops[1]);
  uint64_t *d = warp.reg(inst.ops[0].reg);
  uint64_t base = bases[inst.aux];
  forLanes(mask, [&](unsigned l) {
    d[l] = inst.wide[0] ? a[l] - base : a[l] + base;
  });
  return Step::Next;
}

Step mapaStep(Warp &warp, const Inst &inst, uint32_t mask) {
  Source a(warp, inst.ops[1]), rank(warp, inst.ops[2]);
  uint64_t *d = warp.reg(inst.ops[0].reg);
  bool generic = inst.aux;
  forLanes(mask, [&](unsigned l) {
    uint32_t target = rank[l];
    if (target >= warp.machine.ctas.size()) {
      warp.report(Hazard::OutOfBounds,
                  llvm::formatv("mapa to CTA {0} of a cluster of {1}", target,
                                warp.machine.ctas.size()));
      return;
    }
    uint64_t offset = a[l] & ((1u << clusterShift) - 1);
    d[l] = offset | uint64_t(target + 1) << clusterShift |
           (generic ? sharedWindow : 0);
  });
  return Step::Next;
}

// aux: an address of .shared::cluster, not a generic one.
Step getCtaRankStep(Warp &warp, const Inst &inst, uint32_t mask) {
  Source a(warp, inst.ops[1]);
  uint64_t *d = warp.reg(inst.ops[0].reg);
  forLanes(mask, [&](unsigned l) {
    uint64_t address = inst.aux ? a[l] : a[l] - sharedWindow;
    uint64_t window = address >> clusterShift;
    if (window > warp.machine.ctas.size())
      warp.report(Hazard::OutOfBounds,
                  llvm::formatv("lane {0}: {1:x} is no address of shared "
                                "memory in a cluster of {2}",
                                l, a[l], warp.machine.ctas.size()));
    d[l] = window ? window - 1 : warp.cta.rank;
  });
  return Step::Next;
}

// aux: the space; wide[0]: 1 for .shared::cta, which peers' memory is not in.
Step isSpaceStep(Warp &warp, const Inst &inst, uint32_t mask) {
  Source a(warp, inst.ops[1]);
  uint64_t *d = warp.reg(inst.ops[0].reg);
  forLanes(mask, [&](unsigned l) {
    uint64_t address = a[l];
    bool is = genericSpace(address) == Space(inst.aux);
    uint64_t window = address >> clusterShift;
    if (is && inst.wide[0] && window)
      is = window == warp.cta.rank + 1;
    d[l] = is;
  });
  return Step::Next;
}

} // namespace

bool tilewright::sim::decodeGetCtaRank(Form &form, Inst &inst) {
  inst.aux = form.take("shared::cluster");
  inst.handler = getCtaRankStep;
  return (form.take("u32") || form.take("u64")) && isPlain(inst, 1);
}

bool tilewright::sim::decodeIsSpace(Form &form, Inst &inst) {
  if (form.mods.size() != 1)
    return false;
  // Without ::cta or ::cluster, .shared is the whole window.
  inst.wide[0] = form.mods[0] == "shared::cta";
  Space space;
  takeSpace(form, space);
  inst.aux = uint32_t(space);
  inst.handler = isSpaceStep;
  return space != Space::Generic && isPlain(inst, 1);
}

bool tilewright::sim::decodeLoad(Form &form, Inst &inst) {
  if (inst.ops.size() != 2 || !inst.ops[1].isMem())
    return false;
  Form copy = form;
  Scalar type;
  copy.takeType(type);
  inst.handler = loadStep;
  inst.wide[0] = type.isSigned() && type.bits < 64;
  return !inst.ops[0].isImm() && decodeAccess(form, inst, inst.ops[0]);
}

bool tilewright::sim::decodeStore(Form &form, Inst &inst) {
  inst.numDefs = 0;
  inst.handler = storeStep;
  if (form.take("async"))
    return decodeStoreAsync(form, inst);
  return inst.ops.size() == 2 && inst.ops[0].isMem() &&
         decodeAccess(form, inst, inst.ops[1]) &&
         Space(inst.aux) != Space::Const;
}

bool tilewright::sim::decodeCvta(Form &form, Inst &inst) {
  inst.wide[0] = form.take("to");
  int space = form.takeOneOf(
      {"global", "shared", "shared::cluster", "param", "local", "const"});
  inst.aux = space;
  inst.handler = cvtaStep;
  return space >= 0 && form.take("u64") && isPlain(inst, 1);
}

bool tilewright::sim::decodeMapa(Form &form, Inst &inst) {
  inst.aux = !form.take("shared::cluster");
  inst.handler = mapaStep;
  return (form.take("u32") || form.take("u64")) && isPlain(inst, 2);
}
