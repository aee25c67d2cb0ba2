// REQUIRES: ptxas
// RUN: tilewright-ptx %s --ptxas=%ptxas --emit=info --strict --timings 2>&1 | FileCheck %s
// RUN: tilewright-ptx %s --ptxas=%ptxas --emit=cubin -o %t.cubin
// RUN: llvm-readelf -hS %t.cubin | FileCheck %s --check-prefix=ELF

// CHECK-DAG: assembler: ptxas {{[0-9.]+}} (
// CHECK-DAG: k: {{[0-9]+}} registers, 0 barriers, 0 bytes shared, 0 bytes stack, 0 bytes spill stores, 0 bytes spill loads
// CHECK-DAG: kernels: k
// CHECK-DAG: line information: some/path/a.tw
// CHECK-DAG: translate {{.*}} ms, optimise {{.*}} ms, codegen {{.*}} ms, assemble {{.*}} ms
// ELF: Machine: NVIDIA CUDA
// ELF: .debug_line
// ELF: .nv_debug_line_sass
llvm.func @k(%p: !llvm.ptr<1>) attributes {nvvm.kernel, nvvm.reqntid = array<i32: 128, 1, 1>, nvvm.minctasm = 1 : i32} {
  %0 = nvvm.read.ptx.sreg.tid.x : i32 loc("some/path/a.tw":3:4)
  %1 = llvm.getelementptr %p[%0] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32 loc("some/path/a.tw":4:4)
  llvm.store %0, %1 : i32, !llvm.ptr<1> loc("some/path/a.tw":5:4)
  llvm.return loc("some/path/a.tw":6:4)
} loc("some/path/a.tw":1:2)
