// RUN: tilewright-opt %s --pass-pipeline='builtin.module(tile.kernel(tile-prefetch-reads))' | FileCheck %s
// RUN: tilewright-opt %s --pass-pipeline='builtin.module(tile.kernel(tile-prefetch-reads{most=0}))' | FileCheck %s --check-prefix=NONE

// The value of the next iteration is read at the top of this one, before the
// wait for a slot; the first one before the loop. What needs more than the
// counter, or is written by the kernel, or does not depend on the counter stays.

// CHECK-LABEL: tile.kernel @scales
// NONE-LABEL: tile.kernel @scales
tile.kernel @scales(
    %S: !tile.tensor<2, f32> {tile.name = "S", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["N", "K"]},
    %C: !tile.tensor<1, f32> {tile.name = "C", tile.mode = "inout", tile.major = 0 : i64, tile.shape = ["N"]},
    %n: index {tile.name = "N"}, %k: index {tile.name = "K"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["s"] [!tile.view<[m: 64], f32>] layouts [#tile.shared<["m"], swizzle = 0>]
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %z = arith.constant 0.0 : f32
    // CHECK: %[[I0:.*]] = arith.addi %{{.*}}, %[[C0:.*]] : index
    // CHECK: %[[V0:.*]] = tile.load_element %[[S:.*]][%[[N:.*]], %[[I0]]]
    // CHECK: scf.for %[[I:.*]] = %[[C0]] to %{{.*}} step %[[STEP:.*]] iter_args(%[[ACC:.*]] = %{{.*}}, %[[V:.*]] = %[[V0]]) -> (f32, f32)
    // CHECK-NEXT: %[[NEXT:.*]] = arith.addi %[[I]], %[[STEP]]
    // CHECK-NEXT: %[[I1:.*]] = arith.addi %{{.*}}, %[[NEXT]]
    // CHECK-NEXT: %[[AHEAD:.*]] = tile.load_element %[[S]][%[[N]], %[[I1]]]
    // CHECK: pipe.acquire_get
    // CHECK: arith.addf %[[ACC]], %[[V]]
    // CHECK: tile.load_element %{{.*}}[%[[N]]]
    // CHECK: tile.load_element %[[S]][%[[N]], %[[C0]]]
    // CHECK: tile.load_element %[[S]][%[[N]], %{{.*}}]
    // CHECK: scf.yield %{{.*}}, %[[AHEAD]] : f32, f32
    // NONE: scf.for {{.*}} -> (f32)
    %r = scf.for %i = %c0 to %k step %c2 iter_args(%acc = %z) -> (f32) {
      %s = pipe.acquire_get @p : !pipe.slot<@p>
      %at = arith.addi %n, %i : index
      %v = tile.load_element %S[%n, %at] : !tile.tensor<2, f32> -> f32
      %sum = arith.addf %acc, %v : f32
      %c = tile.load_element %C[%n] : !tile.tensor<1, f32> -> f32
      %f = tile.load_element %S[%n, %c0] : !tile.tensor<2, f32> -> f32
      %w = arith.fptosi %v : f32 to i32
      %x = arith.index_cast %w : i32 to index
      %g = tile.load_element %S[%n, %x] : !tile.tensor<2, f32> -> f32
      %t0 = arith.addf %sum, %c : f32
      %t1 = arith.addf %t0, %f : f32
      %t2 = arith.addf %t1, %g : f32
      scf.yield %t2 : f32
    // CHECK: } {tile.unroll = 4 : i64}
    } {tile.unroll = 4 : i64}
    // A hint of the loop turns it off.
    // CHECK: scf.for {{.*}} -> (f32)
    %off = scf.for %i = %c0 to %k step %c2 iter_args(%acc = %z) -> (f32) {
      %v = tile.load_element %S[%n, %i] : !tile.tensor<2, f32> -> f32
      %sum = arith.addf %acc, %v : f32
      scf.yield %sum : f32
    } {tile.hints = {prefetch = 0 : i64}}
  }
}
