//===- MatrixMove.cpp - ldmatrix and stmatrix -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tilewright/Sim/MatrixMove.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Endian.h"
#include <cassert>

using namespace tilewright::sim;
using llvm::Twine;

static constexpr unsigned lanes = 32, matrixRows = 8, rowBytes = 16;

static llvm::Error checkRows(const char *name, uint64_t sharedBytes,
                             llvm::ArrayRef<uint32_t> addresses,
                             unsigned count) {
  if (count != 1 && count != 2 && count != 4)
    return llvm::createStringError(Twine(name) + ".x" + Twine(count) +
                                   " does not exist: 1, 2 or 4 matrices");
  assert(addresses.size() >= lanes);
  for (unsigned lane = 0; lane < matrixRows * count; ++lane) {
    uint64_t address = addresses[lane];
    if (address % rowBytes != 0)
      return llvm::createStringError(
          Twine(name) + ": the row address " + Twine(address) + " of lane " +
          Twine(lane) + " is not aligned to 16 bytes");
    if (address + rowBytes > sharedBytes)
      return llvm::createStringError(
          Twine(name) + ": the row at address " + Twine(address) + " of lane " +
          Twine(lane) + " is outside of shared memory (" + Twine(sharedBytes) +
          " bytes)");
  }
  return llvm::Error::success();
}

/// Shared-memory address of element `half` (0, 1) of register `q` of `lane`.
static uint32_t elementAddress(llvm::ArrayRef<uint32_t> addresses,
                               unsigned lane, unsigned q, unsigned half,
                               bool trans) {
  unsigned outer = lane / 4, inner = 2 * (lane % 4) + half;
  unsigned row = trans ? inner : outer, column = trans ? outer : inner;
  return addresses[matrixRows * q + row] + 2 * column;
}

static void report(ByteRanges *touched, llvm::ArrayRef<uint32_t> addresses,
                   unsigned count) {
  if (touched)
    for (unsigned lane = 0; lane < matrixRows * count; ++lane)
      appendRange(*touched, {addresses[lane], rowBytes});
}

llvm::Error tilewright::sim::loadMatrices(
    llvm::ArrayRef<uint8_t> shared, llvm::ArrayRef<uint32_t> addresses,
    unsigned count, bool trans, llvm::MutableArrayRef<uint32_t> registers,
    ByteRanges *touched) {
  if (llvm::Error error =
          checkRows("ldmatrix", shared.size(), addresses, count))
    return error;
  assert(registers.size() >= size_t(lanes) * count);
  for (unsigned lane = 0; lane < lanes; ++lane)
    for (unsigned q = 0; q < count; ++q) {
      uint32_t value = 0;
      for (unsigned half = 0; half < 2; ++half)
        value |= uint32_t(llvm::support::endian::read16le(
                     &shared[elementAddress(addresses, lane, q, half, trans)]))
                 << (16 * half);
      registers[size_t(lane) * count + q] = value;
    }
  report(touched, addresses, count);
  return llvm::Error::success();
}

llvm::Error tilewright::sim::storeMatrices(
    llvm::MutableArrayRef<uint8_t> shared, llvm::ArrayRef<uint32_t> addresses,
    unsigned count, bool trans, llvm::ArrayRef<uint32_t> registers,
    ByteRanges *touched) {
  if (llvm::Error error =
          checkRows("stmatrix", shared.size(), addresses, count))
    return error;
  assert(registers.size() >= size_t(lanes) * count);
  for (unsigned lane = 0; lane < lanes; ++lane)
    for (unsigned q = 0; q < count; ++q)
      for (unsigned half = 0; half < 2; ++half)
        llvm::support::endian::write16le(
            &shared[elementAddress(addresses, lane, q, half, trans)],
            uint16_t(registers[size_t(lane) * count + q] >> (16 * half)));
  report(touched, addresses, count);
  return llvm::Error::success();
}
