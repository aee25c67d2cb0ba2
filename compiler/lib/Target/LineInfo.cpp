//===- LineInfo.cpp - source lines for LLVM functions ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// MLIR's export turns a FileLineColLoc into a DILocation only below a
// subprogram, takes its file from the subprogram and not from the location,
// and merges the parts of a fused location into line 0. So give every
// operation exactly one position, and a lexical block file where its file is
// not the function's.
//
//===----------------------------------------------------------------------===//

#include "tilewright/Target/PTX.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/BinaryFormat/Dwarf.h"

using namespace mlir;

namespace tilewright::target {

/// The position that `location` names first: through names, of a call site
/// the callee (the line that was written for this operation), of a fused
/// location its first part with a position.
static FileLineColLoc positionOf(Location location) {
  if (auto position = dyn_cast<FileLineColLoc>(location))
    return position.getLine() ? position : FileLineColLoc();
  if (auto range = dyn_cast<FileLineColRange>(location))
    return range.getStartLine()
               ? FileLineColLoc::get(range.getFilename(), range.getStartLine(),
                                     range.getStartColumn())
               : FileLineColLoc();
  if (auto name = dyn_cast<NameLoc>(location))
    return positionOf(name.getChildLoc());
  if (auto call = dyn_cast<CallSiteLoc>(location)) {
    FileLineColLoc callee = positionOf(call.getCallee());
    return callee ? callee : positionOf(call.getCaller());
  }
  if (auto opaque = dyn_cast<OpaqueLoc>(location))
    return positionOf(opaque.getFallbackLocation());
  if (auto fused = dyn_cast<FusedLoc>(location))
    for (Location part : fused.getLocations())
      if (FileLineColLoc position = positionOf(part))
        return position;
  return {};
}

namespace {

/// Attaches positions below one module.
class Attacher {
public:
  explicit Attacher(MLIRContext *context) : context(context) {}
  void attach(LLVM::LLVMFuncOp function);

private:
  LLVM::DIFileAttr file(StringAttr name);

  MLIRContext *context;
  DenseMap<StringAttr, LLVM::DICompileUnitAttr> units;
};

} // namespace

LLVM::DIFileAttr Attacher::file(StringAttr name) {
  // The name as it is given, without a folder: .file then says what our
  // diagnostics say.
  return LLVM::DIFileAttr::get(context, name.getValue(), "");
}

void Attacher::attach(LLVM::LLVMFuncOp function) {
  if (function.isExternal())
    return;
  // Someone has described it already.
  if (auto fused = dyn_cast<FusedLoc>(function.getLoc()))
    if (isa_and_nonnull<LLVM::DISubprogramAttr>(fused.getMetadata()))
      return;

  FileLineColLoc start = positionOf(function.getLoc());
  if (!start)
    function.walk([&](Operation *op) {
      if (op != function)
        start = positionOf(op->getLoc());
      return start ? WalkResult::interrupt() : WalkResult::advance();
    });
  if (!start)
    return; // no line anywhere

  LLVM::DIFileAttr functionFile = file(start.getFilename());
  LLVM::DICompileUnitAttr &unit = units[start.getFilename()];
  if (!unit)
    unit = LLVM::DICompileUnitAttr::get(
        DistinctAttr::create(UnitAttr::get(context)), llvm::dwarf::DW_LANG_C,
        functionFile, StringAttr::get(context, "tilewright"),
        /*isOptimized=*/true,
        // Any other kind writes `.target …, debug`, by which ptxas builds
        // without optimisation.
        LLVM::DIEmissionKind::DebugDirectivesOnly,
        LLVM::DINameTableKind::Default);
  auto type = LLVM::DISubroutineTypeAttr::get(
      context, llvm::dwarf::DW_CC_normal, ArrayRef<LLVM::DITypeAttr>{});
  StringAttr name = function.getNameAttr();
  auto subprogram = LLVM::DISubprogramAttr::get(
      context, DistinctAttr::create(UnitAttr::get(context)), unit, functionFile,
      name, name, functionFile, start.getLine(), start.getLine(),
      LLVM::DISubprogramFlags::Definition | LLVM::DISubprogramFlags::Optimized,
      type, /*retainedNodes=*/{}, /*annotations=*/{});
  function->setLoc(FusedLoc::get(context, {start}, subprogram));

  DenseMap<StringAttr, LLVM::DILexicalBlockFileAttr> otherFiles;
  FileLineColLoc last = start;
  function.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (op == function)
      return;
    if (FileLineColLoc position = positionOf(op->getLoc()))
      last = position;
    Location location = last;
    if (last.getFilename() != start.getFilename()) {
      LLVM::DILexicalBlockFileAttr &block = otherFiles[last.getFilename()];
      if (!block)
        block = LLVM::DILexicalBlockFileAttr::get(context, subprogram,
                                                  file(last.getFilename()),
                                                  /*discriminator=*/0);
      location = FusedLoc::get(context, {last}, block);
    }
    op->setLoc(location);
  });
}

void attachLineInfo(Operation *module) {
  Attacher attacher(module->getContext());
  module->walk([&](LLVM::LLVMFuncOp function) { attacher.attach(function); });
}

} // namespace tilewright::target
