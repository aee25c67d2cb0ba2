//===- TMADialect.h - the tma dialect: types, attributes, operations ------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_DIALECT_TMA_TMADIALECT_H
#define TILEWRIGHT_DIALECT_TMA_TMADIALECT_H

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
#include "tilewright/Dialect/Pipe/PipeDialect.h"

#include "tilewright/Dialect/TMA/TMADialect.h.inc"
#include "tilewright/Dialect/TMA/TMAEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "tilewright/Dialect/TMA/TMAAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "tilewright/Dialect/TMA/TMATypes.h.inc"

#define GET_OP_CLASSES
#include "tilewright/Dialect/TMA/TMAOps.h.inc"

#endif // TILEWRIGHT_DIALECT_TMA_TMADIALECT_H
