// RUN: tilewright-opt %s --pass-pipeline='builtin.module(tile.kernel(tma-infer-streaming))' --split-input-file | FileCheck %s

// The box moves with j, and not with i: it is read once if i has one value.

!v = !tile.view<[m: 64, k: 128], f8E4M3FN>
!d = !tma.desc<box = [128, 64], swizzle = 128, f8E4M3FN>
// CHECK-LABEL: tile.kernel @weights
tile.kernel @weights(
    %A: !tile.tensor<2, f8E4M3FN> {tile.name = "A", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["M", "K"]},
    %M: index {tile.name = "M"}, %N: index {tile.name = "N"}, %K: index {tile.name = "K"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %dA = tma.descriptor %A dims [1, 0] : !tile.tensor<2, f8E4M3FN> -> !d
  %t = tile.tiles "t"(%M, %N) persistent : !tile.iter<2>
  pipe.ring @ab depth(4) fields ["a"] [!v]
  // CHECK: %[[ONCE:.*]] = arith.cmpi ule, %{{.*}}, %c1
  // CHECK: tile.role
  tile.role "load" warps(1) {
    tile.for_each %t as (%i, %j) : !tile.iter<2> {
      scf.for %kk = %c0 to %K step %c1 {
        %s = pipe.acquire_put @ab : !pipe.slot<@ab>
        %a = pipe.field %s["a"] : !pipe.slot<@ab> -> !v
        // CHECK: tma.load {{.*}} arrive %{{.*}} streamed %[[ONCE]] :
        tma.load %dA[%kk, %j] to %a arrive %s : !d, !v, !pipe.slot<@ab>
        pipe.commit %s : !pipe.slot<@ab>
      }
    }
  }
}

// -----

// It moves with both: nobody reads it again.

!v = !tile.view<[m: 64, k: 128], f8E4M3FN>
!d = !tma.desc<box = [128, 64], swizzle = 128, f8E4M3FN>
// CHECK-LABEL: tile.kernel @both
tile.kernel @both(
    %A: !tile.tensor<2, f8E4M3FN> {tile.name = "A", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["M", "K"]},
    %M: index {tile.name = "M"}, %N: index {tile.name = "N"}, %K: index {tile.name = "K"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %dA = tma.descriptor %A dims [1, 0] : !tile.tensor<2, f8E4M3FN> -> !d
  %t = tile.tiles "t"(%M, %N) persistent : !tile.iter<2>
  pipe.ring @ab depth(4) fields ["a"] [!v]
  tile.role "load" warps(1) {
    tile.for_each %t as (%i, %j) : !tile.iter<2> {
      scf.for %kk = %c0 to %K step %c1 {
        %s = pipe.acquire_put @ab : !pipe.slot<@ab>
        %a = pipe.field %s["a"] : !pipe.slot<@ab> -> !v
        %x = arith.addi %i, %j : index
        // CHECK: tma.load {{.*}} arrive %{{.*}} streamed %true
        tma.load %dA[%kk, %x] to %a arrive %s : !d, !v, !pipe.slot<@ab>
        pipe.commit %s : !pipe.slot<@ab>
      }
    }
  }
}

// -----

// As many tiles as the constant extent of i read it.

!v = !tile.view<[m: 64, k: 128], f8E4M3FN>
!d = !tma.desc<box = [128, 64], swizzle = 128, f8E4M3FN>
// CHECK-LABEL: tile.kernel @again
// CHECK-NOT: streamed
tile.kernel @again(
    %A: !tile.tensor<2, f8E4M3FN> {tile.name = "A", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["M", "K"]},
    %M: index {tile.name = "M"}, %N: index {tile.name = "N"}, %K: index {tile.name = "K"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %dA = tma.descriptor %A dims [1, 0] : !tile.tensor<2, f8E4M3FN> -> !d
  %t = tile.tiles "t"(%c64, %N) persistent : !tile.iter<2>
  pipe.ring @ab depth(4) fields ["a"] [!v]
  tile.role "load" warps(1) {
    tile.for_each %t as (%i, %j) : !tile.iter<2> {
      scf.for %kk = %c0 to %K step %c1 {
        %s = pipe.acquire_put @ab : !pipe.slot<@ab>
        %a = pipe.field %s["a"] : !pipe.slot<@ab> -> !v
        tma.load %dA[%kk, %j] to %a arrive %s : !d, !v, !pipe.slot<@ab>
        pipe.commit %s : !pipe.slot<@ab>
      }
    }
  }
}

// -----

// The CTAs of a cluster read it together.

!v = !tile.view<[m: 64, k: 128], f8E4M3FN>
!d = !tma.desc<box = [128, 64], swizzle = 128, f8E4M3FN>
// CHECK-LABEL: tile.kernel @cluster
tile.kernel @cluster(
    %A: !tile.tensor<2, f8E4M3FN> {tile.name = "A", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["M", "K"]},
    %M: index {tile.name = "M"}, %N: index {tile.name = "N"}, %K: index {tile.name = "K"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %dA = tma.descriptor %A dims [1, 0] : !tile.tensor<2, f8E4M3FN> -> !d
  %t = tile.tiles "t"(%M, %N) persistent cluster 2 over 0 : !tile.iter<2>
  pipe.ring @ab depth(4) fields ["a"] [!v] {multicast = 2 : i64}
  // CHECK: %[[ONCE:.*]] = arith.cmpi ule, %{{.*}}, %c2
  // CHECK: tile.role
  tile.role "load" warps(1) {
    tile.for_each %t as (%i, %j) : !tile.iter<2> {
      scf.for %kk = %c0 to %K step %c1 {
        %s = pipe.acquire_put @ab : !pipe.slot<@ab>
        %a = pipe.field %s["a"] : !pipe.slot<@ab> -> !v
        // CHECK: tma.load {{.*}} multicast 2 streamed %[[ONCE]] :
        tma.load %dA[%kk, %j] to %a arrive %s multicast 2 : !d, !v, !pipe.slot<@ab>
        pipe.commit %s : !pipe.slot<@ab>
      }
    }
  }
}

// -----

// A loop that does not move it reads it again.

!v = !tile.view<[m: 64, k: 128], f8E4M3FN>
!d = !tma.desc<box = [128, 64], swizzle = 128, f8E4M3FN>
// CHECK-LABEL: tile.kernel @loop
// CHECK-NOT: streamed
tile.kernel @loop(
    %A: !tile.tensor<2, f8E4M3FN> {tile.name = "A", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["M", "K"]},
    %M: index {tile.name = "M"}, %N: index {tile.name = "N"}, %K: index {tile.name = "K"}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %dA = tma.descriptor %A dims [1, 0] : !tile.tensor<2, f8E4M3FN> -> !d
  %t = tile.tiles "t"(%c1, %N) persistent : !tile.iter<2>
  pipe.ring @ab depth(4) fields ["a"] [!v]
  tile.role "load" warps(1) {
    tile.for_each %t as (%i, %j) : !tile.iter<2> {
      scf.for %kk = %c0 to %K step %c1 {
        %s = pipe.acquire_put @ab : !pipe.slot<@ab>
        %a = pipe.field %s["a"] : !pipe.slot<@ab> -> !v
        tma.load %dA[%c0, %j] to %a arrive %s : !d, !v, !pipe.slot<@ab>
        pipe.commit %s : !pipe.slot<@ab>
      }
    }
  }
}

// -----

// Hint stream=0.

!v = !tile.view<[m: 64, k: 128], f8E4M3FN>
!d = !tma.desc<box = [128, 64], swizzle = 128, f8E4M3FN>
// CHECK-LABEL: tile.kernel @hint
// CHECK-NOT: streamed
tile.kernel @hint(
    %A: !tile.tensor<2, f8E4M3FN> {tile.name = "A", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["M", "K"]},
    %M: index {tile.name = "M"}, %N: index {tile.name = "N"}, %K: index {tile.name = "K"}) target "sm_90a" attributes {tile.hints = {stream = 0 : i64}} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %dA = tma.descriptor %A dims [1, 0] : !tile.tensor<2, f8E4M3FN> -> !d
  %t = tile.tiles "t"(%M, %N) persistent : !tile.iter<2>
  pipe.ring @ab depth(4) fields ["a"] [!v]
  tile.role "load" warps(1) {
    tile.for_each %t as (%i, %j) : !tile.iter<2> {
      scf.for %kk = %c0 to %K step %c1 {
        %s = pipe.acquire_put @ab : !pipe.slot<@ab>
        %a = pipe.field %s["a"] : !pipe.slot<@ab> -> !v
        tma.load %dA[%kk, %j] to %a arrive %s : !d, !v, !pipe.slot<@ab>
        pipe.commit %s : !pipe.slot<@ab>
      }
    }
  }
}
