"""Samegrad for other people's packages, notebooks and graders: what is public is here, and is imported when asked for.

    from samegrad import Implementation, Task, Unavailable

check, Report                   what `samegrad verify` says of a function or an object at hand
compare_gradients, Comparison   implementations' gradients beside the oracle's, from identical weights
Implementation, Task            the contract, and what its `prepare` takes
Parameters, Layer               [Layer(W, b), …], NumPy
Problem, PROBLEMS               a network with its data, and those that Samegrad has, by name
Unavailable, BadInput           what cannot run here; what was asked wrongly
Reference, Disagreement         the truth of a task, with the bound that it is compared within
REGISTRY                        every implementation that is known here, by name

Nothing else is promised to stay where it is.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the table below, as type checkers read it
    from samegrad.impls.checking.agreement import Disagreement as Disagreement
    from samegrad.impls.checking.agreement import Reference as Reference
    from samegrad.impls.checking.gradients import Comparison as Comparison
    from samegrad.impls.checking.gradients import compare_gradients as compare_gradients
    from samegrad.impls.errors import BadInput as BadInput
    from samegrad.impls.errors import Unavailable as Unavailable
    from samegrad.impls.implementation import Implementation as Implementation
    from samegrad.impls.parameters import Layer as Layer
    from samegrad.impls.parameters import Parameters as Parameters
    from samegrad.impls.problem import PROBLEMS as PROBLEMS
    from samegrad.impls.problem import Problem as Problem
    from samegrad.impls.registry import REGISTRY as REGISTRY
    from samegrad.impls.task import Task as Task
    from samegrad.impls.verifying.check import check as check
    from samegrad.impls.verifying.report import Report as Report

PUBLIC = {
    "Disagreement": "samegrad.impls.checking.agreement",
    "Reference": "samegrad.impls.checking.agreement",
    "Comparison": "samegrad.impls.checking.gradients",
    "compare_gradients": "samegrad.impls.checking.gradients",
    "BadInput": "samegrad.impls.errors",
    "Unavailable": "samegrad.impls.errors",
    "Implementation": "samegrad.impls.implementation",
    "Layer": "samegrad.impls.parameters",
    "Parameters": "samegrad.impls.parameters",
    "PROBLEMS": "samegrad.impls.problem",
    "Problem": "samegrad.impls.problem",
    "REGISTRY": "samegrad.impls.registry",
    "Task": "samegrad.impls.task",
    "check": "samegrad.impls.verifying.check",
    "Report": "samegrad.impls.verifying.report",
}
"""The public names, and the module that each is imported from when it is first asked for."""


def __getattr__(name: str) -> Any:
    if name not in PUBLIC:
        raise AttributeError(f"module 'samegrad' has no attribute {name!r}; public are {', '.join(sorted(PUBLIC))}")
    return getattr(importlib.import_module(PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(PUBLIC)


def load_ipython_extension(ipython: Any) -> None:
    """Register the cell magic `%%verify`, as `%load_ext samegrad` asks."""
    from samegrad.impls.verifying.magic import register

    register(ipython)
