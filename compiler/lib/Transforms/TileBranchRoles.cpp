//===- TileBranchRoles.cpp - from a kernel to a function of warps ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelSignature.h"
#include "tilewright/Dialect/Pipe/PipeDialect.h"
#include "tilewright/Dialect/TMA/TMADialect.h"
#include "tilewright/Dialect/Tile/TileDialect.h"
#include "tilewright/Support/ResourcePlan.h"
#include "tilewright/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/TypeSwitch.h"

namespace tilewright {
#define GEN_PASS_DEF_TILEBRANCHROLES
#include "tilewright/Transforms/Passes.h.inc"
} // namespace tilewright

using namespace mlir;
using namespace tilewright;
using namespace tilewright::tile;

namespace {

/// Warps that set their registers together: whole warpgroups (PTX ISA,
/// setmaxnreg: all warps of a warpgroup execute the same one), those without
/// a role included.
struct Segment {
  int64_t begin = 0, end = 0;
  std::optional<int64_t> regs;
  SmallVector<RoleOp> roles;
};

class KernelLowering {
public:
  KernelLowering(KernelOp kernel) : kernel(kernel), builder(kernel) {}

  LogicalResult run() {
    auto threadsAttr = kernel->getAttrOfType<IntegerAttr>("threads");
    auto smemAttr = kernel->getAttrOfType<IntegerAttr>("smem_bytes");
    if (!threadsAttr || !smemAttr)
      return kernel.emitOpError("has no 'threads' and 'smem_bytes' yet; run "
                                "tile-plan-resources first");
    threads = threadsAttr.getInt();
    if (threads <= 0 || threads > 1024 || threads % 32 != 0)
      return kernel.emitOpError("has ")
             << threads << " threads; a CTA has whole warps, 1024 at most";
    if (failed(collectSegments()))
      return failure();

    KernelSignature signature(kernel);
    if (failed(signature.collect()))
      return failure();
    func = signature.createFunction(builder, threads);
    moveRings();
    builder.setInsertionPointToStart(&func.getBody().front());
    if (failed(signature.replaceArguments(builder)))
      return failure();
    moveCommonOperations();
    emitPrologue(signature);
    emitDispatch(0);
    builder.setInsertionPointToEnd(&func.getBody().front());
    LLVM::ReturnOp::create(builder, kernel.getLoc(), ValueRange());
    renameRings();
    if (signalled)
      return failure();

    auto module = kernel->getParentOfType<ModuleOp>();
    module->setAttr("tilewright.manifest",
                    signature.buildManifest(threads, smemAttr.getInt()));
    if (Attribute proof = kernel->getAttr("barrier_proof"))
      module->setAttr("tilewright.barriers", proof);
    kernel.erase();
    return success();
  }

private:
  //===--------------------------------------------------------------------===//
  // Which warps do what
  //===--------------------------------------------------------------------===//

  LogicalResult collectSegments() {
    SmallVector<RoleOp> roles(kernel.getBody().getOps<RoleOp>());
    for (RoleOp role : roles)
      if (!role.getWarpBegin())
        return role.emitOpError("has no first warp yet; run "
                                "tile-plan-resources first");
    llvm::sort(roles, [](RoleOp a, RoleOp b) {
      return *a.getWarpBegin() < *b.getWarpBegin();
    });
    int64_t free = 0, warps = threads / 32;
    for (RoleOp role : roles) {
      auto begin = static_cast<int64_t>(*role.getWarpBegin());
      int64_t end = begin + role.getNumWarps();
      if (begin < free)
        return role.emitOpError("begins at warp ")
               << begin << ", which another role has";
      if (end > warps)
        return role.emitOpError("ends at warp ")
               << end << " but the CTA has " << warps;
      free = end;
      bool joins = !segments.empty() && begin < segments.back().end;
      if (!joins) {
        int64_t from = begin / 4 * 4;
        int64_t last = segments.empty() ? 0 : segments.back().end;
        if (from > last) {
          Segment idle;
          idle.begin = last;
          idle.end = from;
          segments.push_back(idle);
        }
        Segment segment;
        segment.begin = from;
        segment.regs = role.getPlanRegs();
        segments.push_back(segment);
      }
      Segment &segment = segments.back();
      segment.end = std::min((end + 3) / 4 * 4, warps);
      if (segment.regs != role.getPlanRegs())
        return role.emitOpError("shares a warpgroup with another role but not "
                                "its register count");
      segment.roles.push_back(role);
    }
    return success();
  }

  //===--------------------------------------------------------------------===//
  // Rings
  //===--------------------------------------------------------------------===//

  /// A function is no symbol table, so rings move to the module, under names
  /// that no source identifier can have.
  void moveRings() {
    SmallVector<pipe::RingOp> ops(kernel.getBody().getOps<pipe::RingOp>());
    for (pipe::RingOp ring : ops) {
      auto name =
          builder.getStringAttr(kernel.getSymName() + "." + ring.getSymName());
      renames[ring.getSymNameAttr()] = FlatSymbolRefAttr::get(name);
      ring->moveBefore(func);
      ring.setSymNameAttr(name);
      rings.push_back(ring);
    }
  }

  void renameRings() {
    AttrTypeReplacer replacer;
    replacer.addReplacement(
        [&](FlatSymbolRefAttr ref) -> std::optional<Attribute> {
          auto it = renames.find(ref.getAttr());
          if (it == renames.end())
            return std::nullopt;
          return it->second;
        });
    replacer.recursivelyReplaceElementsIn(func, /*replaceAttrs=*/true,
                                          /*replaceLocs=*/false,
                                          /*replaceTypes=*/true);
  }

  //===--------------------------------------------------------------------===//
  // Code of all threads
  //===--------------------------------------------------------------------===//

  /// What stands between the roles (extents, constants) is computed by every
  /// thread.
  void moveCommonOperations() {
    for (Operation &op : llvm::make_early_inc_range(kernel.getBody().front())) {
      if (isa<RoleOp>(op))
        continue;
      op.remove();
      builder.insert(&op);
    }
  }

  Value constant(int64_t value) {
    return arith::ConstantIntOp::create(builder, loc(), value, 32);
  }
  Value compare(arith::CmpIPredicate predicate, Value a, int64_t b) {
    return arith::CmpIOp::create(builder, loc(), predicate, a, constant(b));
  }
  Location loc() { return location ? *location : Location(kernel.getLoc()); }

  void emitPrologue(KernelSignature &signature) {
    Type i32 = builder.getI32Type();
    tid = NVVM::ThreadIdXOp::create(builder, loc(), i32);
    // The shuffle makes the warp's number uniform for ptxas: branches on it do
    // not diverge, and what is computed from it stays in uniform registers.
    Value raw = arith::ShRUIOp::create(builder, loc(), tid, constant(5));
    warp = NVVM::ShflOp::create(builder, loc(), i32, constant(-1), raw,
                                constant(0), constant(31), NVVM::ShflKind::idx,
                                /*return_value_and_is_valid=*/UnitAttr());

    bool barriers = false, shared = false;
    for (pipe::RingOp ring : rings) {
      barriers |= ring.getConsumer() == pipe::Consumer::Roles;
      shared |= ring.getSharers() > 1;
    }
    if (barriers || !signature.getDescriptors().empty()) {
      Value first = compare(arith::CmpIPredicate::eq, tid, 0);
      auto branch = scf::IfOp::create(builder, loc(), first,
                                      /*withElseRegion=*/false);
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(branch.thenBlock());
      for (Value descriptor : signature.getDescriptors())
        tma::PrefetchOp::create(builder, loc(), descriptor);
      for (pipe::RingOp ring : rings)
        if (ring.getConsumer() == pipe::Consumer::Roles)
          pipe::InitOp::create(builder, ring.getLoc(), ring.getSymName());
      // Makes the initialised barriers known to the async proxy, too (PTX ISA,
      // fence.mbarrier_init).
      if (barriers)
        NVVM::FenceMbarrierInitOp::create(builder, loc());
    }
    if (shared) {
      // No CTA may be reached by another's copies or arrivals before its
      // barriers are there. The fence above orders the initialisation, so the
      // arrival needs no release of its own: a plain one would fence the
      // memory of the GPU (PTX ISA, barrier.cluster, fence.mbarrier_init).
      NVVM::ClusterArriveRelaxedOp::create(builder, loc(),
                                           builder.getUnitAttr());
      NVVM::ClusterWaitOp::create(builder, loc(), builder.getUnitAttr());
    } else if (barriers) {
      NVVM::BarrierOp::create(builder, loc());
    }
    // Barriers and registers are set up while the kernel before still runs;
    // nothing that it may write is read earlier.
    if (kernel->hasAttr("pdl"))
      NVVM::GriddepcontrolOp::create(builder, loc(),
                                     NVVM::GridDepActionKind::wait);
  }

  //===--------------------------------------------------------------------===//
  // Roles
  //===--------------------------------------------------------------------===//

  /// One if/else chain over the segments, in the order of warps. Nobody leaves
  /// the function before its end.
  void emitDispatch(size_t index) {
    if (index == segments.size())
      return;
    Segment &segment = segments[index];
    if (segment.end == threads / 32 && index + 1 == segments.size())
      return emitSegment(segment);
    Value mine = compare(arith::CmpIPredicate::ult, warp, segment.end);
    bool more = index + 1 < segments.size();
    auto branch = scf::IfOp::create(builder, loc(), mine, more);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(branch.thenYield());
    emitSegment(segment);
    if (more) {
      builder.setInsertionPoint(branch.elseYield());
      emitDispatch(index + 1);
    }
  }

  void emitSegment(Segment &segment) {
    if (segment.roles.empty())
      return;
    setRegisters(segment);
    emitRoles(segment, 0);
  }

  /// What a thread has at launch: the register file divided evenly, which is
  /// what ptxas compiles to under .maxntid and .minnctapersm 1.
  int64_t launchRegisters() { return entryRegisters(threads); }

  void setRegisters(const Segment &segment) {
    if (!segment.regs || *segment.regs == launchRegisters())
      return;
    // A warpgroup that is not full cannot execute an aligned setmaxnreg.
    if ((segment.end - segment.begin) % 4 != 0) {
      RoleOp role = segment.roles.front();
      role.emitOpError("sets registers in a warpgroup of ")
          << (segment.end - segment.begin) % 4
          << " warps; setmaxnreg needs all four";
      signalled = true;
      return;
    }
    NVVM::SetMaxRegisterOp::create(builder, loc(), *segment.regs,
                                   *segment.regs > launchRegisters()
                                       ? NVVM::SetMaxRegisterAction::increase
                                       : NVVM::SetMaxRegisterAction::decrease);
  }

  void emitRoles(Segment &segment, size_t index) {
    if (index == segment.roles.size())
      return;
    RoleOp role = segment.roles[index];
    auto begin = static_cast<int64_t>(*role.getWarpBegin());
    int64_t end = begin + role.getNumWarps();
    int64_t covered = segment.begin;
    if (index > 0) {
      RoleOp before = segment.roles[index - 1];
      covered =
          static_cast<int64_t>(*before.getWarpBegin()) + before.getNumWarps();
    }
    bool whole = begin == covered && end == segment.end;
    if (whole)
      return emitRole(role);
    Value mine;
    if (end - begin == 1) {
      mine = compare(arith::CmpIPredicate::eq, warp, begin);
    } else {
      mine = compare(arith::CmpIPredicate::ult, warp, end);
      if (begin != covered)
        mine = arith::AndIOp::create(
            builder, loc(), mine,
            compare(arith::CmpIPredicate::uge, warp, begin));
    }
    bool more = index + 1 < segment.roles.size();
    auto branch = scf::IfOp::create(builder, role.getLoc(), mine, more);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(branch.thenYield());
    emitRole(role);
    if (more) {
      builder.setInsertionPoint(branch.elseYield());
      emitRoles(segment, index + 1);
    }
  }

  void emitRole(RoleOp role) {
    location = role.getLoc();
    OpBuilder::InsertionGuard guard(builder);
    if (role->hasAttr("single_thread")) {
      if (role.getNumWarps() != 1) {
        role.emitOpError("is one thread's but has ")
            << role.getNumWarps() << " warps";
        signalled = true;
      }
      Value elected = NVVM::ElectSyncOp::create(
          builder, loc(), builder.getI1Type(), /*membermask=*/Value());
      auto branch = scf::IfOp::create(builder, loc(), elected, false);
      builder.setInsertionPoint(branch.thenYield());
    }
    resolvePlaces(role);
    Operation *lastLoad = findLastLoad(role);
    for (Operation &op : llvm::make_early_inc_range(role.getBody().front())) {
      op.remove();
      builder.insert(&op);
      if (&op == lastLoad && kernel->hasAttr("pdl"))
        NVVM::GriddepcontrolOp::create(
            builder, loc(), NVVM::GridDepActionKind::launch_dependents);
    }
    location.reset();
  }

  /// The operation of a role's body in which its last bulk load is. Once every
  /// CTA has got there, the CTAs of a dependent launch may be scheduled as
  /// these ones end; they wait for this kernel's results by themselves (PTX
  /// ISA, griddepcontrol), so where it stands is a matter of speed alone.
  static Operation *findLastLoad(RoleOp role) {
    Operation *last = nullptr;
    for (Operation &op : role.getBody().front())
      op.walk([&](tma::LoadOp) { last = &op; });
    return last;
  }

  /// Replaces what depends on where the role's warps are.
  void resolvePlaces(RoleOp role) {
    auto begin = static_cast<int64_t>(*role.getWarpBegin());
    Type index = builder.getIndexType();
    bool groups = role.getGroups();
    // Index of the thread in its group (or role), and of the group.
    Value thread, group;
    if (groups) {
      thread = arith::AndIOp::create(builder, loc(), tid, constant(127));
      if (role.getCount() == 1) {
        group = constant(0);
      } else {
        group = arith::ShRUIOp::create(builder, loc(), warp, constant(2));
        if (begin != 0)
          group =
              arith::SubIOp::create(builder, loc(), group, constant(begin / 4));
      }
    } else {
      thread = tid;
      if (begin != 0)
        thread =
            arith::SubIOp::create(builder, loc(), tid, constant(begin * 32));
      group = constant(0);
    }
    Value threadIndex =
        arith::IndexCastUIOp::create(builder, loc(), index, thread);
    Value groupIndex =
        arith::IndexCastUIOp::create(builder, loc(), index, group);

    SmallVector<Operation *> ops;
    role.getBody().walk<WalkOrder::PostOrder>(
        [&](Operation *op) { ops.push_back(op); });
    for (Operation *op : ops) {
      OpBuilder::InsertionGuard guard(builder);
      if (isa<ThreadOp>(op)) {
        op->replaceAllUsesWith(ValueRange(threadIndex));
        op->erase();
      } else if (isa<GroupOp>(op)) {
        op->replaceAllUsesWith(ValueRange(groupIndex));
        op->erase();
      } else if (auto elect = dyn_cast<tma::ElectOp>(op)) {
        resolveElect(elect, role, thread);
      } else if (auto barrier = dyn_cast<pipe::GroupBarrierOp>(op)) {
        builder.setInsertionPoint(op);
        location = op->getLoc();
        Value id = constant(static_cast<int64_t>(barrier.getId()));
        if (role.getCount() > 1)
          id = arith::AddIOp::create(builder, loc(), id, group);
        NVVM::BarrierOp::create(builder, loc(), TypeRange(), id, constant(128),
                                NVVM::BarrierReductionAttr(), Value());
        op->erase();
        location = role.getLoc();
      }
    }
  }

  /// A fixed thread, not elect.sync: groups of bulk copies belong to the
  /// thread that issued them, and the one that waits must be the same.
  void resolveElect(tma::ElectOp elect, RoleOp role, Value thread) {
    builder.setInsertionPoint(elect);
    location = elect.getLoc();
    Value lane = thread;
    int64_t elected = 0;
    if (elect.getRole()) {
      lane = tid;
      elected = 32 * static_cast<int64_t>(*role.getWarpBegin());
    } else if (!elect.getGroup() || !role.getGroups()) {
      lane = arith::AndIOp::create(builder, loc(), tid, constant(31));
    }
    Value first = compare(arith::CmpIPredicate::eq, lane, elected);
    auto branch = scf::IfOp::create(builder, loc(), first, false);
    Block *then = branch.thenBlock();
    Block &body = elect.getBody().front();
    then->getOperations().splice(then->begin(), body.getOperations());
    elect.erase();
    location = role.getLoc();
  }

  KernelOp kernel;
  OpBuilder builder;
  LLVM::LLVMFuncOp func;
  std::optional<Location> location;
  int64_t threads = 0;
  SmallVector<Segment> segments;
  SmallVector<pipe::RingOp> rings;
  llvm::DenseMap<StringAttr, FlatSymbolRefAttr> renames;
  Value tid, warp;
  bool signalled = false;
};

struct TileBranchRoles
    : public tilewright::impl::TileBranchRolesBase<TileBranchRoles> {
  void runOnOperation() override {
    SmallVector<KernelOp> kernels(getOperation().getOps<KernelOp>());
    if (kernels.size() > 1) {
      kernels[1].emitOpError("is a second kernel of the module; an artefact "
                             "holds one");
      return signalPassFailure();
    }
    for (KernelOp kernel : kernels)
      if (failed(KernelLowering(kernel).run()))
        return signalPassFailure();
  }
};

} // namespace
