//===- InProcessAssembler.cpp - nvJitLink and nvPTXCompiler ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Both libraries are loaded with dlopen and called through the few types
// below, so that nothing of CUDA is needed to build. nvJitLink exports each
// function as `__nvJitLinkCreate_13_0`, `…_13_1`, … one for each header that
// a caller may have been compiled with, and under its plain name for callers
// that resolve it at run time; both are tried.
//
//===----------------------------------------------------------------------===//

#include "InProcessAssembler.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Path.h"

#include <dlfcn.h>
#include <map>
#include <mutex>

using namespace llvm;

namespace tilewright::target {

/// Loads a library once; it stays loaded, since unloading it could leave
/// threads of its own without code.
static Expected<void *> load(StringRef path) {
  static std::mutex mutex;
  static std::map<std::string, void *> loaded;
  std::lock_guard<std::mutex> guard(mutex);
  void *&handle = loaded[path.str()];
  // RTLD_LOCAL: another copy may live in this process (PyTorch's).
  if (!handle)
    handle = ::dlopen(path.str().c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char *reason = ::dlerror();
    return createStringError("cannot load '" + path +
                             "': " + (reason ? reason : "unknown"));
  }
  return handle;
}

/// The function `name` of `library`: with the newest version suffix
/// `_major_N` that the library has, else under its plain name.
template <typename Function>
static bool resolve(void *library, StringRef name, int major, Function &out) {
  for (int minor = major ? 19 : -1; minor >= 0; --minor) {
    std::string versioned =
        ("__" + name + "_" + Twine(major) + "_" + Twine(minor)).str();
    if (void *symbol = ::dlsym(library, versioned.c_str())) {
      out = reinterpret_cast<Function>(symbol);
      return true;
    }
  }
  void *symbol = ::dlsym(library, name.str().c_str());
  out = reinterpret_cast<Function>(symbol);
  return symbol;
}

namespace {

/// nvJitLink.h, the part that we call. Results are an enum, 0 is success.
struct NvJitLink {
  using Handle = void *;
  int (*create)(Handle *, uint32_t count, const char **options) = nullptr;
  int (*destroy)(Handle *) = nullptr;
  int (*addData)(Handle, int kind, const void *, size_t,
                 const char *name) = nullptr;
  int (*complete)(Handle) = nullptr;
  int (*cubinSize)(Handle, size_t *) = nullptr;
  int (*cubin)(Handle, void *) = nullptr;
  int (*errorLogSize)(Handle, size_t *) = nullptr;
  int (*errorLog)(Handle, char *) = nullptr;
  int (*infoLogSize)(Handle, size_t *) = nullptr;
  int (*infoLog)(Handle, char *) = nullptr;

  static constexpr int kInputPTX = 2; // NVJITLINK_INPUT_PTX

  bool open(void *library, int major) {
    return resolve(library, "nvJitLinkCreate", major, create) &&
           resolve(library, "nvJitLinkDestroy", major, destroy) &&
           resolve(library, "nvJitLinkAddData", major, addData) &&
           resolve(library, "nvJitLinkComplete", major, complete) &&
           resolve(library, "nvJitLinkGetLinkedCubinSize", major, cubinSize) &&
           resolve(library, "nvJitLinkGetLinkedCubin", major, cubin) &&
           resolve(library, "nvJitLinkGetErrorLogSize", major, errorLogSize) &&
           resolve(library, "nvJitLinkGetErrorLog", major, errorLog) &&
           resolve(library, "nvJitLinkGetInfoLogSize", major, infoLogSize) &&
           resolve(library, "nvJitLinkGetInfoLog", major, infoLog);
  }
};

/// nvPTXCompiler.h, the part that we call.
struct NvPTXCompiler {
  using Handle = void *;
  int (*create)(Handle *, size_t, const char *ptx) = nullptr;
  int (*destroy)(Handle *) = nullptr;
  int (*compile)(Handle, int count, const char *const *options) = nullptr;
  int (*cubinSize)(Handle, size_t *) = nullptr;
  int (*cubin)(Handle, void *) = nullptr;
  int (*errorLogSize)(Handle, size_t *) = nullptr;
  int (*errorLog)(Handle, char *) = nullptr;
  int (*infoLogSize)(Handle, size_t *) = nullptr;
  int (*infoLog)(Handle, char *) = nullptr;

  bool open(void *library) {
    return resolve(library, "nvPTXCompilerCreate", 0, create) &&
           resolve(library, "nvPTXCompilerDestroy", 0, destroy) &&
           resolve(library, "nvPTXCompilerCompile", 0, compile) &&
           resolve(library, "nvPTXCompilerGetCompiledProgramSize", 0,
                   cubinSize) &&
           resolve(library, "nvPTXCompilerGetCompiledProgram", 0, cubin) &&
           resolve(library, "nvPTXCompilerGetErrorLogSize", 0, errorLogSize) &&
           resolve(library, "nvPTXCompilerGetErrorLog", 0, errorLog) &&
           resolve(library, "nvPTXCompilerGetInfoLogSize", 0, infoLogSize) &&
           resolve(library, "nvPTXCompilerGetInfoLog", 0, infoLog);
  }
};

} // namespace

Expected<AssemblerInfo> openAssemblerLibrary(StringRef path) {
  Expected<void *> library = load(path);
  if (!library)
    return library.takeError();
  AssemblerInfo info;
  info.path = path.str();

  // A bare name was found by the dynamic linker: say where.
  auto locate = [&](void *symbol) {
    Dl_info where;
    if (!path.contains('/') && ::dladdr(symbol, &where) && where.dli_fname)
      info.path = where.dli_fname;
  };

  using Version = int (*)(unsigned *, unsigned *);
  if (void *symbol = ::dlsym(*library, "nvPTXCompilerGetVersion")) {
    info.kind = AssemblerKind::NvPTXCompiler;
    locate(symbol);
    if (reinterpret_cast<Version>(symbol)(&info.major, &info.minor))
      info.major = info.minor = 0;
    if (!NvPTXCompiler().open(*library))
      return createStringError("'" + path +
                               "' lacks functions of the PTX "
                               "compiler library");
  } else {
    info.kind = AssemblerKind::NvJitLink;
    // nvJitLinkVersion exists since 12.3; before, the names tell.
    if (void *symbol = ::dlsym(*library, "nvJitLinkVersion")) {
      locate(symbol);
      if (reinterpret_cast<Version>(symbol)(&info.major, &info.minor))
        info.major = info.minor = 0;
    }
    for (unsigned major : {13u, 12u})
      for (unsigned minor = 20; !info.major && minor-- > 0;) {
        std::string name =
            ("__nvJitLinkCreate_" + Twine(major) + "_" + Twine(minor)).str();
        if (void *symbol = ::dlsym(*library, name.c_str())) {
          locate(symbol);
          info.major = major;
          info.minor = minor;
        }
      }
    if (!NvJitLink().open(*library, info.major))
      return createStringError("'" + path +
                               "' is neither libnvJitLink nor "
                               "libnvptxcompiler");
  }
  if (info.major)
    info.version = (Twine(info.major) + "." + Twine(info.minor)).str();
  return info;
}

/// Reads a log or a cubin: a size function, then one that fills a buffer.
template <typename Handle, typename Fill>
static std::string fetch(Handle handle, int (*size)(Handle, size_t *),
                         Fill fill) {
  size_t bytes = 0;
  if (size(handle, &bytes) || bytes == 0)
    return {};
  std::string text(bytes, '\0');
  if (fill(handle, text.data()))
    return {};
  return text;
}

/// A log as text: without the final NUL, ending with a line end.
template <typename Handle>
static std::string fetchLog(Handle handle, int (*size)(Handle, size_t *),
                            int (*fill)(Handle, char *)) {
  std::string log = fetch(handle, size, fill);
  log.resize(std::min(log.size(), log.find('\0')));
  if (!log.empty() && log.back() != '\n')
    log += '\n';
  return log;
}

static SmallVector<const char *> pointers(ArrayRef<std::string> strings) {
  SmallVector<const char *> result;
  for (const std::string &string : strings)
    result.push_back(string.c_str());
  return result;
}

static Error runNvJitLink(void *library, const AssemblerInfo &assembler,
                          StringRef ptx, const AssembleOptions &options,
                          AssembleResult &result) {
  NvJitLink api;
  if (!api.open(library, assembler.major))
    return createStringError("'" + assembler.path + "' is not libnvJitLink");
  SmallVector<std::string> args = {
      "-arch=" + options.chip, "-O" + utostr(options.optLevel), "-verbose",
      "-Xptxas=--warn-on-spills", "-Xptxas=--warn-on-local-memory-usage"};
  if (options.lineInfo)
    args.push_back("-lineinfo");
  for (const std::string &extra : options.extraArgs)
    args.push_back("-Xptxas=" + extra);
  SmallVector<const char *> argv = pointers(args);

  NvJitLink::Handle handle = nullptr;
  if (int code = api.create(&handle, argv.size(), argv.data()))
    return createStringError("nvJitLink (" + assembler.path +
                             ") refused its options for chip '" + options.chip +
                             "' with error " + Twine(code));
  scope_exit destroy([&] { api.destroy(&handle); });
  std::string copy = ptx.str(); // NUL-terminated, as PTX input must be
  int code = api.addData(handle, NvJitLink::kInputPTX, copy.c_str(),
                         copy.size() + 1, "kernel.ptx");
  if (!code)
    code = api.complete(handle);
  result.log = fetchLog(handle, api.errorLogSize, api.errorLog) +
               fetchLog(handle, api.infoLogSize, api.infoLog);
  if (!code)
    result.cubin = fetch(handle, api.cubinSize, api.cubin);
  else if (result.log.empty())
    return createStringError("nvJitLink (" + assembler.path +
                             ") failed with error " + Twine(code));
  result.ok = !code;
  return Error::success();
}

static Error runNvPTXCompiler(void *library, const AssemblerInfo &assembler,
                              StringRef ptx, const AssembleOptions &options,
                              AssembleResult &result) {
  NvPTXCompiler api;
  if (!api.open(library))
    return createStringError("'" + assembler.path +
                             "' is not libnvptxcompiler");
  SmallVector<std::string> args = {
      "--gpu-name=" + options.chip, "--opt-level=" + utostr(options.optLevel),
      "--verbose", "--warn-on-spills", "--warn-on-local-memory-usage"};
  if (options.lineInfo)
    args.push_back("--generate-line-info");
  append_range(args, options.extraArgs);
  SmallVector<const char *> argv = pointers(args);

  std::string copy = ptx.str();
  NvPTXCompiler::Handle handle = nullptr;
  if (int code = api.create(&handle, copy.size() + 1, copy.c_str()))
    return createStringError("nvPTXCompiler (" + assembler.path +
                             ") failed with error " + Twine(code));
  scope_exit destroy([&] { api.destroy(&handle); });
  int code = api.compile(handle, argv.size(), argv.data());
  result.log = fetchLog(handle, api.errorLogSize, api.errorLog) +
               fetchLog(handle, api.infoLogSize, api.infoLog);
  if (!code)
    result.cubin = fetch(handle, api.cubinSize, api.cubin);
  else if (result.log.empty())
    return createStringError("nvPTXCompiler (" + assembler.path +
                             ") failed with error " + Twine(code));
  result.ok = !code;
  return Error::success();
}

Error assembleInProcess(const AssemblerInfo &assembler, StringRef ptx,
                        const AssembleOptions &options,
                        AssembleResult &result) {
  Expected<void *> library = load(assembler.path);
  if (!library)
    return library.takeError();
  if (assembler.kind == AssemblerKind::NvPTXCompiler)
    return runNvPTXCompiler(*library, assembler, ptx, options, result);
  return runNvJitLink(*library, assembler, ptx, options, result);
}

} // namespace tilewright::target
