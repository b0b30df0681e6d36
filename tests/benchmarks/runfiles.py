"""What a run file must be: every field of the format, and figures that follow from its own samples."""

from __future__ import annotations

import json
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.clock.case import LOOP_STEPS
from impls.implementation import LOOP

TEXT, WHOLE, TRUTH = (str,), (int,), (bool,)
NUMBER = (int, float)
MAYBE_NUMBER = (int, float, type(None))
MAYBE_TEXT = (str, type(None))

QUANTILES = {"median_ns": NUMBER, "p10_ns": NUMBER, "p90_ns": NUMBER}
LAUNCH = {"launch": WHOLE, "rounds": WHOLE, "log_ratio": MAYBE_NUMBER, **QUANTILES}
EXTRA_INFO = {
    "implementation": TEXT,
    "framework": TEXT,
    "framework_version": TEXT,
    "execution": TEXT,
    "problem": TEXT,
    "pass": TEXT,
    "batch": WHOLE,
    "dtype": TEXT,
    "device": TEXT,
    "threads_asked": WHOLE,
    "threads_found": {},
    "seed": WHOLE,
    "prepare_ns": WHOLE,
    "first_call_ns": WHOLE,
    "tau": NUMBER,
    "agreement": {},
    "launches": [LAUNCH],
    "ratio": NUMBER,
    "low": MAYBE_NUMBER,
    "high": MAYBE_NUMBER,
    "verdict": MAYBE_TEXT,
    "baseline": TEXT,
}
ROW = {
    "implementation": TEXT,
    "median_ns": NUMBER,
    "ratio": NUMBER,
    "low": MAYBE_NUMBER,
    "high": MAYBE_NUMBER,
    "verdict": MAYBE_TEXT,
}
GROUP = {
    "group": TEXT,
    "problem": TEXT,
    "pass": TEXT,
    "batch": WHOLE,
    "dtype": TEXT,
    "device": TEXT,
    "baseline": TEXT,
    "rounds": [WHOLE],
    "calls": {},
    "rows": [ROW],
    "sentence": TEXT,
}
OURS = {
    "format": WHOLE,
    "command": TEXT,
    "options": {
        "batches": [WHOLE],
        "dtypes": [TEXT],
        "launches": WHOLE,
        "threads": WHOLE,
        "seed": WHOLE,
        "margin": NUMBER,
        "baseline": MAYBE_TEXT,
        "implementations": [TEXT],
    },
    "implementations": {},
    "environment": {
        "cpu": MAYBE_TEXT,
        "cores": WHOLE,
        "affinity": (list, type(None)),
        "governor": MAYBE_TEXT,
        "turbo": (bool, type(None)),
        "load": (list, type(None)),
        "memory_bytes": WHOLE,
        "container": {},
        "variables": {},
        "python": TEXT,
        "platform": TEXT,
        "versions": {"numpy": TEXT},
    },
    "launches": [{"launch": WHOLE, "started": TEXT}],
    "noise": {"noisy": TRUTH, "reasons": [TEXT], "yardstick_spread": MAYBE_NUMBER, "sentinel": {}},
    "groups": [GROUP],
    "failures": [{"implementation": TEXT, "group": TEXT, "reason": TEXT, "stderr": [TEXT]}],
    "skipped": [{"implementation": TEXT, "reason": TEXT}],
    "interrupted": TRUTH,
}
STOCK = {"machine_info": {}, "commit_info": {}, "datetime": TEXT, "version": TEXT, "samegrad": OURS}


def load(path: Path) -> dict[str, Any]:
    """Read strict JSON: NaN and infinity are not."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{path} holds {constant}, which is no JSON")

    return json.loads(path.read_text(), parse_constant=refuse)


def check(document: dict[str, Any]) -> None:
    """Hold a run file against the format, and its figures against its samples."""
    fits(document, STOCK, "run file")
    ours = document["samegrad"]
    assert ours["format"] == 1
    groups = {group["group"]: group for group in ours["groups"]}
    data = {(b["group"], b["extra_info"]["implementation"]): b["stats"]["data"] for b in document["benchmarks"]}
    for benchmark in document["benchmarks"]:
        extra, stats = benchmark["extra_info"], benchmark["stats"]
        fits(extra, EXTRA_INFO, benchmark["name"])
        group = groups[benchmark["group"]]
        name = extra["implementation"]
        check_figures(extra, stats, group, data.get((benchmark["group"], extra["baseline"])))
        assert set(ours["implementations"][name]) >= {"framework", "execution", "version", "threads", "import_s"}
        row = next(row for row in group["rows"] if row["implementation"] == name)
        assert {key: row[key] for key in ("ratio", "low", "high", "verdict")} == {
            key: extra[key] for key in ("ratio", "low", "high", "verdict")
        }
        assert row["median_ns"] == near(np.median(stats["data"]) * 1e9)
    for group in ours["groups"]:
        assert [row["median_ns"] for row in group["rows"]] == sorted(row["median_ns"] for row in group["rows"])
        assert group["baseline"] in {row["implementation"] for row in group["rows"]}
        assert group["group"] == "{problem} {pass} batch={batch} {dtype} {device}".format(**group)


def check_figures(extra: dict[str, Any], stats: dict[str, Any], group: dict[str, Any], base: list[float]) -> None:
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
        assert (extra["ratio"], extra["verdict"]) == (1.0, "baseline")
    else:
        assert extra["ratio"] == near(np.exp(np.mean(logs)))
        assert (extra["low"] is None) == (extra["high"] is None) == (extra["verdict"] is None) == (len(logs) == 1)
        assert extra["low"] is None or extra["low"] <= extra["ratio"] <= extra["high"]
    assert extra["tau"] == max(extra["agreement"].values()) <= 1
    tensors = {"predictions"} if extra["pass"] == "forward" else {"loss", "W1", "b1"}
    assert tensors <= set(extra["agreement"])
    assert extra["prepare_ns"] > 0 and extra["first_call_ns"] > 0


def near(value: float) -> Any:
    """Equal but for the digits lost in writing seconds per call."""
    import pytest

    return pytest.approx(value, rel=1e-6, abs=1e-9)


def fits(found: Any, spec: Any, where: str) -> None:
    """A dict has these keys (and perhaps more), a list these elements, anything else one of these types."""
    if isinstance(spec, dict):
        assert isinstance(found, dict), f"{where} is {found!r}, not a mapping"
        for key, inner in spec.items():
            assert key in found, f"{where} lacks {key!r}"
            fits(found[key], inner, f"{where}.{key}")
    elif isinstance(spec, list):
        assert isinstance(found, list), f"{where} is {found!r}, not a list"
        for number, element in enumerate(found):
            fits(element, spec[0], f"{where}[{number}]")
    else:
        assert isinstance(found, spec), f"{where} is {found!r}, not {spec}"
        assert bool in spec or not isinstance(found, bool), f"{where} is {found!r}, not {spec}"
