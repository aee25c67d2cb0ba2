// RUN: tilewright-opt %s -split-input-file -verify-diagnostics

func.func @f(%acc: !tile.tile<[m: 64, n: 128], f32>, %a: !tile.view<[m: 64, k: 128], f8E4M3FN>, %b: !tile.view<[n: 128, k: 128], f8E4M3FN>) {
  // expected-error @+1 {{accumulator and result types differ}}
  %r = fp8.promote %acc, %a, %b : !tile.tile<[m: 64, n: 128], f32>, !tile.view<[m: 64, k: 128], f8E4M3FN>, !tile.view<[n: 128, k: 128], f8E4M3FN> -> !tile.tile<[n: 128, m: 64], f32>
  return
}

// -----

func.func @f(%acc: !tile.tile<[m: 64, n: 128], f16>, %a: !tile.view<[m: 64, k: 128], f8E4M3FN>, %b: !tile.view<[n: 128, k: 128], f8E4M3FN>) {
  // expected-error @+1 {{promotes into f32, not 'f16'}}
  %r = fp8.promote %acc, %a, %b : !tile.tile<[m: 64, n: 128], f16>, !tile.view<[m: 64, k: 128], f8E4M3FN>, !tile.view<[n: 128, k: 128], f8E4M3FN> -> !tile.tile<[m: 64, n: 128], f16>
  return
}

// -----

func.func @f(%acc: !tile.tile<[m: 64, n: 128], f32>, %a: !tile.view<[m: 64, k: 128], f8E4M3FN>, %b: !tile.view<[n: 128, k: 64], f8E4M3FN>) {
  // expected-error @+1 {{contracted axis 'k' has extents 128 and 64}}
  %r = fp8.promote %acc, %a, %b : !tile.tile<[m: 64, n: 128], f32>, !tile.view<[m: 64, k: 128], f8E4M3FN>, !tile.view<[n: 128, k: 64], f8E4M3FN> -> !tile.tile<[m: 64, n: 128], f32>
  return
}

// -----

func.func @f(%acc: !tile.tile<[m: 64, n: 128], f32>, %a: !tile.view<[m: 64, k: 128], f8E4M3FN>, %b: !tile.view<[n: 128], f8E4M3FN>) {
  // expected-error @+1 {{operands share no axis}}
  %r = fp8.promote %acc, %a, %b : !tile.tile<[m: 64, n: 128], f32>, !tile.view<[m: 64, k: 128], f8E4M3FN>, !tile.view<[n: 128], f8E4M3FN> -> !tile.tile<[m: 64, n: 128], f32>
  return
}

// -----

func.func @f(%acc: !tile.tile<[m: 64, n: 128], f32>, %a: !tile.view<[m: 64, k: 128], f8E4M3FN>, %b: !tile.view<[n: 128, k: 128], bf16>) {
  // expected-error @+1 {{cannot contract 'f8E4M3FN' with 'bf16'}}
  %r = fp8.promote %acc, %a, %b : !tile.tile<[m: 64, n: 128], f32>, !tile.view<[m: 64, k: 128], f8E4M3FN>, !tile.view<[n: 128, k: 128], bf16> -> !tile.tile<[m: 64, n: 128], f32>
  return
}

// -----

func.func @f(%acc: !tile.tile<[m: 32, n: 128], f32>, %a: !tile.view<[m: 64, k: 128], f8E4M3FN>, %b: !tile.view<[n: 128, k: 128], f8E4M3FN>) {
  // expected-error @+1 {{free axis 'm' of extent 64 is not an axis of the accumulator '!tile.tile<[m: 32, n: 128], f32>'}}
  %r = fp8.promote %acc, %a, %b : !tile.tile<[m: 32, n: 128], f32>, !tile.view<[m: 64, k: 128], f8E4M3FN>, !tile.view<[n: 128, k: 128], f8E4M3FN> -> !tile.tile<[m: 32, n: 128], f32>
  return
}

// -----

func.func @f(%acc: !tile.tile<[m: 64, n: 128, z: 2], f32>, %a: !tile.view<[m: 64, k: 128], f8E4M3FN>, %b: !tile.view<[n: 128, k: 128], f8E4M3FN>) {
  // expected-error @+1 {{accumulator has axes that no operand has free}}
  %r = fp8.promote %acc, %a, %b : !tile.tile<[m: 64, n: 128, z: 2], f32>, !tile.view<[m: 64, k: 128], f8E4M3FN>, !tile.view<[n: 128, k: 128], f8E4M3FN> -> !tile.tile<[m: 64, n: 128, z: 2], f32>
  return
}

// -----

func.func @f(%acc: !tile.tile<[m: 64, n: 128], f32>, %a: !tile.view<[m: 64, k: 128], f8E4M3FN>, %b: !tile.view<[n: 128, k: 128], f8E4M3FN>, %s: !tile.tile<[m: 64], bf16>) {
  // expected-error @+1 {{scale is a '!tile.tile<[m: 64], bf16>'; scales are multiplied in f32}}
  %r = fp8.promote %acc, %a, %b scales(%s : !tile.tile<[m: 64], bf16>) : !tile.tile<[m: 64, n: 128], f32>, !tile.view<[m: 64, k: 128], f8E4M3FN>, !tile.view<[n: 128, k: 128], f8E4M3FN> -> !tile.tile<[m: 64, n: 128], f32>
  return
}

// -----

func.func @f(%acc: !tile.tile<[m: 64, n: 128], f32>, %a: !tile.view<[m: 64, k: 128], f8E4M3FN>, %b: !tile.view<[n: 128, k: 128], f8E4M3FN>, %s: !tile.tile<[m: 32], f32>) {
  // expected-error @+1 {{scale axis 'm' of extent 32 is not an axis of the accumulator}}
  %r = fp8.promote %acc, %a, %b scales(%s : !tile.tile<[m: 32], f32>) : !tile.tile<[m: 64, n: 128], f32>, !tile.view<[m: 64, k: 128], f8E4M3FN>, !tile.view<[n: 128, k: 128], f8E4M3FN> -> !tile.tile<[m: 64, n: 128], f32>
  return
}

// -----

func.func @f(%acc: !tile.tile<[m: 64, n: 128], f32>, %a: !tile.view<[m: 64, k: 128], f8E4M3FN>, %b: !tile.view<[n: 128, k: 128], f8E4M3FN>, %s: !tile.tile<[k: 128], f32>) {
  // expected-error @+1 {{scale axis 'k' of extent 128 is not an axis of the accumulator}}
  %r = fp8.promote %acc, %a, %b scales(%s : !tile.tile<[k: 128], f32>) : !tile.tile<[m: 64, n: 128], f32>, !tile.view<[m: 64, k: 128], f8E4M3FN>, !tile.view<[n: 128, k: 128], f8E4M3FN> -> !tile.tile<[m: 64, n: 128], f32>
  return
}

// -----

func.func @f(%acc: !tile.tile<[m: 64, n: 128], f32>, %a: !tile.view<[m: 64, k: 128], f8E4M3FN>, %b: !tile.view<[n: 128, k: 128], f8E4M3FN>, %s: bf16) {
  // expected-error @+1 {{operand #3 must be variadic of A tile in registers, with named axes or 32-bit float, but got 'bf16'}}
  %r = fp8.promote %acc, %a, %b scales(%s : bf16) : !tile.tile<[m: 64, n: 128], f32>, !tile.view<[m: 64, k: 128], f8E4M3FN>, !tile.view<[n: 128, k: 128], f8E4M3FN> -> !tile.tile<[m: 64, n: 128], f32>
  return
}
