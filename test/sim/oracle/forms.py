#!/usr/bin/env python3
# ===- forms.py - which emitted instruction forms have a kernel ------------===//
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Usage: forms.py FILE.ptx… — lists the instruction forms of PTX texts (what
`tilewright compile --emit=ptx` prints) that no kernel here exercises; exit
status 1 if there are any. Without files: lists the forms that the kernels have.

A form is the opcode with all its suffixes. wgmma's N is left out: the kernels
have 8 to 256. A parameter load may stand for its .param width in any kernel."""

import json
import os
import re
import sys

import ptxkit

HERE = os.path.dirname(os.path.abspath(__file__))


def normal(form):
    return re.sub(r"(m64n)\d+(k)", r"\1*\2", form)


def recorded():
    """{form: [kernels]}"""
    found = {}
    root = os.path.join(HERE, "kernels")
    for name in sorted(os.listdir(root)):
        with open(os.path.join(root, name, "spec.json")) as f:
            for form in json.load(f)["forms"]:
                found.setdefault(normal(form), []).append(name)
    return found


def main():
    have = recorded()
    if len(sys.argv) == 1:
        for form, names in sorted(have.items()):
            print(f"{form}: {', '.join(names[:4])}"
                  + (f" and {len(names) - 4} more" if len(names) > 4 else ""))
        return 0
    missing = {}
    for path in sys.argv[1:]:
        with open(path) as f:
            for form in map(normal, ptxkit.forms(f.read())):
                if form not in have:
                    missing.setdefault(form, []).append(os.path.basename(path))
    for form, paths in sorted(missing.items()):
        print(f"{form}: no kernel ({', '.join(paths[:3])})")
    print(f"{len(missing)} forms without a kernel")
    return bool(missing)


if __name__ == "__main__":
    sys.exit(main())
