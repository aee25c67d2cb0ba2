//===- SemaDecl.cpp - items: iterators, pipes, counters, roles ------------===//
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

void Sema::checkItems(const Stmt *body) {
  if (auto *block = dyn_cast<BlockStmt>(body))
    for (const Stmt *stmt : block->stmts)
      checkItem(stmt);
  else
    checkItem(body);
}

void Sema::checkItem(const Stmt *stmt) {
  if (exhausted)
    return;
  TypeSwitch<const Stmt *>(stmt)
      .Case<ConstStmt>([&](auto *s) { checkConst(s); })
      .Case<FnStmt>([&](auto *s) { checkFn(s); })
      .Case<TilesStmt>([&](auto *s) { checkTiles(s); })
      .Case<ScheduleStmt>([&](auto *s) { checkSchedule(s); })
      .Case<PipeStmt>([&](auto *s) { checkPipe(s); })
      .Case<CounterStmt>([&](auto *s) { checkCounter(s); })
      .Case<RoleStmt>([&](auto *s) { checkRole(s); })
      .Case<RequireStmt>([&](auto *s) { checkRequire(s); })
      .Case<TuneStmt>([&](auto *s) { checkTune(s); })
      .Case<ForStmt>([&](auto *s) { checkItemFor(s); })
      .Case<WhenStmt>([&](auto *s) {
        const Stmt *chosen = nullptr;
        if (selects(s, chosen) && chosen)
          checkItems(chosen);
      })
      .Case<IfStmt>([&](auto *s) {
        const t::Expr *cond = checkCondition(s->cond, "the condition");
        if (isa<t::ErrorExpr>(cond))
          return;
        auto value = t::constantValue(cond);
        if (!value) {
          error(s->cond->loc,
                "among items the condition of 'if' must be a constant");
          return;
        }
        if (*value)
          checkItems(s->thenBody);
        else if (s->elseBody)
          checkItems(s->elseBody);
      })
      .Case<LetStmt>([&](auto *s) {
        auto *view = dyn_cast_or_null<ViewExpr>(s->value);
        if (!s->type && view) {
          checkView(s, view);
          return;
        }
        error(s->loc, "'" + s->name.name + "' must be a constant (const " +
                          s->name.name +
                          " = …), a function or a view: values belong in a "
                          "role");
      })
      .Default([&](const Stmt *s) {
        error(s->loc, "this statement belongs in a role");
      });
}

bool Sema::selects(const WhenStmt *stmt, const Stmt *&chosen) {
  auto target = parseTarget(stmt->target.name);
  if (!target)
    return error(stmt->target.loc, "unknown target '" + stmt->target.name +
                                       "'; there are sm_90 and sm_100");
  chosen = *target == options.target ? stmt->thenBody : stmt->elseBody;
  return true;
}

bool Sema::checkItemFor(const ForStmt *stmt) {
  if (stmt->clauses.size() != 1 || stmt->clauses[0].vars.size() != 1 ||
      stmt->clauses[0].where)
    return error(stmt->loc, "among items 'for' has one variable, over "
                            "constants");
  const ForClause &clause = stmt->clauses[0];
  SmallVector<const t::Expr *, 8> values;
  if (auto *tuple = dyn_cast<TupleExpr>(clause.domain)) {
    for (const Expr *elem : tuple->elems) {
      auto value = checkConstInt(elem, "a value of 'for' among items");
      if (!value)
        return false;
      values.push_back(intConst(*value, elem));
    }
  } else if (auto *range = dyn_cast<RangeExpr>(clause.domain)) {
    auto lower = checkConstInt(range->lower, "a bound of 'for' among items");
    auto upper = checkConstInt(range->upper, "a bound of 'for' among items");
    auto step = range->step ? checkConstInt(range->step, "a step")
                            : std::optional<int64_t>(1);
    if (!lower || !upper || !step)
      return false;
    if (*step < 1)
      return error(range->step->loc, "a step must be positive");
    for (int64_t v = *lower; v < *upper;) {
      if (values.size() == 1024)
        return error(range->loc, "'for' among items has more than 1024 turns");
      values.push_back(intConst(v, range));
      if (AddOverflow(v, *step, v))
        break;
    }
  } else {
    return error(clause.domain->loc, "among items 'for' runs over constants: "
                                     "a..b or (a, b)");
  }
  for (const t::Expr *value : values) {
    InnerScope inner(*this);
    if (Symbol *symbol = declare(clause.vars[0], Symbol::Const))
      symbol->value = value;
    checkItems(stmt->body);
    if (exhausted)
      return false;
  }
  return true;
}

void Sema::checkConst(const ConstStmt *stmt) {
  const t::Expr *value = checkAlone(stmt->value);
  bool isConst = t::constantValue(value).has_value();
  if (!isConst && !isa<t::ErrorExpr>(value)) {
    error(stmt->value->loc, "the value of constant " + stmt->name.name +
                                " is not known at instantiation");
    for (const t::Dim *dim : kernel->dims)
      if (!dim->baked) {
        fixit(stmt->value->loc, "bake the dimensions that it uses, for "
                                "example -D " +
                                    dim->name + "=4096");
        break;
      }
  }
  Symbol *symbol =
      declare(stmt->name, isConst ? Symbol::Const : Symbol::Poison);
  if (symbol && isConst)
    symbol->value = value;
}

void Sema::checkFn(const FnStmt *stmt) {
  StringMap<SMLoc> params;
  for (const Ident &param : stmt->params) {
    auto [it, fresh] = params.try_emplace(param.name, param.loc);
    if (!fresh) {
      error(param.loc, "'" + param.name + "' is already a parameter");
      note(it->second, "declared here");
    }
  }
  if (Symbol *symbol = declare(stmt->name, Symbol::Fn)) {
    symbol->fn = stmt;
    symbol->scope = scope;
  }
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

std::optional<t::Elem> Sema::resolveElem(Ident name) {
  if (Symbol *symbol = lookup(name.name);
      symbol && symbol->kind == Symbol::TypeConst)
    return symbol->elem;
  if (auto elem = t::elemFromName(name.name))
    return elem;
  error(name.loc, "unknown element type '" + name.name + "'");
  return std::nullopt;
}

std::optional<t::Type> Sema::resolveTileType(const TypeSyntax *type,
                                             const Twine &what) {
  std::string of = what.str();
  auto elem = resolveElem(type->elem);
  if (!elem)
    return std::nullopt;
  SmallVector<t::Axis, 4> axes;
  int64_t elements = 1;
  bool ok = true;
  for (const AxisBinder &binder : type->axes) {
    for (const t::Axis &old : axes)
      if (old.name == binder.axis.name) {
        ok = error(binder.axis.loc,
                   of + " has axis " + binder.axis.name + " twice");
        note(old.loc, "the first one is here");
      }
    const t::Expr *extent =
        checkIndex(binder.extent, "the extent of axis " + binder.axis.name);
    auto value = t::constantValue(extent);
    if (isa<t::ErrorExpr>(extent)) {
      ok = false;
      continue;
    }
    if (!value) {
      ok = error(binder.extent->loc,
                 "the extent of axis " + binder.axis.name + " of " + of +
                     " must be a constant, not " + t::toString(extent));
      fixit(binder.extent->loc,
            "use a constant, or bake the dimension into the instance (-D)");
      continue;
    }
    if (*value < 1) {
      ok = error(binder.extent->loc, "axis " + binder.axis.name + " of " + of +
                                         " has " + Twine(*value) + " elements");
      continue;
    }
    if (MulOverflow(elements, *value, elements) || elements > (1ll << 40)) {
      ok = error(binder.axis.loc, of + " has too many elements");
      break;
    }
    axes.push_back({binder.axis.name, extent, binder.axis.loc});
  }
  if (!ok)
    return std::nullopt;
  return t::Type{*elem, list(axes)};
}

//===----------------------------------------------------------------------===//
// Iterators
//===----------------------------------------------------------------------===//

void Sema::checkTiles(const TilesStmt *stmt) {
  auto *iterator =
      new (kernel->allocator().Allocate<t::Iterator>()) t::Iterator();
  iterator->name = stmt->name.name;
  iterator->loc = stmt->name.loc;
  unsigned before = diags.getNumErrors();
  SmallVector<t::IterDim, 4> dims;
  {
    InnerScope inner(*this);
    for (const AxisBinder &binder : stmt->vars) {
      std::string what = "the extent of " + binder.axis.name.str();
      const t::Expr *extent = checkAlone(binder.extent);
      if (!isa<t::ErrorExpr>(extent) && checkAgreement(extent, what))
        extent = requireIndex(extent, binder.extent, what);
      t::IterDim dim;
      dim.name = binder.axis.name;
      dim.loc = binder.axis.loc;
      dim.extent = extent;
      dim.var = newVar(binder.axis, t::Var::Component, scalar(t::Elem::Int));
      if (Symbol *symbol = declare(binder.axis, Symbol::Var))
        symbol->var = dim.var;
      dims.push_back(dim);
    }
    checkTilesOptions(stmt->options, dims, iterator);
  }
  iterator->dims = list(dims);
  bool ok = diags.getNumErrors() == before;
  if (Symbol *symbol =
          declare(stmt->name, ok ? Symbol::Iterator : Symbol::Poison))
    symbol->iterator = iterator;
  kernel->iterators.push_back(iterator);
}

void Sema::checkTilesOptions(ArrayRef<TilesOption> list,
                             MutableArrayRef<t::IterDim> dims,
                             t::Iterator *iterator) {
  const Expr *raster = nullptr;
  for (const TilesOption &option : list) {
    if (option.kind == TilesOption::Persistent) {
      iterator->persistent = true;
      continue;
    }
    if (option.kind == TilesOption::Where) {
      if (iterator->where) {
        error(option.loc, "an iterator has one 'where'; join conditions with "
                          "'and'");
        continue;
      }
      const t::Expr *cond = checkCondition(option.value, "a 'where'");
      if (!isa<t::ErrorExpr>(cond) &&
          checkAgreement(cond, "the 'where' of an iterator"))
        iterator->where = cond;
      continue;
    }
    bool isRaster = option.kind == TilesOption::Raster;
    auto value =
        checkConstInt(option.value, isRaster ? "the width of a raster"
                                             : "the size of a cluster");
    auto *dim = find_if(
        dims, [&](const t::IterDim &d) { return d.name == option.over.name; });
    if (dim == dims.end()) {
      error(option.over.loc, "iterator " + iterator->name +
                                 " has no component " + option.over.name);
      note(iterator->loc, "it is declared here");
      continue;
    }
    if (!value)
      continue;
    if (*value < 1 || (!isRaster && *value > 16)) {
      error(option.value->loc, isRaster ? "a raster is at least 1 wide"
                                        : "a cluster has 1 to 16 CTAs");
      continue;
    }
    if (isRaster) {
      if (iterator->rasterDim >= 0) {
        error(option.loc, "an iterator has one raster");
        continue;
      }
      iterator->raster = *value;
      iterator->rasterDim = dim - dims.begin();
      raster = option.value;
      continue;
    }
    if (dim->cluster != 1) {
      error(option.loc, "component " + option.over.name +
                            " already has a "
                            "cluster");
      continue;
    }
    dim->cluster = *value;
    dim->pair = option.pair;
    // `cluster 1 over s` is a cluster too: cluster_sum<s> then adds nothing.
    dim->clustered = true;
    if (option.pair && *value % 2 != 0)
      error(option.value->loc, "'pair' joins CTAs two by two: a cluster of " +
                                   Twine(*value) + " has none");
    if (option.pair && options.target == t::Target::SM90a)
      error(option.loc, "'pair' (one MMA of two CTAs) needs sm_100");
  }
  int64_t ctas = 1;
  for (const t::IterDim &dim : dims)
    ctas *= dim.cluster;
  if (ctas > 16)
    error(iterator->loc, "the cluster of " + iterator->name + " has " +
                             Twine(ctas) +
                             " CTAs; the hardware has at most "
                             "16");
  if (iterator->rasterDim >= 0) {
    int64_t cluster = dims[iterator->rasterDim].cluster;
    if (iterator->raster % cluster != 0)
      error(raster->loc, "raster " + Twine(iterator->raster) + " over " +
                             dims[iterator->rasterDim].name +
                             " must be a multiple of its cluster, " +
                             Twine(cluster));
  }
}

void Sema::checkSchedule(const ScheduleStmt *stmt) {
  auto *iterator =
      new (kernel->allocator().Allocate<t::Iterator>()) t::Iterator();
  iterator->kind = t::Iterator::Schedule;
  iterator->name = stmt->name.name;
  iterator->loc = stmt->name.loc;
  iterator->outputs = stmt->vars;
  iterator->shared = stmt->shared;
  unsigned before = diags.getNumErrors();
  if (stmt->vars.empty())
    error(stmt->name.loc, "a schedule yields at least one value");
  SmallVector<t::IterDim, 4> dims;
  for (const Ident &var : stmt->vars) {
    t::IterDim dim;
    dim.name = var.name;
    dim.loc = var.loc;
    dims.push_back(dim);
  }
  for (const TilesOption &option : stmt->options)
    if (option.kind != TilesOption::Cluster)
      error(option.loc, "a schedule says itself what it yields: it takes "
                        "'cluster' only");
  checkTilesOptions(stmt->options, dims, iterator);
  iterator->clusters = list(dims);
  {
    Context saved = context;
    context = Context::Schedule;
    schedule = iterator;
    yields = false;
    iterator->body = checkBody(stmt->body);
    if (!yields && diags.getNumErrors() == before)
      error(stmt->name.loc, "schedule " + stmt->name.name +
                                " has no 'yield': it gives nothing");
    schedule = nullptr;
    context = saved;
  }
  bool ok = diags.getNumErrors() == before;
  if (Symbol *symbol =
          declare(stmt->name, ok ? Symbol::Iterator : Symbol::Poison))
    symbol->iterator = iterator;
  kernel->iterators.push_back(iterator);
}

//===----------------------------------------------------------------------===//
// Pipes and counters
//===----------------------------------------------------------------------===//

void Sema::checkPipe(const PipeStmt *stmt) {
  auto *pipe = new (kernel->allocator().Allocate<t::Pipe>()) t::Pipe();
  pipe->name = stmt->name.name;
  pipe->loc = stmt->name.loc;
  unsigned before = diags.getNumErrors();
  if (stmt->scope) {
    int scope = StringSwitch<int>(stmt->scope.name)
                    .Case("smem", t::Pipe::Smem)
                    .Case("cluster", t::Pipe::Cluster)
                    .Case("tmem", t::Pipe::Tmem)
                    .Case("gmem", t::Pipe::Gmem)
                    .Case("ranks", t::Pipe::Ranks)
                    .Default(-1);
    if (scope < 0)
      error(stmt->scope.loc, "unknown place '" + stmt->scope.name +
                                 "' for a pipe; there are smem, cluster, "
                                 "tmem, gmem and ranks");
    else
      pipe->scope = t::Pipe::Scope(scope);
  }
  if (pipe->scope == t::Pipe::Tmem && options.target == t::Target::SM90a)
    error(stmt->scope.loc,
          "tensor memory (pipe " + pipe->name + " in tmem) needs sm_100");
  bool onChip = pipe->scope != t::Pipe::Gmem && pipe->scope != t::Pipe::Ranks;
  if (!stmt->depth) {
    pipe->isMax = true;
    if (!onChip)
      error(stmt->loc, "pipe " + pipe->name +
                           " in global memory needs a "
                           "depth instead of max");
  } else {
    pipe->depthExpr = checkIndex(stmt->depth, "the depth of a pipe");
    pipe->depth = t::constantValue(pipe->depthExpr);
    if (!isa<t::ErrorExpr>(pipe->depthExpr)) {
      if (pipe->depth && (*pipe->depth < 1 || *pipe->depth > (1 << 24)))
        error(stmt->depth->loc, "the depth of pipe " + pipe->name + " is " +
                                    Twine(*pipe->depth) +
                                    "; it must be at least 1");
      else if (!pipe->depth && onChip)
        error(stmt->depth->loc,
              "the depth of pipe " + pipe->name + " must be a constant or max");
      else if (!isLaunchTime(pipe->depthExpr))
        error(stmt->depth->loc,
              "the depth of pipe " + pipe->name + " must be known at launch");
    }
  }
  {
    InnerScope inner(*this);
    SmallVector<t::KeyDim, 2> keys;
    for (const AxisBinder &binder : stmt->keys) {
      t::KeyDim key;
      key.name = binder.axis.name;
      key.loc = binder.axis.loc;
      key.extent =
          checkIndex(binder.extent, "the extent of key " + binder.axis.name);
      key.var = newVar(binder.axis, t::Var::Component, scalar(t::Elem::Int));
      if (Symbol *symbol = declare(binder.axis, Symbol::Var))
        symbol->var = key.var;
      keys.push_back(key);
    }
    pipe->keys = list(keys);
    if ((stmt->full || stmt->freed) && keys.empty())
      error(stmt->full ? stmt->full->loc : stmt->freed->loc,
            "'full' and 'free' counts belong to a pipe with a key");
    if (stmt->full)
      pipe->full = checkIndex(stmt->full, "the count after 'full'");
    if (stmt->freed)
      pipe->freed = checkIndex(stmt->freed, "the count after 'free'");
  }
  SmallVector<t::Field, 4> fields;
  for (const FieldDecl &decl : stmt->fields) {
    for (const t::Field &old : fields)
      if (old.name == decl.name.name) {
        error(decl.name.loc,
              "pipe " + pipe->name + " has field " + decl.name.name + " twice");
        note(old.loc, "the first one is here");
      }
    auto type = resolveTileType(decl.type, "field " + decl.name.name);
    if (!type)
      continue;
    t::Field field;
    field.name = decl.name.name;
    field.loc = decl.name.loc;
    field.type = *type;
    field.isPrivate = decl.isPrivate;
    field.index = fields.size();
    fields.push_back(field);
  }
  if (stmt->fields.empty())
    error(stmt->name.loc, "pipe " + pipe->name + " has no fields");
  pipe->fields = list(fields);
  bool ok = diags.getNumErrors() == before;
  if (Symbol *symbol = declare(stmt->name, ok ? Symbol::Pipe : Symbol::Poison))
    symbol->pipe = pipe;
  kernel->pipes.push_back(pipe);
}

void Sema::checkCounter(const CounterStmt *stmt) {
  auto *counter = new (kernel->allocator().Allocate<t::Counter>()) t::Counter();
  counter->name = stmt->name.name;
  counter->loc = stmt->name.loc;
  unsigned before = diags.getNumErrors();
  if (stmt->scope) {
    int scope = StringSwitch<int>(stmt->scope.name)
                    .Case("smem", t::Counter::Smem)
                    .Case("gmem", t::Counter::Gmem)
                    .Case("ranks", t::Counter::Ranks)
                    .Default(-1);
    if (scope < 0)
      error(stmt->scope.loc, "unknown place '" + stmt->scope.name +
                                 "' for a counter; there are smem, gmem and "
                                 "ranks");
    else
      counter->scope = t::Counter::Scope(scope);
  }
  SmallVector<const t::Expr *, 2> dims;
  for (const Expr *dim : stmt->dims) {
    const t::Expr *e = checkIndex(dim, "a dimension of a counter");
    if (!isa<t::ErrorExpr>(e) && !isLaunchTime(e))
      error(dim->loc, "a dimension of a counter must be known at launch");
    dims.push_back(e);
  }
  counter->dims = list(dims);
  bool ok = diags.getNumErrors() == before;
  if (Symbol *symbol =
          declare(stmt->name, ok ? Symbol::Counter : Symbol::Poison))
    symbol->counter = counter;
  kernel->counters.push_back(counter);
}

/// `V = view X at off as e4m3[a, b] stride (s, 1)`
bool Sema::checkView(const LetStmt *stmt, const ViewExpr *expr) {
  auto poison = [&] {
    declare(stmt->name, Symbol::Poison);
    return false;
  };
  auto *name = dyn_cast<NameExpr>(expr->base);
  Symbol *base = name ? lookup(name->name) : nullptr;
  if (!base || base->kind != Symbol::Tensor) {
    if (!base || base->kind != Symbol::Poison)
      error(expr->base->loc,
            "'view' takes a tensor; " + text(expr->base) + " is " +
                (base ? describe(base->kind) : StringRef("not declared")));
    return poison();
  }
  auto *view = new (kernel->allocator().Allocate<t::Tensor>()) t::Tensor();
  view->name = stmt->name.name;
  view->loc = stmt->name.loc;
  view->base = base->tensor;
  view->mode = base->tensor->mode;
  view->symm = base->tensor->symm;
  view->isConst = base->tensor->isConst;
  auto elem = resolveElem(expr->type->elem);
  if (!elem)
    return poison();
  view->elem = *elem;
  view->offset = expr->offset ? checkIndex(expr->offset, "a view's offset")
                              : intConst(0, expr);
  if (expr->type->dims.empty()) {
    error(expr->type->elem.loc,
          "a view has dimensions: " + expr->type->elem.name + "[…]");
    return poison();
  }
  SmallVector<const t::Expr *, 4> shape, strides;
  bool ok = !isa<t::ErrorExpr>(view->offset);
  for (const Expr *dim : expr->type->dims) {
    shape.push_back(checkIndex(dim, "a view's dimension"));
    ok &= !isa<t::ErrorExpr>(shape.back());
  }
  for (const Expr *stride : expr->strides) {
    strides.push_back(checkIndex(stride, "a view's stride"));
    ok &= !isa<t::ErrorExpr>(strides.back());
  }
  if (!ok)
    return poison();
  if (!strides.empty() && strides.size() != shape.size()) {
    error(expr->loc, "view " + view->name + " has " + Twine(shape.size()) +
                         " dimensions and " + Twine(strides.size()) +
                         " strides");
    return poison();
  }
  view->shape = list(shape);
  view->strides = list(strides);
  view->major = shape.size() - 1;
  for (auto [d, stride] : enumerate(strides))
    if (t::constantValue(stride) == 1)
      view->major = d;
  ++probing;
  keepDims = true;
  SmallVector<const t::Expr *, 4> letters;
  for (const Expr *dim : expr->type->dims)
    letters.push_back(checkIndex(dim, "a view's dimension"));
  keepDims = false;
  --probing;
  shapes[view] = list(letters);
  Symbol *symbol = declare(stmt->name, Symbol::Tensor);
  if (!symbol)
    return false;
  symbol->tensor = view;
  if (context == Context::Items)
    kernel->views.push_back(view);
  return true;
}

//===----------------------------------------------------------------------===//
// Roles
//===----------------------------------------------------------------------===//

void Sema::checkRole(const RoleStmt *stmt) {
  auto *result = new (kernel->allocator().Allocate<t::Role>()) t::Role();
  result->name = stmt->name.name;
  result->loc = stmt->name.loc;
  declare(stmt->name, Symbol::Role);
  const RoleOptions &opts = stmt->options;
  result->unit =
      opts.unit == RoleOptions::Warps ? t::Role::Warps : t::Role::Groups;
  if (auto count = checkConstInt(opts.count, "the size of a role")) {
    if (*count < 1 || *count > 32)
      error(opts.count->loc,
            "role " + result->name + " has " + Twine(*count) +
                (opts.unit == RoleOptions::Warps ? " warps" : " groups") +
                "; a CTA has 1 to 32 warps");
    else
      result->count = *count;
  }
  if (opts.regs)
    if (auto regs = checkConstInt(opts.regs, "the registers of a role")) {
      if (*regs < 24 || *regs > 256 || *regs % 8 != 0)
        error(opts.regs->loc, "regs " + Twine(*regs) +
                                  ": registers are given in steps of 8, from "
                                  "24 to 256");
      result->regs = *regs;
    }
  if (opts.split) {
    result->splitLoc = opts.split.loc;
    Symbol *symbol = lookup(opts.split.name);
    if (symbol && symbol->kind == Symbol::Iterator)
      result->splitIter = symbol->iterator;
    else if (!symbol)
      result->splitAxis = opts.split.name;
    else if (symbol->kind != Symbol::Poison) {
      error(opts.split.loc, "'split' takes an axis or an iterator; " +
                                opts.split.name + " is " +
                                describe(symbol->kind));
      note(symbol->loc, "declared here");
    }
  }
  Context saved = context;
  context = Context::Role;
  role = result;
  roleAxes.clear();
  roleIterators.clear();
  goneSlots.clear();
  unsigned before = diags.getNumErrors();
  result->body = checkBody(stmt->body);
  if (diags.getNumErrors() == before)
    finishRole(result);
  role = nullptr;
  context = saved;
  kernel->roles.push_back(result);
}

} // namespace tilewright::dsl
