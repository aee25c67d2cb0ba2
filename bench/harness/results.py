# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measurements of one or several processes, and what they say together.

A process writes {"format", "machine", "options", "rows"}; a row is {"kind", "m",
"n", "k", "majors", "contenders"}, a contender {"name", "ours", "note",
"microseconds", "method", "kernels", "relative"} with a time for each round, or
{"name", "ours", "note", "error"}.
"""
import json
import statistics

from .shapes import Shape

FORMAT = 1

# TFLOPS: the highest rate published of a dense FP8 product on this chip at
# 700 W, and the datasheet's for BF16.
RATES = {"fp8": 1550, "wgrad": 1550, "bf16": 989}

# What a published number needs.
ROUNDS, PROCESSES = 5, 3

# Exit status of a process that the watchdog ended.
HUNG = 3


class ResultError(ValueError):
    """Results that cannot be read, or not be combined; the message says why."""


def read(path):
    """The runs of a file: one process's, or those combined in it."""
    try:
        with open(path) as file:
            result = json.load(file)
    except (OSError, ValueError) as error:
        raise ResultError(f"{path}: {error}") from None
    if not isinstance(result, dict) or result.get("format") != FORMAT:
        raise ResultError(f"{path}: not a result of this benchmark")
    return result.get("runs", [result])


def shape_of(row):
    return Shape(row["kind"], row["m"], row["n"], row["k"], row["majors"])


class Series:
    """One contender on one shape: the times of every round of every process.

    `times` maps (process, round) to microseconds. A contender that failed in
    any process has `error` and no times: a wrong kernel has no speed."""

    def __init__(self, name, ours):
        self.name, self.ours = name, ours
        self.note, self.error, self.times = "", None, {}
        self.methods, self.relative, self.kernels = set(), 0.0, []

    def add(self, process, entry):
        self.note = entry.get("note") or self.note
        if entry.get("error"):
            self.error = self.error or entry["error"]
            return
        for turn, time in enumerate(entry["microseconds"]):
            self.times[process, turn] = time
        self.methods.add(entry["method"])
        self.relative = max(self.relative, entry.get("relative", 0.0))
        self.kernels = entry.get("kernels") or self.kernels

    @property
    def valid(self):
        return self.error is None and bool(self.times)

    @property
    def median(self):
        return statistics.median(self.times.values())

    @property
    def spread(self):
        """(least, greatest) time."""
        return min(self.times.values()), max(self.times.values())

    @property
    def processes(self):
        return len({process for process, _ in self.times})

    @property
    def rounds(self):
        """Rounds of the process that has fewest."""
        counts = {}
        for process, _ in self.times:
            counts[process] = counts.get(process, 0) + 1
        return min(counts.values(), default=0)

    def speedup(self, other):
        """Median over the rounds that both took part in of other's time over
        this one's: above 1, this one is faster. None without such rounds."""
        both = self.times.keys() & other.times.keys()
        if not both:
            return None
        return statistics.median(other.times[r] / self.times[r] for r in both)


class Row:
    """One shape, all contenders."""

    def __init__(self, shape):
        self.shape, self.series = shape, {}

    def ours(self):
        """Our variants that are right, the fastest first."""
        found = [s for s in self.series.values() if s.ours and s.valid]
        return sorted(found, key=lambda series: series.median)

    def best(self):
        found = self.ours()
        return found[0] if found else None

    def errors(self):
        return [s for s in self.series.values() if s.error]

    def roof(self, bandwidth):
        """Microseconds that neither memory (TB/s) nor the tensor core allows
        to beat: every tensor moved once, or all operations at RATES."""
        moving = self.shape.bytes / bandwidth / 1e6 if bandwidth else 0
        return max(moving, self.shape.work / RATES[self.shape.kind] / 1e6)

    def sound(self):
        """Whether every time has the rounds and processes of a published one."""
        return all(
            s.rounds >= ROUNDS and s.processes >= PROCESSES
            for s in self.series.values()
            if s.valid
        )


def gather(results):
    """Rows in the order of first appearance, over all results."""
    rows = {}
    for process, result in enumerate(results):
        for entry in result["rows"]:
            shape = shape_of(entry)
            row = rows.setdefault(shape, Row(shape))
            for contender in entry["contenders"]:
                name, is_ours = contender["name"], contender.get("ours", False)
                key = (is_ours, name)
                series = row.series.setdefault(key, Series(name, is_ours))
                if series.valid and contender.get("note", "") not in ("", series.note):
                    raise ResultError(
                        f"{shape.name}: '{name}' is '{series.note}' in one result "
                        f"and '{contender['note']}' in another"
                    )
                series.add(process, contender)
    return list(rows.values())


def check_alike(results):
    """Raises ResultError unless all are of one kind of GPU and one set-up."""

    def key(result):
        machine, options = result["machine"], result["options"]
        smi = machine.get("nvidia-smi", {})
        return {
            "GPU": machine.get("gpu"),
            "driver": smi.get("driver_version"),
            "power limit": smi.get("power.limit"),
            "PyTorch": machine.get("torch"),
            "DeepGEMM": machine.get("deep_gemm"),
            "flush": options.get("flush_bytes"),
            "calls": options.get("calls"),
        }

    if not results:
        raise ResultError("no results")
    first = key(results[0])
    for result in results[1:]:
        for name, value in key(result).items():
            if value != first[name]:
                raise ResultError(f"{name}: {first[name]} in one, {value} in another")


def geometric_mean(values):
    values = [value for value in values if value]
    return statistics.geometric_mean(values) if values else None


def errors(rows):
    """[(contender, message, names of the shapes)], equal messages together."""
    found = {}
    for row in rows:
        for series in row.errors():
            key = series.name, series.error
            found.setdefault(key, []).append(row.shape.name)
    return [(*key, shapes) for key, shapes in found.items()]
