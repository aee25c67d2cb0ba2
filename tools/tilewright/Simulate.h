//===- Simulate.h - tilewright run --device sim -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_TOOLS_SIMULATE_H
#define TILEWRIGHT_TOOLS_SIMULATE_H

#include "Launch.h"

namespace tilewright::cli {

/// Runs the compiled kernel's PTX on the simulator, from copies of the launch's
/// tensors; `after` is what they hold then. Findings are printed and fail.
/// `--ptx` replaces the kernel's PTX; `--trace` writes a timeline.
Exit simulate(Launch &launch, std::vector<runtime::HostTensor> &after);

/// An option was given that only the simulator has.
bool tracesOrReplacesPtx();

} // namespace tilewright::cli

#endif // TILEWRIGHT_TOOLS_SIMULATE_H
