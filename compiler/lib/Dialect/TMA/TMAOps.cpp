//===- TMAOps.cpp - operations of the tma dialect -------------------------===//
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
  unsigned bits = tile::getStorageBits(elementType);
  if (bits == 0)
    return emitError() << elementType
                       << " is not an element type that memory holds";
  int64_t inner = box[0] * bits / 8;
  if (swizzle && inner > swizzle)
    return emitError() << "inner box of " << inner
                       << " bytes exceeds the swizzle span of " << swizzle;
  if (inner % 16 != 0)
    return emitError() << "inner box of " << inner
                       << " bytes is not a multiple of 16";
  return success();
}

int64_t DescType::getBoxBytes() const {
  int64_t bits = tile::getStorageBits(getElementType());
  for (int64_t extent : getBox())
    bits *= extent;
  return bits / 8;
}

LogicalResult DescriptorOp::verify() {
  int64_t rank = getTensor().getType().getRank();
  if (getDims().size() != getDesc().getType().getBox().size())
    return emitOpError("lists ")
           << getDims().size() << " dimensions for a box of rank "
           << getDesc().getType().getBox().size();
  for (auto [i, dim] : llvm::enumerate(getDims())) {
    if (dim < 0 || dim >= rank)
      return emitOpError("dimension ")
             << dim << " of a tensor of rank " << rank;
    if (llvm::is_contained(getDims().take_front(i), dim))
      return emitOpError("lists dimension ") << dim << " twice";
  }
  Type from = getTensor().getType().getElementType();
  Type to = getDesc().getType().getElementType();
  if (!tile::isCopyConversion(from, to))
    return emitOpError("describes elements of ")
           << from << " as " << to
           << "; the engine converts nothing but f32 to tf32";
  return success();
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

/// A box moves between a tensor and a view: one coordinate for each of its
/// dimensions, the view's element type, and no byte outside the view.
static LogicalResult verifyBox(Operation *op, DescType desc, size_t coords,
                               tile::ViewType view, int64_t byteOffset) {
  if (desc.getBox().size() != coords)
    return op->emitOpError("has ")
           << coords << " coordinates for a box of rank "
           << desc.getBox().size();
  if (desc.getElementType() != view.getElementType())
    return op->emitOpError("moves elements of ")
           << desc.getElementType() << " but the view holds "
           << view.getElementType();
  // PTX ISA, cp.async.bulk.tensor: shared memory addresses are multiples of
  // 128 bytes.
  if (byteOffset < 0 || byteOffset % 128 != 0)
    return op->emitOpError("byte offset ")
           << byteOffset << " is not a multiple of 128";
  int64_t bytes =
      view.getNumElements() * tile::getStorageBits(view.getElementType()) / 8;
  if (byteOffset > bytes - desc.getBoxBytes())
    return op->emitOpError("box of ")
           << desc.getBoxBytes() << " bytes at byte " << byteOffset
           << " does not fit in a view of " << bytes;
  return success();
}

LogicalResult LoadOp::verify() {
  if (failed(verifyBox(*this, getDesc().getType(), getCoords().size(),
                       getDest().getType(),
                       static_cast<int64_t>(getByteOffset()))))
    return failure();
  Value slot = pipe::getSlotOf(getDest());
  if (slot && slot != getSlot())
    return emitOpError("fills a view of another slot than the one that its "
                       "bytes arrive at");
  return success();
}

LogicalResult LoadOp::verifySymbolUses(SymbolTableCollection &symbols) {
  FlatSymbolRefAttr name = getSlot().getType().getRing();
  auto ring = symbols.lookupNearestSymbolFrom<pipe::RingOp>(*this, name);
  if (!ring)
    return emitOpError("names no ring ") << name;
  if (ring.getConsumer() == pipe::Consumer::CopyEngine)
    return emitOpError("fills a slot of ")
           << name << ", which the copy engine empties and only stores fill";
  // The other CTAs' consumers must tell the leader when they are done.
  if (getMulticast() != 1 && getMulticast() != ring.getMulticast().value_or(1))
    return emitOpError("is multicast to ")
           << getMulticast() << " CTAs, ring " << name << " to "
           << ring.getMulticast().value_or(1);
  return success();
}

Value LoadOp::getFilledView() { return getDest(); }

int64_t LoadOp::getTransactionBytes() { return getBytes(); }

int64_t LoadOp::getBytes() { return getDesc().getType().getBoxBytes(); }

LogicalResult StoreOp::verify() {
  return verifyBox(*this, getDesc().getType(), getCoords().size(),
                   getSource().getType(),
                   static_cast<int64_t>(getByteOffset()));
}

SmallVector<Value> StoreOp::getAsyncReads() { return {getSource()}; }

ReadRetirement StoreOp::getReadRetirement() {
  return ReadRetirement::BulkGroup;
}

LogicalResult WaitGroupOp::verify() {
  if (static_cast<int64_t>(getPending()) < 0)
    return emitOpError("waits for ")
           << static_cast<int64_t>(getPending()) << " pending groups";
  return success();
}

//===----------------------------------------------------------------------===//
// Effects
//===----------------------------------------------------------------------===//

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
