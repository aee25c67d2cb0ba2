# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The Python package: package_cases.py on the fake driver, and what needs a
process of its own."""
import json
import os
import re
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("TILEWRIGHT_BUILD", os.path.join(ROOT, "build", "dev"))
LIBRARY = os.path.join(BUILD, "lib", "libtilewright.so")
FAKE = os.path.join(BUILD, "test", "fake", "libcuda-fake.so")

for needed in (LIBRARY, FAKE):
    if not os.path.exists(needed):
        pytest.skip(f"{needed} is not built", allow_module_level=True)

CASES = os.path.join(HERE, "package_cases.py")
with open(CASES) as source:
    NAMES = re.findall(r"^def (case_\w+)", source.read(), re.M)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    cache = str(tmp_path_factory.mktemp("cache"))
    process = subprocess.run(
        [sys.executable, CASES, LIBRARY, FAKE, cache],
        capture_output=True,
        text=True,
        timeout=300,
    )
    found = {}
    for line in process.stdout.splitlines():
        if line.startswith("{"):
            entry = json.loads(line)
            found[entry["name"]] = entry["error"]
    found["status"] = process.returncode
    found["stderr"] = process.stderr
    return found


@pytest.mark.parametrize("name", NAMES)
def test_case(results, name):
    # A crash shows as the first case without a result.
    assert name in results, f"no result; status {results['status']}\n" + results[
        "stderr"
    ]
    assert results[name] is None, results[name]


def test_cases_end_cleanly(results):
    assert results["status"] == 0, results["stderr"]


def python(code, **environment):
    variables = {k: v for k, v in os.environ.items() if not k.startswith("TILEWRIGHT")}
    variables["PYTHONPATH"] = os.path.join(ROOT, "python")
    variables.update(environment)
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=variables,
        timeout=60,
    )


def test_import_loads_no_library():
    done = python(
        "import tilewright, sys\n"
        "maps = open('/proc/self/maps').read()\n"
        "assert 'libtilewright' not in maps and 'libcuda' not in maps\n"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules\n"
    )
    assert done.returncode == 0, done.stderr


def test_missing_library_says_where_it_looked():
    done = python(
        "import tilewright\n"
        "try: tilewright.has_compiler()\n"
        "except tilewright.Error as error: print(error)\n",
        TILEWRIGHT_LIBRARY="/nowhere/libtilewright.so",
    )
    assert "/nowhere/libtilewright.so" in done.stdout, done.stderr


def test_no_driver_is_no_gpu():
    done = python(
        "import tilewright\n"
        "try: tilewright.device_target()\n"
        "except tilewright.NoGpuError as error: print(error)\n",
        TILEWRIGHT_LIBRARY=LIBRARY,
        TILEWRIGHT_LIBCUDA="/nowhere/libcuda.so.1",
    )
    assert done.stdout.startswith("no GPU driver: /nowhere/libcuda.so.1"), done.stderr


def test_library_exports_the_c_api_only():
    nm = subprocess.run(
        ["nm", "-D", "--defined-only", LIBRARY], capture_output=True, text=True
    )
    names = {line.split()[-1] for line in nm.stdout.splitlines()}
    assert "twKernelLaunch" in names
    assert all(name.startswith("tw") for name in names), names


def test_prototypes_match_the_header():
    sys.path.insert(0, os.path.join(ROOT, "python"))
    try:
        from tilewright import _library
    finally:
        sys.path.pop(0)
    header = os.path.join(ROOT, "runtime/include/tilewright-c/tilewright.h")
    with open(header) as file:
        text = re.sub(r"/\*.*?\*/|//[^\n]*", "", file.read(), flags=re.S)
    declared = {
        name: [part for part in arguments.split(",") if part.strip() != "void"]
        for name, arguments in re.findall(
            r"TW_API\s[^;(]*?\b(tw\w+)\(([^;]*)\);", text, re.S
        )
    }
    assert len(declared) > 20
    for name, (_, arguments) in _library.PROTOTYPES.items():
        assert len(declared[name]) == len(arguments), name
    version = re.search(r"define TW_API_VERSION (\d+)", text)
    assert int(version.group(1)) == _library.API_VERSION


COMPILE = """
import sys, threading
import tilewright
if not tilewright.has_compiler():
    print("no compiler")
    sys.exit()
path, kernels, errors = {kernel!r}, {{}}, []
def compile(bm, bn):
    try:
        kernels[bm, bn] = tilewright.compile(path, target="sm_90a", constants=dict(
            BM=bm, BN=bn, CL=1, G=8, WG=bm // 64))
    except BaseException as error:
        errors.append(error)
threads = [threading.Thread(target=compile, args=tile)
           for tile in ((64, 64), (128, 96), (128, 128), (64, 64))]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert not errors, errors
def tensors(m, n, k, pad=4):
    at = iter(0x7f0000000000 + (i << 30) for i in range(5))
    array = lambda *a: tilewright.DeviceArray(next(at), *a)
    kb, nb = -(-k // 128), -(-n // 128)
    return (array("e4m3", (m, k)), array("f32", (kb, m), (-(-m // pad) * pad, 1)),
            array("e4m3", (n, k)), array("f32", (nb, kb)), array("bf16", (m, n)))
for (bm, bn), kernel in kernels.items():
    assert kernel.manifest["constants"]["BM"] == bm
    for shape in ((1, 24, 128), (129, 24, 576), (257, 2112, 704), (4096, 7168, 0)):
        kernel.check(*tensors(*shape))
    try:
        kernel.check(*tensors(129, 24, 576, pad=1))
        raise AssertionError("not refused")
    except tilewright.ArgumentError as error:
        assert "'SA'" in str(error) and "129" in str(error), error
try:
    tilewright.compile("kernel broken( {{", target="sm_90a")
    raise AssertionError("not refused")
except tilewright.CompileError as error:
    assert "error:" in str(error), error
print("ok", len(kernels))
"""


def test_the_compiler_inside_the_library(tmp_path):
    """What the compiler writes is what the runtime reads."""
    kernel = os.path.join(ROOT, "kernels", "gemm", "fp8_gemm_nt.tw")
    settings = {"TILEWRIGHT_LIBRARY": LIBRARY, "TILEWRIGHT_CACHE_DIR": str(tmp_path)}
    if "TILEWRIGHT_PTXAS" in os.environ:
        settings["TILEWRIGHT_PTXAS"] = os.environ["TILEWRIGHT_PTXAS"]
    done = python(COMPILE.format(kernel=kernel), **settings)
    if done.stdout.startswith("no compiler"):
        pytest.skip(f"{LIBRARY} was built without the compiler")
    assert done.stdout == "ok 3\n", done.stdout + done.stderr
