//===- ControlValues.cpp - what steers loops and branches, symbolically ---===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Analysis/ControlValues.h"
#include "tilewright/Dialect/Resources.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace tilewright;

using Form = ControlValues::Form;

/// What the facts of a value owe to one that it is computed from.
static void addFacts(ControlFacts &facts, const ControlFacts &from) {
  if (!facts.disagreement) {
    facts.disagreement = from.disagreement;
    facts.reason = from.reason;
  }
  facts.perThread |= from.perThread;
  facts.perCTA |= from.perCTA;
  for (Value tensor : from.reads)
    if (!llvm::is_contained(facts.reads, tensor))
      facts.reads.push_back(tensor);
}

ControlValues::ControlValues(tile::KernelOp kernel) : kernel(kernel) {}

//===----------------------------------------------------------------------===//
// Forms
//===----------------------------------------------------------------------===//

Form ControlValues::intern(const Sum &sum) {
  auto [it, inserted] = sumIds.insert({sum, static_cast<Form>(sums.size())});
  if (inserted)
    sums.push_back(sum);
  return it->second;
}

Form ControlValues::getConstant(int64_t value) {
  Sum sum;
  sum.constant = value;
  return intern(sum);
}

std::optional<int64_t> ControlValues::getConstantValue(Form form) const {
  if (!sums[form].terms.empty())
    return std::nullopt;
  return sums[form].constant;
}

Form ControlValues::getAtomForm(unsigned atom) {
  Sum sum;
  sum.terms.push_back({atom, 1});
  return intern(sum);
}

unsigned ControlValues::getAtom(AtomKey key, ArrayRef<Form> operands,
                                const std::string &text) {
  auto [it, inserted] =
      atomIds.insert({std::move(key), static_cast<unsigned>(atoms.size())});
  if (!inserted)
    return it->second;
  Atom atom;
  atom.text = text;
  for (Form operand : operands)
    addFacts(atom.facts, getFacts(operand));
  atoms.push_back(std::move(atom));
  return it->second;
}

Form ControlValues::getOpaque(Value value, Operation *at, std::string reason) {
  auto it = opaque.find(value);
  if (it != opaque.end())
    return it->second;
  Atom atom;
  atom.facts.disagreement = at;
  atom.facts.reason = std::move(reason);
  atom.facts.perCTA = true;
  atom.text = "?";
  atoms.push_back(std::move(atom));
  Form form = getAtomForm(atoms.size() - 1);
  opaque[value] = form;
  return form;
}

std::optional<Form> ControlValues::addScaled(Form a, Form b, int64_t factor) {
  Sum result;
  const Sum &x = sums[a], &y = sums[b];
  int64_t scaled;
  if (llvm::MulOverflow(y.constant, factor, scaled) ||
      llvm::AddOverflow(x.constant, scaled, result.constant))
    return std::nullopt;
  std::map<unsigned, int64_t> terms(x.terms.begin(), x.terms.end());
  for (auto [atom, coefficient] : y.terms) {
    int64_t &sum = terms[atom];
    if (llvm::MulOverflow(coefficient, factor, scaled) ||
        llvm::AddOverflow(sum, scaled, sum))
      return std::nullopt;
  }
  for (auto [atom, coefficient] : terms)
    if (coefficient != 0)
      result.terms.push_back({atom, coefficient});
  return intern(result);
}

Form ControlValues::difference(Form a, Form b) {
  if (std::optional<Form> result = addScaled(a, b, -1))
    return *result;
  return getAtomForm(getAtom({"-", nullptr, nullptr, {a, b}}, {a, b},
                             "(" + describe(a) + " - " + describe(b) + ")"));
}

Form ControlValues::product(Form a, Form b) {
  if (std::optional<int64_t> factor = getConstantValue(a))
    if (std::optional<Form> result = addScaled(getConstant(0), b, *factor))
      return *result;
  if (std::optional<int64_t> factor = getConstantValue(b))
    if (std::optional<Form> result = addScaled(getConstant(0), a, *factor))
      return *result;
  if (a > b)
    std::swap(a, b);
  return getAtomForm(getAtom({"*", nullptr, nullptr, {a, b}}, {a, b},
                             "(" + describe(a) + ") * (" + describe(b) + ")"));
}

Form ControlValues::divide(Form a, Form b, bool up) {
  std::optional<int64_t> by = getConstantValue(b);
  if (by && *by > 0) {
    Sum sum = sums[a];
    bool exact = true;
    for (auto &[atom, coefficient] : sum.terms) {
      exact &= coefficient % *by == 0;
      coefficient /= *by;
    }
    if (exact) {
      sum.constant = up ? llvm::divideCeilSigned(sum.constant, *by)
                        : llvm::divideFloorSigned(sum.constant, *by);
      return intern(sum);
    }
  }
  std::string text = up ? "cdiv(" + describe(a) + ", " + describe(b) + ")"
                        : "(" + describe(a) + ") // (" + describe(b) + ")";
  return getAtomForm(
      getAtom({up ? "cdiv" : "//", nullptr, nullptr, {a, b}}, {a, b}, text));
}

ControlFacts ControlValues::getFacts(Form form) const {
  ControlFacts facts;
  for (auto [atom, coefficient] : sums[form].terms)
    addFacts(facts, atoms[atom].facts);
  return facts;
}

std::string ControlValues::describe(Form form) const {
  const Sum &sum = sums[form];
  std::string text;
  for (auto [atom, coefficient] : sum.terms) {
    if (!text.empty())
      text += coefficient < 0 ? " - " : " + ";
    else if (coefficient < 0)
      text += "-";
    uint64_t size = coefficient < 0 ? -static_cast<uint64_t>(coefficient)
                                    : static_cast<uint64_t>(coefficient);
    if (size != 1)
      text += llvm::utostr(size) + "*";
    text += atoms[atom].text;
  }
  if (text.empty())
    return llvm::itostr(sum.constant);
  if (sum.constant > 0)
    text += " + " + llvm::itostr(sum.constant);
  else if (sum.constant < 0)
    text += " - " + llvm::utostr(-static_cast<uint64_t>(sum.constant));
  return text;
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

Form ControlValues::getTripCount(scf::ForOp loop) {
  return divide(
      difference(get(loop.getUpperBound()), get(loop.getLowerBound())),
      get(loop.getStep()), /*up=*/true);
}

Form ControlValues::bindInduction(scf::ForOp loop, Form iteration) {
  Form lower = get(loop.getLowerBound());
  Form moved = product(iteration, get(loop.getStep()));
  cache.clear();
  std::optional<Form> value = addScaled(lower, moved, 1);
  Form form = value ? *value
                    : getOpaque(loop.getInductionVar(), loop,
                                "a loop variable that overflows");
  bound[loop.getInductionVar()] = form;
  return form;
}

void ControlValues::enter(scf::ForOp loop, unsigned level, Form trips) {
  Form iteration = getAtomForm(getAtom(
      {"iteration", nullptr, nullptr, {level, trips}}, {trips}, "iteration"));
  bindInduction(loop, iteration);
}

void ControlValues::enterIteration(scf::ForOp loop, int64_t iteration) {
  bindInduction(loop, getConstant(iteration));
}

void ControlValues::enter(tile::ForEachOp loop, unsigned level) {
  cache.clear();
  auto tiles = loop.getIter().getDefiningOp<tile::TilesOp>();
  for (auto [i, index] : llvm::enumerate(loop.getIndices())) {
    std::string text = tiles ? tiles.getName().str() : "item";
    text += "[" + llvm::utostr(i) + "]";
    unsigned atom = getAtom(
        {"item", loop.getIter().getAsOpaquePointer(), nullptr, {level, i}}, {},
        text);
    // The CTAs of a cluster take consecutive values of one component.
    if (!tiles || (tiles.getCluster() > 1 && tiles.getClusterDim() == i))
      atoms[atom].facts.perCTA = true;
    bound[index] = getAtomForm(atom);
  }
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

Form ControlValues::get(Value value) {
  auto it = bound.find(value);
  if (it != bound.end())
    return it->second;
  it = cache.find(value);
  if (it != cache.end())
    return it->second;
  Form form = compute(value);
  cache[value] = form;
  return form;
}

Form ControlValues::compute(Value value) {
  if (auto arg = dyn_cast<BlockArgument>(value))
    return computeArgument(arg);
  auto result = cast<OpResult>(value);
  return computeOperation(result.getOwner(), result);
}

Form ControlValues::computeArgument(BlockArgument arg) {
  Operation *parent = arg.getOwner()->getParentOp();
  if (parent == kernel.getOperation())
    return getAtomForm(
        getAtom({"argument", arg.getAsOpaquePointer(), nullptr, {}}, {},
                kernel.getArgName(arg.getArgNumber()).str()));
  return getOpaque(arg, parent, "a value that a loop carries");
}

bool ControlValues::readsOnlyConstantTensors(Operation *op,
                                             SmallVectorImpl<Value> &tensors,
                                             std::string &why) {
  auto interface = dyn_cast<MemoryEffectOpInterface>(op);
  if (!interface)
    return false;
  SmallVector<MemoryEffects::EffectInstance> effects;
  interface.getEffects(effects);
  for (const MemoryEffects::EffectInstance &effect : effects)
    if (!isa<MemoryEffects::Read>(effect.getEffect()) ||
        effect.getResource() != GlobalMemory::get())
      return false;
  for (Value operand : op->getOperands()) {
    if (!isa<tile::GlobalTensorType>(operand.getType()))
      continue;
    auto arg = dyn_cast<BlockArgument>(operand);
    if (!arg || arg.getOwner()->getParentOp() != kernel.getOperation())
      return false;
    auto mode =
        kernel.getArgAttrOfType<StringAttr>(arg.getArgNumber(), "tile.mode");
    if (!mode || mode.getValue() != "in") {
      why = "an element of '" + kernel.getArgName(arg.getArgNumber()).str() +
            "', which the kernel writes";
      return false;
    }
    tensors.push_back(operand);
  }
  return !tensors.empty();
}

std::string ControlValues::describeOperation(Operation *op,
                                             ArrayRef<Form> operands) const {
  std::string text;
  ArrayRef<Form> rest = operands;
  bool load = isa<tile::LoadElementOp>(op) && !operands.empty();
  if (load) {
    text = describe(operands[0]) + "[";
    rest = operands.drop_front();
  } else {
    text = op->getName().stripDialect().str() + "(";
  }
  llvm::ListSeparator comma;
  for (Form operand : rest) {
    text += StringRef(comma);
    text += describe(operand);
  }
  return text + (load ? "]" : ")");
}

/// A sum of floating-point numbers depends on its order, and that on how the
/// tile is laid out over the threads of a role.
static bool dependsOnLayout(Operation *op) {
  auto reduce = dyn_cast<tile::ReduceOp>(op);
  return reduce && reduce.getKind() == tile::ReduceKind::Sum &&
         isa<FloatType>(reduce.getSource().getType().getElementType());
}

/// Whether the value of the operation is determined by its operands.
static bool isFunctionOfOperands(Operation *op) {
  if (!isMemoryEffectFree(op) || dependsOnLayout(op))
    return false;
  if (op->getNumOperands() == 0 && !op->hasTrait<OpTrait::ConstantLike>())
    return false;
  return op->getNumRegions() == 0 ||
         op->hasTrait<OpTrait::IsIsolatedFromAbove>();
}

Form ControlValues::computeOperation(Operation *op, OpResult result) {
  APInt constant;
  if (matchPattern(result, m_ConstantInt(&constant)) &&
      constant.getSignificantBits() <= 64)
    return getConstant(constant.getSExtValue());
  auto binary = [&](auto fn) {
    return fn(get(op->getOperand(0)), get(op->getOperand(1)));
  };
  if (isa<arith::AddIOp, arith::SubIOp>(op)) {
    int64_t sign = isa<arith::AddIOp>(op) ? 1 : -1;
    if (std::optional<Form> sum =
            binary([&](Form a, Form b) { return addScaled(a, b, sign); }))
      return *sum;
  }
  if (isa<arith::MulIOp>(op))
    return binary([&](Form a, Form b) { return product(a, b); });
  if (isa<arith::FloorDivSIOp>(op))
    return binary([&](Form a, Form b) { return divide(a, b, false); });
  if (isa<arith::CeilDivSIOp>(op))
    return binary([&](Form a, Form b) { return divide(a, b, true); });
  // An integer read as an index has the same value.
  if (auto cast = dyn_cast<arith::IndexCastOp>(op))
    if (cast.getType().isIndex())
      return get(cast.getIn());
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    unsigned i = result.getResultNumber();
    ControlCondition condition = getCondition(branch.getCondition());
    Form yes = get(branch.thenYield().getOperand(i));
    Form no = get(branch.elseYield().getOperand(i));
    if (condition.constant)
      return *condition.constant ? yes : no;
    if (!condition.holds)
      std::swap(yes, no);
    return yes == no ? yes
                     : getAtomForm(getAtom(
                           {"if", nullptr, nullptr, {condition.id, yes, no}},
                           {conditions[condition.id], yes, no}, "if(…)"));
  }

  SmallVector<Value> tensors;
  std::string why;
  if (!isFunctionOfOperands(op) &&
      !readsOnlyConstantTensors(op, tensors, why)) {
    if (why.empty())
      why = dependsOnLayout(op)
                ? "a sum of floating-point numbers, whose order is the role's"
                : "the value of '" + op->getName().getStringRef().str() + "'";
    // A function of nothing tells the threads apart; a read of one address
    // does not.
    bool perThread = op->getNumOperands() == 0 && !isa<tile::GroupOp>(op);
    for (Value operand : op->getOperands())
      perThread |= getFacts(get(operand)).perThread;
    Form form = getOpaque(result, op, why);
    atoms[sums[form].terms.front().first].facts.perThread = perThread;
    return form;
  }
  SmallVector<Form> operands;
  for (Value operand : op->getOperands())
    operands.push_back(get(operand));
  if (op->hasTrait<OpTrait::IsCommutative>())
    llvm::sort(operands);
  // How a tile is laid out differs from role to role.
  Type type = result.getType();
  if (auto tile = dyn_cast<tile::TileType>(type))
    type = tile.withLayout({});
  std::vector<uint64_t> numbers(operands.begin(), operands.end());
  numbers.push_back(result.getResultNumber());
  AtomKey key(op->getName().getStringRef().str(),
              op->getAttrDictionary().getAsOpaquePointer(),
              type.getAsOpaquePointer(), numbers);
  if (op->getNumRegions() != 0) {
    // Distinguish operations whose regions differ by a number of their own.
    auto &seen = regionAtoms[key];
    auto same = llvm::find_if(seen, [&](auto &entry) {
      return llvm::all_of(
          llvm::zip_equal(entry.first->getRegions(), op->getRegions()),
          [](auto regions) {
            return OperationEquivalence::isRegionEquivalentTo(
                &std::get<0>(regions), &std::get<1>(regions),
                OperationEquivalence::IgnoreLocations);
          });
    });
    if (same == seen.end()) {
      seen.push_back({op, static_cast<unsigned>(seen.size())});
      same = std::prev(seen.end());
    }
    std::get<3>(key).push_back(same->second);
  }
  unsigned atom = getAtom(key, operands, describeOperation(op, operands));
  ControlFacts reads;
  reads.reads.append(tensors.begin(), tensors.end());
  addFacts(atoms[atom].facts, reads);
  return getAtomForm(atom);
}

//===----------------------------------------------------------------------===//
// Conditions
//===----------------------------------------------------------------------===//

/// Kinds of conditions on a form x: x >= 0, x == 0, x != 0 (a boolean).
enum ConditionKind { NonNegative, Zero, Boolean };

ControlCondition ControlValues::getCondition(Value value) {
  ControlCondition result;
  auto finish = [&](ConditionKind kind, Form form) {
    if (std::optional<int64_t> known = getConstantValue(form)) {
      bool truth = kind == NonNegative ? *known >= 0
                   : kind == Zero      ? *known == 0
                                       : *known != 0;
      result.constant = truth == result.holds;
    }
    auto [it, inserted] = conditionIds.insert(
        {{kind, form}, static_cast<unsigned>(conditions.size())});
    if (inserted)
      conditions.push_back(form);
    result.id = it->second;
    return result;
  };
  // not c
  while (auto negation = value.getDefiningOp<arith::XOrIOp>()) {
    if (!negation.getType().isInteger(1) ||
        !matchPattern(negation.getRhs(), m_One()))
      break;
    result.holds = !result.holds;
    value = negation.getLhs();
  }
  auto compare = value.getDefiningOp<arith::CmpIOp>();
  if (!compare)
    return finish(Boolean, get(value));
  using Predicate = arith::CmpIPredicate;
  Form a = get(compare.getLhs()), b = get(compare.getRhs());
  Predicate predicate = compare.getPredicate();
  if (predicate == Predicate::sgt || predicate == Predicate::sle) {
    // a > b is b < a, a <= b is b >= a.
    std::swap(a, b);
    predicate = predicate == Predicate::sgt ? Predicate::slt : Predicate::sge;
  }
  auto leads = [&](Form form) {
    const Sum &sum = sums[form];
    return sum.terms.empty() || sum.terms.front().second > 0;
  };
  Form x = difference(a, b);
  switch (predicate) {
  case Predicate::slt:
    result.holds = !result.holds; // not (a - b >= 0)
    [[fallthrough]];
  case Predicate::sge:
    if (!leads(x)) {
      // x >= 0 is not (-x - 1 >= 0).
      x = difference(getConstant(-1), x);
      result.holds = !result.holds;
    }
    return finish(NonNegative, x);
  case Predicate::ne:
    result.holds = !result.holds;
    [[fallthrough]];
  case Predicate::eq:
    if (!leads(x))
      x = difference(getConstant(0), x);
    return finish(Zero, x);
  default:
    return finish(Boolean, get(value));
  }
}

ControlFacts ControlValues::getConditionFacts(unsigned condition) const {
  return getFacts(conditions[condition]);
}
