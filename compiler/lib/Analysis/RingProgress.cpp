//===- RingProgress.cpp - no role waits for ever --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Roles synchronise through rings alone, and what each does next does not
// depend on the others: if one order of all events respects every wait, then no
// timing can deadlock (the relation "happens before" of docs/rationale/pipe.md
// has no cycle). This file finds such an order for all trip counts at once.
//
// All roles run in turn until they wait or stand at a loop. Roles that stand
// at loops of the same key go through one iteration together, as a program of
// its own (a *scope*). Whether a wait ends depends only on differences of the
// numbers of slots that users of a ring have taken; an iteration that leaves
// all differences as they were can be followed by any number of others, and by
// none. So an iteration is looked at once. Branches are gone through once for
// each outcome of their conditions.
//
//===----------------------------------------------------------------------===//

#include "tilewright/Analysis/RingProtocol.h"

#include "llvm/ADT/SmallSet.h"

using namespace mlir;
using namespace tilewright;

namespace {

/// Where a role stands in a list of nodes.
struct Frame {
  const std::vector<RingNode> *nodes;
  size_t next = 0;
};

/// A slot that has been taken and not given back.
struct OpenSlot {
  int64_t number;
  const RingNode *acquire;
};

struct UserState {
  /// Slots taken; what matters is how it differs from that of the ring's
  /// other users.
  int64_t taken = 0;
  SmallVector<OpenSlot, 2> open;

  /// Whether slot `number` has been taken and given back. Slots before the
  /// first count as given back (the first round waits for nothing).
  bool isDone(int64_t number) const {
    return number < taken &&
           llvm::none_of(
               open,
               [&](const OpenSlot &slot) { return slot.number == number; });
  }
};

struct State {
  std::vector<SmallVector<Frame, 4>> roles;
  std::vector<UserState> users;
  /// Conditions assumed, by id: whether they hold.
  std::map<unsigned, bool> assumed;
  /// Events of each role in this scope, in order.
  std::vector<std::vector<const RingNode *>> trace;
};

/// What runs: the kernel, or one iteration of a loop that roles share.
struct Scope {
  /// The loop of each role that takes part; empty for the whole kernel.
  std::map<unsigned, const RingNode *> loops;
  /// Numbers of slots taken when it began.
  std::vector<int64_t> taken;
};

class Prover {
public:
  explicit Prover(const RingProtocol &protocol) : protocol(protocol) {
    for (const RingInfo &ring : protocol.getRings())
      clusters |= ring.cluster > 1;
  }

  bool run() {
    State state;
    state.users.resize(protocol.getUsers().size());
    state.roles.resize(protocol.getRoles().size());
    for (auto [i, role] : llvm::enumerate(protocol.getRoles()))
      state.roles[i].push_back({&role.body});
    return runScope(std::move(state), {});
  }

private:
  /// More than this many outcomes of conditions are not tried.
  static constexpr unsigned maxOutcomes = 1024;
  /// Events of a role that a diagnostic shows before the one that waits.
  static constexpr unsigned maxTrace = 12;

  const RingUser &user(unsigned index) const {
    return protocol.getUsers()[index];
  }
  const RingInfo &ringOf(unsigned index) const {
    return protocol.getRings()[user(index).ring];
  }

  //===--------------------------------------------------------------------===//
  // Events
  //===--------------------------------------------------------------------===//

  /// The user for whom an acquire waits, and the number of its slot; nothing
  /// if it can return.
  std::optional<std::pair<unsigned, int64_t>>
  findBlocker(const RingNode &node, const State &state) const {
    const RingInfo &ring = ringOf(node.user);
    int64_t taken = state.users[node.user].taken;
    auto find =
        [&](bool contributors,
            int64_t number) -> std::optional<std::pair<unsigned, int64_t>> {
      for (unsigned other : ring.users)
        if ((user(other).part == RingPart::Contributor) == contributors &&
            !state.users[other].isDone(number))
          return std::pair(other, number);
      return std::nullopt;
    };
    switch (node.event) {
    case RingEventKind::Put:
      return find(/*contributors=*/false, taken - ring.depth);
    case RingEventKind::Get:
      return find(/*contributors=*/true, taken);
    case RingEventKind::Drain:
      for (int64_t number = taken - ring.depth; number < taken; ++number)
        if (auto blocker = find(/*contributors=*/false, number))
          return blocker;
      return std::nullopt;
    case RingEventKind::Commit:
    case RingEventKind::Release:
    case RingEventKind::Issue:
      return std::nullopt;
    }
    return std::nullopt;
  }

  void execute(const RingNode &node, State &state) const {
    UserState &self = state.users[node.user];
    switch (node.event) {
    case RingEventKind::Put:
    case RingEventKind::Get:
      self.open.push_back({self.taken++, &node});
      return;
    case RingEventKind::Issue:
      ++self.taken;
      return;
    case RingEventKind::Drain:
      return;
    case RingEventKind::Commit:
    case RingEventKind::Release:
      // Of the acquires that wait to be given back, the one of this slot.
      llvm::erase_if(self.open, [&](const OpenSlot &slot) {
        return slot.acquire->slot == node.slot;
      });
      return;
    }
  }

  //===--------------------------------------------------------------------===//
  // Control
  //===--------------------------------------------------------------------===//

  /// The rings of events in `node` that can happen under the assumptions.
  void findRings(const RingNode &node, const State &state,
                 llvm::SmallSet<unsigned, 8> &rings) const {
    if (node.kind == RingNode::Event) {
      rings.insert(user(node.user).ring);
      return;
    }
    auto it = node.kind == RingNode::Branch
                  ? state.assumed.find(node.condition.id)
                  : state.assumed.end();
    bool known = it != state.assumed.end();
    if (!known || it->second)
      for (const RingNode &child : node.children)
        findRings(child, state, rings);
    if (!known || !it->second)
      for (const RingNode &child : node.otherwise)
        findRings(child, state, rings);
  }

  const RingNode *current(const State &state, unsigned role) const {
    if (state.roles[role].empty())
      return nullptr;
    const Frame &frame = state.roles[role].back();
    return &(*frame.nodes)[frame.next];
  }

  /// Drops frames that are at their end.
  static void settle(SmallVectorImpl<Frame> &frames) {
    while (!frames.empty() && frames.back().next == frames.back().nodes->size())
      frames.pop_back();
  }

  static void advance(SmallVectorImpl<Frame> &frames) {
    ++frames.back().next;
    settle(frames);
  }

  /// Runs a role until it waits, ends, or stands at a loop or at a branch of
  /// unknown outcome. Returns whether it has moved.
  bool runRole(unsigned role, State &state) const {
    bool moved = false;
    settle(state.roles[role]);
    while (const RingNode *node = current(state, role)) {
      SmallVectorImpl<Frame> &frames = state.roles[role];
      if (node->kind == RingNode::Event) {
        if (findBlocker(*node, state))
          return moved;
        execute(*node, state);
        state.trace[role].push_back(node);
        advance(frames);
        moved = true;
        continue;
      }
      llvm::SmallSet<unsigned, 8> rings;
      findRings(*node, state, rings);
      if (rings.empty()) {
        advance(frames);
        moved = true;
        continue;
      }
      if (node->kind == RingNode::Loop)
        return moved;
      auto it = state.assumed.find(node->condition.id);
      if (it == state.assumed.end())
        return moved;
      ++frames.back().next;
      frames.push_back({it->second ? &node->children : &node->otherwise});
      settle(frames);
      moved = true;
    }
    return moved;
  }

  static bool sameKey(const RingNode &a, const RingNode &b) {
    if (a.kind != b.kind)
      return false;
    return a.kind == RingNode::Loop ? a.key == b.key
                                    : a.condition.id == b.condition.id;
  }

  /// The roles that must go through `role`'s loop or branch together, all
  /// roles that use a ring in it: by role, the node at which it stands.
  /// Nothing if one of them is elsewhere.
  std::optional<std::map<unsigned, const RingNode *>>
  gather(unsigned role, const State &state) const {
    std::map<unsigned, const RingNode *> nodes;
    SmallVector<unsigned> work = {role};
    nodes[role] = current(state, role);
    while (!work.empty()) {
      llvm::SmallSet<unsigned, 8> rings;
      findRings(*nodes[work.pop_back_val()], state, rings);
      for (unsigned ring : rings)
        for (unsigned index : protocol.getRings()[ring].users) {
          unsigned other = user(index).role;
          if (nodes.count(other))
            continue;
          const RingNode *node = current(state, other);
          if (!node || !sameKey(*node, *nodes[role]))
            return std::nullopt;
          nodes[other] = node;
          work.push_back(other);
        }
    }
    return nodes;
  }

  /// Whether a branch must be gone through by itself and not with what
  /// follows it: threads that share a ring may be in both of its branches.
  bool isLocalBranch(const RingNode &node) const {
    ControlFacts facts =
        protocol.getValues().getConditionFacts(node.condition.id);
    return !facts.isAgreed() || (clusters && facts.perCTA);
  }

  /// Whether all users of a ring take equally many slots in the branch, and
  /// none holds one. Then no event in it waits for one that follows it, and it
  /// can be gone through by itself, which spares trying each outcome with all
  /// that follows.
  bool isEven(const std::map<unsigned, const RingNode *> &nodes,
              const State &state) const {
    llvm::SmallSet<unsigned, 8> used;
    for (auto [role, node] : nodes)
      findRings(*node, state, used);
    for (unsigned number : used) {
      const RingInfo &ring = protocol.getRings()[number];
      for (unsigned index : ring.users)
        if (!state.users[index].open.empty())
          return false;
      for (bool outcome : {true, false}) {
        SmallVector<std::pair<unsigned, ArrayRef<RingNode>>> programs;
        for (unsigned index : ring.users)
          if (auto it = nodes.find(user(index).role); it != nodes.end())
            programs.push_back({index, outcome ? it->second->children
                                               : it->second->otherwise});
        if (!takeEquallyMany(programs))
          return false;
      }
    }
    return true;
  }

  /// Goes through one iteration of a loop, or both outcomes of a branch.
  bool runShared(const std::map<unsigned, const RingNode *> &nodes,
                 const State &state) {
    bool loop = nodes.begin()->second->kind == RingNode::Loop;
    for (auto [role, node] : nodes)
      if (loop && !checkNothingHeld(*node, state))
        return false;
    for (bool outcome : {true, false}) {
      State inner = state;
      for (SmallVectorImpl<Frame> &frames : inner.roles)
        frames.clear();
      for (auto [role, node] : nodes)
        inner.roles[role].push_back(
            {outcome ? &node->children : &node->otherwise});
      // What a role alone knows may have another value elsewhere.
      const RingNode &first = *nodes.begin()->second;
      if (!loop && !isLocalBranch(first))
        inner.assumed[first.condition.id] = outcome;
      Scope scope;
      scope.loops = nodes;
      if (!runScope(std::move(inner), std::move(scope)))
        return false;
      if (loop)
        break;
    }
    return true;
  }

  /// A slot held over a loop in which its ring goes on is given back only
  /// after the loop: once `depth` further slots are taken, the put waits.
  bool checkNothingHeld(const RingNode &loop, const State &state) {
    llvm::SmallSet<unsigned, 8> rings;
    findRings(loop, state, rings);
    for (unsigned ring : rings)
      for (unsigned index : protocol.getRings()[ring].users) {
        if (state.users[index].open.empty())
          continue;
        const RingInfo &info = protocol.getRings()[ring];
        InFlightDiagnostic diag =
            state.users[index].open.front().acquire->op->emitError()
            << "role '" << protocol.roleName(user(index).role)
            << "' holds this slot of '" << info.name()
            << "' during a loop in which further slots are taken: with the "
               "depth of "
            << info.depth << ", roles wait for ever after " << info.depth
            << (info.depth == 1 ? " slot" : " slots");
        diag.attachNote(loop.op->getLoc()) << "the loop is here";
        return false;
      }
    return true;
  }

  //===--------------------------------------------------------------------===//
  // Scopes
  //===--------------------------------------------------------------------===//

  bool runScope(State state, Scope scope) {
    for (const UserState &user : state.users)
      scope.taken.push_back(user.taken);
    state.trace.assign(protocol.getRoles().size(), {});
    return runToEnd(std::move(state), scope);
  }

  bool runToEnd(State state, const Scope &scope) {
    while (true) {
      bool moved = false, left = false;
      for (unsigned role = 0; role < state.roles.size(); ++role) {
        moved |= runRole(role, state);
        left |= !state.roles[role].empty();
      }
      if (!left)
        return checkEnd(state, scope);
      if (moved)
        continue;
      // All wait or stand at loops and branches.
      for (unsigned role = 0; role < state.roles.size() && !moved; ++role) {
        const RingNode *node = current(state, role);
        if (!node || node->kind == RingNode::Event)
          continue;
        auto nodes = gather(role, state);
        if (!nodes || (node->kind == RingNode::Branch &&
                       !isLocalBranch(*node) && !isEven(*nodes, state)))
          continue;
        if (!runShared(*nodes, state))
          return false;
        for (auto [other, unused] : *nodes)
          advance(state.roles[other]);
        moved = true;
      }
      if (moved)
        continue;
      for (unsigned role = 0; role < state.roles.size(); ++role) {
        const RingNode *node = current(state, role);
        if (!node || node->kind != RingNode::Branch || isLocalBranch(*node))
          continue;
        if (++outcomes > maxOutcomes) {
          node->op->emitError("too many independent conditions around the "
                              "rings to prove that no role waits for ever");
          return false;
        }
        State other = state;
        state.assumed[node->condition.id] = true;
        other.assumed[node->condition.id] = false;
        return runToEnd(std::move(state), scope) &&
               runToEnd(std::move(other), scope);
      }
      reportStuck(state, scope);
      return false;
    }
  }

  /// At the end of a scope all users of a ring have taken equally many slots
  /// in it, so that the next iteration finds what this one found.
  bool checkEnd(const State &state, const Scope &scope) {
    for (const RingInfo &ring : protocol.getRings())
      for (unsigned index : ring.users) {
        unsigned first = ring.users.front();
        int64_t expected = state.users[first].taken - scope.taken[first];
        int64_t count = state.users[index].taken - scope.taken[index];
        if (count == expected)
          continue;
        reportUneven(ring, first, expected, index, count, scope);
        return false;
      }
    return true;
  }

  //===--------------------------------------------------------------------===//
  // Diagnostics
  //===--------------------------------------------------------------------===//

  std::string role(unsigned index) const {
    return "role '" + protocol.roleName(index).str() + "'";
  }

  /// Counts agree over the whole kernel, or checkRingCounts had said so, but
  /// not loop by loop.
  void reportUneven(const RingInfo &ring, unsigned a, int64_t countA,
                    unsigned b, int64_t countB, const Scope &scope) {
    auto verb = [&](unsigned index) {
      return user(index).part == RingPart::Contributor ? " puts " : " gets ";
    };
    auto find = [&](unsigned index) -> Operation * {
      auto it = scope.loops.find(user(index).role);
      return it == scope.loops.end() ? user(index).first : it->second->op;
    };
    InFlightDiagnostic diag =
        find(a)->emitError()
        << role(user(a).role) << verb(a) << countA << " and "
        << role(user(b).role) << verb(b) << countB << " slots of '"
        << ring.name()
        << "' in an iteration of loops that run together; the rest in other "
           "loops: with more iterations than slots ("
        << ring.depth << ") a role can wait for ever";
    diag.attachNote(find(b)->getLoc()) << "the loop of " << role(user(b).role);
  }

  /// The role that `self` waits for, with a note about what it waits for.
  std::optional<unsigned>
  explain(unsigned self, const State &state, const Scope &scope,
          SmallVectorImpl<std::pair<Location, std::string>> &notes) const {
    const RingNode *node = current(state, self);
    // The last events tell enough of the sequence.
    ArrayRef<const RingNode *> trace = state.trace[self];
    for (const RingNode *past : trace.take_back(maxTrace))
      if (past->event == RingEventKind::Put ||
          past->event == RingEventKind::Get)
        notes.push_back(
            {past->op->getLoc(),
             role(self) +
                 (past->event == RingEventKind::Put ? " puts a slot of '"
                                                    : " gets a slot of '") +
                 ringOf(past->user).name().str() + "' here"});
    if (!node)
      return std::nullopt;
    if (node->kind == RingNode::Event) {
      auto blocker = findBlocker(*node, state);
      if (!blocker)
        return std::nullopt;
      const RingUser &other = user(blocker->first);
      std::string text = role(self) + " waits here for ";
      std::string ring = "'" + ringOf(node->user).name().str() + "'";
      int64_t number = blocker->second - scope.taken[blocker->first] + 1;
      std::string which =
          number < 1 ? "a slot from before" : "slot " + std::to_string(number);
      if (node->event == RingEventKind::Drain)
        text += "all slots of " + ring + " to be free: " + role(other.role) +
                " has not released " + which;
      else if (node->event == RingEventKind::Put)
        text += "a free slot of " + ring + " (depth " +
                std::to_string(ringOf(node->user).depth) +
                "): " + role(other.role) + " has not " +
                (other.part == RingPart::Engine ? "stored" : "released") + " " +
                which;
      else
        text += "a full slot of " + ring + ": " + role(other.role) +
                " has not committed " + which;
      notes.push_back({node->op->getLoc(), text});
      return other.role;
    }
    // A loop or branch that needs others.
    llvm::SmallSet<unsigned, 8> rings;
    findRings(*node, state, rings);
    for (unsigned ring : rings)
      for (unsigned index : protocol.getRings()[ring].users) {
        unsigned other = user(index).role;
        const RingNode *where = current(state, other);
        if (other == self || (where && sameKey(*where, *node)))
          continue;
        notes.push_back(
            {node->op->getLoc(),
             role(self) + " needs " + role(other) + " to go through this " +
                 (node->kind == RingNode::Loop ? "loop" : "branch") +
                 " with it, since '" + protocol.getRings()[ring].name().str() +
                 "' holds " + std::to_string(protocol.getRings()[ring].depth) +
                 (protocol.getRings()[ring].depth == 1 ? " slot" : " slots")});
        return other;
      }
    return std::nullopt;
  }

  /// `self` waits for a role that has come to the end of the scope.
  void reportEnded(unsigned self, unsigned ended, const State &state,
                   const Scope &scope) const {
    const RingNode *node = current(state, self);
    SmallVector<std::pair<Location, std::string>> notes;
    explain(self, state, scope, notes);
    InFlightDiagnostic diag = node->op->emitError()
                              << role(self) << " waits for ever for "
                              << role(ended);
    auto loop = scope.loops.find(ended);
    if (loop != scope.loops.end())
      diag << ", which goes on in other loops only: with more iterations than "
              "slots it cannot come to them";
    for (auto &[loc, text] : notes)
      diag.attachNote(loc) << text;
    if (loop != scope.loops.end())
      diag.attachNote(loop->second->op->getLoc())
          << "meanwhile " << role(ended) << " is in this loop";
  }

  void reportStuck(const State &state, const Scope &scope) {
    // Follow who waits for whom until a role comes again.
    unsigned self = 0;
    while (!current(state, self))
      ++self;
    SmallVector<unsigned> path;
    SmallVector<std::pair<Location, std::string>> ignored;
    while (!llvm::is_contained(path, self)) {
      path.push_back(self);
      std::optional<unsigned> next = explain(self, state, scope, ignored);
      if (!next)
        break;
      self = *next;
    }
    SmallVector<unsigned> cycle(llvm::find(path, self), path.end());
    const RingNode *node = current(state, cycle.front());
    if (!node)
      return reportEnded(path[path.size() - 2], self, state, scope);
    std::string names;
    for (auto [i, role] : llvm::enumerate(cycle))
      names += (i == 0                  ? "'"
                : i + 1 == cycle.size() ? " and '"
                                        : ", '") +
               protocol.roleName(role).str() + "'";
    InFlightDiagnostic diag = node->op->emitError();
    if (cycle.size() == 1)
      diag << "role " << names << " waits for itself for ever";
    else
      diag << "roles " << names << " wait for each other for ever";
    if (!scope.loops.empty() &&
        scope.loops.begin()->second->kind == RingNode::Loop)
      diag << ", in an iteration "
           << protocol.describeLoop(*scope.loops.begin()->second);
    for (unsigned role : cycle) {
      SmallVector<std::pair<Location, std::string>> notes;
      explain(role, state, scope, notes);
      for (auto &[loc, text] : notes)
        diag.attachNote(loc) << text;
    }
  }

  const RingProtocol &protocol;
  bool clusters = false;
  unsigned outcomes = 0;
};

} // namespace

LogicalResult tilewright::proveRingProgress(const RingProtocol &protocol) {
  return success(Prover(protocol).run());
}
