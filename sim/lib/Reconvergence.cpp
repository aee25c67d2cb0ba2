//===- Reconvergence.cpp - Where diverged lanes meet again ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The immediate post-dominator of every branch, where the hardware's compiler
// puts the reconvergence barrier too.
//
//===----------------------------------------------------------------------===//
#include "tilewright/Sim/Program.h"
#include "llvm/ADT/SmallVector.h"
#include <algorithm>

using namespace tilewright::sim;

void tilewright::sim::findReconvergence(Program &program) {
  // Nodes are instructions; node `size` is the exit. Programs have a few
  // thousand instructions, so basic blocks are not worth their bookkeeping.
  size_t size = program.code.size();
  std::vector<llvm::SmallVector<uint32_t, 2>> successors(size), preds(size + 1);
  for (size_t i = 0; i < size; ++i) {
    const Inst &inst = program.code[i];
    for (uint32_t target : inst.targets)
      successors[i].push_back(target);
    if (inst.isBranch && inst.targets.empty())
      successors[i].push_back(inst.ops[0].imm);
    // Lanes that leave at a guarded exit are not waited for, so the others may
    // still meet behind it.
    if (inst.isExit && inst.guard == NoRegister)
      successors[i].push_back(size);
    bool fallsThrough =
        (!inst.isBranch && !inst.isExit) || inst.guard != NoRegister;
    if (fallsThrough)
      successors[i].push_back(std::min(i + 1, size));
    for (uint32_t s : successors[i])
      preds[s].push_back(i);
  }
  // Post-order of the reversed graph from the exit; then the iteration of
  // Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm".
  std::vector<uint32_t> order, number(size + 1, NoRegister);
  std::vector<std::pair<uint32_t, uint32_t>> stack = {{size, 0}};
  std::vector<bool> seen(size + 1);
  seen[size] = true;
  while (!stack.empty()) {
    auto &[node, next] = stack.back();
    if (next < preds[node].size()) {
      uint32_t pred = preds[node][next++];
      if (!seen[pred]) {
        seen[pred] = true;
        stack.push_back({pred, 0});
      }
      continue;
    }
    number[node] = order.size();
    order.push_back(node);
    stack.pop_back();
  }
  std::vector<uint32_t> idom(size + 1, NoRegister);
  idom[size] = size;
  bool changed = true;
  while (changed) {
    changed = false;
    for (auto it = order.rbegin(); it != order.rend(); ++it) {
      uint32_t node = *it;
      if (node == size)
        continue;
      uint32_t best = NoRegister;
      for (uint32_t s : successors[node]) {
        if (idom[s] == NoRegister)
          continue;
        if (best == NoRegister) {
          best = s;
          continue;
        }
        uint32_t a = best, b = s;
        while (a != b) {
          while (number[a] < number[b])
            a = idom[a];
          while (number[b] < number[a])
            b = idom[b];
        }
        best = a;
      }
      if (best != NoRegister && idom[node] != best) {
        idom[node] = best;
        changed = true;
      }
    }
  }
  for (size_t i = 0; i < size; ++i)
    if (program.code[i].isBranch && idom[i] != size)
      program.code[i].reconvergence = idom[i];
}
