//===- Forms.h - The instruction table's pieces ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An opcode is a head ("add", "mbarrier") and modifiers. The decoder of a head
// takes the modifiers that it models off the form and picks a handler; what is
// left over, or a false result, is a form that is not modelled.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_SIM_FORMS_H
#define TILEWRIGHT_SIM_FORMS_H

#include "Machine.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <cmath>

namespace tilewright::sim {

/// A scalar type: kind is one of u, s, b, f (f32, f64), p (pred), or h (f16),
/// t (bf16).
struct Scalar {
  char kind = 0;
  uint8_t bits = 0;
  bool isInt() const { return kind == 'u' || kind == 's' || kind == 'b'; }
  bool isSigned() const { return kind == 's'; }
};

struct Form {
  llvm::StringRef head;
  llvm::SmallVector<llvm::StringRef, 8> mods;

  /// Removes modifier `name`; whether it was there.
  bool take(llvm::StringRef name);
  /// Removes the first modifier that is one of `names`; its index or -1.
  int takeOneOf(std::initializer_list<llvm::StringRef> names);
  /// Removes the last modifier, which must be a type.
  bool takeType(Scalar &type);
  /// Removes the first modifier.
  llvm::StringRef takeFirst();
};

/// Operands `first` .. `first + count` exist and are registers or immediates.
bool areValues(const Inst &inst, unsigned first, unsigned count);
/// Exactly `sources` value operands behind one destination register.
bool isPlain(const Inst &inst, unsigned sources);

using Decoder = bool (*)(Form &form, Inst &inst);

bool decodeInteger(Form &form, Inst &inst); // IntegerForms.cpp
bool decodeBits(Form &form, Inst &inst);    // BitForms.cpp
bool decodeFloat(Form &form, Inst &inst);   // FloatForms.cpp
/// Whether the form's type is f16, bf16 or a pair of them.
bool isHalfForm(const Form &form); // HalfForms.cpp
bool decodeHalf(Form &form, Inst &inst);
bool decodeSetp(Form &form, Inst &inst); // CompareForms.cpp
bool decodeSelp(Form &form, Inst &inst);
bool decodeMov(Form &form, Inst &inst);
bool decodeCvt(Form &form, Inst &inst);  // ConvertForms.cpp
bool decodeCvta(Form &form, Inst &inst); // MemoryForms.cpp
bool decodeMapa(Form &form, Inst &inst);
bool decodeGetCtaRank(Form &form, Inst &inst);
bool decodeIsSpace(Form &form, Inst &inst);
bool decodeLoad(Form &form, Inst &inst);
bool decodeStore(Form &form, Inst &inst);
bool decodeAtomic(Form &form, Inst &inst);     // AtomicForms.cpp
bool decodeMatrixMove(Form &form, Inst &inst); // MatrixForms.cpp
bool decodeControl(Form &form, Inst &inst);    // ControlForms.cpp
bool decodeFence(Form &form, Inst &inst);
bool decodeCreatePolicy(Form &form, Inst &inst);
bool decodeBarrier(Form &form, Inst &inst); // BarrierForms.cpp
bool decodeSetmaxnreg(Form &form, Inst &inst);
bool decodeMbarrier(Form &form, Inst &inst);   // MBarrierForms.cpp
bool decodeWarp(Form &form, Inst &inst);       // WarpForms.cpp
bool decodeCp(Form &form, Inst &inst);         // BulkForms.cpp
bool decodeStoreAsync(Form &form, Inst &inst); // AsyncStoreForms.cpp
bool decodeWgmma(Form &form, Inst &inst);      // WgmmaForms.cpp

/// A source operand: `stride` 0 repeats an immediate.
class Source {
public:
  Source(Warp &warp, const Operand &op)
      : data(op.isReg() ? warp.reg(op.reg) : &op.imm),
        stride(op.isReg() ? 1 : 0) {}
  uint64_t operator[](unsigned lane) const { return data[lane * stride]; }

private:
  const uint64_t *data;
  unsigned stride;
};

template <typename T> inline T unpack(uint64_t bits) { return T(bits); }
template <> inline float unpack<float>(uint64_t bits) {
  return asFloat(uint32_t(bits));
}
template <> inline double unpack<double>(uint64_t bits) {
  double value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/// Registers hold values zero-extended. NaN results of arithmetic are the
/// canonical ones (PTX ISA, "Floating Point Instructions").
template <typename T> inline uint64_t pack(T value) {
  return uint64_t(std::make_unsigned_t<T>(value));
}
template <> inline uint64_t pack<float>(float value) {
  return std::isnan(value) ? 0x7FFFFFFFu : asBits(value);
}
template <> inline uint64_t pack<double>(double value) {
  if (std::isnan(value))
    return 0x7FF8000000000000ull;
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

template <typename T, typename Op>
Step unaryStep(Warp &warp, const Inst &inst, uint32_t mask) {
  Source a(warp, inst.ops[1]);
  uint64_t *d = warp.reg(inst.ops[0].reg);
  forLanes(mask, [&](unsigned l) { d[l] = pack<T>(Op()(unpack<T>(a[l]))); });
  return Step::Next;
}

template <typename T, typename Op>
Step binaryStep(Warp &warp, const Inst &inst, uint32_t mask) {
  Source a(warp, inst.ops[1]), b(warp, inst.ops[2]);
  uint64_t *d = warp.reg(inst.ops[0].reg);
  forLanes(mask, [&](unsigned l) {
    d[l] = pack<T>(Op()(unpack<T>(a[l]), unpack<T>(b[l])));
  });
  return Step::Next;
}

template <typename T, typename Op>
Step ternaryStep(Warp &warp, const Inst &inst, uint32_t mask) {
  Source a(warp, inst.ops[1]), b(warp, inst.ops[2]), c(warp, inst.ops[3]);
  uint64_t *d = warp.reg(inst.ops[0].reg);
  forLanes(mask, [&](unsigned l) {
    d[l] = pack<T>(Op()(unpack<T>(a[l]), unpack<T>(b[l]), unpack<T>(c[l])));
  });
  return Step::Next;
}

inline Step nothing(Warp &, const Inst &, uint32_t) { return Step::Next; }

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_FORMS_H
