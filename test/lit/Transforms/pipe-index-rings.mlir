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

// A static ring in a loop of whole rounds: constants, whose base passes through
// an opaque value after each slot, and the parity bits of all places in one
// value. The rest of the iterations counts from 0 again; so does each entry.

// CHECK-LABEL: tile.kernel @static_whole_rounds
tile.kernel @static_whole_rounds(%n: index {tile.name = "n"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  pipe.ring @ab depth(2) fields ["a"] [!tile.view<[m: 8], f32>] indexing static
  %t = tile.tiles "t"(%n) persistent : !tile.iter<1>
  tile.role "math" groups(1) {
    // CHECK: %[[OUTER:.*]] = tile.for_each {{.*}} iter_args(%[[B0:.*]] = %{{.*}}) -> (i32)
    tile.for_each %t as (%i) : !tile.iter<1> {
      // CHECK-NOT: pipe.restart
      pipe.restart @ab
      // CHECK: %[[MAIN:[0-9]+]]:2 = scf.for {{.*}} iter_args(%[[Z:.*]] = %{{.*}}, %[[B:.*]] = %[[B0]]) -> (i32, i32)
      scf.for %k = %c0 to %n step %c2 {
        // CHECK: %[[I0:.*]] = pipe.constant_index 0 from %[[Z]]
        // CHECK: %[[S0:.*]] = arith.shrui %[[B]], %{{.*}}
        // CHECK: %[[P0:.*]] = arith.andi %[[S0]]
        // CHECK: pipe.acquire_get @ab at %[[I0]] phase %[[P0]]
        %s = pipe.acquire_get @ab : !pipe.slot<@ab>
        // CHECK: %[[F0:.*]] = arith.shli %{{.*}}, %{{.*}}
        // CHECK: %[[B1:.*]] = arith.xori %[[B]], %[[F0]]
        // CHECK: %[[Z1:.*]] = pipe.opaque %[[Z]]
        // CHECK: %[[I1:.*]] = pipe.constant_index 1 from %[[Z1]]
        // CHECK: %[[S1:.*]] = arith.shrui %[[B1]]
        // CHECK: %[[P1:.*]] = arith.andi %[[S1]]
        // CHECK: pipe.release
        pipe.release %s : !pipe.slot<@ab>
        // CHECK: pipe.acquire_get @ab at %[[I1]] phase %[[P1]]
        %u = pipe.acquire_get @ab : !pipe.slot<@ab>
        // CHECK: %[[B2:.*]] = arith.xori %[[B1]]
        // CHECK: %[[Z2:.*]] = pipe.opaque %[[Z1]]
        pipe.release %u : !pipe.slot<@ab>
        // CHECK: scf.yield %[[Z2]], %[[B2]]
      }
      // CHECK: pipe.constant_index 0 from %[[MAIN]]#0
      // CHECK: %[[FIRST:.*]] = arith.constant 0 : i32
      // CHECK: %[[REST:.*]]:2 = scf.for {{.*}} iter_args(%[[I:.*]] = %[[FIRST]], %[[C:.*]] = %[[MAIN]]#1) -> (i32, i32)
      scf.for %k = %c0 to %n step %c1 {
        // CHECK: pipe.acquire_get @ab at %[[I]] phase
        // CHECK: arith.select
        // CHECK: pipe.opaque
        %s = pipe.acquire_get @ab : !pipe.slot<@ab>
        pipe.release %s : !pipe.slot<@ab>
      }
      // CHECK: tile.yield %[[REST]]#1
    }
  }
}

// Rolled: a counter from 0 at each entry of the loop. The drain gets the bits.

// CHECK-LABEL: tile.kernel @static_rolled
tile.kernel @static_rolled(%n: index {tile.name = "n"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  pipe.ring @ab depth(3) fields ["a"] [!tile.view<[m: 8], f32>] indexing static
  %t = tile.tiles "t"(%n) persistent : !tile.iter<1>
  tile.role "load" warps(1) {
    // CHECK: %[[OUTER:.*]] = tile.for_each {{.*}} iter_args(%[[B0:.*]] = %{{.*}}) -> (i32)
    tile.for_each %t as (%i) : !tile.iter<1> {
      pipe.restart @ab
      // CHECK: scf.for {{.*}} iter_args(%[[I:.*]] = %c0_{{.*}}, %[[B:.*]] = %[[B0]]) -> (i32, i32)
      scf.for %k = %c0 to %n step %c1 {
        // CHECK: arith.shrui %[[B]], %[[I]]
        // CHECK: pipe.acquire_put @ab at %[[I]] phase
        // CHECK: arith.shli %{{.*}}, %[[I]]
        %s = pipe.acquire_put @ab : !pipe.slot<@ab>
        pipe.commit %s : !pipe.slot<@ab>
      }
    }
    // CHECK: pipe.drain @ab at %{{.*}} phase %[[OUTER]]
    pipe.drain @ab
  }
}

// A loop that ran once is gone: constants in its block.

// CHECK-LABEL: tile.kernel @static_no_loop
tile.kernel @static_no_loop() target "sm_90a" {
  pipe.ring @ab depth(2) fields ["a"] [!tile.view<[m: 8], f32>] indexing static
  tile.role "math" groups(1) {
    pipe.restart @ab
    // CHECK: %[[I0:.*]] = arith.constant 0 : i32
    // CHECK: pipe.acquire_get @ab at %[[I0]]
    %s = pipe.acquire_get @ab : !pipe.slot<@ab>
    // CHECK: %[[I1:.*]] = pipe.constant_index 1 from
    pipe.release %s : !pipe.slot<@ab>
    // CHECK: pipe.acquire_get @ab at %[[I1]]
    %u = pipe.acquire_get @ab : !pipe.slot<@ab>
    pipe.release %u : !pipe.slot<@ab>
  }
}
