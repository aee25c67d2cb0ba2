//===- Typed.cpp - element types and walks of the typed tree --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/DSL/Typed.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace llvm;

namespace tilewright::dsl::typed {

namespace {
struct ElemInfo {
  const char *name;
  unsigned bits;
  enum { Other, Integer, Float } kind;
};
} // namespace

static const ElemInfo &info(Elem elem) {
  static constexpr ElemInfo table[] = {
      {"<error>", 0, ElemInfo::Other}, {"number", 0, ElemInfo::Other},
      {"int", 64, ElemInfo::Integer},  {"bool", 8, ElemInfo::Other},
      {"i8", 8, ElemInfo::Integer},    {"u8", 8, ElemInfo::Integer},
      {"i16", 16, ElemInfo::Integer},  {"u16", 16, ElemInfo::Integer},
      {"i32", 32, ElemInfo::Integer},  {"u32", 32, ElemInfo::Integer},
      {"i64", 64, ElemInfo::Integer},  {"u64", 64, ElemInfo::Integer},
      {"e4m3", 8, ElemInfo::Float},    {"e5m2", 8, ElemInfo::Float},
      {"e2m1", 4, ElemInfo::Float},    {"ue8m0", 8, ElemInfo::Float},
      {"bf16", 16, ElemInfo::Float},   {"f16", 16, ElemInfo::Float},
      {"tf32", 32, ElemInfo::Float},   {"f32", 32, ElemInfo::Float},
      {"f64", 64, ElemInfo::Float},    {"none", 0, ElemInfo::Other},
  };
  return table[unsigned(elem)];
}

StringRef spelling(Elem elem) { return info(elem).name; }

std::optional<Elem> elemFromName(StringRef name) {
  for (unsigned e = unsigned(Elem::Bool); e < unsigned(Elem::None); ++e)
    if (name == info(Elem(e)).name)
      return Elem(e);
  return std::nullopt;
}

unsigned bitWidth(Elem elem) { return info(elem).bits; }
bool isInteger(Elem elem) { return info(elem).kind == ElemInfo::Integer; }
bool isFloat(Elem elem) { return info(elem).kind == ElemInfo::Float; }

StringRef spelling(Op op) {
  static constexpr const char *names[] = {
      "+", "-", "*", "/", "//", "cdiv", "%", "min", "max", "and", "or"};
  return names[unsigned(op)];
}

StringRef spelling(Fn fn) {
  static constexpr const char *names[] = {"abs",  "relu", "exp",   "exp2",
                                          "log2", "sqrt", "rsqrt", "rcp"};
  return names[unsigned(fn)];
}

StringRef spelling(ReduceOp op) {
  static constexpr const char *names[] = {"sum", "max", "min", "cluster_sum"};
  return names[unsigned(op)];
}

std::optional<int64_t> Axis::constant() const {
  return extent ? constantValue(extent) : std::nullopt;
}

const Axis *Type::find(StringRef name) const {
  for (const Axis &axis : axes)
    if (axis.name == name)
      return &axis;
  return nullptr;
}

int64_t Iterator::clusterSize() const {
  int64_t size = 1;
  for (const IterDim &dim : kind == Tiles ? dims : clusters)
    size *= dim.cluster;
  return size;
}

std::optional<int64_t> constantValue(const Expr *expr) {
  if (auto *i = dyn_cast<IntConst>(expr))
    return i->value;
  if (auto *b = dyn_cast<BoolConst>(expr))
    return b->value;
  return std::nullopt;
}

std::string ConstValue::str() const {
  switch (kind) {
  case Int:
    return std::to_string(number);
  case Bool:
    return number ? "true" : "false";
  case ElemType:
    return spelling(elem).str();
  case Major:
    return major;
  }
  return "";
}

SmallVector<const Expr *, 4> children(const Expr *expr) {
  SmallVector<const Expr *, 4> list;
  auto add = [&](const Expr *child) {
    if (child)
      list.push_back(child);
  };
  auto addAll = [&](ArrayRef<const Expr *> some) {
    list.append(some.begin(), some.end());
  };
  TypeSwitch<const Expr *>(expr)
      .Case<NegExpr, NotExpr, ConvertExpr, ReduceExpr, RenameExpr, RegExpr>(
          [&](auto *e) { add(e->operand); })
      .Case<BinaryExpr, CompareExpr>([&](auto *e) {
        add(e->lhs);
        add(e->rhs);
      })
      .Case<CallExpr, PtxExpr>([&](auto *e) { addAll(e->args); })
      .Case<TensorRead, CounterRead>([&](auto *e) {
        add(e->rank);
        addAll(e->subs);
      })
      .Case<FieldRef>([&](auto *e) { addAll(e->subs); })
      .Case<ContractExpr>([&](auto *e) {
        add(e->a);
        add(e->scaleA);
        add(e->b);
        add(e->scaleB);
      })
      .Case<AtExpr>([&](auto *e) {
        add(e->operand);
        add(e->index);
      })
      .Case<WhereExpr>([&](auto *e) {
        add(e->value);
        add(e->cond);
      })
      .Case<FetchAddExpr>([&](auto *e) {
        add(e->target);
        add(e->value);
      })
      .Default([](const Expr *) {});
  return list;
}

} // namespace tilewright::dsl::typed
