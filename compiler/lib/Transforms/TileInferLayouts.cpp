//===- TileInferLayouts.cpp - layouts of fields and of register tiles -----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/FP8/FP8Dialect.h"
#include "tilewright/Transforms/Layouts.h"
#include "tilewright/Transforms/Passes.h"

#include "llvm/ADT/SetVector.h"

namespace tilewright {
#define GEN_PASS_DEF_TILEINFERLAYOUTS
#include "tilewright/Transforms/Passes.h.inc"
} // namespace tilewright

using namespace mlir;
using namespace tilewright;
using namespace tilewright::tile;

/// The most elements of a tile that a thread can hold. More than its registers,
/// since code may use them one by one; each is an instruction or more, and what
/// passes do grows faster than their number.
static constexpr int64_t kMostElements = 1024;

namespace {

//===----------------------------------------------------------------------===//
// Fields of rings
//===----------------------------------------------------------------------===//

/// The axis along which a copy reads the tensor's contiguous dimension, or
/// null if none does with slope 1.
StringAttr getContiguousAxis(CopyOp copy) {
  auto kernel = copy->getParentOfType<KernelOp>();
  auto arg = dyn_cast<BlockArgument>(copy.getTensor());
  if (!arg)
    return {};
  auto major =
      kernel.getArgAttrOfType<IntegerAttr>(arg.getArgNumber(), "tile.major");
  ViewType view = copy.getDest().getType();
  SubscriptContext context = getContext(view.getShape(), copy.getSymbols());
  AffineExpr expr = copy.getMap().getResult(major.getInt());
  for (unsigned dim = 0; dim < view.getAxes().size(); ++dim)
    if (expr.isFunctionOfDim(dim) &&
        findChunk(expr, dim, context).kind == ChunkKind::Contiguous)
      return view.getAxes()[dim];
  return {};
}

/// Orders a field's axes outer to inner. The axis that its producer reads
/// contiguously comes last, so that a bulk copy keeps order; a matrix operand
/// that no copy fills keeps the contracted axis last.
SmallVector<StringAttr> orderAxes(ViewType view, StringAttr inner) {
  SmallVector<StringAttr> order;
  for (StringAttr axis : view.getAxes())
    if (axis != inner)
      order.push_back(axis);
  if (inner)
    order.push_back(inner);
  return order;
}

class FieldLayouts {
public:
  explicit FieldLayouts(KernelOp kernel) : kernel(kernel) {}

  LogicalResult run() {
    WalkResult walk = kernel.walk([&](Operation *op) {
      if (auto copy = dyn_cast<CopyOp>(op))
        return WalkResult(noteCopy(copy));
      if (auto contraction = dyn_cast<ContractionInterface>(op))
        return WalkResult(noteOperands(op, contraction.getMatrixA(),
                                       contraction.getMatrixB()));
      return WalkResult::advance();
    });
    if (walk.wasInterrupted())
      return failure();
    for (auto ring : kernel.getBody().getOps<pipe::RingOp>())
      if (failed(layOut(ring)))
        return failure();
    return success();
  }

private:
  struct Field {
    StringAttr inner;      // what the producer reads contiguously
    StringAttr contracted; // set for matrix operands
    Operation *copy = nullptr;
    Operation *use = nullptr;
  };

  Field *find(Value view) {
    ViewOrigin origin = traceView(view);
    return origin ? &fields[{origin.ring, origin.field}] : nullptr;
  }

  LogicalResult noteCopy(CopyOp copy) {
    Field *field = find(copy.getDest());
    if (!field)
      return copy.emitError("copies into something that is no field of a pipe");
    StringAttr inner = getContiguousAxis(copy);
    if (field->copy && field->inner != inner) {
      InFlightDiagnostic diag =
          copy.emitError("fills a field along another contiguous axis than an "
                         "earlier copy: not lowered yet");
      diag.attachNote(field->copy->getLoc()) << "earlier copy";
      return diag;
    }
    field->copy = copy;
    field->inner = inner;
    return success();
  }

  LogicalResult noteOperands(Operation *op, Value a, Value b) {
    for (auto [value, other] : {std::pair(a, b), std::pair(b, a)}) {
      auto view = dyn_cast<ViewType>(value.getType());
      if (!view)
        continue;
      Field *field = find(value);
      if (!field)
        return op->emitError("operand is no field of a pipe");
      StringAttr contracted;
      for (StringAttr axis : view.getAxes()) {
        bool shared = false;
        if (auto tile = dyn_cast<TileType>(other.getType()))
          shared = tile.hasAxis(axis);
        else
          shared = cast<ViewType>(other.getType()).hasAxis(axis);
        if (!shared)
          continue;
        if (contracted)
          return op->emitError("contracts more than one axis ('")
                 << contracted.getValue() << "', '" << axis.getValue()
                 << "'): not lowered yet";
        contracted = axis;
      }
      if (field->contracted && field->contracted != contracted)
        return op->emitError("contracts axis '")
               << contracted.getValue() << "' of a field that another "
               << "contraction reads along '" << field->contracted.getValue()
               << "'";
      field->contracted = contracted;
      field->use = op;
    }
    return success();
  }

  LogicalResult layOut(pipe::RingOp ring) {
    SmallVector<Attribute> layouts;
    for (unsigned i = 0; i < ring.getFieldNames().size(); ++i) {
      FailureOr<Attribute> layout = layOut(ring, i);
      if (failed(layout))
        return failure();
      layouts.push_back(*layout);
    }
    ring.setLayoutsAttr(ArrayAttr::get(ring.getContext(), layouts));
    return success();
  }

  FailureOr<Attribute> layOut(pipe::RingOp ring, unsigned index) {
    Field &field = fields[{ring, index}];
    ViewType view = ring.getFieldType(index);
    unsigned bits = getStorageBits(view.getElementType());
    StringAttr inner = field.inner ? field.inner : field.contracted;
    SmallVector<StringAttr> order = orderAxes(view, inner);
    if (!field.contracted)
      return Attribute(SharedAttr::get(ring.getContext(), order, 0));

    // PTX ISA, wgmma.mma_async: only 16-bit operands may be MN-major.
    auto name = cast<StringAttr>(ring.getFieldNames()[index]).getValue();
    if (bits != 16 && inner != field.contracted) {
      InFlightDiagnostic diag =
          field.use->emitError("operand '")
          << name << "' is contiguous along '" << inner.getValue()
          << "' but the tensor core wants " << view.getElementType()
          << " operands contiguous along the contracted axis '"
          << field.contracted.getValue()
          << "'; transpose the tensor, or convert it in a role of its own";
      if (field.copy)
        diag.attachNote(field.copy->getLoc()) << "filled here";
      return diag;
    }
    SmallVector<SharedAxis> axes;
    for (StringAttr axis : order)
      axes.push_back({axis.str(), *view.getExtent(axis)});
    llvm::Expected<SharedLayout> layout =
        SharedLayout::choose(bits, axes, /*forMatrix=*/true);
    if (!layout)
      return field.use->emitError("operand '")
             << name << "': " << llvm::toString(layout.takeError());
    if (layout->isInterleaved() || layout->swizzle() == Swizzle::None)
      return field.use->emitError("operand '")
             << name << "' has a contiguous axis '" << order.back().getValue()
             << "' of " << axes.back().extent * bits / 8
             << " bytes; a swizzled operand needs a multiple of 32 bytes";
    return Attribute(SharedAttr::get(ring.getContext(), order,
                                     static_cast<int64_t>(layout->swizzle())));
  }

  KernelOp kernel;
  DenseMap<std::pair<Operation *, unsigned>, Field> fields;
};

//===----------------------------------------------------------------------===//
// Register tiles
//===----------------------------------------------------------------------===//

/// Parts that CTAs exchange: what a group sends to one of them is one piece, so
/// the axis that groups divide comes next; innermost is the axis of which a
/// thread holds neighbours, where that is another one.
LogicalResult orderParts(RoleOp role) {
  WalkResult walk = role.walk([&](PutPartsOp put) {
    ViewOrigin origin = traceView(put.getView());
    auto type = dyn_cast<TileType>(put.getValue().getType());
    if (!origin || !type || !type.getLayout()) {
      put.emitError("stores into something that is no field of a pipe");
      return WalkResult::interrupt();
    }
    FragmentLayout layout = toLayout(type.getLayout());
    StringRef split =
        role.getSplit() && role.getCount() > 1 ? *role.getSplit() : StringRef();
    StringAttr inner;
    int64_t most = 1;
    for (StringAttr axis : type.getAxes())
      if (int64_t width = layout.vectorWidth(axis.getValue());
          width > most && axis.getValue() != split) {
        inner = axis;
        most = width;
      }
    SmallVector<StringAttr> order;
    ViewType view = origin.ring.getFieldType(origin.field);
    auto addWhere = [&](auto condition) {
      for (StringAttr axis : view.getAxes())
        if (!llvm::is_contained(order, axis) && condition(axis))
          order.push_back(axis);
    };
    addWhere([&](StringAttr axis) { return axis.getValue() == put.getOver(); });
    addWhere([&](StringAttr axis) { return axis.getValue() == split; });
    addWhere([&](StringAttr axis) { return axis != inner; });
    addWhere([](StringAttr) { return true; });
    // Rows of the inner axis are as far apart as they are long, so threads that
    // store at different rows meet in the same banks; a swizzle spreads them.
    int64_t bytes = *view.getExtent(order.back()) *
                    getStorageBits(view.getElementType()) / 8;
    bool swizzles = bytes == 32 || bytes == 64 || bytes == 128;
    // Both fields are alike: copies between them keep the order.
    SmallVector<Attribute> layouts(
        origin.ring.getLayoutsAttr().size(),
        SharedAttr::get(put.getContext(), order, swizzles ? bytes : 0));
    origin.ring.setLayoutsAttr(ArrayAttr::get(put.getContext(), layouts));
    return WalkResult::advance();
  });
  return failure(walk.wasInterrupted());
}

/// Spreads fragment layouts from contractions over everything that touches
/// their results.
class TileLayouts {
public:
  explicit TileLayouts(RoleOp role) : role(role) {}

  LogicalResult run() {
    WalkResult walk = role.walk([&](ContractionInterface op) {
      auto result = cast<TypedValue<TileType>>(op->getResult(0));
      return WalkResult(seed(op, op.getMatrixA(), op.getMatrixB(), result));
    });
    if (walk.wasInterrupted() || failed(propagate()) ||
        failed(orderParts(role)))
      return failure();
    // What no contraction reaches is spread evenly over the role's threads.
    walk = role.walk([&](Operation *op) {
      for (Value value : op->getResults())
        if (failed(seedElementwise(value)))
          return WalkResult::interrupt();
      return WalkResult::advance();
    });
    return failure(walk.wasInterrupted());
  }

private:
  static SmallVector<StringAttr> freeAxes(Value operand, Value other) {
    auto axesOf = [](Value value) -> ArrayRef<StringAttr> {
      if (auto tile = dyn_cast<TileType>(value.getType()))
        return tile.getAxes();
      return cast<ViewType>(value.getType()).getAxes();
    };
    SmallVector<StringAttr> result;
    for (StringAttr axis : axesOf(operand))
      if (!llvm::is_contained(axesOf(other), axis))
        result.push_back(axis);
    return result;
  }

  LogicalResult seed(Operation *op, Value a, Value b,
                     TypedValue<TileType> result) {
    SmallVector<StringAttr> m = freeAxes(a, b), n = freeAxes(b, a);
    if (m.size() != 1 || n.size() != 1)
      return op->emitError("contraction has ")
             << m.size() << " free axes on its first and " << n.size()
             << " on its second operand; one on each is lowered so far";
    TileType type = result.getType();
    int64_t extentM = *type.getExtent(m[0]), extentN = *type.getExtent(n[0]);
    if (!role.getGroups())
      return op->emitError("needs a role of warpgroups: declare role '")
             << role.getName() << "' with groups";
    if (extentM % 64 != 0) {
      InFlightDiagnostic diag =
          op->emitError("the first operand's free axis '")
          << m[0].getValue() << "' has extent " << extentM
          << " in each group; the tensor core's M side is a multiple of 64";
      if (extentN % 64 == 0)
        diag.attachNote() << "swap the operands to put axis '"
                          << n[0].getValue() << "' (extent " << extentN
                          << ") on the M side";
      return diag;
    }
    llvm::Expected<FragmentLayout> layout =
        FragmentLayout::wgmmaAccumulator(m[0], n[0], extentM, extentN);
    if (!layout)
      return op->emitError(llvm::toString(layout.takeError()));
    return assign(result, *layout);
  }

  LogicalResult seedElementwise(Value value) {
    auto type = dyn_cast<TileType>(value.getType());
    if (!type || type.getLayout())
      return success();
    SmallVector<std::pair<std::string, int64_t>> axes;
    int64_t threads = role.getGroups() ? 128 : role.getNumThreads();
    int64_t vector = 4;
    if (auto load = value.getDefiningOp<LoadSumOp>()) {
      // Lanes go along the field's inner axis: each load is of all banks.
      ViewOrigin origin = traceView(load.getView());
      vector = 1;
      for (StringAttr axis : origin.ring.getFieldLayout(origin.field).getAxes())
        if (std::optional<int64_t> extent = type.getExtent(axis))
          axes.emplace_back(axis.str(), *extent);
    } else {
      for (auto [axis, extent] :
           llvm::zip_equal(type.getAxes(), type.getShape()))
        axes.emplace_back(axis.str(), extent);
    }
    llvm::Expected<FragmentLayout> layout =
        FragmentLayout::elementwise(axes, threads, vector);
    if (!layout)
      return emitError(value.getLoc(), llvm::toString(layout.takeError()));
    if (failed(assign(value, *layout)))
      return failure();
    return propagate();
  }

  /// Gives `value` the part of `layout` that its axes need.
  LogicalResult assign(Value value, const FragmentLayout &layout) {
    auto type = dyn_cast<TileType>(value.getType());
    if (!type)
      return success();
    SmallVector<StringRef> axes;
    for (StringAttr axis : type.getAxes())
      axes.push_back(axis.getValue());
    FragmentLayout part = layout.project(axes);
    if (part.numRegisters() > kMostElements)
      return emitError(value.getLoc(), "a tile of ")
             << type.getNumElements() << " elements is " << part.numRegisters()
             << " for each thread, which has 255 registers; at most "
             << kMostElements << " are possible";
    FragmentAttr attr = toAttr(value.getContext(), part);
    if (!type.getLayout()) {
      value.setType(type.withLayout(attr));
      worklist.insert(value);
      return success();
    }
    if (type.getLayout() == attr)
      return success();
    return emitError(value.getLoc(),
                     "two uses want this tile in different register layouts; "
                     "conversion between layouts is not lowered yet");
  }

  LogicalResult propagate() {
    while (!worklist.empty()) {
      Value value = worklist.pop_back_val();
      FragmentLayout layout =
          toLayout(cast<TileType>(value.getType()).getLayout());
      if (failed(spread(value, layout)))
        return failure();
    }
    return success();
  }

  /// The values that are one variable of a loop: initial value, block
  /// argument, yielded value, result.
  LogicalResult spreadLoop(LoopLikeOpInterface loop, unsigned index,
                           const FragmentLayout &layout) {
    return success(succeeded(assign(loop.getInits()[index], layout)) &&
                   succeeded(assign(loop.getRegionIterArgs()[index], layout)) &&
                   succeeded(assign(loop.getYieldedValues()[index], layout)) &&
                   succeeded(assign((*loop.getLoopResults())[index], layout)));
  }

  /// The values that are one result of a branch: what each side yields, and the
  /// result.
  LogicalResult spreadBranch(scf::IfOp branch, unsigned index,
                             const FragmentLayout &layout) {
    return success(
        succeeded(assign(branch.thenYield().getOperand(index), layout)) &&
        succeeded(assign(branch.elseYield().getOperand(index), layout)) &&
        succeeded(assign(branch.getResult(index), layout)));
  }

  LogicalResult spread(Value value, const FragmentLayout &layout) {
    // Backwards, through the operation or block that defines it.
    if (auto arg = dyn_cast<BlockArgument>(value)) {
      auto loop = dyn_cast<LoopLikeOpInterface>(arg.getOwner()->getParentOp());
      if (loop)
        for (auto [i, carried] : llvm::enumerate(loop.getRegionIterArgs()))
          if (carried == arg && failed(spreadLoop(loop, i, layout)))
            return failure();
    } else {
      Operation *op = value.getDefiningOp();
      if (isa<MapOp, fp8::PromoteOp>(op)) {
        for (Value operand : op->getOperands())
          if (failed(assign(operand, layout)))
            return failure();
      } else if (auto contract = dyn_cast<ContractOp>(op)) {
        if (contract.getAcc() && failed(assign(contract.getAcc(), layout)))
          return failure();
      } else if (auto loop = dyn_cast<LoopLikeOpInterface>(op)) {
        if (failed(spreadLoop(loop, cast<OpResult>(value).getResultNumber(),
                              layout)))
          return failure();
      } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
        if (failed(spreadBranch(branch, cast<OpResult>(value).getResultNumber(),
                                layout)))
          return failure();
      }
    }
    // Forwards, to users that keep all its axes.
    for (OpOperand &use : value.getUses()) {
      Operation *user = use.getOwner();
      if (isa<YieldOp, scf::YieldOp>(user)) {
        auto loop = dyn_cast<LoopLikeOpInterface>(user->getParentOp());
        if (loop && failed(spreadLoop(loop, use.getOperandNumber(), layout)))
          return failure();
        auto branch = dyn_cast<scf::IfOp>(user->getParentOp());
        if (branch &&
            failed(spreadBranch(branch, use.getOperandNumber(), layout)))
          return failure();
      } else if (auto loop = dyn_cast<LoopLikeOpInterface>(user)) {
        for (auto [i, init] : llvm::enumerate(loop.getInitsMutable()))
          if (&init == &use && failed(spreadLoop(loop, i, layout)))
            return failure();
      } else if (auto map = dyn_cast<MapOp>(user)) {
        TileType result = map.getResult().getType();
        auto type = cast<TileType>(value.getType());
        if (result.getAxes().size() == type.getAxes().size() &&
            failed(assign(map.getResult(), layout)))
          return failure();
      }
    }
    return success();
  }

  RoleOp role;
  llvm::SetVector<Value> worklist;
};

struct TileInferLayouts
    : public tilewright::impl::TileInferLayoutsBase<TileInferLayouts> {
  void runOnOperation() override {
    if (failed(FieldLayouts(getOperation()).run()))
      return signalPassFailure();
    for (RoleOp role : getOperation().getBody().getOps<RoleOp>())
      if (failed(TileLayouts(role).run()))
        return signalPassFailure();
  }
};

} // namespace
