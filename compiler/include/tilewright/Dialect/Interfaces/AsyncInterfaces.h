//===- AsyncInterfaces.h - what runs beside the program -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Interfaces through which passes ask what an operation does asynchronously,
// so that none of them lists operation names.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_DIALECT_INTERFACES_ASYNCINTERFACES_H
#define TILEWRIGHT_DIALECT_INTERFACES_ASYNCINTERFACES_H

#include "mlir/IR/OpDefinition.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>

namespace tilewright {

/// Where the end of an asynchronous read of shared memory can be observed.
enum class ReadRetirement : uint8_t {
  /// At a wait for the operation's token (`mma.contract`).
  Token,
  /// At a wait for the bulk-copy group that the issuing thread committed (PTX
  /// ISA, cp.async.bulk.wait_group.read): only that thread can wait.
  BulkGroup,
  /// At a wait for the warpgroup's committed wgmma group (PTX ISA,
  /// wgmma.wait_group): every warp of the warpgroup waits.
  MatrixGroup,
};

} // namespace tilewright

#include "tilewright/Dialect/Interfaces/AsyncInterfaces.h.inc"

#endif // TILEWRIGHT_DIALECT_INTERFACES_ASYNCINTERFACES_H
