// RUN: tilewright-opt %s --pass-pipeline='builtin.module(tile.kernel(tile-form-copies))' --split-input-file --verify-diagnostics | FileCheck %s

// A box of a tensor becomes bulk loads; a field wider than the swizzle span is
// loaded atom by atom. Descriptors are shared by copies that agree.

// CHECK-LABEL: tile.kernel @loads
tile.kernel @loads(
    %A: !tile.tensor<2, bf16> {tile.name = "A", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["M", "K"]},
    %i: index {tile.name = "M"}) target "sm_90a" {
  // CHECK-COUNT-1: tma.descriptor %{{.*}} dims [1, 0] : !tile.tensor<2, bf16> -> !tma.desc<box = [64, 64], swizzle = 128, bf16>
  // CHECK-NOT: tma.descriptor
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[m: 64, k: 128], bf16>] layouts [#tile.shared<["m", "k"], swizzle = 128>]
  tile.role "load" warps(1) {
    // CHECK: %[[S:.*]] = pipe.acquire_put @p
    %s = pipe.acquire_put @p : !pipe.slot<@p>
    // CHECK: %[[V:.*]] = pipe.field %[[S]]["a"]
    %a = pipe.field %s["a"] : !pipe.slot<@p> -> !tile.view<[m: 64, k: 128], bf16>
    // CHECK: tma.load %{{.*}}[%{{.*}}, %{{.*}}] to %[[V]] arrive %[[S]]
    // CHECK: tma.load %{{.*}}[%{{.*}}, %{{.*}}] to %[[V]] plus 8192 arrive %[[S]]
    // expected-remark @+1 {{bulk load of 'A': 2 boxes of 64 x 64 elements, innermost first, swizzle 128 bytes}}
    tile.copy %A[affine_map<(m, k)[s0] -> (s0 * 64 + m, k)>](%i) to %a : !tile.tensor<2, bf16>, !tile.view<[m: 64, k: 128], bf16>
    // expected-remark @+1 {{bulk load of 'A': 2 boxes}}
    tile.copy %A[affine_map<(m, k)[s0] -> (s0 * 64 + m, k + 128)>](%i) to %a : !tile.tensor<2, bf16>, !tile.view<[m: 64, k: 128], bf16>
    // CHECK: pipe.commit %[[S]]
    pipe.commit %s : !pipe.slot<@p>
  }
}

// -----

// A store of a warpgroup's tile goes through an implicit ring, one instance a
// group, and is issued by one thread.

// CHECK-LABEL: tile.kernel @store
#frag = #tile.fragment<threads = [4, 8, 4], regs = [2, 2, 4], axes = ["m", "n"], strides = [0, 1, 16, 0, 8, 0, 2, 0, 0, 1, 0, 8]>
tile.kernel @store(
    %D: !tile.tensor<2, bf16> {tile.name = "D", tile.mode = "out", tile.major = 1 : i64, tile.shape = ["M", "N"]},
    %i: index {tile.name = "M"}) target "sm_90a" {
  // CHECK: pipe.ring @D_out depth(0) fields ["value"] [!tile.view<[m: 64, n: 32], bf16>] consumer copy_engine layouts [#tile.shared<["m", "n"], swizzle = 64>] {instances = 2 : i64}
  tile.role "math" groups(2) {
    // CHECK: %[[T:.*]] = tile.splat
    %z = arith.constant 0.0 : bf16
    %t = tile.splat %z : bf16 -> !tile.tile<[m: 64, n: 32], bf16, #frag>
    // CHECK: %[[S:.*]] = pipe.acquire_put @D_out
    // CHECK: %[[V:.*]] = pipe.field %[[S]]["value"]
    // CHECK: tile.put %[[T]] to %[[V]]
    // CHECK: pipe.commit %[[S]]
    // CHECK: tma.elect group
    // CHECK-NEXT: tma.store %[[V]] to
    // CHECK-NEXT: tma.commit_group
    // expected-remark @+1 {{staged bulk store of 'D': 1 box of 32 x 64 elements, innermost first, swizzle 64 bytes}}
    tile.store %t to %D[affine_map<(m, n)[s0] -> (s0 * 64 + m, n)>](%i) : !tile.tile<[m: 64, n: 32], bf16, #frag>, !tile.tensor<2, bf16>
  }
}

// -----

// A larger tile is staged in chunks that each thread holds in some of its
// registers: 64 rows (a wave) by one span of 128 bytes. Each chunk is a put of
// its own, so that its copy overlaps the next one.

// CHECK-LABEL: tile.kernel @chunks
#acc = #tile.fragment<threads = [4, 8, 4], regs = [2, 2, 16, 2], axes = ["m", "n"], strides = [0, 1, 16, 0, 8, 0, 64, 2, 0, 0, 1, 0, 8, 0]>
tile.kernel @chunks(
    %D: !tile.tensor<2, bf16> {tile.name = "D", tile.mode = "out", tile.major = 1 : i64, tile.shape = ["M", "N"]},
    %i: index {tile.name = "M"}) target "sm_90a" {
  // CHECK: pipe.ring @D_out depth(0) fields ["value"] [!tile.view<[m: 64, n: 64], bf16>] consumer copy_engine layouts [#tile.shared<["m", "n"], swizzle = 128>] {instances = 1 : i64}
  tile.role "math" groups(1) {
    // CHECK: %[[T:.*]] = tile.splat
    %z = arith.constant 0.0 : bf16
    %t = tile.splat %z : bf16 -> !tile.tile<[m: 128, n: 128], bf16, #acc>
    // CHECK: %[[S:.*]] = pipe.acquire_put @D_out
    // CHECK: %[[V:.*]] = pipe.field %[[S]]["value"]
    // CHECK: %[[P:.*]] = tile.extract %[[T]][0, 0]
    // CHECK: tile.put %[[P]] to %[[V]]
    // CHECK: pipe.commit %[[S]]
    // CHECK: tma.elect group
    // CHECK-NEXT: tma.store %[[V]] to
    // CHECK-NEXT: tma.commit_group
    // CHECK: pipe.acquire_put @D_out
    // CHECK: tile.extract %[[T]][0, 64]
    // CHECK: tma.commit_group
    // CHECK: pipe.acquire_put @D_out
    // CHECK: tile.extract %[[T]][64, 0]
    // CHECK: tma.commit_group
    // CHECK: pipe.acquire_put @D_out
    // CHECK: tile.extract %[[T]][64, 64]
    // CHECK: tma.commit_group
    // CHECK-NOT: pipe.acquire_put
    // expected-remark @+1 {{staged bulk store of 'D': 1 box of 64 x 64 elements, innermost first, swizzle 128 bytes, for each of 4 chunks of m: 64, n: 64}}
    tile.store %t to %D[affine_map<(m, n)[s0] -> (s0 * 128 + m, n)>](%i) : !tile.tile<[m: 128, n: 128], bf16, #acc>, !tile.tensor<2, bf16>
  }
}

// -----

// Hints: at most so much of an axis, so many buffers. 32-bit elements have 32
// of them in a span; what is added goes the same way.

// CHECK-LABEL: tile.kernel @hints
#acc = #tile.fragment<threads = [4, 8, 4], regs = [2, 2, 16, 2], axes = ["m", "n"], strides = [0, 1, 16, 0, 8, 0, 64, 2, 0, 0, 1, 0, 8, 0]>
tile.kernel @hints(
    %C: !tile.tensor<2, f32> {tile.name = "C", tile.mode = "inout", tile.major = 1 : i64, tile.shape = ["M", "N"]},
    %D: !tile.tensor<2, f32> {tile.name = "D", tile.mode = "out", tile.major = 1 : i64, tile.shape = ["M", "N"]}) target "sm_90a" {
  // CHECK-DAG: pipe.ring @C_out depth(2) fields ["value"] [!tile.view<[m: 128, n: 16], f32>] {{.*}} swizzle = 64>]
  // CHECK-DAG: pipe.ring @D_out depth(0) fields ["value"] [!tile.view<[m: 64, n: 32], f32>] {{.*}} swizzle = 128>]
  tile.role "math" groups(1) {
    %z = arith.constant 0.0 : f32
    %t = tile.splat %z : f32 -> !tile.tile<[m: 128, n: 128], f32, #acc>
    // CHECK: tma.store {{.*}} reduce
    // expected-remark @+1 {{for each of 8 chunks of m: 128, n: 16}}
    tile.store %t to %C[affine_map<(m, n) -> (m, n)>]() accumulate {chunk = {m = 200 : i64, n = 20 : i64}, buffers = 2 : i64} : !tile.tile<[m: 128, n: 128], f32, #acc>, !tile.tensor<2, f32>
    // expected-remark @+1 {{for each of 8 chunks of m: 64, n: 32}}
    tile.store %t to %D[affine_map<(m, n) -> (m, n)>]() : !tile.tile<[m: 128, n: 128], f32, #acc>, !tile.tensor<2, f32>
  }
}

// -----

// Chunks are equal: 160 columns are five spans of 64 bytes.

// CHECK-LABEL: tile.kernel @equal
#acc = #tile.fragment<threads = [4, 8, 4], regs = [2, 2, 20, 1], axes = ["m", "n"], strides = [0, 1, 16, 0, 8, 0, 64, 2, 0, 0, 1, 0, 8, 0]>
tile.kernel @equal(
    %D: !tile.tensor<2, bf16> {tile.name = "D", tile.mode = "out", tile.major = 1 : i64, tile.shape = ["M", "N"]}) target "sm_90a" {
  tile.role "math" groups(1) {
    %z = arith.constant 0.0 : bf16
    %t = tile.splat %z : bf16 -> !tile.tile<[m: 64, n: 160], bf16, #acc>
    // expected-remark @+1 {{1 box of 32 x 64 elements, innermost first, swizzle 64 bytes, for each of 5 chunks of m: 64, n: 32}}
    tile.store %t to %D[affine_map<(m, n) -> (m, n)>]() : !tile.tile<[m: 64, n: 160], bf16, #acc>, !tile.tensor<2, bf16>
  }
}

// -----

// 136 columns are 17 times 8: no span of 64 bytes. Rows of all of them begin in
// eight different places of 128 bytes, so nothing needs a swizzle; of 120, 40 do.
// A hint that forbids the longer row gets the narrow chunks.

// CHECK-LABEL: tile.kernel @odd
#acc = #tile.fragment<threads = [4, 8, 4], regs = [2, 2, 17, 1], axes = ["m", "n"], strides = [0, 1, 16, 0, 8, 0, 64, 2, 0, 0, 1, 0, 8, 0]>
#acc120 = #tile.fragment<threads = [4, 8, 4], regs = [2, 2, 15, 1], axes = ["m", "n"], strides = [0, 1, 16, 0, 8, 0, 64, 2, 0, 0, 1, 0, 8, 0]>
tile.kernel @odd(
    %C: !tile.tensor<2, bf16> {tile.name = "C", tile.mode = "out", tile.major = 1 : i64, tile.shape = ["M", "N"]},
    %D: !tile.tensor<2, f32> {tile.name = "D", tile.mode = "out", tile.major = 1 : i64, tile.shape = ["M", "N"]}) target "sm_90a" {
  tile.role "math" groups(1) {
    %z = arith.constant 0.0 : f32
    %t = tile.splat %z : f32 -> !tile.tile<[m: 64, n: 136], f32, #acc>
    // expected-remark @+1 {{1 box of 136 x 64 elements, innermost first, swizzle 0 bytes}}
    tile.store %t to %D[affine_map<(m, n) -> (m, n)>]() : !tile.tile<[m: 64, n: 136], f32, #acc>, !tile.tensor<2, f32>
    // expected-remark @+1 {{1 box of 8 x 64 elements, innermost first, swizzle 32 bytes, for each of 17 chunks of m: 64, n: 8}}
    tile.store %t to %D[affine_map<(m, n) -> (m, n)>]() {chunk = {n = 64 : i64}} : !tile.tile<[m: 64, n: 136], f32, #acc>, !tile.tensor<2, f32>
    %u = tile.splat %z : f32 -> !tile.tile<[m: 64, n: 120], f32, #acc120>
    // expected-remark @+1 {{1 box of 40 x 64 elements, innermost first, swizzle 0 bytes, for each of 3 chunks of m: 64, n: 40}}
    tile.store %u to %D[affine_map<(m, n) -> (m, n)>]() : !tile.tile<[m: 64, n: 120], f32, #acc120>, !tile.tensor<2, f32>
    %y = arith.constant 0.0 : bf16
    %v = tile.splat %y : bf16 -> !tile.tile<[m: 64, n: 136], bf16, #acc>
    // expected-remark @+1 {{1 box of 136 x 64 elements, innermost first, swizzle 0 bytes}}
    tile.store %v to %C[affine_map<(m, n) -> (m, n)>]() : !tile.tile<[m: 64, n: 136], bf16, #acc>, !tile.tensor<2, bf16>
  }
}

// -----

// Unless the pipes leave no memory for the longer row.

// CHECK-LABEL: tile.kernel @full
#acc = #tile.fragment<threads = [4, 8, 4], regs = [2, 2, 17, 1], axes = ["m", "n"], strides = [0, 1, 16, 0, 8, 0, 64, 2, 0, 0, 1, 0, 8, 0]>
tile.kernel @full(
    %D: !tile.tensor<2, f32> {tile.name = "D", tile.mode = "out", tile.major = 1 : i64, tile.shape = ["M", "N"]}) target "sm_90a" {
  pipe.ring @p depth(4) fields ["a"] [!tile.view<[m: 400, k: 128], f8E4M3FN>] layouts [#tile.shared<["m", "k"], swizzle = 128>]
  tile.role "math" groups(1) {
    %z = arith.constant 0.0 : f32
    %t = tile.splat %z : f32 -> !tile.tile<[m: 64, n: 136], f32, #acc>
    // expected-remark @+1 {{for each of 17 chunks of m: 64, n: 8}}
    tile.store %t to %D[affine_map<(m, n) -> (m, n)>]() : !tile.tile<[m: 64, n: 136], f32, #acc>, !tile.tensor<2, f32>
  }
}

// -----

// A part of a wave is no part of a thread's registers.
#acc = #tile.fragment<threads = [4, 8, 4], regs = [2, 2, 16, 2], axes = ["m", "n"], strides = [0, 1, 16, 0, 8, 0, 64, 2, 0, 0, 1, 0, 8, 0]>
tile.kernel @small(
    %D: !tile.tensor<2, bf16> {tile.name = "D", tile.mode = "out", tile.major = 1 : i64, tile.shape = ["M", "N"]}) target "sm_90a" {
  tile.role "math" groups(1) {
    %z = arith.constant 0.0 : bf16
    %t = tile.splat %z : bf16 -> !tile.tile<[m: 128, n: 128], bf16, #acc>
    // expected-error @+1 {{the store to 'D': chunk m: 32 is too small: axis 'm' of extent 128 can be cut to 64 at the least}}
    tile.store %t to %D[affine_map<(m, n) -> (m, n)>]() {chunk = {m = 32 : i64}} : !tile.tile<[m: 128, n: 128], bf16, #acc>, !tile.tensor<2, bf16>
  }
}

// -----

// A bulk store would clear columns 41 to 47 of each row.

// CHECK-LABEL: tile.kernel @units
#frag = #tile.fragment<threads = [4, 8, 4], regs = [2, 2, 4], axes = ["m", "n"], strides = [0, 1, 16, 0, 8, 0, 2, 0, 0, 1, 0, 8]>
tile.kernel @units(
    %D: !tile.tensor<2, bf16> {tile.name = "D", tile.mode = "out", tile.major = 1 : i64, tile.shape = ["M", 41]}) target "sm_90a" {
  tile.role "math" groups(1) {
    %z = arith.constant 0.0 : bf16
    %t = tile.splat %z : bf16 -> !tile.tile<[m: 64, n: 32], bf16, #frag>
    // CHECK: tile.store
    // expected-remark @+1 {{store to 'D': element by element, because its rows end inside a unit of 16 bytes, the rest of which a bulk store would clear}}
    tile.store %t to %D[affine_map<(m, n) -> (m, n)>]() : !tile.tile<[m: 64, n: 32], bf16, #frag>, !tile.tensor<2, bf16>
  }
}

// -----

// A transposing store is no box of shared memory: it stays element by element.

// CHECK-LABEL: tile.kernel @transposed
#frag = #tile.fragment<threads = [32], regs = [2], axes = ["m"], strides = [2, 1]>
tile.kernel @transposed(
    %D: !tile.tensor<2, f32> {tile.name = "D", tile.mode = "out", tile.major = 1 : i64, tile.shape = ["M", "N"]}) target "sm_90a" {
  tile.role "math" groups(1) {
    %z = arith.constant 0.0 : f32
    %t = tile.splat %z : f32 -> !tile.tile<[m: 64], f32, #frag>
    // CHECK: tile.store
    // expected-remark @+1 {{store to 'D': element by element, because no axis steps through its contiguous dimension}}
    tile.store %t to %D[affine_map<(m) -> (m, 0)>]() : !tile.tile<[m: 64], f32, #frag>, !tile.tensor<2, f32>
  }
}

// -----

// What is no box is an error that says why.
tile.kernel @strided(
    %A: !tile.tensor<2, bf16> {tile.name = "A", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["M", "K"]}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[m: 64, k: 64], bf16>] layouts [#tile.shared<["m", "k"], swizzle = 128>]
  tile.role "load" warps(1) {
    %s = pipe.acquire_put @p : !pipe.slot<@p>
    %a = pipe.field %s["a"] : !pipe.slot<@p> -> !tile.view<[m: 64, k: 64], bf16>
    // expected-error @+1 {{this copy of 'A' is no bulk copy and is not lowered yet: axis 'm' does not step through dimension 0 one element at a time}}
    tile.copy %A[affine_map<(m, k) -> (m * 2, k)>]() to %a : !tile.tensor<2, bf16>, !tile.view<[m: 64, k: 64], bf16>
    pipe.commit %s : !pipe.slot<@p>
  }
}
