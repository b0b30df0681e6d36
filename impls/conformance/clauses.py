"""The clauses of the contract, and what became of each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

CLAUSES = {
    "operations": "every operation returns, or raises Unavailable",
    "layout": "results come back in NumPy's canonical layout",
    "dtype": "the dtype asked for is computed in, on the whole path, and returned",
    "gradients": "predictions, loss and gradients are right, within the rounding bound",
    "state": "value_and_grad leaves the state alone: nothing accumulates, nothing is updated",
    "repeatable": "value_and_grad repeats to the bit",
    "training": "a step is p − λ·∂L/∂p, once, and returns the loss before it; a loop is its steps",
    "arguments": "data and parameters are arguments of what is compiled, no captured constants",
    "rows": "every row of a large batch counts, with all digits of the dtype",
    "anew": "each call computes its result itself, from every row, and keeps none",
    "possible": "no call is faster than its rows can be read",
    "device": "results lie on the device that was asked for, read back",
    "kept": "what was converted to NumPy stays as it is under later calls",
    "ready": "a call returns only when its result is ready",
    "compiled": "only a first call traces and compiles",
}
"""Every clause by its name, in the order in which they are listed."""


class Fault(NamedTuple):
    """A case in which a clause does not hold, and a sentence that explains it. `by_time`: whether times show it."""

    clause: str
    case: str
    sentence: str
    by_time: bool = False


def verdicts(examined: Iterable[str], faults: Iterable[Fault]) -> list[dict[str, Any]]:
    """One entry per clause: whether it `holds` (None where nothing could be examined), and its faults by case.

    Where numbers are wrong, times, which other processes disturb, show no other clause: the numbers come first.
    """
    faults = list(faults)
    of: dict[str, list[Fault]] = {clause: [] for clause in CLAUSES}
    shown = {fault.clause for fault in faults if not fault.by_time} or set(CLAUSES)
    for fault in faults:
        if fault.clause in shown:
            of[fault.clause].append(fault)
    examined = set(examined)
    return [
        {
            "clause": clause,
            "says": says,
            "holds": False if of[clause] else True if clause in examined else None,
            "faults": [{"case": fault.case, "sentence": fault.sentence} for fault in of[clause]],
        }
        for clause, says in CLAUSES.items()
    ]
