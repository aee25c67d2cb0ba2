//===- MiniFloat.h - Exact conversions of element types -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_RUNTIME_MINIFLOAT_H
#define TILEWRIGHT_RUNTIME_MINIFLOAT_H

#include "tilewright/Runtime/DType.h"

namespace tilewright::runtime {

/// The value of an element given by its bits (the low `bits(type)` of `code`).
/// Exact for every type but i64 and u64 beyond 2^53.
double decode(DType type, uint64_t code);

/// The element nearest to `value`, ties to even. The 8- and 4-bit floats
/// saturate at their largest finite value, as `cvt.rn.satfinite` does (PTX
/// ISA, "cvt"), and NaN becomes the type's NaN (e2m1 has none: its largest
/// value); wider floats overflow to infinity. e8m0 takes the smallest power of
/// two that is not below `value`. Integers round to nearest even and saturate;
/// NaN becomes 0.
uint64_t encode(DType type, double value);

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_MINIFLOAT_H
