"""The gate: does a call do at this very case what the contract says, before it is timed and after?

    ready      nothing is left to compute when the call has returned. Other rows (no numbers at all) are put in the
               place of those that it had; what is computed only when one looks at the result is computed from them.
               And the work that is done after the return is measured (`readiness.py`)
    fresh      the result is right for rows that were fed, each time in the same arrays, and at parameters that a
               training step has moved
    counted    every row counts (`probe.py`), with as many digits as the dtype has
    done       the call does the work itself, all of it, each time (`effort.py`)

Then the case's own rows are put back, and a training step is taken back by another of the opposite rate. One that
cannot be fed is prepared again with other rows. Each finding is a clause of the contract and a sentence.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np

from samegrad.impls.checking import effort
from samegrad.impls.checking.agreement import Reference, wrong
from samegrad.impls.checking.effort import shortest_ns
from samegrad.impls.checking.explained import explain
from samegrad.impls.checking.probe import PROBES, Probe
from samegrad.impls.checking.readiness import COPIES, COPIES_OF_NETWORKS, not_ready, tells
from samegrad.impls.checking.subject import Broken, Subject, flat, same
from samegrad.impls.errors import Unavailable
from samegrad.impls.implementation import LOOP
from samegrad.impls.parameters import Array, tensors

RATE = 2.0**-10
"""The learning rate of the step that moves the parameters under value_and_grad: little, but a probe sees it well."""

FETCHED = 4
"""A call that is so many times shorter than the conversion of its result is tried with many rows, too: then it takes
long if it computes, and the conversion does not."""
MANY_NUMBERS = 2**21
"""So many rows have so many numbers, in all layers."""


class Gate:
    """The gate for one subject. Its second `require` uses what the first has learnt."""

    def __init__(self, subject: Subject, threads: int = 1) -> None:
        self.subject, self.threads, self.random = subject, threads, np.random.default_rng()
        self.parameters = subject.task.parameters
        self.rows_are_fixed = False
        self.own_result: Any = None
        """The result for the case's own rows."""
        self.seen: list[Any] = []
        """The results for other rows so far."""

    def require(self, probes: int = PROBES, moves: bool = True, took_ns: float | None = None) -> None:
        """Raise Broken where a clause is broken. `moves`: whether to test value_and_grad after a training step, too.

        took_ns: what a call, or a step of a loop, was measured to take; measured here where there is none.
        """
        subject = self.subject
        if not subject.finish:
            self._require_ready()
        own = None if subject.trains else subject.numbers(subject.once())
        if self.own_result is not None and not _near(own, self.own_result):
            raise Broken("repeatable", f"{subject.pass_name}'s result for its own rows is no longer what it was")
        self.own_result = own
        self._probe(probes, moves)
        if own is not None and not _near(subject.numbers(subject.once()), own):
            raise Broken("arguments", f"{subject.pass_name} does not return to its own rows when they are fed again")
        self._require_effort(took_ns)

    def _require_ready(self) -> None:
        subject = self.subject
        if tells(subject.once()) or shortest_ns(lambda: subject.numbers(subject.once()), 2) >= effort.LONG_NS:
            self._require_nothing_left()
            return
        call_ns, result = shortest_ns(subject.once, effort.CALLS[1]), subject.once()
        if FETCHED * call_ns < shortest_ns(lambda: subject.numbers(result), 2):
            self._require_ready_with_many_rows()

    def _require_ready_with_many_rows(self) -> None:
        subject, task = self.subject, self.subject.task
        many = replace(task, batch=MANY_NUMBERS // sum(task.problem.sizes))
        if task.device != "cpu" or task.networks is not None or task.batch >= many.batch:
            return
        try:
            subject.prepare(many)
        except Exception:  # it may work for one number of rows alone, or lack the memory
            pass
        else:
            self._require_nothing_left(effort.LONG_NS)
        subject.prepare(task)
        self.parameters = task.parameters

    def _require_nothing_left(self, least_ns: float = 0) -> None:
        """Raise Broken where most of the work is left undone when a call returns, and takes so long at least."""
        subject = self.subject
        on_cpu = subject.task.device == "cpu"
        copies = COPIES if subject.task.networks is None else COPIES_OF_NETWORKS
        for _ in range(2):  # what happens to be slow once is no finding
            if not (late := not_ready(subject.once, subject.numbers, on_cpu, copies, least_ns)):
                return
        raise Broken("ready", f"{subject.pass_name}: {late}", by_time=True)

    def _require_effort(self, took_ns: float | None) -> None:
        """Check what the times of its calls show; on a CPU only."""
        subject, task = self.subject, self.subject.task
        if task.device != "cpu":
            return
        x, y = (np.array(rows) for rows in task.data())
        took_ns = took_ns or effort.settled_ns(subject.step)
        if not self.rows_are_fixed:
            self._require_all_work(x, y, took_ns)
        size_bytes = x.nbytes + (y.nbytes if subject.pass_name != "forward" else 0)
        what = "its rows"
        if task.networks is not None:
            size_bytes += sum(tensor.nbytes for tensor in tensors(task.layers()).values())
            what = "its rows and parameters"
        effort.require_possible(subject.pass_name, took_ns, size_bytes, self.threads, what)

    def _require_all_work(self, x: Array, y: Array, took_ns: float) -> None:
        """A call must do as much work for other rows, made in x and y, and for rows fed just now, as for its own."""
        subject, task, random = self.subject, self.subject.task, self.random

        def renew() -> None:
            x[:], y[:] = (random.uniform(0.25, 1, rows.shape) for rows in (x, y))

        def repeat() -> None:
            renew()
            x[:], y[:] = known

        def own(calls: int) -> int:
            return shortest_ns(subject.step, calls, now_ns=time.process_time_ns)

        def fed(calls: int) -> int:
            with self._rows(x, y, task.data()) as feed:
                renew()
                feed()
                return own(calls)

        effort.require_alike(subject.pass_name, own, fed)
        if subject.pass_name != LOOP and not subject.finish:
            known, size_bytes = (x.copy(), y.copy()), x.nbytes + y.nbytes
            with self._rows(x, y, task.data()) as feed:
                effort.require_anew(subject.pass_name, subject.step, feed, renew, repeat, took_ns, size_bytes)

    def _probe(self, probes: int, moves: bool) -> None:
        """Check the results for `probes` batches of other rows."""
        subject, task = self.subject, self.subject.task
        x, y = (np.array(rows) for rows in task.data())
        own = x.copy(), y.copy()
        with self._rows(x, y, own) as feed:
            here = task.parameters if self.rows_are_fixed else subject.start_from(self.parameters)
            for number in range(1 if self.rows_are_fixed else probes):
                probe = Probe(task, here, x, y, self.random, number)
                ends = x[[0, -1]], y[[0, -1]]
                feed()
                result = subject.step()
                if not self.rows_are_fixed:
                    x[:], y[:] = np.nan, np.nan
                    feed()
                numbers = subject.numbers(result)
                self._judge(numbers, probe)
                here = subject.after(numbers, here)
                x[[0, -1]], y[[0, -1]] = ends
            if moves and subject.pass_name == "value_and_grad":
                self._move(x, y, feed)

    @contextmanager
    def _rows(self, x: Array, y: Array, own: tuple[Array, Array]) -> Iterator[Callable[[], None]]:
        """A function that feeds the present contents of x and y; its own rows are fed again at the end."""
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
        """Check the gradient after a training step. A step that is wrong itself is found at its own pass."""
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
        if disagreeing := wrong(subject.compare(numbers, there)):
            here = Reference(task.problem, self.parameters, x, y, task.dtype)
            if not wrong(subject.compare(numbers, here)):
                raise Broken(
                    "arguments",
                    f"{subject.pass_name} stays at the parameters of prepare when train_step has moved them: they were "
                    "captured",
                )
            raise Broken("training", f"after a training step {subject.pass_name}'s {disagreeing[0]}")
        if not self.rows_are_fixed:
            x[:], y[:] = rows
            feed()
            back = subject.implementation.to_numpy(subject.implementation.train_step(-RATE))
            self.parameters = deepcopy(back[1])

    def _judge(self, numbers: Any, probe: Probe) -> None:
        """Raise Broken, with what was done instead, where numbers are not those of a probe."""
        subject, task = self.subject, self.subject.task
        agreements = subject.compare(numbers, probe)
        before, self.seen = self.seen, [*self.seen, numbers]
        if not wrong(agreements):
            return
        name = subject.pass_name
        if any(agreement.fault for agreement in agreements):
            raise Broken("layout", f"for other rows {name}'s {wrong(agreements)[0]}")
        if not all(np.isfinite(array).all() for array in flat(numbers)):
            raise Broken(
                "ready",
                f"{name} returns before its result is there: rows that were fed after the call had returned changed it",
            )
        if not subject.trains and not wrong(subject.compare(subject.numbers(subject.step()), probe)):
            raise Broken("arguments", f"{name} returns the result of the call before: it is one call late")
        own = task.data()
        if not wrong(subject.compare(numbers, Reference(task.problem, probe.parameters, *own, task.dtype))):
            raise Broken("arguments", f"{name} goes on with the rows of prepare when feed has brought others")
        if any(same(flat(numbers), flat(earlier)) for earlier in before):
            raise Broken(
                "arguments",
                f"{name} returns an earlier result when the same arrays are fed with other rows in them: it remembers "
                "arrays by where they are, or by some of their rows",
            )
        raise Broken(*explain(subject, numbers, probe, agreements))


def _near(some: Any, others: Any) -> bool:
    """Equal within 1 % of the largest element: a step and one back leave an error of order rate², far less."""
    return all(
        np.allclose(one, other, rtol=0, atol=1e-2 * np.abs(other).max())
        for one, other in zip(flat(some), flat(others), strict=True)
    )
