#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Numerics of the other dense GEMMs: swap-AB and split K, weight gradient
with FP32 accumulation, BF16 in all majornesses. Nothing in the compiler knows
them by name; this says that they come out right, too.

    python3 test/gpu/gemm_forms.py [--out DIR]

Fresh random inputs, poisoned (or random, for accumulation) outputs, odd shapes;
compared with float64 as in fp8_common.py. The last line is `gemm_forms: ok …`
or `gemm_forms: failed …`; exit status 0, 1, or 77 where there is no GPU.
"""
import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fp8_common as common  # noqa: E402

KERNELS = os.path.join(common.ROOT, "kernels")
GEMM = {"CL": 1, "G": 8}
SHAPES = [
    (1, 24, 128),
    (64, 576, 0),
    (129, 24, 576),
    (200, 264, 704),
    (257, 2112, 704),
    (512, 1024, 2112),
]


def compiled(name, constants):
    tilewright = common.import_tilewright()
    folder = "sketches" if name == "bf16_gemm" else "gemm"
    return tilewright.compile(
        os.path.join(KERNELS, folder, name + ".tw"), constants=constants, target="sm_90a"
    )


def verdict(out, ref, magnitude, eps):
    """None, or what is wrong: |out - ref| <= eps |ref| + 1e-3 Σ|a b| for every
    element, and ‖out - ref‖ / ‖ref‖ below the tolerance."""
    error = (out.double() - ref).abs()
    bad = ~(error <= eps * ref.abs() + common.ABSOLUTE_SUM * magnitude)
    count = int(bad.sum())
    if count:
        where = bad.nonzero()[0].tolist()
        return f"{count} elements wrong, first {where}"
    norm = float(ref.norm())
    relative = float(error.norm()) / norm if norm else float(error.norm())
    if not relative < common.RELATIVE_NORM:
        return f"relative error {relative:.3g}"
    return None


def swap_ab(shape, bm, bn, s=1):
    constants = dict(G=8, BM=bm, BN=bn, S=s, WG=bn // 64)
    kernel = compiled("fp8_gemm_nt_swap_ab", constants)
    return common.verify(common.Problem(*shape), kernel)["error"]


def split_k(shape, bm, bn, s):
    constants = dict(G=8, BM=bm, BN=bn, S=s, WG=bm // 64)
    kernel = compiled("fp8_gemm_nt_split_k", constants)
    return common.verify(common.Problem(*shape), kernel)["error"]


def wgrad(shape, bm, bn, groups):
    """D += (A·SA)(B·SB)ᵀ with 1×128 scales on both sides."""
    import torch

    m, n, k = shape
    kernel = compiled("fp8_wgrad_nt", dict(GEMM, BM=bm, BN=bn, WG=groups))
    a, b = common.Problem(m, 8, k), common.Problem(n, 8, k)
    d = torch.randn(m, n, device="cuda")
    before = d.double()
    da, db = dequantise(a), dequantise(b)
    kernel(a.a, a.sa, b.a, b.sa, d)
    torch.cuda.synchronize()
    magnitude = da.abs() @ db.abs().t() + before.abs()
    return verdict(d, before + da @ db.t(), magnitude, 2.0**-20)


def dequantise(problem):
    import torch

    k = problem.k
    if not k:
        return torch.zeros(problem.m, 0, dtype=torch.float64, device="cuda")
    scales = problem.sa.double().t().repeat_interleave(128, dim=1)[:, :k]
    return problem.a.float().double() * scales


def bf16(shape, bm, bn, ma, mb, out, add):
    """D = A·Bᵀ, A [M, K] and B [N, K] stored with the given dimension
    contiguous."""
    import torch

    m, n, k = shape
    kernel = compiled(
        "bf16_gemm",
        dict(GEMM, BM=bm, BN=bn, WG=bm // 64, TD=out, ADD=add, MA=ma, MB=mb),
    )

    def operand(rows, major):
        # Rows of a multiple of 8 elements: 16 bytes, as a tensor copy needs.
        inner = k if major == "K" else rows
        outer = rows if major == "K" else k
        storage = torch.full(
            (outer, common.align(inner, 8)), float("nan"), device="cuda"
        ).to(torch.bfloat16)
        view = storage[:, :inner]
        view.copy_(torch.randn(outer, inner, device="cuda"))
        return view if major == "K" else view.t()

    a, b = operand(m, ma), operand(n, mb)
    dtype = {"bf16": torch.bfloat16, "f32": torch.float32}[out]
    d = torch.randn(m, n, device="cuda").to(dtype)
    if not add:
        d.fill_(float("nan"))
    before = d.double()
    ref = a.double() @ b.double().t()
    magnitude = a.double().abs() @ b.double().abs().t()
    if add:
        ref, magnitude = ref + before, magnitude + before.abs()
    kernel(a, b, d)
    torch.cuda.synchronize()
    return verdict(d, ref, magnitude, 2.0**-8 if out == "bf16" else 2.0**-16)


def cases():
    """(name, function returning None or what is wrong)"""
    for shape in SHAPES:
        for bm, bn in ((16, 128), (32, 64), (64, 128)):
            yield f"swap_ab {bm}x{bn} {shape}", lambda s=shape, t=(bm, bn): swap_ab(
                s, *t
            )
        for bm, bn, s in ((16, 128, 4), (8, 192, 8), (64, 64, 2)):
            yield (
                f"swap_ab {bm}x{bn} S={s} {shape}",
                lambda p=shape, t=(bm, bn, s): swap_ab(p, *t),
            )
        for bm, bn, s in ((64, 48, 2), (128, 96, 4)):
            yield (
                f"split_k {bm}x{bn} S={s} {shape}",
                lambda p=shape, t=(bm, bn, s): split_k(p, *t),
            )
        # Stores in rows with and without a swizzle (136), of one and of two waves
        # a group (256), scales read before and behind a product (192x120).
        for bm, bn, groups in (
            (64, 64, 1), (128, 128, 2), (128, 136, 2), (192, 120, 3), (256, 112, 2)
        ):
            yield (
                f"wgrad {bm}x{bn} {shape}",
                lambda s=shape, t=(bm, bn, groups): wgrad(s, *t),
            )
        for ma in "KM":
            for mb in "KN":
                for out, add in (("bf16", False), ("f32", False), ("f32", True)):
                    yield (
                        f"bf16 {ma}{mb} {out} add={add} {shape}",
                        lambda s=shape, x=(ma, mb, out, add): bf16(s, 128, 128, *x),
                    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", help="folder for gemm_forms.txt")
    options = parser.parse_args()
    reason = common.unavailable()
    if reason:
        print(f"gemm_forms: skipped: {reason}")
        return 77
    lines, failures = [], 0
    for name, check in cases():
        try:
            error = check()
        except Exception as raised:  # The list shows every case.
            error = f"{type(raised).__name__}: {raised}"
        failures += error is not None
        lines.append(f"{name}: {error or 'ok'}")
        print(lines[-1], flush=True)
    if options.out:
        with open(os.path.join(options.out, "gemm_forms.txt"), "w") as file:
            file.write("\n".join(lines) + "\n")
    verdict_ = "failed" if failures else "ok"
    print(f"gemm_forms: {verdict_}: {failures} of {len(lines)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
