# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The C API (runtime/include/tilewright-c/tilewright.h) through ctypes."""
import ctypes
import os
import threading
from ctypes import POINTER, c_char_p, c_int, c_int32, c_size_t, c_void_p

from . import _errors

API_VERSION = 1


class Device(ctypes.Structure):
    _fields_ = [("type", c_int32), ("id", c_int32)]


class DataType(ctypes.Structure):
    _fields_ = [
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
    ]


class Tensor(ctypes.Structure):
    """DLTensor's layout, see dlpack_abi.h."""

    _fields_ = [
        ("data", c_void_p),
        ("device", Device),
        ("ndim", c_int32),
        ("dtype", DataType),
        ("shape", POINTER(ctypes.c_int64)),
        ("strides", POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


class LaunchOptions(ctypes.Structure):
    _fields_ = [("size", c_size_t), ("sms", c_int32), ("no_pdl", c_int32)]


class Resources(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t),
        ("registers", c_int32),
        ("local_bytes", c_int32),
        ("static_shared_bytes", c_int32),
        ("max_threads", c_int32),
    ]


class CompileOptions(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t),
        ("source", c_char_p),
        ("source_size", c_size_t),
        ("path", c_char_p),
        ("kernel", c_char_p),
        ("target", c_char_p),
        ("constants", POINTER(c_char_p)),
        ("num_constants", c_size_t),
        ("bake", POINTER(c_char_p)),
        ("num_bake", c_size_t),
        ("facts", POINTER(c_char_p)),
        ("num_facts", c_size_t),
        ("options", POINTER(c_char_p)),
        ("num_options", c_size_t),
        ("strict", c_int32),
        ("shape", POINTER(c_char_p)),
        ("num_shape", c_size_t),
        ("chip", c_char_p),
    ]


PTensor = POINTER(Tensor)

# name: (result, arguments)
PROTOTYPES = {
    "twLastError": (c_char_p, []),
    "twLastDriverResult": (c_int, []),
    "twVersion": (c_char_p, []),
    "twApiVersion": (c_int, []),
    "twKernelLoad": (c_int, [c_char_p, POINTER(c_void_p)]),
    "twKernelFromMemory": (
        c_int,
        [c_char_p, c_size_t, c_char_p, c_size_t, POINTER(c_void_p)],
    ),
    "twKernelRetain": (None, [c_void_p]),
    "twKernelRelease": (None, [c_void_p]),
    "twKernelManifest": (c_char_p, [c_void_p]),
    "twKernelImage": (c_void_p, [c_void_p, POINTER(c_size_t)]),
    "twKernelDiagnostics": (c_char_p, [c_void_p]),
    "twKernelSave": (c_int, [c_void_p, c_char_p]),
    "twKernelCheck": (c_int, [c_void_p, POINTER(PTensor), c_size_t]),
    "twKernelLaunch": (
        c_int,
        [c_void_p, POINTER(PTensor), c_size_t, c_void_p, POINTER(LaunchOptions)],
    ),
    "twKernelPrepare": (c_int, [c_void_p, c_int32, POINTER(Resources)]),
    "twDeviceCount": (c_int, [POINTER(c_int32)]),
    "twDeviceTarget": (c_int, [c_int32, c_char_p, c_size_t]),
    "twHasCompiler": (c_int, []),
    "twCompile": (c_int, [POINTER(CompileOptions), POINTER(c_void_p)]),
    "twChoose": (c_int, [POINTER(CompileOptions), c_char_p, c_size_t]),
}

_ERRORS = {
    2: _errors.ArgumentError,
    3: _errors.NoGpuError,
    5: _errors.ArtefactError,
    6: _errors.CompileError,
}

_lock = threading.Lock()
_library = None


def candidates():
    """Where libtilewright.so may be, best first."""
    here = os.path.dirname(os.path.abspath(__file__))
    named = os.environ.get("TILEWRIGHT_LIBRARY")
    if named:
        return [named]
    paths = [os.path.join(here, "lib", "libtilewright.so")]
    build = os.environ.get("TILEWRIGHT_BUILD")
    if build:
        paths.append(os.path.join(build, "lib", "libtilewright.so"))
    # Run from a checkout: the trees that the presets build.
    root = os.path.dirname(os.path.dirname(here))
    for preset in ("release", "dev"):
        paths.append(os.path.join(root, "build", preset, "lib", "libtilewright.so"))
    return paths


def path():
    """The library's file; an Error says where it was looked for."""
    paths = candidates()
    found = next((p for p in paths if os.path.exists(p)), None)
    if found is None:
        raise _errors.Error(
            "libtilewright.so not found (set TILEWRIGHT_LIBRARY); looked at "
            + ", ".join(paths)
        )
    return found


def library():
    """The loaded library; an Error says why there is none."""
    global _library
    if _library is not None:
        return _library
    with _lock:
        if _library is not None:
            return _library
        file = path()
        try:
            loaded = ctypes.CDLL(file)
        except OSError as error:
            raise _errors.Error(f"cannot load {file}: {error}") from None
        for name, (result, arguments) in PROTOTYPES.items():
            function = getattr(loaded, name)
            function.restype = result
            function.argtypes = arguments
        version = loaded.twApiVersion()
        if version != API_VERSION:
            raise _errors.Error(
                f"{file} has version {version} of the C API, this package needs "
                f"{API_VERSION}"
            )
        _library = loaded
    return _library


def check(status):
    """Raises the exception of a status that is not TW_OK."""
    if status == 0:
        return
    message = _library.twLastError().decode("utf-8", "replace")
    if status == 4:
        raise _errors.DriverError(message, _library.twLastDriverResult())
    raise _ERRORS.get(status, _errors.Error)(message)
