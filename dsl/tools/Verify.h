//===- Verify.h - expected errors in the source -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_CHECK_VERIFY_H
#define TILEWRIGHT_CHECK_VERIFY_H

#include "llvm/ADT/StringRef.h"

namespace tilewright {

/// `--verify`: every error of the file must be announced by a comment
/// `# expected-error {{text}}` on its line (`expected-error@+2`, `@-1`: lines
/// away), and every announced error must come; so must announced notes
/// (`expected-note`). Lines `# -----` cut the file into sources of their own,
/// each with its values in a line `# constants: BM=128 N=64 target=sm_100a`.
/// Returns the number of differences, each of which it has printed.
unsigned verify(llvm::StringRef text, llvm::StringRef file);

} // namespace tilewright

#endif // TILEWRIGHT_CHECK_VERIFY_H
