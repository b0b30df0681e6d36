"""Measure the work that a call leaves undone when it returns.

Work that a call left undone is done by somebody after it: at the latest when `to_numpy` has the numbers. Its share of
all the work is near 0 for a call that waits and near 1 for one that does not. Work is the CPU time of all threads of
this process, in which other processes have no part, so that the share is the same under any load.

What the conversion itself costs is known from doing it again. On the CPU that is believed up to a millisecond, which
some frameworks take for a few small arrays, or as far as copying the numbers a few times would cost as much: a result
that is computed whenever it is looked at counts as not ready, too. Other devices do not use CPU time for their work,
so that wall time is measured there.

JAX's own threads spend CPU time after a call that waited, too; but JAX can be asked of each array whether it is ready.
After a call that waits it always is. After one that does not, it may be by chance, where another thread had the CPU.
"""

from __future__ import annotations

import copy
import gc
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from samegrad.impls.checking.effort import LONG_NS

ROUNDS = 5
"""The calls whose share of work left undone is measured."""
JAX_CALLS = 15
"""The calls after which JAX is asked. One whose arrays are not ready is enough."""
COPIES = 4
"""Allowed cost of a conversion, in copies of its result: one, and a transposition, a cast or a device on the way."""
COPIES_OF_NETWORKS = 16
"""The allowed copies for several networks, whose numbers lie side by side and are put in order one by one."""
LIMIT = 1 / 2
"""The largest share of work that may be left undone. With four processes to a CPU, 0.00 to 0.36 was seen for calls that
wait, and 0.96 to 1.00 for calls that do not."""


def not_ready(
    call: Callable[[], Any],
    to_numpy: Callable[[Any], Any],
    on_cpu: bool = True,
    copies: int = COPIES,
    least_ns: float = 0,
) -> str:
    """How `call` returns before its result is ready, in a sentence, or "" where it does not.

    least_ns: work that takes less counts as done, unless the result tells.
    """
    to_numpy(call())  # the first call compiles
    if tells(call()):
        is_late = any(not _is_ready(call()) for _ in range(JAX_CALLS))
        return "an array of JAX was not ready when the call returned" if is_late else ""
    share = statistics.median(share_left_undone(call, to_numpy, on_cpu, copies, least_ns) for _ in range(ROUNDS))
    return f"{share:.0%} of the work was still to be done when the call returned" if share >= LIMIT else ""


def share_left_undone(
    call: Callable[[], Any],
    to_numpy: Callable[[Any], Any],
    on_cpu: bool = True,
    copies: int = COPIES,
    least_ns: float = 0,
) -> float:
    """The work after the call's return, as a share of all of it, the conversion's own aside.

    A conversion takes longer where it must be given memory by the system. So one is made before, and what the others
    return is kept, for the second to find no more at hand than the first.
    """
    kept = [to_numpy(call())]
    now_ns = time.process_time_ns if on_cpu else time.perf_counter_ns
    gc.disable()
    try:
        began_ns = now_ns()
        result = call()
        returned_ns = now_ns()
        kept.append(to_numpy(result))
        first_ns = now_ns()
        numbers = to_numpy(result)
        second_ns = now_ns()
        copy.deepcopy(numbers)
        copied_ns = now_ns()
    finally:
        gc.enable()
    conversion_ns = second_ns - first_ns
    if on_cpu:
        conversion_ns = min(conversion_ns, max(LONG_NS, copies * (copied_ns - second_ns)))
    left_ns = max(0, first_ns - returned_ns - conversion_ns)
    if left_ns < least_ns:
        return 0.0
    return left_ns / max(1, returned_ns - began_ns + left_ns)


def tells(result: Any) -> bool:
    """Whether a result tells if it is ready, as arrays of JAX do."""
    return bool(_jax_arrays(result))


def _jax_arrays(result: Any) -> list[Any]:
    """The arrays of JAX in a result."""
    jax = sys.modules.get("jax")
    kind = getattr(jax, "Array", ())
    return [leaf for leaf in jax.tree.leaves(result) if isinstance(leaf, kind)] if jax and kind else []


def _is_ready(result: Any) -> bool:
    """Whether every array is ready now; those that are not are waited for, so that they do not burden the next call."""
    arrays = _jax_arrays(result)
    ready = all(array.is_ready() for array in arrays)
    for array in arrays:
        type(array).block_until_ready(array)
    return ready
