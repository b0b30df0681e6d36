"""The gallery: one small file for each machine, a run without its rounds, and the check that it can be believed.

The rounds are what makes a run file large. Everything that the report merges over machines is kept: each launch's
median, percentiles and log ratio, and what the run says of itself. Whatever can be recomputed from the launches must be
as it is stated.
"""

from __future__ import annotations

import json
import math
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from samegrad.benchmarks.documents.groups import GroupEntry
from samegrad.benchmarks.documents.merging import doubt, foreign_cpus, host
from samegrad.benchmarks.documents.run import Benchmark, RunDocument, Stats
from samegrad.benchmarks.results.statistics import pairs, ratio_interval
from samegrad.benchmarks.results.verdict import BASELINE, verdict

FOLDER = Path("reports/gallery")
LEAST_LAUNCHES = 3
AS_STATED = 1e-6
"""The relative error of numbers that were written and read again."""
ALIKE = 0.25
"""The largest distance of the rounds' median log ratio from the ratio of two medians, on a steady machine."""


def without_rounds(file: RunDocument) -> RunDocument:
    """The run file as the gallery has it. What pytest-benchmark adds, such as the host's name, is not in its type."""
    kept = tuple(replace(one, stats=Stats()) for one in file.benchmarks if one.extra_info.cold_start is None)
    return replace(file, benchmarks=kept)


def file_name(file: RunDocument) -> str:
    """The file's name, `amd-epyc-3abda07c.json`, with the setting where BLAS kernels were forced."""
    forced = [one.sentence.split()[0] for one in file.samegrad.handicaps if one.handicap == "kernels"]
    parts = [file.samegrad.environment.machine, host(file)[:8], *forced]
    return "-".join(re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-") for part in parts) + ".json"


def problems(file: RunDocument, repository: Path = Path()) -> list[str]:
    """Why a run is not fit for the gallery, a line each; none where it is."""
    return [*_origin(file, repository), *_whole(file), *_consistent(file)]


def extra_keys(content: bytes) -> list[str]:
    """Keys that a file of the gallery does not have: `machine_info` names the host."""
    return sorted(json.loads(content).keys() - {field for field in RunDocument.__struct_fields__})


def _origin(file: RunDocument, repository: Path) -> Iterator[str]:
    """Whether it is of a machine that is known, alone and steady, and of the suite as it was committed."""
    ours, commit = file.samegrad, file.commit_info
    if ours.environment.identity is None or foreign_cpus(file) is None:
        yield "it does not record its machine's identity, or whether it was alone: measure anew"
    if reason := doubt(file):
        yield reason
    if ours.own or ours.contenders:
        yield "it times callables or environments of its own, and not the suite"
    if commit.dirty:
        yield "files of the suite were changed and not committed when it was measured"
    if not commit.id or not _is_commit(commit.id, repository):
        yield f"its commit, {commit.id or 'which it does not record'}, is not in this repository's history"


def _is_commit(name: str, repository: Path) -> bool:
    """Whether the commit is an ancestor of what is checked out."""
    if not re.fullmatch(r"[0-9a-f]{7,64}", name):
        return False
    asked = ["git", "-C", str(repository), "merge-base", "--is-ancestor", name, "HEAD"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def _whole(file: RunDocument) -> Iterator[str]:
    """Whether everything that was asked for is there."""
    ours = file.samegrad
    for failure in ours.failures:
        yield f"{failure.implementation} failed at {failure.group}"
    if not ours.groups:
        yield "it has no groups"
    absent = {entry.implementation for entry in ours.skipped}
    asked = [name for name in ours.implementations if name not in absent]
    here = {(str(one.group), one.extra_info.implementation): one for one in file.benchmarks}
    for group in ours.groups:
        lacking = [name for name in asked if (group.group, name) not in here]
        if lacking:
            yield f"{group.group} lacks {', '.join(lacking)}"
        for name in (name for name in asked if name not in lacking):
            if (count := len(here[group.group, name].extra_info.launches)) < LEAST_LAUNCHES:
                yield f"{group.group} has {count} of at least {LEAST_LAUNCHES} launches of {name}"


def _consistent(file: RunDocument) -> Iterator[str]:
    """Whether what follows from the launches is as it is stated."""
    by_group: dict[str, dict[str, Benchmark]] = {}
    for one in (one for one in file.benchmarks if one.extra_info.cold_start is None):
        by_group.setdefault(str(one.group), {})[one.extra_info.implementation] = one
        if one.extra_info.tau is None or one.extra_info.tau > 1:
            yield f"{one.group}: {one.extra_info.implementation} did not pass the gate (τ = {one.extra_info.tau})"
    for group in file.samegrad.groups:
        yield from _of_group(group, by_group.get(group.group, {}), file.samegrad.options.margin)


def _of_group(group: GroupEntry, members: dict[str, Benchmark], margin: float) -> Iterator[str]:
    base = members.get(group.baseline)
    for row in group.rows:
        if base is None or (one := members.get(row.implementation)) is None:
            yield f"{group.group}: {row.implementation} or its baseline has no benchmark"
            continue
        launches = one.extra_info.launches
        logs = [launch.log_ratio for launch in launches if launch.log_ratio is not None]
        ratio = ratio_interval(logs, pairs(len(members))) if logs else None
        stated = (row.ratio, row.low, row.high)
        is_base = row.implementation == group.baseline
        if ratio is None or (not is_base and not _same(stated, ratio)) or (is_base and any(logs)):
            yield f"{group.group}: the ratio of {row.implementation} does not follow from its launches"
        elif row.verdict != (BASELINE if is_base else verdict(ratio, margin)):
            yield f"{group.group}: {row.implementation} is not {row.verdict!r} by its interval"
        for launch, by in zip(launches, base.extra_info.launches, strict=False):
            expected = math.log(launch.median_ns / by.median_ns)
            if launch.log_ratio is None or abs(launch.log_ratio - expected) > ALIKE:
                yield f"{group.group}: launch {launch.launch} of {row.implementation} has a ratio unlike its medians"
            if not launch.p10_ns <= launch.median_ns <= launch.p90_ns:
                yield f"{group.group}: launch {launch.launch} of {row.implementation} has percentiles out of order"


def _same(stated: tuple[float | None, ...], computed: tuple[float | None, ...]) -> bool:
    return all(
        a is b is None or (a is not None and b is not None and math.isclose(a, b, rel_tol=AS_STATED))
        for a, b in zip(stated, computed, strict=True)
    )
