//===- SemaUses.cpp - what roles do to pipes and tensors ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rules over the typed bodies of all roles together:
//
// * a field of a plain pipe is filled by one role, once in a `put`;
// * a pipe that is filled is read (a ring that nobody empties stops its role);
// * `D[…] += x` adds to an element at most once a kernel, or says `with
// atomic`.
//
// The last is a check, not a proof: what it reports is added to more than once,
// or may be; different parts of a tensor that two statements of one loop name
// are taken to be different.
//
//===----------------------------------------------------------------------===//

#include "Sema.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace tilewright::dsl {

namespace {

class UseChecker {
public:
  UseChecker(const t::InstantiatedKernel &kernel, Canonical &canonical,
             Diagnostics &diags)
      : kernel(kernel), canonical(canonical), diags(diags) {}

  void run() {
    for (const t::Role *r : kernel.roles) {
      role = r;
      if (r->body)
        walk(r->body);
    }
    for (auto &[pipe, loc] : filled) {
      if (got.contains(pipe))
        continue;
      diags.error(
          loc,
          "pipe " + pipe->name + " is filled, but no role gets it: its " +
              (pipe->depth ? Twine(*pipe->depth) + " slots" : Twine("slots")) +
              " are never free again");
      diags.note(pipe->loc, "pipe " + pipe->name + " is declared here");
    }
  }

private:
  /// A loop around a statement: its variables, and which of them take more
  /// than one value.
  struct Loop {
    SmallVector<const t::Var *, 4> vars, varying;
    /// Whether each CTA runs its own part.
    bool overCtas = false;
  };
  using Branches = SmallVector<std::pair<const t::Stmt *, bool>, 4>;

  //===--- Walking -------------------------------------------------------===//

  void walk(const t::Block *block) {
    for (const t::Stmt *stmt : block->stmts)
      walk(stmt);
  }

  void walk(const t::Stmt *stmt) {
    switch (stmt->kind) {
    case t::StmtKind::Block:
      return walk(cast<t::Block>(stmt));
    case t::StmtKind::Let: {
      auto *let = cast<t::LetStmt>(stmt);
      values[let->var] = let->value;
      return;
    }
    case t::StmtKind::ForRange: {
      auto *loop = cast<t::ForRangeStmt>(stmt);
      Loop inner;
      inner.vars.push_back(loop->var);
      if (!runsOnce(loop))
        inner.varying.push_back(loop->var);
      inner.overCtas = readsCta(loop->lower) || readsCta(loop->upper);
      return walkLoop(inner, loop->body);
    }
    case t::StmtKind::ForIter: {
      auto *loop = cast<t::ForIterStmt>(stmt);
      Loop inner;
      inner.overCtas = true;
      for (auto [i, var] : enumerate(loop->vars)) {
        inner.vars.push_back(var);
        const t::Iterator *it = loop->iterator;
        if (it->kind != t::Iterator::Tiles ||
            t::constantValue(it->dims[i].extent) != 1)
          inner.varying.push_back(var);
      }
      return walkLoop(inner, loop->body);
    }
    case t::StmtKind::Each: {
      auto *each = cast<t::EachStmt>(stmt);
      Loop inner;
      inner.overCtas = each->scope != t::EachStmt::Role;
      for (auto [var, extent] : zip(each->vars, each->extents)) {
        inner.vars.push_back(var);
        if (t::constantValue(extent) != 1)
          inner.varying.push_back(var);
      }
      return walkLoop(inner, each->body);
    }
    case t::StmtKind::If: {
      auto *branch = cast<t::IfStmt>(stmt);
      bool cta = readsCta(branch->cond);
      ctaConditions += cta;
      branches.push_back({stmt, true});
      walk(branch->thenBody);
      branches.back().second = false;
      if (branch->elseBody)
        walk(branch->elseBody);
      branches.pop_back();
      ctaConditions -= cta;
      return;
    }
    case t::StmtKind::Put: {
      auto *put = cast<t::PutStmt>(stmt);
      filled.insert({put->pipe, put->loc});
      puts[put->slot] = put;
      return walk(put->body);
    }
    case t::StmtKind::Get:
      got.insert(cast<t::GetStmt>(stmt)->pipe);
      return;
    case t::StmtKind::Copy: {
      auto *copy = cast<t::CopyStmt>(stmt);
      return noteFill(copy->dst, copy->loc);
    }
    case t::StmtKind::Accumulate: {
      auto *accumulate = cast<t::AccumulateStmt>(stmt);
      return noteFill(accumulate->dst, accumulate->loc);
    }
    case t::StmtKind::Assign: {
      auto *assign = cast<t::AssignStmt>(stmt);
      noteFill(assign->dst, assign->loc);
      if (assign->op != AssignOp::Set)
        noteAdd(assign);
      return;
    }
    default:
      return;
    }
  }

  void walkLoop(const Loop &loop, const t::Block *body) {
    loops.push_back(loop);
    walk(body);
    loops.pop_back();
  }

  static bool runsOnce(const t::ForRangeStmt *loop) {
    auto lower = t::constantValue(loop->lower),
         upper = t::constantValue(loop->upper),
         step = t::constantValue(loop->step);
    return lower && upper && step && *step > 0 &&
           (*upper <= *lower ||
            uint64_t(*upper) - uint64_t(*lower) <= uint64_t(*step));
  }

  static bool excludes(const Branches &a, const Branches &b) {
    for (auto &[stmt, taken] : a)
      for (auto &[other, otherTaken] : b)
        if (stmt == other && taken != otherTaken)
          return true;
    return false;
  }

  //===--- Expressions ---------------------------------------------------===//

  /// What an expression depends on, through names for values.
  struct Dependence {
    DenseSet<const t::Var *> vars;
    /// It reads a variable that is assigned, this CTA's number, or the result
    /// of a fetch_add: nothing is known about its values.
    bool opaque = false, cta = false;
    /// A read whose own subscripts have axes: two elements of the tile may
    /// have the same value.
    const t::TensorRead *gather = nullptr;
  };

  void depend(const t::Expr *expr, Dependence &on,
              DenseSet<const t::Expr *> &seen) {
    if (!seen.insert(expr).second)
      return;
    if (auto *ref = dyn_cast<t::VarRef>(expr)) {
      on.vars.insert(ref->var);
      if (ref->var->kind == t::Var::Variable)
        on.opaque = true;
      if (auto value = values.find(ref->var); value != values.end())
        depend(value->second, on, seen);
    } else if (auto *builtin = dyn_cast<t::BuiltinExpr>(expr)) {
      on.cta |= builtin->which == t::BuiltinExpr::Cta;
    } else if (isa<t::FetchAddExpr, t::PtxExpr>(expr)) {
      on.opaque = true;
    } else if (auto *read = dyn_cast<t::TensorRead>(expr)) {
      if (!read->type.isScalar())
        on.gather = read;
    }
    for (const t::Expr *child : t::children(expr))
      depend(child, on, seen);
  }

  bool readsCta(const t::Expr *expr) {
    Dependence on;
    DenseSet<const t::Expr *> seen;
    depend(expr, on, seen);
    return on.cta;
  }

  //===--- Fields --------------------------------------------------------===//

  void noteFill(const t::Expr *dst, SMLoc loc) {
    bool whole = true;
    while (true) {
      if (auto *rename = dyn_cast<t::RenameExpr>(dst))
        dst = rename->operand;
      else if (auto *at = dyn_cast<t::AtExpr>(dst))
        dst = at->operand;
      else
        break;
      whole = false;
    }
    auto *field = dyn_cast<t::FieldRef>(dst);
    if (!field)
      return;
    auto put = puts.find(field->slot);
    const t::Pipe *pipe = field->slot->pipe;
    // Contributions to a keyed slot fill their parts of the same fields.
    if (put == puts.end() || !pipe->keys.empty() || pipe->full)
      return;
    auto [fill, first] =
        fills.insert({field->field, {role, loc, put->second, branches}});
    if (first)
      return;
    const Fill &old = fill->second;
    if (old.role != role) {
      diags.error(loc, "field " + field->field->name + " of pipe " +
                           pipe->name + " is filled by roles " +
                           old.role->name + " and " + role->name +
                           ": one of them fills a field");
      diags.note(old.loc, "role " + old.role->name + " fills it here");
      return;
    }
    // `put P as o { … }` computes: it may assign a field and add to it.
    if (old.put != put->second || put->second->computed || !whole ||
        !field->subs.empty() || excludes(old.branches, branches))
      return;
    diags.error(loc, "field " + field->field->name + " of pipe " + pipe->name +
                         " is filled twice by one 'put'");
    diags.note(old.loc, "it is filled here first");
  }

  //===--- Sums in memory ------------------------------------------------===//

  void noteAdd(const t::AssignStmt *assign) {
    auto *dst = dyn_cast<t::TensorRead>(assign->dst);
    if (!dst || any_of(assign->hints,
                       [](const t::Hint &h) { return h.name == "atomic"; }))
      return;
    const t::Tensor *tensor = dst->tensor;
    Dependence on;
    DenseSet<const t::Expr *> seen;
    for (const t::Expr *sub : dst->subs)
      depend(sub, on, seen);
    if (dst->rank)
      depend(dst->rank, on, seen);
    auto atomic = [&] {
      diags.fixit(assign->loc, "add up in a variable first, or say 'with "
                               "atomic': the sum's bits then depend on the "
                               "order of the additions");
    };
    if (on.gather) {
      diags.error(assign->loc, "elements of " + tensor->name +
                                   " may be added to more than once: they are "
                                   "chosen by " +
                                   on.gather->tensor->name +
                                   ", which may hold a value twice");
      diags.note(on.gather->loc, on.gather->tensor->name + " is read here");
      atomic();
      return;
    }
    if (!on.opaque)
      for (const Loop &loop : loops)
        for (const t::Var *var : loop.varying) {
          if (on.vars.contains(var))
            continue;
          diags.error(assign->loc,
                      "elements of " + tensor->name +
                          " are added to more than once: the subscripts do "
                          "not depend on " +
                          var->name);
          diags.note(var->loc, var->name + " is a loop's variable here");
          atomic();
          return;
        }
    if (!on.cta && !ctaConditions &&
        none_of(loops, [](const Loop &loop) { return loop.overCtas; })) {
      diags.error(assign->loc, "elements of " + tensor->name +
                                   " are added to more than once: every CTA "
                                   "runs this");
      diags.fixit(assign->loc, "put it into a loop over an iterator, or under "
                               "'if cta == 0'");
      return;
    }
    SmallVector<const t::Var *, 8> around;
    for (const Loop &loop : loops)
      around.append(loop.vars);
    for (const Add &old : adds[tensor]) {
      if (excludes(old.branches, branches))
        continue;
      bool sameLoops = old.around == around;
      bool sameSubs = all_of(zip(old.dst->subs, dst->subs), [&](auto pair) {
        return canonical.equal(std::get<0>(pair), std::get<1>(pair));
      });
      if (sameLoops ? !sameSubs : old.loc == assign->loc)
        continue;
      diags.error(assign->loc, "elements of " + tensor->name +
                                   " may be added to more than once");
      diags.note(old.loc, tensor->name + " is added to here too");
      atomic();
      return;
    }
    adds[tensor].push_back({dst, assign->loc, around, branches});
  }

  //===--- State ---------------------------------------------------------===//

  const t::InstantiatedKernel &kernel;
  Canonical &canonical;
  Diagnostics &diags;

  const t::Role *role = nullptr;
  SmallVector<Loop, 8> loops;
  Branches branches;
  unsigned ctaConditions = 0; ///< Conditions around that ask for the CTA.
  DenseMap<const t::Var *, const t::Expr *> values;

  MapVector<const t::Pipe *, SMLoc> filled;
  DenseSet<const t::Pipe *> got;
  DenseMap<const t::Slot *, const t::PutStmt *> puts;
  struct Fill {
    const t::Role *role;
    SMLoc loc;
    const t::PutStmt *put;
    Branches branches;
  };
  DenseMap<const t::Field *, Fill> fills;
  struct Add {
    const t::TensorRead *dst;
    SMLoc loc;
    SmallVector<const t::Var *, 8> around;
    Branches branches;
  };
  DenseMap<const t::Tensor *, SmallVector<Add, 2>> adds;
};

} // namespace

void Sema::checkUses() { UseChecker(*kernel, canonical, diags).run(); }

} // namespace tilewright::dsl
