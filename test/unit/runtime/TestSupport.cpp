//===- TestSupport.cpp - Shared by the runtime's unit tests ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "TestSupport.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include <dlfcn.h>

using namespace tilewright;
using namespace tilewright::runtime;

std::string test::gemmManifest(llvm::StringRef from, llvm::StringRef to) {
  std::string manifest = R"({
  "format": "tilewright-1",
  "kernel": "fp8_gemm_nt", "symbol": "fp8_gemm_nt", "arch": "sm_90a",
  "constants": {"BM": 128, "BN": 128}, "baked": {},
  "dims": ["M", "N", "K"],
  "tensors": [
    {"name": "A", "dtype": "e4m3", "mode": "in", "shape": ["M", "K"], "major": 1},
    {"name": "SA", "dtype": "f32", "mode": "in", "shape": [["cdiv", "K", 128], "M"], "major": 1},
    {"name": "B", "dtype": "e4m3", "mode": "in", "shape": ["N", "K"], "major": 1},
    {"name": "SB", "dtype": "f32", "mode": "in",
     "shape": [["cdiv", "N", 128], ["cdiv", "K", 128]], "major": 1},
    {"name": "D", "dtype": "bf16", "mode": "out", "shape": ["M", "N"], "major": 1}
  ],
  "requires": [{"expr": ["eq", ["mod", "N", 8], 0], "text": "N % 8 == 0", "line": 12}],
  "params": [
    {"kind": "tensormap", "tensor": "A", "dtype": "u8", "box": [128, 128], "swizzle": 128,
     "dims": [1, 0], "interleave": 0, "l2": 256, "line": 13},
    {"kind": "tensormap", "tensor": "B", "dtype": "u8", "box": [128, 128], "swizzle": 128,
     "dims": [1, 0], "interleave": 0, "l2": 256, "line": 13},
    {"kind": "tensormap", "tensor": "SA", "dtype": "f32", "box": [128, 1], "swizzle": 0,
     "dims": [1, 0], "interleave": 0, "l2": 0, "line": 14},
    {"kind": "pointer", "tensor": "SB"},
    {"kind": "pointer", "tensor": "D"},
    {"kind": "dim", "expr": "M", "type": "i32"},
    {"kind": "dim", "expr": "N", "type": "i32"},
    {"kind": "dim", "expr": "K", "type": "i32"},
    {"kind": "stride", "tensor": "SB", "dim": 0, "type": "i64"},
    {"kind": "stride", "tensor": "D", "dim": 0, "type": "i64"}
  ],
  "launch": {"threads": 384, "cluster": [1, 1, 1], "smem": 217152,
             "persistent": true, "tiles": ["mul", ["cdiv", "M", 128], ["cdiv", "N", 128]],
             "pdl": false, "cooperative": false},
  "resources": {"stages": 5}
})";
  if (!from.empty()) {
    size_t at = manifest.find(from.str());
    EXPECT_NE(at, std::string::npos) << "no '" << from.str() << "' to replace";
    if (at != std::string::npos)
      manifest.replace(at, from.size(), to.str());
  }
  return manifest;
}

std::string test::gemmImage(llvm::StringRef extra) {
  return "\x7f"
         "ELF fake\nsymbol=fp8_gemm_nt\n"
         "params=128,128,128,8,8,4,4,4,8,8\n" +
         extra.str();
}

std::vector<TensorArg> test::gemmArgs(int64_t m, int64_t n, int64_t k,
                                      int device) {
  int64_t kb = (k + 127) / 128, nb = (n + 127) / 128;
  std::vector<TensorArg> args(5);
  auto set = [&](int i, DType type, int64_t rows, int64_t columns,
                 int64_t stride) {
    args[i].data = 0x7f0000000000 + uint64_t(i) * 0x1000000;
    args[i].dtype = type;
    args[i].device = device;
    args[i].shape = {rows, columns};
    args[i].strides = {stride, 1};
  };
  set(0, DType::E4M3, m, k, k);
  set(1, DType::F32, kb, m, (m + 3) / 4 * 4);
  set(2, DType::E4M3, n, k, k);
  set(3, DType::F32, nb, kb, kb);
  set(4, DType::BF16, m, n, n);
  return args;
}

Driver &test::fakeDriver() {
  static Driver *driver = get(Driver::load(TILEWRIGHT_FAKE_CUDA)).release();
  fakeCudaReset();
  return *driver;
}

std::shared_ptr<Kernel> test::gemmKernel(llvm::StringRef from,
                                         llvm::StringRef to) {
  Artefact artefact;
  artefact.manifest = gemmManifest(from, to);
  artefact.image = gemmImage();
  return get(Kernel::create(artefact));
}

test::TemporaryDirectory::TemporaryDirectory() {
  llvm::SmallString<128> out;
  std::error_code error =
      llvm::sys::fs::createUniqueDirectory("tilewright-test", out);
  EXPECT_FALSE(error) << error.message();
  path = std::string(out);
}

test::TemporaryDirectory::~TemporaryDirectory() {
  llvm::sys::fs::remove_directories(path, /*IgnoreErrors=*/true);
}
