#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Fits the cost model's coefficients to measured times.

    python3 bench/fit_cost_model.py --tilewright build/check/bin/tilewright \\
        --start 3 docs/measurements/2026-11-29-h200/*.md

Reads the reports of bench/gemm.py (`Our variants` and `Configurations`) and
files of bench/tune.py's form (*.json), lets `tilewright tune --fit` predict, and
prints the coefficients for compiler/lib/Tuning/Machine.cpp. The formulas are
the compiler's: this script only moves their coefficients. What is minimised is
the weighted mean square of log(predicted / measured); configurations near the
best of their problem weigh most, because only those are ever chosen.
"""
import argparse
import json
import math
import os
import random
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, HERE)
from harness.variants import Variant  # noqa: E402

NORMAL, SWAPPED = (
    Variant(name, name).source() for name in ("fp8_gemm_nt", "fp8_gemm_nt_swap_ab")
)

# Where to begin, and how far each may go. The bounds are what physics allows.
BOUNDS = {
    "launch": (0.8, 4.0), "firstLoad": (0.5, 3.0), "tensor": (1.1, 1.6),
    "shared": (0.5, 2.0), "fill": (0, 2), "reads": (0, 12), "miss": (0, 3), "lane": (0.5, 4.0), "scale": (0.2, 20), "slot": (10, 400), "wave": (20, 400),
    "select": (0, 80), "clusterSlot": (0, 200), "copy": (0, 1), "outside": (0, 0.03),
    "hidden": (0.0, 0.4), "memoryHidden": (0.0, 0.6), "hbm": (2500, 4800),
    "l2": (4000, 20000), "smLoad": (40, 250), "loadLatency": (400, 3000),
    "tile": (0.0, 2.0), "store": (0.0, 0.3), "chunk": (0, 3000),
    "cluster": (0.0, 0.5), "exchange": (0.2, 4.0), "part": (0, 1), "cached": (5, 60), "residentClusters4": (28, 33),
    "residentClusters8": (12, 16),
}
START = {
    "launch": 2.0, "firstLoad": 1.0, "tensor": 1.36, "shared": 1.0, "fill": 0.3, "reads": 2, "miss": 0.5, "lane": 0.6, "scale": 2,
    "slot": 100, "select": 20, "clusterSlot": 20, "copy": 0.15, "outside": 0.01, "wave": 100, "hidden": 0.05, "memoryHidden": 0.2, "hbm": 3900,
    "l2": 9000, "smLoad": 90, "loadLatency": 1000, "tile": 0.3, "store": 0.03,
    "chunk": 300, "cluster": 0.05, "exchange": 1.0, "part": 0.1, "cached": 30, "residentClusters4": 31,
    "residentClusters8": 14,
}


def constants_of(note):
    """({constant: value}, {hint: value}) of a variant's description."""
    constants, hints = {}, {}
    for word in note.split():
        name, equals, value = word.partition("=")
        if word == "bake":
            break
        if not equals:
            continue
        if name.startswith("hint."):
            hints[name[5:]] = int(value)
        else:
            constants[name] = value
    return constants, hints


def names_of(path):
    """The constants that a kernel declares."""
    text = re.search(r"^kernel \w+<([^>]*)>", open(path).read(), re.M)[1]
    return [word.strip() for word in text.split(",")]


def read_report(path):
    """The samples of one report in Markdown."""
    text = open(path).read()
    small = "--shapes small" in text
    notes = dict(re.findall(r"^\* (\w+): (BM=.*)$", text, re.M))
    samples = []
    for m, n, k, line in re.findall(r"^\* fp8 (\d+)x(\d+)x(\d+): (.*)$", text, re.M):
        for item in line.split("; "):
            name, _, time = item.rpartition(" ")
            if name not in notes:
                continue
            # Chunks of other widths came from edited sources.
            if re.match(r"c\d+b\d", name):
                continue
            constants, hints = constants_of(notes[name])
            # Older than the compiler's decision to overlap.
            if not name.endswith("o"):
                hints.setdefault("overlap", 0)
            swapped = small and name.startswith("s")
            if swapped and "CL" not in names_of(SWAPPED):
                # Recorded before the kernel split K in place of multicasting A.
                if constants.pop("CL") != "1":
                    continue
                constants["S"] = "1"
            samples.append({
                "run": os.path.basename(path),
                "kernel": SWAPPED if swapped else NORMAL,
                "constants": constants, "hints": hints,
                "dims": {"M": int(m), "N": int(n), "K": int(k)},
                "microseconds": float(time),
            })
    return samples


def usable(sample):
    # Other than the compiler's own decision on overlapping products: not in the
    # space, and some of it spills.
    constants = sample["constants"]
    width = int(constants["BN" if sample["kernel"] == NORMAL else "BM"])
    default = int(int(constants["WG"]) == 1 and width <= 64)
    if sample["hints"].pop("overlap", default) != default:
        return False
    # Spills, which the resource planner cannot see (docs/performance.md).
    return int(constants["BN"]) != 112


def read(paths):
    samples = []
    for path in paths:
        if path.endswith(".json"):
            for sample in json.load(open(path)):
                sample.setdefault("run", os.path.basename(path))
                samples.append(sample)
        else:
            samples += read_report(path)
    return [sample for sample in samples if usable(sample)]


class Predictor:
    """`tilewright tune --fit` as a function of coefficients."""

    def __init__(self, program, samples):
        self.file = tempfile.NamedTemporaryFile("w", suffix=".json")
        json.dump(samples, self.file)
        self.file.flush()
        self.process = subprocess.Popen(
            [program, "tune", NORMAL, "--fit", self.file.name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )

    def __call__(self, coefficients):
        self.process.stdin.write(json.dumps(coefficients) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def groups_of(samples):
    """Indices by run and problem: what may be compared."""
    groups = {}
    for index, sample in enumerate(samples):
        key = (sample["run"], tuple(sorted(sample["dims"].items())))
        groups.setdefault(key, []).append(index)
    return list(groups.values())


def weights_of(samples, groups):
    weights = [0.0] * len(samples)
    for group in groups:
        best = min(samples[i]["microseconds"] for i in group)
        for i in group:
            ratio = samples[i]["microseconds"] / best
            weights[i] = max(math.exp(-6 * (ratio - 1)), 0.05)
    return weights


def regrets(samples, groups, predictions):
    """The time of the model's choice over the best, by group."""
    result = []
    for group in groups:
        best = min(samples[i]["microseconds"] for i in group)
        choice = min(group, key=lambda i: predictions[i])
        result.append(samples[choice]["microseconds"] / best)
    return result


def clamp(values, names):
    return [min(max(v, BOUNDS[n][0]), BOUNDS[n][1]) for v, n in zip(values, names)]


def minimise(function, start, steps, limit):
    """Nelder and Mead's simplex."""
    size = len(start)
    simplex = [list(start)]
    for i in range(size):
        point = list(start)
        point[i] += steps[i]
        simplex.append(point)
    values = [function(point) for point in simplex]
    for _ in range(limit):
        order = sorted(range(size + 1), key=lambda i: values[i])
        simplex = [simplex[i] for i in order]
        values = [values[i] for i in order]
        if values[-1] - values[0] < 1e-7:
            break
        centre = [sum(p[i] for p in simplex[:-1]) / size for i in range(size)]
        along = lambda t: [c + t * (w - c) for c, w in zip(centre, simplex[-1])]
        point = along(-1)
        value = function(point)
        if value < values[0]:
            far = along(-2)
            other = function(far)
            if other < value:
                point, value = far, other
        elif value >= values[-2]:
            near = along(0.5)
            other = function(near)
            if other < values[-1]:
                point, value = near, other
            else:
                for i in range(1, size + 1):
                    simplex[i] = [(a + b) / 2 for a, b in zip(simplex[0], simplex[i])]
                    values[i] = function(simplex[i])
                continue
        simplex[-1], values[-1] = point, value
    best = min(range(size + 1), key=lambda i: values[i])
    return simplex[best], values[best]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", help="reports (*.md) or lists (*.json)")
    parser.add_argument("--tilewright", default="build/check/bin/tilewright")
    parser.add_argument("--start", type=int, default=3, help="how often to restart")
    parser.add_argument("--limit", type=int, default=3000, help="steps of a restart")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--from", dest="begin", help="coefficients, JSON, to begin with")
    parser.add_argument("--hold", type=int, action="append", default=[], metavar="N",
                        help="leave problems with these N out, and test on them")
    parser.add_argument("--worst", type=int, default=0, help="list the worst samples")
    options = parser.parse_args()
    samples = read(options.files)
    groups = groups_of(samples)
    held = [g for g in groups if samples[g[0]]["dims"]["N"] in options.hold]
    groups = [g for g in groups if g not in held]
    weights = weights_of(samples, groups)
    predictor = Predictor(options.tilewright, samples)
    names = list(BOUNDS)
    known = [p is not None for p in predictor(START)]
    samples_used = sum(known)
    print(f"{samples_used} of {len(samples)} samples, {len(groups)} problems", file=sys.stderr)
    groups, held = (
        [group for group in ([i for i in g if known[i]] for g in list_) if group]
        for list_ in (groups, held)
    )
    fitted = {i for group in groups for i in group}
    weights = [w if i in fitted else 0.0 for i, w in enumerate(weights)]
    total = sum(weights)

    def score(values):
        clamped = clamp(values, names)
        outside = sum(abs(a - b) / (BOUNDS[n][1] - BOUNDS[n][0])
                      for a, b, n in zip(values, clamped, names))
        predictions = predictor(dict(zip(names, clamped)))
        squares = sum(
            w * min(math.log(p / s["microseconds"]) ** 2, 0.25)
            for p, s, w in zip(predictions, samples, weights) if w
        ) / total
        chosen = regrets(samples, groups, predictions)
        loss = sum(math.log(r) for r in chosen) / len(chosen)
        return math.sqrt(squares) + 0.5 * loss + 0.1 * outside

    source = random.Random(options.seed)
    begin = dict(START)
    if options.begin:
        begin.update(json.load(open(options.begin)))
    best, least = [begin[n] for n in names], None
    for attempt in range(options.start):
        steps = [
            source.choice((-1, 1)) * source.uniform(0.05, 0.3) * (BOUNDS[n][1] - BOUNDS[n][0])
            for n in names
        ]
        found, value = minimise(score, best, steps, options.limit)
        if least is None or value < least:
            best, least = found, value
        print(f"restart {attempt + 1}: {value:.5f}", file=sys.stderr)
    best = clamp(best, names)
    predictions = predictor(dict(zip(names, best)))
    chosen = regrets(samples, groups, predictions)
    errors = [abs(math.log(predictions[i] / samples[i]["microseconds"])) for g in groups for i in g]
    mean = math.exp(sum(math.log(r) for r in chosen) / len(chosen))
    print(json.dumps({n: float(f"{v:.4g}") for n, v in zip(names, best)}, indent=1))
    print(
        f"choices: geometric mean {mean:.4f} of the best, worst {max(chosen):.3f}; "
        f"|log(predicted / measured)|: mean {sum(errors) / len(errors):.3f}",
        file=sys.stderr,
    )
    if held:
        chosen_held = regrets(samples, held, predictions)
        mean = math.exp(sum(math.log(r) for r in chosen_held) / len(held))
        print(f"held out: {len(held)} problems, geometric mean {mean:.4f}, "
              f"worst {max(chosen_held):.3f}", file=sys.stderr)
    if options.worst:
        order = sorted(range(len(groups)), key=lambda g: -chosen[g])
        for g in order[: options.worst]:
            group = sorted(groups[g], key=lambda i: samples[i]["microseconds"])
            print(f"{chosen[g]:.3f} {samples[group[0]]['run']} {samples[group[0]]['dims']}", file=sys.stderr)
            for i in group[:6]:
                s = samples[i]
                words = " ".join(f"{k}={v}" for k, v in {**s["constants"], **s["hints"]}.items())
                kind = "swap" if s["kernel"] == SWAPPED else "nt"
                print(f"    {s['microseconds']:8.1f} {predictions[i]:8.1f}  {kind} {words}", file=sys.stderr)


if __name__ == "__main__":
    main()
