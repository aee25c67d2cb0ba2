# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`tilewright run --watchdog` on a GPU: a hung kernel ends with a report, one that
ends in time is let be."""
import os
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fp8_common as common  # noqa: E402

TOOL = os.environ.get("TILEWRIGHT") or shutil.which("tilewright")
OPTIONS = ["-DBM=64", "-DBN=32", "-DCL=1", "-DG=8", "-DWG=1", "--shape"]
OPTIONS += ["M=64,N=32,K=512", "--watchdog", "3"]

REASON = common.unavailable() or (None if TOOL else "no tilewright")
if REASON:
    pytest.skip(REASON, allow_module_level=True)


def run(file, *options):
    done = subprocess.run(
        [TOOL, "run", str(file), *OPTIONS, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
    )
    return done.returncode, done.stdout.decode("utf-8", "replace")


def test_hung_kernel(tmp_path):
    """The math role waits for a slot that nobody fills."""
    with open(common.KERNEL, encoding="utf-8") as file:
        text = file.read()
    head, tail = text.split("role math", 1)
    tail = tail.replace("0..cdiv(K, BK) {", "0..cdiv(K, BK) + 1 {", 1)
    hangs = tmp_path / "hangs.tw"
    hangs.write_text(head + "role math" + tail)
    status, text = run(hangs, "--no-verify-rings", "--no-verify-barriers")
    assert status == 1, text
    assert "has not ended on NVIDIA" in text and "after 3.0 s" in text
    # Who waits for what, from the simulator.
    for word in ("deadlock", "role math", "pipe ab", "phase"):
        assert word in text, text


def test_kernel_that_ends():
    status, text = run(common.KERNEL, "--check")
    assert status == 0 and "check: ok" in text, text
