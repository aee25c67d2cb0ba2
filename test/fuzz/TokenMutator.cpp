//===- TokenMutator.cpp - Mutations that know the language's tokens -------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// libFuzzer's hooks for inputs that are kernels. Bytes changed at random hardly
// get past the lexer; these edits keep tokens whole and most often brackets
// balanced: tokens and statements are exchanged, left out, doubled, replaced by
// others of their kind, and statements and blocks of one kernel are put into
// another. One in eight mutations is libFuzzer's own, on bytes.
//
//===----------------------------------------------------------------------===//
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringRef.h"
#include <cstring>
#include <random>
#include <string>
#include <vector>

using llvm::StringRef;

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maxSize);

namespace {

enum class Kind : uint8_t { Space, Name, Number, Text, Punctuation };

struct Token {
  Kind kind;
  StringRef text;
};

using Tokens = std::vector<Token>;

/// Every byte of `text` is in one token. Comments are space.
Tokens split(StringRef text) {
  Tokens tokens;
  auto isName = [](char c) { return llvm::isAlnum(c) || c == '_'; };
  while (!text.empty()) {
    Kind kind = Kind::Punctuation;
    size_t length = 1;
    auto take = [&](auto isPart) {
      length = 0;
      while (length < text.size() && isPart(text[length]))
        ++length;
    };
    if (llvm::isSpace(text[0])) {
      kind = Kind::Space;
      take([](char c) { return llvm::isSpace(c); });
    } else if (text[0] == '#') {
      kind = Kind::Space;
      take([](char c) { return c != '\n'; });
    } else if (llvm::isDigit(text[0])) {
      kind = Kind::Number;
      take(llvm::isDigit);
    } else if (isName(text[0])) {
      kind = Kind::Name;
      take(isName);
    } else if (text[0] == '"') {
      kind = Kind::Text;
      length = std::min(text.find('"', 1), text.size() - 1) + 1;
    } else {
      for (StringRef two :
           {"<-", "+=", "==", "!=", "<=", ">=", "//", "->", ".."})
        if (text.starts_with(two))
          length = 2;
    }
    tokens.push_back({kind, text.take_front(length)});
    text = text.drop_front(length);
  }
  return tokens;
}

const char *const numbers[] = {"0",
                               "1",
                               "2",
                               "3",
                               "4",
                               "7",
                               "8",
                               "16",
                               "31",
                               "32",
                               "63",
                               "64",
                               "96",
                               "127",
                               "128",
                               "256",
                               "4096",
                               "2147483647",
                               "9223372036854775807"};
const char *const words[] = {
    "kernel",     "const",  "fn",      "tune",    "if",     "else",
    "for",        "in",     "when",    "sm_90",   "sm_100", "tiles",
    "persistent", "raster", "over",    "cluster", "pair",   "where",
    "view",       "at",     "as",      "stride",  "pipe",   "max",
    "smem",       "tmem",   "gmem",    "ranks",   "key",    "full",
    "free",       "role",   "warps",   "groups",  "split",  "regs",
    "put",        "get",    "reg",     "mma",     "sum",    "min",
    "with",       "chunk",  "buffers", "unroll",  "static", "out",
    "inout",      "symm",   "major",   "type",    "bool",   "true",
    "e4m3",       "e5m2",   "bf16",    "f16",     "f32",    "tf32",
    "i32",        "i64",    "u8",      "counter", "await",  "barrier",
    "yield",      "step",   "require", "private"};
const char *const marks[] = {"{", "}", "(", ")",  "[",  "]",  "<",  ">",
                             ",", ":", "+", "-",  "*",  "/",  "//", "%",
                             ".", "=", "@", "<-", "+=", "==", ".."};

class Mutator {
public:
  explicit Mutator(unsigned seed) : random(seed) {}

  std::string mutate(StringRef text) {
    Tokens tokens = split(text);
    // Several edits: one alone seldom passes the checker.
    for (unsigned edits = 1 + pick(4); edits && !tokens.empty(); --edits)
      edit(tokens);
    return join(tokens);
  }

  /// A statement or block of `other` inside `text`, in place of one or added.
  std::string cross(StringRef text, StringRef other) {
    Tokens tokens = split(text), others = split(other);
    if (tokens.empty() || others.empty())
      return text.str();
    auto [from, to] = piece(others);
    auto [begin, end] = piece(tokens);
    if (pick(2))
      tokens.erase(tokens.begin() + begin, tokens.begin() + end);
    tokens.insert(tokens.begin() + begin, others.begin() + from,
                  others.begin() + to);
    return join(tokens);
  }

private:
  size_t pick(size_t count) { return count ? random() % count : 0; }
  template <typename T, size_t N> StringRef anyOf(T (&list)[N]) {
    return list[pick(N)];
  }

  static std::string join(const Tokens &tokens) {
    std::string text;
    for (const Token &token : tokens)
      text += token.text;
    return text;
  }

  /// Index of a token that is not space.
  size_t any(const Tokens &tokens) {
    for (unsigned tries = 0; tries < 8; ++tries)
      if (size_t i = pick(tokens.size()); tokens[i].kind != Kind::Space)
        return i;
    return pick(tokens.size());
  }

  /// Another token of the same kind as `i`, or `i`.
  size_t like(const Tokens &tokens, size_t i) {
    for (unsigned tries = 0; tries < 16; ++tries)
      if (size_t j = pick(tokens.size()); tokens[j].kind == tokens[i].kind)
        return j;
    return i;
  }

  /// A statement: the tokens of a line, with all of a block that it opens; or
  /// what a pair of brackets holds.
  std::pair<size_t, size_t> piece(const Tokens &tokens) {
    size_t begin = any(tokens), end;
    bool isLine = pick(3) != 0;
    auto endsLine = [&](size_t i) {
      return tokens[i].kind == Kind::Space && tokens[i].text.contains('\n');
    };
    if (isLine)
      while (begin && !endsLine(begin - 1))
        --begin;
    else
      while (begin && !StringRef("{([").contains(tokens[begin - 1].text))
        --begin;
    int depth = 0;
    for (end = begin; end < tokens.size(); ++end) {
      StringRef text = tokens[end].text;
      if (text == "{" || text == "(" || text == "[")
        ++depth;
      else if (text == "}" || text == ")" || text == "]")
        --depth;
      if (depth < 0 || (isLine && depth == 0 && endsLine(end)))
        break;
    }
    return {begin, std::min(end + isLine, tokens.size())};
  }

  void edit(Tokens &tokens) {
    size_t i = any(tokens), j = like(tokens, i);
    switch (pick(10)) {
    case 0: // Two tokens of a kind change places.
      std::swap(tokens[i], tokens[j]);
      return;
    case 1: // One stands for the other.
    case 2:
      tokens[i] = tokens[j];
      return;
    case 3: // Another number, word or mark.
      tokens[i].text = tokens[i].kind == Kind::Number ? anyOf(numbers)
                       : tokens[i].kind == Kind::Name ? anyOf(words)
                                                      : anyOf(marks);
      return;
    case 4:
      tokens.erase(tokens.begin() + i);
      return;
    case 5:
      tokens.insert(tokens.begin() + i, tokens[j]);
      return;
    case 6: { // A statement or the contents of brackets is left out,
      auto [begin, end] = piece(tokens);
      tokens.erase(tokens.begin() + begin, tokens.begin() + end);
      return;
    }
    case 7: { // doubled,
      auto [begin, end] = piece(tokens);
      Tokens copy(tokens.begin() + begin, tokens.begin() + end);
      tokens.insert(tokens.begin() + end, copy.begin(), copy.end());
      return;
    }
    case 8: { // or copied to another place,
      auto [begin, end] = piece(tokens);
      Tokens copy(tokens.begin() + begin, tokens.begin() + end);
      tokens.insert(tokens.begin() + piece(tokens).first, copy.begin(),
                    copy.end());
      return;
    }
    default: { // or changes places with the one behind.
      auto [begin, middle] = piece(tokens);
      size_t length = std::min(2 * middle - begin, tokens.size());
      std::rotate(tokens.begin() + begin, tokens.begin() + middle,
                  tokens.begin() + std::max(length, middle));
      return;
    }
    }
  }

  std::mt19937 random;
};

size_t give(const std::string &text, uint8_t *data, size_t maxSize) {
  size_t size = std::min(text.size(), maxSize);
  std::memcpy(data, text.data(), size);
  return size;
}

StringRef textOf(const uint8_t *data, size_t size) {
  return StringRef(reinterpret_cast<const char *>(data), size);
}

} // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
                                          size_t maxSize, unsigned seed) {
  if (seed % 8 == 0 || size == 0)
    return LLVMFuzzerMutate(data, size, maxSize);
  return give(Mutator(seed).mutate(textOf(data, size)), data, maxSize);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1,
                                            const uint8_t *data2, size_t size2,
                                            uint8_t *out, size_t maxSize,
                                            unsigned seed) {
  return give(Mutator(seed).cross(textOf(data1, size1), textOf(data2, size2)),
              out, maxSize);
}
