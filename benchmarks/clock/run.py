"""A run: launches of fresh workers, and all groups within each.

launch      fresh workers, pinned to one CPU, each importing its framework
  group     every worker builds the case, and passes the gate or is left out
            calls per block are set (first launch) and kept; the baseline is picked and given its sentinel
            rounds, each visiting every implementation, the sentinel and the yardstick in random order
            those that were timed pass the gate again
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, Protocol

import numpy as np

from samegrad.benchmarks.clock import cpus, schedule
from samegrad.benchmarks.clock.case import Case
from samegrad.benchmarks.clock.company import Company
from samegrad.benchmarks.clock.crew import WorkerProcess
from samegrad.benchmarks.clock.record import SENTINEL, YARDSTICK, Group, Request, Run
from samegrad.benchmarks.documents.doctor import Handicap
from samegrad.impls.child import Failed, pinned

MOST_HANGS = 2


class Progress(Protocol):
    """Receives each step of a run as it begins; launch and group count from 1."""

    def __call__(self, launch: int, group: int, message: str) -> None: ...


@dataclass
class TimedWorker:
    """A worker at one of its calls, as the schedule sees it."""

    worker: WorkerProcess
    key: str
    faults: list[float] = field(default_factory=list)
    """Pages that a call faulted in, by block."""

    def time(self, prefix: int, calls: int) -> int:
        answer = self.worker.ask("time", key=self.key, prefix=prefix, calls=calls)
        block_ns = answer.get("ns")
        if not isinstance(block_ns, int):
            raise Failed("exception", f"{self.worker.name} answers with a time of {block_ns!r} ns", [])
        self.faults.append(answer.get("faults", 0))
        return block_ns


def measure(
    request: Request,
    progress: Progress,
    random: np.random.Generator | None = None,
    kept: Mapping[Case, Group] | None = None,
) -> Run:
    """Measure the request and return the run. Launches of a group that `kept` has already are not measured again.

    On Ctrl-C the run has what is complete, and `interrupted` is set.
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
                        run.launches[-1] |= launch.company.shares()
    except KeyboardInterrupt as interrupt:
        run.interrupt(interrupt)
    run.wall_s = time.monotonic() - began_s
    return run


def _one_more(run: Run, began_s: float) -> bool:
    """Whether another launch would help a noisy run, and there is the time.

    A preview, of one launch, and what is resumed get none.
    """
    if run.request.launches == 1 or any(run.begun.values()):
        return False
    elapsed_s = time.monotonic() - began_s
    enough_time = elapsed_s * (1 + 1 / len(run.launches)) <= run.request.budget_s
    return enough_time and run.noise()["noisy"] and not run.is_resolved()


class Launch:
    """The workers of one launch, by name: one for each implementation, the yardstick, a sentinel for each baseline."""

    def __init__(self, run: Run, random: np.random.Generator) -> None:
        self.run, self.request, self.random = run, run.request, random
        self.workers: dict[str, WorkerProcess] = {}
        """The running workers, by `_key`."""
        self.threads = 1
        """The threads of the case that is measured."""
        self.unstartable: dict[str, Failed] = {}
        self.company = Company()

    def __enter__(self) -> Launch:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers.values():
            worker.close()

    def start_workers(self, cases: Iterable[Case]) -> None:
        """Start the workers that are known to be needed, so that no framework is imported while another is measured."""
        needed = dict.fromkeys((case.threads, name) for case in cases for name in self.request.cases[case])
        for self.threads, name in (*needed, (1, YARDSTICK)):
            with contextlib.suppress(Failed):  # each case that needs it fails with the same reason
                self.worker(name)

    def _key(self, name: str) -> str:
        """The key of a worker: an implementation has a worker for each number of threads, the yardstick one in all."""
        return name if self.threads == 1 or name == YARDSTICK else f"{name} threads={self.threads}"

    def worker(self, name: str) -> WorkerProcess:
        """The worker of that name, started if there is none or it has died: a death ends its own case alone.

        Raises Failed, at each call again, where it does not start.
        """
        key = self._key(name)
        if key in self.unstartable:
            raise self.unstartable[key]
        if key not in self.workers or self.workers[key].is_closed:
            try:
                self._start(name)
            except Failed as failure:
                self.unstartable[key] = failure
                raise
        return self.workers[key]

    def _start(self, name: str) -> None:
        contestant = self.request.contestant(name.removesuffix(SENTINEL))
        contestant.require()
        threads = 1 if name == YARDSTICK else self.threads
        chosen = cpus.choose(threads, self.request.cpus) if threads < self.request.threads else self.run.cpus
        with pinned(chosen):
            worker = self.workers[self._key(name)] = WorkerProcess(
                name, threads, self.request.time_limit_s, contestant.place, contestant.worker
            )
        state = worker.ask("start", threads=threads, **contestant.start())
        state |= worker.ask("examine", pinned_to=chosen)
        for sentence in state["handicaps"]:
            handicap = Handicap(handicap="process", sentence=f"{name}: {sentence}")
            self.run.handicaps += [handicap] if handicap not in self.run.handicaps else []
        self.run.workers.setdefault(name, state)

    def measure(self, case: Case) -> None:
        """Measure one group, and leave out whichever implementation fails at it."""
        group, self.threads = self.run.groups[case], case.threads
        ready = {name: timed for name in self.request.cases[case] if (timed := self._prepared_call(group, case, name))}
        self._calibrate(group, ready)
        if not ready:
            return
        group.baseline = group.baseline or self._pick_baseline(group, ready)
        for witness in (SENTINEL, YARDSTICK):
            if timed := self._prepared_call(group, case, witness):
                ready[witness] = timed
        if group.baseline in group.paces:
            group.paces[SENTINEL] = group.paces[group.baseline]  # the same calls, so that only the process differs
        self._calibrate(group, ready)

        paces = {name: group.paces[name] for name in ready}
        group.rounds = group.rounds or schedule.affordable_rounds(
            self.request.group_budget_s, paces.values(), self.request.least_rounds
        )
        with self.company.watched():
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
        for name in [name for name, times in times_ns.items() if name not in (SENTINEL, YARDSTICK) and len(times)]:
            with self._noting_failure(group, name):
                took_ns = float(np.median(times_ns[name])) / case.steps_per_call
                self._note_gate(ready[name].worker.ask("recheck", key=name, took_ns=took_ns))
        for name in [name for name in times_ns if name in group.failures]:
            del times_ns[name]
        for name, rounds_ns in times_ns.items():
            steps = 1 if name == YARDSTICK else case.steps_per_call
            if len(rounds_ns):
                group.times_ns.setdefault(name, []).append(rounds_ns / steps)
                group.faults.setdefault(name, []).append(float(np.median(ready[name].faults)))
        for name, timed in ready.items():
            with self._noting_failure(group, name):
                timed.worker.ask("forget")

    def _note_gate(self, prepared: dict[str, Any]) -> None:
        self.run.gate_s += prepared.get("gate_ns", 0) / 1e9

    def check(self, case: Case, name: str) -> None:
        """Have one implementation pass the gate at one case, without timing it. Raises Failed."""
        self.threads = case.threads
        worker = self.worker(name)
        self._prepare(worker, case, name)
        worker.ask("forget")

    def _prepare(self, worker: WorkerProcess, case: Case, name: str) -> dict[str, Any]:
        contestant = self.request.contestant(worker.name.removesuffix(SENTINEL))
        return worker.ask("prepare", key=name, **contestant.prepare(case, self.request.seed, self.request.parameters))

    def _prepared_call(self, group: Group, case: Case, name: str) -> TimedWorker | None:
        """Have the worker build the case and pass the gate; None, and a failure noted, where it does not."""
        if name in group.failures:
            return None
        with self._noting_failure(group, name):
            worker = self.worker(f"{group.baseline}{SENTINEL}" if name == SENTINEL else name)
            if name == YARDSTICK:
                return TimedWorker(worker, "function")
            prepared = self._prepare(worker, case, name)
            group.prepared.setdefault(name, prepared)
            self._note_gate(prepared)
            return TimedWorker(worker, name)
        return None

    def _calibrate(self, group: Group, ready: dict[str, TimedWorker]) -> None:
        """Set the calls per block of those that have none yet; they stay for all launches."""
        for name in [name for name in ready if name not in group.paces]:
            with self._noting_failure(group, name):
                group.paces[name] = schedule.calibrate(ready[name], self.request.block_ns)
        for name in [name for name in ready if name in group.failures]:
            del ready[name]

    def _pick_baseline(self, group: Group, ready: Mapping[str, TimedWorker]) -> str:
        """The requested baseline, else the implementation that calibration showed to be the fastest, floors aside.

        It is picked before any round, so that luck in the rounds cannot pick it and intervals need no correction.
        """
        if self.request.baseline in ready:
            return str(self.request.baseline)
        candidates = [name for name in ready if self.request.contestant(name).can_be_baseline] or list(ready)
        return min(candidates, key=lambda name: group.paces[name].per_call_ns)

    @contextlib.contextmanager
    def _noting_failure(self, group: Group, name: str) -> Iterator[None]:
        """Note a failure of `name` inside, and go on."""
        try:
            yield
        except Failed as failure:
            self._fail(group, name, failure)

    def _fail(self, group: Group, name: str, failure: Failed) -> None:
        group.failures.setdefault(name, failure)  # what comes after the first failure only follows from it
        worker = f"{group.baseline}{SENTINEL}" if name == SENTINEL else name
        if failure.kind == "hung" and self._key(worker) not in self.unstartable:
            self._count_hang(self._key(worker))

    def _count_hang(self, worker: str) -> None:
        """Count a hang of this worker. After MOST_HANGS it is given up: each case would cost the time limit."""
        self.run.hangs[worker] += 1
        if self.run.hangs[worker] >= MOST_HANGS:
            reason = f"not tried: {worker} has hung at {MOST_HANGS} cases before, {self.request.time_limit_s:g} s each"
            self.unstartable[worker] = Failed("hung", reason, [])
