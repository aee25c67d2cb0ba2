// The same kernel through ptxas: no spills, no advisory (--strict makes them
// errors).
// REQUIRES: ptxas
// RUN: tilewright-opt %S/gemm-distributed.mlir --tilewright-lower-to-nvvm -o %t.mlir
// RUN: tilewright-ptx %t.mlir --ptxas=%ptxas --emit=info --strict 2>&1 | FileCheck %s
// CHECK: fp8_gemm_nt: 168 registers, {{.*}} 0 bytes stack, 0 bytes spill stores, 0 bytes spill loads
