//===- TMAInferMulticast.cpp - one load for all CTAs of a cluster ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The CTAs of a cluster differ in one component of their iterator. What does
// not depend on it is the same in all of them, so the leader (rank 0) loads it
// once and the copy engine writes it into the shared memory of each (PTX ISA,
// cp.async.bulk.tensor, .multicast::cluster). For that the leader must know
// that a slot is free in every CTA: see "Clusters" in docs/rationale/pipe.md,
// whose conditions are checked here.
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/Resources.h"
#include "tilewright/Dialect/TMA/TMADialect.h"
#include "tilewright/Transforms/Layouts.h"
#include "tilewright/Transforms/Passes.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"

namespace tilewright {
#define GEN_PASS_DEF_TMAINFERMULTICAST
#include "tilewright/Transforms/Passes.h.inc"
} // namespace tilewright

using namespace mlir;
using namespace tilewright;
using namespace tilewright::tile;

namespace {

/// Which values of a role may differ between the CTAs of a cluster: those that
/// are computed from the clustered component, and those that are read from
/// memory that the kernel writes.
class ClusterDependence {
public:
  explicit ClusterDependence(RoleOp role) : role(role) {
    // Loops feed values back, hence repetition until nothing is added.
    size_t before;
    do {
      before = differing.size();
      role.walk([&](Operation *op) { visit(op); });
    } while (differing.size() != before);
  }

  bool differs(Value value) const { return differing.contains(value); }

  /// Whether the CTAs may run `op` a different number of times.
  bool isControlled(Operation *op) const {
    for (Operation *parent = op->getParentOp(); parent != role;
         parent = parent->getParentOp())
      if (controls(parent))
        return true;
    return false;
  }

private:
  bool anyDiffers(ValueRange values) const {
    return llvm::any_of(values, [&](Value value) { return differs(value); });
  }

  void mark(ValueRange values) {
    differing.insert(values.begin(), values.end());
  }

  /// Whether an operation runs its regions differently in different CTAs.
  bool controls(Operation *op) const {
    return TypeSwitch<Operation *, bool>(op)
        .Case([&](ForEachOp) { return false; }) // whole clusters take items
        .Case([&](scf::ForOp loop) {
          return differs(loop.getLowerBound()) ||
                 differs(loop.getUpperBound()) || differs(loop.getStep());
        })
        .Case([&](scf::IfOp branch) { return differs(branch.getCondition()); })
        .Default([&](Operation *other) {
          return other
              ->walk([&](Operation *nested) {
                return anyDiffers(nested->getOperands())
                           ? WalkResult::interrupt()
                           : WalkResult::advance();
              })
              .wasInterrupted();
        });
  }

  void visitLoop(LoopLikeOpInterface loop) {
    std::optional<ResultRange> results = loop.getLoopResults();
    for (auto [init, arg, yielded, result] :
         llvm::zip_equal(loop.getInits(), loop.getRegionIterArgs(),
                         loop.getYieldedValues(), *results))
      if (differs(init) || differs(yielded))
        mark({arg, result});
  }

  void visit(Operation *op) {
    if (auto each = dyn_cast<ForEachOp>(op)) {
      auto tiles = each.getIter().getDefiningOp<TilesOp>();
      if (tiles && tiles.getCluster() > 1)
        mark(each.getIndices()[tiles.getClusterDim()]);
      return visitLoop(each);
    }
    if (auto loop = dyn_cast<scf::ForOp>(op)) {
      if (controls(loop)) {
        mark(loop.getResults());
        mark(loop.getBody()->getArguments());
      }
      return visitLoop(loop);
    }
    if (auto branch = dyn_cast<scf::IfOp>(op)) {
      if (controls(branch))
        return mark(branch.getResults());
      if (branch.getNumResults() != 0)
        for (Block *block : {branch.thenBlock(), branch.elseBlock()})
          for (auto [yielded, result] : llvm::zip_equal(
                   block->getTerminator()->getOperands(), branch.getResults()))
            if (differs(yielded))
              mark(result);
      return;
    }
    if (op->getNumRegions() != 0) {
      if (!controls(op))
        return;
      mark(op->getResults());
      for (Region &region : op->getRegions())
        for (Block &block : region)
          mark(block.getArguments());
      return;
    }
    if (anyDiffers(op->getOperands()) || readsWhatChanges(op))
      mark(op->getResults());
  }

  /// Tensors that the kernel only reads are the same for all CTAs; the rest of
  /// memory is not, or may not be at the time that each reads it.
  bool readsWhatChanges(Operation *op) const {
    if (isMemoryEffectFree(op))
      return false;
    auto interface = dyn_cast<MemoryEffectOpInterface>(op);
    if (!interface)
      return true;
    SmallVector<MemoryEffects::EffectInstance> effects;
    interface.getEffects(effects);
    return llvm::any_of(effects, [&](MemoryEffects::EffectInstance &effect) {
      return isa<MemoryEffects::Read>(effect.getEffect()) &&
             !(isa<GlobalMemory>(effect.getResource()) && readsInputs(op));
    });
  }

  static bool readsInputs(Operation *op) {
    return llvm::all_of(op->getOperands(), [](Value operand) {
      if (!isa<GlobalTensorType>(operand.getType()))
        return true;
      auto arg = dyn_cast<BlockArgument>(operand);
      auto kernel =
          arg ? dyn_cast<KernelOp>(arg.getOwner()->getParentOp()) : KernelOp();
      auto mode = kernel ? kernel.getArgAttrOfType<StringAttr>(
                               arg.getArgNumber(), "tile.mode")
                         : StringAttr();
      return mode && mode.getValue() == "in";
    });
  }

  RoleOp role;
  llvm::DenseSet<Value> differing;
};

/// The puts of one role into one ring, with the bulk loads of each.
struct Filling {
  RoleOp role;
  SmallVector<std::pair<pipe::AcquirePutOp, SmallVector<tma::LoadOp>>> puts;
};

class MulticastInference {
public:
  explicit MulticastInference(KernelOp kernel) : kernel(kernel) {}

  void run() {
    for (auto tiles : kernel.getBody().getOps<TilesOp>())
      if (tiles.getCluster() > 1 && !tiles.getIter().use_empty()) {
        // Iterators that disagree are refused by tile-lower-iterators.
        ctas = static_cast<int64_t>(tiles.getCluster());
        iterator = tiles.getName();
      }
    if (ctas == 1)
      return;
    for (auto role : kernel.getBody().getOps<RoleOp>())
      dependences.try_emplace(role, role);
    for (auto ring : kernel.getBody().getOps<pipe::RingOp>())
      if (ring.getConsumer() == pipe::Consumer::Roles)
        runOn(ring);
  }

private:
  SmallVector<Filling> collect(pipe::RingOp ring) {
    SmallVector<Filling> fillings;
    for (auto role : kernel.getBody().getOps<RoleOp>()) {
      Filling filling{role, {}};
      role.walk([&](pipe::AcquirePutOp put) {
        if (put.getRing() != ring.getSymName())
          return;
        SmallVector<tma::LoadOp> loads;
        role.walk([&](tma::LoadOp load) {
          if (load.getSlot() == put.getSlot())
            loads.push_back(load);
        });
        filling.puts.push_back({put, std::move(loads)});
      });
      if (!filling.puts.empty())
        fillings.push_back(std::move(filling));
    }
    return fillings;
  }

  /// Why a load is not the same in all CTAs of the cluster; empty if it is.
  std::string whyDifferent(pipe::RingOp ring, tma::LoadOp load) {
    const ClusterDependence &dependence =
        dependences.find(load->getParentOfType<RoleOp>())->second;
    std::string component =
        ("on the clustered component of '" + iterator + "'").str();
    if (ArrayAttr fields = ring.getPrivateFieldsAttr();
        fields &&
        llvm::is_contained(fields.getAsValueRange<StringAttr>(), fieldOf(load)))
      return "it is private";
    if (dependence.isControlled(load))
      return "a loop or branch around it depends " + component;
    if (llvm::any_of(load.getCoords(),
                     [&](Value coord) { return dependence.differs(coord); }))
      return "what is loaded depends " + component;
    return "";
  }

  static StringRef fieldOf(tma::LoadOp load) {
    return traceView(load.getDest()).op.getName();
  }

  void runOn(pipe::RingOp ring) {
    SmallVector<Filling> fillings = collect(ring);
    // Slot i of one CTA must be slot i of the others.
    bool inStep = true;
    for (Filling &filling : fillings)
      for (auto &[put, loads] : filling.puts)
        inStep &= !dependences.find(filling.role)->second.isControlled(put);
    for (Filling &filling : fillings) {
      llvm::DenseMap<Operation *, std::string> reasons;
      bool everyPut = true;
      for (auto &[put, loads] : filling.puts) {
        bool any = false;
        for (tma::LoadOp load : loads) {
          std::string reason = whyDifferent(ring, load);
          any |= reason.empty();
          reasons[load] = std::move(reason);
        }
        everyPut &= any;
      }
      // A slot without anything from the leader would not hold the others
      // back: their releases could reach it a round too early.
      bool multicast = inStep && everyPut;
      for (auto &[put, loads] : filling.puts)
        apply(ring, loads, reasons, multicast, inStep);
      if (!multicast)
        continue;
      ring.setMulticast(ctas);
      OpBuilder builder =
          OpBuilder::atBlockEnd(&filling.role.getBody().front());
      pipe::DrainOp::create(builder, filling.role.getLoc(),
                            ring.getSymNameAttr(), Value(), Value());
    }
  }

  void apply(pipe::RingOp ring, ArrayRef<tma::LoadOp> loads,
             const llvm::DenseMap<Operation *, std::string> &reasons,
             bool multicast, bool inStep) {
    llvm::StringSet<> told; // a field may be several boxes
    for (tma::LoadOp load : loads) {
      std::string reason = reasons.lookup(load);
      if (reason.empty() && !multicast)
        reason = inStep ? "another put of '" + ring.getSymName().str() +
                              "' has nothing that all need"
                        : "the CTAs do not fill '" + ring.getSymName().str() +
                              "' in step";
      if (reason.empty())
        load.setMulticast(ctas);
      if (!told.insert(fieldOf(load)).second)
        continue;
      if (reason.empty())
        load.emitRemark() << "'" << fieldOf(load) << "' is loaded once for the "
                          << ctas << " CTAs of a cluster";
      else
        load.emitRemark() << "'" << fieldOf(load) << "' is loaded by each of "
                          << "the " << ctas << " CTAs of a cluster, because "
                          << reason;
    }
  }

  KernelOp kernel;
  int64_t ctas = 1;
  StringRef iterator;
  llvm::DenseMap<Operation *, ClusterDependence> dependences;
};

struct TMAInferMulticast
    : public tilewright::impl::TMAInferMulticastBase<TMAInferMulticast> {
  void runOnOperation() override { MulticastInference(getOperation()).run(); }
};

} // namespace
