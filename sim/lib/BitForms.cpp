//===- BitForms.cpp - Logic, shifts and bit fields ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Forms.h"
#include "llvm/ADT/bit.h"

using namespace tilewright::sim;

namespace {

uint64_t lowBits(unsigned bits) {
  return bits >= 64 ? ~uint64_t(0) : (uint64_t(1) << bits) - 1;
}

int64_t signExtend(uint64_t value, unsigned bits) {
  return int64_t(value << (64 - bits)) >> (64 - bits);
}

/// d = f(a, b, c) with the type's width in `aux`; operands that are absent
/// repeat the last one. The result is truncated to the width.
template <uint64_t (*F)(uint64_t, uint64_t, uint64_t, unsigned)>
Step bitStep(Warp &warp, const Inst &inst, uint32_t mask) {
  unsigned last = inst.ops.size() - 1;
  Source a(warp, inst.ops[1]), b(warp, inst.ops[std::min(2u, last)]),
      c(warp, inst.ops[std::min(3u, last)]);
  uint64_t *d = warp.reg(inst.ops[0].reg);
  unsigned bits = inst.aux;
  uint64_t keep = lowBits(bits);
  forLanes(mask,
           [&](unsigned l) { d[l] = F(a[l] & keep, b[l], c[l], bits) & keep; });
  return Step::Next;
}

#define BIT_FUNCTION(NAME)                                                     \
  uint64_t NAME(uint64_t a, uint64_t b, uint64_t c, unsigned bits)
BIT_FUNCTION(bitAnd) { return a & b; }
BIT_FUNCTION(bitOr) { return a | b; }
BIT_FUNCTION(bitXor) { return a ^ b; }
BIT_FUNCTION(bitNot) { return ~a; }
BIT_FUNCTION(bitCnot) { return a == 0; }
// Shift amounts above the width act as the width (PTX ISA, shl, shr).
BIT_FUNCTION(shiftLeft) {
  uint32_t n = b;
  return n >= bits ? 0 : a << n;
}
BIT_FUNCTION(shiftRight) {
  uint32_t n = b;
  return n >= bits ? 0 : a >> n;
}
BIT_FUNCTION(shiftRightSigned) {
  return signExtend(a, bits) >> std::min<uint32_t>(b, bits - 1);
}
// PTX ISA, bfe: position and length are the low bytes; a signed field is
// filled with its top bit, or the operand's where the field reaches beyond it.
BIT_FUNCTION(extract) {
  unsigned position = b & 255, length = c & 255;
  return position >= bits ? 0 : (a >> position) & lowBits(length);
}
BIT_FUNCTION(extractSigned) {
  unsigned position = b & 255, length = c & 255;
  if (length == 0)
    return 0;
  bool sign = (a >> std::min(position + length - 1, bits - 1)) & 1;
  uint64_t field = position >= bits ? 0 : (a >> position) & lowBits(length);
  if (!sign)
    return field;
  unsigned present = position >= bits ? 0 : std::min(length, bits - position);
  return field | ~lowBits(present);
}
BIT_FUNCTION(population) { return llvm::popcount(a); }
BIT_FUNCTION(leadingZeros) { return bits - (64 - llvm::countl_zero(a)); }
// PTX ISA, bfind: the position of the most significant bit that differs from
// the sign (0 of unsigned types), or all ones; .shiftamt the shift that brings
// it to the top.
template <bool Signed, bool Shift> BIT_FUNCTION(findTop) {
  uint64_t keep = lowBits(bits);
  if (Signed && a >> (bits - 1))
    a = ~a & keep;
  if (a == 0)
    return 0xFFFFFFFF;
  unsigned position = 63 - llvm::countl_zero(a);
  return Shift ? bits - 1 - position : position;
}
BIT_FUNCTION(reverse) {
  uint64_t result = 0;
  for (unsigned i = 0; i < bits; ++i)
    result |= ((a >> i) & 1) << (bits - 1 - i);
  return result;
}
// PTX ISA, prmt, default mode: nibble i of c chooses byte i of {b, a}; its top
// bit replicates the byte's sign.
BIT_FUNCTION(permute) {
  uint64_t both = (b << 32) | a, result = 0;
  for (unsigned i = 0; i < 4; ++i) {
    unsigned selector = (c >> (4 * i)) & 15;
    uint8_t byte = both >> (8 * (selector & 7));
    if (selector & 8)
      byte = byte & 0x80 ? 0xFF : 0;
    result |= uint64_t(byte) << (8 * i);
  }
  return result;
}
// PTX ISA, shf: {b, a} shifted by c; wrap takes c mod 32, clamp min(c, 32).
template <bool Left, bool Wrap> BIT_FUNCTION(funnel) {
  unsigned n = Wrap ? uint32_t(c) & 31 : std::min<uint32_t>(c, 32);
  uint64_t both = (b << 32) | a;
  return Left ? (n == 32 ? a : (both << n) >> 32)
              : (n == 32 ? b & lowBits(32) : both >> n);
}
#undef BIT_FUNCTION

Step lop3Step(Warp &warp, const Inst &inst, uint32_t mask) {
  Source a(warp, inst.ops[1]), b(warp, inst.ops[2]), c(warp, inst.ops[3]);
  uint64_t *d = warp.reg(inst.ops[0].reg);
  unsigned table = inst.ops[4].imm;
  forLanes(mask, [&](unsigned l) {
    uint32_t result = 0, x = a[l], y = b[l], z = c[l];
    for (unsigned i = 0; i < 8; ++i)
      if (table >> i & 1)
        result |= (i & 4 ? x : ~x) & (i & 2 ? y : ~y) & (i & 1 ? z : ~z);
    d[l] = result;
  });
  return Step::Next;
}

Step bfiStep(Warp &warp, const Inst &inst, uint32_t mask) {
  Source a(warp, inst.ops[1]), b(warp, inst.ops[2]), c(warp, inst.ops[3]),
      n(warp, inst.ops[4]);
  uint64_t *d = warp.reg(inst.ops[0].reg);
  uint64_t keep = lowBits(inst.aux);
  forLanes(mask, [&](unsigned l) {
    unsigned position = c[l] & 255, length = n[l] & 255;
    uint64_t field = position >= 64 ? 0 : lowBits(length) << position;
    uint64_t moved = position >= 64 ? 0 : a[l] << position;
    d[l] = ((b[l] & ~field) | (moved & field)) & keep;
  });
  return Step::Next;
}

} // namespace

bool tilewright::sim::decodeBits(Form &form, Inst &inst) {
  if (form.head == "shf") {
    bool left = form.take("l");
    if (!left && !form.take("r"))
      return false;
    bool wrap = form.take("wrap");
    if (!wrap && !form.take("clamp"))
      return false;
    inst.aux = 32;
    inst.handler = left ? (wrap ? bitStep<funnel<true, true>>
                                : bitStep<funnel<true, false>>)
                        : (wrap ? bitStep<funnel<false, true>>
                                : bitStep<funnel<false, false>>);
    return form.take("b32") && isPlain(inst, 3);
  }
  Scalar type;
  if (!form.takeType(type) || !(type.isInt() || type.kind == 'p'))
    return false;
  inst.aux = type.bits;
  llvm::StringRef head = form.head;
  if (head == "bfi") {
    inst.handler = bfiStep;
    return isPlain(inst, 4);
  }
  if (head == "lop3") {
    inst.handler = lop3Step;
    return isPlain(inst, 4) && inst.ops[4].isImm() && type.bits == 32;
  }
  auto with = [&](Handler handler, unsigned sources) {
    inst.handler = handler;
    return isPlain(inst, sources);
  };
  if (head == "and")
    return with(bitStep<bitAnd>, 2);
  if (head == "or")
    return with(bitStep<bitOr>, 2);
  if (head == "xor")
    return with(bitStep<bitXor>, 2);
  if (head == "not")
    return with(bitStep<bitNot>, 1);
  if (type.kind == 'p')
    return false;
  if (head == "cnot")
    return with(bitStep<bitCnot>, 1);
  if (head == "shl")
    return with(bitStep<shiftLeft>, 2);
  if (head == "shr")
    return with(
        type.isSigned() ? bitStep<shiftRightSigned> : bitStep<shiftRight>, 2);
  if (head == "bfe")
    return with(type.isSigned() ? bitStep<extractSigned> : bitStep<extract>, 3);
  if (head == "prmt")
    return type.bits == 32 && with(bitStep<permute>, 3);
  if (head == "popc")
    return with(bitStep<population>, 1);
  if (head == "clz")
    return with(bitStep<leadingZeros>, 1);
  if (head == "bfind") {
    bool shift = form.take("shiftamt"), isSigned = type.isSigned();
    return with(isSigned ? (shift ? bitStep<findTop<true, true>>
                                  : bitStep<findTop<true, false>>)
                         : (shift ? bitStep<findTop<false, true>>
                                  : bitStep<findTop<false, false>>),
                1);
  }
  if (head == "brev")
    return with(bitStep<reverse>, 1);
  return false;
}
