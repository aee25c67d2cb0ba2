// RUN: tilewright-opt %s --pass-pipeline='builtin.module(tile.kernel(mma-expand-waves))' | FileCheck %s

// Two waves of 64 rows share one set of temporary registers; the slot goes
// back after the last wave's wait, before its promotion; the result is pinned.

// CHECK-LABEL: tile.kernel @waves
tile.kernel @waves(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a", "b"] [!tile.view<[m: 128, k: 64], f8E4M3FN>, !tile.view<[n: 16, k: 64], f8E4M3FN>] layouts [#tile.shared<["m", "k"], swizzle = 64>, #tile.shared<["n", "k"], swizzle = 64>]
  tile.role "math" groups(1) {
    // CHECK: %[[U:.*]] = mma.undef : vector<8xf32>
    %acc = arith.constant dense<0.0> : vector<16xf32>
    %x = arith.constant dense<1.0> : vector<4xf32>
    // CHECK: %[[S:.*]] = pipe.acquire_get @p
    %s = pipe.acquire_get @p : !pipe.slot<@p>
    %a = pipe.field %s["a"] : !pipe.slot<@p> -> !tile.view<[m: 128, k: 64], f8E4M3FN>
    %b = pipe.field %s["b"] : !pipe.slot<@p> -> !tile.view<[n: 16, k: 64], f8E4M3FN>
    // CHECK: %[[C0:.*]] = vector.extract_strided_slice %{{.*}} {offsets = [0], sizes = [8], strides = [1]} : vector<16xf32> to vector<8xf32>
    // CHECK: mma.fence
    // CHECK: mma.descriptor %{{.*}} k("k" : 0) row 0 : !tile.view<[m: 128
    // CHECK: %[[W0:.*]] = mma.wgmma %{{.*}}, %{{.*}} into %[[U]] shape 64 16 32 types f8E4M3FN f8E4M3FN zero
    // CHECK: mma.descriptor %{{.*}} k("k" : 32) row 0 : !tile.view<[m: 128
    // CHECK: %[[W1:.*]] = mma.wgmma %{{.*}}, %{{.*}} into %[[W0]] shape 64 16 32 types f8E4M3FN f8E4M3FN :
    // CHECK: mma.commit
    // CHECK: %[[P0:.*]] = mma.wait 0 tie(%[[W1]] : vector<8xf32>)
    // CHECK-NOT: pipe.release
    // CHECK: %[[X0:.*]] = vector.extract_strided_slice %{{.*}} {offsets = [0], sizes = [2]
    // CHECK: mma.pin
    // CHECK: vector.insert_strided_slice
    // CHECK: mma.descriptor %{{.*}} k("k" : 0) row 64 : !tile.view<[m: 128
    // CHECK: mma.wgmma %{{.*}}, %{{.*}} into %[[P0]] {{.*}} zero
    // CHECK: mma.wait 0
    // CHECK-NEXT: pipe.release %[[S]]
    // CHECK: mma.pin
    %r, %t = mma.contract %a, %b axes("m", "n") wave 64 carry(%acc : vector<16xf32>) inputs(%x : vector<4xf32>) {input_axes = [true]} : !tile.view<[m: 128, k: 64], f8E4M3FN>, !tile.view<[n: 16, k: 64], f8E4M3FN> -> vector<16xf32> {
    ^bb0(%p: vector<8xf32>, %c: vector<8xf32>, %y: vector<2xf32>):
      %w = vector.shuffle %y, %y [0, 0, 1, 1, 0, 0, 1, 1] : vector<2xf32>, vector<2xf32>
      %f = math.fma %p, %w, %c : vector<8xf32>
      mma.yield %f : vector<8xf32>
    }
    // CHECK-NOT: pipe.release
    pipe.release %s after(%t) : !pipe.slot<@p>
  }
}

// Without a region the tensor core adds to the accumulator itself.
// CHECK-LABEL: tile.kernel @plain
tile.kernel @plain() target "sm_90a" {
  pipe.ring @p depth(2) fields ["a", "b"] [!tile.view<[m: 64, k: 64], bf16>, !tile.view<[n: 16, k: 64], bf16>] layouts [#tile.shared<["m", "k"], swizzle = 128>, #tile.shared<["n", "k"], swizzle = 128>]
  tile.role "math" groups(1) {
    // CHECK: %[[ACC:.*]] = arith.constant
    %acc = arith.constant dense<0.0> : vector<8xf32>
    %s = pipe.acquire_get @p : !pipe.slot<@p>
    %a = pipe.field %s["a"] : !pipe.slot<@p> -> !tile.view<[m: 64, k: 64], bf16>
    %b = pipe.field %s["b"] : !pipe.slot<@p> -> !tile.view<[n: 16, k: 64], bf16>
    // CHECK: mma.wgmma %{{.*}}, %{{.*}} into %[[ACC]] shape 64 16 16 types bf16 bf16 :
    // CHECK-COUNT-3: mma.wgmma
    // CHECK: mma.commit
    // CHECK: mma.wait 0
    // CHECK-NEXT: pipe.release
    %r, %t = mma.contract %a, %b axes("m", "n") wave 64 carry(%acc : vector<8xf32>) : !tile.view<[m: 64, k: 64], bf16>, !tile.view<[n: 16, k: 64], bf16> -> vector<8xf32>
    pipe.release %s after(%t) : !pipe.slot<@p>
  }
}

// One set of registers for all partial sums of a role: loops carry it from one
// contraction to the next, the inner loop's to the outer one too.
// CHECK-LABEL: tile.kernel @threaded
tile.kernel @threaded(%n: index {tile.name = "N"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  pipe.ring @p depth(2) fields ["a", "b"] [!tile.view<[m: 64, k: 32], f8E4M3FN>, !tile.view<[n: 16, k: 32], f8E4M3FN>] layouts [#tile.shared<["m", "k"], swizzle = 32>, #tile.shared<["n", "k"], swizzle = 32>]
  tile.role "math" groups(1) {
    // CHECK: %[[U:.*]] = mma.undef : vector<8xf32>
    // CHECK-NOT: mma.undef
    %zero = arith.constant dense<0.0> : vector<8xf32>
    // CHECK: scf.for {{.*}} iter_args(%[[OUTER:.*]] = %[[U]])
    scf.for %i = %c0 to %n step %c1 {
      // CHECK: %[[LOOP:.*]]:2 = scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}, %[[INNER:.*]] = %[[OUTER]])
      %sum = scf.for %k = %c0 to %n step %c1 iter_args(%acc = %zero) -> vector<8xf32> {
        %s = pipe.acquire_get @p : !pipe.slot<@p>
        %a = pipe.field %s["a"] : !pipe.slot<@p> -> !tile.view<[m: 64, k: 32], f8E4M3FN>
        %b = pipe.field %s["b"] : !pipe.slot<@p> -> !tile.view<[n: 16, k: 32], f8E4M3FN>
        // CHECK: mma.wgmma %{{.*}}, %{{.*}} into %[[INNER]] {{.*}} zero
        // CHECK: %[[P:.*]] = mma.wait 0
        %r, %t = mma.contract %a, %b axes("m", "n") wave 64 carry(%acc : vector<8xf32>) : !tile.view<[m: 64, k: 32], f8E4M3FN>, !tile.view<[n: 16, k: 32], f8E4M3FN> -> vector<8xf32> {
        ^bb0(%p: vector<8xf32>, %c: vector<8xf32>):
          %f = arith.addf %p, %c : vector<8xf32>
          mma.yield %f : vector<8xf32>
        }
        pipe.release %s after(%t) : !pipe.slot<@p>
        // CHECK: scf.yield %{{.*}}, %[[P]]
        scf.yield %r : vector<8xf32>
      }
      // CHECK: scf.yield %[[LOOP]]#1
    }
  }
}

// Scales that are read from the slot for this contraction alone are read wave
// by wave, each before its wave's fence; what has another use stays.
// CHECK-LABEL: tile.kernel @late
tile.kernel @late(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a", "b", "s"] [!tile.view<[m: 128, k: 64], f8E4M3FN>, !tile.view<[n: 16, k: 64], f8E4M3FN>, !tile.view<[m: 128], f32>] layouts [#tile.shared<["m", "k"], swizzle = 64>, #tile.shared<["n", "k"], swizzle = 64>, #tile.shared<["m"], swizzle = 0>]
  tile.role "math" groups(1) {
    %acc = arith.constant dense<0.0> : vector<16xf32>
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %s = pipe.acquire_get @p : !pipe.slot<@p>
    %a = pipe.field %s["a"] : !pipe.slot<@p> -> !tile.view<[m: 128, k: 64], f8E4M3FN>
    %b = pipe.field %s["b"] : !pipe.slot<@p> -> !tile.view<[n: 16, k: 64], f8E4M3FN>
    %f = pipe.field %s["s"] : !pipe.slot<@p> -> !tile.view<[m: 128], f32>
    // CHECK: %[[U:.*]] = tile.load_shared %{{.*}}[%[[C1:.*]]]
    // CHECK-NEXT: %[[V:.*]] = tile.load_shared
    // CHECK-NEXT: %[[ELEMENTS:.*]] = vector.from_elements %[[U]], %[[V]]
    // CHECK-NOT: tile.load_shared
    // CHECK: vector.extract_strided_slice
    // CHECK: %[[X0:.*]] = tile.load_shared %{{.*}}[%[[C0:.*]]]
    // CHECK: mma.fence
    // CHECK-NOT: tile.load_shared
    // CHECK: vector.from_elements %[[X0]] : vector<1xf32>
    // CHECK: mma.pin
    // CHECK: %[[X1:.*]] = tile.load_shared %{{.*}}[%[[C1]]]
    // CHECK: mma.fence
    // CHECK: pipe.release %{{.*}} : !pipe.slot
    // CHECK: vector.from_elements %[[X1]] : vector<1xf32>
    %x0 = tile.load_shared %f[%c0] : !tile.view<[m: 128], f32> -> f32
    %x1 = tile.load_shared %f[%c1] : !tile.view<[m: 128], f32> -> f32
    %x = vector.from_elements %x0, %x1 : vector<2xf32>
    %u0 = tile.load_shared %f[%c1] : !tile.view<[m: 128], f32> -> f32
    %u1 = tile.load_shared %f[%c1] : !tile.view<[m: 128], f32> -> f32
    %u = vector.from_elements %u0, %u1 : vector<2xf32>
    %uu = arith.addf %u, %u : vector<2xf32>
    %r, %t = mma.contract %a, %b axes("m", "n") wave 64 carry(%acc : vector<16xf32>) inputs(%x, %u : vector<2xf32>, vector<2xf32>) {input_axes = [true, true]} : !tile.view<[m: 128, k: 64], f8E4M3FN>, !tile.view<[n: 16, k: 64], f8E4M3FN> -> vector<16xf32> {
    ^bb0(%p: vector<8xf32>, %c: vector<8xf32>, %y: vector<1xf32>, %yy: vector<1xf32>):
      %w = vector.shuffle %y, %yy [0, 0, 1, 1, 0, 0, 1, 1] : vector<1xf32>, vector<1xf32>
      %q = math.fma %p, %w, %c : vector<8xf32>
      mma.yield %q : vector<8xf32>
    }
    pipe.release %s after(%t) : !pipe.slot<@p>
  }
}

// Never past the release of the slot that is read.
// CHECK-LABEL: tile.kernel @released
tile.kernel @released(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a", "b"] [!tile.view<[m: 128, k: 64], f8E4M3FN>, !tile.view<[n: 16, k: 64], f8E4M3FN>] layouts [#tile.shared<["m", "k"], swizzle = 64>, #tile.shared<["n", "k"], swizzle = 64>]
  pipe.ring @q depth(2) fields ["s"] [!tile.view<[m: 128], f32>] layouts [#tile.shared<["m"], swizzle = 0>]
  tile.role "math" groups(1) {
    %acc = arith.constant dense<0.0> : vector<16xf32>
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %q = pipe.acquire_get @q : !pipe.slot<@q>
    %f = pipe.field %q["s"] : !pipe.slot<@q> -> !tile.view<[m: 128], f32>
    // CHECK: tile.load_shared
    // CHECK-NEXT: tile.load_shared
    // CHECK: pipe.release
    // CHECK: mma.fence
    // CHECK-NOT: tile.load_shared
    %x0 = tile.load_shared %f[%c0] : !tile.view<[m: 128], f32> -> f32
    %x1 = tile.load_shared %f[%c1] : !tile.view<[m: 128], f32> -> f32
    %x = vector.from_elements %x0, %x1 : vector<2xf32>
    pipe.release %q : !pipe.slot<@q>
    %s = pipe.acquire_get @p : !pipe.slot<@p>
    %a = pipe.field %s["a"] : !pipe.slot<@p> -> !tile.view<[m: 128, k: 64], f8E4M3FN>
    %b = pipe.field %s["b"] : !pipe.slot<@p> -> !tile.view<[n: 16, k: 64], f8E4M3FN>
    %r, %t = mma.contract %a, %b axes("m", "n") wave 64 carry(%acc : vector<16xf32>) inputs(%x : vector<2xf32>) {input_axes = [true]} : !tile.view<[m: 128, k: 64], f8E4M3FN>, !tile.view<[n: 16, k: 64], f8E4M3FN> -> vector<16xf32> {
    ^bb0(%p: vector<8xf32>, %c: vector<8xf32>, %y: vector<1xf32>):
      %w = vector.shuffle %y, %y [0, 0, 1, 1, 0, 0, 1, 1] : vector<1xf32>, vector<1xf32>
      %v = math.fma %p, %w, %c : vector<8xf32>
      mma.yield %v : vector<8xf32>
    }
    pipe.release %s after(%t) : !pipe.slot<@p>
  }
}

// Scales of all waves are read once, before the first product. Where sums and
// these exceed the role's registers (or `late` asks for it) they are read behind
// each product, and the slot goes back behind the last promotion.
// CHECK-LABEL: tile.kernel @behind
tile.kernel @behind(%n: index {tile.name = "N"}) target "sm_90a" attributes {tile.hints = {late = 1 : i64}} {
  pipe.ring @p depth(2) fields ["a", "b", "s"] [!tile.view<[m: 128, k: 64], f8E4M3FN>, !tile.view<[n: 16, k: 64], f8E4M3FN>, !tile.view<[n: 16], f32>] layouts [#tile.shared<["m", "k"], swizzle = 64>, #tile.shared<["n", "k"], swizzle = 64>, #tile.shared<["n"], swizzle = 0>]
  tile.role "math" groups(1) {
    %acc = arith.constant dense<0.0> : vector<16xf32>
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %s = pipe.acquire_get @p : !pipe.slot<@p>
    %a = pipe.field %s["a"] : !pipe.slot<@p> -> !tile.view<[m: 128, k: 64], f8E4M3FN>
    %b = pipe.field %s["b"] : !pipe.slot<@p> -> !tile.view<[n: 16, k: 64], f8E4M3FN>
    %f = pipe.field %s["s"] : !pipe.slot<@p> -> !tile.view<[n: 16], f32>
    // CHECK-NOT: tile.load_shared
    // CHECK: mma.commit
    // CHECK: mma.wait 0
    // CHECK: %[[X0:.*]] = tile.load_shared
    // CHECK-NEXT: %[[X1:.*]] = tile.load_shared
    // CHECK-NEXT: vector.from_elements %[[X0]], %[[X1]]
    // CHECK: mma.pin
    // CHECK-NOT: pipe.release
    // CHECK: mma.wait 0
    // CHECK: tile.load_shared
    // CHECK-NEXT: tile.load_shared
    // CHECK-NOT: pipe.release
    // CHECK: mma.pin
    // CHECK: pipe.release
    %x0 = tile.load_shared %f[%c0] : !tile.view<[n: 16], f32> -> f32
    %x1 = tile.load_shared %f[%c1] : !tile.view<[n: 16], f32> -> f32
    %x = vector.from_elements %x0, %x1 : vector<2xf32>
    %r, %t = mma.contract %a, %b axes("m", "n") wave 64 carry(%acc : vector<16xf32>) inputs(%x : vector<2xf32>) {input_axes = [false]} : !tile.view<[m: 128, k: 64], f8E4M3FN>, !tile.view<[n: 16, k: 64], f8E4M3FN> -> vector<16xf32> {
    ^bb0(%p: vector<8xf32>, %c: vector<8xf32>, %y: vector<2xf32>):
      %w = vector.shuffle %y, %y [0, 1, 0, 1, 0, 1, 0, 1] : vector<2xf32>, vector<2xf32>
      %v = math.fma %p, %w, %c : vector<8xf32>
      mma.yield %v : vector<8xf32>
    }
    pipe.release %s after(%t) : !pipe.slot<@p>
  }
}

// The same without a hint: 40 registers are too few for 24 of sums, partial sums
// and scales and what a loop needs besides; 56 are enough.
// CHECK-LABEL: tile.kernel @short
tile.kernel @short(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a", "b", "s"] [!tile.view<[m: 64, k: 64], f8E4M3FN>, !tile.view<[n: 16, k: 64], f8E4M3FN>, !tile.view<[n: 16], f32>] layouts [#tile.shared<["m", "k"], swizzle = 64>, #tile.shared<["n", "k"], swizzle = 64>, #tile.shared<["n"], swizzle = 0>]
  // CHECK: tile.role "few"
  // CHECK: mma.wait 0
  // CHECK: tile.load_shared
  // CHECK: pipe.release
  tile.role "few" groups(1) at 0 planned 40 {
    %acc = arith.constant dense<0.0> : vector<8xf32>
    %c0 = arith.constant 0 : index
    %s = pipe.acquire_get @p : !pipe.slot<@p>
    %a = pipe.field %s["a"] : !pipe.slot<@p> -> !tile.view<[m: 64, k: 64], f8E4M3FN>
    %b = pipe.field %s["b"] : !pipe.slot<@p> -> !tile.view<[n: 16, k: 64], f8E4M3FN>
    %f = pipe.field %s["s"] : !pipe.slot<@p> -> !tile.view<[n: 16], f32>
    %x0 = tile.load_shared %f[%c0] : !tile.view<[n: 16], f32> -> f32
    %x = vector.from_elements %x0 : vector<1xf32>
    %r, %t = mma.contract %a, %b axes("m", "n") wave 64 carry(%acc : vector<8xf32>) inputs(%x : vector<1xf32>) {input_axes = [false]} : !tile.view<[m: 64, k: 64], f8E4M3FN>, !tile.view<[n: 16, k: 64], f8E4M3FN> -> vector<8xf32> {
    ^bb0(%p: vector<8xf32>, %c: vector<8xf32>, %y: vector<1xf32>):
      %w = vector.shuffle %y, %y [0, 0, 0, 0, 0, 0, 0, 0] : vector<1xf32>, vector<1xf32>
      %v = math.fma %p, %w, %c : vector<8xf32>
      mma.yield %v : vector<8xf32>
    }
    pipe.release %s after(%t) : !pipe.slot<@p>
  }
  // CHECK: tile.role "enough"
  // CHECK: tile.load_shared
  // CHECK: mma.wait 0
  // CHECK-NEXT: pipe.release
  tile.role "enough" groups(1) at 4 planned 56 {
    %acc = arith.constant dense<0.0> : vector<8xf32>
    %c0 = arith.constant 0 : index
    %s = pipe.acquire_get @p : !pipe.slot<@p>
    %a = pipe.field %s["a"] : !pipe.slot<@p> -> !tile.view<[m: 64, k: 64], f8E4M3FN>
    %b = pipe.field %s["b"] : !pipe.slot<@p> -> !tile.view<[n: 16, k: 64], f8E4M3FN>
    %f = pipe.field %s["s"] : !pipe.slot<@p> -> !tile.view<[n: 16], f32>
    %x0 = tile.load_shared %f[%c0] : !tile.view<[n: 16], f32> -> f32
    %x = vector.from_elements %x0 : vector<1xf32>
    %r, %t = mma.contract %a, %b axes("m", "n") wave 64 carry(%acc : vector<8xf32>) inputs(%x : vector<1xf32>) {input_axes = [false]} : !tile.view<[m: 64, k: 64], f8E4M3FN>, !tile.view<[n: 16, k: 64], f8E4M3FN> -> vector<8xf32> {
    ^bb0(%p: vector<8xf32>, %c: vector<8xf32>, %y: vector<1xf32>):
      %w = vector.shuffle %y, %y [0, 0, 0, 0, 0, 0, 0, 0] : vector<1xf32>, vector<1xf32>
      %v = math.fma %p, %w, %c : vector<8xf32>
      mma.yield %v : vector<8xf32>
    }
    pipe.release %s after(%t) : !pipe.slot<@p>
  }
}
