"""The README and the pages show what is so: examples, output, commands, line counts. (`make docs` checks the links.)"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import samegrad
from samegrad.benchmarks.options import read_options
from samegrad.command_line import main
from samegrad.impls.conformance.clauses import CLAUSES
from samegrad.impls.errors import BadInput
from tests.benchmarks.test_own_package import MINE, PROJECT

pytest_plugins = ("pytester",)

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
OWN_PACKAGE = ROOT / "docs/add-an-implementation.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
WORKFLOW = ROOT / ".github/workflows/ci.yml"
WINGS = ("impls", "benchmarks", "reports", "samegrad", "tests")
MOST_LINES = 160
OURS = [page for page in PAGES if page.parent == ROOT / "docs"]
OFF = 0.15
"""How far a line count in the README's map may be from the truth, as a share of it."""
PUBLIC = "from samegrad import Implementation, Layer, Task\n"
INSIDE = """\
from samegrad.impls.implementation import Implementation
from samegrad.impls.parameters import Layer
from samegrad.impls.task import Task
"""


def blocks(page, language):
    """A page's code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)


def commands(page):
    """The commands that a page shows in full: lines after a prompt, and steps of a workflow."""
    text = page.read_text(encoding="utf-8")
    return re.findall(r"^\$ (.*)$", text, re.M) + re.findall(r"^ +- run: (.*)$", text, re.M)


def mentions(page):
    """The commands that a page names within its text, some of them without their arguments."""
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    return re.findall(r"`((?:samegrad|pytest|make|python) [^`]+)`", prose)


SHOWN = {(line, True, page.name) for page in (*PAGES, WORKFLOW) for line in commands(page)}
SHOWN |= {(line, False, page.name) for page in PAGES for line in mentions(page)}
COMMANDS = sorted(SHOWN)
NAMES = [f"{page}: {line[:60]}" for line, _, page in COMMANDS]
EXTERNAL = ("git", "uv", "pytest-benchmark", "dask")


def words(line):
    """A command's words, without its comment and the environment's folder."""
    return shlex.split(line.replace(".venv/bin/", ""), comments=True)


def check_samegrad(arguments, whole):
    """Parse a command of ours and its options, and run nothing; of a mention, see that they exist."""
    with click.Context(main, info_name="samegrad") as context:
        command = main.get_command(context, arguments[0])
        assert command, f"samegrad has no command {arguments[0]!r}"
        if whole:
            command.make_context(arguments[0], arguments[1:], parent=context)
        options = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
        assert {word for word in arguments if word.startswith("--")} <= options


def check_pytest(arguments, pytester):
    """Parse pytest's options, and check the values of ours."""
    config = pytester.parseconfig("-c", str(ROOT / "pyproject.toml"), *arguments)
    if not config.getoption("resume") and not config.getoption("contender"):  # they name what the reader has
        read_options(config)
    for path in config.args:
        assert (ROOT / path.split("::")[0]).exists(), path


def check_module(module, arguments):
    """The module is there, and its help has the options."""
    assert importlib.util.find_spec(module), module
    options = [word.split("=")[0] for word in arguments if word.startswith("--")]
    if not options:
        return
    command = [sys.executable, "-m", module, "--help"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert all(option in shown.stdout for option in options), shown.stdout


def check_dask(command, arguments):
    """Dask has the command, with these options: in a process of its own, as pytester undoes imports by halves."""
    dask = subprocess.run(
        [sys.executable, "-m", "dask", command, "--help"], capture_output=True, text=True, check=False
    )
    if "No module named" not in dask.stderr:
        assert all(word in dask.stdout for word in arguments if word.startswith("--")), dask


def check_make(arguments):
    """The targets are in the Makefile."""
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    assert {word for word in arguments if "=" not in word} <= set(targets)


def check(line, whole, pytester):
    """Fail unless the command exists and takes these arguments."""
    match words(line):
        case ["samegrad", "hosts", *arguments] if "--" in arguments:
            place = arguments.index("--")
            check_samegrad(["hosts", *arguments[:place]], whole)
            check_pytest(["--benchmark-only", *arguments[place + 1 :]], pytester)
        case ["samegrad", *arguments]:
            check_samegrad(arguments, whole)
        case ["pytest", *arguments] | ["python" | "python3", "-m", "pytest", *arguments]:
            check_pytest(arguments, pytester)
        case ["python" | "python3", "-m", module, *arguments]:
            check_module(module, arguments)
        case ["make", *arguments]:
            check_make(arguments)
        case ["dask", command, *arguments]:
            check_dask(command, arguments)
        case [program, *_]:
            assert program in EXTERNAL or (ROOT / program).exists()


@pytest.fixture
def bare(monkeypatch):
    """No options from the environment of this very run, and the CPUs of a page's reader."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.setattr("samegrad.benchmarks.options.cpus.usable", lambda: [0, 1, 2, 3])


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(("line", "whole", "page"), COMMANDS, ids=NAMES)
def test_a_command_exists_with_its_options(line, whole, page, pytester):
    check(line, whole, pytester)


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(
    "line",
    [
        "samegrad trian xor",
        "samegrad train xor --epochen 5",
        "samegrad train xor --epochs none",
        "samegrad compare one.json",
        "pytest --benchmark-only --lunches 5",
        "pytest --benchmark-only --passes '*:hots'",
        "pytest tests/test_no_such_file.py",
        "python -m impls.no_such_module",
        "python -m samegrad.impls.checking.constants --no-such-option",
        "make no-such-target",
        "no-such-program",
    ],
)
def test_a_command_that_does_not_exist_is_found(line, pytester):
    with pytest.raises((AssertionError, click.UsageError, pytest.UsageError, BadInput, ModuleNotFoundError)):
        check(line, True, pytester)


class TestReadme:
    def test_it_is_a_door_and_not_a_house(self):
        assert len(README.read_text(encoding="utf-8").splitlines()) <= MOST_LINES

    def test_its_verdict_is_what_verify_prints(self, monkeypatch):
        """Line by line, up to where it is cut."""
        [block] = [block for block in blocks(README, "console") if "forgotten_bias" in block]
        command, *lines, cut = block.splitlines()
        assert cut == "…" and len(lines) > 10
        monkeypatch.chdir(ROOT)
        result = CliRunner(env={"COLUMNS": "80"}).invoke(main, words(command.removeprefix("$ "))[1:])
        assert result.exit_code == 1
        assert [line.rstrip() for line in result.output.splitlines()][: len(lines)] == lines

    def test_its_sketch_of_an_implementation_has_the_contract_s_operations(self):
        """All that are abstract, with the arguments of the contract."""
        [block] = blocks(README, "python")
        names = {"Task": samegrad.Task, "Implementation": samegrad.Implementation}
        exec(compile(ast.parse(block), "README.md", "exec", dont_inherit=True), names)
        sketch = names["Tape"]
        assert not inspect.isabstract(sketch)
        for name, operation in vars(sketch).items():
            if inspect.isfunction(operation):
                contract = inspect.signature(getattr(samegrad.Implementation, name))
                assert list(inspect.signature(operation).parameters) == list(contract.parameters)

    def test_its_map_has_every_folder_and_about_its_lines(self):
        """So far as whole hundreds go; the message has the true count."""
        rows = re.findall(r"^\| (`.*?) \| ([\d,]+) \|.*\(([^)]+)\) \|$", README.read_text(encoding="utf-8"), re.M)
        assert len(rows) > 5
        seen = set()
        for folders, output, start in rows:
            files = set()
            for pattern in re.findall(r"`(.*?)`", folders):
                for path in ROOT.glob(pattern):
                    files |= {path} if path.is_file() else set(path.rglob("*.py"))
            assert not files & seen, folders
            seen |= files
            lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files)
            written = int(output.replace(",", ""))
            assert abs(written - lines) <= OFF * lines, f"{folders}: {lines} lines, the README has {output}"
            assert (ROOT / start).exists()
        assert seen == {path for wing in WINGS for path in (ROOT / wing).rglob("*.py")}

    def test_it_links_to_every_page(self):
        text = README.read_text(encoding="utf-8")
        assert all(f"(docs/{page.name})" in text for page in OURS)


class TestOwnPackage:
    def test_the_file_is_the_one_that_is_registered_but_for_its_imports(self):
        """It imports public names alone, where those of this tree are imported from their modules."""
        inside = (ROOT / "impls/others/autograd_tape.py").read_text(encoding="utf-8")
        assert MINE.replace(PUBLIC, INSIDE) == inside and "impls" not in MINE

    def test_the_package_is_the_one_that_is_installed_by_the_tests(self):
        [block] = [block for block in blocks(OWN_PACKAGE, "toml") if "samegrad.implementations" in block]
        assert block.removeprefix("# pyproject.toml\n") == PROJECT

    def test_the_clauses_are_those_of_the_contract(self):
        text = OWN_PACKAGE.read_text(encoding="utf-8")
        assert all(re.search(rf"^{clause} .*  {re.escape(says)}$", text, re.M) for clause, says in CLAUSES.items())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_example_names_our_own_modules(page):
    for block in blocks(page, "python") + blocks(page, "toml"):
        assert "impls" not in block


def test_every_page_is_in_the_menu():
    menu = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert all(f": docs/{page.name}" in menu for page in OURS)


def test_each_of_our_words_is_defined_once():
    defined = re.findall(r"\*\*(.*?)\*\*", (ROOT / "docs/glossary.md").read_text(encoding="utf-8"))
    assert len(defined) == len(set(defined))
    assert {"floor", "gate", "τ", "shadow", "launch", "round", "block", "witness", "yardstick", "sentinel"} <= set(
        defined
    )


def test_the_extras_that_are_installed_exist():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    groups = [group for page in (*PAGES, WORKFLOW) for group in re.findall(r"\.\[([\w,]+)\]'", page.read_text())]
    named = {name for group in groups for name in group.split(",")}
    assert named and named <= set(extras)
