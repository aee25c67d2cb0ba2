// RUN: tilewright-opt %s --pass-pipeline='builtin.module(tile.kernel(tile-distribute,cse))' --split-input-file --verify-diagnostics | FileCheck %s

#acc = #tile.fragment<threads = [4, 8, 4], regs = [2, 2, 12], axes = ["m", "n"], strides = [0, 1, 16, 0, 8, 0, 2, 0, 0, 1, 0, 8]>
#rows = #tile.fragment<threads = [4, 8, 4], regs = [2], axes = ["m"], strides = [0, 1, 16, 8]>
#cols = #tile.fragment<threads = [4, 8, 4], regs = [2, 12], axes = ["n"], strides = [2, 0, 0, 1, 8]>

// Tiles become vectors of the thread's registers, also where loops carry them.
// A subscript that is constant on aligned chunks of 32 is read once a chunk.

// CHECK-LABEL: tile.kernel @gemm
tile.kernel @gemm(
    %SB: !tile.tensor<2, f32> {tile.name = "SB", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["N", "K"]},
    %j: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["s"] [!tile.view<[m: 64], f32>] layouts [#tile.shared<["m"], swizzle = 0>]
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %z = arith.constant 0.0 : f32
    // CHECK: %[[Z:.*]] = vector.broadcast %{{.*}} : f32 to vector<48xf32>
    %acc = tile.splat %z : f32 -> !tile.tile<[m: 64, n: 96], f32, #acc>
    // CHECK: scf.for {{.*}} iter_args(%[[C:.*]] = %[[Z]]) -> (vector<48xf32>)
    %r = scf.for %k = %c0 to %j step %c1 iter_args(%c = %acc) -> (!tile.tile<[m: 64, n: 96], f32, #acc>) {
      %s = pipe.acquire_get @p : !pipe.slot<@p>
      %f = pipe.field %s["s"] : !pipe.slot<@p> -> !tile.view<[m: 64], f32>
      // Rows lane / 4 + 16 * warp, and 8 below.
      // CHECK: %[[X0:.*]] = tile.load_shared
      // CHECK: %[[X1:.*]] = tile.load_shared
      // CHECK: %[[X:.*]] = vector.from_elements %[[X0]], %[[X1]] : vector<2xf32>
      %x = tile.load %f : !tile.view<[m: 64], f32> -> !tile.tile<[m: 64], f32, #rows>
      // CHECK-COUNT-3: tile.load_element
      // CHECK-NOT: tile.load_element
      // CHECK: %[[Y:.*]] = vector.from_elements {{.*}} : vector<24xf32>
      %y = tile.read %SB[affine_map<(n)[s0, s1] -> ((s0 * 96 + n) floordiv 128, s1)>](%j, %k) : !tile.tensor<2, f32> -> !tile.tile<[n: 96], f32, #cols>
      // CHECK: %[[XW:.*]] = vector.shuffle %[[X]], %[[X]] [0, 0, 1, 1, 0, 0, 1, 1
      // CHECK: %[[YW:.*]] = vector.shuffle %[[Y]], %[[Y]] [0, 1, 0, 1, 2, 3, 2, 3
      // CHECK: %[[S:.*]] = arith.mulf %[[XW]], %[[YW]] : vector<48xf32>
      // CHECK: %[[F:.*]] = arith.addf %[[S]], %[[C]] : vector<48xf32>
      %m = tile.map(%x, %y, %c) : (!tile.tile<[m: 64], f32, #rows>, !tile.tile<[n: 96], f32, #cols>, !tile.tile<[m: 64, n: 96], f32, #acc>) -> !tile.tile<[m: 64, n: 96], f32, #acc> {
      ^bb0(%a: f32, %b: f32, %e: f32):
        %p = arith.mulf %a, %b : f32
        %q = arith.addf %p, %e : f32
        tile.yield %q : f32
      }
      // CHECK: scf.yield %[[F]] : vector<48xf32>
      scf.yield %m : !tile.tile<[m: 64, n: 96], f32, #acc>
    }
  }
}

// -----

// An element-wise store: threads that hold copies leave it to the first.

#half = #tile.fragment<threads = [4, 8], regs = [2], axes = ["m"], strides = [2, 0, 1]>
// CHECK-LABEL: tile.kernel @store
tile.kernel @store(
    %D: !tile.tensor<1, f32> {tile.name = "D", tile.mode = "out", tile.major = 0 : i64, tile.shape = ["M"]}) target "sm_90a" {
  tile.role "all" warps(1) {
    %z = arith.constant 1.0 : f32
    %t = tile.splat %z : f32 -> !tile.tile<[m: 8], f32, #half>
    // CHECK: %[[OWNER:.*]] = arith.cmpi eq
    // CHECK: scf.if %[[OWNER]]
    // CHECK-COUNT-2: tile.store_element
    tile.store %t to %D[affine_map<(m) -> (m)>]() : !tile.tile<[m: 8], f32, #half>, !tile.tensor<1, f32>
  }
}

// -----

// Operands held by other threads than the result need a conversion.
#a = #tile.fragment<threads = [32], regs = [2], axes = ["m"], strides = [2, 1]>
#b = #tile.fragment<threads = [32], regs = [2], axes = ["m"], strides = [1, 32]>
tile.kernel @mismatch() target "sm_90a" {
  tile.role "all" warps(1) {
    %z = arith.constant 1.0 : f32
    %t = tile.splat %z : f32 -> !tile.tile<[m: 64], f32, #a>
    // expected-error @+2 {{operand and result are held by different threads; conversion between layouts is not lowered yet}}
    // expected-error @+1 {{failed to legalize operation 'tile.map'}}
    %m = tile.map(%t) : (!tile.tile<[m: 64], f32, #a>) -> !tile.tile<[m: 64], f32, #b> {
    ^bb0(%x: f32):
      tile.yield %x : f32
    }
  }
}

// -----

// A part of a tile is some of each thread's registers: here columns 8 to 15 of
// the second wave.

#whole = #tile.fragment<threads = [4, 8, 4], regs = [2, 2, 2, 2], axes = ["m", "n"], strides = [0, 1, 16, 0, 8, 0, 64, 2, 0, 0, 1, 0, 8, 0]>
#part = #tile.fragment<threads = [4, 8, 4], regs = [2, 2, 1, 1], axes = ["m", "n"], strides = [0, 1, 16, 0, 8, 0, 64, 2, 0, 0, 1, 0, 8, 0]>
// CHECK-LABEL: tile.kernel @part
tile.kernel @part() target "sm_90a" {
  pipe.ring @p depth(1) fields ["a"] [!tile.view<[m: 64, n: 8], f32>] layouts [#tile.shared<["m", "n"], swizzle = 0>]
  tile.role "math" groups(1) {
    %z = arith.constant 0.0 : f32
    %t = tile.splat %z : f32 -> !tile.tile<[m: 128, n: 16], f32, #whole>
    %s = pipe.acquire_put @p : !pipe.slot<@p>
    %f = pipe.field %s["a"] : !pipe.slot<@p> -> !tile.view<[m: 64, n: 8], f32>
    // CHECK: %[[P:.*]] = vector.shuffle %{{.*}}, %{{.*}} [12, 13, 14, 15] : vector<16xf32>, vector<16xf32>
    // CHECK: tile.store_fragment %[[P]]
    %x = tile.extract %t[64, 8] : !tile.tile<[m: 128, n: 16], f32, #whole> -> !tile.tile<[m: 64, n: 8], f32, #part>
    tile.put %x to %f : !tile.tile<[m: 64, n: 8], f32, #part>, !tile.view<[m: 64, n: 8], f32>
    pipe.commit %s : !pipe.slot<@p>
  }
}
