# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Inputs, poisoned outputs and float64 references of one shape. Needs PyTorch."""
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "test", "gpu"))
import fp8_common as common  # noqa: E402

# ‖out − ref‖ / ‖ref‖ of a result that is right. FP8 products that the tensor
# core alone sums keep fewer bits; it is asked for them as the yardstick that
# they are, and a wrong layout or an unwritten tile is far above this bound.
SCALED_LIMIT = common.RELATIVE_NORM
UNSCALED_LIMIT = 2e-2

COLUMNS = 2048  # of a chunk of float64 work


class Problem:
    """Tensors of one shape on a device.

    `tensors` are those of our kernels by name; FP8 shapes also have the plain
    values of A and B as bf16 (`a16`, `b16`), so that the BF16 product has the
    same inputs up to rounding.
    """

    def __init__(self, shape, device="cuda"):
        import torch

        self.shape, self.device = shape, torch.device(device)
        self._references, self._guarded = {}, None
        m, n, k = shape.m, shape.n, shape.k
        if shape.kind == "bf16":
            self.a16 = self._normal(m, k, shape.majors[0] == "n")
            self.b16 = self._normal(n, k, shape.majors[1] == "t")
            self.d = torch.empty(m, n, dtype=torch.bfloat16, device=self.device)
            self.tensors = {"A": self.a16, "B": self.b16, "D": self.d}
            return
        a = common.Problem(m, n if shape.kind == "fp8" else 8, k, device=device)
        self.a, self.sa = a.a, a.sa
        if shape.kind == "fp8":
            self.b, self.sb, self.d = a.b, a.sb, a.d
            self._guarded = a
        else:
            b = common.Problem(n, 8, k, device=device)
            self.b, self.sb = b.a, b.sa
            self.d = torch.empty(m, n, device=self.device)
        self.d16 = torch.empty(m, n, dtype=torch.bfloat16, device=self.device)
        self.a16 = self._dequantised(self.a, self.sa.t(), 1).to(torch.bfloat16)
        sb, block = (self.sb, 128) if shape.kind == "fp8" else (self.sb.t(), 1)
        self.b16 = self._dequantised(self.b, sb, block).to(torch.bfloat16)
        self.tensors = {
            "A": self.a, "SA": self.sa, "B": self.b, "SB": self.sb, "D": self.d
        }

    def _normal(self, rows, k, k_major):
        """bf16 [rows, k] of normal values, stored K-major or not; rows start at
        multiples of 16 bytes."""
        import torch

        outer, inner = (rows, k) if k_major else (k, rows)
        storage = torch.empty(
            outer, common.align(inner, 8), dtype=torch.bfloat16, device=self.device
        )
        storage.normal_()
        view = storage[:, :inner]
        return view if k_major else view.t()

    def _dequantised(self, values, scales, block):
        """float64, exact: `scales` [cdiv(rows, block), cdiv(K, 128)]."""
        full = scales.double().repeat_interleave(128, 1)[:, : values.shape[1]]
        full = full.repeat_interleave(block, 0)[: values.shape[0]]
        return full.mul_(values.double())

    def _operands(self, reference):
        """A and B in float64, as `reference` sees them."""
        if reference == "bf16":
            return self.a16.double(), self.b16.double()
        if reference == "unscaled":
            return self.a.double(), self.b.double()
        sb, block = (self.sb, 128) if self.shape.kind == "fp8" else (self.sb.t(), 1)
        return (
            self._dequantised(self.a, self.sa.t(), 1),
            self._dequantised(self.b, sb, block),
        )

    def reference(self, name):
        """(A·Bᵀ, Σ|a·b|) in float64, kept for the next contender: `scaled`,
        `unscaled` (the raw 8-bit values) or `bf16`. The sum bounds what single
        elements may be off by; only `scaled` and `bf16` need it."""
        if name not in self._references:
            a, b = self._operands(name)
            product = a @ b.t()
            total = None if name == "unscaled" else a.abs_() @ b.abs_().t()
            self._references[name] = product, total
        return self._references[name]

    def forget(self):
        """Frees the references."""
        self._references.clear()

    def outside_changed(self, out):
        """What was written around `out`, or None: D of FP8 products lies
        between guard bands."""
        if self._guarded is None or out is not self.d:
            return None
        return self._guarded.outside_changed()

    def poison(self, out, accumulate):
        """Fills an output with NaN, or with fresh values if it is added to;
        returns what was there before, in float64, or None."""
        if not accumulate:
            out.fill_(float("nan"))
            return None
        out.normal_()
        return out.double()

    def check(self, out, reference, before=None):
        """{"relative", "error"} of an output; "error" is None or a sentence.

        ‖out − ref‖ / ‖ref‖ for all; |out − ref| ≤ u·|ref| + 10⁻³·Σ|a·b| for
        every element too (u = 2⁻⁸ for bf16, 2⁻²⁰ for f32), unless the product
        is the unscaled yardstick."""
        import torch

        ref, total = self.reference(reference)
        step = 2.0**-8 if out.dtype == torch.bfloat16 else 2.0**-20
        limit = UNSCALED_LIMIT if reference == "unscaled" else SCALED_LIMIT
        difference = norm = 0.0
        wrong, first = 0, None
        for start in range(0, out.shape[1], COLUMNS):
            part = slice(start, start + COLUMNS)
            want = ref[:, part]
            bound = None if total is None else common.ABSOLUTE_SUM * total[:, part]
            if before is not None:
                want = want + before[:, part]
                bound = None if bound is None else bound + step * before[:, part].abs()
            error = (out[:, part].double() - want).abs_()
            if bound is None:
                bad = error.isnan()
            else:
                bad = ~(error <= bound.add_(want.abs(), alpha=step))
            count = int(bad.sum())
            if count and first is None:
                row, column = (int(x) for x in bad.nonzero()[0])
                first = (
                    f"D[{row}, {start + column}] = {float(out[row, start + column])}, "
                    f"expected {float(want[row, column])}"
                )
            wrong += count
            difference += float(error.pow_(2).sum())
            norm += float(want.pow(2).sum())
        relative = (difference / norm) ** 0.5 if norm else float("inf")
        if wrong:
            message = f"{wrong} elements wrong, first {first}"
        elif not relative < limit:
            message = f"relative error {relative:.3g}, above {limit:g}"
        else:
            message = None
        return {"relative": relative, "error": message}
