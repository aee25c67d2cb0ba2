//===- ParserTest.cpp - the syntax tree -----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/DSL/Frontend.h"
#include "llvm/Support/raw_ostream.h"
#include <gtest/gtest.h>

using namespace tilewright::dsl;

namespace {

struct Parsed {
  explicit Parsed(const std::string &text)
      : diags(sm, [this](const llvm::SMDiagnostic &d) {
          if (d.getKind() == llvm::SourceMgr::DK_Error)
            errors.push_back(std::to_string(d.getLineNo()) + ": " +
                             d.getMessage().str());
        }) {
    unsigned id = sm.AddNewSourceBuffer(
        llvm::MemoryBuffer::getMemBufferCopy(text, "t.tw"), llvm::SMLoc());
    file = parse(sm, id, context, diags);
  }
  std::string print() const {
    std::string text;
    llvm::raw_string_ostream os(text);
    printAST(file, os);
    return text;
  }
  llvm::SourceMgr sm;
  std::vector<std::string> errors;
  Diagnostics diags;
  ASTContext context;
  File file;
};

/// How `text` parses as an expression, fully parenthesised.
std::string expr(const std::string &text) {
  Parsed parsed("kernel k() { role r(warps 1) { x = " + text + " } }");
  if (!parsed.errors.empty())
    return "error " + parsed.errors[0];
  std::string out = parsed.print();
  size_t at = out.find("let x = ");
  return at == std::string::npos ? out
                                 : out.substr(at + 8, out.size() - at - 9);
}

TEST(Parser, Precedence) {
  EXPECT_EQ(expr("a + b * c // d"), "(a + ((b * c) // d))");
  EXPECT_EQ(expr("a - b - c"), "((a - b) - c)");
  EXPECT_EQ(expr("-a * b"), "((-a) * b)");
  EXPECT_EQ(expr("not a and b or c"), "(((not a) and b) or c)");
  EXPECT_EQ(expr("a <= b + 1 < c"), "(a <= (b + 1) < c)");
  EXPECT_EQ(expr("y where a < b"), "(y where (a < b))");
  EXPECT_EQ(expr("reg s.a * 2"), "((reg s.a) * 2)");
  EXPECT_EQ(expr("(a + b) * c"), "((a + b) * c)");
}

TEST(Parser, AnglesAreReductionsRenamingsOrComparisons) {
  EXPECT_EQ(expr("sum<h>(x) * y"), "(sum<h>(x) * y)");
  EXPECT_EQ(expr("min<x: BQ * 2>(lo[x])"), "min<x: (BQ * 2)>(lo[x])");
  EXPECT_EQ(expr("s.a<k as j> + 1"), "(s.a<k as j> + 1)");
  EXPECT_EQ(expr("x<k at kk*4 + q>"), "x<k at ((kk * 4) + q)>");
  EXPECT_EQ(expr("a < b"), "(a < b)");
  EXPECT_EQ(expr("f(a) < b"), "(f(a) < b)");
}

TEST(Parser, Ranks) {
  EXPECT_EQ(expr("x@r[i]"), "x@(r)[i]");
  EXPECT_EQ(expr("x@f(r)[i]"), "x@(f(r))[i]");
  EXPECT_EQ(expr("x@(r + 1)[i, j]"), "x@((r + 1))[i, j]");
}

TEST(Parser, MmaOptions) {
  EXPECT_EQ(expr("mma(a, b, fast)"), "mma(a, b, fast)");
  EXPECT_EQ(expr("mma(a, b, every 512)"), "mma(a, b, every 512)");
}

TEST(Parser, LinesEndStatements) {
  Parsed parsed("kernel k() { role r(warps 1) {\n"
                "  x = a\n  (b)[0] <- c\n"
                "  y = a +\n    b\n  z = a\n    * b\n"
                "} }");
  ASSERT_TRUE(parsed.errors.empty()) << parsed.errors[0];
  EXPECT_NE(parsed.print().find("let x = a\n"), std::string::npos);
  EXPECT_NE(parsed.print().find("let y = (a + b)\n"), std::string::npos);
  EXPECT_NE(parsed.print().find("let z = (a * b)\n"), std::string::npos);
}

TEST(Parser, OneLineBlocks) {
  Parsed parsed("kernel k() { role r(warps 1) {\n"
                "put p { a <- A[0] with buffers 1, chunk n: 64, b <- B[0]; c "
                "<- C[0] }\n} }");
  ASSERT_TRUE(parsed.errors.empty()) << parsed.errors[0];
  EXPECT_EQ(parsed.print(), "kernel k\n"
                            "  role r(warps 1)\n"
                            "    put p\n"
                            "      copy a <- A[0] with buffers 1, chunk n: 64\n"
                            "      copy b <- B[0]\n"
                            "      copy c <- C[0]\n");
}

TEST(Parser, RecoversAtStatements) {
  Parsed parsed("kernel k(A: e4m3[M]) {\n"
                "  const X = \n"
                "  pipe p[2 { a: f32[m: 4] }\n"
                "  role r(warps 1) {\n"
                "    x = = 3\n"
                "    y = 4 5\n"
                "    z = (1 + 2\n"
                "    w = 1\n"
                "  }\n"
                "}\n");
  // One for each bad line; `const X =` and `z = (1 + 2` fail at the next line.
  std::vector<std::string> lines;
  for (const std::string &error : parsed.errors)
    lines.push_back(error.substr(0, 1));
  EXPECT_EQ(lines, (std::vector<std::string>{"3", "3", "5", "6", "8"}));
}

TEST(Parser, RecoversAtKernels) {
  Parsed parsed("kernel a( {\n}\nkernel b(A: f32[N]) { tiles t(i: N) }\n");
  EXPECT_EQ(parsed.errors.size(), 1u);
  ASSERT_EQ(parsed.file.kernels.size(), 1u);
  EXPECT_EQ(parsed.file.kernels[0]->name.name, "b");
}

TEST(Parser, DepthIsLimited) {
  for (const char *piece : {"(", "-", "not ", "a[", "f(", "reg "}) {
    std::string text;
    for (int i = 0; i < 100000; ++i)
      text += piece;
    EXPECT_NE(expr(text).find("too deep"), std::string::npos) << piece;
  }
  std::string chain = "a";
  for (int i = 0; i < 100000; ++i)
    chain += "+a";
  EXPECT_NE(expr(chain).find("too deep"), std::string::npos);
  std::string dots = "a";
  for (int i = 0; i < 100000; ++i)
    dots += ".a";
  EXPECT_NE(expr(dots).find("too deep"), std::string::npos);
  std::string blocks = "kernel k() { role r(warps 1) ";
  for (int i = 0; i < 100000; ++i)
    blocks += "{ if a ";
  EXPECT_FALSE(Parsed(blocks).errors.empty());
}

TEST(Parser, PrintedExpressionsParseBack) {
  for (const char *text :
       {"sum<h>(relu(mma(b.kv, c.q)) * w) * b.sk",
        "y where lo[i * BQ + x] <= r0 + r < hi[i * BQ + x]",
        "ptx(\"mov.u32 $0, %laneid;\", a)", "x<k as j, m at 0>"}) {
    std::string once = expr(text);
    EXPECT_EQ(expr(once), once) << text;
  }
}

} // namespace
