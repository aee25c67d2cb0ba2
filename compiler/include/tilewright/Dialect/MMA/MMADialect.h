//===- MMADialect.h - the mma dialect: types, attributes, operations ------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_DIALECT_MMA_MMADIALECT_H
#define TILEWRIGHT_DIALECT_MMA_MMADIALECT_H

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

#include "tilewright/Dialect/MMA/MMADialect.h.inc"
#include "tilewright/Dialect/MMA/MMAEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "tilewright/Dialect/MMA/MMAAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "tilewright/Dialect/MMA/MMATypes.h.inc"

#define GET_OP_CLASSES
#include "tilewright/Dialect/MMA/MMAOps.h.inc"

#endif // TILEWRIGHT_DIALECT_MMA_MMADIALECT_H
