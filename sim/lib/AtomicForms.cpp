//===- AtomicForms.cpp - atom and red -------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MemoryForms.h"
#include "llvm/Support/FormatVariadic.h"

using namespace tilewright::sim;

namespace {

enum Operation : int { Add, Min, Max, And, Or, Xor, Exch, Cas, Inc, Dec };

/// One element of `size` bytes at `data`.
llvm::Error apply(const Inst &inst, uint8_t *data, uint64_t operand,
                  uint64_t swapped, bool flushF32) {
  static const ReduceOp ops[] = {ReduceOp::Add, ReduceOp::Min, ReduceOp::Max,
                                 ReduceOp::And, ReduceOp::Or,  ReduceOp::Xor,
                                 ReduceOp::Add, ReduceOp::Add, ReduceOp::Inc,
                                 ReduceOp::Dec};
  if (inst.wide[0] == Exch) {
    std::memcpy(data, &operand, inst.size);
  } else if (inst.wide[0] == Cas) {
    if (std::memcmp(data, &operand, inst.size) == 0)
      std::memcpy(data, &swapped, inst.size);
  } else {
    uint8_t bytes[8];
    std::memcpy(bytes, &operand, 8);
    return reduceElements(Format(inst.wide[1]), ops[inst.wide[0]],
                          {data, inst.size}, {bytes, inst.size}, flushF32);
  }
  return llvm::Error::success();
}

// aux: the space; size and count: bytes of an element and their number;
// wide[0]: the operation; wide[1]: the format of reduceElements; wide[2]: it
// returns the old value.
Step atomicStep(Warp &warp, const Inst &inst, uint32_t mask) {
  bool returns = inst.wide[2], changed = false;
  const Operand &at = inst.ops[returns ? 1 : 0];
  const Operand &value = inst.ops[returns ? 2 : 1];
  uint32_t bytes = inst.size * inst.count;
  Place place;
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    unsigned l = __builtin_ctz(rest);
    uint8_t *data = resolveAddress(warp, Space(inst.aux), warp.address(at, l),
                                   bytes, l, place);
    if (!data)
      return Step::Next;
    if (place.owner) {
      Shadow &shadow = place.owner->shadow;
      if (auto conflict = shadow.genericRead(
              place.offset, bytes, threadInCluster(warp, l), warp.machine.time))
        warp.reportConflict(*place.owner, *conflict, "reads");
      if (auto conflict = shadow.genericWrite(
              place.offset, bytes, threadInCluster(warp, l), warp.machine.time))
        warp.reportConflict(*place.owner, *conflict, "writes");
    }
    if (place.isGlobal && warp.machine.trace)
      warp.noteGlobal(warp.address(at, l), bytes, /*writes=*/true,
                      warp.afterGrids());
    uint64_t swapped = inst.wide[0] == Cas ? warp.get(inst.ops[3], l) : 0;
    for (unsigned i = 0; i < inst.count; ++i, data += inst.size) {
      uint64_t old = 0, now = 0;
      std::memcpy(&old, data, inst.size);
      uint64_t operand = warp.get(value.isVec() ? value.elems[i] : value, l);
      if (llvm::Error error = apply(inst, data, operand, swapped,
                                    /*flushF32=*/!place.owner)) {
        warp.report(Hazard::BadOperand, llvm::toString(std::move(error)));
        return Step::Next;
      }
      std::memcpy(&now, data, inst.size);
      changed |= now != old;
      if (returns)
        warp.set(inst.ops[0].isVec() ? inst.ops[0].elems[i] : inst.ops[0], l,
                 old);
    }
  }
  warp.release(mask);
  if (returns)
    warp.synchronised();
  // Whoever changes nothing and looks at the old value may be waiting for it.
  return returns && !changed ? Step::Yield : Step::Next;
}

/// Takes the type off the form: the format, and the bits of an element.
/// `pairs` is 2 for f16x2 and bf16x2.
bool takeFormat(Form &form, Format &format, unsigned &bits, unsigned &pairs) {
  if (form.mods.empty())
    return false;
  llvm::StringRef name = form.mods.pop_back_val();
  pairs = name.consume_back("x2") ? 2 : 1;
  if (name == "b16" || name == "b32" || name == "b64")
    format = name == "b16"   ? Format::U16
             : name == "b32" ? Format::U32
                             : Format::U64;
  else if (auto parsed = parseFormat(name))
    format = *parsed;
  else
    return false;
  bits = bitWidth(format);
  return bits >= 16 && format != Format::TF32 &&
         (pairs == 1 || (isFloat(format) && bits == 16));
}

} // namespace

bool tilewright::sim::decodeAtomic(Form &form, Inst &inst) {
  if (form.head == "red" && form.take("async"))
    return decodeStoreAsync(form, inst);
  Format format;
  Space space;
  unsigned bits = 0, pairs = 1;
  if (!takeFormat(form, format, bits, pairs))
    return false;
  takeSpace(form, space);
  form.takeOneOf({"relaxed", "acquire", "release", "acq_rel"});
  form.takeOneOf({"cta", "cluster", "gpu", "sys"});
  int op = form.takeOneOf(
      {"add", "min", "max", "and", "or", "xor", "exch", "cas", "inc", "dec"});
  bool isAdd = op == Add, returns = form.head == "atom";
  bool floats = isFloat(format), isHalf = floats && bits == 16;
  int vector = form.takeOneOf({"v2", "v4", "v8"});
  unsigned count = vector < 0 ? 1 : 2u << vector;
  if (op < 0 || (isHalf && !form.take("noftz")))
    return false;
  // PTX ISA, atom and red: floats add; 16-bit ones have a minimum and a maximum
  // in vectors; vectors are global memory's, of floats, up to 16 bytes.
  if (floats && !isAdd && !(isHalf && (op == Min || op == Max) && vector >= 0))
    return false;
  unsigned size = bits / 8 * pairs;
  if (vector >= 0 && (!floats || bits == 64 || size * count > 16))
    return false;
  if (bits == 16 && !floats && op != Cas)
    return false;
  inst.aux = uint32_t(space);
  inst.size = size;
  inst.count = count;
  inst.wide = {uint32_t(op), uint32_t(format), returns, 0};
  inst.numDefs = returns;
  inst.handler = atomicStep;
  inst.meetsOthers = space != Space::Shared;
  unsigned expected = 2 + returns + (op == Cas);
  if (inst.ops.size() != expected || (op >= Exch && op <= Cas && !returns))
    return false;
  auto fits = [&](const Operand &operand) {
    return vector < 0 ? operand.isReg() || operand.isImm()
                      : operand.isVec() && operand.elems.size() == count;
  };
  return inst.ops[returns ? 1 : 0].isMem() && fits(inst.ops[returns ? 2 : 1]) &&
         (!returns || inst.ops[0].kind == Operand::Kind::Sink ||
          fits(inst.ops[0]));
}
