# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What measurements depend on."""
import datetime
import os
import platform
import subprocess

QUERY = (
    "name,driver_version,power.limit,clocks.sm,clocks.max.sm,clocks.mem,"
    "temperature.gpu,power.draw"
)


def nvidia_smi():
    """{field: text} of the first GPU, or {} where nvidia-smi does not answer."""
    try:
        done = subprocess.run(
            ["nvidia-smi", f"--query-gpu={QUERY}", "--format=csv,noheader", "-i", "0"],
            capture_output=True,
            text=True,
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    values = [value.strip() for value in done.stdout.strip().split(",")]
    fields = QUERY.split(",")
    return dict(zip(fields, values)) if len(values) == len(fields) else {}


def revision(root):
    """The commit of a checkout, "…+" where files differ, or None."""
    try:
        head, status = (
            subprocess.run(
                ["git", "-c", f"safe.directory={root}", "-C", root, *arguments],
                capture_output=True,
                text=True,
                timeout=30,
                check=True,
            ).stdout.strip()
            for arguments in (
                ("rev-parse", "--short", "HEAD"),
                ("status", "--porcelain", "-uno"),
            )
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return head + ("+" if status else "")


def copy_bandwidth():
    """TB/s of a device copy of 4 GB, bytes read and written."""
    import torch

    source = torch.empty(10**9, dtype=torch.int32, device="cuda").fill_(1)
    target = torch.empty_like(source)
    target.copy_(source)
    start = torch.cuda.Event(enable_timing=True)
    end = torch.cuda.Event(enable_timing=True)
    rounds = 5
    start.record()
    for _ in range(rounds):
        target.copy_(source)
    end.record()
    torch.cuda.synchronize()
    return 2 * rounds * source.nbytes / start.elapsed_time(end) / 1e9


def describe(root, device=True):
    """Everything about this machine and process that goes into a result."""
    import torch

    info = {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat("T", "seconds"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cublas": os.environ.get("CUBLAS_VERSION"),
        "revision": revision(root),
        "nvidia-smi": nvidia_smi() if device else {},
    }
    try:
        import deep_gemm

        info["deep_gemm"] = deep_gemm.__version__
    except Exception:  # Absent or not importable: the table says why.
        info["deep_gemm"] = None
    if device:
        properties = torch.cuda.get_device_properties(0)
        info["gpu"] = properties.name
        info["multiprocessors"] = properties.multi_processor_count
        info["copy_tbs"] = copy_bandwidth()
    return info
