//===- TensorMap.h - tensor maps as the simulator knows them --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_SIM_TENSORMAP_H
#define TILEWRIGHT_SIM_TENSORMAP_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <array>
#include <cstdint>
#include <string>

namespace tilewright::sim {

/// CUtensorMapDataType, same values.
enum class MapType : uint8_t {
  U8 = 0,
  U16,
  U32,
  S32,
  U64,
  S64,
  F16,
  F32,
  F64,
  BF16,
  F32Ftz,
  TF32,
  TF32Ftz,
  U4Align8,
  U4Align16,
  U6Align16,
};

/// CUtensorMapSwizzle, same values (the 32- and 64-byte atoms of sm_100 are
/// refused until code for it exists).
enum class MapSwizzle : uint8_t { None = 0, B32, B64, B128 };

/// CUtensorMapFloatOOBfill, same values.
enum class MapFill : uint8_t { Zero = 0, NaN };

/// Span of a swizzle in bytes: 0, 32, 64, 128.
constexpr unsigned swizzleSpan(MapSwizzle swizzle) {
  return swizzle == MapSwizzle::None ? 0 : 16u << unsigned(swizzle);
}

/// The shared-memory address where the byte of unswizzled address `address`
/// lies: bits [4, 4+b) XORed with bits [7, 7+b), b = 1, 2, 3 for 32, 64, 128
/// bytes (PTX ISA, "Swizzling modes"). An involution.
constexpr uint32_t swizzleAddress(MapSwizzle swizzle, uint32_t address) {
  return address ^ (((address >> 7) & ((1u << unsigned(swizzle)) - 1)) << 4);
}

/// A tiled tensor map: the arguments of cuTensorMapEncodeTiled, innermost
/// dimension first. Entries beyond the rank are ignored.
struct TensorMap {
  MapType type = MapType::U8;
  unsigned rank = 0;
  uint64_t address = 0;
  std::array<uint64_t, 5> dims = {};    ///< Elements, 1 .. 2^32.
  std::array<uint64_t, 5> strides = {}; ///< Bytes; [0] is the element's size.
  std::array<uint32_t, 5> box = {};     ///< Elements, 1 .. 256.
  std::array<uint32_t, 5> elementStrides = {1, 1, 1, 1, 1};
  MapSwizzle swizzle = MapSwizzle::None;
  unsigned l2Promotion = 0; ///< 0..3; of no effect.
  MapFill fill = MapFill::Zero;

  /// Bytes of one element.
  unsigned elementBytes() const;
  /// Elements that a copy moves along dimension `d`:
  /// ceil(box[d] / elementStrides[d]), and box[0] for d = 0.
  uint32_t boxExtent(unsigned d) const;
  /// Bytes that a load of the box completes on its mbarrier: all of the box,
  /// out-of-bounds elements included.
  uint64_t boxBytes() const;
  /// Distance of the box's rows in shared memory: the bytes of its inner
  /// extent, or the span of the swizzle where that is wider.
  uint32_t rowPitch() const;
  /// Shared-memory bytes from the copy's address that the box occupies.
  uint64_t sharedExtent() const;

  bool operator==(const TensorMap &o) const;
  std::string str() const;
};

/// 128 opaque bytes, as CUtensorMap. The layout is the simulator's own.
struct alignas(128) TensorMapBlob {
  uint8_t bytes[128];
};

/// What cuTensorMapEncodeTiled takes, with CUDA's integer codes. `strides` are
/// those of dimensions 1 .. rank-1, as for the driver.
struct TensorMapArgs {
  int type = 0;
  unsigned rank = 0;
  uint64_t address = 0;
  llvm::ArrayRef<uint64_t> dims;
  llvm::ArrayRef<uint64_t> strides;
  llvm::ArrayRef<uint32_t> box;
  llvm::ArrayRef<uint32_t> elementStrides;
  int interleave = 0;
  int swizzle = 0;
  int l2Promotion = 0;
  int oobFill = 0;
};

/// Checks the arguments against the driver's rules (cuda.h,
/// cuTensorMapEncodeTiled) and returns the map. Errors name the argument, its
/// value and the rule. Interleaved layouts, packed 4- and 6-bit types and the
/// swizzle atoms of sm_100 are legal for the driver but not modelled: their
/// error says so.
llvm::Expected<TensorMap> makeTensorMap(const TensorMapArgs &args);

/// The same rules on a map at hand (after a tensormap.replace, say).
llvm::Error checkTensorMap(const TensorMap &map);

/// A map as kernel parameter bytes, and back. Decoding bytes that
/// encodeTensorMap did not write (or that were overwritten) is an error.
TensorMapBlob encodeTensorMap(const TensorMap &map);
llvm::Expected<TensorMap> decodeTensorMap(llvm::ArrayRef<uint8_t> bytes);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_TENSORMAP_H
