"""The public names, for an implementation of one's own and for scripts that hold gradients to the truth.

Implementation, Task            the contract, and what its `prepare` takes
Parameters, Layer               [Layer(W, b), …], NumPy
Problem, PROBLEMS               a network with its data, and those that Samegrad has, by name
Unavailable, BadInput           what cannot run here; what was asked wrongly
Reference, Disagreement         the truth of a task, with the bound that it is compared within
REGISTRY                        every implementation that is known here, by name
"""

from impls.checking.agreement import Disagreement, Reference
from impls.errors import BadInput, Unavailable
from impls.implementation import Implementation
from impls.parameters import Layer, Parameters
from impls.problem import PROBLEMS, Problem
from impls.registry import REGISTRY
from impls.task import Task

__all__ = [
    "PROBLEMS",
    "REGISTRY",
    "BadInput",
    "Disagreement",
    "Implementation",
    "Layer",
    "Parameters",
    "Problem",
    "Reference",
    "Task",
    "Unavailable",
]
