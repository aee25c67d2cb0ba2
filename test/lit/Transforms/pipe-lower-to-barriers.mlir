// RUN: tilewright-opt %s --pass-pipeline='builtin.module(tile.kernel(pipe-index-rings,pipe-lower-to-barriers))' | FileCheck %s

!v = !tile.view<[m: 16, k: 128], f8E4M3FN>
!s = !tile.view<[m: 16], f32>
!o = !tile.view<[m: 16, n: 64], bf16>
!dv = !tma.desc<box = [128, 16], swizzle = 128, f8E4M3FN>
!ds = !tma.desc<box = [16, 1], swizzle = 0, f32>

// CHECK-LABEL: tile.kernel @between_roles
tile.kernel @between_roles(
    %A: !tile.tensor<2, f8E4M3FN> {tile.name = "A", tile.mode = "in", tile.major = 1 : i64, tile.shape = [64, "K"]},
    %S: !tile.tensor<2, f32> {tile.name = "S", tile.mode = "in", tile.major = 1 : i64, tile.shape = [64, "K"]},
    %K: index {tile.name = "K"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %dA = tma.descriptor %A dims [1, 0] : !tile.tensor<2, f8E4M3FN> -> !dv
  %dS = tma.descriptor %S dims [1, 0] : !tile.tensor<2, f32> -> !ds
  pipe.ring @ab depth(4) fields ["a", "s"] [!v, !s]
  // CHECK: tile.role "load"
  tile.role "load" warps(1) attributes {single_thread} {
    // CHECK: %[[I:.*]] = arith.constant 0 : i32
    // CHECK: %[[ONE:.*]] = arith.constant 1 : i32
    // CHECK: %[[PARITY:.*]] = arith.xori %[[I]], %[[ONE]]
    // CHECK: pipe.wait @ab empty[%[[I]]] parity %[[PARITY]]
    // CHECK: %[[S:.*]] = pipe.slot_at @ab[%[[I]]]
    %s = pipe.acquire_put @ab : !pipe.slot<@ab>
    // CHECK: pipe.field %[[S]]["a"]
    %a = pipe.field %s["a"] : !pipe.slot<@ab> -> !v
    %x = pipe.field %s["s"] : !pipe.slot<@ab> -> !s
    // CHECK: tma.load {{.*}} arrive %[[S]]
    tma.load %dA[%c0, %c0] to %a arrive %s : !dv, !v, !pipe.slot<@ab>
    tma.load %dS[%c0, %c0] to %x arrive %s : !ds, !s, !pipe.slot<@ab>
    // 16 * 128 + 16 * 4 bytes, after the copies.
    // CHECK: tma.load
    // CHECK-NEXT: pipe.arrive @ab full[%[[I]]] expect 2112{{$}}
    pipe.commit %s : !pipe.slot<@ab>
  }
  // CHECK: tile.role "fill"
  tile.role "fill" warps(2) {
    %s = pipe.acquire_put @ab : !pipe.slot<@ab>
    // Ordinary stores: no bytes to expect, one arrival a warp.
    // CHECK: pipe.arrive @ab full[%{{.*}}] per_warp
    pipe.commit %s : !pipe.slot<@ab>
  }
  // One thread of a larger role does all of a put by bulk copies.
  // CHECK: tile.role "load_all"
  tile.role "load_all" warps(2) {
    // CHECK-NOT: pipe.wait
    // CHECK: %[[L:.*]] = pipe.slot_at @ab[%[[LI:.*]]]
    // CHECK: pipe.field %[[L]]["a"]
    // CHECK-NEXT: tma.elect role {
    // CHECK-NEXT: pipe.wait @ab empty[%[[LI]]]
    // CHECK-NEXT: tma.load
    // CHECK-NEXT: pipe.arrive @ab full[%[[LI]]] expect 2048{{$}}
    // CHECK-NEXT: }
    %s = pipe.acquire_put @ab : !pipe.slot<@ab>
    %a = pipe.field %s["a"] : !pipe.slot<@ab> -> !v
    tma.load %dA[%c0, %c0] to %a arrive %s : !dv, !v, !pipe.slot<@ab>
    pipe.commit %s : !pipe.slot<@ab>
  }
  // CHECK: tile.role "math"
  tile.role "math" groups(2) {
    // CHECK: %[[J:.*]] = arith.constant 0 : i32
    // CHECK: pipe.wait @ab full[%[[J]]] parity %[[J]]
    // CHECK-NEXT: pipe.slot_at @ab[%[[J]]]
    %s = pipe.acquire_get @ab : !pipe.slot<@ab>
    // CHECK: pipe.arrive @ab empty[%[[J]]] per_warp
    pipe.release %s : !pipe.slot<@ab>
    // The second slot.
    // CHECK: pipe.wait @ab full[%[[J1:.*]]] parity
    %u = pipe.acquire_get @ab : !pipe.slot<@ab>
    // CHECK: pipe.arrive @ab empty[%[[J1]]] per_warp
    pipe.release %u : !pipe.slot<@ab>
    // CHECK-NOT: pipe.acquire
    // CHECK-NOT: tma.wait_group
  }
  // CHECK: tile.role "peek"
  tile.role "peek" warps(1) attributes {single_thread} {
    %s = pipe.acquire_get @ab : !pipe.slot<@ab>
    // CHECK: pipe.arrive @ab empty[%{{[^]]*}}]{{$}}
    pipe.release %s : !pipe.slot<@ab>
  }
}

// Towards the copy engine: one thread waits for the stores that read the slot,
// the group's barrier tells the others. Each role has barriers of its own.

// CHECK-LABEL: tile.kernel @staging
tile.kernel @staging() target "sm_90a" {
  pipe.ring @o depth(3) fields ["v"] [!o] consumer copy_engine {instances = 2 : i64}
  pipe.ring @p depth(1) fields ["v"] [!o] consumer copy_engine
  pipe.ring @q depth(2) fields ["v"] [!o] consumer copy_engine
  // CHECK: tile.role "one"
  tile.role "one" groups(2) {
    // CHECK: tma.elect group {
    // CHECK-NEXT: tma.wait_group 2
    // CHECK-NEXT: }
    // CHECK-NEXT: pipe.group_barrier 1 groups 2
    // The groups' rings lie one after another.
    // CHECK: %[[G:.*]] = tile.group
    // CHECK: %[[GI:.*]] = arith.index_cast %[[G]] : index to i32
    // CHECK: %[[D:.*]] = arith.constant 3 : i32
    // CHECK: %[[F:.*]] = arith.muli %[[GI]], %[[D]]
    // CHECK: %[[AT:.*]] = arith.addi %[[F]],
    // CHECK: pipe.slot_at @o[%[[AT]]]
    %s = pipe.acquire_put @o : !pipe.slot<@o>
    %v = pipe.field %s["v"] : !pipe.slot<@o> -> !o
    // CHECK: pipe.field
    // CHECK-NEXT: pipe.group_barrier 1 groups 2
    pipe.commit %s : !pipe.slot<@o>
    // Before the role ends, all stores have read.
    // CHECK: tma.elect group {
    // CHECK-NEXT: tma.wait_group 0
  }
  // Groups of bulk copies belong to a thread, not to a ring. What read a slot of
  // @q last has one younger group of @q behind it, whatever @p added.
  // CHECK: tile.role "two"
  tile.role "two" groups(1) {
    // CHECK: tma.wait_group 0
    // CHECK: pipe.group_barrier 3 groups 1
    %s = pipe.acquire_put @p : !pipe.slot<@p>
    // CHECK: pipe.group_barrier 3 groups 1
    pipe.commit %s : !pipe.slot<@p>
    // CHECK: tma.wait_group 1
    %u = pipe.acquire_put @q : !pipe.slot<@q>
    pipe.commit %u : !pipe.slot<@q>
    // CHECK: tma.wait_group 0
  }
}

// Draining waits at every place of the ring for the release of the slot that
// was last put there: places before the next one are a round ahead.

// CHECK-LABEL: tile.kernel @drain
tile.kernel @drain() target "sm_90a" {
  pipe.ring @ab depth(2) fields ["a"] [!v]
  tile.role "load" warps(1) attributes {single_thread} {
    %i = arith.constant 1 : i32
    %p = arith.constant 0 : i32
    // CHECK: %[[ONE:.*]] = arith.constant 1 : i32
    // CHECK: %[[BEHIND:.*]] = arith.xori %[[P:.*]], %{{.*}} : i32
    // CHECK: %[[C0:.*]] = arith.constant 0 : i32
    // CHECK: %[[W0:.*]] = arith.cmpi ult, %[[C0]], %[[I:.*]] : i32
    // CHECK: %[[P0:.*]] = arith.select %[[W0]], %[[P]], %[[BEHIND]]
    // CHECK: pipe.wait @ab empty[%[[C0]]] parity %[[P0]]
    // CHECK: %[[C1:.*]] = arith.constant 1 : i32
    // CHECK: %[[W1:.*]] = arith.cmpi ult, %[[C1]], %[[I]] : i32
    // CHECK: %[[P1:.*]] = arith.select %[[W1]], %[[P]], %[[BEHIND]]
    // CHECK: pipe.wait @ab empty[%[[C1]]] parity %[[P1]]
    // CHECK-NOT: pipe.drain
    pipe.drain @ab at %i phase %p
  }
}

// In a static ring the next use of each place waits by the place's own bit.

// CHECK-LABEL: tile.kernel @drain_static
tile.kernel @drain_static() target "sm_90a" {
  pipe.ring @ab depth(2) fields ["a"] [!v] indexing static
  tile.role "load" warps(1) attributes {single_thread} {
    %i = arith.constant 0 : i32
    %bits = arith.constant 1 : i32
    // CHECK: %[[ALL:.*]] = arith.constant -1 : i32
    // CHECK: %[[BEHIND:.*]] = arith.xori %{{.*}}, %[[ALL]] : i32
    // CHECK: %[[C0:.*]] = arith.constant 0 : i32
    // CHECK: %[[B0:.*]] = arith.shrui %[[BEHIND]], %[[C0]]
    // CHECK: %[[P0:.*]] = arith.andi %[[B0]], %{{.*}}
    // CHECK: pipe.wait @ab empty[%[[C0]]] parity %[[P0]]
    // CHECK: %[[C1:.*]] = arith.constant 1 : i32
    // CHECK: %[[B1:.*]] = arith.shrui %[[BEHIND]], %[[C1]]
    // CHECK: %[[P1:.*]] = arith.andi %[[B1]], %{{.*}}
    // CHECK: pipe.wait @ab empty[%[[C1]]] parity %[[P1]]
    pipe.drain @ab at %i phase %bits
  }
}

// One thread of the group sends what all have stored; every warp announces its
// share of what arrives. The drain waits for all CTAs' releases.

!p = !tile.view<["cta$": 2, m: 32, n: 16], f32>
// CHECK-LABEL: tile.kernel @exchange
tile.kernel @exchange() target "sm_90a" {
  %c0 = arith.constant 0 : index
  pipe.ring @x depth(1) fields ["mine", "parts"] [!p, !p] {exchange = 2 : i64}
  tile.role "math" groups(1) {
    // CHECK: pipe.wait @x empty
    // CHECK: %[[PUT:.*]] = pipe.slot_at @x
    %s = pipe.acquire_put @x : !pipe.slot<@x>
    %mine = pipe.field %s["mine"] : !pipe.slot<@x> -> !p
    %parts = pipe.field %s["parts"] : !pipe.slot<@x> -> !p
    // CHECK: pipe.group_barrier 1 groups 1
    // CHECK-NEXT: tma.elect group {
    // CHECK-NEXT: pipe.send {{.*}} arrive %[[PUT]]
    // CHECK-NEXT: }
    pipe.send %mine to %parts over "cta$" at %c0 arrive %s : !p, !pipe.slot<@x>
    // 32 * 16 * 4 bytes of the other CTA, a quarter for each warp.
    // CHECK-NEXT: pipe.arrive @x full[%{{.*}}] expect 512 per_warp
    pipe.commit %s : !pipe.slot<@x>
    // CHECK: pipe.wait @x full
    %g = pipe.acquire_get @x : !pipe.slot<@x>
    // CHECK: pipe.arrive @x empty[%{{.*}}] per_warp
    pipe.release %g : !pipe.slot<@x>
    // CHECK: pipe.wait @x empty
    pipe.drain @x
  }
}
