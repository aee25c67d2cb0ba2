//===- Formats.h - number formats and the roundings of cvt ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_SIM_FORMATS_H
#define TILEWRIGHT_SIM_FORMATS_H

#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>

namespace tilewright::sim {

/// The floating-point formats that kernels handle, and the integers that
/// tensor copies and wgmma handle.
enum class Format : uint8_t {
  E2M1,  ///< FP4: no infinity, no NaN.
  E4M3,  ///< FP8: no infinity; 0x7F and 0xFF are NaN.
  E5M2,  ///< FP8, IEEE-like.
  UE8M0, ///< 2^(x-127); 0xFF is NaN.
  BF16,
  F16,
  TF32, ///< In the high 19 bits of a 32-bit word; the low 13 are ignored.
  F32,
  F64,
  S8,
  U8,
  U16,
  S32,
  U32,
  S64,
  U64,
};

/// Bits of storage: 4, 8, 16, 32 or 64.
unsigned bitWidth(Format format);
bool isFloat(Format format);
/// "e4m3", "bf16", "s32": the PTX spelling without the dot.
llvm::StringRef formatName(Format format);
/// The format spelled `name` in PTX ("e4m3", "f32", "s8", ...).
std::optional<Format> parseFormat(llvm::StringRef name);

/// Rounding modifiers of cvt (PTX ISA, "Rounding Modifiers" and cvt).
enum class Rounding : uint8_t {
  NearestEven, ///< .rn
  TowardZero,  ///< .rz
  Down,        ///< .rm
  Up,          ///< .rp
  NearestAway, ///< .rna (tf32 only)
};

/// The value of the low bitWidth(format) bits of `bits`. Exact, except for
/// S64/U64 beyond 2^53 (rounded to nearest). NaN payloads are not kept.
double decode(Format format, uint64_t bits);

/// `value` rounded once to the floating-point `format`; the other bits are 0.
/// NaN becomes the canonical NaN of the format (0x7F.., all payload bits set;
/// PTX ISA, cvt: "the NaN results are canonical"; f64 0x7FF8000000000000).
/// UE8M0 takes magnitudes: the sign is dropped, 0 becomes 2^-127.
///
/// A value beyond the largest finite one: with `satfinite` the largest finite
/// one of its sign; otherwise what IEEE 754 says for the rounding (infinity,
/// or the largest finite one), where E4M3 has NaN in infinity's place and
/// E2M1 always saturates. NaN stays NaN under satfinite (E2M1: the largest
/// positive value). PTX ISA, cvt, ".satfinite".
uint64_t encode(Format format, double value,
                Rounding rounding = Rounding::NearestEven,
                bool satfinite = false);

/// The canonical NaN of `format`; 0 where it has none.
uint64_t canonicalNaN(Format format);

//===----------------------------------------------------------------------===//
// f32 shorthands
//===----------------------------------------------------------------------===//

float asFloat(uint32_t bits);
uint32_t asBits(float value);

/// One element of cvt.*.f32. F32 NaNs of any payload become canonical ones.
/// `relu` turns negative results and NaN into +0 ... NaN stays NaN (PTX ISA,
/// cvt: ".relu clamps negative results to 0, NaN result is canonical NaN").
uint64_t convertFromF32(Format to, float value, Rounding rounding,
                        bool satfinite, bool relu = false);

/// Packed conversions, cvt.<rnd>[.satfinite][.relu].<to>x2.f32 d, high, low:
/// the first source operand lands in the upper half of the result (PTX ISA,
/// cvt). 8-bit formats give 16 bits, 16-bit ones 32, E2M1 8.
uint32_t convertPacked2(Format to, float high, float low,
                        Rounding rounding = Rounding::NearestEven,
                        bool satfinite = false, bool relu = false);

/// cvt.rn.f16x2.e4m3x2 and its like: exact widening of two 8-bit floats.
uint32_t widenPacked2ToF16(Format from, uint16_t packed);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_FORMATS_H
