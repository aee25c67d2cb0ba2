//===- MMAOps.cpp - operations of the mma and fp8 dialects' tensor-core side ---===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/MMA/MMADialect.h"
#include "tilewright/Dialect/Resources.h"

using namespace mlir;
using namespace tilewright;
using namespace tilewright::mma;

#define GET_OP_CLASSES
#include "tilewright/Dialect/MMA/MMAOps.cpp.inc"

LogicalResult ContractOp::verify() {
  tile::ViewType a = getA().getType(), b = getB().getType();
  std::optional<int64_t> m = a.getExtent(getAxisM());
  if (!m || b.hasAxis(getAxisM()))
    return emitOpError("'") << getAxisM()
                            << "' is not a free axis of the first operand";
  if (!b.hasAxis(getAxisN()) || a.hasAxis(getAxisN()))
    return emitOpError("'") << getAxisN()
                            << "' is not a free axis of the second operand";
  if (getWaveM() <= 0 || *m % getWaveM() != 0)
    return emitOpError("waves of ")
           << getWaveM() << " rows do not divide the extent " << *m
           << " of axis '" << getAxisM() << "'";
  if (getResults().size() != getCarried().size())
    return emitOpError("carries ") << getCarried().size() << " values but has "
                                   << getResults().size() << " results";
  if (TypeRange(getResults().getTypes()) != TypeRange(getCarried().getTypes()))
    return emitOpError("carried and result types differ");
  if (getBody().empty()) {
    if (getCarried().size() != 1 || !getInputs().empty())
      return emitOpError("without a region carries exactly one value and takes "
                         "no inputs");
    return success();
  }
  size_t expected = 1 + getCarried().size() + getInputs().size();
  if (getBody().getNumArguments() != expected)
    return emitOpError("region takes ")
           << getBody().getNumArguments() << " arguments; expected "
           << expected << ": the partial sums, carried values, inputs";
  auto yield = dyn_cast<YieldOp>(getBody().front().getTerminator());
  if (!yield || yield.getNumOperands() != getCarried().size())
    return emitOpError("region must yield one value for each carried one");
  return success();
}

LogicalResult WgmmaOp::verify() {
  // PTX ISA, wgmma.mma_async: M is 64; N a multiple of 8 up to 256; K is 32
  // bytes of elements.
  if (getM() != 64)
    return emitOpError("M is ") << getM() << "; wgmma has M = 64";
  if (getN() % 8 != 0 || getN() < 8 || getN() > 256)
    return emitOpError("N is ")
           << getN() << "; wgmma takes multiples of 8 from 8 to 256";
  unsigned bits = getTypeA().getIntOrFloatBitWidth();
  if (getK() * bits != 256)
    return emitOpError("K is ") << getK() << " for elements of " << bits
                                << " bits; K spans 32 bytes";
  if (auto acc = dyn_cast<VectorType>(getAcc().getType()))
    if (acc.getNumElements() != static_cast<int64_t>(getN() / 2))
      return emitOpError("accumulator has ")
             << acc.getNumElements() << " elements a thread; expected "
             << getN() / 2;
  if (getAcc().getType() != getResult().getType())
    return emitOpError("accumulator and result types differ");
  return success();
}

using Effects =
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>;

void ContractOp::getEffects(Effects &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), AsyncSharedMemory::get());
  effects.emplace_back(MemoryEffects::Write::get(), TensorCore::get());
}
void FenceOp::getEffects(Effects &effects) {
  effects.emplace_back(MemoryEffects::Write::get(), TensorCore::get());
}
void CommitOp::getEffects(Effects &effects) {
  effects.emplace_back(MemoryEffects::Write::get(), TensorCore::get());
}
void WaitOp::getEffects(Effects &effects) {
  effects.emplace_back(MemoryEffects::Write::get(), TensorCore::get());
}
void PinOp::getEffects(Effects &effects) {
  effects.emplace_back(MemoryEffects::Write::get(), TensorCore::get());
}
void WgmmaOp::getEffects(Effects &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), AsyncSharedMemory::get());
  effects.emplace_back(MemoryEffects::Write::get(), TensorCore::get());
}
