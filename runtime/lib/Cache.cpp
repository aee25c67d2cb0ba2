//===- Cache.cpp - Content-addressed disk cache of artefacts --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tilewright/Runtime/Cache.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace tilewright;
using namespace tilewright::runtime;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

static std::string hashHex(llvm::StringRef bytes) {
  llvm::BLAKE3 hasher;
  hasher.update(bytes);
  return llvm::toHex(hasher.final<32>(), /*LowerCase=*/true);
}

KeyBuilder &KeyBuilder::add(llvm::StringRef field) {
  bytes += std::to_string(field.size()) + ":";
  bytes += field;
  return *this;
}

std::string KeyBuilder::finish() const { return hashHex(bytes); }

std::string Cache::defaultRoot() {
  if (const char *dir = std::getenv("TILEWRIGHT_CACHE_DIR"))
    return dir;
  llvm::SmallString<256> root;
  const char *xdg = std::getenv("XDG_CACHE_HOME");
  // The XDG specification: a relative path is to be ignored.
  if (xdg && path::is_absolute(xdg)) {
    root = xdg;
  } else {
    const char *home = std::getenv("HOME");
    if (!home || !*home)
      return "";
    root = home;
    path::append(root, ".cache");
  }
  path::append(root, "tilewright");
  return std::string(root);
}

Cache &Cache::global() {
  static Cache *cache = new Cache(defaultRoot());
  return *cache;
}

std::string Cache::pathOf(llvm::StringRef key) const {
  llvm::SmallString<256> out(root);
  path::append(out, key.take_front(2), key);
  return std::string(out);
}

void Cache::onWarning(void (*newHandler)(llvm::StringRef, void *),
                      void *context) {
  handler = newHandler;
  handlerContext = context;
}

void Cache::warnOnce(const llvm::Twine &message) {
  if (warned.exchange(true))
    return;
  std::string text = ("compiled kernels are not cached: " + message).str();
  if (handler)
    handler(text, handlerContext);
  else
    llvm::errs() << "tilewright: warning: " << text << "\n";
}

/// Removes an entry as a whole: readers never see it half removed, since it is
/// renamed away first.
void Cache::discard(llvm::StringRef entry) {
  std::string trash = root + "/tmp-" + std::to_string(getpid()) + "-" +
                      std::to_string(serial++) + "-trash";
  if (::rename(entry.str().c_str(), trash.c_str()) == 0)
    fs::remove_directories(trash, /*IgnoreErrors=*/true);
}

/// Removes what processes that died while writing left behind: temporary
/// directories older than a day.
void Cache::sweep() {
  if (swept.exchange(true))
    return;
  std::error_code error;
  auto now = std::chrono::system_clock::now();
  for (fs::directory_iterator it(root, error), end; it != end && !error;
       it.increment(error)) {
    if (!path::filename(it->path()).starts_with("tmp-"))
      continue;
    auto status = it->status();
    if (status &&
        now - status->getLastModificationTime() > std::chrono::hours(24))
      fs::remove_directories(it->path(), /*IgnoreErrors=*/true);
  }
}

/// Reads a file completely. Never maps it, because another process may truncate
/// it meanwhile; MemoryBuffer promises that for volatile files with a
/// terminator only.
static std::optional<std::string> slurp(const llvm::Twine &file) {
  auto buffer = llvm::MemoryBuffer::getFile(file, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/true,
                                            /*IsVolatile=*/true);
  if (!buffer)
    return std::nullopt;
  return (*buffer)->getBuffer().str();
}

static const char *const entryHeader = "tilewright-cache-1";

/// The text of `entry`: a header, "size hash name" for every file, and the
/// hash of all that, so that a truncated list is noticed as well.
static std::string
entryText(llvm::ArrayRef<std::pair<std::string, llvm::StringRef>> files) {
  std::string text = std::string(entryHeader) + "\n";
  for (const auto &[name, bytes] : files)
    text +=
        std::to_string(bytes.size()) + " " + hashHex(bytes) + " " + name + "\n";
  return text + hashHex(text) + "\n";
}

std::optional<Artefact> Cache::lookup(llvm::StringRef key) {
  if (root.empty())
    return std::nullopt;
  std::string entry = pathOf(key);
  auto text = slurp(entry + "/entry");
  if (!text) {
    // No list, but a directory: a writer never publishes that.
    if (fs::is_directory(entry))
      discard(entry);
    return std::nullopt;
  }
  Artefact artefact;
  llvm::SmallVector<llvm::StringRef, 8> lines;
  llvm::StringRef(*text).split(lines, '\n', -1, /*KeepEmpty=*/false);
  std::vector<std::pair<std::string, std::string>> files;
  bool sound = lines.size() >= 2 && lines.front() == entryHeader;
  for (size_t i = 1; sound && i + 1 < lines.size(); ++i) {
    llvm::StringRef fileName = lines[i].rsplit(' ').second;
    // The list is only trusted after the comparison below, so look at nothing
    // outside the entry.
    sound = !fileName.contains('/');
    auto bytes = sound ? slurp(entry + "/" + fileName) : std::nullopt;
    sound = bytes.has_value();
    if (sound)
      files.emplace_back(fileName.str(), std::move(*bytes));
  }
  if (sound) {
    std::vector<std::pair<std::string, llvm::StringRef>> views;
    for (const auto &[name, bytes] : files)
      views.emplace_back(name, bytes);
    sound = entryText(views) == *text;
  }
  bool hasImage = false;
  for (auto &[name, bytes] : files) {
    if (name == "manifest.json") {
      artefact.manifest = std::move(bytes);
    } else if (name == "diagnostics.txt") {
      artefact.diagnostics = std::move(bytes);
    } else if (name == "kernel.cubin" || name == "kernel.ptx") {
      artefact.kind =
          name == "kernel.ptx" ? Artefact::Kind::Ptx : Artefact::Kind::Cubin;
      artefact.image = std::move(bytes);
      hasImage = true;
    }
  }
  if (!sound || !hasImage || artefact.manifest.empty()) {
    discard(entry);
    return std::nullopt;
  }
  return artefact;
}

/// Writes a new file; an error code if any byte did not reach it.
static std::error_code writeFile(const std::string &file,
                                 llvm::StringRef bytes) {
  int descriptor =
      ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (descriptor < 0)
    return std::error_code(errno, std::generic_category());
  std::error_code result;
  while (!bytes.empty() && !result) {
    ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written > 0)
      bytes = bytes.drop_front(size_t(written));
    else if (written == 0 || errno != EINTR)
      result = std::error_code(written == 0 ? ENOSPC : errno,
                               std::generic_category());
  }
  // Network file systems report a full disk here.
  if (::close(descriptor) != 0 && !result)
    result = std::error_code(errno, std::generic_category());
  return result;
}

bool Cache::store(llvm::StringRef key, const Artefact &artefact) {
  if (root.empty() || broken)
    return false;
  auto fail = [&](const llvm::Twine &what, std::error_code error) {
    // Do not try again for every kernel of this process.
    broken = true;
    warnOnce(what + ": " + error.message());
    return false;
  };
  std::string entry = pathOf(key);
  std::string parent(path::parent_path(entry));
  if (std::error_code error = fs::create_directories(
          parent, /*IgnoreExisting=*/true, fs::perms(0755)))
    return fail("cannot create '" + parent + "'", error);
  sweep();

  // In `root`, since a rename needs one file system.
  std::string temporary = root + "/tmp-" + std::to_string(getpid()) + "-" +
                          std::to_string(serial++) + "-" +
                          std::to_string(llvm::sys::Process::GetRandomNumber());
  if (::mkdir(temporary.c_str(), 0755) != 0)
    return fail("cannot create '" + temporary + "'",
                std::error_code(errno, std::generic_category()));
  std::vector<std::pair<std::string, llvm::StringRef>> files = {
      {"manifest.json", artefact.manifest},
      {artefact.kind == Artefact::Kind::Ptx ? "kernel.ptx" : "kernel.cubin",
       artefact.image},
      {"diagnostics.txt", artefact.diagnostics}};
  std::string list = entryText(files);
  files.emplace_back("entry", list);
  for (const auto &[name, bytes] : files)
    if (std::error_code error = writeFile(temporary + "/" + name, bytes)) {
      fs::remove_directories(temporary, /*IgnoreErrors=*/true);
      return fail("cannot write '" + temporary + "/" + name + "'", error);
    }
  if (::rename(temporary.c_str(), entry.c_str()) == 0)
    return true;
  int error = errno;
  fs::remove_directories(temporary, /*IgnoreErrors=*/true);
  // Someone else published the same key first: the entries are equal.
  if (error == ENOTEMPTY || error == EEXIST)
    return true;
  return fail("cannot create '" + entry + "'",
              std::error_code(error, std::generic_category()));
}
