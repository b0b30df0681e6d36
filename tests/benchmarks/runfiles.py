"""What a run file must be: every field of the format, and figures that follow from its own samples."""

from __future__ import annotations

import json
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from samegrad.benchmarks.clock.case import LOOP_STEPS
from samegrad.benchmarks.documents.run import RunDocument
from samegrad.impls.implementation import LOOP


def load(path: Path) -> dict[str, Any]:
    """Read strict JSON: NaN and infinity are not."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{path} holds {constant}, which is no JSON")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def check(document: dict[str, Any]) -> None:
    """Hold a run file against the format, and its figures against its samples."""
    assert msgspec.json.decode(json.dumps(document).encode(), type=RunDocument).samegrad.groups is not None
    ours = document["samegrad"]
    assert ours["format"] == 1
    groups = {group["group"]: group for group in ours["groups"]}
    data = {(b["group"], b["extra_info"]["implementation"]): b["stats"]["data"] for b in document["benchmarks"]}
    for benchmark in document["benchmarks"]:
        extra, stats = benchmark["extra_info"], benchmark["stats"]
        group = groups[benchmark["group"]]
        name = extra["implementation"]
        check_figures(row_of(group, name), extra, stats, group, data.get((benchmark["group"], extra["baseline"])))
        assert set(ours["implementations"][name]) >= {"framework", "execution", "version", "threads", "import_s"}
        assert row_of(group, name)["median_ns"] == near(np.median(stats["data"]) * 1e9)
    for group in ours["groups"]:
        assert [row["median_ns"] for row in group["rows"]] == sorted(row["median_ns"] for row in group["rows"])
        assert group["baseline"] in {row["implementation"] for row in group["rows"]}
        assert group["group"] == "{problem} {pass} batch={batch} {dtype} {device}".format(**group)


def row_of(group: dict[str, Any], name: str) -> dict[str, Any]:
    """The row of an implementation."""
    return next(row for row in group["rows"] if row["implementation"] == name)


def check_figures(
    row: dict[str, Any], extra: dict[str, Any], stats: dict[str, Any], group: dict[str, Any], base: list[float]
) -> None:
    """Per launch the quantiles and the median of paired log ratios; over launches the ratio."""
    rounds = [launch["rounds"] for launch in extra["launches"]]
    assert stats["rounds"] == len(stats["data"]) == sum(rounds)
    steps = LOOP_STEPS if extra["pass"] == LOOP else 1
    assert stats["iterations"] == group["calls"][extra["implementation"]] * steps
    spans = pairwise(accumulate(rounds, initial=0))
    logs = []
    for launch, (start, end) in zip(extra["launches"], spans, strict=True):
        times = np.array(stats["data"][start:end])
        assert launch["median_ns"] == near(np.median(times) * 1e9)
        assert launch["p10_ns"] <= launch["median_ns"] <= launch["p90_ns"]
        logs.append(np.median(np.log(times / np.array(base[start:end]))))
        assert launch["log_ratio"] == near(logs[-1])
    if extra["implementation"] == extra["baseline"]:
        assert (row["ratio"], row["verdict"]) == (1.0, "baseline")
    else:
        assert row["ratio"] == near(np.exp(np.mean(logs)))
        assert (row["low"] is None) == (row["high"] is None) == (row["verdict"] is None) == (len(logs) == 1)
        assert row["low"] is None or row["low"] <= row["ratio"] <= row["high"]
    assert extra["tau"] == max(extra["agreement"].values()) <= 1
    tensors = {"predictions"} if extra["pass"] == "forward" else {"loss", "W1", "b1"}
    assert tensors <= set(extra["agreement"])
    assert extra["prepare_ns"] > 0 and extra["first_call_ns"] > 0


def near(value: float) -> Any:
    """Equal but for the digits lost in writing seconds per call."""
    import pytest

    return pytest.approx(value, rel=1e-6, abs=1e-9)
