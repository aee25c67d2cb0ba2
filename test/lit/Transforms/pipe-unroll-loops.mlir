// RUN: tilewright-opt %s --pass-pipeline='builtin.module(tile.kernel(pipe-unroll-loops))' | FileCheck %s

// Whole multiples of the factor run unrolled, what remains in a rolled copy
// that does not peek; a constant trip count that divides leaves none.

// CHECK-LABEL: tile.kernel @remainder
tile.kernel @remainder(%n: index {tile.name = "N"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  pipe.ring @p depth(3) fields ["a"] [!tile.view<[m: 64], f32>]
  tile.role "math" groups(1) {
    // CHECK: %[[BOUND:.*]] = arith.muli
    // CHECK: scf.for %{{.*}} = %c0 to %{{.*}} step
    // CHECK-COUNT-4: pipe.acquire_get @p
    // CHECK: {tile.peek}
    // CHECK: scf.for %{{.*}} to %{{.*}} step %c1
    // CHECK: pipe.acquire_get @p
    // CHECK-NOT: pipe.acquire_get
    // CHECK-NOT: tile.peek
    scf.for %k = %c0 to %n step %c1 {
      %s = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s : !pipe.slot<@p>
    } {tile.unroll = 4 : i64, tile.peek}
  }
}

// CHECK-LABEL: tile.kernel @whole
tile.kernel @whole() target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  pipe.ring @p depth(3) fields ["a"] [!tile.view<[m: 64], f32>]
  tile.role "math" groups(1) {
    // CHECK: scf.for
    // CHECK-COUNT-4: pipe.acquire_get @p
    // CHECK-NOT: scf.for
    // CHECK-NOT: tile.unroll
    scf.for %k = %c0 to %c8 step %c1 {
      %s = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s : !pipe.slot<@p>
    } {tile.unroll = 4 : i64}
  }
}
