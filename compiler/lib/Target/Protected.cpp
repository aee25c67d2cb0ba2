//===- Protected.cpp - survive fatal errors of LLVM -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Protected.h"

#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/PrettyStackTrace.h"
#include "llvm/Support/raw_ostream.h"

#include <cstring>
#include <mutex>

using namespace llvm;

namespace tilewright::target {

namespace {

/// The message of the fatal error that this thread is leaving by.
thread_local std::string *fatalMessage = nullptr;

/// Handlers are the process's, so they are counted.
std::mutex mutex;
unsigned users = 0;

} // namespace

static void onFatalError(void *, const char *reason, bool) {
  if (!fatalMessage || !CrashRecoveryContext::GetCurrent()) {
    // A thread of somebody else: what LLVM does without a handler.
    errs() << "LLVM ERROR: " << reason << "\n";
    return;
  }
  *fatalMessage = StringRef(reason).rtrim().str();
  CrashRecoveryContext::GetCurrent()->HandleExit(1);
}

static void enter() {
  std::lock_guard<std::mutex> guard(mutex);
  if (users++)
    return;
  install_fatal_error_handler(onFatalError);
  CrashRecoveryContext::Enable();
}

static void leave() {
  std::lock_guard<std::mutex> guard(mutex);
  if (--users)
    return;
  CrashRecoveryContext::Disable();
  remove_fatal_error_handler();
}

std::optional<std::string> runProtected(function_ref<void()> action) {
  std::string message;
  enter();
  std::string *outer = std::exchange(fatalMessage, &message);
  const void *stack = SavePrettyStackState();
  int code = 0;
  bool survived;
  {
    CrashRecoveryContext context;
    survived = context.RunSafely(action);
    code = context.RetCode;
  }
  RestorePrettyStackState(stack);
  fatalMessage = outer;
  leave();
  if (survived)
    return std::nullopt;
  if (!message.empty())
    return message;
  // 128 + the signal's number, as a shell says it.
  const char *name = code > 128 ? ::strsignal(code - 128) : nullptr;
  return std::string("LLVM crashed") + (name ? std::string(": ") + name : "");
}

} // namespace tilewright::target
