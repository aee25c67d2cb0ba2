//===- MMADialect.cpp - registers the mma dialect -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/MMA/MMADialect.h"

using namespace mlir;
using namespace tilewright::mma;

#include "tilewright/Dialect/MMA/MMADialect.cpp.inc"

void MMADialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "tilewright/Dialect/MMA/MMAOps.cpp.inc"
      >();
}
