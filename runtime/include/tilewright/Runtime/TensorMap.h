//===- TensorMap.h - Tensor maps for the bulk tensor copies ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_RUNTIME_TENSORMAP_H
#define TILEWRIGHT_RUNTIME_TENSORMAP_H

#include "tilewright/Runtime/Driver.h"
#include "tilewright/Runtime/Manifest.h"
#include <array>
#include <unordered_map>

namespace tilewright::runtime {

/// The arguments of cuTensorMapEncodeTiled, innermost dimension first. A plain
/// value: equal descriptions give equal maps, so it is also the cache key.
struct TensorMapDesc {
  cuda::TensorMapType type = cuda::MapU8;
  unsigned rank = 0;
  uint64_t address = 0;
  std::array<uint64_t, 5> dims = {};    ///< Elements.
  std::array<uint64_t, 5> strides = {}; ///< Bytes; [0] is unused (implicit).
  std::array<uint32_t, 5> box = {};     ///< Elements.
  unsigned swizzle = 0, interleave = 0, l2 = 0; ///< Bytes.

  bool operator==(const TensorMapDesc &other) const;
};

/// Describes the map of `param` over `arg`, checking the hardware's rules
/// first so that a refusal names kernel, tensor, dimension and value instead
/// of CUDA_ERROR_INVALID_VALUE (CUDA driver API, cuTensorMapEncodeTiled; PTX
/// ISA, "Tensors"): base address a multiple of 16 bytes (32 with interleave
/// 32), every stride but the innermost a multiple of 16 bytes and below 2^40,
/// extents at most 2^32.
///
/// A dimension of extent 0 is described with extent 1 and, since its address
/// may be null and its strides are meaningless, at `spare`: any 128-byte
/// aligned device address that may be named (the kernel never touches it).
/// Strides of dimensions of extent 0 or 1 are never used by the hardware, so
/// an odd one (PyTorch gives such) is replaced, not refused.
llvm::Expected<TensorMapDesc> describeTensorMap(const Manifest &manifest,
                                                const Param &param,
                                                const TensorArg &arg,
                                                uint64_t spare);

/// Encodes maps, remembering the most recent ones. Thread-safe.
class TensorMapCache {
public:
  /// The map of `desc`; a driver refusal is an error that shows `desc`.
  llvm::Expected<cuda::TensorMap> encode(const Driver &driver,
                                         const TensorMapDesc &desc);
  uint64_t hits() const { return hitCount; }
  uint64_t misses() const { return missCount; }

private:
  struct Hash {
    size_t operator()(const TensorMapDesc &desc) const;
  };
  std::mutex mutex;
  std::unordered_map<TensorMapDesc, cuda::TensorMap, Hash> maps;
  uint64_t hitCount = 0, missCount = 0;
};

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_TENSORMAP_H
