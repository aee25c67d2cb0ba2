// RUN: tilewright-opt %s --pass-pipeline='builtin.module(tile.kernel(tile-split-groups))' --split-input-file --verify-diagnostics | FileCheck %s

// Each of two groups takes half of axis m: views are sliced, tiles shrink, and
// subscripts that run over m move by the group's offset. Axis n stays whole.

// CHECK-LABEL: tile.kernel @split
tile.kernel @split(
    %A: !tile.tensor<2, f32> {tile.name = "A", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["M", "N"]},
    %D: !tile.tensor<2, f32> {tile.name = "D", tile.mode = "out", tile.major = 1 : i64, tile.shape = ["M", "N"]},
    %M: index {tile.name = "M"}) target "sm_90a" {
  pipe.ring @p depth(2) fields ["x", "y"] [!tile.view<[m: 128], f32>, !tile.view<[n: 8], f32>]
  // CHECK: tile.role "math" groups(2) split("m")
  tile.role "math" groups(2) split("m") {
    // CHECK: %[[G:.*]] = tile.group
    // CHECK: %[[SIZE:.*]] = arith.constant 64
    // CHECK: %[[OFF:.*]] = arith.muli %[[G]], %[[SIZE]]
    %s = pipe.acquire_get @p : !pipe.slot<@p>
    // CHECK: %[[X:.*]] = pipe.field %{{.*}}["x"]
    // CHECK: %[[XS:.*]] = tile.slice %[[X]]["m" : %[[OFF]]] : !tile.view<[m: 128], f32> -> !tile.view<[m: 64], f32>
    %x = pipe.field %s["x"] : !pipe.slot<@p> -> !tile.view<[m: 128], f32>
    // CHECK: tile.load %[[XS]] : !tile.view<[m: 64], f32> -> !tile.tile<[m: 64], f32>
    %v = tile.load %x : !tile.view<[m: 128], f32> -> !tile.tile<[m: 128], f32>
    // CHECK: %[[Y:.*]] = pipe.field %{{.*}}["y"]
    // CHECK-NEXT: tile.load %[[Y]] : !tile.view<[n: 8], f32>
    %y = pipe.field %s["y"] : !pipe.slot<@p> -> !tile.view<[n: 8], f32>
    %w = tile.load %y : !tile.view<[n: 8], f32> -> !tile.tile<[n: 8], f32>
    // CHECK: tile.read %{{.*}}[#{{.*}}](%{{.*}}, %[[OFF]]) : !tile.tensor<2, f32> -> !tile.tile<[m: 64, n: 8], f32>
    %r = tile.read %A[affine_map<(m, n)[s0] -> (s0 * 128 + m, n)>](%M) : !tile.tensor<2, f32> -> !tile.tile<[m: 128, n: 8], f32>
    // CHECK: tile.store %{{.*}} to %{{.*}}[#{{.*}}](%[[OFF]]) : !tile.tile<[m: 64, n: 8], f32>
    tile.store %r to %D[affine_map<(m, n) -> (m, n)>]() : !tile.tile<[m: 128, n: 8], f32>, !tile.tensor<2, f32>
  }
}

// -----

tile.kernel @odd(
    %A: !tile.tensor<1, f32> {tile.name = "A", tile.mode = "in", tile.major = 0 : i64, tile.shape = ["M"]}) target "sm_90a" {
  // expected-note @+1 {{role 'math' splits it here}}
  tile.role "math" groups(3) split("m") {
    // expected-error @+1 {{axis 'm' of extent 128 cannot be split over 3 groups}}
    %r = tile.read %A[affine_map<(m) -> (m)>]() : !tile.tensor<1, f32> -> !tile.tile<[m: 128], f32>
  }
}
