# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The benchmark's parts that need no GPU: shape lists, configurations,
attribution of profiler records, statistics, tables, the plot, the command."""
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "bench"))
from harness import report, results, roofline, timing, variants  # noqa: E402
from harness.shapes import LISTS, Shape, parse_shapes  # noqa: E402

COMMAND = os.path.join(ROOT, "bench", "gemm.py")


# Shapes.


def test_lists():
    assert {name: len(shapes) for name, shapes in LISTS.items()} == {
        "large": 11, "small": 36, "issue4": 6, "dgrad": 7, "wgrad": 7,
        "n576": 3, "wgrad16": 7, "bf16": 14, "bf16-nn": 7,
    }
    for shapes in LISTS.values():
        assert len(set(shapes)) == len(shapes)
    assert all(shape.m >= 1024 for shape in LISTS["large"])
    assert {shape.m for shape in LISTS["small"]} == {1, 8, 16, 32, 64, 128}
    assert Shape("wgrad", 2112, 4096, 7168) in LISTS["wgrad"]
    assert Shape("fp8", 4096, 7168, 2112) in LISTS["dgrad"]


def test_parse_shapes():
    assert parse_shapes("4096x7168x2048, wgrad:64x128x256") == [
        Shape("fp8", 4096, 7168, 2048), Shape("wgrad", 64, 128, 256)
    ]
    assert parse_shapes("bf16-nn:1x2x3") == [Shape("bf16", 1, 2, 3, "nn")]
    assert parse_shapes("large,4096x4096x4096") == list(LISTS["large"])
    # A name is what --shapes takes.
    for shapes in LISTS.values():
        assert parse_shapes(",".join(s.name for s in shapes)) == list(shapes)


@pytest.mark.parametrize(
    "text, message",
    [
        ("4096x7168", "neither a list"),
        ("", "no shapes"),
        ("fp9:1x2x3", "kinds are"),
        ("wgrad-nn:1x2x3", "only bf16"),
        ("64x0x128", "an extent is 0"),
    ],
)
def test_parse_shapes_refuses(text, message):
    with pytest.raises(ValueError, match=message):
        parse_shapes(text)


def test_bytes_and_work():
    shape = Shape("fp8", 256, 384, 200)
    scales = 4 * (2 * 256 + 2 * 3)
    assert shape.bytes == 256 * 200 + 384 * 200 + scales + 2 * 256 * 384
    assert shape.work == 2 * 256 * 384 * 200
    assert Shape("bf16", 2, 3, 5).bytes == 2 * (10 + 15 + 6)
    wgrad = Shape("wgrad", 2, 3, 5)
    assert wgrad.bytes == 10 + 15 + 4 * (2 + 3) + 8 * 6


# Configurations.


def test_parse_variant():
    variant = variants.parse_variant(
        "fast:fp8_gemm_nt:BM=256,BN=128,TD=bf16,ADD=true:bake=N,K=7168:facts=M=64"
        ":options=unroll=2:sms=128:pdl"
    )
    assert variant.constants == {"BM": 256, "BN": 128, "TD": "bf16", "ADD": True}
    assert variant.facts == {"M": 64} and variant.options == {"unroll": 2}
    assert variant.sms == 128 and variant.pdl and variant.kind == "fp8"
    assert variant.source().endswith("kernels/gemm/fp8_gemm_nt.tw")
    shape = Shape("fp8", 64, 4096, 7168)
    assert variant.baked(shape) == {"N": 4096, "K": 7168}
    assert variant.suits(shape)
    assert not variant.suits(Shape("fp8", 64, 4096, 512))
    assert not variant.suits(Shape("wgrad", 64, 4096, 7168))
    for word in ("BM=256", "ADD=true", "unroll=2", "bake N,K=7168", "128 SMs", "pdl"):
        assert word in variant.describe()
    assert not variants.parse_variant("a:fp8_gemm_nt").pdl


@pytest.mark.parametrize(
    "spec, message",
    [
        ("justaname", "is not NAME:KERNEL"),
        ("a:no_such_kernel", "no kernel 'no_such_kernel'"),
        ("a:fp8_gemm_nt:BM", "constant 'BM' has no value"),
        ("a:fp8_gemm_nt:BM=1:what", "what is 'what'"),
        ("a:fp8_gemm_nt:kind=int8", "kinds are"),
    ],
)
def test_parse_variant_refuses(spec, message):
    with pytest.raises(variants.VariantError, match=message):
        variants.parse_variant(spec)


def test_object_of_json():
    entry = {"kernel": "fp8_gemm_nt", "constants": {"BM": 64}, "bake": ["N", "K"]}
    variant = variants.from_object(entry)
    assert variant.bake == {"N": None, "K": None}
    assert variant.name == "BM=64 bake N,K"
    with pytest.raises(variants.VariantError, match="unknown tile"):
        variants.from_object({"kernel": "fp8_gemm_nt", "tile": 3})
    with pytest.raises(variants.VariantError, match="no 'kernel'"):
        variants.from_object({"name": "a"})


def test_stem_names_everything_compiled(tmp_path):
    kernel = tmp_path / "k.tw"
    kernel.write_text("one")
    shape, other = Shape("fp8", 64, 4096, 7168), Shape("fp8", 128, 4096, 7168)

    def stem(spec, shape=shape):
        return variants.parse_variant(spec).stem(shape)

    base = stem(f"a:{kernel}:BM=64:bake=N")
    assert base.startswith("k-")
    # The name of a variant and M, which is not baked, do not count.
    assert stem(f"b:{kernel}:BM=64:bake=N") == base == stem(f"a:{kernel}:BM=64:bake=N", other)
    changed = [
        stem(f"a:{kernel}:BM=128:bake=N"),
        stem(f"a:{kernel}:BM=64:bake=N,K"),
        stem(f"a:{kernel}:BM=64"),
        stem(f"a:{kernel}:BM=64:bake=N:facts=M=64"),
        stem(f"a:{kernel}:BM=64:bake=N:options=x=1"),
    ]
    kernel.write_text("two")
    changed.append(stem(f"a:{kernel}:BM=64:bake=N"))
    assert len({base, *changed}) == len(changed) + 1


def test_read_variants(tmp_path):
    path = tmp_path / "v.json"
    shapes = parse_shapes("64x4096x7168,wgrad:64x128x256,128x4096x7168")
    path.write_text(json.dumps({
        "64x4096x7168": ["a:fp8_gemm_nt:BM=64"],
        "wgrad:64x128x256": [{"name": "w", "kernel": "fp8_wgrad_nt"}],
        "*": ["b:fp8_gemm_nt:BM=128"],
    }))
    found = variants.read_variants(path, shapes)
    names = [[v.name for v in found[shape]] for shape in shapes]
    assert names == [["a", "b"], ["w"], ["b"]]
    assert found[shapes[1]][0].kind == "wgrad"
    with pytest.raises(variants.VariantError, match="two variants are named 'b'"):
        variants.check_names(found[shapes[0]] + found[shapes[2]], shapes[0])
    peer = variants.parse_variant("deepgemm:fp8_gemm_nt")
    with pytest.raises(variants.VariantError, match="name of a peer"):
        variants.check_names([peer], shapes[0])


# Timing.


def test_order_rotates():
    order = timing.order_of(3, 3)
    assert [which for _, which in order] == [0, 1, 2, 1, 2, 0, 2, 0, 1]
    for turn in range(3):
        assert sorted(w for t, w in order if t == turn) == [0, 1, 2]


FILL = "Memset (Device)"


def test_records_go_to_their_calls():
    # Not in order, as profilers return them; call 1 has a reduction and clears
    # a workspace.
    records = [
        ("gemm", 200, 50), (FILL, 0, 190), (FILL, 300, 200), (FILL, 510, 2),
        ("splitk", 520, 30), ("reduce", 560, 5), ("void FillFunctor<int>", 700, 180),
        ("gemm", 900, 40),
    ]
    groups = timing.split_by_fills(records, 3)
    assert [[name for name, _, _ in group] for group in groups] == [
        ["gemm"], [FILL, "splitk", "reduce"], ["gemm"]
    ]
    assert sum(time for _, _, time in groups[1]) == 37


@pytest.mark.parametrize(
    "records, message",
    [
        ([("gemm", 0, 1)], "no fill"),
        ([(FILL, 0, 9), ("gemm", 10, 1)], "1 of 2 fills"),
        ([(FILL, 0, 9), (FILL, 10, 9), ("gemm", 20, 1)], "1 of 2 fills"),
        ([(FILL, 0, 9), ("gemm", 10, 1), (FILL, 20, 9)], "no kernel in 1 calls"),
    ],
)
def test_records_that_do_not_add_up(records, message):
    with pytest.raises(timing.TimingError, match=message):
        timing.split_by_fills(records, 2)


def test_a_fill_in_parts_is_one():
    parts = [(FILL, 0, 9), (FILL, 10, 9), ("gemm", 20, 3), (FILL, 30, 9), (FILL, 40, 9)]
    groups = timing.split_by_fills([*parts, ("gemm", 50, 4)], 2)
    assert [[time for _, _, time in group] for group in groups] == [[3], [4]]


def test_the_first_call_may_be_lost():
    calls = [[(FILL, 20 * i, 9), (name, 20 * i + 10, 1)] for i, name in enumerate("xyz")]
    for records in (sum(calls, []), sum(calls[1:], [])):
        groups = timing.split_by_fills(records, 2, spare=1)
        assert [[name for name, _, _ in group] for group in groups] == [["y"], ["z"]]
    with pytest.raises(timing.TimingError, match="3 of 1 fills"):
        timing.split_by_fills(sum(calls, []), 1, spare=1)


def test_a_contender_always_runs_the_same_kernels():
    one, two = [("a", 0, 1)], [("b", 0, 1), ("c", 0, 1)]
    assert timing.names_of([one, two, two, one], [0, 1, 1, 0]) == [["a"], ["b", "c"]]
    with pytest.raises(timing.TimingError, match="one contender ran"):
        timing.names_of([one, two], [0, 0])


# Results.

SHAPE = {"kind": "fp8", "m": 4096, "n": 4096, "k": 7168, "majors": "nt"}


def entry(name, times=None, ours=False, error=None, note=""):
    found = {"name": name, "ours": ours, "note": note}
    if error:
        return dict(found, error=error)
    return dict(found, microseconds=times, method="cupti", relative=1e-3, kernels=[])


def run(contenders, shape=SHAPE, gpu="H200", rounds=5):
    return {
        "format": 1,
        "machine": {
            "gpu": gpu, "torch": "2.11.0", "cuda": "13.0", "deep_gemm": "2.6.1",
            "date": "2026-11-29T00:00:00", "revision": "abc", "copy_tbs": 4.3,
            "nvidia-smi": {"power.limit": "700 W", "driver_version": "580"},
        },
        "options": {
            "command": "python3 bench/gemm.py", "rounds": rounds, "calls": 3,
            "flush_bytes": 8 * 10**9, "timer": "auto",
        },
        "rows": [dict(shape, contenders=contenders)],
    }


def three_runs():
    # Process 2 is slower for everyone: ratios within rounds do not see it.
    return [
        run([
            entry("a", [scale * t for t in (100, 101, 99, 100, 102)], True, note="BM=128"),
            entry("b", [scale * t for t in (110, 111, 109, 110, 112)], True),
            entry("deepgemm", [scale * t for t in (105, 106.05, 103.95, 105, 107.1)]),
            entry("cublaslt-blockwise", error="not supported"),
        ])
        for scale in (1, 1.2, 1)
    ]


def test_medians_and_speedups():
    (row,) = results.gather(three_runs())
    best = row.best()
    assert best.name == "a" and [s.name for s in row.ours()] == ["a", "b"]
    assert best.median == 101 and best.spread == (99, pytest.approx(122.4))
    assert best.processes == 3 and best.rounds == 5 and row.sound()
    assert best.speedup(row.series[False, "deepgemm"]) == pytest.approx(1.05)
    assert best.relative == 1e-3
    assert [s.name for s in row.errors()] == ["cublaslt-blockwise"]


def test_speedup_pairs_only_common_rounds():
    (row,) = results.gather([
        run([entry("a", [100, 100], True), entry("deepgemm", [200])]),
        run([entry("a", [100], True)]),
    ])
    assert row.best().speedup(row.series[False, "deepgemm"]) == 2
    assert not row.sound()
    alone = results.Series("x", False)
    assert row.best().speedup(alone) is None


def test_wrong_once_is_never_timed():
    runs = [
        run([entry("a", [10] * 5, True)]),
        run([entry("a", error="1 elements wrong", ours=True)]),
    ]
    (row,) = results.gather(runs)
    assert row.best() is None
    assert "failed" in report.markdown([row], runs)
    assert "FAILED" in report.compact([row])


def test_a_name_is_one_configuration():
    runs = [
        run([entry("a", [1], True, note="BM=64")]),
        run([entry("a", [1], True, note="BM=128")]),
    ]
    with pytest.raises(results.ResultError, match="'BM=64' in one result"):
        results.gather(runs)


def test_only_alike_results_combine():
    with pytest.raises(results.ResultError, match="GPU: H200 in one, H100"):
        results.check_alike([run([]), run([], gpu="H100")])
    with pytest.raises(results.ResultError, match="no results"):
        results.check_alike([])


def test_errors_are_grouped():
    other = dict(SHAPE, m=64)
    runs = [run([entry("a", error="bad", ours=True)], shape=s) for s in (SHAPE, other)]
    rows = results.gather(runs)
    assert results.errors(rows) == [
        ("a", "bad", ["fp8 4096x4096x7168", "fp8 64x4096x7168"])
    ]


# Tables.


def test_markdown():
    runs = three_runs()
    text = report.markdown(results.gather(runs), runs)
    (line,) = (line for line in text.splitlines() if line.startswith("| fp8"))
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[:4] == ["fp8 4096 4096 7168", "a", "101.0 (99.0–122.4)", "2381"]
    assert cells[5:] == ["106.0", "1.050", "—", ""]
    for words in ("H200", "700 W", "driver 580", "CUPTI", "8.0 GB", "abc",
                  "geometric mean 1.050 of 1 shape", "* a: BM=128",
                  "cublaslt-blockwise: not supported"):
        assert words in text
    assert "Preliminary" not in text
    assert "Preliminary" in report.markdown(results.gather(runs[:2]), runs[:2])


def test_events_are_named():
    one = run([dict(entry("a", [10] * 5, True), method="events")])
    text = report.markdown(results.gather([one]), [one])
    assert "CUDA events" in text and "CUPTI" not in text


def test_compact_is_aligned():
    text = report.compact(results.gather(three_runs())).splitlines()
    assert len(text[0]) == len(text[1])
    assert text[1].split()[-2:] == ["1.050", "-"]
    assert "a 101.0; b 111.0" in text[2]


# The plot.

SVG = "{http://www.w3.org/2000/svg}"


def plot(points, ceilings=(roofline.Ceiling("roof", 1000),)):
    return ElementTree.fromstring(roofline.svg(points, 4.0, list(ceilings), "a < b"))


def test_points_lie_where_their_values_are():
    points = [
        roofline.Point("ours", 10, 40, "on the slope"),
        roofline.Point("deepgemm", 10, 20, "below it"),
        roofline.Point("ours", 1000, 1000, "on the level"),
    ]
    tree = plot(points)
    marks = [c for c in tree.iter(SVG + "circle") if c.find(SVG + "title") is not None]
    at = {c.find(SVG + "title").text: (float(c.get("cx")), float(c.get("cy"))) for c in marks}
    assert at["on the slope"][0] == at["below it"][0]
    assert at["on the slope"][1] < at["below it"][1]  # Up is smaller.
    (path,) = (p.get("d") for p in tree.iter(SVG + "path"))
    corners = [tuple(map(float, part.lstrip("ML").split())) for part in path.split(" L")]
    (x0, y0), (x1, y1), (_, level) = corners
    slope = (y1 - y0) / (x1 - x0)
    x, y = at["on the slope"]
    assert y == pytest.approx(y0 + slope * (x - x0), abs=0.3)
    assert at["on the level"][1] == pytest.approx(level, abs=0.1)


def test_points_of_rows():
    rows = results.gather(three_runs())
    points = roofline.points_of(rows)
    assert [p.series for p in points] == ["ours", "deepgemm"]
    assert points[0].tflops == pytest.approx(rows[0].shape.work / 101 / 1e6)
    bf16 = run([entry("cublaslt-bf16", [10])])
    (point,) = roofline.points_of(results.gather([bf16]))
    assert point.intensity < points[0].intensity


def test_nothing_to_plot():
    with pytest.raises(ValueError):
        roofline.svg([], 4.0, [roofline.Ceiling("roof", 1)], "")


# The command.


def bench(*arguments):
    return subprocess.run(
        [sys.executable, COMMAND, *map(str, arguments)],
        capture_output=True, text=True, timeout=120,
    )


def test_combine(tmp_path):
    paths = []
    for index, one in enumerate(three_runs()):
        paths.append(tmp_path / f"{index}.json")
        paths[-1].write_text(json.dumps(one))
    done = bench("--combine", *paths, "--out", tmp_path, "--name", "all")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "mean fp8 DeepGEMM: 1.050 of 1"
    for suffix in (".json", ".md", ".svg"):
        assert (tmp_path / ("all" + suffix)).stat().st_size
    # What was combined can be combined again.
    again = bench("--combine", tmp_path / "all.json")
    assert again.stdout == done.stdout


def test_a_wrong_kernel_fails_the_command(tmp_path):
    path = tmp_path / "r.json"
    path.write_text(json.dumps(run([entry("a", error="wrong", ours=True)])))
    assert bench("--combine", path).returncode == 1
    path.write_text(json.dumps(run([entry("deepgemm", error="absent")])))
    assert bench("--combine", path).returncode == 0


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("--combine", "/nonexistent.json"), "nonexistent"),
        (("--shapes", "huge"), "neither a list"),
        (("--ours", "a:no_such_kernel"), "no kernel"),
        (("--peers", "triton"), "unknown peer triton"),
        (("--compile-only",), "needs --artefacts"),
        (("--rounds", "0"), "at least 1"),
    ],
)
def test_bad_arguments(arguments, message):
    done = bench(*arguments)
    assert done.returncode == 2
    assert message in done.stderr and "Traceback" not in done.stderr


def test_results_that_are_none(tmp_path):
    path = tmp_path / "r.json"
    path.write_text("{}")
    done = bench("--combine", path)
    assert done.returncode == 2 and "not a result" in done.stderr
