//===- SemaOps.cpp - operators, element types, broadcasting --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sema.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace tilewright::dsl {

//===----------------------------------------------------------------------===//
// Element types and axes of two operands
//===----------------------------------------------------------------------===//

const t::Expr *Sema::adapt(const t::Expr *expr, t::Elem elem) {
  auto withType = [&](auto *copy, double value) -> const t::Expr * {
    copy->value = value;
    copy->loc = expr->loc;
    copy->range = expr->range;
    copy->type = {elem, {}};
    return copy;
  };
  if (!t::isFloat(elem))
    return expr;
  if (auto *where = dyn_cast<t::WhereExpr>(expr)) {
    const t::Expr *value = adapt(where->value, elem);
    if (value == where->value)
      return expr;
    auto *copy = node<t::WhereExpr>();
    *copy = *where;
    copy->value = value;
    copy->type.elem = elem;
    return copy;
  }
  if (auto *number = dyn_cast<t::FloatConst>(expr))
    return withType(node<t::FloatConst>(), number->value);
  if (auto *number = dyn_cast<t::IntConst>(expr))
    return withType(node<t::FloatConst>(), number->value);
  return expr;
}

std::optional<t::Elem> Sema::meet(const t::Expr *&lhs, const t::Expr *&rhs,
                                  const Twine &op, const Expr *at) {
  t::Elem l = lhs->type.elem, r = rhs->type.elem;
  if (l == r && !t::isInteger(l))
    return l;
  if (t::isInteger(l) && t::isInteger(r))
    return t::Elem::Int;
  // A literal takes the type it meets.
  auto isLiteral = [](const t::Expr *e) {
    return isa<t::IntConst>(e) || e->type.elem == t::Elem::Number;
  };
  if (isLiteral(rhs) && (t::isFloat(l) || l == t::Elem::Number)) {
    rhs = adapt(rhs, l == t::Elem::Number ? t::Elem::F32 : l);
    return l;
  }
  if (isLiteral(lhs) && (t::isFloat(r) || r == t::Elem::Number)) {
    lhs = adapt(lhs, r == t::Elem::Number ? t::Elem::F32 : r);
    return r;
  }
  error(at->loc, "operands of " + op + " have different types, " +
                     t::spelling(l) + " and " + t::spelling(r) + ": " +
                     text(at));
  t::Elem wide = t::bitWidth(l) > t::bitWidth(r) ? l : r;
  if (t::isFloat(wide) || t::isInteger(wide))
    fixit(at->loc, "convert one of them, for example " +
                       t::spelling(wide == t::Elem::Int ? t::Elem::I32 : wide) +
                       "(…)");
  return std::nullopt;
}

bool Sema::sameExtent(const t::Axis &a, const t::Axis &b) {
  return !a.extent || !b.extent || canonical.equal(a.extent, b.extent);
}

std::optional<ArrayRef<t::Axis>>
Sema::broadcast(const t::Expr *lhs, const t::Expr *rhs, const Expr *at) {
  SmallVector<t::Axis, 4> axes(lhs->type.axes);
  bool ok = true;
  for (const t::Axis &axis : rhs->type.axes) {
    auto *old =
        find_if(axes, [&](const t::Axis &a) { return a.name == axis.name; });
    if (old == axes.end()) {
      axes.push_back(axis);
      continue;
    }
    if (!old->extent)
      *old = axis;
    if (!sameExtent(*old, axis)) {
      ok = error(at->loc,
                 "axis " + axis.name + " has " + extentText(old->extent) +
                     " elements on the left and " + extentText(axis.extent) +
                     " on the right: " + text(at));
      note(old->loc, "axis " + axis.name + " has " + extentText(old->extent) +
                         " elements here");
      note(axis.loc, "and " + extentText(axis.extent) + " here");
    }
  }
  if (!ok)
    return std::nullopt;
  return list(axes);
}

bool Sema::checkComputes(t::Elem elem, const Twine &op, const Expr *at) {
  switch (elem) {
  case t::Elem::E4M3:
  case t::Elem::E5M2:
  case t::Elem::E2M1:
  case t::Elem::UE8M0:
  case t::Elem::TF32:
    error(at->loc,
          op + " does not compute in " + t::spelling(elem) + ": " + text(at));
    fixit(at->loc, "convert the operands first: f32(…)");
    return false;
  default:
    return true;
  }
}

const t::Expr *Sema::elementwise(t::Op op, const t::Expr *lhs,
                                 const t::Expr *rhs, const Expr *at) {
  if (isa<t::ErrorExpr>(lhs) || isa<t::ErrorExpr>(rhs))
    return errorExpr(at->loc);
  auto elem = meet(lhs, rhs, "'" + t::spelling(op) + "'", at);
  auto axes = broadcast(lhs, rhs, at);
  if (!elem || !axes)
    return errorExpr(at->loc);
  if (t::isInteger(*elem))
    return intBinary(op, lhs, rhs, at, {t::Elem::Int, *axes});
  if (!t::isFloat(*elem) && *elem != t::Elem::Number)
    return fail(at->loc, "'" + t::spelling(op) + "' takes numbers, not " +
                             t::toString(lhs->type));
  if (op == t::Op::FloorDiv || op == t::Op::Mod || op == t::Op::CDiv)
    return fail(at->loc, "'" + t::spelling(op) + "' takes integers, not " +
                             t::spelling(*elem));
  if (!checkComputes(*elem, "'" + t::spelling(op) + "'", at))
    return errorExpr(at->loc);
  auto *l = dyn_cast<t::FloatConst>(lhs), *r = dyn_cast<t::FloatConst>(rhs);
  if (l && r && *elem == t::Elem::Number) {
    auto *value = node<t::FloatConst>();
    double a = l->value, b = r->value;
    value->value = op == t::Op::Add   ? a + b
                   : op == t::Op::Sub ? a - b
                   : op == t::Op::Mul ? a * b
                   : op == t::Op::Min ? std::min(a, b)
                   : op == t::Op::Max ? std::max(a, b)
                   : b == 0           ? std::numeric_limits<double>::quiet_NaN()
                                      : a / b;
    return finish(value, at, scalar(t::Elem::Number));
  }
  auto *result = node<t::BinaryExpr>();
  result->op = op;
  result->lhs = lhs;
  result->rhs = rhs;
  return finish(result, at, {*elem, *axes});
}

const t::Expr *Sema::logical(t::Op op, const t::Expr *lhs, const t::Expr *rhs,
                             const Expr *at) {
  if (isa<t::ErrorExpr>(lhs) || isa<t::ErrorExpr>(rhs))
    return errorExpr(at->loc);
  for (const t::Expr *e : {lhs, rhs})
    if (e->type.elem != t::Elem::Bool)
      return fail(e->loc.isValid() ? e->loc : at->loc,
                  "'" + t::spelling(op) + "' takes conditions, not " +
                      t::toString(e->type));
  auto axes = broadcast(lhs, rhs, at);
  if (!axes)
    return errorExpr(at->loc);
  auto l = t::constantValue(lhs), r = t::constantValue(rhs);
  bool absorbing = op == t::Op::Or;
  if (l && r)
    return boolConst(*foldInts(op, *l, *r), at);
  // A constant side decides, or leaves the other one.
  if (l)
    return bool(*l) == absorbing ? lhs : rhs;
  if (r)
    return bool(*r) == absorbing ? rhs : lhs;
  auto *result = node<t::BinaryExpr>();
  result->op = op;
  result->lhs = lhs;
  result->rhs = rhs;
  return finish(result, at, {t::Elem::Bool, *axes});
}

const t::Expr *Sema::compare(CompareOp op, const t::Expr *lhs,
                             const t::Expr *rhs, const Expr *at) {
  if (isa<t::ErrorExpr>(lhs) || isa<t::ErrorExpr>(rhs))
    return errorExpr(at->loc);
  auto elem = meet(lhs, rhs, "'" + spelling(op) + "'", at);
  auto axes = broadcast(lhs, rhs, at);
  if (!elem || !axes)
    return errorExpr(at->loc);
  if (!checkComputes(*elem, "'" + spelling(op) + "'", at))
    return errorExpr(at->loc);
  auto l = t::constantValue(lhs), r = t::constantValue(rhs);
  if (l && r && (t::isInteger(*elem) || *elem == t::Elem::Bool))
    return boolConst(foldCompare(op, *l, *r), at);
  auto *a = dyn_cast<t::FloatConst>(lhs), *b = dyn_cast<t::FloatConst>(rhs);
  if (a && b)
    return boolConst(foldCompare(op, a->value, b->value), at);
  auto *result = node<t::CompareExpr>();
  result->op = op;
  result->lhs = lhs;
  result->rhs = rhs;
  return finish(result, at, {t::Elem::Bool, *axes});
}

const t::Expr *Sema::checkBinary(const BinaryExpr *expr, const AxisEnv &env) {
  const t::Expr *lhs = check(expr->lhs, env);
  const t::Expr *rhs = check(expr->rhs, env);
  switch (expr->op) {
  case BinaryOp::Add:
    return elementwise(t::Op::Add, lhs, rhs, expr);
  case BinaryOp::Sub:
    return elementwise(t::Op::Sub, lhs, rhs, expr);
  case BinaryOp::Mul:
    return elementwise(t::Op::Mul, lhs, rhs, expr);
  case BinaryOp::Div:
    return elementwise(t::Op::Div, lhs, rhs, expr);
  case BinaryOp::FloorDiv:
    return elementwise(t::Op::FloorDiv, lhs, rhs, expr);
  case BinaryOp::Mod:
    return elementwise(t::Op::Mod, lhs, rhs, expr);
  case BinaryOp::And:
    return logical(t::Op::And, lhs, rhs, expr);
  case BinaryOp::Or:
    return logical(t::Op::Or, lhs, rhs, expr);
  }
  return errorExpr(expr->loc);
}

const t::Expr *Sema::checkCompare(const CompareExpr *expr, const AxisEnv &env) {
  SmallVector<const t::Expr *, 3> operands;
  for (const Expr *operand : expr->operands)
    operands.push_back(check(operand, env));
  const t::Expr *result = nullptr;
  for (auto [i, op] : enumerate(expr->ops)) {
    const t::Expr *one = compare(op, operands[i], operands[i + 1], expr);
    result = result ? logical(t::Op::And, result, one, expr) : one;
  }
  return result;
}

const t::Expr *Sema::checkWhere(const WhereExpr *expr, const AxisEnv &env) {
  const t::Expr *value = check(expr->value, env);
  const t::Expr *cond = check(expr->cond, env);
  if (isa<t::ErrorExpr>(value) || isa<t::ErrorExpr>(cond))
    return errorExpr(expr->loc);
  if (cond->type.elem != t::Elem::Bool)
    return fail(expr->cond->loc,
                "'where' needs a condition, not " + t::toString(cond->type));
  auto axes = broadcast(value, cond, expr);
  if (!axes)
    return errorExpr(expr->loc);
  if (auto always = t::constantValue(cond); always && *always)
    return value;
  auto *result = node<t::WhereExpr>();
  result->value = value;
  result->cond = cond;
  return finish(result, expr, {value->type.elem, *axes});
}

//===----------------------------------------------------------------------===//
// What an expression depends on
//===----------------------------------------------------------------------===//

bool Sema::isLaunchTime(const t::Expr *expr) {
  switch (expr->kind) {
  case t::ExprKind::IntConst:
  case t::ExprKind::BoolConst:
  case t::ExprKind::FloatConst:
  case t::ExprKind::DimRef:
  case t::ExprKind::Stride:
    return true;
  case t::ExprKind::VarRef:
    return cast<t::VarRef>(expr)->var->kind == t::Var::Param;
  case t::ExprKind::Builtin: {
    auto which = cast<t::BuiltinExpr>(expr)->which;
    return which == t::BuiltinExpr::Rank || which == t::BuiltinExpr::NumRanks;
  }
  case t::ExprKind::Neg:
  case t::ExprKind::Not:
  case t::ExprKind::Binary:
  case t::ExprKind::Compare:
    return all_of(t::children(expr),
                  [&](const t::Expr *e) { return isLaunchTime(e); });
  default:
    return false;
  }
}

bool Sema::checkAgreement(const t::Expr *expr, const Twine &what) {
  std::string text = what.str();
  if (auto *read = dyn_cast<t::TensorRead>(expr);
      read && read->tensor->mode != t::Tensor::In) {
    error(read->loc, text + " reads " + read->tensor->name +
                         ", which the kernel writes: roles might not agree "
                         "on it");
    note(read->tensor->loc, read->tensor->name + " is declared here");
    return false;
  }
  if (isa<t::FieldRef, t::PtxExpr, t::FetchAddExpr>(expr))
    return error(expr->loc,
                 text + " uses what not all roles see: " + t::toString(expr));
  for (const t::Expr *child : t::children(expr))
    if (!checkAgreement(child, text))
      return false;
  return true;
}

} // namespace tilewright::dsl
