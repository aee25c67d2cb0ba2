// A whole FP8 GEMM with two-level promotion in distributed form, 128x128 tiles
// by two warpgroups, taken to the LLVM dialect, PTX and a cubin. The upstream
// driver rejects whatever of our dialects would have leaked.
//
// RUN: tilewright-opt %s --tilewright-lower-to-nvvm -o %t.mlir
// RUN: tilewright-upstream-opt %t.mlir | FileCheck %s
// RUN: tilewright-ptx %t.mlir --ptxas=driver | FileCheck %s --check-prefix=PTX

// CHECK-NOT: vector<64
// CHECK-NOT: unrealized_conversion_cast
// CHECK: llvm.mlir.global external @smem() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
// CHECK: llvm.func @fp8_gemm_nt(
// CHECK-SAME: nvvm.minctasm = 1 : i32, nvvm.reqntid = array<i32: 384, 1, 1>
// Accumulators are scalars of the loop, in registers of their own.
// CHECK: llvm.br {{.*}}{loop_annotation
// CHECK-NOT: vector<64
// CHECK-NOT: unrealized_conversion_cast

// PTX: .extern .shared .align 1024 .b8 smem[];
// PTX: .param .align 64 .b8 fp8_gemm_nt_param_0[128]
// PTX: .reqntid 384, 1, 1
// PTX: .minnctapersm 1
// PTX-NOT: .local
// Barriers of five slots: one arrival with bytes, one of each of eight warps.
// PTX-COUNT-10: mbarrier.init.shared.b64
// PTX: fence.mbarrier_init.release.cluster;
// PTX: bar.sync
// PTX: setmaxnreg.inc.sync.aligned.u32 232;
// The products of one step: no instruction between them touches registers of
// the accumulators, and none moves them.
// PTX: wgmma.fence.sync.aligned;
// PTX-NOT: mov.b32
// PTX: wgmma.mma_async.sync.aligned.m64n128k32.f32.e4m3.e4m3
// PTX-NOT: mov.b32
// PTX-COUNT-3: wgmma.mma_async.sync.aligned.m64n128k32.f32.e4m3.e4m3
// PTX-NOT: {{mov.b32|fma}}
// PTX: wgmma.commit_group.sync.aligned;
// PTX-NOT: {{mov.b32|fma}}
// PTX: wgmma.wait_group.sync.aligned 0;
// Scales first, then one fused multiply-add an element.
// PTX: mul.rn.f32
// PTX: mul.rn.f32
// PTX-COUNT-64: fma.rn.f32
// The scale of B through the read-only path.
// PTX: ld.global.nc
// Plain arrival: no scope.
// PTX: mbarrier.arrive.shared.b64
// PTX: cp.async.bulk.wait_group.read 0;
// PTX: bar.sync
// PTX-COUNT-32: cvt.rn.bf16x2.f32
// PTX: stmatrix.sync.aligned.m8n8.x4.shared.b16
// PTX: fence.proxy.async.shared::cta;
// PTX: bar.sync
// PTX-COUNT-2: cp.async.bulk.tensor.2d.global.shared::cta
// PTX: cp.async.bulk.commit_group;
// PTX: setmaxnreg.dec.sync.aligned.u32 40;
// PTX: elect.sync
// PTX: mbarrier.try_wait.parity.shared.b64
// PTX-COUNT-3: cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes
// 2 * 16384 + 512 bytes.
// PTX: mov.b32 [[BYTES:.*]], 33280;
// PTX: mbarrier.arrive.expect_tx.shared.b64 {{.*}}, [[BYTES]];

#acc = #tile.fragment<threads = [4, 8, 4], regs = [2, 2, 16], axes = ["m", "n"], strides = [0, 1, 16, 0, 8, 0, 2, 0, 0, 1, 0, 8]>
!e4m3a = !tile.view<[m: 128, k: 128], f8E4M3FN>
!e4m3b = !tile.view<[n: 128, k: 128], f8E4M3FN>
!sav = !tile.view<[m: 128], f32>
!dv = !tile.view<[m: 64, n: 128], bf16>

tile.kernel @fp8_gemm_nt(
    %A: !tile.tensor<2, f8E4M3FN> {tile.name = "A", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["M", "K"]},
    %SA: !tile.tensor<2, f32> {tile.name = "SA", tile.mode = "in", tile.major = 1 : i64, tile.shape = [["cdiv", "K", 128], "M"]},
    %B: !tile.tensor<2, f8E4M3FN> {tile.name = "B", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["N", "K"]},
    %SB: !tile.tensor<2, f32> {tile.name = "SB", tile.mode = "in", tile.major = 1 : i64, tile.shape = [["cdiv", "N", 128], ["cdiv", "K", 128]]},
    %D: !tile.tensor<2, bf16> {tile.name = "D", tile.mode = "out", tile.major = 1 : i64, tile.shape = ["M", "N"]},
    %M: index {tile.name = "M"}, %N: index {tile.name = "N"}, %K: index {tile.name = "K"})
    target "sm_90a"
    attributes {threads = 384 : i64, smem_bytes = 201808 : i64, constants = {BM = 128 : i64, BN = 128 : i64}} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %dA = tma.descriptor %A dims [1, 0] : !tile.tensor<2, f8E4M3FN> -> !tma.desc<box = [128, 128], swizzle = 128, f8E4M3FN>
  %dB = tma.descriptor %B dims [1, 0] : !tile.tensor<2, f8E4M3FN> -> !tma.desc<box = [128, 128], swizzle = 128, f8E4M3FN>
  %dSA = tma.descriptor %SA dims [1, 0] : !tile.tensor<2, f32> -> !tma.desc<box = [128, 1], swizzle = 0, f32>
  %dD = tma.descriptor %D dims [1, 0] : !tile.tensor<2, bf16> -> !tma.desc<box = [64, 64], swizzle = 128, bf16>
  %ni = arith.ceildivui %M, %c128 : index
  %nj = arith.ceildivui %N, %c128 : index
  %nk = arith.ceildivui %K, %c128 : index
  pipe.ring @ab depth(5) fields ["a", "b", "sa"] [!e4m3a, !e4m3b, !sav]
    layouts [#tile.shared<["m", "k"], swizzle = 128>, #tile.shared<["n", "k"], swizzle = 128>, #tile.shared<["m"], swizzle = 0>]
    {offsets = array<i64: 32768, 49152, 65536>, strides = array<i64: 33792, 33792, 33792>, barriers = 201728 : i64, full_count = 1 : i64, empty_count = 8 : i64}
  pipe.ring @D_out depth(1) fields ["value"] [!dv] consumer copy_engine
    layouts [#tile.shared<["m", "n"], swizzle = 128>]
    {offsets = array<i64: 0>, strides = array<i64: 16384>, instances = 2 : i64}
  %t = tile.tiles "t"(%ni, %nj) persistent raster 8 over 1 : !tile.iter<2>

  tile.role "math" groups(2) split("m") at 0 planned 232 {
    %g = tile.group
    %goff = arith.muli %g, %c64 : index
    tile.for_each %t as (%i, %j) : !tile.iter<2> {
      %row0 = arith.muli %i, %c128 : index
      %row = arith.addi %row0, %goff : index
      %col = arith.muli %j, %c128 : index
      %nb = arith.divui %col, %c128 : index
      %zero = arith.constant dense<0.0> : vector<64xf32>
      %acc = scf.for %kk = %c0 to %nk step %c1 iter_args(%c = %zero) -> (vector<64xf32>) {
          %s = pipe.acquire_get @ab : !pipe.slot<@ab>
          %a = pipe.field %s["a"] : !pipe.slot<@ab> -> !e4m3a
          %b = pipe.field %s["b"] : !pipe.slot<@ab> -> !e4m3b
          %sa = pipe.field %s["sa"] : !pipe.slot<@ab> -> !sav
          %a2 = tile.slice %a["m" : %goff] : !e4m3a -> !tile.view<[m: 64, k: 128], f8E4M3FN>
          %sa2 = tile.slice %sa["m" : %goff] : !sav -> !tile.view<[m: 64], f32>
          %tid = tile.thread
          %c4 = arith.constant 4 : index
          %c8 = arith.constant 8 : index
          %c16 = arith.constant 16 : index
          %c32 = arith.constant 32 : index
          %d1 = arith.divui %tid, %c4 : index
          %d1m = arith.remui %d1, %c8 : index
          %d2 = arith.divui %tid, %c32 : index
          %d2m = arith.muli %d2, %c16 : index
          %m0 = arith.addi %d1m, %d2m : index
          %m1 = arith.addi %m0, %c8 : index
          %x0 = tile.load_shared %sa2[%m0] : !tile.view<[m: 64], f32> -> f32
          %x1 = tile.load_shared %sa2[%m1] : !tile.view<[m: 64], f32> -> f32
          %sb = tile.load_element %SB[%nb, %kk] : !tile.tensor<2, f32> -> f32
          mma.fence
          %tmp = mma.undef : vector<64xf32>
          %da0 = mma.descriptor %a2 k("k" : 0) row 0 : !tile.view<[m: 64, k: 128], f8E4M3FN>
          %db0 = mma.descriptor %b k("k" : 0) row 0 : !tile.view<[n: 128, k: 128], f8E4M3FN>
          %p0 = mma.wgmma %da0, %db0 into %tmp shape 64 128 32 types f8E4M3FN f8E4M3FN zero : vector<64xf32> -> vector<64xf32>
          %da1 = mma.descriptor %a2 k("k" : 32) row 0 : !tile.view<[m: 64, k: 128], f8E4M3FN>
          %db1 = mma.descriptor %b k("k" : 32) row 0 : !tile.view<[n: 128, k: 128], f8E4M3FN>
          %p1 = mma.wgmma %da1, %db1 into %p0 shape 64 128 32 types f8E4M3FN f8E4M3FN : vector<64xf32> -> vector<64xf32>
          %da2 = mma.descriptor %a2 k("k" : 64) row 0 : !tile.view<[m: 64, k: 128], f8E4M3FN>
          %db2 = mma.descriptor %b k("k" : 64) row 0 : !tile.view<[n: 128, k: 128], f8E4M3FN>
          %p2 = mma.wgmma %da2, %db2 into %p1 shape 64 128 32 types f8E4M3FN f8E4M3FN : vector<64xf32> -> vector<64xf32>
          %da3 = mma.descriptor %a2 k("k" : 96) row 0 : !tile.view<[m: 64, k: 128], f8E4M3FN>
          %db3 = mma.descriptor %b k("k" : 96) row 0 : !tile.view<[n: 128, k: 128], f8E4M3FN>
          %p3 = mma.wgmma %da3, %db3 into %p2 shape 64 128 32 types f8E4M3FN f8E4M3FN : vector<64xf32> -> vector<64xf32>
          mma.commit
          %w = mma.wait 0 tie(%p3 : vector<64xf32>) -> vector<64xf32>
          pipe.release %s : !pipe.slot<@ab>
          %x = vector.from_elements %x0, %x1 : vector<2xf32>
          %sbv = vector.broadcast %sb : f32 to vector<2xf32>
          %xs = arith.mulf %x, %sbv : vector<2xf32>
          %scale = vector.shuffle %xs, %xs [0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1] : vector<2xf32>, vector<2xf32>
          %n = math.fma %w, %scale, %c : vector<64xf32>
          %pin = mma.pin %n : vector<64xf32> -> vector<64xf32>
          scf.yield %pin : vector<64xf32>
      }
      %o = arith.truncf %acc : vector<64xf32> to vector<64xbf16>
      %ds = pipe.acquire_put @D_out : !pipe.slot<@D_out>
      %dv = pipe.field %ds["value"] : !pipe.slot<@D_out> -> !dv
      tile.store_fragment %o to %dv layout #acc : vector<64xbf16>, !dv
      pipe.commit %ds : !pipe.slot<@D_out>
      %col2 = arith.addi %col, %c64 : index
      tma.elect group {
        tma.store %dv to %dD[%col, %row] : !dv, !tma.desc<box = [64, 64], swizzle = 128, bf16>
        tma.store %dv plus 8192 to %dD[%col2, %row] : !dv, !tma.desc<box = [64, 64], swizzle = 128, bf16>
        tma.commit_group
      }
    }
  }

  tile.role "load" warps(1) at 8 planned 40 attributes {single_thread} {
    tile.for_each %t as (%i, %j) : !tile.iter<2> {
      %row = arith.muli %i, %c128 : index
      %col = arith.muli %j, %c128 : index
      scf.for %kk = %c0 to %nk step %c1 {
        %k0 = arith.muli %kk, %c128 : index
        %s = pipe.acquire_put @ab : !pipe.slot<@ab>
        %a = pipe.field %s["a"] : !pipe.slot<@ab> -> !e4m3a
        %b = pipe.field %s["b"] : !pipe.slot<@ab> -> !e4m3b
        %sa = pipe.field %s["sa"] : !pipe.slot<@ab> -> !sav
        tma.load %dA[%k0, %row] to %a arrive %s : !tma.desc<box = [128, 128], swizzle = 128, f8E4M3FN>, !e4m3a, !pipe.slot<@ab>
        tma.load %dB[%k0, %col] to %b arrive %s : !tma.desc<box = [128, 128], swizzle = 128, f8E4M3FN>, !e4m3b, !pipe.slot<@ab>
        tma.load %dSA[%row, %kk] to %sa arrive %s : !tma.desc<box = [128, 1], swizzle = 0, f32>, !sav, !pipe.slot<@ab>
        pipe.commit %s : !pipe.slot<@ab>
      }
    }
  }
}
