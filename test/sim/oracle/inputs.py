# ===- inputs.py - a spec's buffers before the launch ----------------------===//
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The initial bytes of a buffer, from its `init` in spec.json:

  {}                          zeros
  {"fill": w}                 every 32-bit word is w
  {"random": s, "and": m, "or": b}
                              word i is (mix(s << 32 | i) & m) | b, where mix is
                              splitmix64's step and the low 32 bits are taken
  "words": [...]              with any of these: replaces the first words

Words are little-endian; `bytes` is a multiple of 4.
"""

import struct

M64 = (1 << 64) - 1


def mix(x):
    x = (x + 0x9E3779B97F4A7C15) & M64
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & M64
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & M64
    return x ^ (x >> 31)


def initial(buffer):
    count, init = buffer["bytes"] // 4, buffer["init"]
    assert buffer["bytes"] % 4 == 0
    if "random" in init:
        seed, mask, bits = init["random"] << 32, init["and"], init["or"]
        words = [(mix(seed | i) & mask & 0xFFFFFFFF) | bits
                 for i in range(count)]
    else:
        words = [init.get("fill", 0)] * count
    first = init.get("words", [])[:count]
    words[:len(first)] = first
    return struct.pack("<%dI" % count, *words)
