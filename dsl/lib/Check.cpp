//===- Check.cpp - what depends on no value -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Walks all branches, also those that no instance chooses. Everything that
// needs types or values is checked by instantiation (Sema.h).
//
//===----------------------------------------------------------------------===//

#include "tilewright/DSL/Frontend.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace llvm;

namespace tilewright::dsl {

namespace {
class Checker {
public:
  explicit Checker(Diagnostics &diags) : diags(diags) {}

  void check(const KernelDecl &kernel) {
    StringMap<SMLoc> names;
    auto declare = [&](const Ident &name, StringRef what) {
      auto [it, fresh] = names.try_emplace(name.name, name.loc);
      if (fresh)
        return;
      diags.error(name.loc, "'" + name.name + "' is already " + what);
      diags.note(it->second, "declared here");
    };
    for (const ConstParam &param : kernel.consts)
      declare(param.name, "a constant");
    for (const TensorParam &param : kernel.params)
      declare(param.name, "a parameter or a constant");
    for (const Stmt *stmt : kernel.body->stmts)
      walk(stmt, Items);
  }

private:
  enum Place { Items, InRole, InSchedule };

  void body(const Stmt *stmt, Place place) {
    if (auto *block = dyn_cast_or_null<BlockStmt>(stmt)) {
      for (const Stmt *inner : block->stmts)
        walk(inner, place);
    } else if (stmt) {
      walk(stmt, place);
    }
  }

  void walk(const Stmt *stmt, Place place) {
    TypeSwitch<const Stmt *>(stmt)
        .Case<RoleStmt>([&](auto *s) {
          item(s->loc, "a role", place);
          body(s->body, InRole);
        })
        .Case<ScheduleStmt>([&](auto *s) {
          item(s->loc, "a schedule", place);
          body(s->body, InSchedule);
        })
        .Case<TilesStmt>([&](auto *s) { item(s->loc, "an iterator", place); })
        .Case<PipeStmt>([&](auto *s) { item(s->loc, "a pipe", place); })
        .Case<CounterStmt>([&](auto *s) { item(s->loc, "a counter", place); })
        .Case<TuneStmt>([&](auto *s) { item(s->loc, "'tune'", place); })
        .Case<WhenStmt>([&](auto *s) {
          if (!parseTarget(s->target.name))
            diags.error(s->target.loc, "unknown target '" + s->target.name +
                                           "'; there are sm_90 and sm_100");
          body(s->thenBody, place);
          body(s->elseBody, place);
        })
        .Case<IfStmt>([&](auto *s) {
          body(s->thenBody, place);
          body(s->elseBody, place);
        })
        .Case<ForStmt>([&](auto *s) { body(s->body, place); })
        .Case<BlockStmt>([&](auto *s) {
          if (statement(s->loc, place))
            body(s, place);
        })
        .Case<PutStmt>([&](auto *s) {
          if (statement(s->loc, place))
            body(s->body, place);
        })
        .Case<EachStmt>([&](auto *s) {
          if (statement(s->loc, place))
            body(s->body, place);
        })
        .Case<YieldStmt>([&](auto *s) {
          if (place != InSchedule)
            diags.error(s->loc, "'yield' belongs in a schedule");
        })
        .Case<CopyStmt, AssignStmt, FreeStmt, AwaitStmt, BarrierStmt, EvalStmt>(
            [&](auto *s) { statement(s->loc, place); })
        .Default([](const Stmt *) {});
  }

  void item(SMLoc loc, StringRef what, Place place) {
    if (place != Items)
      diags.error(loc, what + " is declared among the kernel's items, not in " +
                           (place == InRole ? "a role" : "a schedule"));
  }
  bool statement(SMLoc loc, Place place) {
    if (place == Items)
      diags.error(loc, "this statement belongs in a role");
    return place != Items;
  }

  Diagnostics &diags;
};
} // namespace

bool check(const File &file, Diagnostics &diags) {
  unsigned before = diags.getNumErrors();
  StringMap<SMLoc> kernels;
  for (const KernelDecl *kernel : file.kernels) {
    auto [it, fresh] = kernels.try_emplace(kernel->name.name, kernel->name.loc);
    if (!fresh) {
      diags.error(kernel->name.loc,
                  "kernel '" + kernel->name.name + "' is declared twice");
      diags.note(it->second, "the first one is here");
    }
    Checker(diags).check(*kernel);
  }
  return diags.getNumErrors() == before;
}

} // namespace tilewright::dsl
