#!/usr/bin/env python3
"""Runs the examples of a page of documentation, or the shipped kernels, through
the front end, and fails when one does not behave as it says.

  extract.py --check TOOL docs FILE.md     every ```tw block of FILE.md
  extract.py --check TOOL kernels FOLDER   every .tw file below FOLDER
  extract.py --lower TOOL kernels FOLDER   the same through the whole compiler

A block's first line is ```tw, then any of
  frame NAME       the block is not an example: others stand for its `…` line
  in NAME          the block stands for the `…` line of that frame
  error "text"     the block must be rejected, with an error that contains text
A line `# constants: BM=64 N=4096 target=sm_100a` in a block gives values.

A kernel's file has lines `# instantiate: BM=128 … target=sm_90a`, at least one,
each of which must instantiate. With --lower each must become PTX or be refused
by errors that stand at a construct and say that it is not lowered yet, or that
it exceeds a resource, with the number. With --keep FOLDER the extracted files are left
there (the fuzzer's seeds are made so).
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

FENCE = re.compile(
    r"```tw(?:\s+frame\s+(?P<frame>\w+))?(?:\s+in\s+(?P<within>\w+))?"
    r'(?:\s+error\s+"(?P<error>[^"]*)")?\s*$'
)


class Example:
    def __init__(self, name, text, first, last, error, values):
        self.name = name  # What a failure is called: file and line.
        self.text = text
        self.first, self.last = first, last  # Lines of `text` that are its own.
        self.error = error
        self.values = values


def values_of(text, key):
    """The values in each `# key: …` line of text."""
    return [m.split() for m in re.findall(r"^\s*#\s*%s:(.*)$" % key, text, re.M)]


def examples_of(path):
    """The examples of a page, framed, in order."""
    frames, examples = {}, []
    lines = open(path, encoding="utf-8").read().split("\n")
    at = 0
    while at < len(lines):
        if not lines[at].startswith("```tw"):
            at += 1
            continue
        fence = FENCE.match(lines[at])
        if not fence:
            sys.exit("%s:%d: cannot read the fence %s" % (path, at + 1, lines[at]))
        start = at + 1
        while at + 1 < len(lines) and lines[at + 1] != "```":
            at += 1
        body = lines[start : at + 1]
        at += 2
        name = "%s:%d" % (os.path.basename(path), start)
        if fence["frame"]:
            frames[fence["frame"]] = body
            continue
        first, own = 0, body
        if fence["within"]:
            if fence["within"] not in frames:
                sys.exit("%s: no frame %s before" % (name, fence["within"]))
            frame = frames[fence["within"]]
            first = [line.strip() for line in frame].index("…")
            indent = frame[first][: -len(frame[first].lstrip())]
            own = [indent + line for line in body]
            body = frame[:first] + own + frame[first + 1 :]
        text = "\n".join(body) + "\n"
        values = sum(values_of("\n".join(own), "constants"), [])
        examples.append(
            Example(name, text, first + 1, first + len(own), fence["error"], values)
        )
    return examples


def kernels_of(folder):
    examples = []
    for root, _, files in sorted(os.walk(folder)):
        for file in sorted(files):
            if not file.endswith(".tw"):
                continue
            path = os.path.join(root, file)
            text = open(path, encoding="utf-8").read()
            instances = values_of(text, "instantiate")
            if not instances:
                sys.exit("%s: no `# instantiate:` line" % path)
            for values in instances:
                name = "%s %s" % (os.path.relpath(path, folder), " ".join(values))
                examples.append(Example(name, text, 1, 1 << 30, None, values))
    return examples


def constants_in(text):
    """The names of the constants of a file's kernels."""
    heads = re.findall(r"^kernel\s+\w+\s*<([^>]*)>", text, re.M)
    return {part.split(":")[0].strip() for head in heads for part in head.split(",")}


def lowering_failure_of(tool, example, file):
    """Why the compiler does not treat a kernel as promised, or None."""
    command = [tool, "compile", file, "--emit=ptx", "-o", os.devnull]
    constants = constants_in(example.text)
    for value in example.values:
        name, _, what = value.partition("=")
        if name == "target":
            command.append("--target=" + what)
        else:
            command += ["-D" if name in constants else "--bake", value]
    run = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120
    )
    output = run.stdout.decode("utf-8", "replace")
    if run.returncode == 0:
        return None
    errors = re.findall(r"^(.*?)(?::(\d+):\d+)?: error: (.*)", output, re.M)
    if run.returncode != 1 or not errors:
        return "exit status %d:\n%s" % (run.returncode, output)
    for where, line, message in errors:
        if not line or not where.endswith(".tw"):
            return "an error without a place in the source:\n" + output
        if not re.search(r"not lowered yet|\d+ (bytes|registers)", message):
            return "an error that does not say what is not lowered yet:\n" + output
    return None


def command_of(tool, file, values):
    command = [tool, file]
    for value in values:
        name, _, what = value.partition("=")
        command += ["--target=" + what] if name == "target" else ["-D", value]
    return command


def failure_of(tool, example, file):
    """Why the example does not behave as it says, or None."""
    run = subprocess.run(
        command_of(tool, file, example.values),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
    )
    output = run.stdout.decode("utf-8", "replace")
    if example.error is None:
        if run.returncode != 0:
            return "must be accepted:\n" + output
        return None
    if run.returncode != 1:
        return "must be rejected with “%s”, exit status %d:\n%s" % (
            example.error,
            run.returncode,
            output,
        )
    # One of the errors says so, and on one of the example's own lines.
    errors = re.findall(r":(\d+):\d+: error: (.*)", output)
    notes = "\n".join(message for _, message in errors)
    if example.error not in notes:
        return "no error says “%s”:\n%s" % (example.error, output)
    if not any(
        example.error in message and example.first <= int(line) <= example.last
        for line, message in errors
    ):
        return "the error is not on the example's own lines:\n" + output
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--check", help="the front end's tool")
    parser.add_argument("--lower", help="the compiler: tilewright")
    parser.add_argument("--keep", help="leave the extracted files in this folder")
    parser.add_argument("kind", choices=["docs", "kernels"])
    parser.add_argument("path")
    options = parser.parse_args()

    examples = (
        examples_of(options.path)
        if options.kind == "docs"
        else kernels_of(options.path)
    )
    folder = options.keep or tempfile.mkdtemp()
    os.makedirs(folder, exist_ok=True)
    failed = 0
    for number, example in enumerate(examples):
        file = os.path.join(folder, "%s-%03d.tw" % (options.kind, number))
        with open(file, "w", encoding="utf-8") as out:
            out.write(example.text)
        why = None
        if options.check:
            why = failure_of(options.check, example, file)
        elif options.lower:
            why = lowering_failure_of(options.lower, example, file)
        if why:
            failed += 1
            print("FAILED %s: %s" % (example.name, why))
    if not options.keep:
        shutil.rmtree(folder)
    print("%d examples, %d failed" % (len(examples), failed))
    return 1 if failed or not examples else 0


if __name__ == "__main__":
    sys.exit(main())
