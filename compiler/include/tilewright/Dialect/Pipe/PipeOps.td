//===- PipeOps.td - operations of the pipe dialect ---------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_DIALECT_PIPE_PIPEOPS_TD
#define TILEWRIGHT_DIALECT_PIPE_PIPEOPS_TD

include "tilewright/Dialect/Pipe/PipeDialect.td"
include "tilewright/Dialect/Tile/TileTypes.td"
include "tilewright/Dialect/Interfaces/AsyncInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/SymbolInterfaces.td"

class Pipe_Op<string mnemonic, list<Trait> traits = []>
    : Op<PipeDialect, mnemonic, traits>;

/// An operation that names a ring, or whose slot does: the ring is looked up
/// once all operations of the kernel are known to be well formed.
class Pipe_RingUserOp<string mnemonic, list<Trait> traits = []>
    : Pipe_Op<mnemonic, traits # [
        DeclareOpInterfaceMethods<SymbolUserOpInterface>]>;

class Pipe_EffectOp<string mnemonic, list<Trait> traits = []>
    : Pipe_Op<mnemonic, traits # [
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]>;

class Pipe_EffectRingUserOp<string mnemonic, list<Trait> traits = []>
    : Pipe_RingUserOp<mnemonic, traits # [
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]>;

def Pipe_Consumer : I32EnumAttr<"Consumer", "who empties a ring", [
    I32EnumAttrCase<"Roles", 0, "roles">,
    I32EnumAttrCase<"CopyEngine", 1, "copy_engine">]> {
  let cppNamespace = "::tilewright::pipe";
}

def Pipe_Indexing : I32EnumAttr<"Indexing", "how slots find their places", [
    I32EnumAttrCase<"Dynamic", 0, "dynamic">,
    I32EnumAttrCase<"Static", 1, "static">]> {
  let cppNamespace = "::tilewright::pipe";
}

def Pipe_Side : I32EnumAttr<"Side", "a barrier of a slot", [
    I32EnumAttrCase<"Full", 0, "full">,
    I32EnumAttrCase<"Empty", 1, "empty">]> {
  let cppNamespace = "::tilewright::pipe";
}

//===----------------------------------------------------------------------===//
// Rings and slots
//===----------------------------------------------------------------------===//

def Pipe_RingOp : Pipe_Op<"ring", [Symbol]> {
  let summary = "A ring of slots in shared memory";
  let description = [{
    `depth` 0 asks for as many slots as fit (`pipe P[max]`);
    `tile-plan-resources` puts the number. Fields are views. Decided by passes:
    `layouts` (a `#tile.shared` for each field), `offsets` (where a field of
    slot 0 begins in shared memory, in bytes) and `strides` (bytes from slot to
    slot): each field is an array of its own, so that no slot is padded to the
    largest alignment; `barriers` (byte offset of its full barriers; the empty
    ones follow), `full_count` and `empty_count` (arrivals a phase of one CTA's
    roles; the attribute `arrivals` says how many are each role's), `instances`
    (one ring for each group of a role, for implicit rings), `multicast` (the
    CTAs of the cluster: the leader, rank 0, fills some fields of all their
    rings at once, so all consumers release to it, too), `exchange` (the CTAs of
    the cluster: each fills a part of every CTA's slots (`pipe.send`), so all
    consumers release to all CTAs).
    `private_fields` are those that the source says not to multicast.
    `indexing` is how slots find their places: `dynamic` by a running count,
    `static` by the iteration of the driving loop modulo the depth, from place 0
    at each entry of the loop (`pipe.restart`).

    With consumer `copy_engine` the ring is implicit: a store through shared
    memory, emptied by the bulk-copy engine.

    ```
    pipe.ring @ab depth(0) fields ["a", "b"] [!tile.view<[m: 128, k: 128], f8E4M3FN>,
                                              !tile.view<[n: 128, k: 128], f8E4M3FN>]
    ```
  }];
  let arguments = (ins
    SymbolNameAttr:$sym_name, I64Attr:$depth,
    StrArrayAttr:$field_names, TypeArrayAttr:$field_types,
    DefaultValuedAttr<Pipe_Consumer, "::tilewright::pipe::Consumer::Roles">:$consumer,
    OptionalAttr<ArrayAttr>:$layouts,
    OptionalAttr<DenseI64ArrayAttr>:$offsets,
    OptionalAttr<DenseI64ArrayAttr>:$strides,
    OptionalAttr<I64Attr>:$barriers,
    OptionalAttr<I64Attr>:$full_count, OptionalAttr<I64Attr>:$empty_count,
    OptionalAttr<I64Attr>:$instances,
    OptionalAttr<I64Attr>:$multicast,
    OptionalAttr<I64Attr>:$exchange,
    OptionalAttr<StrArrayAttr>:$private_fields,
    DefaultValuedAttr<Pipe_Indexing, "::tilewright::pipe::Indexing::Dynamic">:$indexing);
  let assemblyFormat = [{
    $sym_name `depth` `(` $depth `)` `fields` $field_names $field_types
    (`consumer` $consumer^)? (`indexing` $indexing^)?
    (`layouts` $layouts^)? attr-dict
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The index of a field, or -1.
    int64_t getFieldIndex(mlir::StringRef name);
    ::tilewright::tile::ViewType getFieldType(unsigned index);
    /// The shared-memory layout of a field, null before layouts are inferred.
    ::tilewright::tile::SharedAttr getFieldLayout(unsigned index);
    /// The ring that a slot value belongs to, found from `from` upwards.
    static RingOp lookup(mlir::Operation *from, mlir::FlatSymbolRefAttr name);
    /// Whether a cluster's leader fills fields of all its CTAs.
    bool isMulticast() { return getMulticast().value_or(1) > 1; }
    /// Whether each CTA of a cluster fills a part of the slots of all.
    bool isExchange() { return getExchange().value_or(1) > 1; }
    /// CTAs whose consumers free a slot: those that share it.
    int64_t getSharers() {
      return std::max<int64_t>(getMulticast().value_or(1),
                               getExchange().value_or(1));
    }
    bool isStatic() {
      return getIndexing() == ::tilewright::pipe::Indexing::Static;
    }
    /// A role keeps the phase bits of a static ring in one register.
    static constexpr int64_t maxStaticDepth = 32;
    /// Checks what `tile-plan-resources` decided.
    mlir::LogicalResult verifyPlan();
  }];
}

def Pipe_AcquirePutOp : Pipe_EffectRingUserOp<"acquire_put", [AttrSizedOperandSegments]> {
  let summary = "Waits for a free slot and owns it for filling";
  let description = [{
    Before rings are indexed a slot is implied by order; `pipe-index-rings`
    adds the slot index and the phase bit.
  }];
  let arguments = (ins FlatSymbolRefAttr:$ring,
    Optional<I32>:$index, Optional<I32>:$phase);
  let results = (outs Pipe_SlotType:$slot);
  let assemblyFormat = [{
    $ring (`at` $index^ `phase` $phase)? attr-dict `:` qualified(type($slot))
  }];
  let hasVerifier = 1;
}

def Pipe_CommitOp : Pipe_EffectRingUserOp<"commit"> {
  let summary = "The role's contribution to a slot is issued";
  let description = [{
    The slot is full once all contributions, and all bytes of asynchronous
    copies into it, have arrived.
  }];
  let arguments = (ins Pipe_SlotType:$slot);
  let assemblyFormat = "$slot attr-dict `:` qualified(type($slot))";
}

def Pipe_AcquireGetOp : Pipe_EffectRingUserOp<"acquire_get", [AttrSizedOperandSegments]> {
  let summary = "Waits for the next full slot and owns it for reading";
  let arguments = (ins FlatSymbolRefAttr:$ring,
    Optional<I32>:$index, Optional<I32>:$phase);
  let results = (outs Pipe_SlotType:$slot);
  let assemblyFormat = [{
    $ring (`at` $index^ `phase` $phase)? attr-dict `:` qualified(type($slot))
  }];
  let hasVerifier = 1;
}

def Pipe_ReleaseOp : Pipe_EffectRingUserOp<"release"> {
  let summary = "Gives a slot back once the reads that tokens stand for retired";
  let arguments = (ins Pipe_SlotType:$slot, Variadic<Pipe_TokenType>:$after);
  let assemblyFormat = [{
    $slot (`after` `(` $after^ `)`)? attr-dict `:` qualified(type($slot))
  }];
}

def Pipe_DrainOp : Pipe_EffectRingUserOp<"drain", [AttrSizedOperandSegments]> {
  let summary = "Waits until all slots that this role has filled are free again";
  let description = [{
    What `depth` more acquires would wait for, without filling the slots. The
    last thing that a role does with a ring whose empty barriers other CTAs
    arrive at: shared memory must not go away while arrivals are on their way.
    `pipe-index-rings` adds the index and the phase of the next acquire; of a
    static ring the phase bits of all places, place s in bit s.
  }];
  let arguments = (ins FlatSymbolRefAttr:$ring,
    Optional<I32>:$index, Optional<I32>:$phase);
  let assemblyFormat = "$ring (`at` $index^ `phase` $phase)? attr-dict";
  let hasVerifier = 1;
}

def Pipe_RestartOp : Pipe_EffectRingUserOp<"restart"> {
  let summary = "What the role next takes from a static ring is place 0";
  let description = [{
    Stands before the driving loop of each role (`pipe-choose-schedule`) and
    keeps its meaning while the loop is unrolled; `pipe-index-rings` removes it.
  }];
  let arguments = (ins FlatSymbolRefAttr:$ring);
  let assemblyFormat = "$ring attr-dict";
}

def Pipe_FieldOp : Pipe_RingUserOp<"field", [Pure]> {
  let summary = "A field of a slot";
  let arguments = (ins Pipe_SlotType:$slot, StrAttr:$name);
  let results = (outs Tile_ViewType:$view);
  let assemblyFormat = [{
    $slot `[` $name `]` attr-dict `:` qualified(type($slot)) `->` qualified(type($view))
  }];
}

def Pipe_SendOp : Pipe_EffectRingUserOp<"send", [
    AllTypesMatch<["source", "dest"]>,
    DeclareOpInterfaceMethods<SlotFillerInterface>]> {
  let summary = "Sends a part of a view to each CTA of the cluster";
  let description = [{
    Axis `over` of both views has a place for each CTA of the cluster. What
    stands at place c of `source` goes to CTA c, to place `rank` of the view
    that is `dest` here, for every CTA but this one, of rank `rank`. Bulk copies
    that one thread issues; bytes arrive at the full barrier of the slot in each
    CTA (PTX ISA, cp.async.bulk, .shared::cluster.shared::cta). The source may
    be written again once the slot is free: then all CTAs have read what they
    were sent.

    ```
    pipe.send %mine to %parts over "cta" at %rank arrive %slot
      : !tile.view<[cta: 4, m: 16, n: 32], f32>, !pipe.slot<@sum>
    ```
  }];
  let arguments = (ins
    Tile_ViewType:$source, Tile_ViewType:$dest, StrAttr:$over, Index:$rank,
    Pipe_SlotType:$slot);
  let assemblyFormat = [{
    $source `to` $dest `over` $over `at` $rank `arrive` $slot attr-dict `:`
    qualified(type($dest)) `,` qualified(type($slot))
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Explicit barriers (after pipe-lower-to-barriers)
//===----------------------------------------------------------------------===//

def Pipe_OpaqueOp : Pipe_EffectOp<"opaque", [
    AllTypesMatch<["value", "result"]>]> {
  let summary = "An identity that optimisers cannot see through";
  let description = [{
    Where a loop is unrolled by a multiple of the depth, LLVM proves the index
    of each slot constant, hoists the addresses and descriptors of all slots out
    of the loop, and ptxas spills them: 1.4 times the time of an FP8 GEMM
    (codegen-speed, rule 5). An index that has passed through this is one
    register, and the addresses are computed where they are used. No
    instruction is emitted.
  }];
  let arguments = (ins I32:$value);
  let results = (outs I32:$result);
  let assemblyFormat = "$value attr-dict";
}

def Pipe_ConstantIndexOp : Pipe_Op<"constant_index", [Pure]> {
  let summary = "A known index, with addresses that stay where they are used";
  let description = [{
    The index is the constant `value`. `base` is zero, but has passed through
    `pipe.opaque` in the iteration that uses the index: it is added to the
    addresses of the slot and of its barriers, whose constant parts then are
    offsets of instructions instead of registers that live through the loop.
  }];
  let arguments = (ins ConfinedAttr<I64Attr, [IntNonNegative]>:$value, I32:$base);
  let results = (outs I32:$result);
  let assemblyFormat = "$value `from` $base attr-dict";
}

def Pipe_SlotAtOp : Pipe_RingUserOp<"slot_at", [Pure]> {
  let summary = "The slot of a ring at an index; no synchronisation";
  let arguments = (ins FlatSymbolRefAttr:$ring, I32:$index);
  let results = (outs Pipe_SlotType:$slot);
  let assemblyFormat = "$ring `[` $index `]` attr-dict `:` qualified(type($slot))";
}

def Pipe_InitOp : Pipe_EffectRingUserOp<"init"> {
  let summary = "Initialises all mbarriers of a ring (one thread runs it)";
  let arguments = (ins FlatSymbolRefAttr:$ring);
  let assemblyFormat = "$ring attr-dict";
}

def Pipe_WaitOp : Pipe_EffectRingUserOp<"wait"> {
  let summary = "Waits until the phase of a parity of an mbarrier has completed";
  let description = [{
    PTX ISA, mbarrier.try_wait.parity: true once the phase with the given
    parity has completed; a fresh barrier is in phase 0, so waiting for parity
    1 passes at once. With `unless`, a thread in which it is true does not wait:
    the result of a `pipe.try_wait` on the same place and parity.
  }];
  let arguments = (ins FlatSymbolRefAttr:$ring, Pipe_Side:$side, I32:$index,
    I32:$parity, Optional<I1>:$ready);
  let assemblyFormat = [{
    $ring $side `[` $index `]` `parity` $parity (`unless` $ready^)? attr-dict
  }];
}

def Pipe_TryWaitOp : Pipe_EffectRingUserOp<"try_wait"> {
  let summary = "Whether the phase of a parity has completed, or soon will have";
  let description = [{
    One mbarrier.try_wait.parity (PTX ISA): it may suspend the thread for a
    while, and returns whether the phase has completed. True acquires as a wait
    does; false says nothing.
  }];
  let arguments = (ins FlatSymbolRefAttr:$ring, Pipe_Side:$side, I32:$index,
    I32:$parity);
  let results = (outs I1:$ready);
  let assemblyFormat = "$ring $side `[` $index `]` `parity` $parity attr-dict";
}

def Pipe_ArriveOp : Pipe_EffectRingUserOp<"arrive"> {
  let summary = "Arrives once at an mbarrier; `expect` adds transaction bytes";
  let description = [{
    One thread of those that run it arrives: `elect` is `warp` (lane 0 of each
    warp, after the warp has converged) or `thread` (the caller already is one
    thread). Plain arrival without a scope qualifier: a scope on a release
    after reads costs 1.5 to 1.7 times (codegen notes).

    At the empty barrier of a ring with `multicast` it arrives at the leader's
    and, in the other CTAs, at this CTA's own; of one with `exchange` at those
    of all CTAs of the cluster.
  }];
  let arguments = (ins FlatSymbolRefAttr:$ring, Pipe_Side:$side, I32:$index,
    DefaultValuedAttr<I64Attr, "0">:$expect, UnitAttr:$per_warp);
  let assemblyFormat = [{
    $ring $side `[` $index `]` (`expect` $expect^)? (`per_warp` $per_warp^)?
    attr-dict
  }];
  let hasVerifier = 1;
}

def Pipe_GroupBarrierOp : Pipe_EffectOp<"group_barrier"> {
  let summary = "Synchronises the threads of one warpgroup (named barrier)";
  let description = [{
    `id` is the named barrier of the first group of the role; group g uses
    `id + g` (PTX ISA, barrier.cta; 16 a CTA, 0 is the whole CTA's).
  }];
  let arguments = (ins I64Attr:$id, I64Attr:$groups);
  let assemblyFormat = "$id `groups` $groups attr-dict";
  let hasVerifier = 1;
}

def Pipe_ProxyFenceOp : Pipe_EffectOp<"proxy_fence"> {
  let summary = "Orders generic accesses of shared memory before asynchronous ones";
  let description = "PTX ISA, fence.proxy.async.shared::cta.";
  let assemblyFormat = "attr-dict";
}

#endif // TILEWRIGHT_DIALECT_PIPE_PIPEOPS_TD
