# lit configuration. Tests are .mlir, .tw and .test files whose RUN lines name
# the build's tools, FileCheck, not and split-file.
#
# Substitutions:  %kernels   the shipped kernels (kernels/)
#                 %src       the root of the source tree
#                 %ptxas     the ptxas found (under `REQUIRES: ptxas` only)
#                 %nvdisasm  the disassembler found (REQUIRES: nvdisasm)
#                 %cuda_fake the driver of the runtime's tests (under the
#                            feature cuda-fake): it launches nothing
# Features:       ptxas      a ptxas was found, see find_ptxas
#                 nvdisasm   NVIDIA's disassembler was found
#                 gpu        a CUDA driver with at least one device
#                 sm_90      its first device is a Hopper
#                 NAME       for each tool NAME in the build's bin folder
import ctypes
import glob
import os
import shutil

import lit.formats

source = config.tilewright_source

config.name = "tilewright"
config.test_format = lit.formats.ShTest(True)
config.suffixes = [".mlir", ".tw", ".test"]
config.excludes = ["Inputs", "CMakeLists.txt"]
config.test_source_root = os.path.dirname(__file__)


def find_ptxas():
    """The ptxas that `tilewright` would use: $TILEWRIGHT_PTXAS, $CUDA_HOME,
    PATH, the usual toolkit folder, then the Python package that
    scripts/setup.sh installs."""
    candidates = [os.environ.get("TILEWRIGHT_PTXAS")]
    if os.environ.get("CUDA_HOME"):
        candidates.append(os.path.join(os.environ["CUDA_HOME"], "bin", "ptxas"))
    candidates.append(shutil.which("ptxas"))
    candidates.append("/usr/local/cuda/bin/ptxas")
    candidates += sorted(
        glob.glob(
            os.path.join(source, ".venv/lib/python3*/site-packages/nvidia/*/bin/ptxas")
        )
    )
    for candidate in candidates:
        if candidate and os.access(candidate, os.X_OK):
            return candidate
    return None


def find_nvdisasm():
    """nvdisasm on PATH, of a toolkit, or the Python package's."""
    candidates = [shutil.which("nvdisasm"), "/usr/local/cuda/bin/nvdisasm"]
    candidates += sorted(
        glob.glob(
            os.path.join(
                source, ".venv/lib/python3*/site-packages/nvidia/*/bin/nvdisasm"
            )
        )
    )
    for candidate in candidates:
        if candidate and os.access(candidate, os.X_OK):
            return candidate
    return None


def find_gpu():
    """The first device's compute capability, or None where there is no
    driver or no device."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    count, device = ctypes.c_int(), ctypes.c_int()
    major, minor = ctypes.c_int(), ctypes.c_int()
    if (
        cuda.cuInit(0) != 0
        or cuda.cuDeviceGetCount(ctypes.byref(count)) != 0
        or count.value == 0
        or cuda.cuDeviceGet(ctypes.byref(device), 0) != 0
    ):
        return None
    # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_{MAJOR,MINOR} = 75, 76.
    cuda.cuDeviceGetAttribute(ctypes.byref(major), 75, device)
    cuda.cuDeviceGetAttribute(ctypes.byref(minor), 76, device)
    return major.value, minor.value


config.substitutions.append(("%kernels", os.path.join(source, "kernels")))
config.substitutions.append(("%src", source))

ptxas = find_ptxas()
if ptxas:
    config.available_features.add("ptxas")
    config.substitutions.append(("%ptxas", ptxas))
    config.environment["TILEWRIGHT_PTXAS"] = ptxas

nvdisasm = find_nvdisasm()
if nvdisasm:
    config.available_features.add("nvdisasm")
    config.substitutions.append(("%nvdisasm", nvdisasm))

capability = find_gpu()
if capability:
    config.available_features.add("gpu")
    if capability[0] == 9:
        config.available_features.add("sm_90")

cuda_fake = os.path.join(
    os.path.dirname(config.tilewright_bin), "test", "fake", "libcuda-fake.so"
)
if os.path.exists(cuda_fake):
    config.available_features.add("cuda-fake")
    config.substitutions.append(("%cuda_fake", cuda_fake))

for tool in sorted(glob.glob(os.path.join(config.tilewright_bin, "tilewright*"))):
    config.available_features.add(os.path.basename(tool))

# This build's tools, then FileCheck, not and split-file of the same LLVM.
config.environment["PATH"] = os.pathsep.join(
    [config.tilewright_bin, config.llvm_bin, os.environ.get("PATH", "")]
)
for name in ("CUDA_HOME", "HOME", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES"):
    if name in os.environ:
        config.environment[name] = os.environ[name]
# No test reads or fills the user's disk cache.
config.environment["TILEWRIGHT_CACHE_DIR"] = os.path.join(
    config.test_exec_root, "cache"
)
