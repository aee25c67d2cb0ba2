# ===- fam_mma.py - wgmma --------------------------------------------------===//
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Warpgroup matrix products. Shared memory is filled with the bytes of `a`
and `b` as they are: what they mean is up to the descriptors (PTX ISA, matrix
descriptor of wgmma), which is what the kernel tests."""

from ptxkit import *

K_OF = {"e4m3": 32, "e5m2": 32, "bf16": 16, "f16": 16, "tf32": 8}
MASK = {"e4m3": E4M3, "e5m2": E5M2, "bf16": BF16, "f16": F16, "tf32": F32}
CODE = {0: 0, 128: 1, 64: 2, 32: 3}


def descriptor(lbo, sbo, swizzle, base=0):
    return (lbo >> 4) << 16 | (sbo >> 4) << 32 | base << 49 | CODE[swizzle] << 62


def signed(v):
    return v - (1 << 64) if v >> 63 else v


def wgmma(name, about, at, bt, n, a, b, steps=1, ka=32, kb=32, ta=0, tb=0,
          scale_d=(0,), negate=(1, 1), regs_a=False, raw=False, sizes=None,
          waits=False, repeats=1, seed=100):
    """One warpgroup, `steps` instructions along K. `a`, `b`: (lbo, sbo,
    swizzle); `ka`, `kb`: bytes from one step's start address to the next's;
    `scale_d`: of the first step (1 afterwards)."""
    size_a, size_b = sizes
    acc = n // 2
    mask = lambda t: {} if raw else MASK[t]
    body = (TID + load_ptr("%d_a", 0) + load_ptr("%d_b", 1) +
            load_ptr("%d_c", 2) + load_ptr("%d_out", 3) +
            "mov.b64 %d_sm, smem;\n" +
            copy_loop("a", "%d_a", "%d_sm", size_a // 4, 128, "global",
                      "shared") +
            f"add.s64 %d_smb, %d_sm, {-(-size_a // 1024) * 1024};\n" +
            copy_loop("b", "%d_b", "%d_smb", size_b // 4, 128, "global",
                      "shared") +
            "fence.proxy.async.shared::cta;\nbar.sync 0;\n"
            f"mul.wide.u32 %d_o, %r_tid, {4 * acc};\n"
            "add.s64 %d_c, %d_c, %d_o;\nadd.s64 %d_out, %d_out, %d_o;\n")
    for i in range(acc):
        body += f"ld.global.b32 %r_d{i}, [%d_c+{4 * i}];\n"
    if regs_a:
        body += f"mul.wide.u32 %d_o, %r_tid, {16 * steps};\n" \
                "add.s64 %d_ar, %d_a, %d_o;\n"
        for s in range(steps):
            body += "ld.global.v4.b32 {%s}, [%%d_ar+%d];\n" % (
                ", ".join(f"%r_a{s}_{i}" for i in range(4)), 16 * s)
    for side in "ab":
        body += (f"cvt.u32.u64 %r_sm{side}, %d_sm{'' if side == 'a' else 'b'};\n"
                 f"shr.u32 %r_q{side}, %r_sm{side}, 4;\n"
                 f"cvt.u64.u32 %d_q{side}, %r_q{side};\n")
    body += "wgmma.fence.sync.aligned;\n"
    regs = ", ".join(f"%r_d{i}" for i in range(acc))
    shape = f"m64n{n}k{K_OF[at]}"
    types = f"f32.{at}.{bt}"
    two_byte = at in ("bf16", "f16")
    for r in range(repeats):
        for s in range(steps):
            da = descriptor(*a) + (ka * s >> 4)
            db = descriptor(*b) + (kb * s >> 4)
            body += (f"add.s64 %d_da, %d_qa, {signed(da)};\n"
                     f"add.s64 %d_db, %d_qb, {signed(db)};\n")
            first = s == 0
            d = scale_d[r % len(scale_d)] if first else 1
            left = ("{%s}" % ", ".join(f"%r_a{s}_{i}" for i in range(4))
                    if regs_a else "%d_da")
            tail = f"p, {negate[0]}, {negate[1]}"
            if two_byte:
                tail += f", {tb}" if regs_a else f", {ta}, {tb}"
            body += ("{\n.reg .pred p;\n"
                     f"setp.ne.b32 p, {d}, 0;\n"
                     f"wgmma.mma_async.sync.aligned.{shape}.{types} {{{regs}}}, "
                     f"{left}, %d_db, {tail};\n}}\n")
            if waits:
                body += "wgmma.commit_group.sync.aligned;\n"
                body += "wgmma.wait_group.sync.aligned 1;\n"
        if not waits:
            body += "wgmma.commit_group.sync.aligned;\n"
    body += "wgmma.wait_group.sync.aligned 0;\n"
    for i in range(acc):
        body += f"st.global.b32 [%d_out+{4 * i}], %r_d{i};\n"
    smem = -(-size_a // 1024) * 1024 + -(-size_b // 1024) * 1024
    kernel = Kernel("wgmma_" + name, about, body + "ret;\n",
           [{"buffer": x} for x in ("a", "b", "c", "out")],
           {"a": rand(size_a, seed, **mask(at)),
            "b": rand(size_b, seed + 1, **mask(bt)),
            "c": rand(512 * acc, seed + 2, **({} if raw else F32)),
            "out": out(512 * acc)}, smem=smem)
    kernel.wgmma = dict(at=at, bt=bt, n=n, a=a, b=b, steps=steps, ka=ka, kb=kb,
                        ta=ta, tb=tb, scale_d=scale_d, negate=negate,
                        regs_a=regs_a, sizes=sizes, repeats=repeats)


def accumulators():
    """PTX of one instruction m64n8 for each type, without swizzle; CTA i has
    A, B, C and D of its own (numerics.py packs them)."""
    texts = {}
    for t in K_OF:
        two = ", 0, 0" if t in ("bf16", "f16") else ""
        body = TID + "mov.u32 %r_cta, %ctaid.x;\nmov.b64 %d_sm, smem;\n"
        for i, (name, size) in enumerate((("a", 2048), ("b", 256), ("c", 2048),
                                          ("out", 2048))):
            body += load_ptr(f"%d_{name}", i)
            body += (f"mul.wide.u32 %d_z, %r_cta, {size};\n"
                     f"add.s64 %d_{name}, %d_{name}, %d_z;\n")
        body += (copy_loop("a", "%d_a", "%d_sm", 512, 128, "global", "shared") +
                 "add.s64 %d_smb, %d_sm, 2048;\n" +
                 copy_loop("b", "%d_b", "%d_smb", 64, 128, "global", "shared") +
                 "fence.proxy.async.shared::cta;\nbar.sync 0;\n"
                 "mul.wide.u32 %d_o, %r_tid, 16;\nadd.s64 %d_c, %d_c, %d_o;\n"
                 "add.s64 %d_out, %d_out, %d_o;\n"
                 "ld.global.v4.b32 {%r_d0, %r_d1, %r_d2, %r_d3}, [%d_c];\n")
        for side, d in (("a", descriptor(1024, 128, 0)),
                        ("b", descriptor(128, 128, 0))):
            reg = "%d_sm" + ("" if side == "a" else "b")
            body += (f"cvt.u32.u64 %r_q{side}, {reg};\n"
                     f"shr.u32 %r_q{side}, %r_q{side}, 4;\n"
                     f"cvt.u64.u32 %d_q{side}, %r_q{side};\n"
                     f"add.s64 %d_q{side}, %d_q{side}, {d};\n")
        body += ("wgmma.fence.sync.aligned;\n{\n.reg .pred p;\n"
                 "setp.ne.b32 p, 1, 0;\nwgmma.mma_async.sync.aligned."
                 f"m64n8k{K_OF[t]}.f32.{t}.{t} {{%r_d0, %r_d1, %r_d2, %r_d3}}, "
                 f"%d_qa, %d_qb, p, 1, 1{two};\n}}\n"
                 "wgmma.commit_group.sync.aligned;\n"
                 "wgmma.wait_group.sync.aligned 0;\n"
                 "st.global.v4.b32 [%d_out], {%r_d0, %r_d1, %r_d2, %r_d3};\n"
                 "ret;\n")
        params = [{"buffer": x} for x in ("a", "b", "c", "out")]
        texts[t] = header(2304) + entry("k", body, params, [128, 1, 1], "")
    return texts


def make():
    sw = {128: (16, 1024, 128), 64: (16, 512, 64), 32: (16, 256, 32)}
    # K-major, 128-byte swizzle: 8 rows of 128 bytes to an atom, 4 steps in it.
    for at, bt, n in (("e4m3", "e4m3", 8), ("e4m3", "e4m3", 96),
                      ("e4m3", "e4m3", 128), ("e4m3", "e4m3", 256),
                      ("e5m2", "e5m2", 16), ("e4m3", "e5m2", 32),
                      ("e5m2", "e4m3", 24), ("bf16", "bf16", 64),
                      ("f16", "f16", 40), ("tf32", "tf32", 48)):
        steps = 1 if n == 256 else 4
        wgmma(f"{at}_{bt}_n{n}_sw128", f"{at}×{bt}, N={n}, K-major, 128-byte "
              f"swizzle, {steps} steps, the first ignores the accumulator",
              at, bt, n, sw[128], sw[128], steps=steps,
              sizes=(8192, n * 128), seed=100 + n)
    wgmma("e4m3_add", "one step onto given accumulators", "e4m3", "e4m3", 64,
          sw[128], sw[128], scale_d=(1,), sizes=(8192, 8192), seed=300)
    wgmma("bf16_add", "one step onto given accumulators", "bf16", "bf16", 32,
          sw[128], sw[128], scale_d=(1,), sizes=(8192, 4096), seed=303)
    wgmma("tf32_add", "one step onto given accumulators; all input bits random",
          "tf32", "tf32", 16, sw[128], sw[128], scale_d=(1,),
          sizes=(8192, 2048), seed=306)
    wgmma("e4m3_sw64", "64-byte swizzle, two steps", "e4m3", "e4m3", 32, sw[64],
          sw[64], steps=2, sizes=(4096, 2048), seed=310)
    wgmma("e4m3_sw32", "32-byte swizzle", "e4m3", "e4m3", 32, sw[32], sw[32],
          sizes=(2048, 1024), seed=313)
    wgmma("e4m3_none", "no swizzle: core matrices of 8 rows by 16 bytes",
          "e4m3", "e4m3", 32, (1024, 128, 0), (512, 128, 0), steps=2, ka=2048,
          kb=1024, sizes=(10240, 4096), seed=316)
    wgmma("bf16_none", "no swizzle, wide strides", "bf16", "bf16", 16,
          (128, 512, 0), (128, 256, 0), sizes=(4096, 512), seed=319)
    wgmma("bf16_sw64", "64-byte swizzle, two steps", "bf16", "bf16", 24, sw[64],
          sw[64], steps=2, sizes=(4096, 1536), seed=322)
    wgmma("f16_sw32", "32-byte swizzle", "f16", "f16", 8, sw[32], sw[32],
          sizes=(2048, 256), seed=325)
    wgmma("tf32_sw32", "32-byte swizzle", "tf32", "tf32", 24, sw[32], sw[32],
          sizes=(2048, 768), seed=328)
    # MN-major: 64 elements along M or N by 8 of K to a 128-byte-swizzle atom.
    # The next 8 of K are sbo away, the next 64 of N lbo away.
    wgmma("bf16_mn_a", "A along M, 128-byte swizzle, two steps", "bf16", "bf16",
          32, (4096, 1024, 128), sw[128], ta=1, steps=2, ka=2048,
          sizes=(8192, 4096), seed=330)
    wgmma("bf16_mn_b", "B along N, two atoms of N, two steps", "bf16", "bf16",
          128, sw[128], (4096, 1024, 128), tb=1, steps=2, kb=2048,
          sizes=(8192, 8192), seed=333)
    wgmma("f16_mn_ab", "both operands MN-major", "f16", "f16", 64,
          (4096, 1024, 128), (4096, 1024, 128), ta=1, tb=1, sizes=(8192, 8192),
          seed=336)
    wgmma("bf16_mn_sw64", "MN-major with the 64-byte swizzle: 32 along MN",
          "bf16", "bf16", 64, (1024, 512, 64), (1024, 512, 64), ta=1, tb=1,
          sizes=(2048, 2048), seed=339)
    wgmma("bf16_mn_sw32", "MN-major with the 32-byte swizzle: 16 along MN",
          "bf16", "bf16", 32, (512, 256, 32), (512, 256, 32), ta=1, tb=1,
          sizes=(2048, 1024), seed=342)
    wgmma("bf16_mn_none", "MN-major without swizzle: 8 along MN", "bf16",
          "bf16", 16, (128, 1024, 0), (128, 256, 0), ta=1, tb=1,
          sizes=(8192, 1024), seed=345)
    wgmma("e4m3_regs", "A from registers, two steps", "e4m3", "e4m3", 32,
          sw[128], sw[128], regs_a=True, steps=2, sizes=(4096, 4096), seed=348)
    wgmma("bf16_regs", "A from registers, B along N", "bf16", "bf16", 64,
          sw[128], (4096, 1024, 128), regs_a=True, tb=1, sizes=(2048, 8192),
          seed=351)
    wgmma("bf16_negate", "both operands negated in turn", "bf16", "bf16", 16,
          sw[128], sw[128], negate=(-1, 1), scale_d=(1,), sizes=(8192, 2048),
          seed=354)
    wgmma("e4m3_negate_b", "the second operand negated", "e4m3", "e4m3", 16,
          sw[128], sw[128], negate=(1, -1), scale_d=(1,), sizes=(8192, 2048),
          seed=357)
    wgmma("e4m3_chain", "twelve steps in three groups, waiting behind",
          "e4m3", "e4m3", 48, sw[128], sw[128], steps=4, scale_d=(0, 1, 1),
          repeats=3, sizes=(8192, 6144), seed=360)
    wgmma("e4m3_wait_one", "a group a step, wait for all but one", "e4m3",
          "e4m3", 16, sw[128], sw[128], steps=4, waits=True,
          sizes=(8192, 2048), seed=363)
    for t in ("e4m3", "e5m2", "bf16", "f16", "tf32"):
        wgmma(f"{t}_raw", "every bit pattern: NaN, infinities, subnormals", t,
              t, 16, sw[32], sw[32], scale_d=(1,), raw=True, sizes=(2048, 512),
              seed=370)
