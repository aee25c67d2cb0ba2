//===- SemaStmt.cpp - values, copies, pipes -------------------------------===//
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

const t::Block *Sema::checkBody(const Stmt *body, bool opensScope) {
  std::optional<InnerScope> inner;
  if (opensScope)
    inner.emplace(*this);
  StmtList stmts;
  if (auto *block = dyn_cast<BlockStmt>(body)) {
    for (const Stmt *stmt : block->stmts)
      checkStmt(stmt, stmts);
  } else {
    checkStmt(body, stmts);
  }
  auto *result = node<t::Block>();
  result->loc = body->loc;
  result->stmts = list(stmts);
  return result;
}

void Sema::checkStmt(const Stmt *stmt, StmtList &out) {
  if (exhausted)
    return;
  // What a schedule may do: every role replays it.
  if (context == Context::Schedule &&
      !isa<ConstStmt, FnStmt, LetStmt, AssignStmt, ForStmt, IfStmt, WhenStmt,
           BlockStmt, YieldStmt, AwaitStmt>(stmt)) {
    error(stmt->loc, "a schedule has integers, 'for', 'if', 'await' and "
                     "'yield' only");
    return;
  }
  TypeSwitch<const Stmt *>(stmt)
      .Case<BlockStmt>([&](auto *s) { out.push_back(checkBody(s)); })
      .Case<ConstStmt>([&](auto *s) { checkConst(s); })
      .Case<FnStmt>([&](auto *s) { checkFn(s); })
      .Case<RequireStmt>([&](auto *s) { checkRequire(s); })
      .Case<LetStmt>([&](auto *s) { checkLet(s, out); })
      .Case<CopyStmt>([&](auto *s) { checkCopy(s, out); })
      .Case<AssignStmt>([&](auto *s) {
        checkAssign(s->dst, s->op, s->src, s->hints, s->loc, out);
      })
      .Case<ForStmt>([&](auto *s) { checkFor(s, 0, out); })
      .Case<IfStmt>([&](auto *s) { checkIf(s, out); })
      .Case<WhenStmt>([&](auto *s) {
        const Stmt *chosen = nullptr;
        if (!selects(s, chosen) || !chosen)
          return;
        // Resolved: opens no scope.
        const t::Block *body = checkBody(chosen, /*opensScope=*/false);
        out.append(body->stmts.begin(), body->stmts.end());
      })
      .Case<PutStmt>([&](auto *s) { checkPut(s, out); })
      .Case<FreeStmt>([&](auto *s) { checkFree(s, out); })
      .Case<YieldStmt>([&](auto *s) { checkYield(s, out); })
      .Case<AwaitStmt>([&](auto *s) { checkAwait(s, out); })
      .Case<BarrierStmt>([&](auto *s) { checkBarrier(s, out); })
      .Case<EachStmt>([&](auto *s) { checkEach(s, out); })
      .Case<EvalStmt>([&](auto *s) {
        const t::Expr *e = checkAlone(s->expr);
        if (isa<t::ErrorExpr>(e))
          return;
        if (!isa<t::PtxExpr>(e) && !isa<t::FetchAddExpr>(e)) {
          error(s->loc, "the value of " + text(s->expr) + " is not used");
          return;
        }
        auto *result = node<t::EvalStmt>();
        result->loc = s->loc;
        result->expr = e;
        out.push_back(result);
      })
      .Default([&](const Stmt *s) {
        error(s->loc, "this declaration belongs among the kernel's items, not "
                      "in a role");
      });
}

//===----------------------------------------------------------------------===//
// Names for values
//===----------------------------------------------------------------------===//

bool Sema::isAxisArithmetic(const Expr *expr) {
  return TypeSwitch<const Expr *, bool>(expr)
      .Case<IntExpr>([](auto *) { return true; })
      .Case<NameExpr>([&](auto *e) {
        Symbol *symbol = lookup(e->name);
        if (!symbol)
          return !goneSlots.count(e->name);
        return symbol->kind == Symbol::Macro || symbol->kind == Symbol::Const ||
               symbol->kind == Symbol::Dim || symbol->kind == Symbol::Param ||
               symbol->kind == Symbol::Var;
      })
      .Case<UnaryExpr>([&](auto *e) { return isAxisArithmetic(e->operand); })
      .Case<BinaryExpr>([&](auto *e) {
        return isAxisArithmetic(e->lhs) && isAxisArithmetic(e->rhs);
      })
      .Case<CallExpr>([&](auto *e) {
        Symbol *symbol = lookup(e->callee.name);
        bool known = symbol ? symbol->kind == Symbol::Fn
                            : e->callee.name == "cdiv" ||
                                  e->callee.name == "min" ||
                                  e->callee.name == "max";
        return known && e->axes.empty() &&
               all_of(e->args,
                      [&](const Expr *arg) { return isAxisArithmetic(arg); });
      })
      .Default([](const Expr *) { return false; });
}

void Sema::checkLet(const LetStmt *stmt, StmtList &out) {
  if (stmt->type) {
    checkVariable(stmt, out);
    return;
  }
  if (auto *get = dyn_cast<GetExpr>(stmt->value)) {
    checkGet(stmt, get, out);
    return;
  }
  // `x = e` on a variable assigns.
  Symbol *old = lookup(stmt->name.name);
  if (old && old->kind == Symbol::Var && old->var->kind == t::Var::Variable) {
    NameExpr target(stmt->name.name, stmt->name.loc, stmt->name.range().End);
    checkAssign(&target, AssignOp::Set, stmt->value, stmt->hints,
                stmt->name.loc, out);
    return;
  }
  auto poison = [&] {
    if (!lookup(stmt->name.name))
      declareSilently(stmt->name, Symbol::Poison);
  };
  if (old && old->kind == Symbol::Poison)
    return;
  if (old) {
    declare(stmt->name, Symbol::Poison); // Reports.
    if (old->kind == Symbol::Var && old->var->kind == t::Var::Let)
      fixit(old->loc, "a value that changes is a variable: " + stmt->name.name +
                          ": " +
                          t::spelling(t::isInteger(old->var->type.elem)
                                          ? t::Elem::I32
                                          : old->var->type.elem) +
                          (old->var->type.isScalar() ? " = …" : "[…] = …"));
    return;
  }
  if (!stmt->hints.empty())
    error(stmt->hints[0].name.loc, "'with' belongs after a copy or the heads "
                                   "of a 'for'");
  if (auto *view = dyn_cast<ViewExpr>(stmt->value)) {
    if (!checkView(stmt, view))
      return;
    auto *result = node<t::ViewStmt>();
    result->loc = stmt->loc;
    result->view = lookup(stmt->name.name)->tensor;
    out.push_back(result);
    return;
  }
  const t::Expr *probed = probe(stmt->value, {});
  bool unbound = any_of(probed->type.axes,
                        [](const t::Axis &axis) { return !axis.extent; });
  if (unbound && t::isInteger(probed->type.elem) &&
      !isa<NameExpr>(stmt->value) && isAxisArithmetic(stmt->value)) {
    // `c = j*128 + n`: n gets its extent where c is used.
    Symbol *symbol = declare(stmt->name, Symbol::Macro);
    symbol->syntax = stmt->value;
    symbol->scope = scope;
    return;
  }
  AxisEnv env;
  env.add(probed->type);
  const t::Expr *value = check(stmt->value, env);
  if (isa<t::ErrorExpr>(value)) {
    poison();
    return;
  }
  if (isa<t::PtxExpr>(value)) {
    error(stmt->value->loc, "the result of ptx needs a type: " +
                                stmt->name.name + ": u32 = ptx(…)");
    poison();
    return;
  }
  // A constant, or an alias of a field.
  const t::Expr *base = value;
  while (true) {
    if (auto *rename = dyn_cast<t::RenameExpr>(base))
      base = rename->operand;
    else if (auto *at = dyn_cast<t::AtExpr>(base))
      base = at->operand;
    else
      break;
  }
  if (t::constantValue(value)) {
    declare(stmt->name, Symbol::Const)->value = value;
    return;
  }
  if (isa<t::FieldRef>(base)) {
    declare(stmt->name, Symbol::Alias)->value = value;
    return;
  }
  t::Type type = value->type;
  if (type.elem == t::Elem::Number) {
    value = adapt(value, t::Elem::F32);
    type.elem = t::Elem::F32;
  }
  for (const t::Axis &axis : type.axes)
    if (!axis.constant()) {
      error(stmt->value->loc, "a tile needs constant extents; axis " +
                                  axis.name + " of " + stmt->name.name +
                                  " has " + extentText(axis.extent) +
                                  " elements");
      poison();
      return;
    }
  if (context == Context::Schedule &&
      (!type.isScalar() ||
       !(t::isInteger(type.elem) || type.elem == t::Elem::Bool))) {
    error(stmt->value->loc,
          "a schedule computes with integers, not " + t::toString(type));
    poison();
    return;
  }
  t::Var *var = newVar(stmt->name, t::Var::Let, type);
  declare(stmt->name, Symbol::Var)->var = var;
  useAxes(type, stmt->loc);
  auto *result = node<t::LetStmt>();
  result->loc = stmt->loc;
  result->var = var;
  result->value = value;
  out.push_back(result);
}

/// `acc: f32[m: BM, n: BN] = 0`
void Sema::checkVariable(const LetStmt *stmt, StmtList &out) {
  auto poison = [&] {
    if (!lookup(stmt->name.name))
      declareSilently(stmt->name, Symbol::Poison);
  };
  if (!stmt->hints.empty())
    error(stmt->hints[0].name.loc, "'with' belongs after a copy or the heads "
                                   "of a 'for'");
  auto type = resolveTileType(stmt->type, stmt->name.name);
  if (!type) {
    poison();
    return;
  }
  for (const t::Axis &axis : type->axes)
    if (Symbol *symbol = lookup(axis.name);
        symbol && symbol->kind != Symbol::Poison) {
      error(axis.loc, "axis " + axis.name + " of " + stmt->name.name +
                          " has the name of " + describe(symbol->kind));
      note(symbol->loc, "declared here");
      poison();
      return;
    }
  if (context == Context::Schedule &&
      (!type->isScalar() ||
       !(t::isInteger(type->elem) || type->elem == t::Elem::Bool))) {
    error(stmt->name.loc,
          "a schedule computes with integers, not " + t::toString(*type));
    poison();
    return;
  }
  t::Var *var = newVar(stmt->name, t::Var::Variable, *type);
  auto *result = node<t::VariableStmt>();
  result->loc = stmt->loc;
  result->var = var;
  if (stmt->value) {
    AxisEnv env;
    env.add(*type);
    const t::Expr *value = check(stmt->value, env);
    if (isa<t::ErrorExpr>(value)) {
      poison();
      return;
    }
    if (auto *ptx = dyn_cast<t::PtxExpr>(value)) {
      // The declared type is the result's.
      auto *typed = node<t::PtxExpr>();
      *typed = *ptx;
      typed->type = *type;
      value = typed;
    }
    value = adapt(value, type->elem);
    t::Elem from = value->type.elem;
    if (from != type->elem &&
        !(t::isInteger(from) && t::isInteger(type->elem))) {
      error(stmt->value->loc, stmt->name.name + " is " + t::toString(*type) +
                                  " and its value " + t::toString(value->type));
      fixit(stmt->value->loc,
            "convert the value: " + t::spelling(type->elem) + "(…)");
      poison();
      return;
    }
    for (const t::Axis &axis : value->type.axes) {
      const t::Axis *own = type->find(axis.name);
      if (own && sameExtent(*own, axis))
        continue;
      if (own) {
        error(stmt->value->loc, "axis " + axis.name + " has " +
                                    extentText(own->extent) + " elements in " +
                                    stmt->name.name + " and " +
                                    extentText(axis.extent) + " in its value");
        note(axis.loc, "axis " + axis.name + " has " + extentText(axis.extent) +
                           " elements here");
      } else {
        error(stmt->value->loc, "the value has axis " + axis.name + ", which " +
                                    stmt->name.name + ": " +
                                    t::toString(*type) + " lacks");
      }
      poison();
      return;
    }
    result->init = value;
  }
  Symbol *symbol = declare(stmt->name, Symbol::Var);
  if (!symbol)
    return;
  symbol->var = var;
  useAxes(*type, stmt->loc);
  out.push_back(result);
}

//===----------------------------------------------------------------------===//
// Targets
//===----------------------------------------------------------------------===//

bool Sema::checkWritable(const t::Expr *dst, const char *op, SMLoc loc) {
  bool adds = StringRef(op) != "<-" && StringRef(op) != "=";
  while (true) {
    if (auto *rename = dyn_cast<t::RenameExpr>(dst))
      dst = rename->operand;
    else if (auto *at = dyn_cast<t::AtExpr>(dst))
      dst = at->operand;
    else
      break;
  }
  if (auto *read = dyn_cast<t::TensorRead>(dst)) {
    const t::Tensor *tensor = read->tensor;
    if (tensor->mode == t::Tensor::In) {
      error(loc, tensor->name + " is not `out` or `inout`: it cannot be "
                                "written");
      note(tensor->loc, tensor->name + " is declared here");
      return false;
    }
    if (adds && tensor->mode == t::Tensor::Out) {
      error(loc, tensor->name + " is `out`: adding to it needs `inout`");
      note(tensor->loc, tensor->name + " is declared here");
      return false;
    }
    return true;
  }
  if (auto *field = dyn_cast<t::FieldRef>(dst)) {
    if (field->slot->isPut)
      return true;
    error(loc, "slot " + field->slot->name +
                   " comes from 'get': its fields "
                   "are only read");
    note(field->slot->loc, "it is got here");
    return false;
  }
  return true;
}

const t::Expr *Sema::checkTarget(const Expr *dst, const AxisEnv &env,
                                 const char *op) {
  const t::Expr *result = nullptr;
  // In the body of `put P { … }` a plain name is a field of the slot.
  const Expr *base = dst;
  while (auto *rename = dyn_cast<RenameExpr>(base))
    base = rename->base;
  if (auto *name = dyn_cast<NameExpr>(base); name && scope) {
    const t::Slot *slot = nullptr;
    for (Scope *s = scope; s && !slot; s = s->parent)
      slot = s->fields;
    if (slot && StringRef(op) == "<-") {
      const t::Field *field = nullptr;
      for (const t::Field &f : slot->pipe->fields)
        if (f.name == name->name)
          field = &f;
      if (!field) {
        std::string fields;
        for (const t::Field &f : slot->pipe->fields)
          fields += (fields.empty() ? "" : ", ") + f.name.str();
        error(name->loc, "pipe " + slot->pipe->name + " has no field " +
                             name->name + "; it has " + fields);
        note(slot->pipe->loc, "pipe " + slot->pipe->name + " is declared here");
        return errorExpr(dst->loc);
      }
      auto *ref = node<t::FieldRef>();
      ref->slot = slot;
      ref->field = field;
      ref->place = t::Place::SlotField;
      const t::Expr *value = finish(ref, name, field->type);
      useAxes(field->type, name->loc);
      if (base == dst)
        return value;
      // `x<k at e> <- …`: the field stands for the renamed expression's base.
      InnerScope inner(*this);
      declareSilently({name->name, name->loc}, Symbol::Alias)->value = value;
      return check(dst, env);
    }
  }
  if (auto *name = dyn_cast<NameExpr>(base); name && !lookup(name->name))
    return fail(name->loc, "'" + name->name + "' is not declared");
  const Expr *saved = target;
  target = base;
  result = check(dst, env);
  target = saved;
  return result;
}

bool Sema::matchAxes(const Expr *dst, const t::Expr *dstProbe, const Expr *src,
                     const t::Expr *srcProbe, bool exact) {
  if (isa<t::ErrorExpr>(dstProbe) || isa<t::ErrorExpr>(srcProbe))
    return true; // Reported when they are checked.
  SmallVector<StringRef, 2> onlySrc;
  for (const t::Axis &axis : srcProbe->type.axes)
    if (!dstProbe->type.find(axis.name))
      onlySrc.push_back(axis.name);
  for (const t::Axis &axis : dstProbe->type.axes) {
    if (srcProbe->type.find(axis.name) || !exact)
      continue;
    error(src->loc, "axis " + axis.name + " of " + text(dst) +
                        " is not in the source " + text(src) +
                        (onlySrc.empty() ? std::string()
                                         : ", which has axis " +
                                               onlySrc[0].str() + " instead"));
    note(axis.loc, "axis " + axis.name + " is given here");
    if (Symbol *symbol = lookup(axis.name))
      note(symbol->loc, "here " + axis.name + " is " + describe(symbol->kind) +
                            ", not the axis");
    return false;
  }
  for (StringRef axis : onlySrc) {
    const t::Axis *own = srcProbe->type.find(axis);
    // Without an extent it is a name that nothing knows: reported by check.
    if (!own->extent)
      continue;
    error(src->loc, "axis " + axis + " of " + text(src) + " is not in " +
                        text(dst) + ", whose type is " +
                        t::toString(dstProbe->type));
    note(own->loc, "axis " + axis + " comes from here");
    return false;
  }
  return true;
}

/// Element types that a copy may change: TMA rounds f32 to tf32 on the way.
static bool copies(t::Elem to, t::Elem from) {
  return to == from || (to == t::Elem::TF32 && from == t::Elem::F32) ||
         (t::isInteger(to) && t::isInteger(from));
}

void Sema::checkCopy(const CopyStmt *stmt, StmtList &out) {
  AxisEnv env;
  ++probing;
  const t::Expr *dstProbe = checkTarget(stmt->dst, env, "<-");
  const t::Expr *srcProbe = check(stmt->src, env);
  --probing;
  if (!matchAxes(stmt->dst, dstProbe, stmt->src, srcProbe, /*exact=*/true))
    return;
  env.add(dstProbe->type);
  env.add(srcProbe->type);
  // A side in error would leave the axes of the other without a source.
  if (isa<t::ErrorExpr>(srcProbe) && !isa<t::ErrorExpr>(dstProbe)) {
    check(stmt->src, env);
    return;
  }
  const t::Expr *dst = checkTarget(stmt->dst, env, "<-");
  if (isa<t::ErrorExpr>(dst))
    return;
  if (dst->place == t::Place::Variable || dst->place == t::Place::Value ||
      dst->place == t::Place::Counter) {
    error(stmt->loc, "'<-' copies to a tensor or to a field of a slot; " +
                         text(stmt->dst) + " is neither");
    if (dst->place == t::Place::Variable)
      fixit(stmt->loc, text(stmt->dst) + " = …");
    return;
  }
  if (!checkWritable(dst, "<-", stmt->dst->loc))
    return;
  const t::Expr *src = check(stmt->src, env);
  if (isa<t::ErrorExpr>(src))
    return;
  src = adapt(src, dst->type.elem);
  t::Elem to = dst->type.elem, from = src->type.elem;
  if (!copies(to, from)) {
    error(stmt->loc, "a copy does not convert: " + text(stmt->dst) + " is " +
                         t::spelling(to) + " and " + text(stmt->src) + " is " +
                         t::spelling(from));
    fixit(stmt->src->loc, "convert the source: " + t::spelling(to) + "(" +
                              text(stmt->src) + ")");
    return;
  }
  for (const t::Axis &axis : dst->type.axes) {
    const t::Axis *other = src->type.find(axis.name);
    if (other && !sameExtent(axis, *other)) {
      error(stmt->loc, "axis " + axis.name + " has " + extentText(axis.extent) +
                           " elements in " + text(stmt->dst) + " and " +
                           extentText(other->extent) + " in " +
                           text(stmt->src));
      note(axis.loc, "axis " + axis.name + " has " + extentText(axis.extent) +
                         " elements here");
      note(other->loc, "and " + extentText(other->extent) + " here");
      return;
    }
  }
  auto *result = node<t::CopyStmt>();
  result->loc = stmt->loc;
  result->dst = dst;
  result->src = src;
  result->hints = checkHints(stmt->hints);
  out.push_back(result);
  noteFieldWrite(dst, src, stmt->loc);
}

const t::ContractExpr *
Sema::splitPromotion(const t::Expr *value,
                     SmallVectorImpl<const t::Expr *> &scales) {
  SmallVector<const t::Expr *, 4> reversed;
  while (auto *product = dyn_cast<t::BinaryExpr>(value)) {
    if (product->op != t::Op::Mul)
      return nullptr;
    reversed.push_back(product->rhs);
    value = product->lhs;
  }
  auto *mma = dyn_cast<t::ContractExpr>(value);
  if (mma)
    scales.append(reversed.rbegin(), reversed.rend());
  return mma;
}

void Sema::checkAssign(const Expr *dstExpr, AssignOp op, const Expr *srcExpr,
                       ArrayRef<Hint> hintList, SMLoc loc, StmtList &out) {
  const char *spelled = op == AssignOp::Set ? "=" : "+=";
  AxisEnv env;
  ++probing;
  const t::Expr *dstProbe = checkTarget(dstExpr, env, spelled);
  const t::Expr *srcProbe = check(srcExpr, env);
  --probing;
  if (!matchAxes(dstExpr, dstProbe, srcExpr, srcProbe, /*exact=*/false))
    return;
  env.add(dstProbe->type);
  env.add(srcProbe->type);
  if (isa<t::ErrorExpr>(srcProbe) && !isa<t::ErrorExpr>(dstProbe)) {
    check(srcExpr, env);
    return;
  }
  const t::Expr *dst = checkTarget(dstExpr, env, spelled);
  if (isa<t::ErrorExpr>(dst))
    return;
  if (dst->place == t::Place::Value) {
    error(loc, "'" + text(dstExpr) +
                   "' cannot be assigned: only variables "
                   "(x: type = …), fields, tensors and "
                   "counters can");
    if (auto *ref = dyn_cast<t::VarRef>(dst))
      note(ref->var->loc, "declared here");
    return;
  }
  if (isa<t::RenameExpr, t::AtExpr>(dst) && dst->place == t::Place::Variable) {
    error(loc, "a part of a tile in registers cannot be assigned");
    return;
  }
  if (op == AssignOp::Set && isa<t::TensorRead>(dst)) {
    error(loc, "a tensor is written with '<-'");
    fixit(loc, text(dstExpr) + " <- " + text(srcExpr));
    return;
  }
  if (op == AssignOp::Set && isa<t::CounterRead>(dst)) {
    error(loc, "a counter only counts: c[e] += n");
    return;
  }
  if (context == Context::Schedule && dst->place != t::Place::Variable) {
    error(loc, "a schedule writes only its own variables");
    return;
  }
  if (!checkWritable(dst, spelled, dstExpr->loc))
    return;
  const t::Expr *src = check(srcExpr, env);
  if (isa<t::ErrorExpr>(src))
    return;
  if (auto *ptx = dyn_cast<t::PtxExpr>(src)) {
    auto *typed = node<t::PtxExpr>();
    *typed = *ptx;
    typed->type = dst->type;
    src = typed;
  }
  src = adapt(src, dst->type.elem);
  t::Elem to = dst->type.elem, from = src->type.elem;
  if (to != from && !(t::isInteger(to) && t::isInteger(from))) {
    error(loc, "'" + Twine(spelled) + "' does not convert: " + text(dstExpr) +
                   " is " + t::spelling(to) + " and " + text(srcExpr) + " is " +
                   t::spelling(from));
    fixit(srcExpr->loc, "convert the value: " + t::spelling(to) + "(…)");
    return;
  }
  for (const t::Axis &axis : src->type.axes) {
    const t::Axis *own = dst->type.find(axis.name);
    if (own && !sameExtent(*own, axis)) {
      error(loc, "axis " + axis.name + " has " + extentText(own->extent) +
                     " elements in " + text(dstExpr) + " and " +
                     extentText(axis.extent) + " in " + text(srcExpr));
      note(own->loc, "axis " + axis.name + " has " + extentText(own->extent) +
                         " elements here");
      note(axis.loc, "and " + extentText(axis.extent) + " here");
      return;
    }
  }
  auto hints = checkHints(hintList);
  noteFieldWrite(dst, src, loc);
  SmallVector<const t::Expr *, 4> scales;
  const t::ContractExpr *mma = splitPromotion(src, scales);
  if (mma && (isa<t::VarRef>(dst) || isa<t::FieldRef>(dst))) {
    auto *result = node<t::AccumulateStmt>();
    result->loc = loc;
    result->dst = dst;
    result->set = op == AssignOp::Set;
    result->mma = mma;
    result->scales = list(scales);
    result->hints = hints;
    out.push_back(result);
    return;
  }
  auto *result = node<t::AssignStmt>();
  result->loc = loc;
  result->dst = dst;
  result->op = op;
  result->value = src;
  result->hints = hints;
  out.push_back(result);
}

} // namespace tilewright::dsl
