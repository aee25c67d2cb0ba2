//===- tilewright-opt.cpp - runs passes over textual IR -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Conversion/Passes.h"
#include "tilewright/Conversion/Pipeline.h"
#include "tilewright/Dialect/InitDialects.h"
#include "tilewright/Driver/Pipeline.h"
#include "tilewright/Transforms/Passes.h"

#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  tilewright::registerDialects(registry);
  tilewright::registerTilewrightPasses();
  tilewright::registerTilewrightConversionPasses();
  tilewright::registerTilewrightPipelines();
  tilewright::registerPipelines();
  mlir::registerCanonicalizerPass();
  mlir::registerCSEPass();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Tilewright pass driver\n", registry));
}
