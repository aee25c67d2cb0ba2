//===- TensorMap.cpp - tensor maps as the simulator knows them ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tilewright/Sim/TensorMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <cstring>

using namespace tilewright::sim;
using llvm::Twine;

static constexpr uint8_t typeBytes[] = {1, 2, 4, 4, 8, 8, 2, 4, 8, 2, 4, 4, 4};
static constexpr const char *typeNames[] = {
    "u8",  "u16", "u32",  "s32",     "u64",  "s64",     "f16",
    "f32", "f64", "bf16", "f32_ftz", "tf32", "tf32_ftz"};

static llvm::Error refuse(const Twine &message) {
  return llvm::createStringError("tensor map: " + message);
}

unsigned TensorMap::elementBytes() const {
  return unsigned(type) < std::size(typeBytes) ? typeBytes[unsigned(type)] : 0;
}

uint32_t TensorMap::boxExtent(unsigned d) const {
  // Without interleave the engine has no stride for dimension 0.
  return d == 0 ? box[0]
                : uint32_t(llvm::divideCeil(box[d], elementStrides[d]));
}

uint64_t TensorMap::boxBytes() const {
  uint64_t bytes = elementBytes();
  for (unsigned d = 0; d < rank; ++d)
    bytes *= boxExtent(d);
  return bytes;
}

uint32_t TensorMap::rowPitch() const {
  return std::max(box[0] * elementBytes(), swizzleSpan(swizzle));
}

uint64_t TensorMap::sharedExtent() const {
  uint64_t bytes = rowPitch();
  for (unsigned d = 1; d < rank; ++d)
    bytes *= boxExtent(d);
  return bytes;
}

bool TensorMap::operator==(const TensorMap &o) const {
  if (type != o.type || rank != o.rank || address != o.address ||
      swizzle != o.swizzle || l2Promotion != o.l2Promotion || fill != o.fill)
    return false;
  for (unsigned d = 0; d < rank; ++d)
    if (dims[d] != o.dims[d] || strides[d] != o.strides[d] ||
        box[d] != o.box[d] || elementStrides[d] != o.elementStrides[d])
      return false;
  return true;
}

std::string TensorMap::str() const {
  std::string out;
  llvm::raw_string_ostream os(out);
  auto list = [&](const char *name, auto begin, auto end) {
    os << ", " << name << " (";
    llvm::interleave(llvm::make_range(begin, end), os, ", ");
    os << ')';
  };
  os << (unsigned(type) < std::size(typeNames) ? typeNames[unsigned(type)]
                                               : "unknown type")
     << ", address 0x" << llvm::utohexstr(address, true);
  list("dims", dims.begin(), dims.begin() + rank);
  list("byte strides", strides.begin(), strides.begin() + rank);
  list("box", box.begin(), box.begin() + rank);
  os << ", swizzle " << swizzleSpan(swizzle);
  return out;
}

llvm::Error tilewright::sim::checkTensorMap(const TensorMap &map) {
  if (unsigned(map.type) >= std::size(typeBytes))
    return refuse("data type " + Twine(unsigned(map.type)) +
                  (map.type <= MapType::U6Align16
                       ? " (packed 4- or 6-bit elements) is not modelled"
                       : " is none of CUtensorMapDataType"));
  if (map.rank < 1 || map.rank > 5)
    return refuse("rank " + Twine(map.rank) + " is not 1 to 5");
  if (map.address % 16 != 0)
    return refuse("address 0x" + llvm::utohexstr(map.address, true) +
                  " is not aligned to 16 bytes");
  for (unsigned d = 0; d < map.rank; ++d) {
    if (map.dims[d] == 0 || map.dims[d] > (uint64_t(1) << 32))
      return refuse("dimension " + Twine(d) + " has extent " +
                    Twine(map.dims[d]) + ", not 1 to 2^32");
    if (map.box[d] == 0 || map.box[d] > 256)
      return refuse("dimension " + Twine(d) + " has box extent " +
                    Twine(map.box[d]) + ", not 1 to 256");
    if (map.elementStrides[d] == 0 || map.elementStrides[d] > 8)
      return refuse("dimension " + Twine(d) + " has element stride " +
                    Twine(map.elementStrides[d]) + ", not 1 to 8");
    // cuda.h also says that a stride includes the dimensions below it; the
    // driver accepts overlapping windows and kernels use them, so do we.
    if (d > 0 && map.strides[d] % 16 != 0)
      return refuse("dimension " + Twine(d) + " has byte stride " +
                    Twine(map.strides[d]) + ", not a multiple of 16");
    if (d > 0 && map.strides[d] >= (uint64_t(1) << 40))
      return refuse("dimension " + Twine(d) + " has byte stride " +
                    Twine(map.strides[d]) + ", not below 2^40");
  }
  unsigned inner = map.box[0] * map.elementBytes();
  if (inner % 16 != 0)
    return refuse("the box's inner extent has " + Twine(inner) +
                  " bytes, not a multiple of 16");
  if (unsigned(map.swizzle) > unsigned(MapSwizzle::B128))
    return refuse("swizzle " + Twine(unsigned(map.swizzle)) +
                  (unsigned(map.swizzle) <= 6
                       ? " (32- or 64-byte atoms) is not modelled"
                       : " is none of CUtensorMapSwizzle"));
  if (map.swizzle != MapSwizzle::None && inner > swizzleSpan(map.swizzle))
    return refuse("the box's inner extent has " + Twine(inner) +
                  " bytes, more than the swizzle's " +
                  Twine(swizzleSpan(map.swizzle)));
  if (map.l2Promotion > 3)
    return refuse("L2 promotion " + Twine(map.l2Promotion) +
                  " is none of CUtensorMapL2promotion");
  if (unsigned(map.fill) > 1)
    return refuse("out-of-bounds fill " + Twine(unsigned(map.fill)) +
                  " is none of CUtensorMapFloatOOBfill");
  if (map.fill == MapFill::NaN &&
      (map.type < MapType::F16 || map.type > MapType::TF32Ftz))
    return refuse(Twine("NaN fill needs a floating-point type, not ") +
                  typeNames[unsigned(map.type)]);
  return llvm::Error::success();
}

llvm::Expected<TensorMap>
tilewright::sim::makeTensorMap(const TensorMapArgs &args) {
  if (args.type < 0 || args.type > int(MapType::U6Align16))
    return refuse("data type " + Twine(args.type) +
                  " is none of CUtensorMapDataType");
  if (args.rank < 1 || args.rank > 5)
    return refuse("rank " + Twine(args.rank) + " is not 1 to 5");
  auto tooFew = [&](const char *name, size_t size, size_t wanted) {
    return refuse(Twine(name) + " has " + Twine(size) + " entries, " +
                  Twine(wanted) + " are needed");
  };
  if (args.dims.size() < args.rank)
    return tooFew("globalDim", args.dims.size(), args.rank);
  if (args.strides.size() + 1 < args.rank)
    return tooFew("globalStrides", args.strides.size(), args.rank - 1);
  if (args.box.size() < args.rank)
    return tooFew("boxDim", args.box.size(), args.rank);
  if (args.elementStrides.size() < args.rank)
    return tooFew("elementStrides", args.elementStrides.size(), args.rank);
  if (args.interleave < 0 || args.interleave > 2)
    return refuse("interleave " + Twine(args.interleave) +
                  " is none of CUtensorMapInterleave");
  if (args.interleave != 0)
    return refuse("interleaved layouts are not modelled");
  if (args.swizzle < 0 || args.swizzle > 6)
    return refuse("swizzle " + Twine(args.swizzle) +
                  " is none of CUtensorMapSwizzle");
  if (args.l2Promotion < 0 || args.l2Promotion > 3)
    return refuse("L2 promotion " + Twine(args.l2Promotion) +
                  " is none of CUtensorMapL2promotion");
  if (args.oobFill < 0 || args.oobFill > 1)
    return refuse("out-of-bounds fill " + Twine(args.oobFill) +
                  " is none of CUtensorMapFloatOOBfill");
  TensorMap map;
  map.type = MapType(args.type);
  map.rank = args.rank;
  map.address = args.address;
  for (unsigned d = 0; d < args.rank; ++d) {
    map.dims[d] = args.dims[d];
    map.strides[d] = d == 0 ? map.elementBytes() : args.strides[d - 1];
    map.box[d] = args.box[d];
    // The driver ignores the first entry; so does the engine.
    map.elementStrides[d] = d == 0 ? 1 : args.elementStrides[d];
  }
  map.swizzle = MapSwizzle(args.swizzle);
  map.l2Promotion = args.l2Promotion;
  map.fill = MapFill(args.oobFill);
  if (llvm::Error error = checkTensorMap(map))
    return std::move(error);
  return map;
}

//===----------------------------------------------------------------------===//
// The blob
//===----------------------------------------------------------------------===//

namespace {

constexpr char magic[] = "TWSIMMAP";
constexpr size_t checksumAt = 124;

/// FNV-1a over everything before the checksum: a blob that the program wrote
/// over is found instead of being believed.
uint32_t checksum(const uint8_t *bytes) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < checksumAt; ++i)
    hash = (hash ^ bytes[i]) * 16777619u;
  return hash;
}

/// Visits every field in order, so that reading and writing cannot disagree.
template <typename Map, typename Visit>
void visitFields(Map &map, Visit visit) {
  visit(map.type, 1);
  visit(map.rank, 1);
  visit(map.swizzle, 1);
  visit(map.l2Promotion, 1);
  visit(map.fill, 1);
  visit(map.address, 8);
  for (unsigned d = 0; d < 5; ++d) {
    visit(map.dims[d], 8);
    visit(map.strides[d], 6);
    visit(map.box[d], 2);
    visit(map.elementStrides[d], 1);
  }
}

} // namespace

TensorMapBlob tilewright::sim::encodeTensorMap(const TensorMap &map) {
  TensorMapBlob blob = {};
  std::memcpy(blob.bytes, magic, 8);
  size_t at = 8;
  visitFields(map, [&](const auto &field, unsigned size) {
    for (unsigned i = 0; i < size; ++i)
      blob.bytes[at++] = uint8_t(uint64_t(field) >> (8 * i));
  });
  llvm::support::endian::write32le(blob.bytes + checksumAt,
                                   checksum(blob.bytes));
  return blob;
}

llvm::Expected<TensorMap>
tilewright::sim::decodeTensorMap(llvm::ArrayRef<uint8_t> bytes) {
  if (bytes.size() < sizeof(TensorMapBlob))
    return refuse("only " + Twine(bytes.size()) + " of 128 bytes");
  if (std::memcmp(bytes.data(), magic, 8) != 0)
    return refuse("these 128 bytes hold no tensor map");
  if (llvm::support::endian::read32le(bytes.data() + checksumAt) !=
      checksum(bytes.data()))
    return refuse("its bytes were changed after it was encoded");
  TensorMap map;
  size_t at = 8;
  visitFields(map, [&](auto &field, unsigned size) {
    uint64_t value = 0;
    for (unsigned i = 0; i < size; ++i)
      value |= uint64_t(bytes[at++]) << (8 * i);
    field = static_cast<std::remove_reference_t<decltype(field)>>(value);
  });
  if (llvm::Error error = checkTensorMap(map))
    return std::move(error);
  return map;
}
