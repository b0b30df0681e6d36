"""pytest-benchmark's own options: which of them set something here, and why the others are refused."""

from __future__ import annotations

from typing import Any

import pytest

from samegrad.benchmarks.option_values import option_name, seconds, was_given, whole
from samegrad.impls.console.options import LONGEST_S
from samegrad.impls.errors import BadInput

HONOURED = {
    "benchmark_min_rounds": "least rounds of a launch",
    "benchmark_max_time": "seconds of blocks for each test",
    "benchmark_min_time": "length of a block in seconds",
}
OF_STOCK_TABLE = ("columns", "compare", "group_by", "histogram", "name", "sort", "time_unit", "verbose")
LONGEST_BLOCK_S = 10.0
MOST_LEAST_ROUNDS = 10_000
REFUSED = {
    "benchmark_precision": "rounds are set before the run and never by looking at the results; use --launches",
    "benchmark_confidence": "the intervals are at 95 % for a table as a whole",
    "benchmark_timer": "the workers read time.perf_counter_ns",
    "benchmark_calibration_precision": "calls per block are set by two readings that agree",
    "benchmark_warmup": "an untimed prefix warms every block",
    "benchmark_warmup_iterations": "an untimed prefix warms every block",
    "benchmark_cprofile": "the work is done in other processes; profile an implementation by itself",
}
"""pytest-benchmark's measuring options. --benchmark-disable-gc says what is done anyway."""


def stock_options(config: pytest.Config) -> tuple[dict[str, Any], float | None]:
    """What pytest-benchmark's options set in the request, and the seconds of blocks for each test if they say so."""
    given = {name: config.getoption(name) for name in (*REFUSED, *HONOURED) if was_given(config, name)}
    for name in given:
        if name in REFUSED:
            raise BadInput(f"{option_name(name)} has no meaning here: {REFUSED[name]}")
    times_s = {
        name: seconds(option_name(name), given[name], at_most)
        for name, at_most in (("benchmark_min_time", LONGEST_BLOCK_S), ("benchmark_max_time", LONGEST_S))
        if name in given
    }
    honoured: dict[str, Any] = {}
    if "benchmark_min_rounds" in given:
        rounds = str(given["benchmark_min_rounds"])
        honoured["least_rounds"] = whole("--benchmark-min-rounds", rounds, at_least=1, at_most=MOST_LEAST_ROUNDS)
    if "benchmark_min_time" in given:
        honoured["block_ns"] = max(1, round(1e9 * times_s["benchmark_min_time"]))
    return honoured, times_s.get("benchmark_max_time")


def wants_stock_table(config: pytest.Config) -> bool:
    """Whether pytest-benchmark's own table is asked for: by -v, or by an option that belongs to it."""
    return config.getoption("verbose", 0) > 0 or any(was_given(config, f"benchmark_{name}") for name in OF_STOCK_TABLE)
