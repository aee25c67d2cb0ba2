# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The wheel: built from the tree under test, installed into a fresh virtual
environment, and used there with no environment variables, no PATH, and the
repository nowhere on the way."""
import glob
import json
import os
import re
import stat
import subprocess
import sys
import zipfile

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("TILEWRIGHT_BUILD", os.path.join(ROOT, "build", "dev"))
KERNEL = "gemm/fp8_gemm_nt.tw"
CONSTANTS = {"BM": 128, "BN": 128, "CL": 1, "G": 8, "WG": 2}
FLAGS = [part for name, value in CONSTANTS.items() for part in ("-D", f"{name}={value}")]
LIMIT = 20e6  # bytes
DRIVER = "the CUDA driver"  # What an artefact without an assembler names.


def cached(variable):
    """A variable of the build's CMake cache, or None."""
    try:
        with open(os.path.join(BUILD, "CMakeCache.txt")) as cache:
            found = re.search(rf"^{variable}:\w+=(.*)$", cache.read(), re.M)
    except OSError:
        return None
    return found and found.group(1)


if cached("TILEWRIGHT_STATIC") != "ON":
    pytest.skip(f"not a static build: {BUILD}", allow_module_level=True)


def run(command, timeout=300, **options):
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        **options,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel's path. It is built in the tree that is tested, so that its
    objects serve, from packages that are here: --no-index keeps pip off the
    network."""
    folder = str(tmp_path_factory.mktemp("wheel"))
    build_type = cached("CMAKE_BUILD_TYPE")
    settings = {
        "build-dir": BUILD,
        "cmake.args": "--preset=" + build_type.lower(),
        "cmake.build-type": build_type,
    }
    done = run(
        [
            *(sys.executable, "-m", "pip", "wheel", ROOT, "-w", folder),
            *("--no-deps", "--no-index", "--no-build-isolation", "-q"),
            *("--disable-pip-version-check", "--no-cache-dir"),
            *(f"--config-settings={k}={v}" for k, v in settings.items()),
        ],
        timeout=900,
        cwd=folder,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = glob.glob(os.path.join(folder, "*"))
    return path


class Installed:
    """The wheel in a virtual environment of its own."""

    def __init__(self, root):
        self.root = root
        self.python = os.path.join(root, "bin", "python")
        self.program = os.path.join(root, "bin", "tilewright")
        (self.site,) = glob.glob(os.path.join(root, "lib/python3*/site-packages"))
        self.package = os.path.join(self.site, "tilewright")

    def run(self, *command, **environment):
        return run(command, env=environment, cwd=self.root)

    def code(self, text, **environment):
        """What Python code prints as JSON."""
        done = self.run(self.python, "-c", text, **environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    root = str(tmp_path_factory.mktemp("installed") / "venv")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    for command in (
        [sys.executable, "-m", "venv", "--without-pip", root],
        [*pip, "--python", root, "install", "-q", "--no-index", wheel],
    ):
        done = run(command)
        assert done.returncode == 0, done.stdout + done.stderr
    return Installed(root)


def declared_version():
    with open(os.path.join(ROOT, "CMakeLists.txt")) as file:
        return re.search(r"^project\(tilewright VERSION ([\d.]+)", file.read(), re.M)[1]


def sources(folder, *endings):
    """Paths of files below `folder` of the repository, relative to it."""
    return {
        os.path.relpath(os.path.join(parent, name), folder)
        for parent, _, names in os.walk(folder)
        for name in names
        if name.endswith(endings)
    }


def test_size(wheel):
    assert os.path.getsize(wheel) < LIMIT
    with zipfile.ZipFile(wheel) as archive:
        # One copy of LLVM: the library; the program is an entry to it.
        large = [i.filename for i in archive.infolist() if i.file_size > 500_000]
    assert large == ["tilewright/lib/libtilewright.so"]


def test_contents(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
        program = archive.getinfo("tilewright/bin/tilewright")
    mode = program.external_attr >> 16
    assert mode & (stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH) == 0o111
    info = f"tilewright-{declared_version()}.dist-info/"
    package = {
        "tilewright/" + name
        for name in sources(os.path.join(ROOT, "python/tilewright"), ".py")
    }
    kernels = {
        "tilewright/kernels/" + name
        for name in sources(os.path.join(ROOT, "kernels"), ".tw", ".md", ".json")
    }
    headers = {
        "tilewright/include/tilewright-c/" + name
        for name in sources(os.path.join(ROOT, "runtime/include/tilewright-c"), ".h")
    }
    assert "tilewright/kernels/" + KERNEL in kernels and len(headers) > 1
    expected = package | kernels | headers
    expected |= {"tilewright/bin/tilewright", "tilewright/lib/libtilewright.so"}
    for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt"):
        expected.add(info + name)
    for name in ("LICENSE", "THIRD-PARTY-LICENSES.txt"):
        expected.add(info + "licenses/" + name)
    assert names == expected


def test_tag_and_metadata(wheel):
    name = os.path.basename(wheel)
    parts = re.fullmatch(
        r"tilewright-([\d.]+)-py3-none-(manylinux_2_\d+_x86_64)\.whl", name
    )
    assert parts and parts[1] == declared_version(), name
    with zipfile.ZipFile(wheel) as archive:
        info = f"tilewright-{parts[1]}.dist-info/"
        tags = archive.read(info + "WHEEL").decode()
        metadata = archive.read(info + "METADATA").decode()
    assert re.findall(r"^Tag: (.*)$", tags, re.M) == [f"py3-none-{parts[2]}"]
    assert "Root-Is-Purelib: false" in tags
    assert "License-Expression: Apache-2.0 WITH LLVM-exception" in metadata
    assert "Requires-Python: >=3.10" in metadata
    assert "Requires-Dist" not in metadata  # A driver and Python are enough.


def test_knows_no_path_of_the_build(wheel):
    paths = [os.path.join(ROOT, part) for part in ("compiler/", "runtime/", "dsl/")]
    paths += [BUILD + "/", os.path.dirname(wheel)]
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            data = archive.read(name)
            for path in paths:
                assert path.encode() not in data, f"{name} holds {path}"


def test_import(installed):
    found = installed.code(
        "import json, tilewright as t\n"
        "print(json.dumps([t.__file__, t.kernel_path(), t.__version__]))"
    )
    assert found == [
        os.path.join(installed.package, "__init__.py"),
        os.path.join(installed.package, "kernels", ""),
        declared_version(),
    ]


def test_unknown_kernel_is_refused_by_name(installed):
    message = installed.code(
        "import json, tilewright\n"
        "try: tilewright.kernel_path('gemm/other.tw')\n"
        "except tilewright.ArgumentError as error: print(json.dumps(str(error)))"
    )
    assert "'gemm/other.tw'" in message and KERNEL in message


COMPILE = f"""
import json, tilewright
kernel = tilewright.compile(tilewright.kernel_path({KERNEL!r}), target="sm_90a",
                            constants={CONSTANTS})
kernel.save("from-python")
print(json.dumps([kernel.name, kernel.manifest["resources"]["assembler"],
                  kernel.image[:4].hex(), kernel.info()]))
"""


@pytest.mark.parametrize(
    "options, message",
    [
        ({"hint.buffers": "-1"}, "hint 'buffers' cannot be -1"),
        ({"hint.buffers": "x"}, "option 'hint.buffers': 'x' is no whole number"),
        ({"hint.stages": "3"}, "unknown hint 'stages' for a kernel"),
        ({"speed": "1"}, "unknown option 'speed'"),
    ],
)
def test_options_are_refused_by_name(installed, options, message):
    refused = installed.code(
        "import json, tilewright\n"
        f"try: tilewright.compile(tilewright.kernel_path({KERNEL!r}),\n"
        f"                        constants={CONSTANTS}, options={options!r})\n"
        "except tilewright.CompileError as error: print(json.dumps(str(error)))"
    )
    assert message in refused


def test_compile_from_python_without_toolkit(installed):
    name, assembler, _, table = installed.code(COMPILE, TILEWRIGHT_PTXAS="driver")
    assert name == "fp8_gemm_nt" and assembler.startswith(DRIVER)
    assert "fp8_gemm_nt for sm_90a" in table
    with open(os.path.join(installed.root, "from-python.ptx")) as file:
        assert ".target sm_90a" in file.read()
    with open(os.path.join(installed.root, "from-python.json")) as file:
        assert json.load(file)["kernel"] == "fp8_gemm_nt"


def test_compile_in_empty_environment(installed):
    kernel = os.path.join(installed.package, "kernels", KERNEL)
    done = installed.run(installed.program, "compile", kernel, *FLAGS, "-o", "gemm")
    assert done.returncode == 0, done.stderr
    with open(os.path.join(installed.root, "gemm.json")) as file:
        assembler = json.load(file)["resources"]["assembler"]
    # Nothing is left but a toolkit in the default place.
    ending = ".ptx" if assembler.startswith(DRIVER) else ".cubin"
    assert os.path.getsize(os.path.join(installed.root, "gemm" + ending)) > 1000
    if not os.path.isdir("/usr/local/cuda"):
        assert assembler.startswith(DRIVER), assembler


def test_info(installed):
    kernel = os.path.join(installed.package, "kernels", KERNEL)
    done = installed.run(installed.python, "-m", "tilewright", "info", kernel, *FLAGS)
    assert done.returncode == 0, done.stderr
    assert "fp8_gemm_nt for sm_90a" in done.stdout
    assert "shared memory" in done.stdout and "assembler" in done.stdout


def test_run_on_the_simulator(installed):
    kernel = os.path.join(installed.package, "kernels", KERNEL)
    done = installed.run(
        *(installed.program, "run", kernel, *FLAGS, "--device", "sim"),
        *("--shape", "M=129,N=40,K=576", "--check"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "check: ok"


def test_exit_status_and_version(installed):
    done = installed.run(installed.program, "compile", "no-such-file.tw")
    assert done.returncode == 1
    assert "cannot read 'no-such-file.tw'" in done.stderr
    done = installed.run(installed.program, "--version")
    assert done.returncode == 0
    assert done.stdout.startswith(f"tilewright {declared_version()} ")


def test_finds_the_assembler_installed_beside_it(installed):
    ptxas = os.environ.get("TILEWRIGHT_PTXAS", "")
    if not os.path.isfile(ptxas):
        pytest.skip("no ptxas in $TILEWRIGHT_PTXAS to install")
    # Where the packages of CUDA 13, which PyTorch brings, have it.
    folder = os.path.join(installed.site, "nvidia", "cu13", "bin")
    os.makedirs(folder)
    os.symlink(ptxas, os.path.join(folder, "ptxas"))
    try:
        kernel = os.path.join(installed.package, "kernels", KERNEL)
        done = installed.run(installed.program, "info", kernel, *FLAGS)
        assert f"Python packages of {installed.site})" in done.stdout, done.stdout
        # In Python's process, which is not the environment's own file.
        _, assembler, magic, _ = installed.code(COMPILE)
        assert f"Python packages of {installed.site})" in assembler
        assert bytes.fromhex(magic) == b"\x7fELF"
    finally:
        os.unlink(os.path.join(folder, "ptxas"))
        os.removedirs(folder)
