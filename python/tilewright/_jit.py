# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Kernels whose constants are chosen at the launch."""
import threading

from . import _compile
from ._errors import ArgumentError


class Jit:
    """Kernels that do the same, called like one; see `jit`."""

    def __init__(self, sources, constants, bake, target, options, chip):
        self._sources = sources
        self._common = dict(
            constants=constants, bake=bake, target=target, options=options, chip=chip
        )
        self._kernels = {}  # By the extents that tensors bind.
        self._lock = threading.Lock()
        self._signature = None

    def _bind(self, args, kwargs):
        """The extents of a launch, from the shapes of its tensors."""
        if self._signature is None:
            found = _compile.choose(self._sources[0], **{**self._common, "bake": None})
            if found is None or "tensors" not in found:
                raise ArgumentError(
                    f"{self._sources[0]}: leaves nothing to choose; use compile"
                )
            self._signature = [(t["name"], t["shape"]) for t in found["tensors"]]
        extents = {}
        for index, (name, letters) in enumerate(self._signature):
            tensor = args[index] if index < len(args) else kwargs.get(name)
            if tensor is None:
                raise ArgumentError(f"tensor '{name}' is missing")
            for letter, extent in zip(letters, tensor.shape):
                if letter:
                    extents.setdefault(letter, int(extent))
        return extents

    def kernel(self, *args, **kwargs):
        """The compiled kernel that a launch with these tensors uses."""
        extents = self._bind(args, kwargs)
        key = tuple(extents.items())
        found = self._kernels.get(key)
        if found is not None:
            return found
        with self._lock:
            if key not in self._kernels:
                self._kernels[key] = self._choose(extents)
            return self._kernels[key]

    def _choose(self, extents):
        best = self._sources[0]
        if len(self._sources) > 1:
            choices = [
                _compile.choose(source, shape=extents, **self._common)
                for source in self._sources
            ]
            times = [choice["microseconds"] for choice in choices]
            best = self._sources[times.index(min(times))]
        return _compile.compile(best, shape=extents, **self._common)

    def __call__(self, *args, stream=None, sms=0, pdl=True, **kwargs):
        """Launches; see Kernel.__call__."""
        kernel = self.kernel(*args, **kwargs)
        kernel(*args, stream=stream, sms=sms, pdl=pdl, **kwargs)


def jit(*sources, constants=None, bake=None, target=None, options=None, chip=None):
    """A callable that chooses constants by the shapes of each launch.

        gemm = tilewright.jit(
            tilewright.kernel_path("gemm/fp8_gemm_nt.tw"),
            tilewright.kernel_path("gemm/fp8_gemm_nt_swap_ab.tw"))
        gemm(A, SA, B, SB, D)

    Several sources are kernels with the same tensors; the one that is predicted
    (or was measured) to be the fastest serves. Kernels are compiled when they
    are first needed and kept by the extents of the launch; those that differ
    in extents only share their code. The other arguments are as in `compile`.
    """
    if not sources:
        raise ArgumentError("jit: no kernel")
    return Jit(sources, constants, bake, target, options, chip)
