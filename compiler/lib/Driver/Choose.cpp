//===- Choose.cpp - the choice of a kernel's constants --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Driver/Choose.h"
#include "tilewright/DSL/Frontend.h"
#include "tilewright/DSL/TileGen.h"
#include "tilewright/Dialect/InitDialects.h"
#include "tilewright/Driver/Pipeline.h"
#include "tilewright/Transforms/Schedule.h"
#include "tilewright/Tuning/Profile.h"

#include "mlir/Pass/PassManager.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include <mutex>

using namespace mlir;
using namespace tilewright;
using tuning::Machine;
namespace typed = tilewright::dsl::typed;

/// Combinations that a space may have: planning them takes milliseconds each.
static constexpr size_t maxCombinations = 4096;

namespace tilewright {

class SpaceBuilder {
public:
  SpaceBuilder(StringRef source, StringRef fileName,
               const CompileOptions &options, llvm::raw_ostream &os)
      : options(options), os(os), diags(sources, &os),
        silent(sources, [](const llvm::SMDiagnostic &) {}),
        context(MLIRContext::Threading::DISABLED) {
    buffer = sources.AddNewSourceBuffer(
        llvm::MemoryBuffer::getMemBufferCopy(source, fileName), llvm::SMLoc());
    DialectRegistry registry;
    registerDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    context.printOpOnDiagnostic(false);
    // What rejects a point is the reason for it, not a message to the user.
    handler = std::make_unique<ScopedDiagnosticHandler>(
        &context, [this](Diagnostic &diag) {
          if (diag.getSeverity() == DiagnosticSeverity::Error && reason.empty())
            reason = diag.str();
          return success();
        });
  }

  std::shared_ptr<Space> run() {
    file = dsl::parse(sources, buffer, ast, diags);
    std::optional<typed::Target> target = dsl::parseTarget(options.target);
    if (!target || diags.hasErrors() || !dsl::check(file, diags))
      return nullptr;
    instantiation.kernel = options.kernel;
    instantiation.constants = options.constants;
    instantiation.target = *target;
    instantiation.defaultsFromTune = true;
    std::unique_ptr<typed::InstantiatedKernel> first =
        dsl::instantiate(file, instantiation, diags);
    if (!first)
      return nullptr;
    for (const typed::Dim *dim : first->dims)
      space->dimNames.push_back(dim->name.str());
    for (const typed::Tensor *tensor : first->tensors) {
      std::vector<std::string> letters;
      for (const typed::Expr *extent : tensor->shape) {
        auto *letter = dyn_cast<typed::DimRef>(extent);
        letters.push_back(letter ? letter->dim->name.str() : "");
      }
      space->tensors.emplace_back(tensor->name.str(), std::move(letters));
    }
    if (!readChoices(*first))
      return nullptr;
    enumerate();
    if (space->feasible.empty()) {
      os << "error: " << first->name
         << ": no configuration of its 'tune' can be compiled";
      if (!space->infeasible.empty())
        os << "; " << space->infeasible.front().configuration.str() << ": "
           << space->infeasible.front().reason;
      os << "\n";
      return nullptr;
    }
    return std::move(space);
  }

private:
  struct Dimension {
    std::string name;
    bool hint = false;
    std::vector<std::string> values;
  };

  static std::string spell(typed::ConstValue::Kind kind, int64_t value) {
    if (kind == typed::ConstValue::Bool)
      return value ? "true" : "false";
    if (kind == typed::ConstValue::ElemType)
      return typed::spelling(static_cast<typed::Elem>(value)).str();
    return std::to_string(value);
  }

  bool readChoices(const typed::InstantiatedKernel &kernel) {
    size_t combinations = 1;
    for (const typed::TuneChoice &choice : kernel.tune) {
      std::string name = choice.name.str();
      if (choice.hint ? options.hints.count(name)
                      : options.constants.count(name))
        continue;
      auto constant = llvm::find_if(kernel.constants, [&](const auto &each) {
        return each.first == name;
      });
      auto kind = constant == kernel.constants.end() ? typed::ConstValue::Int
                                                     : constant->second.kind;
      Dimension dimension{name, choice.hint, {}};
      for (int64_t value : choice.values)
        dimension.values.push_back(spell(kind, value));
      combinations *= std::max<size_t>(dimension.values.size(), 1);
      if (combinations > maxCombinations) {
        os << "error: " << kernel.name << ": its 'tune' has more than "
           << maxCombinations << " combinations\n";
        return false;
      }
      choices.push_back(std::move(dimension));
    }
    return true;
  }

  void enumerate() {
    SmallVector<size_t> digits(choices.size(), 0);
    while (true) {
      Configuration configuration;
      configuration.constants = options.constants;
      configuration.hints = options.hints;
      for (auto [dimension, digit] : llvm::zip_equal(choices, digits)) {
        if (dimension.values.empty())
          return;
        const std::string &value = dimension.values[digit];
        if (dimension.hint)
          configuration.hints[dimension.name] = std::stoll(value);
        else
          configuration.constants[dimension.name] = value;
      }
      add(configuration);
      // The first declared runs slowest.
      size_t at = choices.size();
      while (at > 0 && ++digits[at - 1] == choices[at - 1].values.size())
        digits[--at] = 0;
      if (at == 0)
        return;
    }
  }

  void add(const Configuration &configuration) {
    reason.clear();
    instantiation.constants = configuration.constants;
    dsl::Diagnostics quiet(sources, [this](const llvm::SMDiagnostic &diag) {
      if (reason.empty())
        reason = diag.getMessage().str();
    });
    std::unique_ptr<typed::InstantiatedKernel> kernel =
        dsl::instantiate(file, instantiation, quiet);
    // Constants that are all given need not meet the conditions.
    bool open =
        llvm::any_of(choices, [](const Dimension &d) { return !d.hint; });
    if (kernel && open)
      for (const typed::Expr *condition : kernel->tuneConditions)
        if (typed::constantValue(condition) == 0) {
          ++space->numExcluded;
          return;
        }
    std::optional<tuning::KernelProfile> profile =
        kernel ? plan(*kernel, configuration) : std::nullopt;
    if (profile)
      space->feasible.push_back({configuration, std::move(*profile)});
    else
      space->infeasible.push_back({configuration, reason});
  }

  std::optional<tuning::KernelProfile>
  plan(const typed::InstantiatedKernel &kernel,
       const Configuration &configuration) {
    OwningOpRef<ModuleOp> module = dsl::generateTile(context, kernel, sources);
    if (!module)
      return std::nullopt;
    NamedAttrList hints;
    for (const auto &[name, value] : configuration.hints)
      hints.set(name, Builder(&context).getI64IntegerAttr(value));
    if (!hints.empty())
      module->walk([&](tile::KernelOp op) {
        op->setAttr(hintsAttrName, hints.getDictionary(&context));
      });
    PassManager pm(&context);
    // A point's protocol is proved when it is compiled.
    buildPlanningPipeline(pm, /*verifyRings=*/false);
    if (failed(pm.run(*module)))
      return std::nullopt;
    std::optional<tuning::KernelProfile> profile;
    module->walk([&](tile::KernelOp op) {
      profile = tuning::profileKernel(op, reason);
    });
    return profile;
  }

  const CompileOptions &options;
  llvm::raw_ostream &os;
  llvm::SourceMgr sources;
  unsigned buffer = 0;
  dsl::Diagnostics diags, silent;
  dsl::ASTContext ast;
  dsl::File file;
  dsl::InstantiateOptions instantiation;
  MLIRContext context;
  std::unique_ptr<ScopedDiagnosticHandler> handler;
  std::vector<Dimension> choices;
  std::string reason;
  std::shared_ptr<Space> space = std::make_shared<Space>();

public:
  /// The table beside the kernel's file, if it is one of this source.
  static void loadTable(Space &space, StringRef source, StringRef fileName) {
    for (const std::string &path : tuning::tablePaths(fileName)) {
      auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
      if (!buffer)
        continue;
      llvm::Expected<tuning::Table> table =
          tuning::Table::parse((*buffer)->getBuffer());
      if (!table)
        space.note = path + ": " + llvm::toString(table.takeError());
      else if (table->source != tuning::hashSource(source))
        space.note = path + ": measured with another text of the kernel; not "
                            "used";
      else
        space.measured = std::move(*table);
      return;
    }
  }
};

} // namespace tilewright

std::shared_ptr<const Space> Space::get(StringRef source, StringRef fileName,
                                        const CompileOptions &options,
                                        llvm::raw_ostream &diagnostics) {
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<const Space>> spaces;
  std::string key;
  llvm::raw_string_ostream os(key);
  os << source << '\0' << fileName << '\0' << options.kernel << '\0'
     << options.target << '\0';
  for (const auto &[name, value] : options.constants)
    os << name << '=' << value << '\0';
  for (const auto &[name, value] : options.hints)
    os << "hint." << name << '=' << value << '\0';
  std::lock_guard<std::mutex> lock(mutex);
  std::shared_ptr<const Space> &slot = spaces[key];
  if (!slot) {
    std::shared_ptr<Space> made =
        SpaceBuilder(source, fileName, options, diagnostics).run();
    if (made)
      SpaceBuilder::loadTable(*made, source, fileName);
    slot = std::move(made);
  }
  return slot;
}

std::optional<SmallVector<int64_t, 4>>
Space::valuesOf(const Extents &dims) const {
  SmallVector<int64_t, 4> values;
  for (const std::string &name : dimNames) {
    auto it = dims.find(name);
    if (it == dims.end())
      return std::nullopt;
    values.push_back(it->second);
  }
  return values;
}

std::vector<Candidate> Space::rank(const Extents &dims,
                                   const Machine &machine) const {
  std::vector<Candidate> list;
  auto values = valuesOf(dims);
  if (!values)
    return list;
  for (const SpacePoint &point : feasible)
    if (point.profile.accepts(*values))
      list.push_back({&point, predict(point.profile, *values, machine)});
  // Points lie in the order of the declaration, which decides between equals.
  llvm::sort(list, [](const Candidate &a, const Candidate &b) {
    return std::tie(a.prediction.total, a.point) <
           std::tie(b.prediction.total, b.point);
  });
  return list;
}

std::optional<Choice> Space::choose(const Extents &dims,
                                    const Machine &machine) const {
  auto values = valuesOf(dims);
  if (!values)
    return std::nullopt;
  if (const tuning::TableEntry *entry =
          measured ? measured->find(machine.name, dims) : nullptr) {
    Choice choice{entry->configuration, std::nullopt, entry->microseconds};
    for (const SpacePoint &point : feasible)
      if (point.configuration == entry->configuration)
        choice.prediction = predict(point.profile, *values, machine);
    return choice;
  }
  const SpacePoint *best = nullptr;
  tuning::Prediction least;
  for (const SpacePoint &point : feasible) {
    if (!point.profile.accepts(*values))
      continue;
    tuning::Prediction each = predict(point.profile, *values, machine);
    if (best && each.total >= least.total)
      continue;
    best = &point;
    least = each;
  }
  if (!best)
    return std::nullopt;
  return Choice{best->configuration, least, std::nullopt};
}

std::optional<OpenConstants>
tilewright::openConstants(StringRef source, const CompileOptions &options) {
  llvm::SourceMgr sources;
  unsigned buffer = sources.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(source, ""), llvm::SMLoc());
  dsl::Diagnostics quiet(sources, [](const llvm::SMDiagnostic &) {});
  dsl::ASTContext ast;
  dsl::File file = dsl::parse(sources, buffer, ast, quiet);
  if (quiet.hasErrors())
    return std::nullopt;
  const dsl::KernelDecl *kernel = nullptr;
  for (const dsl::KernelDecl *each : file.kernels)
    if (options.kernel.empty() || each->name.name == options.kernel)
      kernel = kernel ? kernel : each;
  if (!kernel)
    return std::nullopt;
  OpenConstants open;
  for (const dsl::ConstParam &param : kernel->consts)
    if (!param.defaultValue && !options.constants.count(param.name.name.str()))
      open.names.push_back(param.name.name.str());
  open.tunable =
      kernel->body && llvm::any_of(kernel->body->stmts, [](const auto *stmt) {
        return isa<dsl::TuneStmt>(stmt);
      });
  return open;
}

bool tilewright::chooseConstants(CompileOptions &options, StringRef source,
                                 StringRef fileName, const Extents &dims,
                                 const Machine &machine,
                                 llvm::raw_ostream &diagnostics,
                                 std::optional<Choice> *choice) {
  if (options.defaultsFromTune)
    return true;
  std::optional<OpenConstants> open = openConstants(source, options);
  if (!open || open->names.empty() || !open->tunable)
    return true; // Compiling says what is wrong, if anything.
  std::shared_ptr<const Space> space =
      Space::get(source, fileName, options, diagnostics);
  if (!space)
    return false;
  Extents known = options.bake;
  known.insert(dims.begin(), dims.end());
  std::string missing;
  for (const std::string &name : space->dims())
    if (!known.count(name))
      missing += (missing.empty() ? "" : ",") + name + "=…";
  if (!missing.empty()) {
    diagnostics << "error: constant" << (open->names.size() > 1 ? "s " : " ")
                << llvm::join(open->names, ", ")
                << (open->names.size() > 1 ? " have no value: give them"
                                           : " has no value: give it")
                << " with -D, or say for which extents to choose: --shape "
                << missing << "\n";
    return false;
  }
  std::optional<Choice> chosen = space->choose(known, machine);
  if (!chosen) {
    diagnostics << "error: no configuration of the kernel's 'tune' meets its "
                   "requirements for these extents\n";
    return false;
  }
  options.constants = chosen->configuration.constants;
  options.hints = chosen->configuration.hints;
  if (choice)
    *choice = std::move(chosen);
  return true;
}
