// What lowering leaves behind must parse where none of our dialects exists.
// RUN: split-file %s %t
// RUN: tilewright-upstream-opt %t/upstream.mlir | FileCheck %s
// RUN: not tilewright-upstream-opt %t/operation.mlir 2>&1 | FileCheck %s --check-prefix=OPERATION
// RUN: not tilewright-upstream-opt %t/type.mlir 2>&1 | FileCheck %s --check-prefix=TYPE
// RUN: not tilewright-upstream-opt %t/generic.mlir 2>&1 | FileCheck %s --check-prefix=GENERIC
// RUN: not tilewright-upstream-opt %t/attribute.mlir 2>&1 | FileCheck %s --check-prefix=ATTRIBUTE
// The same files are fine with them.
// RUN: tilewright-opt %t/operation.mlir
// RUN: tilewright-opt %t/type.mlir
// RUN: tilewright-opt %t/generic.mlir
// RUN: tilewright-opt %t/attribute.mlir

//--- upstream.mlir
// CHECK: nvvm.fence.proxy
gpu.module @kernels {
  llvm.func @k() attributes {nvvm.kernel} {
    nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
    llvm.return
  }
}

//--- operation.mlir
// OPERATION: error: Dialect `pipe' not found for custom op 'pipe.proxy_fence'
func.func @f() {
  pipe.proxy_fence
  return
}

//--- generic.mlir
// GENERIC: error: operation being parsed with an unregistered dialect
func.func @f() {
  "pipe.proxy_fence"() : () -> ()
  return
}

//--- type.mlir
// TYPE: error: {{.*}} type created with unregistered dialect
func.func private @f(!pipe.token)

//--- attribute.mlir
// ATTRIBUTE: error: {{.*}} attribute created with unregistered dialect
module attributes {test.layout = #tile.shared<["m"], swizzle = 0>} {}
