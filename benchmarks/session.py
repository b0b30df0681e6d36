"""One pytest session: measures all selected groups when the first benchmark is due, then replays them to the tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

from samegrad.benchmarks import interrupts
from samegrad.benchmarks.clock import cold_start, cpus, doctor, fresh
from samegrad.benchmarks.clock import run as clock
from samegrad.benchmarks.clock.case import Case
from samegrad.benchmarks.clock.record import Run
from samegrad.benchmarks.options import Options
from samegrad.benchmarks.progress import ColdStarts, RunProgress, Terminal
from samegrad.benchmarks.resume import Earlier
from samegrad.benchmarks.runfile import RunFile
from samegrad.benchmarks.saving import Saving
from samegrad.benchmarks.stock_options import wants_stock_table
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
    """The selected tests, and the run, which the first of them starts."""

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
        """By device how its tests ended: "ran", or the kind of the failure."""
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
            self._note_end(case.device, "ran")
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
        """Hand one test the times of one phase, one of each process."""
        if benchmark.disabled:
            benchmark.pedantic(_nothing)
            return
        samples = self._measured().cold_start.get(implementation)
        if samples is None:
            benchmark.skipped = True
            pytest.skip("interrupted before it was started")
        if fresh.FAILED & samples.keys():
            benchmark.skipped = True
            if "failed" in samples:
                pytest.fail(samples["failed"], pytrace=False)
            self._skip(implementation, samples["unavailable"])
        self._note_end("cpu", "ran")
        replay.load([ns / 1e9 for ns in samples[phase]])
        benchmark.extra_info.update(
            {"implementation": implementation, "cold_start": phase, "processes": len(samples[phase])}
        )
        benchmark.pedantic(_nothing, rounds=len(samples[phase]))

    def _measured(self) -> RunFile:
        """The run of everything that was selected, measured when the first test asks."""
        if self.run_file is None:
            if self._began:
                pytest.fail("the measurement failed; the first test of this run shows where", pytrace=False)
            self._began = True
            self._until_closed.enter_context(interrupts.raised())
            run = self._measure()
            cold_start = self._measure_cold_start(run)
            if self.config.getoption("benchmark_only"):  # what follows is to tell and to save: nothing must stop that
                self._arrived = self._until_closed.enter_context(interrupts.deferred())
            self.run_file = RunFile(run, cold_start, self.options.earlier, self.cold)
        return self.run_file

    def _measure(self) -> Run:
        request, earlier = self.options.request(self.selected), self.options.earlier
        kept = earlier.groups if earlier else {}
        missing = {
            case: names
            for case, names in self.selected.items()
            if case not in kept or kept[case].launches < request.launches
        }
        terminal = Terminal(self.config)
        if earlier:
            terminal.line(f"\n{self._taken(earlier, missing)} taken from {earlier.path}.")
            if not missing and earlier.cold_start.keys() >= self.cold.keys():
                terminal.line("Nothing is missing; nothing is measured.")
        if not missing:
            run = clock.measure(request, lambda *_: None, kept=kept) if self.selected else Run(request)
            run.workers = earlier.workers if earlier else {}
            return run
        progress = RunProgress(terminal, request, missing)
        handicaps = doctor.examine(doctor.Machine(pinned_to=cpus.choose(request.threads, request.cpus)))
        for handicap in handicaps:
            terminal.line(f"HANDICAP: {handicap.sentence}")
        with progress:
            run = clock.measure(request, progress, kept=kept)
        run.handicaps[:0] = handicaps
        run.workers = (earlier.workers if earlier else {}) | run.workers
        return run

    def _taken(self, earlier: Earlier, missing: Mapping[Case, Any]) -> str:
        """How much is taken from the earlier run: `3 of 5 groups, and some launches of 1 more, are`."""
        in_part = sum(case in missing for case in earlier.groups)
        parts = [f"{len(earlier.groups) - in_part} of {len(self.selected)} groups"] if self.selected else []
        parts += [f"some launches of {in_part} more"] if in_part else []
        parts += [f"{len(earlier.cold_start)} of {len(self.cold)} cold starts"] if self.cold else []
        return f"{', and '.join(parts)}{',' if in_part else ''} are"

    def _measure_cold_start(self, run: Run) -> dict[str, dict[str, Any]]:
        kept = self.options.earlier.cold_start if self.options.earlier else {}
        names = [name for name in self.cold if name not in kept]
        if not names or run.interrupted:
            return kept
        request = self.options.request({})
        with ColdStarts(Terminal(self.config), request, names) as progress:
            return kept | fresh.measure(
                cold_start.__name__,
                names,
                progress,
                threads=request.threads,
                time_limit_s=request.time_limit_s,
                on_interrupt=run.interrupt,
            )

    @property
    def _stock(self) -> Any:
        """pytest-benchmark's own session, for which it has no public name."""
        return self.config._benchmarksession  # type: ignore[attr-defined]

    def begin(self) -> None:
        """If anything will be measured, set where it is saved, and take what an earlier run has of it.

        Raises BadInput where that place or that run cannot be used.
        """
        if (self.selected or self.cold) and not (self._stock.disabled or self._stock.skip):
            self._saving = Saving(self._stock, self.config.rootpath)
            self._stock.quiet = self._stock.quiet or not wants_stock_table(self.config)
            if self.options.earlier:
                self.options.earlier.take(self.selected, self.cold)

    def save_failures(self) -> None:
        """Save a run that has nothing but failures."""
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
        """Build the case and let it pass the gate, untimed, as --benchmark-disable asks."""
        if self._single is None:
            request = self.options.request({case: (implementation,)})
            self._single = clock.Launch(Run(request, cpus=[]), np.random.default_rng())
        try:
            self._single.check(case, implementation)
            self._note_end(case.device, "ran")
        except Failed as failure:
            self._end(case, implementation, failure)

    def _note_end(self, device: str, kind: str) -> None:
        self._ends.setdefault(device, set()).add(kind)

    @property
    def absent(self) -> list[str]:
        """The devices that no implementation of this session could use."""
        return [device for device, kinds in self._ends.items() if device != "cpu" and kinds == {"unavailable"}]

    @property
    def measured_nothing(self) -> bool:
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


def _nothing() -> None:
    """Do nothing: pytest-benchmark calls this while the times are replayed."""
