"""Build what a run adds to pytest-benchmark's JSON, in the types of `benchmarks/documents/run.py`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from samegrad.benchmarks.clock import environment, fit, identity
from samegrad.benchmarks.clock.case import Case
from samegrad.benchmarks.clock.record import Group, Run
from samegrad.benchmarks.documents.run import ExtraInfo, RunDocument, Samegrad
from samegrad.benchmarks.own.changes import changes
from samegrad.benchmarks.results import groups, series, statistics, threads
from samegrad.impls.documents.base import fitted

if TYPE_CHECKING:
    from samegrad.benchmarks.resume import Earlier


class RunFile:
    """The tables, verdicts and noise of a run, computed once and then quoted."""

    def __init__(
        self,
        run: Run,
        cold_start: dict[str, dict[str, Any]],
        earlier: Earlier | None = None,
        cold: Iterable[str] = (),
    ) -> None:
        """`cold` names those whose cold start was asked for: `cold_start` lacks those that an interrupt came before."""
        self.run, self.cold_start, self.earlier = run, cold_start, earlier
        self.names = tuple(dict.fromkeys([*run.request.implementations, *cold]))
        self.floors = {name for name in run.request.implementations if run.request.contestant(name).is_floor}
        self.groups = {
            case: self._group(case, group, times) for case, group in run.groups.items() if (times := group.measured)
        }
        self.noise = earlier.noise(run.noise()) if earlier else run.noise()
        self.fits = self._fits()
        self.changes = changes(run, run.request.margin) if run.request.contenders else []

    def _group(self, case: Case, group: Group, times: groups.Times) -> dict[str, Any]:
        """The entry of a group. A row names the kind of failure that ended it after the launches that it has."""
        calls = {name: pace.calls for name, pace in group.paces.items() if name in times}
        entry = groups.group_entry(
            case, times, calls, baseline=group.baseline, floors=self.floors, margin=self.run.request.margin
        )
        for row in entry["rows"]:
            name = row["implementation"]
            row["failed"] = failure.kind if (failure := group.failures.get(name)) else None
            if group.prepared.get(name, {}).get("rows_are_fixed"):
                row["notes"] = ["rows fixed", *row["notes"]]
            if (count := group.prepared.get(name, {}).get("compilations")) is not None:
                row["notes"] = [*row["notes"], f"compiled {count} times" if count else "compiles nothing"]
        return entry | {"dropped": group.dropped}

    def extra_info(self, case: Case, name: str) -> dict[str, Any]:
        """The `extra_info` of one implementation's benchmark of one case."""
        group, table = self.run.groups[case], self.groups[case]
        contestant, worker = self.run.request.contestant(name), self.run.workers[name]
        agreement = group.prepared[name]["agreement"]
        baseline_ns = group.times_ns.get(table["baseline"], [])
        fields = {
            "implementation": name,
            "framework": contestant.framework,
            "framework_version": contestant.version(),
            "execution": contestant.execution,
            **case.as_json(),
            "threads_asked": case.threads,
            "threads_found": group.prepared[name].get("threads_found") or worker["threads"],
            "affinity": worker["affinity"],
            "seed": self.run.request.seed,
            "prepare_ns": group.prepared[name]["prepare_ns"],
            "first_call_ns": group.prepared[name]["first_call_ns"],
            "gate_ns": group.prepared[name].get("gate_ns"),
            **{key: value for key, value in group.prepared[name].items() if key.startswith("device_")},
            "compilations": group.prepared[name].get("compilations"),
            "tau": max(agreement.values(), default=None),
            "agreement": agreement,
            "launches": [
                launch | {"faults": faults}
                for launch, faults in zip(
                    groups.launch_figures(group.times_ns[name], baseline_ns), group.faults[name], strict=True
                )
            ],
            "baseline": table["baseline"],
        }
        return msgspec.to_builtins(fitted(fields, ExtraInfo))

    @property
    def has_failures(self) -> bool:
        """Whether anything that should have run did not, a witness or a cold start too."""
        return any(failure.kind != "unavailable" for _, _, failure in self.run.failures()) or any(
            "failed" in samples for samples in self.cold_start.values()
        )

    def as_json(self) -> dict[str, Any]:
        """The value of the run file's key `samegrad`."""
        run, request = self.run, self.run.request
        failures = [(case, name, failure) for case, name, failure in run.failures()]
        fields = {
            "format": RunDocument.VERSION,
            "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
            "options": {
                "implementations": list(self.names),
                **{f"{key}s": _distinct(run, key) for key in ("problem", "dtype", "device")},
                "passes": _distinct(run, "pass_name"),
                "batches": _distinct(run, "batch"),
                "launches": request.launches,
                "threads": request.threads,
                "thread_counts": _distinct(run, "threads"),
                "seed": request.seed,
                **({"networks": several} if (several := _distinct(run, "networks")) not in ([], [1]) else {}),
                "baseline": request.baseline,
                "margin": request.margin,
                "budget_s": request.budget_s,
                "block_ns": request.block_ns,
                **request.parameters_source,
            },
            "implementations": {name: self._implementation(name) for name in self.names},
            "environment": environment.environment() | {"pinned_to": run.cpus or None, "identity": identity.identity()},
            "launches": self._launches(),
            "noise": self.noise,
            "groups": list(self.groups.values()),
            "fits": self.fits,
            "answers": self.answers(),
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
            "handicaps": run.handicaps,
            "contenders": [contender.as_json() for contender in request.contenders],
            "changes": self.changes,
            "interrupted": run.interrupted,
            "interrupted_by": run.interrupted_by,
            "resumed": self.earlier.as_json() if self.earlier else None,
        }
        return msgspec.to_builtins(fitted(fields, Samegrad))

    def _implementation(self, name: str) -> dict[str, Any]:
        contestant, worker = self.run.request.contestant(name), self.run.workers.get(name)
        known = {key: getattr(contestant, key) for key in ("framework", "execution", "is_floor")}
        if worker is None and "import" not in self.cold_start.get(name, {}):
            return known
        known["version"] = contestant.version()
        times = {"threads": worker["threads"], "import_s": round(worker["import_ns"] / 1e9, 3)} if worker else {}
        return known | times

    def _fits(self) -> list[dict[str, Any]]:
        """Fixed cost and rate of every implementation, where enough batches were measured."""
        by_case: dict[tuple[str, str, str, str], dict[str, dict[int, list[float]]]] = {}
        least = min((case.threads for case in self.groups), default=1)
        for case in [case for case in self.groups if case.threads == least and case.networks == 1]:
            of = by_case.setdefault((case.problem, case.pass_name, case.dtype, case.device), {})
            for name, launches in self.run.groups[case].measured.items():
                of.setdefault(name, {})[case.batch] = [statistics.quantiles(times).median_ns for times in launches]
        entries: list[dict[str, Any]] = [
            {
                **dict(zip(("problem", "pass", "dtype", "device"), key, strict=True)),
                "implementations": fit.fits(of),
            }
            for key, of in by_case.items()
        ]
        return [entry for entry in entries if any(line["fit"] for line in entry["implementations"].values())]

    def answers(self) -> list[str]:
        """Answers over widths, threads and numbers of networks, a sentence for each family and each pass."""
        families = [(case, series.family(case.problem)) for case in self.groups]
        by_width = [(replace(case, problem=known[0]).group, known[1], case) for case, known in families if known]
        by_networks = [(replace(case, networks=1).group, case.networks, case) for case in self.groups]
        over_widths = self._over(by_width, series.widths)
        return [*over_widths, *self._over_threads(), *self._over(by_networks, series.networks)]

    def _over(
        self,
        cases: Iterable[tuple[str, int, Case]],
        grown: Callable[[Mapping[int, groups.Times], Collection[str]], series.Growth | None],
    ) -> Iterator[str]:
        """A sentence for each series of cases, each given with the name of its series and its number."""
        by_name: dict[str, dict[int, groups.Times]] = {}
        for where, number, case in cases:
            by_name.setdefault(where, {})[number] = self.run.groups[case].measured
        for where, times in by_name.items():
            if result := grown(times, self.floors):
                yield result.sentence(where)

    def _over_threads(self) -> Iterator[str]:
        by_name: dict[str, dict[tuple[int, int], groups.Times]] = {}
        for case in self.groups:
            where = f"{case.problem} {case.pass_name} {case.dtype} {case.device}"
            where += f" networks={case.networks}" if case.networks != 1 else ""
            by_name.setdefault(where, {})[case.threads, case.batch] = self.run.groups[case].measured
        for where, times in by_name.items():
            if effects := threads.effects(times, self.run.request.margin):
                yield threads.sentence(where, effects)

    def _launches(self) -> list[dict[str, Any]]:
        return [
            launch | ({"yardstick": statistics.quantiles(times_ns)._asdict()} if len(times_ns) else {})
            for launch, times_ns in zip(self.run.launches, self.run.yardstick(), strict=True)
        ]


def _distinct(run: Run, field: str) -> list[Any]:
    return list(dict.fromkeys(getattr(case, field) for case in run.groups))
