//===- TileGen.cpp - kernels, iterators, pipes and roles ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Generator.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace tilewright;

namespace tilewright::dsl::typed {

//===----------------------------------------------------------------------===//
// Helpers
//===----------------------------------------------------------------------===//

Location Generator::location(llvm::SMLoc loc) {
  unsigned buffer = loc.isValid() ? sources.FindBufferContainingLoc(loc) : 0;
  if (buffer == 0)
    return UnknownLoc::get(&context);
  auto [line, column] = sources.getLineAndColumn(loc, buffer);
  return FileLineColLoc::get(
      &context, sources.getMemoryBuffer(buffer)->getBufferIdentifier(), line,
      column);
}

bool Generator::unsupported(llvm::SMLoc loc, const Twine &construct) {
  error(loc) << construct << " is not lowered yet";
  return false;
}

mlir::Type Generator::elementType(Elem elem) {
  switch (elem) {
  case Elem::E4M3:
    return Float8E4M3FNType::get(&context);
  case Elem::E5M2:
    return Float8E5M2Type::get(&context);
  case Elem::E2M1:
    return Float4E2M1FNType::get(&context);
  case Elem::UE8M0:
    return Float8E8M0FNUType::get(&context);
  case Elem::BF16:
    return builder.getBF16Type();
  case Elem::F16:
    return builder.getF16Type();
  case Elem::TF32:
    return builder.getTF32Type();
  case Elem::F64:
    return builder.getF64Type();
  case Elem::Number:
  case Elem::F32:
    return builder.getF32Type();
  case Elem::Bool:
    return builder.getI1Type();
  case Elem::Int:
    return builder.getIndexType();
  default:
    return builder.getIntegerType(std::max(8u, bitWidth(elem)));
  }
}

tile::TileType Generator::tileType(const typed::Type &type,
                                   mlir::Type element) {
  SmallVector<StringAttr> axes;
  SmallVector<int64_t> shape;
  for (const Axis &axis : type.axes) {
    axes.push_back(builder.getStringAttr(axis.name));
    shape.push_back(axis.constant().value_or(0));
  }
  return tile::TileType::get(&context, axes, shape, element, {});
}

tile::ViewType Generator::viewType(const typed::Type &type) {
  tile::TileType tile = tileType(type, elementType(type.elem));
  return tile::ViewType::get(&context, tile.getAxes(), tile.getShape(),
                             tile.getElementType());
}

mlir::Value Generator::constant(Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

FlatSymbolRefAttr Generator::ringName(const Pipe *pipe) {
  return FlatSymbolRefAttr::get(&context, pipe->name);
}

mlir::Value Generator::tensor(const Tensor *tensor, llvm::SMLoc loc) {
  Value value = tensors.lookup(tensor);
  if (!value)
    unsupported(loc, "the view '" + tensor->name + "'");
  return value;
}

static StringRef manifestName(Op op) {
  switch (op) {
  case Op::Add:
    return "add";
  case Op::Sub:
    return "sub";
  case Op::Mul:
    return "mul";
  case Op::Div:
    return "div";
  case Op::FloorDiv:
    return "floordiv";
  case Op::CDiv:
    return "cdiv";
  case Op::Mod:
    return "mod";
  case Op::Min:
    return "min";
  case Op::Max:
    return "max";
  case Op::And:
    return "and";
  case Op::Or:
    return "or";
  }
  return "?";
}

static StringRef manifestName(CompareOp op) {
  switch (op) {
  case CompareOp::EQ:
    return "eq";
  case CompareOp::NE:
    return "ne";
  case CompareOp::LT:
    return "lt";
  case CompareOp::LE:
    return "le";
  case CompareOp::GT:
    return "gt";
  case CompareOp::GE:
    return "ge";
  }
  return "?";
}

Attribute Generator::expression(const Expr &expr) {
  auto operation = [&](StringRef name, const Expr *a,
                       const Expr *b) -> Attribute {
    Attribute lhs = expression(*a), rhs = expression(*b);
    if (!lhs || !rhs)
      return {};
    return builder.getArrayAttr({builder.getStringAttr(name), lhs, rhs});
  };
  switch (expr.kind) {
  case ExprKind::IntConst:
    return builder.getI64IntegerAttr(llvm::cast<IntConst>(&expr)->value);
  case ExprKind::BoolConst:
    return builder.getI64IntegerAttr(llvm::cast<BoolConst>(&expr)->value);
  case ExprKind::DimRef:
    return builder.getStringAttr(llvm::cast<DimRef>(&expr)->dim->name);
  case ExprKind::Binary: {
    auto *binary = llvm::cast<BinaryExpr>(&expr);
    return operation(manifestName(binary->op), binary->lhs, binary->rhs);
  }
  case ExprKind::Compare: {
    auto *compare = llvm::cast<CompareExpr>(&expr);
    return operation(manifestName(compare->op), compare->lhs, compare->rhs);
  }
  case ExprKind::Not: {
    Attribute operand = expression(*llvm::cast<NotExpr>(&expr)->operand);
    if (!operand)
      return {};
    return builder.getArrayAttr({builder.getStringAttr("not"), operand});
  }
  default:
    unsupported(expr.loc, "this expression in a shape or a requirement");
    return {};
  }
}

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

bool Generator::checkSupported() {
  bool ok = true;
  if (kernel.target != Target::SM90a)
    ok = unsupported(kernel.loc, "target sm_100a");
  for (const Tensor *view : kernel.views)
    ok = unsupported(view->loc, "'view'");
  for (const Counter *counter : kernel.counters)
    ok = unsupported(counter->loc, "'counter'");
  for (const Var *scalar : kernel.scalars)
    ok = unsupported(scalar->loc, "a scalar argument");
  for (const Tensor *tensor : kernel.tensors)
    if (tensor->symm)
      ok = unsupported(tensor->loc, "'symm'");
  return ok;
}

tile::KernelOp Generator::createKernel() {
  Location loc = location(kernel.loc);
  SmallVector<mlir::Type> types;
  SmallVector<DictionaryAttr> attrs;
  SmallVector<Location> locs;
  for (const Tensor *tensor : kernel.tensors) {
    SmallVector<Attribute> shape;
    for (const Expr *extent : tensor->shape) {
      shape.push_back(expression(*extent));
      if (!shape.back())
        return {};
    }
    static const char *const modes[] = {"in", "out", "inout"};
    SmallVector<NamedAttribute> entries = {
        builder.getNamedAttr("tile.name", builder.getStringAttr(tensor->name)),
        builder.getNamedAttr("tile.mode",
                             builder.getStringAttr(modes[tensor->mode])),
        builder.getNamedAttr("tile.dtype",
                             builder.getStringAttr(spelling(tensor->elem))),
        builder.getNamedAttr("tile.major",
                             builder.getI64IntegerAttr(tensor->major)),
        builder.getNamedAttr("tile.shape", builder.getArrayAttr(shape))};
    if (tensor->isConst)
      entries.push_back(
          builder.getNamedAttr("tile.const", builder.getUnitAttr()));
    attrs.push_back(builder.getDictionaryAttr(entries));
    types.push_back(tile::GlobalTensorType::get(&context, tensor->shape.size(),
                                                elementType(tensor->elem)));
    locs.push_back(location(tensor->loc));
  }
  for (const Dim *dim : kernel.dims) {
    if (dim->baked)
      continue;
    attrs.push_back(builder.getDictionaryAttr(
        builder.getNamedAttr("tile.name", builder.getStringAttr(dim->name))));
    types.push_back(builder.getIndexType());
    locs.push_back(location(dim->loc));
  }

  static const char *const targets[] = {"sm_90a", "sm_100a"};
  auto kernelOp = tile::KernelOp::create(
      builder, loc, builder.getStringAttr(kernel.name),
      TypeAttr::get(builder.getFunctionType(types, {})),
      builder.getStringAttr(targets[static_cast<int>(kernel.target)]),
      builder.getArrayAttr(SmallVector<Attribute>(attrs.begin(), attrs.end())),
      ArrayAttr());
  mlir::Block *body = builder.createBlock(&kernelOp.getBody(), {}, types, locs);
  unsigned index = 0;
  for (const Tensor *tensor : kernel.tensors)
    tensors[tensor] = body->getArgument(index++);
  for (const Dim *dim : kernel.dims)
    if (!dim->baked)
      dims[dim] = body->getArgument(index++);

  SmallVector<NamedAttribute> constants, baked;
  for (auto &[name, value] : kernel.constants)
    constants.push_back(builder.getNamedAttr(
        name, value.kind == ConstValue::Int
                  ? Attribute(builder.getI64IntegerAttr(value.number))
                  : Attribute(builder.getStringAttr(value.str()))));
  for (const Dim *dim : kernel.dims)
    if (dim->baked)
      baked.push_back(builder.getNamedAttr(
          dim->name, builder.getI64IntegerAttr(*dim->baked)));
  kernelOp->setAttr("constants", builder.getDictionaryAttr(constants));
  kernelOp->setAttr("baked", builder.getDictionaryAttr(baked));
  SmallVector<Attribute> names, requirements;
  for (const Dim *dim : kernel.dims)
    names.push_back(builder.getStringAttr(dim->name));
  kernelOp->setAttr("dims", builder.getArrayAttr(names));
  for (const RunTimeRequire &require : kernel.requirements) {
    Attribute cond = expression(*require.cond);
    if (!cond)
      return {};
    unsigned line = 0;
    if (auto at = dyn_cast<FileLineColLoc>(location(require.loc)))
      line = at.getLine();
    requirements.push_back(builder.getDictionaryAttr(
        {builder.getNamedAttr("expr", cond),
         builder.getNamedAttr("text", builder.getStringAttr(require.text)),
         builder.getNamedAttr("line", builder.getI64IntegerAttr(line))}));
  }
  kernelOp->setAttr("requires", builder.getArrayAttr(requirements));
  return kernelOp;
}

bool Generator::declareIterator(const Iterator &iterator) {
  if (iterator.kind != Iterator::Tiles)
    return unsupported(iterator.loc, "'schedule'");
  if (iterator.where)
    return unsupported(iterator.where->loc, "'where' on an iterator");
  SmallVector<Value> extents;
  int64_t cluster = 1, clusterDim = 0;
  for (auto [index, dim] : llvm::enumerate(iterator.dims)) {
    if (dim.pair)
      return unsupported(dim.loc, "'pair'");
    if (dim.cluster > 1) {
      if (cluster > 1)
        return unsupported(dim.loc, "a cluster over two dimensions");
      cluster = dim.cluster;
      clusterDim = index;
    }
    // Extents that read earlier components or memory have no value here.
    Value extent = generateIndex(*dim.extent);
    if (!extent)
      return false;
    extents.push_back(extent);
  }
  int64_t rank = extents.size();
  bool raster = iterator.raster > 0 && iterator.rasterDim >= 0;
  iterators[&iterator] = tile::TilesOp::create(
      builder, location(iterator.loc), tile::IterType::get(&context, rank),
      builder.getStringAttr(iterator.name), extents,
      iterator.persistent ? builder.getUnitAttr() : UnitAttr(),
      builder.getI64IntegerAttr(raster ? iterator.raster : 1),
      builder.getI64IntegerAttr(raster ? iterator.rasterDim : 0),
      builder.getI64IntegerAttr(cluster),
      builder.getI64IntegerAttr(clusterDim));
  return true;
}

bool Generator::declarePipe(const Pipe &pipe) {
  static const char *const scopes[] = {"smem", "cluster", "tmem", "gmem",
                                       "ranks"};
  if (pipe.scope != Pipe::Smem)
    return unsupported(pipe.loc, Twine("a pipe in ") + scopes[pipe.scope]);
  if (!pipe.keys.empty() || pipe.full || pipe.freed ||
      (pipe.depthExpr && !pipe.depth))
    return unsupported(pipe.loc, "a keyed pipe");
  SmallVector<Attribute> names, types, privates;
  for (const Field &field : pipe.fields) {
    if (field.isPrivate)
      privates.push_back(builder.getStringAttr(field.name));
    names.push_back(builder.getStringAttr(field.name));
    types.push_back(TypeAttr::get(viewType(field.type)));
  }
  pipe::RingOp::create(
      builder, location(pipe.loc), builder.getStringAttr(pipe.name),
      builder.getI64IntegerAttr(pipe.depth.value_or(0)),
      builder.getArrayAttr(names), builder.getArrayAttr(types),
      pipe::ConsumerAttr::get(&context, pipe::Consumer::Roles),
      /*layouts=*/nullptr, /*offsets=*/nullptr, /*strides=*/nullptr,
      /*barriers=*/nullptr, /*full_count=*/nullptr,
      /*empty_count=*/nullptr, /*instances=*/nullptr, /*multicast=*/nullptr,
      /*exchange=*/nullptr,
      privates.empty() ? ArrayAttr() : builder.getArrayAttr(privates));
  return true;
}

bool Generator::generateRole(const Role &role) {
  if (role.splitIter)
    return unsupported(role.splitLoc, "splitting an iterator over groups");
  auto roleOp = tile::RoleOp::create(
      builder, location(role.loc), builder.getStringAttr(role.name),
      builder.getBoolAttr(role.unit == Role::Groups),
      builder.getI64IntegerAttr(role.count),
      role.splitAxis.empty() ? StringAttr()
                             : builder.getStringAttr(role.splitAxis),
      role.regs ? builder.getI64IntegerAttr(*role.regs) : IntegerAttr(),
      IntegerAttr(), IntegerAttr());
  OpBuilder::InsertionGuard guard(builder);
  builder.createBlock(&roleOp.getBody());
  return generate(*role.body);
}

OwningOpRef<ModuleOp> Generator::run() {
  if (!checkSupported())
    return {};
  OwningOpRef<ModuleOp> module = ModuleOp::create(location(kernel.loc));
  builder.setInsertionPointToEnd(module->getBody());
  op = createKernel();
  if (!op)
    return {};
  builder.setInsertionPointToEnd(&op.getBody().front());
  bool ok = true;
  for (const Iterator *iterator : kernel.iterators)
    ok &= declareIterator(*iterator);
  for (const Pipe *pipe : kernel.pipes)
    ok &= declarePipe(*pipe);
  if (!ok)
    return {};
  for (const Role *role : kernel.roles)
    ok &= generateRole(*role);
  if (!ok || failed(verify(*module)))
    return {};
  return module;
}

} // namespace tilewright::dsl::typed

OwningOpRef<ModuleOp>
tilewright::dsl::generateTile(MLIRContext &context,
                              const typed::InstantiatedKernel &kernel,
                              const llvm::SourceMgr &sources) {
  return typed::Generator(context, kernel, sources).run();
}
