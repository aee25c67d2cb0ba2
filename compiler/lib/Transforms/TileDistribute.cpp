//===- TileDistribute.cpp - register tiles become each thread's vector ----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/MMA/MMADialect.h"
#include "tilewright/Transforms/Layouts.h"
#include "tilewright/Transforms/Passes.h"

#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/DialectConversion.h"

namespace tilewright {
#define GEN_PASS_DEF_TILEDISTRIBUTE
#include "tilewright/Transforms/Passes.h.inc"
} // namespace tilewright

using namespace mlir;
using namespace tilewright;
using namespace tilewright::tile;

namespace {

FragmentLayout layoutOf(TileType type) { return toLayout(type.getLayout()); }

/// Coordinates of a tile's elements in this thread.
class Coordinates {
public:
  Coordinates(OpBuilder &builder, Location loc, TileType type)
      : builder(builder), loc(loc), type(type), layout(layoutOf(type)) {}

  /// The part that depends on the thread, built once for each axis.
  Value threadPart(StringRef axis) {
    Value &sum = parts[axis];
    if (sum)
      return sum;
    sum = constant(0);
    for (const FragmentLayout::Term &term : layout.threadPart(axis)) {
      if (!thread)
        thread = ThreadOp::create(builder, loc, builder.getIndexType());
      Value digit = thread;
      if (term.divisor != 1)
        digit =
            arith::DivUIOp::create(builder, loc, digit, constant(term.divisor));
      if (!term.slowest)
        digit =
            arith::RemUIOp::create(builder, loc, digit, constant(term.modulus));
      if (term.stride != 1)
        digit =
            arith::MulIOp::create(builder, loc, digit, constant(term.stride));
      sum = arith::AddIOp::create(builder, loc, sum, digit);
    }
    return sum;
  }

  int64_t maxThreadPart(StringRef axis) {
    int64_t sum = 0;
    for (const FragmentLayout::Term &term : layout.threadPart(axis))
      sum += (term.modulus - 1) * term.stride;
    return sum;
  }

  Value get(StringRef axis, int64_t reg) {
    int64_t part = layout.registerPart(axis, reg);
    Value sum = threadPart(axis);
    return part ? arith::AddIOp::create(builder, loc, sum, constant(part))
                      .getResult()
                : sum;
  }

  /// All coordinates of a register, in the order of the type's axes.
  SmallVector<Value> get(int64_t reg) {
    SmallVector<Value> values;
    for (StringAttr axis : type.getAxes())
      values.push_back(get(axis.getValue(), reg));
    return values;
  }

  Value constant(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }

  int64_t numRegisters() const { return layout.numRegisters(); }
  const FragmentLayout &getLayout() const { return layout; }

private:
  OpBuilder &builder;
  Location loc;
  TileType type;
  FragmentLayout layout;
  Value thread;
  llvm::StringMap<Value> parts;
};

//===----------------------------------------------------------------------===//
// Computation
//===----------------------------------------------------------------------===//

struct SplatPattern : public OpConversionPattern<SplatOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(SplatOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Type type = getTypeConverter()->convertType(op.getResult().getType());
    rewriter.replaceOpWithNewOp<vector::BroadcastOp>(op, type,
                                                     adaptor.getValue());
    return success();
  }
};

/// The body runs on whole vectors; an operand that lacks axes is shuffled into
/// the result's registers.
struct MapPattern : public OpConversionPattern<MapOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(MapOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    TileType type = op.getResult().getType();
    FragmentLayout layout = layoutOf(type);
    int64_t count = layout.numRegisters();
    auto widen = [&](Type element) -> VectorType {
      return VectorType::get({count}, element);
    };
    IRMapping mapping;
    Block &body = op.getBody().front();
    for (auto [input, values, arg] : llvm::zip_equal(
             op.getInputs(), adaptor.getInputs(), body.getArguments())) {
      Value value = values.front();
      auto tile = dyn_cast<TileType>(input.getType());
      if (!tile) {
        mapping.map(arg,
                    vector::BroadcastOp::create(rewriter, op.getLoc(),
                                                widen(value.getType()), value));
        continue;
      }
      std::optional<SmallVector<int64_t>> registers =
          layout.registerMap(layoutOf(tile));
      if (!registers)
        return op.emitError("operand and result are held by different threads; "
                            "conversion between layouts is not lowered yet");
      bool identity = llvm::equal(*registers, llvm::seq<int64_t>(0, count)) &&
                      layoutOf(tile).numRegisters() == count;
      mapping.map(arg, identity
                           ? value
                           : vector::ShuffleOp::create(rewriter, op.getLoc(),
                                                       value, value, *registers)
                                 .getResult());
    }
    for (Operation &inner : body.without_terminator()) {
      if (auto constant = dyn_cast<arith::ConstantOp>(inner)) {
        Value splat = arith::ConstantOp::create(
            rewriter, inner.getLoc(),
            DenseElementsAttr::get(widen(constant.getType()),
                                   constant.getValue()));
        mapping.map(constant.getResult(), splat);
        continue;
      }
      if (!OpTrait::hasElementwiseMappableTraits(&inner))
        return op.emitError("'")
               << inner.getName() << "' in an elementwise body has no vector "
               << "form: not lowered yet";
      SmallVector<Value> operands;
      for (Value operand : inner.getOperands())
        operands.push_back(mapping.lookup(operand));
      SmallVector<Type> types;
      for (Type result : inner.getResultTypes())
        types.push_back(widen(result));
      Operation *vector =
          rewriter.create(inner.getLoc(), inner.getName().getIdentifier(),
                          operands, types, inner.getAttrs());
      mapping.map(inner.getResults(), vector->getResults());
    }
    rewriter.replaceOp(op, mapping.lookup(body.getTerminator()->getOperand(0)));
    return success();
  }
};

struct ExtractPattern : public OpConversionPattern<ExtractOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ExtractOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    TileType type = op.getSource().getType();
    FragmentLayout layout = layoutOf(type);
    SmallVector<int64_t> origin;
    for (const FragmentLayout::Axis &axis : layout.axes())
      for (auto [name, offset] :
           llvm::zip_equal(type.getAxes(), op.getOffsets()))
        if (name.getValue() == axis.name)
          origin.push_back(offset);
    std::optional<SmallVector<int64_t>> registers =
        layout.partRegisters(layoutOf(op.getResult().getType()), origin);
    if (!registers)
      return op.emitError("part and whole are held by different threads; "
                          "conversion between layouts is not lowered yet");
    rewriter.replaceOpWithNewOp<vector::ShuffleOp>(
        op, adaptor.getSource(), adaptor.getSource(), *registers);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Accesses
//===----------------------------------------------------------------------===//

/// One scalar load for each distinct element: where a subscript is constant on
/// an aligned chunk of an axis that covers what this thread (and the others)
/// hold in a register, the chunk's first element stands for it.
struct ReadPattern : public OpConversionPattern<ReadOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ReadOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    TileType type = op.getResult().getType();
    Location loc = op.getLoc();
    Coordinates coordinates(rewriter, loc, type);
    SubscriptContext context =
        tilewright::getContext(type.getShape(), adaptor.getSymbols());
    const FragmentLayout &layout = coordinates.getLayout();

    // The largest chunk of each axis on which no coordinate changes.
    SmallVector<int64_t> chunks;
    for (unsigned dim = 0; dim < type.getAxes().size(); ++dim) {
      int64_t chunk = type.getShape()[dim];
      for (AffineExpr expr : op.getMap().getResults()) {
        AxisChunk found = findChunk(expr, dim, context);
        if (!found.independent)
          chunk = found.kind == ChunkKind::Constant
                      ? std::gcd(chunk, found.chunk)
                      : 1;
      }
      chunks.push_back(chunk);
    }

    std::map<SmallVector<int64_t>, Value> loaded;
    SmallVector<Value> elements;
    for (int64_t reg = 0; reg < coordinates.numRegisters(); ++reg) {
      SmallVector<int64_t> key;
      SmallVector<Value> dims;
      for (auto [axis, chunk] : llvm::zip_equal(type.getAxes(), chunks)) {
        int64_t part = layout.registerPart(axis.getValue(), reg);
        bool uniform =
            part / chunk ==
            (part + coordinates.maxThreadPart(axis.getValue())) / chunk;
        int64_t base = uniform ? part / chunk * chunk : part;
        key.append({uniform, base});
        dims.push_back(uniform ? coordinates.constant(base)
                               : coordinates.get(axis.getValue(), reg));
      }
      Value &element = loaded[key];
      if (!element) {
        SmallVector<Value> indices;
        for (AffineExpr expr : op.getMap().getResults())
          indices.push_back(
              expandExpr(rewriter, loc, expr, dims, adaptor.getSymbols()));
        element = LoadElementOp::create(rewriter, loc, type.getElementType(),
                                        op.getTensor(), indices);
      }
      elements.push_back(element);
    }
    rewriter.replaceOpWithNewOp<vector::FromElementsOp>(
        op, getTypeConverter()->convertType(type), elements);
    return success();
  }
};

struct LoadPattern : public OpConversionPattern<LoadOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(LoadOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    TileType type = op.getResult().getType();
    ViewType view = op.getView().getType();
    Coordinates coordinates(rewriter, op.getLoc(), type);
    SmallVector<Value> elements;
    for (int64_t reg = 0; reg < coordinates.numRegisters(); ++reg) {
      SmallVector<Value> indices;
      for (StringAttr axis : view.getAxes())
        indices.push_back(coordinates.get(axis.getValue(), reg));
      elements.push_back(LoadSharedOp::create(
          rewriter, op.getLoc(), type.getElementType(), op.getView(), indices));
    }
    rewriter.replaceOpWithNewOp<vector::FromElementsOp>(
        op, getTypeConverter()->convertType(type), elements);
    return success();
  }
};

struct PutPattern : public OpConversionPattern<PutOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(PutOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    StoreFragmentOp::create(rewriter, op.getLoc(), adaptor.getValue(),
                            op.getValue().getType().getLayout(), op.getView());
    rewriter.eraseOp(op);
    return success();
  }
};

/// Adds in the order of the axis, whatever the layout.
struct LoadSumPattern : public OpConversionPattern<LoadSumOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(LoadSumOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    TileType type = op.getResult().getType();
    ViewType view = op.getView().getType();
    Type element = type.getElementType();
    Location loc = op.getLoc();
    Coordinates coordinates(rewriter, loc, type);
    int64_t terms = *view.getExtent(op.getAxis());
    SmallVector<Value> elements;
    for (int64_t reg = 0; reg < coordinates.numRegisters(); ++reg) {
      Value sum;
      for (int64_t term = 0; term < terms; ++term) {
        SmallVector<Value> indices;
        for (StringAttr axis : view.getAxes())
          indices.push_back(axis.getValue() == op.getAxis()
                                ? coordinates.constant(term)
                                : coordinates.get(axis.getValue(), reg));
        Value value =
            LoadSharedOp::create(rewriter, loc, element, op.getView(), indices);
        if (!sum)
          sum = value;
        else if (isa<FloatType>(element))
          sum = arith::AddFOp::create(rewriter, loc, sum, value);
        else
          sum = arith::AddIOp::create(rewriter, loc, sum, value);
      }
      elements.push_back(sum);
    }
    rewriter.replaceOpWithNewOp<vector::FromElementsOp>(
        op, getTypeConverter()->convertType(type), elements);
    return success();
  }
};

struct PutPartsPattern : public OpConversionPattern<PutPartsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(PutPartsOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = cast<TileType>(op.getValue().getType());
    PutPartsOp::create(rewriter, op.getLoc(), adaptor.getValue(), op.getView(),
                       op.getOwn(), op.getRank(), op.getAxisAttr(),
                       op.getOverAttr(), type.getLayout());
    rewriter.eraseOp(op);
    return success();
  }
};

/// Element by element, each by one thread.
struct StorePattern : public OpConversionPattern<StoreOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(StoreOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (op.getAccumulate())
      return op.emitError("adding element by element is not lowered yet");
    TileType type = op.getValue().getType();
    Location loc = op.getLoc();
    Coordinates coordinates(rewriter, loc, type);
    const FragmentLayout &layout = coordinates.getLayout();
    // Threads that hold copies of an element leave the store to the first.
    Value owner;
    for (const FragmentLayout::Term &term : layout.replicaDigits()) {
      Value digit = ThreadOp::create(rewriter, loc, rewriter.getIndexType());
      digit = arith::DivUIOp::create(rewriter, loc, digit,
                                     coordinates.constant(term.divisor));
      digit = arith::RemUIOp::create(rewriter, loc, digit,
                                     coordinates.constant(term.modulus));
      Value first =
          arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::eq, digit,
                                coordinates.constant(0));
      owner =
          owner ? arith::AndIOp::create(rewriter, loc, owner, first).getResult()
                : first;
    }
    if (owner) {
      auto guard = scf::IfOp::create(rewriter, loc, owner);
      rewriter.setInsertionPointToStart(guard.thenBlock());
    }
    Coordinates inner(rewriter, loc, type);
    for (int64_t reg = 0; reg < inner.numRegisters(); ++reg) {
      SmallVector<Value> dims = inner.get(reg), indices;
      for (AffineExpr expr : op.getMap().getResults())
        indices.push_back(
            expandExpr(rewriter, loc, expr, dims, adaptor.getSymbols()));
      Value element =
          vector::ExtractOp::create(rewriter, loc, adaptor.getValue(), reg);
      StoreElementOp::create(rewriter, loc, element, op.getTensor(), indices);
    }
    rewriter.eraseOp(op);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Regions
//===----------------------------------------------------------------------===//

struct ForEachPattern : public OpConversionPattern<ForEachOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ForEachOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    SmallVector<Type> types;
    if (failed(getTypeConverter()->convertTypes(op.getResultTypes(), types)))
      return failure();
    auto loop = ForEachOp::create(rewriter, op.getLoc(), types, op.getIter(),
                                  adaptor.getInitArgs());
    rewriter.inlineRegionBefore(op.getBody(), loop.getBody(),
                                loop.getBody().end());
    if (failed(
            rewriter.convertRegionTypes(&loop.getBody(), *getTypeConverter())))
      return failure();
    rewriter.replaceOp(op, loop.getResults());
    return success();
  }
};

struct ContractPattern : public OpConversionPattern<mma::ContractOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(mma::ContractOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    SmallVector<Type> types;
    if (failed(getTypeConverter()->convertTypes(op.getResults().getTypes(),
                                                types)))
      return failure();
    auto contract = mma::ContractOp::create(
        rewriter, op.getLoc(), types, op.getToken().getType(), op.getA(),
        op.getB(), adaptor.getCarried(), adaptor.getInputs(), op.getAxisMAttr(),
        op.getAxisNAttr(), op.getWaveMAttr(), op.getInputAxesAttr());
    rewriter.inlineRegionBefore(op.getBody(), contract.getBody(),
                                contract.getBody().end());
    if (!contract.getBody().empty() &&
        failed(rewriter.convertRegionTypes(&contract.getBody(),
                                           *getTypeConverter())))
      return failure();
    rewriter.replaceOp(op, contract->getResults());
    return success();
  }
};

template <typename Op>
struct TerminatorPattern : public OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.modifyOpInPlace(op,
                             [&] { op->setOperands(adaptor.getOperands()); });
    return success();
  }
};

struct TileDistribute
    : public tilewright::impl::TileDistributeBase<TileDistribute> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    TypeConverter converter;
    converter.addConversion([](Type type) { return type; });
    converter.addConversion([](TileType type) -> std::optional<Type> {
      if (!type.getLayout())
        return std::nullopt;
      return VectorType::get({toLayout(type.getLayout()).numRegisters()},
                             type.getElementType());
    });
    RewritePatternSet patterns(context);
    patterns.add<SplatPattern, MapPattern, ExtractPattern, ReadPattern,
                 LoadPattern, LoadSumPattern, PutPartsPattern, PutPattern,
                 StorePattern, ForEachPattern, ContractPattern,
                 TerminatorPattern<YieldOp>, TerminatorPattern<mma::YieldOp>>(
        converter, context);
    ConversionTarget target(*context);
    auto noTiles = [](Operation *op) {
      auto isTile = [](Type type) { return isa<TileType>(type); };
      if (llvm::any_of(op->getOperandTypes(), isTile) ||
          llvm::any_of(op->getResultTypes(), isTile))
        return false;
      for (Region &region : op->getRegions())
        for (Block &block : region)
          if (llvm::any_of(block.getArgumentTypes(), isTile))
            return false;
      return true;
    };
    target.markUnknownOpDynamicallyLegal(noTiles);
    scf::populateSCFStructuralTypeConversionsAndLegality(converter, patterns,
                                                         target);
    target.addDynamicallyLegalDialect<scf::SCFDialect>(noTiles);
    target.addDynamicallyLegalOp<YieldOp>([&](YieldOp op) {
      return isa<MapOp>(op->getParentOp()) || noTiles(op);
    });
    if (failed(applyPartialConversion(getOperation(), target,
                                      std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
