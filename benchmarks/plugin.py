"""The pytest plugin that wires the clock into pytest-benchmark; `pyproject.toml` loads it."""

from __future__ import annotations

import importlib.util
import os
import shlex
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.session import PerformanceRegression

from samegrad.benchmarks import at_once, interrupts  # noqa: F401
from samegrad.benchmarks.clock import summary, tables
from samegrad.benchmarks.clock.case import Case
from samegrad.benchmarks.clock.cold_start import PHASES
from samegrad.benchmarks.options import add_options, read_options
from samegrad.benchmarks.own import changes
from samegrad.benchmarks.session import Replay, Session
from samegrad.impls.console.terminal import write_plainly
from samegrad.impls.errors import BadInput, one_line

FOLDER = Path(__file__).resolve().parent
SESSION = pytest.StashKey[Session]()
NOTHING_MEASURED = 2
"""The exit status where nothing could be measured, or nothing on a device that was asked for by name."""


NO_COMPANY = {
    "forked": "all is measured in the first test's process, which would end with it",
    "codspeed": "it measures by itself, in this process, and switches pytest-benchmark off",
}
"""Options of other plugins, and why they cannot be meant."""


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Check all that was asked for before anything runs."""
    interrupts.raise_again()
    write_plainly(sys.stdout)
    if not hasattr(config.option, "benchmark_only"):
        raise pytest.UsageError("needs pytest-benchmark, which is switched off here: add -p pytest_benchmark.plugin")
    if config.getoption("benchmark_histogram") and not importlib.util.find_spec("pygal"):
        raise pytest.UsageError("--benchmark-histogram needs pygal: pip install 'pytest-benchmark[histogram]'")
    for option in [name for name in NO_COMPANY if config.getoption("benchmark_only") and config.getoption(name, None)]:
        raise pytest.UsageError(f"--{option} and --benchmark-only do not go together: {NO_COMPANY[option]}")
    with _reported_in_one_line():
        config.stash[SESSION] = Session(config, read_options(config))
    config.add_cleanup(config.stash[SESSION].close)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Bare `pytest` runs the tests and times nothing; `pytest --benchmark-only` runs just the benchmarks."""
    is_benchmark = collection_path.is_relative_to(FOLDER)
    if config.getoption("benchmark_only"):
        return None if is_benchmark or FOLDER.is_relative_to(collection_path) else True
    named = config.args_source == pytest.Config.ArgsSource.ARGS
    asked = named or any(config.getoption(f"benchmark_{word}") for word in ("enable", "disable", "skip"))
    return True if is_benchmark and not asked else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per case and implementation, all parameters strings, so that run files and `-k` can name them."""
    if not metafunc.definition.path.is_relative_to(FOLDER):
        return
    options = metafunc.config.stash[SESSION].options
    if "phase" in metafunc.fixturenames:
        metafunc.parametrize(
            "implementation, phase",
            [
                pytest.param(name, phase, marks=pytest.mark.benchmark(group=f"cold start: {phase}", timer=Replay()))
                for phase in PHASES
                for name in ([] if options.contenders else options.implementations)
            ],
        )
    if "case" not in metafunc.fixturenames:
        return
    several = any(case.networks != 1 for case in options.cases)
    metafunc.parametrize(
        "implementation, problem, pass_name, batch, dtype, device, threads" + (", networks" if several else ""),
        [
            pytest.param(
                name,
                *map(str, astuple(case)[: None if several else -1]),
                id=f"{name}-{case.label}",
                marks=pytest.mark.benchmark(group=case.group, timer=Replay(), disable_gc=True),
            )
            for case in options.cases
            for name in options.implementations
        ],
    )


@pytest.fixture
def networks() -> str:
    """Where no test of the run has several."""
    return "1"


@pytest.fixture
def case(problem: str, pass_name: str, batch: str, dtype: str, device: str, threads: str, networks: str) -> Case:
    return Case(problem, pass_name, int(batch), dtype, device, int(threads), int(networks))


@pytest.fixture
def session(request: pytest.FixtureRequest) -> Session:
    return request.config.stash[SESSION]


@pytest.fixture
def replay(request: pytest.FixtureRequest) -> Replay:
    """The timer of this test's own marker."""
    return request.node.get_closest_marker("benchmark").kwargs["timer"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the cold start out, unless it is asked for by -k or by its file.

    pytest-timeout must not end a benchmark: the first one waits for all, and each worker has its own time limit.
    """
    if config.pluginmanager.hasplugin("timeout"):
        for item in items:
            if "replay" in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.timeout(0))
    if "cold" in config.getoption("keyword") or any("cold_start" in argument for argument in config.args):
        return
    cold = [item for item in items if "replay" in (names := getattr(item, "fixturenames", ())) and "phase" in names]
    if cold:
        config.hook.pytest_deselected(items=cold)
        items[:] = [item for item in items if item not in set(cold)]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Note what is left after -k and its like: groups are measured whole, and only what is asked for."""
    for item in session.items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        if {"implementation", "pass_name"} <= parameters.keys():
            values = {key: parameters[key] for key in ("problem", "pass_name", "dtype", "device")}
            batch, threads, networks = (int(parameters.get(key, 1)) for key in ("batch", "threads", "networks"))
            chosen = Case(batch=batch, threads=threads, networks=networks, **values)
            session.config.stash[SESSION].select(chosen, parameters["implementation"])
        elif {"implementation", "phase"} <= parameters.keys():
            session.config.stash[SESSION].select_cold_start(parameters["implementation"])
    if not session.config.option.collectonly:
        with _reported_in_one_line():
            session.config.stash[SESSION].begin()


def pytest_benchmark_update_json(config: pytest.Config, output_json: dict[str, Any]) -> None:
    if run_file := config.stash[SESSION].run_file:
        output_json["samegrad"] = run_file.as_json()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """Nothing interrupts the saving of what is complete; the exit status says if anything is not as asked."""
    ours = session.config.stash[SESSION]
    with interrupts.deferred() as arrived:
        yield
        ours.save_failures()
    if arrived or ours.was_interrupted:
        session.exitstatus = pytest.ExitCode.INTERRUPTED
    elif ours.measured_nothing or set(ours.absent) & set(ours.options.devices):
        session.exitstatus = NOTHING_MEASURED
    elif session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED) and ours.has_troubles:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if session.exitstatus == pytest.ExitCode.OK and ours.run_file and ours.options.fail_above is not None:
        session.exitstatus = changes.gate(ours.run_file, ours.options.fail_above)[0]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> Generator[None, None, None]:
    """After all else, and though it raises, ours: small tables, or with -v whole ones, and what they come to."""
    try:
        yield
    except PerformanceRegression:  # the lines above name what regressed; a traceback would hide it
        terminalreporter._session.exitstatus = pytest.ExitCode.TESTS_FAILED
    finally:
        _summarise(terminalreporter, config.stash[SESSION], config.option.verbose > 0)


def _summarise(reporter: Any, session: Session, is_verbose: bool) -> None:
    run_file = session.run_file
    if run_file and not reporter.config.getoption("benchmark_quiet"):
        reporter.section("samegrad")
        document = run_file.as_json()
        width = max(80, min(120, reporter._tw.fullwidth))
        if is_verbose or document["cold_start"] or document["fits"]:
            reporter.write(tables.render(document, width, reporter.hasmarkup))
        else:
            lines = [*summary.tables(document["groups"], width), *summary.conclusion(document, width)]
            reporter.write("\n".join([*lines, ""]))
        if session.options.contenders:
            reporter.section("contenders")
            reporter.write("\n".join([*changes.in_words(run_file, session.options.fail_above), ""]))
        if run_file.run.interrupted:
            reporter.write_line("Interrupted: what is complete is above and in the run file.", yellow=True)
    for reason, names in session.skipped.items():
        reporter.write_line(f"Skipped: {', '.join(names)}: {reason}")
    for device in session.absent:
        reporter.write_line(f"No {device} here: none of the implementations could use one.")
    if session.measured_nothing:
        reporter.write_line("Nothing was measured.", red=True)
    for problem in session.saving_problems:
        reporter.write_line(problem, red=True)
    for path in session.written:
        near = os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
        seen = f";\nto see it: samegrad report {shlex.quote(near)}" if path.is_file() else ""
        reporter.write_line(f"Saved in {near}{seen}")


@contextmanager
def _reported_in_one_line() -> Iterator[None]:
    """A mistake in what was asked for ends pytest with one line."""
    try:
        yield
    except BadInput as error:
        raise pytest.UsageError(one_line(error)) from None
