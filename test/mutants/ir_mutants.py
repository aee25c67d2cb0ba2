#!/usr/bin/env python3
"""ir_mutants.py: makes every barrier operation of a kernel wrong, one at a time,
at the level of the explicit-barrier IR, and asks who notices.

The barrier verifier (`pipe-verify-barriers`) must reject each mutant; those that
it accepts go to the simulator, over trip counts and schedules, and must be right
there and belong to a class that docs/mutants.md argues to be equivalent. The
kernels as they are must be accepted.

    ir_mutants.py TILEWRIGHT                    a sample: all verdicts, few runs
    ir_mutants.py TILEWRIGHT --all              every accepted mutant simulated
    ir_mutants.py TILEWRIGHT --all --rejected N  and N rejected ones of each kernel
                  --write docs/measurements/mutants-ir.md

Exit status 1 on any finding. Only the standard library is needed.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import random
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
GEMM = "kernels/gemm/fp8_gemm_nt.tw"
SWAP = "kernels/gemm/fp8_gemm_nt_swap_ab.tw"
SCHEDULES = ["latest", "earliest"] + ["random:%d" % seed for seed in range(1, 9)]
LIMIT = 5.0  # per cent of mutants that may be equivalent


class Subject:
    """A kernel with constants and hints. `block`: elements of K for one slot;
    `least`: blocks without which it has nothing to load outside of its loops."""

    def __init__(self, name, file, block, constants, hints="", least=0):
        self.name, self.block, self.least = name, block, least
        self.constants = dict(word.split("=") for word in constants.split())
        self.arguments = [os.path.join(ROOT, file), "--ptxas", "driver"]
        self.arguments += ["-D" + word for word in constants.split()]
        if hints:
            self.arguments += ["--hint", hints]

    def value(self, name, default):
        return int(self.constants.get(name, default))


SUBJECTS = [
    Subject("gemm, cluster of 2", GEMM, 128, "BM=128 BN=128 CL=2 G=8 WG=2"),
    Subject(
        "gemm, rolled, no peek", GEMM, 128, "BM=64 BN=128 CL=2 G=8 WG=1",
        "unroll=1,peek=0",
    ),
    Subject("gemm, unroll 2", GEMM, 128, "BM=64 BN=128 CL=1 G=8 WG=1", "unroll=2"),
    Subject(
        "gemm, overlapped", GEMM, 128, "BM=64 BN=128 CL=1 G=8 WG=1",
        "unroll=4,overlap=1",
    ),
    Subject(
        "gemm, static ring", GEMM, 128, "BM=256 BN=128 CL=2 G=8 WG=2",
        "static=1,unroll=4",
    ),
    Subject(
        "gemm, static, counted", GEMM, 128, "BM=64 BN=128 CL=1 G=8 WG=1",
        "static=1,unroll=2",
    ),
    Subject(
        "bf16 gemm, adds", "kernels/sketches/bf16_gemm.tw", 64,
        "BM=64 BN=128 WG=1 CL=1 G=8 TD=f32 ADD=true MA=K MB=N",
    ),
    Subject(
        "wgrad", "kernels/gemm/fp8_wgrad_nt.tw", 128,
        "BM=64 BN=32 WG=1 CL=1 G=8",
    ),
    Subject(
        "wgrad, late reads", "kernels/gemm/fp8_wgrad_nt.tw", 128,
        "BM=64 BN=40 WG=1 CL=1 G=8",
        "late=1,unroll=2",
    ),
    Subject("swapped", SWAP, 128, "BM=8 BN=128 WG=2 S=1 G=8"),
    Subject("swapped, K split", SWAP, 256, "BM=16 BN=64 WG=1 S=2 G=8"),
    Subject("two rings", "test/mutants/ir_two_rings.tw", 128, "", least=1),
]

# Why an accepted mutant is no other program; each argued in docs/mutants.md.
CLASSES = [
    ("asks before it gives back", lambda m: swap(m, "arrive", "try_wait")),
    (
        "holds a slot one wait longer",
        lambda m: swap(m, "arrive", "wait ")
        or m["op"].startswith("pipe.arrive")
        and m["kind"] == "move later"
        and m["over"] in ("mma.wait", "tma.elect"),
    ),
    (
        "waits for more than it must",
        lambda m: m["op"] in ("mma.wait", "tma.wait_group")
        and m["kind"] == "pending - 1"
        or m["op"] == "mma.wait"
        and m["kind"] == "move earlier",
    ),
    (
        "waits behind a read of a held slot",
        lambda m: m["op"] == "mma.wait"
        and m["kind"] == "move later"
        and m["over"] == "tile.load_shared",
    ),
    (
        "waits for the copy engine earlier",
        lambda m: m["op"] == "tma.elect" and m["kind"] == "move earlier",
    ),
    (
        "asks about a slot that never comes",
        lambda m: m["op"] == "arith.select" and m["kind"] == "always first",
    ),
    (
        "a drained place that is never behind",
        lambda m: m["op"] == "arith.select" and m["kind"] == "always second",
    ),
    (
        "waits for its exchange earlier",
        lambda m: m["op"].startswith("pipe.wait @math_sum empty")
        and (m["kind"], m["over"]) == ("move earlier", "scf.for"),
    ),
    (
        "drains in another order",
        lambda m: m["op"].startswith("pipe.wait @math_sum empty")
        and (m["kind"], m["over"]) == ("move later", "tma.elect"),
    ),
    (
        "staging places in another order",
        lambda m: m["kind"] == "next place" and m["op"].startswith("pipe.slot_at"),
    ),
]


def swap(mutant, first, second):
    """A move that exchanges an arrival and a wait or a question."""
    if mutant["kind"] not in ("move earlier", "move later"):
        return False
    ops = {mutant["op"], mutant["over"]}
    return any(first in op for op in ops) and any(
        ("pipe." + second) in op for op in ops
    )


def classify(mutant):
    for name, holds in CLASSES:
        if holds(mutant):
            return name
    return None


class Harness:
    def __init__(self, tool, jobs):
        self.tool = tool
        self.pool = concurrent.futures.ThreadPoolExecutor(jobs)
        self.runs = 0

    def call(self, *arguments):
        done = subprocess.run(
            [self.tool, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def list(self, subject):
        """The mutants of a kernel and what the verifier says."""
        status, text = self.call(
            "compile", *subject.arguments, "--mutate-barriers=-1", "--emit=nvvm"
        )
        if status:
            sys.exit("%s is not accepted unmutated:\n%s" % (subject.name, text))
        lines = [line for line in text.splitlines() if line.startswith('{"kind"')]
        return [json.loads(line) for line in lines]

    def depth(self, subject):
        _, text = self.call("compile", *subject.arguments, "--emit=pipe")
        rings = re.findall(r"pipe\.ring @\w+ depth\((\d+)\)(.*)", text)
        return max(int(depth) for depth, rest in rings if "copy_engine" not in rest)

    def plans(self, subject, every):
        """Extents and schedules: 0, 1, depth - 1, depth and depth + 1 blocks of K
        for several tiles of each CTA."""
        depth = self.depth(subject)
        bm, bn = subject.value("BM", 64), subject.value("BN", 64)
        cluster = subject.value("CL", subject.value("S", 1))
        shape = (bm * cluster + 8, bn + 8)
        plans = [(shape, depth + 1, schedule, 1) for schedule in SCHEDULES]
        if not every:
            plans = [(shape, 2 * depth + 1, "latest", 1)]
            plans.append((shape, depth + 1, "random:3", 1))
        else:
            for count in (0, 1, depth - 1, depth, 2 * depth + 1):
                plans.append((shape, count, "random:9", 1))
            plans.append(((bm * cluster * 2, bn * 2 + 8), 2, "random:4", 2))
        return [
            (m, n, count * subject.block, schedule, sms * cluster)
            for (m, n), count, schedule, sms in plans
            if count >= subject.least
        ]

    def simulate(self, subject, number, plans):
        """What the simulator has against a mutant, or nothing."""
        for m, n, k, schedule, sms in plans:
            self.runs += 1
            arguments = ["run", *subject.arguments, "--device", "sim", "--check"]
            arguments += ["--shape", "M=%d,N=%d,K=%d" % (m, n, k)]
            arguments += ["--schedule", schedule, "--sms", str(sms)]
            arguments += ["--no-verify-barriers"]
            if number is not None:
                arguments.append("--mutate-barriers=%d" % number)
            status, text = self.call(*arguments)
            if status or not text.endswith("check: ok\n"):
                found = re.search(r"(?:error|simulator): ?(.*)", text)
                what = found.group(1) if found else text.strip().splitlines()[-1]
                return "K=%d %s: %s" % (k, schedule, what[:200])
        return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--rejected", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sample", type=int, default=1)
    parser.add_argument("--only", help="kernels whose name contains this")
    parser.add_argument("--write")
    options = parser.parse_args()

    harness = Harness(options.tool, options.jobs)
    rng = random.Random(options.seed)
    findings, rows, kinds = [], [], {}
    classes = collections.Counter()
    caught, unseen = collections.Counter(), collections.Counter()
    for subject in SUBJECTS:
        if options.only and options.only not in subject.name:
            continue
        mutants = harness.list(subject)
        few = harness.plans(subject, False)
        plans = harness.plans(subject, True) if options.all else few
        problem = harness.simulate(subject, None, plans)
        if problem:
            findings.append("%s, unmutated: %s" % (subject.name, problem))
        accepted = [m for m in mutants if "rejected" not in m]
        tally = collections.Counter(m.get("rejected", "accepted") for m in mutants)
        rows.append((subject.name, len(mutants), tally))
        for mutant in mutants:
            what = re.sub(r" @\w+", "", mutant["op"])
            row = kinds.setdefault((what, mutant["kind"]), collections.Counter())
            row[mutant.get("rejected", "accepted")] += 1
        for mutant in accepted:
            name = classify(mutant)
            classes[name] += 1
            if not name:
                findings.append(
                    "%s, mutant %d: accepted, and of no class: %s %s over %s"
                    % (subject.name, mutant["mutant"], mutant["kind"],
                       mutant["op"], mutant["over"])
                )
        chosen = accepted
        if not options.all:
            chosen = rng.sample(accepted, min(options.sample, len(accepted)))
        jobs = {
            harness.pool.submit(harness.simulate, subject, m["mutant"], plans): m
            for m in chosen
        }
        for job, mutant in jobs.items():
            if job.result():
                findings.append(
                    "%s, mutant %d (%s %s, line %d) is accepted and wrong: %s"
                    % (subject.name, mutant["mutant"], mutant["kind"],
                       mutant["op"], mutant["line"], job.result())
                )
        # What is rejected is wrong, or would be under a schedule or for a trip
        # count that is not among these.
        rejected = [m for m in mutants if m.get("rejected") == "barriers"]
        count = options.rejected if options.all else options.sample
        jobs = {
            harness.pool.submit(harness.simulate, subject, m["mutant"], few): m
            for m in rng.sample(rejected, min(count, len(rejected)))
        }
        for job, mutant in jobs.items():
            caught["wrong" if job.result() else "right"] += 1
            if not job.result():
                unseen[(re.sub(r" @\w+", "", mutant["op"]), mutant["kind"])] += 1
        print("%s: %d mutants, %s" % (subject.name, len(mutants), dict(tally)))
        sys.stdout.flush()

    total = sum(count for _, count, _ in rows)
    equivalent = sum(tally["accepted"] for _, _, tally in rows)
    share = 100.0 * equivalent / total
    print(
        "%d mutants, %d killed, %d equivalent (%.1f %%), %d runs; of the rejected "
        "ones simulated %d are wrong there, too, %d not"
        % (total, total - equivalent, equivalent, share, harness.runs,
           caught["wrong"], caught["right"])
    )
    if share > LIMIT and not options.only:
        findings.append("%.1f %% are equivalent, more than %.0f %%" % (share, LIMIT))
    for finding in findings:
        print("FINDING: " + finding)
    print("%d findings" % len(findings))
    if options.write and not findings:
        with open(options.write, "w", encoding="utf-8") as file:
            file.write(
                report(rows, kinds, classes, caught, unseen, harness.runs)
            )
    return 1 if findings else 0


def report(rows, kinds, classes, caught, unseen, runs):
    total = sum(count for _, count, _ in rows)
    equivalent = sum(classes.values())
    lines = [
        "# Mutants of the explicit-barrier IR",
        "",
        "Written by `test/mutants/ir_mutants.py --all --write`; what it means is in "
        "[mutants.md](../mutants.md). %d mutants; %d are killed, %d (%.1f %%) are "
        "accepted, right in the simulator (%d runs in all), and of an equivalent "
        "class. Of %d rejected ones, drawn at random and simulated, too, %d were "
        "wrong there."
        % (total, total - equivalent, equivalent, 100.0 * equivalent / total, runs,
           sum(caught.values()), caught["wrong"]),
        "",
        "| kernel | mutants | by the operations' verifiers | by the barrier verifier "
        "| equivalent |",
        "|---|---|---|---|---|",
    ]
    for name, count, tally in rows:
        lines.append(
            "| %s | %d | %d | %d | %d |"
            % (name, count, tally["ir"], tally["barriers"], tally["accepted"])
        )
    lines += ["", "| equivalent class | mutants |", "|---|---|"]
    for name, _ in CLASSES:
        lines.append("| %s | %d |" % (name, classes[name]))
    if unseen:
        lines += [
            "",
            "Rejected ones in which the simulator found nothing, in these runs:",
            "",
            "| operation | change | mutants |",
            "|---|---|---|",
        ]
        for (what, kind), count in sorted(unseen.items()):
            lines.append("| `%s` | %s | %d |" % (what, kind, count))
    lines += [
        "",
        "| operation | change | mutants | operations' verifiers | barrier verifier "
        "| equivalent |",
        "|---|---|---|---|---|---|",
    ]
    for (what, kind), tally in sorted(kinds.items()):
        lines.append(
            "| `%s` | %s | %d | %d | %d | %d |"
            % (what, kind, sum(tally.values()), tally["ir"], tally["barriers"],
               tally["accepted"])
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
