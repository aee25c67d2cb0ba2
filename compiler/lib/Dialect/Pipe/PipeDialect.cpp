//===- PipeDialect.cpp - registers the pipe dialect -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/Pipe/PipeDialect.h"
#include "mlir/IR/DialectImplementation.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tilewright::pipe;

#include "tilewright/Dialect/Pipe/PipeDialect.cpp.inc"
#include "tilewright/Dialect/Pipe/PipeEnums.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "tilewright/Dialect/Pipe/PipeTypes.cpp.inc"

void PipeDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "tilewright/Dialect/Pipe/PipeTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "tilewright/Dialect/Pipe/PipeOps.cpp.inc"
      >();
}
