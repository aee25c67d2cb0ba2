//===- RingCounts.cpp - all users of a ring take equally many slots -------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The slots that a role takes from a ring are a sum: for each path of loops and
// branches, how many acquires an iteration of its innermost loop holds. Two
// sums are equal if they have the same terms.
//
//===----------------------------------------------------------------------===//

#include "tilewright/Analysis/RingProtocol.h"

using namespace mlir;
using namespace tilewright;

bool RingPathStep::sameAs(const RingPathStep &other) const {
  if (node->kind != other.node->kind)
    return false;
  if (node->kind == RingNode::Loop)
    return node->key == other.node->key;
  return node->condition.id == other.node->condition.id && taken == other.taken;
}

namespace {

using Path = SmallVector<RingPathStep, 4>;

/// Loops in the same order, and the same conditions wherever they stand: a
/// condition names the variables of the loops that it depends on.
bool samePath(ArrayRef<RingPathStep> a, ArrayRef<RingPathStep> b) {
  if (a.size() != b.size())
    return false;
  auto loops = [](ArrayRef<RingPathStep> path) {
    SmallVector<unsigned> keys;
    for (const RingPathStep &step : path)
      if (step.node->kind == RingNode::Loop)
        keys.push_back(step.node->key);
    return keys;
  };
  auto conditions = [](ArrayRef<RingPathStep> path) {
    SmallVector<std::pair<unsigned, bool>> ids;
    for (const RingPathStep &step : path)
      if (step.node->kind == RingNode::Branch)
        ids.push_back({step.node->condition.id, step.taken});
    llvm::sort(ids);
    return ids;
  };
  return loops(a) == loops(b) && conditions(a) == conditions(b);
}

using Counts = std::vector<RingCount>;

void add(Counts &counts, const RingCount &term) {
  for (RingCount &count : counts)
    if (samePath(count.path, term.path)) {
      count.count += term.count;
      for (Operation *acquire : term.acquires)
        if (!llvm::is_contained(count.acquires, acquire))
          count.acquires.push_back(acquire);
      return;
    }
  counts.push_back(term);
}

const RingCount *find(const Counts &counts, const RingCount &term) {
  for (const RingCount &count : counts)
    if (samePath(count.path, term.path))
      return &count;
  return nullptr;
}

bool equal(const Counts &a, const Counts &b) {
  return a.size() == b.size() && llvm::all_of(a, [&](const RingCount &term) {
           const RingCount *other = find(b, term);
           return other && other->count == term.count;
         });
}

/// Terms of the acquires of `user` among `nodes`, paths from there.
Counts collect(ArrayRef<RingNode> nodes, unsigned user) {
  Counts counts;
  auto addAll = [&](const Counts &terms, const RingNode *node, bool taken) {
    for (RingCount term : terms) {
      if (node)
        term.path.insert(term.path.begin(), RingPathStep{node, taken});
      add(counts, term);
    }
  };
  for (const RingNode &node : nodes) {
    switch (node.kind) {
    case RingNode::Event:
      if (node.user == user && (node.event == RingEventKind::Put ||
                                node.event == RingEventKind::Get ||
                                node.event == RingEventKind::Issue))
        add(counts, RingCount{{}, 1, {node.op}});
      break;
    case RingNode::Loop:
      addAll(collect(node.children, user), &node, true);
      break;
    case RingNode::Branch: {
      Counts yes = collect(node.children, user);
      Counts no = collect(node.otherwise, user);
      if (equal(yes, no)) {
        addAll(yes, nullptr, true);
        break;
      }
      addAll(yes, &node, true);
      addAll(no, &node, false);
      break;
    }
    }
  }
  return counts;
}

class Comparison {
public:
  explicit Comparison(const RingProtocol &protocol) : protocol(protocol) {}

  LogicalResult run() {
    LogicalResult result = success();
    for (const RingInfo &ring : protocol.getRings())
      if (!ring.isEngine() && failed(compare(ring)))
        result = failure();
    return result;
  }

private:
  const RingUser &user(unsigned index) { return protocol.getUsers()[index]; }
  std::string role(unsigned index) {
    return "role '" + protocol.roleName(user(index).role).str() + "'";
  }
  static StringRef verb(const RingUser &user) {
    return user.part == RingPart::Contributor ? "puts" : "gets";
  }
  static StringRef noun(const RingUser &user) {
    return user.part == RingPart::Contributor ? "put" : "get";
  }
  static std::string slots(int64_t count) {
    return std::to_string(count) + (count == 1 ? " slot" : " slots");
  }

  LogicalResult compare(const RingInfo &ring) {
    if (ring.users.empty())
      return success();
    unsigned first = ring.users.front(), last = ring.users.back();
    if (user(first).part != RingPart::Contributor)
      return user(first).first->emitError()
             << role(first) << " gets from '" << ring.name()
             << "', but no role puts: the get waits for ever";
    if (user(last).part != RingPart::Consumer)
      return user(first).first->emitError()
             << role(first) << " puts into '" << ring.name()
             << "', but no role gets: the put waits for ever once "
             << slots(ring.depth) << " are full";
    Counts expected =
        collect(protocol.getRoles()[user(first).role].body, first);
    for (unsigned other : ArrayRef<unsigned>(ring.users).drop_front()) {
      Counts counts =
          collect(protocol.getRoles()[user(other).role].body, other);
      if (!equal(expected, counts))
        return report(ring, first, expected, other, counts);
    }
    return success();
  }

  LogicalResult report(const RingInfo &ring, unsigned a, const Counts &countsA,
                       unsigned b, const Counts &countsB) {
    // Both have the path, but not equally often.
    for (const RingCount &term : countsA)
      if (const RingCount *other = find(countsB, term);
          other && other->count != term.count)
        return reportNumbers(ring, a, term, b, *other);
    // One has a path that the other lacks; best one that differs little.
    auto missing = [](const Counts &from, const Counts &in) {
      SmallVector<const RingCount *> result;
      for (const RingCount &term : from)
        if (!find(in, term))
          result.push_back(&term);
      return result;
    };
    SmallVector<const RingCount *> onlyA = missing(countsA, countsB);
    SmallVector<const RingCount *> onlyB = missing(countsB, countsA);
    for (const RingCount *termA : onlyA)
      for (const RingCount *termB : onlyB)
        if (termA->path.size() == termB->path.size() && !termA->path.empty())
          return reportPaths(ring, a, *termA, b, *termB);
    if (!onlyA.empty())
      return reportAlone(ring, a, *onlyA.front(), b, countsB);
    return reportAlone(ring, b, *onlyB.front(), a, countsA);
  }

  void noteAcquires(InFlightDiagnostic &diag, unsigned index,
                    const RingCount &term) {
    for (Operation *acquire : term.acquires)
      diag.attachNote(acquire->getLoc())
          << role(index) << " " << verb(user(index)) << " here";
  }

  /// What comes of `more` acquires by user a than user b has.
  void noteConsequence(InFlightDiagnostic &diag, const RingInfo &ring,
                       unsigned a, const RingCount &term, unsigned b,
                       int64_t surplus) {
    Location at = term.acquires.front()->getLoc();
    if (user(b).part == user(a).part) {
      diag.attachNote(at)
          << (user(a).part == RingPart::Contributor
                  ? "a slot is full once all contributions are there: the get "
                    "waits for ever for the missing one"
                  : "a slot is free once all roles that get it have released "
                    "it: the put waits for ever once the ring is full");
      return;
    }
    if (user(a).part == RingPart::Consumer) {
      diag.attachNote(at) << "this get waits for ever once all slots that "
                          << role(b) << " puts are used up";
      return;
    }
    InFlightDiagnostic &note = diag;
    int64_t harmless = ring.depth / surplus;
    if (!term.path.empty() && term.path.back().node->kind == RingNode::Loop)
      note.attachNote(at) << "with the depth of " << ring.depth
                          << ", this put waits for ever after " << harmless
                          << (harmless == 1 ? " iteration" : " iterations")
                          << "; with fewer, copies are in flight when the CTA "
                             "ends";
    else
      note.attachNote(at) << "this put waits for ever once "
                          << slots(ring.depth)
                          << " are full; until then copies are in flight when "
                             "the CTA ends";
  }

  std::string where(const RingCount &term) {
    for (const RingPathStep &step : llvm::reverse(term.path))
      if (step.node->kind == RingNode::Loop)
        return " in an iteration " + protocol.describeLoop(*step.node);
    return "";
  }

  LogicalResult reportNumbers(const RingInfo &ring, unsigned a,
                              const RingCount &termA, unsigned b,
                              const RingCount &termB) {
    InFlightDiagnostic diag = termA.acquires.front()->emitError()
                              << role(a) << " " << verb(user(a)) << " "
                              << slots(termA.count) << " of '" << ring.name()
                              << "'" << where(termA) << ", " << role(b) << " "
                              << verb(user(b)) << " " << termB.count;
    noteAcquires(diag, a, termA);
    noteAcquires(diag, b, termB);
    if (termA.count > termB.count)
      noteConsequence(diag, ring, a, termA, b, termA.count - termB.count);
    else
      noteConsequence(diag, ring, b, termB, a, termB.count - termA.count);
    return failure();
  }

  std::string describe(const RingPathStep &step) {
    if (step.node->kind == RingNode::Loop)
      return "in every iteration " + protocol.describeLoop(*step.node);
    return "on a condition";
  }

  LogicalResult reportPaths(const RingInfo &ring, unsigned a,
                            const RingCount &termA, unsigned b,
                            const RingCount &termB) {
    // The first step in which they differ.
    size_t i = 0;
    while (i + 1 < termA.path.size() && termA.path[i].sameAs(termB.path[i]))
      ++i;
    const RingPathStep &stepA = termA.path[i], &stepB = termB.path[i];
    InFlightDiagnostic diag = termA.acquires.front()->emitError();
    diag << role(a) << " " << verb(user(a)) << " slots of '" << ring.name()
         << "' " << describe(stepA) << ", " << role(b) << " " << verb(user(b))
         << " them ";
    bool branches = stepA.node->kind == RingNode::Branch &&
                    stepB.node->kind == RingNode::Branch;
    diag << (branches ? std::string("on another one") : describe(stepB))
         << ": these need not be equally many";
    diag.attachNote(stepA.node->op->getLoc()) << "here in " << role(a);
    diag.attachNote(stepB.node->op->getLoc()) << "here in " << role(b);
    noteAcquires(diag, b, termB);
    return failure();
  }

  LogicalResult reportAlone(const RingInfo &ring, unsigned a,
                            const RingCount &term, unsigned b,
                            const Counts &counts) {
    InFlightDiagnostic diag = term.acquires.front()->emitError();
    diag << role(a) << " " << verb(user(a)) << " " << slots(term.count)
         << " of '" << ring.name() << "'" << where(term)
         << (!term.path.empty() &&
                     term.path.back().node->kind == RingNode::Branch
                 ? " on a condition"
                 : "")
         << ", for which " << role(b) << " has no " << noun(user(b));
    for (const RingCount &other : counts)
      noteAcquires(diag, b, other);
    noteConsequence(diag, ring, a, term, b, term.count);
    return failure();
  }

  const RingProtocol &protocol;
};

} // namespace

bool tilewright::takeEquallyMany(
    ArrayRef<std::pair<unsigned, ArrayRef<RingNode>>> programs) {
  if (programs.empty())
    return true;
  Counts expected = collect(programs.front().second, programs.front().first);
  return llvm::all_of(programs.drop_front(), [&](const auto &program) {
    return equal(expected, collect(program.second, program.first));
  });
}

LogicalResult tilewright::checkRingCounts(const RingProtocol &protocol) {
  return Comparison(protocol).run();
}
