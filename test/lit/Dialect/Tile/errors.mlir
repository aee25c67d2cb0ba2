// RUN: tilewright-opt %s -split-input-file -verify-diagnostics -allow-unregistered-dialect

//===----------------------------------------------------------------------===//
// Types and attributes
//===----------------------------------------------------------------------===//

// expected-error @+1 {{axis 'm' appears twice}}
func.func private @f(!tile.tile<[m: 64, m: 64], f32>)

// -----

// expected-error @+1 {{axis 'm' has extent 0; extents are positive}}
func.func private @f(!tile.tile<[m: 0], f32>)

// -----

// expected-error @+1 {{axis 'k' has extent -1; extents are positive}}
func.func private @f(!tile.view<[k: -1], f32>)

// -----

// expected-error @+1 {{axis without a name}}
func.func private @f(!tile.tile<["": 4], f32>)

// -----

// expected-error @+1 {{has more than 2^32 elements}}
func.func private @f(!tile.tile<[m: 9223372036854775807, n: 2], f32>)

// -----

// expected-error @+1 {{integer value too large}}
func.func private @f(!tile.tile<[m: 9223372036854775808], f32>)

// -----

// expected-error @+1 {{'none' is not an element type of tiles}}
func.func private @f(!tile.tile<[m: 4], none>)

// -----

// expected-error @+1 {{'!tile.tile<[m: 4], f32>' is not an element type of tiles}}
func.func private @f(!tile.tile<[m: 4], !tile.tile<[m: 4], f32>>)

// -----

// expected-error @+1 {{'f6E2M3FN' is not an element type that memory holds}}
func.func private @f(!tile.view<[m: 4], f6E2M3FN>)

// -----

// expected-error @+1 {{'index' is not an element type that memory holds}}
func.func private @f(!tile.tensor<2, index>)

// -----

// expected-error @+1 {{tensor of rank 0; at least 1 is needed}}
func.func private @f(!tile.tensor<0, f32>)

// -----

// expected-error @+1 {{iterator of rank -1; at least 1 is needed}}
func.func private @f(!tile.iter<-1>)

// -----

// expected-error @+1 {{layout does not cover axis 'n'}}
func.func private @f(!tile.tile<[m: 4, n: 2], f32, #tile.fragment<threads = [4], regs = [], axes = ["m"], strides = [1]>>)

// -----

// expected-error @+1 {{layout covers 4 of the 8 elements of axis 'm'}}
func.func private @f(!tile.tile<[m: 8], f32, #tile.fragment<threads = [4], regs = [], axes = ["m"], strides = [1]>>)

// -----

// expected-error @+1 {{expects 4 strides (2 axes, 2 digits) but has 3}}
"test"() {a = #tile.fragment<threads = [4], regs = [2], axes = ["m", "n"], strides = [1, 0, 0]>} : () -> ()

// -----

// expected-error @+1 {{digit of radix 0 is not positive}}
"test"() {a = #tile.fragment<threads = [0], regs = [], axes = ["m"], strides = [1]>} : () -> ()

// -----

// expected-error @+1 {{has more than 2^32 threads or registers}}
"test"() {a = #tile.fragment<threads = [9223372036854775807, 2], regs = [], axes = [], strides = []>} : () -> ()

// -----

// expected-error @+1 {{axis 'm' appears twice}}
"test"() {a = #tile.fragment<threads = [4], regs = [], axes = ["m", "m"], strides = [1, 1]>} : () -> ()

// -----

// expected-error @+1 {{axis without a name}}
"test"() {a = #tile.fragment<threads = [4], regs = [], axes = [""], strides = [1]>} : () -> ()

// -----

// expected-error @+1 {{stride -1 of axis 'm' is negative}}
"test"() {a = #tile.fragment<threads = [4], regs = [], axes = ["m"], strides = [-1]>} : () -> ()

// -----

// expected-error @+1 {{coordinates of axis 'm' exceed 2^32}}
"test"() {a = #tile.fragment<threads = [4], regs = [2], axes = ["m"], strides = [1, 9223372036854775807]>} : () -> ()

// -----

// expected-error @+1 {{swizzle of 16 bytes; the hardware has 0, 32, 64 and 128}}
"test"() {a = #tile.shared<["m"], swizzle = 16>} : () -> ()

// -----

// expected-error @+1 {{axis 'm' appears twice}}
"test"() {a = #tile.shared<["m", "m"], swizzle = 0>} : () -> ()

// -----

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

// expected-error @+1 {{has no body}}
"tile.kernel"() <{function_type = () -> (), sym_name = "k", target = "sm_90a"}> ({}) : () -> ()

// -----

// expected-error @+1 {{returns values; a kernel stores its results}}
"tile.kernel"() <{function_type = () -> f32, sym_name = "k", target = "sm_90a"}> ({
^bb0:
}) : () -> ()

// -----

// expected-error @+1 {{entry block must have 1 arguments to match function signature}}
"tile.kernel"() <{function_type = (index) -> (), sym_name = "k", target = "sm_90a"}> ({
^bb0:
}) : () -> ()

// -----

// expected-error @+1 {{expects argument attribute array to have the same number of elements as the number of function arguments, got 2, but expected 1}}
"tile.kernel"() <{function_type = (index) -> (), sym_name = "k", target = "sm_90a", arg_attrs = [{}, {}]}> ({
^bb0(%a: index):
}) : () -> ()

// -----

// expected-error @+1 {{argument 0 lacks a 'tile.name'}}
tile.kernel @k(%M: index) target "sm_90a" {}

// -----

// expected-error @+1 {{has two arguments named "M"}}
tile.kernel @k(%M: index {tile.name = "M"}, %N: index {tile.name = "M"}) target "sm_90a" {}

// -----

// expected-error @+1 {{argument 'x' is neither a tensor nor an index}}
tile.kernel @k(%x: f32 {tile.name = "x"}) target "sm_90a" {}

// -----

// expected-error @+1 {{tensor argument 'A' comes after a scalar}}
tile.kernel @k(%M: index {tile.name = "M"}, %A: !tile.tensor<1, f32> {tile.name = "A", tile.mode = "in", tile.major = 0 : i64, tile.shape = ["M"]}) target "sm_90a" {}

// -----

// expected-error @+1 {{tensor 'A' of rank 2 needs a 'tile.shape' of as many expressions}}
tile.kernel @k(%A: !tile.tensor<2, f32> {tile.name = "A", tile.mode = "in", tile.major = 0 : i64, tile.shape = ["M"]}) target "sm_90a" {}

// -----

// expected-error @+1 {{shape of tensor 'A' has the unknown operator "xor" in an expression}}
tile.kernel @k(%A: !tile.tensor<1, f32> {tile.name = "A", tile.mode = "in", tile.major = 0 : i64, tile.shape = [["xor", "M", 1]]}) target "sm_90a" {}

// -----

// expected-error @+1 {{shape of tensor 'A' operator "cdiv" takes 2 operands, not 1}}
tile.kernel @k(%A: !tile.tensor<1, f32> {tile.name = "A", tile.mode = "in", tile.major = 0 : i64, tile.shape = [["mul", 2, ["cdiv", "M"]]]}) target "sm_90a" {}

// -----

// expected-error @+1 {{shape of tensor 'A' operator "not" takes 1 operands, not 2}}
tile.kernel @k(%A: !tile.tensor<1, f32> {tile.name = "A", tile.mode = "in", tile.major = 0 : i64, tile.shape = [["not", "M", 1]]}) target "sm_90a" {}

// -----

// expected-error @+1 {{shape of tensor 'A' [] is no expression: an integer, a name or [op, a, b]}}
tile.kernel @k(%A: !tile.tensor<1, f32> {tile.name = "A", tile.mode = "in", tile.major = 0 : i64, tile.shape = [[]]}) target "sm_90a" {}

// -----

// expected-error @+1 {{shape of tensor 'A' f32 is no expression}}
tile.kernel @k(%A: !tile.tensor<1, f32> {tile.name = "A", tile.mode = "in", tile.major = 0 : i64, tile.shape = [f32]}) target "sm_90a" {}

// -----

// expected-error @+1 {{shape of tensor 'A' has an empty name in an expression}}
tile.kernel @k(%A: !tile.tensor<1, f32> {tile.name = "A", tile.mode = "in", tile.major = 0 : i64, tile.shape = [""]}) target "sm_90a" {}

// -----

// expected-error @+1 {{shape of tensor 'A' has the integer 3 : i8 in an expression; i64 is expected}}
tile.kernel @k(%A: !tile.tensor<1, f32> {tile.name = "A", tile.mode = "in", tile.major = 0 : i64, tile.shape = [3 : i8]}) target "sm_90a" {}

// -----

// expected-error @+1 {{tensor 'A' needs a 'tile.major' below its rank}}
tile.kernel @k(%A: !tile.tensor<1, f32> {tile.name = "A", tile.mode = "in", tile.major = 1 : i64, tile.shape = ["M"]}) target "sm_90a" {}

// -----

// expected-error @+1 {{tensor 'A' needs a 'tile.major' below its rank}}
tile.kernel @k(%A: !tile.tensor<1, f32> {tile.name = "A", tile.mode = "in", tile.major = 0 : ui64, tile.shape = ["M"]}) target "sm_90a" {}

// -----

// expected-error @+1 {{tensor 'A' needs a 'tile.mode': in, out or inout}}
tile.kernel @k(%A: !tile.tensor<1, f32> {tile.name = "A", tile.mode = "const", tile.major = 0 : i64, tile.shape = ["M"]}) target "sm_90a" {}

// -----

// expected-error @+1 {{'requires' is not a list}}
tile.kernel @k() target "sm_90a" attributes {requires = 1 : i64} {}

// -----

// expected-error @+1 {{requirement {expr = 1 : i64} needs an 'expr' and a 'text'}}
tile.kernel @k() target "sm_90a" attributes {requires = [{expr = 1 : i64}]} {}

// -----

// expected-error @+1 {{requirement has the unknown operator "is" in an expression}}
tile.kernel @k() target "sm_90a" attributes {requires = [{expr = ["is", 1, 2], text = "?"}]} {}

// -----

tile.kernel @k() target "sm_90a" {
  // expected-note @+1 {{the first is here}}
  tile.role "math" warps(1) {}
  // expected-error @+1 {{is the second role named "math"}}
  tile.role "math" warps(1) {}
}

// -----

//===----------------------------------------------------------------------===//
// Roles and iterators
//===----------------------------------------------------------------------===//

// expected-error @+1 {{'tile.role' op expects parent op 'tile.kernel'}}
tile.role "load" warps(1) {}

// -----

tile.kernel @k() target "sm_90a" {
  tile.role "outer" warps(1) {
    // expected-error @+1 {{'tile.role' op expects parent op 'tile.kernel'}}
    tile.role "inner" warps(1) {}
  }
}

// -----

tile.kernel @k() target "sm_90a" {
  // expected-error @+1 {{expected 'warps'}}
  tile.role "load" threads(1) {}
}

// -----

tile.kernel @k() target "sm_90a" {
  // expected-error @+1 {{has 0 warps or groups}}
  tile.role "load" warps(0) {}
}

// -----

tile.kernel @k() target "sm_90a" {
  // expected-error @+1 {{has 9 groups; a CTA has at most 32 warps, 4 a group}}
  tile.role "math" groups(9) {}
}

// -----

tile.kernel @k() target "sm_90a" {
  // expected-error @+1 {{has 4611686018427387904 groups; a CTA has at most 32 warps, 4 a group}}
  tile.role "math" groups(4611686018427387904) {}
}

// -----

tile.kernel @k() target "sm_90a" {
  // expected-error @+1 {{has 33 warps; a CTA has at most 32 warps, 4 a group}}
  tile.role "load" warps(33) {}
}

// -----

tile.kernel @k() target "sm_90a" {
  // expected-error @+1 {{splits axis 'm' but only groups can split}}
  tile.role "load" warps(1) split("m") {}
}

// -----

tile.kernel @k() target "sm_90a" {
  // expected-error @+1 {{asks for 25 registers; setmaxnreg takes multiples of 8 from 24 to 256}}
  tile.role "load" warps(1) regs(25) {}
}

// -----

tile.kernel @k() target "sm_90a" {
  // expected-error @+1 {{asks for -8 registers}}
  tile.role "load" warps(1) regs(-8) {}
}

// -----

tile.kernel @k() target "sm_90a" {
  // expected-error @+1 {{is planned with 264 registers}}
  tile.role "load" warps(1) planned 264 {}
}

// -----

tile.kernel @k() target "sm_90a" {
  // expected-error @+1 {{begins at warp -1 and has 1 warps; a CTA has at most 32}}
  tile.role "load" warps(1) at -1 {}
}

// -----

tile.kernel @k() target "sm_90a" {
  // expected-error @+1 {{begins at warp 28 and has 8 warps; a CTA has at most 32}}
  tile.role "math" groups(2) at 28 {}
}

// -----

tile.kernel @k() target "sm_90a" {
  // expected-error @+1 {{begins at warp 2; a warpgroup begins at a multiple of 4}}
  tile.role "math" groups(1) at 2 {}
}

// -----

func.func @f(%n: index) {
  // expected-error @+1 {{'tile.tiles' op expects parent op 'tile.kernel'}}
  %t = tile.tiles "t"(%n) : !tile.iter<1>
  return
}

// -----

tile.kernel @k(%n: index {tile.name = "N"}) target "sm_90a" {
  // expected-error @+1 {{has 1 extents for an iterator of rank 2}}
  %t = tile.tiles "t"(%n) : !tile.iter<2>
}

// -----

tile.kernel @k(%n: index {tile.name = "N"}) target "sm_90a" {
  // expected-error @+1 {{result #0 must be An iterator over tiles; every role replays it, but got 'f32'}}
  %t = tile.tiles "t"(%n) : f32
}

// -----

tile.kernel @k(%n: index {tile.name = "N"}) target "sm_90a" {
  // expected-error @+1 {{raster or cluster dimension is not below rank 1}}
  %t = tile.tiles "t"(%n) raster 8 over 1 : !tile.iter<1>
}

// -----

tile.kernel @k(%n: index {tile.name = "N"}) target "sm_90a" {
  // expected-error @+1 {{raster or cluster dimension is not below rank 1}}
  %t = tile.tiles "t"(%n) cluster 2 over -1 : !tile.iter<1>
}

// -----

tile.kernel @k(%n: index {tile.name = "N"}) target "sm_90a" {
  // expected-error @+1 {{raster group and cluster size are at least 1}}
  %t = tile.tiles "t"(%n) raster -8 over 0 : !tile.iter<1>
}

// -----

tile.kernel @k(%n: index {tile.name = "N"}) target "sm_90a" {
  // expected-error @+1 {{raster group and cluster size are at least 1}}
  %t = tile.tiles "t"(%n) cluster 0 over 0 : !tile.iter<1>
}

// -----

tile.kernel @k(%n: index {tile.name = "N"}) target "sm_90a" {
  // expected-error @+1 {{cluster of 32 CTAs; at most 16 exist}}
  %t = tile.tiles "t"(%n) raster 32 over 0 cluster 32 over 0 : !tile.iter<1>
}

// -----

tile.kernel @k(%n: index {tile.name = "N"}) target "sm_90a" {
  // expected-error @+1 {{raster group 3 is not a multiple of the cluster size 2}}
  %t = tile.tiles "t"(%n) raster 3 over 0 cluster 2 over 0 : !tile.iter<1>
}

// -----

//===----------------------------------------------------------------------===//
// for_each
//===----------------------------------------------------------------------===//

func.func @f(%t: !tile.iter<2>) {
  // expected-error @+1 {{body has 1 arguments; expected 2 indices and 0 carried values}}
  tile.for_each %t as (%i) : !tile.iter<2> {
  }
  return
}

// -----

func.func @f(%t: !tile.iter<1>, %x: f32) {
  // expected-error @+1 {{number of operands and types do not match: got 1 operands and 2 types}}
  %r:2 = tile.for_each %t as (%i) iter_args(%a = %x) -> (f32, f32) : !tile.iter<1> {
    tile.yield %a : f32
  }
  return
}

// -----

// expected-note @+1 {{prior use here}}
func.func @f(%t: f32) {
  // expected-error @+1 {{use of value '%t' expects different type than prior uses: '!tile.iter<1>' vs 'f32'}}
  tile.for_each %t as (%i) : !tile.iter<1> {
  }
  return
}

// -----

func.func @f(%t: f32) {
  // expected-error @+1 {{operand #0 must be An iterator over tiles; every role replays it, but got 'f32'}}
  tile.for_each %t as (%i) : f32 {
  }
  return
}

// -----

func.func @f(%t: !tile.iter<1>) {
  // expected-error @+1 {{index 0 is a 'i32', not an index}}
  "tile.for_each"(%t) ({
  ^bb0(%i: i32):
    tile.yield
  }) : (!tile.iter<1>) -> ()
  return
}

// -----

func.func @f(%t: !tile.iter<1>, %x: f32) {
  // expected-error @+1 {{carried values, arguments and results differ in type}}
  %r = "tile.for_each"(%t, %x) ({
  ^bb0(%i: index, %a: i32):
    tile.yield %a : i32
  }) : (!tile.iter<1>, f32) -> f32
  return
}

// -----

func.func @f(%t: !tile.iter<1>, %x: f32) {
  // expected-error @+1 {{carried values, arguments and results differ in type}}
  "tile.for_each"(%t, %x) ({
  ^bb0(%i: index, %a: f32):
    tile.yield %a : f32
  }) : (!tile.iter<1>, f32) -> ()
  return
}

// -----

func.func @f(%t: !tile.iter<1>, %x: f32) {
  // expected-error @+1 {{0-th region iter_arg and 0-th yielded value have different type: 'f32' != 'index'}}
  %r = tile.for_each %t as (%i) iter_args(%a = %x) -> (f32) : !tile.iter<1> {
    tile.yield %i : index
  }
  return
}

// -----

func.func @f(%t: !tile.iter<1>) {
  // expected-error @+1 {{'tile.for_each' op region #0 ('body') failed to verify constraint: region with 1 blocks}}
  "tile.for_each"(%t) ({}) : (!tile.iter<1>) -> ()
  return
}

// -----

func.func @f(%t: !tile.iter<1>) {
  // expected-error @+1 {{expects a non-empty block}}
  "tile.for_each"(%t) ({
  ^bb0(%i: index):
  }) : (!tile.iter<1>) -> ()
  return
}

// -----

func.func @f(%t: !tile.iter<1>) {
  // expected-error @+2 {{expects regions to end with 'tile.yield', found 'llvm.unreachable'}}
  // expected-note @+1 {{in custom textual format, the absence of terminator implies 'tile.yield'}}
  "tile.for_each"(%t) ({
  ^bb0(%i: index):
    llvm.unreachable
  }) : (!tile.iter<1>) -> ()
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{'tile.yield' op expects parent op to be one of 'tile.for_each, tile.map'}}
  tile.yield
}

// -----

//===----------------------------------------------------------------------===//
// Accesses
//===----------------------------------------------------------------------===//

func.func @f(%A: !tile.tensor<2, f32>) {
  // expected-error @+1 {{dimension 2 of a tensor of rank 2}}
  %d = tile.dim %A, 2 : !tile.tensor<2, f32>
  return
}

// -----

func.func @f(%A: !tile.tensor<2, f32>) {
  // expected-error @+1 {{dimension -1 of a tensor of rank 2}}
  %d = tile.dim %A, -1 : !tile.tensor<2, f32>
  return
}

// -----

func.func @f(%A: !tile.tensor<1, f32>) {
  // expected-error @+1 {{element types 'f32' and 'bf16' differ}}
  %r = tile.read %A[affine_map<(m) -> (m)>]() : !tile.tensor<1, f32> -> !tile.tile<[m: 4], bf16>
  return
}

// -----

func.func @f(%A: !tile.tensor<1, f32>) {
  // expected-error @+1 {{subscript has 2 axes but the tile has 1}}
  %r = tile.read %A[affine_map<(m, n) -> (m)>]() : !tile.tensor<1, f32> -> !tile.tile<[m: 4], f32>
  return
}

// -----

func.func @f(%A: !tile.tensor<1, f32>) {
  // expected-error @+1 {{subscript has 1 symbols but 0 scalars are given}}
  %r = tile.read %A[affine_map<(m)[s] -> (m + s)>]() : !tile.tensor<1, f32> -> !tile.tile<[m: 4], f32>
  return
}

// -----

func.func @f(%A: !tile.tensor<1, f32>) {
  // expected-error @+1 {{subscript has 2 coordinates for a tensor of rank 1}}
  %r = tile.read %A[affine_map<(m) -> (m, m)>]() : !tile.tensor<1, f32> -> !tile.tile<[m: 4], f32>
  return
}

// -----

func.func @f(%A: !tile.tensor<1, f32>) {
  // expected-error @+1 {{subscript divides by a constant below 1}}
  %r = tile.read %A[affine_map<(m) -> (m + m floordiv 0)>]() : !tile.tensor<1, f32> -> !tile.tile<[m: 4], f32>
  return
}

// -----

func.func @f(%A: !tile.tensor<1, f32>, %v: !tile.view<[m: 4], bf16>) {
  // expected-error @+1 {{copies 'f32' to 'bf16'; a copy converts nothing but f32 to tf32}}
  tile.copy %A[affine_map<(m) -> (m)>]() to %v : !tile.tensor<1, f32>, !tile.view<[m: 4], bf16>
  return
}

// -----

func.func @f(%A: !tile.tensor<1, tf32>, %v: !tile.view<[m: 4], f32>) {
  // expected-error @+1 {{copies 'tf32' to 'f32'; a copy converts nothing but f32 to tf32}}
  tile.copy %A[affine_map<(m) -> (m)>]() to %v : !tile.tensor<1, tf32>, !tile.view<[m: 4], f32>
  return
}

// -----

func.func @f(%A: !tile.tensor<1, f32>, %v: !tile.view<[m: 4, n: 4], f32>) {
  // expected-error @+1 {{subscript has 1 axes but the tile has 2}}
  tile.copy %A[affine_map<(m) -> (m)>]() to %v : !tile.tensor<1, f32>, !tile.view<[m: 4, n: 4], f32>
  return
}

// -----

func.func @f(%A: !tile.tensor<1, f32>, %x: !tile.tile<[m: 4], bf16>) {
  // expected-error @+1 {{element types 'bf16' and 'f32' differ}}
  tile.store %x to %A[affine_map<(m) -> (m)>]() : !tile.tile<[m: 4], bf16>, !tile.tensor<1, f32>
  return
}

// -----

func.func @f(%A: !tile.tensor<2, f32>, %x: !tile.tile<[m: 4], f32>) {
  // expected-error @+1 {{subscript has 1 coordinates for a tensor of rank 2}}
  tile.store %x to %A[affine_map<(m) -> (m)>]() : !tile.tile<[m: 4], f32>, !tile.tensor<2, f32>
  return
}

// -----

func.func @f(%v: !tile.view<[m: 4, n: 4], f32>) {
  // expected-error @+1 {{tile has 1 axes, view has 2}}
  %x = tile.load %v : !tile.view<[m: 4, n: 4], f32> -> !tile.tile<[m: 4], f32>
  return
}

// -----

func.func @f(%v: !tile.view<[m: 4], f32>) {
  // expected-error @+1 {{axis 'm' has extent 8 in the tile but not in the view '!tile.view<[m: 4], f32>'}}
  %x = tile.load %v : !tile.view<[m: 4], f32> -> !tile.tile<[m: 8], f32>
  return
}

// -----

func.func @f(%v: !tile.view<[m: 4], f32>, %x: !tile.tile<[n: 4], f32>) {
  // expected-error @+1 {{axis 'n' has extent 4 in the tile but not in the view '!tile.view<[m: 4], f32>'}}
  tile.put %x to %v : !tile.tile<[n: 4], f32>, !tile.view<[m: 4], f32>
  return
}

// -----

func.func @f(%v: !tile.view<[m: 4], bf16>, %x: !tile.tile<[m: 4], f32>) {
  // expected-error @+1 {{element types 'f32' and 'bf16' differ}}
  tile.put %x to %v : !tile.tile<[m: 4], f32>, !tile.view<[m: 4], bf16>
  return
}

// -----

func.func @f(%t: !tile.tile<[m: 4], f32>) {
  // expected-error @+1 {{takes 2 from offset 3 of axis 'm', which has 4}}
  %s = tile.extract %t[3] : !tile.tile<[m: 4], f32> -> !tile.tile<[m: 2], f32>
  return
}

// -----

func.func @f(%t: !tile.tile<[m: 4], f32>) {
  // expected-error @+1 {{has 2 offsets for 1 axes}}
  %s = tile.extract %t[0, 0] : !tile.tile<[m: 4], f32> -> !tile.tile<[m: 2], f32>
  return
}

// -----

func.func @f(%t: !tile.tile<[m: 4], f32>) {
  // expected-error @+1 {{has axes of '!tile.tile<[m: 4], f32>' but gives '!tile.tile<[n: 2], f32>'}}
  %s = tile.extract %t[0] : !tile.tile<[m: 4], f32> -> !tile.tile<[n: 2], f32>
  return
}

// -----

func.func @f(%t: !tile.tile<[m: 4], f32>, %A: !tile.tensor<1, f32>) {
  // expected-error @+1 {{'chunk' names axis 'n', which '!tile.tile<[m: 4], f32>' lacks}}
  tile.store %t to %A[affine_map<(m) -> (m)>]() {chunk = {n = 4 : i64}} : !tile.tile<[m: 4], f32>, !tile.tensor<1, f32>
  return
}

// -----

func.func @f(%t: !tile.tile<[m: 4], f32>, %A: !tile.tensor<1, f32>) {
  // expected-error @+1 {{chunk of axis 'm' is not a positive number}}
  tile.store %t to %A[affine_map<(m) -> (m)>]() {chunk = {m = 0 : i64}} : !tile.tile<[m: 4], f32>, !tile.tensor<1, f32>
  return
}

// -----

func.func @f(%t: !tile.tile<[m: 4], f32>, %A: !tile.tensor<1, f32>) {
  // expected-error @+1 {{'buffers' is 0; at least 1 is needed}}
  tile.store %t to %A[affine_map<(m) -> (m)>]() {buffers = 0 : i64} : !tile.tile<[m: 4], f32>, !tile.tensor<1, f32>
  return
}

// -----

func.func @f(%v: !tile.view<[m: 4], f32>, %i: index) {
  // expected-error @+1 {{axis 'n' is not an axis of '!tile.view<[m: 4], f32>'}}
  %s = tile.slice %v["n" : %i] : !tile.view<[m: 4], f32> -> !tile.view<[m: 4], f32>
  return
}

// -----

func.func @f(%v: !tile.view<[m: 4], f32>, %i: index) {
  // expected-error @+1 {{axis 'm' grows from 4 to 8}}
  %s = tile.slice %v["m" : %i] : !tile.view<[m: 4], f32> -> !tile.view<[m: 8], f32>
  return
}

// -----

func.func @f(%v: !tile.view<[m: 4], f32>, %i: index) {
  // expected-error @+1 {{changes more than axis 'm'}}
  %s = tile.slice %v["m" : %i] : !tile.view<[m: 4], f32> -> !tile.view<[m: 2], bf16>
  return
}

// -----

func.func @f(%v: !tile.view<[m: 4], f32>) {
  %c3 = arith.constant 3 : index
  // expected-error @+1 {{takes 2 from offset 3 of axis 'm', which has 4}}
  %s = tile.slice %v["m" : %c3] : !tile.view<[m: 4], f32> -> !tile.view<[m: 2], f32>
  return
}

// -----

func.func @f(%v: !tile.view<[m: 4], f32>) {
  %c = arith.constant -1 : index
  // expected-error @+1 {{takes 2 from offset -1 of axis 'm', which has 4}}
  %s = tile.slice %v["m" : %c] : !tile.view<[m: 4], f32> -> !tile.view<[m: 2], f32>
  return
}

// -----

func.func @f(%v: !tile.view<[m: 4], f32>, %i: i32) {
  // expected-error @+1 {{operand #1 must be index, but got 'i32'}}
  %s = "tile.slice"(%v, %i) <{axis = "m"}> : (!tile.view<[m: 4], f32>, i32) -> !tile.view<[m: 2], f32>
  return
}

// -----

func.func @f(%A: !tile.tensor<2, f32>, %i: index) {
  // expected-error @+1 {{has 1 coordinates; expected 2}}
  %x = tile.load_element %A[%i] : !tile.tensor<2, f32> -> f32
  return
}

// -----

func.func @f(%A: !tile.tensor<1, f32>, %i: index) {
  // expected-error @+1 {{element types 'vector<4xf32>' and 'f32' differ}}
  %x = tile.load_element %A[%i] : !tile.tensor<1, f32> -> vector<4xf32>
  return
}

// -----

func.func @f(%A: !tile.tensor<1, f32>, %i: index, %x: bf16) {
  // expected-error @+1 {{element types 'bf16' and 'f32' differ}}
  tile.store_element %x to %A[%i] : bf16, !tile.tensor<1, f32>
  return
}

// -----

func.func @f(%v: !tile.view<[m: 4, n: 4], f32>, %i: index) {
  // expected-error @+1 {{has 3 coordinates; expected 2}}
  %x = tile.load_shared %v[%i, %i, %i] : !tile.view<[m: 4, n: 4], f32> -> f32
  return
}

// -----

func.func @f(%v: !tile.view<[m: 4], f32>, %x: f32) {
  // expected-error @+1 {{stores a 'f32', not a vector of registers}}
  tile.store_fragment %x to %v layout <threads = [4], regs = [], axes = ["m"], strides = [1]> : f32, !tile.view<[m: 4], f32>
  return
}

// -----

func.func @f(%v: !tile.view<[m: 4], f32>, %x: vector<[2]xf32>) {
  // expected-error @+1 {{not a vector of registers}}
  tile.store_fragment %x to %v layout <threads = [4], regs = [], axes = ["m"], strides = [1]> : vector<[2]xf32>, !tile.view<[m: 4], f32>
  return
}

// -----

func.func @f(%v: !tile.view<[m: 8], f32>, %x: vector<4xf32>) {
  // expected-error @+1 {{stores 4 registers in a layout of 2}}
  tile.store_fragment %x to %v layout <threads = [4], regs = [2], axes = ["m"], strides = [1, 4]> : vector<4xf32>, !tile.view<[m: 8], f32>
  return
}

// -----

func.func @f(%v: !tile.view<[m: 8, n: 2], f32>, %x: vector<2xf32>) {
  // expected-error @+1 {{layout does not cover axis 'n'}}
  tile.store_fragment %x to %v layout <threads = [4], regs = [2], axes = ["m"], strides = [1, 4]> : vector<2xf32>, !tile.view<[m: 8, n: 2], f32>
  return
}

// -----

func.func @f(%v: !tile.view<[m: 8], bf16>, %x: vector<2xf32>) {
  // expected-error @+1 {{element types 'f32' and 'bf16' differ}}
  tile.store_fragment %x to %v layout <threads = [4], regs = [2], axes = ["m"], strides = [1, 4]> : vector<2xf32>, !tile.view<[m: 8], bf16>
  return
}

// -----

//===----------------------------------------------------------------------===//
// Computation
//===----------------------------------------------------------------------===//

func.func @f(%x: bf16) {
  // expected-error @+1 {{element types 'bf16' and 'f32' differ}}
  %s = tile.splat %x : bf16 -> !tile.tile<[m: 4], f32>
  return
}

// -----

func.func @f(%x: f32) {
  // expected-error @+1 {{body takes 0 elements for 1 operands}}
  %s = tile.map(%x) : (f32) -> !tile.tile<[m: 4], f32> {
    %0 = arith.constant 0.0 : f32
    tile.yield %0 : f32
  }
  return
}

// -----

func.func @f(%x: !tile.tile<[n: 4], f32>) {
  // expected-error @+1 {{operand axis 'n' of extent 4 does not fit the result '!tile.tile<[m: 4], f32>'}}
  %s = tile.map(%x) : (!tile.tile<[n: 4], f32>) -> !tile.tile<[m: 4], f32> {
  ^bb0(%a: f32):
    tile.yield %a : f32
  }
  return
}

// -----

func.func @f(%x: vector<4xf32>) {
  // expected-error @+1 {{operand is a 'vector<4xf32>', neither a tile nor a scalar}}
  %s = tile.map(%x) : (vector<4xf32>) -> !tile.tile<[m: 4], f32> {
  ^bb0(%a: vector<4xf32>):
    %0 = arith.constant 0.0 : f32
    tile.yield %0 : f32
  }
  return
}

// -----

func.func @f(%x: !tile.tile<[m: 4], f32>) {
  // expected-error @+1 {{body takes 'bf16' where the operand's element is 'f32'}}
  %s = tile.map(%x) : (!tile.tile<[m: 4], f32>) -> !tile.tile<[m: 4], bf16> {
  ^bb0(%a: bf16):
    tile.yield %a : bf16
  }
  return
}

// -----

func.func @f(%x: !tile.tile<[m: 4], f32>) {
  // expected-error @+1 {{body must yield one 'bf16'}}
  %s = tile.map(%x) : (!tile.tile<[m: 4], f32>) -> !tile.tile<[m: 4], bf16> {
  ^bb0(%a: f32):
    tile.yield %a : f32
  }
  return
}

// -----

func.func @f(%x: !tile.tile<[m: 4], f32>) {
  // expected-error @+1 {{body must yield one 'f32'}}
  %s = tile.map(%x) : (!tile.tile<[m: 4], f32>) -> !tile.tile<[m: 4], f32> {
  ^bb0(%a: f32):
    tile.yield
  }
  return
}

// -----

func.func @f(%x: !tile.tile<[m: 4], f32>) {
  // expected-error @+1 {{expects a non-empty block}}
  %s = "tile.map"(%x) ({
  ^bb0(%a: f32):
  }) : (!tile.tile<[m: 4], f32>) -> !tile.tile<[m: 4], f32>
  return
}

// -----

func.func @f(%x: !tile.tile<[m: 4], f32>) {
  // expected-error @+1 {{body computes an element and has no other effect}}
  %s = tile.map(%x) : (!tile.tile<[m: 4], f32>) -> !tile.tile<[m: 4], f32> {
  ^bb0(%a: f32):
    // expected-note @+1 {{'pipe.proxy_fence' may have one}}
    pipe.proxy_fence
    tile.yield %a : f32
  }
  return
}

// -----

func.func @f(%a: !tile.view<[m: 4, k: 8], bf16>, %b: !tile.view<[n: 4, k: 16], bf16>) {
  // expected-error @+1 {{contracted axis 'k' has extents 8 and 16}}
  %c = tile.contract %a, %b : !tile.view<[m: 4, k: 8], bf16>, !tile.view<[n: 4, k: 16], bf16> -> !tile.tile<[m: 4, n: 4], f32>
  return
}

// -----

func.func @f(%a: !tile.view<[m: 4], bf16>, %b: !tile.view<[n: 4], bf16>) {
  // expected-error @+1 {{operands share no axis}}
  %c = tile.contract %a, %b : !tile.view<[m: 4], bf16>, !tile.view<[n: 4], bf16> -> !tile.tile<[m: 4, n: 4], f32>
  return
}

// -----

func.func @f(%a: !tile.view<[m: 4, k: 8], bf16>, %b: !tile.view<[n: 4, k: 8], f16>) {
  // expected-error @+1 {{cannot contract 'bf16' with 'f16'}}
  %c = tile.contract %a, %b : !tile.view<[m: 4, k: 8], bf16>, !tile.view<[n: 4, k: 8], f16> -> !tile.tile<[m: 4, n: 4], f32>
  return
}

// -----

func.func @f(%a: !tile.view<[m: 4, k: 8], bf16>, %b: !tile.view<[n: 4, k: 8], bf16>) {
  // expected-error @+1 {{free axis 'n' of extent 4 is not an axis of the result '!tile.tile<[m: 4, x: 4], f32>'}}
  %c = tile.contract %a, %b : !tile.view<[m: 4, k: 8], bf16>, !tile.view<[n: 4, k: 8], bf16> -> !tile.tile<[m: 4, x: 4], f32>
  return
}

// -----

func.func @f(%a: !tile.view<[m: 4, k: 8], bf16>, %b: !tile.view<[n: 4, k: 8], bf16>) {
  // expected-error @+1 {{result has axes that no operand has free}}
  %c = tile.contract %a, %b : !tile.view<[m: 4, k: 8], bf16>, !tile.view<[n: 4, k: 8], bf16> -> !tile.tile<[m: 4, n: 4, k: 8], f32>
  return
}

// -----

func.func @f(%a: !tile.view<[m: 4, k: 8], bf16>, %b: !tile.view<[n: 4, k: 8], bf16>, %acc: !tile.tile<[n: 4, m: 4], f32>) {
  // expected-error @+1 {{accumulator and result types differ}}
  %c = tile.contract %a, %b acc(%acc : !tile.tile<[n: 4, m: 4], f32>) : !tile.view<[m: 4, k: 8], bf16>, !tile.view<[n: 4, k: 8], bf16> -> !tile.tile<[m: 4, n: 4], f32>
  return
}

// -----

func.func @f(%x: !tile.tile<[m: 4, n: 2], f32>) {
  // expected-error @+1 {{reduces axis 'h' that the tile lacks}}
  %r = tile.reduce sum %x over ["h"] : !tile.tile<[m: 4, n: 2], f32> -> !tile.tile<[m: 4], f32>
  return
}

// -----

func.func @f(%x: !tile.tile<[m: 4, n: 2, p: 2], f32>) {
  // expected-error @+1 {{reduces axis 'n' twice}}
  %r = tile.reduce sum %x over ["n", "n"] : !tile.tile<[m: 4, n: 2, p: 2], f32> -> !tile.tile<[m: 4], f32>
  return
}

// -----

func.func @f(%x: !tile.tile<[m: 4, n: 2], f32>) {
  // expected-error @+1 {{keeps axis 'n' that it reduces}}
  %r = tile.reduce max %x over ["n"] : !tile.tile<[m: 4, n: 2], f32> -> !tile.tile<[n: 2], f32>
  return
}

// -----

func.func @f(%x: !tile.tile<[m: 4, n: 2], f32>) {
  // expected-error @+1 {{result must keep exactly the axes not reduced}}
  %r = tile.reduce min %x over ["n"] : !tile.tile<[m: 4, n: 2], f32> -> !tile.tile<[], f32>
  return
}

// -----

func.func @f(%x: !tile.tile<[m: 4, n: 2], f32>) {
  // expected-error @+1 {{result axis 'm' does not match the source}}
  %r = tile.reduce sum %x over ["n"] : !tile.tile<[m: 4, n: 2], f32> -> !tile.tile<[m: 8], f32>
  return
}

// -----

func.func @f(%x: !tile.tile<[m: 4, n: 2], bf16>) {
  // expected-error @+1 {{element types 'bf16' and 'f32' differ}}
  %r = tile.reduce sum %x over ["n"] : !tile.tile<[m: 4, n: 2], bf16> -> !tile.tile<[m: 4], f32>
  return
}

// -----

func.func @f(%x: !tile.tile<[m: 4, n: 2], f32>) {
  // expected-error @+1 {{expected string or keyword containing one of the following enum values for attribute 'kind' [sum, max, min]}}
  %r = tile.reduce product %x over ["n"] : !tile.tile<[m: 4, n: 2], f32> -> !tile.tile<[m: 4], f32>
  return
}

// -----

//===----------------------------------------------------------------------===//
// Syntax of what is parsed by hand
//===----------------------------------------------------------------------===//

// expected-error @+1 {{expected 'target'}}
tile.kernel @k() {}

// -----

// expected-error @+1 {{expected operation name in quotes}}
tile.kernel @k() target "sm_90a" {
  +
}

// -----

tile.kernel @k() target "sm_90a" {
  // expected-error @+1 {{expected integer value}}
  tile.role "load" warps("one") {}
}

// -----

tile.kernel @k(%n: index {tile.name = "N"}) target "sm_90a" {
  // expected-error @+1 {{expected '('}}
  %t = tile.tiles "t" %n : !tile.iter<1>
}

// -----

tile.kernel @k(%n: index {tile.name = "N"}) target "sm_90a" {
  // expected-error @+1 {{expected 'over'}}
  %t = tile.tiles "t"(%n) raster 8 : !tile.iter<1>
}

// -----

tile.kernel @k(%n: index {tile.name = "N"}) target "sm_90a" {
  // expected-error @+1 {{expected ':'}}
  %t = tile.tiles "t"(%n) cluster 2 over 0
}

// -----

func.func @f(%t: !tile.iter<1>) {
  // expected-error @+1 {{expected 'as'}}
  tile.for_each %t (%i) : !tile.iter<1> {
  }
  return
}

// -----

func.func @f(%t: !tile.iter<1>, %x: f32) {
  // expected-error @+1 {{expected '='}}
  %r = tile.for_each %t as (%i) iter_args(%a) -> (f32) : !tile.iter<1> {
    tile.yield %a : f32
  }
  return
}

// -----

func.func @f(%t: !tile.iter<1>) {
  // expected-error @+1 {{expected '{' to begin a region}}
  tile.for_each %t as (%i) : !tile.iter<1>
  return
}

// -----

// expected-error @+1 {{expected ':'}}
func.func private @f(!tile.tile<[m 64], f32>)

// -----

func.func @f(%t: !tile.tile<[m: 16, n: 8], f32>, %v: !tile.view<[cta: 2, m: 8, n: 8], f32>, %r: index) {
  // expected-error @+1 {{axis 'k' is not an axis of}}
  tile.put_parts %t to %v, %v at %r along "k" over "cta" : !tile.tile<[m: 16, n: 8], f32>, !tile.view<[cta: 2, m: 8, n: 8], f32>
  return
}

// -----

func.func @f(%t: !tile.tile<[m: 16, n: 8], f32>, %v: !tile.view<[cta: 2, m: 8, n: 8], f32>, %r: index) {
  // expected-error @+1 {{cuts the axis along which the parts lie}}
  tile.put_parts %t to %v, %v at %r along "cta" over "cta" : !tile.tile<[m: 16, n: 8], f32>, !tile.view<[cta: 2, m: 8, n: 8], f32>
  return
}

// -----

func.func @f(%t: !tile.tile<[m: 8, n: 8], f32>, %v: !tile.view<[cta: 2, m: 8, n: 8], f32>, %r: index) {
  // expected-error @+1 {{axis 'm' has extent 8 in the tile but not in the view}}
  tile.put_parts %t to %v, %v at %r along "m" over "cta" : !tile.tile<[m: 8, n: 8], f32>, !tile.view<[cta: 2, m: 8, n: 8], f32>
  return
}

// -----

func.func @f(%t: vector<4xf32>, %v: !tile.view<[cta: 2, m: 8, n: 8], f32>, %r: index) {
  // expected-error @+1 {{neither a tile nor the registers of its layout}}
  tile.put_parts %t to %v, %v at %r along "m" over "cta" : vector<4xf32>, !tile.view<[cta: 2, m: 8, n: 8], f32>
  return
}

// -----

func.func @f(%v: !tile.view<[cta: 2, m: 8], f32>) {
  // expected-error @+1 {{axis 'n' is not an axis of}}
  %x = tile.load_sum %v over "n" : !tile.view<[cta: 2, m: 8], f32> -> !tile.tile<[m: 8], f32>
  return
}

// -----

func.func @f(%v: !tile.view<[cta: 2, m: 8], f32>) {
  // expected-error @+1 {{adds along axis 'cta', which the result has}}
  %x = tile.load_sum %v over "cta" : !tile.view<[cta: 2, m: 8], f32> -> !tile.tile<[cta: 2, m: 8], f32>
  return
}

// -----

func.func @f(%v: !tile.view<[cta: 2, m: 8], f32>) {
  // expected-error @+1 {{axis 'm' has extent 4 in the tile but not in the view}}
  %x = tile.load_sum %v over "cta" : !tile.view<[cta: 2, m: 8], f32> -> !tile.tile<[m: 4], f32>
  return
}
