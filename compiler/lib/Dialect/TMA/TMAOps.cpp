//===- TMAOps.cpp - operations of the tma dialect ---===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/Resources.h"
#include "tilewright/Dialect/TMA/TMADialect.h"

using namespace mlir;
using namespace tilewright;
using namespace tilewright::tma;

#define GET_OP_CLASSES
#include "tilewright/Dialect/TMA/TMAOps.cpp.inc"

LogicalResult DescType::verify(function_ref<InFlightDiagnostic()> emitError,
                               ArrayRef<int64_t> box, int64_t swizzle,
                               Type elementType) {
  // PTX ISA, "Tensors", and the limits of cuTensorMapEncodeTiled.
  if (box.empty() || box.size() > 5)
    return emitError() << "a tensor map has 1 to 5 dimensions, not "
                       << box.size();
  for (int64_t extent : box)
    if (extent < 1 || extent > 256)
      return emitError() << "box extent " << extent << " is not in 1..256";
  if (swizzle != 0 && swizzle != 32 && swizzle != 64 && swizzle != 128)
    return emitError() << "swizzle of " << swizzle
                       << " bytes; the hardware has 0, 32, 64 and 128";
  int64_t inner = box[0] * elementType.getIntOrFloatBitWidth() / 8;
  if (swizzle && inner > swizzle)
    return emitError() << "inner box of " << inner
                       << " bytes exceeds the swizzle span of " << swizzle;
  if (inner % 16 != 0)
    return emitError() << "inner box of " << inner
                       << " bytes is not a multiple of 16";
  return success();
}

LogicalResult DescriptorOp::verify() {
  int64_t rank = getTensor().getType().getRank();
  if (static_cast<int64_t>(getDims().size()) !=
      static_cast<int64_t>(getDesc().getType().getBox().size()))
    return emitOpError("lists ") << getDims().size()
                                 << " dimensions for a box of rank "
                                 << getDesc().getType().getBox().size();
  for (auto [i, dim] : llvm::enumerate(getDims())) {
    if (dim < 0 || dim >= rank)
      return emitOpError("dimension ") << dim << " of a tensor of rank "
                                       << rank;
    if (llvm::is_contained(getDims().take_front(i), dim))
      return emitOpError("lists dimension ") << dim << " twice";
  }
  return success();
}

static LogicalResult verifyCoords(Operation *op, DescType desc, size_t n) {
  if (desc.getBox().size() != n)
    return op->emitOpError("has ")
           << n << " coordinates for a box of rank " << desc.getBox().size();
  return success();
}

LogicalResult LoadOp::verify() {
  return verifyCoords(*this, getDesc().getType(), getCoords().size());
}

LogicalResult StoreOp::verify() {
  return verifyCoords(*this, getDesc().getType(), getCoords().size());
}

int64_t LoadOp::getBytes() {
  DescType desc = getDesc().getType();
  int64_t bits = desc.getElementType().getIntOrFloatBitWidth();
  for (int64_t extent : desc.getBox())
    bits *= extent;
  return bits / 8;
}

using Effects =
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>;

void PrefetchOp::getEffects(Effects &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), Descriptors::get());
  effects.emplace_back(MemoryEffects::Write::get(), Descriptors::get());
}
void LoadOp::getEffects(Effects &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), Descriptors::get());
  effects.emplace_back(MemoryEffects::Read::get(), GlobalMemory::get());
  effects.emplace_back(MemoryEffects::Write::get(), AsyncSharedMemory::get());
  effects.emplace_back(MemoryEffects::Write::get(), Barriers::get());
}
void StoreOp::getEffects(Effects &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), Descriptors::get());
  effects.emplace_back(MemoryEffects::Read::get(), AsyncSharedMemory::get());
  effects.emplace_back(MemoryEffects::Write::get(), GlobalMemory::get());
}
void CommitGroupOp::getEffects(Effects &effects) {
  effects.emplace_back(MemoryEffects::Write::get(), Barriers::get());
  effects.emplace_back(MemoryEffects::Read::get(), AsyncSharedMemory::get());
}
void WaitGroupOp::getEffects(Effects &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), Barriers::get());
  effects.emplace_back(MemoryEffects::Write::get(), Barriers::get());
  effects.emplace_back(MemoryEffects::Write::get(), SharedMemory::get());
}
