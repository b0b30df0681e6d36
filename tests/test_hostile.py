"""Hostile values for every option of every command and every field of every document, made from their declarations.

The options are click's and pytest's own records of them, and the fields those of the documents' types, so that a new
one is tried without a word here. Whatever is given ends within a few seconds, in a status that the command documents
and in at most one line of error. What would be measured is cut off where the first process would start.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections import defaultdict
from pathlib import Path

import click
import msgspec
import psutil
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from samegrad.benchmarks.documents.run import RunDocument
from samegrad.benchmarks.options import read_options
from samegrad.benchmarks.resume import Earlier
from samegrad.command_line import main
from samegrad.impls.errors import BadInput
from samegrad.reports import report
from samegrad.reports.material import BESIDE
from tests.benchmarks.test_options import DEFAULTS, Config

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
STORED = ROOT / "tests/reports/stored"
NEEDED = {
    "target": f"{ROOT}/docs/examples/mean_squared.py:loss_and_gradients",
    "problem": "xor",
    "network": "xor",
    "name": "numpy",
    "file": "written",
    "before": str(STORED / "format-1.json"),
    "after": str(STORED / "format-1.json"),
}
"""For the arguments that a command cannot do without, while another is tried."""

NUMBERS = (
    "0",
    "-1",
    "1e400",
    "-1e-400",
    "nan",
    "inf",
    "-inf",
    "1e308",
    "5e-324",
    "²",
    "٣",
    "0x10",
    "1_0",
    "1e9",
    "1" * 5000,
)
NUMBERS += tuple(str(10**power) for power in (9, 12, 20, 400))
TEXTS = (
    "",
    " ",
    ",",
    ",,",
    "=",
    "'",
    '"',
    "a b",
    "a\nb",
    "\x1b[31m",
    "\udcff",
    "%s",
    "{}",
    "-",
    "--",
    "*",
    "[",
    ":",
    "a:b",
)
TEXTS += (
    ".",
    "..",
    "/",
    "/dev/zero",
    "/proc/self/mem",
    "fifo",
    "empty",
    "missing",
    "missing/below",
    "loop",
    "x" * 5000,
)
LONGEST_S = 20
"""For what ends at once: a machine may be busy with other things."""

hostile = st.sampled_from((*NUMBERS, *TEXTS)) | st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), max_size=20
)
several = st.lists(hostile, min_size=1, max_size=3).map(",".join) | hostile
quickly = settings(
    derandomize=True,  # so that a run of the tests can be repeated
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Endless(BaseException):
    """It went on after `LONGEST_S`."""


@contextlib.contextmanager
def bounded():
    def ring(*_):
        raise Endless

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(LONGEST_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


class Reached(click.exceptions.Exit):
    """The measurement would start now: all that was asked for was taken."""

    def __init__(self, *_, **__):
        super().__init__(0)


@pytest.fixture
def nothing_runs(monkeypatch, tmp_path):
    """No process starts, and the folder has what a file name may hit."""

    def start(*_, **__):
        raise Reached

    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "empty").touch()
    (tmp_path / "loop").symlink_to("loop")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(subprocess, "Popen", start)
    monkeypatch.setattr(report, "drawings", lambda figures: ({}, defaultdict(str)))
    monkeypatch.setattr(psutil, "cpu_percent", start)
    for name in ("PYTEST_ADDOPTS", "ALPHAVANTAGE_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def ended(arguments):
    """Run a command, and check how it ended."""
    with bounded():
        done = CliRunner().invoke(main, arguments, prog_name="samegrad")
    assert done.exception is None or isinstance(done.exception, SystemExit), (arguments, done.exception)
    errors = [line for line in done.stderr.splitlines() if line.startswith("samegrad")]
    assert "Traceback" not in done.output and "a fault of its own" not in done.output, (arguments, done.output)
    assert len(errors) <= 1 and max(map(len, errors), default=0) < 2000, (arguments, done.stderr)
    assert done.exit_code in (0, 1, 2, 3) and (done.exit_code == 0 or errors or done.stdout), (arguments, done.output)
    assert done.exit_code != 1 or not errors, "1 is a verdict"
    return done


COMMANDS = {name: main.get_command(click.Context(main), name) for name in main.list_commands(None)}
PARAMETERS = [(name, parameter) for name, command in COMMANDS.items() for parameter in command.params]


@pytest.mark.parametrize(("name", "parameter"), PARAMETERS, ids=lambda value: getattr(value, "name", value))
@quickly
@given(data=st.data())
def test_a_command_takes_or_refuses_whatever_is_given_to_an_option(name, parameter, data, nothing_runs):
    arguments = [
        NEEDED.get(other.name, "x")
        for other in COMMANDS[name].params
        if isinstance(other, click.Argument) and other.required and other is not parameter
    ]
    if isinstance(parameter, click.Option) and parameter.is_flag:
        given_here = [data.draw(st.sampled_from([*parameter.opts, *parameter.secondary_opts]))]
    elif isinstance(parameter, click.Option):
        given_here = [f"{parameter.opts[-1]}={data.draw(several)}"]
    else:
        given_here = ["--", data.draw(several)]
        position = [other.name for other in COMMANDS[name].params if isinstance(other, click.Argument)].index(
            parameter.name
        )
        arguments, given_here = [], ["--", *arguments[:position], given_here[1], *arguments[position:]]
    ended([name, *given_here, *arguments])


VARIABLES = ("CC", "CXX", "XDG_CACHE_HOME", "HOME", "TMPDIR", "COLUMNS", "TERM", "OPENBLAS_CORETYPE", "JAX_PLATFORMS")
VARIABLES += ("KERAS_BACKEND", "OMP_NUM_THREADS", "GOMP_CPU_AFFINITY", "TORCHINDUCTOR_CACHE_DIR", "PYTHONPATH")
QUICK = (
    ["list"],
    ["compare", NEEDED["before"], NEEDED["after"]],
    ["agree"],
    ["doctor"],
    ["parameters", "xor", "written"],
)


@pytest.mark.parametrize("name", VARIABLES)
@settings(quickly, max_examples=10)
@given(value=several.filter(lambda value: "\0" not in value), command=st.sampled_from(QUICK))
def test_a_command_ends_as_it_should_whatever_is_in_a_variable(name, value, command, nothing_runs):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(name, value)
        ended(command)


def option_given(pytestconfig, **typed):
    with bounded(), contextlib.suppress(BadInput, Reached):
        read_options(Config(pytestconfig, **typed)).request({})


@pytest.mark.parametrize("option", [name for name, default in DEFAULTS.items() if default is not False])
@quickly
@given(value=several)
def test_a_run_takes_or_refuses_whatever_is_given_to_an_option(option, value, pytestconfig, nothing_runs):
    option_given(pytestconfig, **{"problems": "xor", option: value})


DOCUMENTS = {"format": RunDocument, **BESIDE}
"""By the name of the file that holds one."""
JSON = (
    "null",
    "true",
    '""',
    '"x"',
    "[]",
    "{}",
    "[[[]]]",
    "-1",
    "0",
    "0.5",
    "1e308",
    "-1e308",
    "5e-324",
    "1e999",
    "NaN",
    "9" * 5000,
)
JSON += (
    f"-{'9' * 5000}",
    str(2**53),
    str(2**63),
    str(2**64),
    '"\\u0000"',
    '"\\ud800"',
    '"\\u202e\\n<b>"',
    '"2020-99-99"',
    "[1e308]",
)


def fields(content, kind, path=()):
    """The path of every field of a document of that type: those that it lacks, too, and a few of a long list."""
    kind = (
        kind
        if not isinstance(kind, msgspec.inspect.UnionType)
        else next(
            (one for one in kind.types if isinstance(one, msgspec.inspect.StructType | msgspec.inspect.ListType)), kind
        )
    )
    if path:
        yield path
    if isinstance(kind, msgspec.inspect.StructType) and isinstance(content, dict):
        for field in kind.fields:
            yield from fields(content.get(field.encode_name), field.type, (*path, field.encode_name))
    elif isinstance(content, dict) and content:
        inside = getattr(kind, "value_type", None)
        for key in list(content)[:2]:
            yield from fields(content[key], inside, (*path, key))
    elif isinstance(content, list) and content:
        inside = getattr(kind, "item_type", None)
        for place in {0, len(content) - 1}:
            yield from fields(content[place], inside, (*path, place))


PLACES = {
    name: (content, list(dict.fromkeys(fields(content, msgspec.inspect.type_info(kind)))))
    for name, kind in DOCUMENTS.items()
    for content in [json.loads((STORED / f"{name}-1.json").read_text(encoding="utf-8"))]
}


def damages(name):
    """Other JSON for one to three places of a document, as pairs."""
    return st.lists(st.tuples(st.sampled_from(PLACES[name][1]), st.sampled_from(JSON)), min_size=1, max_size=3)


def damage(name, changes):
    """Write the stored document with these changes, and return the file."""
    content = json.loads(json.dumps(PLACES[name][0]))
    for number, (path, _) in enumerate(changes):
        inside = content
        with contextlib.suppress(KeyError, IndexError, TypeError):  # an earlier one has replaced what it lies in
            for key in path[:-1]:
                inside = inside[key]
            inside[path[-1]] = f"({number} is here)"
    text = json.dumps(content)
    for number, (_, value) in enumerate(changes):
        text = text.replace(f'"({number} is here)"', value)
    Path("damaged.json").write_text(text, encoding="utf-8")
    return "damaged.json"


def test_every_type_of_document_is_stored_and_has_fields():
    assert all(len(places) > 5 for _, places in PLACES.values())


@pytest.mark.parametrize("name", DOCUMENTS)
@settings(quickly, max_examples=60)
@given(data=st.data())
def test_a_document_is_drawn_or_refused_whatever_is_in_it(name, data, nothing_runs):
    ended(["report", damage(name, data.draw(damages(name))), "--out", "out"])


@settings(quickly, max_examples=40)
@given(changes=damages("format"))
def test_a_run_is_compared_or_refused_whatever_is_in_it(changes, nothing_runs):
    ended(["compare", NEEDED["before"], damage("format", changes)])
    ended(["compare", "damaged.json", NEEDED["before"]])


@settings(quickly, max_examples=40)
@given(changes=damages("format"))
def test_a_run_is_resumed_or_refused_whatever_is_in_it(changes, pytestconfig, nothing_runs, monkeypatch):
    """On the machine that measured it: what is there is taken, or refused in one line."""
    monkeypatch.setattr(Earlier, "_refuse", lambda self, compared: None)
    with bounded(), contextlib.suppress(BadInput, Reached):
        options = read_options(Config(pytestconfig, resume=damage("format", changes)))
        options.earlier.take({case: options.implementations for case in options.cases})
        options.earlier.noise({"reasons": [], "yardstick_spread": None, "sentinel": {}, "noisy": False})
        options.earlier.as_json()
