#!/usr/bin/env python3
# ===- numerics.py - single wgmma accumulations, measured and modelled -----===//
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random m64n8 instructions (one step, inputs and accumulator → output) in
eight classes; see ACCUMULATION.md.

  numerics.py record --out DIR [--ptxas P] [--libcuda L]
      runs them on GPU 0 and writes DIR/acc_<type>.npz (the outputs; the inputs
      follow from the class and instruction number)
  numerics.py fit DIR       compares model.py with all the outputs in DIR
  numerics.py store DIR     keeps digests and a sample of DIR in numerics/
  numerics.py check [--full]  compares model.py with the stored sample; with
      --full, with the digests of all outputs
  numerics.py dump DIR      writes the kernels' input buffers as raw files

Needs numpy.
"""

import functools
import hashlib
import json
import os
import sys

import numpy as np

import model

HERE = os.path.dirname(os.path.abspath(__file__))

# kind: (exponent bits, mantissa bits, bytes of an element, K, instructions a
# class).
KINDS = {"e4m3": (4, 3, 1, 32, 256), "e5m2": (5, 2, 1, 32, 32),
         "bf16": (8, 7, 2, 16, 32), "f16": (5, 10, 2, 16, 32),
         "tf32": (8, 10, 4, 8, 32)}
CLASSES = ["full range, accumulator 0", "full range, accumulator of similar size",
           "moderate range", "equal exponents", "three quarters zero",
           "cancelling pairs", "smallest exponents", "any finite accumulator"]
# Exponent fields of the inputs (in e4m3's terms) and the accumulator's binary
# exponents, by class.
RANGES = [(0, 15), (0, 15), (4, 8), (7, 7), (0, 15), (3, 12), (0, 2), (0, 15)]
ACC = [None, (-6, 18), (-10, 6), (-3, 8), (-18, 18), (-12, 4), (-24, -8), None]


def mix(x):
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def rnd(seed, *shape):
    i = np.arange(int(np.prod(shape)), dtype=np.uint64)
    return mix((np.uint64(seed) << np.uint64(32)) | i).reshape(shape)


def operand(kind, cls, seed, shape):
    """Codes (uint32) of the elements of one class."""
    e, m, size, _, _ = KINDS[kind]
    r = rnd(seed, *shape)
    lo, hi = RANGES[cls]
    bias = (1 << (e - 1)) - 1
    if e != 4:
        lo, hi = bias + (lo - 7) * 2, bias + (hi - 7) * 2 + 1
    top = (1 << e) - (1 if kind == "e4m3" else 2)
    lo, hi = max(lo, 0), min(hi, top)
    span = np.uint64(hi - lo + 1)
    expo = (r >> np.uint64(32)) % span + np.uint64(lo)
    code = (r & np.uint64((1 << m) - 1)) | expo << np.uint64(m)
    code |= (r >> np.uint64(20) & np.uint64(1)) << np.uint64(e + m)
    code = code.astype(np.uint32)
    if kind == "e4m3":
        code = np.where(code & 0x7F == 0x7F, code - 1, code)
    if cls == 4:
        code = np.where(r >> np.uint64(62) == 0, code, np.uint32(0))
    return code.astype(np.uint32)


@functools.lru_cache(maxsize=1)
def inputs(kind):
    """A [I, 64, K] and B [I, 8, K] as codes, C [I, 64, 8] as f32 bits; the
    instructions of class c are I·c/8 … I·(c+1)/8 - 1."""
    e, m, size, k, n = KINDS[kind]
    parts = []
    for cls in range(8):
        seed = 1000 * (1 + sorted(KINDS).index(kind)) + 10 * cls
        a = operand(kind, cls, seed, (n, 64, k))
        b = operand(kind, cls, seed + 1, (n, 8, k))
        if cls == 5:
            half = k // 2
            a[..., half:] = a[..., :half]
            flip = np.uint32(1 << (e + m))
            keep = rnd(seed + 2, n, 8, half) % np.uint64(4) == 0
            b[..., half:] = np.where(keep, b[..., half:], b[..., :half] ^ flip)
        r = rnd(seed + 3, n, 64, 8)
        if cls == 0:
            c = np.zeros((n, 64, 8), np.uint32)
        else:
            if ACC[cls]:
                lo, hi = ACC[cls]
                if e != 4:
                    lo, hi = 2 * lo, 2 * hi
                expo = (r >> np.uint64(33)) % np.uint64(hi - lo + 1)
                expo = (expo.astype(np.int64) + lo + 127).astype(np.uint64)
            else:
                expo = (r >> np.uint64(33)) % np.uint64(170)
            c = ((r & np.uint64(0x807FFFFF)) | expo << np.uint64(23))
            c = c.astype(np.uint32)
        parts.append((a, b, c))
    return [np.concatenate(p) for p in zip(*parts)]


def core_matrices(kind, x):
    """[I, R, K] codes to the bytes in shared memory: [I, K chunk, R, 16 B]."""
    size, k = KINDS[kind][2], KINDS[kind][3]
    shift = 13 if kind == "tf32" else 0  # tf32 is the top 19 bits of a word.
    x = (x << np.uint32(shift)).astype({1: "<u1", 2: "<u2", 4: "<u4"}[size])
    per = 16 // size
    x = x.reshape(x.shape[0], x.shape[1], k // per, per).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(x).tobytes()


def fragments():
    """[128 threads, 4 registers] → index into a [64, 8] accumulator tile."""
    t, r = np.arange(128)[:, None], np.arange(4)[None, :]
    row = t // 32 * 16 + t % 32 // 4 + 8 * (r // 2)
    return row * 8 + t % 4 * 2 + r % 2


def buffers(kind):
    """The three input buffers of acc_<kind>.ptx."""
    a, b, c = inputs(kind)
    acc = c.reshape(len(a), 512)[:, fragments()]
    return [core_matrices(kind, a), core_matrices(kind, b),
            acc.astype("<u4").tobytes()]


def record(out, ptxas, libcuda):
    import ctypes
    from record import Cuda, assemble
    cuda = Cuda(libcuda)
    os.makedirs(out, exist_ok=True)
    for kind in KINDS:
        count = 8 * KINDS[kind][4]
        data = buffers(kind) + [bytes(2048 * count)]
        assert [len(d) // count for d in data] == [2048, 256, 2048, 2048]
        module = cuda.module(assemble(
            os.path.join(HERE, "numerics", f"acc_{kind}.ptx"), ptxas))
        function = cuda.function(module, "k", 2304)
        pointers = [cuda.alloc(d) for d in data]
        values = [ctypes.c_uint64(p.value) for p in pointers]
        results = []
        for _ in range(2):
            cuda.launch(function, [count, 1, 1], [128, 1, 1], [1, 1, 1], 2304,
                        False, [ctypes.pointer(v) for v in values])
            cuda("cuCtxSynchronize")
            got = np.frombuffer(cuda.get(pointers[3], 2048 * count), "<u4")
            d = np.zeros((count, 512), np.uint32)
            d[:, fragments().ravel()] = got.reshape(count, 512)
            results.append(d.reshape(count, 64, 8))
        assert (results[0] == results[1]).all(), "results differ between runs"
        np.savez_compressed(os.path.join(out, f"acc_{kind}.npz"), d=results[0])
        print(kind, count * 512, "accumulations")


def modelled(kind, lo, hi):
    """The model's outputs of instructions lo … hi - 1."""
    a, b, c = (x[lo:hi] for x in inputs(kind))
    return model.step(kind, kind, a, b, c)


def fit(folder):
    """Compares all outputs in a folder with the model; writes nothing."""
    bad = 0
    for kind, (_, _, _, _, n) in KINDS.items():
        path = os.path.join(folder, f"acc_{kind}.npz")
        d = np.load(path)["d"]
        for cls, about in enumerate(CLASSES):
            got = np.concatenate([
                modelled(kind, i, i + 16)
                for i in range(cls * n, (cls + 1) * n, 16)])
            want = d[cls * n:(cls + 1) * n]
            differ = int((got != want).sum())
            bad += differ
            print(f"{kind} {about}: {differ} of {got.size} differ")
    return bad


def digest(d):
    return hashlib.sha256(d.astype("<u4").tobytes()).hexdigest()


def store(folder):
    """Keeps the digests of every class and a sample of the outputs."""
    sample, digests = {}, {}
    for kind, (_, _, _, _, n) in KINDS.items():
        d = np.load(os.path.join(folder, f"acc_{kind}.npz"))["d"]
        digests[kind] = [digest(d[c * n:(c + 1) * n]) for c in range(8)]
        keep = 8 if kind == "e4m3" else 2
        sample[kind] = np.concatenate(
            [d[c * n:c * n + keep] for c in range(8)])
    np.savez_compressed(os.path.join(HERE, "numerics", "sample.npz"), **sample)
    with open(os.path.join(HERE, "numerics", "digests.json"), "w") as f:
        json.dump(digests, f, indent=1)


def check(full):
    """The model against the stored sample; with `full`, all outputs that the
    model gives against the digests of what was measured."""
    bad = 0
    sample = np.load(os.path.join(HERE, "numerics", "sample.npz"))
    for kind, (_, _, _, _, n) in KINDS.items():
        keep = len(sample[kind]) // 8
        for cls in range(8):
            got = modelled(kind, cls * n, cls * n + keep)
            want = sample[kind][cls * keep:(cls + 1) * keep]
            differ = int((got != want).sum())
            if differ:
                print(f"{kind} {CLASSES[cls]}: {differ} of {got.size} differ")
            bad += differ
    if full:
        with open(os.path.join(HERE, "numerics", "digests.json")) as f:
            digests = json.load(f)
        for kind, (_, _, _, _, n) in KINDS.items():
            for cls in range(8):
                got = np.concatenate([
                    modelled(kind, i, i + 16)
                    for i in range(cls * n, (cls + 1) * n, 16)])
                if digest(got) != digests[kind][cls]:
                    bad += 1
                    print(f"{kind} {CLASSES[cls]}: another digest")
    print("the model agrees" if not bad else f"{bad} differences")
    return bad


def dump(folder):
    """Raw little-endian buffers a, b, c as numerics/acc_<type>.ptx takes them
    (CTA i has bytes 2048·i of a, 256·i of b, 2048·i of c and out)."""
    os.makedirs(folder, exist_ok=True)
    for kind in KINDS:
        for name, data in zip("abc", buffers(kind)):
            with open(os.path.join(folder, f"acc_{kind}.{name}.bin"),
                      "wb") as f:
                f.write(data)


def main():
    args = sys.argv[1:]
    option = lambda n, d: args[args.index(n) + 1] if n in args else d
    if args[:1] == ["record"]:
        record(option("--out", "."), option("--ptxas", "ptxas"),
               option("--libcuda", "libcuda.so.1"))
        return 0
    if args[:1] == ["fit"]:
        return fit(args[1]) != 0
    if args[:1] == ["store"]:
        return store(args[1])
    if args[:1] == ["dump"]:
        return dump(args[1])
    if args[:1] == ["check"]:
        return check("--full" in args) != 0
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main())
