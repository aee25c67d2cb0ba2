#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Mutates the synchronisation of compiled kernels, one instruction at a time, and
runs each mutant on the simulator: it must be caught under one of ten schedules
(docs/mutants.md).

    ptx_mutants.py build/check/bin/tilewright [--all | --sample N] [--seed S]
                   [--subject NAME] [--only TEXT] [--jobs 2] [--table FILE.md]
                   [--clean SCHEDULES] [--keep FOLDER] [--resume FILE.json]

Without --all a sample runs, spread over kernels and operators. --table writes
the page with every mutant. --clean runs the unmutated kernels under so many
random schedules instead: none may be reported. --resume keeps outcomes, so that
an interrupted run goes on and only what has changed runs again: a mutant is known
by its text and its shapes. Remove the file when the simulator changes. Status 1 if a mutant survives
that no class of equivalent mutants covers, if one that a class covers is
reported, or if the simulator could not run one.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time

from ptx_operators import mutants_of
from ptx_equivalent import class_of, may_survive, CLASSES
from subjects import SUBJECTS

SCHEDULES = "latest,earliest,random:1..8"
# A run takes well below a second. One that takes this long is a fault of the
# simulator, which is to find a deadlock and end.
TIMEOUT = 120


class Outcome:
    """`by`: the hazard that ended the run, `result` where the outputs are wrong,
    or None; `where`: the shape and the schedule."""

    def __init__(self, by, where="", error=""):
        self.by, self.where, self.error = by, where, error


def run_once(command):
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT
        )
    except subprocess.TimeoutExpired:
        return Outcome(None, error=f"no end within {TIMEOUT} s")
    output = done.stdout.decode("utf-8", "replace")
    schedules = re.findall(r"^  schedule (\S+)$", output, re.M)
    schedule = schedules[-1] if schedules else ""
    if done.returncode == 0 and output.endswith("check: ok\n"):
        return Outcome(None)
    if "run: failed: the simulator has" in output:
        hazard = re.search(r"PTX line \d+\): ([^:\n]*)", output)
        return Outcome(hazard[1] if hazard else "finding", schedule)
    if "check: failed: " in output:
        return Outcome("result", schedule)
    return Outcome(None, error=output[-2000:] + f"\nstatus {done.returncode}")


class Runner:
    def __init__(self, tool, folder, keep, resume):
        self.tool, self.folder, self.keep, self.resume = tool, folder, keep, resume
        self.known = {}
        if resume and os.path.exists(resume):
            with open(resume, encoding="utf-8") as file:
                self.known = json.load(file)

    @staticmethod
    def key(subject, mutant):
        text = mutant.ptx() + " ".join(subject.command("", "", SCHEDULES)[2:])
        text = text.replace(subject.path, subject.name) + " ".join(subject.shapes)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def run(self, subject, mutant):
        key = self.key(subject, mutant)
        if key in self.known:
            return Outcome(*self.known[key])
        outcome = self.run_shapes(subject, mutant)
        if not outcome.error:
            self.known[key] = [outcome.by, outcome.where]
        return outcome

    def save(self):
        if self.resume:
            with open(self.resume, "w", encoding="utf-8") as file:
                json.dump(dict(self.known), file)

    def run_shapes(self, subject, mutant):
        """The first outcome that catches the mutant, over the subject's shapes."""
        path = os.path.join(self.folder, f"{subject.name}-{id(mutant)}.ptx")
        with open(path, "w", encoding="utf-8") as file:
            file.write(mutant.ptx())
        try:
            for shape in subject.shapes:
                command = subject.command(self.tool, shape, SCHEDULES) + ["--ptx", path]
                outcome = run_once(command)
                if outcome.by or outcome.error:
                    outcome.where = f"{shape}, {outcome.where}"
                    return outcome
            return Outcome(None)
        finally:
            if not self.keep:
                os.remove(path)


def sample_of(mutants, number, seed):
    """Of each kernel and operator in turn, so that none is left out."""
    rng = random.Random(seed)
    groups = {}
    for subject, mutant in mutants:
        groups.setdefault((subject.name, mutant.op.kind, mutant.operator), []).append(
            (subject, mutant)
        )
    keys = list(groups)
    rng.shuffle(keys)
    chosen = []
    while keys and len(chosen) < number:
        for key in list(keys):
            group = groups[key]
            chosen.append(group.pop(rng.randrange(len(group))))
            if not group:
                keys.remove(key)
            if len(chosen) == number:
                break
    return chosen


def clean(arguments, subjects):
    """The unmutated kernels under random schedules."""
    failed, lines = 0, []
    for subject in subjects:
        started = time.monotonic()
        for shape in subject.shapes:
            schedules = f"latest,earliest,random:1..{arguments.clean}"
            outcome = run_once(subject.command(arguments.tool, shape, schedules))
            if outcome.by or outcome.error:
                failed += 1
                print(f"{subject.name} {shape}: {outcome.by} {outcome.where} {outcome.error}")
        seconds = time.monotonic() - started
        print(f"{subject.name}: {len(subject.shapes)} shapes, {seconds:.1f} s", flush=True)
        lines.append(f"| {subject.name} | {', '.join(subject.shapes)} | {seconds:.0f} |")
    shapes = sum(len(subject.shapes) for subject in subjects)
    summary = (
        f"clean: {failed} reported of {shapes} runs of {len(subjects)} kernels, each under"
        f" latest, earliest and {arguments.clean} random schedules"
    )
    print(summary)
    if arguments.table:
        head = ["# No false alarm", "", "Written by `test/mutants/ptx_mutants.py --clean"
                f" {arguments.clean} --table`.", "", summary + ".", "",
                "| kernel | shapes | seconds |", "|---|---|---|"]  # fmt: skip
        with open(arguments.table, "w", encoding="utf-8") as file:
            file.write("\n".join(head + lines) + "\n")
    return 1 if failed else 0


def table(path, results):
    subjects = list(dict.fromkeys(subject.name for subject, _, _ in results))
    killed = [r for r in results if r[2].by]
    equivalent = [r for r in results if not r[2].by and class_of(r[0], r[1])]
    survived = len(results) - len(killed) - len(equivalent)
    lines = [
        "# Mutants of the PTX",
        "",
        "Written by `test/mutants/ptx_mutants.py --all --table`; [mutants.md](../mutants.md)"
        " says what the operators and the classes are.",
        "",
        f"{len(results)} mutants of {len(subjects)} kernels: {len(killed)} caught by the"
        f" simulator, {len(equivalent)} equivalent"
        f" ({100 * len(equivalent) / max(1, len(results)):.2f} %), {survived} not caught.",
        "",
        "## By operator",
        "",
    ]
    operators = sorted({m.operator for _, m, _ in results})
    kinds = sorted({m.op.kind for _, m, _ in results})
    lines += ["| instruction | " + " | ".join(operators) + " |"]
    lines += ["|---|" + "---|" * len(operators)]
    for kind in kinds:
        row = []
        for operator in operators:
            cell = [r for r in results if (r[1].op.kind, r[1].operator) == (kind, operator)]
            caught = sum(bool(r[2].by) for r in cell)
            row.append(f"{caught} of {len(cell)}" if cell else "")
        lines.append(f"| {kind} | " + " | ".join(row) + " |")
    by = {}
    for _, _, outcome in killed:
        by[outcome.by] = by.get(outcome.by, 0) + 1
    lines += ["", "## By finding", "", "| finding | mutants |", "|---|---|"]
    lines += [f"| {name} | {number} |" for name, number in sorted(by.items(), key=lambda x: -x[1])]
    lines += ["", "## Equivalent", "", "| class | mutants | kernels |", "|---|---|---|"]
    for name in CLASSES:
        members = [r for r in equivalent if class_of(r[0], r[1]) == name]
        names = ", ".join(dict.fromkeys(r[0].name for r in members))
        lines.append(f"| {name} | {len(members)} | {names} |")
    for subject in subjects:
        own = [r for r in results if r[0].name == subject]
        lines += ["", f"## {subject}", "", f"`{own[0][0].describe()}`", ""]
        lines += ["| PTX | line | mutant | caught by | under |", "|---|---|---|---|---|"]
        for _, mutant, outcome in own:
            caught = outcome.by or f"— ({class_of(own[0][0], mutant) or 'NOT CAUGHT'})"
            opcode = mutant.op.opcode.split(".shared")[0].split(".global")[0]
            lines.append(
                f"| `{opcode}` | {mutant.op.source} | {mutant.name} | {caught} |"
                f" {outcome.where} |"
            )
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tool")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--sample", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--subject", action="append", default=[])
    parser.add_argument("--only", default="", help="mutants whose name has this text")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--table", help="writes the page of results")
    parser.add_argument("--clean", type=int, default=0)
    parser.add_argument("--keep", help="a folder for the mutants' PTX")
    parser.add_argument("--resume", help="a file that keeps outcomes")
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()

    started = time.monotonic()
    subjects = [s for s in SUBJECTS if not arguments.subject or s.name in arguments.subject]
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or temporary
        os.makedirs(folder, exist_ok=True)
        for subject in subjects:
            subject.prepare(temporary)
        if arguments.clean:
            return clean(arguments, subjects)
        mutants = []
        for subject in subjects:
            for mutant in mutants_of(subject.compile(arguments.tool)):
                if arguments.only in mutant.name:
                    mutants.append((subject, mutant))
        total = len(mutants)
        if not arguments.all:
            mutants = sample_of(mutants, arguments.sample, arguments.seed)
        if arguments.list:
            for subject, mutant in mutants:
                print(f"{subject.name}: {mutant.name}: {mutant.op.text()}")
            print(total)
            return 0

        runner = Runner(arguments.tool, folder, arguments.keep, arguments.resume)
        bad, results = 0, []
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            futures = [pool.submit(runner.run, s, m) for s, m in mutants]
            for (subject, mutant), future in zip(mutants, futures):
                outcome = future.result()
                if len(results) % 50 == 49:
                    runner.save()
                results.append((subject, mutant, outcome))
                claimed = class_of(subject, mutant)
                name = f"{subject.name}: {mutant.name}\n    {mutant.op.text()} ({mutant.op.source})"
                if outcome.error:
                    print(f"not run: {name}\n{outcome.error}", flush=True)
                elif outcome.by and claimed:
                    print(f"caught by '{outcome.by}' ({outcome.where}), claimed equivalent"
                          f" ({claimed}): {name}", flush=True)
                elif not outcome.by and may_survive(subject, mutant):
                    continue
                elif not outcome.by and not claimed:
                    print(f"survived: {name}", flush=True)
                else:
                    continue
                bad += 1
        runner.save()
        seconds = time.monotonic() - started
        killed = sum(bool(o.by) for _, _, o in results)
        equivalent = sum(bool(class_of(s, m)) and not o.by for s, m, o in results)
        survived = len(results) - killed - equivalent
        if arguments.table:
            table(arguments.table, results)
        print(
            f"{len(results)} of {total} mutants: {killed} caught, {equivalent} equivalent,"
            f" {survived} not caught, {bad} bad, {seconds:.0f} s"
        )
        return 1 if bad or not results else 0


if __name__ == "__main__":
    sys.exit(main())
