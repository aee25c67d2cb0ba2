// RUN: tilewright-opt %s --pass-pipeline='builtin.module(tile.kernel(pipe-verify-rings))' --split-input-file --verify-diagnostics

// One kernel for each wrong use of slots: when they are given back, who fills
// which field, when the copy engine reads them, and other CTAs of a cluster.

// Slots are given back.

tile.kernel @never(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i45 = %c0 to %n step %c1 {
      // expected-error @+1 {{this slot of 'p' is never committed: whoever gets it waits for ever}}
      %s46 = pipe.acquire_put @p : !pipe.slot<@p>
      %v46 = pipe.field %s46["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v46 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i47 = %c0 to %n step %c1 {
      // expected-error @+1 {{this slot of 'p' is never released: whoever puts waits for ever once the ring is full}}
      %s48 = pipe.acquire_get @p : !pipe.slot<@p>
    }
  }
}

// -----

// Once.

tile.kernel @twice(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i49 = %c0 to %n step %c1 {
      %s50 = pipe.acquire_put @p : !pipe.slot<@p>
      %v50 = pipe.field %s50["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v50 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s50 : !pipe.slot<@p>
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i51 = %c0 to %n step %c1 {
      // expected-note @+2 {{the first time is here}}
      %s52 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s52 : !pipe.slot<@p>
      // expected-error @+1 {{this slot of 'p' is released a second time}}
      pipe.release %s52 : !pipe.slot<@p>
    }
  }
}

// -----

// On every path.

tile.kernel @one_path(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i53 = %c0 to %n step %c1 {
      %s54 = pipe.acquire_put @p : !pipe.slot<@p>
      %v54 = pipe.field %s54["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v54 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s54 : !pipe.slot<@p>
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i55 = %c0 to %n step %c1 {
      %c = arith.cmpi sgt, %n, %c1 : index
      // expected-note @+1 {{it is taken here}}
      %s56 = pipe.acquire_get @p : !pipe.slot<@p>
      scf.if %c {
        // expected-error @+1 {{this slot of 'p' is released on one path only}}
        pipe.release %s56 : !pipe.slot<@p>
      }
    }
  }
}

// -----

// Not in a loop.

tile.kernel @in_loop(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i57 = %c0 to %n step %c1 {
      %s58 = pipe.acquire_put @p : !pipe.slot<@p>
      %v58 = pipe.field %s58["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v58 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s58 : !pipe.slot<@p>
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i59 = %c0 to %n step %c1 {
      // expected-note @+1 {{it is taken here}}
      %s60 = pipe.acquire_get @p : !pipe.slot<@p>
      // expected-error @+1 {{a slot of 'p' is released in this loop but taken outside}}
      scf.for %i61 = %c0 to %n step %c1 {
        pipe.release %s60 : !pipe.slot<@p>
      }
    }
  }
}

// -----

// Slots that loops carry are not followed.

tile.kernel @carried_slot(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    %s62 = pipe.acquire_put @p : !pipe.slot<@p>
    %v62 = pipe.field %s62["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
    tile.put %x to %v62 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
    pipe.commit %s62 : !pipe.slot<@p>
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    %s63 = pipe.acquire_get @p : !pipe.slot<@p>
    // expected-error @+1 {{a slot that a loop or a branch carries}}
    %r = scf.for %i = %c0 to %n step %c1 iter_args(%q = %s63) -> (!pipe.slot<@p>) {
      scf.yield %q : !pipe.slot<@p>
    }
  }
}

// -----

// Writes before the commit, reads before the release.

tile.kernel @late(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i64 = %c0 to %n step %c1 {
      // expected-note @+4 {{it is committed here}}
      %s65 = pipe.acquire_put @p : !pipe.slot<@p>
      %v65 = pipe.field %s65["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v65 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s65 : !pipe.slot<@p>
      // expected-error @+1 {{a slot of 'p' is written after it has been committed}}
      tile.put %x to %v65 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i66 = %c0 to %n step %c1 {
      %s67 = pipe.acquire_get @p : !pipe.slot<@p>
      %w = pipe.field %s67["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      // expected-note @+1 {{it is released here}}
      pipe.release %s67 : !pipe.slot<@p>
      // expected-error @+1 {{a slot of 'p' is read after it has been released}}
      %e = tile.load %w : !tile.view<[x: 8], f32> -> !tile.tile<[x: 8], f32>
    }
  }
}

// -----

// A role that gets only reads.

tile.kernel @write_got(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i68 = %c0 to %n step %c1 {
      %s69 = pipe.acquire_put @p : !pipe.slot<@p>
      %v69 = pipe.field %s69["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v69 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s69 : !pipe.slot<@p>
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i70 = %c0 to %n step %c1 {
      // expected-note @+1 {{it is taken here}}
      %s71 = pipe.acquire_get @p : !pipe.slot<@p>
      %w = pipe.field %s71["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      // expected-error @+1 {{a slot of 'p' is written by a role that gets it}}
      tile.put %x to %w : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.release %s71 : !pipe.slot<@p>
    }
  }
}

// -----

// The release waits for asynchronous readers.

tile.kernel @token(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a", "b"] [!tile.view<[m: 64, k: 64], bf16>, !tile.view<[n: 32, k: 64], bf16>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    %z = arith.constant 0.0 : bf16
    %ta = tile.splat %z : bf16 -> !tile.tile<[m: 64, k: 64], bf16>
    %tb = tile.splat %z : bf16 -> !tile.tile<[n: 32, k: 64], bf16>
    scf.for %i72 = %c0 to %n step %c1 {
      %s = pipe.acquire_put @p : !pipe.slot<@p>
      %va = pipe.field %s["a"] : !pipe.slot<@p> -> !tile.view<[m: 64, k: 64], bf16>
      %vb = pipe.field %s["b"] : !pipe.slot<@p> -> !tile.view<[n: 32, k: 64], bf16>
      tile.put %ta to %va : !tile.tile<[m: 64, k: 64], bf16>, !tile.view<[m: 64, k: 64], bf16>
      tile.put %tb to %vb : !tile.tile<[n: 32, k: 64], bf16>, !tile.view<[n: 32, k: 64], bf16>
      pipe.commit %s : !pipe.slot<@p>
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    %z = arith.constant dense<0.0> : vector<16xf32>
    scf.for %i73 = %c0 to %n step %c1 {
      %s = pipe.acquire_get @p : !pipe.slot<@p>
      %va = pipe.field %s["a"] : !pipe.slot<@p> -> !tile.view<[m: 64, k: 64], bf16>
      %vb = pipe.field %s["b"] : !pipe.slot<@p> -> !tile.view<[n: 32, k: 64], bf16>
      // expected-error @+1 {{reads a slot of 'p' asynchronously, but its release does not wait for that}}
      %r, %token = mma.contract %va, %vb axes("m", "n") wave 64 carry(%z : vector<16xf32>) : !tile.view<[m: 64, k: 64], bf16>, !tile.view<[n: 32, k: 64], bf16> -> vector<16xf32>
      // expected-note @+1 {{the slot is released here and may be filled again}}
      pipe.release %s : !pipe.slot<@p>
    }
  }
}

// -----

// Contributors fill all fields.

tile.kernel @unfilled(%n: index {tile.name = "N"}) target "sm_90a" {
  // expected-note @+1 {{it is declared here}}
  pipe.ring @p depth(2) fields ["a", "b"] [!tile.view<[x: 8], f32>, !tile.view<[x: 8], f32>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i74 = %c0 to %n step %c1 {
      // expected-error @+1 {{no role fills field 'b' of 'p'}}
      %s75 = pipe.acquire_put @p : !pipe.slot<@p>
      %v75 = pipe.field %s75["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v75 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s75 : !pipe.slot<@p>
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i76 = %c0 to %n step %c1 {
      %s77 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s77 : !pipe.slot<@p>
    }
  }
}

// -----

// Each field by one of them.

tile.kernel @both(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i78 = %c0 to %n step %c1 {
      // expected-note @+1 {{the other puts here}}
      %s79 = pipe.acquire_put @p : !pipe.slot<@p>
      %v79 = pipe.field %s79["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v79 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s79 : !pipe.slot<@p>
    }
  }
  tile.role "again" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i80 = %c0 to %n step %c1 {
      // expected-error @+1 {{field 'a' of 'p' is filled by two roles}}
      %s81 = pipe.acquire_put @p : !pipe.slot<@p>
      %v81 = pipe.field %s81["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v81 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s81 : !pipe.slot<@p>
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i82 = %c0 to %n step %c1 {
      %s83 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s83 : !pipe.slot<@p>
    }
  }
}

// -----

// In every slot.

tile.kernel @sometimes(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i84 = %c0 to %n step %c1 {
      %c = arith.cmpi sgt, %n, %c1 : index
      // expected-note @+1 {{the slot is taken here}}
      %s85 = pipe.acquire_put @p : !pipe.slot<@p>
      %v = pipe.field %s85["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      scf.if %c {
        // expected-error @+1 {{fills field 'a' of 'p' on one path only}}
        tile.put %x to %v : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      }
      pipe.commit %s85 : !pipe.slot<@p>
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i86 = %c0 to %n step %c1 {
      %s87 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s87 : !pipe.slot<@p>
    }
  }
}

// -----

// The same ones in every slot.

tile.kernel @other_fields(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a", "b"] [!tile.view<[x: 8], f32>, !tile.view<[x: 8], f32>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i88 = %c0 to %n step %c1 {
      // expected-note @+1 {{elsewhere is here}}
      %s89 = pipe.acquire_put @p : !pipe.slot<@p>
      %v89 = pipe.field %s89["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v89 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s89 : !pipe.slot<@p>
      // expected-error @+1 {{role 'load' fills other fields of 'p' here than elsewhere: some slot lacks one}}
      %s90 = pipe.acquire_put @p : !pipe.slot<@p>
      %v90 = pipe.field %s90["b"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v90 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s90 : !pipe.slot<@p>
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i91 = %c0 to %n step %c1 {
      %s92 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s92 : !pipe.slot<@p>
      %s93 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s93 : !pipe.slot<@p>
    }
  }
}

// -----

// Stores that no group closes.

tile.kernel @engine_group(%D: !tile.tensor<1, f32> {tile.name = "D", tile.mode = "inout", tile.major = 0 : i64, tile.shape = ["N"]}, %n: index {tile.name = "N"}) target "sm_90a" {
  %desc = tma.descriptor %D dims [0] : !tile.tensor<1, f32> -> !tma.desc<box = [8], swizzle = 0, f32>
  pipe.ring @o depth(1) fields ["a"] [!tile.view<[x: 8], f32>] consumer copy_engine
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i144 = %c0 to %n step %c1 {
      %s145 = pipe.acquire_put @o : !pipe.slot<@o>
      %v145 = pipe.field %s145["a"] : !pipe.slot<@o> -> !tile.view<[x: 8], f32>
      tile.put %x to %v145 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s145 : !pipe.slot<@o>
      // expected-error @+1 {{bulk stores from a slot of 'o' are not closed as one group after the last of them: a put could not wait for them}}
      tma.elect group {
        tma.store %v145 to %desc[%c0] : !tile.view<[x: 8], f32>, !tma.desc<box = [8], swizzle = 0, f32>
      }
    }
  }
}

// -----

// Stores before the commit.

tile.kernel @engine_early(%D: !tile.tensor<1, f32> {tile.name = "D", tile.mode = "inout", tile.major = 0 : i64, tile.shape = ["N"]}, %n: index {tile.name = "N"}) target "sm_90a" {
  %desc = tma.descriptor %D dims [0] : !tile.tensor<1, f32> -> !tma.desc<box = [8], swizzle = 0, f32>
  pipe.ring @o depth(1) fields ["a"] [!tile.view<[x: 8], f32>] consumer copy_engine
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i146 = %c0 to %n step %c1 {
      // expected-note @+1 {{it is taken here}}
      %s147 = pipe.acquire_put @o : !pipe.slot<@o>
      %v147 = pipe.field %s147["a"] : !pipe.slot<@o> -> !tile.view<[x: 8], f32>
      tile.put %x to %v147 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      tma.elect group {
        // expected-error @+1 {{a slot of 'o' is stored from before it has been committed}}
        tma.store %v147 to %desc[%c0] : !tile.view<[x: 8], f32>, !tma.desc<box = [8], swizzle = 0, f32>
        tma.commit_group
      }
      pipe.commit %s147 : !pipe.slot<@o>
    }
  }
}

// -----

// Stores by one thread of each warp.

tile.kernel @engine_thread(%D: !tile.tensor<1, f32> {tile.name = "D", tile.mode = "inout", tile.major = 0 : i64, tile.shape = ["N"]}, %n: index {tile.name = "N"}) target "sm_90a" {
  %desc = tma.descriptor %D dims [0] : !tile.tensor<1, f32> -> !tma.desc<box = [8], swizzle = 0, f32>
  pipe.ring @o depth(1) fields ["a"] [!tile.view<[x: 8], f32>] consumer copy_engine
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i148 = %c0 to %n step %c1 {
      %s149 = pipe.acquire_put @o : !pipe.slot<@o>
      %v149 = pipe.field %s149["a"] : !pipe.slot<@o> -> !tile.view<[x: 8], f32>
      tile.put %x to %v149 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s149 : !pipe.slot<@o>
      tma.elect {
        // expected-error @+1 {{stores from a slot of 'o' other than by one thread of the warpgroup, beside its commit}}
        tma.store %v149 to %desc[%c0] : !tile.view<[x: 8], f32>, !tma.desc<box = [8], swizzle = 0, f32>
        tma.commit_group
      }
    }
  }
}

// -----

// Threads of a warpgroup store together.

tile.kernel @engine_diverge(%D: !tile.tensor<1, f32> {tile.name = "D", tile.mode = "inout", tile.major = 0 : i64, tile.shape = ["N"]}, %n: index {tile.name = "N"}) target "sm_90a" {
  %desc = tma.descriptor %D dims [0] : !tile.tensor<1, f32> -> !tma.desc<box = [8], swizzle = 0, f32>
  pipe.ring @o depth(1) fields ["a"] [!tile.view<[x: 8], f32>] consumer copy_engine
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    // expected-note @+1 {{it comes from here}}
    %th = tile.thread
    // expected-error @+1 {{the number of iterations of this loop may differ between the threads of a warpgroup, which stores through shared memory in it}}
    scf.for %i150 = %c0 to %th step %c1 {
      %s151 = pipe.acquire_put @o : !pipe.slot<@o>
      %v151 = pipe.field %s151["a"] : !pipe.slot<@o> -> !tile.view<[x: 8], f32>
      tile.put %x to %v151 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s151 : !pipe.slot<@o>
      tma.elect group {
        tma.store %v151 to %desc[%c0] : !tile.view<[x: 8], f32>, !tma.desc<box = [8], swizzle = 0, f32>
        tma.commit_group
      }
    }
  }
}

// -----

// Each group has a ring of its own.

tile.kernel @engine_instances(%D: !tile.tensor<1, f32> {tile.name = "D", tile.mode = "inout", tile.major = 0 : i64, tile.shape = ["N"]}, %n: index {tile.name = "N"}) target "sm_90a" {
  %desc = tma.descriptor %D dims [0] : !tile.tensor<1, f32> -> !tma.desc<box = [8], swizzle = 0, f32>
  // expected-error @+1 {{role 'math' has 2 groups that store through 'o', which exists 1 time}}
  pipe.ring @o depth(1) fields ["a"] [!tile.view<[x: 8], f32>] consumer copy_engine
  tile.role "math" groups(2) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i152 = %c0 to %n step %c1 {
      %s153 = pipe.acquire_put @o : !pipe.slot<@o>
      %v153 = pipe.field %s153["a"] : !pipe.slot<@o> -> !tile.view<[x: 8], f32>
      tile.put %x to %v153 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s153 : !pipe.slot<@o>
      tma.elect group {
        tma.store %v153 to %desc[%c0] : !tile.view<[x: 8], f32>, !tma.desc<box = [8], swizzle = 0, f32>
        tma.commit_group
      }
    }
  }
}

// -----

// Other CTAs' arrivals come before shared memory goes away.

tile.kernel @drain(%L: !tile.tensor<1, f32> {tile.name = "L", tile.mode = "in", tile.major = 0 : i64, tile.shape = ["N"]}, %n: index {tile.name = "N"}) target "sm_90a" {
  %desc = tma.descriptor %L dims [0] : !tile.tensor<1, f32> -> !tma.desc<box = [8], swizzle = 0, f32>
  %t = tile.tiles "t"(%n) persistent cluster 2 over 0 : !tile.iter<1>
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[x: 8], f32>] {multicast = 2 : i64}
  tile.role "load" warps(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    tile.for_each %t as (%i) : !tile.iter<1> {
      // expected-error @+1 {{role 'load' ends without a drain of 'p': other CTAs of the cluster may still arrive at its barriers}}
      %s154 = pipe.acquire_put @p : !pipe.slot<@p>
      %v154 = pipe.field %s154["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tma.load %desc[%c0] to %v154 arrive %s154 multicast 2 : !tma.desc<box = [8], swizzle = 0, f32>, !tile.view<[x: 8], f32>, !pipe.slot<@p>
      pipe.commit %s154 : !pipe.slot<@p>
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    tile.for_each %t as (%i) : !tile.iter<1> {
      %s155 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s155 : !pipe.slot<@p>
    }
  }
}

// -----

// Every slot holds the other CTAs back, or none.

tile.kernel @multicast(%L: !tile.tensor<1, f32> {tile.name = "L", tile.mode = "in", tile.major = 0 : i64, tile.shape = ["N"]}, %n: index {tile.name = "N"}) target "sm_90a" {
  %desc = tma.descriptor %L dims [0] : !tile.tensor<1, f32> -> !tma.desc<box = [8], swizzle = 0, f32>
  %t = tile.tiles "t"(%n) persistent cluster 2 over 0 : !tile.iter<1>
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[x: 8], f32>] {multicast = 2 : i64}
  tile.role "load" warps(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    tile.for_each %t as (%i) : !tile.iter<1> {
      // expected-note @+1 {{one is here}}
      %s156 = pipe.acquire_put @p : !pipe.slot<@p>
      %v156 = pipe.field %s156["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tma.load %desc[%c0] to %v156 arrive %s156 multicast 2 : !tma.desc<box = [8], swizzle = 0, f32>, !tile.view<[x: 8], f32>, !pipe.slot<@p>
      pipe.commit %s156 : !pipe.slot<@p>
      // expected-error @+1 {{this put fills no slot of other CTAs of the cluster, others of its role do}}
      %s157 = pipe.acquire_put @p : !pipe.slot<@p>
      %v157 = pipe.field %s157["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tma.load %desc[%c0] to %v157 arrive %s157 : !tma.desc<box = [8], swizzle = 0, f32>, !tile.view<[x: 8], f32>, !pipe.slot<@p>
      pipe.commit %s157 : !pipe.slot<@p>
    }
    pipe.drain @p
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    tile.for_each %t as (%i) : !tile.iter<1> {
      %s158 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s158 : !pipe.slot<@p>
      %s159 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s159 : !pipe.slot<@p>
    }
  }
}

// -----

// An exchange that is not drained: other CTAs release to this one.

!p = !tile.view<["cta$": 2, m: 32], f32>
tile.kernel @exchange(%n: index {tile.name = "N"}) target "sm_90a" {
  %c2 = arith.constant 2 : index
  %t = tile.tiles "t"(%n, %c2) persistent cluster 2 over 1 : !tile.iter<2>
  pipe.ring @x depth(1) fields ["mine", "parts"] [!p, !p] {exchange = 2 : i64}
  tile.role "math" groups(1) {
    %f = arith.constant 0.0 : f32
    %v = tile.splat %f : f32 -> !tile.tile<[m: 64], f32>
    tile.for_each %t as (%i, %r) : !tile.iter<2> {
      // expected-error @+1 {{role 'math' ends without a drain of 'x': other CTAs of the cluster may still arrive at its barriers}}
      %s = pipe.acquire_put @x : !pipe.slot<@x>
      %mine = pipe.field %s["mine"] : !pipe.slot<@x> -> !p
      %parts = pipe.field %s["parts"] : !pipe.slot<@x> -> !p
      tile.put_parts %v to %mine, %parts at %r along "m" over "cta$" : !tile.tile<[m: 64], f32>, !p
      pipe.send %mine to %parts over "cta$" at %r arrive %s : !p, !pipe.slot<@x>
      pipe.commit %s : !pipe.slot<@x>
      %g = pipe.acquire_get @x : !pipe.slot<@x>
      pipe.release %g : !pipe.slot<@x>
    }
  }
}

// -----

// Not all CTAs of the cluster come to the exchange.

!p = !tile.view<["cta$": 2, m: 32], f32>
tile.kernel @alone(%n: index {tile.name = "N"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %t = tile.tiles "t"(%n, %c2) persistent cluster 2 over 1 : !tile.iter<2>
  pipe.ring @x depth(1) fields ["mine", "parts"] [!p, !p] {exchange = 2 : i64}
  tile.role "math" groups(1) {
    %f = arith.constant 0.0 : f32
    %v = tile.splat %f : f32 -> !tile.tile<[m: 64], f32>
    tile.for_each %t as (%i, %r) : !tile.iter<2> {
      %first = arith.cmpi eq, %r, %c0 : index
      // expected-error @+1 {{the condition may differ between the CTAs of a cluster that share a ring in it}}
      scf.if %first {
        %s = pipe.acquire_put @x : !pipe.slot<@x>
        %mine = pipe.field %s["mine"] : !pipe.slot<@x> -> !p
        %parts = pipe.field %s["parts"] : !pipe.slot<@x> -> !p
        tile.put_parts %v to %mine, %parts at %r along "m" over "cta$" : !tile.tile<[m: 64], f32>, !p
        pipe.send %mine to %parts over "cta$" at %r arrive %s : !p, !pipe.slot<@x>
        pipe.commit %s : !pipe.slot<@x>
        %g = pipe.acquire_get @x : !pipe.slot<@x>
        pipe.release %g : !pipe.slot<@x>
      }
    }
    pipe.drain @x
  }
}
