//===- Resources.cpp - the resource table of a planned kernel -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Resources.h"
#include "tilewright/Dialect/Pipe/PipeDialect.h"
#include "tilewright/Dialect/TMA/TMADialect.h"

using namespace mlir;
using namespace tilewright;

// Strings are copied throughout: JSON keeps references to what it is given as a
// StringRef, and the manifest outlives the MLIRContext that owns attributes.
llvm::json::Value tilewright::toJSON(Attribute attr) {
  if (auto value = dyn_cast_or_null<BoolAttr>(attr))
    return value.getValue();
  if (auto value = dyn_cast_or_null<IntegerAttr>(attr))
    return value.getInt();
  if (auto value = dyn_cast_or_null<FloatAttr>(attr))
    return value.getValueAsDouble();
  if (auto value = dyn_cast_or_null<StringAttr>(attr))
    return value.getValue().str();
  if (isa_and_present<UnitAttr>(attr))
    return true;
  if (auto array = dyn_cast_or_null<DenseI64ArrayAttr>(attr))
    return llvm::json::Array(array.asArrayRef());
  if (auto array = dyn_cast_or_null<DenseI32ArrayAttr>(attr))
    return llvm::json::Array(array.asArrayRef());
  if (auto array = dyn_cast_or_null<ArrayAttr>(attr)) {
    llvm::json::Array result;
    for (Attribute element : array)
      result.push_back(toJSON(element));
    return result;
  }
  if (auto dictionary = dyn_cast_or_null<DictionaryAttr>(attr)) {
    llvm::json::Object result;
    for (NamedAttribute entry : dictionary)
      result[entry.getName().getValue().str()] = toJSON(entry.getValue());
    return result;
  }
  return nullptr;
}

static std::string describeType(Type type) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (auto view = dyn_cast<tile::ViewType>(type)) {
    os << view.getElementType() << "[";
    llvm::interleaveComma(
        llvm::zip_equal(view.getAxes(), view.getShape()), os, [&](auto pair) {
          os << std::get<0>(pair).getValue() << ": " << std::get<1>(pair);
        });
    os << "]";
  } else {
    os << type;
  }
  return text;
}

/// The arrivals of each role that end a phase of a ring's `side` barriers.
static llvm::json::Array describeParties(pipe::RingOp ring, StringRef side) {
  llvm::json::Array parties;
  auto arrivals = ring->getAttrOfType<DictionaryAttr>("arrivals");
  if (!arrivals)
    return parties;
  for (NamedAttribute party : arrivals.getAs<DictionaryAttr>(side))
    parties.push_back(llvm::json::Object{
        {"role", party.getName().getValue().str()},
        {"arrivals", cast<IntegerAttr>(party.getValue()).getInt()}});
  return parties;
}

static llvm::json::Object describeRing(pipe::RingOp ring) {
  int64_t instances = ring.getInstances().value_or(1);
  int64_t slots = static_cast<int64_t>(ring.getDepth()) * instances;
  ArrayRef<int64_t> offsets = ring.getOffsets().value_or(ArrayRef<int64_t>());
  ArrayRef<int64_t> strides = ring.getStrides().value_or(ArrayRef<int64_t>());
  int64_t bytes = 0;
  for (int64_t stride : strides)
    bytes += stride * slots;
  llvm::json::Array fields;
  for (unsigned i = 0; i < ring.getFieldNames().size(); ++i) {
    tile::SharedAttr layout = ring.getFieldLayout(i);
    tile::ViewType type = ring.getFieldType(i);
    int64_t bits =
        type.getNumElements() * tile::getStorageBits(type.getElementType());
    fields.push_back(llvm::json::Object{
        {"name", cast<StringAttr>(ring.getFieldNames()[i]).getValue().str()},
        {"type", describeType(type)},
        {"bytes", bits / 8},
        {"swizzle", layout ? layout.getSwizzle() : 0},
        {"offset", offsets.empty() ? 0 : offsets[i]},
        {"stride", strides.empty() ? 0 : strides[i]}});
  }
  llvm::json::Object result{
      {"name", ring.getSymName().str()},
      {"stages", static_cast<int64_t>(ring.getDepth())},
      {"copies", instances},
      {"bytes", bytes},
      {"implicit", ring.getConsumer() == pipe::Consumer::CopyEngine},
      {"fields", std::move(fields)}};
  if (ring.getBarriers()) {
    auto first = static_cast<int64_t>(*ring.getBarriers());
    auto depth = static_cast<int64_t>(ring.getDepth());
    // As getBarrierPointer (lib/Conversion) places them: 8 bytes each, those
    // of full slots, then those of empty ones.
    result["full"] = llvm::json::Object{
        {"offset", first}, {"parties", describeParties(ring, "full")}};
    result["empty"] =
        llvm::json::Object{{"offset", first + 8 * depth},
                           {"parties", describeParties(ring, "empty")}};
  }
  return result;
}

llvm::json::Object tilewright::describeResources(tile::KernelOp kernel) {
  llvm::json::Object result;
  auto integer = [&](StringRef name) -> int64_t {
    auto attr = kernel->getAttrOfType<IntegerAttr>(name);
    return attr ? attr.getInt() : 0;
  };
  result["threads"] = integer("threads");
  result["smem_bytes"] = integer("smem_bytes");
  result["barriers"] = integer("barriers");
  if (Attribute protocol = kernel->getAttr("protocol"))
    result["protocol"] = toJSON(protocol);
  llvm::json::Array roles, buffers, maps;
  for (Operation &op : kernel.getBody().front()) {
    if (auto role = dyn_cast<tile::RoleOp>(op))
      roles.push_back(llvm::json::Object{
          {"name", role.getName().str()},
          {"first_warp", static_cast<int64_t>(role.getWarpBegin().value_or(0))},
          {"warps", role.getNumWarps()},
          {"registers", static_cast<int64_t>(role.getPlanRegs().value_or(0))}});
    else if (auto ring = dyn_cast<pipe::RingOp>(op))
      buffers.push_back(describeRing(ring));
    else if (auto desc = dyn_cast<tma::DescriptorOp>(op)) {
      tma::DescType type = desc.getDesc().getType();
      auto arg = cast<BlockArgument>(desc.getTensor());
      maps.push_back(llvm::json::Object{
          {"tensor", kernel.getArgName(arg.getArgNumber()).str()},
          {"box", llvm::json::Array(type.getBox())},
          {"swizzle", type.getSwizzle()}});
    }
  }
  result["roles"] = std::move(roles);
  result["buffers"] = std::move(buffers);
  result["tensor_maps"] = std::move(maps);
  return result;
}
