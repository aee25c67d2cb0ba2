//===- Symbols.h - a manifest's names for the simulator ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_TOOLS_SYMBOLS_H
#define TILEWRIGHT_TOOLS_SYMBOLS_H

#include "tilewright/Sim/Symbols.h"

#include "llvm/Support/JSON.h"

namespace tilewright::cli {

/// The roles, pipes, store buffers and barriers that the `resources` of a
/// manifest describe (docs/architecture.md). What is not there stays unnamed.
sim::Symbols describeSymbols(const llvm::json::Object &manifest);

} // namespace tilewright::cli

#endif // TILEWRIGHT_TOOLS_SYMBOLS_H
