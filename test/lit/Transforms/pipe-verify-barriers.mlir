// RUN: tilewright-opt %s --pass-pipeline='builtin.module(tile.kernel(pipe-verify-barriers))' | FileCheck %s

!a = !tile.view<[m: 64, k: 128], f8E4M3FN>
!b = !tile.view<[n: 64, k: 128], f8E4M3FN>
!d = !tma.desc<box = [128, 64], swizzle = 128, f8E4M3FN>
!s = !pipe.slot<@p>
#la = #tile.shared<["m", "k"], swizzle = 128>
#lb = #tile.shared<["n", "k"], swizzle = 128>
!o = !tile.view<[m: 64, n: 8], bf16>
!e = !tma.desc<box = [8, 64], swizzle = 0, bf16>
!w = !pipe.slot<@o>
#lo = #tile.shared<["m", "n"], swizzle = 0>
#acc = #tile.fragment<threads = [4, 8, 4], regs = [2, 2, 1], axes = ["m", "n"], strides = [0, 1, 16, 0, 8, 0, 2, 0, 0, 1, 0, 8]>

// A ring between two roles, asked for over the back-edge.
// CHECK-LABEL: tile.kernel @ring
// CHECK-SAME: barrier_proof = {items = 3 : i64, iterations = {{[1-9][0-9]*}} : i64, runs = {{[1-9][0-9]*}} : i64, states = {{[1-9][0-9]*}} : i64}
tile.kernel @ring(%A: !tile.tensor<2, f8E4M3FN> {tile.mode = "in", tile.major = 1 : i64, tile.dtype = "e4m3", tile.name = "A", tile.shape = ["M", "K"]}, %K: index {tile.name = "K"}) target "sm_90a" {
  %desc = tma.descriptor %A dims [1, 0] : !tile.tensor<2, f8E4M3FN> -> !d
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %two = arith.constant 2 : i32
  %no = arith.constant false
  pipe.ring @p depth(2) fields ["a", "b"] [!a, !b] layouts [#la, #lb] {barriers = 49152 : i64, empty_count = 4 : i64, full_count = 1 : i64, offsets = array<i64: 0, 16384>, strides = array<i64: 8192, 8192>}
  tile.role "load" warps(1) at 4 attributes {single_thread} {
    %r:2 = scf.for %i = %c0 to %K step %c1 iter_args(%x = %zero, %p = %zero) -> (i32, i32) {
      %q = arith.xori %p, %one : i32
      pipe.wait @p empty[%x] parity %q
      %s = pipe.slot_at @p[%x] : !s
      %n = arith.addi %x, %one : i32
      %w = arith.cmpi eq, %n, %two : i32
      %x1 = arith.select %w, %zero, %n : i32
      %f = arith.extui %w : i1 to i32
      %p1 = arith.xori %p, %f : i32
      %va = pipe.field %s["a"] : !s -> !a
      %vb = pipe.field %s["b"] : !s -> !b
      tma.load %desc[%c0, %c0] to %va arrive %s : !d, !a, !s
      tma.load %desc[%c0, %c0] to %vb arrive %s : !d, !b, !s
      pipe.arrive @p full[%x] expect 16384
      scf.yield %x1, %p1 : i32, i32
    }
  }
  tile.role "math" groups(1) at 0 {
    %u = mma.undef : vector<32xf32>
    %r:4 = scf.for %i = %c0 to %K step %c1 iter_args(%acc = %u, %x = %zero, %p = %zero, %yes = %no) -> (vector<32xf32>, i32, i32, i1) {
      pipe.wait @p full[%x] parity %p unless %yes
      %s = pipe.slot_at @p[%x] : !s
      %n = arith.addi %x, %one : i32
      %w = arith.cmpi eq, %n, %two : i32
      %x0 = arith.select %w, %zero, %n : i32
      %x1 = pipe.opaque %x0
      %f = arith.extui %w : i1 to i32
      %p1 = arith.xori %p, %f : i32
      %va = pipe.field %s["a"] : !s -> !a
      %vb = pipe.field %s["b"] : !s -> !b
      mma.fence
      %da = mma.descriptor %va k("k" : 0) row 0 : !a
      %db = mma.descriptor %vb k("k" : 0) row 0 : !b
      %m = mma.wgmma %da, %db into %acc shape 64 64 32 types f8E4M3FN f8E4M3FN zero : vector<32xf32> -> vector<32xf32>
      mma.commit
      %v = mma.wait 0 tie(%m : vector<32xf32>) -> vector<32xf32>
      pipe.arrive @p empty[%x] per_warp
      %next = arith.addi %i, %c1 : index
      %more = arith.cmpi slt, %next, %K : index
      %xn = arith.select %more, %x1, %x : i32
      %pn = arith.select %more, %p1, %p : i32
      %ready = pipe.try_wait @p full[%xn] parity %pn
      scf.yield %v, %x1, %p1, %ready : vector<32xf32>, i32, i32, i1
    }
  }
}

// Two groups, each with a staging buffer of its own.
// CHECK-LABEL: tile.kernel @store
// CHECK-SAME: barrier_proof = {items = 3 : i64, iterations = {{[1-9][0-9]*}} : i64, runs = {{[1-9][0-9]*}} : i64, states = {{[1-9][0-9]*}} : i64}
tile.kernel @store(%D: !tile.tensor<2, bf16> {tile.mode = "out", tile.major = 1 : i64, tile.dtype = "bf16", tile.name = "D", tile.shape = ["M", "N"]}, %N: index {tile.name = "N"}) target "sm_90a" {
  %desc = tma.descriptor %D dims [1, 0] : !tile.tensor<2, bf16> -> !e
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0 : i32
  %t = arith.constant dense<0.0> : vector<4xbf16>
  pipe.ring @o depth(1) fields ["v"] [!o] consumer copy_engine layouts [#lo] {instances = 2 : i64, offsets = array<i64: 0>, strides = array<i64: 1024>}
  tile.role "math" groups(2) at 0 {
    %g = tile.group
    %x = arith.index_cast %g : index to i32
    scf.for %i = %c0 to %N step %c1 {
      tma.elect group {
        tma.wait_group 0
      }
      pipe.group_barrier 1 groups 2
      %s = pipe.slot_at @o[%x] : !w
      %v = pipe.field %s["v"] : !w -> !o
      tile.store_fragment %t to %v layout #acc : vector<4xbf16>, !o
      pipe.proxy_fence
      pipe.group_barrier 1 groups 2
      tma.elect group {
        tma.store %v to %desc[%c0, %c0] : !o, !e
        tma.commit_group
      }
    }
    tma.elect group {
      tma.wait_group 0
    }
  }
}
