"""Work in a process of its own: answers, refusals, crashes, time limits, noise, and one thread in every pool.

(How a worker that is asked many times fails and ends is in tests/benchmarks/test_crew.py.)
"""

from __future__ import annotations

import importlib.util
import os
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from samegrad.impls.checking import agree, drift
from samegrad.impls.child import HEADERS, Child, Failed, call, kill_all
from samegrad.impls.errors import BadInput, Unavailable
from samegrad.impls.learning import training
from samegrad.impls.problem import XOR
from samegrad.impls.registry import get_entry
from samegrad.impls.task import Task

HERE = "tests.impls.test_child"


def echo(**arguments):
    print("frameworks greet on standard output")
    os.system("echo and so do their libraries")
    return {**arguments, "threads": os.environ["OMP_NUM_THREADS"], "backend": os.environ.get("KERAS_BACKEND")}


def refuse(kind):
    raise {"BadInput": BadInput, "Unavailable": Unavailable}[kind]("the reason")


def crash():
    print("the last words", flush=True)
    os._exit(3)


def fail():
    raise ZeroDivisionError("of two\nlines")


def import_keras():
    import keras

    return os.path.expanduser("~"), keras.config.floatx()


def sleep():
    time.sleep(60)


def test_answers_come_back_whatever_is_printed():
    """JSON in, JSON out; threads and environment are set before anything is imported."""
    response = call(
        f"{HERE}:echo", {"numbers": [1, 2.5, None]}, timeout_s=60, threads=3, environment={"KERAS_BACKEND": "x"}
    )
    assert response == {"numbers": [1, 2.5, None], "threads": "3", "backend": "x"}


@pytest.mark.slow
def test_keras_leaves_no_folder_where_there_is_no_home_and_reads_no_settings(tmp_path):
    """For a user without a name and a home, `~` is what Python makes of `~`; Keras takes it for a folder's name."""
    if not importlib.util.find_spec("keras"):
        pytest.skip("needs keras")
    (settings := tmp_path / "~" / ".keras").mkdir(parents=True)
    (settings / "keras.json").write_text('{"floatx": "float64"}', encoding="utf-8")
    alone = {"HOME": "~", "KERAS_BACKEND": "numpy"}
    assert call(f"{HERE}:import_keras", {}, timeout_s=120, environment=alone, folder=tmp_path) == ["~", "float32"]
    assert [path.name for path in settings.iterdir()] == ["keras.json"]


@pytest.mark.parametrize("kind", [BadInput, Unavailable])
def test_refusals_come_back_as_they_were_raised(kind):
    """The two kinds of refusal keep their kind and their message."""
    with pytest.raises(kind, match=r"^the reason$"):
        call(f"{HERE}:refuse", {"kind": kind.__name__}, timeout_s=60)


@pytest.mark.slow
def test_any_other_end_is_one_line():
    """An exception, a crash and the time limit, each in a line that says which it was."""
    with pytest.raises(Failed, match=r"^ZeroDivisionError: of two lines$"):
        call(f"{HERE}:fail", {}, timeout_s=60)
    with pytest.raises(Failed, match=r"^died during 'crash' \(exit status 3\): the last words$"):
        call(f"{HERE}:crash", {}, timeout_s=60)
    with pytest.raises(Failed, match=r"^gave no answer to 'sleep' within 1 s$"):
        call(f"{HERE}:sleep", {}, timeout_s=1)


def test_what_prints_as_the_interpreter_starts_disturbs_nothing(tmp_path, monkeypatch):
    """On standard output and error, and by a process of its own."""
    noise = "import os, sys\nprint('[1]')\nprint('welcome', file=sys.stderr)\nos.system('echo and more')\n"
    (tmp_path / "sitecustomize.py").write_text(noise)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert call(f"{HERE}:echo", {"a": 1}, timeout_s=60)["a"] == 1
    worker = Child("samegrad.benchmarks.clock.worker:Worker", "w", 1, 60)
    try:
        assert worker.ask("forget") == {}
        assert {"[1]", "welcome", "and more"} <= set(worker.last_lines())
    finally:
        worker.close()


def test_a_long_request_and_a_long_answer_come_whole():
    text = "é" * 3_000_000
    assert call(f"{HERE}:echo", {"text": text}, timeout_s=60)["text"] == text


def test_all_children_can_be_ended_at_once():
    """As when somebody presses Ctrl-C: whoever waits for one learns that it died."""
    child = Child(None, "mine", 1, 60)
    child.send(f"{HERE}:sleep")
    timer = threading.Timer(0.5, kill_all)
    timer.start()
    with pytest.raises(Failed, match=r"mine's process died during 'sleep' .*SIGKILL"):
        child.receive(f"{HERE}:sleep")
    assert child.is_closed


def pools_of_jax(**ignored):
    """The threads of XLA's CPU client, after it had some work, by the names that the system knows."""
    entry = get_entry("jax-jit")
    implementation = entry.load()()
    implementation.prepare(Task(XOR, XOR.parameters(), 4096))
    implementation.value_and_grad()
    names = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
    return Counter(name.rpartition("/")[0] or name for name in names)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux tells the names of threads")
@pytest.mark.parametrize("caller", [agree, drift, training], ids=["agree", "drift", "train"])
def test_jax_has_one_thread_in_each_pool_wherever_it_is_asked(monkeypatch, caller):
    """Not read from a variable, but counted; where four are asked for there are four."""
    if reason := get_entry("jax-jit").missing():
        pytest.skip(reason)
    counted = []

    def counting(target, arguments, **how):
        counted.append(call(f"{HERE}:pools_of_jax", {}, **how))
        raise Unavailable("counted")

    monkeypatch.setattr(training if caller is training else agree, "call", counting)  # drift asks as agree does
    if caller is training:
        with pytest.raises(Unavailable, match="counted"):
            training.together({"jax-jit": ("", {})}, "", lambda states: None)
    else:
        caller.run(["jax-jit"], **({"steps": (1,)} if caller is drift else {}))
    four = call(f"{HERE}:pools_of_jax", {}, timeout_s=120, threads=4)
    pools = {name for name, count in four.items() if count == 4}
    assert pools and all(counted[0][name] == 1 for name in pools), (counted, four)


def headers():
    return os.environ.get("TORCHINDUCTOR_CPP_CACHE_PRECOMPILE_HEADERS")


def test_headers_are_precompiled_where_somebody_asks_for_it(monkeypatch):
    """The user, or the caller; for one child alone they would be made in a folder that goes with it."""
    [name] = HEADERS
    monkeypatch.delenv(name, raising=False)
    assert call(f"{HERE}:headers", {}, timeout_s=60) == "0"
    assert call(f"{HERE}:headers", {}, timeout_s=60, environment={name: "1"}) == "1"
    monkeypatch.setenv(name, "1")
    assert call(f"{HERE}:headers", {}, timeout_s=60) == "1"
