//===- FragmentLayout.cpp - algebra of register layouts -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Support/FragmentLayout.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <numeric>

using namespace tilewright;

using Digits = FragmentLayout::Digits;

static llvm::Error error(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

static int64_t product(llvm::ArrayRef<int64_t> shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t(1),
                         std::multiplies<int64_t>());
}

/// Σ digit * stride of `index` in mixed radix `shape`.
static int64_t dot(llvm::ArrayRef<int64_t> shape,
                   llvm::ArrayRef<int64_t> strides, int64_t index) {
  int64_t sum = 0;
  for (auto [extent, stride] : llvm::zip_equal(shape, strides)) {
    sum += index % extent * stride;
    index /= extent;
  }
  return sum;
}

//===----------------------------------------------------------------------===//
// Construction
//===----------------------------------------------------------------------===//

llvm::Expected<FragmentLayout>
FragmentLayout::get(llvm::ArrayRef<int64_t> threadShape,
                    llvm::ArrayRef<int64_t> regShape,
                    llvm::ArrayRef<Axis> axes) {
  for (llvm::ArrayRef<int64_t> shape : {threadShape, regShape})
    for (int64_t extent : shape)
      if (extent < 1)
        return error("a digit of a fragment layout has extent " +
                     llvm::Twine(extent));
  FragmentLayout layout;
  layout.threads.assign(threadShape.begin(), threadShape.end());
  layout.regs.assign(regShape.begin(), regShape.end());
  layout.axisList.assign(axes.begin(), axes.end());
  llvm::sort(layout.axisList,
             [](const Axis &a, const Axis &b) { return a.name < b.name; });
  for (auto [i, axis] : llvm::enumerate(layout.axisList)) {
    if (axis.name.empty())
      return error("an axis of a fragment layout has no name");
    if (i > 0 && layout.axisList[i - 1].name == axis.name)
      return error("axis '" + axis.name + "' occurs twice");
    if (axis.threadStrides.size() != threadShape.size() ||
        axis.registerStrides.size() != regShape.size())
      return error("axis '" + axis.name + "' has " +
                   llvm::Twine(axis.threadStrides.size()) + " and " +
                   llvm::Twine(axis.registerStrides.size()) + " strides for " +
                   llvm::Twine(threadShape.size()) + " thread and " +
                   llvm::Twine(regShape.size()) + " register digits");
    for (const Digits *strides : {&axis.threadStrides, &axis.registerStrides})
      for (int64_t stride : *strides)
        if (stride < 0)
          return error("axis '" + axis.name + "' has a negative stride");
  }
  return layout;
}

llvm::Expected<FragmentLayout>
FragmentLayout::wgmmaAccumulator(llvm::StringRef axisM, llvm::StringRef axisN,
                                 int64_t m, int64_t n) {
  if (m < 64 || m % 64 != 0)
    return error("the M side of a warpgroup's matrix product has extent " +
                 llvm::Twine(m) + ", which is not a multiple of 64");
  if (n < 8 || n % 8 != 0)
    return error("the N side of a matrix product has extent " + llvm::Twine(n) +
                 ", which is not a multiple of 8");
  Digits regs = {2, 2, n / 8, m / 64};
  Axis axisOfM{axisM.str(), {0, 1, 16}, {0, 8, 0, 64}};
  Axis axisOfN{axisN.str(), {2, 0, 0}, {1, 0, 8, 0}};
  return get({4, 8, 4}, regs, {axisOfM, axisOfN});
}

llvm::Expected<FragmentLayout>
FragmentLayout::wgmmaOperandA(llvm::StringRef axisM, llvm::StringRef axisK,
                              int64_t m, int64_t k, unsigned elementBits) {
  if (elementBits != 8 && elementBits != 16 && elementBits != 32)
    return error("wgmma takes no operand of " + llvm::Twine(elementBits) +
                 "-bit elements from registers");
  int64_t packed = 32 / elementBits; // elements of one 32-bit register
  int64_t step = 8 * packed;         // K of one instruction
  if (m < 64 || m % 64 != 0)
    return error("the M side of a warpgroup's matrix product has extent " +
                 llvm::Twine(m) + ", which is not a multiple of 64");
  if (k < step || k % step != 0)
    return error("the K extent " + llvm::Twine(k) +
                 " of a register operand is not a multiple of " +
                 llvm::Twine(step));
  // Register r of the instruction: rows + 8*(r % 2), columns + half a step
  // *(r / 2); a register packs `packed` consecutive K elements.
  Digits regs;
  Axis axisOfM{axisM.str(), {0, 1, 16}, {}};
  Axis axisOfK{axisK.str(), {packed, 0, 0}, {}};
  auto addDigit = [&](int64_t extent, int64_t strideM, int64_t strideK) {
    regs.push_back(extent);
    axisOfM.registerStrides.push_back(strideM);
    axisOfK.registerStrides.push_back(strideK);
  };
  if (packed > 1)
    addDigit(packed, 0, 1);
  addDigit(2, 8, 0);
  addDigit(2, 0, 4 * packed);
  addDigit(k / step, 0, step);
  addDigit(m / 64, 64, 0);
  return get({4, 8, 4}, regs, {axisOfM, axisOfK});
}

llvm::Expected<FragmentLayout>
FragmentLayout::elementwise1D(llvm::StringRef axis, int64_t extent,
                              int64_t threads, int64_t maxVector) {
  if (extent < 1 || threads < 1 || maxVector < 1)
    return error("elementwise layout of extent " + llvm::Twine(extent) +
                 " over " + llvm::Twine(threads) + " threads, vectors of " +
                 llvm::Twine(maxVector));
  if (extent < threads && threads % extent == 0)
    return get({extent, threads / extent}, {1}, {{axis.str(), {1, 0}, {0}}});
  int64_t vector = 1;
  while (vector * 2 <= maxVector && extent % (vector * 2) == 0 &&
         extent / (vector * 2) >= threads)
    vector *= 2;
  int64_t rounds = (extent + threads * vector - 1) / (threads * vector);
  return get({threads}, {vector, rounds},
             {{axis.str(), {vector}, {1, threads * vector}}});
}

llvm::Expected<FragmentLayout> FragmentLayout::elementwise(
    llvm::ArrayRef<std::pair<std::string, int64_t>> axes, int64_t threads,
    int64_t maxVector) {
  if (axes.empty() || threads < 1 || maxVector < 1)
    return error("elementwise layout of " + llvm::Twine(axes.size()) +
                 " axes over " + llvm::Twine(threads) + " threads");
  for (const auto &[name, extent] : axes)
    if (extent < 1)
      return error("axis '" + name + "' has extent " + llvm::Twine(extent));

  int64_t total = 1;
  for (const auto &entry : axes)
    total *= entry.second;
  int64_t inner = axes.back().second;
  int64_t vector = 1;
  while (vector * 2 <= maxVector && inner % (vector * 2) == 0 &&
         total / (vector * 2) >= threads)
    vector *= 2;

  // Digits as (extent, axis position, stride), innermost axis first.
  struct Digit {
    int64_t extent;
    size_t axis;
    int64_t stride;
  };
  llvm::SmallVector<Digit, 4> threadDigits, regDigits;
  regDigits.push_back({vector, axes.size() - 1, 1});
  int64_t left = threads;
  for (size_t i = axes.size(); i-- > 0;) {
    int64_t stride = i + 1 == axes.size() ? vector : 1;
    int64_t extent = axes[i].second / stride;
    int64_t share = std::gcd(extent, left);
    threadDigits.push_back({share, i, stride});
    regDigits.push_back({extent / share, i, stride * share});
    left /= share;
  }
  if (left > 1)
    threadDigits.push_back({left, 0, 0});

  Digits threadShape, regShape;
  llvm::SmallVector<Axis, 4> result;
  for (const auto &entry : axes)
    result.push_back({entry.first, {}, {}});
  auto fill = [&](llvm::ArrayRef<Digit> digits, Digits &shape,
                  Digits Axis::*strides) {
    for (const Digit &digit : digits) {
      if (digit.extent == 1)
        continue;
      shape.push_back(digit.extent);
      for (size_t i = 0; i < result.size(); ++i)
        (result[i].*strides).push_back(i == digit.axis ? digit.stride : 0);
    }
  };
  fill(threadDigits, threadShape, &Axis::threadStrides);
  fill(regDigits, regShape, &Axis::registerStrides);
  return get(threadShape, regShape, result);
}

//===----------------------------------------------------------------------===//
// Shape and coordinates
//===----------------------------------------------------------------------===//

const FragmentLayout::Axis *FragmentLayout::find(llvm::StringRef axis) const {
  for (const Axis &candidate : axisList)
    if (candidate.name == axis)
      return &candidate;
  return nullptr;
}

int64_t FragmentLayout::numThreads() const { return product(threads); }
int64_t FragmentLayout::numRegisters() const { return product(regs); }

int64_t FragmentLayout::extent(llvm::StringRef axis) const {
  const Axis *a = find(axis);
  int64_t last = 0;
  if (a) {
    for (auto [extent, stride] : llvm::zip_equal(threads, a->threadStrides))
      last += (extent - 1) * stride;
    for (auto [extent, stride] : llvm::zip_equal(regs, a->registerStrides))
      last += (extent - 1) * stride;
  }
  return last + 1;
}

int64_t FragmentLayout::coordinate(llvm::StringRef axis, int64_t thread,
                                   int64_t reg) const {
  const Axis *a = find(axis);
  return a ? dot(threads, a->threadStrides, thread) +
                 dot(regs, a->registerStrides, reg)
           : 0;
}

llvm::SmallVector<FragmentLayout::Term, 4>
FragmentLayout::threadPart(llvm::StringRef axis) const {
  llvm::SmallVector<Term, 4> terms;
  const Axis *a = find(axis);
  if (!a)
    return terms;
  int64_t divisor = 1, total = numThreads();
  for (auto [extent, stride] : llvm::zip_equal(threads, a->threadStrides)) {
    if (stride != 0 && extent > 1)
      terms.push_back({divisor, extent, stride, divisor * extent == total});
    divisor *= extent;
  }
  return terms;
}

int64_t FragmentLayout::registerPart(llvm::StringRef axis, int64_t reg) const {
  const Axis *a = find(axis);
  return a ? dot(regs, a->registerStrides, reg) : 0;
}

//===----------------------------------------------------------------------===//
// Derived layouts
//===----------------------------------------------------------------------===//

FragmentLayout
FragmentLayout::project(llvm::ArrayRef<llvm::StringRef> axesToKeep) const {
  FragmentLayout result;
  result.threads = threads;
  for (const Axis &axis : axisList)
    if (llvm::is_contained(axesToKeep, axis.name))
      result.axisList.push_back({axis.name, axis.threadStrides, {}});
  for (size_t d = 0; d < regs.size(); ++d) {
    bool moves = llvm::any_of(result.axisList, [&](const Axis &kept) {
      return find(kept.name)->registerStrides[d] != 0;
    });
    if (!moves)
      continue;
    result.regs.push_back(regs[d]);
    for (Axis &kept : result.axisList)
      kept.registerStrides.push_back(find(kept.name)->registerStrides[d]);
  }
  return result;
}

std::optional<llvm::SmallVector<int64_t>>
FragmentLayout::registerMap(const FragmentLayout &projected) const {
  if (numThreads() != projected.numThreads())
    return std::nullopt;
  // Thread parts must agree in every thread: compare the layouts of threads
  // alone, which simplified() makes canonical.
  auto threadsOnly = [](const FragmentLayout &layout,
                        llvm::ArrayRef<Axis> keep) {
    FragmentLayout result;
    result.threads = layout.threads;
    for (const Axis &axis : keep)
      if (const Axis *own = layout.find(axis.name))
        result.axisList.push_back({own->name, own->threadStrides, {}});
    return result.simplified();
  };
  for (const Axis &axis : projected.axisList)
    if (!find(axis.name))
      return std::nullopt;
  if (threadsOnly(*this, projected.axisList) !=
      threadsOnly(projected, projected.axisList))
    return std::nullopt;

  auto offsets = [&](const FragmentLayout &layout, int64_t reg) {
    llvm::SmallVector<int64_t, 4> result;
    for (const Axis &axis : projected.axisList)
      result.push_back(layout.registerPart(axis.name, reg));
    return result;
  };
  // Sorted table of the projected registers; the first of equals wins.
  using Entry = std::pair<llvm::SmallVector<int64_t, 4>, int64_t>;
  llvm::SmallVector<Entry> table;
  for (int64_t reg = 0, e = projected.numRegisters(); reg < e; ++reg)
    table.push_back({offsets(projected, reg), reg});
  llvm::sort(table);
  llvm::SmallVector<int64_t> map;
  for (int64_t reg = 0, e = numRegisters(); reg < e; ++reg) {
    auto key = offsets(*this, reg);
    const auto *it =
        llvm::lower_bound(table, key, [](const Entry &entry, const auto &k) {
          return entry.first < k;
        });
    if (it == table.end() || it->first != key)
      return std::nullopt;
    map.push_back(it->second);
  }
  return map;
}

/// Splits digit `d` of `shape` at weight `low`: extent e becomes (low, e/low).
static void splitDigit(Digits &shape, size_t d, int64_t low,
                       llvm::MutableArrayRef<FragmentLayout::Axis> axes,
                       Digits FragmentLayout::Axis::*strides) {
  int64_t high = shape[d] / low;
  shape[d] = low;
  shape.insert(shape.begin() + d + 1, high);
  for (FragmentLayout::Axis &axis : axes) {
    Digits &s = axis.*strides;
    s.insert(s.begin() + d + 1, s[d] * low);
  }
}

llvm::Expected<FragmentLayout> FragmentLayout::splitAxis(
    llvm::StringRef axis,
    llvm::ArrayRef<std::pair<std::string, int64_t>> outerToInner) const {
  if (!find(axis))
    return error("no axis '" + axis + "' to split");
  int64_t total = 1;
  for (const auto &[name, extent] : outerToInner) {
    if (extent < 1)
      return error("axis '" + name + "' has extent " + llvm::Twine(extent));
    total *= extent;
  }
  if (total != extent(axis))
    return error("axis '" + axis + "' has extent " + llvm::Twine(extent(axis)) +
                 ", its parts have " + llvm::Twine(total));

  FragmentLayout result = *this;
  // Cut digits at every boundary between parts, innermost boundary first.
  int64_t boundary = 1;
  for (const auto &part : llvm::drop_end(llvm::reverse(outerToInner))) {
    boundary *= part.second;
    auto cut = [&](Digits &shape, Digits Axis::*strides) -> bool {
      for (size_t d = 0; d < shape.size(); ++d) {
        int64_t stride = ((*result.find(axis)).*strides)[d];
        if (stride == 0 || stride >= boundary || stride * shape[d] <= boundary)
          continue;
        int64_t low = boundary / stride;
        if (boundary % stride != 0 || shape[d] % low != 0)
          return false;
        splitDigit(shape, d, low, result.axisList, strides);
        ++d;
      }
      return true;
    };
    if (!cut(result.threads, &Axis::threadStrides) ||
        !cut(result.regs, &Axis::registerStrides))
      return error("axis '" + axis + "' cannot be split at " +
                   llvm::Twine(boundary) +
                   ": a digit of the layout crosses it");
  }

  const Axis whole = *result.find(axis);
  llvm::SmallVector<Axis, 4> axes;
  for (const Axis &other : result.axisList)
    if (other.name != axis)
      axes.push_back(other);
  int64_t low = 1;
  for (const auto &[name, extent] : llvm::reverse(outerToInner)) {
    int64_t high = low * extent;
    auto part = [&](const Digits &strides) {
      Digits own;
      for (int64_t stride : strides)
        own.push_back(stride >= low && stride < high && stride % low == 0
                          ? stride / low
                          : 0);
      return own;
    };
    axes.push_back(
        {name, part(whole.threadStrides), part(whole.registerStrides)});
    low = high;
  }
  auto split = get(result.threads, result.regs, axes);
  if (!split)
    return split.takeError();
  // Strides that are no multiple of a part's weight cannot be represented.
  for (const Digits *strides : {&whole.threadStrides, &whole.registerStrides})
    for (int64_t stride : *strides) {
      int64_t weight = 1;
      for (const auto &part : llvm::reverse(outerToInner)) {
        if (stride < weight * part.second)
          break;
        weight *= part.second;
      }
      if (stride % weight != 0)
        return error("axis '" + axis + "' cannot be split: stride " +
                     llvm::Twine(stride) + " is no multiple of " +
                     llvm::Twine(weight));
    }
  return split;
}

llvm::Expected<FragmentLayout>
FragmentLayout::renameAxis(llvm::StringRef from, llvm::StringRef to) const {
  if (!find(from))
    return error("no axis '" + from + "' to rename");
  llvm::SmallVector<Axis, 4> axes(axisList.begin(), axisList.end());
  for (Axis &axis : axes)
    if (axis.name == from)
      axis.name = to.str();
  return get(threads, regs, axes);
}

llvm::Expected<FragmentLayout>
FragmentLayout::distributeOverGroups(llvm::StringRef axis,
                                     int64_t groups) const {
  if (!axis.empty() && !find(axis))
    return error("no axis '" + axis + "' to distribute over groups");
  int64_t stride = extent(axis);
  Digits threadShape = threads;
  threadShape.push_back(groups);
  llvm::SmallVector<Axis, 4> axes(axisList.begin(), axisList.end());
  for (Axis &a : axes)
    a.threadStrides.push_back(a.name == axis ? stride : 0);
  return get(threadShape, regs, axes);
}

std::optional<FragmentLayout> FragmentLayout::part(llvm::StringRef axis,
                                                   int64_t extent) const {
  const Axis *own = find(axis);
  if (!own || extent < 1 || this->extent(axis) % extent != 0)
    return std::nullopt;
  int64_t beyond = 0; // the largest stride of a thread digit
  for (auto [radix, stride] : llvm::zip_equal(threads, own->threadStrides))
    if (radix > 1)
      beyond = std::max(beyond, stride);
  if (beyond >= extent)
    return std::nullopt;
  FragmentLayout result = *this;
  for (auto [d, stride] : llvm::enumerate(own->registerStrides)) {
    int64_t &radix = result.regs[d];
    if (stride == 0 || radix * stride <= extent)
      continue;
    // A digit that is cut must not move another axis.
    for (const Axis &other : axisList)
      if (other.name != axis && other.registerStrides[d] != 0)
        return std::nullopt;
    int64_t kept = stride >= extent ? 1 : extent / stride;
    if (kept * std::min(stride, extent) != extent || radix % kept != 0)
      return std::nullopt;
    radix = kept;
  }
  return result.extent(axis) == extent ? std::optional(result) : std::nullopt;
}

std::optional<llvm::SmallVector<int64_t>>
FragmentLayout::partRegisters(const FragmentLayout &part,
                              llvm::ArrayRef<int64_t> origin) const {
  if (origin.size() != axisList.size() || threads != part.threads ||
      part.axisList.size() != axisList.size())
    return std::nullopt;
  using Key = llvm::SmallVector<int64_t, 4>;
  llvm::SmallVector<std::pair<Key, int64_t>> table;
  for (int64_t reg = 0, e = numRegisters(); reg < e; ++reg) {
    Key key;
    for (const Axis &axis : axisList)
      key.push_back(registerPart(axis.name, reg));
    table.push_back({key, reg});
  }
  llvm::sort(table);
  llvm::SmallVector<int64_t> result;
  for (int64_t reg = 0, e = part.numRegisters(); reg < e; ++reg) {
    Key key;
    for (auto [own, other, start] :
         llvm::zip_equal(axisList, part.axisList, origin)) {
      if (own.name != other.name || own.threadStrides != other.threadStrides)
        return std::nullopt;
      key.push_back(start + part.registerPart(own.name, reg));
    }
    const auto *it =
        llvm::lower_bound(table, key, [](const auto &entry, const Key &k) {
          return entry.first < k;
        });
    if (it == table.end() || it->first != key)
      return std::nullopt;
    result.push_back(it->second);
  }
  return result;
}

FragmentLayout FragmentLayout::dropSlowestRegisterDigit() const {
  FragmentLayout result = *this;
  if (result.regs.empty())
    return result;
  result.regs.pop_back();
  for (Axis &axis : result.axisList)
    axis.registerStrides.pop_back();
  return result;
}

FragmentLayout FragmentLayout::simplified() const {
  FragmentLayout result;
  for (const Axis &axis : axisList)
    result.axisList.push_back({axis.name, {}, {}});
  auto simplify = [&](const Digits &shape, Digits &out, Digits Axis::*strides) {
    for (size_t d = 0; d < shape.size(); ++d) {
      if (shape[d] == 1)
        continue;
      bool merges = !out.empty();
      for (size_t a = 0; merges && a < axisList.size(); ++a)
        merges = (axisList[a].*strides)[d] ==
                 (result.axisList[a].*strides).back() * out.back();
      if (merges) {
        out.back() *= shape[d];
        continue;
      }
      out.push_back(shape[d]);
      for (size_t a = 0; a < axisList.size(); ++a)
        (result.axisList[a].*strides).push_back((axisList[a].*strides)[d]);
    }
  };
  simplify(threads, result.threads, &Axis::threadStrides);
  simplify(regs, result.regs, &Axis::registerStrides);
  return result;
}
