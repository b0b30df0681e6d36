"""`samegrad time`: measure the user's callables as contestants of a run, and write its run file."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from samegrad.benchmarks.clock import run as clock
from samegrad.benchmarks.clock.case import Case
from samegrad.benchmarks.clock.contestant import HERE, Contestant
from samegrad.benchmarks.clock.record import Group, Request, Run
from samegrad.benchmarks.documents.run import RunDocument
from samegrad.benchmarks.own import sameness, target
from samegrad.benchmarks.own.contender import Contender
from samegrad.benchmarks.results.statistics import Interval, ratio_interval
from samegrad.benchmarks.results.verdict import FASTER
from samegrad.benchmarks.runfile import RunFile
from samegrad.impls.documents.base import made

CALL = Case("own", "call", 1, "any", "cpu")
"""The one case of such a run: a call."""
LEAST_ROUNDS = 5


@dataclass(frozen=True)
class CallOptions:
    """The options of all callables: how they are called, and whether their results are waited for."""

    setup: str = ""
    arguments: str = ""
    inputs: str | None = None
    waits: bool = True


class Own(Contestant):
    """A callable of the user's. Its numbers are kept in a file of `folder`."""

    framework = "own"
    worker = "samegrad.benchmarks.own.worker:OwnWorker"

    def __init__(
        self,
        name: str,
        text: str,
        asked: CallOptions,
        folder: Path,
        contender: Contender | None = None,
    ) -> None:
        self.name, self.text, self.asked, self.contender = name, text, asked, contender
        place = contender.place if contender else HERE
        self.place = place if contender and contender.commit else replace(place, folder=Path.cwd())
        self.execution = "function" if target.parts(text) else "statement"
        self.kept = folder / f"{hashlib.sha1(name.encode(errors='surrogatepass')).hexdigest()}.npz"

    def version(self) -> str:
        return (self.contender.commit or "")[:12] if self.contender else ""

    def start(self) -> dict[str, Any]:
        asked = self.asked
        return {"target": self.text, "setup": asked.setup, "arguments": asked.arguments, "inputs": asked.inputs}

    def prepare(self, case: Case, seed: int, parameters: list[list[Any]] | None) -> dict[str, Any]:
        return {"waits": self.asked.waits, "kept_in": str(self.kept)}


@dataclass
class TimedCallables:
    """The callables' times, and how their results compare."""

    run: Run
    file: RunFile
    names: list[str]
    """The callables, the one that the others are compared with first."""
    waits: bool
    tolerance: float | str | None = None
    compared: dict[str, sameness.Compared] = field(default_factory=dict)
    """The comparison of each callable's result with that of the first, by name."""

    @property
    def group(self) -> Group:
        return self.run.groups[CALL]

    @property
    def baseline(self) -> str:
        """The first that could be timed."""
        return str(self.group.baseline or self.names[0])

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        """The row of each callable that has times."""
        entry = self.file.groups.get(CALL)
        return {row["implementation"]: row for row in entry["rows"]} if entry else {}

    def interval_ns(self, name: str) -> Interval:
        """The time of a call in ns and its interval over launches: of the logs of their medians."""
        return ratio_interval([float(np.log(np.median(times))) for times in self.group.times_ns[name]])

    @property
    def is_wrong(self) -> bool:
        return any(compared.difference for compared in self.compared.values())

    def notes(self, name: str) -> list[str]:
        """The remarks that every table shows beside its verdict."""
        is_wrong = name in self.compared and bool(self.compared[name].difference)
        is_early = not self.waits and bool(self.group.prepared[name]["late"])
        return ["wrong result"] * is_wrong + ["returns before it is ready"] * is_early

    def sameness_of(self, name: str) -> str:
        """One line that says whether its result is the same as the baseline's."""
        is_faster = self.rows.get(name, {}).get("verdict") == FASTER
        return sameness.sentence(self.compared[name], name, self.baseline, self.tolerance, is_faster)

    def document(self) -> RunDocument:
        """Build the run file."""
        ours = self.file.as_json()
        ours["own"] = {name: self._own(name) for name in self.names if name in self.group.prepared}
        benchmarks = [
            {
                "group": CALL.group,
                "extra_info": self.file.extra_info(CALL, name),
                "stats": {"data": (np.concatenate(times_ns) / 1e9).tolist()},
            }
            for name, times_ns in self.group.measured.items()
        ]
        return RunDocument.of(
            {"datetime": made(), "commit_info": {"id": None}, "benchmarks": benchmarks, "samegrad": ours}
        )

    def _own(self, name: str) -> dict[str, Any]:
        prepared = self.group.prepared[name]
        keys = ("returned_ns", "ready_ns", "late", "remarks")
        same = {"same": self.sameness_of(name)} if name in self.compared else {}
        return {key: prepared[key] for key in keys} | {"waited": self.waits} | same


def contestants(
    texts: Sequence[str], asked: CallOptions, folder: Path, contenders: Sequence[Contender] = ()
) -> dict[str, Contestant]:
    """Every callable by its name, in every contender's environment where there are any."""
    every = [
        Own(f"{label}@{contender.name}" if contender else label, text, asked, folder, contender)
        for label, text in zip(target.labels(list(texts)), texts, strict=True)
        for contender in contenders or (None,)
    ]
    return {own.name: own for own in every}


def measure(
    texts: Sequence[str],
    asked: CallOptions,
    progress: clock.Progress,
    *,
    tolerance: float | str | None = None,
    contenders: Sequence[Contender] = (),
    **how: Any,
) -> TimedCallables:
    """Time the callables in turn, and compare what they return.

    how: further fields of the `Request`, such as launches, threads and budget_s. A callable that fails is missing among
    the times, with its reason in the group's failures.
    """
    with tempfile.TemporaryDirectory() as folder:
        of = contestants(texts, asked, Path(folder), contenders)
        names = list(of)
        request = Request(
            {CALL: tuple(names)},
            **{"baseline": names[0], "least_rounds": LEAST_ROUNDS, **how},  # type: ignore[arg-type]
            contestants=of,
            contenders=tuple(contenders),
        )
        run = clock.measure(request, progress)
        timed = TimedCallables(run, RunFile(run, {}), names, asked.waits, tolerance)
        prepared = timed.group.prepared
        kept = {
            name: sameness.read_kept(prepared[name]["leaves"], one.kept)
            for name, one in of.items()
            if isinstance(one, Own) and name in prepared and one.kept.exists()
        }
        if reference := kept.get(timed.baseline):
            timed.compared = {
                name: sameness.compare(one, reference, tolerance)
                for name, one in kept.items()
                if name != timed.baseline
            }
        for name, row in timed.rows.items():
            row["notes"] = [*row["notes"], *timed.notes(name)]
        return timed
