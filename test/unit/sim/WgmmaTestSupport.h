//===- WgmmaTestSupport.h - shapes and random operands --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_TEST_SIM_WGMMATESTSUPPORT_H
#define TILEWRIGHT_TEST_SIM_WGMMATESTSUPPORT_H

#include "tilewright/Sim/Wgmma.h"
#include "gtest/gtest.h"
#include <cmath>
#include <random>

namespace tilewright::sim {

inline WgmmaShape shapeOf(Format d, Format a, Format b, unsigned n) {
  WgmmaShape shape;
  shape.d = d;
  shape.a = a;
  shape.b = b;
  shape.n = n;
  return shape;
}

/// Finite random element bits.
inline uint32_t randomElement(Format format, std::mt19937_64 &random) {
  uint32_t mask = bitWidth(format) == 32 ? ~0u : (1u << bitWidth(format)) - 1;
  while (true) {
    uint32_t bits = uint32_t(random()) & mask;
    // Wide exponents would hide small products: stay near 1.
    if (format == Format::BF16)
      bits = (bits & 0x80FF) | ((0x3B + random() % 8) << 8 & 0x7F00);
    if (format == Format::TF32)
      bits = (bits & 0x807FFFFF) | (120 + uint32_t(random()) % 16) << 23;
    if (std::isfinite(decode(format, bits)))
      return bits;
  }
}

inline WgmmaOperand randomOperand(unsigned rows, unsigned k, Format format,
                                  std::mt19937_64 &random) {
  WgmmaOperand operand;
  operand.rows = rows;
  operand.k = k;
  for (unsigned i = 0; i < rows * k; ++i)
    operand.bits.push_back(randomElement(format, random));
  return operand;
}

/// Reads accumulator element (row, column) by searching the definition.
inline uint32_t accumulatorElement(const WgmmaShape &shape,
                                   const std::vector<uint32_t> &d, unsigned row,
                                   unsigned column) {
  for (unsigned thread = 0; thread < 128; ++thread)
    for (unsigned e = 0; e < shape.n / 2; ++e) {
      FragmentCoordinate at = accumulatorCoordinate(thread, e);
      if (at.row != row || at.column != column)
        continue;
      if (shape.d == Format::F16)
        return d[thread * shape.registersD() + e / 2] >> (16 * (e % 2)) &
               0xFFFF;
      return d[thread * shape.registersD() + e];
    }
  ADD_FAILURE() << "nobody holds " << row << ", " << column;
  return 0;
}

} // namespace tilewright::sim

#endif // TILEWRIGHT_TEST_SIM_WGMMATESTSUPPORT_H
