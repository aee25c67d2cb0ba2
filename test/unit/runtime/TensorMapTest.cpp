//===- TensorMapTest.cpp - Rules of tensor maps ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "TestSupport.h"

using namespace tilewright;
using namespace tilewright::runtime;
using namespace tilewright::runtime::test;

namespace {
class TensorMapTest : public ::testing::Test {
protected:
  TensorMapTest()
      : manifest(get(Manifest::parse(gemmManifest()))),
        args(gemmArgs(257, 576, 2112)) {}
  llvm::Expected<TensorMapDesc> describe(unsigned param, unsigned arg) {
    return describeTensorMap(manifest, manifest.params[param], args[arg],
                             0x7e0000000000);
  }
  Manifest manifest;
  std::vector<TensorArg> args;
};

TEST_F(TensorMapTest, RefusesByNameAndValue) {
  args[0].data += 8;
  EXPECT_REFUSED(describe(0, 0),
                 "fp8_gemm_nt: tensor 'A': address 0x7f0000000008 is not "
                 "aligned to 16 bytes (for the tensor copy on line 13)");
  args = gemmArgs(257, 576, 2112);
  args[0].strides[0] = 2120;
  EXPECT_REFUSED(describe(0, 0),
                 "fp8_gemm_nt: tensor 'A': dimension 0 has stride 2120 (2120 "
                 "bytes), which is not a multiple of 16 bytes (16 elements) "
                 "(for the tensor copy on line 13)");
  args[0].strides[0] = int64_t(1) << 40;
  EXPECT_REFUSED(describe(0, 0),
                 "fp8_gemm_nt: tensor 'A': dimension 0 has stride "
                 "1099511627776 (1099511627776 bytes), not below 2^40 bytes "
                 "(for the tensor copy on line 13)");
  args[0].strides[0] = INT64_MAX;
  EXPECT_MENTIONS(describe(0, 0), "dimension 0 has stride 9223372036854775807");
  args[0].strides[0] = -16;
  EXPECT_MENTIONS(describe(0, 0), "dimension 0 has negative stride -16");
  args[0].strides = {2112, 2};
  EXPECT_MENTIONS(describe(0, 0),
                  "dimension 1 must be contiguous (stride 1), got stride 2");
  args = gemmArgs(257, 576, 2112);
  args[0].shape[1] = (int64_t(1) << 32) + 1;
  EXPECT_MENTIONS(describe(0, 0),
                  "dimension 1 has extent 4294967297, more than 2^32");
}

TEST_F(TensorMapTest, LimitsThemselvesAreLegal) {
  args[0].shape = {257, int64_t(1) << 32};
  args[0].strides = {(int64_t(1) << 40) - 16, 1};
  TensorMapDesc desc = get(describe(0, 0));
  EXPECT_EQ(desc.dims[0], uint64_t(1) << 32);
  EXPECT_EQ(desc.strides[1], (uint64_t(1) << 40) - 16);
}

TEST_F(TensorMapTest, StoresWriteWholeUnits) {
  // A load may end anywhere: the rest of its box is zero.
  args[0].shape[1] = 2100;
  EXPECT_EQ(get(describe(0, 0)).dims[0], 2100u);
  manifest.tensors[0].mode = Mode::Out;
  EXPECT_MENTIONS(describe(0, 0),
                  "tensor 'A': dimension 1 has extent 2100 (2100 bytes); a "
                  "bulk store writes whole units of 16 bytes (16 elements)");
  args[0].shape[1] = 2096;
  EXPECT_EQ(get(describe(0, 0)).dims[0], 2096u);
  // Nothing is stored into an empty tensor.
  args[0].shape = {0, 2100};
  EXPECT_EQ(get(describe(0, 0)).dims[0], 2100u);
}

TEST_F(TensorMapTest, StridesOfExtentOneDoNotMatter) {
  args = gemmArgs(1, 576, 128);
  // As PyTorch gives for SA = [1, 1]: strides (1, 1).
  args[1].strides = {1, 1};
  TensorMapDesc sa = get(describe(2, 1));
  EXPECT_EQ(sa.dims[0], 1u);
  EXPECT_EQ(sa.dims[1], 1u);
  EXPECT_EQ(sa.strides[1] % 16, 0u);
  args[0].strides = {7, 1};
  TensorMapDesc a = get(describe(0, 0));
  EXPECT_EQ(a.strides[1], 128u);
  // With several rows the same stride is an error.
  args = gemmArgs(1, 576, 256);
  args[1].strides = {1, 1};
  EXPECT_MENTIONS(describe(2, 1), "dimension 0 has stride 1 (4 bytes)");
}

TEST_F(TensorMapTest, EmptyTensorsUseTheSpareAddress) {
  args = gemmArgs(129, 24, 0);
  args[0].data = 0;
  args[0].strides = {0, -3};
  TensorMapDesc a = get(describe(0, 0));
  EXPECT_EQ(a.address, 0x7e0000000000u);
  EXPECT_EQ(a.dims[0], 1u);
  EXPECT_EQ(a.dims[1], 129u);
  EXPECT_EQ(a.strides[1], 16u);
}

TEST_F(TensorMapTest, TheDriverTakesWhateverWeDescribe) {
  // The fake driver checks the documented rules on its own.
  Driver &driver = fakeDriver();
  TensorMapCache cache;
  for (int64_t m : {1, 7, 64, 129, 4096})
    for (int64_t n : {24, 576})
      for (int64_t k : {0, 16, 128, 704, 16384}) {
        args = gemmArgs(m, n, k);
        unsigned tensors[] = {0, 2, 1};
        for (unsigned param = 0; param < 3; ++param) {
          auto desc = get(describe(param, tensors[param]));
          EXPECT_OK(cache.encode(driver, desc));
        }
      }
}

TEST_F(TensorMapTest, CacheKeysDifferInEveryField) {
  Driver &driver = fakeDriver();
  TensorMapCache cache;
  TensorMapDesc base = get(describe(0, 0));
  EXPECT_OK(cache.encode(driver, base));
  std::vector<TensorMapDesc> others(8, base);
  others[0].address += 128;
  others[1].dims[0] += 1;
  others[2].dims[1] += 1;
  others[3].strides[1] += 16;
  others[4].box[1] = 64;
  others[5].swizzle = 0;
  others[6].l2 = 128;
  others[7].rank = 1;
  for (const TensorMapDesc &desc : others)
    EXPECT_OK(cache.encode(driver, desc));
  EXPECT_EQ(cache.misses(), 9u);
  EXPECT_EQ(cache.hits(), 0u);
  EXPECT_OK(cache.encode(driver, base));
  EXPECT_EQ(cache.hits(), 1u);
}

TEST_F(TensorMapTest, DriverRefusalShowsTheArguments) {
  Driver &driver = fakeDriver();
  fakeCudaFail("cuTensorMapEncodeTiled", 1, 0);
  TensorMapCache cache;
  EXPECT_REFUSED(
      cache.encode(driver, get(describe(0, 0))),
      "cuTensorMapEncodeTiled(type u8, address 0x7f0000000000, dims (2112, "
      "257), byte strides (2112), box (128, 128), swizzle 128, interleave 0, "
      "l2 256) failed: CUDA_ERROR_INVALID_VALUE (invalid argument)");
  fakeCudaReset();
  EXPECT_OK(cache.encode(driver, get(describe(0, 0)))); // Not remembered.
}
} // namespace
