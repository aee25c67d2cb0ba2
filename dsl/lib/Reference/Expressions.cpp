//===- Expressions.cpp - evaluating tiles ---------------------------------===//
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
using tilewright::dsl::CompareOp;

/// The axes of both, those of the larger operand first: its elements are then
/// walked in order.
static Frame joinFrames(const Tile &a, const Tile &b) {
  const Tile &first = a.axes.size() >= b.axes.size() ? a : b;
  const Tile &second = a.axes.size() >= b.axes.size() ? b : a;
  Frame frame = first.axes;
  for (const TileAxis &axis : second.axes) {
    int at = findAxis(frame, axis.name);
    if (at < 0)
      frame.push_back(axis);
    else
      frame[at].valid = std::min(frame[at].valid, axis.valid);
  }
  return frame;
}

TilePtr Process::hollowLike(ArrayRef<const Tile *> operands) {
  Tile joined;
  for (const Tile *operand : operands)
    joined.axes = joinFrames(joined, *operand);
  TilePtr out = makeHollow(joined.axes);
  for (const Tile *operand : operands) {
    Tile sofar = *out;
    combineAbsence(*out, sofar, *operand);
  }
  return out;
}

//===----------------------------------------------------------------------===//
// Dispatch
//===----------------------------------------------------------------------===//

TilePtr Process::evaluate(const Expr *expr) {
  Elem elem = expr->type.elem;
  if (expr->type.isScalar() && (isInteger(elem) || elem == Elem::Bool)) {
    int64_t value;
    if (!integer(expr, value))
      return nullptr;
    return makeScalar(static_cast<double>(value));
  }
  return evaluateAll(expr);
}

TilePtr Process::evaluateAll(const Expr *expr) {
  switch (expr->kind) {
  case ExprKind::FloatConst:
    return makeScalar(cast<FloatConst>(expr)->value);
  case ExprKind::IntConst:
    return makeScalar(static_cast<double>(cast<IntConst>(expr)->value));
  case ExprKind::BoolConst:
    return makeScalar(cast<BoolConst>(expr)->value);
  case ExprKind::AxisRef: {
    Frame frame;
    if (!frameOf(expr->type, frame))
      return nullptr;
    TilePtr out = makeTile(frame);
    for (size_t i = 0; i < out->value.size(); ++i)
      out->value[i] = static_cast<double>(i);
    return out;
  }
  case ExprKind::VarRef: {
    const Var *var = cast<VarRef>(expr)->var;
    Variable &entry = variable(var);
    if (!entry.defined)
      return noTile(expr->loc,
                    "'" + var->name + "' is read before it has a value");
    return entry.tile ? entry.tile
                      : makeScalar(static_cast<double>(entry.number));
  }
  case ExprKind::Neg: {
    TilePtr x = evaluate(cast<NegExpr>(expr)->operand);
    if (!x || x->hollow)
      return x;
    TilePtr out = mapUnary(
        *x, isFloat(expr->type.elem), [](double v) { return -v; },
        [](double, double, double m) { return m; });
    out->exact = x->exact;
    return out;
  }
  case ExprKind::Not: {
    TilePtr x = evaluate(cast<NotExpr>(expr)->operand);
    if (!x || x->hollow)
      return x;
    return mapUnary(
        *x, false, [](double v) { return double(v == 0); },
        [](double, double, double m) { return m; });
  }
  case ExprKind::Binary:
    return evaluateBinary(*cast<BinaryExpr>(expr));
  case ExprKind::Compare:
    return evaluateCompare(*cast<CompareExpr>(expr));
  case ExprKind::Call:
    return evaluateCall(*cast<CallExpr>(expr));
  case ExprKind::Convert:
    return evaluateConvert(*cast<ConvertExpr>(expr));
  case ExprKind::TensorRead:
    return read(*cast<TensorRead>(expr));
  case ExprKind::FieldRef:
    return evaluateField(*cast<FieldRef>(expr));
  case ExprKind::Contract:
    return evaluateContract(*cast<ContractExpr>(expr));
  case ExprKind::Reduce:
    return evaluateReduce(*cast<ReduceExpr>(expr));
  case ExprKind::Rename: {
    auto *rename = cast<RenameExpr>(expr);
    TilePtr x = evaluate(rename->operand);
    if (!x)
      return nullptr;
    TilePtr out = std::make_shared<Tile>(*x);
    for (size_t i = 0; i < out->axes.size(); ++i)
      for (const dsl::AxisRename &turn : rename->renames)
        if (x->axes[i].name == turn.from.name)
          out->axes[i].name = turn.to.name;
    return out;
  }
  case ExprKind::At:
    return evaluateAt(*cast<AtExpr>(expr));
  case ExprKind::Reg:
    return evaluate(cast<RegExpr>(expr)->operand);
  case ExprKind::Where:
    return evaluateWhere(*cast<WhereExpr>(expr));
  case ExprKind::Ptx:
    return noTile(expr->loc, "the reference cannot interpret 'ptx'");
  case ExprKind::StringConst:
  case ExprKind::Error:
    return noTile(expr->loc, "the reference cannot interpret this expression");
  case ExprKind::CounterRead:
    if (!expr->type.isScalar())
      return readCounters(*cast<CounterRead>(expr));
    break;
  default:
    break;
  }
  int64_t value;
  if (!integer(expr, value))
    return nullptr;
  return makeScalar(static_cast<double>(value));
}

//===----------------------------------------------------------------------===//
// Functions of elements
//===----------------------------------------------------------------------===//

TilePtr Process::combine(Op op, Elem elem, const TilePtr &a, const TilePtr &b,
                         SMLoc loc) {
  if (a->hollow || b->hollow) {
    TilePtr out = hollowLike({a.get(), b.get()});
    addWork(8.0 * elementCount(out->axes));
    return out;
  }
  Frame frame = joinFrames(*a, *b);
  auto none = [](double, double, double, double) { return 0.0; };
  if (!isFloat(elem) && elem != Elem::Number) {
    const char *error = nullptr;
    TilePtr out = mapBinary(
        frame, *a, *b, false,
        [&](double x, double y) {
          int64_t value = 0;
          if (const char *message = apply(op, static_cast<int64_t>(x),
                                          static_cast<int64_t>(y), value))
            error = message;
          return static_cast<double>(value);
        },
        none);
    if (error)
      return noTile(loc, error);
    out->exact = a->exact && b->exact;
    return out;
  }
  auto sum = [](double, double, double m, double n) { return m + n; };
  auto larger = [](double, double, double m, double n) {
    return std::max(m, n);
  };
  switch (op) {
  case Op::Add:
    return mapBinary(
        frame, *a, *b, true, [](double x, double y) { return x + y; }, sum);
  case Op::Sub:
    return mapBinary(
        frame, *a, *b, true, [](double x, double y) { return x - y; }, sum);
  case Op::Mul:
    return mapBinary(
        frame, *a, *b, true, [](double x, double y) { return x * y; },
        [](double, double, double m, double n) { return m * n; });
  case Op::Div:
    return mapBinary(
        frame, *a, *b, true, [](double x, double y) { return x / y; },
        [](double, double y, double m, double n) {
          return y == 0 ? 0 : m * n / (y * y);
        });
  case Op::Min:
    return mapBinary(
        frame, *a, *b, true, [](double x, double y) { return std::fmin(x, y); },
        larger);
  case Op::Max:
    return mapBinary(
        frame, *a, *b, true, [](double x, double y) { return std::fmax(x, y); },
        larger);
  default:
    return noTile(loc, "the reference cannot interpret '" + spelling(op) +
                           "' on " + spelling(elem));
  }
}

TilePtr Process::evaluateBinary(const BinaryExpr &expr) {
  TilePtr a = evaluate(expr.lhs);
  TilePtr b = a ? evaluate(expr.rhs) : nullptr;
  return b ? combine(expr.op, expr.type.elem, a, b, expr.loc) : nullptr;
}

TilePtr Process::evaluateCompare(const CompareExpr &expr) {
  TilePtr a = evaluate(expr.lhs);
  TilePtr b = a ? evaluate(expr.rhs) : nullptr;
  if (!b)
    return nullptr;
  if (a->hollow || b->hollow)
    return hollowLike({a.get(), b.get()});
  CompareOp op = expr.op;
  return mapBinary(
      joinFrames(*a, *b), *a, *b, false,
      [op](double x, double y) {
        switch (op) {
        case CompareOp::EQ:
          return double(x == y);
        case CompareOp::NE:
          return double(x != y);
        case CompareOp::LT:
          return double(x < y);
        case CompareOp::LE:
          return double(x <= y);
        case CompareOp::GT:
          return double(x > y);
        case CompareOp::GE:
          return double(x >= y);
        }
        return 0.0;
      },
      [](double, double, double, double) { return 0.0; });
}

TilePtr Process::evaluateCall(const CallExpr &expr) {
  TilePtr x = evaluate(expr.args.front());
  if (!x || x->hollow)
    return x;
  bool tracked = isFloat(expr.type.elem) || expr.type.elem == Elem::Number;
  // Magnitudes of the smooth functions: the value's own rounding, and the
  // argument's error times the slope.
  auto keep = [](double, double, double m) { return m; };
  auto relative = [](double v, double y, double m) {
    return std::fabs(y) * (v == 0 ? 1 : 1 + m / std::fabs(v));
  };
  switch (expr.fn) {
  case Fn::Abs:
    return mapUnary(*x, tracked, [](double v) { return std::fabs(v); }, keep);
  case Fn::Relu:
    return mapUnary(*x, tracked, [](double v) { return v > 0 ? v : 0; }, keep);
  case Fn::Exp:
    return mapUnary(
        *x, tracked, [](double v) { return std::exp(v); },
        [](double, double y, double m) { return y * (1 + m); });
  case Fn::Exp2:
    return mapUnary(
        *x, tracked, [](double v) { return std::exp2(v); },
        [](double, double y, double m) { return y * (1 + m); });
  case Fn::Log2:
    return mapUnary(
        *x, tracked, [](double v) { return std::log2(v); },
        [](double v, double y, double m) {
          return std::fabs(y) + (v == 0 ? 0 : 1.5 * m / std::fabs(v));
        });
  case Fn::Sqrt:
    return mapUnary(
        *x, tracked, [](double v) { return std::sqrt(v); }, relative);
  case Fn::Rsqrt:
    return mapUnary(
        *x, tracked, [](double v) { return 1 / std::sqrt(v); }, relative);
  case Fn::Rcp:
    return mapUnary(*x, tracked, [](double v) { return 1 / v; }, relative);
  }
  return noTile(expr.loc,
                "the reference cannot interpret '" + spelling(expr.fn) + "'");
}

//===----------------------------------------------------------------------===//
// Conversions
//===----------------------------------------------------------------------===//

std::optional<runtime::DType> reference::storageType(Elem elem) {
  switch (elem) {
  case Elem::Bool:
    return runtime::DType::Bool;
  case Elem::UE8M0:
    return runtime::DType::E8M0;
  case Elem::TF32: // As copies read it.
    return runtime::DType::F32;
  default:
    return runtime::parseDType(spelling(elem));
  }
}

unsigned reference::mantissaBits(Elem elem) {
  switch (elem) {
  case Elem::E4M3:
    return 3;
  case Elem::E5M2:
    return 2;
  case Elem::E2M1:
    return 1;
  case Elem::BF16:
    return 7;
  case Elem::F16:
  case Elem::TF32:
    return 10;
  case Elem::F32:
    return 23;
  case Elem::F64:
  case Elem::Number:
    return 52;
  default:
    return 0;
  }
}

double reference::roundTo(Elem elem, double value) {
  if (elem == Elem::TF32) {
    if (!std::isfinite(value))
      return value;
    int exponent;
    double fraction = std::frexp(value, &exponent);
    return std::ldexp(std::nearbyint(std::ldexp(fraction, 11)), exponent - 11);
  }
  std::optional<runtime::DType> type = reference::storageType(elem);
  return type ? runtime::decode(*type, runtime::encode(*type, value)) : value;
}

/// Half of the least subnormal: the rounding error near zero.
static double halfLeast(Elem elem) {
  switch (elem) {
  case Elem::E4M3:
    return 0x1p-10;
  case Elem::E5M2:
    return 0x1p-17;
  case Elem::E2M1:
    return 0.25;
  case Elem::F16:
    return 0x1p-25;
  default:
    return 0;
  }
}

TilePtr Process::convert(const TilePtr &tile, Elem from, Elem to) {
  if (from == to || tile->hollow)
    return tile;
  if (isInteger(to) || to == Elem::Bool) {
    if (!isFloat(from) && from != Elem::Number)
      return tile;
    TilePtr out = mapUnary(
        *tile, false, [](double v) { return std::nearbyint(v); },
        [](double, double, double m) { return m; });
    return out;
  }
  if (to == Elem::UE8M0) // Upwards, and what follows depends on it exactly.
    return mapUnary(
        *tile, true, [](double v) { return roundTo(Elem::UE8M0, v); },
        [](double, double y, double) { return y; });
  bool widens = isFloat(from) && from != Elem::UE8M0 &&
                mantissaBits(to) >= mantissaBits(from) &&
                bitWidth(to) >= bitWidth(from) && to != Elem::TF32;
  if (widens || to == Elem::F64 || to == Elem::Number)
    return tile;
  bool saturates = bitWidth(to) <= 8;
  double limit = saturates ? roundTo(to, 1e30) : 0;
  double unit = std::ldexp(1.0, -int(mantissaBits(to)) - 1);
  TilePtr out;
  std::vector<float> scratch;
  const float *m = nullptr;
  bool clone = false;
  // Values that the type holds stay what they are: a right kernel has them
  // too. Others keep their digits, and their rounding enters the magnitude.
  for (size_t i = 0; i < tile->value.size(); ++i) {
    double value = tile->value[i];
    if (roundTo(to, value) == value)
      continue;
    if (!clone) {
      clone = true;
      out = std::make_shared<Tile>(*tile);
      m = magnitudes(*tile, scratch);
      out->magnitude.assign(m, m + tile->value.size());
      out->exact = false;
    }
    if (saturates && std::fabs(value) > limit)
      out->value[i] = std::copysign(limit, value);
    out->magnitude[i] += static_cast<float>(
        std::max(std::fabs(out->value[i]) * unit, halfLeast(to)) /
        magnitudeScale);
  }
  return clone ? out : tile;
}

TilePtr Process::evaluateConvert(const ConvertExpr &expr) {
  TilePtr x = evaluate(expr.operand);
  return x ? convert(x, expr.operand->type.elem, expr.type.elem) : nullptr;
}

//===----------------------------------------------------------------------===//
// Contractions and reductions
//===----------------------------------------------------------------------===//

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

//===----------------------------------------------------------------------===//
// where, at, fields
//===----------------------------------------------------------------------===//

TilePtr Process::evaluateWhere(const WhereExpr &expr) {
  TilePtr value = evaluate(expr.value);
  TilePtr cond = value ? evaluate(expr.cond) : nullptr;
  if (!cond)
    return nullptr;
  Tile joined;
  joined.axes = joinFrames(*value, *cond);
  TilePtr out = std::make_shared<Tile>(*expand(value, joined.axes));
  if (cond->hollow) {
    out->hollow = out->unknownMask = true;
    out->value.clear();
    out->magnitude.clear();
    return out;
  }
  int64_t count = elementCount(out->axes);
  if (out->absent.empty())
    out->absent.assign(count, 0);
  forEachRow<1>(out->axes, {cond->stridesIn(out->axes)},
                [&](int64_t position, int64_t n,
                    const std::array<int64_t, 1> &at,
                    const std::array<int64_t, 1> &step) {
                  for (int64_t i = 0; i < n; ++i) {
                    if (cond->value[at[0] + i * step[0]] != 0)
                      continue;
                    out->absent[position + i] |= Tile::Masked;
                    if (out->hollow)
                      continue;
                    out->value[position + i] = 0;
                    if (!out->magnitude.empty())
                      out->magnitude[position + i] = 0;
                  }
                });
  return out;
}

TilePtr Process::evaluateAt(const AtExpr &expr) {
  TilePtr whole = evaluate(expr.operand);
  Frame frame;
  if (!whole || !frameOf(expr.type, frame))
    return nullptr;
  // One subscript for each axis of the operand: the coordinate itself where it
  // is not subscripted.
  SmallVector<const Expr *, 4> subs(whole->axes.size(), nullptr);
  int at = findAxis(whole->axes, expr.axis);
  if (at < 0)
    return whole; // The operand does not depend on the axis.
  subs[at] = expr.index;
  return gather(whole, subs, frame);
}

TilePtr Process::evaluateField(const FieldRef &ref) {
  SlotPtr slot = slots.lookup(ref.slot);
  TilePtr whole = slot ? slot->fields[ref.field->index] : nullptr;
  if (!whole)
    return noTile(ref.loc, "field '" + ref.field->name + "' of pipe '" +
                               ref.slot->pipe->name +
                               "' is read before it is filled");
  if (ref.subs.empty())
    return whole;
  Frame frame, declared;
  if (!frameOf(ref.type, frame) || !frameOf(ref.field->type, declared))
    return nullptr;
  // Subscripts are in the order of the declaration.
  SmallVector<const Expr *, 4> subs;
  for (const TileAxis &axis : whole->axes) {
    int at = findAxis(declared, axis.name);
    subs.push_back(at < 0 ? nullptr : ref.subs[at]);
  }
  return gather(whole, subs, frame);
}
