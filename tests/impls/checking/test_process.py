"""Work in a process of its own: answers, refusals, crashes, time limits, and noise on standard output."""

from __future__ import annotations

import os
import time

import pytest

from impls.checking.process import Failed, call
from impls.errors import BadInput, Unavailable

HERE = "tests.impls.checking.test_process"


def echo(**arguments):
    print("frameworks greet on standard output")
    os.system("echo and so do their libraries")
    return {**arguments, "threads": os.environ["OMP_NUM_THREADS"], "backend": os.environ.get("KERAS_BACKEND")}


def refuse(kind):
    raise {"BadInput": BadInput, "Unavailable": Unavailable}[kind]("the reason")


def crash():
    os._exit(3)


def fail():
    raise ZeroDivisionError("of two\nlines")


def sleep():
    time.sleep(60)


def test_answers_come_back_whatever_is_printed():
    """JSON in, JSON out; threads and environment are set before anything is imported."""
    found = call(
        f"{HERE}:echo", {"numbers": [1, 2.5, None]}, timeout_s=60, threads=3, environment={"KERAS_BACKEND": "x"}
    )
    assert found == {"numbers": [1, 2.5, None], "threads": "3", "backend": "x"}


@pytest.mark.parametrize("kind", [BadInput, Unavailable])
def test_refusals_come_back_as_they_were_raised(kind):
    """The two kinds of refusal keep their kind and their message."""
    with pytest.raises(kind, match=r"^the reason$"):
        call(f"{HERE}:refuse", {"kind": kind.__name__}, timeout_s=60)


def test_any_other_end_is_one_line():
    """An exception, a crash and the time limit, each in a line that says which it was."""
    with pytest.raises(Failed, match=r"^ZeroDivisionError: of two lines$"):
        call(f"{HERE}:fail", {}, timeout_s=60)
    with pytest.raises(Failed, match="exit status 3 and no answer"):
        call(f"{HERE}:crash", {}, timeout_s=60)
    with pytest.raises(Failed, match="no answer within 1 s"):
        call(f"{HERE}:sleep", {}, timeout_s=1)
