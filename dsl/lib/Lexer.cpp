//===- Lexer.cpp - source text to tokens ----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lexer.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Error.h"

using namespace llvm;

namespace tilewright::dsl {

namespace {
constexpr std::pair<Tok, const char *> keywords[] = {
#define TILEWRIGHT_KEYWORD(ID, TEXT) {Tok::ID, TEXT},
#include "Keywords.def"
};
constexpr std::pair<Tok, const char *> punctuation[] = {
#define TILEWRIGHT_PUNCTUATION(ID, TEXT) {Tok::ID, TEXT},
#include "Keywords.def"
};

Tok keywordOrIdent(StringRef text) {
  for (auto &[kind, spelling] : keywords)
    if (text == spelling)
      return kind;
  return Tok::Ident;
}

bool isIdentStart(char c) { return isAlpha(c) || c == '_'; }
bool isIdentBody(char c) { return isAlnum(c) || c == '_'; }

class Lexer {
public:
  Lexer(StringRef source, Diagnostics &diags)
      : pos(source.begin()), end(source.end()), diags(diags) {}

  std::vector<Token> run() {
    std::vector<Token> tokens;
    while (true) {
      bool newLine = skipSpace() || tokens.empty();
      Token token = next();
      if (token.kind == Tok::Error) {
        pendingNewLine = newLine; // The next token then starts the line.
        continue;
      }
      token.startsLine = newLine;
      tokens.push_back(token);
      if (token.kind == Tok::Eof)
        return tokens;
    }
  }

private:
  /// True if a line break was skipped.
  bool skipSpace() {
    bool newLine = pendingNewLine;
    pendingNewLine = false;
    while (pos != end) {
      if (*pos == '#') {
        while (pos != end && *pos != '\n')
          ++pos;
        continue;
      }
      if (*pos == '\n')
        newLine = true;
      else if (*pos != ' ' && *pos != '\t' && *pos != '\r')
        break;
      ++pos;
    }
    return newLine;
  }

  Token make(Tok kind, const char *start) {
    Token token;
    token.kind = kind;
    token.text = StringRef(start, pos - start);
    return token;
  }

  Token fail(const char *start, const Twine &message) {
    diags.error(SMLoc::getFromPointer(start), message);
    return make(Tok::Error, start);
  }

  /// A zero stands in, so that the parser reports nothing more about it.
  Token failNumber(const char *start, const Twine &message) {
    diags.error(SMLoc::getFromPointer(start), message);
    return make(Tok::Int, start);
  }

  Token next() {
    const char *start = pos;
    if (pos == end)
      return make(Tok::Eof, start);
    if (isIdentStart(*pos)) {
      while (pos != end && isIdentBody(*pos))
        ++pos;
      Token token = make(Tok::Ident, start);
      token.kind = keywordOrIdent(token.text);
      return token;
    }
    if (isDigit(*pos))
      return number();
    if (*pos == '"')
      return string();
    StringRef rest(pos, end - pos);
    for (auto &[kind, spelling] : punctuation) {
      if (rest.starts_with(spelling)) {
        pos += StringRef(spelling).size();
        return make(kind, start);
      }
    }
    // One report for a run of such bytes (a whole UTF-8 character, say).
    auto known = [](char c) {
      return isIdentBody(c) || isSpace(c) || c == '"' || c == '#' ||
             StringRef("<>=!+-*/%()[]{},;:.@").contains(c);
    };
    ++pos;
    while (pos != end && !known(*pos))
      ++pos;
    std::string shown;
    for (char c : StringRef(start, std::min<size_t>(pos - start, 8)))
      shown += isPrint(c) ? std::string(1, c)
                          : "\\x" + utohexstr(uint8_t(c), /*LowerCase=*/true);
    return fail(start, "unexpected character '" + shown + "'");
  }

  Token number() {
    const char *start = pos;
    unsigned radix = 10;
    if (*pos == '0' && pos + 1 != end && (pos[1] == 'x' || pos[1] == 'X')) {
      radix = 16;
      pos += 2;
    }
    const char *digits = pos;
    while (pos != end &&
           (*pos == '_' || (radix == 16 ? isHexDigit(*pos) : isDigit(*pos))))
      ++pos;
    bool isFloat = false;
    // A point belongs to the number only before a digit: `0..n` is a range.
    if (radix == 10 && end - pos >= 2 && *pos == '.' && isDigit(pos[1])) {
      isFloat = true;
      ++pos;
      while (pos != end && isDigit(*pos))
        ++pos;
    }
    if (radix == 10 && pos != end && (*pos == 'e' || *pos == 'E')) {
      const char *exponent = pos + 1;
      if (exponent != end && (*exponent == '+' || *exponent == '-'))
        ++exponent;
      if (exponent != end && isDigit(*exponent)) {
        isFloat = true;
        pos = exponent;
        while (pos != end && isDigit(*pos))
          ++pos;
      }
    }
    if (pos != end && isIdentBody(*pos)) {
      while (pos != end && isIdentBody(*pos))
        ++pos;
      return failNumber(start,
                        "'" + StringRef(start, pos - start).take_front(40) +
                            "' is neither a number nor a name");
    }
    std::string text;
    for (char c : StringRef(digits, pos - digits))
      if (c != '_')
        text += c;
    Token token = make(isFloat ? Tok::Float : Tok::Int, start);
    if (isFloat) {
      APFloat value(APFloat::IEEEdouble());
      auto status = value.convertFromString(text, APFloat::rmNearestTiesToEven);
      if (!status) {
        consumeError(status.takeError());
        return failNumber(start, "malformed number");
      }
      if (value.isInfinity())
        return failNumber(start,
                          "number is too large for 64-bit floating point");
      token.floatValue = value.convertToDouble();
      return token;
    }
    uint64_t value = 0;
    if (text.empty())
      return failNumber(start, "'0x' needs hexadecimal digits");
    if (StringRef(text).getAsInteger(radix, value) || value > INT64_MAX)
      return failNumber(start, "integer does not fit in 64 bits");
    token.intValue = int64_t(value);
    return token;
  }

  Token string() {
    const char *start = pos++;
    while (pos != end && *pos != '"' && *pos != '\n') {
      if (*pos == '\\' && pos + 1 != end && pos[1] != '\n')
        ++pos;
      ++pos;
    }
    if (pos == end || *pos != '"')
      return failNumber(start, "string has no closing quote on its line");
    ++pos;
    return make(Tok::String, start);
  }

  const char *pos, *end;
  Diagnostics &diags;
  bool pendingNewLine = false;
};
} // namespace

std::vector<Token> lex(StringRef source, Diagnostics &diags) {
  return Lexer(source, diags).run();
}

bool isKeyword(StringRef name) { return keywordOrIdent(name) != Tok::Ident; }

std::string describe(Tok kind) {
  switch (kind) {
  case Tok::Eof:
    return "the end of the file";
  case Tok::Error:
    return "an unreadable token";
  case Tok::Ident:
    return "a name";
  case Tok::Int:
    return "an integer";
  case Tok::Float:
    return "a number";
  case Tok::String:
    return "a string";
  default:
    break;
  }
  for (auto &[k, text] : keywords)
    if (k == kind)
      return ("'" + Twine(text) + "'").str();
  for (auto &[k, text] : punctuation)
    if (k == kind)
      return ("'" + Twine(text) + "'").str();
  return "a token";
}

} // namespace tilewright::dsl
