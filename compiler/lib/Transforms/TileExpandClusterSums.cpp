//===- TileExpandClusterSums.cpp - sums over the CTAs of a cluster --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A ring whose slots all CTAs of the cluster fill, each its part: what a sum
// needs is then there once the slot is full. Nobody waits for a barrier of the
// cluster, and bytes come through the distributed shared memory once, in bulk.
// See "Exchanges" in docs/rationale/pipe.md.
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/Pipe/PipeDialect.h"
#include "tilewright/Dialect/Tile/TileDialect.h"
#include "tilewright/Transforms/Layouts.h"
#include "tilewright/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"

namespace tilewright {
#define GEN_PASS_DEF_TILEEXPANDCLUSTERSUMS
#include "tilewright/Transforms/Passes.h.inc"
} // namespace tilewright

using namespace mlir;
using namespace tilewright;
using namespace tilewright::tile;

namespace {

/// Replaces one sum.
class Expander {
public:
  explicit Expander(ClusterSumOp sum)
      : sum(sum), builder(sum), loc(sum.getLoc()),
        kernel(sum->getParentOfType<KernelOp>()),
        role(sum->getParentOfType<RoleOp>()) {}

  LogicalResult run() {
    auto arg = dyn_cast<BlockArgument>(sum.getComponent());
    auto each =
        arg ? dyn_cast<ForEachOp>(arg.getOwner()->getParentOp()) : ForEachOp();
    auto tiles = each ? each.getIter().getDefiningOp<TilesOp>() : TilesOp();
    if (!tiles || arg.getArgNumber() >= each.getRank())
      return sum.emitError("adds over something that is no component of an "
                           "iterator that the kernel declares");
    ctas = static_cast<int64_t>(tiles.getCluster());
    if (ctas == 1) {
      sum.getResult().replaceAllUsesWith(sum.getSource());
      sum.erase();
      return success();
    }
    if (arg.getArgNumber() != tiles.getClusterDim())
      return sum.emitError("adds over component ")
             << arg.getArgNumber() << " of '" << tiles.getName()
             << "'; its clusters lie along component " << tiles.getClusterDim();
    if (failed(chooseAxis()) || failed(checkRole()))
      return failure();
    // Clusters take whole multiples of their size, so the rank is what is left.
    rank = arg;
    std::optional<int64_t> extent =
        getConstantIntValue(tiles.getExtents()[tiles.getClusterDim()]);
    if (!extent || *extent > ctas) {
      Value size = arith::ConstantIndexOp::create(builder, loc, ctas);
      rank = arith::RemUIOp::create(builder, loc, rank, size);
    }
    Value size = arith::ConstantIndexOp::create(builder, loc, part);
    offset = arith::MulIOp::create(builder, loc, rank, size);
    Value result = exchange();
    narrowed[sum.getResult()] = result;
    if (failed(narrowUsers(sum.getResult())))
      return failure();
    for (Operation *op : llvm::reverse(replaced))
      op->erase();
    sum.erase();
    return success();
  }

private:
  /// The first axis that can be cut; not the one that the groups divide, of
  /// which each group has a part already.
  LogicalResult chooseAxis() {
    TileType type = sum.getSource().getType();
    for (auto [name, extent] : llvm::zip_equal(type.getAxes(), type.getShape()))
      if (extent % ctas == 0 && (!role.getSplit() || name != *role.getSplit() ||
                                 role.getCount() == 1)) {
        axis = name;
        part = extent / ctas;
        return success();
      }
    InFlightDiagnostic diag =
        sum.emitError("no axis of the tile can be divided among the ")
        << ctas << " CTAs of the cluster: ";
    llvm::interleaveComma(
        llvm::zip_equal(type.getAxes(), type.getShape()), diag, [&](auto pair) {
          diag << std::get<0>(pair).getValue() << ": " << std::get<1>(pair);
        });
    if (role.getSplit() && role.getCount() > 1)
      diag.attachNote(role.getLoc())
          << "'" << *role.getSplit() << "' is divided among the groups here";
    return diag;
  }

  /// Each group sends what it holds: groups that hold the same would send it
  /// more than once.
  LogicalResult checkRole() {
    if (!role.getGroups()) {
      InFlightDiagnostic diag = sum.emitError(
          "a sum over a cluster outside of a role of groups is not lowered "
          "yet");
      diag.attachNote(role.getLoc()) << "the role is declared here";
      return diag;
    }
    TileType type = sum.getSource().getType();
    if (role.getCount() == 1 ||
        (role.getSplit() && type.hasAxis(*role.getSplit())))
      return success();
    InFlightDiagnostic diag = sum.emitError("each of ")
                              << role.getCount()
                              << " groups holds this tile; split one of its "
                                 "axes over them";
    diag.attachNote(role.getLoc()) << "role '" << role.getName() << "' is here";
    return diag;
  }

  std::string freshName(StringRef base) {
    std::string name = base.str();
    while (SymbolTable::lookupSymbolIn(kernel, name))
      name += "_";
    return name;
  }

  /// Sends the tile's parts; returns the sum of the parts that arrive.
  Value exchange() {
    MLIRContext *context = sum.getContext();
    TileType type = sum.getSource().getType();
    // No axis of a source program has a name like this.
    StringAttr from = builder.getStringAttr("cta$");
    SmallVector<StringAttr> axes = {from};
    SmallVector<int64_t> shape = {ctas};
    TileType own = type.withExtent(axis, part);
    llvm::append_range(axes, own.getAxes());
    llvm::append_range(shape, own.getShape());
    auto view = ViewType::get(context, axes, shape, type.getElementType());

    pipe::RingOp ring;
    {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPoint(role);
      // One slot: all CTAs have read the tile before long ago.
      ring = pipe::RingOp::create(
          builder, loc,
          builder.getStringAttr(freshName(role.getName().str() + "_sum")),
          builder.getI64IntegerAttr(1),
          builder.getStrArrayAttr({"mine", "parts"}),
          builder.getTypeArrayAttr({view, view}),
          pipe::ConsumerAttr::get(context, pipe::Consumer::Roles),
          /*layouts=*/nullptr, /*offsets=*/nullptr, /*strides=*/nullptr,
          /*barriers=*/nullptr, /*full_count=*/nullptr,
          /*empty_count=*/nullptr, /*instances=*/nullptr,
          /*multicast=*/nullptr, builder.getI64IntegerAttr(ctas),
          /*private_fields=*/nullptr);
    }
    auto name = FlatSymbolRefAttr::get(ring);
    auto slotType = pipe::SlotType::get(context, name);
    Value put = pipe::AcquirePutOp::create(builder, loc, slotType, name,
                                           Value(), Value());
    Value mine = pipe::FieldOp::create(builder, loc, view, put, "mine");
    Value theirs = pipe::FieldOp::create(builder, loc, view, put, "parts");
    PutPartsOp::create(builder, loc, sum.getSource(), mine, theirs, rank, axis,
                       from, FragmentAttr());
    pipe::SendOp::create(builder, loc, mine, theirs, from, rank, put);
    pipe::CommitOp::create(builder, loc, put);
    Value get = pipe::AcquireGetOp::create(builder, loc, slotType, name,
                                           Value(), Value());
    Value parts = pipe::FieldOp::create(builder, loc, view, get, "parts");
    Value result = LoadSumOp::create(builder, loc, own, parts, from);
    OpBuilder end = OpBuilder::atBlockEnd(&role.getBody().front());
    pipe::DrainOp::create(end, role.getLoc(), ring.getSymNameAttr(), Value(),
                          Value());
    return result;
  }

  //===--------------------------------------------------------------------===//
  // What is computed from the sum
  //===--------------------------------------------------------------------===//

  bool hasAxis(Value value) {
    auto type = dyn_cast<TileType>(value.getType());
    return type && type.hasAxis(axis);
  }

  /// This CTA's part of a value that does not come from the sum.
  FailureOr<Value> narrow(Operation *user, Value value) {
    if (!hasAxis(value))
      return value;
    if (Value known = narrowed.lookup(value))
      return known;
    Operation *op = value.getDefiningOp();
    if (!op || !isa<MapOp, ReadOp, SplatOp>(op) || !op->isBeforeInBlock(user)) {
      InFlightDiagnostic diag = user->emitError(
          "combines a sum over a cluster with a tile of which a CTA's part "
          "cannot be computed alone: not lowered yet");
      diag.attachNote(value.getLoc()) << "the tile is here";
      return diag;
    }
    builder.setInsertionPoint(user);
    Operation *copy = builder.clone(*op);
    for (OpOperand &operand : copy->getOpOperands()) {
      FailureOr<Value> part = narrow(copy, operand.get());
      if (failed(part))
        return failure();
      operand.set(*part);
    }
    Value result = copy->getResult(0);
    result.setType(cast<TileType>(result.getType()).withExtent(axis, part));
    if (auto read = dyn_cast<ReadOp>(copy))
      moveSubscript(read, read.getResult().getType().getAxes(), axis, offset);
    narrowed[value] = result;
    return result;
  }

  LogicalResult narrowUsers(Value value) {
    for (Operation *user : llvm::make_early_inc_range(value.getUsers())) {
      if (user->getBlock() != sum->getBlock() || !isa<MapOp, StoreOp>(user)) {
        InFlightDiagnostic diag = user->emitError(
            "a sum over a cluster is only computed with and stored, in the "
            "block that adds it; this use is not lowered yet");
        diag.attachNote(loc) << "the sum is here";
        return diag;
      }
      if (llvm::is_contained(replaced, user))
        continue;
      if (auto store = dyn_cast<StoreOp>(user)) {
        TileType type = store.getValue().getType();
        store.getValueMutable().assign(narrowed.lookup(value));
        if (store.getAccumulate())
          return store.emitError("adding a sum over a cluster to a tensor is "
                                 "not lowered yet");
        moveSubscript(store, type.getAxes(), axis, offset);
        continue;
      }
      auto map = cast<MapOp>(user);
      builder.setInsertionPoint(map);
      auto copy = cast<MapOp>(builder.clone(*map));
      for (OpOperand &operand : copy->getOpOperands()) {
        FailureOr<Value> part = narrow(copy, operand.get());
        if (failed(part))
          return failure();
        operand.set(*part);
      }
      Value result = copy.getResult();
      result.setType(cast<TileType>(result.getType()).withExtent(axis, part));
      narrowed[map.getResult()] = result;
      if (failed(narrowUsers(map.getResult())))
        return failure();
      replaced.push_back(map);
    }
    return success();
  }

  ClusterSumOp sum;
  OpBuilder builder;
  Location loc;
  KernelOp kernel;
  RoleOp role;
  int64_t ctas = 1, part = 1;
  StringAttr axis;
  Value rank, offset;
  DenseMap<Value, Value> narrowed;
  SmallVector<Operation *> replaced;
};

struct TileExpandClusterSums
    : public tilewright::impl::TileExpandClusterSumsBase<
          TileExpandClusterSums> {
  void runOnOperation() override {
    SmallVector<ClusterSumOp> sums;
    getOperation().walk([&](ClusterSumOp sum) { sums.push_back(sum); });
    for (ClusterSumOp sum : sums)
      if (failed(Expander(sum).run()))
        return signalPassFailure();
  }
};

} // namespace
