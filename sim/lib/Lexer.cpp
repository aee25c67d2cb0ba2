//===- Lexer.cpp - Tokens of PTX ------------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Lexer.h"
#include "llvm/ADT/StringExtras.h"

using namespace tilewright::sim;

void Lexer::skipSpace() {
  while (position < text.size()) {
    char c = text[position];
    if (c == '\n') {
      ++line;
      ++position;
    } else if (llvm::isSpace(c)) {
      ++position;
    } else if (text.substr(position).starts_with("//")) {
      position = std::min(text.find('\n', position), text.size());
    } else if (text.substr(position).starts_with("/*")) {
      size_t end = std::min(text.find("*/", position), text.size());
      line += text.slice(position, end).count('\n');
      position = std::min(end + 2, text.size());
    } else {
      return;
    }
  }
}

static bool startsWord(char c) {
  return llvm::isAlpha(c) || c == '_' || c == '$' || c == '%' || c == '.';
}

void Lexer::advance() {
  skipSpace();
  token.line = line;
  tokenStart = position;
  if (position == text.size()) {
    token.kind = Token::End;
    token.text = "";
    return;
  }
  size_t start = position;
  char c = text[position++];
  if (c == '"') {
    while (position < text.size() && text[position] != '"')
      ++position;
    token.kind = Token::String;
    token.text = text.slice(start + 1, position);
    position = std::min(position + 1, text.size());
    return;
  }
  if (startsWord(c)) {
    // `::` belongs to opcodes (shared::cta); a single colon ends a label.
    while (position < text.size()) {
      char n = text[position];
      if (llvm::isAlnum(n) || n == '_' || n == '$' || n == '.')
        ++position;
      else if (n == ':' && text.substr(position).starts_with("::"))
        position += 2;
      else
        break;
    }
    token.kind = Token::Word;
  } else if (llvm::isDigit(c)) {
    while (position < text.size() &&
           (llvm::isAlnum(text[position]) || text[position] == '.'))
      ++position;
    token.kind = Token::Number;
  } else {
    token.kind = Token::Punct;
  }
  token.text = text.slice(start, position);
}

llvm::StringRef Lexer::restOfLine() {
  size_t end = std::min(text.find('\n', tokenStart), text.size());
  llvm::StringRef rest = text.slice(tokenStart, end);
  position = end;
  line = token.line;
  advance();
  return rest;
}
