// RUN: tilewright-opt %s --pass-pipeline='builtin.module(tile.kernel(pipe-verify-rings))' --split-input-file --verify-diagnostics | FileCheck %s

// Accepted protocols. Nothing is changed but the kernel's attribute.

// The FP8 GEMM: one role fills, one reads asynchronously and stores through the
// copy engine. The inner loop may run any number of times, none included.

// CHECK-LABEL: tile.kernel @gemm
// CHECK-SAME: protocol = {proved = ["ab", "D_out"], unchanging = []}
tile.kernel @gemm(%A: !tile.tensor<2, bf16> {tile.name = "A", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["M", "K"]}, %M: index {tile.name = "M"}, %K: index {tile.name = "K"}) target "sm_90a" {
  %desc = tma.descriptor %A dims [1, 0] : !tile.tensor<2, bf16> -> !tma.desc<box = [64, 64], swizzle = 128, bf16>
  %t = tile.tiles "t"(%M) persistent : !tile.iter<1>
  pipe.ring @ab depth(2) fields ["a", "b"] [!tile.view<[m: 64, k: 64], bf16>, !tile.view<[n: 64, k: 64], bf16>]
  pipe.ring @D_out depth(1) fields ["value"] [!tile.view<[m: 64, n: 64], bf16>] consumer copy_engine
  tile.role "load" warps(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c64 = arith.constant 64 : index
    tile.for_each %t as (%i) : !tile.iter<1> {
      %n = arith.ceildivsi %K, %c64 : index
      scf.for %kk = %c0 to %n step %c1 {
        %s = pipe.acquire_put @ab : !pipe.slot<@ab>
        %a = pipe.field %s["a"] : !pipe.slot<@ab> -> !tile.view<[m: 64, k: 64], bf16>
        %b = pipe.field %s["b"] : !pipe.slot<@ab> -> !tile.view<[n: 64, k: 64], bf16>
        tma.load %desc[%c0, %c0] to %a arrive %s : !tma.desc<box = [64, 64], swizzle = 128, bf16>, !tile.view<[m: 64, k: 64], bf16>, !pipe.slot<@ab>
        tma.load %desc[%c0, %c0] to %b arrive %s : !tma.desc<box = [64, 64], swizzle = 128, bf16>, !tile.view<[n: 64, k: 64], bf16>, !pipe.slot<@ab>
        pipe.commit %s : !pipe.slot<@ab>
      }
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c64 = arith.constant 64 : index
    %z = arith.constant dense<0.0> : vector<32xf32>
    %f = arith.constant 0.0 : bf16
    tile.for_each %t as (%i) : !tile.iter<1> {
      %n = arith.ceildivsi %K, %c64 : index
      %r = scf.for %kk = %c0 to %n step %c1 iter_args(%acc = %z) -> (vector<32xf32>) {
        %s = pipe.acquire_get @ab : !pipe.slot<@ab>
        %a = pipe.field %s["a"] : !pipe.slot<@ab> -> !tile.view<[m: 64, k: 64], bf16>
        %b = pipe.field %s["b"] : !pipe.slot<@ab> -> !tile.view<[n: 64, k: 64], bf16>
        %x, %token = mma.contract %a, %b axes("m", "n") wave 64 carry(%acc : vector<32xf32>) : !tile.view<[m: 64, k: 64], bf16>, !tile.view<[n: 64, k: 64], bf16> -> vector<32xf32>
        pipe.release %s after(%token) : !pipe.slot<@ab>
        scf.yield %x : vector<32xf32>
      }
      %o = pipe.acquire_put @D_out : !pipe.slot<@D_out>
      %v = pipe.field %o["value"] : !pipe.slot<@D_out> -> !tile.view<[m: 64, n: 64], bf16>
      %tile = tile.splat %f : bf16 -> !tile.tile<[m: 64, n: 64], bf16>
      tile.put %tile to %v : !tile.tile<[m: 64, n: 64], bf16>, !tile.view<[m: 64, n: 64], bf16>
      pipe.commit %o : !pipe.slot<@D_out>
      tma.elect group {
        tma.store %v to %desc[%c0, %c0] : !tile.view<[m: 64, n: 64], bf16>, !tma.desc<box = [64, 64], swizzle = 128, bf16>
        tma.commit_group
      }
    }
  }
}

// -----

// MQA logits: the slot of q is held over the inner loop, whose bounds both
// roles read from tensors that the kernel does not write.

// CHECK-LABEL: tile.kernel @nested
// CHECK-SAME: protocol = {proved = ["q", "kv"], unchanging = ["lo", "hi"]}
tile.kernel @nested(%lo: !tile.tensor<1, i32> {tile.name = "lo", tile.mode = "in", tile.major = 0 : i64, tile.shape = ["S"]}, %hi: !tile.tensor<1, i32> {tile.name = "hi", tile.mode = "in", tile.major = 0 : i64, tile.shape = ["S"]}, %S: index {tile.name = "S"}) target "sm_90a" {
  %t = tile.tiles "t"(%S) persistent : !tile.iter<1>
  pipe.ring @q depth(1) fields ["q"] [!tile.view<[x: 8], f32>]
  pipe.ring @kv depth(3) fields ["kv"] [!tile.view<[r: 8], f32>]
  tile.role "load" warps(4) {
    %c8 = arith.constant 8 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    %y = tile.splat %f : f32 -> !tile.tile<[r: 8], f32>
    tile.for_each %t as (%i) : !tile.iter<1> {
      %s = pipe.acquire_put @q : !pipe.slot<@q>
      %v = pipe.field %s["q"] : !pipe.slot<@q> -> !tile.view<[x: 8], f32>
      tile.put %x to %v : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s : !pipe.slot<@q>
      %l = tile.load_element %lo[%i] : !tile.tensor<1, i32> -> i32
      %h = tile.load_element %hi[%i] : !tile.tensor<1, i32> -> i32
      %first = arith.index_cast %l : i32 to index
      %last = arith.index_cast %h : i32 to index
      scf.for %r0 = %first to %last step %c8 {
        %k = pipe.acquire_put @kv : !pipe.slot<@kv>
        %w = pipe.field %k["kv"] : !pipe.slot<@kv> -> !tile.view<[r: 8], f32>
        tile.put %y to %w : !tile.tile<[r: 8], f32>, !tile.view<[r: 8], f32>
        pipe.commit %k : !pipe.slot<@kv>
      }
    }
  }
  tile.role "math" groups(2) {
    %c8 = arith.constant 8 : index
    tile.for_each %t as (%i) : !tile.iter<1> {
      %s = pipe.acquire_get @q : !pipe.slot<@q>
      %v = pipe.field %s["q"] : !pipe.slot<@q> -> !tile.view<[x: 8], f32>
      %l = tile.load_element %lo[%i] : !tile.tensor<1, i32> -> i32
      %h = tile.load_element %hi[%i] : !tile.tensor<1, i32> -> i32
      %first = arith.index_cast %l : i32 to index
      %last = arith.index_cast %h : i32 to index
      scf.for %r0 = %first to %last step %c8 {
        %k = pipe.acquire_get @kv : !pipe.slot<@kv>
        %a = tile.load_shared %v[%c8] : !tile.view<[x: 8], f32> -> f32
        pipe.release %k : !pipe.slot<@kv>
      }
      pipe.release %s : !pipe.slot<@q>
    }
  }
}

// -----

// Two roles fill disjoint fields of a slot, one of them from another ring
// (kernels/sketches/fp8_fp4_gemm_nt.tw).

// CHECK-LABEL: tile.kernel @convert
// CHECK-SAME: proved = ["raw", "ab"]
tile.kernel @convert(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @raw depth(1) fields ["b"] [!tile.view<[x: 8], f32>]
  pipe.ring @ab depth(1) fields ["a", "b"] [!tile.view<[x: 8], f32>, !tile.view<[x: 8], f32>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i = %c0 to %n step %c1 {
      %r = pipe.acquire_put @raw : !pipe.slot<@raw>
      %b = pipe.field %r["b"] : !pipe.slot<@raw> -> !tile.view<[x: 8], f32>
      tile.put %x to %b : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %r : !pipe.slot<@raw>
      %s = pipe.acquire_put @ab : !pipe.slot<@ab>
      %a = pipe.field %s["a"] : !pipe.slot<@ab> -> !tile.view<[x: 8], f32>
      tile.put %x to %a : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s : !pipe.slot<@ab>
    }
  }
  tile.role "convert" groups(1) {
    %c1 = arith.constant 1 : index
    // The same number of iterations, otherwise written.
    %end = arith.addi %c1, %n : index
    scf.for %i = %c1 to %end step %c1 {
      %r = pipe.acquire_get @raw : !pipe.slot<@raw>
      %v = pipe.field %r["b"] : !pipe.slot<@raw> -> !tile.view<[x: 8], f32>
      %x = tile.load %v : !tile.view<[x: 8], f32> -> !tile.tile<[x: 8], f32>
      pipe.release %r : !pipe.slot<@raw>
      %s = pipe.acquire_put @ab : !pipe.slot<@ab>
      %b = pipe.field %s["b"] : !pipe.slot<@ab> -> !tile.view<[x: 8], f32>
      tile.put %x to %b : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %s : !pipe.slot<@ab>
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    scf.for %i = %c0 to %n step %c1 {
      %s = pipe.acquire_get @ab : !pipe.slot<@ab>
      pipe.release %s : !pipe.slot<@ab>
    }
  }
}

// -----

// Order: a producer puts A, A, B, its consumer gets B, A, A. With depth 2 the
// second put of A needs no release of this iteration. Trip counts that are
// constants: none, one, and more slots than the depth.

// CHECK-LABEL: tile.kernel @order
tile.kernel @order(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @A depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  pipe.ring @B depth(1) fields ["b"] [!tile.view<[x: 8], f32>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c7 = arith.constant 7 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    scf.for %i = %c0 to %n step %c1 {
      scf.for %j = %c0 to %c0 step %c1 {
        %never = pipe.acquire_put @A : !pipe.slot<@A>
        %v = pipe.field %never["a"] : !pipe.slot<@A> -> !tile.view<[x: 8], f32>
        tile.put %x to %v : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
        pipe.commit %never : !pipe.slot<@A>
      }
      scf.for %j = %c0 to %c7 step %c1 {
        %a = pipe.acquire_put @A : !pipe.slot<@A>
        %v = pipe.field %a["a"] : !pipe.slot<@A> -> !tile.view<[x: 8], f32>
        tile.put %x to %v : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
        pipe.commit %a : !pipe.slot<@A>
        %last = arith.cmpi eq, %j, %c1 : index
        scf.if %last {
          %b = pipe.acquire_put @B : !pipe.slot<@B>
          %w = pipe.field %b["b"] : !pipe.slot<@B> -> !tile.view<[x: 8], f32>
          tile.put %x to %w : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
          pipe.commit %b : !pipe.slot<@B>
        }
      }
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c6 = arith.constant 6 : index
    scf.for %i = %c0 to %n step %c1 {
      %b = pipe.acquire_get @B : !pipe.slot<@B>
      pipe.release %b : !pipe.slot<@B>
      scf.for %j = %c0 to %c6 step %c1 {
        %a = pipe.acquire_get @A : !pipe.slot<@A>
        pipe.release %a : !pipe.slot<@A>
      }
      %a = pipe.acquire_get @A : !pipe.slot<@A>
      pipe.release %a : !pipe.slot<@A>
    }
  }
}

// -----

// A skew below the depth: the producer is one slot ahead before the loop, the
// consumer catches up after it. The condition chooses what is put, not whether;
// and one that both roles have, written differently, chooses whether.

// CHECK-LABEL: tile.kernel @skew
tile.kernel @skew(%n: index {tile.name = "N"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[x: 8], f32>]
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    %s0 = pipe.acquire_put @p : !pipe.slot<@p>
    %v0 = pipe.field %s0["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
    tile.put %x to %v0 : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
    pipe.commit %s0 : !pipe.slot<@p>
    scf.for %i = %c0 to %n step %c1 {
      %even = arith.cmpi slt, %i, %c1 : index
      scf.if %even {
        %s = pipe.acquire_put @p : !pipe.slot<@p>
        %v = pipe.field %s["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
        tile.put %x to %v : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
        pipe.commit %s : !pipe.slot<@p>
      } else {
        %s = pipe.acquire_put @p : !pipe.slot<@p>
        %v = pipe.field %s["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
        tile.put %x to %v : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
        pipe.commit %s : !pipe.slot<@p>
      }
      %some = arith.cmpi sge, %n, %c1 : index
      scf.if %some {
        %s = pipe.acquire_put @p : !pipe.slot<@p>
        %v = pipe.field %s["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
        tile.put %x to %v : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
        pipe.commit %s : !pipe.slot<@p>
      }
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %true = arith.constant true
    scf.for %i = %c0 to %n step %c1 {
      %s = pipe.acquire_get @p : !pipe.slot<@p>
      pipe.release %s : !pipe.slot<@p>
      %none = arith.cmpi sgt, %c1, %n : index
      %some = arith.xori %none, %true : i1
      scf.if %some {
        %u = pipe.acquire_get @p : !pipe.slot<@p>
        pipe.release %u : !pipe.slot<@p>
      }
    }
    %s = pipe.acquire_get @p : !pipe.slot<@p>
    scf.if %true {
      pipe.release %s : !pipe.slot<@p>
    } else {
      pipe.release %s : !pipe.slot<@p>
    }
  }
}

// -----

// Stores alone may be steered by what a group alone knows.

// CHECK-LABEL: tile.kernel @stores
tile.kernel @stores(%A: !tile.tensor<1, f32> {tile.name = "A", tile.mode = "out", tile.major = 0 : i64, tile.shape = [64]}) target "sm_90a" {
  %desc = tma.descriptor %A dims [0] : !tile.tensor<1, f32> -> !tma.desc<box = [8], swizzle = 0, f32>
  pipe.ring @out depth(2) fields ["value"] [!tile.view<[x: 8], f32>] consumer copy_engine {instances = 2 : i64}
  tile.role "math" groups(2) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    %g = tile.group
    scf.for %i = %c0 to %g step %c1 {
      %o = pipe.acquire_put @out : !pipe.slot<@out>
      %v = pipe.field %o["value"] : !pipe.slot<@out> -> !tile.view<[x: 8], f32>
      tile.put %x to %v : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
      pipe.commit %o : !pipe.slot<@out>
      tma.elect group {
        tma.store %v to %desc[%i] : !tile.view<[x: 8], f32>, !tma.desc<box = [8], swizzle = 0, f32>
        tma.commit_group
      }
    }
  }
}

// -----

// A ring that the CTAs of a cluster share, under loops that are the same in all
// of them.

// CHECK-LABEL: tile.kernel @cluster
tile.kernel @cluster(%M: index {tile.name = "M"}, %N: index {tile.name = "N"}) target "sm_90a" {
  %t = tile.tiles "t"(%M, %N) persistent cluster 2 over 1 : !tile.iter<2>
  pipe.ring @p depth(2) fields ["a"] [!tile.view<[x: 8], f32>] {multicast = 2 : i64}
  tile.role "load" warps(4) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %f = arith.constant 0.0 : f32
    %x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>
    tile.for_each %t as (%i, %j) : !tile.iter<2> {
      scf.for %k = %c0 to %i step %c1 {
        %s = pipe.acquire_put @p : !pipe.slot<@p>
        %v = pipe.field %s["a"] : !pipe.slot<@p> -> !tile.view<[x: 8], f32>
        tile.put %x to %v : !tile.tile<[x: 8], f32>, !tile.view<[x: 8], f32>
        pipe.commit %s : !pipe.slot<@p>
      }
    }
  }
  tile.role "math" groups(1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    tile.for_each %t as (%i, %j) : !tile.iter<2> {
      scf.for %k = %c0 to %i step %c1 {
        %s = pipe.acquire_get @p : !pipe.slot<@p>
        pipe.release %s : !pipe.slot<@p>
      }
    }
  }
}
