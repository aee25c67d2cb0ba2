// RUN: tilewright-opt %s --pass-pipeline='builtin.module(tile.kernel(tile-infer-layouts))' | FileCheck %s

// Operands of a contraction get the widest swizzle that fits, and keep the
// axis that their producer reads contiguously innermost; other fields are
// plain. The accumulator has wgmma's layout, a scale its projection.

// CHECK-LABEL: tile.kernel @gemm
tile.kernel @gemm(
    %A: !tile.tensor<2, bf16> {tile.name = "A", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["M", "K"]},
    %B: !tile.tensor<2, bf16> {tile.name = "B", tile.mode = "in", tile.major = 0 : i64, tile.shape = ["N", "K"]},
    %i: index {tile.name = "M"}) target "sm_90a" {
  // CHECK: pipe.ring @ab
  // CHECK-SAME: layouts [#tile.shared<["m", "k"], swizzle = 128>, #tile.shared<["k", "n"], swizzle = 64>, #tile.shared<["m"], swizzle = 0>]
  pipe.ring @ab depth(2) fields ["a", "b", "s"] [!tile.view<[m: 64, k: 64], bf16>, !tile.view<[n: 32, k: 64], bf16>, !tile.view<[m: 64], f32>]
  tile.role "math" groups(1) {
    %zero = arith.constant 0.0 : f32
    // CHECK: tile.splat {{.*}} -> !tile.tile<[m: 64, n: 32], f32, #tile.fragment<threads = [4, 8, 4], regs = [2, 2, 4, 1], axes = ["m", "n"], strides = [0, 1, 16, 0, 8, 0, 64, 2, 0, 0, 1, 0, 8, 0]>>
    %acc = tile.splat %zero : f32 -> !tile.tile<[m: 64, n: 32], f32>
    %s = pipe.acquire_get @ab : !pipe.slot<@ab>
    %a = pipe.field %s["a"] : !pipe.slot<@ab> -> !tile.view<[m: 64, k: 64], bf16>
    %b = pipe.field %s["b"] : !pipe.slot<@ab> -> !tile.view<[n: 32, k: 64], bf16>
    %x = pipe.field %s["s"] : !pipe.slot<@ab> -> !tile.view<[m: 64], f32>
    // CHECK: tile.load {{.*}} -> !tile.tile<[m: 64], f32, #tile.fragment<threads = [4, 8, 4], regs = [2, 1], axes = ["m"], strides = [0, 1, 16, 8, 64]>>
    %y = tile.load %x : !tile.view<[m: 64], f32> -> !tile.tile<[m: 64], f32>
    %r = fp8.promote %acc, %a, %b scales(%y : !tile.tile<[m: 64], f32>) : !tile.tile<[m: 64, n: 32], f32>, !tile.view<[m: 64, k: 64], bf16>, !tile.view<[n: 32, k: 64], bf16> -> !tile.tile<[m: 64, n: 32], f32>
  }
  tile.role "load" warps(1) {
    %s = pipe.acquire_put @ab : !pipe.slot<@ab>
    %b = pipe.field %s["b"] : !pipe.slot<@ab> -> !tile.view<[n: 32, k: 64], bf16>
    tile.copy %B[affine_map<(n, k)[s0] -> (s0 * 32 + n, k)>](%i) to %b : !tile.tensor<2, bf16>, !tile.view<[n: 32, k: 64], bf16>
    pipe.commit %s : !pipe.slot<@ab>
  }
}

// A tile that no contraction reaches is spread over the role's threads.
// CHECK-LABEL: tile.kernel @copy
tile.kernel @copy(
    %A: !tile.tensor<1, f32> {tile.name = "A", tile.mode = "in", tile.major = 0 : i64, tile.shape = ["M"]}) target "sm_90a" {
  tile.role "all" warps(2) {
    // CHECK: tile.read {{.*}} -> !tile.tile<[m: 256], f32, #tile.fragment<threads = [64], regs = [4], axes = ["m"], strides = [4, 1]>>
    %r = tile.read %A[affine_map<(m) -> (m)>]() : !tile.tensor<1, f32> -> !tile.tile<[m: 256], f32>
  }
}

// What the sides of a branch yield and its result are one tile: the layout of the
// product on one side goes to the other and on to what uses the result.

// CHECK-LABEL: tile.kernel @branch
tile.kernel @branch(
    %D: !tile.tensor<2, f32> {tile.name = "D", tile.mode = "out", tile.major = 1 : i64, tile.shape = ["M", "N"]},
    %i: index {tile.name = "I"}) target "sm_90a" {
  pipe.ring @ab depth(2) fields ["a", "b"] [!tile.view<[m: 64, k: 64], f8E4M3FN>, !tile.view<[n: 32, k: 64], f8E4M3FN>]
  tile.role "math" groups(1) {
    %z = arith.constant 0.0 : f32
    %zero = tile.splat %z : f32 -> !tile.tile<[m: 64, n: 32], f32>
    %c0 = arith.constant 0 : index
    %more = arith.cmpi sgt, %i, %c0 : index
    // CHECK: scf.if {{.*}} -> (!tile.tile<[m: 64, n: 32], f32, #tile.fragment<threads = [4, 8, 4]{{.*}}>)
    %r = scf.if %more -> (!tile.tile<[m: 64, n: 32], f32>) {
      %s = pipe.acquire_get @ab : !pipe.slot<@ab>
      %a = pipe.field %s["a"] : !pipe.slot<@ab> -> !tile.view<[m: 64, k: 64], f8E4M3FN>
      %b = pipe.field %s["b"] : !pipe.slot<@ab> -> !tile.view<[n: 32, k: 64], f8E4M3FN>
      %p = tile.contract %a, %b : !tile.view<[m: 64, k: 64], f8E4M3FN>, !tile.view<[n: 32, k: 64], f8E4M3FN> -> !tile.tile<[m: 64, n: 32], f32>
      scf.yield %p : !tile.tile<[m: 64, n: 32], f32>
    } else {
      // CHECK: else
      // CHECK-NEXT: scf.yield %{{.*}} : !tile.tile<[m: 64, n: 32], f32, #tile.fragment<threads = [4, 8, 4]
      scf.yield %zero : !tile.tile<[m: 64, n: 32], f32>
    }
    // CHECK: tile.store {{.*}} : !tile.tile<[m: 64, n: 32], f32, #tile.fragment<threads = [4, 8, 4]
    tile.store %r to %D[affine_map<(m, n) -> (m, n)>]() : !tile.tile<[m: 64, n: 32], f32>, !tile.tensor<2, f32>
  }
}
