//===- Wgmma.cpp - operands of the warpgroup matrix product ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tilewright/Sim/Wgmma.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"
#include <cassert>
#include <cstring>

using namespace tilewright::sim;
using llvm::Twine;

MatrixDescriptor MatrixDescriptor::decode(uint64_t bits) {
  static constexpr MapSwizzle layouts[] = {MapSwizzle::None, MapSwizzle::B128,
                                           MapSwizzle::B64, MapSwizzle::B32};
  MatrixDescriptor descriptor;
  descriptor.start = uint32_t(bits & 0x3FFF) << 4;
  descriptor.leading = uint32_t(bits >> 16 & 0x3FFF) << 4;
  descriptor.stride = uint32_t(bits >> 32 & 0x3FFF) << 4;
  descriptor.baseOffset = unsigned(bits >> 49 & 7);
  descriptor.swizzle = layouts[bits >> 62];
  return descriptor;
}

llvm::Error WgmmaShape::check() const {
  auto refuse = [&](const Twine &why) {
    return llvm::createStringError("wgmma.m64n" + Twine(n) + "." +
                                   formatName(d) + "." + formatName(a) + "." +
                                   formatName(b) + ": " + why);
  };
  auto isFP8 = [](Format f) { return f == Format::E4M3 || f == Format::E5M2; };
  auto isInt8 = [](Format f) { return f == Format::S8 || f == Format::U8; };
  bool integers = isInt8(a) && isInt8(b);
  bool half = a == Format::F16 && b == Format::F16;
  bool fp8 = isFP8(a) && isFP8(b);
  bool wide = a == b && (a == Format::BF16 || a == Format::TF32);
  if (!integers && !half && !fp8 && !wide)
    return refuse("no such combination of operand types");
  if (integers ? d != Format::S32
               : d != Format::F32 && (d != Format::F16 || !(half || fp8)))
    return refuse("no such accumulator type for these operands");
  // Integer forms skip odd multiples of 8 from 40 on (PTX ISA, the table of
  // shapes of wgmma.mma_async).
  if (n < 8 || n > 256 || n % 8 != 0 || (integers && n > 24 && n % 16 != 0))
    return refuse("no such N");
  if ((transA || transB) && bitWidth(a) != 16)
    return refuse("only 16-bit operands can be transposed");
  if ((negateA || negateB) && integers)
    return refuse("integer operands cannot be negated");
  if (satfinite && !integers)
    return refuse(".satfinite is for integers");
  return llvm::Error::success();
}

uint32_t tilewright::sim::matrixAddress(const MatrixDescriptor &descriptor,
                                        unsigned elementBytes, bool mnMajor,
                                        unsigned mn, unsigned k) {
  bool plain = descriptor.swizzle == MapSwizzle::None;
  uint32_t span = plain ? 16 : swizzleSpan(descriptor.swizzle);
  uint32_t address = descriptor.start;
  if (!mnMajor) {
    // Rows of `span` bytes, eight to a group; groups are `stride` apart. Along
    // K an unswizzled operand goes from core matrix to core matrix; in a
    // swizzled one the 32 bytes of K lie within the span.
    uint32_t byte = k * elementBytes;
    address += mn / 8 * descriptor.stride + mn % 8 * span;
    address += plain ? byte / 16 * descriptor.leading + byte % 16 : byte;
  } else {
    // Rows of `span` bytes along MN, one for each k, eight to a group. The
    // leading offset is that along MN where swizzled and along K where not.
    uint32_t byte = mn * elementBytes;
    uint32_t alongMN = plain ? descriptor.stride : descriptor.leading;
    uint32_t alongK = plain ? descriptor.leading : descriptor.stride;
    address += byte / span * alongMN + byte % span;
    address += k / 8 * alongK + k % 8 * span;
  }
  return swizzleAddress(descriptor.swizzle, address);
}

/// Visits the operand in pieces that are contiguous in shared memory: 16 bytes
/// along its contiguous axis. `visit(address, mn, k)` of the first element.
static llvm::Error forEachUnit(
    const WgmmaShape &shape, bool isB, uint64_t bits, uint64_t sharedBytes,
    llvm::function_ref<void(uint32_t address, unsigned mn, unsigned k)> visit) {
  if (llvm::Error error = shape.check())
    return error;
  MatrixDescriptor descriptor = MatrixDescriptor::decode(bits);
  const char *name = isB ? "B" : "A";
  if (descriptor.baseOffset != 0)
    return llvm::createStringError(
        Twine("wgmma: the descriptor of ") + name + " has base offset " +
        Twine(descriptor.baseOffset) +
        ", which is not modelled (align the buffer to the swizzle's period)");
  bool mnMajor = isB ? shape.transB : shape.transA;
  unsigned rows = isB ? shape.n : 64, size = bitWidth(shape.a) / 8;
  unsigned perUnit = 16 / size;
  for (unsigned mn = 0; mn < rows; mn += mnMajor ? perUnit : 1)
    for (unsigned k = 0; k < shape.k(); k += mnMajor ? 1 : perUnit) {
      uint32_t address = matrixAddress(descriptor, size, mnMajor, mn, k);
      if (uint64_t(address) + 16 > sharedBytes)
        return llvm::createStringError(
            Twine("wgmma: element (") + (isB ? "n " : "m ") + Twine(mn) +
            ", k " + Twine(k) + ") of operand " + name +
            " lies at shared-memory address " + Twine(address) +
            ", outside of the " + Twine(sharedBytes) +
            " bytes of shared memory");
      visit(address, mn, k);
    }
  return llvm::Error::success();
}

static void sortRanges(ByteRanges &ranges) {
  llvm::sort(ranges, [](const ByteRange &x, const ByteRange &y) {
    return x.begin < y.begin;
  });
  ByteRanges joined;
  for (const ByteRange &range : ranges) {
    // A descriptor may name the same bytes twice (a stride of 0 broadcasts).
    if (!joined.empty() && range.begin < joined.back().end())
      continue;
    appendRange(joined, range);
  }
  ranges = std::move(joined);
}

static llvm::Expected<WgmmaOperand> readOperand(const WgmmaShape &shape,
                                                bool isB, uint64_t descriptor,
                                                llvm::ArrayRef<uint8_t> shared,
                                                ByteRanges *touched) {
  WgmmaOperand operand;
  operand.rows = isB ? shape.n : 64;
  operand.k = shape.k();
  operand.bits.resize(size_t(operand.rows) * operand.k);
  unsigned size = bitWidth(shape.a) / 8;
  bool mnMajor = isB ? shape.transB : shape.transA;
  ByteRanges ranges;
  llvm::Error error =
      forEachUnit(shape, isB, descriptor, shared.size(),
                  [&](uint32_t address, unsigned mn, unsigned k) {
                    for (unsigned i = 0; i < 16 / size; ++i) {
                      uint32_t value = 0;
                      std::memcpy(&value, &shared[address + i * size], size);
                      unsigned row = mnMajor ? mn + i : mn,
                               column = mnMajor ? k : k + i;
                      operand.bits[size_t(row) * operand.k + column] = value;
                    }
                    if (touched)
                      appendRange(ranges, {address, 16});
                  });
  if (error)
    return std::move(error);
  if (touched) {
    sortRanges(ranges);
    touched->append(ranges.begin(), ranges.end());
  }
  return operand;
}

llvm::Expected<WgmmaOperand>
tilewright::sim::readOperandA(const WgmmaShape &shape, uint64_t descriptor,
                              llvm::ArrayRef<uint8_t> shared,
                              ByteRanges *touched) {
  return readOperand(shape, false, descriptor, shared, touched);
}

llvm::Expected<WgmmaOperand>
tilewright::sim::readOperandB(const WgmmaShape &shape, uint64_t descriptor,
                              llvm::ArrayRef<uint8_t> shared,
                              ByteRanges *touched) {
  return readOperand(shape, true, descriptor, shared, touched);
}

llvm::Expected<ByteRanges>
tilewright::sim::operandRanges(const WgmmaShape &shape, bool isB,
                               uint64_t descriptor, uint64_t sharedBytes) {
  ByteRanges ranges;
  llvm::Error error = forEachUnit(shape, isB, descriptor, sharedBytes,
                                  [&](uint32_t address, unsigned, unsigned) {
                                    appendRange(ranges, {address, 16});
                                  });
  if (error)
    return std::move(error);
  sortRanges(ranges);
  return ranges;
}

llvm::Expected<WgmmaOperand>
tilewright::sim::readFragmentA(const WgmmaShape &shape,
                               llvm::ArrayRef<uint32_t> registers) {
  if (llvm::Error error = shape.check())
    return std::move(error);
  if (shape.transA)
    return llvm::createStringError(
        "wgmma: an operand A in registers cannot be transposed");
  assert(registers.size() >= 512);
  WgmmaOperand operand;
  operand.rows = 64;
  operand.k = shape.k();
  operand.bits.resize(size_t(operand.rows) * operand.k);
  unsigned width = bitWidth(shape.a), packed = 32 / width;
  uint32_t mask = width == 32 ? ~0u : (1u << width) - 1;
  // Each 32-bit register holds `packed` neighbours along K; four lanes cover
  // one half of the K of the instruction. Register bit 0 selects rows + 8,
  // bit 1 the other half.
  for (unsigned thread = 0; thread < 128; ++thread)
    for (unsigned r = 0; r < 4; ++r) {
      unsigned row = 16 * (thread / 32) + thread % 32 / 4 + 8 * (r & 1);
      unsigned column = packed * (thread % 4) + shape.k() / 2 * (r >> 1);
      for (unsigned i = 0; i < packed; ++i)
        operand.bits[size_t(row) * operand.k + column + i] =
            registers[size_t(thread) * 4 + r] >> (width * i) & mask;
    }
  return operand;
}

FragmentCoordinate tilewright::sim::accumulatorCoordinate(unsigned thread,
                                                          unsigned element) {
  unsigned row = 16 * (thread / 32) + thread % 32 / 4 + 8 * (element >> 1 & 1);
  unsigned column = 8 * (element / 4) + 2 * (thread % 4) + (element & 1);
  return {row, column};
}
