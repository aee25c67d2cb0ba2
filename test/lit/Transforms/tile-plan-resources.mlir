// RUN: tilewright-opt %s --pass-pipeline='builtin.module(tile.kernel(tile-plan-resources))' --split-input-file --verify-diagnostics | FileCheck %s

// Math groups first, the small role packed into a warpgroup of its own; the
// ring takes what memory is left; a role that only starts bulk copies runs in
// one thread. Arrivals: one a filling thread, one a reading warp.

// CHECK-LABEL: tile.kernel @plan
// CHECK-SAME: smem_bytes = {{[0-9]+}} : i64, threads = 384 : i64
tile.kernel @plan() target "sm_90a" {
  // CHECK: pipe.ring @ab depth(6)
  // CHECK-SAME: empty_count = 8 : i64, full_count = 1 : i64, offsets = array<i64: [[A:[0-9]+]], [[B:[0-9]+]]>, strides = array<i64: 32768, 512>
  pipe.ring @ab depth(0) fields ["a", "s"] [!tile.view<[m: 256, k: 128], f8E4M3FN>, !tile.view<[m: 128], f32>] layouts [#tile.shared<["m", "k"], swizzle = 128>, #tile.shared<["m"], swizzle = 0>]
  // CHECK: pipe.ring @out depth(1)
  // CHECK-SAME: offsets = array<i64: {{[0-9]+}}>, strides = array<i64: 8192>
  pipe.ring @out depth(1) fields ["value"] [!tile.view<[m: 64, n: 64], bf16>] consumer copy_engine layouts [#tile.shared<["m", "n"], swizzle = 128>] {instances = 2 : i64}
  // CHECK: tile.role "load" warps(1) at 8 planned 40 attributes {single_thread}
  tile.role "load" warps(1) {
    %s = pipe.acquire_put @ab : !pipe.slot<@ab>
    pipe.commit %s : !pipe.slot<@ab>
  }
  // CHECK: tile.role "math" groups(2) at 0 planned 232 {
  tile.role "math" groups(2) {
    %s = pipe.acquire_get @ab : !pipe.slot<@ab>
    pipe.release %s : !pipe.slot<@ab>
  }
}

// -----

// Too little shared memory: the need and the limit.
// expected-error @+1 {{shared memory: buffers and pipes of fixed depth need 262208 bytes, a CTA has 232448}}
tile.kernel @large() target "sm_90a" {
  pipe.ring @ab depth(4) fields ["a"] [!tile.view<[m: 512, k: 128], f8E4M3FN>] layouts [#tile.shared<["m", "k"], swizzle = 128>]
  tile.role "load" warps(1) {
    %s = pipe.acquire_put @ab : !pipe.slot<@ab>
    pipe.commit %s : !pipe.slot<@ab>
  }
}

// -----

// Too many registers for the roles together.
// expected-error @+1 {{registers: the 3 warpgroups need 720 in sum over one thread of each, a CTA of 384 threads has 504}}
tile.kernel @registers() target "sm_90a" {
  tile.role "math" groups(3) regs(240) {
  }
}
