// RUN: tilewright-opt %s --pass-pipeline='builtin.module(tile.kernel(pipe-insert-proxy-fences))' | FileCheck %s

!o = !tile.view<[m: 64, n: 8], bf16>
!f = !tile.view<[m: 64, k: 32], f8E4M3FN>
!d = !tma.desc<box = [8, 64], swizzle = 0, bf16>
#acc = #tile.fragment<threads = [4, 8, 4], regs = [2, 2, 1], axes = ["m", "n"], strides = [0, 1, 16, 0, 8, 0, 2, 0, 0, 1, 0, 8]>

// CHECK-LABEL: tile.kernel @publish
tile.kernel @publish() target "sm_90a" {
  %z = arith.constant 0 : i32
  %x = arith.constant dense<0.0> : vector<4xbf16>
  pipe.ring @o depth(1) fields ["v"] [!o] consumer copy_engine
  tile.role "math" groups(1) {
    %s = pipe.slot_at @o[%z] : !pipe.slot<@o>
    %v = pipe.field %s["v"] : !pipe.slot<@o> -> !o
    // A barrier with nothing written before it publishes nothing.
    // CHECK: pipe.field
    // CHECK-NEXT: pipe.group_barrier
    pipe.group_barrier 1 groups 1
    // Two writes need one fence.
    // CHECK-NEXT: tile.store_fragment
    // CHECK-NEXT: tile.store_fragment
    // CHECK-NEXT: pipe.proxy_fence
    // CHECK-NEXT: pipe.group_barrier
    // CHECK-NEXT: pipe.group_barrier
    tile.store_fragment %x to %v layout #acc : vector<4xbf16>, !o
    tile.store_fragment %x to %v layout #acc : vector<4xbf16>, !o
    pipe.group_barrier 1 groups 1
    pipe.group_barrier 1 groups 1
    // A fence that is already there is enough.
    // CHECK-NEXT: tile.store_fragment
    // CHECK-NEXT: pipe.proxy_fence
    // CHECK-NEXT: pipe.group_barrier
    tile.store_fragment %x to %v layout #acc : vector<4xbf16>, !o
    pipe.proxy_fence
    pipe.group_barrier 1 groups 1
  }
}

// The same thread starts an asynchronous read: a bulk store.

// CHECK-LABEL: tile.kernel @own_store
tile.kernel @own_store(%D: !tile.tensor<2, bf16> {tile.name = "D", tile.mode = "out", tile.major = 1 : i64, tile.shape = [64, 8]}) target "sm_90a" {
  %z = arith.constant 0 : i32
  %c0 = arith.constant 0 : index
  %x = arith.constant dense<0.0> : vector<4xbf16>
  %d = tma.descriptor %D dims [1, 0] : !tile.tensor<2, bf16> -> !d
  pipe.ring @o depth(1) fields ["v"] [!o] consumer copy_engine
  tile.role "math" groups(1) {
    %s = pipe.slot_at @o[%z] : !pipe.slot<@o>
    %v = pipe.field %s["v"] : !pipe.slot<@o> -> !o
    // CHECK: tile.store_fragment
    // CHECK-NEXT: pipe.proxy_fence
    // CHECK-NEXT: tma.store
    // CHECK-NEXT: tma.commit_group
    tile.store_fragment %x to %v layout #acc : vector<4xbf16>, !o
    tma.store %v to %d[%c0, %c0] : !o, !d
    tma.commit_group
  }
}

// Ordinary reads before the copy engine writes a slot again need no fence.

// CHECK-LABEL: tile.kernel @reads
tile.kernel @reads() target "sm_90a" {
  %z = arith.constant 0 : i32
  %c0 = arith.constant 0 : index
  pipe.ring @r depth(1) fields ["v"] [!tile.view<[m: 8], f32>]
  tile.role "math" groups(1) {
    %s = pipe.slot_at @r[%z] : !pipe.slot<@r>
    %v = pipe.field %s["v"] : !pipe.slot<@r> -> !tile.view<[m: 8], f32>
    // CHECK: tile.load_shared
    // CHECK-NEXT: pipe.arrive
    %e = tile.load_shared %v[%c0] : !tile.view<[m: 8], f32> -> f32
    pipe.arrive @r empty[%z] per_warp
  }
}

// Around loops: what one iteration wrote is outstanding in the next, and
// behind the loop, which may also run no iteration.

// CHECK-LABEL: tile.kernel @loops
tile.kernel @loops(%n: index {tile.name = "n"}) target "sm_90a" {
  %z = arith.constant 0 : i32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %x = arith.constant dense<0.0> : vector<4xbf16>
  pipe.ring @o depth(1) fields ["v"] [!o] consumer copy_engine
  tile.role "math" groups(1) {
    %s = pipe.slot_at @o[%z] : !pipe.slot<@o>
    %v = pipe.field %s["v"] : !pipe.slot<@o> -> !o
    // CHECK: scf.for
    // CHECK-NEXT: pipe.proxy_fence
    // CHECK-NEXT: pipe.group_barrier
    // CHECK-NEXT: tile.store_fragment
    scf.for %i = %c0 to %n step %c1 {
      pipe.group_barrier 1 groups 1
      tile.store_fragment %x to %v layout #acc : vector<4xbf16>, !o
    }
    // CHECK: pipe.proxy_fence
    // CHECK-NEXT: pipe.group_barrier
    pipe.group_barrier 1 groups 1
    // CHECK: tile.store_fragment
    tile.store_fragment %x to %v layout #acc : vector<4xbf16>, !o
    // CHECK: scf.for
    // CHECK-NEXT: pipe.proxy_fence
    // CHECK-NEXT: pipe.group_barrier
    scf.for %i = %c0 to %n step %c1 {
      pipe.group_barrier 1 groups 1
    }
    // CHECK: pipe.proxy_fence
    // CHECK-NEXT: pipe.group_barrier
    pipe.group_barrier 1 groups 1
    %some = arith.cmpi ugt, %n, %c0 : index
    // CHECK: scf.if
    scf.if %some {
      tile.store_fragment %x to %v layout #acc : vector<4xbf16>, !o
    }
    // CHECK: }
    // CHECK-NEXT: pipe.proxy_fence
    // CHECK-NEXT: pipe.group_barrier
    pipe.group_barrier 1 groups 1
  }
}
