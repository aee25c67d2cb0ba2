//===- Reference.cpp - evaluating a kernel, wholly or on a sample ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/DSL/Reference.h"
#include "Machine.h"
#include "Walk.h"
#include "llvm/Support/Casting.h"
#include <random>
#include <set>

using namespace llvm;
using namespace tilewright;
using namespace tilewright::reference;

static Error refuse(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message);
}

int64_t OutputValues::count(State state) const {
  return std::count(states.begin(), states.end(), uint8_t(state));
}

void OutputValues::forgetValues() {
  for (uint8_t &state : states)
    if (state == Evaluated)
      state = Written;
  for (std::unique_ptr<Page> &page : pages)
    page = nullptr;
}

//===----------------------------------------------------------------------===//
// Shapes and requirements
//===----------------------------------------------------------------------===//

/// Evaluates integers over dimensions, without tensors.
class DimEvaluator {
public:
  explicit DimEvaluator(const Problem &problem)
      : machine(problem, /*dry=*/true), process(machine) {
    for (const Dim *dim : problem.kernel->dims) {
      auto it = problem.dims.find(dim->name.str());
      if (dim->baked)
        machine.dims[dim] = *dim->baked;
      else if (it != problem.dims.end())
        machine.dims[dim] = it->second;
    }
  }
  Expected<int64_t> operator()(const Expr *expr) {
    int64_t value;
    if (process.integer(expr, value))
      return value;
    return refuse(machine.takeMessage());
  }

private:
  Machine machine;
  Process process;
};

Expected<runtime::DType> reference::storageType(const Problem &problem,
                                                const Tensor &tensor) {
  std::optional<runtime::DType> type = reference::storageType(tensor.elem);
  if (type && tensor.elem != Elem::TF32)
    return *type;
  return refuse("tensor '" + tensor.name + "': no tensor in memory has type " +
                spelling(tensor.elem));
}

Expected<SmallVector<int64_t, 5>> reference::tensorShape(const Problem &problem,
                                                         const Tensor &tensor) {
  DimEvaluator evaluate(problem);
  SmallVector<int64_t, 5> shape;
  for (const Expr *extent : tensor.shape) {
    Expected<int64_t> value = evaluate(extent);
    if (!value)
      return value.takeError();
    if (*value < 0)
      return refuse("tensor '" + tensor.name + "': extent " + toString(extent) +
                    " is " + Twine(*value));
    shape.push_back(*value);
  }
  return shape;
}

Error reference::checkRequirements(const Problem &problem) {
  for (const RunTimeRequire &requirement : problem.kernel->requirements) {
    DimEvaluator evaluate(problem);
    Expected<int64_t> holds = evaluate(requirement.cond);
    if (!holds)
      return holds.takeError();
    if (*holds)
      continue;
    std::string values;
    std::set<const Dim *> seen;
    walkExpression(requirement.cond, [&](const Expr *expr) {
      auto *ref = dyn_cast<DimRef>(expr);
      if (!ref || !seen.insert(ref->dim).second)
        return;
      if (Expected<int64_t> value = evaluate(ref))
        values += (values.empty() ? " where " : ", ") + ref->dim->name.str() +
                  " = " + std::to_string(*value);
      else
        consumeError(value.takeError());
    });
    Machine machine(problem, true);
    return refuse(machine.place(requirement.loc) + ": " + problem.kernel->name +
                  " requires " + requirement.text + values);
  }
  return Error::success();
}

bool reference::readsInitialValues(const InstantiatedKernel &kernel,
                                   const Tensor &tensor) {
  if (tensor.mode == Tensor::In)
    return true;
  bool found = false;
  for (const Role *role : kernel.roles)
    walkStatements(role->body, [&](const Stmt *stmt) {
      bool reads;
      const Expr *place = writtenPlace(stmt, reads);
      walkExpressions(stmt, [&](const Expr *expr) {
        auto *read = dyn_cast<TensorRead>(expr);
        if (read && (read->tensor == &tensor ||
                     (read->tensor->isView() && read->tensor->base == &tensor)))
          found |= expr != place || reads;
      });
      return true;
    });
  return found;
}

//===----------------------------------------------------------------------===//
// Samples
//===----------------------------------------------------------------------===//

/// The iterator whose items may be evaluated each by itself, or null: every
/// role runs over it once, and keeps and exchanges nothing outside that loop.
static const Iterator *independentIterator(const InstantiatedKernel &kernel) {
  if (!kernel.counters.empty())
    return nullptr;
  for (const Pipe *pipe : kernel.pipes)
    if (!pipe->keys.empty())
      return nullptr;
  const Iterator *found = nullptr;
  bool independent = true;
  for (const Role *role : kernel.roles) {
    unsigned loops = 0;
    walkStatements(role->body, [&](const Stmt *stmt) {
      if (auto *loop = dyn_cast<ForIterStmt>(stmt)) {
        ++loops;
        independent &= loop->iterator->kind == Iterator::Tiles &&
                       (!found || found == loop->iterator);
        found = loop->iterator;
        return false;
      }
      // Names for values may stand outside; nothing that lasts or acts may.
      independent &= isa<LetStmt, ViewStmt, Block>(stmt);
      return true;
    });
    independent &= loops <= 1;
    // Loops in loops.
    walkStatements(role->body, [&](const Stmt *stmt) {
      if (auto *loop = dyn_cast<ForIterStmt>(stmt))
        walkStatements(loop->body, [&](const Stmt *inner) {
          independent &= !isa<ForIterStmt, BarrierStmt, AwaitStmt>(inner);
          return true;
        });
      return true;
    });
  }
  return independent ? found : nullptr;
}

/// Items to evaluate within `limit` units of work: the first, the last, the
/// last along each dimension, then others at random.
static std::vector<int64_t> chooseItems(const ItemList &all,
                                        ArrayRef<double> work, double limit,
                                        uint64_t seed) {
  int64_t count = all.size();
  std::set<int64_t> chosen;
  double used = 0;
  auto cost = [&](int64_t item) {
    return size_t(item) < work.size() ? work[item] : 0;
  };
  auto add = [&](int64_t item) {
    if (chosen.insert(item).second)
      used += cost(item);
  };
  add(0);
  add(count - 1);
  // The tails: for each dimension an item with its largest coordinate, the
  // others as small as possible.
  for (unsigned d = 0; d < all.rank; ++d) {
    int64_t best = 0;
    for (int64_t item = 1; item < count; ++item)
      if (all[item][d] > all[best][d])
        best = item;
    add(best);
  }
  std::mt19937_64 random(seed * 0x9e3779b97f4a7c15u + 1);
  // Draw without replacement as long as there is time; the standard fixes the
  // generator's numbers, and taking a remainder is as portable.
  for (int64_t tries = 0; tries < 4 * count && int64_t(chosen.size()) < count;
       ++tries) {
    auto item = static_cast<int64_t>(random() % uint64_t(count));
    if (chosen.count(item))
      continue;
    if (used + cost(item) > limit)
      break;
    add(item);
  }
  return {chosen.begin(), chosen.end()};
}

//===----------------------------------------------------------------------===//
// Entry points
//===----------------------------------------------------------------------===//

Expected<Counts> reference::count(const Problem &problem) {
  Machine machine(problem, /*dry=*/true);
  std::vector<std::unique_ptr<OutputValues>> outputs;
  for (const Tensor *tensor : problem.kernel->tensors) {
    outputs.push_back(nullptr);
    if (tensor->mode == Tensor::In)
      continue;
    auto shape = tensorShape(problem, *tensor);
    if (!shape)
      return shape.takeError();
    int64_t size = 1;
    for (int64_t extent : *shape)
      size *= extent;
    outputs.back() = std::make_unique<OutputValues>(size);
  }
  for (auto &output : outputs)
    machine.outputs.push_back(output.get());
  if (Error error = machine.prepare())
    return std::move(error);
  if (Error error = machine.run())
    return std::move(error);
  Counts counts;
  counts.operations = machine.operations;
  counts.work = machine.work;
  for (auto &[iterator, list] : machine.items)
    counts.items += list.size();
  return counts;
}

Expected<Result> reference::evaluate(const Problem &problem,
                                     const Options &options) {
  Result result;
  for (size_t i = 0; i < problem.kernel->tensors.size(); ++i) {
    result.outputs.push_back(nullptr);
    if (problem.kernel->tensors[i]->mode == Tensor::In)
      continue;
    if (i >= problem.tensors.size() || !problem.tensors[i])
      return refuse("tensor '" + problem.kernel->tensors[i]->name +
                    "' is missing");
    result.outputs.back() =
        std::make_unique<OutputValues>(problem.tensors[i]->elements());
  }
  auto bindOutputs = [&](Machine &machine) {
    for (auto &output : result.outputs)
      machine.outputs.push_back(output.get());
    return machine.prepare();
  };

  // Without values first: how much there is to do, and what is written.
  Machine dry(problem, /*dry=*/true);
  if (Error error = bindOutputs(dry))
    return std::move(error);
  const Iterator *iterator = independentIterator(*problem.kernel);
  bool known = true;
  if (Error error = dry.run()) {
    // Control flow that depends on values cannot be replayed without them.
    if (!dry.dataDependent)
      return std::move(error);
    consumeError(std::move(error));
    known = false;
  }
  std::optional<ItemList> sample;
  if (known) {
    result.operations = dry.operations;
    result.coverage = dry.coverageKnown;
    auto it = iterator ? dry.items.find(iterator) : dry.items.end();
    if (it != dry.items.end()) {
      const ItemList &all = it->second;
      result.items = result.evaluatedItems = all.size();
      if (!options.full && dry.work > options.workLimit && all.size() > 1) {
        std::vector<int64_t> chosen =
            chooseItems(all, dry.itemWork, options.workLimit, options.seed);
        result.evaluatedItems = static_cast<int64_t>(chosen.size());
        sample.emplace();
        sample->rank = all.rank;
        for (int64_t item : chosen) {
          ArrayRef<int64_t> at = all[item];
          sample->coordinates.insert(sample->coordinates.end(), at.begin(),
                                     at.end());
        }
      }
    }
  }
  if (sample) {
    // What a dry run knows of values is not needed, and must not be added to.
    for (auto &output : result.outputs)
      if (output)
        output->forgetValues();
  } else {
    // All elements are evaluated: what is not stays untouched.
    for (auto &output : result.outputs)
      if (output)
        *output = OutputValues(output->size());
    result.coverage = true;
  }
  Machine machine(problem, /*dry=*/false);
  machine.sample = std::move(sample);
  if (Error error = bindOutputs(machine))
    return std::move(error);
  if (Error error = machine.run())
    return std::move(error);
  return std::move(result);
}
