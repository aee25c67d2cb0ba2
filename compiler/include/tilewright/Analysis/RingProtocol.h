//===- RingProtocol.h - the events of a kernel's rings --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The event model of docs/rationale/pipe.md as data: who takes part in a ring,
// and for each role a program of events under loops and branches. Built from
// the IR after releases are placed and before rings are indexed; what checks
// the protocol works on this and not on operations.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_ANALYSIS_RINGPROTOCOL_H
#define TILEWRIGHT_ANALYSIS_RINGPROTOCOL_H

#include "tilewright/Analysis/ControlValues.h"
#include "tilewright/Dialect/Pipe/PipeDialect.h"

namespace tilewright {

/// Events of docs/rationale/pipe.md that a role's program contains.
enum class RingEventKind : uint8_t {
  Put,     ///< `acquire_put` returns: waits for free(i - depth)
  Commit,  ///< the role has issued its contribution to a slot
  Get,     ///< `acquire_get` returns: waits for full(i)
  Release, ///< the role reads a slot no more
  /// `drain` returns: waits for free(i) of all slots that the role has put.
  Drain,
  /// The copy engine takes a slot of its ring: the bulk stores that read it
  /// are issued and their group is closed. It frees the slot by itself.
  Issue,
};

/// What `op` is to a ring; nothing if it is no event (or one of the copy
/// engine, which is a matter of several operations).
std::optional<RingEventKind> getRingEventKind(mlir::Operation *op);

/// How a user of a ring takes part in it.
enum class RingPart : uint8_t { Contributor, Consumer, Engine };

/// A role as a contributor or a consumer of a ring, or the engine on behalf of
/// the role that issues its stores.
struct RingUser {
  unsigned ring = 0;
  unsigned role = 0;
  RingPart part = RingPart::Contributor;
  /// The first acquire, for diagnostics.
  mlir::Operation *first = nullptr;
};

struct RingInfo {
  pipe::RingOp op;
  /// Slots; at least 1.
  int64_t depth = 1;
  /// CTAs of a cluster that share the ring: the leader fills slots of all, and
  /// a slot is free when the consumers of all have released it.
  int64_t cluster = 1;
  /// Indices of its users: contributors first.
  llvm::SmallVector<unsigned, 4> users;

  bool isEngine() const {
    return pipe::RingOp(op).getConsumer() == pipe::Consumer::CopyEngine;
  }
  llvm::StringRef name() const { return pipe::RingOp(op).getSymName(); }
};

/// One event, loop or branch of a role's program.
struct RingNode {
  enum Kind : uint8_t { Event, Loop, Branch } kind = Event;
  mlir::Operation *op = nullptr;

  // Event.
  RingEventKind event = RingEventKind::Put;
  unsigned user = 0;
  /// Which acquire of the program the slot comes from: commits and releases
  /// name that of their slot, loops of constant trip count are unrolled.
  unsigned slot = 0;

  // Loop: equal keys, equal numbers of iterations with equal variables.
  unsigned key = 0;
  /// The number of iterations, unless the loop is over an iterator.
  std::optional<ControlValues::Form> trips;

  // Branch: children if the condition is `holds`, otherwise `otherwise`.
  ControlCondition condition;

  std::vector<RingNode> children, otherwise;
};

/// A role and its events, in program order.
struct RoleProgram {
  tile::RoleOp op;
  std::vector<RingNode> body;
};

/// The protocol of one kernel.
class RingProtocol {
public:
  /// Reports what is no program of events: an acquire in a region that is no
  /// loop or branch, a slot that a loop carries, a loop or branch on whose trip
  /// count or condition the roles of a ring need not agree.
  static mlir::FailureOr<std::unique_ptr<RingProtocol>>
  build(tile::KernelOp kernel);

  tile::KernelOp getKernel() const { return kernel; }
  llvm::ArrayRef<RingInfo> getRings() const { return rings; }
  llvm::ArrayRef<RingUser> getUsers() const { return users; }
  llvm::ArrayRef<RoleProgram> getRoles() const { return roles; }
  const ControlValues &getValues() const { return values; }

  const RingInfo &ringOf(const RingUser &user) const {
    return rings[user.ring];
  }
  llvm::StringRef roleName(unsigned role) const {
    return tile::RoleOp(roles[role].op).getName();
  }
  /// What is asked next is whether all comes through with this many slots.
  void assumeDepth(pipe::RingOp ring, int64_t depth);

  /// A loop's trip count or iterator, as diagnostics name it.
  std::string describeLoop(const RingNode &loop) const;
  /// Tensors on whose not changing the agreement of roles rests.
  llvm::ArrayRef<mlir::Value> getConstantTensors() const {
    return constantTensors;
  }

private:
  explicit RingProtocol(tile::KernelOp kernel)
      : kernel(kernel), values(kernel) {}
  friend class ProgramBuilder;

  tile::KernelOp kernel;
  ControlValues values;
  std::vector<RingInfo> rings;
  std::vector<RingUser> users;
  std::vector<RoleProgram> roles;
  llvm::SmallVector<mlir::Value, 4> constantTensors;
};

/// How often the acquires of one user run, by the loops and branches around
/// them; all users of a ring must agree.
struct RingPathStep {
  const RingNode *node;
  /// The branch taken.
  bool taken = true;
  bool sameAs(const RingPathStep &other) const;
};
struct RingCount {
  llvm::SmallVector<RingPathStep, 4> path;
  int64_t count = 0;
  llvm::SmallVector<mlir::Operation *, 4> acquires;
};

/// Checks each role alone: every slot is committed or released once on every
/// path, after its last use, with the tokens of its asynchronous readers;
/// contributors fill disjoint fields and together all of them. In a ring that
/// the CTAs of a cluster share, whoever fills slots of other CTAs does so in
/// every slot, and drains the ring last.
mlir::LogicalResult checkSlotUses(const RingProtocol &protocol);

/// Whether users acquire equally many slots in the nodes that come with them.
bool takeEquallyMany(
    llvm::ArrayRef<std::pair<unsigned, llvm::ArrayRef<RingNode>>> programs);

/// Checks that all users of a ring acquire equally many slots, whatever the
/// trip counts.
mlir::LogicalResult checkRingCounts(const RingProtocol &protocol);

/// Proves that no role waits for ever, whatever the trip counts: see "How
/// pipe-verify-rings proves it" in docs/rationale/pipe.md. Counts must agree.
mlir::LogicalResult proveRingProgress(const RingProtocol &protocol);

} // namespace tilewright

#endif // TILEWRIGHT_ANALYSIS_RINGPROTOCOL_H
