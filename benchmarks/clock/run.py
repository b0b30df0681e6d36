"""A run: launches of fresh workers, and all groups within each.

launch      fresh workers, pinned to one CPU, each importing its framework
  group     every worker builds the case, and passes the gate or is left out
            calls per block are set (first launch) and kept; the baseline is picked and given its sentinel
            rounds, in random order: every implementation, the sentinel and the yardstick
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from samegrad.benchmarks.clock import cpus, doctor, noise, schedule
from samegrad.benchmarks.clock.case import Case
from samegrad.benchmarks.clock.crew import WorkerProcess
from samegrad.benchmarks.clock.record import SENTINEL, YARDSTICK, Group, Request, Run
from samegrad.benchmarks.documents.doctor import Handicap
from samegrad.impls.child import Failed, pinned
from samegrad.impls.parameters import from_lists
from samegrad.impls.registry import get_entry

MOST_HANGS = 2


class Progress(Protocol):
    """Told what is being done: launch and group count from 1."""

    def __call__(self, launch: int, group: int, message: str) -> None: ...


@dataclass
class Timed:
    """A worker at one of its calls, as the schedule sees it."""

    worker: WorkerProcess
    key: str

    def time(self, prefix: int, calls: int) -> int:
        found = self.worker.ask("time", key=self.key, prefix=prefix, calls=calls).get("ns")
        if not isinstance(found, int):
            raise Failed("exception", f"{self.worker.name} told a time of {found!r} ns", [])
        return found


def measure(
    request: Request,
    progress: Progress,
    random: np.random.Generator | None = None,
    kept: Mapping[Case, Group] | None = None,
) -> Run:
    """Measure everything that was asked for, but for the launches that an earlier run has of a group.

    On Ctrl-C returns what is complete, with `interrupted` set.
    """
    groups = {case: (kept or {}).get(case) or Group() for case in request.cases}
    begun = {case: group.launches for case, group in groups.items()}
    run = Run(request, groups=groups, cpus=cpus.choose(request.threads, request.cpus), begun=begun)
    random = random or np.random.default_rng()
    began_s = time.monotonic()
    try:
        for number in count(1):
            if number > request.launches and not _one_more(run, began_s):
                break
            if cases := run.missing(number):
                run.launches.append({"launch": number, "started": datetime.now(UTC).isoformat(timespec="seconds")})
                with Launch(run, random) as launch:
                    progress(number, 0, "starting the workers")
                    launch.start_workers(cases)
                    for place, case in enumerate(cases, start=1):
                        progress(number, place, case.group)
                        launch.measure(case)
    except KeyboardInterrupt as interrupt:
        run.interrupt(interrupt)
    run.wall_s = time.monotonic() - began_s
    return run


def _one_more(run: Run, began_s: float) -> bool:
    """Whether a noisy run has the time for another launch. A preview, of one launch, and what is resumed get none."""
    if run.request.launches == 1 or any(run.begun.values()):
        return False
    elapsed_s = time.monotonic() - began_s
    enough_time = elapsed_s * (1 + 1 / len(run.launches)) <= run.request.budget_s
    return enough_time and run.noise()["noisy"]


class Launch:
    """One set of workers, by name: an implementation's, the yardstick's, and each baseline's sentinel."""

    def __init__(self, run: Run, random: np.random.Generator) -> None:
        self.run, self.request, self.random = run, run.request, random
        self.workers: dict[str, WorkerProcess] = {}
        self.unstartable: dict[str, Failed] = {}
        self._read_ns: dict[int, float] = {}

    def __enter__(self) -> Launch:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers.values():
            worker.close()

    def start_workers(self, cases: Iterable[Case]) -> None:
        """Start those that are known to be needed, so that no framework is imported while another is measured."""
        needed = dict.fromkeys(name for case in cases for name in self.request.cases[case])
        for name in (*needed, YARDSTICK):
            with contextlib.suppress(Failed):  # told again by each case that needs it
                self.worker(name)

    def worker(self, name: str) -> WorkerProcess:
        """The worker of that name, started if there is none or it has died: a death ends its own case alone.

        Raises Failed, at each call again, where it does not start.
        """
        if name in self.unstartable:
            raise self.unstartable[name]
        if name not in self.workers or self.workers[name].is_closed:
            try:
                self._start(name)
            except Failed as failure:
                self.unstartable[name] = failure
                raise
        return self.workers[name]

    def _start(self, name: str) -> None:
        entry = get_entry(name.removesuffix(SENTINEL)) if name != YARDSTICK else None
        if entry and (reason := entry.missing()):
            raise Failed("unavailable", reason, [])
        if entry and (reason := doctor.turned_off(entry, os.environ)):
            raise Failed("handicapped", reason, [])
        with pinned(self.run.cpus):
            worker = self.workers[name] = WorkerProcess(name, self.request.threads, self.request.time_limit_s)
        target = entry.target if entry else "samegrad.benchmarks.clock.noise:yardstick"
        told = worker.ask("start", target=target, threads=self.request.threads, function=entry is None)
        told |= worker.ask("examine", pinned_to=self.run.cpus)
        for sentence in told["handicaps"]:
            found = Handicap(handicap="process", sentence=f"{name}: {sentence}")
            self.run.handicaps += [found] if found not in self.run.handicaps else []
        self.run.workers.setdefault(name, told)

    def measure(self, case: Case) -> None:
        """Measure one group, and leave out whichever implementation fails at it."""
        group = self.run.groups[case]
        ready = {name: timed for name in self.request.cases[case] if (timed := self._ready(group, case, name))}
        self._calibrate(group, ready)
        if not ready:
            return
        group.baseline = group.baseline or self._pick_baseline(group, ready)
        for witness in (SENTINEL, YARDSTICK):
            if timed := self._ready(group, case, witness):
                ready[witness] = timed
        if group.baseline in group.paces:
            group.paces[SENTINEL] = group.paces[group.baseline]  # the same calls, so that only the process differs
        self._calibrate(group, ready)

        paces = {name: group.paces[name] for name in ready}
        group.rounds = group.rounds or schedule.affordable_rounds(
            self.request.group_budget_s, paces.values(), self.request.least_rounds
        )
        times_ns = schedule.run_rounds(
            ready,
            paces,
            group.rounds,
            self.random,
            lambda name, failure: self._fail(group, name, failure),
            Failed,
            lambda name, number, reason: group.dropped.append(
                {"launch": self.run.launches[-1]["launch"], "round": number + 1, "in": name, "reason": reason}
            ),
        )
        for name in [name for name in times_ns if name not in (SENTINEL, YARDSTICK)]:
            with self._failing(group, name):
                self._require_possible(case, name, times_ns[name])
                self._note_gate(ready[name].worker.ask("recheck", key=name))
        for name in [name for name in times_ns if name in group.failures]:
            del times_ns[name]
        for name, rounds_ns in times_ns.items():
            steps = 1 if name == YARDSTICK else case.steps_per_call
            if len(rounds_ns):
                group.times_ns.setdefault(name, []).append(rounds_ns / steps)
        for name, timed in ready.items():
            with self._failing(group, name):
                timed.worker.ask("forget")

    def _require_possible(self, case: Case, name: str, times_ns: NDArray[Any]) -> None:
        """Raise Failed where calls were faster than one thread of this machine can read what they were given."""
        if case.device != "cpu" or not len(times_ns):
            return
        try:
            if case.input_bytes not in self._read_ns:
                told = self.worker(YARDSTICK).ask("read", size_bytes=case.input_bytes)
                self._read_ns[case.input_bytes] = told["ns"]
        except Failed:  # without the yardstick nothing is known
            return
        read_ns, took_ns = self._read_ns[case.input_bytes], float(np.median(times_ns)) / case.steps_per_call
        if took_ns < noise.POSSIBLE * read_ns / self.request.threads:
            raise Failed(
                "impossible",
                f"{name} takes {took_ns:,.0f} ns at {case.group}, but to read the {case.input_bytes:,} bytes of its "
                f"rows once takes {read_ns:,.0f} ns on this machine: what it returns cannot have been computed from "
                "them",
                [],
            )

    def _note_gate(self, told: dict[str, Any]) -> None:
        self.run.gate_s += told.get("gate_ns", 0) / 1e9

    def check(self, case: Case, name: str) -> None:
        """Have one implementation pass the gate at one case, without timing it. Raises Failed."""
        worker = self.worker(name)
        self._prepare(worker, case, name)
        worker.ask("forget")

    def _prepare(self, worker: WorkerProcess, case: Case, name: str) -> dict[str, Any]:
        parameters = from_lists(self.request.parameters) if self.request.parameters else None
        task = case.task(self.request.seed, parameters)
        return worker.ask("prepare", key=name, pass_name=case.pass_name, task=task.as_json())

    def _ready(self, group: Group, case: Case, name: str) -> Timed | None:
        """Have the worker build the case and pass the gate; None, and a failure noted, where it does not."""
        if name in group.failures:
            return None
        with self._failing(group, name):
            worker = self.worker(f"{group.baseline}{SENTINEL}" if name == SENTINEL else name)
            if name == YARDSTICK:
                return Timed(worker, "function")
            told = self._prepare(worker, case, name)
            group.prepared.setdefault(name, told)
            self._note_gate(told)
            return Timed(worker, name)
        return None

    def _calibrate(self, group: Group, ready: dict[str, Timed]) -> None:
        """Set the calls per block of those that have none yet; they stay for all launches."""
        for name in [name for name in ready if name not in group.paces]:
            with self._failing(group, name):
                group.paces[name] = schedule.calibrate(ready[name], self.request.block_ns)
        for name in [name for name in ready if name in group.failures]:
            del ready[name]

    def _pick_baseline(self, group: Group, ready: Mapping[str, Timed]) -> str:
        """The one asked for, else the fastest that is no floor, by its calibration.

        Picked before any round, it is not picked for its luck in the rounds: the intervals need no correction for it.
        """
        if self.request.baseline in ready:
            return str(self.request.baseline)
        candidates = [name for name in ready if not get_entry(name).is_floor] or list(ready)
        return min(candidates, key=lambda name: group.paces[name].per_call_ns)

    @contextlib.contextmanager
    def _failing(self, group: Group, name: str) -> Iterator[None]:
        """Note a failure of `name` inside, and go on."""
        try:
            yield
        except Failed as failure:
            self._fail(group, name, failure)

    def _fail(self, group: Group, name: str, failure: Failed) -> None:
        group.failures.setdefault(name, failure)  # what comes after the first failure only follows from it
        worker = f"{group.baseline}{SENTINEL}" if name == SENTINEL else name
        if failure.kind == "hung" and worker not in self.unstartable:
            self._count_hang(worker)

    def _count_hang(self, worker: str) -> None:
        """Give a worker up where every case would cost the time limit."""
        self.run.hangs[worker] += 1
        if self.run.hangs[worker] >= MOST_HANGS:
            reason = f"not tried: {worker} has hung at {MOST_HANGS} cases before, {self.request.time_limit_s:g} s each"
            self.unstartable[worker] = Failed("hung", reason, [])
