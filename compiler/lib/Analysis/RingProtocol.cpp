//===- RingProtocol.cpp - the events of a kernel's rings ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Analysis/RingProtocol.h"
#include "tilewright/Dialect/Interfaces/AsyncInterfaces.h"
#include "tilewright/Dialect/Resources.h"
#include "tilewright/Dialect/TMA/TMADialect.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tilewright;

std::optional<RingEventKind> tilewright::getRingEventKind(Operation *op) {
  return TypeSwitch<Operation *, std::optional<RingEventKind>>(op)
      .Case([](pipe::AcquirePutOp) { return RingEventKind::Put; })
      .Case([](pipe::CommitOp) { return RingEventKind::Commit; })
      .Case([](pipe::AcquireGetOp) { return RingEventKind::Get; })
      .Case([](pipe::ReleaseOp) { return RingEventKind::Release; })
      .Case([](pipe::DrainOp) { return RingEventKind::Drain; })
      .Default(std::nullopt);
}

std::string RingProtocol::describeLoop(const RingNode &loop) const {
  if (auto forEach = dyn_cast<tile::ForEachOp>(loop.op)) {
    if (auto tiles = forEach.getIter().getDefiningOp<tile::TilesOp>())
      return "of '" + tiles.getName().str() + "'";
    return "of an iterator";
  }
  return "of a loop of " + values.describe(*loop.trips) + " iterations";
}

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

namespace tilewright {

/// Builds the program of each role.
class ProgramBuilder {
public:
  explicit ProgramBuilder(RingProtocol &protocol)
      : protocol(protocol), values(protocol.values) {}

  LogicalResult run() {
    for (auto ring : protocol.kernel.getBody().getOps<pipe::RingOp>()) {
      if (static_cast<int64_t>(ring.getDepth()) < 1)
        return ring.emitError("ring '")
               << ring.getSymName()
               << "' has no depth yet; tile-plan-resources decides it";
      ringIds[ring] = protocol.rings.size();
      RingInfo info;
      info.op = ring;
      info.depth = static_cast<int64_t>(ring.getDepth());
      info.cluster = ring.getSharers();
      protocol.rings.push_back(info);
    }
    for (auto role : protocol.kernel.getBody().getOps<tile::RoleOp>()) {
      protocol.roles.push_back({role, {}});
      addUsers(role);
      std::optional<Nodes> body = buildBlock(role.getBody().front());
      if (!body)
        return failure();
      protocol.roles.back().body = std::move(*body);
    }
    for (auto [i, user] : llvm::enumerate(protocol.users))
      if (user.part == RingPart::Contributor)
        protocol.rings[user.ring].users.push_back(i);
    for (auto [i, user] : llvm::enumerate(protocol.users))
      if (user.part != RingPart::Contributor)
        protocol.rings[user.ring].users.push_back(i);
    return success();
  }

private:
  using Nodes = std::vector<RingNode>;

  /// Unrolled are loops of few iterations and few events: then trip counts that
  /// are below the depth need no induction, and roles may write such a loop in
  /// different ways.
  static constexpr int64_t unrolledIterations = 16, unrolledEvents = 64;

  unsigned getRing(Operation *op, pipe::SlotType type) {
    return ringIds.lookup(pipe::RingOp::lookup(op, type.getRing()));
  }

  unsigned getUser(unsigned ring, RingPart part, Operation *op) {
    unsigned role = protocol.roles.size() - 1;
    for (auto [i, user] : llvm::enumerate(protocol.users))
      if (user.ring == ring && user.role == role && user.part == part)
        return i;
    protocol.users.push_back({ring, role, part, op});
    return protocol.users.size() - 1;
  }

  /// Who names a ring takes part in it, even in a loop of no iterations: the
  /// others await it.
  void addUsers(tile::RoleOp role) {
    role.walk([&](Operation *op) {
      if (!isa<pipe::AcquirePutOp, pipe::AcquireGetOp>(op))
        return;
      unsigned ring =
          getRing(op, cast<pipe::SlotType>(op->getResult(0).getType()));
      if (!protocol.rings[ring].isEngine())
        getUser(ring,
                isa<pipe::AcquirePutOp>(op) ? RingPart::Contributor
                                            : RingPart::Consumer,
                op);
    });
  }

  static int64_t countEvents(const Nodes &nodes) {
    int64_t count = 0;
    for (const RingNode &node : nodes)
      count += node.kind == RingNode::Event
                   ? 1
                   : countEvents(node.children) + countEvents(node.otherwise);
    return count;
  }

  /// Whether an event of a ring between roles is among the nodes.
  bool hasRoleRing(const Nodes &nodes) {
    return llvm::any_of(nodes, [&](const RingNode &node) {
      if (node.kind == RingNode::Event)
        return !protocol.rings[protocol.users[node.user].ring].isEngine();
      return hasRoleRing(node.children) || hasRoleRing(node.otherwise);
    });
  }

  /// The largest cluster that shares a ring of the nodes.
  int64_t getCluster(const Nodes &nodes) {
    int64_t cluster = 1;
    for (const RingNode &node : nodes) {
      if (node.kind == RingNode::Event)
        cluster = std::max(
            cluster, protocol.rings[protocol.users[node.user].ring].cluster);
      else
        cluster = std::max(
            {cluster, getCluster(node.children), getCluster(node.otherwise)});
    }
    return cluster;
  }

  std::optional<Nodes> buildBlock(Block &block) {
    Nodes nodes;
    for (Operation &op : block)
      if (failed(build(op, nodes)))
        return std::nullopt;
    return nodes;
  }

  LogicalResult build(Operation &op, Nodes &nodes) {
    if (std::optional<RingEventKind> kind = getRingEventKind(&op))
      return buildEvent(&op, *kind, nodes);
    if (auto elect = dyn_cast<tma::ElectOp>(op); elect && issues(elect, nodes))
      return success();
    return TypeSwitch<Operation *, LogicalResult>(&op)
        .Case([&](scf::ForOp loop) { return buildFor(loop, nodes); })
        .Case([&](tile::ForEachOp loop) { return buildForEach(loop, nodes); })
        .Case([&](scf::IfOp branch) { return buildIf(branch, nodes); })
        .Default([&](Operation *other) { return checkOpaque(other); });
  }

  /// Other operations neither contain events nor wait for what others do.
  LogicalResult checkOpaque(Operation *op) {
    WalkResult walk = op->walk([&](Operation *inner) {
      if (getRingEventKind(inner)) {
        InFlightDiagnostic diag = inner->emitError(
            "is inside a construct that is no loop and no branch; that the "
            "rings are used rightly cannot be proved");
        diag.attachNote(op->getLoc()) << "the construct is here";
        return WalkResult::interrupt();
      }
      auto effects = dyn_cast<MemoryEffectOpInterface>(inner);
      if (!effects || isa<tma::WaitGroupOp>(inner))
        return WalkResult::advance();
      SmallVector<MemoryEffects::EffectInstance> instances;
      effects.getEffects(instances);
      for (const MemoryEffects::EffectInstance &effect : instances)
        if (isa<MemoryEffects::Read>(effect.getEffect()) &&
            effect.getResource() == Barriers::get()) {
          inner->emitError("waits at a barrier that is not a ring's ('")
              << inner->getName()
              << "'); that no role waits for ever cannot be proved";
          return WalkResult::interrupt();
        }
      return WalkResult::advance();
    });
    return failure(walk.wasInterrupted());
  }

  LogicalResult buildEvent(Operation *op, RingEventKind kind, Nodes &nodes) {
    RingNode node;
    node.op = op;
    node.event = kind;
    if (auto drain = dyn_cast<pipe::DrainOp>(op)) {
      pipe::RingOp ring = pipe::RingOp::lookup(op, drain.getRingAttr());
      node.user = getUser(ringIds.lookup(ring), RingPart::Contributor, op);
      nodes.push_back(std::move(node));
      return success();
    }
    Value slot = kind == RingEventKind::Put || kind == RingEventKind::Get
                     ? op->getResult(0)
                     : op->getOperand(0);
    unsigned ring = getRing(op, cast<pipe::SlotType>(slot.getType()));
    if (kind == RingEventKind::Put || kind == RingEventKind::Get) {
      node.slot = nextSlot++;
      slots[slot] = node.slot;
      node.user = getUser(ring,
                          kind == RingEventKind::Put ? RingPart::Contributor
                                                     : RingPart::Consumer,
                          op);
    } else {
      Operation *acquire = slot.getDefiningOp();
      bool put = isa_and_present<pipe::AcquirePutOp>(acquire);
      if (!put && !isa_and_present<pipe::AcquireGetOp>(acquire))
        return op->emitError("a slot that a loop or a branch carries: that it "
                             "is given back once cannot be proved");
      if (put != (kind == RingEventKind::Commit))
        return op->emitError(put ? "releases a slot that was put, not got"
                                 : "commits a slot that was got, not put");
      node.slot = slots.lookup(slot);
      node.user = getUser(
          ring, put ? RingPart::Contributor : RingPart::Consumer, acquire);
    }
    nodes.push_back(std::move(node));
    // Nothing reads the slot: the engine has it at once.
    if (kind == RingEventKind::Commit && protocol.rings[ring].isEngine() &&
        !findIssue(slot))
      addIssue(ring, slot, op, nodes);
    return success();
  }

  /// The operation after which the engine reads a slot of its own ring.
  static tma::ElectOp findIssue(Value slot) {
    tma::ElectOp last;
    SmallVector<Value> views = {slot};
    while (!views.empty())
      for (Operation *user : views.pop_back_val().getUsers()) {
        if (isa<AsyncReaderInterface>(user)) {
          auto elect = user->getParentOfType<tma::ElectOp>();
          if (elect && (!last || (elect->getBlock() == last->getBlock() &&
                                  last->isBeforeInBlock(elect))))
            last = elect;
        } else if (isPure(user)) {
          llvm::append_range(views, user->getResults());
        }
      }
    return last;
  }

  void addIssue(unsigned ring, Value slot, Operation *op, Nodes &nodes) {
    RingNode node;
    node.op = op;
    node.event = RingEventKind::Issue;
    node.slot = slots.lookup(slot);
    node.user = getUser(ring, RingPart::Engine, slot.getDefiningOp());
    nodes.push_back(std::move(node));
  }

  /// Whether the elected thread hands slots to the engine; adds the events.
  bool issues(tma::ElectOp elect, Nodes &nodes) {
    llvm::SmallSetVector<Value, 2> found;
    elect.walk([&](AsyncReaderInterface reader) {
      for (Value view : reader.getAsyncReads())
        if (Value slot = pipe::getSlotOf(view))
          if (isa_and_present<pipe::AcquirePutOp>(slot.getDefiningOp()) &&
              findIssue(slot) == elect)
            found.insert(slot);
    });
    for (Value slot : found) {
      unsigned ring = getRing(elect, cast<pipe::SlotType>(slot.getType()));
      if (protocol.rings[ring].isEngine())
        addIssue(ring, slot, elect, nodes);
    }
    return !found.empty();
  }

  //===--------------------------------------------------------------------===//
  // Loops and branches
  //===--------------------------------------------------------------------===//

  /// What steers events of rings between roles must be agreed on by all of
  /// them; what steers those of the engine by the threads of a group.
  LogicalResult checkControl(Operation *op, const ControlFacts &facts,
                             const Nodes &yes, const Nodes &no,
                             StringRef what) {
    if (hasRoleRing(yes) || hasRoleRing(no)) {
      if (!facts.isAgreed()) {
        InFlightDiagnostic diag =
            op->emitError() << what << " depends on " << facts.reason
                            << ", on which the roles of a pipe need not agree: "
                               "that they take equally many slots cannot be "
                               "proved";
        diag.attachNote(facts.disagreement->getLoc()) << "it comes from here";
        return diag;
      }
      if (facts.perCTA && std::max(getCluster(yes), getCluster(no)) > 1)
        return op->emitError()
               << what
               << " may differ between the CTAs of a cluster that share a ring "
                  "in it";
      for (Value tensor : facts.reads)
        if (!llvm::is_contained(protocol.constantTensors, tensor))
          protocol.constantTensors.push_back(tensor);
    } else if (facts.perThread) {
      InFlightDiagnostic diag =
          op->emitError() << what
                          << " may differ between the threads of a warpgroup, "
                             "which stores through shared memory in it";
      if (facts.disagreement)
        diag.attachNote(facts.disagreement->getLoc()) << "it comes from here";
      return diag;
    }
    return success();
  }

  unsigned getKey(const void *iterator, unsigned trips) {
    std::tuple<const void *, unsigned, unsigned> key(iterator, trips, level);
    return loopKeys.insert({key, static_cast<unsigned>(loopKeys.size())})
        .first->second;
  }

  LogicalResult buildFor(scf::ForOp loop, Nodes &nodes) {
    ControlValues::Form trips = values.getTripCount(loop);
    std::optional<int64_t> constant = values.getConstantValue(trips);
    if (constant && loop.getUnsignedCmp())
      constant.reset();
    if (constant && *constant <= 0)
      return success();
    if (constant && *constant <= unrolledIterations) {
      Nodes copies;
      for (int64_t i = 0; i < *constant; ++i) {
        values.enterIteration(loop, i);
        std::optional<Nodes> body = buildBlock(*loop.getBody());
        if (!body)
          return failure();
        if (body->empty())
          return success();
        if (countEvents(*body) * *constant > unrolledEvents)
          break;
        llvm::append_range(copies, *body);
        if (i + 1 == *constant) {
          llvm::append_range(nodes, copies);
          return success();
        }
      }
    }
    RingNode node;
    node.kind = RingNode::Loop;
    node.op = loop;
    node.trips = trips;
    node.key = getKey(loop.getUnsignedCmp() ? this : nullptr, trips);
    values.enter(loop, level, trips);
    std::optional<Nodes> body = buildBody(*loop.getBody());
    if (!body)
      return failure();
    if (body->empty())
      return success();
    if (failed(checkControl(loop, values.getFacts(trips), *body, {},
                            "the number of iterations of this loop")))
      return failure();
    node.children = std::move(*body);
    nodes.push_back(std::move(node));
    return success();
  }

  LogicalResult buildForEach(tile::ForEachOp loop, Nodes &nodes) {
    RingNode node;
    node.kind = RingNode::Loop;
    node.op = loop;
    node.key = getKey(loop.getIter().getAsOpaquePointer(), 0);
    values.enter(loop, level);
    std::optional<Nodes> body = buildBody(loop.getBody().front());
    if (!body)
      return failure();
    if (body->empty())
      return success();
    auto tiles = loop.getIter().getDefiningOp<tile::TilesOp>();
    if (!tiles && hasRoleRing(*body))
      return loop.emitError("the iterator is none that the kernel declares; "
                            "that all roles replay the same one cannot be "
                            "proved");
    node.children = std::move(*body);
    nodes.push_back(std::move(node));
    return success();
  }

  std::optional<Nodes> buildBody(Block &block) {
    ++level;
    llvm::scope_exit restore([&] { --level; });
    return buildBlock(block);
  }

  LogicalResult buildIf(scf::IfOp branch, Nodes &nodes) {
    RingNode node;
    node.kind = RingNode::Branch;
    node.op = branch;
    node.condition = values.getCondition(branch.getCondition());
    std::optional<Nodes> yes = buildBlock(*branch.thenBlock());
    std::optional<Nodes> no = Nodes();
    if (branch.elseBlock())
      no = buildBlock(*branch.elseBlock());
    if (!yes || !no)
      return failure();
    if (node.condition.constant) {
      llvm::append_range(nodes, *node.condition.constant ? *yes : *no);
      return success();
    }
    if (yes->empty() && no->empty())
      return success();
    if (failed(checkControl(branch, values.getConditionFacts(node.condition.id),
                            *yes, *no, "the condition")))
      return failure();
    node.children = std::move(*yes);
    node.otherwise = std::move(*no);
    if (!node.condition.holds)
      std::swap(node.children, node.otherwise);
    nodes.push_back(std::move(node));
    return success();
  }

  RingProtocol &protocol;
  ControlValues &values;
  DenseMap<Operation *, unsigned> ringIds;
  DenseMap<Value, unsigned> slots;
  unsigned nextSlot = 0;
  unsigned level = 0;
  std::map<std::tuple<const void *, unsigned, unsigned>, unsigned> loopKeys;
};

} // namespace tilewright

FailureOr<std::unique_ptr<RingProtocol>>
RingProtocol::build(tile::KernelOp kernel) {
  std::unique_ptr<RingProtocol> protocol(new RingProtocol(kernel));
  if (failed(ProgramBuilder(*protocol).run()))
    return failure();
  return protocol;
}

void RingProtocol::assumeDepth(pipe::RingOp ring, int64_t depth) {
  for (RingInfo &info : rings)
    if (info.op == ring)
      info.depth = depth;
}
