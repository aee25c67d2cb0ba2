// Source lines reach PTX and cubin, in the files that they name.
// RUN: tilewright-ptx %s --ptxas=driver | FileCheck %s
// RUN: tilewright-ptx %s --ptxas=driver --line-info=false | FileCheck %s --check-prefix=NONE

// CHECK: .target sm_90a{{$}}
// CHECK: .visible .entry k(
// CHECK: .loc [[A:[0-9]+]] 3 4
// CHECK-NEXT: mov.u32 {{.*}}, %tid.x
// CHECK: .loc [[B:[0-9]+]] 7 4
// CHECK: ld.global
// CHECK: .loc [[A]] 9 4
// CHECK-NEXT: st.global
// CHECK: .file [[A]] "dir/a.tw"
// CHECK: .file [[B]] "b.tw"
// NONE-NOT: .loc
llvm.func @k(%p: !llvm.ptr<1>) attributes {nvvm.kernel} {
  %0 = nvvm.read.ptx.sreg.tid.x : i32 loc("dir/a.tw":3:4)
  %1 = llvm.getelementptr %p[%0] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32 loc("b.tw":7:4)
  %2 = llvm.load %1 : !llvm.ptr<1> -> f32 loc("b.tw":7:4)
  %3 = llvm.fadd %2, %2 : f32 loc("b.tw":8:4)
  llvm.store %3, %1 : f32, !llvm.ptr<1> loc("dir/a.tw":9:4)
  llvm.return loc("dir/a.tw":10:4)
} loc("dir/a.tw":1:2)
