// RUN: tilewright-opt %s --pass-pipeline='builtin.module(tile.kernel(tile-lower-iterators))' | FileCheck %s

// The grid strides over tile numbers; the raster decodes one: bands of 8
// columns, inside a band the column fastest (test/unit/support has the
// bijection over all extents).

// CHECK-LABEL: tile.kernel @persistent
// CHECK-SAME: launch = {persistent = true, tiles = ["mul", ["cdiv", "M", 128], ["cdiv", "N", 64]]}
tile.kernel @persistent(%M: index {tile.name = "M"}, %N: index {tile.name = "N"}) target "sm_90a" {
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  // CHECK: %[[NI:.*]] = arith.ceildivui %arg0
  // CHECK: %[[NJ:.*]] = arith.ceildivui %arg1
  %ni = arith.ceildivui %M, %c128 : index
  %nj = arith.ceildivui %N, %c64 : index
  // CHECK-NOT: tile.tiles
  %t = tile.tiles "t"(%ni, %nj) persistent raster 8 over 1 : !tile.iter<2>
  tile.role "math" groups(1) {
    %f = arith.constant 0.0 : f32
    // CHECK: %[[F:.*]] = arith.constant 0.000000e+00
    // CHECK: %[[COUNT:.*]] = arith.muli %[[NI]], %[[NJ]]
    // CHECK: %[[CTA:.*]] = gpu.block_id x
    // CHECK: %[[STEP:.*]] = gpu.grid_dim x
    // CHECK: %[[R:.*]] = scf.for %[[L:.*]] = %[[CTA]] to %[[COUNT]] step %[[STEP]] iter_args(%[[ACC:.*]] = %[[F]]) -> (f32)
    %r = tile.for_each %t as (%i, %j) iter_args(%acc = %f) -> (f32) : !tile.iter<2> {
      // CHECK: %[[WIDTH:.*]] = arith.constant 8 : index
      // CHECK: %[[BAND:.*]] = arith.muli %[[WIDTH]], %[[NI]]
      // CHECK: %[[B:.*]] = arith.divui %[[L]], %[[BAND]]
      // CHECK: %[[FIRST:.*]] = arith.muli %[[B]], %[[WIDTH]]
      // CHECK: %[[IN:.*]] = arith.remui %[[L]], %[[BAND]]
      // CHECK: %[[LEFT:.*]] = arith.subi %[[NJ]], %[[FIRST]]
      // CHECK: %[[W:.*]] = arith.minui %[[WIDTH]], %[[LEFT]]
      // CHECK: %[[JJ:.*]] = arith.remui %[[IN]], %[[W]]
      // CHECK: %[[J:.*]] = arith.addi %[[FIRST]], %[[JJ]]
      // CHECK: %[[I:.*]] = arith.divui %[[IN]], %[[W]]
      // CHECK: arith.addi %[[I]], %[[J]]
      %s = arith.addi %i, %j : index
      %w = arith.index_cast %s : index to i32
      %x = arith.sitofp %w : i32 to f32
      // CHECK: %[[NEW:.*]] = arith.addf %[[ACC]]
      // CHECK: scf.yield %[[NEW]]
      %y = arith.addf %acc, %x : f32
      tile.yield %y : f32
    }
    // CHECK: arith.addf %[[R]], %[[R]]
    %z = arith.addf %r, %r : f32
  }
}

// Without `persistent` the grid has a CTA for each tile. Without a raster the
// last index is the fastest. Extents may be those of tensors.

// CHECK-LABEL: tile.kernel @one_tile
// CHECK-SAME: launch = {persistent = false, tiles = ["mul", ["mul", "B", 3], ["floordiv", ["add", "M", 1], 2]]}
tile.kernel @one_tile(%X: !tile.tensor<2, f32> {tile.name = "X", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["B", ["add", "M", 1]]},
                      %B: index {tile.name = "B"}, %M: index {tile.name = "M"}) target "sm_90a" {
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %m = tile.dim %X, 1 : !tile.tensor<2, f32>
  %h = arith.divui %m, %c2 : index
  %t = tile.tiles "t"(%B, %c3, %h) : !tile.iter<3>
  // CHECK: tile.role
  tile.role "math" groups(1) {
    // CHECK: %[[CTA:.*]] = gpu.block_id x
    // CHECK: %[[MINE:.*]] = arith.cmpi ult, %[[CTA]], %{{.*}} : index
    // CHECK: scf.if %[[MINE]] {
    tile.for_each %t as (%i, %j, %k) : !tile.iter<3> {
      // CHECK: %[[K:.*]] = arith.remui %[[CTA]], %[[H:.*]] : index
      // CHECK: %[[REST:.*]] = arith.divui %[[CTA]], %[[H]]
      // CHECK: %[[J:.*]] = arith.remui %[[REST]], %{{.*}}
      // CHECK: %[[I:.*]] = arith.divui %[[REST]], %{{.*}}
      // CHECK: arith.addi %[[I]], %[[J]]
      %x = arith.addi %i, %j : index
      // CHECK: arith.addi %{{.*}}, %[[K]]
      %y = arith.addi %x, %k : index
    }
  }
}

// A value that a skipped tile does not change.

// CHECK-LABEL: tile.kernel @carried
tile.kernel @carried(%n: index {tile.name = "n"}) target "sm_90a" {
  %t = tile.tiles "t"(%n) : !tile.iter<1>
  tile.role "math" groups(1) {
    %f = arith.constant 0.0 : f32
    // CHECK: %[[R:.*]] = scf.if %{{.*}} -> (f32) {
    // CHECK: scf.yield
    // CHECK: } else {
    // CHECK: scf.yield %{{.*}} : f32
    %r = tile.for_each %t as (%i) iter_args(%acc = %f) -> (f32) : !tile.iter<1> {
      %y = arith.addf %acc, %acc : f32
      tile.yield %y : f32
    }
    %z = arith.addf %r, %r : f32
  }
}

// Clusters are numbered: each takes two neighbouring columns at once, CTA
// `rank` of it the rank-th. An odd number of columns is rounded up, bands are
// counted in clusters.

// CHECK-LABEL: tile.kernel @clusters
// CHECK-SAME: launch = {cluster = [2, 1, 1], persistent = true, tiles = ["mul", "M", ["mul", ["cdiv", "N", 2], 2]]}
tile.kernel @clusters(%M: index {tile.name = "M"}, %N: index {tile.name = "N"}) target "sm_90a" {
  %t = tile.tiles "t"(%M, %N) persistent raster 8 over 1 cluster 2 over 1 : !tile.iter<2>
  // CHECK: tile.role
  tile.role "math" groups(1) {
    // CHECK: %[[UP:.*]] = arith.addi %arg1, %{{.*}}
    // CHECK: %[[NJ:.*]] = arith.shrui %[[UP]], %{{.*}}
    // CHECK: %[[COUNT:.*]] = arith.muli %arg0, %[[NJ]]
    // CHECK: %[[ID:.*]] = gpu.cluster_id x
    // CHECK: %[[RANK:.*]] = gpu.cluster_block_id x
    // CHECK: %[[STEP:.*]] = gpu.cluster_dim x
    // CHECK: scf.for %[[C:.*]] = %[[ID]] to %[[COUNT]] step %[[STEP]]
    tile.for_each %t as (%i, %j) : !tile.iter<2> {
      // CHECK: %[[WIDTH:.*]] = arith.constant 4 : index
      // CHECK: %[[BAND:.*]] = arith.muli %[[WIDTH]], %arg0
      // CHECK: arith.divui %[[C]], %[[BAND]]
      // CHECK: %[[PAIR:.*]] = arith.addi
      // CHECK: %[[I:.*]] = arith.divui
      // CHECK: %[[TWO:.*]] = arith.constant 2 : index
      // CHECK: %[[FIRST:.*]] = arith.muli %[[PAIR]], %[[TWO]]
      // CHECK: %[[J:.*]] = arith.addi %[[FIRST]], %[[RANK]]
      // CHECK: arith.addi %[[I]], %[[J]]
      %x = arith.addi %i, %j : index
    }
  }
}

// CHECK-LABEL: tile.kernel @one_tile_each
// CHECK-SAME: launch = {cluster = [4, 1, 1], persistent = false, tiles = 8 : i64}
tile.kernel @one_tile_each() target "sm_90a" {
  %c5 = arith.constant 5 : index
  %t = tile.tiles "t"(%c5) cluster 4 over 0 : !tile.iter<1>
  tile.role "math" groups(1) {
    // CHECK: %[[ID:.*]] = gpu.cluster_id x
    // CHECK: %[[RANK:.*]] = gpu.cluster_block_id x
    // CHECK: %[[MINE:.*]] = arith.cmpi ult, %[[ID]], %{{.*}}
    // CHECK: scf.if %[[MINE]]
    tile.for_each %t as (%i) : !tile.iter<1> {
      // CHECK: %[[FIRST:.*]] = arith.muli %[[ID]], %{{.*}}
      // CHECK: %[[I:.*]] = arith.addi %[[FIRST]], %[[RANK]]
      // CHECK: arith.addi %[[I]], %[[I]]
      %x = arith.addi %i, %i : index
    }
  }
}
