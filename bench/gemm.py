#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times our GEMM kernels beside DeepGEMM (if it can be imported) and cuBLASLt.

    python3 bench/gemm.py --shapes large --variants FILE --out DIR --processes 3

bench/README.md says what is timed, how, and what the files hold. Exit status 1
if one of our kernels is wrong or fails, 77 where there is no GPU.
"""
import argparse
import json
import os
import shlex
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from harness import report, results, roofline, variants  # noqa: E402
from harness.peers import PEERS  # noqa: E402
from harness.shapes import LISTS, parse_shapes  # noqa: E402

ROOT = os.path.dirname(HERE)

# TFLOPS of the dense tensor core: what the vendor's datasheet says, and the
# highest rate of an FP8 GEMM published for this chip at 700 W.
CEILINGS = {
    "fp8": (("FP8, datasheet: 1979", 1979, True), ("FP8, published: 1550", 1550, False)),
    "bf16": (("BF16, datasheet: 989", 989, True),),
}


def arguments(argv):
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0], epilog="See bench/README.md."
    )
    what = parser.add_argument_group("what")
    what.add_argument(
        "--shapes", default="large",
        help=f"lists ({', '.join(LISTS)}) and [KIND[-MAJORS]:]MxNxK, separated by commas",
    )
    what.add_argument(
        "--ours", action="append", default=[], metavar="SPEC",
        help="NAME:KERNEL[:BM=128,…][:bake=N,K][:facts=M=64][:options=A=1][:sms=N][:pdl]"
        "[:kind=wgrad]; may be repeated",
    )
    what.add_argument("--variants", metavar="FILE", help="configurations as JSON")
    what.add_argument("--artefacts", metavar="DIR", help="compiled kernels")
    what.add_argument(
        "--compile-only", action="store_true",
        help="compile into the folder of --artefacts and stop; needs no GPU",
    )
    what.add_argument(
        "--peers", default=",".join(PEERS), help="peers to time, '' for none"
    )
    how = parser.add_argument_group("how")
    how.add_argument("--rounds", type=int, default=results.ROUNDS)
    how.add_argument("--calls", type=int, default=3, help="calls in a round")
    how.add_argument("--processes", type=int, default=1)
    how.add_argument("--timer", default="auto", choices=("auto", "cupti", "events"))
    how.add_argument("--flush-bytes", type=float, default=8e9)
    how.add_argument(
        "--hang-seconds", type=float, default=60, help="a shape that takes longer hangs"
    )
    out = parser.add_argument_group("results")
    out.add_argument("--out", metavar="DIR", help="folder for NAME.json, .md and .svg")
    out.add_argument("--name", default="gemm")
    out.add_argument("--quiet", action="store_true", help="JSON only, no table")
    out.add_argument("--bandwidth", type=float, help="TB/s of the plot's slope")
    out.add_argument(
        "--combine", nargs="+", metavar="FILE", help="only combine results"
    )
    options = parser.parse_args(argv)
    options.peers = [name for name in options.peers.split(",") if name]
    options.flush_bytes = int(options.flush_bytes)
    unknown = [name for name in options.peers if name not in PEERS]
    if unknown:
        parser.error(f"unknown peer {unknown[0]}; there are {', '.join(PEERS)}")
    if options.compile_only and not options.artefacts:
        parser.error("--compile-only needs --artefacts")
    if min(options.rounds, options.calls, options.processes) < 1:
        parser.error("--rounds, --calls and --processes are at least 1")
    return options


def chosen(options):
    """{shape: [Variant]} of the command line."""
    shapes = parse_shapes(options.shapes)
    found = {shape: [] for shape in shapes}
    if options.variants:
        found = variants.read_variants(options.variants, shapes)
    for spec in options.ours:
        variant = variants.parse_variant(spec)
        for shape in shapes:
            if variant.suits(shape):
                found[shape].append(variant)
    for shape, entries in found.items():
        variants.check_names(entries, shape)
    return found


def compile_all(found, folder):
    """Compiles every variant of every shape into `folder`; the number that
    failed."""
    from harness import contenders

    os.makedirs(folder, exist_ok=True)
    done, failures = set(), 0
    for shape, entries in found.items():
        for variant in entries:
            stem = variant.stem(shape)
            if stem in done:
                continue
            done.add(stem)
            try:
                kernel = contenders.compile_variant(variant, shape)
                kernel.save(os.path.join(folder, stem))
            except Exception as error:  # Every failure is listed.
                failures += 1
                print(f"{variant.name} for {shape.name}: {error}", flush=True)
                continue
            spills = kernel.diagnostics.strip().replace("\n", " | ")
            print(f"{stem} {variant.name} {shape.name} {spills[:200]}", flush=True)
    print(f"{len(done) - failures} compiled, {failures} failed")
    return failures


def write(options, runs, name):
    """NAME.json, .md and .svg of the runs; returns the rows."""
    results.check_alike(runs)
    rows = results.gather(runs)
    if not options.out:
        return rows
    os.makedirs(options.out, exist_ok=True)
    stem = os.path.join(options.out, name)
    with open(stem + ".json", "w") as file:
        content = runs[0] if len(runs) == 1 else {"format": results.FORMAT, "runs": runs}
        json.dump(content, file, indent=1)
    if options.quiet:
        return rows
    with open(stem + ".md", "w") as file:
        file.write(report.markdown(rows, runs))
    points = roofline.points_of(rows)
    bandwidth = options.bandwidth or runs[0]["machine"].get("copy_tbs")
    if points and bandwidth:
        kinds = {"bf16" if row.shape.kind == "bf16" else "fp8" for row in rows}
        kinds |= {"bf16" for point in points if point.series == "cublaslt-bf16"}
        ceilings = [roofline.Ceiling(*c) for k in sorted(kinds) for c in CEILINGS[k]]
        title = f"{runs[0]['machine'].get('gpu')}, {bandwidth:.2f} TB/s"
        with open(stem + ".svg", "w") as file:
            file.write(roofline.svg(points, bandwidth, ceilings, title))
    return rows


def finish(options, runs):
    rows = write(options, runs, options.name)
    for line in report.errors(rows):
        print(line)
    if not options.quiet:
        print(report.compact(rows))
    return 1 if any(s.ours for row in rows for s in row.errors()) else 0


def spawn(options, argv):
    """Runs the processes one after the other and combines what they wrote."""
    if not options.out:
        sys.exit("bench: --processes needs --out")
    runs, status = [], 0
    for index in range(options.processes):
        name = f"{options.name}.{index + 1}"
        command = [sys.executable, os.path.abspath(__file__), *argv]
        command += ["--processes", "1", "--name", name, "--quiet"]
        print(f"process {index + 1} of {options.processes}", flush=True)
        path = os.path.join(options.out, name + ".json")
        if os.path.exists(path):
            os.remove(path)
        code = subprocess.run(command).returncode
        if code == 77:
            return 77
        status = status or code
        if os.path.exists(path):
            runs += results.read(path)
        if code == results.HUNG:  # So would the next.
            break
    if not runs:
        print("bench: no process left results")
        return 1
    return finish(options, runs) or status


def main(argv=None):
    argv = sys.argv[1:] if argv is None else argv
    options = arguments(argv)
    options.command = shlex.join(["python3", "bench/gemm.py", *argv])
    try:
        if options.combine:
            runs = [run for path in options.combine for run in results.read(path)]
            return finish(options, runs)
        found = chosen(options)
        if options.compile_only:
            return 1 if compile_all(found, options.artefacts) else 0
        if options.processes > 1:
            return spawn(options, argv)
        from harness import measure

        return measure.run(options, found, ROOT, write, finish)
    except (ValueError, OSError) as error:  # Shapes, variants, results, files.
        print(f"bench: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
