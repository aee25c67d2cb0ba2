// RUN: tilewright-opt %s --pass-pipeline='builtin.module(tile.kernel(tile-infer-layouts))' --split-input-file --verify-diagnostics

// 8-bit operands must be contiguous along the contracted axis.
tile.kernel @major(
    %A: !tile.tensor<2, f8E4M3FN> {tile.name = "A", tile.mode = "in", tile.major = 0 : i64, tile.shape = ["M", "K"]}) target "sm_90a" {
  pipe.ring @ab depth(2) fields ["a", "b"] [!tile.view<[m: 64, k: 64], f8E4M3FN>, !tile.view<[n: 32, k: 64], f8E4M3FN>]
  tile.role "load" warps(1) {
    %s = pipe.acquire_put @ab : !pipe.slot<@ab>
    %a = pipe.field %s["a"] : !pipe.slot<@ab> -> !tile.view<[m: 64, k: 64], f8E4M3FN>
    // expected-note @+1 {{filled here}}
    tile.copy %A[affine_map<(m, k) -> (m, k)>]() to %a : !tile.tensor<2, f8E4M3FN>, !tile.view<[m: 64, k: 64], f8E4M3FN>
    pipe.commit %s : !pipe.slot<@ab>
  }
  tile.role "math" groups(1) {
    %s = pipe.acquire_get @ab : !pipe.slot<@ab>
    %a = pipe.field %s["a"] : !pipe.slot<@ab> -> !tile.view<[m: 64, k: 64], f8E4M3FN>
    %b = pipe.field %s["b"] : !pipe.slot<@ab> -> !tile.view<[n: 32, k: 64], f8E4M3FN>
    // expected-error @+1 {{operand 'a' is contiguous along 'm' but the tensor core wants 'f8E4M3FN' operands contiguous along the contracted axis 'k'}}
    %r = tile.contract %a, %b : !tile.view<[m: 64, k: 64], f8E4M3FN>, !tile.view<[n: 32, k: 64], f8E4M3FN> -> !tile.tile<[m: 64, n: 32], f32>
  }
}

// -----

// The M side is a multiple of 64; the message proposes the swap.
tile.kernel @mside() target "sm_90a" {
  pipe.ring @ab depth(2) fields ["a", "b"] [!tile.view<[m: 32, k: 64], f8E4M3FN>, !tile.view<[n: 64, k: 64], f8E4M3FN>]
  tile.role "math" groups(1) {
    %s = pipe.acquire_get @ab : !pipe.slot<@ab>
    %a = pipe.field %s["a"] : !pipe.slot<@ab> -> !tile.view<[m: 32, k: 64], f8E4M3FN>
    %b = pipe.field %s["b"] : !pipe.slot<@ab> -> !tile.view<[n: 64, k: 64], f8E4M3FN>
    // expected-error @+2 {{the first operand's free axis 'm' has extent 32 in each group; the tensor core's M side is a multiple of 64}}
    // expected-note @+1 {{swap the operands to put axis 'n' (extent 64) on the M side}}
    %r = tile.contract %a, %b : !tile.view<[m: 32, k: 64], f8E4M3FN>, !tile.view<[n: 64, k: 64], f8E4M3FN> -> !tile.tile<[m: 32, n: 64], f32>
  }
}

// -----

// Tensor cores belong to warpgroups.
tile.kernel @warps() target "sm_90a" {
  pipe.ring @ab depth(2) fields ["a", "b"] [!tile.view<[m: 64, k: 64], f8E4M3FN>, !tile.view<[n: 64, k: 64], f8E4M3FN>]
  tile.role "math" warps(4) {
    %s = pipe.acquire_get @ab : !pipe.slot<@ab>
    %a = pipe.field %s["a"] : !pipe.slot<@ab> -> !tile.view<[m: 64, k: 64], f8E4M3FN>
    %b = pipe.field %s["b"] : !pipe.slot<@ab> -> !tile.view<[n: 64, k: 64], f8E4M3FN>
    // expected-error @+1 {{needs a role of warpgroups: declare role 'math' with groups}}
    %r = tile.contract %a, %b : !tile.view<[m: 64, k: 64], f8E4M3FN>, !tile.view<[n: 64, k: 64], f8E4M3FN> -> !tile.tile<[m: 64, n: 64], f32>
  }
}

// -----

// A contracted axis of 16 bytes has no swizzle.
tile.kernel @narrow() target "sm_90a" {
  pipe.ring @ab depth(2) fields ["a", "b"] [!tile.view<[m: 64, k: 16], f8E4M3FN>, !tile.view<[n: 64, k: 16], f8E4M3FN>]
  tile.role "math" groups(1) {
    %s = pipe.acquire_get @ab : !pipe.slot<@ab>
    %a = pipe.field %s["a"] : !pipe.slot<@ab> -> !tile.view<[m: 64, k: 16], f8E4M3FN>
    %b = pipe.field %s["b"] : !pipe.slot<@ab> -> !tile.view<[n: 64, k: 16], f8E4M3FN>
    // expected-error @+1 {{operand 'a' has a contiguous axis 'k' of 16 bytes; a swizzled operand needs a multiple of 32 bytes}}
    %r = tile.contract %a, %b : !tile.view<[m: 64, k: 16], f8E4M3FN>, !tile.view<[n: 64, k: 16], f8E4M3FN> -> !tile.tile<[m: 64, n: 64], f32>
  }
}

// -----

// A tile that no thread could hold, found by the fuzzer: passes took minutes.
tile.kernel @large(
    %A: !tile.tensor<2, f32> {tile.name = "A", tile.mode = "inout", tile.major = 1 : i64, tile.shape = ["M", "N"]}) target "sm_90a" {
  tile.role "work" groups(1) {
    // expected-error @+1 {{a tile of 16400384 elements is 128128 for each thread, which has 255 registers; at most 1024 are possible}}
    %x = tile.read %A[affine_map<(m, n) -> (m, n)>]() : !tile.tensor<2, f32> -> !tile.tile<[m: 128128, n: 128], f32>
    tile.store %x to %A[affine_map<(m, n) -> (m, n)>]() : !tile.tile<[m: 128128, n: 128], f32>, !tile.tensor<2, f32>
  }
}
