# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The peers by name, in the order of the tables."""

PEERS = {
    "deepgemm": "DeepGEMM",
    "cublaslt-blockwise": "cuBLASLt, the same scales",
    "cublaslt-fp8": "cuBLASLt FP8, no scales",
    "cublaslt-fp8-precise": "cuBLASLt FP8, no scales, no fast accumulation",
    "cublaslt-fp8-accumulate": "cuBLASLt FP8, no scales, D accumulated",
    "cublaslt-bf16": "cuBLAS BF16",
}

# Heads of the narrow table's columns.
SHORT = {
    "deepgemm": "DeepGEMM",
    "cublaslt-blockwise": "Lt block",
    "cublaslt-fp8": "Lt FP8",
    "cublaslt-fp8-precise": "Lt FP8p",
    "cublaslt-fp8-accumulate": "Lt FP8 +=",
    "cublaslt-bf16": "BF16",
}

# What each kind of problem is compared with; DeepGEMM and the plain products
# take part wherever their inputs exist.
_BF16_ONLY = ("deepgemm", "cublaslt-bf16")


def suit(kind):
    """The names of the peers that can compute this kind of problem."""
    return _BF16_ONLY if kind == "bf16" else tuple(PEERS)
