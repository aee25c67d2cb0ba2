//===- AsyncStoreForms.cpp - st.async and red.async -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stores and reductions to the shared memory of a CTA of the cluster that
// complete bytes on an mbarrier beside it (PTX ISA, st.async, red.async). They
// are of the generic proxy, so no proxy fence is asked for.
//
//===----------------------------------------------------------------------===//
#include "MemoryForms.h"
#include "llvm/Support/FormatVariadic.h"

using namespace tilewright::sim;

namespace {

// [address], value, [mbarrier]; size and count: bytes and number of elements;
// aux: the operation of a reduction + 1, or 0; wide[0]: its format.
Step storeAsyncStep(Warp &warp, const Inst &inst, uint32_t mask) {
  Machine &machine = warp.machine;
  uint32_t bytes = inst.size * inst.count;
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    unsigned l = __builtin_ctz(rest);
    Cta *target, *barrierOwner;
    uint32_t offset, barrierOffset;
    if (!sharedPlace(warp, inst.ops[0], l, bytes, target, offset) ||
        !sharedPlace(warp, inst.ops[2], l, 8, barrierOwner, barrierOffset))
      return Step::Next;
    if (offset % bytes) {
      warp.report(Hazard::Misaligned,
                  llvm::formatv("lane {0}: shared address {1} is no multiple "
                                "of {2}",
                                l, offset, bytes));
      return Step::Next;
    }
    if (target != barrierOwner) {
      warp.report(Hazard::BadOperand, "the destination and the mbarrier are "
                                      "in different CTAs");
      return Step::Next;
    }
    if (!machine.findBarrier(target->rank, barrierOffset)) {
      warp.report(
          Hazard::BarrierMisuse,
          llvm::formatv("no mbarrier was initialised at {0}", barrierOffset));
      return Step::Next;
    }
    warp.release(1u << l);
    ByteRange range = {offset, bytes};
    // Reductions of many threads may meet at an address.
    bool reduces = inst.aux;
    if (!reduces)
      if (auto conflict = target->shadow.asyncWriteBegin(range, nullptr))
        warp.reportConflict(*target, *conflict, "writes");
    std::array<uint8_t, 16> data = {};
    const Operand &value = inst.ops[1];
    for (unsigned i = 0; i < inst.count; ++i) {
      uint64_t element = warp.get(value.isVec() ? value.elems[i] : value, l);
      std::memcpy(&data[i * inst.size], &element, inst.size);
    }
    auto op = std::make_shared<AsyncOp>();
    op->warp = &warp;
    op->inst = &inst;
    op->rank = target->rank;
    op->range = range;
    op->barrier = barrierOffset;
    op->isLoad = true;
    op->complete = [&warp, &inst, &machine, target, range, barrierOffset, data,
                    reduces] {
      At at(warp, inst);
      if (isGone(warp, *target, "writes"))
        return;
      uint8_t *to = &target->smem[range.begin];
      if (reduces) {
        if (auto conflict = target->shadow.genericRead(
                range.begin, range.size, /*thread=*/0, /*time=*/0))
          warp.reportConflict(*target, *conflict, "reads");
        if (llvm::Error error = reduceElements(
                Format(inst.wide[0]), ReduceOp(inst.aux - 1), {to, range.size},
                llvm::ArrayRef(data).take_front(range.size)))
          warp.report(Hazard::BadOperand, llvm::toString(std::move(error)));
      } else {
        std::memcpy(to, data.data(), range.size);
        target->shadow.asyncWriteEnd(range, range);
      }
      MBarrier *barrier = machine.findBarrier(target->rank, barrierOffset);
      llvm::Error error =
          barrier
              ? machine.arrive(*barrier, 0, -int64_t(range.size))
              : llvm::createStringError("the mbarrier of the store is gone");
      if (error)
        warp.report(Hazard::BarrierMisuse, llvm::toString(std::move(error)));
    };
    machine.engine.issue(std::move(op));
  }
  return Step::Next;
}

} // namespace

bool tilewright::sim::decodeStoreAsync(Form &form, Inst &inst) {
  inst.numDefs = 0;
  inst.handler = storeAsyncStep;
  bool reduces = form.head == "red";
  if (!form.take("mbarrier::complete_tx::bytes"))
    return false;
  form.take("shared::cluster");
  Scalar type;
  if (!form.takeType(type) || (type.bits != 32 && type.bits != 64))
    return false;
  inst.size = type.bits / 8;
  inst.count = 1;
  if (reduces) {
    form.take("relaxed");
    form.take("cluster");
    int op =
        form.takeOneOf({"add", "min", "max", "inc", "dec", "and", "or", "xor"});
    if (op < 0 || type.kind == 'f')
      return false;
    inst.aux = op + 1;
    inst.wide[0] =
        uint32_t(type.bits == 32 ? (type.isSigned() ? Format::S32 : Format::U32)
                                 : Format::U64);
  } else {
    form.take("weak");
    int vector = form.takeOneOf({"v2", "v4"});
    inst.count = vector < 0 ? 1 : 2u << vector;
    if (inst.size * inst.count > 16)
      return false;
  }
  return inst.ops.size() == 3 && inst.ops[0].isMem() && inst.ops[2].isMem() &&
         (inst.count == 1
              ? inst.ops[1].isReg() || inst.ops[1].isImm()
              : inst.ops[1].isVec() && inst.ops[1].elems.size() == inst.count);
}
