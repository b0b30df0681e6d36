"""Samegrad for other people's packages, notebooks and graders: what is public is here, and is imported when asked for.

    from samegrad import Implementation, Task, Unavailable

check, Report                   what `samegrad verify` says of a function or an object at hand
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
    from impls.checking.agreement import Disagreement as Disagreement
    from impls.checking.agreement import Reference as Reference
    from impls.errors import BadInput as BadInput
    from impls.errors import Unavailable as Unavailable
    from impls.implementation import Implementation as Implementation
    from impls.parameters import Layer as Layer
    from impls.parameters import Parameters as Parameters
    from impls.problem import PROBLEMS as PROBLEMS
    from impls.problem import Problem as Problem
    from impls.registry import REGISTRY as REGISTRY
    from impls.task import Task as Task
    from impls.verifying.check import check as check
    from impls.verifying.report import Report as Report

PUBLIC = {
    "Disagreement": "impls.checking.agreement",
    "Reference": "impls.checking.agreement",
    "BadInput": "impls.errors",
    "Unavailable": "impls.errors",
    "Implementation": "impls.implementation",
    "Layer": "impls.parameters",
    "Parameters": "impls.parameters",
    "PROBLEMS": "impls.problem",
    "Problem": "impls.problem",
    "REGISTRY": "impls.registry",
    "Task": "impls.task",
    "check": "impls.verifying.check",
    "Report": "impls.verifying.report",
}
"""The public names, and the module that each is imported from when it is first asked for."""


def __getattr__(name: str) -> Any:
    if name not in PUBLIC:
        raise AttributeError(f"module 'samegrad' has no attribute {name!r}; public are {', '.join(sorted(PUBLIC))}")
    return getattr(importlib.import_module(PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(PUBLIC)


def load_ipython_extension(ipython: Any) -> None:
    """`%load_ext samegrad` gives the cell magic `%%verify`."""
    from impls.verifying.magic import register

    register(ipython)
