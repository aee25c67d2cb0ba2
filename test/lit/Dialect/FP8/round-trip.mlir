// RUN: tilewright-opt %s -o %t
// RUN: FileCheck %s --input-file %t
// The printed form, the generic form and bytecode all read back to the same.
// RUN: tilewright-opt %t | diff %t -
// RUN: tilewright-opt %s -mlir-print-op-generic | tilewright-opt | diff %t -
// RUN: tilewright-opt %s -emit-bytecode | tilewright-opt | diff %t -

// CHECK-LABEL: @promote
func.func @promote(%acc: !tile.tile<[m: 64, n: 128], f32>, %a: !tile.view<[m: 64, k: 128], f8E4M3FN>, %b: !tile.view<[n: 128, k: 128], f8E5M2>,
                   %sa: !tile.tile<[m: 64], f32>, %s: f32) {
  // CHECK: %[[R:.*]] = fp8.promote %{{.*}}, %{{.*}}, %{{.*}} scales(%{{.*}}, %{{.*}} : !tile.tile<[m: 64], f32>, f32) : !tile.tile<[m: 64, n: 128], f32>, !tile.view<[m: 64, k: 128], f8E4M3FN>, !tile.view<[n: 128, k: 128], f8E5M2> -> !tile.tile<[m: 64, n: 128], f32>
  %r = fp8.promote %acc, %a, %b scales(%sa, %s : !tile.tile<[m: 64], f32>, f32)
     : !tile.tile<[m: 64, n: 128], f32>, !tile.view<[m: 64, k: 128], f8E4M3FN>, !tile.view<[n: 128, k: 128], f8E5M2> -> !tile.tile<[m: 64, n: 128], f32>
  // CHECK: fp8.promote %[[R]], %{{.*}}, %{{.*}} : !tile.tile<[m: 64, n: 128], f32>,
  %q = fp8.promote %r, %a, %b
     : !tile.tile<[m: 64, n: 128], f32>, !tile.view<[m: 64, k: 128], f8E4M3FN>, !tile.view<[n: 128, k: 128], f8E5M2> -> !tile.tile<[m: 64, n: 128], f32>
  return
}
