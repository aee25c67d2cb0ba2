//===- TilePrefetchReads.cpp - global reads one iteration ahead -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A scale that a loop reads from global memory is needed as soon as a slot is
// full: its latency (hundreds of cycles) would stand between the wait and the
// promotion. Where the read depends on nothing but the loop's counter, the
// value of the next iteration is read at the top of this one and carried.
//
// The iteration after the last one is read, too, and dropped. That is safe
// without knowing the trip count: tile.load_element reads nothing out of
// bounds, and what is in bounds may be read.
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/Tile/TileDialect.h"
#include "tilewright/Transforms/Passes.h"
#include "tilewright/Transforms/Schedule.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

namespace tilewright {
#define GEN_PASS_DEF_TILEPREFETCHREADS
#include "tilewright/Transforms/Passes.h.inc"
} // namespace tilewright

using namespace mlir;
using namespace tilewright;
using namespace tilewright::tile;

namespace {

class LoopPrefetcher {
public:
  LoopPrefetcher(scf::ForOp loop, int64_t most) : loop(loop), most(most) {}

  void run() {
    for (auto load : loop.getBody()->getOps<LoadElementOp>())
      if (isReadOnly(load.getTensor()) && collect(load))
        loads.push_back(load);
    // More values than that are cheaper to wait for than to hold.
    if (loads.empty() || static_cast<int64_t>(loads.size()) > most)
      return;
    carry();
  }

private:
  /// The kernel never writes the tensor.
  static bool isReadOnly(Value tensor) {
    auto arg = dyn_cast<BlockArgument>(tensor);
    auto kernel =
        arg ? dyn_cast<KernelOp>(arg.getOwner()->getParentOp()) : KernelOp();
    if (!kernel)
      return false;
    auto mode =
        kernel.getArgAttrOfType<StringAttr>(arg.getArgNumber(), "tile.mode");
    return mode && mode.getValue() == "in";
  }

  /// Adds the computation of a read's indices to `slice`, in order of
  /// dependence. False if it needs more than the counter and outer values, or
  /// the counter does not matter: then hoisting is the better choice.
  bool collect(LoadElementOp load) {
    llvm::SetVector<Operation *> own;
    bool counts = false;
    auto visit = [&](auto &&self, Value value) -> bool {
      if (value == loop.getInductionVar()) {
        counts = true;
        return true;
      }
      if (loop.isDefinedOutsideOfLoop(value))
        return true;
      Operation *op = value.getDefiningOp();
      if (!op || op->getBlock() != loop.getBody() || op->getNumRegions() ||
          !isPure(op))
        return false;
      if (own.contains(op))
        return true;
      for (Value operand : op->getOperands())
        if (!self(self, operand))
          return false;
      own.insert(op);
      return true;
    };
    for (Value index : load.getIndices())
      if (!visit(visit, index))
        return false;
    if (!counts)
      return false;
    slice.insert(own.begin(), own.end());
    return true;
  }

  /// Builds the reads for counter `counter` where `builder` stands.
  SmallVector<Value> read(OpBuilder &builder, Value counter) {
    IRMapping mapping;
    mapping.map(loop.getInductionVar(), counter);
    for (Operation *op : slice)
      builder.clone(*op, mapping);
    SmallVector<Value> values;
    for (LoadElementOp load : loads)
      values.push_back(builder.clone(*load, mapping)->getResult(0));
    return values;
  }

  void carry() {
    IRRewriter rewriter(loop.getContext());
    rewriter.setInsertionPoint(loop);
    SmallVector<Value> first = read(rewriter, loop.getLowerBound());
    // At the top: before anything that the iteration waits for.
    rewriter.setInsertionPointToStart(loop.getBody());
    Value next = arith::AddIOp::create(rewriter, loop.getLoc(),
                                       loop.getInductionVar(), loop.getStep());
    SmallVector<Value> ahead = read(rewriter, next);
    DictionaryAttr attributes = loop->getDiscardableAttrDictionary();
    auto extended = cast<scf::ForOp>(*loop.replaceWithAdditionalYields(
        rewriter, first, /*replaceInitOperandUsesInLoop=*/false,
        [&](OpBuilder &, Location, ArrayRef<BlockArgument>) { return ahead; }));
    extended->setDiscardableAttrs(attributes);
    for (auto [load, value] : llvm::zip_equal(
             loads, extended.getRegionIterArgs().take_back(loads.size())))
      rewriter.replaceOp(load, value);
  }

  scf::ForOp loop;
  int64_t most;
  SmallVector<LoadElementOp> loads;
  llvm::SetVector<Operation *> slice;
};

struct TilePrefetchReads
    : public tilewright::impl::TilePrefetchReadsBase<TilePrefetchReads> {
  using Base::Base;
  void runOnOperation() override {
    SmallVector<scf::ForOp> loops;
    getOperation().walk([&](scf::ForOp loop) { loops.push_back(loop); });
    for (scf::ForOp loop : loops)
      if (getHint(loop, "prefetch").value_or(1) != 0)
        LoopPrefetcher(loop, most).run();
  }
};

} // namespace
