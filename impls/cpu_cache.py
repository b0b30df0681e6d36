"""The CPU's second-level cache, and how much of it a chunk of a large batch takes."""

from __future__ import annotations

import os
from pathlib import Path

UNKNOWN_BYTES = 1 << 20
"""Where the system does not tell: what most CPUs of this decade have for each core, within a factor of 2."""


def second_level_bytes(root: Path = Path("/")) -> int:
    """Its size, as Linux tells it of the first CPU that this process may use."""
    cpu = min(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    for folder in root.glob(f"sys/devices/system/cpu/cpu{cpu}/cache/index*"):
        level, kind, size = ((folder / name).read_text().strip() for name in ("level", "type", "size"))
        if level == "2" and kind != "Instruction":
            return int(size.removesuffix("K")) << 10
    return UNKNOWN_BYTES


def chunk_bytes(parts: int, root: Path = Path("/")) -> int:
    """How long the rows of a chunk are, of which so many fill the cache: a power of 2, as batches mostly are."""
    return 1 << ((second_level_bytes(root) // parts).bit_length() - 1)
