//===- DType.cpp - Element types of tensors -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tilewright/Runtime/DType.h"

using namespace tilewright;
using namespace tilewright::runtime;

namespace {
struct TypeRow {
  DType type;
  const char *name;
  unsigned bits;
  bool isFloat;
  DLPackType dlpack;
};
/// DLPack codes (ABI 1.1): 0 int, 1 uint, 2 float, 4 bfloat, 6 bool,
/// 10 float8_e4m3fn, 12 float8_e5m2, 14 float8_e8m0fnu, 17 float4_e2m1fn.
constexpr TypeRow typeRows[] = {
    {DType::E4M3, "e4m3", 8, true, {10, 8}},
    {DType::E5M2, "e5m2", 8, true, {12, 8}},
    {DType::E8M0, "e8m0", 8, true, {14, 8}},
    {DType::E2M1, "e2m1", 4, true, {17, 4}},
    {DType::BF16, "bf16", 16, true, {4, 16}},
    {DType::F16, "f16", 16, true, {2, 16}},
    {DType::F32, "f32", 32, true, {2, 32}},
    {DType::F64, "f64", 64, true, {2, 64}},
    {DType::I8, "i8", 8, false, {0, 8}},
    {DType::I16, "i16", 16, false, {0, 16}},
    {DType::I32, "i32", 32, false, {0, 32}},
    {DType::I64, "i64", 64, false, {0, 64}},
    {DType::U8, "u8", 8, false, {1, 8}},
    {DType::U16, "u16", 16, false, {1, 16}},
    {DType::U32, "u32", 32, false, {1, 32}},
    {DType::U64, "u64", 64, false, {1, 64}},
    {DType::Bool, "bool", 8, false, {6, 8}},
};

struct MapRow {
  cuda::TensorMapType type;
  const char *name;
  unsigned bits;
};
constexpr MapRow mapRows[] = {
    {cuda::MapU8, "u8", 8},
    {cuda::MapU16, "u16", 16},
    {cuda::MapU32, "u32", 32},
    {cuda::MapI32, "i32", 32},
    {cuda::MapU64, "u64", 64},
    {cuda::MapI64, "i64", 64},
    {cuda::MapF16, "f16", 16},
    {cuda::MapF32, "f32", 32},
    {cuda::MapF64, "f64", 64},
    {cuda::MapBF16, "bf16", 16},
    {cuda::MapF32Ftz, "f32_ftz", 32},
    {cuda::MapTF32, "tf32", 32},
    {cuda::MapTF32Ftz, "tf32_ftz", 32},
    {cuda::MapU4Align8, "u4_align8", 4},
    {cuda::MapU4Align16, "u4_align16", 4},
    {cuda::MapU6Align16, "u6_align16", 6},
};

const TypeRow &row(DType type) { return typeRows[static_cast<int>(type)]; }
const MapRow &row(cuda::TensorMapType type) { return mapRows[type]; }
} // namespace

llvm::StringRef runtime::name(DType type) { return row(type).name; }
unsigned runtime::bits(DType type) { return row(type).bits; }
bool runtime::isFloat(DType type) { return row(type).isFloat; }

std::optional<DType> runtime::parseDType(llvm::StringRef name) {
  if (name == "ue8m0")
    return DType::E8M0;
  for (const TypeRow &row : typeRows)
    if (name == row.name)
      return row.type;
  return std::nullopt;
}

llvm::StringRef runtime::name(cuda::TensorMapType type) {
  return row(type).name;
}
unsigned runtime::bits(cuda::TensorMapType type) { return row(type).bits; }

std::optional<cuda::TensorMapType>
runtime::parseTensorMapType(llvm::StringRef name) {
  for (const MapRow &row : mapRows)
    if (name == row.name)
      return row.type;
  return std::nullopt;
}

DLPackType runtime::dlpackType(DType type) { return row(type).dlpack; }

std::optional<DType> runtime::fromDLPack(uint8_t code, uint8_t bits,
                                         uint16_t lanes) {
  for (const TypeRow &row : typeRows)
    if (row.dlpack.code == code && row.dlpack.bits == bits &&
        (lanes == 1 || (lanes == 2 && row.type == DType::E2M1)))
      return row.type;
  return std::nullopt;
}
