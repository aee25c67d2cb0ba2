//===- TMAToNVVM.cpp - bulk copies ----------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "tilewright/Dialect/TMA/TMADialect.h"
#include "tilewright/Transforms/EmitArith.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace tilewright;
using namespace tilewright::tma;

/// Coordinates are signed 32-bit (PTX ISA, cp.async.bulk.tensor, tensorCoords);
/// outside of the tensor they read zero and write nothing.
static SmallVector<Value> getCoordinates(OpBuilder &builder, Location loc,
                                         ValueRange coords) {
  SmallVector<Value> result;
  for (Value coord : coords)
    result.push_back(
        arith::IndexCastOp::create(builder, loc, builder.getI32Type(), coord));
  return result;
}

/// The generic pointer to the tensor map in parameter memory.
static FailureOr<Value> getMap(Operation *op, Value desc) {
  FailureOr<UnrealizedConversionCastOp> cast = getParts(op, desc);
  if (failed(cast))
    return failure();
  return cast->getInputs().front();
}

/// First byte of a box: the view's start and the box's place in it.
static FailureOr<Value> getBoxOffset(ConversionPatternRewriter &rewriter,
                                     Operation *op, Value view,
                                     int64_t byteOffset) {
  FailureOr<ViewPlace> place = getPlace(rewriter, op, view);
  if (failed(place))
    return failure();
  FailureOr<Value> start = getLinearStart(rewriter, op, *place);
  if (failed(start))
    return failure();
  EmitArith arith{rewriter, op->getLoc()};
  return arith.add(*start, arith.constant(byteOffset));
}

namespace {

struct LowerPrefetch : OpConversionPattern<PrefetchOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(PrefetchOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    FailureOr<Value> map = getMap(op, op.getDesc());
    if (failed(map))
      return failure();
    // nvvm.prefetch tensormap prefetches a parameter twice (codegen notes).
    LLVM::InlineAsmOp::create(
        rewriter, op.getLoc(), TypeRange(), ValueRange(*map),
        "prefetch.tensormap [$0];", "l", /*has_side_effects=*/true,
        /*is_align_stack=*/false, LLVM::tailcallkind::TailCallKind::None,
        LLVM::AsmDialectAttr::get(op.getContext(), LLVM::AsmDialect::AD_ATT),
        /*operand_attrs=*/ArrayAttr());
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerLoad : OpConversionPattern<LoadOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(LoadOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    FailureOr<Value> map = getMap(op, op.getDesc());
    FailureOr<Value> offset = getBoxOffset(
        rewriter, op, op.getDest(), static_cast<int64_t>(op.getByteOffset()));
    if (failed(map) || failed(offset))
      return failure();
    // Measured on an H100: a box that the leader sends whole is 1 to 1.5 %
    // faster than one of which each CTA sends a part.
    Value mask;
    if (op.getMulticast() > 1) {
      auto all = (int64_t(1) << op.getMulticast()) - 1;
      mask = LLVM::ConstantOp::create(
          rewriter, loc,
          IntegerAttr::get(rewriter.getI16Type(), APInt(16, all)));
      auto branch = scf::IfOp::create(rewriter, loc, isLeader(rewriter, loc),
                                      /*withElseRegion=*/false);
      rewriter.setInsertionPoint(branch.thenYield());
    }
    FailureOr<pipe::RingOp> ring = getArrivalRing(op, op.getSlot());
    if (failed(ring))
      return failure();
    Value barrier = getBarrierPointer(
        rewriter, loc, *ring, pipe::Side::Full,
        op.getSlot().getDefiningOp<pipe::SlotAtOp>().getIndex());
    // The engine's destination is in the cluster's window of shared memory, in
    // which this CTA's own addresses are valid as they are. A cast between the
    // address spaces would go through generic addresses. A multicast goes to
    // the same offset, of data and of barrier, in each CTA (PTX ISA,
    // cp.async.bulk.tensor, .multicast::cluster).
    Value address = getSharedAddress(rewriter, loc, *offset);
    Value dest = LLVM::IntToPtrOp::create(
        rewriter, loc, LLVM::LLVMPointerType::get(op.getContext(), 7), address);
    SmallVector<Value> coords =
        getCoordinates(rewriter, loc, adaptor.getCoords());
    auto copy = [&](Value policy) {
      NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp::create(
          rewriter, loc, dest, *map, coords, barrier,
          /*im2colOffsets=*/ValueRange(), mask, /*l2CacheHint=*/policy,
          NVVM::TMALoadMode::TILE, /*isCTAOnly=*/false,
          /*group=*/NVVM::CTAGroupKindAttr(), /*predicate=*/Value());
    };
    Value streamed = adaptor.getStreamed();
    std::optional<int64_t> known;
    if (streamed)
      known = getConstantIntValue(streamed);
    bool never = !streamed || (known && *known == 0);
    Value policy = never ? Value() : evictFirst(rewriter, op);
    if (never || known) {
      copy(policy);
    } else {
      // A copy with the policy for normal eviction is no substitute for one
      // without: measured on an H200, a GEMM of 4096x512x32768 takes 10 %
      // longer.
      auto branch = scf::IfOp::create(rewriter, loc, streamed,
                                      /*withElseRegion=*/true);
      rewriter.setInsertionPoint(branch.thenYield());
      copy(policy);
      rewriter.setInsertionPoint(branch.elseYield());
      copy(Value());
    }
    rewriter.eraseOp(op);
    return success();
  }

private:
  /// Opaque to us (PTX ISA, createpolicy). Made before all loops.
  static Value evictFirst(ConversionPatternRewriter &builder, Operation *op) {
    Location loc = op->getLoc();
    OpBuilder::InsertionGuard guard(builder);
    Operation *outermost = nullptr;
    for (Operation *at = op->getParentOp(); at; at = at->getParentOp())
      if (isa<scf::ForOp, scf::WhileOp>(at))
        outermost = at;
    if (outermost)
      builder.setInsertionPoint(outermost);
    return LLVM::InlineAsmOp::create(
               builder, loc, builder.getI64Type(), ValueRange(),
               "createpolicy.fractional.L2::evict_first.b64 $0, 1.0;", "=l",
               /*has_side_effects=*/false, /*is_align_stack=*/false,
               LLVM::tailcallkind::TailCallKind::None,
               LLVM::AsmDialectAttr::get(builder.getContext(),
                                         LLVM::AsmDialect::AD_ATT),
               /*operand_attrs=*/ArrayAttr())
        .getRes();
  }
};

struct LowerStore : OpConversionPattern<StoreOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(StoreOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    FailureOr<Value> map = getMap(op, op.getDesc());
    FailureOr<Value> offset = getBoxOffset(
        rewriter, op, op.getSource(), static_cast<int64_t>(op.getByteOffset()));
    if (failed(map) || failed(offset))
      return failure();
    Value source = getSharedPointer(rewriter, loc, *offset);
    SmallVector<Value> coords =
        getCoordinates(rewriter, loc, adaptor.getCoords());
    if (op.getReduce())
      NVVM::CpAsyncBulkTensorReduceOp::create(
          rewriter, loc, *map, source, NVVM::TMAReduxKind::ADD,
          NVVM::TMAStoreMode::TILE, coords, /*l2CacheHint=*/Value());
    else
      NVVM::CpAsyncBulkTensorSharedCTAToGlobalOp::create(
          rewriter, loc, *map, source, coords, /*l2CacheHint=*/Value(),
          NVVM::TMAStoreMode::TILE, /*predicate=*/Value());
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerCommitGroup : OpConversionPattern<CommitGroupOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(CommitGroupOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<NVVM::CpAsyncBulkCommitGroupOp>(op);
    return success();
  }
};

struct LowerWaitGroup : OpConversionPattern<WaitGroupOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(WaitGroupOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<NVVM::CpAsyncBulkWaitGroupOp>(
        op, rewriter.getI32IntegerAttr(static_cast<int32_t>(op.getPending())),
        /*read=*/rewriter.getUnitAttr());
    return success();
  }
};

} // namespace

void tilewright::populateTMAToNVVM(const TypeConverter &converter,
                                   RewritePatternSet &patterns) {
  patterns.add<LowerPrefetch, LowerLoad, LowerStore, LowerCommitGroup,
               LowerWaitGroup>(converter, patterns.getContext());
}
