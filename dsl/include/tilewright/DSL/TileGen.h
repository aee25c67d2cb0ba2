//===- TileGen.h - from the typed kernel to the tile dialect --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_DSL_TILEGEN_H
#define TILEWRIGHT_DSL_TILEGEN_H

#include "tilewright/DSL/Typed.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace llvm {
class SourceMgr;
}

namespace tilewright::dsl {

/// Emits `kernel` as a module with one `tile.kernel`. Locations are those of
/// the source in `sources`. A construct that is not lowered yet is an MLIR
/// diagnostic at that construct; then (or after any other error) the result is
/// null.
mlir::OwningOpRef<mlir::ModuleOp>
generateTile(mlir::MLIRContext &context,
             const typed::InstantiatedKernel &kernel,
             const llvm::SourceMgr &sources);

} // namespace tilewright::dsl

#endif // TILEWRIGHT_DSL_TILEGEN_H
