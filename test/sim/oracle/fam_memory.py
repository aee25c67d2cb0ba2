# ===- fam_memory.py - warps, state spaces, atomics, fences ----------------===//
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Kernels of shuffles and votes, loads and stores of every space and width,
atomics with scopes, fences, ldmatrix and stmatrix."""

from ptxkit import *

N = 128 * 4
IO = [{"buffer": "a"}, {"buffer": "out"}]


def per_thread(name, about, body, results, params=None, buffers=None, seed=40,
               words=1, **kw):
    """A thread has `words` words of `a` at [%d_a] (first in %r_a) and stores
    the registers `results` (b32) at [%d_out]."""
    size = 128 * 4
    text = (TID + load_ptr("%d_a", 0) + load_ptr("%d_out", 1) +
            f"mul.wide.u32 %d_o, %r_tid, {4 * words};\n"
            "add.s64 %d_a, %d_a, %d_o;\nld.global.b32 %r_a, [%d_a];\n"
            f"mul.wide.u32 %d_o, %r_tid, {4 * max(1, len(results))};\n"
            "add.s64 %d_out, %d_out, %d_o;\n")
    text += body
    for i, r in enumerate(results):
        text += f"st.global.b32 [%d_out+{4 * i}], {r};\n"
    Kernel(name, about, text + "ret;\n", params or IO,
           buffers or {"a": rand(size * words, seed),
                       "out": out(size * max(1, len(results)))}, **kw)


def warp():
    body, res = "", []
    for i, (mode, lane, clamp) in enumerate([
            ("idx", "0", "31"), ("idx", "7", "6175"), ("idx", "%r_l", "31"),
            ("up", "1", "0"), ("up", "3", "6144"), ("down", "1", "31"),
            ("down", "5", "7199"), ("bfly", "1", "31"), ("bfly", "16", "31"),
            ("bfly", "%r_m", "31")]):
        if i == 0:
            body += "and.b32 %r_l, %r_a, 31;\nmov.b32 %r_m, 5;\n"
        body += (f"shfl.sync.{mode}.b32 %r_s{i}|%p_s{i}, %r_a, {lane}, {clamp},"
                 f" -1;\nselp.b32 %r_q{i}, 1, 0, %p_s{i};\n")
        res += [f"%r_s{i}", f"%r_q{i}"]
    body += "shfl.sync.idx.b32 %r_plain, %r_tid, 0, 31, -1;\n"
    per_thread("shfl", "shuffles of every mode, segments and out-of-range lanes",
               body, res + ["%r_plain"])
    per_thread("shfl_subset", "a shuffle among the lanes of a mask", """
mov.b32 %r_s, 0;
and.b32 %r_b, %r_tid, 31;
setp.lt.u32 %p_a, %r_b, 12;
@!%p_a bra $L__skip;
shfl.sync.bfly.b32 %r_s, %r_a, 3, 31, 4095;
shfl.sync.down.b32 %r_s, %r_s, 2, 31, 4095;
setp.gt.u32 %p_b, %r_b, 9;
selp.b32 %r_s, 0, %r_s, %p_b;
$L__skip:
bar.warp.sync -1;
""", ["%r_s"])
    per_thread("vote", "votes over full and partial masks", """
setp.gt.s32 %p_a, %r_a, 0;
setp.ne.b32 %p_t, %r_a, 0;
vote.sync.all.pred %p_1, %p_t, -1;
vote.sync.any.pred %p_2, %p_a, -1;
vote.sync.uni.pred %p_3, %p_a, -1;
vote.sync.ballot.b32 %r_4, %p_a, -1;
selp.b32 %r_1, 1, 0, %p_1;
selp.b32 %r_2, 1, 0, %p_2;
selp.b32 %r_3, 1, 0, %p_3;
mov.b32 %r_5, 0;
and.b32 %r_b, %r_tid, 1;
setp.eq.b32 %p_b, %r_b, 1;
@!%p_b bra $L__skip;
vote.sync.ballot.b32 %r_5, !%p_a, -1431655766;
$L__skip:
bar.warp.sync -1;
activemask.b32 %r_6;
match.any.sync.b32 %r_7, %r_b, -1;
""", ["%r_1", "%r_2", "%r_3", "%r_4", "%r_5", "%r_6", "%r_7"])
    per_thread("elect", "elect.sync on full and partial masks", """
elect.sync %r_1|%p_1, -1;
selp.b32 %r_2, 1, 0, %p_1;
mov.b32 %r_3, 77;
mov.b32 %r_4, 77;
and.b32 %r_b, %r_tid, 31;
setp.lt.u32 %p_a, %r_b, 20;
@%p_a bra $L__skip;
elect.sync %r_3|%p_3, -1048576;
selp.b32 %r_4, 1, 0, %p_3;
$L__skip:
bar.warp.sync -1;
""", ["%r_1", "%r_2", "%r_3", "%r_4"])
    ops = ["add.s32", "min.s32", "max.s32", "add.u32", "min.u32", "max.u32",
           "and.b32", "or.b32", "xor.b32"]
    per_thread("redux", "warp reductions of integers", "".join(
        f"redux.sync.{op} %r_{i}, %r_a, -1;\n" for i, op in enumerate(ops)),
        [f"%r_{i}" for i in range(len(ops))])


def spaces():
    per_thread("global_widths", "global loads and stores of every width", """
ld.global.b8 %h_1, [%d_a+5];
ld.global.b16 %h_2, [%d_a+6];
ld.global.b64 %d_3, [%d_a+8];
ld.global.v2.b32 {%r_4, %r_5}, [%d_a+16];
ld.global.v4.b32 {%r_6, %r_7, %r_8, %r_9}, [%d_a+32];
ld.global.v2.b64 {%d_10, %d_11}, [%d_a+48];
ld.global.nc.b32 %r_12, [%d_a+4];
ld.global.nc.v4.b32 {%r_13, %r_14, %r_15, %r_16}, [%d_a+16];
ld.global.nc.b64 %d_17, [%d_a+40];
ld.global.v4.b16 {%h_18, %h_19, %h_20, %h_21}, [%d_a+24];
ld.global.u8 %r_22, [%d_a+1];
ld.global.s8 %r_23, [%d_a+2];
ld.global.s16 %r_24, [%d_a+2];
ld.global.u16 %r_25, [%d_a+12];
ld.global.L1::no_allocate.b32 %r_26, [%d_a+60];
mad.lo.s32 %r_at, %r_tid, 128, 0;
ld.param.b64 %d_q, [$P1];
cvta.to.global.u64 %d_q, %d_q;
mul.wide.u32 %d_z, %r_tid, 128;
add.s64 %d_q, %d_q, %d_z;
st.global.b8 [%d_q+1], %h_1;
st.global.b16 [%d_q+2], %h_2;
st.global.b64 [%d_q+8], %d_3;
st.global.v2.b32 [%d_q+16], {%r_4, %r_5};
st.global.v4.b32 [%d_q+32], {%r_6, %r_7, %r_8, %r_9};
st.global.v2.b64 [%d_q+48], {%d_10, %d_11};
st.global.b32 [%d_q+24], %r_12;
st.global.v4.b32 [%d_q+64], {%r_13, %r_14, %r_15, %r_16};
st.global.b64 [%d_q+80], %d_17;
st.global.v4.b16 [%d_q+88], {%h_18, %h_19, %h_20, %h_21};
st.global.v4.b32 [%d_q+96], {%r_22, %r_23, %r_24, %r_25};
st.global.b32 [%d_q+112], %r_26;
""", [], words=16, buffers={"a": rand(N * 16, 41), "out": out(N * 32)})
    per_thread("shared_widths", "shared loads and stores of every width",
               "mov.b64 %d_sm, smem;\nmul.wide.u32 %d_z, %r_tid, 64;\n"
               "add.s64 %d_t, %d_sm, %d_z;\n"
               "ld.global.v4.b32 {%r_1, %r_2, %r_3, %r_4}, [%d_a];\n"
               "cvt.u16.u32 %h_1, %r_3;\n"
               "mov.b64 %d_1, {%r_2, %r_1};\n" """
st.shared.v4.b32 [%d_t], {%r_1, %r_2, %r_3, %r_4};
st.shared.v2.b32 [%d_t+16], {%r_4, %r_3};
st.shared.b64 [%d_t+24], %d_1;
st.shared.b32 [%d_t+32], %r_2;
st.shared.b16 [%d_t+36], %h_1;
st.shared.b8 [%d_t+38], %h_1;
st.shared.b8 [%d_t+39], %h_1;
st.shared.v2.b64 [%d_t+48], {%d_1, %d_1};
st.shared.v2.b16 [%d_t+40], {%h_1, %h_1};
st.shared.b32 [%d_t+44], 17;
bar.sync 0;
xor.b32 %r_x, %r_tid, 33;
mul.wide.u32 %d_z, %r_x, 64;
add.s64 %d_t, %d_sm, %d_z;
ld.shared.v4.b32 {%r_11, %r_12, %r_13, %r_14}, [%d_t];
ld.shared.v2.b32 {%r_15, %r_16}, [%d_t+16];
ld.shared.b64 %d_17, [%d_t+24];
mov.b64 {%r_17, %r_18}, %d_17;
ld.shared.b32 %r_19, [%d_t+32];
ld.shared.b16 %h_2, [%d_t+36];
cvt.u32.u16 %r_20, %h_2;
ld.shared.b8 %h_3, [%d_t+38];
cvt.u32.u16 %r_21, %h_3;
ld.shared.s8 %r_22, [%d_t+39];
ld.shared.v2.b64 {%d_4, %d_5}, [%d_t+48];
mov.b64 {%r_23, %r_24}, %d_5;
ld.shared.u16 %r_25, [%d_t+42];
ld.shared.s16 %r_26, [%d_t+40];
ld.shared.b32 %r_27, [smem+44];
""", [f"%r_{i}" for i in range(11, 28)], words=4, smem=8192)
    per_thread("generic_address", "generic, shared and global addresses", """
mov.b64 %d_sm, smem;
mul.wide.u32 %d_z, %r_tid, 4;
add.s64 %d_t, %d_sm, %d_z;
cvta.shared.u64 %d_g, %d_t;
st.b32 [%d_g], %r_a;
bar.sync 0;
cvt.u32.u64 %r_t, %d_t;
xor.b32 %r_t, %r_t, 124;
ld.shared.b32 %r_1, [%r_t];
cvta.global.u64 %d_h, %d_a;
ld.b32 %r_2, [%d_h];
isspacep.shared %p_1, %d_g;
isspacep.global %p_2, %d_g;
selp.b32 %r_3, 1, 0, %p_1;
selp.b32 %r_4, 1, 0, %p_2;
cvta.to.shared.u64 %d_b, %d_g;
ld.shared.b32 %r_5, [%d_b];
setp.eq.b64 %p_3, %d_b, %d_t;
selp.b32 %r_6, 1, 0, %p_3;
""", ["%r_1", "%r_2", "%r_3", "%r_4", "%r_5", "%r_6"], smem=1024)
    per_thread("local_memory", "a local array with computed indices", """
.local .align 16 .b8 depot[64];
mov.b64 %d_l, depot;
cvta.local.u64 %d_lg, %d_l;
st.local.v2.b32 [%d_l], {%r_a, %r_tid};
add.s32 %r_1, %r_a, 1;
add.s32 %r_2, %r_a, 2;
st.local.b32 [%d_l+8], %r_1;
st.local.b32 [%d_l+12], %r_2;
and.b32 %r_i, %r_a, 3;
mul.wide.u32 %d_i, %r_i, 4;
add.s64 %d_j, %d_l, %d_i;
ld.local.b32 %r_3, [%d_j];
add.s64 %d_k, %d_lg, %d_i;
ld.b32 %r_4, [%d_k];
""", ["%r_3", "%r_4"])
    per_thread("param_bytes", "a struct parameter and scalars of every width", """
ld.param.b32 %r_1, [$P2];
ld.param.b32 %r_2, [$P2+4];
ld.param.b64 %d_3, [$P2+8];
mov.b64 {%r_3, %r_4}, %d_3;
ld.param.b8 %h_5, [$P2+17];
cvt.u32.u16 %r_5, %h_5;
ld.param.b16 %h_6, [$P3];
cvt.u32.u16 %r_6, %h_6;
ld.param.b64 %d_7, [$P4];
mov.b64 {%r_7, %r_8}, %d_7;
ld.param.b32 %r_9, [$P5];
ld.param.v2.b32 {%r_10, %r_11}, [$P2+8];
""", [f"%r_{i}" for i in range(1, 12)],
        params=IO + [{"bytes": list(range(101, 125))}, {"u16": 65432},
                     {"u64": 0x123456789ABCDEF0}, {"u32": 0xDEADBEEF}])
    Kernel("module_variables", "initialised .global and .const variables",
           TID + load_ptr("%d_out", 0) + """
and.b32 %r_i, %r_tid, 3;
mul.wide.u32 %d_i, %r_i, 4;
mov.b64 %d_t, table;
add.s64 %d_t, %d_t, %d_i;
ld.global.b32 %r_1, [%d_t];
mov.b64 %d_c, consts;
add.s64 %d_c, %d_c, %d_i;
ld.const.b32 %r_2, [%d_c];
ld.const.b32 %r_3, [consts+8];
mul.wide.u32 %d_o, %r_tid, 12;
add.s64 %d_out, %d_out, %d_o;
st.global.b32 [%d_out], %r_1;
st.global.b32 [%d_out+4], %r_2;
st.global.b32 [%d_out+8], %r_3;
ret;
""", [{"buffer": "out"}], {"out": out(N * 3)},
        extra=".global .align 4 .b32 table[4] = {11, 22, 33, 44};\n"
              ".const .align 16 .b8 consts[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, "
              "10, 11, 12, 13, 14, 15, 16};\n\n")
    per_thread("memory_order", "volatile, relaxed, acquire and release accesses",
               """
mov.b64 %d_sm, smem;
mul.wide.u32 %d_z, %r_tid, 4;
add.s64 %d_t, %d_sm, %d_z;
ld.volatile.global.b32 %r_1, [%d_a];
ld.relaxed.gpu.global.b32 %r_2, [%d_a];
ld.acquire.gpu.global.b32 %r_3, [%d_a];
ld.acquire.sys.global.b32 %r_4, [%d_a];
st.volatile.shared.b32 [%d_t], %r_a;
ld.volatile.shared.b32 %r_5, [%d_t];
st.relaxed.gpu.global.b32 [%d_out], %r_a;
st.release.gpu.global.b32 [%d_out+4], %r_a;
st.release.sys.global.b32 [%d_out+8], %r_a;
st.volatile.global.b32 [%d_out+12], %r_a;
st.release.cta.shared.b32 [%d_t], %r_tid;
ld.acquire.cta.shared.b32 %r_6, [%d_t];
ld.relaxed.cluster.global.b32 %r_7, [%d_a];
""", ["%r_1", "%r_2", "%r_3", "%r_4", "%r_5", "%r_6", "%r_7"], smem=512)


def atomics():
    ops = [("add.u32", "%r_a"), ("add.s32", "-5"), ("min.s32", "%r_a"),
           ("max.s32", "%r_a"), ("min.u32", "%r_a"), ("max.u32", "%r_a"),
           ("and.b32", "%r_a"), ("or.b32", "%r_a"), ("xor.b32", "%r_a"),
           ("exch.b32", "%r_a"), ("inc.u32", "%r_a"), ("dec.u32", "%r_a"),
           ("cas.b32", "-1, %r_a"), ("add.f32", "0f3FC00000")]
    for space in ("global", "shared"):
        text, res = "", []
        if space == "global":
            text += (load_ptr("%d_m", 2) + f"mul.wide.u32 %d_z, %r_tid, "
                     f"{4 * len(ops)};\nadd.s64 %d_m, %d_m, %d_z;\n")
        else:
            text += ("mov.b64 %d_sm, smem;\nmul.wide.u32 %d_z, %r_tid, "
                     f"{4 * len(ops)};\nadd.s64 %d_m, %d_sm, %d_z;\n")
            for i in range(len(ops)):
                text += (f"add.s32 %r_n, %r_a, {i * 77 - 300};\n"
                         f"st.shared.b32 [%d_m+{4 * i}], %r_n;\n")
        for i, (op, value) in enumerate(ops):
            scope = ["", ".relaxed.gpu", ".acq_rel.gpu", ".release.sys",
                     ".acquire.cta", ".relaxed.cluster"][i % 6]
            text += f"atom{scope}.{space}.{op} %r_{i}, [%d_m+{4 * i}], {value};\n"
            res.append(f"%r_{i}")
        if space == "shared":
            for i in range(len(ops)):
                text += f"ld.shared.b32 %r_f{i}, [%d_m+{4 * i}];\n"
                res.append(f"%r_f{i}")
        bufs = {"a": rand(N, 50), "out": out(N * len(res))}
        params = list(IO)
        if space == "global":
            bufs["m"] = rand(N * len(ops), 51, out=True, words=[0xFFFFFFFF] * 20)
            params.append({"buffer": "m"})
        per_thread(f"atom_{space}", f"every atomic on {space} memory, one thread "
                   "to an address", text, res, params=params, buffers=bufs,
                   smem=0 if space == "global" else 128 * 4 * len(ops))
    per_thread("red_contended", "reductions of 256 threads into a few words", """
ld.param.b64 %d_m, [$P2];
cvta.to.global.u64 %d_m, %d_m;
and.b32 %r_s, %r_a, 255;
cvt.rn.f32.u32 %r_f, %r_s;
red.global.add.u32 [%d_m], %r_a;
red.relaxed.gpu.global.add.f32 [%d_m+4], %r_f;
red.global.min.s32 [%d_m+8], %r_a;
red.global.max.u32 [%d_m+12], %r_a;
red.global.or.b32 [%d_m+16], %r_s;
red.global.and.b32 [%d_m+20], %r_a;
red.release.gpu.global.add.u32 [%d_m+24], 1;
cvt.u64.u32 %d_v, %r_a;
red.global.add.u64 [%d_m+32], %d_v;
mov.b32 %r_h1, 1006648320;
red.global.add.noftz.f16x2 [%d_m+40], %r_h1;
mov.b32 %r_b1, 1065369472;
red.global.add.noftz.bf16x2 [%d_m+44], %r_b1;
atom.global.add.u64 %d_w, [%d_m+48], 3;
red.global.xor.b32 [%d_m+56], %r_a;
red.relaxed.sys.global.inc.u32 [%d_m+60], 99;
red.global.add.v4.f32 [%d_m+64], {%r_f, %r_f, %r_f, %r_f};
""", [], params=IO + [{"buffer": "m"}], grid=2,
        buffers={"a": rand(N, 52), "out": out(4),
                 "m": {"bytes": 80, "init": {"words": [0] * 5 + [0xFFFFFFFF]},
                       "out": True}})
    per_thread("fences", "a flag handed between CTAs through each fence", """
ld.param.b64 %d_m, [$P2];
cvta.to.global.u64 %d_m, %d_m;
mov.u32 %r_cta, %ctaid.x;
setp.ne.b32 %p_c, %r_cta, 0;
mul.wide.u32 %d_z, %r_tid, 4;
add.s64 %d_d, %d_m, %d_z;
@%p_c bra $L__consumer;
st.global.b32 [%d_d+256], %r_a;
fence.acq_rel.gpu;
membar.gl;
bar.sync 0;
setp.ne.b32 %p_t, %r_tid, 0;
@%p_t bra $L__end;
fence.sc.gpu;
red.release.gpu.global.add.u32 [%d_m], 1;
bra.uni $L__end;
$L__consumer:
ld.acquire.gpu.global.b32 %r_f, [%d_m];
setp.eq.b32 %p_f, %r_f, 0;
@%p_f bra $L__consumer;
fence.acq_rel.cluster;
fence.acq_rel.sys;
fence.acq_rel.cta;
membar.cta;
ld.global.b32 %r_v, [%d_d+256];
st.global.b32 [%d_out], %r_v;
$L__end:
""", [], params=IO + [{"buffer": "m"}], grid=2,
        buffers={"a": rand(N, 53), "out": out(N), "m": zero(256 + N)})


def matrices():
    """ldmatrix and stmatrix: 1, 2 and 4 matrices, plain and transposed."""
    for trans in ("", ".trans"):
        text, res = ("mov.b64 %d_sm, smem;\nmul.wide.u32 %d_z, %r_tid, 16;\n"
                     "add.s64 %d_t, %d_sm, %d_z;\n"
                     "ld.global.v4.b32 {%r_1, %r_2, %r_3, %r_4}, [%d_a];\n"
                     "st.shared.v4.b32 [%d_t], {%r_1, %r_2, %r_3, %r_4};\n"
                     "bar.sync 0;\n"
                     # A row of each lane's own: a permutation of the 128 rows.
                     "mad.lo.s32 %r_row, %r_tid, 37, 11;\n"
                     "and.b32 %r_row, %r_row, 127;\n"
                     "mul.wide.u32 %d_z, %r_row, 16;\n"
                     "add.s64 %d_t, %d_sm, %d_z;\n"), []
        for x in (1, 2, 4):
            regs = [f"%r_m{x}{i}" for i in range(x)]
            text += (f"ldmatrix.sync.aligned.m8n8.x{x}{trans}.shared.b16 "
                     "{%s}, [%%d_t];\n" % ", ".join(regs))
            res += regs
        per_thread("ldmatrix" + trans.replace(".", "_"),
                   "ldmatrix of 1, 2 and 4 matrices" + trans, text, res,
                   words=4, smem=2048, seed=54)
        text, res = (fill_shared(0xCDCDCDCD, 3 * 512, 128) + "bar.sync 0;\n"
                     "ld.global.v4.b32 {%r_1, %r_2, %r_3, %r_4}, [%d_a];\n"
                     "mad.lo.s32 %r_row, %r_tid, 37, 11;\n"
                     "and.b32 %r_row, %r_row, 127;\n"
                     "mul.wide.u32 %d_z, %r_row, 16;\n"
                     "add.s64 %d_t, %d_sm, %d_z;\n"), []
        for n, x in enumerate((1, 2, 4)):
            regs = ", ".join(f"%r_{i + 1}" for i in range(x))
            text += (f"stmatrix.sync.aligned.m8n8.x{x}{trans}.shared.b16 "
                     f"[%d_t+{n * 2048}], {{{regs}}};\n")
        text += "bar.sync 0;\nld.param.b64 %d_q, [$P1];\n" \
                "cvta.to.global.u64 %d_q, %d_q;\n" + copy_loop(
                    "out", "%d_sm", "%d_q", 1536, 128, "shared", "global")
        per_thread("stmatrix" + trans.replace(".", "_"),
                   "stmatrix of 1, 2 and 4 matrices" + trans, text, [],
                   words=4, smem=6144,
                   buffers={"a": rand(2048, 55), "out": out(6144)})


def make():
    warp()
    spaces()
    atomics()
    matrices()
