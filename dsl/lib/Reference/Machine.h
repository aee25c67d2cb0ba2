//===- Machine.h - the state of a reference run -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A Machine holds what roles share: tensors, pipes, counters. One Process runs
// one role of one CTA, in a thread of its own; but all processes share one
// lock, which a process gives up only while it waits for another. So exactly
// one runs at any time, and a run is as deterministic as the language.
//
// One virtual CTA takes all items of an iterator in turn. A kernel that adds up
// over a cluster gets a virtual cluster instead.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_REFERENCE_MACHINE_H
#define TILEWRIGHT_REFERENCE_MACHINE_H

#include "Access.h"
#include "tilewright/DSL/Reference.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>

namespace tilewright::reference {

using namespace dsl::typed;

/// `a op b` on integers; returns a message where that has no value.
const char *apply(Op op, int64_t a, int64_t b, int64_t &value);
bool compareIntegers(dsl::CompareOp op, int64_t a, int64_t b);

/// The runtime's name of a type; nothing for those that memory never holds.
std::optional<runtime::DType> storageType(Elem elem);
/// Bits of the mantissa, without the implicit one; 0 for integers.
unsigned mantissaBits(Elem elem);
/// The value nearest to `value` in a floating-point type.
double roundTo(Elem elem, double value);
/// By which roundings are divided when they enter a magnitude.
constexpr double magnitudeScale = 1e-3;

/// The contents of one slot.
struct SlotData {
  std::vector<TilePtr> fields;
  int contributions = 0, releases = 0;
  size_t bytes = 0;
};
using SlotPtr = std::shared_ptr<SlotData>;

/// A pipe of one CTA.
struct PipeState {
  /// The plain pipe: slots `base`, `base` + 1, … that some reader still needs.
  std::deque<SlotPtr> queue;
  int64_t base = 0;
  size_t bytes = 0;
  std::map<unsigned, int64_t> puts, gets; ///< By role.
  int writers = 0, readers = 0;           ///< Roles.
  /// The keyed pipe.
  std::map<std::vector<int64_t>, SlotPtr> keyed;
};

struct TensorState {
  const runtime::HostTensor *host = nullptr;
  runtime::DType type = runtime::DType::F32;
  llvm::SmallVector<int64_t, 5> shape;
  llvm::SmallVector<int64_t, 5> strides; ///< Elements of `type`.
  int64_t byteOffset = 0;                ///< Views.
  OutputValues *output = nullptr;        ///< The kernel writes it.
};

/// The items of an iterator: their coordinates one after the other.
struct ItemList {
  unsigned rank = 0;
  std::vector<int64_t> coordinates;
  int64_t size() const {
    return rank ? static_cast<int64_t>(coordinates.size()) / rank : 1;
  }
  llvm::ArrayRef<int64_t> operator[](int64_t item) const {
    return {coordinates.data() + item * rank, rank};
  }
};

class Process;

class Machine {
public:
  Machine(const Problem &problem, bool dry) : problem(problem), dry(dry) {}

  /// Binds dimensions and tensors. Fails where they do not fit the kernel.
  llvm::Error prepare();

  /// Runs all roles to their ends.
  llvm::Error run();

  //===--- Waiting (Pipes.cpp) --------------------------------------------===//
  /// Blocks the calling process until `ready`. False if the run has failed
  /// (also when all processes wait: `what` and `loc` then say for what).
  bool waitUntil(llvm::function_ref<bool()> ready, llvm::SMLoc loc,
                 const llvm::Twine &what);
  /// Another process may be able to go on.
  void changed();

  /// Records the first failure; always false.
  bool fail(llvm::SMLoc loc, const llvm::Twine &message);
  bool failed() const { return hasFailed; }
  std::string takeMessage() { return std::exchange(message, {}); }
  /// `file:line:col`
  std::string place(llvm::SMLoc loc) const;

  PipeState &pipe(unsigned cta, const Pipe *pipe);
  /// Waits for room, then gives the slot that role `role` fills next.
  SlotPtr beginPut(unsigned cta, const Pipe *pipe, unsigned role,
                   llvm::SMLoc loc);
  void endPut(unsigned cta, const Pipe *pipe, const SlotPtr &slot);
  SlotPtr get(unsigned cta, const Pipe *pipe, unsigned role, llvm::SMLoc loc);
  /// After all roles have ended: every slot was filled and read.
  bool checkPipes();

  const Problem &problem;
  const bool dry;
  unsigned ctas = 1; ///< Of the virtual cluster.
  std::vector<OutputValues *> outputs;
  llvm::DenseMap<const Tensor *, TensorState> tensors;
  llvm::DenseMap<const Dim *, int64_t> dims;
  llvm::DenseMap<const Counter *, std::vector<int64_t>> counters;
  std::map<const Iterator *, ItemList> items;
  /// What to run instead of all items of the kernel's one iterator.
  std::optional<ItemList> sample;
  /// cluster_sum: by expression and role, then by count; one tile a CTA.
  std::map<std::pair<const Expr *, unsigned>, std::vector<std::vector<TilePtr>>>
      exchanges;

  //===--- Counting -------------------------------------------------------===//
  double operations = 0, work = 0;
  std::vector<double> itemWork; ///< By item of the kernel's iterator.
  bool coverageKnown = true;
  /// A dry run found control flow that depends on floating-point values.
  bool dataDependent = false;

private:
  friend class Process;
  std::mutex mutex;
  std::condition_variable wake;
  uint64_t epoch = 0;
  unsigned waiting = 0, alive = 0;
  bool hasFailed = false;
  std::string message;
  std::vector<std::string> waits; ///< For the message of a deadlock.
  std::vector<std::map<const Pipe *, PipeState>> pipes;
  size_t budget = size_t(16) << 20; ///< Bytes that a pipe may hold.
};

/// Runs one role.
class Process {
public:
  Process(Machine &machine, const Role &role, unsigned roleIndex, unsigned cta)
      : machine(machine), role(&role), roleIndex(roleIndex), cta(cta) {}
  /// Evaluates expressions outside roles.
  explicit Process(Machine &machine) : machine(machine) {}

  bool run();

  //===--- Scalars (Scalars.cpp) ------------------------------------------===//
  bool integer(const Expr *expr, int64_t &value);
  bool boolean(const Expr *expr, bool &value);
  bool frameOf(const Type &type, Frame &frame);
  bool frameOf(llvm::ArrayRef<Axis> axes, Frame &frame);
  void bind(const Var *var, int64_t value);
  /// Gives a scalar argument its value.
  void bindScalar(const Var *var, double value);

private:
  struct Variable {
    int64_t number = 0;
    TilePtr tile; ///< Null: `number`.
    bool defined = false;
  };
  struct Affine {
    llvm::StringRef axis; ///< Empty: none.
    int64_t base = 0, slope = 0;
  };

  bool fail(llvm::SMLoc loc, const llvm::Twine &message) {
    return machine.fail(loc, message);
  }
  bool unsupported(llvm::SMLoc loc, const llvm::Twine &what) {
    return fail(loc, "the reference cannot interpret " + what);
  }
  TilePtr noTile(llvm::SMLoc loc, const llvm::Twine &message) {
    fail(loc, message);
    return nullptr;
  }
  void addWork(double amount);

  //===--- Scalars --------------------------------------------------------===//
  bool integerBinary(const BinaryExpr &expr, int64_t &value);
  bool readScalar(const TensorRead &read, int64_t &value);
  bool affine(const Expr *expr, Affine &result);
  bool counterCell(const CounterRead &read, int64_t *&cell);
  Variable &variable(const Var *var);
  bool checkRank(const Expr *rank);

  //===--- Tiles (Expressions.cpp) ----------------------------------------===//
  TilePtr evaluate(const Expr *expr);
  TilePtr evaluateAll(const Expr *expr); ///< Even scalars of integer type.
  TilePtr evaluateBinary(const BinaryExpr &expr);
  TilePtr evaluateCompare(const CompareExpr &expr);
  TilePtr evaluateCall(const CallExpr &expr);
  TilePtr evaluateConvert(const ConvertExpr &expr);
  TilePtr evaluateContract(const ContractExpr &expr);
  TilePtr evaluateReduce(const ReduceExpr &expr);
  TilePtr evaluateClusterSum(const ReduceExpr &expr);
  TilePtr evaluateWhere(const WhereExpr &expr);
  TilePtr evaluateAt(const AtExpr &expr);
  TilePtr evaluateField(const FieldRef &ref);
  /// `op` of two tiles of element type `elem`.
  TilePtr combine(Op op, Elem elem, const TilePtr &a, const TilePtr &b,
                  llvm::SMLoc loc);
  /// Rounds to `to` as far as the reference does.
  TilePtr convert(const TilePtr &tile, Elem from, Elem to);
  /// A hollow tile over the axes of both.
  TilePtr hollowLike(llvm::ArrayRef<const Tile *> operands);

  //===--- Memory (Memory.cpp) --------------------------------------------===//
  /// The table of subscripts `subs` of something with these extents and
  /// strides, over `frame`. A null subscript is the coordinate along the axis
  /// of the same position in `names`.
  bool access(llvm::ArrayRef<const Expr *> subs, llvm::ArrayRef<int64_t> shape,
              llvm::ArrayRef<int64_t> strides, llvm::ArrayRef<TileAxis> frame,
              Access &result, llvm::ArrayRef<TileAxis> names = {});
  TensorState *tensor(const Tensor *tensor, llvm::SMLoc loc);
  bool bindView(const Tensor *view);
  TilePtr read(const TensorRead &read);
  /// Counters along axes: `sum<r: R>(got[r, e])`.
  TilePtr readCounters(const CounterRead &read);
  TilePtr readOutput(const TensorRead &read, TensorState &state, Frame frame);
  /// The part of `whole` at `subs`, one for each of its axes.
  TilePtr gather(const TilePtr &whole, llvm::ArrayRef<const Expr *> subs,
                 llvm::ArrayRef<TileAxis> frame);
  bool store(const TensorRead &dst, const Expr *src, bool accumulate);
  bool storeField(const FieldRef &dst, const Expr *src, bool accumulate);
  /// Narrows `valid` of the frame's axes to what lies inside.
  bool clip(llvm::ArrayRef<const Expr *> subs, llvm::ArrayRef<int64_t> shape,
            Frame &frame);

  //===--- Statements (Statements.cpp) ------------------------------------===//
  bool exec(const Stmt *stmt);
  bool execBlock(const Block *block);
  bool execAssign(const AssignStmt &stmt);
  bool execAccumulate(const AccumulateStmt &stmt);
  bool execForRange(const ForRangeStmt &stmt);
  bool execForIter(const ForIterStmt &stmt);
  bool execSchedule(const ForIterStmt &stmt);
  bool execPut(const PutStmt &stmt);
  bool execGet(const GetStmt &stmt);
  bool execFree(const FreeStmt &stmt);
  bool execEach(const EachStmt &stmt, size_t dim);
  bool execAwait(const AwaitStmt &stmt);
  bool keyOf(llvm::ArrayRef<const Expr *> keys, std::vector<int64_t> &key);
  /// The value of `full` or `free` of a keyed pipe.
  bool keyedCount(const Pipe &pipe, const Expr *expr, int otherwise,
                  llvm::ArrayRef<int64_t> key, int64_t &value);
  /// Adds `value` to, or puts it in, a variable or field `cell` of this type.
  bool update(TilePtr &cell, const Type &type, TilePtr value, bool add);

public:
  /// The items of a `tiles` iterator.
  bool listItems(const Iterator &iterator, ItemList &list);

private:
  Machine &machine;
  const Role *role = nullptr;
  unsigned roleIndex = 0, cta = 0;
  std::deque<Variable> variables; ///< By number; references stay valid.
  llvm::DenseMap<const Slot *, SlotPtr> slots;
  llvm::DenseMap<const Slot *, std::vector<int64_t>> slotKeys;
  std::map<const Tensor *, TensorState> views;
  std::map<const Expr *, size_t> exchangeCounts;
  /// Coordinates of the current item, for cluster_sum.
  llvm::DenseMap<const Var *, unsigned> clusterDims;
  std::vector<std::pair<const Iterator *, std::vector<int64_t>>> current;
  int64_t currentItem = -1;
  llvm::function_ref<bool(llvm::ArrayRef<int64_t>)> *yield = nullptr;
};

} // namespace tilewright::reference

#endif // TILEWRIGHT_REFERENCE_MACHINE_H
