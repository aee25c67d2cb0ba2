//===- PipeInsertProxyFences.cpp - generic before asynchronous accesses ---===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Ordinary loads and stores of shared memory go through the generic proxy;
// bulk copies and wgmma operands through the async proxy. PTX ISA, "Memory
// Consistency Model, Proxies" and "Asynchronous proxy": to synchronise across
// proxies a cross-proxy fence is required. So a thread that has written with
// ordinary stores executes fence.proxy.async before it tells anybody (through
// a barrier) or itself starts an asynchronous access.
//
// The other direction, ordinary reads of a slot before the copy engine writes
// it again, needs no proxy fence: a read has returned its value when the
// reader arrives at the empty barrier (PTX ISA, mbarrier.arrive: .release by
// default; the producer's wait acquires), and only *writes* of one proxy have
// to be made visible to the other. Asynchronous reads by the copy engine before
// ordinary writes are ordered by cp.async.bulk.wait_group.read, those by wgmma
// by wgmma.wait_group before the release.
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/Pipe/PipeDialect.h"
#include "tilewright/Dialect/Resources.h"
#include "tilewright/Dialect/Tile/TileDialect.h"
#include "tilewright/Transforms/Passes.h"

#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace tilewright {
#define GEN_PASS_DEF_PIPEINSERTPROXYFENCES
#include "tilewright/Transforms/Passes.h.inc"
} // namespace tilewright

using namespace mlir;
using namespace tilewright;

namespace {

/// What an operation does as far as proxies are concerned.
struct Access {
  bool genericWrite = false;
  bool asyncAccess = false;
  /// Tells other threads (or waits for them).
  bool synchronises = false;
};

class FenceInserter {
public:
  /// Runs over `block`, with generic writes outstanding at its start or not;
  /// returns whether they are at its end. Without `insert` only looks.
  bool run(Block &block, bool outstanding, bool insert) {
    for (Operation &op : llvm::make_early_inc_range(block))
      outstanding = runOn(&op, outstanding, insert);
    return outstanding;
  }

private:
  static Access classify(Operation *op) {
    Access access;
    auto interface = dyn_cast<MemoryEffectOpInterface>(op);
    if (!interface)
      return access;
    SmallVector<MemoryEffects::EffectInstance> effects;
    interface.getEffects(effects);
    bool sharedWrite = false;
    for (const MemoryEffects::EffectInstance &effect : effects) {
      SideEffects::Resource *resource = effect.getResource();
      bool write = isa<MemoryEffects::Write>(effect.getEffect());
      if (isa<AsyncSharedMemory>(resource))
        access.asyncAccess = true;
      else if (isa<SharedMemory>(resource) && write)
        sharedWrite = true;
      else if (isa<Barriers>(resource) && write)
        access.synchronises = true;
    }
    // A barrier is said to write shared memory since nothing may move across
    // it; it stores nothing itself.
    access.genericWrite = sharedWrite && !access.synchronises;
    return access;
  }

  bool runOn(Operation *op, bool outstanding, bool insert) {
    if (isa<pipe::ProxyFenceOp>(op))
      return false;
    Access access = classify(op);
    if (outstanding && (access.synchronises || access.asyncAccess)) {
      if (insert) {
        OpBuilder builder(op);
        pipe::ProxyFenceOp::create(builder, op->getLoc());
      }
      outstanding = false;
    }
    if (op->getNumRegions() != 0)
      outstanding = runOnRegions(op, outstanding, insert);
    return outstanding || access.genericWrite;
  }

  bool runOnRegions(Operation *op, bool outstanding, bool insert) {
    // A region may be entered after `op`'s start and, in a loop, after any of
    // its regions; and it may not be entered at all.
    bool entry = outstanding;
    if (isa<LoopLikeOpInterface>(op))
      for (Region &region : op->getRegions())
        for (Block &block : region)
          entry |= run(block, entry, /*insert=*/false);
    bool exit = outstanding;
    for (Region &region : op->getRegions())
      for (Block &block : region)
        exit |= run(block, entry, insert);
    return exit;
  }
};

struct PipeInsertProxyFences
    : public tilewright::impl::PipeInsertProxyFencesBase<
          PipeInsertProxyFences> {
  void runOnOperation() override {
    for (auto role : getOperation().getBody().getOps<tile::RoleOp>())
      FenceInserter().run(role.getBody().front(), /*outstanding=*/false,
                          /*insert=*/true);
  }
};

} // namespace
