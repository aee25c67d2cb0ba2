//===- Jit.h - Compiling on demand, with memory and disk caches -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The runtime does not link the compiler: whoever has one (the Driver library,
// a test, a program that compiles remotely) registers it here. An embedder
// that ships compiled artefacts registers none.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_RUNTIME_JIT_H
#define TILEWRIGHT_RUNTIME_JIT_H

#include "tilewright/Runtime/Cache.h"
#include "tilewright/Runtime/Kernel.h"
#include <functional>
#include <map>
#include <string>

namespace tilewright::runtime {

/// Everything that decides what is compiled.
struct CompileRequest {
  std::string source;   ///< The text of the `.tw` file.
  std::string fileName; ///< For diagnostics only, not part of the key.
  std::string kernel;   ///< Which kernel of the file; empty: the only one.
  /// Values of the kernel's constants as written in the language ("128",
  /// "true", "bf16").
  std::map<std::string, std::string> constants;
  /// Dimensions fixed at compile time.
  std::map<std::string, int64_t> bake;
  /// Known divisors of run-time dimensions; checked at launch.
  std::map<std::string, int64_t> facts;
  /// Extents for which constants without a value are chosen (with what is baked
  /// in); not part of the key, the chosen constants are.
  std::map<std::string, int64_t> shape;
  /// The chip to choose for ("h200"); empty: the first GPU's, and without one,
  /// or with `target` named, the compiler's default.
  std::string chip;
  std::string target;  ///< "sm_90a", …; empty: the device's, else sm_90a.
  bool strict = false; ///< Assembler advisories are errors.
  /// Further options by name ("ptxas", …), part of the key.
  std::map<std::string, std::string> options;
};

using CompileFn =
    std::function<llvm::Expected<Artefact>(const CompileRequest &)>;

/// A compiler the runtime can call.
struct Compiler {
  /// Names the compiler's and the assembler's versions for `request`: a change
  /// in this text invalidates cached artefacts.
  std::function<std::string(const CompileRequest &)> version;
  CompileFn compile;
  /// Gives constants without a value the ones chosen for `shape`: fills
  /// `constants` and `options`, and returns what it chose as JSON, or "" where
  /// there was nothing to choose. Absent: no choice.
  std::function<llvm::Expected<std::string>(CompileRequest &)> choose = nullptr;
};

/// Registers the process-wide compiler (replacing any earlier one).
void setCompiler(Compiler compiler);
/// The registered compiler, if any.
std::optional<Compiler> getCompiler();

/// The cache key of a request.
std::string cacheKey(const CompileRequest &request, llvm::StringRef version);

/// Compiles through the caches: a kernel compiled before in this process, an
/// artefact on disk, or the registered compiler. Concurrent requests for the
/// same kernel compile it once. CompileError if no compiler is registered and
/// no cached artefact serves.
class Jit {
public:
  explicit Jit(Cache &cache) : cache(cache) {}
  static Jit &global();

  llvm::Expected<std::shared_ptr<Kernel>> get(CompileRequest request);

  /// Compiler::choose, after the chip has been found out.
  llvm::Expected<std::string> choose(CompileRequest &request);

  /// How many requests each level answered.
  struct Counters {
    uint64_t memory = 0, disk = 0, compiled = 0;
  };
  Counters counters() const;

private:
  struct Slot {
    std::mutex mutex;
    std::shared_ptr<Kernel> kernel;
  };
  Cache &cache;
  mutable std::mutex mutex;
  std::map<std::string, std::shared_ptr<Slot>> slots;
  Counters counts;
};

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_JIT_H
