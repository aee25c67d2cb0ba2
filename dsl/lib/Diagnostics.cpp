//===- Diagnostics.cpp - errors with carets -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/DSL/Diagnostics.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace tilewright::dsl {

Diagnostics::Diagnostics(SourceMgr &sm, raw_ostream *os)
    : sm(sm), os(os ? os : &errs()) {}

Diagnostics::Diagnostics(SourceMgr &sm, Handler handler)
    : sm(sm), handler(std::move(handler)) {}

void Diagnostics::emit(SMLoc loc, SourceMgr::DiagKind kind,
                       const Twine &message, ArrayRef<SMRange> ranges) {
  // Ranges over several lines would be cut at the caret's line in a way that
  // depends on its column: keep those of one line.
  SmallVector<SMRange, 4> kept;
  for (SMRange range : ranges)
    if (range.isValid() &&
        !StringRef(range.Start.getPointer(),
                   range.End.getPointer() - range.Start.getPointer())
             .contains('\n'))
      kept.push_back(range);
  SMDiagnostic diag = sm.GetMessage(loc, kind, message, kept);
  if (handler)
    handler(diag);
  else
    diag.print(nullptr, *os, /*ShowColors=*/os->has_colors());
}

void Diagnostics::error(SMLoc loc, const Twine &message,
                        ArrayRef<SMRange> ranges) {
  dropNotes = !seen.insert({loc.getPointer(), message.str()}).second;
  if (dropNotes)
    return;
  ++numErrors;
  if (numErrors > maxErrors) {
    dropNotes = true;
    if (numErrors == maxErrors + 1)
      emit(loc, SourceMgr::DK_Error, "too many errors; the rest is not shown",
           {});
    return;
  }
  emit(loc, SourceMgr::DK_Error, message, ranges);
}

void Diagnostics::warning(SMLoc loc, const Twine &message,
                          ArrayRef<SMRange> ranges) {
  dropNotes = !seen.insert({loc.getPointer(), message.str()}).second;
  if (!dropNotes)
    emit(loc, SourceMgr::DK_Warning, message, ranges);
}

void Diagnostics::note(SMLoc loc, const Twine &message) {
  if (!dropNotes)
    emit(loc, SourceMgr::DK_Note, message, {});
}

void Diagnostics::fixit(SMLoc loc, const Twine &message) {
  note(loc, "fix: " + message);
}

} // namespace tilewright::dsl
