//===- Cache.h - Content-addressed disk cache of artefacts ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_RUNTIME_CACHE_H
#define TILEWRIGHT_RUNTIME_CACHE_H

#include "tilewright/Runtime/Artefact.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <atomic>
#include <mutex>
#include <optional>
#include <string>

namespace tilewright::runtime {

/// Accumulates a cache key. Fields are hashed with their lengths, so that
/// ("ab", "c") and ("a", "bc") differ; the result is BLAKE3 in hexadecimal.
class KeyBuilder {
public:
  KeyBuilder &add(llvm::StringRef field);
  std::string finish() const;

private:
  std::string bytes;
};

/// A directory of artefacts named by key. An entry is a directory
///
///     <root>/<first 2 digits>/<key>/{manifest.json, kernel.cubin|kernel.ptx,
///                                    diagnostics.txt, entry}
///
/// written under a temporary name and published by one rename, so that readers
/// see whole entries only and any number of processes may write the same key.
/// `entry` records the size and BLAKE3 of every file: an entry that was
/// truncated or damaged is removed and reported as absent. A disk that is
/// full or read-only costs one warning a process and nothing else.
class Cache {
public:
  /// The cache in `root`; empty: a cache that stores nothing.
  explicit Cache(std::string root) : root(std::move(root)) {}

  /// `$TILEWRIGHT_CACHE_DIR` (set but empty: no cache), else
  /// `$XDG_CACHE_HOME/tilewright`, else `$HOME/.cache/tilewright`, else none.
  static std::string defaultRoot();
  /// The process-wide cache at `defaultRoot()`.
  static Cache &global();

  std::optional<Artefact> lookup(llvm::StringRef key);

  /// Stores an artefact; false if it could not (after one warning).
  bool store(llvm::StringRef key, const Artefact &artefact);

  /// Removes an entry (one that is whole but of no use to the caller).
  void remove(llvm::StringRef key) { discard(pathOf(key)); }

  /// Where `key` is stored, for messages and tests.
  std::string pathOf(llvm::StringRef key) const;
  const std::string &directory() const { return root; }

  /// Receives the one warning; default: standard error.
  void onWarning(void (*handler)(llvm::StringRef, void *), void *context);

private:
  void warnOnce(const llvm::Twine &message);
  void discard(llvm::StringRef path);
  void sweep();

  std::string root;
  std::atomic<bool> warned{false}, swept{false}, broken{false};
  std::atomic<unsigned> serial{0};
  void (*handler)(llvm::StringRef, void *) = nullptr;
  void *handlerContext = nullptr;
};

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_CACHE_H
