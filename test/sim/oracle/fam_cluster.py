# ===- fam_cluster.py - forms of clusters, peeks and grid-wide memory ------===//
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Forms that the compiler is about to emit: releases of a peer's slot without
a scope, transaction counts and asynchronous stores on a peer, a try_wait whose
result is carried over the loop, cache hints, prefetches of boxes, reductions of
f32 boxes, grid-wide waiting."""

from fam_tma import tensor_map, coords
from ptxkit import *

IO = [{"buffer": "a"}, {"buffer": "out"}]

PRE = TID + load_ptr("%d_a", 0) + load_ptr("%d_out", 1) + """
mov.b64 %d_sm, smem;
mov.u32 %r_rank, %cluster_ctarank;
mov.u32 %r_cta, %ctaid.x;
mad.lo.s32 %r_g, %r_cta, 128, %r_tid;
mul.wide.u32 %d_o, %r_g, 4;
add.s64 %d_a, %d_a, %d_o;
add.s64 %d_out, %d_out, %d_o;
ld.global.b32 %r_a, [%d_a];
mul.wide.u32 %d_t, %r_tid, 4;
add.s64 %d_mine, %d_sm, %d_t;
setp.ne.b32 %p_t, %r_tid, 0;
xor.b32 %r_p, %r_rank, 1;
"""

MEET = "barrier.cluster.arrive.relaxed.aligned;\nbarrier.cluster.wait.aligned;\n"


def releases():
    """Both CTAs of a pair fill each other's slot for five turns: the consumer
    releases the slot on the producer's barrier, 64-bit and 32-bit addresses."""
    for bits, space in ((32, "r"), (64, "d")):
        bar = f"%{space}_"
        address = ("cvt.u32.u64 %r_sm, %d_sm;\n" if bits == 32 else
                   "mov.b64 %d_smx, %d_sm;\n")
        base = "%r_sm" if bits == 32 else "%d_smx"
        kind = "s32" if bits == 32 else "s64"
        Kernel(f"remote_release_{bits}", "a slot that the peer fills and the "
               f"owner releases on the peer, five turns, {bits}-bit addresses",
               PRE + address + f"""
add.{kind} {bar}full, {base}, 1024;
add.{kind} {bar}empty, {base}, 1032;
@%p_t bra $L__ready;
mbarrier.init.shared.b64 [{bar}full], 4;
mbarrier.init.shared.b64 [{bar}empty], 1;
fence.mbarrier_init.release.cluster;
$L__ready:
{MEET}
mapa.shared::cluster.u{bits} {bar}rfull, {bar}full, %r_p;
mapa.shared::cluster.u{bits} {bar}rempty, {bar}empty, %r_p;
cvt.u32.u64 %r_m, %d_mine;
mapa.shared::cluster.u32 %r_there, %r_m, %r_p;
and.b32 %r_l, %r_tid, 31;
setp.ne.b32 %p_l, %r_l, 0;
mov.b32 %r_i, 0;
mov.b32 %r_sum, 0;
$L__turn:
and.b32 %r_ph, %r_i, 1;
xor.b32 %r_np, %r_ph, 1;
""" + wait(bar + "empty", "%r_np") + f"""
add.s32 %r_v, %r_a, %r_i;
st.shared::cluster.b32 [%r_there], %r_v;
bar.warp.sync -1;
@%p_l bra $L__sent;
mbarrier.arrive.shared::cluster.b64 _, [{bar}rfull];
$L__sent:
bar.warp.sync -1;
""" + wait(bar + "full", "%r_ph") + f"""
ld.shared.b32 %r_v, [%d_mine];
mad.lo.s32 %r_sum, %r_sum, 3, %r_v;
bar.sync 0;
@%p_t bra $L__next;
mbarrier.arrive.shared::cluster.b64 _, [{bar}rempty];
$L__next:
add.s32 %r_i, %r_i, 1;
setp.lt.s32 %p_m, %r_i, 5;
@%p_m bra $L__turn;
st.global.b32 [%d_out], %r_sum;
barrier.cluster.arrive.release.aligned;
barrier.cluster.wait.acquire.aligned;
ret;
""", IO, {"a": rand(1024, 170), "out": out(1024)}, smem=1152, grid=2,
               cluster=2)


def transactions():
    Kernel("remote_tx", "expected bytes raised on the peer's barrier, met by "
           "st.async of every width and by red.async", PRE + """
cvt.u32.u64 %r_sm, %d_sm;
add.s32 %r_bar, %r_sm, 8192;
@%p_t bra $L__ready;
mbarrier.init.shared.b64 [%r_bar], 1;
fence.mbarrier_init.release.cluster;
$L__ready:
shl.b32 %r_t16, %r_tid, 4;
add.s32 %r_m16, %r_sm, %r_t16;
st.shared.b32 [%r_m16+6144], 1000;
barrier.cluster.arrive.release.aligned;
barrier.cluster.wait.acquire.aligned;
mapa.shared::cluster.u32 %r_rbar, %r_bar, %r_p;
mapa.shared::cluster.u32 %r_r16, %r_m16, %r_p;
@%p_t bra $L__armed;
mbarrier.arrive.expect_tx.shared::cluster.b64 _, [%r_rbar], 5632;
$L__armed:
add.s32 %r_b, %r_a, 1;
add.s32 %r_c, %r_a, 2;
add.s32 %r_d, %r_a, 3;
mov.b64 %d_x, {%r_a, %r_b};
mov.b64 %d_y, {%r_c, %r_d};
st.async.shared::cluster.mbarrier::complete_tx::bytes.v4.b32 [%r_r16], {%r_a, %r_b, %r_c, %r_d}, [%r_rbar];
st.async.shared::cluster.mbarrier::complete_tx::bytes.b64 [%r_r16+2048], %d_x, [%r_rbar];
st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.v2.b64 [%r_r16+4096], {%d_y, %d_x}, [%r_rbar];
red.async.relaxed.cluster.shared::cluster.mbarrier::complete_tx::bytes.add.u32 [%r_r16+6144], %r_tid, [%r_rbar];
""" + wait("%r_bar", "0") + """
ld.shared.v4.b32 {%r_1, %r_2, %r_3, %r_4}, [%r_m16];
ld.shared.b64 %d_5, [%r_m16+2048];
ld.shared.v2.b64 {%d_6, %d_7}, [%r_m16+4096];
ld.shared.b32 %r_8, [%r_m16+6144];
cvt.u32.u64 %r_5, %d_5;
cvt.u32.u64 %r_6, %d_6;
cvt.u32.u64 %r_7, %d_7;
mad.lo.s32 %r_1, %r_1, 3, %r_2;
mad.lo.s32 %r_1, %r_1, 5, %r_3;
mad.lo.s32 %r_1, %r_1, 7, %r_4;
mad.lo.s32 %r_1, %r_1, 11, %r_5;
mad.lo.s32 %r_1, %r_1, 13, %r_6;
mad.lo.s32 %r_1, %r_1, 17, %r_7;
mad.lo.s32 %r_1, %r_1, 19, %r_8;
st.global.b32 [%d_out], %r_1;
barrier.cluster.arrive.aligned;
barrier.cluster.wait.aligned;
ret;
""", IO, {"a": rand(1024, 171), "out": out(1024)}, smem=8256, grid=2, cluster=2)
    Kernel("dsmem_widths", "loads and stores of every width in a peer's shared "
           "memory, and its rank", PRE + """
shl.b32 %r_t16, %r_tid, 4;
cvt.u64.u32 %d_t16, %r_t16;
add.s64 %d_m16, %d_sm, %d_t16;
add.s32 %r_b, %r_a, 77;
mov.b64 %d_x, {%r_a, %r_b};
mapa.shared::cluster.u64 %d_there, %d_m16, %r_p;
getctarank.shared::cluster.u64 %r_who, %d_there;
barrier.cluster.arrive.release;
barrier.cluster.wait.acquire;
cvt.u16.u32 %h_a, %r_a;
st.shared::cluster.v4.b32 [%d_there], {%r_a, %r_b, %r_tid, %r_who};
st.shared::cluster.b64 [%d_there+2048], %d_x;
st.shared::cluster.b16 [%d_there+4096], %h_a;
st.shared::cluster.b8 [%d_there+4098], %h_a;
st.shared::cluster.v2.b32 [%d_there+6144], {%r_b, %r_a};
barrier.cluster.arrive.release;
barrier.cluster.wait.acquire;
ld.shared::cluster.v4.b32 {%r_1, %r_2, %r_3, %r_4}, [%d_there];
ld.shared.b64 %d_5, [%d_m16+2048];
ld.shared::cluster.b64 %d_6, [%d_there+2048];
ld.shared::cluster.b16 %h_7, [%d_there+4096];
ld.shared::cluster.b8 %h_8, [%d_there+4098];
ld.shared::cluster.v2.b32 {%r_9, %r_10}, [%d_there+6144];
xor.b64 %d_5, %d_5, %d_6;
cvt.u32.u64 %r_5, %d_5;
cvt.u32.u16 %r_7, %h_7;
cvt.u32.u16 %r_8, %h_8;
mad.lo.s32 %r_1, %r_1, 3, %r_2;
mad.lo.s32 %r_1, %r_1, 5, %r_3;
mad.lo.s32 %r_1, %r_1, 7, %r_4;
mad.lo.s32 %r_1, %r_1, 11, %r_5;
mad.lo.s32 %r_1, %r_1, 13, %r_7;
mad.lo.s32 %r_1, %r_1, 17, %r_8;
mad.lo.s32 %r_1, %r_1, 19, %r_9;
mad.lo.s32 %r_1, %r_1, 23, %r_10;
st.global.b32 [%d_out], %r_1;
barrier.cluster.arrive;
barrier.cluster.wait;
ret;
""", IO, {"a": rand(1024, 172), "out": out(1024)}, smem=8192, grid=2, cluster=2)


def peeks():
    """A ring of one slot: the consumer asks for the next turn before it has
    released this one, so that the first answer may be no, and waits only where
    it was. The producer does the same."""
    Kernel("try_wait_peek", "try_wait whose result is carried over the loop, a "
           "ring of one slot, nine turns", TID + load_ptr("%d_a", 0) +
           load_ptr("%d_out", 1) + """
mov.b64 %d_sm, smem;
shr.u32 %r_w, %r_tid, 5;
and.b32 %r_l, %r_tid, 31;
mul.wide.u32 %d_lane, %r_l, 4;
setp.ne.b32 %p_t, %r_tid, 0;
@%p_t bra $L__ready;
mbarrier.init.shared.b64 [smem+1024], 1;
mbarrier.init.shared.b64 [smem+1032], 1;
fence.mbarrier_init.release.cluster;
$L__ready:
bar.sync 0;
add.s64 %d_full, %d_sm, 1024;
add.s64 %d_empty, %d_sm, 1032;
add.s64 %d_slot, %d_sm, %d_lane;
setp.ne.b32 %p_l, %r_l, 0;
mov.b32 %r_i, 0;
mov.b32 %r_sum, 0;
setp.ne.b32 %p_c, %r_w, 1;
@%p_c bra $L__consumer;
mbarrier.try_wait.parity.shared.b64 %p_pk, [%d_empty], 1;
$L__produce:
and.b32 %r_ph, %r_i, 1;
xor.b32 %r_np, %r_ph, 1;
@%p_pk bra $L__free;
""" + wait("%d_empty", "%r_np") + """
$L__free:
mul.wide.u32 %d_g, %r_i, 128;
add.s64 %d_g, %d_a, %d_g;
add.s64 %d_g, %d_g, %d_lane;
ld.global.b32 %r_v, [%d_g];
st.shared.b32 [%d_slot], %r_v;
bar.warp.sync -1;
mbarrier.try_wait.parity.shared.b64 %p_pk, [%d_empty], %r_ph;
@%p_l bra $L__filled;
mbarrier.arrive.shared.b64 %d_s0, [%d_full];
$L__filled:
bar.warp.sync -1;
add.s32 %r_i, %r_i, 1;
setp.lt.s32 %p_m, %r_i, 9;
@%p_m bra $L__produce;
ret;
$L__consumer:
mbarrier.try_wait.parity.shared.b64 %p_pk, [%d_full], 0;
$L__consume:
and.b32 %r_ph, %r_i, 1;
xor.b32 %r_np, %r_ph, 1;
@%p_pk bra $L__there;
""" + wait("%d_full", "%r_ph") + """
$L__there:
ld.shared.b32 %r_v, [%d_slot];
mad.lo.s32 %r_sum, %r_sum, 3, %r_v;
bar.warp.sync -1;
mbarrier.try_wait.parity.shared.b64 %p_pk, [%d_full], %r_np;
@%p_l bra $L__released;
mbarrier.arrive.shared.b64 %d_s1, [%d_empty];
$L__released:
bar.warp.sync -1;
add.s32 %r_i, %r_i, 1;
setp.lt.s32 %p_m, %r_i, 9;
@%p_m bra $L__consume;
add.s64 %d_out, %d_out, %d_lane;
st.global.b32 [%d_out], %r_sum;
ret;
""", IO, {"a": rand(9 * 128, 173), "out": out(128)}, block=64, smem=1152)


HINTED = "mbarrier::complete_tx::bytes"


def boxes():
    """Loads, multicasts, prefetches, stores and f32 reductions of boxes, with a
    cache hint each."""
    m = tensor_map("a", "f32", [32, 64], [32, 8], 128)
    t = tensor_map("out", "f32", [32, 64], [32, 8], 128)
    where0, c0 = coords([0, 16])
    body = TID + "mov.b64 %d_map, $P0;\ncvta.param.u64 %d_map, %d_map;\n" \
        "mov.b64 %d_to, $P1;\ncvta.param.u64 %d_to, %d_to;\n"
    body += where0 + f"""
mov.b64 %d_sm, smem;
mov.u32 %r_rank, %cluster_ctarank;
mov.u32 %r_cta, %ctaid.x;
createpolicy.fractional.L2::evict_first.b64 %d_first, 1.0;
createpolicy.fractional.L2::evict_last.b64 %d_last, 1.0;
add.s64 %d_bar, %d_sm, 4096;
setp.ne.b32 %p_t, %r_tid, 0;
@%p_t bra $L__ready;
prefetch.tensormap [%d_map];
prefetch.tensormap [%d_to];
mbarrier.init.shared.b64 [%d_bar], 1;
fence.mbarrier_init.release.cluster;
mbarrier.arrive.expect_tx.shared.b64 _, [%d_bar], 3072;
cp.async.bulk.prefetch.tensor.2d.L2.global.tile [%d_map, {c0}];
cp.async.bulk.prefetch.tensor.2d.L2.global.tile.L2::cache_hint [%d_map, {c0}], %d_last;
$L__ready:
{MEET}
@%p_t bra $L__issued;
mul.lo.s32 %r_y, %r_cta, 8;
add.s32 %r_y, %r_y, 24;
shl.b32 %r_half, %r_rank, 10;
cvt.u64.u32 %d_half, %r_half;
add.s64 %d_half, %d_sm, %d_half;
add.s64 %d_third, %d_sm, 2048;
mov.b16 %h_both, 3;
cp.async.bulk.tensor.2d.shared::cluster.global.tile.{HINTED}.multicast::cluster.L2::cache_hint [%d_half], [%d_map, {{%r_c0, %r_y}}], [%d_bar], %h_both, %d_first;
cp.async.bulk.tensor.2d.shared::cluster.global.tile.{HINTED}.L2::cache_hint [%d_third], [%d_map, {c0}], [%d_bar], %d_last;
$L__issued:
bar.warp.sync -1;
""" + wait("%d_bar", "0") + f"""
bar.sync 0;
fence.proxy.async.shared::cta;
@%p_t bra $L__end;
mul.lo.s32 %r_z, %r_cta, 24;
add.s32 %r_z1, %r_z, 8;
add.s64 %d_m1, %d_sm, 1024;
cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group.L2::cache_hint [%d_to, {{%r_c0, %r_z}}], [%d_sm], %d_first;
cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [%d_to, {{%r_c0, %r_z1}}], [%d_m1];
cp.async.bulk.commit_group;
cp.async.bulk.wait_group 0;
cp.reduce.async.bulk.tensor.2d.global.shared::cta.add.tile.bulk_group.L2::cache_hint [%d_to, {{%r_c0, %r_z}}], [%d_third], %d_last;
cp.async.bulk.commit_group;
cp.async.bulk.wait_group 0;
$L__end:
barrier.cluster.arrive.release.aligned;
barrier.cluster.wait.acquire.aligned;
ret;
"""
    Kernel("tma_hints", "boxes with cache hints: multicast, prefetch, store and "
           "f32 reduction", body, [m, t],
           {"a": rand(8192, 174, **F32), "out": out(8192, 0x3F800000)},
           smem=4160, grid=2, cluster=2)
    for rank, dims, box in ((1, [256], [64]), (3, [32, 8, 4], [32, 2, 2])):
        t = tensor_map("out", "f32", dims, box)
        size = 4 * dims[0] * (dims[1] * dims[2] if rank == 3 else 1)
        count = box[0] * (box[1] * box[2] if rank == 3 else 1)
        first, ca = coords([64, 2, 1][:rank] if rank == 1 else [0, 2, 1])
        Kernel(f"tma_reduce_add_f32_{rank}d", f"f32 reductions of {rank}-D "
               "boxes, twice over the same box", TID + load_ptr("%d_a", 1) +
               "mov.b64 %d_map, $P0;\ncvta.param.u64 %d_map, %d_map;\n"
               "mov.b64 %d_sm, smem;\n" +
               copy_loop("in", "%d_a", "%d_sm", count, 128, "global", "shared")
               + f"""
fence.proxy.async.shared::cta;
bar.sync 0;
setp.ne.b32 %p_t, %r_tid, 0;
@%p_t bra $L__end;
{first}
cp.reduce.async.bulk.tensor.{rank}d.global.shared::cta.add.tile.bulk_group [%d_map, {ca}], [%d_sm];
cp.async.bulk.commit_group;
cp.async.bulk.wait_group 0;
cp.reduce.async.bulk.tensor.{rank}d.global.shared::cta.add.tile.bulk_group [%d_map, {ca}], [%d_sm];
cp.async.bulk.commit_group;
cp.async.bulk.wait_group 0;
$L__end:
ret;
""", [t, {"buffer": "data"}], {"data": rand(4 * count, 175, **F32),
                               "out": rand(size, 176, out=True, **F32)},
               smem=4 * count)
    Kernel("bulk_hints", "one-dimensional bulk copies with cache hints", TID +
           load_ptr("%d_a", 0) + load_ptr("%d_out", 1) + f"""
mov.b64 %d_sm, smem;
createpolicy.fractional.L2::evict_first.b64 %d_first, 1.0;
add.s64 %d_bar, %d_sm, 1024;
setp.ne.b32 %p_t, %r_tid, 0;
@%p_t bra $L__end;
mbarrier.init.shared.b64 [%d_bar], 1;
fence.mbarrier_init.release.cluster;
mbarrier.arrive.expect_tx.shared.b64 _, [%d_bar], 1024;
cp.async.bulk.prefetch.L2.global.L2::cache_hint [%d_a], 1024, %d_first;
cp.async.bulk.shared::cluster.global.{HINTED}.L2::cache_hint [%d_sm], [%d_a], 1024, [%d_bar], %d_first;
""" + wait("%d_bar", "0") + """
cp.async.bulk.global.shared::cta.bulk_group.L2::cache_hint [%d_out], [%d_sm], 512, %d_first;
add.s64 %d_o1, %d_out, 512;
add.s64 %d_s1, %d_sm, 512;
cp.reduce.async.bulk.global.shared::cta.bulk_group.L2::cache_hint.add.f32 [%d_o1], [%d_s1], 512, %d_first;
cp.async.bulk.commit_group;
cp.async.bulk.wait_group 0;
$L__end:
ret;
""", IO, {"a": rand(1024, 177, **F32), "out": rand(1024, 178, out=True, **F32)},
           smem=1088)


def grids():
    Kernel("grid_wait", "eight CTAs meet through global memory, twice: a count "
           "that is released and acquired, and flags", TID + load_ptr("%d_a", 0)
           + load_ptr("%d_n", 1) + load_ptr("%d_out", 2) + """
mov.u32 %r_cta, %ctaid.x;
mad.lo.s32 %r_g, %r_cta, 128, %r_tid;
mul.wide.u32 %d_o, %r_g, 4;
add.s64 %d_a, %d_a, %d_o;
ld.global.b32 %r_a, [%d_a];
add.s64 %d_mine, %d_out, %d_o;
st.global.b32 [%d_mine], %r_a;
bar.sync 0;
setp.ne.b32 %p_t, %r_tid, 0;
@%p_t bra $L__met;
red.release.gpu.global.add.s32 [%d_n], 1;
$L__count:
ld.acquire.gpu.global.b32 %r_n, [%d_n];
setp.lt.s32 %p_n, %r_n, 8;
@%p_n bra $L__count;
$L__met:
bar.sync 0;
xor.b32 %r_h, %r_g, 640;
mul.wide.u32 %d_h, %r_h, 4;
add.s64 %d_h, %d_out, %d_h;
ld.relaxed.gpu.global.b32 %r_v, [%d_h];
mad.lo.s32 %r_v, %r_v, 3, %r_a;
add.s64 %d_second, %d_mine, 4096;
st.relaxed.gpu.global.b32 [%d_second], %r_v;
bar.sync 0;
@%p_t bra $L__flagged;
fence.acq_rel.gpu;
mul.wide.u32 %d_f, %r_cta, 8;
add.s64 %d_f, %d_n, %d_f;
mov.b64 %d_one, 1;
st.release.sys.global.b64 [%d_f+64], %d_one;
xor.b32 %r_q, %r_cta, 3;
mul.wide.u32 %d_q, %r_q, 8;
add.s64 %d_q, %d_n, %d_q;
$L__flag:
ld.acquire.sys.global.b64 %d_v, [%d_q+64];
setp.eq.s64 %p_f, %d_v, 0;
@%p_f bra $L__flag;
$L__flagged:
bar.sync 0;
xor.b32 %r_h, %r_g, 384;
mul.wide.u32 %d_h, %r_h, 4;
add.s64 %d_h, %d_out, %d_h;
ld.relaxed.gpu.global.b32 %r_w, [%d_h+4096];
mad.lo.s32 %r_w, %r_w, 5, %r_v;
st.global.b32 [%d_mine+8192], %r_w;
red.release.sys.global.add.u32 [%d_n+4], 1;
atom.add.acq_rel.gpu.global.u64 %d_u, [%d_n+8], 1;
ret;
""", [{"buffer": "a"}, {"buffer": "n"}, {"buffer": "out"}],
           {"a": rand(4096, 179), "n": out(256), "out": out(3 * 4096)}, grid=8)
    Kernel("griddepcontrol_late", "a dependent launch that does its own work "
           "before it waits, and launches its own dependents",
           {"first": TID + load_ptr("%d_a", 0) + load_ptr("%d_m", 1) + """
mul.wide.u32 %d_o, %r_tid, 4;
add.s64 %d_a, %d_a, %d_o;
add.s64 %d_m, %d_m, %d_o;
griddepcontrol.wait;
griddepcontrol.launch_dependents;
ld.global.b32 %r_v, [%d_a];
nanosleep.u32 10000;
st.global.b32 [%d_m], %r_v;
ret;
""", "second": TID + load_ptr("%d_a", 0) + load_ptr("%d_m", 1) +
            load_ptr("%d_out", 2) + """
mul.wide.u32 %d_o, %r_tid, 4;
add.s64 %d_a, %d_a, %d_o;
add.s64 %d_m, %d_m, %d_o;
add.s64 %d_out, %d_out, %d_o;
ld.global.b32 %r_a, [%d_a];
griddepcontrol.launch_dependents;
griddepcontrol.wait;
ld.global.b32 %r_v, [%d_m];
mad.lo.s32 %r_v, %r_v, 3, %r_a;
st.global.b32 [%d_out], %r_v;
ret;
"""}, [{"buffer": "a"}, {"buffer": "m"}, {"buffer": "out"}],
           {"a": rand(512, 180), "m": zero(512), "out": out(512)},
           launches=[{"entry": "first"}, {"entry": "second", "pdl": True},
                     {"entry": "first", "pdl": True},
                     {"entry": "second", "pdl": True}])


def make():
    releases()
    transactions()
    peeks()
    boxes()
    grids()
