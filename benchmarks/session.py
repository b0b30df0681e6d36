"""One pytest session: measures all selected groups when the first benchmark is due, then replays them to the tests."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

from samegrad.benchmarks import interrupts
from samegrad.benchmarks.clock import cold_start, cpus, doctor, fresh
from samegrad.benchmarks.clock import run as clock
from samegrad.benchmarks.clock.case import Case
from samegrad.benchmarks.clock.record import Group, Request, Run
from samegrad.benchmarks.options import Options, wants_stock_table
from samegrad.benchmarks.runfile import RunFile
from samegrad.benchmarks.saving import Saving
from samegrad.impls.child import Failed


class Replay:
    """A timer for pytest-benchmark that reads what the worker's clock has measured: zero, then the block's seconds."""

    __name__ = "time.perf_counter_ns in the worker"

    def __init__(self) -> None:
        self._readings: Iterator[float] = iter(())

    def load(self, blocks_s: Sequence[float]) -> None:
        """Set the blocks to replay, in seconds."""
        self._readings = (reading for block_s in blocks_s for reading in (0.0, block_s))

    def __call__(self) -> float:
        return next(self._readings)


class Session:
    """The selected tests, and after the first of them the run."""

    def __init__(self, config: pytest.Config, options: Options) -> None:
        self.config, self.options = config, options
        self.selected: dict[Case, tuple[str, ...]] = {}
        self.cold: dict[str, None] = {}
        self.run_file: RunFile | None = None
        self._saving: Saving | None = None
        self._began = False
        self._single: clock.Launch | None = None
        self._until_closed = ExitStack()
        self._arrived: list[str] = []
        self._ends: dict[str, set[str]] = {}
        """By device how its tests ended: "had", or the kind of a failure."""
        self.skipped: dict[str, dict[str, None]] = {}
        """By reason the implementations that could not run."""

    def select(self, case: Case, implementation: str) -> None:
        """Note that a test was collected and not deselected."""
        self.selected[case] = (*self.selected.get(case, ()), implementation)

    def select_cold_start(self, implementation: str) -> None:
        """Note that a phase of an implementation's start was collected and not deselected."""
        self.cold[implementation] = None

    def report(self, benchmark: Any, replay: Replay, implementation: str, case: Case) -> None:
        """Hand one test its rounds. Fails the test where the implementation failed, skips it where it cannot run."""
        if benchmark.disabled:
            benchmark.pedantic(self._check, args=(case, implementation))
            return
        run_file = self._measured()
        group = run_file.run.groups[case]
        launches = group.times_ns.get(implementation, [])
        failure = group.failures.get(implementation)
        if launches:
            self._note_end(case.device, "had")
            calls = group.paces[implementation].calls * case.steps_per_call
            blocks_s = np.concatenate(launches) * calls / 1e9
            replay.load(blocks_s.tolist())
            benchmark.extra_info.update(run_file.extra_info(case, implementation))
            benchmark.pedantic(_nothing, rounds=len(blocks_s), iterations=calls)
            if failure:  # in a later launch
                self._end(case, implementation, failure)
            return
        benchmark.skipped = True
        if failure:
            self._end(case, implementation, failure)
        pytest.skip("interrupted before a launch of this group was complete")

    def report_cold_start(self, benchmark: Any, replay: Replay, implementation: str, phase: str) -> None:
        """Hand one test its five processes' times of one phase."""
        if benchmark.disabled:
            benchmark.pedantic(_nothing)
            return
        found = self._measured().cold_start.get(implementation)
        if found is None:
            benchmark.skipped = True
            pytest.skip("interrupted before it was started")
        if fresh.FAILED & found.keys():
            benchmark.skipped = True
            if "failed" in found:
                pytest.fail(found["failed"], pytrace=False)
            self._skip(implementation, found["unavailable"])
        self._note_end("cpu", "had")
        replay.load([ns / 1e9 for ns in found[phase]])
        benchmark.extra_info.update(
            {"implementation": implementation, "cold_start": phase, "processes": fresh.PROCESSES}
        )
        benchmark.pedantic(_nothing, rounds=len(found[phase]))

    def _measured(self) -> RunFile:
        """Everything that was selected, measured when the first test asks."""
        if self.run_file is None:
            if self._began:
                pytest.fail("the measurement failed; the first test of this run shows where", pytrace=False)
            self._began = True
            self._until_closed.enter_context(interrupts.raised())
            run = self._measure()
            found = self._measure_cold_start(run)
            if self.config.getoption("benchmark_only"):  # what follows is to tell and to save: nothing must stop that
                self._arrived = self._until_closed.enter_context(interrupts.held())
            self.run_file = RunFile(run, self.options.margin, found, self.options.earlier)
        return self.run_file

    def _measure(self) -> Run:
        request, earlier = self.options.request(self.selected), self.options.earlier
        kept = earlier.groups if earlier else {}
        if not self.selected:
            return Run(request)
        missing = {
            case: names
            for case, names in self.selected.items()
            if case not in kept or kept[case].launches < request.launches
        }
        if earlier:
            Terminal(self.config).line(f"\n{_taken(kept, len(self.selected), missing)} taken from {earlier.path}.")
        progress = Progress(self.config, request, missing)
        handicaps = doctor.examine(doctor.Machine(pinned_to=cpus.choose(request.threads, request.cpus)))
        for handicap in handicaps:
            Terminal(self.config).line(f"HANDICAP: {handicap.sentence}")
        try:
            run = clock.measure(request, progress, kept=kept)
        finally:
            progress.end()
        run.handicaps[:0] = handicaps
        run.workers = (earlier.workers if earlier else {}) | run.workers
        return run

    def _measure_cold_start(self, run: Run) -> dict[str, dict[str, Any]]:
        kept = self.options.earlier.cold_start(list(self.cold)) if self.options.earlier else {}
        names = [name for name in self.cold if name not in kept]
        if not names or run.interrupted:
            return kept
        request = self.options.request({})
        terminal = Terminal(self.config)
        terminal.line(f"\ncold start of {len(names)} implementations, each in {fresh.PROCESSES} new processes")
        try:
            return kept | fresh.measure(
                cold_start.__name__,
                names,
                lambda number, name: terminal.update(f"cold start {number}/{fresh.PROCESSES}: {name}"),
                threads=request.threads,
                time_limit_s=request.time_limit_s,
                on_interrupt=run.interrupt,
            )
        finally:
            terminal.line("")

    @property
    def _stock(self) -> Any:
        """pytest-benchmark's own session, for which it has no public name."""
        return self.config._benchmarksession  # type: ignore[attr-defined]

    def begin(self) -> None:
        """Where something will be measured, set where it is saved, and take what an earlier run has of it.

        Raises BadInput where that place or that run cannot be used.
        """
        if (self.selected or self.cold) and not (self._stock.disabled or self._stock.skip):
            self._saving = Saving(self._stock, self.config.rootpath)
            self._stock.quiet = self._stock.quiet or not wants_stock_table(self.config)
            if self.options.earlier:
                self.options.earlier.take(self.selected)

    def save_failures(self) -> None:
        """Save a run that has nothing but failures to tell."""
        if self._saving and self.run_file and not self._stock.benchmarks and self.run_file.has_failures:
            self._saving.save_without_benchmarks(self.config)

    @property
    def was_interrupted(self) -> bool:
        return bool(self._arrived) or bool(self.run_file and self.run_file.run.interrupted)

    @property
    def written(self) -> list[Path]:
        """The run's files."""
        return self._saving.written if self._saving else []

    @property
    def saving_problems(self) -> list[str]:
        return self._saving.problems if self._saving else []

    @property
    def has_troubles(self) -> bool:
        """Whether anything failed, a witness too, or could not be saved."""
        return bool(self.saving_problems) or bool(self.run_file and self.run_file.has_failures)

    def _check(self, case: Case, implementation: str) -> None:
        """With --benchmark-disable: build the case, call it once and hold the result against the reference."""
        if self._single is None:
            request = self.options.request({case: (implementation,)})
            self._single = clock.Launch(Run(request, cpus=[]), np.random.default_rng())
        try:
            self._single.check(case, implementation)
            self._note_end(case.device, "had")
        except Failed as failure:
            self._end(case, implementation, failure)

    def _note_end(self, device: str, kind: str) -> None:
        self._ends.setdefault(device, set()).add(kind)

    @property
    def absent(self) -> list[str]:
        """The devices that no implementation of this session could have."""
        return [device for device, kinds in self._ends.items() if device != "cpu" and kinds == {"unavailable"}]

    @property
    def had_nothing(self) -> bool:
        """Whether there were benchmarks, and none of them could run here."""
        return bool(self.skipped) and not any(kinds - {"unavailable"} for kinds in self._ends.values())

    def _skip(self, implementation: str, reason: str) -> NoReturn:
        self.skipped.setdefault(reason.removeprefix(implementation).strip(), {})[implementation] = None
        pytest.skip(reason)

    def _end(self, case: Case, implementation: str, failure: Failed) -> None:
        self._note_end(case.device, failure.kind)
        if failure.kind == "unavailable":
            self._skip(implementation, failure.reason)
        tail = ["", "the worker's last lines:", *failure.stderr] if failure.stderr and not failure.is_foreseen else []
        pytest.fail("\n  ".join([failure.reason, *tail]), pytrace=False)

    def close(self) -> None:
        """End what --benchmark-disable has started, and answer signals as before."""
        self._until_closed.close()
        if self._single is not None:
            self._single.__exit__()


class Terminal:
    """Where progress is told: the terminal, past pytest's capture; nowhere where pytest has none."""

    def __init__(self, config: pytest.Config) -> None:
        self._reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
        capture: Any = config.pluginmanager.get_plugin("capturemanager")
        self._uncaptured = capture.global_and_fixture_disabled if capture else nullcontext

    def line(self, text: str) -> None:
        """Write a line for good."""
        self._write(("\r\x1b[K" if sys.stdout.isatty() else "") + text.rstrip() + "\n")

    def update(self, text: str) -> None:
        """Write over the last update, where the output is a terminal; elsewhere nothing."""
        if sys.stdout.isatty():
            self._write(f"\r\x1b[K{text}")

    def _write(self, text: str) -> None:
        if self._reporter:
            with self._uncaptured():
                self._reporter.write(text, flush=True)


SILENT_S = 60.0
"""Where the output is no terminal, nothing is said for longer than this and a group."""


class Progress:
    """Tells what a run will do, what it is doing, and how long it took."""

    def __init__(self, config: pytest.Config, request: Request, missing: dict[Case, tuple[str, ...]]) -> None:
        self.terminal, self.request, self.groups = Terminal(config), request, len(missing)
        self.began_s = self.told_s = time.monotonic()
        tests = sum(map(len, missing.values()))
        self.terminal.line(
            f"\n{tests} benchmarks in {self.groups} groups, {_count(request.launches, 'launch', 'launches')}, "
            f"{_count(request.threads, 'thread', 'threads')}. A budget of {request.budget_s:g} s buys "
            f"{request.group_budget_s:.2g} s of timed blocks for each group in each launch "
            f"({request.least_rounds} to {clock.schedule.MOST_ROUNDS} rounds)."
            + (" One launch is a preview: it carries no verdict." if request.launches == 1 else "")
        )

    def __call__(self, launch: int, group: int, message: str) -> None:
        elapsed_s = time.monotonic() - self.began_s
        of = f"/{self.request.launches}" if launch <= self.request.launches else ", one more since the run is noisy"
        text = f"[{elapsed_s:4.0f} s] launch {launch}{of}, group {group}/{self.groups}: {message}"
        if group == 0 or time.monotonic() - self.told_s > SILENT_S:
            self.told_s = time.monotonic()
            self.terminal.line(text)
        else:
            self.terminal.update(text)

    def end(self) -> None:
        self.terminal.line(f"measured in {time.monotonic() - self.began_s:.0f} s")


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"


def _taken(kept: Mapping[Case, Group], selected: int, missing: Mapping[Case, Any]) -> str:
    """3 of 5 groups whole, and some launches of 1 more, are"""
    in_part = sum(case in missing for case in kept)
    more = f", and some launches of {in_part} more, are" if in_part else " are"
    return f"{len(kept) - in_part} of {selected} groups{more}"


def _nothing() -> None:
    """What pytest-benchmark calls while the times are replayed."""
