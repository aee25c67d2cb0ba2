# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Classes of mutants that are the same program. docs/mutants.md has the proofs.

Two of the classes are decided by dataflow over the mutant's text: what the
instruction guarded against has not happened since an earlier one of its kind, on
any path.
"""
import re

from ptx_operators import LABEL, OPERATION, registers

BEGIN = "begin"


class Flow:
    """The control flow of a PTX text, and facts about its paths."""

    def __init__(self, lines):
        self.code = []
        labels = {}
        for line in lines:
            stripped = line.strip()
            label = LABEL.match(line)
            if label:
                labels[label[1]] = len(self.code)
            match = OPERATION.match(line)
            if match and not stripped.startswith((".", "//", "{", "}")):
                self.code.append((match[2], stripped, match[1]))
        self.next = []
        for at, (opcode, text, guard) in enumerate(self.code):
            after = [at + 1]
            if opcode.startswith("bra"):
                target = labels[re.search(r"(\$\w+);", text)[1]]
                after = [target] + ([at + 1] if guard else [])
            elif opcode in ("ret", "exit") and not guard:
                after = []
            self.next.append([a for a in after if a < len(self.code)])

    def solve(self, start, transfer):
        """What may hold before each instruction: a set of facts, joined by union."""
        before = [None] * len(self.code)
        before[0], work = frozenset(start), [0]
        while work:
            at = work.pop()
            after = transfer(before[at], *self.code[at])
            for succ in self.next[at]:
                joined = after if before[succ] is None else before[succ] | after
                if joined != before[succ]:
                    before[succ] = joined
                    work.append(succ)
        return before


def wgmma_registers(text):
    """The accumulators of a wgmma.mma_async, and its A fragment if it has one."""
    return registers(" ".join(re.findall(r"\{[^}]*\}", text)))


def fences_suffice(lines):
    """No wgmma has a register that was used since the last wgmma.fence."""
    flow = Flow(lines)
    all_wgmma = set()
    for opcode, text, _ in flow.code:
        if opcode.startswith("wgmma.mma"):
            all_wgmma |= wgmma_registers(text)

    def transfer(facts, opcode, text, guard):
        if opcode.startswith("wgmma.fence"):
            return frozenset()
        if opcode.startswith("wgmma.mma"):
            return facts
        return facts | (registers(text) & all_wgmma)

    before = flow.solve({BEGIN}, transfer)
    for facts, (opcode, text, _) in zip(before, flow.code):
        if facts is not None and opcode.startswith("wgmma.mma"):
            if BEGIN in facts or facts & wgmma_registers(text):
                return False
    return True


def is_release(opcode):
    return opcode.startswith("mbarrier.arrive") and "expect_tx" not in opcode


def reads_are_met(lines, late):
    """No warp releases a slot while a lane's plain read of it has not been followed
    by a bar.warp.sync or a barrier.

    A fact is a state on some path: how many slots are held (their products are
    committed, their release is to come), and which slots' reads have not been met,
    each as the number of products committed since (0: its own is to come). A
    release is of the oldest slot that is held, and so are reads whose opcode matches
    `late`: they stand behind their product."""
    flow = Flow(lines)

    def transfer(facts, opcode, text, guard):
        result = set()
        for held, reads in facts:
            if re.match(r"bar\.warp|(bar|barrier)\.(cta\.)?sync", opcode):
                reads = frozenset()
            elif re.match(r"ld\.shared|ldmatrix", opcode):
                own = late and re.match(late, opcode)
                reads = reads | {held if own else 0}
            elif opcode.startswith("wgmma.commit"):
                held, reads = min(held + 1, 8), frozenset(min(r + 1, 8) for r in reads)
            elif is_release(opcode):
                held = max(held - 1, 0)
            result.add((held, reads))
        return frozenset(result)

    before = flow.solve({(0, frozenset())}, transfer)
    for facts, (opcode, _, _) in zip(before, flow.code):
        if facts and is_release(opcode):
            if any(held in reads for held, reads in facts):
                return False
    return True


def has(mutant, pattern):
    return any(re.search(pattern, line) for line in mutant.lines)


def launch_hint(subject, m):
    return m.op.kind == "grid-launch"


def own_barrier(subject, m):
    return (
        (m.op.kind, m.operator) == ("init", "reorder")
        and not has(m, r"\.explicitcluster")
        and m.op.last_init
    )


def reader_fence(subject, m):
    return (m.op.kind, m.operator) == ("fence-proxy", "reorder") and "named" in m.what


def second_fence(subject, m):
    return (
        m.op.kind == "wgmma-fence"
        and m.operator in ("drop", "reorder")
        and fences_suffice(m.lines)
    )


def earlier_meeting(subject, m):
    if m.op.kind != "warp-sync" or m.operator not in ("drop", "reorder"):
        return False
    # A release has the source line of its get: no plain read is of that ring.
    if subject.plain_lines and m.op.source.split(":")[0] not in subject.plain_lines:
        return True
    return reads_are_met(m.lines, subject.late_reads)


def vain_peek(subject, m):
    """A peek at the free barrier of the slot whose full one is meant, where one
    group alone reads the ring."""
    return (
        subject.groups == 1
        and m.op.kind == "wait"
        and not m.op.loops
        and (m.operator, m.what) == ("retarget", "the other side")
    )


def other_ring(subject, m):
    """A wait exchanged with a plain read of a slot that another wait has got."""
    return (
        subject.plain_reads is not None
        and (m.op.kind, m.operator) == ("wait", "reorder")
        and "ld…" in m.what
        and m.op.barrier is not None
        and m.op.barrier not in subject.plain_reads
    )


CLASSES = {
    "launch hint": launch_hint,
    "barrier of the own CTA": own_barrier,
    "fence on the reader's side": reader_fence,
    "second wgmma.fence": second_fence,
    "lanes have met before": earlier_meeting,
    "a peek in vain": vain_peek,
    "a read of another ring": other_ring,
}


def may_survive(subject, m):
    """Mutants that are wrong on a GPU and that ten schedules need not show: they
    count as not caught where they are not."""
    # One of eight releases is not waited for.
    if subject.name == "two-rings" and m.op.kind == "init":
        return (m.operator, m.what) == ("count", "-1")
    # As a peek in vain, where other groups may be a whole ring behind.
    return (
        subject.groups > 1
        and m.op.kind == "wait"
        and not m.op.loops
        and (m.operator, m.what) == ("retarget", "the other side")
    )


def class_of(subject, mutant):
    for name, covers in CLASSES.items():
        if covers(subject, mutant):
            return name
    return None
