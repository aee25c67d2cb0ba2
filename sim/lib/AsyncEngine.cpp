//===- AsyncEngine.cpp - Copies in flight ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Machine.h"

using namespace tilewright::sim;

bool BulkGroups::idle() const {
  auto done = [](const std::shared_ptr<AsyncOp> &op) { return op->done; };
  return llvm::all_of(open, done) && pending() == 0;
}

unsigned BulkGroups::pending() const {
  return llvm::count_if(committed, [](const auto &group) {
    return llvm::any_of(group, [](const auto &op) { return !op->done; });
  });
}

void AsyncEngine::complete(size_t i) {
  std::shared_ptr<AsyncOp> op = queue[i];
  queue.erase(queue.begin() + i);
  ++moves;
  Machine &machine = op->warp->machine;
  machine.copyIssuer = op->warp;
  machine.copyOrdered = op->ordered;
  op->complete();
  if (Timeline *timeline = machine.ctas[op->rank]->timeline.get())
    timeline->copied(*op);
  op->done = true;
}

bool AsyncEngine::arrivesAt(unsigned rank, uint32_t barrier) const {
  return llvm::any_of(queue, [&](const std::shared_ptr<AsyncOp> &op) {
    return op->isLoad && op->rank == rank && op->barrier == barrier;
  });
}

void AsyncEngine::recordUnfinished() const {
  for (const std::shared_ptr<AsyncOp> &op : queue)
    if (Timeline *timeline = op->warp->machine.ctas[op->rank]->timeline.get())
      timeline->copied(*op, "not completed");
}

void AsyncEngine::issue(std::shared_ptr<AsyncOp> op) {
  op->issued = op->warp->machine.time - 1;
  op->ordered = op->warp->afterGrids();
  ++moves;
  queue.push_back(std::move(op));
  if (schedule == Schedule::Earliest)
    complete(queue.size() - 1);
}

bool AsyncEngine::completeOne(
    llvm::function_ref<bool(const AsyncOp &)> isAwaited) {
  if (queue.empty())
    return false;
  size_t i = 0;
  if (schedule == Schedule::Random && !isLazy()) {
    i = random() % queue.size();
  } else {
    while (i < queue.size() && !isAwaited(*queue[i]))
      ++i;
    if (i == queue.size())
      i = 0;
  }
  complete(i);
  return true;
}

const AsyncOp *AsyncEngine::find(unsigned rank, uint32_t address,
                                 bool isLoad) const {
  for (const std::shared_ptr<AsyncOp> &op : queue)
    if (op->isLoad == isLoad && op->rank == rank &&
        address >= op->range.begin && address < op->range.end())
      return op.get();
  return nullptr;
}

bool AsyncEngine::turn() {
  if (schedule != Schedule::Random)
    return false;
  bool any = false;
  for (; !queue.empty() && random() % odds == 0; any = true)
    complete(random() % queue.size());
  return any;
}
