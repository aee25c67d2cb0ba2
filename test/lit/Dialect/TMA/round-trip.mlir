// RUN: tilewright-opt %s -o %t
// RUN: FileCheck %s --input-file %t
// The printed form, the generic form and bytecode all read back to the same.
// RUN: tilewright-opt %t | diff %t -
// RUN: tilewright-opt %s -mlir-print-op-generic | tilewright-opt | diff %t -
// RUN: tilewright-opt %s -emit-bytecode | tilewright-opt | diff %t -

// CHECK-LABEL: tile.kernel @copies
// CHECK-SAME: (%[[A:[a-z0-9]*]]: !tile.tensor<2, f8E4M3FN>
tile.kernel @copies(
    %A: !tile.tensor<2, f8E4M3FN> {tile.name = "A", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["M", "K"]},
    %X: !tile.tensor<3, f32> {tile.name = "X", tile.mode = "in", tile.major = 2 : i64, tile.shape = [1, "M", "K"]},
    %D: !tile.tensor<2, bf16> {tile.name = "D", tile.mode = "out", tile.major = 1 : i64, tile.shape = ["M", "N"]},
    %i: index {tile.name = "M"}) target "sm_90a" {
  pipe.ring @ab depth(0) fields ["a", "wide", "x"] [!tile.view<[m: 128, k: 128], f8E4M3FN>, !tile.view<[m: 64, k: 256], f8E4M3FN>, !tile.view<[m: 8, k: 32], tf32>]
  pipe.ring @out depth(1) fields ["value"] [!tile.view<[m: 64, n: 64], bf16>] consumer copy_engine
  // CHECK: %[[DA:.*]] = tma.descriptor %[[A]] dims [1, 0] : !tile.tensor<2, f8E4M3FN> -> !tma.desc<box = [128, 128], swizzle = 128, f8E4M3FN>
  %da = tma.descriptor %A dims [1, 0] : !tile.tensor<2, f8E4M3FN> -> !tma.desc<box = [128, 128], swizzle = 128, f8E4M3FN>
  %dw = tma.descriptor %A dims [1, 0] : !tile.tensor<2, f8E4M3FN> -> !tma.desc<box = [128, 64], swizzle = 128, f8E4M3FN>
  // The engine may drop the low bits of f32.
  // CHECK: tma.descriptor %{{.*}} dims [2, 1, 0] : !tile.tensor<3, f32> -> !tma.desc<box = [32, 8, 1], swizzle = 128, tf32>
  %dx = tma.descriptor %X dims [2, 1, 0] : !tile.tensor<3, f32> -> !tma.desc<box = [32, 8, 1], swizzle = 128, tf32>
  // CHECK: tma.descriptor %{{.*}} dims [1, 0] : !tile.tensor<2, bf16> -> !tma.desc<box = [64, 64], swizzle = 0, bf16>
  %dd = tma.descriptor %D dims [1, 0] : !tile.tensor<2, bf16> -> !tma.desc<box = [64, 64], swizzle = 0, bf16>
  tile.role "load" warps(1) {
    // CHECK: tma.prefetch %[[DA]] : !tma.desc<box = [128, 128], swizzle = 128, f8E4M3FN>
    tma.prefetch %da : !tma.desc<box = [128, 128], swizzle = 128, f8E4M3FN>
    %s = pipe.acquire_put @ab : !pipe.slot<@ab>
    %a = pipe.field %s["a"] : !pipe.slot<@ab> -> !tile.view<[m: 128, k: 128], f8E4M3FN>
    %w = pipe.field %s["wide"] : !pipe.slot<@ab> -> !tile.view<[m: 64, k: 256], f8E4M3FN>
    %x = pipe.field %s["x"] : !pipe.slot<@ab> -> !tile.view<[m: 8, k: 32], tf32>
    // CHECK: tma.elect {
    tma.elect {
      // CHECK: tma.load %[[DA]][%{{.*}}, %{{.*}}] to %{{.*}} arrive %{{.*}} : !tma.desc<box = [128, 128], swizzle = 128, f8E4M3FN>, !tile.view<[m: 128, k: 128], f8E4M3FN>, !pipe.slot<@ab>
      tma.load %da[%i, %i] to %a arrive %s : !tma.desc<box = [128, 128], swizzle = 128, f8E4M3FN>, !tile.view<[m: 128, k: 128], f8E4M3FN>, !pipe.slot<@ab>
      // The second atom of a wide tile ends where the view does.
      // CHECK: tma.load %{{.*}}[%{{.*}}, %{{.*}}] to %{{.*}} plus 8192 arrive
      tma.load %dw[%i, %i] to %w plus 8192 arrive %s : !tma.desc<box = [128, 64], swizzle = 128, f8E4M3FN>, !tile.view<[m: 64, k: 256], f8E4M3FN>, !pipe.slot<@ab>
      tma.load %dx[%i, %i, %i] to %x arrive %s : !tma.desc<box = [32, 8, 1], swizzle = 128, tf32>, !tile.view<[m: 8, k: 32], tf32>, !pipe.slot<@ab>
    }
    pipe.commit %s : !pipe.slot<@ab>
  }
  tile.role "math" groups(1) {
    %o = pipe.acquire_put @out : !pipe.slot<@out>
    %v = pipe.field %o["value"] : !pipe.slot<@out> -> !tile.view<[m: 64, n: 64], bf16>
    pipe.commit %o : !pipe.slot<@out>
    // CHECK: tma.elect group attributes {note = 1 : i64} {
    tma.elect group attributes {note = 1 : i64} {
      // CHECK: tma.store %{{.*}} to %{{.*}}[%{{.*}}, %{{.*}}] : !tile.view<[m: 64, n: 64], bf16>, !tma.desc<box = [64, 64], swizzle = 0, bf16>
      tma.store %v to %dd[%i, %i] : !tile.view<[m: 64, n: 64], bf16>, !tma.desc<box = [64, 64], swizzle = 0, bf16>
      // CHECK: tma.store %{{.*}} to %{{.*}}[%{{.*}}, %{{.*}}] reduce :
      tma.store %v to %dd[%i, %i] reduce : !tile.view<[m: 64, n: 64], bf16>, !tma.desc<box = [64, 64], swizzle = 0, bf16>
      // CHECK: tma.commit_group
      tma.commit_group
      // CHECK: tma.wait_group 1
      tma.wait_group 1
    }
    // CHECK: tma.elect role {
    tma.elect role {
    }
    // CHECK: tma.elect {
    // CHECK-NEXT: }
    tma.elect {}
  }
}

// CHECK-LABEL: @offsets
func.func @offsets(%d: !tma.desc<box = [16], swizzle = 32, i8>, %v: !tile.view<[x: 1040], i8>, %i: index) {
  // CHECK: tma.store %{{.*}} plus 1024 to %{{.*}}[%{{.*}}] : !tile.view<[x: 1040], i8>, !tma.desc<box = [16], swizzle = 32, i8>
  tma.store %v plus 1024 to %d[%i] : !tile.view<[x: 1040], i8>, !tma.desc<box = [16], swizzle = 32, i8>
  return
}
