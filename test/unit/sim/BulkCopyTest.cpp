//===- BulkCopyTest.cpp - boxes against their element-wise definition -----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tilewright/Sim/BulkCopy.h"
#include "gtest/gtest.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <set>

using namespace tilewright::sim;

namespace {

constexpr uint64_t globalBase = 0x7f0000000000;

/// One allocation. Bytes that no access may reach are not `legal`.
class TestMemory : public GlobalAccess {
public:
  std::vector<uint8_t> bytes;
  std::set<uint64_t> touched; ///< Offsets that an access reached.
  explicit TestMemory(size_t size, std::mt19937_64 &random) : bytes(size) {
    for (uint8_t &byte : bytes)
      byte = uint8_t(random());
  }
  llvm::Error read(uint64_t address,
                   llvm::MutableArrayRef<uint8_t> out) override {
    return with(address, out.size(),
                [&](uint8_t *at) { std::memcpy(out.data(), at, out.size()); });
  }
  llvm::Error write(uint64_t address, llvm::ArrayRef<uint8_t> in) override {
    return with(address, in.size(),
                [&](uint8_t *at) { std::memcpy(at, in.data(), in.size()); });
  }
  llvm::Error update(uint64_t address, size_t size,
                     llvm::function_ref<void(llvm::MutableArrayRef<uint8_t>)>
                         change) override {
    return with(address, size, [&](uint8_t *at) { change({at, size}); });
  }

private:
  llvm::Error with(uint64_t address, size_t size,
                   llvm::function_ref<void(uint8_t *)> use) {
    if (address < globalBase || address + size > globalBase + bytes.size())
      return llvm::createStringError("outside of the allocation");
    for (size_t i = 0; i < size; ++i)
      touched.insert(address - globalBase + i);
    use(&bytes[address - globalBase]);
    return llvm::Error::success();
  }
};

/// A random map over an allocation, padded between rows, with boxes of at most
/// some hundred elements.
TensorMap randomMap(std::mt19937_64 &random, MapType type, uint64_t &bytes) {
  TensorMap map;
  map.type = type;
  map.rank = 1 + random() % 5;
  map.address = globalBase + 16 * (random() % 4);
  map.swizzle = MapSwizzle(random() % 4);
  unsigned size = map.elementBytes();
  unsigned innerUnits = map.swizzle == MapSwizzle::None
                            ? 1 + random() % 12
                            : 1 + random() % (swizzleSpan(map.swizzle) / 16);
  map.box[0] = innerUnits * 16 / size;
  uint64_t below = size;
  for (unsigned d = 0; d < map.rank; ++d) {
    map.dims[d] = 1 + random() % (d == 0 ? 100 : d == 1 ? 20 : 4);
    map.strides[d] =
        d == 0 ? size : (below + 15) / 16 * 16 + 16 * (random() % 3);
    below = map.strides[d] * map.dims[d];
    if (d > 0) {
      map.box[d] = 1 + random() % (d == 1 ? 24 : 3);
      map.elementStrides[d] = random() % 4 == 0 ? 1 + random() % 3 : 1;
    }
  }
  bytes = map.address - globalBase + below;
  llvm::cantFail(checkTensorMap(map));
  return map;
}

std::vector<int32_t> randomCoordinates(std::mt19937_64 &random,
                                       const TensorMap &map) {
  std::vector<int32_t> c;
  for (unsigned d = 0; d < map.rank; ++d) {
    // From wholly before to wholly after the tensor.
    int64_t low = -int64_t(map.box[d]) - 2, high = int64_t(map.dims[d]) + 2;
    c.push_back(int32_t(low + int64_t(random() % uint64_t(high - low))));
    if (random() % 3 == 0)
      c.back() = int32_t(random() % map.dims[d]);
  }
  c[0] -= c[0] % int32_t(16 / map.elementBytes());
  return c;
}

/// Where an element of a box stands, as the figures of PTX ISA draw it: rows
/// of `span` bytes, of which 128/span share a line; the unit's number is
/// XORed with that of its line.
uint32_t drawnAddress(const TensorMap &map, uint32_t address, uint64_t row,
                      uint32_t byte) {
  uint64_t linear = address + row * map.rowPitch() + byte;
  unsigned span = swizzleSpan(map.swizzle);
  if (span == 0)
    return uint32_t(linear);
  uint64_t line = linear / 128, unit = linear % span / 16;
  uint64_t within = linear % 16, start = linear - linear % span;
  return uint32_t(start + (unit ^ (line % (span / 16))) * 16 + within);
}

/// Calls `f(row, i0, global offset or nothing)` for every element of the box.
void forEachElement(
    const TensorMap &map, llvm::ArrayRef<int32_t> c,
    std::function<void(uint64_t row, uint32_t i0, std::optional<uint64_t>)> f) {
  uint64_t row = 0;
  uint32_t extent[5] = {1, 1, 1, 1, 1};
  for (unsigned d = 0; d < map.rank; ++d)
    extent[d] = d == 0 ? map.box[0]
                       : (map.box[d] + map.elementStrides[d] - 1) /
                             map.elementStrides[d];
  for (uint32_t i4 = 0; i4 < extent[4]; ++i4)
    for (uint32_t i3 = 0; i3 < extent[3]; ++i3)
      for (uint32_t i2 = 0; i2 < extent[2]; ++i2)
        for (uint32_t i1 = 0; i1 < extent[1]; ++i1, ++row)
          for (uint32_t i0 = 0; i0 < extent[0]; ++i0) {
            uint32_t index[5] = {i0, i1, i2, i3, i4};
            uint64_t at = map.address - globalBase;
            bool inside = true;
            for (unsigned d = 0; d < map.rank; ++d) {
              int64_t x =
                  int64_t(c[d]) + int64_t(index[d]) * map.elementStrides[d];
              inside &= x >= 0 && x < int64_t(map.dims[d]);
              at += uint64_t(x) * map.strides[d];
            }
            f(row, i0, inside ? std::optional<uint64_t>(at) : std::nullopt);
          }
}

std::set<uint64_t> bytesOf(const ByteRanges &ranges, uint64_t base) {
  std::set<uint64_t> bytes;
  for (const ByteRange &range : ranges)
    for (uint64_t i = 0; i < range.size; ++i)
      bytes.insert(range.begin + i - base);
  return bytes;
}

constexpr MapType plainTypes[] = {MapType::U8,  MapType::U16,  MapType::F32,
                                  MapType::F16, MapType::BF16, MapType::S32,
                                  MapType::U64, MapType::F64};

} // namespace

TEST(BulkCopy, LoadsAndStoresAsDefined) {
  std::mt19937_64 random(5);
  unsigned outside = 0, partial = 0, stores = 0;
  for (unsigned round = 0; round < 1000; ++round) {
    uint64_t bytes;
    TensorMap map =
        randomMap(random, plainTypes[random() % std::size(plainTypes)], bytes);
    TestMemory memory(bytes, random);
    std::vector<int32_t> c = randomCoordinates(random, map);
    // Aligned to 128 only: not to the period of the swizzle.
    uint32_t address = 128 * (random() % 9);
    std::vector<uint8_t> shared(address + map.sharedExtent() + 64, 0xA5);
    std::vector<uint8_t> expected = shared;
    unsigned size = map.elementBytes();
    std::set<uint64_t> reads, sharedBytes;
    uint64_t elements = 0;
    forEachElement(map, c, [&](uint64_t row, uint32_t i0, auto at) {
      ++elements;
      for (unsigned i = 0; i < size; ++i) {
        uint32_t to = drawnAddress(map, address, row, i0 * size + i);
        ASSERT_TRUE(sharedBytes.insert(to).second);
        expected[to] = at ? memory.bytes[*at + i] : 0;
        if (at)
          reads.insert(*at + i);
      }
    });
    outside += reads.empty();
    partial += !reads.empty() && reads.size() < elements * size;
    auto report = loadBox(map, c, memory, shared, address);
    ASSERT_TRUE(bool(report)) << llvm::toString(report.takeError());
    ASSERT_EQ(shared, expected) << map.str();
    ASSERT_EQ(memory.touched, reads);
    ASSERT_EQ(report->bytes, elements * size);
    ASSERT_EQ(bytesOf(report->shared, 0), sharedBytes);
    ASSERT_EQ(bytesOf(report->global, globalBase), reads);
    auto ranges = boxRanges(map, c);
    ASSERT_TRUE(bool(ranges));
    ASSERT_EQ(bytesOf(*ranges, globalBase), reads);

    // Stored, where no coordinate is negative: the in-bounds elements arrive,
    // nothing else changes.
    for (uint8_t &byte : shared)
      byte = uint8_t(random());
    std::vector<uint8_t> after = memory.bytes;
    forEachElement(map, c, [&](uint64_t row, uint32_t i0, auto at) {
      if (at)
        for (unsigned i = 0; i < size; ++i)
          after[*at + i] =
              shared[drawnAddress(map, address, row, i0 * size + i)];
    });
    memory.touched.clear();
    if (std::any_of(c.begin(), c.end(), [](int32_t x) { return x < 0; })) {
      auto refused = storeBox(map, c, memory, shared, address);
      ASSERT_FALSE(bool(refused));
      llvm::consumeError(refused.takeError());
      ASSERT_TRUE(memory.touched.empty());
      continue;
    }
    ++stores;
    auto stored = storeBox(map, c, memory, shared, address);
    ASSERT_TRUE(bool(stored)) << llvm::toString(stored.takeError());
    ASSERT_EQ(memory.bytes, after);
    ASSERT_EQ(memory.touched, reads);
    ASSERT_EQ(bytesOf(stored->shared, 0), sharedBytes);
    ASSERT_EQ(bytesOf(stored->global, globalBase), reads);
  }
  // The random boxes did reach the interesting cases.
  EXPECT_GT(outside, 70u);
  EXPECT_GT(partial, 170u);
  EXPECT_GT(stores, 150u);
}

TEST(BulkCopy, FillsAndConverts) {
  std::mt19937_64 random(6);
  TestMemory memory(256, random);
  TensorMap map;
  map.rank = 1;
  map.address = globalBase;
  map.dims[0] = 6;
  map.box[0] = 8;
  std::vector<uint8_t> shared(128);
  auto load = [&](MapType type, int32_t at) {
    map.type = type;
    map.strides[0] = map.elementBytes();
    llvm::cantFail(checkTensorMap(map));
    llvm::cantFail(loadBox(map, {at}, memory, shared, 0));
  };
  auto word32 = [&](unsigned i) {
    uint32_t value;
    std::memcpy(&value, &shared[4 * i], 4);
    return value;
  };
  map.fill = MapFill::NaN;
  load(MapType::BF16, 0);
  EXPECT_EQ(shared[0], memory.bytes[0]);
  EXPECT_EQ(shared[11], memory.bytes[11]);
  EXPECT_EQ(shared[12], 0xF7);
  EXPECT_EQ(shared[13], 0x7F);
  load(MapType::F32, 4);
  EXPECT_EQ(std::memcmp(&shared[0], &memory.bytes[16], 8), 0);
  for (unsigned i = 2; i < 8; ++i)
    EXPECT_EQ(word32(i), 0x7FF77FF7u);

  map.fill = MapFill::Zero;
  uint32_t values[] = {0x3F801000, 0x3F803000, 0x3F801001,
                       0x80000001, 0x007FFFFF, 0x00800000};
  std::memcpy(memory.bytes.data(), values, sizeof(values));
  load(MapType::TF32, 0);
  uint32_t tf32[] = {0x3F800000, 0x3F804000, 0x3F802000, 0x80000000,
                     0x00800000, 0x00800000, 0,          0};
  for (unsigned i = 0; i < 8; ++i)
    EXPECT_EQ(word32(i), tf32[i]) << i;
  load(MapType::F32Ftz, 0);
  uint32_t flushed[] = {0x3F801000, 0x3F803000, 0x3F801001, 0x80000000,
                        0x00000000, 0x00800000, 0,          0};
  for (unsigned i = 0; i < 8; ++i)
    EXPECT_EQ(word32(i), flushed[i]) << i;
}

TEST(BulkCopy, ReducesEveryElementOnce) {
  std::mt19937_64 random(8);
  for (unsigned round = 0; round < 500; ++round) {
    uint64_t bytes;
    TensorMap map = randomMap(random, MapType::U32, bytes);
    TestMemory memory(bytes, random);
    std::vector<int32_t> c = randomCoordinates(random, map);
    for (int32_t &x : c)
      x = std::max(x, 0);
    std::vector<uint8_t> shared(map.sharedExtent());
    for (uint8_t &byte : shared)
      byte = uint8_t(random());
    std::vector<uint8_t> expected = memory.bytes;
    forEachElement(map, c, [&](uint64_t row, uint32_t i0, auto at) {
      if (!at)
        return;
      uint32_t x, y;
      std::memcpy(&x, &expected[*at], 4);
      std::memcpy(&y, &shared[drawnAddress(map, 0, row, i0 * 4)], 4);
      x += y;
      std::memcpy(&expected[*at], &x, 4);
    });
    auto report = storeBox(map, c, memory, shared, 0, ReduceOp::Add);
    ASSERT_TRUE(bool(report)) << llvm::toString(report.takeError());
    ASSERT_EQ(memory.bytes, expected);
  }
}

TEST(BulkCopy, SharedMemoryIsChecked) {
  std::mt19937_64 random(9);
  TestMemory memory(4096, random);
  TensorMap map;
  map.rank = 2;
  map.address = globalBase;
  map.dims = {64, 64};
  map.strides = {1, 64};
  map.box = {64, 8};
  llvm::cantFail(checkTensorMap(map));
  std::vector<uint8_t> shared(1024);
  auto reason = [&](llvm::Expected<CopyReport> report) {
    return report ? "" : llvm::toString(report.takeError());
  };
  EXPECT_EQ(reason(loadBox(map, {0, 0}, memory, shared, 512)), "");
  EXPECT_EQ(reason(loadBox(map, {0, 0}, memory, shared, 640)),
            "tensor copy: a box of 512 bytes at shared-memory address 640 ends "
            "beyond the 1024 bytes of shared memory");
  EXPECT_EQ(reason(storeBox(map, {0, 0}, memory, shared, 16)),
            "tensor copy: the shared-memory address 16 is not aligned to 128 "
            "bytes");
  EXPECT_EQ(reason(loadBox(map, {0, 0, 0}, memory, shared, 0)),
            "a copy with 3 coordinates through a tensor map of rank 2");
  EXPECT_EQ(reason(storeBox(map, {0, 0}, memory, shared, 0, ReduceOp::Add)),
            "there is no reduction .add of .u8");
  EXPECT_EQ(reason(loadBox(map, {-8, 0}, memory, shared, 0)),
            "tensor copy: the innermost coordinate -8 (of 1-byte elements) is "
            "not a multiple of 16 bytes: an illegal instruction on the device");
  EXPECT_EQ(reason(loadBox(map, {-16, -3}, memory, shared, 0)), "");
  EXPECT_EQ(reason(storeBox(map, {16, -3}, memory, shared, 0)),
            "tensor copy: a store at the negative coordinate -3 of dimension "
            "1: an illegal instruction on the device");
  // A tensor larger than its allocation: the memory's own complaint.
  map.dims[1] = 65;
  EXPECT_EQ(reason(loadBox(map, {0, 60}, memory, shared, 0)),
            "outside of the allocation");
}

TEST(BulkCopy, RunsOfBytes) {
  std::mt19937_64 random(10);
  TestMemory memory(512, random);
  std::vector<uint8_t> shared(256, 0);
  auto reason = [&](llvm::Expected<CopyReport> report) {
    return report ? "" : llvm::toString(report.takeError());
  };
  auto report = loadBytes(memory, globalBase + 32, shared, 16, 64);
  ASSERT_TRUE(bool(report));
  EXPECT_EQ(report->bytes, 64u);
  ASSERT_EQ(report->shared.size(), 1u);
  EXPECT_EQ(report->shared[0], (ByteRange{16, 64}));
  EXPECT_EQ(report->global[0], (ByteRange{globalBase + 32, 64}));
  EXPECT_EQ(std::memcmp(&shared[16], &memory.bytes[32], 64), 0);
  EXPECT_EQ(shared[15], 0);
  EXPECT_EQ(shared[80], 0);
  EXPECT_EQ(reason(storeBytes(memory, globalBase + 448, shared, 16, 64)), "");
  EXPECT_EQ(std::memcmp(&shared[16], &memory.bytes[448], 64), 0);
  EXPECT_EQ(reason(storeBytes(memory, globalBase + 464, shared, 16, 64)),
            "outside of the allocation");
  EXPECT_EQ(reason(loadBytes(memory, globalBase, shared, 0, 24)),
            "bulk copy: the size 24 is not a positive multiple of 16 bytes");
  EXPECT_EQ(reason(loadBytes(memory, globalBase, shared, 8, 16)),
            "bulk copy: the address 0x8 is not aligned to 16 bytes");
  EXPECT_EQ(reason(loadBytes(memory, globalBase, shared, 240, 32)),
            "bulk copy: 32 bytes at shared-memory address 240 end beyond the "
            "256 bytes of shared memory");
  std::vector<uint8_t> peer(128, 0);
  EXPECT_EQ(reason(copyShared(shared, 16, peer, 64, 64)), "");
  EXPECT_EQ(std::memcmp(&shared[16], &peer[64], 64), 0);
  EXPECT_NE(reason(copyShared(shared, 16, peer, 80, 64)), "");
  std::vector<uint8_t> ones(64, 0);
  for (unsigned i = 0; i < 64; i += 4)
    ones[i] = 1;
  std::vector<uint8_t> before = memory.bytes;
  EXPECT_EQ(reason(reduceBytes(memory, globalBase, ones, 0, 64, Format::U32,
                               ReduceOp::Add)),
            "");
  for (unsigned i = 0; i < 16; ++i) {
    uint32_t x, y;
    std::memcpy(&x, &before[4 * i], 4);
    std::memcpy(&y, &memory.bytes[4 * i], 4);
    EXPECT_EQ(y, x + 1);
  }
}

namespace {

template <typename T>
T reduceOne(Format format, ReduceOp op, T target, T operand,
            bool flush = true) {
  uint8_t x[sizeof(T)], y[sizeof(T)];
  std::memcpy(x, &target, sizeof(T));
  std::memcpy(y, &operand, sizeof(T));
  llvm::cantFail(reduceElements(format, op, x, y, flush));
  std::memcpy(&target, x, sizeof(T));
  return target;
}

} // namespace

TEST(BulkCopy, IntegerReductions) {
  EXPECT_EQ(reduceOne<uint32_t>(Format::U32, ReduceOp::Add, ~0u, 3), 2u);
  EXPECT_EQ(reduceOne<int32_t>(Format::S32, ReduceOp::Min, -5, 3), -5);
  EXPECT_EQ(reduceOne<int32_t>(Format::S32, ReduceOp::Max, -5, 3), 3);
  EXPECT_EQ(reduceOne<uint32_t>(Format::U32, ReduceOp::Min, ~0u, 3), 3u);
  EXPECT_EQ(reduceOne<int64_t>(Format::S64, ReduceOp::Max, -1, -2), -1);
  EXPECT_EQ(reduceOne<uint64_t>(Format::U64, ReduceOp::Max, ~uint64_t(0), 1),
            ~uint64_t(0));
  EXPECT_EQ(reduceOne<uint64_t>(Format::U64, ReduceOp::Add, ~uint64_t(0), 2),
            1u);
  EXPECT_EQ(reduceOne<uint32_t>(Format::U32, ReduceOp::Inc, 6, 7), 7u);
  EXPECT_EQ(reduceOne<uint32_t>(Format::U32, ReduceOp::Inc, 7, 7), 0u);
  EXPECT_EQ(reduceOne<uint32_t>(Format::U32, ReduceOp::Dec, 7, 7), 6u);
  EXPECT_EQ(reduceOne<uint32_t>(Format::U32, ReduceOp::Dec, 8, 7), 7u);
  EXPECT_EQ(reduceOne<uint32_t>(Format::U32, ReduceOp::Dec, 0, 7), 7u);
  EXPECT_EQ(reduceOne<uint32_t>(Format::U32, ReduceOp::And, 12, 10), 8u);
  EXPECT_EQ(reduceOne<uint32_t>(Format::U32, ReduceOp::Or, 12, 10), 14u);
  EXPECT_EQ(reduceOne<uint32_t>(Format::U32, ReduceOp::Xor, 12, 10), 6u);
  for (const char *name :
       {"add", "min", "max", "inc", "dec", "and", "or", "xor"})
    EXPECT_TRUE(parseReduceOp(name));
  EXPECT_FALSE(parseReduceOp("cas"));
}

TEST(BulkCopy, FloatReductions) {
  std::mt19937_64 random(12);
  for (unsigned i = 0; i < 100000; ++i) {
    uint32_t x = uint32_t(random()), y = uint32_t(random());
    // Near each other, so that sums round in every way.
    y = (y & 0x807FFFFF) | (((x >> 23) + random() % 30 - 15) & 0xFF) << 23;
    float sum = asFloat(x) + asFloat(y);
    uint32_t got = reduceOne<uint32_t>(Format::F32, ReduceOp::Add, x, y, false);
    if (std::isnan(sum))
      ASSERT_EQ(got, 0x7FFFFFFFu);
    else
      ASSERT_EQ(got, asBits(sum)) << asFloat(x) << " + " << asFloat(y);
    // 16-bit sums: exact in 80-bit arithmetic, then rounded once.
    for (Format format : {Format::F16, Format::BF16}) {
      double a = decode(format, x & 0xFFFF), b = decode(format, x >> 16);
      uint16_t r = reduceOne<uint16_t>(format, ReduceOp::Add, uint16_t(x),
                                       uint16_t(x >> 16));
      ASSERT_EQ(r, encode(format, a + b));
      uint16_t low = reduceOne<uint16_t>(format, ReduceOp::Min, uint16_t(x),
                                         uint16_t(x >> 16));
      uint16_t high = reduceOne<uint16_t>(format, ReduceOp::Max, uint16_t(x),
                                          uint16_t(x >> 16));
      if (!std::isnan(a) && !std::isnan(b)) {
        ASSERT_EQ(decode(format, low), std::min(a, b));
        ASSERT_EQ(decode(format, high), std::max(a, b));
      } else if (!std::isnan(a)) {
        ASSERT_EQ(low, uint16_t(x));
        ASSERT_EQ(high, uint16_t(x));
      }
    }
  }
  EXPECT_EQ(reduceOne<uint16_t>(Format::F16, ReduceOp::Min, 0, 0x8000), 0x8000);
  EXPECT_EQ(reduceOne<uint16_t>(Format::F16, ReduceOp::Max, 0x8000, 0), 0);
  // Subnormals: flushed in f32 on global memory, kept elsewhere.
  EXPECT_EQ(reduceOne<uint32_t>(Format::F32, ReduceOp::Add, 0x80000001, 0), 0u);
  EXPECT_EQ(
      reduceOne<uint32_t>(Format::F32, ReduceOp::Add, 0x00800001, 0x80800000),
      0u);
  EXPECT_EQ(reduceOne<uint32_t>(Format::F32, ReduceOp::Add, 1, 1, false), 2u);
  EXPECT_EQ(reduceOne<uint16_t>(Format::BF16, ReduceOp::Add, 1, 1), 2u);
  double sum = reduceOne<double>(Format::F64, ReduceOp::Add, 0.1, 0.2);
  EXPECT_EQ(sum, 0.1 + 0.2);
}

TEST(BulkCopy, ReductionsThatDoNotExist) {
  uint8_t x[8] = {}, y[8] = {};
  auto reason = [&](Format format, ReduceOp op) {
    return llvm::toString(reduceElements(format, op, x, y));
  };
  EXPECT_EQ(reason(Format::F32, ReduceOp::Max),
            "there is no reduction .max of .f32");
  EXPECT_EQ(reason(Format::S32, ReduceOp::Inc),
            "there is no reduction .inc of .s32");
  EXPECT_EQ(reason(Format::BF16, ReduceOp::And),
            "there is no reduction .and of .bf16");
  EXPECT_EQ(reason(Format::E4M3, ReduceOp::Add),
            "there is no reduction .add of .e4m3");
  EXPECT_EQ(reason(Format::U64, ReduceOp::Xor), "");
  EXPECT_EQ(llvm::toString(
                reduceElements(Format::U32, ReduceOp::Add,
                               llvm::MutableArrayRef<uint8_t>(x).take_front(6),
                               llvm::ArrayRef<uint8_t>(y).take_front(6))),
            "a reduction of 6 bytes into 6 is not one of whole .u32");
}
