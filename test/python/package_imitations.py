# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Stand-ins for the frameworks whose tensors the Python package takes."""
import ctypes
import sys
import types

# --- An imitation of PyTorch ------------------------------------------------


class TorchDevice:
    def __init__(self, kind, index):
        self.type, self.index = kind, index

    def __str__(self):
        return self.type if self.index is None else f"{self.type}:{self.index}"


class TorchType:
    def __init__(self, name):
        self.name = name

    def __str__(self):
        return "torch." + self.name


class TorchTensor:
    def __init__(self, dtype, shape, strides, pointer, kind="cuda", index=0):
        self.dtype, self.shape, self._strides = dtype, shape, strides
        self._pointer = pointer
        self.is_cuda = kind == "cuda"
        self.device = TorchDevice(kind, index if kind == "cuda" else None)
        self.layout = "strided"
        self.conj = False

    def data_ptr(self):
        return self._pointer

    def stride(self):
        return self._strides

    def is_conj(self):
        return self.conj

    def is_neg(self):
        return False

    def __dlpack__(self, **_):
        raise BufferError("float8 types are not supported by dlpack")


def imitate_torch(fake):
    torch = types.ModuleType("torch")
    for name in ("float8_e4m3fn", "float8_e5m2", "float32", "bfloat16", "uint8"):
        setattr(torch, name, TorchType(name))
    torch.complex64 = TorchType("complex64")
    torch.Tensor, torch.strided = TorchTensor, "strided"
    fake.fakeCudaCreateStream.restype = ctypes.c_void_p
    stream = fake.fakeCudaCreateStream(None)
    torch.cuda = types.SimpleNamespace(
        is_initialized=lambda: True,
        current_stream=lambda device: types.SimpleNamespace(
            cuda_stream=stream if device == 0 else 0
        ),
    )
    sys.modules["torch"] = torch
    return torch, stream


def torch_tensors(torch, m=256, n=576, k=704):
    kb = -(-k // 128)
    base = 0x7F0000000000
    return {
        "A": TorchTensor(torch.float8_e4m3fn, (m, k), (k, 1), base),
        "SA": TorchTensor(torch.float32, (kb, m), (m, 1), base + (1 << 24)),
        "B": TorchTensor(torch.float8_e4m3fn, (n, k), (k, 1), base + (2 << 24)),
        "D": TorchTensor(torch.bfloat16, (m, n), (n, 1), base + (3 << 24)),
    }


# --- DLPack ------------------------------------------------------------------


def dlpack_classes():
    from tilewright import _library

    class ManagedTensor(ctypes.Structure):
        _fields_ = [
            ("tensor", _library.Tensor),
            ("context", ctypes.c_void_p),
            ("deleter", ctypes.c_void_p),
        ]

    class ManagedVersioned(ctypes.Structure):
        _fields_ = [
            ("major", ctypes.c_uint32),
            ("minor", ctypes.c_uint32),
            ("context", ctypes.c_void_p),
            ("deleter", ctypes.c_void_p),
            ("flags", ctypes.c_uint64),
            ("tensor", _library.Tensor),
        ]

    return ManagedTensor, ManagedVersioned


class Producer:
    """Something with __dlpack__, old or versioned."""

    def __init__(self, array, versioned, flags=0, major=1, kind=2, name=None):
        self.array, self.versioned, self.flags = array, versioned, flags
        self.major, self.kind, self.name = major, kind, name
        self.streams, self.keep = [], []

    def __dlpack_device__(self):
        return self.kind, self.array.device

    def __dlpack__(self, stream=None, **options):
        from tilewright import _tensor

        if options and not self.versioned:
            raise TypeError("unexpected keyword argument 'max_version'")
        self.streams.append(stream)
        Old, New = dlpack_classes()
        managed = New() if self.versioned else Old()
        if self.versioned:
            managed.major, managed.flags = self.major, self.flags
        _tensor.fill(
            managed.tensor,
            # The start of the allocation; the tensor begins 256 bytes later.
            self.array.data - 256,
            self.array.device,
            _tensor.DTYPES[self.array.dtype],
            self.array.shape,
            self.array.strides,
        )
        managed.tensor.byte_offset = 256
        name = self.name or (b"dltensor_versioned" if self.versioned else b"dltensor")
        new = ctypes.pythonapi.PyCapsule_New
        new.restype = ctypes.py_object
        new.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        self.keep.append((managed, name))
        return new(ctypes.addressof(managed), name, None)
