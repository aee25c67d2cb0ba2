# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Shapes, and lists of them by name."""
import re
from dataclasses import dataclass

# Weights [N, K] of the published tables of FP8 GEMMs, and the one that only
# training has.
WEIGHTS = (
    (2112, 7168),
    (24576, 1536),
    (32768, 512),
    (7168, 16384),
    (4096, 7168),
    (7168, 2048),
)
TRAINED = WEIGHTS[:1] + ((576, 7168),) + WEIGHTS[1:]

KINDS = {
    "fp8": "D = (A·SA)(B·SB)ᵀ, e4m3, scales 1×128 and 128×128, D bf16",
    "wgrad": "D += (A·SA)(B·SB)ᵀ, e4m3, scales 1×128 on both, D f32",
    "bf16": "D = A·Bᵀ, bf16",
}
MAJORS = ("nt", "nn", "tn", "tt")


@dataclass(frozen=True)
class Shape:
    """One problem: A is M×K, B is N×K, D is M×N. `majors` says which of A and B
    are stored transposed, as BLAS does: nt has both K-major."""

    kind: str
    m: int
    n: int
    k: int
    majors: str = "nt"

    @property
    def name(self):
        kind = self.kind if self.majors == "nt" else f"{self.kind}-{self.majors}"
        return f"{kind} {self.size}"

    @property
    def size(self):
        return f"{self.m}x{self.n}x{self.k}"

    @property
    def work(self):
        """Operations, a multiplication and an addition counting as two."""
        return 2 * self.m * self.n * self.k

    @property
    def bytes(self):
        """Bytes of every tensor moved once, an accumulated D twice."""
        m, n, k = self.m, self.n, self.k
        blocks = -(-k // 128)
        if self.kind == "bf16":
            return 2 * (m * k + n * k + m * n)
        if self.kind == "wgrad":
            return m * k + n * k + 4 * blocks * (m + n) + 8 * m * n
        return m * k + n * k + 4 * blocks * (m + -(-n // 128)) + 2 * m * n


def _lists():
    fp8 = lambda triples: tuple(Shape("fp8", *triple) for triple in triples)
    large = [(4096, n, k) for n, k in WEIGHTS]
    large += [(m, 4096, 4096) for m in (1024, 8192, 16384, 4096)]
    large += [(8192, 8192, 8192)]
    return {
        "large": fp8(large),
        "small": fp8((m, n, k) for n, k in WEIGHTS for m in (1, 8, 16, 32, 64, 128)),
        "issue4": fp8(
            [
                (4096, 7168, 16384),
                (4096, 4096, 7168),
                (8192, 8192, 8192),
                (4096, 24576, 1536),
                (4096, 2112, 7168),
                (4096, 7168, 2112),
            ]
        ),
        "dgrad": fp8((4096, k, n) for n, k in TRAINED),
        "n576": fp8((m, 576, 7168) for m in (1, 128, 4096)),
        "wgrad": tuple(Shape("wgrad", n, 4096, k) for n, k in TRAINED),
        "wgrad16": fp8((n, 4096, k) for n, k in TRAINED),
        "bf16": tuple(
            Shape("bf16", m, n, k) for m in (128, 4096) for n, k in TRAINED
        ),
        "bf16-nn": tuple(Shape("bf16", 4096, k, n, "nn") for n, k in TRAINED),
    }


LISTS = _lists()
_EXPLICIT = re.compile(r"(?:([a-z0-9]+)(?:-([nt]{2}))?[: ])?(\d+)[x×](\d+)[x×](\d+)")


def parse_shapes(text):
    """Shapes of a comma-separated list of list names and [KIND[-MAJORS]:]MxNxK,
    each once. Raises ValueError."""
    shapes = []
    for item in filter(None, (part.strip() for part in text.split(","))):
        if item in LISTS:
            shapes += LISTS[item]
            continue
        match = _EXPLICIT.fullmatch(item)
        if not match:
            raise ValueError(
                f"'{item}' is neither a list ({', '.join(LISTS)}) nor a shape "
                "such as 4096x7168x2048 or wgrad:2112x4096x7168"
            )
        kind, majors = match[1] or "fp8", match[2] or "nt"
        if kind not in KINDS or majors not in MAJORS:
            raise ValueError(f"'{item}': kinds are {', '.join(KINDS)}")
        if majors != "nt" and kind != "bf16":
            raise ValueError(f"'{item}': only bf16 has other majors than nt")
        m, n, k = (int(match[group]) for group in (3, 4, 5))
        if not (m and n and k):
            raise ValueError(f"'{item}': nothing to time, an extent is 0")
        shapes.append(Shape(kind, m, n, k, majors))
    if not shapes:
        raise ValueError("no shapes")
    return list(dict.fromkeys(shapes))
