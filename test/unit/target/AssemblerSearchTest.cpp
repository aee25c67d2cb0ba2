//===- AssemblerSearchTest.cpp - the order of the search ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestFolder.h"
#include "tilewright/Target/Assembler.h"

#include "gtest/gtest.h"

#include <map>

using namespace tilewright::target;

namespace {

/// A machine on which nothing is found but what the test puts there.
class AssemblerSearchTest : public ::testing::Test {
protected:
  AssemblerSearchTest() {
    search.getenv = [this](llvm::StringRef name) -> std::optional<std::string> {
      auto it = environment.find(name.str());
      if (it == environment.end())
        return std::nullopt;
      return it->second;
    };
    search.programDir = folder.path("repo/build/dev/bin");
    search.defaultToolkit = folder.path("default");
    search.askDynamicLinker = false;
    environment["PATH"] = folder.path("bin");
  }

  AssemblerInfo find() {
    llvm::Expected<AssemblerInfo> info = findAssembler(search);
    if (!info) {
      ADD_FAILURE() << llvm::toString(info.takeError());
      return {};
    }
    return *info;
  }
  std::string findError() {
    llvm::Expected<AssemblerInfo> info = findAssembler(search);
    return info ? "found " + info->path : llvm::toString(info.takeError());
  }

  /// A virtual environment `name` whose site-packages hold a ptxas.
  std::string environmentPtxas(const llvm::Twine &name,
                               llvm::StringRef package = "cu13",
                               llvm::StringRef version = "13.0") {
    folder.file(name + "/pyvenv.cfg", "home = /usr\n");
    return folder.ptxas(name + "/lib/python3.11/site-packages/nvidia/" +
                            package + "/bin/ptxas",
                        version);
  }

  TestFolder folder;
  std::map<std::string, std::string> environment;
  AssemblerSearch search;
};

} // namespace

TEST_F(AssemblerSearchTest, NothingIsTheDriver) {
  AssemblerInfo info = find();
  EXPECT_EQ(info.kind, AssemblerKind::Driver);
  EXPECT_FALSE(info.producesCubin());
  EXPECT_NE(info.describe().find("driver"), std::string::npos);
}

// Every place, from the last to the first: each new one wins over all before.
TEST_F(AssemblerSearchTest, Order) {
  folder.ptxas("default/bin/ptxas", "13.0");
  EXPECT_EQ(find().path, folder.path("default/bin/ptxas"));

  // The packages of the python3 on PATH.
  std::string user = folder.path("python/site");
  folder.script("bin/python3", "echo '" + user + "'");
  std::string viaPython = folder.ptxas("python/site/nvidia/cu13/bin/ptxas");
  EXPECT_EQ(find().path, viaPython);

  std::string above = environmentPtxas("repo/.venv");
  EXPECT_EQ(find().path, above);
  std::string active = environmentPtxas("active");
  environment["VIRTUAL_ENV"] = folder.path("active");
  EXPECT_EQ(find().path, active);

  std::string onPath = folder.ptxas("bin/ptxas");
  EXPECT_EQ(find().path, onPath);
  EXPECT_EQ(find().foundBy, "PATH");
  std::string cudaPath = folder.ptxas("cuda path/bin/ptxas", "12.9");
  environment["CUDA_PATH"] = folder.path("cuda path");
  EXPECT_EQ(find().path, cudaPath);
  std::string cudaHome = folder.ptxas("cuda home/bin/ptxas", "12.8");
  environment["CUDA_HOME"] = folder.path("cuda home");
  EXPECT_EQ(find().path, cudaHome);
  EXPECT_EQ(find().foundBy, "$CUDA_HOME");

  environment["TILEWRIGHT_PTXAS"] = folder.ptxas("own/my ptxas", "13.1");
  AssemblerInfo info = find();
  EXPECT_EQ(info.path, folder.path("own/my ptxas"));
  EXPECT_EQ(info.foundBy, "$TILEWRIGHT_PTXAS");
  EXPECT_EQ(info.major, 13u);
  EXPECT_EQ(info.minor, 1u);
  EXPECT_EQ(info.version, "13.1.88");

  search.explicitChoice = folder.ptxas("flag/ptxas", "13.2");
  EXPECT_EQ(find().path, search.explicitChoice);
  EXPECT_EQ(find().foundBy, "--ptxas");
}

// site-packages/nvidia/cuda_nvcc is CUDA 12's layout, cu13 CUDA 13's.
TEST_F(AssemblerSearchTest, PackageLayouts) {
  std::string old = environmentPtxas("repo/.venv", "cuda_nvcc", "12.9");
  EXPECT_EQ(find().path, old);
  EXPECT_EQ(find().version, "12.9.88");
  std::string cu13 = environmentPtxas("repo/.venv", "cu13");
  EXPECT_EQ(find().path, cu13);
  std::string cu14 = environmentPtxas("repo/.venv", "cu14", "14.0");
  EXPECT_EQ(find().path, cu14);
}

TEST_F(AssemblerSearchTest, TritonsPtxas) {
  folder.file("repo/.venv/pyvenv.cfg", "");
  std::string path = folder.ptxas("repo/.venv/lib/python3.12/site-packages/"
                                  "triton/backends/nvidia/bin/ptxas",
                                  "12.8");
  EXPECT_EQ(find().path, path);
}

// A program installed into a virtual environment's own bin.
TEST_F(AssemblerSearchTest, ProgramInsideEnvironment) {
  std::string path = environmentPtxas("venv of someone");
  search.programDir = folder.path("venv of someone/bin");
  EXPECT_EQ(find().path, path);
}

// The Python package: <packages>/tilewright/bin beside <packages>/nvidia,
// whatever the folder is called and whether or not an environment is active.
TEST_F(AssemblerSearchTest, ProgramBesidePackages) {
  search.programDir = folder.path("anywhere/tilewright/bin");
  std::string path = folder.ptxas("anywhere/nvidia/cu13/bin/ptxas");
  EXPECT_EQ(find().path, path);
  EXPECT_EQ(find().foundBy, "Python packages of " + folder.path("anywhere"));
}

// What is broken or too old is passed over, and the user can see why.
TEST_F(AssemblerSearchTest, PassesOverUnusable) {
  environment["CUDA_HOME"] = folder.path("home");
  folder.file("home/bin/ptxas", "not a program", /*executable=*/false);
  environment["CUDA_PATH"] = folder.path("other");
  folder.ptxas("other/bin/ptxas", "11.8"); // too old for sm_90a
  folder.script("bin/ptxas", "echo something else");
  environment["PATH"] += ":" + folder.path("bin2");
  std::string good = folder.ptxas("bin2/ptxas");
  AssemblerInfo info = find();
  EXPECT_EQ(info.path, good);
  ASSERT_EQ(info.rejected.size(), 3u);
  EXPECT_NE(info.rejected[0].find("not executable"), std::string::npos);
  EXPECT_NE(info.rejected[1].find("needs PTX 8.0"), std::string::npos);
  EXPECT_NE(info.rejected[2].find("does not tell its version"),
            std::string::npos);
}

// The toolkit must know the chip: 12.6 has sm_90a, not sm_100a.
TEST_F(AssemblerSearchTest, ChipDecides) {
  std::string old = folder.ptxas("bin/ptxas", "12.6");
  folder.ptxas("default/bin/ptxas", "13.0");
  EXPECT_EQ(find().path, old);
  search.chip = "sm_100a";
  EXPECT_EQ(find().path, folder.path("default/bin/ptxas"));
}

TEST_F(AssemblerSearchTest, ExplicitChoiceNeverFallsBack) {
  folder.ptxas("bin/ptxas");
  search.explicitChoice = folder.path("missing");
  EXPECT_NE(findError().find("--ptxas="), std::string::npos);
  EXPECT_NE(findError().find("missing"), std::string::npos);
  search.explicitChoice = folder.file("plain", "x");
  EXPECT_NE(findError().find("not executable"), std::string::npos);
  search.explicitChoice = folder.ptxas("old", "11.8");
  EXPECT_NE(findError().find("sm_90a"), std::string::npos);
  search.explicitChoice = folder.file("libnvJitLink.so.13", "no ELF");
  EXPECT_NE(findError().find("cannot load"), std::string::npos);
  search.explicitChoice = "nvjitlink";
  EXPECT_NE(findError().find("no usable libnvJitLink"), std::string::npos);
  search.explicitChoice.clear();
  environment["TILEWRIGHT_PTXAS"] = "/nonexistent/ptxas";
  EXPECT_NE(findError().find("$TILEWRIGHT_PTXAS=/nonexistent/ptxas"),
            std::string::npos);
}

TEST_F(AssemblerSearchTest, ExplicitForms) {
  folder.ptxas("bin/ptxas", "13.0");
  search.explicitChoice = "driver";
  EXPECT_EQ(find().kind, AssemblerKind::Driver);
  // A name on PATH, a toolkit's folder, its bin folder.
  search.explicitChoice = "ptxas";
  EXPECT_EQ(find().path, folder.path("bin/ptxas"));
  folder.ptxas("toolkit/bin/ptxas", "13.1");
  search.explicitChoice = folder.path("toolkit");
  EXPECT_EQ(find().path, folder.path("toolkit/bin/ptxas"));
  search.explicitChoice = folder.path("toolkit/bin");
  EXPECT_EQ(find().path, folder.path("toolkit/bin/ptxas"));
}

// A changed program is asked for its version again.
TEST_F(AssemblerSearchTest, VersionIsNotStale) {
  folder.ptxas("bin/ptxas", "12.9");
  EXPECT_EQ(find().version, "12.9.88");
  folder.ptxas("bin/ptxas", "13.0", "true; true; true");
  EXPECT_EQ(find().version, "13.0.88");
}
