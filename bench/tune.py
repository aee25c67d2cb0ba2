#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measures how good the cost model's choices are, and makes tables of the best.

    python3 bench/tune.py prepare --out DIR     # anywhere: what to time, compiled
    python3 bench/gemm.py …                     # on a GPU: the command it printed
    python3 bench/tune.py report --out DIR --results DIR/tune.json

docs/tuning.md explains the steps. Half of the shapes are fixed, half are drawn
from --seed: fit coefficients on the former only.
"""
import argparse
import json
import math
import os
import random
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, HERE)
from harness import results  # noqa: E402
from harness.shapes import WEIGHTS  # noqa: E402
from harness.variants import Variant  # noqa: E402

KERNELS = tuple(
    os.path.relpath(Variant(name, name).source(), ROOT)
    for name in ("fp8_gemm_nt", "fp8_gemm_nt_swap_ab", "fp8_gemm_nt_split_k")
)


def fixed_shapes():
    """24: the published weights with M from decoding to training."""
    return [(m, n, k) for n, k in WEIGHTS for m in (1, 64, 256, 4096)]


def random_shapes(seed, count=24, rows=(1, 8192)):
    """M from `rows`, N from 512 to 16384, K from 512 to 16384, log-uniform; N a
    multiple of 8, K of 128."""
    source = random.Random(seed)

    def draw(low, high, step):
        value = math.exp(source.uniform(math.log(low), math.log(high)))
        return max(round(value / step) * step, step)

    shapes = []
    while len(shapes) < count:
        shape = (draw(*rows, 1), draw(512, 16384, 8), draw(512, 16384, 128))
        if shape not in shapes:
            shapes.append(shape)
    return shapes


def extents(shape):
    return dict(zip("MNK", shape))


def size(shape):
    return "x".join(map(str, shape))


def write(path, value):
    with open(path, "w") as file:
        json.dump(value, file, indent=1)


def to_variants(candidates):
    """The answer of `tilewright tune --candidates-to` as bench/gemm.py's
    variants: one name for one configuration, M, N and K at run time, so that
    few kernels serve all shapes."""
    names, variants = {}, {}
    for problem in candidates:
        entries = []
        for candidate in problem["candidates"]:
            kernel = candidate["kernel"]
            hints = {k: v for k, v in candidate["hints"].items() if v}
            key = json.dumps([kernel, candidate["constants"], hints], sort_keys=True)
            name = names.setdefault(key, f"v{len(names)}")
            entries.append({
                "name": name, "kernel": kernel,
                "constants": {k: int(v) for k, v in candidate["constants"].items()},
                "options": {f"hint.{k}": v for k, v in hints.items()},
            })
        dims = problem["dims"]
        variants[size((dims["M"], dims["N"], dims["K"]))] = entries
    return variants


def to_measured(runs, variants):
    """Median times of results of bench/gemm.py, in the form of
    `tilewright tune --measured`."""
    times = {}
    for run in runs:
        for row in run["rows"]:
            shape = (row["m"], row["n"], row["k"])
            for contender in row["contenders"]:
                if contender["ours"] and not contender["error"]:
                    key = (shape, contender["name"])
                    times.setdefault(key, []).extend(contender["microseconds"])
    measured = []
    for (shape, name), values in times.items():
        for variant in variants.get(size(shape), []):
            if variant["name"] == name and values:
                measured.append({
                    "dims": extents(shape), "kernel": variant["kernel"],
                    "constants": variant["constants"],
                    "hints": {k[5:]: v for k, v in variant["options"].items()},
                    "microseconds": statistics.median(values),
                })
    return measured


def tune(options, *arguments):
    """Runs `tilewright tune` on the kernels; its standard output."""
    kernels = options.kernels or KERNELS
    command = [options.tilewright, "tune", kernels[0]]
    for kernel in kernels[1:]:
        command += ["--also", kernel]
    command += ["--chip", options.chip, *arguments]
    return subprocess.run(
        command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def prepare(options):
    out = os.path.abspath(options.out)
    os.makedirs(out, exist_ok=True)
    shapes = random_shapes(options.seed, options.random, options.rows)
    if not options.random_only:
        shapes = fixed_shapes() + shapes
    problems, answer = (os.path.join(out, f) for f in ("problems.json", "candidates.json"))
    write(problems, [extents(shape) for shape in shapes])
    print(tune(
        options, "--problems", problems, "--candidates-to", answer,
        "--candidates", str(options.candidates), "--pool", str(options.pool),
    ), end="")
    with open(answer) as file:
        variants = to_variants(json.load(file))
    write(os.path.join(out, "variants.json"), variants)
    folder = os.path.relpath(out, ROOT)
    common = (
        f"python3 bench/gemm.py --shapes {','.join(map(size, shapes))} "
        f"--variants {folder}/variants.json --artefacts {folder}/artefacts"
    )
    device = (
        f"{common} --peers '' --rounds {options.rounds} --flush-bytes 2e9 --name tune"
    )
    script = os.path.join(out, "run.sh")
    with open(script, "w") as file:
        file.write(f"#!/bin/sh\n# On the GPU, from the root of the tree: run.sh OUT\n"
                   f"exec {device} --out \"$1\"\n")
    os.chmod(script, 0o755)
    print(f"compile: {common} --compile-only")
    print(f"measure: sh {os.path.join(folder, 'run.sh')} OUT")
    if options.compile:
        subprocess.run(f"{common} --compile-only", shell=True, check=True, cwd=ROOT)


def report(options):
    out = os.path.abspath(options.out)
    with open(os.path.join(out, "variants.json")) as file:
        variants = json.load(file)
    runs = [run for path in options.results for run in results.read(path)]
    measured = to_measured(runs, variants)
    drawn = {
        size(shape)
        for shape in random_shapes(options.seed, options.random, options.rows)
    }
    is_random = lambda sample: size([sample["dims"][d] for d in "MNK"]) in drawn
    text = ""
    for name, chosen in (
        ("fixed", [s for s in measured if not is_random(s)]),
        ("random", [s for s in measured if is_random(s)]),
        ("measured", measured),
    ):
        path = os.path.join(out, name + ".json")
        write(path, chosen)
        if not chosen:
            continue
        arguments = ["--measured", path]
        if name == "measured" and options.table:
            arguments += ["--table", os.path.abspath(options.table)]
        title = "all" if name == "measured" else name
        text += f"## Shapes: {title}\n\n{tune(options, *arguments)}\n"
    with open(os.path.join(out, "report.md"), "w") as file:
        file.write(text)
    print(text, end="")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("command", choices=("prepare", "report"))
    parser.add_argument("--out", required=True, help="folder of this measurement")
    parser.add_argument("--tilewright", default="build/check/bin/tilewright")
    parser.add_argument("--chip", default="h200")
    parser.add_argument("--kernels", nargs="*", help="default: " + " ".join(KERNELS))
    parser.add_argument("--seed", type=int, default=20261129)
    parser.add_argument("--random", type=int, default=24, help="how many random shapes")
    parser.add_argument(
        "--rows", type=int, nargs=2, default=(1, 8192), help="of M of random shapes"
    )
    parser.add_argument(
        "--random-only", action="store_true", help="leave the fixed shapes out"
    )
    parser.add_argument("--candidates", type=int, default=8)
    parser.add_argument("--pool", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--compile", action="store_true", help="compile them, too")
    parser.add_argument("--results", nargs="*", default=[], help="of bench/gemm.py")
    parser.add_argument("--table", help="write tables into this folder")
    options = parser.parse_args(argv)
    prepare(options) if options.command == "prepare" else report(options)


if __name__ == "__main__":
    main()
