//===- KernelSignature.h - parameters of a kernel and its manifest --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_LIB_TRANSFORMS_KERNELSIGNATURE_H
#define TILEWRIGHT_LIB_TRANSFORMS_KERNELSIGNATURE_H

#include "tilewright/Dialect/TMA/TMADialect.h"
#include "tilewright/Dialect/Tile/TileDialect.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"

namespace tilewright {

/// Decides the parameters of the function that a kernel becomes: tensor maps
/// first, then pointers of tensors that threads access, dimensions, strides.
class KernelSignature {
public:
  explicit KernelSignature(tile::KernelOp kernel) : kernel(kernel) {}

  /// Looks at how arguments are used. Errors: a tensor that is used by an
  /// operation that cannot be lowered.
  mlir::LogicalResult collect();

  /// The function, with an entry block, just before the kernel.
  mlir::LLVM::LLVMFuncOp createFunction(mlir::OpBuilder &builder,
                                        int64_t threads);

  /// Replaces the kernel's arguments and what is read off them. Descriptors
  /// and tensors become unrealized_conversion_casts of their parameters, a
  /// tensor of (pointer, stride of each dimension, extent of each dimension),
  /// marked `tile.readonly` if the kernel never writes it.
  mlir::LogicalResult replaceArguments(mlir::OpBuilder &builder);

  /// Values of descriptor type, in the order of the parameters.
  llvm::ArrayRef<mlir::Value> getDescriptors() const { return descriptors; }

  /// The manifest of docs/architecture.md, but for `resources`.
  mlir::DictionaryAttr buildManifest(int64_t threads, int64_t smemBytes);

private:
  struct Param {
    enum Kind { TensorMap, Pointer, Dim, Stride } kind;
    unsigned arg;               // of the kernel
    int64_t dim = 0;            // Stride
    tma::DescriptorOp map = {}; // TensorMap: the first with these properties
  };
  mlir::DictionaryAttr describe(const Param &param);

  tile::KernelOp kernel;
  mlir::LLVM::LLVMFuncOp func;
  llvm::SmallVector<Param> params;
  llvm::SmallVector<mlir::Attribute> described;
  llvm::SmallVector<mlir::Value> descriptors;
};

} // namespace tilewright

#endif // TILEWRIGHT_LIB_TRANSFORMS_KERNELSIGNATURE_H
