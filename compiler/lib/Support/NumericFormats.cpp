//===- NumericFormats.cpp - table of element types ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Support/NumericFormats.h"

#include "llvm/ADT/STLExtras.h"
#include <cassert>

using namespace tilewright;

// Exponent, mantissa and bias: OCP MX 1.0 (e2m1, ue8m0), OCP OFP8 (e4m3,
// e5m2), IEEE 754 (f16, f32, f64); bf16 and tf32 have the exponent of f32.
// ue8m0 0xFF is NaN, so its largest value is 2^(254-127).
static const FormatInfo table[] = {
    // type, name, bits, exp, man, bias, float, signed, inf, max, ptx, map
    {ElementType::E2M1, "e2m1", 4, 2, 1, 1, true, true, false, 6.0, "e2m1",
     nullptr},
    {ElementType::E4M3, "e4m3", 8, 4, 3, 7, true, true, false, 448.0, "e4m3",
     "u8"},
    {ElementType::E5M2, "e5m2", 8, 5, 2, 15, true, true, true, 57344.0, "e5m2",
     "u8"},
    {ElementType::UE8M0, "ue8m0", 8, 8, 0, 127, true, false, false, 0x1p127,
     "ue8m0", "u8"},
    {ElementType::BF16, "bf16", 16, 8, 7, 127, true, true, true, 0x1.FEp127,
     "bf16", "bf16"},
    {ElementType::F16, "f16", 16, 5, 10, 15, true, true, true, 65504.0, "f16",
     "f16"},
    {ElementType::TF32, "tf32", 32, 8, 10, 127, true, true, true, 0x1.FFCp127,
     "tf32", "tf32"},
    {ElementType::F32, "f32", 32, 8, 23, 127, true, true, true, 0x1.FFFFFEp127,
     "f32", "f32"},
    {ElementType::F64, "f64", 64, 11, 52, 1023, true, true, true,
     0x1.FFFFFFFFFFFFFp1023, "f64", "f64"},
    {ElementType::I8, "i8", 8, 0, 0, 0, false, true, false, 0, "s8", "u8"},
    {ElementType::U8, "u8", 8, 0, 0, 0, false, false, false, 0, "u8", "u8"},
    {ElementType::I16, "i16", 16, 0, 0, 0, false, true, false, 0, "s16", "u16"},
    {ElementType::U16, "u16", 16, 0, 0, 0, false, false, false, 0, "u16",
     "u16"},
    {ElementType::I32, "i32", 32, 0, 0, 0, false, true, false, 0, "s32", "i32"},
    {ElementType::U32, "u32", 32, 0, 0, 0, false, false, false, 0, "u32",
     "u32"},
    {ElementType::I64, "i64", 64, 0, 0, 0, false, true, false, 0, "s64", "i64"},
    {ElementType::U64, "u64", 64, 0, 0, 0, false, false, false, 0, "u64",
     "u64"},
    {ElementType::Bool, "bool", 8, 0, 0, 0, false, false, false, 0, "u8", "u8"},
};

const FormatInfo &tilewright::formatInfo(ElementType type) {
  const FormatInfo &info = table[static_cast<unsigned>(type)];
  assert(info.type == type && "table out of order");
  return info;
}

llvm::ArrayRef<FormatInfo> tilewright::allFormats() { return table; }

std::optional<ElementType> tilewright::parseElementType(llvm::StringRef name) {
  for (const FormatInfo &info : table)
    if (name == info.name)
      return info.type;
  return std::nullopt;
}
