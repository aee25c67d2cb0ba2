//===- TensorMapTest.cpp - rules and encoding of tensor maps --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tilewright/Sim/TensorMap.h"
#include "gtest/gtest.h"
#include <functional>
#include <random>

using namespace tilewright::sim;

namespace {

/// Legal arguments, to be spoilt one at a time.
struct Builder {
  std::vector<uint64_t> dims = {1000, 70, 3}, strides = {2048, 2048 * 80};
  std::vector<uint32_t> box = {64, 128, 1}, elementStrides = {1, 1, 1};
  TensorMapArgs args;
  Builder() {
    args.type = int(MapType::BF16);
    args.rank = 3;
    args.address = 0x7f0000000100;
    args.swizzle = int(MapSwizzle::B128);
  }
  llvm::Expected<TensorMap> make() {
    args.dims = dims;
    args.strides = strides;
    args.box = box;
    args.elementStrides = elementStrides;
    return makeTensorMap(args);
  }
};

std::string reason(std::function<void(Builder &)> spoil) {
  Builder builder;
  spoil(builder);
  auto map = builder.make();
  return map ? "" : llvm::toString(map.takeError());
}

} // namespace

TEST(SimTensorMap, TakesLegalArguments) {
  Builder builder;
  auto map = builder.make();
  ASSERT_TRUE(bool(map)) << llvm::toString(map.takeError());
  EXPECT_EQ(map->elementBytes(), 2u);
  EXPECT_EQ(map->boxBytes(), 64u * 128 * 2);
  EXPECT_EQ(map->rowPitch(), 128u);
  EXPECT_EQ(map->sharedExtent(), 64u * 128 * 2);
  EXPECT_EQ(map->strides[0], 2u);
  EXPECT_EQ(map->strides[2], 2048u * 80);
  EXPECT_EQ(map->str(),
            "bf16, address 0x7f0000000100, dims (1000, 70, 3), byte strides "
            "(2, 2048, 163840), box (64, 128, 1), swizzle 128");
  EXPECT_EQ(reason([](Builder &) {}), "");
  // The limits themselves are legal.
  EXPECT_EQ(reason([](Builder &b) {
              b.dims[1] = uint64_t(1) << 32;
              b.strides[1] = (uint64_t(1) << 40) - 16;
              b.box[1] = 256;
              b.elementStrides[1] = 8;
            }),
            "");
  // Windows that overlap, and a dimension that repeats.
  EXPECT_EQ(reason([](Builder &b) { b.strides = {16, 0}; }), "");
  // The first element stride is ignored: it may be anything legal.
  EXPECT_EQ(reason([](Builder &b) { b.elementStrides[0] = 4; }), "");
}

TEST(SimTensorMap, ElementStridesShrinkTheBox) {
  Builder builder;
  builder.elementStrides = {1, 3, 1};
  auto map = builder.make();
  ASSERT_TRUE(bool(map)) << llvm::toString(map.takeError());
  EXPECT_EQ(map->boxExtent(1), 43u);
  EXPECT_EQ(map->boxBytes(), 64u * 43 * 2);
}

TEST(SimTensorMap, NarrowRowsArePaddedToTheSwizzle) {
  Builder builder;
  builder.box = {16, 8, 1};
  auto map = builder.make();
  ASSERT_TRUE(bool(map)) << llvm::toString(map.takeError());
  EXPECT_EQ(map->boxBytes(), 16u * 8 * 2);
  EXPECT_EQ(map->rowPitch(), 128u);
  EXPECT_EQ(map->sharedExtent(), 8u * 128);
}

TEST(SimTensorMap, EveryRuleHasAName) {
  EXPECT_EQ(reason([](Builder &b) { b.args.type = 16; }),
            "tensor map: data type 16 is none of CUtensorMapDataType");
  EXPECT_EQ(reason([](Builder &b) { b.args.type = -1; }),
            "tensor map: data type -1 is none of CUtensorMapDataType");
  EXPECT_EQ(reason([](Builder &b) { b.args.type = int(MapType::U4Align16); }),
            "tensor map: data type 14 (packed 4- or 6-bit elements) is not "
            "modelled");
  for (unsigned rank : {0u, 6u})
    EXPECT_EQ(reason([&](Builder &b) { b.args.rank = rank; }),
              "tensor map: rank " + std::to_string(rank) + " is not 1 to 5");
  EXPECT_EQ(reason([](Builder &b) { b.args.rank = 4; }),
            "tensor map: globalDim has 3 entries, 4 are needed");
  EXPECT_EQ(reason([](Builder &b) { b.strides.pop_back(); }),
            "tensor map: globalStrides has 1 entries, 2 are needed");
  EXPECT_EQ(reason([](Builder &b) { b.box.pop_back(); }),
            "tensor map: boxDim has 2 entries, 3 are needed");
  EXPECT_EQ(reason([](Builder &b) { b.elementStrides.clear(); }),
            "tensor map: elementStrides has 0 entries, 3 are needed");
  EXPECT_EQ(reason([](Builder &b) { b.args.address += 8; }),
            "tensor map: address 0x7f0000000108 is not aligned to 16 bytes");
  EXPECT_EQ(reason([](Builder &b) { b.dims[1] = 0; }),
            "tensor map: dimension 1 has extent 0, not 1 to 2^32");
  EXPECT_EQ(reason([](Builder &b) { b.dims[0] = (uint64_t(1) << 32) + 1; }),
            "tensor map: dimension 0 has extent 4294967297, not 1 to 2^32");
  EXPECT_EQ(reason([](Builder &b) { b.strides[0] = 2056; }),
            "tensor map: dimension 1 has byte stride 2056, not a multiple of "
            "16");
  EXPECT_EQ(reason([](Builder &b) { b.strides[1] = uint64_t(1) << 40; }),
            "tensor map: dimension 2 has byte stride 1099511627776, not below "
            "2^40");
  EXPECT_EQ(reason([](Builder &b) { b.box[2] = 0; }),
            "tensor map: dimension 2 has box extent 0, not 1 to 256");
  EXPECT_EQ(reason([](Builder &b) { b.box[1] = 257; }),
            "tensor map: dimension 1 has box extent 257, not 1 to 256");
  EXPECT_EQ(reason([](Builder &b) { b.box[0] = 4; }),
            "tensor map: the box's inner extent has 8 bytes, not a multiple of "
            "16");
  EXPECT_EQ(reason([](Builder &b) { b.box[0] = 72; }),
            "tensor map: the box's inner extent has 144 bytes, more than the "
            "swizzle's 128");
  EXPECT_EQ(reason([](Builder &b) {
              b.args.swizzle = 1;
              b.box[0] = 24;
            }),
            "tensor map: the box's inner extent has 48 bytes, more than the "
            "swizzle's 32");
  for (uint32_t stride : {0, 9})
    EXPECT_EQ(reason([&](Builder &b) { b.elementStrides[1] = stride; }),
              "tensor map: dimension 1 has element stride " +
                  std::to_string(stride) + ", not 1 to 8");
  EXPECT_EQ(reason([](Builder &b) { b.args.interleave = 1; }),
            "tensor map: interleaved layouts are not modelled");
  EXPECT_EQ(reason([](Builder &b) { b.args.interleave = 3; }),
            "tensor map: interleave 3 is none of CUtensorMapInterleave");
  EXPECT_EQ(reason([](Builder &b) { b.args.swizzle = 4; }),
            "tensor map: swizzle 4 (32- or 64-byte atoms) is not modelled");
  EXPECT_EQ(reason([](Builder &b) { b.args.swizzle = 7; }),
            "tensor map: swizzle 7 is none of CUtensorMapSwizzle");
  EXPECT_EQ(reason([](Builder &b) { b.args.l2Promotion = 4; }),
            "tensor map: L2 promotion 4 is none of CUtensorMapL2promotion");
  EXPECT_EQ(reason([](Builder &b) { b.args.oobFill = 2; }),
            "tensor map: out-of-bounds fill 2 is none of "
            "CUtensorMapFloatOOBfill");
  EXPECT_EQ(reason([](Builder &b) {
              b.args.type = int(MapType::U16);
              b.args.oobFill = 1;
            }),
            "tensor map: NaN fill needs a floating-point type, not u16");
}

TEST(SimTensorMap, TheBlobKeepsEverything) {
  std::mt19937_64 random(11);
  for (unsigned i = 0; i < 2000; ++i) {
    TensorMap map;
    map.type = MapType(random() % 13);
    map.rank = 1 + random() % 5;
    map.address = (random() >> 16) & ~uint64_t(15);
    for (unsigned d = 0; d < map.rank; ++d) {
      map.dims[d] = 1 + random() % (uint64_t(1) << 32);
      map.strides[d] = d == 0
                           ? map.elementBytes()
                           : (random() % (uint64_t(1) << 40)) & ~uint64_t(15);
      map.box[d] = d == 0 ? 16 / map.elementBytes() : 1 + random() % 256;
      map.elementStrides[d] = d == 0 ? 1 : 1 + random() % 8;
    }
    map.swizzle = MapSwizzle(random() % 4);
    map.l2Promotion = random() % 4;
    map.fill = MapFill(map.type >= MapType::F16 ? random() % 2 : 0);
    ASSERT_FALSE(bool(checkTensorMap(map)));
    TensorMapBlob blob = encodeTensorMap(map);
    auto back = decodeTensorMap(blob.bytes);
    ASSERT_TRUE(bool(back)) << llvm::toString(back.takeError());
    ASSERT_TRUE(*back == map) << map.str() << " / " << back->str();
    // A changed byte anywhere is found.
    blob.bytes[random() % 128] ^= uint8_t(1 + random() % 255);
    auto spoilt = decodeTensorMap(blob.bytes);
    ASSERT_FALSE(bool(spoilt));
    llvm::consumeError(spoilt.takeError());
  }
}

TEST(SimTensorMap, RefusesOtherBytes) {
  TensorMapBlob blob = {};
  auto reasonOf = [](llvm::ArrayRef<uint8_t> bytes) {
    auto map = decodeTensorMap(bytes);
    return map ? "" : llvm::toString(map.takeError());
  };
  EXPECT_EQ(reasonOf(blob.bytes),
            "tensor map: these 128 bytes hold no tensor map");
  EXPECT_EQ(reasonOf(llvm::ArrayRef<uint8_t>(blob.bytes).take_front(64)),
            "tensor map: only 64 of 128 bytes");
}
