//===- CostExpr.cpp - extents and trip counts, evaluated in nanoseconds ---===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Tuning/CostExpr.h"
#include "llvm/ADT/StringSwitch.h"
#include <algorithm>

using namespace llvm;
using namespace tilewright::tuning;

std::optional<CostExpr::Op> CostExpr::parseOp(StringRef name) {
  return StringSwitch<std::optional<Op>>(name)
      .Case("add", Op::Add)
      .Case("sub", Op::Sub)
      .Case("mul", Op::Mul)
      .Cases({"floordiv", "div"}, Op::FloorDiv)
      .Case("cdiv", Op::CDiv)
      .Case("mod", Op::Mod)
      .Case("min", Op::Min)
      .Case("max", Op::Max)
      .Case("eq", Op::Eq)
      .Case("ne", Op::Ne)
      .Case("lt", Op::Lt)
      .Case("le", Op::Le)
      .Case("gt", Op::Gt)
      .Case("ge", Op::Ge)
      .Case("and", Op::And)
      .Case("or", Op::Or)
      .Default(std::nullopt);
}

static int64_t floorDiv(int64_t a, int64_t b) {
  if (b == 0)
    return 0;
  // -1 apart: the quotient of the least integer does not fit.
  if (b == -1)
    return static_cast<int64_t>(0 - static_cast<uint64_t>(a));
  int64_t quotient = a / b;
  return quotient - ((a % b != 0) && ((a < 0) != (b < 0)));
}

static int64_t apply(CostExpr::Op op, int64_t a, int64_t b) {
  auto x = static_cast<uint64_t>(a), y = static_cast<uint64_t>(b);
  switch (op) {
  case CostExpr::Op::Add:
    return static_cast<int64_t>(x + y);
  case CostExpr::Op::Sub:
    return static_cast<int64_t>(x - y);
  case CostExpr::Op::Mul:
    return static_cast<int64_t>(x * y);
  case CostExpr::Op::FloorDiv:
    return floorDiv(a, b);
  case CostExpr::Op::CDiv:
    return static_cast<int64_t>(
        0 - static_cast<uint64_t>(floorDiv(static_cast<int64_t>(0 - x), b)));
  case CostExpr::Op::Mod:
    return static_cast<int64_t>(x - static_cast<uint64_t>(floorDiv(a, b)) * y);
  case CostExpr::Op::Min:
    return std::min(a, b);
  case CostExpr::Op::Max:
    return std::max(a, b);
  case CostExpr::Op::Eq:
    return a == b;
  case CostExpr::Op::Ne:
    return a != b;
  case CostExpr::Op::Lt:
    return a < b;
  case CostExpr::Op::Le:
    return a <= b;
  case CostExpr::Op::Gt:
    return a > b;
  case CostExpr::Op::Ge:
    return a >= b;
  case CostExpr::Op::And:
    return a && b;
  case CostExpr::Op::Or:
    return a || b;
  default:
    return 0;
  }
}

std::optional<CostExpr> CostExpr::binary(Op op, const CostExpr &a,
                                         const CostExpr &b) {
  if (a.constant() && b.constant())
    return integer(apply(op, *a.constant(), *b.constant()));
  CostExpr result = a;
  result.code.append(b.code.begin(), b.code.end());
  result.code.push_back({op, 0});
  result.depth = std::max(a.depth, b.depth + 1);
  if (result.depth > maxStack)
    return std::nullopt;
  return result;
}

int64_t CostExpr::evaluate(ArrayRef<int64_t> dims,
                           ArrayRef<int64_t> coords) const {
  int64_t stack[maxStack];
  unsigned top = 0;
  for (const Instruction &each : code) {
    switch (each.op) {
    case Op::Int:
      stack[top++] = each.value;
      break;
    case Op::Dim:
      stack[top++] = dims[each.value];
      break;
    case Op::Coord:
      stack[top++] = coords[each.value];
      break;
    default:
      --top;
      stack[top - 1] = apply(each.op, stack[top - 1], stack[top]);
    }
  }
  return stack[0];
}

unsigned CostExpr::coordinates() const {
  unsigned mask = 0;
  for (const Instruction &each : code)
    if (each.op == Op::Coord)
      mask |= 1u << each.value;
  return mask;
}
