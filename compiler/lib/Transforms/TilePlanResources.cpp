//===- TilePlanResources.cpp - warps, registers, depths and addresses -----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/MMA/MMADialect.h"
#include "tilewright/Support/ResourcePlan.h"
#include "tilewright/Transforms/Layouts.h"
#include "tilewright/Transforms/Passes.h"

namespace tilewright {
#define GEN_PASS_DEF_TILEPLANRESOURCES
#include "tilewright/Transforms/Passes.h.inc"
} // namespace tilewright

using namespace mlir;
using namespace tilewright;
using namespace tilewright::tile;

namespace {

/// The registers that a role's largest contraction holds at once: its carried
/// tiles and one wave of partial sums.
int64_t estimateFragments(RoleOp role) {
  int64_t most = 0;
  auto registers = [](Type type) -> int64_t {
    auto tile = dyn_cast<TileType>(type);
    if (!tile || !tile.getLayout())
      return 0;
    int64_t count = 1;
    for (int64_t radix : tile.getLayout().getRegs())
      count *= radix;
    return count * getStorageBits(tile.getElementType()) / 32;
  };
  role.walk([&](mma::ContractOp contract) {
    int64_t total = 0;
    for (Value carried : contract.getCarried())
      total += registers(carried.getType());
    if (!contract.getBody().empty())
      total += registers(contract.getBody().getArgument(0).getType());
    most = std::max(most, total);
  });
  return most;
}

/// A role of one warp whose body only waits and starts bulk copies runs in one
/// thread.
bool isSingleThread(RoleOp role) {
  if (role.getGroups() || role.getCount() != 1)
    return false;
  WalkResult walk = role.walk([](Operation *op) {
    auto isTile = [](Type type) { return isa<TileType>(type); };
    if (llvm::any_of(op->getOperandTypes(), isTile) ||
        llvm::any_of(op->getResultTypes(), isTile))
      return WalkResult::interrupt();
    return WalkResult::advance();
  });
  return !walk.wasInterrupted();
}

class Planner {
public:
  explicit Planner(KernelOp kernel) : kernel(kernel), builder(kernel) {}

  LogicalResult run() {
    if (failed(request()))
      return failure();
    PlanResult result = planResources(wanted);
    if (!result)
      return fail(result.failure);
    apply(*result);
    return success();
  }

private:
  LogicalResult request() {
    for (auto role : kernel.getBody().getOps<RoleOp>()) {
      RoleRequest entry;
      entry.name = role.getName().str();
      entry.kind = role.getGroups() ? RoleRequest::Groups : RoleRequest::Warps;
      entry.count = role.getCount();
      if (role.getRegs())
        entry.registers = *role.getRegs();
      entry.fragmentRegisters = estimateFragments(role);
      wanted.roles.push_back(entry);
      roles.push_back(role);
    }
    for (auto ring :
         llvm::make_early_inc_range(kernel.getBody().getOps<pipe::RingOp>())) {
      if (ring.getConsumer() == pipe::Consumer::Roles &&
          SymbolTable::symbolKnownUseEmpty(ring, kernel)) {
        ring.emitWarning("pipe '") << ring.getSymName() << "' is not used";
        ring.erase();
        continue;
      }
      PipeRequest pipe;
      pipe.name = ring.getSymName().str();
      for (unsigned i = 0; i < ring.getFieldNames().size(); ++i) {
        llvm::Expected<SharedLayout> layout =
            toLayout(ring.getFieldLayout(i), ring.getFieldType(i));
        if (!layout)
          return ring.emitError(llvm::toString(layout.takeError()));
        FieldRequest field;
        field.name = cast<StringAttr>(ring.getFieldNames()[i]).str();
        field.bytes = layout->totalBytes();
        field.alignment = layout->alignment();
        pipe.fields.push_back(field);
      }
      if (ring.getConsumer() == pipe::Consumer::CopyEngine) {
        // One slot after the other for each group; a store has one field. More
        // slots than a tile has chunks would never be in use at once.
        BufferRequest buffer;
        buffer.name = pipe.name;
        buffer.bytes = pipe.fields[0].bytes;
        buffer.alignment = pipe.fields[0].alignment;
        auto instances = static_cast<int64_t>(ring.getInstances().value_or(1));
        if (ring.getDepth() > 0) {
          buffer.count = static_cast<int64_t>(ring.getDepth()) * instances;
        } else {
          buffer.count = instances;
          buffer.maxCount = countPuts(ring) * instances;
        }
        wanted.buffers.push_back(buffer);
        continue;
      }
      if (ring.getDepth() > 0)
        pipe.depth = ring.getDepth();
      wanted.pipes.push_back(pipe);
      if (failed(countArrivals(ring)))
        return failure();
    }
    return success();
  }

  /// The places that put into a ring: chunks of one tile.
  int64_t countPuts(pipe::RingOp ring) {
    int64_t puts = 0;
    kernel.walk([&](pipe::AcquirePutOp put) {
      puts += put.getRing() == ring.getSymName();
    });
    return puts;
  }

  /// A role that fills a slot by bulk copies arrives once, since one thread
  /// issues them; one that writes it with ordinary stores arrives once a warp.
  /// Every warp that reads a slot arrives once when it is done.
  LogicalResult countArrivals(pipe::RingOp ring) {
    int64_t full = 0, empty = 0;
    NamedAttrList fills, empties;
    for (RoleOp role : roles) {
      bool gets = false;
      pipe::AcquirePutOp bulk, written;
      role.walk([&](Operation *op) {
        if (auto put = dyn_cast<pipe::AcquirePutOp>(op)) {
          if (put.getRing() == ring.getSymName())
            (isFilledByBulkCopies(put.getSlot()) ? bulk : written) = put;
        } else if (auto get = dyn_cast<pipe::AcquireGetOp>(op)) {
          gets |= get.getRing() == ring.getSymName();
        }
      });
      if (bulk && written)
        return written.emitError("one role fills pipe '")
               << ring.getSymName()
               << "' by bulk copies and by ordinary stores: not lowered yet";
      auto count = [&](NamedAttrList &parties, int64_t &sum, bool one) {
        int64_t arrivals = one ? 1 : role.getNumWarps();
        parties.set(role.getName(), builder.getI64IntegerAttr(arrivals));
        sum += arrivals;
      };
      if (bulk || written)
        count(fills, full, bulk || isSingleThread(role));
      if (gets)
        count(empties, empty, isSingleThread(role));
    }
    ring.setFullCount(full);
    ring.setEmptyCount(empty);
    ring->setAttr("arrivals",
                  builder.getDictionaryAttr(
                      {builder.getNamedAttr(
                           "empty", empties.getDictionary(ring.getContext())),
                       builder.getNamedAttr(
                           "full", fills.getDictionary(ring.getContext()))}));
    return success();
  }

  LogicalResult fail(const PlanFailure &failure) {
    Operation *at = kernel;
    for (RoleOp role : roles)
      if (role.getName() == failure.subject)
        at = role;
    for (auto ring : kernel.getBody().getOps<pipe::RingOp>())
      if (ring.getSymName() == failure.subject)
        at = ring;
    return at->emitError(failure.message);
  }

  void apply(const ResourcePlan &plan) {
    for (auto [role, entry] : llvm::zip_equal(roles, plan.roles)) {
      role.setWarpBegin(entry.firstWarp);
      role.setPlanRegs(entry.registers);
      if (isSingleThread(role))
        role->setAttr("single_thread", builder.getUnitAttr());
    }
    for (auto ring : kernel.getBody().getOps<pipe::RingOp>()) {
      SmallVector<int64_t> offsets, strides;
      auto place = [&](const BlockPlan &block) {
        offsets.push_back(block.offset);
        strides.push_back(block.stride);
      };
      if (const PipePlan *pipe = plan.findPipe(ring.getSymName())) {
        ring.setDepth(pipe->depth);
        ring.setBarriers(pipe->barrierOffset);
        for (const BlockPlan &field : pipe->fields)
          place(field);
      } else if (const BlockPlan *buffer = plan.findBuffer(ring.getSymName())) {
        place(*buffer);
        ring.setDepth(buffer->count /
                      static_cast<int64_t>(ring.getInstances().value_or(1)));
      }
      ring.setOffsets(offsets);
      ring.setStrides(strides);
    }
    kernel->setAttr("threads", builder.getI64IntegerAttr(plan.threads));
    kernel->setAttr("smem_bytes", builder.getI64IntegerAttr(plan.sharedBytes));
    kernel->setAttr("barriers", builder.getI64IntegerAttr(plan.barriers));
  }

  KernelOp kernel;
  OpBuilder builder;
  ResourceRequest wanted;
  SmallVector<RoleOp> roles;
};

struct TilePlanResources
    : public tilewright::impl::TilePlanResourcesBase<TilePlanResources> {
  void runOnOperation() override {
    if (failed(Planner(getOperation()).run()))
      signalPassFailure();
  }
};

} // namespace
