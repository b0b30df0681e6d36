"""The front door: exit status 1 is a verdict and nothing else, and every terminal gets what it can show."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from pytest_benchmark.utils import get_machine_id

from samegrad.benchmarks.clock.ladder import cases
from samegrad.benchmarks.documents.ladder import Ladder
from samegrad.command_line import main
from samegrad.impls.console.terminal import PLAIN
from samegrad.impls.documents.agreement import AgreementDocument
from samegrad.impls.documents.base import read

pytestmark = pytest.mark.slow

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
        assert "unavailable" not in path.read_text(encoding="utf-8") and read(path, [AgreementDocument]).agree.rows


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
    assert done.returncode == 0 and json.loads(done.stdout.decode())["format"] == AgreementDocument.FORMAT


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


def test_a_budget_that_cannot_be_kept_is_reported_before_with_the_least(tmp_path):
    """Three processes of NumPy, and ten rounds of each, 4 ms with the untimed calls."""
    done = bench(*SMALL, "--budget=0.05", f"--benchmark-json={tmp_path}/run.json")
    output, _, after = " ".join(done.stdout.decode().split()).partition("launch 1/1")
    assert "A budget of 0.05 s cannot be kept: about 1.7 s is the least" in output and after
    assert "starting and compiling takes 1.6 s and the least number of rounds (10) 0.12 s" in output


def test_a_complete_run_is_resumed_without_measuring(tmp_path):
    """Its path has a space in it, and lies outside the project."""
    (folder := tmp_path / "a b").mkdir()
    bench(*SMALL, f"--benchmark-json={folder}/run.json")
    done = bench(*SMALL, f"--resume={folder}/run.json", f"--benchmark-json={folder}/again.json")
    assert done.returncode == 0 and b"Nothing is missing; nothing is measured." in done.stdout, done.stdout
    runs = [json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in ("run", "again")]
    before, after = (run["benchmarks"][0]["stats"]["data"] for run in runs)
    assert after == pytest.approx(before, rel=1e-14)  # through nanoseconds and back, each rounded


@pytest.mark.parametrize("option", ["--resume", "--parameters", "--benchmark-json"])
def test_a_file_that_pytest_takes_for_a_test_is_refused_with_what_to_write(option, tmp_path):
    """A space instead of the sign, and a file outside the project: pytest looks for its settings there."""
    (path := tmp_path / "a run.json").write_text("{}", encoding="utf-8")
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    [module] = settings["project"]["entry-points"]["pytest11"].values()
    is_installed = any(actual.value == module for actual in importlib.metadata.entry_points(group="pytest11"))
    done = bench(*([] if is_installed else ["-p", module]), option, path)
    [line, *rest] = done.stderr.decode().splitlines()
    assert done.returncode == pytest.ExitCode.USAGE_ERROR and not "".join(rest)
    assert line.startswith(f"ERROR: write {option}={path}, with the sign: ")


def test_a_run_ends_with_the_answer_and_where_it_is(tmp_path):
    """Without pytest-benchmark's own table, which -v and its options give; and after what regressed by those."""
    done = bench(*SMALL, f"--benchmark-json={tmp_path}/run.json")
    assert b"test_pass[" not in done.stdout and len(done.stdout.splitlines()) < 40
    assert f"to see it: samegrad report {tmp_path}/run.json" in done.stdout.decode().splitlines()[-2]

    document = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    document["benchmarks"][0]["stats"]["min"] /= 10  # as if it had been ten times as fast
    (storage := tmp_path / get_machine_id()).mkdir()
    (storage / "0001_before.json").write_text(json.dumps(document), encoding="utf-8")
    compare = ("--benchmark-compare", "--benchmark-compare-fail=min:5%", f"--benchmark-storage=file://{tmp_path}")
    done = bench(*SMALL, *compare, f"--benchmark-json={tmp_path}/again.json")
    assert b"test_pass[" in done.stdout and done.returncode == pytest.ExitCode.TESTS_FAILED
    assert b"Performance has regressed" in done.stderr and b"Traceback" not in done.stdout + done.stderr
    assert f"to see it: samegrad report {tmp_path}/again.json" in done.stdout.decode()


@pytest.mark.parametrize(
    ("options", "variables", "message"),
    [
        (["-p", "no:benchmark"], {}, "add -p pytest_benchmark.plugin"),
        ([], {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}, "add -p pytest_benchmark.plugin"),
        (["--benchmark-histogram"], {}, "--benchmark-histogram needs pygal"),
    ],
    ids=["switched off", "nothing by itself", "histogram"],
)
def test_a_plugin_that_is_missing_is_reported_in_one_line(options, variables, message):
    """On any run of pytest in this folder, before anything is measured."""
    if "histogram" in message and importlib.util.find_spec("pygal"):
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
    assert done.returncode == pytest.ExitCode.USAGE_ERROR and line.startswith("ERROR: ") and message in line


def need(module):
    if not importlib.util.find_spec(module):
        pytest.skip(f"needs {module}")


def test_a_limit_for_tests_does_not_end_the_run_that_the_first_one_waits_for(tmp_path):
    need("pytest_timeout")
    done = bench(*SMALL, "--timeout=0.1", f"--benchmark-json={tmp_path}/run.json")
    assert done.returncode == 0 and (tmp_path / "run.json").exists(), done.stdout


@pytest.mark.parametrize("name", ["forked", "codspeed"])
def test_a_plugin_that_cannot_go_along_is_refused_in_one_line(name):
    need(f"pytest_{name}")
    done = bench(*SMALL, f"--{name}")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert done.stderr.decode().startswith(f"ERROR: --{name} and --benchmark-only do not go together: ")


@pytest.mark.parametrize("missing", ["terminal", "capture"])
def test_a_run_without_a_part_of_pytest_is_saved(missing, tmp_path):
    done = bench(*SMALL, f"--benchmark-json={tmp_path}/run.json", "-p", f"no:{missing}")
    assert done.returncode == 0 and json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))["samegrad"]


def test_what_replaces_a_character_is_plain():
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
        assert done.returncode == 2 and done.stderr.decode().splitlines() == ["samegrad: No space left on device"]

    @has_ctrl_c
    @pytest.mark.parametrize(
        ("start", "meanwhile"),
        [
            ("import samegrad.__main__ as door; door.main(['list'])", "click"),
            ("import pytest; pytest.main(['--collect-only', 'tests/test_public.py'])", "scipy"),
        ],
        ids=["samegrad", "pytest"],
    )
    def test_ctrl_c_while_everything_is_imported_shows_no_traceback(self, start, meanwhile):
        """The signal comes with the first module that is large."""
        code = (
            "import os, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "class Finder:\n"
            "    def find_spec(name, *_):\n"
            f"        if name == {meanwhile!r}: os.kill(os.getpid(), signal.SIGINT)\n"
            f"sys.meta_path.insert(0, Finder); {start}"
        )
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)
        assert done.returncode == -signal.SIGINT and not done.stderr, done.stderr

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
        _, output = process.communicate(timeout=60)
        assert process.returncode == 128 + number and b"Traceback" not in output
        assert f"interrupted by {number.name}".encode() in output
        until = time.monotonic() + 60
        while list(scratch.iterdir()) and time.monotonic() < until:  # a process of its own removes the last
            time.sleep(0.05)
        assert not list(scratch.iterdir()) and not (tmp_path / "t.json").exists()

    @pytest.mark.parametrize("command", ["time pass --budget 1 --launches 1", "parameters xor p.npz"])
    def test_a_folder_that_is_gone_is_named(self, command, tmp_path):
        start = f"rmdir $PWD && {shlex.quote(sys.executable)} -P -m samegrad {command}"
        done = subprocess.run(["sh", "-c", start], cwd=tmp_path, capture_output=True, text=True, check=False)
        [line] = [line for line in done.stderr.splitlines() if not line.startswith("[0 s]")]
        assert done.returncode == 2 and line.startswith("samegrad: the folder that this was started in is gone")

    def test_agree_on_nothing_is_no_verdict(self, tmp_path):
        """At this scale even the reference overflows."""
        done = samegrad("agree", "--implementations", "numpy", "--scales", "1e308", "--no-drift", cwd=tmp_path)
        assert done.returncode == 2 and b"nothing was measured" in done.stdout.splitlines()[-2]

    def test_a_run_that_could_measure_nothing_says_why(self):
        done = bench("--dtypes=tf32")
        assert done.returncode == 2 and b"Nothing was measured." in done.stdout and b"Skipped: numpy: " in done.stdout

    @pytest.mark.parametrize("asked", [f"--batches={10**9}", f"--batches={10**20}", f"--launches={10**9}", "--cpu=999"])
    def test_a_run_that_cannot_be_is_refused_in_one_line(self, asked):
        done = bench(asked)
        [line, *rest] = done.stderr.decode().splitlines()
        assert done.returncode == pytest.ExitCode.USAGE_ERROR and line.startswith("ERROR: ") and not "".join(rest)

    @pytest.mark.parametrize(
        "arguments",
        [
            ["agree", "--seeds", 10**9],
            ["ladder", "--launches", 10**9],
            ["train", "xor", "--epochs", 10**12],
            ["train", "stock", "--csv", "fifo"],
            ["report", "fifo"],
            ["verify", RIGHT, "--sizes", "²-4-1"],
            ["agree", "--json", "loop"],
            ["verify", "x" * 5000],
        ],
        ids=lambda arguments: " ".join(map(str, arguments))[:40],
    )
    def test_a_command_that_cannot_be_is_refused_in_one_line(self, arguments, tmp_path):
        """A few of what `test_hostile.py` tries, in a process of their own."""
        os.mkfifo(tmp_path / "fifo")
        (tmp_path / "loop").symlink_to("loop")
        done = samegrad(*arguments, cwd=tmp_path)
        assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, done.stderr


class TestOtherPeoplesMachines:
    @pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&- 2>&-"])
    @pytest.mark.parametrize(("target", "status"), [(RIGHT, 0), (WRONG, 1)], ids=["right", "wrong"])
    def test_a_stream_that_the_caller_has_closed_changes_no_verdict(self, target, status, closed):
        """As cron and some supervisors do."""
        command = f"exec {shlex.quote(sys.executable)} -m samegrad verify {shlex.quote(str(target))} {closed}"
        done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, check=False)
        assert done.returncode == status and b"Traceback" not in done.stderr

    def test_files_named_like_modules_and_a_path_with_a_space_change_nothing(self, tmp_path):
        """`random.py` and `types.py` beside the target, which the standard library would import."""
        (folder := tmp_path / "a b é").mkdir()
        (folder / "my net.py").write_bytes(Path(str(RIGHT).partition(":")[0]).read_bytes())
        for name in ("random", "types", "numpy", "re"):
            (folder / f"{name}.py").write_text("raise SystemExit(3)", encoding="utf-8")
        program = [sys.executable, "-P", "-c", "from samegrad.command_line import main; main()"]
        for arguments in (
            ["verify", "my net.py:loss_and_gradients"],
            ["agree", "--implementations=numpy", "--no-drift"],
        ):
            done = subprocess.run([*program, *arguments], cwd=folder, capture_output=True, check=False)
            assert done.returncode == 0 and b"Traceback" not in done.stderr, done.stderr

    @pytest.mark.parametrize("variables", [{"PYTHONOPTIMIZE": "2"}, {"PYTHONWARNINGS": "error"}, {"COLUMNS": "1"}])
    @pytest.mark.parametrize(("target", "status"), [(RIGHT, 0), (WRONG, 1)], ids=["right", "wrong"])
    def test_python_s_own_variables_change_no_verdict(self, target, status, variables):
        assert samegrad("verify", target, variables=variables).returncode == status

    @pytest.mark.skipif(not shutil.which("unshare"), reason="needs unshare")
    def test_a_user_without_a_name_and_a_home_is_served(self, tmp_path):
        """As containers run programs: c-floor is left out, for want of a place for what it compiles, and says so."""
        nameless = ["unshare", "--user", "--map-user=54321", "--map-group=54321"]
        if subprocess.run([*nameless, "true"], capture_output=True, check=False).returncode:
            pytest.skip("this system lets nobody make a user namespace")
        left = {name: value for name, value in os.environ.items() if name not in ("HOME", "USER", "LOGNAME")}
        command = [sys.executable, "-m", "samegrad", "agree", "--implementations=numpy,c-floor", "--no-drift"]
        done = subprocess.run(
            [*nameless, *command, "--seeds=1", "--json", tmp_path / "a.json"],
            cwd=ROOT,
            env={name: value for name, value in left.items() if name != "XDG_CACHE_HOME"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0 and "all 1 agree" in done.stdout, done.stderr
        assert "cases of c-floor: there is no home folder; set XDG_CACHE_HOME" in " ".join(done.stdout.split())

    def test_without_a_c_plus_plus_compiler_torch_compile_is_not_listed_as_here(self, tmp_path):
        for name in ("cc", "gcc"):
            if actual := shutil.which(name):
                (tmp_path / name).symlink_to(actual)
        done = samegrad("list", variables={"PATH": str(tmp_path), "CXX": ""})
        output = done.stdout.decode()
        [line] = [line for line in output.splitlines() if line.startswith("torch-compile ")]
        assert "missing" in line
        if importlib.util.find_spec("torch"):
            assert "missing: needs a C++ compiler" in output


class TestWhereResultsGo:
    def test_a_run_goes_through_a_named_pipe(self, tmp_path):
        os.mkfifo(fifo := tmp_path / "fifo")
        reader = subprocess.Popen(["cat", fifo], stdout=subprocess.PIPE)
        done = bench(*SMALL, f"--benchmark-json={fifo}")
        assert done.returncode == 0 and fifo.is_fifo(), done.stdout
        assert json.loads(reader.communicate(timeout=60)[0])["samegrad"]["groups"]

    @pytest.mark.parametrize("place", ["no/such/a.json", "."])
    def test_a_place_that_cannot_be_written_is_reported_before_anything_is_measured(self, place, tmp_path):
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
        shown, output = process.communicate(timeout=60)
        assert process.returncode == 128 + signal.SIGINT and b"Traceback" not in output
        assert b"measured against promised" in shown
        readings = read(tmp_path / "l.json", [Ladder])
        assert readings.left_out["the rest"] == "interrupted by SIGINT" and len(readings.medians_ns) == len(cases())


@pytest.mark.parametrize(
    "arguments", [["report", "--out", ""], ["gallery", "check", ""], ["hosts", "--out", ""], ["compare", "", "b.json"]]
)
def test_an_empty_path_is_not_the_current_folder(arguments):
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2 and "it is empty; give . for the current folder" in done.stderr
    assert done.stderr.count("\n") == 1


class TestInterruptions:
    def test_one_that_a_library_makes_another_exception_of_is_an_interruption(self, monkeypatch, tmp_path):
        """As Matplotlib does while it reads a box. What runs in the background ignores the signal."""

        def draw(*_):
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                raise ValueError("Invalid bounding box") from None

        monkeypatch.setattr("samegrad.reports.report.draw", draw)
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            done = CliRunner().invoke(main, ["report", str(ROOT / "reports/sample/run.json"), "--out", str(tmp_path)])
        finally:
            signal.signal(signal.SIGINT, before)
        assert done.exit_code == 128 + signal.SIGINT
        assert done.stderr == "\nsamegrad: interrupted by SIGINT\n"

    def test_another_one_while_the_process_ends_does_not_change_its_exit_status(self):
        """What is registered is called at Python's end; the signals' handlers are put back just after."""
        program = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from samegrad import __main__ as door
class AtTheVeryEnd:
    def __del__(self, kill=os.kill, me=os.getpid(), number=signal.SIGINT):
        kill(me, number)
sys.modules["at the very end"] = AtTheVeryEnd()
sys.argv = ["samegrad", "--version"]
door.main()
"""
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False)
        assert (done.returncode, done.stderr) == (0, "")
