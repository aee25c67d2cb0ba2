//===- TileFormCopies.cpp - bulk copies and implicit store rings ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StoreChunks.h"
#include "tilewright/Dialect/TMA/TMADialect.h"
#include "tilewright/Transforms/Layouts.h"
#include "tilewright/Transforms/Passes.h"
#include "tilewright/Transforms/Schedule.h"

#include "llvm/ADT/StringExtras.h"

namespace tilewright {
#define GEN_PASS_DEF_TILEFORMCOPIES
#include "tilewright/Transforms/Passes.h.inc"
} // namespace tilewright

using namespace mlir;
using namespace tilewright;
using namespace tilewright::tile;

namespace {

/// How a subscript is served by a tensor map.
struct BulkPlan {
  SmallVector<int64_t> dims;       // tensor dimensions, innermost first
  SmallVector<int64_t> box;        // innermost first
  SmallVector<int> axisOfDim;      // axis (dimension of the map) or -1
  BoxPlan boxes;                   // in the order of the layout's axes
  SmallVector<unsigned> axisOrder; // layout order -> dimension of the map
};

class CopyFormer {
public:
  explicit CopyFormer(KernelOp kernel) : kernel(kernel), builder(kernel) {}

  LogicalResult run() {
    SmallVector<CopyOp> copies;
    SmallVector<StoreOp> stores;
    kernel.walk([&](Operation *op) {
      if (auto copy = dyn_cast<CopyOp>(op))
        copies.push_back(copy);
      else if (auto store = dyn_cast<StoreOp>(op))
        stores.push_back(store);
    });
    for (CopyOp copy : copies)
      if (failed(formLoad(copy)))
        return failure();
    for (StoreOp store : stores)
      if (failed(formStore(store)))
        return failure();
    return success();
  }

private:
  StringRef nameOf(Value tensor) {
    return kernel.getArgName(cast<BlockArgument>(tensor).getArgNumber());
  }
  int64_t majorOf(Value tensor) {
    return kernel
        .getArgAttrOfType<IntegerAttr>(
            cast<BlockArgument>(tensor).getArgNumber(), "tile.major")
        .getInt();
  }

  /// Whether boxes begin at multiples of 16 bytes along the contiguous
  /// dimension. The copy engine of an H200 ends a kernel with an illegal
  /// instruction where they do not.
  static bool startsAligned(AffineExpr expr, Value tensor,
                            const SubscriptContext &context) {
    SmallVector<AffineExpr> origin(context.extents.size(),
                                   getAffineConstantExpr(0, expr.getContext()));
    AffineExpr start = expr.replaceDims(origin);
    if (auto constant = dyn_cast<AffineConstantExpr>(start);
        constant && constant.getValue() == 0)
      return true;
    int64_t bits = getStorageBits(
        cast<GlobalTensorType>(tensor.getType()).getElementType());
    return knownDivisor(start, context) * bits % 128 == 0;
  }

  /// Fits a subscript to a tensor map, or says in `why` what stands against
  /// it. `axes` and `shape` are those of the map's dimensions. `layout` may be
  /// that of a part, of which the tile is cut into equal ones.
  std::optional<BulkPlan> plan(Value tensor, AffineMap map, ValueRange symbols,
                               ArrayRef<StringAttr> axes,
                               ArrayRef<int64_t> shape,
                               const SharedLayout &layout, std::string &why) {
    BulkPlan plan;
    int64_t rank = map.getNumResults(), major = majorOf(tensor);
    plan.dims.push_back(major);
    for (int64_t dim = rank - 1; dim >= 0; --dim)
      if (dim != major)
        plan.dims.push_back(dim);
    if (rank > 5) {
      why = "a tensor map has at most 5 dimensions";
      return std::nullopt;
    }
    SubscriptContext context = getContext(shape, symbols);
    SmallVector<int64_t> limit(axes.size(), 0);
    SmallVector<int> dimOfAxis(axes.size(), -1);
    for (int64_t dim : plan.dims) {
      AffineExpr expr = simplifySubscript(map.getResult(dim), context);
      int axis = -1;
      if (dim == major && !startsAligned(expr, tensor, context)) {
        why = "along its contiguous dimension it does not begin at a known "
              "multiple of 16 bytes";
        return std::nullopt;
      }
      for (unsigned a = 0; a < axes.size(); ++a) {
        if (!expr.isFunctionOfDim(a))
          continue;
        if (axis >= 0) {
          why = "dimension " + std::to_string(dim) + " depends on axes '" +
                axes[axis].str() + "' and '" + axes[a].str() + "'";
          return std::nullopt;
        }
        if (dimOfAxis[a] >= 0) {
          why = "axis '" + axes[a].str() + "' indexes two dimensions";
          return std::nullopt;
        }
        AxisChunk chunk = findChunk(expr, a, context);
        if (chunk.kind != ChunkKind::Contiguous) {
          why = "axis '" + axes[a].str() +
                "' does not step through dimension " + std::to_string(dim) +
                " one element at a time";
          return std::nullopt;
        }
        limit[a] = chunk.uniformChunk(shape[a]);
        axis = a;
        dimOfAxis[a] = dim;
      }
      plan.axisOfDim.push_back(axis);
    }
    for (unsigned a = 0; a < axes.size(); ++a)
      if (dimOfAxis[a] < 0) {
        why = "axis '" + axes[a].str() + "' indexes no dimension";
        return std::nullopt;
      }

    // Shared memory must run through the axes in the tensor map's order.
    SmallVector<int64_t> limits;
    for (const SharedAxis &axis : layout.axes())
      for (unsigned a = 0; a < axes.size(); ++a)
        if (axes[a].getValue() == axis.name) {
          plan.axisOrder.push_back(a);
          // Parts begin at multiples of their extent; no box may cross one of
          // a chunk.
          limits.push_back(axis.extent == shape[a]
                               ? limit[a]
                               : std::gcd(limit[a], axis.extent));
        }
    SmallVector<unsigned> inner;
    for (int axis : plan.axisOfDim)
      if (axis >= 0)
        inner.push_back(axis);
    if (!llvm::equal(llvm::reverse(plan.axisOrder), inner)) {
      why = "shared memory holds the axes in another order than the tensor";
      return std::nullopt;
    }
    llvm::Expected<BoxPlan> boxes = layout.boxes(limits);
    if (!boxes) {
      why = llvm::toString(boxes.takeError());
      return std::nullopt;
    }
    plan.boxes = *boxes;
    for (int axis : plan.axisOfDim) {
      int64_t extent = 1;
      for (auto [i, a] : llvm::enumerate(plan.axisOrder))
        if (static_cast<int>(a) == axis)
          extent = plan.boxes.extents[i];
      plan.box.push_back(extent);
    }
    return plan;
  }

  /// The coordinates of one box of the part of a tile that begins at `start`,
  /// innermost first.
  SmallVector<Value> coordinates(Location loc, const BulkPlan &plan,
                                 const BoxPlan::Box &box, AffineMap map,
                                 ValueRange symbols,
                                 ArrayRef<int64_t> start = {}) {
    SmallVector<Value> origin(map.getNumDims());
    for (auto [i, axis] : llvm::enumerate(plan.axisOrder))
      origin[axis] = arith::ConstantIndexOp::create(
          builder, loc, box.origin[i] + (start.empty() ? 0 : start[axis]));
    SmallVector<Value> coords;
    for (int64_t dim : plan.dims)
      coords.push_back(
          expandExpr(builder, loc, map.getResult(dim), origin, symbols));
    return coords;
  }

  /// The descriptor of a tensor for a box, one for all uses that agree.
  Value descriptor(Value tensor, const BulkPlan &plan, int64_t swizzle,
                   Type elementType, Location loc) {
    auto type =
        tma::DescType::get(kernel.getContext(), plan.box, swizzle, elementType);
    for (auto op : kernel.getBody().getOps<tma::DescriptorOp>())
      if (op.getTensor() == tensor && op.getDesc().getType() == type &&
          op.getDims() == ArrayRef<int64_t>(plan.dims))
        return op;
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(&kernel.getBody().front());
    return tma::DescriptorOp::create(builder, loc, type, tensor, plan.dims);
  }

  void remark(Operation *op, Value tensor, const BulkPlan &plan, StringRef what,
              int64_t swizzle, StringRef suffix = "") {
    std::string box;
    llvm::raw_string_ostream os(box);
    llvm::interleave(plan.box, os, " x ");
    op->emitRemark() << what << " of '" << nameOf(tensor)
                     << "': " << plan.boxes.boxes.size() << " box"
                     << (plan.boxes.boxes.size() == 1 ? "" : "es") << " of "
                     << box << " elements, innermost first, swizzle " << swizzle
                     << " bytes" << suffix;
  }

  LogicalResult formLoad(CopyOp copy) {
    ViewOrigin origin = traceView(copy.getDest());
    if (!origin || !origin.slices.empty())
      return copy.emitError("copies into part of a field: not lowered yet");
    SharedAttr attr = origin.ring.getFieldLayout(origin.field);
    ViewType view = copy.getDest().getType();
    llvm::Expected<SharedLayout> layout = toLayout(attr, view);
    if (!layout)
      return copy.emitError(llvm::toString(layout.takeError()));
    std::string why;
    std::optional<BulkPlan> bulk =
        plan(copy.getTensor(), copy.getMap(), copy.getSymbols(), view.getAxes(),
             view.getShape(), *layout, why);
    if (!bulk)
      return copy.emitError("this copy of '")
             << nameOf(copy.getTensor())
             << "' is no bulk copy and is not lowered yet: " << why;
    remark(copy, copy.getTensor(), *bulk, "bulk load", attr.getSwizzle());
    Location loc = copy.getLoc();
    Value desc = descriptor(copy.getTensor(), *bulk, attr.getSwizzle(),
                            view.getElementType(), loc);
    builder.setInsertionPoint(copy);
    for (const BoxPlan::Box &box : bulk->boxes.boxes)
      tma::LoadOp::create(
          builder, loc, desc,
          coordinates(loc, *bulk, box, copy.getMap(), copy.getSymbols()),
          copy.getDest(), origin.op.getSlot(), /*streamed=*/Value(),
          box.byteOffset);
    copy.erase();
    return success();
  }

  /// A bulk store writes whole units of 16 bytes and clears what lies beyond
  /// the end of a row in the last one (seen on an H200). Extents that are known
  /// only at run time are checked by the launcher.
  bool endsInsideUnit(Value tensor) {
    auto shape = kernel.getArgAttrOfType<ArrayAttr>(
        cast<BlockArgument>(tensor).getArgNumber(), "tile.shape");
    auto extent = dyn_cast<IntegerAttr>(shape[majorOf(tensor)]);
    int64_t bits = getStorageBits(
        cast<GlobalTensorType>(tensor.getType()).getElementType());
    return extent && extent.getInt() * bits % 128 != 0;
  }

  /// Groups that do not divide a tile all hold it: a store of the same values
  /// by each is right, adding them is not.
  LogicalResult checkAddedOnce(StoreOp store, RoleOp role) {
    if (!store.getAccumulate() || !role.getGroups() || role.getCount() == 1)
      return success();
    TileType type = store.getValue().getType();
    if (role.getSplit() && type.hasAxis(*role.getSplit()))
      return success();
    InFlightDiagnostic diag = store.emitError("each of ")
                              << role.getCount() << " groups would add this "
                              << "tile to '" << nameOf(store.getTensor())
                              << "'; split one of its axes over them";
    diag.attachNote(role.getLoc()) << "role '" << role.getName() << "' is here";
    return diag;
  }

  /// A store goes through shared memory when its tile is a box of the tensor
  /// and held by whole warpgroups; otherwise it stays for `tile-distribute`,
  /// which stores element by element.
  LogicalResult formStore(StoreOp store) {
    TileType type = store.getValue().getType();
    auto role = store->getParentOfType<RoleOp>();
    if (failed(checkAddedOnce(store, role)))
      return failure();
    if (!role.getGroups())
      return success();
    int64_t major = majorOf(store.getTensor());
    SubscriptContext context = getContext(type.getShape(), store.getSymbols());
    StringAttr inner;
    for (auto [dim, axis] : llvm::enumerate(type.getAxes()))
      if (store.getMap().getResult(major).isFunctionOfDim(dim))
        inner = axis;
    std::string why = "no axis steps through its contiguous dimension";
    std::optional<BulkPlan> bulk;
    StoreChunks chunks;
    SmallVector<StringAttr> order;
    if (inner && endsInsideUnit(store.getTensor())) {
      why = "its rows end inside a unit of 16 bytes, the rest of which a bulk "
            "store would clear";
    } else if (inner) {
      for (StringAttr axis : type.getAxes())
        if (axis != inner)
          order.push_back(axis);
      order.push_back(inner);
      llvm::Expected<StoreChunks> chosen = chooseStoreChunks(store, order);
      if (chosen) {
        chunks = *chosen;
        bulk = plan(store.getTensor(), store.getMap(), store.getSymbols(),
                    type.getAxes(), type.getShape(), chunks.layout, why);
      } else {
        why = llvm::toString(chosen.takeError());
        if (store.getChunk())
          return store.emitError("the store to '")
                 << nameOf(store.getTensor()) << "': " << why;
      }
    }
    if (!bulk) {
      store.emitRemark() << "store to '" << nameOf(store.getTensor())
                         << "': element by element, because " << why;
      return success();
    }
    remark(store, store.getTensor(), *bulk, "staged bulk store",
           static_cast<int64_t>(chunks.layout.swizzle()), describe(chunks));
    stage(store, role, *bulk, chunks, order);
    store.erase();
    return success();
  }

  static std::string describe(const StoreChunks &chunks) {
    std::string text;
    if (chunks.origins.size() == 1)
      return text;
    llvm::raw_string_ostream os(text);
    os << ", for each of " << chunks.origins.size() << " chunks of ";
    llvm::interleaveComma(
        llvm::zip_equal(chunks.type.getAxes(), chunks.type.getShape()), os,
        [&](auto pair) {
          os << std::get<0>(pair).getValue() << ": " << std::get<1>(pair);
        });
    return text;
  }

  /// Chunk by chunk: put, commit, and one thread starts the copies. Nothing
  /// waits for them here: whoever puts into the slot next does.
  void stage(StoreOp store, RoleOp role, const BulkPlan &bulk,
             const StoreChunks &chunks, ArrayRef<StringAttr> order) {
    MLIRContext *context = kernel.getContext();
    Location loc = store.getLoc();
    auto swizzle = static_cast<int64_t>(chunks.layout.swizzle());
    auto view =
        ViewType::get(context, chunks.type.getAxes(), chunks.type.getShape(),
                      chunks.type.getElementType());
    std::string ringName = nameOf(store.getTensor()).str() + "_out";
    while (SymbolTable::lookupSymbolIn(kernel, ringName))
      ringName += "_";
    builder.setInsertionPoint(role);
    // Depth 0: the planner gives it what the pipes leave.
    auto ring = pipe::RingOp::create(
        builder, loc, builder.getStringAttr(ringName),
        builder.getI64IntegerAttr(
            store.getBuffers() ? static_cast<int64_t>(*store.getBuffers())
                               : getHint(store, "buffers").value_or(0)),
        builder.getStrArrayAttr({"value"}), builder.getTypeArrayAttr({view}),
        pipe::ConsumerAttr::get(context, pipe::Consumer::CopyEngine),
        builder.getArrayAttr({SharedAttr::get(context, order, swizzle)}),
        /*offsets=*/nullptr, /*strides=*/nullptr,
        /*barriers=*/nullptr, /*full_count=*/nullptr, /*empty_count=*/nullptr,
        /*instances=*/builder.getI64IntegerAttr(role.getCount()),
        /*multicast=*/nullptr, /*exchange=*/nullptr,
        /*private_fields=*/nullptr);

    Value desc = descriptor(store.getTensor(), bulk, swizzle,
                            chunks.type.getElementType(), loc);
    builder.setInsertionPoint(store);
    auto slotType = pipe::SlotType::get(context, FlatSymbolRefAttr::get(ring));
    for (const SmallVector<int64_t> &origin : chunks.origins) {
      Value slot = pipe::AcquirePutOp::create(builder, loc, slotType,
                                              FlatSymbolRefAttr::get(ring),
                                              Value(), Value());
      Value field = pipe::FieldOp::create(builder, loc, view, slot, "value");
      Value part = store.getValue();
      if (chunks.origins.size() > 1)
        part = ExtractOp::create(builder, loc, chunks.type, part, origin);
      PutOp::create(builder, loc, part, field);
      pipe::CommitOp::create(builder, loc, slot);
      // The coordinates are computed outside, where hoisting reaches them.
      SmallVector<SmallVector<Value>> coords;
      for (const BoxPlan::Box &box : bulk.boxes.boxes)
        coords.push_back(coordinates(loc, bulk, box, store.getMap(),
                                     store.getSymbols(), origin));
      OpBuilder::InsertionGuard guard(builder);
      auto elect = tma::ElectOp::create(builder, loc, /*group=*/true);
      builder.createBlock(&elect.getBody());
      for (auto [box, coord] : llvm::zip_equal(bulk.boxes.boxes, coords))
        tma::StoreOp::create(builder, loc, field, box.byteOffset, desc, coord,
                             store.getAccumulate());
      tma::CommitGroupOp::create(builder, loc);
    }
  }

  KernelOp kernel;
  OpBuilder builder;
};

struct TileFormCopies
    : public tilewright::impl::TileFormCopiesBase<TileFormCopies> {
  void runOnOperation() override {
    if (failed(CopyFormer(getOperation()).run()))
      signalPassFailure();
  }
};

} // namespace
