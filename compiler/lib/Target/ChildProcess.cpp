//===- ChildProcess.cpp - run a program with a time limit -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ChildProcess.h"

#include "llvm/ADT/Twine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"

#include <chrono>
#include <signal.h>
#include <sys/stat.h>
#include <thread>

using namespace llvm;

namespace tilewright::target {

Expected<TempFolder> TempFolder::create(StringRef base) {
  SmallString<128> prefix(base);
  if (base.empty())
    sys::path::system_temp_directory(/*erasedOnReboot=*/true, prefix);
  sys::path::append(prefix, "tilewright");
  // createUniqueDirectory puts relative models into the system's temporary
  // folder: make the path absolute first.
  if (std::error_code error = sys::fs::make_absolute(prefix))
    return createStringError(error, "cannot use the temporary folder '" +
                                        prefix.str() + "': " + error.message());
  SmallString<128> path;
  if (std::error_code error = sys::fs::createUniqueDirectory(prefix, path))
    return createStringError(error, "cannot create a temporary folder '" +
                                        prefix.str() +
                                        "-…': " + error.message());
  // Nobody else may put an input or output of the assembler there.
  (void)::chmod(path.c_str(), S_IRWXU);
  return TempFolder(path);
}

TempFolder::~TempFolder() {
  if (!path.empty())
    sys::fs::remove_directories(path, /*IgnoreErrors=*/true);
}

std::string TempFolder::file(StringRef name) const {
  SmallString<128> result(path);
  sys::path::append(result, name);
  return std::string(result);
}

/// Waits for `child`. LLVM's own time limit works through alarm() and a
/// handler for SIGALRM, which belong to the process that we may be a guest in
/// (Python); so poll, first quickly and then every 2 ms.
static sys::ProcessInfo waitFor(const sys::ProcessInfo &child,
                                unsigned timeoutSeconds, std::string &error,
                                bool &timedOut) {
  using Clock = std::chrono::steady_clock;
  if (!timeoutSeconds)
    return sys::Wait(child, std::nullopt, &error);
  Clock::time_point end = Clock::now() + std::chrono::seconds(timeoutSeconds);
  std::chrono::microseconds pause(200);
  while (true) {
    sys::ProcessInfo done = sys::Wait(child, 0u, &error);
    if (done.Pid != 0)
      return done;
    if (Clock::now() >= end) {
      timedOut = true;
      ::kill(child.Pid, SIGKILL);
      return sys::Wait(child, std::nullopt, &error);
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::microseconds(2000));
  }
}

ChildResult runChild(StringRef program, ArrayRef<StringRef> args,
                     StringRef tempDir, unsigned timeoutSeconds) {
  ChildResult result;
  SmallString<128> log(tempDir);
  sys::path::append(log, "output.txt");
  std::optional<StringRef> redirects[] = {StringRef(""), StringRef(log),
                                          StringRef(log)};
  std::string error;
  bool failedToRun = false, timedOut = false;
  sys::ProcessInfo child =
      sys::ExecuteNoWait(program, args, std::nullopt, redirects,
                         /*MemoryLimit=*/0, &error, &failedToRun);
  if (failedToRun || child.Pid == 0) {
    result.failure =
        ("cannot run '" + program + "': " + (error.empty() ? "unknown" : error))
            .str();
    return result;
  }
  error.clear();
  sys::ProcessInfo done = waitFor(child, timeoutSeconds, error, timedOut);
  result.exitCode = done.ReturnCode;

  if (auto buffer = MemoryBuffer::getFile(log, /*IsText=*/false,
                                          /*RequiresNullTerminator=*/false))
    result.output = (*buffer)->getBuffer().str();

  if (timedOut)
    result.failure = ("'" + program + "' did not finish within " +
                      Twine(timeoutSeconds) + " s and was killed")
                         .str();
  else if (done.ReturnCode == -2)
    result.failure =
        ("'" + program + "' crashed: " + StringRef(error).rtrim()).str();
  else if (done.ReturnCode < 0)
    // posix_spawn's child reports a failed exec as status 127 or 126.
    result.failure =
        ("cannot run '" + program + "': " + StringRef(error).rtrim()).str();
  return result;
}

} // namespace tilewright::target
