//===- FloatForms.cpp - Floating-point arithmetic -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// .approx functions give the correctly rounded result, which the hardware's
// lies within a few units of (PTX ISA gives the bounds): results that go
// through them need not agree bit for bit.
//
//===----------------------------------------------------------------------===//
#include "Forms.h"
#include "Rounded.h"

using namespace tilewright::sim;

namespace {

template <typename T> struct FAdd {
  T operator()(T a, T b) { return a + b; }
};
template <typename T> struct FSub {
  T operator()(T a, T b) { return a - b; }
};
template <typename T> struct FMul {
  T operator()(T a, T b) { return a * b; }
};
template <typename T> struct FDiv {
  T operator()(T a, T b) { return a / b; }
};
// PTX ISA, min, max: a NaN loses against a number; -0 is below +0.
template <typename T> struct FMin {
  T operator()(T a, T b) {
    if (std::isnan(a) || std::isnan(b))
      return std::isnan(a) ? b : a;
    return a < b || (a == b && std::signbit(a)) ? a : b;
  }
};
template <typename T> struct FMax {
  T operator()(T a, T b) {
    if (std::isnan(a) || std::isnan(b))
      return std::isnan(a) ? b : a;
    return a > b || (a == b && !std::signbit(a)) ? a : b;
  }
};
// .NaN: a NaN wins.
template <typename T> struct FMinNaN {
  T operator()(T a, T b) {
    return std::isnan(a) || std::isnan(b) ? T(NAN) : FMin<T>()(a, b);
  }
};
template <typename T> struct FMaxNaN {
  T operator()(T a, T b) {
    return std::isnan(a) || std::isnan(b) ? T(NAN) : FMax<T>()(a, b);
  }
};
template <typename T> struct FFma {
  T operator()(T a, T b, T c) { return std::fma(a, b, c); }
};
template <typename T> struct FNeg {
  T operator()(T a) { return -a; }
};
template <typename T> struct FAbs {
  T operator()(T a) { return std::fabs(a); }
};
template <typename T> struct FExp2 {
  T operator()(T a) { return T(std::exp2(double(a))); }
};
template <typename T> struct FLog2 {
  T operator()(T a) { return T(std::log2(double(a))); }
};
template <typename T> struct FRcp {
  T operator()(T a) { return T(1) / a; }
};
template <typename T> struct FSqrt {
  T operator()(T a) { return std::sqrt(a); }
};
template <typename T> struct FRsqrt {
  T operator()(T a) { return T(1 / std::sqrt(double(a))); }
};

// Rounded in the direction R; a zero sum of opposite terms is -0 downwards.
template <Rounding R> struct DirectedFma {
  float operator()(float a, float b, float c) {
    double product = double(a) * double(b);
    if (R == Rounding::Down && product == -double(c) &&
        !(product == 0 && std::signbit(product) == std::signbit(c)))
      return -0.0f;
    return roundToFloat(exactSum(product, c), R);
  }
};
template <Rounding R> struct DirectedAdd {
  float operator()(float a, float b) { return DirectedFma<R>()(a, 1, b); }
};
template <Rounding R> struct DirectedSub {
  float operator()(float a, float b) { return DirectedFma<R>()(a, 1, -b); }
};
template <Rounding R> struct DirectedMul {
  float operator()(float a, float b) {
    return roundToFloat({double(a) * double(b), 0}, R);
  }
};

/// .ftz: subnormal inputs and results become zeros of their sign.
template <typename Op> struct Flushed {
  static float flush(float value) {
    return std::fpclassify(value) == FP_SUBNORMAL ? std::copysign(0.0f, value)
                                                  : value;
  }
  template <typename... Args> float operator()(Args... args) {
    return flush(Op()(flush(args)...));
  }
};

template <template <typename> class Op, template <typename, typename> class S>
Handler choose(Scalar type, bool ftz) {
  if (type.bits == 64)
    return ftz ? nullptr : S<double, Op<double>>::step;
  if (type.bits != 32)
    return nullptr;
  return ftz ? S<float, Flushed<Op<float>>>::step : S<float, Op<float>>::step;
}
/// copysign d, a, b: the magnitude of b with the sign of a; bits alone.
template <typename U>
Step copysignStep(Warp &warp, const Inst &inst, uint32_t mask) {
  constexpr U sign = U(1) << (8 * sizeof(U) - 1);
  Source a(warp, inst.ops[1]), b(warp, inst.ops[2]);
  uint64_t *d = warp.reg(inst.ops[0].reg);
  forLanes(mask,
           [&](unsigned l) { d[l] = (U(a[l]) & sign) | (U(b[l]) & U(~sign)); });
  return Step::Next;
}

template <typename T, typename Op> struct One {
  static constexpr Handler step = unaryStep<T, Op>;
};
template <typename T, typename Op> struct Two {
  static constexpr Handler step = binaryStep<T, Op>;
};
template <typename T, typename Op> struct Three {
  static constexpr Handler step = ternaryStep<T, Op>;
};

template <Rounding R> Handler directed(llvm::StringRef head, bool ftz) {
  auto either = [&](Handler kept, Handler flushed) {
    return ftz ? flushed : kept;
  };
  if (head == "add")
    return either(binaryStep<float, DirectedAdd<R>>,
                  binaryStep<float, Flushed<DirectedAdd<R>>>);
  if (head == "sub")
    return either(binaryStep<float, DirectedSub<R>>,
                  binaryStep<float, Flushed<DirectedSub<R>>>);
  if (head == "mul")
    return either(binaryStep<float, DirectedMul<R>>,
                  binaryStep<float, Flushed<DirectedMul<R>>>);
  if (head == "fma")
    return either(ternaryStep<float, DirectedFma<R>>,
                  ternaryStep<float, Flushed<DirectedFma<R>>>);
  return nullptr;
}

} // namespace

bool tilewright::sim::decodeFloat(Form &form, Inst &inst) {
  Scalar type;
  if (!form.takeType(type) || type.kind != 'f')
    return false;
  bool ftz = form.take("ftz");
  int direction = form.takeOneOf({"rz", "rm", "rp"});
  if (direction >= 0) {
    inst.handler = direction == 0
                       ? directed<Rounding::TowardZero>(form.head, ftz)
                   : direction == 1 ? directed<Rounding::Down>(form.head, ftz)
                                    : directed<Rounding::Up>(form.head, ftz);
    return type.bits == 32 && isPlain(inst, form.head == "fma" ? 3 : 2);
  }
  bool rounded = form.take("rn");
  bool approximate = form.take("approx") || form.take("full");
  llvm::StringRef head = form.head;
  auto with = [&](Handler handler, unsigned sources) {
    inst.handler = handler;
    return isPlain(inst, sources);
  };
  if (approximate && rounded)
    return false;
  if (head == "div")
    return (rounded || approximate) && with(choose<FDiv, Two>(type, ftz), 2);
  if (head == "rcp")
    return (rounded || approximate) && with(choose<FRcp, One>(type, ftz), 1);
  if (head == "sqrt")
    return (rounded || approximate) && with(choose<FSqrt, One>(type, ftz), 1);
  if (head == "rsqrt")
    return approximate && with(choose<FRsqrt, One>(type, ftz), 1);
  if (head == "ex2")
    return approximate && with(choose<FExp2, One>(type, ftz), 1);
  if (head == "lg2")
    return approximate && with(choose<FLog2, One>(type, ftz), 1);
  if (approximate)
    return false;
  if (head == "add")
    return with(choose<FAdd, Two>(type, ftz), 2);
  if (head == "sub")
    return with(choose<FSub, Two>(type, ftz), 2);
  if (head == "mul")
    return with(choose<FMul, Two>(type, ftz), 2);
  if (head == "fma")
    return rounded && with(choose<FFma, Three>(type, ftz), 3);
  if (rounded)
    return false;
  if (head == "copysign")
    return !ftz && with(type.bits == 32 ? copysignStep<uint32_t>
                                        : copysignStep<uint64_t>,
                        2);
  bool keepsNaN = (head == "min" || head == "max") && form.take("NaN");
  if (keepsNaN && head == "min")
    return with(choose<FMinNaN, Two>(type, ftz), 2);
  if (keepsNaN)
    return with(choose<FMaxNaN, Two>(type, ftz), 2);
  if (head == "min")
    return with(choose<FMin, Two>(type, ftz), 2);
  if (head == "max")
    return with(choose<FMax, Two>(type, ftz), 2);
  if (head == "neg")
    return with(choose<FNeg, One>(type, ftz), 1);
  if (head == "abs")
    return with(choose<FAbs, One>(type, ftz), 1);
  return false;
}
