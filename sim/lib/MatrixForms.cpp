//===- MatrixForms.cpp - ldmatrix and stmatrix ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MemoryForms.h"
#include "tilewright/Sim/MatrixMove.h"

using namespace tilewright::sim;

namespace {

// count: matrices; aux: generic addresses; wide[0]: .trans; wide[1]: a load.
Step matrixStep(Warp &warp, const Inst &inst, uint32_t mask) {
  bool isLoad = inst.wide[1];
  const Operand &at = inst.ops[isLoad ? 1 : 0];
  const Operand &data = inst.ops[isLoad ? 0 : 1];
  auto element = [&](unsigned i) -> const Operand & {
    return data.isVec() ? data.elems[i] : data;
  };
  std::array<uint32_t, 32> addresses = {};
  Place place;
  for (unsigned l = 0; l < 8u * inst.count; ++l) {
    if (!resolveAddress(warp, Space(inst.aux), warp.address(at, l), 16, l,
                        place))
      return Step::Next;
    addresses[l] = place.offset;
    if (!place.owner || place.owner != &warp.cta) {
      warp.report(Hazard::BadOperand, "an address outside of the CTA's shared "
                                      "memory");
      return Step::Next;
    }
  }
  Cta &cta = warp.cta;
  std::vector<uint32_t> registers(32 * inst.count);
  auto check = [&](llvm::Error error) {
    if (error)
      warp.report(Hazard::BadOperand, llvm::toString(std::move(error)));
  };
  if (isLoad) {
    for (unsigned l = 0; l < 8u * inst.count; ++l)
      if (auto conflict = cta.shadow.genericRead(
              addresses[l], 16, threadInCluster(warp, l), warp.machine.time))
        warp.reportConflict(cta, *conflict, "reads");
    check(
        loadMatrices(cta.smem, addresses, inst.count, inst.wide[0], registers));
    for (unsigned l = 0; l < 32; ++l)
      for (unsigned i = 0; i < inst.count; ++i)
        warp.set(element(i), l, registers[l * inst.count + i]);
  } else {
    for (unsigned l = 0; l < 32; ++l)
      for (unsigned i = 0; i < inst.count; ++i)
        registers[l * inst.count + i] = warp.get(element(i), l);
    // A row holds elements of four lanes; the one that gives its address
    // stands for all of them, which fence together or not at all.
    for (unsigned l = 0; l < 8u * inst.count; ++l)
      if (auto conflict = cta.shadow.genericWrite(
              addresses[l], 16, threadInCluster(warp, l), warp.machine.time))
        warp.reportConflict(cta, *conflict, "writes");
    check(storeMatrices(cta.smem, addresses, inst.count, inst.wide[0],
                        registers));
  }
  return Step::Next;
}

} // namespace

bool tilewright::sim::decodeMatrixMove(Form &form, Inst &inst) {
  bool isLoad = form.head == "ldmatrix";
  Space space;
  takeSpace(form, space);
  if (!form.take("sync") || !form.take("aligned") || !form.take("m8n8") ||
      (space != Space::Shared && space != Space::Generic) || !form.take("b16"))
    return false;
  int count = form.takeOneOf({"x1", "x2", "x4"});
  if (count < 0 || inst.ops.size() != 2)
    return false;
  inst.aux = uint32_t(space);
  inst.count = 1u << count;
  inst.wide[0] = form.take("trans");
  inst.wide[1] = isLoad;
  inst.numDefs = isLoad;
  inst.together = Together::Full;
  inst.handler = matrixStep;
  const Operand &data = inst.ops[isLoad ? 0 : 1];
  return inst.ops[isLoad ? 1 : 0].isMem() &&
         (data.isVec() ? data.elems.size() == inst.count
                       : data.isReg() && inst.count == 1);
}
