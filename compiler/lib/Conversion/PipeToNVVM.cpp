//===- PipeToNVVM.cpp - barriers and fences -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "tilewright/Transforms/EmitArith.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace tilewright;
using namespace tilewright::pipe;

static Value constant(OpBuilder &builder, Location loc, int64_t value) {
  return arith::ConstantIntOp::create(builder, loc, value, 32);
}

static FailureOr<RingOp> getRing(Operation *op, FlatSymbolRefAttr name) {
  RingOp ring = RingOp::lookup(op, name);
  if (!ring || !ring.getBarriers())
    return op->emitOpError("needs the addresses of the barriers of ") << name;
  return ring;
}

/// Arrives at an mbarrier anywhere in the cluster, in threads for which `when`
/// holds. Inline PTX, since nvvm.mbarrier.arrive always names a scope: without
/// one ptxas emits a bare SYNCS.ARRIVE.RED, whereas .release.cluster fences
/// the memory of the GPU (1.5 to 1.7 times slower GEMMs on an H100).
static void arriveInCluster(OpBuilder &builder, Location loc, Value address,
                            Value when) {
  LLVM::InlineAsmOp::create(
      builder, loc, TypeRange(), ValueRange{address, when},
      "@$1 mbarrier.arrive.shared::cluster.b64 _, [$0];", "r,b,~{memory}",
      /*has_side_effects=*/true, /*is_align_stack=*/false,
      LLVM::tailcallkind::TailCallKind::None,
      LLVM::AsmDialectAttr::get(builder.getContext(), LLVM::AsmDialect::AD_ATT),
      /*operand_attrs=*/ArrayAttr());
}

static Value getLeaderBase(OpBuilder &builder, Location loc) {
  return getClusterBase(builder, loc, constant(builder, loc, 0));
}

namespace {

struct LowerInit : OpConversionPattern<InitOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(InitOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    FailureOr<RingOp> ring = getRing(op, op.getRingAttr());
    if (failed(ring))
      return failure();
    if (!ring->getFullCount() || !ring->getEmptyCount())
      return op.emitOpError("needs the arrival counts of ") << op.getRing();
    Location loc = op.getLoc();
    for (Side side : {Side::Full, Side::Empty}) {
      auto arrivals = static_cast<int64_t>(
          side == Side::Full ? *ring->getFullCount() : *ring->getEmptyCount());
      Value count = constant(rewriter, loc, arrivals);
      // The leader fills a slot in all CTAs, so the consumers of all of them
      // release it there.
      if (side == Side::Empty && ring->isExchange())
        count = constant(rewriter, loc, ring->getSharers() * arrivals);
      if (side == Side::Empty && ring->isMulticast()) {
        auto ctas = static_cast<int64_t>(*ring->getMulticast());
        count = arith::SelectOp::create(
            rewriter, loc, isLeader(rewriter, loc),
            constant(rewriter, loc, ctas * arrivals), count);
      }
      for (int64_t i = 0, e = static_cast<int64_t>(ring->getDepth()); i < e;
           ++i) {
        Value pointer = getBarrierPointer(rewriter, loc, *ring, side,
                                          constant(rewriter, loc, i));
        NVVM::MBarrierInitOp::create(rewriter, loc, pointer, count, Value());
      }
    }
    rewriter.eraseOp(op);
    return success();
  }
};

/// try_wait suspends the thread for a while (PTX ISA, mbarrier.try_wait: until
/// the phase completes or a system-dependent time limit), so it is repeated.
struct LowerWait : OpConversionPattern<WaitOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(WaitOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    FailureOr<RingOp> ring = getRing(op, op.getRingAttr());
    if (failed(ring))
      return failure();
    Location loc = op.getLoc();
    Value pointer =
        getBarrierPointer(rewriter, loc, *ring, op.getSide(), op.getIndex());
    Type i1 = rewriter.getI1Type();
    if (Value ready = adaptor.getReady()) {
      Value truth = arith::ConstantIntOp::create(rewriter, loc, 1, 1);
      Value wait = arith::XOrIOp::create(rewriter, loc, ready, truth);
      auto branch =
          scf::IfOp::create(rewriter, loc, wait, /*withElseRegion=*/false);
      rewriter.setInsertionPoint(branch.thenYield());
    }
    scf::WhileOp::create(
        rewriter, loc, TypeRange(), ValueRange(),
        [&](OpBuilder &b, Location l, ValueRange) {
          Value done = NVVM::MBarrierTryWaitOp::create(
              b, l, i1, pointer, adaptor.getParity(), /*ticks=*/Value());
          Value truth = arith::ConstantIntOp::create(b, l, 1, 1);
          Value again = arith::XOrIOp::create(b, l, done, truth);
          scf::ConditionOp::create(b, l, again, ValueRange());
        },
        [&](OpBuilder &b, Location l, ValueRange) {
          scf::YieldOp::create(b, l);
        });
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerTryWait : OpConversionPattern<TryWaitOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(TryWaitOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    FailureOr<RingOp> ring = getRing(op, op.getRingAttr());
    if (failed(ring))
      return failure();
    Value pointer = getBarrierPointer(rewriter, op.getLoc(), *ring,
                                      op.getSide(), op.getIndex());
    rewriter.replaceOpWithNewOp<NVVM::MBarrierTryWaitOp>(
        op, rewriter.getI1Type(), pointer, adaptor.getParity(),
        /*ticks=*/Value());
    return success();
  }
};

struct LowerOpaque : OpConversionPattern<OpaqueOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(OpaqueOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    FailureOr<SmallVector<Value>> result =
        createTiedAsm(rewriter, op, "", adaptor.getValue());
    if (failed(result))
      return failure();
    rewriter.replaceOp(op, *result);
    return success();
  }
};

/// Addresses take a known index apart (getSlotOffset); for the rest it is a
/// constant.
struct LowerConstantIndex : OpConversionPattern<ConstantIndexOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ConstantIndexOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, constant(rewriter, op.getLoc(),
                                    static_cast<int64_t>(op.getValue())));
    return success();
  }
};

struct LowerArrive : OpConversionPattern<ArriveOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ArriveOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    FailureOr<RingOp> ring = getRing(op, op.getRingAttr());
    if (failed(ring))
      return failure();
    Location loc = op.getLoc();
    if (ring->isExchange() && op.getSide() == Side::Empty) {
      if (!op.getPerWarp())
        return op.emitOpError("releases a slot of an exchange from one thread; "
                              "not lowered yet");
      arriveAtAll(op, *ring, rewriter);
      rewriter.eraseOp(op);
      return success();
    }
    if (ring->isMulticast() && op.getSide() == Side::Empty) {
      arriveAtLeader(op, *ring, rewriter);
      rewriter.eraseOp(op);
      return success();
    }
    if (op.getPerWarp()) {
      // All lanes have finished with the slot before lane 0 says so.
      NVVM::SyncWarpOp::create(rewriter, loc, constant(rewriter, loc, -1));
      Type i32 = rewriter.getI32Type();
      Value tid = NVVM::ThreadIdXOp::create(rewriter, loc, i32);
      Value lane = arith::AndIOp::create(rewriter, loc, tid,
                                         constant(rewriter, loc, 31));
      Value first =
          arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::eq, lane,
                                constant(rewriter, loc, 0));
      auto branch =
          scf::IfOp::create(rewriter, loc, first, /*withElseRegion=*/false);
      rewriter.setInsertionPoint(branch.thenYield());
    }
    Value pointer =
        getBarrierPointer(rewriter, loc, *ring, op.getSide(), op.getIndex());
    // No scope: the default (.release, .cta) orders what this CTA needs; a
    // cluster scope costs a memory barrier (codegen-speed, rule 1).
    if (op.getExpect() != 0)
      NVVM::MBarrierArriveExpectTxOp::create(
          rewriter, loc, TypeRange(), pointer,
          constant(rewriter, loc, static_cast<int64_t>(op.getExpect())),
          NVVM::MemScopeKind::CTA,
          /*relaxed=*/false, /*predicate=*/Value());
    else
      NVVM::MBarrierArriveOp::create(rewriter, loc, rewriter.getI64Type(),
                                     pointer, /*count=*/Value(),
                                     NVVM::MemScopeKind::CTA,
                                     /*relaxed=*/false);
    rewriter.eraseOp(op);
    return success();
  }

private:
  /// A slot that all CTAs fill is released to all: lane r arrives at that of
  /// rank r.
  static void arriveAtAll(ArriveOp op, RingOp ring,
                          ConversionPatternRewriter &rewriter) {
    Location loc = op.getLoc();
    Value tid = NVVM::ThreadIdXOp::create(rewriter, loc, rewriter.getI32Type());
    Value lane =
        arith::AndIOp::create(rewriter, loc, tid, constant(rewriter, loc, 31));
    Value ctas = constant(rewriter, loc, ring.getSharers());
    Value arrives = arith::CmpIOp::create(
        rewriter, loc, arith::CmpIPredicate::ult, lane, ctas);
    // No other rank exists (PTX ISA, mapa: undefined for one that does not).
    Value rank = arith::SelectOp::create(rewriter, loc, arrives, lane,
                                         constant(rewriter, loc, 0));
    Value offset = arith::IndexCastUIOp::create(
        rewriter, loc, rewriter.getI32Type(),
        getBarrierOffset(rewriter, loc, ring, Side::Empty, op.getIndex()));
    Value base = getClusterBase(rewriter, loc, rank);
    // All lanes have finished with the slot before one says so.
    NVVM::SyncWarpOp::create(rewriter, loc, constant(rewriter, loc, -1));
    arriveInCluster(rewriter, loc,
                    arith::AddIOp::create(rewriter, loc, base, offset),
                    arrives);
  }

  /// A slot that the leader fills is released to it and, in the other CTAs, to
  /// this CTA, whose own producers wait for that. Two lanes arrive with one
  /// instruction: lane 0 at the leader's barrier, lane 1 at this CTA's. What
  /// does not depend on the slot is the same each time, so LLVM computes it
  /// outside of loops.
  static void arriveAtLeader(ArriveOp op, RingOp ring,
                             ConversionPatternRewriter &rewriter) {
    Location loc = op.getLoc();
    EmitArith arith{rewriter, loc};
    Value own = getSharedAddress(rewriter, loc, arith.constant(0));
    Value leaders = getLeaderBase(rewriter, loc);
    Value offset = arith::IndexCastUIOp::create(
        rewriter, loc, rewriter.getI32Type(),
        getBarrierOffset(rewriter, loc, ring, Side::Empty, op.getIndex()));
    auto at = [&](Value base) -> Value {
      return arith::AddIOp::create(rewriter, loc, base, offset);
    };
    Value truth = arith::ConstantIntOp::create(rewriter, loc, 1, 1);
    Value leads = isLeader(rewriter, loc);
    if (!op.getPerWarp()) {
      arriveInCluster(rewriter, loc, at(leaders), truth);
      Value follows = arith::XOrIOp::create(rewriter, loc, leads, truth);
      arriveInCluster(rewriter, loc, at(own), follows);
      return;
    }
    Value tid = NVVM::ThreadIdXOp::create(rewriter, loc, rewriter.getI32Type());
    Value lane =
        arith::AndIOp::create(rewriter, loc, tid, constant(rewriter, loc, 31));
    Value first = arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::eq,
                                        lane, constant(rewriter, loc, 0));
    Value base = arith::SelectOp::create(rewriter, loc, first, leaders, own);
    Value lanes = arith::SelectOp::create(rewriter, loc, leads,
                                          constant(rewriter, loc, 1),
                                          constant(rewriter, loc, 2));
    Value arrives = arith::CmpIOp::create(
        rewriter, loc, arith::CmpIPredicate::ult, lane, lanes);
    // All lanes have finished with the slot before one says so.
    NVVM::SyncWarpOp::create(rewriter, loc, constant(rewriter, loc, -1));
    arriveInCluster(rewriter, loc, at(base), arrives);
  }
};

/// One bulk copy for each other CTA. The bytes arrive at the barrier of the CTA
/// that they go to (PTX ISA, cp.async.bulk, .shared::cluster.shared::cta).
struct LowerSend : OpConversionPattern<SendOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(SendOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    FailureOr<ViewPlace> from = getPlace(rewriter, op, op.getSource());
    FailureOr<ViewPlace> to = getPlace(rewriter, op, op.getDest());
    if (failed(from) || failed(to))
      return failure();
    FailureOr<RingOp> ring = getArrivalRing(op, op.getSlot());
    if (failed(ring))
      return failure();
    tile::ViewType view = op.getDest().getType();
    if (failed(checkPiece(op, from->layout, view)) ||
        failed(checkPiece(op, to->layout, view)))
      return failure();
    int64_t parts = *view.getExtent(op.getOver());
    int64_t bytes = view.getNumElements() / parts *
                    tile::getStorageBits(view.getElementType()) / 8;
    if (bytes % 16 != 0)
      return op.emitOpError("sends pieces of ")
             << bytes << " bytes; a bulk copy moves multiples of 16";
    EmitArith arith{rewriter, loc};
    Type i32 = rewriter.getI32Type();
    Value rank = adaptor.getRank();
    Value dest = arith::IndexCastUIOp::create(
        rewriter, loc, i32, getStart(arith, *to, op.getOver(), rank));
    Value barrier = arith::IndexCastUIOp::create(
        rewriter, loc, i32,
        getBarrierOffset(rewriter, loc, *ring, Side::Full,
                         op.getSlot().getDefiningOp<SlotAtOp>().getIndex()));
    Value size = constant(rewriter, loc, bytes);
    for (int64_t part = 0; part < parts; ++part) {
      Value base = getClusterBase(rewriter, loc, constant(rewriter, loc, part));
      Value source = getSharedAddress(
          rewriter, loc,
          getStart(arith, *from, op.getOver(), arith.constant(part)));
      Value other = arith::CmpIOp::create(
          rewriter, loc, arith::CmpIPredicate::ne, rank, arith.constant(part));
      LLVM::InlineAsmOp::create(
          rewriter, loc, TypeRange(),
          ValueRange{arith::AddIOp::create(rewriter, loc, base, dest), source,
                     size, arith::AddIOp::create(rewriter, loc, base, barrier),
                     other},
          "@$4 cp.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx"
          "::bytes [$0], [$1], $2, [$3];",
          "r,r,r,r,b,~{memory}", /*has_side_effects=*/true,
          /*is_align_stack=*/false, LLVM::tailcallkind::TailCallKind::None,
          LLVM::AsmDialectAttr::get(op.getContext(), LLVM::AsmDialect::AD_ATT),
          /*operand_attrs=*/ArrayAttr());
    }
    rewriter.eraseOp(op);
    return success();
  }

private:
  /// A part is one piece of memory: its axis is the outermost, and only the
  /// next one may be cut.
  static LogicalResult checkPiece(SendOp op, const SharedLayout &layout,
                                  tile::ViewType view) {
    bool whole = layout.axes().size() > 1 &&
                 layout.axes().front().name == op.getOver() &&
                 (layout.swizzle() == Swizzle::None ||
                  layout.axes().back().extent == layout.elementsPerSpan());
    int64_t rows = 1;
    for (auto [i, axis] : llvm::enumerate(layout.axes())) {
      whole &= i < 2 || view.getExtent(axis.name) == axis.extent;
      if (i > 0 && i + 1 < layout.axes().size())
        rows *= *view.getExtent(axis.name);
    }
    // A swizzle is the same in all pieces that begin at whole periods.
    if (layout.swizzle() != Swizzle::None)
      whole &= rows % (layout.alignment() / layout.spanBytes()) == 0;
    if (whole)
      return success();
    return op.emitOpError("sends parts that do not lie in one piece each");
  }

  /// Byte offset of place `index` of the parts.
  static Value getStart(EmitArith &arith, const ViewPlace &place,
                        StringRef over, Value index) {
    SmallVector<Value> coords;
    for (auto [axis, origin] :
         llvm::zip_equal(place.layout.axes(), place.origin))
      coords.push_back(axis.name == over ? arith.add(origin, index) : origin);
    return arith.add(place.base,
                     place.layout.emitOffset(arith, ArrayRef<Value>(coords)));
  }
};

struct LowerProxyFence : OpConversionPattern<ProxyFenceOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ProxyFenceOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    MLIRContext *context = op.getContext();
    rewriter.replaceOpWithNewOp<NVVM::FenceProxyOp>(
        op, NVVM::ProxyKindAttr::get(context, NVVM::ProxyKind::async_shared),
        NVVM::SharedSpaceAttr::get(context, NVVM::SharedSpace::shared_cta));
    return success();
  }
};

} // namespace

void tilewright::populatePipeToNVVM(const TypeConverter &converter,
                                    RewritePatternSet &patterns) {
  patterns.add<LowerInit, LowerWait, LowerTryWait, LowerOpaque,
               LowerConstantIndex, LowerArrive, LowerSend, LowerProxyFence>(
      converter, patterns.getContext());
}
