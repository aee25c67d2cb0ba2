// RUN: tilewright-opt %s --annotate-loops | FileCheck %s

// CHECK: #[[UNROLL:.*]] = #llvm.loop_unroll<disable = true>
// CHECK: #[[LOOP:.*]] = #llvm.loop_annotation<unroll = #[[UNROLL]]>

// CHECK-LABEL: llvm.func @loops
llvm.func @loops(%n: i32, %p: i1) {
  %zero = llvm.mlir.constant(0 : i32) : i32
  %one = llvm.mlir.constant(1 : i32) : i32
  // CHECK: llvm.br ^bb1(%{{.*}} : i32){{$}}
  llvm.br ^head(%zero : i32)
^head(%i: i32):
  %more = llvm.icmp "ult" %i, %n : i32
  // CHECK: llvm.cond_br %{{.*}}, ^bb2, ^bb3{{$}}
  llvm.cond_br %more, ^body, ^spin
^body:
  %next = llvm.add %i, %one : i32
  // CHECK: llvm.br ^bb1(%{{.*}} : i32) {loop_annotation = #[[LOOP]]}
  llvm.br ^head(%next : i32)
^spin:
  // CHECK: llvm.cond_br %{{.*}}, ^bb3, ^bb4 {loop_annotation = #[[LOOP]]}
  llvm.cond_br %p, ^spin, ^exit
^exit:
  llvm.return
}
