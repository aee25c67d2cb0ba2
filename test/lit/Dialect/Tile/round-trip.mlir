// RUN: tilewright-opt %s -allow-unregistered-dialect -o %t
// RUN: FileCheck %s --input-file %t
// The printed form, the generic form and bytecode all read back to the same.
// RUN: tilewright-opt %t -allow-unregistered-dialect | diff %t -
// RUN: tilewright-opt %s -allow-unregistered-dialect -mlir-print-op-generic | tilewright-opt -allow-unregistered-dialect | diff %t -
// RUN: tilewright-opt %s -allow-unregistered-dialect -emit-bytecode | tilewright-opt -allow-unregistered-dialect | diff %t -

// CHECK-LABEL: tile.kernel @structure(
// CHECK-SAME: %[[A:.*]]: !tile.tensor<2, f8E4M3FN> {tile.major = 1 : i64, tile.mode = "in", tile.name = "A", tile.shape = ["M", ["cdiv", "K", 128]]},
// CHECK-SAME: %[[M:.*]]: index {tile.name = "M"},
// CHECK-SAME: %[[K:.*]]: index {tile.name = "K"}) target "sm_90a"
// CHECK-SAME: attributes {constants = {BM = 128 : i64}, requires = [{expr = ["not", ["eq", "M", 0]], line = 3 : i64, text = "M != 0"}]} {
tile.kernel @structure(
    %A: !tile.tensor<2, f8E4M3FN> {tile.name = "A", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["M", ["cdiv", "K", 128]]},
    %M: index {tile.name = "M"}, %K: index {tile.name = "K"}) target "sm_90a"
    attributes {constants = {BM = 128 : i64}, requires = [{expr = ["not", ["eq", "M", 0]], text = "M != 0", line = 3 : i64}]} {
  // CHECK: %[[T:.*]] = tile.tiles "t"(%[[M]], %[[K]]) persistent raster 8 over 1 cluster 2 over 1 : !tile.iter<2>
  %t = tile.tiles "t"(%M, %K) persistent raster 8 over 1 cluster 2 over 1 : !tile.iter<2>
  // Bands of 1 over another dimension are not the default: nothing is lost.
  // CHECK: tile.tiles "u"(%[[M]], %[[K]]) raster 1 over 1 : !tile.iter<2>
  %u = tile.tiles "u"(%M, %K) raster 1 over 1 : !tile.iter<2>
  // CHECK: tile.tiles "v"(%[[M]]) cluster 2 over 0 : !tile.iter<1>
  %v = tile.tiles "v"(%M) raster 1 over 0 cluster 2 over 0 : !tile.iter<1>
  // CHECK: tile.tiles "w"(%[[M]]) : !tile.iter<1>
  %w = tile.tiles "w"(%M) : !tile.iter<1>
  // CHECK: tile.role "load" warps(1) {
  tile.role "load" warps(1) {
    // CHECK: tile.for_each %[[T]] as (%{{.*}}, %{{.*}}) : !tile.iter<2> {
    // CHECK-NEXT: }
    tile.for_each %t as (%i, %j) : !tile.iter<2> {
    }
    // CHECK: %[[Z:.*]] = arith.constant 0 : i32
    %zero = arith.constant 0 : i32
    %one = arith.constant 1.0 : f32
    // CHECK: tile.for_each %[[T]] as (%{{.*}}, %{{.*}}) iter_args(%[[P:.*]] = %[[Z]], %[[Q:.*]] = %{{.*}}) -> (i32, f32) attributes {note = "kept"} : !tile.iter<2> {
    // CHECK-NEXT: tile.yield %[[P]], %[[Q]] : i32, f32
    %r:2 = tile.for_each %t as (%i, %j) iter_args(%p = %zero, %q = %one) -> (i32, f32) attributes {note = "kept"} : !tile.iter<2> {
      tile.yield %p, %q : i32, f32
    }
  }
  // CHECK: tile.role "math" groups(2) split("m") regs(232) at 4 planned 240 attributes {note = 1 : i64} {
  tile.role "math" groups(2) split("m") regs(232) at 4 planned 240 attributes {note = 1 : i64} {
    // CHECK: tile.group
    %g = tile.group
    // CHECK: tile.thread
    %x = tile.thread
  }
  // CHECK: tile.role "idle" warps(2) {
  // CHECK-NEXT: }
  tile.role "idle" warps(2) {}
}

// CHECK-LABEL: tile.kernel @empty() target "sm_100a" {
// CHECK-NEXT: }
tile.kernel @empty() target "sm_100a" {}

// CHECK-LABEL: @data
// CHECK-SAME: (%[[A:.*]]: !tile.tensor<2, f32>, %[[V:.*]]: !tile.view<[m: 64, k: 32], f32>,
func.func @data(%A: !tile.tensor<2, f32>, %v: !tile.view<[m: 64, k: 32], f32>, %tf: !tile.view<[m: 64, k: 32], tf32>, %i: index) {
  // CHECK: tile.dim %[[A]], 1 : !tile.tensor<2, f32>
  %d = tile.dim %A, 1 : !tile.tensor<2, f32>
  // CHECK: %[[R:.*]] = tile.read %[[A]][#[[READ:.*]]](%{{.*}}, %{{.*}}) : !tile.tensor<2, f32> -> !tile.tile<[n: 128], f32>
  %r = tile.read %A[affine_map<(n)[s0, s1] -> ((s0 * 128 + n) floordiv 128, s1)>](%i, %i)
     : !tile.tensor<2, f32> -> !tile.tile<[n: 128], f32>
  // CHECK: tile.copy %[[A]][#{{.*}}](%{{.*}}) to %[[V]] : !tile.tensor<2, f32>, !tile.view<[m: 64, k: 32], f32>
  tile.copy %A[affine_map<(m, k)[s0] -> (m + s0, k)>](%i) to %v : !tile.tensor<2, f32>, !tile.view<[m: 64, k: 32], f32>
  // The one conversion that a copy makes.
  // CHECK: tile.copy {{.*}} : !tile.tensor<2, f32>, !tile.view<[m: 64, k: 32], tf32>
  tile.copy %A[affine_map<(m, k) -> (m, k)>]() to %tf : !tile.tensor<2, f32>, !tile.view<[m: 64, k: 32], tf32>
  // CHECK: %[[L:.*]] = tile.load %[[V]] : !tile.view<[m: 64, k: 32], f32> -> !tile.tile<[k: 32, m: 64], f32>
  %l = tile.load %v : !tile.view<[m: 64, k: 32], f32> -> !tile.tile<[k: 32, m: 64], f32>
  // CHECK: tile.put %[[L]] to %[[V]] : !tile.tile<[k: 32, m: 64], f32>, !tile.view<[m: 64, k: 32], f32>
  tile.put %l to %v : !tile.tile<[k: 32, m: 64], f32>, !tile.view<[m: 64, k: 32], f32>
  // CHECK: tile.store %[[L]] to %[[A]][#{{.*}}]() : !tile.tile<[k: 32, m: 64], f32>, !tile.tensor<2, f32>
  tile.store %l to %A[affine_map<(k, m) -> (m, k)>]() : !tile.tile<[k: 32, m: 64], f32>, !tile.tensor<2, f32>
  // CHECK: tile.store %[[L]] to %[[A]][#{{.*}}](%{{.*}}) accumulate :
  tile.store %l to %A[affine_map<(k, m)[s] -> (m + s, k)>](%i) accumulate : !tile.tile<[k: 32, m: 64], f32>, !tile.tensor<2, f32>
  // CHECK: tile.store %[[L]] to %[[A]][#{{.*}}]() {buffers = 2 : i64, chunk = {m = 64 : i64}} :
  tile.store %l to %A[affine_map<(k, m) -> (m, k)>]() {buffers = 2 : i64, chunk = {m = 64 : i64}} : !tile.tile<[k: 32, m: 64], f32>, !tile.tensor<2, f32>
  // CHECK: tile.extract %[[L]][16, 0] : !tile.tile<[k: 32, m: 64], f32> -> !tile.tile<[k: 16, m: 64], f32>
  %part = tile.extract %l[16, 0] : !tile.tile<[k: 32, m: 64], f32> -> !tile.tile<[k: 16, m: 64], f32>
  // CHECK: tile.slice %[[V]]["m" : %{{.*}}] : !tile.view<[m: 64, k: 32], f32> -> !tile.view<[m: 16, k: 32], f32>
  %s = tile.slice %v["m" : %i] : !tile.view<[m: 64, k: 32], f32> -> !tile.view<[m: 16, k: 32], f32>
  // The last part of an axis.
  %c48 = arith.constant 48 : index
  %e = tile.slice %v["m" : %c48] : !tile.view<[m: 64, k: 32], f32> -> !tile.view<[m: 16, k: 32], f32>
  // CHECK: %[[X:.*]] = tile.load_element %[[A]][%{{.*}}, %{{.*}}] : !tile.tensor<2, f32> -> f32
  %x = tile.load_element %A[%i, %i] : !tile.tensor<2, f32> -> f32
  // CHECK: tile.store_element %[[X]] to %[[A]][%{{.*}}, %{{.*}}] : f32, !tile.tensor<2, f32>
  tile.store_element %x to %A[%i, %i] : f32, !tile.tensor<2, f32>
  // CHECK: tile.load_shared %[[V]][%{{.*}}, %{{.*}}] : !tile.view<[m: 64, k: 32], f32> -> f32
  %y = tile.load_shared %v[%i, %i] : !tile.view<[m: 64, k: 32], f32> -> f32
  return
}

// CHECK-LABEL: @computation
func.func @computation(%f: f32, %m: !tile.tile<[m: 64], f32>, %n: !tile.tile<[n: 128], f32>,
                       %a: !tile.view<[m: 64, k: 128], f8E4M3FN>, %b: !tile.tile<[n: 128, k: 128], f8E5M2>) {
  // CHECK: tile.splat %{{.*}} : f32 -> !tile.tile<[m: 64, n: 128], f32>
  %s = tile.splat %f : f32 -> !tile.tile<[m: 64, n: 128], f32>
  // CHECK: tile.map(%{{.*}}, %{{.*}}, %{{.*}}) : (!tile.tile<[m: 64], f32>, !tile.tile<[n: 128], f32>, f32) -> !tile.tile<[m: 64, n: 128], f32> {
  // CHECK-NEXT: ^bb0(%[[X:.*]]: f32, %[[Y:.*]]: f32, %{{.*}}: f32):
  // CHECK-NEXT: %[[P:.*]] = arith.mulf %[[X]], %[[Y]] : f32
  // CHECK: tile.yield %{{.*}} : f32
  %p = tile.map(%m, %n, %f) : (!tile.tile<[m: 64], f32>, !tile.tile<[n: 128], f32>, f32) -> !tile.tile<[m: 64, n: 128], f32> {
  ^bb0(%x: f32, %y: f32, %z: f32):
    %0 = arith.mulf %x, %y : f32
    %1 = arith.addf %0, %z : f32
    tile.yield %1 : f32
  }
  // CHECK: %[[C:.*]] = tile.contract %{{.*}}, %{{.*}} : !tile.view<[m: 64, k: 128], f8E4M3FN>, !tile.tile<[n: 128, k: 128], f8E5M2> -> !tile.tile<[n: 128, m: 64], f32>
  %c = tile.contract %a, %b : !tile.view<[m: 64, k: 128], f8E4M3FN>, !tile.tile<[n: 128, k: 128], f8E5M2> -> !tile.tile<[n: 128, m: 64], f32>
  // CHECK: tile.contract %{{.*}}, %{{.*}} acc(%[[C]] : !tile.tile<[n: 128, m: 64], f32>) :
  %d = tile.contract %a, %b acc(%c : !tile.tile<[n: 128, m: 64], f32>) : !tile.view<[m: 64, k: 128], f8E4M3FN>, !tile.tile<[n: 128, k: 128], f8E5M2> -> !tile.tile<[n: 128, m: 64], f32>
  // CHECK: tile.reduce sum %{{.*}} over ["n"] : !tile.tile<[m: 64, n: 128], f32> -> !tile.tile<[m: 64], f32>
  %sum = tile.reduce sum %p over ["n"] : !tile.tile<[m: 64, n: 128], f32> -> !tile.tile<[m: 64], f32>
  // CHECK: tile.reduce max %{{.*}} over ["n", "m"] : !tile.tile<[m: 64, n: 128], f32> -> !tile.tile<[], f32>
  %max = tile.reduce max %p over ["n", "m"] : !tile.tile<[m: 64, n: 128], f32> -> !tile.tile<[], f32>
  // CHECK: tile.reduce min %{{.*}} over []
  %min = tile.reduce min %m over [] : !tile.tile<[m: 64], f32> -> !tile.tile<[m: 64], f32>
  return
}

// CHECK-LABEL: @types
func.func private @types(
  // Masks, indices and the narrow types; a name that is no keyword is quoted.
  // CHECK-SAME: !tile.tile<["an axis": 8, m: 1], i1>, !tile.tile<[x: 3], index>,
  !tile.tile<["an axis": 8, m: 1], i1>, !tile.tile<[x: 3], index>,
  // CHECK-SAME: !tile.view<[k: 32], f4E2M1FN>, !tile.view<[k: 4], f8E8M0FNU>, !tile.view<[k: 4], bf16>, !tile.tensor<5, i1>,
  !tile.view<[k: 32], f4E2M1FN>, !tile.view<[k: 4], f8E8M0FNU>, !tile.view<[k: 4], bf16>, !tile.tensor<5, i1>,
  // CHECK-SAME: !tile.iter<3>)
  !tile.iter<3>)

// The accumulator of wgmma m64n128, its projections, and layouts without digits.
#acc = #tile.fragment<threads = [4, 8, 4], regs = [2, 2, 16], axes = ["m", "n"], strides = [0, 1, 16, 0, 8, 0, 2, 0, 0, 1, 0, 8]>
// CHECK-LABEL: @layouts
func.func private @layouts(
  // CHECK-SAME: !tile.tile<[m: 64, n: 128], f32, #tile.fragment<threads = [4, 8, 4], regs = [2, 2, 16], axes = ["m", "n"], strides = [0, 1, 16, 0, 8, 0, 2, 0, 0, 1, 0, 8]>>
  !tile.tile<[m: 64, n: 128], f32, #tile.fragment<threads = [4, 8, 4], regs = [2, 2, 16], axes = ["m", "n"], strides = [0, 1, 16, 0, 8, 0, 2, 0, 0, 1, 0, 8]>>,
  // CHECK-SAME: !tile.tile<[m: 64], f32, #tile.fragment<threads = [4, 8, 4], regs = [2], axes = ["m"], strides = [0, 1, 16, 8]>>
  !tile.tile<[m: 64], f32, #tile.fragment<threads = [4, 8, 4], regs = [2], axes = ["m"], strides = [0, 1, 16, 8]>>,
  // A layout may overhang: 4 x 32 coordinates for 100 elements.
  // CHECK-SAME: !tile.tile<[x: 100], f32, #tile.fragment<threads = [32], regs = [4], axes = ["x"], strides = [1, 32]>>
  !tile.tile<[x: 100], f32, #tile.fragment<threads = [32], regs = [4], axes = ["x"], strides = [1, 32]>>,
  // CHECK-SAME: !tile.tile<[], f32, #tile.fragment<threads = [], regs = [], axes = [], strides = []>>
  !tile.tile<[], f32, #tile.fragment<threads = [], regs = [], axes = [], strides = []>>)

// CHECK-LABEL: @fragment
func.func @fragment(%f: vector<64xbf16>, %d: !tile.view<[m: 64, n: 128], bf16>) {
  // CHECK: tile.store_fragment %{{.*}} to %{{.*}} layout <threads = [4, 8, 4], {{.*}}> : vector<64xbf16>, !tile.view<[m: 64, n: 128], bf16>
  tile.store_fragment %f to %d layout #acc : vector<64xbf16>, !tile.view<[m: 64, n: 128], bf16>
  // CHECK: "test.attributes"() {acc = #tile.fragment<threads = [4, 8, 4], {{.*}}>, plain = #tile.shared<["m"], swizzle = 0>, scalar = #tile.shared<[], swizzle = 0>, swizzled = #tile.shared<["m", "k"], swizzle = 128>}
  "test.attributes"() {acc = #acc, plain = #tile.shared<["m"], swizzle = 0>, scalar = #tile.shared<[], swizzle = 0>, swizzled = #tile.shared<["m", "k"], swizzle = 128>} : () -> ()
  return
}

// CHECK-LABEL: @cluster_sums
func.func @cluster_sums(%t: !tile.tile<[m: 16], f32>, %v: !tile.view<[cta: 2, m: 8], f32>, %s: index) {
  // CHECK: tile.cluster_sum %{{.*}} over %{{.*}} : !tile.tile<[m: 16], f32>
  %u = tile.cluster_sum %t over %s : !tile.tile<[m: 16], f32>
  // CHECK: tile.put_parts %{{.*}} to %{{.*}}, %{{.*}} at %{{.*}} along "m" over "cta" : !tile.tile<[m: 16], f32>, !tile.view<[cta: 2, m: 8], f32>
  tile.put_parts %t to %v, %v at %s along "m" over "cta" : !tile.tile<[m: 16], f32>, !tile.view<[cta: 2, m: 8], f32>
  // CHECK: tile.load_sum %{{.*}} over "cta" : !tile.view<[cta: 2, m: 8], f32> -> !tile.tile<[m: 8], f32>
  %x = tile.load_sum %v over "cta" : !tile.view<[cta: 2, m: 8], f32> -> !tile.tile<[m: 8], f32>
  return
}
