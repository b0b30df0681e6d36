"""What a run puts into pytest-benchmark's JSON, in the types of `benchmarks/documents/run.py`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from samegrad.benchmarks.clock import environment, fit
from samegrad.benchmarks.clock.case import Case
from samegrad.benchmarks.clock.record import SENTINEL, YARDSTICK, Group, Run
from samegrad.benchmarks.documents.run import ExtraInfo, RunDocument, Samegrad, parameters_told
from samegrad.benchmarks.results import groups, statistics
from samegrad.impls.documents.base import fitted
from samegrad.impls.registry import get_entry
from samegrad.impls.registry.entry import version

if TYPE_CHECKING:
    from samegrad.benchmarks.resume import Earlier


class RunFile:
    """The tables, verdicts and noise of a run, computed once and then quoted."""

    def __init__(
        self, run: Run, margin: float, cold_start: dict[str, dict[str, Any]], earlier: Earlier | None = None
    ) -> None:
        self.run, self.margin, self.cold_start, self.earlier = run, margin, cold_start, earlier
        floors = {name for name in run.request.implementations if get_entry(name).is_floor}
        self.groups = {
            case: self._group(case, group, times, floors)
            for case, group in run.groups.items()
            if (times := measured(group))
        }
        self.noise = earlier.noise(run.noise()) if earlier else run.noise()
        self.fits = self._fits()

    def _group(self, case: Case, group: Group, times: groups.Times, floors: set[str]) -> dict[str, Any]:
        """The entry of a group. A row tells the kind of failure that ended it after the launches that it has."""
        calls = {name: pace.calls for name, pace in group.paces.items() if name in times}
        entry = groups.group_entry(case, times, calls, baseline=group.baseline, floors=floors, margin=self.margin)
        for row in entry["rows"]:
            name = row["implementation"]
            row["failed"] = failure.kind if (failure := group.failures.get(name)) else None
            if group.prepared.get(name, {}).get("rows_are_fixed"):
                row["notes"] = ["rows fixed", *row["notes"]]
        return entry | {"dropped": group.dropped}

    def extra_info(self, case: Case, name: str) -> dict[str, Any]:
        """The `extra_info` of one implementation's benchmark of one case."""
        group, table = self.run.groups[case], self.groups[case]
        entry, told = get_entry(name), self.run.workers[name]
        agreement = group.prepared[name]["agreement"]
        baseline_ns = group.times_ns.get(table["baseline"], [])
        found = {
            "implementation": name,
            "framework": entry.framework,
            "framework_version": version(entry),
            "execution": entry.execution,
            **case.as_json(),
            "threads_asked": self.run.request.threads,
            "threads_found": told["threads"],
            "affinity": told["affinity"],
            "seed": self.run.request.seed,
            "prepare_ns": group.prepared[name]["prepare_ns"],
            "first_call_ns": group.prepared[name]["first_call_ns"],
            "gate_ns": group.prepared[name].get("gate_ns"),
            **{key: value for key, value in group.prepared[name].items() if key.startswith("device_")},
            "tau": max(agreement.values()),
            "agreement": agreement,
            "launches": groups.launch_figures(group.times_ns[name], baseline_ns),
            "baseline": table["baseline"],
        }
        return msgspec.to_builtins(fitted(found, ExtraInfo))

    @property
    def has_failures(self) -> bool:
        """Whether anything that should have run did not, a witness or a cold start too."""
        return any(failure.kind != "unavailable" for _, _, failure in self.run.failures()) or any(
            "failed" in found for found in self.cold_start.values()
        )

    def as_json(self) -> dict[str, Any]:
        """The value of the run file's key `samegrad`."""
        run, request = self.run, self.run.request
        failures = [(case, name, failure) for case, name, failure in run.failures()]
        found = {
            "format": RunDocument.VERSION,
            "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
            "options": {
                "implementations": list(request.implementations),
                **{f"{key}s": _distinct(run, key) for key in ("problem", "dtype", "device")},
                "passes": _distinct(run, "pass_name"),
                "batches": _distinct(run, "batch"),
                "launches": request.launches,
                "threads": request.threads,
                "seed": request.seed,
                "baseline": request.baseline,
                "margin": self.margin,
                "budget_s": request.budget_s,
                "block_ns": request.block_ns,
                **parameters_told(request.parameters),
            },
            "implementations": {
                name: self._implementation(name) for name in (request.implementations or self.cold_start)
            },
            "environment": environment.environment() | {"pinned_to": run.cpus or None},
            "launches": self._launches(),
            "noise": self.noise,
            "groups": list(self.groups.values()),
            "fits": self.fits,
            "cold_start": self.cold_start,
            "failures": [
                {
                    "implementation": name,
                    "group": case.group,
                    "kind": failure.kind,
                    "reason": failure.reason,
                    "stderr": failure.stderr,
                }
                for case, name, failure in failures
                if failure.kind != "unavailable"
            ],
            "skipped": [
                {"implementation": name, "reason": reason}
                for name, reason in {name: f.reason for _, name, f in failures if f.kind == "unavailable"}.items()
            ],
            "gate": {"seconds": round(run.gate_s, 3), "of_s": round(run.wall_s, 3)},
            "handicaps": [msgspec.to_builtins(handicap) for handicap in run.handicaps],
            "interrupted": run.interrupted,
            "interrupted_by": run.interrupted_by,
            "resumed": self.earlier.as_json() if self.earlier else None,
        }
        return msgspec.to_builtins(fitted(found, Samegrad))

    def _implementation(self, name: str) -> dict[str, Any]:
        entry, told = get_entry(name), self.run.workers.get(name)
        known = {"framework": entry.framework, "execution": entry.execution, "is_floor": entry.is_floor}
        if told is None:
            return known
        versions = {"version": version(entry)}
        return known | versions | {"threads": told["threads"], "import_s": round(told["import_ns"] / 1e9, 3)}

    def _fits(self) -> list[dict[str, Any]]:
        """Fixed cost and rate of every implementation, where enough batches were measured to tell them."""
        series: dict[tuple[str, str, str, str], dict[str, dict[int, list[float]]]] = {}
        for case in self.groups:
            of = series.setdefault((case.problem, case.pass_name, case.dtype, case.device), {})
            for name, launches in measured(self.run.groups[case]).items():
                of.setdefault(name, {})[case.batch] = [statistics.quantiles(times).median_ns for times in launches]
        entries: list[dict[str, Any]] = [
            {
                **dict(zip(("problem", "pass", "dtype", "device"), key, strict=True)),
                "implementations": fit.fits(of),
            }
            for key, of in series.items()
        ]
        return [entry for entry in entries if any(told["fit"] for told in entry["implementations"].values())]

    def _launches(self) -> list[dict[str, Any]]:
        return [
            launch | ({"yardstick": statistics.quantiles(times_ns)._asdict()} if len(times_ns) else {})
            for launch, times_ns in zip(self.run.launches, self.run.yardstick(), strict=True)
        ]


def measured(group: Group) -> dict[str, list[np.ndarray]]:
    """The implementations of a group that have at least one complete launch, without the witnesses."""
    return {name: times for name, times in group.times_ns.items() if times and name not in (SENTINEL, YARDSTICK)}


def _distinct(run: Run, field: str) -> list[Any]:
    return list(dict.fromkeys(getattr(case, field) for case in run.groups))
