//===- Passes.td - lowering to the NVVM and LLVM dialects --*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_CONVERSION_PASSES_TD
#define TILEWRIGHT_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertTilewrightToNVVM
    : Pass<"convert-tilewright-to-nvvm", "::mlir::ModuleOp"> {
  let summary = "Lowers what is left of our dialects to NVVM, LLVM, arith, scf";
  let description = [{
    Input is what `tile-branch-roles` leaves. Vectors held by a thread become
    scalars, also through loops and branches: accumulators are then registers
    that the back end may place freely, never LLVM vectors. Index arithmetic
    stays on `index` (32 bits later), addresses in global memory are 64-bit.

    (* example filepath=test/lit/Conversion/tile-to-nvvm.mlir *)
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect"];
}

def AnnotateLoops : Pass<"annotate-loops", "::mlir::ModuleOp"> {
  let summary = "Stops LLVM from unrolling loops that the compiler left rolled";
  let description = [{
    Puts a loop annotation on every back edge of LLVM functions. How far loops
    are unrolled is a scheduling decision of this compiler (ring indexing,
    registers); LLVM's unroller would repeat waits and matrix instructions
    (codegen notes, FP order and unrolling).
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // TILEWRIGHT_CONVERSION_PASSES_TD
