# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The kernels whose PTX is mutated, with shapes that fill and wrap their rings."""
import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Subject:
    """A kernel with its constants. A shipped kernel's ring is cut from `[max]` to
    `depth` slots, so that few iterations fill it; nothing else is changed.

    `shapes` are tried in turn, the first catches most. `launches` 2 runs the
    kernel twice in one stream, so that programmatic dependent launch is seen."""

    def __init__(self, name, file, shapes, sms, constants, depth=3, launches=2, hints=""):
        self.name, self.file, self.shapes = name, file, shapes
        self.sms, self.constants, self.depth = sms, constants, depth
        self.launches, self.hints = launches, hints
        self.groups = constants.get("WG", 2)
        # Where there are several rings: the barriers, by the number of their
        # init, of the one whose slots are read by plain loads.
        self.plain_reads = None
        self.plain_lines = set()  # Of the gets of that ring.
        self.late_reads = None  # Opcodes of reads of a slot behind its product.
        self.path = ""

    def prepare(self, folder):
        with open(os.path.join(ROOT, self.file), encoding="utf-8") as file:
            text = file.read()
        self.path = os.path.join(folder, self.name + ".tw")
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(re.sub(r"(pipe \w+)\[max\]", rf"\1[{self.depth}]", text))

    def options(self):
        options = [f"-D{name}={value}" for name, value in self.constants.items()]
        if self.hints:
            options += ["--hint", self.hints]
        return options + ["--ptxas", "driver"]

    def compile(self, tool):
        return subprocess.run(
            [tool, "compile", self.path, "--emit=ptx", *self.options()],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True,
        ).stdout.decode()  # fmt: skip

    def command(self, tool, shape, schedules):
        command = [tool, "run", self.path, "--device", "sim", "--check=full"]
        command += ["--threads", "1", "--sms", str(self.sms), "--shape", shape]
        command += ["--launches", str(self.launches), "--schedule", schedules]
        return command + self.options()

    def describe(self):
        options = [f"-D {name}={value}" for name, value in self.constants.items()]
        if self.hints:
            options.append("--hint " + self.hints)
        return f"{self.file} {' '.join(options)}, ring of {self.depth}"


def shapes(m, n, block, trips):
    return [f"M={m},N={n},K={count * block}" for count in trips]


GEMM = "kernels/gemm/fp8_gemm_nt.tw"
TRIPS = (6, 9, 7, 1, 2, 3, 4, 0)
# One tile: all that is loaded is read once, and goes by the other copy
# instruction (docs/rationale/tma.md, Streaming).
ONCE = shapes(60, 24, 128, (9,))

SUBJECTS = [
    # One group: a ring in shared memory, the staged store, dependent launch.
    Subject("gemm", GEMM, shapes(65, 40, 128, TRIPS) + ONCE, 2,
            dict(BM=64, BN=32, CL=1, G=8, WG=1)),
    # Two groups: named barriers of their own.
    Subject("gemm-2", GEMM, shapes(129, 24, 128, TRIPS) + shapes(100, 16, 128, (9,)), 1,
            dict(BM=128, BN=16, CL=1, G=8, WG=2)),
    # A cluster: multicast, releases at the leader, exits that wait for peers.
    Subject("gemm-cl2", GEMM, shapes(65, 56, 128, TRIPS)
            + shapes(65, 104, 128, (9,)) + shapes(60, 56, 128, (9,)), 2,
            dict(BM=64, BN=32, CL=2, G=8, WG=1)),
    Subject("gemm-cl2-2", GEMM, shapes(129, 24, 128, TRIPS)
            + shapes(129, 40, 128, (9,)) + shapes(100, 24, 128, (9,)), 2,
            dict(BM=128, BN=16, CL=2, G=8, WG=2)),
    # Every schedule hint off: one product after the other.
    Subject("gemm-plain", GEMM, shapes(65, 40, 128, TRIPS) + ONCE, 2,
            dict(BM=64, BN=32, CL=1, G=8, WG=1),
            hints="unroll=1,peek=0,overlap=0,prefetch=0"),
    # Slots at fixed places.
    Subject("gemm-static", GEMM, shapes(65, 40, 128, (7, 1, 2, 3, 4, 0)) + ONCE, 2,
            dict(BM=64, BN=32, CL=1, G=8, WG=1), hints="static=1,unroll=3"),
    # Operands that change places.
    Subject("swap-ab", "kernels/gemm/fp8_gemm_nt_swap_ab.tw",
            shapes(24, 128, 128, TRIPS) + shapes(16, 64, 128, (9,)), 1,
            dict(BM=16, BN=64, S=1, G=8, WG=1)),
    # A cluster that shares a tile: an exchange of parts.
    Subject("split-k", "kernels/gemm/fp8_gemm_nt_swap_ab.tw",
            shapes(24, 128, 256, TRIPS) + shapes(16, 64, 256, (9,)), 2,
            dict(BM=16, BN=64, S=2, G=8, WG=1)),
    # A store that adds.
    Subject("wgrad", "kernels/gemm/fp8_wgrad_nt.tw",
            shapes(65, 40, 128, TRIPS) + ONCE, 2,
            dict(BM=64, BN=32, CL=1, G=8, WG=1)),
    # Scales read behind a product, a store whose rows need no swizzle.
    Subject("wgrad-late", "kernels/gemm/fp8_wgrad_nt.tw",
            shapes(65, 48, 128, TRIPS) + ONCE, 2,
            dict(BM=64, BN=40, CL=1, G=8, WG=1), hints="late=1"),
    # Other majornesses, without promotion.
    Subject("bf16", "kernels/sketches/bf16_gemm.tw", shapes(72, 72, 64, TRIPS) + shapes(64, 64, 64, (9,)), 2,
            dict(BM=64, BN=64, CL=1, G=8, WG=1, TD="bf16", ADD="false", MA="M", MB="N")),
    # Two rings, two readers, stores through two buffers.
    Subject("two-rings", "test/mutants/kernels/two_rings.tw",
            shapes(65, 40, 128, TRIPS[:-1]) + ONCE, 1, dict(BM=64, BN=32)),
]  # fmt: skip
next(s for s in SUBJECTS if s.name == "wgrad-late").late_reads = r"ld\.shared\.v2"
SUBJECTS[-1].plain_reads = (0, 1)
SUBJECTS[-1].plain_lines = {"18"}
