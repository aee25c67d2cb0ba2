//===- Scalars.cpp - integers and conditions without axes -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loop bounds, subscripts and conditions are evaluated millions of times, so
// scalars of integer type have a path of their own, without tiles.
//
//===----------------------------------------------------------------------===//

#include "Machine.h"
#include "llvm/Support/Casting.h"
#include "llvm/Support/MathExtras.h"
#include <cstring>

using namespace llvm;
using namespace tilewright;
using namespace tilewright::reference;
using tilewright::dsl::CompareOp;

static int64_t floorDivide(int64_t a, int64_t b) {
  int64_t quotient = a / b;
  return quotient - (a % b != 0 && (a % b < 0) != (b < 0));
}

const char *reference::apply(Op op, int64_t a, int64_t b, int64_t &value) {
  switch (op) {
  case Op::Add:
    return AddOverflow(a, b, value) ? "integer overflow" : nullptr;
  case Op::Sub:
    return SubOverflow(a, b, value) ? "integer overflow" : nullptr;
  case Op::Mul:
    return MulOverflow(a, b, value) ? "integer overflow" : nullptr;
  case Op::Div:
  case Op::FloorDiv:
  case Op::CDiv:
  case Op::Mod:
    if (b == 0)
      return "division by zero";
    if (b == -1)
      return apply(op == Op::Mod ? Op::Mul : Op::Sub, 0, a, value);
    if (op == Op::Div && a % b != 0)
      return "a division by '/' leaves a remainder";
    value = floorDivide(a, b);
    if (op == Op::Mod)
      value = a - value * b;
    else if (op == Op::CDiv)
      value += value * b != a;
    return nullptr;
  case Op::Min:
    value = std::min(a, b);
    return nullptr;
  case Op::Max:
    value = std::max(a, b);
    return nullptr;
  case Op::And:
    value = a && b;
    return nullptr;
  case Op::Or:
    value = a || b;
    return nullptr;
  }
  return "an unknown operation";
}

bool reference::compareIntegers(CompareOp op, int64_t a, int64_t b) {
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

Process::Variable &Process::variable(const Var *var) {
  if (var->id >= variables.size())
    variables.resize(var->id + 1);
  return variables[var->id];
}

void Process::bind(const Var *var, int64_t value) {
  Variable &entry = variable(var);
  entry.number = value;
  entry.tile = nullptr;
  entry.defined = true;
}

void Process::bindScalar(const Var *var, double value) {
  if (!isFloat(var->type.elem))
    return bind(var, static_cast<int64_t>(value));
  Variable &entry = variable(var);
  entry.tile = makeScalar(roundTo(var->type.elem, value));
  entry.defined = true;
}

bool Process::checkRank(const Expr *rank) {
  int64_t value;
  if (!rank)
    return true;
  if (!rank->type.isScalar())
    return unsupported(rank->loc, "a rank that depends on an axis");
  if (!integer(rank, value))
    return false;
  return value == 0 ||
         fail(rank->loc,
              "the reference has one rank, and this is rank " + Twine(value));
}

bool Process::counterCell(const CounterRead &read, int64_t *&cell) {
  if (!checkRank(read.rank))
    return false;
  int64_t position = 0, size = 1;
  for (size_t d = 0; d < read.counter->dims.size(); ++d) {
    int64_t extent, index;
    if (!integer(read.counter->dims[d], extent) ||
        !integer(read.subs[d], index))
      return false;
    if (index < 0 || index >= extent)
      return fail(read.loc, "counter '" + read.counter->name +
                                "' has no cell " + Twine(index) +
                                " in dimension " + Twine(d) + " of extent " +
                                Twine(extent));
    position = position * extent + index;
    size *= extent;
  }
  std::vector<int64_t> &cells = machine.counters[read.counter];
  if (cells.size() < size_t(size))
    cells.resize(size);
  cell = &cells[position];
  return true;
}

bool Process::readScalar(const TensorRead &read, int64_t &value) {
  TensorState *state = tensor(read.tensor, read.loc);
  if (!state || !checkRank(read.rank))
    return false;
  value = 0;
  int64_t offset = 0, position = 0;
  bool inside = true;
  for (size_t d = 0; d < read.subs.size(); ++d) {
    int64_t index;
    if (!integer(read.subs[d], index))
      return false;
    inside &= index >= 0 && index < state->shape[d];
    offset += index * state->strides[d];
    position = position * state->shape[d] + index;
  }
  if (!inside)
    return true;
  if (state->output &&
      state->output->state(position) != OutputValues::Untouched) {
    if (state->output->state(position) == OutputValues::Written)
      return fail(read.loc, "a sample cannot follow values that the kernel "
                            "writes and reads; use --check=full");
    value = static_cast<int64_t>(state->output->value(position));
    return true;
  }
  unsigned width = runtime::bits(state->type) / 8;
  const std::vector<uint8_t> &bytes = state->host->bytes();
  uint64_t at = uint64_t(state->byteOffset) + uint64_t(offset) * width;
  if (width == 0 || at + width > bytes.size())
    return fail(read.loc, "'" + read.tensor->name +
                              "' reaches outside the memory of its tensor");
  uint64_t code = 0;
  std::memcpy(&code, bytes.data() + at, width);
  // 64-bit integers do not fit a double.
  if (width == 8)
    value = static_cast<int64_t>(code);
  else
    value = static_cast<int64_t>(runtime::decode(state->type, code));
  return true;
}

bool Process::integerBinary(const BinaryExpr &expr, int64_t &value) {
  int64_t a, b;
  if (!integer(expr.lhs, a))
    return false;
  if ((expr.op == Op::And && !a) || (expr.op == Op::Or && a)) {
    value = expr.op == Op::Or;
    return true;
  }
  if (!integer(expr.rhs, b))
    return false;
  if (const char *error = apply(expr.op, a, b, value))
    return fail(expr.loc, Twine(error) + ": " + Twine(a) + " " +
                              spelling(expr.op) + " " + Twine(b));
  return true;
}

bool Process::integer(const Expr *expr, int64_t &value) {
  switch (expr->kind) {
  case ExprKind::IntConst:
    value = cast<IntConst>(expr)->value;
    return true;
  case ExprKind::BoolConst:
    value = cast<BoolConst>(expr)->value;
    return true;
  case ExprKind::DimRef: {
    auto *ref = cast<DimRef>(expr);
    auto it = machine.dims.find(ref->dim);
    if (it == machine.dims.end())
      return fail(expr->loc, "dimension '" + ref->dim->name + "' has no value");
    value = it->second;
    return true;
  }
  case ExprKind::VarRef: {
    auto *ref = cast<VarRef>(expr);
    Variable &entry = variable(ref->var);
    if (!entry.defined)
      return fail(expr->loc,
                  "'" + ref->var->name + "' is read before it has a value");
    if (entry.tile)
      break;
    value = entry.number;
    return true;
  }
  case ExprKind::Neg: {
    int64_t operand;
    if (!integer(cast<NegExpr>(expr)->operand, operand))
      return false;
    value = int64_t(0 - uint64_t(operand));
    return true;
  }
  case ExprKind::Not: {
    int64_t operand;
    if (!integer(cast<NotExpr>(expr)->operand, operand))
      return false;
    value = !operand;
    return true;
  }
  case ExprKind::Binary:
    if (isFloat(expr->type.elem))
      break;
    return integerBinary(*cast<BinaryExpr>(expr), value);
  case ExprKind::Compare: {
    auto *compare = cast<CompareExpr>(expr);
    if (isFloat(compare->lhs->type.elem) || isFloat(compare->rhs->type.elem))
      break;
    int64_t a, b;
    if (!integer(compare->lhs, a) || !integer(compare->rhs, b))
      return false;
    value = compareIntegers(compare->op, a, b);
    return true;
  }
  case ExprKind::Builtin:
    switch (cast<BuiltinExpr>(expr)->which) {
    case BuiltinExpr::Rank:
      value = 0;
      return true;
    case BuiltinExpr::NumRanks:
      value = 1;
      return true;
    case BuiltinExpr::Cta:
    case BuiltinExpr::NumCtas:
      // The one CTA (of a schedule: the one cluster) takes the items of all.
      if (machine.ctas > 1)
        return unsupported(expr->loc, "the number of a CTA beside "
                                      "'cluster_sum'");
      value = cast<BuiltinExpr>(expr)->which == BuiltinExpr::NumCtas;
      return true;
    }
    return false;
  case ExprKind::TensorRead:
    if (isFloat(expr->type.elem))
      break;
    return readScalar(*cast<TensorRead>(expr), value);
  case ExprKind::CounterRead: {
    int64_t *cell;
    if (!counterCell(*cast<CounterRead>(expr), cell))
      return false;
    value = *cell;
    return true;
  }
  case ExprKind::FetchAdd: {
    auto *add = cast<FetchAddExpr>(expr);
    auto *target = dyn_cast<CounterRead>(add->target);
    int64_t *cell, amount;
    if (!target)
      return unsupported(expr->loc, "'fetch_add' on a tensor");
    if (!integer(add->value, amount) || !counterCell(*target, cell))
      return false;
    value = *cell;
    *cell += amount;
    machine.changed();
    return true;
  }
  case ExprKind::Stride: {
    auto *stride = cast<StrideExpr>(expr);
    TensorState *state = tensor(stride->tensor, expr->loc);
    if (!state)
      return false;
    value = state->strides[stride->dim];
    return true;
  }
  case ExprKind::Reg:
    return integer(cast<RegExpr>(expr)->operand, value);
  default:
    break;
  }
  TilePtr tile = evaluateAll(expr);
  if (!tile)
    return false;
  if (tile->hollow) {
    machine.dataDependent = true;
    return fail(expr->loc, "this depends on floating-point values");
  }
  value = static_cast<int64_t>(tile->value.front());
  return true;
}

bool Process::boolean(const Expr *expr, bool &value) {
  int64_t number;
  if (!integer(expr, number))
    return false;
  value = number != 0;
  return true;
}

bool Process::affine(const Expr *expr, Affine &result) {
  if (expr->type.isScalar()) {
    result = {};
    return integer(expr, result.base);
  }
  if (auto *axis = dyn_cast<AxisRef>(expr)) {
    result = {axis->name, 0, 1};
    return true;
  }
  auto *binary = dyn_cast<BinaryExpr>(expr);
  if (!binary)
    return false;
  bool product = binary->op == Op::Mul;
  if (!product && binary->op != Op::Add && binary->op != Op::Sub)
    return false;
  Affine a, b;
  if (!affine(binary->lhs, a) || !affine(binary->rhs, b))
    return false;
  if (product) {
    if (!b.axis.empty())
      std::swap(a, b);
    if (!b.axis.empty())
      return false;
    result = {a.axis, a.base * b.base, a.slope * b.base};
    return true;
  }
  if (!a.axis.empty() && !b.axis.empty() && a.axis != b.axis)
    return false;
  int64_t sign = binary->op == Op::Sub ? -1 : 1;
  result = {a.axis.empty() ? b.axis : a.axis, a.base + sign * b.base,
            a.slope + sign * b.slope};
  return true;
}

bool Process::frameOf(ArrayRef<Axis> axes, Frame &frame) {
  frame.clear();
  for (const Axis &axis : axes) {
    int64_t extent;
    if (!integer(axis.extent, extent))
      return false;
    if (extent < 0 || extent > (int64_t(1) << 40))
      return fail(axis.loc,
                  "axis '" + axis.name + "' has extent " + Twine(extent));
    frame.push_back({axis.name, extent, extent});
  }
  if (elementCount(frame) > (int64_t(1) << 31))
    return fail(axes.front().loc, "a tile of " + Twine(elementCount(frame)) +
                                      " elements is too large");
  return true;
}

bool Process::frameOf(const Type &type, Frame &frame) {
  return frameOf(type.axes, frame);
}

void Process::addWork(double amount) {
  machine.work += amount;
  if (currentItem >= 0 && size_t(currentItem) < machine.itemWork.size())
    machine.itemWork[currentItem] += amount;
}
