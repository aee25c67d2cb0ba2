//===- ChildProcess.h - run a program with a time limit ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_LIB_TARGET_CHILDPROCESS_H
#define TILEWRIGHT_LIB_TARGET_CHILDPROCESS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace tilewright::target {

struct ChildResult {
  /// The exit status, when the program ran to its end.
  int exitCode = 0;
  /// Why it did not: "cannot run …", "crashed …", "… did not finish within …".
  /// Empty when it ran to its end.
  std::string failure;
  /// What it wrote to stdout and stderr.
  std::string output;
};

/// Runs `program` (a path) with `args` (the first one is its name), its output
/// caught in a file of `tempDir`. Kills it after `timeoutSeconds` (0: never).
ChildResult runChild(llvm::StringRef program,
                     llvm::ArrayRef<llvm::StringRef> args,
                     llvm::StringRef tempDir, unsigned timeoutSeconds);

/// A folder of its own below `base` (empty: the system's temporary folder)
/// that is removed with everything in it at the end.
class TempFolder {
public:
  static llvm::Expected<TempFolder> create(llvm::StringRef base = {});
  TempFolder(TempFolder &&other) : path(std::move(other.path)) {
    other.path.clear();
  }
  TempFolder(const TempFolder &) = delete;
  TempFolder &operator=(const TempFolder &) = delete;
  ~TempFolder();

  llvm::StringRef str() const { return path; }
  /// The path of a file in it.
  std::string file(llvm::StringRef name) const;

private:
  explicit TempFolder(llvm::StringRef path) : path(path) {}
  llvm::SmallString<128> path;
};

} // namespace tilewright::target

#endif // TILEWRIGHT_LIB_TARGET_CHILDPROCESS_H
