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

// -----

// The hint of one loop makes the ring static: each role begins it again before
// its loop. Whole rounds are unrolled.

!a = !tile.view<[m: 64, k: 64], bf16>
!b = !tile.view<[n: 16, k: 64], bf16>
// CHECK-LABEL: tile.kernel @static
tile.kernel @static(%n: index {tile.name = "N"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: pipe.ring @p depth(3) {{.*}} indexing static
  pipe.ring @p depth(3) fields ["a", "b"] [!a, !b]
  tile.role "load" warps(1) {
    // CHECK: pipe.restart @p
    // CHECK-NEXT: scf.for
    scf.for %k = %c0 to %n step %c1 {
      %s = pipe.acquire_put @p : !pipe.slot<@p>
      pipe.commit %s : !pipe.slot<@p>
    }
  }
  // CHECK: tile.role "math"
  tile.role "math" groups(1) {
    %zero = arith.constant dense<0.0> : vector<8xf32>
    // CHECK: pipe.restart @p
    // CHECK-NEXT: scf.for
    // expected-remark@+1 {{loop over slots: unroll 6, peeks at the next slot, static slots of 'p'}}
    %x = scf.for %k = %c0 to %n step %c1 iter_args(%acc = %zero) -> vector<8xf32> {
      %s = pipe.acquire_get @p : !pipe.slot<@p>
      %a = pipe.field %s["a"] : !pipe.slot<@p> -> !a
      %b = pipe.field %s["b"] : !pipe.slot<@p> -> !b
      %r, %t = mma.contract %a, %b axes("m", "n") wave 64 carry(%acc : vector<8xf32>) : !a, !b -> vector<8xf32>
      pipe.release %s after(%t) : !pipe.slot<@p>
      scf.yield %r : vector<8xf32>
    } {tile.hints = {static = 1 : i64}}
    // CHECK: } {tile.hints = {{.*}}, tile.peek, tile.unroll = 6 : i64}
  }
}

// -----

// CHECK-LABEL: tile.kernel @kernel_hint
// CHECK: indexing static
// CHECK-COUNT-2: pipe.restart @p
tile.kernel @kernel_hint(%n: index {tile.name = "N"}, %m: index {tile.name = "M"}) target "sm_90a" attributes {tile.hints = {static = 1 : i64}} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[m: 64], f32>]
  tile.role "load" warps(1) {
    scf.for %k = %c0 to %n step %c1 {
      %s = pipe.acquire_put @p : !pipe.slot<@p>
      pipe.commit %s : !pipe.slot<@p>
    }
  }
  tile.role "math" groups(1) {
    scf.for %k = %c0 to %n step %c1 {
      %s = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s : !pipe.slot<@p>
    }
  }
}

// -----

// The hint of a loop goes before the kernel's.
// CHECK-LABEL: tile.kernel @loop_says_dynamic
// CHECK-NOT: static slots
// CHECK-NOT: pipe.restart
tile.kernel @loop_says_dynamic(%n: index {tile.name = "N"}, %m: index {tile.name = "M"}) target "sm_90a" attributes {tile.hints = {static = 1 : i64}} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[m: 64], f32>]
  tile.role "load" warps(1) {
    scf.for %k = %c0 to %n step %c1 {
      %s = pipe.acquire_put @p : !pipe.slot<@p>
      pipe.commit %s : !pipe.slot<@p>
    }
  }
  tile.role "math" groups(1) {
    scf.for %k = %c0 to %n step %c1 {
      %s = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s : !pipe.slot<@p>
    } {tile.hints = {dynamic = 1 : i64}}
  }
}

// -----

tile.kernel @contradiction(%n: index {tile.name = "N"}, %m: index {tile.name = "M"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[m: 64], f32>]
  tile.role "load" warps(1) {
    // expected-error@+1 {{asks for static slots of 'p', but dynamic ones are asked for, too}}
    scf.for %k = %c0 to %n step %c1 {
      %s = pipe.acquire_put @p : !pipe.slot<@p>
      pipe.commit %s : !pipe.slot<@p>
    } {tile.hints = {static = 1 : i64}}
  }
  tile.role "math" groups(1) {
    // expected-note@+1 {{here}}
    scf.for %k = %c0 to %n step %c1 {
      %s = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s : !pipe.slot<@p>
    } {tile.hints = {dynamic = 1 : i64}}
  }
}

// -----

tile.kernel @counts(%n: index {tile.name = "N"}, %m: index {tile.name = "M"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[m: 64], f32>]
  tile.role "load" warps(1) {
    scf.for %k = %c0 to %n step %c1 {
      %s = pipe.acquire_put @p : !pipe.slot<@p>
      pipe.commit %s : !pipe.slot<@p>
    }
  }
  tile.role "math" groups(1) {
    // expected-note@+2 {{here}}
    // expected-error@+1 {{slots of 'p' cannot be static: the loops of roles 'load' and 'math' need not run equally often}}
    scf.for %k = %c0 to %m step %c1 {
      %s = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s : !pipe.slot<@p>
    } {tile.hints = {static = 1 : i64}}
  }
}

// -----

tile.kernel @two_places(%n: index {tile.name = "N"}, %m: index {tile.name = "M"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[m: 64], f32>]
  tile.role "load" warps(1) {
    scf.for %k = %c0 to %n step %c1 {
      %s = pipe.acquire_put @p : !pipe.slot<@p>
      pipe.commit %s : !pipe.slot<@p>
    }
  }
  tile.role "math" groups(1) {
    // expected-error@+1 {{slots of 'p' cannot be static: role 'math' takes its slots in more than one place}}
    scf.for %k = %c0 to %n step %c1 {
      %s = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s : !pipe.slot<@p>
      // expected-note@+1 {{here}}
      %u = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %u : !pipe.slot<@p>
    } {tile.hints = {static = 1 : i64}}
  }
}

// -----

tile.kernel @condition(%n: index {tile.name = "N"}, %m: index {tile.name = "M"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[m: 64], f32>]
  tile.role "load" warps(1) {
    // expected-error@+1 {{slots of 'p' cannot be static: role 'math' does not take one in each iteration of a 'for' over a range}}
    scf.for %k = %c0 to %n step %c1 {
      %s = pipe.acquire_put @p : !pipe.slot<@p>
      pipe.commit %s : !pipe.slot<@p>
    } {tile.hints = {static = 1 : i64}}
  }
  tile.role "math" groups(1) {
    scf.for %k = %c0 to %n step %c1 {
      %some = arith.cmpi ult, %k, %m : index
      scf.if %some {
        // expected-note@+1 {{here}}
        %s = pipe.acquire_get @p : !pipe.slot<@p>
        pipe.release %s : !pipe.slot<@p>
      }
    }
  }
}

// -----

tile.kernel @too_deep(%n: index {tile.name = "N"}, %m: index {tile.name = "M"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // expected-note@+1 {{here}}
  pipe.ring @p depth(33) fields ["a"] [!tile.view<[m: 64], f32>]
  tile.role "load" warps(1) {
    // expected-error@+1 {{slots of 'p' cannot be static: it has 33 slots, more than 32}}
    scf.for %k = %c0 to %n step %c1 {
      %s = pipe.acquire_put @p : !pipe.slot<@p>
      pipe.commit %s : !pipe.slot<@p>
    } {tile.hints = {static = 1 : i64}}
  }
  tile.role "math" groups(1) {
    scf.for %k = %c0 to %n step %c1 {
      %s = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s : !pipe.slot<@p>
    }
  }
}

// -----

tile.kernel @nothing(%n: index {tile.name = "N"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  tile.role "math" groups(1) {
    // expected-error@+1 {{is to have static slots, but takes none in its own body}}
    scf.for %k = %c0 to %n step %c1 {
    } {tile.hints = {static = 1 : i64}}
  }
}

// -----

// A loop that begins again may have a single slot, so all must come through
// with one.

// Both rings become static.
// CHECK-LABEL: tile.kernel @two_rings
// CHECK-COUNT-2: indexing static
// CHECK-COUNT-4: pipe.restart
tile.kernel @two_rings(%n: index {tile.name = "N"}) target "sm_90a" attributes {tile.hints = {static = 1 : i64}} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[m: 64], f32>]
  pipe.ring @q depth(2) fields ["a"] [!tile.view<[m: 64], f32>]
  tile.role "load" warps(1) {
    scf.for %k = %c0 to %n step %c1 {
      %s = pipe.acquire_put @p : !pipe.slot<@p>
      pipe.commit %s : !pipe.slot<@p>
      %u = pipe.acquire_put @q : !pipe.slot<@q>
      pipe.commit %u : !pipe.slot<@q>
    }
  }
  tile.role "math" groups(1) {
    scf.for %k = %c0 to %n step %c1 {
      %u = pipe.acquire_get @q : !pipe.slot<@q>
      pipe.release %u : !pipe.slot<@q>
      %s = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s : !pipe.slot<@p>
    }
  }
}

// -----

tile.kernel @needs_two(%n: index {tile.name = "N"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[m: 64], f32>]
  pipe.ring @q depth(2) fields ["a"] [!tile.view<[m: 64], f32>]
  tile.role "load" warps(1) {
    // expected-error@+1 {{slots of 'p' cannot be static: a loop that begins again may have only one slot, and with one: roles 'load' and 'math' wait for each other for ever}}
    scf.for %k = %c0 to %c2 step %c1 {
      // expected-note@+1 {{here}}
      %s = pipe.acquire_put @p : !pipe.slot<@p>
      pipe.commit %s : !pipe.slot<@p>
    } {tile.hints = {static = 1 : i64}}
    %u = pipe.acquire_put @q : !pipe.slot<@q>
    pipe.commit %u : !pipe.slot<@q>
  }
  tile.role "math" groups(1) {
    %u = pipe.acquire_get @q : !pipe.slot<@q>
    pipe.release %u : !pipe.slot<@q>
    scf.for %k = %c0 to %c2 step %c1 {
      %s = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s : !pipe.slot<@p>
    }
  }
}
