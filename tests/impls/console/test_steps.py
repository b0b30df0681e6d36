"""Long work is never silent, whatever its standard error is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from samegrad.impls.console import steps
from samegrad.impls.console.steps import Steps
from samegrad.impls.console.terminal import fitted
from tests.terminals import shown

ROOT = Path(__file__).parents[3]
WORK = """
import time
from samegrad.impls.console.steps import Steps
with Steps(2, brief=BRIEF) as say:
    say("observing [/red].py")
    time.sleep(SECONDS)
print("the end")
"""


def work(brief, seconds):
    return [sys.executable, "-c", WORK.replace("BRIEF", str(brief)).replace("SECONDS", str(seconds))]


def test_on_a_terminal_its_seconds_move_and_no_text_of_it_is_markup():
    with shown(work(True, 3.5), ROOT) as terminal:
        assert terminal.ended() == 0, terminal.text
    output = re.findall(r"1 of 2: observing \[/red\]\.py *(\d:\d\d:\d\d)", terminal.text)
    assert len(set(output) - {"0:00:00"}) >= 2 and terminal.text.rstrip().endswith("the end")


def test_a_terminal_that_cannot_go_back_has_lines():
    """Emacs's, which calls itself dumb and shows every code as it is."""
    with shown(work(False, 0.5), ROOT, {"TERM": "dumb"}) as terminal:
        assert terminal.ended() == 0
    assert re.fullmatch(rb"\[\d+ s\] 1 of 2: observing \[/red\]\.py\r\nthe end\r\n", terminal.raw)


def test_a_log_in_colour_has_lines():
    """A CI that sets FORCE_COLOR, which rich takes for a terminal: pip's logs had a line for each frame."""
    done = subprocess.run(
        work(False, 0.5), cwd=ROOT, env=os.environ | {"FORCE_COLOR": "1"}, capture_output=True, check=False
    )
    assert re.fullmatch(rb"\[\d+ s\] 1 of 2: observing \[/red\]\.py\n", done.stderr)


def test_elsewhere_each_step_has_a_line_and_a_long_one_several(monkeypatch, capsys):
    """A minute is half a second here. What is brief has lines only where it takes long."""
    monkeypatch.setattr(steps, "SILENT_S", 0.5)
    for brief, lines in ((False, ["first", "second", "second"]), (True, ["second", "second"])):
        with Steps(2, brief=brief) as say:
            say("first")
            say("second")
            say("second")  # which it still is
            output, until = "", time.monotonic() + 30
            while output.count("\n") < len(lines) and time.monotonic() < until:
                time.sleep(0.01)
                output += capsys.readouterr().err
        assert [line.rpartition(": ")[2] for line in output.splitlines()] == lines


def test_a_text_is_broken_between_words_on_a_terminal_alone(monkeypatch):
    class Terminal:
        def __init__(self, is_one):
            self.isatty = lambda: is_one

    monkeypatch.setenv("COLUMNS", "10")
    assert fitted("some words of it\n  as it is", Terminal(True)) == "some words\nof it\n  as it is"
    assert fitted("some words of it\n  as it is", Terminal(False)) == "some words of it\n  as it is"
