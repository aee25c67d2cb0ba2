//===- Timeline.cpp - Records what a CTA does -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Timeline.h"
#include "Machine.h"
#include "llvm/Support/FormatVariadic.h"

using namespace tilewright::sim;

Timeline::Timeline(const Cta &cta, uint64_t maxEvents)
    : cta(cta), maxEvents(maxEvents), warps(cta.warps.size()) {
  trace.cta = cta.linear;
  auto addTrack = [&](std::string name, bool overlaps) {
    trace.tracks.push_back({std::move(name), overlaps});
    return unsigned(trace.tracks.size() - 1);
  };
  // Track w is warp w.
  for (unsigned warp = 0; warp < warps.size(); ++warp)
    addTrack(names().warps(warp), false);
  for (const Symbols::Barrier &barrier : cta.machine.launch.symbols.barriers) {
    auto [it, isNew] =
        slots.try_emplace(std::make_pair(barrier.owner, barrier.slot));
    if (isNew)
      it->second.track =
          addTrack(Names::slot(barrier.owner, barrier.slot), false);
  }
  copyTrack = addTrack("bulk copies", true);
  firstGroupTrack = unsigned(trace.tracks.size());
  if (cta.machine.program.usesWgmma)
    for (unsigned group = 0; group * 4 < warps.size(); ++group)
      addTrack(llvm::formatv("tensor cores of warps {0}-{1}", group * 4,
                             group * 4 + 3),
               true);
}

uint64_t Timeline::now() const { return cta.machine.time - 1; }
const Names &Timeline::names() const { return cta.machine.names; }

void Timeline::add(TraceEvent event) {
  if (trace.events.size() >= maxEvents) {
    trace.isCut = true;
    return;
  }
  trace.events.push_back(std::move(event));
}

//===----------------------------------------------------------------------===//
// Warps
//===----------------------------------------------------------------------===//

void Timeline::executed(const Warp &warp, const Inst &inst) {
  WarpState &state = warps[warp.index];
  if (!state.isRunning) {
    endWait(state, warp.index);
    state.isRunning = true;
    // The instruction has been counted.
    state.since = now() - 1;
    state.first = &inst;
    state.lines.clear();
  }
  state.last = &inst;
  auto &line = state.lines[{inst.loc.file, inst.loc.line}];
  ++line.first;
  line.second = &inst;
}

void Timeline::endRun(WarpState &state, unsigned warp) {
  const Program &program = cta.machine.program;
  std::pair<uint64_t, const Inst *> most;
  for (auto &[key, line] : state.lines)
    if (line.first > most.first)
      most = line;
  if (most.second)
    add({warp, state.since, now(), "run " + program.source(most.second->loc),
         program.source(state.first->loc) + " to " +
             program.source(state.last->loc),
         ""});
  state.isRunning = false;
}

void Timeline::endWait(WarpState &state, unsigned warp) {
  // A wait that ended before another instruction was executed is none.
  if (!state.waitsFor.empty() && state.since + 1 < now())
    add({warp, state.since, now() - 1, state.waitsFor, state.waitsAt, ""});
  state.waitsFor.clear();
}

void Timeline::blocked(const Warp &warp) {
  WarpState &state = warps[warp.index];
  if (state.isRunning)
    endRun(state, warp.index);
  else if (!state.waitsFor.empty() || state.isDone)
    return;
  state.isDone = warp.finished();
  if (state.isDone)
    return;
  const Path *path = &warp.paths[0];
  for (const Path &other : warp.paths)
    if (path->wait.kind == Wait::Lanes)
      path = &other;
  state.since = now();
  state.waitsFor = cta.machine.describeWait(*path);
  state.waitsAt =
      cta.machine.program.source(cta.machine.program.code[path->pc].loc);
}

//===----------------------------------------------------------------------===//
// Slots
//===----------------------------------------------------------------------===//

Timeline::SlotTrack *Timeline::slotOf(uint32_t address, bool &isFull) {
  const Symbols::Barrier *barrier = names().barrier(address);
  if (!barrier)
    return nullptr;
  isFull = barrier->meaning == Symbols::Meaning::Full;
  return &slots.at({barrier->owner, barrier->slot});
}

void Timeline::change(SlotTrack &slot, SlotState state) {
  static const char *const words[] = {"free", "filling", "full", "being read"};
  if (slot.since < now())
    add({slot.track, slot.since, now(), words[unsigned(slot.state)], "", ""});
  slot.since = now();
  slot.state = state;
}

void Timeline::passed(uint32_t address) {
  bool isFull;
  SlotTrack *slot = slotOf(address, isFull);
  if (!slot)
    return;
  if (isFull && slot->state == SlotState::Full)
    change(*slot, SlotState::Read);
  if (!isFull && slot->state == SlotState::Free)
    change(*slot, SlotState::Filling);
}

void Timeline::completed(uint32_t address) {
  bool isFull;
  if (SlotTrack *slot = slotOf(address, isFull))
    change(*slot, isFull ? SlotState::Full : SlotState::Free);
}

//===----------------------------------------------------------------------===//
// Asynchronous work
//===----------------------------------------------------------------------===//

void Timeline::copied(const AsyncOp &op, const char *note) {
  std::string place = names().address(op.range.begin);
  if (place.empty())
    place = llvm::formatv("{0}", op.range.begin);
  std::string bytes = plural(op.range.size, "byte");
  add({copyTrack, op.issued, now(),
       (op.isLoad ? "load to " : "store from ") + place,
       cta.machine.program.source(op.inst->loc),
       *note ? bytes + ", " + note : bytes});
}

void Timeline::multiplied(unsigned group, const Inst &first, uint64_t begin,
                          unsigned count) {
  add({firstGroupTrack + group, begin, now(), llvm::formatv("{0} wgmma", count),
       cta.machine.program.source(first.loc), first.opcode});
}

CtaTrace Timeline::finish() {
  trace.name = cta.machine.describe(cta);
  for (auto [index, state] : llvm::enumerate(warps)) {
    if (state.isRunning)
      endRun(state, index);
    else if (!state.waitsFor.empty())
      add({unsigned(index), state.since, std::max(now(), state.since + 1),
           state.waitsFor, state.waitsAt, "until the end"});
  }
  for (auto &[key, slot] : slots)
    change(slot, slot.state);
  return std::move(trace);
}
