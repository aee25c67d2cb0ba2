//===- InProcessAssembler.h - nvJitLink and nvPTXCompiler -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_LIB_TARGET_INPROCESSASSEMBLER_H
#define TILEWRIGHT_LIB_TARGET_INPROCESSASSEMBLER_H

#include "tilewright/Target/Assembler.h"

namespace tilewright::target {

/// Loads the library `path` (a bare name goes through the dynamic linker) and
/// says what it is. Fails when it cannot be loaded or is neither.
llvm::Expected<AssemblerInfo> openAssemblerLibrary(llvm::StringRef path);

/// assemble() for AssemblerKind::NvJitLink and NvPTXCompiler; fills in `ok`,
/// `cubin` and `log`.
llvm::Error assembleInProcess(const AssemblerInfo &assembler,
                              llvm::StringRef ptx,
                              const AssembleOptions &options,
                              AssembleResult &result);

} // namespace tilewright::target

#endif // TILEWRIGHT_LIB_TARGET_INPROCESSASSEMBLER_H
