//===- BarrierArith.cpp - integer operations of barrier programs ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BarrierArith.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace tilewright;

namespace {
enum Opcode : unsigned {
  Add,
  Sub,
  Mul,
  And,
  Or,
  Xor,
  Shl,
  ShrU,
  ShrS,
  DivU,
  DivS,
  RemU,
  RemS,
  CeilDiv,
  FloorDiv,
  Min,
  Max,
  Compare,
  Widen,
  WidenU
};
} // namespace

std::optional<unsigned> tilewright::getBarrierOpcode(Operation *op,
                                                     BarrierInst &inst) {
  if (auto compare = dyn_cast<arith::CmpIOp>(op)) {
    inst.imm = static_cast<int64_t>(compare.getPredicate());
    return Compare;
  }
  if (isa<arith::ExtUIOp, arith::IndexCastUIOp>(op)) {
    Type type = op->getOperand(0).getType();
    inst.imm = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
    return WidenU;
  }
  return TypeSwitch<Operation *, std::optional<unsigned>>(op)
      .Case<arith::AddIOp>([](auto) { return Add; })
      .Case<arith::SubIOp>([](auto) { return Sub; })
      .Case<arith::MulIOp>([](auto) { return Mul; })
      .Case<arith::AndIOp>([](auto) { return And; })
      .Case<arith::OrIOp>([](auto) { return Or; })
      .Case<arith::XOrIOp>([](auto) { return Xor; })
      .Case<arith::ShLIOp>([](auto) { return Shl; })
      .Case<arith::ShRUIOp>([](auto) { return ShrU; })
      .Case<arith::ShRSIOp>([](auto) { return ShrS; })
      .Case<arith::DivUIOp>([](auto) { return DivU; })
      .Case<arith::DivSIOp>([](auto) { return DivS; })
      .Case<arith::RemUIOp>([](auto) { return RemU; })
      .Case<arith::RemSIOp>([](auto) { return RemS; })
      .Case<arith::CeilDivSIOp, arith::CeilDivUIOp>(
          [](auto) { return CeilDiv; })
      .Case<arith::FloorDivSIOp>([](auto) { return FloorDiv; })
      .Case<arith::MinSIOp, arith::MinUIOp>([](auto) { return Min; })
      .Case<arith::MaxSIOp, arith::MaxUIOp>([](auto) { return Max; })
      .Case<arith::TruncIOp, arith::IndexCastOp>([](auto) { return Widen; })
      .Default(std::nullopt);
}

/// A value as its type holds it: i1 is 0 or 1, others are signed.
static BarrierValue wrap(int64_t value, unsigned width) {
  if (width >= 64)
    return value;
  if (width == 1)
    return value & 1;
  return llvm::SignExtend64(static_cast<uint64_t>(value), width);
}

static uint64_t asUnsigned(int64_t value, unsigned width) {
  auto bits = static_cast<uint64_t>(value);
  return width >= 64 ? bits : bits & ((uint64_t(1) << width) - 1);
}

static bool compare(int64_t predicate, int64_t a, int64_t b) {
  // Values of loops and places are small: signed and unsigned orders agree
  // unless one is negative, which is then large.
  auto ua = static_cast<uint64_t>(a), ub = static_cast<uint64_t>(b);
  switch (static_cast<arith::CmpIPredicate>(predicate)) {
  case arith::CmpIPredicate::eq:
    return a == b;
  case arith::CmpIPredicate::ne:
    return a != b;
  case arith::CmpIPredicate::slt:
    return a < b;
  case arith::CmpIPredicate::sle:
    return a <= b;
  case arith::CmpIPredicate::sgt:
    return a > b;
  case arith::CmpIPredicate::sge:
    return a >= b;
  case arith::CmpIPredicate::ult:
    return ua < ub;
  case arith::CmpIPredicate::ule:
    return ua <= ub;
  case arith::CmpIPredicate::ugt:
    return ua > ub;
  case arith::CmpIPredicate::uge:
    return ua >= ub;
  }
  llvm_unreachable("unknown predicate");
}

/// Divisions of what is not negative by what is positive; nothing else occurs
/// in indices.
static BarrierValue divide(unsigned opcode, int64_t a, int64_t b) {
  if (b <= 0 || a < 0)
    return unknownValue;
  switch (opcode) {
  case RemU:
  case RemS:
    return a % b;
  case CeilDiv:
    return a / b + (a % b != 0);
  default:
    return a / b;
  }
}

BarrierValue tilewright::evaluateBarrierArith(const BarrierInst &inst,
                                              BarrierValue a, BarrierValue b) {
  if (!isKnown(a) || (inst.b >= 0 && !isKnown(b)))
    return unknownValue;
  unsigned width = inst.width;
  auto ua = static_cast<uint64_t>(a), ub = static_cast<uint64_t>(b);
  switch (inst.opcode) {
  case Add:
    return wrap(static_cast<int64_t>(ua + ub), width);
  case Sub:
    return wrap(static_cast<int64_t>(ua - ub), width);
  case Mul:
    return wrap(static_cast<int64_t>(ua * ub), width);
  case And:
    return wrap(a & b, width);
  case Or:
    return wrap(a | b, width);
  case Xor:
    return wrap(a ^ b, width);
  case Shl:
    return b < 0 || b >= width
               ? unknownValue
               : wrap(static_cast<int64_t>(static_cast<uint64_t>(a) << b),
                      width);
  case ShrU:
    return b < 0 || b >= width
               ? unknownValue
               : wrap(static_cast<int64_t>(asUnsigned(a, width) >> b), width);
  case ShrS:
    return b < 0 || b >= width ? unknownValue : a >> b;
  case Min:
    return std::min(a, b);
  case Max:
    return std::max(a, b);
  case Compare:
    return compare(inst.imm, a, b);
  case Widen:
    return wrap(a, width);
  case WidenU:
    return wrap(
        static_cast<int64_t>(asUnsigned(a, static_cast<unsigned>(inst.imm))),
        width);
  default:
    return divide(inst.opcode, a, b);
  }
}
