//===- SubscriptChunks.h - chunks of a subscript that a copy can use ------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A subscript is an affine expression over axes (dimensions, each running over
// [0, extent)) and scalars (symbols). For each axis the compiler wants the
// largest aligned chunk on which the subscript has slope 1 (one TMA box or
// vector access a chunk) or slope 0 (one scalar a chunk); else it goes element
// by element.
//
// Chunk c of slope k on axis d means: for every value of the symbols that
// obeys what is known about them, for every value of the other axes, and for
// every aligned block [a*c, (a+1)*c) cut to [0, extent),
//
//   e(d = a*c + t) = e(d = a*c) + k*t.
//
// Chunks of several axes hold jointly: on the box of their chunks the
// expression is affine with those slopes. Floor division and mod are those of
// MLIR (towards minus infinity), so nothing assumes that symbols are positive
// unless a lower bound says so. All results are sound; they are the largest
// chunks that congruences and intervals prove.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_SUPPORT_SUBSCRIPTCHUNKS_H
#define TILEWRIGHT_SUPPORT_SUBSCRIPTCHUNKS_H

#include "mlir/IR/AffineExpr.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>
#include <string>

namespace tilewright {

/// What is known about a scalar of a subscript.
struct SymbolFacts {
  /// The value is a multiple of this (>= 1).
  int64_t divisor = 1;
  /// Inclusive bounds, where known.
  std::optional<int64_t> lower;
  std::optional<int64_t> upper;
  /// The scalar may itself depend on axes (an integer tensor read at a
  /// subscript of its own): for each axis the aligned chunk on which it stays
  /// the same, 0 = independent of the axis. May be shorter than the axes.
  llvm::SmallVector<int64_t, 4> constantOver;
};

/// The dimensions and symbols of a subscript.
struct SubscriptContext {
  /// Extent of each axis (dimension), >= 1.
  llvm::SmallVector<int64_t, 4> extents;
  /// Facts about each symbol; symbols beyond the list are unknown scalars.
  llvm::SmallVector<SymbolFacts, 4> symbols;
};

enum class ChunkKind {
  Constant,    // slope 0
  Contiguous,  // slope 1
  Elementwise, // nothing usable: chunk 1
};

/// How a subscript depends on one axis.
struct AxisChunk {
  ChunkKind kind = ChunkKind::Elementwise;
  /// Size of the chunk: the whole extent, or a proper aligned chunk (the last
  /// block may be shorter when it does not divide the extent); 1 when
  /// elementwise.
  int64_t chunk = 1;
  /// The slope, and the chunk on which it holds, whatever it is: {2, 64} for
  /// 2*d. For kind Constant and Contiguous the same as kind and chunk.
  int64_t slope = 0;
  int64_t slopeChunk = 1;
  /// The expression does not depend on the axis at all.
  bool independent = false;

  /// The largest chunk that also divides `extent`: what equal boxes need.
  int64_t uniformChunk(int64_t extent) const;
};

/// The chunk of `expr` along axis `dim`.
AxisChunk findChunk(mlir::AffineExpr expr, unsigned dim,
                    const SubscriptContext &context);

/// The chunks of `expr` along all axes of the context.
llvm::SmallVector<AxisChunk, 4> findChunks(mlir::AffineExpr expr,
                                           const SubscriptContext &context);

/// A divisibility that a wanted chunk lacks: symbol `symbol` is known to be a
/// multiple of `known` and would have to be one of `needed`.
struct MissingDivisibility {
  unsigned symbol;
  int64_t known;
  int64_t needed;
};

/// Why axis `dim` has no chunk of `wanted` elements with slope `slope`.
struct ChunkDeficit {
  /// The chunk is there: nothing is missing.
  bool satisfied = false;
  /// Facts that together would give the chunk, with the smallest multiples.
  /// Empty and not satisfied: no divisibility of the scalars would help, the
  /// shape of the expression forbids it.
  llvm::SmallVector<MissingDivisibility, 2> missing;
};

/// What is lacking for a chunk of at least `wanted` (or the whole extent, if
/// that is smaller) elements of slope `slope` along `dim`.
ChunkDeficit explainChunk(mlir::AffineExpr expr, unsigned dim, int64_t wanted,
                          int64_t slope, const SubscriptContext &context);

/// "needs s0 % 64 == 0 (only % 8 is known)", with `symbolNames` for the
/// symbols; empty when satisfied.
std::string describe(const ChunkDeficit &deficit,
                     llvm::ArrayRef<std::string> symbolNames);

/// Rewrites divisions and remainders with what is known about axes and
/// symbols: multiples of the divisor leave the division, what remains folds
/// when its interval lies inside one period, nested divisions merge:
/// `(s0*128 + d0) floordiv 64` with d0 < 64 becomes `s0 * 2`. The result is
/// equal for all values that obey the context.
mlir::AffineExpr simplifySubscript(mlir::AffineExpr expr,
                                   const SubscriptContext &context);

/// expr / divisor where the division is proved exact (the language's `/`):
/// `(s0 * 128) / 64` is `s0 * 2`, `s0 / 64` with s0 % 64 == 0 known is
/// `s0 floordiv 64`. Nothing if exactness cannot be proved.
std::optional<mlir::AffineExpr> divideExactly(mlir::AffineExpr expr,
                                              int64_t divisor,
                                              const SubscriptContext &context);

/// The expression is always a multiple of the result (0: it is always 0).
int64_t knownDivisor(mlir::AffineExpr expr, const SubscriptContext &context);

/// Inclusive bounds of an expression, where known.
struct ValueBounds {
  std::optional<int64_t> lower;
  std::optional<int64_t> upper;
};
ValueBounds valueRange(mlir::AffineExpr expr, const SubscriptContext &context);

} // namespace tilewright

#endif // TILEWRIGHT_SUPPORT_SUBSCRIPTCHUNKS_H
