#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes a folder with all that the GPU tests need on a machine without a
compiler: every tile of the FP8 GEMM, compiled, and libtilewright.so.

    TILEWRIGHT_LIBRARY=build/dev/lib/libtilewright.so \\
      python3 test/gpu/make_carry.py .device-carry --runtime build/release/lib/libtilewright.so

Then, there:

    TILEWRIGHT_LIBRARY=.device-carry/libtilewright.so \\
      python3 test/gpu/fp8_gemm.py --artefacts .device-carry --out DIR --bench

TILEWRIGHT_LIBRARY must include the compiler; `--runtime` should be linked
statically (the release preset, with the compiler or without).
"""
import argparse
import os
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fp8_common as common  # noqa: E402
import fp8_gemm  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--runtime", required=True, help="libtilewright.so to carry")
    options = parser.parse_args()
    os.makedirs(options.folder, exist_ok=True)
    for bm, bn in fp8_gemm.CONFIGS:
        kernel = common.compile_gemm(bm, bn)
        kernel.save(os.path.join(options.folder, f"{bm}x{bn}"))
        print(f"{bm}x{bn}: {len(kernel.image)} bytes")
    shutil.copy2(
        options.runtime, os.path.join(options.folder, "libtilewright.so")
    )


if __name__ == "__main__":
    main()
