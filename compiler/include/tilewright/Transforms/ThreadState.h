//===- ThreadState.h - running values through structured control flow -----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A running value is what a variable of an imperative program would be: some
// operations read and replace it, in the order of execution. This turns such
// variables into SSA values: loops carry the ones that their bodies change,
// branches return them, and nothing else changes.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_TRANSFORMS_THREADSTATE_H
#define TILEWRIGHT_TRANSFORMS_THREADSTATE_H

#include "mlir/IR/Block.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/LogicalResult.h"

namespace tilewright {

struct StateThreader {
  /// Sets the bits of the variables that `op` itself (not what is nested in
  /// it) replaces.
  llvm::function_ref<void(mlir::Operation *op, llvm::BitVector &)> changes;
  /// Rewrites `op`, one for which `changes` set a bit: reads `state` and
  /// replaces values in it by ones defined after `op`.
  llvm::function_ref<void(mlir::Operation *op,
                          llvm::MutableArrayRef<mlir::Value> state)>
      update;

  /// Runs over `block`; `state` holds the values at its start and then those
  /// at its end. Loops and branches (tile.for_each, scf.for, scf.if,
  /// scf.while) that change a variable are replaced by ones that carry it.
  /// Any other operation that hides a change in its regions is an error.
  llvm::LogicalResult run(mlir::Block &block,
                          llvm::SmallVectorImpl<mlir::Value> &state);

private:
  llvm::LogicalResult runOn(mlir::Operation *op,
                            llvm::SmallVectorImpl<mlir::Value> &state);
};

} // namespace tilewright

#endif // TILEWRIGHT_TRANSFORMS_THREADSTATE_H
