//===- Names.cpp - Warps and shared memory in words -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Names.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace tilewright::sim;

template <typename Entries, typename Covers>
static auto *findEntry(const Entries &entries, Covers covers) {
  auto it = llvm::find_if(entries, covers);
  return it == entries.end() ? nullptr : &*it;
}

const Symbols::Role *Names::role(unsigned warp) const {
  return findEntry(symbols.roles, [&](const Symbols::Role &role) {
    return warp >= role.first && warp < role.first + role.count;
  });
}

const Symbols::Barrier *Names::barrier(uint32_t address) const {
  return findEntry(symbols.barriers, [&](const Symbols::Barrier &barrier) {
    // PTX ISA, "mbarrier object": 8 bytes.
    return address >= base + barrier.offset &&
           address < base + barrier.offset + 8;
  });
}

const Symbols::Range *Names::range(uint32_t address) const {
  return findEntry(symbols.ranges, [&](const Symbols::Range &range) {
    return address >= base + range.offset &&
           address - base - range.offset < range.bytes;
  });
}

std::string Names::warps(llvm::ArrayRef<unsigned> warps) const {
  std::string text = warps.size() == 1 ? "warp " : "warps ";
  for (size_t i = 0, next; i < warps.size(); i = next) {
    for (next = i + 1;
         next < warps.size() && warps[next] == warps[next - 1] + 1;)
      ++next;
    text += (i ? ", " : "") + std::to_string(warps[i]);
    if (next - i > 1)
      text += "-" + std::to_string(warps[next - 1]);
  }
  const Symbols::Role *role = warps.empty() ? nullptr : this->role(warps[0]);
  return role ? "role " + role->name + " (" + text + ")" : text;
}

std::string Names::slot(llvm::StringRef owner, unsigned slot) {
  return llvm::formatv("slot {0} of {1}", slot, owner);
}

std::string Names::address(uint32_t address) const {
  if (const Symbols::Barrier *found = barrier(address))
    return llvm::formatv("the {0} barrier of {1}",
                         found->meaning == Symbols::Meaning::Full ? "full"
                                                                  : "free",
                         slot(found->owner, found->slot));
  if (const Symbols::Range *found = range(address))
    return llvm::formatv("field {0} of {1}", found->field,
                         slot(found->owner, found->slot));
  return "";
}

std::string Names::inBrackets(uint32_t at) const {
  std::string text = address(at);
  return text.empty() ? text : " (" + text + ")";
}

std::string tilewright::sim::plural(uint64_t count, llvm::StringRef what) {
  return llvm::formatv("{0} {1}{2}", count, what, count == 1 ? "" : "s");
}
