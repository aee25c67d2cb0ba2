//===- ThreadState.cpp - running values through structured control flow ---===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Transforms/ThreadState.h"
#include "tilewright/Dialect/Tile/TileDialect.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tilewright;

namespace {

/// The variables that an operation changes, as indices and values.
struct Carried {
  SmallVector<unsigned> indices;
  SmallVector<Value> values(ArrayRef<Value> state) const {
    SmallVector<Value> result;
    for (unsigned i : indices)
      result.push_back(state[i]);
    return result;
  }
  void assign(SmallVectorImpl<Value> &state, ValueRange from) const {
    for (auto [i, value] : llvm::zip_equal(indices, from))
      state[i] = value;
  }
};

} // namespace

/// Adds block arguments of the types of `values`.
static SmallVector<Value> addArguments(Block &block, ArrayRef<Value> values) {
  SmallVector<Value> args;
  for (Value value : values)
    args.push_back(block.addArgument(value.getType(), value.getLoc()));
  return args;
}

static void appendOperands(Operation *terminator, ArrayRef<Value> values) {
  terminator->insertOperands(terminator->getNumOperands(), values);
}

/// Replaces `op` by one with more results (and the given operands), which
/// takes over its regions and attributes.
static Operation *withResults(Operation *op, ValueRange operands,
                              ArrayRef<Value> extra) {
  OperationState state(op->getLoc(), op->getName());
  state.addOperands(operands);
  state.addTypes(op->getResultTypes());
  for (Value value : extra)
    state.addTypes(value.getType());
  state.addAttributes(op->getAttrs());
  for (Region &region : op->getRegions())
    state.addRegion()->takeBody(region);
  OpBuilder builder(op);
  Operation *result = builder.create(state);
  op->replaceAllUsesWith(result->getResults().take_front(op->getNumResults()));
  op->erase();
  return result;
}

/// A loop whose only region carries values from its terminator to its
/// arguments (tile.for_each, scf.for).
static Operation *carryThroughLoop(Operation *op, const Carried &carried,
                                   ArrayRef<Value> init) {
  SmallVector<Value> operands(op->getOperands());
  llvm::append_range(operands, init);
  return withResults(op, operands, init);
}

LogicalResult StateThreader::runOn(Operation *op,
                                   SmallVectorImpl<Value> &state) {
  llvm::BitVector changed(state.size());
  changes(op, changed);
  if (changed.any()) {
    update(op, state);
    return success();
  }
  if (op->getNumRegions() == 0)
    return success();
  op->walk([&](Operation *nested) {
    if (nested != op)
      changes(nested, changed);
  });
  if (changed.none())
    return success();

  Carried carried;
  for (unsigned i : changed.set_bits())
    carried.indices.push_back(i);
  SmallVector<Value> init = carried.values(state);
  size_t extra = init.size();

  auto runIn = [&](Block &block, ArrayRef<Value> entry) {
    SmallVector<Value> inner(state.begin(), state.end());
    carried.assign(inner, entry);
    if (failed(run(block, inner)))
      return failure();
    appendOperands(block.getTerminator(), carried.values(inner));
    return success();
  };
  auto finish = [&](Operation *result) {
    carried.assign(state, result->getResults().take_back(extra));
    return success();
  };

  if (isa<tile::ForEachOp, scf::ForOp>(op)) {
    Operation *loop = carryThroughLoop(op, carried, init);
    Block &body = loop->getRegion(0).front();
    if (failed(runIn(body, addArguments(body, init))))
      return failure();
    return finish(loop);
  }
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    if (branch.getElseRegion().empty()) {
      OpBuilder builder =
          OpBuilder::atBlockBegin(&branch.getElseRegion().emplaceBlock());
      scf::YieldOp::create(builder, branch.getLoc());
    }
    Operation *result = withResults(op, op->getOperands(), init);
    for (Region &region : result->getRegions())
      if (failed(runIn(region.front(), init)))
        return failure();
    return finish(result);
  }
  if (isa<scf::WhileOp>(op)) {
    // Arguments enter the first region, its condition hands them to the second
    // region and to the results, the second region's yield goes back.
    Operation *loop = carryThroughLoop(op, carried, init);
    for (Region &region : loop->getRegions()) {
      Block &block = region.front();
      if (failed(runIn(block, addArguments(block, init))))
        return failure();
    }
    return finish(loop);
  }
  return op->emitOpError(
      "contains operations that advance a ring; only loops and branches may");
}

LogicalResult StateThreader::run(Block &block, SmallVectorImpl<Value> &state) {
  for (Operation &op : llvm::make_early_inc_range(block))
    if (failed(runOn(&op, state)))
      return failure();
  return success();
}
