//===- ManifestTest.cpp - Parsing manifests, binding arguments ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "TestSupport.h"

using namespace tilewright;
using namespace tilewright::runtime;
using namespace tilewright::runtime::test;

namespace {
Manifest gemm(llvm::StringRef from = "", llvm::StringRef to = "") {
  return get(Manifest::parse(gemmManifest(from, to)));
}

TEST(Manifest, ParsesTheContract) {
  Manifest m = gemm();
  EXPECT_EQ(m.kernel, "fp8_gemm_nt");
  EXPECT_EQ(m.arch, "sm_90a");
  EXPECT_EQ(m.dims, (std::vector<std::string>{"M", "N", "K"}));
  ASSERT_EQ(m.tensors.size(), 5u);
  EXPECT_EQ(m.tensors[0].dtype, DType::E4M3);
  EXPECT_EQ(m.tensors[1].shape[0].str(), "cdiv(K, 128)");
  EXPECT_EQ(m.tensors[4].mode, Mode::Out);
  ASSERT_EQ(m.params.size(), 10u);
  EXPECT_EQ(m.params[0].kind, Param::Kind::TensorMap);
  EXPECT_EQ(m.params[0].map.type, cuda::MapU8);
  EXPECT_EQ(m.params[0].map.swizzle, 128u);
  EXPECT_EQ(m.params[0].map.dims, (llvm::SmallVector<unsigned, 5>{1, 0}));
  EXPECT_EQ(m.params[0].line, 13);
  EXPECT_FALSE(m.params[5].is64);
  EXPECT_TRUE(m.params[8].is64);
  EXPECT_EQ(m.launch.threads, 384u);
  EXPECT_EQ(m.launch.smem, 217152);
  EXPECT_TRUE(m.launch.persistent);
  EXPECT_EQ(m.launch.tiles.str(), "cdiv(M, 128) * cdiv(N, 128)");
  EXPECT_EQ(m.requirements.at(0).text, "N % 8 == 0");
}

TEST(Manifest, NamesTheFieldThatIsWrong) {
  struct {
    const char *from, *to, *message;
  } cases[] = {
      {"\"tilewright-1\"", "\"tilewright-9\"",
       "manifest: format: 'tilewright-9' is not tilewright-1"},
      {"\"kernel\": \"fp8_gemm_nt\", ", "", "manifest: kernel: missing"},
      {"\"arch\": \"sm_90a\"", "\"arch\": 90", "manifest: arch: not a string"},
      {"\"dims\": [\"M\", \"N\", \"K\"]", "\"dims\": [\"M\", \"N\", \"M\"]",
       "manifest: dims: 'M' is listed twice"},
      {"\"baked\": {}", "\"baked\": {\"N\": \"x\"}",
       "manifest: baked: 'N' is not an integer"},
      {"{\"name\": \"SA\"", "{\"name\": \"A\"",
       "manifest: tensors[1].name: 'A' is already a tensor"},
      {"\"dtype\": \"bf16\"", "\"dtype\": \"bf17\"",
       "manifest: tensors[4].dtype: unknown element type 'bf17'"},
      {"\"mode\": \"out\"", "\"mode\": \"outer\"",
       "manifest: tensors[4].mode: 'outer' is not in, out or inout"},
      {"[\"cdiv\", \"K\", 128], \"M\"]", "[\"cdiv\", \"X\", 128], \"M\"]",
       "manifest: tensors[1].shape: expression uses 'X', which is not among "
       "'dims' or 'baked'"},
      {"\"major\": 1}", "\"major\": 2}",
       "manifest: tensors[0].major: 2 is not in 0..1"},
      {"\"kind\": \"pointer\"", "\"kind\": \"ptr\"",
       "manifest: params[3].kind: 'ptr' is not tensormap, pointer, dim or "
       "stride"},
      {"\"pointer\", \"tensor\": \"SB\"", "\"pointer\", \"tensor\": \"S\"",
       "manifest: params[3].tensor: no tensor is called 'S'"},
      {"\"dtype\": \"u8\"", "\"dtype\": \"u16\"",
       "manifest: params[0].dtype: 'u16' has not the size of tensor 'A', which "
       "is e4m3"},
      {"\"box\": [128, 128]", "\"box\": [128, 257]",
       "manifest: params[0].box: elements must be integers in 1..256"},
      {"\"box\": [128, 128]", "\"box\": [128]",
       "manifest: params[0].box: has 1 extents for 2 dimensions"},
      {"\"box\": [128, 128]", "\"box\": [120, 128]",
       "manifest: params[0].box: the inner extent is 120 bytes, not a multiple "
       "of 16"},
      {"\"box\": [128, 128]", "\"box\": [256, 128]",
       "manifest: params[0].box: the inner extent is 256 bytes, more than the "
       "swizzle span of 128"},
      {"\"swizzle\": 128", "\"swizzle\": 96",
       "manifest: params[0].swizzle: must be 0, 32, 64 or 128"},
      {"\"dims\": [1, 0], \"interleave\"", "\"dims\": [0, 1], \"interleave\"",
       "manifest: params[0].dims: the innermost dimension must be the "
       "contiguous one, 1"},
      {"\"dims\": [1, 0], \"interleave\"", "\"dims\": [1, 1], \"interleave\"",
       "manifest: params[0].dims: dimension 1 is listed twice"},
      {"\"type\": \"i32\"", "\"type\": \"i16\"",
       "manifest: params[5].type: 'i16' is not i32 or i64"},
      {"\"dim\": 0", "\"dim\": 3", "manifest: params[8].dim: 3 is not in 0..1"},
      {"\"threads\": 384", "\"threads\": 2048",
       "manifest: launch.threads: 2048 is not in 1..1024"},
      {"[1, 1, 1]", "[1, 2, 1]", "manifest: launch.cluster: must be [n, 1, 1]"},
      {"\"pdl\": false", "\"pdl\": 0",
       "manifest: launch.pdl: not true or false"},
      {"\"launch\":", "\"lunch\":", "manifest: launch: missing"},
      {"\"shape\": [\"N\", \"K\"]", "\"shape\": [[\"mul\", \"N\", 1], \"K\"]",
       ""},
  };
  for (const auto &c : cases)
    EXPECT_REFUSED(Manifest::parse(gemmManifest(c.from, c.to)), c.message)
        << c.from << " -> " << c.to;
  EXPECT_MENTIONS(Manifest::parse("{"), "manifest: not JSON: ");
  EXPECT_REFUSED(Manifest::parse("[]"), "manifest: not a JSON object");
}

TEST(Manifest, EveryDimensionMustGetAValue) {
  std::string text = gemmManifest();
  for (const char *shape :
       {"\"shape\": [\"N\", \"K\"]", "\"shape\": [\"M\", \"N\"]"}) {
    size_t at = text.find(shape);
    std::string changed = shape;
    changed.replace(changed.find("\"N\""), 3, "[\"add\", \"N\", 0]");
    text.replace(at, strlen(shape), changed);
  }
  EXPECT_REFUSED(Manifest::parse(text),
                 "manifest: dimension 'N' is used, but no tensor has it alone "
                 "as an extent, so nothing gives it a value");
}

TEST(Manifest, SurvivesCorruption) {
  // Any one byte changed or the text cut anywhere: an error or a manifest, no
  // crash; what is accepted can be bound.
  std::string text = gemmManifest();
  for (size_t i = 0; i < text.size(); i += 3) {
    for (char c : {'\0', '"', '[', '9', '\xff'}) {
      std::string changed = text;
      changed[i] = c;
      auto manifest = Manifest::parse(changed);
      if (manifest)
        llvm::consumeError(
            bindArguments(*manifest, gemmArgs(128, 256, 512)).takeError());
      else
        llvm::consumeError(manifest.takeError());
    }
    llvm::consumeError(Manifest::parse(text.substr(0, i)).takeError());
  }
}

TEST(Bind, BindsOnFirstUse) {
  Manifest m = gemm();
  Bindings b = get(bindArguments(m, gemmArgs(257, 576, 2112)));
  EXPECT_EQ(b.dims[0], 257);
  EXPECT_EQ(b.dims[1], 576);
  EXPECT_EQ(b.dims[2], 2112);
  EXPECT_EQ(b.origin[1], "from 'B' dimension 0");
  EXPECT_EQ(get(gridSize(m, b, 132)), 15u);
}

TEST(Bind, ShapesAreCheckedByName) {
  Manifest m = gemm();
  auto args = gemmArgs(257, 576, 2112);
  args[1].shape[0] = 16;
  EXPECT_REFUSED(bindArguments(m, args),
                 "fp8_gemm_nt: tensor 'SA': dimension 0 must be cdiv(K, 128) = "
                 "17 (K = 2112 from 'A' dimension 1), got 16");
  args = gemmArgs(257, 576, 2112);
  args[2].shape[1] = 2048;
  EXPECT_REFUSED(bindArguments(m, args),
                 "fp8_gemm_nt: tensor 'B': dimension 1 must be K = 2112 from "
                 "'A' dimension 1, got 2048");
  args = gemmArgs(257, 576, 2112);
  args[0].shape.push_back(1);
  args[0].strides.push_back(1);
  EXPECT_REFUSED(bindArguments(m, args),
                 "fp8_gemm_nt: tensor 'A': must have 2 dimensions [M, K], got "
                 "3");
  args = gemmArgs(257, 576, 2112);
  args.pop_back();
  EXPECT_REFUSED(bindArguments(m, args),
                 "fp8_gemm_nt: takes 5 tensors (A, SA, B, SB, D), not 4");
  args = gemmArgs(257, 576, 2112);
  args[0].shape[0] = -1;
  EXPECT_REFUSED(bindArguments(m, args), "fp8_gemm_nt: tensor 'A': dimension 0 "
                                         "has negative extent -1");
}

TEST(Bind, BakedDimensions) {
  Manifest m = gemm("\"baked\": {}", "\"baked\": {\"N\": 4096}");
  EXPECT_OK(bindArguments(m, gemmArgs(1, 4096, 128)));
  EXPECT_REFUSED(bindArguments(m, gemmArgs(1, 576, 128)),
                 "fp8_gemm_nt: tensor 'B': dimension 0 must be N = 4096 fixed "
                 "when the kernel was compiled, got 576");
  // A baked name need not be among the run-time dimensions.
  std::string text = gemmManifest("\"baked\": {}", "\"baked\": {\"N\": 4096}");
  std::string dims = "\"dims\": [\"M\", \"N\", \"K\"]";
  text.replace(text.find(dims), dims.size(), "\"dims\": [\"M\", \"K\"]");
  EXPECT_OK(bindArguments(get(Manifest::parse(text)), gemmArgs(1, 4096, 128)));
}

TEST(Bind, TypesAndDevices) {
  Manifest m = gemm();
  auto args = gemmArgs(257, 576, 2112);
  args[0].dtype = DType::E5M2;
  EXPECT_REFUSED(bindArguments(m, args),
                 "fp8_gemm_nt: tensor 'A': must have element type e4m3, got "
                 "e5m2");
  // Raw bytes stand for any 8-bit type, and for nothing wider.
  args[0].dtype.reset();
  args[0].rawBits = 8;
  EXPECT_OK(bindArguments(m, args));
  args[4].dtype.reset();
  args[4].rawBits = 8;
  EXPECT_REFUSED(bindArguments(m, args),
                 "fp8_gemm_nt: tensor 'D': must have element type bf16, got "
                 "8-bit");
  args = gemmArgs(257, 576, 2112);
  args[3].device = 1;
  EXPECT_REFUSED(bindArguments(m, args), "fp8_gemm_nt: tensor 'SB': is on "
                                         "device 1, but 'A' is on device 0");
  args = gemmArgs(257, 576, 2112);
  args[4].readOnly = true;
  EXPECT_REFUSED(bindArguments(m, args),
                 "fp8_gemm_nt: tensor 'D': is written by the kernel, but the "
                 "given tensor is read-only");
}

TEST(Bind, StridesAndAlignment) {
  Manifest m = gemm();
  auto args = gemmArgs(257, 576, 2112);
  args[2].strides = {1, 576};
  EXPECT_REFUSED(bindArguments(m, args),
                 "fp8_gemm_nt: tensor 'B': dimension 1 must be contiguous "
                 "(stride 1), got stride 576");
  args = gemmArgs(257, 576, 2112);
  args[2].strides[0] = -2112;
  EXPECT_REFUSED(bindArguments(m, args), "fp8_gemm_nt: tensor 'B': dimension 0 "
                                         "has negative stride -2112");
  args = gemmArgs(257, 576, 2112);
  args[4].strides[0] = 0;
  EXPECT_REFUSED(bindArguments(m, args),
                 "fp8_gemm_nt: tensor 'D': is written by the kernel, but "
                 "dimension 0 of extent 257 has stride 0 (its elements "
                 "overlap)");
  args = gemmArgs(257, 576, 2112);
  args[4].data += 1;
  EXPECT_REFUSED(bindArguments(m, args),
                 "fp8_gemm_nt: tensor 'D': address 0x7f0004000001 is not "
                 "aligned to 2 bytes");
  args = gemmArgs(257, 576, 2112);
  args[3].data = 0;
  EXPECT_REFUSED(bindArguments(m, args), "fp8_gemm_nt: tensor 'SB': has a null "
                                         "address, but is not empty");
  // Strides along extents of 1, and of empty tensors, mean nothing.
  args = gemmArgs(1, 8, 1);
  args[0].strides = {77, 9};
  EXPECT_OK(bindArguments(m, args));
  args = gemmArgs(0, 8, 128);
  args[0].strides = {-5, 9};
  args[0].data = 0;
  EXPECT_OK(bindArguments(m, args));
}

TEST(Bind, AlignmentFromTheManifest) {
  Manifest m = gemm("\"mode\": \"out\"", "\"mode\": \"out\", \"align\": 16");
  auto args = gemmArgs(257, 576, 2112);
  args[4].data += 8;
  EXPECT_REFUSED(bindArguments(m, args),
                 "fp8_gemm_nt: tensor 'D': address 0x7f0004000008 is not "
                 "aligned to 16 bytes");
}

TEST(Bind, RequirementsShowTheirValues) {
  Manifest m = gemm();
  EXPECT_REFUSED(bindArguments(m, gemmArgs(128, 30, 128)),
                 "fp8_gemm_nt: requires N % 8 == 0 (line 12), but N = 30 from "
                 "'B' dimension 0");
  Manifest odd = gemm("[\"mod\", \"N\", 8]", "[\"mod\", \"N\", \"M\"]");
  EXPECT_REFUSED(bindArguments(odd, gemmArgs(0, 24, 128)),
                 "fp8_gemm_nt: requires N % 8 == 0 (line 12): N % M divides by "
                 "zero (N = 24, M = 0)");
}

TEST(Bind, GridErrors) {
  Manifest m = gemm("[\"mul\", [\"cdiv\", \"M\", 128], [\"cdiv\", \"N\", 128]]",
                    "[\"sub\", \"M\", \"N\"]");
  Bindings b = get(bindArguments(m, gemmArgs(8, 24, 128)));
  EXPECT_REFUSED(gridSize(m, b, 132),
                 "fp8_gemm_nt: the number of tiles M - N is negative: -16");
  Manifest huge = gemm("\"persistent\": true, \"tiles\": [\"mul\", [\"cdiv\", "
                       "\"M\", 128], [\"cdiv\", \"N\", 128]]",
                       "\"tiles\": [\"mul\", \"M\", 4294967296]");
  b = get(bindArguments(huge, gemmArgs(8, 24, 128)));
  EXPECT_REFUSED(gridSize(huge, b, 132),
                 "fp8_gemm_nt: 34359738368 tiles are more than a grid can "
                 "hold");
}
} // namespace
