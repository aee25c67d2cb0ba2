//===- Resources.h - the resource table of a planned kernel ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_LIB_DRIVER_RESOURCES_H
#define TILEWRIGHT_LIB_DRIVER_RESOURCES_H

#include "tilewright/Dialect/Tile/TileDialect.h"
#include "llvm/Support/JSON.h"

namespace tilewright {

/// What `tilewright info` prints, read off a kernel after planning: threads,
/// registers by role, shared memory by buffer, stages, barriers, tensor maps.
llvm::json::Object describeResources(tile::KernelOp kernel);

/// An attribute as JSON: integers, strings, booleans, arrays, dictionaries.
llvm::json::Value toJSON(mlir::Attribute attr);

} // namespace tilewright

#endif // TILEWRIGHT_LIB_DRIVER_RESOURCES_H
