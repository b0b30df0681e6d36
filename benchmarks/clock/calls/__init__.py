"""The calls: for each pass in each of its variants the callable that is timed, and how its result is checked."""

from __future__ import annotations

from samegrad.benchmarks.clock.calls.base import CallRequest, PassCall
from samegrad.benchmarks.clock.calls.host import HostCall
from samegrad.benchmarks.clock.calls.loop import LoopCall
from samegrad.benchmarks.clock.calls.optimizer import OptimizerCall
from samegrad.benchmarks.clock.calls.pipelined import PipelinedCall
from samegrad.benchmarks.clock.calls.shapes import ShapesCall
from samegrad.benchmarks.clock.case import HOST, OPTIMIZERS, PIPELINED, SHAPES
from samegrad.benchmarks.results import passes
from samegrad.impls.implementation import LOOP, Implementation

CALLS: dict[str, type[PassCall]] = {
    **dict.fromkeys(OPTIMIZERS, OptimizerCall),
    HOST: HostCall,
    PIPELINED: PipelinedCall,
    SHAPES: ShapesCall,
}
"""The call of each variant, by its name."""


def build(implementation: Implementation, asked: CallRequest) -> PassCall:
    """The call of a pass in its variant. Raises what `prepare` raises, and Unavailable where it lacks that variant."""
    name, variant = passes.split(asked.pass_name)
    kind = CALLS[variant] if variant else LoopCall if name == LOOP else PassCall
    return kind(implementation, asked)
