"""What the times depend on besides the code, as far as this machine shows it. What it does not show is None, never 0.

Everything is read from /proc, /sys, the environment and installed metadata: nothing is imported to learn its version.
"""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any

import psutil

PACKAGES = ("numpy", "scipy", "torch", "tensorflow", "keras", "jax", "jaxlib", "pytest", "pytest-benchmark")
"""Distributions whose versions a run records."""

VARIABLES = ("PYTHONHASHSEED", "PYTHONMALLOC", "MALLOC_ARENA_MAX", "LD_PRELOAD", "NPROC", "PJRT_NPROC")
PREFIXES = (
    "OMP_", "KMP_", "GOMP_", "OPENBLAS_", "MKL_", "BLIS_", "VECLIB_", "NUMEXPR_", "NUMPY_", "NPY_",
    "TORCH_", "TORCHINDUCTOR_", "PYTORCH_", "TF_NUM_", "TF_XLA_", "TF_ENABLE_", "TF_FORCE_", "TF_DISABLE_",
    "JAX_", "XLA_", "KERAS_", "CUDA_", "CUBLAS_", "NVIDIA_TF32_",
)  # fmt: skip
"""Environment variables that are known to change what is computed or how fast."""

ROOT = Path("/")


def environment(root: Path = ROOT) -> dict[str, Any]:
    """The run file's `environment`, ready for JSON. `root` is where /proc and /sys are looked for."""
    cpus = affinity()
    return {
        "cpu": cpu_model(root),
        "cores": os.cpu_count(),
        "affinity": cpus,
        "governor": governor(cpus, root),
        "turbo": turbo(root),
        "load": load(),
        "memory_bytes": psutil.virtual_memory().total,
        "container": container(root),
        "variables": variables(os.environ),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": versions(),
    }


def cpu_model(root: Path = ROOT) -> str | None:
    """The processor's name: from /proc/cpuinfo ("model name"; "Model" or "Hardware" on ARM), else the platform's."""
    lines = (read_text(root / "proc/cpuinfo") or "").splitlines()
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    names = [fields[key] for key in ("model name", "Model", "Hardware", "cpu") if fields.get(key)]
    return names[0] if names else _macos_cpu() or platform.processor() or None


def affinity() -> list[int] | None:
    """The CPUs that this process may use, or None where the platform does not report them."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def governor(cpus: Iterable[int] | None, root: Path = ROOT) -> str | None:
    """The frequency governor of these CPUs ("performance", or "performance, powersave" where they differ)."""
    names = {read_text(root / f"sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor") for cpu in cpus or ()}
    return ", ".join(sorted(name for name in names if name)) or None


def turbo(root: Path = ROOT) -> bool | None:
    """Whether the CPU may exceed its nominal frequency. Virtual machines mostly do not show it."""
    cpu = root / "sys/devices/system/cpu"
    no_turbo, boost = _number(read_text(cpu / "intel_pstate/no_turbo")), _number(read_text(cpu / "cpufreq/boost"))
    if no_turbo is not None:
        return no_turbo == 0
    return None if boost is None else boost != 0


def load() -> list[float] | None:
    """The load averages over 1, 5 and 15 minutes: runnable processes, this one included."""
    try:
        return list(os.getloadavg())
    except (AttributeError, OSError):
        return None


def container(root: Path = ROOT) -> dict[str, Any]:
    """The limits that control groups put on this process: {"cgroup": 2, 1 or None, "cpus": 1.5, "memory_bytes": …}.

    `cpus` is the CPU time allowed per unit of time: a process that exceeds it is stopped until the next period. Version
    2 has one tree, version 1 one per controller. Every ancestor's limit binds, so the tightest counts.
    """
    tree = root / "sys/fs/cgroup"
    groups = _own_groups(root)
    if (tree / "cgroup.controllers").exists():
        version = 2
        quotas = [text.split() for text in _along(tree, groups.get("", "/"), "cpu.max")]
        limits = _along(tree, groups.get("", "/"), "memory.max")
    elif (tree / "cpu").exists() or (tree / "memory").exists():
        version = 1
        own = groups.get("cpu", "/")
        both = [_along(tree / "cpu", own, f"cpu.cfs_{what}_us") for what in ("quota", "period")]
        quotas = [list(pair) for pair in zip(*both, strict=False)]
        limits = _along(tree / "memory", groups.get("memory", "/"), "memory.limit_in_bytes")
    else:
        return {"cgroup": None, "cpus": None, "memory_bytes": None}
    cpus = [int(quota) / int(period) for quota, period in quotas if quota.isdigit()]  # no limit is "max", or −1
    memory = [int(text) for text in limits if text.isdigit() and int(text) < UNLIMITED_BYTES]
    return {"cgroup": version, "cpus": min(cpus, default=None), "memory_bytes": min(memory, default=None)}


def variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment variables that are known to change results or times."""
    return {key: environ[key] for key in sorted(environ) if key in VARIABLES or key.startswith(PREFIXES)}


def versions(packages: Iterable[str] = PACKAGES) -> dict[str, str | None]:
    """Installed versions, None for what is not installed."""

    def version(package: str) -> str | None:
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            return None

    return {package: version(package) for package in packages}


UNLIMITED_BYTES = 1 << 60
"""Version 1 writes "no limit" as the largest multiple of a page below 2⁶³."""


def _own_groups(root: Path) -> dict[str, str]:
    """{controller: this process's group}; version 2's single tree has the empty name."""
    lines = (read_text(root / "proc/self/cgroup") or "").splitlines()
    entries = [line.split(":", 2) for line in lines if line.count(":") >= 2]
    return {controller: path for _, controllers, path in entries for controller in controllers.split(",")}


def _along(tree: Path, group: str, name: str) -> list[str]:
    """A file's text in this group and all its ancestors. (In a container the tree may begin at the group itself.)"""
    own = PurePosixPath("/", group)
    texts = [read_text(tree / str(folder).lstrip("/") / name) for folder in (own, *own.parents)]
    return [text for text in texts if text]


def read_text(path: Path) -> str | None:
    """The file's text without the spaces around it, None where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def _number(text: str | None) -> int | None:
    try:
        return int(text or "")
    except ValueError:
        return None


def _macos_cpu() -> str | None:
    if platform.system() != "Darwin":
        return None
    sysctl = subprocess.run(["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=False)
    return sysctl.stdout.strip() or None
