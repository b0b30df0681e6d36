"""The command line: it answers at once, and a user's mistake is reported in one line with exit status 2."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

from samegrad.command_line import SUMMARIES, main
from samegrad.impls.problem import PROBLEMS
from samegrad.impls.registry import DEFAULT, REGISTRY

ROOT = Path(__file__).parents[1]
STORED = ROOT / "tests" / "reports" / "stored" / "format-1.json"
HEAVY = ("numpy", "torch", "tensorflow", "keras", "jax", "matplotlib", "scipy", "pytest")


def samegrad(*arguments):
    """Exit status, standard output and standard error."""
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr


def refusal(*arguments):
    """The one line with which a command is refused."""
    code, _, output = samegrad(*arguments)
    assert code == 2
    [line] = output.splitlines()
    assert line.startswith("samegrad")
    return line


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["--version"]], ids=" ".join)
def test_the_quick_ones_import_nothing_heavy(arguments):
    script = f"""
import sys
from samegrad.command_line import main
try:
    main({arguments!r})
except SystemExit as left:
    assert not left.code, left.code
print("IMPORTED", sorted(set(sys.modules) & set({HEAVY!r})))
"""
    environment = os.environ | {"COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "IMPORTED []"


def test_help_names_every_command_with_what_it_is_for():
    code, output, _ = samegrad("--help")
    assert code == 0
    commands = main.list_commands(None)
    assert {"list", "parameters", "report", "verify", "selfcheck"} <= set(commands)
    for command in commands:
        [line] = [line for line in output.splitlines() if line.split()[:1] == [command]]
        assert len(line.split()) > 3


@pytest.mark.parametrize("command", main.list_commands(None))
def test_every_command_explains_itself(command):
    code, output, _ = samegrad(command, "--help")
    assert code == 0 and output.startswith("Usage: ")


@pytest.mark.parametrize("command", ["agree", "train", "optimizers", "ladder", "selfcheck", "conformance"])
def test_every_command_that_measures_takes_json_alike(command):
    code, output, _ = samegrad(command, "--help")
    assert code == 0 and "--json [PATH]" in output
    assert "Save the document as PATH; without PATH, print it and nothing else." in " ".join(output.split())


@pytest.mark.slow
def test_json_is_printed_saved_where_it_is_asked_for_or_saved_by_default(tmp_path, monkeypatch):
    """And what is saved by default is found by a bare `samegrad report`."""
    monkeypatch.chdir(tmp_path)
    follow = ("optimizers", "--implementations", "numpy", "--steps", "2", "--optimizer", "sgd")
    code, output, _ = samegrad(*follow, "--json")
    assert code == 0 and json.loads(output)["format"] == "samegrad-optimizers" and not list(tmp_path.iterdir())
    code, output, _ = samegrad(*follow, "--json", "mine.json")
    assert (
        code == 0
        and "Saved in mine.json" in output
        and json.loads(Path("mine.json").read_text(encoding="utf-8"))["rows"]
    )
    code, output, _ = samegrad(*follow)
    (path,) = Path("reports/optimizers").glob("*.json")
    assert code == 0 and f"Saved in {path}" in output
    code, output, _ = samegrad("report")
    assert code == 0 and f"Drawing {path}" in output and Path("reports/latest/report.html").exists()


def test_list_shows_every_implementation_and_marks_the_default(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    code, output, _ = samegrad("list")
    assert code == 0
    rows = {line.split()[0]: line for line in output.splitlines() if line.split() and line.split()[0] in REGISTRY}
    assert set(rows) == set(REGISTRY)
    assert {name for name, row in rows.items() if row.split()[1] == "*"} == set(DEFAULT)
    assert f"numpy {np.__version__}" in rows["numpy"]


def test_list_says_what_to_install(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("importlib.util.find_spec", lambda name, package=None: None)
    code, output, _ = samegrad("list")
    assert code == 0
    assert "missing: needs jax: pip install -c constraints.txt -e '.[jax]'" in output.splitlines()
    assert next(line for line in output.splitlines() if line.startswith("jax-jit")).rstrip().endswith("missing")


class TestParameters:
    @pytest.mark.parametrize("problem", PROBLEMS)
    def test_what_is_written_is_what_the_problem_starts_from(self, problem, tmp_path):
        """Bit for bit, of that seed and scale; the shapes are printed."""
        path = tmp_path / "w.npz"
        code, output, _ = samegrad("parameters", problem, path, "--seed", 7, "--scale", 2.5)
        assert code == 0 and "W1" in output and "seed 7" in output
        written = PROBLEMS[problem].load_parameters(path)
        for layer, expected in zip(written, PROBLEMS[problem].parameters(7, 2.5), strict=True):
            assert np.array_equal(layer.W, expected.W) and np.array_equal(layer.b, expected.b)

    def test_the_seed_is_that_of_the_benchmarks_by_default(self, tmp_path):
        samegrad("parameters", "xor", tmp_path / "w.npz")
        assert np.array_equal(
            PROBLEMS["xor"].load_parameters(tmp_path / "w.npz")[0].W, PROBLEMS["xor"].parameters()[0].W
        )

    def test_an_unknown_problem_is_refused_with_the_nearest(self, tmp_path):
        output = refusal("parameters", "xo", tmp_path / "w.npz")
        assert output == (
            "samegrad: unknown problem 'xo'; allowed: xor, line. Did you mean 'xor'? A network is named by its layers, "
            "such as 8-64-2 or 784-128-10:relu."
        )
        assert not list(tmp_path.iterdir())

    def test_a_missing_folder_is_reported_by_the_name_that_was_given(self, tmp_path):
        output = refusal("parameters", "xor", tmp_path / "no" / "w.npz")
        assert f"{tmp_path}/no/w.npz" in output and "partial" not in output
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("scale", ["nan", "inf"])
    def test_a_scale_that_is_no_number_writes_nothing(self, tmp_path, scale):
        """It would write parameters that nobody can read."""
        code, _, output = samegrad("parameters", "xor", tmp_path / "w.npz", "--scale", scale)
        assert code == 2 and f"Invalid value for '--scale': {scale} is no finite number." in output
        assert not list(tmp_path.iterdir())


BAD_RUNS = {
    "not JSON": "not JSON at all",
    "cut off": STORED.read_text()[:-2000],
    "not ours": json.dumps({"benchmarks": []}),
    "a list": "[1, 2]",
    "newer": json.dumps({"samegrad": {"format": 999}, "benchmarks": [{}]}),
    "without benchmarks": json.dumps({"samegrad": {"format": 1}, "benchmarks": []}),
}


class TestReport:
    @pytest.mark.parametrize("what", BAD_RUNS)
    def test_a_bad_run_file_is_refused_and_nothing_is_drawn(self, what, tmp_path):
        """One line that names the file; a folder of earlier figures stays as it was."""
        path, out = tmp_path / "run.json", tmp_path / "out"
        path.write_text(BAD_RUNS[what])
        out.mkdir()
        (out / "table.md").write_text("of before")
        assert str(path) in refusal("report", path, "--out", out)
        assert [file.name for file in out.iterdir()] == ["table.md"]
        assert (out / "table.md").read_text() == "of before"

    def test_a_missing_run_file_is_refused_and_no_folder_is_made(self, tmp_path):
        assert "none.json" in refusal("report", tmp_path / "none.json", "--out", tmp_path / "out")
        assert not list(tmp_path.iterdir())


class TestOthers:
    def test_an_unknown_command_is_refused(self):
        code, _, output = samegrad("reprot")
        assert code == 2 and "No such command 'reprot'" in output

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["agree", "--implementations", "nunpy"], "unknown implementation 'nunpy'"),
            (["agree", "--scales", "1,large"], "--scales takes positive numbers separated by commas"),
            (["agree", "--problems", "xo"], "unknown problem 'xo'"),
            (["compare", "none.json", "nor-this.json"], "none.json"),
            (["verify", "no_such_file.py:net"], "no_such_file.py"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else "",
    )
    def test_a_mistake_is_reported_in_one_line(self, arguments, message):
        assert message in refusal(*arguments)


def test_it_runs_as_a_module_too():
    """And the exit status of a mistake reaches the shell, without a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "samegrad", "parameters", "xo", "w.npz"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("samegrad: unknown problem 'xo'; allowed: xor, line. Did you mean 'xor'?")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_reader_that_has_seen_enough_is_no_fault():
    """`samegrad list | head`, in a pipe that nobody reads any more."""
    done = subprocess.Popen([sys.executable, "-m", "samegrad", "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    done.stdout.close()
    assert done.stderr.read() == b""
    assert done.wait() == 128 + signal.SIGPIPE


def test_help_has_every_command_whole_and_imports_none():
    context = click.Context(main)
    assert set(SUMMARIES) == set(main.list_commands(context))
    code = "import sys; from samegrad.command_line import main; main(['--help'], standalone_mode=False); "
    code += "print({'numpy', 'rich', 'msgspec'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    *lines, loaded = done.stdout.splitlines()
    assert loaded == "set()" and max(map(len, lines)) < 80
    assert all(summary in done.stdout for summary in SUMMARIES.values())
