"""The two things that can be wrong before any arithmetic starts: the request, and the machine."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BadInput(ValueError):
    """The user asked for something that does not exist; the message says what was found and what is allowed."""

    refusal = "bad input"
    """What kind of failure it is where a child answers with it."""


class Unavailable(RuntimeError):
    """A framework, device or dtype is unavailable here; the message says what to install or change."""

    refusal = "unavailable"


def choose(what: str, found: str, allowed: Iterable[str]) -> str:
    """Return `found` if it is one of `allowed`, else raise BadInput naming the nearest and all that are allowed."""
    allowed = list(allowed)
    if found in allowed:
        return found
    near = difflib.get_close_matches(str(found), allowed, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise BadInput(f"unknown {what} {found!r}; allowed: {', '.join(allowed)}.{hint}")
