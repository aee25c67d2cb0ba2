#!/usr/bin/env python3
# ===- check.py - compare outputs with the recorded ones -------------------===//
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Usage: check.py DIR [NAME…] — compares DIR/<name>.<buffer>.bin (as record.py
writes them, or a simulator's runner) with kernels/<name>/<buffer>.bin, bit for
bit, and says where each first differs. `--store` copies them there instead
(after a run on a GPU). Exit status 1 if anything differs or is missing."""

import json
import os
import shutil
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def outputs(name):
    with open(os.path.join(HERE, "kernels", name, "spec.json")) as f:
        spec = json.load(f)
    return [b for b, v in spec["buffers"].items() if v["out"]]


def difference(got, want):
    """None, or a line that says where two buffers first differ."""
    if len(got) != len(want):
        return "%d bytes, expected %d" % (len(got), len(want))
    if got == want:
        return None
    pairs = list(zip(struct.unpack("<%dI" % (len(got) // 4), got),
                     struct.unpack("<%dI" % (len(want) // 4), want)))
    bad = [i for i, (g, w) in enumerate(pairs) if g != w]
    return "%d of %d words differ; first word %d: 0x%08x, expected 0x%08x" % (
        len(bad), len(pairs), bad[0], *pairs[bad[0]])


def main():
    args = [a for a in sys.argv[1:] if a != "--store"]
    if not args:
        print(__doc__)
        return 2
    names = args[1:] or sorted(os.listdir(os.path.join(HERE, "kernels")))
    failed = 0
    for name in names:
        for buffer in outputs(name):
            path = os.path.join(args[0], f"{name}.{buffer}.bin")
            stored = os.path.join(HERE, "kernels", name, buffer + ".bin")
            if "--store" in sys.argv and os.path.exists(path):
                shutil.copyfile(path, stored)
            missing = [p for p in (path, stored) if not os.path.exists(p)]
            if missing:
                text = "missing " + missing[0]
            else:
                with open(path, "rb") as f, open(stored, "rb") as g:
                    text = difference(f.read(), g.read())
            if text:
                failed += 1
                print(f"{name}.{buffer}: {text}")
    print(f"{len(names)} kernels, {failed} buffers differ")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
