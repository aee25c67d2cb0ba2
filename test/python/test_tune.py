# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""bench/tune.py and bench/fit_cost_model.py: what needs no GPU."""
import json
import os
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "bench"))
import fit_cost_model  # noqa: E402
import tune  # noqa: E402
from harness import variants  # noqa: E402
from harness.shapes import Shape  # noqa: E402

RECORDS = os.path.join(ROOT, "docs", "measurements", "2026-11-29-h200")


def program():
    given = os.environ.get("TILEWRIGHT_BUILD")
    names = ("check", "dev", "release")
    builds = [given] if given else [os.path.join(ROOT, "build", n) for n in names]
    programs = [os.path.join(build, "bin", "tilewright") for build in builds]
    found = next((p for p in programs if os.path.exists(p)), None)
    if found is None:
        pytest.skip("no tilewright is built")
    return found


def test_shapes():
    fixed, drawn = tune.fixed_shapes(), tune.random_shapes(7)
    assert len(set(fixed)) == len(set(drawn)) == 24
    assert drawn == tune.random_shapes(7) != tune.random_shapes(8)
    assert all(1 <= m <= 8192 and n % 8 == 0 and k % 128 == 0 for m, n, k in drawn)
    assert min(m for m, _, _ in drawn) < 16 and max(m for m, _, _ in drawn) > 1000


def test_variants_and_back(tmp_path):
    candidates = [
        {"dims": {"M": 64, "N": 128, "K": 256}, "candidates": [
            {"kernel": tune.KERNELS[0], "constants": {"BM": "64"}, "hints": {"buffers": 4}},
            {"kernel": tune.KERNELS[1], "constants": {"BM": "64"}, "hints": {"buffers": 0}},
        ]},
        {"dims": {"M": 1, "N": 128, "K": 256}, "candidates": [
            {"kernel": tune.KERNELS[1], "constants": {"BM": "64"}, "hints": {}},
        ]},
    ]
    made = tune.to_variants(candidates)
    # A hint of 0 is the default: the same kernel, the same name.
    assert [v["name"] for v in made["64x128x256"]] == ["v0", "v1"]
    assert [v["name"] for v in made["1x128x256"]] == ["v1"]
    path = tmp_path / "variants.json"
    path.write_text(json.dumps(made))
    shape = Shape("fp8", 64, 128, 256)
    read = variants.read_variants(str(path), [shape])[shape]
    assert [v.name for v in read] == ["v0", "v1"]
    assert read[0].options == {"hint.buffers": 4} and read[0].bake == {}
    row = {"m": 64, "n": 128, "k": 256, "contenders": [
        {"name": "v0", "ours": True, "error": None, "microseconds": [3.0, 1.0, 2.0]},
        {"name": "v1", "ours": True, "error": "wrong", "microseconds": [1.0]},
        {"name": "deepgemm", "ours": False, "error": None, "microseconds": [1.0]},
    ]}
    assert tune.to_measured([{"rows": [row]}], made) == [{
        "dims": {"M": 64, "N": 128, "K": 256}, "kernel": tune.KERNELS[0],
        "constants": {"BM": 64}, "hints": {"buffers": 4}, "microseconds": 2.0,
    }]


def test_reads_reports():
    samples = fit_cost_model.read_report(os.path.join(RECORDS, "small-m-overlap.md"))
    first = samples[0]
    assert first["dims"] == {"M": 1, "N": 2112, "K": 7168}
    assert first["kernel"] == fit_cost_model.SWAPPED
    assert first["constants"]["BN"] == "64" and first["hints"] == {"overlap": 1}
    assert first["microseconds"] == 10.2
    assert any(s["kernel"] == fit_cost_model.NORMAL for s in samples)


def test_coefficients_are_of_this_compiler():
    """The built-in ones choose well where they were fitted, and every one that
    is fitted moves some prediction."""
    names = ("small-m-overlap.md", "large-variants.md", "n2112-variants.md")
    names += ("tune-fixed.json",)
    samples = fit_cost_model.read([os.path.join(RECORDS, name) for name in names])
    predictor = fit_cost_model.Predictor(program(), samples)
    built_in = predictor({})
    chosen = fit_cost_model.regrets(
        samples, fit_cost_model.groups_of(samples), built_in
    )
    assert sum(chosen) / len(chosen) < 1.03 and max(chosen) < 1.1
    start = predictor(fit_cost_model.START)
    for name, (low, high) in fit_cost_model.BOUNDS.items():
        moved = [predictor({**fit_cost_model.START, name: v}) for v in (low, high)]
        # Few enough clusters of 8 here that all are resident.
        unmeasured = name == "residentClusters8"
        assert unmeasured or any(m != start for m in moved), name


def test_prepare(tmp_path):
    command = [
        sys.executable, os.path.join(ROOT, "bench", "tune.py"), "prepare",
        "--out", str(tmp_path), "--tilewright", program(), "--candidates", "3",
        "--pool", "12", "--random", "4",
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "28 problems" in done.stdout
    made = json.loads((tmp_path / "variants.json").read_text())
    assert len(made) == 28 and all(1 <= len(v) <= 3 for v in made.values())
    assert (tmp_path / "run.sh").exists()
    # As if each candidate had taken what the model says: no choice is worse.
    measured = [
        {"dims": problem["dims"], "microseconds": c["predicted"], **c}
        for problem in json.loads((tmp_path / "candidates.json").read_text())
        for c in problem["candidates"]
    ]
    path = tmp_path / "times.json"
    path.write_text(json.dumps(measured))
    done = subprocess.run(
        [program(), "tune", tune.KERNELS[0], "--also", tune.KERNELS[1],
         "--measured", str(path), "--table", str(tmp_path / "tables")],
        capture_output=True, text=True, cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert "28 problems: geometric mean 1.0000, worst 1.0000" in done.stdout
    tables = os.listdir(tmp_path / "tables")
    assert sorted(tables) == ["fp8_gemm_nt.json", "fp8_gemm_nt_swap_ab.json"]


JIT = """
import sys, tilewright as t
paths = sys.argv[1:]
class Tensor:
    def __init__(self, *shape): self.shape = shape
def tensors(m, n, k):
    kb, nb = -(-k // 128), -(-n // 128)
    return (Tensor(m, k), Tensor(kb, m), Tensor(n, k), Tensor(nb, kb), Tensor(m, n))
shape = {"M": 1, "N": 2112, "K": 7168}
signature = {x["name"]: x["shape"] for x in t.choose(paths[0])["tensors"]}
assert signature["A"] == ["M", "K"] and signature["SA"] == ["", "M"], signature
best = [t.choose(path, shape, target="sm_90a") for path in paths]
assert all(c["source"] in ("model", "table") and c["chip"] == "h200" for c in best)
assert t.choose(paths[0], shape, constants=best[0]["constants"], target="sm_90a") is None
gemm = t.jit(*paths, target="sm_90a")
kernel = gemm.kernel(*tensors(1, 2112, 7168))
times = [c["microseconds"] for c in best]
wanted = best[times.index(min(times))]["constants"]
assert {k: str(v) for k, v in kernel.manifest["constants"].items()} == wanted
assert kernel.manifest.get("baked") == {}, "the extents are not fixed"
assert gemm.kernel(*tensors(1, 2112, 7168)) is kernel
assert gemm.kernel(*tensors(4096, 4096, 7168)).manifest["constants"]["BM"] >= 128
for wrong, message in ((dict(shape={"M": 1}), "K=…,N=…"), ({}, "has no value")):
    try: t.compile(paths[0], target="sm_90a", **wrong)
    except t.CompileError as error: assert message in str(error), error
    else: raise AssertionError(wrong)
print("ok")
"""


def test_choice_from_python(tmp_path):
    library = os.path.join(os.path.dirname(os.path.dirname(program())), "lib")
    library = os.path.join(library, "libtilewright.so")
    environment = dict(
        os.environ, TILEWRIGHT_LIBRARY=library, TILEWRIGHT_CACHE_DIR=str(tmp_path),
        PYTHONPATH=os.path.join(ROOT, "python"),
    )
    if not environment.get("TILEWRIGHT_PTXAS"):
        pytest.skip("no assembler is named")
    done = subprocess.run(
        [sys.executable, "-c", JIT, *tune.KERNELS], capture_output=True, text=True,
        cwd=ROOT, env=environment,
    )
    assert done.stdout == "ok\n", done.stdout + done.stderr


@pytest.mark.parametrize("kernel", tune.KERNELS)
def test_shipped_tables_are_of_these_kernels(kernel):
    """A table beside a kernel that has changed since would be ignored."""
    name = os.path.splitext(os.path.basename(kernel))[0] + ".json"
    if not os.path.exists(os.path.join(ROOT, "kernels", "tables", name)):
        pytest.skip("no table ships with it")
    done = subprocess.run(
        [program(), "info", "--why", kernel, "--shape", "M=1,N=2112,K=7168"],
        capture_output=True, text=True, cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert "not used" not in done.stdout
