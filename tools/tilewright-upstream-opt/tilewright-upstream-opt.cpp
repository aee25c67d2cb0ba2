//===- tilewright-upstream-opt.cpp - opt without our dialects ------------===//
// dialects ---===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// What the lowering leaves behind must be upstream dialects only: parsing its
// output with this driver turns a leaked operation into a parse error.

#include "tilewright/Dialect/InitDialects.h"

#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  tilewright::registerUpstreamDialects(registry);
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Upstream dialects only\n", registry));
}
