//===- TileOps.cpp - operations of the tile dialect -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/Tile/TileDialect.h"

#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/FunctionImplementation.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

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
  Region *body = result.addRegion();
  if (parser.parseRegion(*body, args))
    return failure();
  if (body->empty())
    body->emplaceBlock();
  return success();
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

/// Checks a dimension expression: an integer, a name, or `[op, a, b]` (see
/// docs/architecture.md).
static LogicalResult verifyExpr(function_ref<InFlightDiagnostic()> emitError,
                                Attribute expr) {
  if (auto name = dyn_cast<StringAttr>(expr)) {
    if (name.empty())
      return emitError() << "has an empty name in an expression";
    return success();
  }
  if (auto value = dyn_cast<IntegerAttr>(expr)) {
    if (!value.getType().isSignlessInteger(64))
      return emitError() << "has the integer " << value
                         << " in an expression; i64 is expected";
    return success();
  }
  auto list = dyn_cast<ArrayAttr>(expr);
  auto op =
      list && !list.empty() ? dyn_cast<StringAttr>(list[0]) : StringAttr();
  if (!op)
    return emitError() << expr
                       << " is no expression: an integer, a name or [op, a, b]";
  constexpr StringLiteral binary[] = {
      "add", "sub", "mul", "div", "floordiv", "cdiv", "mod", "min", "max",
      "eq",  "ne",  "lt",  "le",  "gt",       "ge",   "and", "or"};
  bool isNot = op.getValue() == "not";
  if (!isNot && !llvm::is_contained(binary, op.getValue()))
    return emitError() << "has the unknown operator " << op
                       << " in an expression";
  if (list.size() != (isNot ? 2 : 3))
    return emitError() << "operator " << op << " takes " << (isNot ? 1 : 2)
                       << " operands, not " << list.size() - 1;
  for (Attribute operand : list.getValue().drop_front())
    if (failed(verifyExpr(emitError, operand)))
      return failure();
  return success();
}

/// Checks the attributes of one tensor argument.
static LogicalResult verifyTensorArg(KernelOp kernel, unsigned index,
                                     GlobalTensorType tensor) {
  StringRef name = kernel.getArgName(index);
  auto shape = kernel.getArgAttrOfType<ArrayAttr>(index, "tile.shape");
  if (!shape || static_cast<int64_t>(shape.size()) != tensor.getRank())
    return kernel.emitOpError("tensor '")
           << name << "' of rank " << tensor.getRank()
           << " needs a 'tile.shape' of as many expressions";
  for (Attribute expr : shape)
    if (failed(verifyExpr(
            [&]() {
              return kernel.emitOpError("shape of tensor '") << name << "' ";
            },
            expr)))
      return failure();
  auto major = kernel.getArgAttrOfType<IntegerAttr>(index, "tile.major");
  if (!major || !major.getType().isSignlessInteger(64) || major.getInt() < 0 ||
      major.getInt() >= tensor.getRank())
    return kernel.emitOpError("tensor '")
           << name << "' needs a 'tile.major' below its rank";
  auto mode = kernel.getArgAttrOfType<StringAttr>(index, "tile.mode");
  if (!mode || (mode.getValue() != "in" && mode.getValue() != "out" &&
                mode.getValue() != "inout"))
    return kernel.emitOpError("tensor '")
           << name << "' needs a 'tile.mode': in, out or inout";
  return success();
}

/// `requires` is a list of `{expr, text, line}`.
static LogicalResult verifyRequirements(KernelOp kernel) {
  Attribute attr = kernel->getAttr("requires");
  if (!attr)
    return success();
  auto list = dyn_cast<ArrayAttr>(attr);
  if (!list)
    return kernel.emitOpError("'requires' is not a list");
  for (Attribute item : list) {
    auto entry = dyn_cast<DictionaryAttr>(item);
    if (!entry || !entry.get("expr") || !entry.getAs<StringAttr>("text"))
      return kernel.emitOpError("requirement ")
             << item << " needs an 'expr' and a 'text'";
    if (failed(verifyExpr([&]() { return kernel.emitOpError("requirement "); },
                          entry.get("expr"))))
      return failure();
  }
  return success();
}

LogicalResult KernelOp::verify() {
  if (getBody().empty())
    return emitOpError("has no body");
  if (!getResultTypes().empty())
    return emitOpError("returns values; a kernel stores its results");
  bool scalars = false;
  llvm::SmallDenseSet<StringAttr> names;
  for (auto [i, type] : llvm::enumerate(getArgumentTypes())) {
    auto name = getArgAttrOfType<StringAttr>(i, "tile.name");
    if (!name)
      return emitOpError("argument ") << i << " lacks a 'tile.name'";
    if (!names.insert(name).second)
      return emitOpError("has two arguments named ") << name;
    if (auto tensor = dyn_cast<GlobalTensorType>(type)) {
      if (scalars)
        return emitOpError("tensor argument '")
               << getArgName(i) << "' comes after a scalar";
      if (failed(verifyTensorArg(*this, i, tensor)))
        return failure();
      continue;
    }
    scalars = true;
    if (!type.isIndex())
      return emitOpError("argument '")
             << getArgName(i) << "' is neither a tensor nor an index";
  }
  return verifyRequirements(*this);
}

LogicalResult KernelOp::verifyRegions() {
  llvm::SmallDenseMap<StringAttr, RoleOp> roles;
  for (auto role : getBody().getOps<RoleOp>()) {
    auto [it, inserted] = roles.try_emplace(role.getNameAttr(), role);
    if (inserted)
      continue;
    InFlightDiagnostic diag = role.emitOpError("is the second role named ")
                              << role.getNameAttr();
    diag.attachNote(it->second.getLoc()) << "the first is here";
    return diag;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// RoleOp, TilesOp
//===----------------------------------------------------------------------===//

/// PTX ISA, setmaxnreg: a multiple of 8 from 24 to 256.
static bool isRegisterCount(uint64_t regs) {
  return regs >= 24 && regs <= 256 && regs % 8 == 0;
}

LogicalResult RoleOp::verify() {
  // PTX ISA, %ntid: at most 1024 threads a CTA.
  constexpr int64_t maxWarps = 32;
  int64_t count = static_cast<int64_t>(getCount());
  if (count <= 0)
    return emitOpError("has ") << count << " warps or groups";
  if (count > maxWarps || getNumWarps() > maxWarps)
    return emitOpError("has ") << count << (getGroups() ? " groups" : " warps")
                               << "; a CTA has at most 32 warps, 4 a group";
  if (getSplit() && !getGroups())
    return emitOpError("splits axis '")
           << *getSplit() << "' but only groups can split";
  if (auto regs = getRegs())
    if (!isRegisterCount(*regs))
      return emitOpError("asks for ")
             << static_cast<int64_t>(*regs)
             << " registers; setmaxnreg takes multiples of 8 from 24 to 256";
  // 255 is all that a thread can have (PTX ISA, .maxnreg), which a CTA of few
  // threads has from the start, without setmaxnreg.
  if (auto regs = getPlanRegs())
    if (!isRegisterCount(*regs) && *regs != 255)
      return emitOpError("is planned with ")
             << static_cast<int64_t>(*regs)
             << " registers; setmaxnreg takes multiples of 8 from 24 to 256";
  if (auto begin = getWarpBegin()) {
    int64_t first = static_cast<int64_t>(*begin);
    if (first < 0 || first > maxWarps - getNumWarps())
      return emitOpError("begins at warp ")
             << first << " and has " << getNumWarps()
             << " warps; a CTA has at most 32";
    // PTX ISA, "Warpgroup": four contiguous warps, the first at a multiple
    // of 4.
    if (getGroups() && first % 4 != 0)
      return emitOpError("begins at warp ")
             << first << "; a warpgroup begins at a multiple of 4";
  }
  return success();
}

/// Parses an optional `keyword 8 over 1`.
static ParseResult parseOver(OpAsmParser &parser, StringRef keyword,
                             StringAttr sizeName, StringAttr dimName,
                             OperationState &result) {
  if (failed(parser.parseOptionalKeyword(keyword)))
    return success();
  Type type = parser.getBuilder().getI64Type();
  IntegerAttr size, dim;
  return failure(
      parser.parseAttribute(size, type, sizeName, result.attributes) ||
      parser.parseKeyword("over") ||
      parser.parseAttribute(dim, type, dimName, result.attributes));
}

/// Prints nothing for the default, 1 over 0. The dimension matters for bands
/// of 1 too: it is the one that then runs slowest.
static void printOver(OpAsmPrinter &printer, StringRef keyword, uint64_t size,
                      uint64_t dim) {
  if (size != 1 || dim != 0)
    printer << ' ' << keyword << ' ' << static_cast<int64_t>(size) << " over "
            << static_cast<int64_t>(dim);
}

ParseResult TilesOp::parse(OpAsmParser &parser, OperationState &result) {
  StringAttr name;
  SmallVector<OpAsmParser::UnresolvedOperand> extents;
  Type iter;
  if (parser.parseAttribute(name, getNameAttrName(result.name),
                            result.attributes) ||
      parser.parseOperandList(extents, OpAsmParser::Delimiter::Paren))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("persistent")))
    result.addAttribute(getPersistentAttrName(result.name),
                        parser.getBuilder().getUnitAttr());
  if (parseOver(parser, "raster", getRasterGroupAttrName(result.name),
                getRasterDimAttrName(result.name), result) ||
      parseOver(parser, "cluster", getClusterAttrName(result.name),
                getClusterDimAttrName(result.name), result) ||
      parser.parseOptionalAttrDict(result.attributes) ||
      parser.parseColonType(iter) ||
      parser.resolveOperands(extents, parser.getBuilder().getIndexType(),
                             result.operands))
    return failure();
  result.addTypes(iter);
  return success();
}

void TilesOp::print(OpAsmPrinter &printer) {
  printer << ' ';
  printer.printAttribute(getNameAttr());
  printer << '(' << getExtents() << ')';
  if (getPersistent())
    printer << " persistent";
  printOver(printer, "raster", getRasterGroup(), getRasterDim());
  printOver(printer, "cluster", getCluster(), getClusterDim());
  printer.printOptionalAttrDict(
      (*this)->getAttrs(),
      {getNameAttrName(), getPersistentAttrName(), getRasterGroupAttrName(),
       getRasterDimAttrName(), getClusterAttrName(), getClusterDimAttrName()});
  printer << " : " << getIter().getType();
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
  auto group = static_cast<int64_t>(getRasterGroup());
  auto cluster = static_cast<int64_t>(getCluster());
  if (group < 1 || cluster < 1)
    return emitOpError("raster group and cluster size are at least 1");
  // CUDA, cudaFuncAttributeNonPortableClusterSizeAllowed: 16 at most.
  if (cluster > 16)
    return emitOpError("cluster of ") << cluster << " CTAs; at most 16 exist";
  if (getRasterDim() == getClusterDim() && group % cluster != 0 && group != 1)
    return emitOpError("raster group ")
           << group << " is not a multiple of the cluster size " << cluster;
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
  for (BlockArgument index : getIndices())
    if (!index.getType().isIndex())
      return emitOpError("index ") << index.getArgNumber() << " is a "
                                   << index.getType() << ", not an index";
  if (TypeRange(getRegionIterArgs()) != getInitArgs().getTypes() ||
      getResultTypes() != getInitArgs().getTypes())
    return emitOpError("carried values, arguments and results differ in type");
  return success();
}

SmallVector<Region *> ForEachOp::getLoopRegions() { return {&getBody()}; }

MutableArrayRef<OpOperand> ForEachOp::getInitsMutable() {
  return (*this)->getOpOperands().drop_front(1);
}

Block::BlockArgListType ForEachOp::getRegionIterArgs() {
  return getBody().getArguments().drop_front(getRank());
}

std::optional<MutableArrayRef<OpOperand>> ForEachOp::getYieldedValuesMutable() {
  return cast<YieldOp>(getBody().front().getTerminator())->getOpOperands();
}

std::optional<ResultRange> ForEachOp::getLoopResults() {
  return getOperation()->getResults();
}
