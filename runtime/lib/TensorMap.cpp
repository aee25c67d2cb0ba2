//===- TensorMap.cpp - Tensor maps for the bulk tensor copies -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tilewright/Runtime/TensorMap.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace tilewright;
using namespace tilewright::runtime;

bool TensorMapDesc::operator==(const TensorMapDesc &other) const {
  return type == other.type && rank == other.rank && address == other.address &&
         dims == other.dims && strides == other.strides && box == other.box &&
         swizzle == other.swizzle && interleave == other.interleave &&
         l2 == other.l2;
}

size_t TensorMapCache::Hash::operator()(const TensorMapDesc &desc) const {
  return llvm::hash_combine(
      desc.type, desc.rank, desc.address,
      llvm::hash_combine_range(desc.dims.begin(), desc.dims.end()),
      llvm::hash_combine_range(desc.strides.begin(), desc.strides.end()),
      llvm::hash_combine_range(desc.box.begin(), desc.box.end()), desc.swizzle,
      desc.interleave, desc.l2);
}

llvm::Expected<TensorMapDesc>
runtime::describeTensorMap(const Manifest &manifest, const Param &param,
                           const TensorArg &arg, uint64_t spare) {
  const TensorSpec &spec = manifest.tensors[param.tensor];
  const MapSpec &map = param.map;
  auto refuse = [&](const llvm::Twine &message) {
    return argumentError(manifest.kernel + ": tensor '" + spec.name +
                         "': " + message +
                         (param.line ? " (for the tensor copy on line " +
                                           std::to_string(param.line) + ")"
                                     : ""));
  };
  TensorMapDesc desc;
  desc.type = map.type;
  desc.rank = map.dims.size();
  desc.swizzle = map.swizzle;
  desc.interleave = map.interleave;
  desc.l2 = map.l2;

  bool empty = arg.empty();
  desc.address = empty ? spare : arg.data;
  uint64_t unit = map.interleave == 32 ? 32 : 16;
  if (desc.address % unit != 0)
    return refuse(llvm::Twine("address 0x") +
                  llvm::utohexstr(desc.address, true) + " is not aligned to " +
                  llvm::Twine(unit) + " bytes");

  unsigned elementBits = bits(map.type);
  constexpr uint64_t maxExtent = uint64_t(1) << 32;
  constexpr uint64_t maxStride = uint64_t(1) << 40;
  for (unsigned i = 0; i < desc.rank; ++i) {
    unsigned dim = map.dims[i];
    uint64_t extent = arg.shape[dim];
    if (extent > maxExtent)
      return refuse("dimension " + llvm::Twine(dim) + " has extent " +
                    llvm::Twine(extent) + ", more than 2^32");
    desc.dims[i] = std::max<uint64_t>(extent, 1);
    desc.box[i] = map.box[i];
    if (i == 0) {
      if (extent > 1 && !empty && arg.strides[dim] != 1)
        return refuse("dimension " + llvm::Twine(dim) +
                      " must be contiguous (stride 1), got stride " +
                      llvm::Twine(arg.strides[dim]));
      // A bulk store writes whole units: the elements after the last one of a
      // row, up to the next multiple of 16 bytes, become zero (seen on an H200:
      // N = 41 of bf16 clears columns 41 to 47). They belong to somebody else.
      if (spec.mode != Mode::In && !empty && extent * elementBits % 128 != 0)
        return refuse("dimension " + llvm::Twine(dim) + " has extent " +
                      llvm::Twine(extent) + " (" +
                      llvm::Twine(extent * elementBits / 8) +
                      " bytes); a bulk store writes whole units of 16 bytes (" +
                      llvm::Twine(128 / elementBits) +
                      " elements) and would clear what follows each row");
      continue;
    }
    if (extent <= 1 || empty) {
      // Never multiplied by anything but 0: any legal value will do.
      uint64_t below = i == 1 ? llvm::divideCeil(desc.dims[0] * elementBits, 8)
                              : llvm::SaturatingMultiply(desc.strides[i - 1],
                                                         desc.dims[i - 1]);
      desc.strides[i] = std::min<uint64_t>(
          llvm::alignTo(std::min(below, maxStride), unit), maxStride - unit);
      continue;
    }
    int64_t stride = arg.strides[dim];
    if (stride < 0)
      return refuse("dimension " + llvm::Twine(dim) + " has negative stride " +
                    llvm::Twine(stride));
    uint64_t strideBits = llvm::SaturatingMultiply<uint64_t>(
        stride, elementBits); // Saturates far above the limit below.
    uint64_t bytes = strideBits / 8;
    if (strideBits % (8 * unit) != 0)
      return refuse("dimension " + llvm::Twine(dim) + " has stride " +
                    llvm::Twine(stride) + " (" + llvm::Twine(bytes) +
                    " bytes), which is not a multiple of " + llvm::Twine(unit) +
                    " bytes (" + llvm::Twine(unit * 8 / elementBits) +
                    " elements)");
    if (bytes >= maxStride)
      return refuse("dimension " + llvm::Twine(dim) + " has stride " +
                    llvm::Twine(stride) + " (" + llvm::Twine(bytes) +
                    " bytes), not below 2^40 bytes");
    desc.strides[i] = bytes;
  }
  return desc;
}

static std::string describeMap(const TensorMapDesc &desc) {
  std::string out;
  llvm::raw_string_ostream os(out);
  auto list = [&](const char *name, auto begin, auto end) {
    os << ", " << name << " (";
    llvm::interleave(llvm::make_range(begin, end), os, ", ");
    os << ')';
  };
  os << "type " << name(desc.type) << ", address 0x"
     << llvm::utohexstr(desc.address, true);
  list("dims", desc.dims.begin(), desc.dims.begin() + desc.rank);
  list("byte strides", desc.strides.begin() + 1,
       desc.strides.begin() + std::max(desc.rank, 1u));
  list("box", desc.box.begin(), desc.box.begin() + desc.rank);
  os << ", swizzle " << desc.swizzle << ", interleave " << desc.interleave
     << ", l2 " << desc.l2;
  return out;
}

llvm::Expected<cuda::TensorMap>
TensorMapCache::encode(const Driver &driver, const TensorMapDesc &desc) {
  {
    std::lock_guard<std::mutex> lock(mutex);
    auto found = maps.find(desc);
    if (found != maps.end()) {
      ++hitCount;
      return found->second;
    }
    ++missCount;
  }
  auto log2 = [](unsigned bytes, unsigned base) {
    return bytes == 0 ? 0 : llvm::Log2_32(bytes / base) + 1;
  };
  const uint32_t elementStrides[5] = {1, 1, 1, 1, 1};
  cuda::TensorMap map;
  cuda::Result result = driver.cuTensorMapEncodeTiled(
      &map, desc.type, desc.rank, reinterpret_cast<void *>(desc.address),
      desc.dims.data(), desc.strides.data() + 1, desc.box.data(),
      elementStrides, cuda::TensorMapInterleave(log2(desc.interleave, 16)),
      cuda::TensorMapSwizzle(log2(desc.swizzle, 32)),
      cuda::TensorMapL2Promotion(log2(desc.l2, 64)), cuda::OobZero);
  if (llvm::Error error = driver.check(result, "cuTensorMapEncodeTiled(" +
                                                   describeMap(desc) + ")"))
    return std::move(error);
  std::lock_guard<std::mutex> lock(mutex);
  // A program that allocates afresh each step never hits; keep that bounded.
  if (maps.size() >= 4096)
    maps.clear();
  maps.emplace(desc, map);
  return map;
}
