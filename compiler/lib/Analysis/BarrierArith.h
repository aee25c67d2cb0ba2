//===- BarrierArith.h - integer operations of barrier programs --*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_LIB_ANALYSIS_BARRIERARITH_H
#define TILEWRIGHT_LIB_ANALYSIS_BARRIERARITH_H

#include "tilewright/Analysis/BarrierProgram.h"

namespace tilewright {

/// The operation's number, if it is one on integers that can be evaluated; sets
/// what else the instruction needs.
std::optional<unsigned> getBarrierOpcode(mlir::Operation *op,
                                         BarrierInst &inst);

/// The result for known operands; unknown where there is none.
BarrierValue evaluateBarrierArith(const BarrierInst &inst, BarrierValue a,
                                  BarrierValue b);

} // namespace tilewright

#endif // TILEWRIGHT_LIB_ANALYSIS_BARRIERARITH_H
