//===- LexerTest.cpp - tokens of the language -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lexer.h"
#include <gtest/gtest.h>

using namespace tilewright::dsl;

namespace {

struct Lexed {
  explicit Lexed(const std::string &text)
      : diags(sm, [this](const llvm::SMDiagnostic &d) {
          errors.push_back(d.getMessage().str());
        }) {
    unsigned id = sm.AddNewSourceBuffer(
        llvm::MemoryBuffer::getMemBufferCopy(text, "t.tw"), llvm::SMLoc());
    tokens = lex(sm.getMemoryBuffer(id)->getBuffer(), diags);
  }
  std::vector<Tok> kinds() const {
    std::vector<Tok> list;
    for (const Token &token : tokens)
      list.push_back(token.kind);
    return list;
  }
  llvm::SourceMgr sm;
  std::vector<std::string> errors;
  Diagnostics diags;
  std::vector<Token> tokens;
};

TEST(Lexer, LongestPunctuationFirst) {
  EXPECT_EQ(Lexed("a<-b").kinds(),
            (std::vector<Tok>{Tok::Ident, Tok::Arrow, Tok::Ident, Tok::Eof}));
  EXPECT_EQ(Lexed("a < -b").kinds(),
            (std::vector<Tok>{Tok::Ident, Tok::Less, Tok::Minus, Tok::Ident,
                              Tok::Eof}));
  EXPECT_EQ(Lexed("// / <= < == = += +").kinds(),
            (std::vector<Tok>{Tok::SlashSlash, Tok::Slash, Tok::LessEq,
                              Tok::Less, Tok::EqEq, Tok::Equal, Tok::PlusEq,
                              Tok::Plus, Tok::Eof}));
}

TEST(Lexer, RangesAreNotFloats) {
  Lexed range("0..cdiv");
  EXPECT_EQ(range.kinds(),
            (std::vector<Tok>{Tok::Int, Tok::DotDot, Tok::Ident, Tok::Eof}));
  Lexed number("1.5e3");
  ASSERT_EQ(number.tokens[0].kind, Tok::Float);
  EXPECT_EQ(number.tokens[0].floatValue, 1500.0);
  Lexed exponent("1e-6");
  ASSERT_EQ(exponent.tokens[0].kind, Tok::Float);
  EXPECT_DOUBLE_EQ(exponent.tokens[0].floatValue, 1e-6);
}

TEST(Lexer, Integers) {
  EXPECT_EQ(Lexed("128_000").tokens[0].intValue, 128000);
  EXPECT_EQ(Lexed("0xff").tokens[0].intValue, 255);
  EXPECT_EQ(Lexed("9223372036854775807").tokens[0].intValue, INT64_MAX);
  Lexed big("9223372036854775808");
  ASSERT_EQ(big.errors.size(), 1u);
  EXPECT_EQ(big.errors[0], "integer does not fit in 64 bits");
  EXPECT_EQ(Lexed("0x").errors.size(), 1u);
  EXPECT_EQ(Lexed("12ab").errors[0], "'12ab' is neither a number nor a name");
  EXPECT_EQ(Lexed("1e999").errors.size(), 1u);
}

TEST(Lexer, KeywordsAndNames) {
  EXPECT_EQ(Lexed("kernel").tokens[0].kind, Tok::KwKernel);
  EXPECT_EQ(Lexed("kernels").tokens[0].kind, Tok::Ident);
  EXPECT_EQ(Lexed("persistent").tokens[0].kind, Tok::Ident);
  EXPECT_TRUE(isKeyword("where"));
  EXPECT_FALSE(isKeyword("warps"));
}

TEST(Lexer, CommentsAndLines) {
  Lexed text("a # x <- \"\n  b c\n\n# end");
  ASSERT_EQ(text.tokens.size(), 4u);
  EXPECT_TRUE(text.tokens[0].startsLine);
  EXPECT_TRUE(text.tokens[1].startsLine);
  EXPECT_FALSE(text.tokens[2].startsLine);
  EXPECT_TRUE(text.errors.empty());
}

TEST(Lexer, BadBytesAreSkippedAndReportedOnce) {
  Lexed text("a \xc3\xa9\xc3\xa9 b $ c");
  EXPECT_EQ(text.kinds(),
            (std::vector<Tok>{Tok::Ident, Tok::Ident, Tok::Ident, Tok::Eof}));
  EXPECT_EQ(text.errors.size(), 2u);
  // A line break before a bad byte still starts a line.
  Lexed line("a\n$b");
  EXPECT_TRUE(line.tokens[1].startsLine);
  EXPECT_EQ(Lexed(std::string("a\0b", 3)).errors.size(), 1u);
}

TEST(Lexer, Strings) {
  EXPECT_EQ(Lexed("\"a\\\"b\"").tokens[0].text, "\"a\\\"b\"");
  EXPECT_EQ(Lexed("\"open\n").errors[0],
            "string has no closing quote on its line");
  EXPECT_EQ(Lexed("\"open\\").errors.size(), 1u);
}

} // namespace
