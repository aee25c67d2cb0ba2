// RUN: tilewright-opt %s --pass-pipeline='builtin.module(tile.kernel(pipe-verify-rings))' --split-input-file --verify-diagnostics

// One kernel for each way in which roles take different numbers of slots or
// wait for ever, or in which that is not analysed. pipe-verify-rings.mlir has
// their correct neighbours, pipe-verify-rings-slots.mlir what is wrong with
// slots in one role.

// More puts than gets in an iteration.

tile.kernel @more_puts(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  %t = tile.tiles "t"(%n) persistent : !tile.iter<1>
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    tile.for_each %t as (%i) : !tile.iter<1> {
      // expected-error @+3 {{role 'load' puts 2 slots of 'p' in an iteration of 't', role 'math' gets 1}}
      // expected-note @+2 {{role 'load' puts here}}
      // expected-note @+1 {{with the depth of 2, this put waits for ever after 2 iterations; with fewer, copies are in flight when the CTA ends}}
      %s0 = pipe.acquire_put @p : !pipe.slot<@p>
      %v0 = pipe.field %s0["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v0 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s0 : !pipe.slot<@p>
      // expected-note @+1 {{role 'load' puts here}}
      %s1 = pipe.acquire_put @p : !pipe.slot<@p>
      %v1 = pipe.field %s1["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v1 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s1 : !pipe.slot<@p>
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    tile.for_each %t as (%i) : !tile.iter<1> {
      // expected-note @+1 {{role 'math' gets here}}
      %s2 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s2 : !pipe.slot<@p>
    }
  }
}

// -----

// More gets than puts: a slot is got twice.

tile.kernel @more_gets(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i3 = %c0 to %n step %c1 {
      // expected-error @+2 {{role 'load' puts 1 slot of 'p' in an iteration of a loop of N iterations, role 'math' gets 2}}
      // expected-note @+1 {{role 'load' puts here}}
      %s4 = pipe.acquire_put @p : !pipe.slot<@p>
      %v4 = pipe.field %s4["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v4 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s4 : !pipe.slot<@p>
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i5 = %c0 to %n step %c1 {
      // expected-note @+2 {{role 'math' gets here}}
      // expected-note @+1 {{this get waits for ever once all slots that role 'load' puts are used up}}
      %s6 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s6 : !pipe.slot<@p>
      // expected-note @+1 {{role 'math' gets here}}
      %s7 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s7 : !pipe.slot<@p>
    }
  }
}

// -----

// Loops of different lengths.

tile.kernel @trip_counts(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    // expected-note @+1 {{here in role 'load'}}
    scf.for %i8 = %c0 to %n step %c1 {
      // expected-error @+1 {{role 'load' puts slots of 'p' in every iteration of a loop of N iterations, role 'math' gets them in every iteration of a loop of N + 1 iterations: these need not be equally many}}
      %s9 = pipe.acquire_put @p : !pipe.slot<@p>
      %v9 = pipe.field %s9["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v9 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s9 : !pipe.slot<@p>
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    %m = arith.addi %n, %c1 : index
    // expected-note @+1 {{here in role 'math'}}
    scf.for %i10 = %c0 to %m step %c1 {
      // expected-note @+1 {{role 'math' gets here}}
      %s11 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s11 : !pipe.slot<@p>
    }
  }
}

// -----

// All roles replay the same iterator.

tile.kernel @iterators(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  %t = tile.tiles "t"(%n) persistent : !tile.iter<1>
  %u = tile.tiles "u"(%n) persistent : !tile.iter<1>
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    // expected-note @+1 {{here in role 'load'}}
    tile.for_each %t as (%i) : !tile.iter<1> {
      // expected-error @+1 {{role 'load' puts slots of 'p' in every iteration of 't', role 'math' gets them in every iteration of 'u': these need not be equally many}}
      %s12 = pipe.acquire_put @p : !pipe.slot<@p>
      %v12 = pipe.field %s12["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v12 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s12 : !pipe.slot<@p>
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    // expected-note @+1 {{here in role 'math'}}
    tile.for_each %u as (%i) : !tile.iter<1> {
      // expected-note @+1 {{role 'math' gets here}}
      %s13 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s13 : !pipe.slot<@p>
    }
  }
}

// -----

// A get on a condition that the put does not have.

tile.kernel @condition(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i14 = %c0 to %n step %c1 {
      // expected-error @+2 {{role 'load' puts 1 slot of 'p' in an iteration of a loop of N iterations, for which role 'math' has no get}}
      // expected-note @+1 {{with the depth of 2, this put waits for ever after 2 iterations}}
      %s15 = pipe.acquire_put @p : !pipe.slot<@p>
      %v15 = pipe.field %s15["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v15 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s15 : !pipe.slot<@p>
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i16 = %c0 to %n step %c1 {
      %c = arith.cmpi sgt, %n, %c1 : index
      scf.if %c {
        // expected-note @+1 {{role 'math' gets here}}
        %s17 = pipe.acquire_get @p : !pipe.slot<@p>
        pipe.release %s17 : !pipe.slot<@p>
      }
    }
  }
}

// -----

// Nobody gets.

tile.kernel @no_get(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i18 = %c0 to %n step %c1 {
      // expected-error @+1 {{role 'load' puts into 'p', but no role gets: the put waits for ever once 2 slots are full}}
      %s19 = pipe.acquire_put @p : !pipe.slot<@p>
      %v19 = pipe.field %s19["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v19 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s19 : !pipe.slot<@p>
    }
  }
}

// -----

// Nobody puts.

tile.kernel @no_put(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i20 = %c0 to %n step %c1 {
      // expected-error @+1 {{role 'math' gets from 'p', but no role puts: the get waits for ever}}
      %s21 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s21 : !pipe.slot<@p>
    }
  }
}

// -----

// Two roles read a ring, one of them twice.

tile.kernel @consumers(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i22 = %c0 to %n step %c1 {
      // expected-error @+2 {{role 'load' puts 1 slot of 'p' in an iteration of a loop of N iterations, role 'two' gets 2}}
      // expected-note @+1 {{role 'load' puts here}}
      %s23 = pipe.acquire_put @p : !pipe.slot<@p>
      %v23 = pipe.field %s23["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v23 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s23 : !pipe.slot<@p>
    }
  }
  tile.role "one" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i24 = %c0 to %n step %c1 {
      %s25 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s25 : !pipe.slot<@p>
    }
  }
  tile.role "two" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i26 = %c0 to %n step %c1 {
      // expected-note @+2 {{role 'two' gets here}}
      // expected-note @+1 {{this get waits for ever}}
      %s27 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s27 : !pipe.slot<@p>
      // expected-note @+1 {{role 'two' gets here}}
      %s28 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s28 : !pipe.slot<@p>
    }
  }
}

// -----

// What a group alone knows.

tile.kernel @group(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    // expected-note @+1 {{it comes from here}}
    %g = tile.group
    // expected-error @+1 {{the number of iterations of this loop depends on the value of 'tile.group', on which the roles of a pipe need not agree}}
    scf.for %i29 = %c0 to %g step %c1 {
      %s30 = pipe.acquire_put @p : !pipe.slot<@p>
      %v30 = pipe.field %s30["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v30 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s30 : !pipe.slot<@p>
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i31 = %c0 to %n step %c1 {
      %s32 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s32 : !pipe.slot<@p>
    }
  }
}

// -----

// A tensor that the kernel writes.

tile.kernel @written(%D: !tile.tensor<1, i32> {tile.name = "D", tile.mode = "inout", tile.major = 0 : i64, tile.shape = ["N"]}, %n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    // expected-note @+1 {{it comes from here}}
    %e = tile.load_element %D[%c0] : !tile.tensor<1, i32> -> i32
    %m = arith.index_cast %e : i32 to index
    // expected-error @+1 {{depends on an element of 'D', which the kernel writes, on which the roles of a pipe need not agree}}
    scf.for %i33 = %c0 to %m step %c1 {
      %s34 = pipe.acquire_put @p : !pipe.slot<@p>
      %v34 = pipe.field %s34["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v34 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s34 : !pipe.slot<@p>
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i35 = %c0 to %n step %c1 {
      %s36 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s36 : !pipe.slot<@p>
    }
  }
}

// -----

// A value that a loop carries is not followed.

tile.kernel @carried_bound(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    // expected-note @+1 {{it comes from here}}
    %last = scf.for %i = %c0 to %n step %c1 iter_args(%q = %c0) -> (index) {
      // expected-error @+1 {{depends on a value that a loop carries}}
      scf.for %i37 = %c0 to %q step %c1 {
        %s38 = pipe.acquire_put @p : !pipe.slot<@p>
        %v38 = pipe.field %s38["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
        tile.put %x to %v38 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
        pipe.commit %s38 : !pipe.slot<@p>
      }
      %q1 = arith.addi %q, %c1 : index
      scf.yield %q1 : index
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i39 = %c0 to %n step %c1 {
      %s40 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s40 : !pipe.slot<@p>
    }
  }
}

// -----

// CTAs of a cluster that share a ring go in step.

tile.kernel @cluster(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[x: 8], f32>] {multicast = 2 : i64}
  %t = tile.tiles "t"(%n, %n) persistent cluster 2 over 1 : !tile.iter<2>
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    tile.for_each %t as (%i, %j) : !tile.iter<2> {
      // expected-error @+1 {{the number of iterations of this loop may differ between the CTAs of a cluster that share a ring in it}}
      scf.for %i41 = %c0 to %j step %c1 {
        %s42 = pipe.acquire_put @p : !pipe.slot<@p>
        %v42 = pipe.field %s42["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
        tile.put %x to %v42 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
        pipe.commit %s42 : !pipe.slot<@p>
      }
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    tile.for_each %t as (%i, %j) : !tile.iter<2> {
      scf.for %i43 = %c0 to %j step %c1 {
        %s44 = pipe.acquire_get @p : !pipe.slot<@p>
        pipe.release %s44 : !pipe.slot<@p>
      }
    }
  }
}

// -----

// Puts A, A, B; gets B, A, A: with depth 1 the second put of A waits for a release
// that follows the get of B.

tile.kernel @order(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @A depth(1) fields ["a"] [!tile.view<[x: 8], f32>]
  pipe.ring @B depth(1) fields ["a"] [!tile.view<[x: 8], f32>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i94 = %c0 to %n step %c1 {
      // expected-note @+1 {{role 'load' puts a slot of 'A' here}}
      %s95 = pipe.acquire_put @A : !pipe.slot<@A>
      %v95 = pipe.field %s95["a"] : !pipe.slot<@A> -> !tile.view<[x: 8], f32>
      tile.put %x to %v95 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s95 : !pipe.slot<@A>
      // expected-error @+2 {{roles 'load' and 'math' wait for each other for ever, in an iteration of a loop of N iterations}}
      // expected-note @+1 {{role 'load' waits here for a free slot of 'A' (depth 1): role 'math' has not released slot 1}}
      %s96 = pipe.acquire_put @A : !pipe.slot<@A>
      %v96 = pipe.field %s96["a"] : !pipe.slot<@A> -> !tile.view<[x: 8], f32>
      tile.put %x to %v96 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s96 : !pipe.slot<@A>
      %s97 = pipe.acquire_put @B : !pipe.slot<@B>
      %v97 = pipe.field %s97["a"] : !pipe.slot<@B> -> !tile.view<[x: 8], f32>
      tile.put %x to %v97 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s97 : !pipe.slot<@B>
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i98 = %c0 to %n step %c1 {
      // expected-note @+1 {{role 'math' waits here for a full slot of 'B': role 'load' has not committed slot 1}}
      %s99 = pipe.acquire_get @B : !pipe.slot<@B>
      pipe.release %s99 : !pipe.slot<@B>
      %s100 = pipe.acquire_get @A : !pipe.slot<@A>
      pipe.release %s100 : !pipe.slot<@A>
      %s101 = pipe.acquire_get @A : !pipe.slot<@A>
      pipe.release %s101 : !pipe.slot<@A>
    }
  }
}

// -----

// A role holds as many slots as the ring has and waits for one more.

tile.kernel @skew(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(1) fields ["a"] [!tile.view<[x: 8], f32>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i102 = %c0 to %n step %c1 {
      // expected-note @+1 {{role 'load' puts a slot of 'p' here}}
      %s103 = pipe.acquire_put @p : !pipe.slot<@p>
      %v103 = pipe.field %s103["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v103 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s103 : !pipe.slot<@p>
      // expected-error @+2 {{roles 'load' and 'math' wait for each other for ever}}
      // expected-note @+1 {{role 'load' waits here for a free slot of 'p' (depth 1): role 'math' has not released slot 1}}
      %s104 = pipe.acquire_put @p : !pipe.slot<@p>
      %v104 = pipe.field %s104["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v104 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s104 : !pipe.slot<@p>
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i105 = %c0 to %n step %c1 {
      // expected-note @+1 {{role 'math' gets a slot of 'p' here}}
      %s106 = pipe.acquire_get @p : !pipe.slot<@p>
      // expected-note @+1 {{role 'math' waits here for a full slot of 'p': role 'load' has not committed slot 2}}
      %s107 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s106 : !pipe.slot<@p>
      pipe.release %s107 : !pipe.slot<@p>
    }
  }
}

// -----

// A slot held over a loop that goes on with its ring.

tile.kernel @held(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    // expected-error @+1 {{role 'load' holds this slot of 'p' during a loop in which further slots are taken: with the depth of 2, roles wait for ever after 2 slots}}
    %s108 = pipe.acquire_put @p : !pipe.slot<@p>
    %v108 = pipe.field %s108["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
    tile.put %x to %v108 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
    // expected-note @+1 {{the loop is here}}
    scf.for %i109 = %c0 to %n step %c1 {
      %s110 = pipe.acquire_put @p : !pipe.slot<@p>
      %v110 = pipe.field %s110["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v110 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s110 : !pipe.slot<@p>
    }
    pipe.commit %s108 : !pipe.slot<@p>
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i111 = %c0 to %n step %c1 {
      %s112 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s112 : !pipe.slot<@p>
    }
    %s113 = pipe.acquire_get @p : !pipe.slot<@p>
    pipe.release %s113 : !pipe.slot<@p>
  }
}

// -----

// A whole loop of puts before what its consumer waits for.

tile.kernel @loop_first(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @A depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  pipe.ring @B depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    // expected-error @+2 {{roles 'load' and 'math' wait for each other for ever}}
    // expected-note @+1 {{role 'load' needs role 'math' to go through this loop with it, since 'A' holds 2 slots}}
    scf.for %i114 = %c0 to %n step %c1 {
      %s115 = pipe.acquire_put @A : !pipe.slot<@A>
      %v115 = pipe.field %s115["a"] : !pipe.slot<@A> -> !tile.view<[x: 8], f32>
      tile.put %x to %v115 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s115 : !pipe.slot<@A>
    }
    %s116 = pipe.acquire_put @B : !pipe.slot<@B>
    %v116 = pipe.field %s116["a"] : !pipe.slot<@B> -> !tile.view<[x: 8], f32>
    tile.put %x to %v116 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
    pipe.commit %s116 : !pipe.slot<@B>
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    // expected-note @+1 {{role 'math' waits here for a full slot of 'B': role 'load' has not committed slot 1}}
    %s117 = pipe.acquire_get @B : !pipe.slot<@B>
    pipe.release %s117 : !pipe.slot<@B>
    scf.for %i118 = %c0 to %n step %c1 {
      %s119 = pipe.acquire_get @A : !pipe.slot<@A>
      pipe.release %s119 : !pipe.slot<@A>
    }
  }
}

// -----

// Loops in another order.

tile.kernel @loops(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @A depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  pipe.ring @B depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    // expected-note @+1 {{meanwhile role 'load' is in this loop}}
    scf.for %i120 = %c0 to %n step %c1 {
      %s121 = pipe.acquire_put @A : !pipe.slot<@A>
      %v121 = pipe.field %s121["a"] : !pipe.slot<@A> -> !tile.view<[x: 8], f32>
      tile.put %x to %v121 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s121 : !pipe.slot<@A>
    }
    scf.for %i122 = %c0 to %n step %c1 {
      %s123 = pipe.acquire_put @B : !pipe.slot<@B>
      %v123 = pipe.field %s123["a"] : !pipe.slot<@B> -> !tile.view<[x: 8], f32>
      tile.put %x to %v123 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s123 : !pipe.slot<@B>
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i124 = %c0 to %n step %c1 {
      // expected-error @+2 {{role 'math' waits for ever for role 'load', which goes on in other loops only: with more iterations than slots it cannot come to them}}
      // expected-note @+1 {{role 'math' waits here for a full slot of 'B': role 'load' has not committed slot 1}}
      %s125 = pipe.acquire_get @B : !pipe.slot<@B>
      pipe.release %s125 : !pipe.slot<@B>
    }
    scf.for %i126 = %c0 to %n step %c1 {
      %s127 = pipe.acquire_get @A : !pipe.slot<@A>
      pipe.release %s127 : !pipe.slot<@A>
    }
  }
}

// -----

// Equally many in all, but not loop by loop.

tile.kernel @uneven(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @A depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    // expected-error @+1 {{role 'load' puts 2 and role 'math' gets 1 slots of 'A' in an iteration of loops that run together; the rest in other loops: with more iterations than slots (2) a role can wait for ever}}
    scf.for %i128 = %c0 to %n step %c1 {
      %s129 = pipe.acquire_put @A : !pipe.slot<@A>
      %v129 = pipe.field %s129["a"] : !pipe.slot<@A> -> !tile.view<[x: 8], f32>
      tile.put %x to %v129 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s129 : !pipe.slot<@A>
      %s130 = pipe.acquire_put @A : !pipe.slot<@A>
      %v130 = pipe.field %s130["a"] : !pipe.slot<@A> -> !tile.view<[x: 8], f32>
      tile.put %x to %v130 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s130 : !pipe.slot<@A>
    }
    scf.for %i131 = %c0 to %n step %c1 {
      %s132 = pipe.acquire_put @A : !pipe.slot<@A>
      %v132 = pipe.field %s132["a"] : !pipe.slot<@A> -> !tile.view<[x: 8], f32>
      tile.put %x to %v132 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s132 : !pipe.slot<@A>
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    // expected-note @+1 {{the loop of role 'math'}}
    scf.for %i133 = %c0 to %n step %c1 {
      %s134 = pipe.acquire_get @A : !pipe.slot<@A>
      pipe.release %s134 : !pipe.slot<@A>
    }
    scf.for %i135 = %c0 to %n step %c1 {
      %s136 = pipe.acquire_get @A : !pipe.slot<@A>
      pipe.release %s136 : !pipe.slot<@A>
      %s137 = pipe.acquire_get @A : !pipe.slot<@A>
      pipe.release %s137 : !pipe.slot<@A>
    }
  }
}

// -----

// A role that waits for itself.

tile.kernel @itself(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  tile.role "both" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i138 = %c0 to %n step %c1 {
      // expected-error @+2 {{role 'both' waits for itself for ever}}
      // expected-note @+1 {{role 'both' waits here for a full slot of 'p': role 'both' has not committed slot 1}}
      %s139 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s139 : !pipe.slot<@p>
      %s140 = pipe.acquire_put @p : !pipe.slot<@p>
      %v140 = pipe.field %s140["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v140 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s140 : !pipe.slot<@p>
    }
  }
}

// -----

// Two slots of the copy engine's ring at once, and it has one.

tile.kernel @engine_depth(%D: !tile.tensor<1, f32> {tile.name = "D", tile.mode = "inout", tile.major = 0 : i64, tile.shape = ["N"]}, %n: index {tile.name = "N"}) target "sm_90a" {
  %desc = tma.descriptor %D dims [0] : !tile.tensor<1, f32> -> !tma.desc<box = [8], swizzle = 0, f32>
  pipe.ring @o depth(1) fields ["a"] [!tile.view<[x: 8], f32>] consumer copy_engine
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i141 = %c0 to %n step %c1 {
      // expected-note @+1 {{role 'math' puts a slot of 'o' here}}
      %s142 = pipe.acquire_put @o : !pipe.slot<@o>
      %v142 = pipe.field %s142["a"] : !pipe.slot<@o> -> !tile.view<[x: 8], f32>
      tile.put %x to %v142 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s142 : !pipe.slot<@o>
      // expected-error @+2 {{role 'math' waits for itself for ever}}
      // expected-note @+1 {{role 'math' waits here for a free slot of 'o' (depth 1): role 'math' has not stored slot 1}}
      %s143 = pipe.acquire_put @o : !pipe.slot<@o>
      %v143 = pipe.field %s143["a"] : !pipe.slot<@o> -> !tile.view<[x: 8], f32>
      tile.put %x to %v143 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s143 : !pipe.slot<@o>
      tma.elect group {
        tma.store %v142 to %desc[%c0] : !tile.view<[x: 8], f32>, !tma.desc<box = [8], swizzle = 0, f32>
        tma.commit_group
      }
      tma.elect group {
        tma.store %v143 to %desc[%c0] : !tile.view<[x: 8], f32>, !tma.desc<box = [8], swizzle = 0, f32>
        tma.commit_group
      }
    }
  }
}

// -----

// Events where the pass does not look.

tile.kernel @construct(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i160 = %c0 to %n step %c1 {
      %s161 = pipe.acquire_put @p : !pipe.slot<@p>
      %v161 = pipe.field %s161["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v161 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s161 : !pipe.slot<@p>
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i162 = %c0 to %n step %c1 {
      // expected-note @+1 {{the construct is here}}
      tma.elect group {
        // expected-error @+1 {{is inside a construct that is no loop and no branch; that the rings are used rightly cannot be proved}}
        %s163 = pipe.acquire_get @p : !pipe.slot<@p>
        pipe.release %s163 : !pipe.slot<@p>
      }
    }
  }
}

// -----

// Other barriers.

tile.kernel @barrier(%n: index {tile.name = "N"}) target "sm_90a" {
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    // expected-error @+1 {{waits at a barrier that is not a ring's ('pipe.group_barrier'); that no role waits for ever cannot be proved}}
    pipe.group_barrier 1 groups 1
  }
}

// -----

// Before depths are decided.

tile.kernel @unplanned(%n: index {tile.name = "N"}) target "sm_90a" {
  // expected-error @+1 {{ring 'p' has no depth yet; tile-plan-resources decides it}}
  pipe.ring @p depth(0) fields ["a"] [!tile.view<[x: 8], f32>]
}
