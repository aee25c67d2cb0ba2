//===- Fold.cpp - integer expressions: folding and equality ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fold.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
namespace t = tilewright::dsl::typed;

namespace tilewright::dsl {

static int64_t floorDiv(int64_t a, int64_t b) {
  int64_t q = a / b;
  return (a % b != 0 && (a < 0) != (b < 0)) ? q - 1 : q;
}

std::optional<int64_t> foldInts(t::Op op, int64_t a, int64_t b) {
  int64_t result;
  switch (op) {
  case t::Op::Add:
    return AddOverflow(a, b, result) ? std::nullopt : std::optional(result);
  case t::Op::Sub:
    return SubOverflow(a, b, result) ? std::nullopt : std::optional(result);
  case t::Op::Mul:
    return MulOverflow(a, b, result) ? std::nullopt : std::optional(result);
  case t::Op::Div:
  case t::Op::FloorDiv:
  case t::Op::CDiv:
  case t::Op::Mod:
    // INT64_MIN / -1 is the one quotient that overflows.
    if (b == 0 || (b == -1 && a == INT64_MIN))
      return std::nullopt;
    if (op == t::Op::Div)
      return a % b ? std::nullopt : std::optional(a / b);
    if (op == t::Op::FloorDiv)
      return floorDiv(a, b);
    if (op == t::Op::CDiv)
      return floorDiv(a, b) + (a % b != 0);
    return (a % b != 0 && (a < 0) != (b < 0)) ? a % b + b : a % b;
  case t::Op::Min:
    return std::min(a, b);
  case t::Op::Max:
    return std::max(a, b);
  case t::Op::And:
    return a && b;
  case t::Op::Or:
    return a || b;
  }
  return std::nullopt;
}

template <typename T> static bool compare(CompareOp op, T a, T b) {
  switch (op) {
  case CompareOp::EQ:
    return a == b;
  case CompareOp::NE:
    return a != b;
  case CompareOp::LT:
    return a < b;
  case CompareOp::LE:
    return a <= b;
  case CompareOp::GT:
    return a > b;
  case CompareOp::GE:
    return a >= b;
  }
  return false;
}

bool foldCompare(CompareOp op, int64_t a, int64_t b) {
  return compare(op, a, b);
}
bool foldCompare(CompareOp op, double a, double b) { return compare(op, a, b); }

// Beyond these a polynomial is an atom of its own: equality then needs the
// same node, and work stays small whatever the source multiplies out to.
static constexpr size_t maxTerms = 32, maxDegree = 8;

bool Canonical::add(Poly &sum, const Poly &term, int64_t factor) {
  for (auto &[monomial, coefficient] : term) {
    int64_t scaled, total;
    if (MulOverflow(coefficient, factor, scaled))
      return false;
    auto it = sum.emplace(monomial, 0).first;
    if (AddOverflow(it->second, scaled, total))
      return false;
    it->second = total;
    if (total == 0)
      sum.erase(it);
  }
  return sum.size() <= maxTerms;
}

bool Canonical::mul(Poly &product, const Poly &a, const Poly &b) {
  for (auto &[ma, ca] : a) {
    for (auto &[mb, cb] : b) {
      Monomial m;
      std::merge(ma.begin(), ma.end(), mb.begin(), mb.end(),
                 std::back_inserter(m));
      int64_t c;
      if (m.size() > maxDegree || MulOverflow(ca, cb, c) ||
          !add(product, {{m, c}}, 1))
        return false;
    }
  }
  return true;
}

Canonical::Poly Canonical::atom(StringRef key) {
  unsigned number = atoms.try_emplace(key, atoms.size()).first->second;
  return {{{number}, 1}};
}

Canonical::Poly Canonical::opaque(const t::Expr *expr) {
  return atom("@" + std::to_string(reinterpret_cast<uintptr_t>(expr)));
}

unsigned Canonical::intern(const Poly &poly) {
  auto [it, fresh] = numbers.emplace(poly, polys.size());
  if (fresh)
    polys.push_back(poly);
  return it->second;
}

unsigned Canonical::id(const t::Expr *expr) {
  auto it = memo.find(expr);
  if (it != memo.end())
    return it->second;
  unsigned number = intern(poly(expr));
  memo[expr] = number;
  return number;
}

bool Canonical::divides(const t::Expr *expr, int64_t divisor) {
  if (divisor == 0)
    return false;
  for (auto &[monomial, coefficient] : polys[id(expr)])
    if (divisor != -1 && coefficient % divisor != 0)
      return false;
  return true;
}

Canonical::Poly Canonical::poly(const t::Expr *expr) {
  // An operation that is not linear: named by its operands' numbers.
  auto operation = [&](StringRef name) {
    std::string key = name.str();
    for (const t::Expr *child : t::children(expr))
      key += "," + std::to_string(id(child));
    return atom(key);
  };
  return TypeSwitch<const t::Expr *, Poly>(expr)
      .Case<t::IntConst>(
          [&](auto *e) { return e->value ? Poly{{{}, e->value}} : Poly{}; })
      .Case<t::BoolConst>(
          [&](auto *e) { return atom(e->value ? "true" : "false"); })
      .Case<t::DimRef>([&](auto *e) { return atom("d" + e->dim->name.str()); })
      .Case<t::AxisRef>([&](auto *e) { return atom("a" + e->name.str()); })
      .Case<t::VarRef>([&](auto *e) {
        // A variable that is assigned has another value at each use.
        if (e->var->kind == t::Var::Variable)
          return opaque(e);
        return atom("v" + std::to_string(e->var->id));
      })
      .Case<t::BuiltinExpr>(
          [&](auto *e) { return atom("b" + std::to_string(e->which)); })
      .Case<t::NegExpr>([&](auto *e) {
        Poly result;
        return add(result, polys[id(e->operand)], -1) ? result : opaque(e);
      })
      .Case<t::BinaryExpr>([&](auto *e) {
        if (!t::isInteger(e->type.elem))
          return opaque(e);
        unsigned l = id(e->lhs), r = id(e->rhs);
        Poly result;
        switch (e->op) {
        case t::Op::Add:
        case t::Op::Sub:
          if (add(result, polys[l], 1) &&
              add(result, polys[r], e->op == t::Op::Add ? 1 : -1))
            return result;
          return operation(spelling(e->op));
        case t::Op::Mul:
          if (mul(result, polys[l], polys[r]))
            return result;
          return operation("*");
        case t::Op::Div:
          if (auto c = t::constantValue(e->rhs); c && divides(e->lhs, *c)) {
            for (auto &[monomial, coefficient] : polys[l]) {
              auto q = foldInts(t::Op::Div, coefficient, *c);
              if (!q)
                return operation("/");
              result[monomial] = *q;
            }
            return result;
          }
          return operation("/");
        default:
          return operation(spelling(e->op));
        }
      })
      .Case<t::CompareExpr>([&](auto *e) { return operation(spelling(e->op)); })
      .Case<t::NotExpr>([&](auto *) { return operation("not"); })
      .Case<t::StrideExpr>([&](auto *e) {
        return atom("s" + e->tensor->name.str() + "." + std::to_string(e->dim));
      })
      .Case<t::TensorRead>([&](auto *e) {
        // What the kernel writes may differ from one read to the next.
        if (e->tensor->mode != t::Tensor::In)
          return opaque(e);
        return operation("t" + e->tensor->name.str());
      })
      .Case<t::ReduceExpr>([&](auto *e) {
        std::string name = "r" + spelling(e->op).str();
        for (const t::Axis &axis : e->over) {
          name += "<" + axis.name.str();
          if (axis.extent)
            name += ":" + std::to_string(id(axis.extent));
        }
        return operation(name);
      })
      .Case<t::WhereExpr>([&](auto *) { return operation("where"); })
      .Case<t::ConvertExpr>([&](auto *e) {
        return operation("c" + spelling(e->type.elem).str());
      })
      .Default([&](const t::Expr *e) { return opaque(e); });
}

} // namespace tilewright::dsl
