#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Numerics of kernels/gemm/fp8_gemm_nt.tw on a GPU, without pytest.

    python3 test/gpu/fp8_gemm.py --out DIR [--shapes issue|all|quick] [--bench]

Checks every shape and configuration against float64 (see fp8_common.py), with
poisoned output and guard bands, strided inputs, refusals by name and equal
bits on repeated runs. Writes DIR/fp8_gemm.md and DIR/fp8_gemm.json. The last
line is `fp8_gemm: ok …` or `fp8_gemm: failed …`; exit status 0, 1, or 77 where
there is no GPU to run on.
"""
import argparse
import json
import os
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fp8_common as common  # noqa: E402

CONFIGS = [(64, bn) for bn in (16, 32, 64, 128)]
CONFIGS += [(128, bn) for bn in (16, 32, 64, 96, 128)]

MS = (1, 7, 64, 127, 129, 257, 4096)
NS = (24, 576, 2112, 7168)
KS = (0, 128, 576, 704, 2112, 7168, 16384)

# Every dimension inside a tile, at its edge, one past it, and odd everywhere.
TAILS = [(1, 24, 128), (129, 24, 576), (127, 576, 2112), (257, 2112, 704)]


def issue_shapes():
    """At least 30 shapes that hold every M, N and K of the lists, every pair
    of an N and a K, and the tail combinations."""
    shapes = list(TAILS)
    for i, k in enumerate(KS):
        for j, n in enumerate(NS):
            shapes.append((MS[(i * 3 + j * 2) % len(MS)], n, k))
    for i, m in enumerate(MS):
        shapes.append((m, NS[i % len(NS)], KS[(i + 3) % len(KS)]))
    return list(dict.fromkeys(shapes))


def all_shapes():
    return TAILS + [
        (m, n, k) for m in MS for n in NS for k in KS if (m, n, k) not in TAILS
    ]


def config_shapes():
    """For configurations other than 128×128."""
    return TAILS + [(64, 576, 0), (4096, 2112, 7168)]


def refusals():
    """(name, how to break a problem, what the message must hold)."""
    import torch

    def odd_scales(p):
        # Rows of 129 floats: 516 bytes, no multiple of 16.
        p.sa = torch.zeros(p.sa.shape, device=p.device)
        return ["fp8_gemm_nt", "'SA'", "dimension 0", "129", "16"]

    def odd_address(p):
        size = p.m * p.k
        flat = torch.zeros(size + 16, dtype=torch.uint8, device=p.device)[1 : size + 1]
        p.a = flat.view(p.m, p.k).view(torch.float8_e4m3fn)
        return ["fp8_gemm_nt", "'A'", "aligned"]

    def wrong_type(p):
        p.b = p.b.view(torch.float8_e5m2)
        return ["fp8_gemm_nt", "'B'", "e4m3", "e5m2"]

    def wrong_shape(p):
        p.sb = torch.zeros(p.sb.shape[0] + 1, p.sb.shape[1], device=p.device)
        return ["fp8_gemm_nt", "'SB'", "cdiv(N, 128)"]

    def transposed(p):
        # Rows of a multiple of 8, so that only the stride is wrong.
        wide = torch.zeros(p.n, common.align(p.m, 8), device=p.device)
        p.d = wide.to(torch.bfloat16).t()[: p.m]
        return ["fp8_gemm_nt", "'D'", "stride"]

    def on_host(p):
        p.sb = p.sb.cpu()
        return ["fp8_gemm_nt", "'SB'", "CUDA"]

    return [
        odd_scales,
        odd_address,
        wrong_type,
        wrong_shape,
        transposed,
        on_host,
    ]


def check_refusal(kernel, breaker):
    """None, or what is wrong with the refusal."""
    import torch

    tilewright = common.import_tilewright()
    problem = common.Problem(129, 256, 512)
    parts = breaker(problem)
    try:
        kernel(*problem.args())
    except tilewright.ArgumentError as error:
        torch.cuda.synchronize()
        missing = [part for part in parts if part not in str(error)]
        if missing:
            return f"the message lacks {missing}: {error}"
        return None
    torch.cuda.synchronize()
    return "was not refused"


def check_repeats(kernel, shape, runs=20):
    """None, or which run gave other bits."""
    problem = common.Problem(*shape)
    first = None
    for run in range(runs):
        problem.poison()
        kernel(*problem.args())
        bits = problem.bits()
        if first is None:
            first = bits
        elif not bool((bits == first).all()):
            return f"run {run} differs from run 0"
    return None


class Watchdog:
    """Ends the process when one step takes too long: a kernel that hangs
    cannot be stopped otherwise, and what was found so far should not be lost."""

    def __init__(self, report, out, machine, seconds):
        self.report, self.out = report, out
        self.machine, self.seconds = machine, seconds
        self.what, self.since = "start", time.time()
        threading.Thread(target=self._watch, daemon=True).start()

    def step(self, what):
        self.what, self.since = what, time.time()

    def _watch(self):
        while time.time() - self.since < self.seconds:
            time.sleep(0.5)
        self.report.check(self.what, f"no answer within {self.seconds:.0f} s")
        status = finish(self.report, self.out, self.machine, 0)
        sys.stdout.flush()
        os._exit(status)


class Report:
    def __init__(self):
        self.rows, self.checks, self.failures = [], [], []

    def shape(self, config, shape, result, microseconds=None):
        row = dict(zip("MNK", shape), config=f"{config[0]}x{config[1]}")
        row.update(result)
        if microseconds:
            row["microseconds"] = microseconds
            m, n, k = shape
            row["tflops"] = 2.0 * m * n * k / microseconds / 1e6
        self.rows.append(row)
        label = f"{row['config']} {shape}"
        if result["error"]:
            seed = result.get("seed")
            self.failures.append(f"{label} (seed {seed}): {result['error']}")
        status = result["error"] or "ok"
        print(
            f"{label}: relative {result['relative']:.2e}, worst "
            f"{result['worst']:.3f} of the bound: {status}",
            flush=True,
        )

    def check(self, name, error):
        self.checks.append({"name": name, "error": error})
        if error:
            self.failures.append(f"{name}: {error}")
        print(f"{name}: {error or 'ok'}", flush=True)

    def markdown(self, machine):
        lines = [
            f"FP8 GEMM against float64 on {machine['gpu']} "
            f"(PyTorch {machine['torch']}). Bounds: ‖out − ref‖/‖ref‖ < 3e-3; "
            "|out − ref| ≤ 2⁻⁸·|ref| + 1e-3·Σ|a·b|·scales for every element; "
            "256 guard bytes on both sides of D unchanged.",
            "",
            "| tile | M | N | K | relative error | worst element / bound | µs | "
            "TFLOPS | result |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
        for row in self.rows:
            timed = "microseconds" in row
            lines.append(
                f"| {row['config']} | {row['M']} | {row['N']} | {row['K']} | "
                f"{row['relative']:.2e} | {row['worst']:.3f} | "
                + (f"{row['microseconds']:.1f}" if timed else "")
                + " | "
                + (f"{row['tflops']:.0f}" if timed else "")
                + f" | {row['error'] or 'ok'} |"
            )
        lines += ["", "| check | result |", "|---|---|"]
        for check in self.checks:
            lines.append(f"| {check['name']} | {check['error'] or 'ok'} |")
        return "\n".join(lines) + "\n"

    def write(self, folder, machine):
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "fp8_gemm.md"), "w") as file:
            file.write(self.markdown(machine))
        content = {
            "machine": machine,
            "shapes": self.rows,
            "checks": self.checks,
            "failures": self.failures,
        }
        with open(os.path.join(folder, "fp8_gemm.json"), "w") as file:
            json.dump(content, file, indent=1)


def run_shapes(report, watchdog, config, kernel, shapes, bench):
    for shape in shapes:
        watchdog.step(f"{config[0]}x{config[1]} {shape}")
        try:
            problem = common.Problem(*shape)
            result = common.verify(problem, kernel)
            result["seed"] = problem.seed
            timed = None
            if bench and shape[0] * shape[1] * shape[2] >= 1 << 30:
                timed = common.time_launches(lambda: kernel(*problem.args()))
            report.shape(config, shape, result, timed)
        except Exception as error:  # The table shows every shape.
            failed = {
                "relative": float("nan"),
                "worst": float("nan"),
                "failures": 0,
                "first": None,
                "error": f"{type(error).__name__}: {error}",
            }
            report.shape(config, shape, failed)
            if "CUDA error" in str(error) or "CUDA_ERROR_ILLEGAL" in str(error):
                raise ContextLost() from error


class ContextLost(Exception):
    """A kernel broke the CUDA context: nothing works in this process now."""


def finish(report, out, machine, seconds):
    if out:
        report.write(out, machine)
    total = len(report.rows) + len(report.checks)
    if report.failures or not total:
        for failure in report.failures:
            print("FAILED", failure)
        print(f"fp8_gemm: failed: {len(report.failures)} of {total} checks")
        return 1
    print(f"fp8_gemm: ok, {total} checks in {seconds:.0f} s")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", help="folder for fp8_gemm.md and fp8_gemm.json")
    parser.add_argument(
        "--shapes",
        choices=("quick", "issue", "all"),
        default="issue",
        help="shapes for the 128x128 tile: 4, about 36, or 196",
    )
    parser.add_argument("--configs", help="only these tiles: 128x128,64x64")
    parser.add_argument(
        "--artefacts", help="folder of compiled BMxBN.json + .cubin to load"
    )
    parser.add_argument("--bench", action="store_true", help="time the large shapes")
    parser.add_argument(
        "--patience", type=float, default=60, help="seconds a step may take"
    )
    options = parser.parse_args()
    reason = common.unavailable()
    if reason:
        print(f"fp8_gemm: skipped: {reason}")
        return 77

    begin, machine = time.time(), common.machine()
    report = Report()
    watchdog = Watchdog(report, options.out, machine, options.patience)
    try:
        run(options, report, watchdog)
    except ContextLost:
        print("the CUDA context is lost, stopping here")
    return finish(report, options.out, machine, time.time() - begin)


def run(options, report, watchdog):
    wanted = options.configs.split(",") if options.configs else None
    main_shapes = {"quick": TAILS, "issue": issue_shapes(), "all": all_shapes()}
    for config in sorted(CONFIGS, key=lambda c: c != (128, 128)):
        name = f"{config[0]}x{config[1]}"
        if wanted and name not in wanted:
            continue
        watchdog.step(f"compile {name}")
        try:
            kernel = common.compile_gemm(*config, artefacts=options.artefacts)
        except Exception as error:
            report.check(f"compile {name}", f"{type(error).__name__}: {error}")
            continue
        shapes = config_shapes()
        if config == (128, 128):
            shapes = main_shapes[options.shapes]
        run_shapes(report, watchdog, config, kernel, shapes, options.bench)
        if config != (128, 128):
            continue
        for extra in ({"sa_extra": 12}, {"ab_extra": 16}, {"d_extra": 8}):
            watchdog.step(f"strided {extra}")
            problem = common.Problem(257, 2112, 704, **extra)
            report.check(f"strided {extra}", common.verify(problem, kernel)["error"])
        for breaker in refusals():
            watchdog.step(f"refuses {breaker.__name__}")
            report.check(f"refuses {breaker.__name__}", check_refusal(kernel, breaker))
        for shape in ((257, 2112, 704), (4096, 7168, 2112)):
            watchdog.step(f"same bits {shape}")
            report.check(f"same bits {shape}", check_repeats(kernel, shape))


if __name__ == "__main__":
    sys.exit(main())
