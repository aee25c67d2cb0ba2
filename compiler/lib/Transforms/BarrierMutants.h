//===- BarrierMutants.h - one wrong barrier at a time -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_LIB_TRANSFORMS_BARRIERMUTANTS_H
#define TILEWRIGHT_LIB_TRANSFORMS_BARRIERMUTANTS_H

#include "tilewright/Dialect/Pipe/PipeDialect.h"

namespace tilewright {

/// One change of one operation of explicit-barrier IR.
struct BarrierMutant {
  enum Kind : uint8_t {
    Drop,
    Duplicate,
    Earlier,
    Later,
    FlipParity,
    NextPlace,
    OtherSide,
    OtherRing,
    MoreBytes,
    FewerBytes,
    NoBytes,
    TogglePerWarp,
    FullCountUp,
    FullCountDown,
    EmptyCountUp,
    EmptyCountDown,
    AlwaysReady,
    MorePending,
    FewerPending,
    OtherBarrier,
    ElectWarp,
    ElectGroup,
    ElectNobody,
    OtherSlot,
    SkipUpdate,
    AlwaysFirst,
    AlwaysSecond,
  } kind;
  mlir::Operation *op;

  llvm::StringRef kindName() const;
  /// `pipe.wait @ab full`
  std::string describe() const;
  /// Of a move, what it moves over.
  std::string describeNeighbour() const;
};

/// All mutants of a kernel, in an order that depends on its operations alone.
std::vector<BarrierMutant> listBarrierMutants(tile::KernelOp kernel);

/// Makes the change in place.
void applyBarrierMutant(const BarrierMutant &mutant);

} // namespace tilewright

#endif // TILEWRIGHT_LIB_TRANSFORMS_BARRIERMUTANTS_H
