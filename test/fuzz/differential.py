#!/usr/bin/env python3
"""differential.py: runs mutated kernels on a GPU against the reference.

Mutants as pipeline.py makes them; each that compiles runs with `tilewright run
--check` on small shapes. Printed are mutants whose output differs from the
reference interpreter's, that the driver refuses, or that do not end. A mutant
may deserve that (roles whose loops disagree hang, two roles may store to one
place), so this is a tool to look at, not a test.

    differential.py tilewright --seconds 120 --seed 1 --jobs 8 --findings DIR
"""
import argparse
import glob
import hashlib
import multiprocessing
import os
import random
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import pipeline  # noqa: E402


def shape(text, flags, rng):
    """Extents of the dimension letters that the tensors name."""
    head = text.split("{")[0]
    names = set(re.findall(r"(?<![\w.])([A-Z])\b(?!\s*:)", " ".join(re.findall(r"\[([^\]]*)\]", head))))
    baked = {v.split("=")[0] for o, v in flags if o == "--bake"}
    result = {}
    for name in sorted(names - baked):
        if name in "MN":
            result[name] = rng.choice([8, 24, 64, 128, 136, 200, 264, 520])
        elif name == "K":
            result[name] = rng.choice([0, 64, 128, 144, 272, 512, 640])
        else:
            result[name] = rng.choice([1, 2, 3])
    return ",".join("%s=%d" % item for item in result.items())


def work(job):
    tool, number, seconds, seeds = job
    rng, mutator = random.Random(number), pipeline.Mutator(random.Random(number))
    start, results, tried, ran = time.time(), [], 0, 0
    scores = [(0, 0)] * len(seeds)
    with tempfile.TemporaryDirectory() as folder:
        runner = pipeline.Runner(tool, "ptx", 20, folder)
        while time.time() - start < seconds:
            weights = [0.02 + (good + 1) / (count + 1) for good, count in scores]
            at = rng.choices(range(len(seeds)), weights)[0]
            text, flags = mutator.mutate(*seeds[at])
            tried += 1
            finding = runner.run(text, flags, "ptx")
            good = finding is None and runner.accepted
            scores[at] = (scores[at][0] + good, scores[at][1] + 1)
            if not good:
                continue
            extents = shape(text, flags, rng)
            command = [tool, "run", os.path.join(folder, "mutant.tw"), "--check=full", "--shape", extents]
            for option, value in flags:
                command += ["-D", value] if option == "-D" else [option + "=" + value]
            try:
                run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=25)
                output = run.stdout.decode("utf-8", "replace")
                failed = run.returncode != 0
            except subprocess.TimeoutExpired:
                output, failed = "no end", True
            ran += 1
            if failed:
                results.append((text, " ".join("%s %s" % f for f in flags) + " --shape " + extents, output))
    return tried, ran, results


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tool")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--findings", required=True, help="file to write what failed to")
    args = parser.parse_args()
    seeds = []
    for path in sorted(
        glob.glob(os.path.join(pipeline.ROOT, "kernels", "**", "*.tw"), recursive=True)
        + glob.glob(os.path.join(pipeline.HERE, "seeds", "*.tw"))
    ):
        with open(path) as file:
            text = file.read()
        seeds += [(pipeline.strip(text), flags) for flags in pipeline.instances(text)]
    jobs = [(args.tool, args.seed * 1000 + i, args.seconds, seeds) for i in range(args.jobs)]
    tried = ran = failed = 0
    seen = {}
    with multiprocessing.Pool(args.jobs) as pool, open(args.findings, "w") as out:
        for t, r, results in pool.imap_unordered(work, jobs):
            tried, ran, failed = tried + t, ran + r, failed + len(results)
            for text, flags, output in results:
                key = re.sub(r"\d+|'[^']*'", "_", output.strip().split("\n")[-1])[:100]
                seen[key] = seen.get(key, 0) + 1
                if seen[key] <= 12:
                    out.write("==== %s\n%s\n%s\n" % (flags, text, output[-1500:]))
    for key, count in seen.items():
        print("%5d × %s" % (count, key))
    print("%d mutants, %d ran, %d failed" % (tried, ran, failed))


if __name__ == "__main__":
    main()
