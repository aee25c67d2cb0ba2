//===- MMAToNVVM.cpp - warpgroup matrix instructions ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "tilewright/Dialect/MMA/MMADialect.h"
#include "tilewright/Transforms/EmitArith.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace tilewright;
using namespace tilewright::mma;

namespace {

/// `value` / `divisor` where each term of the sum is divisible by itself; null
/// otherwise.
Value divideExactly(EmitArith &arith, Value value, int64_t divisor) {
  if (auto known = getConstantIntValue(value))
    return *known % divisor == 0 ? arith.constant(*known / divisor) : Value();
  if (auto sum = value.getDefiningOp<arith::AddIOp>()) {
    Value left = divideExactly(arith, sum.getLhs(), divisor);
    Value right = left ? divideExactly(arith, sum.getRhs(), divisor) : Value();
    return right ? arith.add(left, right) : Value();
  }
  if (auto product = value.getDefiningOp<arith::MulIOp>())
    if (auto factor = getConstantIntValue(product.getRhs());
        factor && *factor % divisor == 0)
      return arith.mul(product.getLhs(), arith.constant(*factor / divisor));
  return Value();
}

/// PTX ISA, wgmma, "Matrix Descriptor Format": address, offsets and layout
/// code; SharedLayout knows them.
struct LowerDescriptor : OpConversionPattern<DescriptorOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(DescriptorOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    FailureOr<ViewPlace> place = getPlace(rewriter, op, op.getView());
    if (failed(place))
      return failure();
    llvm::Expected<WgmmaOperandLayout> operand =
        place->layout.wgmmaOperand(op.getAxisK());
    if (!operand)
      return op.emitOpError(llvm::toString(operand.takeError()));

    // Coordinates of the first element along K (a constant, in whole
    // instructions) and along the row-major product of all other axes.
    EmitArith arith{rewriter, loc};
    auto k = static_cast<int64_t>(op.getK());
    Value mn = arith.constant(0);
    for (auto [i, axis] : llvm::enumerate(place->layout.axes())) {
      if (axis.name == op.getAxisK()) {
        if (!place->constantOrigin[i])
          return op.emitOpError("cuts the contracted axis '")
                 << axis.name << "' at a place that is not constant";
        k += *place->constantOrigin[i];
        continue;
      }
      mn = arith.add(arith.mul(mn, arith.constant(axis.extent)),
                     place->origin[i]);
    }
    mn = arith.add(mn, arith.constant(static_cast<int64_t>(op.getRow())));
    int64_t granule = operand->mnGranule();
    if (auto known = getConstantIntValue(mn); known && *known % granule != 0)
      return op.emitOpError("begins at row ")
             << *known << "; a descriptor begins at multiples of " << granule;
    if (k % operand->kPerStep != 0)
      return op.emitOpError("begins at ")
             << k << " along '" << op.getAxisK()
             << "'; an instruction contracts " << operand->kPerStep;

    // Offsets along M or N are linear from granule to granule.
    int64_t bytesPerRow = operand->mnOffset(granule) / granule;
    Value start =
        arith.add(place->base, arith.mul(mn, arith.constant(bytesPerRow)));
    Type i64 = rewriter.getI64Type();
    auto constant32 = [&](int64_t value) -> Value {
      return arith::ConstantIntOp::create(rewriter, loc, value, 32);
    };
    // The address field counts 16 bytes; 227 KB of shared memory fit its 14
    // bits. Shared memory as a whole is aligned to far more than that, so where
    // all terms of the offset are multiples of 16 the sum is made of quotients,
    // and the shift of the base is done once. Adding the step's constant last
    // lets all steps of an operand share the rest.
    Value field;
    if (Value units = divideExactly(arith, start, 16)) {
      Value base = getSharedAddress(rewriter, loc, arith.constant(0));
      base = arith::ShRUIOp::create(rewriter, loc, base, constant32(4));
      Value offset = arith::IndexCastUIOp::create(rewriter, loc,
                                                  rewriter.getI32Type(), units);
      field = arith::AddIOp::create(rewriter, loc, base, offset);
    } else {
      Value address = getSharedAddress(rewriter, loc, start);
      field = arith::ShRUIOp::create(rewriter, loc, address, constant32(4));
    }
    int64_t step = operand->kStepOffset(k / operand->kPerStep) >> 4;
    if (step != 0)
      field = arith::AddIOp::create(rewriter, loc, field, constant32(step));
    Value wide = arith::ExtUIOp::create(rewriter, loc, i64, field);
    Value bits = arith::ConstantIntOp::create(
        rewriter, loc, static_cast<int64_t>(operand->constantBits()), 64);
    rewriter.replaceOpWithNewOp<arith::OrIOp>(op, wide, bits);
    return success();
  }
};

struct LowerFence : OpConversionPattern<FenceOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(FenceOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<NVVM::WgmmaFenceAlignedOp>(op);
    return success();
  }
};

struct LowerCommit : OpConversionPattern<CommitOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(CommitOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<NVVM::WgmmaGroupSyncAlignedOp>(op);
    return success();
  }
};

/// All values of a variadic operand as scalars, through a tied asm, and back
/// in the grouping of the operands.
LogicalResult replaceByTied(Operation *op, ArrayRef<ValueRange> values,
                            StringRef text,
                            ConversionPatternRewriter &rewriter) {
  SmallVector<Value> scalars;
  for (ValueRange range : values)
    llvm::append_range(scalars, range);
  FailureOr<SmallVector<Value>> results =
      createTiedAsm(rewriter, op, text, scalars);
  if (failed(results))
    return failure();
  SmallVector<ValueRange> grouped;
  ValueRange rest(*results);
  for (ValueRange range : values) {
    grouped.push_back(rest.take_front(range.size()));
    rest = rest.drop_front(range.size());
  }
  rewriter.replaceOpWithMultiple(op, grouped);
  return success();
}

/// The wait has no data dependence on the accumulators of its own; the ties
/// keep their uses behind it (codegen notes, 2.3).
struct LowerWait : OpConversionPattern<WaitOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(WaitOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    std::string text = "wgmma.wait_group.sync.aligned " +
                       std::to_string(op.getPending()) + ";";
    return replaceByTied(op, adaptor.getValues(), text, rewriter);
  }
};

struct LowerPin : OpConversionPattern<PinOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(PinOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    return replaceByTied(op, adaptor.getValues(), "", rewriter);
  }
};

struct LowerUndef : OpConversionPattern<UndefOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(UndefOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    SmallVector<Type> types;
    if (failed(getTypeConverter()->convertType(op.getType(), types)))
      return failure();
    Value poison = LLVM::PoisonOp::create(rewriter, op.getLoc(), types.front());
    SmallVector<Value> values(types.size(), poison);
    rewriter.replaceOpWithMultiple(op, {ValueRange(values)});
    return success();
  }
};

std::optional<NVVM::WGMMATypes> getWgmmaType(Type type) {
  if (isa<Float8E4M3FNType>(type))
    return NVVM::WGMMATypes::e4m3;
  if (isa<Float8E5M2Type>(type))
    return NVVM::WGMMATypes::e5m2;
  if (type.isBF16())
    return NVVM::WGMMATypes::bf16;
  if (type.isF16())
    return NVVM::WGMMATypes::f16;
  if (type.isTF32())
    return NVVM::WGMMATypes::tf32;
  if (type.isUnsignedInteger(8))
    return NVVM::WGMMATypes::u8;
  if (type.isInteger(8))
    return NVVM::WGMMATypes::s8;
  return std::nullopt;
}

/// The accumulators as the struct that the operation takes. The result of the
/// product before is taken as it is: chains of insertions into structs of 64
/// members are slow to fold, here and in LLVM.
Value packStruct(OpBuilder &builder, Location loc, Type type,
                 ValueRange values) {
  auto first = values.front().getDefiningOp<LLVM::ExtractValueOp>();
  if (first && first.getContainer().getType() == type) {
    bool whole = true;
    for (auto [i, value] : llvm::enumerate(values)) {
      auto extract = value.getDefiningOp<LLVM::ExtractValueOp>();
      whole &=
          extract && extract.getContainer() == first.getContainer() &&
          extract.getPosition() == ArrayRef<int64_t>(static_cast<int64_t>(i));
    }
    if (whole)
      return first.getContainer();
  }
  Value result = LLVM::PoisonOp::create(builder, loc, type);
  for (auto [i, value] : llvm::enumerate(values))
    if (!value.getDefiningOp<LLVM::PoisonOp>())
      result = LLVM::InsertValueOp::create(builder, loc, result, value,
                                           static_cast<int64_t>(i));
  return result;
}

struct LowerWgmma : OpConversionPattern<WgmmaOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(WgmmaOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    MLIRContext *context = op.getContext();
    std::optional<NVVM::WGMMATypes> typeA = getWgmmaType(op.getTypeA());
    std::optional<NVVM::WGMMATypes> typeB = getWgmmaType(op.getTypeB());
    ValueRange acc = adaptor.getAcc();
    if (!typeA || !typeB)
      return op.emitOpError("multiplies ")
             << op.getTypeA() << " by " << op.getTypeB()
             << "; wgmma has no such types";
    Type element = acc.front().getType();
    if (!element.isF32() && !element.isInteger(32))
      return op.emitOpError("accumulates in ")
             << element << "; only f32 and i32 are lowered";
    auto structType = LLVM::LLVMStructType::getLiteral(
        context, SmallVector<Type>(acc.size(), element));
    Value in = packStruct(rewriter, loc, structType, acc);
    auto layout = [&](bool mnMajor, bool isA) {
      // The first operand is "row" when K is contiguous, the second "col".
      return NVVM::MMALayoutAttr::get(context, mnMajor == isA
                                                   ? NVVM::MMALayout::col
                                                   : NVVM::MMALayout::row);
    };
    auto one = NVVM::WGMMAScaleInAttr::get(context, NVVM::WGMMAScaleIn::one);
    Value out = NVVM::WgmmaMmaAsyncOp::create(
        rewriter, loc, structType, in, adaptor.getDescA().front(),
        adaptor.getDescB().front(),
        NVVM::MMAShapeAttr::get(context, static_cast<int>(op.getM()),
                                static_cast<int>(op.getN()),
                                static_cast<int>(op.getK())),
        NVVM::WGMMATypesAttr::get(context, *typeA),
        NVVM::WGMMATypesAttr::get(context, *typeB),
        NVVM::WGMMATypesAttr::get(context, element.isF32()
                                               ? NVVM::WGMMATypes::f32
                                               : NVVM::WGMMATypes::s32),
        NVVM::WGMMAScaleOutAttr::get(context, op.getZero()
                                                  ? NVVM::WGMMAScaleOut::zero
                                                  : NVVM::WGMMAScaleOut::one),
        one, one, layout(op.getAMnMajor(), true),
        layout(op.getBMnMajor(), false), NVVM::MMAIntOverflowAttr());
    SmallVector<Value> results;
    for (size_t i = 0; i < acc.size(); ++i)
      results.push_back(LLVM::ExtractValueOp::create(rewriter, loc, out,
                                                     static_cast<int64_t>(i)));
    rewriter.replaceOpWithMultiple(op, {ValueRange(results)});
    return success();
  }
};

} // namespace

void tilewright::populateMMAToNVVM(const TypeConverter &converter,
                                   RewritePatternSet &patterns) {
  patterns.add<LowerDescriptor, LowerFence, LowerCommit, LowerWait, LowerPin,
               LowerUndef, LowerWgmma>(converter, patterns.getContext());
}
