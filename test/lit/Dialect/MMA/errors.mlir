// RUN: tilewright-opt %s -split-input-file -verify-diagnostics

//===----------------------------------------------------------------------===//
// contract: operands
//===----------------------------------------------------------------------===//

func.func @f(%a: !tile.view<[m: 64, k: 32], bf16>, %b: !tile.view<[n: 64, k: 32], bf16>, %acc: !tile.tile<[m: 64, n: 64], f32>) {
  // expected-error @+1 {{'x' is not a free axis of the first operand}}
  %r, %t = mma.contract %a, %b axes("x", "n") wave 64 carry(%acc : !tile.tile<[m: 64, n: 64], f32>) : !tile.view<[m: 64, k: 32], bf16>, !tile.view<[n: 64, k: 32], bf16> -> !tile.tile<[m: 64, n: 64], f32>
  return
}

// -----

func.func @f(%a: !tile.view<[m: 64, k: 32], bf16>, %b: !tile.view<[n: 64, k: 32], bf16>, %acc: !tile.tile<[m: 64, n: 64], f32>) {
  // expected-error @+1 {{'k' is not a free axis of the second operand}}
  %r, %t = mma.contract %a, %b axes("m", "k") wave 64 carry(%acc : !tile.tile<[m: 64, n: 64], f32>) : !tile.view<[m: 64, k: 32], bf16>, !tile.view<[n: 64, k: 32], bf16> -> !tile.tile<[m: 64, n: 64], f32>
  return
}

// -----

func.func @f(%a: !tile.view<[m: 64, k: 32], bf16>, %b: !tile.view<[n: 64, h: 2, k: 32], bf16>, %acc: !tile.tile<[m: 64, n: 64], f32>) {
  // expected-error @+1 {{axis 'h' of the second operand is neither contracted nor 'n'}}
  %r, %t = mma.contract %a, %b axes("m", "n") wave 64 carry(%acc : !tile.tile<[m: 64, n: 64], f32>) : !tile.view<[m: 64, k: 32], bf16>, !tile.view<[n: 64, h: 2, k: 32], bf16> -> !tile.tile<[m: 64, n: 64], f32>
  return
}

// -----

func.func @f(%a: !tile.view<[m: 64, k: 32], bf16>, %b: !tile.view<[n: 64, k: 64], bf16>, %acc: !tile.tile<[m: 64, n: 64], f32>) {
  // expected-error @+1 {{contracted axis 'k' has extents 32 and 64}}
  %r, %t = mma.contract %a, %b axes("m", "n") wave 64 carry(%acc : !tile.tile<[m: 64, n: 64], f32>) : !tile.view<[m: 64, k: 32], bf16>, !tile.view<[n: 64, k: 64], bf16> -> !tile.tile<[m: 64, n: 64], f32>
  return
}

// -----

func.func @f(%a: !tile.view<[m: 64], bf16>, %b: !tile.view<[n: 64], bf16>, %acc: !tile.tile<[m: 64, n: 64], f32>) {
  // expected-error @+1 {{operands share no axis}}
  %r, %t = mma.contract %a, %b axes("m", "n") wave 64 carry(%acc : !tile.tile<[m: 64, n: 64], f32>) : !tile.view<[m: 64], bf16>, !tile.view<[n: 64], bf16> -> !tile.tile<[m: 64, n: 64], f32>
  return
}

// -----

func.func @f(%a: !tile.view<[m: 64, k: 32], bf16>, %b: !tile.view<[n: 64, k: 32], f8E4M3FN>, %acc: !tile.tile<[m: 64, n: 64], f32>) {
  // expected-error @+1 {{cannot contract 'bf16' with 'f8E4M3FN'}}
  %r, %t = mma.contract %a, %b axes("m", "n") wave 64 carry(%acc : !tile.tile<[m: 64, n: 64], f32>) : !tile.view<[m: 64, k: 32], bf16>, !tile.view<[n: 64, k: 32], f8E4M3FN> -> !tile.tile<[m: 64, n: 64], f32>
  return
}

// -----

func.func @f(%a: !tile.view<[m: 64, k: 32], f32>, %b: !tile.view<[n: 64, k: 32], f32>, %acc: !tile.tile<[m: 64, n: 64], f32>) {
  // expected-error @+1 {{tensor cores do not multiply 'f32'}}
  %r, %t = mma.contract %a, %b axes("m", "n") wave 64 carry(%acc : !tile.tile<[m: 64, n: 64], f32>) : !tile.view<[m: 64, k: 32], f32>, !tile.view<[n: 64, k: 32], f32> -> !tile.tile<[m: 64, n: 64], f32>
  return
}

// -----

func.func @f(%a: !tile.view<[m: 64, k: 32], bf16>, %b: !tile.view<[n: 64, k: 32], bf16>, %acc: !tile.tile<[m: 64, n: 64], f32>) {
  // expected-error @+1 {{waves of 48 rows do not divide the extent 64 of axis 'm'}}
  %r, %t = mma.contract %a, %b axes("m", "n") wave 48 carry(%acc : !tile.tile<[m: 64, n: 64], f32>) : !tile.view<[m: 64, k: 32], bf16>, !tile.view<[n: 64, k: 32], bf16> -> !tile.tile<[m: 64, n: 64], f32>
  return
}

// -----

func.func @f(%a: !tile.view<[m: 64, k: 32], bf16>, %b: !tile.view<[n: 64, k: 32], bf16>, %acc: !tile.tile<[m: 64, n: 64], f32>) {
  // expected-error @+1 {{waves of -64 rows do not divide the extent 64 of axis 'm'}}
  %r, %t = mma.contract %a, %b axes("m", "n") wave -64 carry(%acc : !tile.tile<[m: 64, n: 64], f32>) : !tile.view<[m: 64, k: 32], bf16>, !tile.view<[n: 64, k: 32], bf16> -> !tile.tile<[m: 64, n: 64], f32>
  return
}

// -----

//===----------------------------------------------------------------------===//
// contract: carried values, inputs, region
//===----------------------------------------------------------------------===//

func.func @f(%a: !tile.view<[m: 64, k: 32], bf16>, %b: !tile.view<[n: 64, k: 32], bf16>, %acc: !tile.tile<[m: 64, n: 64], f32>) {
  // expected-error @+1 {{carries 1 values but has 0 results}}
  %t = mma.contract %a, %b axes("m", "n") wave 64 carry(%acc : !tile.tile<[m: 64, n: 64], f32>) : !tile.view<[m: 64, k: 32], bf16>, !tile.view<[n: 64, k: 32], bf16>
  return
}

// -----

func.func @f(%a: !tile.view<[m: 64, k: 32], bf16>, %b: !tile.view<[n: 64, k: 32], bf16>, %acc: !tile.tile<[m: 64, n: 64], f32>) {
  // expected-error @+1 {{carried and result types differ}}
  %r, %t = mma.contract %a, %b axes("m", "n") wave 64 carry(%acc : !tile.tile<[m: 64, n: 64], f32>) : !tile.view<[m: 64, k: 32], bf16>, !tile.view<[n: 64, k: 32], bf16> -> !tile.tile<[n: 64, m: 64], f32>
  return
}

// -----

func.func @f(%a: !tile.view<[m: 64, k: 32], bf16>, %b: !tile.view<[n: 64, k: 32], bf16>) {
  // expected-error @+1 {{takes a '!tile.view<[m: 64, k: 32], bf16>'; a tile, a vector or a scalar is expected}}
  %t = mma.contract %a, %b axes("m", "n") wave 64 inputs(%a : !tile.view<[m: 64, k: 32], bf16>) : !tile.view<[m: 64, k: 32], bf16>, !tile.view<[n: 64, k: 32], bf16> {
  ^bb0(%p: !tile.tile<[m: 64, n: 64], f32>, %x: f32):
    mma.yield
  }
  return
}

// -----

func.func @f(%a: !tile.view<[m: 64, k: 32], bf16>, %b: !tile.view<[n: 64, k: 32], bf16>) {
  // expected-error @+1 {{without a region carries exactly one value and takes no inputs}}
  %t = mma.contract %a, %b axes("m", "n") wave 64 : !tile.view<[m: 64, k: 32], bf16>, !tile.view<[n: 64, k: 32], bf16>
  return
}

// -----

func.func @f(%a: !tile.view<[m: 64, k: 32], bf16>, %b: !tile.view<[n: 64, k: 32], bf16>, %acc: !tile.tile<[m: 64, n: 64], f32>, %s: f32) {
  // expected-error @+1 {{without a region carries exactly one value and takes no inputs}}
  %r, %t = mma.contract %a, %b axes("m", "n") wave 64 carry(%acc : !tile.tile<[m: 64, n: 64], f32>) inputs(%s : f32) : !tile.view<[m: 64, k: 32], bf16>, !tile.view<[n: 64, k: 32], bf16> -> !tile.tile<[m: 64, n: 64], f32>
  return
}

// -----

func.func @f(%a: !tile.view<[m: 64, k: 32], bf16>, %b: !tile.view<[n: 64, k: 32], bf16>, %s: f32) {
  // expected-error @+1 {{has 1 inputs but 'input_axes' of 2}}
  %t = mma.contract %a, %b axes("m", "n") wave 64 inputs(%s : f32) {input_axes = [false, false]} : !tile.view<[m: 64, k: 32], bf16>, !tile.view<[n: 64, k: 32], bf16> {
  ^bb0(%p: !tile.tile<[m: 64, n: 64], f32>, %x: f32):
    mma.yield
  }
  return
}

// -----

func.func @f(%a: !tile.view<[m: 64, k: 32], bf16>, %b: !tile.view<[n: 64, k: 32], bf16>, %s: f32) {
  // expected-error @+1 {{'input_axes' holds "m", not a bool}}
  %t = mma.contract %a, %b axes("m", "n") wave 64 inputs(%s : f32) {input_axes = ["m"]} : !tile.view<[m: 64, k: 32], bf16>, !tile.view<[n: 64, k: 32], bf16> {
  ^bb0(%p: !tile.tile<[m: 64, n: 64], f32>, %x: f32):
    mma.yield
  }
  return
}

// -----

func.func @f(%a: !tile.view<[m: 64, k: 32], bf16>, %b: !tile.view<[n: 64, k: 32], bf16>, %s: f32) {
  // expected-error @+1 {{'input_axes' says that 'f32' is cut along 'm'}}
  %t = mma.contract %a, %b axes("m", "n") wave 64 inputs(%s : f32) {input_axes = [true]} : !tile.view<[m: 64, k: 32], bf16>, !tile.view<[n: 64, k: 32], bf16> {
  ^bb0(%p: !tile.tile<[m: 64, n: 64], f32>, %x: f32):
    mma.yield
  }
  return
}

// -----

func.func @f(%a: !tile.view<[m: 64, k: 32], bf16>, %b: !tile.view<[n: 64, k: 32], bf16>, %s: !tile.tile<[m: 64], f32>) {
  // expected-error @+1 {{'input_axes' says that '!tile.tile<[m: 64], f32>' is not cut along 'm'}}
  %t = mma.contract %a, %b axes("m", "n") wave 64 inputs(%s : !tile.tile<[m: 64], f32>) {input_axes = [false]} : !tile.view<[m: 64, k: 32], bf16>, !tile.view<[n: 64, k: 32], bf16> {
  ^bb0(%p: !tile.tile<[m: 64, n: 64], f32>, %x: !tile.tile<[m: 64], f32>):
    mma.yield
  }
  return
}

// -----

func.func @f(%a: !tile.view<[m: 64, k: 32], bf16>, %b: !tile.view<[n: 64, k: 32], bf16>, %s: vector<2xf32>) {
  // expected-error @+1 {{takes registers but 'input_axes' does not say which are cut into waves}}
  %t = mma.contract %a, %b axes("m", "n") wave 64 inputs(%s : vector<2xf32>) : !tile.view<[m: 64, k: 32], bf16>, !tile.view<[n: 64, k: 32], bf16> {
  ^bb0(%p: vector<32xf32>, %x: vector<2xf32>):
    mma.yield
  }
  return
}

// -----

func.func @f(%a: !tile.view<[m: 64, k: 32], bf16>, %b: !tile.view<[n: 64, k: 32], bf16>) {
  // expected-error @+1 {{region takes 2 arguments; expected 1: the partial sums, carried values, inputs}}
  %t = mma.contract %a, %b axes("m", "n") wave 64 : !tile.view<[m: 64, k: 32], bf16>, !tile.view<[n: 64, k: 32], bf16> {
  ^bb0(%p: !tile.tile<[m: 64, n: 64], f32>, %x: f32):
    mma.yield
  }
  return
}

// -----

func.func @f(%a: !tile.view<[m: 128, k: 32], bf16>, %b: !tile.view<[n: 64, k: 32], bf16>) {
  // expected-error @+1 {{partial sums are a '!tile.tile<[m: 128, n: 64], f32>'; expected [m: 64, n: 64]}}
  %t = mma.contract %a, %b axes("m", "n") wave 64 : !tile.view<[m: 128, k: 32], bf16>, !tile.view<[n: 64, k: 32], bf16> {
  ^bb0(%p: !tile.tile<[m: 128, n: 64], f32>):
    mma.yield
  }
  return
}

// -----

func.func @f(%a: !tile.view<[m: 64, k: 32], bf16>, %b: !tile.view<[n: 64, k: 32], bf16>) {
  // expected-error @+1 {{partial sums are a 'f32'; expected a tile or a vector}}
  %t = mma.contract %a, %b axes("m", "n") wave 64 : !tile.view<[m: 64, k: 32], bf16>, !tile.view<[n: 64, k: 32], bf16> {
  ^bb0(%p: f32):
    mma.yield
  }
  return
}

// -----

func.func @f(%a: !tile.view<[m: 128, k: 32], bf16>, %b: !tile.view<[n: 64, k: 32], bf16>, %s: !tile.tile<[m: 128], f32>) {
  // expected-error @+1 {{region takes a '!tile.tile<[m: 128], f32>', which is not a wave's part of '!tile.tile<[m: 128], f32>'}}
  %t = mma.contract %a, %b axes("m", "n") wave 64 inputs(%s : !tile.tile<[m: 128], f32>) : !tile.view<[m: 128, k: 32], bf16>, !tile.view<[n: 64, k: 32], bf16> {
  ^bb0(%p: !tile.tile<[m: 64, n: 64], f32>, %x: !tile.tile<[m: 128], f32>):
    mma.yield
  }
  return
}

// -----

func.func @f(%a: !tile.view<[m: 128, k: 32], bf16>, %b: !tile.view<[n: 64, k: 32], bf16>, %acc: vector<64xf32>) {
  // expected-error @+1 {{region takes a 'vector<16xf32>', which is not a wave's part of 'vector<64xf32>'}}
  %r, %t = mma.contract %a, %b axes("m", "n") wave 64 carry(%acc : vector<64xf32>) : !tile.view<[m: 128, k: 32], bf16>, !tile.view<[n: 64, k: 32], bf16> -> vector<64xf32> {
  ^bb0(%p: vector<32xf32>, %c: vector<16xf32>):
    mma.yield %c : vector<16xf32>
  }
  return
}

// -----

func.func @f(%a: !tile.view<[m: 64, k: 32], bf16>, %b: !tile.view<[n: 64, k: 32], bf16>, %s: i32) {
  // expected-error @+1 {{region takes a 'f32', which is not a wave's part of 'i32'}}
  %t = mma.contract %a, %b axes("m", "n") wave 64 inputs(%s : i32) : !tile.view<[m: 64, k: 32], bf16>, !tile.view<[n: 64, k: 32], bf16> {
  ^bb0(%p: !tile.tile<[m: 64, n: 64], f32>, %x: f32):
    mma.yield
  }
  return
}

// -----

func.func @f(%a: !tile.view<[m: 64, k: 32], bf16>, %b: !tile.view<[n: 64, k: 32], bf16>, %acc: vector<32xf32>) {
  // expected-error @+1 {{region must yield one value for each carried one}}
  %r, %t = mma.contract %a, %b axes("m", "n") wave 64 carry(%acc : vector<32xf32>) : !tile.view<[m: 64, k: 32], bf16>, !tile.view<[n: 64, k: 32], bf16> -> vector<32xf32> {
  ^bb0(%p: vector<32xf32>, %c: vector<32xf32>):
    mma.yield
  }
  return
}

// -----

func.func @f(%a: !tile.view<[m: 64, k: 32], bf16>, %b: !tile.view<[n: 64, k: 32], bf16>, %acc: vector<32xf32>, %x: f32) {
  %r, %t = mma.contract %a, %b axes("m", "n") wave 64 carry(%acc : vector<32xf32>) : !tile.view<[m: 64, k: 32], bf16>, !tile.view<[n: 64, k: 32], bf16> -> vector<32xf32> {
  ^bb0(%p: vector<32xf32>, %c: vector<32xf32>):
    // expected-error @+1 {{yields a 'f32' for the carried 'vector<32xf32>'}}
    mma.yield %x : f32
  }
  return
}

// -----

func.func @f(%a: !tile.view<[m: 64, k: 32], bf16>, %b: !tile.view<[n: 64, k: 32], bf16>) {
  // expected-error @+1 {{expects a non-empty block}}
  %t = mma.contract %a, %b axes("m", "n") wave 64 : !tile.view<[m: 64, k: 32], bf16>, !tile.view<[n: 64, k: 32], bf16> {
  ^bb0(%p: vector<32xf32>):
  }
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{'mma.yield' op expects parent op 'mma.contract'}}
  mma.yield
}

// -----

//===----------------------------------------------------------------------===//
// wgmma
//===----------------------------------------------------------------------===//

func.func @f(%v: !tile.view<[m: 64, k: 32], bf16>) {
  // expected-error @+1 {{axis 'x' is not an axis of '!tile.view<[m: 64, k: 32], bf16>'}}
  %d = mma.descriptor %v k("x" : 0) row 0 : !tile.view<[m: 64, k: 32], bf16>
  return
}

// -----

func.func @f(%v: !tile.view<[m: 64, k: 32], f64>) {
  // expected-error @+1 {{tensor cores do not read 'f64'}}
  %d = mma.descriptor %v k("k" : 0) row 0 : !tile.view<[m: 64, k: 32], f64>
  return
}

// -----

func.func @f(%v: !tile.view<[m: 64, k: 32], bf16>) {
  // expected-error @+1 {{k 32 is outside axis 'k' of extent 32}}
  %d = mma.descriptor %v k("k" : 32) row 0 : !tile.view<[m: 64, k: 32], bf16>
  return
}

// -----

func.func @f(%v: !tile.view<[m: 64, k: 32], bf16>) {
  // expected-error @+1 {{row 64 is outside the 64 rows}}
  %d = mma.descriptor %v k("k" : 0) row 64 : !tile.view<[m: 64, k: 32], bf16>
  return
}

// -----

func.func @f(%v: !tile.view<[m: 64, k: 32], bf16>) {
  // expected-error @+1 {{row -1 is outside the 64 rows}}
  %d = mma.descriptor %v k("k" : 0) row -1 : !tile.view<[m: 64, k: 32], bf16>
  return
}

// -----

func.func @f(%d: i64, %x: vector<32xf32>) {
  // expected-error @+1 {{M is 32; wgmma has M = 64}}
  %r = mma.wgmma %d, %d into %x shape 32 64 32 types f8E4M3FN f8E4M3FN : vector<32xf32> -> vector<32xf32>
  return
}

// -----

func.func @f(%d: i64, %x: vector<32xf32>) {
  // expected-error @+1 {{N is 60; wgmma takes multiples of 8 from 8 to 256}}
  %r = mma.wgmma %d, %d into %x shape 64 60 32 types f8E4M3FN f8E4M3FN : vector<32xf32> -> vector<32xf32>
  return
}

// -----

func.func @f(%d: i64, %x: vector<32xf32>) {
  // expected-error @+1 {{N is 264; wgmma takes multiples of 8 from 8 to 256}}
  %r = mma.wgmma %d, %d into %x shape 64 264 32 types f8E4M3FN f8E4M3FN : vector<32xf32> -> vector<32xf32>
  return
}

// -----

func.func @f(%d: i64, %x: vector<32xf32>) {
  // expected-error @+1 {{wgmma does not multiply '!pipe.token'}}
  %r = mma.wgmma %d, %d into %x shape 64 64 32 types !pipe.token f8E4M3FN : vector<32xf32> -> vector<32xf32>
  return
}

// -----

func.func @f(%d: i64, %x: vector<32xf32>) {
  // expected-error @+1 {{wgmma does not multiply 'f4E2M1FN'}}
  %r = mma.wgmma %d, %d into %x shape 64 64 64 types f4E2M1FN f4E2M1FN : vector<32xf32> -> vector<32xf32>
  return
}

// -----

func.func @f(%d: i64, %x: vector<32xf32>) {
  // expected-error @+1 {{wgmma does not multiply 'bf16' by 'f16'}}
  %r = mma.wgmma %d, %d into %x shape 64 64 16 types bf16 f16 : vector<32xf32> -> vector<32xf32>
  return
}

// -----

func.func @f(%d: i64, %x: vector<32xf32>) {
  // expected-error @+1 {{wgmma does not multiply 'i8' by 'f8E4M3FN'}}
  %r = mma.wgmma %d, %d into %x shape 64 64 32 types i8 f8E4M3FN : vector<32xf32> -> vector<32xf32>
  return
}

// -----

func.func @f(%d: i64, %x: vector<32xf32>) {
  // expected-error @+1 {{K is 16 for elements of 8 bits; K spans 32 bytes}}
  %r = mma.wgmma %d, %d into %x shape 64 64 16 types f8E4M3FN f8E4M3FN : vector<32xf32> -> vector<32xf32>
  return
}

// -----

func.func @f(%d: i64, %x: vector<32xf32>) {
  // expected-error @+1 {{K is 576460752303423488 for elements of 16 bits}}
  %r = mma.wgmma %d, %d into %x shape 64 64 576460752303423488 types bf16 bf16 : vector<32xf32> -> vector<32xf32>
  return
}

// -----

func.func @f(%d: i64, %x: vector<32xf32>) {
  // expected-error @+1 {{reads 'f8E4M3FN' K-major only}}
  %r = mma.wgmma %d, %d into %x shape 64 64 32 types f8E4M3FN f8E4M3FN {b_mn_major} : vector<32xf32> -> vector<32xf32>
  return
}

// -----

func.func @f(%d: i64, %x: f32) {
  // expected-error @+1 {{accumulator is a 'f32', not a vector of registers}}
  %r = mma.wgmma %d, %d into %x shape 64 64 32 types f8E4M3FN f8E4M3FN : f32 -> f32
  return
}

// -----

func.func @f(%d: i64, %x: vector<64xf32>) {
  // expected-error @+1 {{accumulator has 64 elements a thread; expected 32}}
  %r = mma.wgmma %d, %d into %x shape 64 64 32 types f8E4M3FN f8E4M3FN : vector<64xf32> -> vector<64xf32>
  return
}

// -----

func.func @f(%d: i64, %x: vector<32xf32>) {
  // expected-error @+1 {{accumulator and result types differ}}
  %r = mma.wgmma %d, %d into %x shape 64 64 32 types f8E4M3FN f8E4M3FN : vector<32xf32> -> vector<32xf16>
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{waits for 8 pending groups; wgmma.wait_group takes 0 to 7}}
  mma.wait 8
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{waits for -1 pending groups}}
  mma.wait -1
  return
}

// -----

func.func @f(%x: vector<32xf32>) {
  // expected-error @+1 {{ties 1 values to 0 results of other types}}
  mma.wait 0 tie(%x : vector<32xf32>)
  return
}

// -----

func.func @f(%x: vector<32xf32>) {
  // expected-error @+1 {{ties 1 values to 1 results of other types}}
  %r = mma.pin %x : vector<32xf32> -> f32
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{pins nothing}}
  "mma.pin"() : () -> ()
  return
}

// -----

func.func @f(%a: !tile.view<[m: 128, k: 32], bf16>, %b: !tile.view<[n: 64, k: 32], bf16>, %s: !tile.tile<[m: 64], f32>) {
  // expected-error @+1 {{region takes a '!tile.tile<[m: 64], f32>', which is not a wave's part of '!tile.tile<[m: 64], f32>'}}
  %t = mma.contract %a, %b axes("m", "n") wave 64 inputs(%s : !tile.tile<[m: 64], f32>) : !tile.view<[m: 128, k: 32], bf16>, !tile.view<[n: 64, k: 32], bf16> {
  ^bb0(%p: !tile.tile<[m: 64, n: 64], f32>, %x: !tile.tile<[m: 64], f32>):
    mma.yield
  }
  return
}
