//===- Statements.cpp - running a role ------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"
#include "llvm/Support/Casting.h"

using namespace llvm;
using namespace tilewright;
using namespace tilewright::reference;
using tilewright::dsl::AssignOp;

bool Process::run() { return execBlock(role->body); }

bool Process::execBlock(const Block *block) {
  if (!block)
    return true;
  for (const Stmt *stmt : block->stmts)
    if (!exec(stmt))
      return false;
  return true;
}

bool Process::exec(const Stmt *stmt) {
  if (machine.failed())
    return false;
  switch (stmt->kind) {
  case StmtKind::Block:
    return execBlock(cast<Block>(stmt));
  case StmtKind::Let: {
    auto *let = cast<LetStmt>(stmt);
    TilePtr value = evaluate(let->value);
    if (!value)
      return false;
    // Scalars that steer control flow stay numbers.
    Elem elem = let->value->type.elem;
    if (value->axes.empty() && !value->hollow && !isFloat(elem) &&
        elem != Elem::Number) {
      bind(let->var, static_cast<int64_t>(value->value.front()));
      return true;
    }
    Variable &entry = variable(let->var);
    entry.tile = value;
    entry.defined = true;
    return true;
  }
  case StmtKind::View:
    return bindView(cast<ViewStmt>(stmt)->view);
  case StmtKind::Variable: {
    auto *declaration = cast<VariableStmt>(stmt);
    const Var *var = declaration->var;
    if (!declaration->init) {
      Variable &entry = variable(var);
      entry.defined = false;
      entry.tile = nullptr;
      return true;
    }
    TilePtr value = evaluate(declaration->init);
    if (!value)
      return false;
    bool integral = !isFloat(var->type.elem);
    if (var->type.isScalar() && integral && !value->hollow) {
      bind(var, static_cast<int64_t>(value->value.front()));
      return true;
    }
    TilePtr cell;
    if (!update(cell, var->type, value, /*add=*/false))
      return false;
    Variable &entry = variable(var);
    entry.tile = cell;
    entry.defined = true;
    return true;
  }
  case StmtKind::Assign:
    return execAssign(*cast<AssignStmt>(stmt));
  case StmtKind::Accumulate:
    return execAccumulate(*cast<AccumulateStmt>(stmt));
  case StmtKind::Copy: {
    auto *copy = cast<CopyStmt>(stmt);
    if (auto *read = dyn_cast<TensorRead>(copy->dst))
      return store(*read, copy->src, /*accumulate=*/false);
    if (auto *field = dyn_cast<FieldRef>(copy->dst))
      return storeField(*field, copy->src, /*accumulate=*/false);
    return unsupported(stmt->loc, "a copy to this place");
  }
  case StmtKind::ForRange:
    return execForRange(*cast<ForRangeStmt>(stmt));
  case StmtKind::ForIter:
    return execForIter(*cast<ForIterStmt>(stmt));
  case StmtKind::If: {
    auto *branch = cast<IfStmt>(stmt);
    bool cond;
    if (!boolean(branch->cond, cond))
      return false;
    return execBlock(cond ? branch->thenBody : branch->elseBody);
  }
  case StmtKind::Put:
    return execPut(*cast<PutStmt>(stmt));
  case StmtKind::Get:
    return execGet(*cast<GetStmt>(stmt));
  case StmtKind::Free:
    return execFree(*cast<FreeStmt>(stmt));
  case StmtKind::Yield: {
    if (!yield)
      return fail(stmt->loc, "'yield' outside a schedule");
    SmallVector<int64_t, 4> values;
    for (const Expr *expr : cast<YieldStmt>(stmt)->values) {
      int64_t value;
      if (!integer(expr, value))
        return false;
      values.push_back(value);
    }
    return (*yield)(values);
  }
  case StmtKind::Await:
    return execAwait(*cast<AwaitStmt>(stmt));
  case StmtKind::Barrier:
    if (machine.ctas > 1)
      return unsupported(stmt->loc, "'barrier' beside 'cluster_sum'");
    return true; // One CTA on one rank.
  case StmtKind::Each:
    return execEach(*cast<EachStmt>(stmt), 0);
  case StmtKind::Eval:
    return evaluate(cast<EvalStmt>(stmt)->expr) != nullptr;
  }
  return unsupported(stmt->loc, "this statement");
}

//===----------------------------------------------------------------------===//
// Assignments
//===----------------------------------------------------------------------===//

bool Process::execAssign(const AssignStmt &stmt) {
  bool add = stmt.op == AssignOp::Add;
  if (auto *read = dyn_cast<TensorRead>(stmt.dst))
    return store(*read, stmt.value, add);
  if (auto *field = dyn_cast<FieldRef>(stmt.dst))
    return storeField(*field, stmt.value, add);
  if (auto *counter = dyn_cast<CounterRead>(stmt.dst)) {
    int64_t *cell, amount;
    if (!integer(stmt.value, amount) || !counterCell(*counter, cell))
      return false;
    *cell = add ? *cell + amount : amount;
    machine.changed();
    return true;
  }
  auto *ref = dyn_cast<VarRef>(stmt.dst);
  if (!ref)
    return unsupported(stmt.loc, "an assignment to this place");
  TilePtr value = evaluate(stmt.value);
  if (value)
    value = convert(value, stmt.value->type.elem, ref->type.elem);
  if (!value)
    return false;
  Variable &entry = variable(ref->var);
  if (add && !entry.defined)
    return fail(stmt.loc,
                "'" + ref->var->name + "' is added to before it has a value");
  if (ref->type.isScalar() && !isFloat(ref->type.elem) && !value->hollow &&
      !entry.tile) {
    auto number = static_cast<int64_t>(value->value.front());
    bind(ref->var, add ? entry.number + number : number);
    return true;
  }
  if (!entry.tile)
    entry.tile = makeScalar(static_cast<double>(entry.number));
  entry.defined = true;
  return update(entry.tile, ref->type, value, add);
}

bool Process::execAccumulate(const AccumulateStmt &stmt) {
  TilePtr part = evaluateContract(*stmt.mma);
  TilePtr factor;
  for (const Expr *scale : stmt.scales) {
    TilePtr next = part ? evaluate(scale) : nullptr;
    if (!next)
      return false;
    factor =
        factor ? combine(Op::Mul, Elem::F32, factor, next, scale->loc) : next;
    if (!factor)
      return false;
  }
  if (!part)
    return false;
  TilePtr *cell;
  const Type *type;
  if (auto *ref = dyn_cast<VarRef>(stmt.dst)) {
    Variable &entry = variable(ref->var);
    if (!stmt.set && !entry.defined)
      return fail(stmt.loc,
                  "'" + ref->var->name + "' is added to before it has a value");
    entry.defined = true;
    cell = &entry.tile;
    type = &ref->type;
  } else if (auto *field = dyn_cast<FieldRef>(stmt.dst)) {
    SlotPtr slot = slots.lookup(field->slot);
    if (!slot || (!stmt.set && !slot->fields[field->field->index]))
      return fail(stmt.loc, "field '" + field->field->name +
                                "' is added to before it has a value");
    cell = &slot->fields[field->field->index];
    type = &field->type;
  } else {
    return unsupported(stmt.loc, "an accumulation into this place");
  }
  if (machine.dry)
    return update(*cell, *type, part, !stmt.set);
  if (stmt.set) {
    if (factor)
      part = combine(Op::Mul, Elem::F32, part, factor, stmt.loc);
    return part && update(*cell, *type, part, false);
  }
  // acc += part * factor, in one pass over what is usually the largest tile.
  Tile &acc = **cell;
  Frame frame = acc.axes;
  bool plain = part->axes.size() == frame.size() && part->absent.empty() &&
               acc.absent.empty() && (!factor || factor->absent.empty());
  if (factor)
    for (const TileAxis &axis : factor->axes)
      plain &= findAxis(frame, axis.name) >= 0;
  if (!plain) {
    if (factor)
      part = combine(Op::Mul, Elem::F32, part, factor, stmt.loc);
    return part && update(*cell, *type, part, true);
  }
  if (cell->use_count() > 1)
    *cell = std::make_shared<Tile>(acc);
  Tile &target = **cell;
  target.exact = false;
  std::vector<float> scratchPart, scratchFactor;
  if (target.magnitude.empty()) {
    std::vector<float> scratch;
    const float *m = magnitudes(target, scratch);
    target.magnitude.assign(m, m + target.value.size());
  }
  TilePtr one = factor ? factor : makeScalar(1);
  const float *mp = magnitudes(*part, scratchPart);
  const float *mf = magnitudes(*one, scratchFactor);
  forEachRow<2>(frame, {part->stridesIn(frame), one->stridesIn(frame)},
                [&](int64_t position, int64_t n,
                    const std::array<int64_t, 2> &at,
                    const std::array<int64_t, 2> &step) {
                  double *value = target.value.data() + position;
                  float *magnitude = target.magnitude.data() + position;
                  const double *p = part->value.data() + at[0];
                  const double *f = one->value.data() + at[1];
                  const float *pm = mp + at[0], *fm = mf + at[1];
                  for (int64_t i = 0; i < n; ++i) {
                    value[i] += p[i * step[0]] * f[i * step[1]];
                    magnitude[i] += pm[i * step[0]] * fm[i * step[1]];
                  }
                });
  return true;
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

bool Process::execForRange(const ForRangeStmt &stmt) {
  int64_t lower, upper, step = 1;
  if (!integer(stmt.lower, lower) || !integer(stmt.upper, upper) ||
      (stmt.step && !integer(stmt.step, step)))
    return false;
  if (step <= 0)
    return fail(stmt.loc, "a loop's step is " + Twine(step));
  for (int64_t i = lower; i < upper; i += step) {
    bind(stmt.var, i);
    bool wanted = true;
    if (stmt.where && !boolean(stmt.where, wanted))
      return false;
    if (wanted && !execBlock(stmt.body))
      return false;
    if (upper - i <= step)
      break; // i + step might overflow.
  }
  return true;
}

bool Process::listItems(const Iterator &iterator, ItemList &list) {
  list.rank = iterator.dims.size();
  std::vector<int64_t> coordinates;
  bool clustered = machine.ctas > 1;
  // Depth first over the dimensions: extents may depend on earlier ones.
  auto visit = [&](auto &&self, size_t d) -> bool {
    if (d == iterator.dims.size()) {
      bool wanted = true;
      if (iterator.where && !boolean(iterator.where, wanted))
        return false;
      if (wanted)
        list.coordinates.insert(list.coordinates.end(), coordinates.begin(),
                                coordinates.end());
      if (list.size() > (int64_t(1) << 26))
        return fail(iterator.loc, "too many items");
      return true;
    }
    const IterDim &dim = iterator.dims[d];
    int64_t extent;
    if (!integer(dim.extent, extent))
      return false;
    int64_t step = clustered ? dim.cluster : 1;
    for (int64_t x = 0; x < extent; x += step) {
      if (dim.var)
        bind(dim.var, x);
      coordinates.push_back(x);
      if (!self(self, d + 1))
        return false;
      coordinates.pop_back();
    }
    return true;
  };
  return visit(visit, 0);
}

bool Process::execForIter(const ForIterStmt &stmt) {
  const Iterator &iterator = *stmt.iterator;
  if (iterator.kind == Iterator::Schedule)
    return execSchedule(stmt);
  const ItemList *list = machine.sample ? &*machine.sample : nullptr;
  if (!list) {
    auto it = machine.items.find(&iterator);
    if (it == machine.items.end()) {
      ItemList all;
      if (!listItems(iterator, all))
        return false;
      it = machine.items.try_emplace(&iterator, std::move(all)).first;
    }
    list = &it->second;
  }
  // The place of this CTA in its cluster, the last dimension fastest.
  SmallVector<int64_t, 4> offset(iterator.dims.size(), 0);
  if (machine.ctas > 1) {
    int64_t rest = cta;
    for (size_t d = iterator.dims.size(); d-- > 0;) {
      offset[d] = rest % iterator.dims[d].cluster;
      rest /= iterator.dims[d].cluster;
    }
  }
  for (size_t d = 0; d < stmt.vars.size(); ++d)
    clusterDims[stmt.vars[d]] = d;
  bool counts = machine.items.size() <= 1;
  if (counts && machine.itemWork.size() < size_t(list->size()))
    machine.itemWork.resize(list->size());
  current.push_back({&iterator, {}});
  bool ok = true;
  for (int64_t item = 0, count = list->size(); ok && item < count; ++item) {
    ArrayRef<int64_t> coordinates = (*list)[item];
    for (size_t d = 0; d < stmt.vars.size(); ++d)
      bind(stmt.vars[d], coordinates[d] + offset[d]);
    bool wanted = true;
    currentItem = counts ? item : -1;
    if (stmt.where)
      ok = boolean(stmt.where, wanted);
    if (ok && wanted)
      ok = execBlock(stmt.body);
  }
  currentItem = -1;
  current.pop_back();
  return ok;
}

bool Process::execSchedule(const ForIterStmt &stmt) {
  auto body = [&](ArrayRef<int64_t> values) {
    // The body of the loop is not part of the schedule.
    auto *outer = std::exchange(yield, nullptr);
    // What is yielded is for the first CTA of a cluster; the others take the
    // values that follow along the clustered components.
    ArrayRef<IterDim> clusters = stmt.iterator->clusters;
    SmallVector<int64_t, 4> offset(values.size(), 0);
    bool ok = true;
    for (int64_t c = 0, n = stmt.iterator->clusterSize(); ok && c < n; ++c) {
      int64_t rest = c;
      for (size_t d = clusters.size(); d-- > 0;) {
        offset[d] = rest % clusters[d].cluster;
        rest /= clusters[d].cluster;
      }
      for (size_t i = 0; i < stmt.vars.size() && i < values.size(); ++i)
        bind(stmt.vars[i], values[i] + offset[i]);
      bool wanted = true;
      ok = !stmt.where || boolean(stmt.where, wanted);
      if (ok && wanted)
        ok = execBlock(stmt.body);
    }
    yield = outer;
    return ok;
  };
  function_ref<bool(ArrayRef<int64_t>)> handler(body);
  auto *outer = std::exchange(yield, &handler);
  bool ok = execBlock(stmt.iterator->body);
  yield = outer;
  return ok;
}

bool Process::execEach(const EachStmt &stmt, size_t dim) {
  if (dim == stmt.vars.size())
    return execBlock(stmt.body);
  int64_t extent;
  if (!integer(stmt.extents[dim], extent))
    return false;
  for (int64_t x = 0; x < extent; ++x) {
    bind(stmt.vars[dim], x);
    if (!execEach(stmt, dim + 1))
      return false;
  }
  return true;
}

bool Process::execAwait(const AwaitStmt &stmt) {
  bool ok = true;
  auto ready = [&] {
    int64_t value, wanted;
    if (!integer(stmt.place, value) || !integer(stmt.value, wanted)) {
      ok = false;
      return true;
    }
    return compareIntegers(stmt.op, value, wanted);
  };
  return machine.waitUntil(ready, stmt.loc, "await") && ok;
}

//===----------------------------------------------------------------------===//
// Pipes
//===----------------------------------------------------------------------===//

bool Process::keyOf(ArrayRef<const Expr *> keys, std::vector<int64_t> &key) {
  for (const Expr *expr : keys) {
    int64_t value;
    if (!integer(expr, value))
      return false;
    key.push_back(value);
  }
  return true;
}

bool Process::keyedCount(const Pipe &pipe, const Expr *expr, int otherwise,
                         ArrayRef<int64_t> key, int64_t &value) {
  value = otherwise;
  if (!expr)
    return true;
  for (size_t i = 0; i < pipe.keys.size(); ++i)
    if (pipe.keys[i].var)
      bind(pipe.keys[i].var, key[i]);
  return integer(expr, value);
}

bool Process::execPut(const PutStmt &stmt) {
  if (stmt.at) {
    if (stmt.pipe->scope != Pipe::Ranks)
      return unsupported(stmt.loc, "a put into another CTA");
    if (!checkRank(stmt.at))
      return false;
  }
  SlotPtr slot;
  std::vector<int64_t> key;
  if (stmt.keys.empty()) {
    slot = machine.beginPut(cta, stmt.pipe, roleIndex, stmt.loc);
    if (!slot)
      return false;
  } else {
    if (!keyOf(stmt.keys, key))
      return false;
    SlotPtr &entry = machine.pipe(cta, stmt.pipe).keyed[key];
    if (!entry) {
      entry = std::make_shared<SlotData>();
      entry->fields.resize(stmt.pipe->fields.size());
    }
    slot = entry;
  }
  slots[stmt.slot] = slot;
  bool ok = execBlock(stmt.body);
  slots.erase(stmt.slot);
  if (!ok)
    return false;
  machine.endPut(cta, stmt.pipe, slot);
  return true;
}

bool Process::execGet(const GetStmt &stmt) {
  if (stmt.keys.empty()) {
    slots.erase(stmt.slot);
    SlotPtr slot = machine.get(cta, stmt.pipe, roleIndex, stmt.loc);
    if (!slot)
      return false;
    slots[stmt.slot] = slot;
    return true;
  }
  std::vector<int64_t> key;
  int64_t full = 0;
  PipeState &state = machine.pipe(cta, stmt.pipe);
  if (!keyOf(stmt.keys, key) ||
      !keyedCount(*stmt.pipe, stmt.pipe->full, state.writers, key, full))
    return false;
  auto ready = [&] {
    auto it = state.keyed.find(key);
    return full == 0 ||
           (it != state.keyed.end() && it->second->contributions >= full);
  };
  if (!machine.waitUntil(ready, stmt.loc,
                         "a slot of pipe '" + stmt.pipe->name + "'"))
    return false;
  SlotPtr &slot = state.keyed[key];
  if (!slot) {
    slot = std::make_shared<SlotData>();
    slot->fields.resize(stmt.pipe->fields.size());
  }
  slots[stmt.slot] = slot;
  slotKeys[stmt.slot] = key;
  // The interpreter needs no room: a slot that is released implicitly is
  // forgotten when its block ends, and stays in the table until then.
  return true;
}

bool Process::execFree(const FreeStmt &stmt) {
  // Queues have no bound, so releases matter only for memory.
  const Pipe *pipe = stmt.pipe ? stmt.pipe : stmt.slot->pipe;
  if (pipe->keys.empty())
    return true;
  std::vector<int64_t> key;
  if (stmt.slot)
    key = slotKeys.lookup(stmt.slot);
  else if (!keyOf(stmt.keys, key))
    return false;
  PipeState &state = machine.pipe(cta, pipe);
  int64_t freed;
  if (!keyedCount(*pipe, pipe->freed, state.readers, key, freed))
    return false;
  auto it = state.keyed.find(key);
  if (it != state.keyed.end() && ++it->second->releases >= freed)
    state.keyed.erase(it);
  return true;
}
