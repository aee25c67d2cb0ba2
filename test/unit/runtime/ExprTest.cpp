//===- ExprTest.cpp - Manifest expressions --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "TestSupport.h"
#include "llvm/Support/JSON.h"

using namespace tilewright::runtime;
using namespace tilewright::runtime::test;

namespace {
const std::vector<std::string> names = {"M", "N"};

llvm::Expected<Expr> parse(llvm::StringRef json) {
  auto value = llvm::json::parse(json);
  EXPECT_TRUE(bool(value)) << json.str();
  return Expr::parse(*value, names);
}

llvm::Expected<int64_t> evaluate(llvm::StringRef json, int64_t m = 0,
                                 int64_t n = 0) {
  auto expr = parse(json);
  if (!expr)
    return expr.takeError();
  return expr->evaluate({m, n});
}

#define EXPECT_VALUE(json, m, n, value)                                        \
  EXPECT_EQ(get(evaluate(json, m, n)), value)

TEST(Expr, Arithmetic) {
  EXPECT_VALUE("7", 0, 0, 7);
  EXPECT_VALUE(R"("N")", 1, 2, 2);
  EXPECT_VALUE(R"(["add", "M", ["mul", "N", 3]])", 1, 2, 7);
  EXPECT_VALUE(R"(["sub", 3, 5])", 0, 0, -2);
  EXPECT_VALUE(R"(["min", "M", "N"])", 4, -1, -1);
  EXPECT_VALUE(R"(["max", "M", "N"])", 4, -1, 4);
}

TEST(Expr, DivisionRounds) {
  struct {
    int64_t a, b, floor, ceil, mod;
  } cases[] = {{7, 2, 3, 4, 1},    {-7, 2, -4, -3, 1}, {7, -2, -4, -3, -1},
               {-7, -2, 3, 4, -1}, {8, 2, 4, 4, 0},    {-8, 2, -4, -4, 0},
               {0, 5, 0, 0, 0}};
  for (auto c : cases) {
    SCOPED_TRACE(std::to_string(c.a) + " by " + std::to_string(c.b));
    EXPECT_VALUE(R"(["floordiv", "M", "N"])", c.a, c.b, c.floor);
    EXPECT_VALUE(R"(["cdiv", "M", "N"])", c.a, c.b, c.ceil);
    EXPECT_VALUE(R"(["mod", "M", "N"])", c.a, c.b, c.mod);
  }
  EXPECT_VALUE(R"(["div", "M", 8])", 64, 0, 8);
  EXPECT_REFUSED(evaluate(R"(["div", "M", 8])", 65),
                 "M / 8 is not exact (M = 65, 8 = 8)");
}

TEST(Expr, ComparisonsAndLogic) {
  for (auto [op, less, equal, greater] :
       {std::tuple("eq", 0, 1, 0), std::tuple("ne", 1, 0, 1),
        std::tuple("lt", 1, 0, 0), std::tuple("le", 1, 1, 0),
        std::tuple("gt", 0, 0, 1), std::tuple("ge", 0, 1, 1)}) {
    std::string json = std::string("[\"") + op + R"(", "M", "N"])";
    EXPECT_VALUE(json, 1, 2, less) << op;
    EXPECT_VALUE(json, 2, 2, equal) << op;
    EXPECT_VALUE(json, 3, 2, greater) << op;
  }
  EXPECT_VALUE(R"(["and", "M", "N"])", 5, 7, 1);
  EXPECT_VALUE(R"(["and", "M", "N"])", 5, 0, 0);
  EXPECT_VALUE(R"(["or", "M", "N"])", 0, 7, 1);
  EXPECT_VALUE(R"(["or", "M", "N"])", 0, 0, 0);
  EXPECT_VALUE(R"(["not", "M"])", 0, 0, 1);
  EXPECT_VALUE(R"(["not", "M"])", 9, 0, 0);
  // The guard keeps the division from being evaluated.
  EXPECT_VALUE(R"(["and", ["ne", "N", 0], ["eq", ["mod", "M", "N"], 0]])", 4, 0,
               0);
  EXPECT_VALUE(R"(["or", ["eq", "N", 0], ["eq", ["mod", "M", "N"], 0]])", 4, 0,
               1);
}

TEST(Expr, OverflowAndDivisionByZeroAreErrors) {
  int64_t big = INT64_MAX, low = INT64_MIN;
  EXPECT_MENTIONS(evaluate(R"(["add", "M", 1])", big), "M + 1 overflows");
  EXPECT_MENTIONS(evaluate(R"(["sub", "M", 1])", low), "M - 1 overflows");
  EXPECT_MENTIONS(evaluate(R"(["mul", "M", "M"])", big), "M * M overflows");
  for (const char *op : {"div", "floordiv", "cdiv", "mod"}) {
    std::string json = std::string("[\"") + op + R"(", "M", "N"])";
    EXPECT_MENTIONS(evaluate(json, 1, 0), "divides by zero");
    EXPECT_MENTIONS(evaluate(json, low, -1), "overflows");
  }
}

TEST(Expr, PrintsInTheLanguagesNotation) {
  auto print = [](llvm::StringRef json) { return get(parse(json)).str(); };
  EXPECT_EQ(print(R"(["eq", ["mod", "N", 8], 0])"), "N % 8 == 0");
  EXPECT_EQ(print(R"(["cdiv", "M", 128])"), "cdiv(M, 128)");
  EXPECT_EQ(print(R"(["mul", ["add", "M", 1], "N"])"), "(M + 1) * N");
  EXPECT_EQ(print(R"(["sub", "M", ["sub", "N", 1]])"), "M - (N - 1)");
  EXPECT_EQ(print(R"(["sub", ["sub", "M", "N"], 1])"), "M - N - 1");
  EXPECT_EQ(print(R"(["floordiv", "M", 2])"), "M // 2");
  EXPECT_EQ(print(R"(["and", ["lt", "M", 3], ["not", ["eq", "N", 1]]])"),
            "M < 3 and not N == 1");
  EXPECT_EQ(print(R"(["and", ["or", "M", "N"], "M"])"), "(M or N) and M");
}

TEST(Expr, RefusesWhatIsNoExpression) {
  EXPECT_REFUSED(parse(R"("Q")"), "expression uses 'Q', which is not among "
                                  "'dims' or 'baked'");
  EXPECT_REFUSED(parse(R"(["pow", 1, 2])"), "unknown operation 'pow'");
  EXPECT_REFUSED(parse(R"(["add", 1])"), "'add' takes 2 operands, not 1");
  EXPECT_REFUSED(parse(R"(["not", 1, 2])"), "'not' takes 1 operand, not 2");
  for (const char *json : {"[]", "{}", "null", "1.5", "true", "[1, 2, 3]",
                           "99999999999999999999999"})
    EXPECT_REFUSED(parse(json), "an expression is an integer, a dimension name "
                                "or [op, a, b]")
        << json;
  std::string deep = "1";
  for (int i = 0; i < 100; ++i)
    deep = "[\"not\", " + deep + "]";
  EXPECT_REFUSED(parse(deep), "expression nested deeper than 64");
}

TEST(Expr, UnboundDimension) {
  auto expr = get(parse(R"(["add", "M", "N"])"));
  EXPECT_REFUSED(expr.evaluate({int64_t(1), std::nullopt}),
                 "dimension 'N' has no value");
}
} // namespace
