// RUN: tilewright-opt %s -o %t
// RUN: FileCheck %s --input-file %t
// The printed form, the generic form and bytecode all read back to the same.
// RUN: tilewright-opt %t | diff %t -
// RUN: tilewright-opt %s -mlir-print-op-generic | tilewright-opt | diff %t -
// RUN: tilewright-opt %s -emit-bytecode | tilewright-opt | diff %t -

// CHECK-LABEL: @promotion
// CHECK-SAME: (%[[A:.*]]: !tile.view<[m: 128, k: 128], f8E4M3FN>, %[[B:.*]]: !tile.view<[n: 128, k: 128], f8E5M2>,
func.func @promotion(%a: !tile.view<[m: 128, k: 128], f8E4M3FN>, %b: !tile.view<[n: 128, k: 128], f8E5M2>,
                     %acc: !tile.tile<[m: 128, n: 128], f32>, %sa: !tile.tile<[m: 128], f32>, %sb: f32) {
  // CHECK: mma.contract %[[A]], %[[B]] axes("m", "n") wave 64 carry(%{{.*}} : !tile.tile<[m: 128, n: 128], f32>) inputs(%{{.*}}, %{{.*}} : !tile.tile<[m: 128], f32>, f32)
  // CHECK-SAME: {input_axes = [true, false]} : !tile.view<[m: 128, k: 128], f8E4M3FN>, !tile.view<[n: 128, k: 128], f8E5M2> -> !tile.tile<[m: 128, n: 128], f32> {
  // CHECK-NEXT: ^bb0(%{{.*}}: !tile.tile<[m: 64, n: 128], f32>, %[[C:.*]]: !tile.tile<[m: 64, n: 128], f32>, %{{.*}}: !tile.tile<[m: 64], f32>, %{{.*}}: f32):
  // CHECK-NEXT: mma.yield %[[C]] : !tile.tile<[m: 64, n: 128], f32>
  %r, %t = mma.contract %a, %b axes("m", "n") wave 64
      carry(%acc : !tile.tile<[m: 128, n: 128], f32>) inputs(%sa, %sb : !tile.tile<[m: 128], f32>, f32) {input_axes = [true, false]}
      : !tile.view<[m: 128, k: 128], f8E4M3FN>, !tile.view<[n: 128, k: 128], f8E5M2> -> !tile.tile<[m: 128, n: 128], f32> {
  ^bb0(%partial: !tile.tile<[m: 64, n: 128], f32>, %c: !tile.tile<[m: 64, n: 128], f32>, %s: !tile.tile<[m: 64], f32>, %f: f32):
    mma.yield %c : !tile.tile<[m: 64, n: 128], f32>
  }
  return
}

// CHECK-LABEL: @contractions
func.func @contractions(%a: !tile.view<[m: 128, k: 64], bf16>, %b: !tile.view<[n: 64, k: 64], bf16>,
                        %acc: !tile.tile<[m: 128, n: 64], f32>, %regs: vector<64xf32>, %row: vector<2xf32>) {
  // Without a region the tensor core adds by itself; nothing is printed for it.
  // CHECK: mma.contract %{{.*}}, %{{.*}} axes("m", "n") wave 128 carry(%{{.*}} : !tile.tile<[m: 128, n: 64], f32>) : {{.*}} -> !tile.tile<[m: 128, n: 64], f32>{{$}}
  %r, %t = mma.contract %a, %b axes("m", "n") wave 128 carry(%acc : !tile.tile<[m: 128, n: 64], f32>)
      : !tile.view<[m: 128, k: 64], bf16>, !tile.view<[n: 64, k: 64], bf16> -> !tile.tile<[m: 128, n: 64], f32>
  // Distributed: registers of the thread, a wave has half of them.
  // CHECK: mma.contract
  // CHECK-NEXT: ^bb0(%{{.*}}: vector<32xf32>, %{{.*}}: vector<32xf32>, %{{.*}}: vector<2xf32>):
  %d, %u = mma.contract %a, %b axes("m", "n") wave 64 carry(%regs : vector<64xf32>) inputs(%row : vector<2xf32>) {input_axes = [false]}
      : !tile.view<[m: 128, k: 64], bf16>, !tile.view<[n: 64, k: 64], bf16> -> vector<64xf32> {
  ^bb0(%partial: vector<32xf32>, %c: vector<32xf32>, %x: vector<2xf32>):
    mma.yield %partial : vector<32xf32>
  }
  // A region that carries nothing.
  // CHECK: %[[T:.*]] = mma.contract %{{.*}}, %{{.*}} axes("m", "n") wave 64 : !tile.view<[m: 128, k: 64], bf16>, !tile.view<[n: 64, k: 64], bf16> {
  // CHECK: mma.yield{{$}}
  %v = mma.contract %a, %b axes("m", "n") wave 64
      : !tile.view<[m: 128, k: 64], bf16>, !tile.view<[n: 64, k: 64], bf16> {
  ^bb0(%partial: !tile.tile<[m: 64, n: 64], f32>):
    mma.yield
  }
  return
}

// CHECK-LABEL: @wgmma
func.func @wgmma(%a: !tile.view<[m: 64, k: 128], f8E4M3FN>, %b: !tile.view<[k: 64, n: 128], bf16>) {
  // CHECK: %[[DA:.*]] = mma.descriptor %{{.*}} k("k" : 32) row 0 : !tile.view<[m: 64, k: 128], f8E4M3FN>
  %da = mma.descriptor %a k("k" : 32) row 0 : !tile.view<[m: 64, k: 128], f8E4M3FN>
  // CHECK: %[[DB:.*]] = mma.descriptor %{{.*}} k("k" : 0) row 64 : !tile.view<[k: 64, n: 128], bf16>
  %db = mma.descriptor %b k("k" : 0) row 64 : !tile.view<[k: 64, n: 128], bf16>
  // CHECK: %[[U:.*]] = mma.undef : vector<64xf32>
  %u = mma.undef : vector<64xf32>
  // CHECK: mma.fence
  mma.fence
  // CHECK: %[[X:.*]] = mma.wgmma %[[DA]], %[[DA]] into %[[U]] shape 64 128 32 types f8E4M3FN f8E5M2 zero : vector<64xf32> -> vector<64xf32>
  %x = mma.wgmma %da, %da into %u shape 64 128 32 types f8E4M3FN f8E5M2 zero : vector<64xf32> -> vector<64xf32>
  // CHECK: %[[Y:.*]] = mma.wgmma %[[DA]], %[[DB]] into %[[X]] shape 64 128 16 types bf16 bf16 {a_mn_major, b_mn_major} : vector<64xf32> -> vector<64xf32>
  %y = mma.wgmma %da, %db into %x shape 64 128 16 types bf16 bf16 {a_mn_major, b_mn_major} : vector<64xf32> -> vector<64xf32>
  // CHECK: mma.wgmma {{.*}} shape 64 8 8 types tf32 tf32 :
  %w = mma.undef : vector<4xf32>
  %z = mma.wgmma %da, %db into %w shape 64 8 8 types tf32 tf32 : vector<4xf32> -> vector<4xf32>
  // CHECK: mma.commit
  mma.commit
  // CHECK: mma.wait 1{{$}}
  mma.wait 1
  // CHECK: %[[V:.*]]:2 = mma.wait 0 tie(%{{.*}}, %{{.*}} : vector<64xf32>, vector<4xf32>) -> vector<64xf32>, vector<4xf32>
  %v:2 = mma.wait 0 tie(%y, %z : vector<64xf32>, vector<4xf32>) -> vector<64xf32>, vector<4xf32>
  // CHECK: mma.pin %[[V]]#0, %[[V]]#1 : vector<64xf32>, vector<4xf32> -> vector<64xf32>, vector<4xf32>
  %p:2 = mma.pin %v#0, %v#1 : vector<64xf32>, vector<4xf32> -> vector<64xf32>, vector<4xf32>
  return
}
