//===- TileLowerIterators.cpp - iterators become loops over tile numbers --===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/Tile/TileDialect.h"
#include "tilewright/Support/Raster.h"
#include "tilewright/Transforms/EmitArith.h"
#include "tilewright/Transforms/HostExpression.h"
#include "tilewright/Transforms/Passes.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace tilewright {
#define GEN_PASS_DEF_TILELOWERITERATORS
#include "tilewright/Transforms/Passes.h.inc"
} // namespace tilewright

using namespace mlir;
using namespace tilewright;
using namespace tilewright::tile;

static FailureOr<Raster> getRaster(TilesOp tiles) {
  Raster::Options options;
  // A group of one over the first dimension is the plain order, the default.
  if (tiles.getRasterGroup() > 1 || tiles.getRasterDim() != 0) {
    options.rasterAxis = static_cast<int>(tiles.getRasterDim());
    options.bandWidth = static_cast<int64_t>(tiles.getRasterGroup());
  }
  if (tiles.getCluster() > 1) {
    options.clusterAxis = static_cast<int>(tiles.getClusterDim());
    options.clusterSize = static_cast<int64_t>(tiles.getCluster());
  }
  llvm::Expected<Raster> raster =
      Raster::get(tiles.getIter().getType().getRank(), options);
  if (!raster)
    return tiles.emitOpError(llvm::toString(raster.takeError()));
  return *raster;
}

/// Replaces the terminator by a yield of scf.
static void yieldFromSCF(Block &block) {
  auto yield = cast<YieldOp>(block.getTerminator());
  OpBuilder builder(yield);
  scf::YieldOp::create(builder, yield.getLoc(), yield.getValues());
  yield.erase();
}

static LogicalResult lower(ForEachOp op) {
  auto tiles = op.getIter().getDefiningOp<TilesOp>();
  if (!tiles)
    return op.emitOpError("does not iterate over a tile.tiles");
  FailureOr<Raster> raster = getRaster(tiles);
  if (failed(raster))
    return failure();

  Location loc = op.getLoc();
  OpBuilder builder(op);
  EmitArith arith{builder, loc};
  SmallVector<Value> extents(tiles.getExtents());
  // A cluster takes CL neighbouring tiles at once, so clusters are what is
  // numbered: all CTAs of one do the same number of tiles. A CTA alone is a
  // cluster of one.
  bool clusters = raster->clusterSize() > 1;
  Value count = raster->clusterCount(arith, ArrayRef<Value>(extents));
  Value rank, first;
  if (clusters) {
    first = gpu::ClusterIdOp::create(builder, loc, gpu::Dimension::x);
    rank = gpu::ClusterBlockIdOp::create(builder, loc, gpu::Dimension::x);
  } else {
    first = gpu::BlockIdOp::create(builder, loc, gpu::Dimension::x);
  }

  // The body, with the cluster's number as its first argument.
  unsigned numAxes = op.getRank();
  Block *body = &op.getBody().front();
  auto decode = [&](Value number) {
    OpBuilder inner = OpBuilder::atBlockBegin(body);
    EmitArith at{inner, loc};
    SmallVector<Value, 4> coordinates =
        raster->decodeInCluster(at, ArrayRef<Value>(extents), number, rank);
    for (auto [arg, value] :
         llvm::zip_equal(body->getArguments().take_front(numAxes), coordinates))
      arg.replaceAllUsesWith(value);
  };

  Operation *result;
  if (tiles.getPersistent()) {
    Value step;
    if (clusters)
      step = gpu::ClusterDimOp::create(builder, loc, gpu::Dimension::x);
    else
      step = gpu::GridDimOp::create(builder, loc, gpu::Dimension::x);
    auto loop =
        scf::ForOp::create(builder, loc, first, count, step, op.getInitArgs());
    if (!loop.getBody()->empty())
      loop.getBody()->getTerminator()->erase();
    yieldFromSCF(*body);
    SmallVector<Value> carried(op.getRegionIterArgs().begin(),
                               op.getRegionIterArgs().end());
    for (auto [from, to] : llvm::zip_equal(carried, loop.getRegionIterArgs()))
      from.replaceAllUsesWith(to);
    decode(loop.getInductionVar());
    loop.getBody()->getOperations().splice(loop.getBody()->end(),
                                           body->getOperations());
    result = loop;
  } else {
    Value mine = arith.ult(first, count);
    auto branch = scf::IfOp::create(builder, loc, op.getResultTypes(), mine,
                                    /*withElseRegion=*/op.getNumResults() != 0);
    yieldFromSCF(*body);
    for (auto [from, to] :
         llvm::zip_equal(op.getRegionIterArgs(), op.getInitArgs()))
      from.replaceAllUsesWith(to);
    decode(first);
    Block *then = branch.thenBlock();
    then->clear();
    then->getOperations().splice(then->end(), body->getOperations());
    if (op.getNumResults() != 0) {
      Block *otherwise = branch.elseBlock();
      otherwise->clear();
      OpBuilder inner = OpBuilder::atBlockEnd(otherwise);
      scf::YieldOp::create(inner, loc, op.getInitArgs());
    }
    result = branch;
  }
  op->replaceAllUsesWith(result->getResults());
  op->erase();
  return success();
}

namespace {

struct TileLowerIterators
    : public tilewright::impl::TileLowerIteratorsBase<TileLowerIterators> {
  void runOnOperation() override {
    KernelOp kernel = getOperation();
    SmallVector<ForEachOp> loops;
    // Inner loops first: their iterators may use outer indices.
    kernel.walk([&](ForEachOp op) { loops.push_back(op); });
    // Iterators divide their tiles among the CTAs, each by itself: nested, a
    // CTA would see only the pairs of its own tiles.
    for (ForEachOp op : loops)
      if (auto outer = op->getParentOfType<ForEachOp>()) {
        InFlightDiagnostic diag = op.emitError(
            "iterating inside another iterator's loop is not lowered yet; give "
            "one iterator all indices");
        diag.attachNote(outer.getLoc()) << "the outer loop is here";
        return signalPassFailure();
      }
    if (failed(recordLaunch(kernel)))
      return signalPassFailure();
    for (ForEachOp op : loops)
      if (failed(lower(op)))
        return signalPassFailure();
    SmallVector<TilesOp> tiles(kernel.getBody().getOps<TilesOp>());
    for (TilesOp op : tiles)
      if (op->use_empty())
        op.erase();
  }

  /// The number of tiles, surplus ones of clusters included, for the launcher's
  /// grid. With several iterators the grid is that of the largest; they agree
  /// on the cluster, or its CTAs would not do the same number of tiles.
  LogicalResult recordLaunch(KernelOp kernel) {
    MLIRContext *context = &getContext();
    Builder builder(context);
    Attribute total = builder.getI64IntegerAttr(1);
    bool any = false, persistent = true;
    TilesOp clustered;
    for (auto tiles : kernel.getBody().getOps<TilesOp>()) {
      if (tiles.getIter().use_empty())
        continue;
      if (clustered && clustered.getCluster() != tiles.getCluster()) {
        InFlightDiagnostic diag = tiles.emitError("has a cluster of ")
                                  << tiles.getCluster()
                                  << " and another iterator one of "
                                  << clustered.getCluster()
                                  << "; a kernel with both is not lowered yet";
        diag.attachNote(clustered.getLoc()) << "the other iterator is here";
        return diag;
      }
      clustered = tiles;
      Attribute count = builder.getI64IntegerAttr(1);
      for (auto [i, extent] : llvm::enumerate(tiles.getExtents())) {
        Attribute expression = toHostExpression(extent);
        if (!expression)
          return tiles.emitOpError("extent ")
                 << i << " is not an expression of the kernel's arguments, so "
                 << "the grid is not known at launch; not lowered yet";
        if (tiles.getCluster() > 1 && i == tiles.getClusterDim()) {
          Attribute size = builder.getI64IntegerAttr(
              static_cast<int64_t>(tiles.getCluster()));
          expression = makeHostExpression(
              context, "mul",
              makeHostExpression(context, "cdiv", expression, size), size);
        }
        count = makeHostExpression(context, "mul", count, expression);
      }
      total = any ? makeHostExpression(context, "max", total, count) : count;
      persistent &= tiles.getPersistent();
      any = true;
    }
    SmallVector<NamedAttribute> launch;
    if (auto old = kernel->getAttrOfType<DictionaryAttr>("launch"))
      llvm::append_range(launch, old);
    NamedAttrList list(launch);
    list.set("tiles", total);
    list.set("persistent", builder.getBoolAttr(any && persistent));
    if (clustered && clustered.getCluster() > 1) {
      auto size = static_cast<int64_t>(clustered.getCluster());
      list.set("cluster", builder.getI64ArrayAttr({size, 1, 1}));
    }
    kernel->setAttr("launch", list.getDictionary(context));
    return success();
  }
};

} // namespace
