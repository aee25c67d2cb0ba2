// What the chip lacks is an error at its line, all of it in one run, and no
// abort (`not` without --crash fails on one).
// RUN: not tilewright-ptx %s --ptxas=driver 2>&1 | FileCheck %s
// RUN: tilewright-ptx %s --ptxas=driver --chip=sm_100a --lint=false -o /dev/null

// CHECK: a.tw:9:4: error: 'llvm.nvvm.ff.to.ue8m0x2.rp.satfinite' cannot be translated for sm_90a (PTX 8.6)
// CHECK: a.tw:9:4: note: LLVM: Cannot select: intrinsic %llvm.nvvm.ff.to.ue8m0x2.rp.satfinite
llvm.func @k(%p: !llvm.ptr<1>, %a: f32, %b: f32) attributes {nvvm.kernel} {
  %c = nvvm.convert.f32x2.to.f8x2 %a, %b {rnd = #nvvm.fp_rnd_mode<rp>, sat = #nvvm.sat_mode<satfinite>} : i16 (f8E8M0FNU) loc("a.tw":9:4)
  llvm.store %c, %p : i16, !llvm.ptr<1> loc("a.tw":10:4)
  llvm.return loc("a.tw":11:4)
} loc("a.tw":1:2)

// CHECK: b.tw:2:4: error: 'llvm.nvvm.tcgen05.ld.32x32b.x2' cannot be translated for sm_90a
llvm.func @k2(%p: !llvm.ptr<1>, %t: !llvm.ptr<6>) attributes {nvvm.kernel} {
  %c = nvvm.tcgen05.ld %t {shape = #nvvm.tcgen05_ldst_shape<shape_32x32b>} : vector<2xi32> loc("b.tw":2:4)
  llvm.store %c, %p : vector<2xi32>, !llvm.ptr<1> loc("b.tw":3:4)
  llvm.return loc("b.tw":4:4)
} loc("b.tw":1:2)

// CHECK: c.tw:5:4: error: 'llvm.nvvm.tcgen05.relinq.alloc.permit.cg1' cannot be translated for sm_90a
llvm.func @k3() attributes {nvvm.kernel} {
  nvvm.tcgen05.relinquish_alloc_permit {group = #nvvm.cta_group<cta_1>} loc("c.tw":5:4)
  llvm.return loc("c.tw":6:4)
} loc("c.tw":1:2)
