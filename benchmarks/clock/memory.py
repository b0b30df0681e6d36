"""Whether a case fits into the memory that is free, before it is built: a machine that swaps or kills measures nothing.

A worker holds the data, the gate's rows and the reference's numbers in float64, and in the case's own dtype a few
arrays for all units:

    bytes = rows · [ 5 · 8 · (inputs + outputs)  +  5 · itemsize · (inputs + hidden units + 2 · outputs) ]

Of `xor` that is 280 bytes a row in float32; 267 were measured as the gate ran at 100,000 rows, by what NumPy tells
tracemalloc of its arrays. On a GPU the second part lies there, and what it does not hold it refuses.
"""

from __future__ import annotations

import psutil

from samegrad.benchmarks.clock import environment
from samegrad.impls.errors import Unavailable
from samegrad.impls.problem import storage
from samegrad.impls.task import Task

COPIES_OF_DATA = 5
ARRAYS_OF_UNITS = 5


def need_bytes(task: Task) -> int:
    """About the most memory of the host that a worker takes for a case."""
    inputs, *hidden, outputs = task.problem.sizes
    itemsize = {"float32": 4, "float64": 8}[storage(task.dtype)]
    row = COPIES_OF_DATA * 8 * (inputs + outputs)
    if task.device == "cpu":
        row += ARRAYS_OF_UNITS * itemsize * (inputs + sum(hidden) + 2 * outputs)
    return task.batch * row


def free_bytes() -> int:
    """What the machine has left, or the container allows at all."""
    limit_bytes = environment.container()["memory_bytes"]
    available_bytes = psutil.virtual_memory().available
    return available_bytes if limit_bytes is None else min(available_bytes, limit_bytes)


def require(task: Task) -> None:
    """Raise Unavailable, with both figures, where a case would need more memory than is free."""
    need, free = need_bytes(task), free_bytes()
    if need > free:
        raise Unavailable(
            f"{task.batch} rows of {task.problem.name} in {task.dtype} need about {need / 2**30:.2g} GiB, and "
            f"{free / 2**30:.2g} GiB are free; take smaller batches"
        )
