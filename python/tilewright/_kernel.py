# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiled kernels."""
import ctypes
import json
import os
import weakref

from . import _library, _tensor
from ._errors import ArgumentError


class Kernel:
    """A compiled kernel; call it with its tensors.

    Tensors are positional in the order of the kernel's signature, by name, or
    both. Every argument is checked: device, element type, shape, stride,
    alignment and the kernel's own `require`s; an ArgumentError names kernel
    and argument. A launch is asynchronous.
    """

    def __init__(self, handle):
        library = _library.library()
        self._handle = handle
        self._finalizer = weakref.finalize(self, library.twKernelRelease, handle)
        self._finalizer.atexit = False
        text = library.twKernelManifest(handle).decode("utf-8")
        #: The manifest (docs/architecture.md) as Python data.
        self.manifest = json.loads(text)
        self.name = self.manifest["kernel"]
        #: Remarks and warnings of the compilation.
        self.diagnostics = library.twKernelDiagnostics(handle).decode(
            "utf-8", "replace"
        )
        tensors = self.manifest["tensors"]
        self._names = [tensor["name"] for tensor in tensors]
        self._writes = [tensor["mode"] != "in" for tensor in tensors]
        self._where = [f"{self.name}: tensor '{name}'" for name in self._names]

    def __repr__(self):
        return f"<tilewright.Kernel {self.name}({', '.join(self._names)})>"

    @property
    def image(self):
        """The cubin (or PTX) as bytes."""
        size = ctypes.c_size_t()
        address = _library.library().twKernelImage(self._handle, ctypes.byref(size))
        return ctypes.string_at(address, size.value)

    def save(self, stem):
        """Writes `stem.json` and `stem.cubin`, which `load` reads."""
        _library.check(
            _library.library().twKernelSave(self._handle, os.fsencode(stem))
        )

    def _order(self, args, kwargs):
        """The arguments in signature order."""
        names = self._names
        if len(args) > len(names):
            raise ArgumentError(
                f"{self.name}: takes {len(names)} tensors ({', '.join(names)}), "
                f"not {len(args) + len(kwargs)}"
            )
        values = list(args)
        for name in names[len(args) :]:
            if name not in kwargs:
                raise ArgumentError(f"{self.name}: tensor '{name}' is missing")
            values.append(kwargs[name])
        if len(args) + len(kwargs) != len(names):
            taken = set(names[: len(args)])
            for name in kwargs:
                if name in taken:
                    raise ArgumentError(f"{self.name}: tensor '{name}' is given twice")
                if name not in names:
                    raise ArgumentError(
                        f"{self.name}: has no tensor '{name}' "
                        f"(it takes {', '.join(names)})"
                    )
        return values

    def _marshal(self, args, kwargs, stream):
        """(array, stream handle, owners): arguments for the C API."""
        values = self._order(args, kwargs)

        def handle():
            if stream is not None:
                return _tensor.stream_handle(stream)
            return _tensor.current_stream(_device_of(values))

        tensors, owners = [], []
        for value, where, writes in zip(values, self._where, self._writes):
            tensor, owner = _tensor.convert(value, where, writes, handle)
            tensors.append(tensor)
            owners.append(owner)
        array = (_library.PTensor * max(len(tensors), 1))(
            *[ctypes.pointer(tensor) for tensor in tensors]
        )
        return array, len(tensors), handle, owners

    def __call__(self, *args, stream=None, sms=0, pdl=True, **kwargs):
        """Launches on `stream` (default: PyTorch's current stream).

        `sms` limits a persistent kernel to that many multiprocessors;
        `pdl=False` turns programmatic dependent launch off.
        """
        array, count, handle, owners = self._marshal(args, kwargs, stream)
        options = None
        if sms or not pdl:
            options = ctypes.byref(
                _library.LaunchOptions(
                    ctypes.sizeof(_library.LaunchOptions), int(sms), int(not pdl)
                )
            )
        status = _library.library().twKernelLaunch(
            self._handle, array, count, handle(), options
        )
        _library.check(status)
        del owners  # Alive until here.

    def check(self, *args, **kwargs):
        """Checks arguments as a launch would, without launching."""
        array, count, _, owners = self._marshal(args, kwargs, 0)
        _library.check(_library.library().twKernelCheck(self._handle, array, count))
        del owners

    def prepare(self, device=0):
        """Loads the kernel on a device now (before a graph is captured) and
        returns what the driver says of it."""
        resources = _library.Resources(size=ctypes.sizeof(_library.Resources))
        _library.check(
            _library.library().twKernelPrepare(
                self._handle, int(device), ctypes.byref(resources)
            )
        )
        return {
            name: getattr(resources, name)
            for name, _ in _library.Resources._fields_
            if name != "size"
        }

    def info(self):
        """A table of what was compiled: constants, tensors, launch, resources."""
        manifest = self.manifest
        launch = manifest["launch"]
        lines = [f"kernel     {self.name} for {manifest['arch']}"]
        for key in ("constants", "baked"):
            if manifest.get(key):
                values = ", ".join(f"{k}={v}" for k, v in manifest[key].items())
                lines.append(f"{key:<10} {values}")
        for tensor in manifest["tensors"]:
            shape = ", ".join(_expression(extent) for extent in tensor["shape"])
            lines.append(
                f"{tensor['mode']:<10} {tensor['name']}: {tensor['dtype']}[{shape}]"
            )
        for requirement in manifest.get("requires", []):
            lines.append(f"requires   {requirement['text']}")
        cluster = launch.get("cluster", [1, 1, 1])
        lines.append(
            f"launch     {launch['threads']} threads, cluster {cluster[0]}, "
            f"{launch.get('smem', 0)} bytes of shared memory"
            + (", persistent" if launch.get("persistent") else "")
        )
        lines += _table(manifest.get("resources", {}), "")
        return "\n".join(lines)


def _device_of(values):
    """The CUDA device of the first tensor that says so."""
    for value in values:
        device = getattr(value, "device", None)
        index = device if isinstance(device, int) else getattr(device, "index", None)
        if isinstance(index, int):
            return index
    return None


_SYMBOLS = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "div": "/",
    "floordiv": "//",
    "mod": "%",
}


def _expression(expr):
    """A manifest expression in the language's notation."""
    if not isinstance(expr, list):
        return str(expr)
    op, *operands = expr
    texts = [_expression(operand) for operand in operands]
    if op in _SYMBOLS:
        texts = [
            f"({text})" if isinstance(operand, list) and operand[0] in _SYMBOLS else text
            for text, operand in zip(texts, operands)
        ]
        return f"{texts[0]} {_SYMBOLS[op]} {texts[1]}"
    return f"{op}({', '.join(texts)})"


def _table(value, indent):
    """`resources` as lines, whatever the compiler put there."""
    lines = []
    for key, entry in value.items():
        label = f"{indent}{key:<{max(10 - len(indent), len(key))}} "
        if isinstance(entry, dict):
            lines += [label.rstrip()] + _table(entry, indent + "  ")
        elif isinstance(entry, list) and entry and isinstance(entry[0], (dict, str)):
            for item in entry:
                lines += _item(label, item, indent)
        else:
            lines.append(f"{label}{entry}")
    return lines


def _item(label, item, indent):
    """One element of a list: its plain members on a line, its lists below."""
    if not isinstance(item, dict):
        return [f"{label}{item}"]
    plain = {k: v for k, v in item.items() if not _nested(v)}
    name = plain.pop("name", None)
    texts = [] if name is None else [str(name)]
    texts += [f"{k} {v}" for k, v in plain.items()]
    below = {k: v for k, v in item.items() if _nested(v)}
    return [label + ", ".join(texts)] + _table(below, indent + "  ")


def _nested(value):
    return isinstance(value, dict) or (
        isinstance(value, list) and bool(value) and isinstance(value[0], dict)
    )


def load(path):
    """Loads a compiled kernel: a directory with manifest.json and kernel.cubin,
    or either file of a pair x.json and x.cubin (or x.ptx)."""
    handle = ctypes.c_void_p()
    _library.check(
        _library.library().twKernelLoad(os.fsencode(path), ctypes.byref(handle))
    )
    return Kernel(handle.value)
