//===- MMAOverlapWaves.cpp - products overlap the sums of others ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In an unrolled loop over slots, each copy of the body issues a product, waits
// for it, gives the slot back and promotes the partial sums. A small tile
// leaves the tensor core idle meanwhile. Here a copy's wait, and all that comes
// of it, moves behind the issue of the next copy's product, which has a second
// set of partial-sum registers:
//
//   issue 0, issue 1, wait for 0, promote 0, issue 2, wait for 1, promote 1, …
//
// The last copy waits for all: nothing that CUDA cores read is in flight over
// the back-edge, or ptxas would serialise the products (codegen-notes, section
// 5, pattern S).
//
// A copy takes its slot while it still has the one before, so a slot goes back
// one copy later. That needs a ring of two slots at least; and since the loop
// uses no other ring, whatever its producer awaits of this role lies outside
// of the loop, so no wait can become circular.
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/MMA/MMADialect.h"
#include "tilewright/Dialect/Pipe/PipeDialect.h"
#include "tilewright/Transforms/Passes.h"
#include "tilewright/Transforms/Schedule.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace tilewright {
#define GEN_PASS_DEF_MMAOVERLAPWAVES
#include "tilewright/Transforms/Passes.h.inc"
} // namespace tilewright

using namespace mlir;
using namespace tilewright;

namespace {

/// One copy of the body.
struct Copy {
  pipe::AcquireGetOp get;
  mma::WgmmaOp first; ///< Overwrites the partial sums.
  mma::CommitOp commit;
  mma::WaitOp wait;
};

class LoopOverlapper {
public:
  explicit LoopOverlapper(scf::ForOp loop) : loop(loop) {}

  /// Leaves the loop as it is if it has another shape than unrolling one
  /// contraction a slot makes.
  void run() {
    if (!collect() || copies.size() < 2)
      return;
    SmallVector<SmallVector<Operation *>> moves;
    for (size_t i = 0; i + 1 < copies.size(); ++i) {
      moves.push_back(consequences(i));
      if (reachesForward(moves.back(), i))
        return;
    }
    rewireRegisters();
    for (auto [i, ops] : llvm::enumerate(moves)) {
      copies[i].wait.setPending(1);
      Operation *after = copies[i + 1].commit;
      for (Operation *op : ops) {
        op->moveAfter(after);
        after = op;
      }
    }
  }

private:
  bool collect() {
    for (Operation &op : *loop.getBody()) {
      if (auto get = dyn_cast<pipe::AcquireGetOp>(op)) {
        if (!copies.empty() &&
            (!copies.back().wait ||
             get.getRingAttr() != copies.front().get.getRingAttr()))
          return false;
        copies.push_back({get, {}, {}, {}});
        continue;
      }
      if (isa<pipe::AcquirePutOp, mma::WgmmaOp, mma::CommitOp, mma::WaitOp>(
              op) &&
          copies.empty())
        return false;
      if (isa<pipe::AcquirePutOp>(op))
        return false;
      if (auto wgmma = dyn_cast<mma::WgmmaOp>(op)) {
        if (copies.back().commit || (!copies.back().first && !wgmma.getZero()))
          return false;
        if (!copies.back().first)
          copies.back().first = wgmma;
      } else if (auto commit = dyn_cast<mma::CommitOp>(op)) {
        if (copies.back().commit)
          return false;
        copies.back().commit = commit;
      } else if (auto wait = dyn_cast<mma::WaitOp>(op)) {
        if (copies.back().wait || !copies.back().commit ||
            wait.getPending() != 0)
          return false;
        copies.back().wait = wait;
      }
    }
    return llvm::all_of(copies, [](const Copy &copy) {
      return copy.first && copy.commit && copy.wait;
    });
  }

  /// The wait of copy `i`, what gives its slot back, all up to the next copy's
  /// product that uses their results, and what is read for those alone, in
  /// order.
  SmallVector<Operation *> consequences(size_t i) {
    llvm::DenseSet<Operation *> set = {copies[i].wait};
    for (Operation *op = copies[i].wait->getNextNode();
         op != copies[i + 1].commit; op = op->getNextNode()) {
      auto release = dyn_cast<pipe::ReleaseOp>(op);
      bool follows = release && release.getSlot() == copies[i].get.getSlot();
      // The next product takes the registers; it gets others below.
      if (op != copies[i + 1].first)
        op->walk([&](Operation *inner) {
          for (Value operand : inner->getOperands())
            follows |= set.contains(operand.getDefiningOp());
        });
      if (follows)
        set.insert(op);
    }
    // Operands that are read behind the wait; the release that moves, too,
    // follows these reads.
    for (Operation *op = copies[i + 1].commit->getPrevNode();
         op != copies[i].wait; op = op->getPrevNode())
      if ((isPure(op) || isa<tile::LoadSharedOp>(op)) && !op->use_empty() &&
          llvm::all_of(op->getUsers(),
                       [&](Operation *user) { return set.contains(user); }))
        set.insert(op);
    SmallVector<Operation *> ops;
    for (Operation *op = copies[i].wait; op != copies[i + 1].commit;
         op = op->getNextNode())
      if (set.contains(op))
        ops.push_back(op);
    return ops;
  }

  /// Whether the next copy's product needs any of what would move behind it.
  bool reachesForward(ArrayRef<Operation *> ops, size_t i) {
    mma::WgmmaOp next = copies[i + 1].first;
    for (Value descriptor : {next.getDescA(), next.getDescB()})
      if (llvm::is_contained(ops, descriptor.getDefiningOp()))
        return true;
    return llvm::any_of(ops, [](Operation *op) {
      return isa<mma::WgmmaOp, mma::FenceOp, pipe::AcquireGetOp>(op) ||
             op->getNumRegions() != 0;
    });
  }

  /// Copies take turns with two sets of registers: copy i + 2 reuses those of
  /// copy i, whose sums have been promoted by then.
  void rewireRegisters() {
    OpBuilder builder(loop.getBody(), loop.getBody()->begin());
    Value second = mma::UndefOp::create(builder, loop.getLoc(),
                                        copies[1].first.getAcc().getType());
    for (size_t i = 1; i < copies.size(); ++i)
      copies[i].first.getAccMutable().assign(
          i == 1 ? second : copies[i - 2].wait.getResult(0));
    // The next iteration begins with the set that this one began with; another
    // would have to be moved while products are in flight.
    if (copies.size() % 2 == 0) {
      Operation *yield = loop.getBody()->getTerminator();
      yield->replaceUsesOfWith(copies.back().wait.getResult(0),
                               copies[copies.size() - 2].wait.getResult(0));
    }
  }

  scf::ForOp loop;
  SmallVector<Copy> copies;
};

struct MMAOverlapWaves
    : public tilewright::impl::MMAOverlapWavesBase<MMAOverlapWaves> {
  void runOnOperation() override {
    getOperation().walk([](scf::ForOp loop) {
      if (loop->removeAttr(overlapAttrName))
        LoopOverlapper(loop).run();
    });
  }
};

} // namespace
