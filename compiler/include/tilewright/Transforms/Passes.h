//===- Passes.h - the pass pipeline and its passes ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_TRANSFORMS_PASSES_H
#define TILEWRIGHT_TRANSFORMS_PASSES_H

#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"

namespace tilewright {

#define GEN_PASS_DECL
#include "tilewright/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "tilewright/Transforms/Passes.h.inc"

} // namespace tilewright

#endif // TILEWRIGHT_TRANSFORMS_PASSES_H
