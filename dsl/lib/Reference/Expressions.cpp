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
