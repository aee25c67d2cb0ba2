//===- WgmmaForms.cpp - wgmma.* -------------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A wgmma.mma_async reads its operands and writes its accumulators when the
// last of its four warps issues it. Until a warp has waited for its group, its
// registers are in flight and must not be touched; until one warp has, neither
// must the shared memory that it reads be written: a group completes for the
// warpgroup as a whole, so one warp's wait tells that its reads are over.
//
//===----------------------------------------------------------------------===//
#include "Forms.h"
#include "llvm/Support/FormatVariadic.h"

using namespace tilewright::sim;

namespace {

// ops: {d...}, a, b, scale-d [, imm-scale-a, imm-scale-b] [, tnspA] [, tnspB].
// aux: n; wide[0]: formats d | a << 8 | b << 16; wide[1]: flags.
enum Flag : uint32_t {
  TransA = 1,
  TransB = 2,
  NegateA = 4,
  NegateB = 8,
  Saturate = 16,
};

WgmmaShape shapeOf(const Inst &inst) {
  WgmmaShape shape;
  shape.d = Format(inst.wide[0] & 255);
  shape.a = Format(inst.wide[0] >> 8 & 255);
  shape.b = Format(inst.wide[0] >> 16 & 255);
  shape.n = inst.aux;
  shape.transA = inst.wide[1] & TransA;
  shape.transB = inst.wide[1] & TransB;
  shape.negateA = inst.wide[1] & NegateA;
  shape.negateB = inst.wide[1] & NegateB;
  shape.satfinite = inst.wide[1] & Saturate;
  return shape;
}

/// Executes `op`, whose four warps are there.
void execute(Warp &warp, WgmmaOp &op) {
  Cta &cta = warp.cta;
  const Inst &inst = *op.inst;
  WgmmaShape shape = shapeOf(inst);
  auto refuse = [&](llvm::Error error) {
    warp.report(Hazard::BadOperand, llvm::toString(std::move(error)));
  };
  bool fromRegisters = inst.ops[1].isVec();
  auto a = fromRegisters
               ? readFragmentA(shape, op.fragmentA)
               : readOperandA(shape, op.descriptors[0], cta.smem, &op.touched);
  if (!a)
    return refuse(a.takeError());
  auto b = readOperandB(shape, op.descriptors[1], cta.smem, &op.touched);
  if (!b)
    return refuse(b.takeError());
  if (auto conflict = cta.shadow.asyncReadBegin(op.touched, warp.machine.fences,
                                                /*checkInit=*/true))
    warp.reportConflict(cta, *conflict, "reads");
  op.reading = true;

  const auto &d = inst.ops[0].elems;
  unsigned first = warp.index / 4 * 4;
  std::vector<uint32_t> values(128 * d.size());
  for (unsigned w = 0; w < 4; ++w)
    for (size_t i = 0; i < d.size(); ++i) {
      const uint64_t *from = cta.warps[first + w]->reg(d[i].reg);
      for (unsigned l = 0; l < 32; ++l)
        values[(w * 32 + l) * d.size() + i] = from[l];
    }
  multiplyAccumulate(shape, *a, *b, op.scaleD, values,
                     warp.machine.options.accumulate);
  for (unsigned w = 0; w < 4; ++w)
    for (size_t i = 0; i < d.size(); ++i) {
      uint64_t *to = cta.warps[first + w]->reg(d[i].reg);
      for (unsigned l = 0; l < 32; ++l)
        to[l] = values[(w * 32 + l) * d.size() + i];
    }
}

/// Marks `reg` as belonging to operation `number` (from 1 on).
bool claim(Warp &warp, uint32_t reg, uint32_t number) {
  bool fenced = warp.stamps[reg] <= warp.wgmmaFence;
  warp.inFlightCount += warp.inFlight[reg] == 0;
  warp.inFlight[reg] = number;
  return fenced;
}

Step mmaStep(Warp &warp, const Inst &inst, uint32_t mask) {
  Cta &cta = warp.cta;
  if (mask != ~0u || (warp.index / 4 + 1) * 4 > cta.warps.size()) {
    warp.report(Hazard::Divergence,
                "a wgmma needs all threads of a whole warpgroup");
    return Step::Block;
  }
  WarpGroup &group = cta.groups[warp.index / 4];
  uint32_t index = warp.wgmmaNext++ - group.retired;
  if (index == group.ops.size())
    group.ops.emplace_back();
  WgmmaOp &op = group.ops[index];
  bool fromRegisters = inst.ops[1].isVec();
  std::array<uint64_t, 2> descriptors = {
      fromRegisters ? 0 : warp.get(inst.ops[1], 0), warp.get(inst.ops[2], 0)};
  bool scaleD = warp.test(inst.ops[3], 0);
  for (unsigned l = 1; l < 32; ++l)
    if ((!fromRegisters && warp.get(inst.ops[1], l) != descriptors[0]) ||
        warp.get(inst.ops[2], l) != descriptors[1] ||
        warp.test(inst.ops[3], l) != scaleD) {
      warp.report(Hazard::BadOperand,
                  "descriptors or scale-d differ between lanes");
      return Step::Block;
    }
  if (op.warpsIssued == 0) {
    op.inst = &inst;
    op.issued = warp.machine.time - 1;
    op.descriptors = descriptors;
    op.scaleD = scaleD;
    if (fromRegisters)
      op.fragmentA.resize(128 * 4);
  } else if (op.inst != &inst || op.descriptors != descriptors ||
             op.scaleD != scaleD) {
    warp.report(Hazard::Divergence,
                llvm::formatv(
                    "another warp of the warpgroup issued a different "
                    "wgmma: {0}, descriptors {1:x} {2:x}; here {3:x} "
                    "{4:x}",
                    warp.machine.program.where(op.inst->loc), op.descriptors[0],
                    op.descriptors[1], descriptors[0], descriptors[1]));
    return Step::Block;
  }
  // PTX ISA, wgmma.fence: needed before the first wgmma, and between an access
  // of a register, a read too, and a wgmma that has it. Accumulators may follow
  // each other in flight without it.
  bool fenced = warp.wgmmaFence != 0;
  uint32_t number = warp.wgmmaNext;
  if (fromRegisters)
    for (unsigned i = 0; i < inst.ops[1].elems.size(); ++i) {
      uint32_t reg = inst.ops[1].elems[i].reg;
      fenced &= claim(warp, reg, number);
      for (unsigned l = 0; l < 32; ++l)
        op.fragmentA[(warp.index % 4 * 32 + l) * 4 + i] = warp.reg(reg)[l];
    }
  for (const Operand &d : inst.ops[0].elems)
    fenced &= claim(warp, d.reg, number);
  if (!fenced)
    warp.report(Hazard::MissingWgmmaFence,
                "no wgmma.fence between the last use of one of its registers "
                "(or the kernel's begin) and this wgmma");
  if (++op.warpsIssued == 4)
    execute(warp, op);
  return Step::Next;
}

Step fenceStep(Warp &warp, const Inst &, uint32_t) {
  warp.wgmmaFence = warp.machine.time;
  return Step::Next;
}

Step commitStep(Warp &warp, const Inst &, uint32_t) {
  warp.wgmmaGroups.push_back(warp.wgmmaNext);
  return Step::Next;
}

/// Tells the timeline of the groups, up to operation `upTo`, that this warp is
/// the first to have waited for.
void recordGroups(const Warp &warp, const WarpGroup &group, uint32_t upTo) {
  Timeline *timeline = warp.cta.timeline.get();
  if (!timeline)
    return;
  uint32_t next = group.retired;
  for (uint32_t end : warp.wgmmaGroups) {
    if (end > upTo)
      break;
    const WgmmaOp *first = nullptr;
    unsigned count = 0;
    for (; next < end; ++next) {
      const WgmmaOp &op = group.ops[next - group.retired];
      if (!op.reading)
        continue;
      first = first ? first : &op;
      ++count;
    }
    if (first)
      timeline->multiplied(warp.index / 4, *first->inst, first->issued, count);
  }
}

Step waitStep(Warp &warp, const Inst &inst, uint32_t) {
  auto &groups = warp.wgmmaGroups;
  size_t keep = inst.ops[0].imm;
  if (groups.size() <= keep)
    return Step::Next;
  uint32_t upTo = groups[groups.size() - keep - 1]; // Operations 1 .. upTo.
  Cta &cta = warp.cta;
  WarpGroup &group = cta.groups[warp.index / 4];
  for (uint32_t i = group.retired; i < upTo; ++i)
    if (!group.ops[i - group.retired].complete())
      return warp.block({Wait::Wgmma, 0, 0, 0});
  recordGroups(warp, group, upTo);
  for (uint32_t i = group.retired; i < upTo; ++i) {
    WgmmaOp &op = group.ops[i - group.retired];
    if (op.reading) {
      cta.shadow.asyncReadEnd(op.touched);
      group.past.push_back({op.inst, i + 1, op.touched, {}});
    }
    op.reading = false;
  }
  for (PastRead &read : group.past)
    if (read.number <= upTo && !read.waited[warp.index % 4])
      read.waited[warp.index % 4] = warp.machine.time;
  // As many as a CTA's shared memory can hold operands of.
  while (group.past.size() > 256)
    group.past.pop_front();
  if (warp.inFlightCount)
    for (uint32_t &number : warp.inFlight)
      if (number && number <= upTo) {
        number = 0;
        --warp.inFlightCount;
      }
  groups.erase(groups.begin(), groups.end() - keep);
  // Operations that every warp has waited for are forgotten.
  uint32_t done = ~0u;
  unsigned first = warp.index / 4 * 4;
  for (unsigned w = first; w < first + 4 && w < cta.warps.size(); ++w) {
    const Warp &other = *cta.warps[w];
    done = std::min(done, other.wgmmaGroups.empty() ? other.wgmmaNext
                                                    : group.retired);
  }
  while (group.retired < done && !group.ops.empty() &&
         group.ops.front().complete() && !group.ops.front().reading) {
    group.ops.pop_front();
    ++group.retired;
  }
  return Step::Next;
}

} // namespace

bool tilewright::sim::decodeWgmma(Form &form, Inst &inst) {
  inst.together = Together::Full;
  inst.asyncRegisters = true;
  inst.numDefs = 0;
  llvm::StringRef what = form.takeFirst();
  if (!form.take("sync") || !form.take("aligned"))
    return false;
  size_t count = inst.ops.size();
  if (what == "fence" || what == "commit_group") {
    inst.handler = what == "fence" ? fenceStep : commitStep;
    return count == 0;
  }
  if (what == "wait_group") {
    inst.handler = waitStep;
    return count == 1 && inst.ops[0].isImm();
  }
  if (what != "mma_async")
    return false;
  bool satfinite = form.take("satfinite");
  if (form.mods.size() != 4)
    return false;
  llvm::StringRef size = form.takeFirst();
  auto d = parseFormat(form.takeFirst()), a = parseFormat(form.takeFirst()),
       b = parseFormat(form.takeFirst());
  unsigned n = 0, k = 0;
  if (!d || !a || !b || !size.consume_front("m64n") ||
      size.consumeInteger(10, n) || !size.consume_front("k") ||
      size.getAsInteger(10, k))
    return false;
  if (count < 4 || !inst.ops[0].isVec() || !inst.ops[2].isReg() ||
      !inst.ops[3].isReg())
    return false;
  bool fromRegisters = inst.ops[1].isVec();
  if (fromRegisters ? inst.ops[1].elems.size() != 4 : !inst.ops[1].isReg())
    return false;
  for (size_t i = 4; i < count; ++i)
    if (!inst.ops[i].isImm())
      return false;
  auto isWhole = [](const Operand &vector) {
    return llvm::all_of(vector.elems,
                        [](const Operand &elem) { return elem.isReg(); });
  };
  if (!isWhole(inst.ops[0]) || (fromRegisters && !isWhole(inst.ops[1])))
    return false;
  uint32_t flags = satfinite ? Saturate : 0;
  size_t next = 4;
  if (*d != Format::S32) {
    if (count < 6)
      return false;
    flags |= int32_t(inst.ops[4].imm) == -1 ? NegateA : 0;
    flags |= int32_t(inst.ops[5].imm) == -1 ? NegateB : 0;
    next = 6;
  }
  if (bitWidth(*a) == 16) {
    if (!fromRegisters) {
      if (next >= count)
        return false;
      flags |= inst.ops[next++].imm ? TransA : 0;
    }
    if (next >= count)
      return false;
    flags |= inst.ops[next++].imm ? TransB : 0;
  }
  inst.aux = n;
  inst.wide[0] = uint32_t(*d) | uint32_t(*a) << 8 | uint32_t(*b) << 16;
  inst.wide[1] = flags;
  inst.handler = mmaStep;
  WgmmaShape shape = shapeOf(inst);
  if (llvm::Error error = shape.check()) {
    llvm::consumeError(std::move(error));
    return false;
  }
  return next == count && k == shape.k() &&
         inst.ops[0].elems.size() == shape.registersD();
}
