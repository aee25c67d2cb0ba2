#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Launches every shipped configuration many times over random shapes: no hang,
and the same bits each time.

The first launch of a shape is compared with float64, unless the kernel adds
(test/gpu/gemm_forms.py compares those); before every other one D is poisoned (or set to what it was, where the kernel adds), and after it D's bits
are compared with the first ones on the GPU. Launches vary the number of SMs and
programmatic dependent launch. A hang ends the program through `--hang-seconds`.
"""
import argparse
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import classes  # noqa: E402
import fp8_common as common  # noqa: E402


class Watch:
    """Ends the process if nobody reports for a while: a kernel that hangs keeps
    the context, and only that frees the GPU."""

    def __init__(self, seconds):
        self.seconds, self.last, self.what = seconds, time.monotonic(), "start"
        threading.Thread(target=self._run, daemon=True).start()

    def alive(self, what):
        self.last, self.what = time.monotonic(), what

    def _run(self):
        while time.monotonic() - self.last < self.seconds:
            time.sleep(0.5)
        print(f"hang: {self.what}", flush=True)
        os._exit(3)


def inputs(variant, shape):
    """(tensors, D, what D is before a launch, or None)"""
    import torch

    m, n, k = shape
    if variant.kernel != "fp8_wgrad_nt":
        problem = common.Problem(m, n, k)
        return problem.args(), problem.d, None
    a, b = common.Problem(m, 8, k), common.Problem(n, 8, k)
    before = torch.randn(m, -(-n // 4) * 4, device="cuda")[:, :n]
    d = torch.empty(m, -(-n // 4) * 4, device="cuda")[:, :n]
    return (a.a, a.sa, b.a, b.sa, d), d, before


def run(variant, launches, rng, watch):
    import torch

    tilewright = common.import_tilewright()
    kernel = tilewright.compile(
        variant.source(),
        constants=variant.constants,
        options=variant.options,
        target="sm_90a",
    )
    bad = torch.zeros((), dtype=torch.int64, device="cuda")
    done = shapes = wrong = 0
    sms = torch.cuda.get_device_properties(0).multi_processor_count
    cluster = kernel.manifest["launch"].get("cluster", [1])[0]
    while done < launches:
        shape = classes.random_shape(variant, rng)
        watch.alive(f"{classes.label(variant)} {shape}")
        tensors, d, before = inputs(variant, shape)
        first = None
        for _ in range(min(launches - done, rng.choice((20, 100, 400)))):
            if before is None:
                d.fill_(float("nan"))
            else:
                d.copy_(before)
            some = rng.choice((0, 0, cluster, sms // 2 // cluster * cluster))
            kernel(*tensors, sms=some, pdl=rng.random() < 0.5)
            done += 1
            if first is None:
                first = d.clone()
                error = compare(tensors, d, shape, before)
                wrong += error is not None
                if error:
                    print(f"  {shape}: {error}")
            else:
                bits = torch.int16 if d.dtype == torch.bfloat16 else torch.int32
                bad += (d.view(bits) != first.view(bits)).any()
        torch.cuda.synchronize()
        shapes += 1
    differing = int(bad)
    print(
        f"{classes.label(variant)}: {done} launches, {shapes} shapes, "
        f"{differing} with other bits, {wrong} wrong",
        flush=True,
    )
    return differing + wrong


def compare(tensors, d, shape, before):
    """None, or what is wrong with D (float64 on the dequantised inputs). With
    `before`, D was added to it, and B has scales of 1×128, too."""
    import torch

    m, n, k = shape
    a, sa, b, sb, _ = tensors

    def dequantise(x, scales):  # [ceil(K/128), rows]
        return scales.t().double().repeat_interleave(128, 1)[:, :k] * x.double()

    rows = dequantise(a, sa)
    if before is None:
        columns = dequantise(b, sb.repeat_interleave(128, 0)[:n].t())
    else:
        columns = dequantise(b, sb)
    ref, bound = rows @ columns.t(), rows.abs() @ columns.abs().t()
    if before is not None:
        ref, bound = ref + before.double(), bound + before.double().abs()
    error = (d.double() - ref).abs()
    limit = common.RELATIVE_ELEMENT * ref.abs() + common.ABSOLUTE_SUM * bound
    if bool((~(error <= limit)).any()):
        return f"{int((~(error <= limit)).sum())} elements wrong"
    norm = float(torch.linalg.norm(ref))
    if norm and float(torch.linalg.norm(error)) / norm >= common.RELATIVE_NORM:
        return "the norm of the error is too large"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--launches", type=int, default=100_000, help="in all")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--hang-seconds", type=float, default=60)
    options = parser.parse_args()
    reason = common.unavailable()
    if reason:
        print(f"left out: {reason}")
        return 77
    rng = random.Random(options.seed)
    found = classes.configurations()
    each = -(-options.launches // len(found))
    watch, bad = Watch(options.hang_seconds), 0
    for variant in found:
        bad += run(variant, each, rng, watch)
    print(f"{each * len(found)} launches of {len(found)} configurations: {bad} bad")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
