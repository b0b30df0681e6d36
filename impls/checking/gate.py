"""The gate: does a call do at this very case what the contract says, before it is timed and after?

    ready      nothing is left to compute when the call has returned. Other rows (no numbers at all) are put in the
               place of those that it had; what is computed only when one looks at the result is computed from them.
               And the work that is done after the return is measured (`readiness.py`)
    fresh      the result is right for rows that were fed, each time in the same arrays, and at parameters that a
               training step has moved
    counted    every row counts (`probe.py`), with as many digits as the dtype has
    alike      a call does not get by with less for the case's own rows than for any others

Then the case's own rows are put back, and a training step is taken back by another of the opposite rate. One that
cannot be fed is prepared again with other rows. Each finding is a clause of the contract and a sentence.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np

from samegrad.impls.checking.agreement import Agreement, Reference
from samegrad.impls.checking.probe import PROBES, Probe
from samegrad.impls.checking.readiness import not_ready
from samegrad.impls.errors import Unavailable
from samegrad.impls.implementation import Implementation
from samegrad.impls.parameters import Array, Layer, Parameters, rounded, tensors
from samegrad.impls.task import Task

RATE = 2.0**-10
"""Of the step that moves the parameters under value_and_grad: little, and seen well by a probe."""
DISTINCT = 5
"""How many times as long a call may take for rows that are all different."""
LONG_NS = 1_000_000
"""Shorter ones are not judged by their times."""
CALLS = (2, 10, 50)
DIGITS = {"float32": 24, "float64": 53}


class Broken(Exception):
    """A clause of the contract that does not hold, and a sentence that says what was done instead."""

    def __init__(self, clause: str, sentence: str) -> None:
        super().__init__(sentence)
        self.clause = clause


class Subject:
    """One pass of an implementation at a task: the callable that is timed, and all that is needed to examine it."""

    implementation: Implementation
    task: Task
    pass_name: str
    run: Callable[[], Any]
    """The callable."""
    finish: Callable[[], Any] | None = None
    """What waits for the results, where calls return before they are ready, as they are meant to."""
    rate: float
    is_descent = True
    """Whether a step is p − rate · ∂L/∂p, as it is but for the optimizers."""

    def prepare(self, task: Task) -> None:
        """Prepare it anew, for this task."""
        raise NotImplementedError

    @property
    def trains(self) -> bool:
        return self.pass_name not in ("forward", "value_and_grad")

    def once(self) -> Any:
        """The result of one call."""
        result = self.run()
        if self.finish:
            self.finish()
        return result

    def step(self) -> Any:
        """The same, of a single step where the call takes several."""
        return self.once()

    def start_from(self, parameters: Parameters) -> Parameters:
        """Where the next call starts from: `parameters`, or where a step, taken to know it, has moved them."""
        return self.after(self.numbers(self.step()), parameters) if self.trains else parameters

    def after(self, numbers: Any, before: Parameters) -> Parameters:
        """Where the call after one that returned these numbers starts from."""
        return numbers[1] if self.trains else before

    def numbers(self, result: Any) -> Any:
        """The result in NumPy, in arrays of its own."""
        return deepcopy(self.implementation.to_numpy(result))

    def feed(self, x: Array, y: Array) -> None:
        """Other rows for the calls that follow. Raises Unavailable."""
        self.implementation.feed(x, y)

    def hold(self, numbers: Any, reference: Reference) -> list[Agreement]:
        """Numbers against the truth."""
        return reference.agree(self.pass_name, numbers, self.rate)


class Gate:
    """One subject at the gate; what it has found out stays known for the second time."""

    def __init__(self, subject: Subject, seed: int = 0) -> None:
        self.subject, self.random = subject, np.random.default_rng(seed)
        self.parameters = subject.task.parameters
        self.rows_are_fixed = False
        self.own: Any = None
        """The result for the case's own rows."""
        self.seen: list[Any] = []
        """The results for other rows so far."""

    def hold(self, probes: int = PROBES, moves: bool = True) -> None:
        """Raise Broken where a clause does not hold. `moves`: whether to take a step under value_and_grad."""
        subject = self.subject
        if not subject.finish:
            self._require_ready()
        own = None if subject.trains else subject.numbers(subject.once())
        if self.own is not None and not _near(own, self.own):
            raise Broken("repeatable", f"{subject.pass_name}'s result for its own rows is no longer what it was")
        self.own = own
        self._probe(probes, moves)
        if own is not None and not _near(subject.numbers(subject.once()), own):
            raise Broken("arguments", f"{subject.pass_name} does not return to its own rows when they are fed again")
        if own is not None:
            self._require_alike()

    def _require_ready(self) -> None:
        subject = self.subject
        if _shortest_ns(lambda: subject.numbers(subject.once()), 2) < LONG_NS:
            return
        on_cpu = subject.task.device == "cpu"
        for _ in range(2):  # what happens to be slow once is no finding
            if not (late := not_ready(subject.once, subject.numbers, on_cpu)):
                return
        raise Broken("ready", f"{subject.pass_name}: {late}")

    def _require_alike(self) -> None:
        """Compare the shortest times; what seems to be apart is timed longer, as other processes may be in the way."""
        subject, task = self.subject, self.subject.task
        if self.rows_are_fixed or task.device != "cpu":
            return
        x, y = (self.random.uniform(0.25, 1, rows.shape).astype(rows.dtype) for rows in task.data())
        for calls in CALLS:
            own_ns = _shortest_ns(subject.once, calls)
            with self._rows(x, y, task.data()) as feed:
                feed()
                fed_ns = _shortest_ns(subject.once, calls)
            if fed_ns <= max(LONG_NS, DISTINCT * own_ns):
                return
        raise Broken(
            "rows",
            f"{subject.pass_name} takes {own_ns / 1e3:,.0f} µs for the rows that it was prepared with, and "
            f"{fed_ns / 1e3:,.0f} µs for as many that are all different: it does not compute every row",
        )

    def _probe(self, probes: int, moves: bool) -> None:
        """Other rows, several times."""
        subject, task = self.subject, self.subject.task
        x, y = (np.array(rows) for rows in task.data())
        own = x.copy(), y.copy()
        with self._rows(x, y, own) as feed:
            here = task.parameters if self.rows_are_fixed else subject.start_from(self.parameters)
            for _ in range(1 if self.rows_are_fixed else probes):
                probe = Probe(task, here, x, y, self.random)
                feed()
                result = subject.step()
                if not self.rows_are_fixed:
                    x[:], y[:] = np.nan, np.nan
                    feed()
                numbers = subject.numbers(result)
                self._judge(numbers, probe)
                here = subject.after(numbers, here)
            if moves and subject.pass_name == "value_and_grad":
                self._move(x, y, feed)

    @contextmanager
    def _rows(self, x: Array, y: Array, own: tuple[Array, Array]) -> Iterator[Callable[[], None]]:
        """A function that has the calls which follow work on what x and y hold then; afterwards on the own rows."""
        subject, task = self.subject, self.subject.task
        before = dict(vars(subject.implementation))
        try:
            subject.feed(x, y)
        except Unavailable:
            self.rows_are_fixed = True
        if self.rows_are_fixed:
            other = replace(task.problem, rows=lambda batch, seed: (x.astype(np.float64), y.astype(np.float64)))
            yield lambda: subject.prepare(replace(task, problem=other))
            subject.prepare(task)
            return
        replaced = [key for key, value in vars(subject.implementation).items() if before.get(key) is not value]
        yield lambda: subject.feed(x, y)
        subject.feed(*own)
        for key in replaced:  # what lay on the device before lies there again
            if key in before:
                setattr(subject.implementation, key, before[key])

    def _move(self, x: Array, y: Array, feed: Callable[[], None]) -> None:
        """The gradient at other parameters. A step that is itself wrong is for its own pass to tell."""
        subject, task = self.subject, self.subject.task
        probe = Probe(task, self.parameters, x, y, self.random)
        rows = x.copy(), y.copy()
        feed()
        try:
            moved = deepcopy(subject.implementation.to_numpy(subject.implementation.train_step(RATE)))
        except Unavailable:
            return
        if wrong(probe.agree("train_step", moved, RATE)):
            subject.prepare(task)
            return
        if self.rows_are_fixed:
            there = Reference(task.problem, moved[1], *rows, task.dtype)
        else:
            there = Probe(task, moved[1], x, y, self.random)
            feed()
        numbers = subject.numbers(subject.once())
        if wrong(subject.hold(numbers, there)):
            here = Reference(task.problem, self.parameters, x, y, task.dtype)
            if not wrong(subject.hold(numbers, here)):
                raise Broken(
                    "arguments",
                    f"{subject.pass_name} stays at the parameters of prepare when train_step has moved them: they were "
                    "captured",
                )
            raise Broken(
                "training", f"after a training step {subject.pass_name}'s {_worst(subject.hold(numbers, there))}"
            )
        if not self.rows_are_fixed:
            x[:], y[:] = rows
            feed()
            back = subject.implementation.to_numpy(subject.implementation.train_step(-RATE))
            self.parameters = deepcopy(back[1])

    def _judge(self, numbers: Any, probe: Probe) -> None:
        """Raise Broken, with what was done instead, where numbers are not those of a probe."""
        subject, task = self.subject, self.subject.task
        agreements = subject.hold(numbers, probe)
        before, self.seen = self.seen, [*self.seen, numbers]
        if not wrong(agreements):
            return
        name = subject.pass_name
        if any(agreement.fault for agreement in agreements):
            raise Broken("layout", f"for other rows {name}'s {_worst(agreements)}")
        if not all(np.isfinite(array).all() for array in flat(numbers)):
            raise Broken(
                "ready",
                f"{name} returns before its result is there: rows that were fed after the call had returned changed it",
            )
        own = task.data()
        if not wrong(subject.hold(numbers, Reference(task.problem, probe.parameters, *own, task.dtype))):
            raise Broken("arguments", f"{name} goes on with the rows of prepare when feed has brought others")
        if any(same(flat(numbers), flat(earlier)) for earlier in before):
            raise Broken(
                "arguments",
                f"{name} returns an earlier result when the same arrays are fed with other rows in them: it remembers "
                "arrays by where they are",
            )
        raise Broken(*_explained(subject, numbers, probe, agreements))


def _explained(subject: Subject, numbers: Any, probe: Probe, agreements: Sequence[Agreement]) -> tuple[str, str]:
    """A clause and a sentence for numbers that are finite, new and wrong."""
    name, worst = subject.pass_name, _worst(agreements)
    if name == "forward":
        return "arguments", f"for other rows forward's {worst}"
    if not subject.is_descent:
        return "training", f"for other rows {name}'s {worst}"
    found = numbers[1]
    if subject.trains:
        found = _gradients(probe.parameters, found, subject.rate)
        if words := _of_step(subject.task, probe, found, subject.rate):
            return "training", f"{name} {words}"
    elif (digits := _digits(found)) < DIGITS[probe.dtype.name]:
        return (
            "dtype",
            f"{name}'s gradients have {digits} binary digits, {probe.dtype} has {DIGITS[probe.dtype.name]}: {worst}",
        )
    if (counted := _counted(found, probe)) is not None:
        last = int(probe.marked[counted - 1]) if counted else -1
        return "rows", f"{name} does not count the rows after row {last:,} of {len(probe.truth.predictions):,}: {worst}"
    factors = _factors(found, probe.truth.gradients)
    if factors:
        return "rows", f"{name} is off by a factor at this batch ({factors}): {worst}"
    return "rows", f"{name} does not count every row rightly at this batch: {worst}"


def _of_step(task: Task, probe: Probe, found: Parameters, rate: float) -> str:
    """What a step did that took these gradients for those of the probe, where it is one of the known mistakes."""
    gradients, expected, moved = (
        np.concatenate([np.ravel(tensor) for tensor in tensors(layers).values()])
        for layers in (
            found,
            probe.truth.gradients,
            _gradients(probe.parameters, rounded(task.parameters, "float64"), 1),
        )
    )
    if not gradients.any():
        return "leaves the parameters where they were"
    if np.linalg.norm(rate * (gradients - expected) - moved) < 0.2 * np.linalg.norm(moved):
        return "does not keep its update: each step starts where the first one did"
    first = np.concatenate([np.ravel(tensor) for tensor in tensors(Reference.of(task).truth.gradients).values()])
    if np.linalg.norm(gradients - first) < 0.02 * np.linalg.norm(first):
        return "takes the gradient at the rows and parameters of prepare, for ever"
    return ""


def _gradients(before: Parameters, after: Parameters, rate: float) -> Parameters:
    """What a step must have taken for the gradients."""
    return [
        Layer(*((p.astype(np.float64) - q) / rate for p, q in zip(*layers, strict=True)))
        for layers in zip(before, after, strict=True)
    ]


def _digits(gradients: Parameters) -> int:
    """The most binary digits that a number of them has."""
    fractions, _ = np.frexp(np.concatenate([np.ravel(tensor) for tensor in tensors(gradients).values()]).astype(float))
    whole = np.round(np.abs(fractions) * 2.0**53).astype(np.uint64)
    lowest = whole & (~whole + np.uint64(1))
    return int(max((53 - int(np.log2(float(bit))) for bit in lowest if bit), default=0))


def _counted(gradients: Parameters, probe: Probe) -> int | None:
    """How many of the marked rows, from the first on, give these gradients; None where none do, or all.

    Only the words of a fault that was found depend on it: its tolerances are a part of what one row of 512 makes.
    """
    found = float(np.sum(gradients[-1].b))
    low, high = 0, len(probe.marked)
    for _ in range(high.bit_length()):
        middle = (low + high + 1) // 2
        _, partial = probe.first(middle) if middle else (0, probe.truth.gradients)
        within = abs(float(np.sum(partial[-1].b))) <= abs(found) * (1 + 1e-5)
        low, high = (middle, high) if within else (low, middle - 1)
    if low in (0, len(probe.marked)):
        return None
    _, partial = probe.first(low)
    pairs = zip(tensors(gradients).values(), tensors(partial).values(), strict=True)
    return low if all(np.allclose(one, other, rtol=1e-3, atol=0) for one, other in pairs) else None


def _factors(found: Parameters, expected: Parameters) -> str:
    """By tensor the factor that it is off by as a whole, where it is."""
    told = []
    for (name, tensor), right in zip(tensors(found).items(), tensors(expected).values(), strict=True):
        ratios = np.ravel(tensor / right)
        if ratios.size > 1 and np.ptp(ratios) < 1e-2 * abs(ratios.mean() - 1):
            told.append(f"{name}: {ratios.mean():.6g}")
    return ", ".join(told)


def flat(result: Any) -> list[Array]:
    """All arrays of a result: the predictions, or the loss and every tensor."""
    return [result[0], *tensors(result[1]).values()] if isinstance(result, tuple | list) else [result]


def same(some: Sequence[Array], others: Sequence[Array]) -> bool:
    """Equal to the bit; a NaN is equal to a NaN."""
    return all(np.array_equal(one, other, equal_nan=True) for one, other in zip(some, others, strict=True))


def wrong(agreements: Sequence[Agreement]) -> list[Agreement]:
    """Those that disagree, the worst first."""
    return sorted((a for a in agreements if not a.agrees), key=lambda a: -a.tau)


def _worst(agreements: Sequence[Agreement]) -> Agreement:
    return wrong(agreements)[0]


def _near(some: Any, others: Any) -> bool:
    """Equal within what a step and one back leave, which is of the order of rate², far below 1 %."""
    return all(
        np.allclose(one, other, rtol=0, atol=1e-2 * np.abs(other).max())
        for one, other in zip(flat(some), flat(others), strict=True)
    )


def _shortest_ns(call: Callable[[], Any], calls: int) -> int:
    """The shortest time of several calls."""
    times_ns = []
    for _ in range(calls):
        began_ns = time.perf_counter_ns()
        call()
        times_ns.append(time.perf_counter_ns() - began_ns)
    return min(times_ns)
