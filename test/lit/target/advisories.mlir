// ptxas exits with 0 after these; they come back on the lines of the source,
// as errors under --strict.
// REQUIRES: ptxas
// RUN: split-file %s %t
// RUN: tilewright-ptx %t/setmaxnreg.mlir --ptxas=%ptxas --emit=cubin -o /dev/null --lint=false 2>&1 | FileCheck %t/setmaxnreg.mlir
// RUN: not tilewright-ptx %t/setmaxnreg.mlir --ptxas=%ptxas --emit=cubin -o /dev/null --lint=false --strict 2>&1 | FileCheck %t/setmaxnreg.mlir --check-prefix=STRICT
// RUN: tilewright-ptx %t/wgmma.mlir --ptxas=%ptxas --emit=cubin -o /dev/null 2>&1 | FileCheck %t/wgmma.mlir
// RUN: not tilewright-ptx %t/wgmma.mlir --ptxas=%ptxas --emit=cubin -o %t/never --lint=false --strict 2>&1 | FileCheck %t/wgmma.mlir --check-prefix=STRICT
// RUN: not ls %t/never
// RUN: tilewright-ptx %t/spill.mlir --ptxas=%ptxas --emit=cubin -o /dev/null 2>&1 | FileCheck %t/spill.mlir
// RUN: not tilewright-ptx %t/spill.mlir --ptxas=%ptxas --emit=cubin -o /dev/null --strict 2>&1 | FileCheck %t/spill.mlir --check-prefix=STRICT
// RUN: not tilewright-ptx %t/error.mlir --ptxas=%ptxas --emit=cubin -o /dev/null 2>&1 | FileCheck %t/error.mlir

//--- setmaxnreg.mlir
// CHECK: a.tw:5:3: warning: ptxas: C7508: Potential Performance Loss: 'setmaxnreg' ignored
// STRICT: a.tw:5:3: error: ptxas: C7508
llvm.func @k() attributes {nvvm.kernel} {
  nvvm.fence.proxy {kind = #nvvm.proxy_kind<async>} loc("a.tw":4:3)
  nvvm.setmaxregister decrease 40 loc("a.tw":5:3)
  llvm.return
} loc("a.tw":1:2)

//--- wgmma.mlir
// A sum of accumulators that are still in flight.
// CHECK: a.tw:13:3: warning: TWP07
// CHECK: a.tw:13:3: {{warning|remark}}: ptxas: C75{{[0-9]+}}:
// STRICT: a.tw:13:3: error: ptxas: C75
!acc = !llvm.struct<(f32, f32, f32, f32)>
llvm.func @k(%p: !llvm.ptr<1>, %a: i64, %b: i64) attributes {nvvm.kernel, nvvm.reqntid = array<i32: 128, 1, 1>, nvvm.minctasm = 1 : i32} {
  %0 = llvm.mlir.poison : !acc loc("a.tw":10:3)
  nvvm.wgmma.fence.aligned loc("a.tw":11:3)
  %1 = nvvm.wgmma.mma_async %a, %b, %0, #nvvm.shape<m = 64, n = 8, k = 32>, D[<f32>, #nvvm.wgmma_scale_out<zero>], A[<e4m3>, #nvvm.wgmma_scale_in<one>, <row>], B[<e4m3>, #nvvm.wgmma_scale_in<one>, <col>] : !acc -> !acc loc("a.tw":11:3)
  nvvm.wgmma.commit.group.sync.aligned loc("a.tw":12:3)
  %2 = llvm.extractvalue %1[0] : !acc loc("a.tw":13:3)
  %3 = llvm.fadd %2, %2 : f32 loc("a.tw":13:3)
  llvm.store volatile %3, %p : f32, !llvm.ptr<1> loc("a.tw":13:3)
  nvvm.wgmma.wait.group.sync.aligned 0 loc("a.tw":14:3)
  %4 = llvm.extractvalue %1[1] : !acc loc("a.tw":15:3)
  llvm.store volatile %4, %p : f32, !llvm.ptr<1> loc("a.tw":15:3)
  llvm.return
} loc("a.tw":1:2)

//--- spill.mlir
// Eight 128-bit values live at once in 24 registers.
// CHECK: a.tw:2:1: warning: ptxas: Local memory used for function 'k'
// CHECK: a.tw:2:1: warning: ptxas: Registers are spilled to local memory in function 'k'
// STRICT: a.tw:2:1: error: ptxas: Registers are spilled
llvm.func @k(%p: !llvm.ptr<1>) attributes {nvvm.kernel, nvvm.maxnreg = 24 : i32} {
  %0 = llvm.load volatile %p : !llvm.ptr<1> -> vector<4xi32> loc("a.tw":3:1)
  %1 = llvm.load volatile %p : !llvm.ptr<1> -> vector<4xi32>
  %2 = llvm.load volatile %p : !llvm.ptr<1> -> vector<4xi32>
  %3 = llvm.load volatile %p : !llvm.ptr<1> -> vector<4xi32>
  %4 = llvm.load volatile %p : !llvm.ptr<1> -> vector<4xi32>
  %5 = llvm.load volatile %p : !llvm.ptr<1> -> vector<4xi32>
  %6 = llvm.load volatile %p : !llvm.ptr<1> -> vector<4xi32>
  %7 = llvm.load volatile %p : !llvm.ptr<1> -> vector<4xi32>
  llvm.store volatile %0, %p : vector<4xi32>, !llvm.ptr<1>
  llvm.store volatile %1, %p : vector<4xi32>, !llvm.ptr<1>
  llvm.store volatile %2, %p : vector<4xi32>, !llvm.ptr<1>
  llvm.store volatile %3, %p : vector<4xi32>, !llvm.ptr<1>
  llvm.store volatile %4, %p : vector<4xi32>, !llvm.ptr<1>
  llvm.store volatile %5, %p : vector<4xi32>, !llvm.ptr<1>
  llvm.store volatile %6, %p : vector<4xi32>, !llvm.ptr<1>
  llvm.store volatile %7, %p : vector<4xi32>, !llvm.ptr<1>
  llvm.return
} loc("a.tw":2:2)

//--- error.mlir
// CHECK: a.tw:7:3: error: ptxas: Not a name of any known instruction: 'no'
// CHECK: a.tw:7:3: note: PTX line
llvm.func @k() attributes {nvvm.kernel} {
  nvvm.fence.proxy {kind = #nvvm.proxy_kind<async>} loc("a.tw":4:3)
  llvm.inline_asm has_side_effects "no.such.instruction;", "" : () -> () loc("a.tw":7:3)
  llvm.return
} loc("a.tw":1:2)
