//===- Artefact.h - A compiled kernel: image and manifest -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_RUNTIME_ARTEFACT_H
#define TILEWRIGHT_RUNTIME_ARTEFACT_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace tilewright::runtime {

/// What the compiler produces and the launcher consumes.
struct Artefact {
  enum class Kind { Cubin, Ptx };
  Kind kind = Kind::Cubin;
  std::string image;    ///< The cubin (ELF), or PTX text.
  std::string manifest; ///< JSON, docs/architecture.md.
  /// Remarks and warnings of the compilation, for people. Not cached results
  /// carry them; cached ones carry what was said when they were built.
  std::string diagnostics;

  /// The kind of `image`, from its first bytes.
  static Kind kindOf(llvm::StringRef image);

  /// Reads an artefact from `path`: a directory with `manifest.json` and
  /// `kernel.cubin` or `kernel.ptx`; or one file of a pair `x.json` and
  /// `x.cubin` or `x.ptx`.
  static llvm::Expected<Artefact> load(llvm::StringRef path);

  /// Writes `stem.json` and `stem.cubin` (or `stem.ptx`).
  llvm::Error save(llvm::StringRef stem) const;
};

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_ARTEFACT_H
