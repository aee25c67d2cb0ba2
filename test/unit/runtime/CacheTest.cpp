//===- CacheTest.cpp - The disk cache, and what can go wrong with it ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tilewright/Runtime/Cache.h"
#include "TestSupport.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <csignal>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace tilewright::runtime;
using namespace tilewright::runtime::test;
namespace fs = llvm::sys::fs;

namespace {
Artefact artefact(llvm::StringRef tag = "one", size_t size = 5000) {
  Artefact out;
  out.image = "\x7f"
              "ELF " +
              tag.str() + std::string(size, '\x01');
  out.manifest = "{\"tag\": \"" + tag.str() + "\"}";
  out.diagnostics = "remark: " + tag.str();
  return out;
}

std::string keyOf(llvm::StringRef text) {
  return KeyBuilder().add(text).finish();
}

/// Files below `folder`, relative.
std::vector<std::string> filesIn(const std::string &folder) {
  std::vector<std::string> out;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end;
       it != end && !error; it.increment(error))
    if (!fs::is_directory(it->path()))
      out.push_back(it->path().substr(folder.size() + 1));
  return out;
}

class CacheTest : public ::testing::Test {
protected:
  CacheTest() : cache(directory.path) {
    cache.onWarning(
        [](llvm::StringRef message, void *self) {
          static_cast<CacheTest *>(self)->warnings.push_back(message.str());
        },
        this);
  }
  TemporaryDirectory directory;
  Cache cache;
  std::vector<std::string> warnings;
};

TEST_F(CacheTest, KeysSeparateFields) {
  EXPECT_EQ(keyOf("").size(), 64u);
  EXPECT_NE(KeyBuilder().add("ab").add("c").finish(),
            KeyBuilder().add("a").add("bc").finish());
  EXPECT_NE(KeyBuilder().add("a").finish(),
            KeyBuilder().add("a").add("").finish());
  EXPECT_EQ(keyOf("same"), keyOf("same"));
}

TEST_F(CacheTest, StoresAndFinds) {
  std::string key = keyOf("k");
  EXPECT_FALSE(cache.lookup(key));
  EXPECT_TRUE(cache.store(key, artefact()));
  auto found = cache.lookup(key);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->image, artefact().image);
  EXPECT_EQ(found->manifest, artefact().manifest);
  EXPECT_EQ(found->diagnostics, artefact().diagnostics);
  EXPECT_EQ(found->kind, Artefact::Kind::Cubin);
  EXPECT_FALSE(cache.lookup(keyOf("other")));
  // An entry also loads as an artefact.
  EXPECT_EQ(get(Artefact::load(cache.pathOf(key))).image, artefact().image);
  EXPECT_TRUE(warnings.empty());
}

TEST_F(CacheTest, KeepsPtxApart) {
  Artefact ptx = artefact();
  ptx.kind = Artefact::Kind::Ptx;
  ptx.image = ".version 8.6\n";
  EXPECT_TRUE(cache.store(keyOf("p"), ptx));
  EXPECT_EQ(cache.lookup(keyOf("p"))->kind, Artefact::Kind::Ptx);
}

TEST_F(CacheTest, EveryTruncationIsNoticed) {
  for (const char *file :
       {"entry", "manifest.json", "kernel.cubin", "diagnostics.txt"}) {
    std::string key = keyOf(file), path = cache.pathOf(key) + "/" + file;
    ASSERT_TRUE(cache.store(key, artefact("x", 40)));
    uint64_t size;
    ASSERT_FALSE(fs::file_size(path, size));
    for (uint64_t cut = 0; cut < size; ++cut) {
      ASSERT_EQ(truncate(path.c_str(), off_t(cut)), 0);
      EXPECT_FALSE(cache.lookup(key)) << file << " cut to " << cut;
      // The damaged entry is gone, so a new one can be published.
      EXPECT_FALSE(fs::exists(cache.pathOf(key)));
      ASSERT_TRUE(cache.store(key, artefact("x", 40)));
      ASSERT_TRUE(cache.lookup(key));
    }
  }
  EXPECT_TRUE(warnings.empty());
}

TEST_F(CacheTest, EveryChangedByteIsNoticed) {
  std::string key = keyOf("k");
  for (const char *file :
       {"entry", "manifest.json", "kernel.cubin", "diagnostics.txt"}) {
    ASSERT_TRUE(cache.store(key, artefact("x", 40)));
    std::string path = cache.pathOf(key) + "/" + file;
    uint64_t size;
    ASSERT_FALSE(fs::file_size(path, size));
    for (uint64_t at = 0; at < size; ++at) {
      int fd = open(path.c_str(), O_RDWR);
      char byte;
      ASSERT_EQ(pread(fd, &byte, 1, off_t(at)), 1);
      byte ^= 0x20;
      ASSERT_EQ(pwrite(fd, &byte, 1, off_t(at)), 1);
      close(fd);
      EXPECT_FALSE(cache.lookup(key)) << file << " byte " << at;
      ASSERT_TRUE(cache.store(key, artefact("x", 40)));
    }
  }
}

TEST_F(CacheTest, MissingFilesAreNoticed) {
  std::string key = keyOf("k");
  for (const char *file : {"entry", "manifest.json", "kernel.cubin"}) {
    ASSERT_TRUE(cache.store(key, artefact()));
    ASSERT_EQ(unlink((cache.pathOf(key) + "/" + file).c_str()), 0);
    EXPECT_FALSE(cache.lookup(key)) << file;
    EXPECT_FALSE(fs::exists(cache.pathOf(key)));
  }
  // The list may not point elsewhere.
  ASSERT_TRUE(cache.store(key, artefact()));
  std::string list = cache.pathOf(key) + "/entry";
  std::error_code error;
  llvm::raw_fd_ostream os(list, error);
  os << "tilewright-cache-1\n1 00 ../../../etc/passwd\nx\n";
  os.close();
  EXPECT_FALSE(cache.lookup(key));
}

TEST_F(CacheTest, ManyProcessesMayWriteTheSameKeys) {
  constexpr int processes = 8, keys = 5, rounds = 20;
  std::vector<pid_t> children;
  for (int p = 0; p < processes; ++p) {
    pid_t child = fork();
    if (child == 0) {
      Cache mine(directory.path);
      bool good = true;
      for (int r = 0; r < rounds; ++r)
        for (int k = 0; k < keys; ++k) {
          std::string tag = "key" + std::to_string((k + p) % keys);
          if (auto found = mine.lookup(keyOf(tag)))
            good &= found->image == artefact(tag, 100000).image;
          else
            good &= mine.store(keyOf(tag), artefact(tag, 100000));
          // One process keeps damaging entries under the others' feet.
          if (p == 0 && r % 4 == 0)
            (void)!truncate((mine.pathOf(keyOf(tag)) + "/kernel.cubin").c_str(),
                            r);
        }
      _exit(good ? 0 : 1);
    }
    children.push_back(child);
  }
  for (pid_t child : children) {
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  for (int k = 0; k < keys; ++k) {
    std::string tag = "key" + std::to_string(k);
    auto found = cache.lookup(keyOf(tag));
    if (!found) { // Damaged last: rebuilt like any absent entry.
      EXPECT_TRUE(cache.store(keyOf(tag), artefact(tag, 100000)));
      found = cache.lookup(keyOf(tag));
    }
    ASSERT_TRUE(found);
    EXPECT_EQ(found->image, artefact(tag, 100000).image);
  }
  for (const std::string &file : filesIn(directory.path))
    EXPECT_FALSE(llvm::StringRef(file).starts_with("tmp-")) << file;
}

TEST_F(CacheTest, AFullDiskCostsOneWarning) {
  // A file size limit fails a write as a full disk does, in the middle.
  pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {2000, 2000};
    setrlimit(RLIMIT_FSIZE, &limit);
    bool good = !cache.store(keyOf("big"), artefact());
    good &= warnings.size() == 1;
    good &= warnings[0].find("kernel.cubin") != std::string::npos;
    good &= warnings[0].find("File too large") != std::string::npos;
    good &= !cache.lookup(keyOf("big"));
    good &= !cache.store(keyOf("again"), artefact());
    good &= warnings.size() == 1;
    _exit(good ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(filesIn(directory.path).empty()); // Nothing half written.
}

TEST_F(CacheTest, AReadOnlyDirectoryStillServes) {
  ASSERT_TRUE(cache.store(keyOf("old"), artefact("old")));
  ASSERT_EQ(chmod(directory.path.c_str(), 0555), 0);
  pid_t child = fork();
  if (child == 0) {
    // Permissions do not bind root.
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
      _exit(2);
    bool good = !cache.store(keyOf("new"), artefact("new"));
    good &= warnings.size() == 1;
    good &= warnings[0].find("Permission denied") != std::string::npos;
    auto found = cache.lookup(keyOf("old"));
    good &= found && found->image == artefact("old").image;
    _exit(good ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  chmod(directory.path.c_str(), 0755);
}

TEST_F(CacheTest, AnImpossiblePlaceCostsOneWarning) {
  std::string file = directory.path + "/file";
  close(creat(file.c_str(), 0644));
  Cache nowhere(file + "/below");
  int count = 0;
  nowhere.onWarning(
      [](llvm::StringRef, void *count) { ++*static_cast<int *>(count); },
      &count);
  EXPECT_FALSE(nowhere.lookup(keyOf("k")));
  EXPECT_FALSE(nowhere.store(keyOf("k"), artefact()));
  EXPECT_FALSE(nowhere.store(keyOf("l"), artefact()));
  EXPECT_EQ(count, 1);
}

TEST_F(CacheTest, NoDirectoryIsNoCache) {
  Cache none("");
  EXPECT_FALSE(none.store(keyOf("k"), artefact()));
  EXPECT_FALSE(none.lookup(keyOf("k")));
}

TEST_F(CacheTest, SweepsWhatDeadWritersLeft) {
  std::string old = directory.path + "/tmp-1-0-9",
              fresh = directory.path + "/tmp-1-0-8";
  for (const std::string &folder : {old, fresh}) {
    ASSERT_EQ(mkdir(folder.c_str(), 0755), 0);
    close(creat((folder + "/kernel.cubin").c_str(), 0644));
  }
  struct timespec times[2] = {{1000000, 0}, {1000000, 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, old.c_str(), times, 0), 0);
  ASSERT_TRUE(cache.store(keyOf("k"), artefact()));
  EXPECT_FALSE(fs::exists(old));
  EXPECT_TRUE(fs::exists(fresh)); // Its writer may still be at it.
}

/// Sets environment variables for a scope.
class Environment {
public:
  void set(const char *name, const char *value) {
    const char *old = getenv(name);
    saved.emplace_back(name,
                       old ? std::optional<std::string>(old) : std::nullopt);
    value ? setenv(name, value, 1) : unsetenv(name);
  }
  ~Environment() {
    for (auto it = saved.rbegin(); it != saved.rend(); ++it)
      it->second ? setenv(it->first.c_str(), it->second->c_str(), 1)
                 : unsetenv(it->first.c_str());
  }

private:
  std::vector<std::pair<std::string, std::optional<std::string>>> saved;
};

TEST(CacheRoot, FollowsTheEnvironment) {
  Environment environment;
  environment.set("HOME", "/home/someone");
  environment.set("XDG_CACHE_HOME", nullptr);
  environment.set("TILEWRIGHT_CACHE_DIR", nullptr);
  EXPECT_EQ(Cache::defaultRoot(), "/home/someone/.cache/tilewright");
  environment.set("XDG_CACHE_HOME", "relative");
  EXPECT_EQ(Cache::defaultRoot(), "/home/someone/.cache/tilewright");
  environment.set("XDG_CACHE_HOME", "/var/cache/me");
  EXPECT_EQ(Cache::defaultRoot(), "/var/cache/me/tilewright");
  environment.set("TILEWRIGHT_CACHE_DIR", "/fast/disk");
  EXPECT_EQ(Cache::defaultRoot(), "/fast/disk");
  environment.set("TILEWRIGHT_CACHE_DIR", "");
  EXPECT_EQ(Cache::defaultRoot(), "");
  environment.set("TILEWRIGHT_CACHE_DIR", nullptr);
  environment.set("XDG_CACHE_HOME", nullptr);
  environment.set("HOME", nullptr);
  EXPECT_EQ(Cache::defaultRoot(), "");
}
} // namespace
