// RUN: tilewright-opt %s --pass-pipeline='builtin.module(tile.kernel(tile-expand-cluster-sums))' --split-input-file --verify-diagnostics | FileCheck %s

// Four CTAs share a tile: each sends a part to every one, adds up its own, and
// stores that. What is added to the sum is read for the part only.

!t = !tile.tile<[m: 64, n: 32], f32>
// CHECK: #[[PART:.*]] = affine_map<(d0, d1)[s0, s1, s2] -> (d0 + s2 + s0 * 64, d1 + s1 * 32)>
// CHECK-LABEL: tile.kernel @split
tile.kernel @split(
    %D: !tile.tensor<2, f32> {tile.name = "D", tile.mode = "out", tile.major = 1 : i64, tile.shape = ["M", "N"]},
    %R: !tile.tensor<2, f32> {tile.name = "R", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["M", "N"]},
    %M: index {tile.name = "M"}, %N: index {tile.name = "N"}) target "sm_90a" {
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0.0 : f32
  %t = tile.tiles "t"(%M, %N, %c4) persistent cluster 4 over 2 : !tile.iter<3>
  // CHECK: pipe.ring @math_sum depth(1) fields ["mine", "parts"] [!tile.view<[cta$: 4, m: 16, n: 32], f32>, {{.*}}] {exchange = 4 : i64}
  tile.role "math" groups(1) {
    // CHECK: tile.for_each %{{.*}} as (%[[I:.*]], %[[J:.*]], %[[S:.*]]) :
    tile.for_each %t as (%i, %j, %s) : !tile.iter<3> {
      // CHECK: %[[T:.*]] = tile.splat
      %x = tile.splat %zero : f32 -> !t
      %sum = tile.cluster_sum %x over %s : !t
      // CHECK: %[[OFFSET:.*]] = arith.muli %[[S]], %c16
      // CHECK: %[[PUT:.*]] = pipe.acquire_put @math_sum
      // CHECK: %[[MINE:.*]] = pipe.field %[[PUT]]["mine"]
      // CHECK: %[[THEIRS:.*]] = pipe.field %[[PUT]]["parts"]
      // CHECK: tile.put_parts %[[T]] to %[[MINE]], %[[THEIRS]] at %[[S]] along "m" over "cta$"
      // CHECK: pipe.send %[[MINE]] to %[[THEIRS]] over "cta$" at %[[S]] arrive %[[PUT]]
      // CHECK: pipe.commit %[[PUT]]
      // CHECK: %[[GET:.*]] = pipe.acquire_get @math_sum
      // CHECK: %[[PARTS:.*]] = pipe.field %[[GET]]["parts"]
      // CHECK: %[[SUM:.*]] = tile.load_sum %[[PARTS]] over "cta$" : {{.*}} -> !tile.tile<[m: 16, n: 32], f32>
      %r = tile.read %R[affine_map<(d0, d1)[s0, s1] -> (d0 + s0 * 64, d1 + s1 * 32)>](%i, %j) : !tile.tensor<2, f32> -> !t
      // CHECK: %[[R:.*]] = tile.read %{{.*}}[#[[PART]]](%[[I]], %[[J]], %[[OFFSET]]) : {{.*}} -> !tile.tile<[m: 16, n: 32], f32>
      // CHECK: tile.map(%[[SUM]], %[[R]])
      %y = tile.map(%sum, %r) : (!t, !t) -> !t {
      ^bb0(%a: f32, %b: f32):
        %c = arith.addf %a, %b : f32
        tile.yield %c : f32
      }
      // CHECK: tile.store %{{.*}} to %{{.*}}[#[[PART]]](%[[I]], %[[J]], %[[OFFSET]]) : !tile.tile<[m: 16, n: 32], f32>
      tile.store %y to %D[affine_map<(d0, d1)[s0, s1] -> (d0 + s0 * 64, d1 + s1 * 32)>](%i, %j) : !t, !tile.tensor<2, f32>
    }
    // CHECK: pipe.drain @math_sum
  }
}

// -----

// A cluster of one has nothing to add.

!t = !tile.tile<[m: 64, n: 32], f32>
// CHECK-LABEL: tile.kernel @alone
// CHECK-NOT: pipe.
tile.kernel @alone(
    %D: !tile.tensor<2, f32> {tile.name = "D", tile.mode = "out", tile.major = 1 : i64, tile.shape = ["M", "N"]},
    %R: !tile.tensor<2, f32> {tile.name = "R", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["M", "N"]},
    %M: index {tile.name = "M"}, %N: index {tile.name = "N"}) target "sm_90a" {
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0.0 : f32
  %t = tile.tiles "t"(%M, %N, %c4) persistent : !tile.iter<3>
  tile.role "math" groups(1) {
    tile.for_each %t as (%i, %j, %s) : !tile.iter<3> {
      // CHECK: %[[T:.*]] = tile.splat
      %x = tile.splat %zero : f32 -> !t
      %sum = tile.cluster_sum %x over %s : !t
      // CHECK: tile.store %[[T]]
      tile.store %sum to %D[affine_map<(d0, d1)[s0, s1] -> (d0 + s0 * 64, d1 + s1 * 32)>](%i, %j) : !t, !tile.tensor<2, f32>
    }
  }
}

// -----

// More values than CTAs: the rank is what is left. The axis that the groups
// divide is not cut.

!t = !tile.tile<[m: 128, n: 32], f32>
// CHECK-LABEL: tile.kernel @more
tile.kernel @more(
    %D: !tile.tensor<2, f32> {tile.name = "D", tile.mode = "out", tile.major = 1 : i64, tile.shape = ["M", "N"]},
    %R: !tile.tensor<2, f32> {tile.name = "R", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["M", "N"]},
    %M: index {tile.name = "M"}, %N: index {tile.name = "N"}) target "sm_90a" {
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0.0 : f32
  %t = tile.tiles "t"(%M, %N, %N) persistent cluster 4 over 2 : !tile.iter<3>
  // CHECK: pipe.ring @math_sum {{.*}} [!tile.view<[cta$: 4, m: 128, n: 8], f32>
  tile.role "math" groups(2) split("m") {
    // CHECK: tile.for_each %{{.*}} as (%{{.*}}, %{{.*}}, %[[S:.*]]) :
    tile.for_each %t as (%i, %j, %s) : !tile.iter<3> {
      %x = tile.splat %zero : f32 -> !t
      // CHECK: %[[RANK:.*]] = arith.remui %[[S]], %
      // CHECK: pipe.send {{.*}} at %[[RANK]]
      %sum = tile.cluster_sum %x over %s : !t
      tile.store %sum to %D[affine_map<(d0, d1)[s0, s1] -> (d0 + s0 * 128, d1 + s1 * 32)>](%i, %j) : !t, !tile.tensor<2, f32>
    }
  }
}

// -----

!t = !tile.tile<[m: 64, n: 32], f32>
tile.kernel @odd(
    %D: !tile.tensor<2, f32> {tile.name = "D", tile.mode = "out", tile.major = 1 : i64, tile.shape = ["M", "N"]},
    %R: !tile.tensor<2, f32> {tile.name = "R", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["M", "N"]},
    %M: index {tile.name = "M"}, %N: index {tile.name = "N"}) target "sm_90a" {
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0.0 : f32
  %c3 = arith.constant 3 : index
  %t = tile.tiles "t"(%M, %N, %c3) persistent cluster 3 over 2 : !tile.iter<3>
  tile.role "math" groups(1) {
    tile.for_each %t as (%i, %j, %s) : !tile.iter<3> {
      %x = tile.splat %zero : f32 -> !t
      // expected-error @+1 {{no axis of the tile can be divided among the 3 CTAs of the cluster: m: 64, n: 32}}
      %sum = tile.cluster_sum %x over %s : !t
    }
  }
}

// -----

!t = !tile.tile<[m: 64, n: 32], f32>
tile.kernel @other(
    %D: !tile.tensor<2, f32> {tile.name = "D", tile.mode = "out", tile.major = 1 : i64, tile.shape = ["M", "N"]},
    %R: !tile.tensor<2, f32> {tile.name = "R", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["M", "N"]},
    %M: index {tile.name = "M"}, %N: index {tile.name = "N"}) target "sm_90a" {
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0.0 : f32
  %t = tile.tiles "t"(%M, %N, %c4) persistent cluster 4 over 2 : !tile.iter<3>
  tile.role "math" groups(1) {
    tile.for_each %t as (%i, %j, %s) : !tile.iter<3> {
      %x = tile.splat %zero : f32 -> !t
      // expected-error @+1 {{adds over component 1 of 't'; its clusters lie along component 2}}
      %sum = tile.cluster_sum %x over %j : !t
    }
  }
}

// -----

!t = !tile.tile<[m: 64, n: 32], f32>
tile.kernel @nothing(
    %D: !tile.tensor<2, f32> {tile.name = "D", tile.mode = "out", tile.major = 1 : i64, tile.shape = ["M", "N"]},
    %R: !tile.tensor<2, f32> {tile.name = "R", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["M", "N"]},
    %M: index {tile.name = "M"}, %N: index {tile.name = "N"}) target "sm_90a" {
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0.0 : f32
  %t = tile.tiles "t"(%M, %N, %c4) persistent cluster 4 over 2 : !tile.iter<3>
  tile.role "math" groups(1) {
    tile.for_each %t as (%i, %j, %s) : !tile.iter<3> {
      %x = tile.splat %zero : f32 -> !t
      // expected-error @+1 {{adds over something that is no component of an iterator}}
      %sum = tile.cluster_sum %x over %c4 : !t
    }
  }
}

// -----

!t = !tile.tile<[m: 64, n: 32], f32>
tile.kernel @warps(
    %D: !tile.tensor<2, f32> {tile.name = "D", tile.mode = "out", tile.major = 1 : i64, tile.shape = ["M", "N"]},
    %R: !tile.tensor<2, f32> {tile.name = "R", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["M", "N"]},
    %M: index {tile.name = "M"}, %N: index {tile.name = "N"}) target "sm_90a" {
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0.0 : f32
  %t = tile.tiles "t"(%M, %N, %c4) persistent cluster 4 over 2 : !tile.iter<3>
  // expected-note @+1 {{the role is declared here}}
  tile.role "math" warps(4) {
    tile.for_each %t as (%i, %j, %s) : !tile.iter<3> {
      %x = tile.splat %zero : f32 -> !t
      // expected-error @+1 {{outside of a role of groups is not lowered yet}}
      %sum = tile.cluster_sum %x over %s : !t
    }
  }
}

// -----

// Both groups hold the whole tile and would send it twice.

!t = !tile.tile<[m: 64, n: 32], f32>
tile.kernel @twice(
    %D: !tile.tensor<2, f32> {tile.name = "D", tile.mode = "out", tile.major = 1 : i64, tile.shape = ["M", "N"]},
    %R: !tile.tensor<2, f32> {tile.name = "R", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["M", "N"]},
    %M: index {tile.name = "M"}, %N: index {tile.name = "N"}) target "sm_90a" {
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0.0 : f32
  %t = tile.tiles "t"(%M, %N, %c4) persistent cluster 4 over 2 : !tile.iter<3>
  // expected-note @+1 {{role 'math' is here}}
  tile.role "math" groups(2) {
    tile.for_each %t as (%i, %j, %s) : !tile.iter<3> {
      %x = tile.splat %zero : f32 -> !t
      // expected-error @+1 {{each of 2 groups holds this tile; split one of its axes over them}}
      %sum = tile.cluster_sum %x over %s : !t
    }
  }
}

// -----

!t = !tile.tile<[m: 64, n: 32], f32>
tile.kernel @added(
    %D: !tile.tensor<2, f32> {tile.name = "D", tile.mode = "out", tile.major = 1 : i64, tile.shape = ["M", "N"]},
    %R: !tile.tensor<2, f32> {tile.name = "R", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["M", "N"]},
    %M: index {tile.name = "M"}, %N: index {tile.name = "N"}) target "sm_90a" {
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0.0 : f32
  %t = tile.tiles "t"(%M, %N, %c4) persistent cluster 4 over 2 : !tile.iter<3>
  tile.role "math" groups(1) {
    tile.for_each %t as (%i, %j, %s) : !tile.iter<3> {
      %x = tile.splat %zero : f32 -> !t
      %sum = tile.cluster_sum %x over %s : !t
      // expected-error @+1 {{adding a sum over a cluster to a tensor is not lowered yet}}
      tile.store %sum to %D[affine_map<(d0, d1)[s0, s1] -> (d0 + s0 * 64, d1 + s1 * 32)>](%i, %j) accumulate : !t, !tile.tensor<2, f32>
    }
  }
}

// -----

!t = !tile.tile<[m: 64, n: 32], f32>
tile.kernel @reduced(
    %D: !tile.tensor<2, f32> {tile.name = "D", tile.mode = "out", tile.major = 1 : i64, tile.shape = ["M", "N"]},
    %R: !tile.tensor<2, f32> {tile.name = "R", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["M", "N"]},
    %M: index {tile.name = "M"}, %N: index {tile.name = "N"}) target "sm_90a" {
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0.0 : f32
  %t = tile.tiles "t"(%M, %N, %c4) persistent cluster 4 over 2 : !tile.iter<3>
  tile.role "math" groups(1) {
    tile.for_each %t as (%i, %j, %s) : !tile.iter<3> {
      %x = tile.splat %zero : f32 -> !t
      // expected-note @+1 {{the sum is here}}
      %sum = tile.cluster_sum %x over %s : !t
      // expected-error @+1 {{this use is not lowered yet}}
      %y = tile.reduce sum %sum over ["n"] : !t -> !tile.tile<[m: 64], f32>
    }
  }
}
