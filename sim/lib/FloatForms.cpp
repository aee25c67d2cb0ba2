//===- FloatForms.cpp - Floating-point arithmetic -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// .approx functions give the correctly rounded result, which the hardware's
// lies within a few units of (PTX ISA gives the bounds): results that go
// through them need not agree bit for bit.
//
//===----------------------------------------------------------------------===//
#include "Forms.h"

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
template <typename T, typename Op> struct One {
  static constexpr Handler step = unaryStep<T, Op>;
};
template <typename T, typename Op> struct Two {
  static constexpr Handler step = binaryStep<T, Op>;
};
template <typename T, typename Op> struct Three {
  static constexpr Handler step = ternaryStep<T, Op>;
};

} // namespace

bool tilewright::sim::decodeFloat(Form &form, Inst &inst) {
  Scalar type;
  if (!form.takeType(type) || type.kind != 'f')
    return false;
  bool ftz = form.take("ftz");
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
