"""The CPU's second-level cache, and how much of it a chunk of a large batch takes."""

from __future__ import annotations

import os
from pathlib import Path

UNKNOWN_BYTES = 1 << 20
"""The size that is assumed where the system reports none: most CPUs of this decade have it, within a factor of 2."""


def second_level_bytes(root: Path = Path("/")) -> int:
    """The size of the second-level cache of the first CPU that this process may use, as Linux reports it."""
    cpu = min(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    for folder in root.glob(f"sys/devices/system/cpu/cpu{cpu}/cache/index*"):
        level, kind, size = ((folder / name).read_text().strip() for name in ("level", "type", "size"))
        if level == "2" and kind != "Instruction":
            return int(size.removesuffix("K")) << 10
    return UNKNOWN_BYTES


def chunk_bytes(parts: int, root: Path = Path("/")) -> int:
    """The bytes in a row of a chunk, if so many rows fill the cache: a power of 2, as batches mostly are."""
    return 1 << ((second_level_bytes(root) // parts).bit_length() - 1)
