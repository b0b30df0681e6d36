"""Whether a case fits into the memory that is free, before it is built: a machine that swaps or kills measures nothing.

A worker holds the data, the gate's rows and the reference's numbers in float64, and in the case's own dtype a few
arrays for all units:

    bytes = rows · [ 5 · 8 · (inputs + outputs)  +  5 · itemsize · (inputs + hidden units + 2 · outputs) ]

and for each network its predictions and the like for every row, and its parameters and their gradients:

    bytes += networks · [ rows · 5 · (8 · outputs  +  itemsize · units)  +  48 · 8 · parameters ]

Of `xor` that is 280 bytes a row in float32; 267 were measured as the gate ran at 100,000 rows, by what NumPy reports
to tracemalloc of its arrays. On a GPU the second part is in its memory, which refuses what does not fit.
"""

from __future__ import annotations

import contextlib

import psutil

from samegrad.benchmarks.clock import environment
from samegrad.benchmarks.results import units
from samegrad.impls.errors import BadInput, Unavailable
from samegrad.impls.parameters import tensors
from samegrad.impls.problem import storage
from samegrad.impls.task import Task

with contextlib.suppress(ImportError):
    import resource

COPIES_OF_DATA = 5
ARRAYS_OF_UNITS = 5
COPIES_OF_PARAMETERS = 48
"""The copies of all parameters in float64 that a worker has, those in JSON among them."""


def need_bytes(task: Task) -> int:
    """About the most memory of the host that a worker takes for a case."""
    inputs, *hidden, outputs = task.problem.sizes
    itemsize = {"float32": 4, "float64": 8}[storage(task.dtype)]
    row = COPIES_OF_DATA * 8 * (inputs + outputs)
    own = ARRAYS_OF_UNITS * itemsize * (inputs + sum(hidden) + 2 * outputs) if task.device == "cpu" else 0
    if task.networks is None:
        return task.batch * (row + own)
    each = task.batch * (COPIES_OF_DATA * 8 * outputs + own)
    parameters = sum(tensor.nbytes for tensor in tensors(task.parameters).values())
    return task.batch * row + task.networks * each + COPIES_OF_PARAMETERS * parameters


def free_bytes() -> int:
    """The bytes that the machine has left, or that the container allows at all."""
    limit_bytes = environment.container()["memory_bytes"]
    available_bytes = psutil.virtual_memory().available
    return available_bytes if limit_bytes is None else min(available_bytes, limit_bytes)


def require_possible(task: Task) -> None:
    """Raise BadInput, with both figures, where a case would need more memory than the whole machine has."""
    need, whole = need_bytes(task), psutil.virtual_memory().total
    if need > whole:
        raise BadInput(
            f"{task.batch} rows of {_of(task)} in {task.dtype} need about {need >> 30:,} GiB, and this "
            f"machine has {units.significant(whole / 2**30, 2)} GiB; take {_cure(task)}"
        )


def require(task: Task) -> None:
    """Raise Unavailable, with both figures, where a case would need more memory than is free."""
    need, free = need_bytes(task), free_bytes()
    if need > free:
        raise Unavailable(
            f"{task.batch} rows of {_of(task)} in {task.dtype} need about {units.significant(need / 2**30, 2)} GiB, "
            f"and {units.significant(free / 2**30, 2)} GiB are free; take {_cure(task)}"
        )


def _of(task: Task) -> str:
    return task.problem.name if task.networks is None else f"{task.networks:,} networks of {task.problem.name}"


def _cure(task: Task) -> str:
    return "smaller batches" if task.networks is None else "smaller batches, or fewer networks"


def page_faults() -> int:
    """The pages that this process has faulted in, without those read from disk; 0 where it is unknown."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt if "resource" in globals() else 0
