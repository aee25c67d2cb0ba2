//===- BarrierMutants.cpp - one wrong barrier at a time -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BarrierMutants.h"
#include "tilewright/Dialect/MMA/MMADialect.h"
#include "tilewright/Dialect/Resources.h"
#include "tilewright/Dialect/TMA/TMADialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tilewright;
using Kind = BarrierMutant::Kind;

StringRef BarrierMutant::kindName() const {
  static constexpr StringLiteral names[] = {
      "drop",           "duplicate",       "move earlier",    "move later",
      "flip parity",    "next place",      "other side",      "other ring",
      "more bytes",     "fewer bytes",     "no bytes",        "toggle per_warp",
      "full count + 1", "full count - 1",  "empty count + 1", "empty count - 1",
      "always ready",   "pending + 1",     "pending - 1",     "other barrier",
      "elect per warp", "elect per group", "elect nobody",    "other slot",
      "skip update",    "always first",    "always second"};
  return names[kind];
}

static pipe::Side other(pipe::Side side) {
  return side == pipe::Side::Full ? pipe::Side::Empty : pipe::Side::Full;
}

/// Operations whose order matters to barriers: what touches them, shared
/// memory or the tensor cores, and regions that may.
static bool isNeighbour(Operation *op) {
  if (isa<mma::PinOp>(op))
    return false;
  if (op->getNumRegions() != 0)
    return true;
  auto interface = dyn_cast<MemoryEffectOpInterface>(op);
  if (!interface)
    return false;
  SmallVector<MemoryEffects::EffectInstance> effects;
  interface.getEffects(effects);
  return llvm::any_of(effects, [](const MemoryEffects::EffectInstance &effect) {
    return isa<Barriers, SharedMemory, AsyncSharedMemory, TensorCore>(
        effect.getResource());
  });
}

static Operation *getNeighbour(Operation *op, bool earlier) {
  auto step = [&](Operation *from) {
    return earlier ? from->getPrevNode() : from->getNextNode();
  };
  Operation *at = step(op);
  while (at && !isNeighbour(at))
    at = step(at);
  return at;
}

static std::string describeOp(Operation *op) {
  std::string text = op->getName().getStringRef().str();
  TypeSwitch<Operation *>(op)
      .Case<pipe::WaitOp, pipe::TryWaitOp, pipe::ArriveOp>([&](auto barrier) {
        text += " @" + barrier.getRing().str() + " " +
                stringifySide(barrier.getSide()).str();
      })
      .Case([&](pipe::SlotAtOp at) { text += " @" + at.getRing().str(); })
      .Case([&](pipe::RingOp ring) { text += " @" + ring.getSymName().str(); });
  return text;
}

std::string BarrierMutant::describe() const { return describeOp(op); }

std::string BarrierMutant::describeNeighbour() const {
  if (kind != Earlier && kind != Later)
    return "";
  return describeOp(getNeighbour(op, kind == Earlier));
}

//===----------------------------------------------------------------------===//
// Which there are
//===----------------------------------------------------------------------===//

/// Pure operations between `before` and `op` that it needs, in order; false if
/// it needs another one.
static bool collectNeeded(Operation *op, Operation *before,
                          llvm::SetVector<Operation *> &needed) {
  bool ok = true;
  op->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands()) {
      Operation *def = operand.getDefiningOp();
      if (!def || def->getBlock() != op->getBlock() ||
          def->isBeforeInBlock(before))
        continue;
      if (def == before || !isMemoryEffectFree(def) ||
          !collectNeeded(def, before, needed)) {
        ok = false;
        return;
      }
      needed.insert(def);
    }
  });
  return ok;
}

static bool canMove(Operation *op, bool earlier) {
  Operation *neighbour = getNeighbour(op, earlier);
  if (!neighbour)
    return false;
  llvm::SetVector<Operation *> needed;
  if (earlier)
    return collectNeeded(op, neighbour, needed);
  for (Operation *user : op->getUsers()) {
    Operation *ancestor = op->getBlock()->findAncestorOpInBlock(*user);
    if (ancestor &&
        (ancestor == neighbour || ancestor->isBeforeInBlock(neighbour)))
      return false;
  }
  return true;
}

/// Operations from which places and parities of rings between roles come.
static llvm::SetVector<Operation *> collectCounters(tile::KernelOp kernel) {
  llvm::SetVector<Value> values;
  auto add = [&](Value value) {
    if (value.getType().isInteger(32))
      values.insert(value);
  };
  auto addCarried = [&](LoopLikeOpInterface loop, unsigned number) {
    add(loop.getInits()[number]);
    add(loop.getYieldedValues()[number]);
  };
  kernel.walk([&](Operation *op) {
    if (isa<pipe::WaitOp, pipe::TryWaitOp, pipe::ArriveOp>(op))
      for (Value operand : op->getOperands())
        add(operand);
  });
  llvm::SetVector<Operation *> ops;
  for (size_t i = 0; i < values.size(); ++i) {
    Value value = values[i];
    if (auto arg = dyn_cast<BlockArgument>(value)) {
      auto loop = dyn_cast<LoopLikeOpInterface>(arg.getOwner()->getParentOp());
      for (auto [number, carried] : llvm::enumerate(
               loop ? loop.getRegionIterArgs() : Block::BlockArgListType()))
        if (carried == arg)
          addCarried(loop, static_cast<unsigned>(number));
      continue;
    }
    Operation *op = value.getDefiningOp();
    if (auto loop = dyn_cast<LoopLikeOpInterface>(op)) {
      addCarried(loop, cast<OpResult>(value).getResultNumber());
      continue;
    }
    ops.insert(op);
    for (Value operand : op->getOperands())
      add(operand);
  }
  return ops;
}

namespace {

class MutantList {
public:
  explicit MutantList(tile::KernelOp kernel) : kernel(kernel) {
    for (auto ring : kernel.getBody().getOps<pipe::RingOp>())
      if (ring.getConsumer() == pipe::Consumer::Roles)
        barrierRings.push_back(ring);
  }

  std::vector<BarrierMutant> run() {
    for (pipe::RingOp ring : barrierRings)
      for (Kind kind : {Kind::FullCountUp, Kind::FullCountDown,
                        Kind::EmptyCountUp, Kind::EmptyCountDown})
        add(kind, ring);
    counters = collectCounters(kernel);
    kernel.walk<WalkOrder::PreOrder>([&](Operation *op) { visit(op); });
    return std::move(mutants);
  }

private:
  void add(Kind kind, Operation *op) { mutants.push_back({kind, op}); }

  void addCommon(Operation *op) {
    add(Kind::Drop, op);
    add(Kind::Duplicate, op);
    if (canMove(op, /*earlier=*/true))
      add(Kind::Earlier, op);
    if (canMove(op, /*earlier=*/false))
      add(Kind::Later, op);
  }

  /// In a ring of one slot the next place is this one.
  void addNextPlace(Operation *op) {
    pipe::RingOp ring =
        pipe::RingOp::lookup(op, op->getAttrOfType<FlatSymbolRefAttr>("ring"));
    if (!ring || ring.getDepth() * ring.getInstances().value_or(1) > 1)
      add(Kind::NextPlace, op);
  }

  void addBarrier(Operation *op) {
    addCommon(op);
    addNextPlace(op);
    add(Kind::OtherSide, op);
    if (barrierRings.size() > 1)
      add(Kind::OtherRing, op);
  }

  void visit(Operation *op) {
    if (counters.contains(op))
      visitCounter(op);
    TypeSwitch<Operation *>(op)
        .Case([&](pipe::WaitOp wait) {
          addBarrier(op);
          add(Kind::FlipParity, op);
          if (wait.getReady())
            add(Kind::AlwaysReady, op);
        })
        .Case([&](pipe::TryWaitOp) {
          addBarrier(op);
          add(Kind::FlipParity, op);
        })
        .Case([&](pipe::ArriveOp arrive) {
          addBarrier(op);
          add(Kind::TogglePerWarp, op);
          if (arrive.getExpect() == 0)
            return;
          add(Kind::MoreBytes, op);
          add(Kind::FewerBytes, op);
          add(Kind::NoBytes, op);
        })
        .Case([&](pipe::SlotAtOp) { addNextPlace(op); })
        .Case([&](pipe::SendOp) { addCommon(op); })
        .Case([&](tma::LoadOp) { add(Kind::OtherSlot, op); })
        .Case([&](pipe::GroupBarrierOp) {
          addCommon(op);
          add(Kind::OtherBarrier, op);
        })
        .Case<pipe::ProxyFenceOp, mma::FenceOp, mma::CommitOp,
              tma::CommitGroupOp>([&](auto) { addCommon(op); })
        .Case<mma::WaitOp, tma::WaitGroupOp>([&](auto wait) {
          addCommon(op);
          add(Kind::MorePending, op);
          if (wait.getPending() > 0)
            add(Kind::FewerPending, op);
        })
        .Case([&](tma::ElectOp elect) {
          // Whole regions: all that one thread does.
          if (canMove(op, /*earlier=*/true))
            add(Kind::Earlier, op);
          if (canMove(op, /*earlier=*/false))
            add(Kind::Later, op);
          if (elect.getGroup() || elect.getRole())
            add(Kind::ElectWarp, op);
          if (elect.getRole())
            add(Kind::ElectGroup, op);
          add(Kind::ElectNobody, op);
        });
  }

  /// What keeps count of places and phases: an update left out, a choice made
  /// once and for all.
  void visitCounter(Operation *op) {
    if (isa<arith::AddIOp, arith::XOrIOp>(op))
      add(Kind::SkipUpdate, op);
    if (isa<arith::SelectOp>(op)) {
      add(Kind::AlwaysFirst, op);
      add(Kind::AlwaysSecond, op);
    }
  }

  tile::KernelOp kernel;
  SmallVector<pipe::RingOp> barrierRings;
  llvm::SetVector<Operation *> counters;
  std::vector<BarrierMutant> mutants;
};

} // namespace

std::vector<BarrierMutant>
tilewright::listBarrierMutants(tile::KernelOp kernel) {
  return MutantList(kernel).run();
}

//===----------------------------------------------------------------------===//
// Making the change
//===----------------------------------------------------------------------===//

static void drop(Operation *op) {
  OpBuilder builder(op);
  if (auto wait = dyn_cast<mma::WaitOp>(op)) {
    wait->replaceAllUsesWith(wait.getValues());
  } else if (auto ask = dyn_cast<pipe::TryWaitOp>(op)) {
    ask.getReady().replaceAllUsesWith(
        arith::ConstantIntOp::create(builder, op->getLoc(), 0, 1));
  }
  op->erase();
}

static void duplicate(Operation *op) {
  OpBuilder builder(op->getContext());
  builder.setInsertionPointAfter(op);
  Operation *copy = builder.clone(*op);
  if (auto wait = dyn_cast<mma::WaitOp>(op)) {
    wait->replaceAllUsesWith(copy->getResults());
    copy->setOperands(wait->getResults());
  }
}

static void move(Operation *op, bool earlier) {
  Operation *neighbour = getNeighbour(op, earlier);
  if (!earlier) {
    op->moveAfter(neighbour);
    return;
  }
  llvm::SetVector<Operation *> needed;
  collectNeeded(op, neighbour, needed);
  for (Operation *def : needed)
    def->moveBefore(neighbour);
  op->moveBefore(neighbour);
}

/// The place after `index`, of `places`.
static Value nextPlace(OpBuilder &builder, Location loc, Value index,
                       int64_t places) {
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIntOp::create(builder, loc, value, 32);
  };
  Value next = arith::AddIOp::create(builder, loc, index, constant(1));
  Value wraps = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                      next, constant(places));
  return arith::SelectOp::create(builder, loc, wraps, constant(0), next);
}

static int64_t getPlaces(Operation *op, FlatSymbolRefAttr name) {
  pipe::RingOp ring = pipe::RingOp::lookup(op, name);
  return static_cast<int64_t>(ring.getDepth() *
                              ring.getInstances().value_or(1));
}

static void retarget(Operation *op) {
  OpBuilder builder(op);
  Location loc = op->getLoc();
  TypeSwitch<Operation *>(op)
      .Case<pipe::WaitOp, pipe::TryWaitOp, pipe::ArriveOp, pipe::SlotAtOp>(
          [&](auto user) {
            Value next = nextPlace(builder, loc, user.getIndex(),
                                   getPlaces(op, user.getRingAttr()));
            user.getIndexMutable().assign(next);
          });
}

/// The bytes of a load arrive at the barrier of the slot after its own.
static void arriveElsewhere(tma::LoadOp load) {
  auto at = load.getSlot().getDefiningOp<pipe::SlotAtOp>();
  OpBuilder builder(load);
  Value next = nextPlace(builder, load.getLoc(), at.getIndex(),
                         getPlaces(load, at.getRingAttr()));
  Value slot = pipe::SlotAtOp::create(builder, load.getLoc(), at.getType(),
                                      at.getRingAttr(), next);
  load.getSlotMutable().assign(slot);
}

static void changeRing(Operation *op) {
  auto kernel = op->getParentOfType<tile::KernelOp>();
  auto name = op->getAttrOfType<FlatSymbolRefAttr>("ring");
  for (auto ring : kernel.getBody().getOps<pipe::RingOp>())
    if (ring.getConsumer() == pipe::Consumer::Roles &&
        ring.getSymNameAttr() != name.getAttr()) {
      op->setAttr("ring", FlatSymbolRefAttr::get(ring.getSymNameAttr()));
      return;
    }
}

static void changeSide(Operation *op) {
  TypeSwitch<Operation *>(op)
      .Case<pipe::WaitOp, pipe::TryWaitOp, pipe::ArriveOp>(
          [&](auto user) { user.setSide(other(user.getSide())); });
}

static void flipParity(Operation *op) {
  OpBuilder builder(op);
  TypeSwitch<Operation *>(op).Case<pipe::WaitOp, pipe::TryWaitOp>(
      [&](auto wait) {
        Value one = arith::ConstantIntOp::create(builder, op->getLoc(), 1, 32);
        Value flipped =
            arith::XOrIOp::create(builder, op->getLoc(), wait.getParity(), one);
        wait.getParityMutable().assign(flipped);
      });
}

/// The smallest copy into the slots of the arrival's ring: bytes that one
/// might forget.
static int64_t getBoxBytes(pipe::ArriveOp arrive) {
  int64_t bytes = static_cast<int64_t>(arrive.getExpect());
  for (Operation &op : *arrive->getBlock())
    if (auto filler = dyn_cast<SlotFillerInterface>(op))
      bytes = std::min(bytes, filler.getTransactionBytes());
  return bytes;
}

static void changeBytes(pipe::ArriveOp arrive, int64_t by) {
  arrive.setExpect(
      static_cast<uint64_t>(static_cast<int64_t>(arrive.getExpect()) + by));
}

static void changePending(Operation *op, int64_t by) {
  TypeSwitch<Operation *>(op).Case<mma::WaitOp, tma::WaitGroupOp>(
      [&](auto wait) {
        wait.setPending(static_cast<uint64_t>(
            static_cast<int64_t>(wait.getPending()) + by));
      });
}

/// Every thread runs what one did.
static void electNobody(tma::ElectOp elect) {
  Block &body = elect.getBody().front();
  for (Operation &op : llvm::make_early_inc_range(body))
    op.moveBefore(elect);
  elect.erase();
}

void tilewright::applyBarrierMutant(const BarrierMutant &mutant) {
  Operation *op = mutant.op;
  switch (mutant.kind) {
  case Kind::Drop:
    return drop(op);
  case Kind::Duplicate:
    return duplicate(op);
  case Kind::Earlier:
  case Kind::Later:
    return move(op, mutant.kind == Kind::Earlier);
  case Kind::FlipParity:
    return flipParity(op);
  case Kind::NextPlace:
    return retarget(op);
  case Kind::OtherSide:
    return changeSide(op);
  case Kind::OtherRing:
    return changeRing(op);
  case Kind::MoreBytes:
    return changeBytes(cast<pipe::ArriveOp>(op),
                       getBoxBytes(cast<pipe::ArriveOp>(op)));
  case Kind::FewerBytes:
    return changeBytes(cast<pipe::ArriveOp>(op),
                       -getBoxBytes(cast<pipe::ArriveOp>(op)) / 2);
  case Kind::NoBytes:
    return cast<pipe::ArriveOp>(op).setExpect(0);
  case Kind::TogglePerWarp: {
    auto arrive = cast<pipe::ArriveOp>(op);
    return arrive.setPerWarp(!arrive.getPerWarp());
  }
  case Kind::FullCountUp:
  case Kind::FullCountDown: {
    auto ring = cast<pipe::RingOp>(op);
    uint64_t count = ring.getFullCount().value_or(0);
    return ring.setFullCount(mutant.kind == Kind::FullCountUp ? count + 1
                                                              : count - 1);
  }
  case Kind::EmptyCountUp:
  case Kind::EmptyCountDown: {
    auto ring = cast<pipe::RingOp>(op);
    uint64_t count = ring.getEmptyCount().value_or(0);
    return ring.setEmptyCount(mutant.kind == Kind::EmptyCountUp ? count + 1
                                                                : count - 1);
  }
  case Kind::AlwaysReady: {
    OpBuilder builder(op);
    Value yes = arith::ConstantIntOp::create(builder, op->getLoc(), 1, 1);
    return cast<pipe::WaitOp>(op).getReadyMutable().assign(yes);
  }
  case Kind::MorePending:
  case Kind::FewerPending:
    return changePending(op, mutant.kind == Kind::MorePending ? 1 : -1);
  case Kind::OtherBarrier: {
    auto barrier = cast<pipe::GroupBarrierOp>(op);
    return barrier.setId(barrier.getId() + 1);
  }
  case Kind::ElectWarp:
  case Kind::ElectGroup: {
    auto elect = cast<tma::ElectOp>(op);
    elect.setRole(false);
    return elect.setGroup(mutant.kind == Kind::ElectGroup);
  }
  case Kind::ElectNobody:
    return electNobody(cast<tma::ElectOp>(op));
  case Kind::OtherSlot:
    return arriveElsewhere(cast<tma::LoadOp>(op));
  case Kind::SkipUpdate:
    return op->getResult(0).replaceAllUsesWith(op->getOperand(0));
  case Kind::AlwaysFirst:
  case Kind::AlwaysSecond:
    return op->getResult(0).replaceAllUsesWith(
        op->getOperand(mutant.kind == Kind::AlwaysFirst ? 1 : 2));
  }
}
