# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""bench/gemm.py on a GPU: what it times is checked, and it says what is wrong."""
import json
import os
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fp8_common as common  # noqa: E402

REASON = common.unavailable()
if REASON:
    pytest.skip(REASON, allow_module_level=True)

COMMAND = os.path.join(common.ROOT, "bench", "gemm.py")
GOOD = "BM=128,BN=128,CL=1,G=8,WG=2"


def bench(folder, *arguments):
    done = subprocess.run(
        [sys.executable, COMMAND, "--out", str(folder), *arguments],
        capture_output=True,
        text=True,
        timeout=300,
    )
    print(done.stdout, done.stderr)
    return done


def test_times_what_is_right(tmp_path):
    done = bench(
        tmp_path,
        *("--shapes", "fp8:256x512x640,wgrad:256x512x640,bf16:256x512x640"),
        *("--rounds", "2", "--calls", "1"),
        *("--ours", f"one:fp8_gemm_nt:{GOOD}"),
        *("--ours", f"two:fp8_wgrad_nt:{GOOD}:kind=wgrad"),
        *("--ours", f"three:bf16_gemm:{GOOD},TD=bf16,ADD=false:kind=bf16"),
    )
    assert done.returncode == 0
    result = json.loads((tmp_path / "gemm.json").read_text())
    assert [row["kind"] for row in result["rows"]] == ["fp8", "wgrad", "bf16"]
    for row in result["rows"]:
        found = {entry["name"]: entry for entry in row["contenders"]}
        (ours,) = (entry for entry in found.values() if entry["ours"])
        for entry in (ours, found["cublaslt-bf16"]):
            assert entry["error"] is None and entry["method"] == "cupti"
            assert len(entry["microseconds"]) == 2 and min(entry["microseconds"]) > 1
            assert entry["kernels"]


def test_a_wrong_kernel_has_no_time(tmp_path):
    # D is the kernel's, but scaled twice.
    with open(common.KERNEL) as file:
        source = file.read()
    assert "bf16(acc)" in source
    wrong = tmp_path / "wrong.tw"
    wrong.write_text(source.replace("bf16(acc)", "bf16(acc + acc)"))
    done = bench(
        tmp_path,
        *("--shapes", "256x512x640", "--peers", "", "--rounds", "1", "--calls", "1"),
        *("--ours", f"bad:{wrong}:{GOOD}", "--ours", f"good:fp8_gemm_nt:{GOOD}"),
    )
    assert done.returncode == 1
    (row,) = json.loads((tmp_path / "gemm.json").read_text())["rows"]
    bad, good = row["contenders"]
    assert "elements wrong" in bad["error"] and "microseconds" not in bad
    assert good["microseconds"]
