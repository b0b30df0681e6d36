"""Run files: pytest-benchmark's JSON with this suite's fields, read into small records.

A file that is no run file is refused in one line (`RunFileError`). Within a run file, what is missing is left out: an
absent number is NaN, an absent text empty, and a benchmark without samples is dropped with a remark.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.results.verdict import MARGIN
from reports.parts import cold_starts, fits
from reports.reading import NOTHING, RunFileError, load, mapping, mappings, number, sequence, text
from reports.records import Case, Group, Launch, Run, description

FORMAT = 1
"""The newest format this version reads; every older one is read too."""
RUNS = Path("reports/runs")
MOST_ROWS = 2**53
"""In one batch: beyond this, whole numbers are no longer exact in a float."""
ORIGIN = "run files are written by `pytest --benchmark-only`"


def latest(folder: Path = RUNS) -> Path:
    """The newest run file in the folder. Raises RunFileError where there is none."""
    paths = sorted(folder.glob("*.json"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    if not paths:
        raise RunFileError(f"{folder}: holds no run file; {ORIGIN}")
    return paths[-1]


def read(path: str | Path) -> Run:
    """Read one run file. Raises RunFileError where it is missing, not JSON, cut off, not ours, newer, or empty."""
    path = Path(path)
    content = load(path, ORIGIN)
    ours = content.get("samegrad")
    if not isinstance(ours, dict) or "format" not in ours:
        found = "plain pytest-benchmark JSON" if "benchmarks" in content else "JSON of another kind"
        raise RunFileError(f'{path}: is {found}, without this suite\'s "samegrad" part; {ORIGIN}')
    version = ours["format"]
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise RunFileError(f"{path}: format must be a whole number of at least 1, found {version!r}")
    if version > FORMAT:
        raise RunFileError(
            f"{path}: format {version} is newer than this version of samegrad reads (up to {FORMAT}); update samegrad"
        )
    benchmarks = mappings(content.get("benchmarks"))
    cold = cold_starts(ours.get("cold_start"))
    timed = [benchmark for benchmark in benchmarks if "cold_start" not in mapping(benchmark.get("extra_info"))]
    if not benchmarks:
        raise RunFileError(f"{path}: holds no benchmarks, so there is nothing to draw; {ORIGIN}")
    remarks = _remarks(ours)
    implementations = {text(name): mapping(data) for name, data in mapping(ours.get("implementations")).items()}
    asked = number(mapping(ours.get("options")).get("margin"))
    margin = asked if asked >= 0 else MARGIN
    groups = _groups(path, timed, mappings(ours.get("groups")), implementations, remarks, margin)
    if not groups and not cold:
        raise RunFileError(f"{path}: none of its {len(benchmarks)} benchmarks has a sample; {ORIGIN}")
    fitted = fits(ours.get("fits"))
    for name in [part.implementation for part in cold] + [part.implementation for part in fitted]:
        _describe(name, {}, implementations)
    return Run(
        path=path,
        date=text(content.get("datetime")),
        groups=groups,
        implementations=implementations,
        command=text(ours.get("command")),
        options=mapping(ours.get("options")),
        environment=mapping(ours.get("environment")),
        launches=tuple(mappings(ours.get("launches"))),
        noise=mapping(ours.get("noise")),
        failures=tuple(mappings(ours.get("failures"))),
        skipped=tuple(mappings(ours.get("skipped"))),
        remarks=tuple(remarks),
        dropped=_dropped(ours),
        commit=text(mapping(content.get("commit_info")).get("id")),
        fits=fitted,
        cold=cold,
    )


def _remarks(ours: dict[str, Any]) -> list[str]:
    """What the run says of how it went: whether it was interrupted, or goes on with another."""
    told = ["the run was interrupted; what was complete by then is here"] if ours.get("interrupted") is True else []
    if resumed := ours.get("resumed"):
        earlier = mapping(resumed)
        groups, date = len(sequence(earlier.get("groups"))), text(earlier.get("datetime"))[:16].replace("T", " ")
        source = f": {groups} groups are from {Path(text(earlier.get('file'))).name}, {date}" if earlier else ""
        told.append(f"the run goes on with an earlier one{source}")
    return told


def _dropped(ours: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """Every round that was dropped, with its group."""
    return tuple(
        {"group": text(summary.get("group")), **entry}
        for summary in mappings(ours.get("groups"))
        for entry in mappings(summary.get("dropped"))
    )


Key = tuple[str, str, int, str, str]


def _groups(
    path: Path,
    benchmarks: list[dict[str, Any]],
    summaries: list[dict[str, Any]],
    implementations: dict[str, dict[str, Any]],
    remarks: list[str],
    margin: float,
) -> tuple[Group, ...]:
    """Gather the benchmarks by case and lay the groups' own rows (ratio, interval, verdict) over them.

    Adds to `implementations` what only a benchmark knows, and to `remarks` what was left out.
    """
    gathered: dict[Key, dict[str, Case]] = {}
    by_name = {text(summary.get("group")): summary for summary in summaries}
    names: dict[Key, str] = {}
    for place, benchmark in enumerate(benchmarks, start=1):
        extra = mapping(benchmark.get("extra_info"))
        key = _key(path, place, extra)
        name = text(extra.get("implementation")) or "unnamed"
        names[key] = text(benchmark.get("group")) or " ".join(map(str, key))
        rows = mappings(by_name.get(names[key], {}).get("rows"))
        row = next((row for row in rows if text(row.get("implementation")) == name), {})
        _describe(name, extra, implementations)
        case = _case(name, benchmark, extra, row, implementations[name].get("is_floor") is True)
        if not math.isfinite(case.median_ns) or case.median_ns <= 0:
            remarks.append(f"{name} has no samples in group {names[key]!r} and is left out there")
        else:
            gathered.setdefault(key, {})[name] = case
    return tuple(
        Group(
            names[key],
            *key,
            baseline=text(by_name.get(names[key], {}).get("baseline")) or _baseline(benchmarks, names[key]),
            cases=tuple(sorted(cases.values(), key=lambda case: case.median_ns)),
            margin=margin,
        )
        for key, cases in gathered.items()
    )


def _baseline(benchmarks: list[dict[str, Any]], group: str) -> str:
    members = (mapping(b.get("extra_info")) for b in benchmarks if text(b.get("group")) == group)
    return next((text(extra["baseline"]) for extra in members if extra.get("baseline")), "")


def _key(path: Path, place: int, extra: dict[str, Any]) -> Key:
    missing = [what for what in ("implementation", "problem", "pass", "batch", "dtype", "device") if what not in extra]
    if missing:
        raise RunFileError(f"{path}: benchmark {place} lacks {', '.join(missing)} in its extra_info; {ORIGIN}")
    batch = extra["batch"]
    if isinstance(batch, bool) or not isinstance(batch, int) or not 1 <= batch <= MOST_ROWS:
        raise RunFileError(f"{path}: benchmark {place}: batch must be a whole number of at least 1, found {batch!r}")
    problem, pass_, dtype, device = (text(extra[what]) for what in ("problem", "pass", "dtype", "device"))
    return problem, pass_, batch, dtype, device


def _case(name: str, benchmark: dict[str, Any], extra: dict[str, Any], row: dict[str, Any], is_floor: bool) -> Case:
    stats = mapping(benchmark.get("stats"))
    samples = np.array([number(sample) for sample in sequence(stats.get("data"))], dtype=np.float64) * 1e9
    medians = (row.get("median_ns"), number(stats.get("median")) * 1e9, _median(samples))
    return Case(
        implementation=name,
        median_ns=next((number(m) for m in medians if math.isfinite(number(m))), NOTHING),
        samples_ns=samples[np.isfinite(samples) & (samples > 0)],
        launches=_launches(samples, mappings(extra.get("launches"))),
        tau=number(extra.get("tau")),
        agreement={text(tensor): number(tau) for tensor, tau in mapping(extra.get("agreement")).items()},
        prepare_ns=number(extra.get("prepare_ns")),
        first_call_ns=number(extra.get("first_call_ns")),
        memory_bytes=number(extra.get("device_memory_bytes")),
        is_floor=is_floor,
    )


def _launches(samples: NDArray[np.float64], recorded: list[dict[str, Any]]) -> tuple[Launch, ...]:
    """Cut the samples into launches where their lengths fit; otherwise keep each launch's own summary alone."""
    rounds = [int(n) if math.isfinite(n := number(launch.get("rounds"))) and n > 0 else 0 for launch in recorded]
    fits = sum(rounds) == samples.size
    parts = np.split(samples, np.cumsum(rounds)[:-1]) if fits and recorded else [samples[:0]] * len(recorded)
    return tuple(Launch(part, number(launch.get("median_ns"))) for part, launch in zip(parts, recorded, strict=True))


def _describe(name: str, extra: dict[str, Any], implementations: dict[str, dict[str, Any]]) -> None:
    """Framework, execution and version: from the registry's data, else the benchmark's, else the name's own parts."""
    data, guess = implementations.setdefault(name, {}), description(name)
    data["framework"] = text(data.get("framework") or extra.get("framework")) or guess["framework"]
    data["execution"] = text(data.get("execution") or extra.get("execution")) or guess["execution"]
    data["version"] = text(data.get("version") or extra.get("framework_version"))


def _median(samples: NDArray[np.float64]) -> float:
    finite = samples[np.isfinite(samples)]
    return float(np.median(finite)) if finite.size else NOTHING
