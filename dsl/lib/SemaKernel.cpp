//===- SemaKernel.cpp - constants, parameters, requirements ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sema.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace tilewright::dsl {

Sema::Sema(const File &file, const KernelDecl &decl,
           const InstantiateOptions &options, Diagnostics &diags)
    : file(file), decl(decl), options(options), diags(diags),
      kernel(std::make_unique<t::InstantiatedKernel>()) {}

std::unique_ptr<t::InstantiatedKernel> Sema::run() {
  unsigned before = diags.getNumErrors();
  kernel->name = save(decl.name.name);
  kernel->loc = decl.name.loc;
  kernel->target = options.target;
  scope = newScope(nullptr);
  checkGlobals();
  scope = newScope(scope);
  if (!bindConstants() || !bindParams())
    return nullptr;
  unsigned beforeHeader = diags.getNumErrors();
  for (const Stmt *stmt : decl.header)
    checkItem(stmt);
  // An instance that a requirement rules out would only add odd errors.
  if (diags.getNumErrors() != beforeHeader)
    return nullptr;
  for (const Stmt *stmt : decl.body->stmts)
    checkItem(stmt);
  if (!exhausted)
    checkAxisUses();
  if (diags.getNumErrors() == before && !exhausted)
    finishKernel();
  if (exhausted)
    diags.error(decl.name.loc, "kernel '" + decl.name.name +
                                   "' expands to more than " + Twine(maxNodes) +
                                   " operations");
  if (diags.getNumErrors() != before)
    return nullptr;
  return std::move(kernel);
}

void Sema::checkGlobals() {
  for (const Stmt *stmt : file.globals)
    checkItem(stmt);
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

std::optional<t::ConstValue> Sema::parseConstant(const ConstParam &param,
                                                 StringRef value, SMLoc loc) {
  StringRef kind = param.kind ? param.kind.name : "int";
  t::ConstValue result;
  auto bad = [&](const Twine &wanted) {
    diags.error(loc, "constant " + param.name.name + " is " + wanted +
                         ", not '" + value + "'");
    return std::nullopt;
  };
  if (kind == "int") {
    if (value.getAsInteger(0, result.number))
      return bad("an integer");
  } else if (kind == "bool") {
    result.kind = t::ConstValue::Bool;
    if (value != "true" && value != "false" && value != "0" && value != "1")
      return bad("a bool (true or false)");
    result.number = value == "true" || value == "1";
  } else if (kind == "type") {
    result.kind = t::ConstValue::ElemType;
    auto elem = t::elemFromName(value);
    if (!elem)
      return bad("an element type");
    result.elem = *elem;
  } else {
    result.kind = t::ConstValue::Major;
    result.major = value.str();
    if (value.empty())
      return bad("a dimension's letter or position");
  }
  return result;
}

void Sema::bindConstant(const ConstParam &param, const t::ConstValue &value) {
  kernel->constants.emplace_back(param.name.name.str(), value);
  switch (value.kind) {
  case t::ConstValue::Int:
  case t::ConstValue::Bool: {
    Symbol *symbol = declare(param.name, Symbol::Const);
    if (!symbol)
      return;
    NameExpr at(param.name.name, param.name.loc, param.name.range().End);
    symbol->value = value.kind == t::ConstValue::Int
                        ? intConst(value.number, &at)
                        : boolConst(value.number, &at);
    return;
  }
  case t::ConstValue::ElemType:
    if (Symbol *symbol = declare(param.name, Symbol::TypeConst))
      symbol->elem = value.elem;
    return;
  case t::ConstValue::Major:
    if (Symbol *symbol = declare(param.name, Symbol::MajorConst))
      symbol->major = save(value.major);
    return;
  }
}

/// The first value of `tune name in …`, anywhere among the items.
static const Expr *tunedValue(ArrayRef<Stmt *> stmts, StringRef name) {
  for (const Stmt *stmt : stmts)
    if (auto *tune = dyn_cast<TuneStmt>(stmt))
      for (const TuneStmt::Choice &choice : tune->choices)
        if (!choice.hint && choice.name.name == name) {
          if (auto *tuple = dyn_cast<TupleExpr>(choice.values))
            return tuple->elems.front();
          if (auto *range = dyn_cast<RangeExpr>(choice.values))
            return range->lower;
        }
  return nullptr;
}

bool Sema::bindConstants() {
  bool ok = true;
  StringMap<SMLoc> seen;
  for (const ConstParam &param : decl.consts) {
    auto [it, fresh] = seen.try_emplace(param.name.name, param.name.loc);
    if (!fresh) {
      error(param.name.loc, "'" + param.name.name + "' is already a constant");
      note(it->second, "declared here");
      ok = false;
      continue;
    }
    auto given = options.constants.find(param.name.name.str());
    std::optional<t::ConstValue> value;
    if (given != options.constants.end()) {
      value = parseConstant(param, given->second, param.name.loc);
    } else if (param.defaultValue) {
      // A type's or a dimension's name, or a constant expression.
      if (auto *name = dyn_cast<NameExpr>(param.defaultValue);
          name && param.kind &&
          (param.kind.name == "type" || param.kind.name == "major")) {
        value = parseConstant(param, name->name, name->loc);
      } else if (const t::Expr *e = checkAlone(param.defaultValue);
                 auto number = t::constantValue(e)) {
        value = parseConstant(param, std::to_string(*number),
                              param.defaultValue->loc);
      } else if (!isa<t::ErrorExpr>(e)) {
        error(param.defaultValue->loc, "a default must be a constant");
      }
    } else if (const Expr *tuned =
                   options.defaultsFromTune
                       ? tunedValue(decl.body->stmts, param.name.name)
                       : nullptr) {
      // `bf16`, `true` and `K` are words; anything else is a number.
      if (isa<NameExpr, BoolExpr>(tuned))
        value = parseConstant(param, text(tuned), param.name.loc);
      else if (auto number = checkConstInt(tuned, "a tuned value"))
        value = parseConstant(param, std::to_string(*number), param.name.loc);
    } else {
      error(param.name.loc, "constant " + param.name.name +
                                " has no value: give one with -D " +
                                param.name.name + "=…");
    }
    ok &= value.has_value();
    if (value)
      bindConstant(param, *value);
  }
  return ok;
}

/// The names in `expr`, once each.
static void collectNames(const Expr *expr, SetVector<StringRef> &names) {
  if (auto *e = dyn_cast<NameExpr>(expr)) {
    names.insert(e->name);
  } else if (auto *e = dyn_cast<UnaryExpr>(expr)) {
    collectNames(e->operand, names);
  } else if (auto *e = dyn_cast<BinaryExpr>(expr)) {
    collectNames(e->lhs, names);
    collectNames(e->rhs, names);
  } else if (auto *e = dyn_cast<CompareExpr>(expr)) {
    for (const Expr *operand : e->operands)
      collectNames(operand, names);
  } else if (auto *e = dyn_cast<CallExpr>(expr)) {
    for (const Expr *arg : e->args)
      collectNames(arg, names);
  }
}

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

bool Sema::bindParams() {
  // A letter binds where a parameter first has it alone as a dimension.
  std::map<std::string, int64_t> unused = options.baked;
  StringSet<> constNames;
  for (const ConstParam &param : decl.consts)
    constNames.insert(param.name.name);
  for (auto &[name, value] : options.constants) {
    if (constNames.contains(name))
      continue;
    int64_t number;
    if (StringRef(value).getAsInteger(0, number))
      diags.error(decl.name.loc, "kernel '" + decl.name.name +
                                     "' has no constant '" + name + "'");
    else
      unused[name] = number;
  }
  std::map<std::string, int64_t> baked = unused;
  // Uses in other expressions come after that, so that a launcher can read
  // the shapes from left to right.
  bool ok = true;
  StringSet<> reported;
  for (auto [index, param] : enumerate(decl.params)) {
    for (auto [position, expr] : enumerate(param.type->dims)) {
      auto *name = dyn_cast<NameExpr>(expr);
      if (!name) {
        SetVector<StringRef> uses;
        collectNames(expr, uses);
        for (StringRef use : uses) {
          if (lookup(use) || !reported.insert(use).second)
            continue;
          ok = error(SMLoc::getFromPointer(use.data()),
                     "dimension " + use +
                         " is not bound here: a parameter before this one "
                         "must have " +
                         use + " alone as a dimension");
        }
        continue;
      }
      if (lookup(name->name))
        continue;
      auto *dim = new (kernel->allocator().Allocate<t::Dim>()) t::Dim();
      dim->name = name->name;
      dim->loc = name->loc;
      dim->tensor = index;
      dim->position = position;
      auto it = baked.find(name->name.str());
      if (it != baked.end()) {
        if (it->second < 0)
          error(name->loc, "dimension " + name->name +
                               " cannot be negative: " + Twine(it->second));
        else
          dim->baked = it->second;
        unused.erase(it->first);
      }
      if (Symbol *symbol = declare({name->name, name->loc}, Symbol::Dim))
        symbol->dim = dim;
      kernel->dims.push_back(dim);
    }
  }
  for (auto &[name, value] : unused)
    error(decl.name.loc, "kernel '" + decl.name.name +
                             "' has no constant and no dimension '" + name +
                             "'");
  if (!ok || !unused.empty())
    return false;
  for (auto [index, param] : enumerate(decl.params)) {
    auto elem = resolveElem(param.type->elem);
    if (!elem) {
      ok = false;
      continue;
    }
    if (param.type->dims.empty()) {
      for (const Ident &word : {param.mode, param.symm, param.isConst})
        if (word)
          ok = error(word.loc,
                     "'" + word.name + "' on the scalar " + param.name.name);
      t::Var *var = newVar(param.name, t::Var::Param, scalar(*elem));
      var->index = index;
      if (Symbol *symbol = declare(param.name, Symbol::Var))
        symbol->var = var;
      else
        ok = false;
      kernel->scalars.push_back(var);
      continue;
    }
    const t::Tensor *tensor = bindTensor(param, index);
    Symbol *symbol = declare(param.name, Symbol::Tensor);
    if (!tensor || !symbol) {
      ok = false;
      continue;
    }
    symbol->tensor = tensor;
    kernel->tensors.push_back(tensor);
  }
  return ok;
}

std::optional<unsigned> Sema::majorOf(const Expr *major,
                                      const TypeSyntax *type) {
  StringRef name;
  int64_t position = -1;
  if (auto *number = dyn_cast<IntExpr>(major)) {
    position = number->value;
  } else if (auto *ident = dyn_cast<NameExpr>(major)) {
    name = ident->name;
    if (Symbol *symbol = lookup(name)) {
      if (symbol->kind == Symbol::MajorConst) {
        name = symbol->major;
        if (!name.getAsInteger(10, position))
          name = "";
        else
          position = -1;
      } else if (symbol->kind == Symbol::Const) {
        if (auto value = t::constantValue(symbol->value)) {
          // A constant that is a dimension (`[S, H, D] major H`), or a number.
          bool isDim = any_of(type->dims, [&](Expr *dim) {
            auto *n = dyn_cast<NameExpr>(dim);
            return n && n->name == name;
          });
          if (!isDim)
            position = *value, name = "";
        }
      }
    }
  }
  if (name.empty()) {
    if (position >= 0 && position < int64_t(type->dims.size()))
      return position;
    error(major->loc, "major " + text(major) + ": there is no dimension " +
                          Twine(position) + " (they are counted from 0)");
    return std::nullopt;
  }
  for (auto [index, dim] : enumerate(type->dims))
    if (auto *n = dyn_cast<NameExpr>(dim); n && n->name == name)
      return index;
  error(major->loc, "major " + name + ": no dimension of " +
                        "this tensor is called " + name);
  return std::nullopt;
}

const t::Tensor *Sema::bindTensor(const TensorParam &param, unsigned index) {
  auto *tensor = new (kernel->allocator().Allocate<t::Tensor>()) t::Tensor();
  tensor->name = param.name.name;
  tensor->loc = param.name.loc;
  tensor->index = index;
  tensor->elem = *resolveElem(param.type->elem);
  if (param.mode)
    tensor->mode = param.mode.name == "out" ? t::Tensor::Out : t::Tensor::InOut;
  tensor->symm = bool(param.symm);
  tensor->isConst = bool(param.isConst);
  if (tensor->isConst && param.mode) {
    error(param.isConst.loc, "a 'const' tensor is written by no running "
                             "kernel, so " +
                                 param.name.name + " cannot be '" +
                                 param.mode.name + "'");
    return nullptr;
  }
  auto evaluate = [&](SmallVectorImpl<const t::Expr *> &dims) {
    for (const Expr *dim : param.type->dims) {
      const t::Expr *e = checkIndex(dim, "a dimension");
      if (isa<t::ErrorExpr>(e))
        return false;
      if (!isLaunchTime(e))
        return error(dim->loc, "a dimension may use dimensions and constants "
                               "only");
      if (auto value = t::constantValue(e); value && *value < 0)
        return error(dim->loc, "dimension " + text(dim) +
                                   " is negative: " + Twine(*value));
      dims.push_back(e);
    }
    return true;
  };
  SmallVector<const t::Expr *, 4> shape, letters;
  if (!evaluate(shape))
    return nullptr;
  keepDims = true;
  ++probing;
  bool ok = evaluate(letters);
  --probing;
  keepDims = false;
  tensor->shape = list(shape);
  shapes[tensor] = ok ? list(letters) : tensor->shape;
  tensor->major = param.type->dims.size() - 1;
  if (param.major) {
    auto major = majorOf(param.major, param.type);
    if (!major)
      return nullptr;
    tensor->major = *major;
  }
  return tensor;
}

//===----------------------------------------------------------------------===//
// Requirements and search space
//===----------------------------------------------------------------------===//

void Sema::checkRequire(const RequireStmt *stmt) {
  for (const Expr *cond : stmt->conds) {
    const t::Expr *e = checkCondition(cond, "a requirement");
    if (isa<t::ErrorExpr>(e))
      continue;
    if (auto value = t::constantValue(e)) {
      if (*value)
        continue;
      SetVector<StringRef> names;
      collectNames(cond, names);
      std::string values;
      for (StringRef name : names) {
        Symbol *symbol = lookup(name);
        if (!symbol)
          continue;
        std::string shown;
        if (symbol->kind == Symbol::Const)
          shown = t::toString(symbol->value);
        else if (symbol->kind == Symbol::Dim && symbol->dim->baked)
          shown = std::to_string(*symbol->dim->baked);
        else if (symbol->kind == Symbol::TypeConst)
          shown = t::spelling(symbol->elem).str();
        else
          continue;
        values += (values.empty() ? " (" : ", ") + name.str() + " = " + shown;
      }
      error(cond->loc, "requirement " + text(cond) + " is not met" +
                           (values.empty() ? "" : values + ")"));
      continue;
    }
    if (!isLaunchTime(e)) {
      error(cond->loc, "a requirement may use constants, dimensions and "
                       "scalar arguments only");
      continue;
    }
    kernel->requirements.push_back({e, text(cond), cond->loc, false});
  }
}

/// The hints that a kernel as a whole can have and that change its speed alone
/// (`pdl` is the launcher's).
static constexpr StringLiteral tunableHints[] = {
    "unroll", "peek", "prefetch", "buffers", "overlap", "static", "late"};

void Sema::checkTune(const TuneStmt *stmt) {
  for (const TuneStmt::Choice &choice : stmt->choices) {
    if (choice.hint && !is_contained(tunableHints, choice.name.name)) {
      error(choice.name.loc,
            "tune: '" + choice.name.name +
                "' is no schedule hint of a kernel; there are " +
                join(ArrayRef(tunableHints), ", "));
      continue;
    }
    bool known = choice.hint || any_of(decl.consts, [&](const ConstParam &p) {
                   return p.name.name == choice.name.name;
                 });
    if (!known) {
      error(choice.name.loc, "tune: kernel '" + decl.name.name +
                                 "' has no constant '" + choice.name.name +
                                 "'");
      note(decl.name.loc, "its constants are declared here");
      continue;
    }
    t::TuneChoice result;
    result.name = choice.name.name;
    result.hint = choice.hint;
    if (auto *range = dyn_cast<RangeExpr>(choice.values)) {
      auto lower = checkConstInt(range->lower, "a tuning range");
      auto upper = checkConstInt(range->upper, "a tuning range");
      auto step = range->step ? checkConstInt(range->step, "a tuning step")
                              : std::optional<int64_t>(1);
      if (!lower || !upper || !step)
        continue;
      if (*step < 1) {
        error(range->step->loc, "a step must be positive");
        continue;
      }
      for (int64_t v = *lower; v < *upper && result.values.size() < 4096;) {
        result.values.push_back(v);
        if (AddOverflow(v, *step, v))
          break;
      }
    } else if (auto *tuple = dyn_cast<TupleExpr>(choice.values)) {
      for (const Expr *elem : tuple->elems) {
        auto *word = dyn_cast<NameExpr>(elem);
        if (auto type = word ? t::elemFromName(word->name) : std::nullopt) {
          result.values.push_back(int64_t(*type));
          continue;
        }
        const t::Expr *value = checkAlone(elem);
        if (auto number = t::constantValue(value))
          result.values.push_back(*number);
        else if (!isa<t::ErrorExpr>(value))
          error(elem->loc, "a tuned value must be a constant");
      }
    } else {
      error(choice.values->loc, "expected values after 'in': (64, 128) or "
                                "16..257 step 16");
      continue;
    }
    if (result.hint && any_of(result.values, [](int64_t v) { return v < 0; })) {
      error(choice.values->loc,
            "hint '" + result.name + "' cannot be negative");
      continue;
    }
    kernel->tune.push_back(std::move(result));
  }
  if (!stmt->where)
    return;
  const t::Expr *where =
      checkCondition(stmt->where, "a condition on tuned constants");
  if (isa<t::ErrorExpr>(where))
    return;
  if (!t::constantValue(where)) {
    error(stmt->where->loc, "a condition on tuned constants may use constants "
                            "only");
    return;
  }
  kernel->tuneConditions.push_back(where);
}

//===----------------------------------------------------------------------===//
// Entry points
//===----------------------------------------------------------------------===//

std::unique_ptr<t::InstantiatedKernel>
instantiate(const File &file, const InstantiateOptions &options,
            Diagnostics &diags) {
  const KernelDecl *chosen = nullptr;
  for (const KernelDecl *kernel : file.kernels)
    if (options.kernel.empty() || kernel->name.name == options.kernel) {
      if (chosen) {
        diags.error(kernel->name.loc,
                    options.kernel.empty()
                        ? "the file has several kernels; say which one to "
                          "instantiate"
                        : "kernel '" + kernel->name.name +
                              "' is declared twice");
        return nullptr;
      }
      chosen = kernel;
    }
  if (!chosen) {
    diags.error(SMLoc(), options.kernel.empty() ? "the file has no kernel"
                                                : "the file has no kernel '" +
                                                      options.kernel + "'");
    return nullptr;
  }
  return Sema(file, *chosen, options, diags).run();
}

std::optional<t::Target> parseTarget(StringRef name) {
  if (name == "sm_90" || name == "sm_90a")
    return t::Target::SM90a;
  if (name == "sm_100" || name == "sm_100a")
    return t::Target::SM100a;
  return std::nullopt;
}

} // namespace tilewright::dsl
