# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The checker itself, on the CPU: it accepts a right kernel and notices each
way of being wrong. Needs PyTorch, not a GPU."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fp8_common as common  # noqa: E402
import fp8_gemm  # noqa: E402

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
if not hasattr(torch, "float8_e4m3fn"):
    pytest.skip("this PyTorch has no float8_e4m3fn", allow_module_level=True)

SHAPES = [(1, 24, 128), (129, 24, 576), (7, 300, 704), (64, 136, 0)]


def right(a, sa, b, sb, d):
    """Two-level promotion as the kernel does it, in float32."""
    m, k = a.shape
    n = b.shape[0]
    acc = torch.zeros(m, n)
    for kk in range(common.cdiv(k, 128)):
        block = slice(kk * 128, min(k, kk * 128 + 128))
        part = a[:, block].contiguous().float() @ b[:, block].contiguous().float().t()
        scale_b = sb[:, kk].repeat_interleave(128)[:n]
        acc += part * sa[kk][:, None] * scale_b[None, :]
    d.copy_(acc.to(torch.bfloat16))


def verify(kernel, shape=(129, 200, 576), **extra):
    return common.verify(common.Problem(*shape, device="cpu", **extra), kernel)


@pytest.mark.parametrize("shape", SHAPES)
def test_accepts_a_right_kernel(shape):
    result = verify(right, shape)
    assert result["error"] is None
    assert result["relative"] < common.RELATIVE_NORM


@pytest.mark.parametrize("extra", ["sa_extra", "ab_extra", "d_extra"])
def test_accepts_strides(extra):
    assert verify(right, **{extra: 16})["error"] is None


def test_inputs_fill_their_range():
    problem = common.Problem(129, 200, 576, seed=5, device="cpu")
    a = problem.a.contiguous().float()
    assert float(a.abs().max()) == 448.0
    assert bool(torch.isfinite(a).all())
    assert problem.sa.shape == (5, 129) and problem.sa.stride() == (132, 1)
    assert problem.sb.shape == (2, 5)
    again = common.Problem(129, 200, 576, seed=5, device="cpu")
    assert torch.equal(problem.a.view(torch.uint8), again.a.view(torch.uint8))
    fresh = common.Problem(129, 200, 576, device="cpu")
    assert not torch.equal(problem.a.view(torch.uint8), fresh.a.view(torch.uint8))


def test_dequantised_inputs_are_near_the_originals():
    problem = common.Problem(64, 128, 256, device="cpu")
    a, _ = problem.dequantised()
    assert 0.9 < float(a.std()) < 1.1


def broken(change):
    def kernel(a, sa, b, sb, d):
        right(a, sa, b, sb, d)
        change(d)

    return kernel


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda d: d[128:].fill_(0), "elements wrong"),  # A missing row.
        (lambda d: d[3, 199:].fill_(float("nan")), "elements wrong, first D[3, 199]"),
        (lambda d: d.mul_(1.02), "elements wrong"),
        (lambda d: d[0, 0].add_(1.0), "1 elements wrong, first D[0, 0]"),
    ],
)
def test_notices_wrong_elements(change, message):
    assert message in verify(broken(change))["error"]


def test_notices_a_kernel_that_does_nothing():
    assert "elements wrong" in verify(lambda *args: None)["error"]
    # K = 0 needs zeros, not what was there.
    assert "elements wrong" in verify(lambda *args: None, (64, 136, 0))["error"]


def test_notices_wrong_scales():
    def kernel(a, sa, b, sb, d):
        right(a, sa.roll(1, 1), b, sb, d)

    assert verify(kernel)["error"]


def storage(d):
    return torch.empty(0, dtype=torch.int16).set_(d.untyped_storage())


@pytest.mark.parametrize(
    "at, message",
    [
        (127, "wrote 1 bytes before D"),
        (0, "wrote 255 bytes before D"),
        (128 + 129 * 200, "wrote 0 bytes after D"),
        (128 + 129 * 200 + 127, "wrote 254 bytes after D"),
    ],
)
def test_notices_writes_outside(at, message):
    def change(d):
        storage(d)[at] = 1

    assert verify(broken(change))["error"] == message


def test_notices_writes_between_rows():
    def change(d):
        storage(d)[128 + 200] = 1

    assert verify(broken(change), d_extra=8)["error"] == "wrote between the rows of D"


def test_shape_lists():
    shapes = fp8_gemm.issue_shapes()
    assert len(shapes) >= 30 and len(set(shapes)) == len(shapes)
    for axis, values in enumerate((fp8_gemm.MS, fp8_gemm.NS, fp8_gemm.KS)):
        assert {shape[axis] for shape in shapes} == set(values)
    assert set(fp8_gemm.TAILS) <= set(shapes)
    assert len(fp8_gemm.all_shapes()) == len(set(fp8_gemm.all_shapes())) >= 196
