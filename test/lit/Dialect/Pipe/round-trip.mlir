// RUN: tilewright-opt %s -o %t
// RUN: FileCheck %s --input-file %t
// The printed form, the generic form and bytecode all read back to the same.
// RUN: tilewright-opt %t | diff %t -
// RUN: tilewright-opt %s -mlir-print-op-generic | tilewright-opt | diff %t -
// RUN: tilewright-opt %s -emit-bytecode | tilewright-opt | diff %t -

// CHECK-LABEL: tile.kernel @source_level
tile.kernel @source_level() target "sm_90a" {
  // CHECK: pipe.ring @ab depth(0) fields ["a", "b"] [!tile.view<[m: 128, k: 128], f8E4M3FN>, !tile.view<[n: 128, k: 128], f8E4M3FN>]{{$}}
  pipe.ring @ab depth(0) fields ["a", "b"] [!tile.view<[m: 128, k: 128], f8E4M3FN>, !tile.view<[n: 128, k: 128], f8E4M3FN>]
  // CHECK: pipe.ring @out depth(1) fields ["value"] [!tile.view<[m: 64], bf16>] consumer copy_engine layouts [#tile.shared<["m"], swizzle = 128>] {instances = 2 : i64}
  pipe.ring @out depth(1) fields ["value"] [!tile.view<[m: 64], bf16>] consumer copy_engine layouts [#tile.shared<["m"], swizzle = 128>] {instances = 2 : i64}
  tile.role "load" warps(1) {
    // CHECK: %[[S:.*]] = pipe.acquire_put @ab : !pipe.slot<@ab>
    %s = pipe.acquire_put @ab : !pipe.slot<@ab>
    // CHECK: pipe.field %[[S]]["a"] : !pipe.slot<@ab> -> !tile.view<[m: 128, k: 128], f8E4M3FN>
    %a = pipe.field %s["a"] : !pipe.slot<@ab> -> !tile.view<[m: 128, k: 128], f8E4M3FN>
    // CHECK: pipe.commit %[[S]] : !pipe.slot<@ab>
    pipe.commit %s : !pipe.slot<@ab>
  }
  tile.role "math" groups(1) {
    // CHECK: %[[G:.*]] = pipe.acquire_get @ab : !pipe.slot<@ab>
    %s = pipe.acquire_get @ab : !pipe.slot<@ab>
    // CHECK: pipe.release %[[G]] : !pipe.slot<@ab>
    pipe.release %s : !pipe.slot<@ab>
    // CHECK: %[[O:.*]] = pipe.acquire_put @out : !pipe.slot<@out>
    %o = pipe.acquire_put @out : !pipe.slot<@out>
    // CHECK: pipe.release %[[O]] : !pipe.slot<@out>
    pipe.release %o : !pipe.slot<@out>
    // A slot may be carried by a loop.
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    // CHECK: scf.for {{.*}} iter_args(%[[C:.*]] = %{{.*}}) -> (!pipe.slot<@ab>) {
    %first = pipe.acquire_get @ab : !pipe.slot<@ab>
    %last = scf.for %i = %c0 to %c1 step %c1 iter_args(%carried = %first) -> (!pipe.slot<@ab>) {
      // CHECK: pipe.release %[[C]] : !pipe.slot<@ab>
      pipe.release %carried : !pipe.slot<@ab>
      %next = pipe.acquire_get @ab : !pipe.slot<@ab>
      scf.yield %next : !pipe.slot<@ab>
    }
    pipe.release %last : !pipe.slot<@ab>
  }
}

// CHECK-LABEL: tile.kernel @planned
tile.kernel @planned() target "sm_90a" {
  // CHECK: pipe.ring @ab depth(4) fields ["a", "sa"] [{{.*}}] layouts [#tile.shared<["m", "k"], swizzle = 128>, #tile.shared<["m"], swizzle = 0>]
  // CHECK-SAME: {barriers = 135168 : i64, empty_count = 4 : i64, full_count = 1 : i64, offsets = array<i64: 0, 16384>, strides = array<i64: 17408, 17408>}
  pipe.ring @ab depth(4) fields ["a", "sa"] [!tile.view<[m: 128, k: 128], f8E4M3FN>, !tile.view<[m: 128], f32>]
    layouts [#tile.shared<["m", "k"], swizzle = 128>, #tile.shared<["m"], swizzle = 0>]
    {offsets = array<i64: 0, 16384>, strides = array<i64: 17408, 17408>, barriers = 135168 : i64, full_count = 1 : i64, empty_count = 4 : i64}
  tile.role "math" groups(1) {
    %i = arith.constant 0 : i32
    // CHECK: pipe.acquire_put @ab at %[[I:.*]] phase %{{.*}} : !pipe.slot<@ab>
    %p = pipe.acquire_put @ab at %i phase %i : !pipe.slot<@ab>
    // CHECK: pipe.acquire_get @ab at %[[I]] phase %{{.*}} : !pipe.slot<@ab>
    %g = pipe.acquire_get @ab at %i phase %i : !pipe.slot<@ab>
    %a = pipe.field %g["a"] : !pipe.slot<@ab> -> !tile.view<[m: 128, k: 128], f8E4M3FN>
    // CHECK: pipe.slot_at @ab[%[[I]]] : !pipe.slot<@ab>
    %s = pipe.slot_at @ab[%i] : !pipe.slot<@ab>
    // CHECK: pipe.drain @ab{{$}}
    pipe.drain @ab
    // CHECK: pipe.drain @ab at %[[I]] phase %[[I]]
    pipe.drain @ab at %i phase %i
    // CHECK: pipe.init @ab
    pipe.init @ab
    // CHECK: pipe.wait @ab full[%[[I]]] parity %[[I]]
    pipe.wait @ab full[%i] parity %i
    // CHECK: pipe.wait @ab empty[%[[I]]] parity %[[I]]
    pipe.wait @ab empty[%i] parity %i
    // CHECK: pipe.arrive @ab full[%[[I]]] expect 17408
    pipe.arrive @ab full[%i] expect 17408
    // CHECK: pipe.arrive @ab full[%[[I]]]{{$}}
    pipe.arrive @ab full[%i]
    // CHECK: pipe.arrive @ab empty[%[[I]]] per_warp
    pipe.arrive @ab empty[%i] per_warp
    // CHECK: pipe.group_barrier 1 groups 2
    pipe.group_barrier 1 groups 2
    // CHECK: pipe.group_barrier 15 groups 1
    pipe.group_barrier 15 groups 1
    // CHECK: pipe.proxy_fence
    pipe.proxy_fence
  }
}

// Outside kernels a ring is a symbol like any other.
pipe.ring @r depth(2) fields ["x"] [!tile.view<[m: 8], f32>]
// CHECK-LABEL: @tokens
// CHECK-SAME: (%[[A:.*]]: !pipe.token, %[[B:.*]]: !pipe.token)
func.func @tokens(%a: !pipe.token, %b: !pipe.token) {
  %s = pipe.acquire_get @r : !pipe.slot<@r>
  // CHECK: pipe.release %{{.*}} after(%[[A]], %[[B]]) : !pipe.slot<@r>
  pipe.release %s after(%a, %b) : !pipe.slot<@r>
  return
}

// CHECK: pipe.ring @x depth(1) fields ["mine", "parts"] {{.*}} {exchange = 2 : i64}
pipe.ring @x depth(1) fields ["mine", "parts"] [!tile.view<[cta: 2, m: 8], f32>, !tile.view<[cta: 2, m: 8], f32>] {exchange = 2 : i64}
// CHECK-LABEL: @send
func.func @send(%i: index) {
  %s = pipe.acquire_put @x : !pipe.slot<@x>
  %a = pipe.field %s["mine"] : !pipe.slot<@x> -> !tile.view<[cta: 2, m: 8], f32>
  %b = pipe.field %s["parts"] : !pipe.slot<@x> -> !tile.view<[cta: 2, m: 8], f32>
  // CHECK: pipe.send %{{.*}} to %{{.*}} over "cta" at %{{.*}} arrive %{{.*}} : !tile.view<[cta: 2, m: 8], f32>, !pipe.slot<@x>
  pipe.send %a to %b over "cta" at %i arrive %s : !tile.view<[cta: 2, m: 8], f32>, !pipe.slot<@x>
  return
}
