"""The two things that can be wrong before any arithmetic starts: the request, and the machine."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable


class BadInput(ValueError):
    """Raised for a request for something that does not exist; the message gives what was found and what is allowed."""

    refusal = "bad input"
    """The kind of failure, where a child answers with it."""

    def _render_traceback_(self) -> list[str]:
        """All that IPython shows of it."""
        return [f"BadInput: {self}"]


class Unavailable(RuntimeError):
    """Raised when a framework, device or dtype is unavailable here; the message gives what to install or change."""

    refusal = "unavailable"


def one_line(text: object) -> str:
    """A message on one line, of words that are not without end."""
    return re.sub(r"\S{300,}", lambda word: f"{word[0][:60]}…{word[0][-20:]}", " ".join(str(text).split()))


def choose(what: str, name: str, allowed: Iterable[str]) -> str:
    """Return `name` if it is one of `allowed`, else raise BadInput naming the nearest and all that are allowed."""
    allowed = list(allowed)
    if name in allowed:
        return name
    near = difflib.get_close_matches(str(name), allowed, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise BadInput(f"unknown {what} {name!r}; allowed: {', '.join(allowed)}.{hint}")
