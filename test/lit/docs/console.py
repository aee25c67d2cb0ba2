#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the commands of a page of documentation and fails where one does not
print what the page shows.

  console.py FILE.md [--folder FOLDER]

A command is a line `$ …` of a ```console block, with what it prints (on both
streams) below it, up to the next command or the block's end. Lines that end in
a backslash go on. In the page's output a line `…` stands for any lines, also
none, and `…` inside of a line for any text, also none; nothing below a command
means that its output is not shown. The commands of a page run one after the
other in one folder, in which `kernels` is the repository's. A command must end
with status 0, or with N where a line `[status N]` ends its output.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))


class Command:
    def __init__(self, text, line):
        self.text, self.line, self.output = text, line, []


def commands_of(path):
    commands, inside = [], False
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    for number, line in enumerate(lines, 1):
        if line.startswith("```"):
            inside = not inside and line == "```console"
        elif not inside:
            continue
        elif line.startswith("$ "):
            commands.append(Command(line[2:], number))
        elif commands and commands[-1].text.endswith("\\"):
            commands[-1].text = commands[-1].text[:-1] + " " + line.strip()
        elif commands:
            commands[-1].output.append(line)
    return commands


def pattern_of(lines):
    text = ""
    for line in lines:
        if line.strip() == "…":
            text += r"(?:.*\n)*?"
        else:
            text += ".*".join(re.escape(part) for part in line.split("…")) + r"\n"
    return re.compile(text + r"\Z")


def failure_of(command, folder):
    done = subprocess.run(
        ["bash", "-c", command.text],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
    )
    output = done.stdout.decode("utf-8", "replace")
    if output and not output.endswith("\n"):
        output += "\n"
    expected = command.output
    status = 0
    if expected and re.fullmatch(r"\[status \d+\]", expected[-1]):
        status = int(expected[-1][8:-1])
        expected = expected[:-1]
    if done.returncode != status:
        return "exit status %d, not %d:\n%s" % (done.returncode, status, output)
    if expected and not pattern_of(expected).match(output):
        return "prints\n%sand not\n%s\n" % (output, "\n".join(expected))
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("path")
    parser.add_argument("--folder", help="work here, and leave what is made")
    options = parser.parse_args()
    commands = commands_of(options.path)
    folder = options.folder or tempfile.mkdtemp()
    os.makedirs(folder, exist_ok=True)
    kernels = os.path.join(folder, "kernels")
    if not os.path.lexists(kernels):
        os.symlink(os.path.join(ROOT, "kernels"), kernels)
    failed = 0
    for command in commands:
        why = failure_of(command, folder)
        if why:
            failed += 1
            page = os.path.basename(options.path)
            print("FAILED %s:%d: `%s` %s" % (page, command.line, command.text, why))
    if not options.folder:
        shutil.rmtree(folder)
    print("%d commands, %d failed" % (len(commands), failed))
    return 1 if failed or not commands else 0


if __name__ == "__main__":
    sys.exit(main())
