//===- Arith.h - arithmetic policies: evaluate now, or emit IR ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Index arithmetic that is both tested on integers and emitted as IR (the
// raster decode, swizzled addresses) is written once, as a template over a
// policy class with these members:
//
//   using Value = ...;                        // int64_t, or an SSA value
//   Value constant(int64_t v);
//   Value add(Value a, Value b);
//   Value sub(Value a, Value b);
//   Value mul(Value a, Value b);
//   Value divui(Value a, Value b);            // unsigned, b != 0
//   Value remui(Value a, Value b);            // unsigned, b != 0
//   Value minui(Value a, Value b);            // unsigned
//   Value bitXor(Value a, Value b);
//   Value ult(Value a, Value b);              // only for select's condition
//   Value select(Value condition, Value ifTrue, Value ifFalse);
//
// All values that the templates pass to the unsigned operations are
// non-negative. The templates never call constant() for a result that is
// unused, and fold nothing themselves beyond what their comments say: the
// emitting policy should fold operations on constants.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_SUPPORT_ARITH_H
#define TILEWRIGHT_SUPPORT_ARITH_H

#include <cassert>
#include <cstdint>

namespace tilewright {

/// The policy that evaluates on 64-bit integers.
struct IntArith {
  using Value = int64_t;
  Value constant(int64_t v) const { return v; }
  Value add(Value a, Value b) const { return a + b; }
  Value sub(Value a, Value b) const { return a - b; }
  Value mul(Value a, Value b) const { return a * b; }
  Value divui(Value a, Value b) const {
    assert(a >= 0 && b > 0);
    return a / b;
  }
  Value remui(Value a, Value b) const {
    assert(a >= 0 && b > 0);
    return a % b;
  }
  Value minui(Value a, Value b) const { return a < b ? a : b; }
  Value bitXor(Value a, Value b) const { return a ^ b; }
  Value ult(Value a, Value b) const { return a < b; }
  Value select(Value c, Value t, Value f) const { return c ? t : f; }
};

} // namespace tilewright

#endif // TILEWRIGHT_SUPPORT_ARITH_H
