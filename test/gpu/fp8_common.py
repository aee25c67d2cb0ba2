# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Inputs, reference and comparison for FP8 GEMMs with 1×128 and 128×128
scales. Needs PyTorch only: the tests and the benchmarks share it, and it runs
where there is no pytest."""
import os
import random
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KERNEL = os.path.join(ROOT, "kernels", "gemm", "fp8_gemm_nt.tw")

# Tolerances of the comparison with float64 (see `compare`).
RELATIVE_NORM = 3e-3
RELATIVE_ELEMENT = 2.0**-8
ABSOLUTE_SUM = 1e-3

GUARD = 256  # bytes around D
GUARD_BYTE = 0x5A
POISON_BYTE = 0xFF  # NaN in every float type


# Inputs are fresh in every run; TILEWRIGHT_SEED repeats one.
_seeds = random.Random(os.environ.get("TILEWRIGHT_SEED") or None)


def fresh_seed():
    return _seeds.randrange(1 << 48)


def unavailable():
    """Why GPU tests cannot run here, or None."""
    try:
        import torch
    except ImportError:
        return "PyTorch is not installed"
    if not hasattr(torch, "float8_e4m3fn"):
        return f"PyTorch {torch.__version__} has no float8_e4m3fn"
    if not torch.cuda.is_available():
        return "no CUDA GPU"
    major, minor = torch.cuda.get_device_capability()
    if (major, minor) != (9, 0):
        return f"the GPU has compute capability {major}.{minor}, not 9.0"
    return None


def import_tilewright():
    """The package of this checkout."""
    path = os.path.join(ROOT, "python")
    if path not in sys.path:
        sys.path.insert(0, path)
    import tilewright

    return tilewright


def compile_gemm(bm, bn, artefacts=None, **bake):
    """fp8_gemm_nt with a BM×BN tile: from `artefacts`/BMxBN.json and .cubin
    where that folder is given, else compiled from source."""
    tilewright = import_tilewright()
    if artefacts:
        return tilewright.load(os.path.join(artefacts, f"{bm}x{bn}.json"))
    constants = {"BM": bm, "BN": bn, "CL": 1, "G": 8, "WG": bm // 64}
    return tilewright.compile(KERNEL, constants=constants, bake=bake, target="sm_90a")


def cdiv(a, b):
    return -(-a // b)


def align(a, b):
    return cdiv(a, b) * b


class Problem:
    """One GEMM: quantised inputs, their dequantised values, and D.

    A [M, K] and B [N, K] are e4m3 quantised from standard normal values, A with
    a scale for each 1×128, B with one for each 128×128, so that a block's
    largest magnitude becomes 448. SA [cdiv(K, 128), M] has rows padded to a
    multiple of 4 (16 bytes, as a tensor copy needs), plus `sa_extra`.
    D [M, N] is bf16 with row stride N + `d_extra`, poisoned, between two guard
    bands.
    """

    def __init__(
        self, m, n, k, seed=None, sa_extra=0, ab_extra=0, d_extra=0, device="cuda"
    ):
        import torch

        self.m, self.n, self.k = m, n, k
        self.device = torch.device(device)
        generator = torch.Generator(device=self.device)
        self.seed = fresh_seed() if seed is None else seed
        generator.manual_seed(self.seed)
        self.a, scales = self._quantise(m, k, 1, ab_extra, generator)
        self.b, self.sb = self._quantise(n, k, 128, ab_extra, generator)
        kb = cdiv(k, 128)
        stride = align(m, 4) + sa_extra
        storage = torch.full((max(kb, 1), stride), float("nan"), device=self.device)
        self.sa = storage[:kb, :m]
        self.sa.copy_(scales.t())
        self.sb = self.sb.contiguous()

        self.d_bytes = ((m - 1) * (n + d_extra) + n) * 2 if m and n else 0
        self.buffer = torch.empty(
            self.d_bytes + 2 * GUARD, dtype=torch.uint8, device=self.device
        )
        inner = self.buffer[GUARD : GUARD + self.d_bytes].view(torch.bfloat16)
        self.d = inner.as_strided((m, n), (n + d_extra, 1), inner.storage_offset())
        self.d_extra = d_extra
        self.poison()

    def _quantise(self, rows, k, block, extra, generator):
        import torch

        kb, rb = cdiv(k, 128), cdiv(rows, block)
        padded = torch.zeros(rb * block, kb * 128, device=self.device)
        padded[:rows, :k] = torch.randn(
            rows, k, generator=generator, device=self.device
        )
        blocks = padded.view(rb, block, kb, 128)
        if kb:
            amax = blocks.abs().amax(dim=(1, 3)).clamp(min=1e-4)
        else:
            amax = torch.zeros(rb, 0, device=self.device)
        scales = amax / 448.0
        scaled = blocks / scales[:, None, :, None]
        quantised = scaled.reshape(rb * block, kb * 128)[:rows, :k]
        storage = torch.empty(
            rows, k + extra, dtype=torch.float8_e4m3fn, device=self.device
        )
        # 0x7f is NaN: what lies between rows must not be read.
        storage.view(torch.uint8).fill_(0x7F)
        out = storage[:, :k]
        if k:
            out.view(torch.uint8).copy_(
                quantised.to(torch.float8_e4m3fn).view(torch.uint8)
            )
        return out, scales

    def args(self):
        return (self.a, self.sa, self.b, self.sb, self.d)

    def poison(self):
        self.buffer.fill_(POISON_BYTE)
        self.buffer[:GUARD] = GUARD_BYTE
        self.buffer[GUARD + self.d_bytes :] = GUARD_BYTE

    def bits(self):
        """A copy of D's bytes, the gaps between rows included."""
        return self.buffer[GUARD : GUARD + self.d_bytes].clone()

    def outside_changed(self):
        """What a kernel wrote outside D's elements: a description, or None."""
        import torch

        before = self.buffer[:GUARD] != GUARD_BYTE
        after = self.buffer[GUARD + self.d_bytes :] != GUARD_BYTE
        if bool(before.any()):
            first = int(before.nonzero()[-1])
            return f"wrote {GUARD - first} bytes before D"
        if bool(after.any()):
            return f"wrote {int(after.nonzero()[0])} bytes after D"
        if self.d_extra and self.m > 1:
            row = self.n + self.d_extra
            flat = self.buffer[GUARD : GUARD + self.d_bytes].view(torch.int16)
            gaps = flat[: (self.m - 1) * row].view(self.m - 1, row)[:, self.n :]
            if bool((gaps != -1).any()):
                return "wrote between the rows of D"
        return None

    def dequantised(self):
        """A [M, K] and B [N, K] in float64, exact."""
        import torch

        def expand(q, scales, block):
            out = q.view(torch.uint8).view(torch.float8_e4m3fn).double()
            if out.numel() == 0:
                return out
            full = scales.double().repeat_interleave(128, 1)[:, : self.k]
            return out * full.repeat_interleave(block, 0)[: q.shape[0]]

        a = expand(self.a.contiguous(), self.sa.t(), 1)
        b = expand(self.b.contiguous(), self.sb, 128)
        return a, b

    def compare(self):
        """Compares D with float64 on the dequantised inputs:

            ‖out − ref‖ / ‖ref‖ < 3e-3, and for every element
            |out − ref| ≤ 2⁻⁸·|ref| + 1e-3·Σ|a·b|·scales

        Returns {"relative", "worst", "failures", "first"}; `worst` is the
        largest error as a fraction of its bound. In chunks of columns, so that
        the float64 copies stay small."""
        import torch

        a, b = self.dequantised()
        a_abs = a.abs()
        difference = norm = 0.0
        failures, worst, first = 0, 0.0, None
        for start in range(0, self.n, 1024):
            part = b[start : start + 1024]
            ref = a @ part.t()
            total = a_abs @ part.abs().t()
            out = self.d[:, start : start + 1024].double()
            error = (out - ref).abs()
            bound = RELATIVE_ELEMENT * ref.abs() + ABSOLUTE_SUM * total
            difference += float((error * error).sum())
            norm += float((ref * ref).sum())
            bad = ~(error <= bound)  # NaN is bad.
            if bool(bad.any()):
                failures += int(bad.sum())
                if first is None:
                    row, column = (int(x) for x in bad.nonzero()[0])
                    first = (
                        f"D[{row}, {start + column}] = {float(out[row, column])}, "
                        f"expected {float(ref[row, column])} "
                        f"± {float(bound[row, column])}"
                    )
            if error.numel():
                ratio = torch.where(
                    error == 0, torch.zeros_like(error), error / bound
                )
                worst = max(worst, float(ratio.nan_to_num(nan=float("inf")).max()))
        if norm == 0:
            relative = 0.0 if difference == 0 else float("inf")
        else:
            relative = (difference / norm) ** 0.5
        return {
            "relative": relative,
            "worst": worst,
            "failures": failures,
            "first": first,
        }


def verify(problem, kernel):
    """Runs the kernel once on poisoned output and checks everything; returns
    the comparison, with "error" None or a sentence."""
    import torch

    problem.poison()
    kernel(*problem.args())
    if problem.device.type == "cuda":
        torch.cuda.synchronize()
    result = problem.compare()
    error = problem.outside_changed()
    if error is None and result["failures"]:
        error = f"{result['failures']} elements wrong, first {result['first']}"
    # Also catches a NaN norm.
    if error is None and not result["relative"] < RELATIVE_NORM:
        error = f"relative error {result['relative']:.3g}"
    result["error"] = error
    return result


def time_launches(launch, rounds=20, warmup=3):
    """Median microseconds of `launch()`, with the L2 cache overwritten before
    each measured launch. The GPU is kept busy while the host enqueues, so that
    the time between the events is the kernel's, not the launch's."""
    import torch

    l2 = torch.cuda.get_device_properties(0).L2_cache_size
    flush = torch.empty(2 * l2, dtype=torch.uint8, device="cuda")
    for _ in range(warmup):
        launch()
    pairs = []
    for _ in range(rounds):
        flush.zero_()
        torch.cuda._sleep(1000000)  # About half a millisecond, in cycles.
        start = torch.cuda.Event(enable_timing=True)
        end = torch.cuda.Event(enable_timing=True)
        start.record()
        launch()
        end.record()
        pairs.append((start, end))
    torch.cuda.synchronize()
    times = sorted(start.elapsed_time(end) * 1000 for start, end in pairs)
    middle = len(times) // 2
    if len(times) % 2:
        return times[middle]
    return (times[middle - 1] + times[middle]) / 2


def machine():
    """What results depend on."""
    import torch

    properties = torch.cuda.get_device_properties(0)
    return {
        "gpu": properties.name,
        "multiprocessors": properties.multi_processor_count,
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
    }
