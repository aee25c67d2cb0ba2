// RUN: tilewright-opt %s --convert-tilewright-to-nvvm --canonicalize --cse | FileCheck %s

!a = !tile.view<[m: 128, k: 128], f8E4M3FN>
!half = !tile.view<[m: 64, k: 128], f8E4M3FN>
!da = !tma.desc<box = [128, 128], swizzle = 128, f8E4M3FN>

pipe.ring @ab depth(4) fields ["x", "a"] [!tile.view<[m: 64], f32>, !a]
  layouts [#tile.shared<["m"], swizzle = 0>, #tile.shared<["m", "k"], swizzle = 128>]
  {offsets = array<i64: 67584, 2048>, strides = array<i64: 256, 16384>, barriers = 71680 : i64, full_count = 1 : i64, empty_count = 8 : i64}

// CHECK-LABEL: llvm.func @load(
// CHECK-SAME: %[[MAP:.*]]: !llvm.ptr, %[[I:.*]]: i32, %[[K:.*]]: i32, %[[M:.*]]: i32)
llvm.func @load(%map: !llvm.ptr, %i: i32, %k32: i32, %m32: i32) {
  %d = builtin.unrealized_conversion_cast %map : !llvm.ptr to !da
  %k = arith.index_castui %k32 : i32 to index
  %m = arith.index_castui %m32 : i32 to index
  %s = pipe.slot_at @ab[%i] : !pipe.slot<@ab>
  %a = pipe.field %s["a"] : !pipe.slot<@ab> -> !a
  // Destination: 2048 + slot * 16384, in the cluster's window.
  // CHECK-DAG: %[[BASE:.*]] = arith.constant 2048 : index
  // CHECK-DAG: %[[SLOT:.*]] = arith.constant 16384 : index
  // CHECK: %[[IX:.*]] = arith.index_castui %[[I]]
  // CHECK: %[[B:.*]] = arith.muli %[[IX]], %[[SLOT]]
  // CHECK: %[[AT:.*]] = arith.addi %[[B]], %[[BASE]]
  // CHECK: %[[FULL:.*]] = llvm.getelementptr {{.*}}[%{{.*}}]
  // CHECK: %[[MBAR:.*]] = llvm.getelementptr inbounds|nuw %[[FULL]][71680]
  // CHECK: %[[SMEM:.*]] = llvm.ptrtoint %{{.*}} : !llvm.ptr<3> to i32
  // CHECK: %[[AT32:.*]] = arith.index_castui %[[AT]]
  // CHECK: %[[ADDR:.*]] = arith.addi %[[SMEM]], %[[AT32]]
  // CHECK: %[[DEST:.*]] = llvm.inttoptr %[[ADDR]] : i32 to !llvm.ptr<7>
  // CHECK: nvvm.cp.async.bulk.tensor.shared.cluster.global %[[DEST]], %[[MAP]], %[[MBAR]], box[%{{.*}}, %{{.*}}] : !llvm.ptr<7>, !llvm.ptr
  tma.load %d[%k, %m] to %a arrive %s : !da, !a, !pipe.slot<@ab>
  llvm.return
}

// CHECK-LABEL: llvm.func @slices(
llvm.func @slices(%map: !llvm.ptr, %i: i32) {
  %d = builtin.unrealized_conversion_cast %map : !llvm.ptr to !tma.desc<box = [128, 32], swizzle = 128, f8E4M3FN>
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %z = arith.constant 1 : i32
  %s = pipe.slot_at @ab[%z] : !pipe.slot<@ab>
  %a = pipe.field %s["a"] : !pipe.slot<@ab> -> !a
  %h = tile.slice %a["m" : %c64] : !a -> !half
  // 2048 + 16384 + 64 rows of 128 bytes + 4096.
  // CHECK: %[[OFF:.*]] = arith.constant 30720 : i32
  // CHECK: arith.addi %{{.*}}, %[[OFF]]
  tma.load %d[%c0, %c0] to %h plus 4096 arrive %s : !tma.desc<box = [128, 32], swizzle = 128, f8E4M3FN>, !half, !pipe.slot<@ab>
  llvm.return
}

// CHECK-LABEL: llvm.func @store(
// CHECK-SAME: %[[MAP:.*]]: !llvm.ptr,
llvm.func @store(%map: !llvm.ptr, %x: i32) {
  %d = builtin.unrealized_conversion_cast %map : !llvm.ptr to !da
  %c = arith.index_castui %x : i32 to index
  %z = arith.constant 0 : i32
  %s = pipe.slot_at @ab[%z] : !pipe.slot<@ab>
  %a = pipe.field %s["a"] : !pipe.slot<@ab> -> !a
  // CHECK: %[[SRC:.*]] = llvm.getelementptr {{.*}}[2048]
  // CHECK: nvvm.cp.async.bulk.tensor.global.shared.cta %[[MAP]], %[[SRC]], box[
  tma.store %a to %d[%c, %c] : !a, !da
  // CHECK: nvvm.cp.async.bulk.tensor.reduce %[[MAP]], %[[SRC]], box[{{.*}}] {redKind = #nvvm.tma_redux_kind<add>}
  tma.store %a to %d[%c, %c] reduce : !a, !da
  // CHECK: nvvm.cp.async.bulk.commit.group
  tma.commit_group
  // CHECK: nvvm.cp.async.bulk.wait_group 2 {read}
  tma.wait_group 2
  // CHECK: llvm.inline_asm has_side_effects {{.*}}"prefetch.tensormap [$0];", "l" %[[MAP]]
  tma.prefetch %d : !da
  llvm.return
}

// The leader of a cluster of four loads for all of it; the others do not.

pipe.ring @shared depth(4) fields ["a"] [!a] layouts [#tile.shared<["m", "k"], swizzle = 128>]
  {offsets = array<i64: 73728>, strides = array<i64: 16384>, barriers = 139264 : i64, full_count = 1 : i64, empty_count = 8 : i64, multicast = 4 : i64}

// CHECK-LABEL: llvm.func @multicast(
llvm.func @multicast(%map: !llvm.ptr, %i: i32, %m32: i32) {
  %d = builtin.unrealized_conversion_cast %map : !llvm.ptr to !da
  %m = arith.index_castui %m32 : i32 to index
  %s = pipe.slot_at @shared[%i] : !pipe.slot<@shared>
  %a = pipe.field %s["a"] : !pipe.slot<@shared> -> !a
  // CHECK: %[[MASK:.*]] = llvm.mlir.constant(15 : i16) : i16
  // CHECK: %[[RANK:.*]] = nvvm.read.ptx.sreg.cluster.ctarank
  // CHECK: %[[LEADS:.*]] = arith.cmpi eq, %[[RANK]], %{{.*}}
  // CHECK: scf.if %[[LEADS]] {
  // CHECK: nvvm.cp.async.bulk.tensor.shared.cluster.global %{{.*}}, %{{.*}}, %{{.*}}, box[%{{.*}}, %{{.*}}] multicast_mask = %[[MASK]]
  tma.load %d[%m, %m] to %a arrive %s multicast 4 : !da, !a, !pipe.slot<@shared>
  llvm.return
}
