//===- Reductions.cpp - contractions and reductions of tiles --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"
#include "llvm/Support/Casting.h"
#include <cmath>

using namespace llvm;
using namespace tilewright;
using namespace tilewright::reference;

TilePtr Process::evaluateContract(const ContractExpr &expr) {
  TilePtr a = evaluate(expr.a);
  TilePtr b = a ? evaluate(expr.b) : nullptr;
  if (!b)
    return nullptr;
  auto scale = [&](TilePtr &operand, const Expr *by) {
    TilePtr factor = evaluate(by);
    if (factor)
      operand = combine(Op::Mul, Elem::F32, operand, factor, by->loc);
    return factor != nullptr;
  };
  if ((expr.scaleA && !scale(a, expr.scaleA)) ||
      (expr.scaleB && !scale(b, expr.scaleB)))
    return nullptr;
  Frame contracted, frame;
  if (!frameOf(expr.contracted, contracted) || !frameOf(expr.type, frame))
    return nullptr;
  if (!machine.dry)
    return contract(*a, *b, contracted, frame);
  double all = 2, padded = 1;
  auto axisIn = [](const Tile &tile, StringRef name) -> const TileAxis * {
    int at = findAxis(tile.axes, name);
    return at < 0 ? nullptr : &tile.axes[at];
  };
  for (TileAxis &axis : frame) {
    const TileAxis *source = axisIn(*a, axis.name);
    if (!source)
      source = axisIn(*b, axis.name);
    if (source)
      axis.valid = source->valid;
    all *= static_cast<double>(axis.valid);
    padded *= static_cast<double>(axis.extent);
  }
  for (const TileAxis &axis : contracted) {
    int64_t valid = axis.extent;
    for (const Tile *operand : {a.get(), b.get()})
      if (const TileAxis *source = axisIn(*operand, axis.name))
        valid = std::min(valid, source->valid);
    all *= static_cast<double>(valid);
    padded *= static_cast<double>(axis.extent);
  }
  machine.operations += all;
  addWork(padded);
  return makeHollow(frame);
}

TilePtr Process::evaluateReduce(const ReduceExpr &expr) {
  if (expr.op == ReduceOp::ClusterSum)
    return evaluateClusterSum(expr);
  TilePtr x = evaluate(expr.operand);
  Frame over, frame;
  if (!x || !frameOf(expr.over, over))
    return nullptr;
  for (const TileAxis &axis : x->axes)
    if (findAxis(over, axis.name) < 0)
      frame.push_back(axis);
  if (x->hollow) {
    addWork(8.0 * elementCount(x->axes));
    return makeHollow(frame);
  }
  Frame all = frame;
  all.append(over.begin(), over.end());
  TilePtr out = makeTile(frame);
  bool tracked = isFloat(expr.type.elem);
  bool sum = expr.op == ReduceOp::Sum, larger = expr.op == ReduceOp::Max;
  // What integers start from is far outside any stored type.
  double none = tracked ? std::numeric_limits<double>::infinity() : 0x1p62;
  double identity = sum ? 0 : larger ? -none : none;
  std::fill(out->value.begin(), out->value.end(), identity);
  std::vector<float> scratch;
  const float *m = nullptr;
  if (tracked) {
    m = magnitudes(*x, scratch);
    out->magnitude.assign(out->value.size(), 0);
  }
  const uint8_t *absent = x->absent.empty() ? nullptr : x->absent.data();
  forEachRow<2>(all, {x->stridesIn(all), out->stridesIn(all)},
                [&](int64_t, int64_t n, const std::array<int64_t, 2> &at,
                    const std::array<int64_t, 2> &step) {
                  for (int64_t i = 0; i < n; ++i) {
                    int64_t from = at[0] + i * step[0],
                            to = at[1] + i * step[1];
                    if (absent && absent[from])
                      continue;
                    double value = x->value[from];
                    double &target = out->value[to];
                    target = sum      ? target + value
                             : larger ? std::fmax(target, value)
                                      : std::fmin(target, value);
                    if (tracked)
                      out->magnitude[to] =
                          sum ? out->magnitude[to] + m[from]
                              : std::max(out->magnitude[to], m[from]);
                  }
                });
  // A maximum is one of the values; a sum of floats is rounded.
  out->exact = x->exact && (!sum || !tracked);
  return out;
}

TilePtr Process::evaluateClusterSum(const ReduceExpr &expr) {
  TilePtr mine = evaluate(expr.operand);
  if (!mine)
    return nullptr;
  if (machine.ctas == 1)
    return mine;
  auto &rounds = machine.exchanges[{&expr, roleIndex}];
  size_t round = exchangeCounts[&expr]++;
  if (rounds.size() <= round)
    rounds.resize(round + 1);
  rounds[round].resize(machine.ctas);
  rounds[round][cta] = mine;
  machine.changed();
  auto complete = [&] {
    for (const TilePtr &part : machine.exchanges[{&expr, roleIndex}][round])
      if (!part)
        return false;
    return true;
  };
  if (!machine.waitUntil(complete, expr.loc, "cluster_sum"))
    return nullptr;
  // Other CTAs of the cluster that differ along this dimension only.
  auto it = clusterDims.find(expr.clusterVar);
  if (current.empty() || it == clusterDims.end())
    return noTile(expr.loc, "cluster_sum outside its iterator");
  ArrayRef<IterDim> dims = current.back().first->dims;
  int64_t stride = 1;
  for (size_t d = dims.size(); d-- > it->second + 1;)
    stride *= dims[d].cluster;
  int64_t extent = dims[it->second].cluster;
  int64_t first = cta - cta / stride % extent * stride;
  TilePtr total;
  for (int64_t c = 0; c < extent; ++c) {
    TilePtr part =
        machine.exchanges[{&expr, roleIndex}][round][first + c * stride];
    total =
        total ? combine(Op::Add, expr.type.elem, total, part, expr.loc) : part;
    if (!total)
      return nullptr;
  }
  return total;
}
