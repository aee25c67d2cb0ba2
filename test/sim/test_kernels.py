# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Kernels over small shapes on the simulator, compared with float64: tails, one
iteration, none, a ring that is not filled, just filled and filled again, one
and several tiles for a CTA, and three orders in which copies complete.

    PATH=build/dev/bin:$PATH python3 -m pytest test/sim

Nothing here needs a GPU or a ptxas: the simulator executes the PTX.
"""
import json
import os
import shutil
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = shutil.which("tilewright")

if not TOOL:
    pytest.skip("no tilewright in PATH", allow_module_level=True)

COMMON = {"CL": 1, "G": 8}  # CTAs of a cluster; columns of a band.


class Kernel:
    """A kernel file with its constants. `units`: what the extents of a shape
    must be multiples of (a bulk store writes whole units of 16 bytes)."""

    def __init__(self, name, file, block, units=(1, 8, 1), **constants):
        self.name, self.block, self.units = name, block, units
        self.file = os.path.join(ROOT, "kernels", file)
        self.constants = dict(COMMON, **constants)
        if "S" in constants:
            del self.constants["CL"]
        # CTAs of a cluster, and the blocks of K that each of them takes of a tile.
        self.cluster = constants.get("S", self.constants.get("CL", 1))
        self.split = constants.get("S", 1)
        self.depth = None

    def tile(self):
        return self.constants["BM"], self.constants["BN"]

    def options(self):
        return [f"-D{name}={value}" for name, value in self.constants.items()]

    def stages(self, folder):
        """The depth of the ring between load and math, from the manifest."""
        if self.depth is None:
            stem = os.path.join(folder, self.name)
            command = [TOOL, "compile", self.file, "--ptxas", "driver", "-o", stem]
            subprocess.run(command + self.options(), check=True)
            with open(stem + ".json", encoding="utf-8") as file:
                buffers = json.load(file)["resources"]["buffers"]
            (self.depth,) = [b["stages"] for b in buffers if b["name"] == "ab"]
        return self.depth

    def run(self, shape, schedule="latest", sms=4):
        extents = ",".join(
            f"{name}={-(-extent // unit) * unit}"
            for name, extent, unit in zip("MNK", shape, self.units)
        )
        command = [TOOL, "run", self.file, "--device", "sim", "--check=full"]
        command += ["--ptxas", "driver", "--shape", extents]
        # Whole clusters.
        command += ["--schedule", schedule, "--sms", str(sms * self.cluster)]
        done = subprocess.run(
            command + self.options(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        output = done.stdout.decode("utf-8", "replace")
        assert done.returncode == 0 and output.endswith("check: ok\n"), output


def gemms():
    yield Kernel("gemm", "gemm/fp8_gemm_nt.tw", 128, BM=64, BN=32, WG=1)
    yield Kernel("gemm-2", "gemm/fp8_gemm_nt.tw", 128, BM=128, BN=48, WG=2)
    yield Kernel("gemm-cl2", "gemm/fp8_gemm_nt.tw", 128, BM=64, BN=32, WG=1, CL=2)
    swap = "gemm/fp8_gemm_nt_swap_ab.tw"
    yield Kernel("swap", swap, 128, BM=16, BN=64, WG=1, S=1)
    yield Kernel("swap-2", swap, 128, BM=8, BN=128, WG=2, S=1)
    # A cluster shares a tile: parts of 4 rows, of 1 row, of 16 columns.
    yield Kernel("swap-s4", swap, 128, BM=16, BN=64, WG=1, S=4)
    yield Kernel("swap-s8", swap, 128, BM=8, BN=128, WG=2, S=8)
    split = "gemm/fp8_gemm_nt_split_k.tw"
    yield Kernel("split-s2", split, 128, BM=64, BN=32, WG=1, S=2)
    yield Kernel("split-s3", split, 128, BM=128, BN=24, WG=2, S=3)
    yield Kernel(
        "wgrad", "gemm/fp8_wgrad_nt.tw", 128, (1, 4, 1), BM=64, BN=32, WG=1
    )
    for a in "KM":
        for b in "KN":
            add = a == b
            yield Kernel(
                f"bf16-{a}{b}".lower(),
                "sketches/bf16_gemm.tw",
                64,
                BM=64,
                BN=64,
                WG=1,
                TD="f32" if add else "bf16",
                ADD=str(add).lower(),
                MA=a,
                MB=b,
            )


KERNELS = list(gemms())
SCHEDULES = ["latest", "earliest", "random:1"]


def named(kernels):
    return pytest.mark.parametrize("kernel", kernels, ids=lambda k: k.name)


@named(KERNELS)
@pytest.mark.parametrize("trips", ["0", "1", "depth-1", "depth", "depth+1"])
def test_trips(kernel, trips, tmp_path):
    """A ring with so many puts and gets a tile; four tiles of one CTA (or of one
    cluster), so that slots and phases go on from tile to tile."""
    depth = kernel.stages(str(tmp_path))
    counts = {"0": 0, "1": 1, "depth-1": depth - 1, "depth": depth}
    count = counts.get(trips, depth + 1)
    m, n = kernel.tile()
    # A schedule for each, a different one for neighbours.
    schedule = SCHEDULES[(count + KERNELS.index(kernel)) % 3]
    kernel.run((m + 1, n + 1, count * kernel.split * kernel.block), schedule, sms=1)


@named(KERNELS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_tails(kernel, schedule):
    """Edges in every dimension; three CTAs have nine tiles."""
    m, n = kernel.tile()
    kernel.run((2 * m + 3, 2 * n + 5, 2 * kernel.block + 16), schedule, sms=3)


@named(KERNELS)
@pytest.mark.parametrize("sms", [1, 2, 16])
def test_tiles_of_a_cta(kernel, sms):
    """Six tiles for one CTA, three for each of two, one for each of six."""
    m, n = kernel.tile()
    kernel.run((2 * m, 3 * n, kernel.block), "random:%d" % sms, sms)


@named(KERNELS)
def test_smallest(kernel):
    kernel.run((1, 1, 1))
