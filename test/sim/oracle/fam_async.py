# ===- fam_async.py - barriers, bulk copies, clusters ----------------------===//
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Kernels of named barriers, mbarriers, one-dimensional bulk copies, clusters
and distributed shared memory, setmaxnreg and programmatic launch. The tensor
copies are in fam_tma.py."""

import fam_tma
from ptxkit import *

OUT = [{"buffer": "out"}]
IO = [{"buffer": "a"}, {"buffer": "out"}]


def named():
    pre = TID + load_ptr("%d_a", 0) + load_ptr("%d_out", 1) + """
mov.b64 %d_sm, smem;
mul.wide.u32 %d_o, %r_tid, 4;
add.s64 %d_a, %d_a, %d_o;
add.s64 %d_out, %d_out, %d_o;
add.s64 %d_t, %d_sm, %d_o;
ld.global.b32 %r_a, [%d_a];
"""
    Kernel("bar_named", "named barriers of two warpgroups, register numbers, "
           "arrive and sync", pre + """
shr.u32 %r_g, %r_tid, 7;
add.s32 %r_id, %r_g, 1;
st.shared.b32 [%d_t], %r_a;
bar.sync %r_id, 128;
xor.b32 %r_x, %r_tid, 96;
mul.wide.u32 %d_x, %r_x, 4;
add.s64 %d_y, %d_sm, %d_x;
ld.shared.b32 %r_v, [%d_y];
bar.sync %r_id, 128;
setp.ne.b32 %p_g, %r_g, 0;
@%p_g bra $L__second;
st.shared.b32 [%d_t], %r_v;
bar.arrive 5, 256;
st.global.b32 [%d_out], %r_v;
ret;
$L__second:
barrier.sync 5, 256;
sub.s32 %r_x, %r_tid, 128;
mul.wide.u32 %d_x, %r_x, 4;
add.s64 %d_y, %d_sm, %d_x;
ld.shared.b32 %r_w, [%d_y];
add.s32 %r_v, %r_v, %r_w;
st.global.b32 [%d_out], %r_v;
ret;
""", IO, {"a": rand(1024, 60), "out": out(1024)}, block=256, smem=1024)
    Kernel("bar_reduce", "barriers that reduce a predicate", pre + """
setp.gt.s32 %p_a, %r_a, 0;
barrier.cta.red.popc.aligned.u32 %r_1, 0, %p_a;
barrier.cta.red.and.aligned.pred %p_2, 0, %p_a;
barrier.cta.red.or.aligned.pred %p_3, 1, 128, %p_a;
selp.b32 %r_2, 16384, 0, %p_2;
selp.b32 %r_3, 32768, 0, %p_3;
or.b32 %r_1, %r_1, %r_2;
or.b32 %r_1, %r_1, %r_3;
barrier.sync.aligned 0;
barrier.cta.sync.aligned 0;
st.global.b32 [%d_out], %r_1;
ret;
""", IO, {"a": rand(512, 61), "out": out(512)}, smem=512)


def mbarriers():
    """A single thread steps a barrier; results recorded after each step."""

    def steps(name, about, text):
        """`>` lines: test both parities and store two words."""
        body, n = "", 0
        for line in text.strip().split("\n"):
            if line.strip() != ">":
                body += line + "\n"
                continue
            for parity in (0, 1):
                body += (f"mbarrier.test_wait.parity.shared.b64 %p_q, [%d_sm], "
                         f"{parity};\nselp.b32 %r_q, 1, 0, %p_q;\n"
                         f"st.global.b32 [%d_out+{4 * n}], %r_q;\n")
                n += 1
        body = (TID + load_ptr("%d_out", 0) + "setp.ne.b32 %p_t, %r_tid, 0;\n"
                "@%p_t bra $L__end;\nmov.b64 %d_sm, smem;\n"
                "cvt.u32.u64 %r_sm, %d_sm;\n" + body + "$L__end:\nret;\n")
        Kernel(name, about, body, OUT, {"out": out(256)}, block=32, smem=64)

    steps("mbarrier_parity", "counts and parity over five phases", """
mbarrier.init.shared.b64 [%d_sm], 2;
fence.mbarrier_init.release.cluster;
>
mbarrier.arrive.shared.b64 %d_s0, [%d_sm];
>
mbarrier.arrive.shared.b64 %d_s1, [%d_sm];
>
mbarrier.arrive.shared.b64 %d_s2, [%d_sm];
>
mbarrier.arrive.shared.b64 %d_s3, [%d_sm];
>
mbarrier.arrive.shared.b64 %d_s4, [%d_sm], 2;
>
mbarrier.arrive.shared.b64 _, [%d_sm], 1;
mbarrier.arrive.release.cta.shared::cta.b64 %d_s5, [%d_sm];
>
mbarrier.arrive.shared.b64 %d_s6, [%d_sm], 2;
>
""")
    steps("mbarrier_state", "test_wait on states, and pending_count", """
mbarrier.init.shared.b64 [%d_sm], 5;
mbarrier.arrive.shared.b64 %d_s0, [%d_sm];
mbarrier.pending_count.b64 %r_c0, %d_s0;
mbarrier.arrive.shared.b64 %d_s1, [%d_sm], 3;
mbarrier.pending_count.b64 %r_c1, %d_s1;
mbarrier.test_wait.shared.b64 %p_a, [%d_sm], %d_s1;
selp.b32 %r_a, 1, 0, %p_a;
mbarrier.arrive.shared.b64 %d_s2, [%d_sm];
mbarrier.pending_count.b64 %r_c2, %d_s2;
mbarrier.test_wait.shared.b64 %p_b, [%d_sm], %d_s1;
selp.b32 %r_b, 1, 0, %p_b;
mbarrier.arrive.noComplete.shared.b64 %d_s3, [%d_sm], 2;
mbarrier.pending_count.b64 %r_c3, %d_s3;
mbarrier.test_wait.shared.b64 %p_c, [%d_sm], %d_s3;
selp.b32 %r_c, 1, 0, %p_c;
mbarrier.try_wait.shared.b64 %p_d, [%d_sm], %d_s2;
selp.b32 %r_d, 1, 0, %p_d;
st.global.b32 [%d_out+64], %r_c0;
st.global.b32 [%d_out+68], %r_c1;
st.global.b32 [%d_out+72], %r_a;
st.global.b32 [%d_out+76], %r_c2;
st.global.b32 [%d_out+80], %r_b;
st.global.b32 [%d_out+84], %r_c3;
st.global.b32 [%d_out+88], %r_c;
st.global.b32 [%d_out+92], %r_d;
>
""")
    steps("mbarrier_expect_tx", "transaction counts raised and met by hand", """
mbarrier.init.shared.b64 [%d_sm], 1;
mov.b32 %r_tx, 96;
mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [%d_sm], 32;
>
mbarrier.arrive.expect_tx.shared.b64 %d_s0, [%d_sm], %r_tx;
>
mbarrier.complete_tx.relaxed.cta.shared::cta.b64 [%d_sm], 100;
>
mbarrier.complete_tx.relaxed.cta.shared::cta.b64 [%d_sm], 28;
>
mbarrier.complete_tx.relaxed.cta.shared::cta.b64 [%d_sm], 64;
>
mbarrier.arrive.expect_tx.shared.b64 %d_s1, [%d_sm], 64;
>
mbarrier.arrive.expect_tx.release.cta.shared::cta.b64 %d_s2, [%d_sm], 0;
>
mbarrier.arrive.shared.b64 %d_s3, [%d_sm];
>
""")
    steps("mbarrier_drop", "arrivals that leave the barrier; re-initialisation",
          """
mbarrier.init.shared.b64 [%d_sm], 3;
mbarrier.arrive_drop.shared.b64 %d_s0, [%d_sm];
>
mbarrier.arrive.shared.b64 %d_s1, [%d_sm], 2;
>
mbarrier.arrive.shared.b64 %d_s2, [%d_sm];
>
mbarrier.arrive.shared.b64 %d_s3, [%d_sm];
>
mbarrier.inval.shared.b64 [%d_sm];
mbarrier.init.shared.b64 [%d_sm], 1;
>
mbarrier.arrive.shared.b64 %d_s4, [%d_sm];
>
""")
    Kernel("mbarrier_ring", "a producer warp and two consumer warps over a ring "
           "of three slots, eleven turns", TID + load_ptr("%d_a", 0) +
           load_ptr("%d_out", 1) + """
mov.b64 %d_sm, smem;
shr.u32 %r_w, %r_tid, 5;
and.b32 %r_l, %r_tid, 31;
setp.ne.b32 %p_t, %r_tid, 0;
@%p_t bra $L__ready;
mbarrier.init.shared.b64 [smem+1024], 1;
mbarrier.init.shared.b64 [smem+1032], 1;
mbarrier.init.shared.b64 [smem+1040], 1;
mbarrier.init.shared.b64 [smem+1048], 2;
mbarrier.init.shared.b64 [smem+1056], 2;
mbarrier.init.shared.b64 [smem+1064], 2;
fence.mbarrier_init.release.cluster;
$L__ready:
bar.sync 0;
mov.b32 %r_slot, 0;
mov.b32 %r_phase, 0;
mov.b32 %r_i, 0;
mov.b32 %r_sum, 0;
mul.wide.u32 %d_lane, %r_l, 4;
setp.ne.b32 %p_c, %r_w, 2;
$L__turn:
mul.wide.u32 %d_b, %r_slot, 8;
add.s64 %d_b, %d_sm, %d_b;
add.s64 %d_full, %d_b, 1024;
add.s64 %d_empty, %d_b, 1048;
mul.wide.u32 %d_d, %r_slot, 128;
add.s64 %d_d, %d_sm, %d_d;
add.s64 %d_d, %d_d, %d_lane;
@%p_c bra $L__consume;
xor.b32 %r_np, %r_phase, 1;
""" + wait("%d_empty", "%r_np") + """
mul.wide.u32 %d_g, %r_i, 128;
add.s64 %d_g, %d_a, %d_g;
add.s64 %d_g, %d_g, %d_lane;
ld.global.b32 %r_v, [%d_g];
st.shared.b32 [%d_d], %r_v;
bar.warp.sync -1;
elect.sync %r_e|%p_el, -1;
@%p_el mbarrier.arrive.shared.b64 %d_s0, [%d_full];
bra.uni $L__next;
$L__consume:
""" + wait("%d_full", "%r_phase") + """
ld.shared.b32 %r_v, [%d_d];
mad.lo.s32 %r_sum, %r_sum, 3, %r_v;
bar.warp.sync -1;
setp.ne.b32 %p_l, %r_l, 0;
@%p_l bra $L__next;
mbarrier.arrive.shared.b64 %d_s1, [%d_empty];
$L__next:
bar.warp.sync -1;
add.s32 %r_slot, %r_slot, 1;
setp.eq.b32 %p_3, %r_slot, 3;
selp.b32 %r_slot, 0, %r_slot, %p_3;
selp.b32 %r_f, 1, 0, %p_3;
xor.b32 %r_phase, %r_phase, %r_f;
add.s32 %r_i, %r_i, 1;
setp.lt.s32 %p_m, %r_i, 11;
@%p_m bra $L__turn;
mul.wide.u32 %d_o, %r_tid, 4;
add.s64 %d_out, %d_out, %d_o;
st.global.b32 [%d_out], %r_sum;
ret;
""", IO, {"a": rand(11 * 128, 62), "out": out(96 * 4)}, block=96, smem=2048)


def bulk():
    setup = (TID + load_ptr("%d_a", 0) + load_ptr("%d_out", 1) +
             fill_shared(0xA5A5A5A5, 1024, 128) + """
setp.ne.b32 %p_t, %r_tid, 0;
@%p_t bra $L__ready;
mbarrier.init.shared.b64 [smem+4096], 1;
fence.mbarrier_init.release.cluster;
$L__ready:
fence.proxy.async.shared::cta;
bar.sync 0;
add.s64 %d_bar, %d_sm, 4096;
cvt.u32.u64 %r_sm, %d_sm;
""")
    Kernel("bulk_load", "bulk copies global to shared, three on one barrier",
           setup + """
@%p_t bra $L__issued;
add.s64 %d_d1, %d_sm, 1040;
add.s64 %d_g1, %d_a, 2064;
add.s64 %d_d2, %d_sm, 3072;
add.s64 %d_g2, %d_a, 16;
mov.b32 %r_n, 512;
cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%d_sm], [%d_a], %r_n, [%d_bar];
cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%d_d1], [%d_g1], 48, [%d_bar];
cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%d_d2], [%d_g2], 16, [%d_bar];
mbarrier.arrive.expect_tx.shared.b64 %d_s0, [%d_bar], 576;
$L__issued:
bar.warp.sync -1;
""" + wait("%d_bar", "0") + copy_loop("out", "%d_sm", "%d_out", 1024, 128,
                                      "shared", "global") + "ret;\n",
           IO, {"a": rand(4096, 63), "out": out(4096)}, smem=4608)
    Kernel("bulk_store", "bulk copies shared to global in two groups", TID +
           load_ptr("%d_a", 0) + load_ptr("%d_out", 1) + "mov.b64 %d_sm, smem;\n"
           + copy_loop("in", "%d_a", "%d_sm", 1024, 128, "global", "shared") + """
fence.proxy.async.shared::cta;
bar.sync 0;
setp.ne.b32 %p_t, %r_tid, 0;
@%p_t bra $L__end;
cp.async.bulk.prefetch.L2.global [%d_a], 256;
add.s64 %d_s1, %d_sm, 1040;
add.s64 %d_o1, %d_out, 2064;
cp.async.bulk.global.shared::cta.bulk_group [%d_out], [%d_sm], 512;
cp.async.bulk.commit_group;
cp.async.bulk.global.shared::cta.bulk_group [%d_o1], [%d_s1], 48;
cp.async.bulk.commit_group;
cp.async.bulk.wait_group.read 1;
st.shared.b32 [smem], 0;
cp.async.bulk.wait_group.read 0;
cp.async.bulk.wait_group 0;
$L__end:
ret;
""", IO, {"a": rand(4096, 64), "out": out(4096, 0x77777777)}, smem=4096)
    kinds = ["add.u32", "add.f32", "min.s32", "max.u32", "and.b32", "or.b32",
             "xor.b32", "add.noftz.f16", "add.noftz.bf16", "inc.u32", "add.u64",
             "min.bf16", "max.f16"]
    text = ""
    for i, kind in enumerate(kinds):
        text += (f"add.s64 %d_s{i}, %d_sm, {128 * i};\n"
                 f"add.s64 %d_o{i}, %d_out, {128 * i};\n"
                 "cp.reduce.async.bulk.global.shared::cta.bulk_group."
                 f"{kind} [%d_o{i}], [%d_s{i}], 128;\n")
    words = len(kinds) * 32
    Kernel("bulk_reduce", "bulk reductions of every type: " + ", ".join(kinds),
           TID + load_ptr("%d_a", 0) + load_ptr("%d_out", 1) +
           "mov.b64 %d_sm, smem;\n" +
           copy_loop("in", "%d_a", "%d_sm", words, 128, "global", "shared") + """
fence.proxy.async.shared::cta;
bar.sync 0;
setp.ne.b32 %p_t, %r_tid, 0;
@%p_t bra $L__end;
""" + text + """
cp.async.bulk.commit_group;
cp.async.bulk.wait_group 0;
$L__end:
ret;
""", IO, {"a": rand(words * 4, 65, **F32),
          "out": rand(words * 4, 66, out=True, **F32)}, smem=words * 4)
    Kernel("bulk_dsmem", "a bulk copy into the peer's shared memory, completing "
           "on the peer's barrier", setup + """
mov.u32 %r_rank, %cluster_ctarank;
xor.b32 %r_peer, %r_rank, 1;
add.s32 %r_src, %r_sm, 1024;
@%p_t bra $L__armed;
mbarrier.arrive.expect_tx.shared.b64 %d_s0, [%d_bar], 256;
$L__armed:
mul.wide.u32 %d_z, %r_rank, 1024;
add.s64 %d_a, %d_a, %d_z;
add.s64 %d_src, %d_sm, 1024;
""" + copy_loop("in", "%d_a", "%d_src", 256, 128, "global", "shared") + """
fence.proxy.async.shared::cta;
barrier.cluster.arrive.aligned;
barrier.cluster.wait.aligned;
@%p_t bra $L__sent;
mapa.shared::cluster.u32 %r_dst, %r_sm, %r_peer;
add.s32 %r_rbar, %r_dst, 4096;
cp.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes [%r_dst], [%r_src], 256, [%r_rbar];
$L__sent:
bar.warp.sync -1;
""" + wait("%d_bar", "0") + """
mul.wide.u32 %d_z, %r_rank, 4096;
add.s64 %d_out, %d_out, %d_z;
""" + copy_loop("out", "%d_sm", "%d_out", 1024, 128, "shared", "global") + """
barrier.cluster.arrive.aligned;
barrier.cluster.wait.aligned;
ret;
""", IO, {"a": rand(2048, 67), "out": out(8192)}, smem=4608, grid=2, cluster=2)


def clusters():
    pre = TID + load_ptr("%d_a", 0) + load_ptr("%d_out", 1) + """
mov.b64 %d_sm, smem;
cvt.u32.u64 %r_sm, %d_sm;
mov.u32 %r_rank, %cluster_ctarank;
mov.u32 %r_cta, %ctaid.x;
mad.lo.s32 %r_g, %r_cta, 128, %r_tid;
mul.wide.u32 %d_o, %r_g, 4;
add.s64 %d_a, %d_a, %d_o;
add.s64 %d_out, %d_out, %d_o;
ld.global.b32 %r_a, [%d_a];
shl.b32 %r_t4, %r_tid, 2;
add.s32 %r_mine, %r_sm, %r_t4;
"""
    Kernel("dsmem_access", "loads, stores and atomics in a peer's shared memory,"
           " clusters of four", pre + """
st.shared.b32 [%r_mine], %r_a;
st.shared.b32 [%r_mine+512], %r_tid;
st.shared.b32 [%r_mine+1024], 0;
barrier.cluster.arrive.release.aligned;
barrier.cluster.wait.acquire.aligned;
add.s32 %r_p, %r_rank, 1;
and.b32 %r_p, %r_p, 3;
mapa.shared::cluster.u32 %r_there, %r_mine, %r_p;
ld.shared::cluster.b32 %r_1, [%r_there];
atom.shared::cluster.add.u32 %r_2, [%r_there+512], %r_rank;
st.shared::cluster.b32 [%r_there+1024], %r_1;
cvta.shared.u64 %d_gen, %d_sm;
mapa.u64 %d_there, %d_gen, %r_p;
ld.b32 %r_3, [%d_there];
getctarank.shared::cluster.u32 %r_4, %r_there;
red.relaxed.cluster.shared::cluster.xor.b32 [%r_there+1024], %r_tid;
barrier.cluster.arrive.release.aligned;
barrier.cluster.wait.acquire.aligned;
ld.shared.b32 %r_5, [%r_mine+512];
ld.shared.b32 %r_6, [%r_mine+1024];
mad.lo.s32 %r_7, %r_2, 3, %r_1;
mad.lo.s32 %r_7, %r_7, 5, %r_3;
mad.lo.s32 %r_7, %r_7, 7, %r_4;
mad.lo.s32 %r_7, %r_7, 11, %r_5;
mad.lo.s32 %r_7, %r_7, 13, %r_6;
st.global.b32 [%d_out], %r_7;
ret;
""", IO, {"a": rand(4096, 68), "out": out(4096)}, smem=1536, grid=8, cluster=4)
    Kernel("remote_arrive", "arrivals on the peers' mbarriers, two phases", pre +
           """
setp.ne.b32 %p_t, %r_tid, 0;
add.s32 %r_bar, %r_sm, 1024;
@%p_t bra $L__init;
mbarrier.init.shared.b64 [%r_bar], 5;
fence.mbarrier_init.release.cluster;
$L__init:
barrier.cluster.arrive.relaxed.aligned;
barrier.cluster.wait.aligned;
xor.b32 %r_p, %r_rank, 1;
mapa.shared::cluster.u32 %r_rbar, %r_bar, %r_p;
mapa.shared::cluster.u32 %r_there, %r_mine, %r_p;
st.shared::cluster.b32 [%r_there], %r_a;
and.b32 %r_l, %r_tid, 31;
setp.ne.b32 %p_l, %r_l, 0;
bar.warp.sync -1;
@%p_l bra $L__a0;
mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%r_rbar];
$L__a0:
@%p_t bra $L__a1;
mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%r_bar];
$L__a1:
$L__w0:
mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 %p_w, [%r_bar], 0;
@!%p_w bra $L__w0;
ld.shared.b32 %r_1, [%r_mine];
barrier.cluster.arrive.aligned;
barrier.cluster.wait.aligned;
@%p_t bra $L__a2;
mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%r_rbar], 4;
mbarrier.arrive.shared.b64 %d_s, [%r_bar];
$L__a2:
bar.warp.sync -1;
""" + wait("%r_bar", "1") + """
add.s32 %r_1, %r_1, %r_rank;
st.global.b32 [%d_out], %r_1;
barrier.cluster.arrive.aligned;
barrier.cluster.wait.aligned;
ret;
""", IO, {"a": rand(2048, 69), "out": out(2048)}, smem=1152, grid=4, cluster=2)
    Kernel("remote_expect_tx", "transaction bytes of st.async on a peer's "
           "barrier", pre + """
setp.ne.b32 %p_t, %r_tid, 0;
add.s32 %r_bar, %r_sm, 1024;
@%p_t bra $L__init;
mbarrier.init.shared.b64 [%r_bar], 1;
fence.mbarrier_init.release.cluster;
mbarrier.arrive.expect_tx.shared.b64 %d_s, [%r_bar], 512;
$L__init:
barrier.cluster.arrive.aligned;
barrier.cluster.wait.aligned;
xor.b32 %r_p, %r_rank, 1;
mapa.shared::cluster.u32 %r_rbar, %r_bar, %r_p;
mapa.shared::cluster.u32 %r_there, %r_mine, %r_p;
st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.b32 [%r_there], %r_a, [%r_rbar];
""" + wait("%r_bar", "0") + """
ld.shared.b32 %r_1, [%r_mine];
st.global.b32 [%d_out], %r_1;
barrier.cluster.arrive.aligned;
barrier.cluster.wait.aligned;
ret;
""", IO, {"a": rand(1024, 70), "out": out(1024)}, smem=1152, grid=2, cluster=2)


def control():
    Kernel("setmaxnreg", "register counts of three warpgroups", TID +
           load_ptr("%d_a", 0) + load_ptr("%d_out", 1) + """
mul.wide.u32 %d_o, %r_tid, 4;
add.s64 %d_a, %d_a, %d_o;
add.s64 %d_out, %d_out, %d_o;
bar.sync 0;
setp.gt.u32 %p_p, %r_tid, 255;
@%p_p bra $L__producer;
setmaxnreg.inc.sync.aligned.u32 232;
ld.global.b32 %r_v, [%d_a];
add.s32 %r_v, %r_v, 232;
st.global.b32 [%d_out], %r_v;
bra.uni $L__end;
$L__producer:
setmaxnreg.dec.sync.aligned.u32 40;
ld.global.b32 %r_v, [%d_a];
add.s32 %r_v, %r_v, 40;
st.global.b32 [%d_out], %r_v;
$L__end:
ret;
""", IO, {"a": rand(1536, 71), "out": out(1536)}, block=384,
        attrs=".minnctapersm 1\n")
    first = TID + load_ptr("%d_a", 0) + load_ptr("%d_m", 1) + """
mul.wide.u32 %d_o, %r_tid, 4;
add.s64 %d_a, %d_a, %d_o;
add.s64 %d_m, %d_m, %d_o;
ld.global.b32 %r_v, [%d_a];
griddepcontrol.launch_dependents;
nanosleep.u32 20000;
add.s32 %r_v, %r_v, 1000;
st.global.b32 [%d_m], %r_v;
ret;
"""
    second = TID + load_ptr("%d_m", 1) + load_ptr("%d_out", 2) + """
mul.wide.u32 %d_o, %r_tid, 4;
add.s64 %d_m, %d_m, %d_o;
add.s64 %d_out, %d_out, %d_o;
griddepcontrol.wait;
ld.global.b32 %r_v, [%d_m];
add.s32 %r_v, %r_v, %r_v;
st.global.b32 [%d_out], %r_v;
ret;
"""
    Kernel("griddepcontrol", "a dependent launch that waits for its primary",
           {"first": first, "second": second},
           [{"buffer": "a"}, {"buffer": "m"}, {"buffer": "out"}],
           {"a": rand(512, 72), "m": zero(512), "out": out(512)},
           launches=[{"entry": "first"}, {"entry": "second", "pdl": True}])


def make():
    named()
    mbarriers()
    bulk()
    clusters()
    control()
    fam_tma.make()
