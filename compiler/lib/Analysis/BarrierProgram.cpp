//===- BarrierProgram.cpp - from explicit barriers to small programs ------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Analysis/BarrierProgram.h"
#include "BarrierArith.h"
#include "tilewright/Dialect/MMA/MMADialect.h"
#include "tilewright/Dialect/Resources.h"
#include "tilewright/Dialect/TMA/TMADialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tilewright;
using Inst = BarrierInst;

/// Integers that a register can hold; 0 for other types.
static unsigned getWidth(Type type) {
  if (type.isIndex())
    return 64;
  auto integer = dyn_cast<IntegerType>(type);
  return integer && integer.getWidth() <= 64 ? integer.getWidth() : 0;
}

//===----------------------------------------------------------------------===//
// Which integers matter
//===----------------------------------------------------------------------===//

namespace {

/// The values that places, parities, bounds and conditions depend on.
class NeededValues {
public:
  explicit NeededValues(tile::KernelOp kernel) {
    kernel.walk([&](Operation *op) {
      if (isa<pipe::WaitOp, pipe::TryWaitOp, pipe::ArriveOp, pipe::SlotAtOp>(
              op)) {
        for (Value operand : op->getOperands())
          add(operand);
      } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
        add(loop.getLowerBound());
        add(loop.getUpperBound());
        add(loop.getStep());
      } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
        add(branch.getCondition());
      }
    });
    while (!work.empty())
      follow(work.pop_back_val());
  }
  bool contains(Value value) const { return values.contains(value); }

private:
  void add(Value value) {
    if (getWidth(value.getType()) && values.insert(value).second)
      work.push_back(value);
  }

  void follow(Value value) {
    if (auto arg = dyn_cast<BlockArgument>(value)) {
      auto loop = dyn_cast<LoopLikeOpInterface>(arg.getOwner()->getParentOp());
      if (!loop)
        return;
      for (auto [i, iterArg] : llvm::enumerate(loop.getRegionIterArgs()))
        if (iterArg == arg)
          addCarried(loop, i);
      return;
    }
    Operation *op = value.getDefiningOp();
    unsigned number = cast<OpResult>(value).getResultNumber();
    if (auto loop = dyn_cast<LoopLikeOpInterface>(op);
        loop && !loop.getRegionIterArgs().empty())
      return addCarried(loop, number);
    if (auto branch = dyn_cast<scf::IfOp>(op)) {
      add(branch.thenYield().getOperand(number));
      add(branch.elseYield().getOperand(number));
      return;
    }
    for (Value operand : op->getOperands())
      add(operand);
  }

  void addCarried(LoopLikeOpInterface loop, unsigned number) {
    if (number >= loop.getRegionIterArgs().size())
      return;
    add(loop.getRegionIterArgs()[number]);
    add(loop.getInits()[number]);
    add(loop.getYieldedValues()[number]);
  }

  llvm::DenseSet<Value> values;
  SmallVector<Value> work;
};

//===----------------------------------------------------------------------===//
// Translation
//===----------------------------------------------------------------------===//

class Translator {
public:
  Translator(const NeededValues &needed, const llvm::StringMap<int> &rings)
      : needed(needed), rings(rings) {}

  llvm::DenseMap<Value, int> regs;
  int numRegs = 0;
  BarrierThreads threads = BarrierThreads::All;
  Operation *role = nullptr;

  int define(Value value) { return regs[value] = numRegs++; }
  int lookup(Value value) {
    auto it = regs.find(value);
    return it == regs.end() ? -1 : it->second;
  }

  LogicalResult translate(Block &block, std::vector<Inst> &into) {
    for (Operation &op : block)
      if (failed(translate(&op, into)))
        return failure();
    return success();
  }

  LogicalResult translate(Operation *op, std::vector<Inst> &into) {
    Inst inst;
    inst.op = op;
    inst.threads = threads;
    FailureOr<bool> used =
        TypeSwitch<Operation *, FailureOr<bool>>(op)
            .Case([&](scf::ForOp loop) { return translateFor(loop, inst); })
            .Case([&](tile::ForEachOp loop) {
              return translateForEach(loop, inst);
            })
            .Case([&](scf::IfOp branch) { return translateIf(branch, inst); })
            .Case(
                [&](tma::ElectOp elect) { return translateElect(elect, inst); })
            .Default([&](Operation *) { return translateLeaf(op, inst); });
    if (failed(used))
      return failure();
    if (*used)
      into.push_back(std::move(inst));
    return success();
  }

private:
  //===--------------------------------------------------------------------===//
  // Regions
  //===--------------------------------------------------------------------===//

  void carry(LoopLikeOpInterface loop, Inst &inst,
             SmallVectorImpl<unsigned> &carried) {
    for (auto [i, arg] : llvm::enumerate(loop.getRegionIterArgs()))
      if (needed.contains(arg) ||
          needed.contains((*loop.getLoopResults())[i])) {
        carried.push_back(i);
        inst.inits.push_back(lookup(loop.getInits()[i]));
        inst.args.push_back(define(arg));
      }
  }

  LogicalResult endLoop(LoopLikeOpInterface loop, Inst &inst,
                        ArrayRef<unsigned> carried) {
    if (failed(translate(loop.getLoopRegions().front()->front(), inst.body)))
      return failure();
    for (unsigned i : carried)
      inst.yields.push_back(lookup(loop.getYieldedValues()[i]));
    inst.endReg = numRegs;
    for (unsigned i : carried)
      inst.results.push_back(define((*loop.getLoopResults())[i]));
    inst.hasBarriers = containsBarriers(inst.body);
    return success();
  }

  FailureOr<bool> translateFor(scf::ForOp loop, Inst &inst) {
    inst.kind = Inst::Loop;
    inst.a = lookup(loop.getLowerBound());
    inst.b = lookup(loop.getUpperBound());
    inst.c = lookup(loop.getStep());
    inst.firstReg = numRegs;
    inst.indices.push_back(define(loop.getInductionVar()));
    inst.moreReg = numRegs++;
    SmallVector<unsigned> carried;
    carry(loop, inst, carried);
    mores[loop] = inst.moreReg;
    if (failed(endLoop(loop, inst, carried)))
      return failure();
    return true;
  }

  FailureOr<bool> translateForEach(tile::ForEachOp loop, Inst &inst) {
    inst.kind = Inst::ForEach;
    inst.firstReg = numRegs;
    for (Value index : loop.getIndices())
      inst.indices.push_back(define(index));
    if (auto tiles = loop.getIter().getDefiningOp<tile::TilesOp>();
        tiles && tiles.getCluster() > 1)
      inst.clusterIndex = static_cast<int>(tiles.getClusterDim());
    SmallVector<unsigned> carried;
    carry(loop, inst, carried);
    if (failed(endLoop(loop, inst, carried)))
      return failure();
    return true;
  }

  FailureOr<bool> translateIf(scf::IfOp branch, Inst &inst) {
    inst.kind = Inst::If;
    inst.a = lookup(branch.getCondition());
    SmallVector<unsigned> carried;
    for (OpResult result : branch.getResults())
      if (needed.contains(result))
        carried.push_back(result.getResultNumber());
    if (failed(translate(branch.getThenRegion().front(), inst.body)))
      return failure();
    for (unsigned i : carried)
      inst.yields.push_back(lookup(branch.thenYield().getOperand(i)));
    if (!branch.getElseRegion().empty() &&
        failed(translate(branch.getElseRegion().front(), inst.otherwise)))
      return failure();
    for (unsigned i : carried) {
      inst.elseYields.push_back(lookup(branch.elseYield().getOperand(i)));
      inst.results.push_back(define(branch.getResult(i)));
    }
    inst.hasBarriers =
        containsBarriers(inst.body) || containsBarriers(inst.otherwise);
    return true;
  }

  FailureOr<bool> translateElect(tma::ElectOp elect, Inst &inst) {
    if (threads != BarrierThreads::All)
      return elect.emitError("one thread is elected by one thread");
    inst.kind = Inst::Elect;
    threads = elect.getRole()    ? BarrierThreads::Role
              : elect.getGroup() ? BarrierThreads::Group
                                 : BarrierThreads::Warp;
    inst.threads = threads;
    LogicalResult result = translate(elect.getBody().front(), inst.body);
    threads = BarrierThreads::All;
    inst.hasBarriers = containsBarriers(inst.body);
    if (failed(result))
      return failure();
    return true;
  }

  static bool containsBarriers(ArrayRef<Inst> insts) {
    return llvm::any_of(insts, [](const Inst &inst) {
      return inst.kind == Inst::Wait || inst.kind == Inst::Arrive ||
             inst.hasBarriers;
    });
  }

  //===--------------------------------------------------------------------===//
  // Leaves
  //===--------------------------------------------------------------------===//

  FailureOr<bool> translateLeaf(Operation *op, Inst &inst) {
    if (op->getNumRegions() != 0)
      return refuseRegions(op);
    if (auto wait = dyn_cast<pipe::WaitOp>(op)) {
      setBarrier(inst, Inst::Wait, wait.getRing(), wait.getSide(),
                 wait.getIndex());
      inst.b = lookup(wait.getParity());
      inst.c = wait.getReady() ? lookup(wait.getReady()) : -1;
      inst.asks = wait.getReady() != nullptr;
      return true;
    }
    if (auto ask = dyn_cast<pipe::TryWaitOp>(op)) {
      if (ask.getReady().use_empty())
        return op->emitError("asks about a barrier, and nobody wants to know");
      setBarrier(inst, Inst::TryWait, ask.getRing(), ask.getSide(),
                 ask.getIndex());
      inst.b = lookup(ask.getParity());
      inst.result = define(ask.getReady());
      return true;
    }
    if (auto arrive = dyn_cast<pipe::ArriveOp>(op)) {
      setBarrier(inst, Inst::Arrive, arrive.getRing(), arrive.getSide(),
                 arrive.getIndex());
      inst.imm = static_cast<int64_t>(arrive.getExpect());
      inst.perWarp = arrive.getPerWarp();
      return true;
    }
    if (auto at = dyn_cast<pipe::SlotAtOp>(op)) {
      inst.kind = Inst::Copy;
      inst.a = lookup(at.getIndex());
      inst.result = define(at.getSlot());
      return true;
    }
    if (auto filler = dyn_cast<SlotFillerInterface>(op)) {
      inst.kind = Inst::Fill;
      inst.imm = filler.getTransactionBytes();
      if (auto load = dyn_cast<tma::LoadOp>(op)) {
        inst.multicast = static_cast<int64_t>(load.getMulticast());
        if (pipe::getSlotOf(load.getDest()) != load.getSlot())
          return op->emitError("copies into another slot than the one whose "
                               "barrier its bytes arrive at");
      }
      inst.sends = isa<pipe::SendOp>(op);
      return addPlace(inst, filler.getFilledView());
    }
    if (isa<mma::FenceOp>(op))
      return simple(inst, Inst::MMAFence);
    if (isa<mma::CommitOp>(op))
      return simple(inst, Inst::MMACommit);
    if (isa<pipe::ProxyFenceOp>(op))
      return simple(inst, Inst::ProxyFence);
    if (isa<tma::CommitGroupOp>(op))
      return simple(inst, Inst::CommitGroup);
    if (auto wait = dyn_cast<tma::WaitGroupOp>(op))
      return simple(inst, Inst::WaitGroup,
                    static_cast<int64_t>(wait.getPending()));
    if (auto barrier = dyn_cast<pipe::GroupBarrierOp>(op))
      return simple(inst, Inst::GroupBarrier,
                    static_cast<int64_t>(barrier.getId()));
    if (auto wgmma = dyn_cast<mma::WgmmaOp>(op))
      return translateProduct(wgmma, inst);
    if (auto wait = dyn_cast<mma::WaitOp>(op)) {
      for (Value value : wait.getValues())
        if (auto wgmma = value.getDefiningOp<mma::WgmmaOp>())
          inst.products.push_back(products.lookup(wgmma));
      return simple(inst, Inst::MMAWait,
                    static_cast<int64_t>(wait.getPending()));
    }
    if (auto store = dyn_cast<tma::StoreOp>(op)) {
      inst.kind = Inst::Store;
      return addPlace(inst, store.getSource());
    }
    FailureOr<bool> access = translateAccess(op, inst);
    if (failed(access) || *access)
      return access;
    return translateInteger(op, inst);
  }

  /// Regions that are run in an order which is not known here.
  static FailureOr<bool> refuseRegions(Operation *op) {
    WalkResult result = op->walk([&](Operation *inner) {
      return WalkResult(
          failure(isa<pipe::PipeDialect, tma::TMADialect, mma::MMADialect>(
              inner->getDialect())));
    });
    if (result.wasInterrupted())
      return op->emitError("contains barriers, in a region that the proof of "
                           "barriers does not follow");
    return false;
  }

  static FailureOr<bool> simple(Inst &inst, Inst::Kind kind, int64_t imm = 0) {
    inst.kind = kind;
    inst.imm = imm;
    return true;
  }

  void setBarrier(Inst &inst, Inst::Kind kind, StringRef ring, pipe::Side side,
                  Value index) {
    inst.kind = kind;
    inst.ring = rings.lookup(ring);
    inst.side = side;
    inst.a = lookup(index);
  }

  FailureOr<bool> addPlace(Inst &inst, Value view) {
    Value slot = pipe::getSlotOf(view);
    auto at = slot ? slot.getDefiningOp<pipe::SlotAtOp>() : pipe::SlotAtOp();
    if (!at)
      return inst.op->emitError("touches a slot that a loop or a branch "
                                "carries: which place it has is not known");
    inst.places.push_back({rings.lookup(at.getRing()), lookup(slot)});
    return true;
  }

  FailureOr<bool> translateProduct(mma::WgmmaOp op, Inst &inst) {
    inst.kind = Inst::MMA;
    inst.products.push_back(products[op] = numProducts++);
    for (Value view : op.getAsyncReads())
      if (failed(addPlace(inst, view)))
        return failure();
    for (Operation *user : op.getResult().getUsers())
      if (!isa<mma::WgmmaOp, mma::WaitOp>(user)) {
        InFlightDiagnostic diag =
            op.emitError("the sums of this product are read before a wait");
        diag.attachNote(user->getLoc()) << "here";
        return diag;
      }
    return true;
  }

  /// Ordinary loads and stores of shared memory.
  FailureOr<bool> translateAccess(Operation *op, Inst &inst) {
    auto interface = dyn_cast<MemoryEffectOpInterface>(op);
    if (!interface || isa<mma::PinOp, pipe::OpaqueOp>(op))
      return false;
    SmallVector<MemoryEffects::EffectInstance> effects;
    interface.getEffects(effects);
    bool reads = false, writes = false;
    for (const MemoryEffects::EffectInstance &effect : effects) {
      if (isa<Barriers, AsyncSharedMemory>(effect.getResource()))
        return op->emitError("cannot be followed by the proof of barriers");
      if (!isa<SharedMemory>(effect.getResource()))
        continue;
      (isa<MemoryEffects::Write>(effect.getEffect()) ? writes : reads) = true;
    }
    if (!reads && !writes)
      return false;
    inst.kind = writes ? Inst::Write : Inst::Read;
    for (Value operand : op->getOperands())
      if (isa<tile::ViewType>(operand.getType()) &&
          failed(addPlace(inst, operand)))
        return failure();
    if (Value result = op->getNumResults() ? op->getResult(0) : Value();
        result && needed.contains(result))
      inst.result = define(result);
    return true;
  }

  FailureOr<bool> translateInteger(Operation *op, Inst &inst) {
    if (llvm::none_of(op->getResults(),
                      [&](Value value) { return needed.contains(value); }))
      return false;
    inst.result = define(op->getResult(0));
    inst.width = getWidth(op->getResult(0).getType());
    if (inst.width == 0)
      return false;
    for (Value result : op->getResults().drop_front())
      if (needed.contains(result))
        return op->emitError("cannot be followed by the proof of barriers");
    APInt constant;
    if (matchPattern(op->getResult(0), m_ConstantInt(&constant))) {
      inst.kind = Inst::Constant;
      inst.imm = inst.width == 1 ? static_cast<int64_t>(constant.getZExtValue())
                                 : constant.getSExtValue();
      return true;
    }
    if (auto index = dyn_cast<pipe::ConstantIndexOp>(op)) {
      inst.kind = Inst::Constant;
      inst.imm = static_cast<int64_t>(index.getValue());
      return true;
    }
    if (isa<tile::GroupOp>(op))
      return simple(inst, Inst::Group);
    if (auto element = dyn_cast<tile::LoadElementOp>(op)) {
      auto tensor = dyn_cast<BlockArgument>(element.getTensor());
      for (Value index : element.getIndices())
        inst.indices.push_back(lookup(index));
      return simple(inst, tensor ? Inst::Element : Inst::Unknown,
                    tensor ? tensor.getArgNumber() : 0);
    }
    if (isa<pipe::OpaqueOp>(op)) {
      inst.a = lookup(op->getOperand(0));
      return simple(inst, Inst::Copy);
    }
    if (isa<arith::SelectOp>(op)) {
      inst.a = lookup(op->getOperand(0));
      inst.b = lookup(op->getOperand(1));
      inst.c = lookup(op->getOperand(2));
      return simple(inst, Inst::Select);
    }
    if (auto compare = dyn_cast<arith::CmpIOp>(op)) {
      if (int more = getMore(compare); more >= 0) {
        inst.a = more;
        return simple(inst, Inst::More);
      }
    }
    if (std::optional<unsigned> opcode = getBarrierOpcode(op, inst)) {
      inst.opcode = *opcode;
      inst.a = lookup(op->getOperand(0));
      inst.b = op->getNumOperands() > 1 ? lookup(op->getOperand(1)) : -1;
      inst.kind = Inst::Arith;
      inst.flipsPlaces =
          isa<arith::XOrIOp>(op) &&
          llvm::any_of(op->getOperands(), [](Value operand) {
            return operand.getDefiningOp<arith::ShLIOp>() != nullptr;
          });
      return true;
    }
    return simple(inst, Inst::Unknown);
  }

  /// `iv + step < ub` of a loop around: whether it has another iteration.
  int getMore(arith::CmpIOp op) {
    if (op.getPredicate() != arith::CmpIPredicate::slt)
      return -1;
    auto next = op.getLhs().getDefiningOp<arith::AddIOp>();
    auto arg = next ? dyn_cast<BlockArgument>(next.getLhs()) : BlockArgument();
    auto loop = arg ? dyn_cast<scf::ForOp>(arg.getOwner()->getParentOp())
                    : scf::ForOp();
    if (!loop || loop.getInductionVar() != arg ||
        loop.getStep() != next.getRhs() || loop.getUpperBound() != op.getRhs())
      return -1;
    auto it = mores.find(loop);
    return it == mores.end() ? -1 : it->second;
  }

  const NeededValues &needed;
  const llvm::StringMap<int> &rings;
  llvm::DenseMap<Operation *, int> mores, products;
  int numProducts = 0;
};

/// Waits at the end of a role that take no slot: nothing of the ring follows.
void markDrains(std::vector<Inst> &body) {
  llvm::DenseSet<int> used;
  std::function<void(const Inst &)> collect = [&](const Inst &inst) {
    if (inst.kind == Inst::Arrive && inst.side == pipe::Side::Full)
      used.insert(inst.ring);
    if (inst.kind == Inst::Fill)
      used.insert(inst.places.front().first);
    for (const Inst &inner : inst.body)
      collect(inner);
    for (const Inst &inner : inst.otherwise)
      collect(inner);
  };
  for (Inst &inst : llvm::reverse(body)) {
    if (inst.kind == Inst::Wait && inst.side == pipe::Side::Empty)
      inst.drains = !used.contains(inst.ring);
    collect(inst);
  }
}

/// Which registers loops must remember: the last use of each, in program order;
/// what comes from outside of a loop is used until its end.
class Liveness {
public:
  Liveness(BarrierRole &role) : lastUse(role.numRegs, -1) {
    visit(role.body);
    position = 0;
    mark(role.body);
  }

private:
  void use(int reg) {
    if (reg >= 0)
      lastUse[reg] = std::max(lastUse[reg], position);
  }

  void visit(ArrayRef<Inst> insts) {
    for (const Inst &inst : insts) {
      ++position;
      for (int reg : {inst.a, inst.b, inst.c})
        use(reg);
      for (auto [ring, reg] : inst.places)
        use(reg);
      for (int reg : inst.inits)
        use(reg);
      if (inst.kind == Inst::Element)
        for (int reg : inst.indices)
          use(reg);
      if (inst.kind == Inst::More)
        mores.insert(inst.a);
      bool loops = inst.kind == Inst::Loop || inst.kind == Inst::ForEach;
      std::vector<int> before;
      if (loops)
        before.assign(lastUse.begin(), lastUse.begin() + inst.firstReg);
      visit(inst.body);
      for (int reg : inst.yields)
        use(reg);
      visit(inst.otherwise);
      for (int reg : inst.elseYields)
        use(reg);
      ++position;
      for (size_t reg = 0; reg < before.size(); ++reg)
        if (lastUse[reg] != before[reg])
          lastUse[reg] = position;
    }
  }

  void mark(std::vector<Inst> &insts) {
    for (Inst &inst : insts) {
      ++position;
      if (inst.kind == Inst::Loop || inst.kind == Inst::ForEach) {
        for (int reg = 0; reg < inst.firstReg; ++reg)
          (lastUse[reg] > position ? inst.live : inst.dead).push_back(reg);
        llvm::append_range(inst.live, inst.args);
        if (!mores.contains(inst.moreReg))
          inst.moreReg = -1;
      }
      mark(inst.body);
      mark(inst.otherwise);
      ++position;
    }
  }

  std::vector<int> lastUse;
  llvm::DenseSet<int> mores;
  int position = 0;
};

/// Elements of a dimension for one iteration of the loops over it: what it is
/// divided by.
int64_t getUnit(Value dim) {
  int64_t unit = 1;
  for (Operation *user : dim.getUsers()) {
    APInt divisor;
    if (isa<arith::CeilDivSIOp, arith::CeilDivUIOp, arith::FloorDivSIOp,
            arith::DivSIOp, arith::DivUIOp>(user) &&
        user->getOperand(0) == dim &&
        matchPattern(user->getOperand(1), m_ConstantInt(&divisor)))
      unit = std::max(unit, divisor.getSExtValue());
  }
  return unit;
}

} // namespace

FailureOr<std::unique_ptr<BarrierProgram>>
BarrierProgram::build(tile::KernelOp kernel) {
  auto program = std::make_unique<BarrierProgram>();
  program->kernel = kernel;
  llvm::StringMap<int> rings;
  for (auto op : kernel.getBody().getOps<pipe::RingOp>()) {
    BarrierRing ring;
    ring.op = op;
    ring.depth = static_cast<int64_t>(op.getDepth());
    ring.instances = static_cast<int64_t>(op.getInstances().value_or(1));
    ring.cluster = op.getSharers();
    ring.isExchange = op.isExchange();
    ring.isEngine = op.getConsumer() == pipe::Consumer::CopyEngine;
    ring.isStatic = op.isStatic();
    ring.fullCount = static_cast<int64_t>(op.getFullCount().value_or(0));
    ring.emptyCount = static_cast<int64_t>(op.getEmptyCount().value_or(0));
    rings[op.getSymName()] = static_cast<int>(program->rings.size());
    program->rings.push_back(ring);
    program->cluster = std::max(program->cluster, ring.cluster);
  }

  NeededValues needed(kernel);
  Translator common(needed, rings);
  for (BlockArgument arg : kernel.getBody().getArguments()) {
    if (!arg.getType().isIndex())
      continue;
    program->dims.push_back({common.define(arg), getUnit(arg)});
  }
  for (Operation &op : kernel.getBody().front())
    if (!isa<tile::RoleOp>(op) &&
        failed(common.translate(&op, program->common)))
      return failure();
  program->commonRegs = common.numRegs;

  for (auto op : kernel.getBody().getOps<tile::RoleOp>()) {
    BarrierRole role;
    role.op = op;
    role.singleThread = op->hasAttr("single_thread");
    role.groups = op.getGroups() ? static_cast<int64_t>(op.getCount()) : 1;
    role.warps = op.getNumWarps();
    Translator translator(needed, rings);
    translator.regs = common.regs;
    translator.numRegs = common.numRegs;
    if (failed(translator.translate(op.getBody().front(), role.body)))
      return failure();
    markDrains(role.body);
    role.numRegs = translator.numRegs;
    Liveness liveness(role);
    program->roles.push_back(std::move(role));
  }
  return program;
}
