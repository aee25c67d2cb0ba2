//===- SharedAddress.cpp - places of slots, fields, barriers in memory ----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "tilewright/Transforms/EmitArith.h"
#include "tilewright/Transforms/Layouts.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace tilewright;

static Value getBase(OpBuilder &builder, Location loc) {
  auto type = LLVM::LLVMPointerType::get(builder.getContext(), 3);
  return LLVM::AddressOfOp::create(builder, loc, type, sharedMemoryName);
}

/// Takes the constants out of a sum: adds them, times `scale`, to `constant`
/// and returns what is left (null: nothing).
static Value splitConstant(EmitArith &arith, Value value, int64_t scale,
                           int64_t &constant) {
  if (auto known = getConstantIntValue(value)) {
    constant += *known * scale;
    return Value();
  }
  if (auto sum = value.getDefiningOp<arith::AddIOp>()) {
    Value left = splitConstant(arith, sum.getLhs(), scale, constant);
    Value right = splitConstant(arith, sum.getRhs(), scale, constant);
    if (left == sum.getLhs() && right == sum.getRhs())
      return value;
    return left && right ? arith.add(left, right) : left ? left : right;
  }
  if (auto product = value.getDefiningOp<arith::MulIOp>())
    if (auto factor = getConstantIntValue(product.getRhs())) {
      Value left =
          splitConstant(arith, product.getLhs(), scale * *factor, constant);
      if (!left || left == product.getLhs())
        return left ? value : left;
      return arith.mul(left, product.getRhs());
    }
  return value;
}

/// Constants go last: places that differ by a constant then share a register,
/// and the constant is the instruction's immediate offset.
Value tilewright::getSharedPointer(OpBuilder &builder, Location loc,
                                   Value offset) {
  EmitArith arith{builder, loc};
  Type i8 = builder.getI8Type();
  auto flags = LLVM::GEPNoWrapFlags::inbounds | LLVM::GEPNoWrapFlags::nuw;
  int64_t constant = 0;
  Value pointer = getBase(builder, loc);
  Value rest = splitConstant(arith, offset, 1, constant);
  // Without a negative constant the rest may lie behind the end.
  if (constant < 0)
    flags = LLVM::GEPNoWrapFlags::none;
  if (rest) {
    Value bytes =
        arith::IndexCastUIOp::create(builder, loc, builder.getI32Type(), rest);
    pointer = LLVM::GEPOp::create(builder, loc, pointer.getType(), i8, pointer,
                                  ArrayRef<LLVM::GEPArg>{bytes}, flags);
  }
  if (constant == 0)
    return pointer;
  return LLVM::GEPOp::create(
      builder, loc, pointer.getType(), i8, pointer,
      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(constant)}, flags);
}

Value tilewright::getSharedAddress(OpBuilder &builder, Location loc,
                                   Value offset) {
  Type i32 = builder.getI32Type();
  Value base =
      LLVM::PtrToIntOp::create(builder, loc, i32, getBase(builder, loc));
  Value bytes = arith::IndexCastUIOp::create(builder, loc, i32, offset);
  return arith::AddIOp::create(builder, loc, base, bytes);
}

/// index (i32) as an `index` value.
static Value toIndex(OpBuilder &builder, Location loc, Value value) {
  return arith::IndexCastUIOp::create(builder, loc, builder.getIndexType(),
                                      value);
}

/// Bytes from the first slot to the one at `index`.
static Value getSlotOffset(ConversionPatternRewriter &rewriter, Location loc,
                           Value index, int64_t stride) {
  EmitArith arith{rewriter, loc};
  if (auto known = index.getDefiningOp<pipe::ConstantIndexOp>()) {
    // The base is zero, whatever it counts: units of 16 bytes, so that matrix
    // descriptors, which count those, take it as it is.
    Value base =
        toIndex(rewriter, loc, rewriter.getRemappedValue(known.getBase()));
    return arith.add(
        arith.mul(base, arith.constant(16)),
        arith.constant(static_cast<int64_t>(known.getValue()) * stride));
  }
  return arith.mul(toIndex(rewriter, loc, rewriter.getRemappedValue(index)),
                   arith.constant(stride));
}

Value tilewright::isLeader(OpBuilder &builder, Location loc) {
  Type i32 = builder.getI32Type();
  Value rank = NVVM::ClusterId::create(builder, loc, i32);
  Value zero = arith::ConstantIntOp::create(builder, loc, 0, 32);
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, rank,
                               zero);
}

FailureOr<pipe::RingOp> tilewright::getArrivalRing(Operation *op, Value slot) {
  auto at = slot.getDefiningOp<pipe::SlotAtOp>();
  pipe::RingOp ring =
      at ? pipe::RingOp::lookup(at, at.getRingAttr()) : pipe::RingOp();
  if (!ring || !ring.getBarriers())
    return op->emitOpError("arrives at a slot whose barrier is not known");
  return ring;
}

Value tilewright::getClusterBase(OpBuilder &builder, Location loc, Value rank) {
  EmitArith arith{builder, loc};
  Value own = getSharedPointer(builder, loc, arith.constant(0));
  auto type = LLVM::LLVMPointerType::get(builder.getContext(), 7);
  Value theirs = NVVM::MapaOp::create(builder, loc, type, own, rank);
  return LLVM::PtrToIntOp::create(builder, loc, builder.getI32Type(), theirs);
}

Value tilewright::getBarrierOffset(ConversionPatternRewriter &rewriter,
                                   Location loc, pipe::RingOp ring,
                                   pipe::Side side, Value index) {
  EmitArith arith{rewriter, loc};
  // 8 bytes each (PTX ISA, mbarrier object): all full ones, then all empty.
  auto first = static_cast<int64_t>(*ring.getBarriers());
  if (side == pipe::Side::Empty)
    first += 8 * static_cast<int64_t>(ring.getDepth());
  return arith.add(arith.constant(first),
                   getSlotOffset(rewriter, loc, index, 8));
}

Value tilewright::getBarrierPointer(ConversionPatternRewriter &rewriter,
                                    Location loc, pipe::RingOp ring,
                                    pipe::Side side, Value index) {
  return getSharedPointer(rewriter, loc,
                          getBarrierOffset(rewriter, loc, ring, side, index));
}

FailureOr<ViewPlace> tilewright::getPlace(ConversionPatternRewriter &rewriter,
                                          Operation *op, Value view) {
  ViewOrigin origin = traceView(view);
  if (!origin)
    return op->emitOpError("uses a view that is no field of a slot");
  pipe::RingOp ring = origin.ring;
  auto slot = origin.op.getSlot().getDefiningOp<pipe::SlotAtOp>();
  if (!slot)
    return op->emitOpError("uses a slot whose place is not known; run "
                           "pipe-lower-to-barriers first");
  tile::SharedAttr attr = ring.getFieldLayout(origin.field);
  if (!attr || !ring.getOffsets() || !ring.getStrides()) {
    InFlightDiagnostic diag =
        op->emitOpError("uses a ring without layouts and addresses; run "
                        "tile-plan-resources first");
    diag.attachNote(ring.getLoc()) << "declared here";
    return failure();
  }
  tile::ViewType type = ring.getFieldType(origin.field);
  llvm::Expected<SharedLayout> layout = toLayout(attr, type);
  if (!layout)
    return op->emitOpError("field '")
           << origin.op.getName()
           << "': " << llvm::toString(layout.takeError());

  ViewPlace place;
  place.layout = *layout;
  Location loc = op->getLoc();
  EmitArith arith{rewriter, loc};
  int64_t first = (*ring.getOffsets())[origin.field];
  int64_t stride = (*ring.getStrides())[origin.field];
  place.base = arith.add(getSlotOffset(rewriter, loc, slot.getIndex(), stride),
                         arith.constant(first));
  for (const SharedAxis &axis : layout->axes()) {
    Value start;
    for (tile::SliceOp slice : origin.slices) {
      if (slice.getAxis() != axis.name)
        continue;
      Value offset = rewriter.getRemappedValue(slice.getOffset());
      start = start ? arith.add(start, offset) : offset;
    }
    if (!start)
      start = arith.constant(0);
    place.origin.push_back(start);
    place.constantOrigin.push_back(getConstantIntValue(start));
  }
  return place;
}

FailureOr<Value> tilewright::getLinearStart(OpBuilder &builder, Operation *op,
                                            const ViewPlace &place) {
  EmitArith arith{builder, op->getLoc()};
  const SharedLayout &layout = place.layout;
  std::optional<int64_t> inner = place.constantOrigin.back();
  int64_t perSpan = layout.elementsPerSpan();
  if (!inner || *inner % perSpan != 0)
    return op->emitOpError("cuts axis '")
           << layout.axes().back().name << "' of a field inside a span of "
           << perSpan << " elements";
  Value row = arith.constant(0);
  for (size_t i = 0; i + 1 < place.origin.size(); ++i)
    row = arith.add(arith.mul(row, arith.constant(layout.axes()[i].extent)),
                    place.origin[i]);
  // A swizzle permutes by address bits up to the period of its pattern, so a
  // part of a field must begin at a multiple of it.
  int64_t rowsPerPeriod = layout.alignment() / layout.spanBytes();
  if (auto known = getConstantIntValue(row);
      known && layout.swizzle() != Swizzle::None && *known % rowsPerPeriod != 0)
    return op->emitOpError("begins at row ")
           << *known << " of a swizzled field; parts begin at multiples of "
           << rowsPerPeriod;
  Value start =
      arith.add(place.base, arith.mul(row, arith.constant(layout.spanBytes())));
  return arith.add(start, arith.constant(*inner / perSpan * layout.rows() *
                                         layout.spanBytes()));
}

FailureOr<UnrealizedConversionCastOp> tilewright::getParts(Operation *op,
                                                           Value value) {
  auto cast = value.getDefiningOp<UnrealizedConversionCastOp>();
  if (!cast)
    return op->emitOpError("uses a tensor or descriptor that is no parameter "
                           "of the kernel");
  return cast;
}

FailureOr<SmallVector<Value>> tilewright::createTiedAsm(OpBuilder &builder,
                                                        Operation *op,
                                                        StringRef text,
                                                        ValueRange values) {
  std::string outputs, inputs;
  SmallVector<Type> types;
  for (auto [i, value] : llvm::enumerate(values)) {
    Type type = value.getType();
    StringRef letter = type.isF32()         ? "f"
                       : type.isInteger(32) ? "r"
                       : type.isInteger(64) ? "l"
                       : type.isF64()       ? "d"
                                            : "";
    if (letter.empty())
      return op->emitOpError("ties a value of type ")
             << type << "; only 32 and 64 bits are registers";
    outputs += ("=" + letter + ",").str();
    inputs += std::to_string(i) + ",";
    types.push_back(type);
  }
  std::string constraints = outputs + inputs + "~{memory}";
  MLIRContext *context = builder.getContext();
  Type result = types.empty() ? Type(LLVM::LLVMVoidType::get(context))
                : types.size() == 1
                    ? types[0]
                    : Type(LLVM::LLVMStructType::getLiteral(context, types));
  auto call = LLVM::InlineAsmOp::create(
      builder, op->getLoc(), types.empty() ? TypeRange() : TypeRange(result),
      values, text, constraints, /*has_side_effects=*/true,
      /*is_align_stack=*/false, LLVM::tailcallkind::TailCallKind::None,
      LLVM::AsmDialectAttr::get(context, LLVM::AsmDialect::AD_ATT),
      /*operand_attrs=*/ArrayAttr());
  SmallVector<Value> results;
  if (types.size() == 1)
    results.push_back(call.getRes());
  else
    for (size_t i = 0; i < types.size(); ++i)
      results.push_back(LLVM::ExtractValueOp::create(
          builder, op->getLoc(), call.getRes(), static_cast<int64_t>(i)));
  return results;
}
