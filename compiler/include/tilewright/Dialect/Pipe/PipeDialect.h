//===- PipeDialect.h - the pipe dialect: types, attributes, operations  ---===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_DIALECT_PIPE_PIPEDIALECT_H
#define TILEWRIGHT_DIALECT_PIPE_PIPEDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "tilewright/Dialect/Tile/TileDialect.h"

#include "tilewright/Dialect/Pipe/PipeDialect.h.inc"
#include "tilewright/Dialect/Pipe/PipeEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "tilewright/Dialect/Pipe/PipeAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "tilewright/Dialect/Pipe/PipeTypes.h.inc"

#define GET_OP_CLASSES
#include "tilewright/Dialect/Pipe/PipeOps.h.inc"

namespace tilewright::pipe {

/// The slot whose field `view` is, wholly or in part (through `tile.slice`);
/// null where the definition is not in sight.
mlir::Value getSlotOf(mlir::Value view);

} // namespace tilewright::pipe

#endif // TILEWRIGHT_DIALECT_PIPE_PIPEDIALECT_H
