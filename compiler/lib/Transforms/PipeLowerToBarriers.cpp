//===- PipeLowerToBarriers.cpp - slots become waits and arrivals ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A slot of a ring between roles has two mbarriers, full and empty. In round r
// of the ring (r = 0, 1, …; phase bit p = r mod 2) the consumer waits for the
// r-th completion of full: parity p. The producer waits for the (r-1)-th
// completion of empty, parity p^1; in round 0 that is the phase before the
// first, which counts as complete (PTX ISA, mbarrier.test_wait: "the phase
// parity of ... the immediately preceding phase"), so it passes at once.
//
// A ring that the copy engine empties has no mbarriers: the thread that issues
// the bulk stores waits for their groups (PTX ISA, cp.async.bulk.wait_group,
// .read: the source may be overwritten), and the warpgroup's named barrier
// makes that known to the other threads.
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/Pipe/PipeDialect.h"
#include "tilewright/Dialect/TMA/TMADialect.h"
#include "tilewright/Dialect/Tile/TileDialect.h"
#include "tilewright/Transforms/Layouts.h"
#include "tilewright/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

namespace tilewright {
#define GEN_PASS_DEF_PIPELOWERTOBARRIERS
#include "tilewright/Transforms/Passes.h.inc"
} // namespace tilewright

using namespace mlir;
using namespace tilewright;
using namespace tilewright::pipe;

namespace {

class RoleLowering {
public:
  RoleLowering(tile::RoleOp role, int64_t &nextBarrier)
      : role(role), nextBarrier(nextBarrier) {}

  LogicalResult run() {
    SmallVector<Operation *> ops;
    role.walk([&](Operation *op) {
      if (isa<AcquireGetOp, AcquirePutOp, CommitOp, ReleaseOp, DrainOp>(op))
        ops.push_back(op);
      if (auto put = dyn_cast<AcquirePutOp>(op)) {
        RingOp ring = RingOp::lookup(op, put.getRingAttr());
        if (ring.getConsumer() == Consumer::CopyEngine)
          staging.insert(ring);
        exchanges |= ring.isExchange();
      }
    });
    if ((!staging.empty() || exchanges) && failed(reserveBarrier()))
      return failure();
    // Commits and releases first: they look at the acquire that defines their
    // slot.
    for (Operation *op : ops) {
      LogicalResult result =
          TypeSwitch<Operation *, LogicalResult>(op)
              .Case([&](CommitOp commit) { return lowerCommit(commit); })
              .Case([&](ReleaseOp release) { return lowerRelease(release); })
              .Case([&](DrainOp drain) { return lowerDrain(drain); })
              .Default(success());
      if (failed(result))
        return failure();
    }
    for (Operation *op : ops)
      if (llvm::is_contained(done, op))
        op->erase();
    for (Operation *op : ops) {
      if (llvm::is_contained(done, op))
        continue;
      if (auto get = dyn_cast<AcquireGetOp>(op)) {
        if (failed(lowerGet(get)))
          return failure();
      } else if (failed(lowerPut(cast<AcquirePutOp>(op)))) {
        return failure();
      }
    }
    if (!staging.empty())
      drainStores();
    return success();
  }

private:
  /// The named barrier of each group: one thread waits for the copy engine,
  /// all may write.
  LogicalResult reserveBarrier() {
    if (!role.getGroups())
      return role.emitOpError("stores through shared memory from a role of "
                              "single warps; only groups can");
    // PTX ISA, barrier.cta: sixteen barriers a CTA, 0 is __syncthreads.
    barrier = nextBarrier;
    nextBarrier += static_cast<int64_t>(role.getCount());
    if (nextBarrier > 16)
      return role.emitOpError("needs ")
             << role.getCount() << " named barriers from " << barrier
             << "; a CTA has 15 besides the one of all threads";
    return success();
  }

  /// Index operand of the acquire that defines a slot.
  FailureOr<Value> getIndex(Operation *user, Value slot) {
    Value index;
    if (auto get = slot.getDefiningOp<AcquireGetOp>())
      index = get.getIndex();
    else if (auto put = slot.getDefiningOp<AcquirePutOp>())
      index = put.getIndex();
    else
      return user->emitOpError(
          "uses a slot that a loop or a branch carries; not lowered yet");
    if (!index)
      return user->emitOpError("uses a slot that has no index yet; run "
                               "pipe-index-rings first");
    return index;
  }

  RingOp getRing(Operation *op, SlotType type) {
    return RingOp::lookup(op, type.getRing());
  }

  LogicalResult lowerCommit(CommitOp op) {
    OpBuilder builder(op);
    RingOp ring = getRing(op, op.getSlot().getType());
    done.push_back(op);
    if (ring.getConsumer() == Consumer::CopyEngine) {
      GroupBarrierOp::create(builder, op.getLoc(), barrier, role.getCount());
      return success();
    }
    FailureOr<Value> index = getIndex(op, op.getSlot());
    if (failed(index))
      return failure();
    // All bytes that bulk copies of this put deliver. The arrival stands where
    // the commit does, after the copies: until this contribution has arrived
    // the phase cannot complete, whatever bytes have (PTX ISA, mbarrier phase
    // completion: pending count and tx-count both zero), and a contribution
    // that also writes with ordinary stores is published at the same place.
    int64_t bytes = 0;
    SmallVector<SendOp> sends;
    for (Operation *user : op.getSlot().getUsers()) {
      auto filler = dyn_cast<SlotFillerInterface>(user);
      if (!filler)
        continue;
      if (filler->getBlock() != op->getBlock())
        return filler->emitError("a copy in a loop or branch of its 'put' is "
                                 "not lowered yet: the bytes to expect are "
                                 "not known");
      bytes += filler.getTransactionBytes();
      if (auto send = dyn_cast<SendOp>(user))
        sends.push_back(send);
    }
    for (SendOp send : sends)
      lowerSend(send);
    // Every warp of a group announces its share of what the other CTAs send to
    // this one, which is as much as the group sends.
    if (!sends.empty())
      bytes /= 4;
    // PTX ISA, mbarrier: the tx-count is at most 2^20 - 1.
    if (bytes > (1 << 20) - 1)
      return op.emitOpError("expects ")
             << bytes << " bytes; an mbarrier counts at most 1048575";
    Operation *acquire = op.getSlot().getDefiningOp();
    bool elects = !isSingleThread() && isFilledByBulkCopies(op.getSlot());
    if (elects) {
      if (acquire->getBlock() != op->getBlock())
        return acquire->emitError("a slot that is filled in another block than "
                                  "it is taken: not lowered yet");
      // One thread of the role issues the copies. The wait for an empty slot
      // is its alone, too: a warp that does nothing else with the slot could
      // fall two rounds behind and wait for a parity that has passed.
      auto elect = tma::ElectOp::create(builder, op.getLoc(), /*group=*/false,
                                        /*role=*/true);
      Block &body = elect.getBody().emplaceBlock();
      SmallVector<Operation *> fillers;
      for (Operation *user : op.getSlot().getUsers())
        if (isa<SlotFillerInterface>(user))
          fillers.push_back(user);
      llvm::sort(fillers, [](Operation *a, Operation *b) {
        return a->isBeforeInBlock(b);
      });
      for (Operation *filler : fillers)
        filler->moveBefore(&body, body.end());
      electedPuts[acquire] = elect;
      builder.setInsertionPointToEnd(&body);
    }
    ArriveOp::create(builder, op.getLoc(), ring.getSymNameAttr(), Side::Full,
                     *index, bytes,
                     /*per_warp=*/!isSingleThread() && !elects);
    return success();
  }

  /// All threads of the group have stored what one of them then sends.
  void lowerSend(SendOp send) {
    OpBuilder builder(send);
    GroupBarrierOp::create(builder, send.getLoc(), barrier, role.getCount());
    auto elect = tma::ElectOp::create(builder, send.getLoc(), /*group=*/true);
    Block &body = elect.getBody().emplaceBlock();
    send->moveBefore(&body, body.end());
  }

  LogicalResult lowerRelease(ReleaseOp op) {
    if (!op.getAfter().empty())
      return op.emitOpError("still names asynchronous reads; they must have "
                            "retired here (mma-expand-waves)");
    FailureOr<Value> index = getIndex(op, op.getSlot());
    if (failed(index))
      return failure();
    OpBuilder builder(op);
    RingOp ring = getRing(op, op.getSlot().getType());
    ArriveOp::create(builder, op.getLoc(), ring.getSymNameAttr(), Side::Empty,
                     *index, /*expect=*/0, /*per_warp=*/!isSingleThread());
    done.push_back(op);
    return success();
  }

  /// Waits for the empty barriers of the next `depth` slots: those before
  /// `index` in the ring come a round later. In a static ring the next use of
  /// each place waits by the place's own bit.
  LogicalResult lowerDrain(DrainOp op) {
    if (!op.getIndex())
      return op.emitOpError("has no index yet; run pipe-index-rings first");
    Location loc = op.getLoc();
    OpBuilder builder(op);
    RingOp ring = RingOp::lookup(op, op.getRingAttr());
    Value one = arith::ConstantIntOp::create(builder, loc, 1, 32);
    Value flip = ring.isStatic()
                     ? arith::ConstantIntOp::create(builder, loc, -1, 32)
                     : one;
    Value behind = arith::XOrIOp::create(builder, loc, op.getPhase(), flip);
    for (int64_t i = 0, e = static_cast<int64_t>(ring.getDepth()); i < e; ++i) {
      Value place = arith::ConstantIntOp::create(builder, loc, i, 32);
      Value parity;
      if (ring.isStatic()) {
        Value bits = arith::ShRUIOp::create(builder, loc, behind, place);
        parity = arith::AndIOp::create(builder, loc, bits, one);
      } else {
        Value wrapped = arith::CmpIOp::create(
            builder, loc, arith::CmpIPredicate::ult, place, op.getIndex());
        parity = arith::SelectOp::create(builder, loc, wrapped, op.getPhase(),
                                         behind);
      }
      WaitOp::create(builder, loc, op.getRing(), Side::Empty, place, parity,
                     /*ready=*/Value());
    }
    done.push_back(op);
    return success();
  }

  LogicalResult lowerGet(AcquireGetOp op) {
    if (!op.getIndex())
      return op.emitOpError("has no index yet; run pipe-index-rings first");
    OpBuilder builder(op);
    WaitOp::create(builder, op.getLoc(), op.getRing(), Side::Full,
                   op.getIndex(), op.getPhase(), /*ready=*/Value());
    replaceBySlot(builder, op, op.getRingAttr(), op.getIndex());
    return success();
  }

  LogicalResult lowerPut(AcquirePutOp op) {
    if (!op.getIndex())
      return op.emitOpError("has no index yet; run pipe-index-rings first");
    Location loc = op.getLoc();
    OpBuilder builder(op);
    RingOp ring = RingOp::lookup(op, op.getRingAttr());
    Value index = op.getIndex();
    if (ring.getConsumer() == Consumer::Roles) {
      Value one = arith::ConstantIntOp::create(builder, loc, 1, 32);
      Value parity = arith::XOrIOp::create(builder, loc, op.getPhase(), one);
      OpBuilder waiter = builder;
      if (tma::ElectOp elect = electedPuts.lookup(op))
        waiter.setInsertionPointToStart(&elect.getBody().front());
      WaitOp::create(waiter, loc, op.getRing(), Side::Empty, index, parity,
                     /*ready=*/Value());
      replaceBySlot(builder, op, op.getRingAttr(), index);
      return success();
    }
    // The store that read this slot last has depth - 1 younger ones of its ring
    // behind it, each a group of its own. Groups belong to the thread, and
    // other rings may have added more, so it is not among the depth - 1
    // youngest (PTX ISA, cp.async.bulk.wait_group: at most N of the most recent
    // groups are pending).
    auto depth = static_cast<int64_t>(ring.getDepth());
    electWait(builder, loc, /*pending=*/depth - 1);
    GroupBarrierOp::create(builder, loc, barrier, role.getCount());
    if (ring.getInstances().value_or(1) > 1) {
      // Each group has its own ring; instances lie one after another.
      Value group = tile::GroupOp::create(builder, loc, builder.getIndexType());
      group =
          arith::IndexCastOp::create(builder, loc, builder.getI32Type(), group);
      Value slots = arith::ConstantIntOp::create(builder, loc, depth, 32);
      Value first = arith::MulIOp::create(builder, loc, group, slots);
      index = arith::AddIOp::create(builder, loc, first, index);
    }
    replaceBySlot(builder, op, op.getRingAttr(), index);
    return success();
  }

  void replaceBySlot(OpBuilder &builder, Operation *op, FlatSymbolRefAttr ring,
                     Value index) {
    Value slot = SlotAtOp::create(builder, op->getLoc(),
                                  op->getResult(0).getType(), ring, index);
    op->getResult(0).replaceAllUsesWith(slot);
    op->erase();
  }

  static void electWait(OpBuilder &builder, Location loc, int64_t pending) {
    auto elect = tma::ElectOp::create(builder, loc, /*group=*/true);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(&elect.getBody().emplaceBlock());
    tma::WaitGroupOp::create(builder, loc, pending);
  }

  /// Shared memory must not go away while the engine reads it.
  void drainStores() {
    OpBuilder builder = OpBuilder::atBlockEnd(&role.getBody().front());
    electWait(builder, role.getLoc(), 0);
  }

  bool isSingleThread() { return role->hasAttr("single_thread"); }

  tile::RoleOp role;
  int64_t &nextBarrier;
  int64_t barrier = 0;
  llvm::SetVector<RingOp> staging;
  bool exchanges = false;
  SmallVector<Operation *> done;
  /// Puts of which one thread of the role does all, by their acquire.
  llvm::DenseMap<Operation *, tma::ElectOp> electedPuts;
};

struct PipeLowerToBarriers
    : public tilewright::impl::PipeLowerToBarriersBase<PipeLowerToBarriers> {
  void runOnOperation() override {
    int64_t nextBarrier = 1;
    for (auto role : getOperation().getBody().getOps<tile::RoleOp>())
      if (failed(RoleLowering(role, nextBarrier).run()))
        return signalPassFailure();
  }
};

} // namespace
