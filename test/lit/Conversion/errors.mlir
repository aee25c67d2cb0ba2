// RUN: tilewright-opt %s --convert-tilewright-to-nvvm -split-input-file -verify-diagnostics

// What the earlier passes must have decided.

pipe.ring @r depth(1) fields ["x"] [!tile.view<[m: 8], f32>]
llvm.func @no_layout(%z: i32, %i32: i32) -> f32 {
  %i = arith.index_castui %i32 : i32 to index
  %s = pipe.slot_at @r[%z] : !pipe.slot<@r>
  %v = pipe.field %s["x"] : !pipe.slot<@r> -> !tile.view<[m: 8], f32>
  // expected-error @below {{uses a ring without layouts and addresses; run tile-plan-resources first}}
  // expected-note @-6 {{declared here}}
  %x = tile.load_shared %v[%i] : !tile.view<[m: 8], f32> -> f32
  llvm.return %x : f32
}

// -----

pipe.ring @r depth(1) fields ["x"] [!tile.view<[m: 8], f32>]
llvm.func @no_barriers(%z: i32) {
  // expected-error @below {{needs the addresses of the barriers of @r}}
  pipe.wait @r full[%z] parity %z
  llvm.return
}

// -----

llvm.func @unknown_descriptor(%p: !llvm.ptr, %q: !llvm.ptr, %first: i1) {
  %a = builtin.unrealized_conversion_cast %p : !llvm.ptr to !tma.desc<box = [16], swizzle = 0, f32>
  %b = builtin.unrealized_conversion_cast %q : !llvm.ptr to !tma.desc<box = [16], swizzle = 0, f32>
  %d = arith.select %first, %a, %b : !tma.desc<box = [16], swizzle = 0, f32>
  // expected-error @below {{uses a tensor or descriptor that is no parameter of the kernel}}
  tma.prefetch %d : !tma.desc<box = [16], swizzle = 0, f32>
  llvm.return
}

// -----

// No pattern: then that is said.

llvm.func @unknown_operation(%f: f32) {
  // expected-error @below {{failed to legalize operation 'gpu.barrier'}}
  gpu.barrier
  llvm.return
}

// -----

// What the machine cannot do.

llvm.func @dynamic_register(%f: f32, %i32: i32) -> f32 {
  %i = arith.index_castui %i32 : i32 to index
  %v = vector.from_elements %f, %f, %f : vector<3xf32>
  // expected-error @below {{selects a register at run time; registers have no addresses}}
  %x = vector.extract %v[%i] : f32 from vector<3xf32>
  llvm.return %x : f32
}

// -----

llvm.func @half_pin(%f: f16) -> f16 {
  // expected-error @below {{ties a value of type 'f16'; only 32 and 64 bits are registers}}
  %x = mma.pin %f : f16 -> f16
  llvm.return %x : f16
}

// -----

pipe.ring @r depth(1) fields ["x"] [!tile.view<[m: 64, k: 128], f8E4M3FN>]
  layouts [#tile.shared<["m", "k"], swizzle = 128>] {offsets = array<i64: 0>, strides = array<i64: 8192>}
llvm.func @contracted_cut(%z: i32, %i32: i32) -> i64 {
  %i = arith.index_castui %i32 : i32 to index
  %s = pipe.slot_at @r[%z] : !pipe.slot<@r>
  %v = pipe.field %s["x"] : !pipe.slot<@r> -> !tile.view<[m: 64, k: 128], f8E4M3FN>
  %h = tile.slice %v["k" : %i] : !tile.view<[m: 64, k: 128], f8E4M3FN> -> !tile.view<[m: 64, k: 64], f8E4M3FN>
  // expected-error @below {{cuts the contracted axis 'k' at a place that is not constant}}
  %d = mma.descriptor %h k("k" : 0) row 0 : !tile.view<[m: 64, k: 64], f8E4M3FN>
  llvm.return %d : i64
}

// -----

pipe.ring @r depth(1) fields ["x"] [!tile.view<[m: 64, k: 128], f8E4M3FN>]
  layouts [#tile.shared<["m", "k"], swizzle = 0>] {offsets = array<i64: 0>, strides = array<i64: 8192>}
llvm.func @plain_operand(%z: i32) -> i64 {
  %s = pipe.slot_at @r[%z] : !pipe.slot<@r>
  %v = pipe.field %s["x"] : !pipe.slot<@r> -> !tile.view<[m: 64, k: 128], f8E4M3FN>
  // expected-error @below {{wgmma cannot read the plain row-major layout 8-bit [m: 64, k: 128] plain}}
  %d = mma.descriptor %v k("k" : 0) row 0 : !tile.view<[m: 64, k: 128], f8E4M3FN>
  llvm.return %d : i64
}

// -----

pipe.ring @r depth(1) fields ["x"] [!tile.view<[m: 8, k: 16], f8E4M3FN>]
  layouts [#tile.shared<["m", "k"], swizzle = 0>] {offsets = array<i64: 0>, strides = array<i64: 128>}
llvm.func @byte_floats(%z: i32, %i32: i32) {
  %i = arith.index_castui %i32 : i32 to index
  %s = pipe.slot_at @r[%z] : !pipe.slot<@r>
  %v = pipe.field %s["x"] : !pipe.slot<@r> -> !tile.view<[m: 8, k: 16], f8E4M3FN>
  // expected-error @below {{accesses single elements of type 'f8E4M3FN'; not lowered yet}}
  %x = tile.load_shared %v[%i, %i] : !tile.view<[m: 8, k: 16], f8E4M3FN> -> f8E4M3FN
  %y = arith.extf %x : f8E4M3FN to f32
  llvm.unreachable
}

// -----

pipe.ring @r depth(1) fields ["x"] [!tile.view<[m: 64, k: 64], f8E4M3FN>]
  layouts [#tile.shared<["m", "k"], swizzle = 64>]
  {offsets = array<i64: 0>, strides = array<i64: 4096>, barriers = 4096 : i64, full_count = 1 : i64, empty_count = 1 : i64}
llvm.func @inside_pattern(%map: !llvm.ptr, %z: i32, %i32: i32) {
  %d = builtin.unrealized_conversion_cast %map : !llvm.ptr to !tma.desc<box = [64, 8], swizzle = 64, f8E4M3FN>
  %i = arith.index_castui %i32 : i32 to index
  %c4 = arith.constant 4 : index
  %s = pipe.slot_at @r[%z] : !pipe.slot<@r>
  %v = pipe.field %s["x"] : !pipe.slot<@r> -> !tile.view<[m: 64, k: 64], f8E4M3FN>
  %h = tile.slice %v["m" : %c4] : !tile.view<[m: 64, k: 64], f8E4M3FN> -> !tile.view<[m: 8, k: 64], f8E4M3FN>
  // expected-error @below {{begins at row 4 of a swizzled field; parts begin at multiples of 8}}
  tma.load %d[%i, %i] to %h arrive %s : !tma.desc<box = [64, 8], swizzle = 64, f8E4M3FN>, !tile.view<[m: 8, k: 64], f8E4M3FN>, !pipe.slot<@r>
  llvm.return
}
