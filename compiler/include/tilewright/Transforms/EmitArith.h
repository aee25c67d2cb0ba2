//===- EmitArith.h - the arithmetic policy that emits index operations ----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_TRANSFORMS_EMITARITH_H
#define TILEWRIGHT_TRANSFORMS_EMITARITH_H

#include "tilewright/Support/Arith.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Builders.h"
#include "llvm/Support/MathExtras.h"

namespace tilewright {

/// The policy of Support/Arith.h whose values are `index` SSA values. Folds
/// constants; division by powers of two becomes shifts and masks, so that the
/// emitted code is what one would write by hand even before LLVM sees it.
struct EmitArith {
  using Value = mlir::Value;
  mlir::OpBuilder &builder;
  mlir::Location loc;

  Value constant(int64_t v) {
    return mlir::arith::ConstantIndexOp::create(builder, loc, v);
  }
  Value add(Value a, Value b) {
    auto x = mlir::getConstantIntValue(a), y = mlir::getConstantIntValue(b);
    if (x && y)
      return constant(*x + *y);
    if (x && *x == 0)
      return b;
    if (y && *y == 0)
      return a;
    return mlir::arith::AddIOp::create(builder, loc, a, b);
  }
  Value sub(Value a, Value b) {
    auto x = mlir::getConstantIntValue(a), y = mlir::getConstantIntValue(b);
    if (x && y)
      return constant(*x - *y);
    if (y && *y == 0)
      return a;
    return mlir::arith::SubIOp::create(builder, loc, a, b);
  }
  Value mul(Value a, Value b) {
    auto x = mlir::getConstantIntValue(a), y = mlir::getConstantIntValue(b);
    if (x && y)
      return constant(*x * *y);
    if ((x && *x == 0) || (y && *y == 1))
      return a;
    if ((y && *y == 0) || (x && *x == 1))
      return b;
    return mlir::arith::MulIOp::create(builder, loc, a, b);
  }
  Value divui(Value a, Value b) {
    auto x = mlir::getConstantIntValue(a), y = mlir::getConstantIntValue(b);
    if (x && y)
      return constant(*x / *y);
    if (y && *y == 1)
      return a;
    if (y && llvm::isPowerOf2_64(*y))
      return mlir::arith::ShRUIOp::create(builder, loc, a,
                                          constant(llvm::Log2_64(*y)));
    return mlir::arith::DivUIOp::create(builder, loc, a, b);
  }
  Value remui(Value a, Value b) {
    auto x = mlir::getConstantIntValue(a), y = mlir::getConstantIntValue(b);
    if (x && y)
      return constant(*x % *y);
    if (y && *y == 1)
      return constant(0);
    if (y && llvm::isPowerOf2_64(*y))
      return mlir::arith::AndIOp::create(builder, loc, a, constant(*y - 1));
    return mlir::arith::RemUIOp::create(builder, loc, a, b);
  }
  Value minui(Value a, Value b) {
    auto x = mlir::getConstantIntValue(a), y = mlir::getConstantIntValue(b);
    if (x && y)
      return constant(std::min(*x, *y));
    return mlir::arith::MinUIOp::create(builder, loc, a, b);
  }
  Value bitXor(Value a, Value b) {
    auto x = mlir::getConstantIntValue(a), y = mlir::getConstantIntValue(b);
    if (x && y)
      return constant(*x ^ *y);
    if (x && *x == 0)
      return b;
    if (y && *y == 0)
      return a;
    return mlir::arith::XOrIOp::create(builder, loc, a, b);
  }
  Value ult(Value a, Value b) {
    return mlir::arith::CmpIOp::create(builder, loc,
                                       mlir::arith::CmpIPredicate::ult, a, b);
  }
  Value select(Value c, Value t, Value f) {
    return mlir::arith::SelectOp::create(builder, loc, c, t, f);
  }
};

} // namespace tilewright

#endif // TILEWRIGHT_TRANSFORMS_EMITARITH_H
