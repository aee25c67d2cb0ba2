#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times kernels/gemm/fp8_gemm_nt.tw beside cuBLASLt through PyTorch: FP8 without
block scales (less work: a yardstick, not a peer) and BF16.

    python3 bench/fp8_gemm.py [--out DIR] [--tiles 128x128,64x128] [--rounds N]

Inputs are quantised normal values; the L2 cache is overwritten before every
measured launch; the time is the median of the rounds, by CUDA events. Results
are checked against float64 first: a wrong kernel has no speed. Writes
DIR/bench_fp8_gemm.md and .json. Exit status 77 where there is no GPU.
"""
import argparse
import json
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "test", "gpu"))
import fp8_common as common  # noqa: E402

SHAPES = [
    (64, 2112, 7168),
    (64, 7168, 2048),
    (128, 7168, 2048),
    (4096, 2112, 7168),
    (4096, 7168, 2048),
    (4096, 4096, 7168),
    (4096, 24576, 1536),
    (4096, 7168, 16384),
]


def measure(shape, tiles, artefacts, rounds):
    import torch

    m, n, k = shape
    work = 2.0 * m * n * k
    row = {"M": m, "N": n, "K": k}
    problem = common.Problem(m, n, k)
    best = None
    for bm, bn in tiles:
        kernel = common.compile_gemm(bm, bn, artefacts)
        error = common.verify(problem, kernel)["error"]
        if error:
            row["error"] = f"{bm}x{bn}: {error}"
            continue
        time = common.time_launches(lambda: kernel(*problem.args()), rounds)
        if best is None or time < best:
            best, row["tile"] = time, f"{bm}x{bn}"
    if best:
        row["microseconds"], row["tflops"] = best, work / best / 1e6
    a = torch.randn(m, k, device="cuda", dtype=torch.bfloat16)
    b = torch.randn(n, k, device="cuda", dtype=torch.bfloat16)
    time = common.time_launches(lambda: a @ b.t(), rounds)
    row["bf16_microseconds"], row["bf16_tflops"] = time, work / time / 1e6
    one = torch.ones((), device="cuda")
    # use_fast_accum: the tensor core's own precision, no promotion.
    time = common.time_launches(
        lambda: torch._scaled_mm(
            problem.a,
            problem.b.t(),
            scale_a=one,
            scale_b=one,
            out_dtype=torch.bfloat16,
            use_fast_accum=True,
        ),
        rounds,
    )
    row["cublaslt_microseconds"] = time
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out")
    parser.add_argument("--tiles", default="128x128,64x128")
    parser.add_argument("--artefacts")
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    reason = common.unavailable()
    if reason:
        print(f"bench: skipped: {reason}")
        return 77
    tiles = [tuple(map(int, tile.split("x"))) for tile in options.tiles.split(",")]
    machine = common.machine()
    lines = [
        f"{machine['gpu']}, PyTorch {machine['torch']}; L2 overwritten before "
        f"each launch, median of {options.rounds}.",
        "",
        "| M | N | K | tile | µs | TFLOPS | cuBLASLt FP8 unscaled µs | "
        "its time / ours | cuBLASLt BF16 µs |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    print("\n".join(lines))
    rows = []
    for shape in SHAPES:
        row = measure(shape, tiles, options.artefacts, options.rounds)
        rows.append(row)
        ours = (
            f"{row['tile']} | {row['microseconds']:.1f} | {row['tflops']:.0f}"
            if "tile" in row
            else f"{row.get('error', 'failed')} | |"
        )
        peer = row["cublaslt_microseconds"]
        ratio = f"{peer / row['microseconds']:.3f}" if "tile" in row else ""
        lines.append(
            f"| {row['M']} | {row['N']} | {row['K']} | {ours} | "
            f"{peer:.1f} | {ratio} | {row['bf16_microseconds']:.1f} |"
        )
        print(lines[-1], flush=True)
    if options.out:
        os.makedirs(options.out, exist_ok=True)
        with open(os.path.join(options.out, "bench_fp8_gemm.md"), "w") as file:
            file.write("\n".join(lines) + "\n")
        with open(os.path.join(options.out, "bench_fp8_gemm.json"), "w") as file:
            json.dump({"machine": machine, "rows": rows}, file, indent=1)
    return 1 if any("error" in row for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
