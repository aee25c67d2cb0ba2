//===- HalfForms.cpp - f16 and bf16 arithmetic, alone and in pairs --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX ISA, "Half Precision Floating Point Instructions" and "Mixed Precision":
// each result is rounded once, to nearest even; subnormals are kept unless the
// form says .ftz; NaN results are the canonical ones.
//
//===----------------------------------------------------------------------===//
#include "Forms.h"
#include "Rounded.h"

using namespace tilewright::sim;

namespace {

enum Operation : uint32_t { Add, Sub, Mul, Fma, Min, Max, Neg, Abs };
enum Flag : uint32_t { Flush = 1, Saturate = 2, Relu = 4, KeepNaN = 8 };

bool isNaN(Format format, uint32_t bits) {
  return std::isnan(decode(format, bits));
}

/// .ftz: a subnormal becomes the zero of its sign.
uint32_t flush(uint32_t bits, uint32_t flags) {
  return flags & Flush && (bits & 0x7C00) == 0 ? bits & 0x8000 : bits;
}

/// One element of min or max: -0 is below +0, and a NaN loses against a number
/// unless the form says .NaN.
uint32_t extreme(Format format, bool isMin, uint32_t flags, uint32_t a,
                 uint32_t b) {
  bool nanA = isNaN(format, a), nanB = isNaN(format, b);
  if ((nanA && nanB) || ((nanA || nanB) && flags & KeepNaN))
    return canonicalNaN(format);
  if (nanA || nanB)
    return nanA ? b : a;
  double x = decode(format, a), y = decode(format, b);
  bool below = x < y || (x == y && std::signbit(x));
  return below == isMin ? a : b;
}

uint32_t compute(Format format, uint32_t operation, uint32_t flags, uint32_t a,
                 uint32_t b, uint32_t c) {
  a = flush(a, flags);
  b = flush(b, flags);
  c = flush(c, flags);
  switch (operation) {
  // The sign's alone, so that payloads of NaN stay.
  case Neg:
    return isNaN(format, a) ? canonicalNaN(format) : a ^ 0x8000;
  case Abs:
    return isNaN(format, a) ? canonicalNaN(format) : a & 0x7FFF;
  case Min:
  case Max:
    return extreme(format, operation == Min, flags, a, b);
  }
  double x = decode(format, a), y = decode(format, b), z = decode(format, c);
  ExactSum exact = operation == Add   ? exactSum(x, y)
                   : operation == Sub ? exactSum(x, -y)
                   : operation == Mul ? ExactSum{x * y, 0}
                                      : exactSum(x * y, z);
  double result = roundToOdd(exact);
  if (flags & Saturate) // PTX ISA: NaN results are flushed to +0.
    result = result > 0 ? std::min(result, 1.0) : 0;
  uint32_t bits = encode(format, result);
  if (flags & Relu && bits & 0x8000 && !isNaN(format, bits))
    bits = 0;
  return flush(bits, flags);
}

// aux: the operation; wide[0]: the format; wide[1]: flags; count: elements.
Step halfStep(Warp &warp, const Inst &inst, uint32_t mask) {
  unsigned last = inst.ops.size() - 1;
  Source a(warp, inst.ops[1]), b(warp, inst.ops[std::min(2u, last)]),
      c(warp, inst.ops[std::min(3u, last)]);
  uint64_t *d = warp.reg(inst.ops[0].reg);
  forLanes(mask, [&](unsigned l) {
    uint32_t result = 0;
    for (unsigned shift = 0; shift < 16u * inst.count; shift += 16)
      result |= compute(Format(inst.wide[0]), inst.aux, inst.wide[1],
                        (a[l] >> shift) & 0xFFFF, (b[l] >> shift) & 0xFFFF,
                        (c[l] >> shift) & 0xFFFF)
                << shift;
    d[l] = result;
  });
  return Step::Next;
}

} // namespace

bool tilewright::sim::isHalfForm(const Form &form) {
  llvm::StringRef type = form.mods.empty() ? "" : form.mods.back();
  return type == "f16" || type == "bf16" || type == "f16x2" || type == "bf16x2";
}

bool tilewright::sim::decodeHalf(Form &form, Inst &inst) {
  llvm::StringRef type = form.mods.pop_back_val();
  inst.count = type.consume_back("x2") ? 2 : 1;
  Format format = type == "f16" ? Format::F16 : Format::BF16;
  static const llvm::StringRef heads[] = {"add", "sub", "mul", "fma",
                                          "min", "max", "neg", "abs"};
  auto head = llvm::find(heads, form.head);
  if (head == std::end(heads))
    return false;
  inst.aux = head - std::begin(heads);
  inst.wide[0] = uint32_t(format);
  bool rounds = inst.aux <= Fma, orders = inst.aux == Min || inst.aux == Max;
  bool rounded = form.take("rn");
  // .ftz and .sat are f16's alone.
  if (format == Format::F16 && form.take("ftz"))
    inst.wide[1] |= Flush;
  if (format == Format::F16 && rounds && form.take("sat"))
    inst.wide[1] |= Saturate;
  if (inst.aux == Fma && form.take("relu"))
    inst.wide[1] |= Relu;
  if (orders && form.take("NaN"))
    inst.wide[1] |= KeepNaN;
  inst.handler = halfStep;
  return (rounds ? rounded || inst.aux != Fma : !rounded) &&
         isPlain(inst, inst.aux == Fma   ? 3
                       : inst.aux >= Neg ? 1
                                         : 2);
}
