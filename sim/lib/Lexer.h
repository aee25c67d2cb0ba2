//===- Lexer.h - Tokens of PTX --------------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_SIM_LEXER_H
#define TILEWRIGHT_SIM_LEXER_H

#include "llvm/ADT/StringRef.h"

namespace tilewright::sim {

struct Token {
  enum Kind { End, Word, Number, String, Punct } kind = End;
  llvm::StringRef text;
  unsigned line = 0;
  bool is(llvm::StringRef spelling) const {
    return kind != String && text == spelling;
  }
};

/// Splits PTX text. A word is an identifier, directive, register or opcode
/// with all of its dotted parts; comments vanish.
class Lexer {
public:
  explicit Lexer(llvm::StringRef text) : text(text) { advance(); }

  const Token &peek() const { return token; }
  Token take() {
    Token result = token;
    advance();
    return result;
  }
  bool accept(llvm::StringRef spelling) {
    if (!token.is(spelling))
      return false;
    advance();
    return true;
  }
  /// The rest of the line that the current token is on, and skips it.
  llvm::StringRef restOfLine();

private:
  void advance();
  void skipSpace();

  llvm::StringRef text;
  size_t position = 0;
  size_t tokenStart = 0;
  unsigned line = 1;
  Token token;
};

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_LEXER_H
