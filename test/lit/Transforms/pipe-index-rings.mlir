// RUN: tilewright-opt %s --pass-pipeline='builtin.module(tile.kernel(pipe-index-rings))' | FileCheck %s

// A counter runs through both loops; each role has its own.

// CHECK-LABEL: tile.kernel @loops
tile.kernel @loops(%n: index {tile.name = "n"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  pipe.ring @ab depth(3) fields ["a"] [!tile.view<[m: 8], f32>]
  %t = tile.tiles "t"(%n) persistent : !tile.iter<1>
  // CHECK: tile.role "load"
  tile.role "load" warps(1) {
    // CHECK: %[[ZERO:.*]] = arith.constant 0 : i32
    // CHECK: %[[OUTER:.*]]:2 = tile.for_each %{{.*}} as (%{{.*}}) iter_args(%[[I0:.*]] = %[[ZERO]], %[[P0:.*]] = %[[ZERO]]) -> (i32, i32)
    tile.for_each %t as (%i) : !tile.iter<1> {
      // CHECK: %[[INNER:.*]]:2 = scf.for {{.*}} iter_args(%[[I:.*]] = %[[I0]], %[[P:.*]] = %[[P0]]) -> (i32, i32)
      scf.for %k = %c0 to %n step %c1 {
        // CHECK: pipe.acquire_put @ab at %[[I]] phase %[[P]] : !pipe.slot<@ab>
        %s = pipe.acquire_put @ab : !pipe.slot<@ab>
        // CHECK: %[[ONE:.*]] = arith.constant 1 : i32
        // CHECK: %[[NEXT:.*]] = arith.addi %[[I]], %[[ONE]]
        // CHECK: %[[DEPTH:.*]] = arith.constant 3 : i32
        // CHECK: %[[WRAPS:.*]] = arith.cmpi eq, %[[NEXT]], %[[DEPTH]]
        // CHECK: %[[I1:.*]] = arith.select %[[WRAPS]], %[[ZERO]], %[[NEXT]]
        // CHECK: %[[FLIP:.*]] = arith.extui %[[WRAPS]] : i1 to i32
        // CHECK: %[[P1:.*]] = arith.xori %[[P]], %[[FLIP]]
        pipe.commit %s : !pipe.slot<@ab>
        // CHECK: scf.yield %[[I1]], %[[P1]]
      }
      // CHECK: tile.yield %[[INNER]]#0, %[[INNER]]#1
    }
  }
  // CHECK: tile.role "math"
  tile.role "math" groups(1) {
    // CHECK: tile.for_each {{.*}} iter_args(%[[CI:.*]] = %{{.*}}, %[[CP:.*]] = %{{.*}})
    tile.for_each %t as (%i) : !tile.iter<1> {
      // CHECK: scf.for {{.*}} iter_args(%{{.*}} = %[[CI]], %{{.*}} = %[[CP]])
      scf.for %k = %c0 to %n step %c1 {
        // CHECK: pipe.acquire_get @ab at
        // What LLVM would know of a consumer's index, once unrolled, is hidden.
        // CHECK: %[[CNEXT:.*]] = arith.select
        // CHECK: %[[HIDDEN:.*]] = pipe.opaque %[[CNEXT]]
        // CHECK: scf.yield %[[HIDDEN]]
        %s = pipe.acquire_get @ab : !pipe.slot<@ab>
        pipe.release %s : !pipe.slot<@ab>
      }
    }
  }
}

// Values that a loop already carries keep their places.

// CHECK-LABEL: tile.kernel @carried
tile.kernel @carried(%n: index {tile.name = "n"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  pipe.ring @r depth(2) fields ["a"] [!tile.view<[m: 8], f32>]
  tile.role "math" groups(1) {
    // CHECK: %[[R:.*]]:3 = scf.for {{.*}} iter_args(%[[ACC:.*]] = %{{.*}}, %{{.*}} = %{{.*}}, %{{.*}} = %{{.*}}) -> (f32, i32, i32)
    %sum = scf.for %k = %c0 to %n step %c1 iter_args(%acc = %zero) -> (f32) {
      %s = pipe.acquire_get @r : !pipe.slot<@r>
      pipe.release %s : !pipe.slot<@r>
      // CHECK: %[[NEW:.*]] = arith.addf %[[ACC]], %[[ACC]]
      %x = arith.addf %acc, %acc : f32
      // CHECK: scf.yield %[[NEW]], %{{.*}}, %{{.*}} : f32, i32, i32
      scf.yield %x : f32
    }
    // CHECK: arith.addf %[[R]]#0, %[[R]]#0
    %y = arith.addf %sum, %sum : f32
  }
}

// A ring of one slot has a phase and no index; a staging buffer of one slot
// has neither.

// CHECK-LABEL: tile.kernel @depth_one
tile.kernel @depth_one(%n: index {tile.name = "n"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  pipe.ring @one depth(1) fields ["a"] [!tile.view<[m: 8], f32>]
  pipe.ring @out depth(1) fields ["a"] [!tile.view<[m: 8], f32>] consumer copy_engine
  pipe.ring @two depth(2) fields ["a"] [!tile.view<[m: 8], f32>] consumer copy_engine
  tile.role "math" groups(1) {
    // CHECK: %[[ZERO:.*]] = arith.constant 0 : i32
    // CHECK: scf.for {{.*}} iter_args(%[[P:.*]] = %[[ZERO]], %[[I2:.*]] = %[[ZERO]]) -> (i32, i32)
    scf.for %k = %c0 to %n step %c1 {
      // CHECK: pipe.acquire_get @one at %[[ZERO]] phase %[[P]]
      %s = pipe.acquire_get @one : !pipe.slot<@one>
      // CHECK: %[[ONE:.*]] = arith.constant 1 : i32
      // CHECK: %[[P1:.*]] = arith.xori %[[P]], %[[ONE]]
      pipe.release %s : !pipe.slot<@one>
      // CHECK: pipe.acquire_put @out at %[[ZERO]] phase %[[ZERO]]
      %o = pipe.acquire_put @out : !pipe.slot<@out>
      pipe.commit %o : !pipe.slot<@out>
      // CHECK: pipe.acquire_put @two at %[[I2]] phase %[[ZERO]]
      %p = pipe.acquire_put @two : !pipe.slot<@two>
      // CHECK: %[[I3:.*]] = arith.select
      pipe.commit %p : !pipe.slot<@two>
      // CHECK: scf.yield %[[P1]], %[[I3]]
    }
  }
}

// Branches without an else get one; a loop with a run-time condition carries
// the counters through both of its regions.

// CHECK-LABEL: tile.kernel @branches
tile.kernel @branches(%n: index {tile.name = "n"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  pipe.ring @r depth(2) fields ["a"] [!tile.view<[m: 8], f32>]
  tile.role "math" groups(1) {
    %some = arith.cmpi ugt, %n, %c0 : index
    // CHECK: %[[IF:.*]]:2 = scf.if %{{.*}} -> (i32, i32)
    scf.if %some {
      // CHECK: pipe.acquire_get
      %s = pipe.acquire_get @r : !pipe.slot<@r>
      pipe.release %s : !pipe.slot<@r>
      // CHECK: scf.yield
      // CHECK: } else {
      // CHECK-NEXT: scf.yield %[[Z:.*]], %[[Z]]
    }
    // CHECK: %[[W:.*]]:3 = scf.while (%[[A:.*]] = %{{.*}}, %[[I:.*]] = %[[IF]]#0, %[[P:.*]] = %[[IF]]#1)
    %last = scf.while (%x = %c0) : (index) -> index {
      %more = arith.cmpi ult, %x, %n : index
      // CHECK: scf.condition(%{{.*}}) %[[A]], %[[I]], %[[P]]
      scf.condition(%more) %x : index
    } do {
    // CHECK: ^bb0(%[[B:.*]]: index, %[[BI:.*]]: i32, %[[BP:.*]]: i32):
    ^bb0(%x: index):
      // CHECK: pipe.acquire_get @r at %[[BI]] phase %[[BP]]
      %s = pipe.acquire_get @r : !pipe.slot<@r>
      pipe.release %s : !pipe.slot<@r>
      %c1 = arith.constant 1 : index
      %y = arith.addi %x, %c1 : index
      // CHECK: scf.yield %{{.*}}, %{{.*}}, %{{.*}} : index, i32, i32
      scf.yield %y : index
    }
    // CHECK: pipe.acquire_get @r at %[[W]]#1 phase %[[W]]#2
    %s = pipe.acquire_get @r : !pipe.slot<@r>
    pipe.release %s : !pipe.slot<@r>
  }
}

// A drain has the place of the next put and takes no slot.

// CHECK-LABEL: tile.kernel @drain
tile.kernel @drain(%n: index {tile.name = "n"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  pipe.ring @ab depth(3) fields ["a"] [!tile.view<[m: 8], f32>]
  tile.role "load" warps(1) {
    // CHECK: %[[END:.*]]:2 = scf.for
    scf.for %k = %c0 to %n step %c1 {
      %s = pipe.acquire_put @ab : !pipe.slot<@ab>
      pipe.commit %s : !pipe.slot<@ab>
    }
    // CHECK: pipe.drain @ab at %[[END]]#0 phase %[[END]]#1
    // CHECK-NEXT: pipe.acquire_put @ab at %[[END]]#0 phase %[[END]]#1
    pipe.drain @ab
    %s = pipe.acquire_put @ab : !pipe.slot<@ab>
    pipe.commit %s : !pipe.slot<@ab>
  }
}
