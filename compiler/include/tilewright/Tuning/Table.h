//===- Table.h - configurations that were measured to be the best ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A table ships beside the kernels: `tables/NAME.json` in the folder of NAME.tw
// or in the one above it. It says, for a chip and ranges of dimensions, which
// configuration was measured to be the fastest; there it overrides the cost
// model. It belongs to one text of the kernel (comments apart) and is ignored
// for any other.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_TUNING_TABLE_H
#define TILEWRIGHT_TUNING_TABLE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tilewright::tuning {

/// What a choice decides: constants as the language writes them, and schedule
/// hints of the kernel.
struct Configuration {
  std::map<std::string, std::string> constants;
  std::map<std::string, int64_t> hints;
  bool operator==(const Configuration &other) const {
    return constants == other.constants && hints == other.hints;
  }
  /// `BM=128 BN=64 hint.buffers=4`
  std::string str() const;
};

struct TableEntry {
  /// From and to, both inclusive. A dimension without a range may be anything.
  std::map<std::string, std::pair<int64_t, int64_t>> dims;
  Configuration configuration;
  double microseconds = 0; ///< As measured; 0 where that was not recorded.
};

struct Table {
  static constexpr llvm::StringLiteral format = "tilewright-table-1";
  std::string kernel;
  std::string source; ///< hashSource of the kernel that was measured.
  std::map<std::string, std::vector<TableEntry>> chips;

  /// Errors name the member at fault.
  static llvm::Expected<Table> parse(llvm::StringRef text);
  llvm::json::Value toJSON() const;
  /// The first entry of a chip whose ranges hold all dimensions; or null.
  const TableEntry *find(llvm::StringRef chip,
                         const std::map<std::string, int64_t> &dims) const;
};

/// A hash of what a kernel's text says: comments, blank lines and the space at
/// the ends of lines do not count.
std::string hashSource(llvm::StringRef text);

/// Where the table of a kernel's file may be, best first. `$TILEWRIGHT_TABLES`,
/// a folder, replaces them; set but empty: no tables.
std::vector<std::string> tablePaths(llvm::StringRef kernelPath);

} // namespace tilewright::tuning

#endif // TILEWRIGHT_TUNING_TABLE_H
