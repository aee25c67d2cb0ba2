// RUN: tilewright-opt %s --convert-tilewright-to-nvvm --canonicalize --cse -split-input-file | FileCheck %s

// Bounds are checked without sign; outside is 0. A tensor that the kernel
// never writes is read through the read-only path. Offsets are 64-bit.

// CHECK-LABEL: llvm.func @load(
// CHECK-SAME: %[[P:.*]]: !llvm.ptr<1>, %[[STRIDE:.*]]: i64, %[[M:.*]]: i32, %[[N:.*]]: i32, %[[I:.*]]: i32, %[[J:.*]]: i32)
llvm.func @load(%p: !llvm.ptr<1>, %stride: i64, %m32: i32, %n32: i32, %i32: i32, %j32: i32) -> f32 {
  %m = arith.index_castui %m32 : i32 to index
  %n = arith.index_castui %n32 : i32 to index
  %i = arith.index_castui %i32 : i32 to index
  %j = arith.index_castui %j32 : i32 to index
  %one = arith.constant 1 : i64
  %t = builtin.unrealized_conversion_cast %p, %stride, %one, %m, %n : !llvm.ptr<1>, i64, i64, index, index to !tile.tensor<2, f32> {tile.readonly}
  // CHECK: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
  // CHECK: %[[A:.*]] = arith.cmpi ult, %[[II:.*]], %{{.*}} : index
  // CHECK: %[[B:.*]] = arith.cmpi ult, %[[JJ:.*]], %{{.*}} : index
  // CHECK: %[[IN:.*]] = arith.andi %[[A]], %[[B]]
  // CHECK: %[[X:.*]] = scf.if %[[IN]] -> (f32) {
  // CHECK:   %[[IW:.*]] = arith.index_castui %[[II]] : index to i64
  // CHECK:   %[[ROW:.*]] = arith.muli %[[IW]], %[[STRIDE]] : i64
  // CHECK:   %[[JW:.*]] = arith.index_castui %[[JJ]] : index to i64
  // CHECK:   %[[OFF:.*]] = arith.addi %[[ROW]], %[[JW]] : i64
  // CHECK:   %[[PTR:.*]] = llvm.getelementptr %[[P]][%[[OFF]]] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
  // CHECK:   %[[L:.*]] = llvm.load %[[PTR]] invariant : !llvm.ptr<1> -> f32
  // CHECK:   scf.yield %[[L]]
  // CHECK: } else {
  // CHECK:   scf.yield %[[ZERO]]
  %x = tile.load_element %t[%i, %j] : !tile.tensor<2, f32> -> f32
  llvm.return %x : f32
}

// CHECK-LABEL: llvm.func @store(
llvm.func @store(%p: !llvm.ptr<1>, %m32: i32, %i32: i32, %x: bf16) {
  %m = arith.index_castui %m32 : i32 to index
  %i = arith.index_castui %i32 : i32 to index
  %one = arith.constant 1 : i64
  %t = builtin.unrealized_conversion_cast %p, %one, %m : !llvm.ptr<1>, i64, index to !tile.tensor<1, bf16>
  // CHECK: scf.if %{{.*}} {
  // CHECK: llvm.store %arg3, %{{.*}} : bf16, !llvm.ptr<1>
  // CHECK: }
  tile.store_element %x to %t[%i] : bf16, !tile.tensor<1, bf16>
  // What may be written is not read through the read-only path.
  // CHECK-NOT: invariant
  %y = tile.load_element %t[%i] : !tile.tensor<1, bf16> -> bf16
  tile.store_element %y to %t[%m] : bf16, !tile.tensor<1, bf16>
  llvm.return
}

// CHECK-LABEL: llvm.func @grid
llvm.func @grid() -> i32 {
  // CHECK: %[[B:.*]] = nvvm.read.ptx.sreg.ctaid.x : i32
  // CHECK: %[[N:.*]] = nvvm.read.ptx.sreg.nctaid.x : i32
  %b = gpu.block_id x
  %n = gpu.grid_dim x
  %s = arith.addi %b, %n : index
  %r = arith.index_castui %s : index to i32
  llvm.return %r : i32
}

// -----

// A field in the middle of a slot, sliced: 528 bytes + slot * 1024 + 4 * (offset + i).

pipe.ring @r depth(2) fields ["pad", "x"] [!tile.view<[m: 4], f32>, !tile.view<[m: 128], f32>]
  layouts [#tile.shared<["m"], swizzle = 0>, #tile.shared<["m"], swizzle = 0>]
  {offsets = array<i64: 0, 528>, strides = array<i64: 16, 1024>}

// CHECK-LABEL: llvm.func @load_shared(
llvm.func @load_shared(%slot: i32, %off32: i32, %i32: i32) -> f32 {
  %off = arith.index_castui %off32 : i32 to index
  %i = arith.index_castui %i32 : i32 to index
  %s = pipe.slot_at @r[%slot] : !pipe.slot<@r>
  %v = pipe.field %s["x"] : !pipe.slot<@r> -> !tile.view<[m: 128], f32>
  %h = tile.slice %v["m" : %off] : !tile.view<[m: 128], f32> -> !tile.view<[m: 64], f32>
  // CHECK-DAG: %[[C1024:.*]] = arith.constant 1024 : index
  // CHECK-DAG: %[[C4:.*]] = arith.constant 4 : index
  // CHECK: %[[SLOT:.*]] = arith.muli %{{.*}}, %[[C1024]]
  // CHECK: %[[AT:.*]] = arith.addi %{{.*}}, %{{.*}} : index
  // CHECK: %[[BYTES:.*]] = arith.muli %[[AT]], %[[C4]]
  // CHECK: %[[SUM:.*]] = arith.addi %[[SLOT]], %[[BYTES]]
  // CHECK: %[[SUM32:.*]] = arith.index_castui %[[SUM]]
  // The constant goes last, where the load has it as its immediate offset.
  // CHECK: %[[PLACE:.*]] = llvm.getelementptr {{.*}}[%[[SUM32]]]
  // CHECK: %[[P:.*]] = llvm.getelementptr inbounds|nuw %[[PLACE]][528]
  // CHECK: llvm.load %[[P]] : !llvm.ptr<3> -> f32
  %x = tile.load_shared %h[%i] : !tile.view<[m: 64], f32> -> f32
  llvm.return %x : f32
}

// -----

// Accumulators of 16-bit elements: stmatrix, 16 columns at a time, four
// matrices; the last 8 columns of 24 with two.

#acc = #tile.fragment<threads = [4, 8, 4], regs = [2, 2, 3], axes = ["m", "n"], strides = [0, 1, 16, 0, 8, 0, 2, 0, 0, 1, 0, 8]>
pipe.ring @o depth(1) fields ["v", "t"] [!tile.view<[m: 64, n: 24], bf16>, !tile.view<[n: 24, m: 64], bf16>]
  layouts [#tile.shared<["m", "n"], swizzle = 0>, #tile.shared<["n", "m"], swizzle = 128>]
  {offsets = array<i64: 0, 3072>, strides = array<i64: 3072, 3072>}


// CHECK-LABEL: llvm.func @store_matrices(
llvm.func @store_matrices(%f: f32) {
  %z = arith.constant 0 : i32
  %s = pipe.slot_at @o[%z] : !pipe.slot<@o>
  %v = pipe.field %s["v"] : !pipe.slot<@o> -> !tile.view<[m: 64, n: 24], bf16>
  %t = pipe.field %s["t"] : !pipe.slot<@o> -> !tile.view<[n: 24, m: 64], bf16>
  %b = vector.broadcast %f : f32 to vector<12xf32>
  %x = arith.truncf %b : vector<12xf32> to vector<12xbf16>
  // Pairs are rounded in one instruction.
  // CHECK: llvm.fptrunc %{{.*}} : vector<2xf32> to vector<2xbf16>
  // CHECK: nvvm.stmatrix %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{[0-9]+}} {eltType = #nvvm.ld_st_matrix_elt_type<b16>, layout = #nvvm.mma_layout<row>, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>} : !llvm.ptr<3>, i32, i32, i32, i32
  // CHECK: nvvm.stmatrix {{.*}} : !llvm.ptr<3>, i32, i32{{$}}
  tile.store_fragment %x to %v layout #acc : vector<12xbf16>, !tile.view<[m: 64, n: 24], bf16>
  // The other axis contiguous: transposed.
  // CHECK: nvvm.stmatrix {{.*}}layout = #nvvm.mma_layout<col>
  // CHECK: nvvm.stmatrix {{.*}}layout = #nvvm.mma_layout<col>
  tile.store_fragment %x to %t layout #acc : vector<12xbf16>, !tile.view<[n: 24, m: 64], bf16>
  llvm.return
}

// -----

// Other element types: as wide as registers are consecutive.

#acc = #tile.fragment<threads = [4, 8, 4], regs = [2, 2, 1], axes = ["m", "n"], strides = [0, 1, 16, 0, 8, 0, 2, 0, 0, 1, 0, 8]>
pipe.ring @o depth(1) fields ["v"] [!tile.view<[m: 64, n: 8], f32>]
  layouts [#tile.shared<["m", "n"], swizzle = 32>]
  {offsets = array<i64: 0>, strides = array<i64: 2048>}

// CHECK-LABEL: llvm.func @store_elements(
llvm.func @store_elements(%f: f32) {
  %z = arith.constant 0 : i32
  %s = pipe.slot_at @o[%z] : !pipe.slot<@o>
  %v = pipe.field %s["v"] : !pipe.slot<@o> -> !tile.view<[m: 64, n: 8], f32>
  %x = vector.broadcast %f : f32 to vector<4xf32>
  // CHECK-COUNT-2: llvm.store %{{.*}}, %{{.*}} {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<3>
  // CHECK-NOT: llvm.store
  tile.store_fragment %x to %v layout #acc : vector<4xf32>, !tile.view<[m: 64, n: 8], f32>
  llvm.return
}
