"""Whatever goes wrong in a run, really: the others' results are kept and written, the run file says what happened to
which case, the exit status says that something did, and nothing is left behind.

The faults of implementations are all injected into one run of two launches. Each fault of the run or the machine has a
run of its own. Interrupts are here and in `test_plugin.py`, a killed parent in `test_crew.py`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import numpy as np
import psutil
import pytest

from samegrad.benchmarks import interrupts
from samegrad.benchmarks.clock.case import Case
from samegrad.benchmarks.clock.record import Request
from samegrad.benchmarks.resume import Earlier
from samegrad.impls.errors import BadInput
from samegrad.impls.parameters import load
from tests.benchmarks import runfiles

pytest.importorskip("resource", reason="this platform has neither resource limits nor signals to stop a process")
from tests.benchmarks.faulty import MODULES

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SOUND = "numpy"
FORWARD, GRADIENT = "xor forward batch=4 float32 cpu", "xor value_and_grad batch=4 float32 cpu"
TIME_LIMIT_S = 300
"""For a run, where it hangs itself."""


class Place:
    """A folder with everything that a run may write to, and the runs in it."""

    def __init__(self, folder):
        self.folder = folder
        self.mark = uuid.uuid4().hex
        for name in ("temporary", "results", "disk", "modules"):
            (folder / name).mkdir()
        for name, source in MODULES.items():
            (folder / "modules" / f"{name}.py").write_text(source)

    def start(self, names, *arguments, launches=2, passes="value_and_grad", prefix=(), file="run.json", **environment):
        """A run of these implementations with xor at batch 4, as the leader of a session of its own."""
        file = () if file is None else [f"--benchmark-json={self.folder}/results/{file}"]
        asked = ["--problems=xor", "--batches=4", "--budget=0.5", f"--launches={launches}", f"--passes={passes}"]
        asked += ["--benchmark-only", "-pno:cacheprovider", "-ppytest_benchmark.plugin"]
        asked += [f"--implementations={','.join(names)}"]
        return subprocess.Popen(
            [*prefix, sys.executable, "-m", "tests.benchmarks.faulty", *asked, *file, *arguments],
            cwd=ROOT,
            env={key: value for key, value in os.environ.items() if key not in ("PYTEST_ADDOPTS", "PY_COLORS")}
            | {"TMPDIR": f"{self.folder}/temporary", "FAULTS": str(self.folder), "THIS_TEST": self.mark}
            | {"PYTHONPATH": f"{self.folder}/modules", "COLUMNS": "200"}
            | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # some take a second to be imported
            | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    def run(self, *arguments, **options):
        """The exit status and the output."""
        process = self.start(*arguments, **options)
        try:
            output, _ = process.communicate(timeout=TIME_LIMIT_S)
        finally:
            process.kill()
            process.wait()
        assert "INTERNALERROR" not in output, output
        return process.returncode, output

    def document(self, file="results/run.json"):
        """A run file that is as it should be."""
        document = runfiles.load(self.folder / file)
        runfiles.check(document)
        return document

    def left(self):
        """Processes of ours that run, and temporary files."""
        until = time.monotonic() + 60
        while (processes := self._processes()) and time.monotonic() < until:
            time.sleep(0.05)
        partial = [path.name for path in self.folder.rglob("*") if "partial" in path.name]
        return processes + [path.name for path in (self.folder / "temporary").iterdir()] + partial

    def _processes(self):
        actual = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("THIS_TEST") == self.mark and process.status() != psutil.STATUS_ZOMBIE:
                    actual.append(" ".join(process.cmdline()))
        return actual


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def failures(document):
    """{(implementation, group): failure}."""
    return {(entry["implementation"], entry["group"]): entry for entry in document["samegrad"]["failures"]}


def launches(document, name, group=GRADIENT):
    """How many complete launches a benchmark has; 0 where there is none."""
    actual = [b for b in document["benchmarks"] if (b["extra_info"]["implementation"], b["group"]) == (name, group)]
    return sum(len(benchmark["extra_info"]["launches"]) for benchmark in actual)


def is_sound(document, group=GRADIENT, number=2):
    """Whether the sound implementation has all its launches."""
    return launches(document, SOUND, group) == number


EXPECTED = {
    # fault: kind of failure, its reason, launches kept of the pass with the fault, and of the other
    "Killed": ("died", r"died during 'time' \(signal 9, SIGKILL; .* memory runs out\)", 1, 2),
    "SegmentationFault": ("died", r"died during 'prepare' \(signal 11, SIGSEGV\)", 0, 2),
    "Hangs": ("hung", r"Hangs gave no answer to 'prepare' within 12 s", 0, 2),
    "OutOfMemory": ("out of memory", r"MemoryError: Unable to allocate 8.00 TiB", 0, 2),
    "FailsToPrepare": ("exception", r"RuntimeError: the seventh kernel does not build", 0, 0),
    "FailsInARound": ("exception", r"ArithmeticError: the seventh digit is lost", 1, 2),
    "NotANumber": ("disagreement", r"NotANumber disagrees at .*: W1\[0, 0\] is nan, but should be -?\d", 0, 2),
    "LosesItsMind": (
        "disagreement",
        r"LosesItsMind breaks the contract at .* after its rounds: .* is no longer what it was",
        1,
        2,
    ),
    "import_fails": ("exception", r"OSError: libframework.so.9: cannot open shared object file", 0, 0),
    "import_dies": ("died", r"died during 'start' \(signal 11, SIGSEGV\)", 0, 0),
}


@pytest.fixture(scope="module")
def faulty_run(tmp_path_factory):
    """One run with all of them beside a sound one, and one that is only stopped for a while."""
    place = Place(tmp_path_factory.mktemp("faulty_run"))
    names = [SOUND, *EXPECTED, "Stopped"]
    return place, *place.run(names, "--time-limit=12", f"--baseline={SOUND}", passes="forward,value_and_grad")


@pytest.fixture(scope="module")
def document(faulty_run):
    return faulty_run[0].document()


class TestFaultsOfAnImplementation:
    @pytest.mark.parametrize("fault", EXPECTED)
    def test_its_case_ends_with_a_record_and_what_was_complete_is_kept(self, faulty_run, document, fault):
        _, code, output = faulty_run
        kind, reason, kept, elsewhere = EXPECTED[fault]
        failure = failures(document)[fault, GRADIENT]
        assert failure["kind"] == kind
        assert re.search(reason, failure["reason"]), failure["reason"]
        assert ((fault, FORWARD) in failures(document)) == (elsewhere == 0)
        assert (launches(document, fault), launches(document, fault, FORWARD)) == (kept, elsewhere)
        rows = {
            (group["group"], row["implementation"]): row
            for group in document["samegrad"]["groups"]
            for row in group["rows"]
        }
        assert rows.get((GRADIENT, fault), {}).get("failed") == (kind if kept else None)
        assert code == pytest.ExitCode.TESTS_FAILED and re.search(f"^FAILED .*{fault}-xor-value_and_grad", output, re.M)

    def test_the_others_are_whole(self, document):
        assert is_sound(document, FORWARD) and is_sound(document)
        assert launches(document, "Stopped", FORWARD) == launches(document, "Stopped") == 2

    def test_no_round_is_kept_in_which_a_worker_was_stopped(self, faulty_run, document):
        """It is dropped for all, and reported in the file and at the terminal."""
        [group] = [group for group in document["samegrad"]["groups"] if group["group"] == GRADIENT]
        drops = [drop for drop in group["dropped"] if drop["in"] == "Stopped"]
        assert len(drops) == 1 and drops[0]["launch"] == 2
        assert re.fullmatch(r"it or the machine was suspended for [1-9][\d.]* s", drops[0]["reason"])
        first, second = group["rounds"]
        assert second == first - len([drop for drop in group["dropped"] if drop["launch"] == 2]) > 0
        assert f"in the block of Stopped {drops[0]['reason']}" in " ".join(faulty_run[2].split())

    def test_nothing_is_left(self, faulty_run):
        assert faulty_run[0].left() == []

    def test_resuming_measures_what_is_missing_and_only_that(self, faulty_run, document):
        """Now that they are mended. The group that was whole is taken as it is, with all its samples."""
        place, _, _ = faulty_run
        names = [SOUND, "Killed", "OutOfMemory"]
        code, text = place.run(
            names,
            f"--resume={place.folder}/results/run.json",
            passes="forward,value_and_grad",
            file="whole.json",
            REPAIRED="1",
        )
        assert code == 0, text
        assert "1 of 2 groups are taken from" in text and "3 benchmarks in 1 groups" in text
        whole = place.document("results/whole.json")
        assert not failures(whole) and all(
            launches(whole, name, group) == 2 for name in names for group in (FORWARD, GRADIENT)
        )
        assert samples(whole, FORWARD) == {
            name: pytest.approx(data) for name, data in samples(document, FORWARD).items() if name in names
        }
        assert samples(whole, GRADIENT)[SOUND] != pytest.approx(samples(document, GRADIENT)[SOUND])
        output = whole["samegrad"]["resumed"]
        assert output["groups"] == {FORWARD: 2} and output["file"].endswith("results/run.json")
        assert set(whole["samegrad"]["noise"]["sentinel"]) == {FORWARD, GRADIENT}
        assert place.left() == []


def samples(document, group):
    return {
        b["extra_info"]["implementation"]: b["stats"]["data"] for b in document["benchmarks"] if b["group"] == group
    }


class TestWhatBefallsTheRun:
    def test_a_signal_to_end_leaves_what_is_complete_and_the_rest_can_follow(self, place):
        """SIGTERM in the second launch of three, to the parent alone; Ctrl-C has its test in test_plugin.py."""
        process = place.start([SOUND], launches=3, passes="forward")
        try:
            for line in process.stdout:
                if "launch 2/3, group 0/" in line:
                    break
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=TIME_LIMIT_S)
        finally:
            process.kill()
            process.wait()
        assert process.returncode == pytest.ExitCode.INTERRUPTED, output
        assert "Interrupted: what is complete is above and in the run file." in output
        document = place.document()
        assert is_sound(document, FORWARD, number=1)
        assert (document["samegrad"]["interrupted"], document["samegrad"]["interrupted_by"]) == (True, "SIGTERM")
        assert place.left() == []

        code, output = place.run([SOUND], f"--resume={place.folder}/results/run.json", launches=3, passes="forward")
        assert code == 0, output
        assert "0 of 1 groups, and some launches of 1 more, are taken from" in output
        assert "launch 1/3" not in output and "launch 2/3" in output and "launch 3/3" in output
        whole = place.document()
        assert is_sound(whole, FORWARD, number=3) and not whole["samegrad"]["interrupted"]
        first = samples(document, FORWARD)[SOUND]
        assert samples(whole, FORWARD)[SOUND][: len(first)] == pytest.approx(first)
        assert place.left() == []

    @pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
    def test_a_signal_to_end_interrupts_and_one_that_is_ignored_does_not(self, name):
        number = getattr(signal, name)
        before = signal.signal(number, signal.SIG_DFL)
        try:
            with pytest.raises(KeyboardInterrupt, match=name), interrupts.raised() as arrived:
                os.kill(os.getpid(), number)
                time.sleep(10)
            assert arrived == [name]
            assert signal.getsignal(number) is signal.SIG_DFL
            signal.signal(number, signal.SIG_IGN)  # as nohup has it
            with interrupts.raised():
                os.kill(os.getpid(), number)
        finally:
            signal.signal(number, before)

    def test_signals_wait_while_a_run_is_saved(self):
        before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
        with interrupts.deferred() as arrived:
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGINT)
        assert arrived == ["SIGTERM", "SIGINT"]
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before

    def test_a_parent_that_is_killed_leaves_no_process_and_no_temporary_file(self, place):
        """Nothing can be saved then."""
        process = place.start([SOUND, "Hangs"], launches=1)
        for line in process.stdout:
            if "starting the workers" in line:
                break
        while len(psutil.Process(process.pid).children()) < 2:  # the crew: one of them will hang
            time.sleep(0.1)
        process.kill()
        process.communicate(timeout=TIME_LIMIT_S)
        assert place.left() == []
        assert not (place.folder / "results" / "run.json").exists()

    def test_two_runs_at_once_in_one_folder_keep_a_file_each(self, place):
        """Started in the same second: the wall clock of both stands still."""
        clock = shim(place, STILL)
        here = [f"--rootdir={place.folder}", f"-c{ROOT}/pyproject.toml", str(ROOT / "benchmarks")]
        runs = [
            place.start([SOUND], *here, launches=1, passes="forward", file=None, LD_PRELOAD=str(clock))
            for _ in range(2)
        ]
        output = [run.communicate(timeout=TIME_LIMIT_S)[0] for run in runs]
        assert [run.returncode for run in runs] == [0, 0], output
        actual = sorted((place.folder / "reports" / "runs").iterdir())
        assert [path.name for path in actual] == ["2033-05-18T03-33-20-2.json", "2033-05-18T03-33-20.json"]
        assert all(is_sound(place.document(path), FORWARD, number=1) for path in actual)
        assert samples(place.document(actual[0]), FORWARD) != samples(place.document(actual[1]), FORWARD)
        assert place.left() == []


class TestWhereARunIsSaved:
    def test_a_full_disk_is_reported_before_anything_is_measured(self, place):
        """By a limit on the size of files, which needs no rights."""
        code, output = place.run([SOUND], prefix=["sh", "-c", 'ulimit -f 512; exec "$@"', "sh"])
        assert code == pytest.ExitCode.USAGE_ERROR
        [line] = [line for line in output.splitlines() if "cannot save" in line]
        assert line.startswith(
            f"ERROR: cannot save a run as {place.folder}/results/run.json (File too large); make room, or give"
        )
        assert "starting the workers" not in output
        assert place.left() == [] and not list((place.folder / "results").iterdir())

    def test_a_folder_that_cannot_be_written_is_reported_before_anything_is_measured(self, place):
        """Below a file, where nobody has rights, root neither."""
        (place.folder / "reports").touch()
        here = [f"--rootdir={place.folder}", f"-c{ROOT}/pyproject.toml", str(ROOT / "benchmarks")]
        code, output = place.run([SOUND], *here, file=None)
        assert code == pytest.ExitCode.USAGE_ERROR, output
        assert f"ERROR: cannot make {place.folder}/reports/runs (Not a directory); make room, or give another" in output
        assert "starting the workers" not in output and place.left() == []

    def test_a_disk_that_fills_up_meanwhile(self, place):
        """A real one, of three megabytes: the run is saved in the temporary folder, whose path is printed."""
        disk = place.folder / "disk"
        mount = f'mount -t tmpfs -o size=3m tmpfs "{disk}" || exit 77; "$@"; code=$?; ls -A "{disk}"; exit $code'
        prefix = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"]), "sh", "-c", mount, "sh"]
        if (
            not shutil.which("unshare")
            or subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode
        ):
            pytest.skip("this machine lets nobody mount a file system of their own")
        code, output = place.run(
            [SOUND, "FillsTheDisk"], f"--benchmark-json={disk}/run.json", file=None, launches=1, prefix=prefix
        )
        assert code == pytest.ExitCode.TESTS_FAILED
        elsewhere = f"{place.folder}/temporary/samegrad-run.json"
        assert f"Could not save the run as {disk}/run.json (No space left on device): it is in {elsewhere}" in output
        assert output.splitlines()[-1] == "filler", "something else is left on the disk"
        assert is_sound(place.document(elsewhere), number=1)
        Path(elsewhere).unlink()
        assert place.left() == []

    def test_a_folder_that_vanishes_meanwhile(self, place):
        code, output = place.run([SOUND, "RemovesTheFolder"], launches=1)
        assert code == pytest.ExitCode.TESTS_FAILED
        elsewhere = f"{place.folder}/temporary/samegrad-run.json"
        asked = f"{place.folder}/results/run.json"
        assert f"Could not save the run as {asked} (No such file or directory): it is in {elsewhere}" in output
        assert is_sound(place.document(elsewhere), number=1)
        Path(elsewhere).unlink()
        assert place.left() == []

    def test_where_no_file_can_be_written_any_more_that_is_reported_too(self, place):
        """The tables are there all the same."""
        if sys.platform != "linux":
            pytest.skip("only Linux lets a process set another's limits")
        code, output = place.run([SOUND, "ForbidsFiles"], launches=1)
        assert code == pytest.ExitCode.TESTS_FAILED
        assert "(File too large), nor in the temporary folder (File too large): only the output above is left" in output
        assert re.search(r"^numpy +[\d.]+", output, re.M)
        assert place.left() == [] and not list((place.folder / "results").iterdir())

    def test_a_run_in_which_nothing_could_be_measured_is_saved_for_its_reasons(self, place):
        code, output = place.run(["import_fails", "FailsToPrepare"], launches=1)
        assert code == pytest.ExitCode.TESTS_FAILED, output
        document = place.document()
        assert document["benchmarks"] == [] and set(failures(document)) == {
            (n, GRADIENT) for n in ("import_fails", "FailsToPrepare")
        }
        assert place.left() == []


STEPS = "if (id == CLOCK_REALTIME) time->tv_sec += (calls++ % 2) ? -86400 : 86400;"
SLEEPS = 'if (id == CLOCK_BOOTTIME && access(getenv("AN_HOUR"), F_OK) == 0) time->tv_sec += 3600;'
STILL = "if (id == CLOCK_REALTIME) time->tv_sec = 2000000000;"


def shim(place, change):
    """A library that changes what the system's clocks say, to be preloaded. Skips where none can be built."""
    if sys.platform != "linux" or not shutil.which("cc"):
        pytest.skip("needs Linux and a C compiler")
    source = f"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t id, struct timespec *time) {{
    static int (*real)(clockid_t, struct timespec *);
    static int calls;
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(id, time);
    (void)calls;
    {change}
    return failed;
}}
"""
    library = place.folder / "clock.so"
    (place.folder / "clock.c").write_text(source)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, place.folder / "clock.c", "-ldl"], check=True)
    return library


@pytest.fixture(scope="module")
def astray(tmp_path_factory):
    """One run under both clocks, in whose second launch the machine falls asleep."""
    place = Place(tmp_path_factory.mktemp("astray"))
    clocks = {"LD_PRELOAD": str(shim(place, STEPS + SLEEPS)), "AN_HOUR": str(place.folder / "an hour")}
    return place, *place.run([SOUND, "Asleep"], "--time-limit=30", **clocks)


class TestWhatBefallsTheMachine:
    def test_a_clock_that_steps_changes_no_time(self, astray):
        """The wall clock goes a day forth or back whenever it is read."""
        place, code, output = astray
        assert code == 0, output
        assert re.search(r"^measured in \d{1,3} s$", output, re.M)
        document = place.document()
        assert is_sound(document)
        assert min(samples(document, GRADIENT)[SOUND]) > 0 and max(samples(document, GRADIENT)[SOUND]) < 1
        assert place.left() == []

    def test_a_round_in_which_the_machine_slept_is_dropped_and_reported(self, astray):
        """All processes stop, and the clock that counts sleep goes on by an hour."""
        document = astray[0].document()
        [group] = document["samegrad"]["groups"]
        reasons = [drop["reason"] for drop in group["dropped"] if drop["in"] == "Asleep"]
        assert any(re.search(r"suspended for 36\d\d\.\d s$", reason) for reason in reasons), reasons
        assert launches(document, "Asleep") == 2


@pytest.fixture(scope="module")
def run_file(tmp_path_factory):
    """Of one launch of the sound one."""
    place = Place(tmp_path_factory.mktemp("run"))
    code, output = place.run([SOUND], launches=1, passes="forward")
    assert code == 0, output
    return place.folder / "results" / "run.json"


class TestResuming:
    """What can be continued and what is refused, in one line, before anything is measured."""

    CASE = Case("xor", "forward", 4, "float32", "cpu")

    def resume(self, run_file, tmp_path, change, launches=1, **options):
        """Continue the run file after `change` has changed it."""
        document = json.loads(run_file.read_text())
        change(document)
        (tmp_path / "run.json").write_text(json.dumps(document))
        earlier = Earlier(str(tmp_path / "run.json"))
        request = Request({}, launches=launches, **options)
        earlier.require_same(request)
        earlier.take({self.CASE: (SOUND,)})
        return earlier

    def test_what_is_complete_is_taken(self, run_file, tmp_path):
        earlier = self.resume(run_file, tmp_path, lambda document: None)
        [group] = earlier.groups.values()
        assert np.concatenate(group.times_ns[SOUND]) / 1e9 == pytest.approx(
            samples(json.loads(run_file.read_text()), FORWARD)[SOUND]
        )

    @pytest.mark.parametrize(
        "change",
        [
            lambda document: document["samegrad"]["groups"].clear(),
            lambda document: document["benchmarks"].clear(),
            lambda document: document["samegrad"]["failures"].append(
                {"implementation": SOUND, "group": FORWARD, "reason": "it died"}
            ),
            lambda document: document["samegrad"]["groups"][0].update(baseline="another"),
        ],
        ids=["no group", "no benchmark", "a failure", "another baseline"],
    )
    def test_what_is_not_complete_is_measured_again(self, run_file, tmp_path, change):
        assert self.resume(run_file, tmp_path, change).groups == {}

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda ours: ours["environment"].update(cpu="Z80"), "cpu was 'Z80' and is "),
            (lambda ours: ours["environment"]["identity"].update(host="another"), "identity was {"),
            (lambda ours: ours["environment"].update(cores=3000), "cores was 3000 and is "),
            (lambda ours: ours["environment"].update(python="2.7"), "python was '2.7' and is "),
            (lambda ours: ours["environment"]["versions"].update(numpy="0.9"), "numpy was '0.9' and is "),
            (lambda ours: ours["environment"]["variables"].update(OMP_WAIT_POLICY="x"), "variables was "),
            (lambda ours: ours["implementations"][SOUND].update(version="0.9"), "numpy was '0.9' and is "),
            (lambda ours: ours["options"].update(launches=5), "launches was 5 and is 1"),
            (lambda ours: ours["options"].update(threads=2), "threads was 2 and is 1"),
            (lambda ours: ours["options"].update(seed=1), "seed was 1 and is 42"),
            (lambda ours: ours["options"].update(block_ns=7), "block_ns was 7 and is 3000000"),
            (lambda ours: ours["options"].update(parameters_sha256="ab"), "parameters_sha256 was 'ab' and is None"),
        ],
    )
    def test_another_machine_version_or_way_of_measuring_is_refused(self, run_file, tmp_path, change, message):
        with pytest.raises(BadInput, match=re.escape(f"run.json cannot be continued here: {message}")):
            self.resume(run_file, tmp_path, lambda document: change(document["samegrad"]))

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda document: document.pop("samegrad"), "is plain pytest-benchmark JSON"),
            (
                lambda document: document["samegrad"].update(format=99),
                "99 is newer than this version of samegrad reads (up to 1)",
            ),
            (
                lambda document: document["samegrad"].pop("options"),
                "at $.samegrad: object missing required field `options`",
            ),
            (lambda document: document["benchmarks"][0].pop("group"), "at $.benchmarks[0]: "),
            (
                lambda document: document["benchmarks"][0]["stats"]["data"].pop(),
                "at $.benchmarks[0]: its launches have",
            ),
            (
                lambda document: document["benchmarks"][0]["stats"].update(data=[float("nan")]),
                "at $.benchmarks[0].stats.data[0]: is not JSON",
            ),
            (lambda document: document["benchmarks"][0]["extra_info"].pop("agreement"), "has no agreement"),
            (lambda document: document["samegrad"]["groups"][0]["calls"].clear(), "has no calls per block"),
            (lambda document: document["samegrad"]["groups"][0]["calls"].update({SOUND: 10**15}), "has blocks of"),
            (lambda document: document["samegrad"]["groups"][0].update(rounds=[10**15]), "rounds in a launch"),
        ],
    )
    def test_a_file_that_is_none_of_ours_or_damaged_is_refused(self, run_file, tmp_path, change, message):
        with pytest.raises(BadInput, match=re.escape(message)):
            self.resume(run_file, tmp_path, change)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--resume=nowhere.json"], "ERROR: --resume: nowhere.json: cannot be read (No such file or directory)"),
            (["--resume=README.md"], "ERROR: --resume: README.md: at $: is not JSON ("),
            (["--resume={run_file}", "--seed=7"], "cannot be continued here: seed was 42 and is 7"),
        ],
        ids=["missing", "no run file", "another seed"],
    )
    def test_the_refusal_is_one_line_of_pytest_s(self, place, run_file, arguments, message):
        code, text = place.run([SOUND], *(a.format(run_file=run_file) for a in arguments), launches=1, passes="forward")
        assert code == pytest.ExitCode.USAGE_ERROR
        [line] = [line for line in text.splitlines() if message in line]
        assert line.startswith("ERROR: ") and "starting the workers" not in text

    def test_options_that_are_not_given_are_those_of_the_run(self, run_file):
        earlier = Earlier(str(run_file))
        output = {
            name: earlier.option(name) for name in ("implementations", "batches", "passes", "device", "margin", "seed")
        }
        assert output == {
            "implementations": SOUND,
            "batches": "4",
            "passes": "forward",
            "device": "cpu",
            "margin": "5%",
            "seed": "42",
        }
        assert earlier.option("baseline") is earlier.option("time_limit") is None


class Bomb:
    """What a pickle can do: it leaves a file where it was read."""

    def __init__(self, trace):
        self.trace = str(trace)

    def __reduce__(self):
        return open, (self.trace, "w")


def test_nothing_is_ever_unpickled(tmp_path):
    """No code of ours imports what unpickles, every np.load forbids it, and an armed file is refused."""
    for path in (path for wing in ("impls", "benchmarks", "reports") for path in (ROOT / wing).rglob("*.py")):
        source = path.read_text()
        assert not re.search(r"^\s*(import|from) (pickle|dill|joblib|shelve|marshal|cloudpickle)\b", source, re.M), path
        assert not re.search(r"read_pickle|torch\.load\(|allow_pickle=True", source), path
        for call in re.findall(r"np\.load\((?:[^()]|\([^()]*(?:\([^()]*\))?[^()]*\))*\)", source):
            assert "allow_pickle=False" in call, (path, call)
    armed = tmp_path / "weights.npz"
    np.savez(armed, W1=np.array([Bomb(tmp_path / "trace")], dtype=object))
    with pytest.raises(BadInput, match=r"is not a readable \.npz parameters file"):
        load(armed, (1, 1))
    assert not (tmp_path / "trace").exists()
    np.load(armed, allow_pickle=True)["W1"]
    assert (tmp_path / "trace").exists(), "the bomb itself works"
