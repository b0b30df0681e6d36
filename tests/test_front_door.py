"""The front door: exit status 1 is a verdict and nothing else, and every terminal gets what it can show."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from samegrad.benchmarks.clock.ladder import cases
from samegrad.benchmarks.documents.ladder import Ladder
from samegrad.impls.documents.agreement import Agreement
from samegrad.impls.documents.base import read
from samegrad.impls.terminal import PLAIN

ROOT = Path(__file__).parents[1]
RIGHT = ROOT / "docs/examples/mean_squared.py:loss_and_gradients"
WRONG = ROOT / "docs/examples/flat_target.py:gradient"
TERMINALS = {
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
}
"""What makes a process's output another than UTF-8; the first changes what its files are read in, too."""


def samegrad(*arguments, cwd=ROOT, variables=None, code=None, stdout=subprocess.PIPE):
    """The ended process of a command, its output as bytes; `code` is run before, in the same process."""
    run = [sys.executable, "-c", f"{code}\nfrom samegrad.command_line import main; main()"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "80"} | (variables or {})
    return subprocess.run(
        [*(run if code else [sys.executable, "-m", "samegrad"]), *map(str, arguments)],
        cwd=cwd,
        env=environment,
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=False,
    )


@pytest.mark.parametrize("terminal", TERMINALS)
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["verify", RIGHT], 0),
        (["verify", WRONG], 1),
        (["agree", "--implementations", "numpy,c-floor", "--seeds", "1", "--no-drift", "--json", "a.json"], 0),
        (["optimizers", "--implementations", "numpy", "--steps", "2"], 0),
        (["report", ROOT / "tests/reports/stored/format-1.json", "--out", "out"], 0),
    ],
    ids=["right", "wrong", "agree", "optimizers", "report"],
)
def test_a_terminal_without_utf_8_gets_what_it_can_show(arguments, status, terminal, tmp_path):
    """The same verdict, the same files, and no escapes such as \\u03c4 in the tables."""
    done = samegrad(*arguments, cwd=tmp_path, variables=TERMINALS[terminal])
    assert done.returncode == status, done.stderr
    assert b"Traceback" not in done.stderr and rb"\u" not in done.stdout
    for path in tmp_path.glob("a.json"):
        assert "unavailable" not in path.read_text(encoding="utf-8") and read(path, [Agreement]).agree.rows


def test_json_stays_json_on_any_terminal():
    done = samegrad(
        "agree",
        "--implementations",
        "numpy",
        "--seeds",
        "1",
        "--no-drift",
        "--json",
        variables={"PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0 and json.loads(done.stdout.decode())["format"] == Agreement.FORMAT


def bench(*options, variables=None):
    """The ended process of a small run of benchmarks."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "--benchmark-only", "--implementations=numpy", "--launches=1", *options],
        cwd=ROOT,
        env=os.environ | (variables or {}),
        capture_output=True,
        check=False,
    )


SMALL = ("--passes=forward", "--problems=xor", "--batches=4", "--budget=1")


def test_a_benchmark_s_tables_are_plain_where_the_terminal_is(tmp_path):
    done = bench(*SMALL, f"--benchmark-json={tmp_path}/run.json", variables=TERMINALS["C"])
    assert done.returncode == 0, done.stdout
    assert rb"\u" not in done.stdout and rb"\xb5" not in done.stdout
    assert b"baseline takes" in done.stdout and b"us" in done.stdout.partition(b"baseline takes")[2]


def test_a_run_ends_with_the_answer_and_where_it_is(tmp_path):
    """Without pytest-benchmark's own table, which -v and its options give."""
    done = bench(*SMALL, f"--benchmark-json={tmp_path}/run.json")
    assert b"test_pass[" not in done.stdout and len(done.stdout.splitlines()) < 40
    assert f"to see it: samegrad report {tmp_path}/run.json" in done.stdout.decode().splitlines()[-2]
    assert b"test_pass[" in bench(*SMALL, "--benchmark-sort=name", f"--benchmark-json={tmp_path}/run.json").stdout


@pytest.mark.parametrize(
    ("options", "variables", "told"),
    [
        (["-p", "no:benchmark"], {}, "add -p pytest_benchmark.plugin"),
        ([], {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}, "add -p pytest_benchmark.plugin"),
        (["--benchmark-histogram"], {}, "--benchmark-histogram needs pygal"),
    ],
    ids=["switched off", "nothing by itself", "histogram"],
)
def test_a_plugin_that_is_missing_is_told_in_one_line(options, variables, told):
    """On any run of pytest in this folder, before anything is measured."""
    if "histogram" in told and importlib.util.find_spec("pygal"):
        pytest.skip("pygal is here")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/test_public.py", *options],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    [line] = (done.stdout + done.stderr).split("\n")[:1]
    assert done.returncode == pytest.ExitCode.USAGE_ERROR and line.startswith("ERROR: ") and told in line


@pytest.mark.parametrize("missing", ["terminal", "capture"])
def test_a_run_without_a_part_of_pytest_is_saved(missing, tmp_path):
    done = bench(*SMALL, f"--benchmark-json={tmp_path}/run.json", "-p", f"no:{missing}")
    assert done.returncode == 0 and json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))["samegrad"]


def test_what_stands_for_a_character_is_plain():
    assert all(plain.isascii() and not character.isascii() for character, plain in PLAIN.items())


has_ctrl_c = pytest.mark.skipif(
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN, reason="Ctrl-C is switched off here, as in a background job"
)

FAULT = "import samegrad.command_line as c; c._found_at = lambda place: 1 / 0"
ENDLESS = "import samegrad.impls.registry as r; r.default = lambda: r.default()"


class TestExitStatus:
    @pytest.mark.parametrize(
        ("code", "arguments"), [(FAULT, ["verify", RIGHT]), (ENDLESS, ["list"])], ids=["raised", "endless"]
    )
    def test_a_fault_of_ours_is_one_line_and_no_verdict(self, code, arguments):
        done = samegrad(*arguments, code=code)
        assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
        assert done.stderr.startswith(b"samegrad: a fault of its own: ")

    def test_its_traceback_is_shown_to_developers(self):
        done = samegrad("verify", RIGHT, code=FAULT.replace("import", "sys = __import__('sys'); import"))
        assert b"Traceback" not in done.stderr
        done = subprocess.run(
            [sys.executable, "-X", "dev", "-c", f"{FAULT}\nc.main(['verify', 'x.py'])"],
            cwd=ROOT,
            capture_output=True,
            check=False,
        )
        assert b"Traceback" in done.stderr and done.returncode == 2

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's device that is always full")
    @pytest.mark.parametrize(
        "arguments", [["list"], ["verify", RIGHT], ["verify", WRONG]], ids=["list", "right", "wrong"]
    )
    def test_an_answer_that_nobody_could_read_is_no_verdict(self, arguments):
        with open("/dev/full", "wb") as full:
            done = samegrad(*arguments, stdout=full)
        assert done.returncode == 2 and done.stderr.decode().splitlines() == [
            "samegrad: [Errno 28] No space left on device"
        ]

    @has_ctrl_c
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
    def test_a_signal_is_no_verdict_and_no_traceback(self, number, tmp_path):
        """And `train` leaves no folder behind."""
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "samegrad",
                "train",
                "xor",
                "--implementations",
                "numpy",
                "--json",
                tmp_path / "t.json",
            ],
            cwd=ROOT,
            env=os.environ | {"TMPDIR": str(scratch)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        until = time.monotonic() + 60
        while not list(scratch.glob("samegrad-*/*")) and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 128 + number and b"Traceback" not in said
        assert f"interrupted by {number.name}".encode() in said
        until = time.monotonic() + 10
        while list(scratch.iterdir()) and time.monotonic() < until:  # a process of its own removes the last
            time.sleep(0.05)
        assert not list(scratch.iterdir()) and not (tmp_path / "t.json").exists()

    def test_agree_on_nothing_is_no_verdict(self, tmp_path):
        """At this scale even the reference overflows."""
        done = samegrad("agree", "--implementations", "numpy", "--scales", "1e308", "--no-drift", cwd=tmp_path)
        assert done.returncode == 2 and b"nothing was measured" in done.stdout

    @pytest.mark.parametrize("asked", ["--batches=1000000000000", "--dtypes=tf32"])
    def test_a_run_that_could_measure_nothing_says_why(self, asked):
        done = bench(asked)
        assert done.returncode == 2 and b"Nothing was measured." in done.stdout and b"Skipped: numpy: " in done.stdout


class TestWhereResultsGo:
    def test_a_run_goes_through_a_named_pipe(self, tmp_path):
        os.mkfifo(fifo := tmp_path / "fifo")
        reader = subprocess.Popen(["cat", fifo], stdout=subprocess.PIPE)
        done = bench(*SMALL, f"--benchmark-json={fifo}")
        assert done.returncode == 0 and fifo.is_fifo(), done.stdout
        assert json.loads(reader.communicate(timeout=10)[0])["samegrad"]["groups"]

    @pytest.mark.parametrize("place", ["no/such/a.json", "."])
    def test_a_place_that_cannot_be_written_is_told_before_anything_is_measured(self, place, tmp_path):
        done = samegrad("agree", "--implementations", "numpy", "--json", place, cwd=tmp_path)
        [line] = done.stderr.decode().splitlines()
        assert done.returncode == 2 and place in line and not done.stdout

    def test_tables_are_printed_where_saving_fails(self, tmp_path):
        """A folder that is gone when the work is done."""
        (folder := tmp_path / "folder").mkdir()
        code = (
            "import shutil, samegrad.impls.checking.survey as s; was = s.run\n"
            f"s.run = lambda *a, **k: (shutil.rmtree({str(folder)!r}), was(*a, **k))[1]"
        )
        options = ("--implementations", "numpy", "--seeds", "1", "--no-drift", "--json", folder / "a.json")
        done = samegrad("agree", *options, code=code)
        assert done.returncode == 2 and b"all 1 agree" in done.stdout
        assert f"{folder}/a.json".encode() in done.stderr

    @has_ctrl_c
    def test_a_ladder_that_is_interrupted_ends_with_what_is_complete(self, tmp_path):
        code = (
            "import samegrad.benchmarks.clock.ladder as l; was = l.cases\n"
            "few = ('numpy-tutorial', 'numpy-fast', 'c-floor')\n"
            "l.cases = lambda: {c: tuple(n for n in names if n in few) for c, names in was().items()}\n"
            "from samegrad.command_line import main; main()"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", code, "ladder", "--launches=2", "--budget=3", "--json", tmp_path / "l.json"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        while (line := process.stderr.readline()) and b"launch 2/2" not in line:
            pass
        process.send_signal(signal.SIGINT)
        shown, said = process.communicate(timeout=60)
        assert process.returncode == 128 + signal.SIGINT and b"Traceback" not in said
        assert b"measured against promised" in shown
        found = read(tmp_path / "l.json", [Ladder])
        assert found.left_out["the rest"] == "interrupted by SIGINT" and len(found.medians_ns) == len(cases())
