//===- TMAInferStreaming.cpp - what the L2 cache need not keep ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// With few rows of A each weight is read once, and what it pushes out of the L2
// cache is either wanted or dirty: then each line that comes in makes one be
// written back. Evicted first, weights replace each other. Measured on an H200
// (docs/rationale/tma.md): 8 to 12 % of the time of reading 29 to 117 MB.
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/TMA/TMADialect.h"
#include "tilewright/Transforms/Layouts.h"
#include "tilewright/Transforms/Passes.h"
#include "tilewright/Transforms/Schedule.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/ADT/SmallBitVector.h"

namespace tilewright {
#define GEN_PASS_DEF_TMAINFERSTREAMING
#include "tilewright/Transforms/Passes.h.inc"
} // namespace tilewright

using namespace mlir;
using namespace tilewright;
using namespace tilewright::tile;

namespace {

/// What the coordinates of a load are computed from.
class Sources {
public:
  explicit Sources(ForEachOp each) : components(each.getRank()), each(each) {}

  /// False if a coordinate comes through something that is not followed.
  bool follow(Value value) {
    if (!seen.insert(value).second)
      return true;
    if (auto arg = dyn_cast<BlockArgument>(value)) {
      Operation *parent = arg.getOwner()->getParentOp();
      if (parent == each) {
        if (arg.getArgNumber() >= each.getRank())
          return false; // carried from tile to tile
        components.set(arg.getArgNumber());
        return true;
      }
      auto loop = dyn_cast<scf::ForOp>(parent);
      if (loop && arg == loop.getInductionVar()) {
        loops.insert(loop);
        return follow(loop.getLowerBound()) && follow(loop.getUpperBound()) &&
               follow(loop.getStep());
      }
      return isa<KernelOp>(parent);
    }
    Operation *op = value.getDefiningOp();
    return op->getNumRegions() == 0 &&
           llvm::all_of(op->getOperands(),
                        [&](Value operand) { return follow(operand); });
  }

  bool dependsOn(scf::ForOp loop) const { return loops.contains(loop); }

  llvm::SmallBitVector components;

private:
  ForEachOp each;
  llvm::DenseSet<Value> seen;
  llvm::DenseSet<Operation *> loops;
};

class StreamingInference {
public:
  explicit StreamingInference(KernelOp kernel) : kernel(kernel) {}

  void run() {
    SmallVector<tma::LoadOp> loads;
    kernel.walk([&](tma::LoadOp load) { loads.push_back(load); });
    for (tma::LoadOp load : loads)
      runOn(load);
  }

private:
  void runOn(tma::LoadOp load) {
    auto each = load->getParentOfType<ForEachOp>();
    auto tiles = each ? each.getIter().getDefiningOp<TilesOp>() : TilesOp();
    if (!tiles)
      return;
    Sources sources(each);
    for (Value coord : load.getCoords())
      if (!sources.follow(coord))
        return;
    // A loop that does not move the box reads it again.
    for (Operation *op = load->getParentOp(); op != each;
         op = op->getParentOp())
      if (auto loop = dyn_cast<scf::ForOp>(op);
          loop && !sources.dependsOn(loop))
        return;
    // Components that do not move it, and how often the box is read at most
    // for one value of each: once, or once for all CTAs of a cluster.
    SmallVector<std::pair<Value, int64_t>> limits;
    for (auto [i, extent] : llvm::enumerate(tiles.getExtents())) {
      if (sources.components.test(i))
        continue;
      int64_t once = static_cast<int64_t>(load.getMulticast()) > 1 &&
                             i == tiles.getClusterDim()
                         ? static_cast<int64_t>(load.getMulticast())
                         : 1;
      std::optional<int64_t> known = getConstantIntValue(extent);
      if (known && *known > once)
        return;
      if (!known)
        limits.push_back({extent, once});
    }
    load.getStreamedMutable().assign(
        getCondition(load->getParentOfType<RoleOp>(), tiles, limits));
  }

  /// One condition for all loads of a role with these limits.
  Value getCondition(RoleOp role, TilesOp tiles,
                     ArrayRef<std::pair<Value, int64_t>> limits) {
    Key key(role, limits);
    for (auto &[known, condition] : conditions)
      if (known == key)
        return condition;
    Location loc = tiles.getLoc();
    OpBuilder builder(role);
    Value streamed;
    for (auto [extent, once] : limits) {
      Value most = arith::ConstantIndexOp::create(builder, loc, once);
      Value fits = arith::CmpIOp::create(
          builder, loc, arith::CmpIPredicate::ule, extent, most);
      streamed =
          streamed
              ? arith::AndIOp::create(builder, loc, streamed, fits).getResult()
              : fits;
    }
    if (!streamed)
      streamed = arith::ConstantIntOp::create(builder, loc, 1, 1);
    conditions.push_back({key, streamed});
    return streamed;
  }

  using Key = std::pair<Operation *, SmallVector<std::pair<Value, int64_t>>>;

  KernelOp kernel;
  SmallVector<std::pair<Key, Value>> conditions;
};

struct TMAInferStreaming
    : public tilewright::impl::TMAInferStreamingBase<TMAInferStreaming> {
  void runOnOperation() override {
    if (getHint(getOperation(), "stream").value_or(1) != 0)
      StreamingInference(getOperation()).run();
  }
};

} // namespace
