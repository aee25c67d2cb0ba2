//===- PipeIndexRings.cpp - running slot indices and phase bits -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/Pipe/PipeDialect.h"
#include "tilewright/Dialect/Tile/TileDialect.h"
#include "tilewright/Transforms/Passes.h"
#include "tilewright/Transforms/StaticIndices.h"
#include "tilewright/Transforms/ThreadState.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/TypeSwitch.h"

namespace tilewright {
#define GEN_PASS_DEF_PIPEINDEXRINGS
#include "tilewright/Transforms/Passes.h.inc"
} // namespace tilewright

using namespace mlir;
using namespace tilewright;
using namespace tilewright::pipe;

namespace {

/// What a role counts: the slots it acquires from one ring in one direction.
struct Counter {
  int64_t depth;
  /// Variables in the threaded state; -1 where the value is constant.
  int index = -1, phase = -1;
  /// In a static ring the phase bits of all places; indices are assigned
  /// already.
  int bits = -1;
};

using CounterKey = std::pair<Operation *, unsigned>; // ring, put or get

class RoleIndexer {
public:
  RoleIndexer(tile::RoleOp role) : role(role) {}

  LogicalResult run() {
    if (failed(collect()) || failed(assignStaticIndices(role)))
      return failure();
    Block &body = role.getBody().front();
    OpBuilder builder = OpBuilder::atBlockBegin(&body);
    // The first slot of a ring is slot 0 in phase 0: barriers begin in phase 0
    // (PTX ISA, mbarrier.init).
    if (!counters.empty())
      zero = arith::ConstantIntOp::create(builder, role.getLoc(), 0, 32);
    SmallVector<Value> state(numVariables, zero);

    auto changes = [&](Operation *op, llvm::BitVector &bits) {
      if (const Counter *counter = find(op)) {
        if (counter->index >= 0)
          bits.set(counter->index);
        if (counter->phase >= 0)
          bits.set(counter->phase);
        if (counter->bits >= 0)
          bits.set(counter->bits);
      }
    };
    auto update = [&](Operation *op, MutableArrayRef<Value> values) {
      advance(op, *find(op), values);
    };
    if (failed(StateThreader{changes, update}.run(body, state)))
      return failure();
    // What changes no variable (a staging buffer of one slot) is left.
    role.walk([&](Operation *op) {
      if (const Counter *counter = find(op))
        if (counter->index < 0 && counter->phase < 0 && counter->bits < 0)
          setPlace(op, zero, zero);
    });
    return success();
  }

private:
  static RingOp getRing(Operation *op, bool &put) {
    return TypeSwitch<Operation *, RingOp>(op)
        .Case<AcquirePutOp>([&](AcquirePutOp acquire) {
          put = true;
          return RingOp::lookup(op, acquire.getRingAttr());
        })
        .Case<DrainOp>([&](DrainOp drain) {
          put = true;
          return RingOp::lookup(op, drain.getRingAttr());
        })
        .Case<AcquireGetOp>([&](AcquireGetOp acquire) {
          put = false;
          return RingOp::lookup(op, acquire.getRingAttr());
        })
        .Default(RingOp());
  }

  const Counter *find(Operation *op) {
    bool put = false;
    RingOp ring = getRing(op, put);
    return ring ? &counters.find(CounterKey(ring, put))->second : nullptr;
  }

  LogicalResult collect() {
    WalkResult result = role.walk([&](Operation *op) {
      bool put = false;
      RingOp ring = getRing(op, put);
      if (!ring)
        return WalkResult::advance();
      if (ring.getDepth() < 1) {
        op->emitOpError("ring ")
            << ring.getSymNameAttr() << " has no depth yet";
        return WalkResult::interrupt();
      }
      auto [it, inserted] =
          counters.insert({CounterKey(ring, put),
                           Counter{static_cast<int64_t>(ring.getDepth())}});
      if (!inserted)
        return WalkResult::advance();
      if (ring.isStatic()) {
        it->second.bits = static_cast<int>(numVariables++);
        return WalkResult::advance();
      }
      if (ring.getDepth() > 1)
        it->second.index = static_cast<int>(numVariables++);
      // The copy engine has no phases: a slot is free when groups of bulk
      // stores have completed.
      if (ring.getConsumer() == Consumer::Roles)
        it->second.phase = static_cast<int>(numVariables++);
      return WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }

  static void setPlace(Operation *op, Value index, Value phase) {
    if (auto put = dyn_cast<AcquirePutOp>(op)) {
      put.getIndexMutable().assign(index);
      put.getPhaseMutable().assign(phase);
    } else if (auto drain = dyn_cast<DrainOp>(op)) {
      drain.getIndexMutable().assign(index);
      drain.getPhaseMutable().assign(phase);
    } else {
      auto get = cast<AcquireGetOp>(op);
      get.getIndexMutable().assign(index);
      get.getPhaseMutable().assign(phase);
    }
  }

  /// Bit s is the parity of the next use of place s; a use flips it.
  void advanceStatic(Operation *op, Value &bits) {
    if (isa<DrainOp>(op))
      return setPlace(op, zero, bits);
    Location loc = op->getLoc();
    auto put = dyn_cast<AcquirePutOp>(op);
    Value index = put ? put.getIndex() : cast<AcquireGetOp>(op).getIndex();
    // As early as possible: the wait may be peeked at before the slot's
    // predecessor is given back.
    OpBuilder builder(op);
    Operation *last = nullptr;
    for (Value value : {index, bits})
      if (Operation *def = value.getDefiningOp();
          def && def->getBlock() == op->getBlock() &&
          (!last || last->isBeforeInBlock(def)))
        last = def;
    if (last)
      builder.setInsertionPointAfter(last);
    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantIntOp::create(builder, loc, value, 32);
    };
    Value at = index;
    if (auto known = index.getDefiningOp<ConstantIndexOp>())
      at = constant(static_cast<int64_t>(known.getValue()));
    Value phase = arith::AndIOp::create(
        builder, loc, arith::ShRUIOp::create(builder, loc, bits, at),
        constant(1));
    setPlace(op, index, phase);
    builder.setInsertionPointAfter(op);
    Value flip = arith::ShLIOp::create(builder, loc, constant(1), at);
    bits = arith::XOrIOp::create(builder, loc, bits, flip);
  }

  void advance(Operation *op, const Counter &counter,
               MutableArrayRef<Value> state) {
    if (counter.bits >= 0)
      return advanceStatic(op, state[counter.bits]);
    Location loc = op->getLoc();
    Value index = counter.index >= 0 ? state[counter.index] : zero;
    Value phase = counter.phase >= 0 ? state[counter.phase] : zero;
    setPlace(op, index, phase);
    // It waits for the slots that come next and takes none.
    if (isa<DrainOp>(op))
      return;

    OpBuilder builder(op->getContext());
    builder.setInsertionPointAfter(op);
    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantIntOp::create(builder, loc, value, 32);
    };
    if (counter.index < 0) {
      state[counter.phase] =
          arith::XOrIOp::create(builder, loc, phase, constant(1));
      return;
    }
    Value next = arith::AddIOp::create(builder, loc, index, constant(1));
    Value wraps = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                        next, constant(counter.depth));
    next = arith::SelectOp::create(builder, loc, wraps, zero, next);
    // Consumers' loops are unrolled; what LLVM then knows of the index is too
    // much.
    if (isa<AcquireGetOp>(op))
      next = OpaqueOp::create(builder, loc, next.getType(), next);
    state[counter.index] = next;
    if (counter.phase < 0)
      return;
    Value flip =
        arith::ExtUIOp::create(builder, loc, builder.getI32Type(), wraps);
    state[counter.phase] = arith::XOrIOp::create(builder, loc, phase, flip);
  }

  tile::RoleOp role;
  llvm::MapVector<CounterKey, Counter> counters;
  unsigned numVariables = 0;
  Value zero;
};

struct PipeIndexRings
    : public tilewright::impl::PipeIndexRingsBase<PipeIndexRings> {
  void runOnOperation() override {
    for (auto role : getOperation().getBody().getOps<tile::RoleOp>())
      if (failed(RoleIndexer(role).run()))
        return signalPassFailure();
  }
};

} // namespace
