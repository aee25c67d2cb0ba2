//===- Statements.cpp - statements of roles -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Generator.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace tilewright;

namespace tilewright::dsl::typed {

bool Generator::generate(const typed::Block &block) {
  bool ok = true;
  for (const Stmt *stmt : block.stmts)
    ok &= generate(*stmt);
  return ok;
}

bool Generator::generate(const Stmt &stmt) {
  switch (stmt.kind) {
  case StmtKind::Block:
    return generate(*llvm::cast<typed::Block>(&stmt));
  case StmtKind::Let: {
    auto &let = *llvm::cast<LetStmt>(&stmt);
    Value value = generateValue(*let.value, let.value->type.elem);
    vars[let.var] = value;
    return value != nullptr;
  }
  case StmtKind::Variable:
    return generateVariable(*llvm::cast<VariableStmt>(&stmt));
  case StmtKind::Assign:
    return generateAssign(*llvm::cast<AssignStmt>(&stmt));
  case StmtKind::Accumulate:
    return generateAccumulate(*llvm::cast<AccumulateStmt>(&stmt));
  case StmtKind::Copy:
    return generateCopy(*llvm::cast<CopyStmt>(&stmt));
  case StmtKind::ForRange:
    return generateFor(*llvm::cast<ForRangeStmt>(&stmt));
  case StmtKind::ForIter:
    return generateForIter(*llvm::cast<ForIterStmt>(&stmt));
  case StmtKind::If:
    return generateIf(*llvm::cast<IfStmt>(&stmt));
  case StmtKind::Put:
    return generatePut(*llvm::cast<PutStmt>(&stmt));
  case StmtKind::Get:
    return generateGet(*llvm::cast<GetStmt>(&stmt));
  case StmtKind::Free: {
    auto &free = *llvm::cast<FreeStmt>(&stmt);
    Value slot = free.slot ? slots.lookup(free.slot) : Value();
    if (!slot)
      return unsupported(stmt.loc, "'free' of a key, or in another role,");
    pipe::ReleaseOp::create(builder, location(stmt.loc), slot, ValueRange());
    return true;
  }
  case StmtKind::Yield:
    return unsupported(stmt.loc, "'yield'");
  case StmtKind::Await:
    return unsupported(stmt.loc, "'await'");
  case StmtKind::Barrier:
    return unsupported(stmt.loc, "'barrier'");
  case StmtKind::Each:
    return unsupported(stmt.loc, "'each'");
  case StmtKind::Eval:
    return unsupported(stmt.loc, "an expression as a statement");
  case StmtKind::View:
    return unsupported(stmt.loc, "'view'");
  }
  llvm_unreachable("unknown statement");
}

//===----------------------------------------------------------------------===//
// Variables
//===----------------------------------------------------------------------===//

bool Generator::generateVariable(const VariableStmt &stmt) {
  const typed::Type &type = stmt.var->type;
  Location loc = location(stmt.loc);
  if (!stmt.init) {
    // Its value does not matter until it is assigned; zero is as good as any.
    mlir::Type element = elementType(type.elem);
    Value zero =
        arith::ConstantOp::create(builder, loc, builder.getZeroAttr(element));
    vars[stmt.var] =
        type.isScalar()
            ? zero
            : tile::SplatOp::create(builder, loc, tileType(type, element), zero)
                  .getResult();
    return true;
  }
  Value value = generateValue(*stmt.init, type.elem);
  if (!value)
    return false;
  if (!type.isScalar() && !isa<tile::TileType>(value.getType()))
    value = tile::SplatOp::create(
        builder, loc, tileType(type, elementType(type.elem)), value);
  vars[stmt.var] = value;
  return true;
}

bool Generator::generateAssign(const AssignStmt &stmt) {
  if (auto *read = llvm::dyn_cast<TensorRead>(stmt.dst)) {
    if (stmt.op == AssignOp::Add)
      return generateStore(location(stmt.loc), *read, *stmt.value,
                           /*accumulate=*/true, stmt.hints);
    return unsupported(stmt.loc, "this assignment to a tensor");
  }
  auto *ref = llvm::dyn_cast<VarRef>(stmt.dst);
  if (!ref)
    return unsupported(stmt.loc, "assignment to this place");
  const typed::Type &type = ref->type;
  Value value = generateValue(*stmt.value, type.elem);
  if (!value)
    return false;
  if (stmt.op != AssignOp::Set) {
    if (stmt.op != AssignOp::Add)
      return unsupported(stmt.loc, "this assignment operator");
    bool integer = isInteger(type.elem);
    value =
        elementwise(location(stmt.loc), type, elementType(type.elem),
                    {vars.lookup(ref->var), value}, [&](ValueRange x) -> Value {
                      Location loc = location(stmt.loc);
                      if (integer)
                        return arith::AddIOp::create(builder, loc, x[0], x[1]);
                      return arith::AddFOp::create(builder, loc, x[0], x[1]);
                    });
  } else if (!type.isScalar() && !isa<tile::TileType>(value.getType())) {
    value =
        tile::SplatOp::create(builder, location(stmt.loc),
                              tileType(type, elementType(type.elem)), value);
  }
  vars[ref->var] = value;
  return value != nullptr;
}

bool Generator::generateAccumulate(const AccumulateStmt &stmt) {
  const ContractExpr &mma = *stmt.mma;
  auto *ref = llvm::dyn_cast<VarRef>(stmt.dst);
  if (!ref)
    return unsupported(stmt.dst->loc, "accumulation outside registers");
  if (mma.scaleA || mma.scaleB)
    return unsupported(mma.loc, "a block-scaled 'mma'");
  if (mma.every &&
      (mma.contracted.size() != 1 || mma.contracted[0].constant() != mma.every))
    return unsupported(mma.loc, "promotion at this interval");
  if (mma.a->place != Place::SlotField || mma.b->place != Place::SlotField)
    return unsupported(mma.loc, "an operand of 'mma' in registers");
  auto a = generateView(*mma.a), b = generateView(*mma.b);
  if (!a || !b)
    return false;
  Location loc = location(stmt.loc);
  tile::TileType type = tileType(ref->type, elementType(ref->type.elem));
  Value acc = vars.lookup(ref->var);
  if (stmt.set) {
    Value zero = arith::ConstantOp::create(
        builder, loc, builder.getZeroAttr(type.getElementType()));
    acc = tile::SplatOp::create(builder, loc, type, zero);
  }
  bool eightBit = bitWidth(mma.a->type.elem) == 8;
  if (stmt.scales.empty() && (mma.fast || !eightBit)) {
    vars[ref->var] = tile::ContractOp::create(builder, loc, type, a, b, acc);
    return true;
  }
  SmallVector<Value> scales;
  for (const Expr *scale : stmt.scales) {
    scales.push_back(generateValue(*scale, Elem::F32));
    if (!scales.back())
      return false;
  }
  vars[ref->var] =
      fp8::PromoteOp::create(builder, loc, type, acc, a, b, scales);
  return true;
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

bool Generator::generateCopy(const CopyStmt &stmt) {
  Location loc = location(stmt.loc);
  if (auto *field = llvm::dyn_cast<FieldRef>(stmt.dst)) {
    remarkUnused(stmt.hints, {});
    auto *read = llvm::dyn_cast<TensorRead>(stmt.src);
    if (!read)
      return unsupported(stmt.src->loc, "filling a field by computation");
    if (read->rank)
      return unsupported(read->loc, "a tensor of another rank");
    if (read->type.elem != field->type.elem)
      return unsupported(stmt.loc, "a copy that converts");
    auto view = generateView(*field);
    Value source = tensor(read->tensor, read->loc);
    if (!view || !source)
      return false;
    std::optional<Subscript> subscript =
        generateSubscript(*read, view.getType().getAxes());
    if (!subscript)
      return false;
    tile::CopyOp::create(builder, loc, source, subscript->map,
                         subscript->symbols, view);
    return true;
  }
  auto *dst = llvm::dyn_cast<TensorRead>(stmt.dst);
  if (!dst)
    return unsupported(stmt.dst->loc, "a copy to this place");
  return generateStore(loc, *dst, *stmt.src, /*accumulate=*/false, stmt.hints);
}

void Generator::remarkUnused(llvm::ArrayRef<Hint> hints,
                             llvm::ArrayRef<llvm::StringRef> used) {
  for (const Hint &hint : hints)
    if (!llvm::is_contained(used, hint.name))
      emitRemark(location(hint.loc))
          << "hint '" << hint.name << "' is not used yet";
}

bool Generator::generateStore(Location loc, const TensorRead &dst,
                              const Expr &src, bool accumulate,
                              llvm::ArrayRef<Hint> hints) {
  if (dst.rank)
    return unsupported(dst.loc, "a tensor of another rank");
  if (llvm::isa<WhereExpr>(&src))
    return unsupported(src.loc, "'where' in a store");
  Value target = tensor(dst.tensor, dst.loc);
  Value value = generateValue(src, dst.type.elem);
  if (!target || !value)
    return false;
  auto type = dyn_cast<tile::TileType>(value.getType());
  if (!type)
    return unsupported(dst.loc, "storing a scalar");
  if (type.getElementType() !=
      cast<tile::GlobalTensorType>(target.getType()).getElementType())
    return unsupported(src.loc, "storing " + spelling(src.type.elem) + " as " +
                                    spelling(dst.type.elem));
  std::optional<Subscript> subscript = generateSubscript(dst, type.getAxes());
  if (!subscript)
    return false;
  auto store = tile::StoreOp::create(
      builder, loc, value, target, subscript->map, subscript->symbols,
      accumulate, DictionaryAttr(), IntegerAttr());
  llvm::SmallVector<NamedAttribute> chunk;
  for (const Hint &hint : hints) {
    if (hint.name == "buffers" && *hint.value < 1) {
      error(hint.loc) << "a store needs at least one buffer";
      return false;
    }
    if (hint.name == "buffers")
      store.setBuffers(*hint.value);
    if (hint.name != "chunk")
      continue;
    if (!type.hasAxis(hint.axis)) {
      error(hint.loc) << "'chunk' names axis " << hint.axis
                      << ", which the stored tile lacks";
      return false;
    }
    chunk.push_back(builder.getNamedAttr(
        hint.axis, builder.getI64IntegerAttr(*hint.value)));
  }
  if (!chunk.empty())
    store.setChunkAttr(builder.getDictionaryAttr(chunk));
  remarkUnused(hints, {"chunk", "buffers", "atomic"});
  return true;
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

static void collectAssigned(const typed::Block *block,
                            llvm::SetVector<const Var *> &result) {
  if (!block)
    return;
  for (const Stmt *stmt : block->stmts) {
    const Expr *dst = nullptr;
    switch (stmt->kind) {
    case StmtKind::Block:
      collectAssigned(llvm::cast<typed::Block>(stmt), result);
      break;
    case StmtKind::Assign:
      dst = llvm::cast<AssignStmt>(stmt)->dst;
      break;
    case StmtKind::Accumulate:
      dst = llvm::cast<AccumulateStmt>(stmt)->dst;
      break;
    case StmtKind::ForRange:
      collectAssigned(llvm::cast<ForRangeStmt>(stmt)->body, result);
      break;
    case StmtKind::ForIter:
      collectAssigned(llvm::cast<ForIterStmt>(stmt)->body, result);
      break;
    case StmtKind::If:
      collectAssigned(llvm::cast<IfStmt>(stmt)->thenBody, result);
      collectAssigned(llvm::cast<IfStmt>(stmt)->elseBody, result);
      break;
    case StmtKind::Put:
      collectAssigned(llvm::cast<PutStmt>(stmt)->body, result);
      break;
    case StmtKind::Each:
      collectAssigned(llvm::cast<EachStmt>(stmt)->body, result);
      break;
    default:
      break;
    }
    if (auto *ref = llvm::dyn_cast_or_null<VarRef>(dst))
      result.insert(ref->var);
  }
}

SmallVector<const Var *> Generator::assigned(const typed::Block *block) {
  llvm::SetVector<const Var *> set;
  collectAssigned(block, set);
  SmallVector<const Var *> result;
  for (const Var *var : set)
    if (vars.count(var))
      result.push_back(var);
  llvm::sort(result, [](const Var *a, const Var *b) { return a->id < b->id; });
  return result;
}

/// Schedule hints of a loop, for the passes (Transforms/Schedule.h).
static void setHints(Operation *op, ArrayRef<Hint> hints) {
  if (hints.empty())
    return;
  Builder builder(op->getContext());
  NamedAttrList list;
  for (const Hint &hint : hints)
    list.set(hint.name, builder.getI64IntegerAttr(hint.value.value_or(1)));
  op->setAttr(tile::hintsAttrName, list.getDictionary(op->getContext()));
}

bool Generator::generateFor(const ForRangeStmt &stmt) {
  if (stmt.where)
    return unsupported(stmt.where->loc, "'where' on a loop");
  Location loc = location(stmt.loc);
  Value lower = generateIndex(*stmt.lower), upper = generateIndex(*stmt.upper);
  Value step = stmt.step ? generateIndex(*stmt.step) : constant(loc, 1);
  if (!lower || !upper || !step)
    return false;
  SmallVector<const Var *> carried = assigned(stmt.body);
  SmallVector<Value> inits;
  for (const Var *var : carried)
    inits.push_back(vars.lookup(var));
  auto loop = scf::ForOp::create(builder, loc, lower, upper, step, inits);
  setHints(loop, stmt.hints);
  remarkUnused(stmt.hints, {"unroll", "peek", "prefetch", "static", "dynamic"});
  bool ok = true;
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    vars[stmt.var] = loop.getInductionVar();
    for (auto [var, arg] : llvm::zip_equal(carried, loop.getRegionIterArgs()))
      vars[var] = arg;
    ok = generate(*stmt.body);
    SmallVector<Value> results;
    for (const Var *var : carried)
      results.push_back(vars.lookup(var));
    if (!carried.empty() && ok)
      scf::YieldOp::create(builder, loc, results);
  }
  for (auto [var, result] : llvm::zip_equal(carried, loop.getResults()))
    vars[var] = result;
  return ok;
}

bool Generator::generateForIter(const ForIterStmt &stmt) {
  if (stmt.where)
    return unsupported(stmt.where->loc, "'where' on a loop");
  Location loc = location(stmt.loc);
  SmallVector<const Var *> carried = assigned(stmt.body);
  SmallVector<Value> inits;
  for (const Var *var : carried)
    inits.push_back(vars.lookup(var));
  SmallVector<mlir::Type> types(ValueRange(inits).getTypes());
  remarkUnused(stmt.hints, {});
  auto loop = tile::ForEachOp::create(builder, loc, types,
                                      iterators.lookup(stmt.iterator), inits);
  OpBuilder::InsertionGuard guard(builder);
  mlir::Block *body = builder.createBlock(&loop.getBody());
  for (const Var *var : stmt.vars)
    vars[var] = body->addArgument(builder.getIndexType(), location(var->loc));
  for (auto [var, init] : llvm::zip_equal(carried, inits))
    vars[var] = body->addArgument(init.getType(), loc);
  bool ok = generate(*stmt.body);
  SmallVector<Value> results;
  for (const Var *var : carried)
    results.push_back(vars.lookup(var));
  tile::YieldOp::create(builder, loc, results);
  for (auto [var, result] : llvm::zip_equal(carried, loop.getResults()))
    vars[var] = result;
  return ok;
}

bool Generator::generateIf(const IfStmt &stmt) {
  Location loc = location(stmt.loc);
  Value cond = generateBool(*stmt.cond);
  if (!cond)
    return false;
  SmallVector<const Var *> changed = assigned(stmt.thenBody);
  for (const Var *var : assigned(stmt.elseBody))
    if (!llvm::is_contained(changed, var))
      changed.push_back(var);
  SmallVector<Value> before;
  for (const Var *var : changed)
    before.push_back(vars.lookup(var));
  auto branch =
      scf::IfOp::create(builder, loc, ValueRange(before).getTypes(), cond,
                        /*withElseRegion=*/stmt.elseBody || !changed.empty());
  auto fill = [&](Region &region, const typed::Block *body) {
    OpBuilder::InsertionGuard guard(builder);
    if (region.front().mightHaveTerminator())
      builder.setInsertionPoint(region.front().getTerminator());
    else
      builder.setInsertionPointToEnd(&region.front());
    for (auto [var, value] : llvm::zip_equal(changed, before))
      vars[var] = value;
    if (body && !generate(*body))
      return false;
    SmallVector<Value> results;
    for (const Var *var : changed)
      results.push_back(vars.lookup(var));
    if (!changed.empty())
      scf::YieldOp::create(builder, loc, results);
    return true;
  };
  bool ok = fill(branch.getThenRegion(), stmt.thenBody);
  if (!branch.getElseRegion().empty())
    ok &= fill(branch.getElseRegion(), stmt.elseBody);
  for (auto [var, result] : llvm::zip_equal(changed, branch.getResults()))
    vars[var] = result;
  return ok;
}

//===----------------------------------------------------------------------===//
// Pipes
//===----------------------------------------------------------------------===//

bool Generator::generatePut(const PutStmt &stmt) {
  if (stmt.computed)
    return unsupported(stmt.loc, "'put … as'");
  if (!stmt.keys.empty())
    return unsupported(stmt.loc, "a keyed 'put'");
  if (stmt.at)
    return unsupported(stmt.at->loc, "'put' to another CTA or rank");
  Location loc = location(stmt.loc);
  FlatSymbolRefAttr ring = ringName(stmt.pipe);
  Value slot = pipe::AcquirePutOp::create(builder, loc,
                                          pipe::SlotType::get(&context, ring),
                                          ring, Value(), Value());
  slots[stmt.slot] = slot;
  if (!generate(*stmt.body))
    return false;
  pipe::CommitOp::create(builder, loc, slot);
  return true;
}

bool Generator::generateGet(const GetStmt &stmt) {
  if (!stmt.keys.empty())
    return unsupported(stmt.loc, "a keyed 'get'");
  FlatSymbolRefAttr ring = ringName(stmt.pipe);
  slots[stmt.slot] = pipe::AcquireGetOp::create(
      builder, location(stmt.loc), pipe::SlotType::get(&context, ring), ring,
      Value(), Value());
  return true;
}

} // namespace tilewright::dsl::typed
