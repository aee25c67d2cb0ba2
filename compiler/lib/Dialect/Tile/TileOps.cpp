//===- TileOps.cpp - operations of the tile dialect ---===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/Tile/TileDialect.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/FunctionImplementation.h"

using namespace mlir;
using namespace tilewright::tile;

/// Prints `groups(2)` or `warps(1)`.
static ParseResult parseRoleKind(OpAsmParser &parser, BoolAttr &groups,
                                 IntegerAttr &count) {
  bool isGroups = succeeded(parser.parseOptionalKeyword("groups"));
  if (!isGroups && parser.parseKeyword("warps"))
    return failure();
  int64_t n;
  if (parser.parseLParen() || parser.parseInteger(n) || parser.parseRParen())
    return failure();
  groups = parser.getBuilder().getBoolAttr(isGroups);
  count = parser.getBuilder().getI64IntegerAttr(n);
  return success();
}

static void printRoleKind(OpAsmPrinter &printer, Operation *, BoolAttr groups,
                          IntegerAttr count) {
  printer << (groups.getValue() ? "groups(" : "warps(") << count.getInt()
          << ")";
}

#define GET_OP_CLASSES
#include "tilewright/Dialect/Tile/TileOps.cpp.inc"

//===----------------------------------------------------------------------===//
// KernelOp
//===----------------------------------------------------------------------===//

ParseResult KernelOp::parse(OpAsmParser &parser, OperationState &result) {
  StringAttr name;
  SmallVector<OpAsmParser::Argument> args;
  SmallVector<Type> argTypes;
  std::string target;
  if (parser.parseSymbolName(name, getSymNameAttrName(result.name),
                             result.attributes) ||
      parser.parseArgumentList(args, OpAsmParser::Delimiter::Paren,
                               /*allowType=*/true, /*allowAttrs=*/true) ||
      parser.parseKeyword("target") || parser.parseString(&target) ||
      parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return failure();
  Builder &builder = parser.getBuilder();
  SmallVector<Attribute> argAttrs;
  for (OpAsmParser::Argument &arg : args) {
    argTypes.push_back(arg.type);
    argAttrs.push_back(arg.attrs ? arg.attrs : builder.getDictionaryAttr({}));
  }
  result.addAttribute(
      getFunctionTypeAttrName(result.name),
      TypeAttr::get(builder.getFunctionType(argTypes, TypeRange())));
  result.addAttribute(getTargetAttrName(result.name),
                      builder.getStringAttr(target));
  result.addAttribute(getArgAttrsAttrName(result.name),
                      builder.getArrayAttr(argAttrs));
  return parser.parseRegion(*result.addRegion(), args);
}

void KernelOp::print(OpAsmPrinter &printer) {
  printer << ' ';
  printer.printSymbolName(getSymName());
  printer << "(";
  ArrayAttr attrs = getArgAttrsAttr();
  for (auto [i, arg] : llvm::enumerate(getBody().getArguments())) {
    if (i)
      printer << ", ";
    printer.printRegionArgument(
        arg, attrs ? cast<DictionaryAttr>(attrs[i]).getValue()
                   : ArrayRef<NamedAttribute>());
  }
  printer << ") target ";
  printer.printString(getTarget());
  printer.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(),
      {getSymNameAttrName(), getFunctionTypeAttrName(), getTargetAttrName(),
       getArgAttrsAttrName(), getResAttrsAttrName()});
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

StringRef KernelOp::getArgName(unsigned index) {
  auto name = getArgAttrOfType<StringAttr>(index, "tile.name");
  return name ? name.getValue() : StringRef("?");
}

LogicalResult KernelOp::verify() {
  bool scalars = false;
  for (auto [i, type] : llvm::enumerate(getArgumentTypes())) {
    if (!getArgAttrOfType<StringAttr>(i, "tile.name"))
      return emitOpError("argument ") << i << " lacks a 'tile.name'";
    if (auto tensor = dyn_cast<GlobalTensorType>(type)) {
      if (scalars)
        return emitOpError("tensor argument '")
               << getArgName(i) << "' comes after a scalar";
      auto shape = getArgAttrOfType<ArrayAttr>(i, "tile.shape");
      if (!shape || static_cast<int64_t>(shape.size()) != tensor.getRank())
        return emitOpError("tensor '")
               << getArgName(i) << "' of rank " << tensor.getRank()
               << " needs a 'tile.shape' of as many expressions";
      auto major = getArgAttrOfType<IntegerAttr>(i, "tile.major");
      if (!major || major.getInt() < 0 || major.getInt() >= tensor.getRank())
        return emitOpError("tensor '")
               << getArgName(i) << "' needs a 'tile.major' below its rank";
      continue;
    }
    scalars = true;
    if (!type.isIndex())
      return emitOpError("argument '")
             << getArgName(i) << "' is neither a tensor nor an index";
  }
  return success();
}

//===----------------------------------------------------------------------===//
// RoleOp, TilesOp
//===----------------------------------------------------------------------===//

LogicalResult RoleOp::verify() {
  if (getCount() <= 0)
    return emitOpError("has ") << getCount() << " warps or groups";
  if (getSplit() && !getGroups())
    return emitOpError("splits axis '")
           << *getSplit() << "' but only groups can split";
  if (auto regs = getRegs())
    // PTX ISA, setmaxnreg: a multiple of 8 from 24 to 256.
    if (*regs < 24 || *regs > 256 || *regs % 8 != 0)
      return emitOpError("asks for ")
             << *regs << " registers; setmaxnreg takes multiples of 8 from 24 "
                         "to 256";
  return success();
}

LogicalResult TilesOp::verify() {
  int64_t rank = getIter().getType().getRank();
  if (static_cast<int64_t>(getExtents().size()) != rank)
    return emitOpError("has ") << getExtents().size()
                               << " extents for an iterator of rank " << rank;
  if (getRasterDim() >= static_cast<uint64_t>(rank) ||
      getClusterDim() >= static_cast<uint64_t>(rank))
    return emitOpError("raster or cluster dimension is not below rank ")
           << rank;
  if (getRasterGroup() < 1 || getCluster() < 1)
    return emitOpError("raster group and cluster size are at least 1");
  if (getRasterDim() == getClusterDim() &&
      getRasterGroup() % getCluster() != 0 && getRasterGroup() != 1)
    return emitOpError("raster group ")
           << getRasterGroup() << " is not a multiple of the cluster size "
           << getCluster();
  return success();
}

//===----------------------------------------------------------------------===//
// ForEachOp
//===----------------------------------------------------------------------===//

ParseResult ForEachOp::parse(OpAsmParser &parser, OperationState &result) {
  OpAsmParser::UnresolvedOperand iter;
  SmallVector<OpAsmParser::Argument> indices, carried;
  SmallVector<OpAsmParser::UnresolvedOperand> inits;
  Type iterType;
  if (parser.parseOperand(iter) || parser.parseKeyword("as") ||
      parser.parseArgumentList(indices, OpAsmParser::Delimiter::Paren))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("iter_args"))) {
    if (parser.parseAssignmentList(carried, inits) ||
        parser.parseArrowTypeList(result.types))
      return failure();
  }
  if (parser.parseOptionalAttrDictWithKeyword(result.attributes) ||
      parser.parseColonType(iterType) ||
      parser.resolveOperand(iter, iterType, result.operands) ||
      parser.resolveOperands(inits, result.types, parser.getNameLoc(),
                             result.operands))
    return failure();
  for (OpAsmParser::Argument &index : indices)
    index.type = parser.getBuilder().getIndexType();
  for (auto [arg, type] : llvm::zip_equal(carried, result.types))
    arg.type = type;
  llvm::append_range(indices, carried);
  Region *body = result.addRegion();
  if (parser.parseRegion(*body, indices))
    return failure();
  ForEachOp::ensureTerminator(*body, parser.getBuilder(), result.location);
  return success();
}

void ForEachOp::print(OpAsmPrinter &printer) {
  printer << ' ' << getIter() << " as (";
  llvm::interleaveComma(getIndices(), printer);
  printer << ")";
  if (!getInitArgs().empty()) {
    printer << " iter_args(";
    llvm::interleaveComma(llvm::zip_equal(getRegionIterArgs(), getInitArgs()),
                          printer, [&](auto pair) {
                            printer << std::get<0>(pair) << " = "
                                    << std::get<1>(pair);
                          });
    printer << ") -> (" << getInitArgs().getTypes() << ")";
  }
  printer.printOptionalAttrDictWithKeyword((*this)->getAttrs());
  printer << " : " << getIter().getType() << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false,
                      /*printBlockTerminators=*/!getInitArgs().empty());
}

LogicalResult ForEachOp::verify() {
  if (static_cast<int64_t>(getBody().getNumArguments()) !=
      getRank() + static_cast<int64_t>(getInitArgs().size()))
    return emitOpError("body has ")
           << getBody().getNumArguments() << " arguments; expected "
           << getRank() << " indices and " << getInitArgs().size()
           << " carried values";
  auto yield = cast<YieldOp>(getBody().front().getTerminator());
  if (yield.getOperandTypes() != getInitArgs().getTypes() ||
      getResultTypes() != getInitArgs().getTypes())
    return emitOpError("carried, yielded and result types differ");
  return success();
}

SmallVector<Region *> ForEachOp::getLoopRegions() { return {&getBody()}; }

MutableArrayRef<OpOperand> ForEachOp::getInitsMutable() {
  return (*this)->getOpOperands().drop_front(1);
}

Block::BlockArgListType ForEachOp::getRegionIterArgs() {
  return getBody().getArguments().drop_front(getRank());
}

std::optional<MutableArrayRef<OpOperand>>
ForEachOp::getYieldedValuesMutable() {
  return cast<YieldOp>(getBody().front().getTerminator())
      ->getOpOperands();
}

std::optional<ResultRange> ForEachOp::getLoopResults() {
  return getOperation()->getResults();
}

//===----------------------------------------------------------------------===//
// Accesses
//===----------------------------------------------------------------------===//

/// A subscript has a dimension for each axis, a symbol for each scalar and a
/// result for each dimension of the tensor.
static LogicalResult verifySubscript(Operation *op, AffineMap map,
                                     size_t numSymbols, GlobalTensorType tensor,
                                     size_t numAxes) {
  if (map.getNumDims() != numAxes)
    return op->emitOpError("subscript has ")
           << map.getNumDims() << " axes but the tile has " << numAxes;
  if (map.getNumSymbols() != numSymbols)
    return op->emitOpError("subscript has ")
           << map.getNumSymbols() << " symbols but " << numSymbols
           << " scalars are given";
  if (map.getNumResults() != tensor.getRank())
    return op->emitOpError("subscript has ")
           << map.getNumResults() << " coordinates for a tensor of rank "
           << tensor.getRank();
  return success();
}

static LogicalResult verifyElementTypes(Operation *op, Type a, Type b) {
  if (a != b)
    return op->emitOpError("element types ") << a << " and " << b << " differ";
  return success();
}

LogicalResult DimOp::verify() {
  if (static_cast<int64_t>(getDim()) >= getTensor().getType().getRank())
    return emitOpError("dimension ") << getDim() << " of a tensor of rank "
                                     << getTensor().getType().getRank();
  return success();
}

LogicalResult ReadOp::verify() {
  TileType type = getResult().getType();
  if (failed(verifyElementTypes(*this, getTensor().getType().getElementType(),
                                type.getElementType())))
    return failure();
  return verifySubscript(*this, getMap(), getSymbols().size(),
                         getTensor().getType(), type.getAxes().size());
}

LogicalResult CopyOp::verify() {
  return verifySubscript(*this, getMap(), getSymbols().size(),
                         getTensor().getType(),
                         getDest().getType().getAxes().size());
}

LogicalResult StoreOp::verify() {
  TileType type = getValue().getType();
  if (failed(verifyElementTypes(*this, type.getElementType(),
                                getTensor().getType().getElementType())))
    return failure();
  return verifySubscript(*this, getMap(), getSymbols().size(),
                         getTensor().getType(), type.getAxes().size());
}

/// A tile and a view must have the same axes and extents, in any order.
static LogicalResult verifySameAxes(Operation *op, TileType tile,
                                    ViewType view) {
  if (tile.getAxes().size() != view.getAxes().size())
    return op->emitOpError("tile has ")
           << tile.getAxes().size() << " axes, view has "
           << view.getAxes().size();
  for (auto [axis, extent] : llvm::zip_equal(tile.getAxes(), tile.getShape()))
    if (view.getExtent(axis) != extent)
      return op->emitOpError("axis '")
             << axis.getValue() << "' has extent " << extent
             << " in the tile but not in the view " << view;
  return verifyElementTypes(op, tile.getElementType(), view.getElementType());
}

LogicalResult LoadOp::verify() {
  return verifySameAxes(*this, getResult().getType(), getView().getType());
}

LogicalResult PutOp::verify() {
  return verifySameAxes(*this, getValue().getType(), getView().getType());
}

LogicalResult SliceOp::verify() {
  ViewType source = getSource().getType(), result = getResult().getType();
  std::optional<int64_t> full = source.getExtent(getAxis());
  std::optional<int64_t> part = result.getExtent(getAxis());
  if (!full || !part)
    return emitOpError("axis '") << getAxis() << "' is not an axis of "
                                 << (full ? result : source);
  if (*part > *full)
    return emitOpError("axis '") << getAxis() << "' grows from " << *full
                                 << " to " << *part;
  if (source.withExtent(getAxis(), *part) != result)
    return emitOpError("changes more than axis '") << getAxis() << "'";
  return success();
}

//===----------------------------------------------------------------------===//
// Computation
//===----------------------------------------------------------------------===//

LogicalResult SplatOp::verify() {
  return verifyElementTypes(*this, getValue().getType(),
                            getResult().getType().getElementType());
}

LogicalResult MapOp::verify() {
  TileType result = getResult().getType();
  Block &body = getBody().front();
  if (body.getNumArguments() != getInputs().size())
    return emitOpError("body takes ") << body.getNumArguments()
                                      << " elements for "
                                      << getInputs().size() << " operands";
  for (auto [input, arg] : llvm::zip_equal(getInputs(), body.getArguments())) {
    Type element = input.getType();
    if (auto tile = dyn_cast<TileType>(element)) {
      for (auto [axis, extent] :
           llvm::zip_equal(tile.getAxes(), tile.getShape()))
        if (result.getExtent(axis) != extent)
          return emitOpError("operand axis '")
                 << axis.getValue() << "' of extent " << extent
                 << " does not fit the result " << result;
      element = tile.getElementType();
    }
    if (arg.getType() != element)
      return emitOpError("body takes ")
             << arg.getType() << " where the operand's element is " << element;
  }
  auto yield = dyn_cast<YieldOp>(body.getTerminator());
  if (!yield || yield.getNumOperands() != 1 ||
      yield.getOperand(0).getType() != result.getElementType())
    return emitOpError("body must yield one ") << result.getElementType();
  return success();
}

namespace {
struct Operand {
  ArrayRef<StringAttr> axes;
  ArrayRef<int64_t> shape;
};
} // namespace

static Operand getOperandAxes(Value value) {
  if (auto tile = dyn_cast<TileType>(value.getType()))
    return {tile.getAxes(), tile.getShape()};
  auto view = cast<ViewType>(value.getType());
  return {view.getAxes(), view.getShape()};
}

LogicalResult ContractOp::verify() {
  Operand a = getOperandAxes(getA()), b = getOperandAxes(getB());
  TileType result = getResult().getType();
  bool shared = false;
  size_t free = 0;
  for (auto [axis, extent] : llvm::zip_equal(a.axes, a.shape)) {
    auto it = llvm::find(b.axes, axis);
    if (it == b.axes.end()) {
      ++free;
      if (result.getExtent(axis) != extent)
        return emitOpError("free axis '")
               << axis.getValue() << "' of extent " << extent
               << " is not an axis of the result " << result;
      continue;
    }
    shared = true;
    int64_t other = b.shape[it - b.axes.begin()];
    if (other != extent)
      return emitOpError("contracted axis '")
             << axis.getValue() << "' has extents " << extent << " and "
             << other;
  }
  if (!shared)
    return emitOpError("operands share no axis");
  for (auto [axis, extent] : llvm::zip_equal(b.axes, b.shape)) {
    if (llvm::is_contained(a.axes, axis))
      continue;
    ++free;
    if (result.getExtent(axis) != extent)
      return emitOpError("free axis '")
             << axis.getValue() << "' of extent " << extent
             << " is not an axis of the result " << result;
  }
  if (free != result.getAxes().size())
    return emitOpError("result has axes that no operand has");
  if (getAcc() && getAcc().getType() != result)
    return emitOpError("accumulator and result types differ");
  return success();
}

LogicalResult ReduceOp::verify() {
  TileType source = getSource().getType(), result = getResult().getType();
  for (Attribute axis : getAxes())
    if (!source.hasAxis(cast<StringAttr>(axis).getValue()))
      return emitOpError("reduces axis ") << axis << " that the tile lacks";
  if (result.getAxes().size() + getAxes().size() != source.getAxes().size())
    return emitOpError("result must keep exactly the axes not reduced");
  for (auto [axis, extent] :
       llvm::zip_equal(result.getAxes(), result.getShape()))
    if (source.getExtent(axis) != extent)
      return emitOpError("result axis '")
             << axis.getValue() << "' does not match the source";
  return success();
}
