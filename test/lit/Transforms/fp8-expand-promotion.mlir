// RUN: tilewright-opt %s --pass-pipeline='builtin.module(tile.kernel(fp8-expand-promotion))' --split-input-file | FileCheck %s

// Scales are multiplied first, left to right; then one fused multiply-add an
// element. The region sees one wave of 64 rows: tiles with the M axis are cut.

#acc = #tile.fragment<threads = [4, 8, 4], regs = [2, 2, 4, 2], axes = ["m", "n"], strides = [0, 1, 16, 0, 8, 0, 64, 2, 0, 0, 1, 0, 8, 0]>
#rows = #tile.fragment<threads = [4, 8, 4], regs = [2, 2], axes = ["m"], strides = [0, 1, 16, 8, 64]>
#cols = #tile.fragment<threads = [4, 8, 4], regs = [2, 4], axes = ["n"], strides = [2, 0, 0, 1, 8]>

// CHECK-LABEL: tile.kernel @scaled
tile.kernel @scaled() target "sm_90a" {
  pipe.ring @p depth(2) fields ["a", "b"] [!tile.view<[m: 128, k: 128], f8E4M3FN>, !tile.view<[n: 32, k: 128], f8E4M3FN>]
  tile.role "math" groups(1) {
    %z = arith.constant 0.0 : f32
    // CHECK: %[[ACC:.*]] = tile.splat
    %acc = tile.splat %z : f32 -> !tile.tile<[m: 128, n: 32], f32, #acc>
    %x = tile.splat %z : f32 -> !tile.tile<[m: 128], f32, #rows>
    %y = tile.splat %z : f32 -> !tile.tile<[n: 32], f32, #cols>
    %s = pipe.acquire_get @p : !pipe.slot<@p>
    %a = pipe.field %s["a"] : !pipe.slot<@p> -> !tile.view<[m: 128, k: 128], f8E4M3FN>
    %b = pipe.field %s["b"] : !pipe.slot<@p> -> !tile.view<[n: 32, k: 128], f8E4M3FN>
    // CHECK: mma.contract %{{.*}}, %{{.*}} axes("m", "n") wave 64 carry(%[[ACC]]
    // CHECK-SAME: input_axes = [true, false]
    // CHECK: ^bb0(%[[P:.*]]: !tile.tile<[m: 64, n: 32], f32, {{.*}}>, %[[C:.*]]: !tile.tile<[m: 64, n: 32], f32, {{.*}}>, %[[X:.*]]: !tile.tile<[m: 64], f32, {{.*}}>, %[[Y:.*]]: !tile.tile<[n: 32], f32, {{.*}}>):
    // CHECK: %[[S:.*]] = tile.map(%[[X]], %[[Y]])
    // CHECK: arith.mulf
    // CHECK: %[[F:.*]] = tile.map(%[[P]], %[[S]], %[[C]])
    // CHECK: math.fma
    // CHECK: mma.yield %[[F]]
    %r = fp8.promote %acc, %a, %b scales(%x, %y : !tile.tile<[m: 128], f32, #rows>, !tile.tile<[n: 32], f32, #cols>) : !tile.tile<[m: 128, n: 32], f32, #acc>, !tile.view<[m: 128, k: 128], f8E4M3FN>, !tile.view<[n: 32, k: 128], f8E4M3FN> -> !tile.tile<[m: 128, n: 32], f32, #acc>
  }
}

// -----

#acc = #tile.fragment<threads = [4, 8, 4], regs = [2, 2, 4, 1], axes = ["m", "n"], strides = [0, 1, 16, 0, 8, 0, 64, 2, 0, 0, 1, 0, 8, 0]>

// Without scales the partial sum is added; without promotion the tensor core
// adds to the accumulator itself.

// CHECK-LABEL: tile.kernel @unscaled
tile.kernel @unscaled() target "sm_90a" {
  pipe.ring @p depth(2) fields ["a", "b"] [!tile.view<[m: 64, k: 64], bf16>, !tile.view<[n: 32, k: 64], bf16>]
  tile.role "math" groups(1) {
    %z = arith.constant 0.0 : f32
    %acc = tile.splat %z : f32 -> !tile.tile<[m: 64, n: 32], f32, #acc>
    %s = pipe.acquire_get @p : !pipe.slot<@p>
    %a = pipe.field %s["a"] : !pipe.slot<@p> -> !tile.view<[m: 64, k: 64], bf16>
    %b = pipe.field %s["b"] : !pipe.slot<@p> -> !tile.view<[n: 32, k: 64], bf16>
    // CHECK: mma.contract
    // CHECK: ^bb0(%[[P:.*]]: !tile.tile<{{.*}}>, %[[C:.*]]: !tile.tile<
    // CHECK: tile.map(%[[C]], %[[P]])
    // CHECK: arith.addf
    %r = fp8.promote %acc, %a, %b : !tile.tile<[m: 64, n: 32], f32, #acc>, !tile.view<[m: 64, k: 64], bf16>, !tile.view<[n: 32, k: 64], bf16> -> !tile.tile<[m: 64, n: 32], f32, #acc>
    // CHECK: mma.contract
    // CHECK-NOT: ^bb0
    // CHECK: }
    %q = tile.contract %a, %b acc(%r : !tile.tile<[m: 64, n: 32], f32, #acc>) : !tile.view<[m: 64, k: 64], bf16>, !tile.view<[n: 32, k: 64], bf16> -> !tile.tile<[m: 64, n: 32], f32, #acc>
  }
}
