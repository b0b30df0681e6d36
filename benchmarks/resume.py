"""`--resume RUN.json`: the launches that an earlier run completed are taken from its file; the rest is measured.

The unit is the launch of a group, in which the implementations were interleaved. A group in which one of them is
missing or failed is measured again as a whole; one that has fewer launches than are asked for gets the others. What is
taken is recomputed from its samples like what is measured. One environment must be true of all: on another machine,
with other versions or with other options of measuring, --resume is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from samegrad.benchmarks.clock import environment, fresh
from samegrad.benchmarks.clock.case import Case
from samegrad.benchmarks.clock.identity import identity
from samegrad.benchmarks.clock.record import SENTINEL, YARDSTICK, Group, Request
from samegrad.benchmarks.clock.schedule import Pace
from samegrad.benchmarks.documents import run as documents
from samegrad.benchmarks.documents.environment import Environment, MachineIdentity
from samegrad.benchmarks.documents.run import Benchmark, RunDocument
from samegrad.benchmarks.results.groups import launches_ns
from samegrad.impls.documents.base import fitted, read
from samegrad.impls.errors import BadInput
from samegrad.impls.registry import get_entry
from samegrad.impls.registry.entry import version

SAME_MACHINE = ("cpu", "cores", "affinity", "governor", "turbo", "container", "variables", "python", "platform")
SAME_OPTIONS = ("launches", "threads", "seed", "block_ns", "baseline")


LONGEST_BLOCK_S = 3600.0


class Earlier:
    """A run file that is to be completed. Raises BadInput where it is none of ours or cannot be read."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        try:
            self.file = read(self.path, [RunDocument])
        except BadInput as error:
            raise BadInput(f"--resume: {error}") from None
        self.ours = self.file.samegrad
        self._benchmarks: dict[tuple[str | None, str], Benchmark] = {
            (benchmark.group, benchmark.extra_info.implementation): benchmark
            for benchmark in self.file.benchmarks
            if benchmark.extra_info.cold_start is None
        }
        for entry in self.ours.groups:
            for row in entry.rows:
                if trouble := self._damage(entry, row.implementation):
                    raise BadInput(
                        f"--resume: {self.path}: {entry.group}: {row.implementation} {trouble}; measure anew"
                    )
        self.groups: dict[Case, Group] = {}
        """The groups that are taken from the file; filled by `take`."""
        self.taken: dict[str, int] = {}
        """The launches that are taken of each group."""
        self.workers: dict[str, dict[str, Any]] = {}
        self.cold_start: dict[str, dict[str, Any]] = {}
        """The cold starts of those implementations of which every process was observed; filled by `take`."""

    def _damage(self, entry: documents.GroupEntry, name: str) -> str | None:
        """Why a part of the file cannot be continued: better known now than after the rest was measured."""
        benchmark = self._benchmarks.get((entry.group, name))
        if benchmark is None:
            return None  # measured again
        samples, launches = benchmark.stats.data, benchmark.extra_info.launches
        if not benchmark.extra_info.agreement:
            return "has no agreement"
        if name not in entry.calls or name not in self.ours.implementations:
            return "has no calls per block, or no entry under `implementations`"
        if not launches:
            return "has no launches"
        if entry.rounds[0] > len(samples) + len(entry.dropped):
            return f"has {len(samples)} samples of {entry.rounds[0]} rounds in a launch"
        if (block_s := entry.calls[name] * float(np.median(samples))) > LONGEST_BLOCK_S:
            return f"has blocks of {block_s:.2g} s"
        return None

    def option(self, name: str) -> str | None:
        """The option's value in the file, as one would type it; None where it is not recorded."""
        options = self.ours.options
        if name == "margin":
            return f"{100 * options.margin:.12g}%"
        key = {"device": "devices", "budget": "budget_s", "threads": "thread_counts"}.get(name, name)
        value = getattr(options, key, None) or getattr(options, name, None)
        if value is msgspec.UNSET:
            return None
        if isinstance(value, tuple):
            return ",".join(map(str, value)) or None
        return None if value is None else f"{value:.12g}" if isinstance(value, float) else str(value)

    def require_same(self, request: Request) -> None:
        """Raise BadInput, with every difference, if the machine or an option of measuring differs."""
        here, there = fitted(environment.environment(), Environment), self.ours.environment
        asked = {name: getattr(request, name) for name in SAME_OPTIONS} | request.parameters_source
        compared = [(name, getattr(there, name), getattr(here, name)) for name in SAME_MACHINE]
        compared += [(name, getattr(self.ours.options, name), value) for name, value in asked.items()]
        compared += [("numpy", there.versions.get("numpy"), here.versions["numpy"])]
        if there.identity:
            compared += [("identity", there.identity, fitted(identity(), MachineIdentity))]
        self._refuse(compared)

    def take(self, selected: Mapping[Case, tuple[str, ...]], cold: Iterable[str] = ()) -> None:
        """Choose what is complete of these cases, and of the cold starts of these implementations.

        Raises BadInput where one of its packages is another version now.
        """
        for case, names in selected.items():
            able = [name for name in names if get_entry(name).missing() is None]
            if self._is_reusable(case.group, able):
                self.groups[case] = self._group(case, able)
                self.taken[case.group] = self.groups[case].launches
        self.cold_start = {name: measured for name in cold if (measured := self._cold_start(name))}
        self._require_versions({name for group in self.groups.values() for name in group.prepared} | {*self.cold_start})

    def _cold_start(self, name: str) -> dict[str, Any]:
        """The samples of a cold start, if every process was observed; else nothing."""
        timed = self.ours.cold_start.get(name, {})
        is_whole = {len(samples) for samples in timed.values()} == {fresh.PROCESSES} and not fresh.FAILED & timed.keys()
        return dict(timed) if is_whole else {}

    def noise(self, now: dict[str, Any]) -> dict[str, Any]:
        """The noise of what was measured now, with that of what was taken."""
        before = self.ours.noise
        if not self.taken:
            return now
        left = [group for group in before.sentinel if group not in self.taken]
        reasons = [reason for reason in before.reasons if not any(reason.startswith(f"{group}:") for group in left)]
        reasons = [*now["reasons"], *(f"in the run resumed, {reason}" for reason in reasons)]
        spreads = [spread for spread in (now["yardstick_spread"], before.yardstick_spread) if spread is not None]
        sentinel = {
            group: msgspec.to_builtins(interval) for group, interval in before.sentinel.items() if group in self.taken
        }
        return {
            "noisy": bool(reasons),
            "reasons": reasons,
            "yardstick_spread": max(spreads, default=None),
            "sentinel": sentinel | now["sentinel"],
        }

    def as_json(self) -> dict[str, Any]:
        """What the run file says of the run that it continues."""
        ours = msgspec.to_builtins(self.ours)
        return {
            "file": str(self.path),
            "datetime": self.file.datetime,
            "commit": self.file.commit_info.id,
            "groups": self.taken,
            **{key: ours[key] for key in ("command", "launches", "interrupted", "resumed")},
        }

    def _is_reusable(self, group: str, names: list[str]) -> bool:
        """Whether all have equally many launches, at least one, and none failed; and the baseline is among them."""
        entry = next((entry for entry in self.ours.groups if entry.group == group), None)
        failed = {failure.implementation for failure in self.ours.failures if failure.group == group}
        benchmarks = [self._benchmarks.get((group, name)) for name in names]
        launches = {len(benchmark.extra_info.launches) if benchmark else 0 for benchmark in benchmarks}
        is_even = len(launches) == 1 and launches != {0}
        return entry is not None and entry.baseline in names and not failed & set(names) and is_even

    def _group(self, case: Case, names: list[str]) -> Group:
        """The group as it was measured, but for its witnesses, whose rounds no file has."""
        entry = next(entry for entry in self.ours.groups if entry.group == case.group)
        dropped = [msgspec.to_builtins(drop) for drop in entry.dropped]
        group = Group(rounds=entry.rounds[0], baseline=entry.baseline, dropped=dropped)
        for name in names:
            benchmark = self._benchmarks[case.group, name]
            extra = benchmark.extra_info
            rounds = [launch.rounds for launch in extra.launches]
            group.times_ns[name] = launches_ns(benchmark.stats.data, rounds)
            group.faults[name] = [launch.faults or 0 for launch in extra.launches]
            group.paces[name] = Pace(entry.calls[name], float(1e9 * np.median(benchmark.stats.data)))
            group.prepared[name] = msgspec.to_builtins(extra)
            self.workers[name] = {
                "import_ns": round(1e9 * (self.ours.implementations[name].import_s or 0)),
                "threads": extra.threads_found,
                "affinity": extra.affinity,
            }
        for witness in (SENTINEL, YARDSTICK):
            group.times_ns[witness] = [np.empty(0)] * group.launches
        return group

    def _require_versions(self, names: set[str]) -> None:
        known = self.ours.implementations
        self._refuse([(name, known[name].version, version(get_entry(name))) for name in sorted(names)])

    def _refuse(self, compared: Sequence[tuple[str, Any, Any]]) -> None:
        """Raise BadInput with every difference."""
        differences = [
            f"{what} was {_shown(there)} and is {_shown(here)}" for what, there, here in compared if there != here
        ]
        if differences:
            raise BadInput(f"--resume: {self.path} cannot be continued here: {'; '.join(differences)}")


def _shown(value: Any) -> str:
    return repr(msgspec.to_builtins(value))
