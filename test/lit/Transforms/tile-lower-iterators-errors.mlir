// RUN: tilewright-opt %s --pass-pipeline='builtin.module(tile.kernel(tile-lower-iterators))' -split-input-file -verify-diagnostics

tile.kernel @clusters(%n: index {tile.name = "n"}) target "sm_90a" {
  // expected-note @+1 {{the other iterator is here}}
  %t = tile.tiles "t"(%n) persistent cluster 2 over 0 : !tile.iter<1>
  // expected-error @+1 {{has a cluster of 1 and another iterator one of 2; a kernel with both is not lowered yet}}
  %u = tile.tiles "u"(%n) persistent : !tile.iter<1>
  tile.role "math" groups(1) {
    tile.for_each %t as (%i) : !tile.iter<1> {
    }
    tile.for_each %u as (%i) : !tile.iter<1> {
    }
  }
}

// -----

tile.kernel @read_extent(%C: !tile.tensor<1, i32> {tile.name = "C", tile.mode = "in", tile.major = 0 : i64, tile.shape = [4]}) target "sm_90a" {
  %c0 = arith.constant 0 : index
  %x = tile.load_element %C[%c0] : !tile.tensor<1, i32> -> i32
  %n = arith.index_cast %x : i32 to index
  // expected-error @+1 {{extent 0 is not an expression of the kernel's arguments, so the grid is not known at launch; not lowered yet}}
  %t = tile.tiles "t"(%n) persistent : !tile.iter<1>
  tile.role "math" groups(1) {
    tile.for_each %t as (%i) : !tile.iter<1> {
    }
  }
}
