#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Breaks codegen rules 3 and 5 on purpose (docs/rationale/codegen-rules.md).

    untie.py CONSTRAINT < kernel.nvvm.mlir

Copies the printed NVVM form of a kernel without its empty inline assembly whose
first output is CONSTRAINT: `=f` for the pins of promoted sums, `=r` for opaque
indices. Each result becomes the operand that it was tied to. Fails if there is
nothing to take away.
"""
import re
import sys

ASM = re.compile(
    r'\s*(%\w+) = llvm\.inline_asm has_side_effects asm_dialect = att "", "([^"]*)" (.*?) :'
)
PART = re.compile(r"\s*(%\w+) = llvm\.extractvalue (%\w+)\[(\d+)\]")

tied, replaced, kept = {}, {}, []
for line in sys.stdin.read().splitlines():
    asm, part = ASM.match(line), PART.match(line)
    # Only operands that were renamed before: definitions precede uses here.
    line = re.sub(r"%\w+", lambda name: replaced.get(name.group(), name.group()), line)
    if asm and asm.group(2).startswith(sys.argv[1]):
        operands = re.findall(r"%\w+", line.split(" = ", 1)[1])
        tied[asm.group(1)] = operands
        if len(operands) == 1:
            replaced[asm.group(1)] = operands[0]
    elif part and part.group(2) in tied:
        replaced[part.group(1)] = tied[part.group(2)][int(part.group(3))]
    else:
        kept.append(line)
if not tied:
    sys.exit(f"no empty assembly with {sys.argv[1]} in the input")
print("\n".join(kept))
