//===- PipeChooseSchedule.cpp - how loops over slots are executed ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A loop that takes slots and contracts them is unrolled: indices, waits and
// addresses of several slots are then computed in the shadow of one tensor-core
// group, and peeking at the next slot pays (measured on a Hopper GPU: unroll 4
// against 1 is 3 to 4 % of an FP8 GEMM; peeking costs 2 % without unrolling and
// gains 1 % with it; codegen-speed, section 3).
//
// Rings are indexed by a running count unless a hint asks for static indexing.
//
//===----------------------------------------------------------------------===//

#include "tilewright/Analysis/StaticRings.h"
#include "tilewright/Dialect/MMA/MMADialect.h"
#include "tilewright/Transforms/Passes.h"
#include "tilewright/Transforms/Schedule.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

namespace tilewright {
#define GEN_PASS_DEF_PIPECHOOSESCHEDULE
#include "tilewright/Transforms/Passes.h.inc"
} // namespace tilewright

using namespace mlir;
using namespace tilewright;

/// The largest factor that a hint may ask for: the body of a loop of waves has
/// hundreds of instructions, and ptxas is quadratic in places.
static constexpr int64_t maxUnroll = 16;
static constexpr int64_t defaultUnroll = 4;

namespace {

struct PipeChooseSchedule
    : public tilewright::impl::PipeChooseScheduleBase<PipeChooseSchedule> {
  void runOnOperation() override {
    // Programmatic dependent launch: the launcher decides whether it is used;
    // without it, its instructions do nothing.
    if (getHint(getOperation(), "pdl").value_or(1) != 0)
      getOperation()->setAttr("pdl", UnitAttr::get(&getContext()));
    SmallVector<pipe::RingOp> fixed;
    for (auto ring : getOperation().getBody().getOps<pipe::RingOp>())
      if (failed(chooseIndexing(ring, fixed)))
        return signalPassFailure();
    // Only now: what is asked of a ring concerns a kernel without restarts.
    for (pipe::RingOp ring : fixed)
      makeStatic(ring);
    WalkResult walk = getOperation().walk(
        [&](scf::ForOp loop) { return WalkResult(choose(loop)); });
    if (walk.wasInterrupted())
      signalPassFailure();
  }

private:
  /// Takes slots and contracts them, itself and not in an inner loop.
  static bool isContractionLoop(scf::ForOp loop) {
    bool takes = false, contracts = false;
    for (Operation &op : *loop.getBody()) {
      takes |= isa<pipe::AcquireGetOp>(op);
      contracts |= isa<mma::ContractOp>(op);
    }
    return takes && contracts;
  }

  /// One contraction of one wave a slot, of a ring with a slot to spare.
  static bool mayOverlap(scf::ForOp loop) {
    int64_t gets = 0, contractions = 0;
    bool fits = true;
    loop.getBody()->walk([&](Operation *op) {
      if (auto get = dyn_cast<pipe::AcquireGetOp>(op)) {
        ++gets;
        fits &= pipe::RingOp::lookup(op, get.getRingAttr()).getDepth() >= 2;
      } else if (auto contract = dyn_cast<mma::ContractOp>(op)) {
        ++contractions;
        fits &= !contract.getBody().empty() &&
                contract.getA().getType().getExtent(contract.getAxisM()) ==
                    static_cast<int64_t>(contract.getWaveM());
      } else if (isa<pipe::AcquirePutOp>(op)) {
        fits = false;
      }
    });
    return fits && gets == 1 && contractions == 1;
  }

  /// Measured on an H200 with M = 64 (docs/performance.md): where one group has
  /// the tensor core to itself and its products are narrow, the latency of a
  /// product is what a slot takes, and overlapping gains 3 to 14 %. Several
  /// groups hide each other's latency; wide products want the registers.
  static bool paysToOverlap(scf::ForOp loop) {
    constexpr int64_t narrow = 64;
    if (loop->getParentOfType<tile::RoleOp>().getCount() != 1)
      return false;
    bool pays = true;
    loop.getBody()->walk([&](mma::ContractOp contract) {
      std::optional<int64_t> n =
          contract.getB().getType().getExtent(contract.getAxisN());
      pays &= n && *n <= narrow;
    });
    return pays;
  }

  static bool hasOwnHint(scf::ForOp loop, StringRef name) {
    auto hints = loop->getAttrOfType<DictionaryAttr>(hintsAttrName);
    return hints && hints.contains(name);
  }

  /// Static if a loop that takes the ring's slots asks for it, or the kernel
  /// does and no loop asks for the contrary.
  LogicalResult chooseIndexing(pipe::RingOp ring,
                               SmallVectorImpl<pipe::RingOp> &fixed) {
    if (ring.getConsumer() == pipe::Consumer::CopyEngine)
      return success();
    SmallVector<scf::ForOp> loops = getDrivingLoops(getOperation(), ring);
    scf::ForOp asking, refusing;
    for (scf::ForOp loop : loops) {
      if (!asking && hasOwnHint(loop, "static"))
        asking = loop;
      if (!refusing && hasOwnHint(loop, "dynamic"))
        refusing = loop;
    }
    if (asking && refusing) {
      InFlightDiagnostic diag = asking.emitError("asks for static slots of '")
                                << ring.getSymName()
                                << "', but dynamic ones are asked for, too";
      diag.attachNote(refusing.getLoc()) << "here";
      return diag;
    }
    if (!asking && !refusing && !loops.empty() &&
        getHint(getOperation(), "static").value_or(0) != 0)
      asking = loops.front();
    if (!asking)
      return success();
    if (std::optional<StaticRingObstacle> obstacle =
            findStaticRingObstacle(getOperation(), ring)) {
      InFlightDiagnostic diag = asking.emitError("slots of '")
                                << ring.getSymName()
                                << "' cannot be static: " << obstacle->reason;
      diag.attachNote(obstacle->loc) << "here";
      return diag;
    }
    fixed.push_back(ring);
    return success();
  }

  void makeStatic(pipe::RingOp ring) {
    ring.setIndexing(pipe::Indexing::Static);
    for (scf::ForOp loop : getDrivingLoops(getOperation(), ring)) {
      OpBuilder builder(loop);
      pipe::RestartOp::create(builder, loop.getLoc(), ring.getSymName());
    }
  }

  /// A static ring whose slots the loop gets.
  static pipe::RingOp getStaticRing(scf::ForOp loop) {
    for (auto get : loop.getBody()->getOps<pipe::AcquireGetOp>())
      if (auto ring = pipe::RingOp::lookup(get, get.getRingAttr());
          ring.isStatic())
        return ring;
    return {};
  }

  static bool takesSlots(scf::ForOp loop) {
    return llvm::any_of(*loop.getBody(), [](Operation &op) {
      return isa<pipe::AcquirePutOp, pipe::AcquireGetOp>(op);
    });
  }

  LogicalResult choose(scf::ForOp loop) {
    if (hasOwnHint(loop, "static") && !takesSlots(loop))
      return loop.emitError(
          "is to have static slots, but takes none in its own body");
    std::optional<int64_t> unroll = getHint(loop, "unroll");
    std::optional<int64_t> peek = getHint(loop, "peek");
    if (unroll && (*unroll < 1 || *unroll > maxUnroll))
      return loop.emitError("unrolls ")
             << *unroll << " times; 1 to " << maxUnroll << " are possible";
    if (!isContractionLoop(loop))
      return success();
    int64_t factor = unroll.value_or(defaultUnroll);
    pipe::RingOp fixed = getStaticRing(loop);
    // Indices are constants where whole rounds are unrolled.
    if (fixed && !unroll && fixed.getDepth() != 0)
      if (auto whole = static_cast<int64_t>(
              llvm::alignTo(defaultUnroll, fixed.getDepth()));
          whole <= maxUnroll)
        factor = whole;
    if (std::optional<llvm::APInt> trips = loop.getStaticTripCount())
      factor = std::min<int64_t>(factor, trips->getLimitedValue(factor));
    factor = std::max<int64_t>(factor, 1);
    bool overlaps =
        factor > 1 && mayOverlap(loop) &&
        getHint(loop, "overlap").value_or(paysToOverlap(loop) ? 1 : 0) != 0;
    bool peeks = peek ? *peek != 0 : factor > 1;
    Builder builder(&getContext());
    loop->setAttr(unrollAttrName, builder.getI64IntegerAttr(factor));
    if (peeks)
      loop->setAttr(peekAttrName, builder.getUnitAttr());
    if (overlaps)
      loop->setAttr(overlapAttrName, builder.getUnitAttr());
    InFlightDiagnostic remark = loop.emitRemark("loop over slots: unroll ")
                                << factor
                                << (peeks ? ", peeks at the next slot" : "")
                                << (overlaps ? ", overlaps products" : "");
    if (fixed)
      remark << ", static slots of '" << fixed.getSymName() << "'";
    return success();
  }
};

} // namespace
