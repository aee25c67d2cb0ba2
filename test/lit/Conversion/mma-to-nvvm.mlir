// RUN: tilewright-opt %s --convert-tilewright-to-nvvm --canonicalize --cse | FileCheck %s

!a = !tile.view<[m: 128, k: 256], f8E4M3FN>
!a64 = !tile.view<[m: 64, k: 256], f8E4M3FN>
!b = !tile.view<[n: 8, k: 64], bf16>
!bt = !tile.view<[k: 64, n: 64], bf16>

pipe.ring @ab depth(1) fields ["a", "b", "t"] [!a, !b, !bt]
  layouts [#tile.shared<["m", "k"], swizzle = 128>, #tile.shared<["n", "k"], swizzle = 64>, #tile.shared<["k", "n"], swizzle = 128>]
  {offsets = array<i64: 1024, 33792, 34816>, strides = array<i64: 32768, 1024, 8192>, barriers = 60000 : i64, full_count = 1 : i64, empty_count = 8 : i64}

// The address field counts 16 bytes; the constant part holds the stride of 8
// rows (1024 bytes) and the code of the swizzle (1: 128 bytes). A k step of 32
// elements is 2; the second atom of 128 elements begins behind 128 rows, and
// row 64 is 8192 bytes further on.

// CHECK-LABEL: llvm.func @descriptors
llvm.func @descriptors(%g32: i32) -> i64 {
  %g = arith.index_castui %g32 : i32 to index
  %z = arith.constant 0 : i32
  %s = pipe.slot_at @ab[%z] : !pipe.slot<@ab>
  %a = pipe.field %s["a"] : !pipe.slot<@ab> -> !a
  %part = tile.slice %a["m" : %g] : !a -> !a64
  // CHECK-DAG: %[[BITS:.*]] = arith.constant 4611686293305294848 : i64
  // CHECK-DAG: %[[C4:.*]] = arith.constant 4 : i32
  // In units of 16 bytes: 8 a row, 64 for the field's 1024 bytes.
  // CHECK-DAG: %[[C8:.*]] = arith.constant 8 : index
  // CHECK-DAG: %[[BASE:.*]] = arith.constant 64 : index
  // CHECK-DAG: %[[STEP1:.*]] = arith.constant 2 : i32
  // CHECK-DAG: %[[STEP4:.*]] = arith.constant 1024 : i32
  // CHECK-DAG: %[[ROW64:.*]] = arith.constant 576 : i32
  // CHECK: %[[ROW:.*]] = arith.muli %{{.*}}, %[[C8]]
  // CHECK: %[[OFF:.*]] = arith.addi %[[ROW]], %[[BASE]]
  // CHECK: %[[SMEM:.*]] = llvm.ptrtoint
  // CHECK: %[[UNITS:.*]] = arith.shrui %[[SMEM]], %[[C4]]
  // CHECK: %[[FIELD:.*]] = arith.addi %[[UNITS]],
  // CHECK: %[[W0:.*]] = arith.extui %[[FIELD]] : i32 to i64
  // CHECK: arith.ori %[[W0]], %[[BITS]]
  %d0 = mma.descriptor %part k("k" : 0) row 0 : !a64
  // CHECK: arith.addi %[[FIELD]], %[[STEP1]]
  %d1 = mma.descriptor %part k("k" : 32) row 0 : !a64
  // CHECK: arith.addi %[[FIELD]], %[[STEP4]]
  %d4 = mma.descriptor %part k("k" : 128) row 0 : !a64
  // CHECK: arith.addi %[[UNITS]], %[[ROW64]]
  %r = mma.descriptor %a k("k" : 0) row 64 : !a
  %x = llvm.or %d0, %d1 : i64
  %y = llvm.or %x, %d4 : i64
  %w = llvm.or %y, %r : i64
  llvm.return %w : i64
}

// Swizzle of 64 bytes: code 2, 8 rows of 64 bytes. M or N contiguous: rows of
// k lie 128 bytes apart.

// CHECK-LABEL: llvm.func @other_swizzles
llvm.func @other_swizzles() -> i64 {
  %z = arith.constant 0 : i32
  %s = pipe.slot_at @ab[%z] : !pipe.slot<@ab>
  %b = pipe.field %s["b"] : !pipe.slot<@ab> -> !b
  %t = pipe.field %s["t"] : !pipe.slot<@ab> -> !bt
  // (512 >> 4) << 32 | 2 << 62
  // CHECK-DAG: arith.constant -9223371899415822336 : i64
  %d = mma.descriptor %b k("k" : 0) row 0 : !b
  %e = mma.descriptor %t k("k" : 16) row 0 : !bt
  // 16 rows of 128 bytes behind the field's 34816: 2176 + 128 units.
  // CHECK-DAG: arith.constant 2304 : i32
  %w = llvm.or %d, %e : i64
  llvm.return %w : i64
}

// CHECK-LABEL: llvm.func @products
llvm.func @products(%da: i64, %db: i64, %c: f32) -> f32 {
  // Nothing is read of an accumulator that a product overwrites: no zeros.
  // CHECK: llvm.mlir.poison
  // CHECK-NOT: arith.constant 0.0
  // CHECK: nvvm.wgmma.fence.aligned
  mma.fence
  // CHECK: nvvm.wgmma.mma_async %{{.*}}, %{{.*}}, %{{.*}}, <m = 64, n = 8, k = 32>, D[<f32>, <zero>], A[<e4m3>, <one>, <row>], B[<e4m3>, <one>, <col>]
  %u = mma.undef : vector<4xf32>
  %p = mma.wgmma %da, %db into %u shape 64 8 32 types f8E4M3FN f8E4M3FN zero : vector<4xf32> -> vector<4xf32>
  // CHECK: nvvm.wgmma.mma_async {{.*}} <m = 64, n = 8, k = 16>, D[<f32>, <one>], A[<bf16>, <one>, <col>], B[<bf16>, <one>, <row>]
  %q = mma.wgmma %da, %db into %p shape 64 8 16 types bf16 bf16 {a_mn_major, b_mn_major} : vector<4xf32> -> vector<4xf32>
  // CHECK: nvvm.wgmma.commit.group.sync.aligned
  mma.commit
  // The wait is tied to all accumulators.
  // CHECK: llvm.inline_asm has_side_effects {{.*}}"wgmma.wait_group.sync.aligned 0;", "=f,=f,=f,=f,0,1,2,3,~{memory}"
  %w = mma.wait 0 tie(%q : vector<4xf32>) -> vector<4xf32>
  %x = vector.extract %w[2] : f32 from vector<4xf32>
  // CHECK: llvm.inline_asm has_side_effects {{.*}}"", "=f,0,~{memory}" %{{.*}} : (f32) -> f32
  %pin = mma.pin %x : f32 -> f32
  // CHECK: "wgmma.wait_group.sync.aligned 1;", "~{memory}"
  mma.wait 1
  llvm.return %pin : f32
}
