//===- SubscriptChunks.cpp - largest aligned chunks of a subscript --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SubscriptAnalysis.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <numeric>

using namespace tilewright;
using namespace tilewright::detail;
using mlir::AffineBinaryOpExpr;
using mlir::AffineConstantExpr;
using mlir::AffineDimExpr;
using mlir::AffineExpr;
using mlir::AffineExprKind;
using mlir::AffineSymbolExpr;

namespace {

/// Slope k on aligned chunks of size `chunk`; 0 stands for the whole axis,
/// which makes gcd() the meet of two chunks.
struct Slope {
  int64_t slope = 0;
  int64_t chunk = 0;

  bool isWhole() const { return chunk == 0; }
};

constexpr Slope unknown{0, 1};

/// Finds slopes along one dimension.
class SlopeFinder {
public:
  SlopeFinder(const SubscriptContext &context, unsigned dim)
      : context(context), dim(dim), extent(dimExtent(context, dim)) {}

  Slope find(AffineExpr expr) const;

private:
  Slope normalise(Slope s) const {
    if (s.chunk >= extent)
      s.chunk = 0;
    return s;
  }
  /// The largest chunk on which floor(operand / divisor) stays the same, where
  /// the operand has slope `s` (not 0).
  int64_t samePeriod(AffineExpr operand, Slope s, int64_t divisor) const;

  const SubscriptContext &context;
  unsigned dim;
  int64_t extent;
};

} // namespace

int64_t SlopeFinder::samePeriod(AffineExpr operand, Slope s,
                                int64_t divisor) const {
  // Between x-1 and x the quotient can change only if the operand crosses a
  // multiple of the divisor. At x its values are congruent to r modulo
  // g = gcd(modulus, divisor), so modulo the divisor they are r, r + g, ...,
  // divisor - g + r: going up by `slope` some value has just crossed exactly if
  // r < slope; going down exactly if r - slope >= g. All places where a change
  // is possible must be multiples of the chunk.
  constexpr int64_t largestExtent = 1 << 16; // no tile has such an axis
  if (extent > largestExtent)
    return 1;
  int64_t chunk = s.chunk;
  for (int64_t x = 1; x < extent && chunk != 1; ++x) {
    if (!s.isWhole() && x % s.chunk == 0)
      continue;
    Congruence at = congruence(operand, context, FixedDim{dim, x});
    int64_t g = std::gcd(at.modulus, divisor);
    int64_t r = floorRemainder(at.residue, g);
    bool crosses = s.slope > 0 ? r < s.slope : r >= g + s.slope;
    if (crosses)
      chunk = std::gcd(chunk, x);
  }
  return chunk;
}

Slope SlopeFinder::find(AffineExpr expr) const {
  switch (expr.getKind()) {
  case AffineExprKind::Constant:
    return {};
  case AffineExprKind::DimId:
    return {llvm::cast<AffineDimExpr>(expr).getPosition() == dim ? 1 : 0, 0};
  case AffineExprKind::SymbolId: {
    SymbolFacts facts =
        symbolFacts(context, llvm::cast<AffineSymbolExpr>(expr).getPosition());
    int64_t chunk =
        dim < facts.constantOver.size() ? facts.constantOver[dim] : 0;
    return normalise({0, std::max<int64_t>(chunk, 0)});
  }
  default:
    break;
  }

  auto binary = llvm::cast<AffineBinaryOpExpr>(expr);
  Slope lhs = find(binary.getLHS());
  Slope rhs = find(binary.getRHS());
  int64_t meet = std::gcd(lhs.chunk, rhs.chunk);
  // Whatever the operation: it stays the same where both operands do.
  if (lhs.slope == 0 && rhs.slope == 0)
    return normalise({0, meet});

  auto constant = llvm::dyn_cast<AffineConstantExpr>(binary.getRHS());
  switch (expr.getKind()) {
  case AffineExprKind::Add: {
    Slope sum{0, meet};
    if (llvm::AddOverflow(lhs.slope, rhs.slope, sum.slope))
      return normalise(unknown);
    return normalise(sum);
  }
  case AffineExprKind::Mul: {
    auto left = llvm::dyn_cast<AffineConstantExpr>(binary.getLHS());
    if (!constant && !left)
      return normalise(unknown);
    Slope product = constant ? lhs : rhs;
    int64_t factor = constant ? constant.getValue() : left.getValue();
    if (llvm::MulOverflow(product.slope, factor, product.slope))
      return normalise(unknown);
    return normalise(product);
  }
  case AffineExprKind::FloorDiv:
  case AffineExprKind::CeilDiv: {
    if (!constant || constant.getValue() <= 0)
      return normalise(unknown);
    int64_t divisor = constant.getValue();
    if (lhs.slope % divisor == 0)
      return normalise({lhs.slope / divisor, lhs.chunk});
    AffineExpr operand = binary.getLHS();
    if (expr.getKind() == AffineExprKind::CeilDiv)
      operand = operand + (divisor - 1);
    return normalise({0, samePeriod(operand, lhs, divisor)});
  }
  case AffineExprKind::Mod: {
    if (!constant || constant.getValue() <= 0)
      return normalise(unknown);
    int64_t divisor = constant.getValue();
    if (lhs.slope % divisor == 0)
      return normalise({0, lhs.chunk});
    return normalise({lhs.slope, samePeriod(binary.getLHS(), lhs, divisor)});
  }
  default:
    return normalise(unknown);
  }
}

//===----------------------------------------------------------------------===//
// Chunks
//===----------------------------------------------------------------------===//

int64_t AxisChunk::uniformChunk(int64_t extent) const {
  return chunk >= extent ? extent : std::gcd(chunk, extent);
}

AxisChunk tilewright::findChunk(AffineExpr expr, unsigned dim,
                                const SubscriptContext &context) {
  Slope s = SlopeFinder(context, dim).find(simplifySubscript(expr, context));
  int64_t extent = dimExtent(context, dim);
  AxisChunk result;
  result.slope = s.slope;
  result.slopeChunk = s.isWhole() ? extent : s.chunk;
  result.independent = s.slope == 0 && s.isWhole();
  bool usable = s.isWhole() || s.chunk > 1;
  if (usable && s.slope == 0)
    result.kind = ChunkKind::Constant;
  else if (usable && s.slope == 1)
    result.kind = ChunkKind::Contiguous;
  result.chunk = result.kind == ChunkKind::Elementwise ? 1 : result.slopeChunk;
  return result;
}

llvm::SmallVector<AxisChunk, 4>
tilewright::findChunks(AffineExpr expr, const SubscriptContext &context) {
  llvm::SmallVector<AxisChunk, 4> result;
  for (unsigned dim = 0; dim < context.extents.size(); ++dim)
    result.push_back(findChunk(expr, dim, context));
  return result;
}

//===----------------------------------------------------------------------===//
// What is lacking
//===----------------------------------------------------------------------===//

static bool provides(AffineExpr expr, unsigned dim, int64_t wanted,
                     int64_t slope, const SubscriptContext &context) {
  AxisChunk found = findChunk(expr, dim, context);
  int64_t extent = dimExtent(context, dim);
  if (extent == 1)
    return true;
  if (found.slope != slope)
    return false;
  // Aligned blocks of `wanted` must not straddle chunks.
  return found.slopeChunk >= extent ||
         (wanted < extent && found.slopeChunk % wanted == 0);
}

/// All divisors of `n`, ascending.
static llvm::SmallVector<int64_t> divisorsOf(int64_t n) {
  llvm::SmallVector<int64_t> small, large;
  for (int64_t d = 1; d * d <= n; ++d) {
    if (n % d != 0)
      continue;
    small.push_back(d);
    if (d != n / d)
      large.push_back(n / d);
  }
  small.append(large.rbegin(), large.rend());
  return small;
}

ChunkDeficit tilewright::explainChunk(AffineExpr expr, unsigned dim,
                                      int64_t wanted, int64_t slope,
                                      const SubscriptContext &context) {
  ChunkDeficit deficit;
  if (provides(expr, dim, wanted, slope, context)) {
    deficit.satisfied = true;
    return deficit;
  }

  // Divisibility matters only modulo the divisors in the expression; nested
  // divisions multiply. `period` is a common multiple of all that can matter.
  // Both bounds keep every product below 2^63.
  constexpr int64_t largestPeriod = int64_t(1) << 30;
  constexpr int64_t largestDivisor = int64_t(1) << 31;
  int64_t period = std::clamp<int64_t>(wanted, 1, largestPeriod);
  unsigned numSymbols = 0;
  expr.walk([&](AffineExpr part) {
    if (auto symbol = llvm::dyn_cast<AffineSymbolExpr>(part))
      numSymbols = std::max(numSymbols, symbol.getPosition() + 1);
    auto binary = llvm::dyn_cast<AffineBinaryOpExpr>(part);
    if (!binary || part.getKind() == AffineExprKind::Add ||
        part.getKind() == AffineExprKind::Mul)
      return;
    if (auto constant = llvm::dyn_cast<AffineConstantExpr>(binary.getRHS()))
      if (constant.getValue() > 0 &&
          period <= largestPeriod / constant.getValue())
        period *= constant.getValue();
  });
  if (dim < context.extents.size() && context.extents[dim] > 0 &&
      period <= largestPeriod / context.extents[dim])
    period = std::lcm(period, context.extents[dim]);

  SubscriptContext assumed = context;
  if (assumed.symbols.size() < numSymbols)
    assumed.symbols.resize(numSymbols);
  for (SymbolFacts &facts : assumed.symbols) {
    if (facts.divisor < 1)
      facts.divisor = 1;
    if (facts.divisor <= largestDivisor)
      facts.divisor = std::lcm(facts.divisor, period);
  }
  if (!provides(expr, dim, wanted, slope, assumed))
    return deficit;

  // Lower the assumptions one by one to the least that still suffices.
  llvm::SmallVector<int64_t> factors = divisorsOf(period);
  for (unsigned symbol = 0; symbol < numSymbols; ++symbol) {
    int64_t known = symbolFacts(context, symbol).divisor;
    if (known > largestDivisor)
      continue;
    int64_t strongest = assumed.symbols[symbol].divisor;
    int64_t needed = strongest;
    llvm::SmallVector<int64_t> candidates;
    for (int64_t factor : factors)
      candidates.push_back(std::lcm(known, factor));
    llvm::sort(candidates);
    for (int64_t candidate : candidates) {
      assumed.symbols[symbol].divisor = candidate;
      if (provides(expr, dim, wanted, slope, assumed)) {
        needed = candidate;
        break;
      }
    }
    assumed.symbols[symbol].divisor = needed;
    if (needed != known)
      deficit.missing.push_back({symbol, known, needed});
  }
  return deficit;
}

std::string tilewright::describe(const ChunkDeficit &deficit,
                                 llvm::ArrayRef<std::string> symbolNames) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (deficit.satisfied)
    return text;
  if (deficit.missing.empty())
    return "no divisibility of its scalars would help";
  os << "needs ";
  llvm::interleave(
      deficit.missing, os,
      [&](const MissingDivisibility &missing) {
        if (missing.symbol < symbolNames.size())
          os << symbolNames[missing.symbol];
        else
          os << 's' << missing.symbol;
        os << " % " << missing.needed << " == 0 (";
        if (missing.known > 1)
          os << "only % " << missing.known << " is known)";
        else
          os << "nothing is known)";
      },
      " and ");
  return text;
}
