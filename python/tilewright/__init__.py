# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compile and launch Tilewright kernels.

    import tilewright
    gemm = tilewright.compile("fp8_gemm_nt.tw", constants={"BM": 128, "BN": 128})
    gemm(A, SA, B, SB, D)            # on PyTorch's current stream

Importing this package loads no library and touches no GPU, so a process may
import it and fork. It is pure Python over the C API (libtilewright.so), and
does not depend on the Python version or on PyTorch.
"""
from ._compile import choose, compile, device_target, has_compiler
from ._errors import (
    ArgumentError,
    ArtefactError,
    CompileError,
    DriverError,
    Error,
    NoGpuError,
)
from ._jit import Jit, jit
from ._kernel import Kernel, load
from ._sources import kernel_path
from ._tensor import DeviceArray

__all__ = [
    "ArgumentError",
    "ArtefactError",
    "CompileError",
    "DeviceArray",
    "DriverError",
    "Error",
    "Jit",
    "Kernel",
    "NoGpuError",
    "choose",
    "compile",
    "device_target",
    "has_compiler",
    "jit",
    "kernel_path",
    "load",
]


def __getattr__(name):
    # Asked of the library, which knows; an import must not load it.
    if name == "__version__":
        from . import _library

        return _library.library().twVersion().decode()
    raise AttributeError(f"module 'tilewright' has no attribute '{name}'")
