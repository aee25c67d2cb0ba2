//===- Wgmma.h - the warpgroup matrix product -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The arithmetic and operand layouts of wgmma.mma_async (PTX ISA,
// "Asynchronous Warpgroup Level Matrix Instructions"). When an instruction
// reads its operands and when its result appears is the machine's business.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_SIM_WGMMA_H
#define TILEWRIGHT_SIM_WGMMA_H

#include "tilewright/Sim/Formats.h"
#include "tilewright/Sim/Ranges.h"
#include "tilewright/Sim/TensorMap.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <vector>

namespace tilewright::sim {

/// A matrix descriptor (PTX ISA, "Matrix Descriptor Format" of wgmma), in
/// bytes.
struct MatrixDescriptor {
  uint32_t start = 0;                    ///< Bits 0..13, times 16.
  uint32_t leading = 0;                  ///< Bits 16..29, times 16.
  uint32_t stride = 0;                   ///< Bits 32..45, times 16.
  unsigned baseOffset = 0;               ///< Bits 49..51.
  MapSwizzle swizzle = MapSwizzle::None; ///< Bits 62..63.

  /// Never fails: every 64-bit value is a descriptor of some layout.
  static MatrixDescriptor decode(uint64_t bits);
};

/// One wgmma.mma_async.sync.aligned.m64n<N>k<K>.<d>.<a>.<b>.
struct WgmmaShape {
  Format d = Format::F32; ///< F32, F16 or S32.
  Format a = Format::E4M3;
  Format b = Format::E4M3;
  unsigned n = 8;
  bool transA = false; ///< A is M-major (16-bit types in shared memory).
  bool transB = false; ///< B is N-major (16-bit types).
  bool negateA = false, negateB = false; ///< imm-scale-a/b of -1.
  bool satfinite = false;                ///< S32 only.

  /// 8 (tf32), 16 (f16, bf16) or 32 (8-bit types).
  unsigned k() const { return 256 / bitWidth(a); }
  /// 32-bit registers of D that each of the 128 threads holds.
  unsigned registersD() const { return d == Format::F16 ? n / 4 : n / 2; }
  /// The instruction exists: types match, n is a legal multiple, transposition
  /// and negation only where the types allow (PTX ISA, wgmma.mma_async).
  llvm::Error check() const;
};

/// Address in .shared::cta of element (mn, k) of the operand that `descriptor`
/// names; `mnMajor` is tnspA/tnspB. The canonical layouts of PTX ISA, "Strides"
/// and "Shared memory layout" of wgmma.
uint32_t matrixAddress(const MatrixDescriptor &descriptor,
                       unsigned elementBytes, bool mnMajor, unsigned mn,
                       unsigned k);

/// A decoded operand: raw element bits, row-major [mn][k].
struct WgmmaOperand {
  unsigned rows = 0, k = 0;
  std::vector<uint32_t> bits;
};

/// Reads A (64 x k) or B (n x k, that is transposed) from the shared memory of
/// the CTA (index = address). Appends the bytes touched to `touched`. Errors:
/// an element outside `shared`, a start address that is not aligned to 16.
llvm::Expected<WgmmaOperand> readOperandA(const WgmmaShape &shape,
                                          uint64_t descriptor,
                                          llvm::ArrayRef<uint8_t> shared,
                                          ByteRanges *touched = nullptr);
llvm::Expected<WgmmaOperand> readOperandB(const WgmmaShape &shape,
                                          uint64_t descriptor,
                                          llvm::ArrayRef<uint8_t> shared,
                                          ByteRanges *touched = nullptr);
/// The ranges alone, without data: for checks at issue.
llvm::Expected<ByteRanges> operandRanges(const WgmmaShape &shape, bool isB,
                                         uint64_t descriptor,
                                         uint64_t sharedBytes);

/// A from registers: `registers` is [thread 0..127][4] (PTX ISA, "Register
/// Fragments for wgmma.mma_async", matrix A).
llvm::Expected<WgmmaOperand> readFragmentA(const WgmmaShape &shape,
                                           llvm::ArrayRef<uint32_t> registers);

/// Row and column of accumulator element `element` (not register: F16 has two
/// elements in one) of `thread`: row 16*warp + lane/4 (+8), column
/// 8*i + 2*(lane%4) + {0, 1}.
struct FragmentCoordinate {
  unsigned row, column;
};
FragmentCoordinate accumulatorCoordinate(unsigned thread, unsigned element);

/// How the tensor core adds. `exact()`: products exact, their sum and the
/// accumulator in double, one rounding to nearest even at the end (the
/// double sum itself rounds only where products differ by more than 2^40 or
/// so; integers are exact, wrapping or saturating).
///
/// Otherwise the model of a fused, truncating adder, applied to groups of
/// `groupK` products in order of k, each group taking the last one's result as
/// its accumulator: all terms (products, and the accumulator) are aligned to
/// the largest exponent among them, each magnitude is truncated to
/// `fractionBits` bits below that exponent, the sum is exact, and the result is
/// truncated to `resultFractionBits` fraction bits of f32 (23: f32's own).
/// The exponent of a product is the sum of its factors' exponents, without
/// normalising a significand in [2, 4); zero terms take no part. See
/// Wgmma.cpp for subnormals, infinities and NaN.
struct AccumulateModel {
  bool isExact = true;
  unsigned groupK = 0; ///< 0: all of the instruction's K at once.
  unsigned fractionBits = 13;
  unsigned resultFractionBits = 23;
  bool normaliseProducts = false;
  /// Each instruction uses hopper(its operands) instead of the fields above.
  bool byOperands = false;

  static AccumulateModel exact() { return {}; }
  /// Hopper whatever the operands are: for a machine's options.
  static AccumulateModel hopper() {
    AccumulateModel model;
    model.isExact = false;
    model.byOperands = true;
    return model;
  }
  /// Hopper, for f32 accumulators; measured (see WgmmaArithmetic.cpp): 8-bit
  /// floats keep 13 fraction bits (sign, 8 exponent bits, 13: the published
  /// 22-bit accumulator), wider types align to 25 and give all of f32's 23.
  static AccumulateModel hopper(Format operands);
};

/// D = (±A)(±B) + (scaleD ? D : 0) for one instruction. `d` is
/// [thread 0..127][registersD()], F16 elements packed two in a register, low
/// half first. `a` is 64 x k, `b` n x k.
void multiplyAccumulate(const WgmmaShape &shape, const WgmmaOperand &a,
                        const WgmmaOperand &b, bool scaleD,
                        llvm::MutableArrayRef<uint32_t> d,
                        const AccumulateModel &model);

/// One element: sum of a[i]*b[i] plus `c` under `model`, formats as in
/// `shape`. For fitting the model to measurements.
float dotAccumulate(const WgmmaShape &shape, llvm::ArrayRef<uint32_t> a,
                    llvm::ArrayRef<uint32_t> b, float c,
                    const AccumulateModel &model);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_WGMMA_H
