//===- SemaRules.cpp - rules over a whole role or kernel ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sema.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace llvm;

namespace tilewright::dsl {

//===----------------------------------------------------------------------===//
// One axis, one dimension
//===----------------------------------------------------------------------===//

/// The axes that occur in `expr` as a sum's term of their own (perhaps with a
/// factor): those walk along the dimension. An axis inside a quotient, a
/// remainder or another read does not.
static void walkingAxes(const t::Expr *expr,
                        SmallVectorImpl<const t::AxisRef *> &axes) {
  if (auto *axis = dyn_cast<t::AxisRef>(expr)) {
    axes.push_back(axis);
  } else if (auto *binary = dyn_cast<t::BinaryExpr>(expr)) {
    if (binary->op == t::Op::Add || binary->op == t::Op::Sub) {
      walkingAxes(binary->lhs, axes);
      walkingAxes(binary->rhs, axes);
    } else if (binary->op == t::Op::Mul) {
      if (t::constantValue(binary->rhs))
        walkingAxes(binary->lhs, axes);
      else if (t::constantValue(binary->lhs))
        walkingAxes(binary->rhs, axes);
    }
  }
}

/// Whether two statements stand in different branches of one `if`.
template <typename A, typename B> static bool exclude(const A &a, const B &b) {
  for (auto &[stmt, branch] : a)
    for (auto &[other, otherBranch] : b)
      if (stmt == other && branch != otherBranch)
        return true;
  return false;
}

void Sema::recordSubscripts(const t::TensorRead *read) {
  auto letters = shapes.find(read->tensor);
  if (letters == shapes.end())
    return;
  for (auto [d, sub] : enumerate(read->subs)) {
    SmallVector<const t::AxisRef *, 4> walking;
    walkingAxes(sub, walking);
    const t::Expr *extent = letters->second[d];
    for (const t::AxisRef *axis : walking) {
      // An axis that covers a dimension whole can be no other dimension's.
      if (auto covered = t::constantValue(extent);
          covered && axis->type.axes[0].constant() == covered)
        continue;
      AxisUse use{extent, read, unsigned(d), axis->loc, {}};
      use.branches.append(branches.begin(), branches.end());
      axisUses[axis->name].push_back(use);
    }
  }
}

/// Most uses of an axis are right: the others are reported. A transposed
/// subscript swaps two axes; where one of them has no majority, the read that
/// the other one gave away is to blame.
void Sema::checkAxisUses() {
  SmallPtrSet<const t::TensorRead *, 4> blamed;
  auto report = [&](StringRef axis, const AxisUse &wrong,
                    const AxisUse &right) {
    const t::Tensor *tensor = wrong.read->tensor, *other = right.read->tensor;
    blamed.insert(wrong.read);
    error(wrong.loc,
          "axis " + axis + " indexes dimension " + Twine(wrong.dim) + " of " +
              tensor->name + ", which has " + t::toString(wrong.extent) +
              " elements, and dimension " + Twine(right.dim) + " of " +
              other->name + ", which has " + t::toString(right.extent));
    note(right.loc, "axis " + axis + " indexes " + other->name + " here");
    note(tensor->loc, tensor->name + " is declared here");
    if (other != tensor)
      note(other->loc, other->name + " is declared here");
  };
  for (bool ties : {false, true}) {
    for (auto &[axis, uses] : axisUses) {
      // Uses by the dimension's extent, in order of first use.
      MapVector<unsigned, SmallVector<const AxisUse *, 4>> groups;
      for (const AxisUse &use : uses)
        groups[canonical.id(use.extent)].push_back(&use);
      if (groups.size() < 2)
        continue;
      const SmallVector<const AxisUse *, 4> *most = nullptr;
      bool tie = false;
      for (auto &[id, group] : groups) {
        tie |= most && group.size() == most->size();
        if (!most || group.size() > most->size()) {
          most = &group;
          tie = false;
        }
      }
      if (tie != ties)
        continue;
      if (tie)
        for (auto &[id, group] : groups)
          if (group.size() == most->size() &&
              none_of(group, [&](const AxisUse *use) {
                return blamed.contains(use->read);
              })) {
            most = &group;
            break;
          }
      for (auto &[id, group] : groups) {
        if (&group == most)
          continue;
        // One report a dimension: clones and loops would repeat it.
        for (const AxisUse *use : group) {
          auto *right = find_if(*most, [&](const AxisUse *other) {
            return !exclude(use->branches, other->branches);
          });
          if (right == most->end())
            continue;
          report(axis, *use, **right);
          break;
        }
      }
    }
  }
}

//===----------------------------------------------------------------------===//
// The M side of an mma
//===----------------------------------------------------------------------===//

void Sema::useAxes(const t::Type &type, SMLoc loc) {
  if (probing || !role)
    return;
  for (const t::Axis &axis : type.axes)
    if (axis.extent)
      roleAxes.try_emplace(axis.name, t::Axis{axis.name, axis.extent, loc});
}

void Sema::checkMmaShape(const t::ContractExpr *mma) {
  mmas.push_back(mma);
  if (!role)
    return;
  if (role->unit == t::Role::Warps && options.target == t::Target::SM90a) {
    error(mma->loc, "the tensor core of sm_90 works for whole warpgroups; "
                    "role " +
                        role->name + " has warps");
    note(role->loc, "write 'groups n' here");
    return;
  }
  auto side = [&](const t::Expr *operand, std::string &names) {
    int64_t rows = 1;
    for (const t::Axis &axis : operand->type.axes) {
      if (any_of(mma->contracted,
                 [&](const t::Axis &c) { return c.name == axis.name; }))
        continue;
      auto extent = axis.constant();
      if (!extent)
        return int64_t(-1);
      rows *= *extent;
      names += (names.empty() ? "" : " × ") + axis.name.str();
      if (role->unit == t::Role::Groups && axis.name == role->splitAxis)
        rows = rows % role->count == 0 ? rows / role->count : -1;
      if (rows < 0)
        return rows;
    }
    return rows;
  };
  std::string names, otherNames;
  int64_t rows = side(mma->a, names), others = side(mma->b, otherNames);
  if (rows < 0 || rows % 64 == 0)
    return;
  error(mma->loc, "the first operand of mma is the machine's M side: its " +
                      names + " has " + Twine(rows) + " rows" +
                      (role->count > 1 ? " for each group" : "") +
                      ", not a multiple of 64");
  if (others > 0 && others % 64 == 0) {
    auto source = [](const t::Expr *operand) {
      const char *start = operand->range.Start.getPointer();
      return StringRef(start, operand->range.End.getPointer() - start);
    };
    fixit(mma->loc, "swap the operands: mma(" + source(mma->b) + ", " +
                        source(mma->a) + ")");
  }
}

//===----------------------------------------------------------------------===//
// Roles
//===----------------------------------------------------------------------===//

void Sema::finishRole(t::Role *result) {
  if (result->splitIter && !roleIterators.contains(result->splitIter)) {
    error(result->splitLoc, "split " + result->splitIter->name + ": role " +
                                result->name + " does not iterate " +
                                result->splitIter->name);
    return;
  }
  if (result->splitAxis.empty())
    return;
  auto axis = roleAxes.find(result->splitAxis);
  if (axis == roleAxes.end()) {
    error(result->splitLoc, "split " + result->splitAxis +
                                ": no tile of role " + result->name +
                                " has an axis " + result->splitAxis);
    std::string known;
    for (auto &entry : roleAxes)
      known += (known.empty() ? "" : ", ") + entry.first().str();
    if (!known.empty())
      note(result->loc, "its tiles have axes " + known);
    return;
  }
  auto extent = axis->second.constant();
  if (extent && *extent % result->count != 0) {
    error(result->splitLoc, "axis " + result->splitAxis + " has " +
                                Twine(*extent) + " elements, which " +
                                Twine(result->count) +
                                " groups cannot divide evenly");
    note(axis->second.loc, "axis " + result->splitAxis + " is used here");
  }
}

void Sema::checkRegisters() {
  // Registers are given to warpgroups: roles below 4 warps share one.
  int64_t total = 0, small = 0, smallWarps = 0, warps = 0;
  const t::Role *largest = nullptr;
  int64_t most = 0;
  for (const t::Role *r : kernel->roles) {
    warps += r->warps();
    int64_t regs = r->regs.value_or(0), need = 0;
    if (r->warps() < 4) {
      smallWarps += r->warps();
      small = std::max(small, regs);
      need = regs;
    } else {
      need = divideCeil(r->warps(), 4) * 128 * regs;
      total += need;
    }
    if (need > most) {
      most = need;
      largest = r;
    }
  }
  total += divideCeil(smallWarps, 4) * 128 * small;
  constexpr int64_t file = 65536;
  if (total > file && largest) {
    error(largest->loc, "roles need " + Twine(total) +
                            " registers; a CTA has " + Twine(file));
    for (const t::Role *r : kernel->roles)
      if (r->regs)
        note(r->loc, "role " + r->name + ": " + Twine(r->warps()) +
                         " warps of 32 threads, " + Twine(*r->regs) +
                         " registers each");
  }
  if (warps > 32 && !kernel->roles.empty()) {
    error(kernel->roles.back()->loc,
          "roles have " + Twine(warps) + " warps; a CTA has at most 32");
    for (const t::Role *r : kernel->roles)
      note(r->loc, "role " + r->name + " has " + Twine(r->warps()) + " warps");
  }
}

//===----------------------------------------------------------------------===//
// Fields
//===----------------------------------------------------------------------===//

void Sema::noteFieldWrite(const t::Expr *dst, const t::Expr *src, SMLoc loc) {
  const t::Expr *base = dst;
  while (true) {
    if (auto *rename = dyn_cast<t::RenameExpr>(base))
      base = rename->operand;
    else if (auto *at = dyn_cast<t::AtExpr>(base))
      base = at->operand;
    else
      break;
  }
  auto *field = dyn_cast<t::FieldRef>(base);
  if (!field || !field->slot->isPut)
    return;
  auto open = openPuts.find(field->slot);
  if (open != openPuts.end() &&
      field->field->index < open->second.written.size())
    open->second.written[field->field->index] = true;
  if (auto *where = dyn_cast<t::WhereExpr>(src))
    src = where->value;
  if (auto *read = dyn_cast<t::TensorRead>(src))
    sources[field->field].push_back({read, loc});
}

void Sema::checkPipeFields() {
  for (auto &[pipe, list] : puts) {
    SmallVector<bool, 8> filled(pipe->fields.size(), false);
    for (const PutInfo &put : list)
      for (auto [i, written] : enumerate(put.written))
        filled[i] = filled[i] || written;
    for (const t::Field &field : pipe->fields) {
      if (filled[field.index])
        continue;
      error(list.front().loc, "field " + field.name + " of pipe " + pipe->name +
                                  " is filled by no 'put'");
      note(field.loc, "field " + field.name + " is declared here");
    }
    // Each role fills the same fields in all of its puts.
    for (const PutInfo &put : list) {
      const PutInfo *first = nullptr;
      for (const PutInfo &other : list)
        if (other.role == put.role) {
          first = &other;
          break;
        }
      for (const t::Field &field : pipe->fields) {
        if (put.written[field.index] == first->written[field.index])
          continue;
        const PutInfo &lacking = put.written[field.index] ? *first : put;
        const PutInfo &having = put.written[field.index] ? put : *first;
        error(lacking.loc, "this 'put' does not fill field " + field.name +
                               " of pipe " + pipe->name +
                               ", as another of role " + put.role->name +
                               " does");
        note(having.loc, "field " + field.name + " is filled here");
      }
    }
  }
  // What is got must be put, or the role waits for ever.
  for (auto &[slot, get] : gets) {
    if (puts.count(get->pipe))
      continue;
    error(get->loc, "pipe " + get->pipe->name +
                        " is read, but no role puts "
                        "into it");
    note(get->pipe->loc, "pipe " + get->pipe->name + " is declared here");
  }
}

/// 8- and 4-bit operands must lie along the contracted axis in memory: the
/// tensor core transposes 16-bit operands only (PTX ISA, "wgmma.mma_async",
/// imm-trans-a/b; tcgen05 instruction descriptor, transpose bits).
void Sema::checkMajors() {
  for (const t::ContractExpr *mma : mmas) {
    for (const t::Expr *operand : {mma->a, mma->b}) {
      while (auto *rename = dyn_cast<t::RenameExpr>(operand))
        operand = rename->operand;
      auto *field = dyn_cast<t::FieldRef>(operand);
      if (!field || t::bitWidth(field->type.elem) > 8 ||
          field->slot->pipe->scope == t::Pipe::Tmem)
        continue;
      auto found = sources.find(field->field);
      if (found == sources.end())
        continue;
      for (const FieldSource &source : found->second) {
        const t::Tensor *tensor = source.read->tensor;
        SmallVector<const t::AxisRef *, 4> walking;
        walkingAxes(source.read->subs[tensor->major], walking);
        if (walking.empty())
          continue;
        // Renamed operands contract other names: compare with the field's.
        bool contracts = any_of(walking, [&](const t::AxisRef *axis) {
          if (!field->field->type.find(axis->name))
            return true;
          return any_of(mma->contracted, [&](const t::Axis &c) {
            return c.name == axis->name || !field->field->type.find(c.name);
          });
        });
        if (contracts)
          continue;
        error(source.loc, "field " + field->field->name + " of pipe " +
                              field->slot->pipe->name +
                              " must be K-major: the tensor core reads " +
                              t::spelling(field->type.elem) +
                              " along the contracted axis " +
                              mma->contracted[0].name + ", but " +
                              tensor->name + " is contiguous along " +
                              walking[0]->name);
        note(tensor->loc, tensor->name + " is declared here");
        note(mma->loc, "it is multiplied here");
        fixit(source.loc, "store " + tensor->name +
                              " with its contracted dimension "
                              "contiguous, or convert it in a role "
                              "of its own: get the slot, and put "
                              "its transpose into a second pipe "
                              "(put P as o { o." +
                              field->field->name + " = reg c." +
                              field->field->name + " })");
        return;
      }
    }
  }
}

void Sema::finishKernel() {
  for (const t::Counter *counter : kernel->counters)
    if (counter->scope == t::Counter::Ranks && !hasRankBarrier) {
      error(counter->loc, "counter " + counter->name +
                              " is seen by other ranks, so the kernel needs a "
                              "'barrier ranks': without one a rank may be two "
                              "launches ahead");
      break;
    }
  checkRegisters();
  checkPipeFields();
  checkMajors();
  checkUses();
}

} // namespace tilewright::dsl
