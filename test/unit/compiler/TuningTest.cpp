//===- TuningTest.cpp - the cost model and the choice of constants --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Driver/Choose.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"
#include <chrono>

using namespace tilewright;
using namespace tilewright::tuning;

namespace {

std::string readKernel(llvm::StringRef name) {
  for (llvm::StringRef folder : {"gemm/", "sketches/"})
    if (auto buffer = llvm::MemoryBuffer::getFile(
            (TILEWRIGHT_SOURCE_DIR "/kernels/" + folder + name).str(),
            /*IsText=*/true))
      return (*buffer)->getBuffer().str();
  return "";
}

/// The space of a kernel that ships; no table beside it.
std::shared_ptr<const Space> open(llvm::StringRef name,
                                  const CompileOptions &options = {}) {
  std::string text;
  llvm::raw_string_ostream os(text);
  auto space = Space::get(readKernel(name), "kernel.tw", options, os);
  EXPECT_EQ(text, "");
  return space;
}

constexpr const char *normal = "fp8_gemm_nt.tw";
constexpr const char *swapped = "fp8_gemm_nt_swap_ab.tw";

Extents shape(int64_t m, int64_t n, int64_t k) {
  return {{"M", m}, {"N", n}, {"K", k}};
}

TEST(CostExpr, Evaluates) {
  using Op = CostExpr::Op;
  CostExpr k = CostExpr::dim(1), s = CostExpr::coord(2);
  CostExpr blocks = *CostExpr::binary(Op::CDiv, k, CostExpr::integer(128));
  // s * cdiv(K, 128) // 4, the first block of part s of a split K.
  CostExpr first =
      *CostExpr::binary(Op::FloorDiv, *CostExpr::binary(Op::Mul, s, blocks),
                        CostExpr::integer(4));
  EXPECT_EQ(first.evaluate({7, 7168}, {0, 0, 3}), 42);
  EXPECT_EQ(first.coordinates(), 4u);
  EXPECT_EQ(blocks.coordinates(), 0u);
  auto value = [](Op op, int64_t a, int64_t b) {
    return CostExpr::binary(op, CostExpr::dim(0), CostExpr::dim(1))
        ->evaluate({a, b}, {});
  };
  EXPECT_EQ(value(Op::FloorDiv, -1, 4), -1);
  EXPECT_EQ(value(Op::Mod, -1, 4), 3);
  EXPECT_EQ(value(Op::CDiv, -7, 4), -1);
  EXPECT_EQ(value(Op::CDiv, 5, 0), 0);
  EXPECT_EQ(value(Op::Mod, 5, 0), 5);
  EXPECT_EQ(value(Op::FloorDiv, INT64_MIN, -1), INT64_MIN);
  EXPECT_EQ(value(Op::Le, 3, 3), 1);
  // Nested to the right beyond the stack: no expression, no overflow.
  std::optional<CostExpr> deep = k;
  for (int i = 0; deep && i < 40; ++i)
    deep = CostExpr::binary(Op::Add, k, *deep);
  EXPECT_FALSE(deep.has_value());
}

TEST(Profile, ReadsThePlannedKernel) {
  CompileOptions options;
  options.constants = {
      {"BM", "256"}, {"BN", "128"}, {"CL", "2"}, {"G", "16"}, {"WG", "2"}};
  options.hints = {{"buffers", 0}};
  auto space = open(normal, options);
  ASSERT_TRUE(space);
  ASSERT_EQ(space->points().size(), 1u);
  const KernelProfile &profile = space->points()[0].profile;
  EXPECT_EQ(profile.cluster, 2);
  EXPECT_EQ(profile.raster, 16);
  EXPECT_TRUE(profile.persistent);
  // Four slots of 256×128 + 128×128 bytes and 256 scales.
  EXPECT_EQ(profile.inFlightBytes, 4 * (32768 + 16384 + 1024));
  Work slots;
  for (const Phase &phase : profile.phases)
    if (phase.inLoop)
      slots.add(phase.work);
  // 256·128·128 multiply-adds at 4096 a cycle; A and its scales come once for
  // two CTAs.
  EXPECT_EQ(slots.tensorCycles, 1024);
  EXPECT_EQ(slots.loadBytes, 32768 + 16384 + 1024);
  EXPECT_EQ(slots.copies, 2);
  EXPECT_EQ(slots.gets, 1);
  EXPECT_EQ(slots.waves, 4);
  EXPECT_EQ(slots.laneOps, 256 * 128);
  EXPECT_EQ(slots.scalars, 0) << "one scale of B a slot";
  for (const TensorProfile &tensor : profile.tensors)
    EXPECT_EQ(tensor.isWritten, tensor.name == "D") << tensor.name;
}

TEST(Profile, CountsScalesOfBlocksThatATileCrosses) {
  for (auto [width, scalars] : {std::pair(128, 0), std::pair(64, 0),
                                std::pair(96, 2), std::pair(176, 10)}) {
    CompileOptions options;
    options.constants = {{"BM", "128"},
                         {"BN", std::to_string(width)},
                         {"CL", "1"},
                         {"G", "8"},
                         {"WG", "2"}};
    auto space = open(normal, options);
    ASSERT_TRUE(space);
    double counted = 0;
    for (const Phase &phase : space->points()[0].profile.phases)
      counted += phase.work.scalars;
    EXPECT_EQ(counted, scalars) << width;
  }
}

TEST(CostModel, CountsTilesAndRounds) {
  CompileOptions options;
  options.constants = {
      {"BM", "256"}, {"BN", "128"}, {"CL", "2"}, {"G", "16"}, {"WG", "2"}};
  auto space = open(normal, options);
  ASSERT_TRUE(space);
  const Machine &machine = defaultMachine();
  auto predictFor = [&](int64_t m, int64_t n, int64_t k) {
    return space->rank(shape(m, n, k), machine).front().prediction;
  };
  Prediction p = predictFor(4096, 4096, 7168);
  EXPECT_EQ(p.tiles, 512);
  EXPECT_EQ(p.ctas, 132);
  EXPECT_EQ(p.rounds, 4);
  EXPECT_EQ(p.trips, 56);
  EXPECT_GT(p.hbmBytes, 4096. * 7168 * 2 + 4096. * 4096 * 2);
  // 17 tiles along N become 18, and a seventh of a wave is a whole round.
  EXPECT_EQ(predictFor(256, 2112, 128).tiles, 18);
  // Nothing to do is launched all the same.
  EXPECT_EQ(predictFor(0, 4096, 128).rounds, 0);
  EXPECT_GT(predictFor(0, 4096, 128).total, 0);
  EXPECT_EQ(predictFor(256, 4096, 0).trips, 0);
}

/// More work on any dimension is never predicted to be faster.
TEST(CostModel, GrowsWithTheProblem) {
  const Machine &machine = defaultMachine();
  for (const char *kernel : {normal, swapped}) {
    auto space = open(kernel);
    ASSERT_TRUE(space);
    for (const SpacePoint &point : space->points()) {
      auto time = [&](int64_t m, int64_t n, int64_t k) {
        Extents extents = shape(m, n, k);
        llvm::SmallVector<int64_t> dims;
        for (const std::string &name : point.profile.dims)
          dims.push_back(extents[name]);
        return predict(point.profile, dims, machine).total;
      };
      // Whole tiles: filling one up with rows costs nothing, and saves what
      // boxes out of bounds cost.
      double base = time(768, 2304, 2048);
      EXPECT_GE(time(1536, 2304, 2048), base) << point.configuration.str();
      EXPECT_GE(time(768, 4608, 2048), base) << point.configuration.str();
      EXPECT_GE(time(768, 2304, 4096), base) << point.configuration.str();
      EXPECT_GT(time(7680, 23040, 20480), 10 * base);
    }
  }
}

/// A kernel that splits K over the `parts` CTAs of a cluster: tiles of 64×64,
/// part s takes blocks s, s + parts, ….
KernelProfile splitK(int64_t parts) {
  using Op = CostExpr::Op;
  auto blocks = [](CostExpr extent, int64_t by) {
    return *CostExpr::binary(Op::CDiv, extent, CostExpr::integer(by));
  };
  KernelProfile profile;
  profile.dims = {"M", "N", "K"};
  profile.extents = {blocks(CostExpr::dim(0), 64), blocks(CostExpr::dim(1), 64),
                     CostExpr::integer(parts)};
  profile.cluster = parts;
  profile.clusterDim = 2;
  profile.raster = 8;
  profile.rasterDim = 1;
  profile.persistent = true;
  profile.inFlightBytes = 200000;
  profile.roles = {{"math", 1}};
  profile.tensors = {
      {"B", {CostExpr::dim(1), CostExpr::dim(2)}, 1, true, false}};
  Phase loop, end;
  loop.inLoop = true;
  loop.trips = {blocks(*CostExpr::binary(Op::Sub, blocks(CostExpr::dim(2), 128),
                                         CostExpr::coord(2)),
                       parts)};
  loop.work.tensorCycles = 128;
  loop.work.loadBytes = loop.work.l2Bytes = loop.work.sharedBytes = 16384;
  loop.work.gets = loop.work.waves = 1;
  end.work.gets = parts > 1;
  profile.phases = {loop, end};
  profile.traffic = {{0, 0, 8192, 0b110, false, true}};
  return profile;
}

TEST(CostModel, WeighsASplitK) {
  const Machine &machine = defaultMachine();
  Prediction whole = predict(splitK(1), {64, 2112, 7168}, machine);
  Prediction four = predict(splitK(4), {64, 2112, 7168}, machine);
  EXPECT_EQ(whole.tiles, 33);
  EXPECT_EQ(whole.trips, 56);
  EXPECT_EQ(four.tiles, 132);
  EXPECT_EQ(four.trips, 14);
  EXPECT_LT(four.chain, whole.chain);
  // 57 blocks: the first part has 15 of them.
  EXPECT_EQ(predict(splitK(4), {64, 2112, 7200}, machine).trips, 15);
  // No more blocks than parts: only the exchange is left of the split.
  EXPECT_GT(predict(splitK(4), {64, 8192, 128}, machine).total,
            predict(splitK(1), {64, 8192, 128}, machine).total);
  // Each byte of B once, in parts or not.
  EXPECT_EQ(whole.hbmBytes, 2112. * 7168);
  EXPECT_EQ(four.hbmBytes, whole.hbmBytes);
}

/// 33 clusters of 4 are launched, of which fewer fit: the last begin when the
/// first have ended.
TEST(CostModel, ClustersThatDoNotFitWait) {
  const Machine &machine = defaultMachine();
  ASSERT_LT(machine.residentCTAs(4), 132);
  EXPECT_EQ(machine.residentCTAs(2), 132);
  auto rounds = [&](int64_t clusters) {
    return predict(splitK(4), {64, 64 * clusters, 7168}, machine).rounds;
  };
  EXPECT_EQ(rounds(machine.residentClusters4), 1);
  EXPECT_EQ(rounds(machine.residentClusters4 + 1), 2);
  // 56 on 33: 23 have two, and the late ones one more after those with one.
  EXPECT_EQ(rounds(56), 2);
}

TEST(CostModel, FasterMemoryIsNotSlower) {
  const Machine *h100 = findMachine("NVIDIA H100 80GB HBM3");
  const Machine *h200 = findMachine("NVIDIA H200");
  ASSERT_TRUE(h100 && h200 && h100 != h200);
  EXPECT_EQ(findMachine("NVIDIA A100"), nullptr);
  auto space = open(swapped);
  ASSERT_TRUE(space);
  double slow = space->rank(shape(1, 7168, 16384), *h100)[0].prediction.total;
  double fast = space->rank(shape(1, 7168, 16384), *h200)[0].prediction.total;
  EXPECT_GT(slow, 1.1 * fast);
}

TEST(Space, MeetsItsConditions) {
  auto space = open(normal);
  ASSERT_TRUE(space);
  EXPECT_GT(space->points().size(), 50u);
  EXPECT_GT(space->excluded(), 0u);
  for (const SpacePoint &point : space->points()) {
    const auto &c = point.configuration.constants;
    int64_t bm = std::stoll(c.at("BM")), wg = std::stoll(c.at("WG"));
    EXPECT_TRUE(bm == 64 * wg || (wg == 2 && bm == 256));
    // The planner's word: what does not fit is no point.
    EXPECT_LE(point.profile.sharedBytes, 232448);
    EXPECT_LE(point.profile.threads, 1024);
  }
  bool registers = false;
  for (const Rejection &each : space->rejected()) {
    EXPECT_NE(each.reason, "");
    registers |= llvm::StringRef(each.reason).contains("registers");
  }
  EXPECT_TRUE(registers) << "256×192 does not fit";
}

TEST(Space, KeepsWhatIsGiven) {
  CompileOptions options;
  options.constants = {{"BN", "64"}};
  options.hints = {{"buffers", 4}};
  auto space = open(normal, options);
  ASSERT_TRUE(space);
  for (const SpacePoint &point : space->points()) {
    EXPECT_EQ(point.configuration.constants.at("BN"), "64");
    EXPECT_EQ(point.configuration.hints.at("buffers"), 4);
  }
}

TEST(Space, GivenConstantsNeedNotMeetConditions) {
  CompileOptions options;
  options.constants = {
      {"BM", "128"}, {"BN", "176"}, {"CL", "1"}, {"G", "12"}, {"WG", "2"}};
  auto space = open(normal, options);
  ASSERT_TRUE(space);
  EXPECT_EQ(space->points().size(), 2u) << "buffers are left to choose";
  EXPECT_EQ(space->excluded(), 0u);
  options.constants.erase("CL");
  options.constants["G"] = "16";
  std::string text;
  llvm::raw_string_ostream os(text);
  EXPECT_FALSE(Space::get(readKernel(normal), "kernel.tw", options, os));
  EXPECT_TRUE(llvm::StringRef(text).contains("no configuration")) << text;
}

TEST(Space, ChoosesTheSameEachTime) {
  auto space = open(normal);
  ASSERT_TRUE(space);
  std::string copy = readKernel(normal) + "\n# another text, another space\n";
  std::string text;
  llvm::raw_string_ostream os(text);
  auto other = Space::get(copy, "kernel.tw", {}, os);
  ASSERT_TRUE(other && other != space);
  for (auto [m, n, k] : {std::tuple(1, 2112, 7168), std::tuple(300, 1000, 512),
                         std::tuple(4096, 7168, 2048)}) {
    auto a = space->choose(shape(m, n, k), defaultMachine());
    auto b = other->choose(shape(m, n, k), defaultMachine());
    ASSERT_TRUE(a && b);
    EXPECT_EQ(a->configuration, b->configuration);
    EXPECT_EQ(a->prediction->total, b->prediction->total);
    EXPECT_EQ(
        a->configuration,
        space->rank(shape(m, n, k), defaultMachine())[0].point->configuration);
  }
  EXPECT_FALSE(space->choose({{"M", 1}}, defaultMachine()));
}

TEST(Space, TimeOfAChoice) {
  auto space = open(normal);
  ASSERT_TRUE(space);
  auto begin = std::chrono::steady_clock::now();
  constexpr int rounds = 200;
  for (int m = 1; m <= rounds; ++m)
    ASSERT_TRUE(space->choose(shape(m, 2112, 7168), defaultMachine()));
  double us = std::chrono::duration<double, std::micro>(
                  std::chrono::steady_clock::now() - begin)
                  .count();
  llvm::outs() << llvm::formatv("{0:f1} us a choice among {1} points\n",
                                us / rounds, space->points().size());
}

TEST(Space, RequirementsDependOnTheLaunch) {
  std::string source = R"(
kernel copy<BM>(A: bf16[M, N], D: bf16[M, N] out) require M % BM == 0 {
  tune BM in (64, 128)
  tiles t(i: cdiv(M, BM), j: cdiv(N, 64))
  role work(groups 1) {
    for (i, j) in t {
      x: bf16[m: BM, n: 64] = A[i*BM + m, j*64 + n]
      D[i*BM + m, j*64 + n] <- x
    }
  }
}
)";
  std::string text;
  llvm::raw_string_ostream os(text);
  auto space = Space::get(source, "copy.tw", {}, os);
  ASSERT_TRUE(space) << text;
  EXPECT_EQ(space->points().size(), 2u);
  Extents extents{{"M", 192}, {"N", 64}};
  auto choice = space->choose(extents, defaultMachine());
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->configuration.constants.at("BM"), "64");
  extents["M"] = 100;
  EXPECT_FALSE(space->choose(extents, defaultMachine()));
}

TEST(Table, RoundTripsAndFinds) {
  Table table;
  table.kernel = "k";
  table.source = "s";
  TableEntry entry;
  entry.dims = {{"M", {1, 16}}, {"N", {2112, 2112}}};
  entry.configuration.constants = {{"BM", "16"}, {"T", "bf16"}};
  entry.configuration.hints = {{"buffers", 4}};
  entry.microseconds = 10.5;
  table.chips["h200"] = {entry};
  std::string text = llvm::formatv("{0}", table.toJSON());
  auto read = Table::parse(text);
  ASSERT_TRUE(bool(read)) << llvm::toString(read.takeError());
  EXPECT_EQ(llvm::formatv("{0}", read->toJSON()).str(), text);
  const TableEntry *found = read->find("h200", {{"M", 7}, {"N", 2112}});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->configuration, entry.configuration);
  EXPECT_EQ(found->microseconds, 10.5);
  EXPECT_FALSE(read->find("h200", {{"M", 17}, {"N", 2112}}));
  EXPECT_FALSE(read->find("h200", {{"M", 7}}));
  EXPECT_FALSE(read->find("h100", {{"M", 7}, {"N", 2112}}));
}

TEST(Table, RefusesOtherText) {
  for (auto [text, message] :
       {std::pair("[]", "format"), std::pair("{", "expected"),
        std::pair(R"({"format": "tilewright-table-1", "kernel": "k"})",
                  "'source'"),
        std::pair(R"({"format": "tilewright-table-1", "kernel": "k",
           "source": "s", "chips": {"h200": [{"dims": {"M": "x"},
           "constants": {}}]}})",
                  "dimension 'M'"),
        std::pair(R"({"format": "tilewright-table-1", "kernel": "k",
           "source": "s", "chips": {"h200": [{"dims": {}}]}})",
                  "'constants'")}) {
    auto read = Table::parse(text);
    ASSERT_FALSE(bool(read)) << text;
    std::string error = llvm::toString(read.takeError());
    EXPECT_TRUE(llvm::StringRef(error).contains_insensitive(message)) << error;
  }
}

TEST(Table, HashIgnoresComments) {
  std::string hash = hashSource("kernel k {\n  x = \"#\"\n}\n");
  EXPECT_EQ(hash, hashSource("# about\nkernel k { # here\n\n x = \"#\" \n}"));
  EXPECT_NE(hash, hashSource("kernel k {\n  x = \"# \"\n}\n"));
  EXPECT_NE(hash, hashSource("kernel l {\n  x = \"#\"\n}\n"));
}

} // namespace
