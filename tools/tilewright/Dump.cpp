//===- Dump.cpp - tilewright run --dump -----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Launch.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace tilewright;
using namespace tilewright::cli;

static cl::opt<std::string> dumpFolder(
    "dump", cl::value_desc("folder"),
    cl::desc("Write every tensor, as it is after the run, to NAME.bin in this "
             "folder: its elements row-major, without padding; tensors.json "
             "says their types and shapes"),
    cl::sub(runCommand));

/// The elements row-major; of types below a byte, which may share one, the
/// storage as it is.
static std::string elementsOf(const runtime::HostTensor &tensor) {
  std::string data;
  unsigned bytes = runtime::bits(tensor.dtype()) / 8;
  const auto *storage = reinterpret_cast<const char *>(tensor.bytes().data());
  if (bytes == 0)
    return std::string(storage, tensor.bytes().size());
  tensor.forEach([&](int64_t, int64_t offset) {
    data.append(storage + offset * bytes, bytes);
  });
  return data;
}

static bool writeFile(StringRef name, StringRef data) {
  SmallString<128> path(dumpFolder);
  sys::path::append(path, name);
  std::error_code code;
  raw_fd_ostream os(path, code);
  if (!code) {
    os << data;
    os.close();
    code = os.error();
    os.clear_error();
  }
  return !code ||
         report("--dump: cannot write '" + path + "': " + code.message());
}

bool cli::dump(ArrayRef<runtime::HostTensor> tensors) {
  if (dumpFolder.empty())
    return true;
  if (std::error_code code = sys::fs::create_directories(dumpFolder))
    return report("--dump: cannot make '" + dumpFolder +
                  "': " + code.message());
  json::Array described;
  for (const runtime::HostTensor &tensor : tensors) {
    described.push_back(
        json::Object{{"name", tensor.name()},
                     {"dtype", runtime::name(tensor.dtype()).str()},
                     {"shape", json::Array(tensor.shape())}});
    if (!writeFile(tensor.name() + ".bin", elementsOf(tensor)))
      return false;
  }
  std::string text;
  raw_string_ostream(text) << formatv("{0:2}\n",
                                      json::Value(std::move(described)));
  return writeFile("tensors.json", text);
}
