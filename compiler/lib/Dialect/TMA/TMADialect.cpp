//===- TMADialect.cpp - registers the tma dialect -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/TMA/TMADialect.h"
#include "mlir/IR/DialectImplementation.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tilewright::tma;

#include "tilewright/Dialect/TMA/TMADialect.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "tilewright/Dialect/TMA/TMATypes.cpp.inc"

void TMADialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "tilewright/Dialect/TMA/TMATypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "tilewright/Dialect/TMA/TMAOps.cpp.inc"
      >();
}
