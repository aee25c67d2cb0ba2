#!/usr/bin/env python3
# ===- sample_accumulations.py - draws accumulations.bin -------------------===//
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""sample_accumulations.py NUMERICS_DIR RECORD_DIR

Draws from what test/sim/oracle measured on a GPU (numerics.py record, and the
wgmma_*_raw kernels of record.py: every bit pattern, NaN and infinities
included) the sample that AccumulateTest.cpp compares its model with. A record is 76
bytes: u32 type (index into TYPES) | class << 8, 32 bytes each of A's row and
B's column, u32 accumulator, u32 result."""

import json
import os
import struct
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
ORACLE = os.path.join(HERE, "..", "..", "sim", "oracle")
sys.path.insert(0, ORACLE)
import inputs as buffers  # noqa: E402
import numerics  # noqa: E402

TYPES = ["e4m3", "e5m2", "bf16", "f16", "tf32"]
PER_CLASS = 24


def main(measured, recorded):
    random = np.random.default_rng(1)
    out = b""
    for t, kind in enumerate(TYPES):
        size = {"e4m3": 1, "e5m2": 1, "tf32": 4}.get(kind, 2)
        words = {1: "<u1", 2: "<u2", 4: "<u4"}[size]
        d = np.load(os.path.join(measured, f"acc_{kind}.npz"))["d"]
        a, b, c = numerics.inputs(kind)
        shift = 13 if kind == "tf32" else 0
        for cls in range(8):
            each = len(a) // 8
            for _ in range(PER_CLASS):
                i = cls * each + random.integers(each)
                m, n = random.integers(64), random.integers(8)
                out += struct.pack("<I", t | cls << 8)
                out += (a[i, m] << shift).astype(words).tobytes()
                out += (b[i, n] << shift).astype(words).tobytes()
                out += struct.pack("<II", c[i, m, n], d[i, m, n])
        # Rows of 32 bytes with the 32-byte swizzle: one k-step, N = 16.
        name = f"wgmma_{kind}_raw"
        spec = json.load(open(os.path.join(ORACLE, "kernels", name,
                                           "spec.json")))["buffers"]
        raw = {x: buffers.initial(spec[x]) for x in "abc"}
        raw["d"] = open(os.path.join(recorded, name + ".out.bin"), "rb").read()

        def row(data, r):
            units = [data[32 * r + 16 * u:32 * r + 16 * u + 16] for u in (0, 1)]
            return b"".join(units[::-1] if r // 4 % 2 else units)

        for _ in range(PER_CLASS):
            thread, e = random.integers(128), random.integers(8)
            m = thread // 32 * 16 + thread % 32 // 4 + 8 * (e // 2 % 2)
            n = 8 * (e // 4) + 2 * (thread % 4) + e % 2
            at = 4 * (8 * thread + e)
            out += struct.pack("<I", t | 8 << 8)
            out += row(raw["a"], m) + row(raw["b"], n)
            out += raw["c"][at:at + 4] + raw["d"][at:at + 4]
    open(os.path.join(HERE, "accumulations.bin"), "wb").write(out)
    print(len(out) // 76, "records")


if __name__ == "__main__":
    main(*sys.argv[1:])
