// RUN: tilewright-opt %s --pass-pipeline='builtin.module(tile.kernel(pipe-peek-waits))' | FileCheck %s

// Each release asks for the next slot, the last one for the next iteration's
// first; in the last iteration it asks for the slot at hand, which is full.

// CHECK-LABEL: tile.kernel @two
tile.kernel @two(%n: index {tile.name = "N"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[m: 64], f32>]
  tile.role "math" groups(1) {
    // CHECK: %[[NO:.*]] = arith.constant false
    // CHECK: scf.for %[[K:.*]] = %{{.*}} to %[[N:.*]] step %[[STEP:.*]] iter_args(%[[I:.*]] = %{{.*}}, %[[P:.*]] = %{{.*}}, %[[READY:.*]] = %[[NO]])
    %r:2 = scf.for %k = %c0 to %n step %c2 iter_args(%i = %zero, %p = %zero) -> (i32, i32) {
      // CHECK: pipe.wait @p full[%[[I]]] parity %[[P]] unless %[[READY]]
      pipe.wait @p full[%i] parity %p
      %j = arith.xori %i, %one : i32
      // CHECK: pipe.arrive @p empty[%[[I]]] per_warp
      // CHECK-NEXT: %[[SECOND:.*]] = pipe.try_wait @p full[%[[J:.*]]] parity %[[P]]
      pipe.arrive @p empty[%i] per_warp
      // CHECK: pipe.wait @p full[%[[J]]] parity %[[P]] unless %[[SECOND]]
      pipe.wait @p full[%j] parity %p
      %q = arith.xori %p, %one : i32
      // CHECK: %[[Q:.*]] = arith.xori %[[P]]
      // CHECK: pipe.arrive @p empty[%[[J]]] per_warp
      // CHECK-NEXT: %[[NEXT:.*]] = arith.addi %[[K]], %[[STEP]]
      // CHECK-NEXT: %[[MORE:.*]] = arith.cmpi slt, %[[NEXT]], %[[N]]
      // CHECK-NEXT: %[[AT:.*]] = arith.select %[[MORE]], %[[I]], %[[J]]
      // CHECK-NEXT: %[[PARITY:.*]] = arith.select %[[MORE]], %[[Q]], %[[P]]
      // CHECK-NEXT: %[[FIRST:.*]] = pipe.try_wait @p full[%[[AT]]] parity %[[PARITY]]
      // CHECK: scf.yield %[[I]], %[[Q]], %[[FIRST]]
      pipe.arrive @p empty[%j] per_warp
      scf.yield %i, %q : i32, i32
    } {tile.peek}
  }
}

// A slot that is given back in another block: nothing is asked.
// CHECK-LABEL: tile.kernel @elsewhere
tile.kernel @elsewhere(%n: index {tile.name = "N"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0 : i32
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[m: 64], f32>]
  tile.role "math" groups(1) {
    // CHECK-NOT: pipe.try_wait
    scf.for %k = %c0 to %n step %c1 {
      pipe.wait @p full[%zero] parity %zero
      %c = arith.cmpi slt, %k, %c1 : index
      scf.if %c {
        pipe.arrive @p empty[%zero] per_warp
      }
    } {tile.peek}
  }
}

// A static ring: the place and parity of the next iteration's first slot follow
// from what this one yields, by the same operations.

// CHECK-LABEL: tile.kernel @static
tile.kernel @static(%n: index {tile.name = "N"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  pipe.ring @p depth(1) fields ["a"] [!tile.view<[m: 64], f32>] indexing static
  tile.role "math" groups(1) {
    // CHECK: scf.for %[[K:.*]] = %{{.*}} iter_args(%[[Z:.*]] = %{{.*}}, %[[B:.*]] = %{{.*}}, %[[READY:.*]] = %{{.*}})
    %r:2 = scf.for %k = %c0 to %n step %c1 iter_args(%z = %zero, %bits = %zero) -> (i32, i32) {
      // CHECK: %[[I:.*]] = pipe.constant_index 0 from %[[Z]]
      %i = pipe.constant_index 0 from %z
      // CHECK: %[[P:.*]] = arith.andi %[[B]], %[[ONE:.*]] : i32
      %p = arith.andi %bits, %one : i32
      // CHECK: pipe.wait @p full[%[[I]]] parity %[[P]] unless %[[READY]]
      pipe.wait @p full[%i] parity %p
      // CHECK: %[[Z1:.*]] = pipe.opaque %[[Z]]
      %next = pipe.opaque %z
      // CHECK: %[[B1:.*]] = arith.xori %[[B]]
      %flipped = arith.xori %bits, %one : i32
      // CHECK: pipe.arrive @p empty[%[[I]]] per_warp
      // CHECK-NEXT: %[[J:.*]] = pipe.constant_index 0 from %[[Z1]]
      // CHECK-NEXT: %[[Q:.*]] = arith.andi %[[B1]], %[[ONE]]
      // CHECK: %[[AT:.*]] = arith.select %[[MORE:.*]], %[[J]], %[[I]]
      // CHECK-NEXT: %[[PARITY:.*]] = arith.select %[[MORE]], %[[Q]], %[[P]]
      // CHECK-NEXT: %[[NEXT:.*]] = pipe.try_wait @p full[%[[AT]]] parity %[[PARITY]]
      // CHECK: scf.yield %[[Z1]], %[[B1]], %[[NEXT]]
      pipe.arrive @p empty[%i] per_warp
      scf.yield %next, %flipped : i32, i32
    } {tile.peek}
  }
}
