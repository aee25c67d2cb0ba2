// RUN: tilewright-ptx %s --emit=llvm | FileCheck %s
// RUN: tilewright-ptx %s --emit=llvm-opt | FileCheck %s --check-prefix=OPT

// CHECK: target triple = "nvptx64-nvidia-cuda"
// CHECK: define ptx_kernel void @k(ptr addrspace(1) %0, i32 %1)
// CHECK: add i32 %1, %1
// CHECK: emissionKind: DebugDirectivesOnly
// OPT: define ptx_kernel void @k(
// OPT-NOT: add i32
// OPT: shl i32
llvm.func @k(%p: !llvm.ptr<1>, %a: i32) attributes {nvvm.kernel} {
  %c = llvm.add %a, %a : i32
  llvm.store %c, %p : i32, !llvm.ptr<1>
  llvm.return
}
