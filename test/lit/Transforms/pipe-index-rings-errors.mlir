// RUN: tilewright-opt %s --pass-pipeline='builtin.module(tile.kernel(pipe-index-rings))' -split-input-file -verify-diagnostics

tile.kernel @unplanned() target "sm_90a" {
  pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 8], f32>]
  tile.role "math" groups(1) {
    // expected-error @+1 {{ring "r" has no depth yet}}
    %s = pipe.acquire_get @r : !pipe.slot<@r>
    pipe.release %s : !pipe.slot<@r>
  }
}

// -----

tile.kernel @hidden() target "sm_90a" {
  pipe.ring @r depth(2) fields ["a"] [!tile.view<[m: 8], f32>]
  tile.role "math" groups(1) {
    // expected-error @+1 {{contains operations that advance a ring; only loops and branches may}}
    tma.elect group {
      %s = pipe.acquire_get @r : !pipe.slot<@r>
      pipe.release %s : !pipe.slot<@r>
    }
  }
}

// -----

tile.kernel @no_restart() target "sm_90a" {
  pipe.ring @r depth(2) fields ["a"] [!tile.view<[m: 8], f32>] indexing static
  tile.role "math" groups(1) {
    // expected-error @+1 {{takes a slot of static ring @r, but no 'pipe.restart' precedes it or its loop}}
    %s = pipe.acquire_get @r : !pipe.slot<@r>
    pipe.release %s : !pipe.slot<@r>
  }
}
