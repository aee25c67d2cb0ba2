//===- Passes.h - lowering to the NVVM and LLVM dialects ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_CONVERSION_PASSES_H
#define TILEWRIGHT_CONVERSION_PASSES_H

#include "mlir/Pass/Pass.h"

namespace tilewright {

#define GEN_PASS_DECL
#include "tilewright/Conversion/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "tilewright/Conversion/Passes.h.inc"

} // namespace tilewright

#endif // TILEWRIGHT_CONVERSION_PASSES_H
