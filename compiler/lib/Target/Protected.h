//===- Protected.h - survive fatal errors of LLVM ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_LIB_TARGET_PROTECTED_H
#define TILEWRIGHT_LIB_TARGET_PROTECTED_H

#include "llvm/ADT/STLFunctionalExtras.h"

#include <optional>
#include <string>

namespace tilewright::target {

/// Calls `action`. When LLVM gives up in it (report_fatal_error, such as
/// "Cannot select") or it crashes, control comes back here and the reason is
/// returned; frames in between are left without running destructors, so what
/// `action` was working on must be leaked, not destroyed.
///
/// LLVM's NVPTX back end reports what a chip lacks in no other way. A child
/// process would be cleaner, but a library that a multi-threaded Python loads
/// can neither fork nor count on a program of its own to run.
///
/// Safe to call from several threads at once. While any of them is inside,
/// handlers for SIGSEGV, SIGABRT and the like are installed; a crash of
/// another thread goes on to the handlers that were there before.
std::optional<std::string> runProtected(llvm::function_ref<void()> action);

} // namespace tilewright::target

#endif // TILEWRIGHT_LIB_TARGET_PROTECTED_H
