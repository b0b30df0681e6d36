"""Handle the signals that end a run: Ctrl-C, SIGTERM (a scheduler, `kill`), and SIGHUP (its terminal is gone).

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


_ends_at_once = False


def end_at_once() -> None:
    """Let Ctrl-C end the process from now on, without a traceback: while modules are imported nothing can be lost."""
    global _ends_at_once
    if _in_main_thread() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        _ends_at_once = True


def raise_again() -> None:
    """Let Ctrl-C raise KeyboardInterrupt again, as it does in Python, if it was `end_at_once` that changed that."""
    global _ends_at_once
    if _ends_at_once:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _ends_at_once = False


@contextmanager
def raised() -> Iterator[list[str]]:
    """Let Ctrl-C, SIGTERM and SIGHUP raise KeyboardInterrupt with their name; the names are gathered in the list.

    The list is for what some libraries make another exception of. One that is ignored, as `nohup` has it, stays so.
    """
    arrived: list[str] = []

    def interrupt(number: int, _: Any) -> None:
        arrived.append(signal.Signals(number).name)
        raise KeyboardInterrupt(arrived[-1])

    by_default = (signal.SIG_DFL, signal.default_int_handler)
    with _handled(
        [number for number in (signal.SIGINT, *_ENDING) if signal.getsignal(number) in by_default], interrupt
    ):
        yield arrived


def ignored_from_now_on() -> None:
    """Ignore Ctrl-C: nothing is left but the end of the process, whose exit status would be another."""
    if _in_main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Python's end puts back what any other handler replaced


@contextmanager
def deferred() -> Iterator[list[str]]:
    """Let no signal interrupt the block; the names of those that came meanwhile are gathered in the list."""
    arrived: list[str] = []
    with _handled([signal.SIGINT, *_ENDING], lambda number, _: arrived.append(signal.Signals(number).name)):
        yield arrived


@contextmanager
def _handled(numbers: list[int], handler: Any) -> Iterator[None]:
    """Handle these signals inside the block. Only Python's main thread can; elsewhere nothing changes."""
    before = {number: signal.signal(number, handler) for number in numbers} if _in_main_thread() else {}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
