//===- SemaNodes.cpp - building typed nodes, scopes -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sema.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace tilewright::dsl {

StringRef describe(Symbol::Kind kind) {
  switch (kind) {
  case Symbol::Const:
  case Symbol::TypeConst:
  case Symbol::MajorConst:
    return "a constant";
  case Symbol::Dim:
    return "a dimension";
  case Symbol::Tensor:
    return "a tensor";
  case Symbol::Var:
    return "a variable";
  case Symbol::Iterator:
    return "an iterator";
  case Symbol::Pipe:
    return "a pipe";
  case Symbol::Counter:
    return "a counter";
  case Symbol::Role:
    return "a role";
  case Symbol::Fn:
    return "a function";
  case Symbol::Slot:
    return "a slot";
  case Symbol::Alias:
  case Symbol::Macro:
  case Symbol::Poison:
    return "a name";
  case Symbol::Param:
    return "a parameter";
  }
  return "a name";
}

//===----------------------------------------------------------------------===//
// Diagnostics
//===----------------------------------------------------------------------===//

bool Sema::error(SMLoc loc, const Twine &message) {
  if (probing)
    return false;
  if (current && current->loc == loc)
    diags.error(loc, message, current->getRange());
  else
    diags.error(loc, message);
  for (auto &[fn, call] : reverse(fnStack))
    diags.note(call,
               "in the expansion of '" + fn->name.name + "', called here");
  return false;
}

std::string Sema::text(const Expr *expr) {
  // The source itself, if it is on one line.
  StringRef source(expr->start.getPointer(),
                   expr->end.getPointer() - expr->start.getPointer());
  if (!source.empty() && source.size() <= 80 && !source.contains('\n'))
    return source.str();
  std::string result;
  raw_string_ostream os(result);
  printSource(expr, os);
  return result.size() <= 120 ? result : result.substr(0, 117) + "...";
}

std::string Sema::extentText(const t::Expr *extent) {
  return extent ? t::toString(extent) : "an unknown number of";
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

const t::Expr *Sema::finish(t::Expr *expr, const Expr *at, t::Type type) {
  expr->type = type;
  expr->loc = at->loc;
  expr->range = at->getRange();
  uint64_t size = 1;
  unsigned height = 0;
  for (const t::Expr *child : t::children(expr)) {
    size += child->size;
    height = std::max<unsigned>(height, child->height);
  }
  if (size > t::Expr::maxSize || height + 1 > t::Expr::maxHeight)
    return fail(at->loc, "expression is too large once functions and names in "
                         "it are expanded");
  expr->size = size;
  expr->height = height + 1;
  return expr;
}

const t::Expr *Sema::errorExpr(SMLoc loc) {
  auto *expr = node<t::ErrorExpr>();
  expr->loc = loc;
  return expr;
}

const t::Expr *Sema::intConst(int64_t value, const Expr *at) {
  auto *expr = node<t::IntConst>();
  expr->value = value;
  return finish(expr, at, scalar(t::Elem::Int));
}

const t::Expr *Sema::boolConst(bool value, const Expr *at) {
  auto *expr = node<t::BoolConst>();
  expr->value = value;
  return finish(expr, at, scalar(t::Elem::Bool));
}

const t::Expr *Sema::axisRef(const t::Axis &axis, const Expr *at) {
  auto *expr = node<t::AxisRef>();
  expr->name = axis.name;
  SmallVector<t::Axis, 1> axes{axis};
  return finish(expr, at, {t::Elem::Int, list(axes)});
}

const t::Expr *Sema::varRef(const t::Var *var, const Expr *at) {
  auto *expr = node<t::VarRef>();
  expr->var = var;
  expr->place =
      var->kind == t::Var::Variable ? t::Place::Variable : t::Place::Value;
  return finish(expr, at, var->type);
}

const t::Expr *Sema::relocate(const t::Expr *expr, const Expr *at) {
  auto copy = [&](auto *e) -> const t::Expr * {
    using T = std::remove_const_t<std::remove_pointer_t<decltype(e)>>;
    auto *result = node<T>();
    *result = *e;
    result->loc = at->loc;
    result->range = at->getRange();
    return result;
  };
  return TypeSwitch<const t::Expr *, const t::Expr *>(expr)
      .Case<t::IntConst, t::FloatConst, t::BoolConst, t::FieldRef,
            t::RenameExpr, t::AtExpr>(copy)
      .Default([](const t::Expr *e) { return e; });
}

const t::Expr *Sema::intBinary(t::Op op, const t::Expr *lhs, const t::Expr *rhs,
                               const Expr *at, const t::Type &type) {
  auto l = t::constantValue(lhs), r = t::constantValue(rhs);
  bool divides = op == t::Op::Div || op == t::Op::FloorDiv ||
                 op == t::Op::CDiv || op == t::Op::Mod;
  if (divides && r == 0)
    return fail(at->loc, "division by zero: " + text(at));
  if (l && r) {
    if (auto value = foldInts(op, *l, *r))
      return intConst(*value, at);
    if (op == t::Op::Div && *r != -1) {
      error(at->loc, Twine(*l) + " / " + Twine(*r) +
                         " does not divide exactly: " + text(at));
      fixit(at->loc, "round with // (down) or cdiv(a, b) (up)");
      return errorExpr(at->loc);
    }
    return fail(at->loc, "integer overflow in " + text(at));
  }
  // Identities that keep the type's axes.
  switch (op) {
  case t::Op::Add:
    if (l == 0)
      return rhs;
    if (r == 0)
      return lhs;
    break;
  case t::Op::Sub:
    if (r == 0)
      return lhs;
    break;
  case t::Op::Mul:
    if (l == 1)
      return rhs;
    if (r == 1)
      return lhs;
    if ((l == 0 && rhs->type.isScalar()) || (r == 0 && lhs->type.isScalar()))
      return intConst(0, at);
    break;
  case t::Op::Div:
  case t::Op::FloorDiv:
  case t::Op::CDiv:
    if (r == 1)
      return lhs;
    break;
  case t::Op::Mod:
    if (r == 1 && lhs->type.isScalar())
      return intConst(0, at);
    break;
  default:
    break;
  }
  auto *expr = node<t::BinaryExpr>();
  expr->op = op;
  expr->lhs = lhs;
  expr->rhs = rhs;
  const t::Expr *result = finish(expr, at, type);
  if (op != t::Op::Div || isa<t::ErrorExpr>(result) || probing)
    return result;

  // An exact division: proved, checked at launch, or refused.
  if (r && canonical.divides(lhs, *r))
    return result;
  if (!isLaunchTime(lhs) || !isLaunchTime(rhs)) {
    error(at->loc, "cannot check that " + text(at) +
                       " divides exactly: its value is known only in the "
                       "kernel");
    fixit(at->loc, "round with // (down) or cdiv(a, b) (up)");
    return errorExpr(at->loc);
  }
  auto *mod = node<t::BinaryExpr>();
  mod->op = t::Op::Mod;
  mod->lhs = lhs;
  mod->rhs = rhs;
  auto *cond = node<t::CompareExpr>();
  cond->lhs = finish(mod, at, scalar(t::Elem::Int));
  cond->rhs = intConst(0, at);
  std::string what = t::toString(lhs) + " % " + t::toString(rhs) + " == 0";
  for (const t::RunTimeRequire &old : kernel->requirements)
    if (old.text == what)
      return result;
  kernel->requirements.push_back(
      {finish(cond, at, scalar(t::Elem::Bool)), what, at->loc, true});
  return result;
}

//===----------------------------------------------------------------------===//
// Scopes
//===----------------------------------------------------------------------===//

Scope *Sema::newScope(Scope *parent) {
  scopes.push_back(std::make_unique<Scope>());
  scopes.back()->parent = parent;
  return scopes.back().get();
}

Sema::InnerScope::InnerScope(Sema &sema) : sema(sema), saved(sema.scope) {
  sema.scope = sema.newScope(saved);
}

Sema::InnerScope::~InnerScope() {
  for (auto &entry : sema.scope->names)
    if (entry.second->kind == Symbol::Slot)
      sema.goneSlots[entry.first()] = entry.second->loc;
  sema.scope = saved;
}

Symbol *Sema::lookup(StringRef name) const {
  for (Scope *s = scope; s; s = s->parent) {
    auto it = s->names.find(name);
    if (it != s->names.end())
      return it->second;
  }
  return nullptr;
}

Symbol *Sema::declareSilently(Ident name, Symbol::Kind kind) {
  symbols.push_back(std::make_unique<Symbol>());
  Symbol *symbol = symbols.back().get();
  symbol->kind = kind;
  symbol->name = name.name;
  symbol->loc = name.loc;
  scope->names[name.name] = symbol;
  return symbol;
}

Symbol *Sema::declare(Ident name, Symbol::Kind kind) {
  if (Symbol *old = lookup(name.name)) {
    if (old->kind != Symbol::Poison) {
      error(name.loc, "'" + name.name + "' is already " + describe(old->kind));
      note(old->loc, "declared here");
    }
    return nullptr;
  }
  return declareSilently(name, kind);
}

t::Var *Sema::newVar(Ident name, t::Var::Kind kind, t::Type type) {
  auto *var = kernel->allocator().Allocate<t::Var>();
  new (var) t::Var();
  var->name = name.name;
  var->loc = name.loc;
  var->kind = kind;
  var->type = type;
  var->id = nextId++;
  return var;
}

} // namespace tilewright::dsl
