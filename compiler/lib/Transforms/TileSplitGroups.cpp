//===- TileSplitGroups.cpp - divides a split axis among groups -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/Pipe/PipeDialect.h"
#include "tilewright/Dialect/Tile/TileDialect.h"
#include "tilewright/Transforms/Layouts.h"
#include "tilewright/Transforms/Passes.h"

#include "mlir/IR/Builders.h"

namespace tilewright {
#define GEN_PASS_DEF_TILESPLITGROUPS
#include "tilewright/Transforms/Passes.h.inc"
} // namespace tilewright

using namespace mlir;
using namespace tilewright;
using namespace tilewright::tile;

namespace {

/// Splits one role.
class Splitter {
public:
  Splitter(RoleOp role) : role(role), axis(role.getSplit()->str()) {}

  LogicalResult run() {
    OpBuilder builder = OpBuilder::atBlockBegin(&role.getBody().front());
    group = GroupOp::create(builder, role.getLoc(), builder.getIndexType());
    SmallVector<Operation *> ops;
    role.getBody().walk([&](Operation *op) { ops.push_back(op); });
    for (Operation *op : ops)
      if (failed(splitOp(op)))
        return failure();
    return success();
  }

private:
  std::optional<int64_t> part(Operation *op, int64_t extent) {
    int64_t groups = role.getCount();
    if (extent % groups == 0)
      return extent / groups;
    InFlightDiagnostic diag =
        op->emitError() << "axis '" << axis << "' of extent " << extent
                        << " cannot be split over " << groups << " groups";
    diag.attachNote(role.getLoc())
        << "role '" << role.getName() << "' splits it here";
    return std::nullopt;
  }

  /// `group * part`, at the start of the role.
  Value offset(int64_t part) {
    Value &value = offsets[part];
    if (!value) {
      OpBuilder builder(role.getContext());
      builder.setInsertionPointAfterValue(group);
      Value size = arith::ConstantIndexOp::create(builder, role.getLoc(), part);
      value = arith::MulIOp::create(builder, role.getLoc(), group, size);
    }
    return value;
  }

  bool hasAxis(Value value) {
    if (auto tile = dyn_cast<TileType>(value.getType()))
      return tile.hasAxis(axis);
    auto view = dyn_cast<ViewType>(value.getType());
    return view && view.getExtent(axis);
  }

  LogicalResult splitType(Operation *op, Value value) {
    auto type = dyn_cast<TileType>(value.getType());
    if (!type || !type.hasAxis(axis))
      return success();
    std::optional<int64_t> size = part(op, *type.getExtent(axis));
    if (!size)
      return failure();
    value.setType(type.withExtent(axis, *size));
    return success();
  }

  /// Moves a subscript by the group's offset: its axis `axis` becomes
  /// `axis + offset`.
  template <typename Op>
  LogicalResult splitSubscript(Op op, ArrayRef<StringAttr> axes,
                               ArrayRef<int64_t> shape) {
    auto it = llvm::find_if(
        axes, [&](StringAttr name) { return name.getValue() == axis; });
    if (it == axes.end())
      return success();
    moveSubscript(op, axes, axis, offset(shape[it - axes.begin()]));
    return success();
  }

  LogicalResult splitOp(Operation *op) {
    // Each group would hold a part of the sum, and nobody adds the parts.
    if (auto contraction = dyn_cast<ContractionInterface>(op))
      if (hasAxis(contraction.getMatrixA()) &&
          hasAxis(contraction.getMatrixB())) {
        InFlightDiagnostic diag = op->emitError()
                                  << "this 'mma' contracts axis '" << axis
                                  << "', which cannot be split over groups";
        diag.attachNote(role.getLoc())
            << "role '" << role.getName() << "' splits it here";
        return diag;
      }
    if (auto reduce = dyn_cast<ReduceOp>(op))
      if (llvm::is_contained(reduce.getAxes().getAsValueRange<StringAttr>(),
                             axis)) {
        InFlightDiagnostic diag = op->emitError()
                                  << "reduces axis '" << axis
                                  << "', which cannot be split over groups";
        diag.attachNote(role.getLoc())
            << "role '" << role.getName() << "' splits it here";
        return diag;
      }
    for (Region &region : op->getRegions())
      for (BlockArgument arg : region.getArguments())
        if (failed(splitType(op, arg)))
          return failure();
    for (Value result : op->getResults())
      if (failed(splitType(op, result)))
        return failure();
    if (auto read = dyn_cast<ReadOp>(op)) {
      TileType type = read.getResult().getType();
      return splitSubscript(read, type.getAxes(), type.getShape());
    }
    if (auto store = dyn_cast<StoreOp>(op)) {
      // The value's type is already the group's.
      TileType type = store.getValue().getType();
      return splitSubscript(store, type.getAxes(), type.getShape());
    }
    if (auto copy = dyn_cast<CopyOp>(op)) {
      ViewType type = copy.getDest().getType();
      return splitSubscript(copy, type.getAxes(), type.getShape());
    }
    if (auto field = dyn_cast<pipe::FieldOp>(op)) {
      ViewType type = field.getView().getType();
      std::optional<int64_t> extent = type.getExtent(axis);
      if (!extent)
        return success();
      std::optional<int64_t> size = part(op, *extent);
      if (!size)
        return failure();
      OpBuilder builder(op);
      builder.setInsertionPointAfter(op);
      auto slice =
          SliceOp::create(builder, op->getLoc(), type.withExtent(axis, *size),
                          field.getView(), axis, offset(*size));
      field.getView().replaceAllUsesExcept(slice.getResult(), slice);
    }
    return success();
  }

  RoleOp role;
  std::string axis;
  Value group;
  DenseMap<int64_t, Value> offsets;
};

struct TileSplitGroups
    : public tilewright::impl::TileSplitGroupsBase<TileSplitGroups> {
  void runOnOperation() override {
    for (RoleOp role : getOperation().getBody().getOps<RoleOp>())
      if (role.getSplit() && role.getCount() > 1 &&
          failed(Splitter(role).run()))
        return signalPassFailure();
  }
};

} // namespace
