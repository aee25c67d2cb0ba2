//===- TileToNVVM.cpp - accesses of threads to tensors and fields ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "tilewright/Support/FragmentLayout.h"
#include "tilewright/Transforms/EmitArith.h"
#include "tilewright/Transforms/Layouts.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace tilewright;
using namespace tilewright::tile;

/// Types that an ordinary load or store moves.
static LogicalResult checkElement(Operation *op, Type type) {
  if (type.isF32() || type.isF64() || type.isF16() || type.isBF16() ||
      type.isSignlessInteger(8) || type.isSignlessInteger(16) ||
      type.isSignlessInteger(32) || type.isSignlessInteger(64))
    return success();
  return op->emitError("this accesses single elements of type ")
         << type << "; not lowered yet";
}

namespace {

//===----------------------------------------------------------------------===//
// Global memory
//===----------------------------------------------------------------------===//

/// The parts of a tensor, see KernelSignature::replaceArguments.
struct Tensor {
  Value pointer;
  SmallVector<Value> strides, extents;
  bool readOnly = false;
};

FailureOr<Tensor> getTensor(Operation *op, Value value,
                            ConversionPatternRewriter &rewriter) {
  FailureOr<UnrealizedConversionCastOp> cast = getParts(op, value);
  if (failed(cast))
    return failure();
  int64_t rank = ::llvm::cast<GlobalTensorType>(value.getType()).getRank();
  if (static_cast<int64_t>(cast->getInputs().size()) != 1 + 2 * rank)
    return op->emitOpError("uses a tensor of unknown form");
  Tensor tensor;
  tensor.pointer = cast->getInputs()[0];
  for (int64_t i = 0; i < rank; ++i) {
    tensor.strides.push_back(
        rewriter.getRemappedValue(cast->getInputs()[1 + i]));
    tensor.extents.push_back(
        rewriter.getRemappedValue(cast->getInputs()[1 + rank + i]));
  }
  tensor.readOnly = (*cast)->hasAttr("tile.readonly");
  return tensor;
}

/// All indices are in bounds. Compared without sign: a negative one is not.
Value isInside(OpBuilder &builder, Location loc, const Tensor &tensor,
               ValueRange indices) {
  Value inside;
  for (auto [index, extent] : llvm::zip_equal(indices, tensor.extents)) {
    Value below = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult,
                                        index, extent);
    inside =
        inside ? arith::AndIOp::create(builder, loc, inside, below) : below;
  }
  return inside;
}

/// Offsets are 64-bit: a tensor may have more than 2^31 elements.
Value getElementPointer(OpBuilder &builder, Location loc, const Tensor &tensor,
                        ValueRange indices, Type element) {
  Type i64 = builder.getI64Type();
  Value offset;
  for (auto [index, stride] : llvm::zip_equal(indices, tensor.strides)) {
    Value wide = arith::IndexCastUIOp::create(builder, loc, i64, index);
    std::optional<int64_t> known = getConstantIntValue(stride);
    Value term = known && *known == 1
                     ? wide
                     : arith::MulIOp::create(builder, loc, wide, stride);
    offset = offset ? arith::AddIOp::create(builder, loc, offset, term) : term;
  }
  if (!offset)
    return tensor.pointer;
  return LLVM::GEPOp::create(builder, loc, tensor.pointer.getType(), element,
                             tensor.pointer, ArrayRef<LLVM::GEPArg>{offset});
}

struct LowerLoadElement : OpConversionPattern<LoadElementOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(LoadElementOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type type = op.getType();
    FailureOr<Tensor> tensor = getTensor(op, op.getTensor(), rewriter);
    if (failed(tensor) || failed(checkElement(op, type)))
      return failure();
    auto load = [&](OpBuilder &b, Location l) -> Value {
      Value pointer =
          getElementPointer(b, l, *tensor, adaptor.getIndices(), type);
      // Invariant loads of global memory are ld.global.nc.
      return LLVM::LoadOp::create(b, l, type, pointer, /*alignment=*/0,
                                  /*isVolatile=*/false,
                                  /*isNonTemporal=*/false,
                                  /*isInvariant=*/tensor->readOnly);
    };
    Value inside = isInside(rewriter, loc, *tensor, adaptor.getIndices());
    if (!inside) {
      rewriter.replaceOp(op, load(rewriter, loc));
      return success();
    }
    auto branch = scf::IfOp::create(
        rewriter, loc, inside,
        [&](OpBuilder &b, Location l) {
          scf::YieldOp::create(b, l, load(b, l));
        },
        [&](OpBuilder &b, Location l) {
          Value zero = arith::ConstantOp::create(b, l, b.getZeroAttr(type));
          scf::YieldOp::create(b, l, zero);
        });
    rewriter.replaceOp(op, branch.getResults());
    return success();
  }
};

struct LowerStoreElement : OpConversionPattern<StoreElementOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(StoreElementOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type type = op.getValue().getType();
    FailureOr<Tensor> tensor = getTensor(op, op.getTensor(), rewriter);
    if (failed(tensor) || failed(checkElement(op, type)))
      return failure();
    if (Value inside = isInside(rewriter, loc, *tensor, adaptor.getIndices())) {
      auto branch =
          scf::IfOp::create(rewriter, loc, inside, /*withElseRegion=*/false);
      rewriter.setInsertionPoint(branch.thenYield());
    }
    Value pointer =
        getElementPointer(rewriter, loc, *tensor, adaptor.getIndices(), type);
    LLVM::StoreOp::create(rewriter, loc, adaptor.getValue(), pointer);
    rewriter.eraseOp(op);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Shared memory
//===----------------------------------------------------------------------===//

/// Byte offset of an element of a view. `indices` in the order of the axes of
/// the view's type.
Value getElementOffset(EmitArith &arith, const ViewPlace &place, ViewType view,
                       ValueRange indices) {
  SmallVector<Value> coords;
  for (auto [i, axis] : llvm::enumerate(place.layout.axes())) {
    Value coord = place.origin[i];
    for (auto [name, index] : llvm::zip_equal(view.getAxes(), indices))
      if (name.getValue() == axis.name)
        coord = arith.add(coord, index);
    coords.push_back(coord);
  }
  return arith.add(place.base,
                   place.layout.emitOffset(arith, ArrayRef<Value>(coords)));
}

struct LowerLoadShared : OpConversionPattern<LoadSharedOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(LoadSharedOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    FailureOr<ViewPlace> place = getPlace(rewriter, op, op.getView());
    if (failed(place) || failed(checkElement(op, op.getType())))
      return failure();
    EmitArith arith{rewriter, loc};
    Value offset = getElementOffset(arith, *place, op.getView().getType(),
                                    adaptor.getIndices());
    Value pointer = getSharedPointer(rewriter, loc, offset);
    rewriter.replaceOpWithNewOp<LLVM::LoadOp>(op, op.getType(), pointer);
    return success();
  }
};

/// The thread's index in its warpgroup.
Value getThreadInGroup(OpBuilder &builder, Location loc) {
  Value tid = NVVM::ThreadIdXOp::create(builder, loc, builder.getI32Type());
  Value index =
      arith::IndexCastUIOp::create(builder, loc, builder.getIndexType(), tid);
  EmitArith arith{builder, loc};
  return arith.remui(index, arith.constant(128));
}

/// `values` as an LLVM vector.
Value join(OpBuilder &builder, Location loc, ValueRange values) {
  auto type = VectorType::get(static_cast<int64_t>(values.size()),
                              values.front().getType());
  Value vector = LLVM::PoisonOp::create(builder, loc, type);
  for (auto [i, value] : llvm::enumerate(values)) {
    Value position = LLVM::ConstantOp::create(
        builder, loc, builder.getI32IntegerAttr(static_cast<int32_t>(i)));
    vector =
        LLVM::InsertElementOp::create(builder, loc, vector, value, position);
  }
  return vector;
}

/// The thread's part of a coordinate along `axis`.
Value getThreadPart(EmitArith &arith, const FragmentLayout &layout,
                    StringRef axis, Value thread) {
  Value coord = arith.constant(0);
  for (const FragmentLayout::Term &term : layout.threadPart(axis)) {
    Value digit = arith.divui(thread, arith.constant(term.divisor));
    if (!term.slowest || term.divisor * term.modulus != 128)
      digit = arith.remui(digit, arith.constant(term.modulus));
    coord = arith.add(coord, arith.mul(digit, arith.constant(term.stride)));
  }
  return coord;
}

/// The largest of them.
int64_t getMaxThreadPart(const FragmentLayout &layout, StringRef axis) {
  int64_t sum = 0;
  for (const FragmentLayout::Term &term : layout.threadPart(axis))
    sum += (term.modulus - 1) * term.stride;
  return sum;
}

/// As many registers as are consecutive elements of the inner axis, up to 16
/// bytes, which stay together under a swizzle.
int64_t getVectorWidth(const FragmentLayout &layout, const ViewPlace &place,
                       int64_t bytes) {
  StringRef inner = place.layout.axes().back().name;
  std::optional<int64_t> start = place.constantOrigin.back();
  int64_t width = start ? layout.vectorWidth(inner) : 1;
  auto isUsable = [&](int64_t w) {
    return w * bytes <= 16 && *start % w == 0 &&
           place.layout.axes().back().extent % w == 0 &&
           llvm::all_of(layout.threadPart(inner),
                        [&](const FragmentLayout::Term &term) {
                          return term.stride % w == 0;
                        });
  };
  while (width > 1 && !isUsable(width))
    width /= 2;
  return width;
}

/// One store of neighbouring elements.
void storeVector(OpBuilder &builder, Location loc, Value offset,
                 ValueRange values, int64_t bytes) {
  Value pointer = getSharedPointer(builder, loc, offset);
  auto count = static_cast<int64_t>(values.size());
  Value stored = count > 1 ? join(builder, loc, values) : values.front();
  LLVM::StoreOp::create(builder, loc, stored, pointer, count * bytes);
}

struct LowerStoreFragment : OpConversionPattern<StoreFragmentOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(StoreFragmentOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ViewType view = op.getView().getType();
    FailureOr<ViewPlace> place = getPlace(rewriter, op, op.getView());
    if (failed(place) || failed(checkElement(op, view.getElementType())))
      return failure();
    FragmentLayout layout = toLayout(op.getLayout());
    ValueRange values = adaptor.getValue();
    if (static_cast<int64_t>(values.size()) != layout.numRegisters())
      return op.emitOpError("stores ")
             << values.size() << " registers of a layout that has "
             << layout.numRegisters();
    if (!storeMatrices(op, *place, layout, values, rewriter))
      storeElements(op, *place, layout, values, rewriter);
    rewriter.eraseOp(op);
    return success();
  }

private:
  /// stmatrix, where the layout is that of accumulators of 16-bit elements:
  /// rows of 8x8 matrices go to the addresses that the lanes give, which a
  /// swizzle spreads over all banks.
  static bool storeMatrices(StoreFragmentOp op, const ViewPlace &place,
                            const FragmentLayout &layout, ValueRange values,
                            ConversionPatternRewriter &rewriter) {
    const SharedLayout &shared = place.layout;
    Type element = op.getView().getType().getElementType();
    if (element.getIntOrFloatBitWidth() != 16 || shared.axes().size() != 2 ||
        layout.axes().size() != 2)
      return false;
    // Which axis is the accumulator's M side: the layout tells.
    const std::string outer = shared.axes()[0].name;
    const std::string inner = shared.axes()[1].name;
    bool transposed;
    if (isAccumulator(layout, outer, inner))
      transposed = false;
    else if (isAccumulator(layout, inner, outer))
      transposed = true;
    else
      return false;
    const std::string &axisM = transposed ? inner : outer;
    const std::string &axisN = transposed ? outer : inner;
    int64_t n = layout.extent(axisN), waves = layout.extent(axisM) / 64;
    // Columns must be constant for the swizzle to fold.
    unsigned positionN = transposed ? 0 : 1;
    std::optional<int64_t> firstN = place.constantOrigin[positionN];
    if (!firstN || *firstN % 16 != 0)
      return false;

    Location loc = op.getLoc();
    EmitArith arith{rewriter, loc};
    Value thread = getThreadInGroup(rewriter, loc);
    Value lane = arith.remui(thread, arith.constant(32));
    Value warp = arith.divui(thread, arith.constant(32));
    MLIRContext *context = op.getContext();
    for (int64_t wave = 0; wave < waves; ++wave) {
      Value rowBase =
          arith.add(place.origin[1 - positionN], arith.constant(64 * wave));
      for (int64_t column = 0; column < n; column += 16) {
        Value offset = shared.emitStmatrixOffset(
            arith, lane, warp, rowBase, (*firstN + column) / 16, transposed);
        Value pointer =
            getSharedPointer(rewriter, loc, arith.add(place.base, offset));
        size_t first = wave * n / 2 + column / 2;
        size_t count = n - column >= 16 ? 8 : 4;
        SmallVector<Value> packed;
        for (size_t i = 0; i < count; i += 2)
          packed.push_back(
              pack(rewriter, loc, values[first + i], values[first + i + 1]));
        NVVM::StMatrixOp::create(
            rewriter, loc, pointer, packed,
            NVVM::MMALayoutAttr::get(context, transposed
                                                  ? NVVM::MMALayout::col
                                                  : NVVM::MMALayout::row),
            NVVM::LdStMatrixShapeAttr::get(context, 8, 8),
            NVVM::LdStMatrixEltTypeAttr::get(context,
                                             NVVM::LdStMatrixEltType::B16));
      }
    }
    return true;
  }

  static bool isAccumulator(const FragmentLayout &layout, StringRef axisM,
                            StringRef axisN) {
    llvm::Expected<FragmentLayout> accumulator =
        FragmentLayout::wgmmaAccumulator(axisM, axisN, layout.extent(axisM),
                                         layout.extent(axisN));
    if (!accumulator) {
      llvm::consumeError(accumulator.takeError());
      return false;
    }
    return layout.isEquivalent(*accumulator);
  }

  /// Two 16-bit values in a register, the first in the low half. Values that
  /// were just rounded are rounded as a pair, in one instruction: apart, LLVM
  /// may move the two roundings into other blocks than the packing.
  static Value pack(OpBuilder &builder, Location loc, Value low, Value high) {
    auto a = low.getDefiningOp<arith::TruncFOp>();
    auto b = high.getDefiningOp<arith::TruncFOp>();
    auto isPlain = [](arith::TruncFOp op) {
      return op && op.getIn().getType().isF32() && !op.getRoundingmode();
    };
    Value pair;
    if (isPlain(a) && isPlain(b))
      pair = LLVM::FPTruncOp::create(
          builder, loc, VectorType::get(2, low.getType()),
          join(builder, loc, {a.getIn(), b.getIn()}));
    else
      pair = join(builder, loc, {low, high});
    return LLVM::BitcastOp::create(builder, loc, builder.getI32Type(), pair);
  }

  static void storeElements(StoreFragmentOp op, const ViewPlace &place,
                            const FragmentLayout &layout, ValueRange values,
                            ConversionPatternRewriter &rewriter) {
    Location loc = op.getLoc();
    EmitArith arith{rewriter, loc};
    ViewType view = op.getView().getType();
    int64_t bytes = tile::getStorageBits(view.getElementType()) / 8;
    int64_t width = getVectorWidth(layout, place, bytes);
    Value thread = getThreadInGroup(rewriter, loc);
    SmallVector<Value> threadPart;
    for (StringAttr axis : view.getAxes())
      threadPart.push_back(
          getThreadPart(arith, layout, axis.getValue(), thread));
    for (int64_t reg = 0; reg < static_cast<int64_t>(values.size());
         reg += width) {
      SmallVector<Value> indices;
      for (auto [axis, part] : llvm::zip_equal(view.getAxes(), threadPart))
        indices.push_back(
            arith.add(part, arith.constant(layout.registerPart(axis, reg))));
      storeVector(rewriter, loc, getElementOffset(arith, place, view, indices),
                  values.slice(reg, width), bytes);
    }
  }
};

struct LowerPutParts : OpConversionPattern<PutPartsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(PutPartsOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    ViewType view = op.getView().getType();
    FailureOr<ViewPlace> place = getPlace(rewriter, op, op.getView());
    FailureOr<ViewPlace> own = getPlace(rewriter, op, op.getOwn());
    if (failed(place) || failed(own) ||
        failed(checkElement(op, view.getElementType())))
      return failure();
    if (!op.getLayout())
      return op.emitOpError("has no layout yet; run tile-distribute first");
    FragmentLayout layout = toLayout(*op.getLayout());
    ValueRange values = adaptor.getValue();
    if (static_cast<int64_t>(values.size()) != layout.numRegisters())
      return op.emitOpError("stores ")
             << values.size() << " registers of a layout that has "
             << layout.numRegisters();
    EmitArith arith{rewriter, loc};
    Value thread = getThreadInGroup(rewriter, loc);
    int64_t part = *view.getExtent(op.getAxis());
    int64_t bytes = getStorageBits(view.getElementType()) / 8;
    int64_t width = getVectorWidth(layout, *place, bytes);
    llvm::StringMap<Value> threadPart;
    for (StringAttr axis : view.getAxes())
      if (axis.getValue() != op.getOver())
        threadPart[axis.getValue()] =
            getThreadPart(arith, layout, axis.getValue(), thread);
    Value rank = rewriter.getRemappedValue(op.getRank());
    llvm::DenseMap<int64_t, Value> bases;
    for (int64_t reg = 0; reg < static_cast<int64_t>(values.size());
         reg += width) {
      // Where no thread of a register leaves its part, the part is known here.
      int64_t start = layout.registerPart(op.getAxis(), reg);
      bool known = start / part ==
                   (start + getMaxThreadPart(layout, op.getAxis())) / part;
      Value whole = arith.add(threadPart[op.getAxis()], arith.constant(start));
      Value at = known ? arith.constant(start / part)
                       : arith.divui(whole, arith.constant(part));
      // Both views are alike but for where they begin.
      Value &base = bases[known ? start / part : -1 - reg];
      if (!base)
        base = arith::SelectOp::create(
            rewriter, loc,
            arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::eq, at,
                                  rank),
            own->base, place->base);
      ViewPlace chosen = *place;
      chosen.base = base;
      SmallVector<Value> indices;
      for (StringAttr axis : view.getAxes()) {
        StringRef name = axis.getValue();
        if (name == op.getOver())
          indices.push_back(at);
        else if (name != op.getAxis())
          indices.push_back(
              arith.add(threadPart[name],
                        arith.constant(layout.registerPart(name, reg))));
        else
          indices.push_back(
              known ? arith.add(threadPart[name], arith.constant(start % part))
                    : arith.remui(whole, arith.constant(part)));
      }
      storeVector(rewriter, loc, getElementOffset(arith, chosen, view, indices),
                  values.slice(reg, width), bytes);
    }
    rewriter.eraseOp(op);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Places in the grid
//===----------------------------------------------------------------------===//

template <typename From, typename X, typename Y, typename Z>
struct LowerDimension : OpConversionPattern<From> {
  using OpConversionPattern<From>::OpConversionPattern;
  LogicalResult
  matchAndRewrite(From op, typename From::Adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type i32 = rewriter.getI32Type();
    Value value;
    switch (op.getDimension()) {
    case gpu::Dimension::x:
      value = X::create(rewriter, loc, i32);
      break;
    case gpu::Dimension::y:
      value = Y::create(rewriter, loc, i32);
      break;
    case gpu::Dimension::z:
      value = Z::create(rewriter, loc, i32);
      break;
    }
    rewriter.replaceOpWithNewOp<arith::IndexCastUIOp>(
        op, rewriter.getIndexType(), value);
    return success();
  }
};

} // namespace

void tilewright::populateTileToNVVM(const TypeConverter &converter,
                                    RewritePatternSet &patterns) {
  patterns.add<
      LowerLoadElement, LowerStoreElement, LowerLoadShared, LowerStoreFragment,
      LowerPutParts,
      LowerDimension<gpu::BlockIdOp, NVVM::BlockIdXOp, NVVM::BlockIdYOp,
                     NVVM::BlockIdZOp>,
      LowerDimension<gpu::GridDimOp, NVVM::GridDimXOp, NVVM::GridDimYOp,
                     NVVM::GridDimZOp>,
      LowerDimension<gpu::ClusterIdOp, NVVM::ClusterIdXOp, NVVM::ClusterIdYOp,
                     NVVM::ClusterIdZOp>,
      LowerDimension<gpu::ClusterDimOp, NVVM::ClusterDimXOp,
                     NVVM::ClusterDimYOp, NVVM::ClusterDimZOp>,
      LowerDimension<gpu::ClusterBlockIdOp, NVVM::BlockInClusterIdXOp,
                     NVVM::BlockInClusterIdYOp, NVVM::BlockInClusterIdZOp>>(
      converter, patterns.getContext());
}
