//===- Compile.h - from source text to an artefact ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_DRIVER_COMPILE_H
#define TILEWRIGHT_DRIVER_COMPILE_H

#include "tilewright/Conversion/Pipeline.h"
#include "tilewright/Target/Assembler.h"

#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace llvm {
class raw_ostream;
}

namespace tilewright {

/// The stages whose result can be printed, in order.
enum class Stage { AST, Typed, Tile, Pipe, NVVM, LLVM, PTX, Cubin };

/// `ast`, `typed`, `tile`, `pipe`, `nvvm`, `llvm`, `ptx`, `cubin`.
std::optional<Stage> parseStage(llvm::StringRef name);

struct CompileOptions {
  /// Which kernel of the file; empty if it has one.
  std::string kernel;
  /// Values of constants as written: "128", "true", "bf16".
  std::map<std::string, std::string> constants;
  /// Dimensions fixed at compile time.
  std::map<std::string, int64_t> bake;
  /// Schedule hints for the whole kernel, as `with` gives them to a statement:
  /// {"unroll", 2}. The statement's own go first.
  std::map<std::string, int64_t> hints;
  std::string target = "sm_90a";
  /// Constants without a value take the first of their `tune` choices.
  bool defaultsFromTune = false;
  /// Advisories of the assembler, spills and local memory are errors.
  bool strict = false;
  /// Print remarks: copies chosen, and why.
  bool remarks = false;
  bool lineInfo = true;
  /// Whether the protocol of the rings must be proved (`pipe-verify-rings`).
  bool verifyRings = true;
  /// Whether the explicit barriers must be proved (`pipe-verify-barriers`), and
  /// what tests do to them.
  BarrierOptions barriers;
  /// The value of `--ptxas` (see AssemblerSearch).
  std::string assembler;
  /// Stop after this stage.
  Stage stage = Stage::Cubin;
  /// Print the IR after the pass of this argument name.
  std::string printAfter;
};

/// Milliseconds of wall time.
struct CompileTimes {
  double frontEnd = 0; ///< set-up, lex, parse, check, instantiate, tile dialect
  double passes = 0;   ///< all passes
  double verifyRings = 0;    ///< of these, the proof of the protocol
  double verifyBarriers = 0; ///< of these, the proof of the barriers
  double llvm = 0;           ///< translation, LLVM's passes, code generation
  double assembler = 0;      ///< finding it and running it
  double total() const { return frontEnd + passes + llvm + assembler; }
};

struct CompileResult {
  /// The text of the stage asked for, unless that is the cubin.
  std::string text;
  std::string ptx;
  /// Empty when only the driver can assemble; then the artefact is the PTX.
  std::string cubin;
  /// docs/architecture.md, with `resources` filled in.
  llvm::json::Object manifest;
  CompileTimes times;
  target::AssemblerInfo assembler;

  /// The manifest as text, pretty-printed, keys sorted.
  std::string manifestText() const;
};

/// Compiles `source`, whose identifier is the file name in diagnostics.
/// Nothing if there were errors; all diagnostics go to `diagnostics`, with the
/// source line and a caret. Bad input never aborts.
std::optional<CompileResult> compile(std::unique_ptr<llvm::MemoryBuffer> source,
                                     const CompileOptions &options,
                                     llvm::raw_ostream &diagnostics);

/// The version of the compiler: what a cache key needs besides the source.
std::string compilerVersion();

} // namespace tilewright

#endif // TILEWRIGHT_DRIVER_COMPILE_H
