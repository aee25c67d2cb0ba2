//===- Profile.h - what the cost model reads off a planned kernel ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_TUNING_PROFILE_H
#define TILEWRIGHT_TUNING_PROFILE_H

#include "tilewright/Dialect/Tile/TileDialect.h"
#include "tilewright/Tuning/CostModel.h"

namespace tilewright::tuning {

/// The profile of a kernel after the planning passes. Fails, with the reason
/// in `why`, for a kernel whose work does not follow from its dimensions: no
/// iterator over tiles, or loops whose trip counts are data.
std::optional<KernelProfile> profileKernel(tile::KernelOp kernel,
                                           std::string &why);

} // namespace tilewright::tuning

#endif // TILEWRIGHT_TUNING_PROFILE_H
