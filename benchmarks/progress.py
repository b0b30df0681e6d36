"""What a run shows while it measures, past pytest's capture: on a terminal a line that moves every second,
elsewhere a line a minute."""

from __future__ import annotations

import textwrap
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, Self

import pytest

from samegrad.benchmarks.clock import foreseen, fresh, schedule
from samegrad.benchmarks.clock.case import Case
from samegrad.benchmarks.clock.record import Request
from samegrad.benchmarks.results import units
from samegrad.impls.console.heartbeat import BEAT_S, SILENT_S, Heartbeat
from samegrad.impls.console.terminal import is_dumb

WIDTH = 80


class Terminal:
    """Where progress is shown: what pytest reports to, past its capture; nowhere where it reports nothing."""

    def __init__(self, config: pytest.Config) -> None:
        self._reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
        capture: Any = config.pluginmanager.get_plugin("capturemanager")
        self._uncaptured = capture.global_and_fixture_disabled if capture else nullcontext
        self._one_at_a_time = threading.Lock()
        self.moves = bool(self._reporter and self._reporter.isatty) and not is_dumb()
        """Whether a line can be written over."""

    def line(self, text: str) -> None:
        """Write a text for good, in lines that a terminal of 80 columns need not break."""
        lines = [textwrap.fill(line, WIDTH) for line in text.rstrip().split("\n")]
        self._write(("\r\x1b[K" if self.moves else "") + "\n".join(lines) + "\n")

    def update(self, text: str) -> None:
        """Write over the last update, where the output is a terminal; elsewhere nothing."""
        if self.moves:
            width = min(WIDTH, self._reporter._tw.fullwidth) - 1
            self._write(f"\r\x1b[K{text if len(text) <= width else f'{text[: width - 1]}…'}")

    def _write(self, text: str) -> None:
        if self._reporter:
            with self._one_at_a_time, self._uncaptured():
                self._reporter.write(text, flush=True)


class Activity:
    """Shows, in a `with` block, what is going on and for how long."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.began_s = self.written_s = time.monotonic()
        self._going_on: Callable[[float], str] = lambda elapsed_s: ""
        self._heartbeat = Heartbeat(self._show, BEAT_S)

    def set(self, going_on: Callable[[float], str], for_good: bool = False) -> None:
        """What is going on, as a text of the seconds since the beginning; `for_good` it gets a line that stays."""
        self._going_on = going_on
        self._show(for_good)

    def _show(self, for_good: bool = False) -> None:
        now_s = time.monotonic()
        text = self._going_on(now_s - self.began_s)
        if for_good or (text and not self.terminal.moves and now_s - self.written_s >= SILENT_S):
            self.written_s = now_s
            self.terminal.line(text)
        else:
            self.terminal.update(text)

    def __enter__(self) -> Self:
        self._heartbeat.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._heartbeat.__exit__()
        self.terminal.line(f"measured in {time.monotonic() - self.began_s:.0f} s")


class RunProgress(Activity):
    """Shows what a run will do, what it is doing, and how long it took."""

    def __init__(self, terminal: Terminal, request: Request, missing: dict[Case, tuple[str, ...]]) -> None:
        super().__init__(terminal)
        self.request, self.groups = request, len(missing)
        tests = sum(map(len, missing.values()))
        terminal.line(
            f"\n{tests} benchmarks in {self.groups} groups, {_count(request.launches, 'launch', 'launches')}, "
            f"{_count(request.threads, 'thread', 'threads')}. A budget of {request.budget_s:g} s buys "
            f"{units.significant(request.group_budget_s, 2)} s of timed blocks for each group in each launch "
            f"({request.least_rounds} to {schedule.MOST_ROUNDS} rounds)."
            + (" One launch is a preview: it carries no verdict." if request.launches == 1 else "")
        )
        if warning := foreseen.budget_warning(replace(request, cases=missing)):
            terminal.line(warning)

    def __call__(self, launch: int, group: int, message: str) -> None:
        of = f"/{self.request.launches}" if launch <= self.request.launches else ", one more since the run is noisy"
        done = ((launch - 1) * self.groups + max(0, group - 1)) / (self.request.launches * self.groups)
        left_s = (time.monotonic() - self.began_s) * (1 / done - 1) if 0 < done < 1 else 0.0
        left = f", about {left_s:.0f} s left" if left_s else ""
        self.set(
            lambda elapsed_s: f"[{elapsed_s:4.0f} s{left}] launch {launch}{of}, group {group}/{self.groups}: {message}",
            for_good=group == 0,
        )


class ColdStarts(Activity):
    """Shows the processes whose starts are observed, one after another."""

    def __init__(self, terminal: Terminal, request: Request, names: list[str]) -> None:
        super().__init__(terminal)
        about_s = fresh.PROCESSES * sum(foreseen.start_s(request.contestant(name)) for name in names)
        terminal.line(
            f"\ncold start of {_count(len(names), 'implementation', 'implementations')}, each in {fresh.PROCESSES} new "
            f"processes: about {units.significant(about_s, 2)} s or more"
        )

    def __call__(self, number: int, name: str) -> None:
        self.set(lambda elapsed_s: f"[{elapsed_s:4.0f} s] process {number} of {fresh.PROCESSES}: {name}")


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"
