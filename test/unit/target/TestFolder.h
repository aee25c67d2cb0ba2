//===- TestFolder.h - a folder with made-up programs ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_TEST_UNIT_TARGET_TESTFOLDER_H
#define TILEWRIGHT_TEST_UNIT_TARGET_TESTFOLDER_H

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <string>

/// A folder of the test's own, with a blank in its name; removed at the end.
class TestFolder {
public:
  TestFolder() {
    llvm::SmallString<128> base;
    llvm::sys::path::system_temp_directory(true, base);
    llvm::sys::path::append(base, "tilewright test");
    llvm::sys::fs::createUniqueDirectory(base, root);
  }
  ~TestFolder() { llvm::sys::fs::remove_directories(root); }

  std::string path(const llvm::Twine &name = "") const {
    llvm::SmallString<128> result(root);
    llvm::sys::path::append(result, name);
    return std::string(result);
  }

  /// Writes a file, and the folders above it.
  std::string file(const llvm::Twine &name, llvm::StringRef text,
                   bool executable = false) const {
    std::string result = path(name);
    llvm::sys::fs::create_directories(llvm::sys::path::parent_path(result));
    std::error_code error;
    llvm::raw_fd_ostream os(result, error);
    os << text;
    os.close();
    if (executable)
      llvm::sys::fs::setPermissions(result, llvm::sys::fs::all_all);
    return result;
  }

  /// A shell script.
  std::string script(const llvm::Twine &name, llvm::StringRef text) const {
    return file(name, ("#!/bin/sh\n" + text).str(), /*executable=*/true);
  }

  /// A ptxas that tells its version and runs `action` for anything else; in
  /// it, "$out" is the name of the file to write.
  std::string ptxas(const llvm::Twine &name, llvm::StringRef version = "13.0",
                    llvm::StringRef action = "exit 0") const {
    return script(
        name,
        ("if [ \"$1\" = --version ]; then echo 'Cuda compilation tools, "
         "release " +
         version + ", V" + version + ".88'; exit 0; fi\n" +
         "for a; do case \"$last\" in -o) out=$a;; esac; last=$a; done\n" +
         action + "\n")
            .str());
  }

private:
  llvm::SmallString<128> root;
};

#endif // TILEWRIGHT_TEST_UNIT_TARGET_TESTFOLDER_H
