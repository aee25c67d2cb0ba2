//===- KernelsTest.cpp - Compiled kernels, launched by their manifests ----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ptx/<name>.{ptx,json}: what the compiler wrote for kernels/sketches, without
// the manifest's resources. Every one computes
//   D (+)= sum over k of A[m, k] B[n, k] SA[k/128, m] SB[...].
//
//===----------------------------------------------------------------------===//
#include "tilewright/Sim/Formats.h"
#include "tilewright/Sim/Simulator.h"
#include "tilewright/Sim/TensorMap.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace tilewright::sim;

namespace {

std::string readFile(const std::string &name) {
  auto buffer = llvm::MemoryBuffer::getFile(std::string(TILEWRIGHT_SOURCE_DIR) +
                                            "/test/unit/sim/ptx/" + name);
  EXPECT_TRUE(bool(buffer)) << name;
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

using Dims = std::map<std::string, int64_t>;

/// Expressions of manifests (docs/architecture.md), the ones that occur here.
int64_t evaluate(const llvm::json::Value &value, const Dims &dims) {
  if (auto integer = value.getAsInteger())
    return *integer;
  if (auto name = value.getAsString())
    return dims.at(name->str());
  const llvm::json::Array &list = *value.getAsArray();
  int64_t a = evaluate(list[1], dims), b = evaluate(list[2], dims);
  llvm::StringRef op = *list[0].getAsString();
  if (op == "mul")
    return a * b;
  if (op == "cdiv")
    return (a + b - 1) / b;
  ADD_FAILURE() << op.str();
  return 0;
}

struct Tensor {
  Format format;
  std::array<int64_t, 2> shape, strides; ///< Strides in bytes.
  uint64_t address;
};

class KernelRun {
public:
  KernelRun(const std::string &name, Dims dims) : name(name), dims(dims) {
    auto parsed = llvm::json::parse(readFile(name + ".json"));
    EXPECT_TRUE(bool(parsed));
    manifest = std::move(*parsed);
    std::mt19937 random(7);
    for (const auto &value : *manifest.getAsObject()->getArray("tensors")) {
      const llvm::json::Object &object = *value.getAsObject();
      Tensor t;
      t.format = *parseFormat(*object.getString("dtype"));
      const llvm::json::Array &shape = *object.getArray("shape");
      for (unsigned d = 0; d < 2; ++d)
        t.shape[d] = evaluate(shape[d], dims);
      unsigned inner = *object.getInteger("major"), outer = 1 - inner;
      unsigned bytes = bitWidth(t.format) / 8;
      t.strides[inner] = bytes;
      t.strides[outer] = (t.shape[inner] * bytes + 15) / 16 * 16;
      std::string tensor = object.getString("name")->str();
      t.address = memory.allocate(t.shape[outer] * t.strides[outer], tensor);
      bool isScale = tensor[0] == 'S';
      std::uniform_real_distribution<double> uniform(isScale ? 0.5 : -2, 2);
      for (int64_t i = 0; i < t.shape[0]; ++i)
        for (int64_t j = 0; j < t.shape[1]; ++j) {
          uint64_t bits = encode(t.format, uniform(random));
          std::memcpy(at(t, i, j), &bits, bytes);
        }
      tensors[tensor] = t;
    }
  }

  double get(const Tensor &t, int64_t i, int64_t j) {
    uint64_t bits = 0;
    std::memcpy(&bits, at(t, i, j), bitWidth(t.format) / 8);
    return decode(t.format, bits);
  }

  llvm::Expected<Report> run(uint32_t ctas) {
    const llvm::json::Object &root = *manifest.getAsObject();
    const llvm::json::Object &object = *root.getObject("launch");
    Launch launch;
    launch.ptx = readFile(name + ".ptx");
    launch.entry = root.getString("kernel")->str();
    launch.block[0] = *object.getInteger("threads");
    launch.smemBytes = *object.getInteger("smem");
    launch.grid[0] =
        std::min<uint64_t>(ctas, evaluate(*object.get("tiles"), dims));
    for (const auto &value : *root.getArray("params"))
      addParam(launch, *value.getAsObject());
    return tilewright::sim::run(launch, memory);
  }

  std::map<std::string, Tensor> tensors;

private:
  uint8_t *at(const Tensor &t, int64_t i, int64_t j) {
    return memory.resolve(t.address + i * t.strides[0] + j * t.strides[1],
                          bitWidth(t.format) / 8);
  }

  void addParam(Launch &launch, const llvm::json::Object &param) {
    llvm::StringRef kind = *param.getString("kind");
    if (kind == "dim") {
      launch.add(int32_t(evaluate(*param.get("expr"), dims)));
      return;
    }
    const Tensor &t = tensors.at(param.getString("tensor")->str());
    if (kind == "pointer") {
      launch.add(t.address);
    } else if (kind == "stride") {
      launch.add(t.strides[*param.getInteger("dim")] * 8 / bitWidth(t.format));
    } else {
      static const std::map<std::string, MapType> types = {
          {"u8", MapType::U8}, {"f32", MapType::F32}, {"bf16", MapType::BF16}};
      TensorMapArgs args;
      args.type = int(types.at(param.getString("dtype")->str()));
      args.rank = 2;
      args.address = t.address;
      std::vector<uint64_t> extents, strides;
      std::vector<uint32_t> box, ones(2, 1);
      for (const auto &d : *param.getArray("dims")) {
        extents.push_back(t.shape[*d.getAsInteger()]);
        strides.push_back(t.strides[*d.getAsInteger()]);
      }
      strides.erase(strides.begin());
      for (const auto &extent : *param.getArray("box"))
        box.push_back(*extent.getAsInteger());
      args.dims = extents;
      args.strides = strides;
      args.box = box;
      args.elementStrides = ones;
      int64_t swizzle = *param.getInteger("swizzle");
      args.swizzle = swizzle == 128 ? 3 : swizzle == 64 ? 2 : swizzle == 32;
      auto map = makeTensorMap(args);
      if (!map) {
        ADD_FAILURE() << llvm::toString(map.takeError());
        return;
      }
      launch.add(encodeTensorMap(*map));
    }
  }

  std::string name;
  Dims dims;
  Memory memory;
  llvm::json::Value manifest = nullptr;
};

void expectRight(const std::string &name, int64_t m, int64_t n, int64_t k,
                 bool adds, bool scaleOfBIsPerRow, uint32_t ctas = 2) {
  KernelRun kernel(name, {{"M", m}, {"N", n}, {"K", k}});
  Tensor a = kernel.tensors["A"], b = kernel.tensors["B"],
         d = kernel.tensors["D"];
  std::vector<double> expected(m * n), magnitude(m * n);
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      double sum = adds ? kernel.get(d, i, j) : 0, size = std::abs(sum);
      for (int64_t x = 0; x < k; ++x) {
        double term = kernel.get(a, i, x) * kernel.get(b, j, x);
        if (kernel.tensors.count("SA"))
          term *= kernel.get(kernel.tensors["SA"], x / 128, i) *
                  (scaleOfBIsPerRow
                       ? kernel.get(kernel.tensors["SB"], x / 128, j)
                       : kernel.get(kernel.tensors["SB"], j / 128, x / 128));
        sum += term;
        size += std::abs(term);
      }
      expected[i * n + j] = sum;
      magnitude[i * n + j] = size;
    }
  auto report = kernel.run(ctas);
  ASSERT_TRUE(bool(report)) << llvm::toString(report.takeError());
  EXPECT_TRUE(report->ok()) << report->str();
  unsigned wrong = 0;
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      double want = expected[i * n + j], got = kernel.get(d, i, j);
      double allowed = magnitude[i * n + j] * 1e-6 + 1e-30;
      if (d.format == Format::BF16)
        allowed += std::abs(want) / 256;
      if (!(std::abs(got - want) <= allowed) && ++wrong == 1)
        ADD_FAILURE() << "D[" << i << ", " << j << "] = " << got << ", not "
                      << want;
    }
  EXPECT_EQ(wrong, 0u);
}

TEST(Kernels, Bf16AccumulatesIntoF32) {
  expectRight("bf16_gemm_add_f32", 130, 44, 200, true, false);
}
TEST(Kernels, Bf16WithBothOperandsTransposed) {
  expectRight("bf16_gemm_mn_major", 72, 136, 200, false, false);
}
TEST(Kernels, WeightGradient) {
  expectRight("fp8_wgrad_nt", 132, 40, 300, true, true);
}
TEST(Kernels, OperandsSwapped) {
  expectRight("fp8_gemm_nt_swap_ab", 20, 136, 300, false, false);
}

} // namespace
