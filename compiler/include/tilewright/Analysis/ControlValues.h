//===- ControlValues.h - what steers loops and branches, symbolically -----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The roles of a kernel compute their loop bounds and conditions each for
// itself. Two of them run a loop equally often if the bounds are the same
// expression of what all roles agree on: the kernel's arguments, the components
// of an iterator, the numbers of iterations of matched loops, and elements of
// tensors that the kernel does not write. This file gives such expressions a
// normal form and numbers, so that equal numbers mean equal values.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_ANALYSIS_CONTROLVALUES_H
#define TILEWRIGHT_ANALYSIS_CONTROLVALUES_H

#include "tilewright/Dialect/Tile/TileDialect.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/DenseMap.h"
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tilewright {

/// What is known of a value besides its expression.
struct ControlFacts {
  /// Why roles need not agree on the value, and where; null if they agree.
  mlir::Operation *disagreement = nullptr;
  std::string reason;
  /// May differ between the threads of a warpgroup.
  bool perThread = false;
  /// May differ between the CTAs of a cluster.
  bool perCTA = false;
  /// Tensors whose elements are assumed not to change while the kernel runs.
  llvm::SmallVector<mlir::Value, 2> reads;

  bool isAgreed() const { return !disagreement; }
};

/// A condition in normal form: `holds` tells a condition from its negation.
struct ControlCondition {
  unsigned id = 0;
  bool holds = true;
  /// Set if the condition is known.
  std::optional<bool> constant;
};

/// Numbers expressions of index and integer values. An expression is a sum of
/// integer multiples of atoms; an atom is an argument, a component of an
/// iterator, the number of an iteration, or an operation on expressions.
/// Arithmetic is that of the integers: index values do not wrap (the shapes of
/// tensors are below 2^63).
class ControlValues {
public:
  /// Equal numbers: equal values wherever both are in scope.
  using Form = unsigned;

  explicit ControlValues(tile::KernelOp kernel);

  Form get(mlir::Value value);
  Form getConstant(int64_t value);
  /// The value of a form that is a constant.
  std::optional<int64_t> getConstantValue(Form form) const;
  /// Iterations of a loop; negative values mean none.
  Form getTripCount(mlir::scf::ForOp loop);
  ControlCondition getCondition(mlir::Value value);

  /// In what follows, `loop` is the `level`-th loop around (0: outermost), and
  /// runs some iteration of `trips`.
  void enter(mlir::scf::ForOp loop, unsigned level, Form trips);
  void enter(tile::ForEachOp loop, unsigned level);
  /// In what follows, `loop` runs iteration number `iteration`.
  void enterIteration(mlir::scf::ForOp loop, int64_t iteration);

  ControlFacts getFacts(Form form) const;
  ControlFacts getConditionFacts(unsigned condition) const;
  /// The expression as one would write it, for diagnostics.
  std::string describe(Form form) const;

private:
  struct Atom {
    ControlFacts facts;
    std::string text;
  };
  struct Sum {
    int64_t constant = 0;
    /// Atoms and their coefficients, sorted by atom, none zero.
    std::vector<std::pair<unsigned, int64_t>> terms;
    bool operator<(const Sum &other) const {
      return std::tie(constant, terms) < std::tie(other.constant, other.terms);
    }
  };
  using AtomKey = std::tuple<std::string, const void *, const void *,
                             std::vector<uint64_t>>;

  Form intern(const Sum &sum);
  Form getAtomForm(unsigned atom);
  /// The atom of `key`, made with the facts of its operands at first sight.
  unsigned getAtom(AtomKey key, llvm::ArrayRef<Form> operands,
                   const std::string &text);
  Form getOpaque(mlir::Value value, mlir::Operation *at, std::string reason);
  /// a + factor * b, or nothing on overflow.
  std::optional<Form> addScaled(Form a, Form b, int64_t factor);
  Form difference(Form a, Form b);
  Form divide(Form a, Form b, bool up);
  Form product(Form a, Form b);

  Form compute(mlir::Value value);
  Form computeArgument(mlir::BlockArgument arg);
  Form computeOperation(mlir::Operation *op, mlir::OpResult result);
  Form bindInduction(mlir::scf::ForOp loop, Form iteration);
  /// The tensors that `op` reads if it does nothing else to memory.
  bool readsOnlyConstantTensors(mlir::Operation *op,
                                llvm::SmallVectorImpl<mlir::Value> &tensors,
                                std::string &why);
  std::string describeOperation(mlir::Operation *op,
                                llvm::ArrayRef<Form> operands) const;

  tile::KernelOp kernel;
  std::vector<Atom> atoms;
  std::vector<Sum> sums;
  std::map<Sum, Form> sumIds;
  std::map<AtomKey, unsigned> atomIds;
  /// Operations with regions are compared with those seen before.
  std::map<AtomKey, std::vector<std::pair<mlir::Operation *, unsigned>>>
      regionAtoms;
  std::map<std::pair<int, Form>, unsigned> conditionIds;
  std::vector<Form> conditions;
  llvm::DenseMap<mlir::Value, Form> opaque, bound, cache;
};

} // namespace tilewright

#endif // TILEWRIGHT_ANALYSIS_CONTROLVALUES_H
