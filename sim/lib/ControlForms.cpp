//===- ControlForms.cpp - Branches, exits, fences and hints ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MemoryForms.h"

using namespace tilewright::sim;

namespace {

Step trapStep(Warp &warp, const Inst &, uint32_t) {
  warp.report(Hazard::Trap, "the kernel stopped itself");
  return Step::Block;
}

Step proxyFenceStep(Warp &warp, const Inst &, uint32_t mask) {
  forLanes(mask, [&](unsigned l) {
    warp.machine.fences.fence(threadInCluster(warp, l), warp.machine.time,
                              warp.lastSync);
  });
  return Step::Next;
}

} // namespace

bool tilewright::sim::decodeControl(Form &form, Inst &inst) {
  inst.numDefs = 0;
  llvm::StringRef head = form.head;
  if (head == "bra") {
    form.take("uni");
    inst.isBranch = true;
    return inst.ops.size() == 1 && inst.ops[0].kind == Operand::Kind::Label;
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
  // Hints, and time. Launches follow each other whole, so what the previous
  // grid wrote is there, and the next one need not be told.
  inst.handler = nothing;
  if (head == "nanosleep")
    return form.take("u32") && areValues(inst, 0, 1);
  if (head == "griddepcontrol")
    return form.takeOneOf({"wait", "launch_dependents"}) >= 0 &&
           inst.ops.empty();
  if (head == "prefetch") {
    Space space;
    if (!takeSpace(form, space) || inst.ops.size() != 1)
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
  // that is not ordered; between proxies they are tracked.
  inst.handler = nothing;
  if (form.head == "membar")
    return form.takeOneOf({"cta", "gl", "sys"}) >= 0;
  if (form.take("mbarrier_init"))
    return form.take("release") && form.take("cluster");
  if (form.take("proxy")) {
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
  return form.takeOneOf({"cta", "cluster", "gpu", "sys"}) >= 0;
}
