//===- Layouts.cpp - layout attributes and layout arithmetic -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Transforms/Layouts.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

using namespace mlir;
using namespace tilewright;

FragmentLayout tilewright::toLayout(tile::FragmentAttr attr) {
  size_t threads = attr.getThreads().size(), regs = attr.getRegs().size();
  SmallVector<FragmentLayout::Axis> axes;
  ArrayRef<int64_t> strides = attr.getStrides();
  for (StringAttr name : attr.getAxes()) {
    FragmentLayout::Axis axis;
    axis.name = name.getValue().str();
    axis.threadStrides.assign(strides.begin(), strides.begin() + threads);
    strides = strides.drop_front(threads);
    axis.registerStrides.assign(strides.begin(), strides.begin() + regs);
    strides = strides.drop_front(regs);
    axes.push_back(std::move(axis));
  }
  return llvm::cantFail(
      FragmentLayout::get(attr.getThreads(), attr.getRegs(), axes));
}

tile::FragmentAttr tilewright::toAttr(MLIRContext *context,
                                      const FragmentLayout &layout) {
  SmallVector<StringAttr> axes;
  SmallVector<int64_t> strides;
  for (const FragmentLayout::Axis &axis : layout.axes()) {
    axes.push_back(StringAttr::get(context, axis.name));
    llvm::append_range(strides, axis.threadStrides);
    llvm::append_range(strides, axis.registerStrides);
  }
  return tile::FragmentAttr::get(context, layout.threadShape(),
                                 layout.registerShape(), axes, strides);
}

llvm::Expected<SharedLayout> tilewright::toLayout(tile::SharedAttr attr,
                                                  tile::ViewType view) {
  SmallVector<SharedAxis> axes;
  for (StringAttr axis : attr.getAxes()) {
    std::optional<int64_t> extent = view.getExtent(axis);
    if (!extent)
      return llvm::createStringError("layout names axis '" + axis.str() +
                                     "' that the view lacks");
    axes.push_back({axis.str(), *extent});
  }
  return SharedLayout::get(tile::getStorageBits(view.getElementType()), axes,
                           static_cast<Swizzle>(attr.getSwizzle()));
}

ViewOrigin tilewright::traceView(Value view) {
  ViewOrigin origin;
  while (auto slice = view.getDefiningOp<tile::SliceOp>()) {
    origin.slices.push_back(slice);
    view = slice.getSource();
  }
  auto field = view.getDefiningOp<pipe::FieldOp>();
  if (!field)
    return origin;
  pipe::RingOp ring =
      pipe::RingOp::lookup(field, field.getSlot().getType().getRing());
  if (!ring)
    return origin;
  origin.ring = ring;
  origin.field = ring.getFieldIndex(field.getName());
  origin.op = field;
  return origin;
}

bool tilewright::isFilledByBulkCopies(Value slot) {
  return llvm::any_of(slot.getUsers(), [](Operation *user) {
    return isa<SlotFillerInterface>(user) && !isa<pipe::SendOp>(user);
  });
}

SymbolFacts tilewright::getFacts(Value value) {
  SymbolFacts facts;
  if (std::optional<int64_t> constant = getConstantIntValue(value)) {
    facts.divisor = *constant == 0 ? int64_t(1) << 40 : std::abs(*constant);
    facts.lower = facts.upper = *constant;
    return facts;
  }
  if (auto arg = dyn_cast<BlockArgument>(value)) {
    // A block may have no parent while a conversion moves it.
    Operation *parent = arg.getOwner()->getParentOp();
    auto loop = dyn_cast_or_null<scf::ForOp>(parent);
    if (loop && arg == loop.getInductionVar()) {
      SymbolFacts from = getFacts(loop.getLowerBound());
      SymbolFacts step = getFacts(loop.getStep());
      facts.divisor = std::gcd(from.divisor, step.divisor);
      facts.lower = from.lower;
    } else if (isa_and_present<tile::ForEachOp>(parent)) {
      facts.lower = 0;
    }
    return facts;
  }
  Operation *op = value.getDefiningOp();
  if (auto mul = dyn_cast<arith::MulIOp>(op)) {
    SymbolFacts a = getFacts(mul.getLhs()), b = getFacts(mul.getRhs());
    if (a.divisor < (int64_t(1) << 20) && b.divisor < (int64_t(1) << 20))
      facts.divisor = a.divisor * b.divisor;
    else
      facts.divisor = std::max(a.divisor, b.divisor);
    if (a.lower && b.lower && *a.lower >= 0 && *b.lower >= 0)
      facts.lower = 0;
  } else if (auto add = dyn_cast<arith::AddIOp>(op)) {
    SymbolFacts a = getFacts(add.getLhs()), b = getFacts(add.getRhs());
    facts.divisor = std::gcd(a.divisor, b.divisor);
    if (a.lower && b.lower && *a.lower >= 0 && *b.lower >= 0)
      facts.lower = 0;
  } else if (auto group = dyn_cast<tile::GroupOp>(op)) {
    facts.lower = 0;
    if (auto role = group->getParentOfType<tile::RoleOp>())
      facts.upper = role.getCount() - 1;
  } else if (isa<tile::ThreadOp, tile::DimOp>(op)) {
    facts.lower = 0;
  }
  return facts;
}

SubscriptContext tilewright::getContext(ArrayRef<int64_t> extents,
                                        ValueRange symbols) {
  SubscriptContext context;
  context.extents.assign(extents.begin(), extents.end());
  for (Value symbol : symbols)
    context.symbols.push_back(getFacts(symbol));
  return context;
}

Value tilewright::expandExpr(OpBuilder &builder, Location loc, AffineExpr expr,
                             ValueRange dims, ValueRange symbols) {
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  if (auto c = dyn_cast<AffineConstantExpr>(expr))
    return constant(c.getValue());
  if (auto d = dyn_cast<AffineDimExpr>(expr))
    return dims[d.getPosition()];
  if (auto s = dyn_cast<AffineSymbolExpr>(expr))
    return symbols[s.getPosition()];
  auto binary = cast<AffineBinaryOpExpr>(expr);
  Value lhs = expandExpr(builder, loc, binary.getLHS(), dims, symbols);
  std::optional<int64_t> rhsConstant;
  if (auto c = dyn_cast<AffineConstantExpr>(binary.getRHS()))
    rhsConstant = c.getValue();
  bool power = rhsConstant && *rhsConstant > 0 &&
               llvm::isPowerOf2_64(static_cast<uint64_t>(*rhsConstant));
  if (power && binary.getKind() == AffineExprKind::FloorDiv)
    return arith::ShRSIOp::create(
        builder, loc, lhs,
        constant(llvm::Log2_64(static_cast<uint64_t>(*rhsConstant))));
  if (power && binary.getKind() == AffineExprKind::Mod)
    return arith::AndIOp::create(builder, loc, lhs, constant(*rhsConstant - 1));
  Value rhs = expandExpr(builder, loc, binary.getRHS(), dims, symbols);
  switch (binary.getKind()) {
  case AffineExprKind::Add:
    return arith::AddIOp::create(builder, loc, lhs, rhs);
  case AffineExprKind::Mul:
    return arith::MulIOp::create(builder, loc, lhs, rhs);
  case AffineExprKind::FloorDiv:
    return arith::FloorDivSIOp::create(builder, loc, lhs, rhs);
  case AffineExprKind::CeilDiv:
    return arith::CeilDivSIOp::create(builder, loc, lhs, rhs);
  case AffineExprKind::Mod: {
    // Euclidean: a - floordiv(a, b) * b.
    Value quotient = arith::FloorDivSIOp::create(builder, loc, lhs, rhs);
    Value product = arith::MulIOp::create(builder, loc, quotient, rhs);
    return arith::SubIOp::create(builder, loc, lhs, product);
  }
  default:
    llvm_unreachable("not a binary affine expression");
  }
}
