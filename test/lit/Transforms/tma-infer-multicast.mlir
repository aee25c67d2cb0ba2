// RUN: tilewright-opt %s --pass-pipeline='builtin.module(tile.kernel(tma-infer-multicast))' --split-input-file --verify-diagnostics | FileCheck %s

// A does not depend on j, over which the cluster lies: its leader loads it for
// all. B does. The leader waits for the last releases before it ends.

!v = !tile.view<[m: 64, k: 128], f8E4M3FN>
!d = !tma.desc<box = [128, 64], swizzle = 128, f8E4M3FN>
// CHECK-LABEL: tile.kernel @gemm
tile.kernel @gemm(
    %A: !tile.tensor<2, f8E4M3FN> {tile.name = "A", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["M", "K"]},
    %B: !tile.tensor<2, f8E4M3FN> {tile.name = "B", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["M", "K"]},
    %M: index {tile.name = "M"}, %K: index {tile.name = "K"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %dA = tma.descriptor %A dims [1, 0] : !tile.tensor<2, f8E4M3FN> -> !d
  %dB = tma.descriptor %B dims [1, 0] : !tile.tensor<2, f8E4M3FN> -> !d
  %t = tile.tiles "t"(%M, %M) persistent raster 8 over 1 cluster 2 over 1 : !tile.iter<2>
  // CHECK: pipe.ring @ab depth(0) fields ["a", "b"] {{.*}} {multicast = 2 : i64}
  pipe.ring @ab depth(0) fields ["a", "b"] [!v, !v]
  tile.role "load" warps(1) {
    tile.for_each %t as (%i, %j) : !tile.iter<2> {
      %m = arith.muli %i, %c64 : index
      %n = arith.muli %j, %c64 : index
      scf.for %kk = %c0 to %K step %c1 {
        %s = pipe.acquire_put @ab : !pipe.slot<@ab>
        %a = pipe.field %s["a"] : !pipe.slot<@ab> -> !v
        %b = pipe.field %s["b"] : !pipe.slot<@ab> -> !v
        // CHECK: tma.load {{.*}} arrive %{{.*}} multicast 2 :
        // expected-remark @+1 {{'a' is loaded once for the 2 CTAs of a cluster}}
        tma.load %dA[%kk, %m] to %a arrive %s : !d, !v, !pipe.slot<@ab>
        // CHECK: tma.load {{.*}} arrive %{{[0-9a-z]+}} :
        // expected-remark @+1 {{'b' is loaded by each of the 2 CTAs of a cluster, because what is loaded depends on the clustered component of 't'}}
        tma.load %dB[%kk, %n] to %b arrive %s : !d, !v, !pipe.slot<@ab>
        pipe.commit %s : !pipe.slot<@ab>
      }
    }
    // CHECK: pipe.drain @ab
    // CHECK-NEXT: }
  }
  // CHECK: tile.role "math"
  // CHECK-NOT: pipe.drain
  tile.role "math" groups(1) {
    tile.for_each %t as (%i, %j) : !tile.iter<2> {
      scf.for %kk = %c0 to %K step %c1 {
        %s = pipe.acquire_get @ab : !pipe.slot<@ab>
      }
    }
  }
}

// -----

// A cluster of one: nothing to share, nothing changes, no remarks.

!v = !tile.view<[m: 64, k: 128], f8E4M3FN>
!d = !tma.desc<box = [128, 64], swizzle = 128, f8E4M3FN>
// CHECK-LABEL: tile.kernel @alone
tile.kernel @alone(
    %A: !tile.tensor<2, f8E4M3FN> {tile.name = "A", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["M", "K"]},
    %M: index {tile.name = "M"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %dA = tma.descriptor %A dims [1, 0] : !tile.tensor<2, f8E4M3FN> -> !d
  %t = tile.tiles "t"(%M, %M) persistent : !tile.iter<2>
  // CHECK: pipe.ring
  // CHECK-NOT: multicast
  pipe.ring @ab depth(0) fields ["a"] [!v]
  // CHECK-NOT: pipe.drain
  tile.role "load" warps(1) {
    tile.for_each %t as (%i, %j) : !tile.iter<2> {
      %s = pipe.acquire_put @ab : !pipe.slot<@ab>
      %a = pipe.field %s["a"] : !pipe.slot<@ab> -> !v
      tma.load %dA[%c0, %i] to %a arrive %s : !d, !v, !pipe.slot<@ab>
      pipe.commit %s : !pipe.slot<@ab>
    }
  }
}

// -----

// A private field stays private. A field of two boxes is remarked on once.

!v = !tile.view<[m: 64, k: 256], f8E4M3FN>
!d = !tma.desc<box = [128, 64], swizzle = 128, f8E4M3FN>
// CHECK-LABEL: tile.kernel @private
tile.kernel @private(
    %A: !tile.tensor<2, f8E4M3FN> {tile.name = "A", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["M", "K"]},
    %M: index {tile.name = "M"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c128 = arith.constant 128 : index
  %dA = tma.descriptor %A dims [1, 0] : !tile.tensor<2, f8E4M3FN> -> !d
  %t = tile.tiles "t"(%M, %M) persistent cluster 4 over 1 : !tile.iter<2>
  // CHECK: pipe.ring @p {{.*}} {multicast = 4 : i64, private_fields = ["b"]}
  pipe.ring @p depth(0) fields ["a", "b"] [!v, !v] {private_fields = ["b"]}
  tile.role "load" warps(1) {
    tile.for_each %t as (%i, %j) : !tile.iter<2> {
      %s = pipe.acquire_put @p : !pipe.slot<@p>
      %a = pipe.field %s["a"] : !pipe.slot<@p> -> !v
      %b = pipe.field %s["b"] : !pipe.slot<@p> -> !v
      // CHECK-COUNT-2: multicast 4
      // expected-remark @+1 {{'a' is loaded once for the 4 CTAs}}
      tma.load %dA[%c0, %i] to %a arrive %s : !d, !v, !pipe.slot<@p>
      tma.load %dA[%c128, %i] to %a plus 8192 arrive %s : !d, !v, !pipe.slot<@p>
      // CHECK-NOT: multicast
      // expected-remark @+1 {{because it is private}}
      tma.load %dA[%c0, %i] to %b arrive %s : !d, !v, !pipe.slot<@p>
      pipe.commit %s : !pipe.slot<@p>
    }
  }
}

// -----

// Dependence through what loops carry, through the number of iterations, and
// through memory that the kernel writes. A tensor that it only reads is the
// same for all.

!v = !tile.view<[m: 64], f32>
!d = !tma.desc<box = [64], swizzle = 0, f32>
// CHECK-LABEL: tile.kernel @dependence
tile.kernel @dependence(
    %A: !tile.tensor<1, f32> {tile.name = "A", tile.mode = "in", tile.major = 0 : i64, tile.shape = ["M"]},
    %T: !tile.tensor<1, i32> {tile.name = "T", tile.mode = "in", tile.major = 0 : i64, tile.shape = ["M"]},
    %W: !tile.tensor<1, i32> {tile.name = "W", tile.mode = "inout", tile.major = 0 : i64, tile.shape = ["M"]},
    %M: index {tile.name = "M"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %dA = tma.descriptor %A dims [0] : !tile.tensor<1, f32> -> !d
  %t = tile.tiles "t"(%M, %M) persistent cluster 2 over 1 : !tile.iter<2>
  // CHECK: pipe.ring @p
  // CHECK-SAME: multicast = 2
  pipe.ring @p depth(0) fields ["a", "carried", "counted", "read", "written", "chosen"] [!v, !v, !v, !v, !v, !v]
  tile.role "load" warps(1) {
    tile.for_each %t as (%i, %j) : !tile.iter<2> {
      %carried = scf.for %x = %c0 to %M step %c1 iter_args(%c = %i) -> (index) {
        %n = arith.addi %c, %j : index
        scf.yield %n : index
      }
      %counted = scf.for %x = %c0 to %j step %c1 iter_args(%c = %i) -> (index) {
        %n = arith.addi %c, %c1 : index
        scf.yield %n : index
      }
      %same = scf.for %x = %c0 to %M step %c1 iter_args(%c = %i) -> (index) {
        %n = arith.addi %c, %x : index
        scf.yield %n : index
      }
      %r = tile.load_element %T[%i] : !tile.tensor<1, i32> -> i32
      %read = arith.index_cast %r : i32 to index
      %w = tile.load_element %W[%i] : !tile.tensor<1, i32> -> i32
      %written = arith.index_cast %w : i32 to index
      %first = arith.cmpi eq, %j, %c0 : index
      %chosen = scf.if %first -> (index) {
        scf.yield %c0 : index
      } else {
        scf.yield %c1 : index
      }
      %s = pipe.acquire_put @p : !pipe.slot<@p>
      %f0 = pipe.field %s["a"] : !pipe.slot<@p> -> !v
      %f1 = pipe.field %s["carried"] : !pipe.slot<@p> -> !v
      %f2 = pipe.field %s["counted"] : !pipe.slot<@p> -> !v
      %f3 = pipe.field %s["read"] : !pipe.slot<@p> -> !v
      %f4 = pipe.field %s["written"] : !pipe.slot<@p> -> !v
      %f5 = pipe.field %s["chosen"] : !pipe.slot<@p> -> !v
      // expected-remark @+1 {{'a' is loaded once}}
      tma.load %dA[%same] to %f0 arrive %s : !d, !v, !pipe.slot<@p>
      // expected-remark @+1 {{'carried' is loaded by each}}
      tma.load %dA[%carried] to %f1 arrive %s : !d, !v, !pipe.slot<@p>
      // expected-remark @+1 {{'counted' is loaded by each}}
      tma.load %dA[%counted] to %f2 arrive %s : !d, !v, !pipe.slot<@p>
      // expected-remark @+1 {{'read' is loaded once}}
      tma.load %dA[%read] to %f3 arrive %s : !d, !v, !pipe.slot<@p>
      // expected-remark @+1 {{'written' is loaded by each}}
      tma.load %dA[%written] to %f4 arrive %s : !d, !v, !pipe.slot<@p>
      // expected-remark @+1 {{'chosen' is loaded by each}}
      tma.load %dA[%chosen] to %f5 arrive %s : !d, !v, !pipe.slot<@p>
      pipe.commit %s : !pipe.slot<@p>
    }
  }
}

// -----

// CTAs that fill a ring different numbers of times are not in step: slot i of
// one is not slot i of the other, whatever the loads depend on.

!v = !tile.view<[m: 64], f32>
!d = !tma.desc<box = [64], swizzle = 0, f32>
// CHECK-LABEL: tile.kernel @out_of_step
tile.kernel @out_of_step(
    %A: !tile.tensor<1, f32> {tile.name = "A", tile.mode = "in", tile.major = 0 : i64, tile.shape = ["M"]},
    %M: index {tile.name = "M"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %dA = tma.descriptor %A dims [0] : !tile.tensor<1, f32> -> !d
  %t = tile.tiles "t"(%M, %M) persistent cluster 2 over 1 : !tile.iter<2>
  // CHECK-NOT: multicast
  pipe.ring @p depth(0) fields ["a"] [!v]
  pipe.ring @q depth(0) fields ["a", "b"] [!v, !v]
  tile.role "load" warps(1) {
    tile.for_each %t as (%i, %j) : !tile.iter<2> {
      %s = pipe.acquire_put @p : !pipe.slot<@p>
      %a = pipe.field %s["a"] : !pipe.slot<@p> -> !v
      // expected-remark @+1 {{because the CTAs do not fill 'p' in step}}
      tma.load %dA[%i] to %a arrive %s : !d, !v, !pipe.slot<@p>
      pipe.commit %s : !pipe.slot<@p>
      scf.for %x = %c0 to %j step %c1 {
        %s2 = pipe.acquire_put @p : !pipe.slot<@p>
        %a2 = pipe.field %s2["a"] : !pipe.slot<@p> -> !v
        // expected-remark @+1 {{because a loop or branch around it depends on the clustered component of 't'}}
        tma.load %dA[%i] to %a2 arrive %s2 : !d, !v, !pipe.slot<@p>
        pipe.commit %s2 : !pipe.slot<@p>
      }
      // A put without anything from the leader does not hold the others back.
      %s3 = pipe.acquire_put @q : !pipe.slot<@q>
      %a3 = pipe.field %s3["a"] : !pipe.slot<@q> -> !v
      // expected-remark @+1 {{because another put of 'q' has nothing that all need}}
      tma.load %dA[%i] to %a3 arrive %s3 : !d, !v, !pipe.slot<@q>
      pipe.commit %s3 : !pipe.slot<@q>
      %s4 = pipe.acquire_put @q : !pipe.slot<@q>
      %b4 = pipe.field %s4["b"] : !pipe.slot<@q> -> !v
      // expected-remark @+1 {{because what is loaded depends on the clustered component}}
      tma.load %dA[%j] to %b4 arrive %s4 : !d, !v, !pipe.slot<@q>
      pipe.commit %s4 : !pipe.slot<@q>
    }
  }
}
