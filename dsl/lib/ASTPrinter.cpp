//===- ASTPrinter.cpp - the syntax tree as text ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Statements are printed one a line, indented by their nesting; expressions in
// source syntax with every operator parenthesised, so that precedence shows.
//
//===----------------------------------------------------------------------===//

#include "tilewright/DSL/AST.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace tilewright::dsl {

StringRef spelling(BinaryOp op) {
  static constexpr const char *names[] = {"+",  "-", "*",   "/",
                                          "//", "%", "and", "or"};
  return names[unsigned(op)];
}

StringRef spelling(CompareOp op) {
  static constexpr const char *names[] = {"==", "!=", "<", "<=", ">", ">="};
  return names[unsigned(op)];
}

StringRef spelling(AssignOp op) { return op == AssignOp::Set ? "=" : "+="; }

namespace {

void printList(ArrayRef<Expr *> list, raw_ostream &os) {
  interleaveComma(list, os, [&](Expr *e) { printSource(e, os); });
}

void printBinders(ArrayRef<AxisBinder> binders, raw_ostream &os) {
  interleaveComma(binders, os, [&](const AxisBinder &b) {
    os << b.axis.name;
    if (b.extent) {
      os << ": ";
      printSource(b.extent, os);
    }
  });
}

void printHints(ArrayRef<Hint> hints, raw_ostream &os) {
  if (hints.empty())
    return;
  os << " with ";
  interleaveComma(hints, os, [&](const Hint &hint) {
    os << hint.name.name;
    if (hint.axis)
      os << ' ' << hint.axis.name << ':';
    if (hint.value) {
      os << ' ';
      printSource(hint.value, os);
    }
  });
}

class Printer {
public:
  explicit Printer(raw_ostream &os) : os(os) {}

  void print(const KernelDecl &kernel) {
    os << "kernel " << kernel.name.name << '\n';
    indent += 2;
    for (const ConstParam &param : kernel.consts) {
      line() << "constant " << param.name.name << ": "
             << (param.kind ? param.kind.name : "int");
      if (param.defaultValue) {
        os << " = ";
        printSource(param.defaultValue, os);
      }
      os << '\n';
    }
    for (const TensorParam &param : kernel.params) {
      line() << "param " << param.name.name << ": ";
      printSource(param.type, os);
      for (const Ident &word : {param.mode, param.symm, param.isConst})
        if (word)
          os << ' ' << word.name;
      if (param.major) {
        os << " major ";
        printSource(param.major, os);
      }
      os << '\n';
    }
    for (const Stmt *stmt : kernel.header)
      print(stmt);
    for (const Stmt *stmt : kernel.body->stmts)
      print(stmt);
    indent -= 2;
  }

  void print(const Stmt *stmt) {
    TypeSwitch<const Stmt *>(stmt)
        .Case<BlockStmt>([&](auto *s) {
          line() << "block\n";
          body(s);
        })
        .Case<ConstStmt>([&](auto *s) {
          line() << "const " << s->name.name << " = ";
          end(s->value);
        })
        .Case<LetStmt>([&](auto *s) {
          line() << (s->type ? "var " : "let ") << s->name.name;
          if (s->type) {
            os << ": ";
            printSource(s->type, os);
          }
          if (s->value) {
            os << " = ";
            printSource(s->value, os);
          }
          printHints(s->hints, os);
          os << '\n';
        })
        .Case<CopyStmt>([&](auto *s) {
          line() << "copy ";
          printSource(s->dst, os);
          os << " <- ";
          printSource(s->src, os);
          printHints(s->hints, os);
          os << '\n';
        })
        .Case<AssignStmt>([&](auto *s) {
          line() << "assign ";
          printSource(s->dst, os);
          os << ' ' << spelling(s->op) << ' ';
          printSource(s->src, os);
          printHints(s->hints, os);
          os << '\n';
        })
        .Case<ForStmt>([&](auto *s) {
          line() << "for ";
          interleaveComma(s->clauses, os, [&](const ForClause &clause) {
            os << '(';
            interleaveComma(clause.vars, os,
                            [&](const Ident &v) { os << v.name; });
            os << ") in ";
            printSource(clause.domain, os);
            if (clause.where) {
              os << " where ";
              printSource(clause.where, os);
            }
          });
          printHints(s->hints, os);
          os << '\n';
          body(s->body);
        })
        .Case<IfStmt>([&](auto *s) {
          line() << "if ";
          end(s->cond);
          body(s->thenBody);
          orElse(s->elseBody);
        })
        .Case<WhenStmt>([&](auto *s) {
          line() << "when " << s->target.name << '\n';
          body(s->thenBody);
          orElse(s->elseBody);
        })
        .Case<PutStmt>([&](auto *s) {
          line() << "put " << s->pipe.name;
          keys(s->keys);
          if (s->at) {
            os << '@';
            printSource(s->at, os);
          }
          if (s->as)
            os << " as " << s->as.name;
          os << '\n';
          body(s->body);
        })
        .Case<FreeStmt>([&](auto *s) {
          line() << "free " << s->name.name;
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
          end(s->cond);
        })
        .Case<BarrierStmt>(
            [&](auto *s) { line() << "barrier " << s->scope.name << '\n'; })
        .Case<EachStmt>([&](auto *s) {
          line() << "each ";
          printBinders(s->vars, os);
          os << " over " << s->scope.name << '\n';
          body(s->body);
        })
        .Case<EvalStmt>([&](auto *s) {
          line() << "eval ";
          end(s->expr);
        })
        .Case<TilesStmt>([&](auto *s) {
          line() << "tiles " << s->name.name << '(';
          printBinders(s->vars, os);
          os << ')';
          options(s->options);
          os << '\n';
        })
        .Case<ScheduleStmt>([&](auto *s) {
          line() << "schedule " << s->name.name << '(';
          interleaveComma(s->vars, os, [&](const Ident &v) { os << v.name; });
          os << ')' << (s->shared ? " shared" : "");
          options(s->options);
          os << '\n';
          body(s->body);
        })
        .Case<PipeStmt>([&](auto *s) { print(s); })
        .Case<RoleStmt>([&](auto *s) {
          line() << "role " << s->name.name << '('
                 << (s->options.unit == RoleOptions::Warps ? "warps "
                                                           : "groups ");
          printSource(s->options.count, os);
          if (s->options.split)
            os << " split " << s->options.split.name;
          if (s->options.regs) {
            os << ", regs ";
            printSource(s->options.regs, os);
          }
          os << ")\n";
          body(s->body);
        })
        .Case<FnStmt>([&](auto *s) {
          line() << "fn " << s->name.name << '(';
          interleaveComma(s->params, os, [&](const Ident &p) { os << p.name; });
          os << ") = ";
          end(s->value);
        })
        .Case<CounterStmt>([&](auto *s) {
          line() << "counter " << s->name.name;
          keys(s->dims);
          if (s->scope)
            os << " in " << s->scope.name;
          os << '\n';
        })
        .Case<RequireStmt>([&](auto *s) {
          line() << "require ";
          printList(s->conds, os);
          os << '\n';
        })
        .Case<TuneStmt>([&](auto *s) {
          line() << "tune ";
          interleaveComma(s->choices, os, [&](const TuneStmt::Choice &c) {
            os << (c.hint ? "with " : "") << c.name.name << " in ";
            printSource(c.values, os);
          });
          if (s->where) {
            os << " where ";
            printSource(s->where, os);
          }
          os << '\n';
        })
        .Default([&](const Stmt *) { line() << "error\n"; });
  }

private:
  raw_ostream &line() { return os.indent(indent); }
  void end(const Expr *expr) {
    printSource(expr, os);
    os << '\n';
  }
  void body(const Stmt *stmt) {
    indent += 2;
    if (auto *block = dyn_cast<BlockStmt>(stmt)) {
      for (const Stmt *inner : block->stmts)
        print(inner);
    } else {
      print(stmt);
    }
    indent -= 2;
  }
  void orElse(const Stmt *stmt) {
    if (!stmt)
      return;
    line() << "else\n";
    body(stmt);
  }
  void keys(ArrayRef<Expr *> list) {
    if (list.empty())
      return;
    os << '[';
    printList(list, os);
    os << ']';
  }
  void options(ArrayRef<TilesOption> list) {
    for (const TilesOption &option : list) {
      switch (option.kind) {
      case TilesOption::Persistent:
        os << " persistent";
        continue;
      case TilesOption::Where:
        os << " where ";
        printSource(option.value, os);
        continue;
      case TilesOption::Raster:
        os << " raster ";
        break;
      case TilesOption::Cluster:
        os << " cluster ";
        break;
      }
      printSource(option.value, os);
      os << " over " << option.over.name << (option.pair ? " pair" : "");
    }
  }
  void print(const PipeStmt *pipe) {
    line() << "pipe " << pipe->name.name << '[';
    if (pipe->depth)
      printSource(pipe->depth, os);
    else
      os << "max";
    os << ']';
    if (pipe->scope)
      os << " in " << pipe->scope.name;
    if (!pipe->keys.empty()) {
      os << " key (";
      printBinders(pipe->keys, os);
      os << ')';
    }
    if (pipe->full) {
      os << " full ";
      printSource(pipe->full, os);
    }
    if (pipe->freed) {
      os << " free ";
      printSource(pipe->freed, os);
    }
    os << '\n';
    indent += 2;
    for (const FieldDecl &field : pipe->fields) {
      line() << "field " << field.name.name << ": ";
      printSource(field.type, os);
      os << (field.isPrivate ? " private\n" : "\n");
    }
    indent -= 2;
  }

  raw_ostream &os;
  unsigned indent = 0;
};

} // namespace

void printSource(const TypeSyntax *type, raw_ostream &os) {
  os << type->elem.name;
  if (type->isScalar())
    return;
  os << '[';
  printBinders(type->axes, os);
  printList(type->dims, os);
  os << ']';
}

void printSource(const Expr *expr, raw_ostream &os) {
  TypeSwitch<const Expr *>(expr)
      .Case<IntExpr>([&](auto *e) { os << e->value; })
      .Case<FloatExpr>([&](auto *e) {
        os << StringRef(e->start.getPointer(),
                        e->end.getPointer() - e->start.getPointer());
      })
      .Case<BoolExpr>([&](auto *e) { os << (e->value ? "true" : "false"); })
      .Case<StringExpr>([&](auto *e) {
        os << '"';
        os.write_escaped(e->value);
        os << '"';
      })
      .Case<NameExpr>([&](auto *e) { os << e->name; })
      .Case<MemberExpr>([&](auto *e) {
        printSource(e->base, os);
        os << '.' << e->member.name;
      })
      .Case<IndexExpr>([&](auto *e) {
        printSource(e->base, os);
        os << '[';
        printList(e->subs, os);
        os << ']';
      })
      .Case<CallExpr>([&](auto *e) {
        os << e->callee.name;
        if (!e->axes.empty()) {
          os << '<';
          printBinders(e->axes, os);
          os << '>';
        }
        os << '(';
        printList(e->args, os);
        for (const CallOption &option : e->options) {
          os << ", " << option.name.name;
          if (option.value) {
            os << ' ';
            printSource(option.value, os);
          }
        }
        os << ')';
      })
      .Case<RenameExpr>([&](auto *e) {
        printSource(e->base, os);
        os << '<';
        interleaveComma(e->renames, os, [&](const AxisRename &r) {
          os << r.from.name;
          if (r.at) {
            os << " at ";
            printSource(r.at, os);
          } else {
            os << " as " << r.to.name;
          }
        });
        os << '>';
      })
      .Case<AtRankExpr>([&](auto *e) {
        printSource(e->base, os);
        os << "@(";
        printSource(e->rank, os);
        os << ')';
      })
      .Case<UnaryExpr>([&](auto *e) {
        os << (e->op == UnaryOp::Neg ? "(-" : "(not ");
        printSource(e->operand, os);
        os << ')';
      })
      .Case<BinaryExpr>([&](auto *e) {
        os << '(';
        printSource(e->lhs, os);
        os << ' ' << spelling(e->op) << ' ';
        printSource(e->rhs, os);
        os << ')';
      })
      .Case<CompareExpr>([&](auto *e) {
        os << '(';
        printSource(e->operands[0], os);
        for (auto [op, operand] : zip(e->ops, e->operands.drop_front())) {
          os << ' ' << spelling(op) << ' ';
          printSource(operand, os);
        }
        os << ')';
      })
      .Case<WhereExpr>([&](auto *e) {
        os << '(';
        printSource(e->value, os);
        os << " where ";
        printSource(e->cond, os);
        os << ')';
      })
      .Case<GetExpr>([&](auto *e) {
        os << "get " << e->pipe.name;
        if (!e->keys.empty()) {
          os << '[';
          printList(e->keys, os);
          os << ']';
        }
      })
      .Case<RegExpr>([&](auto *e) {
        os << "(reg ";
        printSource(e->operand, os);
        os << ')';
      })
      .Case<ViewExpr>([&](auto *e) {
        os << "view ";
        printSource(e->base, os);
        if (e->offset) {
          os << " at ";
          printSource(e->offset, os);
        }
        os << " as ";
        printSource(e->type, os);
        if (!e->strides.empty()) {
          os << " stride (";
          printList(e->strides, os);
          os << ')';
        }
      })
      .Case<TupleExpr>([&](auto *e) {
        os << '(';
        printList(e->elems, os);
        os << (e->elems.size() == 1 ? ",)" : ")");
      })
      .Case<RangeExpr>([&](auto *e) {
        printSource(e->lower, os);
        os << "..";
        printSource(e->upper, os);
        if (e->step) {
          os << " step ";
          printSource(e->step, os);
        }
      })
      .Default([&](const Expr *) { os << "<error>"; });
}

void printAST(const File &file, raw_ostream &os) {
  Printer printer(os);
  for (const Stmt *stmt : file.globals)
    printer.print(stmt);
  for (const KernelDecl *kernel : file.kernels)
    printer.print(*kernel);
}

} // namespace tilewright::dsl
