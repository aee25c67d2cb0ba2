#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every shipped configuration under compute-sanitizer: memcheck, racecheck,
synccheck. One small shape each, with tails, in which slots come round again."""
import argparse
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import classes  # noqa: E402
import fp8_common as common  # noqa: E402

TOOLS = ("memcheck", "racecheck", "synccheck")


def check(variant, tool, program):
    """None, or the end of what the sanitizer said."""
    bm, bn = variant.constants["BM"], variant.constants["BN"]
    shape = f"M={bm + 1},N={2 * bn + 8},K={128 * 9 + 16}"
    command = ["compute-sanitizer", "--tool", tool, "--error-exitcode", "9", program]
    command += ["run", variant.source(), "--shape", shape, *variant.arguments()]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode == 0:
        return None
    return "\n".join(done.stdout.decode("utf-8", "replace").splitlines()[-12:])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tilewright", default="tilewright")
    options = parser.parse_args()
    reason = common.unavailable()
    if not reason and not shutil.which("compute-sanitizer"):
        reason = "no compute-sanitizer"
    if reason:
        print(f"left out: {reason}")
        return 77
    bad = 0
    for variant in classes.configurations():
        wrong = {t: check(variant, t, options.tilewright) for t in TOOLS}
        failed = [t for t, text in wrong.items() if text]
        bad += len(failed)
        print(f"{classes.label(variant)}: {', '.join(failed) or 'clean'}", flush=True)
        for tool in failed:
            print(f"--- {tool}\n{wrong[tool]}")
    print(f"{bad} findings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
