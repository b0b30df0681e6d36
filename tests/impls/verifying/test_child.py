"""A process of its own: nothing that code does there can forge an answer, outlive the check or disturb it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from samegrad.impls.verifying import child
from samegrad.impls.verifying.child import Ended, TargetProcess

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="process groups are of POSIX")

MODULE = "tests.impls.verifying.answering"
PATIENCE_S = 20
"""How long a process may take to end on a machine that is busy; as a rule it is a few milliseconds."""


@pytest.fixture(autouse=True)
def found_by_the_child(monkeypatch):
    """The module of these tests is not installed; `python -P` does not look into the working folder."""
    monkeypatch.setattr(child, "ROOT", Path(__file__).parents[3])


def ask(text, folder, limit=30.0):
    return TargetProcess(MODULE, {"text": textwrap.dedent(text), "folder": str(folder)}, limit)


def answers(text, folder, limit=30.0):
    with ask(text, folder, limit) as process:
        return list(process.messages())


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def comes_true(what):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.02)
    return False


def test_what_is_sent_arrives_in_order_and_unchanged(tmp_path):
    actual = answers("sent.extend([{'a': 1 / 3, 'b': [1, None, 'é\\n']}, {'c': {}}])", tmp_path)
    assert actual == [{"a": 1 / 3, "b": [1, None, "é\n"]}, {"c": {}}]


def test_a_line_that_was_not_signed_is_passed_over(tmp_path):
    """Forged answers: without a signature, with a wrong one, and with that of nothing known."""
    text = """
    for descriptor in range(3, 1024):
        try:
            os.write(descriptor, b'{"verdict": "right"}\\n' + b"0" * 64 + b' {"done": true}\\n' + b" {}\\n\\xff\\n")
        except OSError:
            pass
    sent.append({"honest": True})
    """
    assert answers(text, tmp_path) == [{"honest": True}]


def test_a_line_half_written_does_not_swallow_the_answer(tmp_path):
    """Bytes without an end of the line, written to every descriptor before the answer comes."""
    text = """
    for descriptor in range(1024):
        try:
            os.write(descriptor, b"half a line")
        except OSError:
            pass
    print("more noise", flush=True)
    print("and more", file=sys.stderr, flush=True)
    sent.append({"honest": True})
    """
    assert answers(text, tmp_path) == [{"honest": True}]


def test_a_process_that_was_forked_is_not_asked(tmp_path):
    """The fork goes on where the target was, as if it were the child, and has its key; its answer does not count."""
    text = """
    pid = os.fork()
    if pid == 0:
        sent.append({"forked": True})
    else:
        os.waitpid(pid, 0)
        sent.append({"honest": True})
    """
    assert answers(text, tmp_path) == [{"honest": True}]


def test_what_the_target_started_ends_with_it(tmp_path):
    """A process of its own, and one that it left behind: both are in its group."""
    text = """
    started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (folder / "pid").write_text(str(started.pid))
    sent.append({"started": True})
    """
    assert answers(text, tmp_path) == [{"started": True}]
    assert comes_true(lambda: not is_alive(int((tmp_path / "pid").read_text())))


@pytest.mark.slow
def test_at_the_time_limit_all_of_it_ends(tmp_path):
    text = """
    started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (folder / "new").write_text(f"{os.getpid()} {started.pid}")
    (folder / "new").rename(folder / "pids")
    while True:
        time.sleep(1)
    """
    for limit_s in (2, 8, 32, 128):  # on a busy machine it takes a while to begin
        with pytest.raises(Ended, match=rf"did not finish within {limit_s} s \(--time-limit\)"):
            answers(text, tmp_path, limit=limit_s)
        if (tmp_path / "pids").exists():
            break
    for pid in (tmp_path / "pids").read_text().split():
        assert comes_true(lambda pid=pid: not is_alive(int(pid)))


def test_it_ends_when_its_parent_is_killed(tmp_path):
    """By SIGKILL, which no handler sees: the pipe that closes with the parent is enough."""
    text = f"""
    import sys
    sys.path.insert(0, {str(child.ROOT)!r})
    from pathlib import Path
    from samegrad.impls.verifying import child
    child.ROOT = Path({str(child.ROOT)!r})
    busy = "(folder / 'new').write_text(str(os.getpid())); (folder / 'new').rename(folder / 'pid')\\nwhile True: pass"
    with child.TargetProcess({MODULE!r}, {{"text": busy, "folder": {str(tmp_path)!r}}}, 600) as process:
        list(process.messages())
    """
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(text)])
    try:
        assert comes_true((tmp_path / "pid").exists)
        pid = int((tmp_path / "pid").read_text())
        assert is_alive(pid)
        os.kill(parent.pid, signal.SIGKILL)
        assert comes_true(lambda: not is_alive(pid))
    finally:
        parent.kill()
        parent.wait()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("os._exit(3)", r"ended its process \(exit code 3\)"),
        ("os.kill(os.getpid(), 9)", r"ended its process \(signal SIGKILL\)"),
        ("os.closerange(3, 1024); time.sleep(60)", "closed the channel"),
    ],
)
def test_how_it_ended_without_an_answer_is_reported(tmp_path, text, words):
    with pytest.raises(Ended, match=words):
        answers(text, tmp_path)


def test_more_than_anyone_could_mean_is_not_read(tmp_path, monkeypatch):
    """A target that floods the pipe ends the reading, and not the memory of the parent."""
    monkeypatch.setattr(child, "LARGEST", 1 << 20)
    text = """
    for descriptor in range(3, 1024):
        try:
            for _ in range(64):
                os.write(descriptor, b"x" * 65536)
        except OSError:
            pass
    """
    with pytest.raises(Ended):
        answers(text, tmp_path)


def test_one_that_does_not_read_its_request_does_not_block(tmp_path):
    """A process that dies at once; a request of several pipe buffers is then written to nobody."""
    with TargetProcess("a_module_that_is_not_there", {"text": "x" * 1_000_000}, 30.0) as process, pytest.raises(Ended):
        list(process.messages())
