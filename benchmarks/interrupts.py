"""A run that is told to end: by Ctrl-C, by SIGTERM (a scheduler, `kill`), or by SIGHUP (its terminal is gone).

All three raise KeyboardInterrupt while something is measured, which ends the measurement and keeps what is complete;
while that is saved, all three wait.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def raised() -> Iterator[None]:
    """SIGTERM and SIGHUP raise KeyboardInterrupt with their name, as Ctrl-C does by itself.

    One that is ignored, as `nohup` has it, stays ignored.
    """
    with _handled([number for number in _ENDING if signal.getsignal(number) is signal.SIG_DFL], _interrupt):
        yield


@contextmanager
def held() -> Iterator[list[str]]:
    """Nothing interrupts the block; the names of the signals that came meanwhile are gathered in the list."""
    arrived: list[str] = []
    with _handled([signal.SIGINT, *_ENDING], lambda number, _: arrived.append(signal.Signals(number).name)):
        yield arrived


def _interrupt(number: int, _: Any) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)


@contextmanager
def _handled(numbers: list[int], handler: Any) -> Iterator[None]:
    """Only Python's main thread can set handlers; elsewhere nothing changes."""
    in_main = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, handler) for number in numbers} if in_main else {}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
