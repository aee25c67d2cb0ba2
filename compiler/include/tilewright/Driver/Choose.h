//===- Choose.h - the choice of a kernel's constants ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A kernel's `tune` declarations span a space of configurations. A Space plans
// each of its points once (milliseconds each, with the compiler's own planning
// passes: what they reject is not in the space); a choice for given dimensions
// then evaluates the cost model on every point, which takes microseconds, or
// looks into the table that ships beside the kernel.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_DRIVER_CHOOSE_H
#define TILEWRIGHT_DRIVER_CHOOSE_H

#include "tilewright/Driver/Compile.h"
#include "tilewright/Tuning/CostModel.h"
#include "tilewright/Tuning/Table.h"

namespace tilewright {

using tuning::Configuration;
using Extents = std::map<std::string, int64_t>;

/// One configuration of a kernel that can be compiled.
struct SpacePoint {
  Configuration configuration;
  tuning::KernelProfile profile;
};

/// Configurations that cannot be compiled, and why.
struct Rejection {
  Configuration configuration;
  std::string reason;
};

struct Candidate {
  const SpacePoint *point = nullptr;
  tuning::Prediction prediction;
};

struct Choice {
  Configuration configuration;
  /// Of the model, also where the table decided; absent when the table's
  /// configuration is not a point of the space.
  std::optional<tuning::Prediction> prediction;
  /// Set if a table decided.
  std::optional<double> measured;
};

class Space {
public:
  /// The space of a kernel whose `options` fix some constants and hints.
  /// Computed once for a process. Nothing after an error, which is reported to
  /// `diagnostics`; a kernel none of whose points can be planned is one.
  static std::shared_ptr<const Space> get(llvm::StringRef source,
                                          llvm::StringRef fileName,
                                          const CompileOptions &options,
                                          llvm::raw_ostream &diagnostics);

  /// The fastest configuration for dimensions that are all known; nothing if
  /// no configuration accepts them. Equal times: the one that is declared
  /// first.
  std::optional<Choice> choose(const Extents &dims,
                               const tuning::Machine &machine) const;
  /// All configurations that accept the dimensions, the fastest first.
  std::vector<Candidate> rank(const Extents &dims,
                              const tuning::Machine &machine) const;

  llvm::ArrayRef<SpacePoint> points() const { return feasible; }
  llvm::ArrayRef<Rejection> rejected() const { return infeasible; }
  /// Combinations that a condition of `tune` excludes.
  size_t excluded() const { return numExcluded; }
  llvm::ArrayRef<std::string> dims() const { return dimNames; }
  /// The kernel's tensors, and the dimension letter of each of their extents
  /// that is one alone (else ""): what binds the dimensions in a launch.
  using Signature =
      std::vector<std::pair<std::string, std::vector<std::string>>>;
  const Signature &signature() const { return tensors; }
  /// What was said of the table: "", or why it is not used.
  const std::string &tableNote() const { return note; }
  const tuning::Table *table() const { return measured ? &*measured : nullptr; }

private:
  friend class SpaceBuilder;
  std::optional<llvm::SmallVector<int64_t, 4>>
  valuesOf(const Extents &dims) const;

  std::vector<SpacePoint> feasible;
  std::vector<Rejection> infeasible;
  size_t numExcluded = 0;
  std::vector<std::string> dimNames;
  Signature tensors;
  std::optional<tuning::Table> measured;
  std::string note;
};

/// The constants of the kernel that neither `options` nor a default gives a
/// value, and whether `tune` says what each may be.
struct OpenConstants {
  std::vector<std::string> names;
  std::vector<std::string> dims;
  bool tunable = false;
};
/// Nothing after an error in the file (which compiling it reports).
std::optional<OpenConstants> openConstants(llvm::StringRef source,
                                           const CompileOptions &options);

/// Gives constants without a value the ones chosen for `dims` (with what is
/// baked in): fills `options`. Does nothing for a kernel whose constants all
/// have values, or that declares no `tune`. False after an error, such as a
/// dimension that the choice needs and that is not known.
bool chooseConstants(CompileOptions &options, llvm::StringRef source,
                     llvm::StringRef fileName, const Extents &dims,
                     const tuning::Machine &machine,
                     llvm::raw_ostream &diagnostics,
                     std::optional<Choice> *choice = nullptr);

} // namespace tilewright

#endif // TILEWRIGHT_DRIVER_CHOOSE_H
