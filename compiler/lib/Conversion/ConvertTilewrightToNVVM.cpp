//===- ConvertTilewrightToNVVM.cpp - the conversion as a pass -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "tilewright/Conversion/Passes.h"
#include "tilewright/Dialect/FP8/FP8Dialect.h"
#include "tilewright/Dialect/MMA/MMADialect.h"
#include "tilewright/Dialect/TMA/TMADialect.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace tilewright {
#define GEN_PASS_DEF_CONVERTTILEWRIGHTTONVVM
#include "tilewright/Conversion/Passes.h.inc"
} // namespace tilewright

using namespace mlir;
using namespace tilewright;

namespace {

struct ConvertTilewrightToNVVM
    : public tilewright::impl::ConvertTilewrightToNVVMBase<
          ConvertTilewrightToNVVM> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    createSharedMemory(module);

    TypeConverter converter;
    converter.addConversion([](Type type) { return type; });
    converter.addConversion(
        [](VectorType type,
           SmallVectorImpl<Type> &types) -> std::optional<LogicalResult> {
          if (type.getRank() != 1 || type.isScalable())
            return failure();
          types.append(type.getNumElements(), type.getElementType());
          return success();
        });

    MLIRContext *context = &getContext();
    ConversionTarget target(*context);
    RewritePatternSet patterns(context);
    populateTileToNVVM(converter, patterns);
    populatePipeToNVVM(converter, patterns);
    populateTMAToNVVM(converter, patterns);
    populateMMAToNVVM(converter, patterns);
    populateVectorToScalars(converter, patterns);
    scf::populateSCFStructuralTypeConversionsAndLegality(converter, patterns,
                                                         target);
    target.addIllegalDialect<tile::TileDialect, pipe::PipeDialect,
                             tma::TMADialect, mma::MMADialect, fp8::FP8Dialect,
                             gpu::GPUDialect, vector::VectorDialect>();
    // Looked through by the patterns of their users, then dead.
    target.addLegalOp<pipe::RingOp, pipe::SlotAtOp, pipe::FieldOp,
                      tile::SliceOp, UnrealizedConversionCastOp, ModuleOp>();
    target.addLegalDialect<LLVM::LLVMDialect, NVVM::NVVMDialect>();
    target.markUnknownOpDynamicallyLegal(
        [&](Operation *op) { return converter.isLegal(op); });
    // A pattern says what is wrong; that the operation was then not legalised
    // is no news to the user.
    bool explained = false;
    ScopedDiagnosticHandler handler(context, [&](Diagnostic &diagnostic) {
      if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
        return failure();
      bool summary = StringRef(diagnostic.str())
                         .starts_with("failed to legalize operation");
      if (summary && explained)
        return success();
      explained = true;
      return failure();
    });
    if (failed(applyFullConversion(module, target, std::move(patterns))))
      return signalPassFailure();
    if (failed(eraseSymbolicValues(module)))
      signalPassFailure();
  }

private:
  static void createSharedMemory(ModuleOp module) {
    OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
    auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), 0);
    // 1024 is the period of the widest swizzle pattern.
    LLVM::GlobalOp::create(builder, module.getLoc(), type,
                           /*isConstant=*/false, LLVM::Linkage::External,
                           sharedMemoryName, /*value=*/Attribute(),
                           /*alignment=*/1024, /*addrSpace=*/3);
  }

  static bool isOurs(Operation *op) {
    Dialect *dialect = op->getDialect();
    return isa_and_nonnull<tile::TileDialect, pipe::PipeDialect,
                           tma::TMADialect, mma::MMADialect, fp8::FP8Dialect>(
        dialect);
  }

  /// Slots, fields, slices, casts of parameters; then rings.
  LogicalResult eraseSymbolicValues(ModuleOp module) {
    SmallVector<Operation *> ops;
    module.walk([&](Operation *op) {
      if (isOurs(op) || isa<UnrealizedConversionCastOp>(op))
        ops.push_back(op);
    });
    for (Operation *op : llvm::reverse(ops)) {
      if (!op->use_empty())
        return op->emitOpError("is still used after the conversion");
      op->erase();
    }
    return success();
  }
};

} // namespace
