//===- FP8Dialect.h - the fp8 dialect: types, attributes, operations ------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_DIALECT_FP8_FP8DIALECT_H
#define TILEWRIGHT_DIALECT_FP8_FP8DIALECT_H

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
#include "tilewright/Dialect/MMA/MMADialect.h"

#include "tilewright/Dialect/FP8/FP8Dialect.h.inc"
#include "tilewright/Dialect/FP8/FP8Enums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "tilewright/Dialect/FP8/FP8Attrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "tilewright/Dialect/FP8/FP8Types.h.inc"

#define GET_OP_CLASSES
#include "tilewright/Dialect/FP8/FP8Ops.h.inc"

#endif // TILEWRIGHT_DIALECT_FP8_FP8DIALECT_H
