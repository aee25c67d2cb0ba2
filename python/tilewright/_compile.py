# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiling from source."""
import ctypes
import json
import os

from . import _library, _tensor
from ._errors import ArgumentError
from ._kernel import Kernel


def _text(value):
    """A constant as the language writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, str)):
        return str(value)
    name = _tensor.torch_dtype_name(value)
    if name is not None:
        return name
    if hasattr(value, "__index__"):  # NumPy integers and the like.
        return str(value.__index__())
    raise ArgumentError(
        f"a constant is an integer, a boolean or a name, not {type(value).__name__}"
    )


def _pairs(values):
    """(array, count) of "NAME=VALUE" strings."""
    items = [f"{name}={_text(value)}".encode() for name, value in (values or {}).items()]
    return (ctypes.c_char_p * max(len(items), 1))(*items), len(items)


def _is_source(text):
    return "\n" in text or "{" in text


def compile(
    source_or_path,
    kernel=None,
    constants=None,
    bake=None,
    target=None,
    facts=None,
    options=None,
    strict=False,
    shape=None,
    chip=None,
):
    """Compiles a kernel, or finds it in memory or in the disk cache.

    source_or_path: a `.tw` file, or its text (anything with a brace or a
        line break that is not an os.PathLike).
    kernel: which kernel of the file; needed only if it has several.
    constants: values of the kernel's constants, e.g. {"BM": 128}; integers,
        booleans, type names or torch dtypes.
    bake: dimensions fixed at compile time, e.g. {"N": 4096}.
    target: "sm_90a", …; default: the first GPU's, or sm_90a without one.
        Naming it keeps this call away from the GPU.
    facts: known divisors of run-time dimensions, e.g. {"M": 64}; a launch
        that breaks one is refused.
    options: further options of the compiler by name.
    strict: advisories of the assembler are errors.
    shape: extents, e.g. {"M": 64, "N": 4096, "K": 7168}, for which constants
        without a value are chosen: by a table beside the kernel's file, else
        by the cost model. They do not fix the kernel's dimensions.
    chip: "h100" or "h200", what to choose for; default: the first GPU where
        `target` is not named either.
    """
    request, keep = _request(
        source_or_path, kernel, constants, bake, target, facts, options, strict,
        shape, chip,
    )
    handle = ctypes.c_void_p()
    status = _library.library().twCompile(ctypes.byref(request), ctypes.byref(handle))
    _library.check(status)
    del keep  # Alive until here.
    return Kernel(handle.value)


def choose(
    source_or_path,
    shape=None,
    kernel=None,
    constants=None,
    bake=None,
    target=None,
    options=None,
    chip=None,
):
    """What `compile` would choose for a shape, without compiling: a dictionary
    with the members constants, hints, chip, source ("model" or "table") and
    microseconds; None if the kernel leaves nothing open. Without a shape: the
    member tensors, which dimension letters their extents bind."""
    request, keep = _request(
        source_or_path, kernel, constants, bake, target, None, options, False,
        shape, chip,
    )
    text = ctypes.create_string_buffer(1 << 14)
    _library.check(_library.library().twChoose(ctypes.byref(request), text, len(text)))
    del keep
    return json.loads(text.value.decode()) if text.value else None


def _request(
    source_or_path, kernel, constants, bake, target, facts, options, strict, shape, chip
):
    """(CompileOptions, what must stay alive beside it)."""
    request = _library.CompileOptions(size=ctypes.sizeof(_library.CompileOptions))
    if isinstance(source_or_path, str) and _is_source(source_or_path):
        source = source_or_path.encode("utf-8")
        request.source, request.source_size = source, len(source)
    else:
        request.path = os.fsencode(source_or_path)
    request.kernel = kernel.encode() if kernel else None
    request.target = target.encode() if target else None
    request.strict = int(strict)
    request.chip = chip.encode() if chip else None
    keep = []
    for name, values in (
        ("constants", constants),
        ("bake", bake),
        ("facts", facts),
        ("options", options),
        ("shape", shape),
    ):
        array, count = _pairs(values)
        keep.append(array)
        pointer = ctypes.cast(array, ctypes.POINTER(ctypes.c_char_p))
        setattr(request, name, pointer)
        setattr(request, "num_" + name, count)
    return request, keep


def has_compiler():
    """Whether the library in use can compile."""
    return bool(_library.library().twHasCompiler())


def device_target(device=0):
    """The architecture to compile for on a device, e.g. "sm_90a"."""
    text = ctypes.create_string_buffer(64)
    _library.check(_library.library().twDeviceTarget(int(device), text, len(text)))
    return text.value.decode()
