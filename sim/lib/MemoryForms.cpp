//===- MemoryForms.cpp - Loads, stores and addresses ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MemoryForms.h"
#include "llvm/Support/FormatVariadic.h"

using namespace tilewright::sim;

bool tilewright::sim::takeSpace(Form &form, Space &space) {
  int found = form.takeOneOf({"global", "shared", "shared::cta",
                              "shared::cluster", "param", "local", "const"});
  static const Space spaces[] = {Space::Global, Space::Shared, Space::Shared,
                                 Space::Shared, Space::Param,  Space::Local};
  if (found == 6)
    return false;
  space = found < 0 ? Space::Generic : spaces[found];
  return true;
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
  if (space == Space::Generic) {
    // The windows are 16 TiB apart; shared and param ones 4 GiB long.
    uint64_t window = address >> 44, offset = address & 0xFFFFFFFFFFFull;
    if (window == sharedWindow >> 44) {
      space = Space::Shared;
      address = offset;
    } else if (window == paramWindow >> 44) {
      space = Space::Param;
      address = offset;
    } else if (window == localWindow >> 44) {
      space = Space::Local;
      address = offset;
    } else {
      space = Space::Global;
    }
  }
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
// that extend the sign, to 32 or 64 bits; wide[1]: it may poll.
Step loadStep(Warp &warp, const Inst &inst, uint32_t mask) {
  const Operand &d = inst.ops[0];
  uint32_t bytes = inst.size * inst.count;
  Place place;
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    unsigned l = __builtin_ctz(rest);
    uint8_t *data = resolveAddress(
        warp, Space(inst.aux), warp.address(inst.ops[1], l), bytes, l, place);
    if (!data)
      return Step::Next;
    if (place.owner)
      if (auto conflict = place.owner->shadow.genericRead(place.offset, bytes))
        warp.reportConflict(*place.owner, *conflict, "reads");
    for (unsigned i = 0; i < inst.count; ++i) {
      uint64_t value = 0;
      std::memcpy(&value, data + i * inst.size, inst.size);
      if (inst.wide[0])
        value = signExtend(value, 8 * inst.size) &
                (inst.size == 8 ? ~uint64_t(0) : 0xFFFFFFFFu);
      warp.set(d.isVec() ? d.elems[i] : d, l, value);
    }
  }
  return inst.wide[1] ? Step::Yield : Step::Next;
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
    for (unsigned i = 0; i < inst.count; ++i) {
      uint64_t value = warp.get(s.isVec() ? s.elems[i] : s, l);
      std::memcpy(data + i * inst.size, &value, inst.size);
    }
  }
  return Step::Next;
}

bool decodeAccess(Form &form, Inst &inst, const Operand &value) {
  Scalar type;
  Space space;
  if (!form.takeType(type) || type.kind == 'p' || !takeSpace(form, space))
    return false;
  inst.aux = uint32_t(space);
  inst.size = type.bits / 8;
  int vector = form.takeOneOf({"v2", "v4", "v8"});
  inst.count = vector < 0 ? 1 : 2u << vector;
  // Sequentially executed warps see memory in order: orders and caching
  // hints change nothing.
  bool polls = form.takeOneOf({"acquire", "relaxed", "volatile"}) >= 0;
  inst.wide[1] = polls && space != Space::Shared;
  form.takeOneOf({"release", "weak"});
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
  static const uint64_t bases[] = {0, sharedWindow, paramWindow, localWindow};
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

} // namespace

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
  return inst.ops.size() == 2 && inst.ops[0].isMem() &&
         decodeAccess(form, inst, inst.ops[1]);
}

bool tilewright::sim::decodeCvta(Form &form, Inst &inst) {
  inst.wide[0] = form.take("to");
  int space = form.takeOneOf({"global", "shared", "param", "local"});
  inst.aux = space;
  inst.handler = cvtaStep;
  return space >= 0 && form.take("u64") && isPlain(inst, 1);
}

bool tilewright::sim::decodeMapa(Form &form, Inst &inst) {
  inst.aux = !form.take("shared::cluster");
  inst.handler = mapaStep;
  return (form.take("u32") || form.take("u64")) && isPlain(inst, 2);
}
