// RUN: tilewright-opt %s -split-input-file -verify-diagnostics

//===----------------------------------------------------------------------===//
// Descriptors
//===----------------------------------------------------------------------===//

// expected-error @+1 {{a tensor map has 1 to 5 dimensions, not 6}}
func.func private @f(!tma.desc<box = [16, 1, 1, 1, 1, 1], swizzle = 0, i8>)

// -----

// expected-error @+1 {{box extent 257 is not in 1..256}}
func.func private @f(!tma.desc<box = [16, 257], swizzle = 0, i8>)

// -----

// expected-error @+1 {{box extent 0 is not in 1..256}}
func.func private @f(!tma.desc<box = [0], swizzle = 0, i8>)

// -----

// expected-error @+1 {{swizzle of 256 bytes; the hardware has 0, 32, 64 and 128}}
func.func private @f(!tma.desc<box = [16], swizzle = 256, i8>)

// -----

// expected-error @+1 {{'index' is not an element type that memory holds}}
func.func private @f(!tma.desc<box = [16], swizzle = 0, index>)

// -----

// expected-error @+1 {{inner box of 128 bytes exceeds the swizzle span of 64}}
func.func private @f(!tma.desc<box = [128], swizzle = 64, i8>)

// -----

// expected-error @+1 {{inner box of 8 bytes is not a multiple of 16}}
func.func private @f(!tma.desc<box = [8], swizzle = 0, i8>)

// -----

func.func @f(%A: !tile.tensor<2, i8>) {
  // expected-error @+1 {{lists 1 dimensions for a box of rank 2}}
  %d = tma.descriptor %A dims [1] : !tile.tensor<2, i8> -> !tma.desc<box = [16, 8], swizzle = 0, i8>
  return
}

// -----

func.func @f(%A: !tile.tensor<2, i8>) {
  // expected-error @+1 {{dimension 2 of a tensor of rank 2}}
  %d = tma.descriptor %A dims [2, 0] : !tile.tensor<2, i8> -> !tma.desc<box = [16, 8], swizzle = 0, i8>
  return
}

// -----

func.func @f(%A: !tile.tensor<2, i8>) {
  // expected-error @+1 {{dimension -1 of a tensor of rank 2}}
  %d = tma.descriptor %A dims [-1, 0] : !tile.tensor<2, i8> -> !tma.desc<box = [16, 8], swizzle = 0, i8>
  return
}

// -----

func.func @f(%A: !tile.tensor<2, i8>) {
  // expected-error @+1 {{lists dimension 1 twice}}
  %d = tma.descriptor %A dims [1, 1] : !tile.tensor<2, i8> -> !tma.desc<box = [16, 8], swizzle = 0, i8>
  return
}

// -----

func.func @f(%A: !tile.tensor<1, f32>) {
  // expected-error @+1 {{describes elements of 'f32' as 'bf16'; the engine converts nothing but f32 to tf32}}
  %d = tma.descriptor %A dims [0] : !tile.tensor<1, f32> -> !tma.desc<box = [16], swizzle = 0, bf16>
  return
}

// -----

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 64], i8>]
func.func @f(%d: !tma.desc<box = [64], swizzle = 0, i8>, %s: !pipe.slot<@r>, %i: index) {
  %a = pipe.field %s["a"] : !pipe.slot<@r> -> !tile.view<[m: 64], i8>
  // expected-error @+1 {{has 2 coordinates for a box of rank 1}}
  tma.load %d[%i, %i] to %a arrive %s : !tma.desc<box = [64], swizzle = 0, i8>, !tile.view<[m: 64], i8>, !pipe.slot<@r>
  return
}

// -----

pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 64], f8E4M3FN>]
func.func @f(%d: !tma.desc<box = [64], swizzle = 0, i8>, %s: !pipe.slot<@r>, %i: index) {
  %a = pipe.field %s["a"] : !pipe.slot<@r> -> !tile.view<[m: 64], f8E4M3FN>
  // expected-error @+1 {{moves elements of 'i8' but the view holds 'f8E4M3FN'}}
  tma.load %d[%i] to %a arrive %s : !tma.desc<box = [64], swizzle = 0, i8>, !tile.view<[m: 64], f8E4M3FN>, !pipe.slot<@r>
  return
}

// -----

pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 256], i8>]
func.func @f(%d: !tma.desc<box = [64], swizzle = 0, i8>, %s: !pipe.slot<@r>, %i: index) {
  %a = pipe.field %s["a"] : !pipe.slot<@r> -> !tile.view<[m: 256], i8>
  // expected-error @+1 {{byte offset 64 is not a multiple of 128}}
  tma.load %d[%i] to %a plus 64 arrive %s : !tma.desc<box = [64], swizzle = 0, i8>, !tile.view<[m: 256], i8>, !pipe.slot<@r>
  return
}

// -----

pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 256], i8>]
func.func @f(%d: !tma.desc<box = [64], swizzle = 0, i8>, %s: !pipe.slot<@r>, %i: index) {
  %a = pipe.field %s["a"] : !pipe.slot<@r> -> !tile.view<[m: 256], i8>
  // expected-error @+1 {{byte offset -128 is not a multiple of 128}}
  tma.load %d[%i] to %a plus -128 arrive %s : !tma.desc<box = [64], swizzle = 0, i8>, !tile.view<[m: 256], i8>, !pipe.slot<@r>
  return
}

// -----

// A box may be part of a view, and may not reach beyond it.
pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 256], i8>]
func.func @f(%d: !tma.desc<box = [64], swizzle = 0, i8>, %s: !pipe.slot<@r>, %i: index) {
  %a = pipe.field %s["a"] : !pipe.slot<@r> -> !tile.view<[m: 256], i8>
  tma.load %d[%i] to %a plus 128 arrive %s : !tma.desc<box = [64], swizzle = 0, i8>, !tile.view<[m: 256], i8>, !pipe.slot<@r>
  // expected-error @+1 {{box of 64 bytes at byte 256 does not fit in a view of 256}}
  tma.load %d[%i] to %a plus 256 arrive %s : !tma.desc<box = [64], swizzle = 0, i8>, !tile.view<[m: 256], i8>, !pipe.slot<@r>
  return
}

// -----

// tf32 occupies four bytes.
pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 8], tf32>]
func.func @f(%d: !tma.desc<box = [16], swizzle = 0, tf32>, %s: !pipe.slot<@r>, %i: index) {
  %a = pipe.field %s["a"] : !pipe.slot<@r> -> !tile.view<[m: 8], tf32>
  // expected-error @+1 {{box of 64 bytes at byte 0 does not fit in a view of 32}}
  tma.load %d[%i] to %a arrive %s : !tma.desc<box = [16], swizzle = 0, tf32>, !tile.view<[m: 8], tf32>, !pipe.slot<@r>
  return
}

// -----

pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 64], i8>]
func.func @f(%d: !tma.desc<box = [64], swizzle = 0, i8>, %i: index) {
  %s = pipe.acquire_put @r : !pipe.slot<@r>
  %t = pipe.acquire_put @r : !pipe.slot<@r>
  %a = pipe.field %s["a"] : !pipe.slot<@r> -> !tile.view<[m: 64], i8>
  // expected-error @+1 {{fills a view of another slot than the one that its bytes arrive at}}
  tma.load %d[%i] to %a arrive %t : !tma.desc<box = [64], swizzle = 0, i8>, !tile.view<[m: 64], i8>, !pipe.slot<@r>
  return
}

// -----

pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 64], i8>]
pipe.ring @q depth(0) fields ["a"] [!tile.view<[m: 64], i8>]
func.func @f(%d: !tma.desc<box = [64], swizzle = 0, i8>, %s: !pipe.slot<@r>, %t: !pipe.slot<@q>, %i: index) {
  %a = pipe.field %s["a"] : !pipe.slot<@r> -> !tile.view<[m: 64], i8>
  %p = tile.slice %a["m" : %i] : !tile.view<[m: 64], i8> -> !tile.view<[m: 64], i8>
  // expected-error @+1 {{fills a view of another slot than the one that its bytes arrive at}}
  tma.load %d[%i] to %p arrive %t : !tma.desc<box = [64], swizzle = 0, i8>, !tile.view<[m: 64], i8>, !pipe.slot<@q>
  return
}

// -----

func.func @f(%d: !tma.desc<box = [64], swizzle = 0, i8>, %a: !tile.view<[m: 64], i8>, %s: !pipe.slot<@r>, %i: index) {
  // expected-error @+1 {{names no ring @r}}
  tma.load %d[%i] to %a arrive %s : !tma.desc<box = [64], swizzle = 0, i8>, !tile.view<[m: 64], i8>, !pipe.slot<@r>
  return
}

// -----

pipe.ring @r depth(1) fields ["a"] [!tile.view<[m: 64], i8>] consumer copy_engine
func.func @f(%d: !tma.desc<box = [64], swizzle = 0, i8>, %a: !tile.view<[m: 64], i8>, %s: !pipe.slot<@r>, %i: index) {
  // expected-error @+1 {{fills a slot of @r, which the copy engine empties and only stores fill}}
  tma.load %d[%i] to %a arrive %s : !tma.desc<box = [64], swizzle = 0, i8>, !tile.view<[m: 64], i8>, !pipe.slot<@r>
  return
}

// -----

func.func @f(%d: !tma.desc<box = [64], swizzle = 0, i8>, %a: !tile.view<[m: 64], i8>) {
  // expected-error @+1 {{has 0 coordinates for a box of rank 1}}
  tma.store %a to %d[] : !tile.view<[m: 64], i8>, !tma.desc<box = [64], swizzle = 0, i8>
  return
}

// -----

func.func @f(%d: !tma.desc<box = [64], swizzle = 0, i8>, %a: !tile.view<[m: 32], i8>, %i: index) {
  // expected-error @+1 {{box of 64 bytes at byte 0 does not fit in a view of 32}}
  tma.store %a to %d[%i] : !tile.view<[m: 32], i8>, !tma.desc<box = [64], swizzle = 0, i8>
  return
}

// -----

func.func @f(%d: !tma.desc<box = [64], swizzle = 0, f32>, %a: !tile.view<[m: 64], tf32>, %i: index) {
  // expected-error @+1 {{moves elements of 'f32' but the view holds 'tf32'}}
  tma.store %a to %d[%i] : !tile.view<[m: 64], tf32>, !tma.desc<box = [64], swizzle = 0, f32>
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{waits for -1 pending groups}}
  tma.wait_group -1
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{'tma.elect' op region #0 ('body') failed to verify constraint: region with 1 blocks}}
  "tma.elect"() ({}) : () -> ()
  return
}

// -----

pipe.ring @r depth(2) fields ["a"] [!tile.view<[m: 64], i8>] {multicast = 2 : i64}
func.func @f(%d: !tma.desc<box = [64], swizzle = 0, i8>, %a: !tile.view<[m: 64], i8>, %s: !pipe.slot<@r>, %i: index) {
  // expected-error @+1 {{is multicast to 4 CTAs, ring @r to 2}}
  tma.load %d[%i] to %a arrive %s multicast 4 : !tma.desc<box = [64], swizzle = 0, i8>, !tile.view<[m: 64], i8>, !pipe.slot<@r>
  return
}
