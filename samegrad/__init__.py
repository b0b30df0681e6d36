"""Samegrad for other people's packages, notebooks and graders: what is public is here, and is imported when asked for.

    from samegrad import Implementation, Task, Unavailable

`public.py` lists the names. Nothing else is promised to stay where it is.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from samegrad.public import *  # noqa: F403


def __getattr__(name: str) -> Any:
    public = importlib.import_module("samegrad.public")
    if name not in public.__all__:
        raise AttributeError(f"module 'samegrad' has no public name {name!r}; it has: {', '.join(public.__all__)}")
    return getattr(public, name)


def __dir__() -> list[str]:
    return importlib.import_module("samegrad.public").__all__
