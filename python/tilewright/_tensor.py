# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arguments of a launch: PyTorch tensors, DLPack producers, raw addresses.

PyTorch tensors are read through their own attributes, not through DLPack:
that is faster, and float8 works with every PyTorch that has the type (its
DLPack export came later).
"""
import ctypes
import sys

from ._errors import ArgumentError
from ._library import DataType, Device, Tensor

CUDA, CUDA_MANAGED = 2, 13

# DLPack (code, bits, lanes) of the language's element types.
DTYPES = {
    "e4m3": (10, 8, 1),
    "e5m2": (12, 8, 1),
    "e8m0": (14, 8, 1),
    "e2m1": (17, 4, 2),
    "bf16": (4, 16, 1),
    "f16": (2, 16, 1),
    "f32": (2, 32, 1),
    "f64": (2, 64, 1),
    "i8": (0, 8, 1),
    "i16": (0, 16, 1),
    "i32": (0, 32, 1),
    "i64": (0, 64, 1),
    "u8": (1, 8, 1),
    "u16": (1, 16, 1),
    "u32": (1, 32, 1),
    "u64": (1, 64, 1),
    "bool": (6, 8, 1),
}

_TORCH_NAMES = {
    "float8_e4m3fn": "e4m3",
    "float8_e5m2": "e5m2",
    "float8_e8m0fnu": "e8m0",
    "float4_e2m1fn_x2": "e2m1",
    "bfloat16": "bf16",
    "float16": "f16",
    "float32": "f32",
    "float64": "f64",
    "int8": "i8",
    "int16": "i16",
    "int32": "i32",
    "int64": "i64",
    "uint8": "u8",
    "uint16": "u16",
    "uint32": "u32",
    "uint64": "u64",
    "bool": "bool",
}

_torch_types = None  # torch.dtype -> DataType, filled on first use


def loaded_torch():
    """PyTorch if the program has imported it; never imports it."""
    torch = sys.modules.get("torch")
    return torch if torch is not None and hasattr(torch, "Tensor") else None


def _torch_dtypes(torch):
    global _torch_types
    if _torch_types is None:
        _torch_types = {
            getattr(torch, name): DTYPES[ours]
            for name, ours in _TORCH_NAMES.items()
            if hasattr(torch, name)
        }
    return _torch_types


def torch_dtype_name(dtype):
    """The language's name of a torch.dtype ("bf16"), None for anything else."""
    name = str(dtype)
    if name.startswith("torch."):
        return _TORCH_NAMES.get(name[len("torch.") :])
    return None


class DeviceArray:
    """A tensor described by hand: `data` is the device address of its first
    element, `dtype` a name of the language ("e4m3"), `shape` and `strides`
    count elements (default: row-major)."""

    def __init__(self, data, dtype, shape, strides=None, device=0, readonly=False):
        if dtype not in DTYPES:
            raise ArgumentError(f"unknown element type '{dtype}'")
        self.data, self.dtype = int(data), dtype
        self.shape = tuple(int(extent) for extent in shape)
        if strides is None:
            strides, step = [], 1
            for extent in reversed(self.shape):
                strides.insert(0, step)
                step *= max(extent, 1)
        self.strides = tuple(int(stride) for stride in strides)
        self.device, self.readonly = int(device), readonly
        if len(self.strides) != len(self.shape):
            raise ArgumentError(
                f"{len(self.strides)} strides for {len(self.shape)} dimensions"
            )


def fill(tensor, data, device, dtype, shape, strides):
    """Writes a description into a ctypes Tensor; its arrays keep it alive."""
    rank = len(shape)
    Array = ctypes.c_int64 * max(rank, 1)
    tensor.data = data
    tensor.device = Device(CUDA, device)
    tensor.ndim = rank
    tensor.dtype = DataType(*dtype)
    tensor.shape = ctypes.cast(Array(*shape), ctypes.POINTER(ctypes.c_int64))
    tensor.strides = ctypes.cast(Array(*strides), ctypes.POINTER(ctypes.c_int64))
    tensor.byte_offset = 0


def _from_torch(torch, value, where):
    if not value.is_cuda:
        raise ArgumentError(f"{where}: must be on a CUDA device, is on {value.device}")
    if value.layout is not torch.strided:
        raise ArgumentError(f"{where}: must be a strided tensor, is {value.layout}")
    dtype = _torch_dtypes(torch).get(value.dtype)
    if dtype is None:
        raise ArgumentError(f"{where}: unsupported element type {value.dtype}")
    if value.is_conj() or value.is_neg():
        raise ArgumentError(f"{where}: is a lazy view; call resolve_conj/resolve_neg")
    tensor = Tensor()
    fill(
        tensor,
        value.data_ptr(),
        value.device.index,
        dtype,
        value.shape,
        value.stride(),
    )
    return tensor


_capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_pointer.restype = ctypes.c_void_p
_capsule_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
_capsule_valid = ctypes.pythonapi.PyCapsule_IsValid
_capsule_valid.restype = ctypes.c_int
_capsule_valid.argtypes = [ctypes.py_object, ctypes.c_char_p]

# DLManagedTensorVersioned: version (2 x uint32), context, deleter, flags
# (uint64, bit 0: read-only), then the DLTensor. DLManagedTensor starts with it.
_VERSIONED_FLAGS, _VERSIONED_TENSOR = 24, 32


def _from_dlpack(value, where, writes, stream):
    kind, _ = value.__dlpack_device__()
    if int(kind) not in (CUDA, CUDA_MANAGED):
        raise ArgumentError(
            f"{where}: must be on a CUDA device, is on DLPack device type {int(kind)}"
        )
    # In DLPack's numbering 1 is the legacy default stream; 0 is not allowed.
    handle = stream if stream else 1
    try:
        capsule = value.__dlpack__(stream=handle, max_version=(1, 0))
    except TypeError:  # A producer from before DLPack 1.0.
        capsule = value.__dlpack__(stream=handle)
    if _capsule_valid(capsule, b"dltensor_versioned"):
        base = _capsule_pointer(capsule, b"dltensor_versioned")
        major = ctypes.c_uint32.from_address(base).value
        if major != 1:
            raise ArgumentError(f"{where}: DLPack version {major} is not supported")
        flags = ctypes.c_uint64.from_address(base + _VERSIONED_FLAGS).value
        if writes and flags & 1:
            raise ArgumentError(
                f"{where}: is written by the kernel, but is read-only"
            )
        address = base + _VERSIONED_TENSOR
    elif _capsule_valid(capsule, b"dltensor"):
        address = _capsule_pointer(capsule, b"dltensor")
    else:
        raise ArgumentError(f"{where}: __dlpack__ returned no fresh DLPack capsule")
    # The capsule owns what the pointer shows; the caller keeps both.
    return Tensor.from_address(address), capsule


def convert(value, where, writes, stream):
    """(Tensor, owner): `value` as the C API takes it, and what must stay alive
    until the launch call returns. `where` names kernel and argument; `stream`
    is a function giving the launch's stream handle."""
    torch = loaded_torch()
    if torch is not None and isinstance(value, torch.Tensor):
        return _from_torch(torch, value, where), value
    if isinstance(value, DeviceArray):
        if writes and value.readonly:
            raise ArgumentError(
                f"{where}: is written by the kernel, but is read-only"
            )
        tensor = Tensor()
        fill(
            tensor,
            value.data,
            value.device,
            DTYPES[value.dtype],
            value.shape,
            value.strides,
        )
        return tensor, value
    if hasattr(value, "__dlpack__") and hasattr(value, "__dlpack_device__"):
        return _from_dlpack(value, where, writes, stream())
    raise ArgumentError(
        f"{where}: must be a tensor (PyTorch, or with __dlpack__), got "
        f"{type(value).__name__}"
    )


def stream_handle(stream):
    """The CUstream of an int, a PyTorch or CuPy stream, or anything with
    __cuda_stream__."""
    if isinstance(stream, int):
        return stream
    if hasattr(stream, "cuda_stream"):
        return int(stream.cuda_stream)
    if hasattr(stream, "__cuda_stream__"):
        return int(stream.__cuda_stream__()[1])
    if hasattr(stream, "ptr"):
        return int(stream.ptr)
    raise ArgumentError(f"stream: not a CUDA stream: {type(stream).__name__}")


def current_stream(device):
    """PyTorch's current stream on `device` if the program uses PyTorch on a
    GPU, else the legacy default stream."""
    torch = loaded_torch()
    if torch is None or device is None or not torch.cuda.is_initialized():
        return 0
    return int(torch.cuda.current_stream(device).cuda_stream)
