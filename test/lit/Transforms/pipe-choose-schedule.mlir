// RUN: tilewright-opt %s --pass-pipeline='builtin.module(tile.kernel(pipe-choose-schedule))' --split-input-file --verify-diagnostics | FileCheck %s

// A loop that takes slots and contracts them is unrolled; the hint of the loop
// goes before the kernel's, and no factor exceeds a known trip count. A loop
// that only fills slots is left alone.

!a = !tile.view<[m: 64, k: 64], bf16>
!b = !tile.view<[n: 16, k: 64], bf16>
// CHECK-LABEL: tile.kernel @defaults
tile.kernel @defaults(%n: index {tile.name = "N"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  pipe.ring @p depth(2) fields ["a", "b"] [!a, !b]
  tile.role "load" warps(1) {
    // CHECK: tile.role "load"
    // CHECK-NOT: tile.unroll
    scf.for %k = %c0 to %n step %c1 {
      %s = pipe.acquire_put @p : !pipe.slot<@p>
      pipe.commit %s : !pipe.slot<@p>
    }
  }
  // CHECK: tile.role "math"
  tile.role "math" groups(1) {
    %zero = arith.constant dense<0.0> : vector<8xf32>
    // expected-remark@+1 {{loop over slots: unroll 4, peeks at the next slot}}
    %x = scf.for %k = %c0 to %n step %c1 iter_args(%acc = %zero) -> vector<8xf32> {
      %s = pipe.acquire_get @p : !pipe.slot<@p>
      %a = pipe.field %s["a"] : !pipe.slot<@p> -> !a
      %b = pipe.field %s["b"] : !pipe.slot<@p> -> !b
      %r, %t = mma.contract %a, %b axes("m", "n") wave 64 carry(%acc : vector<8xf32>) : !a, !b -> vector<8xf32>
      pipe.release %s after(%t) : !pipe.slot<@p>
      scf.yield %r : vector<8xf32>
    }
    // CHECK: } {tile.peek, tile.unroll = 4 : i64}
    // expected-remark@+1 {{loop over slots: unroll 2, peeks at the next slot}}
    %y = scf.for %k = %c0 to %c2 step %c1 iter_args(%acc = %x) -> vector<8xf32> {
      %s = pipe.acquire_get @p : !pipe.slot<@p>
      %a = pipe.field %s["a"] : !pipe.slot<@p> -> !a
      %b = pipe.field %s["b"] : !pipe.slot<@p> -> !b
      %r, %t = mma.contract %a, %b axes("m", "n") wave 64 carry(%acc : vector<8xf32>) : !a, !b -> vector<8xf32>
      pipe.release %s after(%t) : !pipe.slot<@p>
      scf.yield %r : vector<8xf32>
    }
    // CHECK: } {tile.peek, tile.unroll = 2 : i64}
  }
}

// -----

!a = !tile.view<[m: 64, k: 64], bf16>
!b = !tile.view<[n: 16, k: 64], bf16>
// CHECK-LABEL: tile.kernel @hints
tile.kernel @hints(%n: index {tile.name = "N"}) target "sm_90a" attributes {tile.hints = {unroll = 8 : i64, peek = 0 : i64}} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  pipe.ring @p depth(2) fields ["a", "b"] [!a, !b]
  tile.role "math" groups(1) {
    %zero = arith.constant dense<0.0> : vector<8xf32>
    // expected-remark@+1 {{loop over slots: unroll 8}}
    %x = scf.for %k = %c0 to %n step %c1 iter_args(%acc = %zero) -> vector<8xf32> {
      %s = pipe.acquire_get @p : !pipe.slot<@p>
      %a = pipe.field %s["a"] : !pipe.slot<@p> -> !a
      %b = pipe.field %s["b"] : !pipe.slot<@p> -> !b
      %r, %t = mma.contract %a, %b axes("m", "n") wave 64 carry(%acc : vector<8xf32>) : !a, !b -> vector<8xf32>
      pipe.release %s after(%t) : !pipe.slot<@p>
      scf.yield %r : vector<8xf32>
    }
    // CHECK: } {tile.unroll = 8 : i64}
    // expected-remark@+1 {{loop over slots: unroll 3, peeks at the next slot}}
    %y = scf.for %k = %c0 to %n step %c1 iter_args(%acc = %x) -> vector<8xf32> {
      %s = pipe.acquire_get @p : !pipe.slot<@p>
      %a = pipe.field %s["a"] : !pipe.slot<@p> -> !a
      %b = pipe.field %s["b"] : !pipe.slot<@p> -> !b
      %r, %t = mma.contract %a, %b axes("m", "n") wave 64 carry(%acc : vector<8xf32>) : !a, !b -> vector<8xf32>
      pipe.release %s after(%t) : !pipe.slot<@p>
      scf.yield %r : vector<8xf32>
    } {tile.hints = {unroll = 3 : i64, peek = 1 : i64}}
    // CHECK: } {tile.hints = {{.*}}, tile.peek, tile.unroll = 3 : i64}
  }
}

// -----

// A narrow product of one wave, whose sums CUDA cores take, in a role of one
// group: products overlap. Not where the ring has one slot, nor in two groups.

!a = !tile.view<[m: 64, k: 64], f8E4M3FN>
!b = !tile.view<[n: 16, k: 64], f8E4M3FN>
// CHECK-LABEL: tile.kernel @overlap
tile.kernel @overlap(%n: index {tile.name = "N"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  pipe.ring @p depth(2) fields ["a", "b"] [!a, !b]
  pipe.ring @q depth(1) fields ["a", "b"] [!a, !b]
  tile.role "one" groups(1) {
    %zero = arith.constant dense<0.0> : vector<8xf32>
    // expected-remark@+1 {{unroll 4, peeks at the next slot, overlaps products}}
    %x = scf.for %k = %c0 to %n step %c1 iter_args(%acc = %zero) -> vector<8xf32> {
      %s = pipe.acquire_get @p : !pipe.slot<@p>
      %a = pipe.field %s["a"] : !pipe.slot<@p> -> !a
      %b = pipe.field %s["b"] : !pipe.slot<@p> -> !b
      %r, %t = mma.contract %a, %b axes("m", "n") wave 64 carry(%acc : vector<8xf32>) : !a, !b -> vector<8xf32> {
      ^bb0(%p: vector<8xf32>, %c: vector<8xf32>):
        %f = arith.addf %p, %c : vector<8xf32>
        mma.yield %f : vector<8xf32>
      }
      pipe.release %s after(%t) : !pipe.slot<@p>
      scf.yield %r : vector<8xf32>
    }
    // CHECK: } {tile.overlap, tile.peek, tile.unroll = 4 : i64}
    // expected-remark@+1 {{unroll 4, peeks at the next slot}}
    %y = scf.for %k = %c0 to %n step %c1 iter_args(%acc = %x) -> vector<8xf32> {
      %s = pipe.acquire_get @q : !pipe.slot<@q>
      %a = pipe.field %s["a"] : !pipe.slot<@q> -> !a
      %b = pipe.field %s["b"] : !pipe.slot<@q> -> !b
      %r, %t = mma.contract %a, %b axes("m", "n") wave 64 carry(%acc : vector<8xf32>) : !a, !b -> vector<8xf32> {
      ^bb0(%p: vector<8xf32>, %c: vector<8xf32>):
        %f = arith.addf %p, %c : vector<8xf32>
        mma.yield %f : vector<8xf32>
      }
      pipe.release %s after(%t) : !pipe.slot<@q>
      scf.yield %r : vector<8xf32>
    }
    // CHECK: } {tile.peek, tile.unroll = 4 : i64}
  }
  tile.role "two" groups(2) split("m") {
    %zero = arith.constant dense<0.0> : vector<8xf32>
    // expected-remark@+1 {{unroll 4, peeks at the next slot}}
    %x = scf.for %k = %c0 to %n step %c1 iter_args(%acc = %zero) -> vector<8xf32> {
      %s = pipe.acquire_get @p : !pipe.slot<@p>
      %a = pipe.field %s["a"] : !pipe.slot<@p> -> !a
      %b = pipe.field %s["b"] : !pipe.slot<@p> -> !b
      %r, %t = mma.contract %a, %b axes("m", "n") wave 64 carry(%acc : vector<8xf32>) : !a, !b -> vector<8xf32> {
      ^bb0(%p: vector<8xf32>, %c: vector<8xf32>):
        %f = arith.addf %p, %c : vector<8xf32>
        mma.yield %f : vector<8xf32>
      }
      pipe.release %s after(%t) : !pipe.slot<@p>
      scf.yield %r : vector<8xf32>
    }
    // CHECK: } {tile.peek, tile.unroll = 4 : i64}
  }
}

// -----

tile.kernel @too_often(%n: index {tile.name = "N"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  tile.role "math" groups(1) {
    // expected-error@+1 {{unrolls 17 times; 1 to 16 are possible}}
    scf.for %k = %c0 to %n step %c1 {
    } {tile.hints = {unroll = 17 : i64}}
  }
}
