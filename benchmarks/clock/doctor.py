"""What makes the contest unfair on this machine: something outside that slows or replaces a contestant.

Each check is one function in `CHECKS`: from what is known here to the sentences that describe what it sees, none where
all is well. What replaces the thing that is measured (a compiled execution that is not compiled, a tracer in the timed
process) fails its cases: `turned_off`, by the environment, and `in_this_process`, asked of each worker after its
import.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from samegrad.benchmarks.clock import cpus
from samegrad.benchmarks.clock.environment import ROOT, container, governor
from samegrad.benchmarks.documents.doctor import Handicap
from samegrad.impls.registry.entry import Entry

WATCH_S = 0.3
BUSY = 0.2
"""The share of its time from which on a CPU is not idle."""
STOLEN = 0.02
SWAPPED_BYTES = 64 << 20
KERNELS = ("OPENBLAS_CORETYPE", "MKL_ENABLE_INSTRUCTIONS", "MKL_DEBUG_CPU_TYPE", "BLIS_ARCH_TYPE")
FEATURES = ("NPY_DISABLE_CPU_FEATURES", "ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
BINDING = ("GOMP_CPU_AFFINITY", "OMP_PROC_BIND", "OMP_PLACES", "KMP_AFFINITY")
SLOWING = ("JAX_DEBUG_NANS", "JAX_DEBUG_INFS", "JAX_ENABLE_CHECKS", "JAX_CHECK_TRACER_LEAKS", "TORCH_LOGS")
TRACING = ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG", "PYTHONTRACEMALLOC", "PYTHONPROFILEIMPORTTIME")
UNCOMPILED = {"jax": ("JAX_DISABLE_JIT",), "torch": ("TORCHDYNAMO_DISABLE", "TORCH_COMPILE_DISABLE")}
"""The environment variables that turn a compiler off, by the package that computes."""
XLA_FLAGS = (
    "optimization_level",
    "dump",
    "fast_math",
    "multi_thread_eigen",
    "disable",
    "thunk",
    "host_platform",
    "isa",
)
"""Parts of the names of flags that change how fast XLA computes."""
ARCHITECTURES = """
import json, numpy, threadpoolctl
numpy.ones((2, 2)).dot(numpy.ones((2, 2)))
print(json.dumps([pool.get("architecture") for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]))
"""


@dataclass(frozen=True)
class Machine:
    """The machine and the environment that the checks examine."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    root: Path = ROOT
    """The folder that contains /proc and /sys."""
    pinned_to: Sequence[int] = ()


def is_set(environ: Mapping[str, str], name: str) -> bool:
    """Whether a variable is set to a value that the frameworks take for yes."""
    return environ.get(name, "").strip().lower() not in ("", "0", "false", "off", "no", "n", "f")


def forced_kernels(environ: Mapping[str, str]) -> str:
    """The setting that keeps BLAS from its own choice of kernels: `OPENBLAS_CORETYPE=Haswell`; "" for none."""
    forced = {name: environ[name] for name in KERNELS if name in environ}
    if not forced or _architectures(environ) == _architectures(without_forced(environ)):
        return ""
    return ", ".join(f"{name}={value}" for name, value in forced.items())


def without_forced(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment in which BLAS chooses its kernels by itself."""
    return {name: value for name, value in environ.items() if name not in KERNELS}


def kernels(machine: Machine) -> Iterator[str]:
    """BLAS kernels and vector instructions by order, and not by what the CPU has."""
    if variable := forced_kernels(machine.environ):
        chosen, own = (_architectures(environ) for environ in (machine.environ, without_forced(machine.environ)))
        yield f"{variable} has BLAS use its kernels for {_and(chosen)}; by itself it takes those for {_and(own)}"
    for name in FEATURES:
        if machine.environ.get(name):
            yield f"{name}={machine.environ[name]} keeps instructions of this CPU from being used"


def compilers(machine: Machine) -> Iterator[str]:
    """Compilers that are switched off, so that compiled implementations would not be compiled."""
    for package, names in UNCOMPILED.items():
        for name in names:
            if is_set(machine.environ, name):
                yield f"{name}={machine.environ[name]} turns off the compiler of {package}: what needs it is not timed"


def variables(machine: Machine) -> Iterator[str]:
    """Settings of one framework that slow it."""
    if machine.environ.get("TF_ENABLE_ONEDNN_OPTS", "1").strip().lower() in ("0", "false"):
        yield "TF_ENABLE_ONEDNN_OPTS=0 turns off TensorFlow's fast kernels for this CPU"
    for name in SLOWING:
        if is_set(machine.environ, name):
            yield f"{name}={machine.environ[name]} has its framework check or log what it computes"
    flags = [flag for flag in machine.environ.get("XLA_FLAGS", "").split() if any(part in flag for part in XLA_FLAGS)]
    if flags:
        yield f"XLA_FLAGS has {' '.join(flags)}, which changes how XLA compiles or runs"


def tracers(machine: Machine) -> Iterator[str]:
    """Tools that would trace every line or allocation of the timed processes."""
    for name in TRACING:
        if is_set(machine.environ, name):
            yield f"{name}={machine.environ[name]} has Python watched while it is timed"
    yield from _python(machine.environ)


def _python(environ: Mapping[str, str]) -> Iterator[str]:
    if sysconfig.get_config_var("Py_DEBUG"):
        yield "this Python is a debug build, in which every call is slower"
    if "debug" in environ.get("PYTHONMALLOC", ""):
        yield f"PYTHONMALLOC={environ['PYTHONMALLOC']} has every allocation checked"
    if sys.flags.dev_mode or is_set(environ, "PYTHONDEVMODE"):
        yield "Python's development mode (-X dev, PYTHONDEVMODE) has every allocation checked"


def binding(machine: Machine) -> Iterator[str]:
    """Variables that move one framework to other CPUs than the rest; each worker is moved back, or fails."""
    for name in BINDING:
        if machine.environ.get(name, "").strip().lower() not in ("", "false", "none", "disabled"):
            yield f"{name}={machine.environ[name]} moves the frameworks that use OpenMP to CPUs of its own choice"


def quota(machine: Machine) -> Iterator[str]:
    """A container that is suspended for the rest of a period once its CPU quota is used up."""
    allowed = container(machine.root)["cpus"]
    if allowed is not None and allowed < max(1, len(machine.pinned_to)) + 0.5:
        yield f"this container may use {allowed:g} CPUs' time and is stopped when it is used up"


def cores(machine: Machine) -> Iterator[str]:
    """CPUs that are slower than others of this machine."""
    slow = sorted(set(machine.pinned_to) - set(cpus.fastest(cpus.usable(), machine.root)))
    if slow:
        yield f"the workers are pinned to CPU {_and(slow)}, an efficiency core: slower than others of this machine"
    names = governor(machine.pinned_to or cpus.usable(), machine.root) or ""
    if set(names.split(", ")) & {"powersave", "conservative", "ondemand"}:
        yield f"the governor of the CPU's frequency is {names!r}, which lowers it between blocks; take performance"


def neighbours(machine: Machine) -> Iterator[str]:
    """Processes that take time from the pinned CPUs, watched for a moment."""
    siblings = set(cpus.siblings(machine.pinned_to, machine.root)) - set(machine.pinned_to)
    before = psutil.cpu_times(percpu=True)
    time.sleep(WATCH_S)
    spent = [
        {key: getattr(now, key) - getattr(then, key) for key in now._fields}
        for then, now in zip(before, psutil.cpu_times(percpu=True), strict=True)
    ]
    for cpu in sorted(siblings):
        if cpu < len(spent) and (total := sum(spent[cpu].values())) and 1 - spent[cpu].get("idle", 0) / total > BUSY:
            yield f"CPU {cpu} is busy, which shares a core with the CPU that the workers are pinned to"
    total = sum(sum(times.values()) for times in spent)
    stolen = sum(times.get("steal", 0) for times in spent)
    if total and stolen / total > STOLEN:
        yield f"other virtual machines take {stolen / total:.0%} of this one's CPU time"


def swap(machine: Machine) -> Iterator[str]:
    """Memory that was swapped to disk."""
    lines = dict(
        line.split(":", 1) for line in _text(machine.root / "proc/meminfo").splitlines() if line.startswith("Swap")
    )
    used_bytes = 1024 * (_kilobytes(lines.get("SwapTotal")) - _kilobytes(lines.get("SwapFree")))
    if used_bytes > SWAPPED_BYTES:
        yield f"{used_bytes / 2**20:,.0f} MiB of memory are swapped out: a page that comes back takes milliseconds"


def pinning(machine: Machine) -> Iterator[str]:
    """Workers that are not pinned, as the system does not allow it or has no way to."""
    if not machine.pinned_to:
        yield "the workers are not pinned to a CPU, as the system does not allow it: they move, and ratios scatter"


CHECKS: dict[str, Callable[[Machine], Iterator[str]]] = {
    "kernels": kernels,
    "compilers": compilers,
    "variables": variables,
    "tracers": tracers,
    "binding": binding,
    "quota": quota,
    "cores": cores,
    "neighbours": neighbours,
    "swap": swap,
    "pinning": pinning,
}


def examine(machine: Machine) -> list[Handicap]:
    """Every handicap of this machine and environment."""
    return [Handicap(handicap=name, sentence=sentence) for name, check in CHECKS.items() for sentence in check(machine)]


def turned_off(entry: Entry, environ: Mapping[str, str]) -> str | None:
    """Why the execution that this implementation is named for would not be what runs, or None."""
    for package, names in UNCOMPILED.items():
        is_compiled = "compile" in entry.execution or "jit" in entry.execution
        if is_compiled and package in (*entry.packages, entry.framework):
            for name in names:
                if is_set(environ, name):
                    return f"{entry.name} is not timed: {name}={environ[name]} turns its compiler off; unset it"
    return None


def in_this_process() -> tuple[list[str], list[str]]:
    """Tools that trace this process, so that nothing may be timed in it; and what else differs here from the others."""
    watching = []
    if sys.gettrace() or sys.getprofile() or any(map(_monitored, range(6))):
        watching.append("a tracer, coverage or debugger watches every line of the timed process")
    if tracemalloc.is_tracing():
        watching.append("tracemalloc watches every allocation of the timed process")
    status = dict(line.split(":", 1) for line in _text(ROOT / "proc/self/status").splitlines() if ":" in line)
    if status.get("TracerPid", "0").strip() != "0":
        watching.append("a debugger is attached to the timed process")
    tiny = np.array([np.finfo(np.float64).tiny])
    differs = [] if (tiny / 2)[0] else ["importing it has this process flush denormal numbers to 0, unlike the others"]
    return watching, differs


def _monitored(tool: int) -> bool:
    monitoring = getattr(sys, "monitoring", None)
    return bool(monitoring and monitoring.get_tool(tool) and monitoring.get_events(tool))


def _architectures(environ: Mapping[str, str]) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", ARCHITECTURES], env=dict(environ), capture_output=True, text=True, check=False
    )
    try:
        return [str(name) for name in json.loads(done.stdout.splitlines()[-1])]
    except (IndexError, ValueError):
        return []


def _and(names: Sequence[object]) -> str:
    return " and ".join(map(str, names)) or "nothing known"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _kilobytes(value: str | None) -> int:
    return int((value or "0").split()[0])
