#!/usr/bin/env python3
# ===- record.py - run the oracle's kernels on a real GPU ------------------===//
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs every kernels/<name> on GPU 0 and writes <out>/<name>.<buffer>.bin for
each buffer with "out": true, and <out>/record.json (device, driver, failures).

Usage: record.py --out DIR [--ptxas PATH] [--libcuda PATH] [--repeat N] [NAME…]

Needs Python's standard library, libcuda.so.1 and a ptxas. Kernels run in a
child process, so that one which hangs or faults costs only itself; each runs
`--repeat` times and a result that varies is a failure.
"""

import argparse
import ctypes as C
import json
import os
import select
import subprocess
import sys
import tempfile

from inputs import initial

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS_FOR_ONE = 10

# CUtensorMapDataType: UINT8 … TFLOAT32.
TYPES = {"u8": 0, "u16": 1, "u32": 2, "s32": 3, "u64": 4, "s64": 5, "f16": 6,
         "f32": 7, "f64": 8, "bf16": 9, "f32_ftz": 10, "tf32": 11}
SWIZZLES = {0: 0, 32: 1, 64: 2, 128: 3}


class Attribute(C.Structure):
    """CUlaunchAttribute: an id and a union of 64 bytes."""
    _fields_ = [("id", C.c_int), ("pad", C.c_int), ("value", C.c_uint32 * 16)]


class Config(C.Structure):
    """CUlaunchConfig."""
    _fields_ = [("grid", C.c_uint * 3), ("block", C.c_uint * 3),
                ("smem", C.c_uint), ("stream", C.c_void_p),
                ("attrs", C.POINTER(Attribute)), ("num", C.c_uint)]


CLUSTER_DIMENSION, PROGRAMMATIC_SERIALIZATION = 4, 6


class Cuda:
    """The driver: only what the kernels need."""

    def __init__(self, path):
        self.lib = C.CDLL(path)
        self("cuInit", 0)
        device = C.c_int()
        self("cuDeviceGet", C.byref(device), 0)
        context = C.c_void_p()
        self("cuDevicePrimaryCtxRetain", C.byref(context), device)
        self("cuCtxSetCurrent", context)
        self.device = device

    def __call__(self, name, *args):
        status = getattr(self.lib, name)(*args)
        if status:
            text = C.c_char_p()
            self.lib.cuGetErrorName(status, C.byref(text))
            raise RuntimeError("%s: %s" % (
                name, (text.value or b"%d" % status).decode()))

    def describe(self):
        name = C.create_string_buffer(256)
        self("cuDeviceGetName", name, 256, self.device)
        version = C.c_int()
        self("cuDriverGetVersion", C.byref(version))
        return {"device": name.value.decode(), "cuda": version.value}

    def alloc(self, data):
        pointer = C.c_uint64()
        self("cuMemAlloc_v2", C.byref(pointer), C.c_size_t(max(len(data), 16)))
        self.put(pointer, data)
        return pointer

    def put(self, pointer, data):
        self("cuMemcpyHtoD_v2", pointer, bytes(data), C.c_size_t(len(data)))

    def get(self, pointer, size):
        data = C.create_string_buffer(size)
        self("cuMemcpyDtoH_v2", data, pointer, C.c_size_t(size))
        return data.raw

    def module(self, cubin):
        module = C.c_void_p()
        self("cuModuleLoadDataEx", C.byref(module), cubin, 0, None, None)
        return module

    def function(self, module, name, smem):
        function = C.c_void_p()
        self("cuModuleGetFunction", C.byref(function), module, name.encode())
        if smem:
            self("cuFuncSetAttribute", function, 8, smem)
        return function

    def launch(self, function, grid, block, cluster, smem, pdl, params):
        attrs = []
        if max(cluster) > 1:
            a = Attribute(CLUSTER_DIMENSION)
            a.value[:3] = cluster
            attrs.append(a)
        if pdl:
            a = Attribute(PROGRAMMATIC_SERIALIZATION)
            a.value[0] = 1
            attrs.append(a)
        array = (Attribute * max(1, len(attrs)))(*attrs)
        config = Config((C.c_uint * 3)(*grid), (C.c_uint * 3)(*block), smem,
                        None, array, len(attrs))
        pointers = (C.c_void_p * len(params))(
            *[C.cast(p, C.c_void_p) for p in params])
        self("cuLaunchKernelEx", C.byref(config), function, pointers, None)


def tensor_map(cuda, m, base):
    """A 64-byte-aligned CUtensorMap and the storage that keeps it alive."""
    storage = C.create_string_buffer(128 + 64)
    address = (C.addressof(storage) + 63) & ~63
    rank = len(m["dims"])
    u64, u32 = C.c_uint64, C.c_uint32
    cuda("cuTensorMapEncodeTiled", C.c_void_p(address), TYPES[m["type"]],
         u32(rank), C.c_void_p(base.value + m["offset"]),
         (u64 * rank)(*m["dims"]), (u64 * max(1, rank - 1))(*m["strides"]),
         (u32 * rank)(*m["box"]), (u32 * rank)(*m["element_strides"]), 0,
         SWIZZLES[m["swizzle"]], 0, {"zero": 0, "nan": 1}[m["oob"]])
    return C.c_void_p(address), storage


def assemble(ptx, ptxas):
    with tempfile.TemporaryDirectory() as folder:
        cubin = os.path.join(folder, "k.cubin")
        subprocess.run([ptxas, "-arch=sm_90a", "-o", cubin, ptx], check=True,
                       capture_output=True)
        with open(cubin, "rb") as f:
            return f.read()


def run_one(cuda, folder, ptxas, repeat):
    """{buffer: bytes} of the outputs; raises on an error or varying results."""
    with open(os.path.join(folder, "spec.json")) as f:
        spec = json.load(f)
    module = cuda.module(assemble(os.path.join(folder, "kernel.ptx"), ptxas))
    start = {n: initial(b) for n, b in spec["buffers"].items()}
    device = {n: cuda.alloc(d) for n, d in start.items()}
    params, keep = [], []
    for p in spec["params"]:
        kind, value = next(iter(p.items()))
        if kind == "tensormap":
            pointer, storage = tensor_map(cuda, value, device[value["buffer"]])
            params.append(pointer)
            keep.append(storage)
            continue
        data = {"buffer": lambda: C.c_uint64(device[value].value),
                "bytes": lambda: (C.c_uint8 * len(value))(*value),
                "u16": lambda: C.c_uint16(value),
                "u32": lambda: C.c_uint32(value),
                "u64": lambda: C.c_uint64(value)}[kind]()
        keep.append(data)
        params.append(C.pointer(data))
    results = None
    for turn in range(repeat):
        for name, data in start.items():
            cuda.put(device[name], data)
        for l in spec["launches"]:
            function = cuda.function(module, l["entry"], spec["smem"])
            cuda.launch(function, spec["grid"], spec["block"], spec["cluster"],
                        spec["smem"], l.get("pdl", False), params)
        cuda("cuCtxSynchronize")
        got = {n: cuda.get(device[n], b["bytes"])
               for n, b in spec["buffers"].items() if b["out"]}
        if results is not None and got != results:
            raise RuntimeError("results differ between runs")
        results = got
    for pointer in device.values():
        cuda("cuMemFree_v2", pointer)
    cuda("cuModuleUnload", module)
    return results


def worker(args):
    """Runs args.names and prints `name ok` or `name error text` for each."""
    cuda = Cuda(args.libcuda)
    for name in args.names:
        print("start", name, flush=True)
        try:
            results = run_one(cuda, os.path.join(HERE, "kernels", name),
                              args.ptxas, args.repeat)
            for buffer, data in results.items():
                with open(os.path.join(args.out, f"{name}.{buffer}.bin"),
                          "wb") as f:
                    f.write(data)
            print("ok", name, flush=True)
        except (RuntimeError, subprocess.CalledProcessError) as error:
            # A fault leaves the context unusable: a fresh child goes on.
            print("error", name, getattr(error, "stderr", None) or error,
                  flush=True)
            return 1
    return 0


def supervise(args):
    todo, failures, done = list(args.names), {}, 0
    while todo:
        command = [sys.executable, os.path.abspath(__file__), "--worker",
                   "--out", args.out, "--ptxas", args.ptxas, "--libcuda",
                   args.libcuda, "--repeat", str(args.repeat)] + todo
        child = subprocess.Popen(command, stdout=subprocess.PIPE)
        current, buffered = todo[0], b""
        while True:
            # Not readline: it would keep lines that select cannot see.
            ready, _, _ = select.select([child.stdout], [], [], SECONDS_FOR_ONE)
            chunk = os.read(child.stdout.fileno(), 65536) if ready else None
            if chunk is None:
                failures[current] = "no end after %d s" % SECONDS_FOR_ONE
                child.kill()
            if not chunk:
                break
            *lines, buffered = (buffered + chunk).split(b"\n")
            for line in lines:
                word, name, *rest = line.decode().split(None, 2)
                current = name
                if word == "ok":
                    done += 1
                    todo.remove(name)
                elif word == "error":
                    failures[name] = rest[0].strip() if rest else "?"
        code = child.wait()
        if current in todo and (code or current in failures):
            failures.setdefault(current, "child ended with %d" % code)
            todo.remove(current)
            print("FAILED", current, failures[current], flush=True)
        elif todo and code == 0:
            break
    return done, failures


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    parser.add_argument("--ptxas", default="ptxas")
    parser.add_argument("--libcuda", default="libcuda.so.1")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--worker", action="store_true")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    args.names = args.names or sorted(os.listdir(os.path.join(HERE, "kernels")))
    if args.worker:
        return worker(args)
    os.makedirs(args.out, exist_ok=True)
    done, failures = supervise(args)
    try:
        about = Cuda(args.libcuda).describe()
    except (RuntimeError, OSError) as error:
        about = {"device": str(error)}
    about.update(kernels=done, failures=failures)
    with open(os.path.join(args.out, "record.json"), "w") as f:
        json.dump(about, f, indent=1)
    print(json.dumps(about, indent=1))
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
