//===- ControlForms.cpp - Branches, exits, fences and hints ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MemoryForms.h"

using namespace tilewright::sim;

namespace {

Step trapStep(Warp &warp, const Inst &, uint32_t) {
  warp.report(Hazard::Trap, "the kernel stopped itself");
  return Step::Block;
}

// aux: a scope beyond the CTA.
Step fenceStep(Warp &warp, const Inst &inst, uint32_t mask) {
  warp.release(mask);
  if (inst.aux)
    warp.releaseToPeers(mask);
  return Step::Next;
}

Step initFenceStep(Warp &warp, const Inst &, uint32_t mask) {
  forLanes(mask, [&](unsigned l) {
    warp.machine.initFences.fence(threadInCluster(warp, l), warp.machine.time,
                                  0);
  });
  return Step::Next;
}

Step proxyFenceStep(Warp &warp, const Inst &, uint32_t mask) {
  forLanes(mask, [&](unsigned l) {
    warp.machine.fences.fence(threadInCluster(warp, l), warp.machine.time,
                              warp.lastSync);
  });
  return Step::Next;
}

// Launches follow each other whole, so what the one before wrote is there; that
// is noted for the accesses that must come behind.
Step waitForGridsStep(Warp &warp, const Inst &, uint32_t) {
  Machine &machine = warp.machine;
  warp.waitedForGrids = true;
  machine.ctasWaited += !std::exchange(warp.cta.waitedForGrids, true);
  if (!machine.gridsWaited)
    machine.gridsWaited = machine.time;
  return Step::Next;
}

/// A cache policy: 64 bits that mean something to the caches alone.
Step createPolicyStep(Warp &warp, const Inst &inst, uint32_t mask) {
  forLanes(mask, [&](unsigned l) { warp.set(inst.ops[0], l, 0); });
  return Step::Next;
}

} // namespace

bool tilewright::sim::decodeCreatePolicy(Form &form, Inst &inst) {
  inst.handler = createPolicyStep;
  if (!form.take("fractional") || !form.take("b64"))
    return false;
  auto priority = [&] {
    return form.takeOneOf({"L2::evict_last", "L2::evict_normal",
                           "L2::evict_first", "L2::evict_unchanged"}) >= 0;
  };
  bool primary = priority();
  priority(); // Of the rest, where the fraction is below 1.
  size_t count = inst.ops.size();
  return primary && (count == 1 || count == 2) && inst.ops[0].isReg() &&
         areValues(inst, 1, count - 1);
}

bool tilewright::sim::decodeControl(Form &form, Inst &inst) {
  inst.numDefs = 0;
  llvm::StringRef head = form.head;
  if (head == "bra") {
    form.take("uni");
    inst.isBranch = true;
    return inst.ops.size() == 1 && inst.ops[0].kind == Operand::Kind::Label;
  }
  if (head == "brx") {
    form.take("uni");
    inst.isBranch = true;
    return form.take("idx") && inst.ops.size() == 2 && inst.ops[0].isReg() &&
           !inst.targets.empty();
  }
  if (head == "ret" || head == "exit") {
    form.take("uni");
    inst.isExit = true;
    return inst.ops.empty();
  }
  if (head == "trap") {
    inst.handler = trapStep;
    return inst.ops.empty();
  }
  // Hints, and time. Launches follow each other whole, so the next one need
  // not be told.
  inst.handler = nothing;
  if (head == "nanosleep")
    return form.take("u32") && areValues(inst, 0, 1);
  if (head == "griddepcontrol") {
    if (form.take("wait"))
      inst.handler = waitForGridsStep;
    else if (!form.take("launch_dependents"))
      return false;
    return inst.ops.empty();
  }
  if (head == "prefetch") {
    Space space;
    takeSpace(form, space);
    if (inst.ops.size() != 1)
      return false;
    return form.takeOneOf({"tensormap", "L1", "L2"}) >= 0;
  }
  return false;
}

bool tilewright::sim::decodeFence(Form &form, Inst &inst) {
  inst.numDefs = 0;
  if (!inst.ops.empty())
    return false;
  // Warps execute one after the other on one memory, so fences order nothing
  // that is not ordered; that they are there is noted.
  inst.handler = fenceStep;
  if (form.head == "membar") {
    int scope = form.takeOneOf({"cta", "gl", "sys"});
    inst.aux = scope > 0;
    return scope >= 0;
  }
  if (form.take("mbarrier_init")) {
    inst.handler = initFenceStep;
    return form.take("release") && form.take("cluster");
  }
  if (form.take("proxy")) {
    inst.handler = nothing;
    if (form.take("alias"))
      return true;
    int space = form.takeOneOf({"async", "async::generic"});
    if (space != 0)
      return false;
    if (!form.take("global"))
      inst.handler = proxyFenceStep;
    form.takeOneOf({"shared::cta", "shared::cluster"});
    return true;
  }
  form.takeOneOf({"acq_rel", "sc", "acquire", "release"});
  int scope = form.takeOneOf({"cta", "cluster", "gpu", "sys"});
  inst.aux = scope > 0;
  return scope >= 0;
}
