//===- Artefact.cpp - A compiled kernel: image and manifest ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tilewright/Runtime/Artefact.h"
#include "tilewright/Runtime/Errors.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace tilewright;
using namespace tilewright::runtime;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

Artefact::Kind Artefact::kindOf(llvm::StringRef image) {
  return image.starts_with("\x7f"
                           "ELF")
             ? Kind::Cubin
             : Kind::Ptx;
}

static llvm::Expected<std::string> readFile(llvm::StringRef file) {
  auto buffer = llvm::MemoryBuffer::getFile(file, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/true,
                                            /*IsVolatile=*/true);
  if (!buffer)
    return llvm::createStringError(buffer.getError(),
                                   "cannot read '" + file +
                                       "': " + buffer.getError().message());
  return (*buffer)->getBuffer().str();
}

llvm::Expected<Artefact> Artefact::load(llvm::StringRef file) {
  llvm::SmallString<256> manifest(file), stem(file);
  if (fs::is_directory(file)) {
    path::append(manifest, "manifest.json");
    path::append(stem, "kernel.json");
  } else {
    path::replace_extension(manifest, "json");
  }
  auto text = readFile(manifest);
  if (!text)
    return text.takeError();
  Artefact artefact;
  artefact.manifest = std::move(*text);
  for (const char *extension : {"cubin", "ptx"}) {
    llvm::SmallString<256> image(stem);
    // A named image is the one that is meant.
    if (path::extension(file) == ".ptx" && llvm::StringRef(extension) != "ptx")
      continue;
    path::replace_extension(image, extension);
    if (!fs::exists(image))
      continue;
    auto bytes = readFile(image);
    if (!bytes)
      return bytes.takeError();
    artefact.image = std::move(*bytes);
    artefact.kind = kindOf(artefact.image);
    return std::move(artefact);
  }
  return manifestError("'" + manifest.str() +
                       "' has no .cubin or .ptx beside it");
}

llvm::Error Artefact::save(llvm::StringRef stem) const {
  auto write = [&](llvm::StringRef extension,
                   llvm::StringRef bytes) -> llvm::Error {
    std::string file = (stem + "." + extension).str();
    return llvm::writeToOutput(file, [&](llvm::raw_ostream &os) {
      os << bytes;
      return llvm::Error::success();
    });
  };
  if (llvm::Error error = write("json", manifest))
    return error;
  return write(kind == Kind::Cubin ? "cubin" : "ptx", image);
}
