#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""shipped.py: every configuration that bench/configs/ quotes, with the dimensions
that it bakes in, assembles without a spill or an advisory.

    shipped.py tilewright
"""
import glob
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))
sys.path.insert(0, os.path.join(ROOT, "bench"))
from harness.shapes import parse_shapes  # noqa: E402
from harness.variants import parse_variant  # noqa: E402


def commands(tool):
    """One command line for each, without repetitions."""
    found = {}
    for path in sorted(glob.glob(os.path.join(ROOT, "bench/configs/hopper-*.json"))):
        with open(path, encoding="utf-8") as file:
            for name, specs in json.load(file).items():
                shape = parse_shapes(name)[0]
                for spec in specs:
                    variant = parse_variant(spec)
                    words = [tool, "compile", variant.source(), "--strict"]
                    words += variant.arguments()
                    baked = [f"{k}={v}" for k, v in variant.baked(shape).items()]
                    if baked:
                        words += ["--bake", ",".join(baked)]
                    found.setdefault(tuple(words))
    return list(found)


def main():
    failed, all_of_them = 0, commands(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        for words in all_of_them:
            done = subprocess.run(
                [*words, "-o", os.path.join(folder, "kernel")],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )
            if done.returncode:
                failed += 1
                print(" ".join(words), done.stdout, sep="\n")
    print(f"{len(all_of_them)} configurations, {failed} with spills or advisories")
    return 1 if failed or not all_of_them else 0


if __name__ == "__main__":
    sys.exit(main())
