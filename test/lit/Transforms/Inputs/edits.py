"""edits.py: applies small edits to an IR file and checks the errors they cause.

    edits.py TILEWRIGHT-OPT BASE.mlir CASES.test

The cases' format is described where they are.
"""
import re
import subprocess
import sys


def apply(base, case):
    """The edited lines, and what is expected: message and line."""
    lines, errors, at = list(base), [], 0
    for step in case:
        mark, text = step[:1], step[2:]
        if mark in "=-":
            found = [i for i, l in enumerate(lines) if i >= at and l.strip() == text]
            if not found:
                raise SystemExit("no line '%s'" % text)
            at = found[0]
            if mark == "-":
                del lines[at]
            else:
                at += 1
        elif mark == "+":
            lines.insert(at, text)
            at += 1
        elif mark == "!":
            errors.append([text, None])
        elif mark == "@":
            errors[-1][1] = text
        else:
            raise SystemExit("what is '%s'?" % step)
    return lines, errors


def main():
    tool, base, cases = sys.argv[1:]
    with open(base, encoding="utf-8") as file:
        lines = file.read().split("\n")
    with open(cases, encoding="utf-8") as file:
        parts = file.read().split("#--- ")[1:]
    failures = 0
    for part in parts:
        title, *steps = [line for line in part.split("\n") if line.strip()]
        edited, errors = apply(lines, steps)
        done = subprocess.run(
            [tool, "-", "--pass-pipeline=builtin.module(tile.kernel(pipe-verify-barriers))"],
            input="\n".join(edited).encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        text = done.stderr.decode()
        found = re.findall(r"<stdin>:(\d+):\d+: error: (.*)", text)
        found = [(edited[int(line) - 1].strip(), what) for line, what in found]
        ok = done.returncode == 1 and len(found) == len(errors)
        for what, where in errors:
            ok &= any(what in w and line.startswith(where) for line, w in found)
        if not ok:
            failures += 1
            print("FAIL: %s\n  expected %s\n  found %s" % (title, errors, found or text))
    print("%d cases, %d failures" % (len(parts), failures))
    return 1 if failures or not parts else 0


if __name__ == "__main__":
    sys.exit(main())
