//===- InstantiateTest.cpp - the typed tree -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/DSL/Frontend.h"
#include "llvm/Support/Casting.h"
#include "llvm/Support/raw_ostream.h"
#include <gtest/gtest.h>

using namespace tilewright::dsl;
namespace t = tilewright::dsl::typed;

namespace {

struct Instance {
  Instance(const std::string &text, InstantiateOptions options = {})
      : diags(sm, [this](const llvm::SMDiagnostic &d) {
          if (d.getKind() == llvm::SourceMgr::DK_Error)
            errors.push_back(d.getMessage().str());
        }) {
    unsigned id = sm.AddNewSourceBuffer(
        llvm::MemoryBuffer::getMemBufferCopy(text, "t.tw"), llvm::SMLoc());
    file = parse(sm, id, context, diags);
    if (!diags.hasErrors() && check(file, diags))
      kernel = instantiate(file, options, diags);
  }
  std::string why() const { return errors.empty() ? "" : errors[0]; }
  llvm::SourceMgr sm;
  std::vector<std::string> errors;
  Diagnostics diags;
  ASTContext context;
  File file;
  std::unique_ptr<t::InstantiatedKernel> kernel;
};

std::string manifest(const t::Expr *expr) {
  std::string text;
  llvm::raw_string_ostream os(text);
  return t::printManifest(expr, os) ? text : "none";
}

TEST(Instantiate, FoldsConstantsAndKeepsDimensions) {
  InstantiateOptions options;
  options.constants["BM"] = "64";
  options.baked["N"] = 512;
  Instance i("kernel k<BM>(A: f32[M, N], D: f32[M, N] out)\n"
             "  require M % 8 == 0, N % 64 == 0 {\n"
             "  tiles t(i: cdiv(M, BM), j: cdiv(N, BM * 2)) persistent\n"
             "  role r(groups 1) {\n"
             "    for (i, j) in t {\n"
             "      x: f32[m: BM, n: BM * 2] = A[i*BM + m, j*BM*2 + n]\n"
             "      D[i*BM + m, j*BM*2 + n] <- x\n"
             "    }\n  }\n}\n",
             options);
  ASSERT_TRUE(i.kernel) << i.why();
  const t::Iterator *it = i.kernel->iterators.at(0);
  EXPECT_EQ(manifest(it->dims[0].extent), "[\"cdiv\", \"M\", 64]");
  EXPECT_EQ(t::constantValue(it->dims[1].extent), 4);
  // The requirement on the baked dimension holds and is gone.
  ASSERT_EQ(i.kernel->requirements.size(), 1u);
  EXPECT_EQ(i.kernel->requirements[0].text, "M % 8 == 0");
  EXPECT_EQ(manifest(i.kernel->requirements[0].cond),
            "[\"eq\", [\"mod\", \"M\", 8], 0]");
  ASSERT_EQ(i.kernel->dims.size(), 2u);
  EXPECT_FALSE(i.kernel->dims[0]->baked);
  EXPECT_EQ(i.kernel->dims[1]->baked, 512);
}

TEST(Instantiate, ExactDivisionOfADimensionIsCheckedAtLaunch) {
  Instance i("kernel k(A: f32[M], D: f32[M] out) { tiles t(i: M / 8) }");
  ASSERT_TRUE(i.kernel) << i.why();
  ASSERT_EQ(i.kernel->requirements.size(), 1u);
  EXPECT_TRUE(i.kernel->requirements[0].implied);
  EXPECT_EQ(manifest(i.kernel->requirements[0].cond),
            "[\"eq\", [\"mod\", \"M\", 8], 0]");
  // 16 * M / 8 is exact whatever M is.
  Instance proved("kernel k(A: f32[M]) { tiles t(i: 16 * M / 8) }");
  ASSERT_TRUE(proved.kernel) << proved.why();
  EXPECT_TRUE(proved.kernel->requirements.empty());
}

TEST(Instantiate, PromotionIsOneStatement) {
  Instance i(
      "kernel k(A: e4m3[M, K], B: e4m3[N, K], SA: f32[M], D: f32[M, N] out) {\n"
      "  tiles t(i: cdiv(M, 128), j: cdiv(N, 128))\n"
      "  pipe p[2] { a: e4m3[m: 128, k: 128], b: e4m3[n: 128, k: 128] }\n"
      "  role load(warps 1) {\n"
      "    for (i, j) in t, kk in 0..cdiv(K, 128)\n"
      "      put p { a <- A[i*128 + m, kk*128 + k], b <- B[j*128 + n, kk*128 + "
      "k] }\n"
      "  }\n"
      "  role math(groups 2 split m) {\n"
      "    for (i, j) in t {\n"
      "      acc: f32[m: 128, n: 128] = 0\n"
      "      for kk in 0..cdiv(K, 128) {\n"
      "        s = get p\n"
      "        acc += mma(s.a, s.b) * SA[i*128 + m] * 2.0\n"
      "      }\n"
      "      D[i*128 + m, j*128 + n] <- acc\n"
      "    }\n  }\n}\n");
  ASSERT_TRUE(i.kernel) << i.why();
  const t::Role *math = i.kernel->roles.at(1);
  EXPECT_EQ(math->splitAxis, "m");
  EXPECT_EQ(math->warps(), 8);
  auto *iter = llvm::cast<t::ForIterStmt>(math->body->stmts[0]);
  auto *loop = llvm::cast<t::ForRangeStmt>(iter->body->stmts[1]);
  ASSERT_EQ(loop->body->stmts.size(), 2u);
  auto *get = llvm::cast<t::GetStmt>(loop->body->stmts[0]);
  EXPECT_FALSE(get->freed);
  auto *acc = llvm::cast<t::AccumulateStmt>(loop->body->stmts[1]);
  EXPECT_FALSE(acc->set);
  ASSERT_EQ(acc->scales.size(), 2u);
  ASSERT_EQ(acc->mma->contracted.size(), 1u);
  EXPECT_EQ(acc->mma->contracted[0].name, "k");
  EXPECT_EQ(t::toString(acc->mma->type), "f32[m: 128, n: 128]");
  auto *a = llvm::cast<t::FieldRef>(acc->mma->a);
  EXPECT_EQ(a->slot, get->slot);
  EXPECT_EQ(a->place, t::Place::SlotField);
  auto *scale = llvm::cast<t::TensorRead>(acc->scales[0]);
  EXPECT_EQ(t::toString(scale->type), "f32[m: 128]");
  EXPECT_EQ(t::toString(scale->subs[0]->type), "int[m: 128]");
  EXPECT_TRUE(llvm::isa<t::FloatConst>(acc->scales[1]));
}

TEST(Instantiate, TargetChoosesBranches) {
  const char *text = "kernel k(A: f32[M]) {\n"
                     "  when sm_100 { const W = 1 } else { const W = 2 }\n"
                     "  role r(warps W) { barrier grid }\n}";
  Instance hopper(text);
  ASSERT_TRUE(hopper.kernel) << hopper.why();
  EXPECT_EQ(hopper.kernel->roles[0]->count, 2);
  InstantiateOptions options;
  options.target = t::Target::SM100a;
  Instance blackwell(text, options);
  ASSERT_TRUE(blackwell.kernel) << blackwell.why();
  EXPECT_EQ(blackwell.kernel->roles[0]->count, 1);
}

TEST(Instantiate, MajorsByLetterAndPosition) {
  const char *text = "kernel k<MA: major = K>(A: f32[M, K] major MA) {\n"
                     "  role r(warps 1) { barrier grid }\n}";
  Instance byDefault(text);
  ASSERT_TRUE(byDefault.kernel) << byDefault.why();
  EXPECT_EQ(byDefault.kernel->tensors[0]->major, 1u);
  InstantiateOptions options;
  options.constants["MA"] = "M";
  EXPECT_EQ(Instance(text, options).kernel->tensors[0]->major, 0u);
  options.constants["MA"] = "0";
  EXPECT_EQ(Instance(text, options).kernel->tensors[0]->major, 0u);
  options.constants["MA"] = "N";
  Instance wrong(text, options);
  EXPECT_FALSE(wrong.kernel);
}

TEST(Instantiate, DefaultsFromTune) {
  InstantiateOptions options;
  options.defaultsFromTune = true;
  Instance i("kernel k<BM, BN>(A: f32[M]) {\n"
             "  tune BM in (64, 128), BN in 32..97 step 32\n"
             "  tiles t(i: cdiv(M, BM))\n}",
             options);
  ASSERT_TRUE(i.kernel) << i.why();
  EXPECT_EQ(i.kernel->constants[0].second.number, 64);
  EXPECT_EQ(i.kernel->constants[1].second.number, 32);
  ASSERT_EQ(i.kernel->tune.size(), 2u);
  EXPECT_EQ(i.kernel->tune[1].values,
            (llvm::SmallVector<int64_t, 8>{32, 64, 96}));
}

TEST(Instantiate, TuplesCloneAndResolveIf) {
  Instance i("kernel k(A: f32[M], D: f32[M] out) {\n"
             "  role r(groups 1) {\n"
             "    for ph in (1, 2) {\n"
             "      if ph == 1 { n = 10 } else { n = 20 }\n"
             "      for q in 0..n { barrier grid }\n"
             "    }\n  }\n}\n");
  ASSERT_TRUE(i.kernel) << i.why();
  auto stmts = i.kernel->roles[0]->body->stmts;
  ASSERT_EQ(stmts.size(), 2u);
  for (auto [index, want] : {std::pair<int, int64_t>{0, 10}, {1, 20}}) {
    auto *clone = llvm::cast<t::Block>(stmts[index]);
    ASSERT_EQ(clone->stmts.size(), 1u);
    auto *loop = llvm::cast<t::ForRangeStmt>(clone->stmts[0]);
    EXPECT_EQ(t::constantValue(loop->upper), want);
  }
}

/// Functions that double at each level must not take exponential time or
/// space.
TEST(Instantiate, ExpansionIsBounded) {
  std::string text = "kernel k(A: f32[M]) {\n  fn f0(x) = x + x\n";
  for (int i = 1; i < 40; ++i)
    text += "  fn f" + std::to_string(i) + "(x) = f" + std::to_string(i - 1) +
            "(f" + std::to_string(i - 1) + "(x))\n";
  text += "  tiles t(i: f39(M))\n}\n";
  Instance i(text);
  EXPECT_FALSE(i.kernel);
  EXPECT_FALSE(i.errors.empty());

  std::string chain = "kernel k(A: f32[M]) {\n  fn f0(x) = x + x\n";
  for (int i = 1; i < 200; ++i)
    chain += "  fn f" + std::to_string(i) + "(x) = f" + std::to_string(i - 1) +
             "(x + x)\n";
  chain += "  tiles t(i: f199(M))\n}\n";
  EXPECT_FALSE(Instance(chain).errors.empty());

  std::string loops = "kernel k(A: f32[M]) {\n  role r(warps 1) {\n";
  for (int i = 0; i < 20; ++i)
    loops += "for a" + std::to_string(i) + " in (1, 2, 3, 4, 5, 6, 7, 8)\n";
  loops += "barrier grid\n}\n}\n";
  EXPECT_FALSE(Instance(loops).errors.empty());
}

TEST(Instantiate, WrongValuesAreErrors) {
  const char *text = "kernel k<BM, F: bool, T: type>(A: T[M]) {\n"
                     "  role r(warps 1) { barrier grid }\n}";
  InstantiateOptions options;
  Instance none(text, options);
  EXPECT_EQ(none.errors.size(), 3u);
  options.constants = {{"BM", "x"}, {"F", "2"}, {"T", "f99"}};
  EXPECT_EQ(Instance(text, options).errors.size(), 3u);
  options.constants = {{"BM", "1"}, {"F", "true"}, {"T", "bf16"}};
  EXPECT_TRUE(Instance(text, options).kernel);
  options.baked["Q"] = 3;
  EXPECT_EQ(Instance(text, options).errors.size(), 1u);
  options.baked.clear();
  options.baked["M"] = -3;
  EXPECT_EQ(Instance(text, options).errors.size(), 1u);
}

} // namespace
