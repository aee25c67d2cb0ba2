//===- FragmentProperties.cpp - coverage, replication, reductions ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Support/FragmentLayout.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace tilewright;

//===----------------------------------------------------------------------===//
// Properties
//===----------------------------------------------------------------------===//

namespace {
/// Digit extents with the strides of all axes, threads before registers.
struct AllDigits {
  llvm::SmallVector<int64_t, 8> extents;
  llvm::SmallVector<llvm::SmallVector<int64_t, 3>, 8> strides;
};
} // namespace

static AllDigits collect(const FragmentLayout &layout) {
  AllDigits all;
  for (auto [d, extent] : llvm::enumerate(layout.threadShape())) {
    all.extents.push_back(extent);
    all.strides.emplace_back();
    for (const FragmentLayout::Axis &axis : layout.axes())
      all.strides.back().push_back(axis.threadStrides[d]);
  }
  for (auto [d, extent] : llvm::enumerate(layout.registerShape())) {
    all.extents.push_back(extent);
    all.strides.emplace_back();
    for (const FragmentLayout::Axis &axis : layout.axes())
      all.strides.back().push_back(axis.registerStrides[d]);
  }
  return all;
}

bool FragmentLayout::covers() const {
  // A set of digits reaches every number below its extent once exactly if,
  // sorted by stride, the strides are the running products of the extents.
  // A digit that moves two axes moves along a diagonal: no box is covered.
  AllDigits all = collect(*this);
  for (size_t d = 0; d < all.extents.size(); ++d)
    if (all.extents[d] > 1 &&
        llvm::count_if(all.strides[d], [](int64_t s) { return s != 0; }) > 1)
      return false;
  for (size_t a = 0; a < axisList.size(); ++a) {
    llvm::SmallVector<std::pair<int64_t, int64_t>, 8> digits;
    for (size_t d = 0; d < all.extents.size(); ++d)
      if (all.extents[d] > 1 && all.strides[d][a] != 0)
        digits.push_back({all.strides[d][a], all.extents[d]});
    llvm::sort(digits);
    int64_t weight = 1;
    for (auto [stride, extent] : digits) {
      if (stride != weight)
        return false;
      weight *= extent;
    }
  }
  return true;
}

int64_t FragmentLayout::replication() const {
  AllDigits all = collect(*this);
  int64_t copies = 1;
  for (size_t d = 0; d < all.extents.size(); ++d)
    if (llvm::all_of(all.strides[d], [](int64_t s) { return s == 0; }))
      copies *= all.extents[d];
  return copies;
}

bool FragmentLayout::isReplicatedOverThreads() const {
  return !replicaDigits().empty();
}

bool FragmentLayout::isReplicatedOverRegisters() const {
  for (size_t d = 0; d < regs.size(); ++d)
    if (regs[d] > 1 && llvm::all_of(axisList, [&](const Axis &axis) {
          return axis.registerStrides[d] == 0;
        }))
      return true;
  return false;
}

llvm::SmallVector<FragmentLayout::Term, 4>
FragmentLayout::replicaDigits() const {
  llvm::SmallVector<Term, 4> result;
  int64_t divisor = 1, total = numThreads();
  for (size_t d = 0; d < threads.size(); ++d) {
    if (threads[d] > 1 && llvm::all_of(axisList, [&](const Axis &axis) {
          return axis.threadStrides[d] == 0;
        }))
      result.push_back({divisor, threads[d], 0, divisor * threads[d] == total});
    divisor *= threads[d];
  }
  return result;
}

static constexpr int64_t warpSize = 32;

std::optional<llvm::SmallVector<int64_t, 5>>
FragmentLayout::reductionLanes(llvm::StringRef axis) const {
  llvm::SmallVector<int64_t, 5> lanes;
  for (const Term &term : threadPart(axis)) {
    if (term.divisor >= warpSize)
      continue;
    if (!llvm::isPowerOf2_64(term.divisor) ||
        !llvm::isPowerOf2_64(term.modulus))
      return std::nullopt;
    for (int64_t lane = term.divisor;
         lane < term.divisor * term.modulus && lane < warpSize; lane *= 2)
      lanes.push_back(lane);
  }
  return lanes;
}

bool FragmentLayout::spansWarps(llvm::StringRef axis) const {
  return llvm::any_of(threadPart(axis), [](const Term &term) {
    return term.divisor * term.modulus > warpSize;
  });
}

int64_t FragmentLayout::vectorWidth(llvm::StringRef axis) const {
  const Axis *a = find(axis);
  if (!a)
    return 1;
  int64_t width = 1;
  for (size_t d = 0; d < regs.size(); ++d) {
    if (regs[d] == 1)
      continue;
    if (a->registerStrides[d] != width)
      break;
    bool others = llvm::any_of(axisList, [&](const Axis &other) {
      return other.name != axis && other.registerStrides[d] != 0;
    });
    if (others)
      break;
    width *= regs[d];
  }
  return width;
}

void FragmentLayout::print(llvm::raw_ostream &os) const {
  auto list = [&](llvm::ArrayRef<int64_t> values) {
    os << '[';
    llvm::interleaveComma(values, os);
    os << ']';
  };
  os << "threads ";
  list(threads);
  os << " regs ";
  list(regs);
  for (const Axis &axis : axisList) {
    os << ' ' << axis.name << ": threads ";
    list(axis.threadStrides);
    os << " regs ";
    list(axis.registerStrides);
  }
}

std::string FragmentLayout::str() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  print(os);
  return text;
}
