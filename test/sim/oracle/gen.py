#!/usr/bin/env python3
# ===- gen.py - writes the oracle's kernels --------------------------------===//
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Usage: gen.py [--check] [--check-with PTXAS] [--refused|--pending] — writes
kernels/<name>/kernel.ptx and spec.json for every micro-kernel; with
--check-with, assembles each; with --check, writes nothing and compares with
what is there. --pending: those of PENDING too, which no GPU has run yet (run
record.py with their names, check.py --store, and move the family to FAMILIES).
--refused: the boxes that an H200 refused
(fam_tma.py), to refused/ instead."""

import os
import subprocess
import sys

import ptxkit
import fam_async
import fam_cluster
import fam_memory
import fam_mma
import fam_scalar
import fam_tma

FAMILIES = (fam_scalar, fam_memory, fam_async, fam_mma, fam_cluster)
PENDING = ()

HERE = os.path.dirname(os.path.abspath(__file__))


def check(root):
    """The folders are those of the generators, with an output for each."""
    bad = sorted(set(os.listdir(root)) ^ set(ptxkit.KERNELS))
    for name, kernel in ptxkit.KERNELS.items():
        want = {"kernel.ptx": kernel.text, "spec.json": ptxkit.dump(kernel.spec())}
        for file, text in want.items():
            path = os.path.join(root, name, file)
            if not os.path.exists(path) or open(path).read() != text:
                bad.append(path)
        for buffer, about in kernel.buffers.items():
            path = os.path.join(root, name, buffer + ".bin")
            if about["out"] and (not os.path.exists(path) or
                                 os.path.getsize(path) != about["bytes"]):
                bad.append(path)
    print(len(ptxkit.KERNELS), "kernels; out of date:", bad or "none")
    return bool(bad)


def main():
    root = os.path.join(HERE, "kernels")
    accumulators = {}
    if "--refused" in sys.argv:
        root = os.path.join(HERE, "refused")
        fam_tma.odd_coordinates(refused=True)
    else:
        for family in FAMILIES:
            family.make()
        # Their labels count on their own: another kernel changes none of them.
        count, ptxkit.COUNT[0] = ptxkit.COUNT[0], 0
        accumulators = fam_mma.accumulators()
        ptxkit.COUNT[0] = count
        recorded = set(ptxkit.KERNELS)
        if "--pending" in sys.argv:
            for family in PENDING:
                family.make()
            print("pending:", " ".join(n for n in ptxkit.KERNELS
                                       if n not in recorded))
    if "--check" in sys.argv:
        return check(root)
    for kernel in ptxkit.KERNELS.values():
        kernel.write(root)
    folder = os.path.join(HERE, "numerics")
    os.makedirs(folder, exist_ok=True)
    for kind, text in accumulators.items():
        with open(os.path.join(folder, f"acc_{kind}.ptx"), "w") as f:
            f.write(text)
    print(len(ptxkit.KERNELS), "kernels")
    if "--check-with" not in sys.argv:
        return 0
    ptxas = sys.argv[sys.argv.index("--check-with") + 1]
    bad = 0
    paths = {n: os.path.join(root, n, "kernel.ptx") for n in ptxkit.KERNELS}
    for kind in fam_mma.K_OF:
        paths["acc_" + kind] = os.path.join(folder, f"acc_{kind}.ptx")
    for name, path in paths.items():
        done = subprocess.run(
            [ptxas, "-arch=sm_90a", "-v", "-o", "/dev/null", path],
            capture_output=True, text=True)
        notes = [l for l in done.stderr.splitlines()
                 if "error" in l or "warning" in l.lower() or "fatal" in l]
        if done.returncode or notes:
            bad += done.returncode != 0
            print(name, "\n  ".join([""] + notes[:8]))
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
