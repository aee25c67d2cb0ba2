//===- BarrierProgram.h - a role as what its barriers depend on -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The explicit barriers of a role as a small program: the integers from which
// places, parities, bounds and conditions are computed, and the operations that
// touch barriers or shared memory. Everything else (floating point, addresses)
// is left out. See docs/rationale/barriers.md.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_ANALYSIS_BARRIERPROGRAM_H
#define TILEWRIGHT_ANALYSIS_BARRIERPROGRAM_H

#include "tilewright/Dialect/Pipe/PipeDialect.h"
#include "tilewright/Dialect/Tile/TileDialect.h"

#include "llvm/ADT/DenseMap.h"
#include <vector>

namespace tilewright {

/// What a register of a program holds: an integer, nothing that is known, or
/// the answer to a `pipe.try_wait`.
using BarrierValue = int64_t;
constexpr BarrierValue unknownValue = INT64_MIN;
/// Answers to questions are `firstTicket` plus what was asked.
constexpr BarrierValue firstTicket = INT64_MIN + 1;
constexpr BarrierValue lastTicket = INT64_MIN + (int64_t(1) << 40);
inline bool isTicket(BarrierValue value) {
  return value >= firstTicket && value <= lastTicket;
}
inline bool isKnown(BarrierValue value) { return value > lastTicket; }

/// Which threads run an operation.
enum class BarrierThreads : uint8_t { All, Warp, Group, Role };

struct BarrierInst {
  enum Kind : uint8_t {
    // Integers.
    Constant,
    Copy,
    Arith,
    Select,
    More, ///< Whether the loop around has another iteration.
    Element,
    Unknown,
    Group,
    // Barriers between roles.
    Wait,
    TryWait,
    Arrive,
    // Shared memory.
    Fill,
    Read,
    Write,
    // Tensor cores.
    MMAFence,
    MMA,
    MMACommit,
    MMAWait,
    // The copy engine and what comes before it.
    ProxyFence,
    GroupBarrier,
    Store,
    CommitGroup,
    WaitGroup,
    // Control.
    Elect,
    Loop,
    ForEach,
    If,
  } kind = Unknown;
  mlir::Operation *op = nullptr;
  int result = -1;
  /// Operands in registers; for loops lower bound, upper bound and step.
  int a = -1, b = -1, c = -1;
  /// The constant; bytes, pending groups, the barrier's number.
  int64_t imm = 0;
  /// Arith: which; a predicate in `imm`.
  unsigned opcode = 0;
  unsigned width = 64;
  /// Flips the bits of places of a static ring.
  bool flipsPlaces = false;

  // Barriers and memory.
  int ring = -1;
  pipe::Side side = pipe::Side::Full;
  /// Where the result is the slot operand's place: registers of the places
  /// that are read, and their rings (MMA, Store, Read, Write, Fill).
  llvm::SmallVector<std::pair<int, int>, 2> places;
  BarrierThreads threads = BarrierThreads::All;
  /// Wait: with `unless`.
  bool asks = false;
  bool perWarp = false, drains = false;
  int64_t multicast = 1;
  /// Fill: from this CTA's own slot, which all threads have written.
  bool sends = false;
  /// MMAWait: products whose sums are read after it. MMA: its own number.
  llvm::SmallVector<int, 2> products;

  // Loops: initial values, arguments, yielded values and results, all
  // registers; an induction variable or the indices of an iterator; the
  // registers of the body; the one that says whether another iteration follows.
  llvm::SmallVector<int, 6> inits, args, yields, results, indices;
  int moreReg = -1;
  int firstReg = 0, endReg = 0;
  /// Loops: registers from outside that are read in it or later, and those
  /// that are not.
  llvm::SmallVector<int, 8> live, dead;
  int clusterIndex = -1;
  std::vector<BarrierInst> body, otherwise;
  llvm::SmallVector<int, 2> elseYields;
  bool hasBarriers = false;
};

/// A ring as its barriers are initialised.
struct BarrierRing {
  pipe::RingOp op;
  int64_t depth = 1, instances = 1, cluster = 1;
  int64_t fullCount = 0, emptyCount = 0;
  bool isEngine = false, isStatic = false;
  /// All CTAs of the cluster fill a part of the slots of all.
  bool isExchange = false;
  llvm::StringRef name() const { return pipe::RingOp(op).getSymName(); }
};

struct BarrierRole {
  tile::RoleOp op;
  std::vector<BarrierInst> body;
  int numRegs = 0;
  bool singleThread = false;
  int64_t groups = 1, warps = 1; ///< groups that run apart; warps of all
  llvm::StringRef name() const { return tile::RoleOp(op).getName(); }
};

/// All roles of a kernel with explicit barriers.
class BarrierProgram {
public:
  /// Reports what cannot be followed: views that are carried, operations on
  /// shared memory or barriers that are not known.
  static mlir::FailureOr<std::unique_ptr<BarrierProgram>>
  build(tile::KernelOp kernel);

  tile::KernelOp kernel;
  std::vector<BarrierRing> rings;
  std::vector<BarrierRole> roles;
  int64_t cluster = 1;
  /// Registers of the kernel's own values come first in every role.
  std::vector<BarrierInst> common;
  /// The run-time dimensions: register and a number of elements of which loops
  /// take one iteration.
  struct Dim {
    int reg;
    int64_t unit;
  };
  std::vector<Dim> dims;
  int commonRegs = 0;
};

} // namespace tilewright

#endif // TILEWRIGHT_ANALYSIS_BARRIERPROGRAM_H
