# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The configurations that bench/configs/ quotes, each once, with run-time shapes:
what the tests of hardening go through."""
import glob
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fp8_common as common  # noqa: E402

sys.path.insert(0, os.path.join(common.ROOT, "bench"))
from harness.variants import parse_variant  # noqa: E402


def configurations():
    """Variants without baked dimensions, in the order of their first use."""
    found = {}
    for path in sorted(glob.glob(os.path.join(common.ROOT, "bench/configs/hopper-*.json"))):
        with open(path, encoding="utf-8") as file:
            for specs in json.load(file).values():
                for spec in specs:
                    variant = parse_variant(spec)
                    key = (variant.kernel, *variant.constants.items())
                    key += tuple(variant.options.items())
                    found.setdefault(key, variant)
    return list(found.values())


def label(variant):
    constants = " ".join(f"{k}={v}" for k, v in variant.constants.items())
    options = " ".join(f"{k}={v}" for k, v in variant.options.items())
    return f"{variant.kernel} {constants} {options}".strip()


def random_shape(variant, rng):
    """M, N and K: tails in all of them, few blocks of K and none, some CTAs with
    several tiles. N and K are such that every tensor can be copied."""
    bm, bn = variant.constants["BM"], variant.constants["BN"]
    m = rng.randrange(1, rng.choice((bm, 3 * bm, 8 * bm)) + 1)
    n = 8 * rng.randrange(1, rng.choice((bn, 3 * bn, 40 * bn)) // 8 + 1)
    k = 16 * rng.randrange(0, rng.choice((16, 64, 200)))
    return m, n, k
