//===- InitDialects.cpp - registers everything that the pipeline uses -----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/InitDialects.h"
#include "tilewright/Dialect/FP8/FP8Dialect.h"
#include "tilewright/Dialect/MMA/MMADialect.h"
#include "tilewright/Dialect/Pipe/PipeDialect.h"
#include "tilewright/Dialect/TMA/TMADialect.h"
#include "tilewright/Dialect/Tile/TileDialect.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/DLTI/DLTI.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

void tilewright::registerUpstreamDialects(DialectRegistry &registry) {
  registry.insert<affine::AffineDialect, arith::ArithDialect,
                  cf::ControlFlowDialect, DLTIDialect, func::FuncDialect,
                  gpu::GPUDialect, LLVM::LLVMDialect, math::MathDialect,
                  NVVM::NVVMDialect, scf::SCFDialect, vector::VectorDialect>();
}

void tilewright::registerDialects(DialectRegistry &registry) {
  registerUpstreamDialects(registry);
  registry.insert<fp8::FP8Dialect, mma::MMADialect, pipe::PipeDialect,
                  tile::TileDialect, tma::TMADialect>();
}
