"""The examination of one implementation, in the process that owns its framework.

Each problem, dtype, batch and device is examined in two parts, each on a newly prepared instance, so that neither
affects the other's state. The first part checks the gradient at the parameters given, on the rows of prepare and then
on others that are fed; the second checks the training. `explanations.py` says what wrong results mean. The passes that
are right so far then go through the gate (`impls/checking/gate.py`), as before a measurement, in this batch and in
larger ones.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import deepcopy
from functools import partial
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from samegrad.impls.checking.agreement import Reference
from samegrad.impls.checking.explained import few_digits
from samegrad.impls.checking.gate import Gate
from samegrad.impls.checking.subject import Broken, Subject, flat, same
from samegrad.impls.conformance import explanations
from samegrad.impls.conformance.clauses import Fault, verdicts
from samegrad.impls.conformance.explanations import Findings
from samegrad.impls.conformance.tracing import watched
from samegrad.impls.errors import Unavailable
from samegrad.impls.implementation import PASSES, Implementation
from samegrad.impls.parameters import Parameters, rounded
from samegrad.impls.problem import DTYPES, PROBLEMS, Problem, get_problem
from samegrad.impls.registry import get_entry
from samegrad.impls.registry.entry import load
from samegrad.impls.task import Task

BATCH = 7
"""The rows of an examined batch: more than the truth table, and no power of 2."""
GATE_BATCHES = (256, 16_384, 131_072)
"""Larger batches, at which the gate alone is passed: as in a run, and enough to see arithmetic that still goes on."""
SEED = 1
RATE = 0.5
AGAIN = "when it is called again"
LOOP_TOLERANCE = {"float32": 1e-4, "float64": 1e-13}
"""A thousand roundings for what three steps make of them, relative to the parameters, of which a step is about 1e-2."""


def examine(
    name: str,
    problems: Sequence[str] = tuple(PROBLEMS),
    dtypes: Sequence[str] = DTYPES,
    batch: int = BATCH,
    timed: Sequence[int] = GATE_BATCHES,
    device: str = "cpu",
) -> dict[str, Any]:
    """Examine every clause for an implementation of the registry, or one at "module:Class". JSON-able.

    {"implementation", "left_out": {case or operation: reason}, "clauses": as `clauses.verdicts` has them}.
    Raises Unavailable where it runs in none of the cases.
    """
    try:
        implementation_class = load(name, name) if ":" in name else get_entry(name).load()
    except TypeError as fault:
        clauses = verdicts([], [Fault("operations", "as it is loaded", str(fault).removeprefix(f"{name}: "))])
        return {"implementation": name, "left_out": {}, "clauses": clauses}
    with suppress(RuntimeError):  # most frameworks allow this once in a process
        implementation_class.set_threads(1)
    cases = [
        Examination(implementation_class, get_problem(problem), dtype, batch, device)
        for problem in problems
        for dtype in dtypes
    ]
    with threadpool_limits(1):  # a pool that has to be woken takes milliseconds on a busy machine
        for case in cases:
            case.examine()
        able = [case for case in cases if case.examined]
        left_out = {what: reason for case in cases for what, reason in case.refusals.items()}
        if not able:
            raise Unavailable(next(iter(left_out.values())))
        for case in able:
            for rows in (batch, *timed):
                if sound := case.right:
                    cases.append(Examination(implementation_class, case.problem, case.dtype, rows, device))
                    cases[-1].examine_at_gate(sound)
    clauses = verdicts(
        [clause for case in cases for clause in case.examined], [fault for case in cases for fault in case.faults]
    )
    return {"implementation": name, "left_out": left_out, "clauses": clauses}


class Stop(Exception):
    """Raised after a fault that leaves nothing more to learn from this part of a case."""


class Examination:
    """One implementation at one problem, dtype, batch and device: the clauses that were examined, and the faults."""

    def __init__(
        self, implementation_class: type[Implementation], problem: Problem, dtype: str, batch: int, device: str
    ) -> None:
        self.implementation_class, self.problem, self.dtype, self.batch, self.device = (
            implementation_class,
            problem,
            dtype,
            batch,
            device,
        )
        self.name = f"{problem.name} {dtype}, {batch:,} rows"
        self.rows = problem.data(batch, SEED)
        self.task = Task(problem, problem.parameters(SEED), batch, dtype, device, SEED)
        self.examined: set[str] = set()
        self.faults: list[Fault] = []
        self.right: set[str] = set()
        """The passes that are right when they are called first: of the others nothing more is asked."""
        self.refusals: dict[str, str] = {}
        """Why an operation, or the case as a whole, is unavailable."""

    def examine(self) -> None:
        for part in (self._gradient, self._training):
            with suppress(Stop):
                part(self._prepared())

    def examine_at_gate(self, passes: set[str]) -> None:
        """Put these passes through the gate, as before a measurement."""
        for pass_name in [name for name in PASSES if name in passes]:
            with suppress(Stop):
                implementation = self._prepared()
                self._call(implementation, pass_name)  # where a compiler warns of large constants
                subject = GateSubject(implementation, self.task, pass_name)
                self._operate(f"the gate of {pass_name}", partial(self._examine_gate, Gate(subject), passes))

    def _examine_gate(self, gate: Gate, passes: set[str]) -> None:
        self._note("ready arguments rows anew possible", [])
        try:
            gate.require(moves="train_step" in passes)
        except Broken as broken:
            self.faults.append(Fault(broken.clause, self.name, str(broken), broken.by_time))

    # The parts of a case.

    def _gradient(self, subject: Implementation) -> None:
        start = self._reference()
        predictions = self._call(subject, "forward", start)
        before = kept = deepcopy(predictions)
        if predictions is not None:
            findings = explanations.of_forward(kept, deepcopy(self._call(subject, "forward", when=AGAIN)))
            self._note("repeatable", findings)
            if findings:
                self.right.discard("forward")
                before = None
        evaluation = self._call(subject, "value_and_grad", start)
        if evaluation is not None:
            evaluations = [deepcopy(evaluation)]
            evaluations += [deepcopy(self._call(subject, "value_and_grad", when=AGAIN)) for _ in range(2)]
            after = deepcopy(self._call(subject, "forward", when=AGAIN))
            findings = explanations.of_repetitions(evaluations, before, after)
            self._note("state repeatable", findings)
            if findings:
                self.right.clear()
        if predictions is not None:
            self._operate("wait for a list of results", lambda: subject.wait([subject.forward(), subject.forward()]))
        if not self._feeding(subject):
            for pass_name in PASSES[::-1]:  # at other parameters, so with other results
                self._call(subject, pass_name)
        if predictions is not None:
            self._note_kept("forward", kept, predictions)
        if evaluation is not None:
            self._note_kept("value_and_grad", evaluations[0], evaluation)

    def _feeding(self, subject: Implementation) -> bool:
        """Feed other rows, twice: the first call on rows of the host may compile apart from one on rows of the device.

        Returns whether the implementation takes them.
        """
        rng = np.random.default_rng(SEED)
        for when in ("", "for other rows of the same shape"):
            x, y = (rng.standard_normal(rows.shape).astype(self.dtype) for rows in self.rows)
            try:
                self._operate("feed", partial(subject.feed, x, y))
            except Unavailable as reason:
                self.refusals["feed"] = str(reason)
                return False
            for pass_name in PASSES[:2]:
                if pass_name in self.right:
                    self._call(subject, pass_name, when=when)
        return True

    def _training(self, subject: Implementation) -> None:
        start = self._reference()
        first = self._call(subject, "train_step", start)
        if first is None:
            return
        kept = deepcopy(first)
        second = deepcopy(self._call(subject, "train_step", when=AGAIN))
        findings = explanations.of_second_step(kept, second, start, self._reference(kept[1]), RATE)
        self._note("training", findings)
        if findings:
            self.right.discard("train_step")
        third = deepcopy(self._call(subject, "train_step", when=AGAIN))
        self._note_kept("train_step", kept, first)
        if "train_step" in self.right:
            rated = self._operate("train_step", lambda: subject.to_numpy(subject.train_step(RATE / 4)))
            findings = explanations.of_rate(rated, self._reference(third[1]), RATE / 4, RATE)
            self._note("training", findings)
            if findings:
                self.right.discard("train_step")
        looping = self._prepared()
        looped = self._operate("train_loop", lambda: looping.to_numpy(looping.train_loop(RATE, 3)))
        self._note("training", explanations.of_loop(looped, third, LOOP_TOLERANCE[self.dtype]))

    # How it is asked, and what is noted.

    def _prepared(self) -> Implementation:
        """A fresh instance. Raises Stop where the case is refused."""

        def prepare() -> Implementation:
            subject = self.implementation_class()
            subject.prepare(self.task)
            return subject

        try:
            return self._operate("prepare", prepare)
        except Unavailable as reason:
            self.refusals[self.name] = str(reason)
            raise Stop from None

    def _call(self, subject: Implementation, pass_name: str, right: Reference | None = None, when: str = "") -> Any:
        """A pass's result in NumPy, or None where the implementation does not offer that pass.

        It is judged by `right` where that is given. `when`: how the call differs from an earlier one that was for
        arrays of the same shapes, so that nothing is left to compile.
        """
        try:
            with watched() as traced:
                result = self._operate(pass_name, _bind(subject, pass_name))
                place = self._operate("device_of", lambda: subject.device_of(result))
                numbers = self._operate("to_numpy", lambda: subject.to_numpy(result))
        except Unavailable as reason:
            self.refusals[pass_name] = str(reason)
            return None
        self._note("device", explanations.of_place(pass_name, place, self.device))
        self._note("compiled" if when and traced.is_watched else "", explanations.of_compiler(pass_name, traced, when))
        if right:
            self._judge(pass_name, numbers, right)
        return numbers

    def _judge(self, pass_name: str, result: Any, right: Reference) -> None:
        """Judge a first result. Raises Stop where nothing more can be learnt from it."""
        agreements = self._operate(f"what to_numpy makes of {pass_name}", lambda: right.agree(pass_name, result, RATE))
        misfit = explanations.of_misfit(pass_name, agreements, result)
        self._note("layout dtype", misfit)
        if misfit:
            raise Stop
        in_float32 = None
        if self.dtype == "float64":
            less = Reference(self.problem, self.problem.parameters(SEED), *self.rows, "float32")
            in_float32 = less.agree(pass_name, _in_float32(result), RATE)
        is_step_alone = pass_name == "train_step" and "gradients" not in {fault.clause for fault in self.faults}
        clause = "training" if is_step_alone else "gradients"
        findings = explanations.of_numbers(
            clause, pass_name, agreements, in_float32, self._few_digits(pass_name, result, right)
        )
        self._note(clause, findings)
        if not findings:
            self.right.add(pass_name)
        elif pass_name == "train_step":
            raise Stop

    def _few_digits(self, pass_name: str, result: Any, right: Reference) -> str:
        if pass_name == "forward":
            return ""
        return few_digits(result[1], right, RATE if pass_name == "train_step" else None)

    def _reference(self, parameters: Parameters | None = None) -> Reference:
        """The truth at these parameters, or at those of prepare."""
        return Reference(self.problem, parameters or self.problem.parameters(SEED), *self.rows, self.dtype)

    def _operate(self, operation: str, call: Callable[[], Any]) -> Any:
        """Call it; any exception but Unavailable is a fault of the operation. Raises Stop and Unavailable.

        The operation is printed to standard error first, so that the last line names the one that ended the process.
        """
        print(f"in {operation}, at {self.name}", file=sys.stderr, flush=True)
        try:
            result = call()
        except Unavailable:
            raise
        except Exception as error:
            words = " ".join(str(error).split())[:300]
            self._note("operations", [("operations", f"{operation} raises {type(error).__name__}: {words}")])
            raise Stop from error
        self._note("operations", [])
        return result

    def _note(self, examined: str, findings: Findings) -> None:
        """Note that clauses (names separated by spaces) were examined, and what faults that showed."""
        self.examined.update(examined.split())
        self.faults += [Fault(clause, self.name, sentence) for clause, sentence in findings]

    def _note_kept(self, pass_name: str, kept: Any, result: Any) -> None:
        changed = f"what to_numpy made of {pass_name} changed under the calls that followed: it should be a copy"
        self._note("kept", [] if same(flat(kept), flat(result)) else [("kept", changed)])


class GateSubject(Subject):
    """A pass of an instance that is prepared."""

    rate = RATE

    def __init__(self, implementation: Implementation, task: Task, pass_name: str) -> None:
        self.implementation, self.task, self.pass_name = implementation, task, pass_name
        self.run, self.prepare = _bind(implementation, pass_name), implementation.prepare  # type: ignore[method-assign]


def _bind(subject: Implementation, pass_name: str) -> Callable[[], Any]:
    call = getattr(subject, pass_name)
    return partial(call, RATE) if pass_name == "train_step" else call


def _in_float32(result: Any) -> Any:
    """A result with every number rounded to float32."""
    if not isinstance(result, tuple):
        return np.asarray(result, np.float32)
    loss, layers = result
    return np.asarray(loss, np.float32), rounded(layers, "float32")
