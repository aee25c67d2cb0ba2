//===- VectorToScalars.cpp - a thread's vector as that many scalars -------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tilewright;

namespace {

/// The operand's element for position `i`: an operand that is no vector (the
/// condition of a select) is the same for all.
Value pick(ValueRange scalars, size_t i) {
  return scalars.size() == 1 ? scalars.front() : scalars[i];
}

/// arith, math: one operation a position.
struct UnrollElementwise : ConversionPattern {
  UnrollElementwise(const TypeConverter &converter, MLIRContext *context)
      : ConversionPattern(converter, MatchAnyOpTypeTag(), 1, context) {}

  LogicalResult
  matchAndRewrite(Operation *op, ArrayRef<ValueRange> operands,
                  ConversionPatternRewriter &rewriter) const override {
    if (!OpTrait::hasElementwiseMappableTraits(op) || op->getNumResults() != 1)
      return failure();
    auto type = dyn_cast<VectorType>(op->getResult(0).getType());
    if (!type || type.getRank() != 1)
      return failure();
    SmallVector<Value> results;
    for (int64_t i = 0; i < type.getNumElements(); ++i) {
      OperationState state(op->getLoc(), op->getName());
      for (ValueRange operand : operands)
        state.addOperands(pick(operand, i));
      state.addTypes(type.getElementType());
      state.addAttributes(op->getAttrs());
      results.push_back(rewriter.create(state)->getResult(0));
    }
    rewriter.replaceOpWithMultiple(op, {ValueRange(results)});
    return success();
  }
};

struct UnrollConstant : OpConversionPattern<arith::ConstantOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(arith::ConstantOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto dense = dyn_cast<DenseElementsAttr>(op.getValue());
    if (!dense)
      return failure();
    SmallVector<Value> results;
    llvm::SmallDenseMap<Attribute, Value> known;
    for (Attribute value : dense.getValues<Attribute>()) {
      Value &constant = known[value];
      if (!constant)
        constant = arith::ConstantOp::create(rewriter, op.getLoc(),
                                             cast<TypedAttr>(value));
      results.push_back(constant);
    }
    rewriter.replaceOpWithMultiple(op, {ValueRange(results)});
    return success();
  }
};

struct UnrollPoison : OpConversionPattern<ub::PoisonOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ub::PoisonOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = dyn_cast<VectorType>(op.getType());
    if (!type)
      return failure();
    Value poison =
        LLVM::PoisonOp::create(rewriter, op.getLoc(), type.getElementType());
    SmallVector<Value> results(type.getNumElements(), poison);
    rewriter.replaceOpWithMultiple(op, {ValueRange(results)});
    return success();
  }
};

struct UnrollFromElements : OpConversionPattern<vector::FromElementsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vector::FromElementsOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    SmallVector<Value> results;
    for (ValueRange element : adaptor.getElements())
      llvm::append_range(results, element);
    rewriter.replaceOpWithMultiple(op, {ValueRange(results)});
    return success();
  }
};

struct UnrollToElements : OpConversionPattern<vector::ToElementsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vector::ToElementsOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, adaptor.getSource());
    return success();
  }
};

struct UnrollBroadcast : OpConversionPattern<vector::BroadcastOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vector::BroadcastOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    VectorType type = op.getResultVectorType();
    if (type.getRank() != 1)
      return failure();
    SmallVector<Value> results;
    for (int64_t i = 0; i < type.getNumElements(); ++i)
      results.push_back(pick(adaptor.getSource(), i));
    rewriter.replaceOpWithMultiple(op, {ValueRange(results)});
    return success();
  }
};

/// Position of a scalar in a rank-1 vector, if it is a constant.
template <typename Op> std::optional<int64_t> getPosition(Op op) {
  if (op.hasDynamicPosition() || op.getStaticPosition().size() != 1)
    return std::nullopt;
  return op.getStaticPosition()[0];
}

struct UnrollExtract : OpConversionPattern<vector::ExtractOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vector::ExtractOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    std::optional<int64_t> position = getPosition(op);
    if (!position)
      return op.emitOpError("selects a register at run time; registers have "
                            "no addresses");
    rewriter.replaceOp(op, adaptor.getSource()[*position]);
    return success();
  }
};

struct UnrollInsert : OpConversionPattern<vector::InsertOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vector::InsertOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    std::optional<int64_t> position = getPosition(op);
    if (!position)
      return op.emitOpError("selects a register at run time; registers have "
                            "no addresses");
    SmallVector<Value> results(adaptor.getDest());
    results[*position] = adaptor.getValueToStore().front();
    rewriter.replaceOpWithMultiple(op, {ValueRange(results)});
    return success();
  }
};

struct UnrollShuffle : OpConversionPattern<vector::ShuffleOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vector::ShuffleOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (op.getResultVectorType().getRank() != 1)
      return failure();
    SmallVector<Value> all(adaptor.getV1()), results;
    llvm::append_range(all, adaptor.getV2());
    for (int64_t source : op.getMask())
      results.push_back(source >= 0
                            ? all[source]
                            : LLVM::PoisonOp::create(rewriter, op.getLoc(),
                                                     all.front().getType()));
    rewriter.replaceOpWithMultiple(op, {ValueRange(results)});
    return success();
  }
};

struct UnrollExtractStrided
    : OpConversionPattern<vector::ExtractStridedSliceOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vector::ExtractStridedSliceOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (op.getSourceVectorType().getRank() != 1)
      return failure();
    int64_t offset = cast<IntegerAttr>(op.getOffsets()[0]).getInt();
    int64_t stride = cast<IntegerAttr>(op.getStrides()[0]).getInt();
    int64_t size = cast<IntegerAttr>(op.getSizes()[0]).getInt();
    SmallVector<Value> results;
    for (int64_t i = 0; i < size; ++i)
      results.push_back(adaptor.getSource()[offset + i * stride]);
    rewriter.replaceOpWithMultiple(op, {ValueRange(results)});
    return success();
  }
};

struct UnrollInsertStrided : OpConversionPattern<vector::InsertStridedSliceOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(vector::InsertStridedSliceOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (op.getDestVectorType().getRank() != 1)
      return failure();
    int64_t offset = cast<IntegerAttr>(op.getOffsets()[0]).getInt();
    int64_t stride = cast<IntegerAttr>(op.getStrides()[0]).getInt();
    SmallVector<Value> results(adaptor.getDest());
    for (auto [i, value] : llvm::enumerate(adaptor.getValueToStore()))
      results[offset + i * stride] = value;
    rewriter.replaceOpWithMultiple(op, {ValueRange(results)});
    return success();
  }
};

} // namespace

void tilewright::populateVectorToScalars(const TypeConverter &converter,
                                         RewritePatternSet &patterns) {
  patterns
      .add<UnrollElementwise, UnrollConstant, UnrollPoison, UnrollFromElements,
           UnrollToElements, UnrollBroadcast, UnrollExtract, UnrollInsert,
           UnrollShuffle, UnrollExtractStrided, UnrollInsertStrided>(
          converter, patterns.getContext());
}
