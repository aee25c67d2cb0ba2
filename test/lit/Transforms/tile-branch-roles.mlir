// RUN: tilewright-opt %s --tile-branch-roles -split-input-file | FileCheck %s

// Parameters: tensor maps, pointers of tensors that threads access, dimensions,
// strides (of all dimensions but the contiguous one). The manifest says the
// same to the launcher.

// CHECK: module attributes {tilewright.manifest = {arch = "sm_90a"
// CHECK-SAME: baked = {N = 64 : i64}
// CHECK-SAME: constants = {BM = 64 : i64}
// CHECK-SAME: dims = ["M", "K"]
// CHECK-SAME: format = "tilewright-1"
// CHECK-SAME: kernel = "params"
// CHECK-SAME: launch = {cluster = [1, 1, 1], cooperative = false, pdl = false, persistent = true, smem = 4096 : i64, threads = 128 : i64, tiles = ["cdiv", "M", 64]}
// CHECK-SAME: params = [
// CHECK-SAME: {box = [32, 64], dims = [1, 0], dtype = "u8", interleave = 0 : i64, kind = "tensormap", l2 = 256 : i64, line = {{[0-9]+}} : i64, swizzle = 32 : i64, tensor = "A"},
// CHECK-SAME: {kind = "pointer", tensor = "S"}, {kind = "pointer", tensor = "D"},
// CHECK-SAME: {expr = "M", kind = "dim", type = "i32"}, {expr = "K", kind = "dim", type = "i32"},
// CHECK-SAME: {dim = 0 : i64, kind = "stride", tensor = "S", type = "i64"}, {dim = 1 : i64, kind = "stride", tensor = "D", type = "i64"}]
// CHECK-SAME: requires = [{expr = ["eq", ["mod", "K", 32], 0], text = "K % 32 == 0"}]
// CHECK-SAME: symbol = "params"
// CHECK-SAME: tensors = [{dtype = "e4m3", major = 1 : i64, mode = "in", name = "A", shape = ["M", "K"]}, {dtype = "f32", major = 1 : i64, mode = "in", name = "S", shape = ["M", {{\[}}"cdiv", "K", 128]]}, {dtype = "bf16", major = 0 : i64, mode = "out", name = "D", shape = ["M", 64]}]

// CHECK: llvm.func @params(%[[A:.*]]: !llvm.ptr {llvm.align = 64 : i64, llvm.byval = !llvm.array<128 x i8>, nvvm.grid_constant}, %[[S:.*]]: !llvm.ptr<1>, %[[D:.*]]: !llvm.ptr<1>, %[[M:.*]]: i32, %[[K:.*]]: i32, %[[SS:.*]]: i64, %[[DS:.*]]: i64)
// CHECK-SAME: attributes {nvvm.kernel, nvvm.minctasm = 1 : i32, nvvm.reqntid = array<i32: 128, 1, 1>}
tile.kernel @params(%A: !tile.tensor<2, f8E4M3FN> {tile.name = "A", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["M", "K"]},
                    %S: !tile.tensor<2, f32> {tile.name = "S", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["M", ["cdiv", "K", 128]]},
                    %D: !tile.tensor<2, bf16> {tile.name = "D", tile.mode = "out", tile.major = 0 : i64, tile.shape = ["M", 64]},
                    %M: index {tile.name = "M"}, %K: index {tile.name = "K"}) target "sm_90a"
    attributes {threads = 128 : i64, smem_bytes = 4096 : i64, constants = {BM = 64 : i64}, baked = {N = 64 : i64},
                requires = [{expr = ["eq", ["mod", "K", 32], 0], text = "K % 32 == 0"}], launch = {tiles = ["cdiv", "M", 64], persistent = true}} {
  %c0 = arith.constant 0 : index
  // CHECK: %[[DA:.*]] = builtin.unrealized_conversion_cast %[[A]] : !llvm.ptr to !tma.desc<box = [32, 64], swizzle = 32, f8E4M3FN>
  %dA = tma.descriptor %A dims [1, 0] : !tile.tensor<2, f8E4M3FN> -> !tma.desc<box = [32, 64], swizzle = 32, f8E4M3FN>
  // CHECK: %[[MI:.*]] = arith.index_castui %[[M]] : i32 to index
  // CHECK: %[[KI:.*]] = arith.index_castui %[[K]] : i32 to index
  // The extents of S: M and cdiv(K, 128). The kernel never writes it.
  // CHECK: %[[NK:.*]] = arith.ceildivui %[[KI]], %{{.*}}
  // CHECK: %[[TS:.*]] = builtin.unrealized_conversion_cast %[[S]], %[[SS]], %{{.*}}, %[[MI]], %[[NK]] : {{.*}} to !tile.tensor<2, f32> {tile.readonly}
  // CHECK: %[[TD:.*]] = builtin.unrealized_conversion_cast %[[D]], %{{.*}}, %[[DS]], %[[MI]], %{{.*}} : {{.*}} to !tile.tensor<2, bf16>{{$}}
  %m = tile.dim %S, 1 : !tile.tensor<2, f32>
  %last = arith.addi %m, %M : index
  // The prologue. No barriers: nothing to wait for.
  // CHECK: %[[TID:.*]] = nvvm.read.ptx.sreg.tid.x
  // CHECK: %[[RAW:.*]] = arith.shrui %[[TID]], %{{.*}}
  // CHECK: %[[WARP:.*]] = nvvm.shfl.sync idx %{{.*}}, %[[RAW]]
  // CHECK: scf.if
  // CHECK-NEXT: tma.prefetch %[[DA]]
  // CHECK-NEXT: }
  // CHECK-NOT: nvvm.barrier
  // A role of all warps needs no branch; without planned registers none are set.
  // CHECK-NOT: scf.if
  // CHECK-NOT: nvvm.setmaxregister
  tile.role "math" groups(1) at 0 {
    // CHECK: tile.load_element %[[TS]]
    %x = tile.load_element %S[%c0, %last] : !tile.tensor<2, f32> -> f32
    %y = arith.truncf %x : f32 to bf16
    // CHECK: tile.store_element %{{.*}} to %[[TD]]
    tile.store_element %y to %D[%c0, %c0] : bf16, !tile.tensor<2, bf16>
  }
  // CHECK: llvm.return
}

// -----

// Dispatch: groups first, then packed warps that share a warpgroup's registers
// (idle warps set them, too).

// CHECK: pipe.ring @roles.ab depth(2)
// CHECK: llvm.func @roles()
// CHECK-SAME: nvvm.reqntid = array<i32: 512, 1, 1>
tile.kernel @roles() target "sm_90a" attributes {threads = 512 : i64, smem_bytes = 4096 : i64, pdl} {
  %c0 = arith.constant 0 : i32
  pipe.ring @ab depth(2) fields ["a"] [!tile.view<[m: 8], f32>]
  // CHECK: %[[TID:.*]] = nvvm.read.ptx.sreg.tid.x
  // CHECK: %[[WARP:.*]] = nvvm.shfl.sync idx
  // CHECK: %[[FIRST:.*]] = arith.cmpi eq, %[[TID]], %{{.*}}
  // CHECK: scf.if %[[FIRST]] {
  // CHECK-NEXT: pipe.init @roles.ab
  // CHECK-NEXT: nvvm.fence.mbarrier.init
  // CHECK-NEXT: }
  // CHECK-NEXT: nvvm.barrier
  // CHECK-NEXT: nvvm.griddepcontrol wait
  // CHECK: %[[C8:.*]] = arith.constant 8 : i32
  // CHECK: %[[MATH:.*]] = arith.cmpi ult, %[[WARP]], %[[C8]]
  // CHECK: scf.if %[[MATH]] {
  // CHECK-NEXT: nvvm.setmaxregister increase 200
  tile.role "math" groups(2) at 0 planned 200 {
    // CHECK: %[[C127:.*]] = arith.constant 127
    // CHECK: %[[T:.*]] = arith.andi %[[TID]], %[[C127]]
    // CHECK: %[[TWO:.*]] = arith.constant 2
    // CHECK: %[[G:.*]] = arith.shrui %[[WARP]], %[[TWO]]
    // CHECK: %[[TI:.*]] = arith.index_castui %[[T]]
    // CHECK: %[[GI:.*]] = arith.index_castui %[[G]]
    %t = tile.thread
    %g = tile.group
    // CHECK: arith.addi %[[TI]], %[[GI]]
    %x = arith.addi %t, %g : index
    // CHECK: pipe.wait @roles.ab full
    pipe.wait @ab full[%c0] parity %c0
    // The barrier of the group.
    // CHECK: %[[ONE:.*]] = arith.constant 1 : i32
    // CHECK: %[[ID:.*]] = arith.addi %[[ONE]], %[[G]]
    // CHECK: nvvm.barrier id = %[[ID]] number_of_threads = %{{.*}}
    pipe.group_barrier 1 groups 2
    // A fixed thread of the group.
    // CHECK: %[[ZERO:.*]] = arith.constant 0 : i32
    // CHECK: %[[E:.*]] = arith.cmpi eq, %[[T]], %[[ZERO]]
    // CHECK: scf.if %[[E]] {
    // CHECK-NEXT: tma.wait_group 0
    tma.elect group {
      tma.wait_group 0
    }
  }
  // CHECK: } else {
  // CHECK: %[[C12:.*]] = arith.constant 12 : i32
  // CHECK: %[[EPI:.*]] = arith.cmpi ult, %[[WARP]], %[[C12]]
  // CHECK: scf.if %[[EPI]] {
  // A launch of 512 threads gives 128 registers: nothing to set.
  // CHECK-NOT: nvvm.setmaxregister
  tile.role "epilogue" groups(1) at 8 planned 128 {
    // One group: number 0, a constant barrier.
    // CHECK: %[[ID3:.*]] = arith.constant 3 : i32
    // CHECK-NEXT: %[[N:.*]] = arith.constant 128 : i32
    // CHECK-NEXT: nvvm.barrier id = %[[ID3]] number_of_threads = %[[N]]
    pipe.group_barrier 3 groups 1
  }
  // CHECK: } else {
  // CHECK: nvvm.setmaxregister decrease 40
  // CHECK: %[[C12B:.*]] = arith.constant 12 : i32
  // CHECK: %[[LOAD:.*]] = arith.cmpi eq, %[[WARP]], %[[C12B]]
  // CHECK: scf.if %[[LOAD]] {
  // CHECK: %[[ELECTED:.*]] = nvvm.elect.sync -> i1
  // CHECK: scf.if %[[ELECTED]] {
  tile.role "load" warps(1) at 12 planned 40 attributes {single_thread} {
    // CHECK: pipe.arrive @roles.ab full[%{{.*}}] expect 16
    pipe.arrive @ab full[%c0] expect 16
  }
  // CHECK: } else {
  // CHECK: %[[C15:.*]] = arith.constant 15 : i32
  // CHECK: %[[BELOW:.*]] = arith.cmpi ult, %[[WARP]], %[[C15]]
  // CHECK: scf.if %[[BELOW]] {
  tile.role "convert" warps(2) at 13 planned 40 {
    // CHECK: %[[BASE:.*]] = arith.constant 416 : i32
    // CHECK: arith.subi %[[TID]], %[[BASE]]
    %t = tile.thread
    %x = arith.addi %t, %t : index
    // A fixed thread of the role: 32 * 13.
    // CHECK: %[[FIRST:.*]] = arith.constant 416 : i32
    // CHECK: %[[IS:.*]] = arith.cmpi eq, %[[TID]], %[[FIRST]]
    // CHECK: scf.if %[[IS]] {
    // CHECK-NEXT: pipe.wait @roles.ab empty
    tma.elect role {
      pipe.wait @ab empty[%c0] parity %c0
    }
  }
  // CHECK: llvm.return
}

// -----

// Barriers that other CTAs reach: the whole cluster waits for their
// initialisation, without a memory fence of its own.

// CHECK: cluster = [2, 1, 1]
// CHECK: llvm.func @clusters()
// CHECK-SAME: nvvm.cluster_dim = array<i32: 2, 1, 1>
tile.kernel @clusters() target "sm_90a" attributes {threads = 128 : i64, smem_bytes = 4096 : i64, launch = {cluster = [2, 1, 1]}} {
  pipe.ring @ab depth(2) fields ["a"] [!tile.view<[m: 8], f32>] {multicast = 2 : i64}
  // CHECK: scf.if
  // CHECK-NEXT: pipe.init @clusters.ab
  // CHECK-NEXT: nvvm.fence.mbarrier.init
  // CHECK-NEXT: }
  // CHECK-NEXT: nvvm.cluster.arrive.relaxed {aligned}
  // CHECK-NEXT: nvvm.cluster.wait {aligned}
  // CHECK-NOT: nvvm.barrier
  tile.role "math" groups(1) at 0 {
    %i = arith.constant 0 : i32
    pipe.wait @ab full[%i] parity %i
  }
  // CHECK: llvm.return
}
