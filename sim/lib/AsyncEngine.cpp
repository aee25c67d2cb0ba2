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
  op->complete();
  op->done = true;
}

void AsyncEngine::issue(std::shared_ptr<AsyncOp> op) {
  queue.push_back(std::move(op));
  if (schedule == Schedule::Earliest)
    complete(queue.size() - 1);
}

bool AsyncEngine::completeOne() {
  if (queue.empty())
    return false;
  complete(schedule == Schedule::Random ? random() % queue.size() : 0);
  return true;
}

bool AsyncEngine::turn() {
  if (schedule != Schedule::Random)
    return false;
  bool any = false;
  for (; !queue.empty() && random() % 2; any = true)
    complete(random() % queue.size());
  return any;
}
