"""What the user's functions computed on the way: their local variables as they return, and the numbers they print.

A program's forward pass is often inline, its loss only printed. Both are seen here: `Watch` looks at every function of
the user's own files when it returns. Nothing of the program is changed.
"""

from __future__ import annotations

import builtins
import re
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np

from samegrad.impls.parameters import Array
from samegrad.impls.verifying.target import names
from samegrad.impls.verifying.target.places import to_array

LARGEST = 512
"""Elements of the largest array that is kept: a probe's own are smaller."""
NUMBER = re.compile(r"[-+]?\d+\.\d+(?:e[-+]?\d+)?")


class Watch:
    """A context in which the user's functions are watched.

    `arrays`: every array that a local variable held when its function returned, or that was returned.
    `numbers`: those that are called like a loss, by name, and those printed. `locals`: the last value under each name.
    """

    def __init__(self, is_own_file: Callable[[str], bool]) -> None:
        self.is_own_file = is_own_file
        self.arrays: list[Array] = []
        self.numbers: dict[str, float] = {}
        self.locals: dict[str, Any] = {}
        self._known: dict[str, bool] = {}

    def __enter__(self) -> Watch:
        self._print = builtins.print
        builtins.print = self._printed
        sys.setprofile(self._event)
        return self

    def __exit__(self, *exception: Any) -> None:
        sys.setprofile(None)
        builtins.print = self._print

    def _event(self, frame: FrameType, event: str, argument: Any) -> None:
        if event != "return" or not self._is_own(frame.f_code.co_filename):
            return
        function = frame.f_code.co_name
        if function == "<module>" or function.endswith("comp>"):
            return
        for name, value in list(frame.f_locals.items()):
            self._note(f"{function}.{name}", name, value)
            self.locals[name] = value
        self._note(f"{function}()", function, argument)

    def _is_own(self, file: str) -> bool:
        if file not in self._known:
            self._known[file] = self.is_own_file(file)
        return self._known[file]

    def _note(self, label: str, name: str, value: Any) -> None:
        if isinstance(value, list) and value and names.LOSS.search(name.lower().rstrip("s")):
            value = value[-1]
        if isinstance(value, tuple):
            for item in value[:8]:
                self._note(label, name, item)
            return
        array = to_array(value) if isinstance(value, np.ndarray | np.generic | float | list) else None
        if array is None or array.size > LARGEST:
            return
        if array.size > 1 or array.ndim:
            self.arrays.append(np.array(array, dtype=np.float64))
        if array.size == 1 and names.is_loss(name):
            self.numbers[label] = float(array.item())

    def _printed(self, *values: Any, **options: Any) -> None:
        for value in values:
            if isinstance(value, str) and names.SAYS_LOSS.search(value.lower()):
                for number, text in enumerate(NUMBER.findall(value)):
                    self.numbers[f"print {number}"] = float(text)
            elif (array := to_array(value)) is not None and array.size == 1:
                self.numbers["print"] = float(array.item())
