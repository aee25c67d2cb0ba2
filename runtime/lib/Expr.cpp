//===- Expr.cpp - Integer expressions of a manifest -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tilewright/Runtime/Expr.h"
#include "tilewright/Runtime/Errors.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <limits>

using namespace tilewright;
using namespace tilewright::runtime;
using Op = Expr::Op;

namespace {
/// Precedence as in the language: or < and < not < comparison < sum < product.
struct OpInfo {
  Op op;
  const char *name;
  const char *symbol; ///< Null: written as a call.
  int precedence;
};
constexpr OpInfo ops[] = {
    {Op::Add, "add", "+", 5},
    {Op::Sub, "sub", "-", 5},
    {Op::Mul, "mul", "*", 6},
    {Op::Div, "div", "/", 6},
    {Op::FloorDiv, "floordiv", "//", 6},
    {Op::CDiv, "cdiv", nullptr, 8},
    {Op::Mod, "mod", "%", 6},
    {Op::Min, "min", nullptr, 8},
    {Op::Max, "max", nullptr, 8},
    {Op::Eq, "eq", "==", 4},
    {Op::Ne, "ne", "!=", 4},
    {Op::Lt, "lt", "<", 4},
    {Op::Le, "le", "<=", 4},
    {Op::Gt, "gt", ">", 4},
    {Op::Ge, "ge", ">=", 4},
    {Op::And, "and", "and", 2},
    {Op::Or, "or", "or", 1},
    {Op::Not, "not", "not", 3},
};
const OpInfo &info(Op op) {
  for (const OpInfo &entry : ops)
    if (entry.op == op)
      return entry;
  return ops[0];
}
/// Nesting beyond any real expression: refuses hostile input before the
/// recursion overflows the stack.
constexpr int maxDepth = 64;
} // namespace

Expr Expr::integer(int64_t value) {
  Expr expr;
  expr.number = value;
  return expr;
}

Expr Expr::dim(unsigned index, llvm::StringRef name) {
  Expr expr;
  expr.op = Op::Dim;
  expr.number = index;
  expr.dimName = name.str();
  return expr;
}

static llvm::Expected<Expr> parseAt(const llvm::json::Value &json,
                                    llvm::ArrayRef<std::string> names,
                                    int depth,
                                    Expr (*make)(Op, std::vector<Expr>)) {
  if (depth > maxDepth)
    return manifestError("expression nested deeper than " +
                         llvm::Twine(maxDepth));
  if (auto value = json.getAsInteger())
    return Expr::integer(*value);
  if (auto text = json.getAsString()) {
    auto found = llvm::find(names, *text);
    if (found == names.end())
      return manifestError("expression uses '" + *text +
                           "', which is not among 'dims' or 'baked'");
    return Expr::dim(found - names.begin(), *text);
  }
  const llvm::json::Array *array = json.getAsArray();
  std::optional<llvm::StringRef> opName;
  if (array && !array->empty())
    opName = array->front().getAsString();
  if (!opName)
    return manifestError("an expression is an integer, a dimension name or "
                         "[op, a, b]");
  for (const OpInfo &entry : ops) {
    if (*opName != entry.name)
      continue;
    size_t arity = entry.op == Op::Not ? 1 : 2;
    if (array->size() != arity + 1)
      return manifestError("'" + *opName + "' takes " + llvm::Twine(arity) +
                           " operand" + (arity == 1 ? "" : "s") + ", not " +
                           llvm::Twine(array->size() - 1));
    std::vector<Expr> args;
    for (const llvm::json::Value &operand : llvm::drop_begin(*array)) {
      auto arg = parseAt(operand, names, depth + 1, make);
      if (!arg)
        return arg.takeError();
      args.push_back(std::move(*arg));
    }
    return make(entry.op, std::move(args));
  }
  return manifestError("unknown operation '" + *opName + "'");
}

llvm::Expected<Expr> Expr::parse(const llvm::json::Value &json,
                                 llvm::ArrayRef<std::string> names) {
  return parseAt(json, names, 0, [](Op op, std::vector<Expr> args) {
    Expr expr;
    expr.op = op;
    expr.args = std::move(args);
    return expr;
  });
}

void Expr::forEachDim(llvm::function_ref<void(unsigned)> visit) const {
  if (op == Op::Dim)
    visit(number);
  for (const Expr &arg : args)
    arg.forEachDim(visit);
}

/// Quotient rounded towards minus infinity; the divisor is not 0 and the
/// quotient is representable.
static int64_t floorDivide(int64_t a, int64_t b) {
  int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

llvm::Expected<int64_t>
Expr::evaluate(llvm::ArrayRef<std::optional<int64_t>> dims) const {
  if (op == Op::Int)
    return number;
  if (op == Op::Dim) {
    if (static_cast<size_t>(number) >= dims.size() || !dims[number])
      return argumentError("dimension '" + dimName + "' has no value");
    return *dims[number];
  }
  auto left = args[0].evaluate(dims);
  if (!left)
    return left.takeError();
  int64_t a = *left;
  if (op == Op::Not)
    return a == 0;
  if (op == Op::And && a == 0)
    return 0;
  if (op == Op::Or && a != 0)
    return 1;
  auto right = args[1].evaluate(dims);
  if (!right)
    return right.takeError();
  int64_t b = *right, result = 0;
  auto fail = [&](const char *why) {
    return argumentError(str() + " " + why + " (" + args[0].str() + " = " +
                         llvm::Twine(a) + ", " + args[1].str() + " = " +
                         llvm::Twine(b) + ")");
  };
  constexpr int64_t lowest = std::numeric_limits<int64_t>::min();
  switch (op) {
  case Op::Add:
    if (llvm::AddOverflow(a, b, result))
      return fail("overflows");
    return result;
  case Op::Sub:
    if (llvm::SubOverflow(a, b, result))
      return fail("overflows");
    return result;
  case Op::Mul:
    if (llvm::MulOverflow(a, b, result))
      return fail("overflows");
    return result;
  case Op::Div:
  case Op::FloorDiv:
  case Op::CDiv:
  case Op::Mod:
    if (b == 0)
      return fail("divides by zero");
    if (a == lowest && b == -1)
      return fail("overflows");
    if (op == Op::Div && a % b != 0)
      return fail("is not exact");
    if (op == Op::Mod)
      return a - floorDivide(a, b) * b;
    if (op == Op::CDiv)
      return floorDivide(a, b) + (a % b != 0);
    return floorDivide(a, b);
  case Op::Min:
    return std::min(a, b);
  case Op::Max:
    return std::max(a, b);
  case Op::Eq:
    return a == b;
  case Op::Ne:
    return a != b;
  case Op::Lt:
    return a < b;
  case Op::Le:
    return a <= b;
  case Op::Gt:
    return a > b;
  case Op::Ge:
    return a >= b;
  case Op::And:
  case Op::Or:
    return b != 0;
  case Op::Int:
  case Op::Dim:
  case Op::Not:
    break;
  }
  return argumentError("malformed expression");
}

void Expr::print(llvm::raw_ostream &os, int precedence) const {
  if (op == Op::Int) {
    os << number;
    return;
  }
  if (op == Op::Dim) {
    os << dimName;
    return;
  }
  const OpInfo &entry = info(op);
  if (!entry.symbol) {
    os << entry.name << '(';
    args[0].print(os, 0);
    os << ", ";
    args[1].print(os, 0);
    os << ')';
    return;
  }
  bool parens = entry.precedence < precedence;
  if (parens)
    os << '(';
  if (op == Op::Not) {
    os << "not ";
    args[0].print(os, entry.precedence + 1);
  } else {
    args[0].print(os, entry.precedence);
    os << ' ' << entry.symbol << ' ';
    // Operators of one precedence associate to the left.
    args[1].print(os, entry.precedence + 1);
  }
  if (parens)
    os << ')';
}

std::string Expr::str() const {
  std::string out;
  llvm::raw_string_ostream os(out);
  print(os, 0);
  return out;
}
