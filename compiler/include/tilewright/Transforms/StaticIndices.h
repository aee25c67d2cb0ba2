//===- StaticIndices.h - places of the slots of static rings --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_TRANSFORMS_STATICINDICES_H
#define TILEWRIGHT_TRANSFORMS_STATICINDICES_H

#include "tilewright/Dialect/Tile/TileDialect.h"

namespace tilewright {

/// Gives every acquire of a static ring in `role` its index and removes the
/// `pipe.restart`s. Copies of an unrolled loop get constants where their number
/// is a multiple of the depth; other loops carry a counter. An acquire that no
/// `pipe.restart` precedes in its block, or in the block of its loop, is an
/// error.
mlir::LogicalResult assignStaticIndices(tile::RoleOp role);

} // namespace tilewright

#endif // TILEWRIGHT_TRANSFORMS_STATICINDICES_H
