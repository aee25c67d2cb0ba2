# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Cases for the Python package on the fake CUDA driver.

Run in a process of their own by test_package.py, because the driver is chosen
once a process: `package_cases.py LIBRARY FAKE CACHE` prints one JSON line for
each case. PyTorch is imitated by a module with the attributes that the package
reads, so that these run where there is no PyTorch.
"""
import ctypes
import json
import os
import sys
import tempfile
import threading
import traceback
import types

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "python"))
sys.path.insert(0, HERE)
from package_imitations import (  # noqa: E402
    Producer,
    TorchTensor,
    imitate_torch,
    torch_tensors,
)

fake = None  # libcuda-fake.so's controls


class FakeLaunch(ctypes.Structure):
    """FakeCuda.h's FakeLaunch; the parameters are aligned to 64 bytes."""

    _fields_ = [
        ("symbol", ctypes.c_char * 64),
        ("grid", ctypes.c_uint * 3),
        ("block", ctypes.c_uint * 3),
        ("cluster", ctypes.c_uint * 3),
        ("smem", ctypes.c_uint),
        ("stream", ctypes.c_uint64),
        ("device", ctypes.c_int),
        ("pdl", ctypes.c_int),
        ("cooperative", ctypes.c_int),
        ("num_attrs", ctypes.c_int),
        ("num_params", ctypes.c_int),
        ("param_size", ctypes.c_uint * 32),
    ]


def launches():
    return fake.fakeCudaLaunches()


def last_launch():
    memory = ctypes.create_string_buffer(8192)
    assert fake.fakeCudaGetLaunch(-1, memory), "nothing was launched"
    return FakeLaunch.from_buffer_copy(memory)


MANIFEST = {
    "format": "tilewright-1",
    "kernel": "fp8_gemm_nt",
    "symbol": "fp8_gemm_nt",
    "arch": "sm_90a",
    "constants": {"BM": 128},
    "baked": {},
    "dims": ["M", "N", "K"],
    "tensors": [
        {"name": "A", "dtype": "e4m3", "mode": "in", "shape": ["M", "K"], "major": 1},
        {
            "name": "SA",
            "dtype": "f32",
            "mode": "in",
            "shape": [["cdiv", "K", 128], "M"],
            "major": 1,
        },
        {"name": "B", "dtype": "e4m3", "mode": "in", "shape": ["N", "K"], "major": 1},
        {"name": "D", "dtype": "bf16", "mode": "out", "shape": ["M", "N"], "major": 1},
    ],
    "requires": [
        {"expr": ["eq", ["mod", "N", 8], 0], "text": "N % 8 == 0", "line": 12}
    ],
    "params": [
        {
            "kind": "tensormap",
            "tensor": "SA",
            "dtype": "f32",
            "box": [128, 1],
            "swizzle": 0,
            "dims": [1, 0],
            "interleave": 0,
            "l2": 0,
            "line": 14,
        },
        {"kind": "pointer", "tensor": "D"},
        {"kind": "dim", "expr": "M", "type": "i32"},
    ],
    "launch": {
        "threads": 384,
        "cluster": [1, 1, 1],
        "smem": 217152,
        "persistent": True,
        "tiles": ["mul", ["cdiv", "M", 128], ["cdiv", "N", 128]],
        "pdl": True,
        "cooperative": False,
    },
    "resources": {"stages": 5, "roles": [{"name": "math", "registers": 232}]},
}
IMAGE = b"\x7fELF fake\nsymbol=fp8_gemm_nt\nparams=128,8,4\nmaxthreads=384\n"
TYPES = {"A": "e4m3", "SA": "f32", "B": "e4m3", "D": "bf16"}


def save_artefact():
    folder = tempfile.mkdtemp()
    stem = os.path.join(folder, "gemm")
    with open(stem + ".json", "w") as file:
        json.dump(MANIFEST, file)
    with open(stem + ".cubin", "wb") as file:
        file.write(IMAGE)
    return stem


def load():
    import tilewright

    return tilewright.load(save_artefact() + ".json")


def arrays(m=256, n=576, k=704, device=0, **changes):
    """DeviceArrays of a launch, {name: array}; `changes` replaces attributes:
    A={"shape": …}."""
    import tilewright

    kb = -(-k // 128)
    shapes = {"A": (m, k), "SA": (kb, m), "B": (n, k), "D": (m, n)}
    out = {}
    for index, (name, shape) in enumerate(shapes.items()):
        fields = {
            "data": 0x7F0000000000 + index * 0x1000000,
            "dtype": TYPES[name],
            "shape": shape,
            "device": device,
        }
        fields.update(changes.get(name, {}))
        out[name] = tilewright.DeviceArray(**fields)
    return out


def refused(function, *parts, kind=None):
    import tilewright

    try:
        function()
    except kind or tilewright.ArgumentError as error:
        missing = [part for part in parts if part not in str(error)]
        assert not missing, f"the message lacks {missing}: {error}"
        return str(error)
    raise AssertionError("was not refused")


def case_import_touches_nothing():
    import tilewright

    assert tilewright.__version__
    assert fake.fakeCudaCalls(b"cuInit") == 0
    kernel = load()
    assert kernel.name == "fp8_gemm_nt"
    kernel.check(**arrays())
    assert fake.fakeCudaCalls(b"cuInit") == 0
    assert fake.fakeCudaContexts() == 0


def case_fork_after_import():
    kernel = load()
    child = os.fork()
    if child == 0:
        try:
            kernel(**arrays())
            os._exit(0 if launches() == 1 else 3)
        except BaseException:
            traceback.print_exc()
            os._exit(4)
    assert os.waitpid(child, 0)[1] == 0


def case_launch_by_position_and_name():
    kernel = load()
    tensors = arrays()
    before = launches()
    kernel(*tensors.values())
    kernel(tensors["A"], tensors["SA"], D=tensors["D"], B=tensors["B"])
    kernel(**tensors)
    assert launches() == before + 3
    launch = last_launch()
    assert launch.symbol == b"fp8_gemm_nt"
    assert list(launch.grid) == [10, 1, 1] and launch.block[0] == 384
    assert launch.smem == 217152 and launch.pdl == 1 and launch.stream == 0


def case_launch_options():
    kernel = load()
    kernel(**arrays(m=4096, n=7168), sms=78, pdl=False)
    launch = last_launch()
    assert launch.grid[0] == 78 and launch.pdl == 0
    kernel(**arrays(device=1))
    assert last_launch().device == 1


def case_wrong_arguments():
    kernel = load()
    a = arrays()
    refused(lambda: kernel(*a.values(), a["A"]), "takes 4 tensors (A, SA, B, D), not 5")
    refused(lambda: kernel(a["A"], B=a["B"], D=a["D"]), "tensor 'SA' is missing")
    refused(lambda: kernel(*a.values(), A=a["A"]), "tensor 'A' is given twice")
    refused(lambda: kernel(**a, E=a["A"]), "has no tensor 'E'", "A, SA, B, D")
    refused(lambda: kernel(**{**a, "A": [1, 2]}), "tensor 'A'", "got list")
    refused(lambda: kernel(**{**a, "A": None}), "tensor 'A'", "got NoneType")


def case_checked_by_the_library():
    kernel = load()
    for changes, parts in [
        ({"A": {"dtype": "e5m2"}}, ["'A'", "e4m3", "e5m2"]),
        ({"A": {"shape": (256, 704, 1)}}, ["'A'", "2 dimensions [M, K]", "got 3"]),
        ({"SA": {"shape": (5, 256)}}, ["'SA'", "cdiv(K, 128) = 6", "got 5"]),
        ({"SA": {"strides": (257, 1)}}, ["'SA'", "stride 257", "16 bytes", "line 14"]),
        ({"B": {"device": 1}}, ["'B'", "device 1", "device 0"]),
        ({"B": {"strides": (1, 576)}}, ["'B'", "contiguous", "576"]),
        ({"D": {"data": 0x7F0000000001}}, ["'D'", "aligned"]),
        ({"D": {"strides": (0, 1)}}, ["'D'", "stride 0"]),
        ({"D": {"readonly": True}}, ["'D'", "read-only"]),
        ({"A": {"shape": (255, 704)}}, ["'SA'", "M = 255 from 'A'", "got 256"]),
    ]:
        tensors = arrays(**changes)
        before = launches()
        message = refused(lambda: kernel(**tensors), "fp8_gemm_nt", *parts)
        assert launches() == before
        assert refused(lambda: kernel.check(**tensors)) == message
    refused(lambda: kernel(**arrays(n=30)), "requires N % 8 == 0", "N = 30")


def case_argument_errors_are_value_errors():
    import tilewright

    refused(lambda: load()(), "'A' is missing", kind=ValueError)
    assert issubclass(tilewright.ArgumentError, tilewright.Error)
    assert issubclass(tilewright.Error, RuntimeError)


def case_empty_tensors():
    kernel = load()
    before = launches()
    kernel(**arrays(m=0))
    assert launches() == before
    kernel(**arrays(k=0, A={"data": 0}, SA={"data": 0}, B={"data": 0}))
    assert launches() == before + 1


def case_driver_errors():
    import tilewright

    kernel = load()
    fake.fakeCudaFail(b"cuLaunchKernelEx", 700, 0)
    try:
        kernel(**arrays())
    except tilewright.DriverError as error:
        assert error.result == 700
        assert "CUDA_ERROR_ILLEGAL_ADDRESS" in str(error)
        assert "A = e4m3[256, 704]" in str(error)
    else:
        raise AssertionError("no error")
    finally:
        fake.fakeCudaReset()


def case_prepare():
    assert load().prepare(1) == {
        "registers": 168,
        "local_bytes": 0,
        "static_shared_bytes": 0,
        "max_threads": 384,
    }


def case_info_and_manifest():
    kernel = load()
    assert kernel.manifest == MANIFEST
    assert kernel.image == IMAGE
    info = kernel.info()
    for part in (
        "fp8_gemm_nt for sm_90a",
        "BM=128",
        "SA: f32[cdiv(K, 128), M]",
        "N % 8 == 0",
        "217152 bytes of shared memory, persistent",
        "stages     5",
        "roles      math, registers 232",
    ):
        assert part in info, f"{part} not in\n{info}"
    assert repr(kernel) == "<tilewright.Kernel fp8_gemm_nt(A, SA, B, D)>"


def case_save_and_load():
    import tilewright

    stem = os.path.join(tempfile.mkdtemp(), "again")
    load().save(stem)
    assert tilewright.load(stem + ".cubin").manifest == MANIFEST
    os.remove(stem + ".cubin")
    refused(
        lambda: tilewright.load(stem + ".json"),
        "no .cubin or .ptx",
        kind=tilewright.ArtefactError,
    )
    with open(stem + ".json", "w") as file:
        file.write("{}")
    with open(stem + ".cubin", "wb") as file:
        file.write(IMAGE)
    refused(
        lambda: tilewright.load(stem + ".json"),
        "format",
        kind=tilewright.ArtefactError,
    )
    refused(
        lambda: tilewright.load("/no/such/file.json"),
        "/no/such/file.json",
        kind=tilewright.Error,
    )


def case_threads():
    kernel = load()
    before, errors = launches(), []

    def work():
        try:
            for _ in range(50):
                kernel(**arrays())
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors
    assert launches() == before + 400


def case_errors_belong_to_threads():
    kernel, messages = load(), {}

    def work(n):
        messages[n] = refused(lambda: kernel(**arrays(n=n)))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n, message in messages.items():
        assert f"N = {n} " in message, message


def case_streams():
    kernel = load()
    fake.fakeCudaCreateStream.restype = ctypes.c_void_p
    handle = fake.fakeCudaCreateStream(None)
    for stream in (
        handle,
        types.SimpleNamespace(cuda_stream=handle),
        types.SimpleNamespace(ptr=handle),
        types.SimpleNamespace(__cuda_stream__=lambda: (0, handle)),
    ):
        kernel(**arrays(), stream=stream)
        assert last_launch().stream == handle
    refused(lambda: kernel(**arrays(), stream="x"), "stream", "str")


def case_torch_tensors():
    torch, stream = imitate_torch(fake)
    try:
        kernel = load()
        tensors = torch_tensors(torch)
        kernel(**tensors)
        assert last_launch().stream == stream  # The current one.
        kernel(**tensors, stream=0)
        assert last_launch().stream == 0
        # Bytes stand for float8.
        tensors["A"].dtype = torch.uint8
        kernel(**tensors)
        for attribute, value, parts in [
            ("dtype", torch.float8_e5m2, ["'A'", "e4m3", "e5m2"]),
            ("dtype", torch.complex64, ["'A'", "torch.complex64"]),
            ("layout", "sparse_coo", ["'A'", "strided", "sparse_coo"]),
            ("conj", True, ["'A'", "lazy view"]),
        ]:
            tensors = torch_tensors(torch)
            setattr(tensors["A"], attribute, value)
            refused(lambda: kernel(**tensors), "fp8_gemm_nt", *parts)
        tensors = torch_tensors(torch)
        tensors["SA"] = TorchTensor(
            torch.float32, (6, 256), (256, 1), 4096, kind="cpu"
        )
        refused(lambda: kernel(**tensors), "'SA'", "CUDA device", "cpu")
    finally:
        del sys.modules["torch"]


def case_dlpack():
    kernel = load()
    for versioned in (False, True):
        a = arrays()
        a["D"] = Producer(a["D"], versioned)
        kernel(**a)
        assert a["D"].streams == [1]  # The legacy stream in DLPack's numbering.
        kernel(**a, stream=0)
        fake.fakeCudaCreateStream.restype = ctypes.c_void_p
        handle = fake.fakeCudaCreateStream(None)
        kernel(**a, stream=handle)
        assert a["D"].streams[-1] == handle
        # Element 0 is after the byte offset.
        memory = ctypes.create_string_buffer(8192)
        fake.fakeCudaGetLaunch(-1, memory)
        start = (ctypes.sizeof(FakeLaunch) + 63) // 64 * 64
        pointer = ctypes.c_uint64.from_buffer(memory, start + 128).value
        assert pointer == 0x7F0000000000 + 3 * 0x1000000, hex(pointer)


def case_packed_elements():
    """Two e2m1 elements to a byte: shapes and strides of bytes are doubled."""
    import tilewright

    folder = tempfile.mkdtemp()
    manifest = dict(MANIFEST, requires=[])
    manifest["tensors"] = [
        {"name": "A", "dtype": "e2m1", "mode": "in", "shape": ["M", "K"], "major": 1},
        {"name": "D", "dtype": "f32", "mode": "out", "shape": ["M", "K"], "major": 1},
    ]
    manifest["params"] = [
        {"kind": "dim", "expr": "K", "type": "i64"},
        {"kind": "stride", "tensor": "A", "dim": 0, "type": "i64"},
        {"kind": "pointer", "tensor": "A"},
    ]
    manifest["launch"] = dict(MANIFEST["launch"], tiles="M")
    with open(os.path.join(folder, "p.json"), "w") as file:
        json.dump(manifest, file)
    with open(os.path.join(folder, "p.cubin"), "wb") as file:
        file.write(IMAGE.replace(b"params=128,8,4", b"params=8,8,8"))
    kernel = tilewright.load(os.path.join(folder, "p.json"))
    d = tilewright.DeviceArray(1 << 40, "f32", (8, 64))
    for dtype in ("e2m1", "u8", "i8"):
        a = tilewright.DeviceArray(1 << 41, dtype, (8, 32), (48, 1))
        kernel(a, d)
        memory = ctypes.create_string_buffer(8192)
        fake.fakeCudaGetLaunch(-1, memory)
        start = (ctypes.sizeof(FakeLaunch) + 63) // 64 * 64
        values = [
            ctypes.c_int64.from_buffer(memory, start + 128 * i).value for i in range(3)
        ]
        assert values == [64, 96, 1 << 41], values
    refused(lambda: kernel(tilewright.DeviceArray(1 << 41, "i16", (8, 32)), d), "e2m1")


def case_dlpack_refusals():
    kernel = load()
    a = arrays()
    refused(
        lambda: kernel(**{**a, "D": Producer(a["D"], True, flags=1)}),
        "'D'",
        "read-only",
    )
    kernel(**{**a, "A": Producer(a["A"], True, flags=1)})  # Only read.
    refused(
        lambda: kernel(**{**a, "A": Producer(a["A"], True, major=2)}),
        "'A'",
        "version 2",
    )
    refused(
        lambda: kernel(**{**a, "A": Producer(a["A"], True, kind=1)}), "'A'", "CUDA"
    )
    refused(
        lambda: kernel(**{**a, "A": Producer(a["A"], True, name=b"used_dltensor")}),
        "'A'",
        "capsule",
    )


# --- Compiling ----------------------------------------------------------------

CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p)


class FakeCompiler:
    """Registers a compiler that answers with the artefact above."""

    def __init__(self, version=b"1"):
        from tilewright import _library

        self.requests, self.error = [], None
        library = _library.library()

        def compile(request, result, _):
            self.requests.append(json.loads(request.decode()))
            if self.error:
                library.twCompileSetError(ctypes.c_void_p(result), self.error)
                return
            text = json.dumps(MANIFEST).encode()
            library.twCompileSetArtefact(
                ctypes.c_void_p(result),
                text,
                ctypes.c_size_t(len(text)),
                IMAGE,
                ctypes.c_size_t(len(IMAGE)),
                b"gemm.tw:3:1: remark: TMA",
            )

        self.callback = CALLBACK(compile)
        library.twSetCompiler(self.callback, version, None)

    def close(self):
        from tilewright import _library

        _library.library().twSetCompiler(None, None, None)


def case_compile():
    import tilewright

    compiler = FakeCompiler()
    try:
        assert tilewright.has_compiler()
        kernel = tilewright.compile(
            "kernel fp8_gemm_nt { }",
            kernel="fp8_gemm_nt",
            constants={"BM": 128, "FAST": True, "T": "bf16"},
            bake={"N": 576},
            facts={"M": 64},
            target="sm_90a",
            options={"ptxas": "/x"},
            strict=True,
        )
        request = compiler.requests.pop()
        assert request == {
            "source": "kernel fp8_gemm_nt { }",
            "file": "<source>",
            "kernel": "fp8_gemm_nt",
            "target": "sm_90a",
            "constants": {"BM": "128", "FAST": "true", "T": "bf16"},
            "bake": {"N": 576},
            "facts": {"M": 64},
            "options": {"ptxas": "/x"},
            "strict": True,
        }, request
        assert kernel.diagnostics == "gemm.tw:3:1: remark: TMA"
        kernel(**arrays())
        refused(lambda: kernel(**arrays(m=100)), "requires M % 64 == 0", "M = 100")
    finally:
        compiler.close()


def case_compile_from_a_file_once():
    import tilewright

    folder = tempfile.mkdtemp()
    path = os.path.join(folder, "gemm.tw")
    with open(path, "w") as file:
        file.write("kernel from_a_file { }\n")
    compiler = FakeCompiler()
    try:
        for _ in range(3):
            tilewright.compile(path, target="sm_90a")
        assert len(compiler.requests) == 1
        assert compiler.requests[0]["file"] == path
        assert compiler.requests[0]["source"] == "kernel from_a_file { }\n"
        tilewright.compile(path, target="sm_90a", constants={"BM": 64})
        assert len(compiler.requests) == 2
    finally:
        compiler.close()
    # Another compiler version: the artefacts of the first one do not serve.
    compiler = FakeCompiler(b"2")
    try:
        tilewright.compile(path, target="sm_90a")
        assert len(compiler.requests) == 1
    finally:
        compiler.close()
    entries = [name for name in os.listdir(os.environ["TILEWRIGHT_CACHE_DIR"])]
    assert entries and not any(name.startswith("tmp-") for name in entries)


def case_compile_errors():
    import tilewright

    compiler = FakeCompiler()
    try:
        compiler.error = b"gemm.tw:3:5: error: axis k is unknown"
        refused(
            lambda: tilewright.compile("kernel broken { }", target="sm_90a"),
            "gemm.tw:3:5: error: axis k is unknown",
            kind=tilewright.CompileError,
        )
        refused(
            lambda: tilewright.compile("/no/such/kernel.tw", target="sm_90a"),
            "/no/such/kernel.tw",
            kind=tilewright.Error,
        )
        refused(
            lambda: tilewright.compile("{", constants={"BM": 1.5}), "float"
        )
        refused(
            lambda: tilewright.compile("{", bake={"N": "many"}), "N=many", "integer"
        )
        refused(lambda: tilewright.compile("{", constants={"": 1}), "NAME=VALUE")
    finally:
        compiler.close()


def case_compile_uses_the_device_target():
    import tilewright

    compiler = FakeCompiler()
    try:
        tilewright.compile("kernel any_target { }")
        assert compiler.requests[0]["target"] == "sm_90a"
        assert tilewright.device_target(0) == "sm_90a"
        refused(
            lambda: tilewright.device_target(7), "device 7", kind=tilewright.NoGpuError
        )
    finally:
        compiler.close()


def case_kernels_are_released():
    import gc

    kernel = load()
    finalizer = kernel._finalizer
    assert finalizer.alive
    del kernel
    gc.collect()
    assert not finalizer.alive


def case_many_kernels_leak_nothing():
    import resource

    load()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    stem = save_artefact()
    import tilewright

    for _ in range(3000):
        tilewright.load(stem + ".json")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 20 * 1024, f"{grown} KiB more"


def main():
    global fake
    library, fake_path, cache = sys.argv[1:4]
    os.environ["TILEWRIGHT_LIBRARY"] = library
    os.environ["TILEWRIGHT_LIBCUDA"] = fake_path
    os.environ["TILEWRIGHT_CACHE_DIR"] = cache
    os.environ.pop("TILEWRIGHT_TARGET", None)
    fake = ctypes.CDLL(fake_path)
    cases = {k: v for k, v in globals().items() if k.startswith("case_")}
    for name, case in cases.items():
        try:
            case()
            error = None
        except BaseException:
            error = traceback.format_exc()
        print(json.dumps({"name": name, "error": error}), flush=True)


if __name__ == "__main__":
    main()
