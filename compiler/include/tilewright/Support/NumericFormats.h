//===- NumericFormats.h - element types and their constants ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The element types of the language, with what the compiler, the manifest and
// the runtime need to know about each: width, field widths, largest finite
// value, the PTX spelling, the tensor-map element type.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_SUPPORT_NUMERICFORMATS_H
#define TILEWRIGHT_SUPPORT_NUMERICFORMATS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>

namespace tilewright {

enum class ElementType : uint8_t {
  E2M1,  // OCP MX FP4
  E4M3,  // OCP FP8, no infinity ("FN")
  E5M2,  // OCP FP8, with infinities
  UE8M0, // OCP MX scale: a biased power of two, no sign
  BF16,
  F16,
  TF32, // stored in 32 bits, the low 13 ignored
  F32,
  F64,
  I8,
  U8,
  I16,
  U16,
  I32,
  U32,
  I64,
  U64,
  Bool, // one byte in memory
};

/// What is known about an element type. `exponentBits` and `mantissaBits` are
/// 0 for integers; TF32 has 10 mantissa bits although it occupies 32 bits.
struct FormatInfo {
  ElementType type;
  /// Spelling in the language and in manifests ("e4m3").
  const char *name;
  /// Storage width in bits.
  unsigned bits;
  unsigned exponentBits;
  unsigned mantissaBits;
  /// Exponent bias (0 for integers).
  int bias;
  bool isFloat;
  bool isSigned;
  bool hasInfinity;
  /// Largest finite value (floats; exact in a double), 0 for integers.
  double maxFinite;
  /// Type name in PTX instructions (PTX ISA, "Fundamental types" and
  /// "Alternate floating-point data formats").
  const char *ptxName;
  /// Element type of a tensor map that copies values unchanged, spelled as in
  /// the manifest: "u8" for the 8-bit floats, nullptr where a tensor map
  /// cannot address the type (sub-byte types need a packed view).
  const char *tensorMapName;
};

/// The constants of `type`; total over the enumeration.
const FormatInfo &formatInfo(ElementType type);

/// All element types in the order of the enumeration.
llvm::ArrayRef<FormatInfo> allFormats();

/// The element type spelled `name` in the language, or nothing.
std::optional<ElementType> parseElementType(llvm::StringRef name);

inline unsigned bitWidth(ElementType type) { return formatInfo(type).bits; }
inline llvm::StringRef elementTypeName(ElementType type) {
  return formatInfo(type).name;
}

/// The K extent of one dense wgmma whose operands have `bits`-wide elements:
/// 32 bytes of K (PTX ISA, "wgmma.mma_async", table of shapes): 8 for tf32, 16
/// for f16 and bf16, 32 for 8-bit types. 0 for widths that wgmma lacks.
inline int64_t wgmmaK(unsigned bits) {
  return bits == 8 || bits == 16 || bits == 32 ? 256 / bits : 0;
}

} // namespace tilewright

#endif // TILEWRIGHT_SUPPORT_NUMERICFORMATS_H
