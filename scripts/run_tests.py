#!/usr/bin/env python3
"""Runs every test of a built tree and counts them: lit, GoogleTest, the GPU's
recorded results, a sample of mutants, pytest, bounded fuzzing, the style checks and the static-link
check.

    scripts/run_tests.py [--build DIR] [--only SUITE,...] [--fuzz-seconds N]

Counts come from the runners' XML reports, never from their text. A runner that
crashes, hangs, or reports success without a report counts as a failure. The
last line is `N passed, N failed, N skipped`; the exit status is 0 only if
something ran and nothing failed.
"""
import argparse
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from importlib.util import find_spec

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Case:
    """One test: its name, `passed`, `failed` or `skipped`, and why."""

    def __init__(self, name, outcome, detail=""):
        self.name, self.outcome, self.detail = name, outcome, detail


def read_report(path):
    """The cases of a JUnit-style report, as lit, GoogleTest and pytest write
    it. Raises ParseError or OSError when it is absent or cut off."""
    cases = []
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = ".".join(
            part for part in (case.get("classname"), case.get("name")) if part
        )
        outcome, detail = "passed", ""
        for child in case:
            tag = child.tag.rsplit("}", 1)[-1]
            if tag in ("failure", "error"):
                outcome = "failed"
                detail = child.text or child.get("message") or ""
                break
            if tag == "skipped":
                outcome = "skipped"
                detail = child.get("message") or child.text or ""
                # pytest, of a file that skips itself: the reason is a tuple
                # (file, line, 'Skipped: why').
                if detail == "collection skipped":
                    detail = (child.text or detail).rstrip(")'\"")
                    detail = detail.rsplit("Skipped: ", 1)[-1]
        # GoogleTest marks DISABLED_ tests this way only.
        if outcome == "passed" and case.get("status") == "notrun":
            outcome, detail = "skipped", "disabled"
        cases.append(Case(name, outcome, detail.strip()))
    return cases


def run(command, timeout, **options):
    """Runs `command` in its own process group; returns its exit status and
    output. Past `timeout` seconds the whole group is ended: status 124."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        cwd=options.pop("cwd", ROOT),
        **options,
    )
    try:
        output, _ = process.communicate(timeout=timeout)
        status = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        status = 124
        output += f"\nended after {timeout} s\n".encode()
    return status, output.decode(errors="replace")


def run_reported(name, command, report, timeout, **options):
    """Runs a runner that writes `report`. The runner's own failure is a case
    of its own when no reported case explains it."""
    if os.path.exists(report):
        os.remove(report)
    status, output = run(command, timeout, **options)
    try:
        cases = read_report(report)
    except (OSError, ElementTree.ParseError) as error:
        return [Case(name, "failed", f"status {status}, no report: {error}\n{output}")]
    if status != 0 and not any(case.outcome == "failed" for case in cases):
        cases.append(Case(name, "failed", f"exit status {status}\n{output}"))
    return cases


class Suites:
    def __init__(self, build, results, fuzz_seconds):
        self.build, self.results = build, results
        self.fuzz_seconds = fuzz_seconds

    def report(self, name):
        return os.path.join(self.results, name + ".xml")

    def lit(self):
        report = self.report("lit")
        cases = run_reported(
            "lit",
            [
                sys.executable,
                os.path.join(self.build, "bin", "tilewright-lit"),
                "-sv",
                # psutil is what lit needs to end a test with its children.
                *(["--timeout=300"] if find_spec("psutil") else []),
                "--xunit-xml-output=" + report,
                os.path.join(ROOT, "test", "lit"),
            ],
            report,
            timeout=1800,
        )
        # `REQUIRES: tilewright-opt` is for a developer's partial build; here a
        # tool that is not built is a fault.
        for case in cases:
            if case.outcome == "skipped" and "feature(s): tilewright" in case.detail:
                case.outcome = "failed"
        return cases

    def unit(self):
        cases = []
        for program in sorted(glob.glob(os.path.join(self.build, "test/unit/*"))):
            name = os.path.basename(program)
            if not os.path.isfile(program) or not os.access(program, os.X_OK):
                continue
            report = self.report("unit-" + name)
            cases += run_reported(
                name,
                [program, "--gtest_output=xml:" + report],
                report,
                timeout=600,
            )
        return cases

    def python(self):
        folders = ["test/sim", "test/gpu", "test/python", "python/tests", "python/test"]
        folders = [path for path in folders if os.path.isdir(os.path.join(ROOT, path))]
        if not folders:
            return []
        python = os.path.join(ROOT, ".venv/bin/python")
        environment = dict(os.environ)
        paths = [os.path.join(ROOT, "python"), environment.get("PYTHONPATH")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        environment["TILEWRIGHT_BUILD"] = self.build
        environment["PATH"] = os.pathsep.join(
            [os.path.join(self.build, "bin"), environment.get("PATH", "")]
        )
        report = self.report("python")
        return run_reported(
            "pytest",
            [
                python if os.access(python, os.X_OK) else sys.executable,
                *("-m", "pytest", "-q", "-p", "no:cacheprovider"),
                "--junitxml=" + report,
                *folders,
            ],
            report,
            timeout=1800,
            env=environment,
        )

    def oracle(self):
        """PTX micro-kernels whose results were recorded on a GPU: the numpy
        models and the simulator give the same bits, and every instruction form
        that the compiler emits is in one of them (test/sim/oracle)."""
        folder = os.path.join(ROOT, "test/sim/oracle")
        python = os.path.join(ROOT, ".venv/bin/python")
        python = python if os.access(python, os.X_OK) else sys.executable
        program = os.path.join(self.build, "test/sim/oracle/oracle-on-sim")
        known = os.path.join(folder, "on-sim-known.txt")
        commands = [
            ("generated", [python, "gen.py", "--check"]),
            ("verify", [python, "verify.py"]),
            ("accumulation", [python, "numerics.py", "check", "--full"]),
            ("on-sim", [program, os.path.join(folder, "kernels"), known]),
            (
                "emitted",
                [
                    python,
                    "emitted.py",
                    os.path.join(self.build, "bin/tilewright"),
                    os.path.join(ROOT, "kernels"),
                ],
            ),
        ]
        cases = []
        for name, command in commands:
            status, output = run(command, timeout=600, cwd=folder)
            outcome = "passed" if status == 0 else "failed"
            cases.append(Case(name, outcome, f"exit status {status}\n{output}"))
        return cases

    def mutants(self):
        """Broken synchronisation, a sample, and the unbroken kernels under some
        random schedules (docs/mutants.md)."""
        program = os.path.join(ROOT, "test/mutants/ptx_mutants.py")
        tool = os.path.join(self.build, "bin/tilewright")
        cases = []
        for name, options in (
            ("ptx-sample", ["--sample", "100"]),
            ("ptx-clean", ["--clean", "2"]),
        ):
            command = [sys.executable, program, tool, *options]
            status, output = run(command, timeout=600)
            outcome = "passed" if status == 0 else "failed"
            cases.append(Case(name, outcome, f"exit status {status}\n{output}"))
        return cases

    def fuzz(self):
        """libFuzzer for a bounded time (test/fuzz/run.sh): on the front end, in a
        build of its own, with sanitizers and with LLVM shared; and on the passes,
        in this build."""
        build = os.path.join(ROOT, "build/fuzz")
        if not os.path.exists(os.path.join(build, "build.ninja")):
            parts = "-DTILEWRIGHT_PARTS=dsl;test"
            status, output = run(
                ["cmake", "--preset", "dev", "-B", build, parts], timeout=120
            )
            if status != 0:
                return [Case("configure", "failed", output)]
        return [
            self.fuzz_target("front-end", build, "dsl"),
            self.fuzz_target("passes", self.build, "passes"),
        ]

    def fuzz_target(self, name, build, target):
        script = os.path.join(ROOT, "test/fuzz/run.sh")
        status, output = run(
            ["sh", script, str(self.fuzz_seconds), build, target],
            timeout=self.fuzz_seconds + 1200,
        )
        if status == 0 and "fuzz: skipped" in output:
            return Case(name, "skipped", output)
        # A fuzzer that executed nothing proves nothing.
        counted = re.search(r"fuzz: ok, (\d+) inputs", output)
        if status == 0 and counted and int(counted.group(1)) > 0:
            return Case(name, "passed", counted.group(0))
        return Case(name, "failed", f"exit status {status}\n{output}")

    def checks(self):
        cases = []
        style = os.path.join(ROOT, "scripts/check-style.sh")
        static = os.path.join(ROOT, "scripts/check-static.sh")
        commands = [
            ("style." + rule, ["bash", style, rule])
            for rule in ("format", "banner", "length", "hosts", "readme")
        ]
        commands.append(("static-link", ["bash", static, self.build]))
        for name, command in commands:
            status, output = run(command, timeout=600)
            if status == 77:
                cases.append(Case(name, "skipped", output))
            elif status == 0:
                cases.append(Case(name, "passed"))
            else:
                cases.append(Case(name, "failed", output))
        return cases


def indent(text, lines):
    rows = text.strip().splitlines()
    if len(rows) > lines:
        rows = rows[: lines // 3] + ["..."] + rows[-2 * lines // 3 :]
    return "\n".join("    " + row for row in rows)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = ["checks", "unit", "lit", "oracle", "mutants", "python", "fuzz"]
    parser.add_argument("--build", default=os.path.join(ROOT, "build/check"))
    parser.add_argument("--only", default=",".join(names))
    parser.add_argument("--fuzz-seconds", type=int, default=20)
    arguments = parser.parse_args()

    build = os.path.abspath(arguments.build)
    results = os.path.join(build, "test-results")
    shutil.rmtree(results, ignore_errors=True)
    os.makedirs(results)
    suites = Suites(build, results, arguments.fuzz_seconds)

    totals = {"passed": 0, "failed": 0, "skipped": 0}
    for name in arguments.only.split(","):
        if name not in names:
            parser.error(f"no suite {name}; there are {', '.join(names)}")
        started = time.monotonic()
        try:
            cases = getattr(suites, name)()
        except OSError as error:
            cases = [Case(name, "failed", f"cannot run: {error}")]
        counts = {outcome: 0 for outcome in totals}
        for case in cases:
            counts[case.outcome] += 1
            totals[case.outcome] += 1
        for case in cases:
            if case.outcome == "failed":
                print(f"FAILED {name}: {case.name}\n{indent(case.detail, 60)}")
        reasons = {}
        for case in cases:
            if case.outcome == "skipped":
                reason = (case.detail.splitlines() or ["no reason given"])[-1]
                reasons[reason] = reasons.get(reason, 0) + 1
        for reason, count in sorted(reasons.items()):
            print(f"skipped {count} in {name}: {reason}")
        print(
            f"{name}: {counts['passed']} ok, {counts['failed']} not,"
            f" {counts['skipped']} left out,"
            f" {time.monotonic() - started:.0f} s",
            flush=True,
        )

    ok = totals["failed"] == 0 and totals["passed"] > 0
    print(
        f"{totals['passed']} passed, {totals['failed']} failed,"
        f" {totals['skipped']} skipped",
        flush=True,
    )
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
