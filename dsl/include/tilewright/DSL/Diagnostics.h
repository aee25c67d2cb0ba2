//===- Diagnostics.h - errors with carets -----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_DSL_DIAGNOSTICS_H
#define TILEWRIGHT_DSL_DIAGNOSTICS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/SourceMgr.h"
#include <functional>
#include <set>
#include <string>

namespace tilewright::dsl {

/// Collects and prints diagnostics of one run. The same error at the same
/// place is reported once (clones of a body would repeat it); after
/// `maxErrors` errors the rest is only counted.
class Diagnostics {
public:
  using Handler = std::function<void(const llvm::SMDiagnostic &)>;

  explicit Diagnostics(llvm::SourceMgr &sm, llvm::raw_ostream *os = nullptr);
  /// Passes diagnostics on instead of printing them.
  Diagnostics(llvm::SourceMgr &sm, Handler handler);

  void error(llvm::SMLoc loc, const llvm::Twine &message,
             llvm::ArrayRef<llvm::SMRange> ranges = {});
  void warning(llvm::SMLoc loc, const llvm::Twine &message,
               llvm::ArrayRef<llvm::SMRange> ranges = {});
  /// Belongs to the last error or warning; dropped with it.
  void note(llvm::SMLoc loc, const llvm::Twine &message);
  /// A proposed change, as text: `fix: swap the operands: mma(s.b, s.a)`.
  void fixit(llvm::SMLoc loc, const llvm::Twine &message);

  bool hasErrors() const { return numErrors != 0; }
  unsigned getNumErrors() const { return numErrors; }
  llvm::SourceMgr &getSourceMgr() { return sm; }

  unsigned maxErrors = 20;

private:
  void emit(llvm::SMLoc loc, llvm::SourceMgr::DiagKind kind,
            const llvm::Twine &message, llvm::ArrayRef<llvm::SMRange> ranges);

  llvm::SourceMgr &sm;
  llvm::raw_ostream *os = nullptr;
  Handler handler;
  std::set<std::pair<const char *, std::string>> seen;
  unsigned numErrors = 0;
  bool dropNotes = false;
};

} // namespace tilewright::dsl

#endif // TILEWRIGHT_DSL_DIAGNOSTICS_H
