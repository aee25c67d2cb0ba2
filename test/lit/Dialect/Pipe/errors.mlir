// RUN: tilewright-opt %s -split-input-file -verify-diagnostics

//===----------------------------------------------------------------------===//
// Rings
//===----------------------------------------------------------------------===//

// expected-error @+1 {{has no fields}}
pipe.ring @r depth(0) fields [] []

// -----

// expected-error @+1 {{has 2 field names but 1 field types}}
pipe.ring @r depth(0) fields ["a", "b"] [!tile.view<[m: 8], f32>]

// -----

// expected-error @+1 {{field "a" is not a view}}
pipe.ring @r depth(0) fields ["a"] [!tile.tile<[m: 8], f32>]

// -----

// expected-error @+1 {{field "a" appears twice}}
pipe.ring @r depth(0) fields ["a", "a"] [!tile.view<[m: 8], f32>, !tile.view<[m: 8], f32>]

// -----

// expected-error @+1 {{depth is negative}}
pipe.ring @r depth(-1) fields ["a"] [!tile.view<[m: 8], f32>]

// -----

// expected-error @+1 {{has 1 fields but 2 layouts}}
pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 8], f32>] layouts [#tile.shared<["m"], swizzle = 0>, #tile.shared<["m"], swizzle = 0>]

// -----

// expected-error @+1 {{layout of field 'a' is 1 : i64, not a #tile.shared}}
pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 8], f32>] layouts [1 : i64]

// -----

// expected-error @+1 {{layout of field 'a' does not order the axes of '!tile.view<[m: 8], f32>'}}
pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 8], f32>] layouts [#tile.shared<["n"], swizzle = 0>]

// -----

// expected-error @+1 {{layout of field 'a' does not order the axes of '!tile.view<[m: 8, k: 32], f32>'}}
pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 8, k: 32], f32>] layouts [#tile.shared<["k"], swizzle = 128>]

// -----

// expected-error @+1 {{field 'a' is swizzled by 128 bytes but its inner axis has 64}}
pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 8, k: 16], f32>] layouts [#tile.shared<["m", "k"], swizzle = 128>]

// -----

// expected-error @+1 {{field 'a' has no axis to swizzle}}
pipe.ring @r depth(0) fields ["a"] [!tile.view<[], f32>] layouts [#tile.shared<[], swizzle = 32>]

// -----

// expected-error @+1 {{has 1 fields but 2 offsets}}
pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 8], f32>] {offsets = array<i64: 0, 128>}

// -----

// expected-error @+1 {{needs as many strides as offsets}}
pipe.ring @r depth(1) fields ["a"] [!tile.view<[m: 8], f32>] {offsets = array<i64: 0>}

// -----

// expected-error @+1 {{needs as many strides as offsets}}
pipe.ring @r depth(1) fields ["a"] [!tile.view<[m: 8], f32>] {strides = array<i64: 128>}

// -----

// expected-error @+1 {{field "a" has offset -128}}
pipe.ring @r depth(1) fields ["a"] [!tile.view<[m: 8], f32>] {offsets = array<i64: -128>, strides = array<i64: 128>}

// -----

// expected-error @+1 {{field "a" of 32 bytes does not fit its stride of 16}}
pipe.ring @r depth(1) fields ["a"] [!tile.view<[m: 8], f32>] {offsets = array<i64: 128>, strides = array<i64: 16>}

// -----

// expected-error @+1 {{has a place in memory but no depth yet}}
pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 8], f32>] {offsets = array<i64: 0>, strides = array<i64: 128>}

// -----

// expected-error @+1 {{barriers is -8; at least 0 is needed}}
pipe.ring @r depth(1) fields ["a"] [!tile.view<[m: 8], f32>] {barriers = -8 : i64}

// -----

// expected-error @+1 {{barriers at byte 4; an mbarrier is 8-byte aligned}}
pipe.ring @r depth(1) fields ["a"] [!tile.view<[m: 8], f32>] {barriers = 4 : i64}

// -----

// expected-error @+1 {{full_count is 0; at least 1 is needed}}
pipe.ring @r depth(1) fields ["a"] [!tile.view<[m: 8], f32>] {full_count = 0 : i64}

// -----

// expected-error @+1 {{empty_count is 0; at least 1 is needed}}
pipe.ring @r depth(1) fields ["a"] [!tile.view<[m: 8], f32>] {empty_count = 0 : i64}

// -----

// expected-error @+1 {{instances is 0; at least 1 is needed}}
pipe.ring @r depth(1) fields ["a"] [!tile.view<[m: 8], f32>] {instances = 0 : i64}

// -----

// expected-note @+1 {{see existing symbol definition here}}
pipe.ring @r depth(1) fields ["a"] [!tile.view<[m: 8], f32>]
// expected-error @+1 {{redefinition of symbol named 'r'}}
pipe.ring @r depth(1) fields ["a"] [!tile.view<[m: 8], f32>]

// -----

tile.kernel @k() target "sm_90a" {
  tile.role "load" warps(1) {
    // expected-error @+1 {{'pipe.ring' op symbol's parent must have the SymbolTable trait}}
    pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 8], f32>]
  }
}

// -----

// expected-error @+2 {{invalid kind of attribute specified}}
// expected-error @+1 {{failed to parse Pipe_SlotType parameter 'ring'}}
func.func private @f(!pipe.slot<@a::@b>)

// -----

//===----------------------------------------------------------------------===//
// Slots
//===----------------------------------------------------------------------===//

func.func @f() {
  // expected-error @+1 {{names no ring @r}}
  %s = pipe.acquire_put @r : !pipe.slot<@r>
  return
}

// -----

// A symbol that is no ring.
func.func @f() {
  // expected-error @+1 {{names no ring @f}}
  %s = pipe.acquire_get @f : !pipe.slot<@f>
  return
}

// -----

pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 8], f32>]
// A kernel sees its own rings only.
tile.kernel @k() target "sm_90a" {
  tile.role "load" warps(1) {
    // expected-error @+1 {{names no ring @r}}
    %s = pipe.acquire_put @r : !pipe.slot<@r>
  }
}

// -----

pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 8], f32>]
pipe.ring @q depth(0) fields ["a"] [!tile.view<[m: 8], f32>]
func.func @f() {
  // expected-error @+1 {{takes a slot of @r but its type is '!pipe.slot<@q>'}}
  %s = pipe.acquire_put @r : !pipe.slot<@q>
  return
}

// -----

pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 8], f32>]
pipe.ring @q depth(0) fields ["a"] [!tile.view<[m: 8], f32>]
func.func @f() {
  // expected-error @+1 {{takes a slot of @r but its type is '!pipe.slot<@q>'}}
  %s = pipe.acquire_get @r : !pipe.slot<@q>
  return
}

// -----

pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 8], f32>]
func.func @f(%i: i32) {
  // expected-error @+1 {{has an index but no phase}}
  %s = "pipe.acquire_put"(%i) <{ring = @r, operandSegmentSizes = array<i32: 1, 0>}> : (i32) -> !pipe.slot<@r>
  return
}

// -----

pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 8], f32>]
func.func @f(%i: i32) {
  // expected-error @+1 {{has a phase but no index}}
  %s = "pipe.acquire_get"(%i) <{ring = @r, operandSegmentSizes = array<i32: 0, 1>}> : (i32) -> !pipe.slot<@r>
  return
}

// -----

pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 8], f32>] consumer copy_engine
func.func @f() {
  // expected-error @+1 {{gets from ring @r, which the copy engine empties}}
  %s = pipe.acquire_get @r : !pipe.slot<@r>
  return
}

// -----

pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 8], f32>]
func.func @f() {
  %s = pipe.acquire_get @r : !pipe.slot<@r>
  // expected-error @+1 {{commits a slot that was acquired for reading}}
  pipe.commit %s : !pipe.slot<@r>
  return
}

// -----

func.func @f(%s: !pipe.slot<@r>) {
  // expected-error @+1 {{names no ring @r}}
  pipe.commit %s : !pipe.slot<@r>
  return
}

// -----

pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 8], f32>]
func.func @f() {
  %s = pipe.acquire_put @r : !pipe.slot<@r>
  // expected-error @+1 {{releases a slot that was acquired for filling}}
  pipe.release %s : !pipe.slot<@r>
  return
}

// -----

func.func @f(%s: !pipe.slot<@r>) {
  // expected-error @+1 {{names no ring @r}}
  pipe.release %s : !pipe.slot<@r>
  return
}

// -----

pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 8], f32>]
// expected-note @+1 {{prior use here}}
func.func @f(%s: !pipe.slot<@r>, %t: f32) {
  // expected-error @+1 {{use of value '%t' expects different type than prior uses: '!pipe.token' vs 'f32'}}
  pipe.release %s after(%t) : !pipe.slot<@r>
  return
}

// -----

func.func @f(%s: !pipe.slot<@r>) {
  // expected-error @+1 {{names no ring @r}}
  %a = pipe.field %s["a"] : !pipe.slot<@r> -> !tile.view<[m: 8], f32>
  return
}

// -----

// expected-note @+1 {{declared here}}
pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 8], f32>]
func.func @f(%s: !pipe.slot<@r>) {
  // expected-error @+1 {{ring @r has no field 'b'}}
  %a = pipe.field %s["b"] : !pipe.slot<@r> -> !tile.view<[m: 8], f32>
  return
}

// -----

pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 8], f32>]
func.func @f(%s: !pipe.slot<@r>) {
  // expected-error @+1 {{field 'a' is a '!tile.view<[m: 8], f32>', not a '!tile.view<[m: 16], f32>'}}
  %a = pipe.field %s["a"] : !pipe.slot<@r> -> !tile.view<[m: 16], f32>
  return
}

// -----

// The ring is malformed and comes after its use: its own error is reported.
tile.kernel @k() target "sm_90a" {
  tile.role "load" warps(1) {
    %s = pipe.acquire_put @r : !pipe.slot<@r>
    %a = pipe.field %s["a"] : !pipe.slot<@r> -> !tile.view<[m: 8], f32>
  }
  // expected-error @+1 {{field "a" is not a view}}
  pipe.ring @r depth(0) fields ["a"] [f32]
}

// -----

// The copy engine empties this ring: a role stores into it.
pipe.ring @r depth(1) fields ["a"] [!tile.view<[m: 8], f32>] consumer copy_engine
func.func @f(%s: !pipe.slot<@r>, %A: !tile.tensor<1, f32>, %i: index) {
  %a = pipe.field %s["a"] : !pipe.slot<@r> -> !tile.view<[m: 8], f32>
  %h = tile.slice %a["m" : %i] : !tile.view<[m: 8], f32> -> !tile.view<[m: 4], f32>
  // expected-error @+1 {{'tile.copy' op fills a slot of @r, which the copy engine empties and only stores fill}}
  tile.copy %A[affine_map<(m) -> (m)>]() to %h : !tile.tensor<1, f32>, !tile.view<[m: 4], f32>
  return
}

// -----

//===----------------------------------------------------------------------===//
// Explicit barriers
//===----------------------------------------------------------------------===//

func.func @f(%i: i32) {
  // expected-error @+1 {{names no ring @r}}
  %s = pipe.slot_at @r[%i] : !pipe.slot<@r>
  return
}

// -----

pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 8], f32>]
func.func @f(%i: i32) {
  // expected-error @+1 {{takes a slot of @r but its type is '!pipe.slot<@q>'}}
  %s = pipe.slot_at @r[%i] : !pipe.slot<@q>
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{names no ring @r}}
  pipe.init @r
  return
}

// -----

func.func @f(%i: i32) {
  // expected-error @+1 {{names no ring @r}}
  pipe.wait @r full[%i] parity %i
  return
}

// -----

func.func @f(%i: i32) {
  // expected-error @+1 {{names no ring @r}}
  pipe.arrive @r full[%i]
  return
}

// -----

pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 8], f32>]
func.func @f(%i: i32) {
  // expected-error @+1 {{expected string or keyword containing one of the following enum values for attribute 'side' [full, empty]}}
  pipe.wait @r half[%i] parity %i
  return
}

// -----

pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 8], f32>]
// expected-note @+1 {{prior use here}}
func.func @f(%i: index) {
  // expected-error @+1 {{use of value '%i' expects different type than prior uses: 'i32' vs 'index'}}
  pipe.arrive @r full[%i]
  return
}

// -----

pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 8], f32>]
func.func @f(%i: index) {
  // expected-error @+1 {{operand #0 must be 32-bit signless integer, but got 'index'}}
  "pipe.arrive"(%i) <{ring = @r, side = 0 : i32}> : (index) -> ()
  return
}

// -----

pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 8], f32>]
func.func @f(%i: i32) {
  // expected-error @+1 {{expects 1048576 bytes; an mbarrier counts 0 to 2^20 - 1}}
  pipe.arrive @r full[%i] expect 1048576
  return
}

// -----

pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 8], f32>]
func.func @f(%i: i32) {
  // expected-error @+1 {{expects -1 bytes; an mbarrier counts 0 to 2^20 - 1}}
  pipe.arrive @r full[%i] expect -1
  return
}

// -----

pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 8], f32>]
func.func @f(%i: i32) {
  // expected-error @+1 {{expects bytes at an empty barrier; copies arrive at the full one}}
  pipe.arrive @r empty[%i] expect 128
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{uses 1 named barriers from 0; 1 to 15 are free}}
  pipe.group_barrier 0 groups 1
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{uses 2 named barriers from 15; 1 to 15 are free}}
  pipe.group_barrier 15 groups 2
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{1 to 15 are free}}
  pipe.group_barrier 9223372036854775807 groups 1
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{1 to 15 are free}}
  pipe.group_barrier 1 groups 0
  return
}

// -----

// expected-error @+1 {{multicast to 17 CTAs; a cluster has 1 to 16}}
pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 8], f32>] {multicast = 17 : i64}

// -----

// expected-error @+1 {{is multicast, but the copy engine empties it}}
pipe.ring @r depth(1) fields ["a"] [!tile.view<[m: 8], f32>] consumer copy_engine {multicast = 2 : i64}

// -----

// expected-error @+1 {{has no field "b" to keep private}}
pipe.ring @r depth(0) fields ["a"] [!tile.view<[m: 8], f32>] {private_fields = ["b"]}

// -----

pipe.ring @r depth(1) fields ["a"] [!tile.view<[m: 8], f32>] consumer copy_engine
func.func @f() {
  // expected-error @+1 {{drains ring @r, which the copy engine empties}}
  pipe.drain @r
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{names no ring @r}}
  pipe.drain @r
  return
}

// -----

pipe.ring @r depth(1) fields ["a"] [!tile.view<[m: 8], f32>]
func.func @f(%i: i32) {
  // expected-error @+1 {{has an index but no phase}}
  "pipe.drain"(%i) {operandSegmentSizes = array<i32: 1, 0>, ring = @r} : (i32) -> ()
  return
}

// -----

// expected-error @+1 {{is static, but the copy engine empties it}}
pipe.ring @r depth(2) fields ["a"] [!tile.view<[m: 8], f32>] consumer copy_engine indexing static

// -----

// expected-error @+1 {{is static with 33 slots; at most 32 are possible}}
pipe.ring @r depth(33) fields ["a"] [!tile.view<[m: 8], f32>] indexing static

// -----

tile.kernel @k() target "sm_90a" {
  pipe.ring @r depth(2) fields ["a"] [!tile.view<[m: 8], f32>]
  tile.role "math" groups(1) {
    // expected-error @+1 {{restarts ring @r, a dynamic one}}
    pipe.restart @r
  }
}

// -----

// expected-error @+1 {{exchanges between 17 CTAs; a cluster has 1 to 16}}
pipe.ring @r depth(1) fields ["a"] [!tile.view<[cta: 17, m: 8], f32>] {exchange = 17 : i64}

// -----

// expected-error @+1 {{is an exchange, but the copy engine empties it}}
pipe.ring @r depth(1) fields ["a"] [!tile.view<[cta: 2, m: 8], f32>] consumer copy_engine {exchange = 2 : i64}

// -----

// expected-error @+1 {{is both multicast and an exchange}}
pipe.ring @r depth(1) fields ["a"] [!tile.view<[cta: 2, m: 8], f32>] {exchange = 2 : i64, multicast = 2 : i64}

// -----

pipe.ring @r depth(1) fields ["a", "b"] [!tile.view<[cta: 2, m: 8], f32>, !tile.view<[cta: 2, m: 8], f32>]
func.func @f(%i: index) {
  %s = pipe.acquire_put @r : !pipe.slot<@r>
  %a = pipe.field %s["a"] : !pipe.slot<@r> -> !tile.view<[cta: 2, m: 8], f32>
  %b = pipe.field %s["b"] : !pipe.slot<@r> -> !tile.view<[cta: 2, m: 8], f32>
  // expected-error @+1 {{fills slots of all CTAs, but ring @r is no exchange between them}}
  pipe.send %a to %b over "cta" at %i arrive %s : !tile.view<[cta: 2, m: 8], f32>, !pipe.slot<@r>
  return
}

// -----

pipe.ring @r depth(1) fields ["a", "b"] [!tile.view<[cta: 2, m: 8], f32>, !tile.view<[cta: 2, m: 8], f32>] {exchange = 4 : i64}
func.func @f(%i: index) {
  %s = pipe.acquire_put @r : !pipe.slot<@r>
  %a = pipe.field %s["a"] : !pipe.slot<@r> -> !tile.view<[cta: 2, m: 8], f32>
  %b = pipe.field %s["b"] : !pipe.slot<@r> -> !tile.view<[cta: 2, m: 8], f32>
  // expected-error @+1 {{has 2 parts, ring @r exchanges between 4 CTAs}}
  pipe.send %a to %b over "cta" at %i arrive %s : !tile.view<[cta: 2, m: 8], f32>, !pipe.slot<@r>
  return
}

// -----

pipe.ring @r depth(1) fields ["a", "b"] [!tile.view<[cta: 2, m: 8], f32>, !tile.view<[cta: 2, m: 8], f32>] {exchange = 2 : i64}
func.func @f(%i: index) {
  %s = pipe.acquire_put @r : !pipe.slot<@r>
  %a = pipe.field %s["a"] : !pipe.slot<@r> -> !tile.view<[cta: 2, m: 8], f32>
  %b = pipe.field %s["b"] : !pipe.slot<@r> -> !tile.view<[cta: 2, m: 8], f32>
  // expected-error @+1 {{axis 'n' is not an axis of}}
  pipe.send %a to %b over "n" at %i arrive %s : !tile.view<[cta: 2, m: 8], f32>, !pipe.slot<@r>
  return
}

// -----

pipe.ring @r depth(1) fields ["a", "b"] [!tile.view<[cta: 2, m: 8], f32>, !tile.view<[cta: 2, m: 8], f32>] {exchange = 2 : i64}
func.func @f(%i: index) {
  %s = pipe.acquire_put @r : !pipe.slot<@r>
  %t = pipe.acquire_put @r : !pipe.slot<@r>
  %a = pipe.field %s["a"] : !pipe.slot<@r> -> !tile.view<[cta: 2, m: 8], f32>
  %b = pipe.field %s["b"] : !pipe.slot<@r> -> !tile.view<[cta: 2, m: 8], f32>
  // expected-error @+1 {{moves between views of another slot than the one that its bytes arrive at}}
  pipe.send %a to %b over "cta" at %i arrive %t : !tile.view<[cta: 2, m: 8], f32>, !pipe.slot<@r>
  return
}
