//===- Resources.h - the memories that operations touch -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_DIALECT_RESOURCES_H
#define TILEWRIGHT_DIALECT_RESOURCES_H

#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace tilewright {

/// Tensors in global memory.
struct GlobalMemory : public mlir::SideEffects::Resource::Base<GlobalMemory> {
  llvm::StringRef getName() final { return "GlobalMemory"; }
};

/// Fields of slots, accessed through the generic proxy (ordinary loads and
/// stores, stmatrix).
struct SharedMemory : public mlir::SideEffects::Resource::Base<SharedMemory> {
  llvm::StringRef getName() final { return "SharedMemory"; }
};

/// The same bytes, accessed through the asynchronous proxy (bulk copies, wgmma
/// operands). PTX ISA, "Asynchronous proxy": a generic write must be followed
/// by fence.proxy.async before an asynchronous access may see it.
struct AsyncSharedMemory
    : public mlir::SideEffects::Resource::Base<AsyncSharedMemory> {
  llvm::StringRef getName() final { return "AsyncSharedMemory"; }
};

/// mbarriers and named barriers.
struct Barriers : public mlir::SideEffects::Resource::Base<Barriers> {
  llvm::StringRef getName() final { return "Barriers"; }
};

/// Tensor maps.
struct Descriptors : public mlir::SideEffects::Resource::Base<Descriptors> {
  llvm::StringRef getName() final { return "Descriptors"; }
};

/// Registers of an asynchronous matrix instruction in flight.
struct TensorCore : public mlir::SideEffects::Resource::Base<TensorCore> {
  llvm::StringRef getName() final { return "TensorCore"; }
};

} // namespace tilewright

#endif // TILEWRIGHT_DIALECT_RESOURCES_H
