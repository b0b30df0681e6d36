"""`--resume RUN.json`: what an earlier run has complete is taken from its file, and only the rest is measured.

The unit is the launch of a group: its implementations were measured interleaved, so that a group in which one of them
is missing or failed is measured again as a whole, while one that merely lacks launches gets those. What is taken is
recomputed from its samples like what is measured, and one environment must be true of all: on another machine, with
other versions or with other options of measuring nothing can be taken, and the run is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from benchmarks.clock import environment, fresh
from benchmarks.clock.case import Case
from benchmarks.clock.record import SENTINEL, YARDSTICK, Group, Request
from benchmarks.clock.schedule import Pace
from benchmarks.runfile import FORMAT, parameters_told, version
from impls.errors import BadInput
from impls.registry import get_entry

SAME_MACHINE = ("cpu", "cores", "affinity", "governor", "turbo", "container", "variables", "python", "platform")
SAME_OPTIONS = ("launches", "threads", "seed", "block_ns", "baseline")
DAMAGED = (KeyError, IndexError, TypeError, ValueError, AttributeError)

Found = TypeVar("Found")


def _of_the_file(read: Callable[..., Found]) -> Callable[..., Found]:
    """Tell what is not as a run file has it as the user's mistake, with the file's name."""

    @wraps(read)
    def reading(self: Earlier, *arguments: Any) -> Found:
        try:
            return read(self, *arguments)
        except BadInput:
            raise
        except DAMAGED as error:
            raise BadInput(f"{self.path}: is damaged ({type(error).__name__}: {error}); measure anew") from None

    return reading


class Earlier:
    """A run file that is to be completed. Raises BadInput where it is none of ours or cannot be read."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        document = _load(self.path)
        self.ours: dict[str, Any] = document["samegrad"]
        self.about, self._benchmarks = self._read(document)
        self.groups: dict[Case, Group] = {}
        """What is taken, once `take` has chosen."""
        self.taken: dict[str, int] = {}
        """The launches that are taken of each group."""
        self.workers: dict[str, dict[str, Any]] = {}

    @_of_the_file
    def _read(self, document: dict[str, Any]) -> tuple[dict[str, Any], dict[tuple[str, str], dict[str, Any]]]:
        """When and of which commit it is, and its benchmarks by group and implementation."""
        about = {"datetime": document["datetime"], "commit": document["commit_info"].get("id")}
        return about, {
            (benchmark["group"], benchmark["extra_info"]["implementation"]): benchmark
            for benchmark in document["benchmarks"]
            if "cold_start" not in benchmark["extra_info"]
        }

    @_of_the_file
    def option(self, name: str) -> str | None:
        """What the option was, as one would type it; None where the file does not say."""
        told = self.ours["options"]
        if name == "margin":
            return f"{100 * told['margin']:.12g}%"
        value = told.get({"device": "devices", "budget": "budget_s"}.get(name, name))
        if isinstance(value, list):
            return ",".join(map(str, value)) or None
        return None if value is None else f"{value:.12g}" if isinstance(value, float) else str(value)

    @_of_the_file
    def require_same(self, request: Request) -> None:
        """Raise BadInput, with every difference, where the machine or how to measure is not what it was."""
        here, there = environment.environment(), self.ours["environment"]
        asked = {name: getattr(request, name) for name in SAME_OPTIONS} | parameters_told(request.parameters)
        compared = [(name, there[name], here[name]) for name in SAME_MACHINE]
        compared += [(name, self.ours["options"].get(name), value) for name, value in asked.items()]
        compared += [("numpy", there["versions"]["numpy"], here["versions"]["numpy"])]
        self._refuse([_differ(*pair) for pair in compared if pair[1] != pair[2]])

    @_of_the_file
    def take(self, selected: Mapping[Case, tuple[str, ...]]) -> None:
        """Choose what is complete. Raises BadInput where one of its packages is another version now."""
        for case, names in selected.items():
            able = [name for name in names if get_entry(name).missing() is None]
            if self._is_complete(case.group, able):
                self.groups[case] = self._group(case, able)
                self.taken[case.group] = self.groups[case].launches
        self._require_versions({name for group in self.groups.values() for name in group.prepared})

    @_of_the_file
    def cold_start(self, names: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The samples of those implementations of which every process was observed."""
        known = self.ours.get("cold_start") or {}
        complete = {name: known[name] for name in names if name in known and not fresh.FAILED & known[name].keys()}
        complete = {
            name: found
            for name, found in complete.items()
            if all(len(samples) == fresh.PROCESSES for samples in found.values())
        }
        self._require_versions(set(complete))
        return complete

    @_of_the_file
    def noise(self, now: dict[str, Any]) -> dict[str, Any]:
        """The noise of what was measured now, with that of what was taken."""
        before = self.ours["noise"]
        if not self.taken:
            return now
        left = [group for group in before["sentinel"] if group not in self.taken]
        reasons = [reason for reason in before["reasons"] if not any(reason.startswith(f"{group}:") for group in left)]
        reasons = [*now["reasons"], *(f"in the run resumed, {reason}" for reason in reasons)]
        spreads = [noise["yardstick_spread"] for noise in (now, before) if noise["yardstick_spread"] is not None]
        sentinel = {group: interval for group, interval in before["sentinel"].items() if group in self.taken}
        return {
            "noisy": bool(reasons),
            "reasons": reasons,
            "yardstick_spread": max(spreads, default=None),
            "sentinel": sentinel | now["sentinel"],
        }

    def as_json(self) -> dict[str, Any]:
        """What the run file says of the run that it continues."""
        return {
            "file": str(self.path),
            **self.about,
            "groups": self.taken,
            **{key: self.ours.get(key) for key in ("command", "launches", "interrupted", "resumed")},
        }

    def _is_complete(self, group: str, names: list[str]) -> bool:
        """Whether every implementation has lasted for as many launches, and the baseline is among those asked for."""
        entry = next((entry for entry in self.ours["groups"] if entry["group"] == group), None)
        failed = {failure["implementation"] for failure in self.ours["failures"] if failure["group"] == group}
        found = [self._benchmarks.get((group, name), {"extra_info": {"launches": []}}) for name in names]
        launches = {len(benchmark["extra_info"]["launches"]) for benchmark in found}
        is_even = len(launches) == 1 and launches != {0}
        return entry is not None and entry["baseline"] in names and not failed & set(names) and is_even

    def _group(self, case: Case, names: list[str]) -> Group:
        """The group as it was measured, but for its witnesses, whose rounds no file has."""
        entry = next(entry for entry in self.ours["groups"] if entry["group"] == case.group)
        group = Group(rounds=entry["rounds"][0], baseline=entry["baseline"], dropped=entry.get("dropped", []))
        for name in names:
            benchmark = self._benchmarks[case.group, name]
            extra = benchmark["extra_info"]
            times_ns = 1e9 * np.array(benchmark["stats"]["data"], dtype=np.float64)
            ends = [0, *accumulate(launch["rounds"] for launch in extra["launches"])]
            if ends[-1] != len(times_ns) or not (np.isfinite(times_ns) & (times_ns > 0)).all():
                raise ValueError(f"the samples of {name} at {case.group} do not fit its launches")
            group.times_ns[name] = [times_ns[start:end] for start, end in pairwise(ends)]
            group.paces[name] = Pace(int(entry["calls"][name]), float(np.median(times_ns)))
            group.prepared[name] = extra
            known = self.ours["implementations"][name]
            self.workers[name] = {
                "import_ns": round(1e9 * known["import_s"]),
                "threads": extra["threads_found"],
                "affinity": extra["affinity"],
            }
        for witness in (SENTINEL, YARDSTICK):
            group.times_ns[witness] = [np.empty(0)] * group.launches
        return group

    def _require_versions(self, names: set[str]) -> None:
        known = self.ours["implementations"]
        compared = [(name, known[name]["version"], version(get_entry(name))) for name in sorted(names)]
        self._refuse([_differ(*pair) for pair in compared if pair[1] != pair[2]])

    def _refuse(self, differences: list[str]) -> None:
        if differences:
            raise BadInput(f"--resume: {self.path} cannot be continued here: {'; '.join(differences)}")


def _load(path: Path) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    try:
        document = json.loads(path.read_bytes(), parse_constant=refuse)
    except OSError as error:
        raise BadInput(f"--resume: cannot read {path} ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise BadInput(f"--resume: {path} is no run file: it is not JSON ({error})") from None
    ours = document.get("samegrad") if isinstance(document, dict) else None
    if not isinstance(ours, dict) or "benchmarks" not in document:
        raise BadInput(f"--resume: {path} is no run file of `pytest --benchmark-only`")
    if ours.get("format") != FORMAT:
        raise BadInput(f"--resume: {path} has format {ours.get('format')!r}, but this version continues {FORMAT}")
    return document


def _differ(what: str, there: Any, here: Any) -> str:
    return f"{what} was {there!r} and is {here!r}"
