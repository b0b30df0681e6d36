"""A heartbeat: something that is done again and again while the caller waits, so that long work is never silent."""

from __future__ import annotations

import threading
from collections.abc import Callable

BEAT_S = 1.0
"""Seconds between beats where a terminal shows how long something has taken."""
SILENT_S = 60.0
"""Seconds between beats where the output is no terminal: nothing is silent for longer."""


class Heartbeat:
    """Call `beat` every so many seconds inside a `with` block, from a thread that sleeps in between."""

    def __init__(self, beat: Callable[[], None], every_s: float) -> None:
        self._beat, self._every_s, self._ended = beat, every_s, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._ended.wait(self._every_s):
            self._beat()

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
