//===- StaticIndices.cpp - places of the slots of static rings ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What was one driving loop may be several by now, or no loop at all: an
// unrolled one, the rest of its iterations, a body that runs once. All of them
// stand in the block of the pipe.restart, after it.
//
//===----------------------------------------------------------------------===//

#include "tilewright/Transforms/StaticIndices.h"
#include "tilewright/Dialect/Pipe/PipeDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace tilewright;
using namespace tilewright::pipe;

namespace {

class SlotPlacer {
public:
  explicit SlotPlacer(RestartOp restart)
      : restart(restart), builder(restart),
        depth(static_cast<int64_t>(
            RingOp::lookup(restart, restart.getRingAttr()).getDepth())) {}

  void run() {
    Operation *last = restart;
    next = constant(0);
    base = next;
    // The operations that follow change while they are gone through.
    while ((last = last->getNextNode())) {
      if (auto again = dyn_cast<RestartOp>(last);
          again && again.getRingAttr() == restart.getRingAttr())
        return;
      if (isAcquire(last))
        place(last);
      else if (auto loop = dyn_cast<scf::ForOp>(last))
        last = placeIn(loop);
    }
  }

private:
  bool isAcquire(Operation *op) {
    if (auto put = dyn_cast<AcquirePutOp>(op))
      return put.getRingAttr() == restart.getRingAttr();
    if (auto get = dyn_cast<AcquireGetOp>(op))
      return get.getRingAttr() == restart.getRingAttr();
    return false;
  }

  Value constant(int64_t value) {
    return arith::ConstantIntOp::create(builder, restart.getLoc(), value, 32);
  }

  /// The index of the next slot, which is known, at the insertion point.
  /// Consumers compute addresses from it, again in each copy of a body.
  void materialize(bool get) {
    if (!get)
      next = constant(known);
    else
      next = ConstantIndexOp::create(builder, restart.getLoc(),
                                     builder.getI32Type(),
                                     static_cast<uint64_t>(known), base);
  }

  /// What the next acquire needs is defined right after this one, ahead of its
  /// release, where pipe-peek-waits asks for the next slot.
  void place(Operation *op) {
    auto get = dyn_cast<AcquireGetOp>(op);
    if (get)
      get.getIndexMutable().assign(next);
    else
      cast<AcquirePutOp>(op).getIndexMutable().assign(next);
    builder.setInsertionPointAfter(op);
    if (isKnown) {
      known = (known + 1) % depth;
      if (get && repeats)
        base = opaque(base);
      materialize(get && repeats);
      return;
    }
    if (depth == 1)
      return;
    Location loc = op->getLoc();
    Value more = arith::AddIOp::create(builder, loc, next, constant(1));
    Value wraps = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                        more, constant(depth));
    next = arith::SelectOp::create(builder, loc, wraps, constant(0), more);
    if (get)
      next = opaque(next);
  }

  Value opaque(Value value) {
    return OpaqueOp::create(builder, restart.getLoc(), value.getType(), value);
  }

  /// Carries `value` through `loop`: it becomes the argument, and `after` is
  /// what the body then yields.
  scf::ForOp carry(scf::ForOp loop, Value &value,
                   llvm::function_ref<void(scf::ForOp)> body) {
    IRRewriter rewriter(builder);
    rewriter.setInsertionPoint(loop);
    auto result = cast<scf::ForOp>(*loop.replaceWithAdditionalYields(
        rewriter, value, /*replaceInitOperandUsesInLoop=*/false,
        [](OpBuilder &, Location, ArrayRef<BlockArgument> args) {
          return SmallVector<Value>(args.begin(), args.end());
        }));
    value = result.getRegionIterArgs().back();
    body(result);
    Operation *yield = result.getBody()->getTerminator();
    yield->setOperand(yield->getNumOperands() - 1, value);
    value = result.getResults().back();
    return result;
  }

  /// Returns the loop that took the place of `loop`.
  scf::ForOp placeIn(scf::ForOp loop) {
    SmallVector<Operation *> acquires;
    for (Operation &op : *loop.getBody())
      if (isAcquire(&op))
        acquires.push_back(&op);
    if (acquires.empty())
      return loop;
    bool get = isa<AcquireGetOp>(acquires.front());
    auto placeAll = [&](scf::ForOp) {
      for (Operation *op : acquires)
        place(op);
    };
    if (isKnown && static_cast<int64_t>(acquires.size()) % depth == 0) {
      // An iteration ends at the place where it began.
      repeats = acquires.size() > 1;
      auto placeKnown = [&](scf::ForOp current) {
        builder.setInsertionPointToStart(current.getBody());
        materialize(get && repeats);
        placeAll(current);
      };
      if (get && repeats)
        loop = carry(loop, base, placeKnown);
      else
        placeKnown(loop);
      repeats = true;
      builder.setInsertionPointAfter(loop);
      materialize(get);
      return loop;
    }
    if (isKnown) {
      builder.setInsertionPoint(loop);
      next = constant(known);
      isKnown = false;
    }
    return carry(loop, next, placeAll);
  }

  RestartOp restart;
  OpBuilder builder;
  int64_t depth;
  /// The index of the next slot: `known`, if it is.
  bool isKnown = true;
  int64_t known = 0;
  Value next;
  /// Zero, passed through pipe.opaque after each slot.
  Value base;
  /// Whether what follows holds several slots, whose addresses could be held
  /// in as many registers.
  bool repeats = true;
};

} // namespace

LogicalResult tilewright::assignStaticIndices(tile::RoleOp role) {
  SmallVector<RestartOp> restarts;
  role.walk([&](RestartOp restart) { restarts.push_back(restart); });
  for (RestartOp restart : restarts)
    SlotPlacer(restart).run();
  for (RestartOp restart : restarts)
    restart.erase();
  auto check = [](Operation *op, FlatSymbolRefAttr ring, Value index) {
    if (index || !RingOp::lookup(op, ring).isStatic())
      return WalkResult::advance();
    op->emitOpError("takes a slot of static ring ")
        << ring << ", but no 'pipe.restart' precedes it or its loop";
    return WalkResult::interrupt();
  };
  WalkResult result = role.walk([&](Operation *op) {
    if (auto put = dyn_cast<AcquirePutOp>(op))
      return check(op, put.getRingAttr(), put.getIndex());
    if (auto get = dyn_cast<AcquireGetOp>(op))
      return check(op, get.getRingAttr(), get.getIndex());
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}
