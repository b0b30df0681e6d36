"""What kind of machine this is: names and counts that do not change from day to day, never readings such as MHz.

Two hosts with the same names and counts are two draws of one kind. A reading would make a new machine of each reboot.
"""

from __future__ import annotations

import hashlib
import os
import platform
from pathlib import Path
from typing import Any

import psutil

from samegrad.benchmarks.clock.environment import ROOT, cpu_model, read_text

HASH_DIGITS = 12


def identity(root: Path = ROOT) -> dict[str, Any]:
    """The run file's `environment.identity`, ready for JSON. `root` is where /proc, /sys and /etc are looked for.

    The host is a hash, since its name may say whose it is.
    """
    return {
        "cpu": cpu_model(root),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "hypervisor": hypervisor(root),
        "microcode": cpuinfo(root).get("microcode"),
        "kernel": platform.release(),
        "host": host(platform.node(), read_text(root / "etc/machine-id") or ""),
    }


def host(name: str, machine_id: str) -> str:
    """The hash of a host's name and of the number that its system was installed with: images of one name differ."""
    return hashlib.sha256(f"{machine_id}\n{name}".encode()).hexdigest()[:HASH_DIGITS]


def hypervisor(root: Path = ROOT) -> str | None:
    """Whose virtual machine this is, "none" for a machine of its own, None where that is not shown."""
    if kind := read_text(root / "sys/hypervisor/type"):
        return kind
    flags = cpuinfo(root).get("flags")
    if flags is not None and "hypervisor" not in flags.split():
        return "none"
    dmi = (read_text(root / "sys/class/dmi/id" / name) for name in ("sys_vendor", "product_name"))
    return " ".join(filter(None, dmi)) or (None if flags is None else "unnamed")


def cpuinfo(root: Path = ROOT) -> dict[str, str]:
    """The fields of the first CPU in /proc/cpuinfo."""
    first, _, _ = (read_text(root / "proc/cpuinfo") or "").partition("\n\n")
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}
