//===- FP8ExpandPromotion.cpp - contractions become mma.contract ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/FP8/FP8Dialect.h"
#include "tilewright/Dialect/MMA/MMADialect.h"
#include "tilewright/Transforms/Layouts.h"
#include "tilewright/Transforms/Passes.h"

#include "mlir/Dialect/Math/IR/Math.h"

namespace tilewright {
#define GEN_PASS_DEF_FP8EXPANDPROMOTION
#include "tilewright/Transforms/Passes.h.inc"
} // namespace tilewright

using namespace mlir;
using namespace tilewright;
using namespace tilewright::tile;

namespace {

/// Rows of one wave: what one wgmma computes (PTX ISA, wgmma.mma_async).
constexpr int64_t kWaveRows = 64;

class Expander {
public:
  explicit Expander(KernelOp kernel) : builder(kernel) {}

  LogicalResult expand(fp8::PromoteOp op) {
    builder.setInsertionPoint(op);
    Location loc = op.getLoc();
    auto contract =
        create(op, op.getA(), op.getB(), op.getAcc(), op.getScales());
    if (failed(contract))
      return failure();

    Block *body = builder.createBlock(&contract->getBody());
    TileType wave = waveType(op.getAcc().getType(), contract->getAxisM());
    body->addArgument(wave, loc);
    body->addArgument(wave, loc);
    for (Value scale : op.getScales()) {
      auto tile = dyn_cast<TileType>(scale.getType());
      body->addArgument(tile ? Type(waveType(tile, contract->getAxisM()))
                             : scale.getType(),
                        loc);
    }
    builder.setInsertionPointToEnd(body);
    Value partial = body->getArgument(0), acc = body->getArgument(1);
    // Scales are multiplied with one another first, left to right.
    Value product;
    for (BlockArgument scale : body->getArguments().drop_front(2))
      product = product ? map(loc, wave, {product, scale},
                              [&](ValueRange x) -> Value {
                                return arith::MulFOp::create(builder, loc, x[0],
                                                             x[1]);
                              })
                        : Value(scale);
    Value sum;
    if (product)
      sum = map(loc, wave, {partial, product, acc}, [&](ValueRange x) -> Value {
        return math::FmaOp::create(builder, loc, x[0], x[1], x[2]);
      });
    else
      sum = map(loc, wave, {acc, partial}, [&](ValueRange x) -> Value {
        return arith::AddFOp::create(builder, loc, x[0], x[1]);
      });
    mma::YieldOp::create(builder, loc, sum);
    op.replaceAllUsesWith(contract->getResults()[0]);
    op.erase();
    return success();
  }

  LogicalResult expand(ContractOp op) {
    if (!isa<ViewType>(op.getA().getType()) ||
        !isa<ViewType>(op.getB().getType()))
      return op.emitError(
          "contraction of a tile in registers: not lowered yet");
    builder.setInsertionPoint(op);
    Value acc = op.getAcc();
    if (!acc) {
      TileType type = op.getResult().getType();
      Value zero = arith::ConstantOp::create(
          builder, op.getLoc(), builder.getZeroAttr(type.getElementType()));
      acc = SplatOp::create(builder, op.getLoc(), type, zero);
    }
    auto contract =
        create(op, cast<TypedValue<ViewType>>(op.getA()),
               cast<TypedValue<ViewType>>(op.getB()), acc, ValueRange());
    if (failed(contract))
      return failure();
    op.replaceAllUsesWith(contract->getResults()[0]);
    op.erase();
    return success();
  }

private:
  /// The part of a tile that one wave sees, with its layout.
  TileType waveType(TileType type, StringRef axisM) {
    std::optional<int64_t> extent = type.getExtent(axisM);
    if (!extent || *extent == kWaveRows)
      return type;
    FragmentLayout layout =
        toLayout(type.getLayout()).dropSlowestRegisterDigit();
    return type.withExtent(axisM, kWaveRows)
        .withLayout(toAttr(type.getContext(), layout));
  }

  FailureOr<mma::ContractOp> create(Operation *op, TypedValue<ViewType> a,
                                    TypedValue<ViewType> b, Value acc,
                                    ValueRange inputs) {
    StringAttr m, n;
    for (StringAttr axis : a.getType().getAxes())
      if (!b.getType().hasAxis(axis))
        m = axis;
    for (StringAttr axis : b.getType().getAxes())
      if (!a.getType().hasAxis(axis))
        n = axis;
    if (!m || !n)
      return op->emitError("contraction lacks a free axis on an operand");
    SmallVector<Attribute> cut;
    for (Value input : inputs) {
      auto tile = dyn_cast<TileType>(input.getType());
      cut.push_back(builder.getBoolAttr(tile && tile.hasAxis(m)));
    }
    return mma::ContractOp::create(
        builder, op->getLoc(), TypeRange(acc.getType()),
        pipe::TokenType::get(op->getContext()), a, b, acc, inputs, m, n,
        builder.getI64IntegerAttr(kWaveRows),
        inputs.empty() ? ArrayAttr() : builder.getArrayAttr(cut));
  }

  Value map(Location loc, TileType type, ArrayRef<Value> inputs,
            function_ref<Value(ValueRange)> body) {
    // A product of two scales needs only the axes that they have.
    SmallVector<StringAttr> axes;
    SmallVector<StringRef> names;
    SmallVector<int64_t> shape;
    for (auto [axis, extent] : llvm::zip_equal(type.getAxes(), type.getShape()))
      if (llvm::any_of(inputs, [&, axis = axis](Value input) {
            auto tile = dyn_cast<TileType>(input.getType());
            return tile && tile.hasAxis(axis);
          })) {
        axes.push_back(axis);
        names.push_back(axis);
        shape.push_back(extent);
      }
    if (axes.empty())
      return body(inputs);
    FragmentLayout layout = toLayout(type.getLayout()).project(names);
    type = TileType::get(type.getContext(), axes, shape, type.getElementType(),
                         toAttr(type.getContext(), layout));
    auto op = MapOp::create(builder, loc, type, inputs);
    OpBuilder::InsertionGuard guard(builder);
    Block *block = builder.createBlock(&op.getBody());
    for (Value input : inputs) {
      auto tile = dyn_cast<TileType>(input.getType());
      block->addArgument(tile ? tile.getElementType() : input.getType(), loc);
    }
    YieldOp::create(builder, loc, body(block->getArguments()));
    return op;
  }

  OpBuilder builder;
};

struct FP8ExpandPromotion
    : public tilewright::impl::FP8ExpandPromotionBase<FP8ExpandPromotion> {
  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa<fp8::PromoteOp, ContractOp>(op))
        ops.push_back(op);
    });
    Expander expander(getOperation());
    for (Operation *op : ops) {
      LogicalResult result = isa<fp8::PromoteOp>(op)
                                 ? expander.expand(cast<fp8::PromoteOp>(op))
                                 : expander.expand(cast<ContractOp>(op));
      if (failed(result))
        return signalPassFailure();
    }
  }
};

} // namespace
