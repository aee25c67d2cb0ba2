// RUN: tilewright-opt %s --pass-pipeline='builtin.module(tile.kernel(pipe-lower-to-barriers))' -split-input-file -verify-diagnostics

tile.kernel @no_index() target "sm_90a" {
  pipe.ring @r depth(2) fields ["a"] [!tile.view<[m: 8], f32>]
  tile.role "math" groups(1) {
    // expected-error @+1 {{has no index yet; run pipe-index-rings first}}
    %s = pipe.acquire_get @r : !pipe.slot<@r>
  }
}

// -----

tile.kernel @single_warps_store() target "sm_90a" {
  %z = arith.constant 0 : i32
  pipe.ring @r depth(1) fields ["a"] [!tile.view<[m: 8], f32>] consumer copy_engine
  // expected-error @+1 {{stores through shared memory from a role of single warps; only groups can}}
  tile.role "math" warps(1) {
    %s = pipe.acquire_put @r at %z phase %z : !pipe.slot<@r>
    pipe.commit %s : !pipe.slot<@r>
  }
}

// -----

tile.kernel @too_many_barriers() target "sm_90a" {
  %z = arith.constant 0 : i32
  pipe.ring @r depth(1) fields ["a"] [!tile.view<[m: 8], f32>] consumer copy_engine
  tile.role "some" groups(8) {
    %s = pipe.acquire_put @r at %z phase %z : !pipe.slot<@r>
    pipe.commit %s : !pipe.slot<@r>
  }
  // expected-error @+1 {{needs 8 named barriers from 9; a CTA has 15 besides the one of all threads}}
  tile.role "more" groups(8) {
    %s = pipe.acquire_put @r at %z phase %z : !pipe.slot<@r>
    pipe.commit %s : !pipe.slot<@r>
  }
}

// -----

!v = !tile.view<[m: 8, k: 16], f32>
!d = !tma.desc<box = [16, 8], swizzle = 0, f32>
tile.kernel @conditional_copy(%A: !tile.tensor<2, f32> {tile.name = "A", tile.mode = "in", tile.major = 1 : i64, tile.shape = [64, 64]},
                              %n: index {tile.name = "n"}) target "sm_90a" {
  %z = arith.constant 0 : i32
  %c0 = arith.constant 0 : index
  %d = tma.descriptor %A dims [1, 0] : !tile.tensor<2, f32> -> !d
  %some = arith.cmpi ugt, %n, %c0 : index
  pipe.ring @r depth(1) fields ["a"] [!v]
  tile.role "load" warps(1) attributes {single_thread} {
    %s = pipe.acquire_put @r at %z phase %z : !pipe.slot<@r>
    %a = pipe.field %s["a"] : !pipe.slot<@r> -> !v
    scf.if %some {
      // expected-error @+1 {{a copy in a loop or branch of its 'put' is not lowered yet: the bytes to expect are not known}}
      tma.load %d[%c0, %c0] to %a arrive %s : !d, !v, !pipe.slot<@r>
    }
    pipe.commit %s : !pipe.slot<@r>
  }
}
