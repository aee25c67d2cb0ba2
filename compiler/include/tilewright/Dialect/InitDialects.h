//===- InitDialects.h - registers everything that the pipeline uses -------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_INITDIALECTS_H
#define TILEWRIGHT_INITDIALECTS_H

#include "mlir/IR/DialectRegistry.h"

namespace tilewright {

/// Adds Tilewright's dialects and the upstream ones that they lower to.
void registerDialects(mlir::DialectRegistry &registry);

/// Adds only the upstream dialects: a parser with this registry rejects any
/// operation of ours that leaked through the lowering.
void registerUpstreamDialects(mlir::DialectRegistry &registry);

} // namespace tilewright

#endif // TILEWRIGHT_INITDIALECTS_H
