//===- DialectEffectsTest.cpp - what operations say about themselves ------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Passes move, fence and release by memory effects on resources and by
// interfaces, never by operation names. This holds every operation to what it
// declares.
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/InitDialects.h"
#include "tilewright/Dialect/Interfaces/AsyncInterfaces.h"
#include "tilewright/Dialect/Pipe/PipeDialect.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"
#include <map>
#include <set>
#include <string>

using namespace mlir;
using namespace tilewright;

namespace {

const char *const source = R"mlir(
pipe.ring @ab depth(0) fields ["a", "b", "c"] [
  !tile.view<[m: 128, k: 128], f8E4M3FN>, !tile.view<[n: 128, k: 128], f8E4M3FN>,
  !tile.view<[m: 8, k: 16], tf32>]
func.func @all(%A: !tile.tensor<2, f8E4M3FN>, %X: !tile.tensor<2, f32>,
               %acc: !tile.tile<[m: 128, n: 128], f32>, %i: index, %j: i32,
               %f: f32, %it: !tile.iter<1>) {
  %s = pipe.acquire_put @ab : !pipe.slot<@ab>
  %a = pipe.field %s["a"] : !pipe.slot<@ab> -> !tile.view<[m: 128, k: 128], f8E4M3FN>
  %b = pipe.field %s["b"] : !pipe.slot<@ab> -> !tile.view<[n: 128, k: 128], f8E4M3FN>
  %c = pipe.field %s["c"] : !pipe.slot<@ab> -> !tile.view<[m: 8, k: 16], tf32>
  %half = tile.slice %a["m" : %i] : !tile.view<[m: 128, k: 128], f8E4M3FN> -> !tile.view<[m: 64, k: 128], f8E4M3FN>
  tile.copy %X[affine_map<(m, k) -> (m, k)>]() to %c : !tile.tensor<2, f32>, !tile.view<[m: 8, k: 16], tf32>
  %d = tma.descriptor %A dims [1, 0] : !tile.tensor<2, f8E4M3FN> -> !tma.desc<box = [128, 64], swizzle = 128, f8E4M3FN>
  tma.prefetch %d : !tma.desc<box = [128, 64], swizzle = 128, f8E4M3FN>
  tma.load %d[%i, %i] to %half arrive %s : !tma.desc<box = [128, 64], swizzle = 128, f8E4M3FN>, !tile.view<[m: 64, k: 128], f8E4M3FN>, !pipe.slot<@ab>
  pipe.commit %s : !pipe.slot<@ab>
  %g = pipe.acquire_get @ab : !pipe.slot<@ab>
  %p = fp8.promote %acc, %a, %b : !tile.tile<[m: 128, n: 128], f32>, !tile.view<[m: 128, k: 128], f8E4M3FN>, !tile.view<[n: 128, k: 128], f8E4M3FN> -> !tile.tile<[m: 128, n: 128], f32>
  %q = tile.contract %a, %b : !tile.view<[m: 128, k: 128], f8E4M3FN>, !tile.view<[n: 128, k: 128], f8E4M3FN> -> !tile.tile<[m: 128, n: 128], f32>
  %r, %t = mma.contract %a, %b axes("m", "n") wave 64 carry(%acc : !tile.tile<[m: 128, n: 128], f32>) : !tile.view<[m: 128, k: 128], f8E4M3FN>, !tile.view<[n: 128, k: 128], f8E4M3FN> -> !tile.tile<[m: 128, n: 128], f32>
  pipe.release %g after(%t) : !pipe.slot<@ab>
  %da = mma.descriptor %a k("k" : 0) row 0 : !tile.view<[m: 128, k: 128], f8E4M3FN>
  %db = mma.descriptor %b k("k" : 0) row 0 : !tile.view<[n: 128, k: 128], f8E4M3FN>
  %u = mma.undef : vector<64xf32>
  mma.fence
  %w = mma.wgmma %da, %db into %u shape 64 128 32 types f8E4M3FN f8E4M3FN : vector<64xf32> -> vector<64xf32>
  mma.commit
  %v = mma.wait 0 tie(%w : vector<64xf32>) -> vector<64xf32>
  %pin = mma.pin %v : vector<64xf32> -> vector<64xf32>
  %cc = tile.load %c : !tile.view<[m: 8, k: 16], tf32> -> !tile.tile<[m: 8, k: 16], tf32>
  tile.put %cc to %c : !tile.tile<[m: 8, k: 16], tf32>, !tile.view<[m: 8, k: 16], tf32>
  %x = tile.read %X[affine_map<(m) -> (m, m)>]() : !tile.tensor<2, f32> -> !tile.tile<[m: 8], f32>
  tile.store %x to %X[affine_map<(m) -> (m, m)>]() : !tile.tile<[m: 8], f32>, !tile.tensor<2, f32>
  %e = tile.load_element %X[%i, %i] : !tile.tensor<2, f32> -> f32
  tile.store_element %e to %X[%i, %i] : f32, !tile.tensor<2, f32>
  %h = tile.load_shared %a[%i, %i] : !tile.view<[m: 128, k: 128], f8E4M3FN> -> f8E4M3FN
  %fr = arith.constant dense<0.0> : vector<1xf8E4M3FN>
  tile.store_fragment %fr to %half layout <threads = [64, 128], regs = [], axes = ["m", "k"], strides = [1, 0, 0, 1]> : vector<1xf8E4M3FN>, !tile.view<[m: 64, k: 128], f8E4M3FN>
  %sp = tile.splat %f : f32 -> !tile.tile<[m: 8], f32>
  %mp = tile.map(%x) : (!tile.tile<[m: 8], f32>) -> !tile.tile<[m: 8], f32> {
  ^bb0(%z: f32):
    tile.yield %z : f32
  }
  %re = tile.reduce sum %x over ["m"] : !tile.tile<[m: 8], f32> -> !tile.tile<[], f32>
  %dim = tile.dim %X, 0 : !tile.tensor<2, f32>
  %th = tile.thread
  %gr = tile.group
  tma.elect {
    tma.store %half to %d[%i, %i] : !tile.view<[m: 64, k: 128], f8E4M3FN>, !tma.desc<box = [128, 64], swizzle = 128, f8E4M3FN>
    tma.commit_group
    tma.wait_group 0
  }
  %sa = pipe.slot_at @ab[%j] : !pipe.slot<@ab>
  pipe.init @ab
  pipe.wait @ab full[%j] parity %j
  pipe.arrive @ab empty[%j]
  pipe.group_barrier 1 groups 1
  pipe.proxy_fence
  return
}
func.func @accumulates(%x: !tile.tile<[m: 8], f32>, %X: !tile.tensor<1, f32>) {
  tile.store %x to %X[affine_map<(m) -> (m)>]() accumulate : !tile.tile<[m: 8], f32>, !tile.tensor<1, f32>
  return
}
)mlir";

/// `reads A writes B`, sorted; "pure" for none.
std::string describe(MemoryEffectOpInterface op) {
  SmallVector<MemoryEffects::EffectInstance> effects;
  op.getEffects(effects);
  std::set<std::string> lines;
  for (const MemoryEffects::EffectInstance &effect : effects)
    lines.insert((isa<MemoryEffects::Read>(effect.getEffect()) ? "r:" : "w:") +
                 effect.getResource()->getName().str());
  std::string text;
  for (const std::string &line : lines)
    text += (text.empty() ? "" : " ") + line;
  return text.empty() ? "pure" : text;
}

class DialectEffects : public ::testing::Test {
protected:
  void SetUp() override {
    DialectRegistry registry;
    registerDialects(registry);
    context.appendDialectRegistry(registry);
    module = parseSourceString<ModuleOp>(source, &context);
    ASSERT_TRUE(module);
    module->walk([&](Operation *op) {
      ops.try_emplace(op->getName().getStringRef().str(), op);
    });
  }

  template <typename Interface> Interface get(StringRef name) {
    return dyn_cast_or_null<Interface>(ops.lookup(name));
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  llvm::StringMap<Operation *> ops;
};

TEST_F(DialectEffects, ResourcesOfEveryOperation) {
  const std::string everything =
      "r:AsyncSharedMemory r:Barriers r:SharedMemory "
      "w:AsyncSharedMemory w:Barriers w:SharedMemory";
  const std::map<std::string, std::string> expected = {
      {"fp8.promote", "pure"},
      {"mma.commit", "w:TensorCore"},
      {"mma.contract", "r:AsyncSharedMemory w:TensorCore"},
      {"mma.descriptor", "pure"},
      {"mma.fence", "w:TensorCore"},
      {"mma.pin", "w:TensorCore"},
      {"mma.undef", "pure"},
      {"mma.wait", "w:TensorCore"},
      {"mma.wgmma", "r:AsyncSharedMemory w:TensorCore"},
      {"pipe.acquire_get", everything},
      {"pipe.acquire_put", everything},
      {"pipe.arrive", everything},
      {"pipe.commit", everything},
      {"pipe.field", "pure"},
      {"pipe.group_barrier", everything},
      {"pipe.init", everything},
      {"pipe.proxy_fence", everything},
      {"pipe.release", everything},
      {"pipe.slot_at", "pure"},
      {"pipe.wait", everything},
      {"tile.contract", "pure"},
      {"tile.copy", "r:GlobalMemory w:AsyncSharedMemory"},
      {"tile.dim", "pure"},
      {"tile.group", "pure"},
      {"tile.load", "r:SharedMemory"},
      {"tile.load_element", "r:GlobalMemory"},
      {"tile.load_shared", "r:SharedMemory"},
      {"tile.map", "pure"},
      {"tile.put", "w:SharedMemory"},
      {"tile.read", "r:GlobalMemory"},
      {"tile.reduce", "pure"},
      {"tile.slice", "pure"},
      {"tile.splat", "pure"},
      {"tile.store", "w:GlobalMemory"},
      {"tile.store_element", "w:GlobalMemory"},
      {"tile.store_fragment", "w:SharedMemory"},
      {"tile.thread", "pure"},
      {"tile.yield", "pure"},
      {"tma.commit_group", "r:AsyncSharedMemory w:Barriers"},
      {"tma.descriptor", "pure"},
      {"tma.load",
       "r:Descriptors r:GlobalMemory w:AsyncSharedMemory w:Barriers"},
      {"tma.prefetch", "r:Descriptors w:Descriptors"},
      {"tma.store", "r:AsyncSharedMemory r:Descriptors w:GlobalMemory"},
      {"tma.wait_group", "r:Barriers w:Barriers w:SharedMemory"},
  };
  std::map<std::string, std::string> actual;
  for (auto &entry : ops) {
    StringRef dialect = entry.getKey().split('.').first;
    if (dialect == "arith" || dialect == "func" || dialect == "builtin")
      continue;
    if (auto op = dyn_cast<MemoryEffectOpInterface>(entry.getValue()))
      actual[entry.getKey().str()] = describe(op);
  }
  EXPECT_EQ(actual, expected);
  // An accumulating store reads, too.
  bool found = false;
  module->walk([&](tile::StoreOp op) {
    if (!op.getAccumulate())
      return;
    found = true;
    EXPECT_EQ(describe(cast<MemoryEffectOpInterface>(op.getOperation())),
              "r:GlobalMemory w:GlobalMemory");
  });
  EXPECT_TRUE(found);
}

TEST_F(DialectEffects, EffectsOfAnElectedBodyAreItsOwn) {
  // The elected stores are seen through the region.
  EXPECT_FALSE(isMemoryEffectFree(ops.lookup("tma.elect")));
  std::optional<SmallVector<MemoryEffects::EffectInstance>> effects =
      getEffectsRecursively(ops.lookup("tma.elect"));
  ASSERT_TRUE(effects);
  std::set<std::string> resources;
  for (const MemoryEffects::EffectInstance &effect : *effects)
    resources.insert(effect.getResource()->getName().str());
  EXPECT_EQ(resources, (std::set<std::string>{"AsyncSharedMemory", "Barriers",
                                              "Descriptors", "GlobalMemory",
                                              "SharedMemory"}));
}

TEST_F(DialectEffects, AsynchronousReaders) {
  auto contract = get<AsyncReaderInterface>("mma.contract");
  ASSERT_TRUE(contract);
  EXPECT_EQ(contract.getReadRetirement(), ReadRetirement::Token);
  EXPECT_EQ(contract.getReadToken(), contract->getResults().back());
  EXPECT_EQ(
      contract.getAsyncReads(),
      (SmallVector<Value>{contract->getOperand(0), contract->getOperand(1)}));

  auto store = get<AsyncReaderInterface>("tma.store");
  ASSERT_TRUE(store);
  EXPECT_EQ(store.getReadRetirement(), ReadRetirement::BulkGroup);
  EXPECT_FALSE(store.getReadToken());
  EXPECT_EQ(store.getAsyncReads(), SmallVector<Value>{store->getOperand(0)});

  auto wgmma = get<AsyncReaderInterface>("mma.wgmma");
  ASSERT_TRUE(wgmma);
  EXPECT_EQ(wgmma.getReadRetirement(), ReadRetirement::MatrixGroup);
  EXPECT_FALSE(wgmma.getReadToken());
  EXPECT_EQ(wgmma.getAsyncReads(), contract.getAsyncReads());

  for (const char *name : {"tile.load", "tile.copy", "tma.load", "tile.put"})
    EXPECT_FALSE(get<AsyncReaderInterface>(name)) << name;
}

TEST_F(DialectEffects, FillersOfSlots) {
  Value slot = ops.lookup("pipe.acquire_put")->getResult(0);
  auto load = get<SlotFillerInterface>("tma.load");
  ASSERT_TRUE(load);
  EXPECT_EQ(load.getTransactionBytes(), 128 * 64);
  // Found through the slice.
  EXPECT_EQ(pipe::getSlotOf(load.getFilledView()), slot);

  auto copy = get<SlotFillerInterface>("tile.copy");
  ASSERT_TRUE(copy);
  // tf32 occupies four bytes.
  EXPECT_EQ(copy.getTransactionBytes(), 8 * 16 * 4);
  EXPECT_EQ(pipe::getSlotOf(copy.getFilledView()), slot);

  EXPECT_FALSE(get<SlotFillerInterface>("tile.put"));
  EXPECT_FALSE(get<SlotFillerInterface>("tma.store"));
}

TEST_F(DialectEffects, Contractions) {
  for (const char *name : {"tile.contract", "fp8.promote", "mma.contract"}) {
    auto op = get<ContractionInterface>(name);
    ASSERT_TRUE(op) << name;
    unsigned first = StringRef(name) == "fp8.promote" ? 1 : 0;
    EXPECT_EQ(op.getMatrixA(), op->getOperand(first)) << name;
    EXPECT_EQ(op.getMatrixB(), op->getOperand(first + 1)) << name;
  }
}

} // namespace
