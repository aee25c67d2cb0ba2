//===- MatrixMoveTest.cpp - ldmatrix and stmatrix, element by element -----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tilewright/Sim/MatrixMove.h"
#include "gtest/gtest.h"
#include <algorithm>
#include <numeric>
#include <random>

using namespace tilewright::sim;

namespace {

constexpr uint32_t sharedBytes = 4096;

/// A different 16-byte row for each of the 32 lanes, in random order.
std::vector<uint32_t> rowAddresses(std::mt19937 &random) {
  std::vector<uint32_t> units(sharedBytes / 16);
  std::iota(units.begin(), units.end(), 0u);
  std::shuffle(units.begin(), units.end(), random);
  units.resize(32);
  for (uint32_t &unit : units)
    unit *= 16;
  return units;
}

uint16_t at(const std::vector<uint8_t> &shared, uint32_t address) {
  return uint16_t(shared[address] | shared[address + 1] << 8);
}

} // namespace

TEST(MatrixMove, LoadsAsDefined) {
  std::mt19937 random(1);
  for (unsigned count : {1u, 2u, 4u})
    for (bool trans : {false, true}) {
      std::vector<uint8_t> shared(sharedBytes);
      for (uint8_t &byte : shared)
        byte = uint8_t(random());
      std::vector<uint32_t> addresses = rowAddresses(random);
      std::vector<uint32_t> registers(32 * count, 0xDEADBEEF);
      ByteRanges touched;
      llvm::Error error =
          loadMatrices(shared, addresses, count, trans, registers, &touched);
      ASSERT_FALSE(bool(error));
      // Matrix q, row r, column c is in register q of lane 4r + c/2, half c%2;
      // with .trans the roles of r and c change.
      for (unsigned q = 0; q < count; ++q)
        for (unsigned r = 0; r < 8; ++r)
          for (unsigned c = 0; c < 8; ++c) {
            unsigned i = trans ? c : r, j = trans ? r : c;
            uint32_t word = registers[(4 * i + j / 2) * count + q];
            ASSERT_EQ(uint16_t(word >> (16 * (j % 2))),
                      at(shared, addresses[8 * q + r] + 2 * c));
          }
      uint64_t bytes = 0;
      for (const ByteRange &range : touched)
        bytes += range.size;
      EXPECT_EQ(bytes, 128u * count);
    }
}

TEST(MatrixMove, StoringInvertsLoading) {
  std::mt19937 random(2);
  for (unsigned count : {1u, 2u, 4u})
    for (bool trans : {false, true}) {
      std::vector<uint32_t> addresses = rowAddresses(random);
      std::vector<uint32_t> registers(32 * count), back(32 * count);
      for (uint32_t &word : registers)
        word = random();
      std::vector<uint8_t> shared(sharedBytes, 0xA5);
      ASSERT_FALSE(
          bool(storeMatrices(shared, addresses, count, trans, registers)));
      ASSERT_FALSE(bool(loadMatrices(shared, addresses, count, trans, back)));
      EXPECT_EQ(registers, back);
      // Nothing but the rows changed.
      std::vector<bool> mine(sharedBytes, false);
      for (unsigned lane = 0; lane < 8 * count; ++lane)
        for (unsigned i = 0; i < 16; ++i)
          mine[addresses[lane] + i] = true;
      for (uint32_t i = 0; i < sharedBytes; ++i)
        if (!mine[i])
          ASSERT_EQ(shared[i], 0xA5);
      // Stored and loaded the other way around: the transposed matrices.
      if (trans)
        continue;
      ASSERT_FALSE(bool(loadMatrices(shared, addresses, count, true, back)));
      EXPECT_EQ(uint16_t(registers[0] >> 16), uint16_t(back[4 * count]));
    }
}

TEST(MatrixMove, NamesTheLane) {
  std::vector<uint8_t> shared(sharedBytes);
  std::vector<uint32_t> addresses(32, 0), registers(128);
  auto reason = [&](unsigned count) {
    return llvm::toString(
        storeMatrices(shared, addresses, count, false, registers));
  };
  EXPECT_EQ(reason(3), "stmatrix.x3 does not exist: 1, 2 or 4 matrices");
  addresses[9] = 8;
  EXPECT_EQ(reason(2),
            "stmatrix: the row address 8 of lane 9 is not aligned to 16 bytes");
  // Lanes of matrices that are not moved do not matter.
  EXPECT_EQ(reason(1), "");
  addresses[9] = sharedBytes;
  EXPECT_EQ(reason(4), "stmatrix: the row at address 4096 of lane 9 is outside "
                       "of shared memory (4096 bytes)");
  addresses[9] = sharedBytes - 16;
  EXPECT_EQ(reason(4), "");
  EXPECT_EQ(llvm::toString(loadMatrices(shared, addresses, 5, true, registers)),
            "ldmatrix.x5 does not exist: 1, 2 or 4 matrices");
}
