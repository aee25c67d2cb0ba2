//===- HostExpression.cpp - expressions that the launcher evaluates -------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Transforms/HostExpression.h"
#include "tilewright/Dialect/Tile/TileDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tilewright;

Attribute tilewright::makeHostExpression(MLIRContext *context, StringRef op,
                                         Attribute a, Attribute b) {
  Builder builder(context);
  auto x = dyn_cast<IntegerAttr>(a), y = dyn_cast<IntegerAttr>(b);
  if (x && y) {
    int64_t m = x.getInt(), n = y.getInt();
    if (op == "mul")
      return builder.getI64IntegerAttr(m * n);
    if (op == "add")
      return builder.getI64IntegerAttr(m + n);
    if (op == "cdiv" && m >= 0 && n > 0)
      return builder.getI64IntegerAttr((m + n - 1) / n);
  }
  if (op == "mul") {
    if (x && x.getInt() == 1)
      return b;
    if (y && y.getInt() == 1)
      return a;
  }
  return builder.getArrayAttr({builder.getStringAttr(op), a, b});
}

static tile::KernelOp getKernel(BlockArgument arg) {
  return dyn_cast<tile::KernelOp>(arg.getOwner()->getParentOp());
}

Attribute tilewright::toHostExpression(Value value) {
  MLIRContext *context = value.getContext();
  Builder builder(context);
  if (std::optional<int64_t> constant = getConstantIntValue(value))
    return builder.getI64IntegerAttr(*constant);
  if (auto arg = dyn_cast<BlockArgument>(value)) {
    if (tile::KernelOp kernel = getKernel(arg);
        kernel && arg.getType().isIndex())
      return builder.getStringAttr(kernel.getArgName(arg.getArgNumber()));
    return {};
  }
  Operation *op = value.getDefiningOp();
  if (auto dim = dyn_cast<tile::DimOp>(op)) {
    auto arg = dyn_cast<BlockArgument>(dim.getTensor());
    tile::KernelOp kernel = arg ? getKernel(arg) : tile::KernelOp();
    auto shape = kernel ? kernel.getArgAttrOfType<ArrayAttr>(arg.getArgNumber(),
                                                             "tile.shape")
                        : ArrayAttr();
    return shape ? shape[dim.getDim()] : Attribute();
  }
  // Extents and indices are not negative, so both signednesses agree.
  StringRef name =
      TypeSwitch<Operation *, StringRef>(op)
          .Case<arith::AddIOp>([](auto) { return "add"; })
          .Case<arith::SubIOp>([](auto) { return "sub"; })
          .Case<arith::MulIOp>([](auto) { return "mul"; })
          .Case<arith::DivUIOp, arith::DivSIOp, arith::FloorDivSIOp>(
              [](auto) { return "floordiv"; })
          .Case<arith::CeilDivUIOp, arith::CeilDivSIOp>(
              [](auto) { return "cdiv"; })
          .Case<arith::RemUIOp, arith::RemSIOp>([](auto) { return "mod"; })
          .Case<arith::MinUIOp, arith::MinSIOp>([](auto) { return "min"; })
          .Case<arith::MaxUIOp, arith::MaxSIOp>([](auto) { return "max"; })
          .Default(StringRef());
  if (name.empty())
    return {};
  Attribute a = toHostExpression(op->getOperand(0));
  Attribute b = toHostExpression(op->getOperand(1));
  if (!a || !b)
    return {};
  return makeHostExpression(context, name, a, b);
}

Value tilewright::expandHostExpression(
    OpBuilder &builder, Location loc, Attribute expression,
    llvm::function_ref<Value(StringRef)> lookup) {
  if (auto integer = dyn_cast<IntegerAttr>(expression))
    return arith::ConstantIndexOp::create(builder, loc, integer.getInt());
  if (auto name = dyn_cast<StringAttr>(expression))
    return lookup(name.getValue());
  auto array = dyn_cast<ArrayAttr>(expression);
  if (!array || array.size() != 3 || !isa<StringAttr>(array[0]))
    return {};
  Value a = expandHostExpression(builder, loc, array[1], lookup);
  Value b = expandHostExpression(builder, loc, array[2], lookup);
  if (!a || !b)
    return {};
  StringRef op = cast<StringAttr>(array[0]).getValue();
  if (op == "add")
    return builder.createOrFold<arith::AddIOp>(loc, a, b);
  if (op == "sub")
    return builder.createOrFold<arith::SubIOp>(loc, a, b);
  if (op == "mul")
    return builder.createOrFold<arith::MulIOp>(loc, a, b);
  if (op == "div" || op == "floordiv")
    return builder.createOrFold<arith::DivUIOp>(loc, a, b);
  if (op == "cdiv")
    return builder.createOrFold<arith::CeilDivUIOp>(loc, a, b);
  if (op == "mod")
    return builder.createOrFold<arith::RemUIOp>(loc, a, b);
  if (op == "min")
    return builder.createOrFold<arith::MinUIOp>(loc, a, b);
  if (op == "max")
    return builder.createOrFold<arith::MaxUIOp>(loc, a, b);
  return {};
}
