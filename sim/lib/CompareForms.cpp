//===- CompareForms.cpp - setp, selp and mov ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Forms.h"

using namespace tilewright::sim;

namespace {

enum Compare : int {
  Eq,
  Ne,
  Lt,
  Le,
  Gt,
  Ge,
  Lo,
  Ls,
  Hi,
  Hs,
  Equ,
  Neu,
  Ltu,
  Leu,
  Gtu,
  Geu,
  Num,
  Nan,
};

template <typename T> bool compare(int how, T a, T b) {
  bool unordered = false;
  if constexpr (std::is_floating_point_v<T>)
    unordered = std::isnan(a) || std::isnan(b);
  switch (how) {
  case Eq:
    return a == b;
  case Ne: // Ordered: false for NaN, unlike C's.
    return !unordered && a != b;
  case Lt:
  case Lo:
    return a < b;
  case Le:
  case Ls:
    return a <= b;
  case Gt:
  case Hi:
    return a > b;
  case Ge:
  case Hs:
    return a >= b;
  case Equ:
    return unordered || a == b;
  case Neu:
    return a != b;
  case Ltu:
    return unordered || a < b;
  case Leu:
    return unordered || a <= b;
  case Gtu:
    return unordered || a > b;
  case Geu:
    return unordered || a >= b;
  case Num:
    return !unordered;
  default:
    return unordered;
  }
}

/// aux: the comparison; wide[0]: 0, or how a third operand is combined.
template <typename T>
Step setpStep(Warp &warp, const Inst &inst, uint32_t mask) {
  const Operand &d = inst.ops[0];
  bool isPair = d.kind == Operand::Kind::Pair;
  const Operand &p = isPair ? d.elems[0] : d;
  Source a(warp, inst.ops[1]), b(warp, inst.ops[2]);
  forLanes(mask, [&](unsigned l) {
    bool first = compare<T>(int(inst.aux), unpack<T>(a[l]), unpack<T>(b[l]));
    bool second = !first;
    if (inst.wide[0]) {
      bool c = warp.test(inst.ops[3], l);
      auto combine = [&](bool x) {
        return inst.wide[0] == 1 ? x && c : inst.wide[0] == 2 ? x || c : x != c;
      };
      first = combine(first);
      second = combine(second);
    }
    warp.set(p, l, first);
    if (isPair)
      warp.set(d.elems[1], l, second);
  });
  return Step::Next;
}

Step selpStep(Warp &warp, const Inst &inst, uint32_t mask) {
  Source a(warp, inst.ops[1]), b(warp, inst.ops[2]);
  uint64_t *d = warp.reg(inst.ops[0].reg);
  uint64_t keep = inst.aux == 64 ? ~uint64_t(0) : (uint64_t(1) << inst.aux) - 1;
  forLanes(mask, [&](unsigned l) {
    d[l] = (warp.test(inst.ops[3], l) ? a[l] : b[l]) & keep;
  });
  return Step::Next;
}

/// aux: the width in bits.
Step movStep(Warp &warp, const Inst &inst, uint32_t mask) {
  uint64_t *d = warp.reg(inst.ops[0].reg);
  const Operand &source = inst.ops[1];
  uint64_t keep = inst.aux == 64 ? ~uint64_t(0) : (uint64_t(1) << inst.aux) - 1;
  if (source.kind == Operand::Kind::Special) {
    forLanes(mask, [&](unsigned l) {
      d[l] = warp.special(Special(source.imm), l) & keep;
    });
    return Step::Next;
  }
  Source a(warp, source);
  forLanes(mask, [&](unsigned l) { d[l] = a[l] & keep; });
  return Step::Next;
}

Step packStep(Warp &warp, const Inst &inst, uint32_t mask) {
  const auto &elems = inst.ops[1].elems;
  unsigned bits = inst.aux / elems.size();
  uint64_t keep = (uint64_t(1) << bits) - 1;
  forLanes(mask, [&](unsigned l) {
    uint64_t value = 0;
    for (unsigned i = 0; i < elems.size(); ++i)
      value |= (warp.get(elems[i], l) & keep) << (i * bits);
    warp.set(inst.ops[0], l, value);
  });
  return Step::Next;
}

Step unpackStep(Warp &warp, const Inst &inst, uint32_t mask) {
  const auto &elems = inst.ops[0].elems;
  unsigned bits = inst.aux / elems.size();
  uint64_t keep = (uint64_t(1) << bits) - 1;
  forLanes(mask, [&](unsigned l) {
    uint64_t value = warp.get(inst.ops[1], l);
    for (unsigned i = 0; i < elems.size(); ++i)
      warp.set(elems[i], l, (value >> (i * bits)) & keep);
  });
  return Step::Next;
}

} // namespace

bool tilewright::sim::decodeSetp(Form &form, Inst &inst) {
  Scalar type;
  if (!form.takeType(type))
    return false;
  int how = form.takeOneOf({"eq", "ne", "lt", "le", "gt", "ge", "lo", "ls",
                            "hi", "hs", "equ", "neu", "ltu", "leu", "gtu",
                            "geu", "num", "nan"});
  if (how < 0 || (type.isInt() && how >= Equ) ||
      (type.kind == 'f' && how >= Lo && how <= Hs))
    return false;
  inst.aux = how;
  inst.wide[0] = form.takeOneOf({"and", "or", "xor"}) + 1;
  if (inst.ops.size() != (inst.wide[0] ? 4u : 3u) || !areValues(inst, 1, 2))
    return false;
  // lo, ls, hi, hs compare without sign whatever the type says.
  bool isSigned = type.isSigned() && !(how >= Lo && how <= Hs);
  if (type.kind == 'f')
    inst.handler = type.bits == 64   ? setpStep<double>
                   : type.bits == 32 ? setpStep<float>
                                     : nullptr;
  else if (type.isInt() && type.bits == 16)
    inst.handler = isSigned ? setpStep<int16_t> : setpStep<uint16_t>;
  else if (type.isInt() && type.bits == 32)
    inst.handler = isSigned ? setpStep<int32_t> : setpStep<uint32_t>;
  else if (type.isInt() && type.bits == 64)
    inst.handler = isSigned ? setpStep<int64_t> : setpStep<uint64_t>;
  return inst.handler != nullptr;
}

bool tilewright::sim::decodeSelp(Form &form, Inst &inst) {
  Scalar type;
  if (!form.takeType(type) || !isPlain(inst, 3))
    return false;
  inst.aux = type.bits;
  inst.handler = selpStep;
  return true;
}

bool tilewright::sim::decodeMov(Form &form, Inst &inst) {
  Scalar type;
  if (!form.takeType(type) || inst.ops.size() != 2)
    return false;
  inst.aux = type.bits;
  const Operand &d = inst.ops[0], &s = inst.ops[1];
  auto divides = [&](const Operand &vector) {
    return vector.elems.size() == 2 || vector.elems.size() == 4;
  };
  if (s.isVec()) {
    inst.handler = packStep;
    return d.isReg() && divides(s);
  }
  if (d.isVec()) {
    inst.handler = unpackStep;
    return s.isReg() && divides(d);
  }
  inst.handler = movStep;
  return d.isReg() &&
         (s.isReg() || s.isImm() || s.kind == Operand::Kind::Special);
}
