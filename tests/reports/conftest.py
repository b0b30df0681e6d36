"""What tests of reports share: a synthetic run that obeys the run file's schema, and a browser."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FIXED_NS_AND_NS_PER_ROW = {
    "numpy": ("numpy", "manual", 9_000, 21),
    "numpy-tutorial": ("numpy", "tutorial", 19_000, 34),
    "jax-jit": ("jax", "jit", 16_000, 9),
    "torch-eager": ("torch", "eager", 78_000, 14),
    "keras-xla": ("keras", "xla", 160_000, 11),
}
TENSORS = {"xor": ["W1", "b1", "W2", "b2"], "line": ["W1", "b1"]}
PASSES = {"forward": 0.4, "value_and_grad": 1.0, "train_step": 1.3}
VARIANTS = {"": 1.0, "host": 1.5, "pipelined": 0.5, "adam": 2.0}
"""How many times as long a pass takes when it is called so."""
LAUNCHES, ROUNDS = 3, 20
QUANTILES = ("median_ns", "p10_ns", "p90_ns")


def baseline_of(members: dict[str, Any]) -> str:
    """`numpy`, or the first."""
    return "numpy" if "numpy" in members else next(iter(members))


def synthetic(
    implementations: dict[str, tuple[str, str, float, float]] = FIXED_NS_AND_NS_PER_ROW,
    problems: tuple[str, ...] = ("xor", "line"),
    passes: tuple[str, ...] = tuple(PASSES),
    batches: tuple[int, ...] = (4, 256, 16384),
    dtypes: tuple[str, ...] = ("float32",),
    seed: int = 1,
    factor: float = 1.0,
) -> dict[str, Any]:
    """A run's JSON: t(n) = t0 + n/r with 1 % noise per launch and 2 % per round, all drawn from `seed`."""
    random = np.random.default_rng(seed)
    benchmarks, groups = [], []
    for problem in problems:
        for pass_ in passes:
            for batch in batches:
                for dtype in dtypes:
                    group = f"{problem} {pass_} batch={batch} {dtype} cpu"
                    members = {
                        name: _samples(random, factor * _share(pass_) * (fixed + batch * per_row))
                        for name, (_, _, fixed, per_row) in implementations.items()
                    }
                    ratios = _ratios(members)
                    facts = {"problem": problem, "pass": pass_, "batch": batch, "dtype": dtype, "device": "cpu"}
                    for name, samples in members.items():
                        framework, execution, _, _ = implementations[name]
                        extra = {
                            "implementation": name,
                            "framework": framework,
                            "framework_version": "1.2.3",
                            "execution": execution,
                            **facts,
                            "threads_asked": 1,
                            "seed": 42,
                            "prepare_ns": 2_000_000,
                            "first_call_ns": 50_000_000,
                            **_agreement(random, problem, pass_),
                            **ratios[name],
                            "baseline": baseline_of(members),
                        }
                        benchmarks.append(_benchmark(group, name, extra, samples))
                    rows = [
                        {"implementation": name, "median_ns": float(np.median(samples)), **ratios[name]}
                        for name, samples in sorted(members.items(), key=lambda item: float(np.median(item[1])))
                    ]
                    for row in rows:
                        del row["launches"]
                    sentence = f"At batch {batch:,} {rows[0]['implementation']} is the fastest shown."
                    measured = {"rounds": [ROUNDS] * LAUNCHES, "calls": dict.fromkeys(members, 100)}
                    actual = {"baseline": baseline_of(members), "rows": rows, "sentence": sentence}
                    groups.append({"group": group, **facts, **measured, **actual})
    return {
        "machine_info": {},
        "commit_info": {"id": "0123456789abcdef0123456789abcdef01234567"},
        "datetime": "2026-11-22T12:00:00+00:00",
        "version": "5.3.1",
        "benchmarks": benchmarks,
        "samegrad": {
            "format": 1,
            "command": "pytest --benchmark-only",
            "options": {"batches": list(batches), "dtypes": list(dtypes), "threads": 1, "launches": 3, "margin": 0.05},
            "implementations": {
                name: {"framework": framework, "execution": execution, "version": "1.2.3"}
                for name, (framework, execution, _, _) in implementations.items()
            },
            "environment": {
                "cpu": "AMD EPYC 7B13",
                "cores": 2,
                "affinity": [0],
                "load": [0.5, 0.4, 0.3],
                "variables": {"OMP_NUM_THREADS": "1"},
                "python": "3.11.7",
                "platform": "Linux-6.1-x86_64",
                "versions": {"numpy": "2.4.6", "jax": "0.10.2", "torch": "2.13.0", "keras": "3.15.1"},
            },
            "launches": [
                {
                    "launch": n,
                    "started": "2026-11-22T12:00:00",
                    "yardstick": {"median_ns": 1e4, "p10_ns": 9.9e3, "p90_ns": 1.03e4},
                }
                for n in range(1, LAUNCHES + 1)
            ],
            "noise": {
                "noisy": False,
                "reasons": [],
                "yardstick_spread": 1.04,
                "sentinel": {groups[0]["group"]: {"ratio": 1.001, "low": 0.998, "high": 1.004}} if groups else {},
            },
            "groups": groups,
            "failures": [],
            "skipped": [],
        },
    }


def _share(label: str) -> float:
    pass_, _, variant = label.partition(":")
    return PASSES[pass_] * VARIANTS[variant]


def _samples(random: np.random.Generator, time_ns: float) -> np.ndarray:
    """(launches, rounds) times per call in ns."""
    launch = 1 + 0.01 * random.standard_normal((LAUNCHES, 1))
    rounds = 1 + 0.02 * np.abs(random.standard_normal((LAUNCHES, ROUNDS)))
    return time_ns * launch * rounds


def _ratios(members: dict[str, np.ndarray]) -> dict[str, dict[str, Any]]:
    """Ratio to `numpy` (or the first), interval and verdict, as the clock computes them."""
    baseline = baseline_of(members)
    actual = {}
    for name, samples in members.items():
        logs = np.median(np.log(samples / members[baseline]), axis=1)
        half = 4.303 * logs.std(ddof=1) / math.sqrt(LAUNCHES)
        low, high = math.exp(logs.mean() - half), math.exp(logs.mean() + half)
        verdict = "faster" if high < 0.95 else "slower" if low > 1.05 else "not resolved"
        actual[name] = {
            "ratio": math.exp(logs.mean()),
            "low": low,
            "high": high,
            "verdict": "baseline" if name == baseline else verdict,
            "launches": [
                {
                    "launch": n + 1,
                    **dict(zip(QUANTILES, map(float, np.quantile(samples[n], [0.5, 0.1, 0.9])), strict=True)),
                    "rounds": ROUNDS,
                    "log_ratio": float(logs[n]),
                }
                for n in range(LAUNCHES)
            ],
        }
    return actual


def _agreement(random: np.random.Generator, problem: str, pass_: str) -> dict[str, Any]:
    names = ["predictions"] if pass_.startswith("forward") else ["loss", *TENSORS[problem]]
    tau = {name: float(0.02 * 10 ** random.uniform(-1, 1)) for name in names}
    return {"tau": max(tau.values()), "agreement": tau}


def _benchmark(group: str, name: str, extra: dict[str, Any], samples: np.ndarray) -> dict[str, Any]:
    seconds = [float(s) for s in samples.ravel() / 1e9]
    test = f"test_pass[{group}-{name}]"
    return {
        "group": group,
        "name": test,
        "fullname": f"benchmarks/test_passes.py::{test}",
        "params": {},
        "param": None,
        "options": {},
        "extra_info": extra,
        "stats": {
            "min": min(seconds),
            "max": max(seconds),
            "mean": float(np.mean(seconds)),
            "median": float(np.median(seconds)),
            "rounds": len(seconds),
            "iterations": 1,
            "data": seconds,
        },
    }


@pytest.fixture
def make_run() -> Callable[..., dict[str, Any]]:
    """`synthetic`, for tests that change a run before it is written."""
    return synthetic


@pytest.fixture
def write_run(tmp_path: Path) -> Callable[..., Path]:
    """Write a run's JSON (synthetic by default) under `tmp_path` and return its path."""

    def write(content: Any = None, name: str = "run.json") -> Path:
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content or synthetic()))
        return path

    return write


@pytest.fixture
def figures() -> Callable[[Any], dict[str, Any]]:
    """Every figure that a material has data for, by name."""
    from samegrad.reports.parts import parts_of

    return lambda material: {figure.name: figure for part in parts_of(material) for figure in part.figures}


@pytest.fixture
def paragraphs() -> Callable[[Any], list[str]]:
    """The paragraphs of a part, in order."""
    return lambda part: [block.text for block in part.blocks if block.macro == "text"]


CHROMIUM_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Headless Chromium through Selenium; skipped with the reason where either is missing."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium: pip install selenium")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    chromedriver = shutil.which("chromedriver")
    if not (chromium and chromedriver):
        pytest.skip("needs a browser: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for option in (*CHROMIUM_OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(chromedriver))
    driver.set_script_timeout(180)  # axe looks at every node of every figure, on whatever machine this is
    yield driver
    driver.quit()
