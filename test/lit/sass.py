#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the machine code of a kernel is made of, for the tests of the codegen
rules (docs/rationale/codegen-rules.md).

    sass.py NVDISASM FILE.cubin

Prints one `name: value` a line. The *main loop* is the shortest loop (from the
target of a backward branch to the branch) among those with the most tensor-core
instructions. A *wave* is what lies between two waits for the tensor core
(WARPGROUP.DEPBAR); the loop is read as a circle.
"""
import collections
import re
import subprocess
import sys

# One instruction of `nvdisasm -c -hex`: its text, then two lines with the low
# and the high half of the 128 bits.
INSTRUCTION = re.compile(r"^\s*/\*[0-9a-f]+\*/\s+(.*?)\s*;\s*/\* 0x([0-9a-f]{16}) \*/")
HIGH = re.compile(r"^\s*/\* 0x([0-9a-f]{16}) \*/")
LABEL = re.compile(r"^\.(L_x_\d+):")
BRANCH = re.compile(r"\bBRA\b.*`\(\.(L_x_\d+)\)")
# Bit 109 of an instruction: whether the scheduler may turn to another warp.
YIELD = 1 << 45


def read(nvdisasm, cubin):
    """[(text, high 64 bits)] and {label: index of the instruction behind it}."""
    text = subprocess.run(
        [nvdisasm, "-c", "-hex", cubin], check=True, stdout=subprocess.PIPE
    ).stdout.decode()
    code, labels = [], {}
    for line in text.splitlines():
        label = LABEL.match(line.strip())
        found = INSTRUCTION.match(line)
        high = HIGH.match(line)
        if label:
            labels[label.group(1)] = len(code)
        elif found:
            code.append([found.group(1), 0])
        elif high and code:
            code[-1][1] = int(high.group(1), 16)
    return code, labels


def opcode(text):
    return re.sub(r"^@!?U?P\w+\s+", "", text).split()[0]


def main_loop(code, labels):
    loops = []
    for end, (text, _) in enumerate(code):
        branch = BRANCH.search(text)
        begin = labels.get(branch.group(1), end) if branch else end
        if begin < end:
            body = code[begin : end + 1]
            products = sum("GMMA" in t for t, _ in body)
            loops.append((-products, end - begin, begin, end + 1))
    if not loops or min(loops)[0] == 0:
        sys.exit("no loop with tensor-core instructions")
    _, _, begin, end = min(loops)
    return begin, end


def main():
    code, labels = read(sys.argv[1], sys.argv[2])
    begin, end = main_loop(code, labels)
    body = code[begin:end]
    names = [opcode(text) for text, _ in body]
    count = collections.Counter(name.split(".")[0] for name in names)

    waits = [i for i, name in enumerate(names) if name.startswith("WARPGROUP.DEPBAR")]
    circle = body + body
    waves = [circle[a:b] for a, b in zip(waits, waits[1:] + [waits[0] + len(body)])]
    sums = [sum(opcode(t).startswith("FFMA") for t, _ in wave) for wave in waves]

    gives = sum(
        any(opcode(t).startswith("SYNCS.ARRIVE") for t, _ in wave) for wave in waves
    )
    everywhere = [opcode(text) for text, _ in code]
    roles = next(
        (i for i, name in enumerate(everywhere) if name.startswith("USETMAXREG")), begin
    )
    yielding = [high & YIELD != 0 for text, high in body if opcode(text) == "FFMA"]
    fences = ("MEMBAR", "ERRBAR", "CGAERRBAR")
    print("tensor-core instructions in the main loop:", sum("GMMA" in n for n in names))
    print("waves in the main loop:", len(waves))
    print("waves that overwrite their registers:", sum("RZ, !UPT" in t for t, _ in body))
    print("most sums between two waits:", max(sums))
    print("fewest sums between two waits:", min(sums))
    print("slots given back:", gives)
    print("questions about a phase:", sum("PHASECHK" in n for n in names))
    print("memory fences in the main loop:", sum(n.startswith(fences) for n in names))
    print("memory fences before the roles:",
          sum(n.startswith(fences) for n in everywhere[:roles]))
    print("local loads and stores:", sum(n.startswith(("LDL", "STL")) for n in everywhere))
    print("moves to uniform registers in the main loop:", count["R2UR"])
    print("instructions of the main loop a slot:",
          round(len(body) / max(gives, 1)))
    share = 100 * sum(yielding) // max(len(yielding), 1)
    print(f"sums that yield: {share} %")


main()
