//===- PipeOps.cpp - operations of the pipe dialect -----------------------===//
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

/// The layout of a field holds all its axes once, and a swizzle cuts its inner
/// axis into whole spans.
static LogicalResult verifyFieldLayout(RingOp ring, StringRef name,
                                       tile::ViewType view, Attribute attr) {
  auto layout = dyn_cast<tile::SharedAttr>(attr);
  if (!layout)
    return ring.emitOpError("layout of field '")
           << name << "' is " << attr << ", not a #tile.shared";
  if (layout.getAxes().size() != view.getAxes().size() ||
      !llvm::all_of(layout.getAxes(),
                    [&](StringAttr axis) { return view.hasAxis(axis); }))
    return ring.emitOpError("layout of field '")
           << name << "' does not order the axes of " << view;
  int64_t swizzle = layout.getSwizzle();
  if (swizzle == 0)
    return success();
  if (layout.getAxes().empty())
    return ring.emitOpError("field '") << name << "' has no axis to swizzle";
  int64_t inner = *view.getExtent(layout.getAxes().back()) *
                  tile::getStorageBits(view.getElementType()) / 8;
  if (inner % swizzle != 0)
    return ring.emitOpError("field '")
           << name << "' is swizzled by " << swizzle
           << " bytes but its inner axis has " << inner;
  return success();
}

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
  // CUDA, cudaFuncAttributeNonPortableClusterSizeAllowed: 16 at most.
  if (auto ctas = static_cast<int64_t>(getMulticast().value_or(1));
      ctas < 1 || ctas > 16)
    return emitOpError("multicast to ")
           << ctas << " CTAs; a cluster has 1 to 16";
  if (auto ctas = static_cast<int64_t>(getExchange().value_or(1));
      ctas < 1 || ctas > 16)
    return emitOpError("exchanges between ")
           << ctas << " CTAs; a cluster has 1 to 16";
  if (isMulticast() && getConsumer() == Consumer::CopyEngine)
    return emitOpError("is multicast, but the copy engine empties it");
  if (isExchange() && getConsumer() == Consumer::CopyEngine)
    return emitOpError("is an exchange, but the copy engine empties it");
  if (isExchange() && isMulticast())
    return emitOpError("is both multicast and an exchange");
  if (ArrayAttr names = getPrivateFieldsAttr())
    for (Attribute field : names)
      if (!llvm::is_contained(getFieldNames(), field))
        return emitOpError("has no field ") << field << " to keep private";
  if (isStatic() && getConsumer() == Consumer::CopyEngine)
    return emitOpError("is static, but the copy engine empties it");
  if (isStatic() && static_cast<int64_t>(getDepth()) > maxStaticDepth)
    return emitOpError("is static with ") << getDepth() << " slots; at most "
                                          << maxStaticDepth << " are possible";
  if (getLayouts() && getLayouts()->size() != fields)
    return emitOpError("has ")
           << fields << " fields but " << getLayouts()->size() << " layouts";
  if (getOffsets() && getOffsets()->size() != fields)
    return emitOpError("has ")
           << fields << " fields but " << getOffsets()->size() << " offsets";
  if (getStrides().value_or(ArrayRef<int64_t>()).size() !=
      getOffsets().value_or(ArrayRef<int64_t>()).size())
    return emitOpError("needs as many strides as offsets");
  for (unsigned i = 0; getLayouts() && i < fields; ++i)
    if (failed(verifyFieldLayout(
            *this, cast<StringAttr>(getFieldNames()[i]).getValue(),
            getFieldType(i), (*getLayouts())[i])))
      return failure();
  return verifyPlan();
}

LogicalResult RingOp::verifyPlan() {
  auto atLeast = [&](std::optional<uint64_t> value, int64_t least,
                     StringRef name) -> LogicalResult {
    if (value && static_cast<int64_t>(*value) < least)
      return emitOpError() << name << " is " << static_cast<int64_t>(*value)
                           << "; at least " << least << " is needed";
    return success();
  };
  if (failed(atLeast(getBarriers(), 0, "barriers")) ||
      failed(atLeast(getFullCount(), 1, "full_count")) ||
      failed(atLeast(getEmptyCount(), 1, "empty_count")) ||
      failed(atLeast(getInstances(), 1, "instances")))
    return failure();
  if (getOffsets() && getDepth() == 0)
    return emitOpError("has a place in memory but no depth yet");
  // PTX ISA, "mbarrier object": 8 bytes, 8-byte aligned.
  if (getBarriers() && *getBarriers() % 8 != 0)
    return emitOpError("barriers at byte ")
           << *getBarriers() << "; an mbarrier is 8-byte aligned";
  if (!getOffsets())
    return success();
  for (auto [i, offset] : llvm::enumerate(*getOffsets())) {
    tile::ViewType view = getFieldType(i);
    int64_t bytes =
        view.getNumElements() * tile::getStorageBits(view.getElementType()) / 8;
    if (offset < 0)
      return emitOpError("field ")
             << getFieldNames()[i] << " has offset " << offset;
    if ((*getStrides())[i] < bytes)
      return emitOpError("field ")
             << getFieldNames()[i] << " of " << bytes
             << " bytes does not fit its stride of " << (*getStrides())[i];
  }
  return success();
}

int64_t RingOp::getFieldIndex(StringRef name) {
  for (auto [i, field] : llvm::enumerate(getFieldNames()))
    if (cast<StringAttr>(field).getValue() == name)
      return static_cast<int64_t>(i);
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

Value tilewright::pipe::getSlotOf(Value view) {
  while (auto slice = view.getDefiningOp<tile::SliceOp>())
    view = slice.getSource();
  if (auto field = view.getDefiningOp<FieldOp>())
    return field.getSlot();
  return {};
}

/// The ring that `name` stands for where `op` is; reports if there is none.
static FailureOr<RingOp> findRing(Operation *op, FlatSymbolRefAttr name,
                                  SymbolTableCollection &symbols) {
  if (auto ring = symbols.lookupNearestSymbolFrom<RingOp>(op, name))
    return ring;
  return op->emitOpError("names no ring ") << name;
}

/// The ring exists and is the slot's.
static LogicalResult verifyRing(Operation *op, FlatSymbolRefAttr ring,
                                SlotType slot, SymbolTableCollection &symbols) {
  if (failed(findRing(op, ring, symbols)))
    return failure();
  if (slot.getRing() != ring)
    return op->emitOpError("takes a slot of ")
           << ring << " but its type is " << slot;
  return success();
}

template <typename Op> static LogicalResult verifyIndexed(Op op) {
  if (static_cast<bool>(op.getIndex()) == static_cast<bool>(op.getPhase()))
    return success();
  return op.emitOpError(op.getIndex() ? "has an index but no phase"
                                      : "has a phase but no index");
}

LogicalResult AcquirePutOp::verify() { return verifyIndexed(*this); }
LogicalResult AcquireGetOp::verify() { return verifyIndexed(*this); }
LogicalResult DrainOp::verify() { return verifyIndexed(*this); }

LogicalResult AcquirePutOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyRing(*this, getRingAttr(), getSlot().getType(), symbols);
}

LogicalResult AcquireGetOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (failed(verifyRing(*this, getRingAttr(), getSlot().getType(), symbols)))
    return failure();
  FailureOr<RingOp> ring = findRing(*this, getRingAttr(), symbols);
  if ((*ring).getConsumer() == Consumer::CopyEngine)
    return emitOpError("gets from ring ")
           << getRingAttr() << ", which the copy engine empties";
  return success();
}

LogicalResult DrainOp::verifySymbolUses(SymbolTableCollection &symbols) {
  FailureOr<RingOp> ring = findRing(*this, getRingAttr(), symbols);
  if (failed(ring))
    return failure();
  if ((*ring).getConsumer() == Consumer::CopyEngine)
    return emitOpError("drains ring ")
           << getRingAttr() << ", which the copy engine empties";
  return success();
}

LogicalResult RestartOp::verifySymbolUses(SymbolTableCollection &symbols) {
  FailureOr<RingOp> ring = findRing(*this, getRingAttr(), symbols);
  if (failed(ring))
    return failure();
  if (!(*ring).isStatic())
    return emitOpError("restarts ring ") << getRingAttr() << ", a dynamic one";
  return success();
}

LogicalResult CommitOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (getSlot().getDefiningOp<AcquireGetOp>())
    return emitOpError("commits a slot that was acquired for reading");
  return success(
      succeeded(findRing(*this, getSlot().getType().getRing(), symbols)));
}

LogicalResult ReleaseOp::verifySymbolUses(SymbolTableCollection &symbols) {
  FailureOr<RingOp> ring =
      findRing(*this, getSlot().getType().getRing(), symbols);
  if (failed(ring))
    return failure();
  if ((*ring).getConsumer() == Consumer::Roles &&
      getSlot().getDefiningOp<AcquirePutOp>())
    return emitOpError("releases a slot that was acquired for filling");
  return success();
}

LogicalResult FieldOp::verifySymbolUses(SymbolTableCollection &symbols) {
  FlatSymbolRefAttr name = getSlot().getType().getRing();
  FailureOr<RingOp> found = findRing(*this, name, symbols);
  if (failed(found))
    return failure();
  RingOp ring = *found;
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
  if (ring.getConsumer() != Consumer::CopyEngine)
    return success();
  // The engine empties it; its slots have no barrier for bytes to arrive at.
  SmallVector<Value> views = {getView()};
  while (!views.empty())
    for (Operation *user : views.pop_back_val().getUsers()) {
      if (auto slice = dyn_cast<tile::SliceOp>(user))
        views.push_back(slice.getResult());
      else if (isa<SlotFillerInterface>(user))
        return user->emitOpError("fills a slot of ")
               << name
               << ", which the copy engine empties and only stores fill";
    }
  return success();
}

LogicalResult SendOp::verifySymbolUses(SymbolTableCollection &symbols) {
  FlatSymbolRefAttr name = getSlot().getType().getRing();
  FailureOr<RingOp> found = findRing(*this, name, symbols);
  if (failed(found))
    return failure();
  if (!(*found).getExchange())
    return emitOpError("fills slots of all CTAs, but ring ")
           << name << " is no exchange between them";
  int64_t parts = *getDest().getType().getExtent(getOver());
  if (parts != static_cast<int64_t>(*(*found).getExchange()))
    return emitOpError("has ")
           << parts << " parts, ring " << name << " exchanges between "
           << *(*found).getExchange() << " CTAs";
  return success();
}

LogicalResult SendOp::verify() {
  if (!getDest().getType().hasAxis(getOver()))
    return emitOpError("axis '")
           << getOver() << "' is not an axis of " << getDest().getType();
  for (Value view : {getSource(), getDest()})
    if (Value slot = getSlotOf(view); slot && slot != getSlot())
      return emitOpError("moves between views of another slot than the one "
                         "that its bytes arrive at");
  return success();
}

Value SendOp::getFilledView() { return getDest(); }

/// What the other CTAs send to this one: as many parts as this one sends.
int64_t SendOp::getTransactionBytes() {
  tile::ViewType view = getDest().getType();
  int64_t parts = *view.getExtent(getOver());
  return view.getNumElements() / parts * (parts - 1) *
         tile::getStorageBits(view.getElementType()) / 8;
}

//===----------------------------------------------------------------------===//
// Explicit barriers
//===----------------------------------------------------------------------===//

LogicalResult SlotAtOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyRing(*this, getRingAttr(), getSlot().getType(), symbols);
}

LogicalResult InitOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return success(succeeded(findRing(*this, getRingAttr(), symbols)));
}

LogicalResult WaitOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return success(succeeded(findRing(*this, getRingAttr(), symbols)));
}

LogicalResult TryWaitOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return success(succeeded(findRing(*this, getRingAttr(), symbols)));
}

LogicalResult ArriveOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return success(succeeded(findRing(*this, getRingAttr(), symbols)));
}

LogicalResult ArriveOp::verify() {
  // PTX ISA, "Tracking asynchronous operations by the mbarrier object": the
  // transaction count is below 2^20.
  auto bytes = static_cast<int64_t>(getExpect());
  if (bytes < 0 || bytes >= int64_t(1) << 20)
    return emitOpError("expects ")
           << bytes << " bytes; an mbarrier counts 0 to 2^20 - 1";
  if (bytes != 0 && getSide() == Side::Empty)
    return emitOpError("expects bytes at an empty barrier; copies arrive at "
                       "the full one");
  return success();
}

LogicalResult GroupBarrierOp::verify() {
  // PTX ISA, barrier.cta: named barriers 0 to 15; 0 is the whole CTA's.
  auto id = static_cast<int64_t>(getId());
  auto groups = static_cast<int64_t>(getGroups());
  if (id < 1 || id > 15 || groups < 1 || groups > 16 - id)
    return emitOpError("uses ")
           << groups << " named barriers from " << id << "; 1 to 15 are free";
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
void DrainOp::getEffects(Effects &effects) { synchronises(effects); }
void RestartOp::getEffects(Effects &effects) { synchronises(effects); }
void CommitOp::getEffects(Effects &effects) { synchronises(effects); }
void ReleaseOp::getEffects(Effects &effects) { synchronises(effects); }
void SendOp::getEffects(Effects &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), AsyncSharedMemory::get());
  effects.emplace_back(MemoryEffects::Write::get(), AsyncSharedMemory::get());
}
void OpaqueOp::getEffects(Effects &effects) {
  // Keeps it where it is, in the iteration that uses it.
  effects.emplace_back(MemoryEffects::Write::get());
}
void InitOp::getEffects(Effects &effects) { synchronises(effects); }
void WaitOp::getEffects(Effects &effects) { synchronises(effects); }
void TryWaitOp::getEffects(Effects &effects) { synchronises(effects); }
void ArriveOp::getEffects(Effects &effects) { synchronises(effects); }
void GroupBarrierOp::getEffects(Effects &effects) { synchronises(effects); }
void ProxyFenceOp::getEffects(Effects &effects) { synchronises(effects); }
