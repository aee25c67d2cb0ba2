#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The floor of a GEMM with few rows: reading B [N, K] and doing nothing else.

Timed as bench/gemm.py times (the L2 cache overwritten before, CUPTI). Needs
PyTorch, nvcc and a Hopper GPU.
"""
import ctypes
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from harness.shapes import WEIGHTS  # noqa: E402
from harness.timing import Timer  # noqa: E402

# Rows of a tile (0: ordinary loads), CTAs that share one, evicted first or not.
WAYS = [(0, 1, 1)] + [
    (rows, split, first)
    for first in (0, 1)
    for rows in (64, 128)
    for split in (1, 2, 4)
]


def name(rows, split, first):
    if rows == 0:
        return "loads, evict first"
    policy = "evict first" if first else "no policy"
    return f"copies of {rows} rows, {split} CTAs a tile, {policy}"


def build(folder):
    library = os.path.join(folder, "libfloor.so")
    command = ["nvcc", "-gencode", "arch=compute_90a,code=sm_90a", "-O3"]
    command += ["-std=c++17", "-shared", "-Xcompiler", "-fPIC", "-cudart", "static"]
    command += ["-o", library, os.path.join(HERE, "streaming_floor.cu")]
    subprocess.run(command, check=True)
    return ctypes.CDLL(library).streamingFloor


def main():
    import torch

    timer = Timer()
    sms = torch.cuda.get_device_properties(0).multi_processor_count
    sink = torch.zeros(1, device="cuda")
    stream = ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)
    with tempfile.TemporaryDirectory() as folder:
        function = build(folder)
    for n, k in WEIGHTS:
        data = torch.empty(n, k, dtype=torch.uint8, device="cuda").random_()

        def run(rows, split, first):
            status = function(
                ctypes.c_void_p(data.data_ptr()), ctypes.c_int64(n), ctypes.c_int64(k),
                rows, split, first, sms // split * split,
                ctypes.c_void_p(sink.data_ptr()), stream,
            )  # fmt: skip
            if status:
                raise RuntimeError(f"CUDA error {status}")

        runs = [lambda way=way: run(*way) for way in WAYS]
        method, times, _ = timer.measure(runs, 5, 3)
        print(f"B {n}x{k}, {n * k / 1e6:.1f} MB ({method})")
        for way, series in zip(WAYS, times):
            us = statistics.median(series)
            print(f"  {name(*way):42s} {us:7.2f} us  {n * k / us / 1e6:5.2f} TB/s")


if __name__ == "__main__":
    sys.exit(main())
