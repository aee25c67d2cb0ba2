# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Exceptions, one for each status of the C API."""


class Error(RuntimeError):
    """A failure of the runtime that is none of the kinds below."""


class ArgumentError(Error, ValueError):
    """An argument that the kernel refuses; the message names both."""


class NoGpuError(Error):
    """No driver, no device, or a driver that is too old."""


class DriverError(Error):
    """A call of the CUDA driver failed; `result` is the CUresult."""

    def __init__(self, message, result=0):
        super().__init__(message)
        self.result = result


class ArtefactError(Error):
    """A compiled kernel whose files do not follow the contract."""


class CompileError(Error):
    """The compiler refused the source, or there is no compiler."""
