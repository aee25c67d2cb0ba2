//===- Lexer.h - tokens of the language -------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_DSL_LEXER_H
#define TILEWRIGHT_DSL_LEXER_H

#include "tilewright/DSL/Diagnostics.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <string>
#include <vector>

namespace tilewright::dsl {

enum class Tok : uint8_t {
  Eof,
  Error,
  Ident,
  Int,
  Float,
  String,
#define TILEWRIGHT_KEYWORD(ID, TEXT) ID,
#include "Keywords.def"
#define TILEWRIGHT_PUNCTUATION(ID, TEXT) ID,
#include "Keywords.def"
};

/// `'<-'`, `name`, `end of file`: for messages.
std::string describe(Tok kind);

struct Token {
  Tok kind = Tok::Eof;
  bool startsLine = false;
  llvm::StringRef text;
  union {
    int64_t intValue = 0;
    double floatValue;
  };
  llvm::SMLoc loc() const { return llvm::SMLoc::getFromPointer(text.data()); }
  llvm::SMLoc end() const {
    return llvm::SMLoc::getFromPointer(text.data() + text.size());
  }
};

/// All tokens of `source`, the last one Eof. Bytes that start no token are
/// reported and skipped.
std::vector<Token> lex(llvm::StringRef source, Diagnostics &diags);

/// Whether `name` is a keyword, which no declaration may take.
bool isKeyword(llvm::StringRef name);

} // namespace tilewright::dsl

#endif // TILEWRIGHT_DSL_LEXER_H
