//===- WarpForms.cpp - elect, shuffles and votes --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Forms.h"

using namespace tilewright::sim;

namespace {

Step electStep(Warp &warp, const Inst &inst, uint32_t mask) {
  unsigned leader = __builtin_ctz(mask);
  forLanes(mask, [&](unsigned l) {
    warp.set(inst.ops[0].elems[0], l, leader);
    warp.set(inst.ops[0].elems[1], l, l == leader);
  });
  return Step::Next;
}

enum Shuffle : int { Up, Down, Bfly, Idx };

// PTX ISA, shfl.sync: c holds the clamp in its low 5 bits and the segment mask
// in bits 8..12. A lane outside of the range keeps its own value.
Step shflStep(Warp &warp, const Inst &inst, uint32_t mask) {
  std::array<uint64_t, 32> values, results;
  uint32_t inRange = 0;
  forLanes(mask, [&](unsigned l) { values[l] = warp.get(inst.ops[1], l); });
  forLanes(mask, [&](unsigned l) {
    int b = warp.get(inst.ops[2], l) & 31, c = warp.get(inst.ops[3], l);
    int segment = (c >> 8) & 31, clamp = c & 31, lane = l;
    int high = (lane & segment) | (clamp & ~segment);
    int low = lane & segment, from = lane;
    bool valid = false;
    switch (int(inst.aux)) {
    case Up:
      from = lane - b;
      valid = from >= high;
      break;
    case Down:
      from = lane + b;
      valid = from <= high;
      break;
    case Bfly:
      from = lane ^ b;
      valid = from <= high;
      break;
    case Idx:
      from = low | (b & ~segment);
      valid = from <= high;
      break;
    }
    if (!valid)
      from = lane;
    if (!(mask >> from & 1)) {
      warp.report(Hazard::Divergence, "shfl.sync reads lane " +
                                          llvm::Twine(from) +
                                          ", which does not take part");
      from = lane;
    }
    results[l] = values[from] & 0xFFFFFFFFu;
    inRange |= uint32_t(valid) << l;
  });
  const Operand &d = inst.ops[0];
  bool isPair = d.kind == Operand::Kind::Pair;
  forLanes(mask, [&](unsigned l) {
    warp.set(isPair ? d.elems[0] : d, l, results[l]);
    if (isPair)
      warp.set(d.elems[1], l, inRange >> l & 1);
  });
  return Step::Next;
}

enum Vote : int { All, Any, Uni, Ballot };

Step voteStep(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t bits = 0;
  forLanes(mask, [&](unsigned l) {
    bits |= uint32_t(warp.test(inst.ops[1], l)) << l;
  });
  uint64_t result = int(inst.aux) == All   ? bits == mask
                    : int(inst.aux) == Any ? bits != 0
                    : int(inst.aux) == Uni ? bits == 0 || bits == mask
                                           : bits;
  forLanes(mask, [&](unsigned l) { warp.set(inst.ops[0], l, result); });
  return Step::Next;
}

Step activeStep(Warp &warp, const Inst &inst, uint32_t mask) {
  forLanes(mask, [&](unsigned l) { warp.set(inst.ops[0], l, mask); });
  return Step::Next;
}

enum Reduction : int { RAdd, RMin, RMax, RAnd, ROr, RXor };

// PTX ISA, redux.sync: aux: the operation; wide[0]: signed.
Step reduxStep(Warp &warp, const Inst &inst, uint32_t mask) {
  Source a(warp, inst.ops[1]);
  uint32_t result = a[__builtin_ctz(mask)];
  forLanes(mask & (mask - 1), [&](unsigned l) {
    uint32_t value = a[l];
    bool below =
        inst.wide[0] ? int32_t(value) < int32_t(result) : value < result;
    switch (int(inst.aux)) {
    case RAdd:
      result += value;
      break;
    case RMin:
      result = below ? value : result;
      break;
    case RMax:
      result = below ? result : value;
      break;
    case RAnd:
      result &= value;
      break;
    case ROr:
      result |= value;
      break;
    case RXor:
      result ^= value;
      break;
    }
  });
  forLanes(mask, [&](unsigned l) { warp.set(inst.ops[0], l, result); });
  return Step::Next;
}

// PTX ISA, match.sync: any gives the lanes of equal value; all gives the
// member mask where every value is equal, else 0. aux: all.
Step matchStep(Warp &warp, const Inst &inst, uint32_t mask) {
  Source a(warp, inst.ops[1]);
  std::array<uint32_t, 32> equal = {};
  forLanes(mask, [&](unsigned l) {
    forLanes(mask,
             [&](unsigned k) { equal[l] |= uint32_t(a[l] == a[k]) << k; });
  });
  const Operand &d = inst.ops[0];
  bool isPair = d.kind == Operand::Kind::Pair;
  forLanes(mask, [&](unsigned l) {
    uint32_t result = !inst.aux || equal[l] == mask ? equal[l] : 0;
    warp.set(isPair ? d.elems[0] : d, l, result);
    if (isPair)
      warp.set(d.elems[1], l, result != 0);
  });
  return Step::Next;
}

} // namespace

bool tilewright::sim::decodeWarp(Form &form, Inst &inst) {
  if (form.head == "activemask") {
    inst.handler = activeStep;
    return form.take("b32") && inst.ops.size() == 1 && inst.ops[0].isReg();
  }
  inst.together = Together::Member;
  if (!form.take("sync"))
    return false;
  if (form.head == "elect") {
    inst.memberMask = 1;
    inst.handler = electStep;
    return inst.ops.size() == 2 && inst.ops[0].kind == Operand::Kind::Pair &&
           areValues(inst, 1, 1);
  }
  if (form.head == "shfl") {
    int how = form.takeOneOf({"up", "down", "bfly", "idx"});
    inst.aux = how;
    inst.memberMask = 4;
    inst.handler = shflStep;
    return how >= 0 && form.take("b32") && inst.ops.size() == 5 &&
           (inst.ops[0].isReg() || inst.ops[0].kind == Operand::Kind::Pair) &&
           areValues(inst, 1, 4);
  }
  if (form.head == "redux") {
    int op = form.takeOneOf({"add", "min", "max", "and", "or", "xor"});
    Scalar type;
    inst.aux = op;
    inst.memberMask = 2;
    inst.handler = reduxStep;
    if (op < 0 || !form.takeType(type) || type.bits != 32 || !type.isInt())
      return false;
    inst.wide[0] = type.isSigned();
    return (type.kind == 'b') == (op >= RAnd) && isPlain(inst, 2);
  }
  if (form.head == "match") {
    int how = form.takeOneOf({"any", "all"});
    inst.aux = how;
    inst.memberMask = 2;
    inst.handler = matchStep;
    bool isPair = !inst.ops.empty() && inst.ops[0].kind == Operand::Kind::Pair;
    return how >= 0 && (form.take("b32") || form.take("b64")) &&
           inst.ops.size() == 3 && (inst.ops[0].isReg() || (isPair && how)) &&
           areValues(inst, 1, 2);
  }
  int how = form.takeOneOf({"all", "any", "uni", "ballot"});
  inst.aux = how;
  inst.memberMask = 2;
  inst.handler = voteStep;
  return how >= 0 && form.take(how == Ballot ? "b32" : "pred") &&
         inst.ops.size() == 3 && inst.ops[0].isReg() && areValues(inst, 1, 2);
}
