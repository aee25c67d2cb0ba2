//===- DependencyTrace.cpp - Global memory of launches that may overlap ---===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "DependencyTrace.h"

using namespace tilewright::sim;

void DependencyTrace::begin(bool programmatic, bool lastWaited) {
  if (!programmatic) {
    pages.clear();
    return;
  }
  for (auto &entry : pages)
    for (uint8_t &marks : *entry.second) {
      uint8_t older = lastWaited ? 0 : marks & (ReadBefore | WrittenBefore);
      marks = (marks & Read ? ReadBefore : 0) |
              (marks & Written ? WrittenBefore : 0) | older;
    }
}

DependencyTrace::Conflict DependencyTrace::access(uint64_t address,
                                                  uint64_t bytes, bool writes,
                                                  bool ordered) {
  Conflict conflict = Conflict::None;
  for (uint64_t a = address, end = address + bytes; a < end;) {
    std::unique_ptr<Page> &page = pages[a / 4096];
    if (!page)
      page = std::make_unique<Page>(Page{});
    for (; a < end; ++a) {
      uint8_t &marks = (*page)[a % 4096];
      if (!ordered && marks & WrittenBefore)
        conflict = Conflict::TouchesWritten;
      else if (!ordered && writes && marks & ReadBefore &&
               conflict == Conflict::None)
        conflict = Conflict::WritesRead;
      marks |= writes ? Written : Read;
      if (a % 4096 == 4095) {
        ++a;
        break;
      }
    }
  }
  return conflict;
}
