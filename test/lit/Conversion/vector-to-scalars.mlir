// RUN: tilewright-opt %s --convert-tilewright-to-nvvm | FileCheck %s
// RUN: tilewright-opt %s --convert-tilewright-to-nvvm | FileCheck %s --check-prefix=NOVECTOR
// NOVECTOR-NOT: vector<

// CHECK-LABEL: llvm.func @loop(
llvm.func @loop(%n: i32, %s: f32) -> f32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %to = arith.index_castui %n : i32 to index
  // CHECK: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
  // CHECK: %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
  %zero = arith.constant dense<[0.0, 0.0, 0.0, 1.0]> : vector<4xf32>
  %b = vector.broadcast %s : f32 to vector<4xf32>
  // Accumulators are scalars that the loop carries.
  // CHECK: %[[R:.*]]:4 = scf.for {{.*}} iter_args(%[[A0:.*]] = %[[ZERO]], %[[A1:.*]] = %[[ZERO]], %[[A2:.*]] = %[[ZERO]], %[[A3:.*]] = %[[ONE]]) -> (f32, f32, f32, f32)
  %acc = scf.for %k = %c0 to %to step %c1 iter_args(%a = %zero) -> (vector<4xf32>) {
    // CHECK: %[[F0:.*]] = math.fma %[[A0]], %arg1, %[[A0]]
    // CHECK: %[[F1:.*]] = math.fma %[[A1]], %arg1, %[[A1]]
    %x = math.fma %a, %b, %a : vector<4xf32>
    // CHECK: scf.yield %[[F0]], %[[F1]], %{{.*}}, %{{.*}}
    scf.yield %x : vector<4xf32>
  }
  // CHECK: llvm.return %[[R]]#3
  %e = vector.extract %acc[3] : f32 from vector<4xf32>
  llvm.return %e : f32
}

// Moving registers costs nothing: no operation is left.

// CHECK-LABEL: llvm.func @shapes(
// CHECK-SAME: %[[A:[^ ]*]]: f32, %[[B:[^ ]*]]: f32, %[[C:[^ ]*]]: f32)
llvm.func @shapes(%a: f32, %b: f32, %c: f32) -> f32 {
  %v = vector.from_elements %a, %b : vector<2xf32>
  %w = vector.shuffle %v, %v [1, 0, 3, 2] : vector<2xf32>, vector<2xf32>
  %x = vector.insert %c, %w [2] : f32 into vector<4xf32>
  %y = vector.extract_strided_slice %x {offsets = [1], sizes = [2], strides = [1]} : vector<4xf32> to vector<2xf32>
  %z = vector.insert_strided_slice %y, %x {offsets = [0], strides = [1]} : vector<2xf32> into vector<4xf32>
  %e:4 = vector.to_elements %z : vector<4xf32>
  // x = b a c a; y = a c; z = a c c a
  // CHECK-NEXT: %[[S:.*]] = arith.addf %[[A]], %[[C]]
  %s = arith.addf %e#0, %e#1 : f32
  // CHECK-NEXT: %[[T:.*]] = arith.addf %[[C]], %[[A]]
  %t = arith.addf %e#2, %e#3 : f32
  // CHECK-NEXT: arith.addf %[[S]], %[[T]]
  %r = arith.addf %s, %t : f32
  llvm.return %r : f32
}

// Branches, comparisons, conversions.

// CHECK-LABEL: llvm.func @branches(
llvm.func @branches(%p: i1, %a: f32, %b: f32) -> f16 {
  %v = vector.from_elements %a, %b : vector<2xf32>
  // CHECK: %[[IF:.*]]:2 = scf.if %arg0 -> (f32, f32) {
  %w = scf.if %p -> vector<2xf32> {
    // CHECK: scf.yield %arg1, %arg2
    scf.yield %v : vector<2xf32>
  } else {
    // CHECK: arith.addf %arg1, %arg1
    %x = arith.addf %v, %v : vector<2xf32>
    scf.yield %x : vector<2xf32>
  }
  // CHECK: %[[G0:.*]] = arith.cmpf ogt, %[[IF]]#0, %arg1 : f32
  // CHECK: %[[G1:.*]] = arith.cmpf ogt, %[[IF]]#1, %arg2 : f32
  %g = arith.cmpf ogt, %w, %v : vector<2xf32>
  // CHECK: %[[S0:.*]] = arith.select %[[G0]], %arg1, %[[IF]]#0
  // CHECK: %[[S1:.*]] = arith.select %[[G1]], %arg2, %[[IF]]#1
  %s = arith.select %g, %v, %w : vector<2xi1>, vector<2xf32>
  // The condition of a select may be one for all.
  // CHECK: arith.select %arg0, %[[S0]], %arg1
  // CHECK: %[[U:.*]] = arith.select %arg0, %[[S1]], %arg2
  %u = arith.select %p, %s, %v : vector<2xf32>
  // CHECK: arith.truncf %{{.*}} : f32 to f16
  // CHECK: %[[H:.*]] = arith.truncf %[[U]] : f32 to f16
  %h = arith.truncf %u : vector<2xf32> to vector<2xf16>
  %e = vector.extract %h[1] : f16 from vector<2xf16>
  llvm.return %e : f16
}
