//===- AssemblerSearch.cpp - find an assembler for PTX --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The order (docs/assembler.md):
//
//   --ptxas, $TILEWRIGHT_PTXAS                 what the user says, or an error
//   ptxas in $CUDA_HOME/bin, $CUDA_PATH/bin, PATH
//   ptxas in Python packages, the default toolkit
//   libnvJitLink in the same places, then through the dynamic linker
//   a shared libnvptxcompiler likewise
//   the driver
//
// A ptxas comes before a library: it cannot take this process down, it can be
// stopped after a time, and it tells PTX lines. Layouts of the Python packages
// as published (site-packages/nvidia/…):
//
//   nvidia-cuda-nvcc       cu13/bin/ptxas              (CUDA 13 and later)
//   nvidia-cuda-nvcc-cu12  cuda_nvcc/bin/ptxas
//   nvidia-nvjitlink       cu13/lib/libnvJitLink.so.13 (CUDA 13 and later)
//   nvidia-nvjitlink-cu12  nvjitlink/lib/libnvJitLink.so.12
//   triton                 ../triton/backends/nvidia/bin/ptxas
//
//===----------------------------------------------------------------------===//

#include "ChildProcess.h"
#include "InProcessAssembler.h"
#include "tilewright/Target/Assembler.h"
#include "tilewright/Target/Chip.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"

#include <cstdlib>
#include <dlfcn.h>
#include <map>
#include <mutex>

using namespace llvm;

namespace tilewright::target {

AssemblerSearch::AssemblerSearch()
    : getenv([](StringRef name) -> std::optional<std::string> {
        const char *value = std::getenv(name.str().c_str());
        if (!value)
          return std::nullopt;
        return std::string(value);
      }) {}

namespace {

/// One place to look in, and how to name it to the user.
struct Place {
  std::string path;
  std::string name;
};

class Finder {
public:
  explicit Finder(const AssemblerSearch &search) : search(search) {}
  Expected<AssemblerInfo> run();

private:
  Expected<AssemblerInfo> explicitChoice(StringRef value, StringRef name);
  std::optional<AssemblerInfo> firstPtxas();
  std::optional<AssemblerInfo> firstLibrary(StringRef stem);
  std::optional<AssemblerInfo> consider(Expected<AssemblerInfo> candidate,
                                        const Place &place);
  Error checkChip(const AssemblerInfo &info) const;
  std::vector<Place> toolkits() const;
  const std::vector<Place> &sitePackages();
  void addVirtualEnvironment(StringRef root, StringRef name);
  void addSitePackages(StringRef path, StringRef name);
  void addFoldersAbove(StringRef folder);
  std::string variable(StringRef name) const {
    return search.getenv(name).value_or("");
  }

  const AssemblerSearch &search;
  std::vector<std::string> rejected;
  std::vector<Place> sites;
  bool sitesKnown = false;
};

} // namespace

static std::string below(StringRef folder, const Twine &a, const Twine &b = "",
                         const Twine &c = "") {
  SmallString<128> result(folder);
  sys::path::append(result, a, b, c);
  return std::string(result);
}

/// The entries of `folder`, sorted, so that the search does not depend on the
/// file system's order.
static std::vector<std::string> entries(StringRef folder) {
  std::vector<std::string> result;
  std::error_code error;
  for (sys::fs::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error))
    result.push_back(it->path());
  llvm::sort(result);
  return result;
}

//===----------------------------------------------------------------------===//
// Versions
//===----------------------------------------------------------------------===//

/// Runs `path --version` and reads "… release 13.0, V13.0.88". Remembered as
/// long as the file does not change: it costs about as long as a small kernel.
static Expected<AssemblerInfo> openPtxas(StringRef path) {
  AssemblerInfo info;
  info.kind = AssemblerKind::Ptxas;
  info.path = path.str();

  sys::fs::file_status status;
  if (std::error_code error = sys::fs::status(path, status))
    return createStringError(error, "'" + path + "': " + error.message());
  if (sys::fs::is_directory(status))
    return createStringError("'" + path + "' is a folder");
  if (!sys::fs::can_execute(path))
    return createStringError("'" + path + "' is not executable");

  static std::mutex mutex;
  static std::map<std::string, AssemblerInfo> known;
  std::string key =
      (path + "\0" + Twine(status.getSize()) + "\0" +
       Twine(status.getLastModificationTime().time_since_epoch().count()))
          .str();
  {
    std::lock_guard<std::mutex> guard(mutex);
    auto found = known.find(key);
    if (found != known.end())
      return found->second;
  }

  Expected<TempFolder> folder = TempFolder::create();
  if (!folder)
    return folder.takeError();
  ChildResult child = runChild(path, {"ptxas", "--version"}, folder->str(),
                               /*timeoutSeconds=*/20);
  if (!child.failure.empty())
    return createStringError(child.failure);
  StringRef output = child.output;
  size_t at = output.find("release ");
  StringRef rest = at == StringRef::npos ? "" : output.drop_front(at + 8);
  if (child.exitCode != 0 || rest.consumeInteger(10, info.major) ||
      !rest.consume_front(".") || rest.consumeInteger(10, info.minor))
    return createStringError("'" + path +
                             "' does not tell its version as ptxas does");
  info.version = (Twine(info.major) + "." + Twine(info.minor)).str();
  at = output.find(", V");
  if (at != StringRef::npos) {
    StringRef full = output.drop_front(at + 3).take_while(
        [](char c) { return isDigit(c) || c == '.'; });
    if (!full.empty())
      info.version = full.str();
  }
  std::lock_guard<std::mutex> guard(mutex);
  known[key] = info;
  return info;
}

Error Finder::checkChip(const AssemblerInfo &info) const {
  if (search.chip.empty() || !info.major)
    return Error::success();
  Expected<unsigned> version =
      choosePTXVersion(search.chip, info.major, info.minor);
  return version ? Error::success() : version.takeError();
}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

std::vector<Place> Finder::toolkits() const {
  std::vector<Place> result;
  for (const char *name : {"CUDA_HOME", "CUDA_PATH"})
    if (std::string value = variable(name); !value.empty())
      result.push_back({value, std::string("$") + name});
  return result;
}

void Finder::addSitePackages(StringRef path, StringRef name) {
  if (!sys::fs::is_directory(path))
    return;
  for (const Place &known : sites)
    if (known.path == path)
      return;
  sites.push_back({path.str(), name.str()});
}

void Finder::addVirtualEnvironment(StringRef root, StringRef name) {
  if (!sys::fs::exists(below(root, "pyvenv.cfg")))
    return;
  for (const std::string &entry : entries(below(root, "lib")))
    if (sys::path::filename(entry).starts_with("python3"))
      addSitePackages(below(entry, "site-packages"), name);
}

/// The folder of the shared library or program that holds this code; empty if
/// the dynamic linker does not know.
static std::string codeFolder() {
  static int anchor;
  Dl_info info;
  SmallString<128> path;
  if (!dladdr(&anchor, &info) || !info.dli_fname ||
      sys::fs::real_path(info.dli_fname, path))
    return "";
  return sys::path::parent_path(path).str();
}

/// `folder` and three folders above it: virtual environments there, and the
/// folder itself where CUDA's or Triton's packages are installed in it.
void Finder::addFoldersAbove(StringRef folder) {
  // <repository>/build/dev/bin: four levels reach the repository;
  // <site-packages>/tilewright/lib: three, what is installed beside it.
  for (unsigned level = 0; level < 4 && !folder.empty(); ++level) {
    for (const char *package : {"nvidia", "triton"})
      if (sys::fs::is_directory(below(folder, package)))
        addSitePackages(folder, folder);
    addVirtualEnvironment(folder, folder);
    for (const char *name : {".venv", "venv"})
      addVirtualEnvironment(below(folder, name), below(folder, name));
    folder = sys::path::parent_path(folder);
  }
}

/// Folders that hold Python packages: of the active virtual environment, of
/// those next to the program or above it, what it is installed beside, and of
/// the python3 on PATH.
const std::vector<Place> &Finder::sitePackages() {
  if (std::exchange(sitesKnown, true))
    return sites;
  if (std::string active = variable("VIRTUAL_ENV"); !active.empty())
    addVirtualEnvironment(active, "$VIRTUAL_ENV");

  if (search.programDir.empty()) {
    // The library may be in Python's process: it is what was installed beside
    // the packages, wherever that Python is.
    addFoldersAbove(codeFolder());
    // Any address in this program will do where argv[0] is not known.
    static int anchor;
    std::string program = sys::fs::getMainExecutable(nullptr, &anchor);
    addFoldersAbove(sys::path::parent_path(program));
  } else {
    addFoldersAbove(search.programDir);
  }

  if (!search.askPython)
    return sites;
  SmallVector<StringRef> path;
  std::string value = variable("PATH");
  StringRef(value).split(path, ':', -1, /*KeepEmpty=*/false);
  if (path.empty())
    return sites;
  ErrorOr<std::string> python = sys::findProgramByName("python3", path);
  if (!python)
    return sites;
  Expected<TempFolder> temp = TempFolder::create();
  if (!temp) {
    consumeError(temp.takeError());
    return sites;
  }
  ChildResult child =
      runChild(*python,
               {"python3", "-c",
                "import site, sysconfig\n"
                "for p in [sysconfig.get_paths()['platlib'], "
                "sysconfig.get_paths()['purelib']] + site.getsitepackages() + "
                "[site.getusersitepackages()]: print(p)"},
               temp->str(), /*timeoutSeconds=*/10);
  if (!child.failure.empty() || child.exitCode != 0)
    return sites;
  SmallVector<StringRef> lines;
  StringRef(child.output).split(lines, '\n', -1, /*KeepEmpty=*/false);
  for (StringRef line : lines)
    addSitePackages(line.trim(), *python);
  return sites;
}

//===----------------------------------------------------------------------===//
// Search
//===----------------------------------------------------------------------===//

/// Takes a candidate that works and supports the chip; notes why not else.
std::optional<AssemblerInfo> Finder::consider(Expected<AssemblerInfo> candidate,
                                              const Place &place) {
  Error error = candidate ? checkChip(*candidate) : candidate.takeError();
  if (error) {
    rejected.push_back(place.path + " (" + place.name +
                       "): " + toString(std::move(error)));
    return std::nullopt;
  }
  candidate->foundBy = place.name;
  return std::move(*candidate);
}

/// 13 for the folder cu13 of CUDA's Python packages, 0 for other names.
static unsigned generation(StringRef path) {
  StringRef name = sys::path::filename(path);
  unsigned value = 0;
  return name.consume_front("cu") && !name.getAsInteger(10, value) ? value : 0;
}

std::optional<AssemblerInfo> Finder::firstPtxas() {
  SmallVector<Place> places;
  for (const Place &toolkit : toolkits())
    places.push_back({below(toolkit.path, "bin", "ptxas"), toolkit.name});
  SmallVector<StringRef> path;
  std::string value = variable("PATH");
  StringRef(value).split(path, ':', -1, /*KeepEmpty=*/false);
  for (StringRef folder : path)
    places.push_back({below(folder, "ptxas"), "PATH"});

  auto tryAll = [&]() -> std::optional<AssemblerInfo> {
    for (const Place &place : places)
      if (sys::fs::exists(place.path))
        if (auto info = consider(openPtxas(place.path), place))
          return info;
    return std::nullopt;
  };
  if (auto info = tryAll())
    return info;

  // Only now: asking Python costs tens of milliseconds.
  places.clear();
  for (const Place &site : sitePackages()) {
    std::string nvidia = below(site.path, "nvidia");
    std::vector<std::string> packages = entries(nvidia);
    // cu13 before cuda_nvcc (CUDA 12), and cu14 before cu13.
    llvm::sort(packages, [](StringRef a, StringRef b) {
      unsigned first = generation(a), second = generation(b);
      return first != second ? first > second : a < b;
    });
    for (const std::string &package : packages)
      places.push_back(
          {below(package, "bin", "ptxas"), "Python packages of " + site.name});
    places.push_back({below(site.path, "triton/backends/nvidia/bin/ptxas"),
                      "Triton of " + site.name});
  }
  if (!search.defaultToolkit.empty())
    places.push_back(
        {below(search.defaultToolkit, "bin", "ptxas"), "the default toolkit"});
  return tryAll();
}

/// The first shared library lib<stem>.so* in toolkits, Python packages, the
/// default toolkit, then whatever the dynamic linker knows.
std::optional<AssemblerInfo> Finder::firstLibrary(StringRef stem) {
  SmallVector<Place> folders;
  auto addToolkit = [&](StringRef root, StringRef name) {
    for (const char *sub : {"lib64", "lib", "targets/x86_64-linux/lib"})
      folders.push_back({below(root, sub), name.str()});
  };
  for (const Place &toolkit : toolkits())
    addToolkit(toolkit.path, toolkit.name);
  for (const Place &site : sitePackages())
    for (const std::string &package : entries(below(site.path, "nvidia")))
      for (const char *sub : {"lib", "lib64"})
        folders.push_back(
            {below(package, sub), "Python packages of " + site.name});
  if (!search.defaultToolkit.empty())
    addToolkit(search.defaultToolkit, "the default toolkit");

  std::string prefix = ("lib" + stem + ".so").str();
  for (const Place &folder : folders) {
    std::vector<std::string> files = entries(folder.path);
    // The newest first: .so.13 before .so.12 before .so.
    for (const std::string &file : reverse(files)) {
      StringRef name = sys::path::filename(file);
      if (name != prefix && !name.starts_with(prefix + "."))
        continue;
      if (auto info = consider(openAssemblerLibrary(file), {file, folder.name}))
        return info;
    }
  }
  if (!search.askDynamicLinker)
    return std::nullopt;
  for (const char *suffix : {".13", ".12", ""}) {
    Expected<AssemblerInfo> info = openAssemblerLibrary(prefix + suffix);
    // Absence is no news here.
    if (!info) {
      consumeError(info.takeError());
      continue;
    }
    if (auto taken =
            consider(std::move(info), {prefix + suffix, "the dynamic linker"}))
      return taken;
  }
  return std::nullopt;
}

Expected<AssemblerInfo> Finder::explicitChoice(StringRef value,
                                               StringRef name) {
  auto fail = [&](const Twine &reason) {
    return createStringError(name + "=" + value + ": " + reason);
  };
  AssemblerInfo info;
  info.foundBy = name.str();
  if (value == "driver")
    return info;
  if (value == "nvjitlink") {
    auto found = firstLibrary("nvJitLink");
    if (!found)
      return fail(
          "no usable libnvJitLink was found" +
          (rejected.empty() ? std::string() : "; " + join(rejected, "; ")));
    found->rejected = rejected;
    return *found;
  }
  StringRef file = sys::path::filename(value);
  bool isLibrary = file.starts_with("lib") && file.contains(".so");
  std::string path = value.str();
  if (sys::fs::is_directory(path)) {
    // A toolkit's folder, or its bin: a natural thing to say.
    for (std::string inside :
         {below(path, "bin", "ptxas"), below(path, "ptxas")})
      if (sys::fs::exists(inside)) {
        path = inside;
        break;
      }
  } else if (!isLibrary && !value.contains('/') && !sys::fs::exists(path)) {
    SmallVector<StringRef> folders;
    std::string list = variable("PATH");
    StringRef(list).split(folders, ':', -1, /*KeepEmpty=*/false);
    if (!folders.empty())
      if (ErrorOr<std::string> found = sys::findProgramByName(value, folders))
        path = *found;
  }
  Expected<AssemblerInfo> opened =
      isLibrary ? openAssemblerLibrary(path) : openPtxas(path);
  if (!opened)
    return fail(toString(opened.takeError()));
  if (Error error = checkChip(*opened))
    return fail(toString(std::move(error)));
  opened->foundBy = name.str();
  return opened;
}

Expected<AssemblerInfo> Finder::run() {
  if (!search.explicitChoice.empty())
    return explicitChoice(search.explicitChoice, "--ptxas");
  if (std::string value = variable("TILEWRIGHT_PTXAS"); !value.empty())
    return explicitChoice(value, "$TILEWRIGHT_PTXAS");

  std::optional<AssemblerInfo> found = firstPtxas();
  if (!found)
    found = firstLibrary("nvJitLink");
  if (!found)
    found = firstLibrary("nvptxcompiler");
  AssemblerInfo info = found.value_or(AssemblerInfo());
  info.rejected = std::move(rejected);
  return info;
}

Expected<AssemblerInfo> findAssembler(const AssemblerSearch &search) {
  return Finder(search).run();
}

} // namespace tilewright::target
