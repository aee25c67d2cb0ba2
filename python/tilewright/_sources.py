# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The kernels that come with the package."""
import os

from ._errors import ArgumentError


def _folders():
    """Where they may be, best first: in the package, or beside it in a
    checkout."""
    here = os.path.dirname(os.path.abspath(__file__))
    root = os.path.dirname(os.path.dirname(here))
    return [os.path.join(here, "kernels"), os.path.join(root, "kernels")]


def kernel_path(name=""):
    """The path of a kernel's source that comes with Tilewright, by its name
    below `kernels/`, such as "gemm/fp8_gemm_nt.tw"; without a name, of the
    folder that holds them. An ArgumentError lists those that there are."""
    folder = next((f for f in _folders() if os.path.isdir(f)), None)
    if folder is None:
        raise ArgumentError("no kernels here; looked at " + ", ".join(_folders()))
    path = os.path.join(folder, *name.split("/"))
    if os.path.exists(path):
        return path
    names = [
        os.path.relpath(os.path.join(parent, file), folder)
        for parent, _, files in os.walk(folder)
        for file in files
        if file.endswith(".tw")
    ]
    raise ArgumentError(f"no kernel '{name}'; there are " + ", ".join(sorted(names)))
