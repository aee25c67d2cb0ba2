//===- Frontend.h - parse, check and instantiate a .tw file -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The whole interface of the language front end:
//
//   llvm::SourceMgr sm;  sm.AddNewSourceBuffer(std::move(buffer), {});
//   Diagnostics diags(sm);
//   ASTContext context;
//   File file = parse(sm, sm.getMainFileID(), context, diags);
//   if (!diags.hasErrors() && check(file, diags)) {
//     InstantiateOptions options;  options.constants["BM"] = "128";
//     std::unique_ptr<typed::InstantiatedKernel> kernel =
//         instantiate(file, options, diags);
//   }
//
// Nothing here throws or aborts on bad input, whatever its bytes are.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_DSL_FRONTEND_H
#define TILEWRIGHT_DSL_FRONTEND_H

#include "tilewright/DSL/AST.h"
#include "tilewright/DSL/Diagnostics.h"
#include "tilewright/DSL/Typed.h"
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace tilewright::dsl {

/// Reads one buffer of `sm`. The tree is returned even after errors that the
/// parser recovered from (then `diags.hasErrors()`), so that they can be
/// reported together with others; never instantiate such a tree.
File parse(llvm::SourceMgr &sm, unsigned buffer, ASTContext &context,
           Diagnostics &diags);

/// Checks what depends on no value: in every kernel, and in branches that no
/// instance may choose, statements stand where they may, declared names are
/// unique, targets, scopes and hints exist. False after an error. Everything
/// else (names in expressions, types, axes) is checked by `instantiate`.
bool check(const File &file, Diagnostics &diags);

struct InstantiateOptions {
  /// Which kernel; empty when the file has one.
  std::string kernel;
  /// Values of constant parameters as written on the command line: `128`,
  /// `true`, `bf16`, and for majors the name of a dimension letter or its
  /// position (`K`, `1`).
  std::map<std::string, std::string> constants;
  /// Dimensions that are baked in. (A name in `constants` that is a dimension
  /// of the kernel is baked in as well.)
  std::map<std::string, int64_t> baked;
  /// Constants without a value take the first one of their `tune` choices.
  bool defaultsFromTune = false;
  typed::Target target = typed::Target::SM90a;
};

/// Resolves constants, conditions on constants and the target, and gives every
/// expression its type. Null after an error (reported to `diags`).
std::unique_ptr<typed::InstantiatedKernel>
instantiate(const File &file, const InstantiateOptions &options,
            Diagnostics &diags);

/// `sm_90a`, `sm_100a` (the `a` may be left out).
std::optional<typed::Target> parseTarget(llvm::StringRef name);

} // namespace tilewright::dsl

#endif // TILEWRIGHT_DSL_FRONTEND_H
