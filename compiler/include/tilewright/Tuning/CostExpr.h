//===- CostExpr.h - extents and trip counts, evaluated in nanoseconds -----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An integer expression over a kernel's dimensions (M, N, …) and the
// coordinates of its iterator (i, j, …), as a program for a stack machine: the
// cost model evaluates a few of them for every point of a search space, so it
// must not chase pointers or allocate.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_TUNING_COSTEXPR_H
#define TILEWRIGHT_TUNING_COSTEXPR_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>
#include <string>

namespace tilewright::tuning {

class CostExpr {
public:
  enum class Op : uint8_t {
    Int,
    Dim,   ///< `value`: which dimension.
    Coord, ///< `value`: which coordinate of the iterator.
    Add,
    Sub,
    Mul,
    FloorDiv,
    CDiv,
    Mod,
    Min,
    Max,
    Eq, ///< Comparisons and what joins them give 0 or 1.
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    And,
    Or,
  };

  static CostExpr integer(int64_t value) { return CostExpr(Op::Int, value); }
  static CostExpr dim(int64_t index) { return CostExpr(Op::Dim, index); }
  static CostExpr coord(int64_t index) { return CostExpr(Op::Coord, index); }
  /// Nothing if the operands nest deeper than the stack of `evaluate`.
  static std::optional<CostExpr> binary(Op op, const CostExpr &a,
                                        const CostExpr &b);
  /// The binary operators of the manifest (docs/architecture.md); `div`, which
  /// is exact where it is used, is `floordiv`.
  static std::optional<Op> parseOp(llvm::StringRef name);

  /// Wraps around on overflow; a division by zero gives 0.
  int64_t evaluate(llvm::ArrayRef<int64_t> dims,
                   llvm::ArrayRef<int64_t> coords) const;
  /// Bit c is set if coordinate c occurs.
  unsigned coordinates() const;
  std::optional<int64_t> constant() const {
    if (code.size() == 1 && code[0].op == Op::Int)
      return code[0].value;
    return std::nullopt;
  }

private:
  struct Instruction {
    Op op;
    int64_t value;
  };
  CostExpr(Op op, int64_t value) { code.push_back({op, value}); }
  static constexpr unsigned maxStack = 16;
  unsigned depth = 1;
  llvm::SmallVector<Instruction, 3> code;
};

} // namespace tilewright::tuning

#endif // TILEWRIGHT_TUNING_COSTEXPR_H
