#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The simulator against a GPU, bit by bit.

    python3 test/gpu/sim_compare.py [--tilewright PROGRAM] [--out DIR] [--quick]

Runs kernels over several tiles and shapes twice, from the same inputs: with
`tilewright run --device 0`, and with `--device sim --fp8-accumulate hopper`,
which sums as an H200 was measured to. Compares every bit of the outputs and
prints one table, as in the documentation. `--out` keeps it, too.

It needs bin/tilewright with lib/libtilewright.so beside bin (the `check` and
`release` presets make them to need only libc), Python 3.8 and numpy. The last
line is `sim_compare: ok …` or `sim_compare: failed …`; exit status 0, 1, or 77
where there is no GPU. It is not a failure that bits differ: how many do is what
is asked.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

import numpy

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NO_GPU = 2  # The exit status of `tilewright run`.

FP8 = "gemm/fp8_gemm_nt.tw"
SWAP = "gemm/fp8_gemm_nt_swap_ab.tw"
SPLIT = "gemm/fp8_gemm_nt_split_k.tw"
WGRAD = "gemm/fp8_wgrad_nt.tw"
BF16 = "sketches/bf16_gemm.tw"

# Kernel, constants, shape.
CASES = [
    (FP8, "BM=64 BN=32 WG=1", (64, 32, 128)),
    (FP8, "BM=64 BN=128 WG=1", (200, 264, 704)),
    (FP8, "BM=128 BN=128 WG=2", (257, 392, 1100)),
    (FP8, "BM=128 BN=128 WG=2", (512, 512, 2048)),
    (FP8, "BM=128 BN=160 WG=2", (300, 480, 4096)),
    (SWAP, "BM=16 BN=128 WG=2 S=1", (20, 384, 2112)),
    (SWAP, "BM=16 BN=128 WG=2 S=4", (20, 384, 2112)),
    (SPLIT, "BM=128 BN=96 WG=2 S=2", (200, 200, 1100)),
    (WGRAD, "BM=128 BN=128 WG=2", (256, 264, 1100)),
    (BF16, "BM=128 BN=128 WG=2 TD=f32 ADD=false", (257, 264, 1088)),
    (BF16, "BM=64 BN=64 WG=1 TD=bf16 ADD=false MA=M MB=N", (200, 136, 704)),
]
QUICK = [0, 2, 5, 7]

INTEGERS = {1: numpy.uint8, 2: numpy.uint16, 4: numpy.uint32, 8: numpy.uint64}


class NoGpu(Exception):
    pass


def run(options, kernel, constants, shape, device, folder):
    """Runs a kernel and gives its tensors by name, as integers."""
    command = [options.tilewright, "run", os.path.join(ROOT, "kernels", kernel)]
    command += ["-DG=8"] + ([] if " S=" in constants else ["-DCL=1"])
    command += ["-D" + c for c in constants.split()]
    command += ["--shape", "M=%d,N=%d,K=%d" % shape, "--seed", str(options.seed)]
    command += ["--dump", folder] + device
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text = done.stdout.decode("utf-8", "replace")
    if done.returncode == NO_GPU:
        raise NoGpu(text.strip())
    if done.returncode != 0:
        raise RuntimeError("%s\n%s" % (" ".join(command), text))
    tensors = {}
    with open(os.path.join(folder, "tensors.json"), encoding="utf-8") as file:
        for tensor in json.load(file):
            with open(os.path.join(folder, tensor["name"] + ".bin"), "rb") as data:
                raw = data.read()
            count = int(numpy.prod(tensor["shape"]))
            kind = INTEGERS[len(raw) // count]
            tensors[tensor["name"]] = (tensor["dtype"], numpy.frombuffer(raw, kind))
    return tensors


def values(dtype, bits):
    """The values of f32 or bf16 elements."""
    if dtype == "bf16":
        return (bits.astype(numpy.uint32) << 16).view(numpy.float32)
    return bits.view(numpy.float32)


def compare(options, kernel, constants, shape):
    """A row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.time()
        gpu = run(options, kernel, constants, shape, ["--device", "0"], folder)
    with tempfile.TemporaryDirectory() as folder:
        device = ["--device", "sim", "--fp8-accumulate", options.accumulate]
        middle = time.time()
        sim = run(options, kernel, constants, shape, device, folder)
        end = time.time()
    for name in gpu:
        if name != "D" and not numpy.array_equal(gpu[name][1], sim[name][1]):
            raise RuntimeError("input %s is not the same on both" % name)
    dtype, a = gpu["D"]
    b = sim["D"][1]
    differing = int(numpy.count_nonzero(a != b))
    bits = int(numpy.unpackbits((a ^ b).view(numpy.uint8)).sum())
    x, y = (values(dtype, v).astype(numpy.float64) for v in (a, b))
    scale = float(numpy.abs(x).max()) or 1.0
    return {
        "kernel": os.path.splitext(os.path.basename(kernel))[0],
        "constants": constants,
        "shape": list(shape),
        "dtype": dtype,
        "elements": int(a.size),
        "differing_elements": differing,
        "differing_bits": bits,
        "largest_difference": float(numpy.abs(x - y).max()) / scale,
        "gpu_seconds": middle - start,
        "sim_seconds": end - middle,
    }


def table(rows):
    lines = [
        "| kernel | constants | M×N×K | elements | elements that differ | bits that "
        "differ | largest difference / largest value |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(
            "| %s | %s | %s | %d %s | %d | %d | %.1e |"
            % (
                row["kernel"],
                row["constants"],
                "×".join(map(str, row["shape"])),
                row["elements"],
                row["dtype"],
                row["differing_elements"],
                row["differing_bits"],
                row["largest_difference"],
            )
        )
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--tilewright",
        default=shutil.which("tilewright")
        or os.path.join(ROOT, "build", "check", "bin", "tilewright"),
    )
    parser.add_argument("--accumulate", default="hopper", choices=["hopper", "exact"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="four cases only")
    parser.add_argument("--out", help="a folder for sim_compare.{md,json}")
    options = parser.parse_args()

    rows, failures = [], []
    for index, case in enumerate(CASES):
        if options.quick and index not in QUICK:
            continue
        try:
            rows.append(compare(options, *case))
        except NoGpu as reason:
            print("sim_compare: skipped:", reason)
            return 77
        except (RuntimeError, OSError) as error:
            failures.append(case)
            print("%s %s %s: %s" % (*case, error))
    text = table(rows)
    print(text)
    if options.out:
        os.makedirs(options.out, exist_ok=True)
        for name, content in (
            ("sim_compare.md", text + "\n"),
            ("sim_compare.json", json.dumps(rows, indent=1) + "\n"),
        ):
            with open(os.path.join(options.out, name), "w", encoding="utf-8") as file:
                file.write(content)
    seconds = sum(row["sim_seconds"] for row in rows)
    if failures or not rows:
        print("sim_compare: failed: %d of %d cases" % (len(failures), len(CASES)))
        return 1
    print("sim_compare: ok, %d cases, simulated in %.0f s" % (len(rows), seconds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
