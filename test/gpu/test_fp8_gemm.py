# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""fp8_gemm.py's checks as tests."""
import functools
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fp8_common as common  # noqa: E402
import fp8_gemm  # noqa: E402

REASON = common.unavailable()
if REASON:
    pytest.skip(REASON, allow_module_level=True)


@functools.lru_cache(maxsize=None)
def gemm(bm, bn):
    return common.compile_gemm(bm, bn, os.environ.get("TILEWRIGHT_ARTEFACTS"))


def label(value):
    return "x".join(map(str, value)) if isinstance(value, tuple) else None


@pytest.mark.parametrize("shape", fp8_gemm.issue_shapes(), ids=label)
def test_numerics(shape):
    result = common.verify(common.Problem(*shape), gemm(128, 128))
    assert result["error"] is None


@pytest.mark.parametrize("shape", fp8_gemm.config_shapes(), ids=label)
@pytest.mark.parametrize("config", fp8_gemm.CONFIGS, ids=label)
def test_configurations(config, shape):
    result = common.verify(common.Problem(*shape), gemm(*config))
    assert result["error"] is None


@pytest.mark.parametrize("extra", ["sa_extra", "ab_extra", "d_extra"])
def test_strides(extra):
    amount = {"sa_extra": 12, "ab_extra": 16, "d_extra": 8}[extra]
    problem = common.Problem(257, 2112, 704, **{extra: amount})
    assert common.verify(problem, gemm(128, 128))["error"] is None


@pytest.mark.parametrize(
    "breaker", fp8_gemm.refusals(), ids=lambda breaker: breaker.__name__
)
def test_refusals(breaker):
    assert fp8_gemm.check_refusal(gemm(128, 128), breaker) is None


@pytest.mark.parametrize("shape", [(257, 2112, 704), (4096, 7168, 2112)], ids=label)
def test_same_bits(shape):
    assert fp8_gemm.check_repeats(gemm(128, 128), shape) is None


def test_current_stream():
    """The launch is on PyTorch's current stream: it waits for what that stream
    does before, and what follows on it waits for the launch."""
    import torch

    problem = common.Problem(257, 2112, 704)
    kernel = gemm(128, 128)
    kernel(*problem.args())
    expected = problem.bits()
    good = problem.a.view(torch.uint8).clone()
    problem.a.view(torch.uint8).zero_()
    torch.cuda.synchronize()
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        torch.cuda._sleep(20_000_000)
        problem.a.view(torch.uint8).copy_(good)
        kernel(*problem.args())
        bits = problem.bits()
    stream.synchronize()
    assert torch.equal(bits, expected)


def test_cuda_graph():
    """A captured launch replays on new data in the same tensors."""
    import torch

    problem = common.Problem(257, 2112, 704)
    kernel = gemm(128, 128)
    kernel(*problem.args())
    expected = problem.bits()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        kernel(*problem.args())
    problem.poison()
    graph.replay()
    torch.cuda.synchronize()
    assert torch.equal(problem.bits(), expected)
    assert problem.outside_changed() is None


def test_several_devices():
    import torch

    if torch.cuda.device_count() < 2:
        pytest.skip("one GPU")
    problem = common.Problem(129, 576, 704)
    kernel = gemm(128, 128)
    kernel(*problem.args())
    on_other = [tensor.to("cuda:1") for tensor in problem.args()[:4]]
    # `to` may compact SA's padded rows: give them back their alignment.
    padded = torch.zeros(
        problem.sa.shape[0], common.align(problem.m, 4), device="cuda:1"
    )
    on_other[1] = padded[:, : problem.m].copy_(problem.sa)
    d = torch.empty(problem.m, problem.n, dtype=torch.bfloat16, device="cuda:1")
    kernel(*on_other, d)
    torch.cuda.synchronize(1)
    assert torch.equal(d.cpu(), problem.d.cpu())
