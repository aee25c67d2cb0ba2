//===- SemaExpr.cpp - types of expressions --------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sema.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace llvm;

namespace tilewright::dsl {

//===----------------------------------------------------------------------===//
// Entry points
//===----------------------------------------------------------------------===//

const t::Expr *Sema::probe(const Expr *expr, const AxisEnv &env) {
  ++probing;
  const t::Expr *result = check(expr, env);
  --probing;
  return result;
}

const t::Expr *Sema::checkAlone(const Expr *expr, const AxisEnv &outer) {
  AxisEnv env = outer;
  env.add(probe(expr, env)->type);
  return check(expr, env);
}

const t::Expr *Sema::checkIndex(const Expr *expr, const Twine &what) {
  std::string text = what.str();
  return requireIndex(checkAlone(expr), expr, text);
}

const t::Expr *Sema::requireIndex(const t::Expr *e, const Expr *expr,
                                  const Twine &what) {
  std::string text = what.str();
  if (isa<t::ErrorExpr>(e))
    return e;
  if (!t::isInteger(e->type.elem))
    return fail(expr->loc,
                text + " must be an integer, not " + t::toString(e->type));
  if (!e->type.isScalar())
    return fail(expr->loc, text + " must be a scalar; " + this->text(expr) +
                               " has axis " + e->type.axes[0].name);
  return e;
}

std::optional<int64_t> Sema::checkConstInt(const Expr *expr,
                                           const Twine &what) {
  std::string text = what.str();
  const t::Expr *e = checkIndex(expr, text);
  if (isa<t::ErrorExpr>(e))
    return std::nullopt;
  auto value = t::constantValue(e);
  if (!value)
    error(expr->loc, text + " must be a constant, not " + t::toString(e));
  return value;
}

const t::Expr *Sema::checkCondition(const Expr *expr, const Twine &what) {
  std::string text = what.str();
  const t::Expr *e = checkAlone(expr);
  if (isa<t::ErrorExpr>(e))
    return e;
  if (e->type.elem != t::Elem::Bool || !e->type.isScalar())
    return fail(expr->loc,
                text + " must be true or false, not " + t::toString(e->type));
  return e;
}

const t::Expr *Sema::check(const Expr *expr, const AxisEnv &env) {
  if (exhausted)
    return errorExpr(expr->loc);
  if (depth >= maxExprDepth)
    return fail(expr->loc, "expression is too deep once functions and names "
                           "in it are expanded");
  ++depth;
  const Expr *saved = current;
  current = expr;
  const t::Expr *result = checkNode(expr, env);
  current = saved;
  --depth;
  return result;
}

const t::Expr *Sema::checkNode(const Expr *expr, const AxisEnv &env) {
  return TypeSwitch<const Expr *, const t::Expr *>(expr)
      .Case<IntExpr>([&](auto *e) { return intConst(e->value, e); })
      .Case<FloatExpr>([&](auto *e) {
        auto *value = node<t::FloatConst>();
        value->value = e->value;
        return finish(value, e, scalar(t::Elem::Number));
      })
      .Case<BoolExpr>([&](auto *e) { return boolConst(e->value, e); })
      .Case<NameExpr>([&](auto *e) { return checkName(e, env); })
      .Case<MemberExpr>([&](auto *e) { return checkMember(e, env); })
      .Case<IndexExpr>([&](auto *e) { return checkIndexExpr(e, env); })
      .Case<CallExpr>([&](auto *e) { return checkCall(e, env); })
      .Case<RenameExpr>([&](auto *e) { return checkRename(e, env); })
      .Case<BinaryExpr>([&](auto *e) { return checkBinary(e, env); })
      .Case<CompareExpr>([&](auto *e) { return checkCompare(e, env); })
      .Case<WhereExpr>([&](auto *e) { return checkWhere(e, env); })
      .Case<UnaryExpr>([&](auto *e) -> const t::Expr * {
        const t::Expr *operand = check(e->operand, env);
        if (isa<t::ErrorExpr>(operand))
          return operand;
        t::Elem elem = operand->type.elem;
        if (e->op == UnaryOp::Not) {
          if (elem != t::Elem::Bool)
            return fail(e->loc, "'not' takes a condition, not " +
                                    t::toString(operand->type));
          if (auto value = t::constantValue(operand))
            return boolConst(!*value, e);
          auto *result = node<t::NotExpr>();
          result->operand = operand;
          return finish(result, e, operand->type);
        }
        if (auto value = t::constantValue(operand); value && t::isInteger(elem))
          return intBinary(t::Op::Sub, intConst(0, e), operand, e,
                           operand->type);
        if (auto *value = dyn_cast<t::FloatConst>(operand)) {
          auto *result = node<t::FloatConst>();
          result->value = -value->value;
          return finish(result, e, operand->type);
        }
        if (!t::isInteger(elem) && !t::isFloat(elem) && elem != t::Elem::Number)
          return fail(e->loc,
                      "'-' takes a number, not " + t::toString(operand->type));
        if (!checkComputes(elem, "'-'", e))
          return errorExpr(e->loc);
        auto *result = node<t::NegExpr>();
        result->operand = operand;
        t::Type type = operand->type;
        if (t::isInteger(elem))
          type.elem = t::Elem::Int;
        return finish(result, e, type);
      })
      .Case<RegExpr>([&](auto *e) -> const t::Expr * {
        const t::Expr *operand = check(e->operand, env);
        if (isa<t::ErrorExpr>(operand))
          return operand;
        if (operand->type.elem == t::Elem::Number)
          operand = adapt(operand, t::Elem::F32);
        auto *result = node<t::RegExpr>();
        result->operand = operand;
        return finish(result, e, operand->type);
      })
      .Case<AtRankExpr>([&](auto *e) {
        return fail(e->loc, "'" + text(e) + "' needs a subscript: " +
                                text(e->base) + "@r[…]");
      })
      .Case<GetExpr>([&](auto *e) {
        return fail(e->loc, "'get' gives a slot, which needs a name: s = get " +
                                e->pipe.name);
      })
      .Case<ViewExpr>([&](auto *e) {
        return fail(e->loc, "a view needs a name: V = view …");
      })
      .Case<TupleExpr>([&](auto *e) {
        return fail(e->loc, "a list of values stands only after 'in'");
      })
      .Case<StringExpr>([&](auto *e) {
        return fail(e->loc, "a string stands only in ptx(\"…\")");
      })
      .Case<RangeExpr>([&](auto *e) {
        return fail(e->loc, "a range stands only after 'in'");
      })
      .Default([&](const Expr *e) { return errorExpr(e->loc); });
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

static std::optional<t::BuiltinExpr::Which> builtin(StringRef name) {
  return StringSwitch<std::optional<t::BuiltinExpr::Which>>(name)
      .Case("cta", t::BuiltinExpr::Cta)
      .Case("num_ctas", t::BuiltinExpr::NumCtas)
      .Case("rank", t::BuiltinExpr::Rank)
      .Case("num_ranks", t::BuiltinExpr::NumRanks)
      .Default(std::nullopt);
}

const t::Expr *Sema::checkName(const NameExpr *expr, const AxisEnv &env) {
  if (Symbol *symbol = lookup(expr->name))
    return checkSymbol(*symbol, expr, env);
  if (auto which = builtin(expr->name)) {
    auto *value = node<t::BuiltinExpr>();
    value->which = *which;
    return finish(value, expr, scalar(t::Elem::Int));
  }
  if (expr->name == "inf") {
    auto *value = node<t::FloatConst>();
    value->value = std::numeric_limits<double>::infinity();
    return finish(value, expr, scalar(t::Elem::Number));
  }
  // Neither declared nor known: an axis.
  if (const t::Axis *axis = env.find(expr->name))
    return axisRef(*axis, expr);
  if (probing)
    return axisRef({expr->name, nullptr, expr->loc}, expr);
  auto gone = goneSlots.find(expr->name);
  if (gone != goneSlots.end()) {
    error(expr->loc, "slot " + expr->name + " cannot outlive its block");
    note(gone->second, "it is declared here");
    return errorExpr(expr->loc);
  }
  error(expr->loc, "'" + expr->name +
                       "' is not declared; as an axis it has no extent: no "
                       "other operand has axis " +
                       expr->name + ". A binder gives it one: min<" +
                       expr->name + ": …>(…)");
  return errorExpr(expr->loc);
}

const t::Expr *Sema::checkSymbol(const Symbol &symbol, const Expr *at,
                                 const AxisEnv &env) {
  switch (symbol.kind) {
  case Symbol::Const:
  case Symbol::Alias:
    return relocate(symbol.value, at);
  case Symbol::Param:
    return symbol.value;
  case Symbol::Dim:
    if (symbol.dim->baked && !keepDims)
      return intConst(*symbol.dim->baked, at);
    {
      auto *ref = node<t::DimRef>();
      ref->dim = symbol.dim;
      return finish(ref, at, scalar(t::Elem::Int));
    }
  case Symbol::Var:
    if (role)
      useAxes(symbol.var->type, at->loc);
    return varRef(symbol.var, at);
  case Symbol::Macro: {
    ScopeGuard guard(*this, symbol.scope);
    return check(symbol.syntax, env);
  }
  case Symbol::Poison:
    return errorExpr(at->loc);
  case Symbol::Tensor:
    error(at->loc, "tensor " + symbol.name +
                       " needs a subscript for each of "
                       "its " +
                       Twine(symbol.tensor->shape.size()) + " dimensions");
    break;
  case Symbol::Counter:
    // A counter without dimensions is read by its name.
    if (symbol.counter->dims.empty()) {
      auto *read = node<t::CounterRead>();
      read->counter = symbol.counter;
      read->place = t::Place::Counter;
      return finish(read, at, scalar(t::Elem::Int));
    }
    error(at->loc, "counter " + symbol.name +
                       " needs a subscript for each of "
                       "its " +
                       Twine(symbol.counter->dims.size()) + " dimensions");
    break;
  case Symbol::Slot:
    error(at->loc, "slot " + symbol.name +
                       " is not a value: name one of its "
                       "fields (" +
                       symbol.name + "." +
                       (symbol.slot->pipe->fields.empty()
                            ? StringRef("f")
                            : symbol.slot->pipe->fields[0].name) +
                       ")");
    break;
  default:
    error(at->loc, "'" + symbol.name + "' is " + describe(symbol.kind) +
                       ", not a value");
    break;
  }
  note(symbol.loc, "declared here");
  return errorExpr(at->loc);
}

const t::Expr *Sema::checkMember(const MemberExpr *expr, const AxisEnv &env) {
  auto *name = dyn_cast<NameExpr>(expr->base);
  Symbol *symbol = name ? lookup(name->name) : nullptr;
  if (symbol && symbol->kind == Symbol::Poison)
    return errorExpr(expr->loc);
  if (!symbol || symbol->kind != Symbol::Slot) {
    if (name && !symbol) {
      auto gone = goneSlots.find(name->name);
      if (gone != goneSlots.end()) {
        error(expr->start, "slot " + name->name + " cannot outlive its block");
        note(gone->second, "it is declared here, and is gone when that block "
                           "ends");
      } else {
        error(expr->start, "'" + name->name + "' is not declared");
      }
    } else {
      error(expr->loc,
            "only a slot has fields; " + text(expr->base) + " is " +
                (symbol ? describe(symbol->kind) : StringRef("an expression")));
    }
    return errorExpr(expr->loc);
  }
  const t::Pipe *pipe = symbol->slot->pipe;
  for (const t::Field &field : pipe->fields) {
    if (field.name != expr->member.name)
      continue;
    auto *ref = node<t::FieldRef>();
    ref->slot = symbol->slot;
    ref->field = &field;
    ref->place = t::Place::SlotField;
    useAxes(field.type, expr->loc);
    return finish(ref, expr, field.type);
  }
  std::string fields;
  for (const t::Field &field : pipe->fields)
    fields += (fields.empty() ? "" : ", ") + field.name.str();
  error(expr->member.loc, "pipe " + pipe->name + " has no field " +
                              expr->member.name + " (" + text(expr) +
                              "); it has " + fields);
  note(pipe->loc, "pipe " + pipe->name + " is declared here");
  return errorExpr(expr->loc);
}

//===----------------------------------------------------------------------===//
// Subscripts
//===----------------------------------------------------------------------===//

/// Joins the axes of several integer subscripts.
static void joinAxes(SmallVectorImpl<t::Axis> &axes, const t::Type &type) {
  for (const t::Axis &axis : type.axes) {
    auto *old =
        find_if(axes, [&](const t::Axis &a) { return a.name == axis.name; });
    if (old == axes.end())
      axes.push_back(axis);
    else if (!old->extent)
      *old = axis;
  }
}

const t::Expr *Sema::checkIndexExpr(const IndexExpr *expr, const AxisEnv &env) {
  const Expr *base = expr->base;
  const t::Expr *rank = nullptr;
  if (auto *at = dyn_cast<AtRankExpr>(base)) {
    rank = check(at->rank, env);
    if (isa<t::ErrorExpr>(rank))
      return rank;
    if (!t::isInteger(rank->type.elem))
      return fail(at->rank->loc,
                  "a rank is an integer, not " + t::toString(rank->type));
    base = at->base;
  }
  auto *name = dyn_cast<NameExpr>(base);
  if (!name) {
    error(expr->loc, "only tensors and counters take subscripts; " +
                         text(base) + " is neither");
    if (isa<MemberExpr>(base))
      fixit(expr->loc,
            "subscript an axis of a field with " + text(base) + "<axis at …>");
    return errorExpr(expr->loc);
  }
  Symbol *symbol = lookup(name->name);
  if (!symbol)
    return fail(name->loc, "'" + name->name + "' is not declared");
  if (symbol->kind == Symbol::Poison)
    return errorExpr(expr->loc);
  bool isCounter = symbol->kind == Symbol::Counter;
  if (!isCounter && symbol->kind != Symbol::Tensor) {
    error(expr->loc, "only tensors and counters take subscripts; " +
                         name->name + " is " + describe(symbol->kind));
    note(symbol->loc, "declared here");
    if (symbol->kind == Symbol::Var && !symbol->var->type.isScalar())
      fixit(expr->loc,
            "subscript an axis of a tile with " + name->name + "<axis at …>");
    return errorExpr(expr->loc);
  }
  size_t dims =
      isCounter ? symbol->counter->dims.size() : symbol->tensor->shape.size();
  if (expr->subs.size() != dims) {
    error(expr->loc,
          "'" + name->name + "' has " + Twine(dims) +
              (dims == 1 ? " dimension, not " : " dimensions, not ") +
              Twine(expr->subs.size()));
    note(symbol->loc, "declared here");
    return errorExpr(expr->loc);
  }
  if (rank && isCounter && symbol->counter->scope != t::Counter::Ranks) {
    error(expr->loc, "counter " + name->name +
                         " exists on this rank only: "
                         "declare it 'in ranks' to use "
                         "it with '@'");
    note(symbol->loc, "declared here");
    return errorExpr(expr->loc);
  }
  if (rank && !isCounter && !symbol->tensor->symm) {
    error(expr->loc, "'" + name->name +
                         "' is not `symm`: it exists on this "
                         "rank only");
    note(symbol->loc, "declared here");
    return errorExpr(expr->loc);
  }
  if (!isCounter && symbol->tensor->mode == t::Tensor::Out && expr != target) {
    error(expr->loc, "'" + name->name +
                         "' is `out`: it is only written; to "
                         "read it, declare it `inout`");
    note(symbol->loc, "declared here");
    return errorExpr(expr->loc);
  }
  SmallVector<const t::Expr *, 4> subs;
  SmallVector<t::Axis, 4> axes;
  bool ok = true;
  if (rank)
    joinAxes(axes, rank->type);
  for (const Expr *sub : expr->subs) {
    const t::Expr *e = check(sub, env);
    if (isa<t::ErrorExpr>(e)) {
      ok = false;
    } else if (!t::isInteger(e->type.elem)) {
      ok = error(sub->loc, "a subscript is an integer expression, not " +
                               t::toString(e->type));
    }
    joinAxes(axes, e->type);
    subs.push_back(e);
  }
  if (!ok)
    return errorExpr(expr->loc);
  if (isCounter) {
    auto *read = node<t::CounterRead>();
    read->counter = symbol->counter;
    read->subs = list(subs);
    read->rank = rank;
    read->place = t::Place::Counter;
    return finish(read, expr, {t::Elem::Int, list(axes)});
  }
  auto *read = node<t::TensorRead>();
  read->tensor = symbol->tensor;
  read->subs = list(subs);
  read->rank = rank;
  read->place = t::Place::Tensor;
  const t::Expr *result =
      finish(read, expr, {symbol->tensor->elem, list(axes)});
  if (!probing)
    recordSubscripts(read);
  return result;
}

/// `x<k as j>`, `x<k at e>`, applied from left to right.
const t::Expr *Sema::checkRename(const RenameExpr *expr, const AxisEnv &env) {
  // Inside, the old names: their extents come from the base, or through the
  // new names.
  AxisEnv inner = env;
  for (const AxisRename &r : reverse(expr->renames)) {
    const t::Axis *known = r.at ? nullptr : inner.find(r.to.name);
    t::Axis axis = known ? *known : t::Axis();
    inner.remove(r.from.name);
    if (known) {
      axis.name = r.from.name;
      inner.remove(r.to.name);
      inner.set(axis);
    }
  }
  if (!probing)
    inner.add(probe(expr->base, inner)->type);
  const t::Expr *base = check(expr->base, inner);
  if (isa<t::ErrorExpr>(base))
    return base;
  for (const AxisRename &r : expr->renames) {
    const t::Axis *axis = base->type.find(r.from.name);
    if (!axis) {
      error(r.from.loc, text(expr->base) + " has no axis " + r.from.name +
                            "; its type is " + t::toString(base->type));
      return errorExpr(expr->loc);
    }
    if (r.at) {
      const t::Expr *index = check(r.at, env);
      if (isa<t::ErrorExpr>(index))
        return index;
      if (!t::isInteger(index->type.elem))
        return fail(r.at->loc, "a subscript is an integer expression, not " +
                                   t::toString(index->type));
      base = checkAt(base, r.from.name, index, expr);
      if (isa<t::ErrorExpr>(base))
        return base;
      continue;
    }
    if (base->type.find(r.to.name) && r.to.name != r.from.name) {
      error(r.to.loc, text(expr->base) + " already has an axis " + r.to.name);
      return errorExpr(expr->loc);
    }
    SmallVector<t::Axis, 4> axes(base->type.axes);
    for (t::Axis &a : axes)
      if (a.name == r.from.name) {
        a.name = r.to.name;
        a.loc = r.to.loc;
      }
    auto *result = node<t::RenameExpr>();
    result->operand = base;
    result->place = base->place;
    SmallVector<AxisRename, 1> renames{r};
    result->renames = list(renames);
    base = finish(result, expr, {base->type.elem, list(axes)});
    if (isa<t::ErrorExpr>(base))
      return base;
    useAxes(base->type, expr->loc);
  }
  return base;
}

const t::Expr *Sema::checkAt(const t::Expr *base, StringRef axis,
                             const t::Expr *index, const Expr *at) {
  SmallVector<t::Axis, 4> axes;
  for (const t::Axis &a : base->type.axes)
    if (a.name != axis)
      axes.push_back(a);
  for (const t::Axis &a : index->type.axes) {
    if (any_of(base->type.axes, [&](const t::Axis &b) {
          return b.name == a.name && b.name != axis;
        }))
      return fail(at->loc,
                  "axis " + a.name + " would index two axes of " + text(at));
  }
  joinAxes(axes, {t::Elem::Int, index->type.axes});
  t::Type type{base->type.elem, list(axes)};
  if (auto *field = dyn_cast<t::FieldRef>(base)) {
    // The axes of a field that no turn has replaced are still its own; an
    // axis that came from an earlier turn is subscripted as a value.
    bool own = any_of(field->field->type.axes,
                      [&](const t::Axis &a) { return a.name == axis; });
    SmallVector<const t::Expr *, 4> subs(field->subs);
    if (subs.empty())
      for (const t::Axis &a : field->field->type.axes)
        subs.push_back(axisRef(a, at));
    for (auto [i, a] : enumerate(field->field->type.axes)) {
      auto *ref = dyn_cast<t::AxisRef>(subs[i]);
      if (!own || a.name != axis || !ref || ref->name != axis)
        continue;
      subs[i] = index;
      auto *result = node<t::FieldRef>();
      result->slot = field->slot;
      result->field = field->field;
      result->subs = list(subs);
      result->place = t::Place::SlotField;
      return finish(result, at, type);
    }
  }
  auto *result = node<t::AtExpr>();
  result->operand = base;
  result->axis = axis;
  result->index = index;
  result->place = base->place;
  return finish(result, at, type);
}

} // namespace tilewright::dsl
