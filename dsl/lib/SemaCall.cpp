//===- SemaCall.cpp - functions, reductions, mma --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sema.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;

namespace tilewright::dsl {

bool Sema::arity(const CallExpr *expr, unsigned min, unsigned max) {
  size_t n = expr->args.size();
  if (n >= min && n <= max)
    return true;
  std::string wanted = min == max ? std::to_string(min)
                       : max == ~0u
                           ? "at least " + std::to_string(min)
                           : std::to_string(min) + " to " + std::to_string(max);
  return error(expr->loc, "'" + expr->callee.name + "' takes " + wanted +
                              " argument" + (min == 1 && max == 1 ? "" : "s") +
                              ", not " + Twine(n));
}

const t::Expr *Sema::checkCall(const CallExpr *expr, const AxisEnv &env) {
  StringRef name = expr->callee.name;
  if (!expr->axes.empty())
    return name == "cluster_sum" ? checkClusterSum(expr, env)
                                 : checkReduce(expr, env);
  if (Symbol *symbol = lookup(name)) {
    if (symbol->kind == Symbol::Poison)
      return errorExpr(expr->loc);
    if (symbol->kind == Symbol::Fn)
      return checkFnCall(expr, *symbol, env);
    if (symbol->kind == Symbol::TypeConst)
      return checkConvert(expr, symbol->elem, env);
    error(expr->loc,
          "'" + name + "' is " + describe(symbol->kind) + ", not a function");
    note(symbol->loc, "declared here");
    return errorExpr(expr->loc);
  }
  if (auto elem = t::elemFromName(name))
    return checkConvert(expr, *elem, env);
  if (name == "mma")
    return checkMma(expr, env);
  if (name == "min" || name == "max")
    return checkMinMax(expr, env);
  if (name == "ptx")
    return checkPtx(expr, env);
  if (name == "fetch_add")
    return checkFetchAdd(expr, env);
  if (name == "stride")
    return checkStride(expr);
  if (name == "cdiv") {
    if (!arity(expr, 2, 2))
      return errorExpr(expr->loc);
    const t::Expr *a = check(expr->args[0], env);
    const t::Expr *b = check(expr->args[1], env);
    return elementwise(t::Op::CDiv, a, b, expr);
  }
  if (name == "sum" || name == "cluster_sum") {
    error(expr->loc,
          "'" + name + "' needs the axes that it removes: " + name + "<h>(…)");
    return errorExpr(expr->loc);
  }
  auto fn = StringSwitch<std::optional<t::Fn>>(name)
                .Case("abs", t::Fn::Abs)
                .Case("relu", t::Fn::Relu)
                .Case("exp", t::Fn::Exp)
                .Case("exp2", t::Fn::Exp2)
                .Case("log2", t::Fn::Log2)
                .Case("sqrt", t::Fn::Sqrt)
                .Case("rsqrt", t::Fn::Rsqrt)
                .Case("rcp", t::Fn::Rcp)
                .Default(std::nullopt);
  if (!fn)
    return fail(expr->loc, "unknown function '" + name + "'");
  if (!arity(expr, 1, 1))
    return errorExpr(expr->loc);
  const t::Expr *arg = check(expr->args[0], env);
  if (isa<t::ErrorExpr>(arg))
    return arg;
  t::Type type = arg->type;
  bool onInts = *fn == t::Fn::Abs || *fn == t::Fn::Relu;
  if (isa<t::IntConst>(arg) && !onInts) {
    arg = adapt(arg, t::Elem::F32);
    type = arg->type;
  }
  if (type.elem == t::Elem::Number) {
    arg = adapt(arg, t::Elem::F32);
    type.elem = t::Elem::F32;
  }
  if (!t::isFloat(type.elem) && !(onInts && t::isInteger(type.elem)))
    return fail(expr->loc, "'" + name + "' takes floating-point values, not " +
                               t::toString(type));
  if (!checkComputes(type.elem, "'" + name + "'", expr))
    return errorExpr(expr->loc);
  auto *call = node<t::CallExpr>();
  call->fn = *fn;
  SmallVector<const t::Expr *, 1> args{arg};
  call->args = list(args);
  return finish(call, expr, type);
}

const t::Expr *Sema::checkFnCall(const CallExpr *expr, const Symbol &symbol,
                                 const AxisEnv &env) {
  const FnStmt *fn = symbol.fn;
  if (expr->args.size() != fn->params.size()) {
    error(expr->loc, "'" + fn->name.name + "' takes " +
                         Twine(fn->params.size()) + " arguments, not " +
                         Twine(expr->args.size()));
    note(fn->name.loc, "declared here");
    return errorExpr(expr->loc);
  }
  if (any_of(fnStack, [&](auto &call) { return call.first == fn; })) {
    error(expr->loc, "function '" + fn->name.name +
                         "' calls itself: a function is an abbreviation, "
                         "expanded where it is called");
    note(fn->name.loc, "declared here");
    return errorExpr(expr->loc);
  }
  SmallVector<const t::Expr *, 4> args;
  for (const Expr *arg : expr->args)
    args.push_back(check(arg, env));
  ScopeGuard guard(*this, newScope(symbol.scope));
  for (auto [param, arg] : zip(fn->params, args))
    declareSilently(param, Symbol::Param)->value = arg;
  fnStack.push_back({fn, expr->loc});
  const t::Expr *result = check(fn->value, env);
  fnStack.pop_back();
  return result;
}

const t::Expr *Sema::checkConvert(const CallExpr *expr, t::Elem elem,
                                  const AxisEnv &env) {
  if (!arity(expr, 1, 1))
    return errorExpr(expr->loc);
  const t::Expr *operand = check(expr->args[0], env);
  if (isa<t::ErrorExpr>(operand))
    return operand;
  t::Type type = operand->type;
  if (type.elem == t::Elem::None)
    return fail(expr->loc, "this has no value to convert");
  if (elem == t::Elem::Bool && type.elem != t::Elem::Bool)
    return fail(expr->loc, "a condition is written as a comparison, not "
                           "bool(…)");
  if (type.elem == t::Elem::Number)
    operand = adapt(operand, t::Elem::F32);
  type.elem = elem;
  auto *result = node<t::ConvertExpr>();
  result->operand = operand;
  return finish(result, expr, type);
}

const t::Expr *Sema::checkMinMax(const CallExpr *expr, const AxisEnv &env) {
  if (!arity(expr, 2, ~0u)) {
    if (expr->args.size() == 1)
      fixit(expr->loc,
            "to reduce, name the axes: " + expr->callee.name + "<h>(…)");
    return errorExpr(expr->loc);
  }
  t::Op op = expr->callee.name == "min" ? t::Op::Min : t::Op::Max;
  const t::Expr *result = check(expr->args[0], env);
  for (const Expr *arg : expr->args.drop_front())
    result = elementwise(op, result, check(arg, env), expr);
  return result;
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

const t::Expr *Sema::checkReduce(const CallExpr *expr, const AxisEnv &env) {
  if (!arity(expr, 1, 1))
    return errorExpr(expr->loc);
  auto op = StringSwitch<std::optional<t::ReduceOp>>(expr->callee.name)
                .Case("sum", t::ReduceOp::Sum)
                .Case("max", t::ReduceOp::Max)
                .Case("min", t::ReduceOp::Min)
                .Default(std::nullopt);
  if (!op)
    return fail(expr->loc, "'" + expr->callee.name + "' takes no axes");
  // Binders give extents; a reduced axis without one gets it from inside.
  AxisEnv inner = env;
  bool ok = true;
  StringSet<> names;
  for (const AxisBinder &binder : expr->axes) {
    StringRef name = binder.axis.name;
    if (!names.insert(name).second)
      ok = error(binder.axis.loc, "axis " + name + " is reduced twice");
    if (Symbol *symbol = lookup(name);
        symbol && symbol->kind != Symbol::Poison) {
      ok = error(binder.axis.loc, "axis " + name + " of '" + expr->callee.name +
                                      "' has the name of " +
                                      describe(symbol->kind));
      note(symbol->loc, "declared here");
      continue;
    }
    inner.remove(name);
    if (!binder.extent)
      continue;
    // An argument of this function must not be captured by its binder.
    for (Scope *s = scope; s; s = s->parent)
      for (auto &entry : s->names)
        if (entry.second->kind == Symbol::Param &&
            entry.second->value->type.find(name)) {
          ok = error(binder.axis.loc,
                     "axis " + name + " of argument " + entry.first() +
                         " would be taken for the one that this '" +
                         expr->callee.name + "' introduces");
          note(entry.second->value->loc, "the argument is here");
        }
    const t::Expr *extent = checkAlone(binder.extent, env);
    if (isa<t::ErrorExpr>(extent)) {
      ok = false;
      continue;
    }
    if (!t::isInteger(extent->type.elem) || !extent->type.isScalar()) {
      ok = error(binder.extent->loc, "the extent of axis " + name +
                                         " must be a scalar integer, not " +
                                         t::toString(extent->type));
      continue;
    }
    if (auto value = t::constantValue(extent); value && *value < 1) {
      ok = error(binder.extent->loc,
                 "axis " + name + " has " + Twine(*value) + " elements");
      continue;
    }
    inner.set({name, extent, binder.axis.loc});
  }
  if (!ok)
    return errorExpr(expr->loc);
  if (!probing)
    inner.add(probe(expr->args[0], inner)->type);
  const t::Expr *operand = check(expr->args[0], inner);
  if (isa<t::ErrorExpr>(operand))
    return operand;
  t::Elem elem = operand->type.elem;
  if (!t::isInteger(elem) && !t::isFloat(elem))
    return fail(expr->loc, "'" + expr->callee.name + "' takes numbers, not " +
                               t::toString(operand->type));
  if (!checkComputes(elem, "'" + expr->callee.name + "'", expr))
    return errorExpr(expr->loc);
  SmallVector<t::Axis, 4> over, left;
  for (const AxisBinder &binder : expr->axes) {
    const t::Axis *axis = operand->type.find(binder.axis.name);
    if (!axis) {
      error(binder.axis.loc, "axis " + binder.axis.name + " is not in " +
                                 text(expr->args[0]) + ", whose type is " +
                                 t::toString(operand->type));
      return errorExpr(expr->loc);
    }
    if (const t::Axis *given =
            binder.extent ? inner.find(binder.axis.name) : nullptr;
        given && !sameExtent(*given, *axis)) {
      error(binder.axis.loc,
            "axis " + binder.axis.name + " has " + extentText(given->extent) +
                " elements in '" + expr->callee.name + "' and " +
                extentText(axis->extent) + " in " + text(expr->args[0]));
      note(axis->loc, "axis " + axis->name + " has " +
                          extentText(axis->extent) + " elements here");
      return errorExpr(expr->loc);
    }
    over.push_back(*axis);
  }
  for (const t::Axis &axis : operand->type.axes)
    if (!names.contains(axis.name))
      left.push_back(axis);
  auto *result = node<t::ReduceExpr>();
  result->op = *op;
  result->over = list(over);
  result->operand = operand;
  return finish(result, expr,
                {t::isInteger(elem) ? t::Elem::Int : elem, list(left)});
}

const t::Expr *Sema::checkClusterSum(const CallExpr *expr, const AxisEnv &env) {
  if (!arity(expr, 1, 1))
    return errorExpr(expr->loc);
  if (expr->axes.size() != 1 || expr->axes[0].extent)
    return fail(expr->loc, "cluster_sum takes one component of an iterator: "
                           "cluster_sum<s>(x)");
  Ident name = expr->axes[0].axis;
  Symbol *symbol = lookup(name.name);
  auto component = symbol && symbol->kind == Symbol::Var
                       ? components.find(symbol->var)
                       : components.end();
  if (component == components.end())
    return fail(name.loc, "cluster_sum adds over a component of an iterator; " +
                              name.name + " is none");
  auto [iterator, index] = component->second;
  const t::IterDim &dim = iterator->kind == t::Iterator::Tiles
                              ? iterator->dims[index]
                              : iterator->clusters[index];
  if (!dim.clustered) {
    error(name.loc, "component " + dim.name + " of " + iterator->name +
                        " is not clustered, so there is nothing to add");
    note(dim.loc, dim.name + " is declared here");
    fixit(iterator->loc, "add 'cluster n over " + dim.name + "'");
    return errorExpr(expr->loc);
  }
  const t::Expr *operand = check(expr->args[0], env);
  if (isa<t::ErrorExpr>(operand))
    return operand;
  if (operand->type.elem != t::Elem::F32 && operand->type.elem != t::Elem::I32)
    return fail(expr->loc, "cluster_sum takes f32 or i32, not " +
                               t::toString(operand->type));
  auto *result = node<t::ReduceExpr>();
  result->op = t::ReduceOp::ClusterSum;
  result->operand = operand;
  result->clusterVar = symbol->var;
  return finish(result, expr, operand->type);
}

//===----------------------------------------------------------------------===//
// mma
//===----------------------------------------------------------------------===//

/// The kinds of multiplicands that one MMA can mix.
static int mmaKind(t::Elem elem) {
  switch (elem) {
  case t::Elem::E4M3:
  case t::Elem::E5M2:
  case t::Elem::E2M1:
    return 1;
  case t::Elem::BF16:
    return 2;
  case t::Elem::F16:
    return 3;
  case t::Elem::TF32:
    return 4;
  case t::Elem::I8:
  case t::Elem::U8:
    return 5;
  default:
    return 0;
  }
}

const t::Expr *Sema::checkMma(const CallExpr *expr, const AxisEnv &env) {
  if (!arity(expr, 2, 2))
    return errorExpr(expr->loc);
  // Contracted axes get their extents from inside.
  AxisEnv inner = env;
  if (!probing) {
    inner.add(probe(expr->args[0], env)->type);
    inner.add(probe(expr->args[1], env)->type);
  }
  const t::Expr *operands[2], *scales[2] = {nullptr, nullptr};
  for (unsigned i = 0; i < 2; ++i) {
    // `mma(a*sa, b*sb)`: the product is no elementwise one, its types differ.
    const Expr *arg = expr->args[i];
    if (auto *product = dyn_cast<BinaryExpr>(arg);
        product && product->op == BinaryOp::Mul) {
      operands[i] = check(product->lhs, inner);
      scales[i] = check(product->rhs, inner);
      if (isa<t::ErrorExpr>(scales[i]))
        return scales[i];
    } else {
      operands[i] = check(arg, inner);
    }
    if (isa<t::ErrorExpr>(operands[i]))
      return operands[i];
  }
  t::Elem elems[2] = {operands[0]->type.elem, operands[1]->type.elem};
  for (unsigned i = 0; i < 2; ++i) {
    if (mmaKind(elems[i]))
      continue;
    error(expr->args[i]->loc,
          "mma multiplies e4m3, e5m2, e2m1, bf16, f16, tf32 or i8, not " +
              t::spelling(elems[i]) + ": " + text(expr->args[i]));
    if (elems[i] == t::Elem::F32)
      fixit(expr->args[i]->loc, "tf32(" + text(expr->args[i]) + ")");
    return errorExpr(expr->loc);
  }
  if (mmaKind(elems[0]) != mmaKind(elems[1]))
    return fail(expr->loc, "mma cannot multiply " + t::spelling(elems[0]) +
                               " by " + t::spelling(elems[1]) + ": " +
                               text(expr));
  for (unsigned i = 0; i < 2; ++i) {
    if (!scales[i])
      continue;
    if (scales[i]->type.elem != t::Elem::UE8M0 &&
        scales[i]->type.elem != t::Elem::F32)
      return fail(expr->args[i]->loc, "a scale of an mma operand is ue8m0 or "
                                      "f32, not " +
                                          t::spelling(scales[i]->type.elem));
    for (const t::Axis &axis : scales[i]->type.axes) {
      const t::Axis *own = operands[i]->type.find(axis.name);
      if (own && sameExtent(*own, axis))
        continue;
      return fail(expr->args[i]->loc,
                  "the scale has axis " + axis.name + " (" +
                      extentText(axis.extent) +
                      " elements), which its "
                      "operand " +
                      (own ? "has with " + extentText(own->extent)
                           : std::string("lacks")));
    }
  }
  auto *mma = node<t::ContractExpr>();
  mma->a = operands[0];
  mma->b = operands[1];
  mma->scaleA = scales[0];
  mma->scaleB = scales[1];
  SmallVector<t::Axis, 4> contracted, axes;
  for (const t::Axis &axis : mma->a->type.axes) {
    const t::Axis *other = mma->b->type.find(axis.name);
    if (!other) {
      axes.push_back(axis);
      continue;
    }
    if (!sameExtent(axis, *other)) {
      error(expr->loc, "axis " + axis.name + " has " + extentText(axis.extent) +
                           " elements in " + text(expr->args[0]) + " and " +
                           extentText(other->extent) + " in " +
                           text(expr->args[1]));
      note(axis.loc, "axis " + axis.name + " of the first operand");
      note(other->loc, "axis " + axis.name + " of the second operand");
      return errorExpr(expr->loc);
    }
    contracted.push_back(axis.extent ? axis : *other);
  }
  for (const t::Axis &axis : mma->b->type.axes)
    if (!mma->a->type.find(axis.name))
      axes.push_back(axis);
  if (contracted.empty()) {
    error(expr->loc, "operands of mma share no axis to contract: " +
                         t::toString(mma->a->type) + " and " +
                         t::toString(mma->b->type));
    fixit(expr->loc, "give the axis that is summed one name, for example with "
                     "x<k as j>");
    return errorExpr(expr->loc);
  }
  if (axes.size() + contracted.size() == mma->b->type.axes.size() ||
      axes.size() + contracted.size() == mma->a->type.axes.size())
    return fail(expr->loc, "operands of mma share all axes of one side: " +
                               t::toString(mma->a->type) + " and " +
                               t::toString(mma->b->type));
  mma->contracted = list(contracted);
  for (const CallOption &option : expr->options) {
    if (option.name.name == "fast") {
      mma->fast = true;
      continue;
    }
    auto every = checkConstInt(option.value, "the interval of promotion");
    if (!every)
      return errorExpr(expr->loc);
    if (*every < 1)
      return fail(option.value->loc, "the interval of promotion must be "
                                     "positive");
    // A part of one mma's K that the tensor core can sum, or several whole
    // ones. 32 bytes of K is what one instruction takes.
    int64_t k = 1, step = 256 / std::max(8u, t::bitWidth(elems[0]));
    for (const t::Axis &axis : mma->contracted)
      if (auto extent = axis.constant(); !extent || MulOverflow(k, *extent, k))
        k = 0;
    if (k > 0 && *every % k != 0 && (k % *every != 0 || *every % step != 0)) {
      error(option.value->loc,
            "every " + Twine(*every) + ": this mma contracts " + Twine(k) +
                " elements; the interval of promotion is a multiple of that, "
                "or a divisor of it that is a multiple of " +
                Twine(step));
      return errorExpr(expr->loc);
    }
    mma->every = *every;
  }
  if (mma->fast && mma->every)
    return fail(expr->loc, "'fast' and 'every' exclude each other");
  bool ints = mmaKind(elems[0]) == 5;
  const t::Expr *result =
      finish(mma, expr, {ints ? t::Elem::I32 : t::Elem::F32, list(axes)});
  if (!probing && result == mma)
    checkMmaShape(mma);
  return result;
}

//===----------------------------------------------------------------------===//
// Escapes
//===----------------------------------------------------------------------===//

const t::Expr *Sema::checkPtx(const CallExpr *expr, const AxisEnv &env) {
  auto *body =
      expr->args.empty() ? nullptr : dyn_cast<StringExpr>(expr->args[0]);
  if (!body)
    return fail(expr->loc, "ptx takes a string first: ptx(\"…\", arguments)");
  SmallVector<const t::Expr *, 4> args;
  bool ok = true;
  for (const Expr *arg : expr->args.drop_front()) {
    args.push_back(check(arg, env));
    ok &= !isa<t::ErrorExpr>(args.back());
    if (args.back()->type.elem == t::Elem::Number)
      args.back() = adapt(args.back(), t::Elem::F32);
  }
  if (!ok)
    return errorExpr(expr->loc);
  auto *ptx = node<t::PtxExpr>();
  ptx->text = body->value;
  ptx->args = list(args);
  // Its declaration gives the result a type.
  return finish(ptx, expr, scalar(t::Elem::None));
}

const t::Expr *Sema::checkFetchAdd(const CallExpr *expr, const AxisEnv &env) {
  if (!arity(expr, 2, 2))
    return errorExpr(expr->loc);
  if (context != Context::Role)
    return fail(expr->loc, "fetch_add belongs in a role: all roles replay "
                           "what stands here");
  const t::Expr *target = check(expr->args[0], env);
  const t::Expr *value = check(expr->args[1], env);
  if (isa<t::ErrorExpr>(target) || isa<t::ErrorExpr>(value))
    return errorExpr(expr->loc);
  if (!isa<t::CounterRead>(target))
    return fail(expr->loc,
                "fetch_add takes a counter, not " + text(expr->args[0]));
  if (!checkWritable(target, "fetch_add", expr->args[0]->loc))
    return errorExpr(expr->loc);
  if (!target->type.isScalar() || !value->type.isScalar())
    return fail(
        expr->loc,
        "fetch_add takes scalars, not " +
            t::toString(target->type.isScalar() ? value->type : target->type));
  auto elem = meet(target, value, "fetch_add", expr);
  if (!elem)
    return errorExpr(expr->loc);
  auto *result = node<t::FetchAddExpr>();
  result->target = target;
  result->value = value;
  return finish(result, expr, scalar(*elem));
}

const t::Expr *Sema::checkStride(const CallExpr *expr) {
  if (!arity(expr, 2, 2))
    return errorExpr(expr->loc);
  auto *name = dyn_cast<NameExpr>(expr->args[0]);
  Symbol *symbol = name ? lookup(name->name) : nullptr;
  if (!symbol || symbol->kind != Symbol::Tensor || symbol->tensor->isView())
    return fail(expr->args[0]->loc,
                "stride takes a tensor among the parameters, not " +
                    text(expr->args[0]));
  auto dim = checkConstInt(expr->args[1], "the dimension of a stride");
  if (!dim)
    return errorExpr(expr->loc);
  if (*dim < 0 || *dim >= int64_t(symbol->tensor->shape.size()))
    return fail(expr->args[1]->loc,
                symbol->name + " has dimensions 0 to " +
                    Twine(symbol->tensor->shape.size() - 1) + ", not " +
                    Twine(*dim));
  if (*dim == symbol->tensor->major)
    return intConst(1, expr);
  auto *result = node<t::StrideExpr>();
  result->tensor = symbol->tensor;
  result->dim = *dim;
  return finish(result, expr, scalar(t::Elem::Int));
}

} // namespace tilewright::dsl
