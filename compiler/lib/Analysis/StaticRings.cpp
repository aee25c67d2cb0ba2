//===- StaticRings.cpp - rings whose slots follow a loop's iterations -----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Analysis/StaticRings.h"
#include "tilewright/Analysis/ControlValues.h"
#include "tilewright/Analysis/RingProtocol.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace tilewright;

namespace {

/// How often a loop runs. Equal keys, equal numbers of iterations.
struct LoopKey {
  const void *iterator = nullptr;
  ControlValues::Form trips = 0;
  bool operator==(const LoopKey &other) const {
    return iterator == other.iterator && trips == other.trips;
  }
};

} // namespace

/// Acquires of `ring` in `role`, puts or gets.
static SmallVector<Operation *> getAcquires(tile::RoleOp role,
                                            pipe::RingOp ring) {
  SmallVector<Operation *> acquires;
  StringRef name = ring.getSymName();
  role.walk([&](Operation *op) {
    if (auto put = dyn_cast<pipe::AcquirePutOp>(op);
        put && put.getRing() == name)
      acquires.push_back(op);
    if (auto get = dyn_cast<pipe::AcquireGetOp>(op);
        get && get.getRing() == name)
      acquires.push_back(op);
  });
  return acquires;
}

/// The loops around `driving` and itself, from the outermost one.
static SmallVector<LoopKey> getLoopKeys(ControlValues &values,
                                        scf::ForOp driving) {
  SmallVector<Operation *> loops;
  for (Operation *op = driving; !isa<tile::RoleOp>(op); op = op->getParentOp())
    if (isa<scf::ForOp, tile::ForEachOp>(op))
      loops.push_back(op);
  SmallVector<LoopKey> keys;
  for (auto [level, op] : llvm::enumerate(llvm::reverse(loops))) {
    if (auto iteration = dyn_cast<tile::ForEachOp>(op)) {
      values.enter(iteration, static_cast<unsigned>(level));
      keys.push_back({iteration.getIter().getAsOpaquePointer()});
      continue;
    }
    auto loop = cast<scf::ForOp>(op);
    ControlValues::Form trips = values.getTripCount(loop);
    values.enter(loop, static_cast<unsigned>(level), trips);
    keys.push_back({nullptr, trips});
  }
  return keys;
}

SmallVector<scf::ForOp> tilewright::getDrivingLoops(tile::KernelOp kernel,
                                                    pipe::RingOp ring) {
  SmallVector<scf::ForOp> loops;
  for (auto role : kernel.getBody().getOps<tile::RoleOp>())
    for (Operation *acquire : getAcquires(role, ring))
      if (auto loop = dyn_cast<scf::ForOp>(acquire->getParentOp());
          loop && !llvm::is_contained(loops, loop))
        loops.push_back(loop);
  return loops;
}

/// The first error that proving the kernel with one slot in `ring` reports.
static std::optional<StaticRingObstacle> findDeadlock(tile::KernelOp kernel,
                                                      pipe::RingOp ring) {
  std::optional<StaticRingObstacle> first;
  ScopedDiagnosticHandler handler(
      kernel.getContext(), [&](Diagnostic &diagnostic) {
        if (!first && diagnostic.getSeverity() == DiagnosticSeverity::Error)
          first = {diagnostic.str(), diagnostic.getLocation()};
        return success();
      });
  FailureOr<std::unique_ptr<RingProtocol>> protocol =
      RingProtocol::build(kernel);
  if (failed(protocol) || failed(checkRingCounts(**protocol)))
    return first;
  (*protocol)->assumeDepth(ring, 1);
  if (succeeded(proveRingProgress(**protocol)))
    return std::nullopt;
  return first;
}

std::optional<StaticRingObstacle>
tilewright::findStaticRingObstacle(tile::KernelOp kernel, pipe::RingOp ring) {
  auto obstacle = [](Operation *at, const Twine &reason) {
    return StaticRingObstacle{reason.str(), at->getLoc()};
  };
  if (ring.getConsumer() == pipe::Consumer::CopyEngine)
    return obstacle(ring, "the copy engine empties it");
  if (auto depth = static_cast<int64_t>(ring.getDepth());
      depth > pipe::RingOp::maxStaticDepth)
    return obstacle(ring, "it has " + Twine(depth) + " slots, more than " +
                              Twine(pipe::RingOp::maxStaticDepth));
  ControlValues values(kernel);
  std::optional<SmallVector<LoopKey>> expected;
  StringRef first;
  for (auto role : kernel.getBody().getOps<tile::RoleOp>()) {
    SmallVector<Operation *> acquires = getAcquires(role, ring);
    if (acquires.empty())
      continue;
    if (acquires.size() > 1)
      return obstacle(acquires[1], "role '" + role.getName() +
                                       "' takes its slots in more than one "
                                       "place");
    auto loop = dyn_cast<scf::ForOp>(acquires.front()->getParentOp());
    if (!loop)
      return obstacle(acquires.front(),
                      "role '" + role.getName() +
                          "' does not take one in each iteration of a 'for' "
                          "over a range");
    SmallVector<LoopKey> keys = getLoopKeys(values, loop);
    if (expected && keys != *expected)
      return obstacle(loop, "the loops of roles '" + first + "' and '" +
                                role.getName() +
                                "' need not run equally often");
    if (!expected) {
      expected = keys;
      first = role.getName();
    }
  }
  std::optional<StaticRingObstacle> deadlock = findDeadlock(kernel, ring);
  if (deadlock)
    deadlock->reason = "a loop that begins again may have only one slot, and "
                       "with one: " +
                       deadlock->reason;
  return deadlock;
}
