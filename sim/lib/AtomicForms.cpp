//===- AtomicForms.cpp - atom and red -------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MemoryForms.h"
#include "llvm/Support/FormatVariadic.h"

using namespace tilewright::sim;

namespace {

enum Operation : int { Add, Min, Max, And, Or, Xor, Exch, Cas, Inc, Dec };

// aux: the space; wide[0]: the operation; wide[1]: the format of reduceElements
// or ~0; wide[2]: it returns the old value.
Step atomicStep(Warp &warp, const Inst &inst, uint32_t mask) {
  bool returns = inst.wide[2];
  const Operand &at = inst.ops[returns ? 1 : 0];
  const Operand &value = inst.ops[returns ? 2 : 1];
  Place place;
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    unsigned l = __builtin_ctz(rest);
    uint8_t *data = resolveAddress(warp, Space(inst.aux), warp.address(at, l),
                                   inst.size, l, place);
    if (!data)
      return Step::Next;
    if (place.owner) {
      Shadow &shadow = place.owner->shadow;
      if (auto conflict = shadow.genericRead(place.offset, inst.size))
        warp.reportConflict(*place.owner, *conflict, "reads");
      if (auto conflict =
              shadow.genericWrite(place.offset, inst.size,
                                  threadInCluster(warp, l), warp.machine.time))
        warp.reportConflict(*place.owner, *conflict, "writes");
    }
    uint64_t old = 0, operand = warp.get(value, l);
    std::memcpy(&old, data, inst.size);
    if (inst.wide[0] == Exch) {
      std::memcpy(data, &operand, inst.size);
    } else if (inst.wide[0] == Cas) {
      uint64_t wanted = operand, next = warp.get(inst.ops[3], l);
      if (std::memcmp(&old, &wanted, inst.size) == 0)
        std::memcpy(data, &next, inst.size);
    } else {
      static const ReduceOp ops[] = {
          ReduceOp::Add, ReduceOp::Min, ReduceOp::Max, ReduceOp::And,
          ReduceOp::Or,  ReduceOp::Xor, ReduceOp::Add, ReduceOp::Add,
          ReduceOp::Inc, ReduceOp::Dec};
      uint8_t bytes[8];
      std::memcpy(bytes, &operand, 8);
      if (llvm::Error error =
              reduceElements(Format(inst.wide[1]), ops[inst.wide[0]],
                             {data, inst.size}, {bytes, inst.size})) {
        warp.report(Hazard::BadOperand, llvm::toString(std::move(error)));
        return Step::Next;
      }
    }
    if (returns)
      warp.set(inst.ops[0], l, old);
  }
  return inst.wide[0] == Cas ? Step::Yield : Step::Next;
}

} // namespace

bool tilewright::sim::decodeAtomic(Form &form, Inst &inst) {
  Scalar type;
  Space space;
  if (!form.takeType(type) || !takeSpace(form, space))
    return false;
  form.takeOneOf({"relaxed", "acquire", "release", "acq_rel"});
  form.takeOneOf({"cta", "cluster", "gpu", "sys"});
  int op = form.takeOneOf(
      {"add", "min", "max", "and", "or", "xor", "exch", "cas", "inc", "dec"});
  if (op < 0 || (type.bits != 32 && type.bits != 64))
    return false;
  Format format;
  if (type.kind == 'f')
    format = type.bits == 32 ? Format::F32 : Format::F64;
  else if (type.isSigned())
    format = type.bits == 32 ? Format::S32 : Format::S64;
  else
    format = type.bits == 32 ? Format::U32 : Format::U64;
  bool returns = form.head == "atom";
  inst.aux = uint32_t(space);
  inst.size = type.bits / 8;
  inst.wide = {uint32_t(op), uint32_t(format), returns, 0};
  inst.numDefs = returns;
  inst.handler = atomicStep;
  unsigned expected = 2 + returns + (op == Cas);
  if (inst.ops.size() != expected || (op >= Exch && op <= Cas && !returns))
    return false;
  if (type.kind == 'f' && op != Add)
    return false;
  return inst.ops[returns ? 1 : 0].isMem() &&
         areValues(inst, returns ? 2 : 1, 1);
}
