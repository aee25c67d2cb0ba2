// RUN: tilewright-opt %s --convert-tilewright-to-nvvm --canonicalize | FileCheck %s

// Two slots; full barriers at 1024 and 1032, empty ones behind them.
pipe.ring @ab depth(2) fields ["a"] [!tile.view<[m: 64], f32>] layouts [#tile.shared<["m"], swizzle = 0>]
  {offsets = array<i64: 0>, strides = array<i64: 256>, barriers = 1024 : i64, full_count = 1 : i64, empty_count = 8 : i64}

// CHECK: llvm.mlir.global external @smem() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
// CHECK-NOT: pipe.ring

// CHECK-LABEL: llvm.func @init
llvm.func @init() {
  // CHECK-DAG: %[[SMEM:.*]] = llvm.mlir.addressof @smem : !llvm.ptr<3>
  // CHECK-DAG: %[[ONE:.*]] = arith.constant 1 : i32
  // CHECK-DAG: %[[EIGHT:.*]] = arith.constant 8 : i32
  // CHECK: %[[F0:.*]] = llvm.getelementptr inbounds|nuw %[[SMEM]][1024] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
  // CHECK: nvvm.mbarrier.init %[[F0]], %[[ONE]]
  // Constants of the address go last: what is computed is shared.
  // CHECK: %[[SECOND:.*]] = llvm.getelementptr inbounds|nuw %[[SMEM]][8]
  // CHECK: %[[F1:.*]] = llvm.getelementptr inbounds|nuw %[[SECOND]][1024]
  // CHECK: nvvm.mbarrier.init %[[F1]], %[[ONE]]
  // CHECK: %[[E0:.*]] = llvm.getelementptr {{.*}}[1040]
  // CHECK: nvvm.mbarrier.init %[[E0]], %[[EIGHT]]
  // CHECK: %[[E1:.*]] = llvm.getelementptr {{.*}}[1040]
  // CHECK: nvvm.mbarrier.init %[[E1]], %[[EIGHT]]
  pipe.init @ab
  llvm.return
}

// CHECK-LABEL: llvm.func @wait(
// CHECK-SAME: %[[I:.*]]: i32, %[[P:.*]]: i32)
llvm.func @wait(%i: i32, %p: i32) {
  // CHECK-DAG: %[[TRUE:.*]] = arith.constant true
  // CHECK-DAG: %[[C8:.*]] = arith.constant 8 : index
  // CHECK: %[[II:.*]] = arith.index_castui %[[I]] : i32 to index
  // CHECK: %[[BYTES:.*]] = arith.muli %[[II]], %[[C8]]
  // CHECK: %[[O:.*]] = arith.index_castui %[[BYTES]] : index to i32
  // CHECK: %[[PLACE:.*]] = llvm.getelementptr inbounds|nuw %{{.*}}[%[[O]]]
  // CHECK: %[[B:.*]] = llvm.getelementptr inbounds|nuw %[[PLACE]][1040]
  // CHECK: scf.while : () -> () {
  // CHECK:   %[[DONE:.*]] = nvvm.mbarrier.try_wait %[[B]], %[[P]] : !llvm.ptr<3>, i32 -> i1
  // CHECK:   %[[AGAIN:.*]] = arith.xori %[[DONE]], %[[TRUE]]
  // CHECK:   scf.condition(%[[AGAIN]])
  pipe.wait @ab empty[%i] parity %p
  llvm.return
}

// Plain arrivals: no scope (a scope of the cluster costs a memory barrier).

// CHECK-LABEL: llvm.func @arrive(
llvm.func @arrive(%i: i32) {
  // CHECK: nvvm.mbarrier.arrive %{{[0-9]+}} : !llvm.ptr<3> -> i64
  pipe.arrive @ab empty[%i]
  // CHECK: nvvm.mbarrier.arrive.expect_tx %{{.*}}, %{{[a-z0-9_]+}} : !llvm.ptr<3>, i32{{$}}
  pipe.arrive @ab full[%i] expect 256
  // CHECK: nvvm.bar.warp.sync %{{.*}} : i32
  // CHECK: %[[TID:.*]] = nvvm.read.ptx.sreg.tid.x
  // CHECK: %[[LANE:.*]] = arith.andi %[[TID]], %{{.*}}
  // CHECK: %[[FIRST:.*]] = arith.cmpi eq, %[[LANE]],
  // CHECK: scf.if %[[FIRST]] {
  // CHECK: nvvm.mbarrier.arrive
  pipe.arrive @ab empty[%i] per_warp
  llvm.return
}

// CHECK-LABEL: llvm.func @fence
llvm.func @fence() {
  // CHECK: nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
  pipe.proxy_fence
  llvm.return
}

// A ring that the leader of a cluster of two fills for both CTAs: the leader's
// empty barriers await the consumers of both.
pipe.ring @shared depth(1) fields ["a"] [!tile.view<[m: 64], f32>] layouts [#tile.shared<["m"], swizzle = 0>]
  {offsets = array<i64: 0>, strides = array<i64: 256>, barriers = 2048 : i64, full_count = 1 : i64, empty_count = 8 : i64, multicast = 2 : i64}

// CHECK-LABEL: llvm.func @init_shared
llvm.func @init_shared() {
  // CHECK: nvvm.mbarrier.init %{{.*}}, %[[ONE:.*]] :
  // CHECK: %[[RANK:.*]] = nvvm.read.ptx.sreg.cluster.ctarank
  // CHECK: %[[LEADS:.*]] = arith.cmpi eq, %[[RANK]], %{{.*}} : i32
  // CHECK: %[[N:.*]] = arith.select %[[LEADS]], %c16_i32, %c8_i32
  // CHECK: nvvm.mbarrier.init %{{.*}}, %[[N]]
  pipe.init @shared
  llvm.return
}

// Lane 0 arrives at the leader's barrier, lane 1 of the other CTAs at their
// own, with one instruction that names no scope.

// CHECK-LABEL: llvm.func @release_shared(
llvm.func @release_shared(%i: i32) {
  // CHECK: %[[OWN:.*]] = llvm.ptrtoint %{{.*}} : !llvm.ptr<3> to i32
  // CHECK: %[[MAPPED:.*]] = nvvm.mapa %{{.*}}, %c0_i32 : !llvm.ptr<3> -> !llvm.ptr<7>
  // CHECK: %[[LEADERS:.*]] = llvm.ptrtoint %[[MAPPED]] : !llvm.ptr<7> to i32
  // CHECK: %[[LEADS:.*]] = arith.cmpi eq, %{{.*}}, %c0_i32
  // CHECK: %[[TID:.*]] = nvvm.read.ptx.sreg.tid.x
  // CHECK: %[[LANE:.*]] = arith.andi %[[TID]], %{{.*}}
  // CHECK: %[[FIRST:.*]] = arith.cmpi eq, %[[LANE]], %c0_i32
  // CHECK: %[[BASE:.*]] = arith.select %[[FIRST]], %[[LEADERS]], %[[OWN]]
  // CHECK: %[[LANES:.*]] = arith.select %[[LEADS]], %c1_i32, %c2_i32
  // CHECK: %[[WHEN:.*]] = arith.cmpi ult, %[[LANE]], %[[LANES]]
  // CHECK: nvvm.bar.warp.sync
  // CHECK: %[[AT:.*]] = arith.addi %[[BASE]], %{{.*}}
  // CHECK: llvm.inline_asm has_side_effects asm_dialect = att "@$1 mbarrier.arrive.shared::cluster.b64 _, [$0];", "r,b,~{memory}" %[[AT]], %[[WHEN]]
  pipe.arrive @shared empty[%i] per_warp
  // One thread does both.
  // CHECK: llvm.inline_asm {{.*}}"@$1 mbarrier.arrive.shared::cluster.b64 _, [$0];"{{.*}}%true
  // CHECK: %[[FOLLOWS:.*]] = arith.cmpi ne, %{{.*}}, %c0_i32
  // CHECK: llvm.inline_asm {{.*}}"@$1 mbarrier.arrive.shared::cluster.b64 _, [$0];"{{.*}}%[[FOLLOWS]]
  pipe.arrive @shared empty[%i]
  // Full barriers are this CTA's own.
  // CHECK: nvvm.mbarrier.arrive.expect_tx
  pipe.arrive @shared full[%i] expect 256
  llvm.return
}

// Every CTA fills a part of the slots of all: all consumers release to all.

!parts = !tile.view<["cta$": 4, m: 16, n: 8], f32>
pipe.ring @exchange depth(1) fields ["mine", "parts"] [!parts, !parts] layouts [#tile.shared<["cta$", "m", "n"], swizzle = 0>, #tile.shared<["cta$", "m", "n"], swizzle = 0>] {exchange = 4 : i64, barriers = 8192 : i64, offsets = array<i64: 0, 2048>, strides = array<i64: 2048, 2048>, full_count = 4 : i64, empty_count = 4 : i64}

// CHECK-LABEL: llvm.func @init_exchange
llvm.func @init_exchange() {
  // CHECK: nvvm.mbarrier.init %{{.*}}, %c4_i32
  // CHECK: nvvm.mbarrier.init %{{.*}}, %c16_i32
  pipe.init @exchange
  llvm.return
}

// Pieces of 16 * 8 * 4 bytes, each to the barrier of the CTA it goes to, none to
// this one.

// CHECK-LABEL: llvm.func @send(
llvm.func @send(%i: i32) {
  %rank = arith.constant 1 : index
  %s = pipe.slot_at @exchange[%i] : !pipe.slot<@exchange>
  %a = pipe.field %s["mine"] : !pipe.slot<@exchange> -> !parts
  %b = pipe.field %s["parts"] : !pipe.slot<@exchange> -> !parts
  // CHECK: %[[BYTES:.*]] = arith.constant 512 : i32
  // CHECK: nvvm.mapa %{{.*}}, %c0_i32
  // CHECK: llvm.inline_asm has_side_effects asm_dialect = att "@$4 cp.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes [$0], [$1], $2, [$3];", "r,r,r,r,b,~{memory}" %{{.*}}, %{{.*}}, %[[BYTES]], %
  // CHECK: nvvm.mapa %{{.*}}, %c1_i32
  // CHECK: cp.async.bulk
  // CHECK: nvvm.mapa %{{.*}}, %c2_i32
  // CHECK: cp.async.bulk
  // CHECK: nvvm.mapa %{{.*}}, %c3_i32
  // CHECK: cp.async.bulk
  pipe.send %a to %b over "cta$" at %rank arrive %s : !parts, !pipe.slot<@exchange>
  llvm.return
}

// Lane r arrives at the CTA of rank r.

// CHECK-LABEL: llvm.func @release_exchange(
llvm.func @release_exchange(%i: i32) {
  // CHECK: %[[WHEN:.*]] = arith.cmpi ult, %[[LANE:.*]], %c4_i32
  // CHECK: %[[RANK:.*]] = arith.select %[[WHEN]], %[[LANE]], %c0_i32
  // CHECK: nvvm.mapa %{{.*}}, %[[RANK]]
  // CHECK: nvvm.bar.warp.sync
  // CHECK: llvm.inline_asm {{.*}}"@$1 mbarrier.arrive.shared::cluster.b64 _, [$0];"{{.*}}%[[WHEN]]
  pipe.arrive @exchange empty[%i] per_warp
  llvm.return
}
