// The lint sees what LLVM makes of an operation, on the operation's line.
// RUN: tilewright-ptx %s --ptxas=driver -o /dev/null 2>&1 | FileCheck %s
// RUN: not tilewright-ptx %s --ptxas=driver --strict -o /dev/null 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: tilewright-ptx %s --ptxas=driver --lint=false -o /dev/null 2>&1 | count 0

// LLVM drops the scope and the order of atomics (codegen notes 2.1).
// CHECK: a.tw:3:1: warning: TWP02
// CHECK-NEXT: a.tw:3:1: note: PTX line {{[0-9]+}} of 'k': atom.global.add.u32
// STRICT: a.tw:3:1: error: TWP02
llvm.func @k(%p: !llvm.ptr<1>, %v: i32, %remote: !llvm.ptr<7>, %id: i32) attributes {nvvm.kernel} {
  %0 = llvm.atomicrmw add %p, %v syncscope("") release : !llvm.ptr<1>, i32 loc("a.tw":3:1)
  llvm.store %0, %p : i32, !llvm.ptr<1> loc("a.tw":4:1)
  // CHECK: a.tw:5:1: warning: TWP01
  // STRICT: a.tw:5:1: error: TWP01
  nvvm.mbarrier.arrive %remote {scope = #nvvm.mem_scope<cluster>} : !llvm.ptr<7> loc("a.tw":5:1)
  nvvm.mbarrier.arrive %remote : !llvm.ptr<7> loc("a.tw":6:1)
  // CHECK-NOT: TWP01
  // CHECK: a.tw:7:1: remark: TWP05
  // STRICT: a.tw:7:1: remark: TWP05
  nvvm.barrier.arrive id = %id number_of_threads = %v loc("a.tw":7:1)
  // CHECK: a.tw:8:1: warning: TWP03
  nvvm.setmaxregister increase 232 loc("a.tw":8:1)
  llvm.return
} loc("a.tw":1:2)

// In a loop and under a predicate as anywhere; an arrival without a scope, as
// the lowering of pipe.arrive writes it, is what is wanted.
// CHECK-NOT: r.tw:2:1
// CHECK: r.tw:3:1: warning: TWP01
// CHECK-NEXT: r.tw:3:1: note: PTX line {{[0-9]+}} of 'release': @%p{{[0-9]+}} mbarrier.arrive.release.cluster.shared::cluster.b64
llvm.func @release(%a: i32, %n: i32, %when: i1) attributes {nvvm.kernel} {
  %c0 = llvm.mlir.constant(0 : i32) : i32 loc("r.tw":1:1)
  %c1 = llvm.mlir.constant(1 : i32) : i32 loc("r.tw":1:1)
  llvm.br ^loop(%c0 : i32) loc("r.tw":1:1)
^loop(%i: i32):
  llvm.inline_asm has_side_effects "@$1 mbarrier.arrive.shared::cluster.b64 _, [$0];", "r,b" %a, %when : (i32, i1) -> () loc("r.tw":2:1)
  llvm.inline_asm has_side_effects "@$1 mbarrier.arrive.release.cluster.shared::cluster.b64 _, [$0];", "r,b" %a, %when : (i32, i1) -> () loc("r.tw":3:1)
  %next = llvm.add %i, %c1 : i32 loc("r.tw":1:1)
  %more = llvm.icmp "slt" %next, %n : i32 loc("r.tw":1:1)
  llvm.cond_br %more, ^loop(%next : i32), ^end loc("r.tw":1:1)
^end:
  llvm.return
} loc("r.tw":1:2)

// CHECK: b.tw:1:1: warning: TWP06
llvm.func @stack(%p: !llvm.ptr<1>, %i: i32) attributes {nvvm.kernel} {
  %one = llvm.mlir.constant(64 : i32) : i32 loc("b.tw":2:1)
  %a = llvm.alloca %one x f32 : (i32) -> !llvm.ptr loc("b.tw":2:1)
  llvm.call @unknown(%a) : (!llvm.ptr) -> () loc("b.tw":4:1)
  llvm.return
} loc("b.tw":1:2)
llvm.func @unknown(!llvm.ptr)
