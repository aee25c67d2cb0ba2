# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One process: builds, checks and times the contenders of every shape. Needs
PyTorch and a GPU."""
import os
import threading
import time

from . import contenders, machine, peers, problems, results
from .timing import Timer, TimingError


class Lost(Exception):
    """The CUDA context is lost: nothing more can run in this process."""


def _entry(name, is_ours, note="", **more):
    return {"name": name, "ours": is_ours, "note": note, **more}


def _alive():
    import torch

    try:
        torch.cuda.synchronize()
        return True
    except RuntimeError:
        return False


def _verified(problem, contender):
    """The comparison of one run on poisoned output."""
    import torch

    before = problem.poison(contender.out, contender.accumulate)
    contender.run()
    torch.cuda.synchronize()
    result = problem.check(contender.out, contender.reference, before)
    if result["error"] is None:
        result["error"] = problem.outside_changed(contender.out)
    return result


class Process:
    """The result of this process as it grows."""

    def __init__(self, options, found, root, save):
        self.options, self.found, self.save = options, found, save
        self.start = time.monotonic()
        self.doing = "starting"
        self.result = {
            "format": results.FORMAT,
            "machine": machine.describe(root),
            "options": {
                "command": options.command,
                "rounds": options.rounds,
                "calls": options.calls,
                "flush_bytes": options.flush_bytes,
                "timer": options.timer,
            },
            "rows": [],
        }

    def say(self, text):
        print(f"[{time.monotonic() - self.start:6.1f} s] {text}", flush=True)

    def candidates(self, shape):
        """(name, ours, note, function of a problem)"""
        for variant in self.found[shape]:
            yield variant.name, True, variant.describe(), lambda problem, v=variant: (
                contenders.ours(problem, v, self.options.artefacts)
            )
        for name in self.options.peers:
            if name not in peers.suit(shape.kind):
                continue
            yield name, False, "", lambda problem, n=name: contenders.peer(problem, n)

    def one_shape(self, shape, timer):
        row = {
            "kind": shape.kind, "m": shape.m, "n": shape.n, "k": shape.k,
            "majors": shape.majors, "contenders": [],
        }
        self.result["rows"].append(row)
        problem = problems.Problem(shape)
        ready = []
        for name, is_ours, note, make in self.candidates(shape):
            self.doing = f"{shape.name}: {name}"
            try:
                contender = make(problem)
                checked = _verified(problem, contender)
            except Exception as error:  # One contender's failure is its own.
                message = (
                    str(error)
                    if isinstance(error, contenders.Unavailable)
                    else contenders.first_line(error)
                )
                entry = _entry(name, is_ours, note, error=message)
                row["contenders"].append(entry)
                if not _alive():
                    raise Lost(f"{self.doing}: {message}") from None
                continue
            entry = _entry(name, is_ours, contender.note, **checked)
            row["contenders"].append(entry)
            if checked["error"] is None:
                ready.append((entry, contender))
        if not ready:
            return row
        # Float64 references are not needed any more, and the flush is large.
        problem.forget()
        self.doing = f"{shape.name}: timing"
        try:
            method, times, kernels = timer.measure(
                [contender.run for _, contender in ready],
                self.options.rounds,
                self.options.calls,
            )
        except (RuntimeError, TimingError) as error:
            for entry, _ in ready:
                entry["error"] = f"timing: {contenders.first_line(error)}"
            if not _alive():
                raise Lost(f"{self.doing}: {contenders.first_line(error)}") from None
            return row
        for (entry, _), series, names in zip(ready, times, kernels):
            entry.update(microseconds=series, method=method, kernels=names)
        return row

    def hung(self):
        """What the watchdog does: say where, keep what there is, and end."""
        text = f"no end after {self.options.hang_seconds:.0f} s: {self.doing}"
        self.say(f"HANG: {text}")
        name = self.doing.rpartition(": ")[2]
        if self.result["rows"]:
            entries = self.result["rows"][-1]["contenders"]
            # Those verified but not timed have no result.
            for entry in entries:
                if "microseconds" not in entry and not entry.get("error"):
                    entry["error"] = text
            ours = any(v.name == name for row in self.found.values() for v in row)
            if self.doing != "starting" and not self.doing.endswith("timing"):
                entries.append(_entry(name, ours, error=text))
        self.save(self.result)
        os._exit(results.HUNG)

    def all_shapes(self, timer):
        for shape in self.found:
            watchdog = threading.Timer(self.options.hang_seconds, self.hung)
            watchdog.daemon = True
            watchdog.start()
            try:
                row = self.one_shape(shape, timer)
            except Lost as lost:
                self.say(f"the GPU's context is lost, stopping: {lost}")
                for entry in self.result["rows"][-1]["contenders"]:
                    if "microseconds" not in entry and not entry.get("error"):
                        entry["error"] = f"not timed, context lost by {lost}"
                self.save(self.result)
                return False
            finally:
                watchdog.cancel()
            self.say(f"{shape.name}: {_summary(row)}")
            self.save(self.result)
        return True


def _summary(row):
    words = []
    for entry in row["contenders"]:
        if "microseconds" in entry:
            times = sorted(entry["microseconds"])
            words.append(f"{entry['name']} {times[len(times) // 2]:.1f}")
        elif entry["ours"]:
            words.append(f"{entry['name']} FAILED")
    return ", ".join(words)


def run(options, found, root, write, finish):
    reason = problems.common.unavailable()
    if reason:
        print(f"bench: skipped: {reason}")
        return 77
    import torch

    # The plain products must be IEEE's, and no peer may be handicapped.
    torch.backends.cuda.matmul.allow_tf32 = False
    timer = Timer(options.timer, options.flush_bytes)
    options.flush_bytes = timer.flush_bytes

    def save(result):
        write(options, [result], options.name)

    process = Process(options, found, root, save)
    smi = process.result["machine"]["nvidia-smi"]
    process.say(
        f"{process.result['machine']['gpu']}, {smi.get('power.limit')}, copy "
        f"{process.result['machine']['copy_tbs']:.2f} TB/s, DeepGEMM "
        f"{process.result['machine']['deep_gemm']}, {len(found)} shapes"
    )
    complete = process.all_shapes(timer)
    process.result["machine"]["nvidia-smi-end"] = machine.nvidia_smi()
    if timer.warning:
        process.say(timer.warning)
    return finish(options, [process.result]) or (0 if complete else 1)
