//===- SemaPipe.cpp - put, get, free -------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sema.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace tilewright::dsl {

ArrayRef<const t::Expr *> Sema::checkKeys(ArrayRef<Expr *> keys,
                                          const t::Pipe *pipe, SMLoc loc) {
  SmallVector<const t::Expr *, 2> result;
  if (keys.size() != pipe->keys.size()) {
    error(loc, pipe->keys.empty() ? "pipe " + pipe->name + " has no key"
                                  : "pipe " + pipe->name + " needs a key of " +
                                        Twine(pipe->keys.size()) +
                                        " parts, not " + Twine(keys.size()));
    note(pipe->loc, "pipe " + pipe->name + " is declared here");
    return {};
  }
  for (const Expr *key : keys)
    result.push_back(checkIndex(key, "a key"));
  return list(result);
}

const t::Expr *Sema::checkPutTarget(const Expr *at, const t::Pipe *pipe) {
  if (pipe->scope != t::Pipe::Cluster && pipe->scope != t::Pipe::Ranks) {
    error(at->loc, "pipe " + pipe->name +
                       " is filled by this CTA only: "
                       "declare it 'in cluster' or 'in "
                       "ranks' to put into another's");
    note(pipe->loc, "pipe " + pipe->name + " is declared here");
  }
  return checkIndex(at, "what follows '@'");
}

/// The pipe called `name`; null after an error.
static const t::Pipe *pipeOf(Symbol *symbol) {
  return symbol && symbol->kind == Symbol::Pipe ? symbol->pipe : nullptr;
}

void Sema::checkGet(const LetStmt *stmt, const GetExpr *get, StmtList &out) {
  auto poison = [&] {
    if (!lookup(stmt->name.name))
      declareSilently(stmt->name, Symbol::Poison);
  };
  Symbol *symbol = lookup(get->pipe.name);
  const t::Pipe *pipe = pipeOf(symbol);
  if (!pipe || context != Context::Role) {
    if (!symbol)
      error(get->pipe.loc, "pipe '" + get->pipe.name + "' is not declared");
    else if (!pipe && symbol->kind != Symbol::Poison)
      error(get->pipe.loc, "'get' takes a pipe; " + get->pipe.name + " is " +
                               describe(symbol->kind));
    else if (pipe)
      error(stmt->loc, "'get' belongs in a role");
    poison();
    return;
  }
  auto keys = checkKeys(get->keys, pipe, get->loc);
  auto *slot = new (kernel->allocator().Allocate<t::Slot>()) t::Slot();
  slot->name = stmt->name.name;
  slot->loc = stmt->name.loc;
  slot->pipe = pipe;
  slot->id = nextId++;
  Symbol *name = declare(stmt->name, Symbol::Slot);
  if (!name)
    return;
  name->slot = slot;
  auto *result = node<t::GetStmt>();
  result->loc = get->loc;
  result->pipe = pipe;
  result->slot = slot;
  result->keys = keys;
  gets[slot] = result;
  out.push_back(result);
}

void Sema::checkPut(const PutStmt *stmt, StmtList &out) {
  Symbol *symbol = lookup(stmt->pipe.name);
  const t::Pipe *pipe = pipeOf(symbol);
  if (!pipe) {
    if (!symbol)
      error(stmt->pipe.loc, "pipe '" + stmt->pipe.name + "' is not declared");
    else if (symbol->kind != Symbol::Poison)
      error(stmt->pipe.loc, "'put' takes a pipe; " + stmt->pipe.name + " is " +
                                describe(symbol->kind));
    return;
  }
  auto *result = node<t::PutStmt>();
  result->loc = stmt->loc;
  result->pipe = pipe;
  result->computed = bool(stmt->as);
  result->keys = checkKeys(stmt->keys, pipe, stmt->loc);
  if (stmt->at)
    result->at = checkPutTarget(stmt->at, pipe);
  auto *slot = new (kernel->allocator().Allocate<t::Slot>()) t::Slot();
  slot->name = stmt->as.name;
  slot->loc = stmt->as ? stmt->as.loc : stmt->loc;
  slot->pipe = pipe;
  slot->isPut = true;
  slot->id = nextId++;
  result->slot = slot;
  PutInfo &info = openPuts[slot];
  info.loc = stmt->loc;
  info.role = role;
  info.written.assign(pipe->fields.size(), false);
  unsigned before = diags.getNumErrors();
  {
    InnerScope inner(*this);
    if (stmt->as) {
      if (Symbol *name = declare(stmt->as, Symbol::Slot))
        name->slot = slot;
    } else {
      scope->fields = slot;
    }
    result->body = checkBody(stmt->body);
  }
  if (diags.getNumErrors() == before)
    puts[pipe].push_back(openPuts[slot]);
  openPuts.erase(slot);
  out.push_back(result);
}

void Sema::checkFree(const FreeStmt *stmt, StmtList &out) {
  Symbol *symbol = lookup(stmt->name.name);
  if (!symbol) {
    error(stmt->name.loc, "'" + stmt->name.name + "' is not declared");
    return;
  }
  if (symbol->kind == Symbol::Poison)
    return;
  auto *result = node<t::FreeStmt>();
  result->loc = stmt->loc;
  if (symbol->kind == Symbol::Slot && stmt->keys.empty()) {
    if (symbol->slot->isPut) {
      error(stmt->name.loc, "slot " + symbol->name +
                                " is being filled: only "
                                "a slot from 'get' is "
                                "freed");
      note(symbol->loc, "it is put here");
      return;
    }
    t::GetStmt *get = gets.lookup(symbol->slot);
    get->freed = true;
    result->slot = symbol->slot;
    result->pipe = symbol->slot->pipe;
  } else if (symbol->kind == Symbol::Pipe) {
    result->pipe = symbol->pipe;
    result->keys = checkKeys(stmt->keys, symbol->pipe, stmt->loc);
  } else {
    error(stmt->name.loc, "'free' takes a slot, or a pipe with a key; " +
                              stmt->name.name + " is " +
                              describe(symbol->kind));
    note(symbol->loc, "declared here");
    return;
  }
  out.push_back(result);
}

} // namespace tilewright::dsl
