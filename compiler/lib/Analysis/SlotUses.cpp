//===- SlotUses.cpp - what a role does with a slot ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// "Matching" in docs/rationale/pipe.md, one role at a time: writes of a slot
// lie between its put and its commit, reads between its get and its release;
// commit and release come once on every path; a release lists the tokens of
// the slot's asynchronous readers; contributors fill disjoint fields and
// together all.
//
//===----------------------------------------------------------------------===//

#include "tilewright/Analysis/RingProtocol.h"
#include "tilewright/Dialect/Interfaces/AsyncInterfaces.h"
#include "tilewright/Dialect/Resources.h"
#include "tilewright/Dialect/TMA/TMADialect.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace tilewright;

namespace {

/// How an operation touches the shared memory that it is given views of.
struct Touch {
  bool reads = false, writes = false;
};

Touch getTouch(Operation *op) {
  Touch touch;
  auto interface = dyn_cast<MemoryEffectOpInterface>(op);
  if (!interface)
    return {true, true};
  SmallVector<MemoryEffects::EffectInstance> effects;
  interface.getEffects(effects);
  for (const MemoryEffects::EffectInstance &effect : effects) {
    if (effect.getResource() != SharedMemory::get() &&
        effect.getResource() != AsyncSharedMemory::get())
      continue;
    touch.reads |= isa<MemoryEffects::Read>(effect.getEffect());
    touch.writes |= isa<MemoryEffects::Write>(effect.getEffect());
  }
  return touch;
}

/// The field that a view is part of.
StringRef getField(Value view) {
  while (auto slice = view.getDefiningOp<tile::SliceOp>())
    view = slice.getSource();
  auto field = view.getDefiningOp<pipe::FieldOp>();
  return field ? field.getName() : StringRef();
}

/// One acquired slot and all that is done with it.
class SlotCheck {
public:
  SlotCheck(Operation *acquire, pipe::RingOp ring)
      : acquire(acquire), slot(acquire->getResult(0)), ring(ring),
        put(isa<pipe::AcquirePutOp>(acquire)),
        engine(ring.getConsumer() == pipe::Consumer::CopyEngine) {}

  LogicalResult run() {
    if (failed(collect(slot)))
      return failure();
    std::optional<Operation *> closed =
        walk(std::next(acquire->getIterator()), acquire->getBlock()->end(),
             /*closed=*/nullptr);
    if (!closed)
      return failure();
    if (!*closed)
      return acquire->emitError()
             << "this slot of '" << ring.getSymName() << "' is never "
             << (put ? "committed" : "released")
             << (put ? ": whoever gets it waits for ever"
                     : ": whoever puts waits for ever once the ring is full");
    return engine ? checkStores() : success();
  }

  /// Fields that are written on every path; those written on some path only
  /// are reported.
  FailureOr<llvm::SetVector<StringRef>> getFilledFields() {
    llvm::SetVector<StringRef> certain =
        filled(acquire->getIterator(), acquire->getBlock()->end());
    for (auto [op, view] : touches) {
      StringRef field = getField(view);
      if (!isWriteOf(op, view) || certain.contains(field))
        continue;
      InFlightDiagnostic diag = op->emitError()
                                << "fills field '" << field << "' of '"
                                << ring.getSymName() << "' on one path only";
      diag.attachNote(acquire->getLoc()) << "the slot is taken here";
      return diag;
    }
    return certain;
  }

  /// Whether the put fills fields of the other CTAs of the cluster, too.
  bool isMulticast() const {
    return llvm::any_of(touches, [](const auto &touch) {
      auto load = dyn_cast<tma::LoadOp>(touch.first);
      return isa<pipe::SendOp>(touch.first) ||
             (load && load.getMulticast() > 1);
    });
  }

private:
  static bool isClose(Operation *op) {
    return isa<pipe::CommitOp, pipe::ReleaseOp>(op);
  }

  LogicalResult collect(Value value) {
    for (Operation *user : value.getUsers()) {
      if (isClose(user)) {
        closes.insert(user);
        continue;
      }
      // A filler names the slot to say where its bytes arrive.
      if (value == slot && isa<SlotFillerInterface>(user))
        continue;
      if (user->hasTrait<OpTrait::IsTerminator>() ||
          isa<RegionBranchOpInterface, LoopLikeOpInterface>(user))
        return user->emitError("a slot that a loop or a branch carries: that "
                               "it is given back once cannot be proved");
      if (isPure(user)) {
        for (Value result : user->getResults())
          if (failed(collect(result)))
            return failure();
        continue;
      }
      touches.push_back({user, value});
    }
    return success();
  }

  bool isWriteOf(Operation *op, Value view) {
    if (auto filler = dyn_cast<SlotFillerInterface>(op))
      return filler.getFilledView() == view;
    return getTouch(op).writes;
  }

  /// Goes through operations in order. `closed` is the commit or release that
  /// has happened, or null; returns that at the end, nothing after an error.
  std::optional<Operation *> walk(Block::iterator from, Block::iterator to,
                                  Operation *closed) {
    for (Operation &op : llvm::make_range(from, to)) {
      if (closes.contains(&op)) {
        if (closed) {
          InFlightDiagnostic diag =
              op.emitError()
              << "this slot of '" << ring.getSymName() << "' is "
              << (put ? "committed" : "released") << " a second time";
          diag.attachNote(closed->getLoc()) << "the first time is here";
          return std::nullopt;
        }
        if (auto release = dyn_cast<pipe::ReleaseOp>(op))
          if (failed(checkTokens(release)))
            return std::nullopt;
        closed = &op;
        continue;
      }
      if (op.getNumRegions() == 0) {
        if (failed(checkUses(&op, closed)))
          return std::nullopt;
        continue;
      }
      if (llvm::none_of(closes, [&](Operation *close) {
            return op.isProperAncestor(close);
          })) {
        WalkResult uses = op.walk([&](Operation *inner) {
          return WalkResult(checkUses(inner, closed));
        });
        if (uses.wasInterrupted())
          return std::nullopt;
        continue;
      }
      std::optional<Operation *> after = walkRegions(op, closed);
      if (!after)
        return std::nullopt;
      closed = *after;
    }
    return closed;
  }

  /// A commit or release is somewhere in `op`.
  std::optional<Operation *> walkRegions(Operation &op, Operation *closed) {
    auto branch = dyn_cast<scf::IfOp>(op);
    if (!branch) {
      InFlightDiagnostic diag = op.emitError()
                                << "a slot of '" << ring.getSymName() << "' is "
                                << (put ? "committed" : "released")
                                << " in this loop but taken outside: that it "
                                   "happens once cannot be proved";
      diag.attachNote(acquire->getLoc()) << "it is taken here";
      return std::nullopt;
    }
    Block *then = branch.thenBlock(), *otherwise = branch.elseBlock();
    std::optional<Operation *> yes = walk(then->begin(), then->end(), closed);
    std::optional<Operation *> no = closed;
    if (otherwise)
      no = walk(otherwise->begin(), otherwise->end(), closed);
    if (!yes || !no)
      return std::nullopt;
    if (static_cast<bool>(*yes) == static_cast<bool>(*no))
      return yes;
    InFlightDiagnostic diag = (*yes ? *yes : *no)->emitError()
                              << "this slot of '" << ring.getSymName()
                              << "' is " << (put ? "committed" : "released")
                              << " on one path only";
    diag.attachNote(acquire->getLoc()) << "it is taken here";
    return std::nullopt;
  }

  LogicalResult checkUses(Operation *op, Operation *closed) {
    for (auto [user, view] : touches) {
      if (user != op)
        continue;
      Touch touch = getTouch(op);
      bool writes = isWriteOf(op, view);
      auto async = dyn_cast<AsyncReaderInterface>(op);
      StringRef wrong;
      if (put && engine && async) {
        // The engine's reads are what the commit hands the slot over to.
        if (!closed)
          wrong = "is stored from before it has been committed";
      } else if (put && async) {
        wrong = "is read asynchronously by the role that fills it";
      } else if (put && closed) {
        wrong = writes ? "is written after it has been committed"
                       : "is read after it has been committed";
      } else if (!put && writes && !isa<SlotFillerInterface>(op) &&
                 !touch.reads) {
        wrong = "is written by a role that gets it";
      } else if (!put && isa<SlotFillerInterface>(op)) {
        wrong = "is written by a role that gets it";
      } else if (!put && closed) {
        wrong = "is read after it has been released";
      }
      if (wrong.empty())
        continue;
      InFlightDiagnostic diag = op->emitError()
                                << "a slot of '" << ring.getSymName() << "' "
                                << wrong;
      if (closed)
        diag.attachNote(closed->getLoc())
            << "it is " << (put ? "committed" : "released") << " here";
      else
        diag.attachNote(acquire->getLoc()) << "it is taken here";
      return diag;
    }
    return success();
  }

  /// Every asynchronous read has retired before the release, or its token is
  /// listed. A token that no operation outside its region can name stands for
  /// reads that retire before the region ends: in it, a release of another slot
  /// lists the token, or the contraction itself waits.
  LogicalResult checkTokens(pipe::ReleaseOp release) {
    for (auto [op, view] : touches) {
      auto async = dyn_cast<AsyncReaderInterface>(op);
      if (!async || !llvm::is_contained(async.getAsyncReads(), view))
        continue;
      StringRef wrong;
      Value token;
      if (async.getReadRetirement() == ReadRetirement::Token)
        token = async.getReadToken();
      if (!token)
        wrong = "asynchronously, and no token tells a release when that ends";
      else if (!llvm::is_contained(release.getAfter(), token) &&
               (op->getParentRegion()->isAncestor(release->getParentRegion()) ||
                !llvm::all_of(token.getUsers(),
                              llvm::IsaPred<pipe::ReleaseOp>)))
        wrong = "asynchronously, but its release does not wait for that";
      if (wrong.empty())
        continue;
      InFlightDiagnostic diag = op->emitError()
                                << "reads a slot of '" << ring.getSymName()
                                << "' " << wrong;
      diag.attachNote(release.getLoc())
          << "the slot is released here and may be filled again";
      return diag;
    }
    return success();
  }

  /// Stores that read a slot of the engine's ring: by one thread of the group,
  /// in one group of bulk copies, which `acquire_put` waits for.
  LogicalResult checkStores() {
    tma::ElectOp elect;
    for (auto [op, view] : touches) {
      if (!isa<AsyncReaderInterface>(op))
        continue;
      auto parent = op->getParentOfType<tma::ElectOp>();
      if (!parent || !parent.getGroup() ||
          parent->getBlock() != acquire->getBlock())
        return op->emitError("stores from a slot of '")
               << ring.getSymName()
               << "' other than by one thread of the warpgroup, beside its "
                  "commit: that the slot is not filled before it has been read "
                  "cannot be proved";
      if (elect && elect != parent)
        return op->emitError("stores from a slot of '")
               << ring.getSymName()
               << "' in a second group of bulk copies; a put waits for one";
      elect = parent;
    }
    if (!elect)
      return success();
    unsigned groups = 0;
    bool closedAfter = false;
    for (Operation &op : elect.getBody().front()) {
      groups += isa<tma::CommitGroupOp>(op);
      closedAfter = isa<tma::CommitGroupOp>(op) ||
                    (closedAfter && !isa<AsyncReaderInterface>(op));
    }
    if (groups == 1 && closedAfter)
      return success();
    return elect->emitError("bulk stores from a slot of '")
           << ring.getSymName()
           << "' are not closed as one group after the last of them: a put "
              "could not wait for them";
  }

  llvm::SetVector<StringRef> filled(Block::iterator from, Block::iterator to) {
    llvm::SetVector<StringRef> fields;
    for (Operation &op : llvm::make_range(from, to)) {
      for (auto [user, view] : touches)
        if (user == &op && isWriteOf(user, view))
          fields.insert(getField(view));
      if (auto branch = dyn_cast<scf::IfOp>(op)) {
        if (!branch.elseBlock())
          continue;
        llvm::SetVector<StringRef> no =
            filled(branch.elseBlock()->begin(), branch.elseBlock()->end());
        for (StringRef field :
             filled(branch.thenBlock()->begin(), branch.thenBlock()->end()))
          if (no.contains(field))
            fields.insert(field);
        continue;
      }
      for (Region &region : op.getRegions())
        for (Block &block : region)
          for (StringRef field : filled(block.begin(), block.end()))
            fields.insert(field);
    }
    return fields;
  }

  Operation *acquire;
  Value slot;
  pipe::RingOp ring;
  bool put, engine;
  llvm::SmallSetVector<Operation *, 2> closes;
  /// Operations that touch a view of the slot, and the view.
  SmallVector<std::pair<Operation *, Value>> touches;
};

/// Who fills which field of a ring.
class FieldCheck {
public:
  explicit FieldCheck(pipe::RingOp ring) : ring(ring) {}

  LogicalResult add(tile::RoleOp role, Operation *put,
                    const llvm::SetVector<StringRef> &fields) {
    auto [it, first] = ofRole.insert({role, {put, fields}});
    if (!first) {
      const auto &[other, otherFields] = it->second;
      if (otherFields.size() == fields.size() &&
          llvm::all_of(fields, [&, &known = otherFields](StringRef field) {
            return known.contains(field);
          }))
        return success();
      InFlightDiagnostic diag = put->emitError("role '")
                                << role.getName() << "' fills other fields of '"
                                << ring.getSymName()
                                << "' here than elsewhere: some slot lacks one";
      diag.attachNote(other->getLoc()) << "elsewhere is here";
      return diag;
    }
    for (StringRef field : fields) {
      auto [owner, mine] = owners.insert({field, put});
      if (mine)
        continue;
      InFlightDiagnostic diag = put->emitError("field '")
                                << field << "' of '" << ring.getSymName()
                                << "' is filled by two roles";
      diag.attachNote(owner->second->getLoc()) << "the other puts here";
      return diag;
    }
    return success();
  }

  LogicalResult finish() {
    if (ofRole.empty())
      return success();
    for (auto name : ring.getFieldNames().getAsValueRange<StringAttr>()) {
      if (owners.count(name))
        continue;
      InFlightDiagnostic diag = ofRole.front().second.first->emitError()
                                << "no role fills field '" << name << "' of '"
                                << ring.getSymName() << "'";
      diag.attachNote(ring.getLoc()) << "it is declared here";
      return diag;
    }
    if (ring.getConsumer() != pipe::Consumer::CopyEngine)
      return success();
    if (ofRole.size() > 1)
      return std::next(ofRole.begin())
                 ->second.first->emitError("two roles fill '")
             << ring.getSymName()
             << "', which the copy engine empties: each waits for its own "
                "stores only";
    auto role = cast<tile::RoleOp>(ofRole.front().first);
    int64_t groups =
        role.getGroups() ? static_cast<int64_t>(role.getCount()) : 1;
    if (static_cast<int64_t>(ring.getInstances().value_or(1)) < groups)
      return ring.emitError("role '")
             << role.getName() << "' has " << groups
             << " groups that store through '" << ring.getSymName()
             << "', which exists " << ring.getInstances().value_or(1)
             << (ring.getInstances().value_or(1) == 1 ? " time" : " times");
    return success();
  }

private:
  pipe::RingOp ring;
  llvm::MapVector<Operation *,
                  std::pair<Operation *, llvm::SetVector<StringRef>>>
      ofRole;
  std::map<StringRef, Operation *> owners;
};

} // namespace

/// A role that fills slots of other CTAs of its cluster knows from the empty
/// barrier that all have released them. In a slot without such a fill nothing
/// would hold the other CTAs back, and their releases could come a round too
/// early. Arrivals of other CTAs must have come before the role's shared memory
/// goes away.
static LogicalResult checkMulticast(pipe::RingOp ring, tile::RoleOp role,
                                    ArrayRef<pipe::AcquirePutOp> shared,
                                    ArrayRef<pipe::AcquirePutOp> own) {
  if (shared.empty())
    return success();
  if (!own.empty()) {
    InFlightDiagnostic diag = pipe::AcquirePutOp(own.front())
                                  .emitError("this put fills no slot of "
                                             "other CTAs of the cluster, "
                                             "others of its role do");
    diag.attachNote(pipe::AcquirePutOp(shared.front()).getLoc())
        << "one is here";
    return diag;
  }
  bool drained = false;
  for (Operation &op : role.getBody().front()) {
    if (auto drain = dyn_cast<pipe::DrainOp>(op))
      drained |= drain.getRing() == ring.getSymName();
    else
      op.walk([&](pipe::AcquirePutOp put) {
        drained &= put.getRing() != ring.getSymName();
      });
  }
  if (drained)
    return success();
  return pipe::AcquirePutOp(shared.front()).emitError("role '")
         << role.getName() << "' ends without a drain of '" << ring.getSymName()
         << "': other CTAs of the cluster may still arrive at its barriers";
}

LogicalResult tilewright::checkSlotUses(const RingProtocol &protocol) {
  bool ok = true;
  for (const RingInfo &info : protocol.getRings()) {
    pipe::RingOp ring = info.op;
    FieldCheck fields(ring);
    bool filled = true;
    for (const RoleProgram &program : protocol.getRoles()) {
      tile::RoleOp role = program.op;
      SmallVector<pipe::AcquirePutOp> shared, own;
      role.walk([&](Operation *op) {
        std::optional<RingEventKind> kind = getRingEventKind(op);
        if (kind != RingEventKind::Put && kind != RingEventKind::Get)
          return;
        auto type = cast<pipe::SlotType>(op->getResult(0).getType());
        if (pipe::RingOp::lookup(op, type.getRing()) != ring)
          return;
        SlotCheck check(op, ring);
        if (failed(check.run())) {
          ok = filled = false;
          return;
        }
        if (kind == RingEventKind::Get)
          return;
        (check.isMulticast() ? shared : own)
            .push_back(cast<pipe::AcquirePutOp>(op));
        FailureOr<llvm::SetVector<StringRef>> written = check.getFilledFields();
        if (failed(written) || failed(fields.add(role, op, *written)))
          ok = filled = false;
      });
      if (failed(checkMulticast(ring, role, shared, own)))
        ok = false;
    }
    if (filled && failed(fields.finish()))
      ok = false;
  }
  return success(ok);
}
