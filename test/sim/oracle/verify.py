#!/usr/bin/env python3
# ===- verify.py - the recorded outputs against numpy models ---------------===//
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Computes wgmma_* and tma_* outputs in numpy (descriptors, swizzles, boxes,
model.py's accumulation) and compares them with the recorded ones: what the
recordings mean, and that they were not read wrongly. Needs numpy."""

import itertools
import os
import struct
import sys

import numpy as np

import fam_mma
import fam_tma
import model
import ptxkit
from inputs import initial

HERE = os.path.dirname(os.path.abspath(__file__))


def swizzled(address, span):
    """Address bits 4 and up XOR bits 7 and up; the span says how many."""
    mask = {0: 0, 32: 1, 64: 3, 128: 7}[span]
    return address ^ ((address >> 7 & mask) << 4)


def operand(memory, start, kind, rows, desc, transposed):
    """[rows, K] codes of one step from shared memory, through a descriptor."""
    lbo, sbo, span = desc
    size, k = model.FORMATS[kind][2:4]
    r, c = np.arange(rows)[:, None], np.arange(k)[None, :]
    if transposed:
        width = (span or 16) // size
        # Without a swizzle the two strides change their roles.
        along, deep = (lbo, sbo) if span else (sbo, lbo)
        address = (r // width * along + r % width * size + c // 8 * deep +
                   c % 8 * (span or 16))
    elif span:
        address = r // 8 * sbo + r % 8 * span + c * size
    else:
        byte = c * size
        address = (r // 8 * sbo + r % 8 * 16 + byte // 16 * lbo + byte % 16)
    address = swizzled(address + start, span)
    code = np.zeros(address.shape, np.uint32)
    for i in range(size):
        code |= memory[address + i].astype(np.uint32) << np.uint32(8 * i)
    return code >> np.uint32(13) if kind == "tf32" else code


def registers(data, kind, s, steps):
    """A [64, K] of step s from the threads' registers."""
    size, k = model.FORMATS[kind][2:4]
    per = 4 // size
    words = data.view("<u4").reshape(128, steps, 4)[:, s]
    code = np.zeros((64, k), np.uint32)
    for t, i in itertools.product(range(128), range(4)):
        row = t // 32 * 16 + t % 32 // 4 + 8 * (i % 2)
        for j in range(per):
            col = t % 4 * per + j + k // 2 * (i // 2)
            code[row, col] = int(words[t, i]) >> (8 * size * j) & (
                (1 << 8 * size) - 1)
    return code


def tile_index(n):
    """[128, n / 2]: thread and register to an index into [64, n]."""
    t, i = np.arange(128)[:, None], np.arange(n // 2)[None, :]
    row = t // 32 * 16 + t % 32 // 4 + 8 * (i // 2 % 2)
    return row * n + i // 4 * 8 + t % 4 * 2 + i % 2


def wgmma(kernel, start):
    w = kernel.wgmma
    second = -(-w["sizes"][0] // 1024) * 1024
    memory = np.zeros(max(kernel.smem, 1 << 16), np.uint8)
    memory[:w["sizes"][0]] = start["a"]
    memory[second:second + w["sizes"][1]] = start["b"]
    n = w["n"]
    index = tile_index(n)
    c = np.zeros(64 * n, np.uint32)
    c[index] = start["c"].view("<u4").reshape(index.shape)
    c = c.reshape(64, n)
    for r in range(w["repeats"]):
        for s in range(w["steps"]):
            if s == 0 and not w["scale_d"][r % len(w["scale_d"])]:
                c = np.zeros_like(c)
            a = (registers(start["a"], w["at"], s, w["steps"])
                 if w["regs_a"] else
                 operand(memory, w["ka"] * s, w["at"], 64, w["a"], w["ta"]))
            b = operand(memory, second + w["kb"] * s, w["bt"], n, w["b"],
                        w["tb"])
            c = model.step(w["at"], w["bt"], a, b, c, *w["negate"])
    return c.ravel()[index].astype("<u4").tobytes()


def main():
    fam_mma.make()
    bad = 0
    for name, kernel in ptxkit.KERNELS.items():
        start = {b: np.frombuffer(initial(v), np.uint8)
                 for b, v in kernel.buffers.items()}
        got = wgmma(kernel, start)
        with open(os.path.join(HERE, "kernels", name, "out.bin"), "rb") as f:
            want = f.read()
        if got != want:
            bad += 1
            g, w = (np.frombuffer(x, "<u4") for x in (got, want))
            i = np.flatnonzero(g != w)
            print(f"{name}: {len(i)} of {len(g)} words differ; first {i[:4]} " +
                  ", ".join(f"0x{g[j]:08x} for 0x{w[j]:08x}" for j in i[:6]))
    print(len(ptxkit.KERNELS), "kernels,", bad, "differ")
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
