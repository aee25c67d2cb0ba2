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


# What an out-of-bounds element reads as with the NaN fill.
NAN_FILL = {"f32": 0x7FF77FF7, "bf16": 0x7FF7, "f16": 0x7FF7}


def tf32(data):
    """A load of type tf32 rounds each element to nearest, 10 fraction bits."""
    word = int.from_bytes(data, "little")
    return (word + 0x1000 & 0xFFFFE000).to_bytes(4, "little")


def pitch(m):
    """Bytes from one row of a box in shared memory to the next: a row narrower
    than the swizzle's span is padded to the span."""
    row = m["box"][0] * fam_tma.SIZES[m["type"]]
    return max(row, m["swizzle"])


def elements(m, box):
    """Pairs (global byte offset or None, shared byte offset) of a box."""
    size = fam_tma.SIZES[m["type"]]
    strides = [size] + m["strides"]
    for index in itertools.product(*[range(b) for b in m["box"][::-1]]):
        index = index[::-1]
        at = [c + i for c, i in zip(box, index)]
        inside = all(0 <= x < d for x, d in zip(at, m["dims"]))
        row = 0
        for i, b in list(zip(index, m["box"]))[:0:-1]:
            row = row * b + i
        yield (m["offset"] + sum(x * s for x, s in zip(at, strides))
               if inside else None, row * pitch(m) + index[0] * size)


def reduced(kind, op, old, new):
    """A reduction of one element, as bytes."""
    if kind in ("s32", "u32"):
        old, new = (int.from_bytes(x, "little", signed=kind == "s32")
                    for x in (old, new))
        value = {"min": min, "max": max, "xor": lambda a, b: a ^ b}[op](old, new)
        return (value & 0xFFFFFFFF).to_bytes(4, "little")
    if kind == "f32":
        a, b = (np.frombuffer(x, "<f4") for x in (old, new))
        return (a + b).astype("<f4").tobytes()
    if kind == "f16":
        a, b = (np.frombuffer(x, "<f2").astype("f4") for x in (old, new))
        return (a + b).astype("<f2").tobytes()
    a, b = (np.frombuffer(bytes(2) + x, "<f4") for x in (old, new))
    if op == "max":
        return max(a, b).astype("<f4").tobytes()[2:]
    bits = int((a.astype("f8") + b).astype("<f4").view("<u4")[0])
    bits += 0x7FFF + (bits >> 16 & 1)
    return (bits >> 16).to_bytes(2, "little")


def tma(kernel, start):
    t = kernel.tma
    m, size = t["map"], fam_tma.SIZES[t["map"]["type"]]
    out = bytearray(start["out"].tobytes())
    if t["op"] == "load":
        out = bytearray(struct.pack("<I", 0xA5A5A5A5) * (len(out) // 4))
        source = start["a"].tobytes()
    else:
        source = start["data"].tobytes()
    fill = (NAN_FILL[m["type"]] if m["oob"] == "nan" else 0).to_bytes(
        size, "little")
    for box, at in zip(t["boxes"], t["at"]):
        for where, shared in elements(m, box):
            shared = swizzled(at + shared, m["swizzle"])
            if t["op"] == "load":
                data = fill if where is None else source[where:where + size]
                if m["type"] == "tf32":
                    data = tf32(data)
                out[shared:shared + size] = data
            elif where is not None:
                data = source[shared:shared + size]
                if t["op"] != "store":
                    data = reduced(m["type"], t["op"],
                                   bytes(out[where:where + size]), data)
                out[where:where + size] = data
    return bytes(out)


def main():
    fam_mma.make()
    fam_tma.make()
    bad = seen = 0
    for name, kernel in ptxkit.KERNELS.items():
        start = {b: np.frombuffer(initial(v), np.uint8)
                 for b, v in kernel.buffers.items()}
        if hasattr(kernel, "wgmma"):
            got = wgmma(kernel, start)
        elif hasattr(kernel, "tma"):
            got = tma(kernel, start)
        else:
            continue
        seen += 1
        with open(os.path.join(HERE, "kernels", name, "out.bin"), "rb") as f:
            want = f.read()
        if got != want:
            bad += 1
            g, w = (np.frombuffer(x, "<u4") for x in (got, want))
            i = np.flatnonzero(g != w)
            print(f"{name}: {len(i)} of {len(g)} words differ; first {i[:4]} " +
                  ", ".join(f"0x{g[j]:08x} for 0x{w[j]:08x}" for j in i[:6]))
    print(seen, "kernels,", bad, "differ")
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
