//===- IntegerForms.cpp - Integer arithmetic ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Forms.h"

using namespace tilewright::sim;

namespace {

template <typename T> using Unsigned = std::make_unsigned_t<T>;

template <typename T> struct Add {
  T operator()(T a, T b) { return Unsigned<T>(a) + Unsigned<T>(b); }
};
template <typename T> struct Sub {
  T operator()(T a, T b) { return Unsigned<T>(a) - Unsigned<T>(b); }
};
template <typename T> struct MulLo {
  // In 64 bits: narrower types would be promoted to signed int.
  T operator()(T a, T b) { return uint64_t(a) * uint64_t(b); }
};
template <typename T> struct MulHi {
  T operator()(T a, T b) {
    if constexpr (std::is_signed_v<T>)
      return T((__int128(a) * __int128(b)) >> (8 * sizeof(T)));
    else
      return T(((unsigned __int128)a * b) >> (8 * sizeof(T)));
  }
};
template <typename T> struct MadLo {
  T operator()(T a, T b, T c) {
    return uint64_t(a) * uint64_t(b) + uint64_t(c);
  }
};
template <typename T> struct MadHi {
  T operator()(T a, T b, T c) { return Add<T>()(MulHi<T>()(a, b), c); }
};
// Division by zero gives all ones, as the machine does (PTX leaves it open);
// the least integer by -1 wraps.
template <typename T> struct Div {
  T operator()(T a, T b) {
    if (b == 0)
      return T(~T(0));
    if (std::is_signed_v<T> && b == T(-1))
      return Sub<T>()(0, a);
    return a / b;
  }
};
template <typename T> struct Rem {
  T operator()(T a, T b) {
    if (b == 0)
      return a;
    if (std::is_signed_v<T> && b == T(-1))
      return 0;
    return a % b;
  }
};
template <typename T> struct Min {
  T operator()(T a, T b) { return a < b ? a : b; }
};
template <typename T> struct Max {
  T operator()(T a, T b) { return a < b ? b : a; }
};
template <typename T> struct Neg {
  T operator()(T a) { return Sub<T>()(0, a); }
};
template <typename T> struct Abs {
  T operator()(T a) {
    return std::is_signed_v<T> && a < 0 ? Sub<T>()(0, a) : a;
  }
};

template <template <typename> class Op> struct Binary {
  template <typename T> static constexpr Handler of = binaryStep<T, Op<T>>;
};
template <template <typename> class Op> struct Ternary {
  template <typename T> static constexpr Handler of = ternaryStep<T, Op<T>>;
};
template <template <typename> class Op> struct Unary {
  template <typename T> static constexpr Handler of = unaryStep<T, Op<T>>;
};

template <typename Family> Handler pick(Scalar type) {
  switch (type.bits) {
  case 16:
    return type.isSigned() ? Family::template of<int16_t>
                           : Family::template of<uint16_t>;
  case 32:
    return type.isSigned() ? Family::template of<int32_t>
                           : Family::template of<uint32_t>;
  case 64:
    return type.isSigned() ? Family::template of<int64_t>
                           : Family::template of<uint64_t>;
  }
  return nullptr;
}

/// mul.wide, mad.wide: T to twice its width.
template <typename T, typename W>
Step wideStep(Warp &warp, const Inst &inst, uint32_t mask) {
  Source a(warp, inst.ops[1]), b(warp, inst.ops[2]);
  bool isMad = inst.ops.size() == 4;
  Source c(warp, inst.ops[isMad ? 3 : 2]);
  uint64_t *d = warp.reg(inst.ops[0].reg);
  forLanes(mask, [&](unsigned l) {
    W product = W(T(a[l])) * W(T(b[l]));
    d[l] = pack<W>(isMad ? Add<W>()(product, W(c[l])) : product);
  });
  return Step::Next;
}

Handler pickWide(Scalar type) {
  if (type.bits == 16)
    return type.isSigned() ? wideStep<int16_t, int32_t>
                           : wideStep<uint16_t, uint32_t>;
  if (type.bits == 32)
    return type.isSigned() ? wideStep<int32_t, int64_t>
                           : wideStep<uint32_t, uint64_t>;
  return nullptr;
}

} // namespace

bool tilewright::sim::decodeInteger(Form &form, Inst &inst) {
  Scalar type;
  if (!form.takeType(type) || !type.isInt())
    return false;
  if (form.head == "mul" || form.head == "mad") {
    bool isMad = form.head == "mad";
    if (!isPlain(inst, isMad ? 3 : 2))
      return false;
    switch (form.takeOneOf({"lo", "hi", "wide"})) {
    case 0:
      inst.handler =
          isMad ? pick<Ternary<MadLo>>(type) : pick<Binary<MulLo>>(type);
      return true;
    case 1:
      inst.handler =
          isMad ? pick<Ternary<MadHi>>(type) : pick<Binary<MulHi>>(type);
      return true;
    case 2:
      inst.handler = pickWide(type);
      return true;
    }
    return false;
  }
  if (form.head == "neg" || form.head == "abs") {
    inst.handler =
        form.head == "neg" ? pick<Unary<Neg>>(type) : pick<Unary<Abs>>(type);
    return isPlain(inst, 1);
  }
  inst.handler = form.head == "add"   ? pick<Binary<Add>>(type)
                 : form.head == "sub" ? pick<Binary<Sub>>(type)
                 : form.head == "div" ? pick<Binary<Div>>(type)
                 : form.head == "rem" ? pick<Binary<Rem>>(type)
                 : form.head == "min" ? pick<Binary<Min>>(type)
                 : form.head == "max" ? pick<Binary<Max>>(type)
                                      : nullptr;
  return isPlain(inst, 2);
}
