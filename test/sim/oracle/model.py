# ===- model.py - the tensor core's accumulation, in numpy -----------------===//
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One wgmma step as an H200 computes it, bit for bit (ACCUMULATION.md).

Values are integers: an element is sign · significand · 2^unit.
"""

import numpy as np

# kind: (exponent bits, mantissa bits, bytes of an element, K of one step,
# fraction bits of the aligned sum, fraction bits of the result).
FORMATS = {"e4m3": (4, 3, 1, 32, 13, 13), "e5m2": (5, 2, 1, 32, 13, 13),
           "bf16": (8, 7, 2, 16, 25, 23), "f16": (5, 10, 2, 16, 25, 23),
           "tf32": (8, 10, 4, 8, 25, 23)}
NAN = np.uint32(0x7FFFFFFF)
FAR = -100000


def decode(kind, code):
    """Integer codes to (signed significand, unit exponent, is NaN, is inf)."""
    e, m = FORMATS[kind][:2]
    code = code.astype(np.int64)
    expo, man = code >> m & ((1 << e) - 1), code & ((1 << m) - 1)
    top = expo == (1 << e) - 1
    if kind == "e4m3":
        nan, inf = top & (man == 7), top & False
    else:
        nan, inf = top & (man != 0), top & (man == 0)
    sig = np.where(expo > 0, man | 1 << m, man)
    unit = np.maximum(expo, 1) - ((1 << (e - 1)) - 1) - m
    return np.where(code >> (e + m) & 1, -sig, sig), unit, nan, inf


def decode_f32(bits):
    bits = bits.astype(np.int64)
    expo, man = bits >> 23 & 255, bits & 0x7FFFFF
    sig = np.where(expo > 0, man | 1 << 23, man)
    unit = np.maximum(expo, 1) - 127 - 23
    return (np.where(bits >> 31 & 1, -sig, sig), unit,
            (expo == 255) & (man != 0), (expo == 255) & (man == 0))


def truncate_to(value, unit, target):
    """value · 2^unit in units of 2^target, towards zero."""
    shift = np.clip(unit - target, -62, 62)
    mag = np.abs(value)
    mag = np.where(shift >= 0, mag << np.maximum(shift, 0),
                   mag >> np.maximum(-shift, 0))
    return np.sign(value) * mag


def encode(total, unit, fraction):
    """total · 2^unit to f32 bits with `fraction` bits, towards zero."""
    mag = np.abs(total)
    top, rest = np.zeros_like(mag), mag.copy()
    for s in (32, 16, 8, 4, 2, 1):
        big = rest >> s > 0
        top, rest = np.where(big, top + s, top), np.where(big, rest >> s, rest)
    cut = np.maximum(np.maximum(top - fraction, -149 - unit), 0)
    mag = mag >> np.minimum(cut, 62) << np.minimum(cut, 62)
    value = np.ldexp(mag.astype(np.float64), unit.astype(np.int32))
    with np.errstate(over="ignore"):
        bits = value.astype(np.float32).view(np.uint32)
    return bits | ((total < 0).astype(np.uint32) << np.uint32(31))


def step(kind_a, kind_b, a, b, c, negate_a=1, negate_b=1):
    """a [..., M, K] and b [..., N, K] codes, c [..., M, N] f32 bits → f32
    bits: every product and c, truncated to a common unit, then summed."""
    ma, mb = FORMATS[kind_a][1], FORMATS[kind_b][1]
    guard, fraction = FORMATS[kind_a][4:]
    va, ua, na, ia = decode(kind_a, a)
    vb, ub, nb, ib = decode(kind_b, b)
    va, vb = va * negate_a, vb * negate_b
    left = lambda x: x[..., :, None, :]
    right = lambda x: x[..., None, :, :]
    product, unit = left(va) * right(vb), left(ua) + right(ub)
    vc, uc, nc, ic = decode_f32(c)
    # The largest exponent: of a product, the sum of its factors' exponents
    # (its significand is in [1, 4)); of a subnormal, the smallest exponent.
    largest = np.where(product != 0, unit + ma + mb, FAR).max(-1)
    largest = np.maximum(largest, np.where(vc != 0, uc + 23, FAR))
    target = np.where(largest == FAR, 0, largest - guard)
    total = (truncate_to(product, unit, target[..., None]).sum(-1) +
             truncate_to(vc, uc, target))
    out = encode(total, target, fraction)
    # NaN and infinities.
    inf_p = left(ia) & ~right(nb) | right(ib) & ~left(na)
    nan_p = (left(na) | right(nb) | left(ia) & (right(vb) == 0) & ~right(ib) |
             right(ib) & (left(va) == 0) & ~left(ia))
    sign = (left(np.sign(va)) * right(np.sign(vb))) < 0
    plus = (inf_p & ~nan_p & ~sign).any(-1) | ic & (vc > 0)
    minus = (inf_p & ~nan_p & sign).any(-1) | ic & (vc < 0)
    out = np.where(plus, np.uint32(0x7F800000), out)
    out = np.where(minus, np.uint32(0xFF800000), out)
    return np.where(nan_p.any(-1) | nc | plus & minus, NAN, out)
