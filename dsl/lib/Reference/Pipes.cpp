//===- Pipes.cpp - processes that wait for each other ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"
#include "llvm/Support/SourceMgr.h"

using namespace llvm;
using namespace tilewright;
using namespace tilewright::reference;

std::string Machine::place(SMLoc loc) const {
  const SourceMgr *sources = problem.sources;
  if (!sources || !loc.isValid())
    return problem.kernel->name.str();
  unsigned buffer = sources->FindBufferContainingLoc(loc);
  if (!buffer)
    return problem.kernel->name.str();
  auto [line, column] = sources->getLineAndColumn(loc, buffer);
  return (sources->getMemoryBuffer(buffer)->getBufferIdentifier() + ":" +
          Twine(line) + ":" + Twine(column))
      .str();
}

bool Machine::fail(SMLoc loc, const Twine &text) {
  if (!hasFailed)
    message = place(loc) + ": " + text.str();
  hasFailed = true;
  wake.notify_all();
  return false;
}

void Machine::changed() {
  if (waiting == 0)
    return;
  ++epoch;
  waiting = 0;
  waits.clear();
  wake.notify_all();
}

bool Machine::waitUntil(function_ref<bool()> ready, SMLoc loc,
                        const Twine &what) {
  while (!hasFailed && !ready()) {
    std::string text;
    ++waiting;
    waits.push_back(place(loc) + ": " + what.str());
    if (waiting >= alive) {
      // Nobody is left to change anything. A pipe may hold more than it was
      // given: the language knows no bound here.
      if (budget < (size_t(1) << 34)) {
        budget *= 4;
        changed();
        continue;
      }
      text = "roles wait for each other:";
      for (const std::string &wait : waits)
        text += "\n  " + wait;
      return fail(loc, text);
    }
    std::unique_lock<std::mutex> lock(mutex, std::adopt_lock);
    uint64_t seen = epoch;
    wake.wait(lock, [&] { return epoch != seen || hasFailed; });
    lock.release(); // The process keeps the lock while it runs.
  }
  return !hasFailed;
}

PipeState &Machine::pipe(unsigned cta, const Pipe *pipe) {
  return pipes[cta][pipe];
}

SlotPtr Machine::beginPut(unsigned cta, const Pipe *pipe, unsigned role,
                          SMLoc loc) {
  PipeState &state = this->pipe(cta, pipe);
  int64_t index = state.puts[role];
  // Far ahead of its readers, a role lets them run: memory stays small.
  auto room = [&] {
    return state.bytes < budget || state.queue.size() < 2 ||
           index - state.base < int64_t(state.queue.size());
  };
  if (!waitUntil(room, loc, "room in pipe '" + pipe->name + "'"))
    return nullptr;
  ++state.puts[role];
  while (index - state.base >= int64_t(state.queue.size())) {
    state.queue.push_back(std::make_shared<SlotData>());
    state.queue.back()->fields.resize(pipe->fields.size());
  }
  return state.queue[index - state.base];
}

void Machine::endPut(unsigned cta, const Pipe *pipe, const SlotPtr &slot) {
  PipeState &state = this->pipe(cta, pipe);
  ++slot->contributions;
  size_t bytes = 4096; // Hollow slots too: control flow stays in step.
  for (const TilePtr &field : slot->fields)
    if (field)
      bytes += field->value.size() * 8 + field->magnitude.size() * 4;
  if (pipe->keys.empty()) {
    state.bytes += bytes - slot->bytes;
    slot->bytes = bytes;
    while (state.readers == 0 && !state.queue.empty() &&
           state.queue.front()->contributions >= state.writers) {
      state.bytes -= state.queue.front()->bytes;
      state.queue.pop_front();
      ++state.base;
    }
  }
  changed();
}

SlotPtr Machine::get(unsigned cta, const Pipe *pipe, unsigned role, SMLoc loc) {
  PipeState &state = this->pipe(cta, pipe);
  int64_t index = state.gets[role];
  auto full = [&] {
    return index - state.base < int64_t(state.queue.size()) &&
           state.queue[index - state.base]->contributions >= state.writers;
  };
  if (!waitUntil(full, loc, "a full slot of pipe '" + pipe->name + "'"))
    return nullptr;
  SlotPtr slot = state.queue[index - state.base];
  ++state.gets[role];
  int64_t least = index + 1;
  for (auto [reader, count] : state.gets)
    least = std::min(least, count);
  bool popped = false;
  while (state.base < least && !state.queue.empty()) {
    state.bytes -= state.queue.front()->bytes;
    state.queue.pop_front();
    ++state.base;
    popped = true;
  }
  if (popped)
    changed();
  return slot;
}

bool Machine::checkPipes() {
  for (auto &perCta : pipes)
    for (auto &[pipe, state] : perCta) {
      if (!pipe->keys.empty())
        continue;
      int64_t most = 0;
      for (auto [role, count] : state.puts)
        most = std::max(most, count);
      for (auto [role, count] : state.puts)
        if (count != most)
          return fail(pipe->loc, "role '" + problem.kernel->roles[role]->name +
                                     "' fills " + Twine(count) +
                                     " slots of pipe '" + pipe->name +
                                     "', another role " + Twine(most));
      for (auto [role, count] : state.gets)
        if (count != most && state.writers)
          return fail(pipe->loc, "role '" + problem.kernel->roles[role]->name +
                                     "' reads " + Twine(count) +
                                     " slots of pipe '" + pipe->name +
                                     "', which is filled " + Twine(most) +
                                     " times");
    }
  return true;
}
