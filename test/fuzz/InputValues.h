//===- InputValues.h - the constants that an input of a fuzzer names ------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Values of constants and dimensions come from the first comment line
// `# instantiate: BM=128 … target=sm_90a` (or `# constants:`) of the input, so
// that the shipped kernels are seeds that reach instantiation; a constant
// without a value there gets one that suits its kind.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_TEST_FUZZ_INPUTVALUES_H
#define TILEWRIGHT_TEST_FUZZ_INPUTVALUES_H

#include "tilewright/DSL/Frontend.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include <set>

namespace tilewright::fuzz {

/// The `NAME=value` words of the first comment that gives values.
inline llvm::SmallVector<std::pair<llvm::StringRef, llvm::StringRef>, 8>
valuesIn(llvm::StringRef text) {
  llvm::SmallVector<std::pair<llvm::StringRef, llvm::StringRef>, 8> values;
  while (!text.empty()) {
    auto [line, rest] = text.split('\n');
    text = rest;
    line = line.ltrim();
    if (!line.consume_front("# instantiate:") &&
        !line.consume_front("# constants:"))
      continue;
    llvm::SmallVector<llvm::StringRef, 8> words;
    llvm::SplitString(line, words);
    for (llvm::StringRef word : words)
      values.push_back(word.split('='));
    return values;
  }
  return values;
}

/// How `kernel` of the input `text` is instantiated.
inline dsl::InstantiateOptions optionsFor(const dsl::KernelDecl &kernel,
                                          llvm::StringRef text) {
  dsl::InstantiateOptions options;
  options.kernel = kernel.name.name.str();
  std::set<llvm::StringRef> constants;
  for (const dsl::ConstParam &param : kernel.consts) {
    constants.insert(param.name.name);
    if (param.defaultValue)
      continue;
    options.constants[param.name.name.str()] =
        llvm::StringSwitch<const char *>(param.kind.name)
            .Case("bool", "true")
            .Case("type", "bf16")
            .Case("major", "0")
            .Default("64");
  }
  for (auto [name, value] : valuesIn(text)) {
    int64_t number;
    if (name == "target")
      options.target = dsl::parseTarget(value).value_or(options.target);
    else if (constants.count(name))
      options.constants[name.str()] = value.str();
    else if (!value.getAsInteger(0, number))
      options.baked[name.str()] = number;
  }
  return options;
}

} // namespace tilewright::fuzz

#endif // TILEWRIGHT_TEST_FUZZ_INPUTVALUES_H
