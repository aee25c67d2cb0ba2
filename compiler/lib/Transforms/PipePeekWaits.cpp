//===- PipePeekWaits.cpp - asks for the next slot before it is needed -----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An mbarrier wait costs a round trip to shared memory even where the phase has
// completed long ago. In a loop over slots, the question for the next slot is
// asked where this one is given back, before the promotion of its partial sums;
// the wait itself then happens only where the answer was no.
//
// A question about a phase that never completes may suspend the thread up to a
// time limit (PTX ISA, mbarrier.try_wait), so the last iteration, after which
// there may be no slot, asks about the slot that it has: that phase has
// completed, and nobody reads the answer.
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/Pipe/PipeDialect.h"
#include "tilewright/Transforms/Passes.h"
#include "tilewright/Transforms/Schedule.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

namespace tilewright {
#define GEN_PASS_DEF_PIPEPEEKWAITS
#include "tilewright/Transforms/Passes.h.inc"
} // namespace tilewright

using namespace mlir;
using namespace tilewright;
using namespace tilewright::pipe;

namespace {

/// A wait for a full slot and the arrival that gives the slot back.
struct Use {
  WaitOp wait;
  ArriveOp release;
};

class LoopPeeker {
public:
  explicit LoopPeeker(scf::ForOp loop) : loop(loop), builder(loop) {}

  void run() {
    collectUses();
    if (uses.empty())
      return;
    // Inside the body: the release of each slot asks for the next.
    for (size_t i = 0; i + 1 < uses.size(); ++i) {
      builder.setInsertionPointAfter(uses[i].release);
      WaitOp next = uses[i + 1].wait;
      Value ready = TryWaitOp::create(
          builder, next.getLoc(), builder.getI1Type(), next.getRing(),
          Side::Full, next.getIndex(), next.getParity());
      next.getReadyMutable().assign(ready);
    }
    peekOverBackEdge();
  }

private:
  /// The waits of the body for slots of one ring, each followed by its release
  /// in the same block; anything else is left alone.
  void collectUses() {
    FlatSymbolRefAttr ring;
    for (Operation &op : *loop.getBody()) {
      auto wait = dyn_cast<WaitOp>(op);
      if (!wait || wait.getSide() != Side::Full)
        continue;
      ArriveOp release;
      for (Operation *later = op.getNextNode(); later && !release;
           later = later->getNextNode()) {
        auto arrive = dyn_cast<ArriveOp>(later);
        if (arrive && arrive.getSide() == Side::Empty &&
            arrive.getRingAttr() == wait.getRingAttr() &&
            arrive.getIndex() == wait.getIndex())
          release = arrive;
      }
      if (!release || (ring && ring != wait.getRingAttr()) ||
          (!uses.empty() && !uses.back().release->isBeforeInBlock(wait)))
        return uses.clear();
      ring = wait.getRingAttr();
      uses.push_back({wait, release});
    }
  }

  static bool dominates(Value value, Operation *op) {
    Operation *def = value.getDefiningOp();
    return !def || def->getBlock() != op->getBlock() ||
           def->isBeforeInBlock(op);
  }

  /// The place and parity of the next iteration's first slot follow from what
  /// this iteration yields for the arguments that hold them now, by the
  /// operations between the two. Whether that is known at the last release:
  bool isNextKnown(Value value) {
    if (loop.isDefinedOutsideOfLoop(value))
      return true;
    if (auto arg = dyn_cast<BlockArgument>(value))
      return arg.getOwner() == loop.getBody() && arg.getArgNumber() != 0 &&
             dominates(getYielded(arg), uses.back().release);
    Operation *op = value.getDefiningOp();
    return op->getBlock() == loop.getBody() && op->getNumRegions() == 0 &&
           isMemoryEffectFree(op) &&
           llvm::all_of(op->getOperands(),
                        [&](Value operand) { return isNextKnown(operand); });
  }

  Value nextValue(Value value) {
    if (loop.isDefinedOutsideOfLoop(value))
      return value;
    if (auto arg = dyn_cast<BlockArgument>(value))
      return getYielded(arg);
    IRMapping map;
    Operation *op = value.getDefiningOp();
    for (Value operand : op->getOperands())
      map.map(operand, nextValue(operand));
    return builder.clone(*op, map)->getResult(
        cast<OpResult>(value).getResultNumber());
  }

  Value getYielded(BlockArgument arg) {
    return loop.getBody()->getTerminator()->getOperand(arg.getArgNumber() - 1);
  }

  void peekOverBackEdge() {
    WaitOp first = uses.front().wait;
    Use last = uses.back();
    if (!isNextKnown(first.getIndex()) || !isNextKnown(first.getParity()))
      return;
    Location loc = first.getLoc();
    Value no = arith::ConstantIntOp::create(builder, loc, 0, 1);
    no.getDefiningOp()->moveBefore(loop);
    IRRewriter rewriter(builder);
    loop = cast<scf::ForOp>(*loop.replaceWithAdditionalYields(
        rewriter, no, /*replaceInitOperandUsesInLoop=*/false,
        [&](OpBuilder &, Location, ArrayRef<BlockArgument>) {
          return SmallVector<Value>{no};
        }));
    first.getReadyMutable().assign(loop.getRegionIterArgs().back());

    builder.setInsertionPointAfter(last.release);
    Value index = nextValue(first.getIndex());
    Value parity = nextValue(first.getParity());
    Value next = arith::AddIOp::create(builder, loc, loop.getInductionVar(),
                                       loop.getStep());
    Value more = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt,
                                       next, loop.getUpperBound());
    index = arith::SelectOp::create(builder, loc, more, index,
                                    last.wait.getIndex());
    parity = arith::SelectOp::create(builder, loc, more, parity,
                                     last.wait.getParity());
    Value ready = TryWaitOp::create(builder, loc, builder.getI1Type(),
                                    first.getRing(), Side::Full, index, parity);
    Operation *yield = loop.getBody()->getTerminator();
    yield->setOperand(yield->getNumOperands() - 1, ready);
  }

  scf::ForOp loop;
  OpBuilder builder;
  SmallVector<Use> uses;
};

struct PipePeekWaits
    : public tilewright::impl::PipePeekWaitsBase<PipePeekWaits> {
  void runOnOperation() override {
    SmallVector<scf::ForOp> loops;
    getOperation().walk([&](scf::ForOp loop) {
      if (loop->hasAttr(peekAttrName))
        loops.push_back(loop);
    });
    for (scf::ForOp loop : loops) {
      loop->removeAttr(peekAttrName);
      LoopPeeker(loop).run();
    }
  }
};

} // namespace
