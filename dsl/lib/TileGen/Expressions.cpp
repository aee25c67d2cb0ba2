//===- Expressions.cpp - expressions and subscripts -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Generator.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace tilewright;

namespace tilewright::dsl::typed {

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

mlir::Value Generator::generateIndex(const Expr &expr) {
  Location loc = location(expr.loc);
  if (!expr.type.isScalar()) {
    unsupported(expr.loc, "a tile of integers here");
    return {};
  }
  switch (expr.kind) {
  case ExprKind::IntConst:
    return constant(loc, llvm::cast<IntConst>(&expr)->value);
  case ExprKind::DimRef: {
    Value value = dims.lookup(llvm::cast<DimRef>(&expr)->dim);
    assert(value && "a baked dimension is a constant");
    return value;
  }
  case ExprKind::VarRef: {
    Value value = vars.lookup(llvm::cast<VarRef>(&expr)->var);
    if (!value)
      unsupported(expr.loc, "an extent that depends on an earlier component");
    else if (!value.getType().isIndex())
      value = arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                         value);
    return value;
  }
  case ExprKind::Neg: {
    Value operand = generateIndex(*llvm::cast<NegExpr>(&expr)->operand);
    if (!operand)
      return {};
    return arith::SubIOp::create(builder, loc, constant(loc, 0), operand);
  }
  case ExprKind::Binary: {
    auto &binary = *llvm::cast<BinaryExpr>(&expr);
    Value a = generateIndex(*binary.lhs), b = generateIndex(*binary.rhs);
    if (!a || !b)
      return {};
    switch (binary.op) {
    case Op::Add:
      return arith::AddIOp::create(builder, loc, a, b);
    case Op::Sub:
      return arith::SubIOp::create(builder, loc, a, b);
    case Op::Mul:
      return arith::MulIOp::create(builder, loc, a, b);
    case Op::Div:
    case Op::FloorDiv:
      return arith::FloorDivSIOp::create(builder, loc, a, b);
    case Op::CDiv:
      return arith::CeilDivSIOp::create(builder, loc, a, b);
    case Op::Mod: {
      Value quotient = arith::FloorDivSIOp::create(builder, loc, a, b);
      Value product = arith::MulIOp::create(builder, loc, quotient, b);
      return arith::SubIOp::create(builder, loc, a, product);
    }
    case Op::Min:
      return arith::MinSIOp::create(builder, loc, a, b);
    case Op::Max:
      return arith::MaxSIOp::create(builder, loc, a, b);
    default:
      break;
    }
    break;
  }
  case ExprKind::TensorRead: {
    // An integer read at scalars: one element, the same in every thread.
    auto &read = *llvm::cast<TensorRead>(&expr);
    Value source = tensor(read.tensor, read.loc);
    SmallVector<Value> indices;
    for (const Expr *sub : read.subs) {
      indices.push_back(generateIndex(*sub));
      if (!indices.back())
        return {};
    }
    if (!source || read.rank)
      break;
    Value element = tile::LoadElementOp::create(
        builder, loc, elementType(read.tensor->elem), source, indices);
    return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                      element);
  }
  default:
    break;
  }
  unsupported(expr.loc, "this integer expression");
  return {};
}

mlir::Value Generator::generateBool(const Expr &expr) {
  Location loc = location(expr.loc);
  if (auto *value = llvm::dyn_cast<BoolConst>(&expr))
    return arith::ConstantOp::create(builder, loc,
                                     builder.getBoolAttr(value->value));
  if (auto *negation = llvm::dyn_cast<NotExpr>(&expr)) {
    Value operand = generateBool(*negation->operand);
    if (!operand)
      return {};
    Value one =
        arith::ConstantOp::create(builder, loc, builder.getBoolAttr(true));
    return arith::XOrIOp::create(builder, loc, operand, one);
  }
  if (auto *binary = llvm::dyn_cast<BinaryExpr>(&expr)) {
    Value a = generateBool(*binary->lhs), b = generateBool(*binary->rhs);
    if (!a || !b)
      return {};
    if (binary->op == Op::And)
      return arith::AndIOp::create(builder, loc, a, b);
    return arith::OrIOp::create(builder, loc, a, b);
  }
  if (auto *compare = llvm::dyn_cast<CompareExpr>(&expr);
      compare && isInteger(compare->lhs->type.elem)) {
    Value a = generateIndex(*compare->lhs), b = generateIndex(*compare->rhs);
    if (!a || !b)
      return {};
    arith::CmpIPredicate predicate = arith::CmpIPredicate::eq;
    switch (compare->op) {
    case CompareOp::EQ:
      predicate = arith::CmpIPredicate::eq;
      break;
    case CompareOp::NE:
      predicate = arith::CmpIPredicate::ne;
      break;
    case CompareOp::LT:
      predicate = arith::CmpIPredicate::slt;
      break;
    case CompareOp::LE:
      predicate = arith::CmpIPredicate::sle;
      break;
    case CompareOp::GT:
      predicate = arith::CmpIPredicate::sgt;
      break;
    case CompareOp::GE:
      predicate = arith::CmpIPredicate::sge;
      break;
    }
    return arith::CmpIOp::create(builder, loc, predicate, a, b);
  }
  unsupported(expr.loc, "this condition");
  return {};
}

//===----------------------------------------------------------------------===//
// Subscripts
//===----------------------------------------------------------------------===//

AffineExpr Generator::affine(const Expr &expr, ArrayRef<StringAttr> axes,
                             SmallVectorImpl<Value> &symbols) {
  if (auto *value = llvm::dyn_cast<IntConst>(&expr))
    return getAffineConstantExpr(value->value, &context);
  if (auto *ref = llvm::dyn_cast<AxisRef>(&expr)) {
    for (auto [i, axis] : llvm::enumerate(axes))
      if (axis.getValue() == ref->name)
        return getAffineDimExpr(i, &context);
    unsupported(expr.loc, "an axis '" + ref->name +
                              "' that the other side of the copy lacks");
    return {};
  }
  if (auto *binary = llvm::dyn_cast<BinaryExpr>(&expr)) {
    bool constantRhs = llvm::isa<IntConst>(binary->rhs);
    bool constantLhs = llvm::isa<IntConst>(binary->lhs);
    bool keep = false;
    switch (binary->op) {
    case Op::Add:
    case Op::Sub:
      keep = true;
      break;
    case Op::Mul:
      keep = constantRhs || constantLhs;
      break;
    case Op::Div:
    case Op::FloorDiv:
    case Op::CDiv:
    case Op::Mod:
      keep = constantRhs;
      if (keep && llvm::cast<IntConst>(binary->rhs)->value < 1) {
        unsupported(binary->rhs->loc, "a subscript divided by less than 1");
        return {};
      }
      break;
    default:
      break;
    }
    if (keep) {
      AffineExpr a = affine(*binary->lhs, axes, symbols);
      AffineExpr b = a ? affine(*binary->rhs, axes, symbols) : AffineExpr();
      if (!b)
        return {};
      switch (binary->op) {
      case Op::Add:
        return a + b;
      case Op::Sub:
        return a - b;
      case Op::Mul:
        return a * b;
      case Op::CDiv:
        return a.ceilDiv(b);
      case Op::Mod:
        return a % b;
      default:
        return a.floorDiv(b);
      }
    }
  }
  if (!expr.type.isScalar()) {
    unsupported(expr.loc, "a subscript of this form");
    return {};
  }
  Value scalar = generateIndex(expr);
  if (!scalar)
    return {};
  auto it = llvm::find(symbols, scalar);
  unsigned position = it - symbols.begin();
  if (it == symbols.end())
    symbols.push_back(scalar);
  return getAffineSymbolExpr(position, &context);
}

std::optional<Generator::Subscript>
Generator::generateSubscript(const TensorRead &read,
                             ArrayRef<StringAttr> axes) {
  Subscript subscript;
  SmallVector<AffineExpr> exprs;
  for (const Expr *sub : read.subs) {
    exprs.push_back(affine(*sub, axes, subscript.symbols));
    if (!exprs.back())
      return std::nullopt;
  }
  subscript.map =
      AffineMap::get(axes.size(), subscript.symbols.size(), exprs, &context);
  return subscript;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

TypedValue<tile::ViewType> Generator::generateView(const Expr &expr) {
  auto *ref = llvm::dyn_cast<FieldRef>(&expr);
  if (!ref || !ref->subs.empty()) {
    unsupported(expr.loc, "part of a field here");
    return {};
  }
  Value slot = slots.lookup(ref->slot);
  if (!slot) {
    unsupported(expr.loc, "a slot from elsewhere");
    return {};
  }
  return pipe::FieldOp::create(builder, location(expr.loc),
                               viewType(ref->field->type), slot,
                               ref->field->name)
      .getView();
}

mlir::Value Generator::elementwise(Location loc, const typed::Type &type,
                                   mlir::Type element, ArrayRef<Value> operands,
                                   function_ref<Value(ValueRange)> body) {
  if (llvm::is_contained(operands, Value()))
    return {};
  if (llvm::none_of(operands, [](Value value) {
        return isa<tile::TileType>(value.getType());
      }))
    return body(operands);
  auto map =
      tile::MapOp::create(builder, loc, tileType(type, element), operands);
  OpBuilder::InsertionGuard guard(builder);
  mlir::Block *block = builder.createBlock(&map.getBody());
  for (Value operand : operands) {
    auto tile = dyn_cast<tile::TileType>(operand.getType());
    block->addArgument(tile ? tile.getElementType() : operand.getType(), loc);
  }
  Value result = body(block->getArguments());
  tile::YieldOp::create(builder, loc, result);
  return map;
}

mlir::Value Generator::generateConvert(const ConvertExpr &expr) {
  Elem from = expr.operand->type.elem, to = expr.type.elem;
  Value operand = generateValue(*expr.operand, from);
  if (!operand)
    return {};
  mlir::Type source = elementType(from), target = elementType(to);
  if (source == target)
    return operand;
  bool wide = source.isF32() || source.isF16() || source.isBF16();
  bool narrow = target.isF32() || target.isF16() || target.isBF16();
  if (!wide || !narrow) {
    unsupported(expr.loc,
                "conversion from " + spelling(from) + " to " + spelling(to));
    return {};
  }
  Location loc = location(expr.loc);
  return elementwise(
      loc, expr.type, target, operand, [&](ValueRange x) -> Value {
        if (source.getIntOrFloatBitWidth() > target.getIntOrFloatBitWidth())
          return arith::TruncFOp::create(builder, loc, target, x[0]);
        if (source.getIntOrFloatBitWidth() < target.getIntOrFloatBitWidth())
          return arith::ExtFOp::create(builder, loc, target, x[0]);
        Value wider =
            arith::ExtFOp::create(builder, loc, builder.getF32Type(), x[0]);
        return arith::TruncFOp::create(builder, loc, target, wider);
      });
}

mlir::Value Generator::generateBinary(const BinaryExpr &expr, Elem elem) {
  Value a = generateValue(*expr.lhs, elem), b = generateValue(*expr.rhs, elem);
  Location loc = location(expr.loc);
  bool supported = false;
  switch (expr.op) {
  case Op::Add:
  case Op::Sub:
  case Op::Mul:
  case Op::Min:
  case Op::Max:
    supported = isFloat(elem);
    break;
  case Op::Div:
    supported = isFloat(elem);
    break;
  default:
    break;
  }
  if (!supported) {
    unsupported(expr.loc,
                "'" + spelling(expr.op) + "' on tiles of " + spelling(elem));
    return {};
  }
  return elementwise(
      loc, expr.type, elementType(elem), {a, b}, [&](ValueRange x) -> Value {
        switch (expr.op) {
        case Op::Add:
          return arith::AddFOp::create(builder, loc, x[0], x[1]);
        case Op::Sub:
          return arith::SubFOp::create(builder, loc, x[0], x[1]);
        case Op::Mul:
          return arith::MulFOp::create(builder, loc, x[0], x[1]);
        case Op::Min:
          return arith::MinNumFOp::create(builder, loc, x[0], x[1]);
        case Op::Max:
          return arith::MaxNumFOp::create(builder, loc, x[0], x[1]);
        default:
          return arith::DivFOp::create(builder, loc, x[0], x[1]);
        }
      });
}

mlir::Value Generator::generateCall(const CallExpr &expr) {
  if (expr.fn != Fn::Relu && expr.fn != Fn::Abs) {
    unsupported(expr.loc, "'" + spelling(expr.fn) + "'");
    return {};
  }
  Elem elem = expr.type.elem;
  Value operand = generateValue(*expr.args[0], elem);
  Location loc = location(expr.loc);
  return elementwise(
      loc, expr.type, elementType(elem), operand, [&](ValueRange x) -> Value {
        if (expr.fn == Fn::Abs)
          return math::AbsFOp::create(builder, loc, x[0]);
        Value zero = arith::ConstantOp::create(
            builder, loc, builder.getZeroAttr(x[0].getType()));
        return arith::MaxNumFOp::create(builder, loc, x[0], zero);
      });
}

mlir::Value Generator::generateValue(const Expr &expr, Elem elem) {
  Location loc = location(expr.loc);
  // A literal takes the type of what it meets.
  bool literal = llvm::isa<IntConst>(&expr) || llvm::isa<FloatConst>(&expr);
  if (literal && isFloat(elem)) {
    double value = llvm::isa<IntConst>(&expr)
                       ? static_cast<double>(llvm::cast<IntConst>(&expr)->value)
                       : llvm::cast<FloatConst>(&expr)->value;
    return arith::ConstantOp::create(
        builder, loc, builder.getFloatAttr(elementType(elem), value));
  }
  if (expr.type.isScalar() && isInteger(expr.type.elem))
    return generateIndex(expr);
  if (expr.type.isScalar() && expr.type.elem == Elem::Bool)
    return generateBool(expr);
  switch (expr.kind) {
  case ExprKind::VarRef: {
    Value value = vars.lookup(llvm::cast<VarRef>(&expr)->var);
    if (!value)
      unsupported(expr.loc, "this variable");
    return value;
  }
  case ExprKind::TensorRead: {
    auto &read = *llvm::cast<TensorRead>(&expr);
    if (read.rank) {
      unsupported(read.loc, "a tensor of another rank");
      return {};
    }
    Value source = tensor(read.tensor, read.loc);
    if (!source)
      return {};
    tile::TileType type = tileType(read.type, elementType(read.tensor->elem));
    std::optional<Subscript> subscript =
        generateSubscript(read, type.getAxes());
    if (!subscript)
      return {};
    if (read.type.isScalar()) {
      SmallVector<Value> indices;
      for (const Expr *sub : read.subs)
        indices.push_back(generateIndex(*sub));
      return tile::LoadElementOp::create(builder, loc, type.getElementType(),
                                         source, indices);
    }
    return tile::ReadOp::create(builder, loc, type, source, subscript->map,
                                subscript->symbols);
  }
  case ExprKind::FieldRef: {
    auto view = generateView(expr);
    if (!view)
      return {};
    tile::ViewType type = view.getType();
    return tile::LoadOp::create(builder, loc,
                                tile::TileType::get(&context, type.getAxes(),
                                                    type.getShape(),
                                                    type.getElementType(), {}),
                                view);
  }
  case ExprKind::Reg:
    return generateValue(*llvm::cast<RegExpr>(&expr)->operand, elem);
  case ExprKind::Convert:
    return generateConvert(*llvm::cast<ConvertExpr>(&expr));
  case ExprKind::Binary:
    return generateBinary(*llvm::cast<BinaryExpr>(&expr), expr.type.elem);
  case ExprKind::Call:
    return generateCall(*llvm::cast<CallExpr>(&expr));
  case ExprKind::Neg: {
    Value operand =
        generateValue(*llvm::cast<NegExpr>(&expr)->operand, expr.type.elem);
    return elementwise(loc, expr.type, elementType(expr.type.elem), operand,
                       [&](ValueRange x) -> Value {
                         return arith::NegFOp::create(builder, loc, x[0]);
                       });
  }
  case ExprKind::Reduce: {
    auto &reduce = *llvm::cast<ReduceExpr>(&expr);
    if (reduce.op != ReduceOp::ClusterSum)
      break;
    Value operand = generateValue(*reduce.operand, elem);
    Value component = vars.lookup(reduce.clusterVar);
    if (!operand)
      return {};
    auto type = dyn_cast<tile::TileType>(operand.getType());
    if (!component || !type) {
      unsupported(expr.loc, "'cluster_sum' of a scalar");
      return {};
    }
    return tile::ClusterSumOp::create(builder, loc, type, operand, component);
  }
  case ExprKind::Contract: {
    auto &mma = *llvm::cast<ContractExpr>(&expr);
    if (mma.scaleA || mma.scaleB || mma.a->place != Place::SlotField ||
        mma.b->place != Place::SlotField)
      break;
    auto a = generateView(*mma.a), b = generateView(*mma.b);
    if (!a || !b)
      return {};
    return tile::ContractOp::create(
        builder, loc, tileType(expr.type, elementType(expr.type.elem)), a, b,
        Value());
  }
  default:
    break;
  }
  static const char *const names[] = {"an erroneous expression",
                                      "a constant",
                                      "a constant",
                                      "a constant",
                                      "a string",
                                      "a dimension",
                                      "an axis as a value",
                                      "a variable",
                                      "a builtin",
                                      "negation",
                                      "'not'",
                                      "an operator",
                                      "a comparison of tiles",
                                      "a call",
                                      "a conversion",
                                      "a tensor read",
                                      "a counter",
                                      "a field",
                                      "'mma' of this form",
                                      "a reduction",
                                      "renaming an axis",
                                      "'at'",
                                      "'reg'",
                                      "'where'",
                                      "'ptx'",
                                      "'fetch_add'",
                                      "'stride'"};
  unsupported(expr.loc, names[static_cast<int>(expr.kind)]);
  return {};
}

} // namespace tilewright::dsl::typed
