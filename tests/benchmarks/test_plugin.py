"""`pytest --benchmark-only` as its users meet it: in processes of its own, at the project's root, with tiny runs."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
from pytest_benchmark.storage.file import FileStorage

from samegrad.benchmarks.saving import Saving
from tests.benchmarks import runfiles

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
TINY = ["--implementations=numpy,numpy-tutorial", "--problems=xor", "--batches=4", "--budget=0.5"]
NAMES = ("numpy", "numpy-tutorial")
PASSES = ("forward", "value_and_grad", "train_step")
ENVIRONMENT = {key: value for key, value in os.environ.items() if key not in ("PYTEST_ADDOPTS", "PY_COLORS")} | {
    "OMP_NUM_THREADS": "1",
    "COLUMNS": "160",
}
TIME_LIMIT_S = 300


class Result(NamedTuple):
    code: int
    output: str
    """Standard output and error together."""


def pytest_(*arguments, script=("-m", "pytest")):
    """Run pytest at the root, as a user would."""
    done = subprocess.run(
        [sys.executable, *script, "-p", "no:cacheprovider", *map(str, arguments)],
        cwd=ROOT,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIME_LIMIT_S,
        check=False,
    )
    assert "Traceback (most recent call last)" not in done.stdout, done.stdout
    return Result(done.returncode, done.stdout)


def runs_here():
    """What is in the folder where a run without a place of its own is saved."""
    return sorted((ROOT / "reports" / "runs").glob("*.json"))


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="session")
def first(folder):
    """Two launches of everything, into a file and into the storage."""
    storage = f"--benchmark-storage=file://{folder}/storage"
    return pytest_(
        "--benchmark-only",
        "-v",
        *TINY,
        "--launches=2",
        f"--benchmark-json={folder}/a.json",
        "--benchmark-save=first",
        storage,
    )


@pytest.fixture(scope="session")
def second(first, folder):
    """One launch, compared with the first and saved under pytest-benchmark's own name."""
    before = runs_here()
    storage = f"--benchmark-storage=file://{folder}/storage"
    result = pytest_("--benchmark-only", *TINY, "--launches=1", "--benchmark-compare", "--benchmark-autosave", storage)
    assert runs_here() == before, "a run that is saved elsewhere is not saved in reports/runs as well"
    return result


def saved(folder, pattern):
    [path] = (folder / "storage").glob(f"*/{pattern}")
    return path


class TestARun:
    def test_every_benchmark_is_in_pytest_benchmark_s_table(self, first):
        assert first.code == 0, first.output
        assert "6 passed" in first.output
        for name in NAMES:
            for pass_name in PASSES:
                assert re.search(rf"^test_pass\[{name}-xor-{pass_name}-4-float32-cpu\] +[\d.]", first.output, re.M)
        assert len(re.findall(r"^-+ benchmark 'xor \w+ batch=4 float32 cpu': 2 tests -+$", first.output, re.M)) == 3

    def test_after_it_come_ratios_verdicts_and_noise(self, first):
        _, ours = re.split(r"^=+ samegrad\b.* =+$", first.output, flags=re.M)
        assert "benchmark 'xor" not in ours, "ours come after pytest-benchmark's tables"
        assert ours.count("At batch 4, xor ") == 3
        assert "95 % interval" in ours and "verdict" in ours and "baseline" in ours
        assert "NOISY:" in ours or "Not noisy:" in ours or "Noise is not known:" in ours

    def test_progress_is_shown_before_and_during_it(self, first):
        """What the budget will buy, then launch by launch."""
        output = " ".join(first.output.partition("benchmark 'xor")[0].split())
        assert re.search(r"6 benchmarks in 3 groups, 2 launches, 1 thread.* 0\.5 s .* rounds", output)
        for launch in (1, 2):
            assert f"launch {launch}/2, group 0/3: starting the workers" in output

    def test_its_file_has_the_format_and_its_figures_follow_from_its_samples(self, first, folder):
        document = runfiles.load(folder / "a.json")
        runfiles.check(document)
        assert len(document["benchmarks"]) == 6
        assert {len(b["extra_info"]["launches"]) for b in document["benchmarks"]} == {2}
        assert not document["samegrad"]["interrupted"]
        assert document["samegrad"]["command"].endswith(
            f"a.json --benchmark-save=first --benchmark-storage=file://{folder}/storage"
        )
        assert document["samegrad"]["options"]["launches"] == 2
        assert document["samegrad"]["environment"]["variables"]["OMP_NUM_THREADS"] == "1"

    def test_first_calls_and_warm_up_are_beside_the_samples_and_not_in_them(self, first, folder):
        """numpy's first call at each case is recorded; it takes far longer than any sample, which is a block's mean."""
        for benchmark in runfiles.load(folder / "a.json")["benchmarks"]:
            assert benchmark["extra_info"]["first_call_ns"] > 1e9 * benchmark["stats"]["min"]
            assert benchmark["stats"]["iterations"] > 1

    def test_every_sample_is_saved_in_the_storage_as_well(self, first, folder):
        document = runfiles.load(saved(folder, "0001_first.json"))
        runfiles.check(document)
        assert document["samegrad"]["groups"] == runfiles.load(folder / "a.json")["samegrad"]["groups"]

    def test_no_half_written_file_is_left(self, first, folder):
        assert not [path for path in folder.rglob("*") if "partial" in path.name]

    def test_all_workers_are_on_one_cpu_with_one_thread(self, first, folder):
        for benchmark in runfiles.load(folder / "a.json")["benchmarks"]:
            extra = benchmark["extra_info"]
            assert extra["affinity"] is None or len(extra["affinity"]) == 1
            pools = {pool: n for pool, n in extra["threads_found"].items() if pool != "threads of the process"}
            assert set(pools.values()) == {extra["threads_asked"]} == {1}


class TestComparing:
    def test_a_run_is_compared_with_the_last_saved_one(self, second):
        assert second.code == 0, second.output
        assert "Comparing against benchmarks from: " in second.output and "0001_first.json" in second.output
        assert re.search(r"^test_pass\[numpy-xor-forward-4-float32-cpu\] \(0001_first\)", second.output, re.M)
        assert re.search(r"^test_pass\[numpy-xor-forward-4-float32-cpu\] \(NOW\)", second.output, re.M)
        assert "machine_info is different" not in second.output

    def test_it_is_saved_under_a_name_of_its_own(self, second, folder):
        runfiles.check(runfiles.load(saved(folder, "0002_*.json")))

    def test_one_launch_is_a_preview_without_verdict(self, second, folder):
        assert "One launch is a preview: it carries no verdict." in " ".join(second.output.split())
        assert second.output.count("a preview; one launch carries no verdict.") == 1
        for group in runfiles.load(saved(folder, "0002_*.json"))["samegrad"]["groups"]:
            for row in group["rows"]:
                is_baseline = row["implementation"] == group["baseline"]
                assert row["verdict"] == ("baseline" if is_baseline else None)
                assert row["low"] is row["high"] is None

    def test_pytest_benchmark_compare_reads_both(self, second, folder):
        """The command of pytest-benchmark itself."""
        command = Path(sys.executable).with_name("pytest-benchmark")
        if not command.exists():
            pytest.skip("pytest-benchmark's command is not installed beside this Python")
        done = subprocess.run(
            [command, "compare", folder / "a.json", saved(folder, "0002_*.json")],
            cwd=folder,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        rows = re.findall(r"^test_pass\[[-\w]+\] \(\S+\) +[\d.]", done.stdout, re.M)
        assert len(rows) == 12


@pytest.fixture(scope="session")
def crippled(folder):
    """Only NumPy is to be found, and numpy-tutorial has a factor 2 in ∂L/∂b1. Selected by -k, saved nowhere."""
    script = (
        "import dataclasses, importlib.util as u, sys, pytest; real = u.find_spec; "
        "hidden = {'torch', 'tensorflow', 'keras', 'jax', 'jaxlib'}; "
        "u.find_spec = lambda name, package=None: None if name in hidden else real(name, package); "
        "from samegrad.impls.registry import REGISTRY as known; target = 'tests.benchmarks.planted:numpy factor 2'; "
        "known['numpy-tutorial'] = dataclasses.replace(known['numpy-tutorial'], target=target); "
        "sys.exit(pytest.main(sys.argv[1:]))"
    )
    (folder / "elsewhere").mkdir()
    return pytest_(
        "benchmarks/test_passes.py",
        "--benchmark-only",
        "-v",
        f"--rootdir={folder}/elsewhere",
        f"-c{ROOT}/pyproject.toml",
        "--implementations=numpy,numpy-tutorial,keras-xla,torch-eager,jax-jit",
        "--batches=4,9",
        "--launches=1",
        "-kxor-value_and_grad-9 or line-train_step-4",
        "--benchmark-min-rounds=13",
        "--benchmark-max-time=0.01",
        "--benchmark-min-time=0.001",
        "-rs",
        script=("-c", script),
    )


VAG, STEP = "xor value_and_grad batch=9 float32 cpu", "line train_step batch=4 float32 cpu"


class TestACrippledRun:
    def test_what_is_missing_is_skipped_with_what_to_install(self, crippled):
        assert "1 failed, 3 passed, 6 skipped" in crippled.output
        for name, packages, extra in (
            ("torch-eager", "torch", "torch"),
            ("jax-jit", "jax", "jax"),
            ("keras-xla", "keras and tensorflow", "keras"),
        ):
            output = f"{name} needs {packages}: pip install -c constraints.txt -e '.[{extra}]'"
            assert output in crippled.output

    def test_a_wrong_gradient_fails_its_benchmark_with_the_number_that_is_wrong(self, crippled):
        """And without a traceback: the line says it all. The run goes on, and its exit status tells."""
        assert crippled.code == pytest.ExitCode.TESTS_FAILED
        output = rf"^numpy-tutorial disagrees at {VAG}: b1\[\d\] is \S+, but should be \S+ \(tolerance \S+, derived"
        assert re.search(output, crippled.output, re.M), crippled.output
        assert not re.search(r"^test_pass\[numpy-tutorial-xor-value_and_grad-9-float32-cpu\]", crippled.output, re.M)
        assert re.search(r"^test_pass\[numpy-tutorial-line-train_step-4-float32-cpu\]", crippled.output, re.M)

    def test_the_file_says_so_too(self, crippled, folder):
        ours = self.document(folder)["samegrad"]
        assert {entry["implementation"] for entry in ours["skipped"]} == {"keras-xla", "torch-eager", "jax-jit"}
        [failure] = ours["failures"]
        assert (failure["implementation"], failure["group"], failure["kind"]) == ("numpy-tutorial", VAG, "disagreement")
        measured = {group["group"]: {row["implementation"] for row in group["rows"]} for group in ours["groups"]}
        assert measured == {VAG: {"numpy"}, STEP: {"numpy", "numpy-tutorial"}}

    @staticmethod
    def document(folder):
        """A run that is saved nowhere else is saved under reports/runs, by its date."""
        [path] = (folder / "elsewhere" / "reports" / "runs").iterdir()
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.json", path.name)
        document = runfiles.load(path)
        runfiles.check(document)
        return document

    def test_only_what_k_selects_is_measured(self, crippled):
        assert "10 benchmarks in 2 groups" in crippled.output

    def test_the_options_of_pytest_benchmark_act(self, crippled, folder):
        """13 rounds, as 0.01 s for each test buys no more, in blocks of 1 ms."""
        document = self.document(folder)
        assert document["samegrad"]["options"]["block_ns"] == 1_000_000
        for benchmark in document["benchmarks"]:
            stats = benchmark["stats"]
            assert stats["rounds"] == 13
            assert 1 < stats["iterations"] < 1000  # blocks of 1 ms, at 1 µs to 1 ms per call on any machine


class TestModes:
    def test_disabled_benchmarks_run_once_and_are_checked(self):
        result = pytest_("benchmarks/test_passes.py", "--benchmark-disable", *TINY, "-kvalue_and_grad", "-v")
        assert result.code == 0, result.output
        assert len(re.findall(r"::test_pass\[[-\w]+\] PASSED", result.output)) == 2
        assert not re.search("^=+ samegrad", result.output, re.M) and "benchmark 'xor" not in result.output

    def test_skipped_benchmarks_are_skipped(self):
        result = pytest_("benchmarks/test_passes.py", "--benchmark-skip", *TINY)
        assert result.code == 0 and "6 skipped" in result.output
        assert "starting the workers" not in result.output

    def test_benchmark_only_collects_benchmarks_only_and_measures_nothing_to_collect(self):
        result = pytest_("--benchmark-only", "--collect-only", "-q", *TINY)
        assert result.code == 0, result.output
        collected = [line for line in result.output.splitlines() if "::" in line]
        assert len(collected) == 6
        assert all(line.startswith("benchmarks/test_passes.py::test_pass[") for line in collected)
        assert "starting the workers" not in result.output

    def test_bare_pytest_collects_the_tests_and_no_benchmark(self):
        result = pytest_(
            "--collect-only", "-q", "--ignore=tests/impls", "--ignore=tests/reports"
        )  # for the time it takes
        assert result.code == 0, result.output
        collected = [line for line in result.output.splitlines() if "::" in line]
        assert collected and all(line.startswith("tests/") for line in collected)

    def test_with_xdist_it_behaves_as_pytest_benchmark_does(self):
        """Benchmarks are then disabled: each is checked, and nothing is timed or saved."""
        pytest.importorskip("xdist", reason="pytest-xdist is not installed")
        before = runs_here()
        result = pytest_("benchmarks/test_passes.py", "-n2", "--benchmark-enable", *TINY)
        assert result.code == 0, result.output
        assert "6 passed" in result.output and "starting the workers" not in result.output
        assert runs_here() == before


class TestRefusals:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--benchmark-timer=time.time"], "--benchmark-timer has no meaning here: "),
            (["--benchmark-warmup=on"], "--benchmark-warmup has no meaning here: "),
            (["--implementations=nunpy"], "unknown implementation 'nunpy'; allowed: "),
            (["--batches=0"], "--batches takes a whole number of at least 1, found '0'"),
            (["--benchmark-json=/no/such/folder/run.json"], "/no/such/folder"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else "",
    )
    def test_a_mistake_is_reported_in_one_line_before_anything_runs(self, arguments, message):
        result = pytest_("--benchmark-only", *arguments)
        assert result.code == pytest.ExitCode.USAGE_ERROR
        [line] = [line for line in result.output.splitlines() if message in line]
        assert line.startswith("ERROR: ")
        assert "starting the workers" not in result.output and "INTERNALERROR" not in result.output


class Stock:
    """What is touched of pytest-benchmark's session when it saves."""

    def __init__(self, folder):
        self.logger = self
        self.json = folder / "run.json"
        self.save, self.autosave, self.save_data = "mine", None, False
        self.storage = FileStorage(str(folder / "storage"), logger=self, default_machine_id="here")

    def info(self, *_, **__):
        pass

    debug = warning = info


class TestWholeFiles:
    """pytest-benchmark writes in place; a run that took minutes must not be lost to half a file."""

    @pytest.fixture
    def saving(self, tmp_path):
        return Saving(Stock(tmp_path), tmp_path)

    def test_both_kinds_of_file_hold_what_was_given(self, saving, tmp_path):
        saving.stock.save_json({"benchmarks": [1.5, None]})
        saving.stock.storage.save({"benchmarks": [2.5]}, "mine")
        assert runfiles.load(saving.stock.json) == {"benchmarks": [1.5, None]}
        [saved] = (tmp_path / "storage").rglob("*_mine.json")
        assert saved.name == "0001_mine.json" and runfiles.load(saved) == {"benchmarks": [2.5]}
        assert saving.problems == [] and saving.stock.save_data

    def test_a_number_that_another_run_has_taken_meanwhile_is_passed_over(self, saving, tmp_path, monkeypatch):
        monkeypatch.setattr(FileStorage, "_next_num", "0001")
        for content in (1, 2, 3):
            saving.stock.storage.save({"benchmarks": [content]}, "mine")
        actual = {path.name: runfiles.load(path)["benchmarks"] for path in (tmp_path / "storage").rglob("*.json")}
        assert actual == {"0001_mine.json": [1], "0002_mine.json": [2], "0003_mine.json": [3]}

    def test_a_write_that_fails_leaves_the_file_of_before_and_saves_elsewhere(self, saving, tmp_path, monkeypatch):
        """Where the rename is refused, the only moment at which a file of that name changes."""
        saving.stock.json.write_text("of before")
        (tmp_path / "temporary").mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
        rename = os.replace

        def refuse(source, target):
            if Path(target) == saving.stock.json:
                raise PermissionError(1, "Operation not permitted")
            rename(source, target)

        monkeypatch.setattr(os, "replace", refuse)
        saving.stock.save_json({"benchmarks": []})
        elsewhere = tmp_path / "temporary" / "samegrad-run.json"
        assert saving.problems == [
            f"Could not save the run as {saving.stock.json} (Operation not permitted): it is in {elsewhere}"
        ]
        assert saving.stock.json.read_text() == "of before" and runfiles.load(elsewhere) == {"benchmarks": []}
        assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["run.json", elsewhere.name]


def test_an_interrupt_leaves_a_whole_file_with_what_is_complete_and_no_process(tmp_path):
    """Ctrl-C, which reaches all processes of the terminal, in the second launch of three."""
    if not hasattr(os, "killpg"):
        pytest.skip("this platform has no process groups")
    arguments = ["--benchmark-only", *TINY[:-1], "--passes=forward,train_step", "--launches=3", "--budget=30"]
    arguments += [f"--benchmark-json={tmp_path}/run.json", "-pno:cacheprovider"]
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=ROOT,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # a background job ignores it
    )
    try:
        output = []
        for line in process.stdout:
            output.append(line)
            if "launch 2/3, group 0/" in line:
                break
        time.sleep(0.3)
        workers = psutil.Process(process.pid).children(recursive=True)
        assert workers, "".join(output)
        os.killpg(process.pid, signal.SIGINT)
        rest, _ = process.communicate(timeout=TIME_LIMIT_S)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == pytest.ExitCode.INTERRUPTED, "".join(output) + rest
    assert "Traceback" not in rest
    assert "Interrupted: what is complete is above and in the run file." in rest
    document = runfiles.load(tmp_path / "run.json")
    runfiles.check(document)
    assert document["samegrad"]["interrupted"] is True
    assert len(document["benchmarks"]) == 4
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
    _, alive = psutil.wait_procs(workers, timeout=30)
    assert not alive
