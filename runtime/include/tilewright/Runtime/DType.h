//===- DType.h - Element types of tensors ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_RUNTIME_DTYPE_H
#define TILEWRIGHT_RUNTIME_DTYPE_H

#include "tilewright/Runtime/CudaABI.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>

namespace tilewright::runtime {

/// Element types a tensor argument may have. The floating-point names follow
/// the language: e4m3 is the OCP FP8 E4M3 without infinities, e8m0 the UE8M0
/// power-of-two scale, e2m1 the 4-bit float, two to a byte.
enum class DType {
  E4M3,
  E5M2,
  E8M0,
  E2M1,
  BF16,
  F16,
  F32,
  F64,
  I8,
  I16,
  I32,
  I64,
  U8,
  U16,
  U32,
  U64,
  Bool,
};

/// The name used in manifests ("e4m3").
llvm::StringRef name(DType type);
std::optional<DType> parseDType(llvm::StringRef name);
/// Size of an element in bits.
unsigned bits(DType type);
/// Bytes of `count` elements, rounded up (only e2m1 has less than a byte).
inline uint64_t byteSize(DType type, uint64_t count) {
  return (count * bits(type) + 7) / 8;
}
bool isFloat(DType type);

/// Element types of a tensor map, named as in manifests ("u8", "bf16",
/// "tf32", "f32_ftz", "u4_align8", …).
llvm::StringRef name(cuda::TensorMapType type);
std::optional<cuda::TensorMapType> parseTensorMapType(llvm::StringRef name);
/// Bits an element of this map type takes in global memory.
unsigned bits(cuda::TensorMapType type);

/// DLPack's (code, bits) of an element type, ABI version 1.1.
struct DLPackType {
  uint8_t code, bits;
};
DLPackType dlpackType(DType type);
/// The element type of a DLPack (code, bits, lanes), nothing if the runtime
/// has no such type. Two lanes of e2m1 are e2m1.
std::optional<DType> fromDLPack(uint8_t code, uint8_t bits, uint16_t lanes);

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_DTYPE_H
