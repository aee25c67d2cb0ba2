//===- PipeOps.cpp - operations of the pipe dialect ---===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/Pipe/PipeDialect.h"
#include "tilewright/Dialect/Resources.h"

using namespace mlir;
using namespace tilewright;
using namespace tilewright::pipe;

#define GET_OP_CLASSES
#include "tilewright/Dialect/Pipe/PipeOps.cpp.inc"

//===----------------------------------------------------------------------===//
// RingOp
//===----------------------------------------------------------------------===//

LogicalResult RingOp::verify() {
  size_t fields = getFieldNames().size();
  if (fields == 0)
    return emitOpError("has no fields");
  if (getFieldTypes().size() != fields)
    return emitOpError("has ") << fields << " field names but "
                               << getFieldTypes().size() << " field types";
  for (auto [i, type] : llvm::enumerate(getFieldTypes())) {
    if (!isa<tile::ViewType>(cast<TypeAttr>(type).getValue()))
      return emitOpError("field ") << getFieldNames()[i] << " is not a view";
    for (size_t j = 0; j < i; ++j)
      if (getFieldNames()[i] == getFieldNames()[j])
        return emitOpError("field ") << getFieldNames()[i] << " appears twice";
  }
  if (static_cast<int64_t>(getDepth()) < 0)
    return emitOpError("depth is negative");
  if (getLayouts() && getLayouts()->size() != fields)
    return emitOpError("has ") << fields << " fields but "
                               << getLayouts()->size() << " layouts";
  if (getOffsets() && getOffsets()->size() != fields)
    return emitOpError("has ") << fields << " fields but "
                               << getOffsets()->size() << " offsets";
  return success();
}

int64_t RingOp::getFieldIndex(StringRef name) {
  for (auto [i, field] : llvm::enumerate(getFieldNames()))
    if (cast<StringAttr>(field).getValue() == name)
      return i;
  return -1;
}

tile::ViewType RingOp::getFieldType(unsigned index) {
  return cast<tile::ViewType>(
      cast<TypeAttr>(getFieldTypes()[index]).getValue());
}

tile::SharedAttr RingOp::getFieldLayout(unsigned index) {
  if (!getLayouts())
    return {};
  return dyn_cast<tile::SharedAttr>((*getLayouts())[index]);
}

RingOp RingOp::lookup(Operation *from, FlatSymbolRefAttr name) {
  return SymbolTable::lookupNearestSymbolFrom<RingOp>(from, name);
}

//===----------------------------------------------------------------------===//
// Verifiers
//===----------------------------------------------------------------------===//

/// The ring exists, and where both are given, is the slot's.
static LogicalResult verifyRing(Operation *op, FlatSymbolRefAttr ring,
                                SlotType slot) {
  if (!RingOp::lookup(op, ring))
    return op->emitOpError("names no ring ") << ring;
  if (slot && slot.getRing() != ring)
    return op->emitOpError("takes a slot of ")
           << ring << " but its type is " << slot;
  return success();
}

LogicalResult AcquirePutOp::verify() {
  if (getIndex() && !getPhase())
    return emitOpError("has an index but no phase");
  return verifyRing(*this, getRingAttr(), getSlot().getType());
}

LogicalResult AcquireGetOp::verify() {
  if (getIndex() && !getPhase())
    return emitOpError("has an index but no phase");
  return verifyRing(*this, getRingAttr(), getSlot().getType());
}

LogicalResult CommitOp::verify() {
  return verifyRing(*this, getSlot().getType().getRing(), {});
}

LogicalResult ReleaseOp::verify() {
  return verifyRing(*this, getSlot().getType().getRing(), {});
}

LogicalResult FieldOp::verify() {
  FlatSymbolRefAttr name = getSlot().getType().getRing();
  RingOp ring = RingOp::lookup(*this, name);
  if (!ring)
    return emitOpError("names no ring ") << name;
  int64_t index = ring.getFieldIndex(getName());
  if (index < 0) {
    InFlightDiagnostic diag = emitOpError("ring ")
                              << name << " has no field '" << getName() << "'";
    diag.attachNote(ring.getLoc()) << "declared here";
    return diag;
  }
  if (ring.getFieldType(index) != getView().getType())
    return emitOpError("field '")
           << getName() << "' is a " << ring.getFieldType(index) << ", not a "
           << getView().getType();
  return success();
}

//===----------------------------------------------------------------------===//
// Effects
//===----------------------------------------------------------------------===//

using Effects =
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>;

/// A synchronisation both observes and changes barriers, and orders shared
/// memory around it.
static void synchronises(Effects &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), Barriers::get());
  effects.emplace_back(MemoryEffects::Write::get(), Barriers::get());
  effects.emplace_back(MemoryEffects::Read::get(), SharedMemory::get());
  effects.emplace_back(MemoryEffects::Write::get(), SharedMemory::get());
  effects.emplace_back(MemoryEffects::Read::get(), AsyncSharedMemory::get());
  effects.emplace_back(MemoryEffects::Write::get(), AsyncSharedMemory::get());
}

void AcquirePutOp::getEffects(Effects &effects) { synchronises(effects); }
void AcquireGetOp::getEffects(Effects &effects) { synchronises(effects); }
void CommitOp::getEffects(Effects &effects) { synchronises(effects); }
void ReleaseOp::getEffects(Effects &effects) { synchronises(effects); }
void InitOp::getEffects(Effects &effects) { synchronises(effects); }
void WaitOp::getEffects(Effects &effects) { synchronises(effects); }
void ArriveOp::getEffects(Effects &effects) { synchronises(effects); }
void GroupBarrierOp::getEffects(Effects &effects) { synchronises(effects); }
void ProxyFenceOp::getEffects(Effects &effects) { synchronises(effects); }
