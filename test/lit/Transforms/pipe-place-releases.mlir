// RUN: tilewright-opt %s --pass-pipeline='builtin.module(tile.kernel(pipe-place-releases))' --split-input-file --verify-diagnostics | FileCheck %s

// After the last reader, with the tokens of asynchronous ones; right after the
// get if nothing reads; never twice.

// CHECK-LABEL: tile.kernel @release
tile.kernel @release(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a", "b", "s"] [!tile.view<[m: 64, k: 64], bf16>, !tile.view<[n: 32, k: 64], bf16>, !tile.view<[m: 64], f32>]
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %z = arith.constant dense<0.0> : vector<16xf32>
    // CHECK: scf.for
    %r = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %z) -> (vector<16xf32>) {
      // CHECK: %[[S:.*]] = pipe.acquire_get @p
      %s = pipe.acquire_get @p : !pipe.slot<@p>
      %a = pipe.field %s["a"] : !pipe.slot<@p> -> !tile.view<[m: 64, k: 64], bf16>
      %b = pipe.field %s["b"] : !pipe.slot<@p> -> !tile.view<[n: 32, k: 64], bf16>
      // CHECK: %{{.*}}, %[[T:.*]] = mma.contract
      %x, %t = mma.contract %a, %b axes("m", "n") wave 64 carry(%acc : vector<16xf32>) : !tile.view<[m: 64, k: 64], bf16>, !tile.view<[n: 32, k: 64], bf16> -> vector<16xf32>
      // CHECK-NEXT: pipe.release %[[S]] after(%[[T]])
      // CHECK-NEXT: scf.yield
      scf.yield %x : vector<16xf32>
    }
    // CHECK: %[[S2:.*]] = pipe.acquire_get @p
    // CHECK-NEXT: pipe.release %[[S2]] :
    %unread = pipe.acquire_get @p : !pipe.slot<@p>
    // A reader in a nested block: the release comes after the whole block.
    // CHECK: %[[S3:.*]] = pipe.acquire_get @p
    %s3 = pipe.acquire_get @p : !pipe.slot<@p>
    %f = pipe.field %s3["s"] : !pipe.slot<@p> -> !tile.view<[m: 64], f32>
    // CHECK: scf.for
    scf.for %i = %c0 to %n step %c1 {
      // CHECK: tile.load_shared
      %e = tile.load_shared %f[%i] : !tile.view<[m: 64], f32> -> f32
      // CHECK-NEXT: }
    }
    // CHECK-NEXT: pipe.release %[[S3]] :
    // CHECK: %[[S4:.*]] = pipe.acquire_get @p
    // CHECK-NEXT: pipe.release %[[S4]] :
    // CHECK-NOT: pipe.release
    %s4 = pipe.acquire_get @p : !pipe.slot<@p>
    pipe.release %s4 : !pipe.slot<@p>
  }
}
