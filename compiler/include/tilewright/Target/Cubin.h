//===- Cubin.h - look inside a cubin ----------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A cubin is a 64-bit little-endian ELF file for machine EM_CUDA (190). This
// reads what we check of it, with bounds checks on every field, since a full
// disk or a killed assembler leaves half a file behind.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_TARGET_CUBIN_H
#define TILEWRIGHT_TARGET_CUBIN_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tilewright::target {

struct CubinSection {
  llvm::StringRef name;
  uint32_t type = 0;
  uint64_t flags = 0, offset = 0, size = 0;
  /// The bytes; empty for SHT_NOBITS.
  llvm::StringRef contents;
};

struct CubinSymbol {
  llvm::StringRef name;
  uint64_t value = 0, size = 0;
  /// Index of its section; 0 when undefined.
  unsigned section = 0;
  bool isFunction = false;
  bool isGlobal = false;
  /// A function that the host can launch (STO_CUDA_ENTRY in st_other).
  bool isKernel = false;
};

/// A parsed cubin; its names and contents point into the bytes it was read
/// from.
struct Cubin {
  std::vector<CubinSection> sections;
  std::vector<CubinSymbol> symbols;

  const CubinSection *section(llvm::StringRef name) const;
  /// Names of all kernels, in the symbol table's order.
  std::vector<llvm::StringRef> kernels() const;
  /// The source files that the line table names (.debug_line), with their
  /// folders; empty without line information.
  std::vector<std::string> lineTableFiles() const;
  /// Whether there is a line table of the source that names a file, and one
  /// of SASS (.nv_debug_line_sass).
  bool hasLineInfo() const;
};

/// Reads a cubin, or says what is wrong with it.
llvm::Expected<Cubin> readCubin(llvm::StringRef bytes);

} // namespace tilewright::target

#endif // TILEWRIGHT_TARGET_CUBIN_H
