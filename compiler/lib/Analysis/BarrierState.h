//===- BarrierState.h - what a role holds and awaits ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The ghost state of one group of a role: what the event model of
// docs/rationale/pipe.md says about its slots, beside the registers that the
// real code computes with. Each operation on barriers or shared memory is a
// step that the model must allow.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_LIB_ANALYSIS_BARRIERSTATE_H
#define TILEWRIGHT_LIB_ANALYSIS_BARRIERSTATE_H

#include "tilewright/Analysis/BarrierVerifier.h"

#include "llvm/ADT/SetVector.h"

namespace tilewright {

/// A place of a ring.
struct RingPlace {
  int32_t ring;
  int32_t place;
  bool operator==(const RingPlace &other) const {
    return ring == other.ring && place == other.place;
  }
};

/// A slot between the wait for it and the arrival that ends its use.
struct HeldSlot {
  RingPlace at;
  pipe::Side waited; ///< Empty: to be filled; Full: to be read.
  BarrierThreads threads;
  int64_t bytes = 0; ///< of copies so far
};

/// What ordinary stores have put into a place, and who can see it.
struct WrittenPlace {
  enum Visible : uint8_t { Plain, Fenced, Published } visible = Plain;
  RingPlace at;
};

/// Bulk stores or products of one group, and the places that they read.
struct ReadGroup {
  llvm::SmallVector<RingPlace, 2> reads;
  llvm::SmallVector<int, 4> products;
  bool empty() const { return reads.empty() && products.empty(); }
};

struct BarrierState {
  std::vector<BarrierValue> regs;
  /// For each ring and side, the number of acquires; modulo two rounds in a
  /// ring of running counts. In a static ring the next place; the parity of the
  /// place in view is the last bit.
  struct Count {
    int64_t next = 0;
    bool parity = false; ///< of the focused place of a static ring
    int64_t drained = 0; ///< places, as bits or a number from place 0 on
    int64_t total = 0;   ///< acquires, in runs with concrete trip counts
  };
  std::vector<Count> counts;
  std::vector<HeldSlot> held;
  std::vector<WrittenPlace> written;
  std::vector<ReadGroup> products, stores;
  ReadGroup openProducts, openStores;
  /// Places that the thread that waits for the engine knows to be free, and
  /// the others do not yet.
  std::vector<RingPlace> retired;
  BarrierThreads storeThreads = BarrierThreads::All;
  bool fenced = false;
  /// The last operation that was no integer, to find repetitions.
  int64_t last = -1;

  /// These registers and all of the ghost state as numbers.
  std::vector<int64_t> key(llvm::ArrayRef<BarrierValue> registers) const;
  std::vector<int64_t> key() const { return key(regs); }
  std::vector<int64_t> keyAt(const BarrierInst &loop) const;
};

/// Runs a group of a role, step by step.
class BarrierInterpreter {
public:
  BarrierInterpreter(const BarrierProgram &program, unsigned role,
                     int64_t group);

  /// Any trip counts; `focus` is the place of static rings whose parity is in
  /// view.
  mlir::LogicalResult checkAll(unsigned focus, int64_t &states);
  /// Concrete trip counts.
  std::optional<std::vector<BarrierEvent>>
  trace(const BarrierRunValues &values);

private:
  using States = std::vector<BarrierState>;

  bool runBlock(llvm::ArrayRef<BarrierInst> block, States &states);
  bool runLoop(const BarrierInst &inst, States &states);
  bool runConcreteLoop(const BarrierInst &inst, BarrierState &state,
                       int64_t first, int64_t trips, int64_t step, States &out);
  bool runIf(const BarrierInst &inst, States &states);
  void enterLoop(const BarrierInst &inst, BarrierState &state);
  bool step(const BarrierInst &inst, BarrierState &state);
  BarrierValue evaluate(const BarrierInst &inst, const BarrierState &state);
  void unite(States &states);

  bool wait(const BarrierInst &inst, BarrierState &state);
  bool drain(const BarrierInst &inst, BarrierState &state, int64_t place,
             int64_t parity);
  bool tryWait(const BarrierInst &inst, BarrierState &state);
  bool arrive(const BarrierInst &inst, BarrierState &state);
  bool fill(const BarrierInst &inst, BarrierState &state);
  bool access(const BarrierInst &inst, BarrierState &state);
  bool product(const BarrierInst &inst, BarrierState &state);
  bool endProducts(const BarrierInst &inst, BarrierState &state);
  bool waitProducts(const BarrierInst &inst, BarrierState &state);
  bool proxyFence(const BarrierInst &inst, BarrierState &state);
  bool groupBarrier(const BarrierInst &inst, BarrierState &state);
  bool store(const BarrierInst &inst, BarrierState &state);
  bool endStores(const BarrierInst &inst, BarrierState &state);
  bool waitStores(const BarrierInst &inst, BarrierState &state);
  bool repeats(const BarrierInst &inst, BarrierState &state);
  bool finish(const BarrierState &state);

  /// The parity of the next acquire of a place.
  int64_t parityOf(const BarrierState &state, int ring, pipe::Side side,
                   int64_t place) const;
  unsigned countOf(int ring, pipe::Side side) const {
    return 2 * static_cast<unsigned>(ring) + (side == pipe::Side::Full ? 0 : 1);
  }
  bool inView(const BarrierRing &ring, int64_t place) const {
    return !ring.isStatic || place == static_cast<int64_t>(focus);
  }
  const HeldSlot *findHeld(const BarrierState &state, RingPlace at) const;
  bool isSingleThread(BarrierThreads threads) const;
  int64_t arrivals(const BarrierInst &inst) const;
  bool error(const BarrierInst &inst, const llvm::Twine &message);
  std::string place(RingPlace at) const;
  BarrierValue get(const BarrierState &state, int reg) const {
    return reg < 0 ? unknownValue : state.regs[reg];
  }

  const BarrierProgram &program;
  const BarrierRole &role;
  int64_t group;
  unsigned focus = 0;
  int64_t states = 0;
  /// Rings that the role fills and whose slots others may arrive at after it.
  llvm::SmallVector<bool, 8> fills;
  /// Waits with `unless`, and those that a question has answered.
  llvm::SetVector<mlir::Operation *> asking;
  llvm::DenseSet<mlir::Operation *> answered;
  llvm::DenseSet<mlir::Operation *> reported;
  // Concrete runs.
  const BarrierRunValues *values = nullptr;
  std::vector<BarrierEvent> events;
  bool failedRun = false, tooFar = false;
};

/// Arrivals of one execution by one group of a role.
int64_t countArrivals(const BarrierRole &role, const BarrierInst &inst);

} // namespace tilewright

#endif // TILEWRIGHT_LIB_ANALYSIS_BARRIERSTATE_H
