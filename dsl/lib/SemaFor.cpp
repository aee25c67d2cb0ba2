//===- SemaFor.cpp - control flow, waits, hints ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sema.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace llvm;

namespace tilewright::dsl {

void Sema::checkIf(const IfStmt *stmt, StmtList &out) {
  const t::Expr *cond = checkCondition(stmt->cond, "the condition of 'if'");
  if (isa<t::ErrorExpr>(cond))
    return;
  if (auto value = t::constantValue(cond)) {
    // Resolved: the chosen branch stands where the `if` stands, no scope.
    const Stmt *chosen = *value ? stmt->thenBody : stmt->elseBody;
    if (!chosen)
      return;
    const t::Block *body = checkBody(chosen, /*opensScope=*/false);
    out.append(body->stmts.begin(), body->stmts.end());
    return;
  }
  if (context == Context::Schedule &&
      !checkAgreement(cond, "the condition of 'if'"))
    return;
  auto *result = node<t::IfStmt>();
  result->loc = stmt->loc;
  result->cond = cond;
  branches.push_back({stmt, true});
  result->thenBody = checkBody(stmt->thenBody);
  branches.pop_back();
  if (stmt->elseBody) {
    branches.push_back({stmt, false});
    result->elseBody = checkBody(stmt->elseBody);
    branches.pop_back();
  }
  out.push_back(result);
}

//===----------------------------------------------------------------------===//
// for
//===----------------------------------------------------------------------===//

/// The body of clause `clause`: the next clause, or the statement's body.
const t::Block *Sema::checkForBody(const ForStmt *stmt, unsigned clause) {
  if (clause + 1 == stmt->clauses.size())
    return checkBody(stmt->body);
  InnerScope inner(*this);
  StmtList stmts;
  checkFor(stmt, clause + 1, stmts);
  auto *block = node<t::Block>();
  block->loc = stmt->clauses[clause + 1].loc;
  block->stmts = list(stmts);
  return block;
}

void Sema::checkFor(const ForStmt *stmt, unsigned clause, StmtList &out) {
  const ForClause &head = stmt->clauses[clause];
  if (exhausted)
    return;
  if (auto *range = dyn_cast<RangeExpr>(head.domain)) {
    checkForRange(stmt, clause, range, out);
    return;
  }
  auto *tuple = dyn_cast<TupleExpr>(head.domain);
  if (!tuple) {
    checkForIter(stmt, clause, out);
    return;
  }
  // Over constants: the body is cloned.
  if (head.vars.size() != 1) {
    error(head.loc, "a list of values gives one variable, not " +
                        Twine(head.vars.size()));
    return;
  }
  for (const Expr *elem : tuple->elems) {
    const t::Expr *value = checkAlone(elem);
    if (isa<t::ErrorExpr>(value))
      return;
    if (!t::constantValue(value)) {
      error(elem->loc, "'for' over a list clones its body: each value must be "
                       "a constant, not " +
                           t::toString(value));
      return;
    }
    InnerScope inner(*this);
    Symbol *symbol = declare(head.vars[0], Symbol::Const);
    if (!symbol)
      return;
    symbol->value = value;
    if (head.where) {
      const t::Expr *cond = checkCondition(head.where, "a 'where'");
      if (isa<t::ErrorExpr>(cond))
        return;
      auto always = t::constantValue(cond);
      if (always && !*always)
        continue;
      if (!always) {
        auto *guard = node<t::IfStmt>();
        guard->loc = head.where->loc;
        guard->cond = cond;
        guard->thenBody = checkForBody(stmt, clause);
        out.push_back(guard);
        continue;
      }
    }
    const t::Block *body = checkForBody(stmt, clause);
    out.push_back(body);
    if (exhausted)
      return;
  }
}

void Sema::checkForRange(const ForStmt *stmt, unsigned clause,
                         const RangeExpr *range, StmtList &out) {
  const ForClause &head = stmt->clauses[clause];
  auto *result = node<t::ForRangeStmt>();
  result->loc = head.loc;
  result->lower = checkIndex(range->lower, "a bound of 'for'");
  result->upper = checkIndex(range->upper, "a bound of 'for'");
  result->step = range->step ? checkIndex(range->step, "the step of 'for'")
                             : intConst(1, range);
  if (auto step = t::constantValue(result->step); step && *step < 1)
    error(range->step->loc,
          "the step of 'for' must be positive, not " + Twine(*step));
  if (head.vars.size() != 1) {
    error(head.loc,
          "a range gives one variable, not " + Twine(head.vars.size()));
    return;
  }
  if (clause + 1 == stmt->clauses.size())
    result->hints = checkHints(stmt->hints);
  InnerScope inner(*this);
  t::Var *var = newVar(head.vars[0], t::Var::Loop, scalar(t::Elem::Int));
  result->var = var;
  Symbol *symbol = declare(head.vars[0], Symbol::Var);
  if (!symbol)
    return;
  symbol->var = var;
  if (head.where)
    result->where = checkCondition(head.where, "a 'where'");
  if (context == Context::Schedule) {
    for (const t::Expr *e : {result->lower, result->upper, result->step})
      checkAgreement(e, "a bound of a schedule's loop");
    if (result->where)
      checkAgreement(result->where, "the 'where' of a schedule's loop");
  }
  result->body = checkForBody(stmt, clause);
  out.push_back(result);
}

void Sema::checkForIter(const ForStmt *stmt, unsigned clause, StmtList &out) {
  const ForClause &head = stmt->clauses[clause];
  const Expr *domain = head.domain;
  auto *call = dyn_cast<CallExpr>(domain);
  auto *name = dyn_cast<NameExpr>(domain);
  Symbol *symbol = name   ? lookup(name->name)
                   : call ? lookup(call->callee.name)
                          : nullptr;
  if (symbol && symbol->kind == Symbol::Poison)
    return;
  if (!symbol || symbol->kind != Symbol::Iterator) {
    error(domain->loc, "'for' runs over an iterator, a range a..b or a list "
                       "(a, b); " +
                           text(domain) + " is " +
                           (symbol ? describe(symbol->kind).str()
                            : name ? std::string("not declared")
                                   : std::string("none of these")));
    if (symbol)
      note(symbol->loc, "declared here");
    return;
  }
  const t::Iterator *iterator = symbol->iterator;
  if (call && !call->args.empty()) {
    error(call->loc, "iterator " + iterator->name + " takes no arguments");
    return;
  }
  if (context == Context::Schedule) {
    error(domain->loc, "a schedule cannot run over another iterator");
    return;
  }
  if (head.vars.size() != iterator->numVars()) {
    error(head.loc, "iterator " + iterator->name + " has " +
                        Twine(iterator->numVars()) +
                        (iterator->numVars() == 1 ? " component, not "
                                                  : " components, not ") +
                        Twine(head.vars.size()));
    note(iterator->loc, "iterator " + iterator->name + " is declared here");
    return;
  }
  auto *result = node<t::ForIterStmt>();
  result->loc = head.loc;
  result->iterator = iterator;
  roleIterators.insert(iterator);
  if (clause + 1 == stmt->clauses.size())
    result->hints = checkHints(stmt->hints);
  InnerScope inner(*this);
  SmallVector<const t::Var *, 4> vars;
  for (auto [i, ident] : enumerate(head.vars)) {
    t::Var *var = newVar(ident, t::Var::Iter, scalar(t::Elem::Int));
    components[var] = {iterator, unsigned(i)};
    vars.push_back(var);
    Symbol *declared = declare(ident, Symbol::Var);
    if (!declared)
      return;
    declared->var = var;
  }
  result->vars = list(vars);
  if (head.where)
    result->where = checkCondition(head.where, "a 'where'");
  result->body = checkForBody(stmt, clause);
  out.push_back(result);
}

//===----------------------------------------------------------------------===//
// Waits, barriers, SIMT
//===----------------------------------------------------------------------===//

void Sema::checkYield(const YieldStmt *stmt, StmtList &out) {
  if (context != Context::Schedule) {
    error(stmt->loc, "'yield' belongs in a schedule");
    return;
  }
  yields = true;
  if (stmt->values.size() != schedule->outputs.size()) {
    error(stmt->loc, "'yield' gives " + Twine(stmt->values.size()) +
                         " values; schedule " + schedule->name + " yields " +
                         Twine(schedule->outputs.size()));
    note(schedule->loc, "schedule " + schedule->name + " is declared here");
    return;
  }
  SmallVector<const t::Expr *, 4> values;
  for (const Expr *value : stmt->values) {
    const t::Expr *e = checkIndex(value, "a yielded value");
    if (!isa<t::ErrorExpr>(e))
      checkAgreement(e, "a yielded value");
    values.push_back(e);
  }
  auto *result = node<t::YieldStmt>();
  result->loc = stmt->loc;
  result->values = list(values);
  out.push_back(result);
}

void Sema::checkAwait(const AwaitStmt *stmt, StmtList &out) {
  auto *cond = dyn_cast<CompareExpr>(stmt->cond);
  if (!cond || cond->ops.size() != 1 ||
      (cond->ops[0] != CompareOp::GE && cond->ops[0] != CompareOp::EQ)) {
    error(stmt->cond->loc, "'await' waits until a counter reaches a value: "
                           "await c[e] >= n");
    return;
  }
  const t::Expr *place = checkAlone(cond->operands[0]);
  const t::Expr *value =
      checkIndex(cond->operands[1], "what 'await' waits for");
  if (isa<t::ErrorExpr>(place) || isa<t::ErrorExpr>(value))
    return;
  if (!isa<t::CounterRead>(place) || !place->type.isScalar()) {
    error(cond->operands[0]->loc, "'await' waits for a counter; " +
                                      text(cond->operands[0]) + " is none");
    return;
  }
  auto *result = node<t::AwaitStmt>();
  result->loc = stmt->loc;
  result->place = place;
  result->op = cond->ops[0];
  result->value = value;
  out.push_back(result);
}

void Sema::checkBarrier(const BarrierStmt *stmt, StmtList &out) {
  auto scope =
      StringSwitch<std::optional<t::BarrierStmt::Scope>>(stmt->scope.name)
          .Case("cluster", t::BarrierStmt::Cluster)
          .Case("grid", t::BarrierStmt::Grid)
          .Case("ranks", t::BarrierStmt::Ranks)
          .Default(std::nullopt);
  if (!scope) {
    error(stmt->scope.loc, "unknown scope '" + stmt->scope.name +
                               "' of a barrier; there are cluster, grid and "
                               "ranks");
    return;
  }
  auto *result = node<t::BarrierStmt>();
  result->loc = stmt->loc;
  result->scope = *scope;
  hasRankBarrier |= *scope == t::BarrierStmt::Ranks;
  out.push_back(result);
}

void Sema::checkEach(const EachStmt *stmt, StmtList &out) {
  auto scope = StringSwitch<std::optional<t::EachStmt::Scope>>(stmt->scope.name)
                   .Case("warps", t::EachStmt::Warps)
                   .Case("role", t::EachStmt::Role)
                   .Case("grid", t::EachStmt::Grid)
                   .Default(std::nullopt);
  if (!scope) {
    error(stmt->scope.loc, "unknown scope '" + stmt->scope.name +
                               "' of 'each'; there are warps, role and grid");
    return;
  }
  auto *result = node<t::EachStmt>();
  result->loc = stmt->loc;
  result->scope = *scope;
  SmallVector<const t::Expr *, 2> extents;
  for (const AxisBinder &binder : stmt->vars)
    extents.push_back(
        checkIndex(binder.extent, "the extent of " + binder.axis.name));
  result->extents = list(extents);
  InnerScope inner(*this);
  SmallVector<const t::Var *, 2> vars;
  for (const AxisBinder &binder : stmt->vars) {
    t::Var *var = newVar(binder.axis, t::Var::Each, scalar(t::Elem::Int));
    vars.push_back(var);
    Symbol *symbol = declare(binder.axis, Symbol::Var);
    if (!symbol)
      return;
    symbol->var = var;
  }
  result->vars = list(vars);
  result->body = checkBody(stmt->body);
  out.push_back(result);
}

//===----------------------------------------------------------------------===//
// Hints
//===----------------------------------------------------------------------===//

ArrayRef<t::Hint> Sema::checkHints(ArrayRef<Hint> hints) {
  SmallVector<t::Hint, 2> result;
  for (const Hint &hint : hints) {
    StringRef name = hint.name.name;
    bool isFlag = name == "static" || name == "dynamic" || name == "atomic";
    bool isCount = name == "unroll" || name == "peek" || name == "waves" ||
                   name == "chunk" || name == "buffers" || name == "prefetch";
    if (!isFlag && !isCount) {
      error(hint.name.loc, "unknown hint '" + name +
                               "'; there are unroll, static, dynamic, peek, "
                               "waves, chunk, buffers, prefetch and atomic");
      continue;
    }
    if ((name == "chunk") != bool(hint.axis)) {
      error(hint.name.loc, name == "chunk"
                               ? "'chunk' names an axis: chunk n: 64"
                               : "hint '" + name + "' names no axis");
      continue;
    }
    if (isFlag == bool(hint.value)) {
      error(hint.name.loc,
            "hint '" + name + "' takes " + (isFlag ? "no value" : "a value"));
      continue;
    }
    t::Hint typed{name, hint.axis.name, std::nullopt, hint.name.loc};
    if (hint.value) {
      auto value = checkConstInt(hint.value, "the value of hint " + name);
      if (!value)
        continue;
      if (*value < (name == "chunk" || name == "unroll" ? 1 : 0)) {
        error(hint.value->loc,
              "hint '" + name + "' cannot be " + Twine(*value));
        continue;
      }
      typed.value = *value;
    }
    result.push_back(typed);
  }
  return list(result);
}

} // namespace tilewright::dsl
