# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Mutations of PTX text: one edit of one synchronising instruction each.

`mutants_of(text)` gives every mutant of a kernel. What is not generated, because
it is the same program whatever the kernel: a second fence, wait, bar.sync or
cluster wait behind the first, an exchange of two loads or of two inits, and a
different place for a peek (a try_wait outside of a loop only asks).
"""
import re

LABEL = re.compile(r"^(\$\w+):")
OPERATION = re.compile(r"^\s*(?:@(!?%?\w+)\s+)?([a-z][\w.:]*)(.*?);?\s*$")
REGISTER = re.compile(r"%(?:p|rs|r|rd|f|fd)\d+|%rmut\d?|\bp\b")
HELPERS = "\t.reg .b32 %rmut, %rmut1;\n\t.reg .b64 %rdmut;\n\t.reg .pred %pmut;"

# Instructions that a mutant may exchange with: those that synchronise, and
# those that touch what is synchronised.
MEMORY = re.compile(
    r"^(ld\.shared|st\.shared|stmatrix|ldmatrix|wgmma\.mma_async|cp\.async|red\.|st\.async)"
)


class Op:
    """An instruction that synchronises, or one of MEMORY: lines [first, last]
    of the text, which is more than one for an inline-assembly block and for a
    loop around a wait."""

    def __init__(self, lines, at, guard, opcode, operands):
        self.at, self.first, self.last = at, at, at
        self.guard, self.opcode, self.operands = guard, opcode, operands
        self.line = lines[at]
        self.kind = kind_of(opcode)
        self.loops = False
        self.source = ""

    def text(self):
        return self.line.strip().rstrip(";")


KINDS = [
    ("init", r"mbarrier\.init"),
    ("arrive-expect", r"mbarrier\.arrive\.expect_tx"),
    ("arrive", r"mbarrier\.arrive"),
    ("wait", r"mbarrier\.(try|test)_wait"),
    ("fence-proxy", r"fence\.proxy"),
    ("fence-init", r"fence\.mbarrier_init"),
    ("fence", r"fence\.|membar"),
    ("warp-sync", r"bar\.warp"),
    ("cluster-arrive", r"barrier\.cluster\.arrive"),
    ("cluster-wait", r"barrier\.cluster\.wait"),
    ("named", r"(bar|barrier)\.(cta\.)?(sync|arrive)"),
    ("bulk-wait", r"cp\.async\.bulk\.wait_group"),
    ("bulk-commit", r"cp\.async\.bulk\.commit_group"),
    ("reduce", r"cp\.reduce\.async\.bulk"),
    ("store", r"cp\.async\.bulk(\.tensor\.\dd)?\.global"),
    ("load", r"cp\.async\.bulk(\.tensor\.\dd)?\.shared"),
    ("mapa", r"mapa"),
    ("wgmma-fence", r"wgmma\.fence"),
    ("wgmma-commit", r"wgmma\.commit"),
    ("wgmma-wait", r"wgmma\.wait"),
    ("grid-wait", r"griddepcontrol\.wait"),
    ("grid-launch", r"griddepcontrol\.launch"),
    ("registers", r"setmaxnreg"),
]


def kind_of(opcode):
    for kind, pattern in KINDS:
        if re.match(pattern, opcode):
            return kind
    return "memory" if MEMORY.match(opcode) else None


def operands_of(text):
    """Operands at the top level: brackets and braces hold commas too."""
    parts, depth, current = [], 0, ""
    for c in text:
        depth += (c in "[{(") - (c in "]})")
        if c == "," and depth == 0:
            parts.append(current.strip())
            current = ""
        else:
            current += c
    if current.strip():
        parts.append(current.strip())
    return parts


class Mutant:
    def __init__(self, op, operator, what, lines):
        self.op, self.operator, self.what, self.lines = op, operator, what, lines
        self.name = ""

    def ptx(self):
        return "\n".join(self.lines) + "\n"


class Kernel:
    def __init__(self, text):
        self.lines = text.rstrip("\n").split("\n")
        self.ops = []
        self.find_ops()

    def find_ops(self):
        lines, block, location = self.lines, None, ""
        for at, line in enumerate(lines):
            stripped = line.strip()
            if stripped.startswith(".loc"):
                location = ":".join(stripped.split()[2:4])
            if stripped == "{" and at > 0 and "inline asm" in lines[at - 1]:
                block = at
            match = OPERATION.match(line)
            kind = match and not stripped.startswith((".", "//")) and kind_of(match[2])
            if kind:
                op = Op(lines, at, match[1], match[2], operands_of(match[3]))
                op.source = location
                if block is not None:
                    op.first = block
                    while lines[op.last].strip() != "}":
                        op.last += 1
                if op.kind == "wait":
                    self.find_loop(op)
                self.ops.append(op)
            if stripped == "}":
                block = None
        # Barriers of a ring: full at some offsets, free at those behind.
        inits = [op for op in self.ops if op.kind == "init"]
        self.depth = len(inits) // 2
        for op in inits:
            op.last_init = op is inits[-1]
        bases = [self.offset(op.operands[0], op.at) for op in inits]
        for op in self.ops:
            op.barrier = None  # The index of its barrier's init, or of its ring's.
            if op.kind == "wait":
                base = self.offset(op.operands[1], op.at)
                op.barrier = bases.index(base) if base in bases else None
        self.free = [self.offset(op.operands[0], op.at) for op in inits[self.depth :]]

    def offset(self, address, at):
        """The constant part of an address, or None."""
        match = re.search(r"\+(\d+)\]", address)
        if match and int(match[1]) > 1000:
            return int(match[1])
        names = REGISTER.findall(address)
        for line in reversed(self.lines[:at]):
            if names and names[0] in defs_of(line):
                numbers = [int(n) for n in re.findall(r", (\d+);", line)]
                if numbers and numbers[0] > 1000:
                    return numbers[0]
                names = [n for n in REGISTER.findall(line) if n != names[0]][:1]
        return None

    def side(self, op):
        """-1 where `op` works on a free barrier, 1 where on a full one."""
        address = next(o for o in op.operands if o.startswith("["))
        offset = self.offset(address, op.at)
        is_free = offset is not None and self.free and offset >= self.free[0]
        if offset is None:  # An address in the cluster: releases go there.
            is_free = op.kind == "arrive"
        return -1 if is_free else 1

    def find_loop(self, op):
        """`$L: try_wait; not; @p bra $L`, as the compiler writes a wait."""
        first = op.at
        while first > 0 and not LABEL.match(self.lines[first]):
            if OPERATION.match(self.lines[first]) and first != op.at:
                before = self.lines[first].strip()
                if not before.startswith((".", "//")):
                    return
            first -= 1
        label = LABEL.match(self.lines[first])
        for last in range(op.at, min(op.at + 6, len(self.lines))):
            if label and re.search(r"bra\s+" + re.escape(label[1]) + ";", self.lines[last]):
                op.first, op.last, op.loops = first, last, True
                return

    # Edits ----------------------------------------------------------------

    def edited(self, replaced):
        """The text with lines replaced: {index: list of lines}."""
        result, declared = [], False
        for at, line in enumerate(self.lines):
            result += replaced.get(at, [line])
            if not declared and line.strip().startswith(".reg"):
                result.append(HELPERS)
                declared = True
        return result

    def replace(self, op, *new):
        return self.edited({op.at: list(new)})

    def with_operand(self, op, index, value, *before):
        operands = list(op.operands)
        operands[index] = value
        guard = f"@{op.guard} " if op.guard else ""
        line = f"\t{guard}{op.opcode} \t{', '.join(operands)};"
        return self.replace(op, *before, line)

    def moved(self, op, other, ahead):
        """`op` moved behind `other` (or `other` ahead of `op`)."""
        lines = self.lines
        own, others = lines[op.first : op.last + 1], lines[other.first : other.last + 1]
        between = lines[op.last + 1 : other.first]
        middle = others + own + between if ahead else between + others + own
        head, tail = lines[: op.first], lines[other.last + 1 :]
        return head + middle + tail


def registers(text):
    return set(REGISTER.findall(text))


def defs_of(line):
    """The registers that an instruction writes: its first operand."""
    match = OPERATION.match(line)
    if not match or line.strip().startswith((".", "//")):
        return set()
    operands = operands_of(match[3])
    stores = ("st", "bra", "mbarrier.init", "cp.", "bar", "fence", "red", "setmaxnreg")
    if not operands or match[2].startswith(stores):
        return set()
    if match[2].startswith("wgmma.mma"):
        return registers(operands[0])
    return set() if operands[0].startswith("[") else registers(operands[0])


def shifted(address, bytes_):
    """[%rd1+8] moved by bytes."""
    inner = address.strip()[1:-1]
    return f"[{inner}{'+' if bytes_ >= 0 else ''}{bytes_}]"


def folded(address, bytes_):
    """The same for an address that has an offset already."""
    match = re.match(r"\[(.*?)\+(-?\d+)\]$", address.strip())
    if not match:
        return shifted(address, bytes_)
    return shifted(f"[{match[1]}]", int(match[2]) + bytes_)


# Operators --------------------------------------------------------------------


def drop(kernel, op):
    if op.kind == "wait":
        target = op.operands[0]
        yield "drop", "taken for granted", kernel.replace(op, f"\tsetp.eq.b32 {target}, 0, 0;")
    elif op.kind == "arrive-expect":
        yield "drop", "", kernel.replace(op)
        arrive = op.line.replace(".expect_tx", "")
        arrive = re.sub(r"\],\s*[^;]*;", "];", arrive)
        yield "drop", "the expected bytes", kernel.replace(op, arrive)
        address, count = op.operands[-2:]
        expect = f"\tmbarrier.expect_tx.relaxed.cta.shared.b64 {address}, {count};"
        yield "drop", "the arrival", kernel.replace(op, expect)
    elif op.kind == "registers":
        # A decrease is a release of registers where an increase waits for them.
        if ".dec." in op.opcode and any(".inc." in o.opcode for o in kernel.ops):
            yield "drop", "", kernel.replace(op)
    elif op.kind != "mapa":
        yield "drop", "", kernel.replace(op)


# A second one of these does something; of the others it does nothing.
TWICE = {"init", "arrive", "arrive-expect", "cluster-arrive", "load", "reduce"}


def duplicate(kernel, op):
    if op.kind in TWICE:
        yield "duplicate", "", kernel.replace(op, op.line, op.line)


def count(kernel, op):
    """Transaction counts, arrival counts, groups that may be pending."""
    if op.kind == "init":
        for change in (1, -1):
            add = f"\tadd.s32 %rmut, {op.operands[1]}, {change};"
            yield "count", f"{change:+}", kernel.with_operand(op, 1, "%rmut", add)
    elif op.kind == "arrive-expect":
        for change in (16, -16):
            add = f"\tadd.s32 %rmut, {op.operands[-1]}, {change};"
            last = len(op.operands) - 1
            yield "count", f"{change:+} bytes", kernel.with_operand(op, last, "%rmut", add)
    elif op.kind == "named" and len(op.operands) == 2:
        for change in (32, -32):
            threads = str(int(op.operands[1]) + change)
            yield "count", f"{change:+} threads", kernel.with_operand(op, 1, threads)
    elif op.kind in ("bulk-wait", "wgmma-wait"):
        more = str(int(op.operands[0]) + 1)
        yield "count", "one more group pending", kernel.with_operand(op, 0, more)


def phase(kernel, op):
    if op.kind == "wait":
        flip = f"\txor.b32 %rmut, {op.operands[2]}, 1;"
        yield "phase", "other parity", kernel.with_operand(op, 2, "%rmut", flip)


def retarget(kernel, op):
    address = next((i for i, o in enumerate(op.operands) if o.startswith("[")), None)
    other_side = 8 * kernel.depth
    if op.kind in ("init", "arrive", "arrive-expect", "wait"):
        targets = [("the next barrier", 8)]
        if op.kind != "init":
            # Of a ring's barriers the free ones come behind the full ones.
            targets.append(("the other side", kernel.side(op) * other_side))
        for what, offset in targets:
            line = kernel.with_operand(op, address, folded(op.operands[address], offset))
            yield "retarget", what, line
    if op.kind == "arrive" and "cluster" in op.opcode:
        inner = op.operands[address][1:-1]
        own = f"\tand.b32 %rmut, {inner}, 16777215;"
        yield "retarget", "own CTA", kernel.with_operand(op, address, "[%rmut]", own)
        if op.guard:
            yield "retarget", "all lanes", kernel.replace(op, op.line.replace(f"@{op.guard} ", ""))
    if op.kind == "mapa":
        rank = "0" if op.operands[2] == "1" else "1"
        yield "retarget", f"rank {rank}", kernel.with_operand(op, 2, rank)
    if op.kind == "named":
        split = [
            "\tmov.u32 %rmut, %tid.x;",
            "\tshr.u32 %rmut, %rmut, 5;",
            "\tand.b32 %rmut, %rmut, 1;",
            "\tadd.s32 %rmut, %rmut, 14;",
        ]
        yield "retarget", "half of the warps", kernel.with_operand(op, 0, "%rmut", *split)
    if op.kind == "load":
        barrier = next(
            i for i in range(len(op.operands) - 1, 0, -1) if op.operands[i].startswith("[")
        )
        wrong = folded(op.operands[barrier], 8)
        yield "retarget", "the next barrier", kernel.with_operand(op, barrier, wrong)
        place = folded(op.operands[0], 1024)
        yield "retarget", "other place", kernel.with_operand(op, 0, place)
        if "multicast" in op.opcode:
            mask = barrier + 1  # A cache policy may follow.
            for value in (1, 2):
                lines = kernel.with_operand(op, mask, str(value))
                yield "retarget", f"mask {value}", lines
            single = op.line.replace(".multicast::cluster", "")
            single = re.sub(r",\s*%rs\d+(?=[,;])", "", single)
            yield "retarget", "no multicast", kernel.replace(op, single)
    if op.kind in ("store", "reduce"):
        place = folded(op.operands[-1], 256)
        yield "retarget", "other place", kernel.with_operand(op, len(op.operands) - 1, place)
    if op.kind == "registers":
        other = ".inc." if ".dec." in op.opcode else ".dec."
        swapped = re.sub(r"\.(dec|inc)\.", other, op.line)
        yield "retarget", other.strip("."), kernel.replace(op, swapped)


# Pairs that have an order, and what the exchange of the two would break.
ORDERED = {
    ("wait", "memory"), ("wait", "load"), ("wait", "arrive"),
    ("memory", "arrive"), ("wgmma-wait", "arrive"),
    ("warp-sync", "arrive"), ("memory", "warp-sync"),
    ("memory", "fence-proxy"), ("fence-proxy", "store"), ("fence-proxy", "reduce"),
    ("fence-proxy", "arrive"), ("named", "memory"), ("memory", "named"),
    ("named", "store"), ("named", "reduce"), ("fence-proxy", "named"),
    ("store", "bulk-commit"), ("reduce", "bulk-commit"),
    ("bulk-commit", "bulk-wait"), ("bulk-wait", "named"), ("bulk-wait", "memory"),
    ("wgmma-fence", "memory"), ("memory", "wgmma-commit"),
    ("wgmma-commit", "wgmma-wait"), ("wgmma-wait", "memory"),
    ("init", "fence-init"), ("fence-init", "named"), ("fence-init", "cluster-arrive"),
    ("cluster-arrive", "cluster-wait"),
}  # fmt: skip


def is_wgmma(op):
    return op.opcode.startswith("wgmma.mma")


def has_order(a, b):
    if (a.kind, b.kind) not in ORDERED:
        return False
    if a.kind == "wait" and not a.loops or b.kind == "wait":
        return False
    # A wgmma is ordered with its own fence and groups; a plain access of shared
    # memory with barriers and proxy fences.
    wgmma_pairs = ("wgmma-fence", "wgmma-commit", "wgmma-wait")
    if b.kind == "memory" and a.kind in wgmma_pairs:
        return is_wgmma(b)
    if a.kind == "memory" and b.kind in wgmma_pairs:
        return is_wgmma(a)
    return True


def reorder(kernel, op):
    index = kernel.ops.index(op)
    if index + 1 == len(kernel.ops):
        return
    other = kernel.ops[index + 1]
    # A wait for a group and a bar.warp.sync have no order; what comes behind has.
    if op.kind == "wgmma-wait" and other.kind == "warp-sync":
        other = kernel.ops[index + 2]
    if not has_order(op, other):
        return
    lines = kernel.lines
    between = lines[op.last + 1 : other.first]
    own, others = lines[op.first : op.last + 1], lines[other.first : other.last + 1]
    real = [l for l in between if OPERATION.match(l) and not l.strip().startswith((".", "//"))]
    if any(LABEL.match(l) or re.search(r"\bbra\b", l) for l in between):
        return
    defined = set().union(*map(defs_of, real), set())
    written = set().union(*map(defs_of, own), set())
    used_between = set().union(*(registers(l) - defs_of(l) for l in real), set())
    needs = registers("\n".join(others)) | ({other.guard} if other.guard else set())
    what = f"behind {other.opcode.split('.')[0]}… ({other.kind})"
    if not (written & (needs | used_between)) and not (defined & registers("\n".join(own))):
        yield "reorder", what, kernel.moved(op, other, ahead=False)
    elif not (defined | written) & needs:
        yield "reorder", what, kernel.moved(op, other, ahead=True)


OPERATORS = [drop, duplicate, count, phase, retarget, reorder]


def mutants_of(text):
    kernel = Kernel(text)
    counts = {}
    for op in kernel.ops:
        if op.kind == "memory":
            makers = [reorder]
        elif op.kind == "grid-launch":
            makers = [drop]
        else:
            makers = OPERATORS
        number = counts[op.kind] = counts.get(op.kind, 0) + 1
        for maker in makers:
            for operator, what, lines in maker(kernel, op):
                mutant = Mutant(op, operator, what, lines)
                mutant.name = f"{op.kind}.{number} {operator}" + (f" {what}" if what else "")
                yield mutant
