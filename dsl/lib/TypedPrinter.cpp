//===- TypedPrinter.cpp - the instantiated kernel as text -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/DSL/Typed.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace tilewright::dsl::typed {

void print(const Type &type, raw_ostream &os) {
  os << spelling(type.elem);
  if (type.axes.empty())
    return;
  os << '[';
  interleaveComma(type.axes, os, [&](const Axis &axis) {
    os << axis.name << ": ";
    if (axis.extent)
      print(axis.extent, os);
    else
      os << '?';
  });
  os << ']';
}

static void printList(ArrayRef<const Expr *> list, raw_ostream &os) {
  interleaveComma(list, os, [&](const Expr *e) { print(e, os); });
}

/// A variable's name, made unique by its number: bodies are cloned.
static raw_ostream &operator<<(raw_ostream &os, const Var &var) {
  os << var.name;
  if (var.kind != Var::Param)
    os << '%' << var.id;
  return os;
}

static raw_ostream &operator<<(raw_ostream &os, const Slot &slot) {
  return os << (slot.name.empty() ? slot.pipe->name : slot.name) << '%'
            << slot.id;
}

static StringRef name(BuiltinExpr::Which which) {
  static constexpr const char *names[] = {"cta", "num_ctas", "rank",
                                          "num_ranks"};
  return names[which];
}

void print(const Expr *expr, raw_ostream &os) {
  TypeSwitch<const Expr *>(expr)
      .Case<IntConst>([&](auto *e) { os << e->value; })
      .Case<FloatConst>([&](auto *e) { os << format("%g", e->value); })
      .Case<BoolConst>([&](auto *e) { os << (e->value ? "true" : "false"); })
      .Case<StringConst>([&](auto *e) {
        os << '"';
        os.write_escaped(e->value);
        os << '"';
      })
      .Case<DimRef>([&](auto *e) { os << e->dim->name; })
      .Case<AxisRef>([&](auto *e) { os << e->name; })
      .Case<VarRef>([&](auto *e) { os << *e->var; })
      .Case<BuiltinExpr>([&](auto *e) { os << name(e->which); })
      .Case<NegExpr>([&](auto *e) {
        os << "(-";
        print(e->operand, os);
        os << ')';
      })
      .Case<NotExpr>([&](auto *e) {
        os << "(not ";
        print(e->operand, os);
        os << ')';
      })
      .Case<BinaryExpr>([&](auto *e) {
        if (e->op == Op::CDiv || e->op == Op::Min || e->op == Op::Max) {
          os << spelling(e->op) << '(';
          print(e->lhs, os);
          os << ", ";
          print(e->rhs, os);
          os << ')';
          return;
        }
        os << '(';
        print(e->lhs, os);
        os << ' ' << spelling(e->op) << ' ';
        print(e->rhs, os);
        os << ')';
      })
      .Case<CompareExpr>([&](auto *e) {
        os << '(';
        print(e->lhs, os);
        os << ' ' << dsl::spelling(e->op) << ' ';
        print(e->rhs, os);
        os << ')';
      })
      .Case<CallExpr>([&](auto *e) {
        os << spelling(e->fn) << '(';
        printList(e->args, os);
        os << ')';
      })
      .Case<ConvertExpr>([&](auto *e) {
        os << spelling(e->type.elem) << '(';
        print(e->operand, os);
        os << ')';
      })
      .Case<TensorRead>([&](auto *e) {
        os << e->tensor->name;
        if (e->rank) {
          os << "@(";
          print(e->rank, os);
          os << ')';
        }
        os << '[';
        printList(e->subs, os);
        os << ']';
      })
      .Case<CounterRead>([&](auto *e) {
        os << e->counter->name;
        if (e->rank) {
          os << "@(";
          print(e->rank, os);
          os << ')';
        }
        if (!e->subs.empty()) {
          os << '[';
          printList(e->subs, os);
          os << ']';
        }
      })
      .Case<FieldRef>([&](auto *e) {
        os << *e->slot << '.' << e->field->name;
        if (!e->subs.empty()) {
          os << '<';
          unsigned i = 0;
          interleaveComma(e->subs, os, [&](const Expr *sub) {
            os << e->field->type.axes[i++].name << " at ";
            print(sub, os);
          });
          os << '>';
        }
      })
      .Case<ContractExpr>([&](auto *e) {
        os << "mma<";
        interleaveComma(e->contracted, os,
                        [&](const Axis &axis) { os << axis.name; });
        os << ">(";
        print(e->a, os);
        if (e->scaleA) {
          os << " * ";
          print(e->scaleA, os);
        }
        os << ", ";
        print(e->b, os);
        if (e->scaleB) {
          os << " * ";
          print(e->scaleB, os);
        }
        if (e->fast)
          os << ", fast";
        if (e->every)
          os << ", every " << *e->every;
        os << ')';
      })
      .Case<ReduceExpr>([&](auto *e) {
        os << spelling(e->op) << '<';
        if (e->clusterVar)
          os << *e->clusterVar;
        interleaveComma(e->over, os, [&](const Axis &axis) {
          os << axis.name << ": ";
          print(axis.extent, os);
        });
        os << ">(";
        print(e->operand, os);
        os << ')';
      })
      .Case<RenameExpr>([&](auto *e) {
        print(e->operand, os);
        os << '<';
        interleaveComma(e->renames, os, [&](const AxisRename &r) {
          os << r.from.name << " as " << r.to.name;
        });
        os << '>';
      })
      .Case<AtExpr>([&](auto *e) {
        print(e->operand, os);
        os << '<' << e->axis << " at ";
        print(e->index, os);
        os << '>';
      })
      .Case<RegExpr>([&](auto *e) {
        os << "reg(";
        print(e->operand, os);
        os << ')';
      })
      .Case<WhereExpr>([&](auto *e) {
        os << '(';
        print(e->value, os);
        os << " where ";
        print(e->cond, os);
        os << ')';
      })
      .Case<PtxExpr>([&](auto *e) {
        os << "ptx(\"";
        os.write_escaped(e->text);
        os << '"';
        for (const Expr *arg : e->args) {
          os << ", ";
          print(arg, os);
        }
        os << ')';
      })
      .Case<FetchAddExpr>([&](auto *e) {
        os << "fetch_add(";
        print(e->target, os);
        os << ", ";
        print(e->value, os);
        os << ')';
      })
      .Case<StrideExpr>([&](auto *e) {
        os << "stride(" << e->tensor->name << ", " << e->dim << ')';
      })
      .Default([&](const Expr *) { os << "<error>"; });
}

std::string toString(const Type &type) {
  std::string text;
  raw_string_ostream os(text);
  print(type, os);
  return text;
}

std::string toString(const Expr *expr) {
  std::string text;
  raw_string_ostream os(text);
  print(expr, os);
  return text;
}

bool printManifest(const Expr *expr, raw_ostream &os) {
  auto call = [&](StringRef op, const Expr *a, const Expr *b) {
    os << "[\"" << op << "\", ";
    if (!printManifest(a, os))
      return false;
    os << ", ";
    bool ok = printManifest(b, os);
    os << ']';
    return ok;
  };
  return TypeSwitch<const Expr *, bool>(expr)
      .Case<IntConst>([&](auto *e) {
        os << e->value;
        return true;
      })
      .Case<BoolConst>([&](auto *e) {
        os << (e->value ? 1 : 0);
        return true;
      })
      .Case<DimRef>([&](auto *e) {
        os << '"' << e->dim->name << '"';
        return true;
      })
      .Case<NegExpr>([&](auto *e) {
        os << "[\"sub\", 0, ";
        bool ok = printManifest(e->operand, os);
        os << ']';
        return ok;
      })
      .Case<NotExpr>([&](auto *e) {
        os << "[\"not\", ";
        bool ok = printManifest(e->operand, os);
        os << ']';
        return ok;
      })
      .Case<BinaryExpr>([&](auto *e) {
        static constexpr const char *names[] = {
            "add", "sub", "mul", "div", "floordiv", "cdiv",
            "mod", "min", "max", "and", "or"};
        return isFloat(e->type.elem)
                   ? false
                   : call(names[unsigned(e->op)], e->lhs, e->rhs);
      })
      .Case<CompareExpr>([&](auto *e) {
        static constexpr const char *names[] = {"eq", "ne", "lt",
                                                "le", "gt", "ge"};
        return call(names[unsigned(e->op)], e->lhs, e->rhs);
      })
      .Default([](const Expr *) { return false; });
}

namespace {
class Dumper {
public:
  explicit Dumper(raw_ostream &os) : os(os) {}

  void dump(const InstantiatedKernel &kernel) {
    os << "kernel " << kernel.name << " for "
       << (kernel.target == Target::SM90a ? "sm_90a" : "sm_100a") << '\n';
    indent = 2;
    for (auto &[name, value] : kernel.constants)
      line() << "constant " << name << " = " << value.str() << '\n';
    for (const Dim *dim : kernel.dims) {
      line() << "dim " << dim->name;
      if (dim->baked)
        os << " = " << *dim->baked;
      os << '\n';
    }
    for (const Tensor *tensor : kernel.tensors)
      dump(*tensor);
    for (const Var *var : kernel.scalars) {
      line() << "scalar " << *var << ": ";
      print(var->type, os);
      os << '\n';
    }
    for (const RunTimeRequire &require : kernel.requirements) {
      line() << "require " << (require.implied ? "(implied) " : "");
      print(require.cond, os);
      os << '\n';
    }
    for (const TuneChoice &choice : kernel.tune) {
      line() << "tune " << (choice.hint ? "with " : "") << choice.name
             << " in (";
      interleaveComma(choice.values, os);
      os << ")\n";
    }
    for (const Expr *condition : kernel.tuneConditions) {
      line() << "tune where ";
      print(condition, os);
      os << '\n';
    }
    for (const Tensor *view : kernel.views)
      dump(*view);
    for (const Iterator *iterator : kernel.iterators)
      dump(*iterator);
    for (const Counter *counter : kernel.counters) {
      static constexpr const char *scopes[] = {"smem", "gmem", "ranks"};
      line() << "counter " << counter->name << '[';
      printList(counter->dims, os);
      os << "] in " << scopes[counter->scope] << '\n';
    }
    for (const Pipe *pipe : kernel.pipes)
      dump(*pipe);
    for (const Role *role : kernel.roles)
      dump(*role);
  }

private:
  raw_ostream &line() { return os.indent(indent); }

  void dump(const Tensor &tensor) {
    static constexpr const char *modes[] = {"in", "out", "inout"};
    line() << (tensor.isView() ? "view " : "tensor ") << tensor.name << ": "
           << spelling(tensor.elem) << '[';
    printList(tensor.shape, os);
    os << ']';
    if (tensor.isView()) {
      os << " of " << tensor.base->name << " at ";
      print(tensor.offset, os);
      if (!tensor.strides.empty()) {
        os << " stride (";
        printList(tensor.strides, os);
        os << ')';
      }
      os << '\n';
      return;
    }
    os << ' ' << modes[tensor.mode] << (tensor.symm ? " symm" : "")
       << (tensor.isConst ? " const" : "") << " major " << tensor.major << '\n';
  }

  void clusters(ArrayRef<IterDim> dims) {
    for (const IterDim &dim : dims)
      if (dim.cluster != 1 || dim.pair)
        os << " cluster " << dim.cluster << " over " << dim.name
           << (dim.pair ? " pair" : "");
  }

  void dump(const Iterator &it) {
    if (it.kind == Iterator::Schedule) {
      line() << "schedule " << it.name << '(';
      interleaveComma(it.outputs, os, [&](const Ident &o) { os << o.name; });
      os << ')' << (it.shared ? " shared" : "");
      clusters(it.clusters);
      os << '\n';
      body(it.body);
      return;
    }
    line() << "tiles " << it.name << '(';
    interleaveComma(it.dims, os, [&](const IterDim &dim) {
      os << *dim.var << ": ";
      print(dim.extent, os);
    });
    os << ')' << (it.persistent ? " persistent" : "");
    if (it.rasterDim >= 0)
      os << " raster " << it.raster << " over " << it.dims[it.rasterDim].name;
    clusters(it.dims);
    if (it.where) {
      os << " where ";
      print(it.where, os);
    }
    os << '\n';
  }

  void dump(const Pipe &pipe) {
    static constexpr const char *scopes[] = {"smem", "cluster", "tmem", "gmem",
                                             "ranks"};
    line() << "pipe " << pipe.name << '[';
    if (pipe.isMax)
      os << "max";
    else
      print(pipe.depthExpr, os);
    os << "] in " << scopes[pipe.scope];
    if (!pipe.keys.empty()) {
      os << " key (";
      interleaveComma(pipe.keys, os, [&](const KeyDim &key) {
        os << *key.var << ": ";
        print(key.extent, os);
      });
      os << ')';
    }
    if (pipe.full) {
      os << " full ";
      print(pipe.full, os);
    }
    if (pipe.freed) {
      os << " free ";
      print(pipe.freed, os);
    }
    os << '\n';
    indent += 2;
    for (const Field &field : pipe.fields) {
      line() << "field " << field.name << ": ";
      print(field.type, os);
      os << (field.isPrivate ? " private\n" : "\n");
    }
    indent -= 2;
  }

  void dump(const Role &role) {
    line() << "role " << role.name << '('
           << (role.unit == Role::Warps ? "warps " : "groups ") << role.count;
    if (role.splitIter)
      os << " split iterator " << role.splitIter->name;
    else if (!role.splitAxis.empty())
      os << " split axis " << role.splitAxis;
    if (role.regs)
      os << ", regs " << *role.regs;
    os << ")\n";
    body(role.body);
  }

  void body(const Block *block) {
    indent += 2;
    if (block)
      for (const Stmt *stmt : block->stmts)
        dump(stmt);
    indent -= 2;
  }

  /// An expression and its type.
  raw_ostream &typed(const Expr *expr) {
    print(expr, os);
    os << " : ";
    print(expr->type, os);
    return os;
  }

  void hints(ArrayRef<Hint> list) {
    for (const Hint &hint : list) {
      os << " with " << hint.name;
      if (!hint.axis.empty())
        os << ' ' << hint.axis;
      if (hint.value)
        os << ' ' << *hint.value;
    }
  }

  void where(const Expr *cond) {
    if (!cond)
      return;
    os << " where ";
    print(cond, os);
  }

  void keys(ArrayRef<const Expr *> list) {
    if (list.empty())
      return;
    os << '[';
    printList(list, os);
    os << ']';
  }

  void dump(const Stmt *stmt) {
    TypeSwitch<const Stmt *>(stmt)
        .Case<Block>([&](auto *s) {
          line() << "block\n";
          body(s);
        })
        .Case<LetStmt>([&](auto *s) {
          line() << "let " << *s->var << " = ";
          typed(s->value) << '\n';
        })
        .Case<ViewStmt>([&](auto *s) { dump(*s->view); })
        .Case<VariableStmt>([&](auto *s) {
          line() << "var " << *s->var << ": ";
          print(s->var->type, os);
          if (s->init) {
            os << " = ";
            print(s->init, os);
          }
          os << '\n';
        })
        .Case<AssignStmt>([&](auto *s) {
          line();
          print(s->dst, os);
          os << ' ' << dsl::spelling(s->op) << ' ';
          typed(s->value);
          hints(s->hints);
          os << '\n';
        })
        .Case<AccumulateStmt>([&](auto *s) {
          line() << "accumulate ";
          print(s->dst, os);
          os << (s->set ? " = " : " += ");
          typed(s->mma);
          for (const Expr *scale : s->scales) {
            os << " * ";
            print(scale, os);
          }
          hints(s->hints);
          os << '\n';
        })
        .Case<CopyStmt>([&](auto *s) {
          line() << "copy ";
          print(s->dst, os);
          os << " <- ";
          typed(s->src);
          hints(s->hints);
          os << '\n';
        })
        .Case<ForRangeStmt>([&](auto *s) {
          line() << "for " << *s->var << " in ";
          print(s->lower, os);
          os << "..";
          print(s->upper, os);
          os << " step ";
          print(s->step, os);
          where(s->where);
          hints(s->hints);
          os << '\n';
          body(s->body);
        })
        .Case<ForIterStmt>([&](auto *s) {
          line() << "for (";
          interleaveComma(s->vars, os, [&](const Var *var) { os << *var; });
          os << ") in " << s->iterator->name;
          where(s->where);
          hints(s->hints);
          os << '\n';
          body(s->body);
        })
        .Case<IfStmt>([&](auto *s) {
          line() << "if ";
          print(s->cond, os);
          os << '\n';
          body(s->thenBody);
          if (s->elseBody) {
            line() << "else\n";
            body(s->elseBody);
          }
        })
        .Case<PutStmt>([&](auto *s) {
          line() << "put " << s->pipe->name;
          keys(s->keys);
          if (s->at) {
            os << '@';
            print(s->at, os);
          }
          os << (s->computed ? " as " : " copies ") << *s->slot << '\n';
          body(s->body);
        })
        .Case<GetStmt>([&](auto *s) {
          line() << "get " << *s->slot << " = " << s->pipe->name;
          keys(s->keys);
          os << (s->freed ? " freed\n" : "\n");
        })
        .Case<FreeStmt>([&](auto *s) {
          line() << "free ";
          if (s->slot)
            os << *s->slot;
          else
            os << s->pipe->name;
          keys(s->keys);
          os << '\n';
        })
        .Case<YieldStmt>([&](auto *s) {
          line() << "yield ";
          printList(s->values, os);
          os << '\n';
        })
        .Case<AwaitStmt>([&](auto *s) {
          line() << "await ";
          print(s->place, os);
          os << ' ' << dsl::spelling(s->op) << ' ';
          print(s->value, os);
          os << '\n';
        })
        .Case<BarrierStmt>([&](auto *s) {
          static constexpr const char *scopes[] = {"cluster", "grid", "ranks"};
          line() << "barrier " << scopes[s->scope] << '\n';
        })
        .Case<EachStmt>([&](auto *s) {
          static constexpr const char *scopes[] = {"warps", "role", "grid"};
          line() << "each ";
          for (auto [i, var] : enumerate(s->vars)) {
            os << (i ? ", " : "") << *var << ": ";
            print(s->extents[i], os);
          }
          os << " over " << scopes[s->scope] << '\n';
          body(s->body);
        })
        .Case<EvalStmt>([&](auto *s) {
          line() << "eval ";
          print(s->expr, os);
          os << '\n';
        });
  }

  raw_ostream &os;
  unsigned indent = 0;
};
} // namespace

void InstantiatedKernel::dump(raw_ostream &os) const { Dumper(os).dump(*this); }

} // namespace tilewright::dsl::typed
