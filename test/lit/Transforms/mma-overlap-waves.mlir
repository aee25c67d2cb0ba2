// RUN: tilewright-opt %s --pass-pipeline='builtin.module(tile.kernel(mma-overlap-waves))' | FileCheck %s

// Two copies of a body: the second product is issued before the first is waited
// for, into registers of its own; the second waits for all. The next iteration
// begins with the registers that this one began with.

!a = !tile.view<[m: 64, k: 32], f8E4M3FN>
!b = !tile.view<[n: 16, k: 32], f8E4M3FN>
// CHECK-LABEL: tile.kernel @two
tile.kernel @two(%n: index {tile.name = "N"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %d = arith.constant 0 : i64
  pipe.ring @p depth(2) fields ["a", "b"] [!a, !b]
  tile.role "math" groups(1) {
    %zero = arith.constant dense<0.0> : vector<8xf32>
    %set = mma.undef : vector<8xf32>
    // CHECK: scf.for {{.*}} iter_args(%[[ACC:.*]] = %{{.*}}, %[[FIRST:.*]] = %{{.*}})
    %r:2 = scf.for %k = %c0 to %n step %c2 iter_args(%acc = %zero, %t = %set) -> (vector<8xf32>, vector<8xf32>) {
      // CHECK: %[[SECOND:.*]] = mma.undef
      // CHECK: %[[S0:.*]] = pipe.acquire_get @p
      %s0 = pipe.acquire_get @p : !pipe.slot<@p>
      mma.fence
      // CHECK: %[[P0:.*]] = mma.wgmma {{.*}} into %[[FIRST]]
      %p0 = mma.wgmma %d, %d into %t shape 64 16 32 types f8E4M3FN f8E4M3FN zero : vector<8xf32> -> vector<8xf32>
      // CHECK-NEXT: mma.commit
      // CHECK-NEXT: %[[S1:.*]] = pipe.acquire_get @p
      mma.commit
      %w0 = mma.wait 0 tie(%p0 : vector<8xf32>) -> vector<8xf32>
      pipe.release %s0 : !pipe.slot<@p>
      %f0 = arith.addf %w0, %acc : vector<8xf32>
      %q0 = mma.pin %f0 : vector<8xf32> -> vector<8xf32>
      %s1 = pipe.acquire_get @p : !pipe.slot<@p>
      // CHECK: mma.fence
      mma.fence
      // CHECK: %[[P1:.*]] = mma.wgmma {{.*}} into %[[SECOND]]
      %p1 = mma.wgmma %d, %d into %w0 shape 64 16 32 types f8E4M3FN f8E4M3FN zero : vector<8xf32> -> vector<8xf32>
      // CHECK-NEXT: mma.commit
      // CHECK-NEXT: %[[W0:.*]] = mma.wait 1 tie(%[[P0]]
      // CHECK-NEXT: pipe.release %[[S0]]
      // CHECK-NEXT: %[[F0:.*]] = arith.addf %[[W0]], %[[ACC]]
      // CHECK-NEXT: %[[Q0:.*]] = mma.pin %[[F0]]
      // CHECK-NEXT: %[[W1:.*]] = mma.wait 0 tie(%[[P1]]
      // CHECK-NEXT: pipe.release %[[S1]]
      mma.commit
      %w1 = mma.wait 0 tie(%p1 : vector<8xf32>) -> vector<8xf32>
      pipe.release %s1 : !pipe.slot<@p>
      // CHECK-NEXT: %[[F1:.*]] = arith.addf %[[W1]], %[[Q0]]
      %f1 = arith.addf %w1, %q0 : vector<8xf32>
      // CHECK: scf.yield %{{.*}}, %[[W0]]
      %q1 = mma.pin %f1 : vector<8xf32> -> vector<8xf32>
      scf.yield %q1, %w1 : vector<8xf32>, vector<8xf32>
    } {tile.overlap}
  }
}

// The second product's descriptor depends on the first sum: left alone.
// CHECK-LABEL: tile.kernel @dependent
tile.kernel @dependent(%n: index {tile.name = "N"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %d = arith.constant 0 : i64
  pipe.ring @p depth(2) fields ["a", "b"] [!a, !b]
  tile.role "math" groups(1) {
    %set = mma.undef : vector<8xf32>
    // CHECK: scf.for
    // CHECK: mma.wait 0
    // CHECK: mma.wgmma
    // CHECK: mma.wait 0
    %r = scf.for %k = %c0 to %n step %c2 iter_args(%t = %set) -> (vector<8xf32>) {
      %s0 = pipe.acquire_get @p : !pipe.slot<@p>
      %p0 = mma.wgmma %d, %d into %t shape 64 16 32 types f8E4M3FN f8E4M3FN zero : vector<8xf32> -> vector<8xf32>
      mma.commit
      %w0 = mma.wait 0 tie(%p0 : vector<8xf32>) -> vector<8xf32>
      pipe.release %s0 : !pipe.slot<@p>
      %x = vector.extract %w0[0] : f32 from vector<8xf32>
      %y = arith.fptosi %x : f32 to i64
      %s1 = pipe.acquire_get @p : !pipe.slot<@p>
      %p1 = mma.wgmma %y, %y into %w0 shape 64 16 32 types f8E4M3FN f8E4M3FN zero : vector<8xf32> -> vector<8xf32>
      mma.commit
      %w1 = mma.wait 0 tie(%p1 : vector<8xf32>) -> vector<8xf32>
      pipe.release %s1 : !pipe.slot<@p>
      scf.yield %w1 : vector<8xf32>
    } {tile.overlap}
  }
}

// What is read behind a wait for that copy alone moves with it, and so does the
// release, behind the promotion.
!s = !tile.view<[n: 16], f32>
// CHECK-LABEL: tile.kernel @reads
tile.kernel @reads(%n: index {tile.name = "N"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %d = arith.constant 0 : i64
  pipe.ring @p depth(2) fields ["a", "b", "s"] [!a, !b, !s]
  tile.role "math" groups(1) {
    %zero = arith.constant dense<0.0> : vector<8xf32>
    %set = mma.undef : vector<8xf32>
    %r:2 = scf.for %k = %c0 to %n step %c2 iter_args(%acc = %zero, %t = %set) -> (vector<8xf32>, vector<8xf32>) {
      %s0 = pipe.acquire_get @p : !pipe.slot<@p>
      %v0 = pipe.field %s0["s"] : !pipe.slot<@p> -> !s
      %p0 = mma.wgmma %d, %d into %t shape 64 16 32 types f8E4M3FN f8E4M3FN zero : vector<8xf32> -> vector<8xf32>
      // CHECK: mma.commit
      // CHECK-NOT: tile.load_shared
      // CHECK: mma.commit
      // CHECK-NEXT: mma.wait 1
      // CHECK-NEXT: %[[X:.*]] = tile.load_shared
      // CHECK-NEXT: vector.broadcast %[[X]]
      // CHECK-NEXT: math.fma
      // CHECK-NEXT: mma.pin
      // CHECK-NEXT: pipe.release
      // CHECK-NEXT: mma.wait 0
      mma.commit
      %w0 = mma.wait 0 tie(%p0 : vector<8xf32>) -> vector<8xf32>
      %x0 = tile.load_shared %v0[%c0] : !s -> f32
      %y0 = vector.broadcast %x0 : f32 to vector<8xf32>
      %f0 = math.fma %w0, %y0, %acc : vector<8xf32>
      %q0 = mma.pin %f0 : vector<8xf32> -> vector<8xf32>
      pipe.release %s0 : !pipe.slot<@p>
      %s1 = pipe.acquire_get @p : !pipe.slot<@p>
      %v1 = pipe.field %s1["s"] : !pipe.slot<@p> -> !s
      %p1 = mma.wgmma %d, %d into %w0 shape 64 16 32 types f8E4M3FN f8E4M3FN zero : vector<8xf32> -> vector<8xf32>
      mma.commit
      %w1 = mma.wait 0 tie(%p1 : vector<8xf32>) -> vector<8xf32>
      %x1 = tile.load_shared %v1[%c0] : !s -> f32
      %y1 = vector.broadcast %x1 : f32 to vector<8xf32>
      %f1 = math.fma %w1, %y1, %q0 : vector<8xf32>
      %q1 = mma.pin %f1 : vector<8xf32> -> vector<8xf32>
      pipe.release %s1 : !pipe.slot<@p>
      scf.yield %q1, %w1 : vector<8xf32>, vector<8xf32>
    } {tile.overlap}
  }
}

// A branch takes the first sum: its operands would move behind it, so the loop
// is left alone.
// CHECK-LABEL: tile.kernel @captured
tile.kernel @captured(%n: index {tile.name = "N"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %d = arith.constant 0 : i64
  %more = arith.cmpi sgt, %n, %c2 : index
  pipe.ring @p depth(2) fields ["a", "b"] [!a, !b]
  tile.role "math" groups(1) {
    %zero = arith.constant dense<0.0> : vector<8xf32>
    %set = mma.undef : vector<8xf32>
    %r:2 = scf.for %k = %c0 to %n step %c2 iter_args(%acc = %zero, %t = %set) -> (vector<8xf32>, vector<8xf32>) {
      %s0 = pipe.acquire_get @p : !pipe.slot<@p>
      %p0 = mma.wgmma %d, %d into %t shape 64 16 32 types f8E4M3FN f8E4M3FN zero : vector<8xf32> -> vector<8xf32>
      // CHECK: mma.commit
      // CHECK-NEXT: mma.wait 0
      mma.commit
      %w0 = mma.wait 0 tie(%p0 : vector<8xf32>) -> vector<8xf32>
      pipe.release %s0 : !pipe.slot<@p>
      %f0 = arith.addf %w0, %acc : vector<8xf32>
      // CHECK: scf.if
      %q0 = scf.if %more -> (vector<8xf32>) {
        %twice = arith.addf %f0, %f0 : vector<8xf32>
        scf.yield %twice : vector<8xf32>
      } else {
        scf.yield %f0 : vector<8xf32>
      }
      %s1 = pipe.acquire_get @p : !pipe.slot<@p>
      // CHECK: mma.wgmma
      %p1 = mma.wgmma %d, %d into %w0 shape 64 16 32 types f8E4M3FN f8E4M3FN zero : vector<8xf32> -> vector<8xf32>
      mma.commit
      %w1 = mma.wait 0 tie(%p1 : vector<8xf32>) -> vector<8xf32>
      pipe.release %s1 : !pipe.slot<@p>
      %f1 = arith.addf %w1, %q0 : vector<8xf32>
      scf.yield %f1, %w1 : vector<8xf32>, vector<8xf32>
    } {tile.overlap}
  }
}
