# ===- fam_scalar.py - integer, float, convert, predicates, branches ------===//
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Kernels of one thread's arithmetic: every thread applies each operation to
its own words of three inputs and stores 8 bytes for each result."""

import re
from ptxkit import *

THREADS = 128


def scalar(name, about, ops, a=None, b=None, c=None):
    """`ops`: PTX with @A @B @C (b32 inputs), @X = (A,B), @Y = (C,A) (b64),
    @H @I (b16: low halves of A and B) and one result @o (b32), @d (b64),
    @h (b16) or @p (predicate)."""
    body = TID + load_ptr("%d_out", 3)
    for i, r in enumerate("abc"):
        body += load_ptr("%d_in" + r, i)
        body += (f"mul.wide.u32 %d_o{r}, %r_tid, 4;\n"
                 f"add.s64 %d_in{r}, %d_in{r}, %d_o{r};\n"
                 f"ld.global.b32 %r_{r}, [%d_in{r}];\n")
    body += ("mov.b64 %d_x, {%r_a, %r_b};\nmov.b64 %d_y, {%r_c, %r_a};\n"
             "cvt.u16.u32 %h_h, %r_a;\ncvt.u16.u32 %h_i, %r_b;\n")
    body += (f"mul.wide.u32 %d_oo, %r_tid, {8 * len(ops)};\n"
             "add.s64 %d_out, %d_out, %d_oo;\n")
    names = {"A": "%r_a", "B": "%r_b", "C": "%r_c", "X": "%d_x", "Y": "%d_y",
             "H": "%h_h", "I": "%h_i"}
    for n, op in enumerate(ops):
        kind = re.search(r"@([odhp])", op).group(1)
        reg = {"o": "%r_", "d": "%d_", "h": "%h_", "p": "%p_"}[kind] + f"z{n}"
        text = re.sub(r"@([ABCXYHI])(?!\w)", lambda m: names[m.group(1)], op)
        text = re.sub(r"@[odhp](?!\w)", reg, text).replace("; ", ";\n")
        body += text + ";\n"
        if kind == "p":
            body += f"selp.b32 %r_y{n}, 1, 0, {reg};\n"
            reg, kind = f"%r_y{n}", "o"
        width = {"o": "b32", "d": "b64", "h": "b16"}[kind]
        body += f"st.global.{width} [%d_out+{8 * n}], {reg};\n"
    size = THREADS * 4
    Kernel(name, about, body + "ret;\n",
           [{"buffer": "a"}, {"buffer": "b"}, {"buffer": "c"},
            {"buffer": "out"}],
           {"a": a or rand(size, 1), "b": b or rand(size, 2),
            "c": c or rand(size, 3), "out": out(THREADS * 8 * len(ops))},
           block=THREADS)


EDGE = [0, 1, 2, 31, 32, 33, 63, 64, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
        0xFFFFFF80, 128, 7, 0x55555555, 0xAAAAAAAA]


def integer():
    n = THREADS * 4
    edge = lambda s, m=0xFFFFFFFF: rand(n, s, mask=m, words=[
        EDGE[(i * s) % 16] for i in range(48)])
    ab = dict(a=edge(1), b=edge(3), c=edge(5))
    scalar("int_add_mul", "32-bit add, sub, mul, mad, min, max", [
        "add.s32 @o, @A, @B", "sub.s32 @o, @A, @B", "mul.lo.s32 @o, @A, @B",
        "mul.hi.s32 @o, @A, @B", "mul.hi.u32 @o, @A, @B",
        "mad.lo.s32 @o, @A, @B, @C", "mad.lo.s32 @o, @A, -7, @C",
        "min.s32 @o, @A, @B", "min.u32 @o, @A, @B", "max.s32 @o, @A, @B",
        "max.u32 @o, @A, @B", "abs.s32 @o, @A", "neg.s32 @o, @A",
        "add.s32 @o, @A, -128"], **ab)
    scalar("int_wide", "64-bit integers and widening", [
        "mul.wide.u32 @d, @A, @B", "mul.wide.s32 @d, @A, @B",
        "mul.wide.u32 @d, @A, 4", "mad.wide.u32 @d, @A, @B, @Y",
        "mad.wide.s32 @d, @A, @B, @Y", "mul.lo.s64 @d, @X, @Y",
        "mul.hi.u64 @d, @X, @Y", "mad.lo.s64 @d, @X, @Y, @X",
        "add.s64 @d, @X, @Y", "sub.s64 @d, @X, @Y", "min.s64 @d, @X, @Y",
        "max.u64 @d, @X, @Y", "cvt.u64.u32 @d, @A", "cvt.s64.s32 @d, @A",
        "cvt.u32.u64 @o, @X", "neg.s64 @d, @X"], **ab)
    scalar("int_shift", "shifts, also by more than the width, and bit fields", [
        "and.b32 %r_s, @B, 63; shl.b32 @o, @A, %r_s", "shl.b32 @o, @A, @B",
        "shr.u32 @o, @A, @B", "and.b32 %r_s, @B, 63; shr.u32 @o, @A, %r_s",
        "and.b32 %r_s, @B, 63; shr.s32 @o, @A, %r_s", "shr.s32 @o, @A, 31",
        "and.b32 %r_s, @B, 127; shl.b64 @d, @Y, %r_s",
        "and.b32 %r_s, @B, 127; shr.u64 @d, @Y, %r_s",
        "and.b32 %r_s, @B, 127; shr.s64 @d, @Y, %r_s",
        "bfe.u32 @o, @A, 2, 3", "bfe.u32 @o, @A, @B, @C",
        "bfe.s32 @o, @A, 4, 9", "bfe.s32 @o, @A, @B, @C",
        "bfi.b32 @o, @A, @B, 5, 11", "bfi.b32 @o, @A, @C, @B, @C",
        "shf.l.wrap.b32 @o, @A, @B, @C", "shf.r.wrap.b32 @o, @A, @B, @C",
        "shf.r.clamp.b32 @o, @A, @B, @C"], **ab)
    nz = rand(n, 9, bits=1, mask=0xFFFF0FFF,
              words=[(i % 13 + 1) * (1 if i % 3 else -1) & 0xFFFFFFFF
                     for i in range(40)])
    scalar("int_div", "division and remainder", [
        "div.u32 @o, @A, @B", "div.s32 @o, @A, @B", "rem.u32 @o, @A, @B",
        "rem.s32 @o, @A, @B", "div.u32 @o, @A, 24", "rem.u32 @o, @A, 5",
        "div.u64 @d, @Y, @X", "rem.u64 @d, @Y, @X", "div.s64 @d, @Y, @X",
        "rem.s64 @d, @Y, @X"], a=edge(1, 0x7FFFFFFF), b=nz, c=edge(5))
    scalar("int_logic", "bitwise operations and bit counts", [
        "and.b32 @o, @A, @B", "or.b32 @o, @A, @B", "xor.b32 @o, @A, @B",
        "not.b32 @o, @A", "and.b64 @d, @X, @Y", "or.b64 @d, @X, @Y",
        "xor.b64 @d, @X, @Y", "not.b64 @d, @X",
        "lop3.b32 @o, @A, @B, @C, 0xE8", "lop3.b32 @o, @A, @B, @C, 0x96",
        "prmt.b32 @o, @A, @B, 0x5140", "prmt.b32 @o, @A, @B, 0x9BDF",
        "prmt.b32 @o, @A, @B, @C", "popc.b32 @o, @A", "clz.b32 @o, @A",
        "brev.b32 @o, @A", "popc.b64 @o, @X", "clz.b64 @o, @X",
        "bfind.u32 @o, @A", "and.b16 @h, @H, @I", "or.b16 @h, @H, @I",
        "xor.b16 @h, @H, @I"], **ab)
    same = rand(n, 3, mask=3, words=EDGE * 3)
    ops = [f"setp.{c}.{t} @p, @A, @B" for t in ("s32", "u32")
           for c in ("eq", "ne", "lt", "le", "gt", "ge")
           if t == "s32" or c not in ("eq", "ne")]
    ops += ["setp.eq.b32 @p, @A, @B", "setp.ne.b32 @p, @A, @B",
            "setp.lt.s64 @p, @X, @Y", "setp.ge.u64 @p, @X, @Y",
            "setp.ne.b64 @p, @X, @Y", "setp.eq.s64 @p, @X, @Y",
            "setp.gt.s16 @p, @H, @I", "setp.ne.b16 @p, @H, @I",
            "setp.lt.u16 @p, @H, @I"]
    scalar("int_setp", "comparisons of integers", ops,
           a=rand(n, 1, mask=3, words=EDGE * 3), b=same, c=same)
    pq = "setp.lt.s32 %p_a, @A, @B; setp.gt.u32 %p_b, @A, @C; "
    scalar("pred_logic", "logic on predicates and selects", [
        pq + "and.pred @p, %p_a, %p_b", pq + "or.pred @p, %p_a, %p_b",
        pq + "xor.pred @p, %p_a, %p_b", pq + "not.pred @p, %p_a",
        pq + "selp.b32 @o, @A, @B, %p_b", pq + "selp.b64 @d, @X, @Y, %p_a",
        pq + "selp.b16 @h, @H, @I, %p_a", pq + "selp.b32 @o, 1, 0, %p_a",
        pq + "setp.lt.and.s32 @p, @A, @C, %p_b",
        pq + "setp.ge.or.u32 @p, @A, @C, !%p_b",
        pq + "mov.b32 @o, 5; @%p_a add.s32 @o, @A, 1",
        pq + "mov.b32 @o, 6; @!%p_b sub.s32 @o, @A, 1",
        pq + "mov.pred @p, %p_a"], **ab)
    scalar("int_small", "8- and 16-bit arithmetic and conversions", [
        "add.s16 @h, @H, @I", "sub.s16 @h, @H, @I", "mul.lo.s16 @h, @H, @I",
        "mul.wide.s16 @o, @H, @I", "mul.wide.u16 @o, @H, @I",
        "shl.b16 @h, @H, 3", "shr.u16 @h, @H, 5", "shr.s16 @h, @H, 5",
        "cvt.u32.u16 @o, @H", "cvt.s32.s16 @o, @H", "cvt.u32.u8 @o, @A",
        "cvt.s32.s8 @o, @A", "cvt.s32.s16 @o, @A", "cvt.u16.u32 @h, @A",
        "cvt.u64.u16 @d, @H", "mov.b32 @o, {@H, @I}",
        "mov.b32 {%h_t, %h_u}, @A; mov.b32 @o, {%h_u, %h_t}",
        "mov.b64 {%r_t, %r_u}, @X; mov.b64 @d, {%r_u, %r_t}"], **ab)


def floats():
    n = THREADS * 4
    S = SPECIAL_F32
    a = rand(n, 11, words=S + S)
    b = rand(n, 12, words=S[7:] + S[:7] + S[19:] + S[:19])
    c = rand(n, 13, words=S[3:] + S[:3] + S[11:] + S[:11])
    near = lambda s: rand(n, s, **F32)
    scalar("f32_arith", "f32 add, sub, mul, fma on specials and random bits", [
        "add.rn.f32 @o, @A, @B", "sub.rn.f32 @o, @A, @B",
        "mul.rn.f32 @o, @A, @B", "fma.rn.f32 @o, @A, @B, @C",
        "add.f32 @o, @A, @B", "mul.f32 @o, @A, @B", "neg.f32 @o, @A",
        "abs.f32 @o, @A", "min.f32 @o, @A, @B", "max.f32 @o, @A, @B",
        "min.NaN.f32 @o, @A, @B", "max.NaN.f32 @o, @A, @B",
        "mul.rn.f32 @o, @A, 0f3F000000",
        "copysign.f32 @o, @A, @B"], a=a, b=b, c=c)
    scalar("f32_near", "f32 arithmetic on numbers of similar size", [
        "add.rn.f32 @o, @A, @B", "sub.rn.f32 @o, @A, @B",
        "mul.rn.f32 @o, @A, @B", "fma.rn.f32 @o, @A, @B, @C",
        "neg.f32 %r_t, @C; fma.rn.f32 @o, @A, @B, %r_t",
        "add.rz.f32 @o, @A, @B", "fma.rz.f32 @o, @A, @B, @C",
        "add.rm.f32 @o, @A, @B", "add.rp.f32 @o, @A, @B"],
        a=near(14), b=near(15), c=near(16))
    scalar("f32_ftz", "the flush-to-zero forms", [
        "add.rn.ftz.f32 @o, @A, @B", "mul.rn.ftz.f32 @o, @A, @B",
        "fma.rn.ftz.f32 @o, @A, @B, @C", "max.ftz.f32 @o, @A, @B"],
        a=rand(n, 17, words=S, mask=0x83FFFFFF), b=rand(n, 18, words=S),
        c=rand(n, 19, words=S, mask=0x83FFFFFF))
    scalar("f32_div_sqrt", "correctly rounded division and square root", [
        "div.rn.f32 @o, @A, @B", "rcp.rn.f32 @o, @A", "sqrt.rn.f32 @o, @A"],
        a=a, b=b, c=c)
    scalar("f32_setp", "comparisons of f32, ordered and unordered", [
        f"setp.{op}.f32 @p, @A, @B" for op in (
            "eq", "ne", "lt", "le", "gt", "ge", "equ", "neu", "ltu", "leu",
            "gtu", "geu", "num", "nan")] + [
        "setp.lt.f32 %p_a, @A, @B; selp.f32 @o, @A, @B, %p_a"], a=a, b=b)
    scalar("f64_arith", "f64 add, mul, fma and conversions", [
        "add.rn.f64 @d, @X, @Y", "mul.rn.f64 @d, @X, @Y",
        "fma.rn.f64 @d, @X, @Y, @X", "cvt.f64.f32 @d, @A",
        "cvt.rn.f32.f64 @o, @X", "cvt.rn.f64.s32 @d, @A"], a=b, b=a, c=c)
    scalar("cvt_bf16_f16", "conversions between f32 and bf16, f16", [
        "cvt.rn.bf16x2.f32 @o, @A, @B", "cvt.rn.bf16.f32 @h, @A",
        "cvt.rz.bf16x2.f32 @o, @A, @B", "cvt.rn.f16x2.f32 @o, @A, @B",
        "cvt.rn.f16.f32 @h, @A", "cvt.f32.bf16 @o, @H", "cvt.f32.f16 @o, @H",
        "shl.b32 @o, @A, 16", "cvt.rn.relu.bf16x2.f32 @o, @A, @B"],
        a=a, b=b)
    g = rand(n, 20, mask=0xBFFFFFFF, bits=0x3A000000, words=S + S)
    scalar("cvt_fp8", "conversions to and from e4m3 and e5m2", [
        "cvt.rn.satfinite.e4m3x2.f32 @h, @A, @B",
        "cvt.rn.satfinite.e5m2x2.f32 @h, @A, @B",
        "cvt.rn.f16x2.e4m3x2 @o, @H", "cvt.rn.f16x2.e5m2x2 @o, @H",
        "cvt.rn.satfinite.e4m3x2.f16x2 @h, @A",
        "cvt.rn.satfinite.e5m2x2.f16x2 @h, @A"],
        a=rand(n, 20, mask=0xC7FFFFFF, words=S), b=g)
    scalar("cvt_tf32", "rounding to tf32", [
        "cvt.rna.tf32.f32 @o, @A", "cvt.rn.tf32.f32 @o, @A",
        "cvt.rz.tf32.f32 @o, @A"], a=a)
    scalar("cvt_int", "conversions between f32 and integers", [
        "cvt.rn.f32.s32 @o, @C", "cvt.rn.f32.u32 @o, @C",
        "cvt.rzi.s32.f32 @o, @A", "cvt.rzi.u32.f32 @o, @A",
        "cvt.rni.s32.f32 @o, @B", "cvt.rmi.s32.f32 @o, @B",
        "cvt.rpi.s32.f32 @o, @B", "cvt.rn.f32.u64 @o, @X",
        "cvt.rn.f32.s64 @o, @X", "cvt.rzi.s64.f32 @d, @A",
        "cvt.rni.f32.f32 @o, @B", "cvt.rmi.f32.f32 @o, @B",
        "cvt.rzi.f32.f32 @o, @B", "cvt.sat.f32.f32 @o, @B"],
        a=rand(n, 22, mask=0xDFFFFFFF, words=S),
        b=rand(n, 23, mask=0xC3FFFFFF, bits=0x40000000, words=S),
        c=rand(n, 24, words=EDGE))
    scalar("half2_arith", "packed f16 and bf16 arithmetic", [
        "fma.rn.f16x2 @o, @A, @B, @C", "add.rn.f16x2 @o, @A, @B",
        "mul.rn.f16x2 @o, @A, @B", "fma.rn.bf16x2 @o, @A, @B, @C",
        "add.rn.bf16x2 @o, @A, @B", "mul.rn.bf16x2 @o, @A, @B",
        "max.bf16x2 @o, @A, @B", "neg.bf16x2 @o, @A", "abs.f16x2 @o, @A",
        "fma.rn.bf16 @h, @H, @I, @H"], a=a, b=b, c=c)


def control():
    n = THREADS * 4
    io = [{"buffer": "a"}, {"buffer": "out"}]
    pre = (TID + load_ptr("%d_a", 0) + load_ptr("%d_out", 1) +
           "mul.wide.u32 %d_o, %r_tid, 4;\nadd.s64 %d_a, %d_a, %d_o;\n"
           "ld.global.b32 %r_a, [%d_a];\nadd.s64 %d_out, %d_out, %d_o;\n")
    Kernel("branch_nested", "nested divergent branches that reconverge",
           pre + """
mov.b32 %r_s, 0;
and.b32 %r_b, %r_a, 1;
setp.eq.b32 %p_a, %r_b, 1;
@%p_a bra $L__odd;
shr.u32 %r_c, %r_a, 1;
and.b32 %r_c, %r_c, 3;
setp.gt.u32 %p_b, %r_c, 1;
@%p_b bra $L__even_hi;
add.s32 %r_s, %r_s, 10;
bra.uni $L__even_join;
$L__even_hi:
setp.eq.b32 %p_c, %r_c, 3;
@!%p_c bra $L__even_join;
add.s32 %r_s, %r_s, 200;
$L__even_join:
add.s32 %r_s, %r_s, 3000;
bra.uni $L__join;
$L__odd:
sub.s32 %r_s, %r_s, %r_a;
$L__join:
bar.warp.sync -1;
shfl.sync.bfly.b32 %r_t, %r_s, 1, 31, -1;
xor.b32 %r_s, %r_s, %r_t;
st.global.b32 [%d_out], %r_s;
ret;
""", io, {"a": rand(n, 31), "out": out(n)})
    Kernel("branch_loop", "loops whose trip counts differ in a warp; early exit",
           pre + """
and.b32 %r_n, %r_a, 31;
mov.b32 %r_s, 1;
mov.b32 %r_i, 0;
$L__loop:
setp.ge.u32 %p_e, %r_i, %r_n;
@%p_e bra $L__done;
mad.lo.s32 %r_s, %r_s, 1664525, %r_i;
setp.gt.u32 %p_x, %r_s, -268435456;
@%p_x bra $L__quit;
add.s32 %r_i, %r_i, 1;
bra.uni $L__loop;
$L__quit:
st.global.b32 [%d_out], -1;
ret;
$L__done:
st.global.b32 [%d_out], %r_s;
ret;
""", io, {"a": rand(n, 32), "out": out(n)})
    Kernel("branch_exit", "threads that leave; the rest of the warp votes",
           pre + """
and.b32 %r_b, %r_tid, 3;
setp.eq.b32 %p_a, %r_b, 3;
@%p_a ret;
setp.gt.s32 %p_b, %r_a, 0;
vote.sync.ballot.b32 %r_s, %p_b, 2004318071;
st.global.b32 [%d_out], %r_s;
ret;
""", io, {"a": rand(n, 33), "out": out(n, 0xEEEEEEEE)})
    Kernel("brx_idx", "an indirect branch through a table", pre + """
and.b32 %r_b, %r_a, 3;
$L__table: .branchtargets $L__t0, $L__t1, $L__t2, $L__t3;
brx.idx %r_b, $L__table;
$L__t0:
mov.b32 %r_s, 100;
bra.uni $L__end;
$L__t1:
mov.b32 %r_s, 201;
bra.uni $L__end;
$L__t2:
mov.b32 %r_s, 302;
bra.uni $L__end;
$L__t3:
mov.b32 %r_s, 403;
$L__end:
st.global.b32 [%d_out], %r_s;
ret;
""", io, {"a": rand(n, 34), "out": out(n)})
    regs = ["%tid.x", "%tid.y", "%tid.z", "%ntid.x", "%ntid.y", "%ntid.z",
            "%ctaid.x", "%ctaid.y", "%ctaid.z", "%nctaid.x", "%nctaid.y",
            "%nctaid.z", "%laneid", "%clusterid.x", "%clusterid.y",
            "%nclusterid.x", "%nclusterid.y", "%cluster_ctaid.x",
            "%cluster_ctaid.y", "%cluster_nctaid.x", "%cluster_nctaid.y",
            "%cluster_ctarank", "%cluster_nctarank", "%lanemask_lt",
            "%lanemask_le", "%lanemask_eq", "%lanemask_ge", "%lanemask_gt",
            "%total_smem_size", "%dynamic_smem_size"]
    body = """
mov.u32 %r_x, %tid.x;
mov.u32 %r_y, %tid.y;
mov.u32 %r_z, %tid.z;
mad.lo.s32 %r_t, %r_z, 3, %r_y;
mad.lo.s32 %r_t, %r_t, 8, %r_x;
mov.u32 %r_cx, %ctaid.x;
mov.u32 %r_cy, %ctaid.y;
mad.lo.s32 %r_c, %r_cy, 4, %r_cx;
mad.lo.s32 %r_t, %r_c, 48, %r_t;
""" + load_ptr("%d_out", 0)
    body += (f"mul.wide.u32 %d_o, %r_t, {4 * len(regs)};\n"
             "add.s64 %d_out, %d_out, %d_o;\n")
    for i, r in enumerate(regs[:-2]):
        body += f"mov.u32 %r_s{i}, {r};\nst.global.b32 [%d_out+{4*i}], %r_s{i};\n"
    Kernel("special_registers", "thread, CTA and cluster indices; lane masks",
           body + "ret;\n", [{"buffer": "out"}],
           {"out": out(8 * 48 * 4 * len(regs))}, block=[8, 3, 2],
           grid=[4, 2, 1], cluster=[2, 2, 1])


def make():
    integer()
    floats()
    control()
