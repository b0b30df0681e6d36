"""The options of `pytest --benchmark-only`: which cases, which implementations, how long; all checked beforehand."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest

from samegrad.benchmarks.clock import cpus, memory
from samegrad.benchmarks.clock.case import TIMED, Case
from samegrad.benchmarks.clock.contestant import Registered
from samegrad.benchmarks.clock.record import BLOCK_SHARE, Request
from samegrad.benchmarks.option_values import listed, seconds, was_given, whole
from samegrad.benchmarks.own import contender
from samegrad.benchmarks.results.verdict import MARGIN, REGRESSION_MARGIN
from samegrad.benchmarks.resume import Earlier
from samegrad.benchmarks.stock_options import stock_options
from samegrad.impls.console.options import MOST_LAUNCHES, MOST_THREADS, margin_of, percentage
from samegrad.impls.devices import DEVICES, split_device
from samegrad.impls.errors import BadInput, choose
from samegrad.impls.implementation import LOOP, PASSES
from samegrad.impls.problem import DTYPES, PROBLEMS, SEED, TF32, check_batch, get_problem
from samegrad.impls.registry import OF_NETWORKS, default, select
from samegrad.impls.registry.entry import Entry

ALL_DEVICES = ("cpu", "gpu")
BATCHES = (4, 256, 16384)
MOST_NETWORKS, MOST_PARAMETERS = 2**17, 2**22
"""The most networks at once, and the most parameters of all of them together."""
LARGEST_SEED = 2**32 - 1
"""The largest seed of NumPy's RandomState, which draws the rows of `line`."""
SWEEP = tuple(4**power for power in range(1, 10))
"""4 to 262,144: enough sizes to tell a fixed cost from a rate."""


def add_options(parser: pytest.Parser) -> None:
    """Declare the options, with their defaults, for `pytest --help`."""
    group = parser.getgroup("samegrad", "samegrad: what to measure")
    add = group.addoption
    add(
        "--implementations",
        default=",".join(default()),
        metavar="NAMES",
        help="comma-separated names or patterns such as 'torch-*', or 'all' (default: %(default)s)",
    )
    add(
        "--problems",
        default=",".join(PROBLEMS),
        metavar="NAMES",
        help="comma-separated; also networks by their layers, such as 8-64-64-2 or 784-128-10:relu "
        "(default: %(default)s)",
    )
    add(
        "--passes",
        default=",".join(PASSES),
        metavar="NAMES",
        help=f"comma-separated names or patterns, of {', '.join(TIMED)}; a {LOOP} is timed per step of 100 in one call "
        "(default: %(default)s)",
    )
    add(
        "--batches",
        default=",".join(map(str, BATCHES)),
        metavar="ROWS",
        help="rows per call, comma-separated, or 'sweep' for 4 to 262144 in powers of four (default: %(default)s)",
    )
    add("--dtypes", default="float32", metavar="NAMES", help=f"of {', '.join(DTYPES)} (default: %(default)s)")
    add("--tf32", action="store_true", default=False, help="TF32 as well, on a GPU, as cases of their own")
    add(
        "--device",
        default="cpu",
        metavar="NAMES",
        help=f"of {', '.join(DEVICES)}, a certain GPU as cuda:1, or 'all' for the CPU and, where there is one, a GPU "
        "(default: %(default)s)",
    )
    add("--cpu", default="", metavar="N", help="the CPUs to pin the workers to (default: the last of the fast ones)")
    add(
        "--threads",
        default="1",
        metavar="N",
        help="threads of every framework's pools; several, such as 1,2,4, for groups of their own "
        "(default: %(default)s)",
    )
    add(
        "--networks",
        default="1",
        metavar="N",
        help="networks at once, each with parameters of its own, on the same rows; several, such as 1,32,1024,32768, "
        "for groups of their own (default: %(default)s)",
    )
    add("--seed", default=str(SEED), metavar="N", help="of the data and the initial parameters (default: %(default)s)")
    add("--parameters", metavar="FILE", help="initial parameters from an .npz, for a run of one problem")
    add(
        "--launches",
        default="3",
        metavar="N",
        help="sets of fresh worker processes: 1 is a preview without verdict, 5 for a claim, 10 for publication "
        "(default: %(default)s)",
    )
    add("--baseline", metavar="NAME", help="compare with this one (default: the fastest that is not a floor)")
    add(
        "--margin",
        default=f"{100 * MARGIN:g}%",
        metavar="PERCENT",
        help=f"a difference that matters (default: %(default)s, between contenders {100 * REGRESSION_MARGIN:g}%%)",
    )
    add(
        "--budget",
        default="180",
        metavar="SECONDS",
        help="for the whole run: a third for timed blocks, the rest for starting and compiling, and for more launches "
        "where the run is noisy and verdicts are open (default: %(default)s)",
    )
    add(
        "--time-limit",
        default="300",
        metavar="SECONDS",
        help="for a worker's start and for each of its cases (default: %(default)s)",
    )
    add(
        "--contender",
        action="append",
        default=[],
        metavar="NAME=WHERE",
        help="compare environments in the same rounds, the others with the first: give old=PATH/python or "
        "old=git:REF, and new=… likewise",
    )
    add(
        "--repo",
        metavar="PATH",
        help="(as --repo=PATH, with the sign) that of --contender NAME=git:REF (default: the one around here)",
    )
    add(
        "--fail-above",
        metavar="PERCENT",
        help="exit with status 1 where a contender is shown to be slower than the first by more than this, and with 3 "
        "where that could not be judged",
    )
    add(
        "--resume",
        metavar="RUN.json",
        help="(as --resume=FILE, with the sign) take from this run file what is complete there and measure only the "
        "rest; options that are not given are "
        "those of that run",
    )


@dataclass(frozen=True)
class Options:
    """What was asked for, checked."""

    implementations: tuple[str, ...]
    cases: tuple[Case, ...]
    request: Callable[..., Request]
    devices: tuple[str, ...] = ()
    """The devices asked for by name: a run on none of them is not what was asked for."""
    earlier: Earlier | None = None
    contenders: tuple[contender.Contender, ...] = ()
    fail_above: float | None = None
    """The slowdown of a contender above which the run fails."""


def read_options(config: pytest.Config) -> Options:
    """Check every option, pytest-benchmark's measuring ones among them. Raises BadInput with one line for the user."""
    earlier = Earlier(config.getoption("resume")) if config.getoption("resume") else None

    def get(name: str) -> Any:
        before = earlier.option(name) if earlier and not was_given(config, name) else None
        return config.getoption(name) if before is None else before

    networks = [_networks(text) for text in listed("--networks", get("networks"))]
    chosen = get("implementations")
    if max(networks) > 1 and not was_given(config, "implementations") and not earlier:
        chosen = ",".join(OF_NETWORKS)
    entries = select(listed("--implementations", chosen))
    contenders, fail_above = _contenders(config, entries)
    registered = [Registered(entry.name, entry) for entry in entries]
    contestants = contender.contestants(contenders, registered)
    implementations = tuple(contestants) or tuple(entry.name for entry in entries)
    problems = list(dict.fromkeys(get_problem(name).name for name in listed("--problems", get("problems"))))
    passes = [name for text in listed("--passes", get("passes")) for name in _passes(text)]
    dtypes = [choose("dtype", name, (*DTYPES, TF32)) for name in listed("--dtypes", get("dtypes"))]
    dtypes += [TF32] * (config.getoption("tf32") and TF32 not in dtypes)
    named = listed("--device", get("device"))
    devices = [device for name in named for device in (ALL_DEVICES if name == "all" else (name,))]
    for device in devices:
        split_device(device)
    batches = [batch for text in listed("--batches", get("batches")) for batch in _batches(text)]
    threads = _threads(get("threads"))
    cases = tuple(
        Case(problem, pass_name, batch, dtype, device, count, several)
        for device in dict.fromkeys(devices)
        for problem in problems
        for dtype in dtypes
        for batch in dict.fromkeys(batches)
        for pass_name in dict.fromkeys(passes)
        for count in threads
        for several in networks
    )
    for case in cases:
        _require_possible(case)
    baseline = get("baseline")
    if baseline is not None:
        choose("baseline (it must be among the implementations)", baseline, implementations)
    measuring = {
        "launches": whole("--launches", get("launches"), at_least=1, at_most=MOST_LAUNCHES),
        "threads": max(threads),
        "seed": whole("--seed", get("seed"), at_least=0, at_most=LARGEST_SEED),
        "baseline": baseline,
        "cpus": tuple(whole("--cpu", text, at_least=0) for text in config.getoption("cpu").split(",") if text),
        "budget_s": seconds("--budget", get("budget")),
        "time_limit_s": seconds("--time-limit", get("time_limit")),
        "margin": REGRESSION_MARGIN if contenders and not was_given(config, "margin") else margin_of(get("margin")),
        "parameters": _parameters(config.getoption("parameters"), problems, networks),
        "contestants": contestants,
        "contenders": contenders,
    }
    cpus.choose(measuring["threads"], measuring["cpus"])
    stock, seconds_per_test = stock_options(config)
    measuring |= stock

    def request(selected: dict[Case, tuple[str, ...]]) -> Request:
        if seconds_per_test is not None and selected:
            measuring["budget_s"] = seconds_per_test * sum(map(len, selected.values())) / BLOCK_SHARE
        return Request(selected, **measuring)

    if earlier:
        if block_ns := earlier.option("block_ns"):
            measuring.setdefault("block_ns", int(block_ns))
        earlier.require_same(request({}))
    by_name = tuple(device for device in named if device not in ("all", "cpu"))
    return Options(implementations, cases, request, by_name, earlier, contenders, fail_above)


def _contenders(
    config: pytest.Config, entries: Sequence[Entry]
) -> tuple[tuple[contender.Contender, ...], float | None]:
    """The environments to compare, and the slowdown above which the run fails."""
    asked, limit = config.getoption("contender"), config.getoption("fail_above")
    if limit is not None and not asked:
        raise BadInput("--fail-above judges one --contender by another; of two run files, samegrad compare does")
    if asked and config.getoption("resume"):
        raise BadInput("--resume cannot go on with a run of contenders: its environments may have changed; run it anew")
    packages = [package for entry in entries for package in entry.packages]
    environments = contender.read(asked, config.getoption("repo"), packages) if asked else ()
    return environments, None if limit is None else percentage("--fail-above", limit)


def _batches(text: str) -> list[int]:
    return list(SWEEP) if text == "sweep" else [check_batch(whole("--batches", text, at_least=1))]


def _passes(text: str) -> list[str]:
    return fnmatch.filter(TIMED, text) or [choose("pass", text, TIMED)]


def _networks(text: str) -> int:
    return whole("--networks", text, at_least=1, at_most=MOST_NETWORKS)


def _require_possible(case: Case) -> None:
    """Raise BadInput for more parameters, or more memory, than is possible."""
    count = case.networks * sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(get_problem(case.problem).sizes))
    if case.networks > 1 and count > MOST_PARAMETERS:
        raise BadInput(
            f"--networks {case.networks}: of {case.problem} they have {count:,} parameters, and {MOST_PARAMETERS:,} in "
            "all are allowed; take fewer networks"
        )
    memory.require_possible(case.task(SEED))


def _threads(text: str) -> list[int]:
    """The numbers of threads, ascending. Raises BadInput for more than there are CPUs to run them on."""
    counts = sorted({whole("--threads", part.strip(), at_least=1, at_most=MOST_THREADS) for part in text.split(",")})
    if (usable := len(cpus.usable())) and counts[-1] > usable:
        raise BadInput(f"--threads {counts[-1]}: this process may use {usable} CPUs, and more threads would share them")
    return counts


def _parameters(path: str | None, problems: list[str], networks: list[int]) -> list[list[Any]] | None:
    if path is None:
        return None
    if max(networks) > 1:
        raise BadInput("--parameters gives those of one network; those of several are drawn from --seed")
    if len(problems) != 1:
        raise BadInput(f"--parameters fits one network: choose one problem by --problems (found {', '.join(problems)})")
    return [[layer.W.tolist(), layer.b.tolist()] for layer in get_problem(problems[0]).load_parameters(path)]
