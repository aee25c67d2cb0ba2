// RUN: tilewright-opt %s --pass-pipeline='builtin.module(tile.kernel(pipe-verify-rings))' --split-input-file --verify-diagnostics

// How many conditions are looked at.

// Twelve conditions that both roles have are looked at one after the other.

tile.kernel @many(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    %c2 = arith.constant 2 : index
    %b0 = arith.cmpi sge, %n, %c2 : index
    scf.if %b0 {
      %s0 = pipe.acquire_put @p : !pipe.slot<@p>
      %v0 = pipe.field %s0["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v0 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s0 : !pipe.slot<@p>
    }
    %c3 = arith.constant 3 : index
    %b1 = arith.cmpi sge, %n, %c3 : index
    scf.if %b1 {
      %s1 = pipe.acquire_put @p : !pipe.slot<@p>
      %v1 = pipe.field %s1["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v1 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s1 : !pipe.slot<@p>
    }
    %c4 = arith.constant 4 : index
    %b2 = arith.cmpi sge, %n, %c4 : index
    scf.if %b2 {
      %s2 = pipe.acquire_put @p : !pipe.slot<@p>
      %v2 = pipe.field %s2["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v2 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s2 : !pipe.slot<@p>
    }
    %c5 = arith.constant 5 : index
    %b3 = arith.cmpi sge, %n, %c5 : index
    scf.if %b3 {
      %s3 = pipe.acquire_put @p : !pipe.slot<@p>
      %v3 = pipe.field %s3["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v3 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s3 : !pipe.slot<@p>
    }
    %c6 = arith.constant 6 : index
    %b4 = arith.cmpi sge, %n, %c6 : index
    scf.if %b4 {
      %s4 = pipe.acquire_put @p : !pipe.slot<@p>
      %v4 = pipe.field %s4["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v4 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s4 : !pipe.slot<@p>
    }
    %c7 = arith.constant 7 : index
    %b5 = arith.cmpi sge, %n, %c7 : index
    scf.if %b5 {
      %s5 = pipe.acquire_put @p : !pipe.slot<@p>
      %v5 = pipe.field %s5["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v5 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s5 : !pipe.slot<@p>
    }
    %c8 = arith.constant 8 : index
    %b6 = arith.cmpi sge, %n, %c8 : index
    scf.if %b6 {
      %s6 = pipe.acquire_put @p : !pipe.slot<@p>
      %v6 = pipe.field %s6["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v6 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s6 : !pipe.slot<@p>
    }
    %c9 = arith.constant 9 : index
    %b7 = arith.cmpi sge, %n, %c9 : index
    scf.if %b7 {
      %s7 = pipe.acquire_put @p : !pipe.slot<@p>
      %v7 = pipe.field %s7["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v7 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s7 : !pipe.slot<@p>
    }
    %c10 = arith.constant 10 : index
    %b8 = arith.cmpi sge, %n, %c10 : index
    scf.if %b8 {
      %s8 = pipe.acquire_put @p : !pipe.slot<@p>
      %v8 = pipe.field %s8["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v8 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s8 : !pipe.slot<@p>
    }
    %c11 = arith.constant 11 : index
    %b9 = arith.cmpi sge, %n, %c11 : index
    scf.if %b9 {
      %s9 = pipe.acquire_put @p : !pipe.slot<@p>
      %v9 = pipe.field %s9["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v9 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s9 : !pipe.slot<@p>
    }
    %c12 = arith.constant 12 : index
    %b10 = arith.cmpi sge, %n, %c12 : index
    scf.if %b10 {
      %s10 = pipe.acquire_put @p : !pipe.slot<@p>
      %v10 = pipe.field %s10["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v10 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s10 : !pipe.slot<@p>
    }
    %c13 = arith.constant 13 : index
    %b11 = arith.cmpi sge, %n, %c13 : index
    scf.if %b11 {
      %s11 = pipe.acquire_put @p : !pipe.slot<@p>
      %v11 = pipe.field %s11["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v11 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s11 : !pipe.slot<@p>
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    %c2 = arith.constant 2 : index
    %b0 = arith.cmpi slt, %n, %c2 : index
    scf.if %b0 {
    } else {
      %s12 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s12 : !pipe.slot<@p>
    }
    %c3 = arith.constant 3 : index
    %b1 = arith.cmpi slt, %n, %c3 : index
    scf.if %b1 {
    } else {
      %s13 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s13 : !pipe.slot<@p>
    }
    %c4 = arith.constant 4 : index
    %b2 = arith.cmpi slt, %n, %c4 : index
    scf.if %b2 {
    } else {
      %s14 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s14 : !pipe.slot<@p>
    }
    %c5 = arith.constant 5 : index
    %b3 = arith.cmpi slt, %n, %c5 : index
    scf.if %b3 {
    } else {
      %s15 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s15 : !pipe.slot<@p>
    }
    %c6 = arith.constant 6 : index
    %b4 = arith.cmpi slt, %n, %c6 : index
    scf.if %b4 {
    } else {
      %s16 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s16 : !pipe.slot<@p>
    }
    %c7 = arith.constant 7 : index
    %b5 = arith.cmpi slt, %n, %c7 : index
    scf.if %b5 {
    } else {
      %s17 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s17 : !pipe.slot<@p>
    }
    %c8 = arith.constant 8 : index
    %b6 = arith.cmpi slt, %n, %c8 : index
    scf.if %b6 {
    } else {
      %s18 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s18 : !pipe.slot<@p>
    }
    %c9 = arith.constant 9 : index
    %b7 = arith.cmpi slt, %n, %c9 : index
    scf.if %b7 {
    } else {
      %s19 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s19 : !pipe.slot<@p>
    }
    %c10 = arith.constant 10 : index
    %b8 = arith.cmpi slt, %n, %c10 : index
    scf.if %b8 {
    } else {
      %s20 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s20 : !pipe.slot<@p>
    }
    %c11 = arith.constant 11 : index
    %b9 = arith.cmpi slt, %n, %c11 : index
    scf.if %b9 {
    } else {
      %s21 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s21 : !pipe.slot<@p>
    }
    %c12 = arith.constant 12 : index
    %b10 = arith.cmpi slt, %n, %c12 : index
    scf.if %b10 {
    } else {
      %s22 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s22 : !pipe.slot<@p>
    }
    %c13 = arith.constant 13 : index
    %b11 = arith.cmpi slt, %n, %c13 : index
    scf.if %b11 {
    } else {
      %s23 = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s23 : !pipe.slot<@p>
    }
  }
}

// -----

// Eleven that only one of them has have 2048 outcomes together.

tile.kernel @too_many(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    %c2 = arith.constant 2 : index
    %b0 = arith.cmpi sge, %n, %c2 : index
    scf.if %b0 {
      %s24 = pipe.acquire_put @p : !pipe.slot<@p>
      %v24 = pipe.field %s24["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v24 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s24 : !pipe.slot<@p>
    } else {
      %s25 = pipe.acquire_put @p : !pipe.slot<@p>
      %v25 = pipe.field %s25["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v25 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s25 : !pipe.slot<@p>
    }
    %c3 = arith.constant 3 : index
    %b1 = arith.cmpi sge, %n, %c3 : index
    // expected-error @+1 {{too many independent conditions around the rings to prove that no role waits for ever}}
    scf.if %b1 {
      %s26 = pipe.acquire_put @p : !pipe.slot<@p>
      %v26 = pipe.field %s26["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v26 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s26 : !pipe.slot<@p>
    } else {
      %s27 = pipe.acquire_put @p : !pipe.slot<@p>
      %v27 = pipe.field %s27["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v27 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s27 : !pipe.slot<@p>
    }
    %c4 = arith.constant 4 : index
    %b2 = arith.cmpi sge, %n, %c4 : index
    scf.if %b2 {
      %s28 = pipe.acquire_put @p : !pipe.slot<@p>
      %v28 = pipe.field %s28["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v28 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s28 : !pipe.slot<@p>
    } else {
      %s29 = pipe.acquire_put @p : !pipe.slot<@p>
      %v29 = pipe.field %s29["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v29 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s29 : !pipe.slot<@p>
    }
    %c5 = arith.constant 5 : index
    %b3 = arith.cmpi sge, %n, %c5 : index
    scf.if %b3 {
      %s30 = pipe.acquire_put @p : !pipe.slot<@p>
      %v30 = pipe.field %s30["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v30 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s30 : !pipe.slot<@p>
    } else {
      %s31 = pipe.acquire_put @p : !pipe.slot<@p>
      %v31 = pipe.field %s31["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v31 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s31 : !pipe.slot<@p>
    }
    %c6 = arith.constant 6 : index
    %b4 = arith.cmpi sge, %n, %c6 : index
    scf.if %b4 {
      %s32 = pipe.acquire_put @p : !pipe.slot<@p>
      %v32 = pipe.field %s32["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v32 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s32 : !pipe.slot<@p>
    } else {
      %s33 = pipe.acquire_put @p : !pipe.slot<@p>
      %v33 = pipe.field %s33["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v33 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s33 : !pipe.slot<@p>
    }
    %c7 = arith.constant 7 : index
    %b5 = arith.cmpi sge, %n, %c7 : index
    scf.if %b5 {
      %s34 = pipe.acquire_put @p : !pipe.slot<@p>
      %v34 = pipe.field %s34["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v34 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s34 : !pipe.slot<@p>
    } else {
      %s35 = pipe.acquire_put @p : !pipe.slot<@p>
      %v35 = pipe.field %s35["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v35 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s35 : !pipe.slot<@p>
    }
    %c8 = arith.constant 8 : index
    %b6 = arith.cmpi sge, %n, %c8 : index
    scf.if %b6 {
      %s36 = pipe.acquire_put @p : !pipe.slot<@p>
      %v36 = pipe.field %s36["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v36 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s36 : !pipe.slot<@p>
    } else {
      %s37 = pipe.acquire_put @p : !pipe.slot<@p>
      %v37 = pipe.field %s37["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v37 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s37 : !pipe.slot<@p>
    }
    %c9 = arith.constant 9 : index
    %b7 = arith.cmpi sge, %n, %c9 : index
    scf.if %b7 {
      %s38 = pipe.acquire_put @p : !pipe.slot<@p>
      %v38 = pipe.field %s38["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v38 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s38 : !pipe.slot<@p>
    } else {
      %s39 = pipe.acquire_put @p : !pipe.slot<@p>
      %v39 = pipe.field %s39["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v39 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s39 : !pipe.slot<@p>
    }
    %c10 = arith.constant 10 : index
    %b8 = arith.cmpi sge, %n, %c10 : index
    scf.if %b8 {
      %s40 = pipe.acquire_put @p : !pipe.slot<@p>
      %v40 = pipe.field %s40["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v40 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s40 : !pipe.slot<@p>
    } else {
      %s41 = pipe.acquire_put @p : !pipe.slot<@p>
      %v41 = pipe.field %s41["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v41 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s41 : !pipe.slot<@p>
    }
    %c11 = arith.constant 11 : index
    %b9 = arith.cmpi sge, %n, %c11 : index
    scf.if %b9 {
      %s42 = pipe.acquire_put @p : !pipe.slot<@p>
      %v42 = pipe.field %s42["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v42 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s42 : !pipe.slot<@p>
    } else {
      %s43 = pipe.acquire_put @p : !pipe.slot<@p>
      %v43 = pipe.field %s43["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v43 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s43 : !pipe.slot<@p>
    }
    %c12 = arith.constant 12 : index
    %b10 = arith.cmpi sge, %n, %c12 : index
    scf.if %b10 {
      %s44 = pipe.acquire_put @p : !pipe.slot<@p>
      %v44 = pipe.field %s44["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v44 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s44 : !pipe.slot<@p>
    } else {
      %s45 = pipe.acquire_put @p : !pipe.slot<@p>
      %v45 = pipe.field %s45["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
      tile.put %x to %v45 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s45 : !pipe.slot<@p>
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    %s46 = pipe.acquire_get @p : !pipe.slot<@p>
    pipe.release %s46 : !pipe.slot<@p>
    %s47 = pipe.acquire_get @p : !pipe.slot<@p>
    pipe.release %s47 : !pipe.slot<@p>
    %s48 = pipe.acquire_get @p : !pipe.slot<@p>
    pipe.release %s48 : !pipe.slot<@p>
    %s49 = pipe.acquire_get @p : !pipe.slot<@p>
    pipe.release %s49 : !pipe.slot<@p>
    %s50 = pipe.acquire_get @p : !pipe.slot<@p>
    pipe.release %s50 : !pipe.slot<@p>
    %s51 = pipe.acquire_get @p : !pipe.slot<@p>
    pipe.release %s51 : !pipe.slot<@p>
    %s52 = pipe.acquire_get @p : !pipe.slot<@p>
    pipe.release %s52 : !pipe.slot<@p>
    %s53 = pipe.acquire_get @p : !pipe.slot<@p>
    pipe.release %s53 : !pipe.slot<@p>
    %s54 = pipe.acquire_get @p : !pipe.slot<@p>
    pipe.release %s54 : !pipe.slot<@p>
    %s55 = pipe.acquire_get @p : !pipe.slot<@p>
    pipe.release %s55 : !pipe.slot<@p>
    %s56 = pipe.acquire_get @p : !pipe.slot<@p>
    pipe.release %s56 : !pipe.slot<@p>
  }
}
