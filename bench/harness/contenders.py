# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Who is timed: our variants, DeepGEMM, and cuBLASLt through PyTorch. Making a
contender needs PyTorch."""
import os
from dataclasses import dataclass

from . import problems

@dataclass
class Contender:
    """`run()` enqueues one product into `out`, of which `reference` says what
    is right (see Problem.reference)."""

    name: str
    run: object
    out: object
    reference: str
    accumulate: bool = False
    note: str = ""


class Unavailable(Exception):
    """Why a contender cannot take part; the message goes into the table."""


def first_line(error):
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else ''}"[:200]


def ours(problem, variant, artefacts):
    """One of our kernels; raises whatever loading or compiling it raises."""
    kernel = load_or_compile(variant, problem.shape, artefacts)
    names = [tensor["name"] for tensor in kernel.manifest["tensors"]]
    missing = [name for name in names if name not in problem.tensors]
    if missing:
        raise Unavailable(
            f"the kernel takes {', '.join(missing)}, which a {problem.shape.kind} "
            f"problem does not have ({', '.join(problem.tensors)})"
        )
    tensors = [problem.tensors[name] for name in names]
    sms, pdl = variant.sms, variant.pdl
    return Contender(
        variant.name,
        lambda: kernel(*tensors, sms=sms, pdl=pdl),
        problem.d,
        "bf16" if problem.shape.kind == "bf16" else "scaled",
        accumulate=problem.shape.kind == "wgrad",
        note=variant.describe(),
    )


def load_or_compile(variant, shape, artefacts=None):
    """The kernel of a variant for a shape: from the folder of artefacts if it
    has it, else compiled."""
    tilewright = problems.common.import_tilewright()
    if artefacts:
        path = os.path.join(artefacts, variant.stem(shape) + ".json")
        if os.path.exists(path):
            return tilewright.load(path)
        if not tilewright.has_compiler():
            raise Unavailable(f"{os.path.basename(path)} is not in {artefacts}")
    return compile_variant(variant, shape)


def compile_variant(variant, shape):
    tilewright = problems.common.import_tilewright()
    return tilewright.compile(
        variant.source(),
        constants=variant.constants,
        bake=variant.baked(shape),
        facts=variant.facts,
        options=variant.options,
        target="sm_90a",
    )


def peer(problem, name):
    """A contender of peers.py; raises Unavailable, or what the library raises."""
    if name == "cublaslt-bf16":
        return _cublaslt_bf16(problem)
    if name == "deepgemm":
        return _deepgemm(problem)
    if name == "cublaslt-blockwise":
        return _cublaslt_blockwise(problem)
    if name == "cublaslt-fp8-accumulate":
        return _cublaslt_accumulate(problem)
    return _cublaslt_fp8(problem, fast=name == "cublaslt-fp8")


def _cublaslt_bf16(problem):
    import torch

    a, b = problem.a16, problem.b16
    out = problem.d if problem.shape.kind == "bf16" else problem.d16
    note = "D not accumulated" if problem.shape.kind == "wgrad" else ""
    return Contender(
        "cublaslt-bf16", lambda: torch.mm(a, b.t(), out=out), out, "bf16", note=note
    )


def _cublaslt_fp8(problem, fast):
    import torch

    one = torch.ones((), device=problem.device)
    a, b = problem.a, problem.b.t()
    accumulated = problem.shape.kind == "wgrad"
    out = torch.empty_like(problem.d) if accumulated else problem.d16

    def run():
        torch.ops.aten._scaled_mm.out(
            a, b, one, one, None, None, out.dtype, fast, out=out
        )

    name = "cublaslt-fp8" if fast else "cublaslt-fp8-precise"
    note = "D not accumulated" if accumulated else ""
    return Contender(name, run, out, "unscaled", note=note)


def _cublaslt_accumulate(problem):
    """PyTorch has no call for a product of FP8 that is added to D; DeepGEMM has
    one, for its own comparisons (without fast accumulation)."""
    if problem.shape.kind != "wgrad":
        raise Unavailable("D is not accumulated")
    try:
        import deep_gemm
    except ImportError as error:
        raise Unavailable(f"no DeepGEMM: {first_line(error)}") from None
    a, b, d = problem.a, problem.b, problem.d
    return Contender(
        "cublaslt-fp8-accumulate",
        lambda: deep_gemm.cublaslt_gemm_nt(a, b, d, c=d),
        d,
        "unscaled",
        accumulate=True,
    )


def _cublaslt_blockwise(problem):
    """cuBLASLt wants scales of 1×128 as columns of M floats, and those of
    128×128 as columns padded to a multiple of 4."""
    import torch

    functional = torch.nn.functional
    if not hasattr(functional, "ScalingType"):
        raise Unavailable(f"PyTorch {torch.__version__} has no scaled_mm")
    shape, kinds = problem.shape, functional.ScalingType
    m, n, k = shape.m, shape.n, shape.k
    kb = problems.common.cdiv(k, 128)

    def columns(scales, rows):  # [kb, rows] with padded rows -> [rows, kb]
        dense = torch.empty(kb, rows, device=problem.device)
        dense.copy_(scales)
        return dense.t()

    sa = columns(problem.sa, m)
    if shape.kind == "wgrad":
        sb, recipe = columns(problem.sb, n), kinds.BlockWise1x128
        out, note = torch.empty_like(problem.d), "D not accumulated"
    else:
        padded = problems.common.align(kb, 4)
        blocks = problems.common.cdiv(n, 128)
        dense = torch.zeros(blocks, padded, device=problem.device)
        dense[:, :kb].copy_(problem.sb)
        sb, recipe, out, note = dense.t(), kinds.BlockWise128x128, problem.d16, ""
    one_by_128 = kinds.BlockWise1x128.value
    recipe = recipe.value
    a, b = problem.a, problem.b.t()

    def run():
        torch.ops.aten._scaled_mm_v2.out(
            a, b, [sa], [one_by_128], [], [sb], [recipe], [], None, out.dtype, out=out
        )

    return Contender("cublaslt-blockwise", run, out, "scaled", note=note)


def _deepgemm(problem):
    try:
        import deep_gemm
    except ImportError as error:
        raise Unavailable(f"no DeepGEMM: {first_line(error)}") from None
    shape, d = problem.shape, problem.d
    if shape.kind == "bf16":
        function = getattr(deep_gemm, f"bf16_gemm_{shape.majors}")
        # The transposed forms take the tensors as they are stored.
        a = problem.a16 if shape.majors[0] == "n" else problem.a16.t()
        b = problem.b16 if shape.majors[1] == "t" else problem.b16.t()
        return Contender("deepgemm", lambda: function(a, b, d), d, "bf16")
    # Scales as its kernels read them, so that nothing is converted in a call.
    a = (problem.a, problem.sa.t())
    gemm = deep_gemm.fp8_gemm_nt
    if shape.kind == "fp8":
        b = (problem.b, problem.sb)
        return Contender("deepgemm", lambda: gemm(a, b, d), d, "scaled")
    b = (problem.b, problem.sb.t())
    return Contender(
        "deepgemm",
        lambda: gemm(a, b, d, c=d, recipe=(1, 1, 128)),
        d,
        "scaled",
        accumulate=True,
    )
