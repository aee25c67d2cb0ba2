//===- Reference.h - a kernel's meaning, in double precision ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Interprets a typed, instantiated kernel by the semantics of the language
// (docs/language.md): what a GPU's result is compared with. It shares nothing
// with code generation but the front end.
//
// * Tiles are dense arrays of doubles with named axes. Roles are the processes
//   of a Kahn network: each runs until it needs a slot that is not full yet;
//   pipes are queues without a bound. Depths, phases and layouts play no role.
// * Floating-point values are never rounded on the way. Beside each value goes
//   its *magnitude*, the same expression evaluated on absolute values (for a
//   scaled contraction, the sum of |a·b|·scales). A conversion inside the
//   kernel adds its rounding error to the magnitude, so that
//
//       |out − ref| ≤ u(type)·|ref| + 1e-3·magnitude
//
//   holds for a right kernel, where u is half a unit in the last place of the
//   output's type (2^-8 for bf16, 2^-24 for f32). Values that are only moved,
//   and integers, must be equal.
// * Reading outside a tensor gives 0 and such elements are absent in
//   reductions; writing outside does nothing; elements for which a `where` is
//   false are not stored.
//
// The items of a `tiles` iterator are independent of each other, so a large
// problem is checked on a sample of them. A *dry run*, which replays control
// flow and subscripts but no floating-point values, counts operations and finds
// which elements the kernel writes.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_DSL_REFERENCE_H
#define TILEWRIGHT_DSL_REFERENCE_H

#include "tilewright/DSL/Typed.h"
#include "tilewright/Runtime/HostTensor.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"
#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace llvm {
class SourceMgr;
}

namespace tilewright::reference {

/// What one launch is given.
struct Problem {
  const dsl::typed::InstantiatedKernel *kernel = nullptr;
  /// For the lines of messages.
  const llvm::SourceMgr *sources = nullptr;
  /// Values of the run-time dimensions, by name.
  std::map<std::string, int64_t> dims;
  /// Values of the scalar arguments, by name.
  std::map<std::string, double> scalars;
  /// The tensors before the launch, in the kernel's order.
  std::vector<const runtime::HostTensor *> tensors;
};

/// The type of a tensor argument, as the runtime names it. Fails for types
/// that exist in registers only (tf32).
llvm::Expected<runtime::DType> storageType(const Problem &problem,
                                           const dsl::typed::Tensor &tensor);

/// The shape of `tensor` for the dimensions of `problem`.
llvm::Expected<llvm::SmallVector<int64_t, 5>>
tensorShape(const Problem &problem, const dsl::typed::Tensor &tensor);

/// Fails, naming the condition and the values in it, if a `require` does not
/// hold for the dimensions of `problem`.
llvm::Error checkRequirements(const Problem &problem);

/// True if the kernel reads `tensor`'s old values: it adds to the tensor, or
/// reads it.
bool readsInitialValues(const dsl::typed::InstantiatedKernel &kernel,
                        const dsl::typed::Tensor &tensor);

/// Elements of an output, in pages that exist only where something was
/// evaluated. Positions are row-major.
class OutputValues {
public:
  /// What is known of an element.
  enum State : uint8_t {
    Untouched, ///< The kernel does not write it.
    Written,   ///< It is written; its value was not evaluated (sample).
    Evaluated
  };
  /// A magnitude that says that the value must be met exactly.
  static constexpr float exact = -1;

  explicit OutputValues(int64_t count = 0)
      : states(count), pages((count + pageSize - 1) / pageSize) {}

  int64_t size() const { return static_cast<int64_t>(states.size()); }
  State state(int64_t position) const { return State(states[position]); }
  double value(int64_t position) const {
    return pages[position / pageSize]->value[position % pageSize];
  }
  float magnitude(int64_t position) const {
    return pages[position / pageSize]->magnitude[position % pageSize];
  }
  void setWritten(int64_t position) {
    if (states[position] == Untouched)
      states[position] = Written;
  }
  void set(int64_t position, double value, float magnitude) {
    std::unique_ptr<Page> &page = pages[position / pageSize];
    if (!page)
      page = std::make_unique<Page>();
    page->value[position % pageSize] = value;
    page->magnitude[position % pageSize] = magnitude;
    states[position] = Evaluated;
  }
  /// Makes what was evaluated merely written.
  void forgetValues();
  int64_t count(State state) const;

private:
  static constexpr int64_t pageSize = 128;
  struct Page {
    std::array<double, pageSize> value;
    std::array<float, pageSize> magnitude;
  };
  std::vector<uint8_t> states;
  std::vector<std::unique_ptr<Page>> pages;
};

struct Options {
  /// Evaluate all items, however long it takes.
  bool full = false;
  /// Units of work (a multiply-add of a contraction is one) above which a
  /// sample is evaluated: a few seconds on one core.
  double workLimit = 8e9;
  /// Chooses the sample.
  uint64_t seed = 0;
};

/// What a kernel does, without evaluating it.
struct Counts {
  /// 2·m·n·k of all contractions, of elements inside the tensors only.
  double operations = 0;
  /// Padding included, and other work on tiles: what evaluation would cost.
  double work = 0;
  int64_t items = 0;
};

struct Result {
  /// False if elements outside the sample are not known to be written.
  bool coverage = true;
  int64_t items = 0;          ///< Of the kernel's iterator; 0 without one.
  int64_t evaluatedItems = 0; ///< Less than `items` for a sample.
  double operations = 0;      ///< As in Counts; 0 if not known.
  /// By the kernel's tensor order; empty for inputs.
  std::vector<std::unique_ptr<OutputValues>> outputs;
};

/// Fails with one line `file:line:col: …` for a construct that cannot be
/// interpreted, and for a kernel that is wrong (roles that wait for each other,
/// or that use a ring a different number of times).
llvm::Expected<Result> evaluate(const Problem &problem, const Options &options);

/// The dry run alone.
llvm::Expected<Counts> count(const Problem &problem);

/// One output compared with its reference.
struct CheckReport {
  std::string tensor;
  int64_t elements = 0;  ///< Of the tensor.
  int64_t compared = 0;  ///< Evaluated, so compared with a value.
  int64_t written = 0;   ///< Known to be written; checked for poison.
  int64_t untouched = 0; ///< Checked for having kept their bytes.
  double relative = 0;   ///< ‖out − ref‖/‖ref‖ over those compared.
  double limit = 0;      ///< What `relative` must be below.
  /// The element with the largest |out − ref| / bound, as `D[3, 5]`.
  double worst = 0;
  std::string worstElement;
  double worstOut = 0, worstRef = 0, worstBound = 0;
  int64_t outOfBound = 0; ///< Compared elements beyond their bound, or NaN.
  int64_t missing = 0;    ///< Elements to be written that still are poison.
  int64_t stray = 0;      ///< Elements not to be written that changed.
  std::string firstMissing, firstStray;
  bool passed() const {
    return outOfBound == 0 && missing == 0 && stray == 0 && relative <= limit;
  }
  /// Why it did not pass: one line.
  std::string failure() const;
};

/// Compares the output `after` a launch with `expected`. `before` is the tensor
/// before it: poisoned unless `readsInitialValues`, which is `initialised`.
CheckReport check(const runtime::HostTensor &before,
                  const runtime::HostTensor &after,
                  const OutputValues &expected, bool initialised,
                  bool coverage = true);

/// Half a unit in the last place of `type`, relative: 2^-8 for bf16. 0 for
/// integers.
double unitRoundoff(runtime::DType type);

} // namespace tilewright::reference

#endif // TILEWRIGHT_DSL_REFERENCE_H
